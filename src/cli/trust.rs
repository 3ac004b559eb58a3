//! `vetted trust`: whom this machine believes, and since when.

use super::sync::{network_for, policy_folder, read_pin, refusal, say, words_of};
use super::{Context, PolicyArgs, next};
use crate::digest::{Algorithm, Digest};
use crate::error::{Error, ExitStatus};
use crate::manifest::Mode;
use crate::manifest::source::{SOURCE_FILE, SourcePin, parse_address};
use crate::manifest::trust_policy::Role;
use crate::report::words::count;
use crate::sync::SyncError;
use crate::sync::address::Address;
use crate::sync::transaction::{self, Failure, Issue, Job};
use crate::text::{printable, printable_path};
use crate::trust::document::{Folder, stated_name, verify_folder};
use crate::trust::place;
use crate::trust::state::{Floors, Store};
use crate::world::World;
use crate::world::files::FileError;
use crate::world::network::Network;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For how long another sync of the same folder is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// Whom this machine believes, and who may sign
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Pin(PinArgs),
    Show(ShowArgs),
    Next(next::Args),
}

/// Believe the policy of a source from now on, by the fingerprint of its trust policy
///
/// Writes `vetted-source.toml` into the policy folder and syncs for the first time. Without the fingerprint it is printed; a policy
/// that enforces is then refused, one that only monitors is pinned as it is.
#[derive(Debug, clap::Args)]
struct PinArgs {
    /// Address or folder that the policy is had from; several are tried in order
    #[arg(value_name = "URL|DIR", required = true)]
    sources: Vec<String>,
    /// SHA-256 of one version of its `vetted-trust.toml`, as the security team published it elsewhere
    #[arg(long, value_name = "FINGERPRINT", value_parser = parse_fingerprint)]
    sha256: Option<Digest>,
    /// Policy folder to write; without it the user's own
    #[arg(long, value_name = "DIR", help_heading = "Policy")]
    policy: Option<PathBuf>,
}

/// Say whom this machine believes: signers, thresholds, fingerprints
#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    policy: PolicyArgs,
}

fn parse_fingerprint(text: &str) -> Result<Digest, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    Digest::parse(Algorithm::Sha256, &hex).map_err(|e| e.to_string())
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the source cannot be used or is not believed; the policy that was in force then still is.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    match &args.action {
        Action::Pin(args) => pin(args, context),
        Action::Show(args) => show(args, context),
        Action::Next(args) => next::run(args, context),
    }
}

fn pin(args: &PinArgs, context: &Context) -> Result<ExitStatus, Error> {
    let world = &context.world;
    let folder = match &args.policy {
        Some(folder) => world.env.current_dir().join(folder),
        None => {
            world.env.user_policy().ok_or_else(|| Error::usage("there is no home folder").hint("`--policy DIR` names one"))?
        }
    };
    let texts = args.sources.iter().map(|text| address_of(world, text)).collect::<Result<Vec<_>, _>>()?;
    let sources: Result<Vec<Address>, _> = texts.iter().map(|text| text.parse()).collect();
    let sources = sources.map_err(|e| Error::usage("the address cannot be used").because(&e))?;
    let cannot = |e: &dyn std::error::Error| Error::undecided("cannot write the policy folder").because(e);
    let network = network_for(world, &sources)?;
    let fingerprint = match &args.sha256 {
        Some(fingerprint) => fingerprint.clone(),
        None => first_use(context, &folder, &sources, network.as_ref())?,
    };
    make_folder(world, &folder).map_err(|e| cannot(&e))?;
    let before = read_pin(world, &folder).ok().flatten();
    let path = folder.join(SOURCE_FILE);
    let write = |pin: &SourcePin| world.files.write_atomic(&path, pin.to_text().as_bytes(), 0o644);
    write(&SourcePin { sources: texts, fingerprint: Some(fingerprint.clone()) }).map_err(|e| cannot(&e))?;
    let job = Job {
        world,
        network: network.as_ref(),
        folder: &folder,
        sources: &sources,
        pin: Some(&fingerprint),
        floors: &Floors::default(),
        wait: WAIT,
        anew: true,
    };
    match transaction::run(&job) {
        Ok(done) => {
            say(context, &done);
            context.printer.say(&format!("vetted: {} is pinned in {}", fingerprint.hex(), printable_path(&path)));
            Ok(ExitStatus::Success)
        }
        Err(failures) => {
            // What was pinned before stays pinned; the first failure is the one to tell.
            let _ = match &before {
                Some(before) => write(before),
                None => world.files.remove(&path),
            };
            Err(not_pinned(refusal(world, &folder, &failures), &failures))
        }
    }
}

/// Nothing was pinned, so that no later sync would ask there: what is tried again is this very command.
fn not_pinned(error: Error, failures: &[Failure]) -> Error {
    if failures.last().is_some_and(|failure| matches!(failure.error, SyncError::Fetch(_))) {
        return Error {
            hints: vec!["nothing is pinned; look at the address, then run the same command again".to_owned()],
            ..error
        };
    }
    error
}

/// The machine's folder is for everybody to read, whatever the umask of its administrator.
fn make_folder(world: &World, folder: &Path) -> Result<(), FileError> {
    if world.env.machine_policy().as_deref() == Some(folder) {
        folder.parent().map_or(Ok(()), |above| world.files.create_folder(above))?;
        return world.files.create_shared_folder(folder);
    }
    world.files.create_folder(folder)
}

/// An address as it is written into a file: a folder becomes `file://`.
fn address_of(world: &World, text: &str) -> Result<String, Error> {
    let text = if text.contains("://") { text.to_owned() } else { file_address(&world.env.current_dir().join(text)) };
    parse_address(&text).map_err(|why| Error::usage("the address cannot be used").cause(why))
}

fn file_address(path: &Path) -> String {
    // A drive follows a slash of its own: file:///C:/policy.
    let mut address = String::from(if cfg!(windows) { "file:///" } else { "file://" });
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => address.push('/'),
            b':' if cfg!(windows) => address.push(':'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => address.push(char::from(*byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(address, "%{byte:02X}")),
        }
    }
    address
}

/// Look at a policy that nothing vouches for yet. What is found is what an attacker on the way would want found, so only a policy
/// that blocks nothing but what is revoked may be taken as it is.
fn first_use(context: &Context, folder: &Path, sources: &[Address], network: Option<&Network>) -> Result<Digest, Error> {
    let world = &context.world;
    let issue = transaction::preview(world, network, sources)
        .map_err(|failures| not_pinned(refusal(world, folder, &failures), &failures))?;
    let Some(fingerprint) = &issue.fingerprint else {
        return Err(Error::undecided("the source gave no trust policy"));
    };
    let told = format!("{} has the fingerprint {}", words_of(&issue), fingerprint.hex());
    let command = format!("--sha256 {}", fingerprint.hex());
    if issue.mode == Mode::Enforce {
        return Err(Error::undecided("a policy that enforces is pinned by its fingerprint alone")
            .cause(told)
            .hint("compare it with the fingerprint that the security team published elsewhere")
            .hint(format!("if they are the same, the same command with `{command}`")));
    }
    context.printer.say(&format!("vetted: {told}; it only monitors, and is pinned on first use"));
    context.printer.say("vetted: compare it with the fingerprint that the security team published elsewhere");
    Ok(fingerprint.clone())
}

fn show(args: &ShowArgs, context: &Context) -> Result<ExitStatus, Error> {
    let world = &context.world;
    let folder = policy_folder(world, args.policy.policy.as_deref())?;
    let pin = read_pin(world, &folder)?;
    let documents = place::documents_in(world.files, &folder)
        .map_err(|e| Error::undecided("cannot tell which documents are in force").because(&e))?;
    let name = stated_name(world.files, &documents)?;
    let state = Store::of(world)
        .load(&name)
        .map_err(|e| Error::undecided("what this machine remembers of the policy cannot be read").because(&e))?;
    let believed = verify_folder(world.files, &documents, world.now, &state, &args.policy.floors())?;
    let text = words(&folder, pin.as_ref(), &believed);
    let mut out = context.printer.stdout();
    super::written(write!(out, "{text}").and_then(|()| out.flush()))
}

fn words(folder: &Path, pin: Option<&SourcePin>, believed: &Folder) -> String {
    let (policy, issue) = (believed.trust.get(), Issue::of(believed));
    let mut lines = vec![words_of(&issue), format!("  folder       {}", printable_path(folder))];
    let fingerprint = issue.fingerprint.map(|digest| digest.hex()).unwrap_or_default();
    lines.push(format!("  fingerprint  {fingerprint}"));
    lines.push(format!("  expires      {}", policy.expires));
    match pin {
        Some(pin) => {
            let pinned = pin.fingerprint.as_ref().map_or("no fingerprint".to_owned(), Digest::hex);
            lines.push(format!("  pinned       {pinned}"));
            lines.extend(pin.sources.iter().map(|source| format!("  source       {}", printable(source))));
        }
        None => lines.push("  pinned       nothing: it is believed by its place".to_owned()),
    }
    for role in [Role::Root, Role::Manifest, Role::Revocations] {
        let Some(holders) = policy.roles.get(&role) else { continue };
        let names: Vec<_> = holders.signers.iter().map(|name| printable(name).into_owned()).collect();
        lines.push(format!("  {:<12} {} of {}", role.name(), holders.threshold, names.join(", ")));
    }
    for signer in policy.signers.values() {
        let keys = signer.keys.iter().map(|key| format!("key {}", key.fingerprint().hex()));
        let identities = signer.identities.iter().map(|identity| {
            format!("{} of {} at {}", printable(&identity.identity), printable(&identity.issuer), printable(&identity.instance))
        });
        let ways: Vec<_> = keys.chain(identities).collect();
        lines.push(format!("  {} signs with {}:", printable(&signer.id), count(ways.len() as u64, "way")));
        lines.extend(ways.into_iter().map(|way| format!("    {way}")));
    }
    lines.join("\n") + "\n"
}
