//! Writing down what a file tells: every directive of this room is made here, so that each has its client, its digest and its line.

use super::{address, base_url};
use crate::digest::Digest;
use crate::evidence::{Directive, Mention, Told};
use crate::gather::repository::automation::command::mentions_in;
use crate::gather::repository::document::{Member, Node, clipped};
use crate::gather::repository::{Reading, Source};

/// The longest text of a directive in characters; a finding shows a line of it, and the digest is that of the whole.
const LONGEST: usize = 2_000;

/// A configuration file being read.
pub(super) struct Telling<'s, 'a> {
    pub(super) source: &'s Source<'a>,
    /// The tool that reads the file.
    pub(super) client: &'static str,
    pub(super) reading: Reading,
}

impl<'s, 'a> Telling<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>, client: &'static str) -> Self {
        Self { source, client, reading: Reading::default() }
    }

    fn tell(&mut self, what: Told, digest: Digest, line: u32) {
        self.reading.directives.push(Directive {
            what,
            client: (!self.client.is_empty()).then(|| self.client.to_owned()),
            digest,
            location: self.source.at(Some(line)),
            quote: None,
        });
    }

    /// A command that runs when something happens. `definition` is what an approval pins.
    pub(super) fn command(&mut self, event: &str, command: &str, definition: &Node<'_>, line: u32) {
        if command.trim().is_empty() {
            return;
        }
        let what = Told::Command { event: clipped(event), command: shortened(command) };
        self.tell(what, digest_of(definition), line);
        let mentions = mentions_in(self.source, command, line);
        self.reading.mentions.extend(mentions.into_iter().map(|mention| at_line(mention, line)));
    }

    /// A command given as a string, or as a list of words.
    pub(super) fn command_of(&mut self, event: &str, node: Option<&Node<'_>>) {
        let Some(node) = node else { return };
        if let Some(command) = words_of(node) {
            self.command(event, &command.join(" "), node, node.line);
        }
    }

    pub(super) fn server(&mut self, name: &str, command: &str, definition: &Node<'_>, line: u32) {
        self.tell(Told::Server { name: clipped(name), command: shortened(command) }, digest_of(definition), line);
    }

    pub(super) fn endpoint(&mut self, name: &str, address: &str, definition: &Node<'_>, line: u32) {
        self.tell(Told::Endpoint { name: clipped(name), address: shortened(address) }, digest_of(definition), line);
    }

    pub(super) fn marketplace(&mut self, name: &str, from: &str, definition: &Node<'_>, line: u32) {
        self.tell(Told::Marketplace { name: clipped(name), from: shortened(from) }, digest_of(definition), line);
    }

    pub(super) fn permission(&mut self, key: &str, value: &str, line: u32) {
        self.tell(Told::Permission { key: clipped(key), value: clipped(value) }, Digest::sha256_of(value.as_bytes()), line);
    }

    /// [`Telling::permission`] where the value of the keys is `true`.
    pub(super) fn permission_if_true(&mut self, node: &Node<'_>, keys: &[&str]) {
        if let Some(value) = node.at(keys).filter(|value| value.is_true()) {
            self.permission(&keys.join("."), "true", value.line);
        }
    }

    /// [`Telling::permission`] where the value of the keys is this word.
    pub(super) fn permission_if(&mut self, node: &Node<'_>, keys: &[&str], word: &str) {
        if let Some(value) = node.at(keys).filter(|value| value.text() == Some(word)) {
            self.permission(&keys.join("."), word, value.line);
        }
    }

    /// An address to send to in place of the vendor's. This machine, a vendor's own host under its own variable, and nothing at all
    /// are no other place.
    pub(super) fn base_url(&mut self, key: &str, address: &str, line: u32) {
        let address = address.trim();
        if !base_url::is_elsewhere(self.source.catalogue, key, address) {
            return;
        }
        let what = Told::BaseUrl { key: clipped(key), address: shortened(address) };
        self.tell(what, Digest::sha256_of(address.as_bytes()), line);
    }

    /// [`Telling::base_url`] of a string below these keys, if it is an address or will be one.
    pub(super) fn base_url_at(&mut self, key: &str, node: Option<&Node<'_>>) {
        let Some((node, text)) = node.and_then(|node| Some((node, node.text()?))) else { return };
        if address::is_web(text) || text.contains('$') || text.contains("{env:") {
            self.base_url(key, text, node.line);
        }
    }

    /// The variables that settings give to what they start.
    pub(super) fn environment(&mut self, node: Option<&Node<'_>>) {
        for Member { key, line, value } in node.map(Node::members).unwrap_or_default() {
            if let Some(text) = value.text().filter(|_| base_url::is_variable(key)) {
                self.base_url(key, text, *line);
            }
        }
    }
}

/// A command in a string of JSON or TOML stands on one line, whatever escapes it holds.
fn at_line(mut mention: Mention, line: u32) -> Mention {
    mention.location.line = Some(line);
    mention
}

/// A text with an end.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// SHA-256 of a definition.
pub(super) fn digest_of(definition: &Node<'_>) -> Digest {
    Digest::sha256_of(definition.compact().as_bytes())
}

/// A command given as a string, or as a list of words.
pub(super) fn words_of<'t>(node: &'t Node<'_>) -> Option<Vec<&'t str>> {
    if let Some(text) = node.text() {
        return Some(vec![text]);
    }
    let words: Vec<&str> = node.items().iter().filter_map(Node::scalar).collect();
    (!words.is_empty()).then_some(words)
}
