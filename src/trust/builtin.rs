//! The policy that applies where there is none: part of this program, believed as this program is.

use super::{Proof, Verified};
use crate::manifest::Manifest;
use std::path::Path;

/// The text of the starter policy. `vetted init` copies its revocations.
pub const STARTER: &str = include_str!("starter.toml");

/// The starter policy: monitor mode, no approvals, one advisory.
#[must_use]
pub fn starter() -> Verified<Manifest> {
    let manifest =
        Manifest::parse(Path::new("starter.toml"), STARTER.as_bytes()).expect("the embedded policy is parsed by a unit test");
    Verified::new(manifest, Proof::BuiltIn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::digest::Algorithm;
    use crate::manifest::{Mode, Reason, Subject};
    use crate::version::{Scheme, Version};

    /// The digests are those of the files that were read and lie in the range, all of them and nothing else.
    #[test]
    fn the_starter_revokes_what_was_read_in_the_range() {
        let policy = starter();
        let manifest = policy.get();
        assert_eq!((manifest.mode, manifest.header.name.as_str()), (Mode::Monitor, "vetted/starter"));
        assert!(manifest.tools.is_empty() && manifest.waivers.is_empty());
        let [advisory] = &manifest.revocations[..] else { panic!("one advisory") };
        assert_eq!((advisory.id.as_str(), advisory.reason), ("VETTED-2026-0001", Reason::UndisclosedTracking));
        let range = &advisory.affected[0];
        assert_eq!(range.subject, Subject::Tool("claude-code".parse().unwrap()));

        let catalogue = Catalogue::built_in();
        let mut revoked: Vec<_> = advisory.digests.iter().map(|set| set.get(Algorithm::Sha256).unwrap().clone()).collect();
        let mut read: Vec<_> = catalogue
            .known_files()
            .iter()
            .filter(|file| file.source == "read" && file.tool.as_str() == "claude-code")
            .filter(|file| range.covers(Some(&Version::parse(Scheme::SemVer, &file.version)), Scheme::SemVer) == Some(true))
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
        let clean = catalogue
            .known_files()
            .iter()
            .filter(|f| f.tool == replacement.tool && Some(&f.version) == replacement.version.as_ref());
        assert!(clean.clone().next().is_some(), "the replacement is a known file");
        assert!(clean.into_iter().all(|file| !revoked.contains(&file.digest)));
    }

    #[test]
    fn both_ends_of_every_range_are_exact() {
        let policy = starter();
        let covers = |tool: &str, scheme, version: &str| {
            let affected = &policy.get().revocations[0].affected;
            let entry = affected.iter().find(|a| a.subject == Subject::Tool(tool.parse().unwrap())).unwrap();
            entry.covers(Some(&Version::parse(scheme, version)), scheme).unwrap()
        };
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
