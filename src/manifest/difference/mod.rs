//! What a change of the documents means: what is newly allowed, and what no longer is. Pure.
//!
//! This is what a signer reads before signing, so it must not miss anything that widens. What cannot be shown to be narrower
//! counts as wider; a change that is both stands in both lists. What allows nothing and refuses nothing (a ticket, a message)
//! stands apart.

mod revocation;
mod rules;
mod trust;

use super::trust_policy::{Identity, Role};
use super::{Approval, Artifact, Manifest, Mode, Revocation, Revocations, TrustPolicy, Unlisted, Waiver};
use crate::digest::Digest;
use crate::tool::{Kind, ToolId};
use crate::version::{Scheme, Version};
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
        approvals(old.manifest, new.manifest, &mut difference);
        waivers(old.manifest, new.manifest, &mut difference);
        revocation::compare(old, new, &mut difference);
        rules::compare(old.manifest, new.manifest, &mut difference);
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

/// What an approval says, in a form that does not depend on the order of its artifacts. Who approved it and where it stands in
/// the file makes no difference to what it allows.
fn pins(approval: &Approval) -> Vec<String> {
    let mut pins: Vec<String> = approval.artifacts.iter().map(|artifact| format!("{artifact:?}")).collect();
    pins.sort();
    pins.dedup();
    pins
}

type ByVersion<'a> = BTreeMap<(&'a ToolId, &'a str), Vec<(Vec<String>, &'a Approval)>>;

fn by_version(manifest: Option<&Manifest>) -> ByVersion<'_> {
    let mut map = ByVersion::new();
    for tool in manifest.into_iter().flat_map(|m| &m.tools) {
        for approval in &tool.approvals {
            map.entry((&tool.id, &approval.version)).or_default().push((pins(approval), approval));
        }
    }
    map
}

fn approvals(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let (before, after) = (by_version(old), by_version(new));
    let none = Vec::new();
    for ((tool, version), approvals) in &after {
        let others = before.get(&(*tool, *version)).unwrap_or(&none);
        for (pins, approval) in approvals {
            if let Some((_, twin)) = others.iter().find(|(other, _)| other == pins) {
                difference.unchanged.approvals += 1;
                // Who approved it is a claim that the signers make: they see it change.
                if twin.approved != approval.approved {
                    difference.also.push(approval_of(tool, approval, false));
                }
            } else {
                difference.newly_allows.push(approval_of(tool, approval, !others.is_empty()));
            }
        }
    }
    for ((tool, version), approvals) in &before {
        let others = after.get(&(*tool, *version)).unwrap_or(&none);
        let gone: Vec<&Approval> =
            approvals.iter().filter(|(pins, _)| !others.iter().any(|(other, _)| other == pins)).map(|(_, gone)| *gone).collect();
        difference.no_longer.extend(gone.iter().map(|approval| approval_of(tool, approval, !others.is_empty())));
        // Where the version has new bytes, that is said above.
        let is_said = others.iter().any(|(pins, _)| !approvals.iter().any(|(known, _)| known == pins));
        let is_listed = after.keys().any(|(other, listed)| other == tool && is_one_version(listed, version));
        // What a lock file says is compared with release digests, where an approval of the version has some.
        let by_version = is_listed && gone.iter().any(|approval| has_release(approval));
        if !gone.is_empty() && !is_said && (by_version || new.is_some_and(|new| may_pass_unlisted(new, tool))) {
            let (tool, version) = ((*tool).clone(), (*version).to_owned());
            difference.newly_allows.push(Change::Unpinned { tool, version, is_listed });
        }
    }
    let described = |manifest: Option<&Manifest>| -> BTreeMap<ToolId, super::Recognise> {
        let tools = manifest.into_iter().flat_map(|m| &m.tools);
        tools.filter_map(|tool| Some((tool.id.clone(), tool.recognise.clone()?))).collect()
    };
    let (before, after) = (described(old), described(new));
    let change = |tool: &ToolId| Change::Recognition { tool: tool.clone(), recognise: after.get(tool).cloned() };
    for (tool, recognise) in &before {
        // What is not recognised is not judged at all, and a vendor or a kind decides which rules hold.
        if after.get(tool) != Some(recognise) {
            difference.newly_allows.push(change(tool));
        }
    }
    for (tool, recognise) in after.iter().filter(|(tool, _)| !before.contains_key(*tool)) {
        // A package has one tool. The name of a file can be that of another one, which would then be judged by the rules of this one.
        let list = if recognise.binaries.is_empty() { &mut difference.no_longer } else { &mut difference.newly_allows };
        list.push(change(tool));
    }
}

fn approval_of(tool: &ToolId, approval: &Approval, other_bytes: bool) -> Change {
    Change::Approval { tool: tool.clone(), approval: approval.clone(), other_bytes }
}

fn has_release(approval: &Approval) -> bool {
    approval.artifacts.iter().any(|artifact| matches!(artifact, Artifact::Release { .. }))
}

/// Whether two texts can be one version: `1.0.0` and `v1.0.0` are.
fn is_one_version(a: &str, b: &str) -> bool {
    a == b || [Scheme::SemVer, Scheme::Pep440].into_iter().any(|scheme| Version::parse(scheme, a) == Version::parse(scheme, b))
}

/// Whether a tool of which nothing is known may pass somewhere.
fn may_pass_unlisted(manifest: &Manifest, tool: &ToolId) -> bool {
    manifest.mode == Mode::Monitor
        || Kind::ALL.iter().any(|kind| manifest.unlisted.get(kind).is_some_and(|rule| *rule < Unlisted::Block))
        || manifest.waivers.iter().any(|w| w.tool == *tool && w.lifts.contains(&super::Lifts::Unvetted))
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
                let (wider, narrower) = (!is_within(waiver, other), !is_within(other, waiver));
                if wider {
                    difference.newly_allows.push(terms());
                }
                if narrower {
                    difference.no_longer.push(terms());
                }
                if !wider && !narrower {
                    difference.also.push(terms());
                }
            }
        }
    }
    for (_, waiver) in before.into_iter().filter(|(id, _)| !after.contains_key(id)) {
        difference.no_longer.push(Change::Waiver(waiver));
    }
}

/// Whether everything that `inner` lets pass, `outer` lets pass too.
fn is_within(inner: &Waiver, outer: &Waiver) -> bool {
    // An empty list is "all" on both sides.
    let among = |inner: &[String], outer: &[String]| {
        outer.is_empty() || (!inner.is_empty() && inner.iter().all(|one| outer.contains(one)))
    };
    let scope = match (&inner.scope, &outer.scope) {
        (_, None) => true,
        (None, Some(outer)) => outer.repositories.is_empty() && outer.groups.is_empty(),
        (Some(inner), Some(outer)) => among(&inner.repositories, &outer.repositories) && among(&inner.groups, &outer.groups),
    };
    inner.tool == outer.tool
        && inner.lifts.iter().all(|lift| outer.lifts.contains(lift))
        && among(&inner.versions, &outer.versions)
        && (outer.digests.is_empty() || inner.digests == outer.digests)
        && scope
        && inner.starts >= outer.starts
        && inner.expires <= outer.expires
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::digest::{Digest, DigestSet};
    use crate::evidence::{Evidence, Executable, Extent, Identification, Sighting, State};
    use crate::manifest::scope::Site;
    use crate::manifest::trust_policy::{RoleHolders, Signer, SignerKey, WAIVER_LIMIT};
    use crate::manifest::{
        Affected, GRACE, Header, Installed, Lifts, Overlay, Reason, Recognise, Scope, Severity, Shape, Subject, SyncRules,
        ToolEntry, Withdrawn,
    };
    use crate::policy::{Effect, Policy, decide};
    use crate::tool::{Channel, Ecosystem, Package, Platform};
    use crate::trust::Verified;
    use crate::version::VersionRange;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn id(text: &str) -> ToolId {
        text.parse().unwrap()
    }

    fn sha256(byte: u8) -> DigestSet {
        DigestSet::from(Digest::Sha256([byte; 32]))
    }

    fn manifest() -> Manifest {
        Manifest {
            header: Header {
                name: "acme.example/ai-tools".to_owned(),
                serial: 46,
                issued: at("2026-11-20T00:00:00Z"),
                expires: at("2026-12-20T00:00:00Z"),
            },
            mode: Mode::Enforce,
            unlisted: Kind::ALL.iter().map(|k| (*k, Unlisted::Block)).collect(),
            tools: Vec::new(),
            revocations: Vec::new(),
            withdrawn: Vec::new(),
            requires_client: None,
            lines: crate::manifest::RuleLines::default(),
            waivers: Vec::new(),
            overlays: Vec::new(),
            grace: GRACE,
            sync: SyncRules::default(),
        }
    }

    fn approval(version: &str, byte: u8) -> Approval {
        let file = Installed { platform: None, shape: Shape::File { path: String::new() }, digests: sha256(byte), files: None };
        Approval { version: version.to_owned(), approved: None, artifacts: vec![Artifact::Installed(file)], line: 0 }
    }

    fn approving(tools: &[(&str, &str, u8)]) -> Manifest {
        let entry = |(tool, version, byte): &(&str, &str, u8)| ToolEntry {
            id: id(tool),
            recognise: None,
            approvals: vec![approval(version, *byte)].into(),
        };
        Manifest { tools: tools.iter().map(entry).collect(), ..manifest() }
    }

    fn revocation(name: &str, introduced: &str, fixed: Option<&str>) -> Revocation {
        let range = VersionRange { introduced: introduced.to_owned(), fixed: fixed.map(str::to_owned) };
        Revocation {
            id: name.to_owned(),
            aliases: Vec::new(),
            affected: vec![Affected { subject: Subject::Tool(id("claude-code")), ranges: vec![range] }],
            digests: Vec::new(),
            reason: Reason::Policy,
            severity: Severity::High,
            effective: at("2026-07-01T00:00:00Z"),
            advisory: None,
            replacement: None,
            message: "no".to_owned(),
            line: 0,
        }
    }

    fn revoking(revocations: Vec<Revocation>) -> Manifest {
        Manifest { revocations, ..manifest() }
    }

    fn waiver() -> Waiver {
        Waiver {
            id: "W-1".to_owned(),
            lifts: vec![Lifts::Unvetted],
            tool: id("claude-code"),
            versions: vec!["1.0.0".to_owned()],
            digests: DigestSet::new(),
            scope: None,
            owner: "carol".to_owned(),
            approver: "dave".to_owned(),
            reason: "forensics".to_owned(),
            starts: at("2026-11-20T00:00:00Z"),
            expires: at("2026-11-27T00:00:00Z"),
            line: 0,
        }
    }

    fn between(old: &Manifest, new: &Manifest) -> Difference {
        let documents = |manifest| Documents { manifest: Some(manifest), ..Documents::default() };
        Difference::between(Some(&documents(old)), &documents(new))
    }

    #[test]
    fn an_approval_is_allowed_and_its_removal_is_not() {
        let (old, new) = (approving(&[("b", "1.0.0", 1)]), approving(&[("b", "1.0.0", 1), ("c", "2.0.0", 2)]));
        let forth = between(&old, &new);
        assert!(matches!(&forth.newly_allows[..], [Change::Approval { tool, other_bytes: false, .. }] if tool.as_str() == "c"));
        assert!(forth.no_longer.is_empty());
        assert_eq!(forth.unchanged.approvals, 1);
        let back = between(&new, &old);
        assert!(back.newly_allows.is_empty());
        assert!(matches!(&back.no_longer[..], [Change::Approval { .. }]));
    }

    #[test]
    fn other_bytes_of_an_approved_version_are_new() {
        let found = between(&approving(&[("b", "1.0.0", 1)]), &approving(&[("b", "1.0.0", 2)]));
        assert!(matches!(&found.newly_allows[..], [Change::Approval { other_bytes: true, .. }]), "{found:?}");
        assert!(matches!(&found.no_longer[..], [Change::Approval { other_bytes: true, .. }]), "{found:?}");
    }

    /// Bytes that differ from an approval are refused; without the approval they are merely unlisted.
    #[test]
    fn an_approval_that_goes_can_let_other_bytes_pass() {
        let mut new = manifest();
        new.unlisted.insert(Kind::Cli, Unlisted::Warn);
        let mut old = approving(&[("b", "1.0.0", 1)]);
        old.unlisted = new.unlisted.clone();
        assert!(matches!(&between(&old, &new).newly_allows[..], [Change::Unpinned { .. }]));
    }

    /// A lock file with another integrity is refused by the one approval that pins a release, and passes by version under the other.
    #[test]
    fn a_release_that_is_pinned_no_more_is_shown() {
        let pinned = |text: &str| {
            let mut one = approval(text, 1);
            one.artifacts.push(Artifact::Release { digests: sha256(9) });
            one
        };
        let with = |approvals: Vec<Approval>| {
            let tools = vec![ToolEntry { id: id("b"), recognise: None, approvals: approvals.into() }];
            Manifest { tools, ..manifest() }
        };
        let unpinned = |old: Vec<Approval>, new: Vec<Approval>| {
            let found = between(&with(old), &with(new)).newly_allows;
            found.iter().any(|change| matches!(change, Change::Unpinned { is_listed: true, .. }))
        };
        assert!(unpinned(vec![pinned("1.0.0"), approval("1.0.0", 2)], vec![approval("1.0.0", 2)]));
        assert!(unpinned(vec![pinned("v1.0.0"), approval("1.0.0", 2)], vec![approval("1.0.0", 2)]));
        assert!(
            !unpinned(vec![pinned("1.0.0"), approval("2.0.0", 2)], vec![approval("2.0.0", 2)]),
            "the version is unlisted now"
        );
        assert!(!unpinned(vec![approval("1.0.0", 1), pinned("1.0.0")], vec![pinned("1.0.0")]));
    }

    /// Ids are easily guessed: withdrawn before it is revoked, a tool can be revoked by nobody.
    #[test]
    fn a_withdrawal_of_what_is_not_there_is_shown() {
        let end = |name: &str| Withdrawn { id: name.to_owned(), reason: "r".to_owned(), line: 1 };
        let mut new = manifest();
        new.withdrawn.push(end("ACME-2027-0001"));
        let found = between(&manifest(), &new);
        assert_eq!(found.newly_allows, [Change::Withdrawal { id: "ACME-2027-0001".into(), reason: "r".into() }]);
        assert!(between(&new, &new).is_empty());
        assert_eq!(between(&new, &manifest()).no_longer.len(), 1);
        let mut old = manifest();
        old.revocations.push(revocation("ACME-2027-0001", "0", None));
        let found = between(&old, &new).newly_allows;
        assert!(matches!(&found[..], [Change::Revocation { how: Became::Withdrawn(_), .. }]), "said once: {found:?}");
    }

    /// The name of a file says little: a description by it may take a tool away from the rules of its vendor.
    #[test]
    fn a_tool_that_is_described_by_names_of_files_is_shown() {
        let described = |packages: Vec<Package>, binaries: &[&str]| {
            let binaries = binaries.iter().map(|b| (*b).to_owned()).collect();
            let recognise = Some(Recognise { vendor: "Acme".into(), kind: Kind::Sdk, packages, binaries });
            let tools = vec![ToolEntry { id: id("b"), recognise, approvals: Vec::new().into() }];
            Manifest { tools, ..manifest() }
        };
        let lists = |old: &Manifest, new: &Manifest| {
            let found = between(old, new);
            (found.newly_allows.len(), found.no_longer.len())
        };
        let package = || vec![Package::new(Ecosystem::Npm, "acme-sdk")];
        assert_eq!(lists(&manifest(), &described(Vec::new(), &["agent"])), (1, 0));
        assert_eq!(lists(&manifest(), &described(package(), &[])), (0, 1));
        assert_eq!(lists(&described(package(), &[]), &described(package(), &["agent"])), (1, 0));
        assert_eq!(lists(&described(package(), &[]), &manifest()), (1, 0));
    }

    #[test]
    fn who_approved_and_the_order_of_artifacts_allow_nothing() {
        let mut old = approving(&[("b", "1.0.0", 1)]);
        old.tools[0].approvals[0].artifacts.push(Artifact::Release { digests: sha256(9) });
        let mut new = old.clone();
        new.tools[0].approvals[0].artifacts.reverse();
        new.tools[0].approvals[0].line = 77;
        assert!(between(&old, &new).is_empty());
        new.tools[0].approvals[0].approved =
            Some(super::super::Approved { by: vec!["mallory".into()], at: at("2026-11-20T00:00:00Z"), ticket: None });
        let found = between(&old, &new);
        assert!(found.newly_allows.is_empty() && matches!(&found.also[..], [Change::Approval { .. }]));
    }

    #[test]
    fn a_revocation_that_moves_between_the_documents_is_unchanged() {
        let (there, gone) = (revoking(vec![revocation("R", "1.0.0", None)]), manifest());
        let document = Revocations {
            header: there.header.clone(),
            manifest: super::super::Beacon { serial: 1, sha256: Digest::Sha256([0; 32]) },
            revocations: there.revocations.clone(),
        };
        let old = Documents { manifest: Some(&there), ..Documents::default() };
        let new = Documents { manifest: Some(&gone), revocations: Some(&document), ..Documents::default() };
        let found = Difference::between(Some(&old), &new);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(found.unchanged.revocations, 1);
        let back = Difference::between(Some(&new), &Documents { manifest: Some(&gone), ..Documents::default() });
        assert!(back.newly_allows.contains(&Change::Gone(DocumentKind::Revocations)));
        assert!(back.newly_allows.iter().any(|c| matches!(c, Change::Revocation { how: Became::Missing, .. })));
        let withdrawn = Withdrawn { id: "R".into(), reason: "fixed".into(), line: 1 };
        let lifted = Manifest { withdrawn: vec![withdrawn], ..gone.clone() };
        let found = Difference::between(Some(&new), &Documents { manifest: Some(&lifted), ..new });
        let [Change::Revocation { how: Became::Withdrawn(reason), .. }] = &found.newly_allows[..] else { panic!("{found:?}") };
        assert_eq!(reason, "fixed");
    }

    #[test]
    fn a_revocation_is_compared_by_what_it_covers() {
        let old = revocation("R", "1.0.0", Some("2.0.0"));
        let with = |change: &dyn Fn(&mut Revocation)| {
            let mut new = old.clone();
            change(&mut new);
            between(&revoking(vec![old.clone()]), &revoking(vec![new]))
        };
        let how = |list: &[Change]| -> Vec<Became> {
            list.iter().map(|c| if let Change::Revocation { how, .. } = c { how.clone() } else { panic!("{c:?}") }).collect()
        };
        for (what, change, wider, narrower) in [
            (
                "a later end",
                &(|r: &mut Revocation| r.affected[0].ranges[0].fixed = Some("2.1.0".into())) as &dyn Fn(&mut Revocation),
                vec![],
                vec![Became::Wider],
            ),
            ("no end", &|r| r.affected[0].ranges[0].fixed = None, vec![], vec![Became::Wider]),
            ("no ranges", &|r| r.affected[0].ranges.clear(), vec![], vec![Became::Wider]),
            ("an earlier end", &|r| r.affected[0].ranges[0].fixed = Some("2.0.0-rc.1".into()), vec![Became::Narrower], vec![]),
            (
                "both ends moved",
                &|r| r.affected[0].ranges[0] = VersionRange { introduced: "1.5.0".into(), fixed: None },
                vec![Became::Narrower],
                vec![Became::Wider],
            ),
            ("another tool", &|r| r.affected[0].subject = Subject::Tool(id("c")), vec![Became::Narrower], vec![Became::Wider]),
            ("a digest more", &|r| r.digests.push(sha256(1)), vec![], vec![Became::Wider]),
            ("milder", &|r| r.severity = Severity::Low, vec![Became::Milder], vec![]),
            ("harder", &|r| r.severity = Severity::Critical, vec![], vec![Became::Harder]),
            ("later", &|r| r.effective = at("2027-01-01T00:00:00Z"), vec![Became::Later], vec![]),
            ("earlier", &|r| r.effective = at("2026-01-01T00:00:00Z"), vec![], vec![Became::Earlier]),
        ] {
            let found = with(change);
            assert_eq!((how(&found.newly_allows), how(&found.no_longer)), (wider, narrower), "{what}");
        }
        let reworded = with(&|r| r.message = "other words".into());
        assert_eq!(how(&reworded.also), [Became::Reworded]);
        assert!(reworded.newly_allows.is_empty() && reworded.no_longer.is_empty());
        // An order that cannot be shown is an order that may be the other way round.
        let odd = revocation("R", "2.0.0-nightly.5", None);
        let other = revocation("R", "2.0.0-nightly.4", None);
        let found = between(&revoking(vec![odd]), &revoking(vec![other]));
        assert_eq!(how(&found.newly_allows), [Became::Narrower]);
    }

    #[test]
    fn a_waiver_is_compared_by_what_it_lets_pass() {
        let with = |change: &dyn Fn(&mut Waiver)| {
            let mut new = waiver();
            change(&mut new);
            let manifest = |waiver| Manifest { waivers: vec![waiver], ..manifest() };
            let found = between(&manifest(waiver()), &manifest(new));
            (found.newly_allows.len(), found.no_longer.len(), found.also.len())
        };
        let scope =
            |groups: &[&str]| Some(Scope { repositories: Vec::new(), groups: groups.iter().map(|g| (*g).to_owned()).collect() });
        assert_eq!(with(&|w| w.line = 9), (0, 0, 0));
        assert_eq!(with(&|w| w.expires = at("2026-11-28T00:00:00Z")), (1, 0, 0));
        assert_eq!(with(&|w| w.expires = at("2026-11-26T00:00:00Z")), (0, 1, 0));
        assert_eq!(with(&|w| w.starts = at("2026-11-19T00:00:00Z")), (1, 0, 0));
        assert_eq!(with(&|w| w.versions.clear()), (1, 0, 0));
        assert_eq!(with(&|w| w.versions.push("2".into())), (1, 0, 0));
        assert_eq!(with(&|w| w.lifts.push(Lifts::Revocation("R".into()))), (1, 0, 0));
        assert_eq!(with(&|w| w.tool = id("c")), (1, 1, 0));
        assert_eq!(with(&|w| w.digests = sha256(1)), (0, 1, 0));
        assert_eq!(with(&|w| w.scope = scope(&["a"])), (0, 1, 0));
        assert_eq!(with(&|w| w.scope = scope(&[])), (0, 0, 1));
        assert_eq!(with(&|w| w.owner = "erin".into()), (0, 0, 1));
    }

    #[test]
    fn laxer_rules_are_wider_and_stricter_ones_narrower() {
        let with = |change: &dyn Fn(&mut Manifest)| {
            let mut new = manifest();
            change(&mut new);
            let (forth, back) = (between(&manifest(), &new), between(&new, &manifest()));
            ((forth.newly_allows.len(), forth.no_longer.len()), (back.newly_allows.len(), back.no_longer.len()))
        };
        let overlay = |mode| Overlay {
            group: "eu".into(),
            mode,
            unlisted: BTreeMap::from([(Kind::Sdk, Unlisted::Block)]),
            revocations: vec![revocation("R", "0", None)],
            line: 1,
            lines: crate::manifest::RuleLines::default(),
        };
        assert_eq!(with(&|m| m.mode = Mode::Monitor), ((1, 0), (0, 1)));
        assert_eq!(with(&|m| *m.unlisted.get_mut(&Kind::Sdk).unwrap() = Unlisted::Warn), ((1, 0), (0, 1)));
        assert_eq!(with(&|m| m.grace = SignedDuration::from_hours(96)), ((1, 0), (0, 1)));
        assert_eq!(with(&|m| m.sync.every = SignedDuration::from_hours(2)), ((1, 0), (0, 1)));
        assert_eq!(with(&|m| m.sync.sources.push("https://a.example/".into())), ((1, 0), (0, 1)));
        assert_eq!(with(&|m| m.overlays.push(overlay(Some(Mode::Enforce)))), ((0, 3), (3, 0)));
        let client = |text| Some(crate::manifest::ClientRequirement::parse(text).unwrap());
        assert_eq!(with(&|m| m.requires_client = client(">=0.3.0")), ((0, 1), (1, 0)));
        assert_eq!(with(&|m| m.header.expires = at("2026-12-30T00:00:00Z")), ((1, 0), (0, 1)));
    }

    #[test]
    fn without_an_old_issue_everything_that_allows_is_new() {
        let mut new = approving(&[("b", "1.0.0", 1)]);
        new.mode = Mode::Monitor;
        new.waivers.push(waiver());
        let documents = Documents { manifest: Some(&new), ..Documents::default() };
        let found = Difference::between(None, &documents);
        assert_eq!(found.newly_allows.len(), 3, "{found:?}");
        assert_eq!(found.steps, [Step { document: DocumentKind::Manifest, from: None, to: 46, expires: new.header.expires }]);
        assert!(Difference::between(Some(&documents), &documents).is_empty());
    }

    fn trust() -> TrustPolicy {
        let signer = |id: &str, byte: u8| {
            let key = SignerKey { spki: vec![byte], not_after: None };
            (id.to_owned(), Signer { id: id.to_owned(), keys: vec![key], identities: Vec::new() })
        };
        let role =
            |threshold, signers: &[&str]| RoleHolders { threshold, signers: signers.iter().map(|s| (*s).to_owned()).collect() };
        TrustPolicy {
            name: "acme".to_owned(),
            version: 1,
            expires: at("2027-11-20T00:00:00Z"),
            signers: BTreeMap::from([signer("alice", 1), signer("bob", 2)]),
            roles: BTreeMap::from([
                (Role::Root, role(2, &["alice", "bob"])),
                (Role::Manifest, role(2, &["alice", "bob"])),
                (Role::Revocations, role(1, &["bob"])),
            ]),
            waiver_limit: WAIVER_LIMIT,
            instances: BTreeMap::new(),
        }
    }

    #[test]
    fn whoever_may_sign_more_is_wider() {
        let with = |change: &dyn Fn(&mut TrustPolicy)| {
            let mut new = trust();
            change(&mut new);
            let old = trust();
            let documents = |trust| Documents { trust: Some(trust), ..Documents::default() };
            let found = Difference::between(Some(&documents(&old)), &documents(&new));
            (found.newly_allows.len(), found.no_longer.len())
        };
        let soon = at("2026-12-01T00:00:00Z");
        assert_eq!(with(&|t| t.version = 2), (0, 0));
        assert_eq!(with(&|t| t.roles.get_mut(&Role::Manifest).unwrap().threshold = 1), (1, 0));
        assert_eq!(with(&|t| t.roles.get_mut(&Role::Revocations).unwrap().signers.push("alice".into())), (1, 0));
        assert_eq!(with(&|t| drop(t.roles.remove(&Role::Revocations))), (1, 1));
        assert_eq!(with(&|t| t.signers.get_mut("bob").unwrap().keys[0].spki = vec![3]), (1, 1));
        assert_eq!(with(&|t| t.signers.get_mut("bob").unwrap().keys[0].not_after = Some(soon)), (0, 1));
        assert_eq!(with(&|t| t.waiver_limit = SignedDuration::from_hours(1)), (0, 1));
        assert_eq!(with(&|t| t.name = "other".into()), (1, 0));
    }

    /// A file of a tool with a version, a digest, or neither.
    fn sighting(tool: &str, version: Option<&str>, byte: u8) -> Sighting {
        Sighting {
            tool: id(tool),
            package: None,
            version: version.map(|v| Version::parse(Scheme::SemVer, v)),
            channel: Channel::Native,
            root: "/bin/x".into(),
            extent: Extent::File,
            reached_by: Vec::new(),
            executables: vec![Executable { path: "/bin/x".into(), size: 1, digests: Ok(sha256(byte)) }],
            identified_by: Identification::Name,
            renamed: None,
            brought_by: None,
            state: State::Present,
            claimed_version: None,
            embedded_version: None,
            measurements: Vec::new(),
        }
    }

    /// The subjects that pass: each as tool, version, byte, instant and group of the machine.
    fn passing(manifest: &Manifest, revocations: &Revocations) -> Vec<String> {
        ["", "eu"].iter().flat_map(|group| passing_in(manifest, revocations, group)).collect()
    }

    fn passing_in(manifest: &Manifest, revocations: &Revocations, group: &str) -> Vec<String> {
        let site = Site { groups: vec![group.to_owned()], repository: None };
        let policy = Policy::new(Verified::for_test(manifest.clone()));
        let policy = policy.with_revocations(Verified::for_test(revocations.clone())).at(site);
        let mut passing = Vec::new();
        for now in [at("2026-11-21T12:00:00Z"), at("2026-11-29T12:00:00Z")] {
            for tool in ["claude-code", "gemini-cli"] {
                for version in [Some("1.0.0"), Some("2.0.0"), Some("odd"), None] {
                    for byte in [1, 2] {
                        let sightings = vec![sighting(tool, version, byte)];
                        let evidence = Evidence { sightings, ..Evidence::default() };
                        let report = decide(&policy, &CATALOGUE, &evidence, &Platform::here(), now);
                        if report.verdicts.iter().all(|v| matches!(v.effect, Effect::Pass | Effect::Warn)) {
                            passing.push(format!("{tool} {version:?} {byte} {now} {group}"));
                        }
                    }
                }
            }
        }
        passing
    }

    fn any_tool() -> impl Strategy<Value = ToolId> {
        prop_oneof![Just(id("claude-code")), Just(id("gemini-cli"))]
    }

    fn any_version() -> impl Strategy<Value = String> {
        prop_oneof![Just("1.0.0".to_owned()), Just("2.0.0".to_owned())]
    }

    prop_compose! {
        fn any_entry()(tool in any_tool(), versions in prop::collection::vec((any_version(), 1_u8..3), 0..3)) -> ToolEntry {
            ToolEntry { id: tool, recognise: None, approvals: versions.iter().map(|(v, byte)| approval(v, *byte)).collect() }
        }
    }

    prop_compose! {
        fn any_revocation()(
            name in prop_oneof![Just("R-1"), Just("R-2")],
            subject in prop_oneof![
                any_tool().prop_map(Subject::Tool),
                Just(Subject::Vendor("anthropic".into())),
                Just(Subject::Vendor("Google".into())),
            ],
            ranges in prop::collection::vec(
                (prop_oneof![Just("0"), Just("1.0.0"), Just("1.5.0")], prop_oneof![Just(None), Just(Some("2.0.0")), Just(Some("3.0.0"))]),
                0..2,
            ),
            digests in prop::collection::vec((1_u8..3).prop_map(sha256), 0..2),
            by_digest_alone in any::<bool>(),
            severity in prop_oneof![Just(Severity::Low), Just(Severity::Critical)],
            effective in prop_oneof![Just("2026-07-01T00:00:00Z"), Just("2026-11-25T00:00:00Z")],
        ) -> Revocation {
            let is_tool = matches!(subject, Subject::Tool(_));
            let ranges = ranges.into_iter().filter(|_| is_tool);
            let ranges = ranges.map(|(a, b)| VersionRange { introduced: a.to_owned(), fixed: b.map(str::to_owned) }).collect();
            Revocation {
                affected: if by_digest_alone && !digests.is_empty() { Vec::new() } else { vec![Affected { subject, ranges }] },
                digests,
                severity,
                effective: at(effective),
                ..revocation(name, "0", None)
            }
        }
    }

    prop_compose! {
        fn any_waiver()(
            name in prop_oneof![Just("W-1"), Just("W-2")],
            tool in any_tool(),
            lifts in prop::sample::subsequence(vec![Lifts::Unvetted, Lifts::Revocation("R-1".into()), Lifts::Revocation("R-2".into())], 1..4),
            versions in prop::sample::subsequence(vec!["1.0.0".to_owned(), "2.0.0".to_owned()], 0..3),
            digests in prop_oneof![Just(DigestSet::new()), Just(sha256(1))],
            expires in prop_oneof![Just("2026-11-27T00:00:00Z"), Just("2026-12-01T00:00:00Z")],
            is_of_group in prop::bool::weighted(0.3),
        ) -> Waiver {
            let scope = is_of_group.then(|| Scope { repositories: Vec::new(), groups: vec!["eu".to_owned()] });
            Waiver { id: name.to_owned(), tool, lifts, versions, digests, scope, expires: at(expires), ..waiver() }
        }
    }

    fn distinct<T>(list: Vec<T>, key: impl Fn(&T) -> String) -> Vec<T> {
        let mut seen = std::collections::BTreeSet::new();
        list.into_iter().filter(|one| seen.insert(key(one))).collect()
    }

    prop_compose! {
        fn any_manifest()(
            tools in prop::collection::vec(any_entry(), 0..3),
            revocations in prop::collection::vec(any_revocation(), 0..3),
            waivers in prop::collection::vec(any_waiver(), 0..3),
            monitor in prop::bool::weighted(0.1),
            lax in prop::bool::weighted(0.2),
            overlay in prop::option::of((prop::option::of(Just(Mode::Enforce)), prop::bool::ANY, prop::option::of(any_revocation()))),
            withdrawn in prop::sample::subsequence(vec!["R-1", "R-2"], 0..2),
        ) -> Manifest {
            let is_ended = |r: &Revocation| withdrawn.contains(&r.id.as_str());
            let overlays = overlay.into_iter().map(|(mode, strict, revocation)| Overlay {
                group: "eu".to_owned(),
                mode,
                unlisted: if strict { BTreeMap::from([(Kind::Cli, Unlisted::Block)]) } else { BTreeMap::new() },
                revocations: revocation.into_iter().filter(|r| !is_ended(r)).collect(),
                line: 1,
                lines: crate::manifest::RuleLines::default(),
            });
            let revocations = revocations.into_iter().filter(|r| !is_ended(r)).collect();
            let mut manifest = Manifest {
                overlays: overlays.collect(),
                withdrawn: withdrawn.iter().map(|id| Withdrawn { id: (*id).to_owned(), reason: "r".to_owned(), line: 1 }).collect(),
                tools: distinct(tools, |t| t.id.to_string()),
                revocations: distinct(revocations, |r| r.id.clone()),
                waivers: distinct(waivers, |w| w.id.clone()),
                mode: if monitor { Mode::Monitor } else { Mode::Enforce },
                ..manifest()
            };
            if lax {
                manifest.unlisted.insert(Kind::Cli, Unlisted::Warn);
            }
            manifest
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

        /// Whatever passes under the new documents and did not under the old ones, a signer is told of something.
        #[test]
        fn nothing_passes_newly_without_a_word(
            old in any_manifest(),
            other in any_manifest(),
            documents in (prop::collection::vec(any_revocation(), 0..2), prop::collection::vec(any_revocation(), 0..2)),
            // Two manifests made apart differ in everything: most parts are kept, so that one change stands alone.
            kept in prop::array::uniform6(prop::bool::weighted(0.6)),
        ) {
            let keep = |index: usize| if kept[index] { &old } else { &other };
            let new = Manifest {
                tools: keep(0).tools.clone(),
                revocations: keep(1).revocations.clone(),
                // What is withdrawn is left out of the same manifest.
                withdrawn: keep(1).withdrawn.clone(),
                overlays: if keep(1).withdrawn.is_empty() { keep(5).overlays.clone() } else { keep(1).overlays.clone() },
                waivers: keep(2).waivers.clone(),
                mode: keep(3).mode,
                unlisted: keep(3).unlisted.clone(),
                ..old.clone()
            };
            let document = |revocations| Revocations {
                header: old.header.clone(),
                manifest: super::super::Beacon { serial: 1, sha256: Digest::Sha256([0; 32]) },
                revocations,
            };
            let before = document(documents.0.clone());
            let after = document(if kept[4] { documents.0 } else { documents.1 });
            let found = Difference::between(
                Some(&Documents { manifest: Some(&old), revocations: Some(&before), trust: None }),
                &Documents { manifest: Some(&new), revocations: Some(&after), trust: None },
            );
            let known = passing(&old, &before);
            let newly: Vec<String> = passing(&new, &after).into_iter().filter(|subject| !known.contains(subject)).collect();
            prop_assert!(newly.is_empty() || !found.newly_allows.is_empty(), "{newly:?} passes newly: {found:?}");
        }
    }
}
