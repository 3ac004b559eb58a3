//! What is approved, by which bytes, and on which terms: evidence, cooldown, lists of packages.

use super::{Change, Difference};
use crate::digest::Digest;
use crate::manifest::{Approval, Artifact, EvidenceRef, Manifest, Mode, Release, Shape, Unlisted};
use crate::tool::{Kind, PackageVersion, Platform, ToolId};
use crate::version::{Scheme, Version};
use std::collections::{BTreeMap, BTreeSet};

/// The bytes that an approval names, in a form that does not depend on the order of its artifacts. Who approved it and where it stands
/// in the file makes no difference to what it allows; its [`Terms`] are compared apart.
fn pins(approval: &Approval) -> Vec<String> {
    let artifacts = approval.artifacts.iter().filter_map(|artifact| match artifact {
        Artifact::Release(release) => Some(release_key(release)),
        Artifact::Installed(installed) => (installed.shape != Shape::Packages).then(|| format!("{installed:?}")),
    });
    let mut pins: Vec<String> = artifacts.collect();
    pins.sort();
    pins.dedup();
    pins
}

/// A release without the evidence that speaks of it.
fn release_key(release: &Release) -> String {
    format!("{:?}", Release { evidence: Vec::new(), ..release.clone() })
}

/// A measurement of the packages that a tool loads: where, and of which package's folder.
type Measured = (Option<Platform>, Option<PackageVersion>);

/// What holds for the bytes of an approval besides being these bytes.
#[derive(PartialEq, Eq)]
struct Terms {
    /// By release and by SHA-256.
    evidence: BTreeMap<(String, [u8; 32]), EvidenceRef>,
    lists: BTreeSet<(Measured, Digest)>,
    is_unattested: bool,
    cools_from: Option<jiff::Timestamp>,
}

impl Terms {
    fn of(approval: &Approval) -> Self {
        let evidence = approval
            .releases()
            .flat_map(|release| release.evidence.iter().map(move |file| ((release_key(release), file.sha256), file.clone())));
        let lists = approval.artifacts.iter().filter_map(|artifact| match artifact {
            Artifact::Installed(i) if i.shape == Shape::Packages => Some(i),
            _ => None,
        });
        let lists = lists.flat_map(|i| i.digests.iter().map(move |list| ((i.platform.clone(), i.package.clone()), list.clone())));
        Self {
            evidence: evidence.collect(),
            lists: lists.collect(),
            is_unattested: approval.is_unattested,
            cools_from: approval.cools_from(),
        }
    }
}

/// An approval, taken apart.
struct Named<'a> {
    pins: Vec<String>,
    terms: Terms,
    approval: &'a Approval,
}

impl Named<'_> {
    fn is_twin(&self, other: &Named<'_>) -> bool {
        self.pins == other.pins && self.terms == other.terms
    }
}

type ByVersion<'a> = BTreeMap<(&'a ToolId, &'a str), Vec<Named<'a>>>;

fn by_version(manifest: Option<&Manifest>) -> ByVersion<'_> {
    let mut map = ByVersion::new();
    for tool in manifest.into_iter().flat_map(|m| &m.tools) {
        for approval in &tool.approvals {
            let named = Named { pins: pins(approval), terms: Terms::of(approval), approval };
            map.entry((&tool.id, &approval.version)).or_default().push(named);
        }
    }
    map
}

/// Compare what two manifests approve.
pub(super) fn compare(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let (before, after) = (by_version(old), by_version(new));
    let none = Vec::new();
    // Approvals whose bytes stay and whose terms change: each old one is what one new one was.
    let mut continued: Vec<&Approval> = Vec::new();
    let cools = [old, new].into_iter().flatten().any(has_cooldown);
    for ((tool, version), approvals) in &after {
        let others = before.get(&(*tool, *version)).unwrap_or(&none);
        for named in approvals {
            if let Some(twin) = others.iter().find(|other| other.is_twin(named)) {
                difference.unchanged.approvals += 1;
                // Who approved it is a claim that the signers make: they see it change.
                if twin.approval.approved != named.approval.approved {
                    difference.also.push(approval_of(tool, named.approval, false));
                }
                continue;
            }
            let is_free = |other: &&Named<'_>| {
                other.pins == named.pins
                    && !approvals.iter().any(|twin| twin.is_twin(other))
                    && !continued.iter().any(|known| std::ptr::eq(*known, other.approval))
            };
            match others.iter().find(is_free) {
                Some(other) => {
                    continued.push(other.approval);
                    let is_required = new.is_some_and(|new| new.tools.iter().any(|t| t.id == **tool && !t.require.is_empty()));
                    terms(tool, (other, named), Rules { cools, is_required }, difference);
                }
                None => difference.newly_allows.push(approval_of(tool, named.approval, !others.is_empty())),
            }
        }
    }
    for ((tool, version), approvals) in &before {
        let others = after.get(&(*tool, *version)).unwrap_or(&none);
        let is_continued = |named: &&Named<'_>| continued.iter().any(|known| std::ptr::eq(*known, named.approval));
        let ended = approvals.iter().filter(|named| !others.iter().any(|other| other.is_twin(named)) && !is_continued(named));
        difference.no_longer.extend(ended.map(|named| approval_of(tool, named.approval, !others.is_empty())));
        let has_bytes = |list: &[Named<'_>], pins: &[String]| list.iter().any(|other| other.pins == pins);
        let gone: Vec<&Named<'_>> = approvals.iter().filter(|named| !has_bytes(others, &named.pins)).collect();
        // Where the version has new bytes, that is said above.
        let is_said = others.iter().any(|named| !has_bytes(approvals, &named.pins));
        let is_listed = after.keys().any(|(other, listed)| other == tool && is_one_version(listed, version));
        // What a lock file says is compared with release digests, where an approval of the version has some.
        let by_version = is_listed && gone.iter().any(|named| has_release(named.approval));
        if !gone.is_empty() && !is_said && (by_version || new.is_some_and(|new| may_pass_unlisted(new, tool))) {
            let (tool, version) = ((*tool).clone(), (*version).to_owned());
            difference.newly_allows.push(Change::Unpinned { tool, version, is_listed });
        }
    }
    requirements(old, new, difference);
    descriptions(old, new, difference);
}

/// What else decides how the terms of an approval count.
#[derive(Clone, Copy)]
struct Rules {
    /// Whether a cooldown is asked for anywhere.
    cools: bool,
    /// Whether the tool requires an attestation.
    is_required: bool,
}

fn has_cooldown(manifest: &Manifest) -> bool {
    let cooldowns = manifest.overlays.iter().filter_map(|overlay| overlay.cooldown).chain([manifest.cooldown]);
    cooldowns.into_iter().any(|cooldown| !cooldown.is_zero())
}

/// Compare the terms of two approvals of the same bytes.
fn terms(tool: &ToolId, (old, new): (&Named<'_>, &Named<'_>), rules: Rules, difference: &mut Difference) {
    let named = || (tool.clone(), new.approval.version.clone());
    if old.approval.approved != new.approval.approved {
        difference.also.push(approval_of(tool, new.approval, false));
    }
    evidence(named(), (&old.terms, &new.terms), rules.is_required, difference);
    if old.terms.is_unattested != new.terms.is_unattested {
        let (tool, version) = named();
        let list = if new.terms.is_unattested { &mut difference.newly_allows } else { &mut difference.no_longer };
        list.push(Change::Unattested { tool, version });
    }
    let (from, to) = (old.terms.cools_from, new.terms.cools_from);
    // A time that is written as such is meant to count. Who approved when counts only where something has to cool.
    let counts = rules.cools || old.approval.released != new.approval.released;
    if from != to && counts {
        let (tool, version) = named();
        // Never is later than any time.
        let is_earlier = to.is_some_and(|to| from.is_none_or(|from| to < from));
        let list = if is_earlier { &mut difference.newly_allows } else { &mut difference.no_longer };
        list.push(Change::CoolsFrom { tool, version, from, to });
    }
    package_lists(named(), (&old.terms, &new.terms), difference);
}

/// Evidence that is written down has to hold, so less of it may let pass what was refused. Where an attestation is required more of it
/// may, too: one bundle that verifies is enough.
fn evidence((tool, version): (ToolId, String), (old, new): (&Terms, &Terms), is_required: bool, difference: &mut Difference) {
    let missing = |from: &Terms, of: &Terms| -> Vec<EvidenceRef> {
        from.evidence.iter().filter(|(key, _)| !of.evidence.contains_key(*key)).map(|(_, file)| file.clone()).collect()
    };
    let (added, dropped) = (missing(new, old), missing(old, new));
    let list = if !dropped.is_empty() || (is_required && !added.is_empty()) {
        &mut difference.newly_allows
    } else if !added.is_empty() {
        &mut difference.no_longer
    } else if old.evidence != new.evidence {
        // The same bundles under other names.
        &mut difference.also
    } else {
        return;
    };
    list.push(Change::Evidence { tool, version, added, dropped });
}

/// Lists of one measurement are alternatives; a measurement that nobody makes any more refuses nothing.
fn package_lists((tool, version): (ToolId, String), (old, new): (&Terms, &Terms), difference: &mut Difference) {
    let measured = |terms: &Terms| -> BTreeSet<Measured> { terms.lists.iter().map(|(measured, _)| measured.clone()).collect() };
    let (before, after) = (measured(old), measured(new));
    let moves = |from: &Terms, to: &Terms, known: &BTreeSet<Measured>| {
        to.lists.difference(&from.lists).any(|(measured, _)| known.contains(measured))
    };
    let lists: Vec<Digest> = new.lists.iter().map(|(_, list)| list.clone()).collect();
    let change = || Change::PackageList { tool: tool.clone(), version: version.clone(), lists: lists.clone() };
    if moves(old, new, &before) || !before.is_subset(&after) {
        difference.newly_allows.push(change());
    }
    if moves(new, old, &after) || !after.is_subset(&before) {
        difference.no_longer.push(change());
    }
}

/// Which attestation policies tools require that are on both sides.
fn requirements(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let (Some(old), Some(new)) = (old, new) else { return };
    for tool in &new.tools {
        let Some(before) = old.tools.iter().find(|other| other.id == tool.id) else { continue };
        let change = |id: &String| Change::Require { tool: tool.id.clone(), id: id.clone() };
        difference.newly_allows.extend(before.require.iter().filter(|id| !tool.require.contains(id)).map(change));
        difference.no_longer.extend(tool.require.iter().filter(|id| !before.require.contains(id)).map(change));
    }
}

/// By what the organisation's own tools are recognised.
fn descriptions(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let described = |manifest: Option<&Manifest>| -> BTreeMap<ToolId, crate::manifest::Recognise> {
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
    approval.releases().next().is_some()
}

/// Whether two texts can be one version: `1.0.0` and `v1.0.0` are.
fn is_one_version(a: &str, b: &str) -> bool {
    a == b || [Scheme::SemVer, Scheme::Pep440].into_iter().any(|scheme| Version::parse(scheme, a) == Version::parse(scheme, b))
}

/// Whether a tool of which nothing is known may pass somewhere.
fn may_pass_unlisted(manifest: &Manifest, tool: &ToolId) -> bool {
    manifest.mode == Mode::Monitor
        || Kind::ALL.iter().any(|kind| manifest.unlisted.get(kind).is_some_and(|rule| *rule < Unlisted::Block))
        || manifest.waivers.iter().any(|w| w.tool == *tool && w.lifts.contains(&crate::manifest::Lifts::Unvetted))
}
