//! What a change of the documents means, in words: what a signer reads before signing.
//!
//! The first list is the one that matters, so it is there even when it is empty.

mod evidence;
mod levels;

use super::json::write_document;
use super::page::Page;
use super::palette::{BOLD, DIM, GREEN, YELLOW};
use super::words::{count, shown, span};
use super::{Detail, Style};
use crate::digest::Digest;
use crate::manifest::difference::{Became, Change, Difference, DocumentKind, Step, platforms};
use crate::manifest::trust_policy::Role;
use crate::manifest::{Affected, Approval, Lifts, Mode, Revocation, Severity, Subject, Unlisted, Waiver};
use crate::tool::{Kind, ToolId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::io::{self, Write};

/// The name of the format for programs.
pub const SCHEMA: &str = "vetted/difference/v1";

/// In which list a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    NewlyAllows,
    NoLonger,
    Also,
}

/// Write the difference for people.
///
/// # Errors
/// Those of `out`.
pub fn render(difference: &Difference, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour);
    for step in &difference.steps {
        page.line(
            0,
            &[
                (BOLD, file_name(step.document)),
                (BOLD, " "),
                (BOLD, &numbers(step)),
                (DIM, &format!(", until {}", date(step.expires))),
            ],
        )?;
    }
    let whole = style.detail == Detail::Verbose;
    let lists = [
        ("newly allows", "  + ", YELLOW, List::NewlyAllows, &difference.newly_allows),
        ("no longer allows", "  - ", GREEN, List::NoLonger, &difference.no_longer),
        ("also changes", "  ~ ", DIM, List::Also, &difference.also),
    ];
    for (title, mark, colour, list, changes) in lists {
        if changes.is_empty() {
            if list == List::NewlyAllows {
                page.line(0, &[(GREEN, "newly allows nothing")])?;
            }
            continue;
        }
        page.line(0, &[(colour, title)])?;
        for change in changes {
            page.item(mark, &sentence(change, list, whole))?;
        }
    }
    let same = &difference.unchanged;
    let parts = [(same.approvals, "approval"), (same.revocations, "revocation"), (same.waivers, "waiver")];
    let parts: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| count(*number, word)).collect();
    if !parts.is_empty() {
        page.line(0, &[(DIM, &format!("unchanged: {}", parts.join(", ")))])?;
    }
    Ok(())
}

/// Write the difference for programs.
///
/// # Errors
/// Those of `out`.
pub fn render_json(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document {
        schema: &'static str,
        documents: Vec<StepEntry>,
        newly_allows: Vec<Entry>,
        no_longer: Vec<Entry>,
        also: Vec<Entry>,
        unchanged: UnchangedEntry,
    }
    #[derive(Serialize)]
    struct StepEntry {
        document: &'static str,
        from: Option<u64>,
        to: u64,
        expires: Timestamp,
    }
    #[derive(Serialize)]
    struct UnchangedEntry {
        approvals: u64,
        revocations: u64,
        waivers: u64,
    }
    #[derive(Serialize)]
    struct Entry {
        what: &'static str,
        subject: String,
        text: String,
    }
    let entries = |changes: &[Change], list| -> Vec<Entry> {
        let entry = |change: &Change| Entry {
            what: what(change),
            subject: shown(&subject(change)).into_owned(),
            text: sentence(change, list, true),
        };
        changes.iter().map(entry).collect()
    };
    let step = |s: &Step| StepEntry { document: file_name(s.document), from: s.from, to: s.to, expires: s.expires };
    let same = &difference.unchanged;
    write_document(
        &Document {
            schema: SCHEMA,
            documents: difference.steps.iter().map(step).collect(),
            newly_allows: entries(&difference.newly_allows, List::NewlyAllows),
            no_longer: entries(&difference.no_longer, List::NoLonger),
            also: entries(&difference.also, List::Also),
            unchanged: UnchangedEntry { approvals: same.approvals, revocations: same.revocations, waivers: same.waivers },
        },
        out,
    )
}

/// What a document is called in a policy folder.
#[must_use]
pub fn file_name(document: DocumentKind) -> &'static str {
    match document {
        DocumentKind::Trust => "vetted-trust.toml",
        DocumentKind::Manifest => "vetted.toml",
        DocumentKind::Revocations => "vetted-revocations.toml",
    }
}

fn numbers(step: &Step) -> String {
    match step.from {
        Some(from) if from == step.to => step.to.to_string(),
        Some(from) => format!("{from} -> {}", step.to),
        None => format!("{} (new)", step.to),
    }
}

/// A kind of change, for programs.
fn what(change: &Change) -> &'static str {
    match change {
        Change::Approval { .. } => "approval",
        Change::Unpinned { .. } => "unpinned",
        Change::Evidence { .. } | Change::Unattested { .. } => "evidence",
        Change::CoolsFrom { .. } | Change::Cooldown { .. } => "cooldown",
        Change::PackageList { .. } => "package-list",
        Change::Require { .. } => "require",
        Change::Attestation(_) | Change::AttestationTerms { .. } => "attestation",
        Change::MinBundle { .. } => "min-bundle",
        Change::Withdrawal { .. } => "withdrawal",
        Change::Recognition { .. } => "recognition",
        Change::Waiver(_) | Change::WaiverTerms { .. } => "waiver",
        Change::Revocation { .. } => "revocation",
        Change::Mode { .. } => "mode",
        Change::Unlisted { .. } => "unlisted",
        Change::Level { .. } => "level",
        Change::Directive(_) | Change::DirectiveTerms { .. } => "directive",
        Change::Grace { .. } => "grace",
        Change::Lifetime { .. } => "lifetime",
        Change::Source(_) | Change::SourceOrder => "source",
        Change::Poll { .. } => "poll",
        Change::Client { .. } => "client",
        Change::Holder { .. } => "holder",
        Change::Threshold { .. } => "threshold",
        Change::RoleItself(_) => "role",
        Change::Key { .. } | Change::KeyEnd { .. } => "key",
        Change::Identity { .. } => "identity",
        Change::Instance { .. } => "instance",
        Change::WaiverLimit { .. } => "waiver-limit",
        Change::Name { .. } => "name",
        Change::Gone(_) => "document",
    }
}

/// What a change speaks of, for programs.
fn subject(change: &Change) -> String {
    match change {
        Change::Approval { tool, approval, .. } => format!("{tool} {}", approval.version),
        Change::Unpinned { tool, version, .. }
        | Change::Evidence { tool, version, .. }
        | Change::Unattested { tool, version }
        | Change::CoolsFrom { tool, version, .. }
        | Change::PackageList { tool, version, .. } => format!("{tool} {version}"),
        Change::Attestation(policy) => policy.id.clone(),
        Change::AttestationTerms { to, .. } => to.id.clone(),
        Change::Require { tool, .. } | Change::Recognition { tool, .. } => tool.to_string(),
        Change::Waiver(waiver) => waiver.id.clone(),
        Change::WaiverTerms { to, .. } => to.id.clone(),
        Change::Directive(directive) => directive.id.clone(),
        Change::DirectiveTerms { to, .. } => to.id.clone(),
        Change::Level { rule, .. } => rule.name().to_owned(),
        Change::Revocation { revocation, .. } => revocation.id.clone(),
        Change::Mode { group, .. } | Change::Unlisted { group, .. } | Change::Cooldown { group, .. } => {
            group.clone().unwrap_or_default()
        }
        Change::Source(address) => address.clone(),
        Change::Lifetime { document, .. } | Change::Gone(document) => file_name(*document).to_owned(),
        Change::Holder { signer, .. }
        | Change::Identity { signer, .. }
        | Change::Key { signer, .. }
        | Change::KeyEnd { signer, .. } => signer.clone(),
        Change::Threshold { role, .. } | Change::RoleItself(role) => role.name().to_owned(),
        Change::Instance { id, .. } | Change::Withdrawal { id, .. } => id.clone(),
        Change::Name { to, .. } => to.clone(),
        Change::Grace { .. }
        | Change::SourceOrder
        | Change::Poll { .. }
        | Change::Client { .. }
        | Change::MinBundle { .. }
        | Change::WaiverLimit { .. } => String::new(),
    }
}

/// A change as one sentence without a full stop, fit to be shown.
fn sentence(change: &Change, list: List, whole: bool) -> String {
    let allows = list == List::NewlyAllows;
    let text = match change {
        Change::Approval { tool, approval, other_bytes } => approval_words(tool, approval, *other_bytes, list),
        Change::Unpinned { tool, version, is_listed: false } => {
            format!("{tool} {version} with other bytes than its approval named: without the approval it is merely unlisted")
        }
        Change::Unpinned { tool, version, is_listed: true } => {
            format!(
                "{tool} {version} with other bytes than an approval named that is gone: those that are left do not refuse them"
            )
        }
        Change::Withdrawal { id, reason } if allows => {
            format!("whatever a revocation {id} refuses: it is withdrawn and not among these documents: {reason}")
        }
        Change::Withdrawal { id, .. } => format!("a revocation {id} has effect where there is one: it is not withdrawn any more"),
        Change::Recognition { tool, recognise: None } => {
            format!("{tool} is described no more: what is not recognised is not judged")
        }
        Change::Recognition { tool, recognise: Some(recognise) } => {
            let packages = recognise.packages.iter().map(|package| package.purl(None));
            let marks: Vec<String> =
                packages.chain(recognise.binaries.iter().map(|name| format!("files called {name}"))).collect();
            let marks = marks.join(", ");
            format!("{tool} is what has these marks, of the kind {} by {}: {marks}", recognise.kind.name(), recognise.vendor)
        }
        Change::Waiver(waiver) => format!("waiver {}", waiver_words(waiver)),
        Change::WaiverTerms { from, to } => format!("waiver {}; before: {}", waiver_words(to), waiver_terms(from)),
        Change::Revocation { revocation, group, how } => revocation_words(revocation, group.as_deref(), how),
        Change::Mode { group, from, to } => {
            format!("{}mode {} (was {})", at(group.as_deref()), mode(*to), mode(*from))
        }
        Change::Unlisted { group, kinds, from, to } => {
            let kinds = kinds_words(kinds);
            format!("{}{kinds} that no approval names: {} (was {})", at(group.as_deref()), unlisted(*to), unlisted(*from))
        }
        Change::Grace { from, to } => format!("expired documents approve for another {} (was {})", time(*to), time(*from)),
        Change::Lifetime { document, from, to } => {
            format!("{} lives {} (was {})", file_name(*document), time(*to), time(*from))
        }
        Change::Source(address) => format!("documents are had from {address}"),
        Change::SourceOrder => "addresses of documents are tried in another order".to_owned(),
        Change::Poll { from, to } => format!("newer documents are asked for after {} (was {})", time(*to), time(*from)),
        Change::Client { from, to } => {
            let which = |r: &Option<String>| r.as_ref().map_or("every version".to_owned(), |r| format!("versions {r}"));
            format!("{} of vetted may believe {} (was {})", which(to), file_name(DocumentKind::Manifest), which(from))
        }
        Change::Evidence { .. }
        | Change::Unattested { .. }
        | Change::CoolsFrom { .. }
        | Change::PackageList { .. }
        | Change::Require { .. }
        | Change::Attestation(_)
        | Change::AttestationTerms { .. }
        | Change::MinBundle { .. }
        | Change::Cooldown { .. } => evidence::words(change, list, whole),
        Change::Level { .. } | Change::Directive(_) | Change::DirectiveTerms { .. } => levels::words(change),
        other => trust_words(other, allows, whole),
    };
    shown(&text).into_owned()
}

fn trust_words(change: &Change, allows: bool, whole: bool) -> String {
    match change {
        Change::Holder { signer, role } => format!("{signer} signs {}", signs(*role)),
        Change::Threshold { role, from: 0, to } => format!("{} of them for {}", count(*to as u64, "signature"), signs(*role)),
        Change::Threshold { role, from, to } => {
            format!("{} for {} (was {from})", count(*to as u64, "signature"), signs(*role))
        }
        Change::RoleItself(role) => format!("nobody signs {} any more: what it refused is not refused", signs(*role)),
        Change::Key { signer, fingerprint } => format!("key {} of {signer}", digest(fingerprint, whole)),
        Change::KeyEnd { signer, fingerprint, from, to } => {
            let end = |end: &Option<Timestamp>| end.map_or("no end".to_owned(), date);
            format!("key {} of {signer} until {} (was {})", digest(fingerprint, whole), end(to), end(from))
        }
        Change::Identity { signer, identity } => {
            format!("{signer} signs as {} by {} at {}", identity.identity, identity.issuer, identity.instance)
        }
        Change::Instance { id, sha256 } => format!("the Sigstore instance {id} with the trusted root {}", digest(sha256, whole)),
        Change::WaiverLimit { from, to } => format!("waivers of up to {} (was {})", time(*to), time(*from)),
        Change::Name { from, to } => {
            format!("the policy is called {to} (was {from}): machines remember nothing of it under this name")
        }
        Change::Gone(document) if allows => format!("{} is gone", file_name(*document)),
        // Every other change has its words above.
        _ => String::new(),
    }
}

fn signs(role: Role) -> &'static str {
    match role {
        Role::Root => file_name(DocumentKind::Trust),
        Role::Manifest => file_name(DocumentKind::Manifest),
        Role::Revocations => file_name(DocumentKind::Revocations),
    }
}

fn digest(digest: &Digest, whole: bool) -> String {
    if whole { digest.hex() } else { digest.short() }
}

fn approval_words(tool: &ToolId, approval: &Approval, other_bytes: bool, list: List) -> String {
    let mut text = format!("{tool} {}", approval.version);
    let platforms = platforms(approval);
    let mut add = |part: &str| {
        text.push_str(", ");
        text.push_str(part);
    };
    match (other_bytes, list) {
        (true, List::NewlyAllows) => add("other bytes than before"),
        (true, List::NoLonger) => add("these bytes"),
        _ => {}
    }
    if list != List::NoLonger {
        match &platforms[..] {
            [] => {}
            [only] => add(only),
            several => add(&count(several.len() as u64, "platform")),
        }
        if let Some(approved) = &approval.approved {
            let ticket = approved.ticket.as_ref().map(|t| format!(", {t}")).unwrap_or_default();
            add(&format!("approved by {} on {}{ticket}", approved.by.join(" and "), date(approved.at)));
        }
    }
    text
}

fn waiver_words(waiver: &Waiver) -> String {
    format!("{}: {} (owner {}, approver {}: {})", waiver.id, waiver_terms(waiver), waiver.owner, waiver.approver, waiver.reason)
}

fn waiver_terms(waiver: &Waiver) -> String {
    let lifts: Vec<&str> = waiver.lifts.iter().map(Lifts::word).collect();
    let versions = if waiver.versions.is_empty() { "in every version".to_owned() } else { waiver.versions.join(", ") };
    let bytes = if waiver.digests.is_empty() { "" } else { " with one digest" };
    let place = levels::place(waiver.scope.as_ref());
    format!(
        "{} {versions}{bytes}{place}, lifts {}, {} to {}",
        waiver.tool,
        lifts.join(", "),
        date(waiver.starts),
        date(waiver.expires)
    )
}

fn revocation_words(revocation: &Revocation, group: Option<&str>, how: &Became) -> String {
    let id = &revocation.id;
    let what = refused(revocation);
    let severity = match revocation.severity {
        Severity::Low => "low",
        Severity::High => "high",
        Severity::Critical => "critical",
    };
    let since = date(revocation.effective);
    let text = match how {
        Became::Added => format!("revocation {id}, {severity}: {what}"),
        Became::Withdrawn(reason) => format!("what revocation {id} refused: {what}; withdrawn: {reason}"),
        Became::Missing => format!(
            "what revocation {id} refused: {what}; it is gone and not withdrawn, and clients that know it refuse the documents"
        ),
        Became::Narrower => format!("what revocation {id} refused and does not any more; now it refuses {what}"),
        Became::Wider => format!("revocation {id} refuses more: {what}"),
        Became::Milder => format!("revocation {id} is only {severity}"),
        Became::Harder => format!("revocation {id} is {severity}"),
        Became::Later => format!("what revocation {id} refused until now: it begins at {since}"),
        Became::Earlier => format!("revocation {id} begins earlier, at {since}"),
        Became::Reworded => format!("revocation {id} has other words: {}", revocation.message),
    };
    format!("{}{text}", at(group))
}

/// What a revocation refuses.
fn refused(revocation: &Revocation) -> String {
    let mut parts: Vec<String> = revocation.affected.iter().map(affected).collect();
    if !revocation.digests.is_empty() {
        parts.push(count(revocation.digests.len() as u64, "file"));
    }
    parts.join(", ")
}

fn affected(affected: &Affected) -> String {
    let subject = match &affected.subject {
        Subject::Tool(id) => id.to_string(),
        Subject::Vendor(name) => format!("tools of {name}"),
        Subject::Model(glob) => format!("models {glob}"),
        Subject::Package(package) => package.purl(None),
    };
    let ranges: Vec<String> = affected.ranges.iter().map(ToString::to_string).collect();
    if ranges.is_empty() { format!("{subject} in every version") } else { format!("{subject} {}", ranges.join(" and ")) }
}

fn at(group: Option<&str>) -> String {
    group.map(|group| format!("on machines of {group}: ")).unwrap_or_default()
}

fn mode(mode: Option<Mode>) -> &'static str {
    match mode {
        None => "as everywhere",
        Some(Mode::Monitor) => "monitor: what is not approved passes",
        Some(Mode::Enforce) => "enforce: what is not approved blocks",
    }
}

fn unlisted(rule: Option<Unlisted>) -> &'static str {
    match rule {
        None => "as everywhere",
        Some(Unlisted::Allow) => "allow",
        Some(Unlisted::Warn) => "warn",
        Some(Unlisted::Block) => "block",
    }
}

fn kinds_words(kinds: &[Kind]) -> String {
    if kinds.len() == Kind::ALL.len() {
        return "tools".to_owned();
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    format!("tools of the kind {}", names.join(", "))
}

fn time(duration: SignedDuration) -> String {
    span(duration.as_secs())
}

/// A day, with the minute where it is not midnight: in UTC, like every instant in the documents.
fn date(instant: Timestamp) -> String {
    let zoned = instant.to_zoned(TimeZone::UTC);
    let is_midnight = instant.as_second() % 86_400 == 0;
    zoned.strftime(if is_midnight { "%-d %b %Y" } else { "%-d %b %Y %H:%M UTC" }).to_string()
}
