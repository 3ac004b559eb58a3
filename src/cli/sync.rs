//! `vetted sync`: bring the newest policy here.

use super::{Context, PolicyArgs};
use crate::error::{Error, ExitStatus};
use crate::manifest::source::{SOURCE_FILE, SourcePin};
use crate::manifest::{MAX_UNVERIFIED, SyncRules};
use crate::sync::SyncError;
use crate::sync::address::Address;
use crate::sync::record::Record;
use crate::sync::roots::{self, Outcome};
use crate::sync::schedule::{self, Plan, Scheduler};
use crate::sync::transaction::{self, Change, Done, Failure, Issue, Job};
use crate::text::{printable, printable_path};
use crate::trust::Refusal;
use crate::trust::document::{holds_policy, stated_name, verify_folder};
use crate::trust::place;
use crate::trust::state::{Floors, StateError, Store};
use crate::ui::Volume;
use crate::world::World;
use crate::world::network::{Network, Patience};
use crate::world::process;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For how long another sync of the same folder is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// Bring the newest policy here
///
/// Asks the sources of the policy in order, verifies what one gave as `check` would, and puts it in force whole. What is not
/// believed changes nothing. Exit status: 0 up to date or updated, 2 usage, 3 no source gave a policy that is believed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask here, and nowhere else: `https://`, `file://`, `git+https://`, `git+ssh://`, `git+file://`, `tuf+https://`; repeatable,
    /// tried in order
    #[arg(long = "source", value_name = "URL", help_heading = "Source")]
    sources: Vec<Address>,
    /// Leave the terminal, say nothing, and leave at once where another sync is under way
    #[arg(long, conflicts_with = "schedule", help_heading = "Schedule")]
    background: bool,
    /// Print what makes a scheduler run it as often as the policy says, at a time of this machine's own
    #[arg(long, value_enum, value_name = "SCHEDULER", help_heading = "Schedule")]
    schedule: Option<Scheduler>,
    /// Write it where the scheduler looks for it, and say the command that starts it
    #[arg(long, requires = "schedule", help_heading = "Schedule")]
    install: bool,
    /// Leave the built-in trusted roots of Sigstore instances as they are.
    ///
    /// Else they are renewed from the instances' TUF repositories where those can be reached, and where the trust policy does not
    /// pin the organisation's own.
    #[arg(long, conflicts_with = "schedule", help_heading = "Source")]
    no_roots: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// In the background the built-in trusted roots are renewed once in this time.
const ROOTS_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Run the command.
///
/// # Errors
/// As [`sync_policy`].
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let result = sync_policy(args, context);
    if !args.no_roots && args.schedule.is_none() {
        renew_roots(args, context);
    }
    result
}

/// Bring the policy.
///
/// # Errors
/// [`Error`] of the kind `Usage` when nobody says where to ask, of the kind `Undecided` when no source gave a policy that is
/// believed: the policy that was in force then still is.
fn sync_policy(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let world = &context.world;
    let folder = policy_folder(world, args.policy.policy.as_deref())?;
    if let Some(scheduler) = args.schedule {
        return plan(args, context, scheduler, folder);
    }
    if args.background {
        process::leave_the_session();
    }
    let pin = read_pin(world, &folder)?;
    let sources = if args.sources.is_empty() { configured(world, &folder, pin.as_ref())? } else { args.sources.clone() };
    let fingerprint = pin.and_then(|pin| pin.fingerprint);
    let floors = args.policy.floors();
    let wait = if args.background { Duration::ZERO } else { WAIT };
    let network = network_for(world, &sources)?;
    let job = Job {
        world,
        network: network.as_ref(),
        folder: &folder,
        sources: &sources,
        pin: fingerprint.as_ref(),
        floors: &floors,
        wait,
        anew: false,
    };
    match transaction::run(&job) {
        Ok(done) => {
            if !args.background {
                say(context, &done);
            }
            Ok(ExitStatus::Success)
        }
        // Who started it in the background has what they wanted: it is being synced.
        Err(failures) if args.background && failures.iter().any(|f| matches!(f.error, SyncError::Busy)) => {
            Ok(ExitStatus::Success)
        }
        Err(failures) => Err(refusal(world, &folder, &failures)),
    }
}

/// Renew the trusted roots that are part of this program. Nothing that goes wrong with it fails a sync.
fn renew_roots(args: &Args, context: &Context) {
    let world = &context.world;
    if args.background && roots::renewed_within(world, ROOTS_EVERY) {
        return;
    }
    let own = policy_folder(world, args.policy.policy.as_deref()).map(|folder| own_instances(world, &folder)).unwrap_or_default();
    let Ok(network) = Network::new(roots::patience(Patience::of(&world.env))) else { return };
    for renewal in roots::renew(world, &network, &own) {
        let instance = printable(&renewal.instance);
        let line = match &renewal.outcome {
            Outcome::Same if context.printer.volume < Volume::Verbose => continue,
            Outcome::Same => format!("vetted: the trusted root of `{instance}` is up to date"),
            Outcome::Renewed => format!("vetted: the trusted root of `{instance}` was renewed"),
            Outcome::Kept(why) => {
                format!("vetted: the trusted root of `{instance}` was not renewed, the one here counts on: {}", printable(why))
            }
        };
        if !args.background {
            context.printer.say(&line);
        }
    }
}

/// The ids of the instances that the believed trust policy of a folder pins.
fn own_instances(world: &World, folder: &Path) -> BTreeSet<String> {
    let believed = place::documents_in(world.files, folder).ok().and_then(|documents| {
        let name = stated_name(world.files, &documents).ok()?;
        let state = Store::of(world).load(&name).ok()?;
        verify_folder(world.files, &documents, world.now, &state, &Floors::default()).ok()
    });
    believed.map(|folder| folder.trust.get().instances.keys().cloned().collect()).unwrap_or_default()
}

/// The folder to sync: the one that is named, else the machine's where it holds a policy or says where one is had from, else the
/// user's.
pub(super) fn policy_folder(world: &World, named: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(folder) = named {
        return Ok(world.env.current_dir().join(folder));
    }
    let is_used = |folder: &PathBuf| {
        world.files.lstat(&folder.join(SOURCE_FILE)).is_ok() || holds_policy(world.files, folder).unwrap_or(true)
    };
    world
        .env
        .machine_policy()
        .filter(is_used)
        .or_else(|| world.env.user_policy())
        .ok_or_else(|| Error::usage("there is no home folder").hint("`--policy DIR` names a folder"))
}

/// `vetted-source.toml`, where there is one.
pub(super) fn read_pin(world: &World, folder: &Path) -> Result<Option<SourcePin>, Error> {
    let path = folder.join(SOURCE_FILE);
    let cannot = |error: &dyn std::error::Error| {
        Error::undecided(format!("cannot use `{}`", printable_path(&path)))
            .because(error)
            .hint("`vetted trust pin URL --sha256 FINGERPRINT` writes it anew")
    };
    match world.files.read(&path, MAX_UNVERIFIED) {
        Ok(bytes) => SourcePin::parse(&path, &bytes).map(Some).map_err(|e| cannot(&e)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(cannot(&error)),
    }
}

/// What the policy that is here says about getting newer ones. A policy that is not believed any more says nothing.
fn rules(world: &World, folder: &Path) -> SyncRules {
    if let Some(held) = Record::load(world.files, folder).held {
        return SyncRules { sources: held.sources, every: SignedDuration::from_secs(held.every) };
    }
    let believed = place::documents_in(world.files, folder).ok().and_then(|documents| {
        let name = stated_name(world.files, &documents).ok()?;
        let state = Store::of(world).load(&name).ok()?;
        verify_folder(world.files, &documents, world.now, &state, &Floors::default()).ok()
    });
    believed.map(|folder| folder.manifest.get().sync.clone()).unwrap_or_default()
}

/// The addresses of the policy, then those that the pin names, each once: an organisation that moved can still be found.
pub(super) fn in_order(of_policy: &[String], pin: Option<&SourcePin>) -> Vec<String> {
    let mut texts = of_policy.to_vec();
    texts.extend(pin.into_iter().flat_map(|pin| pin.sources.iter().cloned()));
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts
}

/// The addresses that are asked where none is named.
fn configured(world: &World, folder: &Path, pin: Option<&SourcePin>) -> Result<Vec<Address>, Error> {
    let texts = in_order(&rules(world, folder).sources, pin);
    if texts.is_empty() {
        return Err(Error::usage(format!("nothing says where the policy of `{}` is had from", printable_path(folder)))
            .cause(format!("expected `[sync] sources` in a believed `vetted.toml`, or `{SOURCE_FILE}`; found neither"))
            .hint("`vetted trust pin URL --sha256 FINGERPRINT` says where; `--source URL` asks once"));
    }
    let parsed: Result<Vec<Address>, _> = texts.iter().map(|text| text.parse()).collect();
    parsed.map_err(|e| Error::undecided("an address of the policy cannot be used").because(&e))
}

/// The network, where one of the sources needs it.
pub(super) fn network_for(world: &World, sources: &[Address]) -> Result<Option<Network>, Error> {
    if !sources.iter().any(Address::needs_network) {
        return Ok(None);
    }
    let network = Network::new(Patience::of(&world.env));
    network.map(Some).map_err(|e| Error::undecided("cannot set up the network").because(&e))
}

/// What happened, in a few lines of talk.
pub(super) fn say(context: &Context, done: &Done) {
    for Failure { source, error } in &done.failures {
        context.printer.say(&format!("vetted: `{}` was of no use: {}", printable(source), printable(&error.to_string())));
    }
    let source = printable(&done.source);
    context.printer.say(&match &done.change {
        Change::None { name } => format!("vetted: {} is up to date (`{source}`)", printable(name)),
        Change::Updated(issue) => format!("vetted: {} is in force now (`{source}`)", words_of(issue)),
    });
    for warning in &done.warnings {
        context.printer.say(&format!("vetted: {}", printable(warning)));
    }
}

/// The issue of a policy in words.
pub(super) fn words_of(issue: &Issue) -> String {
    let revocations = issue.revocations.map(|serial| format!(", revocations {serial}")).unwrap_or_default();
    format!("{} {}{revocations}, trust policy {}", printable(&issue.name), issue.manifest, issue.trust)
}

/// Why a sync changed nothing, with what to do about it.
pub(super) fn refusal(world: &World, folder: &Path, failures: &[Failure]) -> Error {
    let stays = match place::documents_in(world.files, folder).map(|documents| stated_name(world.files, &documents)) {
        Ok(Ok(name)) => format!("; {} stays as it is", printable(&name)),
        _ => String::new(),
    };
    let is_here = failures.last().is_some_and(|failure| !failure.error.is_of_source());
    let what = if is_here { "the policy cannot be synced" } else { "no source gave a newer policy that is believed" };
    let mut error = Error::undecided(format!("{what}{stays}"));
    for failure in failures {
        error = error.cause(match failure.source.as_str() {
            "" => failure.error.to_string(),
            source => format!("`{}`: {}", printable(source), failure.error),
        });
    }
    match failures.last().map(|failure| hint(&failure.error, folder)) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(error: &SyncError, folder: &Path) -> String {
    match error {
        SyncError::NoAnchor => {
            "`vetted trust pin URL --sha256 FINGERPRINT` says whom to believe; the security team publishes the fingerprint"
                .to_owned()
        }
        SyncError::Write(_) => format!(
            "run it as the owner of `{}`, or let its schedule do so: `vetted sync --schedule systemd`",
            printable_path(folder)
        ),
        SyncError::Busy => "`vetted sync` again when it is done".to_owned(),
        SyncError::Place(_) => format!("remove `{}`, then `vetted sync`", printable_path(&folder.join(place::POINTER_FILE))),
        SyncError::State(error) => match error {
            StateError::Broken { path, .. } => {
                format!("if nobody meant to hide an older policy by it, remove `{}`", printable_path(path))
            }
            StateError::File(error) => format!("make it readable for this user: {error}"),
        },
        SyncError::Refused(unbelieved) => match unbelieved.refusal {
            Refusal::Rollback { .. } | Refusal::Equivocation { .. } | Refusal::RevocationsLost(_) => {
                "tell the security team: the source serves what this machine must not believe".to_owned()
            }
            Refusal::Fingerprint { .. } => "compare the fingerprint with the one that the security team published".to_owned(),
            _ => "tell the security team: what the source serves is not whole".to_owned(),
        },
        SyncError::Missing(_) | SyncError::NotPinned { .. } | SyncError::TrustExpired(_) => {
            "tell the security team: what the source serves is not whole, or not renewed".to_owned()
        }
        SyncError::Fetch(_) | SyncError::TooMuch { .. } => {
            "`vetted sync` tries again; `vetted sync --source URL` asks another mirror".to_owned()
        }
    }
}

fn plan(args: &Args, context: &Context, scheduler: Scheduler, folder: PathBuf) -> Result<ExitStatus, Error> {
    let world = &context.world;
    let program = world.env.program().ok_or_else(|| Error::undecided("the system does not tell where this program is"))?;
    let plan = Plan {
        program: program.to_owned(),
        is_of_machine: world.env.machine_policy().as_ref() == Some(&folder),
        every: rules(world, &folder).every,
        folder,
        seed: schedule::seed(world),
    };
    let schedule = schedule::schedule(scheduler, &plan, world.env.home().as_deref())
        .map_err(|e| Error::usage("there is no schedule for this").because(&e))?;
    if !args.install {
        let mut out = context.printer.stdout();
        return super::written(write!(out, "{}", schedule.to_text()).and_then(|()| out.flush()));
    }
    if scheduler == Scheduler::Cron && !plan.is_of_machine {
        return Err(Error::usage("a cron table of a user is changed by `crontab` alone").hint(format!("`{}`", schedule.start)));
    }
    for file in &schedule.files {
        let cannot = |e: &dyn std::error::Error| Error::undecided("cannot write the schedule").because(e);
        if let Some(parent) = file.path.parent() {
            world.files.create_folder(parent).map_err(|e| cannot(&e))?;
        }
        world.files.write_atomic(&file.path, file.text.as_bytes(), 0o644).map_err(|e| cannot(&e))?;
        context.printer.say(&format!("vetted: {} is written", printable_path(&file.path)));
    }
    context.printer.say(&format!("vetted: to start it: {}", schedule.start));
    Ok(ExitStatus::Success)
}
