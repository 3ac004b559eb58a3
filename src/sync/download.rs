//! What is asked of a source, in which order, and what is already here.
//!
//! Names of files come from documents that nobody vouches for yet, so each is one of a few fixed names or a relative path that the
//! grammar allows, each has a limit, and nothing of it is looked at before it lies in a folder of its own and was verified there.

use super::SyncError;
use super::record::{Held, HeldFile};
use super::source::{Fetched, Source, Tag};
use crate::digest::Digest;
use crate::manifest::file_list::MAX_FILE_LIST;
use crate::manifest::trust_policy::Role;
use crate::manifest::{Artifact, MAX_BUNDLE, MAX_DOCUMENT, MAX_UNVERIFIED, Manifest, TrustPolicy};
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE};
use crate::trust::sigstore::MAX_TRUSTED_ROOT;
use crate::world::files::Files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The ends of the names of signatures, with the most bytes of each.
const SIGNATURES: [(&str, u64); 2] = [(".sigstore.jsonl", MAX_BUNDLE * 8), (".sigstore.json", MAX_BUNDLE)];
/// The most earlier versions of the trust policy that are asked for: at one a month, twenty years.
const MAX_STEPS: u64 = 256;
/// The most bytes of trusted roots and earlier trust policies that are taken from a source, all together: which of them it takes is
/// said by a trust policy that nobody vouches for yet.
const MAX_FURTHER: u64 = 64 * 1024 * 1024;
/// The most such files: every step with its signatures, and the roots of one Sigstore instance at each.
const MAX_FURTHER_FILES: u64 = MAX_STEPS * 4;

/// What a machine has already: the documents in force, and what was remembered of them.
#[derive(Debug, Clone, Copy)]
pub struct Here<'a> {
    /// For reading.
    pub files: Files,
    /// Where the documents in force are.
    pub documents: &'a Path,
    /// What was remembered, where the files are still those.
    pub held: Option<&'a Held>,
    /// Whether the source that is asked is the one that the tags are of.
    pub is_same_source: bool,
    /// The pinned fingerprint of a trust policy.
    pub pin: Option<&'a Digest>,
}

/// What a source gave, together with what was here and is the same.
#[derive(Debug, Default)]
pub struct Download {
    /// Every file that the documents need to be verified: bytes by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What the source called them.
    tags: BTreeMap<String, Tag>,
    /// Whether anything differs from what is here.
    pub is_changed: bool,
    /// How many trusted roots and earlier versions were asked for, and their bytes.
    further: (u64, u64),
}

impl Here<'_> {
    fn local(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        self.files.read(&self.documents.join(name), limit).ok()
    }

    /// The bytes that are here and are what was remembered.
    fn held(&self, name: &str, limit: u64) -> Option<(&HeldFile, Vec<u8>)> {
        let file = self.held?.files.get(name)?;
        let bytes = self.local(name, limit)?;
        file.is_of(&bytes).then_some((file, bytes))
    }
}

impl Download {
    /// Ask for the documents and their signatures.
    ///
    /// # Errors
    /// [`SyncError`] when the source gives no answer, or lacks a file that it must have.
    pub fn begin(source: &mut dyn Source, here: &Here<'_>) -> Result<Self, SyncError> {
        let mut download = Self::default();
        download.need(source, here, TRUST_FILE)?;
        let has_revocations = match here.held.filter(|_| !download.is_changed) {
            Some(held) => held.files.contains_key(REVOCATIONS_FILE),
            // What is no trust policy is called so by those who verify it.
            None => download.trust_policy().is_some_and(|trust| trust.roles.contains_key(&Role::Revocations)),
        };
        // The revocations come before the manifest: they name the newest manifest, so that one that is published in between is
        // newer than the one they name, never older.
        if has_revocations {
            download.need(source, here, REVOCATIONS_FILE)?;
        }
        download.need(source, here, MANIFEST_FILE)?;
        let documents: Vec<String> = download.files.keys().cloned().collect();
        for document in &documents {
            download.signatures(source, here, document)?;
        }
        if here.held.is_none_or(|held| held.files.keys().ne(download.files.keys())) {
            download.is_changed = true;
        }
        Ok(download)
    }

    /// Ask for what it takes to verify the documents: trusted roots, and the chain of trust policies back to `believed`, the
    /// version that this machine believed.
    ///
    /// # Errors
    /// As [`Download::begin`].
    pub fn complete(&mut self, source: &mut dyn Source, here: &Here<'_>, believed: Option<u64>) -> Result<(), SyncError> {
        let Some(trust) = self.trust_policy() else { return Ok(()) };
        self.trusted_roots(source, here, &trust, true)?;
        self.earlier_versions(source, here, &trust, believed)
    }

    /// What is remembered of the documents for the next time, and of the files beside them.
    #[must_use]
    pub fn held(&self, manifest: &Manifest, further: BTreeMap<String, u64>) -> Held {
        let is_asked_again = |name: &str| {
            let document = SIGNATURES.iter().find_map(|(end, _)| name.strip_suffix(end)).unwrap_or(name);
            [TRUST_FILE, MANIFEST_FILE, REVOCATIONS_FILE].contains(&document)
        };
        let files = self.files.iter().filter(|(name, _)| is_asked_again(name));
        Held {
            files: files.map(|(name, bytes)| (name.clone(), HeldFile::of(bytes, self.tags.get(name)))).collect(),
            sources: manifest.sync.sources.clone(),
            every: manifest.sync.every.as_secs(),
            name: manifest.header.name.clone(),
            further,
        }
    }

    /// The tags of files that did not change, for a record whose source changed.
    #[must_use]
    pub fn retagged(&self, held: &Held) -> Held {
        let mut held = held.clone();
        for (name, file) in &mut held.files {
            file.tag = self.tags.get(name).map(|tag| tag.0.clone());
        }
        held
    }

    fn need(&mut self, source: &mut dyn Source, here: &Here<'_>, name: &str) -> Result<(), SyncError> {
        // What is read before anybody vouches for it keeps the lower limit.
        let limit = if name == TRUST_FILE { MAX_UNVERIFIED } else { MAX_DOCUMENT };
        if self.ask(source, here, name, limit)? { Ok(()) } else { Err(SyncError::Missing(name.to_owned())) }
    }

    /// Ask for a file, unless it still is the one that is here. `false` when the source has none.
    fn ask(&mut self, source: &mut dyn Source, here: &Here<'_>, name: &str, limit: u64) -> Result<bool, SyncError> {
        let held = here.held(name, limit);
        let known = held.as_ref().filter(|_| here.is_same_source).and_then(|(file, _)| file.tag.clone()).map(Tag);
        let (bytes, tag) = match (source.fetch(name, limit, known.as_ref())?, held) {
            (Fetched::Missing, _) => return Ok(false),
            (Fetched::NotModified, Some((_, bytes))) => (bytes, known),
            (Fetched::NotModified, None) => return Err(SyncError::Missing(name.to_owned())),
            (Fetched::Bytes { bytes, tag }, held) => {
                self.is_changed |= held.is_none_or(|(_, here)| here != bytes);
                (bytes, tag)
            }
        };
        self.files.insert(name.to_owned(), bytes);
        self.tags.extend(tag.map(|tag| (name.to_owned(), tag)));
        Ok(true)
    }

    /// Ask for a file that a trust policy needs which nobody vouches for yet.
    fn further(&mut self, source: &mut dyn Source, name: &str, limit: u64) -> Result<Fetched, SyncError> {
        let (files, bytes) = &mut self.further;
        *files += 1;
        if *files > MAX_FURTHER_FILES || *bytes >= MAX_FURTHER {
            return Err(SyncError::TooMuch { files: MAX_FURTHER_FILES, bytes: MAX_FURTHER });
        }
        let fetched = source.fetch(name, limit.min(MAX_FURTHER - *bytes), None)?;
        if let Fetched::Bytes { bytes: found, .. } = &fetched {
            *bytes += found.len() as u64;
        }
        Ok(fetched)
    }

    /// The signatures of a document: those that are remembered are asked for, and where one of them is gone or none is
    /// remembered, both forms.
    fn signatures(&mut self, source: &mut dyn Source, here: &Here<'_>, document: &str) -> Result<(), SyncError> {
        let remembered = |name: &String| here.held.is_some_and(|held| held.files.contains_key(name));
        let names = SIGNATURES.map(|(end, limit)| (format!("{document}{end}"), limit));
        let mut is_whole = names.iter().any(|(name, _)| remembered(name));
        for (name, limit) in names.iter().filter(|(name, _)| remembered(name)) {
            is_whole &= self.ask(source, here, name, *limit)?;
        }
        if !is_whole {
            for (name, limit) in &names {
                if !self.files.contains_key(name) {
                    self.ask(source, here, name, *limit)?;
                }
            }
        }
        Ok(())
    }

    /// The trust policy that came, before anybody vouches for it: it says what else is needed to find out who does.
    fn trust_policy(&self) -> Option<TrustPolicy> {
        TrustPolicy::parse(Path::new(TRUST_FILE), self.files.get(TRUST_FILE)?).ok()
    }

    /// The name that the trust policy that came states.
    #[must_use]
    pub fn stated_name(&self) -> Option<String> {
        Some(self.trust_policy()?.name)
    }

    /// The trusted roots that a trust policy pins: from here where they are the pinned ones.
    fn trusted_roots(
        &mut self,
        source: &mut dyn Source,
        here: &Here<'_>,
        trust: &TrustPolicy,
        is_current: bool,
    ) -> Result<(), SyncError> {
        for instance in trust.instances.values() {
            let Some(name) = name_of(&instance.trusted_root) else { continue };
            if self.files.contains_key(&name) {
                continue;
            }
            let is_pinned = |bytes: &Vec<u8>| Digest::sha256_of(bytes) == instance.sha256;
            if let Some(bytes) = here.local(&name, MAX_TRUSTED_ROOT).filter(is_pinned) {
                self.files.insert(name, bytes);
                continue;
            }
            match self.further(source, &name, MAX_TRUSTED_ROOT)? {
                Fetched::Bytes { bytes, .. } if is_current || is_pinned(&bytes) => {
                    self.files.insert(name, bytes);
                }
                // Sigstore instances renew their roots; one that an earlier version pinned may be gone.
                _ if !is_current => {}
                _ => return Err(SyncError::Missing(name)),
            }
        }
        Ok(())
    }

    /// Earlier versions of the trust policy, back to the one that this machine believed and the one that is pinned; those that
    /// are here stay, for other users of this machine.
    fn earlier_versions(
        &mut self,
        source: &mut dyn Source,
        here: &Here<'_>,
        newest: &TrustPolicy,
        believed: Option<u64>,
    ) -> Result<(), SyncError> {
        let here_now = here.local(TRUST_FILE, MAX_UNVERIFIED).and_then(|bytes| {
            let policy = TrustPolicy::parse(Path::new(TRUST_FILE), &bytes).ok()?;
            Some((policy.version, bytes))
        });
        let is_pinned = |bytes: &[u8]| here.pin.is_some_and(|pin| Digest::sha256_of(bytes) == *pin);
        let mut needs_pinned = here.pin.is_some() && !self.files.get(TRUST_FILE).is_some_and(|bytes| is_pinned(bytes));
        let believed = believed.or(here_now.as_ref().map(|(version, _)| *version));
        let mut has_hole = false;
        for version in (newest.version.saturating_sub(MAX_STEPS).max(1)..newest.version).rev() {
            let name = format!("vetted-trust.{version}.toml");
            let is_needed = needs_pinned || believed.is_some_and(|believed| version >= believed);
            let local = match &here_now {
                Some((now, bytes)) if *now == version => Some((TRUST_FILE.to_owned(), bytes.clone())),
                _ => here.local(&name, MAX_UNVERIFIED).map(|bytes| (name.clone(), bytes)),
            };
            match local {
                Some((from, bytes)) => {
                    needs_pinned &= !is_pinned(&bytes);
                    for (end, limit) in SIGNATURES {
                        let signature = here.local(&format!("{from}{end}"), limit);
                        self.files.extend(signature.map(|bytes| (format!("{name}{end}"), bytes)));
                    }
                    self.files.insert(name.clone(), bytes);
                }
                None if is_needed && !has_hole => {
                    let Fetched::Bytes { bytes, .. } = self.further(source, &name, MAX_UNVERIFIED)? else {
                        has_hole = true;
                        continue;
                    };
                    needs_pinned &= !is_pinned(&bytes);
                    self.files.insert(name.clone(), bytes);
                    for (end, limit) in SIGNATURES {
                        if let Fetched::Bytes { bytes, .. } = self.further(source, &format!("{name}{end}"), limit)? {
                            self.files.insert(format!("{name}{end}"), bytes);
                        }
                    }
                }
                // Nothing before a hole can lead here; what is here already is kept all the same, to say where the hole is.
                None => continue,
            }
            if let Ok(policy) = TrustPolicy::parse(Path::new(&name), &self.files[&name]) {
                self.trusted_roots(source, here, &policy, false)?;
            }
        }
        Ok(())
    }
}

/// A file that a believed manifest pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Relative to the documents.
    pub name: String,
    /// What it must be.
    pub sha256: Digest,
}

impl Pinned {
    /// The lists and the evidence that a manifest pins, each once.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Vec<Self> {
        let mut names = BTreeMap::new();
        for artifact in manifest.tools.iter().flat_map(|tool| &tool.approvals).flat_map(|approval| &approval.artifacts) {
            match artifact {
                Artifact::Installed(installed) => {
                    let Some(files) = &installed.files else { continue };
                    let sha256 = files.digests.iter().find(|digest| matches!(digest, Digest::Sha256(_)));
                    if let (Some(name), Some(sha256)) = (name_of(&files.path), sha256) {
                        names.insert(name, sha256.clone());
                    }
                }
                Artifact::Release(release) => {
                    let files =
                        release.evidence.iter().filter_map(|file| Some((name_of(&file.path)?, Digest::Sha256(file.sha256))));
                    names.extend(files);
                }
            }
        }
        names.into_iter().map(|(name, sha256)| Self { name, sha256 }).collect()
    }

    /// Where it lies already with the right bytes.
    #[must_use]
    pub fn here(&self, here: &Here<'_>) -> Option<PathBuf> {
        let bytes = here.local(&self.name, MAX_FILE_LIST)?;
        (Digest::sha256_of(&bytes) == self.sha256).then(|| here.documents.join(&self.name))
    }

    /// Ask a source for it.
    ///
    /// # Errors
    /// [`SyncError`] when it is not there, or not what is pinned.
    pub fn fetch(&self, source: &mut dyn Source) -> Result<Vec<u8>, SyncError> {
        let Fetched::Bytes { bytes, .. } = source.fetch(&self.name, MAX_FILE_LIST, None)? else {
            return Err(SyncError::Missing(self.name.clone()));
        };
        let found = Digest::sha256_of(&bytes);
        if found != self.sha256 {
            return Err(SyncError::NotPinned { name: self.name.clone(), expected: self.sha256.clone(), found });
        }
        Ok(bytes)
    }
}

/// A path of a document as the name of a file: the grammar allows relative ones alone, and this is where it would matter.
fn name_of(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        let std::path::Component::Normal(part) = part else { return None };
        parts.push(part.to_str().filter(|part| !part.contains(['\\', ':']))?);
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists of files and of packages, and the bundles that speak of a release: all of it is needed where there is no network.
    #[test]
    fn everything_that_a_manifest_pins_is_brought() {
        let text = include_str!("../../tests/manifests/valid/attestations.toml");
        let manifest = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap();
        let names: Vec<String> = Pinned::of(&manifest).into_iter().map(|pinned| pinned.name).collect();
        let below = "attestations/npm/openai-codex/0.169.0";
        let expected = ["-linux-x64/a.sigstore.json", "/a.sigstore.json", "/b.sigstore.json", "/packages.json"];
        assert_eq!(names, expected.map(|name| format!("{below}{name}")));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(name_of(Path::new("attestations/a.json")).as_deref(), Some("attestations/a.json"));
        for wrong in ["", "/etc/passwd", "../a", "a/../../b", "a\\..\\b", "C:/a"] {
            assert_eq!(name_of(Path::new(wrong)), None, "{wrong}");
        }
    }
}
