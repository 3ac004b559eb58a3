//! Belief: what is believed, and for each step of verification the one refusal that it must end in.

use crate::support::{Machine, NOW};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vetted::error::ErrorKind;
use vetted::manifest::Subject;
use vetted::manifest::trust_policy::Role;
use vetted::tool::{Ecosystem, Os, Package};
use vetted::trust::document::{load_file_list, load_folder, load_policy, signature_paths, verify_folder};
use vetted::trust::sigstore::SigningKey;
use vetted::trust::state::{Floors, State};
use vetted::trust::{Proof, Refusal, key};
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::{FileError, Files};

const PASSWORD: &str = "correct horse";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A policy folder made by hand: three people, of whom `needed` sign the manifest. Alice has two keys.
struct Policy {
    folder: tempfile::TempDir,
    alice: SigningKey,
    alices_other: SigningKey,
    bob: SigningKey,
    /// Holds the role `revocations` alone.
    carol: SigningKey,
}

const MANIFEST: &str = "kind = \"vetted/manifest\"\nschema = 1\nname = \"acme\"\nserial = 7\nissued = 2026-11-20T00:00:00Z\n\
    expires = 2026-12-20T00:00:00Z\nmode = \"enforce\"\n";

impl Policy {
    fn new(needed: usize) -> Self {
        let generate = || key::generate().unwrap().0;
        let policy = Self {
            folder: tempfile::tempdir().unwrap(),
            alice: generate(),
            alices_other: generate(),
            bob: generate(),
            carol: generate(),
        };
        let key =
            |key: &SigningKey| format!("[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{}'''\n", key.public_pem());
        policy.trust(&format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"acme\"\nversion = 1\nexpires = 2027-11-20T00:00:00Z\n\
             [[signer]]\nid = \"alice\"\n{}{}[[signer]]\nid = \"bob\"\n{}[[signer]]\nid = \"carol\"\n{}\
             [role.root]\nthreshold = 1\nsigners = [\"alice\"]\n[role.manifest]\nthreshold = {needed}\nsigners = [\"alice\", \"bob\"]\n\
             ",
            key(&policy.alice),
            key(&policy.alices_other),
            key(&policy.bob),
            key(&policy.carol),
        ));
        policy.manifest(MANIFEST, &[&policy.alice, &policy.bob]);
        policy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn trust(&self, text: &str) {
        fs::write(self.path("vetted-trust.toml"), text).unwrap();
        fs::write(self.path("vetted-trust.toml.sigstore.json"), self.alice.sign(text.as_bytes()).unwrap()).unwrap();
    }

    /// Change the trust policy, and sign it again.
    fn change_trust(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("vetted-trust.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        self.trust(&text.replace(from, to));
    }

    fn manifest(&self, text: &str, keys: &[&SigningKey]) {
        fs::write(self.path("vetted.toml"), text).unwrap();
        let lines: Vec<_> = keys.iter().map(|key| key.sign(text.as_bytes()).unwrap()).collect();
        self.bundles(&lines);
    }

    fn bundles(&self, lines: &[String]) {
        fs::write(self.path("vetted.toml.sigstore.jsonl"), lines.join("\n")).unwrap();
    }

    /// The one bundle of Alice, with one change.
    fn bundle_changed(&self, change: impl FnOnce(&mut Value)) {
        let mut bundle: Value = serde_json::from_str(&self.alice.sign(MANIFEST.as_bytes()).unwrap()).unwrap();
        change(&mut bundle);
        self.bundles(&[bundle.to_string()]);
    }

    fn believed_by(&self) -> Vec<String> {
        match load_folder(Files, self.folder.path(), now()).unwrap_or_else(|u| panic!("{}", u.refusal)).proof() {
            Proof::Signed { signers, .. } => signers.clone(),
            Proof::BuiltIn => panic!("a folder is not built in"),
        }
    }

    fn refusal(&self) -> Refusal {
        load_folder(Files, self.folder.path(), now()).expect_err("it must not be believed").refusal
    }
}

macro_rules! refuses {
    ($policy:expr, $pattern:pat $(if $guard:expr)?) => {
        let refusal = $policy.refusal();
        assert!(matches!(&refusal, $pattern $(if $guard)?), "{refusal:?}");
    };
}

#[test]
fn enough_distinct_signers_are_believed() {
    assert_eq!(Policy::new(2).believed_by(), ["alice", "bob"]);
    let policy = Policy::new(1);
    policy.manifest(MANIFEST, &[&policy.alices_other]);
    assert_eq!(policy.believed_by(), ["alice"], "any key of a signer is the signer");
}

/// Threat T-08: signers are counted, not bundles and not keys.
#[test]
fn one_signer_counts_once() {
    let policy = Policy::new(2);
    for keys in [[&policy.alice, &policy.alice], [&policy.alice, &policy.alices_other]] {
        policy.manifest(MANIFEST, &keys);
        refuses!(policy, Refusal::Threshold { role: Role::Manifest, found, needed: 2, missing, .. }
            if found == &["alice"] && missing == &["bob"]);
    }
}

#[test]
fn the_key_that_may_revoke_may_not_approve() {
    let policy = Policy::new(1);
    policy.manifest(MANIFEST, &[&policy.carol]);
    refuses!(policy, Refusal::NoKeyOfRole { role: Role::Manifest, .. });
}

/// Taking a signature away never makes more believed, and no unsigned byte is.
#[test]
fn fewer_signatures_are_never_better() {
    let policy = Policy::new(2);
    policy.manifest(MANIFEST, &[&policy.bob]);
    refuses!(policy, Refusal::Threshold { found, missing, .. } if found == &["bob"] && missing == &["alice"]);
    policy.bundles(&[]);
    refuses!(policy, Refusal::NotSigned(_));
    fs::remove_file(policy.path("vetted.toml.sigstore.jsonl")).unwrap();
    refuses!(policy, Refusal::NotSigned(_));
}

#[test]
fn other_bytes_are_refused() {
    let policy = Policy::new(1);
    fs::write(policy.path("vetted.toml"), MANIFEST.replace("enforce", "monitor")).unwrap();
    refuses!(policy, Refusal::Threshold { refused, .. } if matches!(refused[..], [Refusal::Digest { .. }, Refusal::Digest { .. }]));

    policy.manifest(MANIFEST, &[&policy.alice]);
    fs::write(policy.path("vetted.toml"), MANIFEST.replace("enforce", "monitor")).unwrap();
    refuses!(policy, Refusal::Digest { .. });
}

/// The digest in a bundle is a courtesy: without it, or with one that was adjusted, the signature still decides.
#[test]
fn the_signature_decides_and_not_the_stated_digest() {
    let policy = Policy::new(1);
    let other = MANIFEST.replace("enforce", "monitor");
    policy.bundle_changed(|b| {
        b["messageSignature"].as_object_mut().unwrap().remove("messageDigest");
    });
    assert_eq!(policy.believed_by(), ["alice"]);
    fs::write(policy.path("vetted.toml"), &other).unwrap();
    refuses!(policy, Refusal::Signature { signer } if signer == "alice");

    let digest = vetted::digest::Digest::sha256_of(other.as_bytes());
    policy.bundle_changed(|b| b["messageSignature"]["messageDigest"]["digest"] = BASE64.encode(digest.as_bytes()).into());
    refuses!(policy, Refusal::Signature { signer } if signer == "alice");
}

#[test]
fn one_flipped_bit_of_the_signature_is_refused() {
    let policy = Policy::new(1);
    policy.bundle_changed(|b| {
        let signature = &mut b["messageSignature"]["signature"];
        let mut bytes = BASE64.decode(signature.as_str().unwrap()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        *signature = BASE64.encode(bytes).into();
    });
    refuses!(policy, Refusal::Signature { signer } if signer == "alice");
}

#[test]
fn a_key_of_nobody_is_refused_whatever_it_calls_itself() {
    let policy = Policy::new(1);
    let stranger = key::generate().unwrap().0;
    policy.manifest(MANIFEST, &[&stranger]);
    refuses!(policy, Refusal::NoKeyOfRole { role: Role::Manifest, .. });

    let alices: Value = serde_json::from_str(&policy.alice.sign(b"").unwrap()).unwrap();
    let mut forged: Value = serde_json::from_str(&stranger.sign(MANIFEST.as_bytes()).unwrap()).unwrap();
    forged["verificationMaterial"]["publicKey"] = alices["verificationMaterial"]["publicKey"].clone();
    policy.bundles(&[forged.to_string()]);
    refuses!(policy, Refusal::Signature { signer } if signer == "alice");
}

/// The hint says where to look first and nothing more: a wrong one, or none, costs nothing.
#[test]
fn a_hint_that_leads_nowhere_does_no_harm() {
    let policy = Policy::new(1);
    for hint in ["", "alice"] {
        policy.bundle_changed(|b| b["verificationMaterial"]["publicKey"]["hint"] = hint.into());
        assert_eq!(policy.believed_by(), ["alice"]);
    }
}

/// Threat T-12: nobody signs the media type.
#[test]
fn older_bundles_are_refused() {
    let policy = Policy::new(1);
    for media_type in
        ["application/vnd.dev.sigstore.bundle+json;version=0.1", "application/vnd.dev.sigstore.bundle+json;version=0.2", ""]
    {
        policy.bundle_changed(|b| b["mediaType"] = media_type.into());
        refuses!(policy, Refusal::MediaType(found) if found == media_type);
    }
}

#[test]
fn other_forms_of_signatures_are_refused_by_name() {
    let policy = Policy::new(1);
    policy.bundle_changed(|b| {
        b["verificationMaterial"].as_object_mut().unwrap().remove("publicKey");
        b["verificationMaterial"]["certificate"] = json!({ "rawBytes": "MAA=" });
    });
    refuses!(policy, Refusal::BundleUnreadable(_));
    policy.bundle_changed(|b| {
        b.as_object_mut().unwrap().remove("messageSignature");
        b["dsseEnvelope"] =
            json!({ "payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": [{ "sig": "MAA=" }] });
    });
    refuses!(policy, Refusal::NotAMessage);
    policy.bundle_changed(|b| b["messageSignature"]["messageDigest"]["algorithm"] = "SHA2_512".into());
    refuses!(policy, Refusal::DigestAlgorithm);
}

#[test]
fn what_is_no_bundle_is_refused() {
    let policy = Policy::new(1);
    let whole = policy.alice.sign(MANIFEST.as_bytes()).unwrap();
    for text in [&whole[..whole.len() / 2], "{", "[]]", &format!("{{\"mediaType\": {}1", "[".repeat(100_000))] {
        policy.bundles(&[text.to_owned()]);
        refuses!(policy, Refusal::BundleUnreadable(_));
    }
    policy.bundles(&vec![whole.clone(); 65]);
    refuses!(policy, Refusal::TooManyBundles { .. });
    fs::write(policy.path("vetted.toml.sigstore.jsonl"), vec![b' '; 9 << 20]).unwrap();
    refuses!(policy, Refusal::File(FileError::TooLarge { .. }));
    fs::remove_file(policy.path("vetted.toml.sigstore.jsonl")).unwrap();
    fs::create_dir(policy.path("vetted.toml.sigstore.jsonl")).unwrap();
    refuses!(policy, Refusal::File(FileError::NotAFile(_, "a folder")));
}

/// Threat T-23: a signature over one kind of document counts for no other.
#[test]
fn documents_under_each_others_names_are_refused() {
    let policy = Policy::new(1);
    let trust = fs::read_to_string(policy.path("vetted-trust.toml")).unwrap();
    policy.manifest(&trust, &[&policy.alice]);
    refuses!(policy, Refusal::WrongKind { found, expected: "vetted/manifest" } if found == "vetted/trust");
    policy.trust(MANIFEST);
    refuses!(policy, Refusal::WrongKind { found, expected: "vetted/trust" } if found == "vetted/manifest");
}

#[test]
fn names_times_and_validity_are_looked_at() {
    let policy = Policy::new(1);
    policy.manifest(&MANIFEST.replace("acme", "other"), &[&policy.alice]);
    refuses!(policy, Refusal::WrongName { found, trust } if found == "other" && trust == "acme");
    policy.manifest(&MANIFEST.replace("issued = 2026-11-20T00:00:00Z", "issued = 2026-11-21T12:10:01Z"), &[&policy.alice]);
    refuses!(policy, Refusal::IssuedInFuture { .. });
    policy.manifest(&MANIFEST.replace("issued = 2026-11-20T00:00:00Z", "issued = 2026-11-21T12:10:00Z"), &[&policy.alice]);
    assert_eq!(policy.believed_by(), ["alice"], "a clock may be a little ahead");
    policy.manifest(&MANIFEST.replace("expires = 2026-12-20", "expires = 2026-11-21"), &[&policy.alice]);
    assert_eq!(policy.believed_by(), ["alice"], "what an expired manifest is worth is decided elsewhere");
    policy.manifest(&MANIFEST.replace("enforce", "perhaps"), &[&policy.alice]);
    refuses!(policy, Refusal::Document(errors) if errors.problems.len() == 1);
}

#[test]
fn the_trust_policy_is_signed_by_its_own_root_and_vouches_for_nobody_after_its_end() {
    let policy = Policy::new(1);
    let trust = policy.path("vetted-trust.toml");
    let text = fs::read_to_string(&trust).unwrap();
    fs::write(policy.path("vetted-trust.toml.sigstore.json"), policy.bob.sign(text.as_bytes()).unwrap()).unwrap();
    refuses!(policy, Refusal::NoKeyOfRole { role: Role::Root, .. });
    fs::remove_file(policy.path("vetted-trust.toml.sigstore.json")).unwrap();
    refuses!(policy, Refusal::NotSigned(path) if path == &trust);
    policy.trust(&text.replace("expires = 2027-11-20T00:00:00Z", "expires = 2026-11-21T12:00:00Z"));
    let state = State::new("acme");
    let folder = verify_folder(Files, policy.folder.path(), now(), &state, &Floors::default()).unwrap();
    assert_eq!(folder.memory.trust_expired, Some(now()), "its signers may refuse and approve nothing");
    assert!(!folder.memory.manifest, "nothing is seen fresh under it");
    assert_eq!(folder.next, state, "it leaves no trace");
    fs::remove_file(&trust).unwrap();
    refuses!(policy, Refusal::File(FileError::NotFound(_)));
}

#[test]
fn a_key_that_has_ended_counts_no_more() {
    let policy = Policy::new(1);
    policy.manifest(MANIFEST, &[&policy.bob]);
    let bobs = format!("pem = '''{}'''\n", policy.bob.public_pem());
    policy.change_trust(&bobs, &format!("{bobs}not-after = 2026-11-21T12:00:01Z\n"));
    assert_eq!(policy.believed_by(), ["bob"]);
    policy.change_trust("not-after = 2026-11-21T12:00:01Z", "not-after = 2026-11-21T12:00:00Z");
    refuses!(policy, Refusal::KeyEnded { signer, .. } if signer == "bob");
}

#[test]
fn a_file_list_is_believed_by_its_digest() {
    let policy = Policy::new(1);
    let list = vetted::manifest::file_list::FileList::default().to_json();
    fs::write(policy.path("files.json"), &list).unwrap();
    let digest = vetted::digest::Digest::sha256_of(list.as_bytes());
    let reference = vetted::manifest::FileListRef { path: "files.json".into(), digests: digest.into() };
    let world = world(&[]);
    assert!(load_file_list(&world, policy.folder.path(), &reference).is_ok());
    fs::write(policy.path("files.json"), list.replace("[]", "[ ]")).unwrap();
    let why = load_file_list(&world, policy.folder.path(), &reference).unwrap_err();
    assert!(why.contains("files.json") && why.contains("is not the approved"), "{why}");
}

fn world(pairs: &[(&str, &Path)]) -> World {
    let env = Env::of_pairs(pairs.iter().map(|(k, v)| (*k, v.as_os_str())), Path::new("/"), Os::Linux);
    World { now: now(), env, files: Files }
}

/// The machine's folder, else the named one, else the user's, else the built-in policy; and a folder that cannot be believed
/// ends the search.
#[test]
fn the_strongest_place_decides() {
    let (machine, named, home) = (Policy::new(1), Policy::new(1), tempfile::tempdir().unwrap());
    let empty = tempfile::tempdir().unwrap();
    let user = home.path().join("vetted");
    fs::create_dir(&user).unwrap();
    let folder_of = |world: &World, flag: Option<&Path>| load_policy(world, flag, &Floors::default()).map(|loaded| loaded.folder);

    let without = world(&[("XDG_CONFIG_HOME", home.path()), ("VETTED_TEST_MACHINE_POLICY", empty.path())]);
    assert_eq!(folder_of(&without, None).unwrap(), None, "the built-in policy");
    assert_eq!(folder_of(&without, Some(named.folder.path())).unwrap().as_deref(), Some(named.folder.path()));
    assert_eq!(folder_of(&without, Some(empty.path())).unwrap_err().kind, ErrorKind::Usage);

    for entry in fs::read_dir(named.folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), user.join(entry.file_name())).unwrap();
    }
    assert_eq!(folder_of(&without, None).unwrap().as_deref(), Some(user.as_path()));

    let with = world(&[("XDG_CONFIG_HOME", home.path()), ("VETTED_TEST_MACHINE_POLICY", machine.folder.path())]);
    assert_eq!(folder_of(&with, Some(named.folder.path())).unwrap().as_deref(), Some(machine.folder.path()));
    fs::remove_file(machine.path("vetted.toml.sigstore.jsonl")).unwrap();
    assert_eq!(folder_of(&with, Some(named.folder.path())).unwrap_err().kind, ErrorKind::Undecided);
    fs::remove_file(machine.path("vetted-trust.toml")).unwrap();
    assert_eq!(folder_of(&with, None).unwrap_err().kind, ErrorKind::Undecided);
    fs::remove_file(machine.path("vetted.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", machine.path("vetted.toml")).unwrap();
    assert_eq!(folder_of(&with, None).unwrap_err().kind, ErrorKind::Undecided, "a dangling link is not an absent policy");

    fs::write(user.join("vetted.toml"), "not toml").unwrap();
    assert_eq!(folder_of(&without, None).unwrap_err().kind, ErrorKind::Undecided);
}

/// A machine whose user is Alice, with a password for keys and a policy in `work/policy`.
fn alices() -> Machine {
    let mut machine = Machine::new();
    machine.env("USER", "alice").env("VETTED_KEY_PASSWORD", PASSWORD);
    machine
}

fn believed(machine: &Machine, folder: &str) -> vetted::trust::Verified<vetted::manifest::Manifest> {
    load_folder(Files, &machine.work().join(folder), now()).unwrap_or_else(|u| panic!("{}", u.refusal))
}

/// Every file below a folder with its content.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(snapshot(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn init_makes_a_policy_that_is_believed_and_overwrites_nothing() {
    let machine = alices();
    let run = machine.vetted(&["init", "policy", "--name", "acme.example/ai-tools", "--mode", "enforce"]).exits(0);
    assert!(run.stderr.contains("vetted check --policy policy"), "{run}");
    let manifest = believed(&machine, "policy");
    assert_eq!(manifest.get().header.name, "acme.example/ai-tools");
    assert_eq!(manifest.get().revocations[0].id, "VETTED-2026-0001");
    assert!(matches!(manifest.proof(), Proof::Signed { signers, .. } if signers == &["alice"]));
    let starter = vetted::trust::builtin::starter();
    assert_eq!(manifest.get().revocations[0].digests, starter.get().revocations[0].digests);

    let key = machine.home().join(".config/vetted/keys/alice.key");
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(fs::read_to_string(&key).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(fs::read_to_string(key.with_file_name(".gitignore")).unwrap(), "*\n");

    let before = (snapshot(&machine.work()), snapshot(&machine.home()));
    for arguments in [&["init", "policy", "--signer", "bob"][..], &["init", "other"], &["init"]] {
        machine.vetted(arguments).exits(2);
        assert_eq!((snapshot(&machine.work()), snapshot(&machine.home())), before, "{arguments:?}");
    }
}

#[test]
fn init_that_fails_leaves_nothing() {
    let mut machine = Machine::new();
    let run = machine.vetted(&["init", "policy"]).exits(2);
    assert!(run.stderr.contains("--password-file") && run.stderr.contains("VETTED_KEY_PASSWORD"), "{run}");
    machine.file("work/password", "\n");
    assert!(machine.vetted(&["init", "policy", "--password-file", "password"]).exits(2).stderr.contains("empty"));
    machine.env("VETTED_KEY_PASSWORD", PASSWORD);
    machine.vetted(&["init", "policy", "--name", "two words"]).exits(2);
    machine.vetted(&["init", "policy", "--signer", "../../x"]).exits(2);
    // The signature of the manifest cannot be written: everything before it is taken back.
    machine.file("work/policy/vetted.toml.sigstore.json/in the way", "");
    machine.vetted(&["init", "policy"]).exits(2);
    assert_eq!(snapshot(&machine.home()), []);
    assert_eq!(snapshot(&machine.work()).len(), 2, "{:?}", snapshot(&machine.work()));
}

#[test]
fn a_change_waits_for_its_signature() {
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    let manifest = machine.work().join("policy/vetted.toml");
    let mut text = fs::read_to_string(&manifest).unwrap();
    text.insert_str(text.find("[defaults]").unwrap(), "# by hand:   keep\n\n");
    fs::write(&manifest, &text).unwrap();

    let revoke = ["revoke", "openai-codex", "--introduced", "0.100.0", "--fixed", "0.169.0", "--reason", "vulnerable"];
    let run = machine.vetted(&[&revoke[..], &["--policy", "policy", "--replacement", "openai-codex@0.169.0"]].concat()).exits(0);
    assert!(run.stderr.contains("serial 1 -> 2") && run.stderr.contains("vetted sign policy/vetted.toml"), "{run}");
    let changed = fs::read_to_string(&manifest).unwrap();
    let kept = |text: &str| {
        text.lines()
            .filter(|l| !l.starts_with("serial") && !l.starts_with("issued") && !l.starts_with("expires"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(kept(&changed).starts_with(&kept(&text)), "the rest of the file stays as it is");
    let refusal = load_folder(Files, manifest.parent().unwrap(), now()).unwrap_err().refusal;
    assert!(matches!(refusal, Refusal::Digest { .. }), "{refusal:?}");

    let run = machine.vetted(&["sign", "--policy", "policy"]).exits(0);
    assert!(run.stderr.contains("1 signature was of other bytes") && run.stderr.contains("1 of 1 signatures"), "{run}");
    let manifest = believed(&machine, "policy");
    assert_eq!(manifest.get().header.serial, 2);
    let revocation = &manifest.get().revocations[1];
    assert_eq!(revocation.id, "ALICE-2026-0001");
    assert_eq!(revocation.affected[0].ranges[0].to_string(), "0.100.0 up to, not including, 0.169.0");

    machine.vetted(&["sign", "--renew", "--policy", "policy"]).exits(0);
    assert_eq!(believed(&machine, "policy").get().header.serial, 3);
}

#[test]
fn revoke_takes_every_kind_of_subject_and_refuses_what_refuses_nothing() {
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    let digest = format!("digest:sha256:{}", "ab".repeat(32));
    for subject in ["vendor:Anthropic", "model:acme/*", &digest] {
        machine.vetted(&["revoke", subject, "--reason", "policy", "--policy", "policy", "--severity", "critical"]).exits(0);
    }
    let package = "package:pkg:npm/%40openai/codex";
    let revoke = ["revoke", package, "--introduced", "0.100.0", "--fixed", "0.169.0-rc.1"];
    machine.vetted(&[&revoke[..], &["--reason", "policy", "--policy", "policy"]].concat()).exits(0);
    let before = snapshot(&machine.work());
    for arguments in [
        &["revoke", "no-such-tool", "--introduced", "0"][..],
        &["revoke", "openai-codex"],
        &["revoke", "openai-codex", "--introduced", "newest"],
        &["revoke", "openai-codex", "--introduced", "2.0.0", "--fixed", "1.0.0"],
        &["revoke", "vendor:Anthropic", "--introduced", "1.0.0"],
        &["revoke", "digest:sha1:abcd"],
        &["revoke", "maker:Anthropic"],
        &["revoke", package],
        &["revoke", package, "--introduced", "newest"],
        &["revoke", "package:pkg:npm/%40openai/codex@0.168.0", "--introduced", "0"],
        &["revoke", "package:pkg:npm/nobody-knows-it", "--introduced", "0"],
        &["revoke", "package:codex", "--introduced", "0"],
        &["revoke", "openai-codex", "--introduced", "0", "--id", "VETTED-2026-0001"],
        &["revoke", "openai-codex", "--introduced", "0", "--advisory", "http://acme.example"],
        &["revoke", "openai-codex", "--introduced", "0", "--message", "a\u{202e}b"],
    ] {
        machine.vetted(&[arguments, &["--reason", "policy", "--policy", "policy"]].concat()).exits(2);
        assert_eq!(snapshot(&machine.work()), before, "{arguments:?}");
    }
    machine.vetted(&["sign", "policy/vetted.toml"]).exits(0);
    let manifest = believed(&machine, "policy");
    let ids: Vec<_> = manifest.get().revocations.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["VETTED-2026-0001", "ALICE-2026-0001", "ALICE-2026-0002", "ALICE-2026-0003", "ALICE-2026-0004"]);
    assert_eq!(
        manifest.get().revocations[4].affected[0].subject,
        Subject::Package(Package::new(Ecosystem::Npm, "@openai/codex"))
    );
}

/// Two people, threshold 2: the second signature joins the first, a new one of the first person replaces their old one.
#[test]
fn signatures_of_several_people_stand_together() {
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    machine.vetted(&["init", "bobs", "--signer", "bob"]).exits(0);
    let trust = machine.work().join("policy/vetted-trust.toml");
    let bobs = fs::read_to_string(machine.work().join("bobs/vetted-trust.toml")).unwrap();
    let bob = &bobs[bobs.find("[[signer]]").unwrap()..bobs.find("[role.root]").unwrap()];
    let text = fs::read_to_string(&trust).unwrap().replace("[role.root]", &format!("{bob}[role.root]"));
    let (root, manifest) = text.split_at(text.find("[role.manifest]").unwrap());
    let manifest = manifest.replace("threshold = 1", "threshold = 2").replace("[\"alice\"]", "[\"alice\", \"bob\"]");
    fs::write(&trust, format!("{root}{manifest}")).unwrap();
    let key = |name: &str| machine.home().join(format!(".config/vetted/keys/{name}.key")).to_string_lossy().into_owned();

    let run = machine.vetted(&["sign", "--policy", "policy"]).exits(2);
    assert!(run.stderr.contains("holds 2 keys"), "{run}");
    let run = machine.vetted(&["sign", "policy/vetted-trust.toml", "--key", &key("bob")]).exits(2);
    assert!(run.stderr.contains("may not sign"), "{run}");
    machine.vetted(&["sign", "policy/vetted-trust.toml", "--key", &key("alice")]).exits(0);
    let run = machine.vetted(&["sign", "policy/vetted.toml", "--key", &key("alice")]).exits(0);
    assert!(run.stderr.contains("1 of 2 signatures") && run.stderr.contains("1 more of bob"), "{run}");
    let run = machine.vetted(&["sign", "policy/vetted.toml", "--key", &key("bob")]).exits(0);
    assert!(run.stderr.contains("2 of 2 signatures"), "{run}");
    machine.vetted(&["sign", "policy/vetted.toml", "--key", &key("alice")]).exits(0);

    let proof = believed(&machine, "policy").proof().clone();
    assert!(matches!(proof, Proof::Signed { signers, .. } if signers == ["alice", "bob"]));
    let [lines, single] = signature_paths(&machine.work().join("policy/vetted.toml"));
    assert_eq!(fs::read_to_string(lines).unwrap().lines().count(), 2);
    assert!(!single.exists(), "several signatures stand in one file");
}

#[test]
fn nothing_invalid_is_signed() {
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    let manifest = machine.work().join("policy/vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let before = snapshot(&machine.work().join("policy")).len();
    for (from, to) in [
        ("serial  = 1", "serial  = 1\nserial = 2"),
        ("\"alice/ai-tools\"", "\"mallory/ai-tools\""),
        ("vetted/manifest", "vetted/other"),
    ] {
        fs::write(&manifest, text.replace(from, to)).unwrap();
        machine.vetted(&["sign", "policy/vetted.toml"]).exits(2);
    }
    fs::write(&manifest, text).unwrap();
    let mut wrong = Machine::new();
    wrong.env("VETTED_KEY_PASSWORD", "guess");
    let key = machine.home().join(".config/vetted/keys/alice.key");
    let policy = machine.work().join("policy/vetted.toml");
    let run = wrong.vetted(&["sign", policy.to_str().unwrap(), "--key", key.to_str().unwrap()]).exits(2);
    assert!(run.stderr.contains("the password does not open it"), "{run}");
    assert_eq!(snapshot(&machine.work().join("policy")).len(), before);
}

#[test]
fn approve_pins_what_lies_on_disk() {
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    machine.npm_package("work/node_modules/@openai/codex", "@openai/codex", "0.169.0", "codex");
    machine.npm_package("work/node_modules/a/node_modules/@openai/codex", "@openai/codex", "0.169.0", "codex");
    let approve =
        ["approve", "openai-codex", "--installed", "--policy", "policy", "--by", "alice", "--by", "bob", "--ticket", "SEC-1"];
    let run = machine.vetted(&approve).exits(0);
    assert!(run.stderr.contains("vetted sign policy/vetted.toml"), "{run}");
    machine.vetted(&["sign", "--policy", "policy"]).exits(0);
    let manifest = believed(&machine, "policy");
    let approval = &manifest.get().tools[0].approvals[0];
    assert_eq!((approval.version.as_str(), approval.approved.as_ref().unwrap().by.len()), ("0.169.0", 2));
    let vetted::manifest::Artifact::Installed(tree) = &approval.artifacts[0] else { panic!("{approval:?}") };
    let list = load_file_list(&world(&[]), &machine.work().join("policy"), tree.files.as_ref().unwrap()).unwrap();
    assert_eq!(list.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["cli.js", "package.json"]);
    let run = machine.vetted(&approve).exits(2);
    assert!(run.stderr.contains("is approved already"), "{run}");

    // Two installations of one version that are not the same: one of them has to be named.
    machine.file("work/node_modules/a/node_modules/@openai/codex/cli.js", "changed");
    let run = machine.vetted(&approve).exits(2);
    assert!(run.stderr.contains("are not the same files") && run.stderr.contains("--path PATH"), "{run}");
    let nested = machine.work().join("node_modules/a/node_modules/@openai/codex");
    machine.vetted(&[&approve[..], &["--path", nested.to_str().unwrap()]].concat()).exits(0);
    machine.vetted(&["sign", "--policy", "policy"]).exits(0);
    let manifest = believed(&machine, "policy");
    let lists: Vec<_> = manifest.get().tools[0]
        .approvals
        .iter()
        .map(|approval| match &approval.artifacts[0] {
            vetted::manifest::Artifact::Installed(tree) => tree.files.clone().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_ne!(lists[0].path, lists[1].path, "each layout keeps its list");
    for list in &lists {
        load_file_list(&world(&[]), &machine.work().join("policy"), list).unwrap();
    }
}

#[test]
fn approve_refuses_what_is_revoked_absent_or_ambiguous() {
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    let before = snapshot(&machine.work().join("policy"));
    let approve = |subject: &str| machine.vetted(&["approve", subject, "--installed", "--policy", "policy"]);
    assert!(approve("openai-codex").exits(2).stderr.contains("no openai-codex is installed here"));
    assert!(approve("no-such-tool").exits(2).stderr.contains("no tool is called"));
    machine.npm_package("work/node_modules/@anthropic-ai/claude-code", "@anthropic-ai/claude-code", "2.1.150", "claude");
    let run = approve("claude-code").exits(1);
    assert!(run.stderr.contains("VETTED-2026-0001"), "{run}");
    machine.npm_package(
        "work/node_modules/b/node_modules/@anthropic-ai/claude-code",
        "@anthropic-ai/claude-code",
        "2.1.329",
        "claude",
    );
    assert!(approve("claude-code").exits(2).stderr.contains("several versions"));
    assert!(approve("claude-code@2.1.150").exits(1).stderr.contains("revoked"));
    assert_eq!(snapshot(&machine.work().join("policy")), before, "nothing was written");
    approve("claude-code@2.1.329").exits(0);
}

/// The cosign to test against: `$COSIGN`, else the one on `PATH`.
#[allow(clippy::print_stderr, clippy::disallowed_macros, reason = "a test that is skipped says so")]
fn cosign() -> Option<PathBuf> {
    let named = std::env::var_os("COSIGN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| std::env::split_paths(&path).map(|folder| folder.join("cosign")).find(|p| p.is_file()));
    if found.is_none() {
        eprintln!("SKIPPED: no cosign on PATH or in $COSIGN, so nothing outside this repository checked the bundles");
    }
    found
}

fn run_cosign(cosign: &Path, folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(cosign)
        .args(arguments)
        .current_dir(folder)
        .env("COSIGN_PASSWORD", PASSWORD)
        .env("HOME", folder)
        .output()
        .expect("cosign starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn cosign_verifies_what_vetted_signs() {
    let Some(cosign) = cosign() else { return };
    let machine = alices();
    machine.vetted(&["init", "policy"]).exits(0);
    let folder = machine.work().join("policy");
    let trust = fs::read_to_string(folder.join("vetted-trust.toml")).unwrap();
    let pem = &trust[trust.find("-----BEGIN").unwrap()..trust.find("-----END PUBLIC KEY-----").unwrap()];
    fs::write(folder.join("alice.pub"), format!("{pem}-----END PUBLIC KEY-----\n")).unwrap();
    let verify = |document: &str| {
        let bundle = format!("{document}.sigstore.json");
        run_cosign(
            &cosign,
            &folder,
            &["verify-blob", "--key", "alice.pub", "--insecure-ignore-tlog", "--bundle", &bundle, document],
        )
    };
    for document in ["vetted.toml", "vetted-trust.toml"] {
        let (verified, said) = verify(document);
        assert!(verified, "{said}");
    }
    let text = fs::read_to_string(folder.join("vetted.toml")).unwrap();
    fs::write(folder.join("vetted.toml"), text.replace("monitor", "enforce")).unwrap();
    assert!(!verify("vetted.toml").0, "cosign must refuse other bytes");
}

#[test]
fn vetted_believes_what_cosign_signs() {
    let Some(cosign) = cosign() else { return };
    let policy = Policy::new(2);
    let folder = policy.folder.path();
    let (made, said) = run_cosign(&cosign, folder, &["generate-key-pair"]);
    assert!(made, "{said}");
    let public = fs::read_to_string(folder.join("cosign.pub")).unwrap();
    policy.change_trust(&format!("pem = '''{}'''", policy.bob.public_pem()), &format!("pem = '''{public}'''"));
    let (signed, said) = run_cosign(
        &cosign,
        folder,
        &[
            "sign-blob",
            "--key",
            "cosign.key",
            "--use-signing-config=false",
            "--tlog-upload=false",
            "--new-bundle-format",
            "--bundle",
            "b.json",
            "-y",
            "vetted.toml",
        ],
    );
    assert!(signed, "{said}");
    let bundle = fs::read_to_string(folder.join("b.json")).unwrap();
    let alices = policy.alice.sign(MANIFEST.as_bytes()).unwrap();
    policy.bundles(&[alices.clone(), bundle.trim().to_owned()]);
    assert_eq!(policy.believed_by(), ["alice", "bob"]);

    fs::write(policy.path("vetted.toml"), MANIFEST.replace("serial = 7", "serial = 8")).unwrap();
    policy.bundles(&[bundle.trim().to_owned()]);
    refuses!(policy, Refusal::Digest { .. });
}
