//! The report for people.
//!
//! Each finding answers in this order: what, where, why, who decided and since when, what to do. The answer is the last line.
//! Nothing is wider than the terminal except paths and commands, which are never broken, because both get copied.

mod answer;
mod attested;

pub(super) use answer::answer;

use super::excerpt::Excerpt;
use super::page::{Page, Value};
use super::palette::{BOLD, DIM, GREEN, PLAIN, RED, YELLOW};
use super::words::{self, count, shown, shown_path};
use super::{Detail, Style};
use crate::digest::Digest;
use crate::evidence::{Coverage, CoverageOutcome, Sighting};
use crate::manifest::Mode;
use crate::policy::{
    Code, Effect, FINGERPRINT, Finding, Item, Judgement, Mismatch, Outcome, Place, Report, Rule, Severity, Verdict, fingerprints,
};
use crate::tool::Channel;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;
use unicode_width::UnicodeWidthStr as _;

/// Write the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if style.detail == Detail::Quiet && report.outcome == Outcome::Approved {
        return Ok(());
    }
    let mut human = Human { report, style, page: Page::new(out, style.width, style.colour) };
    human.headline()?;
    human.findings()?;
    if style.detail == Detail::Verbose {
        human.passing()?;
    }
    human.not_looked()?;
    human.more()?;
    human.answer()
}

struct Human<'a> {
    report: &'a Report,
    style: &'a Style,
    page: Page<'a>,
}

impl Human<'_> {
    fn headline(&mut self) -> io::Result<()> {
        let Some(text) = words::headline(self.report.outcome, self.style.stops) else { return Ok(()) };
        let finding = self.is_for_age().then(|| self.report.findings.iter().find(|f| is_about_age(f.code))).flatten();
        let Some(finding) = finding else {
            self.page.line(0, &[(self.colour_of_outcome(), "vetted:"), (PLAIN, " "), (BOLD, &text)])?;
            return self.page.gap();
        };
        let because = match finding.code {
            Code::ClockBehind => "the clock of this machine is behind",
            _ => "the policy is older than it may be",
        };
        self.page.prose(0, self.colour_of_outcome(), &format!("vetted: cannot decide: {because}"))?;
        self.page.row("cause", &[Value::Prose(words::cause_of_age(&self.report.policy, self.report.now))])?;
        self.page.row("still", &[Value::Prose("known revocations keep blocking; nothing is approved".to_owned())])?;
        self.steps(finding)?;
        self.page.gap()
    }

    /// Whether the run could not decide because of what its documents or its clock say of their age.
    fn is_for_age(&self) -> bool {
        self.report.outcome == Outcome::Undecided && !self.report.policy.freshness.approves()
    }

    /// Every finding that this much detail shows, worst first, those of a kind together.
    fn findings(&mut self) -> io::Result<()> {
        let mut findings: Vec<&Finding> = self.report.findings.iter().filter(|f| self.shows(f)).collect();
        findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.code));
        let listed = |f: &&Finding| passes_unvetted(f) && self.style.detail < Detail::Verbose;
        let (short, full): (Vec<&Finding>, Vec<&Finding>) = findings.into_iter().partition(listed);
        for finding in full {
            self.finding(finding)?;
        }
        self.unvetted_list(&short)
    }

    fn shows(&self, finding: &Finding) -> bool {
        if is_about_age(finding.code) && self.is_for_age() {
            // The headline has said it.
            return false;
        }
        if finding.code == Code::NotCovered && self.report.coverage.iter().any(|c| is_coverage_of(finding, c)) {
            // They stand in one list, made from the coverage itself.
            return false;
        }
        match self.style.detail {
            Detail::Quiet => finding.severity == Severity::Error,
            Detail::Brief => finding.severity >= Severity::Warning && !passes_unvetted(finding),
            // What passes is counted in the answer; between the lines that say what must go it would only be in the way.
            // Most machines use a part of what is approved.
            Detail::Normal if finding.code == Code::UnusedApproval => finding.severity > Severity::Note,
            Detail::Normal => !passes_unvetted(finding) || self.report.outcome == Outcome::Approved,
            Detail::Verbose => true,
        }
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let colour = match finding.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
            Severity::Note => DIM,
        };
        let channel = finding.channel.map(|c| format!("({c})"));
        self.head(colour, words::label(finding.code), &shown(&finding.subject), channel.as_deref())?;
        let places: Vec<Value> = finding.places.iter().zip(0..).map(|(place, number)| self.place(place, number)).collect();
        self.page.row("where", &places)?;
        self.page.row("why", &[Value::Prose(why(finding))])?;
        self.evidence(finding)?;
        if let Some(by) = self.by(finding) {
            self.page.row("by", &[Value::Prose(by)])?;
        }
        if let Some(rule) = finding.rule.as_ref().and_then(|rule| self.rule(rule)) {
            self.page.row("in", &[rule])?;
        }
        self.steps(finding)?;
        self.fingerprint(finding)?;
        self.page.gap()
    }

    /// The line of the policy that judged, in its file or in what is part of the program.
    fn rule(&self, rule: &Rule) -> Option<Value> {
        let line = rule.line?;
        let excerpt = rule.quote.as_ref().and_then(|quote| Excerpt::of(line, quote));
        let path = match &rule.path {
            Some(path) => self.path(path),
            None if excerpt.is_some() => "starter policy".to_owned(),
            None => return None,
        };
        Some(Value::place(format!("{path}:{line}"), None, excerpt))
    }

    /// What other runs and services know the finding by.
    fn fingerprint(&mut self, finding: &Finding) -> io::Result<()> {
        if self.style.detail < Detail::Verbose {
            return Ok(());
        }
        let of_all = self.report.findings.iter().zip(fingerprints(&self.report.findings));
        let Some((_, of_this)) = of_all.into_iter().find(|(other, _)| std::ptr::eq(*other, finding)) else { return Ok(()) };
        let mut rows = vec![of_this.finding.hex()];
        rows.extend(of_this.places.iter().map(Digest::hex));
        let mut seen = HashSet::new();
        rows.retain(|hex| seen.insert(hex.clone()));
        let rows: Vec<Value> = rows.into_iter().map(|hex| Value::path(format!("{FINGERPRINT} {hex}"), None)).collect();
        self.page.row("print", &rows)
    }

    /// What to do, a line or a command each.
    fn steps(&mut self, finding: &Finding) -> io::Result<()> {
        let mut help = Vec::new();
        for step in &finding.help {
            let note = step.note.as_deref().map(|n| shown(n).into_owned());
            match (&step.command, note) {
                (Some(command), note) => help.push(Value::command(shown(command).into_owned(), note)),
                (None, Some(note)) => help.push(Value::Prose(note)),
                (None, None) => {}
            }
            help.extend(
                step.entry.iter().flat_map(|entry| entry.lines()).map(|line| Value::command(shown(line).into_owned(), None)),
            );
        }
        self.page.row("do", &help)
    }

    /// The line that says what a finding speaks of.
    fn head(&mut self, colour: anstyle::Style, label: &str, subject: &str, channel: Option<&str>) -> io::Result<()> {
        let tail = channel.map_or(0, |c| c.width() + 3);
        if label.width() + 2 + subject.width() + tail <= self.page.width() {
            let channel = channel.map(|c| format!("   {c}")).unwrap_or_default();
            return self.page.line(0, &[(colour, label), (PLAIN, "  "), (BOLD, subject), (DIM, &channel)]);
        }
        self.page.line(0, &[(colour, label)])?;
        self.page.prose(2, BOLD, subject)?;
        channel.map_or(Ok(()), |channel| self.page.line(2, &[(DIM, channel)]))
    }

    /// A place; the first few of a finding with their lines, all of them for those who asked for everything.
    fn place(&self, place: &Place, number: usize) -> Value {
        const QUOTED: usize = 3;
        let quotes = number < QUOTED || self.style.detail == Detail::Verbose;
        match place {
            Place::Installed { path, brought_by, remark } => {
                let carrier = brought_by.as_ref().map(|carrier| {
                    let version = carrier.version.as_deref().map(|v| format!(" {}", shown(v))).unwrap_or_default();
                    format!("brought by {}{version}", shown(&carrier.package.name))
                });
                let remark = remark.as_deref().map(|r| shown(r).into_owned());
                let remarks: Vec<String> = carrier.into_iter().chain(remark).collect();
                Value::path(self.path(path), (!remarks.is_empty()).then(|| remarks.join(", ")))
            }
            Place::Repository { location, remark, quote } => {
                let line = location.line.map(|l| format!(":{l}")).unwrap_or_default();
                let text = format!("{}{line}", self.path(&location.path));
                let excerpt = location.line.zip(quote.as_ref().filter(|_| quotes)).and_then(|(line, q)| Excerpt::of(line, q));
                Value::place(text, remark.as_deref().map(|r| shown(r).into_owned()), excerpt)
            }
            Place::Commit { id, subject, quote } => {
                let trailer = quote.as_ref().map(|quote| shown(quote.text.trim()).into_owned());
                Value::path(words::commit(id.as_deref(), subject), trailer)
            }
        }
    }

    fn path(&self, path: &Path) -> String {
        shown_path(path, self.style.home.as_deref())
    }

    /// Whole digests of the places of a finding, for those who asked for everything.
    fn evidence(&mut self, finding: &Finding) -> io::Result<()> {
        if self.style.detail < Detail::Verbose {
            return Ok(());
        }
        let mut rows = Vec::new();
        for judgement in &self.report.verdicts {
            if !finding.places.iter().any(|place| speaks_of(place, judgement)) {
                continue;
            }
            if let Verdict::Mismatched(Mismatch { digests: Some(digests), .. }) = &judgement.verdict {
                rows.push(Value::path(digests.expected.to_string(), Some("approved".to_owned())));
                rows.push(Value::path(digests.actual.to_string(), Some("found".to_owned())));
            }
            rows.extend(self.digests(judgement));
        }
        self.page.row("digest", &rows)
    }

    fn digests(&self, judgement: &Judgement) -> Vec<Value> {
        match &judgement.item {
            Item::Sighting(sighting) => sighting
                .executables
                .iter()
                .map(|executable| match &executable.digests {
                    Ok(digests) => {
                        let all: Vec<String> = digests.iter().map(ToString::to_string).collect();
                        Value::path(all.join(" "), Some(self.path(&executable.path)))
                    }
                    Err(why) => {
                        Value::path(self.path(&executable.path), Some(format!("not digested: {}", shown(&why.to_string()))))
                    }
                })
                .collect(),
            Item::Mention(mention) => {
                mention.integrity.iter().map(|d| Value::path(d.to_string(), Some("integrity".to_owned()))).collect()
            }
        }
    }

    fn by(&self, finding: &Finding) -> Option<String> {
        let decided_by = finding.decided_by.as_deref().map(shown)?;
        let since = finding.since.map(|since| {
            let day = words::day(since, self.report.now);
            let word = match finding.code {
                Code::MismatchedDigest | Code::ExpiredApproval => "approved",
                _ => "since",
            };
            format!(", {word} {day}")
        });
        Some(format!("{decided_by}{}", since.unwrap_or_default()))
    }

    /// Tools that pass without an approval, a line each: they are many, and there is one reason for all of them.
    fn unvetted_list(&mut self, findings: &[&Finding]) -> io::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        let why = match self.report.policy.mode {
            Mode::Monitor => "no approval names them; in monitor mode they pass",
            Mode::Enforce => "no approval names them; the policy lets their kind pass",
        };
        self.head(YELLOW, "unvetted", why, None)?;
        let rows: Vec<Listed> = findings.iter().map(|finding| self.listed(finding)).collect();
        let subjects = rows.iter().map(|row| row.subject.width()).max().unwrap_or(0);
        let channels = rows.iter().map(|row| row.channel.width()).max().unwrap_or(0);
        let room = self.page.width().saturating_sub(2 + subjects + 2 + channels + 2);
        for Listed { subject, channel, place, remark, more } in &rows {
            let pad = " ".repeat((subjects + 2).saturating_sub(subject.width()));
            if place.width() + more.width() <= room {
                let channel = format!("{channel:channels$}  ");
                self.page.line(2, &[(BOLD, subject), (PLAIN, &pad), (DIM, &channel), (PLAIN, place), (DIM, more)])?;
            } else {
                let pad = if room > 0 { pad.as_str() } else { "  " };
                self.page.line(2, &[(BOLD, subject), (PLAIN, pad), (DIM, channel), (DIM, more)])?;
                self.page.line(4, &[(PLAIN, place)])?;
            }
            if let Some(remark) = remark {
                self.page.prose(6, DIM, remark)?;
            }
        }
        self.page.gap()
    }

    fn listed(&self, finding: &Finding) -> Listed {
        let (place, remark) = finding.places.first().map(|place| self.place_text(place)).unwrap_or_default();
        Listed {
            subject: shown(&finding.subject).into_owned(),
            channel: finding.channel.map_or("", Channel::name),
            place,
            remark,
            more: match finding.places.len() {
                0 | 1 => String::new(),
                n => format!("  and {}", count((n - 1) as u64, "more place")),
            },
        }
    }

    /// A place as a path and what is said about it.
    fn place_text(&self, place: &Place) -> (String, Option<String>) {
        match self.place(place, usize::MAX) {
            Value::Literal { text, remark, .. } | Value::Quoted { text, remark, .. } => (text, remark),
            Value::Prose(text) => (text, None),
        }
    }

    /// What passes and has no finding, for those who asked for everything.
    fn passing(&mut self) -> io::Result<()> {
        let report = self.report;
        for judgement in report.verdicts.iter().filter(|j| passes_silently(report, j)) {
            let (channel, place) = match &judgement.item {
                Item::Sighting(s) => (Some(s.channel), self.path(&s.root)),
                Item::Mention(m) => (None, self.location(m)),
            };
            let channel = channel.map(|c| format!("({c})"));
            self.head(GREEN, judgement.verdict.name(), &item_name(judgement), channel.as_deref())?;
            self.page.row("where", &[Value::path(place, None)])?;
            self.page.row("why", &[Value::Prose(shown(&judgement.why).into_owned())])?;
            let since = judgement.since.map(|s| format!(", since {}", words::day(s, report.now))).unwrap_or_default();
            self.page.row("by", &[Value::Prose(format!("{}{since}", shown(&judgement.decided_by)))])?;
            self.page.row("attested", &attested::rows(judgement))?;
            let digests = self.digests(judgement);
            self.page.row("digest", &digests)?;
            self.page.gap()?;
        }
        let looked: Vec<Value> = report
            .coverage
            .iter()
            .filter(|c| c.outcome == CoverageOutcome::Looked)
            .map(|c| Value::path(self.coverage_place(c), None))
            .collect();
        if !looked.is_empty() {
            self.page.line(0, &[(DIM, "looked at")])?;
            self.page.row("in", &looked)?;
            self.page.gap()?;
        }
        Ok(())
    }

    fn location(&self, mention: &crate::evidence::Mention) -> String {
        let line = mention.location.line.map(|l| format!(":{l}")).unwrap_or_default();
        format!("{}{line}", self.path(&mention.location.path))
    }

    fn coverage_place(&self, coverage: &Coverage) -> String {
        match &coverage.place {
            Some(place) => format!("{} {}", coverage.source, self.path(place)),
            None => coverage.source.to_string(),
        }
    }

    /// Places that were not looked at. Where they kept the run from passing they are said at every level of detail.
    fn not_looked(&mut self) -> io::Result<()> {
        let matters = self.report.findings.iter().any(|f| f.code == Code::NotCovered && f.severity == Severity::Error);
        if self.style.detail <= Detail::Brief && !matters {
            return Ok(());
        }
        let mut values = Vec::new();
        for coverage in &self.report.coverage {
            let why = match &coverage.outcome {
                CoverageOutcome::NotLooked(why) => why,
                // A file that lies there and is not read is worth a line; a kind of place in general only when all is asked for.
                CoverageOutcome::Unsupported(why) if coverage.place.is_some() || self.style.detail == Detail::Verbose => why,
                CoverageOutcome::Looked | CoverageOutcome::Absent | CoverageOutcome::Unsupported(_) => continue,
            };
            values.push(Value::path(self.coverage_place(coverage), Some(shown(why).into_owned())));
        }
        if values.is_empty() {
            return Ok(());
        }
        self.head(if matters { RED } else { YELLOW }, "not looked at", "nothing is known of what lies there", None)?;
        self.page.row("where", &values)?;
        self.page.gap()
    }

    /// Where to read on.
    fn more(&mut self) -> io::Result<()> {
        let worst = self.report.findings.iter().filter(|f| f.severity == Severity::Error).min_by_key(|f| f.code);
        let Some(finding) = worst else { return Ok(()) };
        let topic = finding.reference.as_deref().map_or_else(|| finding.code.name().into(), shown);
        let (lead, command) = ("why and more:", format!("vetted explain {topic}"));
        if lead.len() + 1 + command.width() <= self.page.width() {
            return self.page.line(0, &[(DIM, lead), (PLAIN, " "), (PLAIN, &command)]);
        }
        self.page.line(0, &[(DIM, lead)])?;
        self.page.line(2, &[(PLAIN, &command)])
    }

    fn colour_of_outcome(&self) -> anstyle::Style {
        match self.report.outcome {
            Outcome::Approved => GREEN,
            Outcome::Blocked => RED,
            Outcome::Undecided => YELLOW,
        }
    }

    /// The last line: outcome, counts, policy, time.
    fn answer(&mut self) -> io::Result<()> {
        let segments = answer(self.report, self.style);
        let colour = self.colour_of_outcome();
        self.page.segments(colour, &segments)
    }
}

/// A finding in a line.
struct Listed {
    subject: String,
    channel: &'static str,
    place: String,
    remark: Option<String>,
    more: String,
}

/// Whether a finding is about a tool that no approval names and that passes.
fn passes_unvetted(finding: &Finding) -> bool {
    finding.code == Code::UnvettedTool && finding.severity < Severity::Error
}

/// Whether a finding says that the policy may not be used any more.
fn is_about_age(code: Code) -> bool {
    matches!(code, Code::ExpiredPolicy | Code::ClockBehind)
}

/// Whether a finding says a verdict, so that its tools are counted among the verdicts.
fn is_verdict(code: Code) -> bool {
    matches!(
        code,
        Code::RevokedTool
            | Code::RevokedModel
            | Code::RevokedVendor
            | Code::UnapprovedWeights
            | Code::MismatchedDigest
            | Code::UnverifiableTool
            | Code::UnattestedTool
            | Code::EvidenceRefused
            | Code::Cooling
            | Code::ExpiredApproval
            | Code::UnvettedTool
            | Code::WaivedTool
    )
}

/// Whether a place is one of the places of a judgement.
fn speaks_of(place: &Place, judgement: &Judgement) -> bool {
    match (place, &judgement.item) {
        (Place::Installed { path, .. }, Item::Sighting(sighting)) => is_place_of(sighting, path),
        (Place::Repository { location, .. }, Item::Mention(mention)) => *location == mention.location,
        _ => false,
    }
}

fn is_place_of(sighting: &Sighting, path: &Path) -> bool {
    sighting.root == path || sighting.executables.iter().any(|e| e.path == path) || sighting.reached_by.iter().any(|p| p == path)
}

/// Why, with the name of the revocation or waiver where the sentence does not carry it.
pub(super) fn why(finding: &Finding) -> String {
    let message = shown(&finding.message);
    match &finding.reference {
        Some(reference)
            if matches!(finding.code, Code::RevokedTool | Code::RevokedModel | Code::RevokedVendor | Code::WaivedTool)
                && !finding.message.contains(reference.as_str()) =>
        {
            format!("{}: {message}", shown(reference))
        }
        _ => message.into_owned(),
    }
}

/// The tool; of a model its own name, because the tool is only the store it lies in.
fn subject(judgement: &Judgement) -> &str {
    match &judgement.item {
        Item::Sighting(s) => match (&s.package, s.channel) {
            (Some(package), Channel::Ollama | Channel::HuggingFace | Channel::LmStudio) => &package.name,
            _ => s.tool.as_str(),
        },
        Item::Mention(m) => m.tool.as_str(),
    }
}

/// Whether a finding says of this place that it was not looked at.
fn is_coverage_of(finding: &Finding, coverage: &Coverage) -> bool {
    let place = finding.places.first().and_then(|place| match place {
        Place::Installed { path, .. } => Some(path),
        Place::Repository { .. } | Place::Commit { .. } => None,
    });
    finding.subject == coverage.source
        && place == coverage.place.as_ref()
        && matches!(&coverage.outcome, CoverageOutcome::NotLooked(why) if *why == finding.message)
}

/// Whether a tool passes and no finding speaks of it.
pub(super) fn passes_silently(report: &Report, judgement: &Judgement) -> bool {
    judgement.effect == Effect::Pass && !report.findings.iter().any(|f| f.places.iter().any(|place| speaks_of(place, judgement)))
}

/// The tool and its version.
pub(super) fn item_name(judgement: &Judgement) -> String {
    let version = match &judgement.item {
        Item::Sighting(s) => s.version.as_ref().map(ToString::to_string),
        Item::Mention(m) => Some(request(m)),
    };
    format!("{} {}", shown(subject(judgement)), shown(version.as_deref().unwrap_or("of unknown version")))
}

/// What a mention asks for, as written.
fn request(mention: &crate::evidence::Mention) -> String {
    match &mention.request {
        crate::evidence::Request::Exact(version) => version.as_str().to_owned(),
        crate::evidence::Request::Floating { text, .. } => text.clone(),
    }
}
