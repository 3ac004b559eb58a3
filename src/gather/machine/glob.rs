//! Patterns of paths in the catalogue, matched one folder at a time: only folders that a pattern names are listed.

use crate::world::files::{FileError, Files};
use globset::GlobBuilder;
use std::path::{Path, PathBuf};

/// The most paths that one pattern stands for.
const MAX_MATCHES: usize = 1_000;

/// What a pattern matched, and the folders that could not be listed on the way.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// Sorted.
    pub(super) paths: Vec<PathBuf>,
    pub(super) errors: Vec<(PathBuf, FileError)>,
}

/// The existing paths below `base` that a pattern with `*`, `?` and `{a,b}` stands for. `/` separates its parts; `**` is not
/// known, and a part without wildcards is not looked for by listing.
pub(super) fn expand(files: Files, base: &Path, pattern: &str) -> Matches {
    let mut matches = Matches::default();
    for alternative in alternatives(pattern) {
        let mut paths = vec![base.to_owned()];
        for part in alternative.split('/').filter(|part| !part.is_empty()) {
            paths = step(files, &paths, part, &mut matches.errors);
        }
        matches.paths.extend(paths.into_iter().filter(|path| files.lstat(path).is_ok()));
    }
    matches.paths.sort();
    matches.paths.dedup();
    matches
}

fn step(files: Files, folders: &[PathBuf], part: &str, errors: &mut Vec<(PathBuf, FileError)>) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        return folders.iter().map(|folder| folder.join(part)).collect();
    }
    let Ok(glob) = GlobBuilder::new(part).literal_separator(true).build() else { return Vec::new() };
    let matcher = glob.compile_matcher();
    let mut found = Vec::new();
    for folder in folders {
        match files.list(folder) {
            Ok(entries) => {
                let matching = entries.iter().filter(|entry| matcher.is_match(&entry.name));
                found.extend(matching.map(|entry| folder.join(&entry.name)).take(MAX_MATCHES - found.len()));
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => errors.push((folder.clone(), error)),
        }
    }
    found
}

/// A pattern with its first `{a,b}` written out, and so on: `x{,.exe}` is `x` and `x.exe`.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let Some((choices, after)) = rest.split_once('}') else { return vec![pattern.to_owned()] };
    choices.split(',').flat_map(|choice| alternatives(&format!("{before}{choice}{after}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["versions/1.0/agent", "versions/1.1/agent.exe", "versions/note", "bin/claude"] {
            let path = folder.path().join(file);
            Files.create_folder(path.parent().unwrap()).unwrap();
            Files.write_atomic(&path, b"x", 0o644).unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let relative = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/");
            expand(Files, folder.path(), pattern).paths.iter().map(relative).collect()
        };
        assert_eq!(found("versions/*/agent{,.exe}"), ["versions/1.0/agent", "versions/1.1/agent.exe"]);
        assert_eq!(found("versions/*"), ["versions/1.0", "versions/1.1", "versions/note"]);
        assert_eq!(found("bin/claude"), ["bin/claude"]);
        assert!(found("none/*/x").is_empty());
        assert!(expand(Files, folder.path(), "none/*").errors.is_empty(), "an absent folder is no error");
    }
}
