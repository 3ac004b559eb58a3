//! The signatures beside a document.

use super::refusal::Refusal;
use super::sigstore::SignatureBundle;
use crate::manifest::MAX_BUNDLE;
use crate::world::files::Files;
use std::path::{Path, PathBuf};

/// The most bundles that are read beside one document.
const MAX_BUNDLES: usize = 64;

/// Where the signatures of a document stand: one bundle a line, or the one bundle.
#[must_use]
pub fn signature_paths(document: &Path) -> [PathBuf; 2] {
    ["sigstore.jsonl", "sigstore.json"].map(|suffix| {
        let mut path = document.as_os_str().to_owned();
        path.push(".");
        path.push(suffix);
        path.into()
    })
}

/// The texts of the bundles beside a document, not yet read as bundles.
///
/// # Errors
/// [`Refusal::File`], [`Refusal::BundleUnreadable`], [`Refusal::TooManyBundles`].
pub fn read_bundle_texts(files: Files, document: &Path) -> Result<Vec<String>, Refusal> {
    let mut texts = Vec::new();
    let [lines, single] = signature_paths(document);
    for (path, is_lines, limit) in [(lines, true, MAX_BUNDLE * 8), (single, false, MAX_BUNDLE)] {
        let bytes = match files.read(&path, limit) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error.into()),
        };
        let text = String::from_utf8(bytes).map_err(|e| Refusal::BundleUnreadable(e.to_string()))?;
        if is_lines {
            texts.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
        } else {
            texts.push(text);
        }
    }
    if texts.len() > MAX_BUNDLES {
        return Err(Refusal::TooManyBundles { limit: MAX_BUNDLES });
    }
    Ok(texts)
}

/// The bundles beside a document, of which there has to be at least one.
///
/// # Errors
/// [`Refusal::NotSigned`]; as [`read_bundle_texts`] and [`SignatureBundle::parse`].
pub(super) fn read_bundles(files: Files, document: &Path) -> Result<Vec<SignatureBundle>, Refusal> {
    let texts = read_bundle_texts(files, document)?;
    if texts.is_empty() {
        return Err(Refusal::NotSigned(document.to_owned()));
    }
    texts.iter().map(|text| SignatureBundle::parse(text)).collect()
}
