//! The signed list of the files of a tree: what names the first file that differs.
//!
//! The `resources` are those of the OpenSSF model-signing specification v1.0 (`name`, `digest`, `algorithm`), so that other tools
//! can read them; `links` are ours. The list is believed only when its SHA-256 is the one the manifest pins.

use crate::digest::{Algorithm, Digest, DigestError, TreeFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// The largest list that is read, in bytes: 200,000 files of 300 bytes.
pub const MAX_FILE_LIST: u64 = 64 * 1024 * 1024;

/// The files and links of a tree, each sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileList {
    /// Regular files.
    pub files: Vec<TreeFile>,
    /// Symbolic links, never followed.
    pub links: Vec<TreeLink>,
    /// Which of the files are executable, for people: where the release says so, or on the machine that was approved. Nothing is
    /// compared with it, because installers set these bits as they like.
    pub executables: BTreeSet<String>,
}

/// A symbolic link of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeLink {
    /// Relative to the root of the tree, `/`-separated.
    pub name: String,
    /// Where it points, as written.
    pub target: String,
}

/// Why a text is no file list.
#[derive(Debug, Error)]
pub enum FileListError {
    /// Not JSON of this shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the format.
    #[error("`{0}` is not `vetted/files/v1`")]
    Schema(String),
    /// A digest that cannot stand there.
    #[error("{name}: {source}")]
    Digest {
        /// Which file.
        name: String,
        /// What is wrong.
        source: DigestError,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    resources: Vec<Resource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<TreeLink>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    name: String,
    digest: String,
    algorithm: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    executable: bool,
}

impl FileList {
    /// Read a list.
    ///
    /// # Errors
    /// [`FileListError`].
    pub fn parse(json: &[u8]) -> Result<Self, FileListError> {
        let document: Document = serde_json::from_slice(json)?;
        if document.schema != "vetted/files/v1" {
            return Err(FileListError::Schema(document.schema));
        }
        let mut files = Vec::with_capacity(document.resources.len());
        let mut executables = BTreeSet::new();
        for resource in document.resources {
            let wrap = |source| FileListError::Digest { name: resource.name.clone(), source };
            if resource.algorithm != Algorithm::Sha256.name() {
                return Err(wrap(DigestError::Algorithm(resource.algorithm.clone())));
            }
            let Digest::Sha256(sha256) = Digest::parse(Algorithm::Sha256, &resource.digest).map_err(wrap)? else {
                return Err(wrap(DigestError::Algorithm(resource.algorithm.clone())));
            };
            if resource.executable {
                executables.insert(resource.name.clone());
            }
            files.push(TreeFile { name: resource.name, sha256 });
        }
        files.sort();
        let mut links = document.links;
        links.sort();
        Ok(Self { files, links, executables })
    }

    /// The list as JSON, byte for byte the same for the same tree.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document {
            schema: "vetted/files/v1".to_owned(),
            resources: self
                .files
                .iter()
                .map(|file| Resource {
                    name: file.name.clone(),
                    digest: hex::encode(file.sha256),
                    algorithm: Algorithm::Sha256.name().to_owned(),
                    executable: self.executables.contains(&file.name),
                })
                .collect(),
            links: self.links.clone(),
        };
        let mut json = serde_json::to_string_pretty(&document).unwrap_or_default();
        json.push('\n');
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_what_it_writes() {
        let list = FileList {
            files: vec![TreeFile { name: "a/b".into(), sha256: [7; 32] }],
            links: vec![TreeLink { name: "c".into(), target: "a/b".into() }],
            executables: BTreeSet::new(),
        };
        assert!(!list.to_json().contains("executable"), "a list without any is written as it always was");
        let runs = FileList { executables: ["a/b".to_owned()].into(), ..list.clone() };
        assert_eq!(FileList::parse(runs.to_json().as_bytes()).unwrap(), runs);
        assert!(FileList::parse(runs.to_json().replace("true", "1").as_bytes()).is_err());
        assert_eq!(FileList::parse(list.to_json().as_bytes()).unwrap(), list);
        assert!(FileList::parse(list.to_json().replace("files/v1", "files/v2").as_bytes()).is_err());
        assert!(FileList::parse(list.to_json().replace("sha256", "sha1").as_bytes()).is_err());
    }
}
