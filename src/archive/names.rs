//! Names of entries: made plain, and each given to one entry alone.
//!
//! Which names are possible in a tree is said once, for the directory hash ([`is_hashable_name`], [`fold`]); here stand the reasons.

use super::{Limits, Reason};
use crate::digest::{fold, is_hashable_name};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A name without `.` parts and without the separator that ends the name of a folder. The folder that everything lies in has the
/// empty name.
pub(super) fn plain(raw: &[u8]) -> Result<String, Reason> {
    let text = std::str::from_utf8(raw).map_err(|_| Reason::NotUtf8)?;
    if text.starts_with('/') {
        return Err(Reason::Absolute);
    }
    if matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err(Reason::Drive);
    }
    let text = text.strip_suffix('/').unwrap_or(text);
    if text == "." {
        return Ok(String::new());
    }
    let name = text.split('/').filter(|part| *part != ".").collect::<Vec<_>>().join("/");
    if is_hashable_name(&name) { Ok(name) } else { Err(why_not(&name)) }
}

fn why_not(name: &str) -> Reason {
    if name.split('/').any(|part| part == "..") {
        Reason::Parent
    } else if name.contains('\\') {
        Reason::Backslash
    } else if name.chars().any(char::is_control) {
        Reason::Control
    } else {
        Reason::Empty
    }
}

/// Whether a link in `folder` leads to a place within the archive. `..` may stand at its beginning alone: behind a name it would lead
/// elsewhere where that name is a link itself.
pub(super) fn leads_inside(link: &str, target: &str) -> bool {
    let folders = link.split('/').count() - 1;
    let parts: Vec<&str> = target.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let up = parts.iter().take_while(|part| **part == "..").count();
    let down = &parts[up..];
    let is_relative = !target.is_empty() && !target.starts_with('/') && !target.contains(['\\', ':']);
    is_relative && up <= folders && !target.chars().any(char::is_control) && !down.contains(&"..")
}

/// What a name stands for.
enum Taken {
    /// A folder.
    Folder,
    /// A file or link; its name where that is not the folded one, and the number that its owner gave it.
    File(Option<Box<str>>, usize),
}

/// What came of taking a name for a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody had it.
    New,
    /// The entry with this number has exactly this name.
    Again(usize),
}

/// The names that were given away, folded.
pub(super) struct Names<'a> {
    limits: &'a Limits,
    taken: HashMap<Box<str>, Taken>,
    /// How often a name was asked for again.
    again: usize,
    bytes: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, taken: HashMap::new(), again: 0, bytes: 0 }
    }

    /// Give a name to the file or link with this number, and the names before its separators to folders.
    pub(super) fn take_file(&mut self, name: &str, number: usize) -> Result<Claim, Reason> {
        if name.is_empty() {
            return Err(Reason::Empty);
        }
        self.take_folders_of(name)?;
        let folded = fold(name);
        let own = (folded != name).then(|| name.into());
        self.count(name)?;
        match self.taken.entry(folded.into()) {
            Entry::Vacant(free) => {
                free.insert(Taken::File(own, number));
                Ok(Claim::New)
            }
            Entry::Occupied(there) => match there.get() {
                Taken::Folder => Err(Reason::FileAndFolder),
                Taken::File(other, number) => {
                    let other = other.as_deref().unwrap_or(there.key());
                    if other != name {
                        return Err(Reason::Collision(other.to_owned()));
                    }
                    self.again += 1;
                    Ok(Claim::Again(*number))
                }
            },
        }
    }

    /// Give a name to a folder. A folder may stand in an archive as often as it likes: it has no content.
    pub(super) fn take_folder(&mut self, name: &str) -> Result<(), Reason> {
        if name.is_empty() {
            return Ok(());
        }
        self.take_folders_of(name)?;
        self.take_one_folder(name)
    }

    fn take_folders_of(&mut self, name: &str) -> Result<(), Reason> {
        if name.len() > self.limits.name {
            return Err(Reason::LongName(self.limits.name));
        }
        if name.split('/').count() > self.limits.depth + 1 {
            return Err(Reason::TooDeep(self.limits.depth));
        }
        // From the inside: where a folder is known, so are those above it.
        for (at, _) in name.rmatch_indices('/') {
            let folder = &name[..at];
            if matches!(self.taken.get(fold(folder).as_str()), Some(Taken::Folder)) {
                break;
            }
            self.take_one_folder(folder)?;
        }
        Ok(())
    }

    fn take_one_folder(&mut self, name: &str) -> Result<(), Reason> {
        match self.taken.get(fold(name).as_str()) {
            Some(Taken::Folder) => Ok(()),
            Some(Taken::File(..)) => Err(Reason::FileAndFolder),
            None => {
                self.count(name)?;
                self.taken.insert(fold(name).into(), Taken::Folder);
                Ok(())
            }
        }
    }

    fn count(&mut self, name: &str) -> Result<(), Reason> {
        if self.taken.len() + self.again >= self.limits.entries {
            return Err(Reason::TooMany(self.limits.entries));
        }
        self.bytes += name.len();
        if self.bytes > self.limits.names {
            return Err(Reason::TooManyNames(self.limits.names));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_plain_or_refused_with_the_reason() {
        for (raw, name) in [("a/b", "a/b"), ("./a", "a"), ("package/./a", "package/a"), ("a/", "a"), ("./", ""), (".", "")] {
            assert_eq!(plain(raw.as_bytes()), Ok(name.to_owned()), "{raw}");
        }
        for (raw, reason) in [
            ("/etc/passwd", Reason::Absolute),
            ("//a", Reason::Absolute),
            ("C:/a", Reason::Drive),
            ("c:a", Reason::Drive),
            ("../a", Reason::Parent),
            ("a/../../b", Reason::Parent),
            ("a\\b", Reason::Backslash),
            ("a\nb", Reason::Control),
            ("a\0", Reason::Control),
            ("a\u{85}b", Reason::Control),
            ("a//b", Reason::Empty),
            ("", Reason::Empty),
        ] {
            assert_eq!(plain(raw.as_bytes()), Err(reason), "{raw:?}");
        }
        assert_eq!(plain(b"a\xff"), Err(Reason::NotUtf8));
    }

    #[test]
    fn one_name_is_one_entry() {
        let limits = Limits::default();
        let mut names = Names::new(&limits);
        for name in ["a/B", "a/c", "d"] {
            assert_eq!(names.take_file(name, 7), Ok(Claim::New));
        }
        assert_eq!(names.take_folder("a"), Ok(()));
        assert_eq!(names.take_folder("a/"), Ok(()), "a folder twice");
        assert_eq!(names.take_file("a/B", 8), Ok(Claim::Again(7)));
        assert_eq!(names.take_file("a/b", 0), Err(Reason::Collision("a/B".to_owned())));
        assert_eq!(names.take_file("A", 0), Err(Reason::FileAndFolder));
        assert_eq!(names.take_folder("d"), Err(Reason::FileAndFolder));
        assert_eq!(names.take_file("d/e/f", 0), Err(Reason::FileAndFolder));
        assert_eq!(names.take_file("\u{e9}", 0), Ok(Claim::New));
        assert_eq!(names.take_file("e\u{301}", 0), Err(Reason::Collision("\u{e9}".to_owned())));
    }

    #[test]
    fn names_have_limits() {
        let limits = Limits { entries: 3, name: 8, names: 12, depth: 2, ..Limits::default() };
        let take = |list: &[&str]| list.iter().map(|name| Names::new(&limits).take_file(name, 0)).next_back().unwrap();
        assert_eq!(take(&["123456789"]), Err(Reason::LongName(8)));
        assert_eq!(take(&["a/b/c/d"]), Err(Reason::TooDeep(2)));
        assert_eq!(take(&["a/b/c"]), Ok(Claim::New));
        let mut names = Names::new(&limits);
        assert_eq!(names.take_file("a/b", 0), Ok(Claim::New));
        assert_eq!(names.take_file("c", 0), Ok(Claim::New));
        assert_eq!(names.take_file("d", 0), Err(Reason::TooMany(3)), "a folder is an entry");
        let mut names = Names::new(&limits);
        assert_eq!(names.take_file("1234567", 0), Ok(Claim::New));
        assert_eq!(names.take_file("12345", 0), Ok(Claim::New));
        assert_eq!(names.take_file("1", 0), Err(Reason::TooManyNames(12)));
    }

    #[test]
    fn a_link_may_not_lead_out() {
        for (link, target, inside) in [
            ("a/b", "../c", true),
            ("a/b", "c/d", true),
            ("a/b", "../../c", false),
            ("a", "..", false),
            ("a", "/etc/passwd", false),
            ("a", "C:\\x", false),
            // `x` may be a link to a folder further up.
            ("a/b", "x/../../c", false),
            ("a", "", false),
        ] {
            assert_eq!(leads_inside(link, target), inside, "{link} -> {target}");
        }
    }
}
