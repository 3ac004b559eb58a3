//! A change of lines of a file, as `diff -u` shows it: what was there, what is there then, three lines around.
//!
//! The two texts have the same number of lines: only what stands within lines changes.

use super::palette::{BOLD, DIM, GREEN, PLAIN, RED};
use crate::text::{printable, printable_path};
use std::io::{self, Write};
use std::path::Path;

/// Lines that are shown around a change.
const AROUND: usize = 3;
/// The most characters of a line that are shown.
const LONGEST: usize = 400;

/// Write the change of one file. What stands in it cannot be more than text.
///
/// # Errors
/// Those of the writer.
pub fn render(path: &Path, before: &[u8], after: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let changed: Vec<usize> = (0..old.len().min(new.len())).filter(|line| old[*line] != new[*line]).collect();
    let path = printable_path(path);
    writeln!(out, "{BOLD}--- a/{path}{BOLD:#}\n{BOLD}+++ b/{path}{BOLD:#}")?;
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        // Changes whose surroundings touch are shown together.
        let together = 1 + rest.windows(2).take_while(|pair| pair[1] - pair[0] <= 2 * AROUND).count();
        let (here, later) = rest.split_at(together);
        let (from, until) = (first.saturating_sub(AROUND), (here[together - 1] + AROUND + 1).min(old.len()));
        writeln!(out, "{DIM}@@ -{0},{1} +{0},{1} @@{DIM:#}", from + 1, until - from)?;
        let mut line = from;
        while line < until {
            // Lines that change one after the other are taken out together, as every other program shows it.
            let run = (line..until).take_while(|line| here.contains(line)).count();
            for at in line..line + run {
                write_line(out, (RED, '-'), old[at], new[at])?;
            }
            for at in line..line + run {
                write_line(out, (GREEN, '+'), new[at], old[at])?;
            }
            line += run;
            if line < until && run == 0 {
                write_line(out, (PLAIN, ' '), old[line], old[line])?;
                line += 1;
            }
        }
        rest = later;
    }
    Ok(())
}

fn write_line(out: &mut dyn Write, (style, sign): (anstyle::Style, char), line: &str, other: &str) -> io::Result<()> {
    writeln!(out, "{style}{sign}{}{style:#}", shown(line, other))?;
    if line.ends_with('\n') { Ok(()) } else { writeln!(out, "{DIM}\\ No newline at end of file{DIM:#}") }
}

/// A line without its end; of a very long one what is around the first difference from another.
fn shown(line: &str, other: &str) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let count = line.chars().count();
    if count <= LONGEST {
        return text_of(line);
    }
    let same = line.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let skip = if same == count { 0 } else { same.saturating_sub(LONGEST / 4) };
    let part: String = line.chars().skip(skip).take(LONGEST).collect();
    let (head, tail) = (if skip > 0 { "..." } else { "" }, if skip + LONGEST < count { "..." } else { "" });
    format!("{head}{}{tail}", text_of(&part))
}

/// A text that is nothing else; tabulators stay, because lines are indented by them.
fn text_of(line: &str) -> String {
    line.split('\t').map(printable).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(before: &str, after: &str) -> String {
        let mut out = Vec::new();
        render(Path::new("a b.txt"), before.as_bytes(), after.as_bytes(), &mut out).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn changes_are_shown_with_what_is_around_them() {
        let text =
            |n: usize, x: &str| (1..=20).map(|l| if l == n { format!("{x}\n") } else { format!("{l}\n") }).collect::<String>();
        assert_eq!(
            rendered(&text(10, "old"), &text(10, "new")),
            "--- a/a b.txt\n+++ b/a b.txt\n@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-old\n+new\n 11\n 12\n 13\n"
        );
        assert_eq!(rendered("old\r\n2\r\n", "new\r\n2\r\n"), "--- a/a b.txt\n+++ b/a b.txt\n@@ -1,2 +1,2 @@\n-old\n+new\n 2\n");
        assert_eq!(rendered("a\nb\nc\n", "x\ny\nc\n"), "--- a/a b.txt\n+++ b/a b.txt\n@@ -1,3 +1,3 @@\n-a\n-b\n+x\n+y\n c\n");
        assert_eq!(
            rendered("\ta\n\told", "\ta\n\tnew"),
            "--- a/a b.txt\n+++ b/a b.txt\n@@ -1,2 +1,2 @@\n \ta\n-\told\n\\ No newline at end of file\n+\tnew\n\\ No newline at end of file\n"
        );
        let far = rendered("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n");
        assert_eq!(far.matches("@@ -").count(), 2, "{far}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_change_and_shows_nothing_but_text() {
        let line = |x: &str| format!("{}{x}{}\u{1b}[2K", "a".repeat(5_000), "b".repeat(5_000));
        let text = rendered(&line("old"), &line("new"));
        assert!(text.contains("old") && text.contains("new") && text.len() < 1_000, "{text}");
        assert!(rendered("a\u{1b}[2K old", "a\u{1b}[2K new").contains("\\u{1b}"), "escapes are shown");
    }
}
