//! Loose objects: one file each, as `git add` has just written them (git's `gitformat-loose`).
//!
//! What is staged lies here until git packs it, and a commit may have a thousand of them. To look at the size of an object before its
//! bytes, gix opens and maps the file twice; here it is read once, and unpacked no further than the size that it states and that is
//! allowed. This answers only where a file is what git writes. Everything else is read by gix, which has the last word and the words
//! for what is wrong.

use crate::world::files::Files;
use flate2::{Decompress, FlushDecompress, Status};
use gix::ObjectId;
use std::fmt;
use std::path::PathBuf;

/// The longest head of an object: its kind, a space, its size, a zero.
const HEAD: usize = 32;
/// What zlib adds to bytes that it cannot make smaller: five in each 16 KB, and a few once (zlib's `deflateBound`). Twice as much is read.
const OVERHEAD: u64 = 1024;

/// A reader of loose objects, with what it uses again.
pub(super) struct Loose {
    folder: PathBuf,
    inflate: Decompress,
}

impl Loose {
    /// For the objects in this folder.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self { folder, inflate: Decompress::new(true) }
    }

    /// The bytes of a file of at most `limit` bytes.
    pub(super) fn blob(&mut self, id: ObjectId, limit: u64) -> Option<Vec<u8>> {
        let id = id.to_hex().to_string();
        let (folder, name) = id.split_at_checked(2)?;
        let packed = Files.read(&self.folder.join(folder).join(name), limit.saturating_add(limit / 1024 + OVERHEAD)).ok()?;
        self.unpack(&packed, limit)
    }

    fn unpack(&mut self, packed: &[u8], limit: u64) -> Option<Vec<u8>> {
        self.inflate.reset(true);
        let mut head = [0; HEAD];
        self.inflate.decompress(packed, &mut head, FlushDecompress::None).ok()?;
        let head = &head[..usize::try_from(self.inflate.total_out()).ok()?];
        let (head, first) = head.split_at_checked(memchr::memchr(0, head)? + 1)?;
        let digits = head.strip_prefix(b"blob ")?.strip_suffix(b"\0")?;
        let size: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let length = usize::try_from(size).ok().filter(|_| size <= limit)?;
        // One byte more than there may be: a stream that has more to say fills it, and one that has ended says so.
        let mut bytes = Vec::with_capacity(length.max(first.len()) + 1);
        bytes.extend_from_slice(first);
        let rest = packed.get(usize::try_from(self.inflate.total_in()).ok()?..)?;
        let status = self.inflate.decompress_vec(rest, &mut bytes, FlushDecompress::Finish).ok()?;
        let is_whole = status == Status::StreamEnd && self.inflate.total_in() == packed.len() as u64;
        (is_whole && bytes.len() == length).then_some(bytes)
    }
}

impl fmt::Debug for Loose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loose").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: &[u8], limit: u64) -> Option<Vec<u8>> {
        Loose::of(PathBuf::new()).unpack(packed, limit)
    }

    #[test]
    fn whole_files_are_read_and_nothing_else() {
        for length in [0, 1, 20, 24, 25, 26, 31, 32, 33, 5_000, 200_000] {
            let bytes: Vec<u8> = (0..length).map(|i: u32| (i.wrapping_mul(i) >> 3).to_le_bytes()[0]).collect();
            let object = packed(&[format!("blob {length}\0").as_bytes(), &bytes].concat());
            assert_eq!(unpacked(&object, u64::from(length)).as_ref(), Some(&bytes), "{length}");
            assert_eq!(unpacked(&object, u64::from(length) + 9).as_ref(), Some(&bytes), "{length}");
            if length > 0 {
                assert_eq!(unpacked(&object, u64::from(length) - 1), None, "{length}");
            }
            // Cut off, spoiled at its end, and with something behind it.
            assert_eq!(unpacked(&object[..object.len() - 1], 1 << 20), None);
            let mut spoiled = object.clone();
            *spoiled.last_mut().unwrap() ^= 1;
            assert_eq!(unpacked(&spoiled, 1 << 20), None);
            assert_eq!(unpacked(&[&object[..], b"x"].concat(), 1 << 20), None);
        }
        for wrong in
            ["blob 3\0ab", "blob 1\0ab", "tree 2\0ab", "blob \0", "blob -1\0", "blob 2", "", "blob 99999999999999999999\0a"]
        {
            assert_eq!(unpacked(&packed(wrong.as_bytes()), 1 << 20), None, "{wrong}");
        }
        assert_eq!(unpacked(b"", 9), None);
    }

    #[test]
    fn a_size_that_lies_takes_no_more_than_it_states() {
        let object = packed(&[&b"blob 10\0"[..], &vec![0; 1 << 20]].concat());
        assert_eq!(unpacked(&object, 100), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>()) {
            let _ = unpacked(&bytes, 1_000);
            let mut object = packed(b"blob 40\x000123456789012345678901234567890123456789");
            let at = at.index(object.len());
            object[at] ^= bytes.first().copied().unwrap_or(1);
            let _ = unpacked(&object, 1_000);
        }
    }
}
