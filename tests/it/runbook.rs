//! `docs/runbook.md` in code: one incident from the approval of a client to the end of its revocation, with every person on a
//! machine of their own and a git repository between them; and what a stolen on-call key tries.

use crate::support::{Machine, Run};
use std::fs;
use std::path::{Path, PathBuf};

const CLIENT: &str = "home/.npm-global/lib/node_modules/@anthropic-ai/claude-code";
const INCIDENT: &str = "ACME-2026-0042";

/// Everybody of the story.
struct Story {
    /// Holds the bare repository that everybody pushes to and syncs from.
    server: Machine,
    alice: Machine,
    bob: Machine,
    carol: Machine,
    /// On call: may revoke, and nothing else.
    dana: Machine,
    /// A developer, and two machines on which the incident is looked into.
    erin: Machine,
    forensics: [Machine; 2],
    /// SHA-256 of the first trust policy, as it is told to everybody by another way.
    fingerprint: String,
}

impl Story {
    /// A team makes its policy, approves the client, and everybody believes it.
    fn new() -> Self {
        let server = Machine::new();
        let bare = server.work().join("policy.git");
        server.git(&["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        let person = |name: &str| {
            let mut machine = Machine::new();
            machine.env("USER", name).env("VETTED_KEY_PASSWORD", format!("{name}'s password"));
            let key = format!("{name}.key");
            let run = machine.vetted(&["key", "generate", &key]).exits(0);
            machine.file(&format!("work/{name}.pub"), &run.stdout);
            machine
        };
        let [alice, bob, carol, dana] = ["alice", "bob", "carol", "dana"].map(person);
        let mut story = Self {
            erin: developer(),
            forensics: [developer(), developer()],
            server,
            alice,
            bob,
            carol,
            dana,
            fingerprint: String::new(),
        };
        story.begin();
        story
    }

    fn begin(&mut self) {
        let alice = &self.alice;
        for (name, machine) in [("bob", &self.bob), ("carol", &self.carol), ("dana", &self.dana)] {
            fs::copy(machine.work().join(format!("{name}.pub")), alice.work().join(format!("{name}.pub"))).unwrap();
        }
        let people = ["--signer", "alice=alice.pub", "--signer", "bob=bob.pub", "--signer", "carol=carol.pub"];
        let rest = ["--threshold", "2", "--on-call", "dana=dana.pub", "--mode", "enforce", "--name", "acme.example/ai-tools"];
        alice.vetted(&[&["init", "policy"][..], &people, &rest].concat()).exits(0);
        // The story begins before the advisory that the starter policy has.
        let manifest = alice.work().join("policy/vetted.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, &text[..text.find("[[revocation]]").expect("the starter's advisory")]).unwrap();
        alice.npm_package(CLIENT, "@anthropic-ai/claude-code", "2.1.150", "claude");
        alice.vetted(&["approve", "claude-code", "--installed", "--by", "alice", "--by", "bob", "--policy", "policy"]).exits(0);
        alice.git(&["-C", "policy", "init", "-q", "-b", "main"]);
        alice.git(&["-C", "policy", "remote", "add", "origin", self.bare().to_str().unwrap()]);
        for document in ["vetted-trust.toml", "vetted.toml"] {
            sign(alice, "alice", document).exits(0);
        }
        push(alice, "The first issue");
        for machine in [&self.bob, &self.carol, &self.dana] {
            machine.git(&["clone", "-q", self.bare().to_str().unwrap(), "policy"]);
        }
        for document in ["vetted-trust.toml", "vetted.toml"] {
            sign(&self.bob, "bob", document).exits(0);
        }
        push(&self.bob, "Bob signed");
        pull(&self.dana);
        // The manifest it names is the one that was signed, so the revocations are issued last.
        renew_revocations(&self.dana).exits(0);
        push(&self.dana, "The first revocations");
        let trust = fs::read(self.dana.work().join("policy/vetted-trust.toml")).unwrap();
        self.fingerprint = vetted::digest::Digest::sha256_of(&trust).hex();
        for machine in [&self.erin, &self.forensics[0], &self.forensics[1]] {
            machine.vetted(&["trust", "pin", &self.address(), "--sha256", &self.fingerprint]).exits(0);
        }
    }

    fn bare(&self) -> PathBuf {
        self.server.work().join("policy.git")
    }

    fn address(&self) -> String {
        format!("git+file://{}#main", self.bare().display())
    }

    fn everybody(&mut self) -> [&mut Machine; 7] {
        let Self { alice, bob, carol, dana, erin, forensics: [first, second], .. } = self;
        [alice, bob, carol, dana, erin, first, second]
    }

    fn at(&mut self, now: &str) {
        for machine in self.everybody() {
            machine.at(now);
        }
    }

    /// Two signers, one after the other, and the one on call, who names the new manifest.
    fn publish(&self, first: (&str, &Machine), second: (&str, &Machine), message: &str) {
        sign(first.1, first.0, "vetted.toml").exits(0);
        push(first.1, message);
        pull(second.1);
        sign(second.1, second.0, "vetted.toml").exits(0);
        push(second.1, "The second signature");
        pull(&self.dana);
        renew_revocations(&self.dana).exits(0);
        push(&self.dana, "Name the newest manifest");
    }
}

/// A developer with the client, a repository and the hook.
fn developer() -> Machine {
    let machine = Machine::with_repository();
    machine.npm_package(CLIENT, "@anthropic-ai/claude-code", "2.1.150", "claude");
    machine.vetted(&["hook", "install"]).exits(0);
    machine
}

fn sign(machine: &Machine, name: &str, document: &str) -> Run {
    machine.vetted(&["sign", &format!("policy/{document}"), "--key", &format!("{name}.key")])
}

fn renew_revocations(machine: &Machine) -> Run {
    machine.vetted(&["sign", "--renew", "policy/vetted-revocations.toml", "--key", "dana.key"])
}

fn push(machine: &Machine, message: &str) {
    machine.git(&["-C", "policy", "add", "-A"]);
    machine.git(&["-C", "policy", "commit", "-q", "-m", message]);
    machine.git(&["-C", "policy", "push", "-q", "origin", "main"]);
}

fn pull(machine: &Machine) {
    machine.git(&["-C", "policy", "pull", "-q", "--ff-only", "origin", "main"]);
}

/// The next commit of somebody, through the hook.
fn commit(machine: &Machine) -> Run {
    machine.file("work/notes.md", format!("{:?}", fs::read(machine.work().join("notes.md")).map(|b| b.len())));
    machine.git(&["add", "notes.md"]);
    machine.program("git", &["commit", "-q", "-m", "Work"])
}

fn sync(machine: &Machine) -> Run {
    machine.vetted(&["sync"])
}

/// Everything below a folder but git's own, by its name there.
fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != ".git") {
                open.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The documents that a machine goes by.
fn in_force(machine: &Machine) -> Vec<(String, Vec<u8>)> {
    let folder = machine.home().join(".config/vetted");
    let current = fs::read_to_string(folder.join("vetted-current")).unwrap();
    files_below(&folder.join("vetted-sets").join(current.trim()))
}

#[test]
fn an_incident_from_the_approval_to_the_withdrawal() {
    let mut story = Story::new();
    commit(&story.erin).exits(0);
    commit(&story.forensics[0]).exits(0);

    // The person on call revokes, alone.
    story.at("2026-11-21T14:00:00Z");
    let run = story
        .dana
        .vetted(&[
            "revoke",
            "claude-code",
            "--introduced",
            "2.1.91",
            "--fixed",
            "2.1.198",
            "--reason",
            "undisclosed-tracking",
            "--replacement",
            "claude-code@2.1.329",
            "--id",
            INCIDENT,
            "--policy",
            "policy",
        ])
        .exits(0);
    assert!(run.stderr.contains("vetted-revocations.toml"), "{run}");
    sign(&story.dana, "dana", "vetted-revocations.toml").exits(0);
    push(&story.dana, "Refuse the client");

    // Before the sync the developer's machine knows nothing of it; after it the next commit is blocked, with the way out.
    commit(&story.erin).exits(0);
    sync(&story.erin).exits(0);
    let run = commit(&story.erin).exits(1);
    assert!(run.stderr.contains(INCIDENT) || run.stdout.contains(INCIDENT), "{run}");
    let shown = format!("{}{}", run.stdout, run.stderr);
    assert!(shown.contains("npm install -g @anthropic-ai/claude-code@2.1.329"), "{run}");

    // Two machines may go on, for a week.
    pull(&story.alice);
    story
        .alice
        .vetted(&[
            "waive",
            "claude-code",
            "--lifts",
            INCIDENT,
            "--versions",
            "2.1.150",
            "--owner",
            "carol@acme.example",
            "--approver",
            "dave@acme.example",
            "--reason",
            "reverse engineering of the tracker",
            "--for",
            "7d",
            "--group",
            "incident-forensics",
            "--policy",
            "policy",
        ])
        .exits(0);
    story.publish(("alice", &story.alice), ("bob", &story.bob), "A waiver for two machines");
    let groups = "kind = \"vetted/machine\"\nschema = 1\ngroups = [\"incident-forensics\"]\n";
    for machine in &story.forensics {
        machine.file("home/.config/vetted/vetted-machine.toml", groups);
        sync(machine).exits(0);
        let run = commit(machine).exits(0);
        assert!(format!("{}{}", run.stdout, run.stderr).contains("waived"), "{run}");
    }
    sync(&story.erin).exits(0);
    commit(&story.erin).exits(1);

    // It ends with the day on which it ends.
    story.at("2026-11-28T14:00:01Z");
    renew_revocations(&story.dana).exits(0);
    push(&story.dana, "The hourly issue");
    sync(&story.forensics[0]).exits(0);
    commit(&story.forensics[0]).exits(1);

    // Two signers withdraw it.
    pull(&story.carol);
    let withdraw = ["withdraw", INCIDENT, "--reason", "read again: the finding was of another product", "--policy", "policy"];
    story.carol.vetted(&withdraw).exits(0);
    pull(&story.alice);
    story.publish(("carol", &story.carol), ("alice", &story.alice), "Withdraw the revocation");
    for machine in [&story.erin, &story.forensics[0]] {
        sync(machine).exits(0);
        commit(machine).exits(0);
    }
}

/// Whoever holds the key of the person on call can refuse, loudly. Approving, lifting and rolling back are refused, each for its
/// own reason, and the last good policy stays.
#[test]
fn a_stolen_on_call_key_can_only_refuse() {
    let mut story = Story::new();
    story.at("2026-11-21T13:00:00Z");
    let first: Vec<_> = ["vetted-revocations.toml", "vetted-revocations.toml.sigstore.json"]
        .map(|name| fs::read(story.dana.work().join("policy").join(name)).unwrap())
        .into();
    let revoke = ["revoke", "claude-code", "--introduced", "2.1.91", "--reason", "malicious", "--id", INCIDENT];
    story.dana.vetted(&[&revoke[..], &["--policy", "policy"]].concat()).exits(0);
    sign(&story.dana, "dana", "vetted-revocations.toml").exits(0);
    push(&story.dana, "Refuse the client");
    sync(&story.erin).exits(0);
    commit(&story.erin).exits(1);
    let believed = in_force(&story.erin);

    // The thief has the key, its password and write access to the repository.
    let thief = &story.dana;
    let policy = thief.work().join("policy");
    let honest = files_below(&policy);
    let attempt = |story: &Story, reason: &str| {
        let thief = &story.dana;
        push(thief, "An attempt");
        let run = sync(&story.erin);
        assert_eq!(run.status, 3, "{run}");
        assert!(run.stderr.contains(reason), "{reason:?} is not said:\n{run}");
        assert!(in_force(&story.erin) == believed, "the last good policy stays");
        let run = commit(&story.erin).exits(1);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(INCIDENT), "and blocks: {run}");
        for (name, content) in &honest {
            fs::write(thief.work().join("policy").join(name), content).unwrap();
        }
        push(thief, "As it was");
        sync(&story.erin).exits(0);
    };

    // Approving: the tool does not sign, and a signature made without it does not count.
    let manifest = policy.join("vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("mode    = \"enforce\"", "mode    = \"monitor\"").replace("serial  = 2", "serial  = 3"))
        .unwrap();
    let run = sign(thief, "dana", "vetted.toml").exits(2);
    assert!(run.stderr.contains("may not sign"), "{run}");
    let key = key_of(thief);
    let line = key.sign(&fs::read(&manifest).unwrap()).unwrap();
    let _ = fs::remove_file(policy.join("vetted.toml.sigstore.jsonl"));
    fs::write(policy.join("vetted.toml.sigstore.json"), line).unwrap();
    attempt(&story, "no holder of the role `manifest`");

    // Lifting: the refusal is left out of the next issue.
    let text = fs::read_to_string(policy.join("vetted-revocations.toml")).unwrap();
    let without = text[..text.find("[[revocation]]").unwrap()].to_owned();
    fs::write(policy.join("vetted-revocations.toml"), without).unwrap();
    renew_revocations(thief).exits(0);
    attempt(&story, &format!("revocations that were in force are gone and not withdrawn: {INCIDENT}"));

    // Lifting: the refusal covers less in the next issue.
    fs::write(policy.join("vetted-revocations.toml"), text.replace("introduced = \"2.1.91\"", "introduced = \"9.0.0\"")).unwrap();
    renew_revocations(thief).exits(0);
    attempt(&story, &format!("the revocation `{INCIDENT}` no longer says what it said when it was believed"));

    // Rolling back: the issue from before the refusal, which is signed and was good.
    fs::write(policy.join("vetted-revocations.toml"), &first[0]).unwrap();
    fs::write(policy.join("vetted-revocations.toml.sigstore.json"), &first[1]).unwrap();
    attempt(&story, "the revocations document has serial 2, and this machine believed serial 3 before");
}

/// The private key of the person on call, as somebody has it who took file and password.
fn key_of(machine: &Machine) -> vetted::trust::sigstore::SigningKey {
    let pem = fs::read_to_string(machine.work().join("dana.key")).unwrap();
    let password = vetted::trust::key::Password::new("dana's password".to_owned()).unwrap();
    vetted::trust::key::decrypt(&pem, &password).unwrap()
}

/// What a sync brought is looked at like any policy, and is not the place to change it.
#[test]
fn a_synced_policy_is_looked_at_here_and_changed_where_it_is_kept() {
    let story = Story::new();
    let status = story.erin.vetted(&["policy", "status", "--format", "json"]).exits(0).json();
    assert_eq!(status["documents"].as_array().map(Vec::len), Some(3), "{status}");
    assert!(status["sources"][0].as_str().is_some_and(|source| source.starts_with("git+file://")), "{status}");
    story.erin.vetted(&["policy", "check"]).exits(0);
    let run = story.erin.vetted(&["policy", "diff"]).exits(0);
    assert!(run.stdout.contains("newly allows nothing") && !run.stdout.contains("(new)"), "{run}");
    // The policy in force is the synced one, and the files that it pins are beside its documents.
    let run = story.erin.vetted(&["policy", "simulate"]).exits(0);
    assert!(run.stdout.replace('\n', " ").contains("in place of acme.example/ai-tools 2, revocations 2"), "{run}");
    assert!(run.stdout.contains("unchanged: 0 stopped, 1 passing"), "{run}");
    for arguments in [
        &["revoke", "claude-code", "--introduced", "0", "--reason", "policy"][..],
        &["withdraw", "ACME-2026-0001", "--reason", "none"],
        &["trust", "next"],
        &["sign"],
    ] {
        let run = story.erin.vetted(arguments).exits(2);
        assert!(run.stderr.contains("is brought here by `vetted sync`"), "{arguments:?}: {run}");
    }
}

/// A machine that was told whom to believe and has not got it yet does not fall back to a weaker policy.
#[test]
fn a_pin_without_its_policy_is_undecided() {
    let machine = Machine::new();
    let pin = "kind = \"vetted/source\"\nschema = 1\nsources = [\"https://policy.acme.example/vetted\"]\n\
        trust = { sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\" }\n";
    for folder in ["home/.config/vetted", "etc/vetted"] {
        machine.file(&format!("{folder}/vetted-source.toml"), pin);
        let run = machine.vetted(&["check"]).exits(3);
        assert!(run.stderr.contains("vetted sync"), "{run}");
        let run = machine.vetted(&["policy", "status"]).exits(2);
        assert!(run.stderr.contains("`vetted sync` brings the one that is pinned"), "{run}");
    }
}

/// The commands of the page exist, with the options that it shows.
#[test]
fn the_page_shows_commands_that_exist() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md")).unwrap();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let machine = Machine::new();
    let mut seen = 0;
    for text in [page, readme] {
        let whole = text.replace("\\\n", " ");
        for line in whole.lines() {
            let Some(command) = line.trim_start().trim_start_matches("$ ").strip_prefix("vetted ") else { continue };
            let words: Vec<&str> = command.split_whitespace().take_while(|w| !["#", ">", "|"].contains(w)).collect();
            let names: Vec<&str> =
                words.iter().copied().take_while(|w| w.bytes().all(|b| b.is_ascii_lowercase())).take(2).collect();
            // The first words that the program knows as a command: `sign`, `trust pin`.
            let help = (1..=names.len())
                .rev()
                .map(|n| machine.vetted(&[&names[..n], &["--help"][..]].concat()))
                .find(|run| run.status == 0)
                .unwrap_or_else(|| panic!("no command: vetted {command}"));
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.stdout.contains(option), "`{option}` in: vetted {command}");
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} commands were seen");
}
