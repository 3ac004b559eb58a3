//! `vetted scan`: the inventory, without a judgement.

use super::{Context, PolicyArgs, in_force, observe};
use crate::catalogue::Catalogue;
use crate::error::{Error, ErrorKind, ExitStatus};
use crate::evidence::Sighting;
use crate::gather::repository::Which;
use crate::report::cyclonedx;
use crate::report::inventory::{Entry, Inventory, render_human, render_json};
use crate::trust::document::Loaded;
use std::io::Write as _;

/// List the AI tools on this machine, without judging them
///
/// Reads what lies on disk, starts nothing it finds and opens no connection. Ends with what was looked at and what was not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For people, for programs (`vetted/inventory/v1`), or as a bill of materials
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// A table
    #[default]
    Human,
    /// One JSON document
    Json,
    /// CycloneDX 1.6 in JSON
    Cyclonedx,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when a policy folder named on the command line holds none, the repository cannot be read, or the output cannot be
/// written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let catalogue = match args.policy.load(context) {
        Ok(loaded) => catalogue(&loaded, context)?,
        Err(error) if error.kind == ErrorKind::Usage => return Err(error),
        // An inventory needs no policy; without it the tools that the manifest describes are not known, and that is said.
        Err(error) => {
            context.printer.error(&error.hint("the list below is made without the tools that this manifest describes"));
            Catalogue::built_in()
        }
    };
    let looked = observe::machine_once(context, &catalogue)?;
    let entry = |sighting: Sighting| {
        let (vendor, kind) = catalogue
            .tool(&sighting.tool)
            .map_or_else(|| ("unknown".to_owned(), crate::tool::Kind::Cli), |tool| (tool.vendor.clone(), tool.kind));
        Entry { sighting, vendor, kind }
    };
    let inventory = Inventory {
        now: context.world.now,
        tools: looked.sightings.into_iter().map(entry).collect(),
        oddities: looked.oddities,
        coverage: looked.coverage,
    };
    let mut out = context.printer.stdout();
    let result = match args.format {
        Format::Human => render_human(&inventory, &context.style(), &mut out),
        Format::Json => render_json(&inventory, &mut out),
        Format::Cyclonedx => cyclonedx::render(&inventory, &context.style(), &mut out),
    };
    super::written(result.and_then(|()| out.flush()))
}

/// What is looked for under a policy: also what its documents and layers refuse by digest. A layer that cannot be read keeps a check
/// from deciding, and not a list from being made.
fn catalogue(loaded: &Loaded, context: &Context) -> Result<Catalogue, Error> {
    let repository = observe::repository(&context.world)?;
    let policy = in_force::policy(&context.world, loaded, repository.as_ref(), &Which::Index);
    observe::catalogue_under(&policy.unwrap_or_else(|_| in_force::documents(loaded)), context.world.now)
}
