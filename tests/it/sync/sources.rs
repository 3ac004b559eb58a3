//! Folders and git repositories, mirrors, and what the policy says about where the next one is.

use super::*;

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
