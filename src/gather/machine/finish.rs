//! From drafts to sightings: every file that runs is digested in one batch, and the digests have the last word on what it is.

use super::path::stem;
use super::program::{self, Program};
use super::scan::{Candidate, Draft};
use crate::catalogue::{Catalogue, KnownFile, Tool};
use crate::digest::{Algorithm, DigestSet};
use crate::evidence::{
    Carrier, Coverage, CoverageOutcome, Executable, Extent, Identification, Oddity, Sighting, State, Unmeasured,
};
use crate::gather::measure::{Measured, Measurer, disagrees};
use crate::tool::{Channel, ToolId};
use crate::version::Version;
use crate::world::files::Files;
use std::path::{Path, PathBuf};

/// What comes out of the candidates besides sightings.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) oddities: Vec<Oddity>,
    pub(super) coverage: Vec<Coverage>,
}

/// Digest all programs and candidates and make sightings of them.
pub(super) fn finish(
    files: Files,
    catalogue: &Catalogue,
    measurer: &Measurer,
    mut drafts: Vec<Draft>,
    candidates: Vec<Candidate>,
) -> (Vec<Sighting>, Rest) {
    for draft in &mut drafts {
        draft.programs.sort_by(|a, b| b.stat.size.cmp(&a.stat.size).then_with(|| a.path.cmp(&b.path)));
    }
    let is_model = |draft: &Draft| matches!(draft.sighting.extent, Extent::Files(_));
    // Models last: their files have another budget.
    drafts.sort_by_key(is_model);
    let of = |models: bool| {
        let drafts = drafts.iter().filter(move |draft| is_model(draft) == models);
        drafts.flat_map(|draft| &draft.programs).map(|program| program.path.clone()).collect::<Vec<_>>()
    };
    let (mut paths, weights) = (of(false), of(true));
    // A candidate is digested when its bytes may be known, or when its name already makes it a sighting.
    paths.extend(candidates.iter().filter(|c| c.is_digested()).map(|c| c.path.clone()));
    let (digests, weights) = (measurer.digest_all(&paths), measurer.digest_weights(&weights));
    let (mut digests, mut weights) = (digests.into_iter(), weights.into_iter());
    let mut sightings: Vec<Sighting> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let digests: Digests<'_> = if is_model(&draft) { &mut weights } else { &mut digests };
        let sighting = finish_draft(files, catalogue, draft, digests);
        sightings.extend(disguised(catalogue, &sighting));
        sightings.push(sighting);
    }
    let mut rest = Rest::default();
    for candidate in candidates {
        let sighting = finish_candidate(files, catalogue, candidate, &sightings, &mut digests, &mut rest);
        sightings.extend(sighting);
    }
    (sightings, rest)
}

type Digests<'d> = &'d mut dyn Iterator<Item = Result<Measured, Unmeasured>>;

fn executable(program: &Program, digests: Digests<'_>) -> Executable {
    let measured = digests.next().unwrap_or_else(|| Err(Unmeasured::Io("it was not digested".to_owned())));
    Executable {
        path: program.path.clone(),
        size: program.stat.size,
        digests: measured.map(|measured| DigestSet::from(measured.sha256)),
    }
}

fn finish_draft(files: Files, catalogue: &Catalogue, draft: Draft, digests: Digests<'_>) -> Sighting {
    let Draft { mut sighting, programs } = draft;
    sighting.executables = programs.iter().map(|program| executable(program, digests)).collect();
    if let Some(tool) = catalogue.tool(&sighting.tool) {
        apply_digests(catalogue, tool, &mut sighting);
        apply_marker(files, catalogue, tool, &mut sighting, &programs);
        apply_state(tool, &mut sighting, &programs);
    }
    sighting
}

/// The known file that an executable is. Its size is asked first: few sizes are known, and a look-up by digest reads all lines.
fn known(catalogue: &Catalogue, executable: &Executable) -> Option<KnownFile> {
    let digests = executable.digests.as_ref().ok().filter(|_| catalogue.knows_size(executable.size))?;
    digests.iter().find_map(|digest| catalogue.by_digest(digest))
}

/// The known file of its own tool that the largest such executable of a sighting is.
fn own_known(catalogue: &Catalogue, sighting: &Sighting) -> Option<KnownFile> {
    let known_ones = sighting.executables.iter().filter_map(|executable| known(catalogue, executable));
    known_ones.into_iter().find(|known| known.tool == sighting.tool)
}

/// Sightings of other tools whose known bytes lie in a package under the name of this one.
fn disguised(catalogue: &Catalogue, host: &Sighting) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    for executable in &host.executables {
        let Some(known) = known(catalogue, executable).filter(|known| known.tool != host.tool) else { continue };
        let Some(tool) = catalogue.tool(&known.tool) else { continue };
        let extent = Extent::File;
        let mut sighting = Draft::new(tool, executable.path.clone(), extent, host.channel, Identification::Digest).sighting;
        sighting.version = known.version.as_deref().map(|version| Version::parse(tool.scheme(), version));
        sighting.reached_by.clone_from(&host.reached_by);
        sighting.renamed = other_name(tool, &executable.path);
        sighting.brought_by = host.brought_by.clone().or_else(|| {
            let version = host.version.as_ref().map(|version| version.as_str().to_owned());
            Some(Carrier { package: host.package.clone()?, version })
        });
        sighting.executables = vec![executable.clone()];
        sightings.push(sighting);
    }
    sightings
}

/// The name of a file, where it is none that the tool's programs have.
fn other_name(tool: &Tool, path: &Path) -> Option<String> {
    let name = path.file_name().unwrap_or_default();
    let is_own = stem(name).is_some_and(|name| tool.binaries.iter().any(|binary| binary == name));
    (!is_own).then(|| name.to_string_lossy().into_owned())
}

/// Where the bytes are known, they say which version it is, whatever stands beside them.
fn apply_digests(catalogue: &Catalogue, tool: &Tool, sighting: &mut Sighting) {
    let Some(known) = own_known(catalogue, sighting) else { return };
    sighting.identified_by = Identification::Digest;
    let Some(version) = &known.version else { return };
    let version = Version::parse(tool.scheme(), version);
    let claimed = sighting.version.take().filter(|claimed| *claimed != version);
    sighting.claimed_version = claimed.map(|claimed| claimed.as_str().to_owned());
    sighting.version = Some(version);
}

/// Where the bytes are not known, the program may still name its version. That is a hint: it fills a gap or contradicts.
fn apply_marker(files: Files, catalogue: &Catalogue, tool: &Tool, sighting: &mut Sighting, programs: &[Program]) {
    let (Some(marker), Some(program)) = (&tool.version_marker, programs.first()) else { return };
    // A launcher has no marker, and a packed program hides it.
    if tool.packed || program.stat.size <= program::SMALL || own_known(catalogue, sighting).is_some() {
        return;
    }
    let Some(embedded) = program::embedded_version(files, &program.path, marker) else { return };
    match &sighting.version {
        None => sighting.version = Some(Version::parse(tool.scheme(), &embedded)),
        Some(claimed) if *claimed != Version::parse(tool.scheme(), &embedded) => sighting.embedded_version = Some(embedded),
        Some(_) => {}
    }
}

fn apply_state(tool: &Tool, sighting: &mut Sighting, programs: &[Program]) {
    if sighting.state == State::Unreadable(Unmeasured::Changed) {
        return;
    }
    let misnamed = sighting.executables.iter().find_map(|executable| {
        let sha256 = executable.digests.as_ref().ok()?.get(Algorithm::Sha256)?;
        let found = disagrees(&executable.path, sha256)?;
        let name = executable.path.file_name()?.to_string_lossy().into_owned();
        Some(Unmeasured::NotItsName { name, found })
    });
    if let Some(why) = misnamed {
        sighting.state = State::Unreadable(why);
        return;
    }
    let unread = sighting.executables.iter().find_map(|executable| executable.digests.as_ref().err());
    if let Some(why) = unread {
        sighting.state = State::Unreadable(why.clone());
    } else if sighting.state == State::Present && tool.packed && programs.iter().any(Program::is_native) {
        sighting.state = State::NotInspectable;
    }
}

impl Candidate {
    /// Whether its name alone makes it a sighting: only machine code can be the program, a script could be anything.
    fn is_named_program(&self) -> bool {
        self.named.is_some() && self.program.is_native()
    }

    fn is_digested(&self) -> bool {
        self.may_be_known || self.is_named_program()
    }
}

/// A file on `PATH` that no package claims: known bytes, else a distinctive name on machine code, else nothing.
fn finish_candidate(
    files: Files,
    catalogue: &Catalogue,
    candidate: Candidate,
    found: &[Sighting],
    digests: Digests<'_>,
    rest: &mut Rest,
) -> Option<Sighting> {
    let executable = candidate.is_digested().then(|| executable(&candidate.program, digests));
    let by_bytes = executable.as_ref().and_then(|executable| {
        let known = known(catalogue, executable).and_then(|known| {
            let tool = catalogue.tool(&known.tool)?;
            Some((tool, known.version.as_deref().map(|version| Version::parse(tool.scheme(), version))))
        });
        known.or_else(|| copy_of(catalogue, found, executable))
    });
    if let Some((tool, version)) = by_bytes {
        let mut sighting = sighting(tool, &candidate, executable, Identification::Digest);
        sighting.version = version;
        sighting.renamed = other_name(tool, &candidate.path);
        return Some(sighting);
    }
    if candidate.is_named_program() {
        let tool = candidate.named.as_ref().and_then(|id| catalogue.tool(id))?;
        let mut sighting = sighting(tool, &candidate, executable, Identification::Name);
        let programs = [candidate.program];
        apply_marker(files, catalogue, tool, &mut sighting, &programs);
        apply_state(tool, &mut sighting, &programs);
        return Some(sighting);
    }
    let watched = executable.as_ref().and_then(|executable| executable.digests.as_ref().ok()).and_then(|digests| {
        // Last of all: what is only looked for may not change what a file is otherwise known as.
        digests.iter().find_map(|digest| catalogue.watched(digest))
    });
    if let Some(tool) = watched {
        return Some(sighting(tool, &candidate, executable, Identification::Digest));
    }
    if let Some(Executable { digests: Err(why), .. }) = &executable {
        let outcome = CoverageOutcome::NotLooked(why.to_string());
        rest.coverage.push(Coverage { source: "path".into(), place: Some(candidate.path.clone()), outcome });
    }
    if let Some(tool) = candidate.named {
        rest.oddities.push(unidentified(candidate.path, tool, &candidate.program));
    }
    None
}

/// The tool and version of which a file is a byte-identical copy, among those found in their own places.
fn copy_of<'c>(catalogue: &'c Catalogue, found: &[Sighting], executable: &Executable) -> Option<(&'c Tool, Option<Version>)> {
    let digests = executable.digests.as_ref().ok()?;
    let is_same = |other: &Executable| other.digests.as_ref().is_ok_and(|others| others.shares_any(digests));
    let original = found.iter().find(|sighting| sighting.executables.iter().any(is_same))?;
    Some((catalogue.tool(&original.tool)?, original.version.clone()))
}

fn sighting(tool: &Tool, candidate: &Candidate, executable: Option<Executable>, by: Identification) -> Sighting {
    let mut sighting = Draft::new(tool, candidate.path.clone(), Extent::File, Channel::Path, by).sighting;
    sighting.reached_by.clone_from(&candidate.reached_by);
    sighting.executables = executable.into_iter().collect();
    sighting
}

fn unidentified(path: PathBuf, tool: ToolId, program: &Program) -> Oddity {
    let why = match &program.interpreter {
        Some(interpreter) => format!("it is a script for `{interpreter}` that leads to no package of the tool"),
        None if program.stat.size == 0 => "it is empty".to_owned(),
        None => "it is no program of any kind that is known".to_owned(),
    };
    Oddity::UnidentifiedName { path, tool, why }
}
