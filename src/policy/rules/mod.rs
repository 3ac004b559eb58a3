//! One rule a file. Each looks at one subject and says, of one kind of verdict, whether it holds; the order in which they are
//! asked stands in `decide` and nowhere else. What is found besides verdicts in repository content is in `repository`.

pub mod approved;
pub mod changed;
pub mod cooling;
pub mod expired;
pub mod mismatched;
pub mod published;
pub mod repository;
pub mod revoked;
pub mod unattested;
pub mod unverifiable;
pub mod unvetted;
pub mod waived;
pub mod within;

use super::verdict::{Item, Rule, Verdict};
use super::{Freshness, Origin, Policy};
use crate::catalogue::Tool;
use crate::digest::DigestSet;
use crate::evidence::{Extent, Mention, Request, Sighting};
use crate::manifest::{Approval, Artifact, AttestationPolicy, Installed, Manifest, Revocation, Shape, Target, Waiver};
use crate::tool::{Kind, Platform, ToolId};
use crate::version::{Scheme, Version};
use changed::ChangedTree;
use jiff::Timestamp;

/// What a rule is given: the subject and everything that may decide about it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// The catalogue entry of the tool.
    pub tool: &'a Tool,
    /// What is judged.
    pub item: &'a Item,
    /// The platform whose artifacts apply.
    pub platform: &'a Platform,
    /// The instant of the decision, never before a time that a document states: what has begun to be refused stays so.
    pub now: Timestamp,
    /// What the clock of this machine shows. A permission begins by it: no document can hasten one by stating a later time.
    pub clock: Timestamp,
    /// Until when the documents may be used. It cannot be told from `now`, which is never behind them.
    pub freshness: Freshness,
}

/// What a rule found.
#[derive(Debug, Clone)]
pub struct Ruling<'a> {
    /// The verdict it proposes.
    pub verdict: Verdict,
    /// The revocation behind it, where one is.
    pub revocation: Option<&'a Revocation>,
    /// The approval behind it, where one is.
    pub approval: Option<&'a Approval>,
    /// The attestation policy behind it, where one is.
    pub attestation: Option<&'a AttestationPolicy>,
    /// The waiver behind it, where one is.
    pub waiver: Option<&'a Waiver>,
    /// Where the rule stands. The manifest's waivers do not lift what a repository or a user revoked.
    pub origin: Origin<'a>,
    /// Revocations that cover the subject and were lifted on the way here, each with its waiver.
    pub lifted: Vec<Lift<'a>>,
    /// The mismatched installation with which an unvetted subject came.
    pub came_with: Option<&'a ChangedTree<'a>>,
}

/// A revocation that a waiver lifts.
#[derive(Debug, Clone, Copy)]
pub struct Lift<'a> {
    /// The waiver.
    pub waiver: &'a Waiver,
    /// The revocation.
    pub revocation: &'a Revocation,
}

impl<'a> Ruling<'a> {
    /// A ruling of the manifest as a whole.
    pub(crate) fn of_manifest(verdict: Verdict) -> Self {
        let (revocation, approval, attestation, waiver, came_with) = (None, None, None, None, None);
        Self { verdict, revocation, approval, attestation, waiver, origin: Origin::Manifest, lifted: Vec::new(), came_with }
    }

    /// Where what decided stands: its layer, file and line.
    #[must_use]
    pub fn rule(&self, policy: &'a Policy) -> Rule {
        let line = self.revocation.map(|r| r.line).or(self.waiver.map(|w| w.line)).or(self.attestation.map(|a| a.line));
        let line = line.or(self.approval.map(|a| a.line));
        Rule { layer: self.origin.layer(), path: self.origin.path(policy).map(ToOwned::to_owned), line, quote: None }
    }
}

impl<'a> Case<'a> {
    /// How the versions of the tool are ordered: by the package's ecosystem where one is known, else by the catalogue.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.item {
            Item::Sighting(s) => s.package.as_ref().map_or(self.tool.scheme(), |p| p.ecosystem.scheme()),
            Item::Mention(m) => m.package.ecosystem.scheme(),
        }
    }

    /// The version, where one is known.
    #[must_use]
    pub fn version(&self) -> Option<&'a Version> {
        match self.item {
            Item::Sighting(s) => s.version.as_ref(),
            Item::Mention(m) => match &m.request {
                Request::Exact(version) => Some(version),
                Request::Floating { .. } => None,
            },
        }
    }

    /// The sighting, when it is one.
    #[must_use]
    pub fn sighting(&self) -> Option<&'a Sighting> {
        match self.item {
            Item::Sighting(s) => Some(s),
            Item::Mention(_) => None,
        }
    }

    /// The mention, when it is one.
    #[must_use]
    pub fn mention(&self) -> Option<&'a Mention> {
        match self.item {
            Item::Mention(m) => Some(m),
            Item::Sighting(_) => None,
        }
    }

    /// What a revocation is asked about it.
    #[must_use]
    pub fn target<'t>(&'t self, digests: &'t [&'t DigestSet]) -> Target<'t> {
        let package = match self.item {
            Item::Sighting(s) => s.package.as_ref(),
            Item::Mention(m) => Some(&m.package),
        };
        Target {
            tool: &self.tool.id,
            vendor: &self.tool.vendor,
            model: package.filter(|_| self.tool.kind == Kind::Model).map(|p| p.name.as_str()),
            package,
            version: self.version(),
            scheme: self.scheme(),
            digests,
        }
    }

    /// Every digest that is known of the subject, one set for each file.
    pub fn digests(&self) -> impl Iterator<Item = &'a DigestSet> {
        let (executables, integrity) = match self.item {
            Item::Sighting(s) => (s.executables.as_slice(), &[][..]),
            Item::Mention(m) => (&[][..], m.integrity.files()),
        };
        executables.iter().filter_map(|e| e.digests.as_ref().ok()).chain(integrity)
    }

    /// Approvals of exactly this version. Of a mention also those that name its package and version as a release file: the package
    /// for a platform may count its versions in its own way (`0.169.0-linux-x64`).
    #[must_use]
    pub fn approvals(&self) -> Vec<&'a Approval> {
        let Some(version) = self.version() else { return Vec::new() };
        let manifest = self.policy.manifest();
        let of_version = approvals_of_version(manifest, &self.tool.id, version, self.scheme());
        match self.mention() {
            Some(mention) if of_version.is_empty() => {
                let all = manifest.tools.iter().filter(|entry| entry.id == self.tool.id).flat_map(|entry| &entry.approvals);
                all.filter(|approval| mismatched::releases(approval).any(|r| mismatched::is_of(r, mention))).collect()
            }
            _ => of_version,
        }
    }
}

/// The approvals that a manifest has for exactly the version of a sighting.
pub(crate) fn approvals_of<'a>(manifest: &'a Manifest, sighting: &Sighting, scheme: Scheme) -> Vec<&'a Approval> {
    match &sighting.version {
        Some(version) => approvals_of_version(manifest, &sighting.tool, version, scheme),
        None => Vec::new(),
    }
}

fn approvals_of_version<'a>(manifest: &'a Manifest, tool: &ToolId, version: &Version, scheme: Scheme) -> Vec<&'a Approval> {
    let tools = manifest.tools.iter().filter(|entry| entry.id == *tool);
    tools.flat_map(|entry| entry.approvals.of_version(|text| version.is_written(scheme, text))).collect()
}

/// The `installed` artifacts of an approval that can apply to a sighting on a platform. A file that lies alone is compared with
/// the file artifacts only; a folder is never compared with an artifact that is the tool as one file.
pub(crate) fn applicable<'a>(approval: &'a Approval, sighting: &Sighting, platform: &Platform) -> Vec<&'a Installed> {
    let lies_alone = sighting.extent == Extent::File;
    let installed = approval.artifacts.iter().filter_map(|artifact| match artifact {
        Artifact::Installed(installed) => Some(installed),
        Artifact::Release { .. } => None,
    });
    installed
        .filter(|i| i.platform.as_ref().is_none_or(|p| p == platform))
        .filter(|i| match &i.shape {
            Shape::Tree { .. } | Shape::Json { .. } | Shape::Packages => !lies_alone,
            Shape::File { path } => path.is_empty() == lies_alone,
        })
        .collect()
}
