//! Objects: in the repository's own store, and where git keeps what a push brought until the hooks have agreed.
//!
//! While `pre-receive` runs, new objects lie in a folder of their own that `GIT_OBJECT_DIRECTORY` names, and the repository's store is one
//! of `GIT_ALTERNATE_OBJECT_DIRECTORIES` (git-receive-pack, "Quarantine environment"). An object that lies in neither is missing.

use super::{GitError, Repository, said};
use crate::world::env::Env;
use gix::odb::HeaderExt as _;
use gix::prelude::FindExt as _;
use gix::{ObjectId, objs};
use std::path::PathBuf;

/// The most references that are followed from a tag to what it names.
const MAX_TAGS: usize = 16;

impl Repository {
    /// Look for objects in the folders that the environment names, too.
    ///
    /// # Errors
    /// [`GitError`] when one of them cannot be opened: what a push brings could lie there.
    pub(super) fn look_elsewhere(&mut self, env: &Env) -> Result<(), GitError> {
        let here = env.current_dir();
        let main = env.get("GIT_OBJECT_DIRECTORY").map(|path| here.join(path));
        let alternates = env.get("GIT_ALTERNATE_OBJECT_DIRECTORIES").map(|list| std::env::split_paths(list).collect::<Vec<_>>());
        let own = self.common_dir().join("objects");
        let folders = main.into_iter().chain(alternates.into_iter().flatten().map(|path| here.join(path)));
        for folder in folders.filter(|folder| *folder != own).collect::<Vec<PathBuf>>() {
            let options = gix::odb::store::init::Options::default();
            let store = gix::odb::at_opts(folder.clone(), self.inner.object_hash(), Vec::new(), options)
                .map_err(|error| GitError::Open { path: folder, why: error.to_string() })?;
            self.elsewhere.push(store);
        }
        Ok(())
    }

    /// What an object is and how many bytes it has, before any of it is unpacked.
    pub(super) fn header(&self, id: ObjectId) -> Result<(objs::Kind, u64), GitError> {
        let missing = match self.inner.find_header(id) {
            Ok(header) => {
                self.is_loose.set(matches!(header, gix::odb::find::Header::Loose { .. }));
                return Ok((header.kind(), header.size()));
            }
            Err(error) => error,
        };
        let found = self.elsewhere.iter().find_map(|store| store.header(id).ok());
        found
            .map(|header| (header.kind(), header.size()))
            .ok_or_else(|| GitError::Object { id: id.to_string(), why: said(&missing) })
    }

    /// The bytes of an object that has to be of this kind.
    pub(super) fn object(&self, id: ObjectId, kind: objs::Kind) -> Result<Vec<u8>, GitError> {
        match self.any_object(id)? {
            (found, data) if found == kind => Ok(data),
            (found, _) => {
                Err(GitError::Object { id: id.to_string(), why: format!("it is a {found} where a {kind} is expected") })
            }
        }
    }

    /// An object of whatever kind.
    pub(super) fn any_object(&self, id: ObjectId) -> Result<(objs::Kind, Vec<u8>), GitError> {
        let missing = match self.inner.find_object(id) {
            Ok(mut object) => return Ok((object.kind, std::mem::take(&mut object.data))),
            Err(error) => error,
        };
        let mut data = Vec::new();
        let found = self.elsewhere.iter().find_map(|store| {
            data.clear();
            store.find(&id, &mut data).ok().map(|object| object.kind)
        });
        match found {
            Some(kind) => Ok((kind, data)),
            None => Err(GitError::Object { id: id.to_string(), why: said(&missing) }),
        }
    }

    /// The object that a name leads to. A whole id is its own name: what a push brings has no other yet.
    pub(super) fn named(&self, name: &str) -> Result<ObjectId, GitError> {
        if let Ok(id) = ObjectId::from_hex(name.as_bytes())
            && id.kind() == self.inner.object_hash()
        {
            return Ok(id);
        }
        match self.inner.rev_parse_single(name) {
            Ok(id) => Ok(id.detach()),
            Err(error) => Err(GitError::Revision { name: name.to_owned(), why: said(&error) }),
        }
    }

    /// The commit that an object is or that a tag names.
    pub(super) fn commit_below(&self, mut id: ObjectId) -> Result<(ObjectId, Vec<u8>), GitError> {
        for _ in 0..MAX_TAGS {
            match self.header(id)?.0 {
                objs::Kind::Tag => {
                    let tag = self.object(id, objs::Kind::Tag)?;
                    let wrong = |why: String| GitError::Object { id: id.to_string(), why };
                    id = objs::TagRefIter::from_bytes(&tag, id.kind()).target_id().map_err(|e| wrong(e.to_string()))?;
                }
                _ => return Ok((id, self.object(id, objs::Kind::Commit)?)),
            }
        }
        Err(GitError::TooMuch(format!("more than {MAX_TAGS} tags that name each other")))
    }

    /// The tree of the commit or tag that an object is, or itself.
    pub(super) fn tree_below(&self, id: ObjectId) -> Result<ObjectId, GitError> {
        if self.header(id)?.0 == objs::Kind::Tree {
            return Ok(id);
        }
        let (id, commit) = self.commit_below(id)?;
        objs::CommitRefIter::from_bytes(&commit, id.kind())
            .tree_id()
            .map_err(|error| GitError::Object { id: id.to_string(), why: error.to_string() })
    }
}
