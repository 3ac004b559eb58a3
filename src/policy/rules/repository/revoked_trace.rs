//! Words that say a revoked tool, model or vendor is or was used: ids of models in files, trailers of commits. Revocations alone judge
//! them. A word brings nothing and proves nothing, and every finding says so.

use super::{Scene, Weighed};
use crate::evidence::{Trace, TraceOrigin};
use crate::manifest::{Coverage, Level, Levelled, Lifts, Revocation, RevokedBy, Severity as Weight, Target, Waiver};
use crate::policy::Origin;
use crate::policy::finding::{Code, Finding, Help, Place, Severity};
use crate::policy::findings::{day, observed, revoked_by, severity_word};
use crate::policy::verdict::{Effect, Rule};
use crate::tool::{Ecosystem, Package, ToolId};
use crate::version::Scheme;

/// One for each word that a revocation in force covers.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    scene.evidence.traces.iter().filter_map(|trace| finding(scene, trace)).collect()
}

/// A revocation that covers a trace.
#[derive(Clone, Copy)]
struct Refusal<'a> {
    revocation: &'a Revocation,
    origin: Origin<'a>,
    /// What matched; none where it covers a range of versions and the trace says none.
    by: Option<RevokedBy>,
}

fn finding<'a>(scene: &Scene<'a>, trace: &'a Trace) -> Option<Weighed<'a>> {
    let mut refusals = refusals(scene, trace);
    // What is covered for sure goes before what may be, and the most severe first.
    refusals.sort_by_key(|r| std::cmp::Reverse((r.by.is_some(), r.revocation.severity)));
    let standing = refusals.iter().find(|refusal| lifting(scene, trace, refusal).is_none());
    match standing {
        Some(refusal) => Some(refused(scene, trace, refusal)),
        None => refusals.first().and_then(|first| Some(waived(trace, first, lifting(scene, trace, first)?))),
    }
}

fn refusals<'a>(scene: &Scene<'a>, trace: &Trace) -> Vec<Refusal<'a>> {
    // No person writes this id, so no revocation of a tool covers a trace that names none.
    let nobody = ToolId::of_package(&Package::new(Ecosystem::Generic, ""));
    let target = Target {
        tool: trace.tool.as_ref().unwrap_or(&nobody),
        vendor: &trace.vendor,
        model: trace.model.as_deref(),
        package: None,
        version: None,
        scheme: Scheme::default(),
        digests: &[],
    };
    let in_force = scene.policy.revocations().filter(|(revocation, _)| revocation.effective <= scene.now);
    in_force
        .filter_map(|(revocation, origin)| {
            let by = match revocation.covers(&target) {
                Coverage::Covered(by) => Some(by),
                Coverage::Unknown => None,
                Coverage::NotCovered => return None,
            };
            counts(trace, by).then_some(Refusal { revocation, origin, by })
        })
        .collect()
}

/// Whether what matched says something of the trace. The id of a model in a file is no use of the tool that has such models, and a
/// file says nothing of versions.
fn counts(trace: &Trace, by: Option<RevokedBy>) -> bool {
    match &trace.origin {
        TraceOrigin::Commit { .. } => true,
        TraceOrigin::File(_) if trace.model.is_some() => matches!(by, Some(RevokedBy::Model | RevokedBy::Vendor)),
        TraceOrigin::File(_) => by.is_some(),
    }
}

fn refused<'a>(scene: &Scene<'a>, trace: &Trace, refusal: &Refusal<'a>) -> Weighed<'a> {
    let Refusal { revocation, origin, by } = *refusal;
    let how = by.map_or(", in some versions", revoked_by);
    let why = format!("{}, {}{how}: {}", revocation.id, severity_word(revocation.severity), revocation.message);
    let mut weighed = match &trace.origin {
        TraceOrigin::Commit { .. } => {
            let message = format!("{why}; the message of the commit says so, which is evidence and no proof");
            let mut weighed = scene.weigh(Levelled::RevokedUse, false, (subject_of(trace), message), Some(place_of(trace)));
            if by.is_none() {
                // Nobody knows which version it was.
                weighed.effect = weighed.effect.min(Effect::Warn);
                weighed.finding.level = weighed.finding.level.min(Some(Level::Warn));
                weighed.finding.severity = Severity::from(weighed.effect);
            }
            weighed
        }
        TraceOrigin::File(_) => {
            let code = match by {
                Some(RevokedBy::Model) => Code::RevokedModel,
                Some(RevokedBy::Vendor) => Code::RevokedVendor,
                _ => Code::RevokedTool,
            };
            let message = format!("{why}; the word stands here, which does not prove that it is used");
            let finding = observed(code, Severity::Error, subject_of(trace), message, place_of(trace));
            Weighed { finding, effect: Effect::Block, waiver: None }
        }
    };
    let path = origin.path(scene.policy).map(ToOwned::to_owned);
    weighed.finding = Finding {
        tool: trace.tool.clone(),
        decided_by: Some(origin.authority(scene.policy)),
        rule: Some(Rule { layer: origin.layer(), path, line: Some(revocation.line), quote: None }),
        since: Some(revocation.effective),
        reference: Some(revocation.id.clone()),
        help: help(trace, revocation),
        ..weighed.finding
    };
    weighed
}

fn help(trace: &Trace, revocation: &Revocation) -> Vec<Help> {
    let what = match &trace.origin {
        TraceOrigin::File(_) => "name another one here, or take the line out",
        TraceOrigin::Commit { .. } => "look at the change as one that was made with it",
    };
    let replacement = revocation.replacement.as_ref().map(|replacement| {
        let version = replacement.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        Help::note(format!("use {}{version} in its place", replacement.tool))
    });
    replacement.into_iter().chain([Help::note(what)]).collect()
}

fn waived<'a>(trace: &Trace, refusal: &Refusal<'a>, waiver: &'a Waiver) -> Weighed<'a> {
    let message = format!("a waiver lifts {} until {}", refusal.revocation.id, day(waiver.expires));
    let finding = observed(Code::WaivedTool, Severity::Warning, subject_of(trace), message, place_of(trace));
    let finding = Finding { tool: trace.tool.clone(), reference: Some(waiver.id.clone()), ..finding };
    Weighed { finding, effect: Effect::Warn, waiver: Some(&waiver.id) }
}

/// The live waiver that lifts a revocation of a trace: one for its tool, or, where the word names no tool, for a tool of its vendor. One
/// for versions or bytes lifts nothing, because a word has neither.
fn lifting<'a>(scene: &Scene<'a>, trace: &Trace, refusal: &Refusal<'_>) -> Option<&'a Waiver> {
    let can = refusal.origin.is_of_organisation() && refusal.revocation.severity < Weight::Critical && scene.freshness.approves();
    let is_of_tool = |waiver: &Waiver| match &trace.tool {
        Some(tool) => waiver.tool == *tool,
        None => scene.tool(&waiver.tool).vendor.eq_ignore_ascii_case(&trace.vendor),
    };
    let is_here = |waiver: &Waiver| {
        waiver.scope.as_ref().is_none_or(|scope| {
            let holds_for = match &trace.origin {
                TraceOrigin::File(location) => scope.holds_for(&location.path),
                TraceOrigin::Commit { .. } => scope.paths.is_empty(),
            };
            scope.holds(scene.policy.site()) && holds_for
        })
    };
    scene.policy.manifest().waivers.iter().filter(|_| can).find(|waiver| {
        waiver.lifts.contains(&Lifts::Revocation(refusal.revocation.id.clone()))
            && is_of_tool(waiver)
            && waiver.versions.is_empty()
            && waiver.digests.is_empty()
            && waiver.starts <= scene.clock
            && scene.now < waiver.expires
            && is_here(waiver)
    })
}

fn subject_of(trace: &Trace) -> String {
    let tool = || trace.tool.as_ref().map(ToString::to_string);
    trace.model.clone().or_else(tool).unwrap_or_else(|| trace.vendor.clone())
}

fn place_of(trace: &Trace) -> Place {
    match &trace.origin {
        TraceOrigin::File(location) => Place::Repository { location: location.clone(), remark: None, quote: trace.quote.clone() },
        TraceOrigin::Commit { id, subject } => {
            Place::Commit { id: id.clone(), subject: subject.clone(), quote: trace.quote.clone() }
        }
    }
}
