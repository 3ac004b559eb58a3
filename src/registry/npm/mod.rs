//! npm: the document of a package, its versions, the one file of each, what the registry signs and what it hands on.

pub mod document;
mod pick;
mod signature;

pub use document::{PackageDocument, VersionDocument};
pub use pick::{Wanted, is_name, may_mean, resolve_range, wanted};

use super::config::{Address, NpmConfig};
use super::web::{Attestations, Web, json};
use super::{MAX_ANSWER, MAX_ATTESTATIONS, RegistryError, RegistrySignature, Release, ReleaseFile, Source, Way};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::text::printable;
use crate::tool::{Ecosystem, Package, PackageVersion};
use crate::world::World;
use crate::world::network::{Network, Url};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The whole document of a package.
const WHOLE: &str = "application/json";
/// What an installation needs of it, where the registry has that form.
const BRIEF: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";
/// The most platform packages that one version may have.
const MAX_PLATFORMS: usize = 256;

/// How much of a document is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// What an installation needs: versions, dependencies, digests.
    Brief,
    /// All of it, with the times of publication.
    Whole,
}

/// The registries that the user's npm asks. What was asked once in a run is not asked again.
#[derive(Debug)]
pub struct Npm {
    network: Network,
    config: NpmConfig,
    documents: Mutex<BTreeMap<String, (Detail, Arc<PackageDocument>)>>,
    keys: Mutex<BTreeMap<String, Arc<Vec<signature::RegistryKey>>>>,
}

/// A package that another one brings for some platforms.
#[derive(Debug, Clone)]
pub struct PlatformPackage {
    /// The folder below `node_modules` that it is installed in: the name of the dependency.
    pub folder: String,
    /// What the registry says of it.
    pub version: VersionDocument,
}

impl Npm {
    /// The registries that npm is set up for; `told` is what `--registry` says.
    ///
    /// # Errors
    /// [`RegistryError`] when the configuration cannot be used.
    pub fn new(world: &World, network: &Network, told: Option<&str>) -> Result<Self, RegistryError> {
        let config = super::config::npm(world, told)?;
        let network = super::web::trusting(world.files, network, &config.access)?;
        Ok(Self { network, config, documents: Mutex::default(), keys: Mutex::default() })
    }

    /// The address of the registry that has this package.
    #[must_use]
    pub fn address_of(&self, package: &str) -> &Address {
        self.config.address_of(package)
    }

    /// The registry of a package, for [`super::download()`].
    #[must_use]
    pub fn source_of(&self, package: &str) -> Source {
        Source(Way::Web(Box::new(self.web(package))))
    }

    fn web(&self, package: &str) -> Web {
        Web::new(&self.network, self.address_of(package), &self.config.access)
    }

    /// What the registry says of a package.
    ///
    /// # Errors
    /// [`RegistryError`] when it gives no answer, has no such package, or says something else.
    pub fn document(&self, package: &str, detail: Detail) -> Result<Arc<PackageDocument>, RegistryError> {
        let held = |documents: &BTreeMap<String, (Detail, Arc<PackageDocument>)>| {
            documents.get(package).filter(|(had, _)| *had >= detail).map(|(_, document)| document.clone())
        };
        if let Some(document) = held(&self.documents.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(document);
        }
        let web = self.web(package);
        let missing = || RegistryError::NoPackage { address: web.to_string(), package: package.to_owned() };
        if !is_name(package) {
            return Err(missing());
        }
        let url = web.below(&package.replace('/', "%2f"))?;
        let accept = if detail == Detail::Whole { WHOLE } else { BRIEF };
        let got = web.fetch(&url, MAX_ANSWER, accept)?.ok_or_else(missing)?;
        let wrong = |why: String| RegistryError::Answer { url: url.to_string(), why };
        let document: PackageDocument = json(&got.bytes, "this is no document of a package").map_err(wrong)?;
        if document.name != package {
            return Err(wrong(format!("it speaks of `{}`, not of `{package}`", printable(&document.name))));
        }
        let document = Arc::new(document);
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.insert(package.to_owned(), (detail, document.clone()));
        Ok(document)
    }

    /// The version that a version, a range or a tag means; see [`resolve_range`].
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`] when nothing fits, or what fits calls itself otherwise.
    pub fn version<'a>(
        &self,
        document: &'a PackageDocument,
        spec: &str,
        node: Option<&str>,
    ) -> Result<&'a VersionDocument, RegistryError> {
        let missing = || RegistryError::NoVersion {
            address: self.address_of(&document.name).to_string(),
            package: document.name.clone(),
            wanted: spec.to_owned(),
            latest: document.tags.get("latest").cloned(),
        };
        let found = resolve_range(document, spec, node).ok_or_else(missing)?;
        // What it is called decides which approval it gets.
        let is_itself =
            found.name == document.name && document.versions.get(&found.version).is_some_and(|v| std::ptr::eq(v, found));
        if is_itself { Ok(found) } else { Err(missing()) }
    }

    /// A version as a release: its file with what the registry states of it, its registry signature verified, its attestations
    /// fetched.
    ///
    /// # Errors
    /// [`RegistryError`]; a registry signature that does not hold is one.
    pub fn release(&self, document: &PackageDocument, version: &VersionDocument) -> Result<Release, RegistryError> {
        let web = self.web(&document.name);
        let package = PackageVersion { package: Package::new(Ecosystem::Npm, &document.name), version: version.version.clone() };
        let released: Option<Timestamp> = document.time.get(&version.version).and_then(|time| time.0.parse().ok());
        let file = self.file(version)?;
        let signature = self.signature(version, released)?;
        let mut attestations = Attestations::default();
        if let Some(stated) = version.dist.attestations.as_ref().filter(|stated| !stated.url.is_empty()) {
            let url = rebased(web.url(), &stated.url, "/-/npm/v1/attestations/").ok_or_else(|| RegistryError::Answer {
                url: stated.url.clone(),
                why: "this is no address of attestations".to_owned(),
            })?;
            attestations.fetch(&web, &url, WHOLE, Ok)?;
        }
        let Attestations { found: attestations, unserved, .. } = attestations;
        let withdrawn = version.deprecated.clone();
        Ok(Release { package, released, files: vec![file], attestations, unserved, signature, withdrawn })
    }

    /// The file of a version, with where it is and what its digest has to be.
    ///
    /// # Errors
    /// [`RegistryError::NoDigest`] when the registry states no SHA-512 of it.
    pub fn file(&self, version: &VersionDocument) -> Result<ReleaseFile, RegistryError> {
        let name = format!("{}@{}", version.name, version.version);
        let no_digest =
            |stated: &str| RegistryError::NoDigest { file: name.clone(), wanted: "SHA-512", stated: stated.to_owned() };
        let integrity = match &version.dist.integrity {
            Some(text) => Digest::parse_integrity(text).map_err(|e| no_digest(&printable(&e.to_string())))?,
            None if version.dist.shasum.is_some() => return Err(no_digest("SHA-1, which no longer says which file is meant")),
            None => return Err(no_digest("nothing")),
        };
        let stated = match integrity {
            Some(digest) if digest.algorithm() == Algorithm::Sha512 => DigestSet::from(digest),
            Some(digest) => return Err(no_digest(&digest.algorithm().to_string())),
            None => return Err(no_digest("SHA-1 or SHA-384")),
        };
        let mut urls = tarballs(&self.address_of(&version.name).url, &version.dist.tarball).into_iter();
        let url = urls.next().ok_or_else(|| RegistryError::Answer {
            url: version.dist.tarball.clone(),
            why: format!("this is no address of the file of {}", printable(&name)),
        })?;
        let last = url.rsplit('/').next().unwrap_or_default();
        let file_name = last.split('?').next().unwrap_or_default().to_owned();
        Ok(ReleaseFile { name: file_name, url, otherwise: urls.collect(), stated, size: None })
    }

    /// The packages that a version brings for some platforms only: those of its optional dependencies that name a system, an
    /// architecture or a C library. Every platform counts, not this machine's alone.
    ///
    /// # Errors
    /// [`RegistryError`] when one of them cannot be resolved: what would be installed elsewhere would not be known.
    pub fn platform_packages(&self, version: &VersionDocument) -> Result<Vec<PlatformPackage>, RegistryError> {
        if version.optional_dependencies.len() > MAX_PLATFORMS {
            let why = format!("{} has more than {MAX_PLATFORMS} optional dependencies", printable(&version.name));
            return Err(RegistryError::Answer { url: self.address_of(&version.name).url.to_string(), why });
        }
        let mut packages = Vec::new();
        for (name, spec) in &version.optional_dependencies {
            // Some platforms are left out of a release now and then, and npm installs without them.
            let found = match self.dependency(version, name, spec) {
                Err(RegistryError::NoPackage { .. } | RegistryError::NoVersion { .. }) => continue,
                found => found?,
            };
            if found.is_for_a_platform() {
                packages.push(PlatformPackage { folder: name.clone(), version: found });
            }
        }
        Ok(packages)
    }

    /// The version that a dependency means.
    ///
    /// # Errors
    /// [`RegistryError::Elsewhere`] when it comes from no registry; else as [`Npm::version`].
    pub fn dependency(&self, by: &VersionDocument, name: &str, spec: &str) -> Result<VersionDocument, RegistryError> {
        let wanted = wanted(name, spec).ok_or_else(|| RegistryError::Elsewhere {
            by: format!("{}@{}", by.name, by.version),
            name: name.to_owned(),
            wanted: spec.to_owned(),
        })?;
        let document = self.document(&wanted.package, Detail::Brief)?;
        self.version(&document, &wanted.spec, None).cloned()
    }

    fn signature(&self, version: &VersionDocument, released: Option<Timestamp>) -> Result<RegistrySignature, RegistryError> {
        let signatures = &version.dist.signatures;
        let signed = signature::Signed {
            package: format!("{}@{}", version.name, version.version),
            integrity: version.dist.integrity.as_deref().unwrap_or_default(),
            released,
        };
        let keys = signature::built_in();
        if signatures.is_empty() || signature::knows(&keys, signatures) {
            return signature::verify(&signed, signatures, &keys);
        }
        signature::verify(&signed, signatures, &self.keys_of(&version.name)?)
    }

    /// The keys that the registry of a package serves; none where it has no such answer.
    fn keys_of(&self, package: &str) -> Result<Arc<Vec<signature::RegistryKey>>, RegistryError> {
        let web = self.web(package);
        let url = web.below("-/npm/v1/keys")?;
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = known.get(url.as_str()) {
            return Ok(keys.clone());
        }
        let keys = match web.fetch(&url, MAX_ATTESTATIONS, WHOLE)? {
            Some(got) => signature::served(&got.bytes).map_err(|why| RegistryError::Answer { url: url.to_string(), why })?,
            None => Vec::new(),
        };
        let keys = Arc::new(keys);
        known.insert(url.to_string(), keys.clone());
        Ok(keys)
    }
}

/// Where the file of a version may be, in order. A document handed on by a mirror often names the host that it was copied from: then
/// the same path at the mirror is asked first, as npm's `replace-registry-host` does, and what is written last.
fn tarballs(registry: &Url, stated: &str) -> Vec<String> {
    let Ok(url) = registry.join(stated) else { return Vec::new() };
    if !matches!(url.scheme(), "https" | "http") {
        return Vec::new();
    }
    if url.origin() == registry.origin() {
        return vec![url.to_string()];
    }
    let mut here = registry.clone();
    let path = url.path();
    let below = registry.path();
    here.set_path(&if path.starts_with(below) { path.to_owned() } else { format!("{below}{}", path.trim_start_matches('/')) });
    vec![here.to_string(), url.to_string()]
}

/// An address of the registry's own interface, at the registry that is configured.
fn rebased(registry: &Url, stated: &str, interface: &str) -> Option<Url> {
    let url = registry.join(stated).ok()?;
    if url.origin() == registry.origin() {
        return Some(url);
    }
    let at = url.path().find(interface)?;
    let mut here = registry.clone();
    here.set_path(&format!("{}{}", registry.path(), url.path()[at..].trim_start_matches('/')));
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_mirror_is_asked_before_the_host_it_copies() {
        let mirror = url("https://acme.example/npm/");
        let at = |stated: &str| tarballs(&mirror, stated);
        assert_eq!(at("https://acme.example/files/a-1.tgz"), ["https://acme.example/files/a-1.tgz"]);
        assert_eq!(at("a/-/a-1.tgz"), ["https://acme.example/npm/a/-/a-1.tgz"]);
        assert_eq!(
            at("https://other.example/@s/a/-/a-1.tgz"),
            ["https://acme.example/npm/@s/a/-/a-1.tgz", "https://other.example/@s/a/-/a-1.tgz"]
        );
        assert_eq!(
            at("http://127.0.0.1:1/npm/a/-/a-1.tgz"),
            ["https://acme.example/npm/a/-/a-1.tgz", "http://127.0.0.1:1/npm/a/-/a-1.tgz"]
        );
        assert!(at("file:///etc/passwd").is_empty());
    }

    #[test]
    fn attestations_are_asked_where_the_package_is() {
        let stated = "https://other.example/-/npm/v1/attestations/a@1.0.0";
        let here = rebased(&url("https://acme.example/npm/"), stated, "/-/npm/v1/attestations/").unwrap();
        assert_eq!(here.as_str(), "https://acme.example/npm/-/npm/v1/attestations/a@1.0.0");
        assert!(rebased(&url("https://acme.example/"), "https://other.example/x", "/-/npm/v1/attestations/").is_none());
    }
}
