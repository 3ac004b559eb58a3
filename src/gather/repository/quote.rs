//! The line that a finding speaks of, kept so that a report can show it without opening a file.

use super::Reading;
use super::document::Lines;
use crate::evidence::{Mention, Quote, Request, Told, TraceOrigin};

/// Give everything that knows its line the text of that line.
pub(super) fn add(bytes: &[u8], reading: &mut Reading) {
    let has_line = reading.mentions.iter().any(|mention| mention.location.line.is_some());
    if !has_line && reading.directives.is_empty() && reading.traces.is_empty() {
        return;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let lines = Lines::of(&text);
    for mention in reading.mentions.iter_mut().filter(|mention| mention.quote.is_none()) {
        mention.quote = lines.line(&text, mention.location.line).and_then(|line| of(line, &parts_of(mention)));
    }
    for directive in reading.directives.iter_mut().filter(|directive| directive.quote.is_none()) {
        let part = match &directive.what {
            Told::Command { command, .. } | Told::Server { command, .. } => command,
            Told::Endpoint { address, .. } | Told::BaseUrl { address, .. } => address,
            Told::Marketplace { from, .. } => from,
            Told::Permission { value, .. } => value,
            Told::HiddenText(_) => "",
        };
        directive.quote = lines.line(&text, directive.location.line).and_then(|line| of(line, &[part]));
    }
    for trace in reading.traces.iter_mut().filter(|trace| trace.quote.is_none()) {
        let TraceOrigin::File(location) = &trace.origin else { continue };
        let part = trace.model.as_deref().unwrap_or_default();
        trace.quote = lines.line(&text, location.line).and_then(|line| of(line, &[part]));
    }
}

/// What of the line names the tool, the most telling first.
fn parts_of(mention: &Mention) -> [&str; 3] {
    let request = match &mention.request {
        Request::Exact(version) => version.as_str(),
        Request::Floating { text, .. } => text.as_str(),
    };
    let last = mention.package.name.rsplit('/').next().unwrap_or_default();
    [&mention.package.name, last, request]
}

/// A line with the first of some parts that stands in it; else with all of it but the space around.
pub(super) fn of(line: &str, parts: &[&str]) -> Option<Quote> {
    let line = line.trim_end_matches(['\r', '\n']);
    let found = parts.iter().filter(|part| !part.is_empty()).find_map(|part| Some((line.find(part)?, part.len())));
    let trimmed = line.trim();
    let (start, length) = found.unwrap_or((line.len() - line.trim_start().len(), trimmed.len()));
    if length == 0 {
        return None;
    }
    // A long line is kept around its part.
    let before = if start + length > Quote::LONGEST { start.saturating_sub(Quote::LONGEST / 4) } else { 0 };
    let from = line.ceil_char_boundary(before);
    let until = line.floor_char_boundary((from + Quote::LONGEST).min(line.len()));
    let text = line.get(from..until)?.to_owned();
    let part = start.saturating_sub(from)..(start + length - from).min(text.len());
    text.is_char_boundary(part.end).then_some(Quote { text, part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_marks_its_part() {
        let quote = of("    \"@openai/codex\": \"^1\",\r\n", &["absent", "@openai/codex"]).unwrap();
        assert_eq!(&quote.text[quote.part.clone()], "@openai/codex");
        assert_eq!(quote.text, "    \"@openai/codex\": \"^1\",");
        let whole = of("  all of it  ", &[""]).unwrap();
        assert_eq!(&whole.text[whole.part.clone()], "all of it");
        assert_eq!(of("   ", &["x"]), None);
    }

    #[test]
    fn a_long_line_is_kept_around_its_part() {
        let line = format!("{}codex{}", "ä".repeat(4_000), "ö".repeat(4_000));
        let quote = of(&line, &["codex"]).unwrap();
        assert!(quote.text.len() <= Quote::LONGEST);
        assert_eq!(&quote.text[quote.part.clone()], "codex");
        let long = "ü".repeat(4_000);
        let quote = of(&long, &[&long]).unwrap();
        assert!(quote.text.len() <= Quote::LONGEST && quote.part.end <= quote.text.len());
    }
}
