//! `pyproject.toml`: dependencies of a project (PEP 621), groups (PEP 735), what builds it (PEP 518), and what Poetry, PDM, uv, Hatch and
//! Rye keep in tables of their own.

use super::pypi::{self, Asks, asked, mentions_of_text};
use super::{poetry, requirements};
use crate::gather::repository::document::{Node, Value, toml};
use crate::gather::repository::pins::PYTHON_LOCKS;
use crate::gather::repository::{Format, Pins, Reading, Source};

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format {
    pins: Pins::By(PYTHON_LOCKS),
    ..Format::named("pyproject.toml", |place| place.is_called(&["pyproject.toml"]), read)
};

/// The settings of uv alone.
pub(in crate::gather::repository) const UV_FORMAT: Format =
    Format { pins: Pins::By(PYTHON_LOCKS), ..Format::named("uv.toml", |place| place.is_called(&["uv.toml"]), read_uv) };

/// The manifest of pixi alone.
pub(in crate::gather::repository) const PIXI_FORMAT: Format =
    Format::named("pixi.toml", |place| place.is_called(&["pixi.toml"]), read_pixi);

/// Lists of requirements.
const LISTS: [&[&str]; 10] = [
    &["project", "dependencies"],
    &["build-system", "requires"],
    &["tool", "uv", "dev-dependencies"],
    &["tool", "uv", "constraint-dependencies"],
    &["tool", "uv", "override-dependencies"],
    &["tool", "uv", "build-constraint-dependencies"],
    &["tool", "uv", "pip", "extra"],
    &["tool", "rye", "dev-dependencies"],
    &["tool", "pdm", "build", "requires"],
    &["tool", "hatch", "build", "dependencies"],
];

/// Tables of lists of requirements.
const TABLES: [&[&str]; 3] =
    [&["project", "optional-dependencies"], &["dependency-groups"], &["tool", "pdm", "dev-dependencies"]];

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    let lists = LISTS.iter().filter_map(|keys| document.at(keys));
    let tables = TABLES.iter().filter_map(|keys| document.at(keys)).flat_map(Node::members).map(|member| &member.value);
    let environments = document.at(&["tool", "hatch", "envs"]).map(Node::members).unwrap_or_default();
    let of_hatch = environments
        .iter()
        .flat_map(|environment| ["dependencies", "extra-dependencies"].map(|key| environment.value.get(key)))
        .flatten();
    for item in lists.chain(tables).chain(of_hatch).flat_map(Node::items) {
        // `{ include-group = "other" }` is read where that group stands.
        if let Some(text) = item.text() {
            mentions_of_text(source, text, item.line, &mut reading);
        }
    }
    of_poetry(source, &document, &mut reading);
    of_sources(source, &document, &mut reading);
    of_files(source, &document, &mut reading);
    if let Some(pixi) = document.at(&["tool", "pixi"]) {
        of_pixi(source, pixi, &mut reading);
    }
    reading
}

/// `uv.toml`: what `[tool.uv]` holds, at the top.
fn read_uv(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    let lists = LISTS.iter().filter_map(|keys| document.at(keys.strip_prefix(&["tool", "uv"])?));
    for item in lists.flat_map(Node::items) {
        if let Some(text) = item.text() {
            mentions_of_text(source, text, item.line, &mut reading);
        }
    }
    reading
}

fn read_pixi(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    of_pixi(source, &document, &mut reading);
    reading
}

/// Distributions that pixi takes from an index of Python: of the project, of its features, for one platform.
fn of_pixi(source: &Source<'_>, pixi: &Node<'_>, reading: &mut Reading) {
    let below = |key: &str| pixi.get(key).map(Node::members).unwrap_or_default().iter().map(|member| &member.value);
    for node in std::iter::once(pixi).chain(below("feature")).chain(below("target")) {
        for member in node.get("pypi-dependencies").map(Node::members).unwrap_or_default() {
            poetry::ask(source, &member.key, &member.value, member.line, reading);
        }
    }
}

/// Files that setuptools reads dependencies from (`[tool.setuptools.dynamic]`).
fn of_files(source: &Source<'_>, document: &Node<'_>, reading: &mut Reading) {
    let Some(dynamic) = document.at(&["tool", "setuptools", "dynamic"]) else { return };
    let optional = dynamic.get("optional-dependencies").map(Node::members).unwrap_or_default();
    let tables = dynamic.get("dependencies").into_iter().chain(optional.iter().map(|member| &member.value));
    for file in tables.filter_map(|table| table.get("file")) {
        for name in std::iter::once(file).chain(file.items()) {
            if let Some(text) = name.text() {
                requirements::include(source, text, name.line, reading);
            }
        }
    }
}

fn of_poetry(source: &Source<'_>, document: &Node<'_>, reading: &mut Reading) {
    let Some(poetry) = document.at(&["tool", "poetry"]) else { return };
    let own = ["dependencies", "dev-dependencies"].iter().filter_map(|key| poetry.get(key));
    let groups = poetry.get("group").map(Node::members).unwrap_or_default();
    let groups = groups.iter().filter_map(|group| group.value.get("dependencies"));
    for member in own.chain(groups).flat_map(Node::members) {
        poetry::ask(source, &member.key, &member.value, member.line, reading);
    }
}

/// Where uv takes a dependency from in place of an index: an address, of which the file may be another distribution than it is called.
fn of_sources(source: &Source<'_>, document: &Node<'_>, reading: &mut Reading) {
    let sources = document.at(&["tool", "uv", "sources"]).map(Node::members).unwrap_or_default();
    for member in sources {
        let several = match &member.value.value {
            Value::Array(items) => items.as_slice(),
            _ => std::slice::from_ref(&member.value),
        };
        for one in several {
            let address = ["url", "git", "path"].iter().find_map(|key| one.get(key).and_then(Node::text));
            for tool in
                address.map(|address| asked(source.catalogue, Some(&member.key), Asks::Address(address))).unwrap_or_default()
            {
                reading.mention(source, pypi::mention(source, tool, member.line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::evidence::{Oddity, Request};
    use std::path::Path;

    fn read_text(text: &str) -> Reading {
        read(&Source::new(Path::new("pyproject.toml"), text.as_bytes(), &Catalogue::built_in()))
    }

    fn rows(text: &str) -> Vec<String> {
        let reading = read_text(text);
        assert_eq!(reading.oddities, []);
        let row = |m: crate::evidence::Mention| {
            let request = match &m.request {
                Request::Exact(version) => format!("={version}"),
                Request::Floating { text, .. } => format!("~{text}"),
            };
            format!("{}:{} {request}", m.location.line.unwrap(), m.package.name)
        };
        let mut rows: Vec<String> = reading.mentions.into_iter().map(row).collect();
        rows.sort();
        rows
    }

    #[test]
    fn standard_tables_are_read_with_their_lines() {
        let text = r#"[build-system]
requires = ["hatchling", "openai"]
[project]
name = "claude-agent-sdk"
dependencies = [
  "claude_agent_sdk==0.1.55",
  "httpx",
]
[project.optional-dependencies]
x = ["anthropic[vertex]~=0.5 ; extra == 'y'"]
[dependency-groups]
a = ["mcp>=1", {include-group = "b"}]
b = ["litellm===1.2.3"]
[tool.uv]
dev-dependencies = ["crewai==1.0"]
override-dependencies = ["instructor<2"]
[tool.uv.sources]
dspy = { git = "https://acme.example/dspy", rev = "x" }
notes = [{ url = "https://acme.example/smolagents-1.0-py3-none-any.whl", marker = "x" }]
[tool.hatch.envs.default]
dependencies = ["ollama"]
"#;
        assert_eq!(
            rows(text),
            [
                "10:anthropic ~~=0.5",
                "12:mcp ~>=1",
                "13:litellm =1.2.3",
                "15:crewai =1.0",
                "16:instructor ~<2",
                "18:dspy ~https://acme.example/dspy",
                "19:smolagents =1.0",
                "21:ollama ~*",
                "2:openai ~*",
                "6:claude-agent-sdk =0.1.55",
            ]
        );
    }

    #[test]
    fn poetry_and_pdm_are_read() {
        let text = r#"[tool.poetry]
name = "openai"
[tool.poetry.dependencies]
python = "^3.11"
openai = "^1.2"
anthropic = { version = "0.5.0", extras = ["x"] }
mcp = [{ version = "1.0", python = "<3" }, { version = "^2", python = ">=3" }]
llm = { git = "https://acme.example/llm.git" }
notes = { url = "https://acme.example/litellm-1.0-py3-none-any.whl" }
[tool.poetry.group.dev.dependencies]
crewai = "*"
[tool.pdm.dev-dependencies]
x = ["dspy==2.0", "-e file:///srv/ollama#egg=ollama"]
"#;
        assert_eq!(
            rows(text),
            [
                "11:crewai ~*",
                "13:dspy =2.0",
                "13:ollama ~file:///srv/ollama#egg=ollama",
                "5:openai ~^1.2",
                "6:anthropic =0.5.0",
                "7:mcp =1.0",
                "7:mcp ~^2",
                "8:llm ~https://acme.example/llm.git",
                "9:litellm =1.0",
            ]
        );
    }

    #[test]
    fn other_files_of_the_same_tables_are_read() {
        let read_as = |read: fn(&Source<'_>) -> Reading, text: &str| {
            let reading = read(&Source::new(Path::new("x.toml"), text.as_bytes(), &Catalogue::built_in()));
            reading.mentions.iter().map(|m| format!("{}:{}", m.location.line.unwrap(), m.package.name)).collect::<Vec<_>>()
        };
        assert_eq!(read_as(read_uv, "index-url = 'x'\nconstraint-dependencies = ['mcp==1.0']\n"), ["2:mcp"]);
        let pixi = "[pypi-dependencies]\nopenai = '==1.0'\n[feature.a.pypi-dependencies]\nmcp = {version = '==1.0'}\n[dependencies]\nllm = '*'\n";
        assert_eq!(read_as(read_pixi, pixi), ["2:openai", "4:mcp"]);
        assert_eq!(rows("[tool.pixi.pypi-dependencies]\nopenai = '==1.0'\n"), ["2:openai =1.0"]);
    }

    #[test]
    fn a_file_of_dependencies_that_is_not_read_is_said() {
        let file = |name: &str| {
            format!("[tool.setuptools.dynamic]\ndependencies = {{ file = ['{name}'] }}\nversion = {{ file = 'V' }}\n")
        };
        assert_eq!(rows(&file("requirements.txt")), [] as [String; 0]);
        let reading = read_text(&file("deps.list"));
        assert!(
            matches!(&reading.oddities[..], [Oddity::Unparsable { location, why }] if location.line == Some(2) && why.contains("deps.list"))
        );
    }

    #[test]
    fn what_is_no_pyproject_is_said() {
        assert!(matches!(&read_text("[project").oddities[..], [Oddity::Unparsable { .. }]));
        assert!(matches!(&read_text("[project]\ndependencies = ['openai=1']").oddities[..], [Oddity::Unparsable { .. }]));
        for text in [
            "",
            "project = 7",
            "[project]\ndependencies = 'openai'",
            "[tool]\nuv = []",
            "[tool.poetry]\ndependencies = ['openai']",
        ] {
            assert_eq!(rows(text), [] as [String; 0], "{text}");
        }
    }
}
