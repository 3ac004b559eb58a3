//! From verdicts and oddities to what a person should read: one finding for each cause, with every place it shows.

use super::finding::{Code, Finding, Place, Severity};
use super::rules::repository::unapproved_weights;
use super::rules::{Case, Lift, Ruling, published, unattested};
use super::verdict::{Attestation, Cooling, Effect, Grounds, Item, Judgement, Part, Published, Rule, Verdict, Why};
use super::{Freshness, Policy, remedy};
use crate::catalogue::Catalogue;
use crate::evidence::{CoverageOutcome, Evidence, Identification, Mention, Oddity, Request, Sighting, State};
use crate::manifest::{Level, Levelled, Mode, RevokedBy, Unlisted, Waiver};
use crate::tool::{Channel, ToolId};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A judgement with what its finding needs.
pub(super) struct Explained {
    pub(super) judgement: Judgement,
    place: Place,
    channel: Option<Channel>,
    reference: Option<String>,
    level: Option<Level>,
}

/// Put a ruling into words and commands.
pub(super) fn explain(case: &Case<'_>, catalogue: &Catalogue, ruling: Ruling<'_>, effect: Effect) -> Explained {
    let why = why(case, &ruling);
    let help = remedy::remedy(case, catalogue, &ruling, effect);
    let since = ruling
        .revocation
        .map(|r| r.effective)
        .or_else(|| ruling.approval.and_then(|a| a.approved.as_ref()).map(|approved| approved.at));
    let reference = match &ruling.verdict {
        Verdict::Revoked { id, .. } | Verdict::Waived { id, .. } => Some(id.clone()),
        _ => None,
    };
    let place = match case.item {
        Item::Sighting(sighting) => place_of_sighting(sighting, &ruling.verdict),
        Item::Mention(mention) => place_of_mention(mention),
    };
    let (rule, level) = rule_of(case, &ruling);
    let attestation = match (&ruling.verdict, ruling.approval) {
        (Verdict::Approved(Grounds::Within { attestation, .. }), _) => Some((**attestation).clone()),
        (_, Some(approval)) => Some(unattested::attestation(case, approval).unwrap_or_else(Attestation::Refused)),
        (_, None) => None,
    };
    let published = published::comparison(case, &ruling.verdict);
    let place = match (place, &published) {
        (Place::Installed { path, brought_by, remark }, Some(Published::Same)) => {
            let same = "byte for byte what its registry published".to_owned();
            let remark = remark.into_iter().chain([same]).collect::<Vec<_>>().join(", ");
            Place::Installed { path, brought_by, remark: Some(remark) }
        }
        (place, _) => place,
    };
    Explained {
        place,
        channel: case.sighting().map(|s| s.channel),
        reference,
        level,
        judgement: Judgement {
            item: case.item.clone(),
            vendor: case.tool.vendor.clone(),
            kind: case.tool.kind,
            verdict: ruling.verdict,
            effect,
            why,
            decided_by: ruling.origin.authority(case.policy),
            rule,
            attestation,
            published,
            since,
            help,
        },
    }
}

/// Where what decided stands, and the level of the finding where it has one. Nothing was decided about what is unvetted: there the rule
/// for such tools stands in its place.
fn rule_of(case: &Case<'_>, ruling: &Ruling<'_>) -> (Rule, Option<Level>) {
    let rule = ruling.rule(case.policy);
    if !matches!(ruling.verdict, Verdict::Unvetted { cooling: None, .. }) {
        return (rule, None);
    }
    if unapproved_weights::is_about(case.item, &ruling.verdict) {
        let weight = case.policy.weight(Levelled::UnapprovedWeights, case.now);
        return (weight.rule(case.policy).unwrap_or(rule), Some(weight.level));
    }
    let weight = case.policy.weight(Levelled::UnvettedTool, case.now);
    let unlisted = case.policy.unlisted(case.tool.kind);
    // The line that decides: a level below what `unlisted` says is what lets it pass for now.
    let is_milder = match weight.level {
        Level::Monitor => unlisted > Unlisted::Allow,
        Level::Warn => unlisted > Unlisted::Warn,
        Level::Enforce => false,
    };
    let of_level = weight.rule(case.policy).filter(|_| is_milder);
    (of_level.unwrap_or_else(|| case.policy.unlisted_rule(case.tool.kind)), Some(weight.level))
}

fn why(case: &Case<'_>, ruling: &Ruling<'_>) -> String {
    match &ruling.verdict {
        Verdict::Revoked { id, by } => {
            let (severity, message) = ruling.revocation.map_or(("high", ""), |r| (severity_word(r.severity), r.message.as_str()));
            format!("{id}, {severity}{}: {message}", revoked_by(*by))
        }
        Verdict::Mismatched(mismatch) => mismatch.to_string(),
        Verdict::Unverifiable(Why::UnknownVersion) => {
            "no version could be read, and versions of this tool are revoked: it may be one of them".to_owned()
        }
        Verdict::Unverifiable(Why::Unmeasured { what, why }) => format!("{what}: pinned, and could not be measured: {why}"),
        Verdict::Unverifiable(Why::Undigested(why)) => {
            format!("its file could not be digested, and files are revoked by digest: it may be one of them: {why}")
        }
        Verdict::Unattested(why) => why.to_string(),
        Verdict::Expired(freshness) => expired_why(*freshness),
        Verdict::Unvetted { approved_versions, cooling } => {
            let lacking = cooling.map_or_else(|| lacking_approval(case, approved_versions), cooling_why);
            unvetted_why(lacking, &ruling.lifted)
        }
        Verdict::Waived { lifted, until, .. } => {
            let owned = |waiver: &Waiver| format!(" (owner {}, approver {})", waiver.owner, waiver.approver);
            let people = ruling.waiver.map(owned).unwrap_or_default();
            format!("a waiver lifts {lifted} until {}{people}", day(*until))
        }
        Verdict::Approved(Grounds::Installed) => "every pinned digest is equal".to_owned(),
        Verdict::Approved(Grounds::Within { subject, .. }) => format!("the approved tree of {subject} covers every byte of it"),
        Verdict::Approved(Grounds::Release) => "the lock's integrity is the approved release".to_owned(),
        Verdict::Approved(Grounds::VersionListed) => {
            "its version is approved; what gets installed is compared by digest".to_owned()
        }
    }
}

/// What made a revocation match, in words behind its severity.
pub(super) fn revoked_by(by: RevokedBy) -> &'static str {
    match by {
        RevokedBy::Digest => ", by its digest",
        RevokedBy::Incomparable => ", because its version cannot be compared with the revoked range",
        RevokedBy::Vendor => ", with everything of its vendor",
        RevokedBy::Model => ", by its model id",
        RevokedBy::Package => ", with its package",
        RevokedBy::Range | RevokedBy::Tool => "",
    }
}

fn expired_why(freshness: Freshness) -> String {
    match freshness {
        Freshness::Stale { document, expired } => {
            format!("what would let it pass counts no more: {} expired on {}", document.file(), day(expired))
        }
        Freshness::ClockBehind { .. } => {
            "what would let it pass does not count: by the clock of this machine nobody can tell whether it still holds"
                .to_owned()
        }
        Freshness::Fresh | Freshness::Grace { .. } => "what would let it pass counts no more".to_owned(),
    }
}

/// Until when an approval does not count, and why.
pub(super) fn cooling_why(cooling: Cooling) -> String {
    let age = age_of(cooling.cooldown.as_secs());
    match (cooling.until, cooling.released) {
        (Some(until), Some(released)) => format!(
            "its approval counts from {} on: it was released on {}, and a release has to be {age} old",
            minute(until),
            minute(released)
        ),
        _ => format!("its approval does not count: a release has to be {age} old, and nobody says when this one came out"),
    }
}

fn unvetted_why(why: String, lifted: &[Lift<'_>]) -> String {
    let lifts: Vec<String> = lifted.iter().map(|l| format!("{} lifts {} alone", l.waiver.id, l.revocation.id)).collect();
    if lifts.is_empty() { why } else { format!("{why}; waiver {}", lifts.join(", ")) }
}

fn lacking_approval(case: &Case<'_>, approved_versions: &[String]) -> String {
    if approved_versions.is_empty() {
        return "no approval names it".to_owned();
    }
    let listed = approved_versions.join(", ");
    match case.version() {
        Some(version) if !case.approvals().is_empty() => {
            format!("{version} is approved with files of another platform or installer, none of which lies here")
        }
        Some(_) => format!("no approval names this version; approved is {listed}"),
        None => format!("its version is not known; approved is {listed}"),
    }
}

/// A day for people, in UTC as in the documents: `4 Dec 2026`.
pub(super) fn day(instant: Timestamp) -> String {
    instant.strftime("%-d %b %Y").to_string()
}

/// `7 days`, `36 hours`, `90 minutes`: the largest unit that says it exactly.
fn age_of(seconds: i64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let (unit, word) = units.into_iter().find(|(unit, _)| seconds % unit == 0).unwrap_or((1, "second"));
    let number = seconds / unit;
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// A minute for people, in UTC: `4 Dec 2026 12:00 UTC`.
fn minute(instant: Timestamp) -> String {
    instant.strftime("%-d %b %Y %H:%M UTC").to_string()
}

pub(super) fn severity_word(severity: crate::manifest::Severity) -> &'static str {
    match severity {
        crate::manifest::Severity::Low => "low",
        crate::manifest::Severity::High => "high",
        crate::manifest::Severity::Critical => "critical",
    }
}

fn place_of_sighting(sighting: &Sighting, verdict: &Verdict) -> Place {
    // A changed file is where to look; else the program, else the folder.
    let path = match verdict {
        Verdict::Mismatched(mismatch) => mismatch.place.clone(),
        _ => None,
    };
    let path = path.or_else(|| sighting.executables.first().map(|e| e.path.clone())).unwrap_or_else(|| sighting.root.clone());
    let mut remarks = Vec::new();
    if let Some(name) = &sighting.renamed {
        remarks.push(format!("renamed: {} under the name {name}", sighting.tool));
    }
    if sighting.state == State::Stub {
        remarks.push("only a placeholder is installed".to_owned());
    }
    let remark = (!remarks.is_empty()).then(|| remarks.join(", "));
    Place::Installed { path, brought_by: sighting.brought_by.clone(), remark }
}

pub(super) fn place_of_mention(mention: &Mention) -> Place {
    let mut remarks = Vec::new();
    if let (Request::Floating { text, .. }, None) = (&mention.request, &mention.quote) {
        remarks.push(format!("\"{}\": \"{text}\"", mention.package.name));
    }
    if !mention.brought_by.is_empty() {
        remarks.push(format!("brought by {}", mention.brought_by.join(" > ")));
    }
    let remark = (!remarks.is_empty()).then(|| remarks.join(", "));
    Place::Repository { location: mention.location.clone(), remark, quote: mention.quote.clone() }
}

/// What a verdict's subject is called: `claude-code 2.1.197`.
pub(super) fn subject_of(item: &Item) -> String {
    let (tool, version) = match item {
        Item::Sighting(s) => (model_or_tool(s), s.version.as_ref().map(ToString::to_string)),
        Item::Mention(m) => (
            m.tool.to_string(),
            match &m.request {
                Request::Exact(version) => Some(version.to_string()),
                Request::Floating { text, .. } => Some(text.clone()),
            },
        ),
    };
    match version {
        Some(version) => format!("{tool} {version}"),
        None => format!("{tool} (version unknown)"),
    }
}

/// The tool that an item is.
pub(super) fn tool_of(item: &Item) -> &ToolId {
    match item {
        Item::Sighting(sighting) => &sighting.tool,
        Item::Mention(mention) => &mention.tool,
    }
}

/// A model is called by its own name; the tool is only the store it lies in.
fn model_or_tool(sighting: &Sighting) -> String {
    match (&sighting.package, sighting.channel) {
        (Some(package), Channel::Ollama | Channel::HuggingFace | Channel::LmStudio) => package.name.clone(),
        _ => sighting.tool.to_string(),
    }
}

fn code_of(item: &Item, verdict: &Verdict) -> Option<Code> {
    Some(match verdict {
        Verdict::Revoked { by: RevokedBy::Vendor, .. } => Code::RevokedVendor,
        Verdict::Revoked { by: RevokedBy::Model, .. } => Code::RevokedModel,
        Verdict::Revoked { .. } => Code::RevokedTool,
        Verdict::Mismatched(_) => Code::MismatchedDigest,
        Verdict::Unverifiable(_) => Code::UnverifiableTool,
        Verdict::Unattested(why) if why.policy.is_none() => Code::EvidenceRefused,
        Verdict::Unattested(_) => Code::UnattestedTool,
        Verdict::Expired(_) => Code::ExpiredApproval,
        Verdict::Unvetted { cooling: Some(_), .. } => Code::Cooling,
        Verdict::Unvetted { .. } if unapproved_weights::is_about(item, verdict) => Code::UnapprovedWeights,
        Verdict::Unvetted { .. } => Code::UnvettedTool,
        Verdict::Waived { .. } => Code::WaivedTool,
        Verdict::Approved(_) => return None,
    })
}

/// One finding for each cause among the verdicts that are not approved.
pub(super) fn of_verdicts(explained: &[Explained]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for one in explained {
        let Some(code) = code_of(&one.judgement.item, &one.judgement.verdict) else { continue };
        let subject = subject_of(&one.judgement.item);
        let is_beside = matches!(&one.judgement.verdict, Verdict::Mismatched(mismatch) if mismatch.part == Part::Beside);
        // What lies beside several tools of one environment is one cause, and all of them are named.
        let is_same = |f: &&mut Finding| {
            let is_told = if is_beside { has_place(f, &one.place) } else { f.subject == subject };
            f.code == code && is_told && f.message == one.judgement.why && f.reference == one.reference
        };
        if let Some(finding) = findings.iter_mut().find(is_same) {
            if !finding.subject.split(", ").any(|named| named == subject) {
                finding.subject = format!("{}, {subject}", finding.subject);
            }
            if finding.since != one.judgement.since {
                finding.since = None;
            }
            finding.severity = finding.severity.max(one.judgement.effect.into());
            if finding.rule.is_none() {
                finding.rule = has_rule(code, one).then(|| one.judgement.rule.clone());
            }
            if finding.channel != one.channel {
                finding.channel = None;
            }
            add_new(&mut finding.places, &one.place);
            for help in &one.judgement.help {
                add_new(&mut finding.help, help);
            }
            continue;
        }
        findings.push(Finding {
            code,
            severity: one.judgement.effect.into(),
            subject,
            tool: Some(tool_of(&one.judgement.item).clone()),
            level: one.level,
            channel: one.channel,
            message: one.judgement.why.clone(),
            places: vec![one.place.clone()],
            decided_by: Some(one.judgement.decided_by.clone()),
            rule: has_rule(code, one).then(|| one.judgement.rule.clone()),
            since: one.judgement.since,
            reference: one.reference.clone(),
            help: one.judgement.help.clone(),
        });
    }
    findings
}

/// Whether a finding names this place already, whatever else it says of it.
fn has_place(finding: &Finding, place: &Place) -> bool {
    let path = |place: &Place| match place {
        Place::Installed { path, .. } => Some(path.clone()),
        Place::Repository { .. } | Place::Commit { .. } => None,
    };
    finding.places.iter().any(|known| path(known).is_some() && path(known) == path(place))
}

/// Whether the line of the policy is told: where it is part of what has to be mended, and of repository content always, because the
/// author of a change sees both ends at once.
fn has_rule(code: Code, one: &Explained) -> bool {
    let is_line_of_file = one.judgement.rule.line.is_some() && one.judgement.rule.path.is_some();
    matches!(code, Code::UnattestedTool | Code::EvidenceRefused | Code::Cooling)
        || is_line_of_file && matches!(one.judgement.item, Item::Mention(_))
}

fn add_new<T: PartialEq + Clone>(list: &mut Vec<T>, item: &T) {
    if !list.contains(item) {
        list.push(item.clone());
    }
}

/// A finding that no policy decided.
pub(in crate::policy) fn observed(
    code: Code,
    severity: Severity,
    subject: String,
    message: String,
    place: impl Into<Option<Place>>,
) -> Finding {
    Finding {
        code,
        severity,
        subject,
        tool: None,
        level: None,
        channel: None,
        message,
        places: place.into().into_iter().collect(),
        decided_by: None,
        rule: None,
        since: None,
        reference: None,
        help: Vec::new(),
    }
}

/// Unvetted tools that are not what their registry published. A file that lies beside one is told as what it is, by
/// [`of_strangers`].
pub(super) fn of_releases(explained: &[Explained]) -> Vec<Finding> {
    let altered = explained.iter().filter_map(|one| match &one.judgement.published {
        Some(Published::Differs(mismatch)) if mismatch.part != Part::Beside => Some((one, mismatch)),
        Some(Published::Differs(_) | Published::Same) | None => None,
    });
    altered
        .map(|(one, mismatch)| {
            let message = format!("it is not what its registry published: {mismatch}");
            let place = match (&one.place, &mismatch.place) {
                (Place::Installed { brought_by, remark, .. }, Some(path)) => {
                    Place::Installed { path: path.clone(), brought_by: brought_by.clone(), remark: remark.clone() }
                }
                (place, _) => place.clone(),
            };
            let subject = subject_of(&one.judgement.item);
            let finding = observed(Code::AlteredRelease, Severity::Warning, subject, message, place);
            Finding { channel: one.channel, ..finding }
        })
        .collect()
}

/// Files beside tools that a runtime would load and that belong to no known package: each file once, because the tools of one
/// environment share what lies beside them, and not where a mismatch has named it already.
pub(super) fn of_strangers(evidence: &Evidence, explained: &[Explained]) -> Vec<Finding> {
    let beside = explained.iter().filter_map(|one| match &one.judgement.verdict {
        Verdict::Mismatched(mismatch) if mismatch.part == Part::Beside => mismatch.place.as_deref(),
        _ => None,
    });
    let mut told: BTreeSet<&Path> = beside.collect();
    let mut findings = Vec::new();
    for sighting in &evidence.sightings {
        let new: Vec<PathBuf> = sighting.strangers.iter().filter(|path| told.insert(path)).cloned().collect();
        if new.is_empty() {
            continue;
        }
        let message = "its runtime would load this by itself, and it belongs to no package whose content is known".to_owned();
        let subject = subject_of(&Item::Sighting(sighting.clone()));
        let mut finding = observed(Code::StrangerFile, Severity::Warning, subject, message, None);
        finding.channel = Some(sighting.channel);
        finding.places = installed_at(&new);
        findings.push(finding);
    }
    findings
}

fn installed_at(paths: &[PathBuf]) -> Vec<Place> {
    paths.iter().map(|path| Place::Installed { path: path.clone(), brought_by: None, remark: None }).collect()
}

/// Files of tools that were made here.
fn of_built(evidence: &Evidence) -> Vec<Finding> {
    let built = evidence.sightings.iter().filter(|sighting| !sighting.built.is_empty());
    built
        .map(|sighting| {
            let message = "an install script made this here, where the approval lets it: no release says what it is".to_owned();
            let subject = subject_of(&Item::Sighting(sighting.clone()));
            let mut finding = observed(Code::LocallyBuilt, Severity::Note, subject, message, None);
            finding.channel = Some(sighting.channel);
            finding.places = installed_at(&sighting.built);
            finding
        })
        .collect()
}

/// What is worth knowing about a sighting whatever its verdict.
pub(super) fn of_sightings(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sighting in &evidence.sightings {
        let subject = subject_of(&Item::Sighting(sighting.clone()));
        let place = || Place::Installed {
            path: sighting.executables.first().map_or_else(|| sighting.root.clone(), |e| e.path.clone()),
            brought_by: sighting.brought_by.clone(),
            remark: None,
        };
        let mut add = |code, severity, message: String| {
            findings
                .push(Finding { channel: Some(sighting.channel), ..observed(code, severity, subject.clone(), message, place()) });
        };
        if let Some(name) = &sighting.renamed {
            let how = match sighting.identified_by {
                Identification::Digest => "its bytes are those of a known file",
                Identification::Metadata => "its package says what it is",
                Identification::Layout | Identification::Name => "its place says what it is",
            };
            add(Code::RenamedTool, Severity::Warning, format!("it lies here under the name `{name}`; {how}"));
        }
        let version = || sighting.version.as_ref().map_or_else(|| "no version".to_owned(), ToString::to_string);
        if let Some(claimed) = &sighting.claimed_version {
            let message = format!("the package claims {claimed}, the bytes are those of {}", version());
            add(Code::VersionContradiction, Severity::Warning, message);
        }
        if let Some(embedded) = &sighting.embedded_version {
            let message = format!("the package claims {}, the executable says {embedded}", version());
            add(Code::VersionContradiction, Severity::Warning, message);
        }
        match &sighting.state {
            State::Stub => {
                let message = "the package is installed and a placeholder stands where its program should: the installer's \
                               script did not run, or the program was replaced";
                add(Code::StubInstall, Severity::Note, message.to_owned());
            }
            State::NotInspectable => {
                let message = "its program is packed, so nothing can be read in it; its digest still decides";
                add(Code::NotInspectable, Severity::Note, message.to_owned());
            }
            State::Present | State::Unreadable(_) => {}
        }
    }
    findings.extend(of_built(evidence));
    findings
}

/// Dangling links, files with a tool's name, repository files that cannot be read.
pub(super) fn of_oddities(policy: &Policy, evidence: &Evidence) -> Vec<Finding> {
    let installed = |path: &Path, remark: Option<String>| Place::Installed { path: path.to_owned(), brought_by: None, remark };
    evidence
        .oddities
        .iter()
        .map(|oddity| match oddity {
            Oddity::DanglingLink { path, target, tool } => {
                let remark = Some(format!("points to {}", target.display()));
                let message = "the link leads nowhere: an installation failed or was half removed".to_owned();
                let mut finding =
                    observed(Code::DanglingLink, Severity::Note, tool.to_string(), message, installed(path, remark));
                finding.help = vec![remedy::remove_file(path)];
                finding
            }
            Oddity::UnidentifiedName { path, tool, why } => {
                let message = format!("the file has the name of {tool} and could not be told to be it: {why}");
                observed(Code::UnidentifiedName, Severity::Note, tool.to_string(), message, installed(path, None))
            }
            Oddity::Unparsable { location, why } => {
                let severity = if policy.mode() == Mode::Enforce { Severity::Error } else { Severity::Warning };
                let subject = location.path.display().to_string();
                let place = Place::Repository { location: location.clone(), remark: None, quote: None };
                observed(Code::UnparsableFile, severity, subject, why.clone(), place)
            }
        })
        .collect()
}

/// Places that could not be looked at.
pub(super) fn of_coverage(policy: &Policy, evidence: &Evidence) -> Vec<Finding> {
    let severity = if policy.mode() == Mode::Enforce { Severity::Error } else { Severity::Warning };
    evidence
        .coverage
        .iter()
        .filter_map(|coverage| {
            let CoverageOutcome::NotLooked(why) = &coverage.outcome else { return None };
            let place = coverage.place.clone().map(|path| Place::Installed { path, brought_by: None, remark: None });
            Some(observed(Code::NotCovered, severity, coverage.source.to_string(), why.clone(), place))
        })
        .collect()
}
