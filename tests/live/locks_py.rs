//! A project is locked by the real uv, Poetry, Pipenv, pip-compile, pip and cargo, and the same tool and version is found in what each of
//! them wrote. Nothing is installed but the lockers, and of the tool itself no more than its metadata is downloaded.

use super::*;
use std::sync::LazyLock;

/// The folder of the lockers: installed once for all tests, and kept with what is built.
static LOCKERS: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if !has("python3") {
        return None;
    }
    let python = venv(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("lockers"));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"];
    install(python.to_str().unwrap(), &[&pip[..], &["pip", "uv", "poetry", "pipenv", "pip-tools"]].concat(), None);
    Some(python.parent().unwrap().to_owned())
});

/// The address that pip takes packages from where nobody configured another: Poetry reads pip's configuration as little as pip reads
/// Poetry's.
fn index(bin: &Path) -> String {
    let python = |arguments: &[&str]| {
        let output = Command::new(bin.join("python")).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let configured = python(&["-m", "pip", "config", "get", "global.index-url"]);
    let built_in = || python(&["-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]);
    if configured.is_empty() { built_in() } else { configured }
}

/// Run a locker in the work folder of a machine.
fn lock(machine: &Machine, program: &Path, arguments: &[&str]) {
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(machine.work()).env("PIPENV_IGNORE_VIRTUALENVS", "1").env("VIRTUAL_ENV", "");
    // Poetry, Pipenv and uv find the interpreter of the environment they are in.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
    command.env("POETRY_VIRTUALENVS_CREATE", "false").env("PIPENV_VENV_IN_PROJECT", "1");
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{} {arguments:?}:\n{said}", program.display());
}

/// The repository holds what a locker wrote and nothing else; what is in it of the SDK is this version, with this verdict.
fn is_found(machine: &Machine, file: &str, version: &str) {
    let keep = fs::read(machine.work().join(file)).unwrap_or_else(|_| panic!("no {file} was written"));
    let repository = Machine::new();
    repository.git(&["init", "-q", "."]);
    repository.file(&format!("work/{file}"), &keep);
    repository.git(&["add", "--all"]);
    let run = repository.vetted(&["check", "--staged", "--no-machine", "--format", "json"]);
    let is_revoked = version == "0.1.55";
    assert_eq!(run.status, i32::from(is_revoked), "{file}:\n{run}");
    let one = verdict(&run, "claude-agent-sdk-py", version);
    assert_eq!(one["verdict"], if is_revoked { "revoked" } else { "unvetted" }, "{file}: {one}");
    assert_eq!(one["location"]["path"], file, "{one}");
    let same = verdicts(&run).into_iter().filter(|v| v["tool"] == "claude-agent-sdk-py").count();
    assert_eq!(same, 1, "{file}: one verdict for the files of all platforms:\n{run}");
    assert!(!run.stdout.contains("\"unparsable-file\""), "{file}:\n{run}");
}

fn project(machine: &Machine, version: &str) {
    let text = format!(
        "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11,<4.0\"\ndependencies = [\"claude-agent-sdk=={version}\"]\n"
    );
    machine.file("work/pyproject.toml", text);
}

/// The last revoked one but for the whole range, and the first that is not.
const VERSIONS: [&str; 2] = ["0.1.55", "0.2.111"];

#[test]
fn uv_locks_and_exports() {
    let Some(bin) = LOCKERS.as_ref() else { return };
    for version in VERSIONS {
        let machine = Machine::new();
        project(&machine, version);
        let uv = bin.join("uv");
        lock(&machine, &uv, &["lock", "--quiet"]);
        lock(&machine, &uv, &["export", "--quiet", "--format", "pylock.toml", "--output-file", "pylock.toml"]);
        lock(&machine, &uv, &["export", "--quiet", "--format", "requirements.txt", "--output-file", "requirements.txt"]);
        for file in ["uv.lock", "pylock.toml", "requirements.txt", "pyproject.toml"] {
            is_found(&machine, file, version);
        }
    }
}

#[test]
fn poetry_locks() {
    let Some(bin) = LOCKERS.as_ref() else { return };
    for version in VERSIONS {
        let machine = Machine::new();
        project(&machine, version);
        let own = fs::read_to_string(machine.work().join("pyproject.toml")).unwrap();
        let index = index(bin);
        let more = format!(
            "[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = \"configured\"\nurl = \"{index}\"\npriority = \"primary\"\n"
        );
        machine.file("work/pyproject.toml", own + &more);
        lock(&machine, &bin.join("poetry"), &["lock", "--no-interaction"]);
        is_found(&machine, "poetry.lock", version);
    }
}

#[test]
fn pipenv_locks() {
    let Some(bin) = LOCKERS.as_ref() else { return };
    for version in VERSIONS {
        let machine = Machine::new();
        machine.file("work/Pipfile", format!("[packages]\nclaude-agent-sdk = \"=={version}\"\n"));
        lock(&machine, &bin.join("pipenv"), &["lock"]);
        is_found(&machine, "Pipfile.lock", version);
        is_found(&machine, "Pipfile", version);
    }
}

#[test]
fn pip_compile_writes_requirements() {
    let Some(bin) = LOCKERS.as_ref() else { return };
    for version in VERSIONS {
        let machine = Machine::new();
        machine.file("work/requirements.in", format!("claude-agent-sdk=={version}\n"));
        lock(
            &machine,
            &bin.join("uv"),
            &["pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements-uv.txt"],
        );
        is_found(&machine, "requirements-uv.txt", version);
        is_found(&machine, "requirements.in", version);
        // It asks the index for every digest, one after the other: once is enough.
        if version == VERSIONS[0] {
            lock(&machine, &bin.join("pip-compile"), &["--quiet", "--generate-hashes", "requirements.in"]);
            is_found(&machine, "requirements.txt", version);
        }
    }
}

/// What a project has in common in all of them, and another one without the tool: silent.
#[test]
fn a_project_without_tools_is_silent() {
    let Some(bin) = LOCKERS.as_ref() else { return };
    let machine = Machine::new();
    machine.git(&["init", "-q", "."]);
    machine.file("work/pyproject.toml", "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11\"\ndependencies = [\"httpx\", \"rich>=13\"]\n");
    machine.file("work/requirements.in", "httpx\nrich>=13\n");
    machine.file("work/Pipfile", "[packages]\nhttpx = \"*\"\n");
    let uv = bin.join("uv");
    lock(&machine, &uv, &["lock", "--quiet"]);
    lock(&machine, &uv, &["export", "--quiet", "--format", "pylock.toml", "--output-file", "pylock.toml"]);
    lock(&machine, &bin.join("pip-compile"), &["--quiet", "--generate-hashes", "requirements.in"]);
    lock(&machine, &bin.join("pipenv"), &["lock"]);
    machine.git(&["add", "--", "*.toml", "*.lock", "*.txt", "*.in", "Pipfile"]);
    let run = machine.vetted(&["check", "--all", "--no-machine", "--format", "json"]).exits(0);
    assert_eq!((verdicts(&run).len(), run.json()["findings"].as_array().unwrap().len()), (0, 0), "{run}");
}

/// A crate is found in what cargo locks, and in what its own manifest asks for.
#[test]
fn cargo_locks() {
    if !has("cargo") {
        return;
    }
    let machine = Machine::new();
    machine.git(&["init", "-q", "."]);
    machine.file("work/Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nsdk = { package = \"rmcp\", version = \"0.8\", default-features = false }\n");
    machine.file("work/src/lib.rs", "");
    lock(&machine, Path::new("cargo"), &["generate-lockfile", "--quiet"]);
    machine.git(&["add", "Cargo.toml"]);
    let floating = |run: &Run| run.stdout.contains("\"floating-version\"");
    assert!(floating(&machine.vetted(&["check", "--staged", "--no-machine", "--format", "json"]).exits(0)));
    machine.git(&["add", "Cargo.lock"]);
    let run = machine.vetted(&["check", "--staged", "--no-machine", "--format", "json"]).exits(0);
    assert!(!floating(&run), "{run}");
    let found: Vec<Value> = verdicts(&run).into_iter().filter(|v| v["tool"] == "sdk-mcp-sdk").collect();
    let [one] = &found[..] else { panic!("{run}") };
    let text = fs::read_to_string(machine.work().join("Cargo.lock")).unwrap();
    let (_, after) = text.split_once("name = \"rmcp\"\nversion = \"").unwrap();
    assert_eq!(one["version"].as_str(), after.split('"').next());
    let (_, after) = after.split_once("checksum = \"").unwrap();
    assert_eq!(one["digests"]["sha256"].as_str(), after.split('"').next(), "{one}");
}
