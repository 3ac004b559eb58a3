//! A script of a POSIX-like shell as its simple commands, each with its words and their lines.
//!
//! Nothing is expanded and nothing is run: `$V` stays `$V`. What a shell would run is found wherever it stands: behind `&&`, in a pipe, in
//! `$(...)`, in backquotes, in `<(...)`, in a here-document that a shell reads. Every character is read once, and nesting beyond
//! [`DEEPEST`] is read as plain characters, so that no file takes long.

use super::program;
use crate::gather::repository::document::clipped;
use std::rc::Rc;

/// A word of a command, its quotes removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gather::repository) struct Word {
    /// What the command is given, variables and substitutions as written.
    pub(in crate::gather::repository) text: String,
    /// Where it begins, from 1.
    pub(in crate::gather::repository) line: u32,
    /// Whether substitutions of it were read as commands already: then they are not read again where the word is a script.
    pub(in crate::gather::repository) is_substituted: bool,
}

/// A simple command: assignments, then a program with its arguments. Redirections are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::gather::repository) struct Command {
    /// `NAME=value` before the program; of a line of assignments alone all there is.
    pub(in crate::gather::repository) assignments: Vec<Word>,
    /// The program and its arguments.
    pub(in crate::gather::repository) words: Vec<Word>,
    /// The words of the command that reads what this one writes: the shell at the end of its pipe, or the command in whose
    /// `$(...)` or `<(...)` it stands.
    pub(in crate::gather::repository) feeds: Option<Rc<[Word]>>,
}

/// Substitutions and groups in one another, and scripts in words of scripts.
pub(super) const DEEPEST: usize = 24;
/// The longest `${...}` that is read as one, in bytes.
const LONGEST_PARAMETER: usize = 512;
/// Words of the grammar that stand where a command may begin.
const RESERVED: [&str; 13] = ["{", "}", "!", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac"];

/// The simple commands of a script whose first line is line `first_line` of its file.
#[cfg(test)]
pub(in crate::gather::repository) fn commands(text: &str, first_line: u32) -> Vec<Command> {
    split(text, first_line, 0)
}

/// The simple commands of a script that stands in another one, `depth` deep.
pub(super) fn split(text: &str, first_line: u32, depth: usize) -> Vec<Command> {
    let mut splitter = Splitter::new(text, first_line, depth);
    splitter.list(false);
    splitter.out
}

/// The simple commands of a script that is a word of another one.
pub(super) fn split_word(word: &Word, depth: usize) -> Vec<Command> {
    let mut splitter = Splitter::new(&word.text, word.line, depth);
    splitter.is_substituted = word.is_substituted;
    splitter.list(false);
    splitter.out
}

/// A here-document whose body begins after the line.
struct Here {
    delimiter: String,
    is_quoted: bool,
    is_indented: bool,
    /// Which command reads it.
    reader: usize,
}

/// A command that is not yet whole.
#[derive(Default)]
struct Open {
    words: Vec<Word>,
    /// Whether a word began with a quote or an escape: then it is no assignment and no word of the grammar.
    quoted: Vec<bool>,
    /// Commands of its substitutions.
    inner: Vec<usize>,
    here: Vec<Here>,
    /// The text of a here-string.
    stdin: Option<Word>,
    /// Whether the word that is being read had a substitution.
    is_substituted: bool,
}

struct Splitter<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    line: u32,
    depth: usize,
    out: Vec<Command>,
    pending: Vec<Here>,
    is_substituted: bool,
    /// From where on no such quote stands any more: `'`, `"`, `` ` ``.
    none_after: [usize; 3],
}

impl<'t> Splitter<'t> {
    fn new(text: &'t str, line: u32, depth: usize) -> Self {
        let end = text.len() + 1;
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            line,
            depth,
            out: Vec::new(),
            pending: Vec::new(),
            is_substituted: false,
            none_after: [end; 3],
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.bytes[self.at..].starts_with(prefix.as_bytes())
    }

    /// Whether the line goes on behind a backslash here; then go there.
    fn continues(&mut self) -> bool {
        let length = match (self.peek(0), self.peek(1), self.peek(2)) {
            // A backquote does it in PowerShell.
            (Some(b'\\' | b'`'), Some(b'\n'), _) => 2,
            (Some(b'\\' | b'`'), Some(b'\r'), Some(b'\n')) => 3,
            _ => return false,
        };
        self.at += length;
        self.line += 1;
        true
    }

    /// Read commands until the text ends, or until the `)` that closes them. Returns the last command's place.
    fn list(&mut self, is_nested: bool) {
        let mut open = Open::default();
        let mut pipe: Vec<usize> = Vec::new();
        let mut after_pipe = false;
        while let Some(byte) = self.peek(0) {
            if self.continues() {
                continue;
            }
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    if !(after_pipe && open.is_empty()) {
                        self.finish(&mut open, &mut pipe);
                        self.finish_pipe(&mut pipe);
                    }
                    self.at += 1;
                    self.line += 1;
                    self.read_here_documents();
                }
                b'#' => self.at += memchr::memchr(b'\n', &self.bytes[self.at..]).unwrap_or(self.bytes.len() - self.at),
                b'&' if self.peek(1) == Some(b'>') => self.at += 1,
                b'&' | b';' => {
                    self.finish(&mut open, &mut pipe);
                    self.finish_pipe(&mut pipe);
                    self.at += 1;
                    after_pipe = false;
                }
                b'|' => {
                    self.finish(&mut open, &mut pipe);
                    if self.peek(1) == Some(b'|') {
                        self.finish_pipe(&mut pipe);
                        self.at += 1;
                    } else if self.peek(1) == Some(b'&') {
                        self.at += 1;
                    }
                    self.at += 1;
                    after_pipe = true;
                }
                b'(' => {
                    self.finish(&mut open, &mut pipe);
                    self.at += 1;
                    if self.depth < DEEPEST {
                        self.depth += 1;
                        self.list(true);
                        self.depth -= 1;
                        pipe.extend(self.out.len().checked_sub(1));
                    }
                }
                b')' => {
                    self.at += 1;
                    if is_nested {
                        self.finish(&mut open, &mut pipe);
                        self.finish_pipe(&mut pipe);
                        return;
                    }
                    // The pattern of a `case`.
                    open = Open::default();
                }
                b'<' | b'>' => self.redirection(&mut open),
                _ => {
                    self.word(&mut open);
                    after_pipe = false;
                }
            }
        }
        self.finish(&mut open, &mut pipe);
        self.finish_pipe(&mut pipe);
    }

    /// `<`, `>` and what follows.
    fn redirection(&mut self, open: &mut Open) {
        if self.peek(1) == Some(b'(') && self.depth < DEEPEST {
            let line = self.line;
            let start = self.at;
            self.at += 2;
            let before = self.out.len();
            self.nested(before, open);
            let text = clipped(&self.text[start..self.at]);
            open.push(text, line, true);
            return;
        }
        if self.starts_with("<<<") {
            self.at += 3;
            open.stdin = self.target();
            return;
        }
        if self.starts_with("<<") {
            self.at += 2;
            let is_indented = self.peek(0) == Some(b'-');
            self.at += usize::from(is_indented);
            let start = self.at;
            if let Some(word) = self.target() {
                let is_quoted = self.text[start..self.at].contains(['\'', '"', '\\']);
                open.here.push(Here { delimiter: word.text, is_quoted, is_indented, reader: 0 });
            }
            return;
        }
        self.at += 1;
        while matches!(self.peek(0), Some(b'>' | b'&' | b'|')) {
            self.at += 1;
        }
        let _ = self.target();
    }

    /// The word after an operator, on the same line.
    fn target(&mut self) -> Option<Word> {
        while matches!(self.peek(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let mut aside = Open::default();
        if !self.peek(0).is_none_or(is_operator) {
            self.word(&mut aside);
        }
        aside.words.pop()
    }

    /// The commands of a substitution whose opening was read, up to its `)`.
    fn nested(&mut self, before: usize, open: &mut Open) {
        self.depth += 1;
        self.list(true);
        self.depth -= 1;
        self.keep(before, open);
    }

    /// What was found in a substitution belongs to the command in which it stands.
    fn keep(&mut self, before: usize, open: &mut Open) {
        if self.is_substituted {
            self.out.truncate(before);
            self.pending.retain(|here| here.reader < before);
        }
        open.is_substituted = true;
        open.inner.extend(before..self.out.len());
    }

    fn word(&mut self, open: &mut Open) {
        let (start, line) = (self.at, self.line);
        let mut text = String::new();
        let mut is_quoted = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\'' if self.closes(0, b'\'') => {
                    is_quoted |= self.at == start;
                    self.single(&mut text);
                }
                b'"' if self.closes(1, b'"') => {
                    is_quoted |= self.at == start;
                    self.at += 1;
                    self.double(Some(b'"'), &mut text, open);
                }
                b'\\' | b'`' if self.continues() => {}
                b'\\' => {
                    is_quoted |= self.at == start;
                    self.at += 1;
                    self.literal(&mut text);
                }
                b'$' | b'`' => self.dollar(&mut text, open),
                _ if is_operator(byte) => break,
                _ => self.literal(&mut text),
            }
        }
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if is_number && !is_quoted && matches!(self.peek(0), Some(b'<' | b'>')) {
            // The descriptor of a redirection.
            return;
        }
        open.push(text, line, is_quoted);
    }

    /// Whether a quote that opens here is closed later. What is not is a character like others.
    fn closes(&mut self, which: usize, quote: u8) -> bool {
        let from = self.at + 1;
        if from >= self.none_after[which] {
            return false;
        }
        let is_there = memchr::memchr(quote, &self.bytes[from..]).is_some();
        if !is_there {
            self.none_after[which] = from;
        }
        is_there
    }

    fn single(&mut self, text: &mut String) {
        let from = self.at + 1;
        let length = memchr::memchr(b'\'', &self.bytes[from..]).unwrap_or(self.bytes.len() - from);
        let inner = &self.text[from..from + length];
        self.line += newlines(inner);
        text.push_str(inner);
        self.at = (from + length + 1).min(self.bytes.len());
    }

    /// Text in which only `\`, `$` and backquotes mean something, up to its end.
    fn double(&mut self, end: Option<u8>, text: &mut String, open: &mut Open) {
        while let Some(byte) = self.peek(0) {
            match byte {
                _ if Some(byte) == end => {
                    self.at += 1;
                    return;
                }
                b'\\' if self.continues() => {}
                b'\\' if matches!(self.peek(1), Some(b'"' | b'\\' | b'$' | b'`')) => {
                    self.at += 1;
                    self.literal(text);
                }
                b'$' | b'`' => self.dollar(text, open),
                _ => self.literal(text),
            }
        }
    }

    /// One character as it is.
    fn literal(&mut self, text: &mut String) {
        let Some(c) = self.text[self.at..].chars().next() else { return };
        self.line += u32::from(c == '\n');
        self.at += c.len_utf8();
        text.push(c);
    }

    /// `$(...)`, `${...}`, `` `...` ``, or a plain character. All of them stay in the word as they are written.
    fn dollar(&mut self, text: &mut String, open: &mut Open) {
        let start = self.at;
        let before = self.out.len();
        // `$'...'` and `$"..."` are quotes.
        if self.starts_with("$'") || self.starts_with("$\"") {
            self.at += 1;
            return;
        }
        if self.depth >= DEEPEST {
            return self.literal(text);
        }
        if self.starts_with("$(") {
            self.at += 2;
            self.nested(before, open);
        } else if self.starts_with("${") {
            let window = &self.bytes[start..(start + LONGEST_PARAMETER).min(self.bytes.len())];
            let Some(length) = parameter(window) else { return self.literal(text) };
            let mut inner = Splitter::new(&self.text[start + 1..start + length], self.line, self.depth + 1);
            let mut held = Open::default();
            inner.double(None, &mut String::new(), &mut held);
            self.line = inner.line;
            self.at = start + length;
            self.out.extend(inner.out);
            self.keep(before, open);
        } else if self.peek(0) == Some(b'`') && self.closes(2, b'`') {
            self.backquoted(open);
        } else {
            return self.literal(text);
        }
        text.push_str(&clipped(&self.text[start..self.at]));
    }

    fn backquoted(&mut self, open: &mut Open) {
        let from = self.at + 1;
        let mut script = String::new();
        let mut end = from;
        while let Some(byte) = self.bytes.get(end).copied() {
            match byte {
                b'`' => break,
                b'\\' if matches!(self.bytes.get(end + 1), Some(b'`' | b'\\' | b'$')) => {
                    script.push(char::from(self.bytes[end + 1]));
                    end += 2;
                }
                _ => {
                    let Some(c) = self.text[end..].chars().next() else { break };
                    script.push(c);
                    end += c.len_utf8();
                }
            }
        }
        let before = self.out.len();
        self.out.extend(split(&script, self.line, self.depth + 1));
        self.keep(before, open);
        self.line += newlines(&self.text[from..end]);
        self.at = (end + 1).min(self.bytes.len());
    }

    /// A command is whole.
    fn finish(&mut self, open: &mut Open, pipe: &mut Vec<usize>) {
        let Open { words, quoted, inner, here, stdin, .. } = std::mem::take(open);
        if words.is_empty() && here.is_empty() && stdin.is_none() {
            return;
        }
        let mut words: std::iter::Peekable<_> = words.into_iter().zip(quoted).peekable();
        // `function name { ...`
        if words.next_if(|(word, is_quoted)| !is_quoted && word.text == "function").is_some() {
            words.next();
        }
        while words.next_if(|(word, is_quoted)| !is_quoted && RESERVED.contains(&word.text.as_str())).is_some() {}
        let mut assignments = Vec::new();
        while let Some((word, _)) = words.next_if(|(word, is_quoted)| !is_quoted && program::is_assignment(&word.text)) {
            assignments.push(word);
        }
        let words: Vec<Word> = words.map(|(word, _)| word).collect();
        if words.is_empty() && assignments.is_empty() && here.is_empty() {
            return;
        }
        if !inner.is_empty() {
            let reader: Rc<[Word]> = words.clone().into();
            for at in inner {
                self.out[at].feeds.get_or_insert_with(|| Rc::clone(&reader));
            }
        }
        let reader = self.out.len();
        if let Some(script) = stdin.filter(|_| program::is_shell(&words) && self.depth < DEEPEST) {
            let inner = split_word(&script, self.depth + 1);
            self.out.push(Command { assignments, words, feeds: None });
            self.out.extend(inner);
        } else {
            self.out.push(Command { assignments, words, feeds: None });
        }
        self.pending.extend(here.into_iter().map(|here| Here { reader, ..here }));
        pipe.push(reader);
    }

    /// A pipe is whole: what each of its commands writes is read by the nearest shell behind it, or else by the next command.
    fn finish_pipe(&mut self, pipe: &mut Vec<usize>) {
        if pipe.len() > 1 {
            let mut reader: Option<Rc<[Word]>> = None;
            for at in pipe.iter().rev().copied() {
                let is_shell = program::is_shell(&self.out[at].words);
                let before = reader.clone();
                if is_shell || !reader.as_deref().is_some_and(program::is_shell) {
                    reader = Some(self.out[at].words.clone().into());
                }
                if before.is_some() {
                    self.out[at].feeds = before;
                }
            }
        }
        pipe.clear();
    }

    /// The bodies of the here-documents of the line that has just ended. A shell's is a script; in others only substitutions are run.
    fn read_here_documents(&mut self) {
        for here in std::mem::take(&mut self.pending) {
            let (start, first_line) = (self.at, self.line);
            let mut end = self.bytes.len();
            while self.at < self.bytes.len() {
                let length = memchr::memchr(b'\n', &self.bytes[self.at..]);
                let line = &self.text[self.at..length.map_or(self.bytes.len(), |length| self.at + length)];
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if here.is_indented { line.trim_start_matches('\t') } else { line };
                let here_at = self.at;
                self.at = length.map_or(self.bytes.len(), |length| self.at + length + 1);
                self.line += u32::from(length.is_some());
                if line == here.delimiter {
                    end = here_at;
                    break;
                }
            }
            let body = &self.text[start..end];
            let reader = &self.out[here.reader];
            let is_script = program::is_shell(&reader.words) || reader.feeds.as_deref().is_some_and(program::is_shell);
            if self.depth >= DEEPEST {
                continue;
            }
            let mut inner = Splitter::new(body, first_line, self.depth + 1);
            if is_script {
                inner.list(false);
            } else if !here.is_quoted {
                inner.double(None, &mut String::new(), &mut Open::default());
            }
            self.out.extend(inner.out);
        }
    }
}

impl Open {
    fn push(&mut self, text: String, line: u32, is_quoted: bool) {
        let is_substituted = std::mem::take(&mut self.is_substituted);
        self.words.push(Word { text, line, is_substituted });
        self.quoted.push(is_quoted);
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.here.is_empty() && self.stdin.is_none()
    }
}

/// Characters that end a word.
fn is_operator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}

fn newlines(text: &str) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX)
}

/// The length of the `${...}` or `${{...}}` that these bytes begin with.
fn parameter(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
