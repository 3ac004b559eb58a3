//! Making signatures: with a key file, with a key that stays on its token, or with an identity at a Sigstore instance and no key
//! at all. Whatever signs, what comes out is one bundle, one line of JSON, which nobody believes before it is verified.

pub(super) mod cosign;
pub mod keyless;
pub mod pkcs11;
pub mod uri;

use super::sigstore::SigningKey;
use keyless::{Keyless, KeylessError};
use pkcs11::{TokenError, TokenKey};
use thiserror::Error;

/// Why a signature could not be made.
#[derive(Debug, Error)]
pub enum SignError {
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The services of the instance.
    #[error(transparent)]
    Keyless(#[from] KeylessError),
}

/// What signs.
#[derive(Debug)]
pub enum Signer {
    /// A key file.
    Key(SigningKey),
    /// A key on a token.
    Token(TokenKey),
    /// An identity.
    Keyless(Box<Keyless>),
}

impl Signer {
    /// DER of the public key's SubjectPublicKeyInfo, where it is a key that signs.
    #[must_use]
    pub fn spki(&self) -> Option<&[u8]> {
        match self {
            Self::Key(key) => Some(key.spki()),
            Self::Token(key) => Some(key.spki()),
            Self::Keyless(_) => None,
        }
    }

    /// Sign a document: a bundle as one line of JSON.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, document: &[u8]) -> Result<String, SignError> {
        match self {
            Self::Key(key) => key.sign(document).ok_or(SignError::Random),
            Self::Token(key) => key.sign(document),
            Self::Keyless(keyless) => Ok(keyless.sign(document)?),
        }
    }
}
