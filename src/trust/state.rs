//! What this machine remembers of the policies it believed, so that nobody can show it an older one (threats T-05, T-06, T-24).
//!
//! One small JSON file for each name, in [`Env::state_home`](crate::world::env::Env::state_home). It only ever makes the run
//! stricter, so a broken one is never skipped: who could damage it could otherwise make the machine forget.

use super::refusal::{Document, Refusal};
use crate::digest::{Algorithm, Digest};
use crate::manifest::{Header, Revocation, Subject};
use crate::text::printable_path;
use crate::world::World;
use crate::world::files::{FileError, FileLock, Files};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// The largest state file that is read, in bytes: the ids of all revocations that two documents can hold.
const MAX_STATE: u64 = 16 * 1024 * 1024;
/// For how long another run that writes is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// What is remembered of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Version of this form.
    schema: Schema,
    /// The policy.
    pub name: String,
    /// The newest trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustMark>,
    /// The newest manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Mark>,
    /// The newest revocations document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<Mark>,
    /// The revocations in force, each with a digest of what it covers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revoked: BTreeMap<String, String>,
    /// The latest `issued` of a believed document. The clock cannot be earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Timestamp>,
}

/// The one version of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "vetted/state/v1")]
    V1,
}

/// A believed trust policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustMark {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its bytes.
    #[serde(with = "hex_digest")]
    pub sha256: Digest,
    /// The pinned fingerprint that it was reached from, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex_digest::maybe")]
    pub pin: Option<Digest>,
}

/// A believed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its serial.
    pub serial: u64,
    /// SHA-256 of its bytes.
    #[serde(with = "hex_digest")]
    pub sha256: Digest,
    /// When it was issued.
    pub issued: Timestamp,
    /// Whether it was believed before it expired.
    pub fresh: bool,
    /// Whether a voice of its role was taken away since: then its serial counts no more, and its time does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
}

impl State {
    /// Nothing is remembered of a policy.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            schema: Schema::V1,
            name: name.to_owned(),
            trust: None,
            manifest: None,
            revocations: None,
            revoked: BTreeMap::new(),
            latest: None,
        }
    }

    /// Whether a document may follow, or be, the one of its kind that is remembered.
    ///
    /// # Errors
    /// [`Refusal`]: it is older, or another one under the same serial.
    pub fn admit(&self, document: Document, found: &Mark) -> Result<(), Refusal> {
        let known = match document {
            Document::Manifest => self.manifest.as_ref(),
            Document::Revocations => self.revocations.as_ref(),
            Document::Trust => None,
        };
        known.map_or(Ok(()), |known| known.admit(document, found))
    }
}

impl Mark {
    /// A document that was not believed yet.
    #[must_use]
    pub fn of(header: &Header, sha256: Digest) -> Self {
        Self { serial: header.serial, sha256, issued: header.issued, fresh: false, reset: false }
    }

    /// Whether a document may follow, or be, the one that is remembered.
    ///
    /// # Errors
    /// [`Refusal::Rollback`], [`Refusal::Equivocation`], [`Refusal::IssuedBefore`].
    pub fn admit(&self, document: Document, next: &Self) -> Result<(), Refusal> {
        if self.sha256 == next.sha256 {
            return Ok(());
        }
        // A stolen key can sign the highest serial there is. Once its voice is taken away, the serial it set is forgotten; what was
        // issued before stays refused, because nobody can have signed a time that lay ahead (threat T-17).
        if self.reset {
            if next.issued < self.issued {
                return Err(Refusal::IssuedBefore { document, known: self.issued, found: next.issued });
            }
            return Ok(());
        }
        if next.serial < self.serial {
            return Err(Refusal::Rollback { document, known: self.serial, found: next.serial });
        }
        if next.serial == self.serial {
            let (known, found) = (self.sha256.clone().into(), next.sha256.clone().into());
            return Err(Refusal::Equivocation { document, serial: self.serial, known, found });
        }
        Ok(())
    }
}

/// What a revocation covers, as a digest that does not depend on its wording. The number in front is the version of this form:
/// digests of another version are not compared.
#[must_use]
pub fn coverage_of(revocation: &Revocation) -> String {
    let mut affected: Vec<_> = revocation
        .affected
        .iter()
        .map(|affected| {
            let subject = match &affected.subject {
                Subject::Tool(id) => ("tool", id.as_str().to_owned()),
                Subject::Vendor(name) => ("vendor", name.to_ascii_lowercase()),
                Subject::Model(glob) => ("model", glob.clone()),
                Subject::Package(package) => ("package", package.purl(None)),
            };
            let ranges: Vec<_> = affected.ranges.iter().map(|range| (&range.introduced, &range.fixed)).collect();
            (subject, ranges)
        })
        .collect();
    affected.sort();
    let mut digests: Vec<Vec<_>> =
        revocation.digests.iter().map(|set| set.iter().map(|d| (d.algorithm().name(), d.hex())).collect()).collect();
    digests.sort();
    let whole = serde_json::json!([affected, digests, revocation.severity, revocation.effective]);
    format!("1:{}", Digest::sha256_of(whole.to_string().as_bytes()).hex())
}

/// Whether two results of [`coverage_of`] are of the same form and differ.
pub(super) fn differ(known: &str, found: &str) -> bool {
    let form = |text: &str| text.split_once(':').map(|(form, _)| form.to_owned());
    form(known) == form(found) && known != found
}

/// The least serials that are accepted (`--min-serial`), for machines that remember nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floors {
    floors: BTreeMap<Document, u64>,
}

/// One floor as it is typed: `42`, `revocations=90210`, `trust=3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// Of which document.
    pub document: Document,
    /// The least number.
    pub least: u64,
}

impl std::str::FromStr for Floor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (document, number) = match text.split_once('=') {
            None => (Document::Manifest, text),
            Some(("manifest", number)) => (Document::Manifest, number),
            Some(("revocations", number)) => (Document::Revocations, number),
            Some(("trust", number)) => (Document::Trust, number),
            Some((word, _)) => return Err(format!("`{word}` is none of `manifest`, `revocations`, `trust`")),
        };
        let least = number.parse().map_err(|_| "a serial is a whole number from 0 to 18446744073709551615".to_owned())?;
        Ok(Self { document, least })
    }
}

impl FromIterator<Floor> for Floors {
    /// Of several floors for one document the highest holds.
    fn from_iter<I: IntoIterator<Item = Floor>>(given: I) -> Self {
        let mut floors = BTreeMap::new();
        for Floor { document, least } in given {
            let floor = floors.entry(document).or_insert(least);
            *floor = least.max(*floor);
        }
        Self { floors }
    }
}

impl Floors {
    /// Whether no floor is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.floors.is_empty()
    }

    /// Whether a floor is given for a document.
    #[must_use]
    pub fn has(&self, document: Document) -> bool {
        self.floors.contains_key(&document)
    }

    /// Whether a document lies on its floor or above.
    ///
    /// # Errors
    /// [`Refusal::BelowFloor`].
    pub fn admit(&self, document: Document, found: u64) -> Result<(), Refusal> {
        match self.floors.get(&document) {
            Some(&floor) if found < floor => Err(Refusal::BelowFloor { document, floor, found }),
            _ => Ok(()),
        }
    }
}

/// Why what is remembered cannot be read.
#[derive(Debug, Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The file is no state of this policy.
    #[error("`{}` cannot be read: {why}", printable_path(.path))]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Where the states of this user are kept.
#[derive(Debug, Clone)]
pub struct Store {
    files: Files,
    folder: Option<PathBuf>,
}

impl Store {
    /// The store of a run: [`Env::state_home`](crate::world::env::Env::state_home).
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self { files: world.files, folder: world.env.state_home() }
    }

    /// The file of a policy. `None` where the system names no place for it.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.json", name.replace('/', "_"))))
    }

    /// What is remembered of a policy; where there is no file, nothing.
    ///
    /// # Errors
    /// [`StateError`]: a file that is there and cannot be read, or is of another policy.
    pub fn load(&self, name: &str) -> Result<State, StateError> {
        match self.path(name) {
            Some(path) => load(self.files, &path, name),
            None => Ok(State::new(name)),
        }
    }

    /// Remember `next` where `known` is still what is remembered. `false` when another run was faster: then the documents have to
    /// be looked at again, under what that run remembered.
    ///
    /// # Errors
    /// [`StateError`]; what was remembered then stays.
    pub fn replace(&self, known: &State, next: &State) -> Result<bool, StateError> {
        let Some(path) = self.path(&next.name) else {
            let why = "the environment names no home folder to keep it in".to_owned();
            return Err(StateError::Broken { path: "vetted".into(), why });
        };
        if let Some(folder) = path.parent() {
            self.files.create_private_folder(folder)?;
        }
        let lock = path.with_extension("lock");
        let _held: FileLock = self.files.lock(&lock, LOCK_WAIT)?;
        if load(self.files, &path, &next.name)? != *known {
            return Ok(false);
        }
        let mut text =
            serde_json::to_string_pretty(next).map_err(|e| StateError::Broken { path: path.clone(), why: e.to_string() })?;
        text.push('\n');
        self.files.write_atomic(&path, text.as_bytes(), 0o600)?;
        Ok(true)
    }
}

fn load(files: Files, path: &Path, name: &str) -> Result<State, StateError> {
    let bytes = match files.read(path, MAX_STATE) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(State::new(name)),
        Err(error) => return Err(error.into()),
    };
    let broken = |why: String| StateError::Broken { path: path.to_owned(), why };
    let state: State = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
    if state.name != name {
        return Err(broken(format!("it is of the policy `{}`, not of `{name}`", crate::text::printable(&state.name))));
    }
    Ok(state)
}

/// A SHA-256 as hex.
mod hex_digest {
    use super::{Algorithm, Digest};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::parse(Algorithm::Sha256, &text).map_err(D::Error::custom)
    }

    pub(super) mod maybe {
        use super::super::Digest;
        use serde::{Deserializer, Serializer};

        #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
        pub(in super::super) fn serialize<S: Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
            match digest {
                Some(digest) => super::serialize(digest, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Digest>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    /// What a machine remembers outlives the program that wrote it. Another form needs another number in front.
    #[test]
    fn what_a_revocation_covers_is_written_the_same_for_ever() {
        let text = "kind = \"vetted/manifest\"\nschema = 1\nname = \"acme\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
            expires = 2026-12-20T00:00:00Z\nmode = \"enforce\"\n[[revocation]]\nid = \"A-1\"\nreason = \"malicious\"\n\
            severity = \"critical\"\neffective = 2026-11-01T00:00:00Z\nmessage = \"Gone.\"\n\
            digests = [{ sha256 = \"0000000000000000000000000000000000000000000000000000000000000001\" }]\n\
            affected = [{ tool = \"openai-codex\", ranges = [{ introduced = \"1.0.0\", fixed = \"1.2.0\" }, { introduced = \"2.0.0\" }] }, \
            { vendor = \"Acme\" }, { model = \"acme/*\" }, { package = \"pkg:npm/%40openai/codex\" }]\n";
        let manifest = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        let mut revocation = manifest.revocations[0].clone();
        let covers = coverage_of(&revocation);
        assert_eq!(covers, "1:2a9fa7d780038dc1d77c746e8c561b78f85d9ae7836820d5efe8e6653d0ffce9");
        revocation.affected.reverse();
        revocation.message = "Use another.".into();
        assert_eq!(coverage_of(&revocation), covers, "order and wording are free");
        assert!(differ("1:a", "1:b") && !differ("1:a", "2:b") && !differ("1:a", "1:a"));
    }

    #[test]
    fn each_policy_has_a_file_of_its_own_below_the_state_folder() {
        let store = Store { files: Files, folder: Some("/state".into()) };
        assert_eq!(store.path("acme.example/ai-tools"), Some(PathBuf::from("/state/acme.example_ai-tools.json")));
        let store = Store { files: Files, folder: None };
        assert_eq!(store.load("acme").unwrap(), State::new("acme"));
        assert!(store.replace(&State::new("acme"), &State::new("acme")).is_err());
    }
}
