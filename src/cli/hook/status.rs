//! Which hooks git runs here, and whether they are vetted's, whole and executable.

use super::place::{Place, calls_vetted, is_executable};
use super::shim::{Kind, Present, VERSION, program_of};
use crate::error::Error;
use crate::text::{printable, printable_path};
use crate::world::files::Files;

/// Which hook git runs before a commit.
#[derive(Debug)]
pub(in crate::cli) struct HookStatus {
    /// Whether it is vetted's, whole and executable.
    pub(in crate::cli) is_effective: bool,
    /// What is known, one fact a line; the first names the file.
    pub(in crate::cli) lines: Vec<String>,
}

/// The hooks that are named, else the one that is expected here and every further one of ours.
///
/// # Errors
/// [`Error`] when a hook cannot be read.
pub(super) fn look(place: &Place, named: &[Kind], files: Files) -> Result<HookStatus, Error> {
    let mut kinds = named.to_vec();
    if named.is_empty() {
        for kind in Kind::ALL {
            let is_husky = place.husky(kind).is_some_and(|husky| calls_vetted(&husky, kind, files));
            // What cannot be read and is not asked for is another program's business.
            if kind == place.usual() || is_husky || matches!(place.present(kind, files), Ok(Present::Ours { .. })) {
                kinds.push(kind);
            }
        }
    }
    let mut all = HookStatus { is_effective: true, lines: Vec::new() };
    for (number, kind) in kinds.into_iter().enumerate() {
        let mut status = look_at(place, kind, files)?;
        if number == 0 {
            status.lines.insert(1, configured(place));
        }
        // An edited or missing one among them is seen in the exit status too.
        all.is_effective &= status.is_effective;
        all.lines.append(&mut status.lines);
    }
    Ok(all)
}

fn configured(place: &Place) -> String {
    match &place.folder.configured {
        None => "core.hooksPath: not set".to_owned(),
        Some((value, Some(source))) => format!("core.hooksPath: {} (set in {})", printable(value), printable_path(source)),
        Some((value, None)) => format!("core.hooksPath: {} (set in the environment)", printable(value)),
    }
}

fn look_at(place: &Place, kind: Kind, files: Files) -> Result<HookStatus, Error> {
    let (hook, chained) = (place.hook(kind), place.chained(kind));
    let mut lines = vec![format!("hook: {}", printable_path(&hook))];
    let mut is_effective = false;
    if place.is_bare() && kind.needs_work_tree() {
        lines.push("state: not in force: a bare repository has no commits of its own".to_owned());
    } else if let Some(husky) = place.husky(kind).filter(|husky| calls_vetted(husky, kind, files)) {
        is_effective = true;
        lines.push(format!("state: in force: husky runs {}, which names it", printable_path(&husky)));
    } else {
        match place.present(kind, files)? {
            Present::Nothing => lines.push("state: not installed".to_owned()),
            Present::Foreign => lines.push("state: not installed: another hook is there".to_owned()),
            Present::Ours { .. } if !is_executable(&hook, files) => {
                lines.push("state: not in force: the file is not executable, so git passes over it".to_owned());
            }
            Present::Ours { version, is_edited, content } => {
                is_effective = !is_edited;
                lines.push(match (is_edited, version == VERSION) {
                    (true, _) => format!("state: edited by hand since it was installed (version {version})"),
                    (false, true) => format!("state: in force, version {version}"),
                    (false, false) => {
                        format!("state: in force, version {version}; `vetted hook install` renews it to {VERSION}")
                    }
                });
                if let Some(program) = program_of(&content) {
                    let missing = if is_executable(&program, files) { "" } else { " (missing: vetted is looked for on PATH)" };
                    lines.push(format!("program: {}{missing}", printable_path(&program)));
                }
            }
        }
    }
    if place.has_chained(kind, files) {
        let passed_over = if is_executable(&chained, files) { "" } else { " (not executable: passed over)" };
        lines.push(format!("runs first: {}{passed_over}", printable_path(&chained)));
    }
    Ok(HookStatus { is_effective, lines })
}
