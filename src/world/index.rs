//! Git's index, read without decoding what does not matter.
//!
//! A hook runs at every commit, and an index can list a hundred thousand files of which one changed. An entry says its own
//! length, so entries are stepped over; the cache-tree extension says which folders are as the last tree had them, so those
//! are skipped whole (git's `Documentation/gitformat-index.txt`). What this reader does not know (version 4, a split or sparse
//! index, extensions that must be understood) it refuses, and [`super::git`] decodes the index with gix instead.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use thiserror::Error;

/// Bytes of an object id (SHA-1; other repositories are refused before an index is read).
pub(super) const ID: usize = 20;
/// Bytes before the path in an entry without extended flags.
const FIXED: u64 = 62;
/// Every how many entries the offset is remembered.
const STRIDE: u32 = 64;
/// How much is read at once.
const WINDOW: u64 = 128 * 1024;
/// Path lengths from here on are not stored in the flags: the path ends with a NUL.
const LONG_PATH: u64 = 0xfff;
/// The longest path an entry may have: more than any system opens.
const MAX_PATH: u64 = 1 << 20;

/// One entry of an index.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawEntry<'a> {
    pub(super) path: &'a [u8],
    /// 20 bytes, or 32 in a repository that names its objects by SHA-256.
    pub(super) id: &'a [u8],
    pub(super) mode: u32,
    /// 0, or 1 to 3 for a path in conflict.
    pub(super) stage: u8,
    /// `git add --intent-to-add`: a promise of a file, nothing to commit.
    pub(super) intent_to_add: bool,
}

/// Why an index cannot be walked.
#[derive(Debug, Error)]
pub(super) enum IndexError {
    /// Another reader has to try.
    #[error("{0}")]
    NotForSkimming(&'static str),
    /// It contradicts itself.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The entries of an index in their order, with a position.
pub(super) trait Entries {
    /// The entry at the position, none at the end.
    ///
    /// # Errors
    /// [`IndexError`] when it cannot be read.
    fn current(&mut self) -> Result<Option<RawEntry<'_>>, IndexError>;

    /// Step over this many entries.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when there are fewer.
    fn advance(&mut self, count: u32) -> Result<(), IndexError>;
}

/// An index file, opened and stepped through once.
#[derive(Debug)]
pub(super) struct Skim {
    window: Window,
    count: u32,
    /// Offsets of every [`STRIDE`]th entry.
    marks: Vec<u64>,
    position: u32,
    offset: u64,
    /// Length of the current entry, once known.
    length: u64,
    tree: CacheTree,
}

impl Skim {
    /// Step over all entries of an index file of `length` bytes and read its cache-tree.
    ///
    /// # Errors
    /// [`IndexError::NotForSkimming`] for what only a whole decoder understands.
    pub(super) fn open(file: File, length: u64) -> Result<Self, IndexError> {
        let mut window = Window { file, length, start: 0, bytes: Vec::new(), at: u64::MAX };
        let header = window.bytes(0, 12)?;
        if header[..4] != *b"DIRC" {
            return Err(IndexError::Damaged("it does not begin as an index"));
        }
        if !matches!(be32(&header[4..8]), 2 | 3) {
            return Err(IndexError::NotForSkimming("its version is neither 2 nor 3"));
        }
        let count = be32(&header[8..12]);
        let end = length.checked_sub(ID as u64).ok_or(IndexError::Damaged("it is cut off"))?;
        let mut marks = Vec::new();
        let mut offset = 12;
        for index in 0..count {
            if index % STRIDE == 0 {
                marks.push(offset);
            }
            offset += window.entry(offset)?.length;
            if offset > end {
                return Err(IndexError::Damaged("an entry leaves the file"));
            }
        }
        let mut tree = CacheTree::default();
        while offset < end {
            let header = window.bytes(offset, 8)?;
            let signature: [u8; 4] = [header[0], header[1], header[2], header[3]];
            let size = u64::from(be32(&header[4..8]));
            let body = offset + 8;
            offset = body + size;
            if offset > end {
                return Err(IndexError::Damaged("an extension leaves the file"));
            }
            if signature == *b"TREE" {
                let length = usize::try_from(size).map_err(|_| IndexError::Damaged("an extension is too long"))?;
                // A cache-tree that cannot be read costs time, not correctness.
                tree = CacheTree::parse(window.bytes(body, length)?).unwrap_or_default();
            } else if !signature[0].is_ascii_uppercase() {
                return Err(IndexError::NotForSkimming("it has an extension that must be understood"));
            }
        }
        let mut skim = Self { window, count, marks, position: 0, offset: 12, length: 0, tree };
        skim.measure()?;
        Ok(skim)
    }

    /// The cache-tree, taken out: it is walked while the entries are.
    pub(super) fn take_tree(&mut self) -> CacheTree {
        std::mem::take(&mut self.tree)
    }

    fn measure(&mut self) -> Result<(), IndexError> {
        if self.position < self.count {
            self.length = self.window.entry(self.offset)?.length;
        }
        Ok(())
    }
}

impl Entries for Skim {
    fn current(&mut self) -> Result<Option<RawEntry<'_>>, IndexError> {
        if self.position >= self.count {
            return Ok(None);
        }
        let shape = self.window.entry(self.offset)?;
        let entry = self.window.bytes(self.offset, usize::try_from(shape.path.end).unwrap_or(usize::MAX))?;
        let flags = be16(&entry[60..62]);
        let extended = if shape.path.start > FIXED { be16(&entry[62..64]) } else { 0 };
        Ok(Some(RawEntry {
            // The shape was measured on these bytes.
            path: &entry[usize::try_from(shape.path.start).unwrap_or(usize::MAX)..],
            id: &entry[40..60],
            mode: be32(&entry[24..28]),
            stage: u8::try_from((flags >> 12) & 3).unwrap_or(0),
            intent_to_add: extended & 0x2000 != 0,
        }))
    }

    fn advance(&mut self, count: u32) -> Result<(), IndexError> {
        let target = self
            .position
            .checked_add(count)
            .filter(|target| *target <= self.count)
            .ok_or(IndexError::Damaged("its cache-tree counts more entries than it has"))?;
        if target == self.position {
            return Ok(());
        }
        if target == self.count {
            self.position = target;
            return Ok(());
        }
        let mark = target / STRIDE;
        if mark * STRIDE > self.position {
            self.position = mark * STRIDE;
            self.offset = self.marks[mark as usize];
            self.measure()?;
        }
        while self.position < target {
            self.offset += self.length;
            self.position += 1;
            self.measure()?;
        }
        Ok(())
    }
}

/// Where an entry's parts lie, relative to its offset.
struct Shape {
    path: Range<u64>,
    length: u64,
}

/// A part of a file kept in memory: a whole index would cost more in fresh memory than in reading.
#[derive(Debug)]
struct Window {
    file: File,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
    /// Where the file itself stands; nowhere known at first.
    at: u64,
}

impl Window {
    fn bytes(&mut self, offset: u64, count: usize) -> Result<&[u8], IndexError> {
        let end =
            offset.checked_add(count as u64).filter(|end| *end <= self.length).ok_or(IndexError::Damaged("it is cut off"))?;
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            self.fill(offset, end)?;
        }
        let from = usize::try_from(offset - self.start).map_err(|_| IndexError::Damaged("it is too long"))?;
        self.bytes.get(from..from + count).ok_or(IndexError::Damaged("it is cut off"))
    }

    fn fill(&mut self, offset: u64, end: u64) -> Result<(), IndexError> {
        // The end of the last window is the beginning of this one, where an entry lies across the edge: the file is read on.
        let held = self.start + self.bytes.len() as u64;
        let kept = if self.at == held && offset >= self.start { held.saturating_sub(offset) } else { 0 };
        if self.at != offset + kept {
            self.file.seek(SeekFrom::Start(offset))?;
        }
        let wanted = (end - offset).max(WINDOW).min(self.length - offset);
        let too_long = |_| IndexError::Damaged("it is too long");
        let (wanted_bytes, kept) = (usize::try_from(wanted).map_err(too_long)?, usize::try_from(kept).map_err(too_long)?);
        let edge = self.bytes.len() - kept;
        self.bytes.copy_within(edge.., 0);
        self.bytes.resize(wanted_bytes, 0);
        self.file.read_exact(&mut self.bytes[kept..])?;
        self.start = offset;
        self.at = offset + wanted;
        Ok(())
    }

    /// The shape of the entry at an offset: fixed fields, the path, one to eight NULs.
    #[inline]
    fn entry(&mut self, offset: u64) -> Result<Shape, IndexError> {
        // Every entry of the index comes by here, most of them for nothing but this.
        let at = usize::try_from(offset.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        if let Some(&[high, low]) = self.bytes.get(at.saturating_add(60)..at.saturating_add(62))
            && high & 0x40 == 0
        {
            let path = u64::from(u16::from_be_bytes([high & 0x0f, low]));
            if path != LONG_PATH {
                return Ok(Shape { path: FIXED..FIXED + path, length: (FIXED + path + 8) & !7 });
            }
        }
        self.unusual_entry(offset)
    }

    /// An entry at the edge of the window, with extended flags, or with a long path.
    fn unusual_entry(&mut self, offset: u64) -> Result<Shape, IndexError> {
        let flags = be16(self.bytes(offset + 60, 2)?);
        let start = if flags & 0x4000 == 0 { FIXED } else { FIXED + 2 };
        let mut path = u64::from(flags) & LONG_PATH;
        if path == LONG_PATH {
            while self.bytes(offset + start + path, 1)?[0] != 0 {
                path += 1;
                if path > MAX_PATH {
                    return Err(IndexError::Damaged("a path has no end"));
                }
            }
        }
        Ok(Shape { path: start..start + path, length: (start + path + 8) & !7 })
    }
}

/// The trees the index was last written as: a folder whose entry count is known has exactly the recorded tree.
///
/// Kept flat, in the order of the file: the children of a node follow it, each with its own children.
#[derive(Debug, Default)]
pub(super) struct CacheTree {
    nodes: Vec<CacheNode>,
    names: Vec<u8>,
}

#[derive(Debug)]
struct CacheNode {
    name: Range<usize>,
    /// Entries below it and its tree; none where something changed since.
    valid: Option<(u32, [u8; ID])>,
    children: u32,
    /// The node after its last descendant.
    end: usize,
}

impl CacheTree {
    fn parse(data: &[u8]) -> Option<Self> {
        let mut tree = Self { nodes: Vec::new(), names: Vec::new() };
        // Nodes whose children are still to come, with how many. Not the call stack: its depth would be the file's choice.
        let mut open: Vec<(usize, u32)> = Vec::new();
        let mut rest = data;
        loop {
            let (node, after) = tree.parse_node(rest)?;
            rest = after;
            let index = tree.nodes.len();
            open.push((index, node.children));
            tree.nodes.push(node);
            while let Some((parent, left)) = open.last_mut() {
                if *left > 0 {
                    *left -= 1;
                    break;
                }
                let parent = *parent;
                tree.nodes[parent].end = tree.nodes.len();
                open.pop();
            }
            if open.is_empty() {
                return rest.is_empty().then_some(tree);
            }
        }
    }

    fn parse_node<'a>(&mut self, data: &'a [u8]) -> Option<(CacheNode, &'a [u8])> {
        let (name, rest) = split(data, 0)?;
        let (count, rest) = split(rest, b' ')?;
        let (children, mut rest) = split(rest, b'\n')?;
        let count: i64 = std::str::from_utf8(count).ok()?.parse().ok()?;
        let valid = match u32::try_from(count) {
            Ok(count) => {
                let (id, after) = rest.split_at_checked(ID)?;
                rest = after;
                Some((count, id.try_into().ok()?))
            }
            Err(_) => None,
        };
        let start = self.names.len();
        self.names.extend_from_slice(name);
        let children = std::str::from_utf8(children).ok()?.parse().ok()?;
        Some((CacheNode { name: start..self.names.len(), valid, children, end: 0 }, rest))
    }

    /// The node of the whole tree.
    pub(super) fn root(&self) -> Option<usize> {
        (!self.nodes.is_empty()).then_some(0)
    }

    /// How many entries lie below a node, and its tree, where both are known.
    pub(super) fn valid(&self, node: usize) -> Option<(u32, [u8; ID])> {
        self.nodes[node].valid
    }

    /// The folders directly in a node.
    pub(super) fn children(&self, node: usize) -> impl Iterator<Item = (&[u8], usize)> {
        let mut next = node + 1;
        (0..self.nodes[node].children).map_while(move |_| {
            let child = next;
            let node = self.nodes.get(child)?;
            next = node.end;
            Some((&self.names[node.name.clone()], child))
        })
    }
}

fn split(data: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(at, data)?;
    Some((&data[..end], &data[end + 1..]))
}

fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn entry(path: &[u8], mode: u32, flags: u16) -> Vec<u8> {
        let mut bytes = vec![0; 24];
        bytes.extend(mode.to_be_bytes());
        bytes.extend([0; 12]);
        bytes.extend([7; ID]);
        let length = u16::try_from(path.len().min(0xfff)).unwrap();
        bytes.extend((length | flags).to_be_bytes());
        bytes.extend(path);
        bytes.resize((bytes.len() + 8) & !7, 0);
        bytes
    }

    fn index(entries: &[Vec<u8>], extensions: &[u8]) -> Vec<u8> {
        let mut bytes = b"DIRC\0\0\0\x02".to_vec();
        bytes.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        bytes.extend(entries.concat());
        bytes.extend(extensions);
        bytes.extend([0; ID]);
        bytes
    }

    fn skim(bytes: &[u8]) -> Result<Skim, IndexError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Skim::open(file, bytes.len() as u64)
    }

    fn paths(skim: &mut Skim) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        while let Some(entry) = skim.current().unwrap() {
            paths.push(entry.path.to_vec());
            skim.advance(1).unwrap();
        }
        paths
    }

    #[test]
    fn steps_land_where_walking_lands() {
        // Long paths have their length in no field; 5,000 bytes of path need more than one mark and one window.
        let names: Vec<Vec<u8>> = (0..300).map(|i| [format!("{i:04}").into_bytes(), vec![b'x'; i * 17]].concat()).collect();
        let entries: Vec<Vec<u8>> = names.iter().map(|n| entry(n, 0o100_644, 0)).collect();
        let bytes = index(&entries, b"");
        assert_eq!(paths(&mut skim(&bytes).unwrap()), names);
        for steps in [1_u32, 63, 64, 65, 128, 299] {
            let mut skim = skim(&bytes).unwrap();
            skim.advance(steps).unwrap();
            assert_eq!(skim.current().unwrap().unwrap().path, &names[steps as usize][..], "{steps}");
        }
        assert!(matches!(skim(&bytes).unwrap().advance(301), Err(IndexError::Damaged(_))));
    }

    #[test]
    fn what_must_be_understood_is_refused() {
        let one = [entry(b"a", 0o100_644, 0)];
        let extension = |name: &[u8]| [name, &[0, 0, 0, 0]].concat();
        assert!(skim(&index(&one, &extension(b"EOIE"))).is_ok());
        for name in [b"link", b"sdir"] {
            assert!(matches!(skim(&index(&one, &extension(name))), Err(IndexError::NotForSkimming(_))));
        }
        let mut version_4 = index(&one, b"");
        version_4[7] = 4;
        assert!(matches!(skim(&version_4), Err(IndexError::NotForSkimming(_))));
        let cut = index(&one, b"");
        assert!(matches!(skim(&cut[..cut.len() - 60]), Err(IndexError::Damaged(_))));
    }

    #[test]
    fn stages_and_promises_are_seen() {
        let bytes = index(&[entry(b"a", 0o100_644, 0x2000), entry(b"a", 0o100_755, 0x3000)], b"");
        let mut skim = skim(&bytes).unwrap();
        assert_eq!(skim.current().unwrap().unwrap().stage, 2);
        skim.advance(1).unwrap();
        let theirs = skim.current().unwrap().unwrap();
        assert_eq!((theirs.stage, theirs.mode, theirs.intent_to_add), (3, 0o100_755, false));
    }

    #[test]
    fn a_cache_tree_keeps_its_shape() {
        let data =
            [b"\x002 2\n".as_slice(), &[1; ID], b"a\x001 1\n", &[2; ID], b"deep\0-1 0\n", b"b\x001 0\n", &[3; ID]].concat();
        let tree = CacheTree::parse(&data).unwrap();
        let root = tree.root().unwrap();
        assert_eq!(tree.valid(root), Some((2, [1; ID])));
        let children: Vec<_> = tree.children(root).collect();
        assert_eq!(children.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [b"a", b"b"]);
        let below: Vec<_> = tree.children(children[0].1).collect();
        assert_eq!((below[0].0, tree.valid(below[0].1)), (&b"deep"[..], None));
        assert_eq!(tree.valid(children[1].1), Some((1, [3; ID])));
        assert!(CacheTree::parse(&data[..data.len() - 1]).is_none());
    }

    #[test]
    fn depth_is_not_the_call_stack() {
        let data = b"d\0-1 1\n".repeat(200_000);
        assert!(CacheTree::parse(&data).is_none());
        let whole = [&data[..], b"d\0-1 0\n"].concat();
        assert_eq!(CacheTree::parse(&whole).unwrap().nodes.len(), 200_001);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(tail in prop::collection::vec(any::<u8>(), 0..400), count in 0_u32..6) {
            let bytes = [b"DIRC\0\0\0\x02".as_slice(), &count.to_be_bytes(), &tail].concat();
            if let Ok(mut skim) = skim(&bytes) {
                while skim.current().is_ok_and(|e| e.is_some()) {
                    if skim.advance(1).is_err() { break; }
                }
            }
        }
    }
}
