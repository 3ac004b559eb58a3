//! What the lock files of npm, pnpm, yarn and bun have in common: packages with names and versions, and what brings what.
//!
//! A format says which packages its file holds; here they become mentions. A package may say several times what it is: by its key,
//! by a field, by the address it is downloaded from. Where these differ all of them count, because a manager believes one of them
//! and nobody reads the others.

use super::npm::{self, Known};
use crate::catalogue::Catalogue;
use crate::digest::{Digest, DigestSet};
use crate::evidence::{Mention, Oddity, Request, Role};
use crate::gather::repository::document::{Unreadable, clipped};
use crate::gather::repository::ways::Ways;
use crate::gather::repository::{Reading, Source};
use std::borrow::Cow;
use std::collections::HashSet;

/// The most mentions one file may make.
pub(super) const MAX_MENTIONS: usize = 10_000;

/// One package of a lock file.
#[derive(Default)]
pub(super) struct Locked<'d> {
    /// The names it is installed under; none for the project itself and its workspaces.
    pub(super) names: Vec<&'d str>,
    /// What it is, name and version, as often as its entry says so. Nothing for what is not downloaded.
    pub(super) releases: Vec<(&'d str, &'d str)>,
    /// Where it is downloaded from.
    pub(super) addresses: Vec<Cow<'d, str>>,
    /// The digest of what a registry hands out, as the lock writes it. A digest of anything else has no place here.
    pub(super) integrity: Option<&'d str>,
    /// Where its entry begins, from 1.
    pub(super) line: u32,
    /// What it needs, by index.
    pub(super) needs: Vec<usize>,
}

/// The tools among the packages of a lock. Without projects, the ways begin at what nothing else needs.
pub(super) fn mentions(source: &Source<'_>, packages: &[Locked<'_>]) -> Reading {
    let mut reading = Reading::default();
    let mut ways: Option<Ways> = None;
    let mut seen = HashSet::new();
    for (index, package) in packages.iter().enumerate() {
        for (known, version) in tools_of(source.catalogue, package) {
            let integrity = integrity_of(source, package.integrity, package.line, &mut reading);
            let ways = ways.get_or_insert_with(|| ways_of(packages));
            let brought_by = ways.to(index, &|at| packages[at].names.first().copied());
            // The same release in another place, brought by the same package, says nothing more.
            let key = (known.package.name.clone(), version.clone(), integrity.clone(), brought_by.last().cloned());
            if !seen.insert(key) {
                continue;
            }
            if reading.mentions.len() == MAX_MENTIONS {
                too_many(source, &mut reading);
                return reading;
            }
            reading.mentions.push(Mention {
                tool: known.tool.id.clone(),
                // A version that cannot be read stays exact: a revocation takes it for a revoked one.
                request: Request::Exact(npm::version_of(known.tool, &version)),
                package: known.package,
                integrity: integrity.into(),
                location: source.at(Some(package.line)),
                brought_by,
                role: Role::Dependency,
                quote: None,
            });
        }
    }
    reading
}

/// Say that a file names more tools than any real one.
pub(super) fn too_many(source: &Source<'_>, reading: &mut Reading) {
    let why = format!("it names tools more than {MAX_MENTIONS} times");
    reading.oddities.push(Oddity::Unparsable { location: source.at(None), why });
    reading.mentions.truncate(MAX_MENTIONS);
}

/// The tools that a package is, each with the version that makes it one.
fn tools_of<'a>(catalogue: &'a Catalogue, package: &Locked<'_>) -> Vec<(Known<'a>, String)> {
    let mut tools: Vec<(Known<'a>, String)> = Vec::new();
    let mut add = |known: Known<'a>, version: &str| {
        let version = npm::version_of(known.tool, version).as_str().to_owned();
        if !tools.iter().any(|(other, text)| other.tool.id == known.tool.id && *text == version) {
            tools.push((known, version));
        }
    };
    for (name, version) in &package.releases {
        let alias = package.names.iter().find_map(|alias| npm::platform_alias(catalogue, alias, name));
        if let Some(known) = alias.or_else(|| npm::known(catalogue, name)) {
            add(known, version);
        }
    }
    for (name, version) in package.addresses.iter().filter_map(|address| npm::tarball(address)) {
        if let Some(known) = npm::known(catalogue, &name) {
            add(known, &version);
        }
    }
    tools
}

/// The lock's digest of a release; what is none is said.
pub(super) fn integrity_of(source: &Source<'_>, text: Option<&str>, line: u32, reading: &mut Reading) -> DigestSet {
    let Some(text) = text else { return DigestSet::new() };
    if let Ok(digest) = Digest::parse_integrity(text) {
        return digest.map(DigestSet::from).unwrap_or_default();
    }
    if reading.oddities.len() < MAX_MENTIONS {
        let why = format!("`{}` is no integrity value", clipped(text));
        reading.oddities.push(Oddity::Unparsable { location: source.at(Some(line)), why });
    }
    DigestSet::new()
}

/// Refuse a file that git left with the marks of a conflict: some managers merge such a file by themselves, and nobody knows how.
pub(super) fn without_conflict(text: &str) -> Result<(), Unreadable> {
    let is_mark = |line: &str| ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| line.starts_with(mark));
    match text.lines().position(is_mark) {
        None => Ok(()),
        Some(index) => Err(Unreadable {
            line: u32::try_from(index + 1).ok(),
            why: "it holds the marks of a merge conflict; resolve it and write the lock file anew".to_owned(),
        }),
    }
}

fn ways_of(packages: &[Locked<'_>]) -> Ways {
    let mut roots: Vec<usize> = (0..packages.len()).filter(|index| packages[*index].names.is_empty()).collect();
    if roots.is_empty() {
        let needed: HashSet<usize> = packages.iter().flat_map(|package| package.needs.iter().copied()).collect();
        roots = (0..packages.len()).filter(|index| !needed.contains(index)).collect();
    }
    Ways::of(packages.len(), &roots, |index| packages[index].needs.clone())
}

/// `line package version [way]` of each mention of a file without oddities, with a `*` where an integrity is given.
#[cfg(test)]
pub(super) fn rows(reading: &Reading) -> Vec<String> {
    assert_eq!(reading.oddities, []);
    let row = |m: &Mention| {
        let Request::Exact(version) = &m.request else { panic!("{m:?}") };
        let has_integrity = if m.integrity.is_empty() { "" } else { "*" };
        let line = m.location.line.unwrap();
        format!("{line} {} {}{has_integrity} [{}]", m.package.name, version.as_str(), m.brought_by.join(" "))
    };
    reading.mentions.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::repository::ways::MAX_WAY;
    use std::path::Path;

    fn package<'d>(name: &'d str, version: &'d str, needs: &[usize]) -> Locked<'d> {
        Locked { names: vec![name], releases: vec![(name, version)], needs: needs.to_vec(), line: 1, ..Locked::default() }
    }

    fn read(packages: &[Locked<'_>]) -> Reading {
        let catalogue = Catalogue::built_in();
        mentions(&Source::new(Path::new("x"), b"", &catalogue), packages)
    }

    #[test]
    fn the_shortest_way_brings_and_circles_end() {
        let packages = [
            package("a", "1", &[1, 2]),
            package("b", "1", &[0, 3]),
            package("c", "1", &[1]),
            package("@openai/codex", "0.1.0", &[]),
            Locked { needs: vec![0], ..Locked::default() },
        ];
        assert_eq!(read(&packages).mentions[0].brought_by, ["a", "b"]);
        // Without a project and with everything in a circle there is no way.
        assert_eq!(read(&packages[..4]).mentions[0].brought_by, [] as [&str; 0]);
        assert_eq!(read(&packages[2..3]).mentions.len(), 0);
    }

    #[test]
    fn everything_that_an_entry_says_of_itself_counts() {
        let mut one = package("@openai/codex", "0.1.0", &[]);
        one.releases.push(("@openai/codex", "0.2.0"));
        one.addresses.push("https://mirror.example/@anthropic-ai/claude-code/-/claude-code-2.1.150.tgz".into());
        one.integrity = Some("sha512-x");
        let reading = read(&[one]);
        let found: Vec<String> = reading
            .mentions
            .iter()
            .map(|m| match &m.request {
                Request::Exact(version) => format!("{} {}", m.package.name, version.as_str()),
                Request::Floating { .. } => panic!("{m:?}"),
            })
            .collect();
        assert_eq!(found, ["@openai/codex 0.1.0", "@openai/codex 0.2.0", "@anthropic-ai/claude-code 2.1.150"]);
        assert!(matches!(&reading.oddities[0], Oddity::Unparsable { why, .. } if why.contains("sha512-x")));
    }

    #[test]
    fn ways_and_mentions_are_limited() {
        let names: Vec<String> = (0..20_000).map(|i| format!("n{i}")).collect();
        let mut packages: Vec<Locked<'_>> = (0..20_000).map(|i| package(&names[i], "1", &[i + 1])).collect();
        packages.push(Locked { needs: (20_001..32_000).collect(), ..package("last", "1", &[]) });
        let versions: Vec<String> = (0..12_000).map(|i| format!("0.1.{i}")).collect();
        packages.extend(versions.iter().map(|version| package("@openai/codex", version, &[])));
        packages.push(Locked { needs: vec![0], ..Locked::default() });
        let reading = read(&packages);
        assert_eq!((reading.mentions.len(), reading.oddities.len()), (MAX_MENTIONS, 1));
        let way = |index: usize| &reading.mentions[index].brought_by;
        assert_eq!((way(0).len(), way(0)[0].as_str(), way(0)[MAX_WAY - 1].as_str()), (MAX_WAY, "n0", "last"));
        // Past the steps of one file, what is next to the tool stays.
        let far = way(MAX_MENTIONS - 1);
        assert_eq!((far.len(), far[0].as_str(), far[MAX_WAY - 1].as_str()), (MAX_WAY, "n19969", "last"));
    }

    #[test]
    fn marks_of_a_conflict_are_refused_with_their_line() {
        assert_eq!(without_conflict("a\n<<<<<<< HEAD\n").unwrap_err().line, Some(2));
        assert_eq!(without_conflict("a\n<<< b\n=======\n"), Ok(()));
    }
}
