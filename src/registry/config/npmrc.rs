//! What npm is set up for: the registry, one for each scope, and what opens them (npm's own documentation, "npmrc" and "config").

use super::lines::{self, Dialect};
use super::{Access, Address, Origin, basic, default, text_of};
use crate::registry::RegistryError;
use crate::tool::Os;
use crate::world::World;
use crate::world::env::Env;
use crate::world::network::{Authorization, Url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The registries that npm would ask.
#[derive(Debug, Clone)]
pub struct NpmConfig {
    default: Address,
    scopes: BTreeMap<String, Address>,
    /// What opens them.
    pub access: Access,
}

impl NpmConfig {
    /// The registry of a package: that of its scope, else the usual one.
    #[must_use]
    pub fn address_of(&self, package: &str) -> &Address {
        let scope = package.split_once('/').map(|(scope, _)| scope).filter(|scope| scope.starts_with('@'));
        scope.and_then(|scope| self.scopes.get(scope)).unwrap_or(&self.default)
    }
}

/// Settings by name, with where each stands. What is set first wins.
#[derive(Default)]
struct Settings(BTreeMap<String, (String, Origin)>);

impl Settings {
    fn set(&mut self, key: &str, value: &str, origin: &Origin) {
        if !value.is_empty() {
            self.0.entry(key.to_owned()).or_insert_with(|| (value.to_owned(), origin.clone()));
        }
    }

    fn get(&self, key: &str) -> Option<&(String, Origin)> {
        self.0.get(key)
    }
}

/// Read what npm is set up for. `told` is what `--registry` says: it outranks every registry, that of a scope as well.
///
/// # Errors
/// [`RegistryError`] when a setting cannot be used, or nothing names a registry and there is no npm that could be asked.
pub fn npm(world: &World, told: Option<&str>) -> Result<NpmConfig, RegistryError> {
    let settings = settings(world)?;
    let cafile = settings.get("cafile").map(|(path, origin)| (PathBuf::from(path), origin.clone()));
    // Node passes over a file that is not there.
    let more = world.env.path("NODE_EXTRA_CA_CERTS").filter(|path| world.files.stat(path).is_ok());
    let more = more.map(|path| (path, Origin::variable("NODE_EXTRA_CA_CERTS")));
    let mut access = Access { certificates: cafile.or(more), ..Access::default() };
    let mut read = |text: &str, origin: &Origin| {
        let (address, login) = Address::read(text, origin)?;
        access.authorizations.extend(login);
        Ok::<_, RegistryError>(address)
    };
    let mut scopes = BTreeMap::new();
    let default = match (told, settings.get("registry")) {
        (Some(told), _) => read(told, &Origin::option())?,
        (None, Some((text, origin))) => read(text, origin)?,
        (None, None) => read(&default::of_npm(world)?, &Origin::program("npm"))?,
    };
    if told.is_none() {
        for (key, (text, origin)) in &settings.0 {
            if let Some(scope) = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@')) {
                scopes.insert(scope.to_owned(), read(text, origin)?);
            }
        }
    }
    authorizations(&settings, &mut access);
    Ok(NpmConfig { default, scopes, access })
}

/// The environment, then the file of the user, of the machine, and of npm itself.
fn settings(world: &World) -> Result<Settings, RegistryError> {
    let env = &world.env;
    let mut settings = Settings::default();
    for name in env.names_beginning("npm_config_").chain(env.names_beginning("NPM_CONFIG_")) {
        let Some(name) = name.to_str() else { continue };
        if let Some(value) = env.text(name) {
            settings.set(&key_of_variable(&name["npm_config_".len()..]), value, &Origin::variable(name));
        }
    }
    let read = |settings: &mut Settings, path: &Path| -> Result<(), RegistryError> {
        if let Some(text) = text_of(world.files, path)? {
            let origin = Origin::file(env, path);
            let mut here = BTreeMap::new();
            for setting in lines::read(&text, Dialect::Npm) {
                if setting.section.is_empty() {
                    // Of two lines in one file the last counts.
                    here.insert(expanded(&setting.key, env), expanded(&setting.value, env));
                }
            }
            for (key, value) in &here {
                settings.set(key, value, &origin);
            }
        }
        Ok(())
    };
    let named = |settings: &Settings, key: &str| settings.get(key).map(|(path, _)| at_home(path, env));
    if let Some(path) = named(&settings, "userconfig").or_else(|| Some(env.home()?.join(".npmrc"))) {
        read(&mut settings, &path)?;
    }
    let prefix = named(&settings, "prefix").or_else(|| env.path("PREFIX")).or_else(|| prefix(world));
    if let Some(path) = named(&settings, "globalconfig").or_else(|| Some(prefix?.join("etc").join("npmrc"))) {
        read(&mut settings, &path)?;
    }
    if let Some(path) = builtin(world) {
        read(&mut settings, &path)?;
    }
    Ok(settings)
}

/// `npm_config_some_key` is `some-key`; a key that begins with `//` or `@` is taken as it is.
fn key_of_variable(name: &str) -> String {
    if name.starts_with("//") {
        return name.to_owned();
    }
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    format!("{first}{}", rest.replace('_', "-")).to_lowercase()
}

/// `${NAME}` is the variable and `${NAME?}` the variable or nothing; without the variable the former stays as it is.
fn expanded(text: &str, env: &Env) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}').map(|end| at + end) else { break };
        let name = &rest[at + 2..end];
        let is_escaped = rest[..at].ends_with('\\');
        out.push_str(rest[..at].strip_suffix('\\').unwrap_or(&rest[..at]));
        let (plain, may_miss) = name.strip_suffix('?').map_or((name, false), |plain| (plain, true));
        match env.text(plain) {
            Some(value) if !is_escaped => out.push_str(value),
            None if !is_escaped && may_miss => {}
            _ => out.push_str(&rest[at..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

fn at_home(path: &str, env: &Env) -> PathBuf {
    match (path.strip_prefix("~/"), env.home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// Where npm's prefix is unless it is set: the folder above that of node, or that of node on Windows.
fn prefix(world: &World) -> Option<PathBuf> {
    let node = program(world, if world.env.os == Os::Windows { "node.exe" } else { "node" })?;
    let folder = node.parent()?;
    Some(if world.env.os == Os::Windows { folder } else { folder.parent()? }.to_owned())
}

/// The `npmrc` beside npm's own code.
fn builtin(world: &World) -> Option<PathBuf> {
    if world.env.os == Os::Windows {
        let npm = program(world, "npm.cmd")?;
        return Some(npm.parent()?.join("node_modules").join("npm").join("npmrc"));
    }
    // `npm` leads to `npm/bin/npm-cli.js`.
    let script = program(world, "npm")?;
    Some(script.parent()?.parent()?.join("npmrc"))
}

/// Where a program is, links followed.
fn program(world: &World, name: &str) -> Option<PathBuf> {
    let folders = world.env.search_path();
    folders.iter().filter(|f| f.is_absolute()).find_map(|folder| world.files.canonical(&folder.join(name)).ok())
}

/// What opens which addresses: `//host/path/:_authToken`, `:_auth`, or `:username` with `:_password` in base64.
fn authorizations(settings: &Settings, access: &mut Access) {
    let mut by_place: BTreeMap<&str, BTreeMap<&str, &(String, Origin)>> = BTreeMap::new();
    for (key, setting) in &settings.0 {
        if let Some((place, what)) = key.strip_prefix("//").and_then(|rest| rest.rsplit_once(':'))
            && matches!(what, "_authToken" | "_auth" | "username" | "_password")
        {
            by_place.entry(place).or_default().insert(what, setting);
        }
    }
    for (place, what) in by_place {
        let Some((_, (_, origin))) = what.first_key_value() else { continue };
        let mut cannot =
            |why: &str| access.unusable.push(format!("what {origin} has for `//{}` {why}", crate::text::printable(place)));
        if what.values().any(|(value, _)| value.contains("${")) {
            cannot("names a variable that is not set");
            continue;
        }
        // Plain http is asked of this machine alone, where the address of the registry begins with it.
        let scheme = if is_here(place) { ["https", "http"].as_slice() } else { &["https"] };
        let values = scheme.iter().map(|scheme| one(&format!("{scheme}://{place}"), &what)).collect::<Option<Vec<_>>>();
        match values {
            Some(values) => access.authorizations.extend(values),
            None => cannot("cannot be used"),
        }
    }
}

fn is_here(place: &str) -> bool {
    let url = Url::parse(&format!("http://{place}"));
    url.is_ok_and(|url| url.host_str().is_some_and(crate::world::network::is_loopback))
}

fn one(below: &str, what: &BTreeMap<&str, &(String, Origin)>) -> Option<Authorization> {
    let below = Url::parse(below).ok()?;
    let value = |name: &str| what.get(name).map(|(value, _)| value.as_str());
    if let Some(token) = value("_authToken") {
        return Authorization::new(&below, &format!("Bearer {token}"));
    }
    if let Some(login) = value("_auth") {
        return Authorization::new(&below, &format!("Basic {login}"));
    }
    let password = String::from_utf8(STANDARD.decode(value("_password")?).ok()?).ok()?;
    basic(&below, value("username")?, &password)
}
