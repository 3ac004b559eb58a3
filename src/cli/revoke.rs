//! `vetted revoke`: refuse a tool, a package, a vendor, a model or a file.

use super::approve::{of_package, package_of};
use super::change::{Change, FolderArgs, RevocationsChange, has_on_call, last_signed, trust_beside};
use super::withdraw::on_call_revocations;
use super::{Context, observe};
use crate::catalogue::{Catalogue, Tool};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::error::{Error, ExitStatus};
use crate::manifest::{
    Affected, Artifact, Coverage, Manifest, Reason, Replacement, Revocation, Severity, Subject, Target as Asked,
};
use crate::text::printable;
use crate::tool::{Kind, Package, ToolId};
use crate::version::{Scheme, Version, VersionRange};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};

/// Refuse a tool, a package, a vendor, a model or a file
///
/// Written into `vetted-revocations.toml` where the trust policy has somebody on call, who signs it alone; else, and with
/// `--long-lived`, into `vetted.toml`. Only `vetted withdraw` ends it.
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
    /// Write it into `vetted.toml`, which more people sign and which lives longer
    #[arg(long)]
    long_lived: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

/// The document that takes the revocation.
enum Target {
    Manifest(Box<Change>),
    OnCall(Box<RevocationsChange>),
}

/// What is known before anything is written.
struct Known {
    /// The manifest: the one that is being changed, or the last one that was signed where that one cannot be read.
    manifest: Manifest,
    /// Ids that are taken, in both documents.
    ids: Vec<String>,
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
    let (mut target, known) = begin(args, context)?;
    let mut digests = args.digests.iter().map(|text| digest(text)).collect::<Result<Vec<_>, _>>()?;
    let affected = match args.subject.split_once(':') {
        Some(("digest", text)) => {
            digests.insert(0, digest(text)?);
            None
        }
        Some(("vendor", name)) => Some(Affected { subject: Subject::Vendor(name.to_owned()), ranges: Vec::new() }),
        Some(("model", glob)) => Some(Affected { subject: Subject::Model(glob.to_owned()), ranges: Vec::new() }),
        Some(("package", purl)) => Some(package(args, purl, &known.manifest)?),
        Some((kind, _)) => {
            return Err(Error::usage(format!("`{kind}:` is none of `package:`, `vendor:`, `model:` and `digest:`")));
        }
        None => Some(tool(args, &known.manifest)?),
    };
    if args.introduced.is_some() && !matches!(&affected, Some(Affected { subject: Subject::Tool(_) | Subject::Package(_), .. })) {
        return Err(Error::usage("versions belong to a tool or a package: a vendor, a model or a file is refused as a whole"));
    }
    let replacement = args.replacement.as_deref().map(replacement).transpose()?;
    let id = args.id.clone().unwrap_or_else(|| next_id(&known, context.world.now));
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
    if known.ids.contains(&revocation.id) {
        return Err(Error::usage(format!("the id `{}` is taken", printable(&revocation.id))).cause("ids are never reused"));
    }
    let cannot = |e: &dyn std::error::Error| Error::usage("cannot write this revocation").because(e);
    match &mut target {
        Target::Manifest(change) => change.draft.revoke(&revocation).map_err(|e| cannot(&e))?,
        Target::OnCall(change) => change.draft.revoke(&revocation).map_err(|e| cannot(&e))?,
    }
    context.printer.say(&format!("{}: {}", revocation.id, printable(&revocation.message)));
    say_effect(context, &revocation, &known.manifest);
    match target {
        Target::Manifest(change) => change.write(context)?,
        Target::OnCall(change) => change.write(context)?,
    }
    Ok(ExitStatus::Success)
}

fn begin(args: &Args, context: &Context) -> Result<(Target, Known), Error> {
    let folder = args.folder.folder_to_change(context)?;
    let trust = trust_beside(context, &folder)?;
    let on_call = on_call_revocations(context, &folder)?;
    let mut ids: Vec<String> = on_call.iter().flat_map(|d| &d.revocations).map(|r| r.id.clone()).collect();
    if args.long_lived || !has_on_call(trust.as_ref()) {
        let change = Change::begin(context, folder)?;
        ids.extend(change.draft.revocation_ids());
        let manifest = change.draft.document().clone();
        return Ok((Target::Manifest(Box::new(change)), Known { manifest, ids }));
    }
    let name = trust.map(|trust| trust.name).unwrap_or_default();
    let manifest = match Change::begin(context, folder.clone()) {
        Ok(change) => {
            ids.extend(change.draft.revocation_ids());
            change.draft.document().clone()
        }
        // A manifest that is half written must not keep the one on call from revoking.
        Err(error) => {
            let signed = last_signed(context, &folder).and_then(|last| last.manifest);
            let manifest = signed.ok_or(error)?;
            ids.extend(manifest.revocations.iter().map(|r| r.id.clone()));
            ids.extend(manifest.withdrawn.iter().map(|w| w.id.clone()));
            manifest
        }
    };
    Ok((Target::OnCall(Box::new(RevocationsChange::begin(context, folder, &name)?)), Known { manifest, ids }))
}

/// Which approvals it stops, or that nothing is known that it would.
fn say_effect(context: &Context, revocation: &Revocation, manifest: &Manifest) {
    let catalogue = observe::catalogue_of(manifest).unwrap_or_else(|_| Catalogue::built_in());
    let stopped = approvals_covered(revocation, manifest, &catalogue);
    let say = |line: &str| context.printer.say(line);
    if !stopped.is_empty() {
        let names: Vec<String> = stopped.iter().map(|(tool, version)| format!("{tool} {}", printable(version))).collect();
        return say(&format!("it stops what is approved: {}", names.join(", ")));
    }
    let known_file = |digests: &DigestSet| digests.iter().any(|d| catalogue.by_digest(d).is_some());
    let names_something = revocation.affected.iter().any(|affected| match &affected.subject {
        Subject::Tool(id) => catalogue.tool(id).is_some(),
        Subject::Package(package) => catalogue.by_package(package).is_some(),
        Subject::Vendor(name) => catalogue.tools().iter().any(|tool| tool.vendor.eq_ignore_ascii_case(name)),
        // Models are called as people like.
        Subject::Model(_) => true,
    });
    if names_something || revocation.digests.iter().any(known_file) {
        say("nothing that is approved is stopped by it");
    } else {
        say("warning: it matches nothing that is known: no tool, vendor or file of the catalogue, and no approval");
    }
}

/// The approved versions that a revocation covers.
pub(super) fn approvals_covered<'a>(
    revocation: &Revocation,
    manifest: &'a Manifest,
    catalogue: &Catalogue,
) -> Vec<(&'a ToolId, &'a str)> {
    let mut covered = Vec::new();
    for entry in &manifest.tools {
        let unknown = Tool::unknown(entry.id.clone());
        let tool = catalogue.tool(&entry.id).unwrap_or(&unknown);
        let packages: Vec<Package> = tool.packages().collect();
        for approval in &entry.approvals {
            let digests: Vec<&DigestSet> = approval
                .artifacts
                .iter()
                .map(|artifact| match artifact {
                    Artifact::Release(release) => &release.digests,
                    Artifact::Installed(installed) => &installed.digests,
                })
                .collect();
            let version = Version::parse(tool.scheme(), &approval.version);
            let is_covered = packages.iter().map(Some).chain([None]).any(|package| {
                let asked = Asked {
                    tool: &entry.id,
                    vendor: &tool.vendor,
                    model: package.filter(|_| tool.kind == Kind::Model).map(|package| package.name.as_str()),
                    package,
                    version: Some(&version),
                    scheme: tool.scheme(),
                    digests: &digests,
                };
                matches!(revocation.covers(&asked), Coverage::Covered(_))
            });
            if is_covered {
                covered.push((&entry.id, approval.version.as_str()));
            }
        }
    }
    covered
}

fn digest(text: &str) -> Result<DigestSet, Error> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let parsed = Digest::parse(Algorithm::Sha256, hex);
    parsed.map(DigestSet::from).map_err(|e| Error::usage(format!("`{text}` is not `sha256:` and 64 hex digits")).because(&e))
}

fn tool(args: &Args, manifest: &Manifest) -> Result<Affected, Error> {
    let catalogue = Catalogue::built_in();
    let of_package = |error| of_package(error, &catalogue, package_of(&args.subject).0);
    let id = args.subject.parse::<ToolId>().map_err(|e| of_package(Error::usage("no subject to revoke").because(&e)))?;
    let scheme = match catalogue.tool(&id) {
        Some(tool) => Some(tool.scheme()),
        // A tool of the organisation's own: its manifest knows it.
        None if manifest.tools.iter().any(|tool| tool.id == id) => None,
        None => {
            let error = Error::usage(format!("no tool is called `{id}`"));
            return Err(of_package(error)
                .cause("a revocation of a name that nothing has would refuse nothing")
                .hint("`vetted scan` names the tools that are here, `vetted explain TOOL` says what is known of one"));
        }
    };
    let ranges = ranges(args, id.as_str(), scheme)?;
    Ok(Affected { subject: Subject::Tool(id), ranges })
}

/// A package that some tool is: what no tool is, is never looked at.
fn package(args: &Args, purl: &str, manifest: &Manifest) -> Result<Affected, Error> {
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
fn next_id(known: &Known, now: Timestamp) -> String {
    let name = &known.manifest.header.name;
    let label = name.split(['.', '/', '_']).next().unwrap_or_default().to_ascii_uppercase();
    let prefix = format!("{label}-{}-", now.to_zoned(TimeZone::UTC).year());
    let numbers = known.ids.iter().filter_map(|id| id.strip_prefix(&prefix)?.parse::<u32>().ok()).max();
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
