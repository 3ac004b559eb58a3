//! The file system, for reading what strangers put there.
//!
//! Reading never blocks on a FIFO or a device, never follows a promise about size, and never runs anything. Writing is atomic:
//! a file is either the old one or the new one.
#![expect(clippy::disallowed_methods, reason = "this is the one place that touches the file system")]

mod stat;

#[cfg(unix)]
pub(super) use stat::is_folder;
pub use stat::{FileStat, StatKey};

use super::journal::{Answer, Journal, Question};
use crate::digest::{Digest, HashReader};
use stat::stat_of;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thiserror::Error;

/// The most entries of one folder that are read.
pub const MAX_ENTRIES: usize = 200_000;
/// How much of a file is read at once to be digested, in bytes.
const PIECE: usize = 128 * 1024;

/// The file system. A value, so that a function that has none of it visibly touches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// Who may listen to what is asked.
    journal: Option<&'static Journal>,
}

/// The file system, to which nobody listens.
#[expect(non_upper_case_globals, reason = "it is the one value that most code needs, and reads like the type")]
pub const Files: Files = Files { journal: None };

/// A file held for this process, until this value goes.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, not followed.
    Link,
    /// A FIFO, socket or device, by its name.
    Other(&'static str),
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, as bytes of the system.
    pub name: OsString,
    /// What it is; links are not followed.
    pub kind: EntryKind,
}

/// Why a file was not read.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is not there.
    #[error("`{}` does not exist", crate::text::printable_path(.0))]
    NotFound(PathBuf),
    /// It is there and no regular file.
    #[error("`{path}` is {found}, not a regular file", path = crate::text::printable_path(.0), found = .1)]
    NotAFile(PathBuf, &'static str),
    /// It is larger than it may be.
    #[error("`{}` has {size} bytes; at most {limit} are read", crate::text::printable_path(.path))]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A folder has too many names.
    #[error("`{}` has more than {MAX_ENTRIES} entries", crate::text::printable_path(.0))]
    TooMany(PathBuf),
    /// The system refused.
    #[error("cannot {action} `{}`: {source}", crate::text::printable_path(.path))]
    Io {
        /// What was tried: `read`, `list`, `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileError {
    fn of(action: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::NotFound(path.to_owned())
        } else {
            Self::Io { action, path: path.to_owned(), source }
        }
    }

    /// Whether nothing is there, as opposed to something that cannot be read.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            // A file where a folder was expected: what is asked for cannot exist below it.
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotADirectory,
            _ => false,
        }
    }
}

impl Files {
    /// The file system with somebody who may listen.
    pub(super) fn heard_by(journal: &'static Journal) -> Self {
        Self { journal: Some(journal) }
    }

    /// Who may listen.
    pub(super) fn journal(self) -> Option<&'static Journal> {
        self.journal
    }

    /// Let whoever listens know what was asked and what came of it.
    fn note<T>(
        self,
        path: &Path,
        question: Question,
        result: Result<T, FileError>,
        answer: impl FnOnce(&T) -> Answer<'_>,
    ) -> Result<T, FileError> {
        if let Some(journal) = self.journal {
            let answer = match &result {
                Ok(found) => answer(found),
                Err(error) if error.is_not_found() => Answer::Absent,
                Err(_) => Answer::Refused,
            };
            journal.path(path, question, answer);
        }
        result
    }

    /// Let whoever listens know that the content of a file matters which is known already, and need not be opened for it.
    pub fn know(&self, path: &Path, key: StatKey) {
        if let Some(journal) = self.journal {
            journal.path(path, Question::Opened, Answer::Key(key));
        }
    }

    /// What stands at a path, links followed.
    ///
    /// # Errors
    /// [`FileError::NotFound`] also for a dangling link; [`FileError::Io`] for a loop of links.
    pub fn stat(&self, path: &Path) -> Result<FileStat, FileError> {
        let stat = std::fs::metadata(path).map(|m| stat_of(&m)).map_err(|e| FileError::of("look at", path, e));
        self.note(path, Question::Followed, stat, |stat| Answer::Key(stat.key))
    }

    /// What stands at a path, a link not followed.
    ///
    /// # Errors
    /// [`FileError`] when nothing is there or the system refuses.
    pub fn lstat(&self, path: &Path) -> Result<FileStat, FileError> {
        let stat = std::fs::symlink_metadata(path).map(|m| stat_of(&m)).map_err(|e| FileError::of("look at", path, e));
        self.note(path, Question::Itself, stat, |stat| Answer::Key(stat.key))
    }

    /// What an open file is now; `path` is for the message alone.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn stat_open(&self, file: &File, path: &Path) -> Result<FileStat, FileError> {
        file.metadata().map(|m| stat_of(&m)).map_err(|e| FileError::of("look at", path, e))
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// [`FileError`] when it is no folder, cannot be read, or has more than [`MAX_ENTRIES`] names.
    pub fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        // Before the names: what comes later makes it another key.
        let key = match self.journal.filter(|journal| journal.is_open()) {
            Some(_) => std::fs::metadata(folder).ok().map(|m| stat_of(&m).key),
            None => None,
        };
        self.note(folder, Question::Names, names_in(folder), |_| key.map_or(Answer::Refused, Answer::Key))
    }

    /// Where a link points, as written.
    ///
    /// # Errors
    /// [`FileError`] when it is no link.
    pub fn read_link(&self, path: &Path) -> Result<PathBuf, FileError> {
        let target = std::fs::read_link(path).map_err(|e| FileError::of("read the link", path, e));
        self.note(path, Question::Itself, target, |target| Answer::Path(target))
    }

    /// The path without links.
    ///
    /// # Errors
    /// [`FileError`] when something on the way is missing or loops.
    pub fn canonical(&self, path: &Path) -> Result<PathBuf, FileError> {
        let real = std::fs::canonicalize(path).map_err(|e| FileError::of("resolve", path, e));
        self.note(path, Question::Followed, real, |real| Answer::Path(real))
    }

    /// Open a regular file for reading. A FIFO or device is refused without waiting for it.
    ///
    /// # Errors
    /// [`FileError`]; what was opened is what was looked at, so nothing can be swapped in between.
    pub fn open(&self, path: &Path) -> Result<(File, FileStat), FileError> {
        self.note(path, Question::Opened, open(path), |(_, stat)| Answer::Key(stat.key))
    }

    /// The whole content of a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] when it is larger or grows while it is read; else as [`Files::open`].
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
        let (file, stat) = self.open(path)?;
        let too_large = |size| FileError::TooLarge { path: path.to_owned(), size, limit };
        if stat.size > limit {
            return Err(too_large(stat.size));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| FileError::of("read", path, e))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// The SHA-256 of a regular file of at most `limit` bytes and its length, without holding more of it than a piece: memory that a
    /// process has not touched before costs more than the digest.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn sha256(&self, path: &Path, limit: u64) -> Result<(Digest, u64), FileError> {
        let (file, stat) = self.open(path)?;
        let too_large = |size| FileError::TooLarge { path: path.to_owned(), size, limit };
        if stat.size > limit {
            return Err(too_large(stat.size));
        }
        let mut reader = HashReader::new(file.take(limit + 1), false);
        let mut pieces = BufReader::with_capacity(PIECE, &mut reader);
        io::copy(&mut pieces, &mut io::sink()).map_err(|e| FileError::of("read", path, e))?;
        let (digest, length) = reader.finish_sha256();
        if length > limit { Err(too_large(length)) } else { Ok((digest, length)) }
    }

    /// Write a file so that a reader, or a crash, sees the old content or the new, never a part. On Unix the file gets `mode`.
    ///
    /// # Errors
    /// [`FileError::Io`]; the old file is then untouched.
    pub fn write_atomic(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
        let wrap = |e| FileError::Io { action: "write", path: path.to_owned(), source: e };
        let temporary = beside(path, bytes, mode).map_err(wrap)?;
        temporary.as_file().sync_all().map_err(wrap)?;
        temporary.persist(path).map_err(|e| wrap(e.error))?;
        // The rename itself is durable only once the folder is.
        if let Some(folder) = path.parent() {
            self.sync_folder(folder);
        }
        Ok(())
    }

    /// [`Files::write_atomic`] without waiting for the disk: after a crash of the machine the file may be empty or torn. For what says
    /// itself that it is whole and can be made again.
    ///
    /// # Errors
    /// [`FileError::Io`]; the old file is then untouched.
    pub fn write_for_a_while(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
        let wrap = |e| FileError::Io { action: "write", path: path.to_owned(), source: e };
        beside(path, bytes, mode).map_err(wrap)?.persist(path).map_err(|e| wrap(e.error))?;
        Ok(())
    }

    /// Add to the end of a file, which is made where there is none.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        let wrap = |e| FileError::Io { action: "write", path: path.to_owned(), source: e };
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).map_err(wrap)?;
        file.write_all(bytes).map_err(wrap)
    }

    /// Make a folder and those above it.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn create_folder(&self, path: &Path) -> Result<(), FileError> {
        std::fs::create_dir_all(path).map_err(|e| FileError::Io { action: "make the folder", path: path.to_owned(), source: e })
    }

    /// Make a folder and those above it; the new ones are for this user alone (0700) where the system has modes.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn create_private_folder(&self, path: &Path) -> Result<(), FileError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(path).map_err(|e| FileError::Io { action: "make the folder", path: path.to_owned(), source: e })
    }

    /// Hold a file for this process alone, made where there is none. The system lets go when the process ends, however it ends.
    /// A file system that has no locks gives one that holds nothing.
    ///
    /// # Errors
    /// [`FileError::Io`] when it cannot be opened, or another process holds it for longer than `wait`.
    pub fn lock(&self, path: &Path, wait: Duration) -> Result<FileLock, FileError> {
        let wrap = |e| FileError::Io { action: "lock", path: path.to_owned(), source: e };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
            options.custom_flags(flags.bits().cast_signed()).mode(0o600);
        }
        let file = options.open(path).map_err(wrap)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < wait => std::thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::WouldBlock) => {
                    return Err(wrap(io::Error::new(io::ErrorKind::WouldBlock, "another process holds it")));
                }
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(wrap(error)),
            }
        }
        Ok(FileLock { _file: file })
    }

    /// Give a file another name in the same file system, as it is: content, mode, a link as a link. What has that name is
    /// replaced.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        std::fs::rename(from, to).map_err(|e| FileError::of("rename", from, e))
    }

    /// Make a folder that everybody may read (0755 where the system has modes), whatever the umask; one that is there stays.
    ///
    /// # Errors
    /// [`FileError`]. What is there and no folder is an error.
    pub fn create_shared_folder(&self, path: &Path) -> Result<(), FileError> {
        let wrap = |e| FileError::Io { action: "make the folder", path: path.to_owned(), source: e };
        match std::fs::create_dir(path) {
            Ok(()) => {}
            Err(_) if self.lstat(path).is_ok_and(|stat| stat.kind == EntryKind::Folder) => return Ok(()),
            Err(error) => return Err(wrap(error)),
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).map_err(wrap)?;
        }
        Ok(())
    }

    /// A second name for a file that nobody changes any more; a copy where the file system has no second names.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn link_or_copy(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        let wrap = |e| FileError::of("copy", from, e);
        if self.lstat(from)?.kind == EntryKind::File && std::fs::hard_link(from, to).is_ok() {
            return Ok(());
        }
        std::fs::copy(from, to).map_err(wrap)?;
        File::open(to).and_then(|file| file.sync_all()).map_err(wrap)
    }

    /// An empty folder for this user alone, which goes away with the value.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn scratch_folder(&self) -> Result<tempfile::TempDir, FileError> {
        let wrap = |e| FileError::Io { action: "make a folder in", path: std::env::temp_dir(), source: e };
        tempfile::Builder::new().prefix("vetted-").tempdir().map_err(wrap)
    }

    /// An empty file without a name in a folder, which is made for this user alone where it is not there; without a folder in that of
    /// the system. Its bytes go away with the value, however the run ends.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn nameless(&self, folder: Option<&Path>) -> Result<File, FileError> {
        if let Some(folder) = folder {
            self.create_private_folder(folder)?;
        }
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        tempfile::tempfile_in(&folder).map_err(|source| FileError::Io { action: "make a file in", path: folder, source })
    }

    /// Remove a folder with everything in it; links in it are removed, not followed. One that is not there is removed already.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove_folder(&self, path: &Path) -> Result<(), FileError> {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path, error)),
            _ => Ok(()),
        }
    }

    /// Make the names in a folder durable, as far as the system can.
    pub fn sync_folder(&self, path: &Path) {
        if let Ok(folder) = File::open(path) {
            let _ = folder.sync_all();
        }
    }

    /// [`Files::sync_folder`] for a folder and those below it.
    ///
    /// # Errors
    /// [`FileError`] when one cannot be listed.
    pub fn sync_folders_below(&self, path: &Path) -> Result<(), FileError> {
        let mut rest = vec![path.to_owned()];
        while let Some(folder) = rest.pop() {
            let below = self.list(&folder)?.into_iter().filter(|entry| entry.kind == EntryKind::Folder);
            rest.extend(below.map(|entry| folder.join(entry.name)));
            self.sync_folder(&folder);
        }
        Ok(())
    }

    /// Whether this user may make files in a folder, as far as the system tells without trying.
    #[must_use]
    pub fn may_write_in(&self, folder: &Path) -> bool {
        #[cfg(unix)]
        return rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok();
        #[cfg(not(unix))]
        return std::fs::metadata(folder).is_ok_and(|m| m.is_dir() && !m.permissions().readonly());
    }

    /// Remove a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove(&self, path: &Path) -> Result<(), FileError> {
        std::fs::remove_file(path).map_err(|e| FileError::of("remove", path, e))
    }
}

/// A new file with this content beside another one, which goes away unless it takes its place.
fn beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".vetted-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask took bits away when the file was made; the mode asked for is the mode given.
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    Ok(temporary)
}

fn open(path: &Path) -> Result<(File, FileStat), FileError> {
    let wrap = |e| FileError::of("read", path, e);
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Without O_NONBLOCK an open of a FIFO waits for a writer for ever.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path).map_err(wrap)?;
    let stat = stat_of(&file.metadata().map_err(wrap)?);
    match stat.kind {
        EntryKind::File => Ok((file, stat)),
        EntryKind::Folder => Err(FileError::NotAFile(path.to_owned(), "a folder")),
        EntryKind::Link => Err(FileError::NotAFile(path.to_owned(), "a link")),
        EntryKind::Other(name) => Err(FileError::NotAFile(path.to_owned(), name)),
    }
}

fn names_in(folder: &Path) -> Result<Vec<Entry>, FileError> {
    let wrap = |e| FileError::of("list", folder, e);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrap)? {
        let entry = entry.map_err(wrap)?;
        if entries.len() == MAX_ENTRIES {
            return Err(FileError::TooMany(folder.to_owned()));
        }
        let kind = entry.file_type().map(kind_of).map_err(wrap)?;
        entries.push(Entry { name: entry.file_name(), kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn kind_of(kind: std::fs::FileType) -> EntryKind {
    if kind.is_file() {
        return EntryKind::File;
    }
    if kind.is_dir() {
        return EntryKind::Folder;
    }
    if kind.is_symlink() {
        return EntryKind::Link;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return EntryKind::Other("a FIFO");
        }
        if kind.is_socket() {
            return EntryKind::Other("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return EntryKind::Other("a device");
        }
    }
    EntryKind::Other("a special file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_replaces_whole_files_with_the_mode_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        Files.write_atomic(&path, b"one", 0o600).unwrap();
        Files.write_atomic(&path, b"two", 0o644).unwrap();
        assert_eq!(Files.read(&path, 3).unwrap(), b"two");
        #[cfg(unix)]
        assert_eq!(Files.stat(&path).unwrap().mode, 0o644);
        assert_eq!(Files.list(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn what_is_too_large_or_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(Files.read(&path, 1024), Err(FileError::TooLarge { size, .. }) if size == 1 << 40));
        assert!(matches!(Files.read(folder.path(), 1024), Err(FileError::NotAFile(_, "a folder"))));
        assert!(Files.read(&folder.path().join("none"), 1).unwrap_err().is_not_found());
        assert!(Files.read(&path.join("below a file"), 1).unwrap_err().is_not_found());
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_does_not_stop_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        assert!(matches!(Files.open(&path), Err(FileError::NotAFile(_, "a FIFO"))));
    }
}
