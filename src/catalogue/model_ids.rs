//! Ids of models in texts: the catalogue's patterns, compiled once into one automaton that never goes back.

use super::Tool;
use crate::tool::{Kind, ToolId};
use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;

/// The most memory that the compiled patterns may take, in bytes.
const LARGEST: usize = 8 << 20;

/// The ids of the models that the catalogue knows.
#[derive(Debug)]
pub struct ModelIds {
    /// One group for each entry of `owners`. None where the catalogue has no pattern.
    pattern: Option<Regex>,
    owners: Vec<Owner>,
}

#[derive(Debug)]
struct Owner {
    tool: ToolId,
    vendor: String,
    pattern: Regex,
}

/// An id that stands in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedModel<'t> {
    /// The id as written.
    pub id: &'t str,
    /// The entry of the catalogue that has its pattern.
    pub tool: &'t ToolId,
    /// Who makes the model.
    pub vendor: &'t str,
    /// Where it stands, in bytes.
    pub place: Range<usize>,
}

impl ModelIds {
    /// Of the entries that are models; what a tool may be given as a model is wider.
    pub(super) fn of(tools: &[Tool]) -> Self {
        let compiled = |text: &str| RegexBuilder::new(text).unicode(false).size_limit(LARGEST).build().ok();
        let mut owners = Vec::new();
        let mut all = Vec::new();
        for tool in tools.iter().filter(|tool| tool.kind == Kind::Model && !tool.model_id_patterns.is_empty()) {
            let any = tool.model_id_patterns.iter().map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|");
            // A pattern that cannot be compiled is found by a test of the embedded catalogue.
            if let Some(pattern) = compiled(&format!("^(?:{any})$")) {
                owners.push(Owner { tool: tool.id.clone(), vendor: tool.vendor.clone(), pattern });
                all.push(any);
            }
        }
        let pattern = (!all.is_empty()).then(|| compiled(&all.join("|"))).flatten();
        Self { pattern, owners }
    }

    /// The ids in a text, each as a whole word: `claude-opus-4-8`, not `my-claude-opus-4-8` and not `claude-opus-4-8x`. A date or a
    /// number behind an id belongs to it.
    pub fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = NamedModel<'t>> {
        let found = self.pattern.iter().flat_map(|pattern| pattern.find_iter(text.as_bytes()));
        found.filter_map(|found| self.named(text, found.range()))
    }

    fn named<'t>(&'t self, text: &'t str, mut place: Range<usize>) -> Option<NamedModel<'t>> {
        let bytes = text.as_bytes();
        // A full stop behind an id ends the sentence.
        while place.end > place.start && matches!(bytes[place.end - 1], b'.' | b'-') {
            place.end -= 1;
        }
        let without_date = place.clone();
        while let Some(more) = date(&bytes[place.end..]) {
            place.end += more;
        }
        let is_word =
            |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || !b.is_ascii());
        let before = place.start.checked_sub(1).and_then(|at| bytes.get(at));
        if is_word(before) || is_word(bytes.get(place.end)) {
            return None;
        }
        let bare = &bytes[without_date];
        let owner = self.owners.iter().find(|owner| owner.pattern.is_match(bare))?;
        let id = text.get(place.clone())?;
        Some(NamedModel { id, tool: &owner.tool, vendor: &owner.vendor, place })
    }
}

/// The length of `-0613`, `-2024-08-06`, `-20250929` at the start of a text.
fn date(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.strip_prefix(b"-")?.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_ended = bytes.get(1 + digits).is_none_or(|b| !b.is_ascii_alphabetic() && *b != b'_');
    ((2..=8).contains(&digits) && is_ended).then_some(1 + digits)
}

#[cfg(test)]
mod tests {
    use crate::catalogue::Catalogue;
    use crate::tool::Kind;

    #[test]
    fn whole_words_alone_are_ids() {
        let catalogue = Catalogue::built_in();
        let found = |text: &str| -> Vec<String> {
            catalogue.model_ids().find(text).map(|named| format!("{} {}", named.id, named.vendor)).collect()
        };
        assert_eq!(found("model = \"claude-opus-4-8\""), ["claude-opus-4-8 Anthropic"]);
        assert_eq!(
            found("anthropic/claude-3-5-sonnet-20241022, gpt-4-0613; (gemini-3.8-flash)"),
            ["claude-3-5-sonnet-20241022 Anthropic", "gpt-4-0613 OpenAI", "gemini-3.8-flash Google",]
        );
        assert_eq!(found("gpt-4o-2024-08-06"), [""; 0], "no pattern of the catalogue");
        assert_eq!(
            found("'gpt-5.3-codex' deepseek-v4-pro glm-5.3. kimi-k3 grok-4"),
            ["gpt-5.3-codex OpenAI", "deepseek-v4-pro DeepSeek", "glm-5.3 Zhipu", "kimi-k3 Moonshot AI", "grok-4 xAI",]
        );
        for none in
            ["my-claude-opus-4-8", "claude-opus-4-8x", "claude-opus", "xgpt-5", "gpt-5_test", "GPT-5", "claude_opus_4", "éo3"]
        {
            assert_eq!(found(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn every_pattern_of_the_catalogue_compiles() {
        let catalogue = Catalogue::built_in();
        let models = catalogue.tools().iter().filter(|tool| tool.kind == Kind::Model && !tool.model_id_patterns.is_empty());
        assert_eq!(catalogue.model_ids().owners.len(), models.count());
        assert!(catalogue.model_ids().pattern.is_some());
        for pattern in catalogue.tools().iter().flat_map(|tool| &tool.model_id_patterns) {
            assert!(regex::bytes::Regex::new(&format!("(?-u){pattern}")).is_ok(), "{pattern}");
        }
    }
}
