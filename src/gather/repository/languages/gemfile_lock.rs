//! `Gemfile.lock` and `gems.locked` (Bundler): sections with `specs`, and since version 2.5 a section of checksums.

use super::{add_locked, exact, known};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::evidence::Integrity;
use crate::gather::repository::document::{clipped, text_of};
use crate::gather::repository::ways::NamedWays;
use crate::gather::repository::{Format, Reading, Source};
use crate::tool::Ecosystem;
use std::collections::HashMap;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format::named("Gemfile.lock", |place| place.is_called(&["Gemfile.lock", "gems.locked"]), read);

/// A gem of the lock.
struct Gem<'t> {
    name: &'t str,
    version: &'t str,
    line: u32,
    needs: Vec<String>,
    /// Whether it is a folder of the repository.
    is_here: bool,
}

fn read(source: &Source<'_>) -> Reading {
    let text = match text_of(source.bytes) {
        Ok(text) => text,
        Err(error) => return Reading::unreadable(source, "text", &error),
    };
    if let Some((line, _)) = (1_u32..).zip(text.lines()).find(|(_, line)| line.starts_with("<<<<<<< ")) {
        return Reading::odd(source.at(Some(line)), "it holds an unresolved conflict".to_owned());
    }
    let mut reading = Reading::default();
    let gems = gems(text);
    let checksums = checksums(source, text, &mut reading);
    let mut ways: Option<NamedWays> = None;
    for (index, gem) in gems.iter().enumerate().filter(|(_, gem)| !gem.is_here) {
        let Some(known) = known(source.catalogue, Ecosystem::Gem, gem.name) else { continue };
        let ways = ways.get_or_insert_with(|| {
            let names: Vec<String> = gems.iter().map(|gem| gem.name.to_owned()).collect();
            let needs: Vec<Vec<String>> = gems.iter().map(|gem| gem.needs.clone()).collect();
            NamedWays::of(names, &needs, gems.iter().map(|gem| gem.is_here).collect())
        });
        let files = checksums.get(&(gem.name, gem.version)).cloned().unwrap_or_default();
        let locked = (exact(Ecosystem::Gem, without_platform(gem.version)), Integrity::of_files(files), ways.to(index));
        add_locked(source, known, locked, gem.line, &mut reading);
    }
    reading
}

/// `    name (version)` in the `specs` of a section, with what it needs indented by two more.
fn gems(text: &str) -> Vec<Gem<'_>> {
    let mut gems: Vec<Gem<'_>> = Vec::new();
    let mut section = "";
    for (number, line) in (1_u32..).zip(text.lines()) {
        let depth = line.len() - line.trim_start_matches(' ').len();
        match (depth, section) {
            (0, _) => section = line.trim(),
            (4, "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE") => {
                if let Some((name, version)) = entry(line) {
                    gems.push(Gem { name, version, line: number, needs: Vec::new(), is_here: section == "PATH" });
                }
            }
            (6, _) => {
                let name = line.trim().split(' ').next().unwrap_or_default().trim_end_matches('!');
                if let Some(gem) = gems.last_mut() {
                    gem.needs.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    gems
}

/// `name (version)`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim().split_once(" (")?;
    Some((name, rest.split_once(')')?.0))
}

/// `  name (version) sha256=<hex>` of the section of checksums.
fn checksums<'t>(source: &Source<'_>, text: &'t str, reading: &mut Reading) -> HashMap<(&'t str, &'t str), Vec<DigestSet>> {
    let mut found: HashMap<(&str, &str), Vec<DigestSet>> = HashMap::new();
    let mut is_inside = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        if !line.starts_with(' ') {
            is_inside = line.trim() == "CHECKSUMS";
            continue;
        }
        let Some(hex) = line.split_once(" sha256=").map(|(_, rest)| rest.split([' ', ',']).next().unwrap_or(rest)) else {
            continue;
        };
        let Some(entry) = entry(line).filter(|_| is_inside) else { continue };
        match Digest::parse(Algorithm::Sha256, hex) {
            Ok(digest) => found.entry(entry).or_default().push(digest.into()),
            Err(_) => reading.oddity(source.at(Some(number)), format!("`{}` is no checksum", clipped(hex))),
        }
    }
    found
}

/// `1.16.0-x86_64-linux` is version 1.16.0 for one platform: versions of gems have no `-` of their own.
fn without_platform(version: &str) -> &str {
    version.split('-').next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read_text, rows};

    #[test]
    fn gems_of_a_lock_are_read() {
        let text = format!(
            "GIT\n  remote: https://acme.example/x\n  specs:\n    mcp (0.3.0)\n\nPATH\n  remote: .\n  specs:\n    shop (0.1.0)\n      langchainrb\n    anthropic (1.0.0)\n\nGEM\n  remote: https://acme.example/\n  specs:\n    langchainrb (0.19.0)\n      ruby-openai (>= 6)\n    ruby-openai (7.0.1-java)\n\nDEPENDENCIES\n  openai (= 1)\n\nCHECKSUMS\n  ruby-openai (7.0.1-java) sha256={}\n",
            "a".repeat(64)
        );
        assert_eq!(rows(super::read, "Gemfile.lock", &text), ["4:mcp =0.3.0", "16:langchainrb =0.19.0", "18:ruby-openai =7.0.1"]);
        let reading = read_text(super::read, "Gemfile.lock", &text);
        assert_eq!(reading.mentions[2].brought_by, ["langchainrb"]);
        assert_eq!(reading.mentions[2].integrity.files().len(), 1);
        assert_eq!(read_text(super::read, "Gemfile.lock", "<<<<<<< HEAD\n").oddities.len(), 1);
        assert_eq!(rows(super::read, "Gemfile.lock", "GEM\n    (\n      \n    x (\n"), [] as [String; 0]);
    }
}
