//! The decision: pure. Values in, a report out; no file, no clock, no environment, no printing.
//!
//! Every path starts at "blocked" and is turned to approved by a positive fact. The order is fixed and written once, in
//! [`decide()`]: revoked, mismatched, unverifiable, unattested, expired, unvetted, waived, approved.

mod about_policy;
mod account;
mod decide;
mod finding;
mod findings;
mod fingerprint;
mod freshness;
mod levels;
mod pinning;
mod remedy;
pub mod rules;
#[cfg(test)]
mod tests;
mod verdict;

pub use crate::manifest::RevokedBy;
pub use account::{Account, Question, Said, Statement, account, imagined};
pub use decide::{decide, evidence_wanted};
pub use finding::{Code, Finding, Help, Place, Severity};
pub use fingerprint::{FINGERPRINT, Fingerprints, fingerprints};
pub use freshness::{Document, Freshness};
pub use pinning::{Choice, Fixable, Pinning, Unfit, point_to_fix, unfit};
pub use verdict::{
    Attestation, Cooling, Effect, Grounds, Item, Judgement, Lacking, Mismatch, Outcome, Part, Proven, Published, Rule,
    Unattested, Verdict, Why,
};

use crate::evidence::{Coverage, Directive, Sighting, Trace};
use crate::manifest::layer::{Layer, Narrowing};
use crate::manifest::scope::Site;
use crate::manifest::{Header, Installed, Manifest, Mode, Revocation, Revocations, Unlisted};
use crate::tool::{Kind, Platform};
use crate::trust::stored::AttestedSet;
use crate::trust::{Memory, Proof, Verified};
use crate::version::Scheme;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The policy in force: a verified manifest, the verified revocations beside it, and the layers that narrow them.
///
/// Approvals and waivers come from the verified manifest alone. The revocations document and a lower layer have no field by
/// which they could allow (`docs/manifest.md`, "Layers").
#[derive(Debug, Clone)]
pub struct Policy {
    manifest: Verified<Manifest>,
    revocations: Option<Verified<Revocations>>,
    memory: Memory,
    site: Site,
    has_source: bool,
    layers: Vec<Narrowing>,
    /// Ids whose revocations the manifest ended.
    withdrawn: HashSet<String>,
    /// What was verified of the evidence that approvals name.
    attested: AttestedSet,
    /// What registries published of releases, as this program knows it. Nothing in it approves.
    releases: Option<Verified<Manifest>>,
}

impl Policy {
    /// The policy of one verified manifest, on a machine of no group and outside of a repository.
    #[must_use]
    pub fn new(manifest: Verified<Manifest>) -> Self {
        let withdrawn = manifest.get().withdrawn.iter().map(|w| w.id.clone()).collect();
        let has_source = !manifest.get().sync.sources.is_empty();
        let (revocations, memory, site) = (None, Memory::default(), Site::default());
        let (layers, attested, releases) = (Vec::new(), AttestedSet::default(), None);
        Self { manifest, revocations, memory, site, has_source, layers, withdrawn, attested, releases }
    }

    /// The same policy with what was verified of the evidence that its approvals name. What is not in the set was not verified.
    #[must_use]
    pub fn with_attested(mut self, attested: AttestedSet) -> Self {
        self.attested = attested;
        self
    }

    /// The same policy with what this program knows of releases, to compare unvetted tools with. It approves nothing.
    #[must_use]
    pub fn with_releases(mut self, releases: Verified<Manifest>) -> Self {
        self.releases = Some(releases);
        self
    }

    /// The same policy with the organisation's revocations document.
    #[must_use]
    pub fn with_revocations(mut self, revocations: Verified<Revocations>) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// The same policy with what this machine remembers of its documents.
    #[must_use]
    pub fn with_memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// The same policy at a site: under the overlays of its groups, and with the waivers that hold there.
    #[must_use]
    pub fn at(mut self, site: Site) -> Self {
        self.layers.retain(|layer| !layer.layer.is_of_manifest());
        let path = self.path().map(Path::to_owned).unwrap_or_default();
        let overlays = self.manifest().overlays.iter().filter(|overlay| site.groups.contains(&overlay.group));
        let overlays: Vec<Narrowing> = overlays.map(|overlay| Narrowing::of_overlay(path.clone(), overlay)).collect();
        self.layers.splice(0..0, overlays);
        self.site = site;
        self
    }

    /// The same policy on a machine that knows where newer documents are had from, whatever the manifest says.
    #[must_use]
    pub fn with_source(mut self) -> Self {
        self.has_source = true;
        self
    }

    /// The same policy under one more layer.
    #[must_use]
    pub fn narrowed_by(mut self, layer: Narrowing) -> Self {
        self.layers.push(layer);
        self
    }

    /// The verified manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.manifest.get()
    }

    /// Why the manifest is believed.
    #[must_use]
    pub fn manifest_proof(&self) -> &Proof {
        self.manifest.proof()
    }

    /// The believed revocations document, where there is one.
    #[must_use]
    pub fn revocations_document(&self) -> Option<&Revocations> {
        self.revocations.as_ref().map(Verified::get)
    }

    /// Why the manifest is believed.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        self.manifest.proof()
    }

    /// Why the revocations document is believed.
    #[must_use]
    pub fn revocations_proof(&self) -> Option<&Proof> {
        self.revocations.as_ref().map(Verified::proof)
    }

    /// The layers below the manifest, outermost first.
    #[must_use]
    pub fn layers(&self) -> &[Narrowing] {
        &self.layers
    }

    /// Where this run takes place.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Whether this machine knows where newer documents are had from.
    #[must_use]
    pub fn has_source(&self) -> bool {
        self.has_source
    }

    /// The manifest's file, where it has one.
    fn path(&self) -> Option<&Path> {
        match self.proof() {
            Proof::BuiltIn => None,
            Proof::Signed { path, .. } => Some(path),
        }
    }

    /// Until when the documents may be used, by the clock of this machine.
    #[must_use]
    pub fn freshness(&self, clock: Timestamp) -> Freshness {
        freshness::of(self, clock)
    }

    /// The instant to decide for: the clock of this machine, and never before a time that a believed document states. A clock
    /// that was set back would otherwise end revocations that have begun.
    #[must_use]
    pub fn instant(&self, clock: Timestamp) -> Timestamp {
        let stated =
            [self.memory.latest, Some(self.manifest().header.issued), self.revocations_document().map(|r| r.header.issued)];
        stated.into_iter().flatten().fold(clock, Timestamp::max)
    }

    /// The strictest mode of all layers.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.layers.iter().filter_map(|l| l.mode).fold(self.manifest().mode, Mode::max)
    }

    /// The strictest rule of all layers for unlisted tools of a kind.
    #[must_use]
    pub fn unlisted(&self, kind: Kind) -> Unlisted {
        let top = unlisted_of(self.manifest(), kind);
        self.layers.iter().filter_map(|l| l.unlisted.get(&kind).copied()).fold(top, Unlisted::max)
    }

    /// How old a release has to be before its approval counts: the longest time of all layers.
    #[must_use]
    pub fn cooldown(&self) -> SignedDuration {
        self.layers.iter().filter_map(|l| l.cooldown).fold(self.manifest().cooldown, SignedDuration::max)
    }

    /// What was verified of the evidence that approvals name.
    #[must_use]
    pub fn attested(&self) -> &AttestedSet {
        &self.attested
    }

    /// What this program knows of releases, where it was given.
    #[must_use]
    pub fn releases(&self) -> Option<&Manifest> {
        self.releases.as_ref().map(Verified::get)
    }

    /// Who stands behind the manifest, in a few words: `acme.example/ai-tools 47 (alice, bob)`.
    #[must_use]
    pub fn authority(&self) -> String {
        let header = &self.manifest().header;
        match self.proof() {
            Proof::BuiltIn => "built-in starter policy".to_owned(),
            Proof::Signed { signers, .. } => format!("{} {} ({})", header.name, header.serial, signers.join(", ")),
        }
    }

    /// What approvals want measured of a sighting: the `installed` artifacts of every approval of its version that can apply to
    /// it on `platform`. Each measurement once for each file list it is compared with.
    #[must_use]
    pub fn wanted(&self, sighting: &Sighting, scheme: Scheme, platform: &Platform) -> Vec<&Installed> {
        wanted_by(self.manifest(), sighting, scheme, platform)
    }

    /// What is to be measured to compare a sighting that no approval speaks of with what its registry published.
    #[must_use]
    pub fn wanted_of_releases(&self, sighting: &Sighting, scheme: Scheme, platform: &Platform) -> Vec<&Installed> {
        match &self.releases {
            Some(releases) if !self.speaks_of(sighting, scheme) => wanted_by(releases.get(), sighting, scheme, platform),
            _ => Vec::new(),
        }
    }

    /// Whether the manifest has an approval of the version of a sighting, for whichever platform.
    #[must_use]
    pub fn speaks_of(&self, sighting: &Sighting, scheme: Scheme) -> bool {
        !rules::approvals_of(self.manifest(), sighting, scheme).is_empty()
    }

    /// Whether a revocation in force may refuse a model by its id: alone or with everything of its vendor.
    #[must_use]
    pub fn refuses_models(&self, clock: Timestamp) -> bool {
        let now = self.instant(clock);
        let in_force = self.revocations().filter(|(revocation, _)| revocation.effective <= now);
        in_force
            .flat_map(|(revocation, _)| &revocation.affected)
            .any(|affected| matches!(affected.subject, crate::manifest::Subject::Model(_) | crate::manifest::Subject::Vendor(_)))
    }

    /// Revocations of every document and layer with the origin of each. What the manifest withdrew is left out, wherever its
    /// signers or those of the revocations document wrote it; a repository's and a user's own revocations are theirs.
    pub fn revocations(&self) -> impl Iterator<Item = (&Revocation, Origin<'_>)> {
        let top = self.manifest().revocations.iter().map(|r| (r, Origin::Manifest));
        let swift = self.revocations_document().into_iter().flat_map(|document| &document.revocations);
        let swift = swift.map(|r| (r, Origin::Revocations));
        let lower = self.layers.iter().flat_map(|l| l.revocations.iter().map(move |r| (r, Origin::Layer(l))));
        let ended = |id: &str, origin: Origin<'_>| origin.is_of_organisation() && self.withdrawn.contains(id);
        top.chain(swift).chain(lower).filter(move |(revocation, origin)| !ended(&revocation.id, *origin))
    }

    /// Whether any document of the organisation knows a revocation by this id, in force or ended.
    #[must_use]
    pub fn knows_revocation(&self, id: &str) -> bool {
        let of_overlays = self.manifest().overlays.iter().flat_map(|overlay| &overlay.revocations);
        let swift = self.revocations_document().into_iter().flat_map(|document| &document.revocations);
        let mut all = self.manifest().revocations.iter().chain(of_overlays).chain(swift);
        self.withdrawn.contains(id) || all.any(|revocation| revocation.id == id)
    }
}

fn wanted_by<'a>(manifest: &'a Manifest, sighting: &Sighting, scheme: Scheme, platform: &Platform) -> Vec<&'a Installed> {
    let mut wanted: Vec<&Installed> = Vec::new();
    for approval in rules::approvals_of(manifest, sighting, scheme) {
        for installed in rules::applicable(approval, sighting, platform) {
            let list = |i: &Installed| i.files.as_ref().map(|files| files.digests.clone());
            let same =
                |w: &&Installed| w.shape == installed.shape && w.package == installed.package && list(w) == list(installed);
            if !wanted.iter().any(same) {
                wanted.push(installed);
            }
        }
    }
    wanted
}

/// What a manifest says of unlisted tools of a kind. A kind that no table names is blocked: the strictest reading.
fn unlisted_of(manifest: &Manifest, kind: Kind) -> Unlisted {
    manifest.unlisted.get(&kind).copied().unwrap_or(Unlisted::Block)
}

/// Which document or layer a rule comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// The verified manifest.
    Manifest,
    /// The verified revocations document.
    Revocations,
    /// A layer that narrows them.
    Layer(&'a Narrowing),
}

impl<'a> Origin<'a> {
    /// Whether the organisation's signers wrote it: only such a rule can be withdrawn or waived by them.
    #[must_use]
    pub fn is_of_organisation(self) -> bool {
        match self {
            Self::Manifest | Self::Revocations => true,
            Self::Layer(narrowing) => narrowing.layer.is_of_manifest(),
        }
    }

    /// Who stands behind a rule on a line of it.
    #[must_use]
    pub fn authority(self, policy: &Policy) -> String {
        match self {
            Self::Manifest => policy.authority(),
            Self::Revocations => {
                let header = policy.revocations_document().map_or(&policy.manifest().header, |document| &document.header);
                let signers = match policy.revocations_proof() {
                    Some(Proof::Signed { signers, .. }) => format!(" ({})", signers.join(", ")),
                    Some(Proof::BuiltIn) | None => String::new(),
                };
                format!("{} revocations {}{signers}", header.name, header.serial)
            }
            Self::Layer(narrowing) => match &narrowing.layer {
                overlay @ Layer::Overlay { .. } => format!("{}, {overlay}", policy.authority()),
                other => format!("{} of {other}", narrowing.path.display()),
            },
        }
    }

    /// The word for it in reports for programs.
    #[must_use]
    pub fn layer(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Revocations => "revocations",
            Self::Layer(narrowing) => narrowing.layer.name(),
        }
    }

    /// The file it stands in, where it stands in one.
    #[must_use]
    pub fn path(self, policy: &'a Policy) -> Option<&'a Path> {
        match self {
            Self::Manifest => policy.path(),
            Self::Revocations => match policy.revocations_proof() {
                Some(Proof::Signed { path, .. }) => Some(path),
                Some(Proof::BuiltIn) | None => None,
            },
            Self::Layer(narrowing) => Some(&narrowing.path).filter(|path| !path.as_os_str().is_empty()).map(PathBuf::as_path),
        }
    }
}

/// What a run concluded: everything the formats of `report` need, nothing they would have to look up.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The answer.
    pub outcome: Outcome,
    /// Under which policy.
    pub policy: PolicySummary,
    /// The instant the decision was made for.
    pub now: Timestamp,
    /// One for each sighting and mention, worst first.
    pub verdicts: Vec<Judgement>,
    /// What a person should read, worst first.
    pub findings: Vec<Finding>,
    /// What repository content tells AI tools to do, whether or not a finding speaks of it.
    pub directives: Vec<Directive>,
    /// Words of the repository that say a tool or a model is used.
    pub traces: Vec<Trace>,
    /// Where was looked, and where not.
    pub coverage: Vec<Coverage>,
}

/// Which policy a report was made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySummary {
    /// Its name.
    pub name: String,
    /// Its serial.
    pub serial: u64,
    /// Monitor or enforce, after all layers.
    pub mode: Mode,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// Why it is believed.
    pub proof: Proof,
    /// The revocations document, where there is one: its head, and why it is believed.
    pub revocations: Option<(Header, Proof)>,
    /// Until when the documents may be used.
    pub freshness: Freshness,
    /// For how long after their end the documents count on machines that knew them before.
    pub grace: SignedDuration,
    /// Where the run took place.
    pub site: Site,
    /// The layers that narrow it, outermost first, each with its file.
    pub layers: Vec<(Layer, PathBuf)>,
}
