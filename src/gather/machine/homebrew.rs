//! Homebrew: casks and formulae of the catalogue. Node packages inside a formula are found as npm packages.

use super::native::{programs_in, version_name};
use super::scan::{Draft, Scan, distinct};
use crate::catalogue::Tool;
use crate::evidence::{Extent, Identification};
use crate::tool::{Channel, Ecosystem, Os, Package};
use std::path::{Path, PathBuf};

/// Homebrew's prefixes: the one set, and the default ones.
pub(super) fn prefixes(scan: &Scan<'_>) -> Vec<PathBuf> {
    let env = &scan.world.env;
    if env.os == Os::Windows {
        return Vec::new();
    }
    let defaults = ["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"].map(PathBuf::from);
    let all = env.path("HOMEBREW_PREFIX").into_iter().chain(defaults).chain(scan.in_home(".linuxbrew"));
    distinct(scan.files, all)
}

/// Find the casks and formulae that are tools.
pub(super) fn find(scan: &mut Scan<'_>) {
    let catalogue = scan.catalogue;
    for prefix in prefixes(scan) {
        for (folder, kind) in [("Caskroom", "cask:"), ("Cellar", "formula:")] {
            for installed in scan.folders_in("homebrew", &prefix.join(folder)) {
                let Some(token) = installed.file_name().and_then(|name| name.to_str()) else { continue };
                let package = Package::new(Ecosystem::Brew, &format!("{kind}{token}"));
                if let Some(tool) = catalogue.by_package(&package) {
                    add_versions(scan, tool, &package, &installed);
                }
            }
        }
    }
}

fn add_versions(scan: &mut Scan<'_>, tool: &Tool, package: &Package, installed: &Path) {
    for folder in scan.folders_in("homebrew", installed) {
        // `.metadata` lies beside the versions.
        let Some(version) = version_name(&folder).map(str::to_owned) else { continue };
        let real = scan.real(&folder);
        let mut draft = Draft::new(tool, real.clone(), Extent::Folder, Channel::Homebrew, Identification::Layout)
            .of_package(package.clone(), Some(&version));
        for program in programs_in(scan, tool, &real) {
            draft.add_program(program);
        }
        scan.add(draft);
    }
}
