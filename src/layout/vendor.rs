//! Lists of digests that vendors put into their own packages: the files of other platforms, known without downloading them.

use crate::digest::{Algorithm, Digest, is_hashable_name};
use crate::tool::Platform;
use serde_json::Value;

/// A file of one platform by its vendor's own list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VendorFile {
    /// The platform as the vendor calls it.
    pub label: String,
    /// The platform, where vetted knows it. Builds for several C libraries are one platform.
    pub platform: Option<Platform>,
    /// The name of the file.
    pub file: String,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Its bytes, where the list says so.
    pub size: Option<u64>,
}

/// What a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorList {
    /// The version of the program that the list states; `None` where it is that of the package.
    pub version: Option<String>,
    /// Whether the files are programs as they lie on disk, or archives that a script downloads.
    pub are_installed: bool,
    /// Its files, sorted.
    pub files: Vec<VendorFile>,
}

/// What vendors call platforms: Node's names for system and processor, and the C library where it is not the usual one.
const LABELS: [(&str, &str); 10] = [
    ("darwin-arm64", "macos/aarch64"),
    ("darwin-x64", "macos/x86_64"),
    ("linux-arm64", "linux/aarch64"),
    ("linux-arm64-musl", "linux/aarch64"),
    ("linux-x64", "linux/x86_64"),
    ("linux-x64-musl", "linux/x86_64"),
    ("linux-ia32", "linux/x86"),
    ("win32-arm64", "windows/aarch64"),
    ("win32-x64", "windows/x86_64"),
    ("win32-ia32", "windows/x86"),
];

/// The list in this `manifest.json` or `package.json`, where it has exactly the shape of one: a single entry of another shape makes it
/// no list at all.
#[must_use]
pub fn list(json: &[u8]) -> Option<VendorList> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let (entries, are_installed) = match (value.get("platforms"), value.get("archives")) {
        (Some(Value::Object(platforms)), None) => (platforms, true),
        (None, Some(Value::Object(archives))) => (archives, false),
        _ => return None,
    };
    let read = if are_installed { program } else { archive };
    let mut files: Vec<VendorFile> = entries.iter().map(|(label, entry)| read(label, entry)).collect::<Option<_>>()?;
    files.sort();
    let version = if are_installed { Some(value.get("version")?.as_str()?.to_owned()) } else { None };
    (!files.is_empty()).then_some(VendorList { version, are_installed, files })
}

/// `{ binary, checksum, size }`: the Claude Agent SDK.
fn program(label: &str, entry: &Value) -> Option<VendorFile> {
    let size = Some(entry.get("size")?.as_u64()?);
    file(label, entry.get("binary")?, entry.get("checksum")?, size)
}

/// `{ name, checksum: { algorithm: "sha256", digest } }`: Crush.
fn archive(label: &str, entry: &Value) -> Option<VendorFile> {
    let checksum = entry.get("checksum")?;
    if checksum.get("algorithm")? != "sha256" {
        return None;
    }
    file(label, entry.get("name")?, checksum.get("digest")?, None)
}

fn file(label: &str, name: &Value, sum: &Value, size: Option<u64>) -> Option<VendorFile> {
    let file = name.as_str().filter(|name| !name.contains('/') && is_hashable_name(name))?.to_owned();
    let Digest::Sha256(sha256) = Digest::parse(Algorithm::Sha256, sum.as_str()?).ok()? else { return None };
    let platform = LABELS.iter().find(|(known, _)| *known == label).map(|(_, platform)| Platform((*platform).to_owned()));
    Some(VendorFile { label: label.to_owned(), platform, file, sha256, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_programs_and_of_archives_are_read() {
        let sum = "ab".repeat(32);
        let programs = format!(
            r#"{{"version":"2.1.329","commit":"6a","platforms":{{
                "linux-x64-musl":{{"binary":"claude","checksum":"{sum}","size":7,"more":1}},
                "win32-x64":{{"binary":"claude.exe","checksum":"{sum}","size":8}}}}}}"#
        );
        let found = list(programs.as_bytes()).unwrap();
        assert_eq!((found.version.as_deref(), found.are_installed, found.files.len()), (Some("2.1.329"), true, 2));
        let musl = &found.files[0];
        assert_eq!((musl.file.as_str(), musl.size, musl.sha256), ("claude", Some(7), [0xab; 32]));
        assert_eq!(musl.platform, Some(Platform("linux/x86_64".to_owned())));
        let archives = format!(
            r#"{{"name":"x","archives":{{"freebsd-x64":{{"name":"x.tar.gz","checksum":{{"algorithm":"sha256","digest":"{sum}"}}}}}}}}"#
        );
        let found = list(archives.as_bytes()).unwrap();
        assert_eq!((found.version, found.are_installed, found.files[0].platform.clone()), (None, false, None));
    }

    #[test]
    fn what_is_nearly_a_list_is_none() {
        let sum = "ab".repeat(32);
        let entry = |binary: &str, sum: &str, size: &str| {
            format!(r#"{{"version":"1","platforms":{{"linux-x64":{{"binary":"{binary}","checksum":"{sum}","size":{size}}}}}}}"#)
        };
        assert!(list(entry("x", &sum, "1").as_bytes()).is_some());
        for wrong in [
            entry("../x", &sum, "1"),
            entry("..", &sum, "1"),
            entry("x", &sum[..40], "1"),
            entry("x", &sum.to_uppercase(), "1"),
            entry("x", &sum, "-1"),
            entry("x", &sum, "\"1\""),
            entry("x", &sum, "1").replace("version", "v"),
            entry("x", &sum, "1").replace("\"platforms\"", "\"archives\":{},\"platforms\""),
            r#"{"version":"1","platforms":{}}"#.to_owned(),
            r#"{"archives":{"linux-x64":{"name":"x","checksum":{"algorithm":"md5","digest":"00"}}}}"#.to_owned(),
            "[]".to_owned(),
            String::new(),
        ] {
            assert_eq!(list(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
