//! Tools that another one brings along as a plain file: the Claude Code inside an SDK or an editor extension.

use super::glob;
use super::program::Program;
use super::scan::{Draft, Scan};
use crate::catalogue::{CarriedVersion, Carries, Tool};
use crate::evidence::{Extent, Identification};
use crate::version::Version;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The largest file that is read for the version of what is carried, in bytes.
const MAX_VERSION_FILE: u64 = 64 * 1024;

/// Where the carried files of one sighting may lie.
pub(super) struct Carrier<'a> {
    /// Index of its draft.
    pub(super) draft: usize,
    /// Folders to which the paths of the catalogue are relative.
    pub(super) folders: Vec<PathBuf>,
    /// Its `package.json`, where it has one.
    pub(super) manifest: Option<&'a Value>,
}

/// Add a sighting for every tool that a carrier holds as a file.
pub(super) fn add(scan: &mut Scan<'_>, source: &'static str, carrier: &Carrier<'_>) {
    let catalogue = scan.catalogue;
    let Some(tool) = catalogue.tool(&scan.drafts[carrier.draft].sighting.tool) else { return };
    for entry in &tool.carries {
        let (Some(pattern), Some(inner)) = (&entry.path, catalogue.tool(&entry.tool)) else { continue };
        for folder in &carrier.folders {
            let matches = glob::expand(scan.files, folder, pattern);
            for (place, error) in &matches.errors {
                scan.cover_error(source, place, error);
            }
            for path in matches.paths {
                add_file(scan, carrier, (entry, inner), folder, &path);
            }
        }
    }
}

fn add_file(scan: &mut Scan<'_>, carrier: &Carrier<'_>, (entry, inner): (&Carries, &Tool), folder: &Path, path: &Path) {
    let program = match Program::look(scan.files, path) {
        Ok(program) => program,
        Err(error) => {
            scan.cover_error("carried", path, &error);
            return;
        }
    };
    // A package for several systems holds programs that cannot run here; what cannot run does not act.
    if program.is_native() && !program.runs_on(scan.world.env.os) {
        return;
    }
    // The same file is brought by one carrier: a package of its own has been seen before.
    if scan.owner(&program.path, program.inode()).is_some_and(|owner| scan.drafts[owner].sighting.tool == inner.id) {
        return;
    }
    let by = &scan.drafts[carrier.draft];
    let version = version(scan, entry, by.sighting.version.as_ref(), carrier.manifest, folder);
    let channel = by.sighting.channel;
    let mut draft = Draft::new(inner, program.path.clone(), Extent::File, channel, Identification::Metadata)
        .of_version(inner, version.as_deref())
        .brought_by(by.as_carrier());
    draft.add_program(program);
    scan.add(draft);
}

fn version(
    scan: &Scan<'_>,
    entry: &Carries,
    of_carrier: Option<&Version>,
    manifest: Option<&Value>,
    folder: &Path,
) -> Option<String> {
    match &entry.version {
        CarriedVersion::Unknown => None,
        CarriedVersion::SameAsCarrier => of_carrier.map(|version| version.as_str().to_owned()),
        CarriedVersion::PackageJson { key } => manifest?.get(key)?.as_str().map(str::to_owned),
        CarriedVersion::File { path } => {
            let bytes = scan.files.read(&folder.join(path), MAX_VERSION_FILE).ok()?;
            version_in(std::str::from_utf8(&bytes).ok()?)
        }
    }
}

/// The version in a small text: what is assigned to a name in quotes, or the whole text when it has none.
fn version_in(text: &str) -> Option<String> {
    let assigned = text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value.trim()).find_map(|value| {
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value[1..].split_once(quote).map(|(inside, _)| inside)
    });
    let version = assigned.unwrap_or(text.trim());
    let is_version =
        version.starts_with(|c: char| c.is_ascii_digit()) && version.len() <= 64 && !version.contains(char::is_whitespace);
    is_version.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_out_of_its_file() {
        let python = "\"\"\"Bundled Claude Code CLI version.\"\"\"\n\n__cli_version__ = \"2.1.91\"\n";
        assert_eq!(version_in(python).as_deref(), Some("2.1.91"), "the first quotes in it are those of a comment");
        assert_eq!(version_in("2.1.202\n").as_deref(), Some("2.1.202"));
        assert_eq!(version_in("x = '1.0'").as_deref(), Some("1.0"));
        assert_eq!(version_in("nothing here"), None);
        assert_eq!(version_in(""), None);
    }
}
