//! `package.json`: what a project asks npm, pnpm, yarn and bun to install.
//!
//! Peers are read like the rest, because npm installs them since version 7; those marked optional it does not. Overrides and
//! resolutions install nothing by themselves, yet they decide which version arrives. In a `node_modules` folder the file tells
//! what the package itself is.

use super::npm;
use super::pnpm_workspace::catalogs;
use crate::evidence::{Mention, Request, Role};
use crate::gather::repository::document::{Member, Node as Json, Value};
use crate::gather::repository::pins::NPM_LOCKS;
use crate::gather::repository::{Format, Pins, Place, Reading, Source};
use crate::source::Location;
use std::path::Path;

/// Sections of `name: specification`.
const SECTIONS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
/// The deepest nesting of overrides that is followed; JSON of more depth was refused before.
const MAX_NESTING: usize = 128;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { pins: Pins::By(NPM_LOCKS), ..Format::named("package.json", matches, read) };

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&["package.json"])
}

fn read(source: &Source<'_>) -> Reading {
    let json = match source.json() {
        Ok(json) => json,
        Err(error) => return Reading::unreadable(source, "JSON", error),
    };
    let mut reading = Reading::default();
    own_identity(source, json, &mut reading);
    if is_vendored(source.path) {
        return reading;
    }
    for section in SECTIONS {
        let Some(dependencies) = json.get(section) else { continue };
        for member in dependencies.members() {
            let is_optional_peer = section == "peerDependencies"
                && json
                    .get("peerDependenciesMeta")
                    .and_then(|meta| meta.get(&member.key)?.get("optional"))
                    .is_some_and(Json::is_true);
            if !is_optional_peer {
                ask(source, &member.key, member.value.text().unwrap_or_default(), member.line, &mut reading);
            }
        }
    }
    // Catalogs of bun: what its workspaces refer to.
    for entry in catalogs(json).into_iter().flat_map(|(_, catalog)| catalog.members()) {
        ask(source, &entry.key, entry.value.text().unwrap_or_default(), entry.line, &mut reading);
    }
    if let Some(pnpm) = json.get("pnpm") {
        extended(source, pnpm, &mut reading);
    }
    for overrides in [json.get("overrides"), json.get("resolutions"), json.get("pnpm").and_then(|p| p.get("overrides"))] {
        for member in overrides.map(Json::members).unwrap_or_default() {
            read_override(source, &member.key, member, 0, &mut reading);
        }
    }
    reading
}

/// `packageExtensions`: dependencies that a project adds to packages of others.
pub(super) fn extended(source: &Source<'_>, settings: &Json<'_>, reading: &mut Reading) {
    let extensions = settings.get("packageExtensions").map(Json::members).unwrap_or_default();
    for section in extensions.iter().flat_map(|extension| SECTIONS.map(|section| extension.value.get(section))).flatten() {
        for member in section.members() {
            ask(source, &member.key, member.value.scalar().unwrap_or_default(), member.line, reading);
        }
    }
}

/// A package kept in the repository says itself what it is: in `node_modules`, or as the project's own name.
fn own_identity(source: &Source<'_>, json: &Json<'_>, reading: &mut Reading) {
    let member = |key: &str| json.members().iter().find(|m| m.key == key);
    let Some((name, line)) = member("name").and_then(|m| Some((m.value.text()?, m.line))) else { return };
    let Some(known) = npm::known(source.catalogue, name) else { return };
    // Its own source repository is no installation of it.
    if !is_vendored(source.path) {
        return;
    }
    let version = npm::version_of(known.tool, member("version").and_then(|m| m.value.text()).unwrap_or_default());
    reading.mentions.push(Mention {
        tool: known.tool.id.clone(),
        package: known.package,
        request: Request::Exact(version),
        integrity: crate::evidence::Integrity::none(),
        location: Location { path: source.path.to_owned(), line: Some(line) },
        brought_by: Vec::new(),
        role: Role::Dependency,
        quote: None,
    });
}

fn is_vendored(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "node_modules")
}

pub(super) fn ask(source: &Source<'_>, name: &str, specification: &str, line: u32, reading: &mut Reading) {
    let Some((known, request)) = npm::asked(source.catalogue, name, specification) else { return };
    reading.mentions.push(Mention {
        tool: known.tool.id.clone(),
        package: known.package,
        request,
        integrity: crate::evidence::Integrity::none(),
        location: Location { path: source.path.to_owned(), line: Some(line) },
        brought_by: Vec::new(),
        role: Role::Dependency,
        quote: None,
    });
}

/// `name`, `name@range`, `parent>name`, `**/name`; the value a specification, or an object where `.` stands for the name
/// itself and the rest for what it brings.
fn read_override(source: &Source<'_>, key: &str, member: &Member<'_>, depth: usize, reading: &mut Reading) {
    if depth > MAX_NESTING {
        return;
    }
    let name = overridden(key);
    match &member.value.value {
        // `$name` repeats the project's own dependency, which is read where it stands.
        Value::Text(text) if text.starts_with('$') => {}
        Value::Text(text) => ask(source, name, text, member.line, reading),
        Value::Object(members) => {
            for below in members {
                let key = if below.key == "." { key } else { &below.key };
                read_override(source, key, below, depth + 1, reading);
            }
        }
        _ => {}
    }
}

/// The package that an override's key speaks of.
pub(super) fn overridden(key: &str) -> &str {
    let last = key.rsplit('>').next().unwrap_or(key).trim();
    // yarn: a path of packages, each with or without a scope.
    let name = match last.rfind('/') {
        None => last,
        Some(slash) => {
            let before = last[..slash].rfind('/').map_or(0, |at| at + 1);
            if last[before..].starts_with('@') { &last[before..] } else { &last[slash + 1..] }
        }
    };
    npm::split_version(name).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::evidence::Oddity;

    fn read_at(path: &str, text: &str) -> Reading {
        let catalogue = Catalogue::built_in();
        read(&Source::new(Path::new(path), text.as_bytes(), &catalogue))
    }

    fn mentions(text: &str) -> Vec<(String, String, u32)> {
        let reading = read_at("package.json", text);
        assert_eq!(reading.oddities, []);
        let request = |request: &Request| match request {
            Request::Exact(version) => version.as_str().to_owned(),
            Request::Floating { text, .. } => format!("~{text}"),
        };
        reading.mentions.iter().map(|m| (m.package.name.clone(), request(&m.request), m.location.line.unwrap())).collect()
    }

    #[test]
    fn catalogs_of_bun_are_read() {
        let found = mentions(
            r#"{"workspaces": {"packages": ["a"], "catalog": {"@openai/codex": "0.1.0"}},
"catalogs": {"x": {"opencode-ai": "^1"}}, "dependencies": {"@github/copilot": "workspace:*"}}"#,
        );
        assert_eq!(found, [("opencode-ai".to_owned(), "~^1".to_owned(), 2), ("@openai/codex".to_owned(), "0.1.0".to_owned(), 1)]);
    }

    #[test]
    fn every_section_is_read_with_its_line() {
        let found = mentions(
            r#"{
  "name": "shop",
  "dependencies": { "left-pad": "1.0.0",
    "@anthropic-ai/claude-code": "2.1.150" },
  "devDependencies": { "@openai/codex": "^0.100.0" },
  "optionalDependencies": {
    "@google/gemini-cli": "latest"
  },
  "peerDependencies": { "opencode-ai": "1.0.0", "@openai/codex": "*" },
  "peerDependenciesMeta": { "@openai/codex": { "optional": true } }
}"#,
        );
        let found: Vec<_> = found.iter().map(|(n, r, l)| (n.as_str(), r.as_str(), *l)).collect();
        assert_eq!(
            found,
            [
                ("@anthropic-ai/claude-code", "2.1.150", 4),
                ("@openai/codex", "~^0.100.0", 5),
                ("@google/gemini-cli", "~latest", 7),
                ("opencode-ai", "1.0.0", 9),
            ]
        );
    }

    #[test]
    fn overrides_and_resolutions_are_read() {
        let found = mentions(
            r#"{"overrides": {"task-master": {".": "1", "@anthropic-ai/claude-code": "2.1.150"}, "@openai/codex@^0.1": "0.100.0", "x": "$x"},
"resolutions": {"**/@google/gemini-cli": "0.1.0", "a/opencode-ai": "1.0.0"},
"pnpm": {"overrides": {"a>@anthropic-ai/claude-code@2": "npm:@anthropic-ai/claude-code@2.1.151"}}}"#,
        );
        let found: Vec<_> = found.iter().map(|(n, r, l)| (n.as_str(), r.as_str(), *l)).collect();
        assert_eq!(
            found,
            [
                ("@anthropic-ai/claude-code", "2.1.150", 1),
                ("@openai/codex", "0.100.0", 1),
                ("@google/gemini-cli", "0.1.0", 2),
                ("opencode-ai", "1.0.0", 2),
                ("@anthropic-ai/claude-code", "2.1.151", 3),
            ]
        );
    }

    #[test]
    fn a_package_in_the_repository_says_what_it_is() {
        let text = r#"{"name":"@anthropic-ai/claude-code","version":"2.1.150","dependencies":{"@openai/codex":"*"}}"#;
        let vendored = read_at("app/node_modules/notes/package.json", text);
        assert_eq!(vendored.mentions.len(), 1);
        assert!(matches!(&vendored.mentions[0].request, Request::Exact(version) if version.as_str() == "2.1.150"));
        // The tool's own source repository asks for its dependencies, not for itself.
        let own: Vec<_> = read_at("package.json", text).mentions.into_iter().map(|m| m.package.name).collect();
        assert_eq!(own, ["@openai/codex"]);
    }

    #[test]
    fn what_is_no_package_json_is_said() {
        for text in ["{", "[1,", "{\"dependencies\":{\"a\":\"1\",\"a\":\"2\"}}", "<<<<<<< HEAD"] {
            let reading = read_at("package.json", text);
            assert!(matches!(&reading.oddities[..], [Oddity::Unparsable { .. }]), "{text}");
        }
        // Other shapes hold nothing that npm would read.
        for text in ["[]", "7", "{\"dependencies\":[\"@openai/codex\"]}", "{\"dependencies\":null}"] {
            assert_eq!(mentions(text), [], "{text}");
        }
        // A name with no usable specification still asks.
        assert_eq!(mentions(r#"{"dependencies":{"@openai/codex":7}}"#), [("@openai/codex".to_owned(), "~".to_owned(), 1)]);
    }
}
