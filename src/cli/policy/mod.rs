//! `vetted policy`: look at a policy before and after it is signed. Nothing here changes one.

mod check;
mod diff;
mod explain;
mod read;
mod simulate;
mod status;

pub(super) use check::reasons_against;
pub(super) use simulate::draft;

use super::Context;
use crate::error::{Error, ExitStatus};

/// Look at a policy: why it decides as it does, what a change means, who has to sign
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Args),
    Diff(diff::Args),
    Explain(explain::Args),
    Status(status::Args),
    Simulate(simulate::Args),
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the command below.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Check(args) => check::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Simulate(args) => simulate::run(args, context),
    }
}
