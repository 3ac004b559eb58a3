//! The globs of trees, compiled in one way for what is worked out from a release and what is measured on disk.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// A pattern that is no glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// As written.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// Match a path against any of these. `*` and `?` do not match a separator, a backslash escapes (`docs/manifest.md`, "Trees").
///
/// # Errors
/// [`PatternError`] for the first one that is no glob.
pub fn glob_set<S: AsRef<str>>(patterns: &[S]) -> Result<GlobSet, PatternError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern.as_ref())?);
    }
    let refuse = |error: globset::Error| PatternError {
        pattern: error.glob().unwrap_or_default().to_owned(),
        why: error.kind().to_string(),
    };
    set.build().map_err(refuse)
}

fn glob(pattern: &str) -> Result<Glob, PatternError> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| PatternError { pattern: pattern.to_owned(), why: error.kind().to_string() })
}

impl From<PatternError> for super::LayoutRefusal {
    fn from(PatternError { pattern, why }: PatternError) -> Self {
        Self::Pattern { pattern, why }
    }
}
