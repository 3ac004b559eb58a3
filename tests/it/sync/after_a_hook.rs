//! What a commit starts, and that it does not wait for it.

use super::*;

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
