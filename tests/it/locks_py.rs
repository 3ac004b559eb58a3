//! What Python projects and projects in other languages lock, from the index to the exit status.

use crate::support::Machine;
use std::fmt::Write as _;

const CHECK: [&str; 5] = ["check", "--staged", "--no-machine", "--format", "json"];

/// A digest that is nobody's.
fn digest(of: &str) -> String {
    vetted::digest::Digest::sha256_of(of.as_bytes()).hex()
}

/// The files of a version of the SDK, as indexes name them.
fn files(version: &str) -> Vec<String> {
    let platforms = ["macosx_11_0_arm64", "manylinux_2_17_x86_64", "win_amd64"];
    let wheels = platforms.iter().map(|platform| format!("claude_agent_sdk-{version}-py3-none-{platform}.whl"));
    wheels.chain([format!("claude_agent_sdk-{version}.tar.gz")]).collect()
}

fn uv_lock(version: &str) -> String {
    let mut text = format!(
        "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"notes\"\nversion = \"1.0\"\nsource = {{ registry = \"https://acme.example/simple\" }}\ndependencies = [{{ name = \"claude-agent-sdk\" }}]\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\nsource = {{ virtual = \".\" }}\ndependencies = [{{ name = \"notes\" }}]\n\n[[package]]\nname = \"claude-agent-sdk\"\nversion = \"{version}\"\nsource = {{ registry = \"https://acme.example/simple\" }}\nwheels = [\n"
    );
    for file in files(version) {
        writeln!(text, "    {{ url = \"https://acme.example/f/{file}\", hash = \"sha256:{}\", size = 1 }},", digest(&file))
            .unwrap();
    }
    text + "]\n"
}

/// Every lock format and every manifest that names the same version, by the name of its file.
fn formats(version: &str) -> Vec<(&'static str, String)> {
    let rows = |row: &dyn Fn(&str, &str) -> String| -> String {
        files(version).iter().map(|file| row(file, &digest(file))).collect::<Vec<_>>().join(", ")
    };
    let hashes: String = files(version).iter().map(|file| format!(" \\\n    --hash=sha256:{}", digest(file))).collect();
    let poetry = rows(&|file, hash| format!("{{file = \"{file}\", hash = \"sha256:{hash}\"}}"));
    let pylock = rows(&|file, hash| format!("{{ name = \"{file}\", hashes = {{ sha256 = \"{hash}\" }} }}"));
    let pipenv = rows(&|_, hash| format!("\"sha256:{hash}\""));
    let package = format!("[[package]]\nname = \"claude-agent-sdk\"\nversion = \"{version}\"\n");
    vec![
        ("uv.lock", uv_lock(version)),
        ("poetry.lock", format!("{package}files = [{poetry}]\n\n[metadata]\nlock-version = \"2.1\"\n")),
        (
            "old/poetry.lock",
            format!("{package}\n[metadata]\nlock-version = \"1.1\"\n\n[metadata.files]\nclaude-agent-sdk = [{poetry}]\n"),
        ),
        ("pdm.lock", format!("[metadata]\nlock_version = \"4.5.0\"\n\n{package}files = [{poetry}]\n")),
        (
            "pylock.toml",
            format!(
                "lock-version = \"1.0\"\n[[packages]]\nname = \"claude-agent-sdk\"\nversion = \"{version}\"\nwheels = [{pylock}]\n"
            ),
        ),
        (
            "pylock.dev.toml",
            format!("lock-version = \"1.0\"\n[[packages]]\nname = \"claude-agent-sdk\"\nversion = \"{version}\"\n"),
        ),
        (
            "Pipfile.lock",
            format!(
                "{{\"_meta\": {{\"pipfile-spec\": 6}}, \"default\": {{\"claude-agent-sdk\": {{\"hashes\": [{pipenv}], \"version\": \"=={version}\"}}}}, \"develop\": {{}}}}"
            ),
        ),
        ("Pipfile", format!("[packages]\nClaude_Agent-SDK = \"=={version}\"\n")),
        ("requirements.txt", format!("claude-agent-sdk=={version}{hashes}\n    # via shop\n")),
        ("requirements/constraints-3.in", format!("claude.agent.sdk=={version}\n")),
        (
            "pyproject.toml",
            format!(
                "[project]\nname = \"shop\"\ndependencies = [\n  \"claude_agent_sdk[x]=={version}; python_version > '3'\",\n]\n"
            ),
        ),
        ("poetry/pyproject.toml", format!("[tool.poetry.group.dev.dependencies]\nclaude-agent-sdk = \"{version}\"\n")),
        ("setup.cfg", format!("[options]\ninstall_requires =\n    claude-agent-sdk=={version}\n")),
        ("setup.py", format!("setup(install_requires=['claude-agent-sdk=={version}'])\n")),
        ("environment.yml", format!("dependencies:\n  - python\n  - pip:\n    - claude-agent-sdk=={version}\n")),
    ]
}

fn staged(name: &str, text: &str) -> Machine {
    let machine = Machine::with_work_repository();
    machine.file(&format!("work/{name}"), text);
    machine.git(&["add", "--all"]);
    machine
}

#[test]
fn one_version_is_found_and_blocked_in_every_format() {
    for (name, text) in formats("0.1.55") {
        let run = staged(name, &text).vetted(&CHECK).exits(1);
        let verdicts = run.json()["verdicts"].clone();
        let [one] = verdicts.as_array().unwrap().as_slice() else {
            panic!("{name}: not one verdict for all files of a version:\n{run}")
        };
        assert_eq!((one["tool"].as_str(), one["version"].as_str()), (Some("claude-agent-sdk-py"), Some("0.1.55")), "{name}");
        assert_eq!((one["verdict"].as_str(), one["location"]["path"].as_str()), (Some("revoked"), Some(name)), "{name}");
        assert!(!run.stdout.contains("not read"), "{name}: {run}");
    }
}

#[test]
fn what_is_not_revoked_passes_in_every_format() {
    for (name, text) in formats("0.2.111") {
        let machine = staged(name, &text);
        let run = machine.vetted(&CHECK).exits(0);
        assert_eq!(run.json()["verdicts"][0]["verdict"], "unvetted", "{name}");
        machine.file(&format!("work/{name}"), text.replace("claude-agent-sdk", "notes").replace("claude_agent_sdk", "notes"));
        machine.file(&format!("work/{name}"), text.to_lowercase().replace("claude", "notes").replace("pipfile-spec", "x"));
        machine.git(&["add", "--all"]);
        let run = machine.vetted(&CHECK).exits(0);
        assert_eq!(run.json()["verdicts"].as_array().unwrap().len(), 0, "{name}:\n{run}");
        assert_eq!(run.json()["findings"].as_array().unwrap().len(), 0, "{name}:\n{run}");
    }
}

#[test]
fn the_way_to_a_tool_is_told() {
    let run = staged("uv.lock", &uv_lock("0.1.55")).vetted(&CHECK).exits(1);
    assert_eq!(run.json()["verdicts"][0]["brought_by"], serde_json::json!(["notes"]));
}

#[test]
fn a_lock_answers_the_ranges_beside_it() {
    let asks = "[project]\ndependencies = [\"claude-agent-sdk>=0.1\"]\n";
    for (lock, text) in formats("0.2.111")
        .into_iter()
        .filter(|(name, _)| ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "requirements.txt"].contains(name))
    {
        let machine = staged("pyproject.toml", asks);
        let floating = |machine: &Machine| machine.vetted(&CHECK).stdout.contains("floating-version");
        assert!(floating(&machine), "{lock}");
        machine.file(&format!("work/{lock}"), text);
        machine.git(&["add", "--all"]);
        assert!(!floating(&machine), "{lock}");
        // What is no exact version answers nothing.
        if lock == "requirements.txt" {
            machine.file("work/requirements.txt", "claude-agent-sdk>=0.2\n");
            machine.git(&["add", "--all"]);
            assert!(floating(&machine), "{lock}");
        }
    }
}

#[test]
fn a_range_that_a_lock_answers_with_a_revoked_version_is_blocked() {
    let machine = staged("pyproject.toml", "[project]\ndependencies = [\"claude-agent-sdk>=0.1\"]\n");
    machine.file("work/uv.lock", uv_lock("0.1.60"));
    machine.git(&["add", "--all"]);
    machine.git(&["commit", "-qm", "x"]);
    machine.file("work/pyproject.toml", "[project]\ndependencies = [\"claude-agent-sdk>=0.1.1\"]\n");
    machine.git(&["add", "--all"]);
    let run = machine.vetted(&CHECK).exits(1);
    assert!(run.stdout.contains("0.1.60") && run.stdout.contains("uv.lock"), "{run}");
}

#[test]
fn a_wheel_behind_another_name_counts() {
    let text =
        uv_lock("0.1.55").replace("name = \"claude-agent-sdk\"\nversion = \"0.1.55\"", "name = \"left\"\nversion = \"1.0\"");
    let run = staged("uv.lock", &text).vetted(&CHECK).exits(1);
    assert_eq!(run.json()["verdicts"][0]["tool"], "claude-agent-sdk-py");
    let text = "x @ https://acme.example/claude_agent_sdk-0.1.55-py3-none-any.whl\n";
    staged("requirements.txt", text).vetted(&CHECK).exits(1);
}

#[test]
fn what_cannot_be_relied_on_is_said_and_nothing_panics() {
    for (name, text) in [
        ("uv.lock", "[[package]]\nname = 'a'\nname = 'b'\n".to_owned()),
        ("poetry.lock", "<<<<<<< HEAD\n".to_owned()),
        ("pdm.lock", format!("a = {}", "[".repeat(100_000))),
        ("pylock.toml", "[[packages".to_owned()),
        ("Pipfile.lock", "{\"default\": {\"a\": {}, \"a\": {}}}".to_owned()),
        ("Pipfile", "[packages".to_owned()),
        ("pyproject.toml", "[project".to_owned()),
        ("requirements.txt", "claude-agent-sdk==\n".to_owned()),
        ("requirements.txt", "-r other/base.txt\n".to_owned()),
        ("environment.yml", "dependencies: [\n".to_owned()),
        ("Cargo.toml", "[dependencies".to_owned()),
        ("Cargo.lock", "[[package".to_owned()),
        ("Gemfile.lock", "<<<<<<< HEAD\n".to_owned()),
        (
            "uv.lock",
            "[[package]]\nname = 'openai'\nversion = '1'\nwheels = [{url = 'openai-1-py3-none-any.whl', hash = 'sha256:zz'}]\n"
                .to_owned(),
        ),
    ] {
        let run = staged(name, &text).vetted(&CHECK).exits(0);
        assert!(run.stdout.contains("\"unparsable-file\""), "{name}:\n{run}");
    }
    // Shapes that no tool writes hold nothing, and are no reason to stop.
    for (name, text) in [
        ("uv.lock", "package = 7\n"),
        ("uv.lock", "[[package]]\nname = 7\n"),
        ("poetry.lock", "[[package]]\n[metadata]\nfiles = 1\n"),
        ("Pipfile.lock", "[]"),
        ("pyproject.toml", "tool = 1\nproject = []\n"),
        ("requirements.txt", "This program needs:\n- a computer\n- LLM support\n"),
        ("environment.yml", "{{ template }}\n"),
        ("setup.cfg", "install_requires\n = x\n"),
        ("go.mod", "require (\n"),
        ("go.sum", "x\n"),
        ("Gemfile", "gem 'x\n"),
        ("Cargo.toml", "dependencies = []\n"),
    ] {
        let run = staged(name, text).vetted(&CHECK).exits(0);
        assert_eq!(run.json()["findings"].as_array().unwrap().len(), 0, "{name}:\n{run}");
    }
}

#[test]
fn other_languages_name_the_same_tools() {
    let sum = digest("crate");
    let h1 = format!("h1:{}=", "A".repeat(43));
    for (name, text, tool, version) in [
        ("Cargo.toml", "[dependencies]\nrmcp = \"=0.8.0\"\n".to_owned(), "sdk-mcp-sdk", "0.8.0"),
        (
            "Cargo.lock",
            format!(
                "version = 4\n[[package]]\nname = \"rmcp\"\nversion = \"0.8.0\"\nsource = \"registry+https://acme.example\"\nchecksum = \"{sum}\"\n"
            ),
            "sdk-mcp-sdk",
            "0.8.0",
        ),
        ("go.mod", "module x\nrequire github.com/anthropics/anthropic-sdk-go v1.2.3\n".to_owned(), "sdk-anthropic-sdk", "v1.2.3"),
        ("go.sum", format!("github.com/anthropics/anthropic-sdk-go v1.2.3 {h1}\n"), "sdk-anthropic-sdk", "v1.2.3"),
        ("Gemfile", "gem 'openai', '0.16.0'\n".to_owned(), "sdk-openai-sdk", "0.16.0"),
        (
            "Gemfile.lock",
            "GEM\n  remote: https://acme.example/\n  specs:\n    openai (0.16.0)\n".to_owned(),
            "sdk-openai-sdk",
            "0.16.0",
        ),
    ] {
        let run = staged(name, &text).vetted(&CHECK).exits(0);
        let one = &run.json()["verdicts"][0];
        assert_eq!((one["tool"].as_str(), one["version"].as_str()), (Some(tool), Some(version)), "{name}:\n{run}");
    }
    let machine = staged("Cargo.toml", "[dependencies]\nrmcp = \"0.8\"\n");
    let floats = |machine: &Machine| machine.vetted(&CHECK).stdout.contains("floating-version");
    assert!(floats(&machine));
    machine.file("work/Cargo.lock", "version = 4\n[[package]]\nname = \"rmcp\"\nversion = \"0.8.0\"\nsource = \"x\"\n");
    machine.git(&["add", "--all"]);
    assert!(!floats(&machine));
}
