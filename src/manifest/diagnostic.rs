//! Problems of a document, shown at the place where they stand.
//!
//! The text of a document is hostile until its signature says otherwise, and often this is shown before any signature was looked
//! at: the lines around a problem are escaped as everything else is (threat T-14).

use super::client::ClientRequirement;
use super::schema::MAX_PROBLEMS;
use crate::source::{SourceFile, line_of};
use crate::text::{is_deceptive, printable, printable_path};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// The most problems that are shown; the rest is counted.
const MAX_SHOWN: usize = 20;
/// The widest piece of a line that is shown, in bytes to each side of the problem.
const MAX_CONTEXT: usize = 120;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, one sentence without a full stop. Safe to show.
    pub message: String,
    /// The bytes of the document it speaks of; empty when it speaks of the whole.
    pub span: Range<usize>,
    /// What to do. Safe to show.
    pub help: Option<String>,
}

/// A document that cannot be used, with everything that is wrong with it. `Display` is the whole rendered list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestErrors {
    /// The document.
    pub source: SourceFile,
    /// What is wrong, in the order of the file; never empty.
    pub problems: Vec<Problem>,
    /// The `kind` it states, when that is another kind of document than was asked for. Then nothing else was looked at.
    pub wrong_kind: Option<String>,
    /// The `requires-client` it states, also where the rest cannot be read: what this version does not know may be no fault of a
    /// document that was written for a newer one.
    pub requires_client: Option<Box<ClientRequirement>>,
}

impl std::error::Error for ManifestErrors {}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> =
            self.problems.iter().take(MAX_SHOWN).map(|problem| problem.render(&self.source, Weight::Error)).collect();
        f.write_str(&shown.join("\n\n"))?;
        match self.problems.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            rest if self.problems.len() >= MAX_PROBLEMS => write!(f, "\n\nand at least {rest} more"),
            rest => write!(f, "\n\nand {rest} more"),
        }
    }
}

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing.
    Note,
    /// Probably not meant.
    Warning,
    /// The document cannot be used.
    Error,
}

impl Problem {
    /// The problem at its place in the document, as lines of text without a last line feed.
    #[must_use]
    pub fn render(&self, source: &SourceFile, weight: Weight) -> String {
        let excerpt = Excerpt::around(&source.text, &self.span);
        let path = printable_path(&source.path);
        let level = match weight {
            Weight::Note => Level::NOTE,
            Weight::Warning => Level::WARNING,
            Weight::Error => Level::ERROR,
        };
        let mut group = level.primary_title(self.message.as_str()).element(
            Snippet::source(excerpt.text.as_str())
                .line_start(excerpt.line as usize)
                .path(path.as_str())
                .annotation(AnnotationKind::Primary.span(excerpt.span)),
        );
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        Renderer::plain().render(&[group])
    }
}

/// The line a problem begins on, escaped.
struct Excerpt {
    text: String,
    line: u32,
    span: Range<usize>,
}

impl Excerpt {
    fn around(text: &str, span: &Range<usize>) -> Self {
        let start = floor(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor(text, span.end).clamp(start, line_end);
        // A line may be the whole document: only what stands near is shown.
        let from = floor(text, line_start.max(start.saturating_sub(MAX_CONTEXT)));
        let to = floor(text, line_end.min(start + MAX_CONTEXT));
        let end = end.min(to);
        let before = escape(&text[from..start]);
        let marked = escape(&text[start..end]);
        let after = escape(text[end..to].trim_end_matches('\r'));
        let cut = |at_edge: bool| if at_edge { "" } else { "..." };
        let before = format!("{}{before}", cut(from == line_start));
        let span = before.len()..before.len() + marked.len();
        Self { text: format!("{before}{marked}{after}{}", cut(to == line_end)), line: line_of(text, start), span }
    }
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' {
            shown.push_str("    ");
        } else if is_deceptive(c) {
            shown.push_str(&printable(c.encode_utf8(&mut [0; 4])));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn errors(text: &str, span: Range<usize>) -> ManifestErrors {
        ManifestErrors {
            source: SourceFile { path: "vetted.toml".into(), text: text.into() },
            problems: vec![Problem { message: "wrong".into(), span, help: Some("mend it".into()) }],
            wrong_kind: None,
            requires_client: None,
        }
    }

    #[test]
    fn a_problem_is_shown_where_it_stands() {
        let shown = errors("a = 1\n\tb = \"\u{202e}x\"\r\n", 11..17).to_string();
        assert_eq!(
            shown,
            concat!(
                "error: wrong\n",
                " --> vetted.toml:2:9\n",
                "  |\n",
                "2 |     b = \"\\u{202e}x\"\n",
                "  |         ^^^^^^^^^^^\n",
                "  |\n",
                "  = help: mend it"
            )
        );
    }

    #[test]
    fn a_line_as_long_as_the_file_is_cut() {
        let text = format!("a = [{}]", "1, ".repeat(1_000_000));
        let shown = errors(&text, 1_500_000..1_500_001).to_string();
        assert!(shown.len() < 1000, "{}", shown.len());
    }

    proptest! {
        #[test]
        fn any_text_and_any_place_can_be_shown(text in any::<String>(), start in 0_usize..200, length in 0_usize..50) {
            let shown = errors(&text, start..start + length).to_string();
            prop_assert!(!shown.lines().flat_map(str::chars).any(is_deceptive));
        }
    }
}
