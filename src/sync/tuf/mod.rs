//! The policy files as targets of a TUF repository.
//!
//! Root rotation, thresholds, rollback, freeze and mix-and-match are judged by `sigstore-tuf`; this room gives it a transport, a memory
//! and a pinned root, and is the only one that names it. The files are believed for their own signatures as well: TUF comes on top.
//!
//! Below the address lie `metadata/` and `targets/`, as tuf-on-ci and python-tuf publish them. The root is pinned by the SHA-256 of
//! any one version of it; every run walks from that version to the newest.

mod folder;
mod refusal;

pub use refusal::Refusal;

use super::source::{FetchError, Fetched, Source, Tag};
use super::web::escaped;
use crate::digest::{Algorithm, Digest};
use crate::world::files::Files;
use crate::world::network::{Answer, Fault, Network, NetworkError};
use folder::Folder;
use jiff::{SignedDuration, Timestamp};
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{MetadataStore as _, TrustedMetadataSet, Updater, UpdaterConfig};
use std::path::{Path, PathBuf};

/// The most bytes of one file of metadata: the largest limit that the library has for a role.
const MAX_METADATA: u64 = 5_000_000;
/// The most bytes of one root.
const MAX_ROOT: u64 = 512_000;
/// The most roots that one run walks. A repository that rotates its root every month needs twenty years for them.
const MAX_ROTATIONS: u32 = 256;

/// A TUF repository, and what this machine has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The URL of its metadata, with a `/` at the end.
    pub metadata: String,
    /// The URL of its targets, with a `/` at the end.
    pub targets: String,
    /// The pinned root: SHA-256 of the bytes of any one version of it.
    pub root: Digest,
    /// Where the believed metadata is kept; made where it is missing.
    pub folder: PathBuf,
}

impl Repository {
    /// The repository below an address, in `metadata/` and `targets/`.
    #[must_use]
    pub fn below(address: &str, root: Digest, folder: PathBuf) -> Self {
        let address = address.trim_end_matches('/');
        Self { metadata: format!("{address}/metadata/"), targets: format!("{address}/targets/"), root, folder }
    }
}

/// Metadata as it was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Every root that was believed, in the order of their versions.
    pub roots: Vec<Vec<u8>>,
    /// Timestamp, snapshot and targets.
    pub roles: [Vec<u8>; 3],
}

/// A TUF repository as a source of files.
#[derive(Debug)]
pub struct TufSource {
    updater: Updater,
    folder: Folder,
    now: Timestamp,
    refreshed: bool,
}

impl TufSource {
    /// The repository, from its pinned root on. Asks the network only where the folder does not have that root.
    ///
    /// # Errors
    /// [`Refusal`] when no root has the fingerprint, or the folder cannot be used.
    pub fn open(network: &Network, files: Files, repository: &Repository, now: Timestamp) -> Result<Self, Refusal> {
        let folder = Folder::at(files, &repository.folder);
        let remote = Remote::new(network, &repository.metadata, &repository.targets);
        let root = match folder.root(&repository.root)? {
            Some(root) => root,
            None => remote.pinned_root(&repository.root)?,
        };
        let mut config = UpdaterConfig::default();
        config.root_max_length = MAX_ROOT;
        config.targets_max_length = MAX_METADATA;
        config.max_root_rotations = MAX_ROTATIONS;
        // How long a target may be is said by who asks for it.
        config.target_max_length = u64::MAX;
        let updater = Updater::new(remote, &root)?.with_config(config).with_store(folder.clone());
        folder.check()?;
        // The specification wants expiry to be later than the start of the update; the library lets it be equal.
        let now = now.checked_add(SignedDuration::from_nanos(1)).unwrap_or(now);
        Ok(Self { updater, folder, now, refreshed: false })
    }

    /// Keep a root that somebody handed over, so that no request is needed to start from it.
    ///
    /// # Errors
    /// [`Refusal`] when it is no root that is signed by its own keys, or the folder cannot be written.
    pub fn adopt(files: Files, folder: &Path, root: &[u8]) -> Result<(), Refusal> {
        let version = TrustedMetadataSet::from_root(root)?.root().version;
        let folder = Folder::at(files, folder);
        let kept = folder.store(&format!("root_history/{version}.root.json"), root).and(folder.store("root.json", root));
        folder.check()?;
        Ok(kept?)
    }

    /// Start from a root that is part of this program, where no earlier run did.
    ///
    /// # Errors
    /// As [`TufSource::adopt`].
    pub fn start_from(files: Files, folder: &Path, root: &[u8]) -> Result<(), Refusal> {
        match Folder::at(files, folder).root(&Digest::sha256_of(root))? {
            Some(_) => Ok(()),
            None => Self::adopt(files, folder, root),
        }
    }

    /// The metadata that was believed last, as it was served: for whoever wants to verify a target again without the repository.
    ///
    /// # Errors
    /// [`Refusal`] when the folder cannot be read.
    pub fn kept(&self) -> Result<Kept, Refusal> {
        let role = |name: &str| Ok::<_, Refusal>(self.folder.file(name)?.unwrap_or_default());
        Ok(Kept {
            roots: self.folder.history()?,
            roles: [role("timestamp.json")?, role("snapshot.json")?, role("targets.json")?],
        })
    }

    /// Bring the metadata up to date: root, timestamp, snapshot, targets, in the order of the specification (5.3 to 5.6).
    ///
    /// # Errors
    /// [`Refusal`]; what was believed before stays believed, and what was verified before the failure is kept.
    pub fn refresh(&mut self) -> Result<(), Refusal> {
        let result = pollster::block_on(self.updater.refresh(self.now));
        // A memory that cannot be kept comes first: with it gone the rest means less.
        self.folder.check()?;
        result?;
        self.refreshed = true;
        Ok(())
    }

    /// A target of at most `limit` bytes, unless it still is what `known` says. Refreshes first, once.
    ///
    /// # Errors
    /// [`Refusal`]; bytes that are not what the metadata says are never returned.
    pub fn target(&mut self, name: &str, limit: u64, known: Option<&Tag>) -> Result<Fetched, Refusal> {
        if name.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(Refusal::Name(name.to_owned()));
        }
        if !self.refreshed {
            self.refresh()?;
        }
        let found = pollster::block_on(self.updater.get_target_info(name, self.now));
        self.folder.check()?;
        let Some(target) = found? else { return Ok(Fetched::Missing) };
        let listed = target.hashes.get("sha256").and_then(|hex| Digest::parse(Algorithm::Sha256, hex).ok());
        if listed.is_some_and(|digest| known == Some(&tag_of(&digest))) {
            return Ok(Fetched::NotModified);
        }
        if target.length > limit {
            return Err(Refusal::TooLong { name: name.to_owned(), length: target.length, limit });
        }
        let bytes = pollster::block_on(self.updater.download_target(&target, name))?;
        let tag = Some(tag_of(&Digest::sha256_of(&bytes)));
        Ok(Fetched::Bytes { bytes, tag })
    }

    /// The version of the believed root.
    #[must_use]
    pub fn root_version(&self) -> u64 {
        self.updater.trusted().root().version
    }
}

impl Source for TufSource {
    fn fetch(&mut self, name: &str, limit: u64, known: Option<&Tag>) -> Result<Fetched, FetchError> {
        self.target(name, limit, known).map_err(FetchError::of)
    }
}

/// The tag of a target: the digest of its bytes, so that it holds for a copy from anywhere.
#[must_use]
pub fn tag_of(sha256: &Digest) -> Tag {
    Tag(format!("sha256:{}", sha256.hex()))
}

/// The newest root that a repository offers: its version and its fingerprint, for a person to compare with what the security team
/// published elsewhere. Nothing is believed by it.
///
/// # Errors
/// [`Refusal`] when there is none, or it does not follow from version 1.
pub fn offered_root(network: &Network, address: &str) -> Result<(u64, Digest), Refusal> {
    let address = address.trim_end_matches('/');
    let remote = Remote::new(network, &format!("{address}/metadata/"), "");
    let first = remote.root(1)?.ok_or_else(|| Refusal::NoRoot(remote.metadata.clone()))?;
    let mut chain = TrustedMetadataSet::from_root(&first)?;
    for version in 2..=MAX_ROTATIONS {
        match remote.root(version)? {
            Some(bytes) => chain.update_root(&bytes)?,
            None => break,
        }
    }
    Ok((chain.root().version, Digest::sha256_of(chain.root_bytes())))
}

/// The repository as the library sees it.
struct Remote {
    network: Network,
    metadata: String,
    targets: String,
}

impl Remote {
    fn new(network: &Network, metadata: &str, targets: &str) -> Self {
        Self { network: network.clone(), metadata: metadata.to_owned(), targets: targets.to_owned() }
    }

    fn root(&self, version: u32) -> Result<Option<Vec<u8>>, Refusal> {
        let url = format!("{}{version}.root.json", self.metadata);
        Ok(self.get(&url, MAX_ROOT)?)
    }

    fn pinned_root(&self, fingerprint: &Digest) -> Result<Vec<u8>, Refusal> {
        let mut offered = Vec::new();
        for version in 1..=MAX_ROTATIONS {
            let Some(bytes) = self.root(version)? else { break };
            let digest = Digest::sha256_of(&bytes);
            if digest == *fingerprint {
                return Ok(bytes);
            }
            offered.push(digest);
        }
        if offered.is_empty() {
            return Err(Refusal::NoRoot(self.metadata.clone()));
        }
        Err(Refusal::NotPinned { expected: fingerprint.clone(), offered })
    }

    fn get(&self, url: &str, limit: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        match self.network.get(url, limit, None) {
            Ok(Answer::Bytes { bytes, .. }) => Ok(Some(bytes)),
            // Object stores answer 403 for what is not there, and the end of the chain of roots is what is not there.
            Ok(Answer::Missing | Answer::NotModified) | Err(NetworkError { fault: Fault::Status(403), .. }) => Ok(None),
            Err(error) => Err(sigstore_tuf::Error::transport_with_source("no answer", error)),
        }
    }
}

// Each future is ready when it is made: nothing here waits for more than one answer at a time.
impl sigstore_tuf::Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        let answer = self.get(&format!("{}{name}", self.metadata), max_length);
        Box::pin(std::future::ready(answer))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        let answer = self.get(&format!("{}{}", self.targets, escaped(path)), max_length);
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_targets_lie_below_the_address() {
        let root = Digest::sha256_of(b"root");
        let repository = Repository::below("https://policy.acme.example/tuf/", root, PathBuf::from("tuf"));
        assert_eq!(repository.metadata, "https://policy.acme.example/tuf/metadata/");
        assert_eq!(repository.targets, "https://policy.acme.example/tuf/targets/");
    }
}
