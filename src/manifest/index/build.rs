//! From a manifest to the bytes of its index.

use super::{COUNT_SHIFT, ECOSYSTEMS, Head, IS_RELEASED, IS_UNATTESTED};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::manifest::{Approvals, Artifact, Manifest, Release, Shape};
use crate::tool::PackageVersion;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The bytes; `None` where a table would be too long or an approved file has more than a SHA-256.
pub(super) fn bytes(manifest: &Manifest) -> Option<Vec<u8>> {
    let mut tables = Tables { files: files(manifest)?, ..Tables::default() };
    let mut tools = Vec::with_capacity(manifest.tools.len());
    for entry in &manifest.tools {
        for approval in &entry.approvals {
            tables.approval(approval)?;
        }
        let has_files = entry.approvals.iter().flat_map(|a| &a.artifacts).any(|artifact| sha256_of_file(artifact).is_some());
        tools.push((u32::try_from(entry.approvals.len()).ok()?, has_files));
    }
    let mut rest = manifest.clone();
    for entry in &mut rest.tools {
        entry.approvals = Approvals::default();
    }
    let head = Head { rest, tools, people: tables.people.list, shapes: tables.shapes.list };
    let head = postcard::to_allocvec(&head).ok()?;

    let mut ends = Vec::new();
    let mut texts = String::new();
    for text in &tables.texts.list {
        texts.push_str(text);
        ends.push(u32::try_from(texts.len()).ok()?);
    }
    let sizes = [
        tables.files.len(),
        tables.digests.len(),
        tables.approvals.len(),
        tables.artifacts.len(),
        tables.lists.list.len(),
        tables.packages.list.len(),
        tables.evidence.len(),
        ends.len(),
        texts.len(),
        head.len(),
    ];
    let mut bytes = Vec::new();
    for size in sizes {
        append(&mut bytes, &[u32::try_from(size).ok()?]);
    }
    for (sha256, (_, approval, artifact)) in &tables.files {
        bytes.extend_from_slice(sha256);
        append(&mut bytes, &[*approval, *artifact]);
    }
    for digest in &tables.digests {
        append(&mut bytes, &[number_of(digest.algorithm())]);
        let start = bytes.len();
        bytes.extend_from_slice(digest.as_bytes());
        bytes.resize(start + 64, 0);
    }
    for (record, seconds) in &tables.approvals {
        append(&mut bytes, record);
        bytes.extend(seconds.iter().flat_map(|seconds| seconds.to_le_bytes()));
    }
    for record in &tables.artifacts {
        append(&mut bytes, record);
    }
    for record in &tables.lists.list {
        append(&mut bytes, record);
    }
    for record in &tables.packages.list {
        append(&mut bytes, record);
    }
    for (path, sha256) in &tables.evidence {
        append(&mut bytes, &[*path]);
        bytes.extend_from_slice(sha256);
    }
    append(&mut bytes, &ends);
    bytes.extend_from_slice(texts.as_bytes());
    bytes.extend_from_slice(&head);
    Some(bytes)
}

fn append(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn number_of(algorithm: Algorithm) -> u32 {
    match algorithm {
        Algorithm::Sha256 => 0,
        Algorithm::Sha512 => 1,
        Algorithm::DirHash => 2,
    }
}

/// Values, each once, by their number.
struct Once<T> {
    list: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { list: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Once<T> {
    fn number(&mut self, value: &T) -> Option<u32> {
        if let Some(number) = self.numbers.get(value) {
            return Some(*number);
        }
        let number = u32::try_from(self.list.len()).ok()?;
        self.list.push(value.clone());
        self.numbers.insert(value.clone(), number);
        Some(number)
    }

    /// The number of what may be absent, from 1.
    fn optional(&mut self, value: Option<&T>) -> Option<u32> {
        value.map_or(Some(0), |value| self.number(value)?.checked_add(1))
    }
}

/// Each approved file by its digest: its place in the table, and the first approval and artifact that name it.
type Files = BTreeMap<[u8; 32], (u32, u32, u32)>;

fn files(manifest: &Manifest) -> Option<Files> {
    let mut files = Files::new();
    let (mut approval, mut artifact) = (0, 0);
    for listed in manifest.tools.iter().flat_map(|entry| &entry.approvals) {
        for one in &listed.artifacts {
            if let Some(sha256) = sha256_of_file(one) {
                files.entry(sha256).or_insert((0, approval, artifact));
            } else if matches!(one, Artifact::Installed(installed) if matches!(installed.shape, Shape::File { .. })) {
                // A file that is not found by its digest alone has no place in the table.
                return None;
            }
            artifact += 1;
        }
        approval += 1;
    }
    for (place, (_, file)) in files.iter_mut().enumerate() {
        file.0 = u32::try_from(place).ok()?;
    }
    Some(files)
}

/// The one digest of an approved file.
fn sha256_of_file(artifact: &Artifact) -> Option<[u8; 32]> {
    let Artifact::Installed(installed) = artifact else { return None };
    let Shape::File { .. } = installed.shape else { return None };
    let mut digests = installed.digests.iter();
    match (digests.next(), digests.next()) {
        (Some(Digest::Sha256(sha256)), None) => Some(*sha256),
        _ => None,
    }
}

#[derive(Default)]
struct Tables {
    files: Files,
    digests: Vec<Digest>,
    approvals: Vec<([u32; 8], [i64; 2])>,
    artifacts: Vec<[u32; 5]>,
    lists: Once<[u32; 2]>,
    packages: Once<[u32; 3]>,
    evidence: Vec<(u32, [u8; 32])>,
    texts: Once<String>,
    people: Once<Vec<String>>,
    shapes: Once<Shape>,
}

impl Tables {
    fn approval(&mut self, approval: &crate::manifest::Approval) -> Option<()> {
        for artifact in &approval.artifacts {
            self.artifact(artifact)?;
        }
        let approved = approval.approved.as_ref();
        let is_unattested = if approval.is_unattested { IS_UNATTESTED } else { 0 };
        let is_released = if approval.released.is_some() { IS_RELEASED } else { 0 };
        let times = [approval.released, approved.map(|approved| approved.at)];
        let [released, given] = times.map(|time| time.map_or(0, Timestamp::subsec_nanosecond).cast_unsigned());
        let record = [
            self.texts.number(&approval.version)?,
            approval.line,
            u32::try_from(self.artifacts.len()).ok()?,
            self.people.optional(approved.map(|approved| &approved.by))?,
            self.texts.optional(approved.and_then(|approved| approved.ticket.as_ref()))?,
            is_unattested | is_released,
            released,
            given,
        ];
        self.approvals.push((record, times.map(|time| time.map_or(0, Timestamp::as_second))));
        Some(())
    }

    fn artifact(&mut self, artifact: &Artifact) -> Option<()> {
        let record = match artifact {
            Artifact::Release(release) => self.release(release)?,
            Artifact::Installed(installed) => {
                let digests = match sha256_of_file(artifact) {
                    Some(sha256) => self.files.get(&sha256)?.0,
                    None => self.digests(&installed.digests)?,
                };
                let list = match &installed.files {
                    Some(list) => {
                        let path = self.texts.number(&list.path.to_str()?.to_owned())?;
                        let record = [path, self.digests(&list.digests)?];
                        self.lists.optional(Some(&record))?
                    }
                    None => 0,
                };
                let platform = self.texts.optional(installed.platform.as_ref().map(|platform| &platform.0))?;
                let package = self.package(installed.package.as_ref())?;
                [platform, self.shapes.optional(Some(&installed.shape))?, digests, list, package]
            }
        };
        self.artifacts.push(record);
        Some(())
    }

    fn release(&mut self, release: &Release) -> Option<[u32; 5]> {
        let first = u32::try_from(self.evidence.len()).ok()?;
        for file in &release.evidence {
            let path = self.texts.number(&file.path.to_str()?.to_owned())?;
            self.evidence.push((path, file.sha256));
        }
        let count = u32::try_from(release.evidence.len()).ok()?;
        Some([first, 0, self.digests(&release.digests)?, count, self.package(release.package.as_ref())?])
    }

    /// The number of a package, from 1.
    fn package(&mut self, package: Option<&PackageVersion>) -> Option<u32> {
        let Some(PackageVersion { package, version }) = package else { return Some(0) };
        let ecosystem = ECOSYSTEMS.iter().position(|known| *known == package.ecosystem)?;
        let record = [u32::try_from(ecosystem).ok()?, self.texts.number(&package.name)?, self.texts.number(version)?];
        self.packages.optional(Some(&record))
    }

    /// The word for digests in their own table; an empty set has none.
    fn digests(&mut self, set: &DigestSet) -> Option<u32> {
        let first = u32::try_from(self.digests.len()).ok().filter(|first| first >> COUNT_SHIFT == 0)?;
        self.digests.extend(set.iter().cloned());
        let count = u32::try_from(self.digests.len()).ok()? - first;
        (1..8).contains(&count).then_some(first | count << COUNT_SHIFT)
    }
}
