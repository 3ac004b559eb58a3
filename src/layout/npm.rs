//! npm packages: the folder that `npm install` leaves.
//!
//! What npm changes on the way (pacote 22 `lib/fetcher.js`, bin-links 6 `lib/fix-bin.js`, read and tried): it strips one folder, whatever
//! that is called; leaves out links; unpacks `.gitignore` as `.npmignore` where there is none; makes the files of commands executable
//! and takes the carriage return from their first line. Other installers unpack the files as they are, so both trees are given where
//! they differ.

use super::{LayoutRefusal, PROGRAM_SIZE, Program, Tree, is_program};
use crate::archive::{Contents, Link, Unpacked};
use crate::digest::TreeFile;
use std::collections::{BTreeMap, BTreeSet};

mod facts;

pub use facts::PackageFacts;

/// The folder with the packages that a package brings along.
const NODE_MODULES: &str = "node_modules";
/// The largest `manifest.json` that may be a vendor's list, in bytes.
const MAX_VENDOR_LIST: u64 = 1 << 20;

/// What a package is and what an installation of it puts on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmPackage {
    /// What its `package.json` says.
    pub facts: PackageFacts,
    /// Its folder without `node_modules`, as npm leaves it where no install script changed it.
    pub tree: Tree,
    /// The same where the installer changes nothing of what was packed; `None` where npm changes nothing either.
    pub as_packed: Option<Tree>,
    /// The files that run by themselves: machine code that is no library, and large commands.
    pub programs: Vec<Program>,
    /// The packages that it brings inside its own `node_modules`, in the order of their folders.
    pub bundled: Vec<Bundled>,
    /// Its `npm-shrinkwrap.json`, which fixes the versions of its dependencies.
    pub shrinkwrap: Option<Vec<u8>>,
    /// What its vendor says of files for other platforms.
    pub vendor_list: Option<super::vendor::VendorList>,
    /// Links in the archive. npm does not unpack them.
    pub ignored_links: Vec<Link>,
}

/// A package inside the archive of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// Its folder, relative to the package that brings it: `node_modules/name`.
    pub folder: String,
    /// What its `package.json` says.
    pub facts: PackageFacts,
    /// Its folder without `node_modules`.
    pub tree: Tree,
}

/// The files whose content [`lay`] needs: what `archive::contents` is to keep.
#[must_use]
pub fn keep(name: &str, size: u64) -> bool {
    let Some((_, path)) = name.split_once('/') else { return false };
    match path {
        "npm-shrinkwrap.json" => true,
        "manifest.json" => size <= MAX_VENDOR_LIST,
        _ => path.strip_suffix("package.json").is_some_and(|folder| folder.is_empty() || is_bundled_folder(folder)),
    }
}

/// Whether this is `node_modules/NAME/`, any number of times.
fn is_bundled_folder(folder: &str) -> bool {
    let mut rest = folder;
    while let Some(path) = rest.strip_prefix(NODE_MODULES).and_then(|path| path.strip_prefix('/')) {
        let Some(length) = name_length(path) else { return false };
        rest = &path[length..];
    }
    rest.is_empty() && !folder.is_empty()
}

/// How long the `NAME/` or `@SCOPE/NAME/` is that a path begins with.
fn name_length(path: &str) -> Option<usize> {
    let first = path.find('/')? + 1;
    if path.starts_with('@') { path[first..].find('/').map(|second| first + second + 1) } else { Some(first) }
}

/// What an installation of this package looks like. `contents` are those of its archive, read with [`keep`].
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(contents: &Contents) -> Result<NpmPackage, LayoutRefusal> {
    let top = contents.files.first().and_then(|file| file.name.split_once('/')).map(|(top, _)| top);
    let top = format!("{}/", top.ok_or(LayoutRefusal::Missing("package.json"))?);
    let mut files = Vec::with_capacity(contents.files.len());
    for file in &contents.files {
        let path = file.name.strip_prefix(&top).ok_or_else(|| LayoutRefusal::Outside(file.name.clone()))?;
        files.push(Packed { path, file });
    }
    let mut packages = folders_of_packages(&files)?;
    let own = packages.remove("").ok_or(LayoutRefusal::Missing("package.json"))?;
    let kept = |path: &str| contents.kept.get(&format!("{top}{path}"));
    let json = kept("package.json").ok_or(LayoutRefusal::Missing("package.json"))?;
    let mut facts = PackageFacts::parse("package.json", json)?;
    facts.look_for_gyp(own.iter().any(|packed| packed.path == "binding.gyp"));
    facts.add_folder_of_commands(json, own.iter().map(|packed| packed.path));
    let (tree, as_packed) = (tree(&own, "", &facts)?, packed_tree(&own, "", &facts)?);
    let programs =
        own.iter().filter(|packed| is_program(packed.file) || is_large_command(packed, &facts)).map(Packed::program).collect();
    let mut bundled = Vec::new();
    for (folder, files) in packages {
        bundled.push(bundle(folder, &files, kept(&format!("{folder}package.json")))?);
    }
    let vendor_list = kept("manifest.json").and_then(|list| super::vendor::list(list)).or_else(|| super::vendor::list(json));
    Ok(NpmPackage {
        as_packed: (as_packed.digest != tree.digest).then_some(as_packed),
        facts,
        tree,
        programs,
        bundled,
        shrinkwrap: kept("npm-shrinkwrap.json").cloned(),
        vendor_list,
        ignored_links: contents.links.clone(),
    })
}

fn bundle(folder: &str, files: &[Packed<'_>], json: Option<&Vec<u8>>) -> Result<Bundled, LayoutRefusal> {
    let name = format!("{folder}package.json");
    // A folder without a description is no package, and Node loads what lies in it all the same.
    let json = json.ok_or_else(|| LayoutRefusal::Outside(files.first().map_or(name.clone(), |f| f.path.to_owned())))?;
    let mut facts = PackageFacts::parse(&name, json)?;
    let paths = || files.iter().filter_map(|packed| packed.path.strip_prefix(folder));
    facts.look_for_gyp(paths().any(|path| path == "binding.gyp"));
    facts.add_folder_of_commands(json, paths());
    let tree = tree(files, folder, &facts)?;
    Ok(Bundled { folder: folder.trim_end_matches('/').to_owned(), facts, tree })
}

/// A file with its path in the folder of the package.
#[derive(Clone, Copy)]
struct Packed<'a> {
    path: &'a str,
    file: &'a Unpacked,
}

impl Packed<'_> {
    fn program(&self) -> Program {
        Program { path: self.path.to_owned(), sha256: self.file.sha256, size: self.file.size }
    }
}

fn is_large_command(packed: &Packed<'_>, facts: &PackageFacts) -> bool {
    packed.file.size > PROGRAM_SIZE && facts.bin.values().any(|path| path == packed.path)
}

/// The files by the folder of the package they belong to, which is empty for the package itself and else ends with `/`.
fn folders_of_packages<'a>(files: &[Packed<'a>]) -> Result<BTreeMap<&'a str, Vec<Packed<'a>>>, LayoutRefusal> {
    let mut packages: BTreeMap<&str, Vec<Packed<'a>>> = BTreeMap::new();
    for packed in files {
        let mut end = 0;
        while let Some(below) = packed.path[end..].strip_prefix(NODE_MODULES).and_then(|path| path.strip_prefix('/')) {
            // npm keeps notes and links to commands there.
            let is_note = below.starts_with('.');
            match name_length(below) {
                Some(length) if !is_note => end += NODE_MODULES.len() + 1 + length,
                _ if is_note => break,
                _ => return Err(LayoutRefusal::Outside(packed.path.to_owned())),
            }
        }
        if !packed.path[end..].starts_with("node_modules/") {
            packages.entry(&packed.path[..end]).or_default().push(*packed);
        }
    }
    Ok(packages)
}

/// What npm leaves of the files of a package in `folder`.
fn tree(files: &[Packed<'_>], folder: &str, facts: &PackageFacts) -> Result<Tree, LayoutRefusal> {
    let commands: BTreeSet<&str> = facts.bin.values().map(String::as_str).collect();
    let names: BTreeSet<&str> = files.iter().map(|packed| packed.path).collect();
    let (mut tree, mut executables) = (Vec::with_capacity(files.len()), Vec::new());
    for packed in files {
        let mut name = packed.path.to_owned();
        if let Some(above) = packed.path.strip_suffix(".gitignore").filter(|above| above.is_empty() || above.ends_with('/')) {
            name = format!("{above}.npmignore");
            if names.contains(name.as_str()) {
                continue;
            }
        }
        let name = name[folder.len()..].to_owned();
        let rewritten = packed.file.as_unix_script.filter(|_| commands.contains(name.as_str()));
        // npm makes commands executable.
        if packed.file.executable || commands.contains(name.as_str()) {
            executables.push(name.clone());
        }
        tree.push(TreeFile { sha256: rewritten.unwrap_or(packed.file.sha256), name });
    }
    Ok(Tree::of(tree, Vec::new())?.with_executables(executables))
}

fn packed_tree(files: &[Packed<'_>], folder: &str, facts: &PackageFacts) -> Result<Tree, LayoutRefusal> {
    let file = |packed: &Packed<'_>| TreeFile { name: packed.path[folder.len()..].to_owned(), sha256: packed.file.sha256 };
    // Whoever unpacks the files as they are links the same commands.
    let commands: BTreeSet<&str> = facts.bin.values().map(String::as_str).collect();
    let runs = |packed: &&Packed<'_>| packed.file.executable || commands.contains(&packed.path[folder.len()..]);
    let executables = files.iter().filter(runs).map(|packed| packed.path[folder.len()..].to_owned());
    Ok(Tree::of(files.iter().map(file).collect(), Vec::new())?.with_executables(executables))
}

#[cfg(test)]
mod tests;
