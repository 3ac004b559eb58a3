//! Findings for formats that know one place an entry: each place in the repository is one, everything installed together another.
//!
//! Whoever reads such a format follows an entry by its place and ends it when that place is mended, so several lines of a repository
//! cannot be one. What is installed has no place in the repository; its entry points to where it lies, told without the folders of
//! one machine, because a report is uploaded to where others read it.

use super::Style;
use crate::evidence::Quote;
use crate::policy::{Finding, Place, Report, fingerprints};
use std::fmt::Write as _;
use std::path::{Component, Path};

/// The file that is pointed to where a finding has no place: it is about the policy or about the run.
const POLICY_FILE: &str = "vetted.toml";

/// One entry.
pub(super) struct Entry<'a> {
    /// What it says.
    pub(super) finding: &'a Finding,
    /// Its fingerprint, hex.
    pub(super) fingerprint: String,
    /// Where.
    pub(super) address: Address,
    /// The line, from 1.
    pub(super) line: Option<u32>,
    /// The line's text.
    pub(super) quote: Option<&'a Quote>,
    /// The place itself, where there is one.
    pub(super) place: Option<&'a Place>,
    /// Where else, for what is installed.
    pub(super) others: Vec<&'a Place>,
}

/// The entries of a report, worst first.
pub(super) fn entries<'a>(report: &'a Report, style: &Style) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for (finding, fingerprints) in report.findings.iter().zip(fingerprints(&report.findings)) {
        let mut installed: Option<Entry<'a>> = None;
        for (place, fingerprint) in finding.places.iter().zip(&fingerprints.places) {
            let entry = |path: &Path, line, quote| Entry {
                finding,
                fingerprint: fingerprint.hex(),
                address: Address::of(path, style),
                line,
                quote,
                place: Some(place),
                others: Vec::new(),
            };
            match (place, &mut installed) {
                (Place::Repository { location, quote, .. }, _) => {
                    entries.push(entry(&location.path, location.line, quote.as_ref()));
                }
                // It is pointed to by the policy that judged it: a message of a commit lies in no file.
                (Place::Commit { quote, .. }, _) => {
                    let entry = entry(Path::new(POLICY_FILE), None, quote.as_ref());
                    entries.push(Entry { address: Address::of_policy(), ..entry });
                }
                (Place::Installed { .. }, Some(first)) => first.others.push(place),
                (Place::Installed { path, .. }, None) => installed = Some(entry(path, None, None)),
            }
        }
        entries.extend(installed);
        if finding.places.is_empty() {
            let rule = finding.rule.as_ref();
            let path = rule.and_then(|rule| rule.path.as_deref());
            entries.push(Entry {
                finding,
                fingerprint: fingerprints.finding.hex(),
                address: path.map_or_else(Address::of_policy, |path| Address::of_rule(path, style)),
                line: rule.and_then(|rule| rule.line),
                quote: rule.and_then(|rule| rule.quote.as_ref()),
                place: None,
                others: Vec::new(),
            });
        }
    }
    entries
}

/// From where an address is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// The root of the repository.
    Repository,
    /// The home folder of whoever ran the program.
    Home,
    /// The root of the file system.
    Machine,
    /// The folder of the policy.
    Policy,
}

impl Base {
    /// Every base.
    pub(super) const ALL: [Self; 4] = [Self::Repository, Self::Home, Self::Machine, Self::Policy];
}

/// Where a file lies: a base and the path from it, never empty, as a relative URI reference (RFC 3986 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) base: Base,
    pub(super) uri: String,
    /// The same as people write it.
    pub(super) path: String,
}

impl Address {
    /// The address of something that was judged.
    pub(super) fn of(path: &Path, style: &Style) -> Self {
        let below =
            |root: &Option<std::path::PathBuf>| root.as_deref().and_then(|root| path.strip_prefix(root).ok()).map(Path::to_owned);
        if path.is_relative() {
            return Self::from(Base::Repository, path);
        }
        match (below(&style.repository), below(&style.home)) {
            (Some(path), _) => Self::from(Base::Repository, &path),
            (None, Some(path)) => Self::from(Base::Home, &path),
            (None, None) => Self::from(Base::Machine, path),
        }
    }

    /// The address of a document of the policy: where it lies in the repository, else its name alone.
    pub(super) fn of_rule(path: &Path, style: &Style) -> Self {
        match Self::of(path, style) {
            inside @ Self { base: Base::Repository, .. } => inside,
            _ => path.file_name().map_or_else(Self::of_policy, |name| Self::from(Base::Policy, Path::new(name))),
        }
    }

    /// The address of the policy where nothing else is known of it.
    pub(super) fn of_policy() -> Self {
        Self { base: Base::Policy, uri: POLICY_FILE.to_owned(), path: POLICY_FILE.to_owned() }
    }

    fn from(base: Base, path: &Path) -> Self {
        let mut uri = String::new();
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            if !uri.is_empty() {
                uri.push('/');
            }
            for byte in name.as_encoded_bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b'+' | b'=' | b',' => {
                        uri.push(char::from(*byte));
                    }
                    // Writing to a String cannot fail.
                    _ => {
                        let _ = write!(uri, "%{byte:02X}");
                    }
                }
            }
        }
        let or_here = |text: String| if text.is_empty() { ".".to_owned() } else { text };
        let path = super::words::shown_path(path, None);
        Self { base, uri: or_here(uri), path: or_here(path.trim_start_matches('/').to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_uris_without_the_folders_of_one_machine() {
        let style = Style { home: Some("/home/u".into()), repository: Some("/home/u/work".into()), ..Style::default() };
        let of = |path: &str| {
            let Address { base, uri, .. } = Address::of(Path::new(path), &style);
            (base, uri)
        };
        assert_eq!(of("a b/ü:1%/x.json"), (Base::Repository, "a%20b/%C3%BC%3A1%25/x.json".to_owned()));
        assert_eq!(of("/home/u/work/vetted.toml"), (Base::Repository, "vetted.toml".to_owned()));
        assert_eq!(of("/home/u/.npm-global/@x"), (Base::Home, ".npm-global/@x".to_owned()));
        assert_eq!(of("/opt/x"), (Base::Machine, "opt/x".to_owned()));
        assert_eq!(of("/home/u"), (Base::Home, ".".to_owned()));
        let rule = Address::of_rule(Path::new("/home/u/.config/vetted/vetted.toml"), &style);
        assert_eq!((rule.base, rule.uri.as_str()), (Base::Policy, "vetted.toml"));
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_encoded() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"a\xff\n/b"));
        assert_eq!(Address::of(path, &Style::default()).uri, "a%FF%0A/b");
    }
}
