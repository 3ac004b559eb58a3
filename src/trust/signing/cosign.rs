//! Private keys as cosign keeps them: a PEM text around JSON, scrypt, and the secret box of NaCl around PKCS#8. Only `vetted key
//! import` reads them; what vetted keeps itself is the standard form (`trust/key.rs`).

use crate::trust::key::{KeyError, MAX_SCRYPT_COST, Password};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use pkcs8::der::zeroize::Zeroizing;
use serde::Deserialize;

/// The labels of cosign's key files, the newer one first.
pub(in crate::trust) const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
/// Length of the box's key in bytes (XSalsa20-Poly1305).
const KEY_LENGTH: usize = 32;
/// Length of its nonce in bytes.
const NONCE_LENGTH: usize = 24;

#[derive(Deserialize)]
struct Envelope {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    params: ScryptParams,
    salt: String,
}

#[derive(Deserialize)]
struct ScryptParams {
    #[serde(rename = "N")]
    cost: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Open the content of such a PEM text: DER of PKCS#8.
///
/// # Errors
/// [`KeyError::Scheme`], [`KeyError::Cost`], [`KeyError::Password`].
pub(in crate::trust) fn open(content: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let envelope: Envelope = serde_json::from_slice(content).map_err(|_| KeyError::Scheme)?;
    if envelope.kdf.name != KDF || envelope.cipher.name != CIPHER {
        return Err(KeyError::Scheme);
    }
    let bytes = |text: &str| BASE64.decode(text).map_err(|_| KeyError::Scheme);
    let (salt, nonce, sealed) = (bytes(&envelope.kdf.salt)?, bytes(&envelope.cipher.nonce)?, bytes(&envelope.ciphertext)?);
    let nonce: [u8; NONCE_LENGTH] = nonce.try_into().map_err(|_| KeyError::Scheme)?;
    let params = parameters(&envelope.kdf.params)?;
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    scrypt::scrypt(password.as_bytes(), &salt, &params, key.as_mut()).map_err(|_| KeyError::System)?;
    let plain = XSalsa20Poly1305::new((&*key).into()).decrypt((&nonce).into(), &*sealed);
    plain.map(Zeroizing::new).map_err(|_| KeyError::Password)
}

/// The parameters, where they cost no more than a key is worth: cosign's own are 2^16, 8, 1.
fn parameters(asked: &ScryptParams) -> Result<scrypt::Params, KeyError> {
    if !asked.cost.is_power_of_two() || asked.cost < 2 {
        return Err(KeyError::Scheme);
    }
    if asked.cost > MAX_SCRYPT_COST || asked.r > 8 || asked.p > 16 {
        return Err(KeyError::Cost);
    }
    let log_cost = u8::try_from(asked.cost.ilog2()).map_err(|_| KeyError::Scheme)?;
    scrypt::Params::new(log_cost, asked.r, asked.p).map_err(|_| KeyError::Scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password() -> Password {
        Password::new("x".to_owned()).unwrap()
    }

    fn envelope(n: u64, r: u32, cipher: &str) -> String {
        format!(
            r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":{r},"p":1}},"salt":"AAAA"}},
                "cipher":{{"name":"{cipher}","nonce":"{}"}},"ciphertext":"AAAAAAAAAAAAAAAAAAAAAAAA"}}"#,
            "A".repeat(32)
        )
    }

    #[test]
    fn a_file_that_asks_for_more_than_a_key_is_worth_is_refused() {
        for (n, r) in [(1 << 40, 8), (1 << 16, 1 << 30)] {
            assert_eq!(open(envelope(n, r, CIPHER).as_bytes(), &password()).unwrap_err(), KeyError::Cost, "{n} {r}");
        }
    }

    #[test]
    fn other_ciphers_and_costs_that_are_none_are_refused() {
        for text in [envelope(1 << 10, 8, "rot13"), envelope(1000, 8, CIPHER), envelope(0, 8, CIPHER), "{}".to_owned()] {
            assert_eq!(open(text.as_bytes(), &password()).unwrap_err(), KeyError::Scheme, "{text}");
        }
        assert_eq!(open(envelope(1 << 10, 8, CIPHER).as_bytes(), &password()).unwrap_err(), KeyError::Password);
    }
}
