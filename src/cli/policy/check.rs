//! `vetted policy check`: everything that is wrong, before anybody signs.

use super::read::{LookArgs, Read, unreadable};
use crate::cli::revoke::approvals_covered;
use crate::cli::{Context, observe};
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::manifest::difference::DocumentKind;
use crate::manifest::machine::{MACHINE_FILE, Machine};
use crate::manifest::package_list::pinned_files;
use crate::manifest::source::{SOURCE_FILE, SourcePin};
use crate::manifest::together::{self, Remark, line_span, unusable_file};
use crate::manifest::{
    Artifact, EvidenceRef, MACHINE_KIND, MAX_BUNDLE, MAX_DOCUMENT, Manifest, ManifestErrors, Problem, REVOCATIONS_KIND,
    Revocation, Revocations, SOURCE_KIND, Shape, TRUST_KIND, TrustPolicy, Weight,
};
use crate::report::words::count;
use crate::source::SourceFile;
use crate::text::{printable, printable_path};
use crate::trust::Authority;
use crate::trust::document::{TRUST_FILE, earlier_path, load_file_list, load_package_list};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Say everything that is wrong with a policy, pointing into its files
///
/// Needs no signature and no key. A folder is looked at as a whole: each document, and what they say of one another. Exit status: 0
/// nothing is wrong (notes and warnings may be there), 2 clients would refuse it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy folders, or single documents; without any the policy folder that applies here
    #[arg(value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    folder: LookArgs,
}

/// What was found, as it is shown.
#[derive(Default)]
struct Found {
    shown: Vec<String>,
    errors: u64,
    warnings: u64,
    notes: u64,
}

impl Found {
    fn add(&mut self, weight: Weight, text: String) {
        match weight {
            Weight::Error => self.errors += 1,
            Weight::Warning => self.warnings += 1,
            Weight::Note => self.notes += 1,
        }
        self.shown.push(text);
    }

    fn invalid(&mut self, errors: &ManifestErrors) {
        self.errors += errors.problems.len() as u64;
        self.shown.push(errors.to_string());
    }
}

/// Run the command.
///
/// # Errors
/// [`Error`] when something that was named cannot be read, or the output cannot be written.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let paths = if args.paths.is_empty() { vec![args.folder.folder(context)?] } else { args.paths.clone() };
    let mut found = Found::default();
    for path in &paths {
        let is_folder =
            context.world.files.stat(path).map_err(|e| unreadable(path, &e))?.kind == crate::world::files::EntryKind::Folder;
        if is_folder {
            folder(context, path, &mut found)?;
        } else {
            file(context, path, &mut found)?;
        }
    }
    let mut out = context.printer.stdout();
    let mut write = || -> std::io::Result<()> {
        for text in &found.shown {
            writeln!(out, "{text}\n")?;
        }
        let parts: Vec<String> = [(found.errors, "error"), (found.warnings, "warning"), (found.notes, "note")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| count(number, word))
            .collect();
        let summary = if parts.is_empty() { "nothing is wrong".to_owned() } else { parts.join(", ") };
        let names: Vec<String> = paths.iter().map(|path| printable_path(path)).collect();
        writeln!(out, "{}: {summary}", names.join(", "))?;
        out.flush()
    };
    super::super::written(write())?;
    Ok(if found.errors > 0 { ExitStatus::Usage } else { ExitStatus::Success })
}

/// A document alone: which one it is, it says itself.
fn file(context: &Context, path: &Path, found: &mut Found) -> Result<(), Error> {
    let bytes = context.world.files.read(path, MAX_DOCUMENT).map_err(|e| unreadable(path, &e))?;
    let Err(errors) = Manifest::parse(path, &bytes) else { return Ok(()) };
    let other = match errors.wrong_kind.as_deref() {
        Some(TRUST_KIND) => TrustPolicy::parse(path, &bytes).err(),
        Some(REVOCATIONS_KIND) => Revocations::parse(path, &bytes).err(),
        Some(MACHINE_KIND) => Machine::parse(path, &bytes).err(),
        Some(SOURCE_KIND) => SourcePin::parse(path, &bytes).err(),
        _ => Some(errors),
    };
    if let Some(errors) = other {
        found.invalid(&errors);
    }
    Ok(())
}

fn folder(context: &Context, path: &Path, found: &mut Found) -> Result<(), Error> {
    let read = Read::folder(context, path)?;
    for errors in &read.errors {
        found.invalid(errors);
    }
    for name in [MACHINE_FILE, SOURCE_FILE] {
        let beside = path.join(name);
        match context.world.files.lstat(&beside) {
            Err(error) if error.is_not_found() => {}
            _ => file(context, &beside, found)?,
        }
    }
    let texts = read.texts();
    let remarks = remarks(context, &read);
    for remark in &remarks {
        if let Some(text) = texts.of(remark.document) {
            found.add(remark.weight, remark.problem.render(text, remark.weight));
        }
    }
    Ok(())
}

/// What the valid documents of a folder say of one another and of the files beside them, in the order of the files.
fn remarks(context: &Context, read: &Read) -> Vec<Remark> {
    let path = read.folder.as_path();
    let (documents, texts) = (read.documents(), read.texts());
    let mut remarks = together::look(&documents, &texts, context.world.now);
    if let (Some(manifest), Some(text)) = (documents.manifest, texts.manifest) {
        remarks.extend(lists(context, path, manifest, text));
        remarks.extend(evidence(context, path, manifest, text));
        remarks.extend(unknown_and_revoked(manifest, documents.revocations, text));
    }
    if let (Some(trust), Some(text)) = (documents.trust, texts.trust) {
        remarks.extend(trusted_roots(context, path, trust, text));
        remarks.extend(chain(context, path, trust, text));
    }
    remarks.sort_by_key(|remark| (remark.document, remark.problem.span.start));
    remarks
}

/// Why clients would refuse one document of a folder, however many signed it; each rendered, pointing into the file.
///
/// # Errors
/// [`Error`] of the kind `Usage` when a document of the folder cannot be read.
pub(in crate::cli) fn reasons_against(context: &Context, folder: &Path, document: DocumentKind) -> Result<Vec<String>, Error> {
    let read = Read::folder(context, folder)?;
    let texts = read.texts();
    let remarks = remarks(context, &read);
    let against = remarks.iter().filter(|remark| remark.document == document && remark.weight == Weight::Error);
    Ok(against.filter_map(|remark| Some(remark.problem.render(texts.of(document)?, remark.weight))).collect())
}

/// Lists of files and of packages that an approval pins and that are not there, or are others; and what lists of packages pin.
fn lists(context: &Context, folder: &Path, manifest: &Manifest, text: &SourceFile) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for approval in manifest.tools.iter().flat_map(|tool| &tool.approvals) {
        let mut unusable = |why: String| remarks.push(unusable_file(text, approval.line, &why));
        for artifact in &approval.artifacts {
            let Artifact::Installed(installed) = artifact else { continue };
            let Some(reference) = &installed.files else { continue };
            let version = &approval.version;
            if installed.shape != Shape::Packages {
                if let Err(why) = load_file_list(&context.world, folder, reference) {
                    unusable(format!("the list of files of version {version} cannot be used: {why}"));
                }
                continue;
            }
            match load_package_list(&context.world, folder, reference) {
                Err(why) => unusable(format!("the list of packages of version {version} cannot be used: {why}")),
                Ok(list) => {
                    let pinned = pinned_files(approval.installed());
                    for (listed, path) in
                        list.packages.iter().flat_map(|listed| listed.unpinned(&pinned).map(move |p| (listed, p)))
                    {
                        unusable(format!(
                            "`{}` of {} is replaced, and no artifact of version {version} pins it in that package",
                            printable(path),
                            printable(&listed.package.purl())
                        ));
                    }
                }
            }
        }
    }
    remarks
}

/// Bundles that an approval pins and that are not there, or are others.
fn evidence(context: &Context, folder: &Path, manifest: &Manifest, text: &SourceFile) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for approval in manifest.tools.iter().flat_map(|tool| &tool.approvals) {
        for file in approval.releases().flat_map(|release| &release.evidence) {
            if let Some(why) = evidence_refusal(context, folder, file) {
                let why = format!("evidence of version {} {why}", approval.version);
                remarks.push(unusable_file(text, approval.line, &why));
            }
        }
    }
    remarks
}

/// Why a bundle beside the manifest is not the pinned one.
fn evidence_refusal(context: &Context, folder: &Path, file: &EvidenceRef) -> Option<String> {
    let path = printable_path(&file.path);
    match context.world.files.read(&folder.join(&file.path), MAX_BUNDLE) {
        Err(error) => Some(format!("cannot be used: `{path}`: {error}")),
        Ok(bytes) => {
            let mismatch = Digest::sha256_of(&bytes).verify(&Digest::Sha256(file.sha256)).err()?;
            Some(format!("is another one: `{path}`: {mismatch}"))
        }
    }
}

/// Approvals of what is revoked, and rules for tools that nothing recognises.
fn unknown_and_revoked(manifest: &Manifest, swift: Option<&Revocations>, text: &SourceFile) -> Vec<Remark> {
    let remark = |weight, line, message: String, help: &str| Remark {
        document: DocumentKind::Manifest,
        weight,
        problem: Problem { message, span: line_span(&text.text, line), help: Some(help.to_owned()) },
    };
    let catalogue = match observe::catalogue_of(manifest) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let why = error.causes.first().unwrap_or(&error.message).clone();
            return vec![remark(Weight::Error, 1, printable(&why).into_owned(), "leave `[tool.recognise]` out for a known tool")];
        }
    };
    let mut remarks = Vec::new();
    for entry in manifest.tools.iter().filter(|entry| catalogue.tool(&entry.id).is_none()) {
        let line = entry.approvals.first().map_or(1, |approval| approval.line);
        let message = format!("no tool is called `{}`: what is never recognised is never judged", entry.id);
        remarks.push(remark(Weight::Warning, line, message, "describe it with [tool.recognise]"));
    }
    let withdrawn = |r: &&Revocation| manifest.withdrawn.iter().all(|w| w.id != r.id);
    let swift = swift.into_iter().flat_map(|d| &d.revocations).filter(withdrawn);
    for revocation in manifest.revocations.iter().chain(swift) {
        for (tool, version) in approvals_covered(revocation, manifest, &catalogue) {
            let approvals = manifest.tools.iter().filter(|t| t.id == *tool).flat_map(|t| &t.approvals);
            let line = approvals.filter(|a| a.version == version).map(|a| a.line).next().unwrap_or(1);
            let message = format!("{tool} {version} is approved, and `{}` revokes it: it is blocked", revocation.id);
            remarks.push(remark(Weight::Warning, line, printable(&message).into_owned(), "the approval can be removed"));
        }
    }
    remarks
}

fn trusted_roots(context: &Context, folder: &Path, trust: &TrustPolicy, text: &SourceFile) -> Option<Remark> {
    let refusal = Authority::load(context.world.files, folder, trust.clone()).err()?;
    Some(of_trust(text, "instance", refusal.to_string(), None))
}

/// The version before this one has to be beside it, for machines that believe that one.
fn chain(context: &Context, folder: &Path, trust: &TrustPolicy, text: &SourceFile) -> Option<Remark> {
    let before = trust.version.checked_sub(1).filter(|version| *version > 0)?;
    let path = earlier_path(folder, before);
    context.world.files.lstat(&path).err()?;
    let message = format!("version {before} of {TRUST_FILE} is not there: {} is missing", printable_path(&path));
    Some(of_trust(
        text,
        "version",
        message,
        Some("machines that believe an earlier version need every step; take it from what was published"),
    ))
}

fn of_trust(text: &SourceFile, key: &str, message: String, help: Option<&str>) -> Remark {
    let line = text.text.lines().position(|line| line.trim_start().trim_start_matches('[').starts_with(key));
    let line = line.and_then(|line| u32::try_from(line + 1).ok()).unwrap_or(1);
    let problem = Problem { message, span: line_span(&text.text, line), help: help.map(str::to_owned) };
    Remark { document: DocumentKind::Trust, weight: Weight::Error, problem }
}
