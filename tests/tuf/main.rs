//! A TUF repository as an attacker would serve it, and the refusal that each attack must end in.
//!
//! `VETTED_TEST_TUF=<python with tuf 7> cargo test --test tuf` runs them; a plain `cargo test` does not, because they need that
//! package. The repositories are made and signed by python-tuf (`repository.py`), so that what is read here is not what we wrote; a
//! server on loopback serves them and plays the tricks that need no key.
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no users")]
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests set up the world that the program only reads")]

mod office;
mod server;

use jiff::{SignedDuration, Timestamp};
use office::Office;
use server::{Server, Trick};
use sigstore_tuf::Error as Tuf;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use vetted::digest::Digest;
use vetted::manifest::source::SourcePin;
use vetted::sync::source::{Fetched, Source as _, Tag};
use vetted::sync::transaction::{self, Change, Done, Job};
use vetted::sync::tuf::{Refusal, Repository, TufSource, offered_root};
use vetted::tool::Os;
use vetted::trust::place;
use vetted::trust::state::Floors;
use vetted::world::World;
use vetted::world::env::Env;
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

macro_rules! refused {
    ($client:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $client.refused();
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
    };
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
    client.now = client.now + SignedDuration::from_hours(24 * 3);
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

#[test]
fn a_name_that_leads_elsewhere_is_no_target() {
    let client = Client::of("honest");
    client.at("first");
    for name in ["", "/vetted.toml", "../vetted.toml", "a/../vetted.toml", "a//b", "./vetted.toml"] {
        assert!(matches!(client.get(name), Err(Refusal::Name(_))), "{name}");
    }
    assert!(client.server.asked().iter().all(|path| path == "metadata/1.root.json"), "nothing else is asked for");
}

/// Where the first manifest lies.
fn target_path(client: &Client) -> String {
    let digest = Digest::sha256_of(&client.bytes("vetted.toml"));
    format!("targets/{}.vetted.toml", digest.hex())
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
