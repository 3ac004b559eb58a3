//! `vetted key`: make a private key, take over one of another program, show its public half; and which key file a command uses,
//! with its password.

use super::change::shell_word;
use super::{Context, init, written};
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::text::printable_path;
use crate::trust::key::{self, Foreign, KeyError, MAX_KEY_FILE, Password};
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
            let target = target(file.as_deref(), &format!("{}.key", init::user_name(context)), context)?;
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

fn read_pem(path: &Path, context: &Context) -> Result<String, Error> {
    let cannot = || Error::usage(format!("cannot use the key `{}`", printable_path(path)));
    let bytes = context.world.files.read(path, MAX_KEY_FILE).map_err(|e| cannot().because(&e))?;
    String::from_utf8(bytes).map_err(|_| cannot().because(&KeyError::NotPem))
}

/// The variable that may hold the password where nobody can be asked.
const PASSWORD_VARIABLE: &str = "VETTED_KEY_PASSWORD";

/// A private key and its password.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// Private key (encrypted PKCS#8, ECDSA P-256); without it the one key of `keys` in the user's policy folder
    #[arg(long, value_name = "FILE", help_heading = "Key")]
    pub(super) key: Option<PathBuf>,
    /// File that holds the key's password; without it `VETTED_KEY_PASSWORD`, else a question on the terminal
    #[arg(long, value_name = "FILE", help_heading = "Key")]
    pub(super) password_file: Option<PathBuf>,
}

impl KeyArgs {
    /// Open the key.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is no key, or its password does not open it.
    pub(super) fn open(&self, context: &Context) -> Result<SigningKey, Error> {
        let path = match &self.key {
            Some(path) => path.clone(),
            None => only_key(context)?,
        };
        let shown = printable_path(&path);
        let pem = read_pem(&path, context)?;
        let question = format!("Password of {shown}: ");
        let password = Asking { question: &question, twice: false }.password(self.password_file.as_ref(), context)?;
        key::decrypt(&pem, &password).map_err(|e| Error::usage(format!("cannot use the key `{shown}`")).because(&e))
    }

    /// The password for a new key.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is none, or it was typed in two ways.
    pub(super) fn new_password(&self, context: &Context) -> Result<Password, Error> {
        Asking { question: "Password for the new key: ", twice: true }.password(self.password_file.as_ref(), context)
    }
}

/// How a password is asked for where nothing gives it.
pub(super) struct Asking<'a> {
    /// The question.
    pub(super) question: &'a str,
    /// A new one is chosen: it is asked for twice.
    pub(super) twice: bool,
}

impl Asking<'_> {
    /// The password: from the file, from the variable, from the terminal.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is none, or it was typed in two ways.
    pub(super) fn password(&self, file: Option<&PathBuf>, context: &Context) -> Result<Password, Error> {
        if let Some(path) = file {
            return password_in(path, context);
        }
        if let Some(text) = context.world.env.text(PASSWORD_VARIABLE) {
            return Password::new(text.to_owned()).ok_or_else(empty_password);
        }
        if !context.printer.can_ask() {
            return Err(Error::usage("a password or PIN is needed, and nobody can be asked for it")
                .hint(format!("`--password-file FILE`, or the variable `{PASSWORD_VARIABLE}`")));
        }
        let ask = |question: &str| {
            let typed = rpassword::prompt_password(question);
            typed.map_err(|e| Error::usage("cannot ask for the password").because(&e)).map(Password::new)
        };
        let password = ask(self.question)?.ok_or_else(empty_password)?;
        if self.twice && !ask("The same again: ")?.is_some_and(|again| again.is_same(&password)) {
            return Err(Error::usage("the two passwords are not the same"));
        }
        Ok(password)
    }
}

fn empty_password() -> Error {
    Error::usage("the password is empty").hint("a key without a password belongs to everybody who can read it")
}

/// The password in a file: its text without the line's end.
///
/// # Errors
/// [`Error`] of the kind `Usage` when it cannot be read or is empty.
pub(super) fn password_in(path: &Path, context: &Context) -> Result<Password, Error> {
    let bytes = context.world.files.read(path, MAX_KEY_FILE);
    let bytes = bytes.map_err(|e| Error::usage("cannot read the password").because(&e))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::usage("the password file is not UTF-8"))?;
    Password::new(text.trim_end_matches(['\n', '\r']).to_owned()).ok_or_else(empty_password)
}

/// The folder of the user's private keys, apart from policies that are copied and committed.
///
/// # Errors
/// [`Error`] of the kind `Usage` when there is no home folder.
pub(super) fn keys_folder(context: &Context) -> Result<PathBuf, Error> {
    let folder = context.world.env.user_policy();
    folder.map(|f| f.join("keys")).ok_or_else(|| Error::usage("there is no home folder for keys").hint("`--key FILE` names one"))
}

fn only_key(context: &Context) -> Result<PathBuf, Error> {
    let folder = keys_folder(context)?;
    let names = match context.world.files.list(&folder) {
        Ok(entries) => entries.into_iter().map(|e| e.name).filter(|name| Path::new(name).extension().is_some_and(|e| e == "key")),
        Err(error) => {
            let error = Error::usage("there is no key to sign with").because(&error);
            return Err(error.hint("`vetted key generate` makes one; `--key FILE` names one"));
        }
    };
    let keys: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    match &keys[..] {
        [only] => Ok(only.clone()),
        [] => Err(Error::usage(format!("`{}` holds no key", printable_path(&folder))).hint("`--key FILE` names one")),
        _ => {
            let mut error = Error::usage(format!("`{}` holds {} keys", printable_path(&folder), keys.len()));
            for key in &keys {
                error = error.hint(format!("`--key {}`", printable_path(key)));
            }
            Err(error)
        }
    }
}
