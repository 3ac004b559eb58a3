//! Python distributions: `site-packages` of interpreters, of virtual environments (the repository's own included), of pipx and
//! uv tools, and of the environments that uvx keeps in its cache.

use super::distribution::{self, Environment, Requested};
use super::glob;
use super::path::Leads;
use super::program;
use super::scan::{Scan, distinct};
use crate::evidence::CoverageOutcome;
use crate::tool::{Channel, Ecosystem, Os, Package};
use crate::world::files::EntryKind;
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The largest receipt of pipx or uv that is read, in bytes.
const MAX_RECEIPT: u64 = 4 * 1024 * 1024;
/// Where `site-packages` lie below a prefix.
const SITES: [&str; 5] = [
    "lib/python3*/site-packages",
    "lib/python3*/dist-packages",
    "lib64/python3*/site-packages",
    "lib/pypy3*/site-packages",
    "Lib/site-packages",
];

/// A folder with an interpreter, or with packages for one.
struct Prefix {
    source: &'static str,
    folder: PathBuf,
    channel: Channel,
    requested: Requested,
}

impl Prefix {
    fn new(source: &'static str, folder: PathBuf, channel: Channel, requested: Requested) -> Self {
        Self { source, folder, channel, requested }
    }
}

/// Find the tools among the distributions of every Python environment that can be known without running one.
pub(super) fn find(scan: &mut Scan<'_>, leads: &Leads) {
    let mut prefixes = pipx(scan);
    prefixes.extend(uv_tools(scan));
    prefixes.extend(uvx(scan));
    prefixes.extend(virtual_environments(scan, leads));
    prefixes.extend(interpreters(scan, leads));
    let mut seen = HashSet::new();
    for prefix in prefixes {
        let folder = match scan.files.canonical(&prefix.folder) {
            Ok(folder) => folder,
            Err(error) => {
                scan.cover_error(prefix.source, &prefix.folder, &error);
                continue;
            }
        };
        let mut sites = Vec::new();
        for pattern in SITES {
            let matches = glob::expand(scan.files, &folder, pattern);
            for (place, error) in &matches.errors {
                scan.cover_error(prefix.source, place, error);
            }
            sites.extend(matches.paths);
        }
        if sites.is_empty() {
            scan.cover(prefix.source, &folder, CoverageOutcome::Absent);
        }
        let bin = folder.join(if scan.world.env.os == Os::Windows { "Scripts" } else { "bin" });
        for site in distinct(scan.files, sites) {
            if seen.insert(site.clone()) {
                let environment = Environment {
                    source: prefix.source,
                    site,
                    bin: bin.clone(),
                    channel: prefix.channel,
                    requested: prefix.requested.clone(),
                };
                distribution::find(scan, &environment);
            }
        }
    }
    for (site, bin) in user_sites(scan) {
        let real = scan.real(&site);
        if seen.insert(real.clone()) {
            let requested = Requested::Marked;
            let environment = Environment { source: "python-user", site: real, bin, channel: Channel::Pip, requested };
            distribution::find(scan, &environment);
        }
    }
}

/// Where pipx keeps its environments; each has a receipt that names what was asked for.
fn pipx(scan: &mut Scan<'_>) -> Vec<Prefix> {
    let env = &scan.world.env;
    let data = env.data_home().map(|data| data.join("pipx"));
    let homes =
        [env.path("PIPX_HOME"), data, scan.in_home(".local/pipx"), scan.in_home("pipx"), Some(PathBuf::from("/opt/pipx"))];
    let mut prefixes = Vec::new();
    for home in distinct(scan.files, homes.into_iter().flatten()) {
        for folder in scan.folders_in("pipx", &home.join("venvs")) {
            let requested = pipx_requested(scan, &folder);
            prefixes.push(Prefix::new("pipx", folder, Channel::Pipx, requested));
        }
    }
    prefixes
}

fn pipx_requested(scan: &Scan<'_>, folder: &Path) -> Requested {
    let bytes = scan.files.read(&folder.join("pipx_metadata.json"), MAX_RECEIPT).unwrap_or_default();
    let receipt: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let main = receipt.pointer("/main_package/package").and_then(Value::as_str);
    let injected = receipt.get("injected_packages").and_then(Value::as_object).into_iter().flat_map(|table| table.keys());
    named(main.into_iter().chain(injected.map(String::as_str)))
}

/// Where uv keeps the tools it installed.
fn uv_tools(scan: &mut Scan<'_>) -> Vec<Prefix> {
    let env = &scan.world.env;
    let default = match env.os {
        Os::Windows => env.path("APPDATA").map(|data| data.join("uv/tools")),
        _ => env.data_home().map(|data| data.join("uv/tools")),
    };
    let mut prefixes = Vec::new();
    for home in distinct(scan.files, env.path("UV_TOOL_DIR").into_iter().chain(default)) {
        for folder in scan.folders_in("uv-tools", &home) {
            let requested = uv_requested(scan, &folder);
            prefixes.push(Prefix::new("uv-tools", folder, Channel::UvTool, requested));
        }
    }
    prefixes
}

fn uv_requested(scan: &Scan<'_>, folder: &Path) -> Requested {
    let bytes = scan.files.read(&folder.join("uv-receipt.toml"), MAX_RECEIPT).unwrap_or_default();
    let receipt: Option<toml::Table> = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
    let requirements = receipt.as_ref().and_then(|r| r.get("tool")?.get("requirements")?.as_array());
    named(requirements.into_iter().flatten().filter_map(|requirement| requirement.get("name")?.as_str()))
}

/// What a receipt names; nothing to go by where it cannot be read.
fn named<'n>(names: impl Iterator<Item = &'n str>) -> Requested {
    let names: Vec<String> = names.map(|name| Package::new(Ecosystem::Pypi, name).name).collect();
    if names.is_empty() { Requested::Unknown } else { Requested::Named(names) }
}

/// What uvx ran and kept. `environments-v2` holds links into `archive-v0`, which also holds unpacked wheels: an environment is
/// told by its `pyvenv.cfg`, and counted once under its real path.
fn uvx(scan: &mut Scan<'_>) -> Vec<Prefix> {
    let env = &scan.world.env;
    let default = match env.os {
        Os::Windows => env.path("LOCALAPPDATA").map(|data| data.join("uv/cache")),
        _ => env.cache_home().map(|cache| cache.join("uv")),
    };
    let Some(cache) = env.path("UV_CACHE_DIR").or(default) else { return Vec::new() };
    let mut folders = scan.folders_in("uvx-cache", &cache.join("archive-v0"));
    for environment in scan.folders_in("uvx-cache", &cache.join("environments-v2")) {
        if let Ok(entries) = scan.files.list(&environment) {
            folders.extend(entries.into_iter().filter(|e| e.kind != EntryKind::File).map(|e| environment.join(e.name)));
        }
    }
    distinct(scan.files, folders)
        .into_iter()
        .filter(|folder| is_environment(scan, folder))
        .map(|folder| Prefix::new("uvx-cache", folder, Channel::UvCache, Requested::Unknown))
        .collect()
}

fn is_environment(scan: &Scan<'_>, folder: &Path) -> bool {
    program::is_file(scan.files, &folder.join("pyvenv.cfg"))
}

/// Virtual environments: the repository's, the active one, and those that a name on `PATH` leads into.
fn virtual_environments(scan: &mut Scan<'_>, leads: &Leads) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    if let Some(repository) = scan.repository.clone() {
        for name in [".venv", "venv", "env"] {
            let folder = repository.join(name);
            if is_environment(scan, &folder) {
                prefixes.push(Prefix::new("repository-venv", folder, Channel::Venv, Requested::Marked));
            } else {
                scan.cover("repository-venv", &folder, CoverageOutcome::Absent);
            }
        }
    }
    let env = &scan.world.env;
    let active = [env.path("VIRTUAL_ENV"), env.path("CONDA_PREFIX")];
    let on_path = leads.folders().filter_map(Path::parent).filter(|folder| is_environment(scan, folder)).map(Path::to_owned);
    let folders = active.into_iter().flatten().chain(on_path).chain(leads.environments.iter().cloned());
    prefixes.extend(
        distinct(scan.files, folders).into_iter().map(|folder| Prefix::new("venv", folder, Channel::Venv, Requested::Marked)),
    );
    prefixes
}

/// What `pip install` wrote outside of virtual environments: interpreters on `PATH`, the system's, and pyenv's.
fn interpreters(scan: &mut Scan<'_>, leads: &Leads) -> Vec<Prefix> {
    let mut folders = leads.prefixes_of(&["python", "python3", "pypy3"]);
    if scan.world.env.os != Os::Windows {
        folders.extend(["/usr/local", "/usr"].map(PathBuf::from));
    }
    let pyenv = scan.world.env.path("PYENV_ROOT").or_else(|| scan.in_home(".pyenv"));
    let mut prefixes: Vec<Prefix> = Vec::new();
    if let Some(pyenv) = pyenv {
        let versions = scan.folders_in("pyenv", &pyenv.join("versions"));
        prefixes.extend(versions.into_iter().map(|folder| Prefix::new("pyenv", folder, Channel::Pip, Requested::Marked)));
    }
    let distinct = distinct(scan.files, folders);
    prefixes.extend(distinct.into_iter().map(|folder| Prefix::new("python", folder, Channel::Pip, Requested::Marked)));
    prefixes
}

/// Where `pip install --user` puts packages and their launchers.
fn user_sites(scan: &mut Scan<'_>) -> Vec<(PathBuf, PathBuf)> {
    let env = &scan.world.env;
    let (base, pattern, bin) = match env.os {
        Os::Linux => (scan.in_home(".local"), "lib/python3*/site-packages", "bin"),
        Os::MacOs => (scan.in_home("Library/Python"), "3*/lib/python/site-packages", "../../../bin"),
        Os::Windows => (env.path("APPDATA").map(|data| data.join("Python")), "Python3*/site-packages", "../Scripts"),
    };
    let Some(base) = env.path("PYTHONUSERBASE").or(base) else { return Vec::new() };
    let matches = glob::expand(scan.files, &base, pattern);
    for (place, error) in &matches.errors {
        scan.cover_error("python-user", place, error);
    }
    if matches.paths.is_empty() {
        scan.cover("python-user", &base, CoverageOutcome::Absent);
    }
    let bin_of = |site: &PathBuf| if bin == "bin" { base.join(bin) } else { site.join(bin) };
    matches.paths.into_iter().map(|site| (site.clone(), bin_of(&site))).collect()
}
