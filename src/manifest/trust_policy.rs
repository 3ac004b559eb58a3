//! `vetted-trust.toml`: who may sign what.

use crate::digest::Digest;
use jiff::Timestamp;
use std::collections::BTreeMap;

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
}

/// One person or machine. Several keys of one signer count once towards a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Name used in roles and messages.
    pub id: String,
    /// Public keys.
    pub keys: Vec<SignerKey>,
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
