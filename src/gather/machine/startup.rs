//! What Python runs by itself when it starts in an environment: `.pth` and `.start` files, `sitecustomize` and `usercustomize` at the
//! top of `site-packages` (Python library reference, `site`; PEP 829). An approval of a tool does not speak of them, and what they
//! hold runs before the tool does.
//!
//! Known are those whose very bytes a maker of environments writes. `RECORD` names files too, and is believed for none of them:
//! whoever adds a file adds its line.

use crate::catalogue::is_known_startup_file;
use crate::tool::Channel;
use crate::world::files::{Entry, EntryKind, Files};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The largest such file that is read, in bytes: a larger one is known to nobody.
const MAX_STARTUP: u64 = 64 * 1024;
/// The module that virtualenv's `.pth` file imports.
const VIRTUALENV: &str = "_virtualenv";
/// Endings of files that the module `site` reads.
const PATHS: &str = ".pth";
const STARTS: &str = ".start";
/// Endings that make a file a module for `import`.
const MODULES: [&str; 4] = [".py", ".so", ".pyd", ".pyc"];

/// The files of `site` that Python runs by itself and that nobody knows, sorted. `entries` is what lies in it.
pub(super) fn strangers(files: Files, site: &Path, channel: Channel, entries: &[Entry]) -> Vec<PathBuf> {
    let mut strangers = Vec::new();
    for entry in entries {
        let path = site.join(&entry.name);
        let is_stranger = match entry.name.to_str() {
            Some(name) if is_configuration(name) => !is_harmless(files, &path, name, channel),
            Some(name) => is_customization(name),
            None => is_configuration(&entry.name.to_string_lossy()),
        };
        // A folder that has the name of a file is read by nobody.
        let is_nothing = entry.kind == EntryKind::Folder && entry.name.to_str().is_none_or(is_configuration);
        if is_stranger && !is_nothing {
            strangers.push(path);
        }
    }
    // `_virtualenv.pth` is known by its one line; what it imports has to be known as well.
    if entries.iter().any(|entry| entry.name == OsStr::new("_virtualenv.pth")) {
        strangers.extend(unknown_virtualenv(files, site, entries));
    }
    strangers.sort();
    strangers.dedup();
    strangers
}

/// A file that the module `site` reads: it takes endings as they are written.
fn is_configuration(name: &str) -> bool {
    [PATHS, STARTS].iter().any(|ending| name.ends_with(ending))
}

/// A module that Python imports at its start where it is there, in any form.
fn is_customization(name: &str) -> bool {
    let is_module = |module: &str| {
        name == module
            || MODULES
                .iter()
                .any(|ending| name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(ending)))
    };
    is_module("sitecustomize") || is_module("usercustomize")
}

fn is_harmless(files: Files, path: &Path, name: &str, channel: Channel) -> bool {
    let Ok(bytes) = files.read(path, MAX_STARTUP) else { return false };
    if is_known_startup_file(name, &bytes) {
        return true;
    }
    // A `.start` file holds nothing but what is to be run.
    let Ok(text) = std::str::from_utf8(&bytes) else { return false };
    if name.ends_with(STARTS) || text.contains("import ") || text.contains("import\t") {
        return false;
    }
    let paths = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match channel {
        // Made for the tool alone: nothing else has a reason to be on its path, but what pipx shares among its environments.
        Channel::Pipx => paths().all(|line| is_shared_by_pipx(files, path, line)),
        Channel::UvTool | Channel::UvCache => paths().next().is_none(),
        // Folders of projects that somebody works on: they are imported from when somebody asks for them.
        _ => true,
    }
}

/// Whether a line of a `.pth` file in `<home>/venvs/<name>/...` is pipx's own: `<home>/shared/...`, where its pip lies.
fn is_shared_by_pipx(files: Files, pth: &Path, line: &str) -> bool {
    let home = pth.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("venvs"))).and_then(Path::parent);
    let line = Path::new(line);
    // A folder that is not there is judged by its name, which must not lead elsewhere.
    let leads_up = || line.components().any(|part| part == Component::ParentDir);
    let real = files.canonical(line).ok().or_else(|| (!leads_up()).then(|| line.to_owned()));
    home.zip(real).is_some_and(|(home, real)| line.is_absolute() && real.starts_with(home.join("shared")))
}

/// The module `_virtualenv` in a form that nobody knows.
fn unknown_virtualenv(files: Files, site: &Path, entries: &[Entry]) -> Vec<PathBuf> {
    let is_it = |name: &str| {
        let rest = name.strip_prefix(VIRTUALENV);
        rest.is_some_and(|rest| rest.is_empty() || MODULES.iter().any(|ending| rest.starts_with('.') && rest.ends_with(ending)))
    };
    let forms = entries.iter().filter_map(|entry| entry.name.to_str()).filter(|name| is_it(name));
    forms
        .map(|name| (name, site.join(name)))
        .filter(|(name, path)| !files.read(path, MAX_STARTUP).is_ok_and(|bytes| is_known_startup_file(name, &bytes)))
        .map(|(_, path)| path)
        .collect()
}
