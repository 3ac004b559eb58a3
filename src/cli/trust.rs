//! `vetted trust`: who may sign.

use super::{Context, next};
use crate::error::{Error, ExitStatus};

/// Change who may sign
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Next(next::Args),
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the command below.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Next(args) => next::run(args, context),
    }
}
