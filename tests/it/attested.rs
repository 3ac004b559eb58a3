//! Attestations of releases: real bundles made by others under their real identities, and the one refusal that each change must end
//! in.

#[path = "../conformance/sigstore-client/client.rs"]
mod client;
mod conformance;
mod forms;
mod keys;
mod mutations;
mod real;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use vetted::attestation::forms as response;
use vetted::digest::{Algorithm, Digest, DigestSet};
use vetted::manifest::{Attestor, BundleVersion};
use vetted::trust::AttestationRefusal;
use vetted::trust::attested::{Attested, Expectation, RootOrigin, RootUsed, attest};
use vetted::trust::sigstore::{AttestationBundle, TrustRoot};

const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const SIGSTORE_JS: &str = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
const SLSA_V1: &str = "https://slsa.dev/provenance/v1";
const NPM_PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The texts of the bundles in a file of `real/`.
fn texts(name: &str) -> Vec<String> {
    let found = response::read(&read(&format!("real/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}"));
    found.into_iter().map(|text| text.as_str().to_owned()).collect()
}

fn parsed(text: &str) -> AttestationBundle {
    AttestationBundle::parse(text).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// One change in a bundle.
type Change = fn(&mut Value);

/// A text of a bundle with one change.
fn changed(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    change(&mut value);
    value.to_string()
}

fn digests(text: &str) -> DigestSet {
    let mut set = DigestSet::new();
    for digest in text.split(' ') {
        let (name, hex) = digest.split_once(':').unwrap();
        set.insert(Digest::parse(Algorithm::from_name(name).unwrap(), hex).unwrap()).unwrap();
    }
    set
}

fn root(name: &str) -> (TrustRoot, RootUsed) {
    let bytes = read(&format!("roots/{name}.json"));
    let used = RootUsed { instance: name.to_owned(), origin: RootOrigin::CommandLine, sha256: Digest::sha256_of(&bytes) };
    (TrustRoot::parse(&bytes).unwrap(), used)
}

/// Who signed, and what of it is asked.
fn by_identity(issuer: &str, identity: &str) -> Expectation {
    let by = Attestor::Identity { issuer: issuer.to_owned(), identity: identity.to_owned() };
    Expectation {
        by,
        predicates: Vec::new(),
        source: None,
        source_id: None,
        owner_id: None,
        builder: None,
        min_bundle: BundleVersion::V0_2,
    }
}

fn by_key(name: &str) -> Expectation {
    let pem = String::from_utf8(read(name)).unwrap();
    let spki = pkcs8::Document::from_pem(&pem).unwrap().1.as_bytes().to_vec();
    Expectation { by: Attestor::Key { spki, not_after: None }, ..by_identity("", "") }
}

fn attested(text: &str, subject: &str, expected: &Expectation, instance: &str) -> Result<Attested, AttestationRefusal> {
    let (root, used) = root(instance);
    attest(&AttestationBundle::parse(text)?, &digests(subject), expected, Some((&root, &used)))
}

macro_rules! refuses {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        let refusal = $result.expect_err("it must not be believed");
        assert!(matches!(&refusal, $pattern $(if $guard)?), "{refusal:?}");
    };
}
use refuses;
