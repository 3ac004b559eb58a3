//! Digests of files that have not changed since: what makes a check before every commit cheap.
//!
//! The file is a header and fixed records of 80 bytes, sorted by device and inode, read at once and searched in place. An answer
//! stands only while device, inode, size, mtime and ctime are all the same; `ctime` is what no program can set back (threat
//! T-13). What cannot be believed (another format, another client, damaged, readable or writable by others, of another user) is
//! ignored and written anew. There is no random hashing of hits: it would make one warm commit in a few take a third of a second
//! and would catch nothing that a changed `ctime` does not.
//!
//! Out of scope: who can write as this user can write this file, and can write into a file that is kept mapped. In CI the cache
//! is off, and an approval never reads from it.
#![allow(
    clippy::disallowed_methods,
    reason = "what a file system stamps is compared with the clock of this machine, which tests cannot move"
)]

use super::files::{FileError, FileStat, Files, StatKey};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The most records that are kept: 20 MB. Twenty tools with all the packages they load have 20,000 to 150,000 files.
pub const MAX_RECORDS: usize = 250_000;
/// A record that no run has asked for in so many days is dropped.
const KEPT_DAYS: u32 = 30;
/// The day of a record is moved only when it is so much behind, so that a run that only reads seldom has to write.
const STAMP_DAYS: u32 = 7;
/// How far a time stamp may lie behind the clock, in nanoseconds: FAT stamps in steps of two seconds, most others in ticks of 1 to
/// 10 ms.
const RACY_WINDOW: i64 = 2_000_000_000;

const MAGIC: &[u8; 16] = b"vetted digests\n\0";
const FORMAT: u32 = 1;
/// Magic, format, length of a record, client, number of records.
const HEADER: usize = 16 + 4 + 4 + 32 + 8;
/// Key, digest, day, four bytes of nothing.
const RECORD: usize = 40 + 32 + 4 + 4;
/// The largest file that is read, in bytes.
const LIMIT: u64 = (HEADER + RECORD * MAX_RECORDS + TRAILER) as u64;
/// What the header says of it.
const RECORD_LENGTH: u32 = 80;
/// The checksum stands at the end.
const TRAILER: usize = 8;

/// An instant of this machine's clock, taken before a file is opened: what [`DigestCache::insert`] compares time stamps with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        // A clock before 1970 makes every file look new: nothing is cached, nothing breaks.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Whether a file with this key was last touched so long before this moment that any later change shows in its key.
    ///
    /// The rule of git's index ("racy git"): a change within the same tick of the file system's clock leaves the stamps as they
    /// are, so a stamp that is not clearly older than the start of hashing proves nothing. A file system whose clock is a
    /// server's and runs behind by more than the window is kept out by [`keeps_change_times`].
    #[must_use]
    pub fn is_after(self, key: &StatKey) -> bool {
        let border = self.0.saturating_sub(RACY_WINDOW);
        key.mtime < border && key.ctime < border
    }

    fn day(self) -> u32 {
        u32::try_from(self.0 / 86_400_000_000_000).unwrap_or(0)
    }
}

/// Whether the digests of a file may be remembered at all: on file systems where the kernel itself stamps every change.
///
/// Images (squashfs, ISO, erofs) carry stamps from their making, and a newer image may come to stand under the same device
/// number; network and user-space file systems stamp as they like. They are digested every time. Elsewhere than on Linux a read-only
/// file system counts as an image, and where no inode tells files apart nothing is remembered.
#[must_use]
pub fn keeps_change_times(file: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::fstatfs(file).is_ok_and(|system| is_stamped_by_kernel(&system));
    #[cfg(all(unix, not(target_os = "linux")))]
    return rustix::fs::fstatvfs(file).is_ok_and(|system| is_writable(&system));
    #[cfg(not(unix))]
    return false;
}

/// [`keeps_change_times`] for what stands at a path that is no link.
#[must_use]
pub(super) fn keeps_change_times_at(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::statfs(path).is_ok_and(|system| is_stamped_by_kernel(&system));
    #[cfg(all(unix, not(target_os = "linux")))]
    return rustix::fs::statvfs(path).is_ok_and(|system| is_writable(&system));
    #[cfg(not(unix))]
    return false;
}

#[cfg(target_os = "linux")]
fn is_stamped_by_kernel(system: &rustix::fs::StatFs) -> bool {
    // `linux/magic.h` and the file systems' own headers: ext2 to ext4, xfs, btrfs, f2fs, bcachefs, zfs, tmpfs, overlayfs.
    const KEPT: [u32; 8] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0xca45_1a4e, 0x2fc1_2fc1, 0x0102_1994, 0x794c_7630];
    // The type of `f_type` differs between architectures; its lower 32 bits are the number.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number has 32 bits")]
    KEPT.contains(&(system.f_type as u32))
}

/// Not a read-only file system: it may be an image whose stamps come from its making.
#[cfg(all(unix, not(target_os = "linux")))]
fn is_writable(system: &rustix::fs::StatVfs) -> bool {
    !system.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY)
}

/// What became of the file of the cache when it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    /// Not asked for: continuous integration, or no place for it.
    Off,
    /// None there yet.
    Absent,
    /// So many digests were read.
    Loaded(usize),
    /// There, and not believed.
    Ignored(&'static str),
}

/// The digests that earlier runs computed, and those this run adds. Shared between threads.
#[derive(Debug)]
pub struct DigestCache {
    path: PathBuf,
    state: CacheState,
    /// The whole file as it was read, or nothing. Fewer bytes than a record follow the last one.
    bytes: Vec<u8>,
    /// One bit a record: asked for in this run, and its day is old enough to move.
    stale_hits: Vec<AtomicU64>,
    added: Mutex<BTreeMap<(u64, u64), Record>>,
    today: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    key: StatKey,
    sha256: [u8; 32],
    /// The day of its last use, days since the epoch.
    day: u32,
}

impl DigestCache {
    /// Read the cache at `path`. One that is not there, is damaged or cannot be believed is an empty one. Not `enabled`, and
    /// where files have no inode, it never answers and never writes.
    #[must_use]
    pub fn load(files: Files, path: &Path, enabled: bool) -> Self {
        let today = Moment::now().day();
        let mut cache = Self {
            path: path.to_owned(),
            state: CacheState::Off,
            bytes: Vec::new(),
            stale_hits: Vec::new(),
            added: Mutex::default(),
            today,
        };
        if !enabled || !cfg!(unix) {
            return cache;
        }
        match read_own(files, path, LIMIT).and_then(|bytes| believe(&bytes).map(|count| (bytes, count))) {
            Ok((bytes, count)) => {
                cache.bytes = bytes;
                cache.stale_hits.resize_with(count.div_ceil(64), AtomicU64::default);
                cache.state = CacheState::Loaded(count);
            }
            Err(None) => cache.state = CacheState::Absent,
            Err(Some(why)) => cache.state = CacheState::Ignored(why),
        }
        cache
    }

    /// A cache that never answers and never writes.
    #[must_use]
    pub fn off() -> Self {
        Self::load(Files, Path::new(""), false)
    }

    /// What became of the file.
    #[must_use]
    pub fn state(&self) -> CacheState {
        self.state
    }

    /// The SHA-256 of a file whose key is this, where it is known.
    #[must_use]
    pub fn lookup(&self, key: &StatKey) -> Option<[u8; 32]> {
        let records = self.records();
        let wanted = (key.device, key.inode);
        let at = records.binary_search_by(|record| place(record).cmp(&wanted)).ok()?;
        let record = Record::read(&records[at]);
        if record.key != *key {
            return None;
        }
        if self.today.saturating_sub(record.day) >= STAMP_DAYS {
            self.stale_hits[at / 64].fetch_or(1 << (at % 64), Ordering::Relaxed);
        }
        Some(record.sha256)
    }

    /// Remember the SHA-256 of an open file. `key` is its key, the same before and after it was read, and `began` a moment before
    /// it was opened. Nothing is remembered that a later change might not show ([`Moment::is_after`], [`keeps_change_times`]).
    pub fn insert(&self, file: &File, key: StatKey, sha256: [u8; 32], began: Moment) {
        if self.state == CacheState::Off || !began.is_after(&key) || !keeps_change_times(file) {
            return;
        }
        let record = Record { key, sha256, day: self.today };
        self.added.lock().unwrap_or_else(PoisonError::into_inner).insert((key.device, key.inode), record);
    }

    /// Write what changed, if anything did; says whether it wrote.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written. The old file then stands; nothing but time is lost.
    pub fn save(&self, files: Files) -> Result<bool, FileError> {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.stale_hits.iter().any(|bits| bits.load(Ordering::Relaxed) != 0);
        let changed = !added.is_empty() || stamps || matches!(self.state, CacheState::Ignored(_));
        if self.state == CacheState::Off || !changed || !is_own_place(files, &self.path) {
            return Ok(false);
        }
        let bytes = write(&self.merged(&added));
        if let Some(folder) = self.path.parent() {
            files.create_private_folder(folder)?;
        }
        files.write_for_a_while(&self.path, &bytes, 0o600)?;
        Ok(true)
    }

    fn records(&self) -> &[[u8; RECORD]] {
        self.bytes.get(HEADER..).unwrap_or_default().as_chunks::<RECORD>().0
    }

    /// The records of the file and of this run, without those nobody asked for in a long time, at most [`MAX_RECORDS`], sorted.
    fn merged(&self, added: &BTreeMap<(u64, u64), Record>) -> Vec<Record> {
        let mut records: Vec<Record> = added.values().copied().collect();
        for (at, bytes) in self.records().iter().enumerate() {
            let mut record = Record::read(bytes);
            if self.stale_hits[at / 64].load(Ordering::Relaxed) & (1 << (at % 64)) != 0 {
                record.day = self.today;
            }
            // A day in the future comes from a clock that was wrong; it must not keep a record for ever.
            record.day = record.day.min(self.today);
            if self.today - record.day <= KEPT_DAYS && !added.contains_key(&place(bytes)) {
                records.push(record);
            }
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.day));
        records.truncate(MAX_RECORDS);
        records.sort_by_key(|record| (record.key.device, record.key.inode));
        records
    }
}

/// The bytes of a file of at most `limit` bytes that only this user can read and write. `Err(None)` where there is none.
pub(super) fn read_own(files: Files, path: &Path, limit: u64) -> Result<Vec<u8>, Option<&'static str>> {
    let (file, stat) = match files.open(path) {
        Ok(opened) => opened,
        Err(error) if error.is_not_found() => return Err(None),
        Err(_) => return Err(Some("it cannot be read")),
    };
    if !is_own(&stat) {
        return Err(Some("it belongs to another user"));
    }
    if stat.mode & 0o077 != 0 {
        return Err(Some("other users may read or write it"));
    }
    if stat.size > limit {
        return Err(Some("it is too large"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|_| Some("it cannot be read"))?;
    Ok(bytes)
}

#[cfg(unix)]
fn is_own(stat: &FileStat) -> bool {
    stat.owner == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_stat: &FileStat) -> bool {
    true
}

/// Whether the folder, or the nearest one above it that is there, belongs to this user: `sudo` with a user's home must not leave
/// files there that the user cannot replace.
pub(super) fn is_own_place(files: Files, path: &Path) -> bool {
    path.ancestors().skip(1).find_map(|folder| files.stat(folder).ok()).is_some_and(|stat| is_own(&stat))
}

/// The number of records of a cache file that says it is whole, of this format and of this client.
///
/// The checksum guards against accidents (a torn or rotten block), not against people: who can write the file can write any
/// checksum, a cryptographic one too. So 64 bits that cost a twentieth of a SHA-256 are enough. Records are not checked to be in
/// order: out of order they are not found, never found wrongly.
fn believe(bytes: &[u8]) -> Result<usize, Option<&'static str>> {
    let header: &[u8; HEADER] = bytes.first_chunk().ok_or(Some("it is cut short"))?;
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[..16] != MAGIC[..] || word(16) != FORMAT || word(20) != RECORD_LENGTH {
        return Err(Some("it has another format"));
    }
    if header[24..56] != client() {
        return Err(Some("another version of vetted wrote it"));
    }
    // The upper half is zero in every file that is small enough to be read.
    let count = if word(60) == 0 { word(56) as usize } else { usize::MAX };
    if count > MAX_RECORDS {
        return Err(Some("it is damaged"));
    }
    let Some((body, sum)) = bytes.split_last_chunk::<TRAILER>() else { return Err(Some("it is cut short")) };
    if body.len() != HEADER + count * RECORD || u64::from_le_bytes(*sum) != checksum(body) {
        return Err(Some("it is damaged"));
    }
    Ok(count)
}

/// The file of these records, which are sorted.
fn write(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + records.len() * RECORD + TRAILER);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&RECORD_LENGTH.to_le_bytes());
    bytes.extend_from_slice(&client());
    bytes.extend_from_slice(&(records.len() as u64).to_le_bytes());
    for record in records {
        record.append(&mut bytes);
    }
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

impl Record {
    /// The inverse of [`Record::append`]; every byte string of this length is a record.
    fn read(bytes: &[u8; RECORD]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let word = |at: usize| u64::from_le_bytes(words[at]);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(&bytes[40..72]);
        let key = StatKey {
            device: word(0),
            inode: word(1),
            size: word(2),
            mtime: word(3).cast_signed(),
            ctime: word(4).cast_signed(),
        };
        Self { key, sha256, day: u32::from_le_bytes([bytes[72], bytes[73], bytes[74], bytes[75]]) }
    }

    fn append(&self, bytes: &mut Vec<u8>) {
        let key = &self.key;
        for word in [key.device, key.inode, key.size, key.mtime.cast_unsigned(), key.ctime.cast_unsigned()] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.sha256);
        bytes.extend_from_slice(&self.day.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
    }
}

/// Device and inode of a record: what records are sorted by.
fn place(record: &[u8; RECORD]) -> (u64, u64) {
    let (words, _) = record.as_chunks::<8>();
    (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]))
}

/// The version of this program, padded: how a digest is made may change with it.
pub(super) fn client() -> [u8; 32] {
    let mut field = [0; 32];
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let length = version.len().min(field.len());
    field[..length].copy_from_slice(&version[..length]);
    field
}

/// Four lanes of xor, multiply by an odd number and rotate. Each step maps lanes one to one for a given word, and words one to one
/// for a given lane, so a change within one word always shows.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(ODD).rotate_left(29);
    let mut lanes = [1_u64, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut last = [0; 32];
    last[..rest.len()].copy_from_slice(rest);
    for block in blocks.iter().chain([&last]) {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    lanes.iter().fold(0, |sum, lane| step(sum, *lane))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
