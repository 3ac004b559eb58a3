//! `vetted trust next`: begin the next version of the trust policy.

use super::Context;
use super::change::{FolderArgs, TRUST_LIFETIME, keep_previous, shell_word};
use super::previous::{copy_signed, count};
use crate::error::{Error, ExitStatus};
use crate::manifest::duration;
use crate::manifest::edit::TrustDraft;
use crate::manifest::trust_policy::Role;
use crate::text::printable_path;
use crate::trust::document::{TRUST_FILE, earlier_path, signature_paths};
use crate::trust::{Authority, Unbelieved};
use jiff::SignedDuration;

/// Begin the next version of `vetted-trust.toml`, and keep this one for machines that have not seen the next
///
/// Copies the version that is believed, with its signatures, to `vetted-trust.<version>.toml`, counts the version up and moves its
/// end. Then change who may sign what, and have it signed: by the root signers of the version before and by its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For how long the next version vouches for its signers, for example `365d`; without it a year
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse)]
    lifetime: Option<SignedDuration>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the version that is there is not signed in full, or cannot be kept.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let folder = args.folder.folder_to_change(context)?;
    let files = context.world.files;
    let path = folder.join(TRUST_FILE);
    let shown = printable_path(&path);
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot change `{shown}`")).because(e);
    let read = files.read(&path, crate::manifest::MAX_UNVERIFIED).map_err(|e| cannot(&e))?;
    let mut draft = TrustDraft::open(&path, &read).map_err(|e| cannot(&e))?;
    let authority = Authority::load(files, &folder, draft.document().clone()).map_err(|e| cannot(&e))?;
    let unbelieved = |refusal| Error::from(Unbelieved { path: path.clone(), refusal });
    let counted = count(context, &authority, Role::Root, &path).map_err(unbelieved)?;
    let version = draft.document().version;
    if !counted.is_complete() {
        let tally = &counted.tally;
        return Err(Error::usage(format!("version {version} is not signed in full: change it as it stands"))
            .cause(format!("`{shown}` carries {} of {} signatures of the role `root`", tally.found.len(), tally.needed))
            .hint(format!("`vetted sign {}` when it says what it is to say", shell_word(&path))));
    }
    let kept = earlier_path(&folder, version);
    match files.read(&kept, crate::manifest::MAX_UNVERIFIED) {
        Ok(bytes) if bytes != counted.bytes => {
            return Err(Error::usage(format!("`{}` is there already, and holds something else", printable_path(&kept)))
                .cause("machines that believe that version would find another one")
                .hint("find out which of the two was signed and published, and keep that one"));
        }
        Err(error) if !error.is_not_found() => return Err(cannot(&error)),
        _ => {}
    }
    let lifetime = args.lifetime.unwrap_or(TRUST_LIFETIME);
    if lifetime <= SignedDuration::ZERO {
        return Err(Error::usage("`--for` is longer than nothing"));
    }
    draft.next(context.world.now, lifetime).map_err(|e| cannot(&e))?;
    keep_previous(context, &folder)?;
    copy_signed(context, &path, &counted.bytes, &kept)?;
    let mode = files.stat(&path).map_or(0o644, |stat| stat.mode);
    files.write_atomic(&path, draft.text().as_bytes(), mode).map_err(|e| cannot(&e))?;
    for signature in signature_paths(&path) {
        match files.remove(&signature) {
            Err(error) if !error.is_not_found() => return Err(cannot(&error)),
            _ => {}
        }
    }
    let say = |line: &str| context.printer.say(line);
    say(&format!("{shown}: version {version} -> {}, expires {}", draft.document().version, draft.document().expires));
    say(&format!("version {version} is kept as {}: publish it with the others", printable_path(&kept)));
    say("change who may sign what, then have it signed by root signers of both versions:");
    say(&format!("  vetted sign {}", shell_word(&path)));
    Ok(ExitStatus::Success)
}
