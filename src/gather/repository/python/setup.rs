//! `setup.cfg` (setuptools, "Declarative config") and `setup.py`, of which only what is written out as text can be read: it is a
//! program, and nothing here runs it.

use super::pypi::mentions_of_text;
use crate::gather::repository::document::text_of;
use crate::gather::repository::pins::PYTHON_LOCKS;
use crate::gather::repository::{Format, Pins, Reading, Source, has_name};

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format {
    pins: Pins::By(PYTHON_LOCKS),
    is_told_by_name: false,
    ..Format::named("setup.cfg", |place| place.is_called(&["setup.cfg", "setup.py"]), read)
};

/// Keys of lists of requirements.
const KEYS: [&str; 4] = ["install_requires", "setup_requires", "tests_require", "extras_require"];

fn read(source: &Source<'_>) -> Reading {
    let text = match text_of(source.bytes) {
        Ok(text) => text,
        Err(error) => return Reading::unreadable(source, "text", &error),
    };
    let mut reading = Reading::default();
    if has_name(source.path, &["setup.py"]) {
        for (line, text) in literals(text) {
            mentions_of_text(source, &text, line, &mut reading);
        }
    } else {
        read_cfg(source, text, &mut reading);
    }
    reading
}

/// Sections of `key = value`, where a value goes on in indented lines.
fn read_cfg(source: &Source<'_>, text: &str, reading: &mut Reading) {
    let (mut section, mut is_list) = ("", false);
    for (number, line) in (1_u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
            && !line.starts_with(char::is_whitespace)
        {
            (section, is_list) = (name.trim(), false);
            continue;
        }
        let value = if line.starts_with(char::is_whitespace) {
            trimmed
        } else {
            let (key, value) = trimmed.split_once(['=', ':']).unwrap_or((trimmed, ""));
            let key = key.trim().replace('-', "_");
            is_list = section == "options.extras_require" || section == "options" && KEYS.contains(&key.as_str());
            value.trim()
        };
        if is_list {
            // One a line; on the line of its key also with semicolons, which begin a marker only where a word of one follows.
            mentions_of_text(source, value.split(" #").next().unwrap_or(value), number, reading);
        }
    }
}

/// The strings in the brackets behind the keys of a `setup.py`, each with its line.
fn literals(text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let tokens = Tokens { bytes: text.as_bytes(), text, at: 0, line: 1 };
    let (mut is_key, mut depth) = (false, 0_usize);
    for token in tokens {
        match token {
            Token::Word(word) if depth == 0 => is_key = KEYS.contains(&word),
            Token::String(line, text) if depth > 0 => found.push((line, text)),
            Token::String(_, text) if KEYS.contains(&text.as_str()) => is_key = true,
            Token::Mark(b'=' | b':') => {}
            Token::Mark(b'[' | b'(' | b'{') if is_key || depth > 0 => depth += 1,
            Token::Mark(b']' | b')' | b'}') if depth > 0 => {
                depth -= 1;
                is_key = false;
            }
            Token::Mark(_) if depth == 0 => is_key = false,
            _ => {}
        }
    }
    found
}

enum Token<'t> {
    Word(&'t str),
    String(u32, String),
    Mark(u8),
}

/// As much of Python's tokens as tells strings, words and brackets apart.
struct Tokens<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            let start = self.at;
            match byte {
                b'#' => self.at = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |end| start + end),
                b'"' | b'\'' => return Some(self.string(byte)),
                _ if byte.is_ascii_alphanumeric() || byte == b'_' => {
                    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
                    self.at += self.bytes[start..].iter().take_while(|b| is_word(b)).count();
                    return Some(Token::Word(self.text.get(start..self.at).unwrap_or_default()));
                }
                _ => {
                    self.line += u32::from(byte == b'\n');
                    self.at += 1;
                    if !byte.is_ascii_whitespace() {
                        return Some(Token::Mark(byte));
                    }
                }
            }
        }
    }
}

impl<'t> Tokens<'t> {
    /// A string that begins here. One that does not end goes to the end of the file.
    fn string(&mut self, quote: u8) -> Token<'t> {
        let line = self.line;
        let triple = [quote; 3];
        let length = if self.bytes[self.at..].starts_with(&triple) { 3 } else { 1 };
        let start = self.at + length;
        let mut end = start;
        while let Some(byte) = self.bytes.get(end) {
            if self.bytes[end..].starts_with(&triple[..length]) || length == 1 && *byte == b'\n' {
                break;
            }
            self.line += u32::from(*byte == b'\n');
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let end = end.min(self.bytes.len());
        self.at = (end + length).min(self.bytes.len());
        if self.bytes.get(end) == Some(&b'\n') {
            self.at = end;
        }
        Token::String(line, self.text.get(start..end).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use std::path::Path;

    fn rows(path: &str, text: &str) -> Vec<String> {
        let reading = read(&Source::new(Path::new(path), text.as_bytes(), &Catalogue::built_in()));
        assert_eq!(reading.oddities, []);
        reading.mentions.iter().map(|m| format!("{}:{} {:?}", m.location.line.unwrap(), m.package.name, m.request)).collect()
    }

    #[test]
    fn lists_of_setup_cfg_are_read() {
        let text = "[metadata]\nname = openai\nkeywords =\n    llm\n[options]\ninstall_requires =\n    # openai\n    openai==1.2.3\n    httpx\npackages = find:\n[options.extras_require]\nx = anthropic==0.5.0\nall =\n    mcp==1.0 ; python_version > '3'\n[flake8]\nllm = 1\n";
        assert_eq!(rows("setup.cfg", text), ["8:openai Exact(1.2.3)", "12:anthropic Exact(0.5.0)", "14:mcp Exact(1.0)"]);
    }

    #[test]
    fn texts_of_setup_py_are_read() {
        let text = "# install_requires=['mcp==1']\nsetup(name='openai', keywords=['llm'],\n  install_requires=[\n    \"openai==1.2.3\",  # 'dspy'\n    'it\\'s', '''x\ny''', 'anthropic==0.5.0',\n  ] + more, extras_require={'x': ['crewai==1.0']},\n  classifiers=['llm'], other=install_requires, more=['llm'])\nkwargs = {'install_requires': ('mcp==1.0',), 'b': ['llm']}\n";
        assert_eq!(
            rows("setup.py", text),
            ["4:openai Exact(1.2.3)", "6:anthropic Exact(0.5.0)", "7:crewai Exact(1.0)", "9:mcp Exact(1.0)"]
        );
        for text in ["install_requires=['openai", "'''", "install_requires=[\\", "install_requires=['\\", "'ä\\"] {
            rows("setup.py", text);
        }
    }
}
