//! `vetted man`: manual pages, from the same text as `--help`.

use super::{Cli, Context};
use crate::error::{Error, ExitStatus};
use crate::text::{printable, printable_path};
use clap::{Command, CommandFactory as _};
use std::io::Write as _;
use std::path::PathBuf;

/// Print a manual page, or write all of them into a folder
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The command whose page to print, `vetted` itself without one; `hook-install` for a command below a command
    #[arg(value_name = "COMMAND", conflicts_with = "folder")]
    command: Option<String>,
    /// Write one page for each command here, for example `~/.local/share/man/man1`
    #[arg(long = "to", value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when there is no such command, or a page cannot be written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let pages = pages()?;
    if let Some(folder) = &args.folder {
        let files = &context.world.files;
        let failed = |e: &dyn std::error::Error| Error::usage("cannot write the manual pages").because(e);
        files.create_folder(folder).map_err(|e| failed(&e))?;
        for (name, page) in &pages {
            files.write_atomic(&folder.join(format!("{name}.1")), page, 0o644).map_err(|e| failed(&e))?;
        }
        context.printer.say(&format!("wrote {} manual pages to {}", pages.len(), printable_path(folder)));
        return Ok(ExitStatus::Success);
    }
    let name = args.command.as_ref().map_or_else(|| "vetted".to_owned(), |command| format!("vetted-{command}"));
    let Some((_, page)) = pages.iter().find(|(known, _)| *known == name) else {
        let all: Vec<&str> = pages.iter().filter_map(|(known, _)| known.strip_prefix("vetted-")).collect();
        return Err(Error::usage(format!("there is no command `{}`", printable(args.command.as_deref().unwrap_or_default())))
            .hint(format!("commands: {}", all.join(", "))));
    };
    let mut out = context.printer.stdout();
    super::written(out.write_all(page).and_then(|()| out.flush()))
}

/// Every page by its name, `vetted-hook-install`.
fn pages() -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add(&root, "vetted", &mut pages).map_err(|e| Error::undecided("cannot render a manual page").because(&e))?;
    Ok(pages)
}

fn add(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().display_name(name)).render(&mut page)?;
    pages.push((name.to_owned(), page));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        add(sub, &format!("{name}-{}", sub.get_name()), pages)?;
    }
    Ok(())
}
