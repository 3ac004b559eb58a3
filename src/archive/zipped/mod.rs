//! Zip archives (PKWARE APPNOTE 6.3.10), of which every byte has to belong to one entry.
//!
//! A zip archive says everything twice: in the directory at its end and in the header beside each content. Some unpackers read the
//! one and some the other, so both have to say the same, and nothing may lie between entries, before or behind them. That is why the
//! directory is read here and not by the crate `zip`, which looks at it alone and lets the last of two equal names win.

mod directory;
mod fields;

use super::content::{FileHead, Reader};
use super::gzip::damaged;
use super::names::plain;
use super::{ArchiveRefusal, Limits, Reason};
use directory::{Directory, Record};
use fields::{Extra, Fields};
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

const LOCAL_HEADER: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// What is read from the file at once.
const BUFFER: usize = 64 * 1024;
/// The longest target of a link, in bytes: what Linux takes for a path.
const MAX_TARGET: u64 = 4096;

/// Read a zip archive of `size` bytes.
pub(super) fn read(file: impl Read + Seek, size: u64, limits: &Limits, content: &mut Reader<'_>) -> Result<(), ArchiveRefusal> {
    let mut file = BufReader::with_capacity(BUFFER, file);
    let mut directory = Directory::read(&mut file, size, limits)?;
    directory.records.sort_by_key(|record| record.offset);
    let unpacked: u64 = directory.records.iter().fold(0, |sum, record| sum.saturating_add(record.size));
    if unpacked > limits.ratio_from && unpacked / limits.ratio > size {
        return Err(Reason::Ratio(limits.ratio).into());
    }
    let mut end = 0;
    let starts: Vec<u64> = directory.records.iter().skip(1).map(|record| record.offset).chain([directory.start]).collect();
    for (record, next) in directory.records.iter().zip(starts) {
        let shown = String::from_utf8_lossy(&record.name);
        check_start(record, end).map_err(|reason| reason.at(&shown))?;
        let found = header(&mut file, record).and_then(|start| Ok((start, data_end(&mut file, record, start, next)?)));
        let (start, behind) = found.map_err(|refusal| at(refusal, &shown))?;
        entry(&mut file, record, start, limits, content).map_err(|refusal| at(refusal, &shown))?;
        end = behind;
    }
    if end == directory.start { Ok(()) } else { Err(Reason::Hidden.into()) }
}

fn at(refusal: ArchiveRefusal, entry: &str) -> ArchiveRefusal {
    if refusal.entry.is_some() { refusal } else { refusal.reason.at(entry) }
}

/// An entry begins where the one before it ends.
fn check_start(record: &Record, end: u64) -> Result<(), Reason> {
    match record.offset {
        offset if offset == end => Ok(()),
        offset if offset < end => Err(Reason::Overlap),
        _ if end == 0 => Err(Reason::Leading),
        _ => Err(Reason::Hidden),
    }
}

/// Hold the header beside the content against the record of the directory. Where the content starts.
fn header(file: &mut (impl Read + Seek), record: &Record) -> Result<u64, ArchiveRefusal> {
    file.seek(SeekFrom::Start(record.offset))?;
    let mut bytes = [0; 30];
    file.read_exact(&mut bytes)?;
    let mut fields = Fields::of(&bytes);
    if fields.bytes() != *LOCAL_HEADER {
        return Err(Reason::Damaged("no header stands where the directory says").into());
    }
    let _version = fields.u16();
    let (flags, method) = (fields.u16(), fields.u16());
    let _time_and_date = fields.u32();
    let (crc, packed, size) = (fields.u32(), fields.u32(), fields.u32());
    let (name_length, extra_length) = (fields.u16(), fields.u16());
    let mut name = vec![0; usize::from(name_length)];
    file.read_exact(&mut name)?;
    let mut extra = vec![0; usize::from(extra_length)];
    file.read_exact(&mut extra)?;
    if name != record.name {
        return Err(Reason::TwoHeaders("name").into());
    }
    if method != record.method {
        return Err(Reason::TwoHeaders("method of compression").into());
    }
    if (flags ^ record.flags) & fields::DECISIVE != 0 {
        return Err(Reason::TwoHeaders("set of flags").into());
    }
    let extra = Extra::read(&extra, &record.name)?;
    let [size, packed] = extra.wide([size, packed])?;
    let same = (crc, packed, size) == (record.crc, record.packed, record.size);
    // Lengths that were not known yet stand behind the content.
    let later = record.has_descriptor()
        && (crc == 0 || crc == record.crc)
        && [(0, 0), (record.packed, record.size)].contains(&(packed, size));
    if !same && !later {
        return Err(Reason::TwoHeaders("length or checksum").into());
    }
    Ok(record.offset + 30 + u64::from(name_length) + u64::from(extra_length))
}

/// Where an entry ends: behind its content and the descriptor that may follow. `next` is where something else begins.
fn data_end(file: &mut (impl Read + Seek), record: &Record, start: u64, next: u64) -> Result<u64, ArchiveRefusal> {
    let end = start.checked_add(record.packed).ok_or(Reason::Damaged("a length is too large"))?;
    if end > next {
        return Err(Reason::Overlap.into());
    }
    if !record.has_descriptor() {
        return Ok(end);
    }
    let length = next - end;
    if length > 24 {
        return Err(Reason::Hidden.into());
    }
    file.seek(SeekFrom::Start(end))?;
    let mut found = Vec::new();
    file.take(length).read_to_end(&mut found)?;
    let is_one = record.descriptors().contains(&found);
    if is_one { Ok(next) } else { Err(Reason::TwoHeaders("length or checksum").into()) }
}

fn entry(
    file: &mut (impl Read + Seek),
    record: &Record,
    start: u64,
    limits: &Limits,
    content: &mut Reader<'_>,
) -> Result<(), ArchiveRefusal> {
    let name = plain(&record.name)?;
    let is_folder = record.name.last() == Some(&b'/');
    match (record.mode >> 12, is_folder) {
        (0o00 | 0o04, true) if record.size == 0 => return content.folder(&name),
        (0o00 | 0o10 | 0o12, false) => {}
        (_, true) | (0o04, false) => return Err(Reason::FileAndFolder.into()),
        (0o01, false) => return Err(Reason::Fifo.into()),
        (0o02 | 0o06, false) => return Err(Reason::Device.into()),
        (other, false) => return Err(Reason::UnknownType(u8::try_from(other).unwrap_or(u8::MAX)).into()),
    }
    if record.size > limits.ratio_from && record.size / limits.ratio > record.packed {
        return Err(Reason::Ratio(limits.ratio).into());
    }
    file.seek(SeekFrom::Start(start))?;
    let mut data = Checked::new(file.take(record.packed), record.method);
    if record.mode >> 12 == 0o12 {
        let mut target = Vec::new();
        data.by_ref().take(MAX_TARGET).read_to_end(&mut target)?;
        content.link(name, &target)?;
    } else {
        let head = FileHead { name, size: record.size, mode: record.mode & 0o7777 };
        content.file(head, &mut data)?;
    }
    data.finish(record)
}

/// The content of one entry with its checksum.
struct Checked<R> {
    data: Data<R>,
    crc: Crc,
}

enum Data<R> {
    Stored(R),
    Deflated(DeflateDecoder<BufReader<R>>),
}

impl<R: Read> Checked<R> {
    /// `method` is one of the two that the directory lets through.
    fn new(packed: R, method: u16) -> Self {
        let data = match method {
            fields::STORED => Data::Stored(packed),
            _ => Data::Deflated(DeflateDecoder::new(BufReader::with_capacity(BUFFER, packed))),
        };
        Self { data, crc: Crc::new() }
    }

    /// Whether all of the packed data was used and the content is the stated one.
    fn finish(mut self, record: &Record) -> Result<(), ArchiveRefusal> {
        let wrong = Reason::Length { stated: record.size };
        if self.read(&mut [0])? != 0 || u64::from(self.crc.amount()) != record.size & u64::from(u32::MAX) {
            return Err(wrong.into());
        }
        if let Data::Deflated(decoder) = &self.data
            && decoder.total_in() != record.packed
        {
            return Err(wrong.into());
        }
        if self.crc.sum() == record.crc { Ok(()) } else { Err(Reason::Checksum.into()) }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.data {
            Data::Stored(data) => data.read(buffer)?,
            Data::Deflated(data) => data.read(buffer).map_err(damaged)?,
        };
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}
