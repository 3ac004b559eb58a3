//! Tar archives: ustar, and the long names of GNU tar and pax (POSIX.1-2017, pax, "ustar Interchange Format").
//!
//! The header fields are read by the crate `tar`; the walk from header to header is made here, because that crate collects long names
//! without a limit and lets an extended header change sizes in ways that other unpackers do not follow.

use super::content::{FileHead, Reader, refusal_at};
use super::gzip::Gunzip;
use super::names::plain;
use super::{ArchiveRefusal, Limits, Reason};
use std::io::{self, BufReader, Read};
use tar::Header;

/// Headers and content are padded to blocks of this size, in bytes.
const BLOCK: usize = 512;
/// The largest extended header that is read, in bytes. Those of macOS carry whole attributes.
const MAX_EXTENDED: u64 = 1 << 20;
/// What is read from the file at once.
const BUFFER: usize = 64 * 1024;

/// Read a tar archive in gzip members to its end.
pub(super) fn read(file: impl Read, limits: &Limits, content: &mut Reader<'_>) -> Result<(), ArchiveRefusal> {
    let mut tape = Tape { stream: Gunzip::new(BufReader::with_capacity(BUFFER, file), limits), headers: 0 };
    let mut next = Extended::default();
    while let Some(header) = tape.header()? {
        tape.headers += 1;
        // An archive of nothing but headers is as long as one of files.
        if tape.headers > limits.entries.saturating_mul(3) {
            return Err(Reason::TooMany(limits.entries).into());
        }
        let size = header.entry_size().map_err(|_| Reason::Damaged("a header states no size"))?;
        match header.entry_type().as_byte() {
            b'L' => next.set_path(tape.long_name(size, limits)?)?,
            b'K' => next.set_target(tape.long_name(size, limits)?)?,
            b'x' => next.read(&tape.extended(size)?)?,
            b'g' => check_global(&tape.extended(size)?)?,
            kind => entry(&mut tape, &header, kind, std::mem::take(&mut next), content)?,
        }
    }
    if !next.is_empty() {
        return Err(Reason::Truncated.into());
    }
    tape.only_zeros()
}

/// One file, link or folder with what the headers before it say of it.
fn entry<R: Read>(
    tape: &mut Tape<R>,
    header: &Header,
    kind: u8,
    extended: Extended,
    content: &mut Reader<'_>,
) -> Result<(), ArchiveRefusal> {
    let raw = extended.path.unwrap_or_else(|| header.path_bytes().into_owned());
    let shown = String::from_utf8_lossy(&raw);
    let refuse = |reason: Reason| Err(reason.at(&shown));
    let name = plain(&raw).map_err(|reason| reason.at(&shown))?;
    let size = match extended.size {
        Some(size) => size,
        None => header.entry_size().map_err(|_| Reason::Damaged("a header states no size").at(&shown))?,
    };
    let mode = header.mode().map_err(|_| Reason::Damaged("a header states no mode").at(&shown))?;
    let names_folder = raw.last() == Some(&b'/');
    match kind {
        b'0' | 0 | b'7' if !names_folder => {
            content.file(FileHead { name, size, mode }, Exactly { inner: &mut tape.stream, left: size })?;
            tape.padding(size).map_err(|e| refusal_at(e, &shown))
        }
        // Before ustar a folder was a file whose name ends so.
        b'5' | b'0' | 0 | b'7' if size == 0 => content.folder(&name),
        b'2' if size == 0 => {
            let target =
                extended.target.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
            content.link(name, &target)
        }
        // What such an entry would hold, each unpacker takes for something else.
        b'0' | 0 | b'2' | b'5' | b'7' => refuse(Reason::Length { stated: size }),
        b'1' => refuse(Reason::HardLink),
        b'3' | b'4' => refuse(Reason::Device),
        b'6' => refuse(Reason::Fifo),
        b'S' => refuse(Reason::Sparse),
        other => refuse(Reason::UnknownType(other)),
    }
}

/// The unpacked stream, block by block.
struct Tape<R> {
    stream: R,
    headers: usize,
}

impl<R: Read> Tape<R> {
    /// The next header; `None` at the block of zeros that ends an archive.
    fn header(&mut self) -> Result<Option<Header>, ArchiveRefusal> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        self.stream.read_exact(block)?;
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum: u32 = block.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
        if header.cksum().ok() != Some(sum) {
            return Err(Reason::Damaged("a tar header has a wrong checksum, or this is no tar archive").into());
        }
        Ok(Some(header))
    }

    /// The content of an entry of GNU tar that is the name of the next one.
    fn long_name(&mut self, size: u64, limits: &Limits) -> Result<Vec<u8>, ArchiveRefusal> {
        if size > limits.name as u64 + 1 {
            return Err(Reason::LongName(limits.name).into());
        }
        let mut name = self.all(size)?;
        while name.last() == Some(&0) {
            name.pop();
        }
        Ok(name)
    }

    fn extended(&mut self, size: u64) -> Result<Vec<u8>, ArchiveRefusal> {
        if size > MAX_EXTENDED {
            return Err(Reason::Damaged("an extended header is larger than 1 MiB").into());
        }
        self.all(size)
    }

    /// `size` was compared with a limit by the caller.
    fn all(&mut self, size: u64) -> Result<Vec<u8>, ArchiveRefusal> {
        let mut bytes = Vec::new();
        Exactly { inner: &mut self.stream, left: size }.read_to_end(&mut bytes)?;
        self.padding(size)?;
        Ok(bytes)
    }

    fn padding(&mut self, size: u64) -> io::Result<()> {
        // Below the size of a block.
        let behind = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        if behind == 0 {
            return Ok(());
        }
        self.stream.read_exact(&mut [0; BLOCK][behind..])
    }

    /// Behind the end of an archive stand zeros and nothing else: one unpacker stops there, another reads on.
    fn only_zeros(&mut self) -> Result<(), ArchiveRefusal> {
        let mut buffer = [0; 8 * BLOCK];
        loop {
            match self.stream.read(&mut buffer)? {
                0 => return Ok(()),
                count if buffer[..count].iter().all(|b| *b == 0) => {}
                _ => return Err(Reason::Trailing.into()),
            }
        }
    }
}

/// So many bytes of a stream, which must not end before.
struct Exactly<'a, R> {
    inner: &'a mut R,
    left: u64,
}

impl<R: Read> Read for Exactly<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// What headers before an entry say of it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    fn is_empty(&self) -> bool {
        self.path.is_none() && self.target.is_none() && self.size.is_none()
    }

    fn set_path(&mut self, path: Vec<u8>) -> Result<(), Reason> {
        once(&mut self.path, path)
    }

    fn set_target(&mut self, target: Vec<u8>) -> Result<(), Reason> {
        once(&mut self.target, target)
    }

    /// The records of a pax header for the next entry.
    fn read(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        for (key, value) in records(bytes)? {
            match key {
                b"path" if !value.is_empty() => self.set_path(value.to_vec())?,
                b"linkpath" if !value.is_empty() => self.set_target(value.to_vec())?,
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    once(&mut self.size, size.ok_or(Reason::Damaged("an extended header states no size"))?)?;
                }
                _ if changes_entries(key) => return Err(unread(key)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Two headers that both name the next entry: which one counts depends on the unpacker.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Reason> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Reason::Damaged("two headers state the same of one entry")),
    }
}

/// A pax header for everything that follows, such as the one of `git archive`, may comment and nothing else.
fn check_global(bytes: &[u8]) -> Result<(), Reason> {
    match records(bytes)?.into_iter().find(|(key, _)| changes_entries(key)) {
        Some((key, _)) => Err(unread(key)),
        None => Ok(()),
    }
}

/// Whether a key decides what an entry is called, holds or how it is read.
fn changes_entries(key: &[u8]) -> bool {
    matches!(key, b"path" | b"linkpath" | b"size" | b"hdrcharset" | b"charset") || key.starts_with(b"GNU.sparse.")
}

fn unread(key: &[u8]) -> Reason {
    if key.starts_with(b"GNU.sparse.") { Reason::Sparse } else { Reason::Extended(String::from_utf8_lossy(key).into_owned()) }
}

/// A key and its value.
type Record<'a> = (&'a [u8], &'a [u8]);

/// The records `LENGTH KEY=VALUE\n` of a pax header. The length counts the whole record.
fn records(mut bytes: &[u8]) -> Result<Vec<Record<'_>>, Reason> {
    let wrong = Reason::Damaged("an extended header is malformed");
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().take(12).position(|b| *b == b' ').ok_or_else(|| wrong.clone())?;
        let digits = std::str::from_utf8(&bytes[..space]).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        let length: usize = digits.and_then(|d| d.parse().ok()).ok_or_else(|| wrong.clone())?;
        let record = bytes.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(|| wrong.clone())?;
        let equals = record.iter().position(|b| *b == b'=').ok_or_else(|| wrong.clone())?;
        found.push((&record[..equals], &record[equals + 1..]));
        bytes = &bytes[length..];
    }
    Ok(found)
}
