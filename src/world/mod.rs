//! What a run may touch, one capability a file. Nothing else in the program opens a file, reads the environment or the clock.
//!
//! There is no network capability in `check`: offline is the absence of a value, not a flag.

pub mod cache;
pub mod clock;
pub mod env;
pub mod files;
pub mod git;
mod index;

use env::Env;
use files::Files;
use jiff::Timestamp;

/// The capabilities of one run, read once at its start.
#[derive(Debug)]
pub struct World {
    /// The instant everything is decided for.
    pub now: Timestamp,
    /// A snapshot of the environment.
    pub env: Env,
    /// The file system.
    pub files: Files,
}

impl World {
    /// The world of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let env = Env::of_this_process();
        Self { now: clock::now(&env), env, files: Files }
    }
}
