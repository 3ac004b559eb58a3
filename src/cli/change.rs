//! What every command that changes `vetted.toml` does before and after.

use super::Context;
use crate::error::Error;
use crate::manifest::MAX_DOCUMENT;
use crate::manifest::edit::Draft;
use crate::text::printable_path;
use crate::trust::document::MANIFEST_FILE;
use crate::world::files::Files;
use std::path::{Path, PathBuf};

/// The manifest to change.
#[derive(Debug, clap::Args)]
pub(super) struct FolderArgs {
    /// Policy folder; without it the user's own
    #[arg(long, value_name = "DIR", help_heading = "Policy")]
    policy: Option<PathBuf>,
}

impl FolderArgs {
    /// The folder.
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
    pub(super) fn begin(files: Files, folder: PathBuf) -> Result<Self, Error> {
        let path = folder.join(MANIFEST_FILE);
        let cannot =
            |error: &dyn std::error::Error| Error::usage(format!("cannot change `{}`", printable_path(&path))).because(error);
        let bytes = files
            .read(&path, MAX_DOCUMENT)
            .map_err(|e| if e.is_not_found() { cannot(&e).hint("`vetted init` makes a policy folder") } else { cannot(&e) })?;
        let mode = files.stat(&path).map_or(0o644, |stat| stat.mode);
        let draft = Draft::open(&path, &bytes).map_err(|e| cannot(&e))?;
        let serial = draft.manifest().header.serial;
        Ok(Self { folder, draft, path, serial, mode })
    }

    /// Write the next issue of the manifest, and say that it waits for its signature.
    ///
    /// # Errors
    /// [`Error`] when it cannot be written; the old file is then untouched.
    pub(super) fn write(mut self, context: &Context) -> Result<(), Error> {
        let shown = printable_path(&self.path);
        let cannot = |error: &dyn std::error::Error| Error::usage(format!("cannot change `{shown}`")).because(error);
        self.draft.renew(context.world.now).map_err(|e| cannot(&e))?;
        context.world.files.write_atomic(&self.path, self.draft.text().as_bytes(), self.mode).map_err(|e| cannot(&e))?;
        let header = &self.draft.manifest().header;
        context.printer.say(&format!("{shown}: serial {} -> {}, expires {}", self.serial, header.serial, header.expires));
        context.printer.say("it is not signed any more, and nothing believes it until it is:");
        context.printer.say(&format!("  vetted sign {}", shell_word(&self.path)));
        Ok(())
    }
}

/// A path as a word of a POSIX shell, safe to show.
pub(super) fn shell_word(path: &Path) -> String {
    let shown = printable_path(path);
    let is_plain = shown.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(&b));
    if is_plain { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}
