//! `pnpm-workspace.yaml` and `.yarnrc.yml`: versions that are written once for all projects of a repository.
//!
//! A catalog installs nothing by itself; its versions are what the projects get that refer to it, so they are asked for here too. An
//! override decides which version arrives, whoever asks.

use super::npm;
use super::package_json::{ask, extended, overridden};
use crate::gather::repository::document::{Node, Value, text_of, yaml};
use crate::gather::repository::pins::NPM_LOCKS;
use crate::gather::repository::{Format, Pins, Place, Reading, Source};

/// The settings of a workspace of pnpm.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { pins: Pins::By(NPM_LOCKS), ..Format::named("pnpm-workspace.yaml", matches, read) };

/// The settings of yarn 2 and later.
pub(in crate::gather::repository) const YARN_FORMAT: Format =
    Format { pins: Pins::By(NPM_LOCKS), ..Format::named(".yarnrc.yml", matches_yarn, read) };

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&["pnpm-workspace.yaml"])
}

fn matches_yarn(place: &Place<'_>) -> bool {
    place.is_called(&[".yarnrc.yml"])
}

fn read(source: &Source<'_>) -> Reading {
    let mut reading = Reading::default();
    // Settings that are all commented out are no fault.
    if text_of(source.bytes).is_ok_and(|text| text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))) {
        return reading;
    }
    let document = match yaml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "YAML", &error),
    };
    for (_, catalog) in catalogs(&document) {
        for entry in catalog.members() {
            ask(source, &entry.key, entry.value.scalar().unwrap_or_default(), entry.line, &mut reading);
        }
    }
    for entry in document.get("overrides").map(Node::members).unwrap_or_default() {
        // `-` takes a dependency away, `$name` repeats one that is read where it stands.
        let text = entry.value.scalar().unwrap_or_default();
        if text != "-" && !text.starts_with('$') {
            ask(source, overridden(&entry.key), text, entry.line, &mut reading);
        }
    }
    extended(source, &document, &mut reading);
    // Plugins of pnpm: `name: 1.0.0+sha512-...`, or the version in a field.
    for entry in document.get("configDependencies").map(Node::members).unwrap_or_default() {
        let text = entry.value.scalar().or_else(|| entry.value.get("version").and_then(Node::scalar)).unwrap_or_default();
        let version = text.split_once("+sha").map_or(text, |(version, _)| version);
        ask(source, &entry.key, version, entry.line, &mut reading);
    }
    reading
}

/// The catalogs that a file holds, with their names: `default` is the one without.
pub(super) fn catalogs<'t>(document: &'t Node<'t>) -> Vec<(&'t str, &'t Node<'t>)> {
    let mut found: Vec<(&str, &Node<'_>)> = Vec::new();
    // bun has them in `package.json`, at the top or among its workspaces.
    for place in [Some(document), document.get("workspaces")].into_iter().flatten() {
        found.extend(place.get("catalog").map(|catalog| ("default", catalog)));
        let named = place.get("catalogs").map(Node::members).unwrap_or_default();
        found.extend(named.iter().map(|member| (member.key.as_ref(), &member.value)));
    }
    found.retain(|(_, catalog)| matches!(catalog.value, Value::Object(_)));
    found
}

/// The specification that a reference such as `catalog:tools` stands for in a file.
pub(super) fn answer<'d>(document: &'d Node<'_>, reference: &str, name: &str) -> Option<&'d str> {
    let wanted = reference.trim();
    let wanted = if wanted.is_empty() { "default" } else { wanted };
    catalogs(document)
        .into_iter()
        .filter(|(catalog, _)| *catalog == wanted)
        .find_map(|(_, catalog)| catalog.get(name).and_then(Node::scalar))
        // One catalog refers to no other.
        .filter(|text| npm::catalog_of(text).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::evidence::{Oddity, Request};
    use std::path::Path;

    fn rows(text: &str) -> Vec<String> {
        let catalogue = Catalogue::built_in();
        let reading = read(&Source::new(Path::new("pnpm-workspace.yaml"), text.as_bytes(), &catalogue));
        assert_eq!(reading.oddities, []);
        let request = |request: &Request| match request {
            Request::Exact(version) => version.as_str().to_owned(),
            Request::Floating { text, .. } => format!("~{text}"),
        };
        let row =
            |m: &crate::evidence::Mention| format!("{} {} {}", m.location.line.unwrap(), m.package.name, request(&m.request));
        reading.mentions.iter().map(row).collect()
    }

    #[test]
    fn catalogs_overrides_and_plugins_are_asked_for() {
        let text = "packages:\n  - apps/*\ncatalog:\n  '@openai/codex': 0.1.0\n  left-pad: ^1\ncatalogs:\n  old:\n    '@anthropic-ai/claude-code': ^2\n    notes: npm:@google/gemini-cli@0.1.0\noverrides:\n  'task-master>@openai/codex@0': 0.2.0\n  opencode-ai: '-'\n  '@github/copilot': $x\nconfigDependencies:\n  opencode-ai: 1.0.0+sha512-AAAA\n  '@github/copilot':\n    version: 1.0.1\npackageExtensions:\n  left-pad@1:\n    dependencies:\n      '@openai/codex': 0.3.0\n";
        assert_eq!(
            rows(text),
            [
                "4 @openai/codex 0.1.0",
                "8 @anthropic-ai/claude-code ~^2",
                "9 @google/gemini-cli 0.1.0",
                "11 @openai/codex 0.2.0",
                "21 @openai/codex 0.3.0",
                "15 opencode-ai 1.0.0",
                "16 @github/copilot 1.0.1",
            ]
        );
        for text in ["", "# packages:\n", "packages: []\n", "catalog: 7\ncatalogs: []\noverrides: x\n"] {
            assert_eq!(rows(text), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn a_reference_is_answered_by_its_catalog() {
        let document = yaml::parse(
            b"catalog: {a: 1.0.0, b: 'catalog:x'}\ncatalogs: {x: {a: 2.0.0}, default: {c: 3.0.0}}\nworkspaces: {catalog: {d: 4.0.0}}\n",
        )
        .unwrap();
        for (reference, name, expected) in [
            ("", "a", Some("1.0.0")),
            ("default", "a", Some("1.0.0")),
            (" x ", "a", Some("2.0.0")),
            ("", "c", Some("3.0.0")),
            ("", "d", Some("4.0.0")),
            ("", "b", None),
            ("y", "a", None),
            ("x", "c", None),
        ] {
            assert_eq!(answer(&document, reference, name), expected, "{reference} {name}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_said() {
        let catalogue = Catalogue::built_in();
        for text in ["catalog:\n  a: 1\n  a: 2\n", "<<<<<<< HEAD\ncatalog: {}\n", "a: [1"] {
            let reading = read(&Source::new(Path::new("pnpm-workspace.yaml"), text.as_bytes(), &catalogue));
            assert!(matches!(&reading.oddities[..], [Oddity::Unparsable { .. }]), "{text}");
        }
    }
}
