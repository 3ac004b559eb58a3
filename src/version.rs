//! Versions and the ranges a revocation speaks of, ordered as OSV orders them (OSV schema, "affected[].ranges[].type").
//!
//! The crate `semver` leaves pre-releases out of a requirement such as `>=2.1.91`; a revocation that used it would let
//! `2.1.92-beta.1` pass (threat T-21). Ranges here compare by precedence alone, and what cannot be compared is reported as
//! such instead of being taken for "outside".

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr as _;

/// How the versions of a tool are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// SemVer 2.0.0: npm, editor extensions, most native releases.
    #[default]
    SemVer,
    /// PEP 440: PyPI.
    Pep440,
    /// No order is known: only equality can be told.
    Opaque,
}

/// A version as it was read, with its parsed form where the scheme understands it.
#[derive(Clone)]
pub struct Version {
    text: String,
    parsed: Parsed,
}

#[derive(Clone)]
enum Parsed {
    SemVer(semver::Version),
    Pep440(Box<pep440_rs::Version>),
    Opaque,
}

impl Version {
    /// Read a version. Never fails: a text the scheme cannot read is kept and is comparable only for equality.
    #[must_use]
    pub fn parse(scheme: Scheme, text: &str) -> Self {
        let trimmed = text.trim();
        let parsed = match scheme {
            Scheme::SemVer => semver::Version::parse(without_prefix(trimmed)).map_or(Parsed::Opaque, Parsed::SemVer),
            Scheme::Pep440 => pep440_rs::Version::from_str(trimmed).map_or(Parsed::Opaque, |v| Parsed::Pep440(Box::new(v))),
            Scheme::Opaque => Parsed::Opaque,
        };
        Self { text: trimmed.to_owned(), parsed }
    }

    /// Whether a text is this version: as `Version::parse(scheme, text) == *self`, and most texts need not be read for it.
    #[must_use]
    pub fn is_written(&self, scheme: Scheme, text: &str) -> bool {
        if let Parsed::SemVer(version) = &self.parsed
            && scheme == Scheme::SemVer
        {
            // Equal versions have the same three numbers.
            let mut parts = without_prefix(text.trim()).splitn(3, '.');
            let mut is_next = |number: u64| {
                let digits = parts.next().map(|part| part.split_once(['-', '+']).map_or(part, |(digits, _)| digits));
                digits.is_some_and(|digits| digits.parse() == Ok(number))
            };
            if !(is_next(version.major) && is_next(version.minor) && is_next(version.patch)) {
                return false;
            }
        }
        Self::parse(scheme, text) == *self
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the scheme could read it.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        !matches!(self.parsed, Parsed::Opaque)
    }

    /// Precedence, where both sides were read by the same scheme.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Option<Ordering> {
        match (&self.parsed, &other.parsed) {
            (Parsed::SemVer(a), Parsed::SemVer(b)) => Some(a.cmp_precedence(b)),
            (Parsed::Pep440(a), Parsed::Pep440(b)) => Some(a.cmp(b)),
            _ => (self.text == other.text).then_some(Ordering::Equal),
        }
    }
}

/// `v2.1.91` and `=2.1.91` are the same version to npm.
fn without_prefix(text: &str) -> &str {
    text.trim_start_matches(['=', 'v', 'V', ' '])
}

/// As its scheme and its text: what is read back was read the same way.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scheme = match self.parsed {
            Parsed::SemVer(_) => Scheme::SemVer,
            Parsed::Pep440(_) => Scheme::Pep440,
            Parsed::Opaque => Scheme::Opaque,
        };
        (scheme, &self.text).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (scheme, text) = <(Scheme, Cow<'de, str>)>::deserialize(deserializer)?;
        Ok(Self::parse(scheme, &text))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::printable(&self.text))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Two versions are the same version when their scheme says so, or their text does.
impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.precedence(other) == Some(Ordering::Equal)
    }
}

/// Where a version lies with respect to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Containment {
    /// In the range.
    Inside,
    /// Not in the range.
    Outside,
    /// The two cannot be compared. A revocation treats this as inside.
    Incomparable,
}

/// A half-open range with OSV events: `[introduced, fixed)`, or everything from `introduced` on without `fixed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// First version in the range; `"0"` stands before every version.
    pub introduced: String,
    /// First version after the range.
    pub fixed: Option<String>,
}

impl VersionRange {
    /// Where `version` lies. Both bounds are read by the scheme of the version.
    #[must_use]
    pub fn position(&self, version: &Version, scheme: Scheme) -> Containment {
        if self.introduced != "0" {
            match version.precedence(&Version::parse(scheme, &self.introduced)) {
                None => return Containment::Incomparable,
                Some(Ordering::Less) => return Containment::Outside,
                Some(_) => {}
            }
        } else if !version.is_ordered() && self.fixed.is_some() {
            return Containment::Incomparable;
        }
        match &self.fixed {
            None => Containment::Inside,
            Some(fixed) => match version.precedence(&Version::parse(scheme, fixed)) {
                None => Containment::Incomparable,
                Some(Ordering::Less) => Containment::Inside,
                Some(_) => Containment::Outside,
            },
        }
    }
}

/// `2.1.91 up to, not including, 2.1.198`, or `2.1.91 and later`.
impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let introduced = crate::text::printable(&self.introduced);
        match &self.fixed {
            Some(fixed) => write!(f, "{introduced} up to, not including, {}", crate::text::printable(fixed)),
            None => write!(f, "{introduced} and later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(introduced: &str, fixed: Option<&str>) -> VersionRange {
        VersionRange { introduced: introduced.to_owned(), fixed: fixed.map(str::to_owned) }
    }

    fn position(range: &VersionRange, text: &str) -> Containment {
        range.position(&Version::parse(Scheme::SemVer, text), Scheme::SemVer)
    }

    /// Threat T-21: pre-releases and build metadata lie inside, unreadable versions are never outside.
    #[test]
    fn a_range_has_no_holes() {
        let incident = range("2.1.91", Some("2.1.198"));
        for inside in ["2.1.91", "2.1.92-beta.1", "2.1.91+build", "v2.1.91", "2.1.197", "2.1.198-rc.1", " 2.1.100"] {
            assert_eq!(position(&incident, inside), Containment::Inside, "{inside}");
        }
        for outside in ["2.1.90", "2.1.91-rc.1", "2.1.198", "2.1.329", "3.0.0-alpha"] {
            assert_eq!(position(&incident, outside), Containment::Outside, "{outside}");
        }
        for unknown in ["latest", "", "2.1", "2026.09.18"] {
            assert_eq!(position(&incident, unknown), Containment::Incomparable, "{unknown}");
        }
    }

    #[test]
    fn open_ends() {
        assert_eq!(position(&range("0", None), "latest"), Containment::Inside);
        assert_eq!(position(&range("0", Some("1.0.0")), "latest"), Containment::Incomparable);
        assert_eq!(position(&range("0", Some("1.0.0")), "0.9.9"), Containment::Inside);
        assert_eq!(position(&range("2.0.0", None), "9.0.0"), Containment::Inside);
    }

    #[test]
    fn python_versions_follow_pep_440() {
        let sdk = range("0.1.55", Some("0.2.111"));
        let at = |text: &str| sdk.position(&Version::parse(Scheme::Pep440, text), Scheme::Pep440);
        assert_eq!(at("0.2.110.post1"), Containment::Inside);
        assert_eq!(at("0.2.111.dev1"), Containment::Inside);
        assert_eq!(at("0.2.111"), Containment::Outside);
        assert_eq!(at("0.1.55rc1"), Containment::Outside);
    }

    #[test]
    fn equality_is_the_schemes() {
        assert_eq!(Version::parse(Scheme::SemVer, "v1.2.3"), Version::parse(Scheme::SemVer, "1.2.3"));
        assert_eq!(Version::parse(Scheme::Pep440, "1.0"), Version::parse(Scheme::Pep440, "1.0.0"));
        assert_ne!(Version::parse(Scheme::Opaque, "1.0"), Version::parse(Scheme::Opaque, "1.0.0"));
    }

    proptest::proptest! {
        /// The short way says what reading the text says.
        #[test]
        fn what_is_written_is_what_is_read(
            a in "[=vV ]{0,2}[0-2](\\.[0-2]){0,3}([-+][a-b0-1.]{1,3})?[ ]{0,1}|[a-z.0-9+-]{0,5}",
            b in "[=vV ]{0,2}[0-2](\\.[0-2]){0,3}([-+][a-b0-1.]{1,3})?[ ]{0,1}|[a-z.0-9+-]{0,5}",
        ) {
            for own in [Scheme::SemVer, Scheme::Pep440, Scheme::Opaque] {
                for scheme in [Scheme::SemVer, Scheme::Pep440, Scheme::Opaque] {
                    let version = Version::parse(own, &a);
                    proptest::prop_assert_eq!(version.is_written(scheme, &b), Version::parse(scheme, &b) == version);
                    proptest::prop_assert_eq!(version.is_written(scheme, &a), Version::parse(scheme, &a) == version);
                }
            }
        }
    }
}
