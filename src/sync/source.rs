//! What every source of documents can do: give the bytes of a file by its name.

use thiserror::Error;

/// What a source calls the version of a file: opaque, kept from one sync to the next and given back to the same source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(pub String);

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The whole file.
    Bytes {
        /// Its bytes, at most as many as were allowed.
        bytes: Vec<u8>,
        /// What the source calls this version.
        tag: Option<Tag>,
    },
    /// The file is the one the tag stands for.
    NotModified,
    /// The source has no such file.
    Missing,
}

/// Why a source gave no answer. The text says what was asked for, and carries no secret.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct FetchError {
    /// What happened, in one sentence.
    pub message: String,
    /// What it came from.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl FetchError {
    /// A sentence of its own.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// An error of something below, in its words.
    #[must_use]
    pub fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { message: error.to_string(), source: error.source().map(|e| e.to_string().into()) }
    }
}

/// Where documents come from.
pub trait Source {
    /// The file of this name, of at most `limit` bytes. The name is relative, `/`-separated and without `.` and `..`; `known` is
    /// the tag that the same source gave with the version that is here already.
    ///
    /// # Errors
    /// [`FetchError`] when there is no answer. A file that is not there is [`Fetched::Missing`].
    fn fetch(&mut self, name: &str, limit: u64, known: Option<&Tag>) -> Result<Fetched, FetchError>;
}
