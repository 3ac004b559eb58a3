//! The environment: every variable the program reads is named here or passed to [`Env::text`] by name, and read from one
//! snapshot taken at the start.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use super::journal::Journal;
use crate::tool::Os;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A snapshot of the environment.
#[derive(Debug, Clone)]
pub struct Env {
    variables: BTreeMap<OsString, OsString>,
    current_dir: PathBuf,
    program: Option<PathBuf>,
    /// Who may listen to what is asked.
    journal: Option<&'static Journal>,
    /// The system whose layout applies.
    pub os: Os,
}

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            // A deleted working directory leaves relative paths to fail where they are used, with their own message.
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            program: std::env::current_exe().ok(),
            journal: None,
            os: Os::here(),
        }
    }

    /// An environment made of these variables, for tests.
    #[must_use]
    pub fn of_pairs<K: Into<OsString>, V: Into<OsString>>(
        pairs: impl IntoIterator<Item = (K, V)>,
        current_dir: &Path,
        os: Os,
    ) -> Self {
        Self {
            variables: pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
            current_dir: current_dir.to_owned(),
            program: None,
            journal: None,
            os,
        }
    }

    /// The same environment with somebody who may listen.
    pub(super) fn heard_by(self, journal: &'static Journal) -> Self {
        Self { journal: Some(journal), ..self }
    }

    /// The same environment of a program in this file, for tests.
    #[cfg(test)]
    pub(super) fn of_program(self, program: &Path) -> Self {
        Self { program: Some(program.to_owned()), ..self }
    }

    /// Every variable, empty or not; nobody hears of it.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        if let Some(journal) = self.journal {
            journal.variable(name);
        }
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|v| !v.is_empty())
    }

    /// A variable that is set, not empty and Unicode.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str()
    }

    /// A variable that holds an absolute path. Relative values are ignored, as the XDG base directory specification asks.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|p| p.is_absolute())
    }

    /// The names of the variables that begin like this.
    pub fn names_beginning(&self, prefix: &str) -> impl Iterator<Item = &OsStr> {
        if let Some(journal) = self.journal {
            journal.prefix(prefix);
        }
        let starts = move |name: &&OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        self.variables.keys().map(OsString::as_os_str).filter(starts)
    }

    /// The working directory of the process.
    #[must_use]
    pub fn current_dir(&self) -> &Path {
        &self.current_dir
    }

    /// The file of this program, where the system tells.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The home folder: `HOME`, or `USERPROFILE` on Windows.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        match self.os {
            Os::Windows => self.path("USERPROFILE").or_else(|| self.path("HOME")),
            Os::Linux | Os::MacOs => self.path("HOME"),
        }
    }

    /// `XDG_CONFIG_HOME`, `%APPDATA%` on Windows, else `~/.config`.
    #[must_use]
    pub fn config_home(&self) -> Option<PathBuf> {
        match self.os {
            Os::Windows => self.path("APPDATA"),
            _ => self.path("XDG_CONFIG_HOME").or_else(|| Some(self.home()?.join(".config"))),
        }
    }

    /// `XDG_CACHE_HOME`, `%LOCALAPPDATA%` on Windows, else `~/.cache`.
    #[must_use]
    pub fn cache_home(&self) -> Option<PathBuf> {
        match self.os {
            Os::Windows => self.path("LOCALAPPDATA"),
            _ => self.path("XDG_CACHE_HOME").or_else(|| Some(self.home()?.join(".cache"))),
        }
    }

    /// `XDG_DATA_HOME`, `%LOCALAPPDATA%` on Windows, else `~/.local/share`.
    #[must_use]
    pub fn data_home(&self) -> Option<PathBuf> {
        match self.os {
            Os::Windows => self.path("LOCALAPPDATA"),
            _ => self.path("XDG_DATA_HOME").or_else(|| Some(self.home()?.join(".local/share"))),
        }
    }

    /// The folder of what this program remembers: `vetted` below `XDG_STATE_HOME` or `~/.local/state`,
    /// `%LOCALAPPDATA%\vetted\state` on Windows.
    #[must_use]
    pub fn state_home(&self) -> Option<PathBuf> {
        match self.os {
            Os::Windows => Some(self.path("LOCALAPPDATA")?.join("vetted").join("state")),
            _ => Some(self.path("XDG_STATE_HOME").or_else(|| Some(self.home()?.join(".local/state")))?.join("vetted")),
        }
    }

    /// The folders of `PATH`, in order; empty and relative ones stand for the working directory and are kept as such.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        self.get("PATH").map(|p| std::env::split_paths(p).collect()).unwrap_or_default()
    }

    /// The folder of the machine's own policy, which outranks the user's: `/etc/vetted`, `/Library/Application
    /// Support/vetted`, `%ProgramData%\vetted`.
    #[must_use]
    pub fn machine_policy(&self) -> Option<PathBuf> {
        // As with the clock, only a debug build can be told otherwise.
        if cfg!(debug_assertions)
            && let Some(folder) = self.path("VETTED_TEST_MACHINE_POLICY")
        {
            return Some(folder);
        }
        match self.os {
            Os::Linux => Some(PathBuf::from("/etc/vetted")),
            Os::MacOs => Some(PathBuf::from("/Library/Application Support/vetted")),
            Os::Windows => self.path("ProgramData").map(|p| p.join("vetted")),
        }
    }

    /// The folder of the user's own policy: `vetted` under [`Env::config_home`].
    #[must_use]
    pub fn user_policy(&self) -> Option<PathBuf> {
        Some(self.config_home()?.join("vetted"))
    }

    /// Whether this is a continuous-integration runner, where nothing is cached between runs.
    #[must_use]
    pub fn is_ci(&self) -> bool {
        self.text("CI").is_some_and(|v| !matches!(v, "0" | "false"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_relative_values_do_not_count() {
        let env = Env::of_pairs(
            [("HOME", "/home/u"), ("XDG_CONFIG_HOME", "relative"), ("XDG_CACHE_HOME", "")],
            Path::new("/"),
            Os::Linux,
        );
        assert_eq!(env.config_home(), Some(PathBuf::from("/home/u/.config")));
        assert_eq!(env.cache_home(), Some(PathBuf::from("/home/u/.cache")));
        assert_eq!(env.state_home(), Some(PathBuf::from("/home/u/.local/state/vetted")));
    }
}
