//! Text in agent instructions that people do not see as a tool reads it.
//!
//! A model reads every character; a diff, an editor and a rendered page show some of them. Five ways to hide are told apart, each narrow
//! enough that Hebrew, Arabic, Persian, Hindi, Thai, Russian or Greek prose, emoji, and the comments that linters and generators leave
//! say nothing: controls of direction (Unicode TR36 3.1, CVE-2021-42574), characters without width, tags and variation selectors that
//! spell a text, letters of another script inside a word (Unicode TR39 5.1), and instructions in comments.
//!
//! One directive a kind and line, and an end to them: one is enough to stop a commit, and thousands would only hide each other.

mod characters;
mod comment;
mod look_alike;
mod spelled;

use crate::digest::Digest;
use crate::evidence::{Directive, Hidden, Told};
use crate::gather::repository::{Reading, Source};
use std::path::Path;

/// The most directives of one file.
const MOST: usize = 64;
/// The most characters that one directive names.
const MOST_NAMED: usize = 16;

/// Read a file of instructions.
pub(super) fn read(source: &Source<'_>) -> Reading {
    if source.bytes.starts_with(b"\xff\xfe") || source.bytes.starts_with(b"\xfe\xff") {
        return Reading::odd(source.at(None), "it is written in UTF-16, and instructions are read as UTF-8".to_owned());
    }
    let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source.bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut reading = Reading::default();
    if !text.is_ascii() {
        for (line, text) in (1_u32..).zip(text.lines()) {
            if !text.is_ascii() && text.chars().any(may_hide) {
                add(source, &mut reading, line, text, of_line(text));
            }
        }
    }
    if is_markdown(source.path) {
        for found in comment::find(&text) {
            add(source, &mut reading, found.line, found.text, vec![Hidden::Comment { says: found.says }]);
        }
    }
    reading.directives.sort_by_key(|directive| directive.location.line);
    reading.directives.truncate(MOST);
    reading
}

/// Whether a character may be one that hides something. Most characters that are not ASCII are letters with an accent, dashes and
/// quotes, and a line of those hides nothing.
fn may_hide(c: char) -> bool {
    !c.is_ascii() && (characters::is_invisible(c) || characters::is_control(c) || spelled::spells(c) || look_alike::is_foreign(c))
}

/// What one line hides, at most one of each kind.
fn of_line(line: &str) -> Vec<Hidden> {
    let characters: Vec<char> = line.chars().collect();
    let found =
        [characters::bidi(&characters), characters::zero_width(&characters), spelled::find(&characters), look_alike::find(line)];
    found.into_iter().flatten().collect()
}

fn add(source: &Source<'_>, reading: &mut Reading, line: u32, text: &str, found: Vec<Hidden>) {
    for hidden in found {
        // Twice as many as are kept, because comments are looked for last and some of them stand first.
        if reading.directives.len() >= 2 * MOST {
            return;
        }
        reading.directives.push(Directive {
            what: Told::HiddenText(hidden),
            client: None,
            digest: Digest::sha256_of(text.as_bytes()),
            location: source.at(Some(line)),
            quote: None,
        });
    }
}

/// Comments of HTML are comments in Markdown, and text in anything else.
fn is_markdown(path: &Path) -> bool {
    path.extension().is_none_or(|ending| ["md", "mdc", "mdx", "markdown"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Characters as Unicode writes them, each once, in the order of the line.
fn named(characters: impl Iterator<Item = char>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for c in characters {
        let name = format!("U+{:04X}", u32::from(c));
        if !names.contains(&name) && names.len() < MOST_NAMED {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests;
