//! One bundle after the other, held against the artifact and what is expected.

use super::artifact::{Artifact, FolderFiles, Kind, folder_files};
use crate::attestation::Subject;
use crate::attestation::forms::{self, FormError, MAX_RESPONSE};
use crate::attestation::model_signing::{self, ModelDifference, ModelRefusal, SignedModel};
use crate::cli::Context;
use crate::digest::{Algorithm, Digest, TreeFile};
use crate::error::Error;
use crate::evidence::Unmeasured;
use crate::report::verification::{Looked, ModelLooked, Refused};
use crate::text::{printable, printable_path};
use crate::trust::attested::{Attested, Expectation, attest};
use crate::trust::roots::Root;
use crate::trust::sigstore::AttestationBundle;
use crate::trust::{AttestationRefusal, Differs};
use std::path::Path;

/// What bundles are held against.
pub(super) struct Judge<'a> {
    pub(super) context: &'a Context,
    pub(super) artifact: Artifact,
    pub(super) expected: &'a Expectation,
    pub(super) root: &'a Root,
}

/// Why a bundle shows nothing.
enum Why {
    Attestation(AttestationRefusal),
    Model(ModelRefusal),
    /// The folder is another one than the statement names, or holds what its digest does not speak of.
    Folder(Differs),
    /// The model is another one than the artifact.
    Other(Differs),
    Differs(ModelDifference),
}

impl Judge<'_> {
    /// Every bundle of a file.
    ///
    /// # Errors
    /// [`Error`] of the kind `Undecided` when the file, or a folder that is verified, cannot be read.
    pub(super) fn file(&mut self, path: &Path) -> Result<Vec<Looked>, Error> {
        let cannot = |error: &dyn std::error::Error| {
            Error::undecided(format!("cannot read the bundle `{}`", printable_path(path))).because(error).hint(
                "`--bundle FILE` names a file that is here: a `.sigstore.json`, or what a registry answers about attestations",
            )
        };
        let bytes = self.context.world.files.read(path, MAX_RESPONSE as u64).map_err(|e| cannot(&e))?;
        let texts = match forms::read(&bytes) {
            Ok(texts) => texts,
            Err(error) => {
                let unread = Looked { path: path.to_owned(), place: (1, 1), model: None, outcome: Err(unread(&error)) };
                return Ok(vec![unread]);
            }
        };
        let of = texts.len();
        let mut looked = Vec::with_capacity(of);
        for (number, text) in texts.iter().enumerate() {
            let (model, outcome) = self.bundle(text.as_str()).map_err(|e| {
                Error::undecided("the folder cannot be measured").because(&e).hint("make it readable, then verify again")
            })?;
            let is_folder = matches!(self.artifact.kind, Kind::Folder(_));
            let outcome = outcome.map_err(|why| why.told(is_folder));
            looked.push(Looked { path: path.to_owned(), place: (number + 1, of), model, outcome });
        }
        Ok(looked)
    }

    fn bundle(&mut self, text: &str) -> Result<(Option<ModelLooked>, Result<Attested, Why>), Unmeasured> {
        let bundle = match AttestationBundle::parse(text) {
            Ok(bundle) => bundle,
            Err(refusal) => return Ok((None, Err(Why::Attestation(refusal)))),
        };
        let root = Some((&self.root.trust, &self.root.used));
        let Some(statement) = bundle.statement().filter(|statement| statement.predicate_type == model_signing::PREDICATE) else {
            let digests = self.artifact.digests()?;
            let outcome = attest(&bundle, &digests, self.expected, root).map_err(|refusal| self.of_subject(refusal, &bundle));
            return Ok((None, outcome.and_then(|attested| self.without_links().map(|()| attested))));
        };
        let model = match SignedModel::of(statement) {
            Ok(model) => model,
            Err(refusal) => return Ok((None, Err(Why::Model(refusal)))),
        };
        // Who signed comes first: nothing is walked or left out because a stranger says so.
        let attested = match attest(&bundle, &model.subject(), self.expected, root) {
            Ok(attested) => attested,
            Err(refusal) => return Ok((None, Err(Why::Attestation(refusal)))),
        };
        let ignored = self.ignored_here(&model);
        let looked = ModelLooked { name: model.name.clone(), files: model.files.len(), ignored };
        let outcome = self.model(&model)?.map(|()| attested);
        Ok((Some(looked), outcome))
    }

    /// Why a bundle is not about the artifact: a folder that is another one than a statement names is not an archive that was unpacked.
    fn of_subject(&self, refusal: AttestationRefusal, bundle: &AttestationBundle) -> Why {
        let is_folder = |subject: &Subject| subject.digests.get(Algorithm::DirHash).is_some();
        let names_folder = bundle.statement().is_some_and(|statement| statement.subjects.iter().any(is_folder));
        match (&self.artifact.kind, &refusal) {
            (Kind::Folder(_), AttestationRefusal::Subject(differs)) if names_folder => Why::Folder(differs.clone()),
            _ => Why::Attestation(refusal),
        }
    }

    /// What a directory hash does not speak of is shown by nobody.
    fn without_links(&self) -> Result<(), Why> {
        self.artifact.link().map_or(Ok(()), |link| {
            let expected = "a folder without symbolic links, of which a directory hash says nothing";
            Err(Why::Folder(Differs::new(expected, format!("the link `{}`", printable(link)))))
        })
    }

    /// What the signature leaves out and is here: somebody who reads `verified` has to know what was not.
    fn ignored_here(&self, model: &SignedModel) -> Vec<String> {
        let Kind::Folder(folder) = &self.artifact.kind else { return Vec::new() };
        let is_here = |path: &&String| self.context.world.files.lstat(&folder.join(path)).is_ok();
        let mut here: Vec<String> = model.ignored.iter().filter(is_here).cloned().collect();
        here.sort();
        here
    }

    /// Whether the artifact is this model.
    fn model(&mut self, model: &SignedModel) -> Result<Result<(), Why>, Unmeasured> {
        let other = |found: String| Ok(Err(Why::Other(Differs::new(format!("the model {}", model.digest), found))));
        match &self.artifact.kind {
            Kind::Folder(folder) => {
                let FolderFiles { files, links } = folder_files(folder, &model.ignored, model.follows_links)?;
                let difference = model.compare(&files, &links);
                Ok(if difference.is_empty() { Ok(()) } else { Err(Why::Differs(difference)) })
            }
            Kind::File if model.is_one_file() => {
                let digests = self.artifact.digests()?;
                let Some(Digest::Sha256(sha256)) = digests.get(Algorithm::Sha256) else { return other("no SHA-256".to_owned()) };
                let file = TreeFile { name: model_signing::ONLY_FILE.to_owned(), sha256: *sha256 };
                let difference = model.compare(&[file], &[]);
                Ok(if difference.is_empty() { Ok(()) } else { Err(Why::Differs(difference)) })
            }
            Kind::File => other(format!("one file, where {} were signed: name the folder", model.files.len())),
            Kind::Digest => {
                let digests = self.artifact.digests()?;
                match digests.get(Algorithm::Sha256) {
                    Some(digest) if *digest == model.digest => Ok(Ok(())),
                    _ => other(digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
                }
            }
        }
    }
}

/// A file that holds no bundle of any form that is read.
fn unread(error: &FormError) -> Refused {
    Refused {
        step: "form",
        expected: "a Sigstore bundle, or an answer that holds some".to_owned(),
        found: error.to_string(),
        differences: Vec::new(),
        remedy: remedy("form").to_owned(),
        is_unread: true,
    }
}

impl Why {
    fn told(self, is_folder: bool) -> Refused {
        let refused = |step, expected: String, found: String| Refused {
            step,
            expected,
            found,
            differences: Vec::new(),
            remedy: remedy(step).to_owned(),
            is_unread: false,
        };
        match self {
            Self::Attestation(refusal) => {
                let step = refusal.step();
                let Differs { expected, found } = refusal.differs().clone();
                let told = refused(step, expected, found);
                match (is_folder, step) {
                    (true, "subject" | "digest algorithm") => Refused { remedy: OF_A_FOLDER.to_owned(), ..told },
                    _ => told,
                }
            }
            Self::Model(refusal) => refused("model", "a signed model that is read".to_owned(), refusal.to_string()),
            Self::Folder(Differs { expected, found }) => {
                Refused { remedy: OF_ANOTHER_FOLDER.to_owned(), ..refused("subject", expected, found) }
            }
            Self::Other(Differs { expected, found }) => refused("subject", expected, found),
            Self::Differs(difference) => {
                let ModelDifference { changed, missing, extra } = difference;
                let counts = [("changed", changed.len()), ("missing", missing.len()), ("not signed", extra.len())];
                let found: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
                let changed = changed.into_iter().map(|(name, signed, here)| {
                    format!("{}  changed: signed {}, here {}", printable(&name), signed.short(), here.short())
                });
                let missing = missing.into_iter().map(|name| format!("{}  missing", printable(&name)));
                let extra = extra.into_iter().map(|name| format!("{}  not signed", printable(&name)));
                Refused {
                    differences: changed.chain(missing).chain(extra).collect(),
                    ..refused("files of the model", "the files that were signed".to_owned(), found.join(", "))
                }
            }
        }
    }
}

/// Releases are attested as archives.
const OF_A_FOLDER: &str = "name the archive of the release: the bundle is about that and not about what was unpacked from it";

/// A statement may name a folder by its directory hash.
const OF_ANOTHER_FOLDER: &str =
    "make the folder again from its source, as the maker says, without anything beside it; if it still differs, do not use it";

/// What a person can do about a refusal, by its step.
fn remedy(step: &str) -> &'static str {
    match step {
        "form" => {
            "ask for the Sigstore bundle of the release: a `.sigstore.json` file, or the registry's answer about attestations"
        }
        "media type" => "ask the vendor for a bundle of version 0.3; nothing newer or older is read",
        "bundle version" => "ask for a newer bundle; `--min-bundle` accepts older ones, which prove less",
        "verification material" => {
            "a bundle signed by a key is verified with `--key PEM`, any other with `--identity` and `--issuer`"
        }
        "trusted root" | "certificate" | "certificate transparency" | "log" | "checkpoint" | "inclusion promise" => {
            "name the instance that the vendor uses: `--instance github`, or `--trusted-root FILE`; `vetted sync` renews the built-in \
             roots. If it is the right one, do not use the file"
        }
        "inclusion proof" => {
            "a bundle without a log entry may be of GitHub's own instance: `--instance github`. If it is of another, do not use the file"
        }
        "subject" => {
            "download the file and its bundle again, both of the same release; if they still do not fit, do not use the file"
        }
        "identity" | "issuer" => {
            "compare what was found with what the vendor says of its releases; ask for it by `--identity` and `--issuer` only if the \
             vendor names it"
        }
        "source repository" | "source repository id" | "source owner id" | "builder" => {
            "do not use the file before the vendor says that it comes from there"
        }
        "predicate type" => "name the predicate types that are enough: `--predicate TYPE`",
        "key" => "ask for the public key of the signer; the hint says which one signed",
        "digest algorithm" => "name the file itself, or the digest that was found, in place of the digest",
        "model" => "ask for a model that is signed file by file with SHA-256",
        "files of the model" => "download the model again; if it still differs, do not use it",
        _ => "do not use the file: ask the vendor for a bundle that holds",
    }
}
