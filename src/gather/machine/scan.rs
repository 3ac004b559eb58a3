//! What the ways of finding share: the sightings drafted so far, the places looked at, and who owns which file.
//!
//! Every way adds drafts here, so that one installation reached by five links, two prefixes and a launcher stays one
//! sighting, and every folder is listed through [`Scan::visit`], so that no place is skipped without a word.

use super::program::{self, Program};
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{Carrier, Coverage, CoverageOutcome, Extent, Identification, Oddity, Sighting, State};
use crate::tool::{Channel, Package, ToolId};
use crate::version::Version;
use crate::world::World;
use crate::world::files::{Entry, FileError, Files};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The state of one search.
pub(super) struct Scan<'a> {
    pub(super) world: &'a World,
    pub(super) files: Files,
    pub(super) catalogue: &'a Catalogue,
    /// The repository's top folder, without links.
    pub(super) repository: Option<PathBuf>,
    /// The home folder, without links.
    pub(super) home: Option<PathBuf>,
    pub(super) drafts: Vec<Draft>,
    pub(super) oddities: Vec<Oddity>,
    coverage: Vec<Coverage>,
    /// Files on `PATH` that may be copies of a known program.
    pub(super) candidates: Vec<Candidate>,
    listed: HashMap<PathBuf, Option<Rc<Vec<Entry>>>>,
    by_root: HashMap<(PathBuf, ToolId, Option<Package>), usize>,
    /// Who owns a file that runs, or a launcher of it.
    by_program: HashMap<PathBuf, usize>,
    by_inode: HashMap<(u64, u64), usize>,
    /// Who owns a package folder.
    by_folder: HashMap<PathBuf, usize>,
}

/// A sighting without its digests.
pub(super) struct Draft {
    pub(super) sighting: Sighting,
    pub(super) programs: Vec<Program>,
}

/// A file on `PATH` that belongs to no package: its bytes decide, and its name if they do not.
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// Links that lead to it.
    pub(super) reached_by: Vec<PathBuf>,
    /// The tool that one of its names can only mean.
    pub(super) named: Option<ToolId>,
    pub(super) program: Program,
    /// Whether its size is that of a known file, or of a program that was found.
    pub(super) may_be_known: bool,
}

impl Draft {
    /// A sighting of which only the essentials are known.
    pub(super) fn new(tool: &Tool, root: PathBuf, extent: Extent, channel: Channel, identified_by: Identification) -> Self {
        Self {
            sighting: Sighting {
                tool: tool.id.clone(),
                package: None,
                version: None,
                channel,
                root,
                extent,
                reached_by: Vec::new(),
                executables: Vec::new(),
                identified_by,
                renamed: None,
                brought_by: None,
                state: State::Present,
                claimed_version: None,
                embedded_version: None,
                strangers: Vec::new(),
                built: Vec::new(),
                measurements: Vec::new(),
            },
            programs: Vec::new(),
        }
    }

    /// With its package and the version that the package has in the order of its ecosystem.
    pub(super) fn of_package(mut self, package: Package, version: Option<&str>) -> Self {
        self.sighting.version = version.map(|text| Version::parse(package.ecosystem.scheme(), text));
        self.sighting.package = Some(package);
        self
    }

    /// With a version in the tool's own order.
    pub(super) fn of_version(mut self, tool: &Tool, version: Option<&str>) -> Self {
        self.sighting.version = version.map(|text| Version::parse(tool.scheme(), text));
        self
    }

    /// With the package that brought it.
    pub(super) fn brought_by(mut self, carrier: Option<Carrier>) -> Self {
        self.sighting.brought_by = carrier;
        self
    }

    /// Add a program; hard links and repeated paths count once.
    pub(super) fn add_program(&mut self, program: Program) {
        let same = |other: &Program| other.path == program.path || (other.inode().is_some() && other.inode() == program.inode());
        if self.programs.len() < program::MAX_PROGRAMS && !self.programs.iter().any(same) {
            self.programs.push(program);
        }
    }

    /// What brought the things that this one carries: whoever brought it, or itself.
    pub(super) fn as_carrier(&self) -> Option<Carrier> {
        self.sighting.brought_by.clone().or_else(|| {
            let version = self.sighting.version.as_ref().map(|v| v.as_str().to_owned());
            Some(Carrier { package: self.sighting.package.clone()?, version })
        })
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(world: &'a World, catalogue: &'a Catalogue, repository: Option<&Path>) -> Self {
        let files = world.files;
        // A home or repository that cannot be resolved is looked for under the name it was given.
        let real = |path: PathBuf| files.canonical(&path).unwrap_or(path);
        Self {
            world,
            files,
            catalogue,
            repository: repository.map(Path::to_owned).map(real),
            home: world.env.home().map(real),
            drafts: Vec::new(),
            oddities: Vec::new(),
            coverage: Vec::new(),
            candidates: Vec::new(),
            listed: HashMap::new(),
            by_root: HashMap::new(),
            by_program: HashMap::new(),
            by_inode: HashMap::new(),
            by_folder: HashMap::new(),
        }
    }

    /// The names in a folder, listed once a run, with what came of it put down as coverage.
    pub(super) fn visit(&mut self, source: &'static str, folder: &Path) -> Option<Rc<Vec<Entry>>> {
        if let Some(entries) = self.listed.get(folder).cloned() {
            if entries.is_some() {
                self.cover(source, folder, CoverageOutcome::Looked);
            }
            return entries;
        }
        let entries = match self.files.list(folder) {
            Ok(entries) => {
                self.cover(source, folder, CoverageOutcome::Looked);
                Some(Rc::new(entries))
            }
            Err(error) => {
                self.cover_error(source, folder, &error);
                None
            }
        };
        self.listed.insert(folder.to_owned(), entries.clone());
        entries
    }

    /// The folders in a folder, links to folders included, with their coverage. Empty when there is no such folder.
    pub(super) fn folders_in(&mut self, source: &'static str, folder: &Path) -> Vec<PathBuf> {
        use crate::world::files::EntryKind;
        let Some(entries) = self.visit(source, folder) else { return Vec::new() };
        let may_be_folder = |entry: &&Entry| matches!(entry.kind, EntryKind::Folder | EntryKind::Link);
        entries.iter().filter(may_be_folder).map(|entry| folder.join(&entry.name)).collect()
    }

    /// Put down what came of a place.
    pub(super) fn cover(&mut self, source: &'static str, place: &Path, outcome: CoverageOutcome) {
        self.put_down(Coverage { source: source.into(), place: Some(place.to_owned()), outcome });
    }

    fn put_down(&mut self, coverage: Coverage) {
        if !self.coverage.contains(&coverage) {
            self.coverage.push(coverage);
        }
    }

    /// Put down why a place was not looked at: nothing is there, or the system refused.
    pub(super) fn cover_error(&mut self, source: &'static str, place: &Path, error: &FileError) {
        let outcome = if error.is_not_found() { CoverageOutcome::Absent } else { CoverageOutcome::NotLooked(error.to_string()) };
        self.cover(source, place, outcome);
    }

    /// Put down a source that has no place of its own.
    pub(super) fn cover_source(&mut self, source: &'static str, outcome: CoverageOutcome) {
        self.put_down(Coverage { source: source.into(), place: None, outcome });
    }

    /// Add a draft, or join it with the one that already stands for the same installation. Gives its index.
    pub(super) fn add(&mut self, draft: Draft) -> usize {
        let sighting = &draft.sighting;
        // Several distributions share one `site-packages`; other roots have one sighting of a tool each.
        let member = matches!(sighting.extent, Extent::Members { .. }).then(|| sighting.package.clone()).flatten();
        let key = (sighting.root.clone(), sighting.tool.clone(), member);
        if let Some(&index) = self.by_root.get(&key) {
            for path in draft.sighting.reached_by {
                self.reach(index, path);
            }
            return index;
        }
        let index = self.drafts.len();
        for program in &draft.programs {
            self.by_program.entry(program.path.clone()).or_insert(index);
            if let Some(inode) = program.inode() {
                self.by_inode.entry(inode).or_insert(index);
            }
        }
        if draft.sighting.extent == Extent::Folder {
            self.by_folder.entry(draft.sighting.root.clone()).or_insert(index);
        }
        self.by_root.insert(key, index);
        self.drafts.push(draft);
        index
    }

    /// Put down a name, link or launcher that leads to a draft.
    pub(super) fn reach(&mut self, index: usize, by: PathBuf) {
        let draft = &mut self.drafts[index];
        let is_itself = draft.sighting.root == by || draft.programs.iter().any(|p| p.path == by);
        if !is_itself && !draft.sighting.reached_by.contains(&by) {
            draft.sighting.reached_by.push(by);
        }
    }

    /// Put down a script that starts a draft, so that links to it are known.
    pub(super) fn own_launcher(&mut self, index: usize, launcher: PathBuf) {
        self.by_program.entry(launcher.clone()).or_insert(index);
        self.reach(index, launcher);
    }

    /// The draft that owns a file: one of its programs or launchers, a hard link of one, or a file in its package folder.
    pub(super) fn owner(&self, file: &Path, inode: Option<(u64, u64)>) -> Option<usize> {
        let by_inode = || self.by_inode.get(&inode?).copied();
        self.by_program.get(file).copied().or_else(by_inode).or_else(|| self.owner_by_folder(file))
    }

    fn owner_by_folder(&self, file: &Path) -> Option<usize> {
        for folder in file.ancestors().skip(1) {
            if let Some(&index) = self.by_folder.get(folder) {
                return Some(index);
            }
            // A package that is no tool inside the package of a tool is another package.
            let above = folder.parent()?;
            let holds_packages = |f: &Path| f.file_name().is_some_and(|name| name == "node_modules");
            let is_scoped = above.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"@"));
            if holds_packages(above) || (is_scoped && above.parent().is_some_and(holds_packages)) {
                return None;
            }
        }
        None
    }

    /// Whether a program of this size was found.
    pub(super) fn has_program_of(&self, size: u64) -> bool {
        self.drafts.iter().flat_map(|draft| &draft.programs).any(|program| program.stat.size == size)
    }

    /// A path below the home folder, where there is a home.
    pub(super) fn in_home(&self, path: &str) -> Option<PathBuf> {
        Some(self.home.as_ref()?.join(path))
    }

    /// The path without links, or as it was where it cannot be resolved.
    pub(super) fn real(&self, path: &Path) -> PathBuf {
        self.files.canonical(path).unwrap_or_else(|_| path.to_owned())
    }

    /// What is there now, and where was looked.
    pub(super) fn into_parts(self) -> (Vec<Draft>, Vec<Candidate>, Vec<Oddity>, Vec<Coverage>) {
        (self.drafts, self.candidates, self.oddities, self.coverage)
    }
}

/// The same paths once each, in the order given, without links where they can be resolved.
pub(super) fn distinct(files: Files, paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths.into_iter().map(|path| files.canonical(&path).unwrap_or(path)).filter(|path| seen.insert(path.clone())).collect()
}
