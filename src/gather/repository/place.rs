//! A path with the parts that formats ask for, taken apart once: there are sixty formats, and a commit may have a thousand paths.

use std::ffi::OsStr;
use std::ops::Deref;
use std::path::Path;

/// A path. What it shares with [`Path`] means the same, and costs nothing here.
pub(super) struct Place<'p> {
    path: &'p Path,
    file_name: Option<&'p OsStr>,
    extension: Option<&'p OsStr>,
    parent: Option<&'p Path>,
    /// The last part in lower case; what is no text in it is replaced.
    name: String,
    /// Where in it the ending begins, behind its dot.
    ending: usize,
}

impl<'p> Place<'p> {
    pub(super) fn of(path: &'p Path) -> Self {
        let file_name = path.file_name();
        let extension = file_name.map(Path::new).and_then(Path::extension);
        let mut name = file_name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.make_ascii_lowercase();
        let ending = match extension {
            // The last dot, in whatever way the rest was replaced.
            Some(_) => name.rfind('.').map_or(name.len(), |dot| dot + 1),
            None => name.len(),
        };
        Self { path, file_name, extension, parent: path.parent(), name, ending }
    }

    /// As [`Path::file_name`].
    pub(super) fn file_name(&self) -> Option<&'p OsStr> {
        self.file_name
    }

    /// As [`Path::extension`].
    pub(super) fn extension(&self) -> Option<&'p OsStr> {
        self.extension
    }

    /// As [`Path::parent`].
    pub(super) fn parent(&self) -> Option<&'p Path> {
        self.parent
    }

    /// The last part in lower case.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The extension in lower case; nothing where there is none.
    pub(super) fn ending(&self) -> &str {
        &self.name[self.ending..]
    }

    /// Whether the last part is one of these names. Case is ignored, because half of all file systems ignore it.
    pub(super) fn is_called(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

impl Deref for Place<'_> {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agrees(path: &Path) {
        let place = Place::of(path);
        assert_eq!((place.file_name(), place.extension(), place.parent()), (path.file_name(), path.extension(), path.parent()));
        let lower = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        assert_eq!((place.name(), place.ending()), (&*lower(path.file_name()), &*lower(path.extension())), "{}", path.display());
        assert_eq!(&*place, path);
    }

    #[test]
    fn the_parts_are_those_of_the_path() {
        for path in ["", "/", "..", "a/..", "a", "a.", ".a", ".a.B", "A.b.C", "a/b/", "a//B.TS", "ä.Ö", "a.b/c"] {
            agrees(Path::new(path));
        }
        assert!(Place::of(Path::new("a/Makefile")).is_called(&["x", "makeFile"]));
        assert!(!Place::of(Path::new("makefile/a")).is_called(&["makefile"]));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_replaced() {
        use std::os::unix::ffi::OsStrExt as _;
        for bytes in [&b"a/\xff.TXT"[..], b"a.\xffB", b"\xff\xfe", b"a.b\xff.c\xff"] {
            agrees(Path::new(OsStr::from_bytes(bytes)));
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_any_path_are_its_own(path in "[a-zA-Z./ä\u{fffd}]{0,12}") {
            agrees(Path::new(&path));
        }
    }
}
