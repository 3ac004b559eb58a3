//! What is asked of the file system and of the environment while an answer is worked out: what that answer depends on.
//!
//! [`super::memo`] listens for the time of one piece of work. Nothing is written down else.

use super::cache::Moment;
use super::files::StatKey;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The questions of one process. Shared between threads.
#[derive(Debug, Default)]
pub(super) struct Journal {
    is_open: AtomicBool,
    notes: Mutex<Notes>,
}

/// The questions since somebody began to listen.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// A moment before the first of them.
    pub(super) began: Moment,
    /// What was asked of paths, as they were given: as texts, because to compare paths part by part costs more than all else here.
    pub(super) paths: HashMap<OsString, Asked>,
    /// Variables that were asked for.
    pub(super) variables: BTreeSet<String>,
    /// Beginnings of names of variables that were looked for.
    pub(super) prefixes: BTreeSet<String>,
    /// Whether the same question had two answers.
    pub(super) is_torn: bool,
}

/// What was asked of a path, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Where it leads, or what stands there.
    pub(super) followed: Answers,
    /// What it is itself, a link not followed.
    pub(super) itself: Answers,
    /// The folder whose names were listed.
    pub(super) names: Option<StatKey>,
    /// Whether a file was opened: its content may matter, and not only its size.
    pub(super) is_opened: bool,
}

/// What the system answered to questions of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// Nothing is there.
    pub(super) absent: bool,
    /// It would not say, or not open it.
    pub(super) refused: bool,
    /// What is there.
    pub(super) key: Option<StatKey>,
    /// The path without links, or the target of a link.
    pub(super) path: Option<PathBuf>,
}

/// How a path was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Links followed: `stat`, `realpath`.
    Followed,
    /// The same, and the file was opened.
    Opened,
    /// A link not followed: `lstat`, `readlink`.
    Itself,
    /// The names in a folder, links to it followed.
    Names,
}

/// What came of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// Something is there.
    Key(StatKey),
    /// It leads there.
    Path(&'a Path),
    /// Nothing is there.
    Absent,
    /// The system would not say, or not open it.
    Refused,
}

impl Journal {
    /// Begin to write down, with an empty page.
    pub(super) fn open(&self) {
        *self.notes() = Notes { began: Moment::now(), ..Notes::default() };
        self.is_open.store(true, Ordering::Release);
    }

    /// Stop, and give what was written down.
    pub(super) fn close(&self) -> Notes {
        self.is_open.store(false, Ordering::Release);
        std::mem::take(&mut *self.notes())
    }

    /// Whether somebody listens.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(super) fn path(&self, path: &Path, question: Question, answer: Answer<'_>) {
        if !self.is_open() {
            return;
        }
        let mut notes = self.notes();
        let asked = notes.paths.entry(path.as_os_str().to_owned()).or_default();
        let answers = if question == Question::Itself { &mut asked.itself } else { &mut asked.followed };
        let is_same = match answer {
            Answer::Key(key) => *answers.key.get_or_insert(key) == key,
            Answer::Path(path) => answers.path.get_or_insert_with(|| path.to_owned()) == path,
            Answer::Absent => {
                answers.absent = true;
                true
            }
            Answer::Refused => {
                answers.refused = true;
                true
            }
        };
        if let (Question::Names, Answer::Key(key)) = (question, answer) {
            asked.names = Some(key);
        }
        asked.is_opened |= question == Question::Opened;
        notes.is_torn |= !is_same;
    }

    pub(super) fn variable(&self, name: &str) {
        if self.is_open() {
            self.notes().variables.insert(name.to_owned());
        }
    }

    pub(super) fn prefix(&self, prefix: &str) {
        if self.is_open() {
            self.notes().prefixes.insert(prefix.to_owned());
        }
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
