//! What a change of the documents means: what is newly allowed, and what no longer is. Pure.
//!
//! This is what a signer reads before signing, so it must not miss anything that widens. What cannot be shown to be narrower
//! counts as wider; a change that is both stands in both lists. What allows nothing and refuses nothing (a ticket, a message)
//! stands apart.

mod approval;
mod attestation;
mod levels;
mod revocation;
mod rules;
#[cfg(test)]
mod tests;
mod trust;

use super::trust_policy::{Identity, Role};
use super::{
    Approval, Artifact, AttestationPolicy, BundleVersion, DirectiveApproval, EvidenceRef, Levelled, Manifest, Mode, Revocation,
    Revocations, Schedule, Scope, TrustPolicy, Unlisted, Waiver,
};
use crate::digest::Digest;
use crate::tool::{Kind, ToolId};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The documents of a policy, as far as they are there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Documents<'a> {
    /// `vetted-trust.toml`.
    pub trust: Option<&'a TrustPolicy>,
    /// `vetted.toml`.
    pub manifest: Option<&'a Manifest>,
    /// `vetted-revocations.toml`.
    pub revocations: Option<&'a Revocations>,
}

/// One of the three documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentKind {
    /// `vetted-trust.toml`.
    Trust,
    /// `vetted.toml`.
    Manifest,
    /// `vetted-revocations.toml`.
    Revocations,
}

/// From which issue to which a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which document.
    pub document: DocumentKind,
    /// Serial or version before; `None` where there was none.
    pub from: Option<u64>,
    /// Serial or version now.
    pub to: u64,
    /// Until when the new one holds.
    pub expires: Timestamp,
}

/// How many things are the same on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unchanged {
    /// Approvals.
    pub approvals: u64,
    /// Revocations in force.
    pub revocations: u64,
    /// Waivers.
    pub waivers: u64,
}

/// What a change of the documents means.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// The documents that are there now.
    pub steps: Vec<Step>,
    /// What passes now and did not before, or may.
    pub newly_allows: Vec<Change>,
    /// What passed before and does not now.
    pub no_longer: Vec<Change>,
    /// What neither allows nor refuses anything.
    pub also: Vec<Change>,
    /// What is as it was.
    pub unchanged: Unchanged,
}

/// One thing that changed. Whether it widens or narrows is said by the list it stands in.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An approval of a version by its bytes.
    Approval {
        /// The tool.
        tool: ToolId,
        /// The approval.
        approval: Approval,
        /// Whether the version has approvals on the other side, with other bytes.
        other_bytes: bool,
    },
    /// Other bytes of a version were refused by an approval that is gone now.
    Unpinned {
        /// The tool.
        tool: ToolId,
        /// The version.
        version: String,
        /// Whether another approval of the version is left; else it is merely unlisted.
        is_listed: bool,
    },
    /// The bundles that speak of the releases of an approval.
    Evidence {
        /// The tool.
        tool: ToolId,
        /// The version.
        version: String,
        /// Files that are named now and were not.
        added: Vec<EvidenceRef>,
        /// Files that were named and are not now.
        dropped: Vec<EvidenceRef>,
    },
    /// Whether an approval says that its release has no attestation.
    Unattested {
        /// The tool.
        tool: ToolId,
        /// The version.
        version: String,
    },
    /// From when on the cooldown of an approval runs.
    CoolsFrom {
        /// The tool.
        tool: ToolId,
        /// The version.
        version: String,
        /// Before; `None` is never.
        from: Option<Timestamp>,
        /// Now; `None` is never.
        to: Option<Timestamp>,
    },
    /// The list of the packages that a version loads besides its own.
    PackageList {
        /// The tool.
        tool: ToolId,
        /// The version.
        version: String,
        /// SHA-256 of each list that an approval names now; empty where none is compared any more.
        lists: Vec<Digest>,
    },
    /// An attestation policy that must hold for the releases of a tool.
    Require {
        /// The tool.
        tool: ToolId,
        /// The policy.
        id: String,
    },
    /// An attestation policy that was not there, or is not any more.
    Attestation(AttestationPolicy),
    /// An attestation policy with other terms.
    AttestationTerms {
        /// What it was.
        from: Box<AttestationPolicy>,
        /// What it is.
        to: Box<AttestationPolicy>,
    },
    /// The oldest form of a bundle that counts, where a policy does not say.
    MinBundle {
        /// Before.
        from: BundleVersion,
        /// Now.
        to: BundleVersion,
    },
    /// How old a release has to be before its approval counts.
    Cooldown {
        /// The group of machines; `None` is every machine.
        group: Option<String>,
        /// Before; `None` where nothing was said.
        from: Option<SignedDuration>,
        /// Now; `None` where nothing is said any more.
        to: Option<SignedDuration>,
    },
    /// A withdrawal of a revocation that none of the documents has: one that comes under this id has no effect.
    Withdrawal {
        /// The id of the revocation.
        id: String,
        /// Why.
        reason: String,
    },
    /// By what a tool of the organisation's own is recognised.
    Recognition {
        /// The tool.
        tool: ToolId,
        /// The marks now; `None` where there are none any more.
        recognise: Option<super::Recognise>,
    },
    /// A waiver.
    Waiver(Waiver),
    /// A waiver with other terms.
    WaiverTerms {
        /// What it was.
        from: Box<Waiver>,
        /// What it is.
        to: Box<Waiver>,
    },
    /// A revocation.
    Revocation {
        /// The revocation: the new one, or the one that is gone.
        revocation: Revocation,
        /// The group of machines it holds for; `None` is every machine.
        group: Option<String>,
        /// What became of it.
        how: Became,
    },
    /// Monitor or enforce.
    Mode {
        /// The group of machines; `None` is every machine.
        group: Option<String>,
        /// Before; `None` where nothing was said.
        from: Option<Mode>,
        /// Now; `None` where nothing is said any more.
        to: Option<Mode>,
    },
    /// What happens to tools that no approval names.
    Unlisted {
        /// The group of machines; `None` is every machine.
        group: Option<String>,
        /// Of these kinds.
        kinds: Vec<Kind>,
        /// Before; `None` where nothing was said.
        from: Option<Unlisted>,
        /// Now; `None` where nothing is said any more.
        to: Option<Unlisted>,
    },
    /// From when on a rule about repository content has which level.
    Level {
        /// The group of machines; `None` is every machine.
        group: Option<String>,
        /// The rule.
        rule: Levelled,
        /// Before; `None` where nothing was said.
        from: Option<Schedule>,
        /// Now; `None` where nothing is said any more.
        to: Option<Schedule>,
    },
    /// An approval of what repository content tells AI tools to do.
    Directive(DirectiveApproval),
    /// Such an approval with other terms.
    DirectiveTerms {
        /// What it was.
        from: Box<DirectiveApproval>,
        /// What it is.
        to: Box<DirectiveApproval>,
    },
    /// For how long expired documents still approve.
    Grace {
        /// Before.
        from: SignedDuration,
        /// Now.
        to: SignedDuration,
    },
    /// For how long one issue of a document lives.
    Lifetime {
        /// Which document.
        document: DocumentKind,
        /// Before.
        from: SignedDuration,
        /// Now.
        to: SignedDuration,
    },
    /// An address where documents are had from.
    Source(String),
    /// The order of those addresses.
    SourceOrder,
    /// After how long newer documents are asked for.
    Poll {
        /// Before.
        from: SignedDuration,
        /// Now.
        to: SignedDuration,
    },
    /// Which versions of this program may believe the manifest.
    Client {
        /// Before; `None` is every one.
        from: Option<String>,
        /// Now; `None` is every one.
        to: Option<String>,
    },
    /// A signer holds a role.
    Holder {
        /// Who.
        signer: String,
        /// Which role.
        role: Role,
    },
    /// How many signatures a role needs.
    Threshold {
        /// Which role.
        role: Role,
        /// Before.
        from: usize,
        /// Now.
        to: usize,
    },
    /// A role that nobody had, or that nobody has any more, with the document it signs.
    RoleItself(Role),
    /// A key of a signer.
    Key {
        /// Whose.
        signer: String,
        /// SHA-256 of its SubjectPublicKeyInfo.
        fingerprint: Digest,
    },
    /// The end of a key.
    KeyEnd {
        /// Whose.
        signer: String,
        /// SHA-256 of its SubjectPublicKeyInfo.
        fingerprint: Digest,
        /// Before.
        from: Option<Timestamp>,
        /// Now.
        to: Option<Timestamp>,
    },
    /// An identity with which a signer signs without a key.
    Identity {
        /// Whose.
        signer: String,
        /// The identity.
        identity: Identity,
    },
    /// The trusted root of a Sigstore instance.
    Instance {
        /// Its id.
        id: String,
        /// SHA-256 of its trusted root.
        sha256: Digest,
    },
    /// The longest time a waiver may run.
    WaiverLimit {
        /// Before.
        from: SignedDuration,
        /// Now.
        to: SignedDuration,
    },
    /// The name of the policy, under which machines remember what they believed.
    Name {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// A whole document that is gone.
    Gone(DocumentKind),
}

/// What became of a revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It was not there before.
    Added,
    /// It was withdrawn, for this reason.
    Withdrawn(String),
    /// It is gone and was not withdrawn: clients that knew it refuse the documents.
    Missing,
    /// Not all that it covered is covered now.
    Narrower,
    /// It covers more than before.
    Wider,
    /// It is less severe than before.
    Milder,
    /// It is more severe than before.
    Harder,
    /// It begins later than before.
    Later,
    /// It begins earlier than before.
    Earlier,
    /// Its words changed: message, reason, advisory, replacement.
    Reworded,
}

impl Difference {
    /// An entry that stays and has other terms: wider than before, narrower, both, or neither.
    fn terms(&mut self, is_wider: bool, is_narrower: bool, terms: impl Fn() -> Change) {
        if is_wider {
            self.newly_allows.push(terms());
        }
        if is_narrower {
            self.no_longer.push(terms());
        }
        if !is_wider && !is_narrower {
            self.also.push(terms());
        }
    }

    /// What changes from `old` to `new`. Without `old` everything that allows is new.
    ///
    /// A document that is on neither side plays no part. Which revocations are in force depends on both the manifest and the
    /// revocations document: give both where both are there.
    #[must_use]
    pub fn between(old: Option<&Documents<'_>>, new: &Documents<'_>) -> Self {
        let none = Documents::default();
        let old = old.unwrap_or(&none);
        let mut difference = Self { steps: steps(old, new), ..Self::default() };
        for (document, is_gone) in [
            (DocumentKind::Trust, old.trust.is_some() && new.trust.is_none()),
            (DocumentKind::Manifest, old.manifest.is_some() && new.manifest.is_none()),
            (DocumentKind::Revocations, old.revocations.is_some() && new.revocations.is_none()),
        ] {
            if is_gone {
                difference.newly_allows.push(Change::Gone(document));
            }
        }
        trust::compare(old.trust, new.trust, &mut difference);
        approval::compare(old.manifest, new.manifest, &mut difference);
        attestation::compare(old.manifest, new.manifest, &mut difference);
        waivers(old.manifest, new.manifest, &mut difference);
        revocation::compare(old, new, &mut difference);
        rules::compare(old.manifest, new.manifest, &mut difference);
        levels::compare(old.manifest, new.manifest, &mut difference);
        lifetimes(old, new, &mut difference);
        difference
    }

    /// Whether nothing changed but numbers and times.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.newly_allows.is_empty() && self.no_longer.is_empty() && self.also.is_empty()
    }

    /// Note a value that moved, where a greater one allows more.
    fn moved<T: PartialOrd + Clone>(&mut self, from: &T, to: &T, change: impl FnOnce(T, T) -> Change) {
        if to > from {
            self.newly_allows.push(change(from.clone(), to.clone()));
        } else if to < from {
            self.no_longer.push(change(from.clone(), to.clone()));
        }
    }
}

fn steps(old: &Documents<'_>, new: &Documents<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(trust) = new.trust {
        let from = old.trust.map(|t| t.version);
        steps.push(Step { document: DocumentKind::Trust, from, to: trust.version, expires: trust.expires });
    }
    let headers = [
        (DocumentKind::Manifest, old.manifest.map(|m| &m.header), new.manifest.map(|m| &m.header)),
        (DocumentKind::Revocations, old.revocations.map(|r| &r.header), new.revocations.map(|r| &r.header)),
    ];
    for (document, old, new) in headers {
        if let Some(header) = new {
            steps.push(Step { document, from: old.map(|h| h.serial), to: header.serial, expires: header.expires });
        }
    }
    steps
}

/// One issue that lives longer than the last approves for longer without anybody looking at it again.
fn lifetimes(old: &Documents<'_>, new: &Documents<'_>, difference: &mut Difference) {
    let headers = [
        (DocumentKind::Manifest, old.manifest.map(|m| &m.header), new.manifest.map(|m| &m.header)),
        (DocumentKind::Revocations, old.revocations.map(|r| &r.header), new.revocations.map(|r| &r.header)),
    ];
    for (document, old, new) in headers {
        let (Some(old), Some(new)) = (old, new) else { continue };
        let life = |header: &super::Header| header.expires.duration_since(header.issued);
        difference.moved(&life(old), &life(new), |from, to| Change::Lifetime { document, from, to });
        if old.name != new.name {
            difference.newly_allows.push(Change::Name { from: old.name.clone(), to: new.name.clone() });
        }
    }
}

fn waivers(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let by_id = |manifest: Option<&'_ Manifest>| -> BTreeMap<String, Waiver> {
        manifest.into_iter().flat_map(|m| &m.waivers).map(|w| (w.id.clone(), Waiver { line: 0, ..w.clone() })).collect()
    };
    let (before, after) = (by_id(old), by_id(new));
    for (id, waiver) in &after {
        match before.get(id) {
            None => difference.newly_allows.push(Change::Waiver(waiver.clone())),
            Some(same) if same == waiver => difference.unchanged.waivers += 1,
            Some(other) => {
                let terms = || Change::WaiverTerms { from: Box::new(other.clone()), to: Box::new(waiver.clone()) };
                difference.terms(!is_within(waiver, other), !is_within(other, waiver), terms);
            }
        }
    }
    for (_, waiver) in before.into_iter().filter(|(id, _)| !after.contains_key(id)) {
        difference.no_longer.push(Change::Waiver(waiver));
    }
}

/// Whether everything that `inner` lets pass, `outer` lets pass too.
fn is_within(inner: &Waiver, outer: &Waiver) -> bool {
    inner.tool == outer.tool
        && inner.lifts.iter().all(|lift| outer.lifts.contains(lift))
        && among(&inner.versions, &outer.versions)
        && (outer.digests.is_empty() || inner.digests == outer.digests)
        && scope_is_within(inner.scope.as_ref(), outer.scope.as_ref())
        && inner.starts >= outer.starts
        && inner.expires <= outer.expires
}

/// Whether `inner` names nothing that `outer` does not name. An empty list is "all" on both sides.
fn among(inner: &[String], outer: &[String]) -> bool {
    outer.is_empty() || (!inner.is_empty() && inner.iter().all(|one| outer.contains(one)))
}

/// Whether whatever lies in `inner` lies in `outer`. Of two globs nobody tells which is the wider one: they have to be the same text.
fn scope_is_within(inner: Option<&Scope>, outer: Option<&Scope>) -> bool {
    match (inner, outer) {
        (_, None) => true,
        (None, Some(outer)) => outer.repositories.is_empty() && outer.groups.is_empty() && outer.paths.is_empty(),
        (Some(inner), Some(outer)) => {
            among(&inner.repositories, &outer.repositories)
                && among(&inner.groups, &outer.groups)
                && among(&inner.paths, &outer.paths)
        }
    }
}

/// Which platforms an approval pins files for; empty where it pins for every one.
#[must_use]
pub fn platforms(approval: &Approval) -> Vec<&str> {
    let mut names: Vec<&str> = approval
        .artifacts
        .iter()
        .filter_map(|artifact| match artifact {
            Artifact::Installed(installed) => installed.platform.as_ref().map(|p| p.0.as_str()),
            Artifact::Release { .. } => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
