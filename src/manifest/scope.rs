//! Where a waiver holds: which repository this is, which groups this machine is in, and the one rule that compares a scope with
//! them.
//!
//! A scope narrows, so whatever cannot be told counts as outside: a repository without a name, a pattern that does not parse,
//! a pattern for every host.

use super::Scope;
use globset::GlobBuilder;
use std::fmt;
use std::path::Path;

/// Where a run takes place, as far as scopes and overlays ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// The groups this machine is in.
    pub groups: Vec<String>,
    /// The repository, where it has a name.
    pub repository: Option<RepositoryName>,
}

/// The name of a repository: `host/path` of the address it is fetched from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The name in an address of `https`, `ssh` or the short form `user@host:path`: the host in lower case (with its port, unless
    /// it is the usual one), the path without `.git`. Anything else, a local path for example, is no name that two people share.
    #[must_use]
    pub fn of_remote(address: &str) -> Option<Self> {
        // Programs do not agree on what a backslash or a blank in an address means.
        if address.bytes().any(|b| !b.is_ascii_graphic() || b == b'\\') {
            return None;
        }
        // Git takes what has a colon before the first slash for the short form of ssh.
        let Some((scheme, rest)) = address.split_once("://") else { return Self::of_short_form(address) };
        let usual = match scheme.to_ascii_lowercase().as_str() {
            "https" => "443",
            "ssh" => "22",
            _ => return None,
        };
        let (authority, path) = rest.split_once('/')?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        match host.split_once(':') {
            Some((host, port)) if port.is_empty() || port == usual => Self::of_parts(host, None, path),
            Some((host, port)) => Self::of_parts(host, Some(port), path),
            None => Self::of_parts(host, None, path),
        }
    }

    fn of_short_form(address: &str) -> Option<Self> {
        let (host, path) = address.split_once(':').filter(|(host, _)| !host.contains('/'))?;
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        // One letter before a colon is a drive.
        if host.len() < 2 { None } else { Self::of_parts(host, None, path) }
    }

    fn of_parts(host: &str, port: Option<&str>, path: &str) -> Option<Self> {
        let is_host = !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
            && !host.starts_with(['.', '-'])
            && !host.ends_with('.');
        let is_port = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let path = path.trim_start_matches('/').trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        let is_name = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b'+'))
        };
        if !is_host || !is_port || !path.split('/').all(is_name) {
            return None;
        }
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(Self(format!("{}{port}/{path}", host.to_ascii_lowercase())))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a glob over names means this one. `*` crosses no `/`; the host is always written out, because a pattern for every
    /// host would be one for the host of whoever wants to be meant.
    fn is_meant_by(&self, glob: &str) -> bool {
        let (host, rest) = glob.split_once('/').unwrap_or((glob, ""));
        if rest.is_empty() || host.contains(['*', '?', '[', ']', '{', '}', '\\']) {
            return false;
        }
        let pattern = format!("{}/{rest}", host.to_ascii_lowercase());
        GlobBuilder::new(&pattern).literal_separator(true).build().is_ok_and(|glob| glob.compile_matcher().is_match(&self.0))
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Scope {
    /// Whether a site lies in this scope: in one of its repositories and on a machine of one of its groups, each where it names
    /// any.
    #[must_use]
    pub fn holds(&self, site: &Site) -> bool {
        let in_repository = self.repositories.is_empty()
            || site.repository.as_ref().is_some_and(|name| self.repositories.iter().any(|glob| name.is_meant_by(glob)));
        let in_group = self.groups.is_empty() || self.groups.iter().any(|group| site.groups.contains(group));
        in_repository && in_group
    }

    /// Whether a file of the repository is one that the scope speaks of. A name that is not text is none, where the scope names paths.
    #[must_use]
    pub fn holds_for(&self, path: &Path) -> bool {
        let is_meant = |glob: &String| {
            let glob = GlobBuilder::new(glob).literal_separator(true).build();
            path.to_str().is_some_and(|path| glob.is_ok_and(|glob| glob.compile_matcher().is_match(path)))
        };
        self.paths.is_empty() || self.paths.iter().any(is_meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(address: &str) -> Option<String> {
        RepositoryName::of_remote(address).map(|name| name.to_string())
    }

    #[test]
    fn every_way_to_write_one_repository_is_one_name() {
        for address in [
            "https://github.com/acme/forensics-7",
            "https://github.com/acme/forensics-7.git",
            "https://GitHub.com:443/acme/forensics-7.git/",
            "https://carol:secret@github.com/acme/forensics-7.git",
            "ssh://git@github.com/acme/forensics-7.git",
            "ssh://git@github.com:22/acme/forensics-7",
            "git@github.com:acme/forensics-7.git",
            "git@github.com:/acme/forensics-7.git",
            "github.com:acme/forensics-7",
        ] {
            assert_eq!(name(address).as_deref(), Some("github.com/acme/forensics-7"), "{address}");
        }
        assert_eq!(name("https://git.acme.example:8443/a/b.git").as_deref(), Some("git.acme.example:8443/a/b"));
    }

    #[test]
    fn what_could_be_meant_for_another_has_no_name() {
        for address in [
            "",
            "/srv/git/acme/forensics.git",
            "../forensics",
            "file:///github.com/acme/forensics",
            "http://github.com/acme/forensics",
            "git://github.com/acme/forensics",
            "C:\\github.com\\acme",
            "c:/acme/forensics",
            "https://github.com",
            "https://github.com/",
            "https:///acme/forensics",
            "https://github.com/../acme/forensics",
            "https://github.com/acme//forensics",
            "https://github.com/acme/forensics%2d7",
            "https://github.com\\@evil.example/acme/forensics",
            "https://github.com./acme/forensics",
            "git@github.com:acme/forensics\n",
            "ext::sh -c true",
            "[::1]:acme/forensics",
        ] {
            assert_eq!(name(address), None, "{address}");
        }
        // What looks like the host and is a user name, or part of the path, is not the host.
        assert_eq!(name("https://github.com@evil.example/acme/x").as_deref(), Some("evil.example/acme/x"));
        assert_eq!(name("https://evil.example/github.com/acme/x").as_deref(), Some("evil.example/github.com/acme/x"));
    }

    #[test]
    fn a_scope_asks_for_both_where_it_names_both() {
        let site = |repository: &str, groups: &[&str]| Site {
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            repository: RepositoryName::of_remote(repository),
        };
        let scope = |repositories: &[&str], groups: &[&str]| Scope {
            repositories: repositories.iter().map(|r| (*r).to_owned()).collect(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            paths: Vec::new(),
        };
        let both = scope(&["github.com/acme/forensics-*"], &["forensics"]);
        assert!(both.holds(&site("git@github.com:acme/forensics-7", &["eu", "forensics"])));
        assert!(!both.holds(&site("git@github.com:acme/forensics-7", &["eu"])));
        assert!(!both.holds(&site("git@github.com:acme/app", &["forensics"])));
        assert!(!both.holds(&site("", &["forensics"])));
        assert!(scope(&[], &["forensics"]).holds(&site("", &["forensics"])));
        assert!(!both.holds(&site("git@github.com:acme/forensics-7/deeper", &["forensics"])), "`*` crosses no `/`");
        assert!(!both.holds(&site("https://evil.example/github.com/acme/forensics-7", &["forensics"])));
        for loose in ["*", "**", "*/acme/forensics-7", "{github.com,x}/acme/forensics-7", "github.com", "[", "github.com/["] {
            assert!(!scope(&[loose], &[]).holds(&site("git@github.com:acme/forensics-7", &[])), "{loose}");
        }
        assert!(scope(&["GitHub.com/acme/**"], &[]).holds(&site("git@github.com:acme/a/b", &[])));
    }
}
