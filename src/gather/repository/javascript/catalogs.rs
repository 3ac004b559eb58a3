//! Which version `catalog:` means: what the nearest catalog above says, read from the same snapshot.

use super::{npm, pnpm_workspace};
use crate::catalogue::Catalogue;
use crate::evidence::{Mention, Oddity, Request, Role};
use crate::gather::repository::document::{Node, Unreadable, json, yaml};
use crate::gather::repository::{Found, MAX_FILE, has_name};
use crate::source::Location;
use crate::world::git::{Entry, GitError, Mode, Repository, Snapshot};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Files that hold catalogs: of pnpm, of yarn, of bun.
const HOLDERS: [&str; 3] = ["pnpm-workspace.yaml", ".yarnrc.yml", "package.json"];

/// Put what a catalog says in the place of references to it. One that nothing answers stays what it is: it is not known what it
/// brings.
pub(in crate::gather::repository) fn answer(
    repository: &Repository,
    snapshot: &Snapshot,
    catalogue: &Catalogue,
    found: &mut Found,
) -> Result<(), GitError> {
    let folders: HashSet<PathBuf> = found
        .mentions
        .iter()
        .filter(|mention| reference_of(mention).is_some())
        .flat_map(|mention| mention.location.path.ancestors().skip(1).map(Path::to_owned))
        .collect();
    if folders.is_empty() {
        return Ok(());
    }
    let is_holder = |path: &Path| has_name(path, &HOLDERS) && path.parent().is_some_and(|folder| folders.contains(folder));
    let mut catalogs: HashMap<PathBuf, Vec<Node<'static>>> = HashMap::new();
    for entry in repository.files(snapshot, &is_holder)? {
        if let Some(document) = read(repository, &entry, &mut found.oddities)? {
            catalogs.entry(entry.path.parent().map(Path::to_owned).unwrap_or_default()).or_default().push(document);
        }
    }
    let mentions = std::mem::take(&mut found.mentions);
    found.mentions = mentions.into_iter().flat_map(|mention| answered(mention, &catalogs, catalogue)).collect();
    Ok(())
}

/// What of `catalog:tools` stands behind the colon.
fn reference_of(mention: &Mention) -> Option<&str> {
    match &mention.request {
        Request::Floating { text, .. } if mention.role == Role::Dependency && has_name(&mention.location.path, &HOLDERS) => {
            npm::catalog_of(text)
        }
        _ => None,
    }
}

/// A mention as the nearest catalog has it. Several where a conflict left several; none where it brings something else.
fn answered(mention: Mention, catalogs: &HashMap<PathBuf, Vec<Node<'static>>>, catalogue: &Catalogue) -> Vec<Mention> {
    let Some(reference) = reference_of(&mention) else { return vec![mention] };
    let name = mention.package.name.as_str();
    let specifications = mention.location.path.ancestors().skip(1).find_map(|folder| {
        let here = catalogs.get(folder)?.iter();
        let said: Vec<&str> = here.filter_map(|document| pnpm_workspace::answer(document, reference, name)).collect();
        (!said.is_empty()).then_some(said)
    });
    let Some(specifications) = specifications else { return vec![mention] };
    let asked = specifications.into_iter().filter_map(|specification| npm::asked(catalogue, name, specification));
    let as_asked =
        asked.map(|(known, request)| Mention { tool: known.tool.id.clone(), package: known.package, request, ..mention.clone() });
    as_asked.collect()
}

/// A file that may hold catalogs. One that cannot be read leaves open what it says, which is said.
fn read(repository: &Repository, entry: &Entry, oddities: &mut Vec<Oddity>) -> Result<Option<Node<'static>>, GitError> {
    if !matches!(entry.mode, Mode::File { .. }) {
        return Ok(None);
    }
    let is_json = has_name(&entry.path, &["package.json"]);
    let parsed = match repository.blob(entry.id, MAX_FILE) {
        Ok(bytes) if is_json => json::parse(&bytes).map(Node::owned),
        Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return Ok(None),
        Ok(bytes) => yaml::parse(&bytes),
        Err(GitError::TooLarge { size, limit, .. }) => {
            Err(Unreadable { line: None, why: format!("it has {size} bytes; at most {limit} are read") })
        }
        Err(error) => return Err(error),
    };
    match parsed {
        Ok(document) => Ok(Some(document)),
        Err(error) => {
            let location = Location { path: entry.path.clone(), line: error.line };
            let is_known = |odd: &Oddity| matches!(odd, Oddity::Unparsable { location: known, .. } if *known == location);
            if !oddities.iter().any(is_known) {
                let syntax = if is_json { "JSON" } else { "YAML" };
                oddities.push(Oddity::Unparsable { location, why: format!("it is no {syntax} that can be relied on: {error}") });
            }
            Ok(None)
        }
    }
}
