//! What a signer is compared with, where somebody without a key wrote into the folder: never an older issue, never one that others
//! signed, and never less is shown than what becomes allowed.

use crate::support::{Machine, Run};
use crate::team::{self, Trust, key_file, machine, manifest, sign};
use std::fs;

const APPROVAL: &str = "[[tool]]\nid = \"openai-codex\"\n[[tool.approval]]\nversion = \"0.169.0\"\n[[tool.approval.artifact]]\n\
    role = \"installed\"\ntype = \"file\"\ndigest = { sha256 = \"00000000000000000000000000000000000000000000000000000000000000aa\" }\n";

fn trust(machine: &Machine) -> Trust {
    let (alice, bob, carol) = (key_file(machine, "alice"), key_file(machine, "bob"), key_file(machine, "carol"));
    Trust::of(&[("alice", alice), ("bob", bob), ("carol", carol)])
        .role("root", 2, &["alice", "bob"])
        .role("manifest", 2, &["alice", "bob"])
        .role("revocations", 1, &["carol"])
}

fn issue(machine: &Machine, serial: u64, rest: &str) {
    let text = manifest(serial, rest);
    machine.file("work/policy/vetted.toml", &text);
    let sha256 = vetted::digest::Digest::sha256_of(text.as_bytes()).hex();
    let revocations = format!(
        "kind = \"vetted/revocations\"\nschema = 1\nname = \"acme\"\nserial = {serial}\nissued = 2026-11-21T11:00:00Z\n\
         expires = 2026-11-22T11:00:00Z\nmanifest = {{ serial = {serial}, sha256 = \"{sha256}\" }}\n"
    );
    machine.file("work/policy/vetted-revocations.toml", revocations);
    for (document, name) in [("vetted.toml", "alice"), ("vetted.toml", "bob"), ("vetted-revocations.toml", "carol")] {
        sign(machine, document, name).exits(0);
    }
}

/// A policy of which issue 2 allowed a tool and issue 3 took it back; issue 2 with its signatures lies in `work/old`.
fn taken_back() -> Machine {
    let machine = machine();
    machine.file("work/policy/vetted-trust.toml", trust(&machine).text());
    for name in ["alice", "bob"] {
        sign(&machine, "vetted-trust.toml", name).exits(0);
    }
    issue(&machine, 2, APPROVAL);
    let policy = machine.work().join("policy");
    for name in ["vetted.toml", "vetted.toml.sigstore.jsonl"] {
        machine.file(&format!("work/old/{name}"), fs::read(policy.join(name)).unwrap());
    }
    issue(&machine, 3, "");
    machine
}

/// Put the old issue where the last one is kept, and ask Alice for a signature on a draft that allows the tool again.
fn ask_alice(machine: &Machine) -> Run {
    let policy = machine.work().join("policy");
    fs::remove_dir_all(policy.join("previous")).unwrap();
    for name in ["vetted.toml", "vetted.toml.sigstore.jsonl"] {
        machine.file(&format!("work/policy/previous/{name}"), fs::read(machine.work().join("old").join(name)).unwrap());
    }
    machine.file("work/policy/vetted.toml", manifest(4, APPROVAL));
    sign(machine, "vetted.toml", "alice").exits(0)
}

fn is_told(run: &Run) {
    assert!(!run.stderr.contains("newly allows nothing") && run.stderr.contains("openai-codex 0.169.0"), "{run}");
}

/// The revocations name the newest manifest: an older one that lies in `previous/` hides nothing.
#[test]
fn an_older_issue_does_not_hide_what_is_allowed_again() {
    let machine = taken_back();
    let run = ask_alice(&machine);
    is_told(&run);
    assert!(run.stderr.contains("nothing is compared with it") && run.stderr.contains("shown as new"), "{run}");
}

/// Without revocations beside it, what this machine believed before says it.
#[test]
fn an_older_issue_than_the_one_believed_here_hides_nothing() {
    let machine = taken_back();
    machine.vetted(&["check", "--policy", "policy"]).exits(0);
    let policy = machine.work().join("policy");
    for name in ["vetted-revocations.toml", "vetted-revocations.toml.sigstore.json"] {
        fs::remove_file(policy.join(name)).unwrap();
    }
    machine.file("work/policy/vetted-revocations.toml", "kind = \"vetted/revocations\"\n");
    is_told(&ask_alice(&machine));
}

/// Anybody can write a trust policy that gives roles to themselves, sign it and sign a last issue under it. Where the real one was
/// believed before, nothing is compared with that.
#[test]
fn an_issue_that_others_signed_hides_nothing() {
    let machine = taken_back();
    machine.vetted(&["check", "--policy", "policy"]).exits(0);
    let policy = machine.work().join("policy");
    let alice = vetted_public(&machine, "alice");
    for version in [1, 2] {
        fs::remove_dir_all(policy.join("previous")).ok();
        let mut forged = Trust::of(&[("alice", alice.clone()), ("mallory", key_file(&machine, "mallory"))])
            .role("root", 1, &["mallory"])
            .role("manifest", 1, &["alice", "mallory"]);
        forged.version = version;
        machine.file("work/policy/vetted-trust.toml", forged.text());
        fs::remove_file(policy.join("vetted-revocations.toml")).ok();
        fs::remove_file(policy.join("vetted-revocations.toml.sigstore.json")).ok();
        machine.file("work/policy/vetted.toml", manifest(3, APPROVAL));
        let forge = |document: &str| {
            let bytes = fs::read(policy.join(document)).unwrap();
            team::open_key(&machine, "mallory").sign(&bytes).unwrap()
        };
        machine.file("work/policy/vetted-trust.toml.sigstore.json", forge("vetted-trust.toml"));
        fs::remove_file(policy.join("vetted-trust.toml.sigstore.jsonl")).ok();
        machine.file("work/policy/previous/vetted.toml", manifest(3, APPROVAL));
        machine.file("work/policy/previous/vetted.toml.sigstore.json", forge("vetted.toml"));
        machine.file("work/policy/vetted.toml", manifest(4, APPROVAL));
        let key = team::key_path(&machine, "alice");
        let run = machine.vetted(&["sign", "policy/vetted.toml", "--key", key.to_str().unwrap()]);
        assert!(run.status != 0 || !run.stderr.contains("newly allows nothing"), "version {version}: {run}");
        assert!(run.stderr.contains("openai-codex 0.169.0"), "version {version}: {run}");
    }
}

fn vetted_public(machine: &Machine, name: &str) -> String {
    let key = team::key_path(machine, name);
    machine.vetted(&["key", "show", "--key", key.to_str().unwrap()]).exits(0).stdout
}

/// Two issues under one serial are a fork: whoever believed one refuses the other, so neither comes from here twice. What was rolled
/// back is not counted up from there.
#[test]
fn a_serial_that_is_taken_is_not_signed_again() {
    let machine = taken_back();
    let policy = machine.work().join("policy");
    machine.file("work/policy/vetted.toml", manifest(3, APPROVAL));
    let run = sign(&machine, "vetted.toml", "alice").exits(2);
    assert!(run.stderr.contains("count up its serial"), "kept in `previous/`: {run}");

    let machine = {
        fs::copy(policy.join("previous/vetted.toml"), policy.join("vetted.toml")).unwrap();
        machine.vetted(&["check", "--policy", "policy"]).exits(0);
        machine
    };
    fs::remove_dir_all(policy.join("previous")).unwrap();
    machine.file("work/policy/vetted.toml", manifest(3, APPROVAL));
    let run = sign(&machine, "vetted.toml", "alice").exits(2);
    assert!(run.stderr.contains("count up its serial"), "believed here: {run}");
    machine.file("work/policy/vetted.toml", manifest(1, APPROVAL));
    let key = team::key_path(&machine, "alice");
    let run = machine.vetted(&["sign", "--renew", "policy/vetted.toml", "--key", key.to_str().unwrap()]).exits(2);
    assert!(run.stderr.contains("count up its serial"), "rolled back: {run}");
}

/// A policy folder can come from a repository, and a repository can hold links: nothing is written through one.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_what_is_kept_leads_nowhere() {
    let machine = taken_back();
    let policy = machine.work().join("policy");
    let mine = machine.home().join(".config/vetted");
    fs::create_dir_all(&mine).unwrap();
    fs::remove_dir_all(policy.join("previous")).unwrap();
    std::os::unix::fs::symlink(&mine, policy.join("previous")).unwrap();
    let key = team::key_path(&machine, "alice");
    let renewed = machine.vetted(&["sign", "--renew", "policy/vetted.toml", "--key", key.to_str().unwrap()]).exits(2);
    assert!(renewed.stderr.contains("a link is not followed"), "{renewed}");
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 0, "a policy was put in force: {renewed}");
}
