//! One sync: ask the sources in order, verify what one gave on a copy, put it in force whole, remember it.

use super::SyncError;
use super::address::Address;
use super::download::{Download, Here, Pinned};
use super::open::open;
use super::record::{Held, Record};
use super::set::{Staging, not_writable};
use super::source::Source;
use crate::digest::Digest;
use crate::manifest::{Manifest, Mode};
use crate::trust::document::{Folder, stated_name, verify_folder};
use crate::trust::place;
use crate::trust::state::{Floors, State, Store};
use crate::trust::{Proof, Refusal};
use crate::world::World;
use crate::world::files::{FileError, FileLock};
use crate::world::network::Network;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Held while a folder is synced.
const LOCK_FILE: &str = ".vetted-sync.lock";
/// Before a source whose files do not fit together is asked once more: a publisher replaces several files one after the other.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the memory is read again because another run wrote it.
const MAX_TRIES: usize = 4;

/// A sync to do.
#[derive(Debug)]
pub struct Job<'a> {
    /// What it may touch.
    pub world: &'a World,
    /// The network, where a source needs it.
    pub network: Option<&'a Network>,
    /// The policy folder; it is there.
    pub folder: &'a Path,
    /// Where to ask, in order.
    pub sources: &'a [Address],
    /// The fingerprint that the chain of trust policies must pass.
    pub pin: Option<&'a Digest>,
    /// The least serials that are accepted.
    pub floors: &'a Floors,
    /// For how long another sync is waited for.
    pub wait: Duration,
    /// Whether everything is asked for and verified anew, although it may be what is here: somebody changed what it is believed by.
    pub anew: bool,
}

/// How a sync went well.
#[derive(Debug)]
pub struct Done {
    /// The source that answered.
    pub source: String,
    /// Sources that were asked before it, and why they were of no use.
    pub failures: Vec<Failure>,
    /// What came of it.
    pub change: Change,
    /// What has to be said although it went well.
    pub warnings: Vec<String>,
}

/// A source that was of no use.
#[derive(Debug)]
pub struct Failure {
    /// Its address; empty where the fault is on this machine.
    pub source: String,
    /// Why.
    pub error: SyncError,
}

/// What a sync changed.
#[derive(Debug)]
pub enum Change {
    /// Nothing: the documents here are those of the source. They were neither read nor verified anew.
    None {
        /// The name of the policy.
        name: String,
    },
    /// Other documents are in force.
    Updated(Issue),
}

/// The documents of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Name of the policy.
    pub name: String,
    /// Version of the trust policy.
    pub trust: u64,
    /// SHA-256 of the trust policy.
    pub fingerprint: Option<Digest>,
    /// Serial of the manifest.
    pub manifest: u64,
    /// Serial of the revocations, where there are some.
    pub revocations: Option<u64>,
    /// What the manifest does with what is not approved.
    pub mode: Mode,
}

impl Issue {
    /// What a believed folder holds.
    #[must_use]
    pub fn of(folder: &Folder) -> Self {
        let fingerprint = match folder.trust.proof() {
            Proof::Signed { sha256, .. } => Some(sha256.clone()),
            Proof::BuiltIn => None,
        };
        let manifest = folder.manifest.get();
        Self {
            name: manifest.header.name.clone(),
            trust: folder.trust.get().version,
            fingerprint,
            manifest: manifest.header.serial,
            revocations: folder.revocations.as_ref().map(|document| document.get().header.serial),
            mode: manifest.mode,
        }
    }
}

/// Sync a policy folder.
///
/// # Errors
/// The failure of each source that was asked, in order; the last one is the one that ended it. The documents in force before still
/// are.
pub fn run(job: &Job<'_>) -> Result<Done, Vec<Failure>> {
    let here = |error| vec![Failure { source: String::new(), error }];
    let _held = lock(job).map_err(here)?;
    let mut record = Record::load(job.world.files, job.folder);
    record.attempt = Some(job.world.now);
    // Remembered before anything is asked: a source that never answers is not asked again at every commit.
    record.failures = record.failures.saturating_add(1);
    record.save(job.world.files, job.folder).map_err(|e| here(SyncError::write(e)))?;
    let outcome = ask_all(job, &mut record);
    match &outcome {
        Ok(done) => {
            record.success = Some(job.world.now);
            record.source = Some(done.source.clone());
            record.error = None;
            record.failures = 0;
        }
        Err(failures) => {
            let told = failures.iter().map(|failure| match failure.source.as_str() {
                "" => failure.error.to_string(),
                source => format!("{source}: {}", failure.error),
            });
            let told: Vec<_> = told.collect();
            record.error = Some(told.join("; "));
        }
    }
    // What cannot be remembered is asked for again: nothing is lost by it.
    let saved = record.save(job.world.files, job.folder);
    outcome.map(|mut done| {
        done.warnings.extend(saved.err().map(|e| e.to_string()));
        done
    })
}

/// What a source serves, verified by its own signatures alone: nothing is believed by it and nothing changes. The first source that
/// gives documents that hold together is looked at.
///
/// # Errors
/// The failure of each source.
pub fn preview(world: &World, network: Option<&Network>, sources: &[Address]) -> Result<Issue, Vec<Failure>> {
    let mut failures = Vec::new();
    for address in sources {
        match preview_of(world, network, address) {
            Ok(issue) => return Ok(issue),
            Err(error) => failures.push(Failure { source: address.to_string(), error }),
        }
    }
    Err(failures)
}

fn preview_of(world: &World, network: Option<&Network>, address: &Address) -> Result<Issue, SyncError> {
    let scratch = world.files.scratch_folder().map_err(SyncError::write)?;
    let here = Here { files: world.files, documents: scratch.path(), held: None, is_same_source: false, pin: None };
    let mut source = open(world, network, address)?;
    let mut download = Download::begin(source.as_mut(), &here)?;
    download.complete(source.as_mut(), &here, None)?;
    let staging = Staging::begin(world, scratch.path())?;
    for (name, bytes) in &download.files {
        staging.put(name, bytes)?;
    }
    let refused = |unbelieved| SyncError::Refused(Box::new(unbelieved));
    let name = stated_name(world.files, staging.folder()).map_err(refused)?;
    let state = State::new(&name);
    let folder = verify_folder(world.files, staging.folder(), world.now, &state, &Floors::default()).map_err(refused)?;
    Ok(Issue::of(&folder))
}

fn lock(job: &Job<'_>) -> Result<FileLock, SyncError> {
    if !job.world.files.may_write_in(job.folder) {
        return Err(SyncError::Write(not_writable(job.folder)));
    }
    job.world.files.lock(&job.folder.join(LOCK_FILE), job.wait).map_err(|error| match &error {
        FileError::Io { source, .. } if source.kind() == std::io::ErrorKind::WouldBlock => SyncError::Busy,
        _ => SyncError::write(error),
    })
}

fn ask_all(job: &Job<'_>, record: &mut Record) -> Result<Done, Vec<Failure>> {
    let mut failures = Vec::new();
    for address in job.sources {
        let source = address.to_string();
        let result = ask(job, record, address, true).or_else(|error| {
            if !is_mixed(&error) {
                return Err(error);
            }
            std::thread::sleep(PAUSE);
            ask(job, record, address, false)
        });
        match result {
            Ok((change, warnings)) => return Ok(Done { source, failures, change, warnings }),
            Err(error) => {
                let ends = !error.is_of_source();
                failures.push(Failure { source, error });
                if ends {
                    break;
                }
            }
        }
    }
    Err(failures)
}

/// Whether the files may be of two issues, because they were replaced while they were asked for.
fn is_mixed(error: &SyncError) -> bool {
    let SyncError::Refused(unbelieved) = error else { return false };
    matches!(
        unbelieved.refusal,
        Refusal::NotSigned(_)
            | Refusal::Threshold { .. }
            | Refusal::Digest { .. }
            | Refusal::Signature { .. }
            | Refusal::OlderThanBeacon { .. }
            | Refusal::OtherThanBeacon { .. }
    )
}

/// Ask one source. `with_tags` is whether what it called its files before is told it.
fn ask(job: &Job<'_>, record: &mut Record, address: &Address, with_tags: bool) -> Result<(Change, Vec<String>), SyncError> {
    let documents = place::documents_in(job.world.files, job.folder)?;
    let held = record.held.clone();
    let here = Here {
        files: job.world.files,
        documents: &documents,
        held: held.as_ref().filter(|held| !job.anew && is_whole(job, &documents, held)),
        is_same_source: with_tags && record.source.as_ref() == Some(&address.to_string()),
        pin: job.pin,
    };
    let mut source = open(job.world, job.network, address)?;
    let mut download = Download::begin(source.as_mut(), &here)?;
    if let Some(held) = here.held.filter(|_| !download.is_changed) {
        let change = Change::None { name: held.name.clone() };
        record.held = Some(download.retagged(held));
        return Ok((change, Vec::new()));
    }
    let base = Base::of(job, &documents, held.as_ref(), &download)?;
    download.complete(source.as_mut(), &here, base.trusted())?;
    let (folder, held) = put_in_force(job, source.as_mut(), &here, &download, &base)?;
    record.held = Some(held);
    let warnings = remember(job, &base, folder.next.clone());
    Ok((Change::Updated(Issue::of(&folder)), warnings))
}

/// Whether every further file that the documents need is still there: a set that lost one is asked for anew.
fn is_whole(job: &Job<'_>, documents: &Path, held: &Held) -> bool {
    held.further.iter().all(|(name, size)| job.world.files.lstat(&documents.join(name)).is_ok_and(|stat| stat.size == *size))
}

/// What the documents of a source have to follow from.
struct Base {
    /// What is remembered, as it is stored.
    stored: State,
    /// The same, and where nothing is remembered what the documents here say by their place.
    state: State,
}

impl Base {
    /// What is known of the policy that is here; of the one that came where none is here and a fingerprint is pinned.
    fn of(job: &Job<'_>, documents: &Path, held: Option<&Held>, download: &Download) -> Result<Self, SyncError> {
        let files = job.world.files;
        let here = stated_name(files, documents).ok().or_else(|| held.map(|held| held.name.clone()));
        // Another policy never takes the place of the one that is here: its name is refused when it is verified.
        let name = here.or_else(|| download.stated_name()).ok_or(SyncError::NoAnchor)?;
        let stored = Store::of(job.world).load(&name)?;
        let state = match verify_folder(files, documents, job.world.now, &stored, &Floors::default()) {
            Ok(folder) => folder.next,
            Err(_) => stored.clone(),
        };
        if state.trust.is_none() && job.pin.is_none() {
            return Err(SyncError::NoAnchor);
        }
        Ok(Self { stored, state })
    }

    fn trusted(&self) -> Option<u64> {
        self.state.trust.as_ref().map(|mark| mark.version)
    }
}

/// Verify what came on a copy, complete it with what the believed manifest pins, and put it in force.
fn put_in_force(
    job: &Job<'_>,
    source: &mut dyn Source,
    here: &Here<'_>,
    download: &Download,
    base: &Base,
) -> Result<(Folder, Held), SyncError> {
    let staging = Staging::begin(job.world, job.folder)?;
    for (name, bytes) in &download.files {
        staging.put(name, bytes)?;
    }
    let folder = believe(job, staging.folder(), &base.state)?;
    let manifest = folder.manifest.get();
    complete(&staging, source, here, manifest)?;
    let held = download.held(manifest, further(job, staging.folder(), download, manifest));
    staging.put_in_force(manifest.header.serial)?;
    Ok((folder, held))
}

fn believe(job: &Job<'_>, folder: &Path, state: &State) -> Result<Folder, SyncError> {
    let refused = |unbelieved| SyncError::Refused(Box::new(unbelieved));
    let believed = verify_folder(job.world.files, folder, job.world.now, state, job.floors).map_err(refused)?;
    match believed.memory.trust_expired {
        // It vouches for nobody, and would take the place of one that may not have expired.
        Some(expired) => Err(SyncError::TrustExpired(expired)),
        None => Ok(believed),
    }
}

/// The files that the manifest pins: taken over where they are here already, else asked for.
fn complete(staging: &Staging, source: &mut dyn Source, here: &Here<'_>, manifest: &Manifest) -> Result<(), SyncError> {
    for pinned in Pinned::of(manifest) {
        match pinned.here(here) {
            Some(path) => staging.take_over(&pinned.name, &path)?,
            None => staging.put(&pinned.name, &pinned.fetch(source)?)?,
        }
    }
    Ok(())
}

/// The files of a set, with their sizes.
fn further(job: &Job<'_>, folder: &Path, download: &Download, manifest: &Manifest) -> BTreeMap<String, u64> {
    let pinned = Pinned::of(manifest).into_iter().map(|pinned| pinned.name);
    let size = |name: String| job.world.files.lstat(&folder.join(&name)).ok().map(|stat| (name, stat.size));
    download.files.keys().cloned().chain(pinned).filter_map(size).collect()
}

/// Remember what was believed, as a check of the folder would. Where another run remembered something meanwhile, the documents are
/// looked at again under that.
fn remember(job: &Job<'_>, base: &Base, next: State) -> Vec<String> {
    let store = Store::of(job.world);
    let not_remembered =
        |why: String| vec![format!("what was believed is not remembered, so an older policy would not be noticed here: {why}")];
    let (mut known, mut next) = (base.stored.clone(), next);
    for _ in 0..MAX_TRIES {
        if known == next {
            return Vec::new();
        }
        match store.replace(&known, &next) {
            Ok(true) => return Vec::new(),
            Ok(false) => {}
            Err(error) => return not_remembered(error.to_string()),
        }
        let again = || -> Result<(State, State), SyncError> {
            let known = store.load(&next.name)?;
            let documents = place::documents_in(job.world.files, job.folder)?;
            let next = believe(job, &documents, &known)?.next;
            Ok((known, next))
        };
        match again() {
            Ok((later, after)) => (known, next) = (later, after),
            Err(error) => return not_remembered(error.to_string()),
        }
    }
    not_remembered("other runs write it all the time".to_owned())
}
