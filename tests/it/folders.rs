//! Folders that a statement names by their directory hash, and what such a hash does not speak of.

use crate::support::{Machine, Run};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use vetted::digest::Digest;
use vetted::trust::sigstore::SigningKey;

/// A folder of two files, and its directory hash by the rule of Go modules: sorted lines of SHA-256 and name, digested.
fn folder(machine: &Machine) -> String {
    let mut lines = String::new();
    for (name, content) in [("a.txt", "one"), ("sub/b.txt", "two")] {
        machine.file(&format!("work/tree/{name}"), content);
        lines.push_str(&format!("{}  {name}\n", Digest::sha256_of(content.as_bytes()).hex()));
    }
    Digest::sha256_of(lines.as_bytes()).hex()
}

/// A bundle by a key around a statement about these subjects.
fn bundle(machine: &Machine, key: &SigningKey, subjects: &Value) {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://acme.example/p", "predicate": {},
    })
    .to_string();
    let payload_type = "application/vnd.in-toto+json";
    let encoded = format!("DSSEv1 {} {payload_type} {} {statement}", payload_type.len(), statement.len());
    let mut bundle: Value = serde_json::from_str(&key.sign(encoded.as_bytes()).unwrap()).unwrap();
    let message = bundle.as_object_mut().unwrap().remove("messageSignature").unwrap();
    bundle["dsseEnvelope"] = json!({
        "payload": STANDARD.encode(statement), "payloadType": payload_type, "signatures": [{ "sig": message["signature"] }],
    });
    machine.file("work/bundle.json", bundle.to_string());
}

fn verify(machine: &Machine) -> Run {
    machine.vetted(&["verify", "tree", "--bundle", "bundle.json", "--key", "key.pub"])
}

#[track_caller]
fn refused(run: Run, parts: &[&str]) {
    let run = run.exits(1);
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(said.contains(part), "`{part}` is missing\n{run}");
    }
}

#[test]
fn a_folder_is_held_against_the_directory_hash_of_a_statement() {
    let machine = Machine::new();
    let key = vetted::trust::key::generate().unwrap().0;
    machine.file("work/key.pub", key.public_pem());
    let hash = folder(&machine);
    // Both names of the specification.
    for name in ["dirHash", "dirHash1"] {
        bundle(&machine, &key, &json!([{ "name": "acme/tree", "digest": { name: hash } }]));
        let run = verify(&machine).exits(0);
        assert!(run.stdout.contains("verified  tree"), "{run}");
    }
    machine.file("work/tree/a.txt", "other");
    refused(
        verify(&machine),
        &["step subject", "expected dirHash:", &format!("found acme/tree dirHash:{hash}"), "make the folder again"],
    );
    folder(&machine);
    machine.file("work/tree/more", "");
    refused(verify(&machine), &["step subject", "make the folder again"]);
    fs::remove_file(machine.work().join("tree/more")).unwrap();
    verify(&machine).exits(0);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc", machine.work().join("tree/link")).unwrap();
        refused(verify(&machine), &["step subject", "a folder without symbolic links", "the link `link`"]);
        fs::remove_file(machine.work().join("tree/link")).unwrap();
    }
    // A statement about a file is about no folder, and says so by name.
    bundle(&machine, &key, &json!([{ "name": "tree.tgz", "digest": { "sha256": hash } }]));
    refused(verify(&machine), &["step subject", &format!("found tree.tgz sha256:{hash}"), "name the archive of the release"]);
    // Two hashes of one kind would be read by one and the other by somebody else.
    bundle(&machine, &key, &json!([{ "name": "a", "digest": { "dirHash": hash, "dirHash1": "00".repeat(32) } }]));
    refused(verify(&machine), &["step statement"]);
}
