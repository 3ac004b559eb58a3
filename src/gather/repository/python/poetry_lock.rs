//! `poetry.lock` (Poetry 1 and 2, `lock-version` 1.0 to 2.1): a table for each package. Its files stand in it since version 2.0, in
//! `[metadata.files]` before, and as bare digests in `[metadata.hashes]` before that.

use super::locked::{self, File, Locked, hash_of};
use crate::gather::repository::document::{Node, toml};
use crate::gather::repository::{Format, Reading, Source};
use std::collections::HashMap;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format::named("poetry.lock", |place| place.is_called(&["poetry.lock"]), read);

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let packages = document.get("package").map(Node::items).unwrap_or_default();
    let table = |key: &str| document.at(&["metadata", key]).map(Node::by_key).unwrap_or_default();
    // Of two packages of one name the first gets their common list: as many copies as packages would fill the memory.
    let mut older = [table("files"), table("hashes")];
    let packages: Vec<Locked<'_>> = packages.iter().filter_map(|node| package(node, &mut older)).collect();
    locked::read(source, &packages)
}

fn package<'n>(node: &'n Node<'_>, older: &mut [HashMap<&'n str, &'n Node<'_>>; 2]) -> Option<Locked<'n>> {
    let name = node.member("name")?;
    let text = name.value.text()?;
    let from = node.get("source");
    let kind = from.and_then(|from| from.get("type")).and_then(Node::text).unwrap_or_default();
    let address = from.and_then(|from| from.get("url")).and_then(Node::text);
    let [files, hashes] = older.each_mut().map(|table| table.remove(text).map(Node::items).unwrap_or_default());
    let files = node.get("files").map(Node::items).unwrap_or_default().iter().chain(files);
    let mut files: Vec<File<'n>> =
        files.map(|file| File { name: file.get("file").and_then(Node::text), hash: hash_of(file), line: file.line }).collect();
    // Digests alone are without their algorithm, which is always the same.
    let bare = hashes.iter();
    files.extend(bare.map(|hash| File { name: None, hash: hash.text().map(|hex| format!("sha256:{hex}")), line: hash.line }));
    if let Some(address) = address.filter(|_| matches!(kind, "url" | "file")) {
        files.push(File { name: Some(address), hash: None, line: name.line });
    }
    let needs = node.get("dependencies").map(Node::members).unwrap_or_default();
    Some(Locked {
        name: text,
        version: node.get("version").and_then(Node::text).unwrap_or_default(),
        line: name.line,
        files,
        needs: needs.iter().map(|member| member.key.as_ref()).collect(),
        is_here: kind == "directory",
        address: address.map(str::to_owned),
    })
}
