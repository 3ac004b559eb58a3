//! `go.mod` (Go Modules Reference, "go.mod files"). Its versions are exact: since Go 1.17 it names everything that is built, and what is
//! chosen is the highest that any of them asks for.

use super::{add, exact, floating, known};
use crate::gather::repository::document::text_of;
use crate::gather::repository::{Format, Reading, Source};
use crate::tool::Ecosystem;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("go.mod", |place| place.is_called(&["go.mod"]), read);

fn read(source: &Source<'_>) -> Reading {
    let text = match text_of(source.bytes) {
        Ok(text) => text,
        Err(error) => return Reading::unreadable(source, "text", &error),
    };
    let mut reading = Reading::default();
    let mut block: Option<&str> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.split("//").next().unwrap_or(line).trim();
        let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '`'])).peekable();
        let directive = match (block, words.peek()) {
            (_, None) => continue,
            (Some(_), Some(&")")) => {
                block = None;
                continue;
            }
            (Some(directive), Some(_)) => directive,
            (None, Some(first)) => {
                let directive = first.trim_end_matches('(');
                words.next();
                if line.ends_with('(') {
                    block = Some(directive);
                    continue;
                }
                directive
            }
        };
        let words: Vec<&str> = words.take(8).collect();
        match directive {
            "require" => ask(source, &words, number, &mut reading),
            // Of `old [version] => new [version]` the right side is what is built. Without a version it is a folder.
            "replace" => {
                let right = words.iter().position(|word| *word == "=>").map_or(&[][..], |at| &words[at + 1..]);
                if right.len() > 1 {
                    ask(source, right, number, &mut reading);
                }
            }
            _ => {}
        }
    }
    reading
}

fn ask(source: &Source<'_>, words: &[&str], line: u32, reading: &mut Reading) {
    let Some((name, rest)) = words.split_first() else { return };
    let Some(known) = known(source.catalogue, Ecosystem::Go, name) else { return };
    // A branch or tag that `go mod tidy` has not replaced yet.
    let version = rest.first().copied().unwrap_or_default();
    let request = if version.starts_with('v') { exact(Ecosystem::Go, version) } else { floating(version) };
    add(source, known, request, line, reading);
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;

    #[test]
    fn requirements_and_replacements_are_read() {
        let text = "module github.com/openai/openai-go\n\ngo 1.24\n\nrequire github.com/openai/openai-go/v2 v2.7.1\nrequire (\n\tgithub.com/anthropics/anthropic-sdk-go v1.2.3 // indirect\n\t// github.com/modelcontextprotocol/go-sdk v1.0.0\n\t\"google.golang.org/genai\" main\n)\nexclude github.com/mark3labs/mcp-go v0.1.0\nreplace (\n\tgithub.com/a/b v1.0.0 => github.com/mark3labs/mcp-go v0.2.0\n\tgithub.com/mark3labs/mcp-go => ../mcp-go\n)\nretract v1.0.0\n";
        assert_eq!(
            rows(super::read, "go.mod", text),
            [
                "5:github.com/openai/openai-go/v2 =v2.7.1",
                "7:github.com/anthropics/anthropic-sdk-go =v1.2.3",
                "9:google.golang.org/genai ~main",
                "13:github.com/mark3labs/mcp-go =v0.2.0",
            ]
        );
        for text in ["", "require", "require (", "replace a =>", ")", "require (\n(", "\u{0}"] {
            assert_eq!(rows(super::read, "go.mod", text), [] as [String; 0], "{text}");
        }
    }
}
