//! Trailers by which AI tools sign the commits they make.
//!
//! Anybody can write one and anybody can leave one out, so a trailer is evidence that a tool was used and never proof of it, and the
//! lack of one says nothing. It holds no version. The e-mail address is what tells the tool: names are inserted at run time, and their
//! case varies from version to version.

use super::quote;
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{Trace, TraceOrigin};
use crate::text::printable;
use globset::{GlobBuilder, GlobMatcher};

/// The longest message that is read, in bytes; git itself has no limit.
const MAX_MESSAGE: usize = 1 << 20;
/// The most traces of one message.
const MAX_TRACES: usize = 64;
/// The longest subject line that is kept, in characters.
const MAX_SUBJECT: usize = 72;

/// A message with what is known of its commit.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The commit, hex; none while it is being made.
    pub commit: Option<&'a str>,
    /// The name of its author, where one is known.
    pub author: &'a str,
    /// The e-mail address of its author, where one is known.
    pub email: &'a str,
    /// The message.
    pub text: &'a str,
}

/// How the tools of a catalogue sign.
#[derive(Debug)]
pub struct Signs<'a> {
    signs: Vec<Sign<'a>>,
    suffixes: Vec<(&'a str, &'a Tool)>,
}

#[derive(Debug)]
struct Sign<'a> {
    tool: &'a Tool,
    /// The key, in lower case.
    key: String,
    by: By,
}

#[derive(Debug)]
enum By {
    /// The value ends with this address, in lower case.
    Email(String),
    /// The value matches.
    Value(GlobMatcher),
}

impl<'a> Signs<'a> {
    /// Those of a catalogue.
    #[must_use]
    pub fn of(catalogue: &'a Catalogue) -> Self {
        let tools = catalogue.tools().iter();
        let signs = tools.clone().flat_map(|tool| tool.commit_trailers.iter().filter_map(|trailer| Sign::of(tool, trailer)));
        let suffixes = tools.filter_map(|tool| Some((tool.author_suffix.as_deref()?, tool)));
        Self { signs: signs.collect(), suffixes: suffixes.collect() }
    }

    /// What a message says of tools that were used, each tool and model once.
    #[must_use]
    pub fn traces(&self, message: &Message<'_>) -> Vec<Trace> {
        let text = &message.text[..message.text.floor_char_boundary(MAX_MESSAGE)];
        let mut traces: Vec<Trace> = Vec::new();
        let origin = || TraceOrigin::Commit { id: message.commit.map(str::to_owned), subject: subject_of(text) };
        let mut add = |tool: &Tool, model: Option<String>, line: &str| {
            let is_known = traces.iter().any(|known| known.tool.as_ref() == Some(&tool.id) && known.model == model);
            if !is_known && traces.len() < MAX_TRACES {
                let vendor = tool.vendor.clone();
                traces.push(Trace { tool: Some(tool.id.clone()), model, vendor, origin: origin(), quote: quote::of(line, &[]) });
            }
        };
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            for sign in self.signs.iter().filter(|sign| sign.key == key && sign.is_in(value)) {
                add(sign.tool, model_of(value), line);
            }
        }
        for (suffix, tool) in &self.suffixes {
            if message.author.trim_end().ends_with(suffix) {
                add(tool, None, message.author);
            }
        }
        // A bot that commits by itself signs as the author.
        for sign in &self.signs {
            if let By::Email(email) = &sign.by
                && message.email.eq_ignore_ascii_case(email)
            {
                add(sign.tool, None, &format!("{} <{}>", message.author, message.email));
            }
        }
        traces
    }
}

impl<'a> Sign<'a> {
    fn of(tool: &'a Tool, trailer: &str) -> Option<Self> {
        let (key, value) = trailer.split_once(':')?;
        let by = if let Some(email) = address_of(value) {
            By::Email(email.to_ascii_lowercase())
        } else {
            let glob = GlobBuilder::new(value.trim()).case_insensitive(true).build().ok()?;
            By::Value(glob.compile_matcher())
        };
        Some(Self { tool, key: key.trim().to_ascii_lowercase(), by })
    }

    fn is_in(&self, value: &str) -> bool {
        match &self.by {
            By::Email(email) => address_of(value).is_some_and(|found| found.eq_ignore_ascii_case(email)),
            By::Value(glob) => glob.is_match(value),
        }
    }
}

/// The address in angle brackets at the end of a value.
fn address_of(value: &str) -> Option<&str> {
    let value = value.trim().strip_suffix('>')?;
    Some(value[value.rfind('<')? + 1..].trim())
}

/// The model that some tools write beside their name: `aider (gpt-5.6-sol)`, `gpt-5.6-sol via Crush`. It is taken as it stands.
fn model_of(value: &str) -> Option<String> {
    let name = value.split('<').next()?.trim();
    let model = match (name.rsplit_once('('), name.split_once(" via ")) {
        (Some((_, rest)), _) => rest.strip_suffix(')')?.trim(),
        (None, Some((model, _))) => model.trim(),
        (None, None) => return None,
    };
    let is_id = !model.is_empty() && model.len() <= 200 && !model.contains(char::is_whitespace);
    is_id.then(|| model.to_owned())
}

fn subject_of(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    printable(&line.chars().take(MAX_SUBJECT).collect::<String>()).into_owned()
}

/// The message that git will record, of the file that it gives to a `commit-msg` hook: without comment lines and without what stands
/// below the scissors (git-commit, `--cleanup`).
#[must_use]
pub fn without_comments(file: &str) -> String {
    let mut kept = String::with_capacity(file.len());
    for line in file.lines() {
        if line.starts_with('#') && line.contains(">8") && line.contains("---") {
            break;
        }
        if !line.starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(author: &str, email: &str, text: &str) -> Vec<String> {
        let catalogue = Catalogue::built_in();
        let signs = Signs::of(&catalogue);
        let traces = signs.traces(&Message { commit: None, author, email, text });
        let told = |trace: Trace| {
            let model = trace.model.map(|model| format!(" {model}")).unwrap_or_default();
            format!("{}{model}", trace.tool.unwrap())
        };
        traces.into_iter().map(told).collect()
    }

    /// Every form of `tools.md` 3.5, in other cases than the catalogue writes them.
    #[test]
    fn every_tool_is_known_by_its_trailer() {
        for (line, tool) in [
            ("co-authored-by: Claude Opus 5.5 (1M context) <NoReply@Anthropic.com>", "claude-code"),
            ("Claude-Session: 01H", "claude-code"),
            ("Co-Authored-By: codex <noreply@openai.com>", "openai-codex"),
            ("Co-authored-by: Qwen-Coder <qwen-coder@alibabacloud.com>", "qwen-code"),
            ("Co-Authored-By: Continue <noreply@continue.dev>", "continue-cli"),
            ("Co-authored-by: factory-droid[bot] <138933559+factory-droid[bot]@users.noreply.github.com>", "droid"),
            ("Generated-By: Letta Code", "letta-code"),
            ("Co-Authored-By: Mistral Vibe <vibe@mistral.ai>", "mistral-vibe"),
            ("Co-authored-by: openhands <openhands@all-hands.dev>", "openhands"),
            ("Co-authored-by: aider (gpt-5.6-sol) <aider@aider.chat>", "aider gpt-5.6-sol"),
            ("Co-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>", "copilot-cli"),
            // The program and the editor sign alike: nobody can tell which it was.
            ("Co-authored-by: Cursor <cursoragent@cursor.com>", "cursor-agent, cursor-ide"),
            ("Co-authored-by: Amp <amp@ampcode.com>", "amp"),
            ("Amp-Thread-ID: https://ampcode.com/threads/T-0", "amp"),
            ("Assisted-by: kimi-k3 via Crush <crush@charm.land>", "crush kimi-k3"),
            ("Co-Authored-By: opencode <noreply@opencode.ai>", "opencode"),
            ("Co-authored-by: Qoder <noreply@qoder.com>", "qoder-cli, qoder-ide"),
        ] {
            assert_eq!(told("A", "a@example.com", &format!("Fix it\n\n{line}\n")).join(", "), tool, "{line}");
        }
    }

    #[test]
    fn people_and_prose_are_no_tools() {
        for text in [
            "Talk to Claude <noreply@anthropic.com> about it",
            "Co-authored-by: Claude Monet <claude@example.com>",
            "Co-authored-by: noreply@anthropic.com",
            "Signed-off-by: Codex <noreply@openai.com>",
            "",
            ":",
            "Co-authored-by: <",
        ] {
            assert_eq!(told("A", "a@example.com", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn authors_sign_too_and_each_tool_is_said_once() {
        assert_eq!(told("Ada (aider)", "a@example.com", "x"), ["aider"]);
        let twice = "x\n\nCo-authored-by: Claude <noreply@anthropic.com>\nCo-Authored-By: Claude Opus <noreply@anthropic.com>";
        assert_eq!(told("Claude", "noreply@anthropic.com", twice), ["claude-code"]);
    }

    #[test]
    fn comments_and_what_lies_below_the_scissors_are_not_recorded() {
        let file = "Fix\n# Co-authored-by: Codex <noreply@openai.com>\n\nbody\n# ------------------------ >8 ------------------------\nCo-authored-by: Codex <noreply@openai.com>\n";
        assert_eq!(without_comments(file), "Fix\n\nbody\n");
    }
}
