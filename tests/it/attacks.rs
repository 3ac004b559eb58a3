//! Attacks on the three documents, each carried out on real files, each demanding the refusal it must end in. Numbers are those of the
//! threat model.

use crate::office::{NAME, Office, Trust, floors, manifest_text, nothing, now, pin, revocation};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use vetted::digest::Digest;
use vetted::manifest::trust_policy::Role;
use vetted::trust::state::{Floor, Floors, State};
use vetted::trust::{Document, Refusal};
use vetted::world::files::FileError;

macro_rules! refuses {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        let refusal = $result.expect_err("it must not be believed");
        assert!(matches!(&refusal, $pattern $(if $guard)?), "{refusal:?}");
    };
}

// T-05

#[test]
fn an_older_manifest_is_refused_after_a_newer_one() {
    let office = Office::new();
    let state = office.believed(&nothing());
    assert_eq!((state.manifest.as_ref().unwrap().serial, state.revocations.as_ref().unwrap().serial), (42, 90210));
    office.manifest(41, "");
    office.revocations(90211, "");
    refuses!(office.verify(&state), Refusal::Rollback { document: Document::Manifest, known: 42, found: 41 });
    office.manifest(42, "# another\n");
    office.revocations(90211, "");
    refuses!(office.verify(&state), Refusal::Equivocation { document: Document::Manifest, serial: 42, known, found } if known != found);
    office.manifest(43, "");
    office.revocations(90211, "");
    assert_eq!(office.believed(&state).manifest.unwrap().serial, 43);
}

#[test]
fn older_revocations_are_refused_after_newer_ones() {
    let office = Office::new();
    let state = office.believed(&nothing());
    office.revocations(90209, "");
    refuses!(office.verify(&state), Refusal::Rollback { document: Document::Revocations, known: 90210, found: 90209 });
    office.revocations(90210, "# another\n");
    refuses!(office.verify(&state), Refusal::Equivocation { document: Document::Revocations, serial: 90210, .. });
}

#[test]
fn an_older_trust_policy_is_refused_after_a_newer_one() {
    let office = Office::new();
    let first = fs::read(office.path("vetted-trust.toml")).unwrap();
    let signatures = fs::read(office.path("vetted-trust.toml.sigstore.jsonl")).unwrap();
    let known_first = office.believed(&nothing());
    let second = Trust { version: 2, ..Trust::first() };
    office.next_trust(&second, &["alice", "bob"]);
    let known_second = office.believed(&known_first);
    assert_eq!(known_second.trust.as_ref().unwrap().version, 2);

    fs::write(office.path("vetted-trust.toml"), &first).unwrap();
    fs::write(office.path("vetted-trust.toml.sigstore.jsonl"), &signatures).unwrap();
    refuses!(office.verify(&known_second), Refusal::Rollback { document: Document::Trust, known: 2, found: 1 });
    office.trust(&Trust { more: "# another\n", ..second }, &["alice", "bob"]);
    refuses!(office.verify(&known_second), Refusal::Equivocation { document: Document::Trust, serial: 2, .. });
}

#[test]
fn a_machine_that_remembers_nothing_has_floors() {
    let office = Office::new();
    let verify = |given: &[&str]| office.verify_at(now(), &nothing(), &floors(given));
    assert!(verify(&["42", "manifest=41", "revocations=90210", "trust=1"]).is_ok());
    refuses!(verify(&["42", "43", "1"]), Refusal::BelowFloor { document: Document::Manifest, floor: 43, found: 42 });
    refuses!(verify(&["revocations=90211"]), Refusal::BelowFloor { document: Document::Revocations, floor: 90211, found: 90210 });
    refuses!(verify(&["trust=2"]), Refusal::BelowFloor { document: Document::Trust, floor: 2, found: 1 });
    for wrong in ["", "x", "-1", "tools=1", "trust=", "18446744073709551616"] {
        assert!(wrong.parse::<Floor>().is_err(), "{wrong}");
    }
}

/// A mirror cannot step below a floor by leaving out the document that it is about.
#[test]
fn a_floor_of_revocations_asks_for_revocations() {
    let office = Office::new();
    office.trust(&Trust { revocations: None, ..Trust::first() }, &["alice", "bob"]);
    fs::remove_file(office.path("vetted-revocations.toml")).unwrap();
    assert!(office.verify(&nothing()).is_ok());
    refuses!(office.verify_at(now(), &nothing(), &floors(&["revocations=1"])), Refusal::RevocationsLeftOut(_));
}

// T-06

#[test]
fn the_revocations_name_the_newest_manifest() {
    let office = Office::new();
    office.manifest(41, "");
    refuses!(office.verify(&nothing()), Refusal::OlderThanBeacon { named: 42, found: 41 });
    office.manifest(42, "# another\n");
    refuses!(office.verify(&nothing()), Refusal::OtherThanBeacon { serial: 42, .. });
    office.manifest(43, "");
    assert!(office.verify(&nothing()).is_ok(), "the people on call sign after the manifest, not with it");
}

#[test]
fn revocations_are_there_when_somebody_may_sign_them_and_else_not() {
    let office = Office::new();
    fs::remove_file(office.path("vetted-revocations.toml.sigstore.jsonl")).unwrap();
    refuses!(office.verify(&nothing()), Refusal::NotSigned(_));
    fs::remove_file(office.path("vetted-revocations.toml")).unwrap();
    refuses!(office.verify(&nothing()), Refusal::RevocationsLeftOut(_));
    office.revocations(90210, "");
    office.trust(&Trust { revocations: None, ..Trust::first() }, &["alice", "bob"]);
    refuses!(office.verify(&nothing()), Refusal::NoRole(Role::Revocations));
}

#[test]
fn a_document_is_known_only_where_it_was_seen_fresh() {
    let office = Office::new();
    let later: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let seen_late = office.verify_at(later, &nothing(), &Floors::default()).unwrap();
    assert!(seen_late.memory.manifest && !seen_late.memory.revocations, "{:?}", seen_late.memory);
    let again = office.verify_at(later, &seen_late.next, &Floors::default()).unwrap();
    assert!(!again.memory.revocations, "seeing it twice does not make it fresh");
    assert_eq!(again.next, seen_late.next);

    let state = office.believed(&nothing());
    let known = office.verify_at(later, &state, &Floors::default()).unwrap();
    assert!(known.memory.manifest && known.memory.revocations);
    assert_eq!(known.next, state, "what was fresh once stays known");
    assert_eq!(known.memory.latest, Some("2026-11-21T11:00:00Z".parse().unwrap()));
}

// T-08

#[test]
fn each_role_signs_its_own_document_and_no_other() {
    let office = Office::new();
    let text = fs::read_to_string(office.path("vetted.toml")).unwrap();
    office.put("vetted.toml", &text, &["dan"]);
    refuses!(office.verify(&nothing()), Refusal::NoKeyOfRole { role: Role::Manifest, .. });
    office.put("vetted.toml", &text, &["dan", "erin", "alice"]);
    refuses!(office.verify(&nothing()), Refusal::Threshold { role: Role::Manifest, found, needed: 2, .. } if found == &["alice"]);
    office.put("vetted.toml", &text, &["alice", "bob"]);
    let text = fs::read_to_string(office.path("vetted-revocations.toml")).unwrap();
    office.put("vetted-revocations.toml", &text, &["alice"]);
    refuses!(office.verify(&nothing()), Refusal::NoKeyOfRole { role: Role::Revocations, .. });
    let text = fs::read_to_string(office.path("vetted-trust.toml")).unwrap();
    office.put("vetted-trust.toml", &text, &["dan", "alice"]);
    refuses!(office.verify(&nothing()), Refusal::Threshold { role: Role::Root, found, needed: 2, .. } if found == &["alice"]);
}

// T-17

/// A stolen key can sign the highest serial there is. Taking the key away lets the serials begin anew, and only then; what was
/// issued before stays refused.
#[test]
fn a_stolen_key_that_took_the_last_serial_is_recovered_from() {
    let office = Office::new();
    let before = fs::read_to_string(office.path("vetted-revocations.toml")).unwrap();
    let state = office.believed(&nothing());
    let stolen = office.revocations_text(i64::MAX.unsigned_abs(), "").replace("T11:00:00Z\nexpires", "T11:30:00Z\nexpires");
    office.put("vetted-revocations.toml", &stolen, &["dan"]);
    let poisoned = office.believed(&state);

    let honest = office.revocations_text(90211, "").replace("T11:00:00Z\nexpires", "T11:50:00Z\nexpires");
    office.put("vetted-revocations.toml", &honest, &["erin"]);
    refuses!(office.verify(&poisoned), Refusal::Rollback { document: Document::Revocations, found: 90211, .. });

    // One more voice changes nothing.
    let mut more = Trust { version: 2, ..Trust::first() };
    more.revocations = Some((1, vec!["dan", "erin", "alice"]));
    office.next_trust(&more, &["alice", "bob"]);
    refuses!(office.verify(&poisoned), Refusal::Rollback { document: Document::Revocations, found: 90211, .. });

    office.next_trust(&more.next("dan", &["dan-new"]), &["alice", "carol"]);
    let recovered = office.believed(&poisoned);
    assert_eq!(recovered.revocations.as_ref().unwrap().serial, 90211);
    assert!(!recovered.revocations.as_ref().unwrap().reset);

    // On the machine that saw the stolen serial, and on no other, time takes the place of the serial.
    office.put("vetted-revocations.toml", &before, &["erin"]);
    refuses!(office.verify(&poisoned), Refusal::IssuedBefore { document: Document::Revocations, .. });
    refuses!(office.verify(&recovered), Refusal::Rollback { document: Document::Revocations, known: 90211, found: 90210 });
    // Each document has its own signers: the manifest's serial is not forgotten with that of the revocations.
    office.manifest(41, "");
    office.put("vetted-revocations.toml", &honest.replace("90211", "90212"), &["erin"]);
    refuses!(office.verify(&recovered), Refusal::Rollback { document: Document::Manifest, .. });
}

/// A role that nobody held for a while does not lose its memory.
#[test]
fn revocations_that_were_given_up_come_back_no_older() {
    let office = Office::new();
    let older = office.revocations_text(7, "").replace("issued = 2026-11-21T11", "issued = 2026-11-21T10");
    let state = office.believed(&nothing());
    let both = ["alice", "bob"];
    let nobody = Trust { version: 2, revocations: None, ..Trust::first() };
    office.next_trust(&nobody, &both);
    fs::remove_file(office.path("vetted-revocations.toml")).unwrap();
    let without = office.believed(&state);
    assert!(without.revocations.as_ref().unwrap().reset, "the serial is forgotten, the time is not");
    assert_eq!(office.believed(&without), without);

    office.next_trust(&Trust { version: 3, ..Trust::first() }, &both);
    office.put("vetted-revocations.toml", &older, &["dan"]);
    refuses!(office.verify(&without), Refusal::IssuedBefore { document: Document::Revocations, .. });
    office.revocations(8, "");
    assert_eq!(office.believed(&without).revocations.unwrap().serial, 8);
}

// T-18

#[test]
fn a_trust_policy_follows_only_with_the_signatures_of_both() {
    let office = Office::new();
    let state = office.believed(&nothing());
    let mut second = Trust::first().next("alice", &["alice-new"]).next("bob", &["bob-new"]);
    second.version = 2;
    office.next_trust(&second, &["alice-new", "bob-new"]);
    refuses!(office.verify(&state), Refusal::TrustNotVouched { version: 2, why } if matches!(&**why, Refusal::Threshold { role: Role::Root, .. }));
    office.trust(&second, &["alice", "bob"]);
    refuses!(office.verify(&state), Refusal::Threshold { role: Role::Root, found, .. } if found.is_empty());
    // Carol stands in both: one voice of two for each side is not enough.
    office.trust(&second, &["alice", "alice-new", "bob-new"]);
    refuses!(office.verify(&state), Refusal::TrustNotVouched { version: 2, .. });
    office.trust(&second, &["alice", "alice-new", "carol"]);
    office.put("vetted.toml", &manifest_text(43, ""), &["alice-new", "bob-new"]);
    assert_eq!(office.believed(&state).trust.unwrap().version, 2);
}

#[test]
fn a_missing_step_is_not_leapt_over() {
    let office = Office::new();
    let everybody = ["alice", "bob", "carol"];
    let trust = |version| Trust { version, ..Trust::first() };
    office.next_trust(&trust(2), &everybody);
    let state = office.believed(&office.believed(&nothing()));
    office.next_trust(&trust(3), &everybody);
    office.next_trust(&trust(4), &everybody);
    assert_eq!(office.believed(&state).trust.unwrap().version, 4);

    let hidden = office.path("hidden");
    fs::rename(office.path("vetted-trust.3.toml"), &hidden).unwrap();
    refuses!(office.verify(&state), Refusal::TrustStepMissing { version: 3, current: 4 });
    fs::rename(&hidden, office.path("vetted-trust.3.toml")).unwrap();
    fs::rename(office.path("vetted-trust.2.toml"), &hidden).unwrap();
    refuses!(office.verify(&state), Refusal::TrustStepMissing { version: 2, current: 4 });
    office.put("vetted-trust.2.toml", &office.trust_text(&Trust { more: "# another\n", ..trust(2) }), &everybody);
    refuses!(office.verify(&state), Refusal::Equivocation { document: Document::Trust, serial: 2, .. });
    fs::rename(&hidden, office.path("vetted-trust.2.toml")).unwrap();
    office.put("vetted-trust.3.toml", &office.trust_text(&trust(2)), &everybody);
    refuses!(office.verify(&state), Refusal::TrustVersion { expected: 3, found: 2 });
    office.put("vetted-trust.3.toml", &office.trust_text(&trust(3)), &["alice"]);
    refuses!(office.verify(&state), Refusal::TrustNotVouched { version: 3, .. });
    office.trust(&trust(i64::MAX.unsigned_abs()), &everybody);
    refuses!(office.verify(&state), Refusal::TrustStepMissing { version: 3, .. });
    assert!(office.verify(&nothing()).is_ok(), "a machine that knows nothing believes a folder by its place");
}

#[test]
fn the_chain_goes_through_the_pinned_fingerprint() {
    let office = Office::new();
    let everybody = ["alice", "bob", "carol"];
    let fingerprint = || Digest::sha256_of(&fs::read(office.path("vetted-trust.toml")).unwrap());
    let first = fingerprint();
    pin(&office, &first);
    assert!(office.verify(&nothing()).is_ok());
    office.next_trust(&Trust { version: 2, ..Trust::first() }, &everybody);
    office.next_trust(&Trust { version: 3, ..Trust::first() }, &everybody);
    let state = office.believed(&nothing());
    assert_eq!(state.trust.as_ref().unwrap().pin.as_ref(), Some(&first));
    let third = fingerprint();

    // Once believed under this pin, the way to it is not walked again.
    fs::rename(office.path("vetted-trust.1.toml"), office.path("hidden")).unwrap();
    assert!(office.verify(&state).is_ok());
    refuses!(office.verify(&nothing()), Refusal::Fingerprint { expected, version: 3, found } if expected == &first && found == &third);
    fs::rename(office.path("hidden"), office.path("vetted-trust.1.toml")).unwrap();

    let wrong = Digest::sha256_of(b"another policy");
    pin(&office, &wrong);
    refuses!(office.verify(&nothing()), Refusal::Fingerprint { expected, .. } if expected == &wrong);
    refuses!(office.verify(&state), Refusal::Fingerprint { expected, .. } if expected == &wrong);

    // The right fingerprint, and a chain from it that does not hold.
    pin(&office, &first);
    office.put("vetted-trust.2.toml", &office.trust_text(&Trust { version: 2, ..Trust::first() }), &["alice"]);
    refuses!(office.verify(&nothing()), Refusal::TrustNotVouched { version: 2, .. });

    fs::write(office.path("vetted-source.toml"), "kind = \"vetted/source\"").unwrap();
    refuses!(office.verify(&nothing()), Refusal::Document(_));
}

#[test]
fn another_policy_does_not_take_the_place_of_the_known_one() {
    let office = Office::new();
    refuses!(office.verify(&State::new("acme.example/other")), Refusal::OtherPolicy { known, found }
        if known == "acme.example/other" && found == NAME);
}

#[test]
fn a_key_that_has_ended_does_not_break_the_chain_behind_it() {
    let office = Office::new();
    let text = office.trust_text(&Trust::first());
    let pem = office.public("alice");
    let ending = text.replace(&format!("pem = '''{pem}'''\n"), &format!("pem = '''{pem}'''\nnot-after = 2026-11-21T11:00:00Z\n"));
    office.put("vetted-trust.toml", &ending, &["alice", "bob"]);
    let earlier: Timestamp = "2026-11-21T10:59:00Z".parse().unwrap();
    office.change("vetted-revocations.toml", "issued = 2026-11-21T11", "issued = 2026-11-21T10", &["dan"]);
    let state = office.verify_at(earlier, &nothing(), &Floors::default()).unwrap().next;
    let second = Trust { version: 2, ..Trust::first() }.next("alice", &["alice-new"]);
    office.next_trust(&Trust { version: 2, ..second.clone() }, &["alice", "bob", "carol"]);
    office.put("vetted.toml", &manifest_text(43, ""), &["bob", "carol"]);
    assert_eq!(office.believed(&state).trust.unwrap().version, 2);
}

// T-19

#[test]
fn a_clock_that_ran_backwards_sees_nothing_fresh() {
    let office = Office::new();
    let state = office.believed(&nothing());
    let year = SignedDuration::from_hours(365 * 24);
    let past = now() - year;
    let folder = office.verify_at(past, &state, &Floors::default()).unwrap();
    assert_eq!(folder.next, state);
    assert!(folder.memory.latest.unwrap() > past, "by which the policy sees that the clock is behind");

    // A document that this machine has not seen yet is not seen fresh by such a clock.
    office.revocations(90211, "");
    let folder = office.verify_at(past, &state, &Floors::default()).unwrap();
    assert!(!folder.memory.revocations && folder.memory.manifest, "{:?}", folder.memory);
    refuses!(office.verify_at(past, &nothing(), &Floors::default()), Refusal::IssuedInFuture { .. });
}

#[test]
fn a_clock_far_ahead_believes_nothing_fresh_and_remembers_nothing_wrong() {
    let office = Office::new();
    let state = office.believed(&nothing());
    office.revocations(90211, "");
    let ahead = now() + SignedDuration::from_hours(365 * 24);
    let folder = office.verify_at(ahead, &state, &Floors::default()).unwrap();
    assert!(folder.memory.trust_expired.is_some() && !folder.memory.revocations, "{:?}", folder.memory);
    assert_eq!(folder.next, state);
    let back = office.verify(&folder.next).unwrap();
    assert!(back.memory.trust_expired.is_none() && back.memory.revocations);
}

#[test]
fn five_minutes_are_no_matter() {
    let office = Office::new();
    office.change("vetted-revocations.toml", "issued = 2026-11-21T11:00:00Z", "issued = 2026-11-21T12:00:00Z", &["dan"]);
    let state = office.believed(&nothing());
    let minutes = |m| now() - SignedDuration::from_mins(m);
    assert!(office.verify_at(minutes(5), &nothing(), &Floors::default()).unwrap().memory.revocations);
    refuses!(office.verify_at(minutes(11), &nothing(), &Floors::default()), Refusal::IssuedInFuture { .. });
    office.change("vetted-revocations.toml", "serial = 90210", "serial = 90211", &["dan"]);
    assert!(office.verify_at(minutes(9), &state, &Floors::default()).unwrap().memory.revocations);
    assert!(!office.verify_at(minutes(11), &state, &Floors::default()).unwrap().memory.revocations);
}

// T-20, requires-client

#[test]
fn what_the_trust_policy_and_the_client_do_not_allow_is_not_believed() {
    let office = Office::new();
    let waiver = "[[waiver]]\nid = \"W-1\"\nlifts = [\"unvetted\"]\ntool = \"openai-codex\"\nowner = \"carol\"\napprover = \"dave\"\n\
                  reason = \"a trial\"\nstarts = 2026-11-20T00:00:00Z\nexpires = 2026-12-03T00:00:00Z\n";
    office.manifest(42, waiver);
    office.revocations(90210, "");
    assert!(office.verify(&nothing()).is_ok());
    office.trust(&Trust { more: "[role.waivers]\nmax-duration = \"7d\"\n", ..Trust::first() }, &["alice", "bob"]);
    refuses!(office.verify(&nothing()), Refusal::WaiverTooLong { id, .. } if id == "W-1");

    office.trust(&Trust::first(), &["alice", "bob"]);
    for unknown in ["", "from-the-future = true\n"] {
        let asks = format!("mode = \"enforce\"\nrequires-client = \">=999.0.0\"\n{unknown}");
        office.put("vetted.toml", &manifest_text(42, "").replace("mode = \"enforce\"\n", &asks), &["alice", "bob"]);
        refuses!(office.verify(&nothing()), Refusal::ClientTooOld { requires } if requires == ">=999.0.0");
    }
}

// T-23

/// Everybody signs everything, so that nothing but the kind can refuse.
#[test]
fn each_document_under_each_others_name_is_refused() {
    let office = Office::new();
    let names = ["vetted-trust.toml", "vetted.toml", "vetted-revocations.toml"];
    let texts = names.map(|name| fs::read_to_string(office.path(name)).unwrap());
    for (at, name) in names.iter().enumerate() {
        for (from, text) in texts.iter().enumerate().filter(|(from, _)| *from != at) {
            office.put(name, text, &["alice", "bob", "dan"]);
            refuses!(office.verify(&nothing()), Refusal::WrongKind { found, expected } if found != expected);
            assert_ne!(at, from);
        }
        office.put(name, &texts[at], &["alice", "bob", "dan"]);
        assert!(office.verify(&nothing()).is_ok());
    }
}

#[test]
fn documents_of_two_policies_are_not_mixed() {
    let office = Office::new();
    for name in ["vetted-revocations.toml", "vetted.toml"] {
        office.change(name, NAME, "acme.example/other", &["alice", "bob", "dan"]);
        refuses!(office.verify(&nothing()), Refusal::WrongName { found, trust } if found == "acme.example/other" && trust == NAME);
    }
}

// T-24

#[test]
fn a_revocation_ends_only_by_withdrawal() {
    let office = Office::new();
    let (one, two) = (revocation("ACME-1", "0.2.0"), revocation("ACME-2", "0.3.0"));
    office.manifest(43, &one);
    office.revocations(90211, &two);
    let state = office.believed(&nothing());
    assert_eq!(state.revoked.keys().collect::<Vec<_>>(), ["ACME-1", "ACME-2"]);

    office.revocations(90212, "");
    refuses!(office.verify(&state), Refusal::RevocationsLost(ids) if ids == &["ACME-2"]);
    office.manifest(44, "");
    office.revocations(90212, "");
    refuses!(office.verify(&state), Refusal::RevocationsLost(ids) if ids == &["ACME-1", "ACME-2"]);

    // Two signatures may withdraw a revocation of either document, and take one over.
    let withdrawn = "[[withdrawn]]\nid = \"ACME-2\"\nreason = \"mended\"\n";
    office.manifest(44, &format!("{one}{withdrawn}"));
    office.revocations(90212, &two);
    let after = office.believed(&state);
    assert_eq!(after.revoked.keys().collect::<Vec<_>>(), ["ACME-1"], "what is withdrawn is in force no more");
    office.manifest(44, &format!("{one}{two}"));
    office.revocations(90212, "");
    assert_eq!(office.believed(&state).revoked.len(), 2);
    let overlay = "[[overlay]]\nwhen = { group = \"eu\" }\n";
    let overlaid = format!("{one}{overlay}{}", two.replace("[[revocation", "[[overlay.revocation"));
    office.manifest(44, &overlaid);
    office.revocations(90212, "");
    assert_eq!(office.believed(&state).revoked.len(), 2, "an overlay holds it");
}

/// To narrow a revocation under its id would be to lift it.
#[test]
fn who_is_on_call_cannot_lift_by_rewriting() {
    let office = Office::new();
    office.revocations(90211, &revocation("ACME-2", "0.3.0"));
    let state = office.believed(&nothing());
    let original = revocation("ACME-2", "0.3.0");
    for (from, to) in [
        ("fixed = \"0.3.0\"", "fixed = \"0.1.1\""),
        ("tool = \"openai-codex\"", "tool = \"aider\""),
        ("severity = \"high\"", "severity = \"low\""),
        ("effective = 2026-11-01", "effective = 2027-11-01"),
    ] {
        office.revocations(90212, &original.replace(from, to));
        refuses!(office.verify(&state), Refusal::RevocationChanged(id) if id == "ACME-2");
    }
    office.revocations(90212, &original.replace("Use another.", "Use version 0.3.0 or later."));
    assert!(office.verify(&state).is_ok(), "the wording is free");
    office.manifest(43, &revocation("ACME-2", "0.2.0"));
    office.revocations(90212, "");
    assert!(office.verify(&state).is_ok(), "the manifest's signers may");
}

/// A file error is not taken for absence.
#[test]
fn what_cannot_be_read_is_not_absent() {
    let office = Office::new();
    fs::remove_file(office.path("vetted-revocations.toml")).unwrap();
    fs::create_dir(office.path("vetted-revocations.toml")).unwrap();
    refuses!(office.verify(&nothing()), Refusal::File(FileError::NotAFile(_, "a folder")));
    fs::remove_dir(office.path("vetted-revocations.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", office.path("vetted-revocations.toml")).unwrap();
    refuses!(office.verify(&nothing()), Refusal::File(FileError::NotFound(_)));
    fs::remove_file(office.path("vetted-revocations.toml")).unwrap();
    office.revocations(90210, "");
    fs::create_dir(office.path("vetted-source.toml")).unwrap();
    refuses!(office.verify(&nothing()), Refusal::File(FileError::NotAFile(_, "a folder")));
}
