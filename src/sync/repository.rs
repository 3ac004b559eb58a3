//! A git repository as a source: the top folder of a branch.
//!
//! Git brings the newest commit alone into a bare repository below the cache folder. Files are read from its objects by the same
//! code that reads commits for `check`; nothing is ever checked out, so no filter, no attribute and no hook of it comes to run.

use super::source::{FetchError, Fetched, Source, Tag};
use crate::digest::Digest;
use crate::text::printable_path;
use crate::world::World;
use crate::world::git::{BlobId, GitError, Mode, Repository, Snapshot};
use crate::world::network::Patience;
use crate::world::process;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the newest commit is kept.
const COMMIT: &str = "refs/vetted/source";
/// After so many packs the repository is fetched anew: nothing tidies it up.
const MAX_PACKS: usize = 40;

/// The files of a branch.
#[derive(Debug)]
pub struct RepositorySource {
    repository: Repository,
    files: BTreeMap<PathBuf, (BlobId, Mode)>,
}

impl RepositorySource {
    /// Bring the newest commit of a branch here; without one, of the branch that the repository names itself.
    ///
    /// # Errors
    /// [`FetchError`] when git is not there, cannot reach it or takes too long, or what it brought cannot be read.
    pub fn fetch(world: &World, url: &str, branch: Option<&str>) -> Result<Self, FetchError> {
        let Some(cache) = world.env.cache_home() else {
            return Err(FetchError::new("a git repository needs a cache folder, and the environment names no home folder"));
        };
        let key = Digest::sha256_of(format!("{url}#{}", branch.unwrap_or_default()).as_bytes()).hex();
        let folder = cache.join("vetted").join("sync").join(format!("git-{}", &key[..16]));
        // Git may take as long as one answer of a web server.
        let patience = Patience::of(&world.env).total;
        match bring(world, &folder, url, branch, patience).and_then(|()| Self::read(&folder)) {
            Ok(source) => Ok(source),
            Err(error) => {
                // It is only a copy. One that is damaged must not fail the next time, too.
                let _ = world.files.remove_folder(&folder);
                Err(error)
            }
        }
    }

    fn read(folder: &Path) -> Result<Self, FetchError> {
        let unread = |e: GitError| FetchError::of(e);
        let missing = || FetchError::new(format!("`{}` is no repository", printable_path(folder)));
        let repository = Repository::discover_from(folder).map_err(unread)?.ok_or_else(missing)?;
        let entries = repository.files(&Snapshot::Commit(COMMIT.to_owned()), &|_| true).map_err(unread)?;
        let files = entries.into_iter().map(|entry| (entry.path, (entry.id, entry.mode))).collect();
        Ok(Self { repository, files })
    }
}

fn bring(world: &World, folder: &Path, url: &str, branch: Option<&str>, patience: Duration) -> Result<(), FetchError> {
    let files = world.files;
    let packs = files.list(&folder.join("objects/pack")).map_or(0, |entries| entries.len());
    if packs > MAX_PACKS * 3 {
        files.remove_folder(folder).map_err(FetchError::of)?;
    }
    files.create_private_folder(folder).map_err(FetchError::of)?;
    let git = |arguments: &[&str]| process::git(&world.env, folder, url, arguments, patience).map_err(FetchError::of);
    if files.lstat(&folder.join("HEAD")).is_err() {
        git(&["init", "--quiet", "--bare", "--template=", "."])?;
    }
    let from = branch.map_or_else(|| "HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
    let refspec = format!("+{from}:{COMMIT}");
    git(&["--git-dir=.", "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--", url, &refspec])?;
    Ok(())
}

impl Source for RepositorySource {
    fn fetch(&mut self, name: &str, limit: u64, known: Option<&Tag>) -> Result<Fetched, FetchError> {
        let Some((id, mode)) = self.files.get(Path::new(name)) else { return Ok(Fetched::Missing) };
        if !matches!(mode, Mode::File { .. }) {
            return Err(FetchError::new(format!("`{}` is no file in the repository", crate::text::printable(name))));
        }
        let tag = Tag(format!("git {id}"));
        if known == Some(&tag) {
            return Ok(Fetched::NotModified);
        }
        let bytes = self.repository.blob(*id, limit).map_err(FetchError::of)?;
        Ok(Fetched::Bytes { bytes, tag: Some(tag) })
    }
}
