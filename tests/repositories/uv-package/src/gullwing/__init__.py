"""Wing loads of gulls. o1 to o4 are the four flight orders (owls are none)."""

from __future__ import annotations

ORDERS = {"o1": 0.1, "o2": 0.2, "o3": 0.4, "o4": 0.8}
MODEL = "herring-gull-4"
BASE_URL = "https://birds.acme.example/v1"
