//! What an npm registry says of a package: the document of its name, with one entry for each version (npm's documentation of the
//! registry, "Package metadata").
//!
//! Anybody may have published anything under a version of ten years ago, and registries differ. So a member of an unexpected shape
//! is a member that is not there, and only what a release cannot be had without is demanded, later, by name.

use crate::tool::Platform;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The most versions of one package.
const MAX_VERSIONS: usize = 50_000;

/// The document of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct PackageDocument {
    /// Its name.
    pub name: String,
    /// Versions by tag, `latest` among them.
    #[serde(default, rename = "dist-tags", deserialize_with = "lenient")]
    pub tags: BTreeMap<String, String>,
    /// What was published, by version.
    #[serde(default, deserialize_with = "versions")]
    pub versions: BTreeMap<String, VersionDocument>,
    /// When, by version; not in the brief form.
    #[serde(default, deserialize_with = "lenient")]
    pub time: BTreeMap<String, Lenient<String>>,
}

/// One version of a package.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct VersionDocument {
    /// The name of the package.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    /// The version.
    #[serde(deserialize_with = "lenient")]
    pub version: String,
    /// Its file.
    #[serde(deserialize_with = "lenient")]
    pub dist: Dist,
    /// Names and what is wanted of them.
    #[serde(deserialize_with = "lenient")]
    pub dependencies: BTreeMap<String, String>,
    /// Those that may be missing: platform packages are among them.
    #[serde(rename = "optionalDependencies", deserialize_with = "lenient")]
    pub optional_dependencies: BTreeMap<String, String>,
    /// Those that whoever installs it has to have.
    #[serde(rename = "peerDependencies", deserialize_with = "lenient")]
    pub peer_dependencies: BTreeMap<String, String>,
    /// Which of them may be missing.
    #[serde(rename = "peerDependenciesMeta", deserialize_with = "lenient")]
    pub peer_dependencies_meta: BTreeMap<String, PeerMeta>,
    /// Those that stand in its file already. Both spellings are used.
    #[serde(rename = "bundleDependencies", alias = "bundledDependencies", deserialize_with = "lenient")]
    pub bundle_dependencies: Bundled,
    /// What it needs to run: `node` and others, with ranges.
    #[serde(deserialize_with = "lenient")]
    pub engines: BTreeMap<String, String>,
    /// Systems it is for, in Node's words, `!` before those it is not for.
    #[serde(deserialize_with = "one_or_more")]
    pub os: Vec<String>,
    /// Architectures, likewise.
    #[serde(deserialize_with = "one_or_more")]
    pub cpu: Vec<String>,
    /// C libraries, likewise: `glibc`, `musl`.
    #[serde(deserialize_with = "one_or_more")]
    pub libc: Vec<String>,
    /// Why nobody should take it any more.
    #[serde(deserialize_with = "deprecation")]
    pub deprecated: Option<String>,
    /// Whether installing it runs something of its own. Only the brief form says so.
    #[serde(rename = "hasInstallScript", deserialize_with = "lenient")]
    pub has_install_script: bool,
    /// Whether its file holds an `npm-shrinkwrap.json`. The two forms of a document spell it differently.
    #[serde(rename = "_hasShrinkwrap", alias = "hasShrinkwrap", deserialize_with = "lenient")]
    pub has_shrinkwrap: bool,
    /// What it asks npm to run.
    #[serde(deserialize_with = "lenient")]
    pub scripts: BTreeMap<String, String>,
}

/// The file of a version, and what is said of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Dist {
    /// Where it is.
    #[serde(deserialize_with = "lenient")]
    pub tarball: String,
    /// Subresource integrity.
    #[serde(deserialize_with = "lenient")]
    pub integrity: Option<String>,
    /// SHA-1 in hex: of old versions the only digest.
    #[serde(deserialize_with = "lenient")]
    pub shasum: Option<String>,
    /// The registry's own.
    #[serde(deserialize_with = "lenient")]
    pub signatures: Vec<Signature>,
    /// Where the attestations are.
    #[serde(deserialize_with = "lenient")]
    pub attestations: Option<Attestations>,
}

/// A signature of the registry over `name@version:integrity`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Signature {
    /// The fingerprint of the key.
    pub keyid: String,
    /// ECDSA over P-256 with SHA-256, DER, base64.
    pub sig: String,
}

/// Where the attestations of a version are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Attestations {
    /// The address.
    pub url: String,
}

/// What is said of a peer dependency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PeerMeta {
    /// Whether it may be missing.
    pub optional: bool,
}

/// Dependencies that stand in the file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Bundled {
    /// These.
    Names(Vec<String>),
    /// All of them, or none.
    All(bool),
}

impl Default for Bundled {
    fn default() -> Self {
        Self::All(false)
    }
}

/// A value, or its default where something else stands in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lenient<T>(pub T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient(deserializer).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shape<T> {
    Is(T),
    Other(IgnoredAny),
}

fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(match Shape::<T>::deserialize(deserializer)? {
        Shape::Is(value) => value,
        Shape::Other(_) => T::default(),
    })
}

/// The versions, as many as anybody could have published.
fn versions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, VersionDocument>, D::Error> {
    struct Versions;
    impl<'de> Visitor<'de> for Versions {
        type Value = BTreeMap<String, VersionDocument>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("versions by their names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut versions = BTreeMap::new();
            while let Some((name, version)) = map.next_entry()? {
                if versions.len() == MAX_VERSIONS {
                    return Err(A::Error::custom(format!("more than {MAX_VERSIONS} versions")));
                }
                versions.insert(name, version);
            }
            Ok(versions)
        }
    }
    deserializer.deserialize_map(Versions)
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Some {
        One(String),
        More(Vec<String>),
        Other(IgnoredAny),
    }
    Ok(match Some::deserialize(deserializer)? {
        Some::One(one) => vec![one],
        Some::More(more) => more,
        Some::Other(_) => Vec::new(),
    })
}

/// A text; an empty one and `false` take the deprecation back, `true` gives no reason.
fn deprecation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Text(String),
        Flag(bool),
        Other(IgnoredAny),
    }
    Ok(match Said::deserialize(deserializer)? {
        Said::Text(text) if !text.is_empty() => Some(text),
        Said::Flag(true) => Some("no reason given".to_owned()),
        Said::Text(_) | Said::Flag(false) | Said::Other(_) => None,
    })
}

impl VersionDocument {
    /// The platforms it is for, in the words of manifests; empty where it is for every one, or says only which it is not for.
    #[must_use]
    pub fn platforms(&self) -> Vec<Platform> {
        let plain = |words: &[String], known: fn(&str) -> &str| -> Vec<String> {
            words.iter().filter(|word| !word.starts_with('!') && *word != "any").map(|word| known(word).to_owned()).collect()
        };
        let (systems, machines) = (plain(&self.os, system), plain(&self.cpu, machine));
        let pairs = systems.iter().flat_map(|os| machines.iter().map(move |cpu| Platform(format!("{os}/{cpu}"))));
        let mut platforms: Vec<Platform> = pairs.collect();
        platforms.sort();
        platforms.dedup();
        platforms
    }

    /// Whether it is for some platforms only.
    #[must_use]
    pub fn is_for_a_platform(&self) -> bool {
        !self.os.is_empty() || !self.cpu.is_empty() || !self.libc.is_empty()
    }

    /// Whether a dependency of this name stands in its file.
    #[must_use]
    pub fn bundles(&self, name: &str) -> bool {
        match &self.bundle_dependencies {
            Bundled::Names(names) => names.iter().any(|one| one == name),
            Bundled::All(all) => *all && self.dependencies.contains_key(name),
        }
    }

    /// Whether installing it runs something of its own, as far as the registry says.
    #[must_use]
    pub fn runs_on_install(&self) -> bool {
        let names = ["preinstall", "install", "postinstall"];
        self.has_install_script || names.iter().any(|name| self.scripts.contains_key(*name))
    }
}

/// `process.platform` of Node in the words of Rust's target triples.
fn system(word: &str) -> &str {
    match word {
        "darwin" => "macos",
        "win32" => "windows",
        "sunos" => "illumos",
        other => other,
    }
}

/// `process.arch` of Node, likewise.
fn machine(word: &str) -> &str {
    match word {
        "x64" => "x86_64",
        "arm64" => "aarch64",
        "ia32" => "x86",
        "ppc64" => "powerpc64",
        "loong64" => "loongarch64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_member_is_a_missing_one() {
        let json = r#"{"name":"a","dist-tags":{"latest":"1.0.0"},"time":{"1.0.0":"2026-01-01T00:00:00Z","x":null},
            "versions":{"0.1.0":{"name":"a","version":"0.1.0","dist":7,"dependencies":[],"engines":["node"],"os":{"a":1},"deprecated":false},
            "1.0.0":{"name":"a","version":"1.0.0","os":"linux","cpu":["x64","arm64"],"deprecated":"old","bundledDependencies":["b"],
            "dist":{"tarball":"t","integrity":"i","signatures":"none","attestations":{"url":"u","provenance":{}}}}}}"#;
        let document: PackageDocument = serde_json::from_str(json).unwrap();
        let (old, new) = (&document.versions["0.1.0"], &document.versions["1.0.0"]);
        assert!(old.dist.tarball.is_empty() && old.deprecated.is_none() && !old.is_for_a_platform());
        assert_eq!((new.dist.tarball.as_str(), new.deprecated.as_deref()), ("t", Some("old")));
        assert!(new.bundles("b") && !new.bundles("c") && new.dist.signatures.is_empty());
        let platforms: Vec<String> = new.platforms().into_iter().map(|p| p.0).collect();
        assert_eq!(platforms, ["linux/aarch64", "linux/x86_64"]);
        assert_eq!(document.time["x"].0, "");
    }
}
