//! `vetted approve`: pin a version of a tool, from what lies on disk or from what its registry serves.

mod installed;

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

/// Approve a version of a tool by the digests of what is installed
///
/// Measures the installation on this machine and pins it in `vetted.toml`, with a list of its files beside it. Nothing passes by it
/// before enough people signed it with `vetted sign`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Tool id, and the version where several are installed
    #[arg(value_name = "TOOL[@VERSION]")]
    subject: String,
    /// Pin what lies on this machine
    #[arg(long, required = true)]
    installed: bool,
    /// The installation to pin, where several differ
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Who approves; may be given several times; without it the name of the user
    #[arg(long, value_name = "NAME")]
    by: Vec<String>,
    /// Reference into the organisation's own records
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when what is to be approved cannot be had or measured, or the manifest cannot be changed.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    installed::run(args, context)
}

/// A tool, and its version where one is named: `claude-code@2.1.329`.
fn subject(text: &str) -> Result<(ToolId, Option<String>), Error> {
    let (id, version) = text.split_once('@').map_or((text, None), |(id, version)| (id, Some(version.to_owned())));
    let id = id.parse().map_err(|e| Error::usage("no tool to approve").because(&e))?;
    Ok((id, version))
}

/// The entry of a tool that is to be approved.
fn tool_of<'a>(catalogue: &'a Catalogue, id: &ToolId) -> Result<&'a Tool, Error> {
    catalogue.tool(id).ok_or_else(|| {
        Error::usage(format!("no tool is called `{id}`"))
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
