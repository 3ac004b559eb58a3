//! Which version a range means: the one that npm would install.

use super::document::{PackageDocument, VersionDocument};
use nodejs_semver::{Range, Version};
use std::cmp::Ordering;

/// The longest version or range that is read, in bytes. Nothing that people write comes near it.
const MAX_SPEC: usize = 4096;

/// What a dependency asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The package: another name than that of the dependency where it is an alias (`npm:name@range`).
    pub package: String,
    /// A version, a range or a tag; empty for any version.
    pub spec: String,
}

/// Read what a dependency of this name asks for. `None` where it does not come from a registry: a path, an address, git, or
/// another protocol.
#[must_use]
pub fn wanted(name: &str, spec: &str) -> Option<Wanted> {
    let spec = spec.trim();
    let of = |package: &str, spec: &str| Wanted { package: package.to_owned(), spec: spec.trim().to_owned() };
    if let Some(alias) = spec.strip_prefix("npm:") {
        // The `@` of a scope separates nothing.
        let at = alias.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
        let (package, spec) = at.map_or((alias, ""), |at| (&alias[..at], &alias[at + 1..]));
        return (is_name(package) && is_plain(spec)).then(|| of(package, spec));
    }
    (is_name(name) && is_plain(spec)).then(|| of(name, spec))
}

/// Whether this can be the name of a package: it becomes part of an address.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!'()*".contains(&b))
    };
    name.len() <= 214
        && match name.strip_prefix('@') {
            Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| is_part(scope) && is_part(name)),
            None => is_part(name),
        }
}

fn is_plain(spec: &str) -> bool {
    spec.len() <= MAX_SPEC && !spec.contains([':', '/', '\\', '#', '%'])
}

/// The version that npm would take, as npm-pick-manifest does: a version is that one, a tag what it points to; of a range the one
/// tagged `latest` where it fits, else the newest, with those that the engine fits before those that it does not, and deprecated
/// ones last. `node` is the version of Node.js that it is for; without one every engine fits.
///
/// # Errors
/// `None` when nothing fits.
#[must_use]
pub fn resolve_range<'a>(document: &'a PackageDocument, spec: &str, node: Option<&str>) -> Option<&'a VersionDocument> {
    let spec = spec.trim();
    if spec.len() > MAX_SPEC {
        return None;
    }
    if let Some(version) = version_of(spec) {
        let exact = document.versions.get(spec).or_else(|| document.versions.get(&version.to_string()));
        return exact;
    }
    if let Some(tagged) = document.tags.get(spec) {
        return document.versions.get(tagged);
    }
    let is_any = spec.is_empty() || spec == "*";
    let range = if is_any { Range::any() } else { Range::parse(spec).ok()? };
    let node = node.and_then(version_of);
    let fits_engine = |entry: &VersionDocument| engine_fits(entry, node.as_ref());
    if let Some((text, latest)) = document.tags.get("latest").and_then(|tag| document.versions.get_key_value(tag))
        && (is_any || version_of(text).is_some_and(|version| version.satisfies(&range)))
        && latest.deprecated.is_none()
        && fits_engine(latest)
    {
        return Some(latest);
    }
    let rank = |entry: &VersionDocument| {
        let (is_kept, fits) = (entry.deprecated.is_none(), fits_engine(entry));
        (is_kept && fits, fits, is_kept)
    };
    let fitting = document.versions.iter().filter_map(|(text, entry)| {
        let version = version_of(text)?;
        version.satisfies(&range).then_some((version, entry))
    });
    let better = |a: &(Version, &VersionDocument), b: &(Version, &VersionDocument)| -> Ordering {
        rank(a.1).cmp(&rank(b.1)).then_with(|| a.0.cmp(&b.0))
    };
    fitting.max_by(better).map(|(_, entry)| entry)
}

/// Whether a version can be what a dependency asks for: equal to a version, within a range. A tag may have meant any.
#[must_use]
pub fn may_mean(spec: &str, version: &str) -> bool {
    let spec = spec.trim();
    let Some(version) = version_of(version) else { return true };
    if let Some(exact) = version_of(spec) {
        return exact == version;
    }
    spec.is_empty() || spec == "*" || Range::parse(spec).map_or(true, |range| version.satisfies(&range))
}

/// One version, `=` or `v` before it or not. The library reads a version at the beginning of a text and passes the rest over:
/// `1.2.3 || 2.x` is none.
fn version_of(text: &str) -> Option<Version> {
    let text = text.strip_prefix(['=', 'v']).unwrap_or(text);
    let is_one = text.len() <= MAX_SPEC && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+".contains(&b));
    is_one.then(|| Version::parse(text).ok()).flatten()
}

fn engine_fits(entry: &VersionDocument, node: Option<&Version>) -> bool {
    let (Some(node), Some(wanted)) = (node, entry.engines.get("node").map(|wanted| wanted.trim())) else { return true };
    if wanted.is_empty() {
        return true;
    }
    // A range that cannot be read fits nothing, as in npm.
    Range::parse(wanted).is_ok_and(|range| node.satisfies_with_prerelease(&range, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(versions: &str, latest: &str) -> PackageDocument {
        let entries: Vec<String> = versions
            .split(' ')
            .map(|word| {
                let mut parts = word.split('/');
                let version = parts.next().unwrap();
                let marks: String = parts
                    .map(|mark| match mark.strip_prefix("node") {
                        Some(range) => format!(r#","engines":{{"node":"{range}"}}"#),
                        None => r#","deprecated":"old""#.to_owned(),
                    })
                    .collect();
                format!(r#""{version}":{{"name":"a","version":"{version}"{marks}}}"#)
            })
            .collect();
        let json = format!(
            r#"{{"name":"a","dist-tags":{{"latest":"{latest}","next":"3.0.0-rc.1"}},"versions":{{{}}}}}"#,
            entries.join(",")
        );
        serde_json::from_str(&json).unwrap()
    }

    fn picked(document: &PackageDocument, spec: &str, node: Option<&str>) -> String {
        resolve_range(document, spec, node).map_or("none".to_owned(), |v| v.version.clone())
    }

    /// Each line was compared with what npm itself chooses.
    #[test]
    fn ranges_mean_what_they_mean_to_npm() {
        let plain = document("1.0.0 1.2.0 1.3.0 2.0.0 3.0.0-rc.1", "1.2.0");
        for (spec, expected) in [
            ("^1.0.0", "1.2.0"),
            (">=1.3.0", "2.0.0"),
            ("*", "1.2.0"),
            ("", "1.2.0"),
            ("latest", "1.2.0"),
            ("next", "3.0.0-rc.1"),
            ("2.0.0", "2.0.0"),
            ("v2.0.0", "2.0.0"),
            ("=2.0.0", "2.0.0"),
            ("2.x", "2.0.0"),
            ("~1.3", "1.3.0"),
            ("1.0.0 - 1.1.0", "1.0.0"),
            ("^1.0.0 || ^2.0.0", "1.2.0"),
            (">1.3.0 || 1.0.0", "2.0.0"),
            ("^3.0.0-rc.0", "3.0.0-rc.1"),
            (">=3.0.0", "none"),
            ("9.9.9", "none"),
            ("no-such-tag", "none"),
            ("1.1.1 || 2.x", "2.0.0"),
        ] {
            assert_eq!(picked(&plain, spec, None), expected, "{spec}");
        }
    }

    #[test]
    fn what_does_not_fit_the_engine_or_is_deprecated_comes_last() {
        let marked = document("1.0.0 1.1.0/node>=20 1.2.0/old 1.3.0/old/node>=20 2.0.0/node>=24", "2.0.0");
        for (spec, node, expected) in [
            ("^1", Some("18.0.0"), "1.0.0"),
            ("^1", Some("20.0.0"), "1.1.0"),
            ("^1.2", Some("18.0.0"), "1.2.0"),
            ("^1.2", Some("22.0.0"), "1.3.0"),
            ("*", Some("22.0.0"), "1.1.0"),
            ("*", Some("24.1.0"), "2.0.0"),
            ("*", None, "2.0.0"),
            (">=2", Some("18.0.0"), "2.0.0"),
        ] {
            assert_eq!(picked(&marked, spec, node), expected, "{spec} {node:?}");
        }
    }

    /// What stands in a document was written by anybody.
    #[test]
    fn nothing_that_a_document_says_stops_the_choice() {
        let entry = document("1.0.0 1.2.0/node>=20 2.0.0-rc.1 99999999999999999999.0.0", "1.2.0");
        let began = std::time::Instant::now();
        for piece in ["|| ", ">1 ", "1 - ", "^", "~> ", "x.", "1.", "-", "+", ">=0.0.0-0 || ", "\u{0}", "é", "9", " "] {
            for count in [1, 2, 7, 300, 4096] {
                let spec = piece.repeat(count);
                let _ = (wanted("a", &spec), resolve_range(&entry, &spec, Some(&spec)));
                let _ = resolve_range(&entry, &format!("1{spec}2"), Some("20.0.0"));
            }
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
        proptest::proptest!(|(spec in "[0-9a-z.|<>=~^*x v+-]{0,40}")| {
            let _ = (wanted("a", &spec), resolve_range(&entry, &spec, Some("20.0.0")), resolve_range(&entry, "*", Some(&spec)));
        });
    }

    #[test]
    fn aliases_lead_to_another_package_and_some_specs_to_none() {
        let alias = wanted("@openai/codex-linux-x64", "npm:@openai/codex@0.169.0-linux-x64").unwrap();
        assert_eq!((alias.package.as_str(), alias.spec.as_str()), ("@openai/codex", "0.169.0-linux-x64"));
        let bare = wanted("b", "npm:c").unwrap();
        assert_eq!((bare.package.as_str(), bare.spec.as_str()), ("c", ""));
        assert_eq!(wanted("b", " ^1 || ^2 ").unwrap().spec, "^1 || ^2");
        for spec in [
            "file:../x",
            "git+ssh://git@acme.example/x",
            "acme/x",
            "https://acme.example/x.tgz",
            "../x",
            "workspace:*",
            "npm:../../x@1",
        ] {
            assert!(wanted("b", spec).is_none(), "{spec}");
        }
        for name in ["", "..", ".a", "a/b", "@a", "@a/..", "a b", "a%2fb", "@a/b/c", "a?b"] {
            assert!(wanted(name, "1").is_none(), "{name}");
        }
    }
}
