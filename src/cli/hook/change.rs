//! Hooks put in and taken out. Nothing that somebody else wrote is overwritten, and what was refused changed nothing.

use super::place::{Place, is_executable};
use super::shim::{Kind, Present, VERSION};
use crate::error::Error;
use crate::text::printable_path;
use crate::world::files::{FileError, Files};
use std::path::Path;

/// Something to do at one hook's place.
enum Step {
    /// It is there and whole.
    Keep,
    /// Another shim of ours, or nothing, is there.
    Write { is_new: bool },
    /// Another program's hook is there: it is kept and runs first.
    Chain,
}

/// Put these hooks in. All of them are looked at before the first is changed.
///
/// # Errors
/// [`Error`] when one cannot be installed safely, or cannot be written.
pub(super) fn install(
    place: &Place,
    kinds: &[Kind],
    (program, overwrite_edited): (&Path, bool),
    files: Files,
) -> Result<Vec<String>, Error> {
    let mut steps = Vec::new();
    for kind in kinds {
        place.refuse_foreign_folder(*kind, program)?;
        let shim = kind.render(program);
        let step = step(place, *kind, (&shim, overwrite_edited), files)?;
        steps.push((*kind, shim, step));
    }
    steps.into_iter().map(|(kind, shim, step)| put_in(place, kind, (&shim, &step), files)).collect()
}

fn step(place: &Place, kind: Kind, (shim, overwrite_edited): (&[u8], bool), files: Files) -> Result<Step, Error> {
    let hook = place.hook(kind);
    let shown = printable_path(&hook);
    Ok(match place.present(kind, files)? {
        Present::Ours { content, .. } if content == shim => Step::Keep,
        Present::Ours { version, .. } if version > VERSION => {
            return Err(Error::usage(format!("`{shown}` was installed by a newer vetted (hook version {version})"))
                .hint("run `vetted hook install` of that version"));
        }
        Present::Ours { is_edited: true, .. } if !overwrite_edited => {
            return Err(Error::usage(format!("`{shown}` was edited after vetted installed it"))
                .hint("to lose the edits: `vetted hook install --overwrite-edited`"));
        }
        Present::Ours { .. } => Step::Write { is_new: false },
        Present::Nothing => Step::Write { is_new: true },
        Present::Foreign if place.has_chained(kind, files) => {
            let taken = place.chained(kind);
            return Err(Error::usage(format!("`{shown}` is not vetted's, and `{}` is taken", printable_path(&taken)))
                .hint("look at both, and keep one of them as the hook"));
        }
        Present::Foreign => Step::Chain,
    })
}

fn put_in(place: &Place, kind: Kind, (shim, step): (&[u8], &Step), files: Files) -> Result<String, Error> {
    let (hook, chained) = (place.hook(kind), place.chained(kind));
    let shown = printable_path(&hook);
    Ok(match step {
        Step::Keep => {
            // Git passes over a hook that is not executable.
            if !is_executable(&hook, files) {
                write(&hook, shim, files)?;
            }
            format!("the hook is installed: {shown}")
        }
        Step::Write { is_new: false } => {
            write(&hook, shim, files)?;
            format!("the hook is renewed: {shown}")
        }
        Step::Write { is_new: true } => {
            files.create_folder(&place.folder.path).map_err(|e| cannot_write(&e))?;
            write(&hook, shim, files)?;
            format!("the hook is installed: {shown}")
        }
        Step::Chain => {
            files.rename(&hook, &chained).map_err(|e| cannot_write(&e))?;
            if let Err(error) = write(&hook, shim, files) {
                // Put it back: a repository without its own hook would be worse than one without ours.
                return Err(match files.rename(&chained, &hook) {
                    Ok(()) => error,
                    Err(e) => {
                        error.cause(e.to_string()).hint(format!("the hook that was there is now `{}`", printable_path(&chained)))
                    }
                });
            }
            format!("the hook is installed: {shown}; the one that was there runs first: {}", printable_path(&chained))
        }
    })
}

/// Take hooks of ours out and put back what was there before: those that are named, else every one that is there.
///
/// # Errors
/// [`Error`] when one of them was edited, or a named one is not ours; nothing is changed then.
pub(super) fn uninstall(place: &Place, named: &[Kind], files: Files) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut foreign = None;
    for kind in if named.is_empty() { &Kind::ALL[..] } else { named } {
        let hook = place.hook(*kind);
        let shown = printable_path(&hook);
        match place.present(*kind, files)? {
            Present::Ours { is_edited: true, .. } => {
                let why = format!("`{shown}` was edited after vetted installed it; nothing was changed");
                return Err(Error::usage(why).hint("remove it by hand"));
            }
            Present::Ours { .. } => found.push(*kind),
            Present::Nothing if place.has_chained(*kind, files) => found.push(*kind),
            // Only of the hook that is expected here is it worth a word that it is somebody else's.
            Present::Foreign if !named.is_empty() || *kind == place.usual() => {
                foreign = Some(Error::usage(format!("`{shown}` is not vetted's; nothing was changed")));
            }
            Present::Nothing | Present::Foreign => {}
        }
    }
    match foreign {
        Some(error) if found.is_empty() || !named.is_empty() => return Err(error),
        _ => {}
    }
    if found.is_empty() {
        let kind = named.first().copied().unwrap_or(place.usual());
        return Ok(vec![format!("no hook is installed: {}", printable_path(&place.hook(kind)))]);
    }
    found.into_iter().map(|kind| take_out(place, kind, files)).collect()
}

fn take_out(place: &Place, kind: Kind, files: Files) -> Result<String, Error> {
    let (hook, chained) = (place.hook(kind), place.chained(kind));
    let shown = printable_path(&hook);
    Ok(if place.has_chained(kind, files) {
        files.rename(&chained, &hook).map_err(|e| cannot_write(&e))?;
        format!("the hook is taken out; the one that was there before is back: {shown}")
    } else {
        files.remove(&hook).map_err(|e| cannot_write(&e))?;
        format!("the hook is taken out: {shown}")
    })
}

fn write(hook: &Path, shim: &[u8], files: Files) -> Result<(), Error> {
    files.write_atomic(hook, shim, 0o755).map_err(|e| cannot_write(&e))
}

fn cannot_write(error: &FileError) -> Error {
    Error::undecided("cannot change the hook").because(error)
}
