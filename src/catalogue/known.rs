//! Files whose bytes are known: `known.tsv`.
//!
//! Every run needs to know which *sizes* are known, so that other files need not be digested; hardly any run needs more. So the
//! lines stay text, and one is read when its digest is looked up: where it stands is found out when the program is made.

use super::{Catalogue, CatalogueError};
use crate::digest::{Algorithm, Digest};
use crate::manifest::index::{ApprovedFile, ApprovedFiles};
use crate::tool::ToolId;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// The lines of the known files.
#[derive(Debug, Clone, Default)]
pub struct KnownFiles {
    text: &'static str,
    finder: Finder,
    /// Files that a manifest names by digest; their sizes are not known.
    learnt: HashMap<Digest, KnownFile>,
    /// Files that the approvals of a large manifest name.
    approved: Option<ApprovedFiles>,
    /// Files that are looked for and that nobody says anything else of.
    watched: HashSet<Digest>,
}

/// Where in the lines of the known files something stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct Finder {
    /// Sorted, each once.
    sizes: Vec<u64>,
    /// The beginning of each digest, as a number, with where its line begins in bytes. Sorted.
    digests: Vec<(u32, u32)>,
}

/// From which size on a file is digested when files of unknown size are looked for, in bytes: programs are larger, and a system
/// has thousands of smaller files on `PATH`.
const MIN_UNSIZED: u64 = 1024 * 1024;

/// The source of what a manifest says.
pub(super) const MANIFEST: &str = "manifest";

/// A file whose bytes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Which tool it is.
    pub tool: ToolId,
    /// Which version of it, where that is known.
    pub version: Option<String>,
    /// Which file: `npm cli.js`, `linux-x64 native`.
    pub artefact: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Size in bytes, where that is known.
    pub size: Option<u64>,
    /// Where the digest comes from: `read` or `vendor`, as the head of the file says, or `manifest`.
    pub source: String,
}

impl Finder {
    pub(super) fn of(text: &str) -> Self {
        let mut finder = Self::default();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let fields: Vec<&str> = line.trim_end().split('\t').collect();
            if let [_, _, _, sha256, size, ..] = fields[..] {
                finder.sizes.extend(size.parse::<u64>());
                finder
                    .digests
                    .extend(sha256.get(..8).and_then(|head| u32::from_str_radix(head, 16).ok()).zip(u32::try_from(start).ok()));
            }
            start += line.len();
        }
        finder.sizes.sort_unstable();
        finder.sizes.dedup();
        finder.digests.sort_unstable();
        finder
    }
}

impl KnownFiles {
    /// Of lines whose places are looked for now.
    pub(super) fn of(text: &'static str) -> Self {
        Self::found_by(text, Finder::of(text))
    }

    /// Of lines whose places are known.
    pub(super) fn found_by(text: &'static str, finder: Finder) -> Self {
        Self { text, finder, learnt: HashMap::new(), approved: None, watched: HashSet::new() }
    }

    /// Whether a file of this size could be a known file.
    #[must_use]
    pub fn has_size(&self, size: u64) -> bool {
        self.has_exact_size(size) || (size >= MIN_UNSIZED && self.has_unsized())
    }

    /// Whether a file of exactly this size is known.
    #[must_use]
    pub fn has_exact_size(&self, size: u64) -> bool {
        self.finder.sizes.binary_search(&size).is_ok()
    }

    /// Whether there are files of unknown size.
    fn has_unsized(&self) -> bool {
        !self.learnt.is_empty() || !self.watched.is_empty() || self.approved.as_ref().is_some_and(|files| !files.is_empty())
    }

    /// Add a file that a manifest names by digest. What is known already stays as it is.
    pub(super) fn learn(&mut self, file: KnownFile) {
        self.learnt.entry(file.digest.clone()).or_insert(file);
    }

    /// Add the files that the approvals of a manifest name. What is known already stays as it is.
    pub(super) fn learn_approved(&mut self, files: ApprovedFiles) {
        self.approved = Some(files);
    }

    /// Look for a file without saying what it is.
    pub(super) fn watch_for(&mut self, sha256: Digest) {
        self.watched.insert(sha256);
    }

    /// Whether a file is looked for.
    #[must_use]
    pub fn is_watched(&self, sha256: &Digest) -> bool {
        self.watched.contains(sha256)
    }

    /// The files that are looked for, in order.
    #[must_use]
    pub fn watched(&self) -> Vec<&Digest> {
        let mut watched: Vec<&Digest> = self.watched.iter().collect();
        watched.sort_unstable();
        watched
    }

    /// What a file is, by its bytes.
    #[must_use]
    pub fn by_digest(&self, sha256: &Digest) -> Option<KnownFile> {
        self.by_line(sha256)
            .or_else(|| self.learnt.get(sha256).cloned())
            .or_else(|| Some(named_by_approval(self.approved.as_ref()?.find(sha256)?, sha256)))
    }

    fn by_line(&self, sha256: &Digest) -> Option<KnownFile> {
        let Digest::Sha256(bytes) = sha256 else { return None };
        let head = u32::from_be_bytes(*bytes.first_chunk()?);
        let digests = &self.finder.digests;
        let found = digests[digests.partition_point(|(other, _)| *other < head)..].iter().take_while(|(other, _)| *other == head);
        found
            .filter_map(|(_, start)| parse(self.text.get(*start as usize..)?.lines().next()?).ok())
            .find(|file| file.digest == *sha256)
    }

    /// Every known file, in the order of the lines.
    pub fn iter(&self) -> impl Iterator<Item = KnownFile> + Clone {
        lines(self.text).filter_map(|(_, line)| parse(line).ok())
    }

    /// Read every line.
    ///
    /// # Errors
    /// [`CatalogueError::Entry`] for a line that is malformed, names no source or no tool of the catalogue, or a digest that stands
    /// twice.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), CatalogueError> {
        let mut seen = HashSet::new();
        for (number, line) in lines(self.text) {
            let wrong = |why: &str| CatalogueError::Entry(format!("known files, line {number}: {why}"));
            let known = parse(line).map_err(|why| wrong(&why))?;
            if catalogue.tool(&known.tool).is_none() {
                return Err(wrong(&format!("no tool `{}`", known.tool)));
            }
            if !seen.insert(known.digest) {
                return Err(wrong("the digest stands twice"));
            }
        }
        Ok(())
    }
}

fn named_by_approval(file: ApprovedFile, sha256: &Digest) -> KnownFile {
    let ApprovedFile { tool, version, path } = file;
    KnownFile { tool, version: Some(version), artefact: path, digest: sha256.clone(), size: None, source: MANIFEST.to_owned() }
}

/// The lines that are no remark, numbered from 1.
fn lines(text: &'static str) -> impl Iterator<Item = (usize, &'static str)> + Clone {
    text.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.starts_with('#'))
}

fn parse(line: &str) -> Result<KnownFile, String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [tool, version, artefact, sha256, size, source] = fields[..] else {
        return Err("six fields stand in a line".to_owned());
    };
    if source.is_empty() {
        return Err("it names no source".to_owned());
    }
    Ok(KnownFile {
        tool: tool.parse().map_err(|e| format!("{e}"))?,
        version: Some(version.to_owned()),
        artefact: artefact.to_owned(),
        digest: Digest::parse(Algorithm::Sha256, sha256).map_err(|e| e.to_string())?,
        size: Some(size.parse().map_err(|e| format!("{e}"))?),
        source: source.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_line_is_whole() {
        let catalogue = Catalogue::built_in();
        catalogue.known_files().check(&catalogue).unwrap();
        assert!(catalogue.known_files().iter().count() > 500);
        let last = catalogue
            .known_files()
            .iter()
            .find(|k| k.version.as_deref() == Some("2.1.197") && k.artefact == "linux-x64 native")
            .unwrap();
        let size = last.size.unwrap();
        assert!(catalogue.known_files().has_size(size));
        assert!(!catalogue.known_files().has_size(size + 1));
        assert_eq!(catalogue.known_files().by_digest(&last.digest), Some(last));
        assert!(catalogue.known_files().iter().all(|file| catalogue.by_digest(&file.digest).as_ref() == Some(&file)));
        assert_eq!(catalogue.known_files().by_digest(&Digest::sha256_of(b"")), None);
    }

    #[test]
    fn a_line_without_source_or_tool_is_refused() {
        let catalogue = Catalogue::built_in();
        let check = |text: String| KnownFiles::of(text.leak()).check(&catalogue);
        let line = |tool: &str, source: &str| format!("{tool}\t1\tf\t{}\t3\t{source}", "0".repeat(64));
        assert!(check(line("claude-code", "read")).is_ok());
        assert!(check(line("claude-code", "")).unwrap_err().to_string().contains("no source"));
        assert!(check(line("nobody", "read")).unwrap_err().to_string().contains("no tool"));
        assert!(check(format!("{0}\n{0}", line("claude-code", "read"))).unwrap_err().to_string().contains("twice"));
        assert!(check("claude-code\t1".to_owned()).is_err());
    }
}
