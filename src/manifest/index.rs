//! The index of a manifest: what its text says, so that reading it again costs no parsing.
//!
//! The text is what people read and sign, and at 30,000 digests parsing it costs more than all the rest of a check. The index holds the
//! same manifest: the bulk (approvals, artifacts, digests) in tables of fixed records that are searched and decoded in place, the
//! rest as `postcard` writes it. Nothing here is believed: `trust` keeps an index for the text whose signatures it verified, under
//! the SHA-256 of that text, and takes it for no other.
//!
//! Every number in the tables is checked when an index is opened, so that decoding an approval later cannot fail: a decision never has
//! to choose between "cannot be read" and "no approval". What does not hold is no index, and the text is parsed.

mod build;
#[cfg(test)]
mod tests;

use super::{Approval, Approvals, Approved, Artifact, EvidenceRef, FileListRef, Installed, Manifest, Release, Shape};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::tool::{Ecosystem, Package, PackageVersion, Platform, ToolId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// Changes whenever an older index must not be read any more. The version of the program is looked at besides.
pub const FORMAT: u32 = 4;

/// How many bytes and records each section has: the words an index begins with.
const SECTIONS: usize = 10;
/// SHA-256, approval, artifact.
const FILE: usize = 32 + 4 + 4;
/// Algorithm, bytes.
const DIGEST: usize = 4 + 64;
/// Version, line, end of its artifacts, who (from 1), ticket (from 1), flags, nanoseconds of both times, seconds of both.
const APPROVAL: usize = 8 * 4 + 2 * 8;
/// Of an installed artifact: platform (from 1), shape (from 1), digests, file list (from 1), package (from 1). Of a release: first of its
/// evidence, 0, digests, how many there are, package (from 1).
const ARTIFACT: usize = 5 * 4;
/// Path, digests.
const LIST: usize = 2 * 4;
/// Ecosystem, name, version.
const PACKAGE: usize = 3 * 4;
/// Path, SHA-256.
const EVIDENCE: usize = 4 + 32;
/// Flag of an approval: the approvers wrote down that there is no attestation.
const IS_UNATTESTED: u32 = 1;
/// Flag of an approval: it says when the release was published.
const IS_RELEASED: u32 = 2;
/// Ecosystems by their number.
const ECOSYSTEMS: [Ecosystem; 13] = [
    Ecosystem::Npm,
    Ecosystem::Pypi,
    Ecosystem::VsCode,
    Ecosystem::JetBrains,
    Ecosystem::Brew,
    Ecosystem::GitHub,
    Ecosystem::Ollama,
    Ecosystem::HuggingFace,
    Ecosystem::Generic,
    Ecosystem::Cargo,
    Ecosystem::Go,
    Ecosystem::Gem,
    Ecosystem::Docker,
];
/// In the word for the digests of a thing: how many there are, above the number of the first. None is one SHA-256 in the table of
/// files.
const COUNT_SHIFT: u32 = 29;

/// What is not in tables.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The manifest without approvals.
    rest: Manifest,
    /// For each tool how many approvals it has, and whether any of them approves a file.
    tools: Vec<(u32, bool)>,
    people: Vec<Vec<String>>,
    shapes: Vec<Shape>,
}

/// The tables of an index whose every number was checked.
pub(super) struct Index {
    bytes: Vec<u8>,
    files: Range<usize>,
    digests: Range<usize>,
    approvals: Range<usize>,
    artifacts: Range<usize>,
    lists: Range<usize>,
    packages: Range<usize>,
    evidence: Range<usize>,
    ends: Range<usize>,
    texts: Range<usize>,
    people: Vec<Vec<String>>,
    shapes: Vec<Shape>,
    /// Each tool with the end of its approvals, and whether any of them approves a file.
    tools: Vec<(ToolId, usize, bool)>,
}

/// The files that the approvals of an indexed manifest name, to be found by their digest.
#[derive(Clone)]
pub struct ApprovedFiles(Arc<Index>);

/// A file that an approval names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedFile {
    /// Which tool it belongs to.
    pub tool: ToolId,
    /// In which version.
    pub version: String,
    /// Its path in the tool; empty when the tool is that file.
    pub path: String,
}

impl ApprovedFiles {
    /// What a file is; where several approvals name it, the first of them says it.
    #[must_use]
    pub fn find(&self, sha256: &Digest) -> Option<ApprovedFile> {
        let Digest::Sha256(wanted) = sha256 else { return None };
        let index = &self.0;
        let files = index.files();
        let at = files.binary_search_by(|file| file[..32].cmp(&wanted[..])).ok()?;
        let [approval, artifact] = words(&files[at][32..]);
        let tool = &index.tools[index.tools.partition_point(|(_, end, _)| *end <= approval as usize)].0;
        let Shape::File { path } = &index.shapes[words::<4>(&index.artifacts()[artifact as usize])[1] as usize - 1] else {
            return None;
        };
        let version = index.version(approval as usize).to_owned();
        Some(ApprovedFile { tool: tool.clone(), version, path: path.clone() })
    }

    /// The tools of which a file is approved, in file order.
    pub fn tools(&self) -> impl Iterator<Item = &ToolId> {
        self.0.tools.iter().filter(|(_, _, has_files)| *has_files).map(|(id, _, _)| id)
    }

    /// Whether no file is approved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.files.is_empty()
    }
}

impl std::fmt::Debug for ApprovedFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApprovedFiles({})", self.0.files().len())
    }
}

impl Manifest {
    /// The index of this manifest; `None` where it holds what an index cannot, and then its text is parsed every time.
    #[must_use]
    pub fn to_index(&self) -> Option<Vec<u8>> {
        let bytes = build::bytes(self)?;
        // What cannot be read back exactly is not kept.
        (Self::of_index(bytes.clone()).as_ref() == Some(self)).then_some(bytes)
    }

    /// The manifest of an index; `None` where the bytes are no index.
    #[must_use]
    pub fn of_index(bytes: Vec<u8>) -> Option<Self> {
        let (index, mut manifest) = Index::open(bytes)?;
        let index = Arc::new(index);
        let mut start = 0;
        for (entry, (_, end, _)) in manifest.tools.iter_mut().zip(&index.tools) {
            entry.approvals = Approvals::of_index(Arc::clone(&index), start..*end);
            start = *end;
        }
        Some(manifest)
    }

    /// The files it approves, where it stands in an index as a whole. Else every approval has to be looked at.
    #[must_use]
    pub fn approved_files(&self) -> Option<ApprovedFiles> {
        let index = self.tools.first()?.approvals.index()?;
        let is_whole = self.tools.len() == index.tools.len()
            && self.tools.iter().zip(&index.tools).all(|(entry, (id, _, _))| {
                entry.id == *id && entry.approvals.index().is_some_and(|other| Arc::ptr_eq(other, index))
            });
        is_whole.then(|| ApprovedFiles(Arc::clone(index)))
    }
}

impl Index {
    fn open(bytes: Vec<u8>) -> Option<(Self, Manifest)> {
        let sizes: [u32; SECTIONS] = words(bytes.get(..SECTIONS * 4)?);
        let [files, digests, approvals, artifacts, lists, packages, evidence, texts, text_bytes, head] =
            sizes.map(|size| size as usize);
        let mut at = SECTIONS * 4;
        let mut section = |length: Option<usize>| -> Option<Range<usize>> {
            let range = at..at.checked_add(length?)?;
            at = range.end;
            (at <= bytes.len()).then_some(range)
        };
        let files = section(files.checked_mul(FILE))?;
        let digests = section(digests.checked_mul(DIGEST))?;
        let approvals = section(approvals.checked_mul(APPROVAL))?;
        let artifacts = section(artifacts.checked_mul(ARTIFACT))?;
        let lists = section(lists.checked_mul(LIST))?;
        let packages = section(packages.checked_mul(PACKAGE))?;
        let evidence = section(evidence.checked_mul(EVIDENCE))?;
        let ends = section(texts.checked_mul(4))?;
        let texts = section(Some(text_bytes))?;
        let head = section(Some(head))?;
        if head.end != bytes.len() {
            return None;
        }
        let (Head { rest, tools, people, shapes }, left) = postcard::take_from_bytes::<Head>(&bytes[head]).ok()?;
        if !left.is_empty() || tools.len() != rest.tools.len() {
            return None;
        }
        let mut end = 0_usize;
        let tools = rest.tools.iter().zip(tools).map(|(entry, (count, has_files))| {
            end = end.checked_add(count as usize)?;
            entry.approvals.is_empty().then(|| (entry.id.clone(), end, has_files))
        });
        let tools = tools.collect::<Option<Vec<_>>>()?;
        let index =
            Self { bytes, files, digests, approvals, artifacts, lists, packages, evidence, ends, texts, people, shapes, tools };
        index.holds().then_some((index, rest))
    }

    /// Whether every number leads to something, and the files are in the order in which they are searched.
    fn holds(&self) -> bool {
        let (approvals, artifacts) = (self.approvals(), self.artifacts());
        let texts = self.ends().len();
        let is_text = |number: u32| (number as usize) < texts;
        let Ok(text) = std::str::from_utf8(&self.bytes[self.texts.clone()]) else { return false };
        let text_ends = || self.ends().iter().map(|end| u32::from_le_bytes(*end) as usize);
        in_order(text_ends(), text.len())
            && text_ends().all(|end| text.is_char_boundary(end))
            && in_order(self.tools.iter().map(|(_, end, _)| *end), approvals.len())
            && in_order(approvals.iter().map(|a| words::<3>(a)[2] as usize), artifacts.len())
            && approvals.iter().all(|approval| {
                let [version, _, _, by, ticket, flags] = words(approval);
                is_text(version)
                    && by as usize <= self.people.len()
                    && ticket as usize <= texts
                    && flags <= IS_UNATTESTED | IS_RELEASED
                    && (by == 0 || instant(approval, Time::Approved).is_some())
                    && (flags & IS_RELEASED == 0 || instant(approval, Time::Released).is_some())
            })
            && self.digests().iter().all(|digest| algorithm(digest).is_some())
            && self.lists().iter().all(|list| {
                let [path, digests] = words(list);
                is_text(path) && self.holds_digests(digests)
            })
            && self.packages().iter().all(|package| {
                let [ecosystem, name, version] = words(package);
                (ecosystem as usize) < ECOSYSTEMS.len() && is_text(name) && is_text(version)
            })
            && self.evidence().iter().all(|file| is_text(words::<1>(file)[0]))
            && artifacts.iter().all(|artifact| {
                let [platform, shape, digests, list, package] = words(artifact);
                let holds = match shape {
                    0 => self.evidence_at(platform, list).is_some(),
                    _ => platform as usize <= texts && list as usize <= self.lists().len(),
                };
                holds
                    && shape as usize <= self.shapes.len()
                    && self.holds_digests(digests)
                    && package as usize <= self.packages().len()
            })
            && self.files().is_sorted_by(|a, b| a[..32] < b[..32])
            && self.files().iter().all(|file| {
                let [approval, artifact] = words(&file[32..]);
                (approval as usize) < approvals.len()
                    && self.artifacts_of(approval as usize).contains(&(artifact as usize))
                    && matches!(self.shape(words::<4>(&artifacts[artifact as usize])[1]), Some(Shape::File { .. }))
            })
    }

    fn holds_digests(&self, word: u32) -> bool {
        let (first, count) = digests_at(word);
        if count == 0 {
            return first < self.files().len();
        }
        let Some(found) = self.digests().get(first..first + count) else { return false };
        found.is_sorted_by(|a, b| algorithm(a) < algorithm(b))
    }

    fn files(&self) -> &[[u8; FILE]] {
        self.bytes[self.files.clone()].as_chunks().0
    }

    fn digests(&self) -> &[[u8; DIGEST]] {
        self.bytes[self.digests.clone()].as_chunks().0
    }

    fn approvals(&self) -> &[[u8; APPROVAL]] {
        self.bytes[self.approvals.clone()].as_chunks().0
    }

    fn artifacts(&self) -> &[[u8; ARTIFACT]] {
        self.bytes[self.artifacts.clone()].as_chunks().0
    }

    fn lists(&self) -> &[[u8; LIST]] {
        self.bytes[self.lists.clone()].as_chunks().0
    }

    fn packages(&self) -> &[[u8; PACKAGE]] {
        self.bytes[self.packages.clone()].as_chunks().0
    }

    fn evidence(&self) -> &[[u8; EVIDENCE]] {
        self.bytes[self.evidence.clone()].as_chunks().0
    }

    fn evidence_at(&self, first: u32, count: u32) -> Option<&[[u8; EVIDENCE]]> {
        self.evidence().get(first as usize..(first as usize).checked_add(count as usize)?)
    }

    fn ends(&self) -> &[[u8; 4]] {
        self.bytes[self.ends.clone()].as_chunks().0
    }

    fn text(&self, number: u32) -> &str {
        let end = |number: usize| u32::from_le_bytes(self.ends()[number]) as usize;
        let number = number as usize;
        let start = if number == 0 { 0 } else { end(number - 1) };
        std::str::from_utf8(&self.bytes[self.texts.clone()][start..end(number)])
            .expect("the whole was looked at when the index was opened, and every end lies between two characters")
    }

    fn shape(&self, from_one: u32) -> Option<&Shape> {
        self.shapes.get((from_one as usize).checked_sub(1)?)
    }

    fn digest_set(&self, word: u32) -> DigestSet {
        let (first, count) = digests_at(word);
        if count == 0 {
            let mut sha256 = [0; 32];
            sha256.copy_from_slice(&self.files()[first][..32]);
            return Digest::Sha256(sha256).into();
        }
        let mut set = DigestSet::new();
        for record in &self.digests()[first..first + count] {
            // Each algorithm once: their order was looked at.
            let digest = algorithm(record).and_then(|algorithm| Digest::from_bytes(algorithm, &record[4..]));
            let _ = digest.map(|digest| set.insert(digest));
        }
        set
    }

    fn package(&self, number: u32) -> PackageVersion {
        let [ecosystem, name, version] = words(&self.packages()[number as usize]);
        let package = Package { ecosystem: ECOSYSTEMS[ecosystem as usize], name: self.text(name).to_owned() };
        PackageVersion { package, version: self.text(version).to_owned() }
    }

    fn evidence_file(&self, record: &[u8; EVIDENCE]) -> EvidenceRef {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(&record[4..]);
        EvidenceRef { path: self.text(words::<1>(record)[0]).into(), sha256 }
    }

    fn artifacts_of(&self, approval: usize) -> Range<usize> {
        let end = |approval: usize| words::<3>(&self.approvals()[approval])[2] as usize;
        let start = if approval == 0 { 0 } else { end(approval - 1) };
        start..end(approval)
    }

    /// The version of an approval.
    pub(super) fn version(&self, approval: usize) -> &str {
        self.text(words::<1>(&self.approvals()[approval])[0])
    }

    /// An approval.
    pub(super) fn approval(&self, number: usize) -> Approval {
        let record = &self.approvals()[number];
        let [version, line, _, by, ticket, flags] = words(record);
        let approved = by.checked_sub(1).zip(instant(record, Time::Approved)).map(|(by, at)| Approved {
            by: self.people[by as usize].clone(),
            at,
            ticket: ticket.checked_sub(1).map(|ticket| self.text(ticket).to_owned()),
        });
        let artifacts = self.artifacts_of(number).map(|artifact| self.artifact(artifact)).collect();
        Approval {
            version: self.text(version).to_owned(),
            approved,
            released: if flags & IS_RELEASED == 0 { None } else { instant(record, Time::Released) },
            is_unattested: flags & IS_UNATTESTED != 0,
            artifacts,
            line,
        }
    }

    fn artifact(&self, number: usize) -> Artifact {
        let [platform, shape, digests, list, package] = words(&self.artifacts()[number]);
        let digests = self.digest_set(digests);
        let package = package.checked_sub(1).map(|number| self.package(number));
        let Some(shape) = self.shape(shape) else {
            let evidence = self.evidence_at(platform, list).unwrap_or_default().iter().map(|file| self.evidence_file(file));
            return Artifact::Release(Release { package, digests, evidence: evidence.collect() });
        };
        Artifact::Installed(Installed {
            package,
            platform: platform.checked_sub(1).map(|platform| Platform(self.text(platform).to_owned())),
            shape: shape.clone(),
            digests,
            files: list.checked_sub(1).map(|list| {
                let [path, digests] = words(&self.lists()[list as usize]);
                FileListRef { path: self.text(path).into(), digests: self.digest_set(digests) }
            }),
        })
    }
}

/// Which of the times of an approval.
#[derive(Clone, Copy)]
enum Time {
    Released = 0,
    Approved = 1,
}

/// Whether each end is at or behind the one before it, and the last one is where everything ends.
fn in_order(mut ends: impl Iterator<Item = usize>, last: usize) -> bool {
    let mut before = 0;
    ends.all(|end| std::mem::replace(&mut before, end) <= end) && before == last
}

/// The first words of a record.
fn words<const N: usize>(record: &[u8]) -> [u32; N] {
    let (words, _) = record.as_chunks::<4>();
    std::array::from_fn(|at| u32::from_le_bytes(words[at]))
}

fn digests_at(word: u32) -> (usize, usize) {
    ((word & ((1 << COUNT_SHIFT) - 1)) as usize, (word >> COUNT_SHIFT) as usize)
}

fn algorithm(digest: &[u8; DIGEST]) -> Option<Algorithm> {
    [Algorithm::Sha256, Algorithm::Sha512, Algorithm::DirHash].get(words::<1>(digest)[0] as usize).copied()
}

/// A time of an approval.
fn instant(approval: &[u8; APPROVAL], time: Time) -> Option<Timestamp> {
    let nanoseconds = words::<8>(approval)[6 + time as usize];
    let (seconds, _) = approval[8 * 4..].as_chunks::<8>();
    Timestamp::new(i64::from_le_bytes(seconds[time as usize]), nanoseconds.cast_signed()).ok()
}
