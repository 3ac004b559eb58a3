//! `[[attestation]]`: what an attestation has to show before it counts, in exact strings.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `[[attestation]]`: who must have attested what of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestationPolicy {
    /// Name used by `require`.
    pub id: String,
    /// Predicate types that count, exact; one of them.
    pub predicates: Vec<String>,
    /// The Sigstore instance that vouches: one of the trust policy, or one that is built in.
    pub instance: String,
    /// Who must have signed.
    pub by: Attestor,
    /// Repository that the certificate must name as source (Fulcio OID 1.3.6.1.4.1.57264.1.12).
    pub source: Option<String>,
    /// Its number at the forge (1.15): a deleted and registered again name has another.
    pub source_id: Option<String>,
    /// The number of its owner (1.17).
    pub owner_id: Option<String>,
    /// The builder that the provenance must name (`runDetails.builder.id`, SLSA provenance v1; `builder.id`, v0.2).
    pub builder: Option<String>,
    /// The oldest form of a bundle that counts.
    pub min_bundle: Option<BundleVersion>,
    /// Line in the manifest.
    pub line: u32,
}

/// Who must have signed an attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attestor {
    /// An identity at the instance.
    Identity {
        /// Who vouches for the identity (OIDC issuer), exact.
        issuer: String,
        /// The subject alternative name, exact but for `{version}`, which stands for the version of the approval.
        identity: String,
    },
    /// The holder of a key.
    Key {
        /// DER of the SubjectPublicKeyInfo.
        spki: Vec<u8>,
        /// From when on its signatures count no more.
        not_after: Option<Timestamp>,
    },
}

/// The form of a Sigstore bundle. From 0.2 on an inclusion proof must be in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BundleVersion {
    /// An inclusion promise is enough.
    V0_1,
    /// With a certificate chain and an inclusion proof.
    #[default]
    V0_2,
    /// With one certificate and an inclusion proof.
    V0_3,
}

impl BundleVersion {
    /// As written in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1",
            Self::V0_2 => "0.2",
            Self::V0_3 => "0.3",
        }
    }
}
