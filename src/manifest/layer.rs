//! Layers: what an overlay, a repository or a user adds to the organisation's manifest.
//!
//! A lower layer only narrows. That is a property of the type: [`Narrowing`] has no approvals, no waivers and no withdrawals,
//! and its strictness joins by maximum. A pull request that edits the repository's own file can therefore approve nothing.

use super::{BundleVersion, GRACE, Manifest, Mode, Overlay, Revocation, RuleLines, Rules, Unlisted};
use crate::tool::Kind;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Which layer a narrowing is. Ordered as they apply, outermost first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// An overlay of the organisation's own manifest, for a group of machines. What the manifest withdraws and waives, it
    /// withdraws and waives here, too.
    Overlay {
        /// The group.
        group: String,
        /// Where it begins in the manifest.
        line: u32,
    },
    /// The repository's own `vetted.toml`.
    Repository,
    /// The user's own `vetted-user.toml`.
    User,
}

impl Layer {
    /// Whether the people who sign the manifest wrote it.
    #[must_use]
    pub fn is_of_manifest(&self) -> bool {
        matches!(self, Self::Overlay { .. })
    }

    /// The word in reports for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Overlay { .. } => "overlay",
            Self::Repository => "repository",
            Self::User => "user",
        }
    }
}

/// In words: `overlay eu`, `this repository`, `this user`.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlay { group, .. } => write!(f, "overlay {group}"),
            Self::Repository => f.write_str("this repository"),
            Self::User => f.write_str("this user"),
        }
    }
}

/// What a lower layer adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// Which layer it is.
    pub layer: Layer,
    /// The file.
    pub path: PathBuf,
    /// At least this mode.
    pub mode: Option<Mode>,
    /// At least this strict for unlisted tools, by kind.
    pub unlisted: BTreeMap<Kind, Unlisted>,
    /// At least this cooldown.
    pub cooldown: Option<SignedDuration>,
    /// At least these levels.
    pub rules: Rules,
    /// Where these four stand in the file.
    pub lines: RuleLines,
    /// Further revocations.
    pub revocations: Vec<Revocation>,
    /// Ids that the file withdraws. It can end its own revocations and no others.
    pub withdrawn: Vec<String>,
    /// What the file holds and this layer cannot express: approvals, waivers. They have no effect, and that is reported.
    pub without_effect: Vec<String>,
}

impl Narrowing {
    /// What is left of a manifest when it stands in the layer of a repository or a user.
    #[must_use]
    pub fn of(layer: Layer, path: PathBuf, manifest: &Manifest) -> Self {
        let approvals = manifest
            .tools
            .iter()
            .flat_map(|tool| tool.approvals.iter().map(move |a| format!("approval of {} {}", tool.id, a.version)));
        let recognised =
            manifest.tools.iter().filter(|t| t.recognise.is_some()).map(|t| format!("description of the tool {}", t.id));
        let required = manifest.tools.iter().filter(|t| !t.require.is_empty()).map(|t| format!("`require` of {}", t.id));
        let attestations = manifest.attestations.iter().map(|a| format!("attestation policy {}", a.id));
        let min_bundle = (manifest.min_bundle != BundleVersion::default()).then(|| "min-bundle".to_owned());
        let directives = manifest.directives.iter().map(|d| format!("approval of the directive {}", d.id));
        let waivers = manifest.waivers.iter().map(|w| format!("waiver {}", w.id));
        let overlays = manifest.overlays.iter().map(|o| format!("overlay for {}", o.group));
        let sources = (!manifest.sync.sources.is_empty()).then(|| "addresses to fetch policy from".to_owned());
        let grace = (manifest.grace != GRACE).then(|| "grace".to_owned());
        let tools = approvals.chain(recognised).chain(required).chain(attestations);
        let without_effect =
            tools.chain(directives).chain(waivers).chain(overlays).chain(grace).chain(min_bundle).chain(sources).collect();
        Self {
            layer,
            path,
            mode: Some(manifest.mode),
            unlisted: manifest.unlisted.clone(),
            cooldown: Some(manifest.cooldown),
            rules: manifest.rules.clone(),
            lines: manifest.lines.clone(),
            revocations: manifest.revocations.clone(),
            withdrawn: manifest.withdrawn.iter().map(|w| w.id.clone()).collect(),
            without_effect,
        }
    }

    /// What an overlay of the manifest in the file `path` adds on a machine of its group.
    #[must_use]
    pub fn of_overlay(path: PathBuf, overlay: &Overlay) -> Self {
        Self {
            layer: Layer::Overlay { group: overlay.group.clone(), line: overlay.line },
            path,
            mode: overlay.mode,
            unlisted: overlay.unlisted.clone(),
            cooldown: overlay.cooldown,
            rules: overlay.rules.clone(),
            lines: overlay.lines.clone(),
            revocations: overlay.revocations.clone(),
            withdrawn: Vec::new(),
            without_effect: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What a layer says of attestations allows nothing and asks for nothing; a longer cooldown counts.
    #[test]
    fn a_lower_layer_lengthens_the_cooldown_and_nothing_else() {
        let text = include_str!("../../tests/manifests/valid/attestations.toml");
        let manifest = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap();
        let narrowing = Narrowing::of(Layer::Repository, "vetted.toml".into(), &manifest);
        assert_eq!((narrowing.cooldown, narrowing.lines.cooldown), (Some(SignedDuration::from_hours(7 * 24)), Some(10)));
        assert_eq!(
            narrowing.without_effect,
            [
                "approval of openai-codex 0.169.0",
                "approval of claude-code-vscode 2.1.90",
                "`require` of openai-codex",
                "attestation policy codex-release",
                "attestation policy registry-publish",
                "attestation policy in-house",
                "overlay for payments",
                "min-bundle",
            ]
        );
        let overlay = Narrowing::of_overlay("vetted.toml".into(), &manifest.overlays[0]);
        assert_eq!(overlay.cooldown, Some(SignedDuration::from_hours(14 * 24)));
    }
}
