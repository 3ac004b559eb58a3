//! `vetted explain`: one thing with all that is known of it, for people.

use super::page::{Page, Value};
use super::palette::{BOLD, DIM, PLAIN};
use super::words::{day, shown, shown_path};
use super::{Detail, Style};
use crate::catalogue::{Catalogue, Text, Tool};
use crate::digest::DigestSet;
use crate::manifest::{Affected, Approval, Lifts, Recognise, Revocation, Severity, Subject, Waiver};
use crate::policy::Policy;
use crate::tool::{Ecosystem, Os, Package, ToolId};
use jiff::Timestamp;
use std::io::{self, Write};
use std::path::PathBuf;

/// Columns for the keys of everything that is explained.
pub(super) const KEYS: usize = 10;

/// Write Markdown of our own documents plainly: headings stand out, code is indented and whole, tables become rows of a key and
/// a value, the rest is wrapped.
///
/// # Errors
/// Those of `out`.
pub fn render_markdown(text: &str, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour).with_keys(13);
    let mut paragraph = String::new();
    let mut in_fence = false;
    let mut after_blank = true;
    for line in text.trim_end().lines().chain([""]) {
        let fences = line.starts_with("```");
        let is_code = in_fence || (after_blank && paragraph.is_empty() && line.starts_with("    ") && !line.trim().is_empty());
        let is_blank = line.trim().is_empty();
        after_blank = is_blank || is_code;
        if fences || is_code || is_blank || line.starts_with(['#', '|']) || marker(line) > 0 {
            flush(&mut page, &mut paragraph)?;
        }
        if fences {
            in_fence = !in_fence;
        } else if is_code {
            let code = if in_fence { line } else { line.trim_start() };
            page.line(4, &[(DIM, &shown(code))])?;
        } else if is_blank {
            page.gap()?;
        } else if let Some(heading) = line.strip_prefix('#') {
            page.prose(0, BOLD, &shown(heading.trim_start_matches('#').trim()))?;
        } else if line.starts_with('|') {
            table_row(&mut page, line)?;
        } else {
            paragraph.push_str(if paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(line.trim());
        }
    }
    Ok(())
}

/// The length of the mark that begins an item of a list, with its blank; 0 for other lines.
fn marker(line: &str) -> usize {
    if line.starts_with("- ") || line.starts_with("* ") {
        return 2;
    }
    match line.split_once(". ") {
        Some((number, _)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => number.len() + 2,
        _ => 0,
    }
}

/// Write a paragraph or an item of a list; the further lines of an item stand below its text.
fn flush(page: &mut Page<'_>, paragraph: &mut String) -> io::Result<()> {
    // Backticks stay: they say what can be typed.
    let text = shown(paragraph).replace("**", "");
    paragraph.clear();
    let mark = marker(&text);
    if mark == 0 {
        return page.prose(0, PLAIN, &text);
    }
    page.item(&text[..mark], &text[mark..])
}

/// A row of a table. The line of dashes and a head without words say nothing here.
fn table_row(page: &mut Page<'_>, line: &str) -> io::Result<()> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    if cells.iter().all(|cell| cell.bytes().all(|b| matches!(b, b'-' | b':'))) {
        return Ok(());
    }
    match cells.split_first() {
        Some((key, values)) => page.row(&shown(key), &[Value::Prose(shown(&values.join("  ")).into_owned())]),
        None => Ok(()),
    }
}

/// Where an entry of the policy stands, and what it is worth here.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Who stands behind it.
    pub decided_by: String,
    /// Its file and line, where it has one.
    pub place: Option<(PathBuf, u32)>,
    /// What keeps it from having effect here: withdrawn, for another group, outside of its scope. One sentence each.
    pub remarks: Vec<String>,
}

impl Standing {
    fn write(&self, page: &mut Page<'_>, style: &Style) -> io::Result<()> {
        if let Some((path, line)) = &self.place {
            page.row("in", &[Value::path(format!("{}:{line}", shown_path(path, style.home.as_deref())), None)])?;
        }
        let remarks: Vec<Value> = self.remarks.iter().map(|remark| Value::Prose(shown(remark).into_owned())).collect();
        page.row("but", &remarks)
    }
}

/// Write a revocation that is in no document any more because the manifest withdrew it.
///
/// # Errors
/// Those of `out`.
pub fn render_withdrawn(id: &str, reason: &str, standing: &Standing, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour).with_keys(KEYS);
    page.line(0, &[(BOLD, &shown(id)), (PLAIN, "  withdrawn revocation")])?;
    page.row("why", &[Value::Prose(shown(reason).into_owned())])?;
    page.row("by", &[Value::Prose(shown(&standing.decided_by).into_owned())])?;
    standing.write(&mut page, style)
}

/// Write a revocation of the policy in force, and its advisory where its text is at hand.
///
/// # Errors
/// Those of `out`.
pub fn render_revocation(
    revocation: &Revocation,
    standing: &Standing,
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
    page.row("by", &[Value::Prose(format!("{}, since {}", shown(&standing.decided_by), day(revocation.effective, now)))])?;
    standing.write(&mut page, style)?;
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
        Subject::Package(name) => package(name),
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
pub fn render_waiver(waiver: &Waiver, standing: &Standing, style: &Style, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
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
    if let Some(scope) = &waiver.scope {
        let repositories: Vec<_> = scope.repositories.iter().map(|glob| format!("repositories `{}`", shown(glob))).collect();
        let groups: Vec<_> = scope.groups.iter().map(|group| format!("machines of the group {}", shown(group))).collect();
        let parts: Vec<String> = [repositories, groups].iter().filter(|p| !p.is_empty()).map(|p| p.join(" or ")).collect();
        page.row("only in", &[Value::Prose(parts.join(", on "))])?;
    }
    page.row("owner", &[Value::Prose(format!("{}, approved by {}", shown(&waiver.owner), shown(&waiver.approver)))])?;
    page.row("by", &[Value::Prose(shown(&standing.decided_by).into_owned())])?;
    standing.write(&mut page, style)
}

/// Write what a policy says of tools it describes itself, and of every tool: approvals, revocations, waivers.
///
/// # Errors
/// Those of `out`.
pub fn render_tool(
    tool: Described<'_>,
    policy: Option<&Policy>,
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
    page.row("programs", &list(&tool.programs()))?;
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
    let Some(policy) = policy else { return Ok(()) };
    let manifest = policy.manifest();
    let approvals: Vec<Value> = manifest
        .tools
        .iter()
        .filter(|entry| entry.id == *id)
        .flat_map(|entry| &entry.approvals)
        .map(|a| Value::Prose(approval(a, now)))
        .collect();
    let none = vec![Value::Prose("no version".to_owned())];
    page.row("approved", if approvals.is_empty() { &none } else { &approvals })?;
    let revoked: Vec<Value> = policy
        .revocations()
        .map(|(revocation, _)| revocation)
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
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ToolId {
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

    fn programs(&self) -> Vec<&str> {
        match self {
            Self::Catalogue(tool) => tool.binaries.iter().map(Text::as_str).collect(),
            Self::Manifest(_, recognise) => recognise.binaries.iter().map(String::as_str).collect(),
        }
    }
}

/// Whether a revocation's subject names this tool; models are named by id, not by tool.
fn concerns(subject: &Subject, tool: Described<'_>) -> bool {
    match subject {
        Subject::Tool(id) => id == tool.id(),
        Subject::Vendor(name) => name.eq_ignore_ascii_case(tool.vendor()),
        Subject::Model(_) => false,
        Subject::Package(package) => tool.packages().contains(package),
    }
}

fn package(package: &Package) -> String {
    let ecosystem = match package.ecosystem {
        Ecosystem::Npm => "npm",
        Ecosystem::Pypi => "PyPI",
        Ecosystem::VsCode => "VS Code",
        Ecosystem::JetBrains => "JetBrains",
        Ecosystem::Brew => "Homebrew",
        Ecosystem::Cargo => "cargo",
        Ecosystem::Go => "Go",
        Ecosystem::Gem => "RubyGems",
        Ecosystem::Docker => "container image",
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
fn list<W: AsRef<str>>(words: &[W]) -> Vec<Value> {
    let words: Vec<_> = words.iter().map(|word| shown(word.as_ref())).collect();
    if words.is_empty() { Vec::new() } else { vec![Value::Prose(words.join(", "))] }
}

/// What must not be broken, a line each.
fn literals<W: AsRef<str>>(lines: &[W]) -> Vec<Value> {
    lines.iter().map(|line| Value::path(shown(line.as_ref()).into_owned(), None)).collect()
}
