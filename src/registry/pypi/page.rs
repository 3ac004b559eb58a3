//! The page of a project in an index: JSON (PEP 691, with the additions of PEP 700 and 740) or HTML (PEP 503, with the attributes of
//! PEP 592, 658 and 740).

use super::digests_of;
use crate::digest::DigestSet;
use crate::registry::web::json as json_of;
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};
use crate::world::network::{Got, Url};
use html5gum::{Token, Tokenizer};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How file names of source distributions end; the older ones are no longer taken by indexes (PEP 527) and no longer made.
const SDISTS: [&str; 2] = [".tar.gz", ".zip"];

/// The most files of one project; the largest of today have a few thousand.
const MAX_FILES: usize = 100_000;

/// A file of a project, as its index states it.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexFile {
    /// Its name.
    pub name: String,
    /// The version that the name says.
    pub version: Version,
    /// Where it is.
    pub url: Url,
    /// SHA-256 and SHA-512, where stated.
    pub digests: DigestSet,
    /// The names of every digest that is stated.
    pub stated: Vec<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// When it came there.
    pub uploaded: Option<Timestamp>,
    /// Which Pythons it is for.
    pub requires_python: Option<String>,
    /// Why nobody should take it any more.
    pub yanked: Option<String>,
    /// Where its attestations are.
    pub provenance: Option<Url>,
}

impl IndexFile {
    /// Whether it is a wheel; else it is a source distribution.
    #[must_use]
    pub fn is_wheel(&self) -> bool {
        self.name.strip_suffix(".whl").is_some()
    }
}

/// Read a page. Files that are neither wheel nor source distribution of this project are left out.
pub(super) fn read(project: &str, got: &Got) -> Result<Vec<IndexFile>, String> {
    let kind = got.content_type.as_deref().unwrap_or_default();
    match kind {
        "application/vnd.pypi.simple.v1+json" | "application/json" => json(project, got),
        "application/vnd.pypi.simple.v1+html" | "text/html" | "application/xhtml+xml" => html(project, got),
        other => {
            Err(format!("it is `{}`; the page of a project is JSON (PEP 691) or HTML (PEP 503)", crate::text::printable(other)))
        }
    }
}

#[derive(Deserialize)]
struct JsonPage {
    #[serde(default)]
    files: Vec<JsonFile>,
    #[serde(default)]
    meta: JsonMeta,
}

#[derive(Default, Deserialize)]
struct JsonMeta {
    #[serde(rename = "api-version")]
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    size: Option<u64>,
    upload_time: Option<String>,
    requires_python: Option<String>,
    #[serde(default)]
    yanked: JsonYanked,
    provenance: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JsonYanked {
    Flag(bool),
    Reason(String),
}

impl Default for JsonYanked {
    fn default() -> Self {
        Self::Flag(false)
    }
}

fn json(project: &str, got: &Got) -> Result<Vec<IndexFile>, String> {
    let page: JsonPage = json_of(&got.bytes, "this is no page of a project")?;
    // A version that begins with another number is another format (PEP 629).
    if let Some(version) = page.meta.version.filter(|version| !version.starts_with("1.")) {
        return Err(format!("it is of version {} of the interface; version 1 is read", crate::text::printable(&version)));
    }
    if page.files.len() > MAX_FILES {
        return Err(format!("it names more than {MAX_FILES} files"));
    }
    let files = page.files.into_iter().filter_map(|file| {
        let yanked = match file.yanked {
            JsonYanked::Reason(reason) => Some(reason),
            JsonYanked::Flag(true) => Some(String::new()),
            JsonYanked::Flag(false) => None,
        };
        Some(IndexFile {
            version: version_of(project, &file.filename)?,
            url: at(&got.url, &file.url)?,
            digests: digests_of(file.hashes.iter().map(|(name, hex)| (name.as_str(), hex.as_str()))),
            stated: file.hashes.keys().cloned().collect(),
            size: file.size,
            uploaded: file.upload_time.and_then(|time| time.parse().ok()),
            requires_python: file.requires_python,
            yanked: yanked.map(reason),
            provenance: file.provenance.and_then(|link| at(&got.url, &link)),
            name: file.filename,
        })
    });
    Ok(files.collect())
}

/// Anchors, each with the file's address; the attributes are those of the anchor, never its text.
fn html(project: &str, got: &Got) -> Result<Vec<IndexFile>, String> {
    let mut base = got.url.clone();
    let mut files = Vec::new();
    let mut anchors = 0_usize;
    for Ok(token) in Tokenizer::new(got.bytes.as_slice()) {
        let Token::StartTag(tag) = token else { continue };
        let get = |name: &str| {
            let value = tag.attributes.iter().find(|(key, _)| key.as_slice() == name.as_bytes()).map(|(_, value)| value);
            value.map(|value| String::from_utf8_lossy(value).trim().to_owned())
        };
        let Some(link) = get("href") else { continue };
        match tag.name.as_slice() {
            b"base" => base = at(&base, &link).ok_or("its `base` is no address")?,
            b"a" => {
                anchors += 1;
                if anchors > MAX_FILES {
                    return Err(format!("it names more than {MAX_FILES} files"));
                }
                let Some(mut url) = at(&base, &link) else { continue };
                let fragment = url.fragment().unwrap_or_default().to_owned();
                url.set_fragment(None);
                let Some(name) = url.path_segments().and_then(Iterator::last).and_then(super::super::config::percent_decoded)
                else {
                    continue;
                };
                let Some(version) = version_of(project, &name) else { continue };
                let hashes: Vec<(&str, &str)> = fragment.split('&').filter_map(|part| part.split_once('=')).collect();
                files.push(IndexFile {
                    version,
                    digests: digests_of(hashes.iter().copied()),
                    stated: hashes.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != "egg").collect(),
                    size: get("data-size").and_then(|size| size.parse().ok()),
                    uploaded: get("data-upload-time").and_then(|time| time.parse().ok()),
                    requires_python: get("data-requires-python").filter(|text| !text.is_empty()),
                    yanked: get("data-yanked").map(reason),
                    provenance: get("data-provenance").and_then(|link| at(&base, &link)),
                    name,
                    url,
                });
            }
            _ => {}
        }
    }
    Ok(files)
}

fn reason(text: String) -> String {
    if text.is_empty() { "no reason given".to_owned() } else { text }
}

/// An address in a page.
fn at(base: &Url, link: &str) -> Option<Url> {
    base.join(link).ok().filter(|url| matches!(url.scheme(), "https" | "http"))
}

/// The version in the name of a wheel (`name-version(-build)-python-abi-platform.whl`) or a source distribution
/// (`name-version.tar.gz`) of this project; `None` where it is neither.
fn version_of(project: &str, name: &str) -> Option<Version> {
    let is_plain = name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'\\'));
    if !is_plain || name.len() > 512 {
        return None;
    }
    let is_project = |text: &str| Package::new(Ecosystem::Pypi, text).name == project;
    let version = if let Some(stem) = name.strip_suffix(".whl") {
        let parts: Vec<&str> = stem.split('-').collect();
        if !matches!(parts.len(), 5 | 6) || !is_project(parts[0]) {
            return None;
        }
        parts[1]
    } else {
        let stem = SDISTS.iter().find_map(|end| name.strip_suffix(end))?;
        // Older names have `-` in the name of the project as well, and versions may have one too.
        let (_, version) =
            stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..])).find(|(name, _)| is_project(name))?;
        version
    };
    // Wheels write a `-` of a version as `_`.
    let version = Version::parse(Scheme::Pep440, &version.replace('_', "-"));
    version.is_ordered().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(content_type: &str, text: &str) -> Got {
        let url = Url::parse("https://acme.example/simple/my-tool/").unwrap();
        Got { bytes: text.as_bytes().to_vec(), content_type: Some(content_type.to_owned()), url }
    }

    #[test]
    fn both_forms_say_the_same() {
        let sha = "a".repeat(64);
        let json = format!(
            r#"{{"meta":{{"api-version":"1.3"}},"name":"my-tool","files":[{{"filename":"my_tool-1.0-py3-none-any.whl",
            "url":"../../f/my_tool-1.0-py3-none-any.whl","hashes":{{"sha256":"{sha}"}},"requires-python":">=3.9","yanked":"broken",
            "upload-time":"2026-01-02T03:04:05.678Z","provenance":"https://acme.example/i/p","size":7}}]}}"#
        );
        let html = format!(
            "<!DOCTYPE html><html><body><h1>x</h1><a href=\"../../f/my_tool-1.0-py3-none-any.whl#sha256={sha}\" \
             data-requires-python=\"&gt;=3.9\" data-yanked=\"broken\" data-upload-time=\"2026-01-02T03:04:05.678Z\" data-size=7 \
             data-provenance=\"https://acme.example/i/p\">another-9.9.tar.gz</a>"
        );
        let one = read("my-tool", &page("application/vnd.pypi.simple.v1+json", &json)).unwrap();
        let other = read("my-tool", &page("text/html", &html)).unwrap();
        assert_eq!(one, other);
        assert_eq!(one[0].url.as_str(), "https://acme.example/f/my_tool-1.0-py3-none-any.whl");
        assert_eq!((one[0].requires_python.as_deref(), one[0].yanked.as_deref()), (Some(">=3.9"), Some("broken")));
        assert!(one[0].is_wheel() && one[0].uploaded.is_some());
    }

    #[test]
    fn versions_are_read_out_of_file_names() {
        let of = |name: &str| version_of("my-tool", name).map(|v| v.as_str().to_owned());
        assert_eq!(of("My.Tool-1.0rc1-1-cp39-abi3-linux_x86_64.whl").as_deref(), Some("1.0rc1"));
        assert_eq!(of("my_tool-1.0+local.1-py3-none-any.whl").as_deref(), Some("1.0+local.1"));
        assert_eq!(of("my-tool-2.0.tar.gz").as_deref(), Some("2.0"));
        assert_eq!(of("my_tool-2.0.post1.zip").as_deref(), Some("2.0.post1"));
        for none in [
            "my_tool_2-1.0.tar.gz",
            "other-1.0.tar.gz",
            "my_tool-1.0.exe",
            "my_tool-x.tar.gz",
            "my_tool-1.0.whl",
            "../my_tool-1.0.tar.gz",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_page_is_refused_and_strange_links_are_left_out() {
        assert!(read("my-tool", &page("text/plain", "")).unwrap_err().contains("text/plain"));
        let later = r#"{"meta":{"api-version":"2.0"},"files":[]}"#;
        assert!(read("my-tool", &page("application/json", later)).unwrap_err().contains("2.0"));
        let html = "<a href='file:///my_tool-1.0.tar.gz'>a</a><a>b</a><a href='/%zz'>c</a><base href='/x/'><a href='my_tool-1.0.tar.gz'>";
        let files = read("my-tool", &page("text/html", html)).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].url.as_str(), "https://acme.example/x/my_tool-1.0.tar.gz");
        assert!(files[0].digests.is_empty());
    }
}
