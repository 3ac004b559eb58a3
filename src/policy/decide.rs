//! The decision: one table, one order.
//!
//! ```text
//! 1 revoked        a revocation in force covers it          lifted by a live waiver in scope that names it, unless it is
//!                                                           critical or a repository or user wrote it
//! 2 mismatched     approved version, other bytes            never lifted
//! 3 unverifiable   what would decide cannot be known        never lifted
//! 4 unattested     an attestation asked for is not there,   never lifted
//!                  or evidence that is written down does
//!                  not hold
//! 5 expired        approved or waived in documents that     never lifted
//!                  may not be used any more
//! 6 unvetted       no approval names it, or its release is   lifted by a live waiver in scope that names `unvetted`
//!                  too young for one to count
//! 7 waived         a waiver lifted what stands above, and nothing above is left
//! 8 approved       every pinned digest is equal, or an approved tree or package list covers every byte of it
//! ```
//!
//! A subject starts as unvetted and leaves that only by the positive fact of row 7 or 8. A waiver lifts exactly what it names: one
//! that lifts a revocation does not stand in for an approval, else whoever may revoke could widen it by revoking more under
//! the same id. Documents that may not be used any more keep revoking and decide nothing else.
//!
//! What a repository tells AI tools to do, and how it asks for them, is judged by the rules of `rules::repository`, each with a level of
//! its own. The outcome is the strongest effect of both.

use super::about_policy;
use super::findings::{self, Explained};
use super::rules::changed::{self, ChangedTree};
use super::rules::repository::{self, Scene, unapproved_weights};
use super::rules::within::{self, ApprovedTree};
use super::rules::{Case, Lift, Ruling, approved, expired, mismatched, revoked, unattested, unverifiable, unvetted, waived};
use super::verdict::{Effect, Item, Judgement, Outcome, Verdict, Why};
use super::{Freshness, Policy, PolicySummary, Report, Severity};
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{CoverageOutcome, Evidence, Mention, Request};
use crate::manifest::{Mode, Unlisted};
use crate::tool::{Platform, ToolId};
use crate::trust::stored::Asked;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Judge the evidence under the policy at the instant that the clock of this machine shows.
///
/// Pure: the same arguments give the same report. `platform` chooses among the artifacts of an approval.
#[must_use]
pub fn decide(policy: &Policy, catalogue: &Catalogue, evidence: &Evidence, platform: &Platform, clock: Timestamp) -> Report {
    let (freshness, now) = (policy.freshness(clock), policy.instant(clock));
    let sightings = evidence.sightings.iter().cloned().map(Item::Sighting);
    let mentions = evidence.mentions.iter().filter(|m| !is_judged_by_its_lock(m, &evidence.mentions)).cloned().map(Item::Mention);
    let items: Vec<(Item, Cow<'_, Tool>)> = sightings.chain(mentions).map(|item| with_tool(item, catalogue)).collect();
    let mut rulings: Vec<Ruling<'_>> = Vec::with_capacity(items.len());
    let (mut trees, mut changed): (Vec<ApprovedTree>, Vec<ChangedTree<'_>>) = (Vec::new(), Vec::new());
    for pair in &items {
        let case = Case { policy, tool: &pair.1, item: &pair.0, platform, now, clock, freshness };
        let mut ruling = rule(&case);
        changed::look_for_manifest(&mut ruling, items.iter().map(|(item, _)| item));
        changed.extend(ChangedTree::of(&case, &ruling));
        // An approved tool whose revocation was lifted is what it was without the revocation.
        if matches!(ruling.verdict, Verdict::Approved(_) | Verdict::Waived { .. }) && ruling.approval.is_some() {
            trees.extend(ApprovedTree::of(&case));
        }
        rulings.push(ruling);
    }
    let mut explained: Vec<Explained> = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut met: BTreeSet<(&ToolId, &str)> = BTreeSet::new();
    for (pair, ruling) in items.iter().zip(rulings) {
        let case = Case { policy, tool: &pair.1, item: &pair.0, platform, now, clock, freshness };
        let ruling = in_its_surroundings(&case, ruling, (&trees, &changed));
        met.extend(case.approvals().into_iter().map(|approval| (&pair.1.id, approval.version.as_str())));
        used.extend(ruling.lifted.iter().map(|lift| lift.waiver).chain(ruling.waiver).map(|waiver| waiver.id.as_str()));
        if is_floating_and_listed(&pair.0, &ruling.verdict) {
            continue;
        }
        let effect = effect_of(&case, &ruling.verdict);
        explained.push(findings::explain(&case, catalogue, ruling, effect));
    }
    let mut findings = findings::of_verdicts(&explained);
    findings.extend(findings::of_releases(&explained));
    findings.extend(findings::of_sightings(evidence));
    findings.extend(findings::of_strangers(evidence, &explained));
    let judgements: Vec<&Judgement> = explained.iter().map(|one| &one.judgement).collect();
    let scene = Scene { policy, catalogue, evidence, judgements: &judgements, met: &met, now, clock, freshness };
    let weighed = repository::findings(&scene);
    let of_content = weighed.iter().map(|one| one.effect).max().unwrap_or(Effect::Pass);
    used.extend(weighed.iter().filter_map(|one| one.waiver));
    findings.extend(weighed.into_iter().map(|one| one.finding));
    findings.extend(findings::of_oddities(policy, evidence));
    findings.extend(about_policy::of_freshness(policy, freshness, clock));
    findings.extend(about_policy::of_layers(policy));
    if freshness.approves() {
        findings.extend(about_policy::of_waivers(policy, &used, evidence.is_whole, clock));
    }
    findings.extend(findings::of_coverage(policy, evidence));
    findings.sort_by(|a, b| {
        (std::cmp::Reverse(a.severity), a.code, &a.subject).cmp(&(std::cmp::Reverse(b.severity), b.code, &b.subject))
    });

    let mut verdicts: Vec<Judgement> = explained.into_iter().map(|e| e.judgement).collect();
    verdicts.sort_by_cached_key(|j| (std::cmp::Reverse(j.effect), j.verdict.rank(), sort_name(&j.item)));
    let outcome = outcome_of(policy, of_content, (&verdicts, evidence), freshness);
    let (directives, traces, coverage) = (evidence.directives.clone(), evidence.traces.clone(), evidence.coverage.clone());
    Report { outcome, policy: summary_of(policy, freshness), now, verdicts, findings, directives, traces, coverage }
}

/// What of the evidence that approvals name has to be verified before [`decide()`] can judge these: that of the approvals whose bytes
/// are those of a sighting, or whose version a mention asks for.
#[must_use]
pub fn evidence_wanted(
    policy: &Policy,
    catalogue: &Catalogue,
    evidence: &Evidence,
    platform: &Platform,
    clock: Timestamp,
) -> Vec<Asked> {
    let (freshness, now) = (policy.freshness(clock), policy.instant(clock));
    let sightings = evidence.sightings.iter().cloned().map(Item::Sighting);
    let mut wanted: Vec<Asked> = Vec::new();
    for item in sightings.chain(evidence.mentions.iter().cloned().map(Item::Mention)) {
        let (item, tool) = with_tool(item, catalogue);
        let case = Case { policy, tool: &tool, item: &item, platform, now, clock, freshness };
        for asked in unattested::questions(&case) {
            if !wanted.contains(&asked) {
                wanted.push(asked);
            }
        }
    }
    wanted
}

/// An item with the catalogue entry of its tool. Gathering recognises tools by this catalogue, so the entry is there; leaving out
/// a subject without one would let it pass, so it is judged as a tool of an unknown vendor.
fn with_tool(item: Item, catalogue: &Catalogue) -> (Item, Cow<'_, Tool>) {
    let id = match &item {
        Item::Sighting(sighting) => &sighting.tool,
        Item::Mention(mention) => &mention.tool,
    };
    let tool = catalogue.tool(id).map_or_else(|| Cow::Owned(Tool::unknown(id.clone())), Cow::Borrowed);
    (item, tool)
}

/// The table.
pub(super) fn rule<'a>(case: &Case<'a>) -> Ruling<'a> {
    // 1
    let mut lifted: Vec<Lift<'a>> = Vec::new();
    for ruling in revoked::rulings(case) {
        match (waived::lifting(case, &ruling), ruling.revocation) {
            (Some(waiver), Some(revocation)) => lifted.push(Lift { waiver, revocation }),
            _ => return Ruling { lifted, ..ruling },
        }
    }
    // 2, 3, 4, 5
    let unknown = || unverifiable::ruling(case).or_else(|| unattested::ruling(case));
    if let Some(ruling) = mismatched::ruling(case).or_else(unknown).or_else(|| expired::ruling(case)) {
        return Ruling { lifted, ..ruling };
    }
    // 8, and 7 where a revocation was lifted on the way here.
    if let Some(ruling) = approved::ruling(case) {
        return waived_where_lifted(Ruling { lifted, ..ruling });
    }
    // 6 and 7
    let unvetted = unvetted::ruling(case);
    match waived::lifting(case, &unvetted) {
        Some(waiver) => {
            let what = lifted.iter().map(|lift| lift.revocation.id.as_str()).chain(["unvetted"]).collect::<Vec<_>>().join(", ");
            let verdict = Verdict::Waived { id: waiver.id.clone(), lifted: what, until: until(waiver.expires, &lifted) };
            Ruling { waiver: Some(waiver), lifted, ..Ruling::of_manifest(verdict) }
        }
        None => Ruling { lifted, ..unvetted },
    }
}

/// A ruling that lets the subject pass, named for the waiver without which a revocation would block it.
fn waived_where_lifted(ruling: Ruling<'_>) -> Ruling<'_> {
    let Some(first) = ruling.lifted.first().copied() else { return ruling };
    let what = ruling.lifted.iter().map(|lift| lift.revocation.id.as_str()).collect::<Vec<_>>().join(", ");
    let verdict =
        Verdict::Waived { id: first.waiver.id.clone(), lifted: what, until: until(first.waiver.expires, &ruling.lifted) };
    Ruling { verdict, waiver: Some(first.waiver), ..ruling }
}

/// When the first of several waivers ends.
fn until(first: Timestamp, lifted: &[Lift<'_>]) -> Timestamp {
    lifted.iter().map(|lift| lift.waiver.expires).fold(first, Timestamp::min)
}

/// What the table cannot see from one subject alone: an unvetted one may lie inside an approved tree, and one whose
/// revocation was lifted may pass where unlisted tools do.
fn in_its_surroundings<'a>(
    case: &Case<'a>,
    ruling: Ruling<'a>,
    (trees, changed): (&[ApprovedTree], &'a [ChangedTree<'a>]),
) -> Ruling<'a> {
    if !matches!(ruling.verdict, Verdict::Unvetted { .. }) {
        return ruling;
    }
    if let Some(within) = within::ruling(case, trees) {
        return waived_where_lifted(Ruling { lifted: ruling.lifted, ..within });
    }
    match effect_of(case, &ruling.verdict) {
        Effect::Pass | Effect::Warn => waived_where_lifted(ruling),
        Effect::Undecided | Effect::Block => {
            let came_with = case.sighting().and_then(|sighting| changed.iter().find(|tree| tree.brought(sighting)));
            Ruling { came_with, ..ruling }
        }
    }
}

/// What a verdict does to the run.
fn effect_of(case: &Case<'_>, verdict: &Verdict) -> Effect {
    let (policy, freshness) = (case.policy, case.freshness);
    let enforce = policy.mode() == Mode::Enforce;
    // Newer documents may approve it, in these bytes too: what they would say is not known.
    let block = if freshness.approves() { Effect::Block } else { Effect::Undecided };
    match verdict {
        Verdict::Revoked { .. } => Effect::Block,
        Verdict::Mismatched(_) | Verdict::Unattested(_) if enforce => block,
        // A revocation may cover it: that question is open in every mode.
        Verdict::Unverifiable(Why::UnknownVersion | Why::Undigested(_)) | Verdict::Expired(_) => Effect::Undecided,
        Verdict::Unverifiable(Why::Unmeasured { .. }) if enforce => Effect::Undecided,
        Verdict::Mismatched(_) | Verdict::Unattested(_) | Verdict::Unverifiable(_) | Verdict::Waived { .. } => Effect::Warn,
        Verdict::Unvetted { .. } if unapproved_weights::is_about(case.item, verdict) => {
            unapproved_weights::effect(policy, case.now, freshness)
        }
        Verdict::Unvetted { .. } => {
            let listed = match policy.unlisted(case.tool.kind) {
                Unlisted::Allow => Effect::Pass,
                Unlisted::Block if enforce => block,
                Unlisted::Warn | Unlisted::Block => Effect::Warn,
            };
            listed.min(policy.most_of_unvetted(case.now))
        }
        Verdict::Approved(_) => Effect::Pass,
    }
}

/// The strongest effect of verdicts and of what the rules about repository content found.
fn outcome_of(
    policy: &Policy,
    of_content: Effect,
    (verdicts, evidence): (&[Judgement], &Evidence),
    freshness: Freshness,
) -> Outcome {
    let worst = verdicts.iter().map(|j| j.effect).fold(of_content, Effect::max);
    let blind = policy.mode() == Mode::Enforce && is_blind(evidence);
    match worst {
        Effect::Block => Outcome::Blocked,
        Effect::Undecided => Outcome::Undecided,
        Effect::Pass | Effect::Warn if !freshness.approves() || blind => Outcome::Undecided,
        Effect::Pass | Effect::Warn => Outcome::Approved,
    }
}

/// Whether a place where tools may lie, or a file that may name one, could not be looked at.
fn is_blind(evidence: &Evidence) -> bool {
    evidence.coverage.iter().any(|c| matches!(c.outcome, CoverageOutcome::NotLooked(_)))
        || evidence.oddities.iter().any(|o| matches!(o, crate::evidence::Oddity::Unparsable { .. }))
}

/// A range with a lock file beside it whose own mention says which version is meant, and is judged. That there is a lock file is
/// not enough: one that is not read says nothing, and then the range itself is judged.
fn is_judged_by_its_lock(mention: &Mention, mentions: &[Mention]) -> bool {
    matches!(mention.request, Request::Floating { locked: true, .. })
        && mentions.iter().any(|other| other.package == mention.package && matches!(other.request, Request::Exact(_)))
}

/// A range of a tool that has approvals: which version arrives is not known, what arrives is judged, and the finding
/// `floating-version` says what to write instead.
fn is_floating_and_listed(item: &Item, verdict: &Verdict) -> bool {
    let floating = matches!(item, Item::Mention(m) if matches!(m.request, Request::Floating { .. }));
    floating && matches!(verdict, Verdict::Unvetted { approved_versions, .. } if !approved_versions.is_empty())
}

fn sort_name(item: &Item) -> (String, String, PathBuf) {
    match item {
        Item::Sighting(s) => {
            (s.tool.to_string(), s.version.as_ref().map(ToString::to_string).unwrap_or_default(), s.root.clone())
        }
        Item::Mention(m) => (m.tool.to_string(), String::new(), m.location.path.clone()),
    }
}

fn summary_of(policy: &Policy, freshness: Freshness) -> PolicySummary {
    let header = &policy.manifest().header;
    PolicySummary {
        name: header.name.clone(),
        serial: header.serial,
        mode: policy.mode(),
        issued: header.issued,
        expires: header.expires,
        proof: policy.proof().clone(),
        revocations: policy
            .revocations_document()
            .zip(policy.revocations_proof())
            .map(|(document, proof)| (document.header.clone(), proof.clone())),
        freshness,
        grace: policy.manifest().grace,
        site: policy.site().clone(),
        layers: policy.layers().iter().map(|l| (l.layer.clone(), l.path.clone())).collect(),
    }
}

impl From<Effect> for Severity {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Block | Effect::Undecided => Self::Error,
            Effect::Warn => Self::Warning,
            Effect::Pass => Self::Note,
        }
    }
}
