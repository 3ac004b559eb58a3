//! The report for programs: `vetted/report/v1`, as `docs/report-v1.schema.json` says.
//!
//! Every key is always there (null where nothing is known), in the order written here. Instants are RFC 3339 in UTC, digests
//! whole. Texts from outside have what could deceive a terminal written as `\u{hex}`, so that what `jq -r` prints is safe too;
//! paths are written by [`exact_path`] and can be read back byte for byte.

pub(in crate::report) mod attested;
mod evidence;
mod policy;
mod told;

pub(super) use policy::RuleEntry;

use super::words::shown;
use crate::digest::{Digest, DigestSet};
use crate::evidence::{Coverage, CoverageOutcome, Identification, Mention, Request, Role, Sighting, State};
use crate::manifest::Level;
use crate::policy::{
    Effect, Finding, Fingerprints, Freshness, Grounds, Help, Item, Judgement, Place, Report, RevokedBy, Verdict, Why,
    fingerprints,
};
use crate::tool::Kind;
use evidence::{AttestationEntry, CoolingEntry, MismatchEntry, PublishedEntry, UnattestedEntry};
use jiff::Timestamp;
use policy::Policy;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use told::{DirectiveEntry, QuoteEntry, TraceEntry};

/// The name of the format. A change that could break a reader makes a new one.
pub const SCHEMA: &str = "vetted/report/v1";

/// Write the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_document(
        &Document {
            schema: SCHEMA,
            outcome: report.outcome.name(),
            policy: Policy::of(&report.policy),
            now: report.now,
            coverage: report.coverage.iter().map(CoverageEntry::of).collect(),
            verdicts: report.verdicts.iter().map(VerdictEntry::of).collect(),
            findings: report
                .findings
                .iter()
                .zip(fingerprints(&report.findings))
                .map(|(finding, fingerprints)| FindingEntry::of(finding, &fingerprints))
                .collect(),
            directives: report.directives.iter().map(DirectiveEntry::of).collect(),
            traces: report.traces.iter().map(TraceEntry::of).collect(),
        },
        out,
    )
}

/// Write any document of this family: indented, one line feed at the end.
pub(super) fn write_document(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(document).map_err(io::Error::other)?;
    // A CI log would take `##[` inside a line for a command; JSON has another way to write the bracket.
    writeln!(out, "{}", text.replace("##[", "##\\u005b"))
}

/// A path as text that can be read back: a backslash always begins an escape, `\xNN` for a byte that is not UTF-8,
/// `\u{HEX}` for a character that deceives, `\x5c` for a backslash in a name. On Windows the separator is written `/`.
#[must_use]
pub fn exact_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' if cfg!(windows) => text.push('/'),
                '\\' => text.push_str("\\x5c"),
                c if crate::text::is_deceptive(c) => {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    outcome: &'static str,
    policy: Policy,
    now: Timestamp,
    coverage: Vec<CoverageEntry>,
    verdicts: Vec<VerdictEntry>,
    findings: Vec<FindingEntry>,
    directives: Vec<DirectiveEntry>,
    traces: Vec<TraceEntry>,
}

/// One place that was to be looked at.
#[derive(Serialize)]
pub(super) struct CoverageEntry {
    source: String,
    place: Option<String>,
    outcome: &'static str,
    reason: Option<String>,
}

impl CoverageEntry {
    pub(super) fn of(coverage: &Coverage) -> Self {
        let (outcome, reason) = match &coverage.outcome {
            CoverageOutcome::Looked => ("looked", None),
            CoverageOutcome::Absent => ("absent", None),
            CoverageOutcome::NotLooked(why) => ("not-looked", Some(safe(why))),
            CoverageOutcome::Unsupported(why) => ("unsupported", Some(safe(why))),
        };
        Self { source: coverage.source.to_string(), place: coverage.place.as_deref().map(exact_path), outcome, reason }
    }
}

#[derive(Serialize)]
struct VerdictEntry {
    #[serde(flatten)]
    identity: Identity,
    verdict: &'static str,
    effect: &'static str,
    grounds: GroundsEntry,
    why: String,
    decided_by: String,
    rule: RuleEntry,
    attestation: Option<AttestationEntry>,
    published: Option<PublishedEntry>,
    since: Option<Timestamp>,
    #[serde(flatten)]
    details: Details,
    help: Vec<HelpEntry>,
}

impl VerdictEntry {
    fn of(judgement: &Judgement) -> Self {
        let (identity, details) = match &judgement.item {
            Item::Sighting(sighting) => of_sighting(sighting, &judgement.vendor, judgement.kind),
            Item::Mention(mention) => of_mention(mention, &judgement.vendor, judgement.kind),
        };
        Self {
            identity,
            verdict: judgement.verdict.name(),
            effect: effect(judgement.effect),
            grounds: GroundsEntry::of(&judgement.verdict),
            why: safe(&judgement.why),
            decided_by: safe(&judgement.decided_by),
            rule: RuleEntry::of(&judgement.rule),
            attestation: judgement.attestation.as_ref().map(AttestationEntry::of),
            published: judgement.published.as_ref().map(PublishedEntry::of),
            since: judgement.since,
            details,
            help: judgement.help.iter().map(HelpEntry::of).collect(),
        }
    }
}

/// The word for an effect.
pub(super) fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Pass => "pass",
        Effect::Warn => "warn",
        Effect::Undecided => "undecided",
        Effect::Block => "block",
    }
}

/// Which tool, in which version, where.
#[derive(Serialize)]
pub(super) struct Identity {
    item: &'static str,
    tool: String,
    vendor: String,
    kind: Kind,
    version: Option<String>,
    requested: Option<String>,
    path: Option<String>,
    location: Option<LocationEntry>,
    channel: Option<&'static str>,
    package: Option<String>,
    digests: DigestSet,
    role: Option<&'static str>,
    server: Option<String>,
    quote: Option<QuoteEntry>,
}

/// What else is known of it.
#[derive(Serialize)]
pub(super) struct Details {
    identified_by: Option<&'static str>,
    state: Option<&'static str>,
    state_reason: Option<String>,
    renamed: Option<String>,
    brought_by: Vec<String>,
    reached_by: Vec<String>,
    claimed_version: Option<String>,
    embedded_version: Option<String>,
    executables: Vec<ExecutableEntry>,
}

#[derive(Serialize)]
struct ExecutableEntry {
    path: String,
    size: u64,
    digests: DigestSet,
    undigested: Option<String>,
}

#[derive(Serialize)]
struct LocationEntry {
    path: String,
    line: Option<u32>,
}

/// A sighting: what it is, and what is known of it.
pub(super) fn of_sighting(sighting: &Sighting, vendor: &str, kind: Kind) -> (Identity, Details) {
    let version = sighting.version.as_ref().map(crate::version::Version::as_str);
    let (state, state_reason) = match &sighting.state {
        State::Present => ("present", None),
        State::Stub => ("stub", None),
        State::NotInspectable => ("not-inspectable", None),
        State::Unreadable(why) => ("unreadable", Some(safe(&why.to_string()))),
    };
    let identity = Identity {
        item: "sighting",
        tool: sighting.tool.to_string(),
        vendor: safe(vendor),
        kind,
        version: version.map(safe),
        requested: None,
        path: Some(exact_path(&sighting.root)),
        location: None,
        channel: Some(sighting.channel.name()),
        package: sighting.package.as_ref().map(|p| p.purl(version)),
        // The largest executable is the program itself; the rest stands under `executables`.
        digests: sighting.executables.first().and_then(|e| e.digests.as_ref().ok()).cloned().unwrap_or_default(),
        role: None,
        server: None,
        quote: None,
    };
    let details = Details {
        identified_by: Some(match sighting.identified_by {
            Identification::Digest => "digest",
            Identification::Metadata => "metadata",
            Identification::Layout => "layout",
            Identification::Name => "name",
        }),
        state: Some(state),
        state_reason,
        renamed: sighting.renamed.as_deref().map(safe),
        brought_by: sighting.brought_by.iter().map(|c| c.package.purl(c.version.as_deref())).collect(),
        reached_by: sighting.reached_by.iter().map(|p| exact_path(p)).collect(),
        claimed_version: sighting.claimed_version.as_deref().map(safe),
        embedded_version: sighting.embedded_version.as_deref().map(safe),
        executables: sighting
            .executables
            .iter()
            .map(|executable| ExecutableEntry {
                path: exact_path(&executable.path),
                size: executable.size,
                digests: executable.digests.as_ref().ok().cloned().unwrap_or_default(),
                undigested: executable.digests.as_ref().err().map(|why| safe(&why.to_string())),
            })
            .collect(),
    };
    (identity, details)
}

fn of_mention(mention: &Mention, vendor: &str, kind: Kind) -> (Identity, Details) {
    let (version, requested) = match &mention.request {
        Request::Exact(version) => (Some(version.as_str()), None),
        Request::Floating { text, .. } => (None, Some(safe(text))),
    };
    let identity = Identity {
        item: "mention",
        tool: mention.tool.to_string(),
        vendor: safe(vendor),
        kind,
        version: version.map(safe),
        requested,
        path: None,
        location: Some(LocationEntry { path: exact_path(&mention.location.path), line: mention.location.line }),
        channel: None,
        package: Some(mention.package.purl(version)),
        // A key for each algorithm has room for one file.
        digests: match mention.integrity.files() {
            [only] => only.clone(),
            _ => DigestSet::new(),
        },
        role: Some(mention.role.name()),
        server: match &mention.role {
            Role::Server(name) => Some(safe(name)),
            _ => None,
        },
        quote: mention.quote.as_ref().map(QuoteEntry::of),
    };
    let details = Details {
        identified_by: None,
        state: None,
        state_reason: None,
        renamed: None,
        brought_by: mention.brought_by.iter().map(|name| safe(name)).collect(),
        reached_by: Vec::new(),
        claimed_version: None,
        embedded_version: None,
        executables: Vec::new(),
    };
    (identity, details)
}

/// What decided, as values.
#[derive(Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
enum GroundsEntry {
    Revocation { id: String, matched: &'static str },
    Mismatch(MismatchEntry),
    Unknown { what: &'static str, reason: Option<String> },
    Attestation(UnattestedEntry),
    Expiry { at: Option<Timestamp>, state: &'static str },
    NoApproval { approved_versions: Vec<String>, cooling: Option<CoolingEntry> },
    Waiver { id: String, lifts: String, until: Timestamp },
    Approval { matched: &'static str },
}

impl GroundsEntry {
    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Revoked { id, by } => Self::Revocation {
                id: safe(id),
                matched: match by {
                    RevokedBy::Range => "range",
                    RevokedBy::Incomparable => "incomparable",
                    RevokedBy::Digest => "digest",
                    RevokedBy::Vendor => "vendor",
                    RevokedBy::Model => "model",
                    RevokedBy::Package => "package",
                    RevokedBy::Tool => "tool",
                },
            },
            Verdict::Mismatched(mismatch) => Self::Mismatch(MismatchEntry::of(mismatch)),
            Verdict::Unverifiable(why) => match why {
                Why::UnknownVersion => Self::Unknown { what: "version", reason: None },
                Why::Unmeasured { what, why } => {
                    Self::Unknown { what: "measurement", reason: Some(safe(&format!("{what}: {why}"))) }
                }
                Why::Undigested(why) => Self::Unknown { what: "digest", reason: Some(safe(&why.to_string())) },
            },
            Verdict::Unattested(why) => Self::Attestation(UnattestedEntry::of(why)),
            Verdict::Expired(freshness) => Self::Expiry {
                at: match freshness {
                    Freshness::Grace { expired, .. } | Freshness::Stale { expired, .. } => Some(*expired),
                    Freshness::Fresh | Freshness::ClockBehind { .. } => None,
                },
                state: freshness.name(),
            },
            Verdict::Unvetted { approved_versions, cooling } => Self::NoApproval {
                approved_versions: approved_versions.iter().map(|v| safe(v)).collect(),
                cooling: cooling.map(CoolingEntry::of),
            },
            Verdict::Waived { id, lifted, until } => Self::Waiver { id: safe(id), lifts: safe(lifted), until: *until },
            Verdict::Approved(grounds) => Self::Approval {
                matched: match grounds {
                    Grounds::Installed => "installed",
                    Grounds::Within { .. } => "within",
                    Grounds::Release => "release",
                    Grounds::VersionListed => "version-listed",
                },
            },
        }
    }
}

#[derive(Serialize)]
struct HelpEntry {
    command: Option<String>,
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

impl HelpEntry {
    fn of(help: &Help) -> Self {
        // Its lines are its own; what stands in them is a stranger's.
        let entry = help.entry.as_deref().map(|entry| entry.lines().map(safe).collect::<Vec<_>>().join("\n"));
        Self { command: help.command.as_deref().map(safe), note: help.note.as_deref().map(safe), entry }
    }
}

#[derive(Serialize)]
struct FindingEntry {
    code: &'static str,
    severity: &'static str,
    subject: String,
    channel: Option<&'static str>,
    message: String,
    /// The first of `locations`, for a reader that shows one.
    location: Option<PlaceEntry>,
    locations: Vec<PlaceEntry>,
    decided_by: Option<String>,
    rule: Option<RuleEntry>,
    since: Option<Timestamp>,
    reference: Option<String>,
    help: Vec<HelpEntry>,
    level: Option<&'static str>,
    tool: Option<String>,
    fingerprint: String,
}

impl FindingEntry {
    fn of(finding: &Finding, fingerprints: &Fingerprints) -> Self {
        let entries: Vec<PlaceEntry> = finding
            .places
            .iter()
            .zip(&fingerprints.places)
            .map(|(place, fingerprint)| PlaceEntry::of(place, fingerprint))
            .collect();
        Self {
            code: finding.code.name(),
            severity: finding.severity.name(),
            subject: safe(&finding.subject),
            channel: finding.channel.map(crate::tool::Channel::name),
            message: safe(&finding.message),
            location: entries.first().cloned(),
            locations: entries,
            decided_by: finding.decided_by.as_deref().map(safe),
            rule: finding.rule.as_ref().map(RuleEntry::of),
            since: finding.since,
            reference: finding.reference.as_deref().map(safe),
            help: finding.help.iter().map(HelpEntry::of).collect(),
            level: finding.level.map(Level::name),
            tool: finding.tool.as_ref().map(ToString::to_string),
            fingerprint: fingerprints.finding.hex(),
        }
    }
}

#[derive(Serialize, Clone)]
struct PlaceEntry {
    on: &'static str,
    path: String,
    line: Option<u32>,
    brought_by: Option<String>,
    remark: Option<String>,
    quote: Option<QuoteEntry>,
    fingerprint: String,
}

impl PlaceEntry {
    fn of(place: &Place, fingerprint: &Digest) -> Self {
        let fingerprint = fingerprint.hex();
        match place {
            Place::Installed { path, brought_by, remark } => Self {
                on: "machine",
                path: exact_path(path),
                line: None,
                brought_by: brought_by.as_ref().map(|c| c.package.purl(c.version.as_deref())),
                remark: remark.as_deref().map(safe),
                quote: None,
                fingerprint,
            },
            Place::Repository { location, remark, quote } => Self {
                on: "repository",
                path: exact_path(&location.path),
                line: location.line,
                brought_by: None,
                remark: remark.as_deref().map(safe),
                quote: quote.as_ref().map(QuoteEntry::of),
                fingerprint,
            },
            Place::Commit { id, subject, quote } => Self {
                on: "commit",
                path: id.as_deref().map(safe).unwrap_or_default(),
                line: None,
                brought_by: None,
                remark: Some(safe(subject)).filter(|subject| !subject.is_empty()),
                quote: quote.as_ref().map(QuoteEntry::of),
                fingerprint,
            },
        }
    }
}

fn safe(text: &str) -> String {
    shown(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader of the format does.
    fn read_back(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(hex) = rest.strip_prefix("\\x") {
                bytes.push(u8::from_str_radix(&hex[..2], 16).unwrap());
                rest = &hex[2..];
            } else if let Some(code) = rest.strip_prefix("\\u{") {
                let (code, tail) = code.split_once('}').unwrap();
                let c = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
                bytes.extend(c.to_string().bytes());
                rest = tail;
            } else {
                bytes.extend(c.to_string().bytes());
                rest = &rest[c.len_utf8()..];
            }
        }
        bytes
    }

    #[cfg(unix)]
    proptest! {
        #[test]
        fn paths_can_be_read_back(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'x'), Just(b'u')], 0..40)) {
            use std::os::unix::ffi::OsStrExt as _;
            let text = exact_path(Path::new(std::ffi::OsStr::from_bytes(&bytes)));
            prop_assert!(!text.chars().any(crate::text::is_deceptive), "{text:?}");
            prop_assert_eq!(read_back(&text), bytes);
        }
    }
}
