//! The TUF source as `vetted sync` uses it: three signed documents, published by the script of the documentation.

use crate::Client;
use crate::office::Office;
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::process::Command;
use std::time::Duration;
use vetted::digest::Digest;
use vetted::manifest::source::SourcePin;
use vetted::sync::source::Fetched;
use vetted::sync::transaction::{self, Change, Done, Job};
use vetted::tool::Os;
use vetted::trust::place;
use vetted::trust::state::Floors;
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::Files;

#[test]
fn the_script_of_the_documentation_publishes_what_machines_read() {
    let mut client = Client::of("honest");
    client.now = Timestamp::now();
    let office = Office::new(client.now);
    for issue in [1, 2] {
        office.issue(issue);
        client.root = office.root();
        client.server.serve(&office.path("out"));
        for name in ["vetted-trust.toml", "vetted.toml", "vetted-revocations.toml", "vetted-revocations.toml.sigstore.json"] {
            assert_eq!(client.bytes(name), fs::read(office.path("policy").join(name)).unwrap(), "{name}");
        }
        assert_eq!(client.bytes("attestations/npm/a/1.0.0/files.json"), format!("list {issue}").into_bytes());
        assert_eq!(client.get("vetted-source.toml").unwrap(), Fetched::Missing);
    }
}

/// A sync of a machine's policy folder from the server alone.
fn sync(client: &Client, office: &Office, address: &str) -> Result<Done, String> {
    let folder = client.home.path().join("policy");
    fs::create_dir_all(&folder).unwrap();
    let env = Env::of_pairs([("HOME", client.home.path())], client.home.path(), Os::here());
    let world = World { now: client.now, env, files: Files };
    let job = Job {
        world: &world,
        network: Some(&client.network),
        folder: &folder,
        sources: &[address.parse().unwrap()],
        pin: Some(&office.trust()),
        floors: &Floors::default(),
        wait: Duration::from_secs(1),
        anew: false,
    };
    transaction::run(&job).map_err(|failures| failures.iter().map(|f| f.error.to_string()).collect())
}

#[test]
fn a_sync_puts_the_three_documents_in_force_and_keeps_them_when_the_repository_is_rolled_back() {
    let mut client = Client::of("honest");
    client.now = Timestamp::now();
    let office = Office::new(client.now);
    office.issue(1);
    let old = office.path("old");
    assert!(Command::new("cp").arg("-r").args([office.path("out"), old.clone()]).status().unwrap().success());
    office.issue(2);
    client.server.serve(&office.path("out"));
    let unpinned = format!("tuf+{}", client.server.address);
    let address = format!("{unpinned}#sha256={}", office.root().hex());

    // Without a root nothing is believed, and what there is to compare is said.
    let refused = sync(&client, &office, &unpinned).unwrap_err();
    assert!(refused.contains(&office.root().hex()), "{refused}");

    let done = sync(&client, &office, &address).unwrap();
    assert!(matches!(&done.change, Change::Updated(issue) if issue.manifest == 2 && issue.revocations == Some(2)), "{done:?}");
    assert!(done.warnings.is_empty(), "{:?}", done.warnings);
    let documents = || place::documents_in(Files, &client.home.path().join("policy")).unwrap();
    let in_force = documents();
    for name in ["vetted-trust.toml", "vetted.toml", "vetted-revocations.toml"] {
        assert_eq!(fs::read(in_force.join(name)).unwrap(), fs::read(office.path("policy").join(name)).unwrap(), "{name}");
    }

    // Nothing changed: two small files are asked for and the delegated role, which the library reads anew each time. No target is.
    client.server.asked();
    let done = sync(&client, &office, &address).unwrap();
    assert!(matches!(done.change, Change::None { .. }), "{done:?}");
    assert_eq!(client.server.asked(), ["metadata/2.root.json", "metadata/timestamp.json", "metadata/2.on-call.json"]);

    client.server.serve(&old);
    let refused = sync(&client, &office, &address).unwrap_err();
    assert!(refused.contains("rollback detected for timestamp: trusted version 2 > new version 1"), "{refused}");
    client.server.serve(&office.path("out"));
    client.now += SignedDuration::from_hours(24 * 3);
    let refused = sync(&client, &office, &address).unwrap_err();
    assert!(refused.contains("timestamp metadata expired"), "{refused}");
    assert_eq!(documents(), in_force);
}

#[test]
fn the_command_syncs_from_a_tuf_repository_and_says_why_it_does_not() {
    let client = Client::of("honest");
    let now = Timestamp::now();
    let office = Office::new(now);
    office.issue(1);
    let folder = client.home.path().join("policy");
    fs::create_dir_all(&folder).unwrap();
    let root = office.root().hex();
    let pin = SourcePin {
        sources: vec![format!("tuf+https://policy.acme.example/tuf#sha256={root}")],
        fingerprint: Some(office.trust()),
    };
    fs::write(folder.join("vetted-source.toml"), pin.to_text()).unwrap();
    let vetted = |source: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_vetted"))
            .env_clear()
            .env("HOME", client.home.path())
            .env("VETTED_TEST_NOW", now.to_string())
            .env("VETTED_TEST_INSTANCES", "none")
            .args(["sync", "--source", source, "--policy"])
            .arg(&folder)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    client.server.serve(&office.path("out"));
    let address = format!("tuf+{}", client.server.address);
    let (status, said) = vetted(&format!("{address}#sha256={}", Digest::sha256_of(b"another root").hex()));
    assert!(status == Some(3) && said.contains("no root of the TUF repository has the pinned fingerprint"), "{said}");
    assert!(said.contains(&root), "{said}");
    let (status, said) = vetted(&format!("{address}#sha256={root}"));
    assert!(status == Some(0), "{said}");
    let documents = place::documents_in(Files, &folder).unwrap();
    assert_eq!(fs::read(documents.join("vetted.toml")).unwrap(), fs::read(office.path("policy/vetted.toml")).unwrap());
    // Documents that the machine has, from a repository that somebody with all of its keys made: TUF vouches for nothing but newness.
    let thief = Office::new(now);
    thief.issue(9);
    client.server.serve(&thief.path("out"));
    fs::remove_dir_all(client.home.path().join(".local")).unwrap();
    let (status, said) = vetted(&format!("{address}#sha256={}", thief.root().hex()));
    assert!(status == Some(3) && said.contains("not believed"), "{said}");
    assert_eq!(place::documents_in(Files, &folder).unwrap(), documents);
}
