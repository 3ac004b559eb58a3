//! What the lock files of Python have in common: packages, each with a version, files and what it needs.

use super::pypi::{self, distribution, is_wheel, known, version_of};
use crate::digest::{Digest, DigestSet};
use crate::evidence::{Integrity, Mention, Request, Role};
use crate::gather::repository::ways::NamedWays;
use crate::gather::repository::{Reading, Source};
use crate::tool::{Ecosystem, Package};

/// One package of a lock.
#[derive(Default)]
pub(super) struct Locked<'t> {
    pub(super) name: &'t str,
    /// Empty where the lock gives none.
    pub(super) version: &'t str,
    pub(super) line: u32,
    /// The files that may be installed.
    pub(super) files: Vec<File<'t>>,
    /// Names of the packages it needs.
    pub(super) needs: Vec<&'t str>,
    /// Whether it is the project itself or a folder of the repository: nothing that is brought in.
    pub(super) is_here: bool,
    /// Where it comes from in place of an index, as written: a repository, an archive.
    pub(super) address: Option<String>,
}

/// A file of a locked package.
pub(super) struct File<'t> {
    /// Its name, or the address or path that ends in it; none where the lock has digests alone.
    pub(super) name: Option<&'t str>,
    /// `sha256:<hex>`, where the lock has one.
    pub(super) hash: Option<String>,
    pub(super) line: u32,
}

/// The tools among the packages of a lock.
pub(super) fn read(source: &Source<'_>, packages: &[Locked<'_>]) -> Reading {
    let mut reading = Reading::default();
    let mut ways: Option<NamedWays> = None;
    for (index, package) in packages.iter().enumerate() {
        if package.is_here {
            continue;
        }
        let tools = tools_of(source, package, &mut reading);
        if tools.is_empty() {
            continue;
        }
        let ways = ways.get_or_insert_with(|| {
            let names: Vec<String> = packages.iter().map(|p| Package::new(Ecosystem::Pypi, p.name).name).collect();
            let needs = packages.iter().map(|p| p.needs.iter().map(|n| Package::new(Ecosystem::Pypi, n).name).collect());
            let roots: Vec<bool> = packages.iter().map(|p| p.is_here).collect();
            NamedWays::of(names, &needs.collect::<Vec<Vec<String>>>(), roots)
        });
        for (tool, named, request, integrity) in tools {
            let mention = Mention {
                tool,
                package: named,
                request,
                integrity,
                location: source.at(Some(package.line)),
                brought_by: ways.to(index),
                role: Role::Dependency,
                quote: None,
            };
            reading.mention(source, mention);
        }
    }
    reading
}

type Named = (crate::tool::ToolId, Package, Request, Integrity);

/// The tools that a package is: by its name, and by the names of its files where those are of another distribution.
fn tools_of(source: &Source<'_>, package: &Locked<'_>, reading: &mut Reading) -> Vec<Named> {
    let mut tools: Vec<Named> = Vec::new();
    if let Some((tool, named)) = known(source.catalogue, package.name) {
        let request = match (package.version, &package.address) {
            ("", address) => pypi::floating(address.as_deref().unwrap_or_default()),
            (version, _) => Request::Exact(version_of(version)),
        };
        let integrity = integrity_of(source, package, reading);
        tools.push((tool.id.clone(), named, request, integrity));
    }
    let own = Package::new(Ecosystem::Pypi, package.name);
    let own_version = version_of(package.version);
    for (file, (name, version)) in package.files.iter().filter_map(|file| Some((file, distribution(file.name?)?))) {
        let Some((tool, named)) = known(source.catalogue, &name) else { continue };
        let version = version_of(&version);
        let is_itself = named == own && (version == own_version || package.version.is_empty() && !version.is_ordered());
        let request = Request::Exact(version);
        if is_itself || tools.iter().any(|(_, other, asked, _)| *other == named && *asked == request) {
            continue;
        }
        let integrity = digest_of(source, file, reading).map_or_else(Integrity::none, |d| DigestSet::from(d).into());
        tools.push((tool.id.clone(), named, request, integrity));
    }
    tools
}

/// What an approval is compared with. An installer takes a wheel where one fits, so source distributions count only where there is
/// nothing else: no approval pins one, because it runs code of its own where it is built.
fn integrity_of(source: &Source<'_>, package: &Locked<'_>, reading: &mut Reading) -> Integrity {
    let (mut wheels, mut others, mut nameless) = (Vec::new(), Vec::new(), false);
    let own = version_of(package.version);
    for file in &package.files {
        // A file of another version is a mention of its own: old locks have one list for all versions of a name.
        if file.name.and_then(distribution).is_some_and(|(_, version)| !package.version.is_empty() && version_of(&version) != own)
        {
            continue;
        }
        let Some(digest) = digest_of(source, file, reading) else { continue };
        match file.name {
            Some(name) if is_wheel(name.split(['?', '#']).next().unwrap_or(name)) => wheels.push(DigestSet::from(digest)),
            name => {
                nameless |= name.is_none();
                others.push(DigestSet::from(digest));
            }
        }
    }
    match (wheels.is_empty(), nameless) {
        (true, true) => Integrity::of_nameless(others),
        (true, false) => Integrity::of_files(others),
        (false, _) => Integrity::of_files(wheels),
    }
}

fn digest_of(source: &Source<'_>, file: &File<'_>, reading: &mut Reading) -> Option<Digest> {
    match pypi::digest(file.hash.as_deref()?) {
        Ok(digest) => digest,
        Err(why) => {
            reading.oddity(source.at(Some(file.line)), why);
            None
        }
    }
}

/// The value of an inline table's hash key, with the line it stands on.
pub(super) fn hash_of(node: &crate::gather::repository::document::Node) -> Option<String> {
    node.get("hash").and_then(|hash| hash.text()).map(str::to_owned)
}
