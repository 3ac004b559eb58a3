//! The three documents of a policy folder, believed together or not at all.
//!
//! Signatures say who wrote a document; state and floors say that it is not an older one; the revocations name the newest manifest,
//! so that the documents of one folder are of one time (threats T-05, T-06, T-24).

use super::against::Against;
use super::authority::Authority;
use super::bundles::read_bundles;
use super::chain::{self, Trusted};
use super::content::Content;
use super::place::{MANIFEST_FILE, REVOCATIONS_FILE};
use super::refusal::{CLIENT, Document, Refusal};
use super::sigstore::SignatureBundle;
use super::state::{Floors, Mark, State, coverage_of, differ};
use super::unbelieved::Unbelieved;
use super::{Memory, Proof, Verified, threshold};
use crate::digest::Digest;
use crate::manifest::index::FORMAT;
use crate::manifest::trust_policy::Role;
use crate::manifest::{
    Beacon, ClientRequirement, Header, MANIFEST_KIND, MAX_DOCUMENT, Manifest, ManifestErrors, REVOCATIONS_KIND, Revocation,
    Revocations, TrustPolicy,
};
use crate::world::files::Files;
use crate::world::index_cache::IndexCache;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// By how much the clock of the one who signed may be ahead of this one, and this one behind a time that was signed.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);
/// From which size on the index of a manifest is kept, in bytes: some fifty approvals on six platforms, which take 1.7 ms to parse.
/// Below, parsing is a small part of a check, and nothing depends on a cache (`docs/performance.md`).
const MIN_INDEXED: u64 = 64 * 1024;

/// A policy folder that is believed.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Who may sign what.
    pub trust: Verified<TrustPolicy>,
    /// The manifest. It may have expired: then it approves nothing new, which is decided elsewhere.
    pub manifest: Verified<Manifest>,
    /// The revocations, where the trust policy gives somebody the role. They may have expired, too.
    pub revocations: Option<Verified<Revocations>>,
    /// What is remembered that bears on how long the documents may be used.
    pub memory: Memory,
    /// What is to be remembered from now on. Equal to what was remembered where nothing changed, and where the trust policy has
    /// expired: what it vouches for leaves no trace.
    pub next: State,
}

/// Verify the documents of a folder: signatures, state, floors, and that they belong together. Nothing is written.
///
/// # Errors
/// [`Unbelieved`] with the first step that fails.
pub fn verify_folder(
    files: Files,
    folder: &Path,
    clock: Timestamp,
    state: &State,
    floors: &Floors,
) -> Result<Folder, Unbelieved> {
    let indexes = &IndexCache::off();
    verify(&Against { files, folder, now: clock, state, floors, indexes })
}

/// [`verify_folder`] where `against.now` is the clock, with the indexes of large documents that are kept there.
///
/// # Errors
/// As [`verify_folder`].
pub(super) fn verify(against: &Against<'_>) -> Result<Folder, Unbelieved> {
    let (state, floors, clock) = (against.state, against.floors, against.now);
    let now = state.latest.map_or(clock, |latest| latest.max(clock));
    let against = Against { now, ..*against };
    let Trusted { authority, proof, mark, reset } = chain::believe(&against)?;
    let policy = &authority.policy;
    let trust_expired = (policy.expires <= now).then_some(policy.expires);

    let manifest = Believed::<Manifest>::read(&against, &authority, MANIFEST_FILE, Role::Manifest)?;
    let refuse = |refusal| Unbelieved { path: manifest.path.clone(), refusal };
    refuse_long_waivers(&manifest.value, policy).map_err(refuse)?;
    let mut manifest_mark = manifest.mark();
    let known_manifest = known(state.manifest.as_ref(), reset.contains(&Role::Manifest));
    admit(Document::Manifest, known_manifest.as_ref(), &manifest_mark, floors).map_err(refuse)?;

    let revocations = read_revocations(&against, &authority)?;
    let known_revocations = known(state.revocations.as_ref(), reset.contains(&Role::Revocations));
    let mut revocations_mark = None;
    if let Some(found) = &revocations {
        let refuse = |refusal| Unbelieved { path: found.path.clone(), refusal };
        let mark = found.mark();
        admit(Document::Revocations, known_revocations.as_ref(), &mark, floors).map_err(refuse)?;
        revocations_mark = Some(mark);
        check_beacon(&found.value, &manifest_mark).map_err(|refusal| Unbelieved { path: manifest.path.clone(), refusal })?;
    }
    let revoked = still_revoked(&against, &manifest, revocations.as_ref())?;

    // A clock that is behind a signed time may be behind the end of a document, too: nothing is seen fresh by it.
    let is_suspect = now.duration_since(clock) > CLOCK_SKEW;
    let sees_fresh = |header: &Header| !is_suspect && trust_expired.is_none() && now < header.expires;
    let was_fresh = |known: Option<&Mark>, mark: &Mark| known.is_some_and(|k| k.sha256 == mark.sha256 && k.fresh);
    manifest_mark.fresh = sees_fresh(&manifest.value.header) || was_fresh(state.manifest.as_ref(), &manifest_mark);
    if let (Some(mark), Some(found)) = (&mut revocations_mark, &revocations) {
        mark.fresh = sees_fresh(&found.value.header) || was_fresh(state.revocations.as_ref(), mark);
    }
    let issued = [Some(manifest_mark.issued), revocations_mark.as_ref().map(|mark| mark.issued), state.latest];
    let latest = issued.into_iter().flatten().max();
    let memory = Memory {
        manifest: manifest_mark.fresh,
        revocations: revocations_mark.as_ref().is_some_and(|mark| mark.fresh),
        latest,
        trust_expired,
    };
    let next = if trust_expired.is_some() {
        state.clone()
    } else {
        let mut next = State::new(&policy.name);
        next.trust = Some(mark);
        next.manifest = Some(manifest_mark);
        next.revocations = revocations_mark.or(known_revocations);
        next.revoked = revoked;
        next.latest = latest;
        next
    };
    let revocations = revocations.map(Believed::verified);
    Ok(Folder { trust: Verified::new(authority.policy, proof), manifest: manifest.verified(), revocations, memory, next })
}

/// A document whose signatures are enough.
struct Believed<T> {
    value: T,
    path: PathBuf,
    sha256: Digest,
    signers: Vec<String>,
}

/// A document with a serial.
trait Issue: Sized {
    const KIND: &'static str;
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors>;

    /// The document of an index, in the form in which indexes are kept; `None` for a kind of which none are kept.
    fn of_index(_index: Vec<u8>) -> Option<Self> {
        None
    }

    /// What is kept of it, where anything is.
    fn to_index(&self) -> Option<Vec<u8>> {
        None
    }

    fn header(&self) -> &Header;

    /// Which versions of this program may believe it; `None` is every one.
    fn requires_client(&self) -> Option<&ClientRequirement> {
        None
    }
}

impl Issue for Manifest {
    const KIND: &'static str = MANIFEST_KIND;

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        Self::parse(path, bytes)
    }

    fn of_index(index: Vec<u8>) -> Option<Self> {
        Self::of_index(index)
    }

    fn to_index(&self) -> Option<Vec<u8>> {
        self.to_index()
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn requires_client(&self) -> Option<&ClientRequirement> {
        self.requires_client.as_ref()
    }
}

impl Issue for Revocations {
    const KIND: &'static str = REVOCATIONS_KIND;

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        Self::parse(path, bytes)
    }

    fn header(&self) -> &Header {
        &self.header
    }
}

impl<T: Issue> Believed<T> {
    /// A document of the folder: its signatures first, then what it says of itself.
    fn read(against: &Against<'_>, authority: &Authority, name: &str, role: Role) -> Result<Self, Unbelieved> {
        let path = against.folder.join(name);
        Self::verify(against, authority, &path, role).map_err(|refusal| Unbelieved { path, refusal })
    }

    fn verify(against: &Against<'_>, authority: &Authority, path: &Path, role: Role) -> Result<Self, Refusal> {
        let believed = match Self::of_index(against, authority, path, role)? {
            Some(believed) => believed,
            None => Self::of_text(against, authority, path, role)?,
        };
        let value = &believed.value;
        if let Some(requires) = value.requires_client().filter(|requires| !requires.satisfied_by(CLIENT)) {
            return Err(Refusal::ClientTooOld { requires: requires.to_string() });
        }
        let header = value.header();
        if header.name != authority.policy.name {
            return Err(Refusal::WrongName { found: header.name.clone(), trust: authority.policy.name.clone() });
        }
        if header.issued.duration_since(against.now) > CLOCK_SKEW {
            return Err(Refusal::IssuedInFuture { issued: header.issued, now: against.now });
        }
        Ok(believed)
    }

    /// A large document that was read before: its bytes are digested as they are read, its signatures are verified over the digest,
    /// and what it says is taken from its index. `None` where it is to be read as a text.
    fn of_index(against: &Against<'_>, authority: &Authority, path: &Path, role: Role) -> Result<Option<Self>, Refusal> {
        let is_large = |size| (MIN_INDEXED..=MAX_DOCUMENT).contains(&size);
        let is_here = against.indexes.is_on() && against.files.stat(path).is_ok_and(|stat| is_large(stat.size));
        if !is_here {
            return Ok(None);
        }
        let Ok((sha256, _)) = against.files.sha256(path, MAX_DOCUMENT) else { return Ok(None) };
        let Some(index) = against.indexes.load(against.files, &sha256, FORMAT) else { return Ok(None) };
        let bundles = read_bundles(against.files, path)?;
        if !bundles.iter().all(SignatureBundle::is_over_sha256) {
            return Ok(None);
        }
        let signers = threshold::verify(authority, role, Content::of_sha256(sha256.clone()), &bundles, against.now)?;
        Ok(T::of_index(index).map(|value| Self { value, path: path.to_owned(), sha256, signers }))
    }

    fn of_text(against: &Against<'_>, authority: &Authority, path: &Path, role: Role) -> Result<Self, Refusal> {
        let bytes = against.files.read(path, MAX_DOCUMENT)?;
        let bundles = read_bundles(against.files, path)?;
        let content = Content::of(&bytes);
        let signers = threshold::verify(authority, role, &content, &bundles, against.now)?;
        let value = T::parse(path, &bytes).map_err(|e| Refusal::of_document(e, T::KIND))?;
        let sha256 = content.sha256().clone();
        if bytes.len() as u64 >= MIN_INDEXED
            && against.indexes.is_on()
            && let Some(index) = value.to_index()
        {
            // An index that cannot be kept costs time in the next run and nothing else.
            let _ = against.indexes.store(against.files, &sha256, FORMAT, index);
        }
        Ok(Self { value, path: path.to_owned(), sha256, signers })
    }

    fn mark(&self) -> Mark {
        Mark::of(self.value.header(), self.sha256.clone())
    }

    fn verified(self) -> Verified<T> {
        Verified::new(self.value, Proof::Signed { path: self.path, sha256: self.sha256, signers: self.signers })
    }
}

/// What is remembered of a document, its serial forgotten where a voice of its role was taken away.
fn known(mark: Option<&Mark>, is_reset: bool) -> Option<Mark> {
    mark.map(|mark| Mark { reset: mark.reset || is_reset, ..mark.clone() })
}

fn admit(document: Document, known: Option<&Mark>, found: &Mark, floors: &Floors) -> Result<(), Refusal> {
    known.map_or(Ok(()), |known| known.admit(document, found))?;
    floors.admit(document, found.serial)
}

/// The trust policy says whether there are revocations. A mirror that leaves them out would otherwise unblock everything they
/// block, and one that adds some would have nobody to vouch for them.
fn read_revocations(against: &Against<'_>, authority: &Authority) -> Result<Option<Believed<Revocations>>, Unbelieved> {
    let path = against.folder.join(REVOCATIONS_FILE);
    let refuse = |refusal| Unbelieved { path: path.clone(), refusal };
    let is_there = match against.files.lstat(&path) {
        Ok(_) => true,
        Err(error) if error.is_not_found() => false,
        Err(error) => return Err(refuse(error.into())),
    };
    match (authority.policy.roles.contains_key(&Role::Revocations), is_there) {
        (true, true) => Believed::read(against, authority, REVOCATIONS_FILE, Role::Revocations).map(Some),
        (true, false) => Err(refuse(Refusal::RevocationsLeftOut(path.clone()))),
        (false, true) => Err(refuse(Refusal::NoRole(Role::Revocations))),
        (false, false) if against.floors.has(Document::Revocations) => Err(refuse(Refusal::RevocationsLeftOut(path.clone()))),
        (false, false) => Ok(None),
    }
}

fn check_beacon(revocations: &Revocations, manifest: &Mark) -> Result<(), Refusal> {
    revocations.manifest.admit(&Beacon { serial: manifest.serial, sha256: manifest.sha256.clone() })
}

impl Beacon {
    /// Whether a manifest is the one that is named as the newest, or a newer one.
    ///
    /// # Errors
    /// [`Refusal::OlderThanBeacon`], [`Refusal::OtherThanBeacon`].
    pub fn admit(&self, found: &Self) -> Result<(), Refusal> {
        if found.serial < self.serial {
            return Err(Refusal::OlderThanBeacon { named: self.serial, found: found.serial });
        }
        if found.serial == self.serial && found.sha256 != self.sha256 {
            let (named, found, serial) = (self.sha256.clone(), found.sha256.clone(), self.serial);
            return Err(Refusal::OtherThanBeacon { serial, named, found });
        }
        Ok(())
    }
}

fn refuse_long_waivers(manifest: &Manifest, policy: &TrustPolicy) -> Result<(), Refusal> {
    let limit = policy.waiver_limit;
    match manifest.waivers_longer_than(limit).first() {
        Some(waiver) => {
            let runs = waiver.expires.duration_since(waiver.starts);
            Err(Refusal::WaiverTooLong { id: waiver.id.clone(), runs, limit })
        }
        None => Ok(()),
    }
}

/// The revocations in force, each with what it covers; all that were in force before are among them, or withdrawn.
fn still_revoked(
    against: &Against<'_>,
    manifest: &Believed<Manifest>,
    revocations: Option<&Believed<Revocations>>,
) -> Result<BTreeMap<String, String>, Unbelieved> {
    let withdrawn: BTreeSet<&str> = manifest.value.withdrawn.iter().map(|w| w.id.as_str()).collect();
    let collect = |list: &mut dyn Iterator<Item = &Revocation>| -> BTreeMap<String, String> {
        list.filter(|r| !withdrawn.contains(r.id.as_str())).map(|r| (r.id.clone(), coverage_of(r))).collect()
    };
    let overlays = manifest.value.overlays.iter().flat_map(|overlay| &overlay.revocations);
    let approved = collect(&mut manifest.value.revocations.iter().chain(overlays));
    let on_call = revocations.map(|r| collect(&mut r.value.revocations.iter())).unwrap_or_default();
    let before = &against.state.revoked;

    let is_gone = |id: &&String| {
        !withdrawn.contains(id.as_str()) && !approved.contains_key(id.as_str()) && !on_call.contains_key(id.as_str())
    };
    let lost: Vec<String> = before.keys().filter(is_gone).cloned().collect();
    let newest = revocations.map_or(&manifest.path, |r| &r.path);
    let refuse = |refusal| Unbelieved { path: newest.clone(), refusal };
    if !lost.is_empty() {
        return Err(refuse(Refusal::RevocationsLost(lost)));
    }
    // One person on call may refuse and never lift, also not by making an old refusal cover less. The manifest's signers may.
    for (id, covers) in &on_call {
        if !approved.contains_key(id) && before.get(id).is_some_and(|before| differ(before, covers)) {
            return Err(refuse(Refusal::RevocationChanged(id.clone())));
        }
    }
    Ok(on_call.into_iter().chain(approved).collect())
}
