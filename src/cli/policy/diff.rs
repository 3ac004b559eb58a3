//! `vetted policy diff`: what a change means.

use super::Format;
use super::read::{LookArgs, Read};
use crate::cli::Context;
use crate::cli::change::last_signed;
use crate::error::{Error, ExitStatus};
use crate::manifest::difference::Difference;
use crate::report::difference::{render, render_json};
use std::io::Write as _;
use std::path::PathBuf;

/// Say what a policy newly allows and what it no longer does, in words
///
/// Compares a folder with the last issue of it that was signed in full, or two folders with each other. Neither has to be signed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder, where one is given; the old and the new one, where two are; without any the policy folder that applies here
    #[arg(value_name = "DIR", num_args = 0..=2)]
    folders: Vec<PathBuf>,
    /// For people, or for programs (`vetted/difference/v1`)
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    folder: LookArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when a document is not valid, or the output cannot be written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let read = |folder: &PathBuf| -> Result<Read, Error> {
        let read = Read::folder(context, folder)?;
        read.refuse_invalid("what is not valid cannot be compared")?;
        Ok(read)
    };
    let difference = match &args.folders[..] {
        [old, new] => {
            let (old, new) = (read(old)?, read(new)?);
            Difference::between(Some(&old.documents()), &new.documents())
        }
        one => {
            let folder = match one.first() {
                Some(folder) => folder.clone(),
                None => args.folder.folder(context)?,
            };
            let new = read(&folder)?;
            let last = last_signed(context, &new.folder);
            for why in last.iter().flat_map(|last| &last.passed_over) {
                context.printer.say(why);
            }
            let base = last.filter(|last| last.manifest.is_some());
            if base.is_none() {
                context.printer.say("no issue of this policy was signed in full: everything in it is new");
            }
            Difference::between(base.as_ref().map(|last| last.documents()).as_ref(), &new.documents())
        }
    };
    let mut out = context.printer.stdout();
    let result = match args.format {
        Format::Human => render(&difference, &context.style(), &mut out),
        Format::Json => render_json(&difference, &mut out),
    };
    super::super::written(result.and_then(|()| out.flush()))
}
