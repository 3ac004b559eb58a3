//! Requirements as pip and uv read them: `requirements*.txt`, `constraints*.txt`, `*.in` of pip-compile, and whatever lies in a folder
//! of that name (pip, "Requirements File Format").
//!
//! Lines that end in `\` are joined, comments are left out, and options stand behind a requirement. An included file is read as a file of
//! its own; one whose name is that of no format is said, because it may bring anything.

use super::pypi::{self, Asks, asked, distribution, is_broken, requirement};
use crate::digest::DigestSet;
use crate::evidence::Integrity;
use crate::gather::repository::document::clipped;
use crate::gather::repository::{Format, Pins, Place, Reading, Source};
use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

/// Files that pip-compile writes for an `.in` file beside them.
const COMPILED: &[&str] = &["requirements.txt", "requirements.lock"];

/// Files that are installed from as they are: their ranges float.
pub(in crate::gather::repository) const FORMAT: Format =
    Format::named("requirements", |path| matches(path) && !is_input(path), read);

/// Files that others are compiled from: those answer the ranges.
pub(in crate::gather::repository) const INPUT: Format =
    Format { pins: Pins::By(COMPILED), ..Format::named("requirements to compile", |path| matches(path) && is_input(path), read) };

/// Folders whose `.txt` and `.in` files are requirements.
const FOLDERS: [&str; 4] = ["requirements", "constraints", "reqs", "requires"];

fn matches(place: &Place<'_>) -> bool {
    let Some((stem, end)) = place.name().rsplit_once('.') else { return false };
    let is_called = || {
        let words = stem.split(|c: char| !c.is_ascii_alphanumeric());
        words.into_iter().any(|word| ["requirements", "requirement", "constraints", "reqs"].contains(&word))
    };
    let is_inside = || {
        let folder = place.parent().and_then(Path::file_name).and_then(|folder| folder.to_str());
        folder.is_some_and(|folder| FOLDERS.iter().any(|name| folder.eq_ignore_ascii_case(name)))
    };
    match end {
        "txt" | "in" => is_called() || is_inside(),
        // Of rye.
        "lock" => stem == "requirements" || stem == "requirements-dev",
        _ => false,
    }
}

fn is_input(place: &Place<'_>) -> bool {
    place.ending() == "in"
}

fn read(source: &Source<'_>) -> Reading {
    let text = match decoded(source.bytes) {
        Ok(text) => text,
        Err(why) => return Reading::odd(source.at(None), why),
    };
    let mut reading = Reading::default();
    for (line, text) in joined(&text) {
        read_line(source, &without_comment(&text), line, &mut reading);
    }
    reading
}

/// pip takes the byte order marks of UTF-8 and UTF-16, which PowerShell writes. Bytes that are no text can only stand in comments: they
/// are in no name and in no version.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map(Cow::Owned).map_err(|_| "it is no UTF-16, though it begins as such".to_owned())
    };
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Err("it is written in UTF-32".to_owned()),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => Ok(String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))),
    }
}

/// Lines with their continuations, each with the number of its first one. A comment ends a continued line, as in pip.
fn joined(text: &str) -> Vec<(u32, Cow<'_, str>)> {
    let mut lines: Vec<(u32, Cow<'_, str>)> = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in lines_of(text) {
        let is_comment = line.trim_start().starts_with('#');
        let continued = line.strip_suffix('\\').filter(|_| !is_comment);
        match (open.take(), continued) {
            (None, None) => lines.push((number, Cow::Borrowed(line))),
            (None, Some(part)) => open = Some((number, part.to_owned())),
            (Some((first, mut before)), part) => {
                // Space before it makes it a comment of the joined line.
                before.push_str(if is_comment { " #" } else { part.unwrap_or(line) });
                if part.is_some() {
                    open = Some((first, before));
                } else {
                    lines.push((first, Cow::Owned(before)));
                }
            }
        }
    }
    lines.extend(open.map(|(first, text)| (first, Cow::Owned(text))));
    lines
}

/// Lines as Python's `splitlines` parts them, which pip uses: at more than line feeds. Each has the number that editors give it.
fn lines_of(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let is_end = |c: char| matches!(c, '\r' | '\u{0b}' | '\u{0c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    (1_u32..)
        .zip(text.split('\n'))
        .flat_map(move |(number, line)| line.trim_end_matches('\r').split(is_end).map(move |part| (number, part)))
}

/// A comment begins a line or stands after space; the `#` of an address does not.
fn without_comment(line: &str) -> Cow<'_, str> {
    let is_start = |at: usize| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    let end = line.match_indices('#').map(|(at, _)| at).find(|at| is_start(*at)).unwrap_or(line.len());
    Cow::Borrowed(line[..end].trim())
}

fn read_line(source: &Source<'_>, line: &str, number: u32, reading: &mut Reading) {
    if line.is_empty() {
        return;
    }
    if line.starts_with('-') {
        return read_option(source, line, number, reading);
    }
    let (text, options) = split_options(line);
    let integrity = hashes(source, options, number, reading);
    read_requirement(source, text, &integrity, number, reading);
}

/// A requirement and the options behind it.
fn split_options(line: &str) -> (&str, &str) {
    let is_start = |at: usize| line[..at].ends_with(char::is_whitespace);
    let at = line.match_indices("--").map(|(at, _)| at).find(|at| is_start(*at)).unwrap_or(line.len());
    (line[..at].trim(), &line[at..])
}

/// `--hash=sha256:<hex>` and `--hash sha256:<hex>`: pip takes any file with one of them.
fn hashes(source: &Source<'_>, options: &str, number: u32, reading: &mut Reading) -> Integrity {
    let mut digests = Vec::new();
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--hash") {
            Some("") => words.next(),
            Some(value) => value.strip_prefix('='),
            None => None,
        };
        match value.map(pypi::digest) {
            Some(Ok(digest)) => digests.extend(digest.map(DigestSet::from)),
            Some(Err(why)) => reading.oddity(source.at(Some(number)), why),
            None => {}
        }
    }
    Integrity::of_nameless(digests)
}

fn read_requirement(source: &Source<'_>, text: &str, integrity: &Integrity, number: u32, reading: &mut Reading) {
    let parsed = requirement(text);
    let (name, asks) = match &parsed {
        // `claude_agent_sdk-0.1.55-py3-none-any.whl` could be a name, too.
        Some(found) if matches!(found.asks, Asks::Address(_)) || distribution(text).is_none() => (Some(found.name), found.asks),
        _ if is_address(text) => (None, Asks::Address(text.split(" ;").next().unwrap_or(text).trim())),
        _ => {
            if is_broken(source.catalogue, text) {
                reading.oddity(source.at(Some(number)), format!("`{}` is no requirement (PEP 508)", clipped(text)));
            }
            return;
        }
    };
    for (tool, package, request, of_address) in asked(source.catalogue, name, asks) {
        let integrity = if integrity.is_empty() { of_address } else { integrity.clone() };
        reading.mention(source, pypi::mention(source, (tool, package, request, integrity), number));
    }
}

/// A path or an address in place of a requirement.
fn is_address(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.contains("://") || word.contains(['/', '\\']) || distribution(word).is_some()
}

fn read_option(source: &Source<'_>, line: &str, number: u32, reading: &mut Reading) {
    let (option, value) = match line.split_once(|c: char| c == '=' || c.is_whitespace()) {
        Some((option, value)) => (option, value),
        // `-rother.txt`
        None => line.split_at_checked(2).filter(|_| !line.starts_with("--")).unwrap_or((line, "")),
    };
    let value = value.trim().trim_matches(['"', '\'']);
    match option {
        "-r" | "--requirement" | "--requirements" | "-c" | "--constraint" | "--constraints" => {
            include(source, value, number, reading);
        }
        "-e" | "--editable" => read_requirement(source, value, &Integrity::none(), number, reading),
        _ => {}
    }
}

/// An included file is read as a file of its own, where its name says what it is.
pub(super) fn include(source: &Source<'_>, value: &str, number: u32, reading: &mut Reading) {
    let from = source.path.parent().unwrap_or(Path::new(""));
    let is_remote = value.contains("://") && !value.starts_with("file://");
    let path = resolved(&from.join(value.trim_start_matches("file://")));
    let why = match path {
        _ if is_remote => "is elsewhere and is not read",
        None => "lies outside of the repository and is not read",
        Some(path) if super::FORMATS.iter().any(|format| (format.matches)(&Place::of(&path))) => return,
        Some(_) => "is not read: call it `requirements-<name>.txt`",
    };
    reading.oddity(source.at(Some(number)), format!("it includes `{}`, which {why}", clipped(value)));
}

/// A path without `.` and `..`; none where it leads out of the repository.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir if parts.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::evidence::{Oddity, Request};

    fn read_bytes(path: &str, bytes: &[u8]) -> Reading {
        read(&Source::new(Path::new(path), bytes, &Catalogue::built_in()))
    }

    fn rows(text: &str) -> Vec<String> {
        let reading = read_bytes("requirements.txt", text.as_bytes());
        assert_eq!(reading.oddities, []);
        let row = |m: crate::evidence::Mention| {
            let request = match &m.request {
                Request::Exact(version) => format!("={version}"),
                Request::Floating { text, .. } => format!("~{text}"),
            };
            format!("{}:{} {request} {}", m.location.line.unwrap(), m.package.name, m.integrity.files().len())
        };
        reading.mentions.into_iter().map(row).collect()
    }

    #[test]
    fn names_of_files() {
        for name in [
            "requirements.txt",
            "requirements-dev.txt",
            "dev_requirements.in",
            "deploy/Constraints.txt",
            "requirements/base.txt",
            "requirements.lock",
            "a/reqs/x.in",
        ] {
            assert!(matches(&Place::of(Path::new(name))), "{name}");
        }
        for name in ["requirements.md", "base.txt", "requirements", "myrequirementsx.txt", "Cargo.lock", "requirements.py"] {
            assert!(!matches(&Place::of(Path::new(name))), "{name}");
        }
    }

    #[test]
    fn lines_are_joined_and_comments_left_out() {
        let text = format!(
            "# openai==1\nopenai==1.2.3 \\\n    --hash=sha256:{a} \\\n    --hash=sha256:{b}\n    # via notes\n\nClaude.Agent_SDK == 0.1.55 ; python_version > '3' # why\n\
             -e git+https://acme.example/x.git#egg=llm\nhttps://acme.example/anthropic-0.5.0-py3-none-any.whl#sha256={a}\n\
             ./dist/openai-1.2.3.tar.gz\nlitellm[proxy]>=1  # x\n--index-url https://acme.example/simple\nmcp\\\n==1.0\nhttpx # openai\n",
            a = "a".repeat(64),
            b = "b".repeat(64)
        );
        assert_eq!(
            rows(&text),
            [
                "2:openai =1.2.3 2",
                "7:claude-agent-sdk =0.1.55 0",
                "8:llm ~git+https://acme.example/x.git#egg=llm 0",
                "9:anthropic =0.5.0 1",
                "10:openai =1.2.3 0",
                "11:litellm ~>=1 0",
                "13:mcp =1.0 0",
            ]
        );
        assert_eq!(rows("openai==1 \\\n# comment\nanthropic==2\\"), ["1:openai =1 0", "3:anthropic =2 0"]);
        assert_eq!(rows("openai==1\r\nanthropic==2\r\n"), ["1:openai =1 0", "2:anthropic =2 0"]);
    }

    #[test]
    fn what_powershell_writes_is_read() {
        let wide: Vec<u8> = "\u{feff}openai==1\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read_bytes("requirements.txt", &wide).mentions.len(), 1);
        let wide: Vec<u8> = "\u{feff}openai==1\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read_bytes("requirements.txt", &wide).mentions.len(), 1);
        assert_eq!(read_bytes("requirements.txt", b"\xff\xfe\x00\xd8").oddities.len(), 1);
        assert_eq!(read_bytes("requirements.txt", b"# \xe9t\xe9\nopenai==1\n").mentions.len(), 1);
    }

    #[test]
    fn prose_is_no_requirement_and_a_broken_requirement_is_said() {
        assert_eq!(
            rows("LLM support is needed.\nThe program must use transformers.\n- openai\n* anthropic\n<<<<<<< HEAD\n"),
            [] as [String; 0]
        );
        for text in ["openai=1.2", "openai==", "openai>=1 <2", "openai (>=1", "openai==1 --hash=sha256:zz"] {
            let reading = read_bytes("requirements.txt", text.as_bytes());
            assert!(matches!(&reading.oddities[..], [Oddity::Unparsable { .. }]), "{text}");
        }
    }

    #[test]
    fn an_include_that_is_not_read_is_said() {
        for (path, include, why) in [
            ("requirements.txt", "-r requirements/base.txt", None),
            ("requirements/dev.txt", "-r base.txt", None),
            ("requirements/dev.txt", "--requirement=../constraints.txt", None),
            ("a/requirements.txt", "-c ../constraints.txt", None),
            ("requirements.txt", "-rrequirements-x.txt", None),
            ("requirements.txt", "-r pylock.toml", None),
            ("requirements.txt", "-r base.txt", Some("call it")),
            ("requirements.txt", "-r ../requirements.txt", Some("outside")),
            ("requirements.txt", "-c https://acme.example/constraints.txt", Some("elsewhere")),
        ] {
            let reading = read_bytes(path, include.as_bytes());
            match (&reading.oddities[..], why) {
                ([], None) => {}
                ([Oddity::Unparsable { why, .. }], Some(part)) => assert!(why.contains(part), "{why}"),
                other => panic!("{path} {include}: {other:?}"),
            }
        }
    }

    #[test]
    fn hostile_files_end() {
        let many = read_bytes("requirements.txt", "openai\n".repeat(50_000).as_bytes());
        assert_eq!((many.mentions.len(), many.oddities.len()), (10_000, 1));
        let long = format!("openai==1 {}", "--hash=sha256:0 ".repeat(50_000));
        assert_eq!(read_bytes("requirements.txt", long.as_bytes()).oddities.len(), 10_000);
        read_bytes("requirements.txt", "\\\n".repeat(200_000).as_bytes());
        read_bytes("requirements.txt", "#".repeat(200_000).as_bytes());
        read_bytes("requirements.txt", "[".repeat(200_000).as_bytes());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(openai|mcp|[-=<>~!@#;,\\[\\]().: \\\\\n'\"ä1a/]){0,40}") {
            read_bytes("requirements/x.txt", text.as_bytes());
        }
    }
}
