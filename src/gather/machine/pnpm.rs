//! pnpm's global packages. `node_modules` holds links there, into a store that all projects share, so the walk follows them.

use super::npm::Root;
use super::scan::{Scan, distinct};
use crate::tool::{Channel, Os};
use std::path::{Path, PathBuf};

/// Every global project of pnpm: `global/5`, and from pnpm 11 on `global/v11/<id>`.
pub(super) fn roots(scan: &mut Scan<'_>) -> Vec<Root> {
    let mut projects = Vec::new();
    for home in homes(scan) {
        for layout in scan.folders_in("pnpm", &home.join("global")) {
            if is_project(scan, &layout) {
                projects.push(layout);
            } else {
                projects.extend(scan.folders_in("pnpm", &layout));
            }
        }
    }
    // Beside each project lies a link to it, by which its launchers go.
    distinct(scan.files, projects)
        .into_iter()
        .filter(|project| is_project(scan, project))
        .map(|project| Root {
            source: "pnpm",
            node_modules: project.join("node_modules"),
            channel: Channel::Pnpm,
            project: Some(project),
        })
        .collect()
}

fn is_project(scan: &Scan<'_>, folder: &Path) -> bool {
    scan.files.stat(&folder.join("node_modules")).is_ok()
}

fn homes(scan: &Scan<'_>) -> Vec<PathBuf> {
    let env = &scan.world.env;
    let default = match env.os {
        Os::Linux => env.data_home().map(|data| data.join("pnpm")),
        Os::MacOs => scan.in_home("Library/pnpm"),
        Os::Windows => env.path("LOCALAPPDATA").map(|data| data.join("pnpm")),
    };
    distinct(scan.files, env.path("PNPM_HOME").into_iter().chain(default))
}
