//! `go.sum` (Go Modules Reference, "go.sum files"): hashes of modules that were downloaded once. It is no lock: versions stay in it that
//! nothing asks for any more. What is built is the highest version, so of each module that one is read, and only where the hash is that
//! of the module itself and not of its `go.mod`.

use super::{add_locked, exact, known};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::evidence::{Integrity, Request};
use crate::gather::repository::document::{clipped, text_of};
use crate::gather::repository::{Format, Reading, Source};
use crate::tool::{Ecosystem, Package, ToolId};
use crate::version::Version;
use base64::Engine as _;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format::named("go.sum", |place| place.is_called(&["go.sum", "go.work.sum"]), read);

fn read(source: &Source<'_>) -> Reading {
    let text = match text_of(source.bytes) {
        Ok(text) => text,
        Err(error) => return Reading::unreadable(source, "text", &error),
    };
    let mut reading = Reading::default();
    let mut highest: BTreeMap<Package, (ToolId, Version, u32, &str)> = BTreeMap::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version), Some(hash)) = (words.next(), words.next(), words.next()) else { continue };
        if version.ends_with("/go.mod") {
            continue;
        }
        let Some((tool, package)) = known(source.catalogue, Ecosystem::Go, name) else { continue };
        let version = Version::parse(Ecosystem::Go.scheme(), &clipped(version));
        let is_higher = highest.get(&package).is_none_or(|(_, other, ..)| other.precedence(&version) != Some(Ordering::Greater));
        if is_higher {
            highest.insert(package, (tool, version, number, hash));
        }
    }
    for (package, (tool, version, line, hash)) in highest {
        let integrity = match of_h1(hash) {
            Ok(integrity) => integrity,
            Err(why) => {
                reading.oddity(source.at(Some(line)), why);
                Integrity::none()
            }
        };
        let request = match exact(Ecosystem::Go, version.as_str()) {
            request @ Request::Exact(_) => request,
            Request::Floating { .. } => continue,
        };
        add_locked(source, (tool, package), (request, integrity, Vec::new()), line, &mut reading);
    }
    reading
}

/// `h1:<base64>`, the directory hash. Go ignores hashes of other algorithms.
fn of_h1(text: &str) -> Result<Integrity, String> {
    let Some(base64) = text.strip_prefix("h1:") else { return Ok(Integrity::none()) };
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok();
    let digest = bytes.and_then(|bytes| Digest::from_bytes(Algorithm::DirHash, &bytes));
    digest.map(|digest| DigestSet::from(digest).into()).ok_or_else(|| format!("`{}` is no hash", clipped(text)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read_text, rows};

    #[test]
    fn the_highest_version_of_a_module_is_the_one() {
        let hash = format!("h1:{}=", "A".repeat(43));
        let name = "github.com/openai/openai-go/v2";
        let text = format!(
            "{name} v2.7.0 {hash}\n{name} v2.7.0/go.mod {hash}\n{name} v2.10.0 {hash}\n{name} v2.9.0 {hash}\n{name} v2.11.0/go.mod {hash}\nx\n"
        );
        assert_eq!(rows(super::read, "go.sum", &text), [format!("3:{name} =v2.10.0")]);
        assert_eq!(read_text(super::read, "go.sum", &text).mentions[0].integrity.files().len(), 1);
        assert_eq!(read_text(super::read, "go.sum", &format!("{name} v1.0.0 h1:x")).oddities.len(), 1);
    }
}
