//! Which registries the user means, and what opens them.
//!
//! It is read where npm, pip, uv and gh read it: `--registry`, the environment, and the files of the user and of the machine. Never
//! from the repository that is being looked at: its `.npmrc` and `pip.conf` belong to whoever wrote the commit, who could name a
//! registry of their own and have the tokens of the user sent there.

mod default;
mod github;
mod lines;
mod npmrc;
mod python;

pub use github::github;
pub use npmrc::{NpmConfig, npm};
pub use python::{PypiConfig, pypi};

use super::RegistryError;
use crate::text::{printable, printable_path};
use crate::world::env::Env;
use crate::world::files::{FileError, Files};
use crate::world::network::{Authorization, Url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::path::{Path, PathBuf};

/// The most that is read of a configuration file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Where a setting stands, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// `--registry`.
    #[must_use]
    pub fn option() -> Self {
        Self("--registry".to_owned())
    }

    /// A variable of the environment.
    #[must_use]
    pub fn variable(name: &str) -> Self {
        Self(format!("the variable {}", printable(name)))
    }

    /// A file, with `~` for the home folder: a message may be shown to others.
    #[must_use]
    pub fn file(env: &Env, path: &Path) -> Self {
        let below_home = env.home().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned));
        Self(below_home.map_or_else(|| printable_path(path), |rest| format!("~/{}", printable_path(&rest))))
    }

    /// A program that was asked.
    #[must_use]
    pub fn program(name: &str) -> Self {
        Self(format!("{name} itself"))
    }

    pub(super) fn refuse(&self, why: impl Into<String>) -> RegistryError {
        RegistryError::Setting { origin: self.0.clone(), why: why.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address of a registry: without a password, its path ending with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Where it is.
    pub url: Url,
    /// Who says so.
    pub origin: Origin,
}

impl Address {
    /// Read an address, and what opens it where a user name or a password stands in it.
    ///
    /// # Errors
    /// [`RegistryError::Setting`] when it is no address, or one that may not be asked.
    pub(super) fn read(text: &str, origin: &Origin) -> Result<(Self, Option<Authorization>), RegistryError> {
        // A password may stand in it: it is not repeated in the message.
        let mut url = Url::parse(text.trim()).map_err(|e| origin.refuse(format!("the address of the registry is none: {e}")))?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err(origin.refuse(format!("the address of the registry begins with `{}:`, not with `https:`", url.scheme())));
        }
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let decoded = |text: &str| percent_decoded(text).unwrap_or_else(|| text.to_owned());
            (decoded(url.username()), decoded(url.password().unwrap_or_default()))
        });
        // Neither can fail for an address with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        if url.scheme() == "http" && !url.host_str().is_some_and(crate::world::network::is_loopback) {
            let shown = printable(url.as_str()).into_owned();
            return Err(
                origin.refuse(format!("`{shown}` is plain http, where anybody on the way can change what comes; use https"))
            );
        }
        let mut whole = url.clone();
        // The files of an index stand beside it, not below it.
        whole.set_path("/");
        let login = login.and_then(|(user, password)| basic(&whole, &user, &password));
        Ok((Self { url, origin: origin.clone() }, login))
    }

    /// The address of something below this one.
    #[must_use]
    pub fn below(&self, path: &str) -> Option<Url> {
        self.url.join(path).ok()
    }
}

/// `<url> (from <origin>)`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (from {})", printable(self.url.as_str()), self.origin)
    }
}

/// What opens the addresses of a registry.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The headers, each for its addresses.
    pub authorizations: Vec<Authorization>,
    /// What would open them and cannot be used, with the reason.
    pub unusable: Vec<String>,
    /// A PEM file of certificates that the user's installer trusts as well, with where it is named.
    pub certificates: Option<(PathBuf, Origin)>,
}

/// User name and password (RFC 7617).
fn basic(below: &Url, user: &str, password: &str) -> Option<Authorization> {
    Authorization::new(below, &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text of a configuration file; `None` where there is none. One that is there and cannot be read is an error: the registry it
/// names would be passed over for another.
fn text_of(files: Files, path: &Path) -> Result<Option<String>, RegistryError> {
    match files.read(path, MAX_FILE) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.is_not_found() => Ok(None),
        // `/dev/null` is how these files are switched off.
        Err(FileError::NotAFile(_, "a device")) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
