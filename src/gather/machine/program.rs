//! What a file that runs is: its format, and the version its bytes speak of.

use crate::tool::Os;
use crate::world::files::{EntryKind, FileError, FileStat, Files};
use memchr::memmem;
use std::collections::HashMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The most programs that one sighting names.
pub(super) const MAX_PROGRAMS: usize = 8;
/// A program smaller than this that is text is a launcher or a placeholder, not the program.
pub(super) const SMALL: u64 = 64 * 1024;
/// How much of the end of a large program is searched for its version.
///
/// The programs that carry a marker are a runtime with the scripts appended, and name their version hundreds of times in
/// them: Claude Code 2.1.91, 2.1.197 and 2.1.329 within their last 7 MB. Searching 377 MB would cost every warm run more than
/// all its other work; this much costs about 2 ms. The marker is a hint and the digest decides, so not finding it says nothing.
const MARKER_WINDOW: u64 = 12 * 1024 * 1024;

/// A file that runs, not yet digested.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// Without links.
    pub(super) path: PathBuf,
    pub(super) stat: FileStat,
    pub(super) format: Format,
    /// Whether it begins with `#!`, and with what.
    pub(super) interpreter: Option<String>,
}

/// The format of a file that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Machine code for this system, by system and the machine's number in the header where one is read.
    Native(Os, Option<u16>),
    /// Machine code for several machines in one file.
    Universal,
    /// Anything else: a script, text, nothing.
    Other,
}

impl Program {
    /// Look at a regular file: its state and its first bytes.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be opened or is no regular file.
    pub(super) fn look(files: Files, path: &Path) -> Result<Self, FileError> {
        let path = files.canonical(path)?;
        let (file, stat) = files.open(&path)?;
        let mut head = Vec::with_capacity(256);
        file.take(256).read_to_end(&mut head).map_err(|source| FileError::Io { action: "read", path: path.clone(), source })?;
        let interpreter = head.strip_prefix(b"#!").map(|rest| {
            let line = rest.split(|b| *b == b'\n').next().unwrap_or(rest);
            String::from_utf8_lossy(line).trim().to_owned()
        });
        Ok(Self { path, stat, format: format_of(&head), interpreter })
    }

    /// Device and inode, where the system has them.
    pub(super) fn inode(&self) -> Option<(u64, u64)> {
        inode_of(&self.stat)
    }

    /// Whether it is machine code.
    pub(super) fn is_native(&self) -> bool {
        self.format != Format::Other
    }

    /// Whether it is machine code that this system could run, as far as its header tells.
    pub(super) fn runs_on(&self, os: Os) -> bool {
        let machine = match std::env::consts::ARCH {
            "x86_64" => [0x3e_u16, 0x8664],
            "aarch64" => [0xb7, 0xaa64],
            _ => return true,
        };
        match self.format {
            Format::Native(system, number) => system == os && number.is_none_or(|n| machine.contains(&n)),
            Format::Universal => os == Os::MacOs,
            Format::Other => false,
        }
    }

    /// Whether it stands where a native program should and is a placeholder: the script of the package that puts the program
    /// there did not run. Told by a name that only machine code has, or by a small text that no JavaScript runtime would run
    /// in a package that has packages of machine code.
    pub(super) fn is_placeholder(&self, has_platform_packages: bool) -> bool {
        if self.is_native() || self.stat.size >= SMALL {
            return false;
        }
        let extension = self.path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let for_a_runtime = self.interpreter.as_deref().is_some_and(|i| ["node", "bun", "deno"].iter().any(|r| i.contains(r)));
        let is_script = for_a_runtime || matches!(extension, "js" | "cjs" | "mjs" | "ts");
        extension == "exe" || (has_platform_packages && !is_script)
    }
}

/// Device and inode, where the system has them.
pub(super) fn inode_of(stat: &FileStat) -> Option<(u64, u64)> {
    (stat.key.inode != 0).then_some((stat.key.device, stat.key.inode))
}

/// Whether a path leads to a regular file.
pub(super) fn is_file(files: Files, path: &Path) -> bool {
    files.stat(path).is_ok_and(|stat| stat.kind == EntryKind::File)
}

fn format_of(head: &[u8]) -> Format {
    let u16_at = |at: usize, big: bool| {
        let bytes: [u8; 2] = head.get(at..at + 2)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    if head.starts_with(b"\x7fELF") {
        return Format::Native(Os::Linux, u16_at(18, head.get(5) == Some(&2)));
    }
    if head.starts_with(b"MZ") {
        return Format::Native(Os::Windows, pe_machine(head));
    }
    match head.get(..4) {
        // Mach-O, 32 and 64 bits, both byte orders.
        Some(b"\xfe\xed\xfa\xce" | b"\xfe\xed\xfa\xcf" | b"\xce\xfa\xed\xfe" | b"\xcf\xfa\xed\xfe") => {
            // CPU_TYPE_X86_64 and CPU_TYPE_ARM64 (mach/machine.h) as the numbers that ELF has for the same machines.
            let machine = match head.get(4..8) {
                Some(b"\x07\x00\x00\x01") => Some(0x3e),
                Some(b"\x0c\x00\x00\x01") => Some(0xb7),
                _ => None,
            };
            Format::Native(Os::MacOs, machine)
        }
        // A universal binary shares its first bytes with a Java class file, whose next number is 45 or more.
        Some(b"\xca\xfe\xba\xbe") if head.get(4..8).is_some_and(|n| n < b"\x00\x00\x00\x14".as_slice()) => Format::Universal,
        _ => Format::Other,
    }
}

/// The machine number of a PE file, where its header begins within what was read.
fn pe_machine(head: &[u8]) -> Option<u16> {
    let at = u32::from_le_bytes(head.get(0x3c..0x40)?.try_into().ok()?) as usize;
    let header = head.get(at..at.checked_add(6)?)?;
    header.starts_with(b"PE\0\0").then(|| u16::from_le_bytes([header[4], header[5]]))
}

/// The version that stands after `marker` in a program, by majority: libraries inside it use the same words for theirs.
///
/// Searches the whole of a file of at most twice [`MARKER_WINDOW`], and the end of a larger one.
pub(super) fn embedded_version(files: Files, path: &Path, marker: &str) -> Option<String> {
    let (mut file, stat) = files.open(path).ok()?;
    let whole = stat.size <= 2 * MARKER_WINDOW;
    if !whole {
        file.seek(SeekFrom::Start(stat.size - MARKER_WINDOW)).ok()?;
    }
    let budget = if whole { 2 * MARKER_WINDOW } else { MARKER_WINDOW };
    let mut reader = file.take(budget);
    let finder = memmem::Finder::new(marker.as_bytes());
    let overlap = marker.len() + 64;
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut kept = 0;
    loop {
        let read = reader.read(&mut buffer[kept..]).ok()?;
        let filled = kept + read;
        // What is too near the end of the buffer is seen again with what follows it.
        let certain = if read == 0 { filled } else { filled.saturating_sub(overlap) };
        for at in finder.find_iter(&buffer[..filled]).take_while(|at| *at < certain) {
            if let Some(version) = version_at(&buffer[at + marker.len()..filled]) {
                *counts.entry(version).or_default() += 1;
            }
        }
        if read == 0 {
            break;
        }
        buffer.copy_within(certain..filled, 0);
        kept = filled - certain;
    }
    let most = counts.values().copied().max()?;
    let mut winners = counts.into_iter().filter(|(_, count)| *count == most).map(|(version, _)| version);
    let winner = winners.next();
    if winners.next().is_some() { None } else { winner }
}

/// A version of three numbers at the start of `bytes`, ended by a quote.
fn version_at(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().take(64).position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+')))?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    semver::Version::parse(text).ok().map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(content: &[u8], name: &str) -> Program {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        Files.write_atomic(&path, content, 0o755).unwrap();
        Program::look(Files, &path).unwrap()
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(18, 0);
        elf.extend([0x3e, 0]);
        assert_eq!(looked_at(&elf, "f").format, Format::Native(Os::Linux, Some(0x3e)));
        assert_eq!(looked_at(b"\xcf\xfa\xed\xfe\x0c\0\0\x01", "f").format, Format::Native(Os::MacOs, Some(0xb7)));
        assert_eq!(looked_at(b"\xca\xfe\xba\xbe\0\0\0\x02", "f").format, Format::Universal);
        assert_eq!(looked_at(b"\xca\xfe\xba\xbe\0\0\0\x3d", "f").format, Format::Other, "a Java class file");
        assert_eq!(looked_at(b"MZ", "f").format, Format::Native(Os::Windows, None));
        assert_eq!(looked_at(b"", "f").format, Format::Other);
        assert_eq!(looked_at(b"#!/usr/bin/env node\nx", "f").interpreter.as_deref(), Some("/usr/bin/env node"));
    }

    #[test]
    fn placeholders_are_told_from_launchers() {
        assert!(looked_at(b"echo \"Error: not installed\" >&2\nexit 1\n", "claude.exe").is_placeholder(true));
        assert!(looked_at(b"#!/bin/sh\nexit 1\n", "droid").is_placeholder(true));
        assert!(!looked_at(b"#!/bin/sh\nexec something\n", "serve").is_placeholder(false));
        assert!(!looked_at(b"#!/usr/bin/env node\nimport x", "cline").is_placeholder(true));
        assert!(!looked_at(b"import x", "codex.js").is_placeholder(true));
        assert!(!looked_at(b"\x7fELF\x02\x01\x01 and so on", "claude.exe").is_placeholder(true));
    }

    #[test]
    fn the_version_most_often_named_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let version = |text: &str| {
            Files.write_atomic(&path, text.as_bytes(), 0o644).unwrap();
            embedded_version(Files, &path, "VERSION:\"")
        };
        let filler = "x".repeat(300_000);
        let text = format!("VERSION:\"2.0.0\"{filler}VERSION:\"2.1.197\" VERSION:\"unknown\"{filler}VERSION:\"2.1.197\"");
        assert_eq!(version(&text).as_deref(), Some("2.1.197"));
        assert_eq!(version("VERSION:\"1.2.3\" VERSION:\"2.3.4\""), None, "a draw says nothing");
        assert_eq!(version("VERSION:\"1.2\" VERSION:\""), None);
        // A marker across the border of two reads is counted, and counted once.
        let before = "y".repeat(256 * 1024 - 4);
        assert_eq!(version(&format!("{before}VERSION:\"9.9.9\"")).as_deref(), Some("9.9.9"));
        let one_each = format!("{}VERSION:\"1.1.1\"{filler}VERSION:\"2.2.2\"", "y".repeat(256 * 1024 - 40));
        assert_eq!(version(&one_each), None, "one of them was counted twice");
    }

    #[test]
    fn only_the_end_of_a_large_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let file = std::fs::OpenOptions::new().create_new(true).write(true).open(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        assert_eq!(embedded_version(Files, &path, "VERSION:\""), None);
    }
}
