//! Models: weights that are kept or pointed at, ids in configuration and code.

mod lfs;

use super::Format;

pub(super) const FORMATS: &[Format] = &[lfs::FORMAT];
