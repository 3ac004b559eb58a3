//! One rule a file. Each looks at one subject and says, of one kind of verdict, whether it holds; the order in which they are
//! asked stands in `decide` and nowhere else.

pub mod approved;
pub mod expired;
pub mod mismatched;
pub mod revoked;
pub mod unverifiable;
pub mod unvetted;
pub mod waived;
pub mod within;

use super::Policy;
use super::verdict::{Item, Verdict};
use crate::catalogue::Tool;
use crate::digest::DigestSet;
use crate::evidence::{Extent, Mention, Request, Sighting};
use crate::manifest::{Approval, Artifact, Installed, Revocation, Shape, Target};
use crate::tool::{Kind, Platform, ToolId};
use crate::version::{Scheme, Version};
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
    /// The instant of the decision.
    pub now: Timestamp,
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
    /// Who stands behind the rule.
    pub decided_by: String,
    /// Whether a lower layer made it. The manifest's waivers do not lift it: a repository that revokes under the id of a waived
    /// revocation would otherwise make the waiver stand for the approval of the tool.
    pub of_layer: bool,
}

impl<'a> Ruling<'a> {
    /// A ruling of the manifest as a whole.
    pub(crate) fn of_manifest(case: &Case<'a>, verdict: Verdict) -> Self {
        Self { verdict, revocation: None, approval: None, decided_by: case.policy.authority(), of_layer: false }
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
            Item::Sighting(s) => (s.executables.as_slice(), None),
            Item::Mention(m) => (&[][..], Some(&m.integrity)),
        };
        executables.iter().filter_map(|e| e.digests.as_ref().ok()).chain(integrity)
    }

    /// Approvals of exactly this version.
    #[must_use]
    pub fn approvals(&self) -> Vec<&'a Approval> {
        match self.version() {
            Some(version) => approvals_of_version(self.policy, &self.tool.id, version, self.scheme()),
            None => Vec::new(),
        }
    }
}

/// The approvals of exactly the version of a sighting.
pub(crate) fn approvals_of<'a>(policy: &'a Policy, sighting: &Sighting, scheme: Scheme) -> Vec<&'a Approval> {
    match &sighting.version {
        Some(version) => approvals_of_version(policy, &sighting.tool, version, scheme),
        None => Vec::new(),
    }
}

fn approvals_of_version<'a>(policy: &'a Policy, tool: &ToolId, version: &Version, scheme: Scheme) -> Vec<&'a Approval> {
    let tools = policy.manifest().tools.iter().filter(|entry| entry.id == *tool);
    tools.flat_map(|entry| &entry.approvals).filter(|a| Version::parse(scheme, &a.version) == *version).collect()
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
            Shape::Tree { .. } => !lies_alone,
            Shape::File { path } => path.is_empty() == lies_alone,
        })
        .collect()
}
