//! The commands of a security team: each changes one document and leaves every other byte alone, or looks and changes nothing.

use crate::support::{Machine, Run};
use std::fs;
use std::path::PathBuf;
use vetted::trust::document::signature_paths;
use vetted::trust::key;
use vetted::trust::sigstore::SigningKey;

/// A policy of three people, two of whom sign the manifest, and one on call, made by `vetted init` and signed by them.
struct Team {
    machine: Machine,
    alice: SigningKey,
    bob: SigningKey,
    dana: SigningKey,
}

const FOLDER: &str = "work/policy";

impl Team {
    fn new(mode: &str) -> Self {
        let generate = || key::generate().unwrap().0;
        let team = Self { machine: Machine::new(), alice: generate(), bob: generate(), dana: generate() };
        let carol = generate();
        for (name, key) in [("alice", &team.alice), ("bob", &team.bob), ("carol", &carol), ("dana", &team.dana)] {
            team.machine.file(&format!("work/{name}.pub"), key.public_pem());
        }
        let init = [
            "init",
            "policy",
            "--name",
            "acme.example/ai-tools",
            "--mode",
            mode,
            "--threshold",
            "2",
            "--signer",
            "alice=alice.pub",
            "--signer",
            "bob=bob.pub",
            "--signer",
            "carol=carol.pub",
            "--on-call",
            "dana=dana.pub",
        ];
        team.machine.vetted(&init).exits(0);
        team.sign("vetted-trust.toml", &[&team.alice, &team.bob]);
        team.sign("vetted.toml", &[&team.alice, &team.bob]);
        team.sign("vetted-revocations.toml", &[&team.dana]);
        team
    }

    fn path(&self, name: &str) -> PathBuf {
        self.machine.work().join("policy").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        self.machine.file(&format!("{FOLDER}/{name}"), text);
    }

    fn sign(&self, name: &str, keys: &[&SigningKey]) {
        let text = self.read(name);
        let lines: Vec<String> = keys.iter().map(|key| key.sign(text.as_bytes()).unwrap()).collect();
        let [many, one] = signature_paths(&self.path(name));
        let _ = fs::remove_file(one);
        fs::write(many, lines.join("\n") + "\n").unwrap();
    }

    /// `vetted` with the policy folder named at the end.
    fn vetted(&self, arguments: &[&str]) -> Run {
        self.machine.vetted(&[arguments, &["--policy", "policy"]].concat())
    }

    fn revoke(&self, id: &str) -> Run {
        self.vetted(&[
            "revoke",
            "claude-code",
            "--introduced",
            "2.1.91",
            "--fixed",
            "2.1.198",
            "--reason",
            "malicious",
            "--id",
            id,
        ])
    }

    /// A manifest with an approval and comments, signed.
    fn with_approval(mode: &str) -> Self {
        let team = Self::new(mode);
        let text = team.read("vetted.toml") + APPROVAL;
        team.write("vetted.toml", &text.replace("serial  = 1", "serial  = 0x2 # counted by hand"));
        team.sign("vetted.toml", &[&team.alice, &team.bob]);
        team.sign_revocations_anew();
        team
    }

    /// The manifest was replaced under the same name: the beacon has to name it.
    fn sign_revocations_anew(&self) {
        let manifest = self.read("vetted.toml");
        let sha256 = vetted::digest::Digest::sha256_of(manifest.as_bytes()).hex();
        let text: String = self
            .read("vetted-revocations.toml")
            .lines()
            .map(|line| {
                if line.starts_with("manifest") {
                    format!("manifest = {{ serial = 2, sha256 = \"{sha256}\" }}\n")
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        self.write("vetted-revocations.toml", &text);
        self.sign("vetted-revocations.toml", &[&self.dana]);
    }
}

const APPROVAL: &str = "\n# our own\n[[tool]]\nid = \"gemini-cli\" # approved by hand\n[[tool.approval]]\nversion = \"0.61.0\"\n\
    approved = { by = [\"alice\"], at = 2026-11-20T10:00:00Z }\n[[tool.approval.artifact]]\nrole = \"release\"\n\
    digest = { sha256 = \"1111111111111111111111111111111111111111111111111111111111111111\" }\n# the end\n";

/// Every line of the old text stands in the new one, in the same order, but for the values of the next issue.
fn keeps_every_line(old: &str, new: &str) {
    let is_head = |line: &str| ["serial", "issued", "expires", "manifest"].iter().any(|key| line.starts_with(key));
    let mut after = new.lines().filter(|line| !is_head(line));
    for line in old.lines().filter(|line| !is_head(line)) {
        assert!(after.any(|other| other == line), "{line:?} is lost in\n{new}");
    }
}

// init

#[test]
fn a_team_begins_with_thresholds_and_somebody_on_call() {
    let team = Team::new("enforce");
    let trust = team.read("vetted-trust.toml");
    assert!(trust.contains("[role.manifest]\nthreshold = 2\nsigners   = [\"alice\", \"bob\", \"carol\"]\n"), "{trust}");
    assert!(
        trust.contains("[role.revocations]\nthreshold = 1\nsigners   = [\"dana\", \"alice\", \"bob\", \"carol\"]\n"),
        "{trust}"
    );
    assert!(team.read("vetted-revocations.toml").contains("expires  = 2026-11-22T12:00:00Z"));
    team.vetted(&["check"]).exits(0);
    assert!(!team.machine.home().join(".config/vetted/keys").exists(), "everybody has a key: none is made");
}

#[test]
fn without_a_threshold_it_is_more_than_half() {
    let machine = Machine::new();
    for name in ["a", "b", "c", "d"] {
        machine.file(&format!("work/{name}.pub"), key::generate().unwrap().0.public_pem());
    }
    for (people, expected) in [(&["a"][..], 1), (&["a", "b"], 2), (&["a", "b", "c"], 2), (&["a", "b", "c", "d"], 3)] {
        let folder = format!("policy-{}", people.len());
        let mut arguments = vec!["init".to_owned(), folder.clone()];
        for name in people {
            arguments.extend(["--signer".to_owned(), format!("{name}={name}.pub")]);
        }
        let run = machine.vetted(&arguments).exits(0);
        let trust = fs::read_to_string(machine.work().join(&folder).join("vetted-trust.toml")).unwrap();
        assert_eq!(trust.matches(&format!("threshold = {expected}\n")).count(), 2, "{trust}");
        assert!(run.stderr.contains("vetted sign --policy"), "it says that it waits for signatures\n{run}");
        assert!(!machine.work().join(&folder).join("vetted-revocations.toml").exists());
    }
}

#[test]
fn one_of_a_team_can_make_a_key_on_the_way() {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", "correct horse");
    let bob = key::generate().unwrap().0;
    machine.file("work/bob.pub", bob.public_pem());
    let run = machine.vetted(&["init", "policy", "--signer", "alice", "--signer", "bob=bob.pub"]).exits(0);
    assert!(run.stderr.contains("  bob, with a key of their own:"), "{run}");
    assert!(machine.home().join(".config/vetted/keys/alice.key").is_file());
    machine.vetted(&["check", "--policy", "policy"]).exits(3);
    for name in ["vetted-trust.toml", "vetted.toml"] {
        let path = machine.work().join("policy").join(name);
        let [many, one] = signature_paths(&path);
        let alice = fs::read_to_string(&one).unwrap();
        let bob = bob.sign(&fs::read(&path).unwrap()).unwrap();
        fs::remove_file(one).unwrap();
        fs::write(many, format!("{}\n{bob}\n", alice.trim_end())).unwrap();
    }
    machine.vetted(&["check", "--policy", "policy"]).exits(0);
}

#[test]
fn a_team_that_cannot_be_is_refused_and_leaves_nothing() {
    let machine = Machine::new();
    machine.file("work/a.pub", key::generate().unwrap().0.public_pem());
    machine.file("work/b.pub", key::generate().unwrap().0.public_pem());
    machine.file("work/no.pub", "hello");
    for (arguments, says) in [
        (&["--signer", "a=a.pub", "--threshold", "2"][..], "can never be reached"),
        (&["--signer", "a", "--signer", "b"], "one key is made here"),
        (&["--signer", "a=a.pub", "--on-call", "d"], "names no public key"),
        (&["--signer", "a=no.pub"], "no PEM text"),
        (&["--signer", "a=missing.pub"], "does not exist"),
        (&["--signer", "a=a.pub", "--signer", "b=a.pub"], "stands twice"),
        (&["--signer", "a=a.pub", "--signer", "a=b.pub"], "stands twice"),
        (&["--signer", "a=a.pub", "--key", "x.key"], "no key is made"),
        (&["--signer", "a=a.pub", "--threshold", "0"], "0 is not in"),
    ] {
        let run = machine.vetted(&[&["init", "policy"], arguments].concat()).exits(2);
        assert!(run.stderr.contains(says), "{says}\n{run}");
        assert!(!machine.work().join("policy").exists(), "{run}");
    }
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let machine = Machine::new();
    let run = machine.vetted(&["init", "policy"]).exits(2);
    assert!(run.stderr.contains("nobody can be asked for it"), "{run}");
    assert!(!machine.work().join("policy").exists());
}

// revoke

#[test]
fn the_one_on_call_revokes_and_touches_nothing_else() {
    let team = Team::with_approval("enforce");
    let (manifest, before) = (team.read("vetted.toml"), team.read("vetted-revocations.toml"));
    team.write("vetted-revocations.toml", &before.replace("schema   = 1", "schema   = 1 # on call"));
    team.sign("vetted-revocations.toml", &[&team.dana]);
    let before = team.read("vetted-revocations.toml");
    let run = team.revoke("ACME-2026-0042").exits(0);
    assert!(run.stderr.contains("nothing that is approved is stopped by it"), "{run}");
    assert_eq!(team.read("vetted.toml"), manifest);
    let after = team.read("vetted-revocations.toml");
    keeps_every_line(&before, &after);
    assert!(after.contains("schema   = 1 # on call") && after.contains("serial   = 2\n"), "{after}");
    let sha256 = vetted::digest::Digest::sha256_of(manifest.as_bytes()).hex();
    assert!(after.contains(&format!("manifest = {{ serial = 2, sha256 = \"{sha256}\" }}")), "{after}");
    team.vetted(&["check"]).exits(3);
    team.sign("vetted-revocations.toml", &[&team.dana]);
    team.vetted(&["check"]).exits(0);
    // Ids are unique in both documents.
    let again = team.vetted(&["revoke", "vendor:anthropic", "--reason", "policy", "--id", "VETTED-2026-0001"]).exits(2);
    assert!(again.stderr.contains("is taken"), "{again}");
}

#[test]
fn what_it_stops_is_said() {
    let team = Team::with_approval("enforce");
    let run = team.vetted(&["revoke", "gemini-cli", "--introduced", "0.60.0", "--reason", "malicious"]).exits(0);
    assert!(run.stderr.contains("it stops what is approved: gemini-cli 0.61.0"), "{run}");
    assert!(run.stderr.contains("ACME-2026-0001"), "{run}");
    let run = team.vetted(&["revoke", "vendor:nobody-we-know", "--reason", "policy"]).exits(0);
    assert!(run.stderr.contains("warning: it matches nothing that is known"), "{run}");
    assert!(run.stderr.contains("ACME-2026-0002"), "{run}");
}

#[test]
fn a_long_lived_revocation_goes_into_the_manifest() {
    let team = Team::with_approval("enforce");
    let (manifest, swift) = (team.read("vetted.toml"), team.read("vetted-revocations.toml"));
    let arguments = ["revoke", "vendor:anthropic", "--reason", "policy", "--long-lived"];
    team.vetted(&arguments).exits(0);
    assert_eq!(team.read("vetted-revocations.toml"), swift);
    let after = team.read("vetted.toml");
    keeps_every_line(&manifest, &after);
    assert!(after.contains("serial  = 3 # counted by hand") && after.contains("vendor = \"anthropic\""), "{after}");
}

#[test]
fn a_missing_revocations_document_is_made() {
    let team = Team::with_approval("enforce");
    for path in signature_paths(&team.path("vetted-revocations.toml")) {
        let _ = fs::remove_file(path);
    }
    fs::remove_file(team.path("vetted-revocations.toml")).unwrap();
    let check = team.vetted(&["policy", "check"]).exits(2);
    assert!(check.stdout.contains("there is no vetted-revocations.toml"), "{check}");
    team.revoke("ACME-2026-0042").exits(0);
    let made = team.read("vetted-revocations.toml");
    assert!(made.contains("serial   = 1\n") && made.contains("expires  = 2026-11-22T12:00:00Z"), "{made}");
    team.sign("vetted-revocations.toml", &[&team.dana]);
    team.vetted(&["check"]).exits(0);
}

/// While the team works on the next manifest, the one on call revokes: the beacon names the one that clients have.
#[test]
fn a_draft_of_the_manifest_is_not_named_as_the_newest() {
    let team = Team::with_approval("enforce");
    let signed = vetted::digest::Digest::sha256_of(team.read("vetted.toml").as_bytes()).hex();
    team.vetted(&["revoke", "vendor:anthropic", "--reason", "policy", "--long-lived"]).exits(0);
    team.revoke("ACME-2026-0042").exits(0);
    assert!(team.read("vetted-revocations.toml").contains(&format!("serial = 2, sha256 = \"{signed}\"")));
    // Not even where the draft cannot be read.
    team.write("vetted.toml", "half writ");
    team.revoke("ACME-2026-0043").exits(0);
    assert!(team.read("vetted-revocations.toml").contains(&format!("serial = 2, sha256 = \"{signed}\"")));
}

// withdraw

#[test]
fn a_revocation_of_either_document_ends_in_the_manifest() {
    let team = Team::with_approval("enforce");
    team.revoke("ACME-2026-0042").exits(0);
    team.sign("vetted-revocations.toml", &[&team.dana]);
    let before = team.read("vetted.toml");
    let run = team.vetted(&["withdraw", "ACME-2026-0042", "--reason", "fixed in 2.1.198 \"again\""]).exits(0);
    assert!(run.stderr.contains("serial 2 -> 3"), "{run}");
    let after = team.read("vetted.toml");
    keeps_every_line(&before, &after);
    assert!(after.ends_with("[[withdrawn]]\nid     = \"ACME-2026-0042\"\nreason = 'fixed in 2.1.198 \"again\"'\n"), "{after}");
    let again = team.vetted(&["withdraw", "ACME-2026-0042", "--reason", "x"]).exits(2);
    assert!(again.stderr.contains("is withdrawn already") && again.stderr.contains("fixed in 2.1.198"), "{again}");
    team.vetted(&["withdraw", "VETTED-2026-0001", "--reason", "audited"]).exits(0);
    let unknown = team.vetted(&["withdraw", "ACME-2026-0999", "--reason", "x"]).exits(2);
    assert!(unknown.stderr.contains("the ids are VETTED-2026-0001, ACME-2026-0042"), "{unknown}");
}

// waive

const WAIVE: [&str; 9] = [
    "waive",
    "claude-code",
    "--lifts",
    "VETTED-2026-0001,unvetted",
    "--owner",
    "carol@acme.example",
    "--reason",
    "forensics",
    "--for",
];

#[test]
fn a_waiver_is_written_as_it_was_meant() {
    let team = Team::with_approval("enforce");
    let before = team.read("vetted.toml");
    let digest = format!("sha256:{}", "ab".repeat(32));
    let more = [
        "7d",
        "--approver",
        "dave",
        "--versions",
        "2.1.91",
        "--digest",
        &digest,
        "--group",
        "lab",
        "--repository",
        "github.com/acme/forensics-*",
    ];
    let run = team.vetted(&[&WAIVE[..], &more].concat()).exits(0);
    assert!(
        run.stderr
            .contains("W-2026-001: claude-code 2.1.91 may pass until 2026-11-28T12:00:00Z (lab, github.com/acme/forensics-*)"),
        "{run}"
    );
    let after = team.read("vetted.toml");
    keeps_every_line(&before, &after);
    assert!(after.contains("scope    = { repositories = [\"github.com/acme/forensics-*\"], groups = [\"lab\"] }"), "{after}");
    team.vetted(&["policy", "check"]).exits(0);
    let run = team.vetted(&[&WAIVE[..], &["12h", "--approver", "dave"]].concat()).exits(0);
    assert!(
        run.stderr.contains("W-2026-002: claude-code in every version may pass until 2026-11-22T00:00:00Z (everywhere)"),
        "{run}"
    );
}

#[test]
fn everything_that_is_wrong_with_a_waiver_is_said_at_once() {
    let team = Team::with_approval("enforce");
    team.vetted(&[
        "revoke",
        "openai-codex",
        "--introduced",
        "0",
        "--reason",
        "malicious",
        "--severity",
        "critical",
        "--id",
        "CRITICAL",
    ])
    .exits(0);
    let before = team.read("vetted.toml");
    let run = team
        .vetted(&[
            "waive",
            "no-such-tool",
            "--lifts",
            "NONE,CRITICAL,mismatched",
            "--owner",
            "carol",
            "--approver",
            "Carol",
            "--reason",
            "x",
            "--for",
            "15d",
            "--digest",
            "md5:00",
            "--repository",
            "*",
        ])
        .exits(2);
    for part in [
        "no tool is called `no-such-tool`",
        "no revocation has the id `NONE`",
        "`CRITICAL` is critical: no waiver lifts it",
        "is not `sha256:` and 64 hex digits",
        "lets a waiver run for at most 14d",
        "the owner of a waiver cannot approve it",
    ] {
        assert!(run.stderr.contains(part), "{part}\n{run}");
    }
    assert_eq!(team.read("vetted.toml"), before);
    for (arguments, says) in [
        (&["--until", "2026-11-01", "--approver", "dave"][..], "it would end at"),
        (&["--until", "soon", "--approver", "dave"], "is no date"),
        (&["--for", "a week", "--approver", "dave"], "is not a span of time"),
        (&["--approver", "dave"], "required"),
        (&["--for", "1d", "--until", "2026-11-22", "--approver", "dave"], "cannot be used with"),
    ] {
        let run = team.vetted(&[&WAIVE[..8], arguments].concat()).exits(2);
        assert!(run.stderr.contains(says), "{says}\n{run}");
    }
    assert_eq!(team.read("vetted.toml"), before);
}

#[test]
fn the_limit_of_waivers_is_that_of_the_trust_policy() {
    let team = Team::with_approval("enforce");
    let trust = team.read("vetted-trust.toml") + "\n[role.waivers]\nmax-duration = \"2d\"\n";
    team.write("vetted-trust.toml", &trust);
    let run = team.vetted(&[&WAIVE[..], &["3d", "--approver", "dave"]].concat()).exits(2);
    assert!(run.stderr.contains("for at most 2d"), "{run}");
    team.vetted(&[&WAIVE[..], &["2d", "--approver", "dave"]].concat()).exits(0);
}

// trust next

#[test]
fn the_next_version_keeps_the_one_before() {
    let team = Team::with_approval("enforce");
    let before = team.read("vetted-trust.toml");
    team.vetted(&["check"]).exits(0);
    let run = team.vetted(&["trust", "next", "--for", "30d"]).exits(0);
    assert!(run.stderr.contains("version 1 -> 2, expires 2026-12-21T12:00:00Z"), "{run}");
    assert_eq!(team.read("vetted-trust.1.toml"), before);
    let changed =
        before.replace("version = 1", "version = 2").replace("expires = 2027-11-21T12:00:00Z", "expires = 2026-12-21T12:00:00Z");
    assert_eq!(team.read("vetted-trust.toml"), changed);
    let again = team.vetted(&["trust", "next"]).exits(2);
    assert!(again.stderr.contains("version 2 is not signed in full"), "{again}");
    team.sign("vetted-trust.toml", &[&team.alice, &team.bob]);
    team.vetted(&["check"]).exits(0);
    team.vetted(&["trust", "next"]).exits(0);
    assert_eq!(team.read("vetted-trust.2.toml"), changed);
    fs::remove_file(team.path("vetted-trust.1.toml")).unwrap();
    let check = team.vetted(&["policy", "check"]);
    assert!(!check.stdout.contains("version 2 of vetted-trust.toml is not there"), "{check}");
}

#[test]
fn an_earlier_version_that_is_another_one_is_not_overwritten() {
    let team = Team::new("enforce");
    team.write("vetted-trust.1.toml", "other");
    let before = team.read("vetted-trust.toml");
    let run = team.vetted(&["trust", "next"]).exits(2);
    assert!(run.stderr.contains("holds something else"), "{run}");
    assert_eq!((team.read("vetted-trust.1.toml").as_str(), team.read("vetted-trust.toml")), ("other", before));
}

// policy check

#[test]
fn a_good_policy_has_nothing_wrong() {
    let team = Team::with_approval("enforce");
    let run = team.vetted(&["policy", "check"]).exits(0);
    assert_eq!(run.stdout, "policy: nothing is wrong\n", "{run}");
    // Signatures play no part.
    for name in ["vetted-trust.toml", "vetted.toml", "vetted-revocations.toml"] {
        signature_paths(&team.path(name)).iter().for_each(|path| drop(fs::remove_file(path)));
    }
    assert_eq!(team.machine.vetted(&["policy", "check", "policy"]).exits(0).stdout, "policy: nothing is wrong\n");
}

#[test]
fn every_problem_is_said_at_once_and_where_it_stands() {
    let team = Team::with_approval("enforce");
    let manifest = team.read("vetted.toml").replace("name    = \"acme.example/ai-tools\"", "name    = \"acme.example/other\"");
    let waiver = "[[waiver]]\nid = \"W-1\"\nlifts = [\"NONE\", \"CRITICAL\"]\ntool = \"claude-code\"\nowner = \"carol\"\napprover = \"dave\"\n\
        reason = \"x\"\nstarts = 2026-11-21T00:00:00Z\nexpires = 2026-12-21T00:00:00Z\n\
        [[overlay]]\nwhen = { group = \"eu\" }\nmode = \"enforce\"\n[[withdrawn]]\nid = \"GONE\"\nreason = \"x\"\n\
        [[tool]]\nid = \"unheard-of\"\n[[tool.approval]]\nversion = \"1.0.0\"\n[[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"tree\"\n\
        digest = { dirHash = \"2222222222222222222222222222222222222222222222222222222222222222\" }\n\
        files = { path = \"missing.json\", sha256 = \"3333333333333333333333333333333333333333333333333333333333333333\" }\n";
    team.write("vetted.toml", &(manifest + waiver));
    team.vetted(&[
        "revoke",
        "gemini-cli",
        "--introduced",
        "0",
        "--reason",
        "malicious",
        "--severity",
        "critical",
        "--id",
        "CRITICAL",
    ])
    .exits(0);
    let trust = team.read("vetted-trust.toml").replacen("algorithm = ", "not-after = 2026-11-25T00:00:00Z\n  algorithm = ", 1);
    team.write("vetted-trust.toml", &trust.replace("version = 1", "version = 3"));
    let run = team.vetted(&["policy", "check"]).exits(2);
    for part in [
        "error: this policy is called `acme.example/other`, and the trust policy `acme.example/ai-tools`",
        "error: the waiver `W-1` runs for 30 days; the trust policy lets one run for at most 14d",
        "warning: the waiver `W-1` lifts `NONE`, and no revocation here has that id",
        "error: the waiver `W-1` lifts `CRITICAL`, which is critical",
        "warning: the overlay for `eu` says nothing that the manifest does not say",
        "note: no revocation here has the id `GONE`",
        "warning: no tool is called `unheard-of`",
        "error: the list of files of version 1.0.0 cannot be used",
        "warning: gemini-cli 0.61.0 is approved, and `CRITICAL` revokes it",
        "note: a key of alice ends in 3 days",
        "error: version 2 of vetted-trust.toml is not there",
        "--> policy/vetted.toml:",
        "--> policy/vetted-trust.toml:4:",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{run}");
    }
    let line = team.read("vetted.toml").lines().position(|line| line == "[[waiver]]").unwrap() + 1;
    assert!(run.stdout.contains(&format!("policy/vetted.toml:{line}:1")), "{run}");
}

#[test]
fn the_beacon_and_the_role_have_to_fit() {
    let team = Team::with_approval("enforce");
    let text = team.read("vetted-revocations.toml");
    team.write("vetted-revocations.toml", &text.replace("serial = 2,", "serial = 7,"));
    let run = team.vetted(&["policy", "check"]).exits(2);
    assert!(run.stdout.contains("has the serial 2, and 7 is named as the newest"), "{run}");
    team.write("vetted-revocations.toml", &text.replace("serial = 2,", "serial = 1,"));
    let run = team.vetted(&["policy", "check"]).exits(0);
    assert!(run.stdout.contains("note: the manifest beside it has the serial 2, and 1 is named"), "{run}");
    team.write("vetted-revocations.toml", &text);
    team.write("vetted.toml", &(team.read("vetted.toml") + "# more\n"));
    let run = team.vetted(&["policy", "check"]).exits(2);
    assert!(run.stdout.contains("another manifest with the serial 2 is named as the newest"), "{run}");
    let trust = team.read("vetted-trust.toml");
    team.write("vetted-trust.toml", &trust[..trust.find("[role.revocations]").unwrap()]);
    let run = team.vetted(&["policy", "check"]).exits(2);
    assert!(run.stdout.contains("gives nobody the role `revocations`"), "{run}");
}

#[test]
fn what_ends_soon_is_a_note_and_what_ended_a_warning() {
    let mut team = Team::with_approval("enforce");
    team.machine.at("2026-12-16T00:00:00Z");
    let run = team.vetted(&["policy", "check"]).exits(0);
    assert!(run.stdout.contains("note: the document expires in 5 days"), "{run}");
    assert!(run.stdout.contains("warning: the document expired at 2026-11-22T12:00:00Z"), "{run}");
}

#[test]
fn single_documents_and_broken_ones_are_checked_too() {
    let team = Team::new("enforce");
    team.machine.vetted(&["policy", "check", "policy/vetted-trust.toml", "policy/vetted.toml"]).exits(0);
    team.machine.file("work/own.toml", "kind = \"vetted/machine\"\nschema = 1\ngroups = [\"a\", \"a\"]\n");
    let run = team.machine.vetted(&["policy", "check", "own.toml"]).exits(2);
    assert!(run.stdout.contains("own.toml:3:") && run.stdout.contains("1 error"), "{run}");
    for (name, text) in [("a", "not TOML ["), ("b", ""), ("c", "kind = \"vetted/other\"\n")] {
        team.machine.file(&format!("work/{name}.toml"), text);
        team.machine.vetted(&["policy", "check", &format!("{name}.toml")]).exits(2);
    }
    team.machine.vetted(&["policy", "check", "nothing-here"]).exits(2);
    let run = team.machine.vetted(&["policy", "check"]).exits(2);
    assert!(run.stderr.contains("does not exist") || run.stderr.contains("holds no policy"), "{run}");
    team.machine.file("work/fake/vetted.toml/x", "");
    team.machine.vetted(&["policy", "check", "fake"]).exits(2);
}

/// What [`APPROVAL`] says with an attestation policy that it requires, evidence, and a list of packages.
fn requiring(text: &str, instance: &str, evidence: &str, list: &str) -> String {
    let digest = "digest = { sha256 = \"1111111111111111111111111111111111111111111111111111111111111111\" }\n";
    let packages = format!("[[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"packages\"\n{list}\n");
    let policy = format!(
        "[[attestation]]\nid = \"gemini-release\"\npredicate = \"https://slsa.dev/provenance/v1\"\ninstance = \"{instance}\"\n\
         issuer = \"https://login.acme.example\"\nidentity = \"https://git.acme.example/gemini@v{{version}}\"\n"
    );
    text.replace(digest, &format!("{digest}{evidence}{packages}"))
        .replace("unlisted = \"block\"\n", "unlisted = \"block\"\ncooldown = \"7d\"\n")
        .replace("id = \"gemini-cli\"", "require = [\"gemini-release\"]\nid = \"gemini-cli\"")
        + &policy
}

/// A file beside the manifest, as a document pins it.
fn pinned(team: &Team, name: &str, content: &str) -> String {
    team.write(name, content);
    let sha256 = vetted::digest::Digest::sha256_of(content.as_bytes()).hex();
    format!("{{ path = \"{name}\", sha256 = \"{sha256}\" }}")
}

#[test]
fn what_can_never_be_attested_is_said() {
    let team = Team::with_approval("enforce");
    let list = "{ \"schema\": \"vetted/packages/v1\", \"packages\": [{ \"purl\": \"pkg:npm/left@1.0.0\", \"dirHash\": \"HASH\", \
        \"evidence\": [{ \"path\": \"gone.json\", \"sha256\": \"HASH\" }] }] }"
        .replace("HASH", &"4".repeat(64));
    let list = format!("files = {}", pinned(&team, "packages.json", &list));
    let base = team.read("vetted.toml");
    let says = |text: String, code: i32, parts: &[&str]| {
        team.write("vetted.toml", &text);
        let run = team.vetted(&["policy", "check"]).exits(code);
        let missing: Vec<_> = parts.iter().filter(|part| !run.stdout.contains(**part)).collect();
        assert!(missing.is_empty(), "{missing:?} are not in\n{run}");
        run
    };
    says(
        requiring(&base, "acme", "", &list),
        2,
        &[
            "error: no [[instance]] of vetted-trust.toml has the id `acme`",
            "warning: gemini-cli 0.61.0 can never hold: `require` asks for attestations, and a release of it has no `evidence`",
            "note: gemini-cli 0.61.0 counts from 2026-11-27T10:00:00Z on: the cooldown is 7d",
            "note: `gemini-release` names nobody by number",
            "error: the list of packages of version 0.61.0 cannot be used: pkg:npm/left@1.0.0: `evidence`: no policy says who may attest",
        ],
    );
    let team_evidence = pinned(&team, "a.sigstore.json", "{}");
    let run = says(
        requiring(
            &base,
            "github",
            &format!("evidence = [{team_evidence}]\n"),
            "files = { path = \"packages.json\", sha256 = \"HASH\" }",
        )
        .replace("HASH", &"5".repeat(64))
        .replace("approved = { by = [\"alice\"], at = 2026-11-20T10:00:00Z }\n", ""),
        2,
        &[
            "warning: gemini-cli 0.61.0 never counts: nothing says when its cooldown began",
            "error: the list of packages of version 0.61.0 cannot be used: `packages.json`: sha256",
        ],
    );
    assert!(!run.stdout.contains("[[instance]]") && !run.stdout.contains("can never hold"), "{run}");
    team.write("a.sigstore.json", "{ }");
    let evidence = format!("evidence = [{team_evidence}, {{ path = \"none/b.json\", sha256 = \"{}\" }}]\n", "6".repeat(64));
    says(
        team.read("vetted.toml").replace(&format!("evidence = [{team_evidence}]\n"), &evidence),
        2,
        &[
            "error: evidence of version 0.61.0 is another one: `a.sigstore.json`: sha256",
            "error: evidence of version 0.61.0 cannot be used: `none/b.json`: ",
        ],
    );
}

// policy diff

#[test]
fn a_change_is_compared_with_what_was_signed_last() {
    let team = Team::with_approval("enforce");
    let none = team.vetted(&["policy", "diff"]).exits(0);
    assert!(none.stdout.contains("newly allows nothing") && !none.stdout.contains("no longer"), "{none}");
    team.vetted(&["withdraw", "VETTED-2026-0001", "--reason", "audited"]).exits(0);
    team.vetted(&[
        "waive",
        "claude-code",
        "--lifts",
        "unvetted",
        "--owner",
        "carol",
        "--approver",
        "dave",
        "--reason",
        "x",
        "--for",
        "1d",
    ])
    .exits(0);
    let text = team.read("vetted.toml");
    team.write("vetted.toml", &text.replace("0.61.0", "0.62.0").replace("mode    = \"enforce\"", "mode    = \"monitor\""));
    let run = team.vetted(&["policy", "diff"]).exits(0);
    for part in [
        "vetted.toml 2 -> 4, until",
        "newly allows\n",
        "  + gemini-cli 0.62.0, approved by alice on 20 Nov 2026 10:00 UTC",
        "  + waiver W-2026-001: claude-code in every version everywhere, lifts unvetted",
        "  + what revocation VETTED-2026-0001 refused: claude-code 2.1.91",
        "withdrawn: audited",
        "  + mode monitor",
        "no longer allows\n  - gemini-cli 0.61.0\n",
    ] {
        assert!(run.stdout.replace("\n    ", " ").contains(part), "{part}\n{run}");
    }
    let json = team.vetted(&["policy", "diff", "--format", "json"]).exits(0).json();
    assert_eq!(json["schema"], "vetted/difference/v1");
    let what: Vec<_> = json["newly_allows"].as_array().unwrap().iter().map(|c| c["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["approval", "unpinned", "waiver", "revocation", "mode"]);
    assert_eq!(json["documents"][1]["from"], 2);
    assert_eq!(json["no_longer"][0]["subject"], "gemini-cli 0.61.0");
    // What was kept aside is verified again: a copy that somebody changed is no base.
    let kept = team.path("previous/vetted.toml");
    fs::write(&kept, fs::read_to_string(&kept).unwrap().replace("0.61.0", "0.62.0")).unwrap();
    let run = team.vetted(&["policy", "diff"]).exits(0);
    assert!(run.stderr.contains("everything in it is new"), "{run}");
    assert!(run.stdout.contains("vetted.toml 4 (new)") && run.stdout.contains("+ gemini-cli 0.62.0"), "{run}");
}

#[test]
fn two_folders_are_compared_and_invalid_ones_are_not() {
    let team = Team::with_approval("enforce");
    let copy = team.machine.work().join("copy");
    fs::create_dir(&copy).unwrap();
    for name in ["vetted-trust.toml", "vetted.toml", "vetted-revocations.toml"] {
        fs::copy(team.path(name), copy.join(name)).unwrap();
    }
    let trust = team.read("vetted-trust.toml").replacen("threshold = 2", "threshold = 1", 1);
    fs::write(copy.join("vetted-trust.toml"), trust).unwrap();
    let forth = team.machine.vetted(&["policy", "diff", "policy", "copy"]).exits(0);
    assert!(forth.stdout.contains("  + 1 signature for vetted-trust.toml (was 2)"), "{forth}");
    let back = team.machine.vetted(&["policy", "diff", "copy", "policy"]).exits(0);
    assert!(
        back.stdout.contains("newly allows nothing\nno longer allows\n  - 2 signatures for vetted-trust.toml (was 1)"),
        "{back}"
    );
    fs::write(copy.join("vetted.toml"), "x = ").unwrap();
    let run = team.machine.vetted(&["policy", "diff", "policy", "copy"]).exits(2);
    assert!(run.stderr.contains("what is not valid cannot be compared"), "{run}");
}

/// Each change of what a release has to show, in words.
#[test]
fn a_signer_is_told_what_a_release_has_to_show_no_longer() {
    let team = Team::with_approval("enforce");
    let (one, other) = (pinned(&team, "a.json", "{}"), pinned(&team, "b.json", "{ }"));
    let before = requiring(&team.read("vetted.toml"), "github", &format!("evidence = [{one}]\n"), &format!("files = {one}"));
    let (old, new) = (team.machine.work().join("old"), team.machine.work().join("new"));
    for folder in [&old, &new] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(old.join("vetted.toml"), &before).unwrap();
    let says = |changes: &[(&str, &str)], expected: &str| {
        let mut after = before.clone();
        for (from, to) in changes {
            assert!(after.contains(from), "{from}");
            after = after.replace(from, to);
        }
        fs::write(new.join("vetted.toml"), after).unwrap();
        let run = team.machine.vetted(&["policy", "diff", "old", "new"]).exits(0);
        let shown = run.stdout.replace("\n    ", " ");
        assert!(shown.contains(expected), "{expected}\n{run}");
    };
    let identity = "https://git.acme.example/gemini@v{version}";
    says(
        &[("require = [\"gemini-release\"]\n", "")],
        "newly allows\n  + releases of gemini-cli for which gemini-release does not hold: it is not required any more\n",
    );
    says(
        &[(identity, "https://git.acme.example/other@v{version}")],
        "  + attestation policy gemini-release: https://git.acme.example/other@v{version} by https://login.acme.example at github signs \
         https://slsa.dev/provenance/v1; before: https://git.acme.example/gemini@v{version} by",
    );
    says(
        &[("instance = \"github\"\n", "instance = \"github\"\nsource-id = \"17\"\n")],
        "newly allows nothing\nno longer allows\n  - attestation policy gemini-release: ",
    );
    says(&[("cooldown = \"7d\"", "cooldown = \"0m\"")], "  + approvals count from the release on: at once (was after 7 days)\n");
    says(
        &[("cooldown = \"7d\"", "cooldown = \"7d\"\nmin-bundle = \"0.1\"")],
        "  + bundles from version 0.1 on count, where a policy does not say (was 0.2)\n",
    );
    says(
        &[("version = \"0.61.0\"\n", "version = \"0.61.0\"\nreleased = 2026-11-01T00:00:00Z\n")],
        "  + gemini-cli 0.61.0: its cooldown runs from 1 Nov 2026 (was 20 Nov 2026 10:00 UTC)\n",
    );
    says(&[(&format!("evidence = [{one}]\n"), "")], "  + gemini-cli 0.61.0 without evidence that had to hold: a.json ");
    says(
        &[
            (&format!("evidence = [{one}]\n"), ""),
            ("require = [\"gemini-release\"]\n", ""),
            ("version = \"0.61.0\"\n", "version = \"0.61.0\"\nattestation = \"none\"\n"),
        ],
        "  + gemini-cli 0.61.0, of which the approvers say that its release has no attestation\n",
    );
    says(
        &[(&format!("files = {one}"), &format!("files = {other}"))],
        "  + gemini-cli 0.61.0 with the packages of another list: ",
    );
}

// policy status

#[test]
fn who_signed_and_who_is_missing_is_said() {
    let team = Team::with_approval("enforce");
    let run = team.vetted(&["policy", "status"]).exits(0);
    assert!(run.stdout.contains("clients believe it as it stands"), "{run}");
    assert!(run.stdout.contains("has not believed any issue of it yet"), "status remembers nothing\n{run}");
    team.vetted(&["policy", "status"]).exits(0);
    team.vetted(&["check"]).exits(0);
    let run = team.vetted(&["policy", "status"]).exits(0);
    assert!(run.stdout.contains("this machine believed exactly this one"), "{run}");
    team.vetted(&["withdraw", "VETTED-2026-0001", "--reason", "audited"]).exits(0);
    team.sign("vetted.toml", &[&team.bob]);
    let run = team.vetted(&["policy", "status"]).exits(3);
    for part in [
        "1 of 2 signatures of the role `manifest`: bob",
        "needs 1 more of alice, carol",
        "this machine believed 2 last",
        "serial 3",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{run}");
    }
    let json = team.vetted(&["policy", "status", "--format", "json"]).exits(3).json();
    assert_eq!((json["believed"].as_bool(), json["documents"][1]["number"].as_u64()), (Some(false), Some(3)));
    assert_eq!(json["documents"][1]["thresholds"][0]["missing"], serde_json::json!(["alice", "carol"]));
    assert_eq!(json["documents"][1]["seen"]["number"], 2);
    // The next version of the trust policy needs the signers of both.
    team.vetted(&["trust", "next"]).exits(0);
    team.sign("vetted-trust.toml", &[&team.alice]);
    let run = team.vetted(&["policy", "status"]).exits(3);
    assert!(run.stdout.contains("as version 1 counts them: alice"), "{run}");
}

// policy simulate

#[test]
fn a_draft_is_tried_on_this_machine_and_nothing_is_remembered() {
    let team = Team::with_approval("monitor");
    let modules = "home/.npm-global/lib/node_modules";
    team.machine.npm_package(&format!("{modules}/@google/gemini-cli"), "@google/gemini-cli", "0.61.0", "gemini");
    let base = team.machine.work().join("base");
    fs::create_dir(&base).unwrap();
    for entry in fs::read_dir(team.path("")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, base.join(path.file_name().unwrap())).unwrap();
    }
    team.vetted(&["revoke", "gemini-cli", "--introduced", "0", "--reason", "malicious"]).exits(0);
    let state = team.machine.home().join(".local/state/vetted");
    let run = team.vetted(&["policy", "simulate", "--against", "base"]).exits(0);
    for part in [
        "simulation: the draft of acme.example/ai-tools 2, revocations 2 in place of acme.example/ai-tools 2, revocations 1",
        "would be stopped",
        "gemini-cli 0.61.0, unvetted now, would be revoked: ",
        "this was a simulation: 1 would be stopped and 0 would pass, on 1 of 1 machine",
    ] {
        assert!(run.stdout.replace('\n', " ").contains(part), "{part}\n{run}");
    }
    assert!(!state.exists(), "a simulation remembers nothing");
    team.machine.vetted(&["check", "--policy", "base"]);
    assert!(state.exists(), "a check does");
    // The other way round: what is stopped today would pass.
    fs::copy(team.path("vetted-revocations.toml"), base.join("vetted-revocations.toml")).unwrap();
    let run = team.vetted(&["policy", "simulate", "--against", "base"]).exits(3);
    assert!(run.stderr.contains("--against DIR"), "the policy in force has to be signed\n{run}");
}

#[test]
fn a_draft_is_tried_on_recorded_machines() {
    let team = Team::with_approval("enforce");
    let inventory = |version: &str| {
        format!(
            r#"{{"schema":"vetted/inventory/v1","now":"2026-11-21T12:00:00Z","coverage":[],"oddities":[],"tools":[
            {{"item":"sighting","tool":"gemini-cli","vendor":"Google","kind":"cli","version":"{version}","path":"/opt/g","channel":"npm",
              "package":"pkg:npm/%40google/gemini-cli@{version}","digests":{{}},"identified_by":"metadata","state":"present","brought_by":[],"executables":[]}}]}}"#
        )
    };
    // One is what `vetted scan` writes, the other has what no machine here has.
    let modules = "home/.npm-global/lib/node_modules";
    team.machine.npm_package(&format!("{modules}/@google/gemini-cli"), "@google/gemini-cli", "0.61.0", "gemini");
    team.machine.file("work/fleet/one.json", team.vetted(&["scan", "--format", "json"]).exits(0).stdout);
    team.machine.file("work/fleet/two.json", inventory("0.50.0"));
    team.machine.file("work/fleet/readme.txt", "not looked at");
    let tree = "[[tool.approval]]\nversion = \"0.50.0\"\n[[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"tree\"\n\
        digest = { dirHash = \"2222222222222222222222222222222222222222222222222222222222222222\" }\n# the end\n";
    let text = team.read("vetted.toml").replace("# the end\n", tree);
    let base = team.machine.work().join("base");
    fs::create_dir(&base).unwrap();
    for entry in fs::read_dir(team.path("")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, base.join(path.file_name().unwrap())).unwrap();
    }
    team.write("vetted.toml", &text);
    let run = team.vetted(&["policy", "simulate", "--against", "base", "--inventories", "fleet", "--format", "json"]).exits(0);
    let json = run.json();
    assert_eq!(json["schema"], "vetted/simulation/v1");
    let two = &json["machines"][1];
    assert_eq!((two["machine"].as_str(), two["by_version_only"].as_u64()), (Some("two"), Some(1)), "{run}");
    let turn = &two["newly_passing"][0];
    assert_eq!(
        (turn["before"].as_str(), turn["after"].as_str(), turn["by_version_only"].as_bool()),
        (Some("unvetted"), Some("approved"), Some(true)),
        "{run}"
    );
    let one = &json["machines"][0];
    assert_eq!((one["machine"].as_str(), one["newly_passing"].as_array().map(Vec::len)), (Some("one"), Some(0)));
    assert!(one["still_stopped"].as_u64() >= Some(1), "{run}");
    let human = team.vetted(&["policy", "simulate", "--against", "base", "--inventories", "fleet"]).exits(0);
    assert!(human.stdout.contains("(by version only)") && human.stdout.contains("on 1 of 2 machines"), "{human}");
    team.machine.file("work/fleet/three.json", "{}");
    let run = team.vetted(&["policy", "simulate", "--against", "base", "--inventories", "fleet"]).exits(2);
    assert!(run.stderr.contains("three.json` is no inventory"), "{run}");
    team.machine.file("work/empty/readme.txt", "");
    team.vetted(&["policy", "simulate", "--against", "base", "--inventories", "empty"]).exits(2);
}

/// What assumes that a draft was signed is named by the simulation and by nobody else.
#[test]
fn nobody_but_the_simulation_believes_a_draft() {
    fn sources(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { sources(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.retain(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("unsafe_assume_signed")));
    let names: Vec<String> = found.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(found.len(), 2, "{names:?}");
    assert!(names.contains(&"simulate.rs".to_owned()) && found.iter().any(|p| p.ends_with("trust/mod.rs")), "{names:?}");
}
