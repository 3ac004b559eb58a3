//! `uv.lock` (uv, "Lockfile"; versions 1 and later): a table for each package, with the digest of every file for every platform.

use super::locked::{self, File, Locked, hash_of};
use crate::gather::repository::document::{Node, toml};
use crate::gather::repository::{Format, Reading, Source};

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("uv.lock", |place| place.is_called(&["uv.lock"]), read);

/// Keys of a source that is a folder of the repository itself.
const HERE: [&str; 3] = ["editable", "virtual", "directory"];

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    // Before its first release uv wrote `distribution`.
    let packages = document.get("package").or_else(|| document.get("distribution")).map(Node::items).unwrap_or_default();
    let packages: Vec<Locked<'_>> = packages.iter().filter_map(package).collect();
    locked::read(source, &packages)
}

fn package<'t>(node: &'t Node<'_>) -> Option<Locked<'t>> {
    let name = node.member("name")?;
    let from = node.get("source");
    let key = |key: &str| from.and_then(|from| from.get(key)).and_then(Node::text);
    // A URL stands in its source, and its digest with the file.
    let direct = key("url").or_else(|| key("path"));
    let files = [node.get("sdist")].into_iter().flatten().chain(node.get("wheels").map(Node::items).unwrap_or_default());
    let mut files: Vec<File<'_>> = files.map(|file| file_of(file, direct)).collect();
    if let Some(direct) = direct.filter(|_| files.is_empty()) {
        files.push(File { name: Some(direct), hash: None, line: name.line });
    }
    Some(Locked {
        name: name.value.text()?,
        version: node.get("version").and_then(Node::text).unwrap_or_default(),
        line: name.line,
        files,
        needs: needs(node),
        is_here: from.is_some_and(|from| HERE.iter().any(|key| from.get(key).is_some())),
        address: key("git").or(direct).map(str::to_owned),
    })
}

fn file_of<'n>(node: &'n Node<'_>, direct: Option<&'n str>) -> File<'n> {
    let name = ["url", "path", "filename"].iter().find_map(|key| node.get(key).and_then(Node::text)).or(direct);
    File { name, hash: hash_of(node), line: node.line }
}

/// What a package needs, with everything that its extras and groups add: any of it may be installed.
fn needs<'t>(node: &'t Node<'_>) -> Vec<&'t str> {
    let tables = ["optional-dependencies", "dev-dependencies"];
    let below = tables.iter().filter_map(|key| node.get(key)).flat_map(Node::members).map(|member| &member.value);
    let lists = node.get("dependencies").into_iter().chain(below);
    lists.flat_map(Node::items).filter_map(|need| need.get("name").and_then(Node::text)).collect()
}
