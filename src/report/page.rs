//! Laying out text in columns of a terminal: what may be wrapped is, a path or a command never is.

use super::excerpt::Excerpt;
use super::palette::{DIM, PLAIN};
use anstyle::Style;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

/// A page that is written line by line. Everything it is given was made printable before.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    colour: bool,
    /// Columns that keys share where there is room.
    keys: usize,
}

/// A value behind a key.
pub(super) enum Value {
    /// Sentences: wrapped.
    Prose(String),
    /// A path or a command: stands whole on its line, with what is said about it beside it or below.
    Literal {
        /// The path or command.
        text: String,
        /// What is said about it; a command has its remark below, so that it stands alone.
        remark: Option<String>,
        /// Whether nothing may stand beside it.
        alone: bool,
    },
    /// A place in a file, with its line below it.
    Quoted {
        /// The path and the number of the line.
        text: String,
        /// What is said about it.
        remark: Option<String>,
        /// The line.
        excerpt: Excerpt,
    },
}

impl Value {
    /// A path, with its remark beside it where there is room.
    pub(super) fn path(text: String, remark: Option<String>) -> Self {
        Self::Literal { text, remark, alone: false }
    }

    /// A place in a file, with its line where one is quoted.
    pub(super) fn place(text: String, remark: Option<String>, excerpt: Option<Excerpt>) -> Self {
        match excerpt {
            Some(excerpt) => Self::Quoted { text, remark, excerpt },
            None => Self::path(text, remark),
        }
    }

    /// A command, alone on its line.
    pub(super) fn command(text: String, remark: Option<String>) -> Self {
        Self::Literal { text, remark, alone: true }
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, width: usize, colour: bool) -> Self {
        Self { out, width: width.max(20), colour, keys: 6 }
    }

    /// The same page, with so many columns for keys.
    pub(super) fn with_keys(mut self, columns: usize) -> Self {
        self.keys = columns;
        self
    }

    /// Columns.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// One line of pieces, each in its style.
    pub(super) fn line(&mut self, indent: usize, pieces: &[(Style, &str)]) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        let mut at_start = true;
        for (style, text) in pieces {
            let text = inert(text, at_start);
            at_start &= text.trim_start().is_empty();
            if self.colour && *style != PLAIN && !text.is_empty() {
                write!(self.out, "{style}{text}{style:#}")?;
            } else {
                write!(self.out, "{text}")?;
            }
        }
        writeln!(self.out)
    }

    /// Sentences, wrapped, every line at `indent`.
    pub(super) fn prose(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        for line in wrap(text, self.width.saturating_sub(indent), self.width.saturating_sub(indent)) {
            self.line(indent, &[(style, &line)])?;
        }
        Ok(())
    }

    /// An item of a list: its mark, and its text wrapped beside it.
    pub(super) fn item(&mut self, mark: &str, text: &str) -> io::Result<()> {
        let indent = mark.width();
        let room = self.width.saturating_sub(indent);
        for (number, line) in wrap(text, room, room).iter().enumerate() {
            if number == 0 {
                self.line(0, &[(PLAIN, mark), (PLAIN, line)])?;
            } else {
                self.line(indent, &[(PLAIN, line)])?;
            }
        }
        Ok(())
    }

    /// Segments joined by ` · `, broken between segments where that is enough and inside them where it is not. `first` is the
    /// style of the first segment.
    pub(super) fn segments(&mut self, first: Style, segments: &[String]) -> io::Result<()> {
        const INDENT: usize = 2;
        let mut lines: Vec<String> = Vec::new();
        for segment in segments {
            let room = if lines.len() <= 1 { self.width } else { self.width - INDENT };
            match lines.last_mut() {
                Some(line) if line.width() + 3 + segment.width() <= room => {
                    line.push_str(" · ");
                    line.push_str(segment);
                }
                _ => lines.push(segment.clone()),
            }
        }
        let mut done = 0;
        for line in &lines {
            for part in wrap(line, self.width - if done == 0 { 0 } else { INDENT }, self.width - INDENT) {
                let indent = if done == 0 { 0 } else { INDENT };
                // Only the first segment is coloured; it ends where the first separator stands.
                match part.split_once(" · ") {
                    Some((head, tail)) if done == 0 => self.line(indent, &[(first, head), (PLAIN, " · "), (PLAIN, tail)])?,
                    _ => self.line(indent, &[(if done == 0 { first } else { PLAIN }, &part)])?,
                }
                done += 1;
            }
        }
        Ok(())
    }

    /// A key with its values below one another.
    pub(super) fn row(&mut self, key: &str, values: &[Value]) -> io::Result<()> {
        const KEY: usize = 2;
        const OWN_LINE: usize = 4;
        if values.is_empty() {
            return Ok(());
        }
        // Wide terminals get a column for the keys that all rows share; narrow ones as little as possible.
        let column = KEY + if self.width >= 60 { key.width().max(self.keys) + 2 } else { key.width().max(5) + 1 };
        let room = self.width.saturating_sub(column);
        let fits = values.iter().all(|value| match value {
            Value::Prose(_) => room >= 20,
            Value::Literal { text, .. } | Value::Quoted { text, .. } => text.width() <= room,
        });
        let indent = if fits { column } else { OWN_LINE };
        let mut lines = Vec::new();
        for value in values {
            value_lines(value, self.width.saturating_sub(indent), &mut lines);
        }
        for (number, (more, pieces)) in lines.iter().enumerate() {
            let pieces: Vec<(Style, &str)> = pieces.iter().map(|(style, text)| (*style, text.as_str())).collect();
            if number == 0 && fits {
                let pad = " ".repeat(column - KEY - key.width());
                let mut all = vec![(DIM, key), (PLAIN, pad.as_str())];
                all.extend(pieces);
                self.line(KEY, &all)?;
                continue;
            }
            if number == 0 {
                self.line(KEY, &[(DIM, key)])?;
            }
            self.line(indent + more, &pieces)?;
        }
        Ok(())
    }
}

/// The lines of one value, each with its further indent.
fn value_lines(value: &Value, room: usize, lines: &mut Vec<(usize, Vec<(Style, String)>)>) {
    const DEEPER: usize = 2;
    match value {
        Value::Quoted { text, remark, excerpt } => {
            value_lines(&Value::path(text.clone(), remark.clone()), room, lines);
            lines.extend(excerpt.lines(room.saturating_sub(DEEPER)).into_iter().map(|line| (DEEPER, vec![(PLAIN, line)])));
        }
        Value::Prose(text) => lines.extend(wrap(text, room, room).into_iter().map(|line| (0, vec![(PLAIN, line)]))),
        Value::Literal { text, remark, alone } => {
            let literal = (PLAIN, text.clone());
            match remark {
                Some(remark) if !alone && text.width() + 3 + remark.width() <= room => {
                    lines.push((0, vec![literal, (PLAIN, "   ".to_owned()), (DIM, remark.clone())]));
                }
                Some(remark) => {
                    lines.push((0, vec![literal]));
                    let room = room.saturating_sub(DEEPER);
                    lines.extend(wrap(remark, room, room).into_iter().map(|line| (DEEPER, vec![(DIM, line)])));
                }
                None => lines.push((0, vec![literal])),
            }
        }
    }
}

/// The text with what a CI log would take for a command made inert: a line that begins with `::` and `##[` anywhere
/// (actions/runner reads both, leading blanks ignored). A `:` becomes `\u{3a}`, as `printable` writes what deceives.
pub(super) fn inert(text: &str, at_line_start: bool) -> String {
    let mut text = text.replace("##[", "##\\u{5b}");
    let blanks = text.len() - text.trim_start().len();
    if at_line_start && text[blanks..].starts_with(':') {
        text.replace_range(blanks..=blanks, "\\u{3a}");
    }
    text
}

/// Break text at blanks into lines of at most `first`, then `rest` columns. A word that is longer stands alone and whole. Text
/// between backticks is one word where it fits in a line: it can be typed.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text, rest) {
        let room = if lines.len() <= 1 { first } else { rest };
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// The words of a text; a quotation in backticks is one word when it has at most `limit` columns.
fn words(text: &str, limit: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open: Option<usize> = None;
    for word in text.split([' ', '\n']).filter(|w| !w.is_empty()) {
        let odd = word.matches('`').count() % 2 == 1;
        words.push(word.to_owned());
        match open {
            None if odd => open = Some(words.len() - 1),
            Some(start) if odd => {
                open = None;
                let joined = words[start..].join(" ");
                if joined.width() <= limit {
                    words.truncate(start);
                    words.push(joined);
                }
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_what_can_be_typed_together() {
        assert_eq!(wrap("run `vetted sign vetted.toml` now", 25, 25), ["run", "`vetted sign vetted.toml`", "now"]);
        assert_eq!(wrap("run `a b` now", 9, 9), ["run `a b`", "now"]);
        assert_eq!(wrap("a lone ` is a word", 8, 8), ["a lone `", "is a", "word"]);
        assert_eq!(wrap("日本 語", 4, 4), ["日本", "語"]);
        assert!(wrap("", 10, 10).is_empty());
    }

    #[test]
    fn commands_of_a_ci_log_are_inert() {
        assert_eq!(inert("::error::x", true), "\\u{3a}:error::x");
        assert_eq!(inert("  ::error::x", true), "  \\u{3a}:error::x");
        assert_eq!(inert("a ::b", true), "a ::b");
        assert_eq!(inert("a ##[error]b", false), "a ##\\u{5b}error]b");
    }
}
