//! `vetted policy explain`: which rule, layer, file and line decided about a tool, and what every other layer says of it.

use crate::cli::approve::{of_package, package_of};
use crate::cli::observe::{self, Look};
use crate::cli::{Context, PolicyArgs, in_force, written};
use crate::error::{Error, ExitStatus};
use crate::evidence::Evidence;
use crate::gather::repository::Which;
use crate::policy::{Question, account, imagined};
use crate::report::account::{render_human, render_json};
use crate::text::printable;
use crate::tool::{Platform, ToolId};
use std::io::Write as _;

/// Say which layer and line decided about a tool, and what the others say of it
///
/// Looks at the machine and the repository here as `vetted check` does. Where nothing of the tool is here, or not in this version,
/// it says what would happen to a repository that asks for it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A tool, or one version of it
    #[arg(value_name = "TOOL[@VERSION]")]
    subject: String,
    /// For people, or for programs (`vetted/account/v1`)
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// Text
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the policy is not believed, a layer cannot be read, or nothing is called so.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let world = &context.world;
    let loaded = args.policy.load(context)?;
    let repository = observe::repository(world)?;
    let policy = in_force::policy(world, &loaded, repository.as_ref(), &Which::Index)?;
    let catalogue = observe::catalogue_under(&policy, world.now)?;
    let (name, version) = package_of(&args.subject);
    let unknown = || {
        let error = Error::usage(format!("no tool is called `{}`", printable(name)));
        of_package(error, &catalogue, name)
            .hint("`vetted scan` names the tools that are here")
            .hint(format!("`vetted explain {}` looks for findings, revocations and waivers, too", printable(name)))
    };
    let id: ToolId = name.parse().map_err(|_| unknown())?;
    let tool = catalogue.tool(&id).ok_or_else(unknown)?;
    let platform = Platform::here();
    let look = Look { context, loaded: &loaded, policy: &policy, catalogue: &catalogue, platform: &platform };
    let (evidence, judged_by) = look.evidence(repository.as_ref(), &Which::Index, true)?;
    let question = Question { tool: &tool.id, version };
    // What is not here is judged as a file that asks for it: its evidence counts as well.
    let with_question = Evidence {
        mentions: evidence.mentions.iter().cloned().chain([imagined(tool, question)]).collect(),
        sightings: evidence.sightings.clone(),
        ..Evidence::default()
    };
    let judged_by = judged_by.with_attested(look.attested(&with_question));
    let accounts = account(&judged_by, &catalogue, (&evidence, &platform, world.now), question);
    let mut out = context.printer.stdout();
    let result = match args.format {
        Format::Human => render_human(&accounts, &args.subject, &context.style(), policy.instant(world.now), &mut out),
        Format::Json => render_json(&accounts, policy.instant(world.now), &mut out),
    };
    written(result.and_then(|()| out.flush()))
}
