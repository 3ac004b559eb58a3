//! Bringing newer documents here, with real servers: nginx, git, a folder, and a server of our own that misbehaves. Whatever a
//! source does, the documents in force stay the ones they were, byte for byte, unless what it gave is believed.

#[path = "sync/after_a_hook.rs"]
mod after_a_hook;
#[path = "sync/at_once.rs"]
mod at_once;
#[path = "sync/first_trust.rs"]
mod first_trust;
#[path = "sync/misbehaving.rs"]
mod misbehaving;
#[path = "sync/nginx.rs"]
pub mod nginx;
#[path = "sync/publisher.rs"]
mod publisher;
#[path = "sync/server.rs"]
pub mod server;
#[path = "sync/sources.rs"]
mod sources;
#[path = "sync/web.rs"]
mod web;

use crate::support::{Machine, Run};
use nginx::Nginx;
use publisher::Publisher;
use server::{Answer, Server};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A machine that believes a publisher, with its first issue in force.
fn pinned(publisher: &Publisher) -> Machine {
    let mut machine = Machine::new();
    machine.env("VETTED_TEST_PATIENCE", "1000 1000 2500");
    let folder = publisher.folder().display().to_string();
    machine.vetted(&["trust", "pin", &folder, "--sha256", &publisher.fingerprint()]).exits(0);
    machine
}

fn policy(machine: &Machine) -> PathBuf {
    machine.home().join(".config/vetted")
}

/// The folder of the documents in force.
fn in_force(machine: &Machine) -> PathBuf {
    let pointer = fs::read_to_string(policy(machine).join("vetted-current")).expect("something is in force");
    policy(machine).join("vetted-sets").join(pointer.trim_end())
}

/// Every file of a folder with its bytes.
fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes_of(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Sync from one source; it must fail for this reason and leave what is in force as it was.
#[track_caller]
fn refused(machine: &Machine, sources: &[&str], reasons: &[&str]) -> Run {
    let before = (in_force(machine), bytes_of(&in_force(machine)));
    let mut arguments = vec!["sync"];
    for source in sources {
        arguments.extend(["--source", source]);
    }
    let run = machine.vetted(&arguments).exits(3);
    for reason in reasons {
        assert!(run.stderr.contains(reason), "`{reason}` is not said:\n{run}");
    }
    assert!(run.stderr.contains("stays as it is"), "{run}");
    assert_eq!((in_force(machine), bytes_of(&in_force(machine))), before, "what is in force changed");
    assert_eq!(fs::read_dir(policy(machine).join("vetted-sets")).unwrap().filter(is_unfinished).count(), 0, "left over");
    let record: serde_json::Value = serde_json::from_slice(&fs::read(policy(machine).join("vetted-sync.json")).unwrap()).unwrap();
    assert!(record["error"].as_str().is_some_and(|error| error.contains(reasons[0])), "{record}");
    run
}

fn is_unfinished(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')
}

#[track_caller]
fn updated(machine: &Machine, source: &str, serial: u64) {
    let run = machine.vetted(&["sync", "--source", source]).exits(0);
    assert!(run.stderr.contains(&format!("acme.example/ai {serial}")) && run.stderr.contains("is in force now"), "{run}");
    let text = fs::read_to_string(in_force(machine).join("vetted.toml")).unwrap();
    assert!(text.contains(&format!("serial = {serial}\n")), "{text}");
}
