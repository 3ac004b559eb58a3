//! Why an attestation is not believed: one variant for each step of its verification, each with what was expected and what was
//! found, so that a test can demand *the* failure and a person sees both sides.

use crate::text::printable;
use std::fmt;

/// What a step expected and what it found instead, as text from outside: shown through [`Differs`]'s `Display` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// What would have been believed.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Differs {
    /// Both sides.
    #[must_use]
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", printable(&self.expected), printable(&self.found))
    }
}

macro_rules! steps {
    ($($(#[$doc:meta])* $variant:ident = $step:literal,)*) => {
        /// Why an attestation is not believed, by the step that refused it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum AttestationRefusal {
            $($(#[$doc])* $variant(Differs),)*
        }

        impl AttestationRefusal {
            /// The step, in the words of the documentation.
            #[must_use]
            pub fn step(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $step,)*
                }
            }

            /// What was expected and what was found.
            #[must_use]
            pub fn differs(&self) -> &Differs {
                match self {
                    $(Self::$variant(differs) => differs,)*
                }
            }
        }
    };
}

steps! {
    /// It is no Sigstore bundle of a form that is read.
    Form = "form",
    /// The media type is none of the versions 0.1, 0.2, 0.3, or the verification material is of another version.
    MediaType = "media type",
    /// It is of an older form than the policy accepts (threat T-12).
    BundleVersion = "bundle version",
    /// It is signed by a key where an identity is expected, or the other way round.
    Material = "verification material",
    /// No trusted root to verify it under, or one that cannot be used for it.
    Root = "trusted root",
    /// The certificate does not lead to the instance, was not valid, or is none.
    Certificate = "certificate",
    /// The certificate is not shown to be in the certificate transparency log (SCT).
    CertificateLog = "certificate transparency",
    /// When it was signed is not shown, or it was signed at a wrong time.
    Time = "time",
    /// The log is none that the trusted root names.
    Log = "log",
    /// The entry of the log is about something else, or cannot be read.
    LogEntry = "log entry",
    /// There is no proof that the log holds the entry, or it does not hold.
    InclusionProof = "inclusion proof",
    /// The signed state of the log that the proof leads to is missing or not the log's.
    Checkpoint = "checkpoint",
    /// The promise of the log to take the entry in is missing or not the log's.
    InclusionPromise = "inclusion promise",
    /// The signature does not fit.
    Signature = "signature",
    /// It cannot be compared under a digest that is known of the file.
    DigestAlgorithm = "digest algorithm",
    /// It is about other files (threat T-10).
    Subject = "subject",
    /// Somebody else signed (threat T-11).
    Identity = "identity",
    /// Somebody else vouches for who signed (threat T-11).
    Issuer = "issuer",
    /// Another key signed, or it is none.
    Key = "key",
    /// It was signed after the key ended, or nothing shows that it was signed before.
    KeyEnded = "end of the key",
    /// The envelope holds no statement that is read.
    Statement = "statement",
    /// It says something else of the file than what counts (threat T-10).
    Predicate = "predicate type",
    /// It was made in another repository.
    Source = "source repository",
    /// It was made in a repository of that name with another number (threat T-11).
    SourceId = "source repository id",
    /// It was made in a repository of an owner with another number.
    OwnerId = "source owner id",
    /// The provenance names another builder, or there is none.
    Builder = "builder",
}

impl fmt::Display for AttestationRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step(), self.differs())
    }
}

impl std::error::Error for AttestationRefusal {}
