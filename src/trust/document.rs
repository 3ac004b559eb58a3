//! Policy folders: which one applies, and what of it is believed.
//!
//! A folder holds `vetted-trust.toml`, `vetted.toml`, where the trust policy names signers for it `vetted-revocations.toml`, and their
//! signatures. A folder that is there and cannot be believed ends the search: falling through to a weaker policy would make breaking
//! one file a way around it.

use super::against::Against;
use super::folder;
use super::state::{Floors, State, StateError, Store};
use super::{Memory, Proof, Unbelieved, Verified, builtin, chain, place};
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::file_list::{FileList, MAX_FILE_LIST};
use crate::manifest::package_list::{MAX_PACKAGE_LIST, PackageList};
use crate::manifest::source::SOURCE_FILE;
use crate::manifest::{FileListRef, Manifest, Revocations, TrustPolicy};
use crate::text::{printable, printable_path};
use crate::world::World;
use crate::world::files::Files;
use crate::world::index_cache::IndexCache;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

pub use super::bundles::{read_bundle_texts, signature_paths};
pub use super::chain::{earlier_path, follows};
pub use super::folder::{Folder, verify_folder};
pub use super::place::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE};

/// How often a folder is looked at again because another run remembered something meanwhile.
const MAX_TRIES: usize = 4;

/// The policy in force.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The believed manifest. It may have expired: then it approves nothing new, which is decided elsewhere.
    pub manifest: Verified<Manifest>,
    /// The believed revocations, where the trust policy gives somebody the role. They may have expired, too.
    pub revocations: Option<Verified<Revocations>>,
    /// The believed trust policy; `None` for the built-in policy.
    pub trust: Option<Verified<TrustPolicy>>,
    /// What this machine remembers of them.
    pub memory: Memory,
    /// The folder it comes from; `None` for the built-in policy.
    pub folder: Option<PathBuf>,
    /// What people have to be told although the policy is believed, one sentence each.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// The built-in starter policy.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            manifest: builtin::starter(),
            revocations: None,
            trust: None,
            memory: Memory::default(),
            folder: None,
            warnings: Vec::new(),
        }
    }

    /// The folder that the documents themselves and what they pin are in; none for the built-in policy.
    #[must_use]
    pub fn documents(&self) -> Option<&Path> {
        match self.manifest.proof() {
            Proof::Signed { path, .. } => path.parent(),
            Proof::BuiltIn => None,
        }
    }
}

/// The policy in force: the machine's folder where it holds a policy, else the folder that the user names, else the user's own
/// where it holds one, else the built-in starter policy. What is believed is remembered.
///
/// # Errors
/// [`Error`] of the kind `Undecided` when the folder that applies cannot be believed, when what is remembered cannot be read, or when
/// floors are given and no signed policy is here; of the kind `Usage` when the user names a folder without a policy.
pub fn load_policy(world: &World, flag: Option<&Path>, floors: &Floors) -> Result<Loaded, Error> {
    if let Some(folder) = folder_in_force(world, flag)? {
        return load(world, folder, floors);
    }
    if !floors.is_empty() {
        return Err(Error::undecided("`--min-serial` is given, and no signed policy is here")
            .cause("expected a policy folder; found none, and the built-in policy has no serial of yours")
            .hint("`--policy DIR` names one, `vetted sync` fetches one"));
    }
    Ok(Loaded::built_in())
}

/// The policy folder that applies: the machine's where it holds a policy, else the one that the user names, else the user's own where
/// it holds one. `None`: the built-in policy applies.
///
/// # Errors
/// [`Error`] of the kind `Undecided` when a folder cannot be looked at; of the kind `Usage` when the user names a folder without a
/// policy.
pub fn folder_in_force(world: &World, flag: Option<&Path>) -> Result<Option<PathBuf>, Error> {
    if let Some(folder) = world.env.machine_policy()
        && holds_policy(world.files, &folder)?
    {
        return Ok(Some(folder));
    }
    if let Some(folder) = flag {
        if !holds_policy(world.files, folder)? {
            let shown = printable_path(folder);
            return Err(Error::usage(format!("`{shown}` holds no {MANIFEST_FILE}"))
                .hint(format!("`vetted init {shown}` makes a policy folder")));
        }
        return Ok(Some(folder.to_owned()));
    }
    match world.env.user_policy() {
        Some(folder) if holds_policy(world.files, &folder)? => Ok(Some(folder)),
        _ => Ok(None),
    }
}

fn load(world: &World, path: PathBuf, floors: &Floors) -> Result<Loaded, Error> {
    let (folder, warnings) = believe_in_force(world, &path, floors)?;
    let mut memory = folder.memory;
    if world.env.is_ci() {
        // What runs once can fetch; a grace is for machines that cannot.
        (memory.manifest, memory.revocations) = (false, false);
    }
    Ok(Loaded {
        manifest: folder.manifest,
        revocations: folder.revocations,
        trust: Some(folder.trust),
        memory,
        folder: Some(path),
        warnings,
    })
}

/// Believe the documents of a policy folder that are in force. Where a sync put others in force while these were read, those may
/// not be believed any more: it remembers newer ones.
fn believe_in_force(world: &World, policy: &Path, floors: &Floors) -> Result<(Folder, Vec<String>), Error> {
    let in_force = || {
        place::documents_in(world.files, policy).map_err(|error| {
            Error::undecided("cannot tell which documents are in force").because(&error).hint("`vetted sync` brings them anew")
        })
    };
    let mut documents = in_force()?;
    let mut believed = believe(world, &documents, floors);
    for _ in 0..MAX_TRIES {
        let now = in_force()?;
        if believed.is_ok() || now == documents {
            break;
        }
        believed = believe(world, &now, floors);
        documents = now;
    }
    // Nobody signs the documents of a synced folder here.
    let brings = |error| Error { hints: vec!["`vetted sync` brings the documents anew".to_owned()], ..error };
    if documents == policy { believed } else { believed.map_err(brings) }
}

/// Believe a folder under what is remembered of its policy, and remember what was believed. Where another run remembered something
/// in between, the folder is looked at again under that, so that of two runs the one that saw more is never forgotten.
fn believe(world: &World, path: &Path, floors: &Floors) -> Result<(Folder, Vec<String>), Error> {
    let name = stated_name(world.files, path)?;
    let store = Store::of(world);
    let indexes = IndexCache::of(world);
    let verify = |state: &State| {
        let (files, folder, now, indexes) = (world.files, path, world.now, &indexes);
        folder::verify(&Against { files, folder, now, state, floors, indexes })
    };
    let mut why = "other runs write it all the time".to_owned();
    for _ in 0..MAX_TRIES {
        let known = store.load(&name).map_err(|error| unreadable(&error))?;
        let folder = verify(&known)?;
        if folder.next == known {
            return Ok((folder, Vec::new()));
        }
        match store.replace(&known, &folder.next) {
            Ok(true) => return Ok((folder, Vec::new())),
            Ok(false) => {}
            Err(error) => {
                why = error.to_string();
                return Ok((folder, vec![not_remembered(&name, &why)]));
            }
        }
    }
    let known = store.load(&name).map_err(|error| unreadable(&error))?;
    let folder = verify(&known)?;
    Ok((folder, vec![not_remembered(&name, &why)]))
}

fn not_remembered(name: &str, why: &str) -> String {
    let name = printable(name);
    format!("what was believed of `{name}` cannot be remembered, so an older policy would not be noticed here: {why}")
}

fn unreadable(error: &StateError) -> Error {
    let told = Error::undecided("what this machine remembers of the policy cannot be read").because(error);
    match error {
        StateError::Broken { path, .. } => told.hint(format!(
            "if nobody meant to hide an older policy by it, remove `{}`: the policy here is then believed anew",
            printable_path(path)
        )),
        StateError::File(_) => told.hint("make it readable for this user"),
    }
}

/// The name that the trust policy of a folder states. Nobody vouches for it: it says which memory to verify it against.
///
/// # Errors
/// [`Unbelieved`].
pub fn stated_name(files: Files, folder: &Path) -> Result<String, Unbelieved> {
    chain::stated_name(files, folder)
}

/// Whether one of the documents is there. What cannot be looked at is not absent.
///
/// # Errors
/// [`Error`] of the kind `Undecided` when the folder cannot be looked at.
pub fn holds_policy(files: Files, folder: &Path) -> Result<bool, Error> {
    for name in [MANIFEST_FILE, TRUST_FILE, REVOCATIONS_FILE, place::POINTER_FILE, SOURCE_FILE] {
        match files.lstat(&folder.join(name)) {
            Ok(_) => return Ok(true),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(Error::undecided("cannot tell whether there is a policy").because(&error)),
        }
    }
    Ok(false)
}

/// The believed manifest of a folder, by its place alone: nothing is remembered, and nothing that was remembered counts.
///
/// # Errors
/// [`Unbelieved`] with the first step of verification that fails.
pub fn load_folder(files: Files, folder: &Path, now: Timestamp) -> Result<Verified<Manifest>, Unbelieved> {
    let state = State::new(&stated_name(files, folder)?);
    let folder = verify_folder(files, folder, now, &state, &Floors::default())?;
    Ok(folder.manifest)
}

/// The file list that an approval pins, from the policy folder.
///
/// # Errors
/// Why it cannot be used, in one sentence.
pub fn load_file_list(world: &World, folder: &Path, reference: &FileListRef) -> Result<FileList, String> {
    let bytes = load_pinned(world, folder, reference, MAX_FILE_LIST)?;
    FileList::parse(&bytes).map_err(|e| printable(&e.to_string()).into_owned())
}

/// The package list that an approval pins, from the policy folder.
///
/// # Errors
/// Why it cannot be used, in one sentence.
pub fn load_package_list(world: &World, folder: &Path, reference: &FileListRef) -> Result<PackageList, String> {
    let bytes = load_pinned(world, folder, reference, MAX_PACKAGE_LIST)?;
    PackageList::parse(&bytes).map_err(|e| e.to_string())
}

/// The bytes of a file beside the manifest, when they are those that it pins.
fn load_pinned(world: &World, folder: &Path, reference: &FileListRef, limit: u64) -> Result<Vec<u8>, String> {
    let bytes = world.files.read(&folder.join(&reference.path), limit).map_err(|e| e.to_string())?;
    crate::digest::DigestSet::from(Digest::sha256_of(&bytes)).verify_all(&reference.digests).map_err(
        |mismatch| match mismatch {
            Some(mismatch) => format!("`{}`: {mismatch}", printable_path(&reference.path)),
            None => format!("`{}` is not pinned by SHA-256", printable_path(&reference.path)),
        },
    )?;
    Ok(bytes)
}
