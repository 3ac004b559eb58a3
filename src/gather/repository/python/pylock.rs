//! `pylock.toml` and `pylock.<name>.toml` (PEP 751, "File Format").

use super::locked::{self, File, Locked};
use crate::gather::repository::document::{Node, toml};
use crate::gather::repository::{Format, Place, Reading, Source};

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("pylock.toml", matches, read);

/// `pylock.toml`, or `pylock.<name>.toml` with a name without a dot (PEP 751, "File Name").
fn matches(place: &Place<'_>) -> bool {
    let middle = place.name().strip_prefix("pylock.").and_then(|rest| rest.strip_suffix("toml"));
    middle.is_some_and(|middle| middle.is_empty() || middle.ends_with('.'))
}

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let packages = document.get("packages").map(Node::items).unwrap_or_default();
    let packages: Vec<Locked<'_>> = packages.iter().filter_map(package).collect();
    locked::read(source, &packages)
}

fn package<'t>(node: &'t Node<'_>) -> Option<Locked<'t>> {
    let name = node.member("name")?;
    let files = [node.get("sdist"), node.get("archive")].into_iter().flatten();
    let files = files.chain(node.get("wheels").map(Node::items).unwrap_or_default());
    let needs = node.get("dependencies").map(Node::items).unwrap_or_default();
    let vcs = node.get("vcs").and_then(|vcs| vcs.get("url").or_else(|| vcs.get("path"))).and_then(Node::text);
    let archive = node.get("archive").and_then(address);
    Some(Locked {
        name: name.value.text()?,
        version: node.get("version").and_then(Node::text).unwrap_or_default(),
        line: name.line,
        files: files.map(|file| File { name: address(file), hash: hash(file), line: file.line }).collect(),
        needs: needs.iter().filter_map(|need| need.get("name").and_then(Node::text)).collect(),
        is_here: node.get("directory").is_some(),
        address: vcs.or(archive).map(str::to_owned),
    })
}

/// What tells the name of a file: its own, or the end of its address.
fn address<'t>(file: &'t Node<'_>) -> Option<&'t str> {
    ["name", "url", "path"].iter().find_map(|key| file.get(key).and_then(Node::text))
}

/// The strongest digest that carries a decision; a file may have several, and an approval of a Python release has SHA-256.
fn hash(file: &Node<'_>) -> Option<String> {
    let hashes = file.get("hashes")?;
    ["sha256", "sha512"].iter().find_map(|name| hashes.get(name)?.text().map(|hex| format!("{name}:{hex}")))
}
