//! What a `package.json` says that decides how the package is installed.

use crate::layout::LayoutRefusal;
use crate::tool::Platform;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Operating systems as Node calls them (`process.platform`) and as vetted does.
const SYSTEMS: [(&str, &str); 3] = [("linux", "linux"), ("darwin", "macos"), ("win32", "windows")];
/// Processors as Node calls them (`process.arch`) and as vetted does.
const PROCESSORS: [(&str, &str); 2] = [("x64", "x86_64"), ("arm64", "aarch64")];
/// The scripts that npm runs when it installs a package from a registry, in its order.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// What a `package.json` says that decides how the package is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageFacts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Commands and the files they run, relative to the folder of the package.
    pub bin: BTreeMap<String, String>,
    /// Names and ranges.
    pub dependencies: BTreeMap<String, String>,
    /// Names and ranges of those that may be missing.
    pub optional_dependencies: BTreeMap<String, String>,
    /// Names and ranges of those that stand beside it.
    pub peer_dependencies: BTreeMap<String, String>,
    /// Those of the peers that may be missing (`peerDependenciesMeta`).
    pub optional_peers: BTreeSet<String>,
    /// The dependencies that its archive brings along.
    pub bundle_dependencies: Vec<String>,
    /// Operating systems as Node calls them, with `!` before those it does not run on; empty is every one.
    pub os: Vec<String>,
    /// Processors as Node calls them, like `os`.
    pub cpu: Vec<String>,
    /// C libraries, like `os`.
    pub libc: Vec<String>,
    /// What it needs to run, for example `node`.
    pub engines: BTreeMap<String, String>,
    /// The scripts that npm runs when it installs the package from a registry, by name.
    pub install_scripts: BTreeMap<String, String>,
    /// Whether npm compiles it on the machine: it has a `binding.gyp` and neither an install script of its own nor `"gypfile": false`.
    pub is_built_here: bool,
    /// Whether it says `"gypfile": false`.
    pub refuses_gyp: bool,
}

impl PackageFacts {
    /// Read a `package.json`. What npm itself passes over (a list of engines, a number for a name of a system) is passed over here; a
    /// dependency that cannot be read is refused, because what it brings nobody would know.
    ///
    /// # Errors
    /// [`LayoutRefusal::Description`].
    pub fn parse(file: &str, json: &[u8]) -> Result<Self, LayoutRefusal> {
        let wrong = |why: String| LayoutRefusal::Description { file: file.to_owned(), why };
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let value: Value = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        let Value::Object(object) = value else { return Err(wrong("it is no object".to_owned())) };
        let text = |key: &str| match object.get(key) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            _ => Err(wrong(format!("it has no `{key}`"))),
        };
        let ranges = |key: &str| ranges(&object, key).map_err(|name| wrong(format!("`{key}` has no range for `{name}`")));
        let name = text("name")?;
        let dependencies = ranges("dependencies")?;
        Ok(Self {
            bin: commands(object.get("bin"), &name),
            version: text("version")?,
            bundle_dependencies: bundled(&object, &dependencies),
            dependencies,
            optional_dependencies: ranges("optionalDependencies")?,
            peer_dependencies: ranges("peerDependencies")?,
            optional_peers: optional_peers(&object),
            os: list(&object, "os"),
            cpu: list(&object, "cpu"),
            libc: list(&object, "libc"),
            engines: texts(&object, "engines"),
            install_scripts: texts(&object, "scripts")
                .into_iter()
                .filter(|(name, _)| INSTALL_SCRIPTS.contains(&name.as_str()))
                .collect(),
            is_built_here: false,
            refuses_gyp: object.get("gypfile") == Some(&Value::Bool(false)),
            name,
        })
    }

    /// Say whether a `binding.gyp` lies in its folder.
    pub(super) fn look_for_gyp(&mut self, has_gyp: bool) {
        let has_script = ["install", "preinstall"].iter().any(|name| self.install_scripts.contains_key(*name));
        self.is_built_here = has_gyp && !has_script && !self.refuses_gyp;
    }

    /// Add the commands of `directories.bin`, which counts where there is no `bin`: every file in that folder.
    pub(super) fn add_folder_of_commands<'a>(&mut self, json: &[u8], files: impl Iterator<Item = &'a str>) {
        let value: Value = serde_json::from_slice(json).unwrap_or_default();
        let Some(folder) = value["directories"]["bin"].as_str().filter(|_| value.get("bin").is_none()) else { return };
        let folder = format!("{}/", inside(folder));
        for file in files {
            if let Some(below) = file.strip_prefix(&folder)
                && !below.split('/').any(|part| part.starts_with('.'))
            {
                self.bin.insert(last_part(below).to_owned(), file.to_owned());
            }
        }
    }

    /// The platforms on which npm installs it: `None` is every one. Where it runs on none that vetted knows, what it says itself stands
    /// there, which is the name of no machine that runs vetted.
    #[must_use]
    pub fn platforms(&self) -> Option<Vec<Platform>> {
        if self.os.is_empty() && self.cpu.is_empty() {
            return None;
        }
        let systems = SYSTEMS.iter().filter(|(node, _)| allows(&self.os, node));
        let pairs = systems
            .flat_map(|(_, os)| PROCESSORS.iter().filter(|(node, _)| allows(&self.cpu, node)).map(move |(_, cpu)| (os, cpu)));
        let known: Vec<Platform> = pairs.map(|(os, cpu)| Platform(format!("{os}/{cpu}"))).collect();
        let all = SYSTEMS.len() * PROCESSORS.len();
        match known.len() {
            0 => Some(vec![Platform(format!("{}/{}", self.os.join("+"), self.cpu.join("+")))]),
            count if count == all => None,
            _ => Some(known),
        }
    }
}

/// npm's rule for `os` and `cpu` (npm-install-checks, `checkList`).
fn allows(list: &[String], name: &str) -> bool {
    let refused = list.iter().any(|entry| entry.strip_prefix('!') == Some(name));
    let only = list.iter().any(|entry| !entry.starts_with('!'));
    let named = list.iter().any(|entry| entry == name || entry == "any");
    !refused && (named || !only)
}

/// Names and ranges; the name without one where there is one. A list instead of an object names nothing.
fn ranges(object: &Map<String, Value>, key: &str) -> Result<BTreeMap<String, String>, String> {
    let Some(Value::Object(entries)) = object.get(key) else { return Ok(BTreeMap::new()) };
    let range =
        |(name, range): (&String, &Value)| range.as_str().map(|r| (name.clone(), r.to_owned())).ok_or_else(|| name.clone());
    entries.iter().map(range).collect()
}

fn texts(object: &Map<String, Value>, key: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(entries)) = object.get(key) else { return BTreeMap::new() };
    entries.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn list(object: &Map<String, Value>, key: &str) -> Vec<String> {
    match object.get(key) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn bundled(object: &Map<String, Value>, dependencies: &BTreeMap<String, String>) -> Vec<String> {
    let key = if object.contains_key("bundleDependencies") { "bundleDependencies" } else { "bundledDependencies" };
    match object.get(key) {
        Some(Value::Bool(true)) => dependencies.keys().cloned().collect(),
        _ => list(object, key),
    }
}

fn optional_peers(object: &Map<String, Value>) -> BTreeSet<String> {
    let Some(Value::Object(peers)) = object.get("peerDependenciesMeta") else { return BTreeSet::new() };
    peers.iter().filter(|(_, about)| about["optional"] == true).map(|(name, _)| name.clone()).collect()
}

/// `bin` as npm reads it (npm-normalize-package-bin): a path, a list of paths, or names with paths.
fn commands(bin: Option<&Value>, package: &str) -> BTreeMap<String, String> {
    let pairs: Vec<(&str, &str)> = match bin {
        Some(Value::String(path)) => vec![(package, path)],
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).map(|path| (path, path)).collect(),
        Some(Value::Object(named)) => named.iter().filter_map(|(name, path)| Some((name.as_str(), path.as_str()?))).collect(),
        _ => Vec::new(),
    };
    let plain = |(name, path): (&str, &str)| (last_part(&inside(name)).to_owned(), inside(path));
    pairs.into_iter().map(plain).filter(|(name, path)| !name.is_empty() && !path.is_empty()).collect()
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path that stays in the folder of its package, as npm makes it: `..` leads no further up than there.
fn inside(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let path = path.replace(['\\', ':'], "/");
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
