//! The metadata folder: what this machine believed of a TUF repository, kept between runs.
//!
//! The library verifies everything it reads back, from the pinned root on, so this folder is no anchor of trust. It is the memory that
//! makes a rollback visible, and a memory that cannot be read or kept is said aloud: the library takes a failed read for "never seen"
//! and a failed write for "not important", and a machine that forgets has no protection against an older snapshot.

use super::refusal::Refusal;
use crate::digest::Digest;
use crate::world::files::{FileError, Files};
use sigstore_tuf::MetadataStore;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of one file of the folder that are read; no role may be larger when it is fetched.
const LIMIT: u64 = super::MAX_METADATA;
/// The four roles of every repository, each under its own name.
const TOP: [&str; 4] = ["root.json", "timestamp.json", "snapshot.json", "targets.json"];
/// Where earlier roots lie: the way from the pinned one to the newest.
const HISTORY: &str = "root_history";

/// A folder with the believed metadata of one repository, for this user alone.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    files: Files,
    path: PathBuf,
    failure: Arc<Mutex<Option<Refusal>>>,
}

impl Folder {
    /// The folder at a path, which need not exist yet.
    pub(super) fn at(files: Files, path: &Path) -> Self {
        Self { files, path: path.to_owned(), failure: Arc::default() }
    }

    /// What went wrong while the library read and wrote, once.
    ///
    /// # Errors
    /// The first failure since the last call.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// The root with this SHA-256, if an earlier run kept it.
    ///
    /// # Errors
    /// [`Refusal::Folder`] when the folder is there and cannot be read.
    pub(super) fn root(&self, fingerprint: &Digest) -> Result<Option<Vec<u8>>, Refusal> {
        let history = self.path.join(HISTORY);
        let entries = match self.files.list(&history) {
            Ok(entries) => entries,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(Refusal::Folder(error)),
        };
        for entry in entries {
            let bytes = self.files.read(&history.join(entry.name), LIMIT).map_err(Refusal::Folder)?;
            if Digest::sha256_of(&bytes) == *fingerprint {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// One of the files that stand for the four roles, if there is one.
    ///
    /// # Errors
    /// [`Refusal::Folder`], [`Refusal::Broken`].
    pub(super) fn file(&self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.read(name)
    }

    /// The roots that were kept, in the order of their versions.
    ///
    /// # Errors
    /// [`Refusal::Folder`], [`Refusal::Broken`].
    pub(super) fn history(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        let entries = self.files.list(&self.path.join(HISTORY)).map_err(Refusal::Folder)?;
        let version = |name: &std::ffi::OsStr| name.to_str()?.strip_suffix(".root.json")?.parse::<u64>().ok();
        let mut versions: Vec<u64> = entries.iter().filter_map(|entry| version(&entry.name)).collect();
        versions.sort_unstable();
        let root = |version: u64| self.read(&format!("{HISTORY}/{version}.root.json"));
        versions.into_iter().filter_map(|version| root(version).transpose()).collect()
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let path = self.path.join(name);
        let bytes = match self.files.read(&path, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(Refusal::Folder(error)),
        };
        // Files are replaced whole, so a part of one was not written by this program.
        if serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err() {
            return Err(Refusal::Broken(path));
        }
        Ok(Some(bytes))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let path = self.path.join(name);
        if self.files.read(&path, LIMIT).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            self.files.create_private_folder(folder)?;
        }
        self.files.write_atomic(&path, bytes, 0o600)
    }

    fn remember<T>(&self, result: Result<T, Refusal>) -> sigstore_tuf::Result<T> {
        result.map_err(|refusal| {
            let error = sigstore_tuf::Error::transport(refusal.to_string());
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refusal);
            error
        })
    }
}

impl MetadataStore for Folder {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        if is_kept(name) { self.remember(self.read(name)) } else { Ok(None) }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        if is_kept(name) { self.remember(self.write(name, bytes).map_err(Refusal::Folder)) } else { Ok(()) }
    }
}

/// Whether a file that the library wants to keep is kept.
///
/// Not the numbered copies of the snapshot, which nothing reads again, and not targets, which the caller has where they belong. A
/// delegated role is never read back either; its name is chosen by whoever delegates, so on a file system that folds case one named
/// `Timestamp` must not replace the timestamp.
fn is_kept(name: &str) -> bool {
    if TOP.contains(&name) {
        return true;
    }
    if let Some(rest) = name.strip_prefix("root_history/") {
        return rest.strip_suffix(".root.json").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    }
    let numbered = name.split_once('.').is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    !numbered && !name.contains(['/', '\\']) && !TOP.iter().any(|top| name.eq_ignore_ascii_case(top))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_is_read_again_or_harmless() {
        for name in ["root.json", "timestamp.json", "root_history/12.root.json", "policy.json", "%2E%2E%2Fpolicy.json"] {
            assert!(is_kept(name), "{name}");
        }
        let refused = [
            "7.snapshot.json",
            "targets/vetted.toml",
            "Timestamp.json",
            "ROOT.JSON",
            "root_history/../root.json",
            "root_history/.root.json",
            "a\\b.json",
        ];
        for name in refused {
            assert!(!is_kept(name), "{name}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_kept_or_read_is_said() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(Files, place.path());
        assert_eq!(folder.load("timestamp.json").unwrap(), None);
        folder.store("timestamp.json", b"{}").unwrap();
        folder.check().unwrap();
        assert_eq!(folder.load("timestamp.json").unwrap().unwrap(), b"{}");

        Files.write_atomic(&place.path().join("timestamp.json"), b"{\"sig", 0o600).unwrap();
        folder.load("timestamp.json").unwrap_err();
        assert!(matches!(folder.check(), Err(Refusal::Broken(path)) if path.ends_with("timestamp.json")));
        folder.check().unwrap();

        // A file where the folder should be: nothing can be kept below it.
        let blocked = Folder::at(Files, &place.path().join("timestamp.json"));
        blocked.store("root.json", b"{}").unwrap_err();
        assert!(matches!(blocked.check(), Err(Refusal::Folder(_))));
    }

    #[test]
    fn the_pinned_root_is_found_by_its_digest() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(Files, place.path());
        assert_eq!(folder.root(&Digest::sha256_of(b"{\"v\":1}")).unwrap(), None);
        folder.store("root_history/1.root.json", b"{\"v\":1}").unwrap();
        folder.store("root_history/2.root.json", b"{\"v\":2}").unwrap();
        assert_eq!(folder.root(&Digest::sha256_of(b"{\"v\":1}")).unwrap().unwrap(), b"{\"v\":1}");
        assert_eq!(folder.root(&Digest::sha256_of(b"{\"v\":3}")).unwrap(), None);
    }
}
