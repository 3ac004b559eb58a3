//! `vetted explain`: one thing with all that is known of it, for people.

use super::page::{Page, Value};
use super::palette::{BOLD, DIM, PLAIN};
use super::words::{day, shown};
use super::{Detail, Style};
use crate::catalogue::{Catalogue, Tool};
use crate::digest::DigestSet;
use crate::manifest::{Affected, Approval, Lifts, Manifest, Recognise, Revocation, Severity, Subject, Waiver};
use crate::tool::{Ecosystem, Os, Package, ToolId};
use jiff::Timestamp;
use std::io::{self, Write};

/// Columns for the keys of everything that is explained.
const KEYS: usize = 10;

/// Write Markdown of our own documents plainly: headings stand out, code is indented, the rest is wrapped.
///
/// # Errors
/// Those of `out`.
pub fn render_markdown(text: &str, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour);
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in text.trim_end().lines().chain([""]) {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence || in_code || line.trim().is_empty() || line.starts_with('#') || line.starts_with('|') || is_item(line) {
            let (indent, plain) = (usize::from(is_item(&paragraph)) * 2, plain(&paragraph));
            paragraph.clear();
            hanging(&mut page, indent, &plain)?;
        }
        if is_fence {
            in_code = !in_code;
        } else if in_code {
            page.line(4, &[(DIM, &shown(line))])?;
        } else if line.trim().is_empty() {
            page.gap()?;
        } else if let Some(heading) = line.strip_prefix('#') {
            page.prose(0, BOLD, &shown(heading.trim_start_matches('#').trim()))?;
        } else if line.starts_with('|') {
            // A table is laid out in the source; wrapping would only break it.
            page.line(2, &[(PLAIN, &shown(line))])?;
        } else {
            paragraph.push_str(if paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(if is_item(line) { line } else { line.trim() });
        }
    }
    Ok(())
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.split_once(". ").is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    line.starts_with("- ") || line.starts_with("* ") || number
}

/// Our own Markdown without its marks. Backticks stay: they say what can be typed.
fn plain(text: &str) -> String {
    shown(text.trim()).replace("**", "")
}

fn hanging(page: &mut Page<'_>, indent: usize, text: &str) -> io::Result<()> {
    if text.is_empty() { Ok(()) } else { page.prose(indent, PLAIN, text) }
}

/// Write a revocation of the policy in force, and its advisory where its text is at hand.
///
/// # Errors
/// Those of `out`.
pub fn render_revocation(
    revocation: &Revocation,
    decided_by: &str,
    advisory: Option<&str>,
    style: &Style,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour).with_keys(KEYS);
    page.line(0, &[(BOLD, &shown(&revocation.id)), (PLAIN, "  revocation")])?;
    page.row("why", &[Value::Prose(shown(&revocation.message).into_owned())])?;
    page.row("reason", &[Value::Prose(format!("{}, {}", reason(revocation), severity(revocation.severity)))])?;
    let affected: Vec<Value> = revocation.affected.iter().map(|a| Value::Prose(affected(a))).collect();
    page.row("affects", &affected)?;
    let digests: Vec<&crate::digest::Digest> = revocation.digests.iter().flat_map(DigestSet::iter).collect();
    if style.detail == Detail::Verbose {
        let all: Vec<Value> = digests.iter().map(|d| Value::path(d.to_string(), None)).collect();
        page.row("files", &all)?;
    } else if !digests.is_empty() {
        let count = super::words::count(digests.len() as u64, "file");
        page.row("files", &[Value::Prose(format!("{count} by digest, whatever their name (`--verbose` lists them)"))])?;
    }
    if let Some(replacement) = &revocation.replacement {
        let version = replacement.version.as_deref().map(|v| format!(" {}", shown(v))).unwrap_or_default();
        page.row("use", &[Value::Prose(format!("{}{version}", replacement.tool))])?;
    }
    page.row("by", &[Value::Prose(format!("{}, since {}", shown(decided_by), day(revocation.effective, now)))])?;
    if !revocation.aliases.is_empty() {
        let aliases: Vec<_> = revocation.aliases.iter().map(|a| shown(a)).collect();
        page.row("also", &[Value::Prose(aliases.join(", "))])?;
    }
    if let Some(address) = &revocation.advisory {
        page.row("read", &[Value::path(shown(address).into_owned(), None)])?;
    }
    if let Some(text) = advisory {
        page.gap()?;
        render_markdown(text, style, out)?;
    }
    Ok(())
}

fn reason(revocation: &Revocation) -> String {
    // The word of the manifest, as serde writes it.
    serde_json::to_value(revocation.reason).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::High => "high",
        Severity::Critical => "critical: no waiver lifts it",
    }
}

fn affected(affected: &Affected) -> String {
    let subject = match &affected.subject {
        Subject::Tool(id) => id.to_string(),
        Subject::Vendor(name) => format!("every tool of {}", shown(name)),
        Subject::Model(glob) => format!("models `{}`", shown(glob)),
    };
    if affected.ranges.is_empty() {
        return format!("{subject}, every version");
    }
    let ranges: Vec<String> = affected.ranges.iter().map(ToString::to_string).collect();
    format!("{subject} {}", ranges.join("; "))
}

/// Write a waiver of the policy in force.
///
/// # Errors
/// Those of `out`.
pub fn render_waiver(waiver: &Waiver, decided_by: &str, style: &Style, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour).with_keys(KEYS);
    page.line(0, &[(BOLD, &shown(&waiver.id)), (PLAIN, "  waiver")])?;
    let lifts: Vec<String> = waiver
        .lifts
        .iter()
        .map(|lifts| match lifts {
            Lifts::Revocation(id) => format!("the revocation {}", shown(id)),
            Lifts::Unvetted => "the lack of an approval".to_owned(),
        })
        .collect();
    page.row("lifts", &[Value::Prose(lifts.join(", "))])?;
    let versions: Vec<_> = waiver.versions.iter().map(|v| shown(v)).collect();
    let versions = if versions.is_empty() { "every version".to_owned() } else { versions.join(", ") };
    page.row("for", &[Value::Prose(format!("{} {versions}", waiver.tool))])?;
    let digests: Vec<Value> = waiver.digests.iter().map(|d| Value::path(d.to_string(), None)).collect();
    page.row("files", &digests)?;
    page.row("why", &[Value::Prose(shown(&waiver.reason).into_owned())])?;
    let state = if now < waiver.starts {
        "not yet in force"
    } else if now < waiver.expires {
        "in force"
    } else {
        "over"
    };
    let (starts, expires) = (day(waiver.starts, now), day(waiver.expires, now));
    page.row("when", &[Value::Prose(format!("{starts} to {expires}, {state}"))])?;
    page.row("owner", &[Value::Prose(format!("{}, approved by {}", shown(&waiver.owner), shown(&waiver.approver)))])?;
    page.row("by", &[Value::Prose(shown(decided_by).into_owned())])
}

/// Write what a policy says of tools it describes itself, and of every tool: approvals, revocations, waivers.
///
/// # Errors
/// Those of `out`.
pub fn render_tool(
    tool: Described<'_>,
    manifest: Option<&Manifest>,
    catalogue: &Catalogue,
    os: Os,
    style: &Style,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour).with_keys(KEYS);
    let id = tool.id();
    page.line(0, &[(BOLD, id.as_str()), (PLAIN, "  "), (PLAIN, &tool.what())])?;
    let packages: Vec<Value> = tool.packages().iter().map(|p| Value::Prose(package(p))).collect();
    page.row("packages", &packages)?;
    page.row("programs", &list(tool.programs()))?;
    if let Described::Catalogue(tool) = tool {
        page.row("places", &literals(tool.paths.of(os)))?;
        page.row("settings", &list(&tool.config_files))?;
        if style.detail == Detail::Verbose {
            page.row("trailers", &literals(&tool.commit_trailers))?;
            page.row("models", &literals(&tool.model_id_patterns))?;
            page.row("talks to", &list(&tool.api_hosts))?;
            page.row("steered by", &list(&tool.env))?;
        }
        let brings: Vec<String> = tool.carries.iter().map(|c| c.tool.to_string()).collect();
        page.row("brings", &list(&brings))?;
        if let Some(note) = &tool.note {
            page.row("note", &[Value::Prose(shown(note).into_owned())])?;
        }
        page.row("source", &[Value::Prose(format!("{}, catalogue of {}", shown(&tool.source), shown(&catalogue.date)))])?;
    }
    let Some(manifest) = manifest else { return Ok(()) };
    let approvals: Vec<Value> = manifest
        .tools
        .iter()
        .filter(|entry| entry.id == *id)
        .flat_map(|entry| &entry.approvals)
        .map(|a| Value::Prose(approval(a, now)))
        .collect();
    let none = vec![Value::Prose("no version".to_owned())];
    page.row("approved", if approvals.is_empty() { &none } else { &approvals })?;
    let revoked: Vec<Value> = manifest
        .revocations
        .iter()
        .flat_map(|r| r.affected.iter().map(move |a| (r, a)))
        .filter(|(_, a)| concerns(&a.subject, tool))
        .map(|(r, a)| Value::Prose(format!("{}: {}", shown(&r.id), affected(a))))
        .collect();
    page.row("revoked", &revoked)?;
    let waivers: Vec<Value> = manifest
        .waivers
        .iter()
        .filter(|w| w.tool == *id)
        .map(|w| Value::Prose(format!("{} until {}", shown(&w.id), day(w.expires, now))))
        .collect();
    page.row("waived", &waivers)
}

/// A tool as the built-in catalogue or a manifest describes it.
#[derive(Debug, Clone, Copy)]
pub enum Described<'a> {
    /// By the built-in catalogue.
    Catalogue(&'a Tool),
    /// By the manifest.
    Manifest(&'a ToolId, &'a Recognise),
}

impl Described<'_> {
    fn id(&self) -> &ToolId {
        match self {
            Self::Catalogue(tool) => &tool.id,
            Self::Manifest(id, _) => id,
        }
    }

    fn vendor(&self) -> &str {
        match self {
            Self::Catalogue(tool) => &tool.vendor,
            Self::Manifest(_, recognise) => &recognise.vendor,
        }
    }

    fn what(&self) -> String {
        let (kind, from) = match self {
            Self::Catalogue(tool) => (tool.kind, ""),
            Self::Manifest(_, recognise) => (recognise.kind, ", described by the manifest"),
        };
        format!("{kind} by {}{from}", shown(self.vendor()))
    }

    fn packages(&self) -> Vec<Package> {
        match self {
            Self::Catalogue(tool) => tool.packages().collect(),
            Self::Manifest(_, recognise) => recognise.packages.clone(),
        }
    }

    fn programs(&self) -> &[String] {
        match self {
            Self::Catalogue(tool) => &tool.binaries,
            Self::Manifest(_, recognise) => &recognise.binaries,
        }
    }
}

/// Whether a revocation's subject names this tool; models are named by id, not by tool.
fn concerns(subject: &Subject, tool: Described<'_>) -> bool {
    match subject {
        Subject::Tool(id) => id == tool.id(),
        Subject::Vendor(name) => name.eq_ignore_ascii_case(tool.vendor()),
        Subject::Model(_) => false,
    }
}

fn package(package: &Package) -> String {
    let ecosystem = match package.ecosystem {
        Ecosystem::Npm => "npm",
        Ecosystem::Pypi => "PyPI",
        Ecosystem::VsCode => "VS Code",
        Ecosystem::JetBrains => "JetBrains",
        Ecosystem::Brew => "Homebrew",
        Ecosystem::GitHub => "GitHub",
        Ecosystem::Ollama => "Ollama",
        Ecosystem::HuggingFace => "Hugging Face",
        Ecosystem::Generic => "generic",
    };
    format!("{ecosystem} `{}`", shown(&package.name))
}

fn approval(approval: &Approval, now: Timestamp) -> String {
    let by = approval.approved.as_ref().map(|approved| {
        let names: Vec<_> = approved.by.iter().map(|name| shown(name)).collect();
        let ticket = approved.ticket.as_deref().map(|t| format!(" ({})", shown(t))).unwrap_or_default();
        format!(" by {}, {}{ticket}", names.join(", "), day(approved.at, now))
    });
    format!("{}{}", shown(&approval.version), by.unwrap_or_default())
}

/// Short words in one wrapped line.
fn list(words: &[String]) -> Vec<Value> {
    let words: Vec<_> = words.iter().map(|w| shown(w)).collect();
    if words.is_empty() { Vec::new() } else { vec![Value::Prose(words.join(", "))] }
}

/// What must not be broken, a line each.
fn literals(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| Value::path(shown(line).into_owned(), None)).collect()
}
