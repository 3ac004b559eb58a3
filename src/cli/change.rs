//! What every command that changes a document does before and after.

use super::Context;
use crate::error::Error;
use crate::manifest::edit::{Draft, RevocationsDraft, new_revocations};
use crate::manifest::trust_policy::Role;
use crate::manifest::{Header, MAX_DOCUMENT, MAX_UNVERIFIED, TrustPolicy};
use crate::text::printable_path;
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE};
use crate::trust::place::POINTER_FILE;
use jiff::SignedDuration;
use std::path::{Path, PathBuf};

pub(super) use super::previous::{beacon, keep_previous, last_signed};

/// How long a trust policy lives where nobody says otherwise.
pub(super) const TRUST_LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long the first revocations document lives.
pub(super) const REVOCATIONS_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The policy folder to change.
#[derive(Debug, clap::Args)]
pub(super) struct FolderArgs {
    /// Policy folder; without it the user's own
    #[arg(long, value_name = "DIR", help_heading = "Policy")]
    policy: Option<PathBuf>,
}

impl FolderArgs {
    /// The folder, to look at.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when none is named and there is no home folder.
    pub(super) fn folder(&self, context: &Context) -> Result<PathBuf, Error> {
        let user = || context.world.env.user_policy();
        self.policy
            .clone()
            .or_else(user)
            .ok_or_else(|| Error::usage("there is no home folder").hint("`--policy DIR` names a folder"))
    }

    /// The folder, to change what is in it.
    ///
    /// # Errors
    /// As [`FolderArgs::folder`], and where the folder is one that `vetted sync` fills: what it brings is changed where it is kept.
    pub(super) fn folder_to_change(&self, context: &Context) -> Result<PathBuf, Error> {
        let folder = self.folder(context)?;
        match context.world.files.lstat(&folder.join(POINTER_FILE)) {
            Err(error) if error.is_not_found() => Ok(folder),
            _ => Err(Error::usage(format!("the policy in `{}` is brought here by `vetted sync`", printable_path(&folder)))
                .cause("a change here would be believed by nobody and be gone with the next sync")
                .hint("change it where it is kept: `--policy DIR` names the folder")),
        }
    }
}

fn cannot(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::usage(format!("cannot change `{}`", printable_path(path))).because(error)
}

/// A manifest that is being changed.
#[derive(Debug)]
pub(super) struct Change {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// The change.
    pub(super) draft: Draft,
    path: PathBuf,
    serial: u64,
    mode: u32,
}

impl Change {
    /// Begin to change the manifest of a folder.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when there is none, or it is not valid as it stands.
    pub(super) fn begin(context: &Context, folder: PathBuf) -> Result<Self, Error> {
        let files = context.world.files;
        let path = folder.join(MANIFEST_FILE);
        let bytes = files.read(&path, MAX_DOCUMENT).map_err(|e| {
            let error = cannot(&path, &e);
            if e.is_not_found() { error.hint("`vetted init` makes a policy folder") } else { error }
        })?;
        let mode = files.stat(&path).map_or(0o644, |stat| stat.mode);
        let draft = Draft::open(&path, &bytes).map_err(|e| cannot(&path, &e))?;
        let serial = draft.document().header.serial;
        Ok(Self { folder, draft, path, serial, mode })
    }

    /// Write the next issue of the manifest, and say that it waits for its signatures.
    ///
    /// # Errors
    /// [`Error`] when it cannot be written; the old file is then untouched.
    pub(super) fn write(mut self, context: &Context) -> Result<(), Error> {
        self.draft.renew(context.world.now).map_err(|e| cannot(&self.path, &e))?;
        let next = Next { path: &self.path, text: self.draft.text(), mode: self.mode, from: Some(self.serial) };
        next.write(context, &self.folder, &self.draft.document().header)
    }
}

/// A revocations document that is being changed, or made.
#[derive(Debug)]
pub(super) struct RevocationsChange {
    /// The change.
    pub(super) draft: RevocationsDraft,
    folder: PathBuf,
    path: PathBuf,
    /// The serial before; `None` where there was no document.
    serial: Option<u64>,
    mode: u32,
}

impl RevocationsChange {
    /// Begin to change the revocations document of a folder; where there is none, begin with the first.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when it is not valid as it stands, or there is no manifest it could name.
    pub(super) fn begin(context: &Context, folder: PathBuf, name: &str) -> Result<Self, Error> {
        let files = context.world.files;
        let path = folder.join(REVOCATIONS_FILE);
        let (bytes, is_new) = match files.read(&path, MAX_DOCUMENT) {
            Ok(bytes) => (bytes, false),
            Err(error) if error.is_not_found() => {
                let beacon = beacon(context, &folder)?;
                (new_revocations(name, &beacon, context.world.now, REVOCATIONS_LIFETIME).into_bytes(), true)
            }
            Err(error) => return Err(cannot(&path, &error)),
        };
        let mode = files.stat(&path).map_or(0o644, |stat| stat.mode);
        let draft = RevocationsDraft::open(&path, &bytes).map_err(|e| cannot(&path, &e))?;
        let serial = (!is_new).then_some(draft.document().header.serial);
        Ok(Self { draft, folder, path, serial, mode })
    }

    /// Write the next issue, with the newest manifest named in it, and say that it waits for its signature.
    ///
    /// # Errors
    /// [`Error`] when it cannot be written; the old file is then untouched.
    pub(super) fn write(mut self, context: &Context) -> Result<(), Error> {
        if self.serial.is_some() {
            let newest = beacon(context, &self.folder)?;
            let known = self.draft.document().manifest.clone();
            // Never back: a client that was told of a newer manifest would be told to forget it.
            let beacon = if known.serial > newest.serial { known } else { newest };
            self.draft.renew(context.world.now, &beacon).map_err(|e| cannot(&self.path, &e))?;
        }
        let next = Next { path: &self.path, text: self.draft.text(), mode: self.mode, from: self.serial };
        next.write(context, &self.folder, &self.draft.document().header)
    }
}

/// The next issue of a document.
struct Next<'a> {
    path: &'a Path,
    text: &'a str,
    mode: u32,
    from: Option<u64>,
}

impl Next<'_> {
    fn write(&self, context: &Context, folder: &Path, header: &Header) -> Result<(), Error> {
        keep_previous(context, folder)?;
        context.world.files.write_atomic(self.path, self.text.as_bytes(), self.mode).map_err(|e| cannot(self.path, &e))?;
        let shown = printable_path(self.path);
        let from = self.from.map(|from| format!("{from} -> ")).unwrap_or_default();
        context.printer.say(&format!("{shown}: serial {from}{}, expires {}", header.serial, header.expires));
        let still = if self.from.is_some() { "it is not signed any more" } else { "it is not signed" };
        context.printer.say(&format!("{still}, and nothing believes it until it is:"));
        context.printer.say(&format!("  vetted sign {}", shell_word(self.path)));
        Ok(())
    }
}

/// The trust policy of a folder as it stands, signed or not: who is to sign, and for how long a waiver may run. `None` where there
/// is none.
///
/// # Errors
/// [`Error`] of the kind `Usage` when it is there and not valid.
pub(super) fn trust_beside(context: &Context, folder: &Path) -> Result<Option<TrustPolicy>, Error> {
    let path = folder.join(TRUST_FILE);
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot read `{}`", printable_path(&path))).because(e);
    match context.world.files.read(&path, MAX_UNVERIFIED) {
        Ok(bytes) => TrustPolicy::parse(&path, &bytes).map(Some).map_err(|e| cannot(&e)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(cannot(&error)),
    }
}

/// Whether a trust policy has somebody who may revoke alone.
pub(super) fn has_on_call(trust: Option<&TrustPolicy>) -> bool {
    trust.is_some_and(|trust| trust.roles.contains_key(&Role::Revocations))
}

/// A path as a word of a POSIX shell, safe to show.
pub(super) fn shell_word(path: &Path) -> String {
    let shown = printable_path(path);
    let is_plain = shown.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(&b));
    if is_plain { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}
