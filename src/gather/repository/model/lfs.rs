//! Git LFS pointers of model weights: a small text stands in the repository for a large file, and names its SHA-256 (Git LFS,
//! `docs/spec.md`). Whoever checks the repository out gets the file with that digest.
//!
//! A pointer names no tool. It is one when an approval, a revocation or the catalogue knows a file with that digest, and weights that
//! nobody knows when its name says so beyond doubt.

use crate::catalogue::{are_weights, is_ending_of_weights};
use crate::digest::{Algorithm, Digest};
use crate::gather::repository::{Format, Place, Reading, Source};

/// The largest pointer, in bytes: the specification asks for less than 1,024.
const MAX_POINTER: u64 = 1024;

/// This format. A larger file of such a name is no pointer, but the weights themselves or something else.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { largest: MAX_POINTER, is_told_by_name: false, ..Format::named("LFS pointer", matches, read) };

fn matches(place: &Place<'_>) -> bool {
    is_ending_of_weights(place.ending())
}

fn read(source: &Source<'_>) -> Reading {
    let Some((oid, line)) = pointed_at(source.bytes) else { return Reading::default() };
    let mention = super::mention(source, oid, Some(line), are_weights(source.path, None));
    Reading { mentions: mention.into_iter().collect(), ..Reading::default() }
}

/// Whether a file is a pointer.
pub(super) fn is_pointer(bytes: &[u8]) -> bool {
    bytes.len() <= usize::try_from(MAX_POINTER).unwrap_or(usize::MAX) && pointed_at(bytes).is_some()
}

/// The digest that a pointer names, and the line on which it does.
fn pointed_at(bytes: &[u8]) -> Option<(Digest, u32)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = (1_u32..).zip(text.lines());
    // The first line says what it is; earlier versions of the format have other addresses.
    let (_, first) = lines.next()?;
    if !first.starts_with("version ") || !first.contains("git-lfs") && !first.contains("hawser") {
        return None;
    }
    lines.find_map(|(number, line)| {
        let hex = line.strip_prefix("oid sha256:")?;
        Some((Digest::parse(Algorithm::Sha256, hex.trim_end()).ok()?, number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pointers_point() {
        let hex = Digest::sha256_of(b"weights").hex();
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hex}\nsize 7\n");
        assert_eq!(pointed_at(pointer.as_bytes()), Some((Digest::sha256_of(b"weights"), 2)));
        let extended = format!("version https://git-lfs.github.com/spec/v1\next-0-a sha256:{hex}\noid sha256:{hex}\nsize 7\n");
        assert_eq!(pointed_at(extended.as_bytes()).map(|found| found.1), Some(3));
        let upper = pointer.replace(&hex, &hex.to_uppercase());
        for text in ["", "version 1\n", "oid sha256:0\n", &upper, &pointer.replace("sha256", "sha1"), &pointer[1..]] {
            assert_eq!(pointed_at(text.as_bytes()), None, "{text}");
        }
        assert_eq!(pointed_at(b"\xff"), None);
    }
}
