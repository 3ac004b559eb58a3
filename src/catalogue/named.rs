//! Files that a manifest revokes or approves by SHA-256: copies of them are looked for by their bytes, under any name.

use super::known::MANIFEST;
use super::{Catalogue, CatalogueError, KnownFile, Tool};
use crate::digest::{Algorithm, DigestSet};
use crate::manifest::{Artifact, Installed, Manifest, Revocation, Shape, Subject};
use crate::tool::{Ecosystem, Kind, ToolId};

/// What a file is called that a revocation names by digest alone.
pub const REVOKED_FILE: &str = "revoked-file";

impl Catalogue {
    /// Learn the files that a manifest revokes or approves by SHA-256. The first that names a file says what it is, revocations
    /// before approvals.
    ///
    /// # Errors
    /// [`CatalogueError`] when a tool cannot be added.
    pub fn learn_files_of(&mut self, manifest: &Manifest) -> Result<(), CatalogueError> {
        for revocation in &manifest.revocations {
            for file in revoked(revocation) {
                // Of a file of the catalogue the size is known.
                let is_unsized = || self.by_digest(&file.digest).is_none_or(|known| known.size.is_none());
                self.refuses_weights = self.refuses_weights || (is_unsized() && self.may_be_of_model(revocation));
                self.learn_of_tool(file)?;
            }
        }
        // Thirty thousand approved files are searched where they stand.
        if let Some(files) = manifest.approved_files() {
            for tool in files.tools() {
                self.add_unknown(tool)?;
            }
            self.known.learn_approved(files);
            return Ok(());
        }
        for entry in &manifest.tools {
            for approval in &entry.approvals {
                for artifact in &approval.artifacts {
                    if let Artifact::Installed(Installed { shape: Shape::File { path }, digests, .. }) = artifact
                        && let Some(file) = known(&entry.id, Some(&approval.version), path.clone(), digests)
                    {
                        self.learn_of_tool(file)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether files that a revocation names may belong to a model: not where it names tools that are none.
    fn may_be_of_model(&self, revocation: &Revocation) -> bool {
        let is_other_tool = |subject: &Subject| match subject {
            Subject::Tool(id) => self.tool(id).is_some_and(|tool| tool.kind != Kind::Model),
            Subject::Package(package) => {
                !matches!(package.ecosystem, Ecosystem::HuggingFace | Ecosystem::Ollama | Ecosystem::Generic)
            }
            Subject::Vendor(_) | Subject::Model(_) => false,
        };
        revocation.affected.is_empty() || !revocation.affected.iter().all(|affected| is_other_tool(&affected.subject))
    }

    fn learn_of_tool(&mut self, file: KnownFile) -> Result<(), CatalogueError> {
        self.add_unknown(&file.tool)?;
        self.learn(file);
        Ok(())
    }

    /// A revocation by digest alone names no tool: the file is found and called by what is known of it.
    fn add_unknown(&mut self, tool: &ToolId) -> Result<(), CatalogueError> {
        if self.has_tool(tool) { Ok(()) } else { self.add(Tool::unknown(tool.clone())) }
    }
}

fn revoked(revocation: &Revocation) -> Vec<KnownFile> {
    let named = revocation.affected.iter().find_map(|affected| match &affected.subject {
        Subject::Tool(id) => Some(id.clone()),
        Subject::Vendor(_) | Subject::Model(_) | Subject::Package(_) => None,
    });
    let Some(tool) = named.or_else(|| REVOKED_FILE.parse().ok()) else { return Vec::new() };
    let artefact = format!("revoked by {}", revocation.id);
    revocation.digests.iter().filter_map(|digests| known(&tool, None, artefact.clone(), digests)).collect()
}

fn known(tool: &ToolId, version: Option<&str>, artefact: String, digests: &DigestSet) -> Option<KnownFile> {
    Some(KnownFile {
        tool: tool.clone(),
        version: version.map(str::to_owned),
        artefact,
        digest: digests.get(Algorithm::Sha256)?.clone(),
        size: None,
        source: MANIFEST.to_owned(),
    })
}
