//! The command line: one command a file, each an `Args` and a `run`.

mod approve;
mod baseline;
mod change;
mod check;
mod completions;
mod doctor;
mod explain;
mod hook;
mod in_force;
mod init;
mod key;
mod key_file;
mod man;
mod next;
mod observe;
mod policy;
mod policy_lines;
mod previous;
mod pushed;
mod refresh;
mod revoke;
mod scan;
mod sign;
mod signer;
mod sync;
mod trust;
mod verify;
mod waive;
mod withdraw;

use crate::error::{Error, ExitStatus};
use crate::report::{Detail, Style};
use crate::trust::document::{Loaded, load_policy};
use crate::trust::state::{Floor, Floors};
use crate::ui::{Printer, Volume};
use crate::world::World;
use clap::error::ErrorKind;
use clap::{Args, FromArgMatches as _, Parser, Subcommand};
use std::cell::OnceCell;
use std::path::PathBuf;

/// Know which AI tools may touch your code.
///
/// `vetted check` finds the AI tools on this machine and in this repository and blocks what is revoked or not approved. It reads
/// bytes on disk, executes nothing it finds and opens no socket.
#[derive(Debug, Parser)]
#[command(name = "vetted", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Say only what blocks or failed
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Say everything that is known: whole digests, every place
    #[arg(long, short, global = true, help_heading = "Output")]
    pub verbose: bool,
}

/// Where the policy comes from.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// Folder with `vetted.toml`, its signatures and `vetted-trust.toml`.
    ///
    /// Without it: the machine's policy folder, else the user's, else the built-in starter policy. The machine's folder, where it
    /// holds a policy, outranks this option.
    #[arg(long, value_name = "DIR", help_heading = "Policy")]
    pub policy: Option<PathBuf>,
    /// The least serial of the manifest that is believed, or `revocations=N`, `trust=N`; repeatable.
    ///
    /// For runners that remember nothing between runs: an older policy than this is refused.
    #[arg(long, value_name = "[DOCUMENT=]N", help_heading = "Policy")]
    pub min_serial: Vec<Floor>,
}

impl PolicyArgs {
    /// The least serials that are accepted.
    #[must_use]
    pub fn floors(&self) -> Floors {
        self.min_serial.iter().copied().collect()
    }

    /// The policy in force. What a person has to know of it although it is believed is said on standard error, at every volume.
    ///
    /// # Errors
    /// As [`load_policy`].
    pub fn load(&self, context: &Context) -> Result<Loaded, Error> {
        let loaded = load_policy(&context.world, self.policy.as_deref(), &self.floors())?;
        for warning in &loaded.warnings {
            context.printer.warn(warning);
        }
        Ok(loaded)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Scan(scan::Args),
    Verify(verify::Args),
    Explain(explain::Args),
    Doctor(doctor::Args),
    Hook(hook::Args),
    Init(init::Args),
    Approve(approve::Args),
    Revoke(revoke::Args),
    Withdraw(withdraw::Args),
    Waive(waive::Args),
    Baseline(baseline::Args),
    Sign(sign::Args),
    Key(key::Args),
    Sync(sync::Args),
    Trust(trust::Args),
    Policy(policy::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// What a command is given besides its own arguments.
#[derive(Debug)]
pub struct Context {
    /// What it may touch.
    pub world: World,
    /// Where it may write.
    pub printer: Printer,
    /// The policy that a check was judged by, for what follows its answer.
    judged: OnceCell<refresh::Judged>,
}

impl Context {
    /// How output for people looks here. Colour is always written; the printer takes it out where nobody can see it.
    #[must_use]
    pub fn style(&self) -> Style {
        Style {
            width: self.printer.width(),
            detail: match self.printer.volume {
                Volume::Quiet => Detail::Quiet,
                Volume::Normal => Detail::Normal,
                Volume::Verbose => Detail::Verbose,
            },
            colour: true,
            home: self.world.env.home(),
            ..Style::default()
        }
    }
}

/// The exit status of a command whose work was to write. A reader that went away (`vetted scan | head`) has what it wanted.
fn written(result: std::io::Result<()>) -> Result<ExitStatus, Error> {
    match result {
        Ok(()) => Ok(ExitStatus::Success),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitStatus::Success),
        Err(e) => Err(Error::undecided("cannot write the output").because(&e)),
    }
}

/// Parse the arguments of the process, run the command, say what went wrong.
#[must_use]
pub fn main() -> ExitStatus {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help to standard output and mistakes to standard error; nothing is left to do if that fails.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
        }
    };
    let volume = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    };
    let context = Context { world: World::of_this_process(), printer: Printer::new(volume), judged: OnceCell::new() };
    let hook = match &cli.command {
        Command::Check(args) if args.is_hook() => Some(args.named_folder()),
        _ => None,
    };
    let status = match run(cli.command, &context) {
        Ok(status) => status,
        Err(error) => {
            context.printer.error(&error);
            error.status()
        }
    };
    if let Some(named) = hook {
        refresh::after_the_answer(&context, named.as_deref());
    }
    status
}

/// The arguments of the process.
///
/// All commands with their options take half a millisecond to build, and `check` runs before each commit. So it is asked first whether
/// the arguments are those of `check`, or ask for the version; whatever else they are, and whatever is wrong with them, the whole
/// command line says.
fn parse() -> Result<Cli, clap::Error> {
    let check = check::Args::augment_args(clap::Command::new("check"));
    let alone = Global::augment_args(clap::Command::new("vetted").version(env!("CARGO_PKG_VERSION"))).subcommand(check);
    match alone.try_get_matches().and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
        Err(error) if error.kind() != ErrorKind::DisplayVersion => Cli::try_parse(),
        answered => answered,
    }
}

fn run(command: Command, context: &Context) -> Result<ExitStatus, Error> {
    match command {
        Command::Check(args) => check::run(&args, context),
        Command::Scan(args) => scan::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Explain(args) => explain::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Hook(args) => hook::run(&args, context),
        Command::Init(args) => init::run(&args, context),
        Command::Approve(args) => approve::run(&args, context),
        Command::Revoke(args) => revoke::run(&args, context),
        Command::Withdraw(args) => withdraw::run(&args, context),
        Command::Waive(args) => waive::run(&args, context),
        Command::Baseline(args) => baseline::run(&args, context),
        Command::Sign(args) => sign::run(&args, context),
        Command::Sync(args) => sync::run(&args, context),
        Command::Key(args) => key::run(&args, context),
        Command::Trust(args) => trust::run(&args, context),
        Command::Policy(args) => policy::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Man(args) => man::run(&args, context),
    }
}
