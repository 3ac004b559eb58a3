//! JUnit's XML, for services that show tests: a case for each tool and each finding.
//!
//! There is no schema by its authors; this is what Jenkins, GitLab and `junitparser` read. What blocks is a failure, what keeps the run
//! from deciding is an error, and the suite has one of them exactly where `vetted check` ends with another status than 0.

use super::page::inert;
use super::words::{self, shown};
use super::{Style, github, human};
use crate::policy::{Finding, Item, Judgement, Outcome, Report, Severity};
use quick_xml::escape::escape;
use std::io::{self, Write};

/// What came of one case.
enum Result {
    Passed,
    Failed(&'static str),
}

/// One case.
struct Case {
    class: String,
    name: String,
    result: Result,
    message: String,
    text: String,
}

/// Write the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report, style);
    let number = |kind: &str| cases.iter().filter(|case| matches!(case.result, Result::Failed(k) if k == kind)).count();
    let counts =
        format!("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\"", cases.len(), number("failure"), number("error"));
    let time = style.elapsed.map(|time| format!(" time=\"{:.3}\"", time.as_secs_f64())).unwrap_or_default();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"vetted\" {counts}{time}>")?;
    let timestamp = report.now.strftime("%Y-%m-%dT%H:%M:%S");
    writeln!(out, "  <testsuite name=\"vetted check\" {counts}{time} timestamp=\"{timestamp}\">")?;
    for case in &cases {
        write_case(case, out)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn write_case(case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", xml(&case.class), xml(&case.name));
    match case.result {
        Result::Passed if case.text.is_empty() => writeln!(out, "{head}/>"),
        Result::Passed => writeln!(out, "{head}>\n      <system-out>{}</system-out>\n    </testcase>", xml(&case.text)),
        Result::Failed(kind) => {
            let (class, message) = (xml(&case.class), xml(&case.message));
            writeln!(
                out,
                "{head}>\n      <{kind} type=\"{class}\" message=\"{message}\">{}</{kind}>\n    </testcase>",
                xml(&case.text)
            )
        }
    }
}

fn cases(report: &Report, style: &Style) -> Vec<Case> {
    let failed = if report.outcome == Outcome::Blocked { "failure" } else { "error" };
    let mut cases = vec![Case {
        class: "vetted".to_owned(),
        name: "outcome".to_owned(),
        result: if report.outcome == Outcome::Approved { Result::Passed } else { Result::Failed(failed) },
        message: words::headline(report.outcome, style.stops).unwrap_or_default(),
        text: human::answer(report, style).join("\n"),
    }];
    cases.extend(report.findings.iter().map(|finding| of_finding(finding, report, style)));
    cases.extend(
        report.verdicts.iter().filter(|j| human::passes_silently(report, j)).map(|judgement| of_passing(judgement, style)),
    );
    cases
}

fn of_finding(finding: &Finding, report: &Report, style: &Style) -> Case {
    let mut lines = vec![human::why(finding)];
    lines.extend(finding.places.iter().map(|place| format!("where: {}", github::place_text(place, style))));
    lines.extend(finding.decided_by.as_deref().map(|by| format!("by: {}", shown(by))));
    lines.extend(finding.help.iter().filter_map(github::help_text).map(|help| format!("do: {help}")));
    let blocks = report.outcome == Outcome::Blocked;
    Case {
        class: finding.code.name().to_owned(),
        name: shown(&finding.subject).into_owned(),
        result: match finding.severity {
            Severity::Error => Result::Failed(if blocks { "failure" } else { "error" }),
            Severity::Warning | Severity::Note => Result::Passed,
        },
        message: human::why(finding),
        text: lines.join("\n"),
    }
}

fn of_passing(judgement: &Judgement, style: &Style) -> Case {
    let (name, place) = match &judgement.item {
        Item::Sighting(s) => (human::item_name(judgement), words::shown_path(&s.root, style.home.as_deref())),
        Item::Mention(m) => (human::item_name(judgement), words::shown_path(&m.location.path, None)),
    };
    Case {
        class: judgement.verdict.name().to_owned(),
        name,
        result: Result::Passed,
        message: String::new(),
        text: format!("{}\nwhere: {place}", shown(&judgement.why)),
    }
}

/// Text as XML 1.0 can hold it: escaped, without the two characters that `printable` leaves and XML does not have, and without a
/// line that a CI log would take for a command.
fn xml(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| inert(line, true)).collect();
    escape(lines.join("\n")).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_element() {
        assert_eq!(xml("a<b>\"&'\u{ffff}"), "a&lt;b&gt;&quot;&amp;&apos;\u{fffd}");
    }
}
