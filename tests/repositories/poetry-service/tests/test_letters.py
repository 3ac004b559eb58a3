import pytest


@pytest.mark.parametrize("size", ["o1", "o2"])
def test_size(size):
    assert size.startswith("o")
