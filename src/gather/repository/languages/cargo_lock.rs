//! `Cargo.lock`, versions 1 to 4: a table for each package. Version 1 keeps the checksums in `[metadata]`.

use super::{add_locked, exact, known};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::evidence::Integrity;
use crate::gather::repository::document::{Node, clipped, toml};
use crate::gather::repository::ways::NamedWays;
use crate::gather::repository::{Format, Reading, Source};
use crate::tool::Ecosystem;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format::named("Cargo.lock", |place| place.is_called(&["Cargo.lock"]), read);

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    let packages = document.get("package").map(Node::items).unwrap_or_default();
    let text = |package: &'_ Node<'_>, key: &str| package.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let older = document.get("metadata").map(Node::by_key).unwrap_or_default();
    let mut ways: Option<NamedWays> = None;
    for (index, package) in packages.iter().enumerate() {
        // What has no source is a folder of the repository.
        let (Some(name), Some(from)) = (package.member("name"), package.get("source").and_then(Node::text)) else { continue };
        let Some(known) = name.value.text().and_then(|name| known(source.catalogue, Ecosystem::Cargo, name)) else { continue };
        let version = text(package, "version");
        let of_version_1 = || older.get(format!("checksum {} {version} ({from})", known.1.name).as_str()).copied();
        let checksum = package.get("checksum").or_else(of_version_1);
        let integrity = checksum.map_or_else(Integrity::none, |checksum| integrity(source, checksum, &mut reading));
        let ways = ways.get_or_insert_with(|| {
            let names: Vec<String> = packages.iter().map(|package| text(package, "name")).collect();
            let needs: Vec<Vec<String>> = packages.iter().map(needs).collect();
            let roots: Vec<bool> = packages.iter().map(|package| package.get("source").is_none()).collect();
            NamedWays::of(names, &needs, roots)
        });
        let locked = (exact(Ecosystem::Cargo, &version), integrity, ways.to(index));
        add_locked(source, known, locked, name.line, &mut reading);
    }
    reading
}

/// `name`, `name version` or `name version (source)`.
fn needs(package: &Node<'_>) -> Vec<String> {
    let needs = package.get("dependencies").map(Node::items).unwrap_or_default();
    needs.iter().filter_map(|need| need.text()?.split(' ').next().map(str::to_owned)).collect()
}

/// The SHA-256 of the crate's file.
fn integrity(source: &Source<'_>, checksum: &Node<'_>, reading: &mut Reading) -> Integrity {
    let text = checksum.text().unwrap_or_default();
    // Version 1 has this for what comes from a repository.
    if text == "<none>" {
        return Integrity::none();
    }
    let Ok(digest) = Digest::parse(Algorithm::Sha256, text) else {
        reading.oddity(source.at(Some(checksum.line)), format!("`{}` is no checksum", clipped(text)));
        return Integrity::none();
    };
    DigestSet::from(digest).into()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read_text, rows};

    #[test]
    fn packages_of_a_registry_are_read() {
        let sum = "a".repeat(64);
        let text = format!(
            "version = 4\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\"helper 1.0.0\"]\n[[package]]\nname = \"helper\"\nversion = \"1.0.0\"\nsource = \"registry+https://acme.example/index\"\ndependencies = [\"rmcp\"]\n[[package]]\nname = \"rmcp\"\nversion = \"0.8.0\"\nsource = \"registry+https://acme.example/index\"\nchecksum = \"{sum}\"\n[[package]]\nname = \"genai\"\nversion = \"0.1.0\"\n"
        );
        assert_eq!(rows(super::read, "Cargo.lock", &text), ["12:rmcp =0.8.0"]);
        let reading = read_text(super::read, "Cargo.lock", &text);
        assert_eq!(reading.mentions[0].brought_by, ["helper"]);
        assert_eq!(reading.mentions[0].integrity.files().len(), 1);
        assert_eq!(read_text(super::read, "Cargo.lock", &text.replace(&sum, "zz")).oddities.len(), 1);
        let old = format!(
            "[[package]]\nname = \"rmcp\"\nversion = \"0.1.0\"\nsource = \"registry+x\"\n[metadata]\n\"checksum rmcp 0.1.0 (registry+x)\" = \"{sum}\"\n"
        );
        assert_eq!(read_text(super::read, "Cargo.lock", &old).mentions[0].integrity.files().len(), 1);
        assert_eq!(read_text(super::read, "Cargo.lock", "[[package").oddities.len(), 1);
    }
}
