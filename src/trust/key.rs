//! Private keys on disk: ECDSA P-256 as encrypted PKCS#8 in PEM, the form that other tools read too (RFC 5958, RFC 7914).

use super::signing::cosign;
use super::sigstore::SigningKey;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{self, LineEnding};
use pkcs8::der::zeroize::Zeroizing;
use pkcs8::der::{Decode as _, SecretDocument};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{EncryptionScheme as Cipher, Kdf, Parameters, Salt, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfo, EncryptedPrivateKeyInfoRef};
use thiserror::Error;

const LABEL: &str = "ENCRYPTED PRIVATE KEY";
/// PKCS#8 without a password.
const OPEN_LABEL: &str = "PRIVATE KEY";
/// What `openssl ecparam -genkey` writes (RFC 5915), without a password.
const SEC1_LABEL: &str = "EC PRIVATE KEY";
/// The block that openssl puts before it: which curve the key is of. The key says so itself.
const SEC1_PARAMETERS: &str = "-----END EC PARAMETERS-----";

/// scrypt's cost for each guess at a password: 16 MiB, five times over. Of the settings that OWASP's password storage sheet holds
/// equal, the one that openssl opens without being given more memory.
const SCRYPT_COST: u64 = 1 << 14;
/// scrypt's block size.
const SCRYPT_BLOCK: u16 = 8;
/// How often scrypt runs.
const SCRYPT_TIMES: u16 = 5;
/// The largest cost that is paid for a key file: 1 GiB. A file could ask for any.
pub(super) const MAX_SCRYPT_COST: u64 = 1 << 20;
/// The most iterations of PBKDF2 that are run for a key file.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// The largest key file that is read, in bytes.
pub const MAX_KEY_FILE: u64 = 16 * 1024;

/// A password. Never shown, wiped from memory when it goes out of use.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Take a password; an empty one is none.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        (!text.is_empty()).then_some(Self(text))
    }

    /// Its bytes, for what derives a key or logs in with it.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether two passwords are the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// Why a key cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not PEM.
    #[error("it is no PEM text")]
    NotPem,
    /// cosign's own form.
    #[error("it is a key of cosign's own form; `vetted key import FILE` makes a key file of it")]
    Cosign,
    /// A PEM text of another kind, for example a key that is not encrypted.
    #[error("it holds a `{}`, not an `{LABEL}`", crate::text::printable(.0))]
    Label(String),
    /// Not PKCS#8, or encrypted in a way that is not read here.
    #[error("it is encrypted in a way vetted does not read (PBES2 with scrypt or PBKDF2)")]
    Scheme,
    /// Opening it would take more time or memory than a key needs.
    #[error("opening it would take more memory or time than is spent on a key")]
    Cost,
    /// Wrong password. A damaged file looks the same.
    #[error("the password does not open it")]
    Password,
    /// Not ECDSA P-256.
    #[error("it is no ECDSA P-256 key")]
    Algorithm,
    /// No random numbers, or no memory for scrypt.
    #[error("the system refused what making a key needs")]
    System,
}

/// Make a new key.
///
/// # Errors
/// [`KeyError::System`].
pub fn generate() -> Result<(SigningKey, SecretDocument), KeyError> {
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).map_err(|_| KeyError::System)?;
    let key = SigningKey::from_pkcs8(pkcs8.as_ref()).ok_or(KeyError::System)?;
    let document = SecretDocument::try_from(pkcs8.as_ref()).map_err(|_| KeyError::System)?;
    Ok((key, document))
}

/// Encrypt a private key (DER of PKCS#8) under a password: PEM.
///
/// # Errors
/// [`KeyError::System`].
pub fn encrypt(pkcs8: &SecretDocument, password: &Password) -> Result<Zeroizing<String>, KeyError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    rand::fill(&mut salt).and_then(|()| rand::fill(&mut iv)).map_err(|_| KeyError::System)?;
    let scrypt = ScryptParams {
        salt: Salt::new(salt).map_err(|_| KeyError::System)?,
        cost_parameter: SCRYPT_COST,
        block_size: SCRYPT_BLOCK,
        parallelization: SCRYPT_TIMES,
        key_length: None,
    };
    let parameters = Parameters { kdf: Kdf::Scrypt(scrypt), encryption: Cipher::Aes256Cbc { iv } };
    let encrypted = parameters.encrypt(password.0.as_bytes(), pkcs8.as_bytes()).map_err(|_| KeyError::System)?;
    let data = OctetStringRef::new(&encrypted).map_err(|_| KeyError::System)?;
    let info = EncryptedPrivateKeyInfo { encryption_algorithm: EncryptionScheme::from(parameters), encrypted_data: data };
    let document = SecretDocument::try_from(&info).map_err(|_| KeyError::System)?;
    document.to_pem(LABEL, LineEnding::LF).map_err(|_| KeyError::System)
}

/// Open a key file.
///
/// # Errors
/// [`KeyError`].
pub fn decrypt(pem: &str, password: &Password) -> Result<SigningKey, KeyError> {
    let (label, content) = content_of(pem)?;
    if cosign::LABELS.contains(&label) {
        return Err(KeyError::Cosign);
    }
    if label != LABEL {
        return Err(KeyError::Label(label.to_owned()));
    }
    SigningKey::from_pkcs8(open_pkcs8(&content, password)?.as_bytes()).ok_or(KeyError::Algorithm)
}

/// The label of a PEM text, and what it holds.
fn content_of(pem: &str) -> Result<(&str, Zeroizing<Vec<u8>>), KeyError> {
    let (label, content) = pem::decode_vec(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
    Ok((label, Zeroizing::new(content)))
}

fn open_pkcs8(content: &[u8], password: &Password) -> Result<SecretDocument, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::from_der(content).map_err(|_| KeyError::Scheme)?;
    refuse_cost(&info.encryption_algorithm)?;
    info.decrypt(password.0.as_bytes()).map_err(|_| KeyError::Password)
}

/// A key file of another program, read but not yet opened.
#[derive(Debug)]
pub struct Foreign {
    form: Form,
    content: Zeroizing<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Cosign,
    Encrypted,
    Open,
    Sec1,
}

impl Foreign {
    /// Read a key file of cosign (encrypted) or of openssl (PKCS#8 with or without a password, SEC 1 without).
    ///
    /// # Errors
    /// [`KeyError::NotPem`], [`KeyError::Label`].
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let pem = pem.split_once(SEC1_PARAMETERS).map_or(pem, |(_, key)| key.trim_start());
        let (label, content) = content_of(pem)?;
        let form = match label {
            label if cosign::LABELS.contains(&label) => Form::Cosign,
            LABEL => Form::Encrypted,
            OPEN_LABEL => Form::Open,
            SEC1_LABEL => Form::Sec1,
            other => return Err(KeyError::Label(other.to_owned())),
        };
        Ok(Self { form, content })
    }

    /// Whether it takes a password to open it.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.form, Form::Cosign | Form::Encrypted)
    }

    /// Open it: the key, and the same as DER of PKCS#8. The password of a file that has none is not looked at.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(&self, password: &Password) -> Result<(SigningKey, SecretDocument), KeyError> {
        let opened = match self.form {
            Form::Cosign => cosign::open(&self.content, password)?,
            Form::Encrypted => Zeroizing::new(open_pkcs8(&self.content, password)?.as_bytes().to_vec()),
            Form::Open | Form::Sec1 => self.content.clone(),
        };
        // Whatever of the optional fields the other program wrote, what is kept is written in one way.
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, &opened);
        let pair = pair.map_err(|_| KeyError::Algorithm)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::System)?;
        let key = SigningKey::from_pkcs8(pkcs8.as_ref()).ok_or(KeyError::Algorithm)?;
        Ok((key, SecretDocument::try_from(pkcs8.as_ref()).map_err(|_| KeyError::System)?))
    }
}

/// Refuse a file that asks for more than a key needs.
fn refuse_cost(scheme: &EncryptionScheme) -> Result<(), KeyError> {
    let parameters = scheme.pbes2().ok_or(KeyError::Scheme)?;
    let is_cheap = match &parameters.kdf {
        Kdf::Scrypt(scrypt) => scrypt.cost_parameter <= MAX_SCRYPT_COST && scrypt.block_size <= 8 && scrypt.parallelization <= 16,
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_PBKDF2_ITERATIONS,
        _ => return Err(KeyError::Scheme),
    };
    if is_cheap { Ok(()) } else { Err(KeyError::Cost) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[test]
    fn a_key_opens_with_its_password_and_no_other() {
        let (key, der) = generate().unwrap();
        let pem = encrypt(&der, &password("correct horse")).unwrap();
        assert_eq!(decrypt(&pem, &password("correct horse")).unwrap().spki(), key.spki());
        assert_eq!(decrypt(&pem, &password("battery staple")).unwrap_err(), KeyError::Password);
        assert_eq!(decrypt(&pem[..60], &password("x")).unwrap_err(), KeyError::NotPem);
        assert!(Password::new(String::new()).is_none());
    }

    #[test]
    fn two_files_of_one_key_have_nothing_in_common() {
        let (_, der) = generate().unwrap();
        assert_ne!(*encrypt(&der, &password("x")).unwrap(), *encrypt(&der, &password("x")).unwrap());
    }

    #[test]
    fn a_key_that_lies_open_is_refused() {
        let (_, der) = generate().unwrap();
        let pem = der.to_pem("PRIVATE KEY", LineEnding::LF).unwrap();
        assert_eq!(decrypt(&pem, &password("x")).unwrap_err(), KeyError::Label("PRIVATE KEY".into()));
        // What stands in such a file is JSON, no DER.
        let cosign = pem::encode_string("ENCRYPTED SIGSTORE PRIVATE KEY", LineEnding::LF, b"{}").unwrap();
        assert_eq!(decrypt(&cosign, &password("x")).unwrap_err(), KeyError::Cosign);
    }

    #[test]
    fn an_imported_key_is_the_same_key() {
        let (key, der) = generate().unwrap();
        let files = [(encrypt(&der, &password("x")).unwrap(), true), (der.to_pem(OPEN_LABEL, LineEnding::LF).unwrap(), false)];
        for (pem, is_encrypted) in files {
            let foreign = Foreign::parse(&pem).unwrap();
            assert_eq!(foreign.is_encrypted(), is_encrypted);
            let (opened, kept) = foreign.open(&password("x")).unwrap();
            assert_eq!(opened.spki(), key.spki());
            assert_eq!(SigningKey::from_pkcs8(kept.as_bytes()).unwrap().spki(), key.spki());
            assert_eq!(foreign.open(&password("y")).is_err(), is_encrypted);
        }
        assert_eq!(Foreign::parse("").unwrap_err(), KeyError::NotPem);
        let certificate = pem::encode_string("CERTIFICATE", LineEnding::LF, b"{}").unwrap();
        assert_eq!(Foreign::parse(&certificate).unwrap_err(), KeyError::Label("CERTIFICATE".into()));
    }
}
