//! Sigstore bundles: the one file that reads and verifies with the Sigstore crates, whose interface changes with every minor
//! release.
//!
//! A document is signed by a key that the trust policy names, or by an identity at a Sigstore instance whose trusted root the
//! trust policy pins. With a key there is neither certificate nor log to check: what is verified is an ECDSA P-256 signature over
//! the exact bytes of the file. The high-level verifier of `sigstore-verify` refuses bundles that have neither a log entry nor a
//! time stamp, hence the lower level there. With an identity everything is asked for: the certificate's chain and its time, the
//! inclusion proof of every log entry, a verified time, the exact issuer and the exact identity.

use super::content::Content;
use super::refusal::{EvidenceStep, Refusal};
use crate::digest::{Algorithm, Digest};
use crate::manifest::MAX_BUNDLE;
use crate::manifest::trust_policy::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sigstore_verify::crypto::{KeyAlgorithm, KeyPair, SigningScheme, VerificationKey, parse_certificate_info};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::bundle::{
    Bundle, MediaType, MessageDigest, MessageSignature, PublicKeyIdentifier, SignatureContent, VerificationMaterial,
    VerificationMaterialContent,
};
use sigstore_verify::types::{Artifact, DerCertificate, DerPublicKey, DigestBytes, HashAlgorithm, Sha256Hash, SignatureBytes};
use sigstore_verify::{CertificateError, Error as SigstoreError, TransparencyLogError, VerificationPolicy, Verifier};
use std::sync::Arc;

/// The largest trusted root that is read, in bytes. The public one has 12 KiB.
pub const MAX_TRUSTED_ROOT: u64 = 1024 * 1024;

/// A signature over one file, as a bundle states it. Nothing of it is verified yet.
#[derive(Debug, Clone)]
pub enum SignatureBundle {
    /// By a key.
    Key(KeyBundle),
    /// By an identity at a Sigstore instance.
    Identity(IdentityBundle),
}

impl SignatureBundle {
    /// Read a bundle of version 0.3 with a message signature, or of version 0.2 with a message signature by an identity: the form
    /// in which sigstore-js writes one. Both prove the same, and the same is asked of both.
    ///
    /// # Errors
    /// [`Refusal::BundleUnreadable`], [`Refusal::MediaType`], [`Refusal::CertificateChain`], [`Refusal::NotAMessage`],
    /// [`Refusal::DigestAlgorithm`].
    pub fn parse(json: &str) -> Result<Self, Refusal> {
        let unreadable = |why: &dyn std::fmt::Display| Refusal::BundleUnreadable(why.to_string());
        if json.len() as u64 > MAX_BUNDLE {
            return Err(unreadable(&format!("it has {} bytes, at most {MAX_BUNDLE} are read", json.len())));
        }
        // The version is looked at first: what the rest means depends on it (threat T-12).
        let value: serde_json::Value = serde_json::from_str(json).map_err(|e| unreadable(&e))?;
        let media_type = value.get("mediaType").and_then(serde_json::Value::as_str).unwrap_or_default();
        let old = || Refusal::MediaType(media_type.to_owned());
        let version = media_type.parse().ok().filter(|version| matches!(version, MediaType::Bundle0_2 | MediaType::Bundle0_3));
        let version = version.ok_or_else(old)?;
        let bundle = Bundle::from_json(json).map_err(|e| unreadable(&e))?;
        let SignatureContent::MessageSignature(message) = &bundle.content else { return Err(Refusal::NotAMessage) };
        let stated = message.message_digest.as_ref().map(stated_digest).transpose()?;
        match (version, &bundle.verification_material.content) {
            (MediaType::Bundle0_3, VerificationMaterialContent::PublicKey(key)) => {
                Ok(Self::Key(KeyBundle { hint: key.hint.clone(), stated, signature: message.signature.clone() }))
            }
            (MediaType::Bundle0_3, VerificationMaterialContent::Certificate(certificate)) => {
                let certificate = certificate.raw_bytes.clone();
                IdentityBundle::of(bundle, stated, &certificate).map(Self::Identity)
            }
            (MediaType::Bundle0_2, VerificationMaterialContent::X509CertificateChain { certificates }) => {
                let leaf = certificates.first().ok_or(Refusal::CertificateChain)?.raw_bytes.clone();
                IdentityBundle::of(bundle, stated, &leaf).map(Self::Identity)
            }
            (MediaType::Bundle0_2, _) => Err(old()),
            _ => Err(Refusal::CertificateChain),
        }
    }

    /// Whether the SHA-256 of a document is all that is needed of it to verify the signature.
    #[must_use]
    pub fn is_over_sha256(&self) -> bool {
        match self {
            Self::Key(_) => true,
            Self::Identity(bundle) => bundle.signs_sha256,
        }
    }

    /// Whether the digest that the bundle states, if any, is the SHA-256 of the document.
    ///
    /// # Errors
    /// [`Refusal::Digest`].
    pub fn check_digest(&self, actual: &Digest) -> Result<(), Refusal> {
        match self {
            Self::Key(KeyBundle { stated: Some(stated), .. }) | Self::Identity(IdentityBundle { stated: Some(stated), .. })
                if stated != actual =>
            {
                Err(Refusal::Digest { stated: stated.clone(), actual: actual.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// A signature by a key over one file, as a bundle states it. Nothing of it is verified yet. Log entries and time stamps may be
/// there; nothing depends on them.
#[derive(Debug, Clone)]
pub struct KeyBundle {
    hint: String,
    stated: Option<Digest>,
    signature: SignatureBytes,
}

impl KeyBundle {
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

    /// Whether this key made the signature over exactly these bytes. A key that is none made nothing.
    #[must_use]
    pub fn is_by<'d>(&self, spki: &[u8], document: impl Into<Content<'d>>) -> bool {
        let key = DerPublicKey::from_bytes(spki);
        VerificationKey::from_spki_with_scheme(&key, SigningScheme::EcdsaP256Sha256)
            .is_ok_and(|key| key.verify_prehashed(document.into().sha256().as_bytes(), &self.signature).is_ok())
    }
}

/// A signature by an identity over one file, as a bundle states it. Nothing of it is verified yet.
#[derive(Debug, Clone)]
pub struct IdentityBundle {
    stated: Option<Digest>,
    issuer: String,
    identity: String,
    /// Whether the signature is over the SHA-256 of the document. Some schemes sign the bytes themselves.
    signs_sha256: bool,
    bundle: Arc<Bundle>,
}

impl IdentityBundle {
    fn of(bundle: Bundle, stated: Option<Digest>, certificate: &DerCertificate) -> Result<Self, Refusal> {
        let claims = parse_certificate_info(certificate).map_err(|e| Refusal::BundleUnreadable(e.to_string()))?;
        Ok(Self {
            stated,
            issuer: claims.issuer.unwrap_or_default(),
            signs_sha256: claims.key_algorithm == KeyAlgorithm::EcdsaP256,
            identity: claims.identity.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            bundle: Arc::new(bundle),
        })
    }

    fn artifact<'d>(&self, document: &Content<'d>) -> Artifact<'d> {
        match (document.sha256(), document.bytes()) {
            (Digest::Sha256(sha256), bytes) if self.signs_sha256 || bytes.is_none() => Sha256Hash::new(*sha256).into(),
            // With the digest in place of the bytes such a signature would be refused.
            (_, bytes) => bytes.unwrap_or_default().into(),
        }
    }

    /// The issuer that the certificate states; empty without one. Nobody vouches for it before [`IdentityBundle::verify`].
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject alternative name that the certificate states; empty without one.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether the certificate states exactly this issuer and this identity.
    #[must_use]
    pub fn claims(&self, identity: &Identity) -> bool {
        self.issuer == identity.issuer && self.identity == identity.identity
    }

    /// Verify that this identity signed exactly these bytes, under the trusted root of its instance.
    ///
    /// # Errors
    /// [`Refusal::NoInclusionProof`], [`Refusal::Evidence`] with the step that failed.
    pub fn verify<'d>(&self, document: impl Into<Content<'d>>, root: &TrustRoot, identity: &Identity) -> Result<(), Refusal> {
        // An inclusion promise alone says that the log meant to take the entry in. Every entry has to prove that it did.
        let entries = &self.bundle.verification_material.tlog_entries;
        if entries.is_empty() || entries.iter().any(|entry| entry.inclusion_proof.is_none()) {
            return Err(Refusal::NoInclusionProof { identity: identity.identity.clone() });
        }
        let refuse = |step, why: String| Refusal::Evidence { identity: identity.identity.clone(), step, why };
        let mut policy = VerificationPolicy::new(identity.identity.as_str(), identity.issuer.as_str());
        if !root.has_certificate_log {
            policy = policy.skip_sct();
        }
        let found = root
            .verifier
            .verify(self.artifact(&document.into()), &self.bundle, &policy)
            .map_err(|error| refuse(step_of(&error), error.to_string()))?;
        if !(found.certificate_verified() && found.tlog_verified() && found.identity_policy_checked()) {
            return Err(refuse(EvidenceStep::Bundle, "a step of verification was left out".to_owned()));
        }
        if found.verified_timestamps().is_empty() {
            return Err(refuse(EvidenceStep::Time, "no verified time".to_owned()));
        }
        Ok(())
    }
}

fn step_of(error: &SigstoreError) -> EvidenceStep {
    match error {
        SigstoreError::IdentityMismatch { .. } | SigstoreError::IssuerMismatch { .. } => EvidenceStep::Identity,
        SigstoreError::SignatureInvalid(_) => EvidenceStep::Signature,
        SigstoreError::ArtifactMismatch(_) => EvidenceStep::Digest,
        SigstoreError::Certificate(CertificateError::Sct(_)) => EvidenceStep::CertificateLog,
        SigstoreError::Certificate(_) => EvidenceStep::Certificate,
        SigstoreError::TransparencyLog(TransparencyLogError::IntegratedTime(_)) | SigstoreError::Timestamp(_) => {
            EvidenceStep::Time
        }
        SigstoreError::TransparencyLog(_) => EvidenceStep::Log,
        _ => EvidenceStep::Bundle,
    }
}

/// The trusted root of a Sigstore instance: who may issue certificates, which logs and which time stamps count.
#[derive(Clone)]
pub struct TrustRoot {
    verifier: Arc<Verifier>,
    /// An instance whose root names no certificate transparency log has none that its certificates could be in.
    has_certificate_log: bool,
}

impl TrustRoot {
    /// Read a trusted root (`application/vnd.dev.sigstore.trustedroot`).
    ///
    /// # Errors
    /// Why it cannot be used, in one sentence.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
        let root = TrustedRoot::from_json(text).map_err(|e| e.to_string())?;
        let verifier = Verifier::new(&root).map_err(|e| e.to_string())?;
        Ok(Self { verifier: Arc::new(verifier), has_certificate_log: !root.ctlogs.is_empty() })
    }
}

impl std::fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustRoot").field("has_certificate_log", &self.has_certificate_log).finish_non_exhaustive()
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
