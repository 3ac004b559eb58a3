//! Why an archive is refused: one reason each, with the entry in which it was found.

use crate::text::printable;
use std::fmt;
use std::io;
use thiserror::Error;

/// A refused archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRefusal {
    /// The name of the entry as it stands in the archive, where one was known. Bytes that are no UTF-8 are U+FFFD in it.
    pub entry: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// The file could not be read: this says nothing about the archive.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It begins as no form of archive that is read here.
    #[error("it is neither a gzip nor a zip archive")]
    NotAnArchive,
    /// It ends before it should.
    #[error("it is truncated")]
    Truncated,
    /// A header or the packed data is malformed.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// Content that does not have the checksum that the archive states.
    #[error("its content does not have the checksum that the archive states")]
    Checksum,
    /// Bytes after the end of the archive.
    #[error("bytes follow the end of the archive")]
    Trailing,
    /// Bytes before the first entry.
    #[error("bytes stand before the first entry")]
    Leading,
    /// Bytes between or behind entries that belong to none of them.
    #[error("bytes in the archive belong to no entry")]
    Hidden,
    /// Two entries share bytes.
    #[error("it shares bytes of the archive with another entry")]
    Overlap,
    /// Content that is longer or shorter than stated.
    #[error("its length is stated as {stated} bytes, and its content has another")]
    Length {
        /// What a header states.
        stated: u64,
    },
    /// The header beside the content and the directory of the archive say different things.
    #[error("the directory of the archive and the header beside its content state another {0}")]
    TwoHeaders(&'static str),
    /// Two ends of one archive, or two directories.
    #[error("the archive has two ends, and which one counts depends on who reads it")]
    TwoEnds,
    /// Its content is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// A method of compression other than none and Deflate.
    #[error("it is compressed by method {0}, which is not read here")]
    Method(u16),
    /// One of several parts of an archive.
    #[error("the archive is one of several parts")]
    Parts,
    /// The name is no UTF-8, or in an encoding that each unpacker guesses in its own way.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// The name begins at the root of a file system.
    #[error("its name is absolute")]
    Absolute,
    /// The name begins with a drive letter.
    #[error("its name begins with a drive letter")]
    Drive,
    /// The name leads out of its folder.
    #[error("its name has `..` in it")]
    Parent,
    /// The name has a backslash, which is a separator on Windows and a letter elsewhere.
    #[error("its name has a backslash in it")]
    Backslash,
    /// The name has a control character.
    #[error("its name has a control character in it")]
    Control,
    /// The name has nothing between two separators, or is empty.
    #[error("its name has an empty part")]
    Empty,
    /// The name is too long.
    #[error("its name is longer than {0} bytes")]
    LongName(usize),
    /// Folders in folders beyond the limit.
    #[error("it lies more than {0} folders deep")]
    TooDeep(usize),
    /// Two entries of one name with different content.
    #[error("an entry of this name stands in the archive twice, with different content")]
    Duplicate,
    /// Two names that some file systems take for one: equal after NFC or after case folding.
    #[error("its name and `{}` are one name on some file systems", printable(.0))]
    Collision(String),
    /// A file where other entries need a folder.
    #[error("it is a file and a folder")]
    FileAndFolder,
    /// A symbolic link out of the archive.
    #[error("it is a link to `{}`, out of the archive", printable(.0))]
    LinkOutside(String),
    /// A hard link.
    #[error("it is a hard link")]
    HardLink,
    /// A device.
    #[error("it is a device")]
    Device,
    /// A FIFO.
    #[error("it is a FIFO")]
    Fifo,
    /// A file full of holes, in one of the forms of GNU tar.
    #[error("it is a sparse file")]
    Sparse,
    /// A kind of entry that is not read here.
    #[error("it is an entry of the unknown type {0:#04x}")]
    UnknownType(u8),
    /// A file that runs with the rights of another user.
    #[error("it runs with the rights of another user (setuid)")]
    Setuid,
    /// An extended header that changes what follows in a way that is not read here.
    #[error("an extended header sets `{}`, which is not read here", printable(.0))]
    Extended(String),
    /// More entries than allowed.
    #[error("the archive has more than {0} entries")]
    TooMany(usize),
    /// More bytes of names than allowed.
    #[error("the names in the archive have more than {0} bytes")]
    TooManyNames(usize),
    /// One file is too large.
    #[error("it has more than the {0} bytes that one file may have")]
    TooLarge(u64),
    /// All files together are too large.
    #[error("the archive has more than {0} bytes unpacked")]
    TooManyBytes(u64),
    /// Content that is far larger than its packed form: a bomb.
    #[error("it is more than {0} times larger unpacked than packed")]
    Ratio(u64),
    /// More than allowed of what was to be kept.
    #[error("it is too large to be kept in memory, where all such files may have {0} bytes")]
    TooMuchKept(u64),
}

impl Reason {
    /// This reason, found in an entry.
    #[must_use]
    pub fn at(self, entry: &str) -> ArchiveRefusal {
        // A name of a hostile archive may be a megabyte long.
        ArchiveRefusal { entry: Some(entry.chars().take(256).collect()), reason: self }
    }
}

impl From<Reason> for ArchiveRefusal {
    fn from(reason: Reason) -> Self {
        Self { entry: None, reason }
    }
}

/// A reader below may hand a refusal through an [`io::Error`]; what the system says is [`Reason::Unreadable`].
impl From<io::Error> for ArchiveRefusal {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Reason::Truncated.into();
        }
        match error.downcast::<Self>() {
            Ok(refusal) => refusal,
            Err(error) => Reason::Unreadable(error.to_string()).into(),
        }
    }
}

impl From<ArchiveRefusal> for io::Error {
    fn from(refusal: ArchiveRefusal) -> Self {
        Self::other(refusal)
    }
}

impl fmt::Display for ArchiveRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "`{}`: {}", printable(entry), self.reason),
            None => fmt::Display::fmt(&self.reason, f),
        }
    }
}

impl std::error::Error for ArchiveRefusal {}
