//! Where releases come from: which registries the user means, what they say of a release, and the release itself.
//!
//! No address is written in this program. A company that has a mirror means its mirror, and a developer means what their npm and
//! pip are set up for (`config`). What a registry says is a claim: the files are digested on the way (`download`), and who made
//! them is decided by attestations, elsewhere.

pub mod closure;
pub mod config;
mod download;
pub mod github;
pub mod local;
pub mod npm;
pub mod pypi;
mod refusal;
mod web;

pub use download::{Downloaded, download, download_aside};
pub use refusal::RegistryError;

use crate::digest::DigestSet;
use crate::tool::PackageVersion;
use crate::world::files::Files;
use jiff::Timestamp;

/// The most that is read of what a registry says of a package, in bytes. The largest packages of today stay below half of it.
pub const MAX_ANSWER: u64 = 64 * 1024 * 1024;
/// The most that is read of the attestations of a file, in bytes.
pub const MAX_ATTESTATIONS: u64 = 16 * 1024 * 1024;
/// The largest file of a release, in bytes.
pub const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// One version of a package, as its registry states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Which.
    pub package: PackageVersion,
    /// When it was published, where the registry says. Of several files it is the last one's time: a file that was added yesterday
    /// is a day old, whatever the release is.
    pub released: Option<Timestamp>,
    /// Its files: one for npm, wheels and sdist for PyPI, assets for GitHub.
    pub files: Vec<ReleaseFile>,
    /// Documents with attestations, each as the registry served it. `attestation::forms` reads them; which file one speaks of is
    /// said by its subject.
    pub attestations: Vec<Vec<u8>>,
    /// Addresses of attestations that the registry names and does not serve.
    pub unserved: Vec<String>,
    /// What the registry's own signature is worth.
    pub signature: RegistrySignature,
    /// Why nobody should take it, in the publisher's words (npm `deprecated`, PEP 592 `yanked`).
    pub withdrawn: Option<String>,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its file name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Where else it may be, in the order to ask, each where those before it have no such file.
    pub otherwise: Vec<String>,
    /// What the registry says its digests are.
    pub stated: DigestSet,
    /// Its size in bytes, where the registry says.
    pub size: Option<u64>,
}

/// What the registry's own signature over name, version and digest of a release is worth. One that does not hold is no value of this
/// type but an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrySignature {
    /// The registry gives none: every kind but npm, and many a mirror.
    Absent,
    /// There is one by a key that neither this program nor the registry knows. Whoever could strip it could do this too, so it is
    /// worth what no signature is worth.
    UnknownKey {
        /// The key it names.
        key: String,
    },
    /// It holds.
    Holds {
        /// The key it names.
        key: String,
        /// Where the key is known from.
        known: KnownFrom,
    },
}

/// Where the key of a registry signature is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownFrom {
    /// It is built in.
    BuiltIn,
    /// The registry that serves the signature serves the key: it proves that the registry says the same twice.
    Registry,
}

/// Where the files of a release are had from: a registry, or the disk.
#[derive(Debug, Clone)]
pub struct Source(Way);

#[derive(Debug, Clone)]
enum Way {
    Web(Box<web::Web>),
    Disk(Files),
}
