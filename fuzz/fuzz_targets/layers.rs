//! Merging layers: whatever a lower layer holds, nothing that did not pass passes. The organisation's manifest and the lower
//! layer stand one after the other, a line `===` between them; both are taken as believed.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use vetted::catalogue::Catalogue;
use vetted::evidence::{Evidence, Integrity, Mention, Request, Role};
use vetted::manifest::layer::{Layer, Narrowing};
use vetted::manifest::Manifest;
use vetted::policy::{Outcome, Policy, decide};
use vetted::source::Location;
use vetted::tool::{Ecosystem, Kind, Package, Platform};
use vetted::trust::Verified;
use vetted::version::Version;

fuzz_target!(|text: &str| {
    let Some((upper, lower)) = text.split_once("\n===\n") else { return };
    let path = Path::new("vetted.toml");
    let (Ok(upper), Ok(lower)) = (Manifest::parse(path, upper.as_bytes()), Manifest::parse(path, lower.as_bytes())) else {
        return;
    };
    let evidence = evidence_of(&upper, &lower);
    let alone = Policy::new(Verified::unproved_for_fuzzing(upper));
    let merged = alone.clone().narrowed_by(Narrowing::of(Layer::Repository, path.into(), &lower));
    assert!(merged.mode() >= alone.mode());
    for kind in Kind::ALL {
        assert!(merged.unlisted(kind) >= alone.unlisted(kind));
    }
    assert!(alone.revocations().all(|(revocation, _)| merged.revocations().any(|(other, _)| other == revocation)));
    let catalogue = Catalogue::built_in();
    let now = Timestamp::from_second(1_795_262_400).expect("a time");
    let decide = |policy: &Policy| decide(policy, &catalogue, &evidence, &Platform::here(), now).outcome;
    if decide(&alone) != Outcome::Approved {
        assert_ne!(decide(&merged), Outcome::Approved, "a lower layer only narrows");
    }
});

/// A mention of everything that either document names.
fn evidence_of(upper: &Manifest, lower: &Manifest) -> Evidence {
    let mut mentions = Vec::new();
    for entry in upper.tools.iter().chain(&lower.tools) {
        for approval in &entry.approvals {
            mentions.push(Mention {
                tool: entry.id.clone(),
                package: Package::new(Ecosystem::Npm, entry.id.as_str()),
                request: Request::Exact(Version::parse(Ecosystem::Npm.scheme(), &approval.version)),
                integrity: Integrity::none(),
                location: Location { path: "package-lock.json".into(), line: None },
                brought_by: Vec::new(),
                role: Role::Dependency,
                quote: None,
            });
        }
    }
    Evidence { mentions, ..Evidence::default() }
}
