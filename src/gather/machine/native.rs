//! Tools that their own installers put where the catalogue says, several versions side by side.

use super::glob;
use super::program::Program;
use super::scan::{Draft, Scan};
use crate::catalogue::{Tool, VersionInPath};
use crate::evidence::{CoverageOutcome, Extent, Identification};
use crate::tool::Channel;
use crate::world::files::{EntryKind, FileError};
use std::path::{Path, PathBuf};

/// Find what lies at the places of the catalogue for this system.
pub(super) fn find(scan: &mut Scan<'_>) {
    let os = scan.world.env.os;
    let catalogue = scan.catalogue;
    // The folders that hold versions come first: a link to one of them is then a name of it.
    for with_versions in [true, false] {
        for tool in catalogue.tools() {
            for pattern in tool.paths.of(os).iter().filter(|pattern| !pattern.contains("/node_modules/")) {
                if pattern.contains('*') == with_versions {
                    look_at(scan, tool, pattern);
                }
            }
        }
    }
    scan.cover_source("native", CoverageOutcome::Looked);
}

fn look_at(scan: &mut Scan<'_>, tool: &Tool, pattern: &str) {
    let channel = if pattern.starts_with("{brew}") { Channel::Homebrew } else { Channel::Native };
    for (base, rest) in bases(scan, pattern) {
        let matches = glob::expand(scan.files, &base, &rest);
        for (place, error) in &matches.errors {
            scan.cover_error("native", place, error);
        }
        for path in matches.paths {
            let real = match scan.files.canonical(&path) {
                Ok(real) => real,
                // A link that leads nowhere is told where `PATH` is looked at.
                Err(error) if error.is_not_found() => continue,
                Err(error) => {
                    scan.cover_error("native", &path, &error);
                    continue;
                }
            };
            match scan.files.stat(&real).map(|stat| stat.kind) {
                Ok(EntryKind::Folder) => add_folder(scan, tool, channel, &real),
                Ok(EntryKind::File) => add_file(scan, tool, channel, pattern, &path, &real),
                Ok(_) => {}
                Err(error) => scan.cover_error("native", &path, &error),
            }
        }
    }
}

/// The folders that the beginning of a pattern stands for, and the rest of the pattern: `~`, `{brew}`, `%VARIABLE%`, `/`.
pub(super) fn bases(scan: &Scan<'_>, pattern: &str) -> Vec<(PathBuf, String)> {
    if let Some(rest) = pattern.strip_prefix("~/") {
        return scan.home.iter().map(|home| (home.clone(), rest.to_owned())).collect();
    }
    if let Some(rest) = pattern.strip_prefix("{brew}/") {
        return super::homebrew::prefixes(scan).into_iter().map(|prefix| (prefix, rest.to_owned())).collect();
    }
    if let Some((variable, rest)) = pattern.strip_prefix('%').and_then(|p| p.split_once('%')) {
        return scan.world.env.path(variable).map(|base| (base, rest.trim_start_matches('/').to_owned())).into_iter().collect();
    }
    // Other placeholders and relative patterns stand for no folder of their own.
    pattern.strip_prefix('/').map(|rest| (PathBuf::from("/"), rest.to_owned())).into_iter().collect()
}

fn add_folder(scan: &mut Scan<'_>, tool: &Tool, channel: Channel, folder: &Path) {
    let version = version_name(folder).map(str::to_owned);
    let mut draft =
        Draft::new(tool, folder.to_owned(), Extent::Folder, channel, Identification::Layout).of_version(tool, version.as_deref());
    for program in programs_in(scan, tool, folder) {
        draft.add_program(program);
    }
    scan.add(draft);
}

/// The tool's executables in a folder that is its own.
pub(super) fn programs_in(scan: &mut Scan<'_>, tool: &Tool, folder: &Path) -> Vec<Program> {
    let mut programs = Vec::new();
    for binary in &tool.binaries {
        for pattern in [format!("{binary}{{,.exe}}"), format!("bin/{binary}{{,.exe}}")] {
            for path in glob::expand(scan.files, folder, &pattern).paths {
                match Program::look(scan.files, &path) {
                    Ok(program) => programs.push(program),
                    Err(FileError::NotAFile(..)) => {}
                    Err(error) => scan.cover_error("native", &path, &error),
                }
            }
        }
    }
    programs
}

fn add_file(scan: &mut Scan<'_>, tool: &Tool, channel: Channel, pattern: &str, path: &Path, real: &Path) {
    let program = match Program::look(scan.files, real) {
        Ok(program) => program,
        Err(error) => {
            scan.cover_error("native", path, &error);
            return;
        }
    };
    if let Some(owner) = scan.owner(&program.path, program.inode()) {
        if scan.drafts[owner].sighting.tool == tool.id {
            scan.reach(owner, path.to_owned());
        }
        return;
    }
    // A folder of versions is made by one installer alone. A plain name such as `~/.local/bin/claude` can be anybody's script.
    let is_own_folder = pattern.contains('*');
    if program.stat.size == 0 || (!is_own_folder && !program.is_native()) {
        return;
    }
    let folder = real.parent().unwrap_or(real);
    let (root, extent, version) = match tool.version_in_path {
        Some(VersionInPath::Folder) if version_name(folder).is_some() => {
            (folder.to_owned(), Extent::Folder, version_name(folder))
        }
        Some(VersionInPath::FileName) => (real.to_owned(), Extent::File, version_name(real)),
        _ => (real.to_owned(), Extent::File, None),
    };
    let version = version.map(str::to_owned);
    let mut draft = Draft::new(tool, root, extent, channel, Identification::Layout).of_version(tool, version.as_deref());
    draft.add_program(program);
    let index = scan.add(draft);
    scan.reach(index, path.to_owned());
}

/// The name of a file or folder where it looks like a version.
pub(super) fn version_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let is_version = name.starts_with(|c: char| c.is_ascii_digit()) && name.contains(['.', '-']) && name.len() <= 64;
    is_version.then_some(name)
}
