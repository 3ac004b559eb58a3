//! The directory at the end of a zip archive (APPNOTE 4.3.12 to 4.3.16).

use super::fields::{DEFLATED, ENCRYPTED, Extra, FIELD_MAX, Fields, HAS_DESCRIPTOR, PATCH, STORED, UTF8};
use crate::archive::{ArchiveRefusal, Limits, Reason};
use std::io::{Read, Seek, SeekFrom};

const RECORD: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64: [u8; 4] = *b"PK\x06\x06";
const END64_LENGTH: usize = 56;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_LENGTH: usize = 20;
/// The longest comment behind the end, in bytes.
const MAX_COMMENT: usize = u16::MAX as usize;

/// The directory of an archive.
pub(super) struct Directory {
    /// One a name, in the order of the directory.
    pub(super) records: Vec<Record>,
    /// Where it starts, which is where the last entry ends.
    pub(super) start: u64,
}

/// What the directory says of one entry.
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    /// The Unix file type and permissions, `0` where there are none.
    pub(super) mode: u32,
}

impl Record {
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & HAS_DESCRIPTOR != 0
    }

    /// What may stand behind the content: with and without a signature, with short and long numbers (APPNOTE 4.3.9).
    pub(super) fn descriptors(&self) -> [Vec<u8>; 4] {
        let crc = self.crc.to_le_bytes();
        let long = [&crc[..], &self.packed.to_le_bytes(), &self.size.to_le_bytes()].concat();
        let narrow = |number: u64| u32::try_from(number).unwrap_or(FIELD_MAX).to_le_bytes();
        let short = [&crc[..], &narrow(self.packed), &narrow(self.size)].concat();
        let signed = |descriptor: &[u8]| [&super::DESCRIPTOR[..], descriptor].concat();
        [signed(&short), signed(&long), short, long]
    }
}

/// Where the directory is.
struct End {
    entries: u64,
    length: u64,
    start: u64,
    /// Where the first record of the end stands.
    at: u64,
}

impl Directory {
    /// Find and read the directory of an archive of `size` bytes.
    pub(super) fn read(file: &mut (impl Read + Seek), size: u64, limits: &Limits) -> Result<Self, ArchiveRefusal> {
        let end = End::find(file, size)?;
        if end.entries > limits.entries as u64 {
            return Err(Reason::TooMany(limits.entries).into());
        }
        if end.start.checked_add(end.length) != Some(end.at) {
            return Err(end.misplaced(file)?.into());
        }
        file.seek(SeekFrom::Start(end.start))?;
        let mut directory = file.take(end.length);
        let (mut records, mut names) = (Vec::new(), 0);
        for _ in 0..end.entries {
            let record = record(&mut directory, limits)?;
            names += record.name.len();
            if names > limits.names {
                return Err(Reason::TooManyNames(limits.names).into());
            }
            records.push(record);
        }
        if directory.limit() != 0 {
            return Err(Reason::Damaged("its directory has more in it than its end says").into());
        }
        Ok(Self { records, start: end.start })
    }
}

impl End {
    fn find(file: &mut (impl Read + Seek), size: u64) -> Result<Self, ArchiveRefusal> {
        let longest = (END_LENGTH + MAX_COMMENT) as u64;
        let from = size.saturating_sub(longest);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(longest).read_to_end(&mut tail)?;
        // How much stands behind an end, and how much of it is its comment.
        let behind = |at: usize| {
            let end = tail.get(at..at + END_LENGTH).filter(|end| end.starts_with(&END))?;
            Some((tail.len() - at - END_LENGTH, usize::from(u16::from_le_bytes([end[20], end[21]]))))
        };
        let mut ends = (0..tail.len()).filter(|at| behind(*at).is_some_and(|(rest, comment)| rest == comment));
        let found = match (ends.next(), ends.next()) {
            (Some(at), None) => at,
            (Some(_), Some(_)) => return Err(Reason::TwoEnds.into()),
            (None, _) => {
                let has_more = (0..tail.len()).any(|at| behind(at).is_some_and(|(rest, comment)| rest > comment));
                return Err(if has_more { Reason::Trailing } else { Reason::Truncated }.into());
            }
        };
        Self::read(file, &tail[found..found + END_LENGTH], from + found as u64)
    }

    /// Read the end that stands `at`, and the one of zip64 before it, where there is one.
    fn read(file: &mut (impl Read + Seek), end: &[u8], at: u64) -> Result<Self, ArchiveRefusal> {
        let mut fields = Fields::of(end);
        let _signature = fields.u32();
        let (disk, first_disk, here, entries) = (fields.u16(), fields.u16(), fields.u16(), fields.u16());
        let (length, start) = (fields.u32(), fields.u32());
        let narrow = Self { entries: entries.into(), length: length.into(), start: start.into(), at };
        if let Some(wide) = Self::read_wide(file, at)? {
            let same = |narrow: u64, most: u64, wide: u64| narrow == most || narrow == wide;
            let agree = same(narrow.entries, u16::MAX.into(), wide.entries)
                && same(narrow.length, FIELD_MAX.into(), wide.length)
                && same(narrow.start, FIELD_MAX.into(), wide.start);
            return if agree { Ok(wide) } else { Err(Reason::TwoEnds.into()) };
        }
        if disk != 0 || first_disk != 0 || here != entries {
            return Err(Reason::Parts.into());
        }
        Ok(narrow)
    }

    /// The end of zip64, which a locator right before the other end tells of.
    fn read_wide(file: &mut (impl Read + Seek), at: u64) -> Result<Option<Self>, ArchiveRefusal> {
        let Some(locator_at) = at.checked_sub(LOCATOR_LENGTH as u64) else { return Ok(None) };
        file.seek(SeekFrom::Start(locator_at))?;
        let mut locator = [0; LOCATOR_LENGTH];
        file.read_exact(&mut locator)?;
        if !locator.starts_with(&LOCATOR) {
            return Ok(None);
        }
        let mut fields = Fields::of(&locator[4..]);
        let (disk, wide_at, disks) = (fields.u32(), fields.u64(), fields.u32());
        if disk != 0 || disks > 1 {
            return Err(Reason::Parts.into());
        }
        if wide_at.checked_add(END64_LENGTH as u64).is_none_or(|end| end > locator_at) {
            return Err(Reason::Damaged("the end of zip64 does not stand where its locator says").into());
        }
        file.seek(SeekFrom::Start(wide_at))?;
        let mut end = [0; END64_LENGTH];
        file.read_exact(&mut end)?;
        let mut fields = Fields::of(&end);
        let (signature, length) = (fields.bytes(), fields.u64());
        if signature != END64 || wide_at.checked_add(12).and_then(|from| from.checked_add(length)) != Some(locator_at) {
            return Err(Reason::Damaged("the end of zip64 does not stand where its locator says").into());
        }
        let _versions = fields.u32();
        let (disk, first_disk, here, entries) = (fields.u32(), fields.u32(), fields.u64(), fields.u64());
        let (length, start) = (fields.u64(), fields.u64());
        if disk != 0 || first_disk != 0 || here != entries {
            return Err(Reason::Parts.into());
        }
        Ok(Some(Self { entries, length, start, at: wide_at }))
    }

    /// Why the directory does not end where the end begins: something was put before the whole archive, or in between.
    fn misplaced(&self, file: &mut (impl Read + Seek)) -> Result<Reason, ArchiveRefusal> {
        let Some(shifted) = self.at.checked_sub(self.length).filter(|shifted| *shifted > self.start) else {
            return Ok(Reason::Damaged("its directory does not stand where its end says"));
        };
        file.seek(SeekFrom::Start(shifted))?;
        let mut signature = [0; 4];
        file.read_exact(&mut signature)?;
        Ok(if signature == RECORD { Reason::Leading } else { Reason::Hidden })
    }
}

fn record(directory: &mut impl Read, limits: &Limits) -> Result<Record, ArchiveRefusal> {
    let mut bytes = [0; 46];
    directory.read_exact(&mut bytes)?;
    let mut fields = Fields::of(&bytes);
    if fields.bytes() != RECORD {
        return Err(Reason::Damaged("a record of its directory is malformed").into());
    }
    let _versions = fields.u32();
    let (flags, method) = (fields.u16(), fields.u16());
    let _time_and_date = fields.u32();
    let (crc, packed, size) = (fields.u32(), fields.u32(), fields.u32());
    let (name_length, extra_length, comment_length) = (fields.u16(), fields.u16(), fields.u16());
    let disk = fields.u16();
    let _internal = fields.u16();
    let (external, offset) = (fields.u32(), fields.u32());
    if usize::from(name_length) > limits.name {
        return Err(Reason::LongName(limits.name).into());
    }
    let mut name = vec![0; usize::from(name_length)];
    directory.read_exact(&mut name)?;
    let mut behind = vec![0; usize::from(extra_length) + usize::from(comment_length)];
    directory.read_exact(&mut behind)?;
    let shown = String::from_utf8_lossy(&name).into_owned();
    let mut record = Record {
        name,
        flags,
        method,
        crc,
        packed: packed.into(),
        size: size.into(),
        offset: offset.into(),
        mode: external >> 16,
    };
    let extra = check(&record, disk).and_then(|()| Extra::read(&behind[..usize::from(extra_length)], &record.name));
    let wide = extra.and_then(|extra| extra.wide([size, packed, offset])).map_err(|reason| reason.at(&shown))?;
    [record.size, record.packed, record.offset] = wide;
    Ok(record)
}

fn check(record: &Record, disk: u16) -> Result<(), Reason> {
    if record.flags & ENCRYPTED != 0 {
        return Err(Reason::Encrypted);
    }
    if record.flags & PATCH != 0 || !matches!(record.method, STORED | DEFLATED) {
        return Err(Reason::Method(record.method));
    }
    if disk != 0 && disk != u16::MAX {
        return Err(Reason::Parts);
    }
    // Without its flag a name is in code page 437 or whatever the unpacker guesses.
    if record.flags & UTF8 == 0 && !record.name.is_ascii() {
        return Err(Reason::NotUtf8);
    }
    Ok(())
}
