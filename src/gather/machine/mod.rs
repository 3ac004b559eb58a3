//! Tools installed on this machine, one way of finding them a file.
//!
//! Nothing that is found is run, and nothing is asked of package managers: everything is read from the places where they and
//! the tools' own installers write. Identity comes, strongest first, from known bytes, from package metadata, from a layout
//! that only one installer makes, and last from a name that can mean but one tool. A path identifies nothing.

mod carried;
mod distribution;
mod editor;
mod finish;
mod glob;
mod homebrew;
mod jetbrains;
mod model_files;
mod model_store;
mod native;
mod node_modules;
mod npm;
mod path;
mod pnpm;
mod program;
mod python;
mod scan;
mod shim;
mod startup;

use super::measure::Measurer;
use crate::catalogue::Catalogue;
use crate::evidence::{Coverage, CoverageOutcome, Oddity, Sighting};
use crate::world::World;
use scan::Scan;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a look at the machine brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The tools, sorted by id, then by place.
    pub sightings: Vec<Sighting>,
    /// What is no tool and yet worth a look.
    pub oddities: Vec<Oddity>,
    /// Where was looked, and where not.
    pub coverage: Vec<Coverage>,
}

/// Find the tools of `catalogue` on this machine and in the ignored folders of `repository` (`node_modules`, `.venv`), and
/// digest their programs.
#[must_use]
pub fn find(world: &World, catalogue: &Catalogue, measurer: &Measurer, repository: Option<&Path>) -> Found {
    let mut scan = Scan::new(world, catalogue, repository);
    if scan.home.is_none() {
        scan.cover_source("home", CoverageOutcome::NotLooked("no home folder is set".to_owned()));
    }
    let leads = path::look(&mut scan);
    npm::find(&mut scan, &leads);
    python::find(&mut scan, &leads);
    homebrew::find(&mut scan);
    native::find(&mut scan);
    editor::find(&mut scan);
    jetbrains::find(&mut scan);
    model_store::find(&mut scan);
    let why = "where editors are installed is not known to the catalogue; their extensions are looked at";
    scan.cover_source("editor-applications", CoverageOutcome::Unsupported(why.to_owned()));
    say_what_is_not_read(&mut scan);
    path::settle(&mut scan, leads);

    let (drafts, candidates, mut oddities, mut coverage) = scan.into_parts();
    let (mut sightings, rest) = finish::finish(world.files, catalogue, measurer, drafts, candidates);
    oddities.extend(rest.oddities);
    coverage.extend(rest.coverage);
    sightings.sort_by(|a, b| (&a.tool, &a.root).cmp(&(&b.tool, &b.root)));
    Found { sightings, oddities, coverage }
}

/// Places where tools may lie and that this version does not read: said where they are there, so that nobody takes them for clean.
fn say_what_is_not_read(scan: &mut Scan<'_>) {
    let why = "which packages lie there is not read by this version";
    let places = [
        ("zed-extensions", ".local/share/zed/extensions/installed"),
        ("zed-extensions", "Library/Application Support/Zed/extensions/installed"),
        ("cargo", ".cargo/bin"),
        ("go", "go/bin"),
    ];
    for (source, place) in places {
        let Some(place) = scan.in_home(place) else { return };
        let outcome = match scan.files.stat(&place) {
            Ok(_) => CoverageOutcome::Unsupported(why.to_owned()),
            Err(error) if error.is_not_found() => CoverageOutcome::Absent,
            Err(error) => CoverageOutcome::NotLooked(error.to_string()),
        };
        scan.cover(source, &place, outcome);
    }
}
