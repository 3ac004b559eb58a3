//! Reading the documents of a folder as they stand, signed or not.

use crate::cli::Context;
use crate::error::Error;
use crate::manifest::difference::Documents;
use crate::manifest::source::SOURCE_FILE;
use crate::manifest::together::Texts;
use crate::manifest::{MAX_DOCUMENT, MAX_UNVERIFIED, Manifest, ManifestErrors, Revocations, TrustPolicy};
use crate::source::SourceFile;
use crate::text::printable_path;
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE, folder_in_force};
use crate::trust::place::documents_in;
use std::path::{Path, PathBuf};

/// The policy folder to look at.
#[derive(Debug, clap::Args)]
pub(super) struct LookArgs {
    /// Policy folder; without it the machine's own where it holds a policy, else the user's
    #[arg(long, value_name = "DIR", help_heading = "Policy")]
    policy: Option<PathBuf>,
}

impl LookArgs {
    /// The folder: the one that is named, else the one that applies here.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when none is named and nothing holds a policy, of the kind `Undecided` when that cannot be told.
    pub(super) fn folder(&self, context: &Context) -> Result<PathBuf, Error> {
        if let Some(folder) = &self.policy {
            return Ok(folder.clone());
        }
        folder_in_force(&context.world, None)?.ok_or_else(|| {
            let user = context.world.env.user_policy();
            let place = user
                .map_or_else(|| "there is no home folder, and the machine".to_owned(), |f| format!("`{}`", printable_path(&f)));
            Error::usage(format!("{place} holds no policy")).hint(NO_POLICY)
        })
    }
}

/// What to do where there is no policy.
const NO_POLICY: &str = "`vetted init` makes one, `--policy DIR` or `DIR` names one";

/// The documents of a folder with their texts, and what is wrong with each.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The folder that they are in.
    pub(super) folder: PathBuf,
    trust: Option<(SourceFile, Option<TrustPolicy>)>,
    manifest: Option<(SourceFile, Option<Manifest>)>,
    revocations: Option<(SourceFile, Option<Revocations>)>,
    /// Documents that are not valid.
    pub(super) errors: Vec<ManifestErrors>,
}

impl Read {
    /// Read the documents of a policy folder, or those that a synced one has in force.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when none is there, or one that is there cannot be read.
    pub(super) fn folder(context: &Context, folder: &Path) -> Result<Self, Error> {
        let there = documents_in(context.world.files, folder);
        let folder = &there.map_err(|e| Error::usage("cannot tell which documents are in force").because(&e))?;
        let mut read = Self { folder: folder.clone(), ..Self::default() };
        for name in [TRUST_FILE, MANIFEST_FILE, REVOCATIONS_FILE] {
            let path = folder.join(name);
            match context.world.files.lstat(&path) {
                Err(error) if error.is_not_found() => {}
                _ => read.add(context, &path, name)?,
            }
        }
        if read.trust.is_none() && read.manifest.is_none() && read.revocations.is_none() {
            let is_pinned = context.world.files.lstat(&folder.join(SOURCE_FILE)).is_ok();
            let hint = if is_pinned { "`vetted sync` brings the one that is pinned" } else { NO_POLICY };
            return Err(Error::usage(format!("`{}` holds no policy", printable_path(folder))).hint(hint));
        }
        Ok(read)
    }

    /// Read one document.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when it cannot be read.
    fn add(&mut self, context: &Context, path: &Path, name: &str) -> Result<(), Error> {
        let limit = if name == TRUST_FILE { MAX_UNVERIFIED } else { MAX_DOCUMENT };
        let bytes = context.world.files.read(path, limit).map_err(|e| unreadable(path, &e))?;
        let text = SourceFile { path: path.to_owned(), text: String::from_utf8_lossy(&bytes).into() };
        match name {
            TRUST_FILE => self.trust = Some((text, self.parsed(TrustPolicy::parse(path, &bytes)))),
            MANIFEST_FILE => self.manifest = Some((text, self.parsed(Manifest::parse(path, &bytes)))),
            _ => self.revocations = Some((text, self.parsed(Revocations::parse(path, &bytes)))),
        }
        Ok(())
    }

    fn parsed<T>(&mut self, parsed: Result<T, ManifestErrors>) -> Option<T> {
        parsed.map_err(|errors| self.errors.push(errors)).ok()
    }

    /// The documents that are valid.
    pub(super) fn documents(&self) -> Documents<'_> {
        Documents {
            trust: self.trust.as_ref().and_then(|(_, document)| document.as_ref()),
            manifest: self.manifest.as_ref().and_then(|(_, document)| document.as_ref()),
            revocations: self.revocations.as_ref().and_then(|(_, document)| document.as_ref()),
        }
    }

    /// The texts of all that are there.
    pub(super) fn texts(&self) -> Texts<'_> {
        Texts {
            trust: self.trust.as_ref().map(|(text, _)| text),
            manifest: self.manifest.as_ref().map(|(text, _)| text),
            revocations: self.revocations.as_ref().map(|(text, _)| text),
        }
    }

    /// Whether each of the documents that are there is valid.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` with everything that is wrong with those that are not.
    pub(super) fn refuse_invalid(&self, what: &str) -> Result<(), Error> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let error = Error::usage(what);
        Err(self.errors.iter().fold(error, |error, errors| error.cause(errors.to_string())))
    }
}

/// A file that the user named cannot be read.
pub(super) fn unreadable(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::usage(format!("cannot read `{}`", printable_path(path))).because(error)
}
