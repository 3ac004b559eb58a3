//! The last line of the report for people: outcome, counts, policy, time.

use super::super::Style;
use super::super::words::{self, count};
use super::{is_verdict, request, subject};
use crate::evidence::CoverageOutcome;
use crate::manifest::Mode;
use crate::policy::{Attestation, Code, Finding, Item, Judgement, Outcome, Report, Severity, Verdict};
use std::collections::BTreeMap;

/// The parts of the last line: outcome and counts; what is to be looked at; places; policy; time.
pub(in crate::report) fn answer(report: &Report, style: &Style) -> Vec<String> {
    let tally = Tally::of(report);
    let word = match report.outcome {
        Outcome::Approved => "vetted",
        Outcome::Blocked => "blocked",
        Outcome::Undecided => "cannot decide",
    };
    let mut segments = vec![format!("{word}: {}", tally.tools(report))];
    // Verdicts are counted as such, places by themselves.
    let counted = |f: &Finding| is_verdict(f.code) || f.code == Code::NotCovered;
    let warnings = report.findings.iter().filter(|f| f.severity == Severity::Warning && !counted(f)).count();
    if warnings > 0 {
        segments.push(format!("{warnings} to look at"));
    }
    segments.extend(places(report));
    // Policy and time stay together: a line with nothing but `9 ms` says nothing.
    let time = style.elapsed.map(|time| format!(" · {}", words::elapsed(time))).unwrap_or_default();
    segments.extend(words::policy(&report.policy, report.now));
    if let Some(last) = segments.last_mut() {
        last.push_str(&time);
    }
    segments
}

/// How much of a tool was shown by evidence, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    Nothing,
    Part,
    Whole,
}

fn proof(judgement: &Judgement) -> Proof {
    match &judgement.attestation {
        Some(Attestation::Verified { bare, .. }) if bare.is_empty() => Proof::Whole,
        Some(Attestation::Verified { .. }) => Proof::Part,
        Some(Attestation::None | Attestation::Refused(_)) => Proof::Nothing,
        // Every verdict that approves says what is known; the others are not counted by it.
        None => Proof::Whole,
    }
}

/// Tools by verdict. A tool counts once for each of its versions, at its worst verdict and its least proof.
struct Tally {
    by_verdict: BTreeMap<u8, (&'static str, u64)>,
    /// Of the approved ones those that have no attestation, and those of which not every release file has one.
    bare: (u64, u64),
    other_errors: u64,
}

impl Tally {
    fn of(report: &Report) -> Self {
        let mut worst: BTreeMap<(String, String), &Judgement> = BTreeMap::new();
        for judgement in &report.verdicts {
            let version = match &judgement.item {
                Item::Sighting(s) => s.version.as_ref().map(|v| v.as_str().to_owned()).unwrap_or_default(),
                Item::Mention(m) => request(m),
            };
            let entry = worst.entry((subject(judgement).to_owned(), version)).or_insert(judgement);
            let standing = |one: &Judgement| (one.verdict.rank(), proof(one));
            if standing(judgement) < standing(entry) {
                *entry = judgement;
            }
        }
        let mut by_verdict: BTreeMap<u8, (&'static str, u64)> = BTreeMap::new();
        let mut bare = (0, 0);
        for judgement in worst.values() {
            match (&judgement.verdict, proof(judgement)) {
                (Verdict::Approved(_), Proof::Nothing) => bare.0 += 1,
                (Verdict::Approved(_), Proof::Part) => bare.1 += 1,
                _ => {}
            }
            by_verdict.entry(judgement.verdict.rank()).or_insert((judgement.verdict.name(), 0)).1 += 1;
        }
        let errors = report.findings.iter().filter(|f| f.severity == Severity::Error);
        let other_errors = errors.filter(|f| !is_verdict(f.code) && f.code != Code::NotCovered).count() as u64;
        Self { by_verdict, bare, other_errors }
    }

    /// `1 of them without attestation`: what has none is never silently equal to what has one.
    fn attested(&self, approved: u64) -> Vec<String> {
        let of_them = |number: u64| match (number, approved) {
            (1, 1) => String::new(),
            (all, of) if all == of => "all of them ".to_owned(),
            (some, _) => format!("{some} of them "),
        };
        let kinds = [(self.bare.0, "without attestation"), (self.bare.1, "attested in part")];
        kinds.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{}{what}", of_them(number))).collect()
    }

    /// `1 tool revoked, 11 approved, 2 unvetted (monitor)`.
    fn tools(&self, report: &Report) -> String {
        let mut parts: Vec<String> = Vec::new();
        let clean = report.outcome == Outcome::Approved;
        // A clean run says first what is good; any other says first what is bad.
        let order: Vec<&(&'static str, u64)> =
            if clean { self.by_verdict.values().rev().collect() } else { self.by_verdict.values().collect() };
        for (verdict, number) in order {
            let what = if parts.is_empty() { count(*number, "tool") } else { number.to_string() };
            let monitor = if *verdict == "unvetted" && report.policy.mode == Mode::Monitor { " (monitor)" } else { "" };
            parts.push(format!("{what} {verdict}{monitor}"));
            if *verdict == "approved" {
                parts.extend(self.attested(*number));
            }
        }
        if self.other_errors > 0 {
            parts.push(count(self.other_errors, if parts.is_empty() { "problem" } else { "other problem" }));
        }
        if self.by_verdict.is_empty() {
            parts.push(nothing_found(report).to_owned());
        }
        parts.join(", ")
    }
}

/// What may be said when no tool was found: that depends on whether anybody looked.
fn nothing_found(report: &Report) -> &'static str {
    let any = |wanted: fn(&CoverageOutcome) -> bool| report.coverage.iter().any(|c| wanted(&c.outcome));
    let looked = any(|o| matches!(o, CoverageOutcome::Looked | CoverageOutcome::Absent));
    let not_looked = any(|o| matches!(o, CoverageOutcome::NotLooked(_)));
    match (looked, not_looked) {
        (true, false) => "no tool found",
        (true, true) => "no tool found where was looked",
        (false, _) => "nothing was looked at",
    }
}

/// `14 places looked at`, `2 not`.
fn places(report: &Report) -> Option<String> {
    let number = |wanted: fn(&CoverageOutcome) -> bool| report.coverage.iter().filter(|c| wanted(&c.outcome)).count() as u64;
    let looked = number(|o| matches!(o, CoverageOutcome::Looked));
    let not_looked = number(|o| matches!(o, CoverageOutcome::NotLooked(_)));
    match (looked, not_looked) {
        (_, 1..) => Some(format!("{} looked at, {not_looked} not", count(looked, "place"))),
        // Beside a tool that must go, the number of places is noise; on a clean run it is what the answer rests on.
        (1.., 0) if report.outcome == Outcome::Approved => Some(format!("{} looked at", count(looked, "place"))),
        _ => None,
    }
}
