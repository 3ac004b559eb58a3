//! A folder as a source: a share that is mounted, or a folder that other means of distribution fill.

use super::source::{FetchError, Fetched, Source, Tag};
use crate::text::printable_path;
use crate::trust::place;
use crate::world::files::{EntryKind, Files};
use std::path::{Path, PathBuf};

/// Files of a folder.
#[derive(Debug)]
pub struct FolderSource {
    files: Files,
    folder: PathBuf,
    /// The folder that was named, without links: no file is read from elsewhere.
    within: PathBuf,
}

impl FolderSource {
    /// The folder, looked at: a share that is not mounted is not a policy without files.
    ///
    /// # Errors
    /// [`FetchError`] when it is not there or no folder.
    pub fn open(files: Files, folder: &Path) -> Result<Self, FetchError> {
        let stat = files.stat(folder).map_err(FetchError::of)?;
        if stat.kind != EntryKind::Folder {
            return Err(FetchError::new(format!("`{}` is no folder", printable_path(folder))));
        }
        let within = files.canonical(folder).map_err(FetchError::of)?;
        // Another machine's synced policy folder may be shared as it is.
        let folder = place::documents_in(files, folder).map_err(FetchError::of)?;
        Ok(Self { files, folder, within })
    }
}

impl Source for FolderSource {
    fn fetch(&mut self, name: &str, limit: u64, _known: Option<&Tag>) -> Result<Fetched, FetchError> {
        let path = self.folder.join(name);
        // Whoever may write into a share may not read everything that the one who syncs may: a link in it could lead to a private
        // file, which would then stand in a copy, or in a message, that everybody can read.
        match self.files.canonical(&path) {
            Ok(real) if real.starts_with(&self.within) => {}
            Ok(_) => return Err(FetchError::new(format!("`{}` is a link that leads out of its folder", printable_path(&path)))),
            Err(error) if error.is_not_found() => return Ok(Fetched::Missing),
            Err(error) => return Err(FetchError::of(error)),
        }
        match self.files.read(&path, limit) {
            Ok(bytes) => Ok(Fetched::Bytes { bytes, tag: None }),
            Err(error) if error.is_not_found() => Ok(Fetched::Missing),
            Err(error) => Err(FetchError::of(error)),
        }
    }
}
