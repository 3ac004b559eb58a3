//! Extensions of the VS Code family: by the `package.json` in each extension folder, never by the folder's name.

use super::carried;
use super::node_modules::read_json;
use super::program::Program;
use super::scan::{Draft, Scan, distinct};
use crate::catalogue::Tool;
use crate::evidence::{Extent, Identification, State, Unmeasured};
use crate::tool::{Channel, Ecosystem, Package};
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// Folders in the home folder that hold `extensions`, the servers of remote editors included.
const ROOTS: [&str; 21] = [
    ".vscode",
    ".vscode-insiders",
    ".vscode-oss",
    ".vscode-server",
    ".vscode-server-insiders",
    ".vscode-remote",
    ".vscodium",
    ".vscodium-server",
    ".cursor",
    ".cursor-server",
    ".windsurf",
    ".windsurf-next",
    ".windsurf-server",
    ".antigravity",
    ".antigravity-ide",
    ".antigravity-insiders",
    ".antigravity-server",
    ".trae",
    ".trae-server",
    ".qoder",
    ".openvscode-server",
];

/// Find the extensions that are tools, and the programs they carry.
pub(super) fn find(scan: &mut Scan<'_>) {
    for folder in extension_folders(scan) {
        for extension in scan.folders_in("editor", &folder) {
            look_at(scan, &extension);
        }
    }
}

fn extension_folders(scan: &Scan<'_>) -> Vec<PathBuf> {
    let env = &scan.world.env;
    let mut folders: Vec<PathBuf> =
        ROOTS.iter().filter_map(|root| scan.in_home(root)).map(|root| root.join("extensions")).collect();
    folders.extend(env.path("VSCODE_EXTENSIONS"));
    folders.extend(env.path("VSCODE_PORTABLE").map(|portable| portable.join("extensions")));
    folders.extend(env.data_home().map(|data| data.join("code-server/extensions")));
    distinct(scan.files, folders)
}

fn look_at(scan: &mut Scan<'_>, folder: &Path) {
    let catalogue = scan.catalogue;
    let Ok(folder) = scan.files.canonical(folder) else { return };
    let path = folder.join("package.json");
    if scan.files.lstat(&path).is_err_and(|error| error.is_not_found()) {
        return;
    }
    let manifest = match read_json(scan.files, &path) {
        Ok(manifest) => manifest,
        Err(why) => {
            if let Some((package, tool)) = by_folder_name(scan, &folder) {
                let mut draft = Draft::new(tool, folder.clone(), Extent::Folder, Channel::Editor, Identification::Layout)
                    .of_package(package, None);
                draft.sighting.state = State::Unreadable(Unmeasured::Io(why));
                scan.add(draft);
            }
            return;
        }
    };
    let text = |key: &str| manifest.get(key).and_then(Value::as_str);
    let (Some(publisher), Some(name)) = (text("publisher"), text("name")) else { return };
    let package = Package::new(Ecosystem::VsCode, &format!("{publisher}.{name}"));
    let Some(tool) = catalogue.by_package(&package) else { return };
    let mut draft = Draft::new(tool, folder.clone(), Extent::Folder, Channel::Editor, Identification::Metadata)
        .of_package(package, text("version"));
    if let Some(main) = text("main").and_then(|main| main_file(scan, &folder, main)) {
        draft.add_program(main);
    }
    let index = scan.add(draft);
    let carrier = carried::Carrier { draft: index, folders: vec![folder], manifest: Some(&manifest) };
    carried::add(scan, "editor", &carrier);
}

/// The script that the editor loads, which may be named without its ending.
fn main_file(scan: &Scan<'_>, folder: &Path, main: &str) -> Option<Program> {
    if !Path::new(main).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return None;
    }
    [main.to_owned(), format!("{main}.js")].iter().find_map(|main| Program::look(scan.files, &folder.join(main)).ok())
}

/// The extension that a folder with an unreadable `package.json` must be taken for: `publisher.name-version`.
fn by_folder_name<'a>(scan: &Scan<'a>, folder: &Path) -> Option<(Package, &'a Tool)> {
    let name = folder.file_name()?.to_str()?;
    name.match_indices('-').find_map(|(at, _)| {
        let package = Package::new(Ecosystem::VsCode, &name[..at]);
        scan.catalogue.by_package(&package).map(|tool| (package, tool))
    })
}
