//! What comes out of an archive: digests while the bytes pass, names given once, everything counted.

use super::names::{self, Claim, Names};
use super::{ArchiveRefusal, Contents, Limits, Link, Reason, Unpacked};
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

/// What is read at once. Not less than what npm looks at for a line ending ([`LOOKED_AT`]).
const BUFFER: usize = 64 * 1024;
/// How far npm looks for the end of the first line of a script (`bin-links` 6, `lib/fix-bin.js`).
const LOOKED_AT: usize = 2048;

/// Collects what an archive holds.
pub(super) struct Reader<'a> {
    limits: &'a Limits,
    keep: &'a dyn Fn(&str, u64) -> bool,
    names: Names<'a>,
    contents: Contents,
    total: u64,
    kept: u64,
    buffer: Vec<u8>,
}

/// What the header of a file says.
pub(super) struct FileHead {
    /// Plain.
    pub(super) name: String,
    /// Bytes of its content.
    pub(super) size: u64,
    /// The permission bits, `0` where there are none.
    pub(super) mode: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(limits: &'a Limits, keep: &'a dyn Fn(&str, u64) -> bool) -> Self {
        let contents = Contents::default();
        Self { limits, keep, names: Names::new(limits), contents, total: 0, kept: 0, buffer: vec![0; BUFFER] }
    }

    /// A folder: nothing but its name counts.
    pub(super) fn folder(&mut self, name: &str) -> Result<(), ArchiveRefusal> {
        self.names.take_folder(name).map_err(|reason| reason.at(name))
    }

    /// A symbolic link, which has to stay within the archive.
    pub(super) fn link(&mut self, name: String, target: &[u8]) -> Result<(), ArchiveRefusal> {
        let target = std::str::from_utf8(target).map_err(|_| Reason::NotUtf8.at(&name))?;
        if target.len() > self.limits.name {
            return Err(Reason::LongName(self.limits.name).at(&name));
        }
        if !names::leads_inside(&name, target) {
            return Err(Reason::LinkOutside(target.to_owned()).at(&name));
        }
        // No file has this number.
        let claim = self.names.take_file(&name, usize::MAX).map_err(|reason| reason.at(&name))?;
        if claim != Claim::New {
            return Err(Reason::Duplicate.at(&name));
        }
        self.contents.links.push(Link { name, target: target.to_owned() });
        Ok(())
    }

    /// A file, whose content is read to its end.
    pub(super) fn file(&mut self, head: FileHead, mut content: impl Read) -> Result<(), ArchiveRefusal> {
        let FileHead { name, size, mode } = head;
        let claim = self.admit(&name, size, mode).map_err(|reason| reason.at(&name))?;
        let wanted = (self.keep)(&name, size);
        let mut kept = Vec::new();
        if wanted {
            if size > self.limits.kept_file || self.kept.saturating_add(size) > self.limits.kept {
                return Err(Reason::TooMuchKept(self.limits.kept).at(&name));
            }
            self.kept += size;
        }
        let mut sha256 = Sha256::new();
        let mut script: Option<UnixScript> = None;
        let mut start = [0; 16];
        let mut length = 0_u64;
        loop {
            let filled = fill(&mut content, &mut self.buffer).map_err(|e| refusal_at(e, &name))?;
            let bytes = &self.buffer[..filled];
            if length == 0 {
                let known = filled.min(start.len());
                start[..known].copy_from_slice(&bytes[..known]);
                script = UnixScript::of(bytes);
            }
            if filled == 0 {
                break;
            }
            length += filled as u64;
            if length > size {
                return Err(Reason::Length { stated: size }.at(&name));
            }
            sha256.update(bytes);
            if let Some(script) = &mut script {
                script.update(bytes);
            }
            if wanted {
                kept.extend_from_slice(bytes);
            }
        }
        if length != size {
            return Err(Reason::Length { stated: size }.at(&name));
        }
        let as_unix_script = script.map(UnixScript::finish);
        let executable = mode & 0o111 != 0;
        let file = Unpacked { name, sha256: sha256.finalize().into(), size, executable, start, as_unix_script };
        match claim {
            Claim::New if wanted => {
                self.contents.kept.insert(file.name.clone(), kept);
                self.contents.files.push(file);
            }
            Claim::New => self.contents.files.push(file),
            Claim::Again(number) => self.same(number, &file)?,
        }
        Ok(())
    }

    /// A name may stand twice where nobody can tell the difference: packages written with `package/./a` and `package/a` do that.
    fn same(&self, number: usize, again: &Unpacked) -> Result<(), ArchiveRefusal> {
        match self.contents.files.get(number) {
            Some(first) if first == again => Ok(()),
            _ => Err(Reason::Duplicate.at(&again.name)),
        }
    }

    fn admit(&mut self, name: &str, size: u64, mode: u32) -> Result<Claim, Reason> {
        if mode & 0o6000 != 0 {
            return Err(Reason::Setuid);
        }
        if size > self.limits.file {
            return Err(Reason::TooLarge(self.limits.file));
        }
        self.total = self.total.saturating_add(size);
        if self.total > self.limits.total {
            return Err(Reason::TooManyBytes(self.limits.total));
        }
        self.names.take_file(name, self.contents.files.len())
    }

    /// Everything that was read, in the order of the names.
    pub(super) fn finish(mut self) -> Contents {
        self.contents.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.contents.links.sort_unstable();
        self.contents
    }
}

/// The refusal that a failed read is, with the entry where none is named yet.
pub(super) fn refusal_at(error: io::Error, entry: &str) -> ArchiveRefusal {
    let refusal = ArchiveRefusal::from(error);
    if refusal.entry.is_some() { refusal } else { refusal.reason.at(entry) }
}

/// Read until the buffer is full or the content ends.
fn fill(content: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The digest of a script as npm rewrites it, where its first line ends as Windows ends lines.
struct UnixScript {
    sha256: Sha256,
    /// Where the carriage return stands that goes away; `None` once it has gone.
    carriage_return: Option<usize>,
    /// The beginning of a character whose end has not come yet.
    tail: Vec<u8>,
}

impl UnixScript {
    /// For a file that begins with these bytes.
    fn of(start: &[u8]) -> Option<Self> {
        let start = &start[..start.len().min(LOOKED_AT)];
        let newline = start.iter().position(|b| *b == b'\n')?;
        // `#!`, something, the carriage return.
        let is_one = start.starts_with(b"#!") && newline >= 4 && start[newline - 1] == b'\r';
        is_one.then(|| Self { sha256: Sha256::new(), carriage_return: Some(newline - 1), tail: Vec::new() })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self.carriage_return.take() {
            Some(at) => {
                self.text(&bytes[..at]);
                self.text(&bytes[at + 1..]);
            }
            None => self.text(bytes),
        }
    }

    /// Digest bytes as text, with U+FFFD for what is none.
    fn text(&mut self, bytes: &[u8]) {
        let mut joined = std::mem::take(&mut self.tail);
        joined.extend_from_slice(bytes);
        let mut rest = joined.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(_) => {
                    self.sha256.update(rest);
                    return;
                }
                Err(error) => {
                    let (valid, broken) = rest.split_at(error.valid_up_to());
                    self.sha256.update(valid);
                    let Some(length) = error.error_len() else {
                        self.tail = broken.to_vec();
                        return;
                    };
                    self.sha256.update("\u{fffd}".as_bytes());
                    rest = &broken[length..];
                }
            }
        }
    }

    fn finish(mut self) -> [u8; 32] {
        if !self.tail.is_empty() {
            self.sha256.update("\u{fffd}".as_bytes());
        }
        self.sha256.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(pieces: &[&[u8]]) -> Option<[u8; 32]> {
        let mut script = UnixScript::of(pieces[0])?;
        for piece in pieces {
            script.update(piece);
        }
        Some(script.finish())
    }

    #[test]
    fn only_the_first_carriage_return_of_a_script_goes() {
        let expected = |text: &str| Some(Sha256::digest(text.as_bytes()).into());
        assert_eq!(rewritten(&[b"#!/usr/bin/env node\r\nx\r\n"]), expected("#!/usr/bin/env node\nx\r\n"));
        assert_eq!(rewritten(&[b"#!/usr/bin/env node\nx\r\n"]), None);
        assert_eq!(rewritten(&[b"#!\r\nx"]), None, "npm wants something between the two");
        assert_eq!(rewritten(&[b"x\r\n"]), None);
        let far = format!("#!{}\r\n", "x".repeat(LOOKED_AT));
        assert_eq!(rewritten(&[far.as_bytes()]), None);
    }

    #[test]
    fn what_is_no_text_is_replaced_across_the_borders_of_reads() {
        let expected = |text: &[u8]| Some(Sha256::digest(String::from_utf8_lossy(text).as_bytes()).into());
        let whole = b"#!x\n\xe2\x82\xac\xff\xe2\x82|\xf0\x9f\x92";
        for at in 5..whole.len() {
            let first = [b"#!x\r\n", &whole[4..at]].concat();
            assert_eq!(rewritten(&[&first, &whole[at..]]), expected(whole), "cut at {at}");
        }
    }
}
