//! Where bytes become believed: verify and return a [`Verified`], or a typed [`Refusal`].
//!
//! Nothing outside this module can make a [`Verified`]; `policy` accepts nothing else as policy.

mod against;
mod attestation_refusal;
pub mod attested;
mod authority;
pub mod builtin;
mod bundles;
mod chain;
mod content;
pub mod document;
mod folder;
pub mod key;
pub mod place;
mod refusal;
pub mod roots;
pub mod signing;
pub mod sigstore;
pub mod state;
pub mod stored;
pub mod threshold;
mod unbelieved;

pub use attestation_refusal::{AttestationRefusal, Differs};
pub use authority::Authority;
pub use content::Content;
pub use refusal::{Document, EvidenceStep, Refusal};
pub use unbelieved::Unbelieved;

use crate::digest::Digest;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// A value whose origin was verified. Can be made only in `trust`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T> {
    /// Shared: a large manifest is believed once and used in several places.
    value: Arc<T>,
    proof: Proof,
}

impl<T> Verified<T> {
    fn new(value: T, proof: Proof) -> Self {
        Self { value: Arc::new(value), proof }
    }

    /// A draft as if it had been signed: only for `vetted policy simulate`, which says what would be if it were, decides nothing and
    /// remembers nothing. A test holds that nobody else names this.
    #[must_use]
    pub(crate) fn unsafe_assume_signed(value: T, path: PathBuf, sha256: Digest) -> Self {
        Self::new(value, Proof::Signed { path, sha256, signers: Vec::new() })
    }

    /// A value believed without proof, for tests of what follows from it.
    #[cfg(test)]
    pub(crate) fn for_test(value: T) -> Self {
        Self::new(value, Proof::BuiltIn)
    }

    /// A value believed without proof, for fuzz targets alone: no build without `--cfg fuzzing` has this.
    #[cfg(fuzzing)]
    pub fn unproved_for_fuzzing(value: T) -> Self {
        Self::new(value, Proof::BuiltIn)
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.value
    }

    /// Why it is believed.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// Why a value is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It is part of this program.
    BuiltIn,
    /// Enough distinct signers of the role signed exactly these bytes.
    Signed {
        /// The file.
        path: PathBuf,
        /// SHA-256 of its bytes.
        sha256: Digest,
        /// Who signed, in the order of the role.
        signers: Vec<String>,
    },
}

/// What this machine remembers of earlier runs that bears on how long its documents may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// It believed exactly this manifest before it expired: the manifest's grace applies to it.
    pub manifest: bool,
    /// It believed exactly these revocations before they expired: the grace applies to them.
    pub revocations: bool,
    /// The latest time that a believed document of this name ever stated. The clock cannot be earlier.
    pub latest: Option<Timestamp>,
    /// When the trust policy expired, where it has: its signers may still refuse, and approve nothing.
    pub trust_expired: Option<Timestamp>,
}
