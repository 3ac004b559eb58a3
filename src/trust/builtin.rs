//! The policy that applies where there is none: part of this program, believed as this program is.

mod releases;

use super::{Proof, Verified};
use crate::digest::{Digest, DigestSet};
use crate::manifest::{FileListRef, Manifest};
use crate::text::printable_path;
use std::path::Path;
use std::sync::LazyLock;

/// The text of the starter policy. `vetted init` copies its revocations.
pub const STARTER: &str = include_str!("starter.toml");

/// What that text says, as [`Manifest::to_index`] writes it. Parsing the text costs 0.3 ms, in every check where there is no policy.
const STARTER_INDEX: &[u8] = include_bytes!("starter.index");

/// The starter policy: monitor mode, no approvals, one advisory.
#[must_use]
pub fn starter() -> Verified<Manifest> {
    let manifest =
        Manifest::of_index(STARTER_INDEX.to_vec()).expect("the embedded index is compared with its text by a unit test");
    Verified::new(manifest, Proof::BuiltIn)
}

/// What registries published of some releases, as it was measured. It is only ever compared with: whoever approves, approves in a
/// manifest of their own.
const RELEASES: &str = include_str!("../../attestations/releases/vetted.toml");

/// Whether the releases that this program knows may hold this version, of whichever tool: cheap, and never wrongly `false`.
#[must_use]
pub fn may_know_release(version: &str) -> bool {
    RELEASES.contains(&format!("\"{version}\""))
}

/// The releases that this program knows. They are parsed when they are first asked for.
#[must_use]
pub fn releases() -> Verified<Manifest> {
    static PARSED: LazyLock<Verified<Manifest>> = LazyLock::new(|| {
        let manifest = Manifest::parse(Path::new("attestations/releases/vetted.toml"), RELEASES.as_bytes());
        Verified::new(manifest.expect("the embedded releases are parsed by a unit test"), Proof::BuiltIn)
    });
    PARSED.clone()
}

/// A list beside the releases, when its bytes are those that they pin.
///
/// # Errors
/// Why it cannot be used, in one sentence.
pub fn release_list(reference: &FileListRef) -> Result<&'static [u8], String> {
    let shown = printable_path(&reference.path);
    let known = releases::LISTS.iter().find(|(path, _)| Path::new(path) == reference.path);
    let (_, bytes) = known.ok_or_else(|| format!("`{shown}` is not part of this program"))?;
    match DigestSet::from(Digest::sha256_of(bytes)).verify_all(&reference.digests) {
        Ok(()) => Ok(bytes),
        Err(Some(mismatch)) => Err(format!("`{shown}`: {mismatch}")),
        Err(None) => Err(format!("`{shown}` is not pinned by SHA-256")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, KnownFile};
    use crate::digest::Algorithm;
    use crate::manifest::{Coverage, Mode, Reason, Revocation, RevokedBy, Subject, Target};
    use crate::tool::ToolId;
    use crate::version::{Scheme, Version};

    /// Every list that the releases pin is part of the program, and every version they name is found by the cheap question.
    #[test]
    fn the_releases_are_whole() {
        let releases = releases();
        for approval in releases.get().tools.iter().flat_map(|tool| &tool.approvals) {
            assert!(may_know_release(&approval.version), "{}", approval.version);
            for artifact in &approval.artifacts {
                let crate::manifest::Artifact::Installed(installed) = artifact else { continue };
                if let Some(files) = &installed.files {
                    release_list(files).unwrap_or_else(|why| panic!("{why}"));
                }
            }
        }
        assert!(!may_know_release("no such version"));
    }

    /// The index says what the text says. `VETTED_BLESS=1` writes it anew.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file is made here")]
    fn the_index_of_the_starter_is_that_of_its_text() {
        let parsed = Manifest::parse(Path::new("starter.toml"), STARTER.as_bytes()).unwrap();
        let index = parsed.to_index().unwrap();
        if std::env::var_os("VETTED_BLESS").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/trust/starter.index"), &index).unwrap();
        } else {
            assert!(index == STARTER_INDEX, "run `VETTED_BLESS=1 cargo test --lib starter` after a change of the starter policy");
            assert_eq!(starter().get(), &parsed);
        }
    }

    fn is_covered(revocation: &Revocation, tool: &ToolId, scheme: Scheme, version: &str) -> bool {
        let version = Version::parse(scheme, version);
        let target = Target { tool, vendor: "", model: None, package: None, version: Some(&version), scheme, digests: &[] };
        revocation.covers(&target) == Coverage::Covered(RevokedBy::Range)
    }

    /// The digests are those of the files that were read and lie in the range, all of them and nothing else.
    #[test]
    fn the_starter_revokes_what_was_read_in_the_range() {
        let policy = starter();
        let manifest = policy.get();
        assert_eq!((manifest.mode, manifest.header.name.as_str()), (Mode::Monitor, "vetted/starter"));
        assert!(manifest.tools.is_empty() && manifest.waivers.is_empty());
        let [advisory] = &manifest.revocations[..] else { panic!("one advisory") };
        assert_eq!((advisory.id.as_str(), advisory.reason), ("VETTED-2026-0001", Reason::UndisclosedTracking));
        assert_eq!(advisory.affected[0].subject, Subject::Tool("claude-code".parse().unwrap()));

        let catalogue = Catalogue::built_in();
        let mut revoked: Vec<_> = advisory.digests.iter().map(|set| set.get(Algorithm::Sha256).unwrap().clone()).collect();
        let mut read: Vec<_> = catalogue
            .known_files()
            .iter()
            .filter(|file| file.source == "read" && file.tool.as_str() == "claude-code")
            .filter(|file| is_covered(advisory, &file.tool, Scheme::SemVer, file.version.as_deref().unwrap()))
            .map(|file| file.digest.clone())
            .collect();
        revoked.sort();
        read.sort();
        assert!(revoked.len() >= 12, "{}", revoked.len());
        assert_eq!(revoked, read);
        for affected in &advisory.affected {
            let Subject::Tool(id) = &affected.subject else { panic!("a tool") };
            assert!(catalogue.tool(id).is_some(), "{id}");
        }
        let replacement = advisory.replacement.as_ref().unwrap();
        let is_replacement = |f: &KnownFile| f.tool == replacement.tool && f.version == replacement.version;
        let clean: Vec<_> = catalogue.known_files().iter().filter(is_replacement).collect();
        assert!(!clean.is_empty(), "the replacement is a known file");
        assert!(clean.iter().all(|file| !revoked.contains(&file.digest)));
    }

    #[test]
    fn both_ends_of_every_range_are_exact() {
        let policy = starter();
        let covers =
            |tool: &str, scheme, version: &str| is_covered(&policy.get().revocations[0], &tool.parse().unwrap(), scheme, version);
        for (tool, scheme, first, last, before, after) in [
            ("claude-code", Scheme::SemVer, "2.1.91", "2.1.197", "2.1.90", "2.1.198"),
            ("claude-agent-sdk-js", Scheme::SemVer, "0.2.91", "0.3.197", "0.2.90", "0.3.198"),
            ("claude-agent-sdk-py", Scheme::Pep440, "0.1.55", "0.2.110", "0.1.54", "0.2.111"),
        ] {
            assert!(covers(tool, scheme, first) && covers(tool, scheme, last), "{tool}");
            assert!(!covers(tool, scheme, before) && !covers(tool, scheme, after), "{tool}");
        }
    }
}
