//! `vetted-revocations.toml`: any bytes are read or refused, and what is read is never a manifest or a trust policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use vetted::manifest::{Manifest, Revocations, TrustPolicy};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("vetted-revocations.toml");
    match Revocations::parse(path, bytes) {
        Ok(document) => {
            assert!(document.header.issued < document.header.expires);
            assert!(Manifest::parse(path, bytes).is_err() && TrustPolicy::parse(path, bytes).is_err());
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});
