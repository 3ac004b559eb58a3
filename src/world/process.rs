//! Other programs: `git`, which is asked for a repository; npm and pip, which are asked for the registry they have by themselves;
//! and this very program, started to run on by itself.
//!
//! Nothing that is found on the machine or in a repository is ever started. What runs here gets an environment made for it, no
//! terminal and no standard input, and is ended, with what it started itself, when it takes too long.
#![expect(clippy::disallowed_methods, reason = "this is the one place that starts programs")]

use super::env::Env;
use super::network::is_loopback;
use crate::text::printable;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// The most that is kept of what a program writes, in bytes.
const MAX_OUTPUT: u64 = 256 * 1024;
/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(10);

/// What git may see of the environment: who the user is, where its keys and certificates are, which way leads out. Nothing that
/// names a repository, a configuration or a program, but for the way to reach a host over ssh.
const GIT_MAY_SEE: [&str; 32] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "SystemRoot",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "https_proxy",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "KRB5CCNAME",
    "KRB5_CONFIG",
];

/// Settings that no configuration of the user outranks: no hooks, no programs for the work tree, no work of git's own afterwards.
const GIT_SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "maintenance.auto=false",
    "gc.auto=0",
    "fetch.recurseSubmodules=false",
    "fetch.fsckObjects=true",
    "protocol.version=2",
    "credential.interactive=false",
];

/// Why a program gave no answer.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It is in no folder of `PATH`.
    #[error("`{0}` is in no folder of PATH")]
    NotFound(&'static str),
    /// It could not be started, or not waited for.
    #[error("cannot run `{program}`: {source}")]
    Start {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("`{program}` was ended after {} seconds", .after.as_secs())]
    Timeout {
        /// Which, with what it was to do.
        program: String,
        /// What was allowed.
        after: Duration,
    },
    /// It ended badly.
    #[error("`{program}` failed: {}", printable(.said))]
    Failed {
        /// Which, with what it was to do.
        program: String,
        /// What it wrote to standard error, the last lines.
        said: String,
    },
}

/// Run git in a folder and return what it wrote.
///
/// It asks nobody, runs no hook, reads no configuration of the folder `vetted` was called in, and uses only https, ssh and files;
/// plain http only where `url` names this machine.
///
/// # Errors
/// [`ProcessError`].
pub fn git(env: &Env, folder: &Path, url: &str, arguments: &[&str], patience: Duration) -> Result<Vec<u8>, ProcessError> {
    let program = find(env, "git").ok_or(ProcessError::NotFound("git"))?;
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder);
    for name in GIT_MAY_SEE {
        if let Some(value) = env.get(name) {
            command.env(name, value);
        }
    }
    let is_here = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?']).next()).is_some_and(|host| {
        let name = if host.ends_with(']') { host } else { host.rsplit_once(':').map_or(host, |(name, _)| name) };
        is_loopback(name)
    });
    command
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("GCM_INTERACTIVE", "never")
        .env("GIT_ALLOW_PROTOCOL", if is_here { "https:ssh:file:http" } else { "https:ssh:file" })
        .env("GIT_CEILING_DIRECTORIES", folder);
    if env.get("GIT_SSH_COMMAND").is_none() {
        command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=15");
    }
    for setting in GIT_SETTINGS {
        command.args(["-c", setting]);
    }
    command.args(arguments);
    let what = format!("git {}", arguments.iter().find(|word| !word.starts_with('-')).unwrap_or(&""));
    run(command, &what, patience)
}

/// What an installer may see of the environment: where its interpreter is and where it may write. No setting of its own, and no
/// token.
const INSTALLER_MAY_SEE: [&str; 8] = ["PATH", "PATHEXT", "SystemRoot", "ComSpec", "TEMP", "TMP", "TMPDIR", "ProgramFiles"];

/// Ask npm or pip something about itself and return what it wrote. It runs in an empty folder that is its home as well: nothing of
/// the user's and nothing of a repository has a say in the answer.
///
/// # Errors
/// [`ProcessError`].
pub fn installer(
    env: &Env,
    program: &'static str,
    folder: &Path,
    (arguments, patience): (&[&str], Duration),
) -> Result<Vec<u8>, ProcessError> {
    let path = find(env, program).ok_or(ProcessError::NotFound(program))?;
    let mut command = Command::new(path);
    command.env_clear().current_dir(folder);
    for name in INSTALLER_MAY_SEE {
        if let Some(value) = env.get(name) {
            command.env(name, value);
        }
    }
    command.env("HOME", folder).env("USERPROFILE", folder).env("LC_ALL", "C").env("COLUMNS", "80").env("CI", "1");
    command.args(arguments);
    run(command, program, patience)
}

/// Where a program of this name is, in the absolute folders of `PATH`: the working directory is not searched.
fn find(env: &Env, name: &str) -> Option<PathBuf> {
    let names: &[&str] = if cfg!(windows) { &[".exe"] } else { &[""] };
    let folders = env.search_path();
    let candidates =
        folders.iter().filter(|f| f.is_absolute()).flat_map(|f| names.iter().map(move |e| f.join(format!("{name}{e}"))));
    let mut found = candidates.filter(|path| is_program(path));
    found.next()
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_file())
}

fn run(mut command: Command, what: &str, patience: Duration) -> Result<Vec<u8>, ProcessError> {
    let until = Instant::now() + patience;
    let cannot = |source| ProcessError::Start { program: what.to_owned(), source };
    alone(&mut command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(cannot)?;
    let output = child.stdout.take().map(collect);
    let errors = child.stderr.take().map(collect);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(LOOK),
            // Not yet waited for, so the number of the group is still its own.
            other => {
                end_group(&mut child);
                return Err(match other {
                    Err(error) => cannot(error),
                    Ok(_) => ProcessError::Timeout { program: what.to_owned(), after: patience },
                });
            }
        }
    };
    // What it started may outlive it and hold the pipes: what has come by then is all there is.
    let wait = |pipe: Option<mpsc::Receiver<Vec<u8>>>| {
        pipe.and_then(|pipe| pipe.recv_timeout(Duration::from_secs(2)).ok()).unwrap_or_default()
    };
    let (output, errors) = (wait(output), wait(errors));
    if status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&errors);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = lines[lines.len().saturating_sub(3)..].join("; ");
    let said = if said.is_empty() { status.to_string() } else { said };
    Err(ProcessError::Failed { program: what.to_owned(), said })
}

/// Read a pipe to its end in a thread of its own, so that a full pipe never stops the program; keep the beginning.
fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What cannot be read is missing from a message; the exit status decides.
        let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        let _ = send.send(bytes);
    });
    receive
}

/// A process group of its own, so that it can be ended with all it started, and an interrupt of the terminal reaches it only
/// through this program.
#[cfg(unix)]
fn alone(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn alone(_command: &mut Command) {}

#[cfg(unix)]
fn end_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // No such group: everything has ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Without process groups the program itself is ended; what it started ends when its pipes close.
#[cfg(not(unix))]
fn end_group(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Start this very program with these arguments and do not wait for it: no terminal, no standard streams, a working directory
/// that is in nobody's way. The variables that git sets for its hooks stay behind.
///
/// # Errors
/// [`ProcessError`] when the system does not tell where this program is, or does not start it.
pub fn start_myself(env: &Env, arguments: &[&std::ffi::OsStr]) -> Result<(), ProcessError> {
    let program = env.program().ok_or(ProcessError::NotFound("vetted"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in env.names_beginning("GIT_") {
        // How a host is reached over ssh belongs to the user, the rest to the repository of the commit.
        if name != "GIT_SSH_COMMAND" && name != "GIT_SSL_CAINFO" && name != "GIT_CONFIG_NOSYSTEM" {
            command.env_remove(name);
        }
    }
    if let Some(folder) = program.ancestors().last().filter(|root| root.is_absolute()) {
        command.current_dir(folder);
    }
    detached(&mut command);
    command.spawn().map(drop).map_err(|source| ProcessError::Start { program: "vetted".to_owned(), source })
}

#[cfg(not(windows))]
fn detached(_command: &mut Command) {
    // The program makes itself the leader of a session when it starts: see `leave_the_session`.
}

#[cfg(windows)]
fn detached(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    // DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP (processthreadsapi.h).
    command.creation_flags(0x0000_0008 | 0x0000_0200);
}

/// Leave the session of whoever started this program, so that neither the end of their terminal nor an interrupt there ends it.
pub fn leave_the_session() {
    #[cfg(unix)]
    // It fails only for the leader of a group, who is not at anybody's terminal in the way that matters here.
    let _ = rustix::process::setsid();
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(format!("(sleep 2; : > '{}') & sleep 30", mark.display()));
        let began = Instant::now();
        let error = run(command, "sh", Duration::from_millis(200)).unwrap_err();
        assert!(matches!(error, ProcessError::Timeout { .. }), "{error}");
        assert!(began.elapsed() < Duration::from_secs(2), "it waited {:?}", began.elapsed());
        std::thread::sleep(Duration::from_millis(2300));
        assert!(!mark.exists(), "a child went on");
    }

    #[test]
    fn what_it_says_last_is_kept() {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg("yes | head -c 1000000; echo one >&2; echo fatal: two >&2; exit 3");
        let error = run(command, "sh", Duration::from_secs(20)).unwrap_err().to_string();
        assert_eq!(error, "`sh` failed: one; fatal: two");
    }
}
