//! Proofs, kept between runs: what was verified of a stored bundle once is not verified again.
//!
//! One file with an entry for each proof. Its key is a digest of everything that the proof depends on (the bundle, the trusted root,
//! what was expected, the file it is about), so an entry never goes stale: it is forgotten when nobody asked for it for a long time.
//! The trust of the file is that of the cache of digests ([`super::cache`]): it belongs to this user, nobody else may read or write it,
//! and a checksum says that it is whole; what cannot be believed is ignored. Only what was shown is kept, never a refusal.
//!
//! Out of scope, as there: who can write as this user. In CI nothing is read and nothing kept.

use super::World;
use super::cache::{checksum, client, is_own_place, read_own};
use super::files::{FileError, Files};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// How many proofs are kept; the ones that were not asked for the longest go.
const MAX_KEPT: usize = 4096;
/// The longest proof that is kept, in bytes.
const MAX_PROOF: usize = 16 * 1024;
/// After how many days an entry is written anew when it was asked for.
const REFRESH: u32 = 7;

const MAGIC: &[u8; 16] = b"vetted proofs 1\0";
/// Magic and client.
const HEADER: usize = 16 + 32;

/// What earlier runs verified, and what this run adds.
#[derive(Debug, Default)]
pub struct ProofCache {
    path: Option<PathBuf>,
    known: BTreeMap<[u8; 32], Proof>,
    today: u32,
    is_changed: bool,
}

#[derive(Debug)]
struct Proof {
    /// The day of its last use, days since the epoch.
    day: u32,
    bytes: Vec<u8>,
}

impl ProofCache {
    /// What is kept for this user: nothing on a CI runner, where the environment names no place, and where files have no owner.
    #[must_use]
    pub fn of(world: &World) -> Self {
        if world.env.is_ci() || !cfg!(unix) {
            return Self::off();
        }
        let path = world.env.cache_home().map(|cache| cache.join("vetted").join("proofs"));
        let today = u32::try_from(world.now.as_second() / 86_400).unwrap_or(0);
        Self::load(world.files, path, today)
    }

    /// One that keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    fn load(files: Files, path: Option<PathBuf>, today: u32) -> Self {
        let bytes = path.as_ref().and_then(|path| read_own(files, path, MAX_FILE).ok());
        let known = bytes.as_deref().and_then(read).unwrap_or_default();
        Self { path, known, today, is_changed: false }
    }

    /// What was kept under a key.
    pub fn get(&mut self, key: &[u8; 32]) -> Option<&[u8]> {
        let proof = self.known.get_mut(key)?;
        if self.today.saturating_sub(proof.day) >= REFRESH {
            proof.day = self.today;
            self.is_changed = true;
        }
        Some(&proof.bytes)
    }

    /// Keep something under a key.
    pub fn insert(&mut self, key: [u8; 32], bytes: Vec<u8>) {
        if self.path.is_some() && bytes.len() <= MAX_PROOF {
            self.known.insert(key, Proof { day: self.today, bytes });
            self.is_changed = true;
        }
    }

    /// Write what is new. Says whether anything was written.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written. Nothing but time is lost.
    pub fn save(&self, files: Files) -> Result<bool, FileError> {
        let Some(path) = self.path.as_ref().filter(|_| self.is_changed) else { return Ok(false) };
        if !is_own_place(files, path) {
            return Ok(false);
        }
        let bytes = self.written();
        if let Some(folder) = path.parent() {
            files.create_private_folder(folder)?;
        }
        files.write_atomic(path, &bytes, 0o600)?;
        Ok(true)
    }

    fn written(&self) -> Vec<u8> {
        let mut newest: Vec<(&[u8; 32], &Proof)> = self.known.iter().collect();
        newest.sort_by_key(|(key, proof)| (std::cmp::Reverse(proof.day), **key));
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&client());
        for (key, proof) in newest.into_iter().take(MAX_KEPT) {
            if bytes.len() + 40 + proof.bytes.len() + 8 > usize::try_from(MAX_FILE).unwrap_or(usize::MAX) {
                break;
            }
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&proof.day.to_le_bytes());
            // No proof is longer than `MAX_PROOF`.
            bytes.extend_from_slice(&u32::try_from(proof.bytes.len()).unwrap_or(0).to_le_bytes());
            bytes.extend_from_slice(&proof.bytes);
        }
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }
}

/// The entries of a file, or nothing where it is not one that this version of the program wrote whole.
fn read(bytes: &[u8]) -> Option<BTreeMap<[u8; 32], Proof>> {
    let (body, sum) = bytes.split_last_chunk::<8>()?;
    let (header, mut rest) = body.split_at_checked(HEADER)?;
    if u64::from_le_bytes(*sum) != checksum(body) || header[..16] != *MAGIC || header[16..] != client() {
        return None;
    }
    let mut known = BTreeMap::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<32>()?;
        let (day, after) = after.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (proof, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        known.insert(*key, Proof { day: u32::from_le_bytes(*day), bytes: proof.to_vec() });
        rest = after;
    }
    Some(known)
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::disallowed_methods, reason = "tests damage what the program only writes whole")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const KEY: [u8; 32] = [7; 32];

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vetted/proofs");
        (folder, path)
    }

    fn at(path: &std::path::Path, day: u32) -> ProofCache {
        ProofCache::load(Files, Some(path.to_owned()), day)
    }

    fn kept() -> (tempfile::TempDir, PathBuf) {
        let (folder, path) = place();
        let mut cache = at(&path, 100);
        cache.insert(KEY, b"a proof".to_vec());
        assert!(cache.save(Files).unwrap());
        (folder, path)
    }

    #[test]
    fn what_was_kept_is_had_again_under_its_key_and_no_other() {
        let (_folder, path) = kept();
        let mut cache = at(&path, 100);
        assert_eq!(cache.get(&KEY), Some(&b"a proof"[..]));
        assert_eq!(cache.get(&[8; 32]), None);
        assert!(!cache.save(Files).unwrap(), "nothing is new");
        assert_eq!(Files.stat(&path).unwrap().mode, 0o600);
        let mut later = at(&path, 100 + REFRESH);
        assert!(later.get(&KEY).is_some());
        assert!(later.save(Files).unwrap(), "its day moves");
    }

    #[test]
    fn any_changed_bit_and_any_other_length_is_nothing() {
        let (_folder, path) = kept();
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, changed).unwrap();
            assert_eq!(at(&path, 100).get(&KEY), None, "bit {bit}");
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(at(&path, 100).get(&KEY), None, "{length} bytes");
        }
        fs::write(&path, whole).unwrap();
        assert!(at(&path, 100).get(&KEY).is_some());
    }

    #[test]
    fn what_others_can_read_or_write_is_not_believed() {
        let (_folder, path) = kept();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(at(&path, 100).get(&KEY), None, "{mode:o}");
        }
    }

    #[test]
    fn the_ones_nobody_asked_for_go_first() {
        let (_folder, path) = place();
        let mut cache = at(&path, 1);
        cache.insert(KEY, b"old".to_vec());
        cache.today = 2;
        for number in 0..u32::try_from(MAX_KEPT).unwrap() {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            cache.insert(key, b"new".to_vec());
        }
        assert!(cache.save(Files).unwrap());
        let mut again = at(&path, 2);
        assert_eq!(again.known.len(), MAX_KEPT);
        assert_eq!(again.get(&KEY), None);
        assert!(again.get(&[0; 32]).is_some());
    }

    #[test]
    fn one_that_is_off_keeps_nothing() {
        let mut cache = ProofCache::off();
        cache.insert(KEY, b"a proof".to_vec());
        assert_eq!(cache.get(&KEY), None);
        assert!(!cache.save(Files).unwrap());
    }
}
