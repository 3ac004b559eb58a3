//! Bringing newer documents to this machine: from where, how, and all or nothing.
//!
//! A source is only a way to bytes. Nothing it says is believed: the signatures of the documents decide, on a copy, before
//! anything in the policy folder changes.
//!
//! `address` and `source` say what a source is; `web`, `folder`, `repository` and `tuf` are the four there are; `download` knows what
//! is asked of one; `set` puts documents in force by one rename; `record` is what is remembered; `transaction` ties it together;
//! `background` and `schedule` say when it runs by itself. `roots` renews the trusted roots that are part of this program.

pub mod address;
pub mod background;
pub mod download;
pub mod folder;
pub mod open;
pub mod record;
pub mod repository;
pub mod roots;
pub mod schedule;
pub mod set;
pub mod source;
pub mod transaction;
pub mod tuf;
pub mod web;

use crate::digest::Digest;
use crate::text::{printable, printable_os};
use crate::trust::Unbelieved;
use crate::trust::place::PlaceError;
use crate::trust::state::StateError;
use crate::world::files::FileError;
use jiff::Timestamp;
use source::FetchError;
use thiserror::Error;

/// Why a sync changed nothing.
#[derive(Debug, Error)]
pub enum SyncError {
    /// The source gave no answer.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// The source lacks a file that it must have.
    #[error("it has no `{}`", printable(.0))]
    Missing(String),
    /// It would take more files or bytes to find out who vouches for its trust policy than any policy needs.
    #[error(
        "its trust policy asks for more than {files} further files or {} MiB before anybody can vouch for it",
        bytes / (1024 * 1024)
    )]
    TooMuch {
        /// The most files that are asked for.
        files: u64,
        /// The most bytes that are taken.
        bytes: u64,
    },
    /// A file is not the one that a believed document pins.
    #[error("`{}` is not the file that the documents pin: expected {expected}, found {found}", printable(.name))]
    NotPinned {
        /// Its name.
        name: String,
        /// What is pinned.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The documents are not believed.
    #[error("what it gave is not believed: {}: {}", .0.path.file_name().map(printable_os).unwrap_or_default(), .0.refusal)]
    Refused(Box<Unbelieved>),
    /// The trust policy that came has expired.
    #[error("its trust policy expired on {0} and vouches for nobody")]
    TrustExpired(Timestamp),
    /// Nothing here says whom to believe.
    #[error("no policy is here and no fingerprint is pinned, so that any policy would be as good as any other")]
    NoAnchor,
    /// The policy folder cannot be written.
    #[error("{0}")]
    Write(String),
    /// The pointer of the policy folder cannot be followed.
    #[error("{0}")]
    Place(#[from] PlaceError),
    /// What this machine remembers cannot be read.
    #[error("what this machine remembers of the policy cannot be read: {0}")]
    State(#[from] StateError),
    /// Another sync of the same folder is under way.
    #[error("another sync of this folder is under way")]
    Busy,
}

impl SyncError {
    #[expect(clippy::needless_pass_by_value, reason = "a step of `map_err`, which hands over the error")]
    fn write(error: FileError) -> Self {
        Self::Write(error.to_string())
    }

    /// Whether another source could do better: what is wrong is not on this machine.
    #[must_use]
    pub fn is_of_source(&self) -> bool {
        match self {
            Self::Fetch(_)
            | Self::TooMuch { .. }
            | Self::Missing(_)
            | Self::NotPinned { .. }
            | Self::Refused(_)
            | Self::TrustExpired(_) => true,
            Self::NoAnchor | Self::Write(_) | Self::Place(_) | Self::State(_) | Self::Busy => false,
        }
    }
}
