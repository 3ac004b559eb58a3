//! Why something is not believed: one variant for each step of verification, so that a test can demand *the* failure.

use crate::digest::Digest;
use crate::manifest::ManifestErrors;
use crate::manifest::trust_policy::Role;
use crate::text::{printable, printable_path};
use crate::world::files::FileError;
use jiff::Timestamp;
use std::path::PathBuf;
use thiserror::Error;

/// Why a document or a signature is not believed.
#[derive(Debug, Error)]
pub enum Refusal {
    /// A file that is needed is missing or cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// There is no signature beside the document.
    #[error("`{}` is not signed", printable_path(.0))]
    NotSigned(PathBuf),
    /// More bundles than anybody needs.
    #[error("more than {limit} signature bundles stand beside the document")]
    TooManyBundles {
        /// How many are read.
        limit: usize,
    },
    /// The bundle is no JSON of a Sigstore bundle.
    #[error("the signature bundle cannot be read: {}", printable(.0))]
    BundleUnreadable(String),
    /// The bundle is of another version of the format.
    #[error("the signature bundle has the media type `{}`; documents are signed with bundles of version 0.3", printable(.0))]
    MediaType(String),
    /// The bundle was made with a certificate, not with a key.
    #[error("the signature bundle carries {0}; documents are signed with keys named in `vetted-trust.toml`")]
    NotKeySigned(&'static str),
    /// The bundle holds an envelope around a statement, not a signature over a file.
    #[error("the signature bundle holds a DSSE envelope, not a signature over the document")]
    NotAMessage,
    /// The bundle states a digest of another algorithm than SHA-256.
    #[error("the signature bundle states a digest that is not SHA-256")]
    DigestAlgorithm,
    /// The bundle is of other bytes.
    #[error("the signature is of other bytes: it states {stated}, the document has {actual}")]
    Digest {
        /// What the bundle states.
        stated: Digest,
        /// What the document has.
        actual: Digest,
    },
    /// No key of a holder of the role made the signature.
    #[error("no holder of the role `{role}` made the signature (key hint `{hint}`)", role = .role.name(), hint = printable(.hint))]
    NoKeyOfRole {
        /// The role.
        role: Role,
        /// What the bundle says of its key.
        hint: String,
    },
    /// The bundle names a key of a holder, and that key did not sign these bytes.
    #[error("the signature in the name of `{signer}` does not fit the document")]
    Signature {
        /// Whose key the bundle names.
        signer: String,
    },
    /// The key counts no more.
    #[error("the key of `{signer}` that made the signature ended on {since}")]
    KeyEnded {
        /// Whose key.
        signer: String,
        /// Since when.
        since: Timestamp,
    },
    /// The trust policy gives nobody the role.
    #[error("`vetted-trust.toml` gives nobody the role `{}`", .0.name())]
    NoRole(Role),
    /// Fewer distinct signers than the role needs.
    #[error("{} of {needed} signatures of the role `{}` are there", .found.len(), .role.name())]
    Threshold {
        /// The role.
        role: Role,
        /// Who signed.
        found: Vec<String>,
        /// How many are needed.
        needed: usize,
        /// Holders who have not signed.
        missing: Vec<String>,
        /// Why further bundles do not count.
        refused: Vec<Refusal>,
    },
    /// The document is of another kind.
    #[error("the document is of the kind `{}`, not `{expected}`", printable(.found))]
    WrongKind {
        /// What stands there.
        found: String,
        /// What was to stand there.
        expected: &'static str,
    },
    /// The document is signed and cannot be used.
    #[error("{0}")]
    Document(Box<ManifestErrors>),
    /// The manifest has another name than the trust policy.
    #[error("the manifest is called `{}` and the trust policy `{}`", printable(.manifest), printable(.trust))]
    WrongName {
        /// The manifest's name.
        manifest: String,
        /// The trust policy's name.
        trust: String,
    },
    /// The trust policy has expired: it vouches for nobody.
    #[error("the trust policy expired on {0}")]
    ExpiredTrust(Timestamp),
    /// The document says it was made in the future.
    #[error("the document was issued at {issued}, and it is {now} now")]
    IssuedInFuture {
        /// What the document says.
        issued: Timestamp,
        /// The clock.
        now: Timestamp,
    },
}

impl Refusal {
    /// A document that could not be parsed, as a refusal.
    #[must_use]
    pub fn of_document(errors: ManifestErrors, expected: &'static str) -> Self {
        match errors.wrong_kind {
            Some(found) => Self::WrongKind { found, expected },
            None => Self::Document(Box::new(errors)),
        }
    }
}
