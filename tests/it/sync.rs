//! Bringing newer documents here, with real servers: nginx, git, a folder, and a server of our own that misbehaves. Whatever a
//! source does, the documents in force stay the ones they were, byte for byte, unless what it gave is believed.

#[path = "sync/nginx.rs"]
mod nginx;
#[path = "sync/publisher.rs"]
mod publisher;
#[path = "sync/server.rs"]
mod server;

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

// First trust.

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

// Sources.

#[test]
fn a_folder_is_a_source() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let run = machine.vetted(&["sync"]).exits(0);
    assert!(run.stderr.contains("acme.example/ai 2, revocations 2, trust policy 1 is in force now"), "{run}");
    let run = machine.vetted(&["sync"]).exits(0);
    assert!(run.stderr.contains("is up to date"), "{run}");
    let run = machine.vetted(&["sync", "--quiet"]).exits(0);
    assert_eq!(run.stderr, "");
    refused(&machine, &["file:///nowhere/at/all"], &["does not exist"]);
}

/// What the manifest pins comes along, is taken over from set to set, and is brought again where it was lost.
#[test]
fn pinned_files_come_along() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.list = Some("{\"schema\":\"vetted/files/v1\",\"resources\":[]}\n".to_owned());
    publisher.publish(2);
    updated(&machine, &publisher.address(), 2);
    let list = in_force(&machine).join("attestations/tool/files.json");
    assert_eq!(fs::read_to_string(&list).unwrap(), publisher.list.clone().unwrap());
    // The source loses it; the machine has it.
    fs::remove_file(publisher.folder().join("attestations/tool/files.json")).unwrap();
    publisher.list_is_written = false;
    publisher.publish(3);
    updated(&machine, &publisher.address(), 3);
    fs::remove_file(in_force(&machine).join("attestations/tool/files.json")).unwrap();
    refused(&machine, &[&publisher.address()], &["it has no `attestations/tool/files.json`"]);
    fs::write(publisher.folder().join("attestations/tool/files.json"), "{}").unwrap();
    refused(&machine, &[&publisher.address()], &["is not the file that the documents pin"]);
    publisher.list_is_written = true;
    publisher.publish(3);
    updated(&machine, &publisher.address(), 3);
    assert!(in_force(&machine).join("attestations/tool/files.json").exists());
}

#[test]
fn a_git_repository_is_a_source() {
    let mut publisher = Publisher::new();
    let mut machine = pinned(&publisher);
    let work = publisher.folder();
    let git = |arguments: &[&str]| {
        let mut command = machine.command("git");
        command.current_dir(&work).args(arguments);
        machine.run(command).exits(0);
    };
    git(&["init", "-q", "-b", "release"]);
    publisher.publish(2);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "issue 2"]);
    let address = format!("git+file://{}#release", work.display());
    updated(&machine, &address, 2);
    let run = machine.vetted(&["sync", "--source", &address]).exits(0);
    assert!(run.stderr.contains("is up to date"), "{run}");
    publisher.publish(3);
    git(&["commit", "-qam", "issue 3"]);
    updated(&machine, &address, 3);
    refused(&machine, &[&format!("git+file://{}#other", work.display())], &["`git fetch` failed"]);
    // Nothing is checked out, and a program that a configuration names is not run.
    let cache = machine.home().join(".cache/vetted/sync");
    let copies = bytes_of(&cache);
    assert!(!copies.is_empty() && !copies.keys().any(|path| path.ends_with("vetted.toml")), "{:?}", copies.keys());
    let touched = machine.work().join("touched");
    machine.file(
        "home/.gitconfig",
        format!("[core]\n\thooksPath = {0}\n\tfsmonitor = touch {1}\n", work.display(), touched.display()),
    );
    machine.executable("bin/git-remote-evil", format!("#!/bin/sh\ntouch {}\n", touched.display()));
    machine.env("GIT_DIR", "/nonexistent").env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "core.sshCommand");
    machine.env("GIT_CONFIG_VALUE_0", format!("touch {}", touched.display()));
    publisher.publish(4);
    let mut command = Command::new("git");
    command.current_dir(&work).args(["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qam", "issue 4"]);
    assert!(command.status().unwrap().success());
    updated(&machine, &address, 4);
    assert!(!touched.exists());
}

/// With a stand-in for ssh that runs on this machine what the other one would.
#[cfg(unix)]
#[test]
fn a_git_repository_over_ssh_is_a_source_and_nobody_is_asked() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let work = publisher.folder();
    for arguments in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-qm", "issue 2"]] {
        let mut command = machine.command("git");
        command.current_dir(&work).args(arguments);
        machine.run(command).exits(0);
    }
    let log = machine.work().join("ssh.log");
    let script = "#!/bin/sh\necho \"$*\" >> LOG\nfor last; do :; done\nexec sh -c \"$last\"\n";
    machine.executable("bin/ssh", script.replace("LOG", &log.display().to_string()));
    updated(&machine, &format!("git+ssh://git@git.acme.example{}#main", work.display()), 2);
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("-o BatchMode=yes") && said.contains("git@git.acme.example git-upload-pack"), "{said}");
    // One that hangs is ended.
    machine.executable("bin/ssh", "#!/bin/sh\nsleep 60\n");
    let began = Instant::now();
    refused(&machine, &["git+ssh://git@git.acme.example/other.git"], &["`git fetch` was ended after 2 seconds"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

/// The variables that lead the way out lead to nothing that is believed: a proxy is one more mirror.
#[test]
fn a_proxy_is_asked_and_not_believed() {
    let mut publisher = Publisher::new();
    let mut machine = pinned(&publisher);
    let stranger = Publisher::new();
    let folder = stranger.folder();
    let proxy = Server::start(move |url| Answer::file(&folder.join(url.rsplit('/').next().unwrap())));
    publisher.publish(2);
    let folder = publisher.folder();
    let real = Server::start(move |path| Answer::file(&folder.join(path.trim_start_matches('/'))));
    machine.env("http_proxy", proxy.url());
    refused(&machine, &[&real.url()], &["is not believed: vetted-trust.toml"]);
    assert_eq!((real.requests(), proxy.requests() > 0), (0, true));
    machine.env("no_proxy", "127.0.0.1");
    updated(&machine, &real.url(), 2);
}

/// Over the protocol that people use, from `git http-backend` behind a small server.
#[test]
fn a_git_repository_over_http_is_a_source() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let work = publisher.folder();
    for arguments in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-qm", "issue 2"], &["update-server-info"]] {
        let mut command = machine.command("git");
        command.current_dir(&work).args(arguments);
        machine.run(command).exits(0);
    }
    // The dumb protocol is a static folder, and git refuses a shallow copy over it: the message says what git said.
    let Some(nginx) = Nginx::start(&work) else { return };
    let address = format!("git+http://127.0.0.1:{}/.git", nginx.port);
    refused(&machine, &[&address], &["`git fetch` failed", "dumb http transport does not support shallow"]);
    let server = Server::of_repository(work.join(".git"));
    updated(&machine, &format!("git+http://{}/p.git", server.address), 2);
}

#[test]
fn mirrors_are_asked_in_order() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let older = publisher.copy();
    publisher.publish(2);
    updated(&machine, &publisher.address(), 2);
    publisher.publish(3);
    let (gone, older, newest) = ("file:///nowhere".to_owned(), format!("file://{}", older.path().display()), publisher.address());
    let run = machine.vetted(&["sync", "--source", &gone, "--source", &older, "--source", &newest]).exits(0);
    let said = |text: &str| run.stderr.find(text).unwrap_or_else(|| panic!("`{text}` is not said:\n{run}"));
    assert!(said("does not exist") < said("machine believed serial 2 before"), "{run}");
    assert!(said("machine believed serial 2 before") < said("acme.example/ai 3"), "{run}");
    assert!(run.stderr.contains(&format!("is in force now (`{newest}`)")), "{run}");
    // The first that answers is the answer.
    let run = machine.vetted(&["sync", "--source", &newest, "--source", &gone]).exits(0);
    assert!(!run.stderr.contains("nowhere"), "{run}");
}

/// The addresses of the believed manifest come first, those of the pin after them.
#[test]
fn the_policy_says_where_the_next_one_is() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let moved = tempfile::tempdir().unwrap();
    publisher.sync = format!("[sync]\nsources = [\"file://{}\"]\nevery = \"15m\"\n", moved.path().display());
    publisher.publish(2);
    machine.vetted(&["sync"]).exits(0);
    // The new place is empty yet: the old one still answers.
    let run = machine.vetted(&["sync"]).exits(0);
    assert!(run.stderr.contains("it has no `vetted-trust.toml`") && run.stderr.contains("is up to date"), "{run}");
    publisher.publish(3);
    for (path, bytes) in bytes_of(&publisher.folder()) {
        fs::write(moved.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    fs::remove_dir_all(publisher.folder()).unwrap();
    let run = machine.vetted(&["sync"]).exits(0);
    assert!(run.stderr.contains("acme.example/ai 3") && !run.stderr.contains("of no use"), "{run}");
    let run = machine.vetted(&["sync", "--schedule", "cron"]).exits(0);
    assert!(run.stdout.contains("-59/15 * * * *"), "{run}");
}

// nginx.

#[test]
fn not_modified_costs_no_parse() {
    let mut publisher = Publisher::new();
    let Some(nginx) = Nginx::start(&publisher.folder()) else { return };
    let mut machine = pinned(&publisher);
    publisher.publish(2);
    updated(&machine, &nginx.address(), 2);
    nginx.forget();
    // A time at which none of these documents would be believed: nobody looks.
    machine.at("2031-01-01T00:00:00Z");
    let run = machine.vetted(&["sync", "--source", &nginx.address()]).exits(0);
    assert!(run.stderr.contains("acme.example/ai is up to date"), "{run}");
    let log = nginx.log();
    assert_eq!(log.len(), 6, "three documents and three signatures:\n{}", log.join("\n"));
    assert!(
        log.iter().all(|line| line.contains(" 304 0 ") && line.ends_with(concat!("vetted/", env!("CARGO_PKG_VERSION")))),
        "{log:?}"
    );
    // What is said when somebody looks.
    publisher.publish(3);
    refused(&machine, &[&nginx.address()], &["its trust policy expired"]);
    publisher.publish(2);
    machine.at(crate::support::NOW);
    // A document that was damaged here is not "not modified".
    fs::write(in_force(&machine).join("vetted.toml"), "mode = \"monitor\"\n").unwrap();
    updated(&machine, &nginx.address(), 2);
}

#[test]
fn newer_documents_are_brought_from_a_web_server() {
    let mut publisher = Publisher::new();
    let Some(nginx) = Nginx::start(&publisher.folder()) else { return };
    let machine = pinned(&publisher);
    let older = publisher.copy();
    publisher.publish(2);
    updated(&machine, &nginx.address(), 2);
    // An older file, each document for itself and all together.
    for names in [&["vetted.toml"][..], &["vetted-revocations.toml"], &["vetted.toml", "vetted-revocations.toml"]] {
        publisher.publish(2);
        for name in names {
            for name in [(*name).to_owned(), format!("{name}.sigstore.json")] {
                publisher.write(&name, &fs::read(older.path().join(&name)).unwrap());
            }
        }
        let reason = if *names == ["vetted.toml"] { "has serial 1, and" } else { "and this machine believed serial 2 before" };
        refused(&machine, &[&nginx.address()], &[reason]);
    }
    // Other documents under the same serial.
    publisher.sync = "[sync]\nevery = \"9h\"\n".to_owned();
    publisher.publish(2);
    refused(&machine, &[&nginx.address()], &["serial 2 is not the one that this machine believed"]);
    publisher.publish(3);
    // A file cut off on the server, and one that is not signed any more.
    let path = publisher.folder().join("vetted.toml");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&machine, &[&nginx.address()], &["is not believed: vetted.toml"]);
    fs::write(&path, &whole).unwrap();
    fs::remove_file(publisher.folder().join("vetted-revocations.toml.sigstore.json")).unwrap();
    refused(&machine, &[&nginx.address()], &["vetted-revocations.toml` is not signed"]);
    fs::remove_file(publisher.folder().join("vetted-revocations.toml")).unwrap();
    refused(&machine, &[&nginx.address()], &["it has no `vetted-revocations.toml`"]);
    publisher.publish(3);
    updated(&machine, &nginx.address(), 3);
}

#[test]
fn a_server_that_cannot_prove_who_it_is_is_not_asked() {
    let publisher = Publisher::new();
    let Some(nginx) = Nginx::start(&publisher.folder()) else { return };
    let Some((tls_port, certificate)) = nginx.tls() else { return };
    let mut machine = pinned(&publisher);
    let address = format!("https://127.0.0.1:{tls_port}/");
    refused(&machine, &[&address], &["no secure connection"]);
    refused(&machine, &[&format!("https://127.0.0.1:{}/", nginx.port)], &["no secure connection"]);
    machine.env("SSL_CERT_FILE", certificate.display().to_string());
    machine.vetted(&["sync", "--source", &address]).exits(0);
    // The right certificate of another name.
    refused(&machine, &[&format!("https://localhost:{tls_port}/")], &["no secure connection"]);
    // And the pin can be written for it.
    machine.vetted(&["trust", "pin", &address, "--sha256", &publisher.fingerprint()]).exits(0);
    machine.vetted(&["sync"]).exits(0);
}

// A server that misbehaves.

#[test]
fn a_server_that_never_answers_is_given_up() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let server = Server::start(|_| Answer::Never);
    let began = Instant::now();
    refused(&machine, &[&server.url()], &["the server sent nothing for 1 seconds"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Nobody listens at all.
    let port = server.stop();
    refused(&machine, &[&format!("http://127.0.0.1:{port}/")], &["cannot connect"]);
    refused(&machine, &["https://no-such-host.invalid/"], &["cannot be resolved"]);
}

#[test]
fn a_server_that_drips_is_given_up() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let server = Server::start(|_| Answer::Drip);
    let began = Instant::now();
    refused(&machine, &[&server.url()], &["the answer was not complete after 2 seconds"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn an_answer_that_is_cut_off_or_too_large_is_refused() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let server = Server::start(|_| Answer::CutOff);
    refused(&machine, &[&server.url()], &["the answer was cut off after 10 bytes of 100"]);
    let server = Server::start(|_| Answer::CutOffChunk);
    refused(&machine, &[&server.url()], &["the answer was cut off after 10 bytes"]);
    let server = Server::start(|_| Answer::Announced(1 << 40));
    refused(&machine, &[&server.url()], &["the answer has 1099511627776 bytes; at most"]);
    let server = Server::start(|_| Answer::Endless);
    refused(&machine, &[&server.url()], &["the answer has too many bytes"]);
    let server = Server::start(|_| Answer::Status(500));
    refused(&machine, &[&server.url()], &["status 500"]);
    let server = Server::start(|_| Answer::Status(304));
    refused(&machine, &[&server.url()], &["status 304"]);
    let server = Server::start(|_| Answer::Raw(b"\0\xff\x16\x03\x01 what?\r\n\r\n".to_vec()));
    refused(&machine, &[&server.url()], &["invalid HTTP version"]);
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let folder = publisher.folder();
    let real = Server::start(move |path| Answer::file(&folder.join(path.trim_start_matches('/'))));
    let elsewhere = real.url();
    let server = Server::start(move |path| Answer::Redirect(format!("{elsewhere}{}", path.trim_start_matches('/'))));
    refused(&machine, &[&server.url()], &["the server redirects to `http://127.0.0.1:"]);
    for to in ["http://169.254.169.254/", "https://acme.example/", "https://127.0.0.1/", "http://127.0.0.1:1/"] {
        let server = Server::start(move |_| Answer::Redirect(to.to_owned()));
        refused(&machine, &[&server.url()], &[&format!("the server redirects to `{to}")]);
    }
    // The library does not know these as addresses to follow.
    for to in ["file:///etc/passwd", "mailto:a@acme.example"] {
        let server = Server::start(move |_| Answer::Redirect(to.to_owned()));
        refused(&machine, &[&server.url()], &["vetted-trust.toml`: the server"]);
    }
    let server = Server::start(|path| Answer::Redirect(path.to_owned()));
    refused(&machine, &[&server.url()], &["more than 5 redirects"]);
    // Within the host it is.
    let folder = publisher.folder();
    let server = Server::start(move |path| match path.strip_prefix("/new/") {
        Some(name) => Answer::file(&folder.join(name)),
        None => Answer::Redirect(format!("/new{path}")),
    });
    updated(&machine, &server.url(), 2);
}

/// A publisher replaces its files one after the other: a mix is asked for once more, and a mirror that stays mixed is refused.
#[test]
fn a_file_swapped_between_two_requests_is_noticed() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let older = publisher.copy().keep();
    publisher.publish(2);
    let (new, old) = (publisher.folder(), older.clone());
    let always = Server::start(move |path| {
        let name = path.trim_start_matches('/');
        Answer::file(&if name.contains("sigstore") { old.join(name) } else { new.join(name) })
    });
    refused(&machine, &[&always.url()], &["is not believed: vetted.toml"]);
    let (new, old) = (publisher.folder(), older.clone());
    let requests = std::sync::atomic::AtomicUsize::new(0);
    let at_first = Server::start(move |path| {
        let name = path.trim_start_matches('/');
        let number = requests.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Answer::file(&if number < 3 { old.join(name) } else { new.join(name) })
    });
    updated(&machine, &at_first.url(), 2);
    fs::remove_dir_all(older).unwrap();
}

/// Another policy, signed as well as this one, under another name or the same.
#[test]
fn another_policy_does_not_take_its_place() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let mut other = Publisher::new();
    refused(&machine, &[&other.address()], &["is not believed: vetted-trust.toml"]);
    other.name = "evil.example/ai";
    other.publish_trust(1);
    other.publish(9);
    refused(&machine, &[&other.address()], &["the policy is called `evil.example/ai`"]);
}

/// A machine that was away for three versions of the trust policy walks them all, and one that lacks a step goes nowhere.
#[test]
fn the_chain_of_trust_is_brought_along() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    for version in 2..=4 {
        publisher.publish_trust(version);
    }
    publisher.publish(5);
    let step = publisher.folder().join("vetted-trust.2.toml");
    fs::rename(&step, publisher.folder().join("hidden")).unwrap();
    refused(&machine, &[&publisher.address()], &["version 2 of the trust policy is needed"]);
    fs::rename(publisher.folder().join("hidden"), &step).unwrap();
    updated(&machine, &publisher.address(), 5);
    let run = machine.vetted(&["trust", "show"]).exits(0);
    assert!(run.stdout.contains("trust policy 4"), "{run}");
    // Somebody else on this machine has seen nothing yet, and the pin is of version 1.
    fs::remove_dir_all(machine.home().join(".local")).unwrap();
    machine.vetted(&["trust", "show"]).exits(0);
    let fresh = pinned(&publisher);
    fresh.vetted(&["trust", "show"]).exits(0);
}

// Together and at once.

#[test]
fn two_syncs_at_once_do_not_disturb_each_other() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let mut children: Vec<_> =
        (0..4).map(|_| machine.command(env!("CARGO_BIN_EXE_vetted")).args(["sync", "--quiet"]).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert!(fs::read_to_string(in_force(&machine).join("vetted.toml")).unwrap().contains("serial = 2"));
    // One that is started in the background leaves at once.
    let lock = fs::File::create(policy(&machine).join(".vetted-sync.lock")).unwrap();
    lock.lock().unwrap();
    publisher.publish(3);
    let began = Instant::now();
    machine.vetted(&["sync", "--background"]).exits(0);
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(fs::read_to_string(in_force(&machine).join("vetted.toml")).unwrap().contains("serial = 2"));
}

/// Whoever reads while documents are replaced sees one issue whole: never an error, never a mix.
#[test]
fn a_reader_sees_the_old_issue_or_the_new_one() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (machine, done) = (&machine, &done);
        let reader = scope.spawn(move || {
            let mut seen = Vec::new();
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                // Both documents carry the serial of their issue; a mix would show two, a torn one would not be believed.
                let run = machine.vetted(&["check", "--format", "json"]);
                assert!(run.status == 0 || run.status == 1, "{run}");
                seen.push(run.json()["policy"]["serial"].as_u64().unwrap());
            }
            seen
        });
        for serial in 2..12 {
            publisher.publish(serial);
            machine.vetted(&["sync", "--quiet"]).exits(0);
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        let seen = reader.join().unwrap();
        assert!(seen.is_sorted() && seen.len() > 2, "{seen:?}");
    });
}

/// `kill -9` at any moment leaves the old issue or the new one in force, and the next sync goes on from there.
#[cfg(unix)]
#[test]
fn a_crash_at_any_moment_leaves_a_usable_policy() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let mut serial = 1;
    let mut finished = 0;
    let mut killed = 0;
    for round in 0..60_u64 {
        serial += 1;
        publisher.publish(serial);
        let mut child = machine.command(env!("CARGO_BIN_EXE_vetted")).args(["sync", "--quiet"]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 1200));
        match child.try_wait().unwrap() {
            Some(_) => finished += 1,
            None => killed += 1,
        }
        let _ = child.kill();
        child.wait().unwrap();
        let text = fs::read_to_string(in_force(&machine).join("vetted.toml")).unwrap();
        let old_or_new = [serial - 1, serial].iter().any(|serial| text.contains(&format!("serial = {serial}\n")));
        assert!(old_or_new, "round {round}:\n{text}");
        let run = machine.vetted(&["trust", "show"]);
        assert_eq!(run.status, 0, "round {round}:\n{run}");
        machine.vetted(&["sync", "--quiet"]).exits(0);
    }
    assert!(killed > 5, "{killed} were killed and {finished} had finished: the moments are badly chosen");
    let sets = fs::read_dir(policy(&machine).join("vetted-sets")).unwrap().count();
    assert!(sets <= 3, "{sets} sets are left");
}

/// A folder that this user cannot write is said to be so, and a hook does not try.
#[test]
fn a_pointer_that_leads_nowhere_is_no_policy() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let pointer = policy(&machine).join("vetted-current");
    for wrong in ["", "../../etc", "no-such-set"] {
        fs::write(&pointer, wrong).unwrap();
        let run = machine.vetted(&["check"]).exits(3);
        assert!(run.stderr.contains("vetted sync"), "{run}");
    }
    // A set that is gone is brought again.
    machine.vetted(&["sync"]).exits(0);
    machine.vetted(&["trust", "show"]).exits(0);
}

// After a hook.

/// The hook answers, and only then the sync starts; a server that never answers delays nobody.
#[cfg(unix)]
#[test]
fn a_commit_starts_a_sync_and_does_not_wait_for_it() {
    let mut publisher = Publisher::new();
    let mut machine = Machine::with_repository();
    let folder = publisher.folder().display().to_string();
    machine.vetted(&["trust", "pin", &folder, "--sha256", &publisher.fingerprint()]).exits(0);
    machine.vetted(&["hook", "install"]).exits(0);
    publisher.publish(2);
    let serial = |machine: &Machine| {
        let text = fs::read_to_string(in_force(machine).join("vetted.toml")).unwrap();
        text.lines().find_map(|line| line.strip_prefix("serial = ")).unwrap().to_owned()
    };
    let commit = |machine: &Machine, name: &str| {
        machine.file(&format!("work/{name}"), name);
        machine.git(&["add", name]);
        let began = Instant::now();
        machine.git(&["commit", "-qm", name]);
        began.elapsed()
    };
    let becomes = |machine: &Machine, wanted: &str| {
        let until = Instant::now() + Duration::from_secs(20);
        while serial(machine) != wanted {
            assert!(Instant::now() < until, "serial {} and not {wanted}", serial(machine));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Synced a moment ago: nothing is due. In CI nothing is ever due.
    commit(&machine, "a");
    machine.at("2026-11-21T14:00:00Z").env("CI", "true");
    commit(&machine, "b");
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(serial(&machine), "1");
    machine.env("CI", "false");
    commit(&machine, "c");
    becomes(&machine, "2");
    // From here on the only source is one that never answers.
    let server = Server::start(|_| Answer::Never);
    let record = policy(&machine).join("vetted-sync.json");
    // The record is written last.
    let until = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(&record).unwrap().contains("\"success\": \"2026-11-21T14:00:00Z\"") {
        assert!(Instant::now() < until, "{}", fs::read_to_string(&record).unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(&record).unwrap();
    let text = text.replace("\"sources\": []", &format!("\"sources\": [\"{}\"]", server.url()));
    fs::write(&record, text).unwrap();
    machine.at("2026-11-21T16:00:00Z").env("VETTED_TEST_PATIENCE", "1000 3000 5000");
    let took = commit(&machine, "d");
    assert!(took < Duration::from_millis(2500), "the commit waited {took:?}");
    let until = Instant::now() + Duration::from_secs(20);
    while server.requests() == 0 {
        assert!(Instant::now() < until, "no sync was started");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The process of the check itself opens no socket, also when it starts a sync: that is another one.
#[cfg(target_os = "linux")]
#[test]
fn the_check_itself_opens_no_socket() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("SKIPPED: `strace` is not here");
        return;
    }
    let publisher = Publisher::new();
    let mut machine = Machine::with_repository();
    let server = Server::start(|_| Answer::Status(500));
    let folder = publisher.folder().display().to_string();
    machine.vetted(&["trust", "pin", &folder, "--sha256", &publisher.fingerprint()]).exits(0);
    let record = policy(&machine).join("vetted-sync.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"sources\": []", &format!("\"sources\": [\"{}\"]", server.url()))).unwrap();
    machine.at("2026-11-21T16:00:00Z");
    let log = machine.work().join("strace");
    let mut command = machine.command("strace");
    command.args(["-f", "-ff", "-qq", "-e", "trace=execve,socket,connect,write"]).arg("-o").arg(&log);
    command.arg(env!("CARGO_BIN_EXE_vetted")).args(["check", "--staged"]);
    machine.run(command).exits(0);
    let until = Instant::now() + Duration::from_secs(20);
    while server.requests() == 0 {
        assert!(Instant::now() < until, "no sync was started");
        std::thread::sleep(Duration::from_millis(20));
    }
    let traces: Vec<String> = fs::read_dir(machine.work())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("strace."))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let of_check = |trace: &&String| trace.contains("\"check\"");
    let check: Vec<_> = traces.iter().filter(of_check).collect();
    assert_eq!(check.len(), 1, "one process runs the check");
    assert!(!check[0].contains("socket(") && !check[0].contains("connect("), "{}", check[0]);
    assert!(traces.iter().any(|trace| trace.contains("\"--background\"")), "{}", traces.join("\n---\n"));
    assert!(traces.iter().any(|trace| trace.contains("connect(")), "the sync did connect");
}
