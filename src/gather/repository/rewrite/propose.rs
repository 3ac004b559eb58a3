//! Where the version of a mention may stand in the bytes of its file, and how it may be written there.

use crate::evidence::{Mention, Request, Role};
use crate::tool::{Ecosystem, Package};
use std::ops::Range;

/// The most places that are proposed for one mention: the file is read anew for each.
const MAX_PLACES: usize = 16;
/// So many lines are looked at below that of a mention.
const MAX_LINES: usize = 100;
/// What a request says where the file names no version.
const UNSAID: &str = "*";
/// So many lines of one command are looked at.
const MAX_COMMAND_LINES: usize = 12;
/// Words of commands that take a package without a version.
const UPDATES: [&str; 5] = ["update", "up", "upgrade", "udpate", "uninstall"];

/// How far from the line of a mention its version is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// On that line.
    Line,
    /// On that line and those below: a text that is folded begins before the word.
    Below,
}

/// A place where the version may stand.
pub(super) struct Place {
    /// Which bytes are replaced.
    pub(super) range: Range<usize>,
    /// What they become.
    pub(super) form: String,
    /// The word that changes as it stands there: the version, or the name behind which it is written.
    pub(super) removed: String,
    /// Whether the version is written behind `removed`, which stays.
    is_behind: bool,
}

impl Place {
    /// What the word becomes.
    pub(super) fn inserted(&self) -> String {
        if self.is_behind { format!("{}{}", self.removed, self.form) } else { self.form.clone() }
    }
}

/// Whether what is asked for is a version, a range or a tag: no address, no variable, and nothing that was cut.
pub(super) fn is_version(request: &Request) -> bool {
    let text = text_of(request);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "^~<>=!*.|+-_, ".contains(c);
    text.chars().all(is_part) && !text.ends_with("...")
}

fn text_of(request: &Request) -> &str {
    match request {
        Request::Exact(version) => version.as_str(),
        Request::Floating { text, .. } => text,
    }
}

/// The places for a mention.
pub(super) fn places(bytes: &[u8], mention: &Mention, version: &str, reach: Reach) -> Vec<Place> {
    let is_plain = !version.is_empty() && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-!_".contains(&b));
    let Some(line) = mention.location.line.and_then(|line| usize::try_from(line).ok()?.checked_sub(1)) else { return Vec::new() };
    if !is_plain {
        return Vec::new();
    }
    let count = if reach == Reach::Line { 1 } else { MAX_LINES };
    of_lines(bytes, lines(bytes, line, count), mention, version)
}

/// The bytes of some lines, the ends included.
fn lines(bytes: &[u8], first: usize, count: usize) -> Range<usize> {
    let mut ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
    let start = if first == 0 { Some(0) } else { ends.by_ref().nth(first - 1) };
    let Some(start) = start else { return bytes.len()..bytes.len() };
    start..ends.nth(count - 1).unwrap_or(bytes.len())
}

fn of_lines(bytes: &[u8], lines: Range<usize>, mention: &Mention, version: &str) -> Vec<Place> {
    let text = text_of(&mention.request).trim();
    let mut places: Vec<Place> = Vec::new();
    if !text.is_empty() {
        places.extend(of_version(bytes, lines.clone(), text, (mention, version)));
    }
    if matches!(mention.request, Request::Floating { .. }) && (text == UNSAID || text.is_empty()) {
        places.extend(behind_name(bytes, lines, mention, version));
    }
    places.truncate(MAX_PLACES);
    places
}

/// Where the text that is asked for stands as a word of its own.
fn of_version(bytes: &[u8], lines: Range<usize>, text: &str, (mention, version): (&Mention, &str)) -> Vec<Place> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_');
    let (first, last) = (text.as_bytes()[0], text.as_bytes()[text.len() - 1]);
    let found = memchr::memmem::find_iter(&bytes[lines.clone()], text.as_bytes()).map(|at| lines.start + at);
    let is_word = |at: &usize| {
        let (before, after) = (at.checked_sub(1).map(|at| bytes[at]), bytes.get(at + text.len()).copied());
        let goes_on = (is_part(first) && before.is_some_and(is_part)) || (is_part(last) && after.is_some_and(is_part));
        !goes_on && !is_among_others(bytes, *at..at + text.len(), mention) && !updates(&bytes[..*at])
    };
    let form = match mention.package.ecosystem {
        Ecosystem::Pypi if text.starts_with(['<', '>', '=', '!', '~']) => format!("=={version}"),
        _ => version.to_owned(),
    };
    let place = |at: usize| Place { range: at..at + text.len(), form: form.clone(), removed: text.to_owned(), is_behind: false };
    found.filter(is_word).take(MAX_PLACES + 1).map(place).collect()
}

/// Whether an exact version of Python stands among other conditions, which the new one may not meet: `>=1,==1.2.3`.
fn is_among_others(bytes: &[u8], at: Range<usize>, mention: &Mention) -> bool {
    if mention.package.ecosystem != Ecosystem::Pypi || !matches!(mention.request, Request::Exact(_)) {
        return false;
    }
    let before = bytes[..at.start].trim_ascii_end();
    let before = before.strip_suffix(b"===").or_else(|| before.strip_suffix(b"==")).map(<[u8]>::trim_ascii_end);
    let after = bytes[at.end..].trim_ascii_start().strip_prefix(b",").map(<[u8]>::trim_ascii_start);
    before.is_some_and(|before| before.ends_with(b","))
        || after.and_then(<[u8]>::first).is_some_and(|byte| matches!(byte, b'<' | b'>' | b'=' | b'!' | b'~'))
}

/// Where the name stands behind which a version is missing.
fn behind_name(bytes: &[u8], lines: Range<usize>, mention: &Mention, version: &str) -> Vec<Place> {
    let names = match mention.package.ecosystem {
        Ecosystem::Npm => names_of_npm(bytes, lines.clone(), &mention.package.name),
        _ => names_of_python(bytes, lines.clone(), &mention.package),
    };
    let mut places = Vec::new();
    for name in names.into_iter().take(MAX_PLACES + 1) {
        let before = &bytes[..name.start];
        let operator = match mention.package.ecosystem {
            Ecosystem::Npm => Some("@"),
            _ if mention.role == Role::Dependency => Some("=="),
            _ => operator_of(before),
        };
        // What stands in brackets behind it belongs to the name.
        let end = match bytes[name.end..].first() {
            Some(b'[') => memchr::memchr(b']', &bytes[name.end..lines.end]).map_or(name.end, |at| name.end + at + 1),
            _ => name.end,
        };
        let removed = String::from_utf8_lossy(&bytes[name.start..end]).into_owned();
        if let Some(operator) = operator.filter(|_| !updates(before)) {
            places.push(Place { range: end..end, form: format!("{operator}{version}"), removed, is_behind: true });
        }
    }
    places
}

fn names_of_npm(bytes: &[u8], lines: Range<usize>, name: &str) -> Vec<Range<usize>> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'@');
    let found = memchr::memmem::find_iter(&bytes[lines.clone()], name.as_bytes()).map(|at| lines.start + at);
    let is_whole = |at: &usize| {
        let (before, after) = (at.checked_sub(1).map(|at| bytes[at]), bytes.get(at + name.len()).copied());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    };
    found.filter(is_whole).map(|at| at..at + name.len()).collect()
}

/// Words that are the name in one of its spellings (PEP 503).
fn names_of_python(bytes: &[u8], lines: Range<usize>, package: &Package) -> Vec<Range<usize>> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let (mut found, mut at) = (Vec::new(), lines.start);
    while at < lines.end {
        let length = bytes[at..lines.end].iter().take_while(|byte| is_part(**byte)).count();
        let word = at..at + length;
        let is_name =
            std::str::from_utf8(&bytes[word.clone()]).is_ok_and(|text| Package::new(Ecosystem::Pypi, text).name == package.name);
        // A longer word of a path or an address is none.
        let before = word.start.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(word.end).copied();
        if length > 0
            && is_name
            && !matches!(before, Some(b'/' | b'@' | b'\\'))
            && !matches!(after, Some(b'/' | b'@' | b'\\' | b'('))
        {
            found.push(word);
        }
        at += length.max(1);
    }
    found
}

/// The words of the command that a text ends in, the last first. A line that ends in one of `goes_on` goes on with the next.
fn words(before: &[u8], goes_on: &[u8]) -> Vec<String> {
    let mut lines = before.rsplit(|byte| *byte == b'\n').take(MAX_COMMAND_LINES);
    let mut text = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    for line in lines.map(<[u8]>::trim_ascii_end) {
        if !line.last().is_some_and(|last| goes_on.contains(last)) {
            break;
        }
        text = format!("{} {text}", String::from_utf8_lossy(line));
    }
    let command = text.rsplit([';', '|', '&']).next().unwrap_or_default();
    let is_between = |c: char| c.is_whitespace() || "\"'`,[]{}:=()\\".contains(c);
    command.split(is_between).filter(|word| !word.is_empty()).rev().map(str::to_owned).collect()
}

/// Whether the command in front of a place takes no version.
fn updates(before: &[u8]) -> bool {
    words(before, b"\\").iter().any(|word| UPDATES.contains(&word.as_str()))
}

/// How the command in front of a name of Python is told a version: uv's `uvx` by `@`, installers and options by `==`. None where it
/// is another command, or where it cannot be seen.
fn operator_of(before: &[u8]) -> Option<&'static str> {
    let words = words(before, b"\\,[{:(");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        match *word {
            "--from" | "--with" | "--spec" | "-w" | "install" | "add" | "download" | "inject" => return Some("=="),
            "run" if next == "pipx" => return Some("=="),
            "uvx" => return Some("@"),
            "run" if next == "tool" => return Some("@"),
            _ => {}
        }
    }
    None
}
