//! A release is approved from the real registry, installed by the real installer, and checked. What is large stands behind a name:
//! `cargo test --test live -- --ignored large` downloads some gigabytes.

use super::*;

/// A machine with a policy of its own in enforce mode that is asked about one tool, and may use the user's registries.
fn policy(mut machine: Machine) -> Machine {
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    for (name, value) in std::env::vars() {
        let is_setting = ["npm_config_", "NPM_CONFIG_", "PIP_", "UV_", "SSL_CERT"].iter().any(|begin| name.starts_with(begin));
        if is_setting && !name.to_ascii_lowercase().ends_with("prefix") {
            machine.env(&name, value);
        }
    }
    // The PATH of the machine may hold no npm that could be asked.
    if let Ok(output) = Command::new("npm").args(["config", "get", "registry"]).output() {
        machine.env("npm_config_registry", String::from_utf8(output.stdout).unwrap().trim());
    }
    machine.at(&jiff::Timestamp::now().to_string());
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice", "--mode", "enforce"]).exits(0);
    machine
}

fn approve(machine: &Machine, subject: &str, from: &str) -> Run {
    let run = machine.vetted(&["approve", subject, "--from", from, "--by", "alice"]).exits(0);
    assert!(run.stderr.contains("approved "), "{run}");
    machine.vetted(&["sign"]).exits(0);
    run
}

/// The version that was approved, as the command says it.
fn approved_version(run: &Run, tool: &str) -> String {
    let line = run.stderr.lines().find_map(|line| line.strip_prefix(&format!("approved {tool} "))).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

#[track_caller]
fn is(machine: &Machine, tool: &str, version: &str, expected: &str, why: &str) {
    let run = machine.vetted(&["check", "--format", "json"]);
    let one = verdict(&run, tool, version);
    assert_eq!(one["verdict"], expected, "{one}");
    assert!(one.to_string().contains(why), "`{why}` is missing: {one}");
}

/// One npm tool: approved untouched, and blocked for each thing that is changed, by its name.
fn npm_tool(tool: &str, package: &str, changed: &str) {
    if !has("npm") {
        return;
    }
    let (machine, prefix) = machine_with_prefix();
    let machine = policy(machine);
    let run = approve(&machine, tool, "npm");
    let version = approved_version(&run, tool);
    npm(&prefix, &format!("{package}@{version}"));
    is(&machine, tool, &version, "approved", "");

    let root = prefix.join("lib/node_modules").join(package);
    let file = root.join(changed);
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    // A new inode: a program may be a hard link.
    let replace = |bytes: &[u8]| {
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
    };
    replace(&bad);
    let named = changed.rsplit_once("node_modules/").map_or(changed, |(_, rest)| rest.split('/').next().unwrap());
    is(&machine, tool, &version, "mismatched", named);
    replace(&good);
    is(&machine, tool, &version, "approved", "");
}

#[test]
fn an_mcp_server_with_nested_packages() {
    npm_tool("mcp-memory", "@modelcontextprotocol/server-memory", "node_modules/zod/index.js");
}

#[test]
fn a_tool_with_packages_that_are_built_here() {
    npm_tool("gemini-cli", "@google/gemini-cli", "bundle/gemini.js");
}

#[test]
#[ignore = "large: named on the command line"]
fn large_claude_code_as_a_program() {
    npm_tool("claude-code", "@anthropic-ai/claude-code", "bin/claude.exe");
}

#[test]
#[ignore = "large: named on the command line"]
fn large_claude_code_as_a_placeholder() {
    if !has("npm") {
        return;
    }
    let (machine, prefix) = machine_with_prefix();
    let machine = policy(machine);
    let run = approve(&machine, "claude-code", "npm");
    let version = approved_version(&run, "claude-code");
    let package = format!("@anthropic-ai/claude-code@{version}");
    install("npm", &["install", "-g", "--ignore-scripts", &package], Some(&prefix));
    is(&machine, "claude-code", &version, "approved", "");
}

#[test]
#[ignore = "large: named on the command line"]
fn large_codex() {
    npm_tool("openai-codex", "@openai/codex", "bin/codex.js");
}

#[test]
#[ignore = "large: named on the command line"]
fn large_qoder() {
    npm_tool("qoder-cli", "@qoder-ai/qodercli", "bundle/qodercli.js");
}

#[test]
#[ignore = "large: named on the command line"]
fn large_opencode() {
    npm_tool("opencode", "opencode-ai", "bin/opencode.exe");
}

/// Two homes, one registry: the same bytes; and the second approver has them again.
#[test]
fn two_homes_have_the_same_bytes_and_have_them_again() {
    let lists: Vec<(Vec<u8>, Vec<u8>)> = (0..2)
        .map(|_| {
            let machine = policy(Machine::new());
            let run = machine.vetted(&["approve", "mcp-memory", "--from", "npm"]).exits(0);
            let version = approved_version(&run, "mcp-memory");
            let run = machine.vetted(&["approve", "--reproduce"]).exits(0);
            assert!(run.stderr.contains("identical"), "{run}");
            let below = machine.home().join(".config/vetted/attestations/npm/mcp-memory").join(version);
            (fs::read(below.join("files.json")).unwrap(), fs::read(below.join("packages.json")).unwrap())
        })
        .collect();
    assert_eq!(lists[0], lists[1]);
}

/// One approval of a wheel holds for pip, pipx and uv; a `.pth` beside it does not pass.
#[test]
fn a_wheel_in_three_installers() {
    if !has("python3") {
        return;
    }
    let mut machine = policy(Machine::new());
    let run = approve(&machine, "llm", "pypi");
    let version = approved_version(&run, "llm");
    let environment = machine.home().join("env");
    let python = venv(&environment);
    pip(&python, &format!("llm=={version}"));
    let path = environment.join("bin").display().to_string();
    machine.env("PATH", &path);
    is(&machine, "llm", &version, "approved", "");
    let site = fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    fs::write(site.join("llm/extra.py"), "x = 1\n").unwrap();
    is(&machine, "llm", &version, "mismatched", "extra.py");
    fs::remove_file(site.join("llm/extra.py")).unwrap();

    for (program, arguments) in [("uv", ["tool", "install", "--quiet"]), ("pipx", ["install", "--quiet", "--quiet"])] {
        if !has(program) {
            continue;
        }
        let mut command = Command::new(program);
        command.args(arguments).arg(format!("llm=={version}")).env("HOME", machine.home());
        command.env_remove("XDG_DATA_HOME").env_remove("UV_TOOL_DIR").env_remove("PIPX_HOME");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        let all = verdicts(&machine.vetted(&["check", "--format", "json"]));
        let llm: Vec<_> = all.iter().filter(|one| one["tool"] == "llm").collect();
        assert!(!llm.is_empty() && llm.iter().all(|one| one["verdict"] == "approved"), "{program}: {llm:?}");
    }
}

/// What Python loads by itself from beside an approved distribution is no part of what was approved.
#[test]
fn a_pth_beside_an_approved_wheel_blocks() {
    if !has("python3") {
        return;
    }
    let mut machine = policy(Machine::new());
    let run = approve(&machine, "llm", "pypi");
    let version = approved_version(&run, "llm");
    let environment = machine.home().join("env");
    pip(&venv(&environment), &format!("llm=={version}"));
    machine.env("PATH", environment.join("bin").display().to_string());
    is(&machine, "llm", &version, "approved", "");
    let site = fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    fs::write(site.join("aaa.pth"), "import os\n").unwrap();
    is(&machine, "llm", &version, "mismatched", "aaa.pth");
}

/// A real bundle, its release from the registry, its installation: approved under its own identity, and refused for the reason under
/// any other.
#[test]
fn an_attested_release_is_approved_under_its_own_identity_alone() {
    if !has("npm") {
        return;
    }
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles/real");
    let own = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
    let approve = |identity: &str, source_id: &str, bundle: &str| {
        let (machine, prefix) = machine_with_prefix();
        let machine = policy(machine);
        let manifest = machine.home().join(".config/vetted/vetted.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let more = format!(
            "\n[[attestation]]\nid = \"maker\"\npredicate = \"https://slsa.dev/provenance/v1\"\n\
             issuer = \"https://token.actions.githubusercontent.com\"\nidentity = \"{identity}\"\nsource-id = \"{source_id}\"\n\
             \n[[tool]]\nid = \"sigstore-js\"\npurl = \"pkg:npm/sigstore\"\nrequire = [\"maker\"]\n\
             [tool.recognise]\nvendor = \"Sigstore\"\nkind = \"sdk\"\npackages = [\"pkg:npm/sigstore\"]\n"
        );
        fs::write(&manifest, text + &more).unwrap();
        let bundle = bundles.join(bundle);
        let run = machine.vetted(&["approve", "sigstore-js@2.3.1", "--from", "npm", "--bundle", bundle.to_str().unwrap()]);
        (machine, prefix, run)
    };
    let bundle = "npm-sigstore-2.3.1-attestations.json";
    let (machine, prefix, run) = approve(own, "495574555", bundle);
    let run = run.exits(0);
    assert!(run.stderr.contains(own), "{run}");
    machine.vetted(&["sign"]).exits(0);
    npm(&prefix, "sigstore@2.3.1");
    is(&machine, "sigstore-js", "2.3.1", "approved", "");

    // Evidence that was exchanged is worth nothing.
    let evidence = machine.home().join(".config/vetted/attestations/npm/sigstore-js/2.3.1");
    let stored =
        fs::read_dir(&evidence).unwrap().map(|e| e.unwrap().path()).find(|p| p.to_string_lossy().contains("sha256-")).unwrap();
    fs::write(&stored, "{}").unwrap();
    is(&machine, "sigstore-js", "2.3.1", "unattested", "");

    for (identity, source_id, bundle, why) in [
        (own, "495574555", "sigstore-js-2.1.0-bundle-v0.1.json", "none is about this file"),
        (own, "1", bundle, "source"),
        (&format!("{own}-evil")[..], "495574555", bundle, "identity"),
    ] {
        let (_, _, run) = approve(identity, source_id, bundle);
        let run = run.exits(1);
        assert!(run.stderr.contains(why), "`{why}` is missing:\n{run}");
    }
}

/// A wheel that brings the program of another tool: its bytes are pinned with it, and a swapped program blocks by its name.
#[test]
#[ignore = "large: named on the command line"]
fn large_a_wheel_with_a_program_in_it() {
    if !has("python3") {
        return;
    }
    let mut machine = policy(Machine::new());
    let run = approve(&machine, "claude-agent-sdk-py", "pypi");
    let version = approved_version(&run, "claude-agent-sdk-py");
    let environment = machine.home().join("env");
    pip(&venv(&environment), &format!("claude-agent-sdk=={version}"));
    machine.env("PATH", environment.join("bin").display().to_string());
    is(&machine, "claude-agent-sdk-py", &version, "approved", "");
    let all = verdicts(&machine.vetted(&["check", "--format", "json"]));
    let carried: Vec<_> = all.iter().filter(|one| one["tool"] == "claude-code").collect();
    assert!(!carried.is_empty() && carried.iter().all(|one| one["verdict"] == "approved"), "{carried:?}");

    let site = fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    fs::write(site.join("claude_agent_sdk/_bundled/claude"), b"\x7fELF another program").unwrap();
    is(&machine, "claude-agent-sdk-py", &version, "mismatched", "_bundled/claude");
}

/// A release with evidence, as its registry serves it.
struct Attested {
    /// `npm` or `pypi`.
    registry: &'static str,
    package: &'static str,
    version: &'static str,
    bundle: &'static str,
    /// What stands in `[[attestation]]` besides its id.
    policy: &'static str,
}

const GITHUB: &str = "issuer = \"https://token.actions.githubusercontent.com\"\n\
                      identity = \"https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main\"\n\
                      source = \"https://github.com/sigstore/sigstore-js\"\n";

/// Every release with a bundle among the test data that can be had, under its real identity.
const ATTESTED: [Attested; 5] = [
    Attested {
        registry: "npm",
        package: "sigstore",
        version: "2.1.0",
        bundle: "sigstore-js-2.1.0-bundle.json",
        policy: "predicate = \"https://slsa.dev/provenance/v1\"\n",
    },
    Attested {
        registry: "npm",
        package: "sigstore",
        version: "2.1.0",
        bundle: "sigstore-js-2.1.0-bundle-v0.1.json",
        policy: "predicate = \"https://slsa.dev/provenance/v1\"\nmin-bundle = \"0.1\"\n",
    },
    Attested {
        registry: "npm",
        package: "sigstore",
        version: "2.0.0",
        bundle: "sigstore.js@2.0.0-provenance.sigstore.json",
        policy: "predicate = \"https://slsa.dev/provenance/v1\"\nmin-bundle = \"0.1\"\n",
    },
    Attested {
        registry: "npm",
        package: "sigstore",
        version: "1.3.0",
        bundle: "npm-sigstore-1.3.0-bundle-provenance.json",
        policy: "predicate = \"https://slsa.dev/provenance/v0.2\"\nmin-bundle = \"0.1\"\n",
    },
    Attested {
        registry: "pypi",
        package: "rfc8785",
        version: "0.1.2",
        bundle: "rfc8785-0.1.2-py3-none-any.whl.sigstore",
        policy: "predicate = \"https://docs.pypi.org/attestations/publish/v1\"\ninstance = \"staging\"\n\
                 issuer = \"https://github.com/login/oauth\"\nidentity = \"william@yossarian.net\"\n",
    },
];

/// A machine whose policy asks this release for its attestation. The instance for tests is one of the organisation's.
fn asking(machine: Machine, attested: &Attested) -> Machine {
    let machine = policy(machine);
    let folder = machine.home().join(".config/vetted");
    let root = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles/roots/staging.json")).unwrap();
    let sha256 = vetted::digest::Digest::sha256_of(&root).hex();
    fs::write(folder.join("staging.json"), &root).unwrap();
    let trust = folder.join("vetted-trust.toml");
    let instance =
        format!("\n[[instance]]\nid = \"staging\"\ntrusted-root = {{ path = \"staging.json\", sha256 = \"{sha256}\" }}\n");
    fs::write(&trust, fs::read_to_string(&trust).unwrap() + &instance).unwrap();
    let manifest = folder.join("vetted.toml");
    let signer = if attested.registry == "npm" { GITHUB } else { "" };
    let Attested { registry, package, policy, .. } = attested;
    let more = format!(
        "\n[[attestation]]\nid = \"maker\"\n{policy}{signer}\n[[tool]]\nid = \"attested\"\npurl = \"pkg:{registry}/{package}\"\n\
         require = [\"maker\"]\n[tool.recognise]\nvendor = \"Maker\"\nkind = \"sdk\"\npackages = [\"pkg:{registry}/{package}\"]\n"
    );
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap() + &more).unwrap();
    machine
}

#[test]
fn every_attested_release_that_can_be_had_is_approved_installed_and_checked() {
    if !has("npm") || !has("python3") {
        return;
    }
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles/real");
    for attested in &ATTESTED {
        // A machine with a prefix of npm's own has no pip on its PATH that could be asked for its index.
        let (machine, prefix) = if attested.registry == "npm" {
            let (machine, prefix) = machine_with_prefix();
            (machine, Some(prefix))
        } else {
            (Machine::new(), None)
        };
        let mut machine = asking(machine, attested);
        let bundle = bundles.join(attested.bundle);
        let subject = format!("attested@{}", attested.version);
        let arguments = ["approve", &subject, "--from", attested.registry, "--bundle", bundle.to_str().unwrap()];
        let run = machine.vetted(&arguments).exits(0);
        assert!(!run.stderr.contains("without attestation"), "{run}");
        machine.vetted(&["sign"]).exits(0);
        if let Some(prefix) = prefix {
            npm(&prefix, &format!("{}@{}", attested.package, attested.version));
        } else {
            let environment = machine.home().join("env");
            pip(&venv(&environment), &format!("{}=={}", attested.package, attested.version));
            machine.env("PATH", environment.join("bin").display().to_string());
        }
        is(&machine, "attested", attested.version, "approved", "verified");
        // A bundle of something else.
        let other = machine.vetted(&[
            "approve",
            &subject,
            "--from",
            attested.registry,
            "--bundle",
            bundles.join("MODULE.bazel.intoto.jsonl").to_str().unwrap(),
        ]);
        other.exits(1);
    }
}
