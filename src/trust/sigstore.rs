//! Sigstore bundles: the only file that names the Sigstore crates, whose interface changes with every minor release.
//!
//! A document is signed by keys that the trust policy names, so there is neither certificate nor log to check: what is verified is
//! an ECDSA P-256 signature over the exact bytes of the file. The bundle is the standard one all the same, so that
//! `cosign verify-blob --key` checks it without `vetted` and `cosign sign-blob --key` makes one for `vetted`. The high-level
//! verifier of `sigstore-verify` refuses bundles that have neither a log entry nor a time stamp, hence the lower level here.

use super::refusal::Refusal;
use crate::digest::{Algorithm, Digest};
use crate::manifest::MAX_BUNDLE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sigstore_verify::crypto::{KeyAlgorithm, KeyPair, SigningScheme, VerificationKey};
use sigstore_verify::types::bundle::{
    Bundle, MediaType, MessageDigest, MessageSignature, PublicKeyIdentifier, SignatureContent, VerificationMaterial,
    VerificationMaterialContent,
};
use sigstore_verify::types::{DerPublicKey, DigestBytes, HashAlgorithm, SignatureBytes};

/// A signature by a key over one file, as a bundle states it. Nothing of it is verified yet.
#[derive(Debug, Clone)]
pub struct KeyBundle {
    hint: String,
    stated: Option<Digest>,
    signature: SignatureBytes,
}

impl KeyBundle {
    /// Read a bundle of version 0.3 with a message signature by a key. Log entries and time stamps may be there; nothing depends
    /// on them.
    ///
    /// # Errors
    /// [`Refusal::BundleUnreadable`], [`Refusal::MediaType`], [`Refusal::NotKeySigned`], [`Refusal::NotAMessage`],
    /// [`Refusal::DigestAlgorithm`].
    pub fn parse(json: &str) -> Result<Self, Refusal> {
        let unreadable = |why: &dyn std::fmt::Display| Refusal::BundleUnreadable(why.to_string());
        if json.len() as u64 > MAX_BUNDLE {
            return Err(unreadable(&format!("it has {} bytes, at most {MAX_BUNDLE} are read", json.len())));
        }
        // The version is looked at first: what the rest means depends on it (threat T-12).
        let value: serde_json::Value = serde_json::from_str(json).map_err(|e| unreadable(&e))?;
        let media_type = value.get("mediaType").and_then(serde_json::Value::as_str).unwrap_or_default();
        if media_type.parse::<MediaType>().ok() != Some(MediaType::Bundle0_3) {
            return Err(Refusal::MediaType(media_type.to_owned()));
        }
        let bundle = Bundle::from_json(json).map_err(|e| unreadable(&e))?;
        let hint = match bundle.verification_material.content {
            VerificationMaterialContent::PublicKey(key) => key.hint,
            VerificationMaterialContent::Certificate(_) => return Err(Refusal::NotKeySigned("a certificate")),
            _ => return Err(Refusal::NotKeySigned("a certificate chain")),
        };
        let SignatureContent::MessageSignature(message) = bundle.content else { return Err(Refusal::NotAMessage) };
        let stated = message.message_digest.map(|digest| stated_digest(&digest)).transpose()?;
        Ok(Self { hint, stated, signature: message.signature })
    }

    /// What the bundle says of its key: for keys made by `vetted` and `cosign`, the base64 of the SHA-256 of the
    /// SubjectPublicKeyInfo. Nobody vouches for it: it says which key to try first.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Whether the hint names this public key (DER of its SubjectPublicKeyInfo).
    #[must_use]
    pub fn names(&self, spki: &[u8]) -> bool {
        self.hint == hint_of(spki)
    }

    /// Whether the digest that the bundle states, if any, is that of the document.
    ///
    /// # Errors
    /// [`Refusal::Digest`].
    pub fn check_digest(&self, document: &[u8]) -> Result<(), Refusal> {
        let actual = Digest::sha256_of(document);
        match &self.stated {
            Some(stated) if *stated != actual => Err(Refusal::Digest { stated: stated.clone(), actual }),
            _ => Ok(()),
        }
    }

    /// Whether this key made the signature over exactly these bytes. A key that is none made nothing.
    #[must_use]
    pub fn is_by(&self, spki: &[u8], document: &[u8]) -> bool {
        let key = DerPublicKey::from_bytes(spki);
        VerificationKey::from_spki_with_scheme(&key, SigningScheme::EcdsaP256Sha256)
            .is_ok_and(|key| key.verify(document, &self.signature).is_ok())
    }
}

fn stated_digest(digest: &MessageDigest) -> Result<Digest, Refusal> {
    if digest.algorithm != HashAlgorithm::Sha2256 {
        return Err(Refusal::DigestAlgorithm);
    }
    Digest::parse(Algorithm::Sha256, &digest.digest.to_hex()).map_err(|e| Refusal::BundleUnreadable(e.to_string()))
}

/// The hint of a public key.
fn hint_of(spki: &[u8]) -> String {
    BASE64.encode(Digest::sha256_of(spki).as_bytes())
}

/// A private key that signs documents.
#[derive(Debug)]
pub struct SigningKey {
    pair: KeyPair,
    spki: Vec<u8>,
}

impl SigningKey {
    /// Take a private key as DER of PKCS#8. `None` when it is no ECDSA P-256 key.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8_der(der).ok().filter(|pair| pair.algorithm() == KeyAlgorithm::EcdsaP256)?;
        let spki = pair.public_key_der().ok()?.as_bytes().to_vec();
        Some(Self { pair, spki })
    }

    /// DER of the public key's SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The public key as PEM.
    #[must_use]
    pub fn public_pem(&self) -> String {
        public_pem(&self.spki)
    }

    /// Sign a document: a bundle as one line of JSON. `None` when the random numbers that a signature needs cannot be had.
    #[must_use]
    pub fn sign(&self, document: &[u8]) -> Option<String> {
        let signature = self.pair.sign(document).ok()?;
        key_bundle(&self.spki, document, signature.as_bytes())
    }
}

/// The bundle around a signature (DER) that a key made over a document, as one line of JSON.
pub(super) fn key_bundle(spki: &[u8], document: &[u8], signature: &[u8]) -> Option<String> {
    let digest = DigestBytes::new(Digest::sha256_of(document).as_bytes().to_vec());
    let message = MessageSignature::new(SignatureBytes::from_bytes(signature))
        .with_message_digest(MessageDigest::new(HashAlgorithm::Sha2256, digest));
    let material = VerificationMaterial::new(VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new(hint_of(spki))));
    Bundle::new(MediaType::Bundle0_3, material, SignatureContent::MessageSignature(message)).to_json().ok()
}

/// A public key as PEM.
#[must_use]
pub fn public_pem(spki: &[u8]) -> String {
    // The crate ends lines as Windows does; other tools do not.
    DerPublicKey::from_bytes(spki).to_pem().replace('\r', "")
}
