//! Keys of one's own: what they sign, and the bundle around it, made so that cosign, sigstore-python and sigstore-js read it.

use crate::digest::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sigstore_verify::crypto::{KeyAlgorithm, KeyPair};
use sigstore_verify::types::bundle::{
    Bundle, MediaType, MessageDigest, MessageSignature, PublicKeyIdentifier, SignatureContent, VerificationMaterial,
    VerificationMaterialContent,
};
use sigstore_verify::types::{DerPublicKey, DigestBytes, HashAlgorithm, SignatureBytes};

/// The hint of a public key.
pub(super) fn hint_of(spki: &[u8]) -> String {
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
pub(in crate::trust) fn key_bundle(spki: &[u8], document: &[u8], signature: &[u8]) -> Option<String> {
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
