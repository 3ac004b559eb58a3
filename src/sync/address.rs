//! The address of a source, as `[sync] sources` and `vetted-source.toml` write it.

use crate::digest::{Algorithm, Digest};
use crate::text::printable;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

/// The longest address, in bytes.
const MAX_ADDRESS: usize = 2048;

/// Where documents are had from. It writes itself as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    /// How it is reached.
    pub way: Way,
}

/// How a source is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// `https://`: static files below this address, which ends with `/`. `http://` to this machine alone.
    Web(String),
    /// `file://`: a folder or a share.
    Folder(PathBuf),
    /// `git+https://`, `git+ssh://`, `git+file://`: the top folder of a branch.
    Git {
        /// What git is given.
        url: String,
        /// After `#`; without it the branch that the repository names itself.
        branch: Option<String>,
    },
    /// `tuf+https://`: targets of a TUF repository.
    Tuf {
        /// The address that its `metadata/` and `targets/` stand below, which ends with `/`.
        url: String,
        /// After `#sha256=`: SHA-256 of one version of its `root.json`. Without it there is nothing to believe the repository by.
        root: Option<Digest>,
    },
}

/// Why a text is no address of a source.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is no address of a source: {why}", printable(.text))]
pub struct AddressError {
    text: String,
    why: String,
}

impl Address {
    /// The address of a folder of this machine.
    #[must_use]
    pub fn of_folder(path: PathBuf) -> Self {
        Self { text: crate::text::printable_path(&path), way: Way::Folder(path) }
    }

    /// Whether asking it needs the network of this process. A folder does not; git has a process of its own.
    #[must_use]
    pub fn needs_network(&self) -> bool {
        matches!(self.way, Way::Web(_) | Way::Tuf { .. })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.text))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        way(text).map(|way| Self { text: text.to_owned(), way }).map_err(|why| AddressError { text: text.to_owned(), why })
    }
}

fn way(text: &str) -> Result<Way, String> {
    if text.len() > MAX_ADDRESS {
        return Err(format!("it is longer than {MAX_ADDRESS} bytes"));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it holds white space; write a space as `%20`".to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(
            "it starts with none of `https://`, `file://`, `git+https://`, `git+ssh://`, `git+file://`, `tuf+https://`".into()
        );
    };
    match scheme {
        "https" => Ok(Way::Web(folder_url("https", rest)?)),
        "http" => Ok(Way::Web(folder_url("http", rest)?)),
        "tuf+https" | "tuf+http" => tuf(&scheme[4..], rest),
        "file" => folder(rest).map(Way::Folder),
        "git+https" | "git+http" | "git+ssh" | "git+file" => git(&scheme[4..], rest),
        other => Err(format!("`{}` is no way to documents", printable(other))),
    }
}

/// An address below which files stand, ending with `/`.
fn folder_url(scheme: &str, rest: &str) -> Result<String, String> {
    if rest.contains(['?', '#']) {
        return Err("it holds `?` or `#`; files stand below an address".to_owned());
    }
    host_of(scheme, rest)?;
    Ok(format!("{scheme}://{}/", rest.trim_end_matches('/')))
}

/// The host is there, carries no password, and is this machine where the scheme is `http`.
fn host_of(scheme: &str, rest: &str) -> Result<(), String> {
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    if host.contains('@') && scheme != "ssh"
        || host.split('@').next().is_some_and(|user| host.contains('@') && user.contains(':'))
    {
        return Err(
            "it holds a user name or a password; a policy needs none to be read, and git has credential helpers".to_owned()
        );
    }
    // An option in the place of a host is not handed to another program.
    if host.starts_with('-') {
        return Err("its host begins with `-`".to_owned());
    }
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    if scheme == "http" && !crate::world::network::is_loopback(without_port) {
        return Err("plain http is used to 127.0.0.1 and [::1] only".to_owned());
    }
    Ok(())
}

fn folder(rest: &str) -> Result<PathBuf, String> {
    let decoded = percent_decoded(rest).ok_or("a `%` in it is followed by no two hexadecimal digits")?;
    let decoded = decoded.strip_prefix("localhost/").map_or_else(|| decoded.clone(), |path| format!("/{path}"));
    if decoded.split(['/', '\\']).any(|part| part == "..") {
        return Err("it holds `..`".to_owned());
    }
    if cfg!(windows) {
        return Ok(match decoded.strip_prefix('/') {
            // file:///C:/policy, and file://server/share/policy.
            Some(path) => PathBuf::from(path.replace('/', "\\")),
            None => PathBuf::from(format!(r"\\{}", decoded.replace('/', "\\"))),
        });
    }
    if decoded.starts_with('/') {
        Ok(PathBuf::from(decoded))
    } else {
        Err("a share of another host has to be mounted; write `file:///` and the path".to_owned())
    }
}

fn git(scheme: &str, rest: &str) -> Result<Way, String> {
    let (place, branch) = match rest.split_once('#') {
        Some((place, branch)) => (place, Some(branch.strip_prefix("refs/heads/").unwrap_or(branch))),
        None => (rest, None),
    };
    if place.contains('?') {
        return Err("it holds `?`".to_owned());
    }
    if scheme == "file" {
        folder(place)?;
    } else {
        host_of(scheme, place)?;
    }
    if let Some(branch) = branch.filter(|branch| !is_branch(branch)) {
        return Err(format!("`{}` is no name of a branch", printable(branch)));
    }
    Ok(Way::Git { url: format!("{scheme}://{place}"), branch: branch.map(str::to_owned) })
}

fn tuf(scheme: &str, rest: &str) -> Result<Way, String> {
    let (place, root) = match rest.split_once('#') {
        Some((place, root)) => (place, Some(root)),
        None => (rest, None),
    };
    let root = root.map(|root| {
        let hex = root.strip_prefix("sha256=").ok_or("behind `#` stands the root of the repository: `#sha256=` and 64 digits")?;
        Digest::parse(Algorithm::Sha256, hex).map_err(|e| format!("behind `#sha256=`: {e}"))
    });
    Ok(Way::Tuf { url: folder_url(scheme, place)?, root: root.transpose()? })
}

/// What `git check-ref-format` allows, and a little less.
fn is_branch(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/+-".contains(c);
    !name.is_empty()
        && name.chars().all(is_plain)
        && !name.starts_with('-')
        && !name.contains("..")
        && !name.contains(".lock")
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.'))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let hex = after.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way_of(text: &str) -> Way {
        text.parse::<Address>().unwrap_or_else(|e| panic!("{e}")).way
    }

    #[test]
    fn every_way_is_read() {
        assert_eq!(way_of("https://acme.example/policy"), Way::Web("https://acme.example/policy/".into()));
        assert_eq!(way_of("http://127.0.0.1:81"), Way::Web("http://127.0.0.1:81/".into()));
        assert_eq!(way_of("http://[::1]:81/"), Way::Web("http://[::1]:81/".into()));
        let tuf = |root| Way::Tuf { url: "https://acme.example/tuf/".into(), root };
        assert_eq!(way_of("tuf+https://acme.example/tuf/"), tuf(None));
        let root = Digest::sha256_of(b"root");
        assert_eq!(way_of(&format!("tuf+https://acme.example/tuf#sha256={}", root.hex())), tuf(Some(root)));
        #[cfg(unix)]
        assert_eq!(way_of("file:///mnt/a%20share"), Way::Folder("/mnt/a share".into()));
        let git = |url: &str, branch: Option<&str>| Way::Git { url: url.into(), branch: branch.map(str::to_owned) };
        assert_eq!(way_of("git+https://acme.example/p.git#release/1"), git("https://acme.example/p.git", Some("release/1")));
        assert_eq!(way_of("git+ssh://git@acme.example/p.git"), git("ssh://git@acme.example/p.git", None));
        assert_eq!(way_of("git+file:///srv/p.git#refs/heads/main"), git("file:///srv/p.git", Some("main")));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong = [
            "acme.example/policy",
            "ftp://acme.example/",
            "http://acme.example/",
            "http://localhost/",
            "https://",
            "https:///path",
            "https://user:secret@acme.example/",
            "https://acme.example/?x=1",
            "https://acme.example/a b",
            "git+ssh://git:secret@acme.example/p.git",
            "git+ssh://-oProxyCommand=touch/p.git",
            "git+https://acme.example/p.git#-x",
            "git+https://acme.example/p.git#a..b",
            "git+ext::sh -c touch",
            "git+http://acme.example/p.git",
            "tuf+https://acme.example/tuf#main",
            "tuf+https://acme.example/tuf#sha256=00",
            "tuf+http://acme.example/tuf",
            "https://acme.example/policy#sha256=00",
            "file:///a/../b",
            "file:///%zz",
            "https://acme.example/\u{7}",
        ];
        for text in wrong {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let long = format!("https://acme.example/{}", "x".repeat(MAX_ADDRESS));
        assert!(long.parse::<Address>().is_err());
        // What is refused is not repeated where it could do harm.
        let shown = "https://\u{1b}[2J".parse::<Address>().unwrap_err().to_string();
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}
