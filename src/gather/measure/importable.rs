//! What Python would import in place of the files of an approved distribution, or beside them, and what their tree does not hold.
//!
//! The tree of a distribution leaves byte code out, because installers and Python itself make it anew on each machine. Byte code that
//! Python compares with its source before it loads it (by the time and size of the source, or by its hash) stands for the source. Two
//! kinds are loaded without a look at any source: files that say so themselves (PEP 552, unchecked hash) and byte code that lies
//! where a source would lie. What lies in `__pycache__` under a name that no interpreter gives to byte code can be imported by that
//! name, and belongs to nobody. To these come modules that win over an approved one by the order in which Python looks (extension
//! modules before sources, packages before modules).

use super::{MAX_DEPTH, unmeasured};
use crate::evidence::Unmeasured;
use crate::layout::wheel::is_tagged_byte_code;
use crate::world::files::{EntryKind, Files};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The most entries of a distribution's own folders that are looked at.
const MAX_ENTRIES: usize = 100_000;
const SOURCE: &str = ".py";
const BYTE_CODE: &str = ".pyc";
/// Endings of extension modules.
const EXTENSIONS: [&str; 2] = [".so", ".pyd"];
/// Endings of what is imported and is no source.
const COMPILED: [&str; 3] = [".so", ".pyd", BYTE_CODE];
/// Where Python keeps byte code.
const CACHE: &str = "__pycache__";

/// The files below `site` that would be imported with a distribution whose files are these globs. Sorted.
///
/// # Errors
/// [`Unmeasured`] when a folder cannot be listed or there are too many entries.
pub(super) fn strangers(files: Files, site: &Path, include: &[String]) -> Result<Vec<PathBuf>, Unmeasured> {
    let mut look = Look { files, entries: 0, strangers: BTreeSet::new() };
    let top = look.list(site)?;
    let mut namespaces: BTreeSet<String> = BTreeSet::new();
    for glob in include.iter().map(|glob| unescape(glob)) {
        let (path, is_folder) = match glob.strip_suffix("/**") {
            Some(folder) => (folder.to_owned(), true),
            None => (glob, false),
        };
        if path.contains(".dist-info") || path.contains(".egg-info") || path.contains('*') {
            continue;
        }
        if is_folder {
            look.folder(&site.join(&path), 0)?;
        }
        let (above, own) = path.rsplit_once('/').map_or(("", path.as_str()), |(above, own)| (above, own));
        if !is_folder && let Some(module) = module_of(own) {
            let listing = if above.is_empty() { top.clone() } else { look.list(&site.join(above))? };
            look.module(&site.join(above), &listing, module);
        }
        // Folders without a package of their own: whoever adds `__init__.py` to one runs first.
        for (at, _) in above.match_indices('/').chain([(above.len(), "")]).filter(|(at, _)| *at > 0) {
            namespaces.insert(above[..at].to_owned());
        }
    }
    for folder in &namespaces {
        let (above, own) = folder.rsplit_once('/').map_or(("", folder.as_str()), |(above, own)| (above, own));
        let listing = if above.is_empty() { top.clone() } else { look.list(&site.join(above))? };
        look.in_place_of_namespace(&site.join(above), &listing, own);
        let inside = look.list(&site.join(folder))?;
        look.in_place_of_namespace(&site.join(folder), &inside, "__init__");
    }
    Ok(look.strangers.into_iter().collect())
}

/// The name by which a file of the top of a distribution is imported; an extension module has its platform behind it.
fn module_of(name: &str) -> Option<&str> {
    if EXTENSIONS.iter().any(|ending| name.ends_with(ending)) {
        return name.split('.').next();
    }
    name.strip_suffix(".py")
}

/// A glob of literal parts as the path it stands for.
fn unescape(glob: &str) -> String {
    let mut text = String::with_capacity(glob.len());
    let mut rest = glob;
    while let Some(at) = rest.find('[') {
        // `globset::escape` puts one character into brackets.
        let inside = rest[at + 1..].chars().next();
        let end = inside.map(|c| at + 1 + c.len_utf8());
        match (inside, end) {
            (Some(c), Some(end)) if rest[end..].starts_with(']') => {
                text.push_str(&rest[..at]);
                text.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                text.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    text.push_str(rest);
    text
}

struct Look {
    files: Files,
    entries: usize,
    strangers: BTreeSet<PathBuf>,
}

impl Look {
    fn list(&mut self, folder: &Path) -> Result<Vec<(String, EntryKind)>, Unmeasured> {
        let entries = match self.files.list(folder) {
            Ok(entries) => entries,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(unmeasured(error)),
        };
        self.entries += entries.len();
        if self.entries > MAX_ENTRIES {
            return Err(Unmeasured::TooMany(MAX_ENTRIES));
        }
        // A name that is no text is no module.
        Ok(entries.into_iter().filter_map(|entry| Some((entry.name.to_str()?.to_owned(), entry.kind))).collect())
    }

    /// Byte code in a folder of the distribution and below. Everything else there is in its tree.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Unmeasured> {
        if depth > MAX_DEPTH {
            return Err(Unmeasured::TooDeep(MAX_DEPTH));
        }
        let entries = self.list(folder)?;
        for (name, kind) in &entries {
            match kind {
                // Python follows a link, and the tree says nothing of one with this name.
                EntryKind::Folder | EntryKind::Link if name == CACHE => self.cache(folder, &entries)?,
                EntryKind::Folder => self.folder(&folder.join(name), depth + 1)?,
                _ => self.byte_code_as_source(folder, &entries, name),
            }
        }
        Ok(())
    }

    /// `x.pyc` where `x.py` would lie: it is imported when there is no source.
    fn byte_code_as_source(&mut self, folder: &Path, entries: &[(String, EntryKind)], name: &str) {
        if let Some(module) = name.strip_suffix(BYTE_CODE)
            && !entries.iter().any(|(other, _)| other.strip_suffix(".py") == Some(module))
        {
            self.strangers.insert(folder.join(name));
        }
    }

    /// Byte code in `__pycache__` that is loaded whatever its source says, and modules that somebody put there.
    fn cache(&mut self, folder: &Path, entries: &[(String, EntryKind)]) -> Result<(), Unmeasured> {
        let cache = folder.join(CACHE);
        for (name, kind) in self.list(&cache)? {
            // `import package.__pycache__.name` finds it: a folder is a package there, with or without `__init__`.
            let is_importable = name.ends_with(SOURCE) || COMPILED.iter().any(|ending| name.ends_with(ending));
            if kind == EntryKind::Folder || (is_importable && !is_tagged_byte_code(&name)) {
                self.strangers.insert(cache.join(name));
                continue;
            }
            if !name.ends_with(BYTE_CODE) {
                continue;
            }
            let module = name.split('.').next().unwrap_or_default();
            let has_source = entries.iter().any(|(other, _)| other.strip_suffix(".py") == Some(module));
            if has_source && self.is_unchecked(&cache.join(&name)) {
                self.strangers.insert(cache.join(name));
            }
        }
        Ok(())
    }

    /// Whether byte code says that nobody should compare it with its source. What cannot be read, Python cannot load either.
    fn is_unchecked(&self, path: &Path) -> bool {
        let mut header = [0; 8];
        let read = self.files.open(path).ok().and_then(|(mut file, _)| file.read_exact(&mut header).ok());
        // PEP 552: four bytes of magic, then flags; bit 0 is "by hash", bit 1 is "check it".
        read.is_some() && u32::from_le_bytes([header[4], header[5], header[6], header[7]]) & 0b11 == 0b01
    }

    /// What wins over the single module `module` of the distribution, and byte code of it.
    fn module(&mut self, folder: &Path, entries: &[(String, EntryKind)], module: &str) {
        for (name, kind) in entries {
            let wins = match kind {
                EntryKind::Folder | EntryKind::Link if name == module => is_package(self.files, &folder.join(name)),
                EntryKind::Folder => false,
                _ => is_form_of(name, module, &EXTENSIONS),
            };
            if wins {
                self.strangers.insert(folder.join(name));
            }
        }
        let cache = folder.join(CACHE);
        let byte_code =
            |name: &str| name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(BYTE_CODE));
        for (name, _) in self.list(&cache).unwrap_or_default() {
            if byte_code(&name) && self.is_unchecked(&cache.join(&name)) {
                self.strangers.insert(cache.join(name));
            }
        }
    }

    /// What would be imported in place of a folder that is no package by itself.
    fn in_place_of_namespace(&mut self, folder: &Path, entries: &[(String, EntryKind)], module: &str) {
        for (name, kind) in entries {
            if *kind != EntryKind::Folder && (*name == format!("{module}.py") || is_form_of(name, module, &COMPILED)) {
                self.strangers.insert(folder.join(name));
            }
        }
    }
}

/// Whether a folder is a package, which wins over a module of its name.
fn is_package(files: Files, folder: &Path) -> bool {
    let Ok(entries) = files.list(folder) else { return false };
    entries
        .iter()
        .filter_map(|entry| entry.name.to_str())
        .any(|name| name == "__init__.py" || is_form_of(name, "__init__", &COMPILED))
}

/// `module.so`, `module.cpython-311-x86_64-linux-gnu.so`, `module.abi3.so`.
fn is_form_of(name: &str, module: &str, endings: &[&str]) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.') && endings.iter().any(|ending| rest.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_of_literal_parts_are_read_back() {
        for path in ["pkg", "odd,[name].py", "a*b?{c}.py", "é/[x"] {
            assert_eq!(unescape(&globset::escape(path)), path);
        }
    }
}
