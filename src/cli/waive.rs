//! `vetted waive`: a dated, owned, reasoned permission to pass.

use super::Context;
use super::change::{Change, FolderArgs, trust_beside};
use super::withdraw::on_call_revocations;
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::error::{Error, ExitStatus};
use crate::manifest::edit::EditError;
use crate::manifest::trust_policy::WAIVER_LIMIT;
use crate::manifest::{Lifts, Manifest, Revocations, Scope, Severity, Waiver, duration};
use crate::text::printable;
use crate::tool::ToolId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Let a tool pass for a time, in `vetted.toml`
///
/// It lifts what it names and nothing else: one that lifts a revocation of a tool that nobody approved names `unvetted`, too.
/// Revocations that are critical, and bytes that differ from an approval, are never lifted.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Tool id
    #[arg(value_name = "TOOL")]
    tool: String,
    /// What it lifts: the id of a revocation, or `unvetted`
    #[arg(long, value_name = "ID", required = true, value_delimiter = ',')]
    lifts: Vec<String>,
    /// Versions that may pass; without it every one
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    versions: Vec<String>,
    /// Only a file with this digest
    #[arg(long, value_name = "sha256:HEX")]
    digest: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// Who agreed; not the owner
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// From now on for so long, for example `7d` or `12h`
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until", required_unless_present = "until")]
    time: Option<String>,
    /// Until this instant, for example `2026-11-27` or `2026-11-27T12:00:00Z`
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Only on machines of this group; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Only in repositories like this one, for example `github.com/acme/forensics-*`; may be given several times
    #[arg(long = "repository", value_name = "GLOB")]
    repositories: Vec<String>,
    /// Only for what files at this path in those repositories name, for example `web/package.json` or `tools/**`; may be given several
    /// times
    #[arg(long = "path", value_name = "GLOB", requires = "repositories")]
    paths: Vec<String>,
    /// Id of the waiver; without it the next free one of this year
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// What is wrong with what was typed, all of it.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    /// The value, or a note that it is none.
    fn take<T>(&mut self, value: Result<T, String>) -> Option<T> {
        value.map_err(|why| self.0.push(why)).ok()
    }

    fn into_error(self) -> Error {
        self.0.into_iter().fold(Error::usage("cannot write this waiver"), Error::cause)
    }
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the kind `Usage` with everything that is wrong with the waiver, or when the manifest cannot be changed.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let mut change = Change::begin(context, args.folder.folder_to_change(context)?)?;
    let limit = trust_beside(context, &change.folder)?.map_or(WAIVER_LIMIT, |trust| trust.waiver_limit);
    let on_call = on_call_revocations(context, &change.folder)?;
    let now = context.world.now;
    let mut wrong = Wrong::default();
    let tool = wrong.take(tool(&args.tool, change.draft.document()));
    let known = change.draft.revocation_ids();
    for lift in &args.lifts {
        wrong.take(refuse_lift(lift, &known, change.draft.document(), on_call.as_ref()));
    }
    let digests = wrong.take(args.digest.as_deref().map_or(Ok(DigestSet::new()), digest));
    let expires = wrong.take(end(args, now));
    if let Some(expires) = expires
        && expires.duration_since(now) > limit
    {
        wrong.0.push(format!(
            "it would run until {expires}; vetted-trust.toml lets a waiver run for at most {}",
            duration::written(limit)
        ));
    }
    let waiver = Waiver {
        id: args.id.clone().unwrap_or_else(|| next_id(&change.draft.waiver_ids(), now)),
        lifts: args.lifts.iter().cloned().map(Lifts::of_word).collect(),
        // Another one where this one is wrong already, so that the rest is looked at, too.
        tool: tool.map_or_else(|| "unknown".parse(), Ok).map_err(|e| Error::usage("cannot write this waiver").because(&e))?,
        versions: args.versions.clone(),
        digests: digests.unwrap_or_default(),
        scope: scope(args),
        owner: args.owner.clone(),
        approver: args.approver.clone(),
        reason: args.reason.clone(),
        starts: now,
        expires: expires.unwrap_or_else(|| now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now)),
        line: 0,
    };
    match change.draft.waive(&waiver) {
        Err(EditError::Invalid(errors)) => wrong.0.extend(errors.problems.iter().map(|problem| problem.message.clone())),
        Err(error) => wrong.0.push(error.to_string()),
        Ok(()) => {}
    }
    if !wrong.0.is_empty() {
        return Err(wrong.into_error());
    }
    let place = match &waiver.scope {
        None => "everywhere".to_owned(),
        Some(scope) => scope
            .groups
            .iter()
            .chain(&scope.repositories)
            .chain(&scope.paths)
            .map(|s| printable(s))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let versions = if waiver.versions.is_empty() { "in every version".to_owned() } else { waiver.versions.join(", ") };
    context.printer.say(&format!(
        "{}: {} {} may pass until {} ({place})",
        printable(&waiver.id),
        waiver.tool,
        printable(&versions),
        waiver.expires
    ));
    change.write(context)?;
    Ok(ExitStatus::Success)
}

fn tool(text: &str, manifest: &Manifest) -> Result<ToolId, String> {
    let id: ToolId = text.parse().map_err(|e: crate::tool::ToolIdError| e.to_string())?;
    let catalogue = super::observe::catalogue_of(manifest).map_err(|e| e.message)?;
    if catalogue.tool(&id).is_some() || manifest.tools.iter().any(|tool| tool.id == id) {
        return Ok(id);
    }
    Err(format!("no tool is called `{id}`: a waiver for it would let nothing pass"))
}

/// Why a word is nothing that a waiver can lift.
fn refuse_lift(lift: &str, known: &[String], manifest: &Manifest, on_call: Option<&Revocations>) -> Result<(), String> {
    if lift == "unvetted" {
        return Ok(());
    }
    let shown = printable(lift);
    if manifest.withdrawn.iter().any(|w| w.id == lift) {
        return Err(format!("`{shown}` is withdrawn: there is nothing to lift"));
    }
    let swift = on_call.into_iter().flat_map(|d| &d.revocations).find(|r| r.id == lift);
    match swift {
        Some(revocation) if revocation.severity == Severity::Critical => {
            Err(format!("`{shown}` is critical: no waiver lifts it"))
        }
        // Those of the manifest are looked at where it is read.
        Some(_) => Ok(()),
        None if known.iter().any(|id| id == lift) => Ok(()),
        None => Err(format!("no revocation has the id `{shown}`, and it is not `unvetted`")),
    }
}

fn digest(text: &str) -> Result<DigestSet, String> {
    let parsed = Digest::parse(Algorithm::Sha256, text.strip_prefix("sha256:").unwrap_or(text));
    parsed.map(DigestSet::from).map_err(|_| format!("`{}` is not `sha256:` and 64 hex digits", printable(text)))
}

/// The end of the waiver.
fn end(args: &Args, now: Timestamp) -> Result<Timestamp, String> {
    let later = |end: Timestamp| if end > now { Ok(end) } else { Err(format!("it would end at {end}, and it is {now} now")) };
    if let Some(time) = &args.time {
        let span = duration::parse(time)?;
        return later(now.checked_add(span).map_err(|_| format!("`{}` is longer than there is time", printable(time)))?);
    }
    let until = args.until.as_deref().unwrap_or_default();
    later(instant(until)?)
}

/// An instant, or the beginning of a day in UTC.
pub(super) fn instant(until: &str) -> Result<Timestamp, String> {
    let day = || until.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    match until.parse::<Timestamp>().ok().or_else(day) {
        Some(end) => Ok(end),
        None => Err(format!("`{}` is no date: write it like 2026-11-27 or 2026-11-27T12:00:00Z", printable(until))),
    }
}

fn scope(args: &Args) -> Option<Scope> {
    let is_given = !args.groups.is_empty() || !args.repositories.is_empty();
    is_given.then(|| Scope { repositories: args.repositories.clone(), groups: args.groups.clone(), paths: args.paths.clone() })
}

/// The next free id of the year, for example `W-2026-114`.
fn next_id(taken: &[String], now: Timestamp) -> String {
    let prefix = format!("W-{}-", now.to_zoned(TimeZone::UTC).year());
    let highest = taken.iter().filter_map(|id| id.strip_prefix(&prefix)?.parse::<u32>().ok()).max();
    format!("{prefix}{:03}", highest.map_or(1, |highest| highest.saturating_add(1)))
}
