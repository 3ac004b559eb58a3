//! `vetted scan`: the inventory, without a judgement.

use super::Context;
use crate::catalogue::Catalogue;
use crate::error::{Error, ExitStatus};
use crate::evidence::{Coverage, CoverageOutcome, Oddity, Sighting};
use crate::gather::machine;
use crate::gather::measure::Measurer;
use crate::report::inventory::{Entry, Inventory, render_human, render_json};
use crate::world::World;
use crate::world::cache::DigestCache;
use crate::world::git::Repository;
use std::io::Write as _;
use std::path::PathBuf;

/// List the AI tools on this machine, without judging them
///
/// Reads what lies on disk, starts nothing it finds and opens no connection. Ends with what was looked at and what was not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For people, or for programs (`vetted/inventory/v1`)
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// A table
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when standard output cannot be written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let catalogue = Catalogue::built_in();
    let looked = look(context, &catalogue);
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
    };
    super::written(result.and_then(|()| out.flush()))
}

/// What a look at the machine and at the ignored folders of the repository brought.
pub(super) struct Looked {
    pub(super) sightings: Vec<Sighting>,
    pub(super) oddities: Vec<Oddity>,
    pub(super) coverage: Vec<Coverage>,
}

/// Look at the machine, with the cache of digests, and keep what was learned.
pub(super) fn look(context: &Context, catalogue: &Catalogue) -> Looked {
    let world = &context.world;
    let mut coverage = Vec::new();
    let repository = match Repository::discover(&world.env, world.env.current_dir()) {
        Ok(repository) => repository.and_then(|r| r.work_tree().map(PathBuf::from)),
        Err(error) => {
            let place = Some(world.env.current_dir().to_owned());
            coverage.push(Coverage { source: "repository", place, outcome: CoverageOutcome::NotLooked(error.to_string()) });
            None
        }
    };
    let measurer = Measurer::new(world.files, load_cache(world), context.printer.progress());
    let found = machine::find(world, catalogue, &measurer, repository.as_deref());
    // A cache that cannot be written costs time in the next run and nothing else.
    let _ = measurer.into_cache().save(world.files);
    coverage.splice(0..0, found.coverage);
    Looked { sightings: found.sightings, oddities: found.oddities, coverage }
}

/// Where digests are kept between runs; `None` where the environment names no place.
pub(super) fn cache_path(world: &World) -> Option<PathBuf> {
    Some(world.env.cache_home()?.join("vetted").join("digests"))
}

/// The cache, off on a CI runner and where it has no place.
pub(super) fn load_cache(world: &World) -> DigestCache {
    match cache_path(world) {
        Some(path) if !world.env.is_ci() => DigestCache::load(world.files, &path, true),
        _ => DigestCache::off(),
    }
}
