//! Errors as people meet them, and the exit status.
//!
//! Below `cli` every module has typed errors of its own. They become an [`Error`] where a command gives up: what failed, the
//! chain of causes, and what to do.

use std::process::ExitCode;

/// How a run ended. The numbers are a contract (`docs/manifest.md`, "Exit status").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: approved, or the command did what was asked.
    Success,
    /// 1: blocked by policy.
    Blocked,
    /// 2: the command line, or a file given to it, cannot be used.
    Usage,
    /// 3: could not decide. Never a pass.
    Undecided,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Blocked => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Undecided => 3,
        })
    }
}

/// Which exit status an error has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was typed, or a file the user named, cannot be used: 2.
    Usage,
    /// Something needed for the answer is missing, broken or not believed: 3.
    Undecided,
}

/// A command that gave up.
#[derive(Debug)]
pub struct Error {
    /// Decides the exit status.
    pub kind: ErrorKind,
    /// What failed, in one line, lower case, no full stop.
    pub message: String,
    /// Why, outermost first; may hold several lines each (a rendered diagnostic).
    pub causes: Vec<String>,
    /// What to do, one line each; a command stands in backticks.
    pub hints: Vec<String>,
}

impl Error {
    /// The command line, or a file the user named, cannot be used.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Usage, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Something needed for the answer is missing, broken or not believed.
    #[must_use]
    pub fn undecided(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Undecided, ..Self::usage(message) }
    }

    /// Add a cause and everything below it.
    #[must_use]
    pub fn because(mut self, cause: &dyn std::error::Error) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Add a cause given as text.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Add something to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit status of a run that ends with this error.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        match self.kind {
            ErrorKind::Usage => ExitStatus::Usage,
            ErrorKind::Undecided => ExitStatus::Undecided,
        }
    }
}
