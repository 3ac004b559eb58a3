//! The trusted roots of Sigstore instances: which one an attestation is verified under, and where it came from.
//!
//! For one instance there can be three: the organisation's, pinned by its trust policy; a copy that `vetted sync` brought from the
//! instance's TUF repository; the one that is part of this program. The first that is there counts, and an organisation's that
//! cannot be used is an error, never a reason to take another. A root has up to 32 KiB of JSON and certificates, so nothing is
//! read or parsed before something has to be verified.

mod refreshed;

pub use refreshed::Refreshed;

use super::attested::{RootOrigin, RootUsed};
use super::authority::{parse_root, read_root};
use super::refusal::Refusal;
use super::sigstore::{MAX_TRUSTED_ROOT, TrustRoot};
use crate::digest::Digest;
use crate::manifest::trust_policy::Instance;
use crate::text::{printable, printable_path};
use crate::world::World;
use crate::world::env::Env;
use crate::world::files::{FileError, Files};
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

/// The instance whose certificates and logs are open to everybody.
pub const PUBLIC_GOOD: &str = "sigstore-public-good";
/// GitHub's own instance, for private repositories and releases.
pub const GITHUB: &str = "github";
/// What stands for the instance where a root was named on the command line.
pub const NAMED: &str = "named";

const PUBLIC_GOOD_ROOT: &[u8] = include_bytes!("../../attestations/trust/public-good.trusted_root.json");
const GITHUB_ROOT: &[u8] = include_bytes!("../../attestations/trust/github.trusted_root.json");
const PUBLIC_GOOD_TUF: &[u8] = include_bytes!("../../attestations/trust/public-good.tuf_root.json");
const GITHUB_TUF: &[u8] = include_bytes!("../../attestations/trust/github.tuf_root.json");
const INSTANCES: &str = include_str!("../../attestations/trust/instances.toml");

/// Why there is no trusted root for an instance.
#[derive(Debug, Clone, Error)]
pub enum RootRefusal {
    /// Nobody knows the instance.
    #[error(
        "no instance is called `{}`: expected {}",
        printable(.instance), .known.iter().map(|id| format!("`{}`", printable(id))).collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// What was asked for.
        instance: String,
        /// The ids that there are.
        known: Vec<String>,
    },
    /// The organisation's own root cannot be used.
    #[error("{0}")]
    Organisation(Arc<Refusal>),
    /// A root that was named cannot be read.
    #[error("{0}")]
    File(Arc<FileError>),
    /// The bytes are no trusted root.
    #[error("`{}` is no trusted root: {}", printable_path(.path), printable(.why))]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// A trusted root that was read, and where it came from.
#[derive(Debug)]
pub struct Root {
    /// What to verify under.
    pub trust: TrustRoot,
    /// Where it came from.
    pub used: RootUsed,
}

impl Root {
    /// The trusted root in a file that was named.
    ///
    /// # Errors
    /// [`RootRefusal::File`], [`RootRefusal::Unusable`].
    pub fn named(files: Files, path: &Path) -> Result<Self, RootRefusal> {
        let bytes = files.read(path, MAX_TRUSTED_ROOT).map_err(|e| RootRefusal::File(Arc::new(e)))?;
        let trust = TrustRoot::parse(&bytes).map_err(|why| RootRefusal::Unusable { path: path.to_owned(), why })?;
        Ok(Self { trust, used: used(NAMED, RootOrigin::CommandLine, &bytes) })
    }
}

fn used(instance: &str, origin: RootOrigin, bytes: &[u8]) -> RootUsed {
    RootUsed { instance: instance.to_owned(), origin, sha256: Digest::sha256_of(bytes) }
}

/// An instance that is part of this program.
#[derive(Debug, Clone)]
pub struct BuiltIn {
    /// Its id.
    pub id: String,
    /// From when on its embedded trusted root was the current one.
    pub taken: Timestamp,
    /// URL of the metadata of its TUF repository, with a `/` at the end.
    pub metadata: String,
    /// URL of the targets, with a `/` at the end.
    pub targets: String,
    /// The target that is the trusted root.
    pub target: String,
    /// The embedded trusted root.
    pub trusted_root: Cow<'static, [u8]>,
    /// The embedded root of the TUF repository: every later one has to follow from it.
    pub tuf_root: Cow<'static, [u8]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstancesDocument {
    instance: Vec<InstanceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct InstanceEntry {
    id: String,
    taken: Timestamp,
    metadata: String,
    targets: String,
    target: String,
    /// Files in the place of the embedded ones; only debug builds are ever given these.
    trusted_root: Option<PathBuf>,
    tuf_root: Option<PathBuf>,
}

impl BuiltIn {
    /// The instances that are part of this program.
    ///
    /// As with the clock, only a debug build can be told otherwise: `VETTED_TEST_INSTANCES` names a file like
    /// `attestations/trust/instances.toml` that may name other roots, or is `none`.
    #[must_use]
    pub fn all(env: &Env, files: Files) -> Vec<Self> {
        let embedded = || Self::read(INSTANCES, files).expect("the embedded list is read by a unit test");
        let Some(told) = env.text("VETTED_TEST_INSTANCES").filter(|_| cfg!(debug_assertions)) else { return embedded() };
        let text = files.read(Path::new(told), MAX_TRUSTED_ROOT).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.and_then(|text| Self::read(&text, files)).unwrap_or_else(|| {
            let nowhere = |known: Self| Self { metadata: String::new(), ..known };
            embedded().into_iter().map(nowhere).collect()
        })
    }

    fn read(text: &str, files: Files) -> Option<Vec<Self>> {
        let document: InstancesDocument = toml::from_str(text).ok()?;
        let instance = |entry: InstanceEntry| {
            let (trusted_root, tuf_root) = match entry.id.as_str() {
                PUBLIC_GOOD => (PUBLIC_GOOD_ROOT, PUBLIC_GOOD_TUF),
                GITHUB => (GITHUB_ROOT, GITHUB_TUF),
                _ => (&[][..], &[][..]),
            };
            let or_file = |embedded: &'static [u8], file: Option<PathBuf>| match file {
                Some(path) => files.read(&path, MAX_TRUSTED_ROOT).map(Cow::Owned).ok(),
                None => Some(Cow::Borrowed(embedded)),
            };
            Some(Self {
                trusted_root: or_file(trusted_root, entry.trusted_root)?,
                tuf_root: or_file(tuf_root, entry.tuf_root)?,
                id: entry.id,
                taken: entry.taken,
                metadata: entry.metadata,
                targets: entry.targets,
                target: entry.target,
            })
        };
        document.instance.into_iter().map(instance).collect()
    }
}

/// The trusted roots that apply here, each read when it is asked for and once.
#[derive(Debug)]
pub struct Roots {
    files: Files,
    env: Env,
    own: BTreeMap<String, Instance>,
    folder: Option<PathBuf>,
    read: Mutex<BTreeMap<String, Result<Arc<Root>, RootRefusal>>>,
}

impl Roots {
    /// The roots under a trust policy: `own` are its instances, `folder` is where its documents lie. Reads nothing.
    #[must_use]
    pub fn load(world: &World, own: &BTreeMap<String, Instance>, folder: Option<&Path>) -> Self {
        Self {
            files: world.files,
            env: world.env.clone(),
            own: own.clone(),
            folder: folder.map(Path::to_owned),
            read: Mutex::default(),
        }
    }

    /// The ids of all instances that there are.
    #[must_use]
    pub fn instances(&self) -> Vec<String> {
        let built_in = [PUBLIC_GOOD, GITHUB].map(str::to_owned);
        let mut ids: Vec<String> = built_in.into_iter().chain(self.own.keys().cloned()).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// The trusted root of an instance.
    ///
    /// # Errors
    /// [`RootRefusal`].
    pub fn get(&self, instance: &str) -> Result<Arc<Root>, RootRefusal> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(instance) {
            return known.clone();
        }
        let found = self.find(instance).map(Arc::new);
        read.insert(instance.to_owned(), found.clone());
        found
    }

    /// A digest of everything that decides which root an instance has and where it came from: cheap, and another one wherever
    /// [`Roots::get`] could give another root or another origin of it. For the keys of caches: what is kept under it names both.
    ///
    /// # Errors
    /// [`RootRefusal::Unknown`], [`RootRefusal::Organisation`].
    pub fn fingerprint(&self, instance: &str) -> Result<Digest, RootRefusal> {
        if let Some(own) = self.own.get(instance) {
            let bytes = self.read_own(own)?;
            return Ok(fingerprint_of("organisation", &[&bytes]));
        }
        let built_in = self.built_in(instance)?;
        let refreshed = refreshed::read(self.files, &self.env, instance).unwrap_or_default();
        // Whether a renewed copy is proved follows from these alone: the clock is not asked.
        let BuiltIn { id: _, taken, metadata: _, targets: _, target, trusted_root, tuf_root } = &built_in;
        let taken = taken.to_string();
        Ok(fingerprint_of("built-in", &[&refreshed, trusted_root, tuf_root, taken.as_bytes(), target.as_bytes()]))
    }

    fn built_in(&self, instance: &str) -> Result<BuiltIn, RootRefusal> {
        let found = BuiltIn::all(&self.env, self.files).into_iter().find(|built_in| built_in.id == instance);
        found.ok_or_else(|| self.unknown(instance))
    }

    fn find(&self, instance: &str) -> Result<Root, RootRefusal> {
        if let Some(own) = self.own.get(instance) {
            let bytes = self.read_own(own)?;
            let trust = parse_root(own, &bytes).map_err(|e| RootRefusal::Organisation(Arc::new(e)))?;
            return Ok(Root { trust, used: used(instance, RootOrigin::Organisation, &bytes) });
        }
        let built_in = self.built_in(instance)?;
        let unusable = |why| RootRefusal::Unusable { path: PathBuf::from(instance), why };
        // A copy that cannot be shown to follow from what is built in is as good as none.
        if let Some(bytes) = Refreshed::proved(self.files, &self.env, &built_in)
            && let Ok(trust) = TrustRoot::parse(&bytes)
        {
            return Ok(Root { trust, used: used(instance, RootOrigin::Refreshed, &bytes) });
        }
        let trust = TrustRoot::parse(&built_in.trusted_root).map_err(unusable)?;
        Ok(Root { trust, used: used(instance, RootOrigin::BuiltIn, &built_in.trusted_root) })
    }

    fn read_own(&self, own: &Instance) -> Result<Vec<u8>, RootRefusal> {
        // Instances without a folder come from nowhere; an empty path finds nothing and says so.
        let folder = self.folder.clone().unwrap_or_default();
        read_root(self.files, &folder, own).map_err(|e| RootRefusal::Organisation(Arc::new(e)))
    }

    fn unknown(&self, instance: &str) -> RootRefusal {
        RootRefusal::Unknown { instance: instance.to_owned(), known: self.instances() }
    }
}

/// One digest of several texts, each by its own, so that no two lists of texts are one.
fn fingerprint_of(kind: &str, texts: &[&[u8]]) -> Digest {
    let mut all = kind.as_bytes().to_vec();
    for text in texts {
        all.extend_from_slice(Digest::sha256_of(text).as_bytes());
    }
    Digest::sha256_of(&all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Os;

    fn world(home: &Path) -> World {
        let env = Env::of_pairs([("HOME", home)], home, Os::here());
        World { now: Timestamp::UNIX_EPOCH, env, files: Files }
    }

    /// What is embedded can be used, is what its list says, and has the digests that its README states.
    #[test]
    fn what_is_built_in_is_what_is_written_down() {
        let readme = include_str!("../../attestations/trust/README.md");
        let all = BuiltIn::read(INSTANCES, Files).unwrap();
        assert_eq!(all.iter().map(|built_in| built_in.id.as_str()).collect::<Vec<_>>(), [PUBLIC_GOOD, GITHUB]);
        for built_in in &all {
            TrustRoot::parse(&built_in.trusted_root).unwrap();
            sigstore_tuf_root(&built_in.tuf_root);
            for (bytes, name) in [(&built_in.trusted_root, "trusted_root"), (&built_in.tuf_root, "tuf_root")] {
                let short = built_in.id.trim_start_matches("sigstore-");
                let line = format!("{}  {short}.{name}.json", Digest::sha256_of(bytes).hex());
                assert!(readme.contains(&line), "{line}");
            }
            assert!(built_in.metadata.starts_with("https://") && built_in.metadata.ends_with('/'));
            assert!(built_in.targets.starts_with("https://") && built_in.targets.ends_with('/'));
        }
    }

    fn sigstore_tuf_root(bytes: &[u8]) {
        let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(value["signed"]["_type"], "root");
    }

    #[test]
    fn nothing_is_read_before_it_is_asked_for() {
        let home = tempfile::tempdir().unwrap();
        let own = |id: &str| {
            let instance =
                Instance { id: id.to_owned(), trusted_root: PathBuf::from("gone.json"), sha256: Digest::sha256_of(b"") };
            BTreeMap::from([(id.to_owned(), instance)])
        };
        let roots = Roots::load(&world(home.path()), &own("acme"), Some(home.path()));
        assert_eq!(roots.instances(), ["acme", GITHUB, PUBLIC_GOOD]);
        assert_eq!(roots.get(GITHUB).unwrap().used.origin, RootOrigin::BuiltIn);
        assert!(matches!(roots.get("acme"), Err(RootRefusal::Organisation(_))));
        assert!(matches!(roots.get("other"), Err(RootRefusal::Unknown { known, .. }) if known.len() == 3));
        // The organisation's root that is gone is not replaced by the one that is built in.
        let roots = Roots::load(&world(home.path()), &own(GITHUB), Some(home.path()));
        assert!(matches!(roots.get(GITHUB), Err(RootRefusal::Organisation(_))));
        assert!(matches!(roots.fingerprint(GITHUB), Err(RootRefusal::Organisation(_))));
    }

    #[test]
    fn the_fingerprint_is_another_where_another_root_could_count() {
        let home = tempfile::tempdir().unwrap();
        let world = world(home.path());
        let fingerprint = || Roots::load(&world, &BTreeMap::new(), None).fingerprint(GITHUB).unwrap();
        let before = fingerprint();
        assert_eq!(before, fingerprint());
        let path = refreshed::path(&world.env, GITHUB).unwrap();
        Files.create_private_folder(path.parent().unwrap()).unwrap();
        Files.write_atomic(&path, b"{}", 0o600).unwrap();
        assert_ne!(before, fingerprint());
        let root = Roots::load(&world, &BTreeMap::new(), None).get(GITHUB).unwrap();
        assert_eq!(root.used.origin, RootOrigin::BuiltIn);
    }

    /// The same root of another origin, and a program that proves renewed copies from another root, make another fingerprint: what is
    /// kept under it says where the root came from.
    #[test]
    fn the_fingerprint_is_another_where_the_origin_could_be() {
        let home = tempfile::tempdir().unwrap();
        let plain = world(home.path());
        let before = Roots::load(&plain, &BTreeMap::new(), None).fingerprint(GITHUB).unwrap();
        let root = home.path().join("root.json");
        fs_write(&root, GITHUB_ROOT);
        let own =
            Instance { id: GITHUB.to_owned(), trusted_root: PathBuf::from("root.json"), sha256: Digest::sha256_of(GITHUB_ROOT) };
        let roots = Roots::load(&plain, &BTreeMap::from([(GITHUB.to_owned(), own)]), Some(home.path()));
        assert_eq!(roots.get(GITHUB).unwrap().used.origin, RootOrigin::Organisation);
        assert_ne!(roots.fingerprint(GITHUB).unwrap(), before);
        let mut seen = vec![before];
        for (tuf, taken) in [(PUBLIC_GOOD_TUF, "2026-01-01T00:00:00Z"), (PUBLIC_GOOD_TUF, "2026-01-02T00:00:00Z")] {
            fs_write(&home.path().join("tuf.json"), tuf);
            let list = format!(
                "[[instance]]\nid = \"{GITHUB}\"\ntaken = \"{taken}\"\nmetadata = \"\"\ntargets = \"\"\ntarget = \"trusted_root.json\"\n\
                 trusted-root = '{}'\ntuf-root = '{}'\n",
                root.display(),
                home.path().join("tuf.json").display()
            );
            fs_write(&home.path().join("instances.toml"), list.as_bytes());
            let told = home.path().join("instances.toml");
            let env = Env::of_pairs([("HOME", home.path()), ("VETTED_TEST_INSTANCES", told.as_path())], home.path(), Os::here());
            let world = World { env, ..world(home.path()) };
            let roots = Roots::load(&world, &BTreeMap::new(), None);
            assert_eq!(roots.get(GITHUB).unwrap().used.sha256, Digest::sha256_of(GITHUB_ROOT), "the same root");
            let now = roots.fingerprint(GITHUB).unwrap();
            assert!(!seen.contains(&now), "{taken}");
            seen.push(now);
        }
    }

    fn fs_write(path: &Path, bytes: &[u8]) {
        Files.write_atomic(path, bytes, 0o600).unwrap();
    }
}
