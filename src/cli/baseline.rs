//! `vetted baseline`: what a repository already has when it begins, as dated and owned waivers that only shrink.
//!
//! A large repository cannot vet everything on the day on which it begins to enforce. Each waiver here holds for one tool in one
//! version, in files that name it today, in this repository. Whatever is new is judged like anything else.

use super::change::{Change, FolderArgs, trust_beside};
use super::observe::{self, Look};
use super::{Context, in_force, policy, waive};
use crate::digest::DigestSet;
use crate::error::{Error, ExitStatus};
use crate::evidence::{Oddity, Request, Role};
use crate::gather::repository::Which;
use crate::manifest::edit::{Draft, EditError};
use crate::manifest::scope::RepositoryName;
use crate::manifest::trust_policy::WAIVER_LIMIT;
use crate::manifest::{Lifts, Scope, Unlisted, Waiver, duration};
use crate::policy::{Item, Judgement, Policy, Report, Verdict, decide};
use crate::text::{printable, printable_path};
use crate::tool::{Platform, ToolId};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How the id of a waiver begins that this command wrote.
const PREFIX: &str = "BASELINE-";

/// Waive what this repository already names and nobody vetted, until a date
///
/// Writes one waiver for each tool and version, for the files that name it today in this repository, into `vetted.toml`. What names
/// something new is judged like anything else. Run again it takes out what is not met any more and shortens with `--expires`; it adds
/// nothing then unless `--again` says so, and never runs longer than it did. What is revoked is never waived, and what files tell AI tools
/// to do is not: `[rules]` stages that. `vetted sign` puts it in force.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Who agreed; not the owner
    #[arg(long, value_name = "NAME")]
    approver: Option<String>,
    /// Until when, for example `2027-03-01` or `2027-03-01T12:00:00Z`
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "here before vetted was")]
    reason: String,
    /// Record what is new as well, where this repository has a baseline already
    #[arg(long)]
    again: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write without asking; where there is no terminal nobody is asked
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

/// A tool in one version, as files of the repository name it.
type Named = (ToolId, String);

/// What nobody vetted: for each tool and version the files that name it, and whether unlisted tools of its kind pass anyway.
#[derive(Debug, Default)]
struct Unvetted {
    named: BTreeMap<Named, (BTreeSet<PathBuf>, bool)>,
    /// Files that cannot be read, with why: what they name today is not known.
    unread: Vec<(PathBuf, String)>,
}

/// What was found in the repository here.
struct Judged {
    repository: RepositoryName,
    report: Report,
    policy: Policy,
    unread: Vec<(PathBuf, String)>,
}

/// What is to be done with the waivers of this repository.
#[derive(Debug, Default)]
struct Plan {
    /// Not met any more, or over.
    gone: Vec<Waiver>,
    /// For fewer files, or ending sooner: what it was and what it is.
    narrower: Vec<(Waiver, Waiver)>,
    /// As they are.
    as_they_are: Vec<Waiver>,
    /// New ones.
    added: Vec<Waiver>,
    /// New, and not recorded because nobody asked for it.
    uncovered: Vec<(Named, BTreeSet<PathBuf>)>,
    /// What no waiver can name, and why.
    unwritable: Vec<String>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the kind `Usage` where there is no repository with a name that others share, or the waivers cannot be written; of the
/// kind `Undecided` when the repository cannot be read.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    refuse_one_person(args)?;
    let mut change = Change::begin(context, args.folder.folder_to_change(context)?)?;
    let limit = trust_beside(context, &change.folder)?.map_or(WAIVER_LIMIT, |trust| trust.waiver_limit);
    let expires = end(args, context.world.now, limit)?;
    let judged = judge(context, &change.folder)?;
    let repository = judged.repository.clone();
    let recorded: Vec<Waiver> =
        change.draft.document().waivers.iter().filter(|waiver| is_of(waiver, &repository)).cloned().collect();
    let unvetted = Unvetted::of(judged, &recorded);
    for (path, why) in &unvetted.unread {
        context.printer.warn(&format!(
            "`{}` cannot be read ({}): what it names is not recorded, and what was recorded of it stays",
            printable_path(path),
            printable(why)
        ));
    }
    let mut plan = Plan::shrinking(recorded, &unvetted, expires, context.world.now);
    let new = unvetted.beyond(&plan);
    if plan.is_first() || args.again {
        plan.add(args, new, (&repository, &change), (context.world.now, expires))?;
    } else {
        plan.uncovered = new.named.into_iter().map(|(named, (paths, _))| (named, paths)).collect();
    }
    plan.say(context, &repository);
    if plan.is_empty() {
        context.printer.say("nothing to write");
        return Ok(ExitStatus::Success);
    }
    if args.dry_run {
        context.printer.say("nothing was written: `--dry-run`");
        return Ok(ExitStatus::Success);
    }
    if !args.yes && context.printer.can_ask() && !context.printer.confirm("Write this?") {
        return Err(Error::usage("nothing was written"));
    }
    plan.apply(&mut change)?;
    change.write(context)?;
    Ok(ExitStatus::Success)
}

/// Refuse an owner who approves, or a name that is none, before anything is looked at.
fn refuse_one_person(args: &Args) -> Result<(), Error> {
    let wrong = |why: &str| Error::usage("cannot write this baseline").cause(why.to_owned());
    let named = |name: &Option<String>| name.as_ref().map(|name| name.trim().to_lowercase());
    let (owner, approver) = (named(&args.owner), named(&args.approver));
    for (option, name) in [("--owner", &owner), ("--approver", &approver)] {
        if name.as_ref().is_some_and(String::is_empty) {
            return Err(wrong(&format!("`{option}` names nobody")));
        }
    }
    if owner.is_some() && owner == approver {
        return Err(wrong("the owner of a waiver cannot approve it").hint("`--approver` names somebody else"));
    }
    Ok(())
}

/// The repository here, judged under the draft in the folder as if it had been signed. The layer of whoever runs this plays no part:
/// what is written is for everybody.
fn judge(context: &Context, folder: &Path) -> Result<Judged, Error> {
    let world = &context.world;
    let hint = "run it inside the work tree of the one whose content is to be recorded";
    let repository = observe::repository(world)?.ok_or_else(|| Error::usage("there is no git repository here").hint(hint))?;
    if repository.work_tree().is_none() {
        return Err(Error::usage("this is a bare repository: it has no index, so there is no content to record").hint(hint));
    }
    let name = in_force::name_of(&repository).ok_or_else(|| {
        Error::usage(
            "this repository has no name that others share: it has no `origin`, or one that is no address of `https` or `ssh`",
        )
        .cause("the waivers would hold in every repository")
        .hint("git remote add origin ADDRESS")
    })?;
    let loaded = policy::draft(context, folder)?;
    let policy = in_force::without_user(world, &loaded, Some(&repository), &Which::Index)?;
    if !policy.freshness(world.now).approves() {
        return Err(Error::usage(format!("the documents in `{}` are too old to judge by", printable_path(folder)))
            .cause("nothing is approved under them, so everything would be recorded")
            .hint("`vetted sign --renew` makes the next issue"));
    }
    let (catalogue, platform) = (observe::catalogue_under(&policy, world.now)?, Platform::here());
    let look = Look { context, loaded: &loaded, policy: &policy, catalogue: &catalogue, platform: &platform };
    let (evidence, policy) = look.evidence(Some(&repository), &Which::Index, false)?;
    let report = decide(&policy, &catalogue, &evidence, &platform, world.now);
    let unread = evidence.oddities.into_iter().filter_map(|oddity| match oddity {
        Oddity::Unparsable { location, why } => Some((location.path, why)),
        _ => None,
    });
    Ok(Judged { repository: name, report, policy, unread: unread.collect() })
}

/// Whether a waiver is one of the baseline of a repository.
fn is_of(waiver: &Waiver, repository: &RepositoryName) -> bool {
    let of_repository =
        |scope: &Scope| scope.repositories.len() == 1 && scope.repositories[0] == repository.as_str() && !scope.paths.is_empty();
    waiver.id.starts_with(PREFIX) && waiver.lifts == [Lifts::Unvetted] && waiver.scope.as_ref().is_some_and(of_repository)
}

/// The end of the waivers that are to be written, where one is named.
fn end(args: &Args, now: Timestamp, limit: SignedDuration) -> Result<Option<Timestamp>, Error> {
    let wrong = |why: String| Error::usage("cannot write this baseline").cause(why);
    let Some(text) = &args.expires else { return Ok(None) };
    let expires = waive::instant(text).map_err(wrong)?;
    if expires <= now {
        return Err(wrong(format!("it would end at {expires}, and it is {now} now")));
    }
    if expires.duration_since(now) > limit {
        let most = duration::written(limit);
        return Err(wrong(format!("it would run until {expires}; vetted-trust.toml lets a waiver run for at most {most}")));
    }
    Ok(Some(expires))
}

impl Unvetted {
    /// What of a report nobody vetted: also what passes by the recorded waivers alone.
    fn of(judged: Judged, recorded: &[Waiver]) -> Self {
        let Judged { report, policy, unread, .. } = judged;
        let is_recorded = |id: &str| recorded.iter().any(|waiver| waiver.id == id);
        let is_meant = |judgement: &&Judgement| match &judgement.verdict {
            Verdict::Unvetted { .. } => true,
            Verdict::Waived { id, .. } => is_recorded(id),
            _ => false,
        };
        let mut found = Self { unread, ..Self::default() };
        for judgement in report.verdicts.iter().filter(is_meant) {
            let Item::Mention(mention) = &judgement.item else { continue };
            let version = match &mention.request {
                Request::Exact(version) => version.as_str().to_owned(),
                Request::Floating { text, .. } => text.clone(),
            };
            // What weights do to a run is said by a level of their own.
            let passes = mention.role != Role::Weights && policy.unlisted(judgement.kind) == Unlisted::Allow;
            let entry = found.named.entry((mention.tool.clone(), version)).or_insert_with(|| (BTreeSet::new(), passes));
            entry.0.insert(mention.location.path.clone());
        }
        found
    }

    /// Whether a file that a glob of a waiver names still names what the waiver is for, or may.
    fn meets(&self, waiver: &Waiver, glob: &str) -> bool {
        let scope = Scope { repositories: Vec::new(), groups: Vec::new(), paths: vec![glob.to_owned()] };
        let is_named = self.named.iter().any(|((tool, version), (paths, _))| {
            *tool == waiver.tool && waiver.versions.contains(version) && paths.iter().any(|path| scope.holds_for(path))
        });
        is_named || self.unread.iter().any(|(path, _)| scope.holds_for(path))
    }

    /// What no waiver of a plan is for. What passes without an approval needs none.
    fn beyond(self, plan: &Plan) -> Self {
        let left: Vec<&Waiver> = plan.narrower.iter().map(|(_, to)| to).chain(&plan.as_they_are).collect();
        let is_covered = |(tool, version): &Named, path: &PathBuf| {
            left.iter().any(|waiver| {
                waiver.tool == *tool
                    && waiver.versions.contains(version)
                    && waiver.scope.as_ref().is_some_and(|scope| scope.holds_for(path))
            })
        };
        let Self { named, unread } = self;
        let rest = named.into_iter().filter(|(_, (_, passes))| !passes).filter_map(|(named, (mut paths, passes))| {
            paths.retain(|path| !is_covered(&named, path));
            (!paths.is_empty()).then_some((named, (paths, passes)))
        });
        Self { named: rest.collect(), unread }
    }
}

/// What every waiver of a baseline says.
struct Terms<'a> {
    repository: &'a str,
    owner: &'a str,
    approver: &'a str,
    reason: &'a str,
    starts: Timestamp,
    expires: Timestamp,
}

impl Terms<'_> {
    /// A waiver for a tool in one version, in no file yet.
    fn waiver(&self, id: String, tool: ToolId, version: String) -> Waiver {
        Waiver {
            id,
            lifts: vec![Lifts::Unvetted],
            tool,
            versions: vec![version],
            digests: DigestSet::new(),
            scope: Some(self.scope(Vec::new())),
            owner: self.owner.to_owned(),
            approver: self.approver.to_owned(),
            reason: self.reason.to_owned(),
            starts: self.starts,
            expires: self.expires,
            line: 0,
        }
    }

    fn scope(&self, paths: Vec<String>) -> Scope {
        Scope { repositories: vec![self.repository.to_owned()], groups: Vec::new(), paths }
    }
}

/// The same waiver for other files.
fn in_files(waiver: &Waiver, paths: Vec<String>) -> Waiver {
    let scope = waiver.scope.as_ref().map(|scope| Scope { paths, ..scope.clone() });
    Waiver { scope, ..waiver.clone() }
}

impl Plan {
    /// What becomes of the waivers that are there: never more than they are.
    fn shrinking(recorded: Vec<Waiver>, unvetted: &Unvetted, expires: Option<Timestamp>, now: Timestamp) -> Self {
        let mut plan = Self::default();
        for waiver in recorded {
            let mut to = waiver.clone();
            if let Some(scope) = &mut to.scope {
                scope.paths.retain(|glob| unvetted.meets(&waiver, glob));
            }
            to.expires = expires.map_or(to.expires, |expires| expires.min(to.expires));
            let is_met = to.scope.as_ref().is_some_and(|scope| !scope.paths.is_empty());
            if !is_met || waiver.expires <= now {
                plan.gone.push(waiver);
            } else if to == waiver {
                plan.as_they_are.push(waiver);
            } else {
                plan.narrower.push((waiver, to));
            }
        }
        plan
    }

    /// Whether this repository has no baseline yet.
    fn is_first(&self) -> bool {
        self.gone.is_empty() && self.narrower.is_empty() && self.as_they_are.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.narrower.is_empty() && self.added.is_empty()
    }

    /// Plan a waiver for each tool and version.
    fn add(
        &mut self,
        args: &Args,
        new: Unvetted,
        (repository, change): (&RepositoryName, &Change),
        (now, expires): (Timestamp, Option<Timestamp>),
    ) -> Result<(), Error> {
        if new.named.is_empty() {
            return Ok(());
        }
        let asked =
            [("--owner", args.owner.is_some()), ("--approver", args.approver.is_some()), ("--expires", expires.is_some())];
        let missing: Vec<&str> = asked.into_iter().filter(|(_, is_given)| !is_given).map(|(name, _)| name).collect();
        let (Some(owner), Some(approver), Some(expires)) = (&args.owner, &args.approver, expires) else {
            return Err(Error::usage("a waiver has an owner, an approver who is somebody else, and an end")
                .cause(format!("missing: {}", missing.join(", ")))
                .hint("vetted baseline --owner NAME --approver NAME --expires DATE"));
        };
        let terms = Terms { repository: repository.as_str(), owner, approver, reason: &args.reason, starts: now, expires };
        let mut trial = change.draft.clone();
        let taken = trial.waiver_ids();
        // Ids are never used again. The serial of the issue that brings them stands in them, because what was removed is not known here.
        let issue = trial.document().header.serial.saturating_add(1);
        let mut numbers = 1_u32..;
        for ((tool, version), (paths, _)) in new.named {
            let mut ids = numbers.by_ref().map(|number| format!("{PREFIX}{issue}.{number}-{tool}"));
            let Some(id) = ids.find(|id| !taken.contains(id)) else { break };
            let mut waiver = terms.waiver(id, tool, version);
            let paths = self.writable(&trial, &waiver, &paths)?;
            if paths.is_empty() {
                continue;
            }
            waiver = in_files(&waiver, paths);
            trial.waive(&waiver).map_err(|error| Error::usage("cannot write this baseline").because(&error))?;
            self.added.push(waiver);
        }
        if self.added.is_empty() && !self.unwritable.is_empty() {
            let error = Error::usage("cannot write this baseline");
            return Err(self.unwritable.iter().take(10).fold(error, |error, why| error.cause(printable(why))));
        }
        Ok(())
    }

    /// The globs of the files that a waiver can name. A name that a document cannot hold keeps no other file out.
    fn writable(&mut self, draft: &Draft, waiver: &Waiver, paths: &BTreeSet<PathBuf>) -> Result<Vec<String>, Error> {
        let globs: Vec<Option<String>> = paths.iter().map(|path| path.to_str().map(globset::escape)).collect();
        let attempt = |paths: Vec<String>| match draft.clone().waive(&in_files(waiver, paths)) {
            Ok(()) => Ok(None),
            Err(EditError::Invalid(errors)) => Ok(Some(reasons(&errors))),
            Err(error) => Err(Error::usage("cannot write this baseline").because(&error)),
        };
        let all: Vec<String> = globs.iter().flatten().cloned().collect();
        if all.len() == globs.len() && attempt(all.clone())?.is_none() {
            return Ok(all);
        }
        let mut writable = Vec::new();
        for (path, glob) in paths.iter().zip(globs) {
            let why = match &glob {
                None => Some("its name is not UTF-8".to_owned()),
                Some(glob) => attempt(vec![glob.clone()])?,
            };
            match why {
                None => writable.extend(glob),
                Some(why) => {
                    let version = waiver.versions.join(", ");
                    self.unwritable.push(format!("{} {version} in {}: {why}", waiver.tool, printable_path(path)));
                }
            }
        }
        Ok(writable)
    }

    fn apply(&self, change: &mut Change) -> Result<(), Error> {
        let cannot = |error: EditError| Error::usage("cannot write this baseline").because(&error);
        for waiver in &self.gone {
            change.draft.unwaive(&waiver.id).map_err(cannot)?;
        }
        for (_, to) in &self.narrower {
            change.draft.narrow_waiver(&to.id, to).map_err(cannot)?;
        }
        for waiver in &self.added {
            change.draft.waive(waiver).map_err(cannot)?;
        }
        Ok(())
    }

    fn say(&self, context: &Context, repository: &RepositoryName) {
        let printer = context.printer;
        printer.say(&format!("baseline of {repository}"));
        for waiver in &self.added {
            printer.say(&format!("  + {} until {}", words(waiver), waiver.expires));
        }
        for (from, to) in &self.narrower {
            printer.say(&format!("  ~ {} until {}; before: {} until {}", words(to), to.expires, places(from), from.expires));
        }
        for waiver in &self.gone {
            printer.say(&format!("  - {}", words(waiver)));
        }
        for why in &self.unwritable {
            printer.warn(&format!("not recorded: {}", printable(why)));
        }
        for ((tool, version), paths) in &self.uncovered {
            let paths: Vec<String> = paths.iter().map(|path| printable_path(path)).collect();
            printer.say(&format!(
                "  not covered: {tool} {} in {}: judged like anything new; `--again` records it as well",
                printable(version),
                paths.join(", ")
            ));
        }
        let (added, gone) = (self.added.len(), self.gone.len());
        let (narrower, kept) = (self.narrower.len(), self.as_they_are.len());
        printer.say(&format!("{added} added, {gone} removed, {narrower} narrowed, {kept} as before"));
    }
}

fn words(waiver: &Waiver) -> String {
    let versions = waiver.versions.join(", ");
    format!("{}: {} {} in {}", printable(&waiver.id), waiver.tool, printable(&versions), places(waiver))
}

fn places(waiver: &Waiver) -> String {
    let paths: Vec<&str> = waiver.scope.iter().flat_map(|scope| &scope.paths).map(String::as_str).collect();
    printable(&paths.join(", ")).into_owned()
}

fn reasons(errors: &crate::manifest::ManifestErrors) -> String {
    errors.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}
