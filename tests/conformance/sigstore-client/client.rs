//! What the client-under-test of sigstore-conformance does, apart from being a program: the integration tests run the cases of the
//! suite through this very code.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use vetted::attestation::forms;
use vetted::digest::{Algorithm, Digest, DigestSet, HashReader};
use vetted::manifest::{Attestor, BundleVersion};
use vetted::trust::AttestationRefusal;
use vetted::trust::attested::{Attested, Expectation, RootOrigin, RootUsed, attest};
use vetted::trust::sigstore::{AttestationBundle, TrustRoot};

/// The root of the public instance, which cases without a root of their own expect.
const PUBLIC_GOOD: &[u8] = include_bytes!("../../bundles/roots/public-good.json");
const STAGING: &[u8] = include_bytes!("../../bundles/roots/staging.json");

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// `verify-bundle`, as the suite asks for it.
#[derive(Debug, Default)]
pub struct Verify {
    staging: bool,
    bundle: PathBuf,
    identity: String,
    issuer: String,
    key: Option<PathBuf>,
    trusted_root: Option<PathBuf>,
    artifact: String,
}

impl Verify {
    pub fn parse(given: impl IntoIterator<Item = String>) -> Outcome<Self> {
        let mut given = given.into_iter();
        let mut parsed = Self::default();
        let mut words = Vec::new();
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                "--staging" => parsed.staging = true,
                "--bundle" => parsed.bundle = value()?.into(),
                "--certificate-identity" => parsed.identity = value()?,
                "--certificate-oidc-issuer" => parsed.issuer = value()?,
                "--key" => parsed.key = Some(value()?.into()),
                "--trusted-root" => parsed.trusted_root = Some(value()?.into()),
                _ if word.starts_with("--") => return Err(format!("{word} is not an option of the protocol").into()),
                _ => words.push(word),
            }
        }
        match <[String; 2]>::try_from(words) {
            Ok([command, artifact]) if command == "verify-bundle" => Ok(Self { artifact, ..parsed }),
            Ok([command, _]) => Err(format!("expected verify-bundle, found {command:?}").into()),
            Err(words) => Err(format!("expected verify-bundle FILE_OR_DIGEST, found {words:?}").into()),
        }
    }

    /// The file under both digests, or the one digest that was given of it.
    fn subject(&self) -> Outcome<DigestSet> {
        let path = Path::new(&self.artifact);
        match self.artifact.strip_prefix("sha256:") {
            Some(hex) if !path.exists() => Ok(Digest::parse(Algorithm::Sha256, hex)?.into()),
            _ => {
                let mut reader = HashReader::new(File::open(path)?, true);
                std::io::copy(&mut reader, &mut std::io::sink())?;
                Ok(reader.finish().0)
            }
        }
    }

    fn by(&self) -> Outcome<Attestor> {
        let Some(key) = &self.key else {
            return Ok(Attestor::Identity { issuer: self.issuer.clone(), identity: self.identity.clone() });
        };
        let pem = fs::read_to_string(key)?;
        let (_, spki) = pkcs8::Document::from_pem(&pem).map_err(|error| error.to_string())?;
        Ok(Attestor::Key { spki: spki.as_bytes().to_vec(), not_after: None })
    }

    fn root(&self) -> Outcome<(TrustRoot, RootUsed)> {
        let (bytes, origin) = match &self.trusted_root {
            Some(path) => (fs::read(path)?, RootOrigin::CommandLine),
            None if self.staging => (STAGING.to_vec(), RootOrigin::BuiltIn),
            None => (PUBLIC_GOOD.to_vec(), RootOrigin::BuiltIn),
        };
        let used = RootUsed { instance: "conformance".into(), origin, sha256: Digest::sha256_of(&bytes) };
        let root = TrustRoot::parse(&bytes).map_err(|why| refused_root(&why))?;
        Ok((root, used))
    }

    /// Verify: what was attested, or why not.
    pub fn run(&self) -> Outcome<Attested> {
        let texts = forms::read(&fs::read(&self.bundle)?)?;
        let [text] = texts.as_slice() else { return Err(format!("expected one bundle, found {}", texts.len()).into()) };
        let (root, used) = self.root()?;
        let bundle = AttestationBundle::parse(text.as_str())?;
        let expected = Expectation {
            by: self.by()?,
            predicates: Vec::new(),
            source: None,
            source_id: None,
            owner_id: None,
            builder: None,
            // The suite holds bundles of version 0.1 for good.
            min_bundle: BundleVersion::V0_1,
        };
        Ok(attest(&bundle, &self.subject()?, &expected, Some((&root, &used)))?)
    }
}

fn refused_root(why: &str) -> AttestationRefusal {
    AttestationRefusal::Root(vetted::trust::Differs::new("a trusted root that can be used", why))
}
