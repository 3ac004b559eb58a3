//! `vetted-revocations.toml`: refusals that one person on call may sign. The type has no field that could allow.

use super::{Header, Revocation};
use crate::digest::Digest;

/// The model of `vetted-revocations.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocations {
    /// Name, serial, times.
    pub header: Header,
    /// The newest manifest when it was signed.
    pub manifest: Beacon,
    /// Refusals, in file order.
    pub revocations: Vec<Revocation>,
}

/// The newest manifest: an older one beside these revocations is a rollback, another one with the same serial an equivocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beacon {
    /// Its serial.
    pub serial: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}
