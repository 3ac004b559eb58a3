//! `vetted key`: make a private key, take over one of another program, show its public half.

use super::change::shell_word;
use super::key_file::{Asking, keys_folder, password_in, read_pem, user_name};
use super::{Context, written};
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::text::printable_path;
use crate::trust::key::{self, Foreign, Password};
use crate::trust::sigstore::{self, SigningKey};
use pkcs8::der::SecretDocument;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Make, take over or show private keys
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a new key and print its public half
    Generate {
        /// File to make; without it `<user>.key` in `keys` of the user's policy folder
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// File that holds the new key's password; without it `VETTED_KEY_PASSWORD`, else a question on the terminal
        #[arg(long, value_name = "FILE", help_heading = "Key")]
        password_file: Option<PathBuf>,
    },
    /// Take over a key of cosign (`cosign.key`) or openssl and print its public half
    ///
    /// The new file has the password of the old one, unless `--new-password-file` names another. A key without a password is
    /// given one.
    Import {
        /// Key of cosign, or PKCS#8 or SEC 1 as openssl writes it: ECDSA P-256
        #[arg(value_name = "KEY")]
        from: PathBuf,
        /// File to make; without it `<name of KEY>.key` in `keys` of the user's policy folder
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// File that holds the password of KEY; without it `VETTED_KEY_PASSWORD`, else a question on the terminal
        #[arg(long, value_name = "FILE", help_heading = "Key")]
        password_file: Option<PathBuf>,
        /// File that holds another password for the new key
        #[arg(long, value_name = "FILE", help_heading = "Key")]
        new_password_file: Option<PathBuf>,
    },
    Show(ShowArgs),
}

/// Print the public half of a key, and its fingerprint
#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    signer: super::signer::HeldKeyArgs,
}

/// Run `vetted key`.
///
/// # Errors
/// [`Error`] of the kind `Usage` when a key cannot be opened or made; nothing is ever overwritten.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    match &args.action {
        Action::Generate { file, password_file } => {
            let target = target(file.as_deref(), &format!("{}.key", user_name(context)), context)?;
            let password =
                Asking { question: "Password for the new key: ", twice: true }.password(password_file.as_ref(), context)?;
            let (key, pkcs8) = key::generate().map_err(|e| Error::undecided("cannot make a key").because(&e))?;
            keep(&target, &key, &pkcs8, &password, context)
        }
        Action::Import { from, file, password_file, new_password_file } => {
            let name = from.file_stem().map(crate::text::printable_os).unwrap_or_default();
            let target = target(file.as_deref(), &format!("{name}.key"), context)?;
            let (key, pkcs8, password) = take_over(from, password_file.as_ref(), new_password_file.as_ref(), context)?;
            keep(&target, &key, &pkcs8, &password, context)
        }
        Action::Show(args) => {
            let signer = args.signer.open(context)?;
            show(signer.spki().unwrap_or_default(), context)
        }
    }
}

/// A key file that is to be made.
struct KeyFile {
    path: PathBuf,
    /// It lies in the default folder, below one that people may well put under version control.
    is_default: bool,
}

fn target(file: Option<&Path>, name: &str, context: &Context) -> Result<KeyFile, Error> {
    let path = match file {
        Some(path) => path.to_owned(),
        None => keys_folder(context)?.join(name),
    };
    let cannot = || Error::usage(format!("cannot make the key `{}`", printable_path(&path)));
    match context.world.files.lstat(&path) {
        Err(error) if error.is_not_found() => Ok(KeyFile { path, is_default: file.is_none() }),
        Err(error) => Err(cannot().because(&error)),
        Ok(_) => Err(cannot().cause("there is a file already, and nothing is overwritten").hint("name another FILE")),
    }
}

/// Open a key of another program: the key, the same as PKCS#8, and the password it is kept under from now on.
fn take_over(
    from: &Path,
    password_file: Option<&PathBuf>,
    new_password_file: Option<&PathBuf>,
    context: &Context,
) -> Result<(SigningKey, SecretDocument, Password), Error> {
    let shown = printable_path(from);
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot take over the key `{shown}`")).because(e);
    let foreign = Foreign::parse(&read_pem(from, context)?).map_err(|e| cannot(&e))?;
    if !foreign.is_encrypted() {
        let file = if new_password_file.is_some() { new_password_file } else { password_file };
        let password = Asking { question: "Password for the new key: ", twice: true }.password(file, context)?;
        let (key, pkcs8) = foreign.open(&password).map_err(|e| cannot(&e))?;
        let left = "it has no password and whoever can read it can sign: remove it once the new one works";
        context.printer.say(&format!("{shown}: {left}"));
        return Ok((key, pkcs8, password));
    }
    let question = format!("Password of {shown}: ");
    let password = Asking { question: &question, twice: false }.password(password_file, context)?;
    let (key, pkcs8) = foreign.open(&password).map_err(|e| cannot(&e))?;
    match new_password_file {
        None => Ok((key, pkcs8, password)),
        Some(file) => Ok((key, pkcs8, password_in(file, context)?)),
    }
}

/// Write a key file for this user alone, and say what to do with its public half.
fn keep(
    target: &KeyFile,
    key: &SigningKey,
    pkcs8: &SecretDocument,
    password: &Password,
    context: &Context,
) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let shown = printable_path(&target.path);
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot make the key `{shown}`")).because(e);
    let pem = key::encrypt(pkcs8, password).map_err(|e| cannot(&e))?;
    if target.is_default
        && let Some(folder) = target.path.parent()
    {
        files.create_private_folder(folder).map_err(|e| cannot(&e))?;
        let ignore = folder.join(".gitignore");
        if files.lstat(&ignore).is_err() {
            files.write_atomic(&ignore, b"*\n", 0o644).map_err(|e| cannot(&e))?;
        }
    }
    files.write_atomic(&target.path, pem.as_bytes(), 0o600).map_err(|e| cannot(&e))?;
    context.printer.say(&format!("made {shown}: keep it secret, and keep a copy"));
    let status = show(key.spki(), context)?;
    context.printer.say("whoever keeps `vetted-trust.toml` names this public key for you; then");
    context.printer.say(&format!("  vetted sign --key {}", shell_word(&target.path)));
    Ok(status)
}

/// The public key as PEM on standard output, so that it can be sent to a file; its fingerprint beside it.
fn show(spki: &[u8], context: &Context) -> Result<ExitStatus, Error> {
    let mut stdout = context.printer.stdout();
    let pem = sigstore::public_pem(spki);
    let status = written(writeln!(stdout, "{}", pem.trim_end()).and_then(|()| stdout.flush()))?;
    context.printer.say(&format!("fingerprint (SHA-256 of the SubjectPublicKeyInfo): {}", Digest::sha256_of(spki).hex()));
    Ok(status)
}
