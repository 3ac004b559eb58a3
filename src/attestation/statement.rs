//! The in-toto statement: which files it is about, under which digests, and what it says of them.

use crate::digest::{Algorithm, Digest, DigestError, DigestSet};
use serde::Deserialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// The payload type of an envelope around a statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most subjects that are read. A release of GitHub with all its files has some hundred.
pub const MAX_SUBJECTS: usize = 4096;
/// The types of statement that are read: in-toto attestation, `spec/v1/statement.md` and `spec/v0.1.0/statement.md`.
const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

/// An in-toto statement. Nobody vouches for it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about, in its order. One at least.
    pub subjects: Vec<Subject>,
    /// What kind of thing it says.
    pub predicate_type: String,
    /// What it says; an empty object where it says nothing.
    pub predicate: serde_json::Value,
}

/// A file that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What the statement calls it: a hint for people. Subjects match by digest alone (in-toto attestation, `spec/v1/statement.md`).
    pub name: String,
    /// Its SHA-256, SHA-512 and directory hash, as far as they are stated. Empty where it is known by other digests only, such as a
    /// commit.
    pub digests: DigestSet,
}

impl Subject {
    /// Whether it is this file: they share a digest, and every digest that both have is equal (threat T-22).
    #[must_use]
    pub fn is(&self, file: &DigestSet) -> bool {
        let mut common = self.digests.iter().filter_map(|digest| Some((digest, file.get(digest.algorithm())?))).peekable();
        common.peek().is_some() && common.all(|(ours, theirs)| ours == theirs)
    }
}

/// Why bytes are no statement that is read.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    /// No JSON of a statement.
    #[error("no in-toto statement: {0}")]
    Json(String),
    /// A type of statement that is not read.
    #[error("a statement of the type `{}`; {} is read", crate::text::printable(.0), TYPES.join(" or "))]
    Type(String),
    /// It is about nothing.
    #[error("a statement about no subject")]
    NoSubject,
    /// It is about too much.
    #[error("a statement about {0} subjects, at most {MAX_SUBJECTS} are read")]
    TooManySubjects(usize),
    /// A digest of a subject is malformed.
    #[error("the subject `{}`: {error}", crate::text::printable(name))]
    Digest {
        /// Of which.
        name: String,
        /// What is wrong with it.
        error: DigestError,
    },
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<WireSubject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(default)]
    predicate: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct WireSubject {
    #[serde(default)]
    name: Option<String>,
    digest: WireDigest,
}

/// The digests are named so that a second one of a kind is an error, not the last one that wins.
#[derive(Deserialize)]
struct WireDigest {
    sha256: Option<String>,
    sha512: Option<String>,
    /// The `h1` hash of Go modules, in hex (in-toto attestation, `spec/v1/digest_set.md`). [`Algorithm::from_name`] reads both names.
    #[serde(rename = "dirHash", alias = "dirHash1")]
    dir_hash: Option<String>,
    #[serde(flatten)]
    _other: BTreeMap<String, serde_json::Value>,
}

impl Statement {
    /// Read a statement from the payload of an envelope.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|e| StatementError::Json(e.to_string()))?;
        if !TYPES.contains(&wire.kind.as_str()) {
            return Err(StatementError::Type(wire.kind));
        }
        match wire.subject.len() {
            0 => return Err(StatementError::NoSubject),
            1..=MAX_SUBJECTS => {}
            more => return Err(StatementError::TooManySubjects(more)),
        }
        let subjects = wire.subject.into_iter().map(WireSubject::read).collect::<Result<_, _>>()?;
        let predicate = wire.predicate.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new()));
        Ok(Self { subjects, predicate_type: wire.predicate_type, predicate })
    }

    /// The first subject that is this file.
    #[must_use]
    pub fn subject(&self, file: &DigestSet) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.is(file))
    }
}

impl WireSubject {
    fn read(self) -> Result<Subject, StatementError> {
        let name = self.name.unwrap_or_default();
        let mut digests = DigestSet::new();
        let WireDigest { sha256, sha512, dir_hash, .. } = self.digest;
        for (algorithm, text) in [(Algorithm::Sha256, sha256), (Algorithm::Sha512, sha512), (Algorithm::DirHash, dir_hash)] {
            let Some(text) = text else { continue };
            match Digest::parse(algorithm, &text) {
                // One of each algorithm: the set takes both.
                Ok(digest) => drop(digests.insert(digest)),
                Err(error) => return Err(StatementError::Digest { name, error }),
            }
        }
        Ok(Subject { name, digests })
    }
}
