//! `vetted hook`: put the check before the commits and pushes of a repository, take it out again, say whether it is in force.
//!
//! An installed hook is a dozen lines of POSIX sh (`hooks/`). It carries its own version and digest, so that an older one can be
//! renewed and one that somebody edited is left alone. A hook that was there before is kept under another name and runs first;
//! nothing is ever overwritten.

mod change;
mod place;
mod shim;
mod status;

pub(super) use status::HookStatus;

use super::Context;
use crate::error::{Error, ExitStatus};
use place::Place;
use shim::Kind;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Put the check before the commits and pushes of a repository
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Install hooks; one that is there already keeps running
    Install {
        /// Which hook, repeatable; `pre-commit` without it
        #[arg(long = "kind", value_name = "HOOK", value_enum)]
        kinds: Vec<Kind>,
        #[command(flatten)]
        target: Target,
        /// Replace a hook although it was edited by hand
        #[arg(long)]
        overwrite_edited: bool,
    },
    /// Take hooks out and put back what was there before
    Uninstall {
        /// Which hook, repeatable; every one of vetted's without it
        #[arg(long = "kind", value_name = "HOOK", value_enum)]
        kinds: Vec<Kind>,
        #[command(flatten)]
        target: Target,
    },
    /// Say which hooks git runs; exits with 1 when the one before a commit, or a named one, is not vetted's
    Status {
        /// Which hook, repeatable; the one before a commit and every other of vetted's without it
        #[arg(long = "kind", value_name = "HOOK", value_enum)]
        kinds: Vec<Kind>,
        #[command(flatten)]
        target: Target,
    },
    /// Write a hook to standard output, for servers and programs that keep hooks in a place of their own
    Print {
        /// Which hook
        #[arg(value_name = "NAME", value_enum)]
        kind: Kind,
    },
}

#[derive(Debug, clap::Args)]
struct Target {
    /// The repository, by any folder in it; the one of the working directory without it
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the repository cannot be read or a hook cannot be changed safely; nothing is changed then.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let said = match &args.action {
        Action::Install { kinds, target, overwrite_edited } => {
            let place = Place::find(target, &context.world)?;
            let kinds = if kinds.is_empty() { vec![Kind::PreCommit] } else { once_each(kinds) };
            change::install(&place, &kinds, (program(context)?, *overwrite_edited), files)?
        }
        Action::Uninstall { kinds, target } => {
            change::uninstall(&Place::find(target, &context.world)?, &once_each(kinds), files)?
        }
        Action::Status { kinds, target } => {
            let status = status::look(&Place::find(target, &context.world)?, &once_each(kinds), files)?;
            let mut out = context.printer.stdout();
            super::written(writeln!(out, "{}", status.lines.join("\n")).and_then(|()| out.flush()))?;
            return Ok(if status.is_effective { ExitStatus::Success } else { ExitStatus::Blocked });
        }
        Action::Print { kind } => {
            let mut out = context.printer.stdout();
            return super::written(out.write_all(&kind.render(program(context)?)).and_then(|()| out.flush()));
        }
    };
    for line in said {
        context.printer.say(&line);
    }
    Ok(ExitStatus::Success)
}

/// Look at the hook before a commit in the repository of the working directory, and at the others that are vetted's.
///
/// # Errors
/// [`Error`] when there is no repository, or it or a hook cannot be read.
pub(super) fn inspect(context: &Context) -> Result<HookStatus, Error> {
    status::look(&Place::find(&Target { repository: None }, &context.world)?, &[], context.world.files)
}

fn program(context: &Context) -> Result<&Path, Error> {
    context.world.env.program().ok_or_else(|| Error::undecided("the system does not tell where this program lies"))
}

/// Kinds without repetition, in the order in which they were named.
fn once_each(kinds: &[Kind]) -> Vec<Kind> {
    let mut seen = Vec::new();
    for kind in kinds {
        if !seen.contains(kind) {
            seen.push(*kind);
        }
    }
    seen
}
