//! The attestations of an npm registry: any bytes are read or refused, within the caps, and a bundle is cut out as it stands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::attestation::forms::{self, Form, MAX_BUNDLES};
use vetted::trust::sigstore::AttestationBundle;

fuzz_target!(|bytes: &[u8]| {
    match forms::read(bytes) {
        Ok(found) => {
            assert!((1..=MAX_BUNDLES).contains(&found.len()));
            for text in &found {
                if text.form() == Form::Npm && bytes.starts_with(b"{") {
                    let whole = std::str::from_utf8(bytes).expect("JSON");
                    assert!(whole.contains(text.as_str()));
                }
                if let Err(refusal) = AttestationBundle::parse(text.as_str()) {
                    assert!(!refusal.to_string().is_empty());
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
