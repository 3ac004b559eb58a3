//! Gzip members one behind the other (RFC 1952, 2.2) as one stream that is no bomb.

use super::{Limits, Reason};
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Reads members until the file ends.
pub(super) struct Gunzip<'a, R> {
    limits: &'a Limits,
    /// `None` behind the last member.
    member: Option<GzDecoder<Counted<R>>>,
    members: usize,
    unpacked: u64,
}

impl<'a, R: BufRead> Gunzip<'a, R> {
    pub(super) fn new(packed: R, limits: &'a Limits) -> Self {
        let member = Some(GzDecoder::new(Counted { inner: packed, count: 0 }));
        Self { limits, member, members: 1, unpacked: 0 }
    }

    fn check_ratio(&self, packed: u64) -> io::Result<()> {
        let is_bomb = self.unpacked > self.limits.ratio_from && self.unpacked / self.limits.ratio > packed;
        if is_bomb { Err(io::Error::other(super::ArchiveRefusal::from(Reason::Ratio(self.limits.ratio)))) } else { Ok(()) }
    }

    /// The member behind the one that ended, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(ended) = self.member.take() else { return Ok(()) };
        let mut packed = ended.into_inner();
        let refuse = |reason: Reason| Err(io::Error::other(super::ArchiveRefusal::from(reason)));
        match packed.fill_buf()? {
            [] => return Ok(()),
            [0x1f] | [0x1f, 0x8b, ..] => {}
            _ => return refuse(Reason::Trailing),
        }
        self.members += 1;
        if self.members > self.limits.entries {
            return refuse(Reason::Damaged("it has too many gzip members"));
        }
        self.member = Some(GzDecoder::new(packed));
        Ok(())
    }
}

impl<R: BufRead> Read for Gunzip<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer).map_err(damaged)?;
            let packed = member.get_ref().count;
            if count > 0 || buffer.is_empty() {
                self.unpacked += count as u64;
                self.check_ratio(packed)?;
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}

/// What the decoder says of the data is about the data, what the system says is not.
pub(super) fn damaged(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            io::Error::other(super::ArchiveRefusal::from(Reason::Damaged("its packed data cannot be unpacked")))
        }
        _ => error,
    }
}

/// Counts what is taken out of a reader.
pub(super) struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count += amount as u64;
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
