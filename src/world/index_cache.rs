//! Indexes of documents, kept between runs: what was made of a large document once is not made again.
//!
//! Each index is a file of its own, named after the SHA-256 of the document it was made of, and says so inside as well, together
//! with its format and the version of this program. Its trust is that of the cache of digests ([`super::cache`]): the file belongs
//! to this user, nobody else may read or write it, and a checksum says that it is whole; what cannot be believed is ignored and made
//! anew. What is in it is never more than what the document says: its bytes are digested and its signatures verified in every run.
//!
//! Out of scope, as there: who can write as this user. In CI nothing is read and nothing kept.

use super::World;
use super::cache::{checksum, client, is_own_place, read_own};
use super::files::{EntryKind, FileError, Files};
use crate::digest::{Algorithm, Digest};
use std::path::PathBuf;

/// The largest index that is read, in bytes: twice the largest document.
const MAX_INDEX: u64 = 32 * 1024 * 1024;
/// How many are kept: the current issues of a few policies.
const MAX_KEPT: usize = 8;

const MAGIC: &[u8; 16] = b"vetted an index\0";
/// Magic, format, four bytes of nothing, client, digest of the document, checksum: what stands behind an index.
const TRAILER: usize = 16 + 4 + 4 + 32 + 32 + 8;

/// Where indexes are kept.
#[derive(Debug, Clone, Default)]
pub struct IndexCache {
    folder: Option<PathBuf>,
    /// How many are kept there.
    most: usize,
}

impl IndexCache {
    /// The place of this run: none on a CI runner, where the environment names none, and where files have no owner.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self::in_folder(world, "manifests", MAX_KEPT)
    }

    /// The place of answers ([`super::memo`]), which are kept like indexes, under the digest of the question.
    pub(super) fn of_answers(world: &World, most: usize) -> Self {
        Self::in_folder(world, "answers", most)
    }

    fn in_folder(world: &World, name: &str, most: usize) -> Self {
        if world.env.is_ci() || !cfg!(unix) {
            return Self::off();
        }
        Self { folder: world.env.cache_home().map(|cache| cache.join("vetted").join(name)), most }
    }

    /// One that keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether anything is kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.folder.is_some()
    }

    /// The index that was made of a document, in this format and by this version of the program, where one is kept that can be
    /// believed.
    #[must_use]
    pub fn load(&self, files: Files, document: &Digest, format: u32) -> Option<Vec<u8>> {
        let mut bytes = read_own(files, &self.path(document)?, MAX_INDEX).ok()?;
        let (body, sum) = bytes.split_last_chunk::<8>()?;
        let trailer = trailer(document, format)?;
        if u64::from_le_bytes(*sum) != checksum(body) || !body.ends_with(&trailer) {
            return None;
        }
        bytes.truncate(bytes.len() - TRAILER);
        Some(bytes)
    }

    /// Keep what was made of a document; the oldest ones go. Says whether it was kept.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written. Nothing but time is lost.
    pub fn store(&self, files: Files, document: &Digest, format: u32, mut index: Vec<u8>) -> Result<bool, FileError> {
        let Some((path, trailer)) = self.path(document).zip(trailer(document, format)) else { return Ok(false) };
        if index.len() as u64 + TRAILER as u64 > MAX_INDEX || !is_own_place(files, &path) {
            return Ok(false);
        }
        index.extend_from_slice(&trailer);
        let sum = checksum(&index);
        index.extend_from_slice(&sum.to_le_bytes());
        if let Some(folder) = path.parent() {
            files.create_private_folder(folder)?;
        }
        files.write_for_a_while(&path, &index, 0o600)?;
        self.forget_oldest(files)?;
        Ok(true)
    }

    fn path(&self, document: &Digest) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(document.hex()))
    }

    fn forget_oldest(&self, files: Files) -> Result<(), FileError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut kept = Vec::new();
        for entry in files.list(folder)? {
            // Nothing that this program did not put there is removed.
            let is_index = entry.kind == EntryKind::File
                && entry.name.to_str().is_some_and(|name| Digest::parse(Algorithm::Sha256, name).is_ok());
            let path = folder.join(entry.name);
            if is_index && let Ok(stat) = files.lstat(&path) {
                kept.push((stat.key.mtime, path));
            }
        }
        kept.sort();
        for (_, path) in kept.iter().rev().skip(self.most) {
            files.remove(path)?;
        }
        Ok(())
    }
}

/// What stands between an index and its checksum.
fn trailer(document: &Digest, format: u32) -> Option<Vec<u8>> {
    let Digest::Sha256(sha256) = document else { return None };
    let mut trailer = MAGIC.to_vec();
    trailer.extend_from_slice(&format.to_le_bytes());
    trailer.extend_from_slice(&[0; 4]);
    trailer.extend_from_slice(&client());
    trailer.extend_from_slice(sha256);
    Some(trailer)
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::disallowed_methods, reason = "tests damage what the program only writes whole")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn kept(bytes: &[u8]) -> (tempfile::TempDir, IndexCache, Digest, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let cache = IndexCache { folder: Some(folder.path().join("vetted/manifests")), most: MAX_KEPT };
        let document = Digest::sha256_of(b"a document");
        assert!(cache.store(Files, &document, 1, bytes.to_vec()).unwrap());
        let path = cache.path(&document).unwrap();
        (folder, cache, document, path)
    }

    #[test]
    fn what_was_kept_is_had_again_for_the_same_document_and_format() {
        let (_folder, cache, document, path) = kept(b"an index");
        assert_eq!(cache.load(Files, &document, 1).as_deref(), Some(&b"an index"[..]));
        assert_eq!(cache.load(Files, &document, 2), None, "another format");
        assert_eq!(Files.stat(&path).unwrap().mode, 0o600);
        assert_eq!(Files.stat(path.parent().unwrap()).unwrap().mode, 0o700);
        let other = Digest::sha256_of(b"another document");
        assert_eq!(cache.load(Files, &other, 1), None);
        fs::rename(&path, cache.path(&other).unwrap()).unwrap();
        assert_eq!(cache.load(Files, &other, 1), None, "a name says nothing of what it was made of");
    }

    #[test]
    fn any_changed_bit_and_any_other_length_is_no_index() {
        let (_folder, cache, document, path) = kept(b"an index");
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, changed).unwrap();
            assert_eq!(cache.load(Files, &document, 1), None, "bit {bit}");
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(cache.load(Files, &document, 1), None, "{length} bytes");
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert_eq!(cache.load(Files, &document, 1), None);
        fs::write(&path, whole).unwrap();
        assert!(cache.load(Files, &document, 1).is_some());
    }

    #[test]
    fn what_others_can_read_or_write_is_not_believed() {
        let (_folder, cache, document, path) = kept(b"an index");
        for mode in [0o640, 0o604, 0o620, 0o602, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(cache.load(Files, &document, 1), None, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(cache.load(Files, &document, 1).is_some());
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            assert_eq!(cache.load(Files, &document, 1), None, "another user's");
        }
    }

    #[test]
    fn a_fifo_or_a_folder_in_its_place_is_no_index() {
        let (_folder, cache, document, path) = kept(b"an index");
        fs::remove_file(&path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        assert_eq!(cache.load(Files, &document, 1), None);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(cache.load(Files, &document, 1), None);
    }

    #[test]
    fn the_oldest_go_and_what_is_not_ours_stays() {
        let (_folder, cache, first, path) = kept(b"the first");
        let stranger = path.with_file_name("notes.txt");
        fs::write(&stranger, "mine").unwrap();
        fs::File::open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        for number in 0..MAX_KEPT {
            assert!(cache.load(Files, &first, 1).is_some(), "{number}");
            assert!(cache.store(Files, &Digest::sha256_of(&[u8::try_from(number).unwrap()]), 1, Vec::new()).unwrap());
        }
        assert_eq!(cache.load(Files, &first, 1), None);
        assert_eq!(Files.list(path.parent().unwrap()).unwrap().len(), MAX_KEPT + 1);
        assert!(stranger.exists());
    }

    #[test]
    fn one_that_is_off_keeps_nothing() {
        let document = Digest::sha256_of(b"a document");
        assert!(!IndexCache::off().store(Files, &document, 1, Vec::new()).unwrap());
        assert_eq!(IndexCache::off().load(Files, &document, 1), None);
    }
}
