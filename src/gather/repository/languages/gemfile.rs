//! `Gemfile`, `gems.rb` and gem specifications, of which only what is written out as text can be read: they are programs, and nothing here
//! runs them.

use super::{add, exact, floating, known};
use crate::evidence::Request;
use crate::gather::repository::pins::GEM_LOCKS;
use crate::gather::repository::{Format, Pins, Place, Reading, Source};
use crate::tool::Ecosystem;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { pins: Pins::By(GEM_LOCKS), is_told_by_name: false, ..Format::named("Gemfile", matches, read) };

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&["Gemfile", "gems.rb"]) || place.ending() == "gemspec"
}

/// Calls that name a gem, after an object and a dot or alone.
const CALLS: [&str; 4] = ["gem", "add_dependency", "add_runtime_dependency", "add_development_dependency"];

fn read(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    let mut reading = Reading::default();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let Some(texts) = line.split(';').find_map(call) else { continue };
        let Some((name, versions)) = texts.split_first() else { continue };
        if let Some(known) = known(source.catalogue, Ecosystem::Gem, name) {
            add(source, known, request(versions, line), number, &mut reading);
        }
    }
    reading
}

/// The texts that a call begins with: a name and requirements.
fn call(statement: &str) -> Option<Vec<&str>> {
    let statement = statement.trim();
    let end = statement.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'))?;
    let (call, mut rest) = statement.split_at(end);
    if !CALLS.contains(&call.rsplit('.').next().unwrap_or(call)) {
        return None;
    }
    let mut texts = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ',' | '['));
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Some(texts) };
        let (text, after) = rest[1..].split_once(quote)?;
        texts.push(text);
        rest = after;
        // `"name" => value` is an option.
        if rest.trim_start().starts_with("=>") {
            texts.pop();
            return Some(texts);
        }
    }
}

/// A version alone is exact, as with `=` (Bundler, "gem").
fn request(versions: &[&str], line: &str) -> Request {
    let is_elsewhere = ["git:", "github:", ":git", ":github"].iter().any(|key| line.contains(key));
    match versions {
        [only] if !is_elsewhere => {
            let version = only.trim().strip_prefix('=').unwrap_or(only).trim();
            if version.starts_with(|c: char| c.is_ascii_digit()) { exact(Ecosystem::Gem, version) } else { floating(only) }
        }
        _ => floating(&versions.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;

    #[test]
    fn calls_that_name_a_gem_are_read() {
        let text = "source 'https://acme.example'\ngem 'openai', '0.16.0'\ngem \"ruby-openai\", \"~> 7.0\", \">= 7.1\", require: 'x'\n# gem 'mcp'\ngem('anthropic', '= 1.2.3')\n  gem 'ruby_llm', git: 'https://acme.example/x', tag: 'v1'\ngem 'mcp' if x\ngem \"langchainrb\", :require => false\nputs 'openai'\ngemspec\ngem x\n";
        assert_eq!(
            rows(super::read, "Gemfile", text),
            [
                "2:openai =0.16.0",
                "3:ruby-openai ~~> 7.0, >= 7.1",
                "5:anthropic =1.2.3",
                "6:ruby_llm ~*",
                "7:mcp ~*",
                "8:langchainrb ~*",
            ]
        );
        let text = "Gem::Specification.new do |s|\n  s.name = 'openai'\n  s.add_dependency \"anthropic\", \"~> 1\"\nend\n";
        assert_eq!(rows(super::read, "x.gemspec", text), ["3:anthropic ~~> 1"]);
        for text in ["gem '", "gem", "gem(((", "gem 'ä", "\u{feff}gem"] {
            assert_eq!(rows(super::read, "Gemfile", text), [] as [String; 0], "{text}");
        }
    }
}
