//! Why a release has no layout: it is not what its form promises.

use crate::digest::TreeRefusal;
use crate::text::printable;
use thiserror::Error;

/// Why it cannot be told what an installation of a release looks like.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LayoutRefusal {
    /// A file that every release of this form has is not there.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// A description inside the release that cannot be read.
    #[error("its `{}` cannot be read: {why}", printable(file))]
    Description {
        /// Which file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// Files beside the one folder that an installer strips.
    #[error("`{}` does not lie in the one folder that everything else lies in", printable(.0))]
    Outside(String),
    /// A link where no installer makes one.
    #[error("`{}` is a link, and nobody says what an installer makes of it", printable(.0))]
    Link(String),
    /// Names that a directory hash cannot carry.
    #[error("{0}")]
    Tree(#[from] TreeRefusal),
    /// A glob of a tree that is none.
    #[error("`{}` is no pattern: {why}", printable(pattern))]
    Pattern {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file name that is not the one of a wheel.
    #[error("`{}` is not the file name of a wheel (name-version-python-abi-platform.whl)", printable(.0))]
    WheelName(String),
    /// The wheel is another one than its name says.
    #[error("it is called {}, and its {file} says {}", printable(called), printable(found))]
    OtherWheel {
        /// Name and version by the name of the file.
        called: String,
        /// Where something else stands.
        file: &'static str,
        /// What stands there.
        found: String,
    },
    /// A row of `RECORD` that its own wheel contradicts.
    #[error("its RECORD has a wrong sum for `{}`", printable(.0))]
    RecordSum(String),
    /// A file of a wheel that `RECORD` does not name.
    #[error("its RECORD does not name `{}`", printable(.0))]
    RecordMissing(String),
    /// A row of `RECORD` for a file that is not there.
    #[error("its RECORD names `{}`, which is not in it", printable(.0))]
    RecordExtra(String),
    /// No program, or several, where one was looked for.
    #[error("it has {} programs, where one was looked for", .0.len())]
    Programs(Vec<String>),
}
