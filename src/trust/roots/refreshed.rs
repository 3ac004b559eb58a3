//! A trusted root that `vetted sync` brought, with all that shows where it comes from.
//!
//! Whoever can write the state folder must not be able to choose whom this machine believes, so the copy is not believed for lying
//! there: beside it in the same file stand the roots, the timestamp, the snapshot and the targets of the TUF repository, and their
//! signatures are verified again from the root that is part of this program. Expiry is not asked here. It says whether there could
//! be something newer, which is the question of a sync; what an attacker could still do is put back an older copy, and that one
//! has to be newer than the root of this program.

use super::BuiltIn;
use crate::digest::{Algorithm, Digest};
use crate::world::env::Env;
use crate::world::files::{FileError, Files};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::TrustedMetadataSet;
use std::path::PathBuf;

/// The largest file that is read, in bytes: two dozen roots, the metadata, and the trusted root.
const LIMIT: u64 = 4 * 1024 * 1024;
const SCHEMA: &str = "vetted/refreshed-root/v1";

/// A trusted root and the TUF metadata that vouches for it. Each text is a file of the repository, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Refreshed {
    schema: String,
    /// Roots, in the order of their versions.
    roots: Vec<String>,
    timestamp: String,
    snapshot: String,
    targets: String,
    trusted_root: String,
}

impl Refreshed {
    /// From the files of a repository. `None` where one is no text.
    #[must_use]
    pub fn new(roots: Vec<Vec<u8>>, roles: [Vec<u8>; 3], trusted_root: Vec<u8>) -> Option<Self> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        let [timestamp, snapshot, targets] = roles;
        Some(Self {
            schema: SCHEMA.to_owned(),
            roots: roots.into_iter().map(text).collect::<Option<_>>()?,
            timestamp: text(timestamp)?,
            snapshot: text(snapshot)?,
            targets: text(targets)?,
            trusted_root: text(trusted_root)?,
        })
    }

    /// The trusted root, where the metadata vouches for it from the embedded root on and is newer than what is built in.
    ///
    /// # Errors
    /// Why not, in one sentence.
    pub fn prove(&self, built_in: &BuiltIn) -> Result<&str, String> {
        // Nothing has expired at the beginning of time.
        let always = Timestamp::MIN;
        let told = |error: sigstore_tuf::Error| error.to_string();
        let mut set = TrustedMetadataSet::from_root(&built_in.tuf_root).map_err(told)?;
        for root in &self.roots {
            // A newer program starts from a newer root than the one this copy was fetched with.
            if version_of(root).is_some_and(|version| version > set.root().version) {
                set.update_root(root.as_bytes()).map_err(told)?;
            }
        }
        set.update_timestamp(self.timestamp.as_bytes(), always).map_err(told)?;
        set.update_snapshot(self.snapshot.as_bytes(), always).map_err(told)?;
        let targets = set.update_targets(self.targets.as_bytes(), always).map_err(told)?;
        let target = targets.targets.get(&built_in.target).ok_or_else(|| format!("there is no target `{}`", built_in.target))?;
        let expected = target.hashes.get("sha256").and_then(|hex| Digest::parse(Algorithm::Sha256, hex).ok());
        let found = Digest::sha256_of(self.trusted_root.as_bytes());
        if expected.as_ref() != Some(&found) || target.length != self.trusted_root.len() as u64 {
            return Err(format!("the trusted root is not the target of the repository: found {found}"));
        }
        let expires = set.timestamp().map(|timestamp| timestamp.expires);
        if expires.is_none_or(|expires| expires <= built_in.taken) {
            return Err(format!("it is older than the one that was taken on {}", built_in.taken));
        }
        Ok(&self.trusted_root)
    }

    /// The trusted root of the copy that lies here, where one does and is proved.
    #[must_use]
    pub fn proved(files: Files, env: &Env, built_in: &BuiltIn) -> Option<Vec<u8>> {
        let kept: Self = serde_json::from_slice(&read(files, env, &built_in.id)?).ok()?;
        (kept.schema == SCHEMA).then_some(())?;
        kept.prove(built_in).ok().map(|text| text.as_bytes().to_vec())
    }

    /// When the copy of an instance was brought here, by the time of its file.
    #[must_use]
    pub fn since(files: Files, env: &Env, instance: &str) -> Option<Timestamp> {
        let stat = files.lstat(&path(env, instance)?).ok()?;
        Timestamp::from_nanosecond(stat.key.mtime.into()).ok()
    }

    /// The trusted root. Nobody vouches for it before [`Refreshed::prove`].
    #[must_use]
    pub fn trusted_root(&self) -> &str {
        &self.trusted_root
    }

    /// Keep it for this user alone, whole or not at all.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn keep(&self, files: Files, env: &Env, instance: &str) -> Result<(), FileError> {
        let Some(path) = path(env, instance) else { return Ok(()) };
        if let Some(folder) = path.parent() {
            files.create_private_folder(folder)?;
        }
        let json = serde_json::to_vec(self).unwrap_or_default();
        files.write_atomic(&path, &json, 0o600)
    }
}

fn version_of(root: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Envelope {
        signed: Signed,
    }
    #[derive(Deserialize)]
    struct Signed {
        version: u64,
    }
    serde_json::from_str::<Envelope>(root).ok().map(|envelope| envelope.signed.version)
}

/// Where the copy of an instance lies; the ids are those of this program, so they are names of files.
pub(super) fn path(env: &Env, instance: &str) -> Option<PathBuf> {
    Some(env.state_home()?.join("roots").join(format!("{instance}.json")))
}

/// The bytes of the copy, as they lie there.
pub(super) fn read(files: Files, env: &Env, instance: &str) -> Option<Vec<u8>> {
    files.read(&path(env, instance)?, LIMIT).ok()
}
