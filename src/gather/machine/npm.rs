//! Packages of JavaScript package managers: npm's global folders and those of its version managers, Bun, Yarn, the npx cache, and
//! the repository's own `node_modules`. Nothing is asked of npm itself: running it would run what is on `PATH`.

use super::carried;
use super::glob;
use super::node_modules::{self, Hit, Names};
use super::path::Leads;
use super::program::{self, Program};
use super::scan::{Draft, Scan};
use crate::catalogue::Tool;
use crate::evidence::{CoverageOutcome, Extent, Identification, Oddity, State, Unmeasured};
use crate::tool::{Channel, Ecosystem, Os, Package};
use crate::world::files::FileError;
use serde_json::Value;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The largest `.npmrc` that is read, in bytes.
const MAX_NPMRC: u64 = 1024 * 1024;

/// Where the program of a platform package lies in it, `{}` being the tool's binary. Codex has a folder for each target triple.
const NATIVE_PLACES: [&str; 4] = ["{}{,.exe}", "bin/{}{,.exe}", "vendor/*/bin/{}{,.exe}", "vendor/*/{}/{}{,.exe}"];

/// An outermost `node_modules` folder.
pub(super) struct Root {
    pub(super) source: &'static str,
    pub(super) node_modules: PathBuf,
    pub(super) channel: Channel,
    /// The folder whose `package.json` says what was asked for, where packages nobody asked for lie beside the others.
    pub(super) project: Option<PathBuf>,
}

/// Find the tools in every `node_modules` that a package manager made or a name on `PATH` leads into.
pub(super) fn find(scan: &mut Scan<'_>, leads: &Leads) {
    let catalogue = scan.catalogue;
    let names = Names::of(catalogue);
    let mut seen = HashSet::new();
    let mut roots = in_repository(scan);
    roots.extend(super::pnpm::roots(scan));
    roots.extend(other_managers(scan));
    roots.extend(version_managers(scan));
    roots.extend(global_prefixes(scan, leads));
    roots.extend(from_catalogue(scan));
    roots.extend(leads.node_modules().into_iter().map(|node_modules| Root {
        source: "path",
        channel: channel_of(scan, &node_modules),
        node_modules,
        project: None,
    }));
    for root in roots {
        let node_modules = match scan.files.canonical(&root.node_modules) {
            Ok(real) => real,
            Err(error) => {
                scan.cover_error(root.source, &root.node_modules, &error);
                continue;
            }
        };
        let hits = node_modules::find(scan, &names, root.source, &node_modules, root.project.as_deref(), &mut seen);
        add_hits(scan, &root, hits);
    }
}

/// The repository's own packages count: a script of the project runs them.
fn in_repository(scan: &Scan<'_>) -> Vec<Root> {
    let root = |repository: &PathBuf| Root {
        source: "repository-node-modules",
        node_modules: repository.join("node_modules"),
        channel: Channel::NodeModules,
        project: Some(repository.clone()),
    };
    scan.repository.iter().map(root).collect()
}

/// Bun, Yarn classic and the npx cache.
fn other_managers(scan: &mut Scan<'_>) -> Vec<Root> {
    let env = &scan.world.env;
    let project = |source, channel, folder: PathBuf| Root {
        source,
        node_modules: folder.join("node_modules"),
        channel,
        project: Some(folder),
    };
    let mut roots = Vec::new();
    if let Some(bun) = env.path("BUN_INSTALL").or_else(|| scan.in_home(".bun")) {
        roots.push(project("bun", Channel::Bun, bun.join("install/global")));
    }
    let yarn = match env.os {
        Os::Windows => vec![env.path("LOCALAPPDATA").map(|p| p.join("Yarn/Data/global"))],
        // As root, Yarn classic ignores the home folder.
        _ => vec![
            env.config_home().map(|p| p.join("yarn/global")),
            scan.in_home(".config/yarn/global"),
            Some(PathBuf::from("/usr/local/share/.config/yarn/global")),
        ],
    };
    roots.extend(
        super::scan::distinct(scan.files, yarn.into_iter().flatten()).into_iter().map(|f| project("yarn", Channel::Yarn, f)),
    );
    if let Some(cache) = npm_cache(scan) {
        let projects = scan.folders_in("npx-cache", &cache.join("_npx"));
        roots.extend(projects.into_iter().map(|folder| project("npx-cache", Channel::NpxCache, folder)));
    }
    roots
}

/// npm's cache folder: its setting, or the default.
fn npm_cache(scan: &mut Scan<'_>) -> Option<PathBuf> {
    let env = &scan.world.env;
    let set = env.path("npm_config_cache").or_else(|| env.path("NPM_CONFIG_CACHE"));
    set.or_else(|| npmrc_path(scan, "cache")).or_else(|| match scan.world.env.os {
        Os::Windows => scan.world.env.path("LOCALAPPDATA").map(|p| p.join("npm-cache")),
        _ => scan.in_home(".npm"),
    })
}

/// The `node_modules` that version managers keep for each Node.js, and for each tool where they install tools themselves.
fn version_managers(scan: &mut Scan<'_>) -> Vec<Root> {
    let env = &scan.world.env;
    let data = env.data_home();
    let home = |path: &str| scan.in_home(path);
    let mac = |path: &str| (env.os == Os::MacOs).then(|| home(path)).flatten();
    // Where it keeps them, the pattern below, and by which way what is there came.
    let managers: Vec<(&'static str, Option<PathBuf>, &[&str], Channel)> = vec![
        ("nvm", env.path("NVM_DIR").or_else(|| home(".nvm")), &["versions/node/*/lib/node_modules"], Channel::Npm),
        ("nvm", env.path("NVM_HOME").or_else(|| env.path("APPDATA").map(|p| p.join("nvm"))), &["*/node_modules"], Channel::Npm),
        (
            "fnm",
            env.path("FNM_DIR")
                .or_else(|| mac("Library/Application Support/fnm"))
                .or_else(|| data.as_ref().map(|d| d.join("fnm"))),
            &["node-versions/*/installation/lib/node_modules", "node-versions/*/installation/node_modules"],
            Channel::Npm,
        ),
        ("fnm", home(".fnm"), &["node-versions/*/installation/lib/node_modules"], Channel::Npm),
        ("n", env.path("N_PREFIX"), &["lib/node_modules"], Channel::Npm),
        (
            "volta",
            env.path("VOLTA_HOME").or_else(|| home(".volta")),
            &["tools/image/packages/*/lib/node_modules", "tools/image/packages/@*/*/lib/node_modules"],
            Channel::Volta,
        ),
        ("volta", env.path("VOLTA_HOME").or_else(|| home(".volta")), &["tools/image/node/*/lib/node_modules"], Channel::Npm),
        (
            "mise",
            env.path("MISE_DATA_DIR").or_else(|| data.as_ref().map(|d| d.join("mise"))),
            &["installs/*/*/lib/node_modules", "installs/*/*/node_modules"],
            Channel::VersionManager,
        ),
        (
            "asdf",
            env.path("ASDF_DATA_DIR").or_else(|| home(".asdf")),
            &["installs/*/*/lib/node_modules", "installs/nodejs/*/.npm/lib/node_modules"],
            Channel::VersionManager,
        ),
    ];
    let mut roots = Vec::new();
    for (source, folder, patterns, channel) in managers {
        let Some(folder) = folder else { continue };
        match scan.files.stat(&folder) {
            Ok(_) => scan.cover(source, &folder, CoverageOutcome::Looked),
            Err(error) => {
                scan.cover_error(source, &folder, &error);
                continue;
            }
        }
        for pattern in patterns {
            let matches = glob::expand(scan.files, &folder, pattern);
            for (place, error) in &matches.errors {
                scan.cover_error(source, place, error);
            }
            roots.extend(matches.paths.into_iter().map(|node_modules| {
                // What npm put into a Node.js of a version manager is removed with npm.
                let is_node = node_modules.components().any(|c| matches!(c.as_os_str().to_str(), Some("node" | "nodejs")));
                let channel = if is_node { Channel::Npm } else { channel };
                Root { source, node_modules, channel, project: None }
            }));
        }
    }
    roots
}

/// npm's global folders: what its settings say, and the default of every Node.js on `PATH`.
fn global_prefixes(scan: &mut Scan<'_>, leads: &Leads) -> Vec<Root> {
    let env = &scan.world.env;
    let mut prefixes: Vec<PathBuf> =
        ["npm_config_prefix", "NPM_CONFIG_PREFIX", "PREFIX"].iter().filter_map(|name| env.path(name)).collect();
    prefixes.extend(npmrc_path(scan, "prefix"));
    prefixes.extend(leads.prefixes_of(&["npm", "node"]));
    prefixes.extend(scan.in_home(".npm-global"));
    match scan.world.env.os {
        Os::Windows => prefixes.extend(scan.world.env.path("APPDATA").map(|p| p.join("npm"))),
        _ => prefixes.extend(["/usr/local", "/usr", "/opt/homebrew", "/home/linuxbrew/.linuxbrew"].map(PathBuf::from)),
    }
    let below = if scan.world.env.os == Os::Windows { "node_modules" } else { "lib/node_modules" };
    super::scan::distinct(scan.files, prefixes)
        .into_iter()
        .map(|prefix| {
            let node_modules = prefix.join(below);
            Root { source: "npm-global", channel: channel_of(scan, &node_modules), node_modules, project: None }
        })
        .collect()
}

/// `node_modules` folders that the catalogue names as a place where a tool's own installer puts it.
fn from_catalogue(scan: &Scan<'_>) -> Vec<Root> {
    let os = scan.world.env.os;
    let mut roots = Vec::new();
    for pattern in scan.catalogue.tools().iter().flat_map(|tool| tool.paths.of(os)) {
        if let Some((before, _)) = pattern.split_once("/node_modules/") {
            for (base, rest) in super::native::bases(scan, before) {
                let node_modules = base.join(rest).join("node_modules");
                roots.push(Root { source: "native", node_modules, channel: Channel::Native, project: None });
            }
        }
    }
    roots
}

/// A path among the settings in the user's `.npmrc`.
fn npmrc_path(scan: &mut Scan<'_>, key: &str) -> Option<PathBuf> {
    let env = &scan.world.env;
    let npmrc =
        env.path("npm_config_userconfig").or_else(|| env.path("NPM_CONFIG_USERCONFIG")).or_else(|| scan.in_home(".npmrc"))?;
    let bytes = match scan.files.read(&npmrc, MAX_NPMRC) {
        Ok(bytes) => bytes,
        Err(FileError::NotFound(_)) => return None,
        Err(error) => {
            scan.cover_error("npm-global", &npmrc, &error);
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let value = npmrc_value(&text, key, |name| scan.world.env.text(name).map(str::to_owned))?;
    let path = match value.strip_prefix("~/") {
        Some(rest) => scan.in_home(rest)?,
        None => PathBuf::from(value),
    };
    path.is_absolute().then_some(path)
}

/// The last value of a key in the text of an `.npmrc`, with `${VARIABLE}` replaced as npm does.
fn npmrc_value(text: &str, key: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let line = text.lines().filter_map(|line| line.split_once('=')).rfind(|(name, _)| name.trim() == key)?;
    let mut rest = line.1.trim().trim_matches(['"', '\'']);
    let mut value = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        value.push_str(before);
        value.push_str(&variable(name)?);
        rest = after;
    }
    value.push_str(rest);
    Some(value)
}

/// By which way what lies in a `node_modules` came there, as far as its path tells. It chooses the advice, not the verdict.
fn channel_of(scan: &Scan<'_>, node_modules: &Path) -> Channel {
    let project = scan.repository.as_ref().filter(|project| node_modules.starts_with(project));
    if project.is_some_and(|project| node_modules.starts_with(project.join("node_modules"))) {
        return Channel::NodeModules;
    }
    let parts: Vec<&OsStr> = node_modules.components().map(Component::as_os_str).collect();
    let has = |name: &str| parts.iter().any(|part| *part == name);
    let by_part = [
        ("Cellar", Channel::Homebrew),
        (".bun", Channel::Bun),
        ("pnpm", Channel::Pnpm),
        (".pnpm", Channel::Pnpm),
        ("yarn", Channel::Yarn),
        ("_npx", Channel::NpxCache),
    ];
    if let Some((_, channel)) = by_part.iter().find(|(part, _)| has(part)) {
        return *channel;
    }
    // A workspace of the project. A home folder may be a repository too, and a prefix of npm in it stays what it is.
    let is_prefix = node_modules.parent().and_then(Path::file_name).is_some_and(|folder| folder == "lib");
    if project.is_some() && !is_prefix { Channel::NodeModules } else { Channel::Npm }
}

/// Turn what was found below one root into drafts: a package and its platform packages are one installation.
fn add_hits(scan: &mut Scan<'_>, root: &Root, hits: Vec<Hit>) {
    let (platforms, mains): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(|hit| hit.is_platform);
    let mut taken = vec![false; platforms.len()];
    for main in &mains {
        let mut own = Vec::new();
        for (index, platform) in platforms.iter().enumerate() {
            if !taken[index] && nearest_main(&mains, platform).is_some_and(|nearest| std::ptr::eq(nearest, main)) {
                taken[index] = true;
                own.push(platform);
            }
        }
        add_hit(scan, root, main, &own);
    }
    // A platform package without the package it belongs to: the program is there all the same.
    for platform in platforms.iter().zip(taken).filter(|(_, taken)| !taken).map(|(platform, _)| platform) {
        add_hit(scan, root, platform, &[]);
    }
}

/// The package that a platform package belongs to: of the same tool and version, and nearest in the tree.
fn nearest_main<'h>(mains: &'h [Hit], platform: &Hit) -> Option<&'h Hit> {
    let common = |main: &Hit| main.folder.components().zip(platform.folder.components()).take_while(|(a, b)| a == b).count();
    mains
        .iter()
        .filter(|main| main.tool == platform.tool && main.version == platform.version)
        .max_by_key(|main| (platform.folder.starts_with(&main.folder), common(main)))
}

fn add_hit(scan: &mut Scan<'_>, root: &Root, main: &Hit, platforms: &[&Hit]) {
    let catalogue = scan.catalogue;
    let Some(tool) = catalogue.tool(&main.tool) else { return };
    let package = Package::new(Ecosystem::Npm, &main.name);
    let mut draft = Draft::new(tool, main.folder.clone(), Extent::Folder, root.channel, Identification::Metadata)
        .of_package(package, main.version.as_deref())
        .brought_by(main.brought_by.clone());
    match &main.manifest {
        Ok(manifest) => {
            for target in bin_targets(manifest) {
                add_bin(scan, tool, &mut draft, &main.folder.join(target));
            }
        }
        Err(why) => {
            draft.sighting.state = State::Unreadable(Unmeasured::Io(why.clone()));
            draft.sighting.identified_by = Identification::Layout;
        }
    }
    let mut folders = vec![main.folder.clone()];
    folders.extend(platforms.iter().map(|platform| platform.folder.clone()));
    for folder in &folders {
        for program in native_programs(scan, root.source, tool, folder) {
            draft.add_program(program);
        }
    }
    let index = scan.add(draft);
    let manifest = main.manifest.as_ref().ok();
    carried::add(scan, root.source, &carried::Carrier { draft: index, folders, manifest });
}

fn add_bin(scan: &mut Scan<'_>, tool: &Tool, draft: &mut Draft, path: &Path) {
    match Program::look(scan.files, path) {
        Ok(program) => {
            if program.is_placeholder(!tool.npm_platform.is_empty()) {
                draft.sighting.state = State::Stub;
            }
            draft.add_program(program);
        }
        // A package whose program its installer should have put there.
        Err(error) if error.is_not_found() => {
            if !tool.npm_platform.is_empty() {
                draft.sighting.state = State::Stub;
            }
        }
        Err(error) => {
            let why = error.to_string();
            scan.oddities.push(Oddity::UnidentifiedName { path: path.to_owned(), tool: tool.id.clone(), why: why.clone() });
            draft.sighting.state = State::Unreadable(Unmeasured::Io(why));
        }
    }
}

/// The files that `bin` names, relative to the package and not outside of it.
fn bin_targets(manifest: &Value) -> Vec<PathBuf> {
    let texts: Vec<&str> = match manifest.get("bin") {
        Some(Value::String(target)) => vec![target],
        Some(Value::Object(table)) => table.values().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut targets: Vec<PathBuf> = Vec::new();
    for text in texts {
        let inside = Path::new(text).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        let target: PathBuf = Path::new(text).components().filter(|c| matches!(c, Component::Normal(_))).collect();
        if inside && !target.as_os_str().is_empty() && !targets.contains(&target) && targets.len() < program::MAX_PROGRAMS {
            targets.push(target);
        }
    }
    targets
}

/// The tool's machine code in a package folder: what runs here, or everything where nothing does.
fn native_programs(scan: &mut Scan<'_>, source: &'static str, tool: &Tool, folder: &Path) -> Vec<Program> {
    let mut programs = Vec::new();
    for binary in &tool.binaries {
        for place in NATIVE_PLACES {
            let matches = glob::expand(scan.files, folder, &place.replace("{}", binary));
            for (place, error) in &matches.errors {
                scan.cover_error(source, place, error);
            }
            for path in matches.paths {
                match Program::look(scan.files, &path) {
                    Ok(program) if program.is_native() => programs.push(program),
                    Ok(_) | Err(FileError::NotAFile(..)) => {}
                    Err(error) => scan.cover_error(source, &path, &error),
                }
            }
        }
    }
    let os = scan.world.env.os;
    if programs.iter().any(|program| program.runs_on(os)) {
        programs.retain(|program| program.runs_on(os));
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_of_npm_are_read_as_npm_reads_them() {
        let home = |name: &str| (name == "HOME").then(|| "/home/u".to_owned());
        let text = "registry=x\n; prefix=/no\nprefix = /old\nprefix=${HOME}/.global\ncache=\"/c\"\n";
        assert_eq!(npmrc_value(text, "prefix", home).as_deref(), Some("/home/u/.global"));
        assert_eq!(npmrc_value(text, "cache", home).as_deref(), Some("/c"));
        assert_eq!(npmrc_value(text, "none", home), None);
        assert_eq!(npmrc_value("prefix=${NONE}/x", "prefix", home), None, "npm would take the text as it stands: no such folder");
        assert_eq!(npmrc_value("prefix=${HOME", "prefix", home), None);
    }

    #[test]
    fn what_a_package_starts_stays_inside_it() {
        let targets = |bin: Value| bin_targets(&json!({ "bin": bin }));
        assert_eq!(targets(json!("./cli.js")), [PathBuf::from("cli.js")]);
        assert_eq!(targets(json!({ "a": "dist/a.js", "b": "./dist/a.js" })), [PathBuf::from("dist/a.js")]);
        assert!(targets(json!({ "a": "../../../etc/passwd", "b": "/etc/passwd", "c": 1, "d": "", "e": "." })).is_empty());
        let many: serde_json::Map<String, Value> = (0..100).map(|n| (n.to_string(), json!(format!("{n}.js")))).collect();
        assert_eq!(targets(Value::Object(many)).len(), program::MAX_PROGRAMS);
    }
}
