//! The repository: what is staged, what a range changed, the bytes of a file as git holds them.
//!
//! The only place that names gix. A repository is opened so that nothing in it, and nothing in the user's configuration, can
//! name a program, a filter or a host: objects are read as they are stored. Replacement refs are ignored, because what is
//! committed and pushed is the object itself. What cannot be read is an error, never an empty answer.

mod compare;
mod history;
mod loose;
mod objects;

pub use history::{Among, Commit, Commits, MAX_COMMITS};

use super::env::Env;
use super::files::Files;
use super::index::{CacheTree, Entries, IndexError, RawEntry, Skim};
use compare::{Comparison, WalkError, id_of, is_tree};
use gix::bstr::ByteSlice as _;
use gix::prelude::FindExt as _;
use gix::{ObjectId, objs};
use loose::Loose;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The deepest folder that is looked into; git's own limit is 2,048, and no system has paths that need this one.
const MAX_DEPTH: usize = 1024;
/// The most files and folders one comparison may meet: a few trees that name each other can hold more paths than a disk has
/// atoms.
const MAX_VISITED: usize = 5_000_000;
/// Bytes of unpacked objects that are kept.
const OBJECT_CACHE: usize = 4 << 20;

/// A repository, opened for reading.
pub struct Repository {
    inner: gix::Repository,
    /// Further stores of objects: what a push brought and git keeps apart until its hooks have agreed.
    elsewhere: Vec<gix::odb::Handle>,
    /// The same objects without the cache of unpacked ones: each file is read once, and a thousand of them would push all else out.
    files: gix::OdbHandle,
    /// The reader of objects that no pack holds, and whether the last file was one of those: then the next one likely is.
    loose: RefCell<Loose>,
    is_loose: Cell<bool>,
    work_tree: Option<PathBuf>,
    index: PathBuf,
    /// Whether the environment named the index.
    index_is_named: bool,
    /// What is staged, once somebody asked: an index of many files is stepped through once, and every answer is about the same one.
    staged: OnceCell<Vec<Change>>,
}

/// The id of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(ObjectId);

/// What an entry of an index or a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A file, or an executable one.
    File {
        /// Whether it is executable.
        executable: bool,
    },
    /// A symbolic link; the blob is its target.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// A file as an index or a tree has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Relative to the root of the repository.
    pub path: PathBuf,
    /// Its content.
    pub id: BlobId,
    /// What it is.
    pub mode: Mode,
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content or its executable bit changed.
    Modified,
    /// It became another kind of thing.
    TypeChanged,
    /// It is gone.
    Deleted,
    /// It is in conflict; one change for each stage.
    Unmerged,
}

/// One path that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the root of the repository.
    pub path: PathBuf,
    /// What happened.
    pub kind: ChangeKind,
    /// What is there now; none where it was deleted.
    pub after: Option<(BlobId, Mode)>,
}

/// Which state of the files is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshot {
    /// The index: what the next commit holds.
    Index,
    /// The tree of a commit, as named by the user.
    Commit(String),
}

/// Which files a hooks folder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HooksFolder {
    /// The folder git runs hooks from.
    pub path: PathBuf,
    /// The value of `core.hooksPath` and the file that sets it, where it is set.
    pub configured: Option<(String, Option<PathBuf>)>,
}

/// Why a repository could not be read.
#[derive(Debug, Error)]
pub enum GitError {
    /// It could not be opened.
    #[error("cannot open the repository at `{}`: {why}", crate::text::printable_path(.path))]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is stored in a way this program cannot read.
    #[error("the repository {0}, which this version cannot read")]
    Unsupported(String),
    /// Its index could not be read.
    #[error("cannot read the index `{}`: {why}", crate::text::printable_path(.path))]
    Index {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A name that leads to no commit.
    #[error("`{}` names no commit of this repository: {why}", crate::text::printable(.name))]
    Revision {
        /// As given.
        name: String,
        /// Why.
        why: String,
    },
    /// An object is missing or damaged.
    #[error("cannot read the object {id}: {why}")]
    Object {
        /// Which.
        id: String,
        /// Why.
        why: String,
    },
    /// A blob is larger than it may be.
    #[error("the object {id} has {size} bytes; at most {limit} are read")]
    TooLarge {
        /// Which.
        id: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A tree is deeper or larger than any real one.
    #[error("the repository has {0}")]
    TooMuch(String),
    /// A path that this system has no words for.
    #[error("the path `{}` cannot be written on this system", crate::text::printable(.0))]
    Path(String),
}

impl Repository {
    /// The repository that git commands in the folder `from` would use: `GIT_DIR` where it is set, else the first repository in
    /// `from` or above it. `GIT_WORK_TREE` and `GIT_INDEX_FILE` are honoured as git does.
    ///
    /// Git stops looking upwards at `GIT_CEILING_DIRECTORIES` and at the edge of a file system. This does not: finding a
    /// repository that git would not see asks more, never less.
    ///
    /// # Errors
    /// [`GitError`] when there is a repository and it cannot be opened. No repository is `None`.
    pub fn discover(env: &Env, from: &Path) -> Result<Option<Self>, GitError> {
        let here = env.current_dir();
        if let Some(git_dir) = env.get("GIT_DIR") {
            let git_dir = here.join(git_dir);
            let mut repository = Self::open(&git_dir, isolated().open_path_as_is(true))?;
            // Git takes the working directory for the work tree of a GIT_DIR that knows no other.
            if let Some(work_tree) = env.get("GIT_WORK_TREE") {
                repository.work_tree = Some(here.join(work_tree));
            } else if repository.work_tree.is_none() && !repository.inner.is_bare() {
                repository.work_tree = Some(here.to_owned());
            }
            repository.name_index(env);
            repository.look_elsewhere(env)?;
            return Ok(Some(repository));
        }
        let mut found = Self::discover_from(from)?;
        if let Some(repository) = &mut found {
            repository.name_index(env);
            repository.look_elsewhere(env)?;
        }
        Ok(found)
    }

    /// The first repository in a folder or above it, whatever the environment says.
    ///
    /// # Errors
    /// As [`Repository::discover`].
    pub fn discover_from(from: &Path) -> Result<Option<Self>, GitError> {
        Ok(match upwards(from)? {
            Some(path) => Some(Self::open(&path, isolated())?),
            None => None,
        })
    }

    fn open(path: &Path, options: gix::open::Options) -> Result<Self, GitError> {
        let mut inner = gix::open_opts(path, options).map_err(|e| open_error(path, &e))?;
        if let Some(storage) = inner.config_snapshot().string("extensions.refStorage")
            && storage != "files"
        {
            return Err(GitError::Unsupported(format!(
                "keeps its references as `{}`",
                crate::text::printable(&storage.to_str_lossy())
            )));
        }
        // Trees that stand in many places are unpacked once.
        inner.object_cache_size_if_unset(OBJECT_CACHE);
        let work_tree = inner.workdir().map(Path::to_owned);
        let index = inner.git_dir().join("index");
        let loose = RefCell::new(Loose::of(inner.common_dir().join("objects")));
        let is_loose = Cell::new(false);
        let mut files = inner.objects.clone();
        files.unset_object_cache();
        Ok(Self {
            inner,
            files,
            elsewhere: Vec::new(),
            loose,
            is_loose,
            work_tree,
            index,
            index_is_named: false,
            staged: OnceCell::new(),
        })
    }

    fn name_index(&mut self, env: &Env) {
        if let Some(index) = env.get("GIT_INDEX_FILE") {
            // Git changes to the top of the work tree before it opens the index.
            self.index = self.work_tree.as_deref().unwrap_or(env.current_dir()).join(index);
            self.index_is_named = true;
        }
    }

    /// The folder the files are checked out in; none for a bare repository.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// The repository's own folder; that of the worktree where it is a linked one.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        self.inner.git_dir()
    }

    /// The folder shared by all worktrees.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        self.inner.common_dir()
    }

    /// The index file in force.
    #[must_use]
    pub fn index_path(&self) -> &Path {
        &self.index
    }

    /// What the index holds that the commit at HEAD does not: what `git diff --cached --no-renames` lists, in its order. Without
    /// a commit, everything. A path in conflict is listed once for each stage. Only paths for which `wanted` answers yes.
    ///
    /// # Errors
    /// [`GitError`] when the index, HEAD or a tree cannot be read.
    pub fn staged(&self, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Change>, GitError> {
        if self.staged.get().is_none() {
            // Nobody else sets it: a value is of one thread.
            let _ = self.staged.set(self.compare_index(&|_| true)?);
        }
        Ok(self.staged.get().into_iter().flatten().filter(|change| wanted(&change.path)).cloned().collect())
    }

    /// The file of this name at the top of the commit at HEAD.
    ///
    /// # Errors
    /// [`GitError`] when HEAD or its tree cannot be read.
    pub fn head_file(&self, name: &str) -> Result<Option<BlobId>, GitError> {
        let Some(head) = self.head_tree()? else { return Ok(None) };
        let wrong = |e: &dyn std::error::Error| GitError::Object { id: head.to_string(), why: e.to_string() };
        let tree = self.object(head, objs::Kind::Tree)?;
        let tree = objs::TreeRef::from_bytes(&tree, head.kind()).map_err(|e| wrong(&e))?;
        let entry = tree.entries.iter().find(|entry| entry.filename == name);
        Ok(entry.filter(|entry| entry.mode.is_blob()).map(|entry| BlobId(entry.oid.to_owned())))
    }

    fn compare_index(&self, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Change>, GitError> {
        let head = self.head_tree()?;
        match self.skim() {
            Ok(Some(mut skim)) => {
                let cache = skim.take_tree();
                let mut comparison = Comparison::new(self, wanted);
                match comparison.index_below(&mut Vec::new(), head, (&cache, cache.root()), &mut skim, 0) {
                    Ok(()) => return Ok(comparison.changes),
                    Err(WalkError::Git(error)) => return Err(error),
                    // The whole decoder has the last word, and the better message.
                    Err(WalkError::Index(_)) => {}
                }
            }
            Ok(None) => {
                let mut comparison = Comparison::new(self, wanted);
                comparison.trees(&mut Vec::new(), head, None, 0)?;
                return Ok(comparison.changes);
            }
            Err(IndexError::NotForSkimming(_) | IndexError::Damaged(_)) => {}
            Err(IndexError::Io(error)) => return Err(self.index_error(&error)),
        }
        let decoded = self.decode_index()?;
        let cache = CacheTree::default();
        let mut comparison = Comparison::new(self, wanted);
        match comparison.index_below(&mut Vec::new(), head, (&cache, None), &mut Decoded { file: &decoded, position: 0 }, 0) {
            Ok(()) => Ok(comparison.changes),
            Err(WalkError::Git(error)) => Err(error),
            Err(WalkError::Index(error)) => Err(self.index_error(&error)),
        }
    }

    /// The files of the index, or of a commit's tree, for which `wanted` answers yes; in conflict, one for each stage.
    ///
    /// # Errors
    /// [`GitError`] when the index or a tree cannot be read.
    pub fn files(&self, snapshot: &Snapshot, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Entry>, GitError> {
        match snapshot {
            Snapshot::Commit(name) => Ok(Comparison::of_tree(self, wanted, b"", self.tree_of(name)?)?.collect()),
            Snapshot::Index => match self.skim() {
                Ok(Some(mut skim)) => match self.list(&mut skim, wanted) {
                    Ok(entries) => Ok(entries),
                    Err(WalkError::Git(error)) => Err(error),
                    Err(WalkError::Index(_)) => self.list_decoded(wanted),
                },
                Ok(None) => Ok(Vec::new()),
                Err(IndexError::NotForSkimming(_) | IndexError::Damaged(_)) => self.list_decoded(wanted),
                Err(IndexError::Io(error)) => Err(self.index_error(&error)),
            },
        }
    }

    /// What lies between the trees of two commits, as `git diff --no-renames BASE HEAD` lists it. A base of zeros, as a push of
    /// a new branch has it, stands for nothing: everything in the head's tree is new.
    ///
    /// # Errors
    /// [`GitError::Revision`] when a name leads nowhere, as in a shallow clone; else when a tree cannot be read.
    pub fn changed_between(&self, base: &str, head: &str, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Change>, GitError> {
        let (base, head) = (self.tree_of(base)?, self.tree_of(head)?);
        let mut comparison = Comparison::new(self, wanted);
        comparison.trees(&mut Vec::new(), base, head, 0)?;
        Ok(comparison.changes)
    }

    /// The bytes of a blob of at most `limit` bytes, as they are stored: no filter, no conversion.
    ///
    /// # Errors
    /// [`GitError`] when it is missing, damaged, no blob or too large; the size is known before anything is unpacked.
    pub fn blob(&self, id: BlobId, limit: u64) -> Result<Vec<u8>, GitError> {
        if self.is_loose.get()
            && let Some(bytes) = self.loose.borrow_mut().blob(id.0, limit)
        {
            return Ok(bytes);
        }
        let (kind, size) = self.header(id.0)?;
        if kind != objs::Kind::Blob {
            return Err(GitError::Object { id: id.to_string(), why: format!("it is a {kind}, not a file") });
        }
        if size > limit {
            return Err(GitError::TooLarge { id: id.to_string(), size, limit });
        }
        let mut bytes = Vec::new();
        match self.files.find(&id.0, &mut bytes).map(|object| object.kind) {
            Ok(objs::Kind::Blob) => Ok(bytes),
            // It lies elsewhere, or there is something wrong with it.
            _ => self.object(id.0, objs::Kind::Blob),
        }
    }

    /// The address that the repository's own configuration gives the remote `origin`; none where it gives several. Rewriting rules
    /// and the configuration of the user, the system and the environment are not asked: they say how something is fetched, not
    /// which repository this is.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let config = self.inner.config_snapshot();
        let urls = config.plumbing().strings("remote.origin.url")?;
        match urls.as_slice() {
            [url] => url.to_str().ok().map(str::to_owned),
            _ => None,
        }
    }

    /// The folder git runs this repository's hooks from, by the configuration git itself would read: the system's, the user's,
    /// the repository's and the environment's. Reading it runs nothing.
    ///
    /// # Errors
    /// [`GitError`] when the configuration cannot be read.
    pub fn hooks_folder(&self, env: &Env) -> Result<HooksFolder, GitError> {
        let options =
            gix::open::Options::default().with(gix::sec::Trust::Full).open_path_as_is(true).permissions(gix::open::Permissions {
                attributes: gix::open::permissions::Attributes::isolated(),
                ..Default::default()
            });
        let configured = gix::open_opts(self.git_dir(), options).map_err(|e| open_error(self.git_dir(), &e))?;
        let config = configured.config_snapshot();
        let Ok((value, section)) = config.plumbing().raw_value_with_section("core.hooksPath") else {
            return Ok(HooksFolder { path: self.common_dir().join("hooks"), configured: None });
        };
        let text = value.to_str_lossy().into_owned();
        let source = section.meta().path.clone();
        let path = path_of(&value)?;
        let path = match path.strip_prefix("~") {
            Ok(rest) => env.home().map(|home| home.join(rest)).unwrap_or(path),
            // Hooks run at the top of the work tree, in a bare repository in the repository itself.
            Err(_) => self.work_tree().unwrap_or(self.git_dir()).join(path),
        };
        Ok(HooksFolder { path, configured: Some((text, source)) })
    }

    /// The tree of the commit at HEAD; none before the first commit.
    fn head_tree(&self) -> Result<Option<ObjectId>, GitError> {
        let wrong = |e: &gix::Error| GitError::Revision { name: "HEAD".to_owned(), why: said(e) };
        let mut head = self.inner.head().map_err(|e| wrong(&e))?;
        if head.is_unborn() {
            return Ok(None);
        }
        let commit = head.peel_to_commit().map_err(|e| wrong(&e))?.id;
        self.tree_below(commit).map(Some)
    }

    fn tree_of(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        if name.len() >= 40 && name.bytes().all(|b| b == b'0') {
            return Ok(None);
        }
        let id = self.named(name)?;
        self.tree_below(id).map(Some).map_err(|error| GitError::Revision { name: name.to_owned(), why: error.to_string() })
    }

    /// The index for stepping through; none where git too would take a missing file for an empty index.
    fn skim(&self) -> Result<Option<Skim>, IndexError> {
        if self.inner.object_hash() != gix::hash::Kind::Sha1 {
            return Err(IndexError::NotForSkimming("its objects are not named by SHA-1"));
        }
        match Files.open(&self.index) {
            Ok((file, stat)) => Skim::open(file, stat.size).map(Some),
            Err(error) if error.is_not_found() && !self.index_is_named => Ok(None),
            Err(error) => Err(IndexError::Io(std::io::Error::other(error.to_string()))),
        }
    }

    fn decode_index(&self) -> Result<gix::index::File, GitError> {
        gix::index::File::at(&self.index, self.inner.object_hash(), false, gix::index::decode::Options::default())
            .map_err(|e| self.index_error(&said(&e)))
    }

    fn index_error(&self, why: &dyn fmt::Display) -> GitError {
        GitError::Index { path: self.index.clone(), why: why.to_string() }
    }

    fn list_decoded(&self, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Entry>, GitError> {
        let file = self.decode_index()?;
        match self.list(&mut Decoded { file: &file, position: 0 }, wanted) {
            Ok(entries) => Ok(entries),
            Err(WalkError::Git(error)) => Err(error),
            Err(WalkError::Index(error)) => Err(self.index_error(&error)),
        }
    }

    fn list(&self, entries: &mut dyn Entries, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Entry>, WalkError> {
        let mut found = Vec::new();
        while let Some(entry) = entries.current()? {
            if is_tree(entry.mode) {
                found.extend(Comparison::of_tree(self, wanted, entry.path, Some(id_of(entry.id)?))?);
            } else if !entry.intent_to_add {
                let path = path_of(entry.path)?;
                if wanted(&path) {
                    found.push(Entry { path, id: BlobId(id_of(entry.id)?), mode: Mode::of(entry.mode) });
                }
            }
            entries.advance(1)?;
        }
        Ok(found)
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("git_dir", &self.git_dir()).field("index", &self.index).finish_non_exhaustive()
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Mode {
    fn of(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o120_000 => Self::Link,
            0o160_000 => Self::Submodule,
            _ => Self::File { executable: mode & 0o100 != 0 },
        }
    }

    fn is_same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// An index that gix decoded whole.
struct Decoded<'a> {
    file: &'a gix::index::File,
    position: usize,
}

impl Entries for Decoded<'_> {
    fn current(&mut self) -> Result<Option<RawEntry<'_>>, IndexError> {
        let Some(entry) = self.file.entries().get(self.position) else { return Ok(None) };
        Ok(Some(RawEntry {
            path: entry.path(self.file),
            id: entry.id.as_slice(),
            mode: entry.mode.bits(),
            stage: u8::try_from(entry.stage_raw()).unwrap_or(0),
            intent_to_add: entry.flags.contains(gix::index::entry::Flags::INTENT_TO_ADD),
        }))
    }

    fn advance(&mut self, count: u32) -> Result<(), IndexError> {
        self.position = self.position.saturating_add(count as usize);
        Ok(())
    }
}

/// Nothing but the repository's own configuration, nothing from the environment, no replaced objects.
fn isolated() -> gix::open::Options {
    // Trust decides only whether the repository's own `core` section is read; programs named there are never asked for.
    gix::open::Options::isolated().with(gix::sec::Trust::Full).config_overrides(["core.useReplaceRefs=false"])
}

fn upwards(from: &Path) -> Result<Option<PathBuf>, GitError> {
    use gix::discover::upwards::{Error, Options, TrustPolicy};
    let options = Options { trust: TrustPolicy::Assume(gix::sec::Trust::Full), cross_fs: true, ..Options::default() };
    match gix::discover::upwards_opts(from, options) {
        Ok((gix::discover::repository::Path::WorkTree(path), _)) => Ok(Some(path)),
        Ok((found, _)) => Ok(Some(found.into_repository_and_work_tree_directories().0)),
        Err(error) if matches!(error.downcast_any_ref::<Error>(), Some(Error::NoGitRepository { .. })) => Ok(None),
        Err(error) => Err(open_error(from, &error)),
    }
}

fn open_error(path: &Path, error: &gix::Error) -> GitError {
    GitError::Open { path: path.to_owned(), why: said(error) }
}

/// What gix says, with the cause it takes for the likely one.
fn said(error: &gix::Error) -> String {
    let (outer, cause) = (error.to_string(), error.probable_cause().to_string());
    if outer == cause { outer } else { format!("{outer}: {cause}") }
}

fn path_of(bytes: &[u8]) -> Result<PathBuf, GitError> {
    gix::path::from_byte_slice(bytes).map(Path::to_owned).map_err(|_| GitError::Path(String::from_utf8_lossy(bytes).into_owned()))
}
