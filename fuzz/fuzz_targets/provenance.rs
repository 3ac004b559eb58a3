//! SLSA provenance in a statement: any predicate is read or none, and nothing is made up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::attestation::Statement;
use vetted::attestation::provenance::{Provenance, SLSA_V0_2, SLSA_V1};

fuzz_target!(|bytes: &[u8]| {
    let Ok(predicate) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    let text = predicate.to_string();
    for kind in [SLSA_V1, SLSA_V0_2, "https://acme.example/other"] {
        let statement =
            Statement { subjects: Vec::new(), predicate_type: kind.to_owned(), predicate: predicate.clone() };
        let Some(provenance) = Provenance::of(&statement) else { continue };
        assert_ne!(kind, "https://acme.example/other");
        let quoted = serde_json::Value::from(provenance.builder.as_str()).to_string();
        assert!(text.contains(&quoted), "the builder stands in the predicate");
    }
});
