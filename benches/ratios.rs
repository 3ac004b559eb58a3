//! The targets of `docs/performance.md` that are met inside one process, as ratios of CPU time side by side: A, B, A, B, ... in one
//! run, the ratio taken round by round, the median of the ratios printed. Nothing fails here: a busy machine would make it lie.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, clippy::print_stdout, reason = "a bench has no users")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench sets up the world that the program only reads")]

#[allow(dead_code, reason = "the other bench uses the rest")]
mod ground;

use ground::{cpu, files, fresh, imagined, read, remembered};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use vetted::digest::{Digest, DigestSet};
use vetted::gather::measure::{List, Measurer, Silent};
use vetted::manifest::package_list::{ListedPackage, PackageList, PinnedFiles};
use vetted::manifest::{FileListRef, Installed, Shape};
use vetted::tool::{Ecosystem, Package, PackageVersion};
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

fn main() {
    // `cargo bench` says so; anything else (`cargo test --benches`) gets one small round that shows the bench works.
    let sizes = if std::env::args().any(|argument| argument == "--bench") {
        Sizes { rounds: 15, large: 236 << 20, medium: 16 << 20, files: 10_000, records: 20_000 }
    } else {
        Sizes { rounds: 1, large: 1 << 20, medium: 1 << 18, files: 50, records: 50 }
    };
    println!("{:<66} {:>8} {:>11} {:>11}", "what / against", "ratio", "what", "against");
    hashing(&sizes);
    package_files(&sizes);
    approved_tools(&sizes);
    records(&sizes);
}

struct Sizes {
    rounds: usize,
    large: usize,
    medium: usize,
    files: usize,
    records: u64,
}

/// Run both in turn; print the median ratio and the median times. The first round warms up and is not counted.
fn compare<A, B>(rounds: usize, name: &str, clock: fn() -> Duration, what: impl Fn() -> A, against: impl Fn() -> B) {
    let timed = |work: &dyn Fn()| {
        let began = clock();
        work();
        clock().saturating_sub(began).as_secs_f64()
    };
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for round in 0..=rounds {
        let pair = (timed(&|| _ = black_box(what())), timed(&|| _ = black_box(against())));
        if round > 0 {
            pairs.push(pair);
        }
    }
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (ratio, a, b) = (median(|p| p.0 / p.1), median(|p| p.0 * 1e3), median(|p| p.1 * 1e3));
    println!("{name:<66} {ratio:>8.3} {a:>8.2} ms {b:>8.2} ms");
}

/// The clock on the wall, for what two processors do together: right only on a machine that is idle.
fn wall() -> Duration {
    thread_local!(static START: Instant = Instant::now());
    START.with(Instant::elapsed)
}

fn hashing(sizes: &Sizes) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let large = files(&folder.path().join("large"), 1, sizes.large).remove(0);
    let medium = files(&folder.path().join("medium"), 20, sizes.medium);
    let bytes = fs::read(&large).expect("a file");
    let rounds = sizes.rounds;
    // A new measurer without a cache remembers nothing, so every digest reads.
    let name = format!("digest of one file of {} MB / SHA-256 of the same bytes in memory", sizes.large >> 20);
    compare(rounds, &name, cpu, || fresh().digest(&large), || Sha256::digest(&bytes));
    compare(rounds, "the same / reading it without a digest", cpu, || fresh().digest(&large), || read(&large));
    let name = format!("digest of 20 files of {} MB / one after the other", sizes.medium >> 20);
    let one_by_one = || medium.iter().flat_map(|path| fresh().digest(path)).count();
    compare(rounds, &name, cpu, || fresh().digest_all(&medium), one_by_one);
    compare(rounds, "the same by the wall clock", wall, || fresh().digest_all(&medium), one_by_one);
}

fn package_files(sizes: &Sizes) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("tree");
    let paths = files(&root, sizes.files, 25_500);
    let cache = folder.path().join("digests");
    let warm = Measurer::new(Files, remembered(&paths, &cache), Box::new(Silent));
    let lstat = || lstat_all(&paths);
    let rounds = sizes.rounds;
    let count = paths.len();
    compare(rounds, &format!("digest of {count} remembered files / lstat of each"), cpu, || warm.digest_all(&paths), lstat);
    compare(rounds, "the same / reading and digesting them", cpu, || warm.digest_all(&paths), || fresh().digest_all(&paths));
    let whole = || Measurer::new(Files, DigestCache::load(Files, &cache, true), Box::new(Silent)).digest_all(&paths);
    compare(rounds, "loading the cache and the same / lstat of each", cpu, whole, lstat);
    compare(rounds, "tree of them, remembered / lstat of each", cpu, || warm.tree(&root, &[], &[]), lstat);
    compare(
        rounds,
        "tree of them, remembered / the tree read and digested",
        cpu,
        || warm.tree(&root, &[], &[]),
        || fresh().tree(&root, &[], &[]),
    );
}

/// What a check measures of 20 approved tools of npm: each a tree and the packages it loads, all of them remembered.
fn approved_tools(sizes: &Sizes) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let packages = (sizes.files / 400).max(2);
    let mut paths = Vec::new();
    let mut tools = Vec::new();
    for tool in 0..20 {
        let root = folder.path().join(format!("tool-{tool}"));
        let mut listed = Vec::new();
        for package in 0..packages {
            let (name, below) = (format!("p{tool}-{package}"), root.join(format!("node_modules/p{tool}-{package}")));
            paths.extend(files(&below, 18, 2_000));
            paths.push(manifest_of(&below, &name, &[]));
            let tree = fresh().tree(&below, &[], &[]).expect("a tree");
            listed.push(listed_package(&name, tree.digest));
        }
        let names: Vec<String> = listed.iter().map(|listed| listed.package.package.name.clone()).collect();
        paths.push(manifest_of(&root, &format!("tool-{tool}"), &names));
        tools.push((root, PackageList::new(listed)));
    }
    let cache = folder.path().join("digests");
    drop(remembered(&paths, &cache));
    let check = || {
        let measurer = Measurer::new(Files, DigestCache::load(Files, &cache, true), Box::new(Silent));
        let exclude = ["node_modules/**".to_owned()];
        tools
            .iter()
            .filter(|(root, list)| {
                let list = List::Packages(list.clone(), PinnedFiles::new());
                let answer = measurer.measure(root, &pinned_packages(), Some(Ok(&list)));
                assert!(answer.result.is_ok() && answer.difference.is_none(), "{answer:?}");
                measurer.tree(root, &[], &exclude).is_ok()
            })
            .count()
    };
    let name = format!("20 approved tools of {packages} packages, {} files, remembered / lstat of each", paths.len());
    compare(sizes.rounds, &name, cpu, check, || lstat_all(&paths));
    compare(sizes.rounds, "the same / reading and digesting the files", cpu, check, || fresh().digest_all(&paths));
}

fn manifest_of(folder: &std::path::Path, name: &str, dependencies: &[String]) -> PathBuf {
    let declared: Vec<String> = dependencies.iter().map(|name| format!("\"{name}\":\"1\"")).collect();
    let text = format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\",\"dependencies\":{{{}}}}}", declared.join(","));
    let path = folder.join("package.json");
    fs::create_dir_all(folder).expect("a temporary folder");
    fs::write(&path, text).expect("a temporary file");
    path
}

fn listed_package(name: &str, dir_hash: Digest) -> ListedPackage {
    ListedPackage {
        package: PackageVersion { package: Package::new(Ecosystem::Npm, name), version: "1.0.0".to_owned() },
        dir_hash,
        release: DigestSet::new(),
        platforms: Vec::new(),
        built: Vec::new(),
        is_unattested: true,
        replaced: Vec::new(),
    }
}

fn pinned_packages() -> Installed {
    let digests = DigestSet::from(Digest::Sha256([7; 32]));
    let files = Some(FileListRef { path: "packages.json".into(), digests: digests.clone() });
    Installed { platform: None, package: None, shape: Shape::Packages, digests, files }
}

fn records(sizes: &Sizes) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, keys) = imagined(sizes.records, folder.path());
    let load = || DigestCache::load(Files, &path, true);
    let name = format!("loading a cache of {} records / reading its bytes", sizes.records);
    compare(sizes.rounds, &name, cpu, load, || fs::read(&path));
    let loaded = load();
    let look_up = || keys.iter().filter(|key| loaded.lookup(key).is_some()).count();
    assert_eq!(look_up() as u64, sizes.records);
    compare(sizes.rounds, "looking up all of them / loading it", cpu, look_up, load);
}

fn lstat_all(paths: &[PathBuf]) -> usize {
    paths.iter().filter(|path| fs::symlink_metadata(path).is_ok()).count()
}
