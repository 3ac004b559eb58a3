//! `Cargo.toml` (The Cargo Book, "Specifying Dependencies"): a bare version is a range there, and only `=` is exact.

use super::{add, exact, floating, known};
use crate::evidence::Request;
use crate::gather::repository::document::{Member, Node, toml};
use crate::gather::repository::pins::CARGO_LOCKS;
use crate::gather::repository::{Format, Pins, Reading, Source};
use crate::tool::Ecosystem;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { pins: Pins::By(CARGO_LOCKS), ..Format::named("Cargo.toml", |place| place.is_called(&["Cargo.toml"]), read) };

/// Sections of `name = requirement`; the ones with `_` are of older versions.
const SECTIONS: [&str; 5] = ["dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies"];

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    let targets = document.get("target").map(Node::members).unwrap_or_default().iter().map(|target| &target.value);
    let tables = std::iter::once(&document).chain(document.get("workspace")).chain(targets);
    for section in tables.flat_map(|table| SECTIONS.iter().filter_map(|section| table.get(section))) {
        section.members().iter().for_each(|member| ask(source, &member.key, member, &mut reading));
    }
    // A patch takes the place of what the registry has; each table below is one registry.
    let patches =
        document.get("patch").map(Node::members).unwrap_or_default().iter().flat_map(|registry| registry.value.members());
    patches.for_each(|member| ask(source, &member.key, member, &mut reading));
    for member in document.get("replace").map(Node::members).unwrap_or_default() {
        ask(source, member.key.split([':', '@']).next().unwrap_or_default(), member, &mut reading);
    }
    reading
}

fn ask(source: &Source<'_>, name: &str, member: &Member<'_>, reading: &mut Reading) {
    let key = |key: &str| member.value.get(key).and_then(Node::text);
    // The version of an inherited dependency stands in the workspace; a folder of the repository is nothing that is brought in.
    let is_inherited = member.value.get("workspace").is_some_and(Node::is_true);
    let is_here = key("path").is_some() && key("git").is_none();
    if is_inherited || is_here {
        return;
    }
    let Some(known) = known(source.catalogue, Ecosystem::Cargo, key("package").unwrap_or(name)) else { return };
    let version = member.value.text().or_else(|| key("version")).unwrap_or_default();
    let request = key("git").map_or_else(|| request(version), floating);
    add(source, known, request, member.line, reading);
}

/// `=1.2.3` in full is exact; everything else lets cargo choose.
fn request(text: &str) -> Request {
    let only = text.trim().strip_prefix('=').map(str::trim).filter(|version| !version.contains(','));
    match only.map(|version| exact(Ecosystem::Cargo, version)) {
        Some(Request::Exact(version)) if version.is_ordered() => Request::Exact(version),
        _ => floating(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;

    #[test]
    fn every_section_is_read_with_its_line() {
        let text = r#"[package]
name = "rmcp"
[dependencies]
rmcp = "=0.8.0"
gpt = { package = "async-openai", version = "0.30", features = ["x"] }
ollama-rs = { workspace = true }
[dev-dependencies.rig-core]
version = "= 0.9"
[target.'cfg(unix)'.build-dependencies]
genai = { git = "https://acme.example/genai", branch = "main" }
[workspace.dependencies]
ollama-rs = ">=0.2, <0.4"
rig-core = { path = "../rig" }
[patch.crates-io]
rmcp = { git = "https://acme.example/rmcp" }
"#;
        assert_eq!(
            rows(super::read, "Cargo.toml", text),
            [
                "4:rmcp =0.8.0",
                "5:async-openai ~0.30",
                "7:rig-core ~= 0.9",
                "12:ollama-rs ~>=0.2, <0.4",
                "10:genai ~https://acme.example/genai",
                "15:rmcp ~https://acme.example/rmcp",
            ]
        );
    }
}
