//! Why a TUF repository, or a file of it, is not believed: one variant for each thing a person does differently about it.

use crate::digest::Digest;
use crate::text::{printable, printable_path};
use crate::world::files::FileError;
use std::path::PathBuf;
use thiserror::Error;

/// Why nothing came of asking a TUF repository.
#[derive(Debug, Error)]
pub enum Refusal {
    /// No root that the repository offers has the pinned fingerprint.
    #[error(
        "no root of the TUF repository has the pinned fingerprint {expected}; it offers {offered} from version 1 on",
        offered = offered.iter().map(Digest::hex).collect::<Vec<_>>().join(", ")
    )]
    NotPinned {
        /// SHA-256 of one version of `root.json`, as pinned.
        expected: Digest,
        /// The fingerprints of the roots it has, version 1 first.
        offered: Vec<Digest>,
    },
    /// It has no `1.root.json`.
    #[error("there is no TUF repository at `{}`: it has no 1.root.json", printable(.0))]
    NoRoot(String),
    /// The metadata folder cannot be read or written.
    #[error("what was believed of the TUF repository cannot be read or kept: {0}")]
    Folder(FileError),
    /// A file of the metadata folder is damaged.
    #[error("`{}` is damaged: remove it, then sync again", printable_path(.0))]
    Broken(PathBuf),
    /// A target is longer than the file it stands for may be.
    #[error("the target `{}` has {length} bytes; at most {limit} are read", printable(.name))]
    TooLong {
        /// The target.
        name: String,
        /// Its length by the signed metadata.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A name that cannot be a target: absolute, or with `.`, `..` or an empty segment.
    #[error("`{}` is no name of a target", printable(.0))]
    Name(String),
    /// The metadata or the target fails the client workflow of the TUF specification.
    #[error("{}", told(.0))]
    Tuf(sigstore_tuf::Error),
}

impl From<sigstore_tuf::Error> for Refusal {
    fn from(error: sigstore_tuf::Error) -> Self {
        Self::Tuf(error)
    }
}

/// What the library says, with its causes, safe to show: names of roles and targets are chosen by the repository.
fn told(error: &sigstore_tuf::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    printable(&text).into_owned()
}
