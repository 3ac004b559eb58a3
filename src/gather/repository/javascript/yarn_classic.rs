//! The format of yarn 1: neither YAML nor JSON, and nobody's but yarn's.
//!
//! Lines, indented by two spaces a level. At the edge the patterns of an entry with commas between them and a colon; below it
//! `key value`, or `key:` with such lines below. Keys and values are plain words or JSON strings. What yarn never writes is refused
//! and not guessed at.

use crate::gather::repository::document::{Unreadable, clipped};
use std::collections::HashSet;

/// The most lines with content one file may have.
const MAX_LINES: usize = 4_000_000;

/// One entry: the packages it is the answer for, and what it says of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// What is asked for: `left-pad@^1.0.0`.
    pub(super) patterns: Vec<String>,
    /// Where it begins, from 1.
    pub(super) line: u32,
    /// `key value`, in the order of the file.
    pub(super) fields: Vec<(String, String)>,
    /// `name range` of the sections `dependencies` and `optionalDependencies`.
    pub(super) needs: Vec<(String, String)>,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// `a, b:`
    Opens(Vec<String>),
    /// `a b`
    Says(String, String),
}

/// Parse a text without its byte order mark.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    // The names of the entry and of the section that are open: a second one of the same name would be read by nobody knows whom.
    let (mut keys, mut names): (HashSet<String>, HashSet<String>) = (HashSet::new(), HashSet::new());
    let mut section: Option<String> = None;
    let mut left = MAX_LINES;
    for (number, raw) in (1..).zip(text.split('\n')) {
        let odd = |why: String| Unreadable { line: Some(number), why };
        let line = raw.strip_suffix('\r').unwrap_or(raw);
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        left = left.checked_sub(1).ok_or_else(|| odd(format!("more than {MAX_LINES} lines")))?;
        let parsed = parse_line(content).ok_or_else(|| odd(format!("`{}` is nothing that yarn writes", clipped(content))))?;
        match (line.len() - content.len(), parsed, entries.last_mut()) {
            (0, Line::Opens(patterns), _) => {
                if let Some(twice) = patterns.iter().find(|pattern| !seen.insert((*pattern).clone())) {
                    return Err(odd(format!("the entry `{}` stands twice", clipped(twice))));
                }
                entries.push(Entry { patterns, line: number, ..Entry::default() });
                section = None;
                keys.clear();
            }
            (2, Line::Says(key, value), Some(entry)) => {
                once(&mut keys, &key).map_err(odd)?;
                entry.fields.push((key, value));
                section = None;
            }
            (2, Line::Opens(mut opened), Some(_)) if opened.len() == 1 => {
                let key = opened.pop().unwrap_or_default();
                once(&mut keys, &key).map_err(odd)?;
                section = Some(key);
                names.clear();
            }
            (4, Line::Says(name, value), Some(entry)) if section.is_some() => {
                once(&mut names, &name).map_err(odd)?;
                if matches!(section.as_deref(), Some("dependencies" | "optionalDependencies")) {
                    entry.needs.push((name, value));
                }
            }
            _ => return Err(odd(format!("`{}` stands where yarn writes nothing of that kind", clipped(content)))),
        }
    }
    Ok(entries)
}

fn once(seen: &mut HashSet<String>, key: &str) -> Result<(), String> {
    if seen.insert(key.to_owned()) { Ok(()) } else { Err(format!("the key `{}` stands twice in one entry", clipped(key))) }
}

/// A line without its indentation; none where it is of another shape.
fn parse_line(content: &str) -> Option<Line> {
    let (first, mut rest) = word(content)?;
    let mut keys = vec![first];
    while let Some(after) = rest.trim_start_matches(' ').strip_prefix(',') {
        let (key, after) = word(after.trim_start_matches(' '))?;
        keys.push(key);
        rest = after;
    }
    let opened = rest.strip_prefix(':');
    let rest = opened.unwrap_or(rest);
    let value = rest.trim_start_matches(' ');
    if value.is_empty() || value.starts_with('#') {
        return opened.map(|_| Line::Opens(keys));
    }
    // Yarn reads `key: value` as well.
    if keys.len() > 1 || rest.len() == value.len() {
        return None;
    }
    let (value, rest) = word(value)?;
    let rest = rest.trim_start_matches(' ');
    (rest.is_empty() || rest.starts_with('#')).then(|| Line::Says(keys.pop().unwrap_or_default(), value))
}

/// The first word of a text and what follows it.
fn word(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut words = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let word = words.next()?.ok()?;
        return Some((word, &text[words.byte_offset()..]));
    }
    let end = text.find([':', ' ', ',', '"']).unwrap_or(text.len());
    let word = &text[..end];
    let is_plain = word.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-'))
        && !word.contains(|c: char| c.is_control() || c == '\\');
    is_plain.then(|| (word.to_owned(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn entries_with_patterns_fields_and_needs() {
        let text = "# yarn lockfile v1\r\n\r\n\n\"@a/b@^1\", \"@a/b@1.0.0\", c@2:\r\n  version \"1.0.0\" # said\n  resolved \"https://x.example/b.tgz#00\"\n  integrity sha512-x+/==\n  dependencies:\n    \"@d/e\" \"~1 || \\\"2\\\"\"\n    f 1\n  engines:\n    node \">= 1\"\n  uid abc\n\ng@*:\n  version: 7\n";
        let entries = parse(text).unwrap();
        assert_eq!(
            entries,
            [
                Entry {
                    patterns: ["@a/b@^1", "@a/b@1.0.0", "c@2"].map(str::to_owned).to_vec(),
                    line: 4,
                    fields: pairs(&[
                        ("version", "1.0.0"),
                        ("resolved", "https://x.example/b.tgz#00"),
                        ("integrity", "sha512-x+/=="),
                        ("uid", "abc")
                    ]),
                    needs: pairs(&[("@d/e", "~1 || \"2\""), ("f", "1")]),
                },
                Entry { patterns: vec!["g@*".to_owned()], line: 15, fields: pairs(&[("version", "7")]), needs: Vec::new() },
            ]
        );
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("# nothing\n\n").unwrap(), []);
    }

    #[test]
    fn what_yarn_never_writes_is_refused_with_its_line() {
        for (text, line) in [
            ("a@1:\n  version \"1\n", 2),
            ("a@1:\n   version \"1\"\n", 2),
            ("a@1:\n\tversion \"1\"\n", 2),
            ("  version \"1\"\n", 1),
            ("a@1\n", 1),
            ("a@1: b: c\n", 1),
            ("a@1,:\n", 1),
            ("a@1:\n    b c\n", 2),
            ("a@1:\n  dependencies:\n    b:\n", 3),
            ("a@1:\n  dependencies:\n      b c\n", 3),
            ("a@1:\nb@1:\na@1:\n", 3),
            ("a@1, a@1:\n", 1),
            ("a@1:\n  version 1\n  version 2\n", 3),
            ("a@1:\n  dependencies:\n    b 1\n    b 2\n", 4),
            ("a@1:\n  version 1\r  resolved x\n", 2),
            ("<<<<<<< HEAD\n", 1),
            ("{\"a\": 1}\n", 1),
            ("a@1:\n  version \"\\ud800\"\n", 2),
        ] {
            assert_eq!(parse(text).map_err(|error| error.line), Err(Some(line)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            entries in prop::collection::btree_map("[a-z@\"\\\\ ,:#/^é]{1,8}", prop::collection::btree_map("[a-z]{1,4}", ".{0,8}", 0..4), 0..5),
        ) {
            use std::fmt::Write as _;
            let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
            let mut text = String::new();
            for (pattern, fields) in &entries {
                writeln!(text, "{}:", quoted(pattern)).unwrap();
                for (key, value) in fields {
                    writeln!(text, "  {key} {}", quoted(value)).unwrap();
                }
            }
            let read = parse(&text).unwrap();
            prop_assert_eq!(read.len(), entries.len());
            for (entry, (pattern, fields)) in read.iter().zip(&entries) {
                prop_assert_eq!(&entry.patterns, &vec![pattern.clone()]);
                prop_assert_eq!(entry.fields.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(), fields.clone());
            }
        }

        #[test]
        fn no_text_panics(text in "[a\" :,#\n\r@\\\\é0]{0,80}") {
            let _ = parse(&text);
        }
    }
}
