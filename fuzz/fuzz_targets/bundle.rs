//! Bundles of signatures and of attestations: any bytes are read or refused, and no key that never signed has signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::digest::{Digest, DigestSet};
use vetted::manifest::{Attestor, BundleVersion};
use vetted::trust::attested::{Expectation, attest};
use vetted::trust::sigstore::{AttestationBundle, SignatureBundle};

/// A P-256 key that signed none of the seeds: DER of its SubjectPublicKeyInfo.
const SPKI: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04\x63\xa6\x1a\xed\x6f\xbe\xed\xa5\x0f\xce\xf3\x13\xad\
    \xec\xc7\xe9\x87\x31\xdd\xcf\x87\x38\xa6\x02\x70\xd1\xb2\x6c\x96\x52\x08\x9a\xbf\x7d\xde\xd0\x6b\xcb\xae\x00\xab\x5d\x22\x45\x10\xb5\x08\x84\x28\x44\x61\x02\x61\
    \x39\x94\xc3\x09\x84\xff\x0e\x90\x33\x9a\xda";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match SignatureBundle::parse(text) {
        Ok(bundle) => drop(bundle),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    let bundle = match AttestationBundle::parse(text) {
        Ok(bundle) => bundle,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    let expected = Expectation {
        by: Attestor::Key { spki: SPKI.to_vec(), not_after: None },
        predicates: Vec::new(),
        source: None,
        source_id: None,
        owner_id: None,
        builder: None,
        min_bundle: BundleVersion::V0_1,
    };
    let file = DigestSet::from(Digest::sha256_of(b"nobody signed this"));
    assert!(attest(&bundle, &file, &expected, None).is_err());
});
