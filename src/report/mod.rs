//! What people and programs read, one format a file.
//!
//! A format is a function from a finished [`Report`] to bytes: it looks nothing up and decides nothing. Every text that came
//! from outside passes through [`words::shown`] or, for paths in JSON, [`json::exact_path`] on its way out (threat T-14).

pub mod account;
pub mod checkup;
pub mod cyclonedx;
pub mod difference;
mod entries;
mod excerpt;
pub mod executables;
pub mod explanation;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod inventory;
pub mod json;
pub mod junit;
mod page;
pub mod palette;
pub mod patch;
pub mod policy_status;
pub mod rule_texts;
pub mod sarif;
pub mod simulation;
pub mod verification;
pub mod words;

use crate::policy::Report;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// In which format a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs: `vetted/report/v1`, `docs/report-v1.schema.json`.
    Json,
    /// For a GitHub Actions log: annotations, then the text for people.
    Github,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For GitLab: its code quality report.
    Gitlab,
    /// For services that show tests: JUnit's XML.
    Junit,
}

/// How much is said. Ordered from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only what blocks; nothing at all when the run is clean.
    Quiet,
    /// What blocks or is worth a look, and the answer: a hook.
    Brief,
    /// Also the tools that pass without an approval.
    Normal,
    /// Everything that is known, whole digests included.
    Verbose,
}

/// How a report is to look. Formats for programs use of it what tells where files lie, and the time.
#[derive(Debug, Clone)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// How much is said.
    pub detail: Detail,
    /// Whether ANSI colour codes are written.
    pub colour: bool,
    /// The home folder, shown as `~`.
    pub home: Option<PathBuf>,
    /// The work tree of the repository, from which paths in it are reckoned.
    pub repository: Option<PathBuf>,
    /// What a block stops, in one word (`commit`, `push`), where that is known.
    pub stops: Option<&'static str>,
    /// The time the run took. `None` where output has to be the same every time.
    pub elapsed: Option<Duration>,
    /// What fences text for people in a GitHub Actions log. Without it that text is left out there.
    pub fence: Option<github::Fence>,
}

impl Default for Style {
    /// 80 columns, no colour, no home, no time.
    fn default() -> Self {
        Self {
            width: 80,
            detail: Detail::Normal,
            colour: false,
            home: None,
            repository: None,
            stops: None,
            elapsed: None,
            fence: None,
        }
    }
}

/// Write a report.
///
/// # Errors
/// Those of `out`.
pub fn render(format: Format, report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::render(report, style, out),
        Format::Json => json::render(report, out),
        Format::Github => github::render(report, style, out),
        Format::Sarif => sarif::render(report, style, out),
        Format::Gitlab => gitlab::render(report, style, out),
        Format::Junit => junit::render(report, style, out),
    }
}
