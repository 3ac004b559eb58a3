//! A line of a file as a report shows it: fit for a terminal, cut to its width, with a mark below what is meant.

use super::words::printable_line;
use crate::evidence::Quote;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;
use unicode_width::UnicodeWidthStr as _;

/// A quoted line, made printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    line: u32,
    text: String,
    marked: Range<usize>,
}

impl Excerpt {
    /// A quote without the blanks that it begins with. `None` where nothing is left of it.
    pub(super) fn of(line: u32, quote: &Quote) -> Option<Self> {
        let part = within(&quote.text, &quote.part);
        let (before, meant, after) = (&quote.text[..part.start], &quote.text[part.clone()], &quote.text[part.end..]);
        let blank = |text: &str| printable_line(text).replace('\t', "    ");
        let (before, meant, after) = (blank(before.trim_start()), blank(meant), blank(after.trim_end()));
        let text = format!("{before}{meant}{after}");
        (!text.trim().is_empty()).then(|| Self { line, marked: before.len()..before.len() + meant.len(), text })
    }

    /// The line with its number, and the mark, in lines of at most `width` columns.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        // What is left of a very narrow terminal shows nothing worth reading.
        const LEAST: usize = 16;
        let width = width.max(LEAST);
        let number = self.line.to_string().len();
        // The renderer never cuts what is marked: a long mark is cut here, at its end.
        let room = width.saturating_sub(number + 3 + 8).max(4);
        let marked = self.marked.start..self.marked.start + fitting(&self.text[self.marked.clone()], room);
        let annotation = AnnotationKind::Primary.span(marked);
        let snippet = Snippet::source(self.text.as_str()).line_start(self.line as usize).annotation(annotation);
        let text = Renderer::plain().term_width(width).render(&[Group::with_level(Level::ERROR).element(snippet)]);
        // The first line is an empty margin; what is still too wide (marks of double width) is cut.
        text.lines()
            .skip(1)
            .map(|line| line[..fitting(line, width)].trim_end().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }
}

/// The bytes at the beginning of a text that fit in so many columns.
fn fitting(text: &str, columns: usize) -> usize {
    text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| text[..*end].width() <= columns).last().unwrap_or(0)
}

/// A part of a text, kept inside it and at the edges of characters.
pub(super) fn within(text: &str, part: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(part.start);
    start..text.floor_char_boundary(part.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn excerpt(text: &str, meant: &str, width: usize) -> String {
        let start = text.find(meant).unwrap();
        let quote = Quote { text: text.to_owned(), part: start..start + meant.len() };
        Excerpt::of(14, &quote).unwrap().lines(width).join("\n")
    }

    #[test]
    fn a_line_stands_above_its_mark() {
        insta::assert_snapshot!(excerpt("\t\t\"@google/gemini-cli\": \"^0.60.0\",", "@google/gemini-cli", 70), @r#"
        14 | "@google/gemini-cli": "^0.60.0",
           |  ^^^^^^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn what_could_deceive_is_spelled_out_and_marked_whole() {
        insta::assert_snapshot!(excerpt("run \u{202e}evil\u{1b}[2K \u{1b}x", "\u{202e}evil", 70), @r"
        14 | run \u{202e}evil\u{1b}[2K \u{1b}x
           |     ^^^^^^^^^^^^
        ");
    }

    #[test]
    fn a_long_line_is_cut_around_its_part() {
        let long = format!("{} codex {}", "before ".repeat(60), "after ".repeat(60));
        let text = excerpt(&long, "codex", 40);
        assert!(text.contains(" codex ") && text.lines().all(|line| line.width() <= 40), "{text}");
    }

    proptest! {
        #[test]
        fn it_is_never_wider_and_never_deceives(text in "\\PC{0,80}|[a-z\u{200b}\u{202e}\t日 ]{0,300}", from in 0usize..90, length in 0usize..200, width in 16usize..120) {
            let part = text.floor_char_boundary(from)..text.floor_char_boundary(from + length).max(text.floor_char_boundary(from));
            if let Some(excerpt) = Excerpt::of(7, &Quote { text, part }) {
                for line in excerpt.lines(width) {
                    prop_assert!(line.width() <= width, "{line:?}");
                    prop_assert!(!line.chars().any(crate::text::is_deceptive), "{line:?}");
                }
            }
        }
    }
}
