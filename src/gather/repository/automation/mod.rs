//! What runs by itself or by a person's command: workflows, pipelines, scripts, and the files of version managers.

pub(super) mod command;

use super::Format;

pub(super) const FORMATS: &[Format] = &[];
