//! What a run may touch, one capability a file. Nothing else in the program opens a file, reads the environment or the clock.
//!
//! A [`World`] has no network: `sync` and `trust` make one and pass it on, `check` has none to pass. Offline is the absence of a
//! value, not a flag.

pub mod cache;
pub mod clock;
pub mod env;
pub mod files;
pub mod git;
mod index;
pub mod index_cache;
mod journal;
pub mod memo;
pub mod network;
pub mod process;
pub mod proof_cache;

use env::Env;
use files::Files;
use jiff::Timestamp;
use journal::Journal;
use std::time::{Duration, Instant};

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
        // There is one process, so there is one journal, for as long as the process lasts.
        let journal: &'static Journal = Box::leak(Box::default());
        let env = Env::of_this_process().heard_by(journal);
        Self { now: clock::now(&env), env, files: Files::heard_by(journal) }
    }

    /// Bytes that nobody can guess, from the operating system, where it has them.
    #[must_use]
    pub fn random(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).is_ok().then_some(bytes)
    }

    /// The time since an instant; `None` where the clock is held still, so that output is the same every time.
    #[must_use]
    pub fn elapsed(&self, since: Instant) -> Option<Duration> {
        (!clock::is_held(&self.env)).then(|| since.elapsed())
    }
}
