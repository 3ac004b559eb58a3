//! Which commits a range brings, and what their messages say.

use super::{GitError, Repository, said};
use gix::objs::{CommitRef, Data};
use gix::traverse::commit::Simple;
use gix::{ObjectId, objs, oid};
use std::collections::HashSet;

/// The most commits of one range whose messages are read.
pub const MAX_COMMITS: usize = 10_000;

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id, hex.
    pub id: String,
    /// The name of its author.
    pub author: String,
    /// The e-mail address of its author.
    pub email: String,
    /// The whole message; what is not UTF-8 in it is replaced.
    pub message: String,
}

/// The commits of a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commits {
    /// Newest first.
    pub commits: Vec<Commit>,
    /// Whether there are more of them than are read ([`MAX_COMMITS`]).
    pub is_cut: bool,
}

/// Which references say what somebody else has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Every one: in the repository that is pushed to.
    All,
    /// Those that remember other repositories (`refs/remotes/`): in the repository that is pushed from.
    Remotes,
}

impl Repository {
    /// What `git rev-list BASE..HEAD` lists, with the messages. A base of zeros, as a push of a new branch has it, stands for everything
    /// that the other side is known to have: in a bare repository what a reference leads to already, but for the head itself, elsewhere
    /// what one below `refs/remotes/` does.
    ///
    /// # Errors
    /// [`GitError`] when a name leads to no commit, or when a commit that does not lie behind the edge of a shallow clone cannot be
    /// read.
    pub fn commits_between(&self, base: &str, head: &str) -> Result<Commits, GitError> {
        if is_zero(head) {
            return Ok(Commits::default());
        }
        let head = self.commit_below(self.named(head)?)?.0;
        let known = if is_zero(base) {
            // Where commits are made, a branch of one's own says nothing of what the other side has.
            let among = if self.work_tree().is_some() { Among::Remotes } else { Among::All };
            self.referenced(among)?.into_iter().filter(|id| *id != head).collect()
        } else {
            vec![self.commit_below(self.named(base)?)?.0]
        };
        let mut found = Commits::default();
        let (ids, is_cut) = self.unknown(head, known)?;
        for id in ids {
            found.commits.push(self.commit(id)?);
        }
        found.is_cut = is_cut;
        Ok(found)
    }

    /// The commit that a new branch begins at: going back from `head` by first parents, the first commit that a reference of
    /// `among` leads to. Zeros where none does, and where more than [`MAX_COMMITS`] are new: then everything is.
    ///
    /// # Errors
    /// [`GitError`] when `head` leads to no commit, or a reference or a commit cannot be read.
    pub fn beginning_of(&self, head: &str, among: Among) -> Result<String, GitError> {
        let head = self.commit_below(self.named(head)?)?.0;
        let zeros = head.kind().null().to_string();
        let known = self.referenced(among)?;
        if known.is_empty() {
            return Ok(zeros);
        }
        let (new, is_cut) = self.unknown(head, known)?;
        if is_cut {
            return Ok(zeros);
        }
        let new: HashSet<ObjectId> = new.into_iter().collect();
        let shallow = self.shallow()?;
        let mut at = head;
        while new.contains(&at) {
            let data = self.object(at, objs::Kind::Commit)?;
            let parent = CommitRef::from_bytes(&data, at.kind())
                .map_err(|e| GitError::Object { id: at.to_string(), why: e.to_string() })?
                .parents()
                .next();
            match parent {
                Some(parent) if !shallow.contains(&at) => at = parent,
                _ => return Ok(zeros),
            }
        }
        Ok(at.to_string())
    }

    /// Whether a name leads to a commit that is here.
    #[must_use]
    pub fn has_commit(&self, name: &str) -> bool {
        self.named(name).and_then(|id| self.commit_below(id)).is_ok()
    }

    /// The commits that `head` leads to and none of `known` does, newest first, and whether there are more than [`MAX_COMMITS`].
    fn unknown(&self, head: ObjectId, known: Vec<ObjectId>) -> Result<(Vec<ObjectId>, bool), GitError> {
        let wrong = |e: &gix::Error| GitError::Object { id: head.to_string(), why: said(e) };
        let stores = Stores { repository: self, shallow: self.shallow()? };
        let walk = Simple::new([head], &stores).hide(known).map_err(|e| wrong(&e))?;
        let mut ids = Vec::new();
        for info in walk {
            if ids.len() == MAX_COMMITS {
                return Ok((ids, true));
            }
            ids.push(info.map_err(|e| wrong(&e))?.id);
        }
        Ok((ids, false))
    }

    fn commit(&self, id: ObjectId) -> Result<Commit, GitError> {
        let data = self.object(id, objs::Kind::Commit)?;
        let wrong = |why: String| GitError::Object { id: id.to_string(), why };
        let commit = CommitRef::from_bytes(&data, id.kind()).map_err(|e| wrong(e.to_string()))?;
        let author = commit.author().map_err(|e| wrong(e.to_string()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Commit { id: id.to_string(), author: text(author.name), email: text(author.email), message: text(commit.message) })
    }

    /// The commits that references lead to.
    fn referenced(&self, among: Among) -> Result<Vec<ObjectId>, GitError> {
        let wrong = |why: String| GitError::Revision { name: "--all".to_owned(), why };
        let platform = self.inner.references().map_err(|e| wrong(said(&e)))?;
        let mut ids = Vec::new();
        for reference in platform.all().map_err(|e| wrong(said(&e)))? {
            let mut reference = reference.map_err(|e| wrong(e.to_string()))?;
            if among == Among::Remotes && !reference.name().as_bstr().starts_with(b"refs/remotes/") {
                continue;
            }
            // A reference to something else than a commit, or to nothing that is here, has no commits.
            if let Ok(id) = reference.peel_to_id()
                && let Ok((commit, _)) = self.commit_below(id.detach())
            {
                ids.push(commit);
            }
        }
        Ok(ids)
    }

    /// The commits at the edge of a shallow clone: their parents are named and not here.
    fn shallow(&self) -> Result<HashSet<ObjectId>, GitError> {
        let commits = self.inner.shallow_commits().map_err(|e| GitError::Object { id: "shallow".to_owned(), why: said(&e) })?;
        Ok(commits.map(|commits| commits.iter().copied().collect()).unwrap_or_default())
    }
}

fn is_zero(name: &str) -> bool {
    name.len() >= 40 && name.bytes().all(|b| b == b'0')
}

/// Commits of every store, with the edge of a shallow clone as their beginning.
struct Stores<'r> {
    repository: &'r Repository,
    shallow: HashSet<ObjectId>,
}

impl objs::Find for &Stores<'_> {
    fn try_find<'a>(&self, id: &oid, buffer: &'a mut Vec<u8>) -> Result<Option<Data<'a>>, gix::Error> {
        let id = id.to_owned();
        // What is missing ends the walk with an error of its own.
        let Ok((kind, data)) = self.repository.any_object(id) else { return Ok(None) };
        *buffer = if self.shallow.contains(&id) { without_parents(&data) } else { data };
        Ok(Some(Data { kind, object_hash: id.kind(), data: buffer }))
    }
}

/// A commit without its `parent` lines, which stand in its head alone.
fn without_parents(commit: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(commit.len());
    let mut is_head = true;
    for line in commit.split_inclusive(|b| *b == b'\n') {
        is_head &= line != b"\n";
        if !(is_head && line.starts_with(b"parent ")) {
            kept.extend_from_slice(line);
        }
    }
    kept
}
