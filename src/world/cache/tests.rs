//! The cache may forget and may never answer wrongly.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// A moment at which every file of a test is old.
const LATER: Moment = Moment(i64::MAX);

fn key(inode: u64) -> StatKey {
    StatKey { device: 7, inode, size: 100 + inode, mtime: 1_000, ctime: 2_000 }
}

fn record(inode: u64, day: u32) -> Record {
    Record { key: key(inode), sha256: [u8::try_from(inode % 251).unwrap(); 32], day }
}

/// A folder, the path of a cache in it that has one record for a real file, and that file's key.
fn saved() -> (tempfile::TempDir, PathBuf, StatKey) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("f"), "content").unwrap();
    let (file, stat) = Files.open(&folder.path().join("f")).unwrap();
    assert!(keeps_change_times(&file), "these tests need a temporary folder on a file system that keeps change times");
    let path = folder.path().join("new/vetted/digests");
    let cache = DigestCache::load(Files, &path, true);
    assert_eq!(cache.state(), CacheState::Absent);
    cache.insert(&file, stat.key, [9; 32], LATER);
    assert!(cache.save(Files).unwrap());
    (folder, path, stat.key)
}

fn of_bytes(bytes: &[u8]) -> (tempfile::TempDir, DigestCache) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests");
    Files.write_atomic(&path, bytes, 0o600).unwrap();
    let cache = DigestCache::load(Files, &path, true);
    (folder, cache)
}

#[test]
fn what_one_run_saves_the_next_one_knows_and_nobody_else_reads() {
    let (_folder, path, key) = saved();
    let cache = DigestCache::load(Files, &path, true);
    assert_eq!(cache.state(), CacheState::Loaded(1));
    assert_eq!(cache.lookup(&key), Some([9; 32]));
    assert_eq!(Files.stat(&path).unwrap().mode, 0o600);
    assert_eq!(Files.stat(path.parent().unwrap()).unwrap().mode, 0o700);
    let before = Files.stat(&path).unwrap();
    assert!(!cache.save(Files).unwrap(), "nothing changed, so nothing is written");
    assert_eq!(Files.stat(&path).unwrap(), before);
}

#[test]
fn any_change_of_the_key_is_a_miss() {
    let (_folder, cache) = of_bytes(&write(&[record(1, 0), record(2, 0), record(3, 0)]));
    assert!(cache.lookup(&key(2)).is_some());
    let changes: [fn(&mut StatKey); 5] =
        [|k| k.device += 1, |k| k.inode += 1, |k| k.size += 1, |k| k.mtime += 1, |k| k.ctime += 1];
    for (at, change) in changes.iter().enumerate() {
        let mut other = key(2);
        change(&mut other);
        assert_eq!(cache.lookup(&other), None, "field {at}");
    }
}

#[test]
fn a_stamp_that_is_not_clearly_older_than_the_reading_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("f"), "").unwrap();
    let (file, stat) = Files.open(&folder.path().join("f")).unwrap();
    let newest = |mtime: i64, ctime: i64, began: i64| {
        let cache = DigestCache::load(Files, &folder.path().join("cache"), true);
        cache.insert(&file, StatKey { mtime, ctime, ..stat.key }, [1; 32], Moment(began));
        cache.added.into_inner().unwrap().len() == 1
    };
    let second = 1_000_000_000;
    assert!(newest(0, 0, 2 * second + 1));
    assert!(!newest(0, 0, 2 * second), "still within the window");
    assert!(!newest(0, second, 2 * second + 1), "changed within the window, modification time set back");
    assert!(!newest(second, 0, 2 * second + 1));
    assert!(!newest(9 * second, 0, 5 * second), "a modification time in the future");
    // The file was written just now: the real clock says so too.
    assert!(!Moment::now().is_after(&stat.key));
}

#[test]
fn one_wrong_bit_anywhere_and_the_whole_file_is_ignored() {
    let bytes = write(&[record(1, 5), record(2, 5)]);
    assert_eq!(believe(&bytes), Ok(2));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1 << bit;
            assert!(matches!(believe(&wrong), Err(Some(_))), "byte {at}, bit {bit}");
        }
        assert!(believe(&bytes[..at]).is_err(), "cut at {at}");
    }
    for extra in [1, RECORD, 4096] {
        assert!(believe(&[&bytes[..], &vec![0; extra]].concat()).is_err(), "{extra} bytes more");
    }
    // Two records that changed places: every byte is there, the order is not.
    let mut swapped = bytes.clone();
    let (first, second) = swapped[HEADER..HEADER + 2 * RECORD].split_at_mut(RECORD);
    first.swap_with_slice(second);
    assert!(believe(&swapped).is_err());
}

#[test]
fn what_is_not_believed_is_ignored_said_and_written_anew() {
    let (_folder, path, key) = saved();
    let good = fs::read(&path).unwrap();
    let with_sum = |mut bytes: Vec<u8>| {
        let body = bytes.len() - TRAILER;
        let sum = checksum(&bytes[..body]);
        bytes[body..].copy_from_slice(&sum.to_le_bytes());
        bytes
    };
    let mut other_client = good.clone();
    other_client[24..32].copy_from_slice(b"99.0.0-x");
    let mut other_format = good.clone();
    other_format[16] += 1;
    let mut many = good.clone();
    many[56..64].copy_from_slice(&u64::MAX.to_le_bytes());
    for (bytes, why) in [
        (with_sum(other_client), "another version of vetted wrote it"),
        (with_sum(other_format), "it has another format"),
        (with_sum(many), "it is damaged"),
        (good[..good.len() - 1].to_vec(), "it is damaged"),
        (Vec::new(), "it is cut short"),
        (b"#!/bin/sh\n".repeat(100), "it has another format"),
    ] {
        Files.write_atomic(&path, &bytes, 0o600).unwrap();
        let cache = DigestCache::load(Files, &path, true);
        assert_eq!(cache.state(), CacheState::Ignored(why));
        assert_eq!(cache.lookup(&key), None, "{why}");
        assert!(cache.save(Files).unwrap(), "{why}");
        assert_eq!(DigestCache::load(Files, &path, true).state(), CacheState::Loaded(0), "{why}");
    }
}

#[test]
fn a_file_that_others_may_touch_is_not_believed() {
    let (_folder, path, key) = saved();
    for mode in [0o644, 0o620, 0o602, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let cache = DigestCache::load(Files, &path, true);
        assert_eq!(cache.state(), CacheState::Ignored("other users may read or write it"), "{mode:o}");
        assert_eq!(cache.lookup(&key), None);
    }
    let stat = Files.stat(&path).unwrap();
    assert!(is_own(&stat));
    assert!(!is_own(&FileStat { owner: stat.owner + 1, ..stat }));
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        assert_eq!(DigestCache::load(Files, &path, true).state(), CacheState::Ignored("it belongs to another user"));
        // In another user's folder nothing is left behind that this user cannot replace.
        std::os::unix::fs::chown(path.parent().unwrap(), Some(12_345), None).unwrap();
        assert!(!DigestCache::load(Files, &path, true).save(Files).unwrap());
        assert!(!is_own_place(Files, &path.with_file_name("not/there/yet")));
    }
}

#[test]
fn what_stands_in_its_place_does_not_hang_or_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(DigestCache::load(Files, &fifo, true).state(), CacheState::Ignored("it cannot be read"));
    let huge = folder.path().join("huge");
    File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    fs::set_permissions(&huge, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(DigestCache::load(Files, &huge, true).state(), CacheState::Ignored("it is too large"));
    let cache = DigestCache::load(Files, folder.path(), true);
    assert_eq!(cache.state(), CacheState::Ignored("it cannot be read"));
    assert!(cache.save(Files).is_err(), "a folder is not replaced");
}

#[test]
fn off_means_it_never_answers_and_never_writes() {
    let (_folder, path, key) = saved();
    let before = Files.stat(&path).unwrap();
    let cache = DigestCache::load(Files, &path, false);
    assert_eq!((cache.state(), cache.lookup(&key)), (CacheState::Off, None));
    let (file, _) = Files.open(&path).unwrap();
    cache.insert(&file, before.key, [1; 32], LATER);
    assert!(!cache.save(Files).unwrap());
    assert_eq!(Files.stat(&path).unwrap(), before);
}

#[test]
fn what_nobody_asks_for_goes_and_what_is_used_stays() {
    let today = Moment::now().day();
    let ages = [(1, 0), (2, STAMP_DAYS), (3, KEPT_DAYS), (4, KEPT_DAYS + 1), (5, KEPT_DAYS + 1)];
    let (folder, cache) = of_bytes(&write(&ages.map(|(inode, age)| record(inode, today - age))));
    assert!(cache.lookup(&key(1)).is_some());
    assert!(!cache.save(Files).unwrap(), "a hit of a young record changes nothing");
    assert!(cache.lookup(&key(2)).is_some() && cache.lookup(&key(4)).is_some());
    assert!(cache.save(Files).unwrap());
    let next = DigestCache::load(Files, &folder.path().join("digests"), true);
    let days: Vec<(u64, u32)> = next.records().iter().map(Record::read).map(|r| (r.key.inode, today - r.day)).collect();
    assert_eq!(days, [(1, 0), (2, 0), (3, KEPT_DAYS), (4, 0)]);
}

#[test]
fn it_never_grows_beyond_its_bound_and_drops_the_oldest() {
    let today = Moment::now().day();
    let (_folder, cache) = of_bytes(&write(&[record(1, today - 20), record(2, today)]));
    let added: BTreeMap<_, _> = (10..MAX_RECORDS as u64 + 9).map(|inode| ((7, inode), record(inode, today))).collect();
    let merged = cache.merged(&added);
    assert_eq!(merged.len(), MAX_RECORDS);
    assert!(merged.iter().any(|r| r.key.inode == 2) && merged.iter().all(|r| r.key.inode != 1));
    assert_eq!(believe(&write(&merged)), Ok(MAX_RECORDS), "what is written can be read");
}

#[test]
fn threads_may_ask_and_tell_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests");
    let files: Vec<PathBuf> = (0..40).map(|n| folder.path().join(n.to_string())).collect();
    for file in &files {
        fs::write(file, "x").unwrap();
    }
    let cache = DigestCache::load(Files, &path, true);
    std::thread::scope(|scope| {
        for part in files.chunks(10) {
            let cache = &cache;
            scope.spawn(move || {
                for path in part {
                    let (file, stat) = Files.open(path).unwrap();
                    assert_eq!(cache.lookup(&stat.key), None);
                    cache.insert(&file, stat.key, [stat.key.inode.to_le_bytes()[0]; 32], LATER);
                }
            });
        }
    });
    cache.save(Files).unwrap();
    let next = DigestCache::load(Files, &path, true);
    for file in &files {
        let key = Files.stat(file).unwrap().key;
        assert_eq!(next.lookup(&key), Some([key.inode.to_le_bytes()[0]; 32]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Searching the bytes gives what a map gives.
    #[test]
    fn the_search_agrees_with_a_map(
        places in proptest::collection::btree_map((0_u64..4, 0_u64..40), any::<(u64, i64, i64, [u8; 32])>(), 0..120),
        asked in proptest::collection::vec((0_u64..5, 0_u64..42), 60),
    ) {
        let records: Vec<Record> = places
            .iter()
            .map(|((device, inode), (size, mtime, ctime, sha256))| Record {
                key: StatKey { device: *device, inode: *inode, size: *size, mtime: *mtime, ctime: *ctime },
                sha256: *sha256,
                day: 1,
            })
            .collect();
        let (_folder, cache) = of_bytes(&write(&records));
        prop_assert_eq!(cache.state(), CacheState::Loaded(records.len()));
        for (device, inode) in asked {
            let known = places.get(&(device, inode));
            let (size, mtime, ctime, sha256) = known.copied().unwrap_or_default();
            let answer = cache.lookup(&StatKey { device, inode, size, mtime, ctime });
            prop_assert_eq!(answer, known.map(|_| sha256));
        }
    }
}
