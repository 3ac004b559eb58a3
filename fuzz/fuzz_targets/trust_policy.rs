//! `vetted-trust.toml`: any bytes are read or refused, and no role that is read can be filled by nobody.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::path::Path;
use vetted::manifest::TrustPolicy;

fuzz_target!(|bytes: &[u8]| {
    let trust = match TrustPolicy::parse(Path::new("vetted-trust.toml"), bytes) {
        Ok(trust) => trust,
        Err(errors) => {
            assert!(!errors.to_string().is_empty());
            return;
        }
    };
    assert!(trust.version >= 1);
    for holders in trust.roles.values() {
        let distinct: BTreeSet<_> = holders.signers.iter().collect();
        assert!(holders.threshold >= 1 && holders.threshold <= distinct.len());
        assert!(distinct.into_iter().all(|id| trust.signers.contains_key(id)));
    }
});
