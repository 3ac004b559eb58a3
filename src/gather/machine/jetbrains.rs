//! Plugins of JetBrains IDEs and Android Studio: the id and the version stand in `META-INF/plugin.xml` inside a jar.
//!
//! A jar is a stranger's archive: only that one entry is unpacked, and only so much of it.

use super::scan::{Draft, Scan, distinct};
use crate::evidence::{CoverageOutcome, Extent, Identification};
use crate::layout::jetbrains::{DESCRIPTOR, Descriptor, descriptor as parse};
use crate::tool::{Channel, Ecosystem, Os, Package};
use crate::world::files::{Entry, EntryKind, Files};
use std::io::Read as _;
use std::path::{Path, PathBuf};

const SOURCE: &str = "jetbrains";
/// The largest jar that is opened, in bytes.
const MAX_JAR: u64 = 512 * 1024 * 1024;
/// The most of a `plugin.xml` that is unpacked, in bytes.
const MAX_DESCRIPTOR: u64 = 2 * 1024 * 1024;
/// The most jars of one plugin that are opened. The largest plugins have a few hundred.
const MAX_JARS: usize = 1_000;

/// Find the plugins that are tools.
pub(super) fn find(scan: &mut Scan<'_>) {
    for vendor in vendor_folders(scan) {
        for ide in scan.folders_in(SOURCE, &vendor) {
            // Plugins lie in the IDE's data folder itself on Linux, in `plugins` below its settings elsewhere.
            for folder in [ide.clone(), ide.join("plugins")] {
                for entry in listed(scan, &folder) {
                    look_at(scan, &folder, &entry);
                }
            }
        }
    }
}

fn vendor_folders(scan: &Scan<'_>) -> Vec<PathBuf> {
    let env = &scan.world.env;
    let bases = match env.os {
        Os::Linux => vec![env.data_home(), scan.in_home(".local/share")],
        Os::MacOs => vec![scan.in_home("Library/Application Support")],
        Os::Windows => vec![env.path("APPDATA")],
    };
    let bases: Vec<PathBuf> = bases.into_iter().flatten().collect();
    distinct(scan.files, bases.iter().flat_map(|base| [base.join("JetBrains"), base.join("Google")]))
}

/// What lies in a folder; nothing where there is none. One that cannot be listed may hold a plugin, and is said.
fn listed(scan: &mut Scan<'_>, folder: &Path) -> Vec<Entry> {
    match scan.files.list(folder) {
        Ok(entries) => entries,
        Err(error) => {
            // Every IDE has files beside its plugins, and a link may lead to one.
            let is_no_folder = scan.files.stat(folder).is_ok_and(|stat| stat.kind != EntryKind::Folder);
            if !error.is_not_found() && !is_no_folder {
                scan.cover_error(SOURCE, folder, &error);
            }
            Vec::new()
        }
    }
}

fn look_at(scan: &mut Scan<'_>, folder: &Path, entry: &Entry) {
    let path = folder.join(&entry.name);
    // An IDE follows a link as it opens a folder.
    let kind = match entry.kind {
        EntryKind::Link => match scan.files.stat(&path) {
            Ok(stat) => stat.kind,
            Err(_) => return,
        },
        kind => kind,
    };
    let jars = match kind {
        EntryKind::File if is_jar(&entry.name) => vec![path.clone()],
        EntryKind::Folder => jars_of(scan, &path),
        _ => return,
    };
    let count = jars.len();
    for jar in jars.into_iter().take(MAX_JARS) {
        match descriptor(scan.files, &jar) {
            Ok(None) => {}
            Ok(Some(plugin)) => {
                add(scan, &path, kind == EntryKind::Folder, &plugin);
                return;
            }
            Err(why) => scan.cover(SOURCE, &jar, CoverageOutcome::NotLooked(why)),
        }
    }
    if count > MAX_JARS {
        let why = format!("it has {count} jars: {MAX_JARS} of them were opened, and none says which plugin it is");
        scan.cover(SOURCE, &path, CoverageOutcome::NotLooked(why));
    }
}

/// The jars of a plugin, those first that are called like its folder: one of them describes it as a rule.
fn jars_of(scan: &mut Scan<'_>, plugin: &Path) -> Vec<PathBuf> {
    let lib = plugin.join("lib");
    let own = plugin.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut jars: Vec<(bool, PathBuf)> = Vec::new();
    for entry in listed(scan, &lib).into_iter().filter(|entry| is_jar(&entry.name)) {
        let is_other = !entry.name.to_string_lossy().to_lowercase().contains(&own);
        jars.push((is_other, lib.join(entry.name)));
    }
    jars.sort();
    jars.into_iter().map(|(_, jar)| jar).collect()
}

fn is_jar(name: &std::ffi::OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "jar")
}

fn add(scan: &mut Scan<'_>, path: &Path, is_folder: bool, plugin: &Descriptor) {
    let package = Package::new(Ecosystem::JetBrains, &plugin.id);
    let Some(tool) = scan.catalogue.by_package(&package) else { return };
    let extent = if is_folder { Extent::Folder } else { Extent::File };
    let root = scan.real(path);
    let draft = Draft::new(tool, root, extent, Channel::JetBrains, Identification::Metadata)
        .of_package(package, plugin.version.as_deref());
    scan.add(draft);
}

/// The plugin that a jar describes, if it describes one.
fn descriptor(files: Files, jar: &Path) -> Result<Option<Descriptor>, String> {
    let (file, stat) = files.open(jar).map_err(|error| error.to_string())?;
    if stat.size > MAX_JAR {
        return Err(format!("{} bytes are more than a jar may have here", stat.size));
    }
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| format!("not a jar: {error}"))?;
    let entry = match archive.by_name(DESCRIPTOR) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(format!("cannot unpack its plugin.xml: {error}")),
    };
    let mut text = Vec::new();
    entry.take(MAX_DESCRIPTOR).read_to_end(&mut text).map_err(|error| format!("cannot unpack its plugin.xml: {error}"))?;
    Ok(parse(&text))
}
