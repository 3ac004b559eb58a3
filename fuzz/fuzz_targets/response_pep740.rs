//! The attestations of a Python index (PEP 740): any bytes are read or refused, and what is converted has the form of one bundle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::attestation::forms::{self, Form};

fuzz_target!(|bytes: &[u8]| {
    let Ok(found) = forms::read(bytes) else { return };
    for text in found.iter().filter(|text| text.form() == Form::Pep740) {
        let media_type = forms::check(text.as_str()).expect("a bundle");
        assert_eq!(media_type, "application/vnd.dev.sigstore.bundle.v0.3+json");
    }
});
