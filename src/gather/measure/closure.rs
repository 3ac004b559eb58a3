//! Which packages a Node.js tool would load: every package folder that Node's own resolution can reach from its folder.
//!
//! Followed is what a `package.json` declares (`dependencies`, `optionalDependencies`, `peerDependencies`, what is bundled), looked
//! for as Node does: in the `node_modules` of the folder itself and of every folder above it, the first that has it wins (Node.js,
//! "Loading from `node_modules` folders"). To these come all packages that lie below the `node_modules` of one of them, whoever
//! declares them. A link counts as the folder it leads to, and a folder counts once: pnpm lays all packages out by links.
//!
//! What is declared and lies in none of those folders, `require` looks for in Node's global folders (Node.js, "Loading from the global
//! folders"): those of `NODE_PATH`, `.node_modules` and `.node_libraries` of the home folder, and `lib/node` of Node's prefix. An
//! optional package that an installer left out can be planted there, so it counts as loaded.
//!
//! Names are compared as the file system does: where it takes `ZOD` for `zod`, so does Node.
//!
//! A package is what its own `package.json` says, never what its folder is called: an alias may have any name.

use super::{MAX_DEPTH, unmeasured};
use crate::evidence::Unmeasured;
use crate::text::printable_path;
use crate::tool::{Ecosystem, Os, Package, PackageVersion};
use crate::world::World;
use crate::world::files::{EntryKind, FileError, Files};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The most packages that one tool may load.
pub const MAX_PACKAGES: usize = 20_000;
/// The largest `package.json` that is read, in bytes. The largest ones published have a few hundred kilobytes.
const MAX_PACKAGE_JSON: u64 = 4 * 1024 * 1024;
/// Files that Yarn writes where packages are not laid out in `node_modules`: what is loaded then stands in them.
const PLUG_AND_PLAY: [&str; 2] = [".pnp.cjs", ".pnp.js"];

/// The packages that a tool would load, besides its own.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// In the order of their folders.
    pub(super) packages: Vec<Found>,
    /// What lies in a `node_modules` where Node would load it and is no package: a file, a folder without a `package.json`. In order.
    pub(super) strays: Vec<PathBuf>,
}

/// A package folder.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Without links.
    pub(super) folder: PathBuf,
    /// What its `package.json` says it is, or why that cannot be told.
    pub(super) identity: Result<PackageVersion, Unmeasured>,
}

/// Find them.
///
/// # Errors
/// [`Unmeasured`]: a folder on the way that cannot be listed, more packages than [`MAX_PACKAGES`], or a tool that does not load its
/// packages from `node_modules`.
pub(super) fn find(files: Files, root: &Path, global: &[PathBuf]) -> Result<Closure, Unmeasured> {
    let root = files.canonical(root).map_err(unmeasured)?;
    for folder in root.ancestors() {
        if let Some(file) = PLUG_AND_PLAY.iter().map(|name| folder.join(name)).find(|path| files.lstat(path).is_ok()) {
            return Err(Unmeasured::Unsupported(format!(
                "which packages it loads stands in `{}`, which is not followed",
                printable_path(&file)
            )));
        }
    }
    let mut search = Search {
        files,
        global: global_folders(files, &root, global),
        modules: HashMap::new(),
        listings: HashMap::new(),
        seen: HashSet::from([root.clone()]),
        walked: HashSet::new(),
        queue: VecDeque::from([(root.clone(), 0)]),
        found: BTreeMap::new(),
        strays: BTreeSet::new(),
    };
    while let Some((folder, depth)) = search.queue.pop_front() {
        search.package(&folder, depth, folder == root)?;
    }
    let packages = search.found.into_iter().map(|(folder, identity)| Found { folder, identity }).collect();
    Ok(Closure { packages, strays: search.strays.into_iter().collect() })
}

/// The folders in which Node.js looks for what lies in no `node_modules`, as the environment names them: those of `NODE_PATH`, two in
/// the home folder, and one beside each `node` on `PATH` (Node.js, "Loading from the global folders"). The tool's own prefix is added
/// for each tool.
#[must_use]
pub fn node_folders(world: &World) -> Vec<PathBuf> {
    let env = &world.env;
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in env.get("NODE_PATH").map(std::env::split_paths).into_iter().flatten() {
        // Node leaves empty entries out and takes relative ones from the folder that it is started in.
        if !folder.as_os_str().is_empty() {
            folders.push(env.current_dir().join(folder));
        }
    }
    folders.extend(env.home().into_iter().flat_map(|home| [home.join(".node_modules"), home.join(".node_libraries")]));
    let programs = if env.os == Os::Windows { ["node.exe", "node.exe"] } else { ["node", "nodejs"] };
    for program in env.search_path().iter().flat_map(|folder| programs.map(|name| folder.join(name))) {
        let Ok(program) = world.files.canonical(&program) else { continue };
        // `<prefix>/bin/node`; on Windows `<prefix>/node.exe`.
        let prefix = if env.os == Os::Windows { program.parent() } else { program.parent().and_then(Path::parent) };
        folders.extend(prefix.map(|prefix| prefix.join("lib/node")));
    }
    folders.dedup();
    folders
}

/// The global folders for a tool in `root`, without links; those that are not there have nothing in them.
fn global_folders(files: Files, root: &Path, of_environment: &[PathBuf]) -> Vec<PathBuf> {
    // A tool in `<prefix>/lib/node_modules` is run by the Node of that prefix.
    let own = root.ancestors().filter(|folder| folder.ends_with("lib/node_modules")).filter_map(Path::parent);
    let all = of_environment.iter().cloned().chain(own.map(|lib| lib.join("node")));
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in all.filter_map(|folder| files.canonical(&folder).ok()) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The names in one folder and what they are.
#[derive(Default)]
struct Listing {
    entries: BTreeMap<OsString, EntryKind>,
    /// The same in lower case.
    folded: HashMap<String, EntryKind>,
}

impl Listing {
    fn of(entries: impl Iterator<Item = (OsString, EntryKind)>) -> Self {
        let mut listing = Self::default();
        for (name, kind) in entries {
            listing.folded.insert(name.to_string_lossy().to_lowercase(), kind);
            listing.entries.insert(name, kind);
        }
        listing
    }

    /// What a name means here: its own entry, else one that differs in case alone where the file system takes the two for one.
    fn named(&self, name: &str, is_there: impl Fn() -> bool) -> Option<EntryKind> {
        let alike = || self.folded.get(&name.to_lowercase()).filter(|_| is_there());
        self.entries.get(OsStr::new(name)).or_else(alike).copied()
    }
}

struct Search {
    files: Files,
    /// Folders in which is looked last, without links.
    global: Vec<PathBuf>,
    /// The `node_modules` of folders that were asked for theirs.
    modules: HashMap<PathBuf, Option<PathBuf>>,
    /// Folders called `node_modules` and the scopes in them, each listed once. `None` where there is none.
    listings: HashMap<PathBuf, Option<Rc<Listing>>>,
    /// Package folders that are or were in the queue.
    seen: HashSet<PathBuf>,
    /// `node_modules` folders of which every package was put into the queue.
    walked: HashSet<PathBuf>,
    /// Package folders to be looked at, and how many `node_modules` lie around each.
    queue: VecDeque<(PathBuf, usize)>,
    found: BTreeMap<PathBuf, Result<PackageVersion, Unmeasured>>,
    strays: BTreeSet<PathBuf>,
}

impl Search {
    /// Look at one package: what it is, what lies below it, what it declares.
    fn package(&mut self, folder: &Path, depth: usize, is_root: bool) -> Result<(), Unmeasured> {
        let path = folder.join("package.json");
        let manifest = match self.files.read(&path, MAX_PACKAGE_JSON) {
            Ok(bytes) => parse(&bytes).map_err(|why| Unmeasured::Io(format!("`{}`: {why}", printable_path(&path)))),
            // An extension of an editor, or a package that an installer left half done.
            Err(error) if error.is_not_found() && is_root => Ok(Value::Null),
            Err(error) if error.is_not_found() => {
                self.without_manifest(folder)?;
                return self.below(folder, depth);
            }
            Err(error @ FileError::Io { .. }) => Err(unmeasured(error)),
            // The others do not say where.
            Err(error) => {
                let path = path.to_string_lossy().into_owned();
                Err(Unmeasured::Below { path, why: Box::new(unmeasured(error)) })
            }
        };
        self.below(folder, depth)?;
        if let Ok(manifest) = &manifest {
            for name in declared(manifest) {
                self.resolve(folder, &name, depth)?;
            }
        }
        if is_root {
            // What the tool itself is, other artifacts say; what it loads cannot be told without its declarations.
            return manifest.map(drop);
        }
        let identity = manifest.map(|manifest| identity(&manifest));
        match identity {
            Ok(Some(package)) => _ = self.found.insert(folder.to_owned(), Ok(package)),
            Ok(None) => _ = self.strays.insert(folder.to_owned()),
            Err(why) => _ = self.found.insert(folder.to_owned(), Err(why)),
        }
        Ok(())
    }

    /// A folder without `package.json`: Node would load an `index.js` in it. npm leaves empty ones behind.
    fn without_manifest(&mut self, folder: &Path) -> Result<(), Unmeasured> {
        let entries = self.files.list(folder).map_err(unmeasured)?;
        let first = entries.into_iter().map(|entry| entry.name).filter(|name| name != "node_modules").min();
        if let Some(name) = first {
            self.strays.insert(folder.join(name));
        }
        Ok(())
    }

    /// Put every package below the `node_modules` of a package into the queue.
    fn below(&mut self, folder: &Path, depth: usize) -> Result<(), Unmeasured> {
        let Some(modules) = self.modules(folder)? else { return Ok(()) };
        if !self.walked.insert(modules.clone()) {
            return Ok(());
        }
        let Some(listing) = self.listing(&modules)? else { return Ok(()) };
        for (name, &kind) in &listing.entries {
            // `.bin`, `.package-lock.json`, `.pnpm`: no name of a package begins so (npm, "package.json", name).
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = modules.join(name);
            if !name.as_encoded_bytes().starts_with(b"@") {
                self.entry(&path, kind, depth + 1)?;
                continue;
            }
            // A scope is a folder with packages in it.
            let Some(scope) = self.real(&path)? else { continue };
            match self.listing(&scope)? {
                Some(packages) => {
                    for (name, &kind) in &packages.entries {
                        self.entry(&scope.join(name), kind, depth + 1)?;
                    }
                }
                None => self.entry(&path, kind, depth + 1)?,
            }
        }
        Ok(())
    }

    /// One entry of a `node_modules` that may be a package. The folder of `path` has no links in it.
    fn entry(&mut self, path: &Path, kind: EntryKind, depth: usize) -> Result<(), Unmeasured> {
        let folder = match kind {
            EntryKind::Folder => path.to_owned(),
            EntryKind::Link => match self.real(path)? {
                Some(target) if self.files.stat(&target).map_err(unmeasured)?.kind == EntryKind::Folder => target,
                // A link to nothing loads nothing.
                None => return Ok(()),
                Some(_) => {
                    self.strays.insert(path.to_owned());
                    return Ok(());
                }
            },
            // `require("x")` takes a file `node_modules/x.js` before the package `x`.
            EntryKind::File | EntryKind::Other(_) => {
                self.strays.insert(path.to_owned());
                return Ok(());
            }
        };
        self.enqueue(folder, depth)
    }

    fn enqueue(&mut self, folder: PathBuf, depth: usize) -> Result<(), Unmeasured> {
        if depth > MAX_DEPTH {
            return Err(Unmeasured::TooDeep(MAX_DEPTH));
        }
        if self.seen.insert(folder.clone()) {
            if self.seen.len() > MAX_PACKAGES {
                return Err(Unmeasured::TooMany(MAX_PACKAGES));
            }
            self.queue.push_back((folder, depth));
        }
        Ok(())
    }

    /// Put the package into the queue that `name` means in `folder`: the first in its `node_modules` and those of the folders above,
    /// else in the global folders.
    fn resolve(&mut self, folder: &Path, name: &str, depth: usize) -> Result<(), Unmeasured> {
        for above in folder.ancestors() {
            if above.file_name() == Some(OsStr::new("node_modules")) {
                continue;
            }
            let Some(modules) = self.modules(above)? else { continue };
            if self.resolve_in(modules, name, depth)? {
                return Ok(());
            }
        }
        for modules in self.global.clone() {
            if self.resolve_in(modules, name, depth)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Look for a package in one folder of packages. Says whether Node ends its search there.
    fn resolve_in(&mut self, mut modules: PathBuf, name: &str, depth: usize) -> Result<bool, Unmeasured> {
        let (scope, last) = match name.split_once('/') {
            Some((scope, last)) => (Some(scope), last),
            None => (None, name),
        };
        if let Some(scope) = scope {
            let path = modules.join(scope);
            let listing = self.listing(&modules)?;
            if listing.is_none_or(|listing| listing.named(scope, || self.files.lstat(&path).is_ok()).is_none()) {
                return Ok(false);
            }
            let Some(scope) = self.real(&path)? else { return Ok(false) };
            modules = scope;
        }
        let Some(listing) = self.listing(&modules)? else { return Ok(false) };
        // In a folder that the tool shares with others only what it would load is looked at.
        for ending in [".js", ".json", ".node"] {
            let file = format!("{last}{ending}");
            let path = modules.join(&file);
            if listing.named(&file, || self.files.lstat(&path).is_ok()).is_some_and(|kind| kind != EntryKind::Folder) {
                self.strays.insert(path);
            }
        }
        let path = modules.join(last);
        let Some(kind) = listing.named(last, || self.files.lstat(&path).is_ok()) else { return Ok(false) };
        // Without links, and as the folder is called: one folder must not count twice.
        let place = if kind == EntryKind::Folder { self.files.canonical(&path).map_err(unmeasured)? } else { path.clone() };
        self.entry(&place, kind, depth)?;
        // Node goes on where it finds no package: a folder without `package.json`.
        Ok(self.files.stat(&path.join("package.json")).is_ok())
    }

    /// The `node_modules` in a folder, without links; `None` where there is none.
    fn modules(&mut self, folder: &Path) -> Result<Option<PathBuf>, Unmeasured> {
        if let Some(modules) = self.modules.get(folder) {
            return Ok(modules.clone());
        }
        let modules = self.real(&folder.join("node_modules"))?;
        self.modules.insert(folder.to_owned(), modules.clone());
        Ok(modules)
    }

    /// The names in a folder; `None` where there is no folder.
    fn listing(&mut self, folder: &Path) -> Result<Option<Rc<Listing>>, Unmeasured> {
        if let Some(listing) = self.listings.get(folder) {
            return Ok(listing.clone());
        }
        let listing = match self.files.list(folder) {
            Ok(entries) => Some(Rc::new(Listing::of(entries.into_iter().map(|entry| (entry.name, entry.kind))))),
            Err(error) if error.is_not_found() || is_no_folder(&error) => None,
            Err(error) => return Err(unmeasured(error)),
        };
        self.listings.insert(folder.to_owned(), listing.clone());
        Ok(listing)
    }

    /// A path without links; `None` where nothing is there.
    fn real(&self, path: &Path) -> Result<Option<PathBuf>, Unmeasured> {
        match self.files.canonical(path) {
            Ok(path) => Ok(Some(path)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(unmeasured(error)),
        }
    }
}

fn is_no_folder(error: &FileError) -> bool {
    match error {
        FileError::NotAFile(..) => true,
        FileError::Io { source, .. } => source.kind() == std::io::ErrorKind::NotADirectory,
        _ => false,
    }
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    // npm takes a byte order mark for nothing, and so does Node.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))
}

/// What a `package.json` says it is. `None` where it names nothing: no registry serves such a package.
fn identity(manifest: &Value) -> Option<PackageVersion> {
    let text = |key: &str| manifest.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let package = Package::new(Ecosystem::Npm, text("name")?);
    Some(PackageVersion { package, version: text("version")?.to_owned() })
}

/// The names that a `package.json` declares as loaded.
fn declared(manifest: &Value) -> BTreeSet<String> {
    const TABLES: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
    const LISTS: [&str; 2] = ["bundleDependencies", "bundledDependencies"];
    let tables = TABLES.iter().filter_map(|key| manifest.get(key)?.as_object()).flat_map(|table| table.keys().cloned());
    let lists = LISTS.iter().filter_map(|key| manifest.get(key)?.as_array()).flatten();
    let names = lists.filter_map(|name| name.as_str().map(str::to_owned));
    tables.chain(names).filter(|name| is_package_name(name)).collect()
}

/// `name` or `@scope/name`: what a declaration may make Node look for in `node_modules`, and nothing that leads elsewhere.
fn is_package_name(name: &str) -> bool {
    let mut parts = name.split('/');
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', ':']);
    let first = parts.next().is_some_and(is_plain);
    let rest: Vec<&str> = parts.collect();
    first && if name.starts_with('@') { rest.len() == 1 && is_plain(rest[0]) } else { rest.is_empty() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_packages_are_looked_for() {
        for name in ["zod", "@scope/name", "a.b", "A"] {
            assert!(is_package_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", "@a", "@a/b/c", "@a/..", "/etc", "a\\b", "C:x", "a\0"] {
            assert!(!is_package_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_name_means_what_the_file_system_takes_for_it() {
        let entries = [("ZOD", EntryKind::Folder), ("a", EntryKind::Link), ("A", EntryKind::File)];
        let listing = Listing::of(entries.into_iter().map(|(name, kind)| (name.into(), kind)));
        // One that takes `zod` for `ZOD`, and one that does not.
        assert_eq!(listing.named("zod", || true), Some(EntryKind::Folder));
        assert_eq!(listing.named("zod", || false), None);
        assert_eq!(listing.named("a", || true), Some(EntryKind::Link));
        assert_eq!(listing.named("other", || true), None);
    }

    #[test]
    fn declarations_of_every_kind_count_once_and_odd_ones_are_passed_over() {
        let manifest = serde_json::json!({
            "dependencies": { "a": "1", "b": "npm:c@2" }, "optionalDependencies": { "a": "1", "../x": "1" },
            "peerDependencies": [], "devDependencies": { "d": "1" }, "bundleDependencies": ["e", 5], "bundledDependencies": true,
        });
        assert_eq!(declared(&manifest).into_iter().collect::<Vec<_>>(), ["a", "b", "e"]);
    }
}
