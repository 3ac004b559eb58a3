//! Which step of verification an error of the Sigstore crates is about.

use crate::trust::attestation_refusal::{AttestationRefusal, Differs};
use sigstore_verify::bundle::Error as BundleError;
use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

/// The refusal that an error of the verifier is.
pub(super) fn refusal(error: &Error) -> AttestationRefusal {
    use AttestationRefusal as Refused;
    let with = |expected: &str| Differs::new(expected, error.to_string());
    match error {
        Error::IdentityMismatch { expected, actual } => {
            let found = actual.as_ref().map_or_else(|| "none".to_owned(), |name| format!("`{name}`"));
            Refused::Identity(Differs::new(format!("`{expected}`"), found))
        }
        Error::IssuerMismatch { expected, actual } => {
            let found = actual.as_ref().map_or_else(|| "none".to_owned(), |name| format!("`{name}`"));
            Refused::Issuer(Differs::new(format!("`{expected}`"), found))
        }
        Error::SignatureInvalid(_) => Refused::Signature(with("a signature by the key of the certificate")),
        // The file is compared before: what is left is the entry of the log.
        Error::ArtifactMismatch(_) => Refused::LogEntry(with("a log entry about this signature")),
        Error::UnsupportedArtifact(_) => Refused::DigestAlgorithm(with("a signature over the sha256 of the file")),
        Error::Certificate(CertificateError::Sct(_)) => {
            Refused::CertificateLog(with("a time stamp of a certificate log that the trusted root names"))
        }
        Error::Certificate(_) => {
            Refused::Certificate(with("a certificate of the instance that was valid at the time of signing"))
        }
        Error::TransparencyLog(error) => log(error),
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => Refused::Time(with("a verified time of signing")),
        Error::Timestamp(_) => Refused::Time(with("a time stamp of an authority that the trusted root names")),
        Error::Bundle(error) => form(error),
        Error::InvalidTrustRoot(_) | Error::TrustRoot(_) | Error::TrustedCertificate(_) => {
            Refused::Root(with("a trusted root that can be used"))
        }
        _ => Refused::Form(with("a Sigstore bundle of a kind that is verified")),
    }
}

fn log(error: &TransparencyLogError) -> AttestationRefusal {
    use AttestationRefusal as Refused;
    let with = |expected: &str| Differs::new(expected, error.to_string());
    match error {
        TransparencyLogError::InclusionProof(_) => Refused::InclusionProof(with("a proof that the log holds the entry")),
        TransparencyLogError::Checkpoint(_) => Refused::Checkpoint(with("a state signed by a log that the trusted root names")),
        TransparencyLogError::InclusionPromise(_) => {
            Refused::InclusionPromise(with("a promise of a log that the trusted root names"))
        }
        // An entry that cannot be read is about nothing, this signature included.
        TransparencyLogError::EntryMismatch(_) | TransparencyLogError::MalformedEntry(_) => {
            Refused::LogEntry(with("a log entry about this signature"))
        }
        TransparencyLogError::IntegratedTime(_) => Refused::Time(with("a time within the validity of the certificate")),
        _ => Refused::Log(with("an entry of a log that the trusted root names")),
    }
}

fn form(error: &BundleError) -> AttestationRefusal {
    use AttestationRefusal as Refused;
    let with = |expected: &str| Differs::new(expected, error.to_string());
    match error {
        BundleError::MissingInclusionProof(_) | BundleError::LogIndexOutOfRange { .. } => {
            Refused::InclusionProof(with("a proof that the log holds the entry"))
        }
        BundleError::MissingInclusionPromise(_) => Refused::InclusionPromise(with("a promise of the log")),
        BundleError::MissingCheckpoint | BundleError::CheckpointRootMismatch => {
            Refused::Checkpoint(with("a signed state of the log that the proof leads to"))
        }
        BundleError::MissingSigningTimeEvidence | BundleError::MissingTimestamp => {
            Refused::Time(with("a verified time of signing"))
        }
        BundleError::CertificateChainNotAllowed(_) => Refused::MediaType(with("one certificate")),
        _ => Refused::Form(with("a Sigstore bundle of a kind that is verified")),
    }
}
