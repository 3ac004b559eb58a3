//! `vetted policy`: look at the policy in force as its signers do.

mod explain;

use super::Context;
use crate::error::{Error, ExitStatus};

/// Look at the policy in force
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say which layer and line decided about a tool, and what the others say of it
    Explain(explain::Args),
}

/// Run the command.
///
/// # Errors
/// As the command that was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Explain(args) => explain::run(args, context),
    }
}
