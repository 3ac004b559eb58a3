//! Signatures over documents.
//!
//! A document is signed by a key that the trust policy names, or by an identity at a Sigstore instance whose trusted root the
//! trust policy pins. With a key there is neither certificate nor log to check: what is verified is an ECDSA P-256 signature over
//! the exact bytes of the file. The high-level verifier of `sigstore-verify` refuses bundles that have neither a log entry nor a
//! time stamp, hence the lower level there. With an identity everything is asked for: the certificate's chain and its time, the
//! inclusion proof of every log entry, a verified time, the exact issuer and the exact identity.

use super::key::hint_of;
use super::lower::{self, Asked, Fault};
use super::root::TrustRoot;
use crate::digest::{Algorithm, Digest};
use crate::manifest::MAX_BUNDLE;
use crate::manifest::trust_policy::Identity;
use crate::trust::content::Content;
use crate::trust::refusal::{EvidenceStep, Refusal};
use sigstore_verify::crypto::{KeyAlgorithm, SigningScheme, VerificationKey, parse_certificate_info};
use sigstore_verify::types::bundle::{Bundle, MediaType, MessageDigest, SignatureContent, VerificationMaterialContent};
use sigstore_verify::types::{Artifact, DerCertificate, DerPublicKey, HashAlgorithm, Sha256Hash, SignatureBytes};
use sigstore_verify::{CertificateError, Error as SigstoreError, TransparencyLogError};
use std::sync::Arc;

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
        if !lower::proves_every_entry(&self.bundle) {
            return Err(Refusal::NoInclusionProof { identity: identity.identity.clone() });
        }
        let asked = Asked { identity: &identity.identity, issuer: Some(&identity.issuer) };
        lower::by_identity(root, &self.bundle, self.artifact(&document.into()), &asked).map(drop).map_err(|fault| {
            let (step, why) = match fault {
                Fault::Verifier(error) => (step_of(&error), error.to_string()),
                Fault::LeftOut => (EvidenceStep::Bundle, "a step of verification was left out".to_owned()),
                Fault::NoTime => (EvidenceStep::Time, "no verified time".to_owned()),
            };
            Refusal::Evidence { identity: identity.identity.clone(), step, why }
        })
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

fn stated_digest(digest: &MessageDigest) -> Result<Digest, Refusal> {
    if digest.algorithm != HashAlgorithm::Sha2256 {
        return Err(Refusal::DigestAlgorithm);
    }
    Digest::parse(Algorithm::Sha256, &digest.digest.to_hex()).map_err(|e| Refusal::BundleUnreadable(e.to_string()))
}
