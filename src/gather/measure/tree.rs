//! Trees: which files and links belong to one, found without following a link and without leaving a budget.

use super::{Job, MAX_DEPTH, MAX_TREE, Measurer, Tree, not_sparse, unmeasured};
use crate::digest::{TreeFile, TreeRefusal, dir_hash};
use crate::evidence::Unmeasured;
use crate::layout::globs;
use crate::manifest::file_list::{FileList, TreeLink};
use crate::text::printable_os;
use crate::world::files::{EntryKind, FileStat, Files, MAX_ENTRIES};
use globset::GlobSet;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Walk, digest, hash.
pub(super) fn measure(measurer: &Measurer, root: &Path, include: &[String], exclude: &[String]) -> Result<Tree, Unmeasured> {
    let members = walk(measurer.files, root, &Patterns::compile(include, exclude)?)?;
    let digests = measurer.digest_jobs(&members.jobs());
    hash(members, digests)
}

/// The files and links below a folder that match, not yet digested.
pub(super) fn walk(files: Files, root: &Path, patterns: &Patterns) -> Result<Members, Unmeasured> {
    Walk::new(files, root, patterns, Budget::OF_A_TREE).run()
}

/// The tree of these members. `digests` are the answers to their jobs, in the same order.
pub(super) fn hash(
    members: Members,
    digests: impl IntoIterator<Item = Result<[u8; 32], Unmeasured>>,
) -> Result<Tree, Unmeasured> {
    let mut files = Vec::with_capacity(members.files.len());
    let mut executables = BTreeSet::new();
    for (file, sha256) in members.files.into_iter().zip(digests) {
        if file.stat.mode & 0o111 != 0 {
            executables.insert(file.name.clone());
        }
        files.push(TreeFile { name: file.name, sha256: sha256? });
    }
    let digest = dir_hash(&mut files)?;
    if !members.links.is_empty() {
        // The directory hash has no links, but their names have to stand beside those of the files: refuse the same ones.
        let mut all = files.clone();
        all.extend(members.links.iter().map(|link| TreeFile { name: link.name.clone(), sha256: [0; 32] }));
        dir_hash(&mut all)?;
    }
    Ok(Tree { digest, list: FileList { files, links: members.links, executables } })
}

/// Which paths belong to a tree. All are relative to its root, with `/` between the parts.
pub(super) struct Patterns {
    /// `None` is everything.
    include: Option<Includes>,
    exclude: GlobSet,
    /// Folders below which everything is excluded: `X` for a pattern `X/**`.
    pruned: GlobSet,
}

struct Includes {
    members: GlobSet,
    /// Folders below which a member may lie.
    ancestors: GlobSet,
}

impl Patterns {
    pub(super) fn compile(include: &[String], exclude: &[String]) -> Result<Self, Unmeasured> {
        let pruned: Vec<&str> = exclude.iter().filter_map(|pattern| pattern.strip_suffix("/**")).collect();
        let ancestors: Vec<String> = include.iter().flat_map(|pattern| ancestors(pattern)).collect();
        Ok(Self {
            include: if include.is_empty() {
                None
            } else {
                Some(Includes { members: glob_set(include)?, ancestors: glob_set(&ancestors)? })
            },
            exclude: glob_set(exclude)?,
            pruned: glob_set(&pruned)?,
        })
    }

    fn is_excluded(&self, path: &OsStr) -> bool {
        self.exclude.is_match(path) || self.pruned.is_match(path)
    }

    pub(super) fn has_file(&self, path: &OsStr) -> bool {
        !self.exclude.is_match(path) && self.include.as_ref().is_none_or(|include| include.members.is_match(path))
    }

    fn has_folder(&self, path: &OsStr) -> bool {
        !self.pruned.is_match(path) && self.include.as_ref().is_none_or(|include| include.ancestors.is_match(path))
    }

    /// A link belongs to the tree also where a folder in its place would be walked: what runs may read members through it.
    fn has_link(&self, path: &OsStr) -> bool {
        let included = |include: &Includes| include.members.is_match(path) || include.ancestors.is_match(path);
        !self.is_excluded(path) && self.include.as_ref().is_none_or(included)
    }
}

fn glob_set<S: AsRef<str>>(patterns: &[S]) -> Result<GlobSet, Unmeasured> {
    globs::glob_set(patterns).map_err(|error| Unmeasured::Pattern { pattern: error.pattern, why: error.why })
}

/// Patterns of the folders below which a match of `pattern` may lie: its own beginnings, up to a part that may match several
/// parts of a path.
fn ancestors(pattern: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut parts = pattern.split('/').peekable();
    while let Some(part) = parts.next() {
        // A `/` may stand within braces, brackets and after a backslash, where splitting takes the pattern apart wrongly.
        if part.contains("**") || part.contains(['{', '[', '\\']) {
            found.push(found.last().map_or_else(|| "**".to_owned(), |above| format!("{above}/**")));
            break;
        }
        if parts.peek().is_some() {
            found.push(found.last().map_or_else(|| part.to_owned(), |above| format!("{above}/{part}")));
        }
    }
    found
}

/// A file that belongs to a tree.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) stat: FileStat,
}

/// What belongs to a tree, each sorted by name.
#[derive(Default)]
pub(super) struct Members {
    pub(super) files: Vec<Member>,
    pub(super) links: Vec<TreeLink>,
}

impl Members {
    /// What has to be digested, in the order of the files.
    pub(super) fn jobs(&self) -> Vec<Job<'_>> {
        self.files.iter().map(|file| Job::new(&file.path, file.stat)).collect()
    }
}

/// How much of a tree is looked at.
#[derive(Clone, Copy)]
struct Budget {
    entries: usize,
    depth: usize,
    bytes: u64,
}

impl Budget {
    const OF_A_TREE: Self = Self { entries: MAX_ENTRIES, depth: MAX_DEPTH, bytes: MAX_TREE };
}

struct Walk<'a> {
    files: Files,
    patterns: &'a Patterns,
    budget: Budget,
    /// Folders that are still to be listed: where, its name, its depth.
    folders: Vec<(PathBuf, OsString, usize)>,
    entries: usize,
    size: u64,
    allocated: u64,
    members: Members,
}

impl<'a> Walk<'a> {
    fn new(files: Files, root: &Path, patterns: &'a Patterns, budget: Budget) -> Self {
        let folders = vec![(root.to_owned(), OsString::new(), 0)];
        Self { files, patterns, budget, folders, entries: 0, size: 0, allocated: 0, members: Members::default() }
    }

    fn run(mut self) -> Result<Members, Unmeasured> {
        while let Some((folder, name, depth)) = self.folders.pop() {
            let entries = self.files.list(&folder).map_err(unmeasured)?;
            self.entries += entries.len();
            if self.entries > self.budget.entries {
                return Err(Unmeasured::TooMany(self.budget.entries));
            }
            for entry in entries {
                let mut name = name.clone();
                if !name.is_empty() {
                    name.push("/");
                }
                name.push(&entry.name);
                self.entry(folder.join(&entry.name), name, entry.kind, depth)?;
            }
        }
        not_sparse(self.size, self.allocated)?;
        self.members.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.members.links.sort();
        Ok(self.members)
    }

    fn entry(&mut self, path: PathBuf, name: OsString, kind: EntryKind, depth: usize) -> Result<(), Unmeasured> {
        match kind {
            EntryKind::Folder if self.patterns.has_folder(&name) => {
                if depth == self.budget.depth {
                    return Err(Unmeasured::TooDeep(self.budget.depth));
                }
                self.folders.push((path, name, depth + 1));
                Ok(())
            }
            EntryKind::File if self.patterns.has_file(&name) => self.file(path, text(&name)?),
            EntryKind::Link if self.patterns.has_link(&name) => {
                let target = self.files.read_link(&path).map_err(unmeasured)?;
                let link = TreeLink { name: text(&name)?, target: text(target.as_os_str())? };
                self.members.links.push(link);
                Ok(())
            }
            EntryKind::Other(kind) if self.patterns.has_link(&name) => {
                Err(Unmeasured::Special { path: printable_os(&name), kind })
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, path: PathBuf, name: String) -> Result<(), Unmeasured> {
        let stat = self.files.lstat(&path).map_err(unmeasured)?;
        if stat.kind != EntryKind::File {
            return Err(Unmeasured::Changed);
        }
        if stat.mode & 0o6000 != 0 {
            return Err(Unmeasured::Setuid(name));
        }
        self.size = self.size.saturating_add(stat.size);
        self.allocated = self.allocated.saturating_add(stat.allocated);
        if self.size > self.budget.bytes {
            return Err(Unmeasured::TooManyBytes(self.budget.bytes));
        }
        self.members.files.push(Member { name, path, stat });
        Ok(())
    }
}

/// A name, or target of a link, as the list can carry it.
fn text(name: &OsStr) -> Result<String, Unmeasured> {
    name.to_str().map(ToOwned::to_owned).ok_or_else(|| Unmeasured::Tree(TreeRefusal::Name(printable_os(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&s| s.to_owned()).collect()
    }

    #[test]
    fn folders_are_walked_only_where_a_member_may_lie() {
        for (pattern, expected) in [
            ("a", &[][..]),
            ("a/b/c.js", &["a", "a/b"]),
            ("*/x", &["*"]),
            ("a/**", &["a", "a/**"]),
            ("a/**/b/c", &["a", "a/**"]),
            ("**/b", &["**"]),
            ("**", &["**"]),
            ("a/{b,c/d}/e", &["a", "a/**"]),
            ("{a,b/c}/d", &["**"]),
            ("a/[[]id]/c", &["a", "a/**"]),
            ("a\\/b", &["**"]),
        ] {
            assert_eq!(ancestors(pattern), expected, "{pattern}");
        }
        let patterns =
            Patterns::compile(&strings(&["sdk/**", "sdk-1.dist-info/METADATA"]), &strings(&["**/__pycache__/**"])).unwrap();
        for (folder, walked) in
            [("sdk", true), ("sdk/a/b", true), ("sdk-1.dist-info", true), ("other", false), ("sdk/__pycache__", false)]
        {
            assert_eq!(patterns.has_folder(OsStr::new(folder)), walked, "{folder}");
        }
    }

    #[test]
    fn a_tree_over_its_budget_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a", "b/c", "b/d/e"] {
            let path = folder.path().join(file);
            Files.create_folder(path.parent().unwrap()).unwrap();
            Files.write_atomic(&path, b"12345", 0o644).unwrap();
        }
        let patterns = Patterns::compile(&[], &[]).unwrap();
        let walk =
            |budget| Walk::new(Files, folder.path(), &patterns, budget).run().map(|members| members.files.len()).unwrap_err();
        let enough = Budget { entries: 5, depth: 2, bytes: 15 };
        assert_eq!(Walk::new(Files, folder.path(), &patterns, enough).run().map(|m| m.files.len()), Ok(3));
        assert_eq!(walk(Budget { entries: 4, ..enough }), Unmeasured::TooMany(4));
        assert_eq!(walk(Budget { depth: 1, ..enough }), Unmeasured::TooDeep(1));
        assert_eq!(walk(Budget { bytes: 14, ..enough }), Unmeasured::TooManyBytes(14));
    }
}
