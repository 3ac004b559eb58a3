//! What a policy folder is verified against: the clock, what this machine remembers, and the floors it was given.

use super::state::{Floors, State};
use crate::world::files::Files;
use crate::world::index_cache::IndexCache;
use jiff::Timestamp;
use std::path::Path;

/// What a folder is verified against.
#[derive(Clone, Copy)]
pub(super) struct Against<'a> {
    pub(super) files: Files,
    pub(super) folder: &'a Path,
    /// The clock, or the latest time that was signed where that is later.
    pub(super) now: Timestamp,
    pub(super) state: &'a State,
    pub(super) floors: &'a Floors,
    pub(super) indexes: &'a IndexCache,
}
