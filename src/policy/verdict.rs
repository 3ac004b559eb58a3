//! Verdicts: the one outcome for a sighting or a mention, named for what decided.

use super::Freshness;
use crate::digest::DigestMismatch;
use crate::evidence::{Difference, Mention, Sighting, Unmeasured};
use crate::manifest::RevokedBy;
use crate::tool::Kind;
use jiff::Timestamp;
use std::path::PathBuf;

/// The one outcome for a sighting or mention. The order of the variants is the order of precedence, strongest first.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A revocation covers it.
    Revoked {
        /// The revocation.
        id: String,
        /// What matched.
        by: RevokedBy,
    },
    /// An approval names its version and its bytes are others.
    Mismatched(Mismatch),
    /// What would decide cannot be known.
    Unverifiable(Why),
    /// An attestation that the manifest asks for is missing or refused.
    Unattested(String),
    /// What would let it pass stands in documents that may not be used any more.
    Expired(Freshness),
    /// No approval names it.
    Unvetted {
        /// Versions of the tool that are approved.
        approved_versions: Vec<String>,
    },
    /// A live waiver lets it pass.
    Waived {
        /// The waiver.
        id: String,
        /// What it lifts here.
        lifted: String,
        /// Until when.
        until: Timestamp,
    },
    /// Approved, and by what.
    Approved(Grounds),
}

/// Which approved digest is not the one on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// What was measured, as the manifest names it.
    pub what: String,
    /// Expected and found.
    pub digests: DigestMismatch,
    /// The first file that differs, where a signed list tells.
    pub difference: Option<Difference>,
}

/// Why nothing can be decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// No version could be read, and a revocation or approval depends on it.
    UnknownVersion,
    /// What the approval pins could not be measured.
    Unmeasured {
        /// What was asked for.
        what: String,
        /// What stood in the way.
        why: Unmeasured,
    },
    /// The executable could not be digested, and a revocation by digest could concern it.
    Undigested(Unmeasured),
}

/// The positive fact that approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grounds {
    /// Every pinned artefact on disk has the approved digests.
    Installed,
    /// It lies inside an approved installation, and the approved tree covers every byte of it.
    Within {
        /// The installation: `mcp-memory 2026.8.31`.
        subject: String,
    },
    /// The lock's integrity is the approved release digest.
    Release,
    /// A mention names an approved version and gives no digest that could be compared; what gets installed is compared.
    VersionListed,
}

impl Verdict {
    /// The word in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Revoked { .. } => "revoked",
            Self::Mismatched(_) => "mismatched",
            Self::Unverifiable(_) => "unverifiable",
            Self::Unattested(_) => "unattested",
            Self::Expired(_) => "expired",
            Self::Unvetted { .. } => "unvetted",
            Self::Waived { .. } => "waived",
            Self::Approved(_) => "approved",
        }
    }

    /// Position in the order of precedence, 0 first.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Revoked { .. } => 0,
            Self::Mismatched(_) => 1,
            Self::Unverifiable(_) => 2,
            Self::Unattested(_) => 3,
            Self::Expired(_) => 4,
            Self::Unvetted { .. } => 5,
            Self::Waived { .. } => 6,
            Self::Approved(_) => 7,
        }
    }
}

/// What a verdict does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Passes.
    Pass,
    /// Passes and is worth a look.
    Warn,
    /// Could not be decided, and the answer matters.
    Undecided,
    /// Blocks.
    Block,
}

/// The answer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing blocks and everything that matters was decided.
    Approved,
    /// The policy blocks.
    Blocked,
    /// Could not decide.
    Undecided,
}

impl Outcome {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Blocked => "blocked",
            Self::Undecided => "undecided",
        }
    }
}

/// What a judgement speaks of.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a report holds a handful of them, most of them sightings")]
pub enum Item {
    /// A tool found installed.
    Sighting(Sighting),
    /// A tool named by repository content.
    Mention(Mention),
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// In which document or layer: `manifest`, `revocations`, `overlay`, `repository`, `user`.
    pub layer: &'static str,
    /// The file; none for what is part of the program.
    pub path: Option<PathBuf>,
    /// The line, where the rule is one entry of the file.
    pub line: Option<u32>,
}

/// One sighting or mention with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What was judged.
    pub item: Item,
    /// Who makes the tool.
    pub vendor: String,
    /// What kind of tool it is.
    pub kind: Kind,
    /// The verdict.
    pub verdict: Verdict,
    /// What it does to the run under the mode in force.
    pub effect: Effect,
    /// In one sentence, why.
    pub why: String,
    /// Who decided: the policy and its signers, or the layer.
    pub decided_by: String,
    /// Where what decided stands.
    pub rule: Rule,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What to do about it.
    pub help: Vec<super::Help>,
}
