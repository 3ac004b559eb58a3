//! From drafts to sightings: every file that runs is digested in one batch, and the digests have the last word on what it is.

use super::path::stem;
use super::program::{self, Program};
use super::scan::{Candidate, Draft};
use crate::catalogue::{Catalogue, KnownFile, Tool};
use crate::digest::DigestSet;
use crate::evidence::{Coverage, CoverageOutcome, Executable, Extent, Identification, Oddity, Sighting, State, Unmeasured};
use crate::gather::measure::{Measured, Measurer};
use crate::tool::{Channel, ToolId};
use crate::version::Version;
use crate::world::files::Files;
use std::path::PathBuf;

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
    let mut paths: Vec<PathBuf> = drafts.iter().flat_map(|draft| &draft.programs).map(|p| p.path.clone()).collect();
    // A candidate is digested when its bytes may be known, or when its name already makes it a sighting.
    paths.extend(candidates.iter().filter(|c| c.is_digested()).map(|c| c.path.clone()));
    let mut digests = measurer.digest_all(&paths).into_iter();
    let mut sightings: Vec<Sighting> =
        drafts.into_iter().map(|draft| finish_draft(files, catalogue, draft, &mut digests)).collect();
    let mut rest = Rest::default();
    for candidate in candidates {
        sightings.extend(finish_candidate(files, catalogue, candidate, &mut digests, &mut rest));
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

/// The known file of this tool that a sighting's largest known executable is.
fn known(catalogue: &Catalogue, sighting: &Sighting) -> Option<KnownFile> {
    let digests = sighting.executables.iter().filter_map(|executable| executable.digests.as_ref().ok());
    digests.flat_map(DigestSet::iter).filter_map(|digest| catalogue.by_digest(digest)).find(|known| known.tool == sighting.tool)
}

/// Where the bytes are known, they say which version it is, whatever stands beside them.
fn apply_digests(catalogue: &Catalogue, tool: &Tool, sighting: &mut Sighting) {
    let Some(known) = known(catalogue, sighting) else { return };
    sighting.identified_by = Identification::Digest;
    let version = Version::parse(tool.scheme(), &known.version);
    match &sighting.version {
        None => sighting.version = Some(version),
        Some(claimed) if *claimed != version => sighting.embedded_version = Some(known.version.clone()),
        Some(_) => {}
    }
}

/// Where the bytes are not known, the program may still name its version. That is a hint: it fills a gap or contradicts.
fn apply_marker(files: Files, catalogue: &Catalogue, tool: &Tool, sighting: &mut Sighting, programs: &[Program]) {
    let (Some(marker), Some(program)) = (&tool.version_marker, programs.first()) else { return };
    // A launcher has no marker, and a packed program hides it.
    if tool.packed || program.stat.size <= program::SMALL || known(catalogue, sighting).is_some() {
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
    digests: Digests<'_>,
    rest: &mut Rest,
) -> Option<Sighting> {
    let executable = candidate.is_digested().then(|| executable(&candidate.program, digests));
    let digest_set = executable.as_ref().and_then(|e| e.digests.as_ref().ok());
    let known = digest_set.and_then(|set| set.iter().find_map(|digest| catalogue.by_digest(digest)));
    if let Some(known) = known
        && let Some(tool) = catalogue.tool(&known.tool)
    {
        let name = candidate.path.file_name().unwrap_or_default();
        let is_own_name = stem(name).is_some_and(|name| tool.binaries.iter().any(|binary| binary == name));
        let mut sighting = sighting(tool, &candidate, executable, Identification::Digest);
        sighting.version = Some(Version::parse(tool.scheme(), &known.version));
        sighting.renamed = (!is_own_name).then(|| name.to_string_lossy().into_owned());
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
    if let Some(Executable { digests: Err(why), .. }) = &executable {
        let outcome = CoverageOutcome::NotLooked(why.to_string());
        rest.coverage.push(Coverage { source: "path", place: Some(candidate.path.clone()), outcome });
    }
    if let Some(tool) = candidate.named {
        rest.oddities.push(unidentified(candidate.path, tool, &candidate.program));
    }
    None
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
