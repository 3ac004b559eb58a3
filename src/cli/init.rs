//! `vetted init`: a key, a trust policy and a manifest, both signed.

use super::Context;
use super::change::shell_word;
use super::change::{REVOCATIONS_LIFETIME, TRUST_LIFETIME};
use super::key_file::{KeyArgs, keys_folder, user_name};
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::manifest::edit::Founders;
use crate::manifest::{Beacon, Manifest, Mode, TrustPolicy, edit};
use crate::text::printable_path;
use crate::trust::builtin::STARTER;
use crate::trust::document::{self, MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE};
use crate::trust::key::{self, MAX_KEY_FILE};
use crate::trust::sigstore::SigningKey;
use crate::world::files::Files;
use jiff::SignedDuration;
use pkcs8::SecretDocument;
use std::path::{Path, PathBuf};

/// How long the first manifest lives.
const MANIFEST_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Make a policy folder: `vetted-trust.toml`, `vetted.toml` and, with somebody on call, `vetted-revocations.toml`
///
/// Alone, it makes a key for the user and signs both documents. As a team, each signer is named with a public key, which `vetted key
/// generate` prints: `vetted init DIR --signer alice=alice.pub --signer bob=bob.pub --threshold 2 --on-call dana=dana.pub`. Then
/// nothing is believed before enough of them signed it with `vetted sign`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to make; without it the user's own policy folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// A signer, with the public key of that person as PEM; a key is made here for one who is named without; without any, for the
    /// user
    #[arg(long = "signer", value_name = "NAME[=FILE]")]
    signers: Vec<String>,
    /// How many signers sign the trust policy and the manifest; without it more than half of them
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    threshold: Option<u32>,
    /// Somebody who may revoke alone, and approve nothing; makes `vetted-revocations.toml`, too
    #[arg(long, value_name = "NAME=FILE")]
    on_call: Vec<String>,
    /// Name of the policy, for example `acme.example/ai-tools`
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What happens to a tool that nobody approved: `monitor` lists it, `enforce` blocks it
    #[arg(long, value_name = "MODE", default_value = "monitor", value_parser = ["monitor", "enforce"])]
    mode: String,
    #[command(flatten)]
    key: KeyArgs,
}

/// Those who will sign, and the key that is made here, if one is.
struct Team {
    signers: Vec<(String, String)>,
    threshold: usize,
    on_call: Vec<(String, String)>,
    own: Option<Own>,
}

/// A key that is made here.
struct Own {
    name: String,
    path: PathBuf,
    key: SigningKey,
    pkcs8: SecretDocument,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when something is there already or cannot be made; nothing is left half-made.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => context.world.env.user_policy().ok_or_else(|| Error::usage("there is no home folder; name a folder"))?,
    };
    let team = team(args, context)?;
    let first = team.signers.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let name = args.name.clone().unwrap_or_else(|| format!("{first}/ai-tools"));
    let documents = documents(args, &team, &name, &folder, context)?;
    let mut targets: Vec<PathBuf> = team.own.iter().map(|own| own.path.clone()).collect();
    for (path, _) in &documents {
        targets.push(path.clone());
        targets.extend(document::signature_paths(path));
    }
    refuse_to_overwrite(files, &targets)?;

    // Everything is made in memory first, so that a name that cannot be used leaves nothing behind.
    let mut written: Vec<(PathBuf, Vec<u8>, u32)> = Vec::new();
    if let Some(own) = &team.own {
        let password = args.key.new_password(context)?;
        let pem = key::encrypt(&own.pkcs8, &password).map_err(|e| Error::undecided("cannot encrypt the key").because(&e))?;
        written.push((own.path.clone(), pem.as_bytes().to_vec(), 0o600));
    }
    for (path, text) in &documents {
        written.push((path.clone(), text.as_bytes().to_vec(), 0o644));
        if let Some(own) = &team.own {
            let bundle = own.key.sign(text.as_bytes()).map(|line| line + "\n");
            let bundle = bundle.ok_or_else(|| Error::undecided("cannot sign: the system gives no random numbers"))?;
            let [_, signature] = document::signature_paths(path);
            written.push((signature, bundle.into_bytes(), 0o644));
        }
    }
    let mut making = Making { files, made: Vec::new() };
    for (path, bytes, mode) in &written {
        making.file(path, bytes, *mode)?;
    }
    if let Some(own) = team.own.as_ref().filter(|_| args.key.key.is_none()) {
        making.keep_out_of_git(&own.path)?;
    }
    let is_signed = team.own.is_some() && team.threshold == 1;
    if is_signed {
        document::load_folder(files, &folder, context.world.now)?;
    }
    making.made.clear();
    say(context, args, &team, &folder, &name);
    Ok(ExitStatus::Success)
}

/// Read who signs, and make the key of the one who has none.
fn team(args: &Args, context: &Context) -> Result<Team, Error> {
    let named = if args.signers.is_empty() { vec![user_name(context)] } else { args.signers.clone() };
    let mut signers = Vec::new();
    let mut own: Option<Own> = None;
    for signer in &named {
        if let Some((name, path)) = signer.split_once('=') {
            signers.push((name.to_owned(), public_key(context, name, Path::new(path))?));
            continue;
        }
        if let Some(other) = &own {
            let error = Error::usage(format!("`--signer {}` and `--signer {signer}` name no public key", other.name));
            return Err(error
                .cause("one key is made here, for one person: a private key belongs to nobody else")
                .hint(format!("`--signer {signer}=FILE` with the public key that {signer} sent")));
        }
        let (key, pkcs8) = key::generate().map_err(|e| Error::undecided("cannot make a key").because(&e))?;
        let path = match &args.key.key {
            Some(path) => path.clone(),
            None => keys_folder(context)?.join(format!("{signer}.key")),
        };
        signers.push((signer.clone(), key.public_pem()));
        own = Some(Own { name: signer.clone(), path, key, pkcs8 });
    }
    if let (None, Some(path)) = (&own, &args.key.key) {
        return Err(Error::usage(format!("no key is made for `{}`", printable_path(path)))
            .cause("every signer has a public key already")
            .hint("leave `--key` out; `vetted sign --key FILE` signs"));
    }
    let mut on_call = Vec::new();
    for person in &args.on_call {
        let Some((name, path)) = person.split_once('=') else {
            return Err(Error::usage(format!("`--on-call {person}` names no public key"))
                .hint(format!("`--on-call {person}=FILE`; a signer may revoke without being named here")));
        };
        on_call.push((name.to_owned(), public_key(context, name, Path::new(path))?));
    }
    let threshold = match args.threshold {
        Some(number) => usize::try_from(number).unwrap_or(usize::MAX),
        // One of two could approve alone what the other never saw.
        None => signers.len() / 2 + 1,
    };
    if threshold > signers.len() {
        let people = crate::report::words::count(signers.len() as u64, "signer");
        let are = if signers.len() == 1 { "is" } else { "are" };
        return Err(Error::usage(format!("{threshold} signatures can never be reached: there {are} {people}"))
            .hint("name more signers with `--signer NAME=FILE`, or a lower `--threshold`"));
    }
    Ok(Team { signers, threshold, on_call, own })
}

fn public_key(context: &Context, name: &str, path: &Path) -> Result<String, Error> {
    let cannot = || Error::usage(format!("cannot use `{}` as the public key of {name}", printable_path(path)));
    let bytes = context.world.files.read(path, MAX_KEY_FILE).map_err(|e| cannot().because(&e))?;
    String::from_utf8(bytes).map_err(|_| cannot().cause("it is not UTF-8, and no PEM text"))
}

/// The documents with their paths, each valid.
fn documents(args: &Args, team: &Team, name: &str, folder: &Path, context: &Context) -> Result<Vec<(PathBuf, String)>, Error> {
    let now = context.world.now;
    let mode = if args.mode == "enforce" { Mode::Enforce } else { Mode::Monitor };
    let founders = Founders { signers: &team.signers, threshold: team.threshold, on_call: &team.on_call };
    let trust = edit::new_trust_policy(name, &founders, now, TRUST_LIFETIME);
    let manifest = edit::new_manifest(name, mode, now, MANIFEST_LIFETIME, starter_revocations());
    let unusable = |e: &dyn std::error::Error| Error::usage("a policy cannot be made of these names and keys").because(e);
    let (trust_path, manifest_path) = (folder.join(TRUST_FILE), folder.join(MANIFEST_FILE));
    TrustPolicy::parse(&trust_path, trust.as_bytes()).map_err(|e| unusable(&e))?;
    Manifest::parse(&manifest_path, manifest.as_bytes()).map_err(|e| unusable(&e))?;
    let mut documents = vec![(trust_path, trust), (manifest_path, manifest.clone())];
    if !team.on_call.is_empty() {
        let beacon = Beacon { serial: 1, sha256: Digest::sha256_of(manifest.as_bytes()) };
        documents.push((folder.join(REVOCATIONS_FILE), edit::new_revocations(name, &beacon, now, REVOCATIONS_LIFETIME)));
    }
    Ok(documents)
}

/// The revocations of the starter policy, as text.
fn starter_revocations() -> &'static str {
    STARTER.find("# The facts").map_or("", |start| &STARTER[start..])
}

fn refuse_to_overwrite(files: Files, targets: &[PathBuf]) -> Result<(), Error> {
    for target in targets {
        match files.lstat(target) {
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(Error::usage("cannot make a policy folder here").because(&error)),
            Ok(_) => {
                let error = Error::usage(format!("`{}` is there already, and nothing is overwritten", printable_path(target)));
                return Err(
                    error.hint("`vetted init DIR --signer NAME` makes another policy; `--key FILE` puts its key elsewhere")
                );
            }
        }
    }
    Ok(())
}

/// The files made so far; removed again unless the list is emptied.
struct Making {
    files: Files,
    made: Vec<PathBuf>,
}

impl Making {
    fn file(&mut self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
        let cannot = |e| Error::usage("cannot make the policy folder").because(&e);
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            self.files.create_folder(folder).map_err(cannot)?;
        }
        self.files.write_atomic(path, bytes, mode).map_err(cannot)?;
        self.made.push(path.to_owned());
        Ok(())
    }

    /// The default folder of keys lies below a folder that people may well put under version control.
    fn keep_out_of_git(&mut self, key: &Path) -> Result<(), Error> {
        let ignore = key.with_file_name(".gitignore");
        if self.files.lstat(&ignore).is_ok() {
            return Ok(());
        }
        self.file(&ignore, b"*\n", 0o644)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        for path in &self.made {
            // The error that led here is the one to report.
            let _ = self.files.remove(path);
        }
    }
}

fn say(context: &Context, args: &Args, team: &Team, folder: &Path, name: &str) {
    let say = |line: &str| context.printer.say(line);
    let own_key = args.key.key.as_ref().map(|key| format!(" --key {}", shell_word(key))).unwrap_or_default();
    let names = |people: &[(String, String)]| people.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let waits = team.own.is_none() || team.threshold > 1;
    let by = match &team.own {
        Some(own) => format!(", signed by {}", own.name),
        None => String::new(),
    };
    say(&format!("made the policy `{name}` ({} mode){by}:", args.mode));
    if let Some(own) = &team.own {
        say(&format!("  {}   private key: keep it secret, and keep a copy", printable_path(&own.path)));
    }
    let who = match team.signers.len() {
        1 => String::new(),
        _ if team.threshold == 1 => format!(": any one of {}, alone", names(&team.signers)),
        _ => format!(": {} of {}, together", team.threshold, names(&team.signers)),
    };
    say(&format!("  {}   who may sign{who}", printable_path(&folder.join(TRUST_FILE))));
    say(&format!(
        "  {}   what is approved: nothing yet; what is revoked: the starter's list",
        printable_path(&folder.join(MANIFEST_FILE))
    ));
    if !team.on_call.is_empty() {
        say(&format!(
            "  {}   what is revoked at once, by one of {}: nothing yet",
            printable_path(&folder.join(REVOCATIONS_FILE)),
            names(&team.on_call)
        ));
    }
    say("next:");
    if waits {
        let more = team.threshold - usize::from(team.own.is_some());
        let others: Vec<&str> = team
            .signers
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| team.own.as_ref().is_none_or(|own| own.name != **name))
            .collect();
        say(&match more {
            1 if others.len() == 1 => format!("  {}, with a key of their own:", others.join(", ")),
            1 => format!("  one of {}, with a key of their own:", others.join(", ")),
            _ => format!("  {more} of {}, each with a key of their own, on one copy after the other:", others.join(", ")),
        });
        say(&format!("  vetted sign --policy {}", shell_word(folder)));
        return;
    }
    let policy = if args.folder.is_some() { format!(" --policy {}", shell_word(folder)) } else { String::new() };
    say(&format!("  vetted check{policy}"));
    say(&format!("  vetted approve TOOL --installed{policy}"));
    say(&format!("  vetted sign {}{own_key}", shell_word(&folder.join(MANIFEST_FILE))));
}
