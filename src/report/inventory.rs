//! `vetted scan`: what is on this machine, without a judgement.
//!
//! The same columns as a report without the verdict, and the same care: what was not looked at is said.

use super::json::{self, CoverageEntry, Details, Identity};
use super::page::{Page, Value};
use super::palette::{BOLD, DIM, PLAIN, YELLOW};
use super::words::{count, shown, shown_path};
use super::{Detail, Style};
use crate::evidence::{Coverage, CoverageOutcome, Oddity, Sighting, State};
use crate::tool::Kind;
use jiff::Timestamp;
use serde::Serialize;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

/// The name of the format for programs.
pub const SCHEMA: &str = "vetted/inventory/v1";

/// What a scan found.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// When.
    pub now: Timestamp,
    /// The tools, in the order they are to be shown.
    pub tools: Vec<Entry>,
    /// What is no tool and yet worth a look.
    pub oddities: Vec<Oddity>,
    /// Where was looked, and where not.
    pub coverage: Vec<Coverage>,
}

/// One tool with what the catalogue says of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was found.
    pub sighting: Sighting,
    /// Who makes it.
    pub vendor: String,
    /// What kind of tool it is.
    pub kind: Kind,
}

/// Write the inventory for programs.
///
/// # Errors
/// Those of `out`.
pub fn render_json(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document {
        schema: &'static str,
        now: Timestamp,
        coverage: Vec<CoverageEntry>,
        tools: Vec<Tool>,
        oddities: Vec<OddityEntry>,
    }
    #[derive(Serialize)]
    struct Tool {
        #[serde(flatten)]
        identity: Identity,
        #[serde(flatten)]
        details: Details,
    }
    let tool = |entry: &Entry| {
        let (identity, details) = json::of_sighting(&entry.sighting, &entry.vendor, entry.kind);
        Tool { identity, details }
    };
    json::write_document(
        &Document {
            schema: SCHEMA,
            now: inventory.now,
            coverage: inventory.coverage.iter().map(CoverageEntry::of).collect(),
            tools: inventory.tools.iter().map(tool).collect(),
            oddities: inventory.oddities.iter().map(OddityEntry::of).collect(),
        },
        out,
    )
}

#[derive(Serialize)]
struct OddityEntry {
    code: &'static str,
    path: String,
    line: Option<u32>,
    tool: Option<String>,
    reason: String,
}

impl OddityEntry {
    fn of(oddity: &Oddity) -> Self {
        match oddity {
            Oddity::DanglingLink { path, target, tool } => Self {
                code: "dangling-link",
                path: json::exact_path(path),
                line: None,
                tool: Some(tool.to_string()),
                reason: format!("it leads to {}", shown_path(target, None)),
            },
            Oddity::UnidentifiedName { path, tool, why } => Self {
                code: "unidentified-name",
                path: json::exact_path(path),
                line: None,
                tool: Some(tool.to_string()),
                reason: shown(why).into_owned(),
            },
            Oddity::Unparsable { location, why } => Self {
                code: "unparsable-file",
                path: json::exact_path(&location.path),
                line: location.line,
                tool: None,
                reason: shown(why).into_owned(),
            },
        }
    }
}

/// One row as text.
struct Row {
    cells: [String; 4],
    place: String,
    remarks: Vec<String>,
}

const HEADS: [&str; 4] = ["tool", "version", "kind", "channel"];

/// Write the inventory for people.
///
/// # Errors
/// Those of `out`.
pub fn render_human(inventory: &Inventory, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour);
    let rows: Vec<Row> = inventory.tools.iter().map(|entry| row(entry, style)).collect();
    if !rows.is_empty() {
        table(&mut page, &rows)?;
        page.gap()?;
    }
    for oddity in &inventory.oddities {
        let entry = OddityEntry::of(oddity);
        let path = match oddity {
            Oddity::DanglingLink { path, .. } | Oddity::UnidentifiedName { path, .. } => path,
            Oddity::Unparsable { location, .. } => &location.path,
        };
        page.row(entry.code, &[Value::path(shown_path(path, style.home.as_deref()), Some(entry.reason))])?;
    }
    if !inventory.oddities.is_empty() {
        page.gap()?;
    }
    looked(&mut page, inventory, style)?;
    let mut answer = vec![match inventory.tools.len() {
        0 => nothing_found(inventory).to_owned(),
        n => format!("{} found", count(n as u64, "tool")),
    }];
    answer.extend(style.elapsed.map(super::words::elapsed));
    page.segments(BOLD, &answer)
}

/// "No tool found" is said only by someone who looked.
fn nothing_found(inventory: &Inventory) -> &'static str {
    let not_looked = |c: &Coverage| matches!(c.outcome, CoverageOutcome::NotLooked(_));
    match (inventory.coverage.iter().all(not_looked), inventory.coverage.iter().any(not_looked)) {
        (true, _) => "nothing was looked at",
        (false, true) => "no tool found where was looked",
        (false, false) => "no tool found",
    }
}

fn row(entry: &Entry, style: &Style) -> Row {
    let sighting = &entry.sighting;
    let version = sighting.version.as_ref().map_or_else(|| "unknown".to_owned(), |v| shown(v.as_str()).into_owned());
    let place = sighting.reached_by.first().unwrap_or(&sighting.root);
    let mut remarks = Vec::new();
    if let Some(carrier) = &sighting.brought_by {
        let version = carrier.version.as_deref().map(|v| format!(" {}", shown(v))).unwrap_or_default();
        remarks.push(format!("brought by {}{version}", shown(&carrier.package.name)));
    }
    if let Some(name) = &sighting.renamed {
        remarks.push(format!("under the name {}", shown(name)));
    }
    if let Some(claimed) = &sighting.claimed_version {
        remarks.push(format!("the package says {}", shown(claimed)));
    }
    if let Some(found) = &sighting.embedded_version {
        remarks.push(format!("the program says {}", shown(found)));
    }
    match &sighting.state {
        State::Present => {}
        State::Stub => remarks.push("stub".to_owned()),
        State::NotInspectable => remarks.push("packed".to_owned()),
        State::Unreadable(why) => remarks.push(format!("unreadable: {}", shown(&why.to_string()))),
    }
    if style.detail == Detail::Verbose {
        for executable in &sighting.executables {
            match &executable.digests {
                Ok(digests) => remarks.extend(digests.iter().map(ToString::to_string)),
                Err(why) => remarks.push(format!("not digested: {}", shown(&why.to_string()))),
            }
        }
    }
    Row {
        cells: [sighting.tool.to_string(), version, entry.kind.name().to_owned(), sighting.channel.name().to_owned()],
        place: shown_path(place, style.home.as_deref()),
        remarks,
    }
}

/// Columns where they fit; below them, and on a narrow terminal always, the place on a line of its own.
fn table(page: &mut Page<'_>, rows: &[Row]) -> io::Result<()> {
    // One endless version must not push every place to a line of its own.
    const WIDEST: usize = 24;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row.cells[column].width().min(WIDEST));
        cells.chain([HEADS[column].width()]).max().unwrap_or(0)
    };
    let widths: [usize; 4] = std::array::from_fn(width);
    let before: usize = widths.iter().map(|w| w + 2).sum();
    let in_columns = before + 24 <= page.width();
    if in_columns {
        let heads: Vec<String> = HEADS.iter().zip(widths).map(|(head, width)| pad(head, width + 2)).collect();
        page.line(0, &[(DIM, &heads.concat()), (DIM, "where")])?;
    }
    for row in rows {
        let [tool, version, kind, channel] = &row.cells;
        if in_columns {
            let tool = pad(tool, widths[0] + 2);
            let rest = [(version, 1), (kind, 2), (channel, 3)].map(|(cell, column)| pad(cell, widths[column] + 2)).concat();
            if before + row.place.width() <= page.width() && row.cells.iter().zip(widths).all(|(cell, w)| cell.width() <= w) {
                page.line(0, &[(BOLD, &tool), (PLAIN, &rest), (PLAIN, &row.place)])?;
            } else {
                page.line(0, &[(BOLD, &tool), (PLAIN, rest.trim_end())])?;
                page.line(4, &[(PLAIN, &row.place)])?;
            }
        } else {
            page.line(0, &[(BOLD, tool), (PLAIN, " "), (PLAIN, version), (DIM, &format!("  {kind}, {channel}"))])?;
            page.line(4, &[(PLAIN, &row.place)])?;
        }
        for remark in &row.remarks {
            page.prose(4, DIM, remark)?;
        }
    }
    Ok(())
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width()).max(usize::from(width > 0))))
}

/// Where was looked, by what was looked for; and where not, each place with its reason.
fn looked(page: &mut Page<'_>, inventory: &Inventory, style: &Style) -> io::Result<()> {
    let mut sources: Vec<(&str, u64)> = Vec::new();
    for coverage in inventory.coverage.iter().filter(|c| c.outcome == CoverageOutcome::Looked) {
        match sources.iter_mut().find(|(source, _)| *source == coverage.source) {
            Some((_, number)) => *number += 1,
            None => sources.push((&coverage.source, 1)),
        }
    }
    let sources: Vec<String> = sources
        .into_iter()
        .map(|(source, number)| if number == 1 { source.to_owned() } else { format!("{source} ({})", count(number, "place")) })
        .collect();
    let summary = if sources.is_empty() { "nothing".to_owned() } else { sources.join(", ") };
    page.prose(0, DIM, &format!("looked at: {summary}"))?;
    let absent: Vec<&str> = {
        let mut all: Vec<&str> =
            inventory.coverage.iter().filter(|c| c.outcome == CoverageOutcome::Absent).map(|c| &*c.source).collect();
        all.dedup();
        all
    };
    if !absent.is_empty() && style.detail == Detail::Verbose {
        page.prose(0, DIM, &format!("not on this machine: {}", absent.join(", ")))?;
    }
    let mut values = Vec::new();
    for coverage in &inventory.coverage {
        if let CoverageOutcome::NotLooked(why) | CoverageOutcome::Unsupported(why) = &coverage.outcome {
            let place =
                coverage.place.as_deref().map(|p| format!(" {}", shown_path(p, style.home.as_deref()))).unwrap_or_default();
            values.push(Value::path(format!("{}{place}", coverage.source), Some(shown(why).into_owned())));
        }
    }
    if !values.is_empty() {
        page.line(0, &[(YELLOW, "not looked at")])?;
        page.row("where", &values)?;
    }
    Ok(())
}
