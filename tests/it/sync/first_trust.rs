//! Who is believed first, and what follows from it.

use super::*;

#[test]
fn a_policy_that_enforces_is_pinned_by_its_fingerprint_alone() {
    let publisher = Publisher::new();
    let machine = Machine::new();
    let folder = publisher.folder().display().to_string();
    let run = machine.vetted(&["trust", "pin", &folder]).exits(3);
    assert!(run.stderr.contains(&publisher.fingerprint()) && run.stderr.contains("a policy that enforces"), "{run}");
    assert!(!policy(&machine).exists(), "something was written");
    let wrong = "0".repeat(64);
    let run = machine.vetted(&["trust", "pin", &folder, "--sha256", &wrong]).exits(3);
    assert!(run.stderr.contains("no version of the trust policy here has the pinned fingerprint"), "{run}");
    assert!(!policy(&machine).join("vetted-source.toml").exists() && !policy(&machine).join("vetted-current").exists());
    machine.vetted(&["trust", "pin", &folder, "--sha256", &publisher.fingerprint().to_uppercase()]).exits(0);
    let run = machine.vetted(&["trust", "show"]).exits(0);
    for part in ["acme.example/ai 1", &publisher.fingerprint(), "root         1 of alice", "revocations  1 of carol"] {
        assert!(run.stdout.contains(part), "`{part}`:\n{run}");
    }
    // What was pinned stays pinned when the next pin fails.
    machine.vetted(&["trust", "pin", &folder, "--sha256", &wrong]).exits(3);
    assert!(fs::read_to_string(policy(&machine).join("vetted-source.toml")).unwrap().contains(&publisher.fingerprint()));
    machine.vetted(&["sync"]).exits(0);
}

#[test]
fn a_policy_that_monitors_is_pinned_on_first_use_and_says_so() {
    let mut publisher = Publisher::new();
    publisher.mode = "monitor";
    publisher.publish(1);
    let machine = Machine::new();
    let run = machine.vetted(&["trust", "pin", &publisher.folder().display().to_string()]).exits(0);
    assert!(run.stderr.contains("pinned on first use") && run.stderr.contains(&publisher.fingerprint()), "{run}");
    let source = fs::read_to_string(policy(&machine).join("vetted-source.toml")).unwrap();
    assert!(source.contains(&publisher.fingerprint()), "{source}");
    // Another publisher of the same name is not believed from then on.
    let stranger = Publisher::new();
    refused(&machine, &[&stranger.address()], &["is not believed"]);
}

#[test]
fn nothing_is_believed_where_nothing_says_whom() {
    let publisher = Publisher::new();
    let machine = Machine::new();
    fs::create_dir_all(policy(&machine)).unwrap();
    let run = machine.vetted(&["sync", "--source", &publisher.address()]).exits(3);
    assert!(run.stderr.contains("no fingerprint is pinned") && run.stderr.contains("vetted trust pin"), "{run}");
    assert!(!policy(&machine).join("vetted-current").exists());
    let run = machine.vetted(&["sync"]).exits(2);
    assert!(run.stderr.contains("[sync] sources"), "{run}");
    for wrong in ["http://acme.example/", "ext::sh -c id", "https://u:p@acme.example/", "https://acme.example/#main"] {
        machine.vetted(&["sync", "--source", wrong]).exits(2);
    }
}

/// What could not be pinned is not what a later sync would ask for.
#[test]
fn a_source_that_is_not_there_is_not_pinned() {
    let machine = Machine::new();
    for fingerprint in [&["--sha256", "0000000000000000000000000000000000000000000000000000000000000000"][..], &[]] {
        let run = machine.vetted(&[&["trust", "pin", "nowhere"], fingerprint].concat()).exits(3);
        assert!(run.stderr.contains("nothing is pinned") && !run.stderr.contains("`vetted sync` tries again"), "{run}");
        assert!(!policy(&machine).join("vetted-source.toml").exists());
    }
}

/// A stranger's policy never takes the place of one that is here, although its own signatures are right: not of one that was only
/// put here and never used either.
#[test]
fn what_is_here_by_its_place_is_followed() {
    let (mut publisher, stranger) = (Publisher::new(), Publisher::new());
    let machine = Machine::new();
    fs::create_dir_all(policy(&machine)).unwrap();
    for (path, bytes) in bytes_of(&publisher.folder()) {
        fs::write(policy(&machine).join(path.file_name().unwrap()), bytes).unwrap();
    }
    let run = machine.vetted(&["sync", "--source", &stranger.address()]).exits(3);
    assert!(run.stderr.contains("is not believed"), "{run}");
    assert!(!policy(&machine).join("vetted-current").exists());
    publisher.publish(2);
    updated(&machine, &publisher.address(), 2);
    let run = machine.vetted(&["doctor"]);
    assert!(run.stdout.contains("acme.example/ai 2") && run.stdout.contains("last went well"), "{run}");
}

/// The machine's own folder outranks the user's, and is the one that is synced where nobody names another.
#[test]
fn the_policy_of_the_machine_is_synced_for_everybody() {
    let mut publisher = Publisher::new();
    let mut machine = Machine::new();
    let etc = machine.home().parent().unwrap().join("etc/vetted");
    machine.env("VETTED_TEST_MACHINE_POLICY", etc.display().to_string());
    let (folder, fingerprint) = (publisher.folder().display().to_string(), publisher.fingerprint());
    machine.vetted(&["trust", "pin", &folder, "--sha256", &fingerprint, "--policy", etc.to_str().unwrap()]).exits(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for (path, wanted) in [("", 0o755), ("vetted-sets", 0o755), ("vetted-current", 0o644), ("vetted-sync.json", 0o644)] {
            assert_eq!(fs::metadata(etc.join(path)).unwrap().permissions().mode() & 0o777, wanted, "{path}");
        }
    }
    publisher.publish(2);
    machine.vetted(&["sync"]).exits(0);
    let run = machine.vetted(&["doctor"]);
    assert!(run.stdout.contains("acme.example/ai 2") && run.stdout.contains("it is the machine's own"), "{run}");
    let run = machine.vetted(&["sync", "--schedule", "systemd"]).exits(0);
    assert!(run.stdout.contains("# /etc/systemd/system/vetted-sync.timer") && run.stdout.contains("User=root"), "{run}");
}

#[test]
fn a_schedule_is_written_where_it_is_looked_for() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let run = machine.vetted(&["sync", "--schedule", "systemd", "--install"]).exits(0);
    assert!(run.stderr.contains("systemctl --user daemon-reload"), "{run}");
    let units = machine.home().join(".config/systemd/user");
    let service = fs::read_to_string(units.join("vetted-sync.service")).unwrap();
    assert!(service.contains(" sync --quiet --policy \"") && units.join("vetted-sync.timer").exists(), "{service}");
    machine.vetted(&["sync", "--schedule", "launchd", "--install"]).exits(0);
    let plist = fs::read_to_string(machine.home().join("Library/LaunchAgents/vetted.sync.plist")).unwrap();
    assert!(plist.contains("<string>--policy</string>"), "{plist}");
    machine.vetted(&["sync", "--schedule", "cron", "--install"]).exits(2);
    machine.vetted(&["sync", "--install"]).exits(2);
}

/// What is remembered and cannot be read is never skipped: it could hide an older policy.
#[test]
fn a_broken_memory_stops_a_sync() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let memory = machine.home().join(".local/state/vetted/acme.example_ai.json");
    assert!(memory.exists());
    fs::write(&memory, "{").unwrap();
    publisher.publish(2);
    refused(&machine, &[&publisher.address()], &["cannot be read"]);
    fs::remove_file(&memory).unwrap();
    // What is here is then what has to be followed.
    let mut stranger = Publisher::new();
    stranger.publish(7);
    refused(&machine, &[&stranger.address()], &["is not believed: vetted-trust.toml"]);
    updated(&machine, &publisher.address(), 2);
}

/// A draft is compared with the policy that a sync put in force, not with the built-in one.
#[test]
fn a_draft_is_tried_against_what_a_sync_brought() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let mut next = Publisher::new();
    next.publish(7);
    let run = machine.vetted(&["policy", "simulate", "--policy", next.folder().to_str().unwrap()]).exits(0);
    assert!(run.stdout.replace('\n', " ").contains("7 in place of acme.example/ai 1,"), "{run}");
    // A pin without documents is no reason to compare with another policy.
    fs::remove_file(policy(&machine).join("vetted-current")).unwrap();
    let run = machine.vetted(&["policy", "simulate", "--policy", next.folder().to_str().unwrap()]).exits(3);
    assert!(run.stderr.contains("--against DIR"), "{run}");
}
