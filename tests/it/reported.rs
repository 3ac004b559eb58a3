//! A machine and a repository with something to report of every kind, for the formats that services read.

use crate::support::{Machine, Run};
use crate::team::{Trust, key_file, machine, manifest, sign};
use std::fs;

/// What the policy says: one tool revoked, one approved, everything else refused.
const RULES: &str = r#"
[defaults]
unlisted = "block"

[[revocation]]
id = "ACME-2026-0007"
affected = [{ tool = "claude-code", ranges = [{ introduced = "2.1.91", fixed = "2.1.198" }] }]
reason = "undisclosed-tracking"
severity = "high"
effective = 2026-11-01T00:00:00Z
message = "It told its vendor more than it said."

[[tool]]
id = "gemini-cli"
[[tool.approval]]
version = "0.61.0"
[[tool.approval.artifact]]
role = "release"
digest = { sha256 = "00000000000000000000000000000000000000000000000000000000000000aa" }
"#;

const PACKAGE: &str = r#"{
  "name": "shop",
  "dependencies": {
    "@anthropic-ai/claude-code": "2.1.150",
    "@google/gemini-cli": "^0.60.0"
  }
}
"#;

/// A machine under a signed policy in the user's folder, in a repository with a revoked tool, a floating one and a file that is
/// broken, and the revoked tool installed as well.
pub fn with_findings() -> Machine {
    let machine = with_policy();
    machine.file("work/package.json", PACKAGE);
    // Names that a format has to escape: blanks, what URIs, Markdown, XML and CI logs take for their own, what deceives.
    let hostile = "work/a b/]\u{202e}(x)%41&<b>#ä::/package.json";
    machine.file(hostile, PACKAGE.replace("2.1.150", "2.1.151"));
    machine.file("work/broken/package.json", "{ \"dependencies\": ");
    machine.git(&["add", "--all"]);
    machine.npm_package(
        "home/.npm-global/lib/node_modules/@anthropic-ai/claude-code",
        "@anthropic-ai/claude-code",
        "2.1.150",
        "claude",
    );
    machine
}

/// The same policy, and a repository without anything to say.
pub fn with_nothing() -> Machine {
    let machine = with_policy();
    machine.file("work/package.json", "{ \"name\": \"shop\" }\n");
    machine.git(&["add", "--all"]);
    machine
}

fn with_policy() -> Machine {
    let machine = machine();
    machine.git(&["init", "-q", "-b", "main"]);
    let alice = key_file(&machine, "alice");
    let trust = Trust::of(&[("alice", alice)]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
    machine.file("work/policy/vetted-trust.toml", trust.text());
    machine.file("work/policy/vetted.toml", manifest(47, RULES));
    for document in ["vetted-trust.toml", "vetted.toml"] {
        sign(&machine, document, "alice").exits(0);
    }
    fs::rename(machine.work().join("policy"), machine.home().join("policy")).unwrap();
    machine
}

/// `vetted check` in a format.
pub fn check(machine: &Machine, format: &str, more: &[&str]) -> Run {
    let policy = machine.home().join("policy");
    machine.vetted(&[&["check", "--policy", policy.to_str().unwrap(), "--format", format], more].concat())
}
