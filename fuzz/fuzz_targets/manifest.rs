//! `vetted.toml`: any bytes are read or refused, every diagnostic can be shown, and an edit changes nothing but what it says.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use vetted::manifest::edit::Draft;
use vetted::manifest::{Attestor, Lifts, Manifest, Severity};

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
    for policy in &manifest.attestations {
        assert!(!policy.predicates.is_empty());
        if let Attestor::Identity { issuer, identity } = &policy.by {
            assert!(!issuer.is_empty() && !identity.replace("{version}", "").contains(['*', '^', '$', '{', '}', '\\', '|']));
        }
    }
    for tool in &manifest.tools {
        assert!(
            tool.require.iter().all(|id| manifest.attestations.iter().any(|policy| policy.id == *id)),
            "what is required is there"
        );
        for approval in &tool.approvals {
            let has_evidence = approval.releases().any(|release| !release.evidence.is_empty());
            assert!(!approval.is_unattested || (!has_evidence && tool.require.is_empty()), "none is none");
            assert!(approval.released.is_none_or(|released| released <= manifest.header.issued));
            assert!(approval.releases().flat_map(|release| &release.evidence).all(|file| file.path.is_relative()));
        }
    }
    for overlay in &manifest.overlays {
        assert!(overlay.cooldown.is_none_or(|cooldown| cooldown >= manifest.cooldown), "an overlay only narrows");
    }
    assert!(manifest.to_index().is_some(), "every manifest has an index that is read back as that manifest");
    let mut draft = Draft::open(path, bytes).expect("what was read can be changed");
    let now = Timestamp::from_second(1_795_262_400).expect("a time");
    if draft.renew(now).is_ok() {
        let renewed = draft.document();
        assert_eq!(renewed.header.serial, manifest.header.serial + 1);
        assert_eq!((&renewed.tools, &renewed.revocations), (&manifest.tools, &manifest.revocations));
        assert_eq!((&renewed.waivers, renewed.mode), (&manifest.waivers, manifest.mode));
        assert_eq!(renewed.attestations, manifest.attestations);
    }
});
