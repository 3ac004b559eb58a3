//! What the system says of a file without opening it, and what tells whether it is still the same.

use super::{EntryKind, kind_of};
use serde::{Deserialize, Serialize};

/// What the system says of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// What it is.
    pub kind: EntryKind,
    /// Size in bytes.
    pub size: u64,
    /// Permission bits, setuid and setgid included; 0 where the system has none.
    pub mode: u32,
    /// Bytes that lie on the disk: far below `size` for a sparse file; equal to `size` where the system does not say.
    pub allocated: u64,
    /// The user it belongs to; 0 where the system has none.
    pub owner: u32,
    /// What tells whether it is still the same file with the same content.
    pub key: StatKey,
}

/// The identity and the change times of a file: equal keys mean unchanged content, as far as the kernel's clock tells.
///
/// `ctime` is in it because `mtime` can be set back by any program and `ctime` cannot (threat T-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StatKey {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the epoch.
    pub mtime: i64,
    /// Change time, nanoseconds since the epoch.
    pub ctime: i64,
}

#[cfg(unix)]
pub(super) fn stat_of(metadata: &std::fs::Metadata) -> FileStat {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    FileStat {
        kind: kind_of(metadata.file_type()),
        size: metadata.size(),
        mode: metadata.mode() & 0o7777,
        // POSIX leaves the unit open; every system vetted runs on counts 512 bytes.
        allocated: metadata.blocks().saturating_mul(512),
        owner: metadata.uid(),
        key: StatKey {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        },
    }
}

#[cfg(unix)]
impl From<&rustix::fs::Stat> for StatKey {
    /// As [`super::Files::lstat`] says it.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        reason = "the types of the fields differ between systems"
    )]
    fn from(stat: &rustix::fs::Stat) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            mtime: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctime: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }
}

/// Whether that is a folder.
#[cfg(unix)]
pub(in crate::world) fn is_folder(stat: &rustix::fs::Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir()
}

#[cfg(not(unix))]
pub(super) fn stat_of(metadata: &std::fs::Metadata) -> FileStat {
    let nanoseconds = |time: std::io::Result<std::time::SystemTime>| {
        time.ok()
            .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|d| i64::try_from(d.as_nanos()).ok())
            .unwrap_or(0)
    };
    FileStat {
        kind: kind_of(metadata.file_type()),
        size: metadata.len(),
        mode: 0,
        allocated: metadata.len(),
        owner: 0,
        key: StatKey {
            device: 0,
            inode: 0,
            size: metadata.len(),
            mtime: nanoseconds(metadata.modified()),
            ctime: nanoseconds(metadata.created()),
        },
    }
}
