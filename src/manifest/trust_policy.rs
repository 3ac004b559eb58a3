//! `vetted-trust.toml`: who may sign what.

use crate::digest::Digest;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The longest time a waiver may run, where `[role.waivers]` does not say.
pub const WAIVER_LIMIT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The longest time a waiver may run, whatever `[role.waivers]` says.
pub const MAX_WAIVER: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The shortest time that `[role.waivers]` may name.
pub const MIN_WAIVER: SignedDuration = SignedDuration::from_hours(1);

/// Roles a signer can have. Each kind of document is signed by one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Signs the trust policy itself.
    Root,
    /// Signs `vetted.toml`.
    Manifest,
    /// Signs `vetted-revocations.toml`.
    Revocations,
}

impl Role {
    /// The key under `[role]`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Manifest => "manifest",
            Self::Revocations => "revocations",
        }
    }
}

/// The model of `vetted-trust.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    /// The policy's name; the manifest must carry the same.
    pub name: String,
    /// Counts up by exactly one.
    pub version: u64,
    /// From when on it vouches for nobody.
    pub expires: Timestamp,
    /// People and machines, by id.
    pub signers: BTreeMap<String, Signer>,
    /// Who holds which role, and how many are needed.
    pub roles: BTreeMap<Role, RoleHolders>,
    /// The longest time a waiver may run (`[role.waivers] max-duration`).
    pub waiver_limit: SignedDuration,
    /// Sigstore instances that identities of signers refer to, by id.
    pub instances: BTreeMap<String, Instance>,
}

/// `[[instance]]`: a Sigstore instance, known by its trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Name used by signers.
    pub id: String,
    /// Its trusted root (`application/vnd.dev.sigstore.trustedroot`), relative to the policy folder.
    pub trusted_root: PathBuf,
    /// SHA-256 of that file.
    pub sha256: Digest,
}

/// Who a certificate of a Sigstore instance has to name, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Id of the instance.
    pub instance: String,
    /// Who vouched for the identity (OIDC issuer).
    pub issuer: String,
    /// The subject alternative name: a mail address or a URI.
    pub identity: String,
}

/// One person or machine. Several keys of one signer count once towards a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Name used in roles and messages.
    pub id: String,
    /// Public keys.
    pub keys: Vec<SignerKey>,
    /// Identities at a Sigstore instance, which sign without a key of their own.
    pub identities: Vec<Identity>,
}

/// An ECDSA P-256 public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerKey {
    /// DER of the SubjectPublicKeyInfo (RFC 5480).
    pub spki: Vec<u8>,
    /// From when on its signatures count no more.
    pub not_after: Option<Timestamp>,
}

impl SignerKey {
    /// SHA-256 of the SubjectPublicKeyInfo: how a key is named to people and, in base64, in a bundle's hint.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::sha256_of(&self.spki)
    }
}

/// `[role.<name>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleHolders {
    /// How many distinct signers are needed; at least 1, at most the number of holders.
    pub threshold: usize,
    /// Ids of the holders, distinct.
    pub signers: Vec<String>,
}
