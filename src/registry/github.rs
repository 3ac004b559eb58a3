//! GitHub: the files of a release, the digests that GitHub computed of them, and the attestations it keeps by digest.

use super::config::Address;
use super::web::{Attestations, Web, json};
use super::{MAX_ANSWER, MAX_ATTESTATIONS, RegistryError, RegistrySignature, Release, ReleaseFile, Source, Way};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::text::printable;
use crate::tool::{Ecosystem, Package, PackageVersion};
use crate::world::World;
use crate::world::network::{Network, Url};
use jiff::Timestamp;
use serde::Deserialize;
use std::fmt::Write as _;

/// The form of the interface that is read.
const ACCEPT: &str = "application/vnd.github+json";
/// The most files of one release: what one answer has at most.
const MAX_ASSETS: usize = 1000;
/// The most bundles of one file that are fetched.
const MAX_BUNDLES: usize = 100;
/// The largest bundle, uncompressed, in bytes.
const MAX_BUNDLE: usize = 16 * 1024 * 1024;

/// A GitHub.
#[derive(Debug, Clone)]
pub struct GitHub {
    web: Web,
    address: Address,
}

#[derive(Deserialize)]
struct ReleaseAnswer {
    tag_name: String,
    published_at: Option<Timestamp>,
    #[serde(default)]
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    url: String,
    size: Option<u64>,
    digest: Option<String>,
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct AttestationsAnswer {
    #[serde(default)]
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
struct Attestation {
    #[serde(default)]
    bundle: serde_json::Value,
    bundle_url: Option<String>,
}

impl GitHub {
    /// The GitHub that the environment names; `told` is what `--registry` says.
    ///
    /// # Errors
    /// [`RegistryError`] when nothing names one.
    pub fn new(world: &World, network: &Network, told: Option<&str>) -> Result<Self, RegistryError> {
        let (address, access) = super::config::github(world, told)?;
        Ok(Self { web: Web::new(network, &address, &access), address })
    }

    /// The address of its API.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The files of its releases, for [`super::download()`].
    #[must_use]
    pub fn source(&self) -> Source {
        Source(Way::Web(Box::new(self.web.clone())))
    }

    /// The release of a repository, `owner/name`, with this tag, or with `v` before it, and the attestations of its files.
    ///
    /// # Errors
    /// [`RegistryError`] when there is none, or GitHub gives no answer.
    pub fn release(&self, repository: &str, version: &str) -> Result<Release, RegistryError> {
        let is_repository = repository.split('/').count() == 2
            && repository.split('/').all(|part| {
                !part.is_empty()
                    && !part.starts_with('.')
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            });
        let missing = || RegistryError::NoVersion {
            address: self.web.to_string(),
            package: repository.to_owned(),
            wanted: version.to_owned(),
            latest: None,
        };
        if !is_repository {
            return Err(RegistryError::NoPackage { address: self.web.to_string(), package: repository.to_owned() });
        }
        for tag in [version.to_owned(), format!("v{version}")] {
            let url = self.web.below(&format!("repos/{repository}/releases/tags/{}", escaped(&tag)))?;
            if let Some(got) = self.web.fetch(&url, MAX_ANSWER, ACCEPT)? {
                let answer: ReleaseAnswer =
                    json(&got.bytes, "this is no release").map_err(|why| RegistryError::Answer { url: url.to_string(), why })?;
                if answer.tag_name != tag {
                    return Err(missing());
                }
                return self.read(repository, version, &url, answer);
            }
        }
        Err(missing())
    }

    fn read(&self, repository: &str, version: &str, url: &Url, answer: ReleaseAnswer) -> Result<Release, RegistryError> {
        let wrong = |why: String| RegistryError::Answer { url: url.to_string(), why };
        if answer.assets.len() > MAX_ASSETS {
            return Err(wrong(format!("the release has more than {MAX_ASSETS} files")));
        }
        let (mut files, mut attestations) = (Vec::new(), Attestations::default());
        let mut released = answer.published_at;
        for asset in answer.assets {
            // A file can be exchanged long after the release.
            released = released.max(asset.updated_at);
            let digest = asset.digest.as_deref().and_then(digest_of);
            let at = self.web.url().join(&asset.url).map_err(|_| wrong(format!("`{}` is no address", printable(&asset.url))))?;
            if let Some(digest) = &digest {
                self.attestations(repository, digest, &mut attestations)?;
            }
            files.push(ReleaseFile {
                name: asset.name,
                url: at.to_string(),
                otherwise: Vec::new(),
                stated: digest.map_or_else(DigestSet::new, DigestSet::from),
                size: asset.size,
            });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Release {
            package: PackageVersion { package: Package::new(Ecosystem::GitHub, repository), version: version.to_owned() },
            released,
            files,
            attestations: attestations.found,
            unserved: attestations.unserved,
            signature: RegistrySignature::Absent,
            withdrawn: None,
        })
    }

    /// The attestations that GitHub keeps of a file, by its digest. A bundle that is kept elsewhere comes compressed (snappy, one
    /// block) and without our token.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn attestations_of(&self, repository: &str, digest: &Digest) -> Result<Vec<Vec<u8>>, RegistryError> {
        let mut attestations = Attestations::default();
        self.attestations(repository, digest, &mut attestations)?;
        Ok(attestations.found)
    }

    fn attestations(&self, repository: &str, digest: &Digest, into: &mut Attestations) -> Result<(), RegistryError> {
        let url = self.web.below(&format!("repos/{repository}/attestations/{digest}?per_page={MAX_BUNDLES}"))?;
        let Some(got) = self.web.fetch(&url, MAX_ATTESTATIONS, ACCEPT)? else { return Ok(()) };
        let wrong = |why: String| RegistryError::Answer { url: url.to_string(), why };
        let answer: AttestationsAnswer = json(&got.bytes, "these are no attestations").map_err(wrong)?;
        for attestation in answer.attestations.into_iter().take(MAX_BUNDLES) {
            if attestation.bundle.is_object() {
                into.keep(&url, attestation.bundle.to_string().into_bytes())?;
            } else if let Some(link) = attestation.bundle_url {
                let at = self.web.url().join(&link).map_err(|_| wrong(format!("`{}` is no address", printable(&link))))?;
                into.fetch(&self.web, &at, "*/*", uncompressed)?;
            }
        }
        Ok(())
    }
}

fn digest_of(text: &str) -> Option<Digest> {
    let (name, hex) = text.split_once(':')?;
    let algorithm = Algorithm::from_name(name).filter(|algorithm| *algorithm != Algorithm::DirHash)?;
    Digest::parse(algorithm, hex).ok()
}

/// JSON as it is; anything else is one block of snappy, whose length is stated at its beginning and looked at first.
fn uncompressed(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.first() == Some(&b'{') {
        return Ok(bytes);
    }
    let size = snap::raw::decompress_len(&bytes).map_err(|e| format!("this is neither JSON nor snappy: {e}"))?;
    if size > MAX_BUNDLE {
        return Err(format!("the bundle has {size} bytes uncompressed; at most {MAX_BUNDLE} are read"));
    }
    snap::raw::Decoder::new().decompress_vec(&bytes).map_err(|e| format!("this is no snappy block: {e}"))
}

/// A tag as one segment of an address (RFC 3986, section 3.3).
fn escaped(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
