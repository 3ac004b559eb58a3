//! Which key file a command uses, and its password: from a file, from a variable, from the terminal.

use super::Context;
use crate::error::Error;
use crate::text::printable_path;
use crate::trust::key::{self, KeyError, MAX_KEY_FILE, Password};
use crate::trust::sigstore::SigningKey;
use std::path::{Path, PathBuf};

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

pub(super) fn read_pem(path: &Path, context: &Context) -> Result<String, Error> {
    let cannot = || Error::usage(format!("cannot use the key `{}`", printable_path(path)));
    let bytes = context.world.files.read(path, MAX_KEY_FILE).map_err(|e| cannot().because(&e))?;
    String::from_utf8(bytes).map_err(|_| cannot().because(&KeyError::NotPem))
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
