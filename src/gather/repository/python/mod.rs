//! What Python projects install: requirements, `pyproject.toml`, and the lock files of uv, Poetry, PDM, Pipenv and pip.

use super::Format;

pub(super) const FORMATS: &[Format] = &[];
