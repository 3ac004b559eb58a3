//! Two states of the files side by side: the index and a tree, or two trees.
//!
//! Both are walked in git's order at once, so that what is equal is stepped over and nothing is held in memory but the
//! differences. A folder whose tree the index has recorded is skipped whole when the other side has the same tree.

use super::super::index::{CacheTree, Entries, IndexError, RawEntry};
use super::{BlobId, Change, ChangeKind, Entry, GitError, MAX_DEPTH, MAX_VISITED, Mode, Repository, path_of, said};
use gix::bstr::ByteSlice as _;
use gix::objs::tree::name_order;
use gix::{ObjectId, objs};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

/// Why a walk over the index ended.
pub(super) enum WalkError {
    /// The repository cannot be read.
    Git(GitError),
    /// The index cannot be read in this way.
    Index(IndexError),
}

impl From<GitError> for WalkError {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl From<IndexError> for WalkError {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

/// One file or folder of a tree.
struct Item {
    name: Vec<u8>,
    mode: u32,
    id: ObjectId,
}

impl Item {
    fn is_tree(&self) -> bool {
        is_tree(self.mode)
    }
}

/// A walk over two states at once that lists where they differ.
pub(super) struct Comparison<'a> {
    repository: &'a Repository,
    /// Which paths to list.
    wanted: &'a dyn Fn(&Path) -> bool,
    pub(super) changes: Vec<Change>,
    visited: usize,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(repository: &'a Repository, wanted: &'a dyn Fn(&Path) -> bool) -> Self {
        Self { repository, wanted, changes: Vec::new(), visited: 0 }
    }

    /// Every file of a tree.
    pub(super) fn of_tree(
        repository: &'a Repository,
        wanted: &'a dyn Fn(&Path) -> bool,
        prefix: &[u8],
        tree: Option<ObjectId>,
    ) -> Result<impl Iterator<Item = Entry> + use<>, GitError> {
        let mut comparison = Self::new(repository, wanted);
        comparison.trees(&mut prefix.to_vec(), None, tree, 0)?;
        let entry = |change: Change| change.after.map(|(id, mode)| Entry { path: change.path, id, mode });
        Ok(comparison.changes.into_iter().filter_map(entry))
    }

    /// Compare the entries of the index below `prefix` (empty, or ending in `/`) with a tree.
    pub(super) fn index_below(
        &mut self,
        prefix: &mut Vec<u8>,
        tree: Option<ObjectId>,
        (cache, node): (&CacheTree, Option<usize>),
        entries: &mut dyn Entries,
        depth: usize,
    ) -> Result<(), WalkError> {
        let items = self.items(tree, depth)?;
        let mut items = items.iter().peekable();
        let cached: HashMap<&[u8], usize> = node.map(|node| cache.children(node).collect()).unwrap_or_default();
        loop {
            let next = match entries.current()? {
                Some(entry) if entry.path.starts_with(prefix) => {
                    let rest = &entry.path[prefix.len()..];
                    let slash = rest.find_byte(b'/');
                    Some((rest[..slash.unwrap_or(rest.len())].to_vec(), slash.is_some()))
                }
                _ => None,
            };
            let order = match (items.peek(), &next) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(item), Some((name, is_folder))) => name_order(&item.name, item.is_tree(), name, *is_folder),
            };
            // What both have, or only the tree has, is taken from the tree now.
            let item = if order == Ordering::Greater { None } else { items.next() };
            let Some((name, is_folder)) = next.filter(|_| order != Ordering::Less) else {
                if let Some(item) = item {
                    self.removed(prefix, item, depth)?;
                }
                continue;
            };
            let length = prefix.len();
            prefix.extend_from_slice(&name);
            if is_folder {
                prefix.push(b'/');
                let below = cached.get(&name[..]).copied();
                self.folder(prefix, item.map(|item| item.id), (cache, below), entries, depth)?;
            } else {
                self.file(prefix, item, entries)?;
            }
            prefix.truncate(length);
        }
    }

    /// A folder of the index, at its first entry.
    fn folder(
        &mut self,
        prefix: &mut Vec<u8>,
        tree: Option<ObjectId>,
        (cache, node): (&CacheTree, Option<usize>),
        entries: &mut dyn Entries,
        depth: usize,
    ) -> Result<(), WalkError> {
        let recorded = node.and_then(|node| cache.valid(node));
        if let Some((count, id)) = recorded
            && count > 0
            && tree.is_some_and(|tree| tree.as_slice() == id)
        {
            // The count is believed only as far as the names agree: both ends of what is skipped are looked at.
            let is_inside = |entry: Option<RawEntry<'_>>| entry.is_some_and(|e| e.path.starts_with(prefix));
            entries.advance(count - 1)?;
            let ends_inside = is_inside(entries.current()?);
            entries.advance(1)?;
            if !ends_inside || is_inside(entries.current()?) {
                return Err(IndexError::Damaged("its cache-tree miscounts a folder").into());
            }
            return Ok(());
        }
        // A sparse index holds a whole folder as one entry, whose path ends with the slash.
        let sparse = match entries.current()? {
            Some(entry) if is_tree(entry.mode) && entry.path == &prefix[..] => Some(id_of(entry.id)?),
            _ => None,
        };
        if let Some(sparse) = sparse {
            entries.advance(1)?;
            self.trees(prefix, tree, Some(sparse), depth + 1)?;
            return Ok(());
        }
        self.index_below(prefix, tree, (cache, node), entries, depth + 1)
    }

    /// A file of the index, at its first stage.
    fn file(&mut self, path: &[u8], item: Option<&Item>, entries: &mut dyn Entries) -> Result<(), WalkError> {
        let mut is_there = false;
        while let Some(entry) = entries.current()? {
            if entry.path != path {
                break;
            }
            let (id, mode, stage, is_promise) = (id_of(entry.id)?, entry.mode, entry.stage, entry.intent_to_add);
            entries.advance(1)?;
            if is_promise {
                continue;
            }
            is_there = true;
            if stage > 0 {
                self.push(path, ChangeKind::Unmerged, Some((id, mode)))?;
            } else {
                self.compare(path, item, Some((id, mode)))?;
            }
        }
        if !is_there && let Some(item) = item {
            self.push(path, ChangeKind::Deleted, None)?;
            debug_assert!(!item.is_tree(), "a file is paired with a file");
        }
        Ok(())
    }

    /// Compare two trees.
    pub(super) fn trees(
        &mut self,
        prefix: &mut Vec<u8>,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
        depth: usize,
    ) -> Result<(), GitError> {
        if before == after {
            return Ok(());
        }
        let (before, after) = (self.items(before, depth)?, self.items(after, depth)?);
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => name_order(&a.name, a.is_tree(), &b.name, b.is_tree()),
            };
            let old = if order == Ordering::Greater { None } else { before.next() };
            let new = if order == Ordering::Less { None } else { after.next() };
            let Some(either) = new.or(old) else { return Ok(()) };
            let length = prefix.len();
            prefix.extend_from_slice(&either.name);
            if either.is_tree() {
                prefix.push(b'/');
                self.trees(prefix, old.map(|i| i.id), new.map(|i| i.id), depth + 1)?;
            } else {
                self.compare(prefix, old, new.map(|i| (i.id, i.mode)))?;
            }
            prefix.truncate(length);
        }
    }

    /// Something the tree has and the index has not.
    fn removed(&mut self, prefix: &mut Vec<u8>, item: &Item, depth: usize) -> Result<(), GitError> {
        let length = prefix.len();
        prefix.extend_from_slice(&item.name);
        if item.is_tree() {
            prefix.push(b'/');
            self.trees(prefix, Some(item.id), None, depth + 1)?;
        } else {
            self.push(prefix, ChangeKind::Deleted, None)?;
        }
        prefix.truncate(length);
        Ok(())
    }

    fn compare(&mut self, path: &[u8], before: Option<&Item>, after: Option<(ObjectId, u32)>) -> Result<(), GitError> {
        let kind = match (before, after) {
            (None, _) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(before), Some((id, mode))) => {
                let (old, new) = (Mode::of(before.mode), Mode::of(mode));
                if before.id == id && old == new {
                    return Ok(());
                }
                if old.is_same_kind(new) { ChangeKind::Modified } else { ChangeKind::TypeChanged }
            }
        };
        self.push(path, kind, after)
    }

    fn push(&mut self, path: &[u8], kind: ChangeKind, after: Option<(ObjectId, u32)>) -> Result<(), GitError> {
        let path = path_of(path)?;
        if (self.wanted)(&path) {
            let after = after.map(|(id, mode)| (BlobId(id), Mode::of(mode)));
            self.changes.push(Change { path, kind, after });
        }
        Ok(())
    }

    /// The items of a tree in git's order; none for no tree.
    fn items(&mut self, tree: Option<ObjectId>, depth: usize) -> Result<Vec<Item>, GitError> {
        let Some(id) = tree else { return Ok(Vec::new()) };
        if depth > MAX_DEPTH {
            return Err(GitError::TooMuch(format!("folders more than {MAX_DEPTH} deep")));
        }
        let wrong = |e: &gix::Error| GitError::Object { id: id.to_string(), why: said(e) };
        let tree = self.repository.object(id, objs::Kind::Tree)?;
        let decoded = objs::TreeRef::from_bytes(&tree, id.kind()).map_err(|e| wrong(&e))?;
        self.visited += 1 + decoded.entries.len();
        if self.visited > MAX_VISITED {
            return Err(GitError::TooMuch(format!("more than {MAX_VISITED} files and folders in one comparison")));
        }
        let mut items: Vec<Item> = decoded
            .entries
            .iter()
            .map(|e| Item { name: e.filename.to_vec(), mode: u32::from(e.mode.value()), id: e.oid.to_owned() })
            .collect();
        // Git writes trees sorted; one that is not must not make a file pass for another.
        items.sort_by(|a, b| name_order(&a.name, a.is_tree(), &b.name, b.is_tree()));
        Ok(items)
    }
}

/// The id that an entry of an index holds.
pub(super) fn id_of(bytes: &[u8]) -> Result<ObjectId, IndexError> {
    ObjectId::try_from(bytes).map_err(|_| IndexError::Damaged("an object id has another length"))
}

pub(super) fn is_tree(mode: u32) -> bool {
    mode & 0o170_000 == 0o040_000
}
