//! Files that strangers wrote, as values that know their lines: JSON, JSON with comments, YAML, TOML.
//!
//! Four syntaxes, one value. Each parser is a library's; what is added here is what a reader of strangers' files needs: a limit on
//! depth and on the number of values, a refusal of what two readers would read differently, and the line of every key.

pub(super) mod json;
pub(super) mod jsonc;
pub(super) mod toml;
pub(super) mod yaml;

use std::borrow::Cow;
use thiserror::Error;

/// The most values one file may hold; the largest real lock files have a few hundred thousand.
const MAX_VALUES: u32 = 4_000_000;
/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 128;

/// A value and where it begins. Texts are borrowed from the file where they stand there as they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node<'t> {
    /// Line, from 1. Of a block scalar of YAML the first line of its text.
    pub(super) line: u32,
    pub(super) value: Value<'t>,
}

/// A value, as far as the formats need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'t> {
    /// An object, mapping or table, in the order of the file.
    Object(Vec<Member<'t>>),
    /// An array or sequence.
    Array(Vec<Node<'t>>),
    /// A string. Of YAML every scalar that is not a boolean and not null: `1.10` is a version there, and no number.
    Text(Cow<'t, str>),
    /// A number or a date, as it is written (JSON: as it is read).
    Number(Cow<'t, str>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member<'t> {
    pub(super) key: Cow<'t, str>,
    /// Where its key stands, from 1.
    pub(super) line: u32,
    pub(super) value: Node<'t>,
}

/// Why a file cannot be relied on.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{why}")]
pub(super) struct Unreadable {
    /// Where, from 1, where that is known.
    pub(super) line: Option<u32>,
    pub(super) why: String,
}

impl<'t> Node<'t> {
    /// The members of an object; nothing else has any.
    pub(super) fn members(&self) -> &[Member<'t>] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of an array; nothing else has any.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.member(key).map(|member| &member.value)
    }

    /// The values by their keys, to ask for many of them: looking for each would take the square of their number.
    pub(super) fn by_key(&self) -> std::collections::HashMap<&str, &Self> {
        self.members().iter().map(|member| (member.key.as_ref(), &member.value)).collect()
    }

    /// The member of a key.
    pub(super) fn member(&self, key: &str) -> Option<&Member<'t>> {
        self.members().iter().find(|member| member.key == key)
    }

    /// The value below several keys, one in the other.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string or a number.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The value with texts of its own, to outlive the bytes of its file.
    pub(super) fn owned(self) -> Node<'static> {
        let text = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let member = |m: Member<'_>| Member { key: text(m.key), line: m.line, value: m.value.owned() };
        let value = match self.value {
            Value::Object(members) => Value::Object(members.into_iter().map(member).collect()),
            Value::Array(items) => Value::Array(items.into_iter().map(Self::owned).collect()),
            Value::Text(found) => Value::Text(text(found)),
            Value::Number(found) => Value::Number(text(found)),
            Value::Bool(value) => Value::Bool(value),
            Value::Null => Value::Null,
        };
        Node { line: self.line, value }
    }

    /// Whether it is `true`.
    pub(super) fn is_true(&self) -> bool {
        matches!(self.value, Value::Bool(true))
    }

    /// The value without its lines, in compact JSON with the members in the order of the file: what a digest of a definition is
    /// taken over.
    pub(super) fn compact(&self) -> String {
        fn json(node: &Node<'_>) -> serde_json::Value {
            match &node.value {
                Value::Object(members) => {
                    serde_json::Value::Object(members.iter().map(|m| (m.key.to_string(), json(&m.value))).collect())
                }
                Value::Array(items) => serde_json::Value::Array(items.iter().map(json).collect()),
                Value::Text(text) | Value::Number(text) => serde_json::Value::String(text.to_string()),
                Value::Bool(value) => serde_json::Value::Bool(*value),
                Value::Null => serde_json::Value::Null,
            }
        }
        json(self).to_string()
    }
}

/// A text that came from outside, no longer than a line of a report.
pub(super) fn clipped(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The lines of a text, to be asked for by offset.
pub(super) struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self { ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect() }
    }

    /// The line, from 1, on which the byte at `offset` stands.
    pub(super) fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.ends.partition_point(|end| *end < offset) + 1).unwrap_or(u32::MAX)
    }
}

impl Lines {
    /// The text of a line, its end left out.
    pub(super) fn line<'t>(&self, text: &'t str, line: Option<u32>) -> Option<&'t str> {
        let index = usize::try_from(line?).ok()?.checked_sub(1)?;
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before)? + 1,
        };
        text.get(start..self.ends.get(index).copied().unwrap_or(text.len()))
    }
}

/// The text of a file: UTF-8, with or without a byte order mark.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, Unreadable> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Unreadable { line: None, why: "it is written in UTF-16".to_owned() });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let newlines = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
        Unreadable { line: u32::try_from(newlines + 1).ok(), why: "it is not UTF-8".to_owned() }
    })
}

/// Refuse a second key of the same name: two readers would believe two different values.
fn unique(members: &[Member<'_>]) -> Result<(), Unreadable> {
    let mut seen = std::collections::HashSet::with_capacity(members.len());
    match members.iter().find(|member| !seen.insert(member.key.as_ref())) {
        None => Ok(()),
        Some(member) => Err(Unreadable {
            line: Some(member.line),
            why: format!("the key `{}` stands twice in one object", clipped(&member.key)),
        }),
    }
}
