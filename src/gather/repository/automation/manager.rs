//! Version managers and package lists: asdf and mise, Homebrew's bundles, Nix flakes, devbox.

use super::command::{mentions_in, mentions_of_managed, mentions_of_nix, mentions_of_package};
use super::pipeline::scripts;
use crate::evidence::Role;
use crate::gather::repository::document::{Node, Value, jsonc, toml};
use crate::gather::repository::{Format, Place, Reading, Source};
use crate::tool::Ecosystem;
use std::path::Path;

/// `.tool-versions` of asdf, which mise reads too.
pub(in crate::gather::repository) const TOOL_VERSIONS: Format =
    Format::named(".tool-versions", |place| place.is_called(&[".tool-versions"]), read_tool_versions);

/// mise's settings of a project.
pub(in crate::gather::repository) const MISE: Format = Format::named("mise.toml", is_mise, read_mise);

/// Homebrew's bundles.
pub(in crate::gather::repository) const BREWFILE: Format = Format::named("Brewfile", is_brewfile, read_brewfile);

/// Nix: flakes and shells.
pub(in crate::gather::repository) const NIX: Format =
    Format { is_told_by_name: false, largest: 4 << 20, ..Format::named("Nix file", is_nix, read_nix) };

/// devbox.
pub(in crate::gather::repository) const DEVBOX: Format =
    Format::named("devbox.json", |place| place.is_called(&["devbox.json"]), read_devbox);

fn read_tool_versions(source: &Source<'_>) -> Reading {
    let mut reading = Reading::default();
    for (number, line) in (1_u32..).zip(String::from_utf8_lossy(source.bytes).lines()) {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(name) = words.next() else { continue };
        // Several versions stand one behind the other, the first to be found counts.
        for version in words {
            reading.mentions.extend(mentions_of_managed(source, name, Some(version), number));
        }
    }
    reading
}

fn is_mise(place: &Place<'_>) -> bool {
    if place.ending() != "toml" {
        return false;
    }
    let stem = place.name().strip_prefix('.').unwrap_or(place.name());
    let folder = place.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().to_ascii_lowercase());
    let is_in_folder = folder.is_some_and(|folder| folder == "mise" || folder == ".mise");
    let is_in_parts = place.parent().is_some_and(|folder| folder.ends_with("mise/conf.d") || folder.ends_with(".mise/conf.d"));
    is_in_parts || stem.starts_with("mise.") || stem == "rtx.toml" || (is_in_folder && stem.starts_with("config."))
}

fn read_mise(source: &Source<'_>) -> Reading {
    let root = match toml::parse(source.bytes) {
        Ok(root) => root,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    for tool in root.get("tools").map(Node::members).unwrap_or_default() {
        let versions = match &tool.value.value {
            Value::Array(items) => items.iter().collect(),
            _ => vec![&tool.value],
        };
        for version in versions {
            let version = version.get("version").unwrap_or(version).scalar();
            reading.mentions.extend(mentions_of_managed(source, &tool.key, Some(version.unwrap_or("latest")), tool.line));
        }
    }
    for task in root.get("tasks").map(Node::members).unwrap_or_default() {
        scripts(source, task.value.get("run").unwrap_or(&task.value), &mut reading);
    }
    for hook in root.get("hooks").map(Node::members).unwrap_or_default() {
        scripts(source, hook.value.get("script").unwrap_or(&hook.value), &mut reading);
    }
    reading
}

fn is_brewfile(place: &Place<'_>) -> bool {
    place.is_called(&["Brewfile", ".Brewfile"]) || place.ending() == "brewfile"
}

/// `cask "name"`, `brew "name"`, `vscode "publisher.name"`, `npm "name"`: a line each.
fn read_brewfile(source: &Source<'_>) -> Reading {
    let mut reading = Reading::default();
    for (number, line) in (1_u32..).zip(String::from_utf8_lossy(source.bytes).lines()) {
        let line = line.trim_start();
        let end = line.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let rest = rest.trim_start_matches([' ', '\t', '(']);
        let Some(quote @ ('"' | '\'')) = rest.chars().next() else { continue };
        let Some(name) = rest[1..].split(quote).next().filter(|name| name.len() + 1 < rest.len()) else { continue };
        let (ecosystem, text, role) = match word {
            "brew" => (Ecosystem::Brew, format!("formula:{name}"), Role::Command),
            "cask" => (Ecosystem::Brew, format!("cask:{name}"), Role::Command),
            "vscode" => (Ecosystem::VsCode, name.to_owned(), Role::Extension),
            "npm" => (Ecosystem::Npm, name.to_owned(), Role::Command),
            "uv" => (Ecosystem::Pypi, name.to_owned(), Role::Command),
            "cargo" => (Ecosystem::Cargo, name.to_owned(), Role::Command),
            "go" => (Ecosystem::Go, name.to_owned(), Role::Command),
            _ => continue,
        };
        reading.mentions.extend(mentions_of_package(source, ecosystem, &text, number, &role));
    }
    reading
}

fn is_nix(place: &Place<'_>) -> bool {
    place.is_called(&["flake.nix", "shell.nix", "default.nix", "devenv.nix"])
}

/// Packages of nixpkgs: `pkgs.name`, and bare names in a list. Which version that is, only the revision of nixpkgs tells, which
/// `flake.lock` pins; it does not say which version that revision holds.
fn read_nix(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    let mut reading = Reading::default();
    let mut words = Nix { text: &text, at: 0, line: 1 };
    let (mut lists, mut braces): (Vec<usize>, usize) = (Vec::new(), 0);
    let mut before: Vec<String> = Vec::new();
    let mut last_word = String::new();
    while let Some(token) = words.next() {
        match token {
            Token::Mark('[') => lists.push(braces),
            Token::Mark(']') => drop(lists.pop()),
            Token::Mark('{') => braces += 1,
            Token::Mark('}') => braces = braces.saturating_sub(1),
            Token::Word(word, line) => {
                let end = words.peek_mark();
                let is_path =
                    before.last().is_some_and(|set| set.contains("pkgs") || set.contains("Packages") || set == "packages");
                let is_item = before.is_empty() && lists.last() == Some(&braces);
                if end != Some('.') && end != Some('=') && end != Some(':') && (is_path || is_item) {
                    reading.mentions.extend(mentions_of_nix(source, word, None, line));
                }
                if end == Some('.') {
                    before.push(word.to_owned());
                    if before.len() > 16 {
                        before.remove(0);
                    }
                    continue;
                }
                if word != "=" {
                    word.clone_into(&mut last_word);
                }
            }
            // A shell's hook is a script; `${...}` in it is Nix's own.
            Token::Text(script, line) => {
                if matches!(last_word.as_str(), "shellHook" | "enterShell" | "exec") {
                    reading.mentions.extend(mentions_in(source, script, line));
                }
            }
            Token::Mark('.') => continue,
            Token::Mark(_) => {}
        }
        before.clear();
    }
    reading
}

enum Token<'t> {
    Word(&'t str, u32),
    Text(&'t str, u32),
    Mark(char),
}

/// The words, texts and marks of a Nix file, its comments left out.
struct Nix<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Nix<'t> {
    fn skip(&mut self, length: usize) -> &'t str {
        let end = (self.at + length).min(self.text.len());
        let skipped = &self.text[self.at..end];
        self.line += u32::try_from(memchr::memchr_iter(b'\n', skipped.as_bytes()).count()).unwrap_or(u32::MAX);
        self.at = end;
        skipped
    }

    fn skip_space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let length = match rest.chars().next() {
                Some(c) if c.is_whitespace() => c.len_utf8(),
                Some('#') => rest.find('\n').unwrap_or(rest.len()),
                Some('/') if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
                _ => return,
            };
            self.skip(length);
        }
    }

    /// The mark that comes next.
    fn peek_mark(&mut self) -> Option<char> {
        self.skip_space();
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        if first == '"' {
            let end = quoted(rest);
            let line = self.line;
            return Some(Token::Text(self.skip(end).trim_matches('"'), line));
        }
        if rest.starts_with("''") {
            let end = indented(rest);
            let line = self.line;
            let text = self.skip(end);
            return Some(Token::Text(text.get(2..text.len().saturating_sub(2)).unwrap_or_default(), line));
        }
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'');
        if is_part(first) {
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            let line = self.line;
            return Some(Token::Word(self.skip(end), line));
        }
        self.skip(first.len_utf8());
        Some(Token::Mark(first))
    }
}

/// The length of `"..."`.
fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of `''...''`; `'''`, `''$` and `''\` do not end it.
fn indented(text: &str) -> usize {
    let mut at = 2;
    while let Some(found) = text[at..].find("''") {
        at += found + 2;
        match text.as_bytes().get(at) {
            Some(b'\'' | b'$' | b'\\') => at += 1,
            _ => return at,
        }
    }
    text.len()
}

fn read_devbox(source: &Source<'_>) -> Reading {
    let root = match jsonc::parse(source.bytes) {
        Ok(root) => root,
        Err(error) => return Reading::unreadable(source, "JSON", &error),
    };
    let mut reading = Reading::default();
    if let Some(packages) = root.get("packages") {
        for item in packages.items() {
            let text = item.text().unwrap_or_default();
            let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
            reading.mentions.extend(mentions_of_nix(source, name, version, item.line));
        }
        for package in packages.members() {
            let version = package.value.get("version").unwrap_or(&package.value).text();
            reading.mentions.extend(mentions_of_nix(source, &package.key, version, package.line));
        }
    }
    if let Some(hook) = root.at(&["shell", "init_hook"]) {
        scripts(source, hook, &mut reading);
    }
    for script in root.at(&["shell", "scripts"]).map(Node::members).unwrap_or_default() {
        scripts(source, &script.value, &mut reading);
    }
    reading
}
