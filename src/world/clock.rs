//! The clock, read once a run.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]

use super::env::Env;
use jiff::Timestamp;

/// The system clock.
///
/// A debug build takes the instant from `VETTED_TEST_NOW` (RFC 3339) where it is set, so that tests can travel in time. A
/// release build has no such variable: a clock that the environment can turn back would revive an expired manifest.
#[must_use]
pub fn now(env: &Env) -> Timestamp {
    held(env).unwrap_or_else(Timestamp::now)
}

/// Whether the clock is held still.
#[must_use]
pub fn is_held(env: &Env) -> bool {
    held(env).is_some()
}

fn held(env: &Env) -> Option<Timestamp> {
    if cfg!(debug_assertions) { env.text("VETTED_TEST_NOW")?.parse().ok() } else { None }
}
