//! The list of the packages that a tool loads besides its own: what an artifact of the type `packages` pins.
//!
//! An npm tool brings hundreds of packages, laid out otherwise by each installer and on each platform. Each of them is one release with
//! one tree, so they are listed once, by name and version, and not per place (`docs/manifest.md`, "Package lists"). The list is believed
//! only when its SHA-256 is the one the manifest pins.

use super::validate::words;
use super::{Installed, Shape};
use crate::digest::{Algorithm, Digest, DigestError, DigestSet};
use crate::text::printable;
use crate::tool::{PackageVersion, Platform};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// The largest list that is read, in bytes: more than 50,000 packages.
pub const MAX_PACKAGE_LIST: u64 = 16 * 1024 * 1024;

/// The name of the format.
const SCHEMA: &str = "vetted/packages/v1";

/// The packages, sorted. One package MAY stand several times, with other bytes each time: they are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageList {
    /// Each package and version with what its folder must hold.
    pub packages: Vec<ListedPackage>,
}

/// A package of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedPackage {
    /// Name and version, as its own metadata says them.
    pub package: PackageVersion,
    /// The directory hash of its folder without `node_modules/**`, `built` and `replaced`.
    pub dir_hash: Digest,
    /// Digests of the file that the registry serves; empty where it has no release of its own because another package bundles it.
    pub release: DigestSet,
    /// Only there; empty is everywhere.
    pub platforms: Vec<Platform>,
    /// Globs of what its install script makes on the machine, and no release holds.
    pub built: Vec<String>,
    /// Whether the approvers wrote down that its release has no attestation.
    pub is_unattested: bool,
    /// Files that an installer replaces. Other artifacts of the approval say what may be there instead ([`ListedPackage::unpinned`]).
    pub replaced: Vec<String>,
}

/// Files of packages that other artifacts of an approval pin: the package, and the path in its folder.
pub type PinnedFiles = BTreeSet<(PackageVersion, String)>;

/// The files of packages that artifacts pin by themselves.
pub fn pinned_files<'a>(installed: impl Iterator<Item = &'a Installed>) -> PinnedFiles {
    let one = |installed: &Installed| match (&installed.shape, &installed.package) {
        (Shape::File { path }, Some(package)) => Some((package.clone(), path.clone())),
        _ => None,
    };
    installed.filter_map(one).collect()
}

impl ListedPackage {
    /// The `replaced` files that nothing else pins: what lies there could be anything.
    pub fn unpinned<'a>(&'a self, pinned: &'a PinnedFiles) -> impl Iterator<Item = &'a str> {
        let is_pinned = |path: &&String| pinned.contains(&(self.package.clone(), (*path).clone()));
        self.replaced.iter().filter(move |path| !is_pinned(path)).map(String::as_str)
    }
}

/// Why a text is no package list.
#[derive(Debug, Error)]
pub enum PackageListError {
    /// Longer than [`MAX_PACKAGE_LIST`].
    #[error("the list has {0} bytes, at most {MAX_PACKAGE_LIST} are read")]
    TooLong(u64),
    /// Not JSON of this shape.
    #[error("{}", printable(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// Another version of the format.
    #[error("`{}` is not `{SCHEMA}`", printable(.0))]
    Schema(String),
    /// A value that cannot stand there.
    #[error("{}: `{key}`: {}", printable(.purl), printable(.why))]
    Value {
        /// Which package.
        purl: String,
        /// Which key.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The same package with the same bytes.
    #[error("{} stands twice with the same bytes", printable(.0))]
    Twice(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    packages: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    purl: String,
    #[serde(rename = "dirHash")]
    dir_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    built: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<String>,
    /// Refused by name: nobody reads it.
    #[serde(default, skip_serializing)]
    evidence: Option<IgnoredAny>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attestation: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha512: Option<String>,
}

impl PackageList {
    /// A list of these packages, in the order in which it is written.
    #[must_use]
    pub fn new(mut packages: Vec<ListedPackage>) -> Self {
        for package in &mut packages {
            package.platforms.sort();
            package.built.sort();
            package.replaced.sort();
        }
        packages.sort();
        packages.dedup();
        Self { packages }
    }

    /// The entries of a package: several are alternatives, none means that it is not approved.
    pub fn of<'a>(&'a self, package: &'a PackageVersion) -> impl Iterator<Item = &'a ListedPackage> {
        let first = self.packages.partition_point(|listed| listed.package < *package);
        self.packages[first..].iter().take_while(move |listed| listed.package == *package)
    }

    /// Read a list.
    ///
    /// # Errors
    /// [`PackageListError`].
    pub fn parse(json: &[u8]) -> Result<Self, PackageListError> {
        if json.len() as u64 > MAX_PACKAGE_LIST {
            return Err(PackageListError::TooLong(json.len() as u64));
        }
        let document: Document = serde_json::from_slice(json)?;
        if document.schema != SCHEMA {
            return Err(PackageListError::Schema(document.schema));
        }
        let packages = document.packages.into_iter().map(Entry::read).collect::<Result<Vec<_>, _>>()?;
        let list = Self::new(packages);
        let is_twin = |pair: &[ListedPackage]| {
            let [one, other] = pair else { return false };
            one.package == other.package && one.dir_hash == other.dir_hash && one.platforms == other.platforms
        };
        // Sorted by package and then by hash: entries that say the same lie side by side.
        if let Some(pair) = list.packages.windows(2).find(|pair| is_twin(pair)) {
            return Err(PackageListError::Twice(pair[0].package.purl()));
        }
        Ok(list)
    }

    /// The list as JSON, byte for byte the same for the same packages.
    #[must_use]
    pub fn to_json(&self) -> String {
        let packages = Self::new(self.packages.clone()).packages.iter().map(Entry::of).collect();
        let mut json = serde_json::to_string_pretty(&Document { schema: SCHEMA.to_owned(), packages }).unwrap_or_default();
        json.push('\n');
        json
    }
}

impl Entry {
    fn of(listed: &ListedPackage) -> Self {
        let hex = |algorithm| listed.release.get(algorithm).map(Digest::hex);
        let release = ReleaseEntry { sha256: hex(Algorithm::Sha256), sha512: hex(Algorithm::Sha512) };
        Self {
            purl: listed.package.purl(),
            dir_hash: listed.dir_hash.hex(),
            release: (!listed.release.is_empty()).then_some(release),
            platforms: listed.platforms.iter().map(|platform| platform.0.clone()).collect(),
            built: listed.built.clone(),
            replaced: listed.replaced.clone(),
            evidence: None,
            attestation: listed.is_unattested.then(|| "none".to_owned()),
        }
    }

    fn read(self) -> Result<ListedPackage, PackageListError> {
        let wrong = |key, why: String| PackageListError::Value { purl: self.purl.clone(), key, why };
        let digest = |key, algorithm, text: &str| {
            Digest::parse(algorithm, text).map_err(|error: DigestError| wrong(key, error.to_string()))
        };
        let globs = |key, texts: &[String]| {
            texts.iter().map(|text| words::glob(text)).collect::<Result<Vec<_>, _>>().map_err(|why| wrong(key, why))
        };
        let mut release = DigestSet::new();
        if let Some(entry) = &self.release {
            for (algorithm, text) in [(Algorithm::Sha256, &entry.sha256), (Algorithm::Sha512, &entry.sha512)] {
                if let Some(text) = text {
                    // Each algorithm stands once.
                    let _ = release.insert(digest("release", algorithm, text)?);
                }
            }
            if release.is_empty() {
                return Err(wrong("release", "it names `sha256`, `sha512` or both".to_owned()));
            }
        }
        // Whoever attested a dependency, no policy says who may. Evidence that nobody is asked about would look like more than it is.
        if self.evidence.is_some() {
            let why = "no policy says who may attest a listed package, so it is not read: name the package in an artifact with the role \
                       `release`, with `purl` and `evidence`";
            return Err(wrong("evidence", why.to_owned()));
        }
        let paths = |key, texts: &[String]| {
            texts.iter().map(|text| words::relative_path(text)).collect::<Result<Vec<_>, _>>().map_err(|why| wrong(key, why))
        };
        let is_unattested = match self.attestation.as_deref() {
            None => false,
            Some("none") => true,
            Some(other) => {
                return Err(wrong("attestation", format!("`{other}` is not `none`, the one word that may stand here")));
            }
        };
        let platforms = self.platforms.iter().map(|text| words::platform(text)).collect::<Result<Vec<_>, _>>();
        Ok(ListedPackage {
            package: PackageVersion::parse_purl(&self.purl).map_err(|why| wrong("purl", why))?,
            dir_hash: digest("dirHash", Algorithm::DirHash, &self.dir_hash)?,
            release,
            platforms: platforms.map_err(|why| wrong("platforms", why))?,
            built: globs("built", &self.built)?,
            is_unattested,
            replaced: paths("replaced", &self.replaced)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::{Ecosystem, Package};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn listed(name: &str, version: &str, byte: u8) -> ListedPackage {
        ListedPackage {
            package: PackageVersion { package: Package::new(Ecosystem::Npm, name), version: version.to_owned() },
            dir_hash: Digest::DirHash([byte; 32]),
            release: DigestSet::from(Digest::Sha512(Box::new([byte; 64]))),
            platforms: Vec::new(),
            built: Vec::new(),
            is_unattested: true,
            replaced: Vec::new(),
        }
    }

    fn whole() -> ListedPackage {
        ListedPackage {
            platforms: vec![Platform("linux/x86_64".into()), Platform("macos/aarch64".into())],
            built: vec!["build/**".into()],
            replaced: vec!["bin/[x]".into()],
            is_unattested: false,
            ..listed("@acme/x", "1.0.0", 1)
        }
    }

    #[test]
    fn a_list_reads_what_it_writes_and_a_package_is_found_in_it() {
        let list = PackageList::new(vec![listed("b", "1.0.0", 2), whole(), listed("b", "1.0.0", 1), listed("b", "2.0.0", 1)]);
        assert_eq!(PackageList::parse(list.to_json().as_bytes()).unwrap(), list);
        let find = |name: &str, version: &str| {
            let wanted = PackageVersion { package: Package::new(Ecosystem::Npm, name), version: version.to_owned() };
            list.of(&wanted).count()
        };
        assert_eq!(
            (find("b", "1.0.0"), find("b", "2.0.0"), find("b", "3.0.0"), find("@acme/x", "1.0.0"), find("a", "1.0.0")),
            (2, 1, 0, 1, 0)
        );
    }

    #[test]
    fn the_order_in_which_packages_come_makes_no_difference() {
        let forth = PackageList { packages: vec![whole(), listed("b", "1.0.0", 2)] };
        let mut other = whole();
        other.platforms.reverse();
        let back = PackageList { packages: vec![listed("b", "1.0.0", 2), other] };
        assert_eq!(forth.to_json(), back.to_json());
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_reason() {
        let json = PackageList::new(vec![whole()]).to_json();
        let zeros = "0".repeat(64);
        for (from, to, why) in [
            ("packages/v1", "packages/v2", "is not `vetted/packages/v1`"),
            ("%40acme/x@1.0.0", "%40acme/x", "names no version"),
            ("pkg:npm", "pkg:nowhere", "not a package URL"),
            ("linux/x86_64", "linux", "os/architecture"),
            ("build/**", "../**", "`built`"),
            ("bin/[x]", "/bin/x", "`replaced`"),
            ("\"built\"", "\"evidence\": [], \"built\"", "`evidence`: no policy says who may attest a listed package"),
            ("\"built\"", "\"attestation\": \"some\", \"built\"", "is not `none`"),
            ("\"sha512\"", "\"sha1\"", "unknown field"),
            ("\"built\"", "\"scripts\"", "unknown field"),
            ("\"purl\"", "\"dirHash\": \"\", \"purl\"", "duplicate field"),
            (&hex::encode([1; 32])[..64], zeros[..63].as_ref(), "hex digits"),
        ] {
            assert!(json.contains(from), "{from} is in {json}");
            let error = PackageList::parse(json.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{to}: {error}");
        }
        let twice = json.replace("\"packages\": [", &format!("\"packages\": [{},", entry(&json)));
        assert!(
            matches!(PackageList::parse(twice.replace("build/**", "other/**").as_bytes()), Ok(list) if list.packages.len() == 1)
        );
        let twice = twice.replacen("build/**", "other/**", 1);
        assert!(matches!(PackageList::parse(twice.as_bytes()), Err(PackageListError::Twice(_))), "{twice}");
    }

    fn entry(json: &str) -> &str {
        let start = json.find("[\n").unwrap() + 1;
        &json[start..json.rfind(']').unwrap()]
    }

    /// The list that fuzzing begins with says everything that a list can say, and is written byte for byte as it is.
    #[test]
    fn a_list_is_written_as_it_stands_in_a_file() {
        let json = include_str!("../../tests/lists/packages.json");
        let list = PackageList::parse(json.as_bytes()).unwrap();
        assert_eq!(list.to_json(), json);
        assert_eq!((list.packages[0].replaced.len(), list.packages[0].is_unattested), (1, false));
        assert!(list.packages[1].release.is_empty() && list.packages[1].is_unattested);
    }

    proptest! {
        #[test]
        fn a_list_of_any_packages_is_read_back(packages in vec(("[a-c]{1,2}", "[0-3]", 0_u8..3, any::<bool>()), 0..8)) {
            let mut packages: Vec<_> = packages.iter().map(|(name, version, byte, whole_one)| {
                let base = listed(name, version, *byte);
                if *whole_one { ListedPackage { package: base.package, dir_hash: base.dir_hash, ..whole() } } else { base }
            }).collect();
            packages.sort();
            packages.dedup_by(|a, b| a.package == b.package && a.dir_hash == b.dir_hash);
            let list = PackageList::new(packages);
            prop_assert_eq!(PackageList::parse(list.to_json().as_bytes()).unwrap(), list);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = PackageList::parse(&bytes);
        }
    }
}
