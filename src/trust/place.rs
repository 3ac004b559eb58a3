//! Where the documents of a policy folder are: in the folder itself, or in the set that its pointer names.
//!
//! A folder that is synced holds sets of documents side by side and one small file that names the set in force. Replacing that
//! file is one rename, so that whoever reads it once and then reads that set alone sees the old documents or the new ones and
//! never a mix, on every system, and a crash leaves one or the other.

use crate::text::{printable, printable_path};
use crate::world::files::{FileError, Files};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The name of the manifest in a policy folder.
pub const MANIFEST_FILE: &str = "vetted.toml";
/// The name of the trust policy in a policy folder.
pub const TRUST_FILE: &str = "vetted-trust.toml";
/// The name of the revocations document in a policy folder.
pub const REVOCATIONS_FILE: &str = "vetted-revocations.toml";
/// The file that names the set in force.
pub const POINTER_FILE: &str = "vetted-current";
/// The folder of the sets.
pub const SETS_FOLDER: &str = "vetted-sets";
/// The longest pointer, in bytes.
const MAX_POINTER: u64 = 128;

/// Why it cannot be told where the documents are.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// The pointer is there and cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The pointer names no set.
    #[error("`{}` names no set of documents: `{}`", printable_path(.path), printable(.found))]
    Pointer {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
}

/// The folder that the documents of a policy folder are in. Read once a run, and everything below it.
///
/// # Errors
/// [`PlaceError`]: a pointer that is there and cannot be followed never leads back to the folder itself.
pub fn documents_in(files: Files, folder: &Path) -> Result<PathBuf, PlaceError> {
    let path = folder.join(POINTER_FILE);
    let bytes = match files.read(&path, MAX_POINTER) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(folder.to_owned()),
        Err(error) => return Err(error.into()),
    };
    let text = String::from_utf8_lossy(&bytes);
    match text.trim_end() {
        name if is_set(name) => Ok(folder.join(SETS_FOLDER).join(name)),
        found => Err(PlaceError::Pointer { path, found: found.to_owned() }),
    }
}

/// The policy folder that documents belong to: where what is this machine's own lies, the pin above all.
#[must_use]
pub fn policy_folder(documents: &Path) -> &Path {
    match documents.parent() {
        Some(sets) if sets.file_name().is_some_and(|name| name == SETS_FOLDER) => sets.parent().unwrap_or(documents),
        _ => documents,
    }
}

/// Whether a name can be that of a set: letters, digits and dashes.
#[must_use]
pub fn is_set(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_that_names_no_set_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(POINTER_FILE);
        assert_eq!(documents_in(Files, folder.path()).unwrap(), folder.path());
        Files.write_atomic(&path, b"47-9-0a1b\n", 0o644).unwrap();
        assert_eq!(documents_in(Files, folder.path()).unwrap(), folder.path().join("vetted-sets/47-9-0a1b"));
        for wrong in ["", "\n", "../..", "/etc", "a/b", ".new", "a\0", "-rf", "\u{1b}[2J"] {
            Files.write_atomic(&path, wrong.as_bytes(), 0o644).unwrap();
            assert!(matches!(documents_in(Files, folder.path()), Err(PlaceError::Pointer { .. })), "{wrong:?}");
        }
        Files.write_atomic(&path, "x".repeat(129).as_bytes(), 0o644).unwrap();
        assert!(matches!(documents_in(Files, folder.path()), Err(PlaceError::File(_))));
    }
}
