//! A TUF repository as an attacker would serve it, and the refusal that each attack must end in.
//!
//! `VETTED_TEST_TUF=<python with tuf 7> cargo test --test tuf` runs them; a plain `cargo test` does not, because they need that
//! package. The repositories are made and signed by python-tuf (`repository.py`), so that what is read here is not what we wrote; a
//! server on loopback serves them and plays the tricks that need no key.
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no users")]
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests set up the world that the program only reads")]

/// Fail unless a client is refused in this way.
macro_rules! refused {
    ($client:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $client.refused();
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
    };
}

mod hostile;
mod office;
mod roots;
mod server;
mod synced;

use jiff::Timestamp;
use server::{Server, Trick};
use sigstore_tuf::Error as Tuf;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use vetted::digest::Digest;
use vetted::sync::source::{Fetched, Source as _, Tag};
use vetted::sync::tuf::{Refusal, Repository, TufSource, offered_root};
use vetted::world::files::Files;
use vetted::world::network::{Fault, Network, NetworkError, Patience};

/// The instant of the repositories: `NOW` in `repository.py`.
const NOW: &str = "2026-11-21T12:00:00Z";
/// The longest that a slow server can hold a client up, on a busy machine: it would answer after a minute or never.
const BOUND: Duration = Duration::from_secs(20);
/// The most bytes of a policy file.
const LIMIT: u64 = 4 << 20;

/// Python with the package tuf.
fn python() -> String {
    std::env::var("VETTED_TEST_TUF").expect("VETTED_TEST_TUF names a Python that has the package tuf 7")
}

fn run_python(python: &str, arguments: &[&str]) {
    let output = Command::new(python).args(arguments).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The repositories, made once for all tests.
fn repositories() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tuf");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tuf/repository.py");
        run_python(&python(), &[script, out.to_str().unwrap()]);
        out
    })
}

/// A machine that has pinned the first root of a scenario, and the server it asks.
struct Client {
    scenario: PathBuf,
    server: Server,
    home: tempfile::TempDir,
    now: Timestamp,
    network: Network,
    root: Digest,
}

impl Client {
    fn of(scenario: &str) -> Self {
        let scenario = repositories().join(scenario);
        let root = Digest::sha256_of(&fs::read(scenario.join("1.root.json")).unwrap());
        // Short for the tests of slow servers, and long enough for a busy machine.
        let patience = Patience { connect: Duration::from_secs(5), stall: Duration::from_secs(2), total: Duration::from_secs(4) };
        Self {
            scenario,
            server: Server::start(),
            home: tempfile::tempdir().unwrap(),
            now: NOW.parse().unwrap(),
            network: Network::new(patience).unwrap(),
            root,
        }
    }

    /// The server serves this stage from now on.
    fn at(&self, stage: &str) -> &Self {
        self.server.serve(&self.scenario.join(stage));
        self
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("tuf")
    }

    fn open(&self) -> Result<TufSource, Refusal> {
        let repository = Repository::below(&self.server.address, self.root.clone(), self.folder());
        TufSource::open(&self.network, Files, &repository, self.now)
    }

    /// What a new process gets when it asks for a file.
    fn get(&self, name: &str) -> Result<Fetched, Refusal> {
        self.open()?.target(name, LIMIT, None)
    }

    /// The bytes of a file, which must be there.
    #[track_caller]
    fn bytes(&self, name: &str) -> Vec<u8> {
        match self.get(name) {
            Ok(Fetched::Bytes { bytes, .. }) => bytes,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// The serial of the manifest that it gets.
    #[track_caller]
    fn serial(&self) -> u8 {
        let bytes = self.bytes("vetted.toml");
        bytes[bytes.len() - 2] - b'0'
    }

    /// The refusal of the library, which it must end in.
    #[track_caller]
    fn refused(&self) -> Tuf {
        match self.get("vetted.toml") {
            Err(Refusal::Tuf(error)) => error,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// What the network said, which it must end in.
    #[track_caller]
    fn fault(&self) -> Fault {
        match self.refused() {
            Tuf::Transport { source: Some(source), .. } => source.downcast::<NetworkError>().unwrap().fault,
            other => panic!("no fault of the network: {other}"),
        }
    }

    /// A file of the metadata folder.
    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder().join(name)).ok()
    }
}

#[test]
fn policy_files_come_as_targets_and_only_once() {
    let client = Client::of("honest");
    client.at("first");
    let mut source = client.open().unwrap();
    let mut tags = Vec::new();
    let files = [
        ("vetted-trust.toml", "kind = \"vetted/trust\"\n"),
        ("vetted.toml", "kind = \"vetted/manifest\"\nserial = 1\n"),
        ("vetted-revocations.toml", "kind = \"vetted/revocations\"\nserial = 1\n"),
        ("attestations/npm/example/1.0.0/files.json", "[]\n"),
    ];
    for (name, content) in files {
        let Fetched::Bytes { bytes, tag } = source.fetch(name, LIMIT, None).unwrap() else { panic!("{name} did not come") };
        assert_eq!(bytes, content.as_bytes(), "{name}");
        tags.push((name, tag.unwrap()));
    }
    assert_eq!(source.fetch("vetted-trust.toml.sigstore.json", LIMIT, None).unwrap(), Fetched::Missing);
    let asked = client.server.asked();
    assert_eq!(asked.iter().filter(|path| path.starts_with("metadata/")).count(), 5, "one refresh: {asked:?}");

    // The same again, by a new process with what it has: no file is downloaded.
    let mut source = client.open().unwrap();
    for (name, tag) in &tags {
        assert_eq!(source.fetch(name, LIMIT, Some(tag)).unwrap(), Fetched::NotModified, "{name}");
    }
    assert_eq!(client.server.asked(), ["metadata/2.root.json", "metadata/timestamp.json"]);

    // The next issue, with roots, an ECDSA and an RSA key in between: what changed comes, the rest does not.
    client.at("second");
    let mut source = client.open().unwrap();
    let fetched = source.fetch("vetted.toml", LIMIT, Some(&tags[1].1)).unwrap();
    assert!(matches!(fetched, Fetched::Bytes { bytes, .. } if bytes.ends_with(b"serial = 2\n")));
    assert_eq!(source.fetch("vetted-revocations.toml", LIMIT, Some(&tags[2].1)).unwrap(), Fetched::NotModified);
    assert_eq!(source.root_version(), 3);
    assert_eq!(client.server.asked().iter().filter(|path| path.starts_with("targets/")).count(), 1);
}

#[test]
fn a_repository_without_consistent_snapshots_works_too() {
    let client = Client::of("inconsistent");
    client.at("only");
    assert_eq!(client.serial(), 1);
    assert!(client.server.asked().contains(&"targets/vetted.toml".to_owned()));
}

#[test]
fn a_delegated_role_speaks_for_its_own_files_only() {
    let client = Client::of("delegated");
    client.at("only");
    assert!(client.bytes("vetted-revocations.toml").ends_with(b"serial = 9\n"));
    assert_eq!(client.bytes("notes.txt"), b"for everybody\n");
    // Listed by `everybody`, while the delegation to `on-call` ends the search.
    assert_eq!(client.get("vetted-revocations.toml.sigstore.json").unwrap(), Fetched::Missing);
    client.at("substituted");
    let error = client.get("vetted-revocations.toml").unwrap_err();
    assert!(matches!(&error, Refusal::Tuf(Tuf::ThresholdNotMet { role, found: 0, .. }) if role == "on-call"), "{error}");
}

#[test]
fn an_older_timestamp_is_a_rollback() {
    let client = Client::of("rollback_timestamp");
    client.at("new");
    assert_eq!(client.serial(), 2);
    client.at("old");
    refused!(client, Tuf::Rollback { role, trusted: 2, new: 1 } if role == "timestamp");
    // One that never saw the newer one cannot know; its own signed documents have serials for that.
    let stranger = Client::of("rollback_timestamp");
    stranger.at("old");
    assert_eq!(stranger.serial(), 1);
    client.at("new");
    assert_eq!(client.serial(), 2);
}

#[test]
fn a_newer_pin_of_the_same_chain_keeps_the_memory() {
    let mut client = Client::of("honest");
    client.at("second");
    assert_eq!(client.serial(), 2);
    client.root = Digest::sha256_of(&fs::read(client.scenario.join("second/metadata/3.root.json")).unwrap());
    assert_eq!(client.serial(), 2);
    // Everything of the first issue, under the newest root: the machine has seen more.
    let old = fs::read(client.scenario.join("first/metadata/timestamp.json")).unwrap();
    client.server.trick("metadata/timestamp.json", Trick::Instead(old));
    refused!(client, Tuf::Rollback { role, .. } if role == "timestamp");
}

#[test]
fn an_older_snapshot_under_a_newer_timestamp_is_a_rollback() {
    let client = Client::of("rollback_snapshot");
    client.at("new");
    assert_eq!(client.serial(), 2);
    client.at("attack");
    refused!(client, Tuf::Rollback { role, trusted: 2, new: 1 } if role.starts_with("snapshot"));
}

#[test]
fn older_or_vanished_targets_under_a_newer_snapshot_are_a_rollback() {
    for (stage, is_rollback) in [("attack", true), ("removed", false)] {
        let client = Client::of("rollback_targets");
        client.at("new");
        assert_eq!(client.serial(), 2);
        client.at(stage);
        let error = client.refused();
        if is_rollback {
            assert!(
                matches!(&error, Tuf::Rollback { role, trusted: 2, new: 1 } if role.starts_with("targets.json")),
                "{error:?}"
            );
        } else {
            assert!(matches!(&error, Tuf::IntegrityMismatch(why) if why.contains("removes targets.json")), "{error:?}");
        }
    }
}

#[test]
fn a_frozen_repository_ends_when_a_role_expires() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let mut client = Client::of(&format!("freeze/{role}"));
        client.at("only");
        client.now = "2026-11-21T12:59:59Z".parse().unwrap();
        assert_eq!(client.serial(), 1, "{role}");
        // At the very instant it is over (specification 5.3.10, 5.4.4, 5.5.6, 5.6.6), for whoever has it all and for a stranger.
        for (now, memory) in [("2026-11-21T13:00:00Z", true), ("2026-11-21T13:00:00Z", false), ("2026-12-01T00:00:00Z", true)] {
            client.now = now.parse().unwrap();
            if !memory {
                fs::remove_dir_all(client.folder()).unwrap();
            }
            refused!(client, Tuf::Expired { role: expired, .. } if expired == role);
        }
    }
}

#[test]
fn files_of_different_issues_do_not_mix() {
    for (stage, what) in [("targets", "targets.json"), ("snapshot", "snapshot.json")] {
        let client = Client::of("mix_and_match");
        client.at(stage);
        refused!(client, Tuf::IntegrityMismatch(why) if why.contains(what));
    }
    let client = Client::of("mix_and_match");
    client.at("missing");
    refused!(client, Tuf::Transport { message, .. } if message.contains("2.snapshot.json not found"));
    client.at("honest");
    assert_eq!(client.serial(), 2);
}

#[test]
fn a_target_is_what_the_metadata_says_or_nothing() {
    let client = Client::of("wrong_target");
    for (stage, what) in [("hash", "mismatch"), ("short", "length 35 != pinned 36")] {
        client.at(stage);
        refused!(client, Tuf::IntegrityMismatch(why) if why.contains(what));
    }
    client.at("long");
    let fault = client.fault();
    assert!(matches!(fault, Fault::TooLarge { size: Some(37), limit: 36 }), "{fault:?}");
    // Listed and not there is not the same as not listed: a mirror cannot leave a file out.
    client.at("gone");
    refused!(client, Tuf::Transport { message, .. } if message.contains("vetted.toml not found"));
    client.at("honest");
    assert_eq!(client.serial(), 1);
    // Whoever asks may want less than the metadata allows; nothing is downloaded to find out.
    client.server.asked();
    let error = client.open().unwrap().target("vetted.toml", 35, None).unwrap_err();
    assert!(matches!(error, Refusal::TooLong { length: 36, limit: 35, .. }), "{error}");
    assert!(client.server.asked().iter().all(|path| path.starts_with("metadata/")));
}

#[test]
fn roots_are_walked_one_by_one_from_the_pinned_one() {
    let client = Client::of("root_rotation");
    client.at("rotated");
    let mut source = client.open().unwrap();
    source.refresh().unwrap();
    assert_eq!(source.root_version(), 5);
    let newest = fs::read(client.scenario.join("rotated/metadata/5.root.json")).unwrap();
    assert_eq!(client.kept("root.json").unwrap(), newest);
    assert_eq!(client.serial(), 2);
    // The way is remembered: the roots in between are not asked for again.
    client.server.asked();
    assert_eq!(client.serial(), 2);
    let asked = client.server.asked();
    assert_eq!(asked[..2], ["metadata/6.root.json", "metadata/timestamp.json"], "{asked:?}");
    // A root that was passed is no next one, and a hole in the chain is no way.
    client.at("same-version");
    refused!(client, Tuf::BadRootVersion { trusted: 5, new: 5 });
    let fresh = Client::of("root_rotation");
    fresh.at("skipping");
    refused!(fresh, Tuf::BadRootVersion { trusted: 1, new: 3 });
}

#[test]
fn a_next_root_needs_the_thresholds_of_both_roots() {
    for (stage, found) in [("new-keys-only", 0), ("one-old-key", 1), ("old-keys-only", 0), ("one-new-key", 1), ("strangers", 0)] {
        let client = Client::of("root_rotation");
        client.at("first");
        assert_eq!(client.serial(), 1);
        client.at(stage);
        refused!(client, Tuf::ThresholdNotMet { role, found: f, threshold: 2 } if role == "root" && *f == found);
        // It is not kept either, and the honest root still follows.
        assert_eq!(client.kept("root_history/2.root.json"), None, "{stage}");
        client.at("rotated");
        assert_eq!(client.serial(), 2, "{stage}");
    }
}

#[test]
fn only_the_pinned_root_is_a_beginning() {
    let mut client = Client::of("root_rotation");
    client.at("strangers");
    let theirs = fs::read(client.scenario.join("strangers/metadata/2.root.json")).unwrap();
    // What does not follow from version 1 is not offered for pinning.
    assert!(matches!(offered_root(&client.network, &client.server.address), Err(Refusal::Tuf(Tuf::ThresholdNotMet { .. }))));
    // Who pins it by mistake believes its keys, which signed nothing else here.
    client.root = Digest::sha256_of(&theirs);
    refused!(client, Tuf::ThresholdNotMet { role, .. } if role == "timestamp");
    fs::remove_dir_all(client.folder()).unwrap();

    client.root = Digest::sha256_of(b"another root");
    let error = client.get("vetted.toml").unwrap_err();
    assert!(matches!(&error, Refusal::NotPinned { offered, .. } if offered.len() == 2), "{error}");
    assert!(error.to_string().contains(&client.root.hex()), "{error}");

    // Any version may be pinned, and what is offered for pinning is the newest.
    client.at("rotated");
    let (version, newest) = offered_root(&client.network, &client.server.address).unwrap();
    assert_eq!(version, 5);
    client.root = newest;
    assert_eq!(client.serial(), 2);

    client.server.serve(client.home.path());
    client.root = Digest::sha256_of(b"another root");
    assert!(matches!(client.get("vetted.toml"), Err(Refusal::NoRoot(_))));
}

#[test]
fn fewer_signers_than_the_threshold_are_not_enough() {
    let client = Client::of("threshold");
    for (stage, enough) in [("one", 1), ("stranger", 1), ("broken", 1), ("unsigned", 0)] {
        client.at(stage);
        refused!(client, Tuf::ThresholdNotMet { role, found, threshold: 2 } if role == "targets" && *found == enough);
    }
    client.at("twice");
    refused!(client, Tuf::DuplicateSignature { role, .. } if role == "targets");
    client.at("both");
    assert_eq!(client.serial(), 1);
}

#[test]
fn a_stranger_cannot_sign_under_any_key_id() {
    for role in ["timestamp", "snapshot", "targets"] {
        for stage in ["own-id", "borrowed-id"] {
            let client = Client::of("key_substitution");
            client.at(&format!("{role}-{stage}"));
            refused!(client, Tuf::ThresholdNotMet { role: r, found: 0, threshold: 1 } if r == role);
        }
    }
}

#[test]
fn a_fast_forward_ends_with_new_keys() {
    let client = Client::of("fast_forward");
    client.at("honest");
    assert_eq!(client.serial(), 1);
    client.at("attack");
    assert_eq!(client.serial(), 1);
    client.at("without-rotation");
    refused!(client, Tuf::Rollback { trusted: 4_611_686_018_427_387_904, new: 2, .. });
    client.at("recovered");
    assert_eq!(client.serial(), 1);
    let timestamp: serde_json::Value = serde_json::from_slice(&client.kept("timestamp.json").unwrap()).unwrap();
    assert_eq!(timestamp["signed"]["version"], 2);
    // And the end of it is remembered: the stolen keys are worth nothing now.
    client.at("attack");
    refused!(client, Tuf::ThresholdNotMet { role, .. } if role == "timestamp");
}

#[test]
fn a_name_that_leads_elsewhere_is_no_target() {
    let client = Client::of("honest");
    client.at("first");
    for name in ["", "/vetted.toml", "../vetted.toml", "a/../vetted.toml", "a//b", "./vetted.toml"] {
        assert!(matches!(client.get(name), Err(Refusal::Name(_))), "{name}");
    }
    assert!(client.server.asked().iter().all(|path| path == "metadata/1.root.json"), "nothing else is asked for");
}

#[test]
fn a_tag_of_other_bytes_does_not_stand_for_these() {
    let client = Client::of("honest");
    client.at("first");
    for tag in ["", "sha256:", "sha256:00", "\"an etag\""] {
        let fetched = client.open().unwrap().target("vetted.toml", LIMIT, Some(&Tag(tag.to_owned()))).unwrap();
        assert!(matches!(fetched, Fetched::Bytes { .. }), "{tag}");
    }
}
