//! `vetted completions`: what a shell needs to complete the command line.

use super::{Cli, Context};
use crate::error::{Error, ExitStatus};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;

/// Print completions for a shell
///
/// bash: `vetted completions bash > ~/.local/share/bash-completion/completions/vetted`
/// zsh: a file `_vetted` in a folder of `$fpath`
/// fish: `vetted completions fish > ~/.config/fish/completions/vetted.fish`
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when standard output cannot be written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    // The generators panic where they cannot write, so they write to memory.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vetted", &mut text);
    let mut out = context.printer.stdout();
    super::written(out.write_all(&text).and_then(|()| out.flush()))
}
