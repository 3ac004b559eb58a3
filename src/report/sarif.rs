//! SARIF 2.1.0, as code scanning reads it.
//!
//! One run; every code of this program is a rule with the text of `docs/findings.md`, so that the index of a rule never changes
//! within a version. GitHub refuses a whole file in which one result has no file to point to, shows the first location of a result
//! alone, and knows no `originalUriBaseIds`: each result has exactly one location with a relative address. The places of what is
//! installed are below the home or the root of the machine, where GitHub shows the path and no preview.

mod model;

use super::entries::{Address, Base, Entry, entries};
use super::words::{self, printable_line, shown, shown_path};
use super::{Style, github, human, rule_texts};
use crate::evidence::Quote;
use crate::manifest::{Level, Levelled};
use crate::policy::{Code, FINGERPRINT, Outcome, Place, Report, Rule};
use model::{
    Artifact, ArtifactLocation, Automation, BaseId, Configuration, Descriptor, DescriptorProperties, Driver, Invocation,
    Location, Log, LogicalLocation, Message, Notification, PhysicalLocation, Region, Reported, Run, RunProperties, Tool,
};
use std::io::{self, Write};

/// The most results that GitHub takes of one run; what is more is counted.
const MAX_RESULTS: usize = 25_000;
/// The most locations that GitHub takes of one result.
const MAX_LOCATIONS: usize = 1_000;
/// The most characters of one message.
const MAX_MESSAGE: usize = 16_000;

/// Write the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let entries = entries(report, style);
    let (kept, left_out) = entries.split_at(entries.len().min(MAX_RESULTS));
    let notifications = (!left_out.is_empty()).then(|| Notification {
        level: "warning",
        message: Message::new(format!("{} more results are left out: no more than {MAX_RESULTS} are read", left_out.len())),
    });
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver: driver() },
            automation_details: Automation { id: "vetted/" },
            original_uri_base_ids: Base::ALL
                .into_iter()
                .map(|base| (base_id(base), BaseId { description: described(base) }))
                .collect(),
            invocations: [Invocation {
                // A run that could not decide has said nothing of what it did not see.
                execution_successful: report.outcome != Outcome::Undecided,
                end_time_utc: report.now,
                tool_execution_notifications: notifications.into_iter().collect(),
            }],
            column_kind: "unicodeCodePoints",
            results: kept.iter().map(|entry| result(entry, style)).collect(),
            properties: RunProperties {
                outcome: report.outcome.name(),
                policy: shown(&report.policy.name).into_owned(),
                serial: report.policy.serial,
            },
        }],
    };
    super::json::write_document(&log, out)
}

fn driver() -> Driver {
    Driver {
        name: "vetted",
        semantic_version: env!("CARGO_PKG_VERSION"),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules: Code::ALL.iter().map(|code| descriptor(*code)).collect(),
    }
}

fn descriptor(code: Code) -> Descriptor {
    Descriptor {
        id: code.name(),
        name: pascal_case(code.name()),
        short_description: Message::new(code.summary().to_owned()),
        full_description: Message::new(rule_texts::meaning(code)),
        help_uri: rule_texts::page(code),
        help: Message { text: rule_texts::plain(code), markdown: Some(rule_texts::markdown(code)) },
        default_configuration: Configuration { level: usual_level(code) },
        properties: DescriptorProperties { tags: ["security", "supply-chain", "ai-tools"], precision: "very-high" },
    }
}

/// The level that a finding of this code has under a policy that enforces and says nothing else of it.
fn usual_level(code: Code) -> &'static str {
    if let Some(levelled) = Levelled::ALL.iter().find(|levelled| Code::from(**levelled) == code) {
        return match levelled.default_level() {
            Level::Monitor => "note",
            Level::Warn => "warning",
            Level::Enforce => "error",
        };
    }
    match code {
        Code::RevokedTool
        | Code::RevokedModel
        | Code::RevokedVendor
        | Code::MismatchedDigest
        | Code::UnverifiableTool
        | Code::UnattestedTool
        | Code::EvidenceRefused
        | Code::ExpiredApproval
        | Code::Cooling
        | Code::UnparsableFile
        | Code::ExpiredPolicy
        | Code::ClockBehind
        | Code::NotCovered => "error",
        Code::LocallyBuilt | Code::StubInstall | Code::DanglingLink | Code::NotInspectable | Code::UnidentifiedName => "note",
        _ => "warning",
    }
}

fn result(entry: &Entry<'_>, style: &Style) -> Reported {
    let finding = entry.finding;
    let mut related: Vec<Location> = entry.others.iter().map(|place| other(place, style)).collect();
    related.extend(finding.rule.as_ref().and_then(|rule| judged_by(rule, finding.decided_by.as_deref(), style)));
    related.truncate(MAX_LOCATIONS - 1);
    Reported {
        rule_id: finding.code.name(),
        rule_index: Code::ALL.iter().position(|code| *code == finding.code).unwrap_or_default(),
        level: finding.severity.name(),
        message: Message::new(message(entry, style)),
        locations: [Location {
            physical: Some(physical(&entry.address, entry.line, entry.quote)),
            logical: logical(entry.place, style),
            message: None,
        }],
        related_locations: related,
        partial_fingerprints: [(FINGERPRINT, entry.fingerprint.clone()), ("primaryLocationLineHash", entry.fingerprint.clone())]
            .into_iter()
            .collect(),
    }
}

/// What, why, who decided, what to do: plain text in which nothing from outside becomes a link (SARIF 2.1.0, 3.11.6).
fn message(entry: &Entry<'_>, style: &Style) -> String {
    let finding = entry.finding;
    let mut lines = vec![format!("{}: {}", shown(&finding.subject), human::why(finding))];
    if let Some(place) = entry.place {
        lines.push(format!("Where: {}", github::place_text(place, style)));
    }
    if let Some(by) = &finding.decided_by {
        lines.push(format!("Decided by: {}", shown(by)));
    }
    lines.extend(finding.help.iter().filter_map(github::help_text).map(|help| format!("Do: {help}")));
    let text = lines.join("\n");
    let end = text.char_indices().nth(MAX_MESSAGE).map_or(text.len(), |(at, _)| at);
    escaped(&text[..end])
}

fn physical(address: &Address, line: Option<u32>, quote: Option<&Quote>) -> PhysicalLocation {
    let snippet = quote.filter(|_| line.is_some()).map(|quote| Artifact { text: printable_line(&quote.text).into_owned() });
    PhysicalLocation {
        artifact_location: ArtifactLocation { uri: address.uri.clone(), uri_base_id: base_id(address.base) },
        // What has no line is shown at the top of its file.
        region: Region { start_line: line.unwrap_or(1).max(1), snippet },
    }
}

/// What is installed, by its path as people read it.
fn logical(place: Option<&Place>, style: &Style) -> Vec<LogicalLocation> {
    match place {
        Some(Place::Installed { path, .. }) => {
            vec![LogicalLocation { fully_qualified_name: shown_path(path, style.home.as_deref()), kind: "resource" }]
        }
        Some(Place::Commit { id, subject, .. }) => {
            vec![LogicalLocation { fully_qualified_name: words::commit(id.as_deref(), subject), kind: "resource" }]
        }
        Some(Place::Repository { .. }) | None => Vec::new(),
    }
}

fn other(place: &Place, style: &Style) -> Location {
    let address = match place {
        Place::Installed { path, .. } => Address::of(path, style),
        Place::Repository { location, .. } => Address::of(&location.path, style),
        Place::Commit { .. } => Address::of_policy(),
    };
    Location {
        physical: Some(physical(&address, None, None)),
        logical: logical(Some(place), style),
        message: Some(Message::new(escaped(&github::place_text(place, style)))),
    }
}

/// The line of the policy that judged.
fn judged_by(rule: &Rule, decided_by: Option<&str>, style: &Style) -> Option<Location> {
    let line = rule.line?;
    let address = rule.path.as_deref().map_or_else(Address::of_policy, |path| Address::of_rule(path, style));
    let who = decided_by.map(shown).unwrap_or_default();
    Some(Location {
        physical: Some(physical(&address, Some(line), rule.quote.as_ref())),
        logical: Vec::new(),
        message: Some(Message::new(escaped(&format!("decided by {who}")))),
    })
}

/// Text in which no link begins.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn base_id(base: Base) -> &'static str {
    match base {
        Base::Repository => "%SRCROOT%",
        Base::Home => "HOME",
        Base::Machine => "MACHINE",
        Base::Policy => "POLICY",
    }
}

fn described(base: Base) -> Message {
    let text = match base {
        Base::Repository => "The root of the repository.",
        Base::Home => "The home folder of the user who ran vetted.",
        Base::Machine => "The root of the file system of the machine on which vetted ran.",
        Base::Policy => "The folder of the policy in force, which need not lie in the repository.",
    };
    Message::new(text.to_owned())
}

fn pascal_case(name: &str) -> String {
    let is_one_word = !name.contains('-');
    let word = |word: &str| -> String {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    };
    let name: String = name.split('-').map(word).collect();
    // A name that is the id in other letters is refused (SARIF1001 of sarif-multitool).
    if is_one_word { format!("{name}Finding") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_sarif_has_them() {
        assert_eq!(pascal_case("mcp-server-changed"), "McpServerChanged");
        assert_eq!(pascal_case("carrier"), "CarrierFinding");
    }

    #[test]
    fn no_text_from_outside_becomes_a_link() {
        assert_eq!(escaped("[a](javascript:x) \\"), "\\[a\\](javascript:x) \\\\");
    }

    #[test]
    fn rules_keep_to_the_limits_of_github() {
        let driver = driver();
        for rule in &driver.rules {
            assert!(rule.full_description.text.len() <= 1024 && rule.short_description.text.len() <= 1024, "{}", rule.id);
            assert!(rule.properties.tags.len() <= 20);
        }
        assert_eq!(driver.rules.len(), Code::ALL.len());
    }
}
