//! Dates, ages, counts and names in the words of the reader.

use crate::policy::{Code, Document as PolicyDocument, Freshness, Outcome, PolicySummary};
use crate::text::{printable, printable_path};
use crate::trust::Proof;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

/// The most characters of one text from outside that are shown. No honest path, command or sentence is longer; a hostile one
/// must not push the answer off the screen.
pub const MAX_SHOWN: usize = 4096;

/// A text from outside, fit to be shown: [`printable`] and at most [`MAX_SHOWN`] characters.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    capped(printable(text))
}

/// A line from outside, fit to be shown: [`printable`], and a tab stays a tab.
#[must_use]
pub fn printable_line(text: &str) -> Cow<'_, str> {
    if text.contains('\t') { Cow::Owned(text.split('\t').map(printable).collect::<Vec<_>>().join("\t")) } else { printable(text) }
}

/// A path, fit to be shown, with the home folder as `~`.
#[must_use]
pub fn shown_path(path: &Path, home: Option<&Path>) -> String {
    let below = home.filter(|home| home.parent().is_some()).and_then(|home| path.strip_prefix(home).ok());
    let text = match below {
        None => printable_path(path),
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", printable_path(rest)),
    };
    capped(Cow::Owned(text)).into_owned()
}

fn capped(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_SHOWN) {
        None => text,
        Some((end, _)) => {
            let more = text[end..].chars().count();
            Cow::Owned(format!("{}… ({more} more characters)", &text[..end]))
        }
    }
}

/// A day: `20 Nov` within about a season of `now`, else `1 Jul 2025`. In UTC, like every instant in the documents.
#[must_use]
pub fn day(instant: Timestamp, now: Timestamp) -> String {
    const SEASON: i64 = 90 * 86_400;
    let zoned = instant.to_zoned(TimeZone::UTC);
    let near = (now.as_second() - instant.as_second()).abs() <= SEASON;
    zoned.strftime(if near { "%-d %b" } else { "%-d %b %Y" }).to_string()
}

/// A number of seconds in the largest unit that fits: `40 s`, `3 min`, `3 h`, `4 days`, `2 years`.
#[must_use]
pub fn span(seconds: i64) -> String {
    /// The mean year of the Gregorian calendar.
    const YEAR: u64 = 31_556_952;
    const TWO_YEARS: u64 = 2 * YEAR;
    let seconds = seconds.unsigned_abs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        86_400..TWO_YEARS => count(seconds / 86_400, "day"),
        _ => count(seconds / YEAR, "year"),
    }
}

/// `3 days ago`, or `in 4 h` for what is still to come.
#[must_use]
pub fn ago(instant: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - instant.as_second();
    if seconds >= 0 { format!("{} ago", span(seconds)) } else { format!("in {}", span(seconds)) }
}

/// `1 tool`, `2 tools`.
#[must_use]
pub fn count(number: u64, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// Time spent: `9 ms`, `1.2 s`.
#[must_use]
pub fn elapsed(time: Duration) -> String {
    if time < Duration::from_secs(1) { format!("{} ms", time.as_millis()) } else { format!("{:.1} s", time.as_secs_f64()) }
}

/// The policy by name, serial and age, each document by itself, and what narrows it:
/// `acme.example/ai-tools 47, 3 h old`, `revocations 90210, 12 min old`, `narrowed by overlay eu`.
#[must_use]
pub fn policy(policy: &PolicySummary, now: Timestamp) -> Vec<String> {
    let built_in = if policy.proof == Proof::BuiltIn { " (built in)" } else { "" };
    let age = age(policy.issued, policy.expires, now);
    let mut parts = vec![format!("{} {}{built_in}, {age}", shown(&policy.name), policy.serial)];
    if let Some((header, _)) = &policy.revocations {
        parts.push(format!("revocations {}, {}", header.serial, self::age(header.issued, header.expires, now)));
    }
    match policy.freshness {
        Freshness::Grace { until, .. } => parts.push(format!("counts for {} more", span(until.as_second() - now.as_second()))),
        Freshness::ClockBehind { .. } => parts.push("by a clock that is behind".to_owned()),
        Freshness::Fresh | Freshness::Stale { .. } => {}
    }
    let layers: Vec<String> = policy.layers.iter().map(|(layer, _)| shown(&layer.to_string()).into_owned()).collect();
    if !layers.is_empty() {
        parts.push(format!("narrowed by {}", layers.join(", ")));
    }
    parts
}

/// How old a document is: `3 h old`, `expired 4 days ago`.
#[must_use]
pub fn age(issued: Timestamp, expires: Timestamp, now: Timestamp) -> String {
    let age = now.as_second() - issued.as_second();
    if expires <= now {
        format!("expired {}", ago(expires, now))
    } else if age < 0 {
        format!("dated {} ahead", span(age))
    } else {
        format!("{} old", span(age))
    }
}

/// Why documents may not be used any more: which one expired when, and what grace there was.
#[must_use]
pub fn cause_of_age(policy: &PolicySummary, now: Timestamp) -> String {
    match policy.freshness {
        Freshness::Stale { document, expired } | Freshness::Grace { document, expired, .. } => {
            let end = expired.checked_add(policy.grace).unwrap_or(expired);
            let grace = match (document, policy.freshness) {
                (PolicyDocument::Trust, _) => "it has no grace".to_owned(),
                (_, Freshness::Stale { .. }) if now < end => {
                    "no grace: it was not believed here while it was fresh, or this is a CI runner".to_owned()
                }
                _ => format!("grace {}", span(policy.grace.as_secs())),
            };
            format!("{} expired {} ({grace})", document.file(), ago(expired, now))
        }
        Freshness::ClockBehind { latest } => {
            format!("a document of the policy states {}, and the clock shows a time before it", day(latest, now))
        }
        Freshness::Fresh => "nothing has expired".to_owned(),
    }
}

/// How many signatures there are of those that are needed: `1 of 2 signatures`, `3 signatures, 2 are needed`.
#[must_use]
pub fn signatures(found: usize, needed: usize) -> String {
    match found.cmp(&needed) {
        std::cmp::Ordering::Greater if needed == 1 => format!("{found} signatures, 1 is needed"),
        std::cmp::Ordering::Greater => format!("{found} signatures, {needed} are needed"),
        _ => format!("{found} of {needed} signatures"),
    }
}

/// The word that stands before a finding: the verdict for verdicts, the short name of the oddity for the rest.
#[must_use]
pub fn label(code: Code) -> &'static str {
    match code {
        Code::RevokedTool | Code::RevokedModel | Code::RevokedVendor => "revoked",
        Code::RevokedUse => "revoked use",
        Code::HiddenText => "hidden text",
        Code::McpServerChanged => "changed",
        Code::McpServerUnapproved => "unapproved server",
        Code::McpServerUnpinned => "unpinned server",
        Code::RemoteMcpEndpoint => "remote server",
        Code::BaseUrlRedirected => "redirected",
        Code::AgentCommand => "command",
        Code::AgentPermission => "permission",
        Code::PluginMarketplace => "marketplace",
        Code::UnapprovedWeights => "weights",
        Code::Carrier => "carrier",
        Code::UnusedApproval | Code::UnusedWaiver => "unused",
        Code::MismatchedDigest => "mismatched",
        Code::UnverifiableTool => "unverifiable",
        Code::UnattestedTool => "unattested",
        Code::EvidenceRefused => "evidence refused",
        Code::Cooling => "cooling",
        Code::AlteredRelease => "altered",
        Code::StrangerFile => "stranger",
        Code::LocallyBuilt => "built here",
        Code::ExpiredApproval | Code::ExpiredPolicy => "expired",
        Code::PolicyInGrace => "in grace",
        Code::ClockBehind => "clock behind",
        Code::WaiverEndsSoon => "ends soon",
        Code::UnknownLift => "lifts nothing",
        Code::UnvettedTool => "unvetted",
        Code::WaivedTool => "waived",
        Code::FloatingVersion => "floating",
        Code::RenamedTool => "renamed",
        Code::VersionContradiction => "contradicts",
        Code::StubInstall => "stub",
        Code::DanglingLink => "dangling",
        Code::NotInspectable => "packed",
        Code::UnidentifiedName => "unidentified",
        Code::UnparsableFile => "unparsable",
        Code::LayerWithoutEffect => "no effect",
        Code::NotCovered => "not looked at",
    }
}

/// A commit in words: `commit 4be1c09f27aa, \"Add a file\"`.
#[must_use]
pub fn commit(id: Option<&str>, subject: &str) -> String {
    let name = id.map_or_else(|| "this commit".to_owned(), |id| format!("commit {}", shown(id.get(..12).unwrap_or(id))));
    if subject.is_empty() { name } else { format!("{name}, \"{}\"", shown(subject)) }
}

/// The first line of a run that does not pass; `stops` says what a block stops.
#[must_use]
pub fn headline(outcome: Outcome, stops: Option<&str>) -> Option<String> {
    match (outcome, stops) {
        (Outcome::Approved, _) => None,
        (Outcome::Blocked, Some(what)) => Some(format!("{what} blocked")),
        (Outcome::Blocked, None) => Some("blocked".to_owned()),
        (Outcome::Undecided, Some(what)) => Some(format!("cannot decide, so the {what} is stopped")),
        (Outcome::Undecided, None) => Some("cannot decide".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_signatures_than_are_needed_read_well() {
        assert_eq!(signatures(0, 1), "0 of 1 signatures");
        assert_eq!(signatures(2, 2), "2 of 2 signatures");
        assert_eq!(signatures(2, 1), "2 signatures, 1 is needed");
        assert_eq!(signatures(3, 2), "3 signatures, 2 are needed");
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_carry_a_year_when_far() {
        let now = at("2026-11-21T12:00:00Z");
        assert_eq!(day(at("2026-11-20T10:00:00Z"), now), "20 Nov");
        assert_eq!(day(at("2026-11-27T00:00:00Z"), now), "27 Nov");
        assert_eq!(day(at("2026-07-01T00:00:00Z"), now), "1 Jul 2026");
        assert_eq!(day(Timestamp::MIN, Timestamp::MAX).split(' ').count(), 3);
    }

    #[test]
    fn ages_use_one_unit() {
        let now = at("2026-11-21T12:00:00Z");
        assert_eq!(ago(at("2026-11-17T11:00:00Z"), now), "4 days ago");
        assert_eq!(ago(at("2026-11-20T11:00:00Z"), now), "1 day ago");
        assert_eq!(ago(at("2026-11-21T09:00:00Z"), now), "3 h ago");
        assert_eq!(ago(at("2026-11-21T12:05:00Z"), now), "in 5 min");
        assert_eq!(ago(at("2024-11-21T12:00:00Z"), now), "730 days ago");
        assert_eq!(ago(at("2024-11-19T12:00:00Z"), now), "2 years ago");
        assert_eq!(ago(Timestamp::MIN, now), "12025 years ago");
    }

    #[test]
    fn the_home_folder_is_a_tilde_and_nothing_else_is() {
        let home = Some(Path::new("/home/u"));
        assert_eq!(shown_path(Path::new("/home/u/bin/notes"), home), "~/bin/notes");
        assert_eq!(shown_path(Path::new("/home/u"), home), "~");
        assert_eq!(shown_path(Path::new("/home/ursula/x"), home), "/home/ursula/x");
        assert_eq!(shown_path(Path::new("/opt/x"), Some(Path::new("/"))), "/opt/x");
        assert_eq!(shown_path(Path::new("/opt/x"), Some(Path::new(""))), "/opt/x");
    }

    #[test]
    fn what_is_endless_is_cut() {
        let text = "é".repeat(MAX_SHOWN + 7);
        assert!(shown(&text).ends_with("é… (7 more characters)"));
        assert_eq!(shown(&text[..MAX_SHOWN]), text[..MAX_SHOWN]);
    }
}
