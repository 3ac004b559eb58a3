//! Verdicts: the one outcome for a sighting or a mention, named for what decided.

use super::Freshness;
use crate::digest::DigestMismatch;
use crate::evidence::{Change, Difference, Mention, Quote, Sighting, Unmeasured};
use crate::manifest::RevokedBy;
use crate::tool::Kind;
use crate::trust::Differs;
use crate::trust::attested::Attested;
use crate::trust::stored::StoredRefusal;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
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
    Unattested(Unattested),
    /// What would let it pass stands in documents that may not be used any more.
    Expired(Freshness),
    /// No approval names it, or none that counts yet.
    Unvetted {
        /// Versions of the tool that are approved.
        approved_versions: Vec<String>,
        /// What keeps an approval of exactly this from counting, where there is one: its release is too young.
        cooling: Option<Cooling>,
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

/// What is approved and not what is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// What was measured, as the manifest names it.
    pub what: String,
    /// Expected and found; none where something is there that should not be, or is not there.
    pub digests: Option<DigestMismatch>,
    /// The first file that differs, where a signed list tells.
    pub difference: Option<Difference>,
    /// Where that file is.
    pub place: Option<PathBuf>,
    /// What of the tool it is about.
    pub part: Part,
}

/// What of a tool is not what was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its own files, or the release that a lock file names.
    Own,
    /// The main package, of which a package for one platform is only a part.
    Main,
    /// The packages that it loads. Their list pins each as a whole, by one digest.
    Packages,
    /// What lies beside it, and its runtime would load with it.
    Beside,
}

impl Mismatch {
    /// The first difference in words. Of packages no file can be named, because their list has one digest for each.
    fn first_difference(&self) -> Option<String> {
        let Difference { path, change } = self.difference.as_ref()?;
        Some(match (self.part, change) {
            (Part::Packages, Change::Changed) => {
                format!("{path} (the list pins each package as a whole: which of its files differs is not known)")
            }
            (Part::Packages, Change::Extra) => format!("{path} belongs to no package on the list"),
            (Part::Main, Change::Changed) => format!("{path} is of another version, or cannot be read"),
            (_, Change::Changed) => path.clone(),
            (_, Change::Missing) => format!("{path} is missing"),
            (_, Change::Extra) => format!("{path} is extra"),
        })
    }
}

/// `the tree: dirHash 4be1c09f27aa is not the approved 9d20e6b1f3c4; first difference: bin/codex.js`.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.digests, self.first_difference()) {
            (Some(digests), Some(difference)) => write!(f, "{}: {digests}; first difference: {difference}", self.what),
            (Some(digests), None) => write!(f, "{}: {digests}", self.what),
            (None, Some(difference)) => write!(f, "{}: not what is approved; first difference: {difference}", self.what),
            (None, None) => write!(f, "{}: not what is approved", self.what),
        }
    }
}

/// A release that is too young for its approval to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooling {
    /// From when on the approval counts; never where nobody says since when the release is out.
    pub until: Option<Timestamp>,
    /// When it was released, or approved where the approval does not say.
    pub released: Option<Timestamp>,
    /// How old it has to be.
    pub cooldown: SignedDuration,
}

/// What is asked for and not attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattested {
    /// The attestation policy that asks for it. Without one, evidence that the approval names does not hold.
    pub policy: Option<String>,
    /// The release file, where it is about one.
    pub release: Option<String>,
    /// What is lacking.
    pub why: Lacking,
}

impl Unattested {
    /// What was expected: by the step of verification that failed where it came to one.
    #[must_use]
    pub fn expected(&self) -> String {
        self.differs().map_or_else(|| self.asked_for(), |differs| differs.expected)
    }

    /// What was found in its place.
    #[must_use]
    pub fn found(&self) -> String {
        self.differs().map_or_else(|| self.lacks(), |differs| differs.found)
    }

    fn differs(&self) -> Option<Differs> {
        match &self.why {
            Lacking::Refused { refusal, .. } => refusal.differs(),
            _ => None,
        }
    }

    fn asked_for(&self) -> String {
        let of = self.release.as_ref().map(|release| format!(" of {release}")).unwrap_or_default();
        match &self.policy {
            Some(policy) => format!("an attestation{of} as `{policy}` asks for one"),
            None => format!("that the evidence{of} which the approval names holds"),
        }
    }

    fn lacks(&self) -> String {
        match &self.why {
            Lacking::StatedNone => "the approval says that its release has none".to_owned(),
            Lacking::NoRelease => "the approval names no release file that one could speak of".to_owned(),
            Lacking::NoEvidence => "no evidence is written down for it".to_owned(),
            Lacking::UnknownPolicy => "the manifest has no such policy".to_owned(),
            Lacking::Refused { refusal, .. } => refusal.to_string(),
        }
    }

    /// The step of verification at which it was refused, where it came to one.
    #[must_use]
    pub fn step(&self) -> Option<&'static str> {
        match &self.why {
            Lacking::Refused { refusal, .. } => Some(refusal.step()),
            _ => None,
        }
    }
}

/// `expected an attestation of sigstore 2.3.1 as `npm` asks for one; found: no evidence is written down for it`.
impl fmt::Display for Unattested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}; found: {}", self.asked_for(), self.lacks())
    }
}

/// What an attestation lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// The approvers wrote down that the release has none.
    StatedNone,
    /// The approval names no release file that an attestation could speak of.
    NoRelease,
    /// The release file has no evidence.
    NoEvidence,
    /// The manifest has no such policy.
    UnknownPolicy,
    /// The evidence does not show it.
    Refused {
        /// The file, relative to the folder of the manifest.
        evidence: PathBuf,
        /// Why.
        refusal: Box<StoredRefusal>,
    },
}

/// What is known of the attestations of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attestation {
    /// They were verified in this run.
    Verified {
        /// Each with the policy that asks for it.
        proofs: Vec<Proven>,
        /// Release files of the approval for which nothing is attested.
        bare: Vec<String>,
    },
    /// There is none, and none is asked for.
    None,
    /// What is asked for or written down does not hold.
    Refused(Unattested),
}

impl Attestation {
    /// The word in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::None => "none",
            Self::Refused(_) => "refused",
        }
    }
}

/// One verified attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The attestation policy that asks for it; none where the approval merely names it.
    pub policy: Option<String>,
    /// What it shows.
    pub attested: Attested,
}

/// How an unvetted sighting compares with what its registry published, as this program knows it. It approves nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Published {
    /// Every byte that was compared is what the registry published.
    Same,
    /// Something is not.
    Differs(Mismatch),
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
        /// What is known of the attestations of these very bytes: those of the installation where its own tree holds them, none
        /// where a list of packages does, because the evidence of what is on a list is not looked at again.
        attestation: Box<Attestation>,
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
    /// The text of that line. The decision opens no file: whoever shows the report adds it, where the file is still the one that
    /// was believed.
    pub quote: Option<Quote>,
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
    /// What is known of the attestations of the approval behind it; none where no approval is.
    pub attestation: Option<Attestation>,
    /// How it compares with what its registry published, where it is unvetted and this program knows the release.
    pub published: Option<Published>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What to do about it.
    pub help: Vec<super::Help>,
}
