//! A release that somebody has as files already: one file, or the files of a folder, with the bundles that came with it.

use super::{RegistryError, RegistrySignature, Release, ReleaseFile, Source};
use crate::digest::DigestSet;
use crate::manifest::MAX_BUNDLE;
use crate::text::printable_path;
use crate::tool::PackageVersion;
use crate::world::files::{EntryKind, FileError, Files};
use std::path::{Path, PathBuf};

/// The most files of one folder.
const MAX_FILES: usize = 1000;
/// How files with attestations end; they are no files of the release.
const EVIDENCE: [&str; 7] = [".sigstore.json", ".sigstore", ".jsonl", ".bundle", ".attestation", ".provenance", ".sig"];

/// A file, or every file of a folder, as a release of this package. Nobody states a digest: `super::download` says what they are.
///
/// # Errors
/// [`RegistryError::File`] when something cannot be read or there is no file.
pub fn release(
    files: Files,
    package: PackageVersion,
    path: &Path,
    bundles: &[PathBuf],
) -> Result<(Release, Source), RegistryError> {
    let mut found = Vec::new();
    if files.stat(path)?.kind == EntryKind::Folder {
        for entry in files.list(path)? {
            let path = path.join(&entry.name);
            let is_evidence = entry.name.to_str().is_some_and(|name| EVIDENCE.iter().any(|end| name.ends_with(end)));
            if entry.kind == EntryKind::File && !is_evidence {
                if found.len() == MAX_FILES {
                    return Err(FileError::TooMany(path).into());
                }
                found.push(file(files, &path)?);
            }
        }
    } else {
        found.push(file(files, path)?);
    }
    if found.is_empty() {
        return Err(FileError::NotFound(path.join("*")).into());
    }
    let attestations = bundles.iter().map(|path| files.read(path, MAX_BUNDLE)).collect::<Result<_, _>>()?;
    let release = Release {
        package,
        released: None,
        files: found,
        attestations,
        unserved: Vec::new(),
        signature: RegistrySignature::Absent,
        withdrawn: None,
    };
    Ok((release, Source::disk(files)))
}

fn file(files: Files, path: &Path) -> Result<ReleaseFile, RegistryError> {
    let stat = files.stat(path)?;
    let text = path.to_str().ok_or_else(|| FileError::NotAFile(path.to_owned(), "a file whose name is no text"))?;
    let name = path.file_name().map_or_else(|| printable_path(path), |name| name.to_string_lossy().into_owned());
    Ok(ReleaseFile { name, url: text.to_owned(), otherwise: Vec::new(), stated: DigestSet::new(), size: Some(stat.size) })
}

impl Source {
    /// Files of this machine.
    #[must_use]
    pub fn disk(files: Files) -> Self {
        Self(super::Way::Disk(files))
    }
}
