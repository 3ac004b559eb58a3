//! `yarn.lock` of yarn 1 and of yarn 2 and later: which versions yarn installs, and what brings them.
//!
//! Two formats under one name. The later one is YAML and says in `resolution` what a package is; an alias there is a pattern with
//! `npm:` and a name. Its `checksum` is of yarn's own zip and says nothing of what a registry hands out. Yarn 1 says where it
//! downloads from and the registry's `integrity`.

use super::lock::{self, Locked};
use super::npm;
use super::yarn_classic;
use crate::gather::repository::document::{Node, Unreadable, text_of, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};
use std::borrow::Cow;
use std::collections::HashMap;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("yarn.lock", matches, read);

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&["yarn.lock"])
}

/// An entry of either format.
struct Entry<'d> {
    patterns: Vec<&'d str>,
    line: u32,
    version: &'d str,
    /// The name it has where that differs from its pattern.
    name: Option<&'d str>,
    /// What it is, in the later format.
    resolution: Option<&'d str>,
    /// Where it comes from, in the first format.
    resolved: Option<&'d str>,
    integrity: Option<&'d str>,
    needs: Vec<(&'d str, &'d str)>,
}

fn read(source: &Source<'_>) -> Reading {
    let text = match text_of(source.bytes).and_then(|text| lock::without_conflict(text).map(|()| text)) {
        Ok(text) => text,
        Err(error) => return Reading::unreadable(source, "yarn.lock", &error),
    };
    let read = if is_classic(text) { read_classic(source, text) } else { read_berry(source) };
    read.unwrap_or_else(|error| Reading::unreadable(source, "yarn.lock", &error))
}

/// Yarn tells its formats apart by the first comment; without one, only the later format has a `__metadata`.
fn is_classic(text: &str) -> bool {
    let mut comments = text.lines().take_while(|line| line.starts_with('#'));
    let is_marked =
        comments.any(|line| line.trim_start_matches('#').trim_start().to_ascii_lowercase().starts_with("yarn lockfile v1"));
    is_marked || !text.lines().any(|line| line.starts_with("__metadata:"))
}

fn read_classic(source: &Source<'_>, text: &str) -> Result<Reading, Unreadable> {
    let parsed = yarn_classic::parse(text)?;
    let entries: Vec<Entry<'_>> = parsed
        .iter()
        .map(|entry| {
            let field = |key: &str| entry.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            Entry {
                patterns: entry.patterns.iter().map(String::as_str).collect(),
                line: entry.line,
                version: field("version").unwrap_or_default(),
                name: field("name"),
                resolution: field("resolution"),
                resolved: field("resolved"),
                integrity: field("integrity"),
                needs: entry.needs.iter().map(|(name, range)| (name.as_str(), range.as_str())).collect(),
            }
        })
        .collect();
    Ok(lock::mentions(source, &packages_of(&entries)))
}

fn read_berry(source: &Source<'_>) -> Result<Reading, Unreadable> {
    let document = yaml::parse(source.bytes)?;
    let members = document.members().iter().filter(|member| member.key != "__metadata");
    let entries: Vec<Entry<'_>> = members
        .map(|member| {
            let field = |key: &str| member.value.get(key).and_then(Node::scalar);
            let needs = member.value.get("dependencies").map(Node::members).unwrap_or_default();
            Entry {
                patterns: member.key.split(',').map(str::trim).collect(),
                line: member.line,
                version: field("version").unwrap_or_default(),
                name: None,
                resolution: field("resolution"),
                resolved: None,
                integrity: None,
                needs: needs.iter().filter_map(|need| Some((need.key.as_ref(), need.value.scalar()?))).collect(),
            }
        })
        .collect();
    Ok(lock::mentions(source, &packages_of(&entries)))
}

fn packages_of<'d>(entries: &[Entry<'d>]) -> Vec<Locked<'d>> {
    let by_pattern: HashMap<&str, usize> = entries
        .iter()
        .enumerate()
        .flat_map(|(index, entry)| entry.patterns.iter().map(move |pattern| (*pattern, index)))
        .collect();
    let find = |name: &str, range: &str| {
        // Before version 8 the later format left `npm:` out where a range is meant.
        let pattern = by_pattern.get(format!("{name}@{range}").as_str());
        pattern.or_else(|| by_pattern.get(format!("{name}@npm:{range}").as_str())).copied()
    };
    let package = |entry: &Entry<'d>| {
        let needs = entry.needs.iter().filter_map(|(name, range)| find(name, range)).collect();
        let mut package = Locked { line: entry.line, integrity: entry.integrity, needs, ..Locked::default() };
        match entry.resolution {
            Some(resolution) => add_resolution(&mut package, resolution, entry.version),
            None => package.releases = released(entry),
        }
        if entry.resolution.is_none_or(|resolution| !resolution.contains("@workspace:")) {
            package.names = entry.patterns.iter().map(|pattern| npm::split_version(pattern).0).collect();
            package.names.dedup();
        }
        package.addresses.extend(entry.resolved.map(Cow::Borrowed));
        package
    };
    entries.iter().map(package).collect()
}

/// What a package of the first format is: what its patterns name, and what its entry says of itself.
fn released<'d>(entry: &Entry<'d>) -> Vec<(&'d str, &'d str)> {
    let mut names: Vec<&str> = entry.name.into_iter().collect();
    for pattern in &entry.patterns {
        let (name, range) = npm::split_version(pattern);
        // An alias: `notes@npm:@openai/codex@^0.1`.
        let behind = range.strip_prefix("npm:").map(|alias| npm::split_version(alias).0);
        names.push(behind.filter(|behind| behind.starts_with(|c: char| c == '@' || c.is_ascii_alphabetic())).unwrap_or(name));
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| (name, entry.version)).collect()
}

/// What `resolution` says in the later format: `name@npm:1.0.0`, with parameters behind `::`.
fn add_resolution<'d>(package: &mut Locked<'d>, resolution: &'d str, version: &'d str) {
    let (name, reference) = npm::split_version(resolution);
    // The repository's own files, and links to them, are no release of anybody.
    if ["workspace:", "link:", "portal:"].iter().any(|local| reference.starts_with(local)) {
        return;
    }
    let (reference, parameters) = reference.split_once("::").unwrap_or((reference, ""));
    let release = reference.strip_prefix("npm:");
    // What comes from elsewhere, or was patched, says its version only in the field.
    package.releases.extend(release.map(|release| (name, release)));
    if release != Some(version) && !(version.is_empty() && release.is_some()) {
        package.releases.push((name, version));
    }
    for (key, value) in parameters.split('&').filter_map(|parameter| parameter.split_once('=')) {
        if key == "__archiveUrl" {
            package.addresses.push(npm::decoded(value).into());
        }
    }
    if reference.contains("://") {
        package.addresses.push(reference.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::evidence::Oddity;
    use std::path::Path;

    const SRI: &str = "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

    fn read_text(text: &str) -> Reading {
        let catalogue = Catalogue::built_in();
        read(&Source::new(Path::new("yarn.lock"), text.as_bytes(), &catalogue))
    }

    fn rows(text: &str) -> Vec<String> {
        lock::rows(&read_text(text))
    }

    #[test]
    fn classic_with_aliases_and_ways() {
        let text = format!(
            "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


\"@openai/codex-linux-x64@npm:@openai/codex@0.169.0-linux-x64\":
  version \"0.169.0-linux-x64\"
  resolved \"https://mirror.example/@openai/codex/-/codex-0.169.0-linux-x64.tgz#0011\"
  integrity {SRI}

\"@openai/codex@^0.169.0\":
  version \"0.169.0\"
  resolved \"https://mirror.example/@openai/codex/-/codex-0.169.0.tgz#0011\"
  integrity {SRI}
  optionalDependencies:
    \"@openai/codex-linux-x64\" \"npm:@openai/codex@0.169.0-linux-x64\"

\"@google/gemini-cli@*\", \"other@npm:@google/gemini-cli@^0.1\":
  version \"0.1.0\"

left@^1:
  version \"1.0.0\"
  resolved \"https://mirror.example/@anthropic-ai/claude-code/-/claude-code-2.1.150.tgz#0011\"

\"notes@npm:@anthropic-ai/claude-code@2.1.149\":
  version \"2.1.149\"

task-master@1:
  version \"1.0.0\"
  dependencies:
    \"@openai/codex\" \"^0.169.0\"
    other \"npm:@google/gemini-cli@^0.1\"
"
        );
        assert_eq!(
            rows(&text),
            [
                "5 @openai/codex-linux-x64 0.169.0* [task-master @openai/codex]",
                "10 @openai/codex 0.169.0* [task-master]",
                "17 @google/gemini-cli 0.1.0 [task-master]",
                "20 @anthropic-ai/claude-code 2.1.150 []",
                "24 @anthropic-ai/claude-code 2.1.149 []",
            ]
        );
    }

    #[test]
    fn berry_with_aliases_workspaces_and_parameters() {
        let text = r#"# This file is generated by running "yarn install" inside your project.
__metadata:
  version: 8
  cacheKey: 10c0

"@openai/codex-linux-x64@npm:@openai/codex@0.169.0-linux-x64":
  version: 0.169.0-linux-x64
  resolution: "@openai/codex@npm:0.169.0-linux-x64"
  conditions: os=linux & cpu=x64
  languageName: node
  linkType: hard

"@openai/codex@npm:^0.169.0, @openai/codex@npm:0.169.0":
  version: 0.169.0
  resolution: "@openai/codex@npm:0.169.0"
  dependencies:
    "@openai/codex-linux-x64": "npm:@openai/codex@0.169.0-linux-x64"
  checksum: 10c0/00ff
  languageName: node
  linkType: hard

"left@npm:^1":
  version: 1.0.0
  resolution: "left@npm:1.0.0::__archiveUrl=https%3A%2F%2Fmirror.example%2F%40anthropic-ai%2Fclaude-code%2F-%2Fclaude-code-2.1.150.tgz&x=1"

"notes@npm:@anthropic-ai/claude-code@2.1.149":
  version: 2.1.149
  resolution: "@anthropic-ai/claude-code@npm:2.1.149"

"opencode-ai@patch:opencode-ai@npm%3A1.0.0#./x.patch":
  version: 1.0.0
  resolution: "opencode-ai@patch:opencode-ai@npm%3A1.0.0#./x.patch::version=1.0.0&hash=00"

"shop@workspace:.":
  version: 0.0.0-use.local
  resolution: "shop@workspace:."
  dependencies:
    notes: "npm:@anthropic-ai/claude-code@2.1.149"
    task-master: ^1
  languageName: unknown
  linkType: soft

"task-master@npm:^1":
  version: 1.0.0
  resolution: "task-master@npm:1.0.0"
  dependencies:
    "@openai/codex": ^0.169.0

"@github/copilot@workspace:packages/copilot":
  version: 0.0.0-use.local
  resolution: "@github/copilot@workspace:packages/copilot"
"#;
        assert_eq!(
            rows(text),
            [
                "6 @openai/codex-linux-x64 0.169.0 [task-master @openai/codex]",
                "13 @openai/codex 0.169.0 [task-master]",
                "22 @anthropic-ai/claude-code 2.1.150 []",
                "26 @anthropic-ai/claude-code 2.1.149 []",
                "30 opencode-ai 1.0.0 []",
            ]
        );
    }

    #[test]
    fn what_an_entry_says_twice_counts_twice() {
        let text =
            "__metadata:\n  version: 8\n\"@openai/codex@npm:^1\":\n  version: 0.2.0\n  resolution: \"@openai/codex@npm:0.1.0\"\n";
        assert_eq!(rows(text), ["3 @openai/codex 0.1.0 []", "3 @openai/codex 0.2.0 []"]);
        // The first format with a word of the second.
        let text = "# yarn lockfile v1\nx@1:\n  version \"1\"\n  resolution \"@openai/codex@npm:0.1.0\"\n";
        assert_eq!(rows(text), ["2 @openai/codex 0.1.0 []", "2 @openai/codex 1 []"]);
        // Without a version, what it is stays unknown and is not passed over.
        assert_eq!(rows("\"@openai/codex@^1\":\n"), ["1 @openai/codex  []"]);
    }

    #[test]
    fn hostile_files_are_said_to_be_odd() {
        for (text, why) in [
            ("# yarn lockfile v1\na@1:\n  version \"1\"\n<<<<<<< HEAD\n".to_owned(), "merge conflict"),
            ("__metadata:\n  version: 8\na@1: {}\na@1: {}\n".to_owned(), "stands twice"),
            ("a@1:\n  version \"1\"\na@1:\n  version \"2\"\n".to_owned(), "stands twice"),
            (format!("__metadata:\n  a: {}\n", "[".repeat(50_000)), "recursion limit"),
            ("# yarn lockfile v1\n\tx\n".to_owned(), "nothing that yarn writes"),
            ("\u{feff}# yarn lockfile v1\nx@1:\n  integrity sha512-x\n  version \"1\"\n\"@openai/codex@1\":\n  version \"1\"\n  integrity y\n".to_owned(), "`y` is no integrity"),
        ] {
            let reading = read_text(&text);
            assert!(
                matches!(&reading.oddities[..], [Oddity::Unparsable { why: said, .. }] if said.contains(why)),
                "{text}: {:?}",
                reading.oddities
            );
        }
        assert_eq!(rows(""), [] as [&str; 0]);
        assert_eq!(
            rows("\u{feff}# yarn lockfile v1\r\n\r\n\"@openai/codex@1\":\r\n  version \"0.1.0\"\r\n"),
            ["3 @openai/codex 0.1.0 []"]
        );
    }

    #[test]
    fn codes_in_an_address_are_resolved() {
        assert_eq!(npm::decoded("a%2Fb%40c%"), "a/b@c%");
        assert_eq!(npm::decoded("%zz%2"), "%zz%2");
        assert_eq!(npm::decoded("%+1%é"), "%+1%é");
    }
}
