//! Which files a model in a store consists of, without reading the large ones: what Ollama's manifest lists, what lies in a snapshot
//! of the Hugging Face cache or in a model's folder.

use crate::catalogue::holds_weights;
use crate::digest::{Algorithm, Digest};
use crate::evidence::{Located, Unmeasured};
use crate::gather::measure::unmeasured;
use crate::world::files::{EntryKind, FileError, Files};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The largest manifest of Ollama that is read, in bytes. Those of real models have a few kilobytes.
const MAX_MANIFEST: u64 = 1024 * 1024;
/// The most files that one model may have: the largest ones come in some hundred pieces.
const MAX_FILES: usize = 10_000;
/// The most folders in folders of a model.
const MAX_DEPTH: usize = 16;

/// The files of a model and the first thing that is wrong with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ModelFiles {
    pub(super) files: Vec<Located>,
    pub(super) wrong: Option<Unmeasured>,
}

impl ModelFiles {
    fn wrong(why: Unmeasured) -> Self {
        Self { files: Vec::new(), wrong: Some(why) }
    }
}

/// The manifest of an Ollama model and the blobs that it lists. `store` is the folder that holds `blobs`.
///
/// The manifest is the image manifest of the OCI image specification v1.1 (`config.digest`, `layers[].digest`).
pub(super) fn of_ollama(files: Files, store: &Path, manifest: &Path) -> ModelFiles {
    let mut model = ModelFiles { files: vec![Located { name: "manifest".to_owned(), path: manifest.to_owned() }], wrong: None };
    let value: Value = match files.read(manifest, MAX_MANIFEST) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => value,
            Err(error) => {
                return ModelFiles { wrong: Some(Unmeasured::Io(format!("its manifest is not JSON: {error}"))), ..model };
            }
        },
        Err(error) => return ModelFiles { wrong: Some(unmeasured(error)), ..model },
    };
    let layers = value.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let digests = value.get("config").into_iter().chain(layers).map(|layer| layer.get("digest").and_then(Value::as_str));
    for digest in digests {
        let hex = digest.and_then(|text| text.strip_prefix("sha256:"));
        let Some(digest) = hex.and_then(|hex| Digest::parse(Algorithm::Sha256, hex).ok()) else {
            let why = "its manifest lists a layer without a SHA-256";
            return ModelFiles { wrong: Some(Unmeasured::Io(why.to_owned())), ..model };
        };
        let name = format!("sha256-{}", digest.hex());
        let path = store.join("blobs").join(&name);
        if model.files.iter().any(|file| file.name == name) {
            continue;
        }
        if model.files.len() > MAX_FILES {
            return ModelFiles { wrong: Some(Unmeasured::TooMany(MAX_FILES)), ..model };
        }
        if let Err(error) = files.stat(&path)
            && model.wrong.is_none()
        {
            let why = if error.is_not_found() { "it is not in the store".to_owned() } else { error.to_string() };
            model.wrong = Some(Unmeasured::Io(format!("the layer `{name}` that its manifest lists: {why}")));
        }
        model.files.push(Located { name, path });
    }
    if model.files.len() == 1 && model.wrong.is_none() {
        model.wrong = Some(Unmeasured::Io("its manifest lists no layer".to_owned()));
    }
    model
}

/// The files below a folder. A link stands for the file it leads to, which has to lie in `inside` where that is given: a snapshot of
/// the Hugging Face cache holds links into the `blobs` of the same repository, and to nowhere else.
pub(super) fn below(files: Files, folder: &Path, inside: Option<&Path>) -> ModelFiles {
    let inside = match inside.map(|inside| files.canonical(inside)).transpose() {
        Ok(inside) => inside,
        Err(error) => return ModelFiles::wrong(unmeasured(error)),
    };
    let mut model = ModelFiles::default();
    let mut folders = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((place, prefix, depth)) = folders.pop() {
        let entries = match files.list(&place) {
            Ok(entries) => entries,
            Err(error) => return ModelFiles { wrong: Some(unmeasured(error)), ..model },
        };
        for entry in entries {
            let path = place.join(&entry.name);
            let Some(own) = entry.name.to_str() else {
                let name = crate::text::printable_os(&entry.name);
                return ModelFiles { wrong: Some(crate::digest::TreeRefusal::Name(name).into()), ..model };
            };
            let name = format!("{prefix}{own}");
            let wrong = match entry.kind {
                EntryKind::Folder if depth == MAX_DEPTH => Some(Unmeasured::TooDeep(MAX_DEPTH)),
                EntryKind::Folder => {
                    folders.push((path, format!("{name}/"), depth + 1));
                    None
                }
                EntryKind::File | EntryKind::Link => match target(files, &path, &name, inside.as_deref()) {
                    Ok(path) => {
                        model.files.push(Located { name, path });
                        (model.files.len() > MAX_FILES).then_some(Unmeasured::TooMany(MAX_FILES))
                    }
                    Err(why) => Some(why),
                },
                EntryKind::Other(kind) => Some(Unmeasured::Special { path: name, kind }),
            };
            if wrong.is_some() {
                return ModelFiles { wrong, ..model };
            }
        }
    }
    model.files.sort();
    model
}

/// Where the bytes of a file of a model lie.
fn target(files: Files, path: &Path, name: &str, inside: Option<&Path>) -> Result<PathBuf, Unmeasured> {
    let missing = |error: FileError| {
        let nowhere = || Unmeasured::Io(format!("`{}` leads nowhere", crate::text::printable(name)));
        if error.is_not_found() { nowhere() } else { unmeasured(error) }
    };
    let real = files.canonical(path).map_err(missing)?;
    if inside.is_some_and(|inside| !real.starts_with(inside)) {
        let target = real.to_string_lossy().into_owned();
        return Err(Unmeasured::LeadsOut { name: name.to_owned(), target });
    }
    match files.stat(&real).map_err(missing)?.kind {
        EntryKind::File => Ok(real),
        EntryKind::Folder => Err(Unmeasured::Special { path: name.to_owned(), kind: "a link to a folder" }),
        EntryKind::Link => Err(Unmeasured::NotAFile("a link")),
        EntryKind::Other(kind) => Err(Unmeasured::Special { path: name.to_owned(), kind }),
    }
}

/// Whether a file of a model holds weights or code, by its name: a blob of Ollama may be anything.
pub(super) fn is_weights(name: &str) -> bool {
    name.starts_with("sha256-") || holds_weights(Path::new(name))
}
