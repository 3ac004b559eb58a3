//! In-toto statements: any bytes are read or refused, and a subject is a file only under digests that both state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::attestation::{MAX_SUBJECTS, Statement};
use vetted::digest::{Digest, DigestSet};

fuzz_target!(|bytes: &[u8]| {
    let statement = match Statement::parse(bytes) {
        Ok(statement) => statement,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!((1..=MAX_SUBJECTS).contains(&statement.subjects.len()));
    assert!(statement.subject(&DigestSet::new()).is_none(), "nothing is known of it");
    for subject in &statement.subjects {
        assert_eq!(subject.is(&subject.digests), !subject.digests.is_empty());
        let other = DigestSet::from(Digest::sha256_of(bytes));
        assert_eq!(subject.is(&other), subject.digests.shares_any(&other));
    }
});
