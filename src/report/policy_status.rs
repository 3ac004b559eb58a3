//! `vetted policy status`: for each document its number, its end, who signed and who is missing.

use super::checkup::{Fact, Health, Section};
use super::json::{exact_path, write_document};
use super::words::{ago, shown, signatures, span};
use crate::digest::Digest;
use jiff::Timestamp;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// The name of the format for programs.
pub const SCHEMA: &str = "vetted/policy-status/v1";

/// What is known of a policy folder.
#[derive(Debug, Clone)]
pub struct Status {
    /// The folder.
    pub folder: PathBuf,
    /// The policy's name.
    pub name: Option<String>,
    /// Why clients do not believe it as it stands; `None` where they do.
    pub refused: Option<String>,
    /// The documents that are there.
    pub documents: Vec<DocumentStatus>,
    /// Where newer documents are had from.
    pub sources: Vec<String>,
    /// The instant of this status.
    pub now: Timestamp,
}

/// What is known of one document.
#[derive(Debug, Clone)]
pub struct DocumentStatus {
    /// Its name in the folder, one of three.
    pub document: &'static str,
    /// Serial or version; `None` where it cannot be read.
    pub number: Option<u64>,
    /// When it was made; the trust policy does not say.
    pub issued: Option<Timestamp>,
    /// Until when it holds.
    pub expires: Option<Timestamp>,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Each threshold that it has to reach: one, or two for a version of the trust policy that follows another.
    pub thresholds: Vec<ThresholdStatus>,
    /// Number and digest that this machine believed last.
    pub seen: Option<(u64, Digest)>,
    /// Why its signatures could not be counted, or why it is not valid.
    pub problem: Option<String>,
}

/// Who signed for one role.
#[derive(Debug, Clone)]
pub struct ThresholdStatus {
    /// By which document the signers are counted: empty for the trust policy beside it, else for example `version 3`.
    pub by: String,
    /// The role.
    pub role: &'static str,
    /// How many are needed.
    pub needed: usize,
    /// Who signed.
    pub found: Vec<String>,
    /// Holders who did not.
    pub missing: Vec<String>,
    /// Why further signatures do not count.
    pub refused: Vec<String>,
}

impl ThresholdStatus {
    fn lacks(&self) -> usize {
        self.needed.saturating_sub(self.found.len())
    }
}

/// The status as sections for people.
#[must_use]
pub fn sections(status: &Status) -> Vec<Section> {
    let mut sections = Vec::new();
    let name = status.name.clone().unwrap_or_else(|| "a policy without a name".to_owned());
    let (health, summary) = match &status.refused {
        None => (Health::Good, format!("{name}: clients believe it as it stands")),
        Some(_) => (Health::Bad, format!("{name}: clients do not believe it as it stands")),
    };
    let mut rows = vec![("folder", vec![Fact::Path(status.folder.clone(), String::new())])];
    if let Some(why) = &status.refused {
        rows.push(("why", why.lines().map(|line| Fact::Text(line.to_owned())).collect()));
    }
    if !status.sources.is_empty() {
        rows.push(("sources", status.sources.iter().map(|source| Fact::Text(source.clone())).collect()));
    }
    sections.push(Section { name: "policy", health, summary, rows });
    sections.extend(status.documents.iter().map(|document| section(document, status.now)));
    sections
}

fn section(document: &DocumentStatus, now: Timestamp) -> Section {
    let number = document.number.map_or("cannot be read".to_owned(), |number| match document.issued {
        Some(_) => format!("serial {number}"),
        None => format!("version {number}"),
    });
    let mut health = Health::Good;
    let mut rows = Vec::new();
    if let Some(problem) = &document.problem {
        health = Health::Bad;
        rows.push(("problem", problem.lines().map(|line| Fact::Text(line.to_owned())).collect()));
    }
    for threshold in &document.thresholds {
        if threshold.lacks() > 0 {
            health = Health::Bad;
        }
        rows.push(("signed", signed(threshold).into_iter().map(Fact::Text).collect()));
    }
    if let Some(expires) = document.expires {
        let issued = document.issued.map(|issued| format!("issued {}, ", ago(issued, now))).unwrap_or_default();
        let left = expires.as_second() - now.as_second();
        let end = if left <= 0 { format!("expired {}", ago(expires, now)) } else { format!("expires in {}", span(left)) };
        if left <= 0 {
            health = Health::Bad;
        }
        rows.push(("age", vec![Fact::Text(format!("{issued}{end}, at {expires}"))]));
    }
    rows.push(("here", vec![Fact::Text(seen(document))]));
    rows.push(("sha256", vec![Fact::Text(document.sha256.hex())]));
    Section { name: document.document, health, summary: number, rows }
}

fn signed(threshold: &ThresholdStatus) -> Vec<String> {
    let by = if threshold.by.is_empty() { String::new() } else { format!(", as {} counts them", threshold.by) };
    let who = if threshold.found.is_empty() { "nobody".to_owned() } else { threshold.found.join(", ") };
    let mut lines =
        vec![format!("{} of the role `{}`{by}: {who}", signatures(threshold.found.len(), threshold.needed), threshold.role)];
    if threshold.lacks() > 0 {
        lines.push(format!("needs {} more of {}", threshold.lacks(), threshold.missing.join(", ")));
    }
    lines.extend(threshold.refused.iter().map(|why| format!("does not count: {why}")));
    lines
}

fn seen(document: &DocumentStatus) -> String {
    match (&document.seen, document.number) {
        (None, _) => "this machine has not believed any issue of it yet".to_owned(),
        (Some((number, sha256)), Some(here)) if *number == here && *sha256 == document.sha256 => {
            "this machine believed exactly this one".to_owned()
        }
        (Some((number, _)), Some(here)) if *number == here => {
            format!("this machine believed other bytes under the number {number}")
        }
        (Some((number, _)), _) => format!("this machine believed {number} last"),
    }
}

/// Write the status for programs.
///
/// # Errors
/// Those of `out`.
pub fn render_json(status: &Status, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document {
        schema: &'static str,
        folder: String,
        name: Option<String>,
        believed: bool,
        refused: Option<String>,
        documents: Vec<Entry>,
        sources: Vec<String>,
        now: Timestamp,
    }
    #[derive(Serialize)]
    struct Entry {
        document: &'static str,
        number: Option<u64>,
        issued: Option<Timestamp>,
        expires: Option<Timestamp>,
        sha256: String,
        thresholds: Vec<ThresholdEntry>,
        seen: Option<Seen>,
        problem: Option<String>,
    }
    #[derive(Serialize)]
    struct ThresholdEntry {
        role: &'static str,
        by: String,
        needed: usize,
        signed: Vec<String>,
        missing: Vec<String>,
        refused: Vec<String>,
    }
    #[derive(Serialize)]
    struct Seen {
        number: u64,
        sha256: String,
    }
    let safe = |text: &String| shown(text).into_owned();
    let threshold = |t: &ThresholdStatus| ThresholdEntry {
        role: t.role,
        by: safe(&t.by),
        needed: t.needed,
        signed: t.found.iter().map(safe).collect(),
        missing: t.missing.iter().map(safe).collect(),
        refused: t.refused.iter().map(safe).collect(),
    };
    let entry = |d: &DocumentStatus| Entry {
        document: d.document,
        number: d.number,
        issued: d.issued,
        expires: d.expires,
        sha256: d.sha256.hex(),
        thresholds: d.thresholds.iter().map(threshold).collect(),
        seen: d.seen.as_ref().map(|(number, sha256)| Seen { number: *number, sha256: sha256.hex() }),
        problem: d.problem.as_ref().map(safe),
    };
    write_document(
        &Document {
            schema: SCHEMA,
            folder: exact_path(&status.folder),
            name: status.name.as_ref().map(safe),
            believed: status.refused.is_none(),
            refused: status.refused.as_ref().map(safe),
            documents: status.documents.iter().map(entry).collect(),
            sources: status.sources.iter().map(safe).collect(),
            now: status.now,
        },
        out,
    )
}
