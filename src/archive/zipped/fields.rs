//! The fields of zip headers: little-endian numbers, flags, and the extra fields behind a name.

use crate::archive::Reason;

/// No compression.
pub(super) const STORED: u16 = 0;
/// Deflate (RFC 1951).
pub(super) const DEFLATED: u16 = 8;
/// The flags of encryption: traditional, strong, and of the directory.
pub(super) const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Lengths and checksum stand behind the content.
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
/// The content is a patch.
pub(super) const PATCH: u16 = 1 << 5;
/// The name is UTF-8.
pub(super) const UTF8: u16 = 1 << 11;
/// The flags that decide how an entry is read.
pub(super) const DECISIVE: u16 = ENCRYPTED | HAS_DESCRIPTOR | PATCH | UTF8;
/// A number that says "see the zip64 field".
pub(super) const FIELD_MAX: u32 = u32::MAX;

/// Reads numbers from the front of a header, whose length its caller has checked. Behind its end there are zeros.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        let count = N.min(self.0.len());
        taken[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        taken
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }
}

/// What of the extra fields decides something.
pub(super) struct Extra<'a> {
    zip64: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    /// Read the extra fields behind `name`.
    pub(super) fn read(mut bytes: &'a [u8], name: &[u8]) -> Result<Self, Reason> {
        let mut zip64 = None;
        while bytes.len() >= 4 {
            let mut fields = Fields::of(bytes);
            let (id, length) = (fields.u16(), usize::from(fields.u16()));
            let value = bytes.get(4..4 + length).ok_or(Reason::Damaged("an extra field is longer than its place"))?;
            match id {
                0x0001 if zip64.replace(value).is_some() => return Err(Reason::Damaged("a zip64 field stands twice")),
                // Info-ZIP Unicode path: a second name, which some unpackers prefer.
                0x7075 if value.get(5..) != Some(name) => return Err(Reason::TwoHeaders("name")),
                0x9901 => return Err(Reason::Encrypted),
                _ => {}
            }
            bytes = &bytes[4 + length..];
        }
        // Some tools fill up with zeros to align the content.
        if bytes.iter().any(|b| *b != 0) {
            return Err(Reason::Damaged("an extra field is longer than its place"));
        }
        Ok(Self { zip64 })
    }

    /// The values of fields that have 32 bits or, where those do not suffice, 64 in the zip64 field, in the order of that field.
    pub(super) fn wide<const N: usize>(&self, narrow: [u32; N]) -> Result<[u64; N], Reason> {
        let mut wide = narrow.map(u64::from);
        let Some(mut rest) = self.zip64 else { return Ok(wide) };
        for value in wide.iter_mut().filter(|value| **value == u64::from(FIELD_MAX)) {
            let (number, behind) = rest.split_first_chunk::<8>().ok_or(Reason::Damaged("a zip64 field is too short"))?;
            *value = u64::from_le_bytes(*number);
            rest = behind;
        }
        Ok(wide)
    }
}
