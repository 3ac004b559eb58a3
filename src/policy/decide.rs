//! The decision: one table, one order.
//!
//! ```text
//! 1 revoked        a revocation in force covers it          lifted by a live waiver that names it, unless it is critical
//! 2 mismatched     approved version, other bytes            never lifted
//! 3 unverifiable   what would decide cannot be known        never lifted
//! 4 unattested     an attestation asked for is not there    never lifted
//! 5 expired        approved in a manifest that has expired  never lifted
//! 6 unvetted       no approval names it                     lifted by a live waiver
//! 7 waived         a waiver lifted what stood above
//! 8 approved       every pinned digest is equal, or an approved tree covers every byte of it
//! ```
//!
//! A subject starts as unvetted and leaves that only by the positive fact of row 7 or 8.

use super::findings::{self, Explained};
use super::rules::within::{self, ApprovedTree};
use super::rules::{Case, Ruling, approved, expired, mismatched, revoked, unverifiable, unvetted, waived};
use super::verdict::{Effect, Item, Judgement, Outcome, Verdict, Why};
use super::{Policy, PolicySummary, Report, Severity};
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{CoverageOutcome, Evidence, Mention, Request};
use crate::manifest::{Mode, Unlisted, Waiver};
use crate::tool::{Kind, Platform};
use jiff::Timestamp;
use std::borrow::Cow;
use std::path::PathBuf;

/// Judge the evidence under the policy at an instant.
///
/// Pure: the same arguments give the same report. `platform` chooses among the artifacts of an approval.
#[must_use]
pub fn decide(policy: &Policy, catalogue: &Catalogue, evidence: &Evidence, platform: &Platform, now: Timestamp) -> Report {
    let sightings = evidence.sightings.iter().cloned().map(Item::Sighting);
    let mentions = evidence.mentions.iter().filter(|m| !is_judged_by_its_lock(m, &evidence.mentions)).cloned().map(Item::Mention);
    let items: Vec<(Item, Cow<'_, Tool>)> = sightings.chain(mentions).map(|item| with_tool(item, catalogue)).collect();
    let mut rulings: Vec<Ruling<'_>> = Vec::with_capacity(items.len());
    let mut trees: Vec<ApprovedTree> = Vec::new();
    for pair in &items {
        let case = Case { policy, tool: &pair.1, item: &pair.0, platform, now };
        let ruling = rule(&case);
        if matches!(ruling.verdict, Verdict::Approved(_)) {
            trees.extend(ApprovedTree::of(&case));
        }
        rulings.push(ruling);
    }
    let mut explained: Vec<Explained> = Vec::new();
    for (pair, ruling) in items.iter().zip(rulings) {
        let case = Case { policy, tool: &pair.1, item: &pair.0, platform, now };
        let is_unvetted = matches!(ruling.verdict, Verdict::Unvetted { .. });
        let within = if is_unvetted { within::ruling(&case, &trees) } else { None };
        let ruling = within.unwrap_or(ruling);
        if is_floating_and_listed(&pair.0, &ruling.verdict) {
            continue;
        }
        let effect = effect_of(policy, pair.1.kind, &ruling.verdict);
        explained.push(findings::explain(&case, catalogue, ruling, effect));
    }
    let mut findings = findings::of_verdicts(&explained);
    findings.extend(findings::of_sightings(evidence));
    findings.extend(findings::of_floating(policy, catalogue, evidence, now));
    findings.extend(findings::of_oddities(policy, evidence));
    findings.extend(findings::of_policy(policy, now));
    findings.extend(findings::of_coverage(policy, evidence));
    findings.sort_by(|a, b| {
        (std::cmp::Reverse(a.severity), a.code, &a.subject).cmp(&(std::cmp::Reverse(b.severity), b.code, &b.subject))
    });

    let mut verdicts: Vec<Judgement> = explained.into_iter().map(|e| e.judgement).collect();
    verdicts.sort_by_cached_key(|j| (std::cmp::Reverse(j.effect), j.verdict.rank(), sort_name(&j.item)));
    let outcome = outcome_of(policy, &verdicts, evidence, now);
    Report { outcome, policy: summary_of(policy), now, verdicts, findings, coverage: evidence.coverage.clone() }
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
fn rule<'a>(case: &Case<'a>) -> Ruling<'a> {
    let mut lifted: Option<(&'a Waiver, String)> = None;
    // 1
    for ruling in revoked::rulings(case) {
        match waived::lifting(case, &ruling) {
            Some(waiver) => {
                lifted = Some((waiver, ruling.revocation.map_or_else(String::new, |r| r.id.clone())));
            }
            None => return ruling,
        }
    }
    // 2, 3, 5; row 4 has no rule before manifests can ask for attestations.
    let refused = mismatched::ruling(case).or_else(|| unverifiable::ruling(case)).or_else(|| expired::ruling(case));
    if let Some(ruling) = refused {
        return ruling;
    }
    // 8, and 7 where a revocation was lifted on the way here.
    if let Some(ruling) = approved::ruling(case) {
        return match lifted {
            None => ruling,
            Some((waiver, what)) => waived_ruling(case, waiver, what),
        };
    }
    // 6 and 7: a waiver that lifted the revocation of this very subject stands for the approval it does not have.
    let unvetted = unvetted::ruling(case);
    match (lifted, waived::lifting(case, &unvetted)) {
        (Some((waiver, what)), _) => waived_ruling(case, waiver, what),
        (None, Some(waiver)) => waived_ruling(case, waiver, "unvetted".to_owned()),
        (None, None) => unvetted,
    }
}

fn waived_ruling<'a>(case: &Case<'a>, waiver: &Waiver, lifted: String) -> Ruling<'a> {
    let verdict = Verdict::Waived { id: waiver.id.clone(), lifted, until: waiver.expires };
    Ruling::of_manifest(case, verdict)
}

/// What a verdict does to the run.
fn effect_of(policy: &Policy, kind: Kind, verdict: &Verdict) -> Effect {
    let enforce = policy.mode() == Mode::Enforce;
    match verdict {
        Verdict::Revoked { .. } => Effect::Block,
        Verdict::Mismatched(_) | Verdict::Unattested(_) if enforce => Effect::Block,
        // A revocation may cover it: that question is open in every mode.
        Verdict::Unverifiable(Why::UnknownVersion | Why::Undigested(_)) | Verdict::Expired(_) => Effect::Undecided,
        Verdict::Unverifiable(Why::Unmeasured { .. }) if enforce => Effect::Undecided,
        Verdict::Mismatched(_) | Verdict::Unattested(_) | Verdict::Unverifiable(_) | Verdict::Waived { .. } => Effect::Warn,
        Verdict::Unvetted { .. } => match policy.unlisted(kind) {
            Unlisted::Allow => Effect::Pass,
            Unlisted::Block if enforce => Effect::Block,
            Unlisted::Warn | Unlisted::Block => Effect::Warn,
        },
        Verdict::Approved(_) => Effect::Pass,
    }
}

fn outcome_of(policy: &Policy, verdicts: &[Judgement], evidence: &Evidence, now: Timestamp) -> Outcome {
    let worst = verdicts.iter().map(|j| j.effect).max().unwrap_or(Effect::Pass);
    let expired = now >= policy.manifest().header.expires;
    let blind = policy.mode() == Mode::Enforce && is_blind(evidence);
    match worst {
        Effect::Block => Outcome::Blocked,
        Effect::Undecided => Outcome::Undecided,
        Effect::Pass | Effect::Warn if expired || blind => Outcome::Undecided,
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
    floating && matches!(verdict, Verdict::Unvetted { approved_versions } if !approved_versions.is_empty())
}

fn sort_name(item: &Item) -> (String, String, PathBuf) {
    match item {
        Item::Sighting(s) => {
            (s.tool.to_string(), s.version.as_ref().map(ToString::to_string).unwrap_or_default(), s.root.clone())
        }
        Item::Mention(m) => (m.tool.to_string(), String::new(), m.location.path.clone()),
    }
}

fn summary_of(policy: &Policy) -> PolicySummary {
    let header = &policy.manifest().header;
    PolicySummary {
        name: header.name.clone(),
        serial: header.serial,
        mode: policy.mode(),
        issued: header.issued,
        expires: header.expires,
        proof: policy.proof().clone(),
        layers: policy.layers().iter().map(|l| l.path.clone()).collect(),
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
