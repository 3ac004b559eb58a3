//! Sets of documents side by side, and the one that is in force.
//!
//! A new set is written whole into a folder of its own and made durable; then one small file, the pointer, is replaced by a rename.
//! A reader has read the pointer before or after. The set before stays until the next one comes, for whoever is still reading it.

use super::SyncError;
use crate::text::printable_path;
use crate::trust::place::{self, POINTER_FILE, SETS_FOLDER};
use crate::world::World;
use crate::world::files::{EntryKind, Files};
use std::path::{Path, PathBuf};

/// What the folder of a set begins with while it is being written: no pointer can name it.
const UNFINISHED: &str = ".new-";

/// A set that is being written. It goes away with this value unless it is put in force.
#[derive(Debug)]
pub struct Staging {
    files: Files,
    policy: PathBuf,
    folder: PathBuf,
    mark: String,
}

impl Staging {
    /// An empty set beside the others of a policy folder.
    ///
    /// # Errors
    /// [`SyncError::Write`].
    pub fn begin(world: &World, policy: &Path) -> Result<Self, SyncError> {
        let sets = policy.join(SETS_FOLDER);
        let random = world.random().ok_or_else(|| SyncError::Write("the system gives no random numbers".to_owned()))?;
        let mark = hex::encode(&random[..4]);
        let folder = sets.join(format!("{UNFINISHED}{mark}"));
        let files = world.files;
        files.create_shared_folder(&sets).and_then(|()| files.create_shared_folder(&folder)).map_err(SyncError::write)?;
        Ok(Self { files, policy: policy.to_owned(), folder, mark })
    }

    /// Where it is written.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Write a file; the name is relative and its folders are made.
    ///
    /// # Errors
    /// [`SyncError::Write`].
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), SyncError> {
        let path = self.path_of(name)?;
        self.files.write_atomic(&path, bytes, 0o644).map_err(SyncError::write)
    }

    /// Take over a file of another set as it is, without copying it where the file system can.
    ///
    /// # Errors
    /// [`SyncError::Write`].
    pub fn take_over(&self, name: &str, from: &Path) -> Result<(), SyncError> {
        let path = self.path_of(name)?;
        self.files.link_or_copy(from, &path).map_err(SyncError::write)
    }

    fn path_of(&self, name: &str) -> Result<PathBuf, SyncError> {
        let mut folder = self.folder.clone();
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            folder.push(part);
            self.files.create_shared_folder(&folder).map_err(SyncError::write)?;
        }
        Ok(folder.join(file))
    }

    /// Put it in force: everything of it is on the disk before the pointer names it. `serial` is for people who look into the
    /// folder.
    ///
    /// # Errors
    /// [`SyncError::Write`]; the set that was in force then still is.
    pub fn put_in_force(self, serial: u64) -> Result<PathBuf, SyncError> {
        let name = format!("{serial}-{}", self.mark);
        let sets = self.policy.join(SETS_FOLDER);
        let folder = sets.join(&name);
        let before = place::documents_in(self.files, &self.policy).ok();
        self.files.sync_folders_below(&self.folder).map_err(SyncError::write)?;
        self.files.rename(&self.folder, &folder).map_err(SyncError::write)?;
        self.files.sync_folder(&sets);
        let pointer = self.policy.join(POINTER_FILE);
        self.files.write_atomic(&pointer, format!("{name}\n").as_bytes(), 0o644).map_err(SyncError::write)?;
        tidy(self.files, &self.policy, &[Some(folder.as_path()), before.as_deref()]);
        Ok(folder)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After it was put in force nothing has this name any more; what cannot be removed is removed by a later sync.
        let _ = self.files.remove_folder(&self.folder);
    }
}

/// Remove what no reader can be reading: sets before the last two, and those that were never finished.
fn tidy(files: Files, policy: &Path, kept: &[Option<&Path>]) {
    let sets = policy.join(SETS_FOLDER);
    for entry in files.list(&sets).unwrap_or_default() {
        let folder = sets.join(&entry.name);
        if entry.kind == EntryKind::Folder && !kept.contains(&Some(folder.as_path())) {
            let _ = files.remove_folder(&folder);
        }
    }
}

/// What is said where a policy folder cannot be written by this user.
#[must_use]
pub fn not_writable(folder: &Path) -> String {
    format!("`{}` cannot be written by this user", printable_path(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_in_force_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path();
        let world = World::of_this_process();
        let current = || place::documents_in(Files, policy).unwrap();
        let put = |text: &str, serial| {
            let staging = Staging::begin(&world, policy).unwrap();
            staging.put("vetted.toml", text.as_bytes()).unwrap();
            staging.put("attestations/a/b.json", text.as_bytes()).unwrap();
            assert_ne!(current(), staging.folder());
            staging.put_in_force(serial).unwrap()
        };
        assert_eq!(current(), policy);
        let first = put("one", 1);
        assert_eq!(current(), first);
        let second = put("two", 2);
        assert_eq!(Files.read(&first.join("vetted.toml"), 9).unwrap(), b"one", "a reader of the set before is not disturbed");
        drop(Staging::begin(&world, policy).unwrap());
        let third = put("three", 3);
        let names: Vec<_> = Files.list(&policy.join(SETS_FOLDER)).unwrap().into_iter().map(|e| e.name).collect();
        let kept = [second.file_name().unwrap(), third.file_name().unwrap()];
        assert_eq!(names, kept);
        assert_eq!(Files.read(&current().join("attestations/a/b.json"), 9).unwrap(), b"three");
    }
}
