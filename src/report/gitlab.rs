//! GitLab's code quality report: a list of findings, each at one place.
//!
//! A widget in the merge request shows what is new, by comparing fingerprints with the report of the target branch. Each entry needs a
//! path and a line; what is installed is listed by the path where it lies, which GitLab shows without a link.

use super::entries::{Base, Entry, entries};
use super::words::{self, shown};
use super::{Style, human};
use crate::policy::{Report, Severity};
use serde::Serialize;
use std::io::{self, Write};

/// One entry, by the names of GitLab's documentation ("Code Quality report format").
#[derive(Serialize)]
struct Violation {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Write the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let violations: Vec<Violation> = entries(report, style).iter().map(violation).collect();
    super::json::write_document(&violations, out)
}

fn violation(entry: &Entry<'_>) -> Violation {
    let finding = entry.finding;
    let description = format!("{}: {}: {}", words::label(finding.code), shown(&finding.subject), human::why(finding));
    Violation {
        description: shown(&description).into_owned(),
        check_name: finding.code.name(),
        fingerprint: entry.fingerprint.clone(),
        severity: match finding.severity {
            Severity::Error => "blocker",
            Severity::Warning => "major",
            Severity::Note => "info",
        },
        location: Location { path: path(entry), lines: Lines { begin: entry.line.unwrap_or(1).max(1) } },
    }
}

/// The path as people write it: relative to the repository, below the home as `~/...`, else absolute.
fn path(entry: &Entry<'_>) -> String {
    let path = &entry.address.path;
    match entry.address.base {
        Base::Repository | Base::Policy => path.clone(),
        Base::Home => format!("~/{path}"),
        Base::Machine => format!("/{path}"),
    }
}
