//! The decision: pure. Values in, a report out; no file, no clock, no environment, no printing.
//!
//! Every path starts at "blocked" and is turned to approved by a positive fact. The order is fixed and written once, in
//! [`decide()`]: revoked, mismatched, unverifiable, unattested, expired, unvetted, waived, approved.

mod decide;
mod finding;
mod findings;
mod freshness;
mod remedy;
pub mod rules;
#[cfg(test)]
mod tests;
mod verdict;

pub use crate::manifest::RevokedBy;
pub use decide::decide;
pub use finding::{Code, Finding, Help, Place, Severity};
pub use freshness::{Document, Freshness};
pub use verdict::{Effect, Grounds, Item, Judgement, Mismatch, Outcome, Verdict, Why};

use crate::evidence::{Coverage, Sighting};
use crate::manifest::layer::Narrowing;
use crate::manifest::{Installed, Manifest, Mode, Revocation, Revocations, Unlisted};
use crate::tool::{Kind, Platform};
use crate::trust::{Memory, Proof, Verified};
use crate::version::Scheme;
use jiff::Timestamp;
use std::path::PathBuf;

/// The policy in force: a verified manifest and the layers that narrow it.
///
/// Approvals and waivers come from the verified manifest alone. A lower layer can raise the mode, make unlisted tools stricter
/// and add revocations; it has no field by which it could allow (`docs/manifest.md`, "Layers").
#[derive(Debug, Clone)]
pub struct Policy {
    manifest: Verified<Manifest>,
    revocations: Option<Verified<Revocations>>,
    memory: Memory,
    layers: Vec<Narrowing>,
}

impl Policy {
    /// The policy of one verified manifest.
    #[must_use]
    pub fn new(manifest: Verified<Manifest>) -> Self {
        Self { manifest, revocations: None, memory: Memory::default(), layers: Vec::new() }
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

    /// The believed revocations document, where there is one.
    #[must_use]
    pub fn revocations_document(&self) -> Option<&Revocations> {
        self.revocations.as_ref().map(Verified::get)
    }

    /// Until when the documents may be used.
    #[must_use]
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        freshness::of(self, now)
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
    pub fn proof(&self) -> &Proof {
        self.manifest.proof()
    }

    /// The layers below the manifest, outermost first.
    #[must_use]
    pub fn layers(&self) -> &[Narrowing] {
        &self.layers
    }

    /// The strictest mode of all layers.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.layers.iter().filter_map(|l| l.mode).fold(self.manifest().mode, Mode::max)
    }

    /// The strictest rule of all layers for unlisted tools of a kind.
    #[must_use]
    pub fn unlisted(&self, kind: Kind) -> Unlisted {
        // A kind that no table names is blocked: the strictest reading.
        let top = self.manifest().unlisted.get(&kind).copied().unwrap_or(Unlisted::Block);
        self.layers.iter().filter_map(|l| l.unlisted.get(&kind).copied()).fold(top, Unlisted::max)
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
    /// it on `platform`. Each shape once for each file list it is compared with.
    #[must_use]
    pub fn wanted(&self, sighting: &Sighting, scheme: Scheme, platform: &Platform) -> Vec<&Installed> {
        let mut wanted: Vec<&Installed> = Vec::new();
        for approval in rules::approvals_of(self, sighting, scheme) {
            for installed in rules::applicable(approval, sighting, platform) {
                let list = |i: &Installed| i.files.as_ref().map(|files| files.digests.clone());
                if !wanted.iter().any(|w| w.shape == installed.shape && list(w) == list(installed)) {
                    wanted.push(installed);
                }
            }
        }
        wanted
    }

    /// Revocations of every layer with the origin of each.
    pub fn revocations(&self) -> impl Iterator<Item = (&Revocation, Origin<'_>)> {
        let top = self.manifest().revocations.iter().map(|r| (r, Origin::Manifest));
        let lower = self.layers.iter().flat_map(|l| l.revocations.iter().map(move |r| (r, Origin::Layer(l))));
        top.chain(lower)
    }
}

/// Which layer a rule comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// The verified manifest.
    Manifest,
    /// A layer that narrows it.
    Layer(&'a Narrowing),
}

impl Origin<'_> {
    /// Who stands behind a rule of this layer.
    #[must_use]
    pub fn authority(self, policy: &Policy) -> String {
        match self {
            Self::Manifest => policy.authority(),
            Self::Layer(layer) => format!("{} of this repository", layer.path.display()),
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
    /// The files of the layers that narrow it.
    pub layers: Vec<PathBuf>,
}
