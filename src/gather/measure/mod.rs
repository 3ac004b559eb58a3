//! Digests of files and trees on disk, and the answers to what approvals ask to have measured.
//!
//! Nothing is digested that would hang a check (a FIFO, a device, a file full of holes, a tree without end), and nothing gets a
//! digest that changed while it was read: both are [`Unmeasured`], which never approves. Files are read once for each inode, the
//! largest first, on as many threads as there are processors; files that the cache knows are only looked at.

mod answer;
mod closure;
mod importable;
mod located;
mod packages;
mod tree;

pub use closure::{MAX_PACKAGES, node_folders};
pub(super) use located::disagrees;

use crate::digest::Digest;
use crate::evidence::Unmeasured;
use crate::manifest::file_list::FileList;
use crate::manifest::package_list::{PackageList, PinnedFiles};
use crate::text::printable_path;
use crate::world::cache::{DigestCache, Moment};
use crate::world::files::{EntryKind, FileError, FileStat, Files, MAX_ENTRIES, StatKey};
use closure::Closure;
use rayon::iter::{IntoParallelRefIterator as _, ParallelBridge as _, ParallelIterator as _};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The largest file that is read, in bytes of its apparent size.
pub const MAX_FILE: u64 = 8 << 30;
/// The largest file of a model that is read, in bytes: weights are larger than programs.
pub const MAX_WEIGHTS: u64 = 512 << 30;
/// The most bytes of all files of one tree.
pub const MAX_TREE: u64 = 64 << 30;
/// The most levels of folders in a tree.
pub const MAX_DEPTH: usize = 64;
/// From this size on, in bytes, what claims more than [`SPARSE_SHARE`] times what lies on the disk is not read. Compressing file
/// systems make real programs and models a few times smaller, not so many.
const SPARSE_FROM: u64 = 1 << 30;
const SPARSE_SHARE: u64 = 32;
/// What is read at once. Measured: 64 to 256 KiB are alike, less and more are slower.
const BUFFER: usize = 128 * 1024;
/// Fewer bytes and files than these are read sooner than threads start.
const PARALLEL_BYTES: u64 = 1 << 20;
const PARALLEL_FILES: usize = 32;
/// More threads than this wait for the disk.
const MAX_THREADS: usize = 16;

/// The SHA-256 and the size of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Of its content.
    pub sha256: Digest,
    /// In bytes.
    pub size: u64,
}

/// What a tree holds and its directory hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The `dirHash`. It covers the files alone: the links have to be compared besides.
    pub digest: Digest,
    /// The files and links, each sorted by name.
    pub list: FileList,
}

/// A list beside the manifest, verified and read: what an artifact is compared with besides its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// The files of a tree.
    Files(FileList),
    /// The packages that a tool loads, and which files of them other artifacts of the approval pin.
    Packages(PackageList, PinnedFiles),
}

/// Who is told how far the reading is. Batches may overlap: what `begin` says adds up until as many `end` have come.
pub trait Progress: Send + Sync {
    /// So many files of so many bytes are about to be read. Files that the cache knows are not among them.
    fn begin(&self, files: u64, bytes: u64);
    /// So many bytes more are done.
    fn advance(&self, bytes: u64);
    /// What the matching `begin` announced is done.
    fn end(&self);
}

/// Nobody is told.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _files: u64, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn end(&self) {}
}

/// Digests files and trees. Shared between threads.
pub struct Measurer {
    files: Files,
    cache: DigestCache,
    progress: Box<dyn Progress>,
    /// Where Node.js looks for packages last.
    node_folders: Vec<PathBuf>,
    /// What this run has digested: several approvals may ask for the same file, also where nothing is kept between runs.
    seen: Mutex<HashMap<StatKey, [u8; 32]>>,
    /// What this run has found below each folder that several artifacts ask about.
    closures: Mutex<HashMap<PathBuf, Arc<Result<Closure, Unmeasured>>>>,
    /// Started when there is work for it. `None` where the system gives no threads.
    pool: OnceLock<Option<rayon::ThreadPool>>,
}

/// A file to be digested, and what it was when it was looked at.
struct Job<'a> {
    path: &'a Path,
    stat: FileStat,
    /// The largest size that is read, in bytes.
    limit: u64,
}

impl<'a> Job<'a> {
    fn new(path: &'a Path, stat: FileStat) -> Self {
        Self { path, stat, limit: MAX_FILE }
    }
}

impl Measurer {
    /// A measurer that asks `cache` first and tells `progress` what it reads.
    #[must_use]
    pub fn new(files: Files, cache: DigestCache, progress: Box<dyn Progress>) -> Self {
        let node_folders = Vec::new();
        Self { files, cache, progress, node_folders, seen: Mutex::default(), closures: Mutex::default(), pool: OnceLock::new() }
    }

    /// One that also looks for the packages of Node.js tools in these folders, after every `node_modules` ([`node_folders`]).
    #[must_use]
    pub fn with_node_folders(self, node_folders: Vec<PathBuf>) -> Self {
        Self { node_folders, ..self }
    }

    /// SHA-256 of one regular file; links are followed.
    ///
    /// # Errors
    /// [`Unmeasured`]: no regular file, not readable, over the budget ([`MAX_FILE`], nearly all holes), or changed while it was
    /// read.
    pub fn digest(&self, path: &Path) -> Result<Measured, Unmeasured> {
        let stat = self.look(path)?;
        self.digest_seen(path, stat)
    }

    /// SHA-256 of several files in the order given, read in parallel; an inode that stands there twice is read once.
    ///
    /// # Errors
    /// Each as [`Measurer::digest`].
    pub fn digest_all(&self, paths: &[PathBuf]) -> Vec<Result<Measured, Unmeasured>> {
        self.digest_within(paths, MAX_FILE)
    }

    fn digest_within(&self, paths: &[PathBuf], limit: u64) -> Vec<Result<Measured, Unmeasured>> {
        let looks: Vec<Result<FileStat, Unmeasured>> = paths.iter().map(|path| self.look(path)).collect();
        let jobs: Vec<Job<'_>> = paths
            .iter()
            .zip(&looks)
            .filter_map(|(path, look)| look.as_ref().ok().map(|stat| Job { path, stat: *stat, limit }))
            .collect();
        let mut digests = self.digest_jobs(&jobs).into_iter();
        looks
            .into_iter()
            .map(|look| {
                let stat = look?;
                // One answer for each job, and one job for each file that was there.
                let sha256 = digests.next().unwrap_or(Err(Unmeasured::Changed))?;
                Ok(Measured { sha256: Digest::Sha256(sha256), size: stat.size })
            })
            .collect()
    }

    /// The files and links below a folder and their `dirHash`. `include` and `exclude` are globs of paths relative to `root`:
    /// `*` and `?` do not cross a `/`, `**` does; no `include` is everything. Links are listed, never followed; empty folders do
    /// not count.
    ///
    /// # Errors
    /// [`Unmeasured`]: a file that cannot be measured, a name, setuid file or special file that has no place in a tree, or a tree
    /// over the budgets ([`MAX_ENTRIES`], [`MAX_DEPTH`], [`MAX_TREE`]). Which of several errors comes is the same every time.
    pub fn tree(&self, root: &Path, include: &[String], exclude: &[String]) -> Result<Tree, Unmeasured> {
        tree::measure(self, root, include, exclude)
    }

    /// The packages that a tool in this folder would load, looked for once a run.
    fn closure(&self, root: &Path) -> Arc<Result<Closure, Unmeasured>> {
        let known = |closures: &HashMap<_, Arc<_>>| closures.get(root).cloned();
        if let Some(closure) = known(&self.closures.lock().unwrap_or_else(PoisonError::into_inner)) {
            return closure;
        }
        let closure = Arc::new(closure::find(self.files, root, &self.node_folders));
        let mut closures = self.closures.lock().unwrap_or_else(PoisonError::into_inner);
        closures.entry(root.to_owned()).or_insert(closure).clone()
    }

    /// The cache with what this run added, for [`DigestCache::save`].
    #[must_use]
    pub fn into_cache(self) -> DigestCache {
        self.cache
    }

    /// What stands at a path, links followed, if it is a regular file.
    fn look(&self, path: &Path) -> Result<FileStat, Unmeasured> {
        let stat = self.files.stat(path).map_err(unmeasured)?;
        regular(&stat)?;
        Ok(stat)
    }

    fn digest_seen(&self, path: &Path, stat: FileStat) -> Result<Measured, Unmeasured> {
        let sha256 = self.digest_jobs(&[Job::new(path, stat)]).pop().unwrap_or(Err(Unmeasured::Changed))?;
        Ok(Measured { sha256: Digest::Sha256(sha256), size: stat.size })
    }

    /// One answer for each job, in their order.
    fn digest_jobs(&self, jobs: &[Job<'_>]) -> Vec<Result<[u8; 32], Unmeasured>> {
        let mut answers: Vec<Option<Result<[u8; 32], Unmeasured>>> = Vec::with_capacity(jobs.len());
        let mut first_of: HashMap<StatKey, usize> = HashMap::new();
        let mut same: Vec<(usize, usize)> = Vec::new();
        let mut unread: Vec<usize> = Vec::new();
        for (at, job) in jobs.iter().enumerate() {
            self.files.know(job.path, job.stat.key);
            let known = self.recall(&job.stat.key).map(Ok).or_else(|| within_budget(&job.stat, job.limit).err().map(Err));
            if known.is_none() {
                match first_of.entry(job.stat.key) {
                    Entry::Occupied(first) if tells_files_apart(&job.stat.key) => same.push((at, *first.get())),
                    Entry::Occupied(_) => unread.push(at),
                    Entry::Vacant(place) => {
                        place.insert(at);
                        unread.push(at);
                    }
                }
            }
            answers.push(known);
        }
        for (at, answer) in self.read_all(jobs, unread) {
            answers[at] = Some(answer);
        }
        for (at, first) in same {
            let answer = answers[first].clone();
            answers[at] = answer;
        }
        answers.into_iter().map(|answer| answer.unwrap_or(Err(Unmeasured::Changed))).collect()
    }

    /// Read these jobs, the largest first so that the threads end together.
    fn read_all(&self, jobs: &[Job<'_>], mut unread: Vec<usize>) -> Vec<(usize, Result<[u8; 32], Unmeasured>)> {
        if unread.is_empty() {
            return Vec::new();
        }
        unread.sort_by_key(|at| Reverse(jobs[*at].stat.size));
        let bytes = unread.iter().map(|at| jobs[*at].stat.size).fold(0, u64::saturating_add);
        let pays = unread.len() > 1 && (bytes >= PARALLEL_BYTES || unread.len() >= PARALLEL_FILES);
        self.progress.begin(unread.len() as u64, bytes);
        let read = |at: usize| (at, self.read(&jobs[at]));
        let answers = match if pays { self.pool() } else { None } {
            // A bridge hands out the next job in order to whoever is free; splitting the list would not start with the largest.
            Some(pool) => pool.install(|| unread.into_iter().par_bridge().map(read).collect()),
            None => unread.into_iter().map(read).collect(),
        };
        self.progress.end();
        answers
    }

    /// `work` on each of many things, in their order, on several threads where there are enough of them.
    fn each<T: Sync, A: Send>(&self, things: &[T], work: impl Fn(&T) -> A + Send + Sync) -> Vec<A> {
        match if things.len() >= PARALLEL_FILES { self.pool() } else { None } {
            Some(pool) => pool.install(|| things.par_iter().map(work).collect()),
            None => things.iter().map(work).collect(),
        }
    }

    fn pool(&self) -> Option<&rayon::ThreadPool> {
        self.pool
            .get_or_init(|| {
                let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()
            })
            .as_ref()
    }

    fn recall(&self, key: &StatKey) -> Option<[u8; 32]> {
        self.cache.lookup(key).or_else(|| self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied())
    }

    /// Read one file that was looked at before.
    fn read(&self, job: &Job<'_>) -> Result<[u8; 32], Unmeasured> {
        let mut rest = job.stat.size;
        let answer = self.read_telling(job, &mut |count| {
            let count = count.min(rest);
            rest -= count;
            self.progress.advance(count);
        });
        // What was announced is done, also where the reading ended early.
        self.progress.advance(rest);
        answer
    }

    fn read_telling(&self, job: &Job<'_>, advance: &mut dyn FnMut(u64)) -> Result<[u8; 32], Unmeasured> {
        let began = Moment::now();
        let (file, opened) = self.files.open(job.path).map_err(unmeasured)?;
        if opened.key != job.stat.key {
            return Err(Unmeasured::Changed);
        }
        let (sha256, size) = sha256(&file, opened.size, advance)
            .map_err(|error| Unmeasured::Io(format!("`{}`: {error}", printable_path(job.path))))?;
        let after = self.files.stat_open(&file, job.path).map_err(unmeasured)?;
        if after.key != opened.key || size != opened.size {
            return Err(Unmeasured::Changed);
        }
        if tells_files_apart(&opened.key) && began.is_after(&opened.key) {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(opened.key, sha256);
        }
        self.cache.insert(&file, opened.key, sha256, began);
        Ok(sha256)
    }
}

/// The digest of at most `size` bytes and one more, and how many there were: a file that grows is not read for ever.
fn sha256(file: impl Read, size: u64, advance: &mut dyn FnMut(u64)) -> io::Result<([u8; 32], u64)> {
    thread_local! {
        static BUFFER_OF_THREAD: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
    }
    BUFFER_OF_THREAD.with_borrow_mut(|buffer| {
        let mut file = file.take(size.saturating_add(1));
        let mut hash = Sha256::new();
        let mut total = 0;
        loop {
            match file.read(buffer) {
                Ok(0) => return Ok((hash.finalize().into(), total)),
                Ok(count) => {
                    hash.update(&buffer[..count]);
                    total += count as u64;
                    advance(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    })
}

/// Whether equal keys mean one file: where the system tells no inode they do not.
fn tells_files_apart(key: &StatKey) -> bool {
    key.inode != 0
}

fn regular(stat: &FileStat) -> Result<(), Unmeasured> {
    match stat.kind {
        EntryKind::File => Ok(()),
        EntryKind::Folder => Err(Unmeasured::NotAFile("a folder")),
        EntryKind::Link => Err(Unmeasured::NotAFile("a link")),
        EntryKind::Other(kind) => Err(Unmeasured::NotAFile(kind)),
    }
}

fn within_budget(stat: &FileStat, limit: u64) -> Result<(), Unmeasured> {
    if stat.size > limit {
        return Err(Unmeasured::TooLarge { size: stat.size, limit });
    }
    not_sparse(stat.size, stat.allocated)
}

fn not_sparse(size: u64, allocated: u64) -> Result<(), Unmeasured> {
    let sparse = size > SPARSE_FROM && allocated.saturating_mul(SPARSE_SHARE) < size;
    if sparse { Err(Unmeasured::Sparse { size, allocated }) } else { Ok(()) }
}

/// An error of the file system as evidence says it.
#[must_use]
pub fn unmeasured(error: FileError) -> Unmeasured {
    match error {
        FileError::NotAFile(_, kind) => Unmeasured::NotAFile(kind),
        FileError::TooLarge { size, limit, .. } => Unmeasured::TooLarge { size, limit },
        FileError::TooMany(_) => Unmeasured::TooMany(MAX_ENTRIES),
        FileError::NotFound(path) => Unmeasured::Io(format!("`{}` does not exist", printable_path(&path))),
        FileError::Io { path, source, .. } => Unmeasured::Io(format!("`{}`: {source}", printable_path(&path))),
    }
}
