//! Evidence that approvals name, verified again: a file beside the manifest is worth what it proves in this run.
//!
//! What is asked stands in [`Asked`]; what came of it in an [`AttestedSet`], which only this module can fill. What is not in the
//! set was not verified, and nothing takes that for a pass.

use super::attestation_refusal::{AttestationRefusal, Differs};
use super::attested::{Attested, Expectation, RootOrigin, RootUsed, attest};
use super::roots::{PUBLIC_GOOD, Root, RootRefusal, Roots};
use super::sigstore::{AttestationBundle, Signer};
use crate::attestation::forms;
use crate::digest::{Digest, DigestMismatch, DigestSet};
use crate::manifest::{Attestor, BundleVersion, EvidenceRef};
use crate::text::{printable, printable_path};
use crate::world::World;
use crate::world::proof_cache::ProofCache;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// The largest file of evidence that is read, in bytes: a response with a handful of bundles.
pub const MAX_EVIDENCE: u64 = 4 * 1024 * 1024;

/// One question: does this file of evidence show this of a release file with these digests?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Digests of the release file, as the approval pins them.
    pub subject: DigestSet,
    /// The file of evidence.
    pub evidence: EvidenceRef,
    /// What it has to show.
    pub expected: Expected,
}

/// What evidence has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// What a policy of the manifest asks for.
    Policy {
        /// The Sigstore instance that vouches.
        instance: String,
        /// Who, what, from where.
        expectation: Box<Expectation>,
    },
    /// That somebody attested it at an instance that this machine knows. Who that is, is reported and not asked.
    Anyone {
        /// The oldest form of a bundle that counts.
        min_bundle: BundleVersion,
    },
}

/// Why a stored file of evidence shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoredRefusal {
    /// Nobody verified it in this run.
    #[error("it was not verified")]
    NotVerified,
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The file is another one than the manifest pins.
    #[error("`{}` is not the file that the manifest pins: expected {}, found {}", printable_path(.path), .digests.expected, .digests.actual)]
    Swapped {
        /// Relative to the folder of the manifest.
        path: PathBuf,
        /// Expected and found.
        digests: DigestMismatch,
    },
    /// It is no evidence in a form that is read.
    #[error("`{}` is no evidence that is read: {why}", printable_path(.path))]
    Form {
        /// Relative to the folder of the manifest.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// None of its bundles shows what is asked: why the one that comes nearest does not.
    #[error("`{}` is refused at the step {refusal}", printable_path(.path))]
    Attestation {
        /// Relative to the folder of the manifest.
        path: PathBuf,
        /// The step, what it expected and what it found.
        refusal: AttestationRefusal,
    },
    /// There is no trusted root to verify it under.
    #[error("there is no trusted root of `{}` to verify it under: {why}", printable(.instance))]
    Root {
        /// The Sigstore instance.
        instance: String,
        /// Why.
        why: String,
    },
}

impl StoredRefusal {
    /// The step that failed, as a word.
    #[must_use]
    pub fn step(&self) -> &'static str {
        match self {
            Self::NotVerified => "not verified",
            Self::Unreadable(_) => "evidence file",
            Self::Swapped { .. } => "evidence digest",
            Self::Form { .. } => "form",
            Self::Attestation { refusal, .. } => refusal.step(),
            Self::Root { .. } => "trusted root",
        }
    }
}

impl StoredRefusal {
    /// What the step that failed expected and what it found, where it compared two things.
    #[must_use]
    pub fn differs(&self) -> Option<Differs> {
        match self {
            Self::Swapped { digests, .. } => Some(Differs::new(digests.expected.to_string(), digests.actual.to_string())),
            Self::Attestation { refusal, .. } => Some(refusal.differs().clone()),
            Self::NotVerified | Self::Unreadable(_) | Self::Form { .. } | Self::Root { .. } => None,
        }
    }
}

/// Why a bundle does not do, and how near it comes to what is asked: of several refusals the nearest says the most.
struct Miss {
    nearness: u8,
    refusal: StoredRefusal,
}

/// What verifies the evidence of one policy.
pub struct Verifier<'a> {
    world: &'a World,
    roots: &'a Roots,
    /// The folder of the manifest; none for the built-in policy, which has no files beside it.
    folder: Option<&'a Path>,
    cache: ProofCache,
    /// Files that were read, by their path in the manifest.
    files: BTreeMap<EvidenceRef, Result<Arc<Vec<u8>>, StoredRefusal>>,
    /// What decides about the root of an instance.
    fingerprints: BTreeMap<String, Option<Digest>>,
}

impl<'a> Verifier<'a> {
    /// One that knows what `cache` knows.
    #[must_use]
    pub fn new(world: &'a World, roots: &'a Roots, folder: Option<&'a Path>, cache: ProofCache) -> Self {
        Self { world, roots, folder, cache, files: BTreeMap::new(), fingerprints: BTreeMap::new() }
    }

    /// Verify what is asked, and keep what was shown for the next run.
    #[must_use]
    pub fn verify(mut self, all: Vec<Asked>) -> AttestedSet {
        let mut answers: Vec<(Asked, Result<Attested, StoredRefusal>)> = Vec::with_capacity(all.len());
        for asked in all {
            let shown = matches!(asked.expected, Expected::Anyone { .. }).then(|| shown_before(&answers, &asked)).flatten();
            let answer = shown.map_or_else(|| self.answer(&asked), Ok);
            answers.push((asked, answer));
        }
        // A cache that cannot be written costs time in the next run and nothing else.
        let _ = self.cache.save(self.world.files);
        AttestedSet { answers }
    }

    fn answer(&mut self, asked: &Asked) -> Result<Attested, StoredRefusal> {
        let bytes = self.read(&asked.evidence)?;
        let (instances, by) = match &asked.expected {
            Expected::Policy { instance, expectation } => (vec![instance.clone()], Some(&**expectation)),
            Expected::Anyone { .. } => {
                let mut instances = self.roots.instances();
                instances.sort_by_key(|instance| instance != PUBLIC_GOOD);
                (instances, None)
            }
        };
        let keys: Vec<Option<[u8; 32]>> = instances.iter().map(|instance| self.key(asked, instance)).collect();
        for key in keys.iter().flatten() {
            if let Some(attested) = self.cache.get(key).and_then(|proof| Kept::read(proof, &asked.subject)) {
                return Ok(attested);
            }
        }
        let bundles =
            forms::read(&bytes).map_err(|why| StoredRefusal::Form { path: asked.evidence.path.clone(), why: why.to_string() })?;
        let mut nearest: Option<Miss> = None;
        for (instance, key) in instances.iter().zip(keys) {
            let root = match self.roots.get(instance) {
                Ok(root) => root,
                Err(why) => {
                    note(&mut nearest, Miss { nearness: 0, refusal: no_root(instance, &why) });
                    continue;
                }
            };
            for bundle in &bundles {
                match show(bundle.as_str(), asked, by, &root) {
                    Ok(attested) => {
                        if let Some((key, proof)) = key.zip(Kept::of(&attested).written()) {
                            self.cache.insert(key, proof);
                        }
                        return Ok(attested);
                    }
                    Err(miss) => note(&mut nearest, miss),
                }
            }
        }
        Err(nearest.map_or(StoredRefusal::NotVerified, |miss| miss.refusal))
    }

    /// The file, when it is the one that the manifest pins.
    fn read(&mut self, evidence: &EvidenceRef) -> Result<Arc<Vec<u8>>, StoredRefusal> {
        if let Some(known) = self.files.get(evidence) {
            return known.clone();
        }
        let read = self.read_pinned(evidence).map(Arc::new);
        self.files.insert(evidence.clone(), read.clone());
        read
    }

    fn read_pinned(&self, evidence: &EvidenceRef) -> Result<Vec<u8>, StoredRefusal> {
        let Some(folder) = self.folder else {
            return Err(StoredRefusal::Unreadable("the built-in policy has no files beside it".to_owned()));
        };
        let path = folder.join(&evidence.path);
        let bytes = self.world.files.read(&path, MAX_EVIDENCE).map_err(|e| StoredRefusal::Unreadable(e.to_string()))?;
        Digest::sha256_of(&bytes)
            .verify(&Digest::Sha256(evidence.sha256))
            .map_err(|digests| StoredRefusal::Swapped { path: evidence.path.clone(), digests })?;
        Ok(bytes)
    }

    /// What a proof is kept under: everything that it depends on. None where the root of the instance cannot be told.
    fn key(&mut self, asked: &Asked, instance: &str) -> Option<[u8; 32]> {
        let roots = self.roots;
        let fingerprint = self.fingerprints.entry(instance.to_owned()).or_insert_with(|| roots.fingerprint(instance).ok());
        let mut text = Key::default();
        text.add(b"vetted proof 1").add(&asked.evidence.sha256).add(fingerprint.as_ref()?.as_bytes()).add(instance.as_bytes());
        for digest in asked.subject.iter() {
            text.add(digest.to_string().as_bytes());
        }
        match &asked.expected {
            Expected::Anyone { min_bundle } => text.add(b"anyone").add(min_bundle.name().as_bytes()),
            Expected::Policy { expectation, .. } => text.add(b"policy").add_expectation(expectation),
        };
        match Digest::sha256_of(&text.0) {
            Digest::Sha256(key) => Some(key),
            _ => None,
        }
    }
}

/// Fields with their lengths, so that no two lists of fields are one text.
#[derive(Default)]
struct Key(Vec<u8>);

impl Key {
    fn add(&mut self, field: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&(field.len() as u64).to_le_bytes());
        self.0.extend_from_slice(field);
        self
    }

    fn add_optional(&mut self, field: Option<&str>) -> &mut Self {
        self.add(&[u8::from(field.is_some())]).add(field.unwrap_or_default().as_bytes())
    }

    fn add_expectation(&mut self, expectation: &Expectation) -> &mut Self {
        let Expectation { by, predicates, source, source_id, owner_id, builder, min_bundle } = expectation;
        match by {
            Attestor::Identity { issuer, identity } => self.add(b"identity").add(issuer.as_bytes()).add(identity.as_bytes()),
            Attestor::Key { spki, not_after } => {
                let end = not_after.map(|end| end.to_string());
                self.add(b"key").add(spki).add_optional(end.as_deref())
            }
        };
        self.add(&(predicates.len() as u64).to_le_bytes());
        for predicate in predicates {
            self.add(predicate.as_bytes());
        }
        for claim in [source, source_id, owner_id, builder] {
            self.add_optional(claim.as_deref());
        }
        self.add(min_bundle.name().as_bytes())
    }
}

/// Whoever was shown to have attested it for a policy is somebody.
fn shown_before(answers: &[(Asked, Result<Attested, StoredRefusal>)], asked: &Asked) -> Option<Attested> {
    let same = |known: &Asked| known.evidence == asked.evidence && known.subject == asked.subject;
    answers.iter().filter(|(known, _)| same(known)).find_map(|(_, answer)| answer.as_ref().ok().cloned())
}

fn note(nearest: &mut Option<Miss>, miss: Miss) {
    if nearest.as_ref().is_none_or(|known| known.nearness < miss.nearness) {
        *nearest = Some(miss);
    }
}

fn no_root(instance: &str, why: &RootRefusal) -> StoredRefusal {
    StoredRefusal::Root { instance: instance.to_owned(), why: why.to_string() }
}

/// Whether a bundle shows what is asked. Without a policy whoever its certificate names is asked for: then everything but the name is
/// verified, and the name is reported.
fn show(text: &str, asked: &Asked, by: Option<&Expectation>, root: &Root) -> Result<Attested, Miss> {
    let miss = |nearness, refusal| {
        let path = asked.evidence.path.clone();
        Miss { nearness, refusal: StoredRefusal::Attestation { path, refusal } }
    };
    let bundle = AttestationBundle::parse(text).map_err(|refusal| miss(0, refusal))?;
    let expectation = match (by, &asked.expected) {
        (Some(expectation), _) => expectation.clone(),
        (None, Expected::Anyone { min_bundle }) => of_signer(&bundle, *min_bundle).map_err(|refusal| miss(1, refusal))?,
        (None, Expected::Policy { expectation, .. }) => (**expectation).clone(),
    };
    let nearness = 1 + nearness(&bundle, &asked.subject, &expectation);
    attest(&bundle, &asked.subject, &expectation, Some((&root.trust, &root.used))).map_err(|refusal| miss(nearness, refusal))
}

/// An expectation of nobody but the one that the bundle itself names.
fn of_signer(bundle: &AttestationBundle, min_bundle: BundleVersion) -> Result<Expectation, AttestationRefusal> {
    let by = match bundle.signer() {
        Signer::Identity(claims) => Attestor::Identity {
            issuer: claims.issuer.clone().unwrap_or_default(),
            identity: claims.identity.clone().unwrap_or_default(),
        },
        Signer::Key { hint } => {
            let found = format!("a signature by a key with the hint `{hint}`");
            return Err(AttestationRefusal::Key(Differs::new("a key that an attestation policy names", found)));
        }
    };
    let (source, source_id, owner_id, builder) = (None, None, None, None);
    Ok(Expectation { by, predicates: Vec::new(), source, source_id, owner_id, builder, min_bundle })
}

/// How much of what is asked a bundle says to have, before anything of it is verified.
fn nearness(bundle: &AttestationBundle, subject: &DigestSet, expectation: &Expectation) -> u8 {
    let is_by = match (bundle.signer(), &expectation.by) {
        (Signer::Identity(_), Attestor::Identity { .. }) | (Signer::Key { .. }, Attestor::Key { .. }) => 4,
        _ => 0,
    };
    let predicate = bundle.statement().map(|statement| statement.predicate_type.as_str());
    let says = if predicate.is_some_and(|found| expectation.predicates.iter().any(|wanted| wanted == found)) { 2 } else { 0 };
    is_by + says + u8::from(bundle.is_about(subject))
}

/// What of an [`Attested`] is kept between runs. The subject is part of the key.
#[derive(Serialize, Deserialize)]
struct Kept {
    predicate: Option<String>,
    issuer: Option<String>,
    identity: Option<String>,
    source: Option<String>,
    source_id: Option<String>,
    owner_id: Option<String>,
    builder: Option<String>,
    signed_at: Vec<Timestamp>,
    root: Option<(String, u8, [u8; 32])>,
}

const ORIGINS: [RootOrigin; 4] = [RootOrigin::Organisation, RootOrigin::Refreshed, RootOrigin::BuiltIn, RootOrigin::CommandLine];

impl Kept {
    fn of(attested: &Attested) -> Self {
        let root = attested.root.as_ref().and_then(|root| {
            let origin = ORIGINS.iter().position(|origin| *origin == root.origin)?;
            let Digest::Sha256(sha256) = root.sha256 else { return None };
            Some((root.instance.clone(), u8::try_from(origin).ok()?, sha256))
        });
        Self {
            predicate: attested.predicate.clone(),
            issuer: attested.issuer.clone(),
            identity: attested.identity.clone(),
            source: attested.source.clone(),
            source_id: attested.source_id.clone(),
            owner_id: attested.owner_id.clone(),
            builder: attested.builder.clone(),
            signed_at: attested.signed_at.clone(),
            root,
        }
    }

    fn written(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// What was kept, for exactly these digests; `None` where the bytes are nothing that this program wrote.
    fn read(bytes: &[u8], subject: &DigestSet) -> Option<Attested> {
        let kept: Self = postcard::from_bytes(bytes).ok()?;
        let root = match kept.root {
            None => None,
            Some((instance, origin, sha256)) => {
                let origin = *ORIGINS.get(usize::from(origin))?;
                Some(RootUsed { instance, origin, sha256: Digest::Sha256(sha256) })
            }
        };
        Some(Attested {
            subject: subject.clone(),
            predicate: kept.predicate,
            issuer: kept.issuer,
            identity: kept.identity,
            source: kept.source,
            source_id: kept.source_id,
            owner_id: kept.owner_id,
            builder: kept.builder,
            signed_at: kept.signed_at,
            root,
        })
    }
}

/// What was verified of the evidence that approvals name. Can be filled only in `trust`.
#[derive(Debug, Clone, Default)]
pub struct AttestedSet {
    answers: Vec<(Asked, Result<Attested, StoredRefusal>)>,
}

impl AttestedSet {
    /// What was found when this was asked.
    ///
    /// # Errors
    /// [`StoredRefusal`]; [`StoredRefusal::NotVerified`] where it was not asked.
    pub fn of(&self, asked: &Asked) -> Result<&Attested, &StoredRefusal> {
        match self.answers.iter().find(|(known, _)| known == asked) {
            Some((_, Ok(attested))) => Ok(attested),
            Some((_, Err(refusal))) => Err(refusal),
            None => Err(&StoredRefusal::NotVerified),
        }
    }

    /// A set believed without proof, for tests of what follows from it.
    #[cfg(test)]
    pub(crate) fn for_test(answers: Vec<(Asked, Result<Attested, StoredRefusal>)>) -> Self {
        Self { answers }
    }
}

#[cfg(test)]
impl Attested {
    /// An attestation believed without proof, for tests of what follows from it.
    #[must_use]
    pub(crate) fn for_test(subject: &DigestSet, identity: &str) -> Self {
        let identity = Some(identity.to_owned());
        let (predicate, issuer, source, source_id, owner_id, builder) = (None, None, None, None, None, None);
        let (subject, signed_at, root) = (subject.clone(), Vec::new(), None);
        Self { subject, predicate, issuer, identity, source, source_id, owner_id, builder, signed_at, root }
    }
}
