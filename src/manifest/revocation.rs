//! Revocations: signed refusals, and the one rule that says what they cover.

use crate::digest::DigestSet;
use crate::tool::{Package, ToolId};
use crate::version::{Containment, Scheme, Version, VersionRange};
use globset::Glob;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `[[revocation]]`: a signed refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Unique, never reused.
    pub id: String,
    /// Other names of the same event, for example a GHSA id.
    pub aliases: Vec<String>,
    /// What is refused (OSV: `affected`).
    pub affected: Vec<Affected>,
    /// Files that are refused wherever they lie and whatever they are called.
    pub digests: Vec<DigestSet>,
    /// Why, in one word.
    pub reason: Reason,
    /// How bad.
    pub severity: Severity,
    /// Since when.
    pub effective: Timestamp,
    /// Where to read more.
    pub advisory: Option<String>,
    /// What to use in its place.
    pub replacement: Option<Replacement>,
    /// One or two sentences for the person who is stopped.
    pub message: String,
    /// Line in the manifest.
    pub line: u32,
}

/// One entry of `[[revocation.affected]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// What it speaks of.
    pub subject: Subject,
    /// Which versions; empty is all.
    pub ranges: Vec<VersionRange>,
}

/// What a revocation speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// One tool, by id.
    Tool(ToolId),
    /// Every tool of a vendor, by its name in the catalogue, ASCII case ignored.
    Vendor(String),
    /// Models whose id matches a glob.
    Model(String),
    /// One package, by its exact name in its ecosystem.
    Package(Package),
}

/// What a revocation is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The tool's id.
    pub tool: &'a ToolId,
    /// Its vendor in the catalogue.
    pub vendor: &'a str,
    /// The name of the model, when it is one.
    pub model: Option<&'a str>,
    /// The package it came in, or that a repository asks for.
    pub package: Option<&'a Package>,
    /// Its version, where one is known.
    pub version: Option<&'a Version>,
    /// How its versions are ordered.
    pub scheme: Scheme,
    /// What is known of the bytes of its files.
    pub digests: &'a [&'a DigestSet],
}

/// What made a revocation match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// Its version lies in a revoked range.
    Range,
    /// Its version cannot be compared with the range; such a version counts as revoked.
    Incomparable,
    /// Its bytes are revoked.
    Digest,
    /// Its vendor is revoked.
    Vendor,
    /// Its model id is revoked.
    Model,
    /// Its package is revoked.
    Package,
    /// The whole tool is revoked.
    Tool,
}

/// Whether a revocation covers something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// It does.
    Covered(RevokedBy),
    /// It speaks of it, and without a version nobody can tell whether of this one.
    Unknown,
    /// It does not speak of it.
    NotCovered,
}

impl Revocation {
    /// Whether this revocation covers a target (`docs/manifest.md`, "Revocations"): any common digest, else a version in a range
    /// or not comparable with it. Digests come first, because a file cannot change them by being renamed.
    #[must_use]
    pub fn covers(&self, target: &Target<'_>) -> Coverage {
        if target.digests.iter().any(|known| self.digests.iter().any(|revoked| known.shares_any(revoked))) {
            return Coverage::Covered(RevokedBy::Digest);
        }
        let mut coverage = Coverage::NotCovered;
        for affected in &self.affected {
            match affected.covers(target) {
                covered @ Coverage::Covered(_) => return covered,
                Coverage::Unknown => coverage = Coverage::Unknown,
                Coverage::NotCovered => {}
            }
        }
        coverage
    }
}

impl Affected {
    fn covers(&self, target: &Target<'_>) -> Coverage {
        let by = match &self.subject {
            Subject::Tool(id) => (id == target.tool).then_some(RevokedBy::Tool),
            Subject::Vendor(name) => name.eq_ignore_ascii_case(target.vendor).then_some(RevokedBy::Vendor),
            Subject::Model(glob) => target.model.filter(|model| matches(glob, model)).map(|_| RevokedBy::Model),
            Subject::Package(package) => (target.package == Some(package)).then_some(RevokedBy::Package),
        };
        let Some(by) = by else { return Coverage::NotCovered };
        if self.ranges.is_empty() {
            return Coverage::Covered(by);
        }
        let Some(version) = target.version else { return Coverage::Unknown };
        // A package has the order of its ecosystem, whatever order the tool's other packages have.
        let positions: Vec<_> = match &self.subject {
            Subject::Package(package) => {
                let scheme = package.ecosystem.scheme();
                let version = Version::parse(scheme, version.as_str());
                self.ranges.iter().map(|range| range.position(&version, scheme)).collect()
            }
            _ => self.ranges.iter().map(|range| range.position(version, target.scheme)).collect(),
        };
        positions.into_iter().fold(Coverage::NotCovered, |coverage, position| match (coverage, position) {
            (_, Containment::Inside) | (Coverage::Covered(RevokedBy::Range), _) => Coverage::Covered(RevokedBy::Range),
            (_, Containment::Incomparable) => Coverage::Covered(RevokedBy::Incomparable),
            (coverage, Containment::Outside) => coverage,
        })
    }
}

/// Whether a model's name matches a glob. One that does not parse matches everything: a revocation that nobody can read must not
/// turn into permission.
fn matches(glob: &str, model: &str) -> bool {
    Glob::new(glob).map_or(true, |glob| glob.compile_matcher().is_match(model))
}

/// Why a tool was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It watches or marks in ways it did not tell.
    UndisclosedTracking,
    /// It is malware, or carries it.
    Malicious,
    /// It can be made to do harm.
    Vulnerable,
    /// Its maker's account, keys or build were taken over.
    Compromised,
    /// Its licence or terms do not fit.
    Licence,
    /// The organisation decided so.
    Policy,
    /// Nobody maintains it any more.
    Unmaintained,
}

/// How bad a revocation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A matter of order.
    Low,
    /// To be removed.
    High,
    /// To be removed now: no waiver lifts it, no grace applies.
    Critical,
}

/// What to use in place of a revoked tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// Another tool, or the same one.
    pub tool: ToolId,
    /// Which version of it.
    pub version: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Ecosystem;

    fn covers(subject: Subject, ranges: &[(&str, Option<&str>)], package: Option<&Package>, version: Option<&str>) -> Coverage {
        let ranges = ranges
            .iter()
            .map(|(introduced, fixed)| VersionRange { introduced: (*introduced).to_owned(), fixed: fixed.map(str::to_owned) });
        let affected = Affected { subject, ranges: ranges.collect() };
        // The scheme of the tool is not the package's: that of the package counts.
        let version = version.map(|version| Version::parse(Scheme::SemVer, version));
        let tool = "agent".parse().unwrap();
        affected.covers(&Target {
            tool: &tool,
            vendor: "Acme",
            model: None,
            package,
            version: version.as_ref(),
            scheme: Scheme::SemVer,
            digests: &[],
        })
    }

    /// Threat T-21: a package's versions are ordered as its ecosystem does, with no holes.
    #[test]
    fn a_package_is_revoked_by_its_ecosystems_order() {
        let npm = Package::new(Ecosystem::Npm, "@acme/agent");
        let pypi = Package::new(Ecosystem::Pypi, "Acme_Agent");
        let incident = [("2.1.91", Some("2.1.198"))];
        let of = |package: &Package, version| covers(Subject::Package(package.clone()), &incident, Some(package), version);
        for inside in ["2.1.91", "2.1.92-beta.1", "2.1.91+build", "v2.1.91", "2.1.198-rc.1"] {
            assert_eq!(of(&npm, Some(inside)), Coverage::Covered(RevokedBy::Range), "{inside}");
        }
        for incomparable in ["latest", "", "2.1"] {
            assert_eq!(of(&npm, Some(incomparable)), Coverage::Covered(RevokedBy::Incomparable), "{incomparable}");
        }
        assert_eq!(of(&npm, None), Coverage::Unknown);
        assert_eq!(of(&npm, Some("2.1.198")), Coverage::NotCovered);
        // SemVer cannot read these, PEP 440 can.
        assert_eq!(of(&pypi, Some("2.1.197.post1")), Coverage::Covered(RevokedBy::Range));
        assert_eq!(of(&pypi, Some("2.1")), Coverage::NotCovered);
    }

    #[test]
    fn a_package_is_its_ecosystem_and_its_exact_name() {
        let npm = Package::new(Ecosystem::Npm, "acme-agent");
        let of = |package: Option<&Package>| covers(Subject::Package(npm.clone()), &[], package, Some("1.0.0"));
        assert_eq!(of(Some(&npm)), Coverage::Covered(RevokedBy::Package));
        for other in [Package::new(Ecosystem::Pypi, "acme-agent"), Package::new(Ecosystem::Npm, "acme-agent-x")] {
            assert_eq!(of(Some(&other)), Coverage::NotCovered);
        }
        assert_eq!(of(None), Coverage::NotCovered);
    }
}
