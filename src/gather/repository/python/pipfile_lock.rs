//! `Pipfile.lock` (Pipenv, `pipfile-spec` 6): JSON with a section for each group, in it a version and bare digests for each package.

use super::locked::{self, File, Locked};
use crate::gather::repository::document::{Member, Node};
use crate::gather::repository::{Format, Reading, Source};

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format::named("Pipfile.lock", |place| place.is_called(&["Pipfile.lock"]), read);

fn read(source: &Source<'_>) -> Reading {
    let document = match source.json() {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "JSON", error),
    };
    // `default`, `develop`, and since Pipenv 2022 groups of any name.
    let sections = document.members().iter().filter(|section| section.key != "_meta");
    let packages: Vec<Locked<'_>> = sections.flat_map(|section| section.value.members()).map(package).collect();
    locked::read(source, &packages)
}

fn package<'t>(member: &'t Member<'_>) -> Locked<'t> {
    let key = |key: &str| member.value.get(key).and_then(Node::text);
    let hashes = member.value.get("hashes").map(Node::items).unwrap_or_default();
    let mut files: Vec<File<'_>> =
        hashes.iter().map(|hash| File { name: None, hash: hash.text().map(str::to_owned), line: hash.line }).collect();
    let direct = key("file").or_else(|| key("path"));
    files.extend(direct.map(|address| File { name: Some(address), hash: None, line: member.line }));
    let is_folder = key("path").is_some_and(|path| super::pypi::distribution(path).is_none());
    Locked {
        name: &member.key,
        version: key("version").unwrap_or_default().trim_start_matches('='),
        line: member.line,
        files,
        needs: Vec::new(),
        is_here: is_folder,
        address: key("git").or(direct).map(str::to_owned),
    }
}
