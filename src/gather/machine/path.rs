//! What can be started by name: the folders of `PATH`, `~/bin` and `~/.local/bin`.
//!
//! A name identifies nothing here. Links and launchers are followed to the package they lead into; a file that leads nowhere
//! is digested when its size is that of a known program, and only then, if its name can mean but one tool, is the name believed.

use super::node_modules::read_json;
use super::program::{self, Program};
use super::scan::{Candidate, Draft, Scan};
use super::shim;
use crate::evidence::{CoverageOutcome, Extent, Identification, Oddity};
use crate::tool::{Channel, Ecosystem, Package, ToolId};
use crate::world::files::{Entry, EntryKind, FileError, FileStat, Files};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Folders of the system's own packages. Their scripts are not read one by one: a system has hundreds of them, and none is a
/// launcher that a user's package manager wrote.
const SYSTEM_FOLDERS: [&str; 4] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];
/// The largest script that is read for what it starts, in bytes.
const MAX_LAUNCHER: u64 = program::SMALL;
/// From which size on a file is compared with the programs that were found, in bytes: below, many files share a size by chance.
const MIN_COPY: u64 = 1024 * 1024;
/// Programs that stand behind many names and start what a version manager says: the tools behind them are looked for where the
/// version manager keeps them.
const DISPATCHERS: [&str; 9] = ["volta-shim", "volta", "mise", "rtx", "asdf", "proto-shim", "aqua-proxy", "fnm", "pyenv"];
/// How far above a file its `package.json` is looked for.
const MAX_ABOVE: usize = 6;

/// What was seen on `PATH`.
#[derive(Default)]
pub(super) struct Leads {
    /// The folders, as written and without links, with the names in them.
    folders: Vec<(PathBuf, PathBuf, Rc<Vec<Entry>>)>,
    names: Vec<Lead>,
    /// Virtual environments that a launcher or a link leads into.
    pub(super) environments: BTreeSet<PathBuf>,
}

/// A name on `PATH` that may lead to a tool.
struct Lead {
    /// As a shell would find it.
    path: PathBuf,
    /// The file it starts, without links.
    real: PathBuf,
    stat: FileStat,
}

impl Leads {
    /// The folders above those on `PATH` that have one of these programs: where its packages lie.
    pub(super) fn prefixes_of(&self, programs: &[&str]) -> Vec<PathBuf> {
        let has = |entries: &[Entry]| entries.iter().any(|e| stem(&e.name).is_some_and(|name| programs.contains(&name)));
        let with = self.folders.iter().filter(|(_, _, entries)| has(entries));
        let mut prefixes: Vec<PathBuf> =
            with.flat_map(|(written, real, _)| [written.parent(), real.parent()]).flatten().map(Path::to_owned).collect();
        // A link to the program of a version manager: its packages lie beside the program, not beside the link.
        prefixes.extend(self.names.iter().filter_map(|lead| {
            let name = stem(lead.path.file_name()?)?;
            let bin = lead.real.parent().filter(|folder| folder.ends_with("bin") && !lead.real.ends_with("npm-cli.js"))?;
            programs.contains(&name).then(|| bin.parent().map(Path::to_owned))?
        }));
        prefixes
    }

    /// The folders on `PATH`, without links.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|(_, real, _)| real.as_path())
    }

    /// The outermost `node_modules` of every name that leads into one.
    pub(super) fn node_modules(&self) -> BTreeSet<PathBuf> {
        self.names.iter().filter_map(|lead| outermost_node_modules(&lead.real)).collect()
    }
}

/// Look at every name in the folders of `PATH`.
pub(super) fn look(scan: &mut Scan<'_>) -> Leads {
    let mut leads = Leads::default();
    let mut seen = HashSet::new();
    let here = scan.world.env.current_dir().to_owned();
    let on_path = scan.world.env.search_path().into_iter().map(|folder| here.join(folder));
    let homes = [scan.in_home("bin"), scan.in_home(".local/bin")];
    for (source, folder) in on_path.map(|f| ("path", f)).chain(homes.into_iter().flatten().map(|f| ("home-bin", f))) {
        let real = scan.real(&folder);
        if !seen.insert(real.clone()) {
            continue;
        }
        if let Some(entries) = scan.visit(source, &folder) {
            leads.folders.push((folder, real, entries));
        }
    }
    let mut look = Look { scan, environments: HashMap::new(), resolved: HashMap::new(), leads: Vec::new() };
    for (written, real, entries) in &leads.folders {
        let is_system = SYSTEM_FOLDERS.iter().any(|system| real == Path::new(system));
        for entry in entries.iter() {
            look.entry(written, real, entry, is_system);
        }
    }
    leads.names = look.leads;
    leads.environments = look.environments.into_iter().filter(|(_, is)| *is).map(|(folder, _)| folder).collect();
    leads
}

struct Look<'s, 'a> {
    scan: &'s mut Scan<'a>,
    /// Folders that may be virtual environments, and whether they are.
    environments: HashMap<PathBuf, bool>,
    /// Folders that links lead into, and the same without links.
    resolved: HashMap<PathBuf, PathBuf>,
    leads: Vec<Lead>,
}

impl Look<'_, '_> {
    fn entry(&mut self, written: &Path, folder: &Path, entry: &Entry, is_system: bool) {
        let path = written.join(&entry.name);
        let named = self.named(&entry.name);
        match entry.kind {
            EntryKind::Folder => {}
            EntryKind::Other(what) => {
                if let Some(tool) = named {
                    self.scan.oddities.push(Oddity::UnidentifiedName { path, tool, why: format!("it is {what}") });
                }
            }
            EntryKind::Link => self.link(path, folder, named),
            EntryKind::File => self.file(path, folder.join(&entry.name), named.is_some(), is_system),
        }
    }

    /// The tool whose name a file has, where the name can mean only that tool.
    fn named(&self, name: &std::ffi::OsStr) -> Option<ToolId> {
        let name = stem(name)?;
        self.scan.catalogue.by_binary(name).find(|tool| tool.has_distinctive_binary(name)).map(|tool| tool.id.clone())
    }

    fn link(&mut self, path: PathBuf, folder: &Path, named: Option<ToolId>) {
        let files = self.scan.files;
        let Ok(target) = files.read_link(&path) else { return };
        let is_alias = target.components().count() == 1;
        // `python -> python3`: what it leads to stands in the same folder and is looked at there.
        if is_alias && named.is_none() && !stem(path.file_name().unwrap_or_default()).is_some_and(|n| matches!(n, "node" | "npm"))
        {
            return;
        }
        match self.resolve(&path, &folder.join(&target)) {
            Ok((real, stat)) if stat.kind == EntryKind::File => {
                self.environment_of(&real);
                self.leads.push(Lead { path, real, stat });
            }
            Ok(_) => {}
            // Common names too, when the link names the package that should be there.
            Err(error) => match named.or_else(|| self.tool_of_target(&target)) {
                Some(tool) if error.is_not_found() => self.scan.oddities.push(Oddity::DanglingLink { path, target, tool }),
                Some(tool) => {
                    let why = error.to_string();
                    self.scan.oddities.push(Oddity::UnidentifiedName { path, tool, why });
                }
                // What loops can be started by nobody.
                None if is_refusal(&error) => self.scan.cover_error("path", &path, &error),
                None => {}
            },
        }
    }

    /// The file a link leads to, without links. Many links lead into one folder, and resolving a path asks for each of its parts,
    /// so a folder is resolved once.
    fn resolve(&mut self, link: &Path, target: &Path) -> Result<(PathBuf, FileStat), FileError> {
        let files = self.scan.files;
        if let (Some(folder), Some(name)) = (target.parent(), target.file_name()) {
            let folder = if let Some(real) = self.resolved.get(folder) {
                real.clone()
            } else {
                let real = files.canonical(folder)?;
                self.resolved.insert(folder.to_owned(), real.clone());
                real
            };
            let real = folder.join(name);
            let stat = files.lstat(&real)?;
            if stat.kind != EntryKind::Link {
                return Ok((real, stat));
            }
        }
        let real = files.canonical(link)?;
        let stat = files.stat(&real)?;
        Ok((real, stat))
    }

    /// The tool whose package a link points into, by the names in its target.
    fn tool_of_target(&self, target: &Path) -> Option<ToolId> {
        let text = target.to_str()?.replace('\\', "/");
        let (_, inside) = text.rsplit_once("node_modules/")?;
        let parts: Vec<&str> = inside.split('/').collect();
        let name = if inside.starts_with('@') { parts.get(..2)?.join("/") } else { (*parts.first()?).to_owned() };
        self.scan.catalogue.by_package(&Package::new(Ecosystem::Npm, &name)).map(|tool| tool.id.clone())
    }

    fn file(&mut self, path: PathBuf, real: PathBuf, is_named: bool, is_system: bool) {
        let files = self.scan.files;
        let stat = match files.lstat(&real) {
            Ok(stat) => stat,
            Err(error) => {
                if !error.is_not_found() {
                    self.scan.cover_error("path", &path, &error);
                }
                return;
            }
        };
        let mut lead = Lead { path, real, stat };
        let may_launch = stat.size <= MAX_LAUNCHER && (is_named || !is_system);
        if may_launch && let Some(target) = self.launched(&lead.real) {
            lead.real = target.0;
            lead.stat = target.1;
            self.leads.push(lead);
        } else if is_named
            || self.scan.catalogue.knows_size(stat.size)
            || (!is_system && stat.size >= MIN_COPY)
            || is_runtime(&lead.path)
        {
            self.leads.push(lead);
        }
    }

    /// What a small script starts, where that is a file; an environment it runs in is noted on the way.
    fn launched(&mut self, script: &Path) -> Option<(PathBuf, FileStat)> {
        let files = self.scan.files;
        let bytes = files.read(script, MAX_LAUNCHER).ok()?;
        if !bytes.starts_with(b"#!") && !bytes.starts_with(b"@") {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some(interpreter) = shim::interpreter(&text) {
            self.environment_of(&interpreter);
        }
        let real = files.canonical(&shim::target(script, &text)?).ok()?;
        let stat = files.stat(&real).ok()?;
        (stat.kind == EntryKind::File).then_some((real, stat))
    }

    /// Note the virtual environment in whose `bin` a file lies.
    fn environment_of(&mut self, file: &Path) {
        if let Some(folder) = file.parent().and_then(Path::parent)
            && !self.environments.contains_key(folder)
        {
            let is = program::is_file(self.scan.files, &folder.join("pyvenv.cfg"));
            self.environments.insert(folder.to_owned(), is);
        }
    }
}

/// After every package was found: give each name on `PATH` to the sighting it leads to, and put down what leads nowhere.
pub(super) fn settle(scan: &mut Scan<'_>, leads: Leads) {
    let mut packages = HashMap::new();
    for lead in leads.names {
        if let Some(owner) = scan.owner(&lead.real, program::inode_of(&lead.stat)) {
            scan.reach(owner, lead.path);
            continue;
        }
        // A known program, or a copy of one that lies in its own place: no name and no package beside it excuses that.
        let may_be_known =
            scan.catalogue.knows_size(lead.stat.size) || (lead.stat.size >= MIN_COPY && scan.has_program_of(lead.stat.size));
        if !may_be_known && is_dispatched(&lead) {
            continue;
        }
        let is_told = add_package(scan, &lead, &mut packages, may_be_known);
        if !is_told {
            add_candidate(scan, &lead, may_be_known);
        }
    }
}

fn is_dispatched(lead: &Lead) -> bool {
    let behind = lead.real.file_name().and_then(stem).is_some_and(|name| DISPATCHERS.contains(&name));
    behind || lead.path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "shims")
}

/// The `package.json` above files, by the folder of the file.
type Packages = HashMap<PathBuf, Option<Rc<(PathBuf, Value)>>>;

/// Let the package in which a file lies say what it is, a tool or something else. Gives whether there is such a package.
fn add_package(scan: &mut Scan<'_>, lead: &Lead, packages: &mut Packages, may_be_known: bool) -> bool {
    let Some(folder) = lead.real.parent().filter(|folder| lead.path.parent() != Some(folder)) else { return false };
    let above = packages.entry(folder.to_owned()).or_insert_with(|| package_above(scan.files, folder).map(Rc::new));
    let Some(above) = above.clone() else { return false };
    let (folder, manifest) = &*above;
    let Some(name) = manifest.get("name").and_then(Value::as_str) else { return false };
    let package = Package::new(Ecosystem::Npm, name);
    if let Some(tool) = scan.catalogue.by_package(&package) {
        let version = manifest.get("version").and_then(Value::as_str);
        let by = Identification::Metadata;
        let mut draft = Draft::new(tool, folder.clone(), Extent::Folder, Channel::Path, by).of_package(package, version);
        draft.sighting.reached_by.push(lead.path.clone());
        if let Ok(program) = Program::look(scan.files, &lead.real) {
            draft.add_program(program);
        }
        scan.add(draft);
        return true;
    }
    if may_be_known {
        return false;
    }
    if let Some(tool) = distinctive(scan, lead) {
        let why = format!("it belongs to the package `{}`", crate::text::printable(name));
        scan.oddities.push(Oddity::UnidentifiedName { path: lead.path.clone(), tool, why });
    }
    true
}

/// The nearest `package.json` in a folder or above it that has a name, and where it lies.
fn package_above(files: Files, folder: &Path) -> Option<(PathBuf, Value)> {
    for folder in folder.ancestors().take(MAX_ABOVE) {
        if let Ok(manifest) = read_json(files, &folder.join("package.json"))
            && manifest.get("name").is_some()
        {
            return Some((folder.to_owned(), manifest));
        }
        if folder.file_name().is_some_and(|name| name == "node_modules") {
            return None;
        }
    }
    None
}

fn is_refusal(error: &FileError) -> bool {
    matches!(error, FileError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied)
}

/// The tool that the name of a lead, or of the file behind it, can only mean.
fn distinctive(scan: &Scan<'_>, lead: &Lead) -> Option<ToolId> {
    let names = [&lead.path, &lead.real].map(|path| path.file_name().and_then(stem));
    names.into_iter().flatten().find_map(|name| {
        scan.catalogue.by_binary(name).find(|tool| tool.has_distinctive_binary(name)).map(|tool| tool.id.clone())
    })
}

fn add_candidate(scan: &mut Scan<'_>, lead: &Lead, may_be_known: bool) {
    let named = distinctive(scan, lead);
    if !may_be_known && named.is_none() {
        return;
    }
    let link = (lead.path != lead.real).then(|| lead.path.clone());
    if let Some(candidate) = scan.candidates.iter_mut().find(|candidate| candidate.path == lead.real) {
        candidate.reached_by.extend(link);
        candidate.named = candidate.named.take().or(named);
        return;
    }
    match Program::look(scan.files, &lead.real) {
        Ok(program) => scan.candidates.push(Candidate {
            path: program.path.clone(),
            reached_by: link.into_iter().collect(),
            named,
            program,
            may_be_known,
        }),
        Err(error) => {
            if let Some(tool) = named {
                scan.oddities.push(Oddity::UnidentifiedName { path: lead.path.clone(), tool, why: error.to_string() });
            } else {
                scan.cover("path", &lead.path, CoverageOutcome::NotLooked(error.to_string()));
            }
        }
    }
}

/// The name of a program without the ending that Windows needs.
pub(super) fn stem(name: &std::ffi::OsStr) -> Option<&str> {
    let name = name.to_str()?;
    let endings = [".exe", ".cmd", ".ps1", ".bat"];
    Some(endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name))
}

fn is_runtime(path: &Path) -> bool {
    path.file_name().and_then(stem).is_some_and(|name| matches!(name, "node" | "npm"))
}

fn outermost_node_modules(file: &Path) -> Option<PathBuf> {
    let mut outermost = None;
    for folder in file.ancestors().skip(1) {
        if folder.file_name().is_some_and(|name| name == "node_modules") {
            outermost = Some(folder.to_owned());
        }
    }
    outermost
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn names_lose_only_the_endings_of_programs() {
        let stem_of = |name: &'static str| stem(OsStr::new(name)).unwrap();
        assert_eq!(stem_of("claude.exe"), "claude");
        assert_eq!(stem_of("claude"), "claude");
        assert_eq!(stem_of("node_modules.d"), "node_modules.d");
    }

    #[test]
    fn the_outermost_folder_of_packages_is_the_one_to_walk() {
        let file = Path::new("/p/lib/node_modules/a/node_modules/b/cli.js");
        assert_eq!(outermost_node_modules(file), Some(PathBuf::from("/p/lib/node_modules")));
        assert_eq!(outermost_node_modules(Path::new("/usr/bin/node")), None);
    }
}
