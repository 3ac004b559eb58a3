//! What single values of a document may be: names, paths, globs, addresses, digests.

use crate::digest::{Algorithm, Digest, DigestError, DigestSet};
use crate::manifest::BundleVersion;
use crate::manifest::schema::Fields;
use crate::text::{is_deceptive, printable};
use crate::tool::{Package, Platform};
use crate::version::{Scheme, Version};
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};
use std::ops::Range;
use std::path::PathBuf;

/// The longest free text, in bytes.
const MAX_TEXT: usize = 4000;

/// A word of a closed list, as the type's `serde` form spells it.
pub(super) fn word<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|e| e.to_string().replace("unknown variant", "unknown word"))
}

/// Text for people: any language, nothing invisible, nothing that changes how the rest is shown.
pub(super) fn free_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > MAX_TEXT {
        return Err(format!("it has {} bytes, at most {MAX_TEXT} are read", text.len()));
    }
    match text.chars().find(|c| is_deceptive(*c)) {
        Some(c) => Err(format!(
            "the character U+{:04X} has no place in it: it is invisible or reorders what stands around it",
            u32::from(c)
        )),
        None => Ok(text.to_owned()),
    }
}

/// A name that others refer to: letters, digits and a few marks, so that two names that look alike are the same.
pub(super) fn id(text: &str) -> Result<String, String> {
    spelled(text, "-._:@+", 100)
}

/// The name of a policy, for example `acme.example/ai-tools`.
pub(super) fn policy_name(text: &str) -> Result<String, String> {
    let name = spelled(text, "-._/", 100)?;
    if name.split('/').any(|part| part.is_empty() || part.chars().all(|c| c == '.')) {
        return Err("between two `/` stands a name".to_owned());
    }
    Ok(name)
}

fn spelled(text: &str, marks: &str, limit: usize) -> Result<String, String> {
    let first_is_word = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if !first_is_word || text.len() > limit || !text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        let marks = marks.chars().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(" ");
        return Err(format!(
            "`{text}` is no name: ASCII letters, digits and {marks}, a letter or digit first, at most {limit} characters"
        ));
    }
    Ok(text.to_owned())
}

/// A version: kept as written.
pub(super) fn version(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.len() <= 128 && text.chars().all(|c| c.is_ascii_graphic() && !"\"'`\\".contains(c));
    if plain { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a version")) }
}

/// A version, or a range as a repository file writes it: kept as written, blanks between its parts.
pub(super) fn request(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split(' ').collect();
    if text.len() <= 128 && parts.iter().all(|part| version(part).is_ok()) { Ok(text.to_owned()) } else { version(text) }
}

/// The address or place that a directive names: one word, every character of which counts.
pub(super) fn place(text: &str) -> Result<String, String> {
    let plain =
        !text.is_empty() && text.len() <= 1000 && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"`\\{}|^*".contains(c));
    if plain {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no address: one word without patterns, at most 1000 characters"))
    }
}

/// The bound of a range: `0`, or a version that one of the schemes can order. One that none can order would cover every version.
pub(super) fn bound(text: &str, schemes: &[Scheme]) -> Result<String, String> {
    let text = version(text)?;
    let ordered = text == "0" || schemes.iter().any(|scheme| Version::parse(*scheme, &text).is_ordered());
    if ordered { Ok(text) } else { Err(format!("`{text}` has no place in an order of versions")) }
}

/// A package, every version of it.
pub(super) fn package(text: &str) -> Result<Package, String> {
    match Package::parse_purl(text)? {
        (package, None) => Ok(package),
        (_, Some(_)) => Err("a package URL without a version stands here".to_owned()),
    }
}

/// Repositories, as a glob over `host/path`. The host and a name below it are spelled out: a scope that holds everywhere is none.
pub(super) fn repositories(text: &str) -> Result<String, String> {
    let text = glob(text)?;
    let is_plain = |name: &str| !name.contains(['*', '?', '[', ']', '{', '}', '!']);
    let mut names = text.split('/');
    let host = names.next().unwrap_or_default();
    if !is_plain(host) || host.chars().any(|c| c.is_ascii_uppercase() || c == '@' || !c.is_ascii_graphic()) {
        return Err(format!("`{text}` begins with no host: write it like `github.com/acme/forensics-*`, the host in lower case"));
    }
    if !names.next().is_some_and(is_plain) {
        return Err(format!("`{text}` holds for everybody on `{host}`: the name behind the host is spelled out"));
    }
    Ok(text)
}

/// Text of which every character counts, as a certificate names somebody. What only a pattern holds is refused: no pattern is read.
pub(super) fn exact(text: &str) -> Result<String, String> {
    let plain =
        !text.is_empty() && text.len() <= 1000 && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"`\\{}|^*".contains(c));
    if plain {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no exact name: no spaces and no patterns, at most 1000 characters"))
    }
}

/// Whom a certificate has to name, character by character, but for `{version}`, which stands for the version of an approval. A name that
/// looks like a pattern is refused: whoever writes one means more than it says here (threat T-11).
pub(super) fn identity(text: &str) -> Result<String, String> {
    if text.contains("{tag}") {
        return Err(format!(
            "`{text}`: no `{{tag}}` is filled in; write what the tag is made of, with `{{version}}` for the version of the approval"
        ));
    }
    let plain = text.replace("{version}", "");
    if plain.contains(['{', '}']) {
        return Err(format!("`{text}`: `{{version}}` is all that is filled in"));
    }
    let looks_like_pattern = plain.contains(['*', '^', '$', '\\', '|', '(', ')', '[', ']', '?']) || plain.contains(".+");
    if looks_like_pattern || plain.is_empty() {
        return Err(format!("`{text}` is no exact name: no patterns are read, and `{{version}}` is all that is filled in"));
    }
    exact(&plain)?;
    Ok(text.to_owned())
}

/// A number at a forge, as text.
pub(super) fn forge_number(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not the number that a forge gave, for example `\"965415649\"`"))
    }
}

/// The oldest form of a bundle.
pub(super) fn bundle_version(text: &str) -> Result<BundleVersion, String> {
    let known = [BundleVersion::V0_1, BundleVersion::V0_2, BundleVersion::V0_3];
    known.into_iter().find(|version| version.name() == text).ok_or_else(|| format!("`{text}` is not `0.1`, `0.2` or `0.3`"))
}

/// The address of a page.
pub(super) fn address(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.starts_with('/') || !text.chars().all(|c| c.is_ascii_graphic() && !"<>\"`\\{}|^".contains(c)) {
        return Err(format!("`{text}` is not an address that begins with `https://`"));
    }
    Ok(text.to_owned())
}

/// A platform as `os/architecture`.
pub(in crate::manifest) fn platform(text: &str) -> Result<Platform, String> {
    let part = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    match text.split_once('/') {
        Some((os, architecture)) if part(os) && part(architecture) => Ok(Platform(text.to_owned())),
        _ => Err(format!("`{text}` is not `os/architecture`, for example `linux/x86_64`")),
    }
}

/// A relative path that stays below where it starts.
pub(in crate::manifest) fn relative_path(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.starts_with('/') || text.contains('\\') || text.get(1..2) == Some(":") {
        return Err(format!("`{text}` is not relative, with `/` between names"));
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("`{text}` has an empty name, `.` or `..` in it"));
    }
    free_text(text)
}

/// [`relative_path`] to a file beside the manifest. The documents, their signatures and what a machine keeps beside them have names
/// of their own: a file that is pinned must not take the place of one that was verified.
pub(in crate::manifest) fn file_beside(text: &str) -> Result<PathBuf, String> {
    let path = relative_path(text)?;
    let first = path.split('/').next().unwrap_or_default().to_ascii_lowercase();
    if first.starts_with("vetted.") || first.starts_with("vetted-") {
        return Err(format!("`{path}` begins like the name of a document; put the file into a folder, or call it otherwise"));
    }
    Ok(PathBuf::from(path))
}

/// A SHA-256 in hex.
pub(super) fn sha256(text: &str) -> Result<Digest, DigestError> {
    Digest::parse(Algorithm::Sha256, text)
}

/// A glob over relative paths.
pub(in crate::manifest) fn glob(text: &str) -> Result<String, String> {
    relative_path(text)?;
    globset::GlobBuilder::new(text).literal_separator(true).build().map_err(|e| e.to_string())?;
    Ok(text.to_owned())
}

/// A glob over model ids.
pub(super) fn model_glob(text: &str) -> Result<String, String> {
    let text = free_text(text)?;
    globset::Glob::new(&text).map_err(|e| e.to_string())?;
    Ok(text)
}

/// A table of digests of which every algorithm is one of `allowed`; never empty.
pub(super) fn digests(mut fields: Fields<'_, '_>, allowed: &[Algorithm], of_what: &str) -> Option<DigestSet> {
    let problems = fields.problems;
    let span: Range<usize> = fields.span.clone();
    let mut set = DigestSet::new();
    let mut whole = true;
    for (name, value) in fields.entries() {
        let names = allowed.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(" or ");
        let parsed = match Algorithm::from_name(name.value) {
            Some(algorithm) if allowed.contains(&algorithm) => {
                Digest::parse(algorithm, value.value).map_err(|e| (value.span, e.to_string()))
            }
            _ => Err((name.span, format!("{of_what} is pinned by {names}, not by `{}`", printable(name.value)))),
        };
        match parsed.and_then(|digest| {
            set.insert(digest).map_err(|twice| (span.clone(), format!("the algorithm `{}` stands twice", twice.algorithm())))
        }) {
            Ok(()) => {}
            Err((at, why)) => {
                problems.add(at, why);
                whole = false;
            }
        }
    }
    if whole && set.is_empty() {
        problems.add(span, "a table of digests names at least one digest");
        whole = false;
    }
    whole.then_some(set)
}
