//! Every package that an installation of an npm package may bring along: what has to be approved with it.
//!
//! npm chooses one version for each dependency that is asked for, and where a version that is there already fits it takes that one.
//! So whatever an installation holds was chosen for some dependency of some package in it, and the set of all choices, each made for
//! itself, holds every installation. No tree is built: where a package lies says nothing about what it is.

use super::npm::{may_mean, wanted};
use crate::tool::{Ecosystem, Package, PackageVersion};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use thiserror::Error as ThisError;

/// The most packages of one closure: larger than any tool that is known, and an end for a registry that invents dependencies.
pub const MAX_PACKAGES: usize = 20_000;
/// The most entries of a shrinkwrap.
const MAX_LOCKED: usize = 50_000;

/// What a package asks for, by its entry in the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names and ranges.
    pub dependencies: BTreeMap<String, String>,
    /// Names and ranges of those that may be missing. One that stands in both is optional.
    pub optional: BTreeMap<String, String>,
    /// Names and ranges of those that npm puts beside it; those that may be missing are left out.
    pub peers: BTreeMap<String, String>,
    /// Names that its own archive brings along.
    pub bundled: BTreeSet<String>,
    /// Whether its archive has an `npm-shrinkwrap.json`, which fixes everything below it.
    pub has_shrinkwrap: bool,
}

/// A dependency as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Who asks.
    pub by: &'a PackageVersion,
    /// The name by which it asks.
    pub name: &'a str,
    /// A range, a tag, an alias (`npm:other@1`), or an address.
    pub range: &'a str,
}

/// A version that a registry offers, with what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Name and version, as the registry calls it; for an alias that is not the name that was asked for.
    pub package: PackageVersion,
    /// What it asks for.
    pub needs: Needs,
}

/// Who knows the packages.
pub trait Offers {
    /// Why there is no answer.
    type Error;

    /// The version that npm would choose.
    ///
    /// # Errors
    /// The registry's; [`Offers::is_absent`] tells whether it says that there is no such version.
    fn choose(&mut self, wanted: &Wanted<'_>) -> Result<Chosen, Self::Error>;

    /// The `npm-shrinkwrap.json` in the archive of a package.
    ///
    /// # Errors
    /// The registry's.
    fn shrinkwrap(&mut self, package: &PackageVersion) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Whether an error says that the registry has no such package or version: an optional dependency is then left out, as npm does.
    fn is_absent(error: &Self::Error) -> bool;
}

/// Everything that an installation may bring along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The packages, without the first one.
    pub packages: BTreeSet<PackageVersion>,
    /// Optional dependencies that the registry does not have: who asks for what.
    pub absent: Vec<String>,
}

/// Why there is no closure.
#[derive(Debug, ThisError)]
pub enum ClosureError<E> {
    /// The registry gave no answer, or none that can be used.
    #[error("{0}")]
    Registry(E),
    /// More packages than anything real.
    #[error("{0} asks for more than {MAX_PACKAGES} packages")]
    TooMany(PackageVersion),
    /// A shrinkwrap that cannot be used.
    #[error("the npm-shrinkwrap.json of {package}: {why}")]
    Shrinkwrap {
        /// Whose.
        package: PackageVersion,
        /// What is wrong with it.
        why: String,
    },
}

/// Work out what `root` may bring along.
///
/// # Errors
/// [`ClosureError`].
pub fn closure<O: Offers>(offers: &mut O, root: &Chosen) -> Result<Closure, ClosureError<O::Error>> {
    let mut found = Closure::default();
    let mut seen = BTreeSet::from([root.package.clone()]);
    let mut queue = VecDeque::from([root.clone()]);
    while let Some(Chosen { package, needs }) = queue.pop_front() {
        if needs.has_shrinkwrap
            && let Some(json) = offers.shrinkwrap(&package).map_err(ClosureError::Registry)?
        {
            // What it fixes is complete: nothing in it asks for more.
            let locked = locked(&json).map_err(|why| ClosureError::Shrinkwrap { package: package.clone(), why })?;
            for package in locked {
                seen.insert(package.clone());
                found.packages.insert(package);
            }
            is_bounded(&found, root)?;
            continue;
        }
        for (name, range, is_optional) in asked(&needs) {
            let chosen = match offers.choose(&Wanted { by: &package, name, range }) {
                Ok(chosen) => chosen,
                Err(error) if is_optional && O::is_absent(&error) => {
                    found.absent.push(format!("{package} asks for {name} {range}"));
                    continue;
                }
                Err(error) => return Err(ClosureError::Registry(error)),
            };
            if seen.insert(chosen.package.clone()) {
                found.packages.insert(chosen.package.clone());
                is_bounded(&found, root)?;
                queue.push_back(chosen);
            }
        }
    }
    found.absent.sort();
    Ok(found)
}

fn is_bounded<E>(found: &Closure, root: &Chosen) -> Result<(), ClosureError<E>> {
    if found.packages.len() > MAX_PACKAGES { Err(ClosureError::TooMany(root.package.clone())) } else { Ok(()) }
}

/// The dependencies that npm installs for a package, and whether each may be missing.
fn asked(needs: &Needs) -> impl Iterator<Item = (&str, &str, bool)> {
    let is_own = |name: &&String| !needs.bundled.contains(*name);
    let plain = needs.dependencies.iter().filter(|(name, _)| !needs.optional.contains_key(*name)).map(|(n, r)| (n, r, false));
    let optional = needs.optional.iter().map(|(n, r)| (n, r, true));
    // A package that depends on what it also names as its peer has it already.
    let peers = needs
        .peers
        .iter()
        .filter(|(name, _)| !needs.dependencies.contains_key(*name) && !needs.optional.contains_key(*name))
        .map(|(n, r)| (n, r, false));
    plain.chain(optional).chain(peers).filter(move |(name, ..)| is_own(name)).map(|(n, r, o)| (n.as_str(), r.as_str(), o))
}

/// What a package says that it loads: names with their ranges, and versions that its `npm-shrinkwrap.json` fixes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Each name with a range, a tag or an alias; a name MAY stand several times.
    pub wants: BTreeSet<(String, String)>,
    /// Exactly these versions.
    pub locked: BTreeSet<PackageVersion>,
}

impl Declared {
    /// With what an `npm-shrinkwrap.json` fixes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn lock(&mut self, json: &[u8]) -> Result<(), String> {
        self.locked.extend(locked(json)?);
        Ok(())
    }

    fn asks_for(&self, package: &PackageVersion) -> bool {
        let is_it = |(name, range): &(String, String)| {
            wanted(name, range).is_some_and(|w| w.package == package.package.name && may_mean(&w.spec, &package.version))
        };
        self.locked.contains(package) || self.wants.iter().any(is_it)
    }
}

/// Those of `packages` that no declaration leads to from `root`, however many steps it takes.
#[must_use]
pub fn undeclared(root: &Declared, packages: &BTreeMap<PackageVersion, Declared>) -> Vec<PackageVersion> {
    let mut by_name: BTreeMap<&str, Vec<&PackageVersion>> = BTreeMap::new();
    for package in packages.keys() {
        by_name.entry(&package.package.name).or_default().push(package);
    }
    let mut reached: BTreeSet<&PackageVersion> = BTreeSet::new();
    let mut queue = VecDeque::from([root]);
    while let Some(declared) = queue.pop_front() {
        let names = declared.wants.iter().filter_map(|(name, range)| Some(wanted(name, range)?.package));
        let names: BTreeSet<String> = names.chain(declared.locked.iter().map(|p| p.package.name.clone())).collect();
        for package in names.iter().filter_map(|name| by_name.get(name.as_str())).flatten() {
            if declared.asks_for(package) && reached.insert(package) {
                queue.extend(packages.get(package));
            }
        }
    }
    packages.keys().filter(|package| !reached.contains(package)).cloned().collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Locked>,
    #[serde(default)]
    dependencies: BTreeMap<String, OldLocked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Locked {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    in_bundle: bool,
}

#[derive(Deserialize)]
struct OldLocked {
    version: String,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    bundled: bool,
    #[serde(default)]
    dependencies: BTreeMap<String, OldLocked>,
}

/// The packages that a shrinkwrap fixes: forms 2 and 3 (`packages`), and 1 (`dependencies`).
fn locked(json: &[u8]) -> Result<BTreeSet<PackageVersion>, String> {
    let lock: Lock = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut found = BTreeSet::new();
    if lock.packages.is_empty() {
        old_locked(&lock.dependencies, &mut found)?;
        return Ok(found);
    }
    if lock.packages.len() > MAX_LOCKED {
        return Err(format!("it has more than {MAX_LOCKED} entries"));
    }
    for (place, entry) in &lock.packages {
        let Some((_, folder)) = place.rsplit_once("node_modules/") else { continue };
        // What is only for working on the package is not installed with it; what is bundled comes in its archive.
        if entry.dev || entry.link || entry.in_bundle {
            continue;
        }
        if let Some(address) = entry.resolved.as_deref().filter(|resolved| is_elsewhere(resolved)) {
            return Err(format!("`{place}` comes from `{address}`, which is no registry"));
        }
        let version = entry.version.as_deref().ok_or_else(|| format!("`{place}` has no version"))?;
        found.insert(npm(entry.name.as_deref().unwrap_or(folder), version));
    }
    Ok(found)
}

fn old_locked(entries: &BTreeMap<String, OldLocked>, found: &mut BTreeSet<PackageVersion>) -> Result<(), String> {
    // serde_json ends a document that nests deeper than 128 levels, so this ends too.
    for (name, entry) in entries {
        if entry.dev || entry.bundled {
            continue;
        }
        let (name, version) = match entry.version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
            Some((name, version)) => (name, version),
            None if is_elsewhere(&entry.version) => {
                return Err(format!("`{name}` comes from `{}`, which is no registry", entry.version));
            }
            None => (name.as_str(), entry.version.as_str()),
        };
        found.insert(npm(name, version));
        if found.len() > MAX_LOCKED {
            return Err(format!("it has more than {MAX_LOCKED} entries"));
        }
        old_locked(&entry.dependencies, found)?;
    }
    Ok(())
}

/// Whether an address of a lock is one of git or of the disk. An archive on the web is compared by its digest, like any release.
fn is_elsewhere(address: &str) -> bool {
    address.starts_with("git") || address.starts_with("file:") || address.starts_with("link:")
}

fn npm(name: &str, version: &str) -> PackageVersion {
    PackageVersion { package: Package::new(Ecosystem::Npm, name), version: version.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A registry of a few lines: `name@version: dependency@range ...`, `?` before an optional one, `^` before a peer. Each range is
    /// the version that is chosen for it.
    #[derive(Default)]
    struct Table {
        packages: HashMap<PackageVersion, Needs>,
        shrinkwraps: HashMap<PackageVersion, &'static str>,
    }

    impl Table {
        fn of(lines: &[&str]) -> Self {
            let mut table = Self::default();
            for line in lines {
                let (package, wants) = line.split_once(':').unwrap();
                let (name, version) = package.split_once('@').unwrap();
                let mut needs = Needs::default();
                for want in wants.split_whitespace() {
                    let (name, range) = want.split_once('@').unwrap();
                    let (list, name) = match name.chars().next().unwrap() {
                        '?' => (&mut needs.optional, &name[1..]),
                        '^' => (&mut needs.peers, &name[1..]),
                        '!' => {
                            needs.bundled.insert(name[1..].to_owned());
                            (&mut needs.dependencies, &name[1..])
                        }
                        _ => (&mut needs.dependencies, name),
                    };
                    list.insert(name.to_owned(), range.to_owned());
                }
                table.packages.insert(npm(name, version), needs);
            }
            table
        }

        fn exact(&self, package: &PackageVersion) -> Result<Chosen, String> {
            let needs = self.packages.get(package).cloned().ok_or_else(|| package.to_string())?;
            Ok(Chosen { package: package.clone(), needs })
        }

        fn root(&self) -> Chosen {
            self.exact(&npm("root", "1")).unwrap()
        }
    }

    impl Offers for Table {
        type Error = String;
        fn choose(&mut self, wanted: &Wanted<'_>) -> Result<Chosen, String> {
            self.exact(&npm(wanted.name, wanted.range))
        }
        fn shrinkwrap(&mut self, package: &PackageVersion) -> Result<Option<Vec<u8>>, String> {
            Ok(self.shrinkwraps.get(package).map(|text| text.as_bytes().to_vec()))
        }
        fn is_absent(_: &String) -> bool {
            true
        }
    }

    fn names(closure: &Closure) -> Vec<String> {
        closure.packages.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_choice_of_every_package_is_in_it_and_circles_end() {
        let mut table = Table::of(&["root@1: a@1 ?b@1", "a@1: c@1 ^d@1", "b@1: c@2", "c@1: a@1", "c@2:", "d@1: root@1", "e@1:"]);
        let root = table.root();
        let found = closure(&mut table, &root).unwrap();
        assert_eq!(names(&found), ["a@1", "b@1", "c@1", "c@2", "d@1"]);
        assert!(found.absent.is_empty());
    }

    #[test]
    fn an_optional_package_may_be_missing_and_another_may_not() {
        let mut table = Table::of(&["root@1: ?gone@1"]);
        let root = table.root();
        assert_eq!(closure(&mut table, &root).unwrap().absent, ["root@1 asks for gone 1"]);
        let mut table = Table::of(&["root@1: gone@1"]);
        let root = table.root();
        assert!(matches!(closure(&mut table, &root), Err(ClosureError::Registry(gone)) if gone == "gone@1"));
    }

    #[test]
    fn what_an_archive_brings_along_is_not_asked_for() {
        let mut table = Table::of(&["root@1: !inside@1 a@1", "a@1:"]);
        let root = table.root();
        assert_eq!(names(&closure(&mut table, &root).unwrap()), ["a@1"]);
    }

    #[test]
    fn a_shrinkwrap_decides_alone() {
        const NEW: &str = r#"{"lockfileVersion": 3, "packages": {"": {"name": "b", "version": "1"},
            "node_modules/c": {"version": "3", "resolved": "https://npm.acme.example/c.tgz"},
            "node_modules/c/node_modules/@s/d": {"version": "4", "optional": true},
            "node_modules/alias": {"name": "real", "version": "5"},
            "node_modules/tests": {"version": "6", "dev": true},
            "node_modules/inside": {"version": "7", "inBundle": true}}}"#;
        const OLD: &str = r#"{"lockfileVersion": 1, "dependencies": {"c": {"version": "3", "dependencies":
            {"@s/d": {"version": "4"}}}, "alias": {"version": "npm:real@5"}, "tests": {"version": "6", "dev": true}}}"#;
        for text in [NEW, OLD] {
            let mut table = Table::of(&["root@1: b@1", "b@1: c@9"]);
            table.packages.get_mut(&npm("b", "1")).unwrap().has_shrinkwrap = true;
            table.shrinkwraps.insert(npm("b", "1"), text);
            let root = table.root();
            assert_eq!(names(&closure(&mut table, &root).unwrap()), ["@s/d@4", "b@1", "c@3", "real@5"]);
        }
        for bad in [
            r#"{"packages": {"node_modules/c": {"version": "1", "resolved": "git+ssh://git.acme.example/c"}}}"#,
            r#"{"packages": {"node_modules/c": {}}}"#,
            r#"{"dependencies": {"c": {"version": "git+https://git.acme.example/c"}}}"#,
            r#"{"packages": 1}"#,
        ] {
            assert!(locked(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_no_declaration_leads_to_is_named() {
        let declared = |wants: &[(&str, &str)]| Declared {
            wants: wants.iter().map(|(name, range)| ((*name).to_owned(), (*range).to_owned())).collect(),
            locked: BTreeSet::new(),
        };
        let root = declared(&[("a", "^1.0.0"), ("alias", "npm:@s/real@2.0.0-linux"), ("tagged", "next"), ("any", "")]);
        let packages = BTreeMap::from([
            (npm("a", "1.2.0"), declared(&[("b", ">=1")])),
            (npm("b", "3.0.0"), declared(&[("a", "^1.0.0")])),
            (npm("@s/real", "2.0.0-linux"), declared(&[])),
            (npm("tagged", "0.1.0"), declared(&[])),
            (npm("any", "1.0.0-beta"), declared(&[])),
        ]);
        assert_eq!(undeclared(&root, &packages), []);
        let mut more = packages.clone();
        // Of another version, under the name of the alias, and two that only ask for each other.
        let extra = [npm("a", "2.0.0"), npm("alias", "2.0.0-linux"), npm("x", "1.0.0"), npm("y", "1.0.0")];
        for (package, wants) in extra.iter().zip([&[][..], &[], &[("y", "1")], &[("x", "1"), ("a", "2")]]) {
            more.insert(package.clone(), declared(wants));
        }
        assert_eq!(undeclared(&root, &more), extra);
        // What a shrinkwrap fixes is declared, exactly.
        let mut root = root;
        root.lock(br#"{"packages": {"node_modules/x": {"version": "1.0.0"}, "node_modules/a": {"version": "9.0.0"}}}"#).unwrap();
        assert_eq!(undeclared(&root, &more), [npm("alias", "2.0.0-linux")]);
        assert!(root.lock(b"{").is_err());
    }

    #[test]
    fn a_registry_that_invents_packages_without_end_is_left() {
        struct Endless(u64);
        impl Offers for Endless {
            type Error = ();
            fn choose(&mut self, _: &Wanted<'_>) -> Result<Chosen, ()> {
                self.0 += 1;
                let needs = Needs { dependencies: BTreeMap::from([("x".into(), "1".into())]), ..Needs::default() };
                Ok(Chosen { package: npm("x", &self.0.to_string()), needs })
            }
            fn shrinkwrap(&mut self, _: &PackageVersion) -> Result<Option<Vec<u8>>, ()> {
                Ok(None)
            }
            fn is_absent((): &()) -> bool {
                false
            }
        }
        let root = Endless(0).choose(&Wanted { by: &npm("r", "1"), name: "x", range: "1" }).unwrap();
        assert!(matches!(closure(&mut Endless(1), &root), Err(ClosureError::TooMany(_))));
    }
}
