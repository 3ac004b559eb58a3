//! The trusted roots that are part of the program, renewed by `vetted sync` from the TUF repository of their instance.

use crate::Client;
use crate::server::Trick;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use vetted::digest::Digest;
use vetted::tool::Os;
use vetted::trust::attested::RootOrigin;
use vetted::trust::roots::{PUBLIC_GOOD, Roots};
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::Files;

/// The files beside the bundles of the tests, which the repository serves.
fn served(name: &str) -> Digest {
    Digest::sha256_of(&fs::read(format!("{}/tests/bundles/roots/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap())
}

struct Sync {
    client: Client,
    instances: PathBuf,
}

impl Sync {
    /// A machine whose program has the first root of the repository built in. The trusted root that is built in is none that the
    /// repository ever served.
    fn new(taken: &str) -> Self {
        let client = Client::of("trusted_roots");
        let instances = client.home.path().join("instances.toml");
        let address = &client.server.address;
        let root = client.scenario.join("1.root.json");
        let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/attestations/trust/github.trusted_root.json");
        let text = format!(
            "[[instance]]\nid = \"{PUBLIC_GOOD}\"\ntaken = \"{taken}\"\nmetadata = \"{address}/metadata/\"\n\
             targets = \"{address}/targets/\"\ntarget = \"trusted_root.json\"\ntrusted-root = \"{built_in}\"\n\
             tuf-root = \"{}\"\n",
            root.display()
        );
        fs::write(&instances, text).unwrap();
        Self { client, instances }
    }

    fn at(&self, stage: &str) -> &Self {
        self.client.at(stage);
        self
    }

    /// What `vetted sync` says. There is no policy here to sync, so its status is that of a usage error.
    fn run(&self, more: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_vetted"))
            .env_clear()
            .env("HOME", self.client.home.path())
            .env("VETTED_TEST_NOW", self.client.now.to_string())
            .env("VETTED_TEST_INSTANCES", &self.instances)
            .env("VETTED_TEST_MACHINE_POLICY", self.client.home.path().join("etc"))
            .env("VETTED_TEST_PATIENCE", "2000 2000 4000")
            .args(["sync", "--verbose"])
            .args(more)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Which root counts now.
    fn root(&self) -> (RootOrigin, Digest) {
        let home = self.client.home.path();
        let pairs = [("HOME", home), ("VETTED_TEST_INSTANCES", &self.instances)];
        let world = World { now: self.client.now, env: Env::of_pairs(pairs, home, Os::here()), files: Files };
        let root = Roots::load(&world, &std::collections::BTreeMap::new(), None).get(PUBLIC_GOOD).unwrap();
        (root.used.origin, root.used.sha256.clone())
    }

    fn copy(&self) -> PathBuf {
        self.client.home.path().join(".local/state/vetted/roots/sigstore-public-good.json")
    }
}

fn built_in() -> (RootOrigin, Digest) {
    let bytes = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/attestations/trust/github.trusted_root.json")).unwrap();
    (RootOrigin::BuiltIn, Digest::sha256_of(&bytes))
}

#[test]
fn a_newer_trusted_root_is_brought_and_an_older_one_is_not() {
    let sync = Sync::new("2026-10-01T00:00:00Z");
    assert_eq!(sync.root(), built_in());
    let said = sync.at("first").run(&[]);
    assert!(said.contains("the trusted root of `sigstore-public-good` was renewed"), "{said}");
    assert_eq!(sync.root(), (RootOrigin::Refreshed, served("staging")));
    let said = sync.run(&[]);
    assert!(said.contains("is up to date"), "{said}");
    // The keys of the roots and the targets are new: what counts follows from the root that is built in all the same.
    assert!(sync.at("second").run(&[]).contains("was renewed"));
    assert_eq!(sync.root(), (RootOrigin::Refreshed, served("public-good")));
    let said = sync.at("first").run(&[]);
    assert!(said.contains("was not renewed, the one here counts on") && said.contains("rollback"), "{said}");
    assert_eq!(sync.root(), (RootOrigin::Refreshed, served("public-good")));
}

#[cfg(unix)]
#[test]
fn the_copy_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sync = Sync::new("2026-10-01T00:00:00Z");
    sync.at("first").run(&[]);
    assert_eq!(fs::metadata(sync.copy()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(sync.copy().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

/// Whoever can write the state folder cannot choose whom this machine believes.
#[test]
fn a_copy_that_was_changed_counts_for_nothing() {
    let sync = Sync::new("2026-10-01T00:00:00Z");
    sync.at("first").run(&[]);
    let honest = fs::read_to_string(sync.copy()).unwrap();
    let mut forged: serde_json::Value = serde_json::from_str(&honest).unwrap();
    let other = fs::read_to_string(format!("{}/tests/bundles/roots/public-good.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    forged["trustedRoot"] = other.into();
    fs::write(sync.copy(), forged.to_string()).unwrap();
    assert_eq!(sync.root(), built_in());
    let mut unsigned: serde_json::Value = serde_json::from_str(&honest).unwrap();
    unsigned["targets"] = honest_without_signatures(&unsigned["targets"]).into();
    fs::write(sync.copy(), unsigned.to_string()).unwrap();
    assert_eq!(sync.root(), built_in());
    fs::write(sync.copy(), &honest[..honest.len() / 2]).unwrap();
    assert_eq!(sync.root(), built_in());
    fs::write(sync.copy(), honest).unwrap();
    assert_eq!(sync.root().0, RootOrigin::Refreshed);
}

fn honest_without_signatures(text: &serde_json::Value) -> String {
    let mut metadata: serde_json::Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    metadata["signatures"] = serde_json::json!([]);
    metadata.to_string()
}

/// A newer program has a newer root built in: an old copy does not outlive it.
#[test]
fn a_copy_older_than_the_program_counts_for_nothing() {
    let sync = Sync::new("2027-06-01T00:00:00Z");
    let said = sync.at("first").run(&[]);
    assert!(said.contains("it is older than the one that was taken on 2027-06-01"), "{said}");
    assert_eq!(sync.root(), built_in());
}

#[test]
fn what_cannot_be_reached_or_read_is_a_remark() {
    let sync = Sync::new("2026-10-01T00:00:00Z");
    sync.at("first").client.server.trick("metadata/timestamp.json", Trick::Status(503));
    let said = sync.run(&[]);
    assert!(said.contains("was not renewed, the one here counts on") && said.contains("503"), "{said}");
    assert_eq!(sync.root(), built_in());
    // Signed by the right keys, and no trusted root.
    let said = sync.at("broken").run(&[]);
    assert!(said.contains("was not renewed, the one here counts on"), "{said}");
    assert_eq!(sync.root(), built_in());
}

#[test]
fn nobody_is_asked_where_that_was_switched_off() {
    let sync = Sync::new("2026-10-01T00:00:00Z");
    sync.at("first");
    let said = sync.run(&["--no-roots"]);
    assert!(!said.contains("trusted root"), "{said}");
    assert!(sync.client.server.asked().is_empty());
    assert_eq!(sync.root(), built_in());
}
