//! Memory, floors and the chain of trust policies: each attack carried out on real files, each demanding the refusal it must end in.

use crate::support::{Machine, NOW};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use vetted::digest::Digest;
use vetted::manifest::trust_policy::Role;
use vetted::tool::Os;
use vetted::trust::document::{Folder, Loaded, load_policy, verify_folder};
use vetted::trust::sigstore::SigningKey;
use vetted::trust::state::{Floor, Floors, State, Store};
use vetted::trust::{Document, Refusal, key};
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::{FileError, Files};

const NAME: &str = "acme.example/ai-tools";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn floors(given: &[&str]) -> Floors {
    given.iter().map(|floor| floor.parse::<Floor>().unwrap()).collect()
}

/// Who may sign what: a threshold and signers.
type Holders = (usize, Vec<&'static str>);

/// A trust policy to be written. A signer has the keys of these names.
#[derive(Clone)]
struct Trust {
    version: u64,
    expires: &'static str,
    signers: Vec<(&'static str, Vec<&'static str>)>,
    root: Holders,
    manifest: Holders,
    revocations: Option<Holders>,
    more: &'static str,
}

impl Trust {
    /// Two of Alice, Bob and Carol are the root and approve; Dan and Erin are on call.
    fn first() -> Self {
        Self {
            version: 1,
            expires: "2027-11-20T00:00:00Z",
            signers: ["alice", "bob", "carol", "dan", "erin"].map(|name| (name, vec![name])).to_vec(),
            root: (2, vec!["alice", "bob", "carol"]),
            manifest: (2, vec!["alice", "bob", "carol"]),
            revocations: Some((1, vec!["dan", "erin"])),
            more: "",
        }
    }

    /// The next version, with other keys for one signer.
    fn next(&self, signer: &str, keys: &[&'static str]) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.signers.iter_mut().filter(|(name, _)| *name == signer).for_each(|(_, has)| *has = keys.to_vec());
        next
    }
}

/// A policy folder of an organisation with keys by name.
#[derive(Clone)]
struct Office {
    folder: Rc<tempfile::TempDir>,
    keys: Rc<RefCell<BTreeMap<&'static str, SigningKey>>>,
}

/// A revocation of one version of a tool.
fn revocation(id: &str, fixed: &str) -> String {
    format!(
        "[[revocation]]\nid = \"{id}\"\nreason = \"vulnerable\"\nseverity = \"high\"\neffective = 2026-11-01T00:00:00Z\n\
         message = \"Use another.\"\n[[revocation.affected]]\ntool = \"openai-codex\"\n\
         ranges = [{{ introduced = \"0.1.0\", fixed = \"{fixed}\" }}]\n"
    )
}

impl Office {
    /// Version 1 of the trust policy, manifest 42, revocations 90210.
    fn new() -> Self {
        let office = Self { folder: Rc::new(tempfile::tempdir().unwrap()), keys: Rc::default() };
        office.trust(&Trust::first(), &["alice", "bob"]);
        office.manifest(42, "");
        office.revocations(90210, "");
        office
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, text: &str, key: &'static str) -> String {
        let mut keys = self.keys.borrow_mut();
        keys.entry(key).or_insert_with(|| key::generate().unwrap().0).sign(text.as_bytes()).unwrap()
    }

    fn public(&self, key: &'static str) -> String {
        self.sign("", key);
        self.keys.borrow()[key].public_pem()
    }

    /// Write a document with signatures by these keys.
    fn put(&self, name: &str, text: &str, keys: &[&'static str]) {
        fs::write(self.path(name), text).unwrap();
        let lines: Vec<_> = keys.iter().map(|key| self.sign(text, key)).collect();
        fs::write(self.path(&format!("{name}.sigstore.jsonl")), lines.join("\n")).unwrap();
    }

    fn trust(&self, trust: &Trust, keys: &[&'static str]) {
        self.put("vetted-trust.toml", &self.trust_text(trust), keys);
    }

    fn trust_text(&self, trust: &Trust) -> String {
        let mut text = format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"{NAME}\"\nversion = {}\nexpires = {}\n",
            trust.version, trust.expires
        );
        for (signer, keys) in &trust.signers {
            text += &format!("[[signer]]\nid = \"{signer}\"\n");
            for key in keys {
                let pem = self.public(key);
                text += &format!("[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{pem}'''\n");
            }
        }
        let roles =
            [("root", Some(&trust.root)), ("manifest", Some(&trust.manifest)), ("revocations", trust.revocations.as_ref())];
        for (role, holders) in roles {
            let Some((threshold, signers)) = holders else { continue };
            text += &format!("[role.{role}]\nthreshold = {threshold}\nsigners = {signers:?}\n");
        }
        text + trust.more
    }

    /// Keep the current trust policy as the earlier version it is, and write the next one.
    fn next_trust(&self, trust: &Trust, keys: &[&'static str]) {
        let earlier = trust.version - 1;
        for suffix in ["", ".sigstore.jsonl"] {
            let from = self.path(&format!("vetted-trust.toml{suffix}"));
            fs::rename(from, self.path(&format!("vetted-trust.{earlier}.toml{suffix}"))).unwrap();
        }
        self.trust(trust, keys);
    }

    fn manifest(&self, serial: u64, more: &str) {
        self.put("vetted.toml", &manifest_text(serial, more), &["alice", "bob"]);
    }

    /// Revocations that name the manifest that is there.
    fn revocations(&self, serial: u64, more: &str) {
        self.put("vetted-revocations.toml", &self.revocations_text(serial, more), &["dan"]);
    }

    fn revocations_text(&self, serial: u64, more: &str) -> String {
        let manifest = fs::read(self.path("vetted.toml")).unwrap();
        let text = String::from_utf8(manifest.clone()).unwrap();
        let names = text.lines().find_map(|line| line.strip_prefix("serial = ")).unwrap().to_owned();
        format!(
            "kind = \"vetted/revocations\"\nschema = 1\nname = \"{NAME}\"\nserial = {serial}\nissued = 2026-11-21T11:00:00Z\n\
             expires = 2026-11-22T11:00:00Z\nmanifest = {{ serial = {names}, sha256 = \"{}\" }}\n{more}",
            Digest::sha256_of(&manifest).hex()
        )
    }

    fn change(&self, name: &str, from: &str, to: &str, keys: &[&'static str]) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.put(name, &text.replace(from, to), keys);
    }

    fn verify_at(&self, clock: Timestamp, state: &State, floors: &Floors) -> Result<Folder, Refusal> {
        verify_folder(Files, self.folder.path(), clock, state, floors).map_err(|unbelieved| unbelieved.refusal)
    }

    fn verify(&self, state: &State) -> Result<Folder, Refusal> {
        self.verify_at(now(), state, &Floors::default())
    }

    #[track_caller]
    fn believed(&self, state: &State) -> State {
        self.verify(state).unwrap_or_else(|refusal| panic!("{refusal}")).next
    }
}

fn manifest_text(serial: u64, more: &str) -> String {
    format!(
        "kind = \"vetted/manifest\"\nschema = 1\nname = \"{NAME}\"\nserial = {serial}\nissued = 2026-11-20T00:00:00Z\n\
         expires = 2026-12-04T00:00:00Z\nmode = \"enforce\"\n{more}"
    )
}

fn nothing() -> State {
    State::new(NAME)
}

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

fn pin(office: &Office, fingerprint: &Digest) {
    let text = format!(
        "kind = \"vetted/source\"\nschema = 1\nsources = [\"https://policy.acme.example/\"]\ntrust = {{ sha256 = \"{}\" }}\n",
        fingerprint.hex()
    );
    fs::write(office.path("vetted-source.toml"), text).unwrap();
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

// The state on disk

/// A machine of the library's own: an empty home, and the policy folder as the machine's.
struct Home {
    home: tempfile::TempDir,
    pairs: Vec<(&'static str, PathBuf)>,
}

impl Home {
    fn of(office: &Office) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pairs = vec![("HOME", home.path().to_owned()), ("VETTED_TEST_MACHINE_POLICY", office.folder.path().to_owned())];
        Self { home, pairs }
    }

    fn world(&self, clock: Timestamp) -> World {
        let env = Env::of_pairs(self.pairs.iter().map(|(k, v)| (*k, v.as_os_str())), Path::new("/"), Os::Linux);
        World { now: clock, env, files: Files }
    }

    fn load(&self) -> Result<Loaded, vetted::error::Error> {
        load_policy(&self.world(now()), None, &Floors::default())
    }

    fn file(&self) -> PathBuf {
        self.home.path().join(".local/state/vetted/acme.example_ai-tools.json")
    }

    fn state(&self) -> State {
        Store::of(&self.world(now())).load(NAME).unwrap()
    }
}

#[cfg(unix)]
#[test]
fn what_is_believed_is_remembered_for_this_user_alone_and_written_once() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let office = Office::new();
    let home = Home::of(&office);
    assert_eq!(home.load().unwrap().warnings, Vec::<String>::new());
    let written = fs::metadata(home.file()).unwrap();
    assert_eq!(written.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(home.file().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(home.state(), office.believed(&nothing()));
    home.load().unwrap();
    assert_eq!(fs::metadata(home.file()).unwrap().ino(), written.ino(), "nothing new is not written");

    office.revocations(90209, "");
    let error = home.load().unwrap_err().causes.join("\n");
    assert!(error.contains("90209") && error.contains("90210"), "{error}");
    assert_eq!(fs::metadata(home.file()).unwrap().ino(), written.ino());
}

#[test]
fn a_broken_memory_is_not_an_empty_one() {
    let office = Office::new();
    let home = Home::of(&office);
    home.load().unwrap();
    let whole = fs::read_to_string(home.file()).unwrap();
    let wrong = [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("vetted/state/v1", "vetted/state/v2"),
        whole.replace(NAME, "acme.example_ai/tools"),
        whole.replace("\"serial\"", "\"cereal\""),
        "[".repeat(100_000),
    ];
    for text in wrong {
        assert_ne!(text, whole);
        fs::write(home.file(), &text).unwrap();
        let error = home.load().unwrap_err();
        assert_eq!(error.kind, vetted::error::ErrorKind::Undecided);
        let hint = error.hints.join("\n");
        assert!(hint.contains("remove") && hint.contains("acme.example_ai-tools.json"), "{hint}");
        assert_eq!(fs::read_to_string(home.file()).unwrap(), text, "it is left for a person to look at");
    }
    fs::remove_file(home.file()).unwrap();
    fs::create_dir(home.file()).unwrap();
    assert!(home.load().is_err(), "a folder in its place");
}

#[test]
fn what_cannot_be_remembered_is_said() {
    let office = Office::new();
    let mut home = Home::of(&office);
    fs::write(home.home.path().join(".local"), "in the way").unwrap();
    let warnings = home.load().unwrap().warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("cannot be remembered") && warnings[0].contains(".local"),
        "{warnings:?}"
    );
    home.pairs.retain(|(name, _)| *name != "HOME");
    let warnings = home.load().unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("home folder"), "{warnings:?}");
}

#[test]
fn a_run_that_writes_for_ever_does_not_stop_this_one() {
    let office = Office::new();
    let home = Home::of(&office);
    fs::create_dir_all(home.file().parent().unwrap()).unwrap();
    let lock = fs::File::create(home.file().with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let began = std::time::Instant::now();
    let warnings = home.load().unwrap().warnings;
    assert!(began.elapsed().as_secs() < 10 && warnings.len() == 1 && warnings[0].contains("lock"), "{warnings:?}");
    drop(lock);
    assert!(home.load().unwrap().warnings.is_empty());
    fs::remove_file(home.file()).unwrap();
    fs::remove_file(home.file().with_extension("lock")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.file().with_extension("lock"), rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(home.load().unwrap().warnings.len(), 1, "a FIFO in the place of the lock is not waited for");
}

/// Of two runs at once, the one that saw more is never forgotten.
#[test]
fn two_runs_at_once_keep_the_higher_serial() {
    let (old, new) = (Office::new(), Office::new());
    let text = |name: &str| fs::read(old.path(name)).unwrap();
    for entry in fs::read_dir(old.folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        fs::write(new.path(&name), text(&name)).unwrap();
    }
    let newest = Office { folder: new.folder.clone(), keys: old.keys.clone() };
    let home = Home::of(&old);
    let mut outlived = 0;
    for serial in 43..73 {
        // Both begin at the same memory, or at none.
        if serial % 2 == 0 {
            fs::remove_file(home.file()).unwrap();
        }
        newest.manifest(serial, "");
        newest.revocations(90210 + serial, "");
        let paths = [old.folder.path().to_owned(), newest.folder.path().to_owned()];
        let pairs = home.pairs.clone();
        let threads = paths.map(|path| {
            let home_folder = pairs[0].1.clone();
            std::thread::spawn(move || {
                let pairs = [("HOME", home_folder.as_path()), ("VETTED_TEST_MACHINE_POLICY", path.as_path())];
                let env = Env::of_pairs(pairs.map(|(k, v)| (k, v.as_os_str().to_owned())), Path::new("/"), Os::Linux);
                let world = World { now: now(), env, files: Files };
                load_policy(&world, None, &Floors::default()).map(|loaded| loaded.warnings.len())
            })
        });
        let [old_run, new_run] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(new_run.unwrap(), 0, "the newer policy is believed and remembered whatever the other run does");
        outlived += usize::from(old_run.is_ok());
        assert_eq!(home.state().manifest.unwrap().serial, serial);
    }
    assert!(outlived < 30, "the older policy was refused where the newer one was remembered first");
}

#[test]
fn there_is_no_grace_in_ci() {
    let office = Office::new();
    let mut home = Home::of(&office);
    assert!(home.load().unwrap().memory.manifest);
    home.pairs.push(("CI", "true".into()));
    let memory = home.load().unwrap().memory;
    assert!(!memory.manifest && !memory.revocations, "{memory:?}");
    assert!(home.state().manifest.unwrap().fresh, "it is remembered all the same");
}

#[test]
fn the_built_in_policy_has_no_memory_and_no_serial() {
    let office = Office::new();
    let mut home = Home::of(&office);
    home.pairs[1].1 = home.home.path().join("none");
    assert!(home.load().unwrap().folder.is_none());
    assert!(!home.home.path().join(".local").exists());
    let error = load_policy(&home.world(now()), None, &floors(&["1"])).unwrap_err();
    assert_eq!(error.kind, vetted::error::ErrorKind::Undecided);
}

/// The program says what was expected, what was found, where, and what to do.
#[test]
fn the_program_refuses_an_older_policy_and_says_what_to_do() {
    let office = Office::new();
    let machine = Machine::new();
    let folder = office.folder.path().to_str().unwrap().to_owned();
    let check = ["check", "--policy", &folder];
    machine.vetted(&check).exits(0);
    office.manifest(41, "");
    office.revocations(90211, "");
    let run = machine.vetted(&check).exits(3);
    for part in ["vetted.toml", "serial 41", "serial 42", "vetted sync", "vetted sign --renew"] {
        assert!(run.stderr.contains(part), "{part}\n{run}");
    }
    let fresh = Machine::new();
    let run = fresh.vetted(&[&check[..], &["--min-serial", "42"]].concat()).exits(3);
    assert!(run.stderr.contains("--min-serial"), "{run}");
    fresh.vetted(&[&check[..], &["--min-serial", "41", "--min-serial", "revocations=90211"]].concat()).exits(0);
    fresh.vetted(&[&check[..], &["--min-serial", "tools=1"]].concat()).exits(2);
}

// Properties

/// What a belief comes to: the bytes that are believed.
fn belief(folder: &Folder) -> (Vec<Digest>, u64) {
    let next = &folder.next;
    let marks = [next.manifest.as_ref().map(|m| m.sha256.clone()), next.revocations.as_ref().map(|m| m.sha256.clone())];
    (
        marks.into_iter().flatten().chain(next.trust.as_ref().map(|t| t.sha256.clone())).collect(),
        next.trust.as_ref().unwrap().version,
    )
}

/// An office with a chain of three trust policies behind it.
fn grown() -> Office {
    let office = Office::new();
    pin(&office, &Digest::sha256_of(&fs::read(office.path("vetted-trust.toml")).unwrap()));
    for version in [2, 3] {
        office.next_trust(&Trust { version, ..Trust::first() }, &["alice", "bob", "carol"]);
    }
    office.manifest(43, &revocation("ACME-1", "0.2.0"));
    office.put("vetted.toml", &fs::read_to_string(office.path("vetted.toml")).unwrap(), &["alice", "bob", "carol"]);
    office.revocations(90211, &revocation("ACME-2", "0.3.0"));
    office
}

/// Every bundle that stands anywhere in the folder: its file and its line.
fn bundles(office: &Office) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(office.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "jsonl") {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            found.extend((0..lines).map(|line| (path.clone(), line)));
        }
    }
    found.sort();
    found
}

/// Removing signatures never makes more believed: what is believed with some is believed with all.
#[test]
fn taking_signatures_away_never_helps() {
    let office = grown();
    let all = bundles(&office);
    let files: BTreeMap<_, _> = all.iter().map(|(path, _)| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let whole = belief(&office.verify(&nothing()).unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
    let mut outcomes = [0, 0];
    let outcomes = RefCell::new(&mut outcomes);
    runner
        .run(&prop::collection::vec(prop::bool::weighted(0.85), all.len()), |kept| {
            for (path, text) in &files {
                let lines: Vec<&str> = text.lines().collect();
                let left: Vec<&str> = all
                    .iter()
                    .zip(&kept)
                    .filter(|((at, _), keep)| at == path && **keep)
                    .map(|((_, line), _)| lines[*line])
                    .collect();
                fs::write(path, left.join("\n")).unwrap();
            }
            match office.verify(&nothing()) {
                Ok(folder) => {
                    prop_assert_eq!(&belief(&folder), &whole);
                    for (name, needed) in [("vetted.toml", 2), ("vetted-trust.toml", 2), ("vetted-trust.2.toml", 2)] {
                        let signed = fs::read_to_string(office.path(&format!("{name}.sigstore.jsonl"))).unwrap();
                        prop_assert!(signed.lines().count() >= needed, "{} was believed with too few", name);
                    }
                    outcomes.borrow_mut()[0] += 1;
                }
                Err(Refusal::NotSigned(_) | Refusal::Threshold { .. } | Refusal::TrustNotVouched { .. }) => {
                    outcomes.borrow_mut()[1] += 1
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
            Ok(())
        })
        .unwrap();
    let outcomes = outcomes.into_inner();
    assert!(outcomes[0] > 10 && outcomes[1] > 10, "both happened: {outcomes:?}");
}

/// Any byte of any file changed: refused, or exactly the same belief.
#[test]
fn a_flipped_byte_is_refused_or_changes_nothing() {
    let office = grown();
    let files: Vec<PathBuf> = {
        let mut found: Vec<_> = fs::read_dir(office.folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
        found.sort();
        found
    };
    let whole = belief(&office.verify(&nothing()).unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 1500, ..ProptestConfig::default() });
    runner
        .run(&(0..files.len(), any::<prop::sample::Index>(), 1_u8..=255), |(file, at, flip)| {
            let original = fs::read(&files[file]).unwrap();
            let mut changed = original.clone();
            changed[at.index(original.len())] ^= flip;
            fs::write(&files[file], &changed).unwrap();
            let result = office.verify(&nothing());
            fs::write(&files[file], &original).unwrap();
            if let Ok(folder) = result {
                prop_assert_eq!(&belief(&folder), &whole, "{:?}", &files[file]);
            }
            Ok(())
        })
        .unwrap();
}

/// Whatever is shown in whatever order: what is remembered never gets lower.
#[test]
fn memory_never_gets_lower() {
    let office = Office::new();
    let step = (40_u64..46, 90_200_u64..90_220, prop::collection::btree_set(0_usize..4, 0..4), any::<bool>(), -60_i64..400);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 60, ..ProptestConfig::default() });
    let accepted = RefCell::new(0);
    runner
        .run(&prop::collection::vec(step, 1..12), |steps| {
            let mut state = nothing();
            for (serial, on_call, ids, in_manifest, hours) in steps {
                let text: String = ids.iter().map(|id| revocation(&format!("ACME-{id}"), "0.2.0")).collect();
                office.manifest(serial, if in_manifest { &text } else { "" });
                office.revocations(on_call, if in_manifest { "" } else { &text });
                let clock = now() + SignedDuration::from_hours(hours);
                let Ok(folder) = office.verify_at(clock, &state, &Floors::default()) else { continue };
                let next = folder.next;
                let serials = |s: &State| (s.manifest.as_ref().map(|m| m.serial), s.revocations.as_ref().map(|m| m.serial));
                prop_assert!(serials(&next).0 >= serials(&state).0 && serials(&next).1 >= serials(&state).1);
                prop_assert!(
                    next.latest >= state.latest
                        && next.trust.as_ref().map(|t| t.version) >= state.trust.as_ref().map(|t| t.version)
                );
                prop_assert!(state.revoked.keys().all(|id| next.revoked.contains_key(id)), "nothing was withdrawn");
                *accepted.borrow_mut() += 1;
                state = next;
            }
            Ok(())
        })
        .unwrap();
    assert!(accepted.into_inner() > 60);
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
