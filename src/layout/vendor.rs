//! Lists of digests that vendors put into their own packages: the files of other platforms, known without downloading them.

use crate::tool::Platform;

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

/// The list in this `manifest.json` or `package.json`, where it has exactly the shape of one.
#[must_use]
pub fn list(json: &[u8]) -> Option<VendorList> {
    let _ = json;
    None
}
