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
        // Another machine's synced policy folder may be shared as it is.
        let folder = place::documents_in(files, folder).map_err(FetchError::of)?;
        Ok(Self { files, folder })
    }
}

impl Source for FolderSource {
    fn fetch(&mut self, name: &str, limit: u64, _known: Option<&Tag>) -> Result<Fetched, FetchError> {
        match self.files.read(&self.folder.join(name), limit) {
            Ok(bytes) => Ok(Fetched::Bytes { bytes, tag: None }),
            Err(error) if error.is_not_found() => Ok(Fetched::Missing),
            Err(error) => Err(FetchError::of(error)),
        }
    }
}
