//! `vetted policy simulate`: what a draft would stop and let pass, before anybody signs it.

use super::Format;
use super::read::{Read, unreadable};
use crate::catalogue::Catalogue;
use crate::cli::change::FolderArgs;
use crate::cli::observe::{self, Look};
use crate::cli::{Context, in_force};
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::evidence::{Evidence, Measurement, Sighting};
use crate::gather::inventory;
use crate::gather::repository::Which;
use crate::manifest::{Level, Shape};
use crate::policy::{Code, Effect, Finding, Item, Place, Policy, Report, Severity, Verdict, decide};
use crate::report::simulation::{Machine, Simulation, Turn, render, render_json};
use crate::source::Location;
use crate::text::{printable, printable_path};
use crate::tool::Platform;
use crate::trust::document::{Loaded, MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE, folder_in_force, stated_name, verify_folder};
use crate::trust::place::documents_in;
use crate::trust::state::{Floors, Store};
use crate::trust::{Memory, Verified};
use crate::version::Scheme;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The largest inventory that is read, in bytes.
const MAX_INVENTORY: u64 = 64 * 1024 * 1024;

/// Say what a draft would stop and let pass if it were in force
///
/// Judges what is on this machine and in this repository, or what was recorded with `vetted scan --format json`, under the policy
/// in force and under the draft. The draft needs no signature. Nothing is changed and nothing is remembered.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The draft, a policy folder; without it the user's own
    #[command(flatten)]
    folder: FolderArgs,
    /// Judge the inventories (`*.json`) of this folder, one for each machine, in place of this machine
    #[arg(long, value_name = "DIR")]
    inventories: Option<PathBuf>,
    /// The policy to compare with, a folder that is signed; without it the policy in force here
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// For people, or for programs (`vetted/simulation/v1`)
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the draft is not valid, the policy in force is not believed, or an inventory cannot be read.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let folder = args.folder.folder(context)?;
    let draft = draft(context, &folder)?;
    let current = believed(context, args.against.as_deref())?;
    let names = |loaded: &Loaded| {
        let header = &loaded.manifest.get().header;
        let swift = loaded.revocations.as_ref().map(|r| format!(", revocations {}", r.get().header.serial));
        format!("{} {}{}", header.name, header.serial, swift.unwrap_or_default())
    };
    let mut limits = vec!["the draft was taken as if it had been signed".to_owned()];
    let machines = match &args.inventories {
        None => vec![here(context, &current, &draft)?],
        Some(path) => {
            limits.push(
                "inventories record no groups and no repository: overlays and waivers with a scope play no part".to_owned(),
            );
            recorded(context, path, &current, &draft)?
        }
    };
    if machines.iter().any(|machine| machine.by_version_only > 0) {
        limits.push(
            "by version only: an inventory has no measurement of whole folders, so an approved version was taken for the approved \
             bytes"
                .to_owned(),
        );
    }
    let simulation = Simulation { in_force: names(&current), draft: format!("the draft of {}", names(&draft)), machines, limits };
    let mut out = context.printer.stdout();
    let result = match args.format {
        Format::Human => render(&simulation, &context.style(), &mut out),
        Format::Json => render_json(&simulation, &mut out),
    };
    super::super::written(result.and_then(|()| out.flush()))
}

/// The documents of a folder as if they had been signed.
pub(in crate::cli) fn draft(context: &Context, folder: &Path) -> Result<Loaded, Error> {
    let read = Read::folder(context, folder)?;
    read.refuse_invalid("a draft that is not valid would not be in force")?;
    let (documents, texts) = (read.documents(), read.texts());
    let sha256 =
        |text: Option<&crate::source::SourceFile>| Digest::sha256_of(text.map(|text| text.text.as_bytes()).unwrap_or_default());
    let Some(manifest) = documents.manifest else {
        return Err(Error::usage(format!("`{}` holds no {MANIFEST_FILE}", printable_path(folder))));
    };
    // What the documents pin lies beside them, which is not the folder itself where that is synced.
    let assume = |name: &str| read.folder.join(name);
    Ok(Loaded {
        manifest: Verified::unsafe_assume_signed(manifest.clone(), assume(MANIFEST_FILE), sha256(texts.manifest)),
        revocations: documents
            .revocations
            .map(|r| Verified::unsafe_assume_signed(r.clone(), assume(REVOCATIONS_FILE), sha256(texts.revocations))),
        // Its instances say under which trusted roots the evidence of the draft would be verified.
        trust: documents.trust.map(|t| Verified::unsafe_assume_signed(t.clone(), assume(TRUST_FILE), sha256(texts.trust))),
        memory: Memory::default(),
        folder: Some(folder.to_owned()),
        warnings: Vec::new(),
    })
}

/// The policy in force, looked at without remembering it.
fn believed(context: &Context, against: Option<&Path>) -> Result<Loaded, Error> {
    let world = &context.world;
    let folder = match against {
        Some(folder) => Some(folder.to_owned()),
        None => folder_in_force(world, None)?,
    };
    let Some(folder) = folder else { return Ok(Loaded::built_in()) };
    let hint = |error: Error| error.hint("`--against DIR` names the folder of a signed policy to compare with");
    let documents = documents_in(world.files, &folder)
        .map_err(|e| hint(Error::undecided("cannot tell which documents are in force").because(&e)))?;
    let name = stated_name(world.files, &documents).map_err(|e| hint(e.into()))?;
    let known =
        Store::of(world).load(&name).map_err(|e| Error::undecided("cannot tell what was seen of the policy").because(&e))?;
    let found = verify_folder(world.files, &documents, world.now, &known, &Floors::default()).map_err(|e| hint(e.into()))?;
    Ok(Loaded {
        manifest: found.manifest,
        revocations: found.revocations,
        trust: Some(found.trust),
        memory: found.memory,
        folder: Some(folder),
        warnings: Vec::new(),
    })
}

/// This machine and this repository, gathered as a check gathers them.
fn here(context: &Context, current: &Loaded, draft: &Loaded) -> Result<Machine, Error> {
    let world = &context.world;
    let repository = observe::repository(world)?;
    let (which, platform) = (Which::Index, Platform::here());
    let now_in_force = in_force::policy(world, current, repository.as_ref(), &which)?;
    // The groups of this machine are those it has now, wherever the draft lies.
    let site = now_in_force.site().clone();
    let then = in_force::policy(world, draft, repository.as_ref(), &which)?.at(site);
    let judge = |loaded: &Loaded, policy: &Policy| -> Result<Report, Error> {
        let catalogue = observe::catalogue_under(policy, world.now)?;
        let look = Look { context, loaded, policy, catalogue: &catalogue, platform: &platform };
        let (evidence, policy) = look.evidence(repository.as_ref(), &which, true)?;
        Ok(decide(&policy, &catalogue, &evidence, &platform, world.now))
    };
    let (before, after) = (judge(current, &now_in_force)?, judge(draft, &then)?);
    Ok(compare("this machine".to_owned(), &before, &after, &|_| false))
}

/// Machines that were recorded, each in a file of its own.
fn recorded(context: &Context, folder: &Path, current: &Loaded, draft: &Loaded) -> Result<Vec<Machine>, Error> {
    let entries = context.world.files.list(folder).map_err(|e| unreadable(folder, &e))?;
    let mut machines = Vec::new();
    for name in entries.into_iter().map(|entry| entry.name).filter(|n| Path::new(n).extension().is_some_and(|e| e == "json")) {
        let path = folder.join(&name);
        let bytes = context.world.files.read(&path, MAX_INVENTORY).map_err(|e| unreadable(&path, &e))?;
        let (now_in_force, then) = (plain(current), plain(draft));
        let catalogue = observe::catalogue_under(&now_in_force, context.world.now)?;
        let sightings = inventory::parse(&bytes, &catalogue).map_err(|why: String| {
            Error::usage(format!("`{}` is no inventory", printable_path(&path))).cause(printable(&why).into_owned())
        })?;
        let (before, assumed_before) = judge_recorded(context, (current, &now_in_force), &sightings)?;
        let (after, assumed_after) = judge_recorded(context, (draft, &then), &sightings)?;
        let machine = path.file_stem().map(crate::text::printable_os).unwrap_or_default();
        let only = |place: &str| assumed_before.contains(place) || assumed_after.contains(place);
        machines.push(compare(machine, &before, &after, &only));
    }
    if machines.is_empty() {
        return Err(Error::usage(format!("`{}` holds no inventory", printable_path(folder)))
            .hint("`vetted scan --format json > NAME.json` on each machine records one"));
    }
    Ok(machines)
}

fn plain(loaded: &Loaded) -> Policy {
    let policy = Policy::new(loaded.manifest.clone()).with_memory(loaded.memory);
    match &loaded.revocations {
        Some(revocations) => policy.with_revocations(revocations.clone()),
        None => policy,
    }
}

type Places = std::collections::BTreeSet<String>;

/// Judge recorded sightings. What an approval wants measured and the record does not have is taken for what it pins; the places of
/// those are returned.
fn judge_recorded(
    context: &Context,
    (loaded, policy): (&Loaded, &Policy),
    sightings: &[Sighting],
) -> Result<(Report, Places), Error> {
    let platform = Platform::here();
    let catalogue = observe::catalogue_under(policy, context.world.now)?;
    let mut assumed = Places::new();
    let mut sightings = sightings.to_vec();
    for sighting in &mut sightings {
        let wanted: Vec<_> = policy.wanted(sighting, scheme(&catalogue, sighting), &platform).into_iter().cloned().collect();
        for installed in wanted {
            let known = match &installed.shape {
                Shape::File { path } => {
                    let path = if path.is_empty() { sighting.root.clone() } else { sighting.root.join(path) };
                    let executable = sighting.executables.iter().find(|executable| executable.path == path);
                    executable.and_then(|e| e.digests.as_ref().ok()?.get(crate::digest::Algorithm::Sha256).cloned())
                }
                Shape::Tree { .. } | Shape::Json { .. } | Shape::Packages => None,
            };
            let digest = known.or_else(|| {
                assumed.insert(place(&Item::Sighting(sighting.clone())));
                installed.digests.iter().next().cloned()
            });
            let list = installed.files.as_ref().map(|files| files.digests.clone());
            sighting.measurements.extend(digest.map(|digest| Measurement {
                shape: installed.shape.clone(),
                package: installed.package.clone(),
                list,
                result: Ok(digest),
                difference: None,
                covers: Vec::new(),
            }));
        }
    }
    let evidence = Evidence { sightings, ..Evidence::default() };
    let look = Look { context, loaded, policy, catalogue: &catalogue, platform: &platform };
    let policy = policy.clone().with_attested(look.attested(&evidence));
    Ok((decide(&policy, &catalogue, &evidence, &platform, context.world.now), assumed))
}

fn scheme(catalogue: &Catalogue, sighting: &Sighting) -> Scheme {
    let by_tool = catalogue.tool(&sighting.tool).map(crate::catalogue::Tool::scheme).unwrap_or_default();
    sighting.package.as_ref().map_or(by_tool, |package| package.ecosystem.scheme())
}

/// What a report says of one thing at one place.
struct Stand {
    stops: bool,
    word: String,
    why: String,
    is_approved: bool,
}

/// What a report says, by subject and place: verdicts, and what the rules about repository content found.
fn stands(report: &Report) -> BTreeMap<(String, String), Stand> {
    let mut stands: BTreeMap<(String, String), Stand> = BTreeMap::new();
    for judgement in &report.verdicts {
        let stand = Stand {
            stops: matches!(judgement.effect, Effect::Block | Effect::Undecided),
            word: judgement.verdict.name().to_owned(),
            why: judgement.why.clone(),
            // Only what is approved rests on the bytes that were assumed.
            is_approved: matches!(judgement.verdict, Verdict::Approved(_)),
        };
        stands.insert((subject(&judgement.item), place(&judgement.item)), stand);
    }
    let is_verdict = |finding: &Finding| matches!(finding.code, Code::UnvettedTool | Code::UnapprovedWeights);
    let weighs = |finding: &&Finding| finding.level.is_some() && finding.severity > Severity::Note && !is_verdict(finding);
    for finding in report.findings.iter().filter(weighs) {
        let places: Vec<String> = finding.places.iter().map(place_of).collect();
        for place in if places.is_empty() { vec![String::new()] } else { places } {
            let stand = Stand {
                stops: finding.severity == Severity::Error,
                word: finding.level.map_or("said", Level::name).to_owned(),
                why: finding.message.clone(),
                is_approved: false,
            };
            stands.insert((format!("{}: {}", finding.code.name(), finding.subject), place), stand);
        }
    }
    stands
}

/// What changes from one report to another.
fn compare(machine: String, before: &Report, after: &Report, by_version_only: &dyn Fn(&str) -> bool) -> Machine {
    let (before, after) = (stands(before), stands(after));
    let stops = |stand: Option<&Stand>| stand.is_some_and(|stand| stand.stops);
    let word = |stand: Option<&Stand>, key: &(String, String)| {
        let nothing = if key.0.contains(": ") { "nothing said" } else { "not recognised" };
        stand.map_or(nothing, |stand| stand.word.as_str()).to_owned()
    };
    let mut found = Machine { machine, ..Machine::default() };
    let keys: std::collections::BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (was, is) = (before.get(key), after.get(key));
        let is_approved = [was, is].into_iter().flatten().any(|stand| stand.is_approved);
        let by_version_only = is_approved && by_version_only(&key.1);
        found.by_version_only += u64::from(by_version_only);
        let turn = || Turn {
            subject: key.0.clone(),
            place: key.1.clone(),
            before: word(was, key),
            after: word(is, key),
            why: is.map(|stand| stand.why.clone()).unwrap_or_default(),
            by_version_only,
        };
        match (stops(was), stops(is)) {
            (false, true) => found.newly_stopped.push(turn()),
            (true, false) => found.newly_passing.push(turn()),
            (true, true) => found.still_stopped += 1,
            (false, false) => found.still_passing += 1,
        }
    }
    found
}

fn place_of(place: &Place) -> String {
    match place {
        Place::Installed { path, .. } => printable_path(path),
        Place::Repository { location, .. } => located(location),
        Place::Commit { id, .. } => format!("commit {}", id.as_deref().unwrap_or_default()),
    }
}

fn located(location: &Location) -> String {
    let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}", printable_path(&location.path))
}

fn subject(item: &Item) -> String {
    match item {
        Item::Sighting(sighting) => {
            let version = sighting.version.as_ref().map_or("of unknown version".to_owned(), ToString::to_string);
            format!("{} {version}", sighting.tool)
        }
        Item::Mention(mention) => match &mention.request {
            crate::evidence::Request::Exact(version) => format!("{} {version}", mention.tool),
            crate::evidence::Request::Floating { text, .. } => format!("{} {}", mention.tool, printable(text)),
        },
    }
}

fn place(item: &Item) -> String {
    match item {
        Item::Sighting(sighting) => printable_path(&sighting.root),
        Item::Mention(mention) => located(&mention.location),
    }
}
