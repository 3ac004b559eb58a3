//! `vetted withdraw`: end a revocation. It takes the signatures of the manifest, whoever wrote the revocation.

use super::Context;
use super::change::{Change, FolderArgs};
use crate::error::{Error, ExitStatus};
use crate::manifest::{MAX_DOCUMENT, Revocations, Withdrawn};
use crate::text::printable;
use crate::trust::document::REVOCATIONS_FILE;
use std::path::Path;

/// End a revocation, in `vetted.toml`
///
/// The revocation stays where it is, without effect, and its id is never used again. What it refused is then judged like any other
/// tool: it still needs an approval.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Id of the revocation, of either document
    #[arg(value_name = "ID")]
    id: String,
    /// Why it ends
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the kind `Usage` when no revocation has the id, or the manifest cannot be changed.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let mut change = Change::begin(context, args.folder.folder_to_change(context)?)?;
    let mut known = change.draft.revocation_ids();
    known.extend(on_call_revocations(context, &change.folder)?.iter().flat_map(|d| &d.revocations).map(|r| r.id.clone()));
    if let Some(done) = change.draft.document().withdrawn.iter().find(|w| w.id == args.id) {
        return Err(Error::usage(format!("`{}` is withdrawn already", printable(&args.id))).cause(format!(
            "line {} of vetted.toml: {}",
            done.line,
            printable(&done.reason)
        )));
    }
    if !known.contains(&args.id) {
        return Err(unknown(&args.id, &known));
    }
    let withdrawn = Withdrawn { id: args.id.clone(), reason: args.reason.clone(), line: 0 };
    change.draft.withdraw(&withdrawn).map_err(|e| Error::usage("cannot write this withdrawal").because(&e))?;
    context.printer.say(&format!("{} ends: {}", printable(&args.id), printable(&args.reason)));
    change.write(context)?;
    Ok(ExitStatus::Success)
}

/// The revocations document of a folder as it stands, where there is one.
///
/// # Errors
/// [`Error`] of the kind `Usage` when it is there and not valid.
pub(super) fn on_call_revocations(context: &Context, folder: &Path) -> Result<Option<Revocations>, Error> {
    let path = folder.join(REVOCATIONS_FILE);
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot read `{REVOCATIONS_FILE}`")).because(e);
    match context.world.files.read(&path, MAX_DOCUMENT) {
        Ok(bytes) => Revocations::parse(&path, &bytes).map(Some).map_err(|e| cannot(&e)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(cannot(&error)),
    }
}

/// No revocation has an id; these are the ids there are.
pub(super) fn unknown(id: &str, known: &[String]) -> Error {
    let error = Error::usage(format!("no revocation has the id `{}`", printable(id)));
    if known.is_empty() {
        return error.cause("there are no revocations");
    }
    let known: Vec<String> = known.iter().map(|id| printable(id).into_owned()).collect();
    error.cause(format!("the ids are {}", known.join(", ")))
}
