//! `vetted check`: gather, decide, report.

use super::{Context, PolicyArgs};
use crate::error::{Error, ExitStatus};

/// Judge the AI tools on this machine and in this repository
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the policy or the evidence cannot be had.
pub(super) fn run(_args: &Args, _context: &Context) -> Result<ExitStatus, Error> {
    Ok(ExitStatus::Undecided)
}
