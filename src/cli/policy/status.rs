//! `vetted policy status`: how far a policy is on its way to being believed.

use super::Format;
use super::read::{LookArgs, Read};
use crate::cli::Context;
use crate::cli::previous::count;
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::manifest::source::{SOURCE_FILE, SourcePin};
use crate::manifest::trust_policy::Role;
use crate::manifest::{MAX_UNVERIFIED, TrustPolicy};
use crate::report::checkup;
use crate::report::policy_status::{DocumentStatus, Status, ThresholdStatus, render_json, sections};
use crate::trust::Authority;
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE, earlier_path, verify_folder};
use crate::trust::place::policy_folder;
use crate::trust::state::{Floors, State, Store};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Say for each document its serial, its end, who signed and who is missing
///
/// Says, too, what this machine believed last and where newer documents are had from. Nothing is remembered by it. Exit status: 0
/// the policy is believed as it stands, 3 it is not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy folder; without it the machine's own where it holds a policy, else the user's
    #[arg(value_name = "DIR")]
    path: Option<PathBuf>,
    /// For people, or for programs (`vetted/policy-status/v1`)
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    folder: LookArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when there is no policy, what this machine remembers cannot be read, or the output cannot be written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let folder = match &args.path {
        Some(path) => path.clone(),
        None => args.folder.folder(context)?,
    };
    let read = Read::folder(context, &folder)?;
    let documents = read.documents();
    let name = documents.trust.map(|trust| trust.name.clone());
    let state = match &name {
        Some(name) => {
            Store::of(&context.world).load(name).map_err(|e| Error::undecided("cannot tell what was seen").because(&e))?
        }
        None => State::new(""),
    };
    let believed = verify_folder(context.world.files, &read.folder, context.world.now, &state, &Floors::default());
    let refused = believed.err().map(|unbelieved| {
        let error = Error::from(unbelieved);
        std::iter::once(error.message).chain(error.causes).collect::<Vec<_>>().join("\n")
    });
    let status = Status {
        name,
        refused,
        documents: document_statuses(context, &read, &state),
        sources: sources(context, &read),
        now: context.world.now,
        folder,
    };
    let mut out = context.printer.stdout();
    let result = match args.format {
        Format::Human => checkup::render(&sections(&status), &context.style(), &mut out),
        Format::Json => render_json(&status, &mut out),
    };
    super::super::written(result.and_then(|()| out.flush()))?;
    Ok(if status.refused.is_none() { ExitStatus::Success } else { ExitStatus::Undecided })
}

fn document_statuses(context: &Context, read: &Read, state: &State) -> Vec<DocumentStatus> {
    let (documents, texts) = (read.documents(), read.texts());
    let seen = |mark: &Option<crate::trust::state::Mark>| mark.as_ref().map(|mark| (mark.serial, mark.sha256.clone()));
    let authority = documents.trust.map(|trust| Authority::load_earlier(context.world.files, &read.folder, trust.clone()));
    let manifest = documents.manifest.map(|m| &m.header);
    let revocations = documents.revocations.map(|r| &r.header);
    let trust_seen = state.trust.as_ref().map(|mark| (mark.version, mark.sha256.clone()));
    [
        (TRUST_FILE, Role::Root, texts.trust, None, trust_seen),
        (MANIFEST_FILE, Role::Manifest, texts.manifest, manifest, seen(&state.manifest)),
        (REVOCATIONS_FILE, Role::Revocations, texts.revocations, revocations, seen(&state.revocations)),
    ]
    .into_iter()
    .filter_map(|(document, role, text, header, seen)| {
        let text = text?;
        let of_trust = documents.trust.filter(|_| role == Role::Root);
        let mut status = DocumentStatus {
            document,
            number: header.map(|h| h.serial).or(of_trust.map(|t| t.version)),
            issued: header.map(|h| h.issued),
            expires: header.map(|h| h.expires).or(of_trust.map(|t| t.expires)),
            sha256: Digest::sha256_of(text.text.as_bytes()),
            thresholds: Vec::new(),
            seen,
            problem: read.errors.iter().find(|errors| errors.source.path == text.path).map(ToString::to_string),
        };
        if let Some(authority) = &authority {
            add_threshold(context, authority, role, &text.path, String::new(), &mut status);
        } else {
            let why = format!("{TRUST_FILE} cannot be used, so nobody knows who is to sign");
            status.problem = Some(status.problem.map_or(why.clone(), |problem| format!("{problem}\n{why}")));
        }
        if let Some(before) = of_trust.and_then(|trust| version_before(context, &read.folder, trust)) {
            let by = format!("version {}", before.policy.version);
            add_threshold(context, &before, role, &text.path, by, &mut status);
        }
        Some(status)
    })
    .collect()
}

fn add_threshold(context: &Context, authority: &Authority, role: Role, path: &Path, by: String, status: &mut DocumentStatus) {
    match count(context, authority, role, path) {
        Ok(counted) => {
            let tally = counted.tally;
            let refused = tally.refused.iter().map(ToString::to_string).collect();
            let (needed, found, missing) = (tally.needed, tally.found, tally.missing);
            status.thresholds.push(ThresholdStatus { by, role: role.name(), needed, found, missing, refused });
        }
        // What is wrong with the document itself says more.
        Err(refusal) => _ = status.problem.get_or_insert(refusal.to_string()),
    }
}

/// The version of the trust policy before this one, which has to vouch for it.
fn version_before(context: &Context, folder: &Path, trust: &TrustPolicy) -> Option<Authority> {
    let files = context.world.files;
    let path = earlier_path(folder, trust.version.checked_sub(1)?);
    let policy = TrustPolicy::parse(&path, &files.read(&path, MAX_UNVERIFIED).ok()?).ok()?;
    Some(Authority::load_earlier(files, folder, policy))
}

/// Where newer documents are had from, in the order in which a sync asks.
fn sources(context: &Context, read: &Read) -> Vec<String> {
    let path = policy_folder(&read.folder).join(SOURCE_FILE);
    let pinned = context.world.files.read(&path, MAX_UNVERIFIED).ok().and_then(|bytes| SourcePin::parse(&path, &bytes).ok());
    let of_manifest = read.documents().manifest.map(|m| m.sync.sources.clone()).unwrap_or_default();
    crate::cli::sync::in_order(&of_manifest, pinned.as_ref())
}
