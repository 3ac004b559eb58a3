//! The hermetic runner: an empty home, a cleared environment, a fixed clock, no network needed, places redacted in what is shown.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The instant every test runs at, unless it says otherwise.
pub const NOW: &str = "2026-11-21T12:00:00Z";

/// A machine of one's own: a home and a work folder below one temporary root.
pub struct Machine {
    root: tempfile::TempDir,
    now: String,
    env: Vec<(String, String)>,
}

impl Machine {
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("vetted-it-").tempdir().expect("a temporary folder");
        for folder in ["home", "work", "bin"] {
            fs::create_dir(root.path().join(folder)).expect("a fresh folder");
        }
        Self { root, now: NOW.to_owned(), env: Vec::new() }
    }

    /// [`Machine::new`] with a repository as its work folder, and no program of its own on `PATH`.
    pub fn with_work_repository() -> Self {
        let machine = Self::new();
        machine.git(&["init", "-q", "-b", "main"]);
        machine
    }

    /// [`Machine::with_work_repository`] with a copy of the program on its own `PATH`, so that a test can take the program away. Tests that
    /// run at the same time link it, too, which changes its times: a test that counts findings takes the other.
    pub fn with_repository() -> Self {
        let machine = Self::with_work_repository();
        let program = machine.bin().join("vetted");
        if fs::hard_link(env!("CARGO_BIN_EXE_vetted"), &program).is_err() {
            fs::copy(env!("CARGO_BIN_EXE_vetted"), &program).expect("a copy of the program");
        }
        machine
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The working directory of commands.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// A folder on `PATH`, the only one besides the system's own for git and sh.
    pub fn bin(&self) -> PathBuf {
        self.root.path().join("bin")
    }

    /// Travel to another instant, RFC 3339.
    pub fn at(&mut self, now: &str) -> &mut Self {
        now.clone_into(&mut self.now);
        self
    }

    /// Set a variable for every command from now on.
    pub fn env(&mut self, name: &str, value: impl AsRef<str>) -> &mut Self {
        self.env.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Write a file below the root of this machine, with the folders above it: `home/...`, `work/...`, `bin/...`.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("folders");
        fs::write(&path, content).expect("a file");
        path
    }

    /// [`Machine::file`], executable.
    pub fn executable(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(path, content);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        path
    }

    /// An npm package folder below the root: `package.json` with this name, version and bin, and an entry file.
    pub fn npm_package(&self, folder: &str, name: &str, version: &str, bin: &str) -> PathBuf {
        let json = format!(r#"{{"name":"{name}","version":"{version}","bin":{{"{bin}":"cli.js"}}}}"#);
        self.file(&format!("{folder}/package.json"), json);
        self.executable(&format!("{folder}/cli.js"), format!("#!/usr/bin/env node\n// {name} {version}\n"))
    }

    /// A command in this machine, in its work folder.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir(self.work())
            .stdin(Stdio::null())
            .env("HOME", self.home())
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin().display()))
            .env("LANG", "C.UTF-8")
            .env("COLUMNS", "100")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.com")
            .env("VETTED_TEST_NOW", &self.now)
            .env("VETTED_TEST_INSTANCES", "none")
            .env("VETTED_TEST_MACHINE_POLICY", self.root.path().join("etc/vetted"));
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }

    /// `vetted` with these arguments.
    pub fn vetted<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        let mut command = self.command(env!("CARGO_BIN_EXE_vetted"));
        command.args(arguments);
        self.run(command)
    }

    /// Any program with these arguments, in the work folder.
    pub fn program<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Run {
        let mut command = self.command(program);
        command.args(arguments);
        self.run(command)
    }

    /// `git` in the work folder; fails the test when git fails.
    pub fn git<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        let run = self.program("git", arguments);
        assert!(run.status == 0, "git failed:\n{run}");
        run.stdout
    }

    /// Run a prepared command.
    pub fn run(&self, mut command: Command) -> Run {
        let output = command.output().expect("the program starts");
        Run::of(&output, self.root.path())
    }
}

/// What a command did, with the places of this machine redacted.
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn of(output: &Output, root: &Path) -> Self {
        let redact = |bytes: &[u8]| {
            let root = root.to_string_lossy();
            let canonical = fs::canonicalize(&*root).map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            String::from_utf8_lossy(bytes).replace(&*canonical, "[ROOT]").replace(&*root, "[ROOT]")
        };
        Self {
            // A run ended by a signal (a panic aborting, a kill) has no status: no test may take it for one.
            status: output.status.code().unwrap_or(-1),
            stdout: redact(&output.stdout),
            stderr: redact(&output.stderr),
        }
    }

    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not JSON ({e}):\n{self}"))
    }

    /// Fail unless the exit status is this one.
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status\n{self}");
        assert!(!self.stderr.contains("panicked at"), "a panic\n{self}");
        self
    }
}

/// Status, standard output and standard error as one text for a snapshot.
impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = format!("exit status: {}\n", self.status);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let _ = write!(text, "--- {name}\n{stream}");
            if !stream.is_empty() && !stream.ends_with('\n') {
                text.push('\n');
            }
        }
        f.write_str(&text)
    }
}
