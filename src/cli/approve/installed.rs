//! `vetted approve --installed`: pin what lies on disk.

use super::laid::executables;
use super::{Args, Candidate, approved_now, file_name, refuse_revoked, revoked, subject, tool_of};
use crate::catalogue::Tool;
use crate::cli::change::Change;
use crate::cli::{Context, observe};
use crate::digest::{Digest, DigestSet};
use crate::error::{Error, ExitStatus};
use crate::evidence::{Executable, Extent, Sighting, State};
use crate::gather::measure::{Measurer, Silent};
use crate::manifest::file_list::{FileList, MAX_FILE_LIST};
use crate::manifest::{Approval, Artifact, FileListRef, Installed, Shape};
use crate::text::{printable, printable_path};
use crate::tool::{Package, Platform, ToolId};
use crate::version::{Scheme, Version};
use crate::world::cache::DigestCache;
use crate::world::files::Files;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Executables of this size are programs, whatever their first bytes say.
const PROGRAM_SIZE: u64 = 1024 * 1024;

/// How machine code begins: ELF, Windows, Mach-O in both widths and byte orders, Mach-O for several machines.
const MACHINE_CODE: [&[u8]; 7] = [
    b"\x7fELF",
    b"MZ",
    &[0xfe, 0xed, 0xfa, 0xce],
    &[0xfe, 0xed, 0xfa, 0xcf],
    &[0xce, 0xfa, 0xed, 0xfe],
    &[0xcf, 0xfa, 0xed, 0xfe],
    &[0xca, 0xfe, 0xba, 0xbe],
];

/// One installation with what would be pinned of it.
struct Pinned<'a> {
    sighting: &'a Sighting,
    artifacts: Vec<Artifact>,
    /// The file list of the tree, where it is one.
    list: Option<FileList>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the tool is not there, cannot be measured or lies there in several forms, or the manifest cannot be changed.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let mut change = Change::begin(context, args.folder.folder_to_change(context)?)?;
    let (id, wanted) = subject(args.subject.as_deref().unwrap_or_default())?;
    let catalogue = observe::catalogue_of(change.draft.document())?;
    let tool = tool_of(&catalogue, &id)?;
    // What is approved is read from the disk, never taken from a cache (threat T-13).
    let measurer = Measurer::new(context.world.files, DigestCache::off(), Box::new(Silent));
    let repository = observe::repository(&context.world)?;
    let found = observe::machine(context, &catalogue, &measurer, repository.as_ref());
    let chosen = choose(&found.sightings, tool, wanted.as_deref(), args.path.as_deref(), context.world.files)?;
    let Some(version) = chosen.first().and_then(|s| s.version.as_ref()).map(Version::as_str) else {
        return Err(Error::usage(format!("the version of this {id} cannot be read, and an approval names one")));
    };
    let candidates: Vec<Candidate<'_>> = chosen.iter().map(|sighting| candidate(tool, sighting)).collect();
    if let Some(revocation) = revoked(&change.draft.document().revocations, tool, &candidates, context.world.now) {
        return Ok(refuse_revoked(context, &id, version, revocation));
    }
    let pinned = chosen.iter().map(|s| pin(s, &measurer, context.world.files)).collect::<Result<Vec<_>, _>>()?;
    let first = the_same_everywhere(&id, &pinned)?;
    let mut artifacts = first.artifacts.clone();
    let list = store_list(context.world.files, &change.folder, first, version, &mut artifacts)?;
    let approval = Approval {
        version: version.to_owned(),
        approved: Some(approved_now(args, context)),
        artifacts,
        released: None,
        is_unattested: false,
        line: 0,
    };
    let purl = first.sighting.package.as_ref().map(|p| p.purl(None)).filter(|purl| Package::parse_purl(purl).is_ok());
    let approved = change.draft.approve(&id, purl.as_deref(), &approval);
    approved.map_err(|e| Error::usage(format!("cannot approve {id} {}", printable(version))).because(&e))?;
    say(context, &id, &approval, &pinned, list.as_deref());
    change.write(context)?;
    Ok(ExitStatus::Success)
}

/// The installations that are meant: all of one version, or the one at `path`.
fn choose<'a>(
    sightings: &'a [Sighting],
    tool: &Tool,
    version: Option<&str>,
    path: Option<&Path>,
    files: Files,
) -> Result<Vec<&'a Sighting>, Error> {
    let id = &tool.id;
    let all: Vec<&Sighting> = sightings.iter().filter(|s| s.tool == *id).collect();
    if all.is_empty() {
        return Err(Error::usage(format!("no {id} is installed here")).hint("`vetted scan` lists what is"));
    }
    let real = path.map(|path| files.canonical(path).unwrap_or_else(|_| path.to_owned()));
    let is_meant = |s: &&&Sighting| {
        let is_version =
            version.is_none_or(|wanted| s.version.as_ref().is_some_and(|v| *v == Version::parse(scheme(tool, s), wanted)));
        let is_place = real.as_ref().is_none_or(|real| {
            s.root == *real
                || s.executables.iter().any(|e| e.path == *real)
                || s.reached_by.iter().any(|p| Some(p.as_path()) == path)
        });
        is_version && is_place
    };
    let chosen: Vec<&Sighting> = all.iter().filter(is_meant).copied().collect();
    let several = chosen.windows(2).any(|pair| pair[0].version != pair[1].version);
    let places = |mut error: Error, sightings: &[&Sighting]| {
        for s in sightings {
            error = error.cause(place(s));
        }
        error
    };
    match chosen.first() {
        None => Err(places(Error::usage(format!("no {id} of this description is installed here")), &all)),
        Some(_) if several => {
            let error = places(Error::usage(format!("several versions of {id} are installed here")), &chosen);
            Err(error.hint(format!("`vetted approve {id}@VERSION --installed`, or `--path PATH`")))
        }
        Some(_) => Ok(chosen),
    }
}

fn scheme(tool: &Tool, sighting: &Sighting) -> Scheme {
    sighting.package.as_ref().map_or(tool.scheme(), |p| p.ecosystem.scheme())
}

fn candidate<'a>(tool: &Tool, sighting: &'a Sighting) -> Candidate<'a> {
    Candidate {
        package: sighting.package.as_ref(),
        version: sighting.version.as_ref(),
        scheme: scheme(tool, sighting),
        digests: sighting.executables.iter().filter_map(|e| e.digests.as_ref().ok()).collect(),
    }
}

fn place(sighting: &Sighting) -> String {
    let version = sighting.version.as_ref().map_or("of unknown version".to_owned(), ToString::to_string);
    format!("{version}   {}", printable_path(&sighting.root))
}

/// What an approval pins of an installation: the whole tree and each program in it, or the one file.
fn pin<'a>(sighting: &'a Sighting, measurer: &Measurer, files: Files) -> Result<Pinned<'a>, Error> {
    let shown = place(sighting);
    let cannot = || Error::usage(format!("cannot approve {}", sighting.tool)).cause(shown.clone());
    match &sighting.state {
        State::Present | State::NotInspectable => {}
        State::Stub => return Err(cannot().cause("its program is a placeholder: the installer's script did not run")),
        State::Unreadable(why) => return Err(cannot().because(why)),
    }
    if let Some(claimed) = &sighting.claimed_version {
        return Err(cannot().cause(format!("its package claims to be version {}", printable(claimed))));
    }
    if let Some(embedded) = &sighting.embedded_version {
        return Err(cannot().cause(format!("its program says that it is version {}", printable(embedded))));
    }
    let (include, exclude) = match &sighting.extent {
        Extent::File => {
            let file = measurer.digest(&sighting.root).map_err(|e| cannot().because(&e))?;
            return Ok(Pinned { sighting, artifacts: vec![file_artifact("", &DigestSet::from(file.sha256))], list: None });
        }
        Extent::Folder => (Vec::new(), Vec::new()),
        Extent::Files(_) => return Err(cannot().cause("files of a shared store cannot be pinned from here yet")),
        Extent::Members { include, exclude } => (include.clone(), exclude.clone()),
    };
    let tree = measurer.tree(&sighting.root, &include, &exclude).map_err(|e| cannot().because(&e))?;
    if tree.list.files.is_empty() {
        return Err(cannot().cause("no file of it could be found to pin"));
    }
    let mut artifacts = vec![Artifact::Installed(Installed {
        package: None,
        platform: Some(Platform::here()),
        shape: Shape::Tree { include, exclude },
        digests: DigestSet::from(tree.digest),
        files: None,
    })];
    for executable in &sighting.executables {
        let Ok(below) = executable.path.strip_prefix(&sighting.root) else { continue };
        if !is_program(executable, files) {
            continue;
        }
        let digests = executable.digests.as_ref().map_err(|e| cannot().because(e))?;
        let Some(path) = below.to_str() else {
            return Err(cannot().cause(format!("`{}` is not Unicode", printable_path(below))));
        };
        artifacts.push(file_artifact(path, digests));
    }
    Ok(Pinned { sighting, artifacts, list: Some(tree.list) })
}

fn file_artifact(path: &str, digests: &DigestSet) -> Artifact {
    // A check measures SHA-256 of a file and nothing else.
    let sha256 = digests.get(crate::digest::Algorithm::Sha256).cloned().map(DigestSet::from).unwrap_or_default();
    Artifact::Installed(Installed {
        package: None,
        platform: Some(Platform::here()),
        shape: Shape::File { path: path.to_owned() },
        digests: sha256,
        files: None,
    })
}

/// Whether an executable is a program of its own: machine code, or too large for a launcher.
fn is_program(executable: &Executable, files: Files) -> bool {
    if executable.size > PROGRAM_SIZE {
        return true;
    }
    let mut start = [0; 4];
    let read = files.open(&executable.path).ok().and_then(|(mut file, _)| file.read_exact(&mut start).ok());
    read.is_some() && MACHINE_CODE.iter().any(|magic| start.starts_with(magic))
}

/// One approval pins one set of bytes: several installations are approved together only when they are the same.
fn the_same_everywhere<'p, 'a>(id: &ToolId, pinned: &'p [Pinned<'a>]) -> Result<&'p Pinned<'a>, Error> {
    let Some((first, rest)) = pinned.split_first() else {
        return Err(Error::usage(format!("no {id} is installed here")));
    };
    // Which files are executable is told of the first: installers set these bits as they like.
    let content = |one: &Pinned<'_>| one.list.as_ref().map(|list| (list.files.clone(), list.links.clone()));
    if rest.iter().all(|other| other.artifacts == first.artifacts && content(other) == content(first)) {
        return Ok(first);
    }
    let mut error = Error::usage(format!("the installations of {id} are not the same files"));
    for one in pinned {
        let digest = one.artifacts.iter().find_map(|artifact| match artifact {
            Artifact::Installed(installed) => installed.digests.iter().next(),
            Artifact::Release { .. } => None,
        });
        error = error.cause(format!("{}   {}", digest.map(Digest::short).unwrap_or_default(), place(one.sighting)));
    }
    Err(error.hint("`--path PATH` says which one; each layout of one version can have its own approval"))
}

/// Write the file list beside the manifest and pin it. Its path, where there is one.
fn store_list(
    files: Files,
    folder: &Path,
    pinned: &Pinned<'_>,
    version: &str,
    artifacts: &mut [Artifact],
) -> Result<Option<PathBuf>, Error> {
    let Some(list) = &pinned.list else { return Ok(None) };
    let json = list.to_json();
    let sha256 = Digest::sha256_of(json.as_bytes());
    let ecosystem = pinned.sighting.package.as_ref().map_or("generic", |p| p.ecosystem.purl_type());
    let below = Path::new("attestations").join(ecosystem).join(pinned.sighting.tool.as_str()).join(file_name(version));
    let cannot = |e: &dyn std::error::Error| Error::usage("cannot write the list of files").because(e);
    files.create_folder(&folder.join(&below)).map_err(|e| cannot(&e))?;
    let mut path = below.join("files.json");
    // Another layout of the same version keeps its own list.
    if files.read(&folder.join(&path), MAX_FILE_LIST).is_ok_and(|there| there != json.as_bytes()) {
        path = below.join(format!("files-{}.json", sha256.short()));
    }
    files.write_atomic(&folder.join(&path), json.as_bytes(), 0o644).map_err(|e| cannot(&e))?;
    for artifact in artifacts {
        if let Artifact::Installed(installed) = artifact
            && matches!(installed.shape, Shape::Tree { .. })
        {
            installed.files = Some(FileListRef { path: path.clone(), digests: DigestSet::from(sha256.clone()) });
        }
    }
    Ok(Some(path))
}

fn say(context: &Context, id: &ToolId, approval: &Approval, pinned: &[Pinned<'_>], list: Option<&Path>) {
    let by = approval.approved.as_ref().map(|a| a.by.join(", ")).unwrap_or_default();
    context.printer.say(&format!("approved {id} {} ({})", printable(&approval.version), printable(&by)));
    for one in pinned {
        context.printer.say(&format!("  at      {}", printable_path(&one.sighting.root)));
    }
    for artifact in &approval.artifacts {
        let Artifact::Installed(installed) = artifact else { continue };
        let digest = installed.digests.iter().next().map(|d| format!("{} {}", d.algorithm(), d.short())).unwrap_or_default();
        let what = match &installed.shape {
            Shape::Tree { .. } => {
                let count = pinned.first().and_then(|p| p.list.as_ref()).map_or(0, |list| list.files.len());
                let runs = pinned.first().and_then(|p| p.list.as_ref()).and_then(|list| executables(&list.executables));
                format!("the whole tree, {count} files{}", runs.map(|runs| format!("; executable: {runs}")).unwrap_or_default())
            }
            Shape::Packages => "every package it loads".to_owned(),
            Shape::File { path } if path.is_empty() => "the file".to_owned(),
            Shape::File { path } | Shape::Json { path, .. } => printable(path).into_owned(),
        };
        context.printer.say(&format!("  pinned  {digest}   {what}"));
    }
    if let Some(list) = list {
        context.printer.say(&format!("  list    {}", printable_path(list)));
    }
}
