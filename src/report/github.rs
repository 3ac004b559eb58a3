//! A GitHub Actions log: an annotation for each finding, then the report for people where no text can act as a command; and
//! the summary of a job in Markdown.
//!
//! The runner takes every line of output that begins with `::` for a command. Annotations are escaped as the runner's toolkit
//! does; the text for people stands between `::stop-commands::<token>` and `::<token>::`, with a token that nothing in the
//! repository can know.

use super::page::inert;
use super::words::{self, shown};
use super::{Style, human};
use crate::policy::{Finding, Help, Place, Report, Severity};
use std::fmt::Write as _;
use std::io::{self, Write};

/// The token that fences text in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence(String);

impl Fence {
    /// A fence made of random bytes. The caller draws them anew for every run: a fence that can be guessed holds nothing.
    #[must_use]
    pub fn of_random(bytes: [u8; 16]) -> Self {
        Self(format!("vetted-{}", hex::encode(bytes)))
    }
}

/// Write annotations and the report for people.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", annotation(finding, style))?;
    }
    let Some(fence) = &style.fence else { return Ok(()) };
    writeln!(out, "::stop-commands::{}", fence.0)?;
    human::render(report, &Style { colour: false, ..style.clone() }, out)?;
    writeln!(out, "::{}::", fence.0)
}

/// One annotation. Only a place in the repository has a file that GitHub could show it beside.
fn annotation(finding: &Finding, style: &Style) -> String {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = String::new();
    let beside = finding.places.iter().find_map(|place| match place {
        Place::Repository { location, .. } => Some(location),
        Place::Installed { .. } | Place::Commit { .. } => None,
    });
    if let Some(location) = beside {
        let _ = write!(properties, "file={},", property(&words::shown_path(&location.path, None)));
        if let Some(line) = location.line {
            let _ = write!(properties, "line={line},");
        }
    }
    let title = format!("{}: {}", words::label(finding.code), shown(&finding.subject));
    let _ = write!(properties, "title={}", property(&title));
    format!("::{command} {properties}::{}", data(&message(finding, style)))
}

/// Why, where, and what to do, in lines.
fn message(finding: &Finding, style: &Style) -> String {
    let mut text = human::why(finding);
    for place in &finding.places {
        let _ = write!(text, "\nwhere: {}", place_text(place, style));
        if let Some(line) = quoted(place) {
            let _ = write!(text, "\n    {line}");
        }
    }
    if let Some(judged) = judged_by(finding, style) {
        let _ = write!(text, "\nby: {judged}");
    }
    for line in finding.help.iter().filter_map(help_text) {
        let _ = write!(text, "\ndo: {line}");
    }
    let _ = write!(text, "\nmore: vetted explain {}", finding.reference.as_deref().map_or(finding.code.name().into(), shown));
    text
}

/// The line that a place quotes, without the blanks around it.
fn quoted(place: &Place) -> Option<String> {
    match place {
        Place::Repository { quote, .. } | Place::Commit { quote, .. } => {
            quote.as_ref().map(|quote| shown(quote.text.trim()).into_owned()).filter(|line| !line.is_empty())
        }
        Place::Installed { .. } => None,
    }
}

/// Who decided, and the line of the policy by which.
fn judged_by(finding: &Finding, style: &Style) -> Option<String> {
    let by = finding.decided_by.as_deref().map(|by| shown(by).into_owned());
    let rule = finding.rule.as_ref().and_then(|rule| {
        let at = format!("{}:{}", words::shown_path(rule.path.as_deref()?, style.home.as_deref()), rule.line?);
        let text = rule.quote.as_ref().map(|quote| format!(": {}", shown(quote.text.trim()))).unwrap_or_default();
        Some(format!("{at}{text}"))
    });
    match (by, rule) {
        (Some(by), Some(rule)) => Some(format!("{by}, {rule}")),
        (one, other) => one.or(other),
    }
}

/// A place in words, on one line.
pub(super) fn place_text(place: &Place, style: &Style) -> String {
    match place {
        Place::Installed { path, brought_by, remark } => {
            let mut text = words::shown_path(path, style.home.as_deref());
            if let Some(carrier) = brought_by {
                let _ = write!(text, ", brought by {}", shown(&carrier.package.name));
                if let Some(version) = &carrier.version {
                    let _ = write!(text, " {}", shown(version));
                }
            }
            if let Some(remark) = remark {
                let _ = write!(text, ", {}", shown(remark));
            }
            text
        }
        Place::Repository { location, remark, .. } => {
            let mut text = words::shown_path(&location.path, None);
            if let Some(line) = location.line {
                let _ = write!(text, ":{line}");
            }
            if let Some(remark) = remark {
                let _ = write!(text, ", {}", shown(remark));
            }
            text
        }
        Place::Commit { id, subject, .. } => words::commit(id.as_deref(), subject),
    }
}

pub(super) fn help_text(help: &Help) -> Option<String> {
    let text = match (&help.command, &help.note) {
        (Some(command), Some(note)) => format!("{} ({})", shown(command), shown(note)),
        (Some(text), None) | (None, Some(text)) => shown(text).into_owned(),
        (None, None) => return None,
    };
    let entry = help.entry.iter().flat_map(|entry| entry.lines()).map(|line| format!("\n    {}", shown(line)));
    Some(text + &entry.collect::<String>())
}

/// Escape the message of a command as the toolkit does (actions/toolkit, `escapeData`).
fn data(text: &str) -> String {
    inert(text, false).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escape a property of a command as the toolkit does (actions/toolkit, `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Write the summary of a job, in GitHub's Markdown. It belongs in the file that `GITHUB_STEP_SUMMARY` names.
///
/// # Errors
/// Those of `out`.
pub fn render_summary(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let headline = words::headline(report.outcome, style.stops).unwrap_or_else(|| "approved".to_owned());
    writeln!(out, "### vetted: {headline}\n")?;
    if !report.findings.is_empty() {
        writeln!(out, "| | what | where | why |\n| --- | --- | --- | --- |")?;
    }
    for finding in &report.findings {
        let place = |place: &Place| {
            let line = quoted(place).map(|line| format!("<br><code>{}</code>", markdown(&line))).unwrap_or_default();
            format!("{}{line}", markdown(&place_text(place, style)))
        };
        let places: Vec<String> = finding.places.iter().map(place).collect();
        let label = words::label(finding.code);
        let by = judged_by(finding, style).map(|by| format!("<br>by {}", markdown(&by))).unwrap_or_default();
        let (what, why) = (markdown(&shown(&finding.subject)), format!("{}{by}", markdown(&human::why(finding))));
        writeln!(out, "| {label} | {what} | {} | {why} |", places.join("<br>"))?;
    }
    let commands: Vec<&str> = report.findings.iter().flat_map(|f| &f.help).filter_map(|h| h.command.as_deref()).collect();
    if !commands.is_empty() {
        let commands: Vec<String> = commands.iter().map(|c| inert(&shown(c), true)).collect();
        let fence = "`".repeat(longest_run_of_backticks(&commands).max(2) + 1);
        writeln!(out, "\n{fence}sh\n{}\n{fence}", commands.join("\n"))?;
    }
    writeln!(out, "\n{}", markdown(&human::answer(report, style).join(" · ")))
}

/// Text as Markdown shows it and nothing else: every ASCII character that could mean something is a character reference, which
/// is never taken for structure (`CommonMark` 0.31, "Entity and numeric character references").
fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '-' | ',' | '/' => safe.push(c),
            c if c.is_ascii() => {
                let _ = write!(safe, "&#{};", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

fn longest_run_of_backticks(lines: &[String]) -> usize {
    lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_escaped_as_the_toolkit_does() {
        assert_eq!(data("50%\r\n::"), "50%25%0D%0A::");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
    }

    #[test]
    fn markdown_cannot_be_written_from_outside() {
        assert_eq!(markdown("](javascript:x)"), "&#93;&#40;javascript&#58;x&#41;");
        assert_eq!(markdown("a|b<img>@team"), "a&#124;b&#60;img&#62;&#64;team");
        assert_eq!(longest_run_of_backticks(&["a ```` b".to_owned()]), 4);
    }
}
