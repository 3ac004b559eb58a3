//! The policy in force at this place: the believed documents, and what the machine, the repository and the user narrow.

use crate::error::Error;
use crate::gather::repository::Which;
use crate::manifest::layer::{Layer, Narrowing};
use crate::manifest::machine::{MACHINE_FILE, Machine};
use crate::manifest::scope::{RepositoryName, Site};
use crate::manifest::source::SOURCE_FILE;
use crate::manifest::{MAX_UNVERIFIED, Manifest};
use crate::policy::Policy;
use crate::text::printable_path;
use crate::trust::document::{Loaded, MANIFEST_FILE};
use crate::world::World;
use crate::world::git::{BlobId, GitError, Repository, Snapshot};
use std::path::{Path, PathBuf};

/// The user's own layer, in the user's policy folder.
pub(super) const USER_FILE: &str = "vetted-user.toml";

/// The policy in force, with the layer of the repository as `which` has it.
///
/// # Errors
/// [`Error`] when a layer or the groups of this machine are there and cannot be read: what they narrow would be lost.
pub(super) fn policy(world: &World, loaded: &Loaded, repository: Option<&Repository>, which: &Which) -> Result<Policy, Error> {
    let policy = without_user(world, loaded, repository, which)?;
    Ok(match of_user(world)? {
        Some((path, layer)) => policy.narrowed_by(Narrowing::of(Layer::User, path, &layer)),
        None => policy,
    })
}

/// [`policy`] without the layer of whoever runs this: for what is written for everybody.
///
/// # Errors
/// As [`policy`].
pub(super) fn without_user(
    world: &World,
    loaded: &Loaded,
    repository: Option<&Repository>,
    which: &Which,
) -> Result<Policy, Error> {
    let mut policy = documents(loaded);
    if has_source(world, loaded) {
        policy = policy.with_source();
    }
    let (machine, _) = machine(world, loaded)?;
    policy = policy.at(Site { groups: machine.groups, repository: repository.and_then(name_of) });
    if let Some(repository) = repository {
        for layer in of_repository(repository, which)? {
            // The organisation's own manifest, in the repository where it is kept, is no layer below itself.
            if layer.header.name != policy.manifest().header.name {
                policy = policy.narrowed_by(Narrowing::of(Layer::Repository, MANIFEST_FILE.into(), &layer));
            }
        }
    }
    Ok(policy)
}

/// The believed documents by themselves, without what narrows them here: for commands that tell of a policy. Nothing is judged
/// under it.
pub(super) fn documents(loaded: &Loaded) -> Policy {
    let policy = Policy::new(loaded.manifest.clone()).with_memory(loaded.memory);
    match &loaded.revocations {
        Some(revocations) => policy.with_revocations(revocations.clone()),
        None => policy,
    }
}

/// The name of the repository that scopes of waivers ask for, by its own configuration and nothing else: no variable of a CI
/// service can give a repository another name.
pub(super) fn name_of(repository: &Repository) -> Option<RepositoryName> {
    RepositoryName::of_remote(&repository.origin()?)
}

/// The groups of this machine, and the file that would say them. The machine's own folder where its policy is in force, else the
/// user's: a user cannot put a machine into other groups than its administrator did.
///
/// # Errors
/// [`Error`] when the file is there and cannot be read.
pub(super) fn machine(world: &World, loaded: &Loaded) -> Result<(Machine, Option<PathBuf>), Error> {
    let of_machine = world.env.machine_policy().filter(|folder| loaded.folder.as_deref() == Some(folder));
    let Some(path) = of_machine.or_else(|| world.env.user_policy()).map(|folder| folder.join(MACHINE_FILE)) else {
        return Ok((Machine::default(), None));
    };
    let cannot = |error: &dyn std::error::Error| {
        let shown = printable_path(&path);
        Error::undecided("cannot tell which groups this machine is in")
            .because(error)
            .hint(format!("correct `{shown}`, or remove it: without it the machine is in no group"))
    };
    let machine = match world.files.read(&path, MAX_UNVERIFIED) {
        Ok(bytes) => Machine::parse(&path, &bytes).map_err(|error| cannot(&error))?,
        Err(error) if error.is_not_found() => Machine::default(),
        Err(error) => return Err(cannot(&error)),
    };
    Ok((machine, Some(path)))
}

/// Whether this machine knows where newer documents are had from, by the manifest or by its own pin.
fn has_source(world: &World, loaded: &Loaded) -> bool {
    let pin = loaded.folder.as_deref().map(|folder| folder.join(SOURCE_FILE));
    !loaded.manifest.get().sync.sources.is_empty() || pin.is_some_and(|path| world.files.lstat(&path).is_ok())
}

/// The user's own layer, where there is one.
fn of_user(world: &World) -> Result<Option<(PathBuf, Manifest)>, Error> {
    let Some(path) = world.env.user_policy().map(|folder| folder.join(USER_FILE)) else { return Ok(None) };
    let cannot = |error: &dyn std::error::Error| {
        let shown = printable_path(&path);
        Error::undecided("cannot read your own layer").because(error).hint(format!("correct `{shown}`, or remove it"))
    };
    match world.files.read(&path, MAX_UNVERIFIED) {
        Ok(bytes) => {
            let manifest = Manifest::parse(&path, &bytes).map_err(|error| cannot(&error))?;
            Ok(Some((path, manifest)))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(cannot(&error)),
    }
}

/// What the repository's own manifest says; in conflict, each stage of it.
fn of_repository(repository: &Repository, which: &Which) -> Result<Vec<Manifest>, Error> {
    let cannot = |error: &dyn std::error::Error| {
        Error::undecided(format!("cannot read the repository's own `{MANIFEST_FILE}`"))
            .because(error)
            .hint(format!("correct it, or take it out of the repository: `git rm --cached {MANIFEST_FILE}`"))
    };
    let mut layers = Vec::new();
    for id in blobs(repository, which).map_err(|error| unread(&error))? {
        let bytes = repository.blob(id, MAX_UNVERIFIED).map_err(|error| cannot(&error))?;
        layers.push(Manifest::parse(Path::new(MANIFEST_FILE), &bytes).map_err(|error| cannot(&error))?);
    }
    Ok(layers)
}

/// What keeps the repository from being read.
pub(super) fn unread(error: &GitError) -> Error {
    Error::undecided("cannot read what the repository holds").because(error)
}

fn blobs(repository: &Repository, which: &Which) -> Result<Vec<BlobId>, GitError> {
    let is_manifest = |path: &Path| path == Path::new(MANIFEST_FILE);
    let snapshot = match which {
        // With a range, the base: a change must not loosen the rules it is judged by, nor break them.
        Which::Range { base, head } if base.bytes().all(|b| b == b'0') => Snapshot::Commit(head.clone()),
        Which::Range { base, .. } => Snapshot::Commit(base.clone()),
        Which::Staged | Which::Message(_) => {
            // What is not staged is as HEAD has it, and HEAD is found without stepping through the index.
            let staged = repository.staged(&is_manifest)?;
            let ids = staged.iter().filter_map(|change| Some(change.after?.0)).collect();
            return if staged.is_empty() { Ok(repository.head_file(MANIFEST_FILE)?.into_iter().collect()) } else { Ok(ids) };
        }
        Which::Index => Snapshot::Index,
    };
    Ok(repository.files(&snapshot, &is_manifest)?.into_iter().map(|entry| entry.id).collect())
}
