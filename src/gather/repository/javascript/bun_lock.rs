//! `bun.lock`, JSON with comments: which versions bun installs, and what brings them. And `bun.lockb`, its binary predecessor, which
//! cannot be looked into.
//!
//! A package stands under the path of packages it is installed below, `outer/@a/b`, as an array: what it is, for what a registry
//! hands out the address where that is not the default, what it needs, the digest.

use super::lock::{self, Locked};
use super::npm;
use crate::evidence::Oddity;
use crate::gather::repository::document::{Node, Value, clipped, jsonc, text_of};
use crate::gather::repository::{Format, Pins, Place, Reading, Source, has_name};
use crate::world::git::{GitError, Mode, Repository, Snapshot};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Sections of what a package needs; development dependencies are those of projects.
const SECTIONS: [&str; 4] = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];
/// Bytes of paths that are built while it is looked for what brings what; real locks need a few megabytes.
const PATH_BUDGET: usize = 256 << 20;
/// The text form of the lock.
const TEXT: &str = "bun.lock";
/// The binary form of the lock.
const BINARY: &str = "bun.lockb";

/// The text form.
pub(in crate::gather::repository) const FORMAT: Format = Format::named(TEXT, matches, read);

/// The binary form. Without a text form beside it, nothing says what it holds; so it is looked at again when that one goes.
pub(in crate::gather::repository) const BINARY_FORMAT: Format =
    Format { pins: Pins::By(&[TEXT]), ..Format::named(BINARY, |place| place.is_called(&[BINARY]), refuse) };

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&[TEXT])
}

/// Whether a path is of the binary form.
pub(in crate::gather::repository) fn is_binary(path: &Path) -> bool {
    has_name(path, &[BINARY])
}

/// A binary lock file has nothing to say where its text form lies beside it.
pub(in crate::gather::repository) fn forget_spoken_for(
    repository: &Repository,
    snapshot: &Snapshot,
    oddities: &mut Vec<Oddity>,
) -> Result<(), GitError> {
    let text_beside = |odd: &Oddity| match odd {
        Oddity::Unparsable { location, .. } if is_binary(&location.path) => Some(location.path.with_file_name(TEXT)),
        _ => None,
    };
    let wanted: HashSet<PathBuf> = oddities.iter().filter_map(text_beside).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let files = repository.files(snapshot, &|path| wanted.contains(path))?.into_iter();
    let texts: HashSet<PathBuf> = files.filter(|entry| matches!(entry.mode, Mode::File { .. })).map(|entry| entry.path).collect();
    oddities.retain(|odd| text_beside(odd).is_none_or(|path| !texts.contains(&path)));
    Ok(())
}

fn refuse(source: &Source<'_>) -> Reading {
    let why = "it is binary and cannot be looked into; have it written as text with `bun install --save-text-lockfile`";
    Reading::odd(source.at(None), why.to_owned())
}

fn read(source: &Source<'_>) -> Reading {
    let document = text_of(source.bytes).and_then(lock::without_conflict).and_then(|()| jsonc::parse(source.bytes));
    let document = match document {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "bun.lock", &error),
    };
    let mut reading = Reading::default();
    let version = document.get("lockfileVersion").and_then(Node::scalar);
    if !matches!(version, Some("0" | "1" | "2")) {
        let what = version.map_or_else(|| "none".to_owned(), clipped);
        let why = format!("`lockfileVersion` is {what}, and 0 to 2 are known; it was read as far as it is known");
        reading.append(Reading::odd(source.at(document.member("lockfileVersion").map(|member| member.line)), why));
    }
    reading.append(lock::mentions(source, &packages_of(&document)));
    reading
}

fn packages_of<'t>(document: &'t Node<'_>) -> Vec<Locked<'t>> {
    let entries = document.get("packages").map(Node::members).unwrap_or_default();
    let by_key: HashMap<&str, usize> = entries.iter().enumerate().map(|(index, entry)| (entry.key.as_ref(), index)).collect();
    let mut budget = PATH_BUDGET;
    let mut needs_of = |node: Option<&Node<'_>>, key: &str| -> Vec<usize> {
        let sections = SECTIONS.iter().filter_map(|section| node?.get(section)).flat_map(Node::members);
        sections.filter_map(|need| resolve(&by_key, key, &need.key, &mut budget)).collect()
    };
    let mut packages: Vec<Locked<'_>> = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut package = package_of(&entry.key, &entry.value);
        package.line = entry.line;
        package.needs = needs_of(entry.value.items().iter().find(|item| matches!(item.value, Value::Object(_))), &entry.key);
        packages.push(package);
    }
    for workspace in document.get("workspaces").map(Node::members).unwrap_or_default() {
        let name = if workspace.key.is_empty() { None } else { workspace.value.get("name").and_then(Node::text) };
        let needs = needs_of(Some(&workspace.value), name.unwrap_or_default());
        packages.push(Locked { line: workspace.line, needs, ..Locked::default() });
    }
    packages
}

/// What an array says of its package.
fn package_of<'d>(key: &'d str, value: &'d Node<'_>) -> Locked<'d> {
    let mut package = Locked { names: vec![last_of(key)], ..Locked::default() };
    let items = value.items();
    let text = |index: usize| items.get(index).and_then(Node::text);
    let (name, version) = match text(0) {
        Some(what) => npm::split_version(what),
        // Not what bun writes: what it would be installed as stays unknown in its version.
        None => (last_of(key), ""),
    };
    // The repository's own files, and links to them, are no release of anybody.
    if ["workspace:", "link:", "root:"].iter().any(|local| version.starts_with(local)) {
        return package;
    }
    if version.contains("://") {
        package.addresses.push(version.into());
    }
    // The address of a registry's tarball says name and version better.
    if npm::tarball(version).is_none() {
        package.releases.push((name, version));
    }
    package.addresses.extend(text(1).filter(|address| !address.is_empty()).map(Into::into));
    // From elsewhere than a registry, the third item is a digest or the name of a commit.
    package.integrity = match items.len() {
        4 => text(3),
        _ => text(2).filter(|digest| digest.starts_with("sha")),
    };
    package
}

/// The package that `name` means inside the package at `from`: in its own folder, else in each folder above.
fn resolve(by_key: &HashMap<&str, usize>, from: &str, name: &str, budget: &mut usize) -> Option<usize> {
    let mut folder = from;
    while *budget > 0 {
        let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        *budget = budget.saturating_sub(key.len());
        if let Some(found) = by_key.get(key.as_str()) {
            return Some(*found);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder[..folder.len() - last_of(folder).len()].trim_end_matches('/');
    }
    None
}

/// The last package of a path.
fn last_of(key: &str) -> &str {
    let Some(slash) = key.rfind('/') else { return key };
    let before = key[..slash].rfind('/').map_or(0, |at| at + 1);
    if key[before..].starts_with('@') { &key[before..] } else { &key[slash + 1..] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use proptest::prelude::*;

    const SRI: &str = "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

    fn read_text(text: &str) -> Reading {
        let catalogue = Catalogue::built_in();
        read(&Source::new(Path::new("bun.lock"), text.as_bytes(), &catalogue))
    }

    fn rows(text: &str) -> Vec<String> {
        lock::rows(&read_text(text))
    }

    #[test]
    fn packages_with_aliases_nests_and_workspaces() {
        let text = format!(
            r#"{{ "lockfileVersion": 1, // text
  "workspaces": {{
    "": {{ "name": "shop", "dependencies": {{ "notes": "npm:@anthropic-ai/claude-code@2.1.149" }} }},
    "apps/web": {{ "name": "web", "devDependencies": {{ "outer": "^1", "@google/gemini-cli": "*" }} }},
  }},
  "packages": {{
    "notes": ["@anthropic-ai/claude-code@2.1.149", "", {{ "bin": {{}} }}, "{SRI}"],

    "outer": ["outer@1.0.0", "", {{ "optionalDependencies": {{ "@openai/codex": "^0.169.0" }} }}, "{SRI}"],
    "web": ["web@workspace:apps/web"],
    "@openai/codex": ["@openai/codex@0.169.0", "", {{ "optionalDependencies": {{ "@openai/codex-linux-x64": "npm:@openai/codex@0.169.0-linux-x64" }} }}, "{SRI}"],
    "outer/@openai/codex": ["@openai/codex@0.168.0", "https://mirror.example/@openai/codex/-/codex-0.168.0.tgz", {{}}, "{SRI}"],
    "@openai/codex-linux-x64": ["@openai/codex@0.169.0-linux-x64", "", {{ "os": "linux" }}, "{SRI}"],
    "web/@google/gemini-cli": ["@google/gemini-cli@https://mirror.example/@google/gemini-cli/-/gemini-cli-0.1.0.tgz", {{}}],
    "@github/copilot": ["@github/copilot@workspace:packages/copilot"],
  }},
}}"#
        );
        assert_eq!(
            rows(&text),
            [
                "7 @anthropic-ai/claude-code 2.1.149* []",
                "11 @openai/codex 0.169.0* []",
                "12 @openai/codex 0.168.0* [outer]",
                "13 @openai/codex-linux-x64 0.169.0* []",
                "14 @google/gemini-cli 0.1.0 []",
            ]
        );
    }

    #[test]
    fn what_is_downloaded_counts_whatever_it_is_called() {
        let text = r#"{"lockfileVersion": 1, "packages": {"a": ["a@1.0.0", "https://mirror.example/@openai/codex/-/codex-0.1.0.tgz", {}, ""],
"@openai/codex": 7, "b": ["@openai/codex@git+ssh://x.example/y", {}, "0123"]}}"#;
        let found = read_text(text);
        assert!(matches!(&found.oddities[..], [Oddity::Unparsable { why, .. }] if why.contains("no integrity")));
        assert_eq!(
            rows(&text.replace(r#"{}, ""]"#, "{}]")),
            ["1 @openai/codex 0.1.0 []", "2 @openai/codex  []", "2 @openai/codex git+ssh://x.example/y []"]
        );
    }

    #[test]
    fn hostile_files_are_said_to_be_odd() {
        for (text, why) in [
            ("{\"lockfileVersion\": 1, \"packages\": {\"a\": [], \"a\": []}}".to_owned(), "stands twice"),
            ("{\n<<<<<<< HEAD\n}".to_owned(), "merge conflict"),
            (format!("{{\"lockfileVersion\": 1, \"packages\": {}", "[".repeat(50_000)), "deep"),
            ("{\"lockfileVersion\": 3}".to_owned(), "`lockfileVersion` is 3"),
            ("{}".to_owned(), "`lockfileVersion` is none"),
            (String::new(), "nothing"),
        ] {
            let reading = read_text(&text);
            assert!(
                matches!(&reading.oddities[..], [Oddity::Unparsable { why: said, .. }] if said.contains(why)),
                "{text}: {:?}",
                reading.oddities
            );
        }
        let crlf = "\u{feff}{\"lockfileVersion\": 1,\r\n\"packages\": {\r\n\"x\": [\"@openai/codex@0.1.0\", \"\", {}],\r\n}}";
        assert_eq!(rows(crlf), ["3 @openai/codex 0.1.0 []"]);
    }

    #[test]
    fn a_lock_made_to_take_for_ever_ends() {
        use std::fmt::Write as _;
        let deep = "a/".repeat(20_000);
        let mut text = String::from("{\"lockfileVersion\": 1, \"packages\": {");
        for index in 0..500 {
            write!(text, "\"{deep}n{index}\": [\"n@1\", \"\", {{\"dependencies\": {{\"x\": \"1\"}}}}],").unwrap();
        }
        text.push_str("\"@openai/codex\": [\"@openai/codex@0.1.0\"]}}");
        assert_eq!(rows(&text), ["1 @openai/codex 0.1.0 []"]);
    }

    proptest! {
        #[test]
        fn the_last_package_of_a_path_is_its_end(key in "[a@/é]{0,12}") {
            let last = last_of(&key);
            prop_assert!(key.ends_with(last));
            // Going up always ends.
            prop_assert!(!last.is_empty() || key.is_empty() || key.ends_with('/'));
            let _ = resolve(&HashMap::new(), &key, "x", &mut 1_000_000);
        }
    }
}
