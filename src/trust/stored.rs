//! Evidence that approvals name, verified again: a file beside the manifest is worth what it proves in this run.
//!
//! What is asked stands in [`Asked`]; what came of it in an [`AttestedSet`], which only this module can fill. What is not in the
//! set was not verified, and nothing takes that for a pass.

use super::attested::{Attested, Expectation};
use crate::digest::{DigestMismatch, DigestSet};
use crate::manifest::{BundleVersion, EvidenceRef};
use crate::text::{printable, printable_path};
use std::path::PathBuf;
use thiserror::Error;

/// One question: does this file of evidence show this of a release file with these digests?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Digests of the release file, as the approval pins them.
    pub subject: DigestSet,
    /// The file of evidence.
    pub evidence: EvidenceRef,
    /// What it has to show.
    pub expected: Expected,
}

/// What evidence has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// What a policy of the manifest asks for.
    Policy {
        /// The Sigstore instance that vouches.
        instance: String,
        /// Who, what, from where.
        expectation: Box<Expectation>,
    },
    /// That somebody attested it at an instance that this machine knows. Who that is, is reported and not asked.
    Anyone {
        /// The oldest form of a bundle that counts.
        min_bundle: BundleVersion,
    },
}

/// Why a stored file of evidence shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoredRefusal {
    /// Nobody verified it in this run.
    #[error("it was not verified")]
    NotVerified,
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The file is another one than the manifest pins.
    #[error("`{}` is not the file that the manifest pins: expected {}, found {}", printable_path(.path), .digests.expected, .digests.actual)]
    Swapped {
        /// Relative to the folder of the manifest.
        path: PathBuf,
        /// Expected and found.
        digests: DigestMismatch,
    },
    /// It is no evidence in a form that is read.
    #[error("`{}` is no evidence that is read: {why}", printable_path(.path))]
    Form {
        /// Relative to the folder of the manifest.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There is no trusted root to verify it under.
    #[error("there is no trusted root of `{}` to verify it under: {why}", printable(.instance))]
    Root {
        /// The Sigstore instance.
        instance: String,
        /// Why.
        why: String,
    },
}

impl StoredRefusal {
    /// The step that failed, as a word.
    #[must_use]
    pub fn step(&self) -> &'static str {
        match self {
            Self::NotVerified => "not-verified",
            Self::Unreadable(_) => "evidence-file",
            Self::Swapped { .. } => "evidence-digest",
            Self::Form { .. } => "form",
            Self::Root { .. } => "trusted-root",

        }
    }
}

/// What was verified of the evidence that approvals name. Can be filled only in `trust`.
#[derive(Debug, Clone, Default)]
pub struct AttestedSet {
    answers: Vec<(Asked, Result<Attested, StoredRefusal>)>,
}

impl AttestedSet {
    /// What was found when this was asked.
    ///
    /// # Errors
    /// [`StoredRefusal`]; [`StoredRefusal::NotVerified`] where it was not asked.
    pub fn of(&self, asked: &Asked) -> Result<&Attested, &StoredRefusal> {
        match self.answers.iter().find(|(known, _)| known == asked) {
            Some((_, Ok(attested))) => Ok(attested),
            Some((_, Err(refusal))) => Err(refusal),
            None => Err(&StoredRefusal::NotVerified),
        }
    }

    /// A set believed without proof, for tests of what follows from it.
    #[cfg(test)]
    pub(crate) fn for_test(answers: Vec<(Asked, Result<Attested, StoredRefusal>)>) -> Self {
        Self { answers }
    }
}
