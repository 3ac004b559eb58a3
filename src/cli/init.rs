//! `vetted init`: a key, a trust policy and a manifest, both signed.

use super::Context;
use super::change::shell_word;
use super::key::{KeyArgs, keys_folder};
use crate::error::{Error, ExitStatus};
use crate::manifest::{Manifest, Mode, TrustPolicy, edit};
use crate::text::printable_path;
use crate::trust::builtin::STARTER;
use crate::trust::document::{self, MANIFEST_FILE, TRUST_FILE};
use crate::trust::key;
use crate::world::files::Files;
use jiff::SignedDuration;
use std::path::{Path, PathBuf};

/// How long the first manifest lives.
const MANIFEST_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long the first trust policy lives.
const TRUST_LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Make a policy folder: a key, `vetted-trust.toml` and `vetted.toml`, both signed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to make; without it the user's own policy folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Name of the first signer; without it the name of the user
    #[arg(long, value_name = "NAME")]
    signer: Option<String>,
    /// Name of the policy, for example `acme.example/ai-tools`
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What happens to a tool that nobody approved: `monitor` lists it, `enforce` blocks it
    #[arg(long, value_name = "MODE", default_value = "monitor", value_parser = ["monitor", "enforce"])]
    mode: String,
    #[command(flatten)]
    key: KeyArgs,
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
    let signer = args.signer.clone().unwrap_or_else(|| user_name(context));
    let key_path = match &args.key.key {
        Some(path) => path.clone(),
        None => keys_folder(context)?.join(format!("{signer}.key")),
    };
    let name = args.name.clone().unwrap_or_else(|| format!("{signer}/ai-tools"));
    let (trust_path, manifest_path) = (folder.join(TRUST_FILE), folder.join(MANIFEST_FILE));
    let mut targets = vec![key_path.clone(), trust_path.clone(), manifest_path.clone()];
    targets.extend(document::signature_paths(&trust_path));
    targets.extend(document::signature_paths(&manifest_path));
    refuse_to_overwrite(files, &targets)?;

    // Everything is made in memory first, so that a name that cannot be used leaves nothing behind.
    let (signing_key, pkcs8) = key::generate().map_err(|e| Error::undecided("cannot make a key").because(&e))?;
    let now = context.world.now;
    let mode = if args.mode == "enforce" { Mode::Enforce } else { Mode::Monitor };
    let founder = [(signer.clone(), signing_key.public_pem())];
    let founders = edit::Founders { signers: &founder, threshold: 1, on_call: &[] };
    let trust = edit::new_trust_policy(&name, &founders, now, TRUST_LIFETIME);
    let manifest = edit::new_manifest(&name, mode, now, MANIFEST_LIFETIME, starter_revocations());
    let unusable = |e: &dyn std::error::Error| Error::usage("a policy cannot be made of these names").because(e);
    TrustPolicy::parse(&trust_path, trust.as_bytes()).map_err(|e| unusable(&e))?;
    Manifest::parse(&manifest_path, manifest.as_bytes()).map_err(|e| unusable(&e))?;
    let sign = |text: &str| {
        let bundle = signing_key.sign(text.as_bytes()).map(|line| line + "\n");
        bundle.ok_or_else(|| Error::undecided("cannot sign: the system gives no random numbers"))
    };
    let (trust_bundle, manifest_bundle) = (sign(&trust)?, sign(&manifest)?);
    let password = args.key.new_password(context)?;
    let key_pem = key::encrypt(&pkcs8, &password).map_err(|e| Error::undecided("cannot encrypt the key").because(&e))?;

    let [_, trust_signature] = document::signature_paths(&trust_path);
    let [_, manifest_signature] = document::signature_paths(&manifest_path);
    let mut making = Making { files, made: Vec::new() };
    making.file(&key_path, key_pem.as_bytes(), 0o600)?;
    if args.key.key.is_none() {
        making.keep_out_of_git(&key_path)?;
    }
    making.file(&trust_path, trust.as_bytes(), 0o644)?;
    making.file(&trust_signature, trust_bundle.as_bytes(), 0o644)?;
    making.file(&manifest_path, manifest.as_bytes(), 0o644)?;
    making.file(&manifest_signature, manifest_bundle.as_bytes(), 0o644)?;
    document::load_folder(files, &folder, now)?;
    making.made.clear();
    say(context, args, &key_path, &folder, &signer, &name);
    Ok(ExitStatus::Success)
}

/// The revocations of the starter policy, as text.
fn starter_revocations() -> &'static str {
    STARTER.find("# The facts").map_or("", |start| &STARTER[start..])
}

/// The name of the user where it can be a name in a document, else `owner`.
pub(super) fn user_name(context: &Context) -> String {
    let is_plain = |name: &&str| {
        name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|variable| context.world.env.text(variable).filter(is_plain))
        .unwrap_or("owner")
        .to_owned()
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

fn say(context: &Context, args: &Args, key: &Path, folder: &Path, signer: &str, name: &str) {
    let say = |line: &str| context.printer.say(line);
    say(&format!("made the policy `{name}` ({} mode), signed by {signer}:", args.mode));
    say(&format!("  {}   private key: keep it secret, and keep a copy", printable_path(key)));
    say(&format!("  {}   who may sign", printable_path(&folder.join(TRUST_FILE))));
    say(&format!(
        "  {}   what is approved: nothing yet; what is revoked: the starter's list",
        printable_path(&folder.join(MANIFEST_FILE))
    ));
    let policy = if args.folder.is_some() { format!(" --policy {}", shell_word(folder)) } else { String::new() };
    say("next:");
    say(&format!("  vetted check{policy}"));
    say(&format!("  vetted approve TOOL --installed{policy}"));
    let own_key = args.key.key.as_ref().map(|key| format!(" --key {}", shell_word(key))).unwrap_or_default();
    say(&format!("  vetted sign {}{own_key}", shell_word(&folder.join(MANIFEST_FILE))));
}
