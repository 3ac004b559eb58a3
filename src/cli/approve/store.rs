//! An approval and the files beside it: worked out as a whole first, then written, the manifest last.

use super::asked::Asked;
use super::evidence::{Kept, Proofs};
use super::file_name;
use super::laid::{Laid, Layout};
use crate::digest::{Digest, DigestSet};
use crate::error::Error;
use crate::manifest::{Approval, Approved, Artifact, EvidenceRef, FileListRef, Installed, Release, Shape};
use crate::text::printable;
use crate::tool::ToolId;
use crate::world::files::Files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The approvals of a release, and the files that they pin, by their paths below the policy folder.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// One for each layout.
    pub(super) approvals: Vec<Approval>,
    /// What is to be written.
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Names for the files of one version, so that another layout or an earlier approval of it keeps its own.
struct Names<'a> {
    files: Files,
    folder: &'a Path,
    below: PathBuf,
    prepared: BTreeMap<PathBuf, Vec<u8>>,
}

impl Names<'_> {
    /// Where a list lies: `files.json`, or with its digest where that name is another's.
    fn list(&mut self, stem: &str, bytes: &[u8]) -> FileListRef {
        let sha256 = Digest::sha256_of(bytes);
        let mut path = self.below.join(format!("{stem}.json"));
        let is_free = |path: &Path| match self.prepared.get(path) {
            Some(there) => there == bytes,
            None => self
                .files
                .read(&self.folder.join(path), bytes.len() as u64)
                .map_or_else(|e| e.is_not_found(), |there| there == bytes),
        };
        if !is_free(&path) {
            path = self.below.join(format!("{stem}-{}.json", sha256.short()));
        }
        self.prepared.insert(path.clone(), bytes.to_vec());
        FileListRef { path, digests: DigestSet::from(sha256) }
    }

    fn evidence(&mut self, kept: &Kept) -> Option<EvidenceRef> {
        let Digest::Sha256(sha256) = kept.sha256() else { return None };
        let path = self.below.join(format!("sha256-{}.sigstore.json", hex::encode(sha256)));
        self.prepared.insert(path.clone(), kept.text.clone().into_bytes());
        Some(EvidenceRef { path, sha256 })
    }
}

/// Where the files of an approval lie, below the policy folder.
pub(super) fn place(laid: &Laid, id: &ToolId) -> PathBuf {
    let ecosystem = laid.package.as_ref().map_or("generic", |package| package.ecosystem.purl_type());
    Path::new("attestations").join(ecosystem).join(id.as_str()).join(file_name(&laid.version))
}

/// The approvals of a release and their files. Nothing is written.
pub(super) fn prepare(asked: &Asked<'_>, folder: &Path, laid: &Laid, proofs: &Proofs, approved: &Approved) -> Prepared {
    let below = place(laid, &asked.tool.id);
    let mut names = Names { files: asked.context.world.files, folder, below, prepared: BTreeMap::new() };
    let mut releases = Vec::new();
    for (file, kept) in laid.releases.iter().zip(&proofs.kept) {
        let evidence = kept.iter().filter_map(|kept| names.evidence(kept)).collect();
        releases.push(Artifact::Release(Release { package: file.package.clone(), digests: file.digests.clone(), evidence }));
    }
    let packages = laid.packages.as_ref().map(|list| {
        let files = names.list("packages", list.to_json().as_bytes());
        Artifact::Installed(Installed {
            platform: None,
            package: None,
            shape: Shape::Packages,
            digests: files.digests.clone(),
            files: Some(files),
        })
    });
    let mut approvals = Vec::new();
    for layout in &laid.layouts {
        let mut artifacts = releases.clone();
        artifacts.extend(installed(&mut names, layout));
        artifacts.extend(packages.clone());
        approvals.push(Approval {
            version: laid.version.clone(),
            approved: Some(approved.clone()),
            released: laid.released,
            is_unattested: proofs.kept.iter().all(Vec::is_empty),
            artifacts,
            line: 0,
        });
    }
    Prepared { approvals, files: names.prepared }
}

fn installed(names: &mut Names<'_>, layout: &Layout) -> Vec<Artifact> {
    let trees = layout.trees.iter().map(|tree| {
        let files = (!tree.list.files.is_empty()).then(|| names.list("files", tree.list.to_json().as_bytes()));
        Artifact::Installed(Installed { files, ..tree.installed.clone() })
    });
    let trees: Vec<Artifact> = trees.collect();
    trees.into_iter().chain(layout.installed.iter().cloned().map(Artifact::Installed)).collect()
}

/// Write the files of the approvals below a folder. A manifest that pins them is written after them.
///
/// # Errors
/// [`Error`] when one cannot be written. What was written before it is pinned by nothing.
pub(super) fn write(files: Files, folder: &Path, prepared: &Prepared) -> Result<(), Error> {
    for (path, bytes) in &prepared.files {
        let path = folder.join(path);
        let cannot =
            |e: &dyn std::error::Error| Error::usage(format!("cannot write `{}`", printable(&path.to_string_lossy()))).because(e);
        if let Some(parent) = path.parent() {
            files.create_folder(parent).map_err(|e| cannot(&e))?;
        }
        files.write_atomic(&path, bytes, 0o644).map_err(|e| cannot(&e))?;
    }
    Ok(())
}
