//! `vetted check` as a whole, on machines made of small files: the starter policy, exit statuses, layers, bad input.

use crate::support::Machine;
use std::fs;

const PREFIX: &str = "home/.npm-global/lib/node_modules";

fn claude(machine: &Machine, version: &str) {
    machine.npm_package(&format!("{PREFIX}/@anthropic-ai/claude-code"), "@anthropic-ai/claude-code", version, "claude");
}

fn verdict_of(run: &crate::support::Run, tool: &str) -> serde_json::Value {
    let json = run.json();
    let verdicts = json["verdicts"].as_array().unwrap();
    verdicts.iter().find(|v| v["tool"] == tool).unwrap_or_else(|| panic!("no verdict for {tool}\n{run}")).clone()
}

#[test]
fn a_machine_without_tools_is_approved_and_says_where_it_looked() {
    let machine = Machine::new();
    let run = machine.vetted(&["check"]).exits(0);
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    assert!(run.stdout.contains("no tool found") && run.stdout.contains("looked at"), "{run}");
}

#[test]
fn the_starter_policy_blocks_what_is_revoked_and_lists_what_is_not_approved() {
    let machine = Machine::new();
    claude(&machine, "2.1.150");
    machine.npm_package(&format!("{PREFIX}/@openai/codex"), "@openai/codex", "0.169.0", "codex");
    let run = machine.vetted(&["check"]).exits(1);
    insta::assert_snapshot!(run.to_string(), @"
    exit status: 1
    --- stdout
    vetted: blocked

    revoked  claude-code 2.1.150   (npm)
      where   ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/cli.js
      why     VETTED-2026-0001, high: Versions 2.1.91 to 2.1.197 changed the date line of the prompt
              according to the host of ANTHROPIC_BASE_URL and the time zone, without saying so. Removed
              in 2.1.198.
      by      built-in starter policy, since 1 Jul 2026
      do      npm install -g @anthropic-ai/claude-code@2.1.329

    altered  openai-codex 0.169.0   (npm)
      where   ~/.npm-global/lib/node_modules/@openai/codex/README.md
      why     it is not what its registry published: the tree: dirHash 8c96f8e29252 is not the approved
              804e29c001d0; first difference: README.md is missing

    why and more: vetted explain VETTED-2026-0001
    blocked: 1 tool revoked, 1 unvetted (monitor) · 1 to look at · vetted/starter 1 (built in), 12 h old
    --- stderr
    ");
}

#[test]
fn the_versions_around_the_incident_pass_as_unvetted() {
    for version in ["2.1.90", "2.1.198", "2.1.329"] {
        let machine = Machine::new();
        claude(&machine, version);
        let run = machine.vetted(&["check", "--format", "json"]).exits(0);
        assert_eq!(verdict_of(&run, "claude-code")["verdict"], "unvetted", "{version}");
    }
    for version in ["2.1.91", "2.1.92-beta.1", "2.1.197", "2.1.198-rc.1", "nightly"] {
        let machine = Machine::new();
        claude(&machine, version);
        let run = machine.vetted(&["check", "--format", "json"]).exits(1);
        assert_eq!(verdict_of(&run, "claude-code")["verdict"], "revoked", "{version}");
    }
}

#[test]
fn json_goes_to_standard_output_alone() {
    let machine = Machine::new();
    claude(&machine, "2.1.150");
    let run = machine.vetted(&["check", "--format", "json"]).exits(1);
    assert_eq!(run.stderr, "");
    let json = run.json();
    assert_eq!((&json["schema"], &json["outcome"]), (&"vetted/report/v1".into(), &"blocked".into()));
    let one = verdict_of(&run, "claude-code");
    for key in ["vendor", "kind", "version", "path", "channel", "digests", "grounds", "help"] {
        assert!(!one[key].is_null(), "`{key}` is missing in {one}");
    }
}

#[test]
fn usage_is_2_and_points_somewhere() {
    let machine = Machine::new();
    machine.vetted(&["chekc"]).exits(2);
    machine.vetted(&["check", "--staged"]).exits(2);
    machine.vetted(&["check", "--range", "onlyone"]).exits(2);
    let run = machine.vetted(&["check", "--policy", "nowhere"]).exits(2);
    assert!(run.stderr.contains("vetted init"), "{run}");
}

/// The repository's own file can only narrow: it cannot approve, it cannot turn enforcement off, and it can revoke.
#[test]
fn a_repository_layer_narrows_and_never_widens() {
    let machine = Machine::new();
    machine.git(&["init", "-q", "."]);
    claude(&machine, "2.1.150");
    let layer = |mode: &str, rest: &str| {
        let text = format!(
            "kind = \"vetted/manifest\"\nschema = 1\nname = \"repo.example/app\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\nexpires = 2027-11-20T00:00:00Z\nmode = \"{mode}\"\n{rest}"
        );
        machine.file("work/vetted.toml", text);
        machine.git(&["add", "vetted.toml"]);
    };
    layer("monitor", "[defaults]\nunlisted = \"allow\"\n");
    machine.vetted(&["check"]).exits(1);

    fs::remove_dir_all(machine.home().join(".npm-global")).unwrap();
    claude(&machine, "2.1.329");
    machine.vetted(&["check"]).exits(0);
    layer("enforce", "[defaults]\nunlisted = \"block\"\n");
    machine.vetted(&["check"]).exits(1);
    layer(
        "monitor",
        "[[revocation]]\nid = \"REPO-1\"\naffected = [{ tool = \"claude-code\" }]\nreason = \"policy\"\nseverity = \"high\"\neffective = 2026-11-20T00:00:00Z\nmessage = \"Not in this repository.\"\n",
    );
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("REPO-1"), "{run}");

    machine.vetted(&["check", "--staged"]).exits(1);
    // Committed and unchanged it holds as well; taken out of the index it does not.
    machine.git(&["commit", "-qm", "refuse it"]);
    machine.vetted(&["check", "--staged"]).exits(1);
    machine.git(&["rm", "-q", "--cached", "vetted.toml"]);
    machine.vetted(&["check", "--staged"]).exits(0);

    // A layer that cannot be read is no reason to pass.
    machine.file("work/vetted.toml", "kind = ");
    machine.git(&["add", "vetted.toml"]);
    machine.vetted(&["check"]).exits(3);
}

/// Names that a stranger chose reach no terminal raw, in any format.
#[cfg(unix)]
#[test]
fn hostile_names_are_shown_and_do_nothing() {
    use std::os::unix::ffi::OsStringExt as _;
    let machine = Machine::new();
    let hostile = "a\u{1b}]0;owned\u{7}\u{202e}b\n::error::forged";
    let folder = format!("home/.npm-global/{hostile}/lib/node_modules/@anthropic-ai/claude-code");
    machine.npm_package(&folder, "@anthropic-ai/claude-code", "2.1.150", "claude");
    let bin = machine.home().join(".npm-global").join(hostile).join("lib/node_modules/@anthropic-ai/claude-code/cli.js");
    std::os::unix::fs::symlink(bin, machine.bin().join("claude")).unwrap();
    let not_text = std::ffi::OsString::from_vec(b"not\xfftext".to_vec());
    fs::write(machine.bin().join(not_text), "x").unwrap();
    for format in ["human", "json", "github"] {
        let run = machine.vetted(&["check", "--format", format]).exits(1);
        let all = format!("{}{}", run.stdout, run.stderr);
        let raw = all.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{format}: a raw control character");
        assert!(!all.lines().any(|line| line.starts_with("::error::forged")), "{format}: a forged command\n{run}");
    }
}

/// What cannot be read ends in a finding or a clear error, at once and without a panic.
#[cfg(unix)]
#[test]
fn oddities_on_path_are_survived() {
    let machine = Machine::new();
    let bin = machine.bin();
    std::os::unix::fs::symlink("loop", bin.join("loop")).unwrap();
    std::os::unix::fs::symlink("claude", bin.join("claude")).unwrap();
    fs::create_dir(bin.join("codex")).unwrap();
    assert_eq!(machine.program("mkfifo", &[bin.join("gemini")]).status, 0);
    fs::File::create(bin.join("opencode")).unwrap().set_len(1 << 40).unwrap();
    std::os::unix::fs::symlink("/nowhere/auggie", bin.join("auggie")).unwrap();
    let began = std::time::Instant::now();
    let run = machine.vetted(&["check", "--format", "json"]);
    assert!(matches!(run.status, 0 | 3), "{run}");
    assert!(began.elapsed().as_secs() < 20, "it took {:?}", began.elapsed());
    let codes: Vec<String> =
        run.json()["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect();
    assert!(codes.iter().any(|c| c == "dangling-link"), "{codes:?}\n{run}");
    assert!(codes.iter().any(|c| c == "unidentified-name"), "{codes:?}\n{run}");
}

/// A policy of one's own: init, approve, sign, enforce; an expired manifest approves nothing and is no pass.
#[test]
fn approvals_hold_until_a_byte_changes_or_the_manifest_expires() {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    machine.npm_package(&format!("{PREFIX}/@openai/codex"), "@openai/codex", "0.169.0", "codex");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice", "--mode", "enforce"]).exits(0);
    machine.vetted(&["check"]).exits(1);
    machine.vetted(&["approve", "openai-codex", "--installed"]).exits(0);
    let run = machine.vetted(&["check"]).exits(3);
    assert!(run.stderr.contains("vetted sign"), "an unsigned manifest says what to do\n{run}");
    machine.vetted(&["sign"]).exits(0);
    let run = machine.vetted(&["check", "--format", "json"]).exits(0);
    assert_eq!(verdict_of(&run, "openai-codex")["verdict"], "approved");

    let cli = machine.home().join(".npm-global/lib/node_modules/@openai/codex/cli.js");
    let good = fs::read(&cli).unwrap();
    machine.file("home/.npm-global/lib/node_modules/@openai/codex/cli.js", "something else");
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("mismatched") && run.stdout.contains("cli.js"), "{run}");
    fs::write(&cli, &good).unwrap();
    machine.file("home/.npm-global/lib/node_modules/@openai/codex/extra.js", "more");
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("extra.js"), "{run}");
    fs::remove_file(cli.with_file_name("extra.js")).unwrap();
    machine.vetted(&["check"]).exits(0);

    // A revocation wins over the approval, and over a file that was copied under another name.
    machine.at("2027-11-21T12:00:00Z");
    let run = machine.vetted(&["check"]).exits(3);
    assert!(format!("{run}").contains("expired"), "{run}");
}

/// A file that the manifest revokes by digest alone is found under any name.
#[test]
fn a_file_revoked_by_digest_is_found_under_any_name() {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice"]).exits(0);
    let program = vec![7_u8; 2 << 20];
    machine.executable("bin/harmless", &program);
    machine.vetted(&["check"]).exits(0);
    let digest = vetted::digest::Digest::sha256_of(&program).to_string();
    machine.vetted(&["revoke", &format!("digest:{digest}"), "--reason", "malicious", "--message", "A dropper."]).exits(0);
    machine.vetted(&["sign"]).exits(0);
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("bin/harmless") && run.stdout.contains("A dropper."), "{run}");
}

/// The cache makes the second run quick and the answer the same; a broken one is no reason for anything.
#[test]
fn the_cache_changes_nothing_but_time() {
    let machine = Machine::new();
    claude(&machine, "2.1.150");
    let first = machine.vetted(&["check", "--format", "json"]).exits(1).stdout;
    let cache = machine.home().join(".cache/vetted/digests");
    for content in [&b""[..], b"garbage", &[0xff; 4096]] {
        fs::create_dir_all(cache.parent().unwrap()).unwrap();
        fs::write(&cache, content).unwrap();
        assert_eq!(machine.vetted(&["check", "--format", "json"]).exits(1).stdout, first);
    }
    assert_eq!(machine.vetted(&["check", "--format", "json"]).exits(1).stdout, first);
}
