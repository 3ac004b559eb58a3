//! PyPI and whatever speaks its "simple" interface: every wheel and the sdist of a version, with their provenance.

mod page;

pub use page::IndexFile;

use super::config::{Address, PypiConfig};
use super::web::{Attestations, Web, trusting};
use super::{MAX_ANSWER, RegistryError, RegistrySignature, Release, ReleaseFile, Source, Way};
use crate::digest::{Algorithm, DigestSet};
use crate::text::printable;
use crate::tool::{Ecosystem, Package, PackageVersion};
use crate::version::{Scheme, Version};
use crate::world::World;
use crate::world::network::Network;
use std::collections::BTreeSet;

/// Both forms of the interface (PEP 691), JSON before HTML.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.1";
/// The form of a provenance file (PEP 740).
const PROVENANCE: &str = "application/vnd.pypi.integrity.v1+json, application/json; q=0.5";
/// The most files that one version may have.
const MAX_FILES: usize = 1000;

/// The index that the user's pip or uv asks.
#[derive(Debug, Clone)]
pub struct Pypi {
    web: Web,
    address: Address,
}

/// What the index says of a project.
#[derive(Debug, Clone)]
pub struct Project {
    /// The name, normalised.
    pub name: String,
    /// Every file of every version, in the order of the index.
    pub files: Vec<IndexFile>,
}

impl Pypi {
    /// The index that pip and uv are set up for; `told` is what `--registry` says.
    ///
    /// # Errors
    /// [`RegistryError`] when the configuration cannot be used.
    pub fn new(world: &World, network: &Network, told: Option<&str>) -> Result<Self, RegistryError> {
        let PypiConfig { address, access } = super::config::pypi(world, told)?;
        let network = trusting(world.files, network, &access)?;
        Ok(Self { web: Web::new(&network, &address, &access), address })
    }

    /// The address of the index.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The index, for [`super::download()`].
    #[must_use]
    pub fn source(&self) -> Source {
        Source(Way::Web(Box::new(self.web.clone())))
    }

    /// What the index says of a project.
    ///
    /// # Errors
    /// [`RegistryError`] when it gives no answer, has no such project, or says something else.
    pub fn project(&self, name: &str) -> Result<Project, RegistryError> {
        let name = Package::new(Ecosystem::Pypi, name).name;
        let missing = || RegistryError::NoPackage { address: self.web.to_string(), package: name.clone() };
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_name {
            return Err(missing());
        }
        let url = self.web.below(&format!("{name}/"))?;
        let got = self.web.fetch(&url, MAX_ANSWER, ACCEPT)?.ok_or_else(missing)?;
        let files = page::read(&name, &got).map_err(|why| RegistryError::Answer { url: url.to_string(), why })?;
        Ok(Project { name, files })
    }

    /// A version as a release: its wheels and its sdist, all of them, with provenance where the index names it.
    ///
    /// # Errors
    /// [`RegistryError`]; a file without a SHA-256 is one.
    pub fn release(&self, project: &Project, version: &str) -> Result<Release, RegistryError> {
        let wanted = Version::parse(Scheme::Pep440, version);
        let is_same = |file: &&IndexFile| wanted.precedence(&file.version).is_some_and(std::cmp::Ordering::is_eq);
        let of_version: Vec<&IndexFile> = project.files.iter().filter(is_same).collect();
        if of_version.is_empty() {
            return Err(RegistryError::NoVersion {
                address: self.web.to_string(),
                package: project.name.clone(),
                wanted: version.to_owned(),
                latest: project.latest().map(|v| v.as_str().to_owned()),
            });
        }
        if of_version.len() > MAX_FILES {
            let why = format!("version {} has more than {MAX_FILES} files", printable(version));
            return Err(RegistryError::Answer { url: self.web.url().to_string(), why });
        }
        let mut files = Vec::new();
        let mut attestations = Attestations::default();
        let mut asked = BTreeSet::new();
        for file in &of_version {
            if file.digests.get(Algorithm::Sha256).is_none() {
                let stated = if file.stated.is_empty() { "nothing".to_owned() } else { file.stated.join(", ") };
                return Err(RegistryError::NoDigest { file: file.name.clone(), wanted: "SHA-256", stated });
            }
            if let Some(url) = file.provenance.as_ref().filter(|url| asked.insert(url.to_string())) {
                attestations.fetch(&self.web, url, PROVENANCE, Ok)?;
            }
            files.push(ReleaseFile {
                name: file.name.clone(),
                url: file.url.to_string(),
                otherwise: Vec::new(),
                stated: file.digests.clone(),
                size: file.size,
            });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        // As the index writes it, in a wheel where there is one: there it is normalised.
        let written = of_version.iter().find(|file| file.is_wheel()).unwrap_or(&of_version[0]).version.as_str().to_owned();
        let times: Option<Vec<_>> = of_version.iter().map(|file| file.uploaded).collect();
        Ok(Release {
            package: PackageVersion { package: Package::new(Ecosystem::Pypi, &project.name), version: written },
            released: times.and_then(|times| times.into_iter().max()),
            files,
            attestations: attestations.found,
            unserved: attestations.unserved,
            signature: RegistrySignature::Absent,
            withdrawn: of_version.iter().find_map(|file| file.yanked.clone()),
        })
    }
}

impl Project {
    /// Every version once, the oldest first; what is no version by PEP 440 is left out.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut versions: Vec<Version> = self.files.iter().map(|file| file.version.clone()).filter(Version::is_ordered).collect();
        versions.sort_by(|a, b| a.precedence(b).unwrap_or(std::cmp::Ordering::Equal));
        versions.dedup_by(|a, b| a.precedence(b).is_some_and(std::cmp::Ordering::is_eq));
        versions
    }

    /// The newest version that is no pre-release and not withdrawn, else the newest.
    #[must_use]
    pub fn latest(&self) -> Option<Version> {
        let is_final = |version: &&Version| version.as_str().parse::<pep440_rs::Version>().is_ok_and(|v| !v.any_prerelease());
        let is_offered = |version: &&Version| {
            let same = |file: &&IndexFile| file.version.precedence(version).is_some_and(std::cmp::Ordering::is_eq);
            self.files.iter().filter(same).any(|file| file.yanked.is_none())
        };
        let versions = self.versions();
        versions.iter().rev().filter(is_final).find(is_offered).or(versions.last()).cloned()
    }
}

/// A digest set out of texts by algorithm; what is no digest that may carry a decision is left out.
fn digests_of<'a>(stated: impl Iterator<Item = (&'a str, &'a str)>) -> DigestSet {
    let mut digests = DigestSet::new();
    for (name, hex) in stated {
        let digest = Algorithm::from_name(name).and_then(|algorithm| crate::digest::Digest::parse(algorithm, hex).ok());
        // A second value of the same algorithm is not taken.
        let _ = digest.filter(|digest| digest.algorithm() != Algorithm::DirHash).map(|digest| digests.insert(digest));
    }
    digests
}
