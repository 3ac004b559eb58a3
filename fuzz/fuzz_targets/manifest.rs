//! `vetted.toml`: any bytes are read or refused, every diagnostic can be shown, and an edit changes nothing but what it says.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use vetted::manifest::edit::Draft;
use vetted::manifest::{Lifts, Manifest, Severity};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("vetted.toml");
    let manifest = match Manifest::parse(path, bytes) {
        Ok(manifest) => manifest,
        Err(errors) => {
            assert!(!errors.problems.is_empty() || errors.wrong_kind.is_some(), "a refusal says why");
            assert!(!errors.to_string().is_empty());
            return;
        }
    };
    // What the reader promises to everybody behind it.
    assert!(manifest.header.issued < manifest.header.expires);
    for waiver in &manifest.waivers {
        assert!(waiver.owner != waiver.approver && waiver.starts < waiver.expires && !waiver.lifts.is_empty());
        for revocation in manifest.revocations.iter().filter(|r| r.severity == Severity::Critical) {
            assert!(!waiver.lifts.contains(&Lifts::Revocation(revocation.id.clone())), "nothing lifts a critical revocation");
        }
    }
    assert!(manifest.to_index().is_some(), "every manifest has an index that is read back as that manifest");
    let mut draft = Draft::open(path, bytes).expect("what was read can be changed");
    let now = Timestamp::from_second(1_795_262_400).expect("a time");
    if draft.renew(now).is_ok() {
        let renewed = draft.document();
        assert_eq!(renewed.header.serial, manifest.header.serial + 1);
        assert_eq!((&renewed.tools, &renewed.revocations), (&manifest.tools, &manifest.revocations));
        assert_eq!((&renewed.waivers, renewed.mode), (&manifest.waivers, manifest.mode));
    }
});
