//! What a hook of ours consists of: a dozen lines of POSIX sh for each kind (`hooks/`), with two places to fill.

use crate::digest::Digest;
use std::path::{Path, PathBuf};

/// The version of the shims; it stands in their second line.
pub(super) const VERSION: u32 = 1;

/// A hook of git's that can call the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(super) enum Kind {
    /// Before a commit: what is staged, and this machine
    PreCommit,
    /// Before a commit, once its message is written: the trailers by which AI tools sign
    CommitMsg,
    /// Before a push: what it brings to the other side
    PrePush,
    /// On the side that is pushed to, before anything of a push is accepted
    PreReceive,
}

impl Kind {
    /// Every kind, in the order in which they run.
    pub(super) const ALL: [Self; 4] = [Self::PreCommit, Self::CommitMsg, Self::PrePush, Self::PreReceive];

    /// The name of its file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::CommitMsg => "commit-msg",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }

    /// What it calls, as a line of sh.
    pub(super) fn arguments(self) -> &'static str {
        match self {
            Self::PreCommit => "check --staged",
            Self::CommitMsg => "check --message \"$1\"",
            Self::PrePush | Self::PreReceive => "check --pushed",
        }
    }

    /// Whether git runs it only where commits are made.
    pub(super) fn needs_work_tree(self) -> bool {
        matches!(self, Self::PreCommit | Self::CommitMsg)
    }

    fn text(self) -> &'static str {
        match self {
            Self::PreCommit => include_str!("../../../hooks/pre-commit"),
            Self::CommitMsg => include_str!("../../../hooks/commit-msg"),
            Self::PrePush => include_str!("../../../hooks/pre-push"),
            Self::PreReceive => include_str!("../../../hooks/pre-receive"),
        }
    }

    /// The hook for a program at this path.
    pub(super) fn render(self, program: &Path) -> Vec<u8> {
        let filled = replace(self.text().as_bytes(), b"@VETTED@", &quoted(program));
        let digest = Digest::sha256_of(after_mark(&filled)).hex();
        replace(&filled, b"@DIGEST@", digest.as_bytes())
    }

    /// Tell a hook of ours by its second line, and an edited one by the digest there.
    pub(super) fn recognise(self, content: Vec<u8>) -> Present {
        let second = content.split(|b| *b == b'\n').nth(1).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
        let mark = format!("# vetted hook {}, version ", self.name());
        let Some((version, digest)) = second.strip_prefix(&mark).and_then(|rest| rest.split_once(", sha256 ")) else {
            return Present::Foreign;
        };
        let Ok(version) = version.parse() else { return Present::Foreign };
        let is_edited = !content.starts_with(b"#!/bin/sh\n")
            || digest.trim_end_matches('\r') != Digest::sha256_of(after_mark(&content)).hex();
        Present::Ours { version, is_edited, content }
    }
}

/// What stands at a hook's place.
pub(super) enum Present {
    /// Nothing.
    Nothing,
    /// A hook of ours.
    Ours {
        /// The version of its shim.
        version: u32,
        /// Whether it was changed since it was installed.
        is_edited: bool,
        /// All of it.
        content: Vec<u8>,
    },
    /// Another program's hook, or somebody's own.
    Foreign,
}

/// The program that a hook of ours remembers.
pub(super) fn program_of(content: &[u8]) -> Option<PathBuf> {
    let start = memchr::memmem::find(content, b"\nvetted='")? + b"\nvetted='".len();
    let end = memchr::memmem::find(&content[start..], b"'\nif ")? + start;
    let word = std::str::from_utf8(&content[start..end]).ok()?;
    Some(PathBuf::from(word.replace("'\\''", "'")))
}

/// A path as one word of sh.
fn quoted(path: &Path) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in path.as_os_str().as_encoded_bytes() {
        if *byte == b'\'' {
            word.extend_from_slice(b"'\\''");
        } else {
            word.push(*byte);
        }
    }
    word.push(b'\'');
    word
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    match memchr::memmem::find(text, what) {
        Some(at) => [&text[..at], with, &text[at + what.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// What the digest in the second line speaks of: every line after it.
fn after_mark(content: &[u8]) -> &[u8] {
    let mut ends = memchr::memchr_iter(b'\n', content);
    ends.nth(1).map_or(&[], |end| &content[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn a_hook_of_ours_is_known_again_and_an_edit_is_seen() {
        for path in ["/usr/bin/vetted", "/opt/it's here/$(touch x)`y`/vetted", "/tmp/new\nline/vetted"] {
            for kind in Kind::ALL {
                let shim = kind.render(Path::new(path));
                assert!(!["@VETTED@", "@DIGEST@"].iter().any(|place| memchr::memmem::find(&shim, place.as_bytes()).is_some()));
                let Present::Ours { version: VERSION, is_edited: false, .. } = kind.recognise(shim.clone()) else {
                    panic!("{kind:?} {path}")
                };
                assert_eq!(program_of(&shim), Some(PathBuf::from(path)));
                let edited = replace(&shim, b"|| exit", b"|| true");
                assert!(matches!(kind.recognise(edited), Present::Ours { is_edited: true, .. }));
                // In another hook's place it would check something else.
                let others = Kind::ALL.into_iter().filter(|other| *other != kind);
                assert!(others.into_iter().all(|other| matches!(other.recognise(shim.clone()), Present::Foreign)));
            }
        }
        let kind = Kind::PreCommit;
        assert!(matches!(kind.recognise(b"#!/bin/sh\nexec vetted check --staged\n".to_vec()), Present::Foreign));
        assert!(matches!(kind.recognise(Vec::new()), Present::Foreign));
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/\xff/vetted"));
        assert!(kind.render(odd).windows(3).any(|b| b == b"/\xff/"));
    }

    #[test]
    fn the_shims_call_what_people_are_told_to_write_by_hand() {
        for kind in Kind::ALL {
            assert!(kind.text().contains(&format!("\"$vetted\" {}", kind.arguments())), "{kind:?}");
        }
    }
}
