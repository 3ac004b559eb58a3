//! What makes a finding the same one in the hook, in CI and on the server, today and after the lines above it moved.
//!
//! `vetted/v1` is the SHA-256 of the code, the subject, the path within the repository, the text of the line and its number among
//! equal ones. No line number, no absolute path, no policy and no version of this program go into it. What is installed on a machine
//! has no path that others share: there it is the code, the subject and what is referred to. Of a commit its subject line stands for
//! the path, because in the hook it has no name yet.

use super::finding::{Finding, Place};
use crate::digest::Digest;
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// The name of the method, for formats that carry several.
pub const FINGERPRINT: &str = "vetted/v1";

/// The fingerprints of one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    /// Of the finding as a whole: that of its first place in the repository, else that of what is installed.
    pub finding: Digest,
    /// Of each of its places, in their order. Everything that is installed has the same one: it is one finding of one machine.
    pub places: Vec<Digest>,
}

/// The fingerprints of all findings of a report, in their order. No two places in the repository share one, and no two findings.
#[must_use]
pub fn fingerprints(findings: &[Finding]) -> Vec<Fingerprints> {
    let numbers = numbers(findings);
    let of = |mut bytes: Vec<u8>, at: At| -> Digest {
        field(&mut bytes, numbers.get(&at).copied().unwrap_or(1).to_string().as_bytes());
        Digest::sha256_of(&bytes)
    };
    findings
        .iter()
        .enumerate()
        .map(|(index, finding)| {
            let machine = of(key(finding, None), At { finding: index, place: None });
            let place = |(number, place): (usize, &Place)| match place {
                Place::Repository { .. } | Place::Commit { .. } => {
                    of(key(finding, Some(place)), At { finding: index, place: Some(number) })
                }
                Place::Installed { .. } => machine.clone(),
            };
            let places: Vec<Digest> = finding.places.iter().enumerate().map(place).collect();
            let in_repository = finding.places.iter().position(|place| !matches!(place, Place::Installed { .. }));
            Fingerprints { finding: in_repository.and_then(|at| places.get(at).cloned()).unwrap_or(machine), places }
        })
        .collect()
}

/// One thing that has a fingerprint: a place in the repository, or what a finding says of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    finding: usize,
    place: Option<usize>,
}

/// The number of each among those that are equal but for it, in the order of their lines.
fn numbers(findings: &[Finding]) -> BTreeMap<At, u32> {
    let mut equal: BTreeMap<Vec<u8>, Vec<(Option<u32>, At)>> = BTreeMap::new();
    for (finding, index) in findings.iter().zip(0..) {
        let mut in_repository = false;
        for (place, number) in finding.places.iter().zip(0..) {
            let line = match place {
                Place::Repository { location, .. } => location.line,
                Place::Commit { .. } => None,
                Place::Installed { .. } => continue,
            };
            in_repository = true;
            let at = At { finding: index, place: Some(number) };
            equal.entry(key(finding, Some(place))).or_default().push((line, at));
        }
        if !in_repository || finding.places.iter().any(|place| matches!(place, Place::Installed { .. })) {
            equal.entry(key(finding, None)).or_default().push((None, At { finding: index, place: None }));
        }
    }
    let mut numbers = BTreeMap::new();
    for among in equal.values_mut() {
        among.sort_unstable();
        numbers.extend(among.iter().zip(1..).map(|((_, at), number)| (*at, number)));
    }
    numbers
}

/// Everything that a fingerprint is made of but the number.
fn key(finding: &Finding, place: Option<&Place>) -> Vec<u8> {
    let mut bytes = Vec::new();
    field(&mut bytes, FINGERPRINT.as_bytes());
    field(&mut bytes, finding.code.name().as_bytes());
    field(&mut bytes, of_any_machine(&finding.subject).as_bytes());
    match place {
        Some(Place::Repository { location, quote, .. }) => {
            field(&mut bytes, b"repository");
            field(&mut bytes, &within_repository(&location.path));
            field(&mut bytes, quote.as_ref().map_or("", |quote| quote.text.trim()).as_bytes());
        }
        Some(Place::Commit { subject, quote, .. }) => {
            field(&mut bytes, b"commit");
            field(&mut bytes, subject.as_bytes());
            field(&mut bytes, quote.as_ref().map_or("", |quote| quote.text.trim()).as_bytes());
        }
        Some(Place::Installed { .. }) | None => {
            field(&mut bytes, b"machine");
            field(&mut bytes, finding.reference.as_deref().unwrap_or_default().as_bytes());
        }
    }
    bytes
}

/// A field with its length before it: no two lists of fields give the same bytes.
fn field(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend_from_slice(content.len().to_string().as_bytes());
    bytes.push(b':');
    bytes.extend_from_slice(content);
}

/// A subject without the folders of one machine: of a path that is absolute only the name of the file is left.
fn of_any_machine(subject: &str) -> String {
    let name = |word: &str| -> String {
        let is_absolute = word.starts_with('/') || word.starts_with("~/") || word.get(1..3).is_some_and(|rest| rest == ":\\");
        let last = word.rsplit(['/', '\\']).next().unwrap_or_default();
        if is_absolute { last.to_owned() } else { word.to_owned() }
    };
    if subject.starts_with('/') { name(subject) } else { subject.split(' ').map(name).collect::<Vec<_>>().join(" ") }
}

/// A path as the repository has it, on every system: its names joined by `/`. What lies outside has only its own name.
fn within_repository(path: &Path) -> Vec<u8> {
    if path.is_absolute() {
        return path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
    }
    let mut bytes = Vec::new();
    for component in path.components() {
        if let Component::Normal(name) = component {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(name.as_encoded_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Code, Severity};
    use super::super::findings::observed;
    use super::*;
    use crate::evidence::Quote;
    use crate::source::Location;
    use proptest::prelude::*;

    fn at(path: &str, line: u32, text: &str) -> Place {
        let quote = Some(Quote { text: text.to_owned(), part: 0..text.len() });
        Place::Repository { location: Location { path: path.into(), line: Some(line) }, remark: None, quote }
    }

    fn installed(path: &str) -> Place {
        Place::Installed { path: path.into(), brought_by: None, remark: None }
    }

    fn finding(code: Code, subject: &str, places: Vec<Place>) -> Finding {
        Finding { places, ..observed(code, Severity::Warning, subject.to_owned(), "why".to_owned(), None) }
    }

    fn one(finding: Finding) -> Fingerprints {
        fingerprints(&[finding]).remove(0)
    }

    #[test]
    fn lines_that_move_and_blanks_around_them_change_nothing() {
        let before = one(finding(Code::FloatingVersion, "codex ^1", vec![at("package.json", 4, "  \"codex\": \"^1\",")]));
        let after = one(finding(Code::FloatingVersion, "codex ^1", vec![at("package.json", 90, "\t\"codex\": \"^1\",")]));
        assert_eq!(before, after);
    }

    #[test]
    fn other_machines_users_and_severities_change_nothing() {
        let of = |home: &str, severity| {
            let places = vec![installed(&format!("{home}/.npm-global/claude")), at("a/package.json", 1, "x")];
            let subject = format!("{home}/.config/vetted/vetted-user.toml");
            let mut finding = Finding { severity, ..finding(Code::RevokedTool, &subject, places) };
            finding.decided_by = Some(format!("the policy in {home}"));
            finding.message = format!("expired 4 days ago in {home}");
            one(finding)
        };
        assert_eq!(of("/home/alice", Severity::Error), of("/Users/bob", Severity::Note));
        let windows = one(finding(Code::RevokedTool, "C:\\Users\\carol\\vetted-user.toml", vec![installed("C:\\x")]));
        let linux = one(finding(Code::RevokedTool, "/etc/vetted/vetted-user.toml", vec![installed("/x")]));
        assert_eq!(windows, linux);
    }

    #[test]
    fn whatever_tells_two_findings_apart_changes_it() {
        let all = fingerprints(&[
            finding(Code::RevokedTool, "claude-code 2.1.197", vec![at("a/package.json", 1, "x")]),
            finding(Code::UnvettedTool, "claude-code 2.1.197", vec![at("a/package.json", 1, "x")]),
            finding(Code::RevokedTool, "claude-code 2.1.198", vec![at("a/package.json", 1, "x")]),
            finding(Code::RevokedTool, "claude-code 2.1.197", vec![at("b/package.json", 1, "x")]),
            finding(Code::RevokedTool, "claude-code 2.1.197", vec![at("a/package.json", 1, "y")]),
            finding(Code::RevokedTool, "claude-code 2.1.197", vec![installed("/x")]),
            finding(Code::RevokedTool, "claude-code 2.1.197", vec![installed("/y")]),
            finding(Code::RevokedTool, "claude-code 2.1.197", Vec::new()),
        ]);
        let mut seen: Vec<String> = all.iter().map(|f| f.finding.hex()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all.len());
    }

    #[test]
    fn equal_lines_of_one_file_are_counted_by_their_order() {
        let twice = |first, second| {
            one(finding(
                Code::FloatingVersion,
                "codex latest",
                vec![at("ci.yml", first, "npx codex"), at("ci.yml", second, "npx codex")],
            ))
        };
        let (down, moved, up) = (twice(3, 9), twice(13, 40), twice(9, 3));
        assert_ne!(down.places[0], down.places[1]);
        assert_eq!(down, moved);
        assert_eq!(down.places[0], up.places[1]);
        let alone = one(finding(Code::FloatingVersion, "codex latest", vec![at("ci.yml", 7, "npx codex")]));
        assert_eq!(alone.places[0], down.places[0]);
    }

    proptest! {
        #[test]
        fn places_of_a_repository_never_share_one(places in proptest::collection::vec(("[ab]{1,2}", "[xy: ]{0,3}", 1u32..4), 1..9)) {
            let places: Vec<Place> = places.iter().map(|(path, text, line)| at(path, *line, text)).collect();
            let all = one(finding(Code::FloatingVersion, "codex", places));
            let mut seen: Vec<String> = all.places.iter().map(Digest::hex).collect();
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), all.places.len());
        }
    }
}
