//! What repository content tells tools and says of them, and the lines it does so on, as values.

use super::{LocationEntry, exact_path, safe};
use crate::evidence::{Directive, Hidden, Quote, Told, Trace, TraceOrigin};
use crate::report::excerpt::within;
use serde::Serialize;

/// A line without the blanks around it, and the part of it that is meant.
#[derive(Serialize, Clone)]
pub(in crate::report) struct QuoteEntry {
    text: String,
    part: String,
}

impl QuoteEntry {
    pub(in crate::report) fn of(quote: &Quote) -> Self {
        let part = &quote.text[within(&quote.text, &quote.part)];
        Self { text: safe(quote.text.trim()), part: safe(part.trim()) }
    }
}

/// What repository content tells an AI tool to do.
#[derive(Serialize)]
pub(super) struct DirectiveEntry {
    #[serde(flatten)]
    what: ToldEntry,
    client: Option<String>,
    sha256: String,
    location: LocationEntry,
    quote: Option<QuoteEntry>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum ToldEntry {
    AgentCommand { event: String, command: String },
    McpServer { name: String, command: String },
    McpEndpoint { name: String, address: String },
    BaseUrl { key: String, address: String },
    PluginMarketplace { name: String, from: String },
    AgentPermission { key: String, value: String },
    HiddenText { how: &'static str, characters: Vec<String>, text: Option<String> },
}

impl DirectiveEntry {
    pub(super) fn of(directive: &Directive) -> Self {
        let what = match &directive.what {
            Told::Command { event, command } => ToldEntry::AgentCommand { event: safe(event), command: safe(command) },
            Told::Server { name, command } => ToldEntry::McpServer { name: safe(name), command: safe(command) },
            Told::Endpoint { name, address } => ToldEntry::McpEndpoint { name: safe(name), address: safe(address) },
            Told::BaseUrl { key, address } => ToldEntry::BaseUrl { key: safe(key), address: safe(address) },
            Told::Marketplace { name, from } => ToldEntry::PluginMarketplace { name: safe(name), from: safe(from) },
            Told::Permission { key, value } => ToldEntry::AgentPermission { key: safe(key), value: safe(value) },
            Told::HiddenText(hidden) => hidden_text(hidden),
        };
        Self {
            what,
            client: directive.client.as_deref().map(safe),
            sha256: directive.digest.hex(),
            location: LocationEntry { path: exact_path(&directive.location.path), line: directive.location.line },
            quote: directive.quote.as_ref().map(QuoteEntry::of),
        }
    }
}

fn hidden_text(hidden: &Hidden) -> ToldEntry {
    let (how, characters, text) = match hidden {
        Hidden::Bidi { characters } => ("bidi", characters.as_slice(), None),
        Hidden::ZeroWidth { characters } => ("zero-width", characters.as_slice(), None),
        Hidden::Tags { spelled } => ("tags", [].as_slice(), Some(spelled)),
        Hidden::LookAlike { word, characters } => ("look-alike", characters.as_slice(), Some(word)),
        Hidden::Comment { says } => ("comment", [].as_slice(), Some(says)),
    };
    let characters = characters.iter().map(|character| safe(character)).collect();
    ToldEntry::HiddenText { how, characters, text: text.map(|text| safe(text)) }
}

/// A word that says a tool or a model is or was used.
#[derive(Serialize)]
pub(super) struct TraceEntry {
    tool: Option<String>,
    model: Option<String>,
    vendor: String,
    location: Option<LocationEntry>,
    commit: Option<CommitEntry>,
    quote: Option<QuoteEntry>,
}

#[derive(Serialize)]
struct CommitEntry {
    id: Option<String>,
    subject: String,
}

impl TraceEntry {
    pub(super) fn of(trace: &Trace) -> Self {
        let (location, commit) = match &trace.origin {
            TraceOrigin::File(location) => (Some(LocationEntry { path: exact_path(&location.path), line: location.line }), None),
            TraceOrigin::Commit { id, subject } => {
                (None, Some(CommitEntry { id: id.as_deref().map(safe), subject: safe(subject) }))
            }
        };
        Self {
            tool: trace.tool.as_ref().map(ToString::to_string),
            model: trace.model.as_deref().map(safe),
            vendor: safe(&trace.vendor),
            location,
            commit,
            quote: trace.quote.as_ref().map(QuoteEntry::of),
        }
    }
}
