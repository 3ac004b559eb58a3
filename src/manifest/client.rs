//! `requires-client`: which versions of `vetted` may believe a manifest.
//!
//! The crate `semver` never matches a pre-release with a plain requirement. Here the strict reading of SemVer precedence holds: for a
//! lower bound a pre-release comes before its release, which it may differ from; for an upper bound it counts as that release.

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// The versions of `vetted` that may believe a manifest, for example `>=0.3.0` or `>=0.3.0, <2.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientRequirement {
    bounds: Vec<(Op, Version)>,
    text: String,
}

impl ClientRequirement {
    /// Read a requirement: whole versions, each with `>=`, `>`, `=`, `<=` or `<`, with commas between them.
    ///
    /// # Errors
    /// What was expected, in one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a requirement such as `>=0.3.0`: {why}");
        let requirement = VersionReq::parse(text).map_err(|e| wrong(&e.to_string()))?;
        // A bare `0.3.0` is a caret requirement to that crate, and everybody else reads "exactly" or "at least".
        let starts_with_operator = |part: &str| part.trim_start().starts_with(['>', '<', '=']);
        if requirement.comparators.is_empty() || !text.split(',').all(starts_with_operator) {
            return Err(wrong("each version stands behind `>=`, `>`, `=`, `<=` or `<`"));
        }
        let bounds = requirement.comparators.into_iter().map(bound).collect::<Option<Vec<_>>>();
        Ok(Self { bounds: bounds.ok_or_else(|| wrong("a version has three numbers"))?, text: text.trim().to_owned() })
    }

    /// Whether a version of `vetted` satisfies it. One that is no version does not.
    #[must_use]
    pub fn satisfied_by(&self, client: &str) -> bool {
        let Ok(client) = Version::parse(client) else { return false };
        let release = Version { pre: Prerelease::EMPTY, build: BuildMetadata::EMPTY, ..client.clone() };
        self.bounds.iter().all(|(op, bound)| match op {
            Op::Greater => client.cmp_precedence(bound) == Ordering::Greater,
            Op::GreaterEq => client.cmp_precedence(bound) != Ordering::Less,
            Op::Less => release.cmp_precedence(bound) == Ordering::Less,
            Op::LessEq => release.cmp_precedence(bound) != Ordering::Greater,
            _ => client.cmp_precedence(bound) == Ordering::Equal,
        })
    }
}

impl TryFrom<String> for ClientRequirement {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ClientRequirement> for String {
    fn from(requirement: ClientRequirement) -> Self {
        requirement.text
    }
}

fn bound(comparator: Comparator) -> Option<(Op, Version)> {
    let Comparator { op, major, minor, patch, pre, .. } = comparator;
    Some((op, Version { major, minor: minor?, patch: patch?, pre, build: BuildMetadata::EMPTY }))
}

/// As the manifest writes it.
impl fmt::Display for ClientRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(requirement: &str, client: &str) -> bool {
        ClientRequirement::parse(requirement).unwrap().satisfied_by(client)
    }

    #[test]
    fn a_bound_is_read_as_precedence() {
        for good in ["0.3.0", "0.3.1", "0.4.0-rc.1", "1.0.0", "0.3.0+build.7"] {
            assert!(holds(">=0.3.0", good), "{good}");
        }
        for old in ["0.2.9", "0.3.0-rc.1", "0.1.0", "latest", ""] {
            assert!(!holds(">=0.3.0", old), "{old}");
        }
    }

    #[test]
    fn a_pre_release_counts_as_its_release_where_that_is_too_new() {
        assert!(!holds(">=0.3.0, <1.0.0", "1.0.0-rc.1") && holds(">=0.3.0, <1.0.0", "0.9.0-rc.1"));
        assert!(holds("<=1.0.0", "1.0.0-rc.1") && !holds("<=1.0.0", "1.0.1-rc.1"));
        assert!(holds("=0.3.0", "0.3.0") && !holds("=0.3.0", "0.3.0-rc.1") && !holds(">0.3.0", "0.3.0"));
    }

    #[test]
    fn what_people_read_in_two_ways_is_refused() {
        for wrong in ["", "*", "0.3.0", "^0.3.0", "~0.3.0", ">=0.3", ">=0", ">=0.3.0, 0.4.0", ">=v0.3.0", "newest", ">=0.3.*"] {
            assert!(ClientRequirement::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        /// With lower bounds alone a newer client is never refused: a document cannot forbid the update that it asks for.
        #[test]
        fn a_lower_bound_holds_for_all_later_ones(bound in (0_u64..5, 0_u64..5, 0_u64..5), client in (0_u64..5, 0_u64..5, 0_u64..5)) {
            let requirement = format!(">={}.{}.{}", bound.0, bound.1, bound.2);
            prop_assert_eq!(holds(&requirement, &format!("{}.{}.{}", client.0, client.1, client.2)), client >= bound);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok(requirement) = ClientRequirement::parse(&text) {
                prop_assert_eq!(ClientRequirement::parse(&requirement.to_string()), Ok(requirement));
            }
        }
    }
}
