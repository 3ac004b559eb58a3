//! Signed models: the statement of the OpenSSF model signing specification, version 1.0, which lists every file of a model folder.
//!
//! The subject of such a statement is the model as a whole, under a digest over the digests of its files in the order of the list;
//! the files stand in the predicate. What the specification allows and is not read here is refused by its name: a signature that
//! says more than was checked must not look verified.

use super::Statement;
use crate::digest::{Algorithm, Digest, DigestError, DigestSet, TreeFile};
use crate::text::printable;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// The type of the predicate.
pub const PREDICATE: &str = "https://model_signing/signature/v1.0";
/// What stands for the name of a model that is one file.
pub const ONLY_FILE: &str = ".";
/// The most files of a model that are read.
const MAX_FILES: usize = 200_000;
/// The most paths that are left out.
const MAX_IGNORED: usize = 1024;

/// The files of a signed model. Nobody vouches for it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedModel {
    /// What the statement calls the model: a hint for people.
    pub name: String,
    /// The digest of the model, as stated and as computed from the list.
    pub digest: Digest,
    /// SHA-256 of each file, by its path relative to the folder, `/`-separated.
    pub files: BTreeMap<String, [u8; 32]>,
    /// Paths of the folder that the signature leaves out, with everything below them.
    pub ignored: Vec<String>,
    /// Whether links stand for the files that they point to.
    pub follows_links: bool,
}

/// Why a statement says nothing of a model that can be checked.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ModelRefusal {
    /// Another type of predicate.
    #[error("expected the predicate type `{PREDICATE}`, found `{}`", printable(.0))]
    Predicate(String),
    /// The predicate is not of the shape of the specification.
    #[error("the predicate cannot be read: {}", printable(.0))]
    Shape(String),
    /// Other than one subject.
    #[error("expected one subject, the model; found {0}")]
    Subjects(usize),
    /// The subject has no SHA-256.
    #[error("expected a SHA-256 of the model, found none")]
    NoDigest,
    /// The model was taken apart in another way than file by file.
    #[error("expected the serialization `files`, found `{}`: models in shards are not read", printable(.0))]
    Method(String),
    /// Files have digests of another algorithm.
    #[error("expected SHA-256 of `{}`, found `{}`", printable(.name), printable(.algorithm))]
    Algorithm {
        /// Which file.
        name: String,
        /// The algorithm.
        algorithm: String,
    },
    /// A malformed digest.
    #[error("`{}`: {error}", printable(.name))]
    Digest {
        /// Which file.
        name: String,
        /// What is wrong with it.
        error: DigestError,
    },
    /// A path that is none below the folder, or could stand for another one.
    #[error("`{}` is no path below the model", printable(.0))]
    Path(String),
    /// A file that stands there twice.
    #[error("`{}` stands there twice", printable(.0))]
    Twice(String),
    /// More files or ignored paths than any model has.
    #[error("expected at most {limit} {what}, found {found}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// The digest of the model is not that of its list.
    #[error("the list of files has the digest {computed}, the subject {stated}")]
    Root {
        /// What the subject states.
        stated: Digest,
        /// What the list has.
        computed: Digest,
    },
}

/// In what a folder is not the signed model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelDifference {
    /// Files with other content: their name, what was signed, what is there.
    pub changed: Vec<(String, Digest, Digest)>,
    /// Files that were signed and are not there.
    pub missing: Vec<String>,
    /// Files and links that are there and were not signed.
    pub extra: Vec<String>,
}

impl ModelDifference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty() && self.extra.is_empty()
    }
}

#[derive(Deserialize)]
struct Predicate {
    serialization: Serialization,
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Serialization {
    method: String,
    hash_type: String,
    #[serde(default)]
    allow_symlinks: bool,
    #[serde(default)]
    ignore_paths: Vec<String>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    algorithm: String,
    digest: String,
}

impl SignedModel {
    /// The model that a statement speaks of.
    ///
    /// # Errors
    /// [`ModelRefusal`].
    pub fn of(statement: &Statement) -> Result<Self, ModelRefusal> {
        if statement.predicate_type != PREDICATE {
            return Err(ModelRefusal::Predicate(statement.predicate_type.clone()));
        }
        let [subject] = &statement.subjects[..] else { return Err(ModelRefusal::Subjects(statement.subjects.len())) };
        let stated = subject.digests.get(Algorithm::Sha256).ok_or(ModelRefusal::NoDigest)?.clone();
        let predicate = Predicate::deserialize(&statement.predicate).map_err(|e| ModelRefusal::Shape(e.to_string()))?;
        let Serialization { method, hash_type, allow_symlinks, ignore_paths } = predicate.serialization;
        if method != "files" {
            return Err(ModelRefusal::Method(method));
        }
        if hash_type != "sha256" {
            return Err(ModelRefusal::Algorithm { name: "the files of the model".to_owned(), algorithm: hash_type });
        }
        at_most("ignored paths", MAX_IGNORED, ignore_paths.len())?;
        at_most("files", MAX_FILES, predicate.resources.len())?;
        if let Some(wrong) = ignore_paths.iter().find(|path| !is_below(path)) {
            return Err(ModelRefusal::Path(wrong.clone()));
        }
        let (files, computed) = read_files(predicate.resources)?;
        if computed != stated {
            return Err(ModelRefusal::Root { stated, computed });
        }
        Ok(Self { name: subject.name.clone(), digest: stated, files, ignored: ignore_paths, follows_links: allow_symlinks })
    }

    /// Whether the signature leaves this path out: it, or a folder above it.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        self.ignored.iter().any(|ignored| path.strip_prefix(ignored).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Whether the model is one file and not a folder.
    #[must_use]
    pub fn is_one_file(&self) -> bool {
        self.files.len() == 1 && self.files.contains_key(ONLY_FILE)
    }

    /// What the statement says of itself: the digest of the model, for verifying that it was signed.
    #[must_use]
    pub fn subject(&self) -> DigestSet {
        DigestSet::from(self.digest.clone())
    }

    /// In what these files, and links that are not followed, differ from the signed ones. Ignored paths count on neither side.
    #[must_use]
    pub fn compare(&self, files: &[TreeFile], links: &[String]) -> ModelDifference {
        let mut difference = ModelDifference::default();
        let mut missing: BTreeSet<&str> = self.files.keys().map(String::as_str).collect();
        for file in files.iter().filter(|file| !self.ignores(&file.name)) {
            missing.remove(file.name.as_str());
            match self.files.get(&file.name) {
                None => difference.extra.push(file.name.clone()),
                Some(signed) if *signed == file.sha256 => {}
                Some(signed) => {
                    difference.changed.push((file.name.clone(), Digest::Sha256(*signed), Digest::Sha256(file.sha256)));
                }
            }
        }
        difference.extra.extend(links.iter().filter(|link| !self.ignores(link)).cloned());
        difference.missing = missing.into_iter().map(ToOwned::to_owned).collect();
        difference.extra.sort();
        difference.changed.sort();
        difference
    }
}

fn at_most(what: &'static str, limit: usize, found: usize) -> Result<(), ModelRefusal> {
    if found > limit { Err(ModelRefusal::TooMany { what, limit, found }) } else { Ok(()) }
}

/// The files, and the digest over their digests in the order of the list.
fn read_files(resources: Vec<Resource>) -> Result<(BTreeMap<String, [u8; 32]>, Digest), ModelRefusal> {
    let is_one = resources.len() == 1;
    let mut all = Vec::with_capacity(resources.len() * 32);
    let mut files = BTreeMap::new();
    for Resource { name, algorithm, digest } in resources {
        if !(is_below(&name) || is_one && name == ONLY_FILE) {
            return Err(ModelRefusal::Path(name));
        }
        if algorithm != Algorithm::Sha256.name() {
            return Err(ModelRefusal::Algorithm { name, algorithm });
        }
        let sha256 = match Digest::parse(Algorithm::Sha256, &digest) {
            Ok(Digest::Sha256(sha256)) => sha256,
            Ok(_) => return Err(ModelRefusal::Algorithm { name, algorithm }),
            Err(error) => return Err(ModelRefusal::Digest { name, error }),
        };
        all.extend_from_slice(&sha256);
        if files.insert(name.clone(), sha256).is_some() {
            return Err(ModelRefusal::Twice(name));
        }
    }
    Ok((files, Digest::sha256_of(&all)))
}

/// Whether a path leads to one place below a folder, and stands there as it would be found.
fn is_below(path: &str) -> bool {
    !path.contains(['\\', '\0']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sha256(content: &[u8]) -> [u8; 32] {
        match Digest::sha256_of(content) {
            Digest::Sha256(bytes) => bytes,
            _ => unreachable!("it is SHA-256"),
        }
    }

    /// A statement about these files, with one change made to its JSON before its digest is computed.
    fn statement(files: &[(&str, &[u8])], change: impl FnOnce(&mut Value)) -> Result<SignedModel, ModelRefusal> {
        let resources: Vec<Value> = files
            .iter()
            .map(|(name, content)| json!({ "name": name, "algorithm": "sha256", "digest": hex::encode(sha256(content)) }))
            .collect();
        let all: Vec<u8> = files.iter().flat_map(|(_, content)| sha256(content)).collect();
        let mut value = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "tiny", "digest": { "sha256": Digest::sha256_of(&all).hex() } }],
            "predicateType": PREDICATE,
            "predicate": {
                "serialization": { "method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": [".git", "model.sig"] },
                "resources": resources,
            },
        });
        change(&mut value);
        SignedModel::of(&Statement::parse(value.to_string().as_bytes()).unwrap())
    }

    const FILES: [(&str, &[u8]); 2] = [("config.json", b"{}"), ("d/weights", b"ten")];

    #[test]
    fn what_differs_is_named() {
        let model = statement(&FILES, |_| ()).unwrap();
        let file = |name: &str, content: &[u8]| TreeFile { name: name.to_owned(), sha256: sha256(content) };
        let same = [file("config.json", b"{}"), file("d/weights", b"ten"), file(".git/HEAD", b"x"), file("model.sig", b"y")];
        assert!(model.compare(&same, &[".git/link".to_owned()]).is_empty());
        let found = model.compare(&[file("config.json", b"{ }"), file("model.sig.py", b"x")], &["d".to_owned()]);
        assert_eq!(found.changed[0].0, "config.json");
        assert_eq!(found.changed[0].1, Digest::sha256_of(b"{}"));
        assert_eq!(found.missing, ["d/weights"]);
        assert_eq!(found.extra, ["d", "model.sig.py"]);
    }

    #[test]
    fn what_is_not_read_is_refused_by_name() {
        let refused = |change: &dyn Fn(&mut Value)| statement(&FILES, change).unwrap_err();
        let shards = refused(&|value| value["predicate"]["serialization"]["method"] = json!("shards"));
        assert_eq!(shards, ModelRefusal::Method("shards".to_owned()));
        let blake = refused(&|value| value["predicate"]["serialization"]["hash_type"] = json!("blake3"));
        assert!(matches!(blake, ModelRefusal::Algorithm { algorithm, .. } if algorithm == "blake3"));
        let one = refused(&|value| value["predicate"]["resources"][1]["algorithm"] = json!("blake2b"));
        assert_eq!(one, ModelRefusal::Algorithm { name: "d/weights".to_owned(), algorithm: "blake2b".to_owned() });
        let other = refused(&|value| value["predicateType"] = json!("https://model_signing/Digests/v0.1"));
        assert_eq!(other, ModelRefusal::Predicate("https://model_signing/Digests/v0.1".to_owned()));
        let two = refused(&|value| {
            let first = value["subject"][0].clone();
            value["subject"].as_array_mut().unwrap().push(first);
        });
        assert_eq!(two, ModelRefusal::Subjects(2));
        let twice = statement(&[FILES[0], FILES[0]], |_| ()).unwrap_err();
        assert_eq!(twice, ModelRefusal::Twice("config.json".to_owned()));
    }

    #[test]
    fn the_list_and_the_digest_of_the_model_belong_together() {
        let swapped = statement(&FILES, |value| value["predicate"]["resources"][0]["digest"] = json!("00".repeat(32)));
        assert!(matches!(swapped, Err(ModelRefusal::Root { .. })));
        let dropped = statement(&FILES, |value| drop(value["predicate"]["resources"].as_array_mut().unwrap().pop()));
        assert!(matches!(dropped, Err(ModelRefusal::Root { .. })));
    }

    /// A signer that leaves the whole folder out, or a path outside of it, would sign anything.
    #[test]
    fn paths_stay_below_the_folder() {
        for path in [".", "", "..", "../x", "/etc/passwd", "a//b", "a/./b", "a\\b"] {
            let ignored = statement(&FILES, |value| value["predicate"]["serialization"]["ignore_paths"] = json!([path]));
            assert_eq!(ignored, Err(ModelRefusal::Path(path.to_owned())));
            let named = statement(&[FILES[0], (path, b"x")], |_| ());
            assert_eq!(named, Err(ModelRefusal::Path(path.to_owned())));
        }
        let model = statement(&[(ONLY_FILE, b"weights")], |_| ()).unwrap();
        assert!(model.is_one_file());
    }
}
