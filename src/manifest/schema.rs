//! Reading TOML with places: what stands in a document, key by key, and every problem on the way.
//!
//! A document is read from the spanned tree of the `toml` crate and not through `serde`: `serde` stops at the first mistake, and a
//! person who mends a signed file wants to see all of them at once. Unknown keys are problems, `x-` keys are the extension point
//! (`docs/manifest.md`, "Keys").

use super::diagnostic::Problem;
use crate::source::Spanned;
use crate::text::printable;
use jiff::Timestamp;
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use toml::value::Offset;

/// The deepest nesting of tables and arrays that is read.
pub(super) const MAX_DEPTH: usize = 64;
/// After so many problems nothing more is noted: nobody reads on, and a hostile file may hold millions.
pub(super) const MAX_PROBLEMS: usize = 200;

/// Keys that the format will have and this version does not enforce. A rule that would be read over is refused by name.
const NOT_ENFORCED: &[&str] = &["audit", "deny-models"];

type Node<'i> = toml::Spanned<DeValue<'i>>;

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Note a problem.
    pub(super) fn add(&self, span: Range<usize>, message: impl Into<String>) {
        self.push(Problem { message: message.into(), span, help: None });
    }

    /// Note a problem and what to do about it.
    pub(super) fn add_with_help(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem { message: message.into(), span, help: Some(help.into()) });
    }

    fn push(&self, problem: Problem) {
        let mut list = self.0.borrow_mut();
        if list.len() < MAX_PROBLEMS && !list.contains(&problem) {
            list.push(problem);
        }
    }

    /// All of them, in the order of the file.
    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut list = self.0.into_inner();
        list.sort_by_key(|problem| (problem.span.start, problem.span.end));
        list
    }
}

/// Parse the text and check what holds for every document: it is TOML, no deeper than [`MAX_DEPTH`].
pub(super) fn parse<'i>(text: &'i str, problems: &Problems) -> Option<toml::Spanned<DeTable<'i>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(error.span().unwrap_or(0..0), printable(error.message()));
    }
    if !errors.is_empty() {
        return None;
    }
    if let Some(span) = table.get_ref().iter().find_map(|(_, value)| too_deep(value, 1)) {
        problems.add(span, format!("tables and arrays are nested deeper than {MAX_DEPTH}"));
        return None;
    }
    Some(table)
}

/// The first value below which nesting goes beyond the limit. The parser itself stops at 80, so this recursion ends.
fn too_deep(node: &Node<'_>, depth: usize) -> Option<Range<usize>> {
    match node.get_ref() {
        DeValue::Array(_) | DeValue::Table(_) if depth > MAX_DEPTH => Some(node.span()),
        DeValue::Array(items) => items.iter().find_map(|item| too_deep(item, depth + 1)),
        DeValue::Table(table) => table.iter().find_map(|(_, value)| too_deep(value, depth + 1)),
        _ => None,
    }
}

/// One table that is being read: each key is taken once, and what is left over at the end is unknown.
pub(super) struct Fields<'a, 'i> {
    table: &'a DeTable<'i>,
    /// Where the table stands: its header, or the inline table.
    pub(super) span: Range<usize>,
    /// What it is called in messages.
    what: &'static str,
    known: Vec<&'static str>,
    /// Keys that were noted as problems already.
    refused: Vec<&'static str>,
    /// Where problems go.
    pub(super) problems: &'a Problems,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// Begin to read a table.
    pub(super) fn new(table: &'a DeTable<'i>, span: Range<usize>, what: &'static str, problems: &'a Problems) -> Self {
        Self { table, span, what, known: Vec::new(), refused: Vec::new(), problems }
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The text of a key, looked at without reading it: the key is still to be asked for.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.table.get(key)?.get_ref().as_str()
    }

    /// Whether a key is there with a list that holds nothing.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        self.table.get(key).and_then(|node| node.get_ref().as_array()).is_some_and(|items| items.iter().next().is_none())
    }

    /// Where a key stands, without its value.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    /// The first key of the table, as written in the file.
    pub(super) fn first_key(&self) -> Option<Spanned<&'a str>> {
        let first = self.table.keys().min_by_key(|key| key.span().start)?;
        Some(Spanned { value: first.get_ref().as_ref(), span: first.span() })
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Node<'i>> {
        self.known.push(key);
        self.table.get(key)
    }

    fn missing(&self, key: &str) {
        self.problems.add(self.span.clone(), format!("{} lacks the key `{key}`", self.what));
    }

    fn wrong_type(&self, node: &Node<'_>, key: &str, expected: &str) {
        self.problems.add(node.span(), format!("`{key}` is {expected}, found {}", type_of(node)));
    }

    /// An optional text, parsed. `None` when it is absent or a problem was noted.
    pub(super) fn maybe<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        let node = self.take(key)?;
        let Some(text) = node.get_ref().as_str() else {
            self.wrong_type(node, key, "a string");
            return None;
        };
        parsed(text, node.span(), key, self.problems, parse)
    }

    /// A text that must be there, parsed.
    pub(super) fn need<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        if !self.has(key) {
            self.missing(key);
        }
        self.maybe(key, parse)
    }

    /// An optional list of texts, each parsed; empty when absent.
    pub(super) fn list<T, E: Display>(
        &mut self,
        key: &'static str,
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Vec<Spanned<T>> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Some(items) = node.get_ref().as_array() else {
            self.wrong_type(node, key, "a list of strings");
            return Vec::new();
        };
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref().as_str() {
                None => self.wrong_type(item, key, "a list of strings"),
                Some(text) => values.extend(parsed(text, item.span(), key, self.problems, &mut parse)),
            }
        }
        values
    }

    /// A text, or a list of texts, each parsed; empty when absent.
    pub(super) fn text_or_list<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Vec<Spanned<T>> {
        match self.table.get(key).map(toml::Spanned::get_ref) {
            Some(DeValue::String(_)) => self.maybe(key, parse).into_iter().collect(),
            _ => self.list(key, parse),
        }
    }

    /// A number that must be there, as an unsigned 64-bit integer.
    pub(super) fn number(&mut self, key: &'static str) -> Option<Spanned<u64>> {
        if !self.has(key) {
            self.missing(key);
        }
        let node = self.take(key)?;
        let Some(integer) = node.get_ref().as_integer() else {
            self.wrong_type(node, key, "an integer");
            return None;
        };
        if let Ok(value) = u64::from_str_radix(integer.as_str(), integer.radix()) {
            return Some(Spanned { value, span: node.span() });
        }
        self.problems.add(node.span(), format!("`{key}` is an integer from 0 to {}", u64::MAX));
        None
    }

    /// An instant that must be there.
    pub(super) fn time(&mut self, key: &'static str) -> Option<Spanned<Timestamp>> {
        if !self.has(key) {
            self.missing(key);
        }
        self.maybe_time(key)
    }

    /// An optional instant: RFC 3339, in UTC, written with `Z`.
    pub(super) fn maybe_time(&mut self, key: &'static str) -> Option<Spanned<Timestamp>> {
        let node = self.take(key)?;
        let example = "write it like 2026-11-20T17:42:10Z, without quotes";
        let Some(datetime) = node.get_ref().as_datetime() else {
            self.problems.add_with_help(node.span(), format!("`{key}` is a time, found {}", type_of(node)), example);
            return None;
        };
        let instant = datetime.to_string().parse::<Timestamp>();
        match (datetime.offset, instant) {
            (Some(Offset::Z), Ok(value)) => Some(Spanned { value, span: node.span() }),
            (Some(Offset::Custom { .. }), Ok(value)) => {
                self.problems.add_with_help(
                    node.span(),
                    format!("`{key}` is written in UTC, with `Z`"),
                    format!("the same instant is {value}"),
                );
                None
            }
            _ => {
                self.problems.add_with_help(node.span(), format!("`{key}` has a date, a time and the zone `Z`"), example);
                None
            }
        }
    }

    /// A table below this one, where there is one.
    pub(super) fn table(&mut self, key: &'static str, what: &'static str) -> Option<Fields<'a, 'i>> {
        let node = self.take(key)?;
        if let DeValue::Table(table) = node.get_ref() {
            return Some(Fields::new(table, node.span(), what, self.problems));
        }
        self.wrong_type(node, key, "a table");
        None
    }

    /// A value that is a word or a table: tried as a word first.
    pub(super) fn word_or_table<T, E: Display>(
        &mut self,
        key: &'static str,
        what: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Either<Spanned<T>, Fields<'a, 'i>>> {
        self.known.push(key);
        match self.table.get(key)?.get_ref() {
            DeValue::Table(_) => self.table(key, what).map(Either::Table),
            _ => self.maybe(key, parse).map(Either::Word),
        }
    }

    /// A list of tables, `[[...]]` or inline; empty when absent.
    pub(super) fn tables(&mut self, key: &'static str, what: &'static str) -> Vec<Fields<'a, 'i>> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Some(items) = node.get_ref().as_array() else {
            self.wrong_type(node, key, "a list of tables");
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(Fields::new(table, item.span(), what, self.problems)),
                _ => self.wrong_type(item, key, "a list of tables"),
            }
        }
        tables
    }

    /// A table, or a list of tables: one of something that may stand several times. Empty when absent.
    pub(super) fn table_or_tables(&mut self, key: &'static str, what: &'static str) -> Vec<Fields<'a, 'i>> {
        match self.table.get(key).map(toml::Spanned::get_ref) {
            Some(DeValue::Table(_)) => self.table(key, what).into_iter().collect(),
            _ => self.tables(key, what),
        }
    }

    /// Note each of these keys that is there, because this kind of table must not have it.
    pub(super) fn refuse(&mut self, keys: &[&'static str], why: impl Fn(&str) -> String, help: &str) {
        for key in keys {
            if let Some(span) = self.key_span(key) {
                self.refused.push(key);
                self.problems.add_with_help(span, why(key), help);
            }
        }
    }

    /// Every key that is no extension, with its text value: for tables whose keys are data, such as digests.
    pub(super) fn entries(&mut self) -> Vec<(Spanned<&'a str>, Spanned<&'a str>)> {
        let mut entries = Vec::new();
        for (key, value) in self.table.iter().filter(|(key, _)| !is_extension(key.get_ref())) {
            let name = Spanned { value: key.get_ref().as_ref(), span: key.span() };
            match value.get_ref().as_str() {
                Some(text) => entries.push((name, Spanned { value: text, span: value.span() })),
                None => self.wrong_type(value, &printable(name.value), "a string"),
            }
        }
        entries
    }

    /// The end of the table: every key that was not asked for is a problem.
    pub(super) fn finish(self) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if self.known.contains(&name) || self.refused.contains(&name) || is_extension(name) {
                continue;
            }
            let shown = printable(name);
            if NOT_ENFORCED.contains(&name) {
                self.problems.add_with_help(
                    key.span(),
                    format!("`{shown}` is a rule that this version of vetted does not enforce"),
                    "a rule that is not enforced must not be written down; remove it, or use a newer version",
                );
            } else {
                let known = self.known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
                self.problems.add_with_help(
                    key.span(),
                    format!("{} has no key `{shown}`", self.what),
                    format!("its keys are {known}; an extension begins with `x-`"),
                );
            }
        }
    }
}

/// A value of one of two forms.
pub(super) enum Either<A, B> {
    /// A word.
    Word(A),
    /// A table.
    Table(B),
}

fn parsed<T, E: Display>(
    text: &str,
    span: Range<usize>,
    key: &str,
    problems: &Problems,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<Spanned<T>> {
    match parse(text) {
        Ok(value) => Some(Spanned { value, span }),
        Err(why) => {
            problems.add(span, format!("`{key}`: {}", printable(&why.to_string())));
            None
        }
    }
}

fn is_extension(key: &str) -> bool {
    key.starts_with("x-")
}

fn type_of(node: &Node<'_>) -> &'static str {
    match node.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
