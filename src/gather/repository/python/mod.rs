//! What Python projects install: requirements, `pyproject.toml`, and the lock files of uv, Poetry, PDM, Pipenv and pip.

mod conda;
mod locked;
mod pdm_lock;
mod pipfile;
mod pipfile_lock;
mod poetry;
mod poetry_lock;
mod pylock;
pub(super) mod pypi;
mod pyproject;
mod requirements;
mod setup;
mod uv_lock;

use super::Format;

pub(super) const FORMATS: &[Format] = &[
    requirements::FORMAT,
    pyproject::FORMAT,
    setup::FORMAT,
    conda::FORMAT,
    uv_lock::FORMAT,
    poetry_lock::FORMAT,
    pdm_lock::FORMAT,
    pylock::FORMAT,
    pipfile::FORMAT,
    pipfile_lock::FORMAT,
];
