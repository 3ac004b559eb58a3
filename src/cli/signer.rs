//! What signs: a key file, a key on a token, or an identity at a Sigstore instance.

use super::Context;
use super::key_file::{Asking, KeyArgs};
use crate::error::Error;
use crate::trust::key::Password;
use crate::trust::signing::Signer;
use crate::trust::signing::keyless::{self, Addresses, Keyless, MAX_SIGNING_CONFIG, MAX_TOKEN, Services};
use crate::trust::signing::pkcs11::{Token, TokenKey};
use crate::trust::signing::uri::Pkcs11Uri;
use std::path::PathBuf;

/// The variable that may hold an identity token, as other Sigstore clients read it.
const TOKEN_VARIABLE: &str = "SIGSTORE_ID_TOKEN";
/// Where a GitHub Actions job with `id-token: write` gets its token, and the secret that lets it.
const ACTIONS_VARIABLES: [&str; 2] = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];

/// A key, in a file or on a token.
#[derive(Debug, clap::Args)]
pub(super) struct HeldKeyArgs {
    #[command(flatten)]
    file: KeyArgs,
    /// Key on a token (YubiKey, HSM): `pkcs11:token=..;object=..?module-path=/..` (RFC 7512).
    ///
    /// Loading the module runs its code. The PIN comes from `--password-file`, else from the file that `pin-source` of the URI
    /// names, else as a password does.
    #[arg(long, value_name = "URI", conflicts_with = "key", help_heading = "Key")]
    pkcs11: Option<String>,
}

impl HeldKeyArgs {
    /// Open the key.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is no key, or its password or PIN is wrong.
    pub(super) fn open(&self, context: &Context) -> Result<Signer, Error> {
        match &self.pkcs11 {
            Some(uri) => Ok(Signer::Token(self.open_token(uri, context)?)),
            None => Ok(Signer::Key(self.file.open(context)?)),
        }
    }

    fn open_token(&self, uri: &str, context: &Context) -> Result<TokenKey, Error> {
        // The text of the URI is not shown: where it is refused, a PIN may stand in it.
        let uri: Pkcs11Uri = uri.parse().map_err(|e| Error::usage("cannot use the PKCS#11 URI").because(&e))?;
        let pin_source = uri.pin_source.clone();
        let cannot = |e: &dyn std::error::Error| Error::usage("cannot use the key on the token").because(e);
        let token = Token::find(uri).map_err(|e| cannot(&e))?;
        let pin = if token.needs_pin() {
            let question = format!("PIN of {}: ", token.place());
            let file = self.file.password_file.as_ref().or(pin_source.as_ref());
            Some(Asking { question: &question, twice: false }.password(file, context)?)
        } else {
            None
        };
        token.open(pin.as_ref()).map_err(|e| cannot(&e))
    }
}

/// A key or an identity.
#[derive(Debug, clap::Args)]
pub(super) struct SignerArgs {
    #[command(flatten)]
    held: HeldKeyArgs,
    #[command(flatten)]
    keyless: KeylessArgs,
}

/// An identity at a Sigstore instance.
#[derive(Debug, clap::Args)]
struct KeylessArgs {
    /// Sign with an identity at a Sigstore instance instead of a key. The instance's log publishes the identity
    #[arg(long, conflicts_with_all = ["key", "pkcs11", "password_file"], help_heading = "Keyless")]
    keyless: bool,
    /// Sigstore signing config with the addresses of the instance
    #[arg(long, value_name = "FILE", requires = "keyless", conflicts_with_all = ["fulcio", "rekor", "tsa"], help_heading = "Keyless")]
    signing_config: Option<PathBuf>,
    /// Address of the certificate authority
    #[arg(long, value_name = "URL", requires_all = ["keyless", "rekor"], help_heading = "Keyless")]
    fulcio: Option<String>,
    /// Address of the transparency log
    #[arg(long, value_name = "URL", requires_all = ["keyless", "fulcio"], help_heading = "Keyless")]
    rekor: Option<String>,
    /// Version of the log's interface, 1 or 2
    #[arg(long, value_name = "N", requires = "rekor", default_value = "1", help_heading = "Keyless")]
    rekor_version: u32,
    /// Address of the time stamp authority
    #[arg(long, value_name = "URL", requires = "rekor", help_heading = "Keyless")]
    tsa: Option<String>,
    /// File with the identity token; without it `SIGSTORE_ID_TOKEN`, else that of the GitHub Actions job
    #[arg(long, value_name = "FILE", requires = "keyless", help_heading = "Keyless")]
    identity_token_file: Option<PathBuf>,
}

impl SignerArgs {
    /// Whether an identity is to sign.
    pub(super) fn is_keyless(&self) -> bool {
        self.keyless.keyless
    }

    /// Get ready to sign.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is no key, no token, or no instance to sign at.
    pub(super) fn open(&self, context: &Context) -> Result<Signer, Error> {
        if self.keyless.keyless { Ok(Signer::Keyless(Box::new(self.keyless.open(context)?))) } else { self.held.open(context) }
    }
}

impl KeylessArgs {
    fn open(&self, context: &Context) -> Result<Keyless, Error> {
        let cannot = |e: &dyn std::error::Error| Error::usage("cannot sign without a key").because(e);
        let services = match (&self.signing_config, &self.fulcio, &self.rekor) {
            (Some(path), ..) => {
                let json = context.world.files.read(path, MAX_SIGNING_CONFIG).map_err(|e| cannot(&e))?;
                Services::of_config(&json)
            }
            (None, Some(fulcio), Some(rekor)) => Services::at(&Addresses {
                fulcio: fulcio.clone(),
                rekor: rekor.clone(),
                rekor_version: self.rekor_version,
                tsa: self.tsa.clone(),
            }),
            _ => {
                return Err(Error::usage("`--keyless` needs the addresses of a Sigstore instance")
                    .hint("`--signing-config FILE`, or `--fulcio URL --rekor URL [--tsa URL]`"));
            }
        };
        let services = services.map_err(|e| cannot(&e))?;
        let token = self.token(context)?;
        Keyless::new(services, &token, context.world.now).map_err(|e| cannot(&e))
    }

    fn token(&self, context: &Context) -> Result<Password, Error> {
        let env = &context.world.env;
        if let Some(path) = &self.identity_token_file {
            let cannot = || Error::usage("cannot read the identity token");
            let bytes = context.world.files.read(path, MAX_TOKEN).map_err(|e| cannot().because(&e))?;
            let text = String::from_utf8(bytes).map_err(|e| cannot().because(&e.utf8_error()))?;
            return Password::new(text).ok_or_else(|| cannot().cause("it is empty"));
        }
        if let Some(token) = env.text(TOKEN_VARIABLE).and_then(|text| Password::new(text.to_owned())) {
            return Ok(token);
        }
        let [url, secret] = ACTIONS_VARIABLES.map(|name| env.text(name));
        if let (Some(url), Some(secret)) = (url, secret) {
            return keyless::github_actions_token(url, secret)
                .map_err(|e| Error::usage("cannot get an identity token").because(&e));
        }
        Err(Error::usage("there is no identity token")
            .hint(format!("`--identity-token-file FILE`, or the variable `{TOKEN_VARIABLE}`"))
            .hint("in GitHub Actions the job needs `permissions: id-token: write`"))
    }
}
