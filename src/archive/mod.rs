//! Archives of strangers, read entry by entry: what comes out is named, bounded and never leaves its place.
//!
//! Nothing is unpacked to a disk. Each file is digested while it passes and forgotten, but for the few small ones that the caller
//! asks to keep, so that memory depends on the number of entries and never on their size (threats T-15, T-16). Two readers of one
//! archive must not see two different things: whatever one unpacker could take in another way than the next (a name twice, a hidden
//! entry, a length that two headers state differently) is refused with the reason and the entry.

mod content;
mod gzip;
mod names;
mod refusal;
mod tape;
mod zipped;

pub use refusal::{ArchiveRefusal, Reason};

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tar archive in one or more gzip members: npm packages, source distributions, most releases.
    TarGz,
    /// A zip archive: wheels, VS Code extensions, jars.
    Zip,
}

impl Kind {
    /// The form that the first bytes of a file show. A name says nothing: whoever made the file chose it.
    #[must_use]
    pub fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }

    /// [`Kind::of`] a file, which is read from its beginning and set back to it.
    ///
    /// # Errors
    /// [`Reason::NotAnArchive`] when it begins as neither, [`Reason::Unreadable`] when it cannot be read.
    pub fn tell(mut file: impl Read + Seek) -> Result<Self, ArchiveRefusal> {
        let mut start = Vec::with_capacity(4);
        file.seek(SeekFrom::Start(0))?;
        file.by_ref().take(4).read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        Self::of(&start).ok_or_else(|| Reason::NotAnArchive.into())
    }
}

/// How much an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files, links and folders together, those folders too that only the names of files speak of.
    pub entries: usize,
    /// Bytes of one file, unpacked.
    pub file: u64,
    /// Bytes of all files, unpacked.
    pub total: u64,
    /// How many times larger than its packed form content may be.
    pub ratio: u64,
    /// Up to so many bytes unpacked no ratio is asked for: a short file of one letter is no bomb.
    pub ratio_from: u64,
    /// Bytes of one name.
    pub name: usize,
    /// Bytes of all names.
    pub names: usize,
    /// Levels of folders.
    pub depth: usize,
    /// Bytes of one file that is kept.
    pub kept_file: u64,
    /// Bytes of all files that are kept.
    pub kept: u64,
}

impl Default for Limits {
    /// What the measurement of an installed tree may have (200,000 entries, 64 levels, 8 GiB for a file), the ratio of threat T-16,
    /// and as much memory as keeps a run under 256 MiB.
    fn default() -> Self {
        Self {
            entries: 200_000,
            file: 8 << 30,
            total: 32 << 30,
            ratio: 200,
            ratio_from: 4 << 20,
            name: 1024,
            names: 32 << 20,
            depth: 64,
            kept_file: 8 << 20,
            kept: 32 << 20,
        }
    }
}

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its regular files, in the order of their names.
    pub files: Vec<Unpacked>,
    /// Its symbolic links, in the order of their names. None leads out of the archive; none was followed.
    pub links: Vec<Link>,
    /// The content of the files that the caller wanted to keep.
    pub kept: BTreeMap<String, Vec<u8>>,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// `/`-separated and relative, without `.` and `..`.
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Bytes of its content.
    pub size: u64,
    /// Whether the archive says that anybody may execute it.
    pub executable: bool,
    /// Its first bytes, with zeros behind a shorter file.
    pub start: [u8; 16],
    /// SHA-256 of its content as a Unix script, where it begins with `#!` and ends its first line as Windows does: without that
    /// carriage return, and with U+FFFD for what is no UTF-8, because that is how npm rewrites such a file when it links a command
    /// to it.
    pub as_unix_script: Option<[u8; 32]>,
}

/// A symbolic link of an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// As [`Unpacked::name`].
    pub name: String,
    /// Where it points, as written.
    pub target: String,
}

impl Contents {
    /// The file with this name.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&Unpacked> {
        self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok().map(|at| &self.files[at])
    }
}

/// Read an archive to its end. `keep` is asked with the name and the size of each file whether its content is wanted.
///
/// # Errors
/// [`ArchiveRefusal`] at the first thing that is wrong with it; nothing of a refused archive is given out.
pub fn contents(
    file: impl Read + Seek,
    kind: Kind,
    limits: &Limits,
    keep: &dyn Fn(&str, u64) -> bool,
) -> Result<Contents, ArchiveRefusal> {
    let mut file = file;
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut content = content::Reader::new(limits, keep);
    match kind {
        Kind::TarGz => tape::read(file, limits, &mut content)?,
        Kind::Zip => zipped::read(file, size, limits, &mut content)?,
    }
    Ok(content.finish())
}
