//! Which private key signs, and its password.

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

/// Whether the password of an old key is asked for or a new one is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Once,
    Twice,
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
        let cannot = || Error::usage(format!("cannot use the key `{shown}`"));
        let bytes = context.world.files.read(&path, MAX_KEY_FILE).map_err(|e| cannot().because(&e))?;
        let pem = String::from_utf8(bytes).map_err(|_| cannot().because(&KeyError::NotPem))?;
        let password = self.password(context, &format!("Password of {shown}: "), Asking::Once)?;
        key::decrypt(&pem, &password).map_err(|e| cannot().because(&e))
    }

    /// The password for a new key.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is none, or it was typed in two ways.
    pub(super) fn new_password(&self, context: &Context) -> Result<Password, Error> {
        self.password(context, "Password for the new key: ", Asking::Twice)
    }

    fn password(&self, context: &Context, question: &str, asking: Asking) -> Result<Password, Error> {
        let empty =
            || Error::usage("the password is empty").hint("a key without a password belongs to everybody who can read it");
        if let Some(path) = &self.password_file {
            let bytes = context.world.files.read(path, MAX_KEY_FILE);
            let bytes = bytes.map_err(|e| Error::usage("cannot read the password").because(&e))?;
            let text = String::from_utf8(bytes).map_err(|_| Error::usage("the password file is not UTF-8"))?;
            return Password::new(text.trim_end_matches(['\n', '\r']).to_owned()).ok_or_else(empty);
        }
        if let Some(text) = context.world.env.text(PASSWORD_VARIABLE) {
            return Password::new(text.to_owned()).ok_or_else(empty);
        }
        if !context.printer.can_ask() {
            return Err(Error::usage("the key has a password and nobody can be asked for it")
                .hint(format!("`--password-file FILE`, or the variable `{PASSWORD_VARIABLE}`")));
        }
        let ask = |question: &str| {
            let typed = rpassword::prompt_password(question);
            typed.map_err(|e| Error::usage("cannot ask for the password").because(&e)).map(Password::new)
        };
        let password = ask(question)?.ok_or_else(empty)?;
        if asking == Asking::Twice && !ask("The same again: ")?.is_some_and(|again| again.is_same(&password)) {
            return Err(Error::usage("the two passwords are not the same"));
        }
        Ok(password)
    }
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
            return Err(error.hint("`vetted init` makes one; `--key FILE` names one"));
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
