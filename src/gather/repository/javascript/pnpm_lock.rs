//! `pnpm-lock.yaml`, `lockfileVersion` 5 to 9: which versions pnpm installs, and what brings them.
//!
//! A key tells name and version, in three ways: `/@a/b/1.0.0_peers` (5), `/@a/b@1.0.0(peers)` (6), `@a/b@1.0.0` (9, where the peers
//! stand in the keys of `snapshots` alone). The way is told by the key and not by the version that the file claims. An alias stands
//! only where a package is needed: its value is then a key. pnpm 11 and later keep what they need themselves in a document of its own.

use super::lock::{self, Locked};
use crate::evidence::Oddity;
use crate::gather::repository::document::{Node, clipped, text_of, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};
use std::collections::HashMap;

/// Sections of what a project needs. The last two hold plugins of pnpm and pnpm itself.
const SECTIONS: [&str; 5] =
    ["dependencies", "devDependencies", "optionalDependencies", "configDependencies", "packageManagerDependencies"];
/// The versions of the format that are known.
const KNOWN: std::ops::RangeInclusive<u32> = 5..=9;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("pnpm-lock.yaml", matches, read);

/// A branch of git may have a lock of its own: `pnpm-lock.feature!x.yaml` (pnpm, `gitBranchLockfile`).
fn matches(place: &Place<'_>) -> bool {
    let is_of_branch =
        || place.ending() == "yaml" && place.name().strip_suffix(".yaml").is_some_and(|stem| stem.starts_with("pnpm-lock."));
    place.is_called(&["pnpm-lock.yaml"]) || is_of_branch()
}

fn read(source: &Source<'_>) -> Reading {
    let documents = match text_of(source.bytes).and_then(lock::without_conflict).and_then(|()| yaml::parse_all(source.bytes)) {
        Ok(documents) => documents,
        Err(error) => return Reading::unreadable(source, "YAML", &error),
    };
    let mut reading = Reading::default();
    for document in &documents {
        if let Some(why) = unknown_version(document) {
            reading.oddities.push(Oddity::Unparsable { location: source.at(Some(document.line)), why });
        }
        reading.append(lock::mentions(source, &packages_of(document)));
    }
    reading.mentions.truncate(lock::MAX_MENTIONS);
    reading
}

/// Why a document may mean something else than it is read as.
fn unknown_version(document: &Node<'_>) -> Option<String> {
    let text = match document.get("lockfileVersion").and_then(Node::scalar) {
        Some(text) => text,
        // An empty document, or one that holds nothing to install.
        None if document.get("packages").is_none() && document.get("snapshots").is_none() => return None,
        None => return Some("it does not say its `lockfileVersion`; it was read as far as it is known".to_owned()),
    };
    let major = text.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let is_known = major.is_some_and(|major| KNOWN.contains(&major));
    (!is_known)
        .then(|| format!("`lockfileVersion` {} is not known (5 to 9 are); it was read as far as it is known", clipped(text)))
}

/// What a document says is installed: its packages, each once whatever its peers are, and then its projects.
fn packages_of<'t>(document: &'t Node<'_>) -> Vec<Locked<'t>> {
    let mut packages: Vec<Locked<'_>> = Vec::new();
    let mut by_key: HashMap<(&str, &str), usize> = HashMap::new();
    let sections = ["packages", "snapshots"].into_iter().filter_map(|section| document.get(section));
    let entries: Vec<_> = sections.flat_map(Node::members).collect();
    for member in &entries {
        let (name, version) = split_key(&member.key);
        let index = *by_key.entry((name, version)).or_insert_with(|| {
            packages.push(Locked { names: vec![name], line: member.line, ..Locked::default() });
            packages.len() - 1
        });
        add_entry(&mut packages[index], (name, version), &member.value);
    }
    for member in &entries {
        let Some(from) = by_key.get(&split_key(&member.key)).copied() else { continue };
        for section in ["dependencies", "optionalDependencies"] {
            link(from, member.value.get(section), &by_key, &mut packages);
        }
    }
    let importers = document.get("importers").map(Node::members).unwrap_or_default();
    // A repository of one project has its sections at the top.
    for project in importers.iter().map(|member| &member.value).chain([document]) {
        packages.push(Locked { line: project.line, ..Locked::default() });
        for section in SECTIONS {
            link(packages.len() - 1, project.get(section), &by_key, &mut packages);
        }
    }
    packages
}

/// What an entry says of its package. What is not from a registry has its name and version in fields.
fn add_entry<'d>(package: &mut Locked<'d>, (name, version): (&'d str, &'d str), entry: &'d Node<'_>) {
    let field = |key: &str| entry.get(key).and_then(Node::scalar);
    let resolution = |key: &str| entry.at(&["resolution", key]).and_then(Node::scalar);
    let is_release = !version.contains(['/', ':']);
    let mut releases = vec![(field("name").unwrap_or(name), field("version").unwrap_or(version))];
    if is_release {
        releases.push((name, version));
    }
    // A later part of the file without these fields does not say anything else.
    let says_nothing_new = !is_release && field("version").is_none() && !package.releases.is_empty();
    for release in releases {
        if !says_nothing_new && !package.releases.contains(&release) {
            package.releases.push(release);
        }
    }
    let address = resolution("tarball").or((!is_release).then_some(version));
    if let Some(address) = address.filter(|address| !package.addresses.iter().any(|known| known == address)) {
        package.addresses.push(address.into());
    }
    package.integrity = package.integrity.or(resolution("integrity"));
}

/// Note what a section says that a package or project needs, and the names it wants it under.
fn link<'d>(from: usize, section: Option<&'d Node<'_>>, by_key: &HashMap<(&str, &str), usize>, packages: &mut [Locked<'d>]) {
    for member in section.map(Node::members).unwrap_or_default() {
        // Since version 6 a project says both what it asks for and what it gets.
        let Some(version) = member.value.scalar().or_else(|| member.value.get("version").and_then(Node::scalar)) else {
            continue;
        };
        let Some(to) = by_key.get(&target(&member.key, version)).copied() else { continue };
        packages[from].needs.push(to);
        // The package's own name stands first, so a list of names stays short.
        let names = &mut packages[to].names;
        if names.len() < 8 && !names.contains(&member.key.as_ref()) {
            names.push(&member.key);
        }
    }
}

/// The package that `name: version` means: its own key where it is an alias or comes from elsewhere than the registry.
fn target<'d>(name: &'d str, version: &'d str) -> (&'d str, &'d str) {
    let bare = without_peers(version);
    let is_key = version.starts_with(['/', '@']) || bare.find('@').is_some_and(|at| !bare[..at].contains(':'));
    let has_host = !is_key && bare.contains('/') && !bare.contains(':');
    if is_key || has_host { split_key(version) } else { (name, bare) }
}

/// Name and version of a key.
fn split_key(key: &str) -> (&str, &str) {
    let path = match key.strip_prefix('/') {
        Some(path) => path,
        // `name@version` since version 9; before, a key without a slash begins with the host of another registry.
        None => match (key.find('/'), key.find('@')) {
            (Some(slash), Some(at)) if at > 0 && at < slash => key,
            (Some(slash), _) if !key.starts_with('@') => &key[slash + 1..],
            _ => key,
        },
    };
    let scope = if path.starts_with('@') { path.find('/').map_or(path.len(), |slash| slash + 1) } else { 0 };
    match path[scope..].find(['/', '@']).map(|at| scope + at) {
        Some(at) => (&path[..at], without_peers(&path[at + 1..])),
        None => (path, ""),
    }
}

/// A version without the peers that a package was installed with: `1.0.0(a@1)` or, in version 5, `1.0.0_a@1`.
fn without_peers(version: &str) -> &str {
    let version = &version[..version.find('(').unwrap_or(version.len())];
    // The address of a tarball or a repository may hold an underscore, a version may not.
    match version.split_once('_') {
        Some((before, _)) if !before.contains([':', '/']) => before,
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use proptest::prelude::*;
    use std::path::Path;

    const SRI: &str = "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

    fn read_text(text: &str) -> Reading {
        let catalogue = Catalogue::built_in();
        read(&Source::new(Path::new("pnpm-lock.yaml"), text.as_bytes(), &catalogue))
    }

    fn rows(text: &str) -> Vec<String> {
        lock::rows(&read_text(text))
    }

    #[test]
    fn version_9_with_aliases_peers_and_workspaces() {
        let text = format!(
            "lockfileVersion: '9.0'

importers:
  .:
    dependencies:
      notes:
        specifier: npm:@anthropic-ai/claude-code@2.1.149
        version: '@anthropic-ai/claude-code@2.1.149'
  apps/web:
    devDependencies:
      task-master:
        specifier: ^1
        version: 1.0.0(zod@4.0.0)
      web2:
        specifier: workspace:*
        version: link:../web2

packages:
  '@anthropic-ai/claude-code@2.1.149':
    resolution: {{integrity: {SRI}}}
  '@openai/codex@0.169.0':
    resolution: {{integrity: {SRI}}}
  '@openai/codex@0.169.0-linux-x64':
    resolution: {{integrity: {SRI}}}
  opencode-ai@https://mirror.example/x.tgz:
    resolution: {{tarball: https://mirror.example/x.tgz}}
    version: 1.0.0
  task-master@1.0.0:
    resolution: {{integrity: {SRI}}}
  left@1.0.0:
    resolution: {{tarball: https://mirror.example/@google/gemini-cli/-/gemini-cli-0.1.0.tgz}}

snapshots:
  '@anthropic-ai/claude-code@2.1.149': {{}}
  '@openai/codex@0.169.0':
    optionalDependencies:
      '@openai/codex-linux-x64': '@openai/codex@0.169.0-linux-x64'
  '@openai/codex@0.169.0-linux-x64':
    optional: true
  opencode-ai@https://mirror.example/x.tgz: {{}}
  task-master@1.0.0(zod@4.0.0):
    dependencies:
      '@openai/codex': 0.169.0
      opencode-ai: https://mirror.example/x.tgz
      left: 1.0.0
"
        );
        assert_eq!(
            rows(&text),
            [
                "19 @anthropic-ai/claude-code 2.1.149* []",
                "21 @openai/codex 0.169.0* [task-master]",
                "23 @openai/codex-linux-x64 0.169.0* [task-master @openai/codex]",
                "25 opencode-ai 1.0.0 [task-master]",
                "30 @google/gemini-cli 0.1.0 [task-master]",
            ]
        );
    }

    #[test]
    fn versions_5_and_6_write_other_keys() {
        let five = format!(
            "lockfileVersion: 5.4
specifiers:
  notes: npm:@anthropic-ai/claude-code@2.1.149
dependencies:
  notes: /@anthropic-ai/claude-code/2.1.149
  outer: 1.0.0_zod@4.0.0
packages:
  /@anthropic-ai/claude-code/2.1.149:
    resolution: {{integrity: {SRI}}}
  /outer/1.0.0_zod@4.0.0:
    optionalDependencies:
      '@openai/codex-linux-x64': /@openai/codex/0.169.0-linux-x64
      '@google/gemini-cli': mirror.example/@google/gemini-cli/0.1.0
  /@openai/codex/0.169.0-linux-x64:
    resolution: {{integrity: {SRI}}}
  mirror.example/@google/gemini-cli/0.1.0:
    resolution: {{integrity: {SRI}}}
"
        );
        let expected = [
            "@anthropic-ai/claude-code 2.1.149* []",
            "@openai/codex-linux-x64 0.169.0* [outer]",
            "@google/gemini-cli 0.1.0* [outer]",
        ];
        let without_line =
            |text: &str| rows(text).iter().map(|row| row.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>();
        assert_eq!(without_line(&five), expected);
        let six = five
            .replace("5.4", "'6.0'")
            .replace("/2.1.149", "@2.1.149")
            .replace("/0.169.0-", "@0.169.0-")
            .replace("/1.0.0_zod@4.0.0", "@1.0.0(zod@4.0.0)")
            .replace("1.0.0_zod@4.0.0", "1.0.0(zod@4.0.0)")
            .replace("/0.1.0", "@0.1.0");
        assert_eq!(without_line(&six), expected);
    }

    #[test]
    fn a_second_document_is_read_too() {
        let text = "lockfileVersion: '9.0'\nimporters:\n  .:\n    configDependencies:\n      '@openai/codex':\n        specifier: 0.1.0\n        version: 0.1.0\npackages:\n  '@openai/codex@0.1.0': {}\n---\nlockfileVersion: '9.0'\npackages:\n  '@openai/codex@0.2.0': {}\n";
        assert_eq!(rows(text), ["9 @openai/codex 0.1.0 []", "13 @openai/codex 0.2.0 []"]);
    }

    #[test]
    fn a_field_and_a_key_that_differ_both_count() {
        let text = "lockfileVersion: '6.0'\npackages:\n  /@openai/codex@0.1.0:\n    version: 0.2.0\n";
        assert_eq!(rows(text), ["3 @openai/codex 0.2.0 []", "3 @openai/codex 0.1.0 []"]);
    }

    #[test]
    fn keys_are_split_in_every_way() {
        for (key, parts) in [
            ("/left-pad/1.3.0", ("left-pad", "1.3.0")),
            ("/@a/b/1.0.0_c@2.0.0+@d/e@1", ("@a/b", "1.0.0")),
            ("/@a/b@1.0.0(c@2.0.0)(@d/e@1)", ("@a/b", "1.0.0")),
            ("left-pad@1.3.0", ("left-pad", "1.3.0")),
            ("@a/b@1.0.0(c@2.0.0)", ("@a/b", "1.0.0")),
            ("@a/b@https://x.example/@a/b_c.tgz", ("@a/b", "https://x.example/@a/b_c.tgz")),
            ("mirror.example/@a/b/1.0.0", ("@a/b", "1.0.0")),
            ("mirror.example/b@1.0.0", ("b", "1.0.0")),
            ("left-pad", ("left-pad", "")),
            ("@a/b", ("@a/b", "")),
            ("", ("", "")),
            ("/", ("", "")),
        ] {
            assert_eq!(split_key(key), parts, "{key}");
        }
    }

    #[test]
    fn hostile_files_are_said_to_be_odd() {
        for (text, why) in [
            ("lockfileVersion: '9.0'\npackages:\n  a@1: {}\n  a@1: {}\n".to_owned(), "stands twice"),
            ("packages:\n<<<<<<< HEAD\n  a@1: {}\n=======\n  a@2: {}\n>>>>>>> x\n".to_owned(), "merge conflict"),
            (format!("a: {}", "[".repeat(50_000)), "recursion limit"),
            ("lockfileVersion: '10.0'\npackages: {}\n".to_owned(), "`lockfileVersion` 10.0 is not known"),
            ("packages: {}\n".to_owned(), "does not say"),
            ("\u{0}".to_owned(), ""),
        ] {
            let reading = read_text(&text);
            let [Oddity::Unparsable { why: said, .. }] = &reading.oddities[..] else { panic!("{text}: {:?}", reading.oddities) };
            assert!(said.contains(why), "{said}");
        }
        assert_eq!(rows(""), [] as [&str; 0]);
        let crlf = "\u{feff}lockfileVersion: '9.0'\r\npackages:\r\n  '@openai/codex@0.1.0': {}\r\n";
        assert_eq!(rows(crlf), ["3 @openai/codex 0.1.0 []"]);
        // Shapes that pnpm never writes hold nothing, or name what they name.
        for text in ["7", "lockfileVersion: 9\npackages: []\nimporters: 7\n", "lockfileVersion: 9\npackages: {7: [1]}\n"] {
            assert_eq!(rows(text), [] as [&str; 0], "{text}");
        }
        assert_eq!(rows("lockfileVersion: 9\npackages: {'@openai/codex': 7}\n"), ["2 @openai/codex  []"]);
    }

    proptest! {
        #[test]
        fn no_key_panics(key in "[a@/:_().1-]{0,24}") {
            let (name, version) = split_key(&key);
            prop_assert!(key.contains(name) && key.contains(version));
            let _ = target("a", &key);
        }
    }
}
