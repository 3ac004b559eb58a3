//! Archives byte by byte.

use flate2::Compression;
use sha2::{Digest as _, Sha256};
use std::io::{Cursor, Write as _};
use vetted::archive::{self, ArchiveRefusal, Contents, Kind, Limits};

/// Read an archive as what it is, keeping everything.
pub(crate) fn limited(archive: &[u8], limits: &Limits) -> Result<Contents, ArchiveRefusal> {
    let kind = Kind::of(archive).expect("an archive");
    archive::contents(Cursor::new(archive), kind, limits, &|_, size| size < 1 << 20)
}

#[track_caller]
pub(crate) fn contents(archive: &[u8]) -> Contents {
    limited(archive, &Limits::default()).unwrap()
}

#[track_caller]
pub(crate) fn refused(archive: &[u8]) -> ArchiveRefusal {
    limited(archive, &Limits::default()).expect_err("it was read")
}

pub(crate) fn sum(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar archive, before it is packed.
#[derive(Clone)]
pub(crate) struct Tar {
    pub(crate) bytes: Vec<u8>,
}

impl Tar {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name.as_bytes(), b'0', content)
    }

    pub(crate) fn entry(self, name: &[u8], kind: u8, content: &[u8]) -> Self {
        self.header(name, kind, content.len(), |_| {}).data(content)
    }

    pub(crate) fn header(mut self, name: &[u8], kind: u8, size: usize, change: impl FnOnce(&mut [u8; 512])) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..136].copy_from_slice(&[&[0x80, 0, 0, 0][..], &(size as u64).to_be_bytes()].concat());
        if size < 1 << 33 {
            block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        }
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        change(&mut block);
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend(block);
        self
    }

    pub(crate) fn link(self, name: &str, kind: u8, target: &str) -> Self {
        self.header(name.as_bytes(), kind, 0, |block| block[157..157 + target.len()].copy_from_slice(target.as_bytes()))
    }

    /// Content with its padding.
    pub(crate) fn data(mut self, content: &[u8]) -> Self {
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// A pax header with these records.
    pub(crate) fn pax(self, kind: u8, records: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (rest..).find(|n| n.to_string().len() + rest == *n).unwrap();
            text += &format!("{length} {key}={value}\n");
        }
        self.entry(b"pax", kind, text.as_bytes())
    }

    /// With its end, not packed.
    pub(crate) fn ended(mut self) -> Vec<u8> {
        self.bytes.extend([0; 1024]);
        self.bytes
    }

    pub(crate) fn build(self) -> Vec<u8> {
        gzip(&self.ended())
    }
}

/// What a zip archive says of an entry beside its content and in its directory.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) size: u32,
    pub(crate) extra: Vec<u8>,
}

/// An entry: what is said twice, and what lies there.
#[derive(Clone)]
pub(crate) struct Entry {
    content: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) mode: u32,
    /// Changes the header beside the content alone.
    pub(crate) local: fn(&mut Said),
    /// Changes the record of the directory alone.
    pub(crate) central: fn(&mut Said),
    /// Stands before the header.
    pub(crate) gap: Vec<u8>,
    /// Stands behind the content.
    pub(crate) descriptor: Vec<u8>,
    pub(crate) disk: u16,
}

impl Entry {
    pub(crate) fn deflate(&mut self) {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.content).unwrap();
        (self.data, self.method) = (encoder.finish().unwrap(), 8);
    }
}

/// A zip archive.
#[derive(Clone)]
pub(crate) struct Zip {
    entries: Vec<(Vec<u8>, Entry)>,
    /// Changes the offsets in the directory.
    pub(crate) offsets: fn(usize, u32) -> u32,
}

impl Zip {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), offsets: |_, offset| offset }
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.with(name, content, |_| {})
    }

    pub(crate) fn with(mut self, name: &str, content: &[u8], change: impl FnOnce(&mut Entry)) -> Self {
        let mut entry = Entry {
            content: content.to_vec(),
            data: content.to_vec(),
            flags: 1 << 11,
            method: 0,
            mode: 0o100_644,
            local: |_| {},
            central: |_| {},
            gap: Vec::new(),
            descriptor: Vec::new(),
            disk: 0,
        };
        change(&mut entry);
        self.entries.push((name.as_bytes().to_vec(), entry));
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let (bytes, directory) = self.parts();
        let start = bytes.len();
        let mut bytes = [bytes, directory.clone()].concat();
        let count = u16::try_from(self.entries.len()).unwrap();
        bytes.extend(end(count, directory.len() as u32, start as u32));
        bytes
    }

    /// The entries and the directory.
    pub(crate) fn parts(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (index, (name, entry)) in self.entries.iter().enumerate() {
            bytes.extend(&entry.gap);
            let offset = (self.offsets)(index, bytes.len() as u32);
            let mut crc = flate2::Crc::new();
            crc.update(&entry.content);
            let said = Said {
                name: name.clone(),
                flags: entry.flags,
                method: entry.method,
                crc: crc.sum(),
                packed: entry.data.len() as u32,
                size: entry.content.len() as u32,
                extra: Vec::new(),
            };
            let (mut local, mut central) = (said.clone(), said);
            (entry.local)(&mut local);
            (entry.central)(&mut central);
            bytes.extend(b"PK\x03\x04\x14\x00");
            bytes.extend(fields(&local));
            bytes.extend([&local.name[..], &local.extra, &entry.data, &entry.descriptor].concat());
            directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
            directory.extend(fields(&central));
            directory.extend(0_u16.to_le_bytes());
            directory.extend(entry.disk.to_le_bytes());
            directory.extend(0_u16.to_le_bytes());
            directory.extend((entry.mode << 16).to_le_bytes());
            directory.extend(offset.to_le_bytes());
            directory.extend([&central.name[..], &central.extra].concat());
        }
        (bytes, directory)
    }
}

fn fields(said: &Said) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(said.flags.to_le_bytes());
    bytes.extend(said.method.to_le_bytes());
    bytes.extend([0; 4]);
    for number in [said.crc, said.packed, said.size] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend((said.name.len() as u16).to_le_bytes());
    bytes.extend((said.extra.len() as u16).to_le_bytes());
    bytes
}

/// The end of a zip archive.
pub(crate) fn end(count: u16, length: u32, start: u32) -> Vec<u8> {
    let mut bytes = b"PK\x05\x06\0\0\0\0".to_vec();
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}
