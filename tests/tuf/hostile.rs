//! What a server, or whoever writes into the metadata folder, can try without any key.

use crate::server::Trick;
use crate::{BOUND, Client, LIMIT, repositories};
use sigstore_tuf::Error as Tuf;
use std::fs;
use std::time::Instant;
use vetted::digest::Digest;
use vetted::sync::source::Fetched;
use vetted::sync::tuf::{Refusal, Repository, TufSource};
use vetted::world::files::Files;
use vetted::world::network::Fault;

#[test]
fn endless_data_is_cut_off() {
    let client = Client::of("honest");
    client.at("first");
    assert_eq!(client.serial(), 1);
    for path in ["metadata/2.root.json", "metadata/timestamp.json", &target_path(&client)] {
        for trick in [Trick::Endless, Trick::Announce(1 << 40)] {
            client.at("first").server.trick(path, trick.clone());
            let fault = client.fault();
            assert!(matches!(fault, Fault::TooLarge { .. }), "{path} {trick:?}: {fault:?}");
        }
    }
}

#[test]
fn slow_retrieval_ends_in_bounded_time() {
    let client = Client::of("honest");
    client.at("first");
    assert_eq!(client.serial(), 1);
    for path in ["metadata/2.root.json", "metadata/timestamp.json", &target_path(&client)] {
        client.at("first").server.trick(path, Trick::Silent);
        let start = Instant::now();
        let fault = client.fault();
        assert!(matches!(fault, Fault::Stall { .. }), "{path}: {fault:?}");
        assert!(start.elapsed() < BOUND, "{path}: {:?}", start.elapsed());
    }
    client.at("first").server.trick("metadata/timestamp.json", Trick::Drip);
    let start = Instant::now();
    let fault = client.fault();
    assert!(matches!(fault, Fault::Timeout { .. }), "{fault:?}");
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
    client.at("first");
    assert_eq!(client.serial(), 1);
}

#[test]
fn an_answer_that_is_none_is_not_taken_for_the_end_of_the_chain() {
    let client = Client::of("honest");
    // What an object store says where nothing lies.
    client.at("first").server.trick("metadata/2.root.json", Trick::Status(403));
    assert_eq!(client.serial(), 1);
    for trick in [Trick::Status(500), Trick::Status(401), Trick::Redirect("http://127.0.0.1:1/2.root.json".to_owned())] {
        client.at("second").server.trick("metadata/2.root.json", trick);
        assert!(matches!(client.fault(), Fault::Status(_) | Fault::Redirect(_)));
    }
    client.at("second");
    assert_eq!(client.serial(), 2);
}

#[test]
fn one_changed_byte_anywhere_gives_an_error_or_the_same_files() {
    let client = Client::of("honest");
    let folder = client.scenario.join("second");
    let mut refusals = 0;
    for name in ["2.root.json", "3.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"] {
        let honest = fs::read(folder.join("metadata").join(name)).unwrap();
        // Steps that meet every kind of place: punctuation, keys, digests, signatures.
        for (place, bit) in (0..honest.len()).step_by(17).zip([1, 2, 4, 8, 16, 32, 64, 128].into_iter().cycle()) {
            let mut changed = honest.clone();
            changed[place] ^= bit;
            let fresh = tempfile::tempdir().unwrap();
            client.at("second").server.trick(&format!("metadata/{name}"), Trick::Instead(changed));
            let repository = Repository::below(&client.server.address, client.root.clone(), fresh.path().to_owned());
            let got = TufSource::open(&client.network, Files, &repository, client.now)
                .and_then(|mut s| s.target("vetted.toml", LIMIT, None));
            match got {
                Ok(Fetched::Bytes { bytes, .. }) => assert!(bytes.ends_with(b"serial = 2\n"), "{name} at {place}"),
                Ok(other) => panic!("{name} at {place}: {other:?}"),
                Err(_) => refusals += 1,
            }
        }
    }
    assert!(refusals > 200, "only {refusals} changes were refused");
}

#[test]
fn a_broken_memory_is_said_and_never_forgotten_in_silence() {
    let client = Client::of("rollback_timestamp");
    client.at("new");
    assert_eq!(client.serial(), 2);
    let path = client.folder().join("timestamp.json");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    // With the memory lost, the older repository would be believed.
    client.at("old");
    let error = client.get("vetted.toml").unwrap_err();
    assert!(matches!(&error, Refusal::Broken(at) if *at == path), "{error}");
    assert!(error.to_string().contains("remove it"), "{error}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(client.get("vetted.toml"), Err(Refusal::Folder(_))));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, whole).unwrap();
    refused!(client, Tuf::Rollback { .. });
}

#[test]
fn a_memory_that_another_made_up_is_not_believed() {
    let client = Client::of("key_substitution");
    // The files of another repository, whole and signed, in our folder: a cache is no anchor of trust.
    let theirs = Client::of("fast_forward");
    theirs.at("attack");
    assert_eq!(theirs.serial(), 1);
    fs::create_dir_all(client.folder().join("root_history")).unwrap();
    for name in ["root.json", "timestamp.json", "snapshot.json", "targets.json", "root_history/1.root.json"] {
        fs::copy(theirs.folder().join(name), client.folder().join(name)).unwrap();
    }
    client.server.serve(&repositories().join("key_substitution/honest"));
    assert_eq!(client.serial(), 1);
    assert_eq!(client.kept("root.json").unwrap(), fs::read(client.scenario.join("1.root.json")).unwrap());
}

/// Where the first manifest lies.
fn target_path(client: &Client) -> String {
    let digest = Digest::sha256_of(&client.bytes("vetted.toml"));
    format!("targets/{}.vetted.toml", digest.hex())
}
