//! Layers: what a repository or a user may add to the organisation's manifest.
//!
//! A lower layer only narrows. That is a property of the type: [`Narrowing`] has no approvals, no waivers and no withdrawals,
//! and its strictness joins by maximum. A pull request that edits the repository's own file can therefore approve nothing.

use super::{Manifest, Mode, Revocation, Unlisted};
use crate::tool::Kind;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a lower layer adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// The file.
    pub path: PathBuf,
    /// At least this mode.
    pub mode: Option<Mode>,
    /// At least this strict for unlisted tools, by kind.
    pub unlisted: BTreeMap<Kind, Unlisted>,
    /// Further revocations.
    pub revocations: Vec<Revocation>,
    /// What the file holds and this layer cannot express: approvals, waivers. They have no effect, and that is reported.
    pub without_effect: Vec<String>,
}

impl Narrowing {
    /// What is left of a manifest when it stands in a lower layer.
    #[must_use]
    pub fn of(path: PathBuf, manifest: &Manifest) -> Self {
        let approvals = manifest
            .tools
            .iter()
            .flat_map(|tool| tool.approvals.iter().map(move |a| format!("approval of {} {}", tool.id, a.version)));
        let waivers = manifest.waivers.iter().map(|w| format!("waiver {}", w.id));
        Self {
            path,
            mode: Some(manifest.mode),
            unlisted: manifest.unlisted.clone(),
            revocations: manifest.revocations.clone(),
            without_effect: approvals.chain(waivers).collect(),
        }
    }
}
