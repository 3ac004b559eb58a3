//! `vetted revoke`: refuse a tool, a package, a vendor, a model or a file.

use super::Context;
use super::change::{Change, FolderArgs};
use crate::catalogue::Catalogue;
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::error::{Error, ExitStatus};
use crate::manifest::edit::Draft;
use crate::manifest::{Affected, Reason, Replacement, Revocation, Severity, Subject};
use crate::text::printable;
use crate::tool::{Package, ToolId};
use crate::version::{Scheme, Version, VersionRange};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};

/// Refuse a tool, a package, a vendor, a model or a file in `vetted.toml`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is refused: a tool id, `package:PURL`, `vendor:NAME`, `model:GLOB` or `digest:sha256:HEX`
    #[arg(value_name = "SUBJECT")]
    subject: String,
    /// First version that is refused; `0` for every version
    #[arg(long, value_name = "VERSION")]
    introduced: Option<String>,
    /// First version that is good again; without it all later ones are refused
    #[arg(long, value_name = "VERSION", requires = "introduced")]
    fixed: Option<String>,
    /// Further files that are refused, wherever they lie and whatever they are called
    #[arg(long = "digest", value_name = "sha256:HEX")]
    digests: Vec<String>,
    /// Why
    #[arg(long, value_name = "REASON", value_parser = parse_word::<Reason>, long_help = "Why: undisclosed-tracking, malicious, vulnerable, compromised, licence, policy or unmaintained")]
    reason: Reason,
    /// How bad: `low`, `high`, or `critical`, which no waiver lifts
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = parse_word::<Severity>)]
    severity: Severity,
    /// What to use in its place
    #[arg(long, value_name = "TOOL[@VERSION]")]
    replacement: Option<String>,
    /// Page with the facts
    #[arg(long, value_name = "URL")]
    advisory: Option<String>,
    /// One or two sentences for the person who is stopped
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Id of the revocation; without it the next free one of this year
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
}

fn parse_word<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|e| e.to_string())
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the kind `Usage` when the subject is not one, or the manifest cannot be changed.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let mut change = Change::begin(context.world.files, args.folder.folder(context)?)?;
    let mut digests = args.digests.iter().map(|text| digest(text)).collect::<Result<Vec<_>, _>>()?;
    let affected = match args.subject.split_once(':') {
        Some(("digest", text)) => {
            digests.insert(0, digest(text)?);
            None
        }
        Some(("vendor", name)) => Some(Affected { subject: Subject::Vendor(name.to_owned()), ranges: Vec::new() }),
        Some(("model", glob)) => Some(Affected { subject: Subject::Model(glob.to_owned()), ranges: Vec::new() }),
        Some(("package", purl)) => Some(package(args, purl, change.draft.manifest())?),
        Some((kind, _)) => {
            return Err(Error::usage(format!("`{kind}:` is none of `package:`, `vendor:`, `model:` and `digest:`")));
        }
        None => Some(tool(args, change.draft.manifest())?),
    };
    if args.introduced.is_some() && !matches!(&affected, Some(Affected { subject: Subject::Tool(_) | Subject::Package(_), .. })) {
        return Err(Error::usage("versions belong to a tool or a package: a vendor, a model or a file is refused as a whole"));
    }
    let replacement = args.replacement.as_deref().map(replacement).transpose()?;
    let id = args.id.clone().unwrap_or_else(|| next_id(&change.draft, context.world.now));
    let message = args.message.clone().unwrap_or_else(|| message(affected.as_ref(), args.reason, replacement.as_ref()));
    let revocation = Revocation {
        id,
        aliases: Vec::new(),
        affected: affected.into_iter().collect(),
        digests,
        reason: args.reason,
        severity: args.severity,
        effective: context.world.now,
        advisory: args.advisory.clone(),
        replacement,
        message,
        line: 0,
    };
    change.draft.revoke(&revocation).map_err(|e| Error::usage("cannot write this revocation").because(&e))?;
    context.printer.say(&format!("{}: {}", revocation.id, printable(&revocation.message)));
    change.write(context)?;
    Ok(ExitStatus::Success)
}

fn digest(text: &str) -> Result<DigestSet, Error> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let parsed = Digest::parse(Algorithm::Sha256, hex);
    parsed.map(DigestSet::from).map_err(|e| Error::usage(format!("`{text}` is not `sha256:` and 64 hex digits")).because(&e))
}

fn tool(args: &Args, manifest: &crate::manifest::Manifest) -> Result<Affected, Error> {
    let id = args.subject.parse::<ToolId>().map_err(|e| Error::usage("no subject to revoke").because(&e))?;
    let catalogue = Catalogue::built_in();
    let scheme = match catalogue.tool(&id) {
        Some(tool) => Some(tool.scheme()),
        // A tool of the organisation's own: its manifest knows it.
        None if manifest.tools.iter().any(|tool| tool.id == id) => None,
        None => {
            let error = Error::usage(format!("no tool is called `{id}`"));
            return Err(error.cause("a revocation of a name that nothing has would refuse nothing"));
        }
    };
    let ranges = ranges(args, id.as_str(), scheme)?;
    Ok(Affected { subject: Subject::Tool(id), ranges })
}

/// A package that some tool is: what no tool is, is never looked at.
fn package(args: &Args, purl: &str, manifest: &crate::manifest::Manifest) -> Result<Affected, Error> {
    let no_subject = || Error::usage("no subject to revoke");
    let (package, version) = Package::parse_purl(purl).map_err(|why| no_subject().cause(printable(&why)))?;
    if version.is_some() {
        return Err(no_subject()
            .cause(format!("`{}` names a version", printable(purl)))
            .hint("`--introduced` and `--fixed` say which"));
    }
    let described = manifest.tools.iter().filter_map(|tool| tool.recognise.as_ref()).any(|r| r.packages.contains(&package));
    if !described && Catalogue::built_in().by_package(&package).is_none() {
        let error = Error::usage(format!("no tool comes as `{}`", package.purl(None)));
        return Err(error
            .cause("only packages of tools are looked for: this revocation would refuse nothing")
            .hint("describe the tool first, with `[tool.recognise]` in `vetted.toml`"));
    }
    let ranges = ranges(args, &package.purl(None), Some(package.ecosystem.scheme()))?;
    Ok(Affected { subject: Subject::Package(package), ranges })
}

/// The versions that the options name; none for every version.
fn ranges(args: &Args, name: &str, scheme: Option<Scheme>) -> Result<Vec<VersionRange>, Error> {
    let Some(introduced) = args.introduced.clone() else {
        return Err(
            Error::usage(format!("from which version on is `{name}` refused")).hint("`--introduced 0` refuses every version")
        );
    };
    for bound in [Some(&introduced), args.fixed.as_ref()].into_iter().flatten().filter(|bound| *bound != "0") {
        if scheme.is_some_and(|scheme: Scheme| !Version::parse(scheme, bound).is_ordered()) {
            return Err(Error::usage(format!("`{bound}` is not a version of `{name}`")));
        }
    }
    Ok(match (&*introduced, &args.fixed) {
        ("0", None) => Vec::new(),
        _ => vec![VersionRange { introduced, fixed: args.fixed.clone() }],
    })
}

fn replacement(text: &str) -> Result<Replacement, Error> {
    let (tool, version) = text.split_once('@').map_or((text, None), |(tool, version)| (tool, Some(version.to_owned())));
    let tool = tool.parse::<ToolId>().map_err(|e| Error::usage("no tool to use in its place").because(&e))?;
    Ok(Replacement { tool, version })
}

/// The next free id of the year, for example `ACME-2026-0042` in the policy `acme.example/ai-tools`.
fn next_id(draft: &Draft, now: Timestamp) -> String {
    let name = &draft.manifest().header.name;
    let label = name.split(['.', '/', '_']).next().unwrap_or_default().to_ascii_uppercase();
    let prefix = format!("{label}-{}-", now.to_zoned(TimeZone::UTC).year());
    let numbers = draft.revocation_ids().into_iter().filter_map(|id| id.strip_prefix(&prefix)?.parse::<u32>().ok()).max();
    format!("{prefix}{:04}", numbers.map_or(1, |highest| highest.saturating_add(1)))
}

fn versions(name: &str, ranges: &[VersionRange]) -> String {
    match ranges.first() {
        Some(range) => format!("{name} {range} is refused"),
        None => format!("{name} is refused in every version"),
    }
}

fn message(affected: Option<&Affected>, reason: Reason, replacement: Option<&Replacement>) -> String {
    let what = match affected {
        None => "This file is refused".to_owned(),
        Some(Affected { subject: Subject::Vendor(name), .. }) => format!("Tools of {name} are refused"),
        Some(Affected { subject: Subject::Model(glob), .. }) => format!("Models called {glob} are refused"),
        Some(Affected { subject: Subject::Tool(id), ranges }) => versions(id.as_str(), ranges),
        Some(Affected { subject: Subject::Package(package), ranges }) => versions(&package.name, ranges),
    };
    let why = match reason {
        Reason::UndisclosedTracking => "undisclosed tracking",
        Reason::Malicious => "malicious code",
        Reason::Vulnerable => "a vulnerability",
        Reason::Compromised => "a takeover of its maker's account, keys or build",
        Reason::Licence => "its licence or terms",
        Reason::Policy => "a decision of the organisation",
        Reason::Unmaintained => "nobody maintains it",
    };
    let instead = replacement
        .map(|r| format!(" Use {}{} in its place.", r.tool, r.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default()))
        .unwrap_or_default();
    format!("{what}: {why}.{instead}")
}
