//! Why something is not believed: one variant for each step of verification, so that a test can demand *the* failure.

use crate::digest::Digest;
use crate::manifest::ManifestErrors;
use crate::manifest::trust_policy::Role;
use crate::text::{printable, printable_path};
use crate::world::files::FileError;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// The version of this program.
pub(super) const CLIENT: &str = env!("CARGO_PKG_VERSION");

/// Which of the three documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    /// `vetted-trust.toml`.
    Trust,
    /// `vetted.toml`.
    Manifest,
    /// `vetted-revocations.toml`.
    Revocations,
}

impl Document {
    /// What its issues are counted by.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::Trust => "version",
            Self::Manifest | Self::Revocations => "serial",
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trust => "the trust policy",
            Self::Manifest => "the manifest",
            Self::Revocations => "the revocations document",
        })
    }
}

/// A step in verifying a signature by an identity at a Sigstore instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceStep {
    /// The certificate chains to the instance and was valid when it signed.
    Certificate,
    /// The certificate is in the instance's certificate transparency log.
    CertificateLog,
    /// The signature is in the instance's transparency log.
    Log,
    /// When it was signed.
    Time,
    /// Who signed, and who vouches for that.
    Identity,
    /// The signature itself.
    Signature,
    /// The digest of what was signed.
    Digest,
    /// The form of the bundle.
    Bundle,
}

impl fmt::Display for EvidenceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::CertificateLog => "certificate transparency",
            Self::Log => "transparency log",
            Self::Time => "time",
            Self::Identity => "identity",
            Self::Signature => "signature",
            Self::Digest => "digest",
            Self::Bundle => "bundle",
        })
    }
}

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
    /// The bundle carries a chain of certificates, as bundles before version 0.3 did.
    #[error("the signature bundle carries a certificate chain; documents are signed by a key or with one certificate")]
    CertificateChain,
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
    /// No holder of the role has the identity that the certificate names.
    #[error(
        "no holder of the role `{}` has the identity `{}` of the issuer `{}`",
        .role.name(), printable(.identity), printable(.issuer)
    )]
    NoIdentityOfRole {
        /// The role.
        role: Role,
        /// What the certificate states.
        identity: String,
        /// What the certificate states.
        issuer: String,
    },
    /// The bundle has no proof that the transparency log holds its entry.
    #[error("the signature of `{}` has no proof that it is in the transparency log", printable(.identity))]
    NoInclusionProof {
        /// Whose.
        identity: String,
    },
    /// A step in verifying a signature by an identity failed.
    #[error("the signature of `{}` does not hold: {step}: {}", printable(.identity), printable(.why))]
    Evidence {
        /// Whose.
        identity: String,
        /// Which step.
        step: EvidenceStep,
        /// What was found.
        why: String,
    },
    /// The trusted root of a Sigstore instance is not there or cannot be used.
    #[error("the trusted root of the instance `{}` cannot be used: {}", printable(.instance), printable(.why))]
    TrustedRoot {
        /// The instance.
        instance: String,
        /// Why.
        why: String,
    },
    /// The trusted root of a Sigstore instance is not the one that the trust policy pins.
    #[error("the trusted root of the instance `{}` is not the pinned one: expected {expected}, found {found}", printable(.instance))]
    TrustedRootDigest {
        /// The instance.
        instance: Box<str>,
        /// What the trust policy pins.
        expected: Digest,
        /// What the file has.
        found: Digest,
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
    /// The document has another name than the trust policy.
    #[error("the document is called `{}` and the trust policy `{}`", printable(.found), printable(.trust))]
    WrongName {
        /// The document's name.
        found: String,
        /// The trust policy's name.
        trust: String,
    },
    /// The policy has another name than the one that was believed here before.
    #[error("the policy is called `{}`; the one that was believed here is called `{}`", printable(.found), printable(.known))]
    OtherPolicy {
        /// What was believed.
        known: String,
        /// What is there.
        found: String,
    },
    /// An older issue than one that was believed (threat T-05).
    #[error("{what} has {number} {found}, and this machine believed {number} {known} before", what = .document, number = .document.number())]
    Rollback {
        /// Which document.
        document: Document,
        /// What was believed.
        known: u64,
        /// What is there.
        found: u64,
    },
    /// Another document under a number that was believed (threat T-05).
    #[error(
        "{what} with {number} {serial} is not the one that this machine believed: expected {known}, found {found}",
        what = .document, number = .document.number()
    )]
    Equivocation {
        /// Which document.
        document: Document,
        /// The number that both have.
        serial: u64,
        /// SHA-256 of what was believed.
        known: Box<Digest>,
        /// SHA-256 of what is there.
        found: Box<Digest>,
    },
    /// After the signers of a role were replaced: issued before what the old ones signed last.
    #[error("{document} was issued at {found}, before the one that this machine believed ({known})")]
    IssuedBefore {
        /// Which document.
        document: Document,
        /// When what was believed was issued.
        known: Timestamp,
        /// When what is there was issued.
        found: Timestamp,
    },
    /// Below a floor given on the command line.
    #[error("{document} has {} {found}; `--min-serial` asks for at least {floor}", .document.number())]
    BelowFloor {
        /// Which document.
        document: Document,
        /// The floor.
        floor: u64,
        /// What is there.
        found: u64,
    },
    /// The manifest is older than the one that the revocations name (threat T-06).
    #[error("the manifest has serial {found}, and the revocations beside it name serial {named} as the newest")]
    OlderThanBeacon {
        /// What the revocations name.
        named: u64,
        /// What is there.
        found: u64,
    },
    /// The manifest is another one than the revocations name under the same serial.
    #[error("the manifest with serial {serial} is not the one that the revocations name: expected {named}, found {found}")]
    OtherThanBeacon {
        /// The serial of both.
        serial: u64,
        /// What the revocations name.
        named: Digest,
        /// What is there.
        found: Digest,
    },
    /// The trust policy gives the role `revocations` to somebody, and the document is not there: a mirror could have left it out.
    #[error("`vetted-trust.toml` names signers of revocations, and `{}` is not there", printable_path(.0))]
    RevocationsLeftOut(PathBuf),
    /// Revocations that were in force are gone, and the manifest withdraws none of them (threat T-24).
    #[error("revocations that were in force are gone and not withdrawn: {}", printable(&.0.join(", ")))]
    RevocationsLost(Vec<String>),
    /// A revocation that was in force covers something else now under the same id: to lift it by narrowing (threat T-24).
    #[error("the revocation `{}` no longer says what it said when it was believed", printable(.0))]
    RevocationChanged(String),
    /// The chain of trust policies has a hole (threat T-18).
    #[error("version {version} of the trust policy is needed between what is believed and version {current}, and is not there")]
    TrustStepMissing {
        /// Which version.
        version: u64,
        /// The version in `vetted-trust.toml`.
        current: u64,
    },
    /// An earlier version of the trust policy states another version than its name.
    #[error("the trust policy states version {found}, not {expected}")]
    TrustVersion {
        /// By its name.
        expected: u64,
        /// What it states.
        found: u64,
    },
    /// A version of the trust policy is not signed by enough root signers of the version before it (threat T-18).
    #[error("version {version} of the trust policy is not vouched for by version {}: {why}", .version - 1)]
    TrustNotVouched {
        /// Which version.
        version: u64,
        /// Why its signatures are not enough.
        #[source]
        why: Box<Refusal>,
    },
    /// No version of the trust policy has the pinned fingerprint (threat T-18).
    #[error("no version of the trust policy here has the pinned fingerprint: expected {expected}, version {version} has {found}")]
    Fingerprint {
        /// What is pinned.
        expected: Digest,
        /// The version in `vetted-trust.toml`.
        version: u64,
        /// Its fingerprint.
        found: Digest,
    },
    /// The document may only be believed by another version of this program.
    #[error("it asks for a vetted {}, and this is {CLIENT}", printable(.requires))]
    ClientTooOld {
        /// What it asks for.
        requires: String,
    },
    /// A waiver runs longer than the trust policy lets one run.
    #[error("the waiver `{}` runs for {} days; the trust policy allows {}", printable(.id), .runs.as_hours() / 24, .limit.as_hours() / 24)]
    WaiverTooLong {
        /// Its id.
        id: String,
        /// How long it runs.
        runs: SignedDuration,
        /// How long one may run.
        limit: SignedDuration,
    },
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
        // What this version cannot read may be no fault of a document that asks for a newer one.
        if let Some(requires) = errors.requires_client.as_ref().filter(|requires| !requires.satisfied_by(CLIENT)) {
            return Self::ClientTooOld { requires: requires.to_string() };
        }
        match errors.wrong_kind {
            Some(found) => Self::WrongKind { found, expected },
            None => Self::Document(Box::new(errors)),
        }
    }
}
