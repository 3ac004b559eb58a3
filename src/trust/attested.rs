//! What an attestation was verified to show: [`Attested`], or why it is not believed.
//!
//! An attestation speaks of a release file by its digest. What is asked of one stands in an [`Expectation`], in exact strings: who
//! signed, what kind of statement, from which repository by number, on which builder.

use crate::digest::DigestSet;
use crate::manifest::{AttestationPolicy, Attestor, BundleVersion};
use jiff::Timestamp;

/// What an attestation has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Who must have signed; `{version}` is filled in already.
    pub by: Attestor,
    /// Predicate types that count, exact. Empty accepts a statement of any type and a plain signature over the file.
    pub predicates: Vec<String>,
    /// See [`AttestationPolicy::source`].
    pub source: Option<String>,
    /// See [`AttestationPolicy::source_id`].
    pub source_id: Option<String>,
    /// See [`AttestationPolicy::owner_id`].
    pub owner_id: Option<String>,
    /// See [`AttestationPolicy::builder`].
    pub builder: Option<String>,
    /// The oldest form of a bundle that counts.
    pub min_bundle: BundleVersion,
}

impl Expectation {
    /// What a policy of the manifest asks for, for one version of a tool. `min_bundle` holds where the policy does not say.
    #[must_use]
    pub fn of_policy(policy: &AttestationPolicy, version: &str, min_bundle: BundleVersion) -> Self {
        let by = match &policy.by {
            Attestor::Identity { issuer, identity } => {
                Attestor::Identity { issuer: issuer.clone(), identity: identity.replace("{version}", version) }
            }
            key @ Attestor::Key { .. } => key.clone(),
        };
        Self {
            by,
            predicates: policy.predicates.clone(),
            source: policy.source.clone(),
            source_id: policy.source_id.clone(),
            owner_id: policy.owner_id.clone(),
            builder: policy.builder.clone(),
            min_bundle: policy.min_bundle.unwrap_or(min_bundle),
        }
    }
}

/// Which trusted root a bundle was verified under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootUsed {
    /// The Sigstore instance: `sigstore-public-good`, `github`, or one of the organisation.
    pub instance: String,
    /// Where the root came from.
    pub origin: RootOrigin,
    /// SHA-256 of its bytes.
    pub sha256: crate::digest::Digest,
}

/// Where a trusted root came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootOrigin {
    /// The organisation's trust policy pins it.
    Organisation,
    /// `vetted sync` brought it from the instance's TUF repository.
    Refreshed,
    /// It is part of this program.
    BuiltIn,
    /// It was named on the command line.
    CommandLine,
}

/// An attestation that was verified for exactly these digests. Can be made only in `trust`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    pub(super) subject: DigestSet,
    pub(super) predicate: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) source: Option<String>,
    pub(super) builder: Option<String>,
    pub(super) signed_at: Vec<Timestamp>,
    pub(super) root: Option<RootUsed>,
}

impl Attested {
    /// Digests of the file it speaks of, as they were computed from the file.
    #[must_use]
    pub fn subject(&self) -> &DigestSet {
        &self.subject
    }

    /// The type of its predicate; `None` where it is a plain signature over the file.
    #[must_use]
    pub fn predicate(&self) -> Option<&str> {
        self.predicate.as_deref()
    }

    /// Who vouched for the identity; `None` where a key signed.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Who signed; `None` where a key did.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// The repository that the certificate names as source.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The builder that the provenance names.
    #[must_use]
    pub fn builder(&self) -> Option<&str> {
        self.builder.as_deref()
    }

    /// Verified times of signing, earliest first.
    #[must_use]
    pub fn signed_at(&self) -> &[Timestamp] {
        &self.signed_at
    }

    /// The trusted root it was verified under; `None` where only a key counted.
    #[must_use]
    pub fn root(&self) -> Option<&RootUsed> {
        self.root.as_ref()
    }
}
