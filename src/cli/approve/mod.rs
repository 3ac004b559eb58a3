//! `vetted approve`: pin a version of a tool, from what lies on disk or from what its registry serves.

mod asked;
mod evidence;
mod file;
mod github;
mod installed;
mod laid;
mod npm;
mod npm_artifacts;
mod pypi;
mod registries;
mod released;
mod reproduce;
mod store;
mod watch;

use super::Context;
use super::change::FolderArgs;
use super::key_file::user_name;
use crate::catalogue::{Catalogue, Tool};
use crate::digest::DigestSet;
use crate::error::{Error, ExitStatus};
use crate::manifest::{Approved, Coverage, Revocation, Target};
use crate::text::printable;
use crate::tool::{Kind, Package, ToolId};
use crate::version::{Scheme, Version};
use jiff::Timestamp;
use std::path::PathBuf;
use std::str::FromStr;

/// Approve a version of a tool by the digests of what its registry serves, or of what is installed
///
/// With `--from` the release is downloaded, its attestations are verified as the tool's `require` asks, and what an installation of it
/// must look like on every platform is worked out without running anything of it. With `--installed` what lies on this machine is
/// measured. Either way it is pinned in `vetted.toml`, with lists and evidence below `attestations/` beside it. Nothing passes by it
/// before enough people signed it with `vetted sign`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("way").required(true).args(["from", "installed", "reproduce", "watch"]))]
pub(super) struct Args {
    /// Tool id, and the version; with `--from` and without a version the newest past the cooldown
    #[arg(value_name = "TOOL[@VERSION]", required_unless_present_any = ["reproduce", "watch"])]
    subject: Option<String>,
    /// Where the release comes from: `npm`, `pypi`, `github:OWNER/REPOSITORY`, or a file
    ///
    /// The addresses of registries are those that npm, pip, uv and gh are set up for. A file is an npm package, a wheel, an extension,
    /// a plugin, a program, or an archive with one program in it; write `./npm` for a file that is called like a registry.
    #[arg(long, value_name = "SOURCE")]
    from: Option<From>,
    /// Pin what lies on this machine
    #[arg(long)]
    installed: bool,
    /// Download again what an approval records, and compare; without a tool every approval of a release
    ///
    /// Ends with 0 where all of it is the same, with 1 at the first difference, with 3 where something cannot be had any more.
    #[arg(long, conflicts_with_all = ["by", "ticket", "bundle", "require", "node", "path"])]
    reproduce: bool,
    /// Show the versions that are newer than what is approved; writes nothing
    #[arg(long, conflicts_with_all = ["by", "ticket", "bundle", "require", "node", "path"])]
    watch: bool,
    /// The installation to pin, where several differ
    #[arg(long, value_name = "PATH", requires = "installed")]
    path: Option<PathBuf>,
    /// Address of the registry, in the place of the one that is set up
    #[arg(long, value_name = "URL", conflicts_with = "installed")]
    registry: Option<String>,
    /// A file with attestations that the registry does not serve; may be given several times
    #[arg(long, value_name = "FILE", requires = "from")]
    bundle: Vec<PathBuf>,
    /// Require the attestation that was found from now on, as a policy with this id
    #[arg(long, value_name = "NEW-ID", requires = "from")]
    require: Option<String>,
    /// The version of Node.js that chooses among versions of dependencies; without it every version counts as fitting
    #[arg(long, value_name = "VERSION", requires = "from")]
    node: Option<String>,
    /// Who approves; may be given several times; without it the name of the user
    #[arg(long, value_name = "NAME")]
    by: Vec<String>,
    /// Reference into the organisation's own records
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// How `--watch` shows what it found
    #[arg(long, value_enum, default_value_t, requires = "watch")]
    format: Format,
    #[command(flatten)]
    folder: FolderArgs,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// Where a release comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    /// The registry that npm is set up for.
    Npm,
    /// The index that pip or uv is set up for.
    Pypi,
    /// The releases of a repository, `owner/name`.
    GitHub(Option<String>),
    /// A file on this machine.
    File(PathBuf),
}

impl FromStr for From {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "npm" => Self::Npm,
            "pypi" => Self::Pypi,
            "github" => Self::GitHub(None),
            other => match other.strip_prefix("github:") {
                Some(repository) => Self::GitHub(Some(repository.to_owned())),
                None => Self::File(PathBuf::from(other)),
            },
        })
    }
}

/// Run the command.
///
/// # Errors
/// [`Error`] when what is to be approved cannot be had or measured, or the manifest cannot be changed.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    if args.reproduce {
        return reproduce::run(args, context);
    }
    if args.watch {
        return watch::run(args, context);
    }
    match &args.from {
        Some(from) => released::run(args, from, context),
        None => installed::run(args, context),
    }
}

/// A tool, and its version where one is named: `claude-code@2.1.329`.
fn subject(text: &str) -> Result<(ToolId, Option<String>), Error> {
    // The name of a package may begin with `@`.
    let at = text.rfind('@').filter(|at| *at > 0);
    let (id, version) = at.map_or((text, None), |at| (&text[..at], Some(text[at + 1..].to_owned())));
    let id = id.parse().map_err(|e| of_package(Error::usage("no tool to approve").because(&e), &Catalogue::built_in(), id))?;
    Ok((id, version))
}

/// The name and the version in a text, which may be the name of a package and begin with `@`.
pub(in crate::cli) fn package_of(text: &str) -> (&str, Option<&str>) {
    match text.rfind('@').filter(|at| *at > 0 && at + 1 < text.len()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text.strip_suffix('@').unwrap_or(text), None),
    }
}

/// An error about a tool that does not exist, with the tools whose package has that name.
pub(in crate::cli) fn of_package(error: Error, catalogue: &Catalogue, name: &str) -> Error {
    let is_package =
        |package: &Package| package.name == name || package.name.rsplit_once('/').is_some_and(|(_, last)| last == name);
    let tools = catalogue.tools().iter().filter(|tool| tool.packages().any(|package| is_package(&package)));
    tools.fold(error, |error, tool| error.hint(format!("the package of that name is the tool `{}`", tool.id)))
}

/// The entry of a tool that is to be approved.
fn tool_of<'a>(catalogue: &'a Catalogue, id: &ToolId) -> Result<&'a Tool, Error> {
    catalogue.tool(id).ok_or_else(|| {
        of_package(Error::usage(format!("no tool is called `{id}`")), catalogue, id.as_str())
            .hint("a tool of your own is described in vetted.toml under [tool.recognise] (docs/manifest.md)")
    })
}

/// Who approves, now.
fn approved_now(args: &Args, context: &Context) -> Approved {
    let by = if args.by.is_empty() { vec![user_name(context)] } else { args.by.clone() };
    Approved { by, at: context.world.now, ticket: args.ticket.clone() }
}

/// What a revocation is asked about before something is approved.
struct Candidate<'a> {
    package: Option<&'a Package>,
    version: Option<&'a Version>,
    scheme: Scheme,
    digests: Vec<&'a DigestSet>,
}

/// The revocation in force that may cover a candidate. A waiver makes no difference: it lets a revoked tool pass for a time and does
/// not make it one to approve.
fn revoked<'a>(
    revocations: &'a [Revocation],
    tool: &Tool,
    candidates: &[Candidate<'_>],
    now: Timestamp,
) -> Option<&'a Revocation> {
    revocations.iter().filter(|r| r.effective <= now).find(|revocation| {
        candidates.iter().any(|candidate| {
            let name = candidate.package.map(|p| p.name.as_str());
            let target = Target {
                tool: &tool.id,
                vendor: &tool.vendor,
                model: name.filter(|_| tool.kind == Kind::Model),
                package: candidate.package,
                version: candidate.version,
                scheme: candidate.scheme,
                digests: &candidate.digests,
            };
            revocation.covers(&target) != Coverage::NotCovered
        })
    })
}

/// Say that a revocation stands in the way. The run ends as blocked.
fn refuse_revoked(context: &Context, id: &ToolId, version: &str, revocation: &Revocation) -> ExitStatus {
    let error = Error::usage(format!("{id} {} is revoked and cannot be approved", printable(version))).cause(format!(
        "{}: {}",
        revocation.id,
        printable(&revocation.message)
    ));
    context.printer.error(&error);
    ExitStatus::Blocked
}

/// A version as one name of a path.
fn file_name(version: &str) -> String {
    let plain: String = version.chars().map(|c| if c.is_ascii_alphanumeric() || "-._+".contains(c) { c } else { '_' }).collect();
    if plain.starts_with('.') { format!("_{plain}") } else { plain }
}
