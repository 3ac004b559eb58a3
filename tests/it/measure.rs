//! Digests of files and trees on a real file system, hostile ones too.
#![cfg(unix)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vetted::digest::{Digest, DigestSet, TreeRefusal};
use vetted::evidence::{Change, Difference, Measurement, Unmeasured};
use vetted::gather::measure::{List, MAX_DEPTH, MAX_FILE, MAX_TREE, Measured, Measurer, Progress, Silent, Tree};
use vetted::manifest::file_list::FileList;
use vetted::manifest::{Installed, Shape};
use vetted::world::cache::{CacheState, DigestCache};
use vetted::world::files::Files;

/// Counts what was announced and done, and may act when reading begins or goes on.
#[derive(Clone, Default)]
struct Watch {
    files: Arc<AtomicU64>,
    announced: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
    ends: Arc<AtomicU64>,
    at_begin: Option<Arc<dyn Fn() + Send + Sync>>,
    at_advance: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Progress for Watch {
    fn begin(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.announced.fetch_add(bytes, Ordering::Relaxed);
        if let Some(act) = &self.at_begin {
            act();
        }
    }

    fn advance(&self, bytes: u64) {
        if self.done.fetch_add(bytes, Ordering::Relaxed) == 0
            && let Some(act) = &self.at_advance
        {
            act();
        }
    }

    fn end(&self) {
        self.ends.fetch_add(1, Ordering::Relaxed);
    }
}

impl Watch {
    /// Files announced, bytes announced, bytes done.
    fn counts(&self) -> (u64, u64, u64) {
        let get = |value: &AtomicU64| value.load(Ordering::Relaxed);
        (get(&self.files), get(&self.announced), get(&self.done))
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("vetted-measure-").tempdir().unwrap())
    }

    /// A folder with these files.
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (path, content) in files {
            place.file(path, content);
        }
        place
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn file(&self, path: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(path.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn sparse(&self, path: &str, size: u64) -> PathBuf {
        let path = self.path(path);
        fs::File::create(&path).unwrap().set_len(size).unwrap();
        path
    }

    fn fifo(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        path
    }

    fn link(&self, target: &str, path: &str) -> PathBuf {
        symlink(target, self.path(path)).unwrap();
        self.path(path)
    }

    fn tree(&self) -> Result<Tree, Unmeasured> {
        measurer().tree(self.root(), &[], &[])
    }

    fn names(&self, include: &[&str], exclude: &[&str]) -> Vec<String> {
        let tree = measurer().tree(self.root(), &strings(include), &strings(exclude)).unwrap();
        let files = tree.list.files.into_iter().map(|file| file.name);
        files.chain(tree.list.links.into_iter().map(|link| format!("{} -> {}", link.name, link.target))).collect()
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&s| s.to_owned()).collect()
}

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

/// A list as an approval pins one.
fn listed_files(list: &FileList) -> List {
    List::Files(list.clone())
}

fn watched(watch: &Watch) -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(watch.clone()))
}

/// What `sha256sum` says.
fn sha256sum(path: &Path) -> String {
    let output = Command::new("sha256sum").arg("--").arg(path).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_start_matches('\\')[..64].to_owned()
}

fn set_times(path: &Path, from: &fs::Metadata) {
    let time = |seconds, nanoseconds| rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds as _ };
    let times = rustix::fs::Timestamps {
        last_access: time(from.atime(), from.atime_nsec()),
        last_modification: time(from.mtime(), from.mtime_nsec()),
    };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty()).unwrap();
}

// Files

#[test]
fn a_file_has_the_digest_that_sha256sum_gives() {
    let place = Place::new();
    // Around the size of the buffer, where a loop goes wrong.
    for size in [0, 1, 63, 64, 131_071, 131_072, 131_073, 400_000] {
        let content: Vec<u8> = (0..size).map(|at: u32| (at % 251) as u8).collect();
        let path = place.file("f", content);
        let measured = measurer().digest(&path).unwrap();
        assert_eq!((measured.sha256.hex(), measured.size), (sha256sum(&path), u64::from(size)), "{size} bytes");
    }
}

#[test]
fn many_files_come_back_in_their_order_and_each_inode_is_read_once() {
    let place = Place::new();
    let mut paths: Vec<PathBuf> =
        (0..60_usize).map(|n| place.file(n.to_string(), n.to_string().repeat(1 + n * 7919 % 30_000))).collect();
    let bytes: u64 = paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    for n in [3, 17] {
        let link = place.path(&format!("hard-{n}"));
        fs::hard_link(&paths[n], &link).unwrap();
        paths.push(link);
    }
    paths.push(place.link("5", "soft"));
    paths.push(place.path("missing"));
    paths.push(paths[8].clone());
    let watch = Watch::default();
    let measurer = watched(&watch);
    let all = measurer.digest_all(&paths);
    assert_eq!(watch.counts(), (60, bytes, bytes));
    assert_eq!(all.len(), paths.len());
    for (path, answer) in paths.iter().zip(&all) {
        match answer {
            Ok(measured) => assert_eq!(measured.sha256.hex(), sha256sum(path), "{}", path.display()),
            Err(why) => {
                assert!(path.ends_with("missing"), "{}: {why}", path.display());
                assert!(why.to_string().contains("does not exist"), "{why}");
            }
        }
    }
    assert_eq!(measurer.digest_all(&paths), all, "the same again");
    assert!(measurer.digest_all(&[]).is_empty());
}

#[test]
fn what_is_no_plain_file_is_refused_at_once() {
    let place = Place::with(&[("folder/f", "")]);
    let started = Instant::now();
    let why = |path: &Path| measurer().digest(path).unwrap_err();
    assert_eq!(why(&place.fifo("fifo")), Unmeasured::NotAFile("a FIFO"));
    assert_eq!(why(&place.link("fifo", "to-fifo")), Unmeasured::NotAFile("a FIFO"));
    assert_eq!(why(&place.path("folder")), Unmeasured::NotAFile("a folder"));
    assert_eq!(why(&place.link("/dev/zero", "zero")), Unmeasured::NotAFile("a device"));
    let socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    assert_eq!(why(&place.path("socket")), Unmeasured::NotAFile("a socket"));
    drop(socket);
    assert!(matches!(why(&place.link("nowhere", "dangling")), Unmeasured::Io(_)));
    assert!(matches!(why(&place.link("loop", "loop")), Unmeasured::Io(_)));
    assert!(matches!(why(&place.path("none")), Unmeasured::Io(_)));
    // A terabyte of nothing, and less of nothing than the budget of one file.
    let terabyte = place.sparse("terabyte", 1 << 40);
    assert_eq!(why(&terabyte), Unmeasured::TooLarge { size: 1 << 40, limit: MAX_FILE });
    assert!(matches!(why(&place.sparse("sparse", 6 << 30)), Unmeasured::Sparse { size: 0x1_8000_0000, .. }));
    let answers = measurer().digest_all(&[terabyte, place.path("folder/f"), place.path("fifo")]);
    assert!(matches!(
        answers.as_slice(),
        [Err(Unmeasured::TooLarge { .. }), Ok(Measured { size: 0, .. }), Err(Unmeasured::NotAFile("a FIFO"))]
    ));
    assert!(started.elapsed() < Duration::from_secs(20), "nothing of this may be read or waited for");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_lies_about_its_size_has_no_digest() {
    // `/proc` files say 0 bytes and give more.
    assert_eq!(fs::metadata("/proc/version").unwrap().len(), 0);
    assert_eq!(measurer().digest(Path::new("/proc/version")), Err(Unmeasured::Changed));
}

#[test]
fn what_cannot_be_read_says_why_and_which() {
    if rustix::process::geteuid().is_root() {
        // Nothing is unreadable for root; `what_is_no_plain_file_is_refused_at_once` covers the other errors of the system.
        return;
    }
    let place = Place::with(&[("secret", "x"), ("open", "y")]);
    fs::set_permissions(place.path("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    let why = measurer().digest(&place.path("secret")).unwrap_err();
    assert!(why.to_string().contains("secret") && why.to_string().contains("denied"), "{why}");
    assert_eq!(place.tree().unwrap_err(), why);
}

#[test]
fn a_file_that_changes_while_it_is_read_has_no_digest() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("grows", |path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap()),
        ("shrinks", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(10).unwrap()),
        ("is written in place, its times set back", |path| {
            let before = fs::metadata(path).unwrap();
            let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.write_all(b"other").unwrap();
            set_times(path, &before);
        }),
        ("gets another mode", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap()),
        ("grows for ever", |path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(&[0; 900_000]).unwrap()),
    ];
    for (what, change) in changes {
        let place = Place::new();
        let path = place.file("f", vec![7; 300_000]);
        let target = path.clone();
        let watch = Watch { at_advance: Some(Arc::new(move || change(&target))), ..Watch::default() };
        // The clock of the file system ticks every few milliseconds: the change must not fall into the tick of the making.
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(watched(&watch).digest(&path), Err(Unmeasured::Changed), "{what}");
        let (files, announced, done) = watch.counts();
        assert_eq!((files, announced, done, watch.ends.load(Ordering::Relaxed)), (1, 300_000, 300_000, 1), "{what}");
    }
}

#[test]
fn a_file_that_is_replaced_between_the_look_and_the_reading_has_no_digest() {
    let place = Place::with(&[("f", "looked at"), ("other", "slipped in")]);
    let (from, to) = (place.path("other"), place.path("f"));
    let watch = Watch { at_begin: Some(Arc::new(move || fs::rename(&from, &to).unwrap())), ..Watch::default() };
    assert_eq!(watched(&watch).digest(&place.path("f")), Err(Unmeasured::Changed));
    // In a tree the same, with a link in place of the file.
    let place = Place::with(&[("tree/f", "looked at"), ("other", "slipped in")]);
    let (root, file) = (place.path("tree"), place.path("tree/f"));
    let watch = Watch {
        at_begin: Some(Arc::new(move || {
            fs::remove_file(&file).unwrap();
            symlink("../other", &file).unwrap();
        })),
        ..Watch::default()
    };
    assert_eq!(watched(&watch).tree(&root, &[], &[]), Err(Unmeasured::Changed));
}

// Trees

/// The recipe of the specification, by other programs: sorted `sha256sum` lines, hashed.
fn go_h1(root: &Path) -> String {
    let recipe = "find . -type f | sed 's|^[.]/||' | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 -r sha256sum -- | sha256sum";
    let output = Command::new("sh").args(["-c", recipe]).current_dir(root).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

#[test]
fn the_hash_of_a_tree_is_go_h1() {
    let place = Place::with(&[
        ("package.json", "{}"),
        ("lib/a b.js", "spaces"),
        ("lib/a.js", "a"),
        ("lib/a/deep/x", ""),
        ("lib-x/y", "`-` sorts before `/`"),
        ("lib/é", "composed"),
    ]);
    fs::create_dir_all(place.path("empty/folders/do not count")).unwrap();
    let tree = place.tree().unwrap();
    assert_eq!(tree.digest.hex(), go_h1(place.root()));
    let names: Vec<&str> = tree.list.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["lib-x/y", "lib/a b.js", "lib/a.js", "lib/a/deep/x", "lib/é", "package.json"]);
    assert_eq!(FileList::parse(tree.list.to_json().as_bytes()).unwrap(), tree.list);
}

#[test]
fn what_a_tree_may_not_hold_is_refused_by_name() {
    type Make = fn(&Place);
    let name = |name: &str| Unmeasured::Tree(TreeRefusal::Name(name.to_owned()));
    let collision = |a: &str, b: &str| Unmeasured::Tree(TreeRefusal::Collision(a.to_owned(), b.to_owned()));
    let cases: [(Make, Unmeasured); 15] = [
        (|p| _ = p.file("a\nb", ""), name("a\nb")),
        (|p| _ = p.file("d/a\\b", ""), name("d/a\\b")),
        (|p| _ = p.file("a\x1b[31m", ""), name("a\x1b[31m")),
        (|p| _ = p.file(OsStr::from_bytes(b"d/\xff.js"), ""), name("d/\\xff.js")),
        (|p| _ = p.file(OsStr::from_bytes(b"\xff/x.js"), ""), name("\\xff/x.js")),
        (|p| _ = p.link("t", "a\tb"), name("a\tb")),
        (|p| symlink(OsStr::from_bytes(b"\xfe"), p.path("l")).unwrap(), name("\\xfe")),
        (
            |p| {
                p.file("Readme", "");
                p.file("README", "");
            },
            collision("README", "Readme"),
        ),
        (
            |p| {
                p.file("\u{e9}", "");
                p.file("e\u{301}", "");
            },
            collision("e\u{301}", "\u{e9}"),
        ),
        (
            |p| {
                p.file("a", "");
                p.link("a", "A");
            },
            collision("A", "a"),
        ),
        (
            |p| fs::set_permissions(p.file("d/s", ""), fs::Permissions::from_mode(0o4755)).unwrap(),
            Unmeasured::Setuid("d/s".into()),
        ),
        (
            |p| fs::set_permissions(p.file("d/s", ""), fs::Permissions::from_mode(0o2755)).unwrap(),
            Unmeasured::Setuid("d/s".into()),
        ),
        (|p| _ = p.fifo("pipe"), Unmeasured::Special { path: "pipe".into(), kind: "a FIFO" }),
        (
            |p| _ = std::os::unix::net::UnixListener::bind(p.path("s")).unwrap(),
            Unmeasured::Special { path: "s".into(), kind: "a socket" },
        ),
        (|p| _ = p.sparse("huge", 1 << 40), Unmeasured::TooManyBytes(MAX_TREE)),
    ];
    for (make, expected) in cases {
        let place = Place::with(&[("package.json", "{}")]);
        make(&place);
        assert_eq!(place.tree(), Err(expected));
    }
}

#[test]
fn holes_spread_over_many_files_are_still_holes() {
    let place = Place::new();
    for n in 0..3 {
        place.sparse(&n.to_string(), 1 << 29);
    }
    assert!(matches!(place.tree(), Err(Unmeasured::Sparse { size: 0x6000_0000, .. })));
}

#[test]
fn a_tree_without_end_is_refused() {
    let place = Place::new();
    let mut folder = place.root().to_owned();
    for _ in 0..MAX_DEPTH {
        folder.push("d");
    }
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("f"), "").unwrap();
    assert_eq!(place.tree().unwrap().list.files.len(), 1);
    for _ in 0..240 {
        folder.push("d");
    }
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(place.tree(), Err(Unmeasured::TooDeep(MAX_DEPTH)));
    // A folder that holds a link to itself ends, because links are not followed.
    let place = Place::with(&[("f", "")]);
    place.link(".", "self");
    assert_eq!(place.tree().unwrap().list.links.len(), 1);
}

#[test]
fn what_is_no_folder_has_no_tree() {
    let place = Place::with(&[("f", "")]);
    assert!(matches!(measurer().tree(&place.path("f"), &[], &[]), Err(Unmeasured::Io(_))));
    assert!(matches!(measurer().tree(&place.path("none"), &[], &[]), Err(Unmeasured::Io(_))));
}

#[test]
fn globs_say_what_belongs_to_a_tree() {
    let place = Place::with(&[
        ("package.json", ""),
        ("node_modules/x/i.js", ""),
        ("lib/node_modules/y.js", ""),
        ("lib/a.js", ""),
        ("lib/a.pyc", ""),
        ("lib/sub/b.js", ""),
        ("lib/__pycache__/c.pyc", ""),
        ("node_modules_not", ""),
    ]);
    place.link("../lib/a.js", "lib/link.js");
    assert_eq!(place.names(&["*"], &[]), ["node_modules_not", "package.json"], "`*` does not cross a `/`");
    assert_eq!(place.names(&["lib/*.js"], &[]), ["lib/a.js", "lib/link.js -> ../lib/a.js"]);
    assert_eq!(place.names(&["**/*.js"], &["**/node_modules/**"]), ["lib/a.js", "lib/sub/b.js", "lib/link.js -> ../lib/a.js"]);
    assert_eq!(
        place.names(&[], &["node_modules/**", "**/__pycache__/**", "**/*.pyc"]),
        ["lib/a.js", "lib/node_modules/y.js", "lib/sub/b.js", "node_modules_not", "package.json", "lib/link.js -> ../lib/a.js"]
    );
    assert_eq!(place.names(&["lib/sub/**", "*.json"], &["*"]), ["lib/sub/b.js"], "nor does it where it leaves out");
    // A pattern speaks of files: the bare name of a folder excludes nothing below it.
    assert_eq!(place.names(&["node_modules/**"], &["node_modules"]), ["node_modules/x/i.js"]);
    assert_eq!(place.names(&["none/**"], &[]), [""; 0]);
    assert_eq!(
        measurer().tree(place.root(), &strings(&["a["]), &[]).unwrap_err().to_string(),
        "`a[` is no pattern: unclosed character class; missing ']'"
    );
}

#[test]
fn what_is_left_out_is_not_even_opened() {
    let place = Place::with(&[("sdk/a.py", ""), ("other/b.py", ""), ("sdk/node_modules/f", "")]);
    place.fifo("other/fifo");
    place.fifo("sdk/node_modules/fifo");
    place.file(OsStr::from_bytes(b"other/\xff"), "");
    fs::set_permissions(place.file("other/suid", ""), fs::Permissions::from_mode(0o4755)).unwrap();
    // A folder deeper than the budget in a part that is left out.
    fs::create_dir_all(place.path(&format!("other/{}", "d/".repeat(MAX_DEPTH + 5)))).unwrap();
    fs::create_dir_all(place.path(&format!("sdk/node_modules/{}", "d/".repeat(MAX_DEPTH + 5)))).unwrap();
    assert_eq!(place.names(&["sdk/**"], &["**/node_modules/**"]), ["sdk/a.py"]);
}

#[test]
fn a_link_in_place_of_a_folder_is_seen() {
    // The globs ask for what lies below `sdk`. A program reads it through the link all the same.
    let place = Place::with(&[("elsewhere/evil.py", "")]);
    place.link("elsewhere", "sdk");
    assert_eq!(place.names(&["sdk/**"], &[]), ["sdk -> elsewhere"]);
    assert_eq!(place.names(&["sdk/a/b.py"], &[]), ["sdk -> elsewhere"]);
    assert_eq!(place.names(&["sdk/**"], &["sdk/**"]), [""; 0]);
}

fn small_tree() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let content = proptest::collection::vec(any::<u8>(), 1..200);
    proptest::collection::btree_map("[a-e]{1,2}(/[f-j]{1,2}){0,2}", content, 1..6)
        .prop_filter("a file is no folder", |files| files.keys().all(|a| files.keys().all(|b| !b.starts_with(&format!("{a}/")))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any one byte of any file, and any name, changes the hash; and the list names that file as the first difference.
    #[test]
    fn any_change_of_a_tree_changes_its_hash(
        files in small_tree(), which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let place = Place::new();
        for (name, content) in &files {
            place.file(name, content);
        }
        let measurer = measurer();
        let before = measurer.tree(place.root(), &[], &[]).unwrap();
        prop_assert_eq!(before.digest.hex(), go_h1(place.root()));
        let (name, content) = files.iter().nth(which.index(files.len())).unwrap();
        let mut changed = content.clone();
        changed[at.index(content.len())] ^= 1_u8 << bit;
        // Written as another file and moved over it, so that no time stamp can hide it.
        place.file(".new", &changed);
        fs::rename(place.path(".new"), place.path(name)).unwrap();
        let after = measurer.tree(place.root(), &[], &[]).unwrap();
        prop_assert_ne!(&after.digest, &before.digest);
        let answer = measurer.measure(place.root(), &pinned(&before), Some(Ok(&listed_files(&before.list))));
        prop_assert_eq!(answer.result, Ok(after.digest));
        prop_assert_eq!(answer.difference, Some(Difference { path: name.clone(), change: Change::Changed }));
        fs::rename(place.path(name), place.path("zz")).unwrap();
        prop_assert_ne!(measurer.tree(place.root(), &[], &[]).unwrap().digest, before.digest);
    }
}

// Answers to approvals

fn pinned(tree: &Tree) -> Installed {
    let shape = Shape::Tree { include: Vec::new(), exclude: Vec::new() };
    Installed { package: None, platform: None, shape, digests: DigestSet::from(tree.digest.clone()), files: None }
}

fn file_shape(path: &str) -> Installed {
    let digests = DigestSet::from(Digest::sha256_of(b"never looked at"));
    Installed { package: None, platform: None, shape: Shape::File { path: path.to_owned() }, digests, files: None }
}

fn difference(path: &str, change: Change) -> Option<Difference> {
    Some(Difference { path: path.to_owned(), change })
}

#[test]
fn the_first_difference_in_the_order_of_names_is_named() {
    let place = Place::with(&[("b", "b"), ("d", "d"), ("f", "f")]);
    let approved = place.tree().unwrap();
    let answer = || measurer().measure(place.root(), &pinned(&approved), Some(Ok(&listed_files(&approved.list))));
    assert_eq!(answer().difference, None);
    assert_eq!(answer().result, Ok(approved.digest.clone()));
    place.file("f", "changed");
    assert_eq!(answer().difference, difference("f", Change::Changed));
    place.file("e", "added");
    assert_eq!(answer().difference, difference("e", Change::Extra));
    fs::remove_file(place.path("b")).unwrap();
    assert_eq!(answer().difference, difference("b", Change::Missing));
    place.file("a", "added");
    assert_eq!(answer().difference, difference("a", Change::Extra));
    assert!(answer().result.is_ok_and(|digest| digest != approved.digest), "files that differ are a digest that differs");
    let without = measurer().measure(place.root(), &pinned(&approved), None);
    assert_eq!((without.difference, without.result), (None, answer().result));
    assert_eq!(without.shape, pinned(&approved).shape);
}

#[test]
fn only_the_links_of_the_list_pass() {
    let place = Place::with(&[("a", "a"), ("z", "z")]);
    place.link("a", "m");
    let approved = place.tree().unwrap();
    let answer =
        |list: Option<Result<&List, &str>>| -> Measurement { measurer().measure(place.root(), &pinned(&approved), list) };
    let listed = || answer(Some(Ok(&listed_files(&approved.list))));
    assert_eq!(listed().result, Ok(approved.digest.clone()));
    assert_eq!(listed().difference, None);
    // No list names it.
    assert_eq!(answer(None).result, Err(Unmeasured::Link("m".into())));
    // Another target, the same directory hash.
    fs::remove_file(place.path("m")).unwrap();
    place.link("z", "m");
    assert_eq!(place.tree().unwrap().digest, approved.digest);
    assert_eq!(listed().result, Err(Unmeasured::LinkDiffers("m".into())));
    assert_eq!(listed().difference, difference("m", Change::Changed));
    // Gone.
    fs::remove_file(place.path("m")).unwrap();
    assert_eq!(listed().result, Err(Unmeasured::LinkDiffers("m".into())));
    assert_eq!(listed().difference, difference("m", Change::Missing));
    // One more.
    place.link("a", "m");
    place.link("/etc/passwd", "n");
    assert_eq!(listed().result, Err(Unmeasured::Link("n".into())));
    assert_eq!(listed().difference, difference("n", Change::Extra));
    // A link where a file was: the hash differs, and the link is not hidden behind that.
    fs::remove_file(place.path("n")).unwrap();
    fs::remove_file(place.path("z")).unwrap();
    place.link("/etc/passwd", "z");
    assert_eq!(listed().result, Err(Unmeasured::Link("z".into())));
    assert_eq!(listed().difference, difference("z", Change::Changed));
}

#[test]
fn a_list_that_cannot_be_used_approves_nothing() {
    let place = Place::with(&[("a", "a")]);
    let approved = place.tree().unwrap();
    let answer = measurer().measure(place.root(), &pinned(&approved), Some(Err("its digest is another")));
    assert_eq!(answer.result, Err(Unmeasured::FileList("its digest is another".into())));
    // The pinned hash decides, not the list beside it: a tree that has the hash differs in nothing.
    let other = FileList::default();
    let answer = measurer().measure(place.root(), &pinned(&approved), Some(Ok(&listed_files(&other))));
    assert_eq!((answer.result, answer.difference), (Ok(approved.digest), None));
}

#[test]
fn a_file_of_a_tool_is_reached_without_links() {
    let place = Place::with(&[("pkg/bin/tool", "tool"), ("outside", "outside")]);
    let root = place.path("pkg");
    let answer = |path: &str| measurer().measure(&root, &file_shape(path), None);
    assert_eq!(answer("bin/tool").result, Ok(Digest::sha256_of(b"tool")));
    assert_eq!(measurer().measure(&place.path("outside"), &file_shape(""), None).result, Ok(Digest::sha256_of(b"outside")));
    place.link("../outside", "pkg/link");
    place.link("..", "pkg/up");
    place.link("bin", "pkg/same");
    assert_eq!(answer("link").result, Err(Unmeasured::Link("link".into())));
    assert_eq!(answer("up/outside").result, Err(Unmeasured::Link("up".into())));
    assert_eq!(answer("same/tool").result, Err(Unmeasured::Link("same".into())));
    for path in ["../outside", "bin/../../outside", "/etc/passwd", "bin//tool", "./bin/tool", "bin/", "bin\\tool", "bin/\0"] {
        let refused = Err(Unmeasured::Tree(TreeRefusal::Name(path.to_owned())));
        assert_eq!(answer(path).result, refused, "{path}");
    }
    assert_eq!(answer("bin").result, Err(Unmeasured::NotAFile("a folder")));
    assert_eq!(answer("").result, Err(Unmeasured::NotAFile("a folder")));
    for path in ["bin/none", "none/none", "bin/tool/below"] {
        let missing = answer(path);
        assert!(matches!(missing.result, Err(Unmeasured::Io(_))), "{path}");
        assert_eq!(missing.difference, difference(path, Change::Missing));
    }
    place.fifo("pkg/fifo");
    assert_eq!(answer("fifo").result, Err(Unmeasured::NotAFile("a FIFO")));
}

// The cache, with real clocks and real files

#[test]
fn a_second_run_reads_nothing_and_a_replaced_file_is_read_again() {
    let place = Place::with(&[("tool/a", "content of a"), ("tool/b", "content of b")]);
    let (root, path) = (place.path("tool"), place.path("cache/digests"));
    let run = || {
        let watch = Watch::default();
        let measurer = Measurer::new(Files, DigestCache::load(Files, &path, true), Box::new(watch.clone()));
        let tree = measurer.tree(&root, &[], &[]).unwrap();
        let cache = measurer.into_cache();
        let saved = cache.save(Files).unwrap();
        (watch.counts().0, tree.digest, saved)
    };
    // Just made: too young to be remembered (the racy rule), so nothing is written.
    let (read, digest, saved) = run();
    assert_eq!((read, saved), (2, false));
    std::thread::sleep(Duration::from_millis(2_200));
    assert_eq!(run(), (2, digest.clone(), true));
    assert_eq!(run(), (0, digest.clone(), false));
    // T-13: other content of the same size in the same inode, both times set back by utimes. Only `ctime` tells.
    let file = place.path("tool/a");
    let before = fs::metadata(&file).unwrap();
    fs::OpenOptions::new().write(true).open(&file).unwrap().write_all(b"CONTENT").unwrap();
    set_times(&file, &before);
    let after = fs::metadata(&file).unwrap();
    let unchanged = |m: &fs::Metadata| (m.ino(), m.size(), m.mtime(), m.mtime_nsec());
    assert_eq!(unchanged(&before), unchanged(&after));
    let (read, changed, _) = run();
    assert_eq!(read, 1);
    assert_ne!(changed, digest);
    assert_eq!(changed.hex(), go_h1(&root));
    assert_eq!(DigestCache::load(Files, &path, true).state(), CacheState::Loaded(2));
}

#[test]
fn within_one_run_a_file_is_read_once_also_without_a_cache() {
    let place = Place::with(&[("a", "a")]);
    let file = place.path("a");
    std::thread::sleep(Duration::from_millis(2_200));
    let watch = Watch::default();
    let measurer = watched(&watch);
    let first = measurer.digest(&file).unwrap();
    assert_eq!(measurer.digest(&file), Ok(first));
    assert_eq!(watch.counts().0, 1);
    fs::write(&file, "b").unwrap();
    assert_eq!(measurer.digest(&file).unwrap().sha256, Digest::sha256_of(b"b"));
    assert_eq!(watch.counts().0, 2);
}

#[test]
fn threads_may_share_a_measurer() {
    let place = Place::new();
    let paths: Vec<PathBuf> = (0..64).map(|n| place.file(n.to_string(), vec![n as u8; 40_000])).collect();
    let measurer = measurer();
    let expected = measurer.digest_all(&paths);
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| answers.lock().unwrap().push(measurer.digest_all(&paths)));
        }
    });
    assert_eq!(answers.into_inner().unwrap(), vec![expected; 4]);
}
