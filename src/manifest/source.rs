//! `vetted-source.toml`: where a machine gets its policy from before it has one, and the addresses that policies come from.
//!
//! It is not signed. `vetted trust pin` writes it; its fingerprint says which trust policy may be believed first.

use crate::digest::{Algorithm, Digest};
use std::fmt::Write as _;

/// The name of the file in a policy folder.
pub const SOURCE_FILE: &str = "vetted-source.toml";

/// The model of `vetted-source.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePin {
    /// Addresses ([`parse_address`]), tried in order; never empty.
    pub sources: Vec<String>,
    /// SHA-256 of the bytes of one version of `vetted-trust.toml`: the chain that is followed goes through it.
    pub fingerprint: Option<Digest>,
}

impl SourcePin {
    /// The document that [`SourcePin::parse`] reads as the same value.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::from("kind    = \"vetted/source\"\nschema  = 1\nsources = [\n");
        for source in &self.sources {
            // An address holds no character that TOML escapes.
            let _ = writeln!(text, "  \"{source}\",");
        }
        text.push_str("]\n");
        if let Some(fingerprint) = &self.fingerprint {
            let _ = writeln!(text, "trust   = {{ sha256 = \"{}\" }}", fingerprint.hex());
        }
        text
    }
}

/// A way to fetch documents, by how its addresses begin.
struct Scheme {
    prefix: &'static str,
    /// Whether the address names a host, or a folder of this machine.
    has_host: bool,
    /// What may follow behind `#`.
    fragment: Fragment,
}

/// What `#` leads in.
#[derive(Clone, Copy)]
enum Fragment {
    Nothing,
    Branch,
    /// `sha256=` and the fingerprint of one version of the root of a TUF repository.
    Root,
}

/// What addresses begin with. Nothing here travels without encryption, although signatures alone decide what is believed: a mirror
/// that everybody on the way can edit is a mirror that everybody can stop.
const SCHEMES: [Scheme; 6] = [
    Scheme { prefix: "https://", has_host: true, fragment: Fragment::Nothing },
    Scheme { prefix: "git+https://", has_host: true, fragment: Fragment::Branch },
    Scheme { prefix: "git+ssh://", has_host: true, fragment: Fragment::Branch },
    Scheme { prefix: "git+file://", has_host: false, fragment: Fragment::Branch },
    Scheme { prefix: "tuf+https://", has_host: true, fragment: Fragment::Root },
    Scheme { prefix: "file://", has_host: false, fragment: Fragment::Nothing },
];

/// The longest address, in bytes.
const MAX_ADDRESS: usize = 2000;

/// An address that documents are had from: `https://`, `git+https://`, `git+ssh://`, `git+file://`, `tuf+https://` or `file://`; the
/// ones of git may name a branch behind `#`, those of a TUF repository its root.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub fn parse_address(text: &str) -> Result<String, String> {
    let Some(scheme) = SCHEMES.iter().find(|scheme| text.starts_with(scheme.prefix)) else {
        let known = SCHEMES.iter().map(|s| format!("`{}`", s.prefix)).collect::<Vec<_>>().join(", ");
        return Err(format!("`{text}` begins with none of {known}"));
    };
    if text.len() > MAX_ADDRESS || !text.chars().all(|c| c.is_ascii_graphic() && !"<>\"`\\{}|^?".contains(c)) {
        return Err(format!(
            "`{text}` holds what has no place in an address, a `?` for example, or is longer than {MAX_ADDRESS}"
        ));
    }
    let rest = text.strip_prefix(scheme.prefix).unwrap_or_default();
    let (place, fragment) = rest.split_once('#').map_or((rest, None), |(place, fragment)| (place, Some(fragment)));
    match (fragment, scheme.fragment) {
        (Some(_), Fragment::Nothing) => {
            return Err(format!("`{text}` names a branch, and only a git repository has branches"));
        }
        // What begins with a dash is an option to the programs that such a name is handed to.
        (Some(name), Fragment::Branch) if !is_branch(name) => return Err(format!("`{text}` names no branch behind `#`")),
        (Some(root), Fragment::Root) if !is_root(root) => {
            return Err(format!(
                "`{text}` names no root behind `#`: `#sha256=` and the SHA-256 of one version of its `root.json`"
            ));
        }
        (None, _) | (Some(_), Fragment::Branch | Fragment::Root) => {}
    }
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    if !scheme.has_host {
        return match (authority, path) {
            ("", path) if !path.is_empty() => Ok(text.to_owned()),
            _ => Err(format!("`{text}` is not an absolute path of this machine: `{}/` begins one", scheme.prefix)),
        };
    }
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| scheme.prefix != "git+ssh://" || !is_word(user)) {
        return Err(format!("`{text}` carries a user or a password: everybody reads this file"));
    }
    if !host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') {
        return Err(format!("`{text}` names no host"));
    }
    Ok(text.to_owned())
}

fn is_word(text: &str) -> bool {
    let first_is_word = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    first_is_word && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_branch(name: &str) -> bool {
    name.split('/').all(is_word) && !name.contains("..")
}

fn is_root(fragment: &str) -> bool {
    fragment.strip_prefix("sha256=").is_some_and(|hex| Digest::parse(Algorithm::Sha256, hex).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    #[test]
    fn addresses_are_read() {
        for good in [
            "https://policy.acme.example/vetted",
            "https://policy.acme.example:8443/",
            "https://[::1]:8443/vetted",
            "git+https://git.acme.example/policy.git#main",
            "git+ssh://git@git.acme.example/policy.git#release/eu",
            "git+file:///srv/policy.git",
            "tuf+https://policy.acme.example/tuf",
            "tuf+https://policy.acme.example/tuf#sha256=3de0da52db1859360bfe0bfc087b3297dc7befe4cb126881688ee38998fa1eb4",
            "file:///mnt/share/vetted",
            "file:///C:/share/vetted",
        ] {
            assert_eq!(parse_address(good).as_deref(), Ok(good));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "http://policy.acme.example/vetted",
            "policy.acme.example",
            "https://",
            "https:///vetted",
            "https://user@policy.acme.example/",
            "https://user:secret@policy.acme.example/",
            "git+ssh://git:secret@git.acme.example/policy.git",
            "git+ssh://-oProxyCommand=id/policy.git",
            "git+ssh://-l@git.acme.example/policy.git",
            "https://policy.acme.example/vetted#main",
            "tuf+https://policy.acme.example/tuf#main",
            "tuf+https://policy.acme.example/tuf#sha256=3de0",
            "git+https://git.acme.example/policy.git#",
            "git+https://git.acme.example/policy.git#--upload-pack=id",
            "git+https://git.acme.example/policy.git#a..b",
            "https://policy.acme.example/?token=1",
            "https://policy.acme.example/a b",
            "https://policy.acme.example/\u{202e}",
            "file://share/vetted",
            "file://relative",
            "file:///",
            "ext::sh -c id",
            "HTTPS://policy.acme.example/",
        ] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
        let long = format!("https://policy.acme.example/{}", "a".repeat(MAX_ADDRESS));
        assert!(parse_address(&long).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(hosts in prop::collection::btree_set("[a-z][a-z0-9-]{0,20}", 1..5), byte in any::<Option<u8>>()) {
            let pin = SourcePin {
                sources: hosts.into_iter().map(|host| format!("https://{host}.acme.example/vetted")).collect(),
                fingerprint: byte.map(|byte| Digest::sha256_of(&[byte])),
            };
            prop_assert_eq!(SourcePin::parse(Path::new(SOURCE_FILE), pin.to_text().as_bytes()), Ok(pin));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(https|git\\+ssh|file)?(://)?.{0,40}") {
            let _ = parse_address(&text);
        }
    }
}
