//! The layers as a whole: the organisation's two documents, overlays for groups of machines, the repository, the user; what each may
//! say, who decided, and what nobody below the organisation can loosen.

use crate::office::{Office, manifest_text};
use crate::support::{Machine, Run};
use std::fs;
use std::path::Path;

const PREFIX: &str = "home/.npm-global/lib/node_modules";

fn codex(machine: &Machine, version: &str) {
    machine.npm_package(&format!("{PREFIX}/@openai/codex"), "@openai/codex", version, "codex");
}

/// `[[revocation]]` of codex below a version, or the same as an entry of an overlay.
fn revoke(table: &str, id: &str, severity: &str, fixed: &str) -> String {
    format!(
        "[[{table}]]\nid = \"{id}\"\naffected = [{{ tool = \"openai-codex\", ranges = [{{ introduced = \"0.1.0\", fixed = \"{fixed}\" }}] }}]\n\
         reason = \"undisclosed-tracking\"\nseverity = \"{severity}\"\neffective = 2026-11-01T00:00:00Z\nmessage = \"Use another.\"\n"
    )
}

fn waiver(id: &str, lifts: &str, scope: &str) -> String {
    format!(
        "[[waiver]]\nid = \"{id}\"\nlifts = [{lifts}]\ntool = \"openai-codex\"\n{scope}\nowner = \"carol@acme.example\"\n\
         approver = \"dave@acme.example\"\nreason = \"forensics\"\nstarts = 2026-11-20T00:00:00Z\nexpires = 2026-12-01T00:00:00Z\n"
    )
}

/// Put an office's documents where the machine's own policy lies.
fn install(office: &Office, machine: &Machine) {
    for entry in fs::read_dir(office.folder.path()).unwrap() {
        let entry = entry.unwrap();
        machine.file(&format!("etc/vetted/{}", entry.file_name().to_str().unwrap()), fs::read(entry.path()).unwrap());
    }
}

fn groups(machine: &Machine, folder: &str, groups: &str) {
    machine
        .file(&format!("{folder}/vetted-machine.toml"), format!("kind = \"vetted/machine\"\nschema = 1\ngroups = [{groups}]\n"));
}

/// A manifest as a layer of its own name.
fn layer(mode: &str, rest: &str) -> String {
    format!(
        "kind = \"vetted/manifest\"\nschema = 1\nname = \"below.example/app\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
         expires = 2027-11-20T00:00:00Z\nmode = \"{mode}\"\n{rest}"
    )
}

fn verdict(run: &Run) -> serde_json::Value {
    let json = run.json();
    let verdicts = json["verdicts"].as_array().unwrap();
    verdicts.iter().find(|v| v["tool"] == "openai-codex").unwrap_or_else(|| panic!("codex is not there\n{run}")).clone()
}

fn codes(run: &Run) -> Vec<String> {
    run.json()["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
}

fn check(machine: &Machine) -> Run {
    machine.vetted(&["check", "--format", "json"])
}

/// The revocations document of the one on call decides, and the answer says so with file and line.
#[test]
fn one_person_on_call_revokes_and_two_withdraw() {
    let office = Office::new();
    office.manifest(42, "[defaults]\nunlisted = \"allow\"\n");
    office.revocations(90211, &revoke("revocation", "ACME-1", "high", "0.200.0"));
    let mut machine = Machine::new();
    codex(&machine, "0.169.0");
    install(&office, &machine);
    let run = check(&machine).exits(1);
    let said = verdict(&run);
    assert_eq!((&said["verdict"], &said["rule"]["layer"]), (&"revoked".into(), &"revocations".into()), "{run}");
    assert_eq!(said["decided_by"], "acme.example/ai-tools revocations 90211 (dan)");
    let file = fs::read_to_string(office.path("vetted-revocations.toml")).unwrap();
    let line = file.lines().position(|line| line == "[[revocation]]").unwrap() + 1;
    assert_eq!(said["rule"]["line"], line);
    assert!(said["rule"]["path"].as_str().unwrap().ends_with("etc/vetted/vetted-revocations.toml"));
    assert_eq!(run.json()["policy"]["revocations"]["serial"], 90211);
    let human = machine.vetted(&["check"]).exits(1);
    assert!(human.stdout.contains("revocations 90211, 1 h old"), "{human}");
    let explained = machine.vetted(&["explain", "ACME-1"]).exits(0);
    assert!(explained.stdout.contains(&format!("vetted-revocations.toml:{line}")), "{explained}");

    // A version that is not revoked passes, and nobody takes the revocation back but the signers of the manifest.
    codex(&machine, "0.200.0");
    check(&machine).exits(0);
    codex(&machine, "0.169.0");
    office.manifest(43, "[defaults]\nunlisted = \"allow\"\n[[withdrawn]]\nid = \"ACME-1\"\nreason = \"audited again\"\n");
    office.revocations(90212, &revoke("revocation", "ACME-1", "high", "0.200.0"));
    install(&office, &machine);
    check(&machine).exits(0);
    let explained = machine.vetted(&["explain", "ACME-1"]).exits(0);
    assert!(explained.stdout.contains("withdraws it: audited again"), "{explained}");

    // t + 25 h: this machine knew the document, so there is a grace, and it is said; a CI runner has none.
    machine.at("2026-11-22T12:00:00Z");
    let run = check(&machine).exits(0);
    assert!(codes(&run).contains(&"policy-in-grace".to_owned()), "{run}");
    let mut runner = machine.command(env!("CARGO_BIN_EXE_vetted"));
    runner.args(["check"]).env("CI", "true");
    let run = machine.run(runner).exits(3);
    assert!(run.stdout.contains("cannot decide: the policy is older than it may be"), "{run}");
    assert!(run.stdout.contains("cause   vetted-revocations.toml expired 1 h ago"), "{run}");
    // After the grace: nothing passes, and what is revoked still blocks.
    machine.at("2026-11-25T12:00:00Z");
    check(&machine).exits(3);
}

/// T-09: neither a trusted vendor nor a perfect copy outweighs what the organisation says.
#[test]
fn what_is_not_pinned_blocks_and_what_is_pinned_and_revoked_blocks() {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    codex(&machine, "0.169.0");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice", "--mode", "enforce"]).exits(0);
    assert_eq!(verdict(&check(&machine).exits(1))["verdict"], "unvetted");
    machine.vetted(&["approve", "openai-codex", "--installed"]).exits(0);
    machine.vetted(&["sign"]).exits(0);
    assert_eq!(verdict(&check(&machine).exits(0))["verdict"], "approved");
    let manifest = machine.home().join(".config/vetted/vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}\n{}", revoke("revocation", "ACME-1", "high", "0.200.0"))).unwrap();
    machine.vetted(&["sign", "--renew"]).exits(0);
    let run = check(&machine).exits(1);
    assert_eq!(verdict(&run)["verdict"], "revoked", "{run}");
}

#[test]
fn an_overlay_holds_on_the_machines_of_its_group() {
    let office = Office::new();
    let overlay = format!(
        "[defaults]\nunlisted = \"allow\"\n[[overlay]]\nwhen = {{ group = \"eu\" }}\nunlisted = \"block\"\n{}",
        revoke("overlay.revocation", "ACME-EU-1", "high", "0.100.0")
    );
    office.manifest(43, &overlay);
    office.revocations(90212, "");
    let machine = Machine::new();
    install(&office, &machine);
    codex(&machine, "0.99.0");
    check(&machine).exits(0);
    groups(&machine, "etc/vetted", "\"us\"");
    check(&machine).exits(0);
    groups(&machine, "etc/vetted", "\"us\", \"eu\"");
    let run = check(&machine).exits(1);
    let said = verdict(&run);
    assert_eq!((&said["verdict"], &said["rule"]["layer"]), (&"revoked".into(), &"overlay".into()), "{run}");
    assert!(said["decided_by"].as_str().unwrap().ends_with(", overlay eu"), "{run}");
    assert_eq!(run.json()["policy"]["narrowed_by"][0]["group"], "eu");
    codex(&machine, "0.101.0");
    assert_eq!(verdict(&check(&machine).exits(1))["verdict"], "unvetted");

    // The user's folder says nothing of groups where the machine's own policy is in force.
    groups(&machine, "home/.config/vetted", "\"us\"");
    check(&machine).exits(1);
    // A file that cannot be read is no way out of a group.
    machine.file("etc/vetted/vetted-machine.toml", "kind = \"vetted/machine\"\nschema = 1\ngroups = \"eu\"\n");
    let run = check(&machine).exits(3);
    assert!(run.stderr.contains("which groups this machine is in") && run.stderr.contains("vetted-machine.toml"), "{run}");
}

/// T-07: a change that loosens the rules of its own repository is judged by the rules of the base, and what it says in vain is said.
#[test]
fn a_repository_cannot_loosen_the_rules_it_is_judged_by() {
    let office = Office::new();
    office.manifest(43, &revoke("revocation", "ACME-1", "high", "0.200.0"));
    office.revocations(90212, "");
    let machine = Machine::with_repository();
    install(&office, &machine);
    machine.file("work/package.json", r#"{"dependencies":{"@openai/codex":"0.169.0"}}"#);
    machine.file("work/vetted.toml", layer("enforce", &revoke("revocation", "REPO-1", "high", "0.300.0")));
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "base"]);
    let approval = "[[tool]]\nid = \"openai-codex\"\n[[tool.approval]]\nversion = \"0.250.0\"\napproved = { by = [\"mallory\"], at = 2026-11-20T10:00:00Z }\n\
         [[tool.approval.artifact]]\nrole = \"release\"\ndigest = { sha256 = \"7a0bd8d9cd1e4a8a9d0b8d6e6b7a2a9c5b8f1f0e3d2c1b0a9f8e7d6c5b4a3928\" }\n";
    let changes = [
        // It adds a tool.
        (layer("enforce", approval), "approval of openai-codex 0.250.0"),
        // It sets monitor.
        (layer("monitor", "[defaults]\nunlisted = \"allow\"\n"), "mode monitor"),
        // It ends the organisation's revocation.
        (layer("enforce", "[[withdrawn]]\nid = \"ACME-1\"\nreason = \"ours now\"\n"), "withdrawal of ACME-1"),
        // It writes the organisation's revocation with a smaller range.
        (layer("enforce", &revoke("revocation", "ACME-1", "low", "0.2.0")), "change of the revocation ACME-1"),
        // It waives.
        (layer("enforce", &waiver("W-9", "\"ACME-1\", \"unvetted\"", "")), "waiver W-9"),
    ];
    for (text, said) in changes {
        machine.file("work/vetted.toml", &text);
        // A revoked version, and one that only the repository's own rule of the base revokes.
        for version in ["0.169.0", "0.250.0"] {
            machine
                .file("work/package.json", format!(r#"{{"dependencies":{{"@openai/codex":"{version}"}},"name":"{version}"}}"#));
            machine.git(&["add", "."]);
            let staged = machine.vetted(&["check", "--format", "json", "--no-machine"]).exits(1);
            let messages: Vec<String> =
                staged.json()["findings"].as_array().unwrap().iter().map(|f| f["message"].as_str().unwrap().to_owned()).collect();
            assert!(messages.iter().any(|message| message.contains(said)), "{said}: {messages:?}");
            machine.git(&["commit", "-qm", "loosen"]);
            let run = machine.vetted(&["check", "--no-machine", "--format", "json", "--range", "HEAD~1..HEAD"]).exits(1);
            machine.git(&["reset", "-q", "--soft", "HEAD~1"]);
            let run = verdict(&run);
            assert_eq!(run["verdict"], "revoked", "{said} {version}");
        }
    }
}

/// A user's own layer narrows like a repository's.
#[test]
fn a_user_may_be_stricter_than_the_organisation() {
    let office = Office::new();
    office.manifest(43, "[defaults]\nunlisted = \"allow\"\n");
    office.revocations(90212, "");
    let machine = Machine::new();
    install(&office, &machine);
    codex(&machine, "0.169.0");
    check(&machine).exits(0);
    let path = "home/.config/vetted/vetted-user.toml";
    machine.file(path, layer("enforce", &revoke("revocation", "MINE-1", "low", "0.200.0")));
    let run = check(&machine).exits(1);
    assert_eq!(verdict(&run)["rule"]["layer"], "user", "{run}");
    assert!(verdict(&run)["decided_by"].as_str().unwrap().contains("of this user"), "{run}");
    machine.file(path, layer("monitor", "[defaults]\nunlisted = \"allow\"\n"));
    let run = check(&machine).exits(0);
    assert!(codes(&run).contains(&"layer-without-effect".to_owned()), "{run}");
    machine.file(path, "kind = ");
    let run = check(&machine).exits(3);
    assert!(run.stderr.contains("your own layer"), "{run}");
}

/// T-20 at the client: a waiver holds for what it names, where it says, and for nothing else.
#[test]
fn a_waiver_holds_in_its_scope_and_lifts_what_it_names() {
    let both = "\"ACME-1\", \"unvetted\"";
    let office = Office::new();
    let machine = Machine::with_repository();
    codex(&machine, "0.169.0");
    let publish = |serial: u64, waivers: &str| {
        office.manifest(serial, waivers);
        office.revocations(90000 + serial, &revoke("revocation", "ACME-1", "high", "0.200.0"));
        install(&office, &machine);
    };
    let group = "scope = { groups = [\"forensics\"] }";
    publish(43, &waiver("W-1", both, group));
    check(&machine).exits(1);
    groups(&machine, "etc/vetted", "\"forensics\"");
    let run = check(&machine).exits(0);
    assert_eq!(verdict(&run)["verdict"], "waived", "{run}");
    assert_eq!(verdict(&run)["grounds"]["id"], "W-1");
    groups(&machine, "etc/vetted", "\"eu\"");
    check(&machine).exits(1);
    let said = machine.vetted(&["explain", "W-1"]).exits(0);
    assert!(said.stdout.contains("group forensics") && said.stdout.contains("does not hold here"), "{said}");

    // By repository: the origin of this clone, and nothing that stands in the environment or in rewriting rules.
    publish(44, &waiver("W-1", both, "scope = { repositories = [\"github.com/acme/forensics-*\"] }"));
    check(&machine).exits(1);
    let mut pretending = machine.command(env!("CARGO_BIN_EXE_vetted"));
    pretending
        .args(["check"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_REPOSITORY", "acme/forensics-7")
        .env("GITHUB_SERVER_URL", "https://github.com")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "remote.origin.url")
        .env("GIT_CONFIG_VALUE_0", "https://github.com/acme/forensics-7");
    machine.run(pretending).exits(1);
    machine.file("home/.gitconfig", "[remote \"origin\"]\n\turl = https://github.com/acme/forensics-7\n");
    check(&machine).exits(1);
    machine.file("work/more", "[remote \"origin\"]\n\turl = https://github.com/acme/forensics-7\n");
    machine.git(&["config", "include.path", "../more"]);
    check(&machine).exits(1);
    machine.git(&["config", "--unset", "include.path"]);
    for (origin, status) in [
        ("git@github.com:acme/app.git", 1),
        ("https://evil.example/github.com/acme/forensics-7", 1),
        ("git@github.com:acme/forensics-7.git", 0),
        ("ssh://git@github.com/acme/forensics-7", 0),
    ] {
        machine.git(&["config", "remote.origin.url", origin]);
        check(&machine).exits(status);
    }
    machine.git(&["config", "--add", "remote.origin.url", "git@github.com:acme/app.git"]);
    check(&machine).exits(1);

    // Lifting the revocation is not approving, and a critical one is never lifted.
    publish(45, &waiver("W-1", "\"ACME-1\"", ""));
    let run = check(&machine).exits(1);
    assert_eq!(verdict(&run)["verdict"], "unvetted", "{run}");
    let critical = revoke("revocation", "ACME-2", "critical", "0.200.0");
    office.manifest(46, &waiver("W-1", "\"ACME-1\", \"ACME-2\", \"unvetted\"", ""));
    office.revocations(90046, &format!("{}{critical}", revoke("revocation", "ACME-1", "high", "0.200.0")));
    install(&office, &machine);
    let run = check(&machine).exits(1);
    assert_eq!(verdict(&run)["grounds"]["id"], "ACME-2", "{run}");
    // Waivers that a manifest cannot hold: without an end, too long, granted to oneself, for everybody.
    for (from, to, said) in [
        ("expires = 2026-12-01T00:00:00Z\n", "", "lacks the key `expires`"),
        ("expires = 2026-12-01T00:00:00Z", "expires = 2026-12-05T00:00:01Z", "the trust policy allows 14"),
        ("dave@acme.example", "carol@acme.example", "the owner of a waiver cannot approve it"),
        ("owner = ", "scope = { repositories = [\"*\"] }\nowner = ", "begins with no host"),
    ] {
        let text = waiver("W-1", both, "");
        assert!(text.contains(from));
        office.manifest(47, &text.replacen(from, to, 1));
        install(&office, &machine);
        let run = check(&machine).exits(3);
        assert!(run.stderr.contains(said), "{said}\n{run}");
    }
}

/// T-25 and the list of `docs/threat-model.md`: what a user or an agent can set loosens nothing under a policy of the machine.
#[test]
fn nothing_a_user_can_set_loosens_the_policy_of_the_machine() {
    let office = Office::new();
    office.manifest(43, &revoke("revocation", "ACME-1", "high", "0.100.0"));
    office.revocations(90212, "");
    let machine = Machine::new();
    install(&office, &machine);
    let lax = Office::new();
    lax.put(
        "vetted.toml",
        &manifest_text(99, "[defaults]\nunlisted = \"allow\"\n").replace("enforce", "monitor"),
        &["alice", "bob"],
    );
    lax.revocations(99999, "");
    let lax_folder = lax.folder.path().to_str().unwrap().to_owned();
    for entry in fs::read_dir(lax.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        machine.file(&format!("home/.config/vetted/{name}"), fs::read(entry.path()).unwrap());
        machine.file(&format!("home/elsewhere/vetted/{name}"), fs::read(entry.path()).unwrap());
    }
    groups(&machine, "home/.config/vetted", "\"forensics\"");
    codex(&machine, "0.169.0");
    check(&machine).exits(1);

    let elsewhere = machine.home().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let variables = [
        ("VETTED_MODE", "monitor"),
        ("VETTED_POLICY", &lax_folder),
        ("VETTED_TRUST", &lax_folder),
        ("VETTED_TRUST_POLICY", &lax_folder),
        ("VETTED_MANIFEST", &lax_folder),
        ("VETTED_GROUPS", "forensics"),
        ("VETTED_GRACE", "30d"),
        ("VETTED_MIN_SERIAL", "0"),
        ("VETTED_SKIP", "1"),
        ("VETTED_DISABLE", "1"),
        ("VETTED_UNLISTED", "allow"),
        ("VETTED_KEY_PASSWORD", "x"),
        ("XDG_CONFIG_HOME", elsewhere),
        ("XDG_STATE_HOME", elsewhere),
        ("XDG_CACHE_HOME", elsewhere),
        ("XDG_DATA_HOME", elsewhere),
        ("XDG_CONFIG_DIRS", elsewhere),
        ("APPDATA", elsewhere),
        ("LOCALAPPDATA", elsewhere),
        ("ProgramData", elsewhere),
        ("CI", "true"),
        ("CI", "false"),
        ("GITHUB_ACTIONS", "true"),
        ("NO_COLOR", "1"),
        ("COLUMNS", "1"),
    ];
    for (name, value) in variables {
        let mut command = machine.command(env!("CARGO_BIN_EXE_vetted"));
        command.args(["check", "--format", "json"]).env(name, value);
        let run = machine.run(command).exits(1);
        assert_eq!(run.json()["policy"]["serial"], 43, "{name}");
    }
    for arguments in [
        &["--policy", lax_folder.as_str()][..],
        &["--min-serial", "0"],
        &["--policy", lax_folder.as_str(), "--min-serial", "revocations=0", "--min-serial", "trust=0"],
        &["--quiet"],
        &["--verbose"],
    ] {
        machine.vetted(&[&["check"][..], arguments].concat()).exits(1);
    }
    // Without a home the tools there are not seen, and that is no pass for what is seen.
    let home = machine.home();
    machine.executable("bin/codex", fs::read(home.join(".npm-global/lib/node_modules/@openai/codex/cli.js")).unwrap());
    for name in ["HOME", "PATH"] {
        let mut command = machine.command(env!("CARGO_BIN_EXE_vetted"));
        command.args(["check", "--format", "json"]).env_remove(name);
        let run = machine.run(command);
        assert_eq!(run.json()["policy"]["serial"], 43, "{name}\n{run}");
        assert_eq!(run.json()["policy"]["mode"], "enforce", "{name}");
    }
    // A floor only refuses.
    machine.vetted(&["check", "--min-serial", "43"]).exits(1);
    for floor in ["44", "manifest=44", "revocations=90213", "trust=2"] {
        let run = machine.vetted(&["check", "--min-serial", floor]).exits(3);
        assert!(run.stderr.contains("--min-serial") || run.stderr.contains("at least"), "{floor}\n{run}");
    }
    machine.vetted(&["check", "--min-serial", "serial=1"]).exits(2);
}

/// A file that the one on call refuses by digest is found under any name, and is never taken for another tool.
#[test]
fn a_file_refused_by_the_one_on_call_is_found_and_stays_what_it_is() {
    let program = vec![7_u8; 2 << 20];
    let digest = vetted::digest::Digest::sha256_of(&program).hex();
    let refuse = |id: &str, tool: &str| {
        format!(
            "[[revocation]]\nid = \"{id}\"\n{tool}digests = [{{ sha256 = \"{digest}\" }}]\nreason = \"malicious\"\nseverity = \"high\"\n\
             effective = 2026-11-01T00:00:00Z\nmessage = \"A dropper.\"\n"
        )
    };
    let office = Office::new();
    let lifts = waiver("W-1", "\"ACME-2\", \"ACME-3\", \"unvetted\"", "");
    office.manifest(43, &format!("[defaults]\nunlisted = \"allow\"\n{lifts}"));
    office.revocations(90212, &refuse("ACME-2", ""));
    let machine = Machine::new();
    machine.executable("bin/harmless", &program);
    install(&office, &machine);
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("bin/harmless") && run.stdout.contains("A dropper."), "{run}");
    // The list of what is here has it, too.
    let run = machine.vetted(&["scan"]).exits(0);
    assert!(run.stdout.contains("revoked-file") && run.stdout.contains("bin/harmless"), "{run}");

    // Naming the waived tool beside the digest does not bring the file under the waiver of that tool.
    let named = refuse("ACME-3", "affected = [{ tool = \"openai-codex\" }]\n");
    office.revocations(90213, &format!("{}{named}", refuse("ACME-2", "")));
    install(&office, &machine);
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("bin/harmless"), "{run}");
}

#[test]
fn policy_explain_names_the_rule_and_what_every_other_layer_says() {
    let office = Office::new();
    let more = format!(
        "{}{}[[overlay]]\nwhen = {{ group = \"eu\" }}\n{}[[overlay]]\nwhen = {{ group = \"us\" }}\nunlisted = \"block\"\n",
        revoke("revocation", "ACME-1", "high", "0.100.0"),
        waiver("W-1", "\"ACME-7\"", "scope = { groups = [\"forensics\"] }"),
        revoke("overlay.revocation", "ACME-EU-1", "high", "0.200.0"),
    );
    office.manifest(43, &more);
    office.revocations(90212, &revoke("revocation", "ACME-7", "low", "0.150.0"));
    let machine = Machine::with_repository();
    install(&office, &machine);
    groups(&machine, "etc/vetted", "\"eu\"");
    codex(&machine, "0.169.0");
    machine.file("work/vetted.toml", layer("enforce", ""));
    machine.git(&["add", "."]);
    let run = machine.vetted(&["policy", "explain", "openai-codex"]).exits(0);
    // A file stands below its layer where both are too long for a line, which depends on where this machine lies.
    let text = run.stdout.replace("\n  [ROOT]", "  [ROOT]");
    insta::assert_snapshot!(text, @"
    revoked  openai-codex 0.169.0
      where   ~/.npm-global/lib/node_modules/@openai/codex
      effect  it blocks
      why     ACME-EU-1, high: Use another.
      by      acme.example/ai-tools 43 (alice, bob), overlay eu, since 1 Nov
      in      [ROOT]/etc/vetted/vetted.toml:27

    acme.example/ai-tools 43 (alice, bob)  [ROOT]/etc/vetted/vetted.toml
      line 8: ACME-1, high: does not cover this version
      line 15: waiver W-1 of ACME-7: does not hold here: this repository, machine or file is outside of
      its scope
      line 7: mode enforce
      block an unlisted cli, as where nothing is said of it
    acme.example/ai-tools revocations 90212 (dan)  [ROOT]/etc/vetted/vetted-revocations.toml
      line 8: ACME-7, low: does not cover this version
    overlay eu  [ROOT]/etc/vetted/vetted.toml
    > line 27: ACME-EU-1, high: covers it
    overlay us  [ROOT]/etc/vetted/vetted.toml
      line 34: not in force: this machine is not in the group us
      line 36: block an unlisted cli
    this repository  vetted.toml
      line 7: mode enforce
      block an unlisted cli, as where nothing is said of it
    ");
    let json = machine.vetted(&["policy", "explain", "openai-codex", "--format", "json"]).exits(0).json();
    let account = &json["accounts"][0];
    assert_eq!((&json["schema"], &account["verdict"]), (&"vetted/account/v1".into(), &"revoked".into()));
    let deciding: Vec<&serde_json::Value> = account["layers"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|l| l["statements"].as_array().unwrap())
        .filter(|s| s["decides"] == true)
        .collect();
    assert_eq!(deciding.len(), 1, "{account}");
    assert_eq!(deciding[0]["line"], account["rule"]["line"]);

    // A version that is not here is judged as a repository that asks for it would be.
    let run = machine.vetted(&["policy", "explain", "openai-codex@0.99.0"]).exits(0);
    assert!(run.stdout.starts_with("revoked  openai-codex 0.99.0") && run.stdout.contains("not here"), "{run}");
    let run = machine.vetted(&["policy", "explain", "openai-codex@0.300.0"]).exits(0);
    assert!(run.stdout.starts_with("unvetted  openai-codex 0.300.0"), "{run}");
    assert!(run.stdout.contains("> line 7: mode enforce\n> block an unlisted cli, as where nothing is said of it"), "{run}");
    machine.vetted(&["policy", "explain", "gemini-cli"]).exits(0);
    machine.vetted(&["policy", "explain", "no-such-tool"]).exits(2);
}

#[test]
fn doctor_says_how_old_each_document_is_and_what_this_machine_belongs_to() {
    let office = Office::new();
    office.manifest(43, "[sync]\nsources = [\"https://policy.acme.example/vetted/\"]\n");
    office.revocations(90212, "");
    let mut machine = Machine::new();
    install(&office, &machine);
    groups(&machine, "etc/vetted", "\"eu\"");
    let pin = "kind = \"vetted/source\"\nschema = 1\nsources = [\"https://first.acme.example/vetted/\"]\n";
    machine.file("etc/vetted/vetted-source.toml", pin);
    let run = machine.vetted(&["doctor"]).exits(0);
    for said in [
        "revocations 90212: 0 revocations",
        "signed by dan",
        "eu",
        "vetted-machine.toml",
        "https://policy.acme.example/vetted/ (manifest)\n            https://first.acme.example/vetted/ (vetted-source.toml)",
        "nothing older is believed than trust 1, manifest 43, revocations 90212",
        "version 1, expires",
    ] {
        assert!(run.stdout.contains(said), "{said}\n{run}");
    }
    // What looks at a policy looks at the one that applies here.
    let checked = machine.vetted(&["policy", "check"]).exits(0);
    assert!(checked.stdout.contains("etc/vetted: "), "{checked}");
    let difference = machine.vetted(&["policy", "diff", "--format", "json"]).exits(0).json();
    assert_eq!(difference["documents"][1]["to"], 43, "{difference}");
    // A sync asks in this order; the status says the same.
    let status = machine.vetted(&["policy", "status", "--format", "json"]).exits(0).json();
    let order = ["https://policy.acme.example/vetted/", "https://first.acme.example/vetted/"];
    assert_eq!(status["sources"], serde_json::json!(order));
    machine.at("2026-11-22T12:00:00Z");
    let run = machine.vetted(&["doctor"]).exits(0);
    assert!(run.stdout.contains("in grace: vetted-revocations.toml has expired"), "{run}");
    machine.at("2026-11-26T12:00:00Z");
    let run = machine.vetted(&["doctor"]);
    assert!(run.stdout.contains("nothing is approved any more"), "{run}");
    machine.at("2026-11-20T12:00:00Z");
    let run = machine.vetted(&["doctor"]);
    assert!(run.stdout.contains("the clock is") && run.stdout.contains("behind"), "{run}");
    assert!(Path::new(&machine.home()).join(".local/state/vetted").is_dir());
}
