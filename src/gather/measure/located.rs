//! Trees of files that lie wherever their store keeps them: a model is a set of names, and other models may share its files.
//!
//! A content-addressed store calls a file by its digest. The name is never believed: the file is read, and one that does not hold
//! what its name says is named, because a program that finds files by such names would load it.

use super::tree::{self, Member, Members, Patterns};
use super::{Job, MAX_WEIGHTS, Measured, Measurer, Tree, regular, unmeasured};
use crate::digest::{Algorithm, Digest, TreeRefusal};
use crate::evidence::{Change, Difference, Located, Unmeasured};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A tree and what is wrong with it whatever a list says.
pub(super) struct Looked {
    pub(super) tree: Tree,
    /// The first name whose file is missing or does not hold what its name says, and why no approval may pin it.
    pub(super) wrong: Option<(Difference, Unmeasured)>,
}

/// Measure the files whose names match.
pub(super) fn measure(
    measurer: &Measurer,
    located: &[Located],
    include: &[String],
    exclude: &[String],
) -> Result<Looked, Unmeasured> {
    let patterns = Patterns::compile(include, exclude)?;
    let mut members = Members::default();
    let mut wrong: Option<(Difference, Unmeasured)> = None;
    let mut differs = |name: &str, change, why| {
        if wrong.as_ref().is_none_or(|(first, _)| name < first.path.as_str()) {
            wrong = Some((Difference { path: name.to_owned(), change }, why));
        }
    };
    let mut sorted: Vec<&Located> = located.iter().filter(|file| patterns.has_file(OsStr::new(&file.name))).collect();
    sorted.sort();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(TreeRefusal::Collision(pair[0].name.clone(), pair[1].name.clone()).into());
    }
    for file in sorted {
        match measurer.files.stat(&file.path) {
            Ok(stat) => {
                regular(&stat)?;
                members.files.push(Member { name: file.name.clone(), path: file.path.clone(), stat });
            }
            Err(error) if error.is_not_found() => differs(&file.name, Change::Missing, unmeasured(error)),
            Err(error) => return Err(unmeasured(error)),
        }
    }
    let jobs: Vec<Job<'_>> =
        members.files.iter().map(|file| Job { path: &file.path, stat: file.stat, limit: MAX_WEIGHTS }).collect();
    let digests = measurer.digest_jobs(&jobs);
    drop(jobs);
    for (file, digest) in members.files.iter().zip(&digests) {
        if let Ok(sha256) = digest
            && let Some(found) = disagrees(&file.path, &Digest::Sha256(*sha256))
        {
            differs(&file.name, Change::Changed, Unmeasured::NotItsName { name: file.name.clone(), found });
        }
    }
    Ok(Looked { tree: tree::hash(members, digests)?, wrong })
}

impl Measurer {
    /// SHA-256 of files of models in the order given: as [`Measurer::digest_all`], with the budget of weights.
    ///
    /// # Errors
    /// Each as [`Measurer::digest`].
    pub fn digest_weights(&self, paths: &[PathBuf]) -> Vec<Result<Measured, Unmeasured>> {
        self.digest_within(paths, MAX_WEIGHTS)
    }
}

/// The SHA-256 of a blob whose name is another one, hex. Ollama calls blobs `sha256-<hex>`; the Hugging Face cache calls those of
/// large files `<hex>`, and small ones by their git object id, which says nothing here.
pub(in crate::gather) fn disagrees(path: &Path, sha256: &Digest) -> Option<String> {
    if path.parent()?.file_name()? != "blobs" {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    let claimed = Digest::parse(Algorithm::Sha256, name.strip_prefix("sha256-").unwrap_or(name)).ok()?;
    (claimed != *sha256).then(|| sha256.hex())
}
