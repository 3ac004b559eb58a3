//! What pip and uv are set up for: one index, and what opens it (pip's documentation, "Configuration"; uv's, "Package indexes").
//!
//! Further indexes (`extra-index-url`, an `[[index]]` that is not the default) are not asked: whoever takes a package from any of
//! several indexes takes it from the one that somebody else can write to.

use super::lines::{self, Dialect};
use super::{Access, Address, Origin, basic, default, text_of};
use crate::registry::RegistryError;
use crate::tool::Os;
use crate::world::World;
use crate::world::env::Env;
use crate::world::network::Authorization;
use std::path::{Path, PathBuf};

/// The index that pip or uv would ask.
#[derive(Debug, Clone)]
pub struct PypiConfig {
    /// Its address.
    pub address: Address,
    /// What opens it and the files it names.
    pub access: Access,
}

/// Read what pip and uv are set up for. `told` is what `--registry` says.
///
/// The environment comes first (`PIP_INDEX_URL`, `UV_DEFAULT_INDEX`, `UV_INDEX_URL`), then the files of pip, then those of uv.
///
/// # Errors
/// [`RegistryError`] when a setting cannot be used, or nothing names an index and there is no pip that could be asked.
pub fn pypi(world: &World, told: Option<&str>) -> Result<PypiConfig, RegistryError> {
    let env = &world.env;
    let pip = PipFiles::read(world)?;
    let variable = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"].into_iter().find_map(|name| {
        // uv lets an index have a name: `name=https://...`.
        let text = env.text(name)?;
        let named = text.split_once("=http").filter(|(name, _)| !name.contains([':', '/']));
        Some((named.map_or_else(|| text.to_owned(), |(_, rest)| format!("http{rest}")), Origin::variable(name)))
    });
    let set = match (told, variable, pip.get("index-url")) {
        (Some(told), ..) => Some((told.to_owned(), Origin::option())),
        (None, Some(found), _) | (None, None, Some(found)) => Some(found),
        (None, None, None) => uv_index(world)?,
    };
    let (text, origin) = match set {
        Some(found) => found,
        None => (default::of_pip(world)?, Origin::program("pip")),
    };
    let (address, login) = Address::read(&text, &origin)?;
    let login = match login {
        Some(login) => Some(login),
        None => netrc(world, &address)?,
    };
    let of = |name: &str| env.text(name).map(|path| (path.to_owned(), Origin::variable(name)));
    let named = of("PIP_CERT").or_else(|| pip.get("cert")).or_else(|| of("REQUESTS_CA_BUNDLE"));
    let certificates = named.map(|(path, origin)| (PathBuf::from(path), origin));
    Ok(PypiConfig { address, access: Access { authorizations: login.into_iter().collect(), unusable: Vec::new(), certificates } })
}

/// The settings of pip's files, the strongest file first.
struct PipFiles(Vec<(Vec<lines::Setting>, Origin)>);

impl PipFiles {
    fn read(world: &World) -> Result<Self, RegistryError> {
        let mut files = Vec::new();
        for path in pip_files(&world.env, |path| world.files.stat(path).is_ok()) {
            if let Some(text) = text_of(world.files, &path)? {
                files.push((lines::read(&text, Dialect::Python), Origin::file(&world.env, &path)));
            }
        }
        Ok(Self(files))
    }

    /// What stands under `[install]` in any file outranks what stands under `[global]`.
    fn get(&self, key: &str) -> Option<(String, Origin)> {
        let find = |section: &str| {
            self.0.iter().find_map(|(settings, origin)| {
                let fits = |s: &&lines::Setting| s.section == section && s.key.to_lowercase().replace('_', "-") == key;
                let value = settings.iter().rev().find(fits)?.value.trim().to_owned();
                (!value.is_empty()).then(|| (value, origin.clone()))
            })
        };
        find("install").or_else(|| find("global"))
    }
}

/// Where pip reads, the strongest first: `PIP_CONFIG_FILE`, the virtual environment, the user, the machine.
fn pip_files(env: &Env, is_there: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let name = if env.os == Os::Windows { "pip.ini" } else { "pip.conf" };
    let told = env.get("PIP_CONFIG_FILE");
    // The null device switches all of them off.
    if told.is_some_and(|told| told == "/dev/null" || told.eq_ignore_ascii_case("nul")) {
        return Vec::new();
    }
    let mut paths: Vec<PathBuf> = told.map(PathBuf::from).into_iter().collect();
    paths.extend(env.path("VIRTUAL_ENV").map(|folder| folder.join(name)));
    let home = env.home();
    match env.os {
        Os::MacOs => {
            let support = home.as_ref().map(|home| home.join("Library/Application Support/pip"));
            paths.extend(support.filter(|folder| is_there(folder)).map(|folder| folder.join(name)));
        }
        Os::Linux | Os::Windows => {}
    }
    paths.extend(env.config_home().map(|folder| folder.join("pip").join(name)));
    let legacy = if env.os == Os::Windows { "pip" } else { ".pip" };
    paths.extend(home.map(|home| home.join(legacy).join(name)));
    match env.os {
        Os::MacOs => paths.push(Path::new("/Library/Application Support/pip").join(name)),
        Os::Windows => paths.extend(env.path("ProgramData").map(|folder| folder.join("pip").join(name))),
        Os::Linux => {
            let folders = env.text("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg");
            paths.extend(folders.split(':').filter(|f| f.starts_with('/')).map(|f| Path::new(f).join("pip").join(name)));
            paths.push(Path::new("/etc").join(name));
        }
    }
    paths
}

/// The default index of uv's own files: `UV_CONFIG_FILE`, the user's, the machine's. Not the `uv.toml` of a project.
fn uv_index(world: &World) -> Result<Option<(String, Origin)>, RegistryError> {
    let env = &world.env;
    let paths = match env.get("UV_CONFIG_FILE") {
        Some(path) => vec![PathBuf::from(path)],
        None if env.text("UV_NO_CONFIG").is_some() => Vec::new(),
        None => {
            let machine = match env.os {
                Os::Windows => env.path("ProgramData"),
                Os::Linux | Os::MacOs => Some(PathBuf::from("/etc")),
            };
            env.config_home().into_iter().chain(machine).map(|folder| folder.join("uv").join("uv.toml")).collect()
        }
    };
    for path in paths {
        if let Some(text) = text_of(world.files, &path)? {
            let origin = Origin::file(env, &path);
            let file: UvFile = toml::from_str(&text).map_err(|e| origin.refuse(e.message().to_owned()))?;
            if let Some(url) = file.index() {
                return Ok(Some((url, origin)));
            }
        }
    }
    Ok(None)
}

/// What names an index in `uv.toml`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct UvFile {
    #[serde(default)]
    index: Vec<UvIndex>,
    index_url: Option<String>,
}

#[derive(serde::Deserialize)]
struct UvIndex {
    url: String,
    #[serde(default)]
    default: bool,
}

impl UvFile {
    fn index(self) -> Option<String> {
        let default = self.index.into_iter().find(|index| index.default).map(|index| index.url);
        default.or(self.index_url)
    }
}

/// What `~/.netrc` (or `NETRC`, `~/_netrc` on Windows) has for the host of the index: pip and uv both ask it.
fn netrc(world: &World, address: &Address) -> Result<Option<Authorization>, RegistryError> {
    let env = &world.env;
    let name = if env.os == Os::Windows { "_netrc" } else { ".netrc" };
    let Some(path) = env.path("NETRC").or_else(|| Some(env.home()?.join(name))) else { return Ok(None) };
    let Some(text) = text_of(world.files, &path)? else { return Ok(None) };
    let Some(host) = address.url.host_str() else { return Ok(None) };
    let mut whole = address.url.clone();
    whole.set_path("/");
    Ok(login_of(&text, host).and_then(|(user, password)| basic(&whole, &user, &password)))
}

/// The login of a host: words, `macdef` up to an empty line passed over, `default` for every other host.
fn login_of(text: &str, host: &str) -> Option<(String, String)> {
    let mut is_macro = false;
    let mut words = Vec::new();
    for line in text.lines() {
        if is_macro {
            is_macro = !line.trim().is_empty();
            continue;
        }
        for word in line.split_whitespace() {
            if word.starts_with('#') {
                break;
            }
            if word == "macdef" {
                is_macro = true;
                break;
            }
            words.push(word.trim_matches('"'));
        }
    }
    let mut found: Option<(String, String)> = None;
    let (mut is_meant, mut words) = (false, words.into_iter());
    while let Some(word) = words.next() {
        match word {
            // The first entry that fits counts.
            "machine" | "default" if is_meant => break,
            "machine" => is_meant = words.next() == Some(host),
            "default" => is_meant = true,
            "login" | "password" | "account" => {
                let value = words.next().unwrap_or_default();
                if is_meant && word != "account" {
                    let pair = found.get_or_insert_with(Default::default);
                    value.clone_into(if word == "login" { &mut pair.0 } else { &mut pair.1 });
                }
            }
            _ => {}
        }
    }
    found
}
