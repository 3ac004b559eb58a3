//! Base URLs: variables that send what people say, and the code with it, to another place than the vendor's.
//!
//! The variables are those that the tools themselves read (tools.md of the design, 3.4). They are looked for wherever a repository sets
//! variables: `.env` files, shell scripts, Dockerfiles, compose files, workflows, dev containers, task files. A placeholder such as
//! `${GATEWAY}` is passed on as it is written: whether a place that is not written out is allowed is for policy to say.
//! Left out here, because they are no other place: nothing at all, this machine, and the vendor's own hosts under its own variable.

use super::address;
use super::telling::Telling;
use crate::catalogue::Catalogue;
use crate::gather::repository::document::{Node, jsonc, text_of, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};

/// The variables, and the vendor whose hosts they may name without leading elsewhere.
const VARIABLES: [(&str, &str); 16] = [
    ("ANTHROPIC_BASE_URL", "Anthropic"),
    ("ANTHROPIC_BEDROCK_BASE_URL", ""),
    ("ANTHROPIC_FOUNDRY_BASE_URL", ""),
    ("ANTHROPIC_VERTEX_BASE_URL", ""),
    ("CLAUDE_CODE_API_BASE_URL", "Anthropic"),
    ("CLINE_API_BASE_URL", "Cline Bot"),
    ("CONTINUE_API_BASE", "Continue"),
    ("FACTORY_API_BASE_URL", "Factory"),
    ("GOOGLE_GEMINI_BASE_URL", "Google"),
    ("GOOGLE_VERTEX_BASE_URL", "Google"),
    ("GROK_BASE_URL", "xAI"),
    ("KIMI_BASE_URL", "Moonshot AI"),
    ("LETTA_BASE_URL", "Letta"),
    ("LLM_BASE_URL", ""),
    ("OPENAI_API_BASE", "OpenAI"),
    ("OPENAI_BASE_URL", "OpenAI"),
];

/// What all of them have in common: one search in place of sixteen says that a file holds none of them.
const COMMON: &[u8] = b"_BASE";

/// The longest line that is searched, in bytes.
const LONGEST_LINE: usize = 16 << 10;
/// The largest file: nobody sets variables in a larger one.
const LARGEST: u64 = 4 << 20;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { largest: LARGEST, is_told_by_name: false, ..Format::named("environment", matches, read) };

/// Whether a variable is one of those that lead elsewhere.
pub(super) fn is_variable(name: &str) -> bool {
    VARIABLES.iter().any(|(known, _)| *known == name)
}

/// Whether an address under this key is another place than the vendor's.
pub(super) fn is_elsewhere(catalogue: &Catalogue, key: &str, text: &str) -> bool {
    if text.is_empty() || address::is_loopback(text) {
        return false;
    }
    let vendor = match VARIABLES.iter().find(|(known, _)| *known == key) {
        Some((_, vendor)) => *vendor,
        // Codex's own keys; a provider that is named in settings is somebody's, and nobody's default.
        None if matches!(key, "openai_base_url" | "chatgpt_base_url" | "openai-api-base") => "OpenAI",
        None => "",
    };
    vendor.is_empty() || !address::is_of_vendor(catalogue, vendor, text)
}

/// How the file is read.
enum Shape {
    Lines,
    Yaml,
    Json,
}

fn shape(place: &Place<'_>) -> Option<Shape> {
    let name = place.name();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    if name == ".env" || name.starts_with(".env.") || ending == "env" && !stem.is_empty() || name == ".envrc" {
        return Some(Shape::Lines);
    }
    let is_docker = ["dockerfile", "containerfile"].iter().any(|known| name.starts_with(known) || ending == *known);
    let is_task = matches!(name, "makefile" | "gnumakefile" | "justfile" | "mise.toml" | ".mise.toml" | ".bashrc" | ".profile");
    if is_docker || is_task || matches!(ending, "sh" | "bash" | "zsh" | "fish" | "ps1" | "bat" | "cmd" | "mk" | "just") {
        return Some(Shape::Lines);
    }
    match ending {
        "yml" | "yaml" => {
            let parent = place.parent();
            let is_in = |folder: &str| parent.is_some_and(|parent| super::ends_with(parent, folder));
            let is_named = name.starts_with("compose.") || name.starts_with("compose-") || name.contains("docker-compose");
            let is_task = matches!(stem, "action" | "taskfile" | ".gitlab-ci" | "azure-pipelines" | "bitbucket-pipelines");
            (is_in(".github/workflows") || is_in(".circleci") || is_named || is_task || stem.ends_with(".gitlab-ci"))
                .then_some(Shape::Yaml)
        }
        "json" => matches!(name, "devcontainer.json" | ".devcontainer.json" | "package.json").then_some(Shape::Json),
        _ => None,
    }
}

fn matches(place: &Place<'_>) -> bool {
    shape(place).is_some()
}

fn read(source: &Source<'_>) -> Reading {
    let mut telling = Telling::new(source, "");
    let is_possible = memchr::memmem::find(source.bytes, COMMON).is_some();
    match shape(&Place::of(source.path)) {
        // An escaped key is still the key: YAML and JSON are read as such, whether the name stands in them or not.
        Some(Shape::Yaml) if is_possible || source.bytes.contains(&b'\\') => match yaml::parse_all(source.bytes) {
            Ok(documents) => documents.iter().for_each(|document| walk(&mut telling, document)),
            Err(_) => lines(&mut telling),
        },
        Some(Shape::Json) if is_possible || source.bytes.contains(&b'\\') => match jsonc::parse(source.bytes) {
            Ok(root) => walk(&mut telling, &root),
            Err(_) => lines(&mut telling),
        },
        Some(_) if is_possible => lines(&mut telling),
        _ => {}
    }
    telling.reading
}

/// Members whose key is one of the variables, and texts that set one: scripts, and lists of `NAME=value`.
fn walk(telling: &mut Telling<'_, '_>, node: &Node<'_>) {
    for member in node.members() {
        match member.value.scalar() {
            Some(value) if is_variable(&member.key) => telling.base_url(&member.key, value, member.value.line),
            _ => walk(telling, &member.value),
        }
    }
    for item in node.items() {
        walk(telling, item);
    }
    if let Some(text) = node.text() {
        for (line, text) in (node.line..).zip(text.lines()) {
            of_line(telling, text, line);
        }
    }
}

fn lines(telling: &mut Telling<'_, '_>) {
    // What is no text sets no variables.
    let Ok(text) = text_of(telling.source.bytes) else { return };
    for (line, text) in (1_u32..).zip(text.lines()) {
        of_line(telling, text, line);
    }
}

/// A line that sets variables, in the words of any shell, of `.env` files, of Dockerfiles and of YAML.
fn of_line(telling: &mut Telling<'_, '_>, text: &str, line: u32) {
    if text.len() > LONGEST_LINE || is_comment(text) {
        return;
    }
    for (name, _) in VARIABLES {
        for at in memchr::memmem::find_iter(text.as_bytes(), name) {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let before = &text[..at];
            // `$NAME` and `${NAME}` read the variable.
            if before.ends_with(|c: char| is_word(c) || c == '$') || before.ends_with("${") {
                continue;
            }
            let is_docker = before.trim_end().eq_ignore_ascii_case("env") || before.trim_end().eq_ignore_ascii_case("set -gx");
            if let Some(value) = value_after(&text[at + name.len()..], is_docker) {
                telling.base_url(name, value, line);
            }
        }
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//") || line.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("rem "))
}

/// What the text after a variable's name gives it.
fn value_after(rest: &str, by_space: bool) -> Option<&str> {
    // The quote that closes a key: `"NAME": `, `["NAME"] =`.
    let rest = rest.trim_start_matches(['"', '\'', ']', '`']);
    let trimmed = rest.trim_start();
    let value = match trimmed.strip_prefix("?=").or_else(|| trimmed.strip_prefix(":=")) {
        Some(value) => value,
        None => match trimmed.strip_prefix(['=', ':']) {
            // `==` compares.
            Some(value) if !value.starts_with('=') => value,
            None if by_space && rest.starts_with(' ') => rest,
            _ => return None,
        },
    };
    let value = value.trim_start();
    let (value, end): (&str, &[char]) = match value.chars().next() {
        Some('"') => (&value[1..], &['"']),
        Some('\'') => (&value[1..], &['\'']),
        Some('`') => (&value[1..], &['`']),
        // `${{ secrets.X }}` holds spaces.
        Some('$') if value.starts_with("${{") => return value.find("}}").map(|end| &value[..end + 2]),
        _ => (value, &[' ', '\t', ';', '&', '|', '"', '\'', ')', ',']),
    };
    Some(value.split(end).next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Told;
    use std::path::Path;

    fn told(path: &str, text: &str) -> Vec<(String, String, u32)> {
        let catalogue = Catalogue::built_in();
        let path = Path::new(path);
        assert!(matches(&Place::of(path)), "{}", path.display());
        let reading = read(&Source::new(path, text.as_bytes(), &catalogue));
        assert_eq!(reading.oddities, []);
        let one = |directive: &crate::evidence::Directive| match &directive.what {
            Told::BaseUrl { key, address } => (key.clone(), address.clone(), directive.location.line.unwrap()),
            other => panic!("{other:?}"),
        };
        reading.directives.iter().map(one).collect()
    }

    #[track_caller]
    fn tells(path: &str, text: &str, expected: &[(&str, &str, u32)]) {
        let found = told(path, text);
        let found: Vec<_> = found.iter().map(|(key, address, line)| (key.as_str(), address.as_str(), *line)).collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn the_common_part_is_in_every_variable() {
        for (name, _) in VARIABLES {
            assert!(memchr::memmem::find(name.as_bytes(), COMMON).is_some(), "{name}");
        }
    }

    #[test]
    fn variables_are_found_where_they_are_set() {
        let key = "ANTHROPIC_BASE_URL";
        let place = "https://gateway.acme.example/v1";
        tells(".env", &format!("# {key}=https://old.example\nexport {key}={place}\n"), &[(key, place, 2)]);
        tells(".env.example", &format!("{key}=\"{place}\" # the gateway"), &[(key, place, 1)]);
        tells("a/.envrc", &format!("export OTHER=1 {key}='{place}'"), &[(key, place, 1)]);
        tells("run.sh", &format!("{key}={place} claude -p 'x'\n"), &[(key, place, 1)]);
        tells("run.ps1", &format!("$env:{key} = \"{place}\""), &[(key, place, 1)]);
        tells("a.fish", &format!("set -gx {key} {place}"), &[(key, place, 1)]);
        tells(
            "Dockerfile",
            &format!("FROM x\nENV {key} {place}\nENV A=1 OPENAI_BASE_URL={place}\n"),
            &[(key, place, 2), ("OPENAI_BASE_URL", place, 3)],
        );
        tells("Makefile", &format!("{key} ?= {place}\n\t{key}={place} claude"), &[(key, place, 1), (key, place, 2)]);
        tells(
            "compose.yml",
            &format!("services:\n  a:\n    environment:\n      {key}: {place}\n  b:\n    environment:\n      - {key}={place}\n"),
            &[(key, place, 4), (key, place, 7)],
        );
        tells(
            ".github/workflows/a.yml",
            &format!(
                "jobs:\n  a:\n    env:\n      \"{key}\": ${{{{ vars.GATEWAY }}}}\n    steps:\n      - run: |\n          echo\n          export {key}={place}\n"
            ),
            &[(key, "${{ vars.GATEWAY }}", 4), (key, place, 8)],
        );
        // A key that is escaped is the same key.
        tells("compose.yaml", &format!("a:\n  \"ANTHROPIC_BASE\\u005fURL\": {place}\n"), &[(key, place, 2)]);
        tells(
            ".devcontainer/devcontainer.json",
            &format!("{{ // x\n\"remoteEnv\": {{\"{key}\": \"{place}\"}},\n}}"),
            &[(key, place, 2)],
        );
        // No YAML that can be relied on is still text.
        tells("docker-compose.yml", &format!("a: [\n{key}: {place}\n"), &[(key, place, 2)]);
    }

    #[test]
    fn placeholders_are_passed_on_as_they_are_written() {
        for value in ["$GATEWAY", "${GATEWAY:-https://x.example}", "http://${HOST}:8080/v1", "gateway.internal"] {
            tells(".env", &format!("OPENAI_BASE_URL={value}"), &[("OPENAI_BASE_URL", value, 1)]);
        }
    }

    #[test]
    fn what_leads_nowhere_else_is_nothing() {
        for text in [
            "ANTHROPIC_BASE_URL=",
            "ANTHROPIC_BASE_URL=\"\"",
            "ANTHROPIC_BASE_URL=https://api.anthropic.com",
            "OPENAI_BASE_URL=https://api.openai.com/v1",
            "OPENAI_BASE_URL=http://localhost:11434/v1",
            "OPENAI_API_BASE=http://127.0.0.1:1234/v1",
            "echo $ANTHROPIC_BASE_URL",
            "echo \"${ANTHROPIC_BASE_URL:=https://x.example}\"",
            "if [ \"$OPENAI_BASE_URL\" == \"x\" ]; then",
            "MY_ANTHROPIC_BASE_URL=https://x.example",
            "ANTHROPIC_BASE_URL_OLD=https://x.example",
            "unset ANTHROPIC_BASE_URL",
            "# ANTHROPIC_BASE_URL=https://x.example",
            "rem ANTHROPIC_BASE_URL=https://x.example",
        ] {
            tells("run.sh", text, &[]);
        }
        // Another vendor's host is another place.
        tells(".env", "ANTHROPIC_BASE_URL=https://api.openai.com", &[("ANTHROPIC_BASE_URL", "https://api.openai.com", 1)]);
        tells(".env", "ANTHROPIC_BASE_URL=http://api.anthropic.com", &[("ANTHROPIC_BASE_URL", "http://api.anthropic.com", 1)]);
    }

    #[test]
    fn only_files_that_set_variables_are_read() {
        for path in ["README.md", "src/main.rs", "a.json", "config.yml", "env", "Dockerfiles.md"] {
            assert!(!matches(&Place::of(Path::new(path))) || path == "Dockerfiles.md", "{path}");
        }
        for path in
            [".env", ".env.local", "prod.env", ".envrc", "Dockerfile.dev", "api.Dockerfile", ".gitlab-ci.yml", "action.yml"]
        {
            assert!(matches(&Place::of(Path::new(path))), "{path}");
        }
    }

    #[test]
    fn every_base_url_of_the_catalogue_is_known_here() {
        let catalogue = Catalogue::built_in();
        for name in catalogue.tools().iter().flat_map(|tool| &tool.env) {
            let is_base = ["_BASE_URL", "_API_BASE"].iter().any(|ending| name.ends_with(ending));
            assert!(!is_base || is_variable(name), "{name}");
        }
        let vendors: Vec<_> = catalogue.tools().iter().map(|tool| tool.vendor.as_str()).collect();
        for (name, vendor) in VARIABLES {
            assert!(vendor.is_empty() || vendors.contains(&vendor), "{name} {vendor}");
        }
    }
}
