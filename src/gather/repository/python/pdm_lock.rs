//! `pdm.lock` (PDM, `lock_version` 4): a table for each package with its files; in older versions those stand in `[metadata.files]`
//! under name and version.

use super::locked::{self, File, Locked, hash_of};
use super::pypi::leading_name;
use crate::gather::repository::document::{Node, toml};
use crate::gather::repository::{Format, Reading, Source};
use std::collections::HashMap;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("pdm.lock", |place| place.is_called(&["pdm.lock"]), read);

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let packages = document.get("package").map(Node::items).unwrap_or_default();
    let mut older = document.at(&["metadata", "files"]).map(Node::by_key).unwrap_or_default();
    let packages: Vec<Locked<'_>> = packages.iter().filter_map(|node| package(node, &mut older)).collect();
    locked::read(source, &packages)
}

fn package<'n>(node: &'n Node<'_>, older: &mut HashMap<&'n str, &'n Node<'_>>) -> Option<Locked<'n>> {
    let name = node.member("name")?;
    let text = name.value.text()?;
    let version = node.get("version").and_then(Node::text).unwrap_or_default();
    let below = older.remove(format!("{text} {version}").as_str()).map(Node::items).unwrap_or_default();
    let files = node.get("files").map(Node::items).unwrap_or_default().iter().chain(below);
    let file = |file: &'n Node<'_>| {
        let name = file.get("file").or_else(|| file.get("url")).and_then(Node::text);
        File { name, hash: hash_of(file), line: file.line }
    };
    let direct = ["url", "path"].iter().find_map(|key| node.get(key).and_then(Node::text));
    let mut files: Vec<File<'n>> = files.map(file).collect();
    files.extend(direct.map(|address| File { name: Some(address), hash: None, line: name.line }));
    let needs = node.get("dependencies").map(Node::items).unwrap_or_default();
    Some(Locked {
        name: text,
        version,
        line: name.line,
        files,
        needs: needs.iter().filter_map(|need| leading_name(need.text()?).map(|(name, _)| name)).collect(),
        is_here: is_here(node),
        address: node.get("git").and_then(Node::text).or(direct).map(str::to_owned),
    })
}

/// A folder of the repository: a path without a file that an installer could take.
fn is_here(node: &Node<'_>) -> bool {
    let path = node.get("path").and_then(Node::text);
    path.is_some_and(|path| super::pypi::distribution(path).is_none())
}
