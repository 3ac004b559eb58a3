//! `vetted approve --watch`: which versions are newer than what is approved. Writes nothing.

use super::asked::{Asked, Standing};
use super::registries::network;
use super::{Args, Format, npm, pypi, released, subject};
use crate::cli::{Context, observe, written};
use crate::error::{Error, ExitStatus};
use crate::manifest::{Artifact, ToolEntry};
use crate::registry::npm::{Detail, Npm};
use crate::registry::pypi::Pypi;
use crate::text::printable;
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::io::Write;

/// The most newer versions that are shown of one tool.
const MOST: usize = 20;

/// What is newer than what is approved of one tool.
struct Watched {
    tool: String,
    package: Option<Package>,
    approved: Vec<String>,
    /// Newest first; or why nobody knows.
    newer: Result<Vec<Standing>, String>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the manifest cannot be read, or no tool of this name is in it. A registry that gives no answer is said and is none.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let folder = args.folder.folder(context)?;
    let change = crate::cli::change::Change::begin(context, folder)?;
    let manifest = change.draft.document().clone();
    let catalogue = observe::catalogue_of(&manifest)?;
    let revocations = released::revocations(context, &manifest, &change.folder)?;
    let wanted = args.subject.as_deref().map(subject).transpose()?;
    let mut all = Vec::new();
    for entry in manifest.tools.iter().filter(|entry| wanted.as_ref().is_none_or(|(id, _)| *id == entry.id)) {
        let Some(tool) = catalogue.tool(&entry.id).filter(|_| entry.approvals.iter().next().is_some()) else { continue };
        let asked = Asked { context, args, tool, manifest: &manifest, revocations: &revocations, version: None };
        all.push(watch(&asked, entry));
    }
    if let Some((id, _)) = wanted.filter(|_| all.is_empty()) {
        return Err(Error::usage(format!("no version of {id} is approved here")));
    }
    let mut out = context.printer.stdout();
    let result = match args.format {
        Format::Human => human(&all, context, &mut out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &as_json(&all, context)).map_err(Into::into).and_then(|()| writeln!(out))
        }
    };
    written(result.and_then(|()| out.flush()))
}

fn watch(asked: &Asked<'_>, entry: &ToolEntry) -> Watched {
    let package = package_of(asked, entry);
    let approved: Vec<String> = entry.approvals.iter().map(|approval| approval.version.clone()).collect();
    let scheme = package.as_ref().map_or(asked.tool.scheme(), |package| package.ecosystem.scheme());
    let newer = match &package {
        None => Err("it has no package in a registry that can be asked".to_owned()),
        Some(package) => standings(asked, package).map(|all| {
            let is_newer = |one: &Standing| approved.iter().all(|version| is_after(scheme, &one.version, version));
            all.into_iter().filter(is_newer).collect()
        }),
    };
    Watched { tool: asked.tool.id.to_string(), package, approved, newer }
}

/// The package whose releases are approved: that of a release artifact, else the first of the tool.
fn package_of(asked: &Asked<'_>, entry: &ToolEntry) -> Option<Package> {
    let approvals: Vec<_> = entry.approvals.iter().collect();
    let recorded = approvals.iter().flat_map(|approval| &approval.artifacts).find_map(|artifact| match artifact {
        Artifact::Release(release) => release.package.as_ref().map(|package| package.package.clone()),
        Artifact::Installed(_) => None,
    });
    let known = || asked.tool.packages().find(|package| matches!(package.ecosystem, Ecosystem::Npm | Ecosystem::Pypi));
    recorded.filter(|package| matches!(package.ecosystem, Ecosystem::Npm | Ecosystem::Pypi)).or_else(known)
}

fn standings(asked: &Asked<'_>, package: &Package) -> Result<Vec<Standing>, String> {
    let world = &asked.context.world;
    let told = asked.args.registry.as_deref();
    let network = network(asked.context).map_err(|e| e.message)?;
    let offered = if package.ecosystem == Ecosystem::Pypi {
        let pypi = Pypi::new(world, &network, told).map_err(|e| e.to_string())?;
        pypi::offered(&pypi.project(&package.name).map_err(|e| e.to_string())?)
    } else {
        let npm = Npm::new(world, &network, told).map_err(|e| e.to_string())?;
        npm::offered(&*npm.document(&package.name, Detail::Whole).map_err(|e| e.to_string())?)
    };
    Ok(asked.standings(package, offered))
}

fn is_after(scheme: Scheme, version: &str, other: &str) -> bool {
    Version::parse(scheme, version).precedence(&Version::parse(scheme, other)) == Some(Ordering::Greater)
}

/// What stands in the way of approving a version, as one word and as people read it.
fn state(one: &Standing, context: &Context) -> (&'static str, String) {
    match (&one.revoked_by, one.is_withdrawn, one.is_early, one.counts_from) {
        (Some(id), ..) => ("revoked", format!("revoked by {}", printable(id))),
        (None, true, ..) => ("withdrawn", "withdrawn by its publisher".to_owned()),
        (None, false, true, _) => ("early", "a version before its release".to_owned()),
        (None, false, false, None) => ("undated", "the registry states no time for it".to_owned()),
        (None, false, false, Some(from)) if from > context.world.now => ("cooling", format!("cooling until {from}")),
        (None, false, false, Some(_)) => ("ready", "past the cooldown".to_owned()),
    }
}

fn human(all: &[Watched], context: &Context, out: &mut dyn Write) -> std::io::Result<()> {
    if all.is_empty() {
        return writeln!(out, "no version of any tool is approved here");
    }
    for one in all {
        let approved: Vec<_> = one.approved.iter().map(|version| printable(version)).collect();
        writeln!(out, "{}   approved: {}", one.tool, approved.join(", "))?;
        match &one.newer {
            Err(why) => writeln!(out, "  not known: {}", printable(why))?,
            Ok(newer) if newer.is_empty() => writeln!(out, "  nothing newer")?,
            Ok(newer) => {
                for standing in newer.iter().take(MOST) {
                    writeln!(out, "  {:<20} {}", printable(&standing.version), state(standing, context).1)?;
                }
                if newer.len() > MOST {
                    writeln!(out, "  and {} more", newer.len() - MOST)?;
                }
                let ready = newer.iter().find(|standing| state(standing, context).0 == "ready");
                if let (Some(ready), Some(package)) = (ready, &one.package) {
                    let from = package.ecosystem.purl_type();
                    writeln!(out, "  to approve it: vetted approve {}@{} --from {from}", one.tool, printable(&ready.version))?;
                }
            }
        }
    }
    Ok(())
}

fn as_json(all: &[Watched], context: &Context) -> Value {
    let tools: Vec<Value> = all
        .iter()
        .map(|one| {
            let newer = one.newer.as_ref().map(|newer| {
                let standing = |standing: &Standing| {
                    json!({
                        "version": standing.version,
                        "released": standing.released.map(|at| at.to_string()),
                        "counts_from": standing.counts_from.map(|at| at.to_string()),
                        "state": state(standing, context).0,
                        "revoked_by": standing.revoked_by,
                    })
                };
                newer.iter().map(standing).collect::<Vec<_>>()
            });
            json!({
                "tool": one.tool,
                "purl": one.package.as_ref().map(|package| package.purl(None)),
                "approved": one.approved,
                "newer": newer.as_ref().ok(),
                "not_known": newer.as_ref().err(),
            })
        })
        .collect();
    json!({ "schema": "vetted/watch/v1", "now": context.world.now.to_string(), "tools": tools })
}
