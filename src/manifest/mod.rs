//! The documents a security team signs, as the program may use them.
//!
//! `schema` reads exactly what the file says, with spans and unknown keys refused; `validate` turns it into the model below and
//! collects every problem on the way; `edit` changes a file without disturbing the rest of it; `layer` lets a lower layer
//! narrow. The normative text is `docs/manifest.md`. Nothing here believes anything: belief is made in `trust`.

mod address;
mod approvals;
pub mod attestation_policy;
mod client;
mod diagnostic;
pub mod difference;
mod directive;
pub mod duration;
pub mod edit;
pub mod file_list;
pub mod index;
pub mod json;
pub mod layer;
mod level;
pub mod machine;
pub mod package_list;
mod revocation;
mod revocations;
mod schema;
pub mod scope;
pub mod source;
pub mod together;
pub mod trust_policy;
mod validate;

pub use address::Address;
pub use approvals::Approvals;
pub use attestation_policy::{AttestationPolicy, Attestor, BundleVersion};
pub use client::ClientRequirement;
pub use diagnostic::{ManifestErrors, Problem, Weight};
pub use directive::{DirectiveApproval, DirectiveKind};
pub use level::{Level, Levelled, Rules, Schedule};
pub use package_list::{ListedPackage, PackageList, PackageListError};
pub use revocation::{Affected, Coverage, Reason, Replacement, Revocation, RevokedBy, Severity, Subject, Target};
pub use revocations::{Beacon, Revocations};
pub use trust_policy::TrustPolicy;
pub use validate::{MACHINE_KIND, MANIFEST_KIND, REVOCATIONS_KIND, SOURCE_KIND, TRUST_KIND};

use crate::digest::DigestSet;
use crate::tool::{Kind, Package, PackageVersion, Platform, ToolId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The largest `vetted.toml` and `vetted-revocations.toml` that is read, in bytes (`docs/manifest.md`, "Limits"). Their signatures are
/// verified over the bytes before anything of them is parsed.
pub const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;
/// The largest of the documents that are parsed before anybody vouches for them, in bytes: the trust policy, which says itself who
/// may sign it, and what is not signed (the layers of repositories and users, `vetted-machine.toml`, `vetted-source.toml`).
pub const MAX_UNVERIFIED: u64 = 4 * 1024 * 1024;
/// The largest signature bundle that is read, in bytes.
pub const MAX_BUNDLE: u64 = 1024 * 1024;
/// For how long after its end a document that this machine knew before still approves, where the manifest does not say.
pub const GRACE: SignedDuration = SignedDuration::from_hours(72);
/// The longest grace that a manifest may give.
pub const MAX_GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The longest cooldown that a document may ask for.
pub const MAX_COOLDOWN: SignedDuration = SignedDuration::from_hours(366 * 24);
/// How old a policy may be before a newer one is asked for, where the manifest does not say.
pub const POLL: SignedDuration = SignedDuration::from_hours(1);

/// What every signed document says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Whose policy it is, for example `acme.example/ai-tools`. State is kept per name.
    pub name: String,
    /// Strictly increasing; a lower one is a rollback.
    pub serial: u64,
    /// When it was made.
    pub issued: Timestamp,
    /// From when on it approves nothing new.
    pub expires: Timestamp,
}

/// Whether what is not approved stops a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Unvetted tools are listed and pass; revoked ones block all the same.
    Monitor,
    /// What is not approved blocks.
    Enforce,
}

/// What happens to a recognised tool that no approval names. Ordered from lenient to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlisted {
    /// Pass in silence (it is still listed).
    Allow,
    /// Pass with a warning.
    Warn,
    /// Block.
    Block,
}

/// `vetted.toml`: approvals, revocations, waivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name, serial, times.
    pub header: Header,
    /// Monitor or enforce.
    pub mode: Mode,
    /// What happens to an unlisted tool, by kind; complete.
    pub unlisted: BTreeMap<Kind, Unlisted>,
    /// Tools with their approvals, in file order.
    pub tools: Vec<ToolEntry>,
    /// What attestations have to show, in file order. Tools name them by `require`.
    pub attestations: Vec<AttestationPolicy>,
    /// How old a release has to be before its approval counts.
    pub cooldown: SignedDuration,
    /// The oldest form of a bundle that counts, where a policy does not say.
    pub min_bundle: BundleVersion,
    /// Refusals, in file order. Withdrawn ones are already left out.
    pub revocations: Vec<Revocation>,
    /// Ends of revocations, of this document and of `vetted-revocations.toml`, in file order.
    pub withdrawn: Vec<Withdrawn>,
    /// Permissions to pass for a time, in file order.
    pub waivers: Vec<Waiver>,
    /// How much findings weigh, as far as it is said.
    pub rules: Rules,
    /// What repository content may tell AI tools to do, in file order.
    pub directives: Vec<DirectiveApproval>,
    /// What groups of machines narrow, in file order.
    pub overlays: Vec<Overlay>,
    /// For how long after their end documents that a machine knew before still approve there.
    pub grace: SignedDuration,
    /// Where newer documents are had from, and how often.
    pub sync: SyncRules,
    /// Which versions of this program may believe it; `None` is every one that can read it.
    pub requires_client: Option<ClientRequirement>,
    /// Where `mode`, `unlisted`, `cooldown` and `rules` stand.
    pub lines: RuleLines,
}

/// Lines on which the rules stand that hold for all tools. What is not written has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLines {
    /// `mode`.
    pub mode: Option<u32>,
    /// `unlisted`, by kind.
    pub unlisted: BTreeMap<Kind, u32>,
    /// `cooldown`.
    pub cooldown: Option<u32>,
    /// `rules`, by finding.
    pub rules: BTreeMap<Levelled, u32>,
}

impl Manifest {
    /// The waivers that run for longer than the trust policy lets one run ([`TrustPolicy::waiver_limit`]).
    #[must_use]
    pub fn waivers_longer_than(&self, limit: SignedDuration) -> Vec<&Waiver> {
        self.waivers.iter().filter(|waiver| waiver.expires.duration_since(waiver.starts) > limit).collect()
    }
}

/// `[[withdrawn]]`: the only end of a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The revocation.
    pub id: String,
    /// Why it ends.
    pub reason: String,
    /// Line in the manifest.
    pub line: u32,
}

/// `[[overlay]]`: what a group of machines narrows. It has no field that could allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// The group it holds for.
    pub group: String,
    /// At least this mode.
    pub mode: Option<Mode>,
    /// At least this strict for unlisted tools, by kind.
    pub unlisted: BTreeMap<Kind, Unlisted>,
    /// At least this cooldown.
    pub cooldown: Option<SignedDuration>,
    /// At least these levels.
    pub rules: Rules,
    /// Further revocations.
    pub revocations: Vec<Revocation>,
    /// Line in the manifest.
    pub line: u32,
    /// Where `mode`, `unlisted`, `cooldown` and `rules` stand.
    pub lines: RuleLines,
}

/// `[sync]`: where newer documents are had from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRules {
    /// Addresses, tried in order: `https://`, `git+https://`, `git+ssh://`, `git+file://`, `tuf+https://`, `file://`.
    pub sources: Vec<String>,
    /// After how long a newer policy is asked for.
    pub every: SignedDuration,
}

impl Default for SyncRules {
    fn default() -> Self {
        Self { sources: Vec::new(), every: POLL }
    }
}

/// `[[tool]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolEntry {
    /// An id of the catalogue, or a new one with `recognise`.
    pub id: ToolId,
    /// How to recognise a tool that the built-in catalogue does not know.
    pub recognise: Option<Recognise>,
    /// Attestation policies that must hold for the release of each approved version, all of them, by id.
    pub require: Vec<String>,
    /// The versions that are allowed.
    pub approvals: Approvals,
}

/// `[tool.recognise]`: a catalogue entry of the organisation's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognise {
    /// Who makes it.
    pub vendor: String,
    /// What kind of tool it is.
    pub kind: Kind,
    /// Its packages, exact names.
    pub packages: Vec<Package>,
    /// Names of its executables.
    pub binaries: Vec<String>,
}

/// `[[tool.approval]]`: one version of a tool, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The version, as its ecosystem writes it.
    pub version: String,
    /// Who approved it and when.
    pub approved: Option<Approved>,
    /// When the registry published it.
    pub released: Option<Timestamp>,
    /// Whether the approvers wrote down that its release has no attestation.
    pub is_unattested: bool,
    /// What must be on disk, and what the registry serves.
    pub artifacts: Vec<Artifact>,
    /// Line in the manifest.
    pub line: u32,
}

impl Approval {
    /// From when on a cooldown runs: since the release was published, where that is written, else since it was approved. Without either
    /// an approval is never old enough for a cooldown.
    #[must_use]
    pub fn cools_from(&self) -> Option<Timestamp> {
        self.released.or_else(|| self.approved.as_ref().map(|approved| approved.at))
    }

    /// Its `release` artifacts, in file order.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        self.artifacts.iter().filter_map(|artifact| match artifact {
            Artifact::Release(release) => Some(release),
            Artifact::Installed(_) => None,
        })
    }

    /// Its `installed` artifacts, in file order.
    pub fn installed(&self) -> impl Iterator<Item = &Installed> {
        self.artifacts.iter().filter_map(|artifact| match artifact {
            Artifact::Installed(installed) => Some(installed),
            Artifact::Release(_) => None,
        })
    }
}

/// Who approved, when, under which ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Names of people, as the manifest writes them.
    pub by: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// A reference into the organisation's own records.
    pub ticket: Option<String>,
}

/// One thing with digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Artifact {
    /// What the registry serves: compared with a lock file's integrity.
    Release(Release),
    /// What lies on disk after installation.
    Installed(Installed),
}

/// A `release` artifact: one file that the registry serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Which package it is.
    pub package: Option<PackageVersion>,
    /// Digests of the file.
    pub digests: DigestSet,
    /// Bundles that speak of it.
    pub evidence: Vec<EvidenceRef>,
}

/// A file of evidence beside the manifest, pinned by digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EvidenceRef {
    /// Relative to the folder of the manifest.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// An `installed` artifact: a measurement that must give these digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Only there; `None` is everywhere.
    pub platform: Option<Platform>,
    /// The package in whose folder it is measured; `None` is the tool's own.
    pub package: Option<PackageVersion>,
    /// What is measured.
    pub shape: Shape,
    /// What the measurement must give.
    pub digests: DigestSet,
    /// The signed list of the files of a tree, to name the first one that differs.
    pub files: Option<FileListRef>,
}

/// What of an installed tool is measured, relative to its root (the package folder, `site-packages`, or the file itself).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// One file; the path is empty when the tool is that file.
    File {
        /// `/`-separated, relative, without `.` and `..`.
        path: String,
    },
    /// All files below the root that match, as a directory hash.
    Tree {
        /// Globs of what belongs to it; empty is everything.
        include: Vec<String>,
        /// Globs of what is left out.
        exclude: Vec<String>,
    },
    /// One JSON file, by the SHA-256 of what it says without some of its members: an editor writes its own into the `package.json` of
    /// an extension.
    Json {
        /// `/`-separated, relative, without `.` and `..`.
        path: String,
        /// Members of the outermost object that are set aside.
        without: Vec<String>,
    },
    /// Every package that the tool loads besides its own: each that is there has to be on the pinned list, with its bytes.
    Packages,
}

/// A file list beside the manifest, pinned by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileListRef {
    /// Relative to the folder of the manifest.
    pub path: PathBuf,
    /// SHA-256 of the list, hex.
    pub digests: DigestSet,
}

/// `[[waiver]]`: a dated, owned, reasoned permission to pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Unique.
    pub id: String,
    /// What it lifts.
    pub lifts: Vec<Lifts>,
    /// Which tool.
    pub tool: ToolId,
    /// Which versions; empty is all.
    pub versions: Vec<String>,
    /// Only files with one of these digests; empty is all.
    pub digests: DigestSet,
    /// Only there; `None` is everywhere.
    pub scope: Option<Scope>,
    /// Who answers for it.
    pub owner: String,
    /// Who agreed; never the owner.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// From when.
    pub starts: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// Line in the manifest.
    pub line: u32,
}

/// Where a waiver or an approved directive holds: in one of the repositories *and* on a machine of one of the groups *and* for what
/// one of the paths names, each where it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Globs over `host/path` of the repository's origin; empty is every place, also outside of a repository.
    pub repositories: Vec<String>,
    /// Groups of machines; empty is every machine.
    pub groups: Vec<String>,
    /// Globs over paths in the repository: only what these files name or tell, never what is installed. Empty is every file, and what
    /// is installed.
    pub paths: Vec<String>,
}

/// What a waiver lifts. There is no word for a mismatch: a waiver never lifts one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifts {
    /// A revocation that is not critical, by id.
    Revocation(String),
    /// The absence of an approval.
    Unvetted,
}

impl Lifts {
    /// The word that lifts the absence of an approval.
    const UNVETTED: &str = "unvetted";

    /// What a word of `lifts` means: `unvetted`, else the id of a revocation.
    #[must_use]
    pub fn of_word(word: String) -> Self {
        if word == Self::UNVETTED { Self::Unvetted } else { Self::Revocation(word) }
    }

    /// The word in a document.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Revocation(id) => id,
            Self::Unvetted => Self::UNVETTED,
        }
    }
}
