//! What `check`, `scan`, `doctor` and `approve` share: the catalogue with the organisation's own tools, the repository here, and a
//! look at the machine with the cache of digests.

use super::Context;
use crate::catalogue::{Catalogue, REVOKED_FILE, Tool};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::evidence::{Evidence, Sighting};
use crate::gather::machine::{self, Found};
use crate::gather::measure::{List, Measurer, node_folders};
use crate::gather::repository::{Interest, Which, mentions};
use crate::manifest::file_list::FileList;
use crate::manifest::package_list::{PackageList, PinnedFiles, pinned_files};
use crate::manifest::{FileListRef, Installed, Manifest, Shape};
use crate::policy::{Origin, Policy, evidence_wanted, rules};
use crate::text::printable;
use crate::tool::Platform;
use crate::trust::Proof;
use crate::trust::builtin;
use crate::trust::document::{Loaded, load_file_list, load_package_list};
use crate::trust::roots::Roots;
use crate::trust::stored::{AttestedSet, Verifier};
use crate::version::Scheme;
use crate::world::World;
use crate::world::cache::DigestCache;
use crate::world::git::Repository;
use crate::world::memo;
use crate::world::proof_cache::ProofCache;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The built-in catalogue and the tools that a manifest describes.
///
/// # Errors
/// [`Error`] when the manifest describes a tool under a name that is taken.
pub(super) fn catalogue_of(manifest: &Manifest) -> Result<Catalogue, Error> {
    let mut catalogue = Catalogue::built_in();
    for entry in &manifest.tools {
        let Some(recognise) = &entry.recognise else { continue };
        let tool = Tool::described_by_manifest(
            entry.id.clone(),
            &recognise.vendor,
            recognise.kind,
            &recognise.packages,
            &recognise.binaries,
        );
        catalogue.add(tool).map_err(|error| {
            Error::undecided("the manifest describes a tool that cannot be added to the catalogue")
                .because(&error)
                .hint("leave `[tool.recognise]` out for a tool that `vetted explain TOOL` knows")
        })?;
    }
    catalogue.learn_files_of(manifest).map_err(|error| Error::undecided("the manifest cannot be used").because(&error))?;
    Ok(catalogue)
}

/// [`catalogue_of`] the manifest of a policy, which also looks for copies of every file that the policy refuses now.
///
/// # Errors
/// As [`catalogue_of`].
pub(super) fn catalogue_under(policy: &Policy, clock: Timestamp) -> Result<Catalogue, Error> {
    let mut catalogue = catalogue_of(policy.manifest())?;
    let now = policy.instant(clock);
    let Ok(id) = REVOKED_FILE.parse() else { return Ok(catalogue) };
    let refused = policy.revocations().filter(|(revocation, origin)| {
        // What the manifest itself revokes is known by its name already.
        !matches!(origin, Origin::Manifest) && revocation.effective <= now
    });
    for digest in refused.flat_map(|(revocation, _)| &revocation.digests).filter_map(|d| d.get(Algorithm::Sha256)) {
        catalogue
            .watch_for(digest.clone(), &id)
            .map_err(|error| Error::undecided("the policy cannot be used").because(&error))?;
    }
    Ok(catalogue)
}

/// The repository of the working directory, if there is one.
///
/// # Errors
/// [`Error`] when there is one and it cannot be read: what a commit brings in would stay unseen.
pub(super) fn repository(world: &World) -> Result<Option<Repository>, Error> {
    Repository::discover(&world.env, world.env.current_dir()).map_err(|error| {
        Error::undecided("cannot read the repository here")
            .because(&error)
            .hint(format!("`git -C {} status` says whether git can", printable(&world.env.current_dir().to_string_lossy())))
    })
}

/// Where digests are kept between runs; `None` where the environment names no place.
pub(super) fn cache_path(world: &World) -> Option<PathBuf> {
    Some(world.env.cache_home()?.join("vetted").join("digests"))
}

/// The cache; off on a CI runner and where it has no place.
pub(super) fn cache(world: &World) -> DigestCache {
    match cache_path(world) {
        Some(path) if !world.env.is_ci() => DigestCache::load(world.files, &path, true),
        _ => DigestCache::off(),
    }
}

/// What measures, with the cache and a progress bar where somebody sees it.
pub(super) fn measurer(context: &Context) -> Measurer {
    let world = &context.world;
    Measurer::new(world.files, cache(world), context.printer.progress()).with_node_folders(node_folders(world))
}

/// Keep what was learned about files for the next run.
pub(super) fn keep(context: &Context, measurer: Measurer) {
    // A cache that cannot be written costs time in the next run and nothing else.
    let _ = measurer.into_cache().save(context.world.files);
}

/// The tools on this machine and in the ignored folders of the repository, or of the working directory where there is none.
pub(super) fn machine(context: &Context, catalogue: &Catalogue, measurer: &Measurer, repository: Option<&Repository>) -> Found {
    machine::find(&context.world, catalogue, measurer, project(context, repository))
}

fn project<'a>(context: &'a Context, repository: Option<&'a Repository>) -> Option<&'a Path> {
    repository.map_or(Some(context.world.env.current_dir()), Repository::work_tree)
}

/// [`machine()`] with a measurer of its own.
///
/// # Errors
/// [`Error`] when the repository here cannot be read.
pub(super) fn machine_once(context: &Context, catalogue: &Catalogue) -> Result<Found, Error> {
    let repository = repository(&context.world)?;
    let measurer = measurer(context);
    let found = machine(context, catalogue, &measurer, repository.as_ref());
    keep(context, measurer);
    Ok(found)
}

/// What a look at the machine and the repository needs to know.
pub(super) struct Look<'a> {
    pub(super) context: &'a Context,
    pub(super) loaded: &'a Loaded,
    pub(super) policy: &'a Policy,
    pub(super) catalogue: &'a Catalogue,
    pub(super) platform: &'a Platform,
}

impl Look<'_> {
    /// Everything that is judged: the tools on the machine, measured as approvals ask, where `on_machine` says so, and what the
    /// repository names. With it the policy to judge it under, which knows what its stored evidence shows of exactly these, and what
    /// was published of tools that it does not speak of.
    ///
    /// # Errors
    /// [`Error`] when the repository cannot be read.
    pub(super) fn evidence(
        &self,
        repository: Option<&Repository>,
        which: &Which,
        on_machine: bool,
    ) -> Result<(Evidence, Policy), Error> {
        let mut evidence = Evidence { is_whole: on_machine && *which == Which::Index, ..Evidence::default() };
        let mut policy = self.policy.clone();
        let measurer = measurer(self.context);
        if on_machine {
            let found = self.machine(&measurer, repository);
            evidence.sightings = found.sightings;
            evidence.oddities = found.oddities;
            evidence.coverage = found.coverage;
            if evidence.sightings.iter().any(|sighting| self.may_be_published(sighting)) {
                policy = policy.with_releases(builtin::releases());
            }
            for sighting in &mut evidence.sightings {
                self.answer_approvals(&policy, &measurer, sighting);
            }
        }
        keep(self.context, measurer);
        if let Some(repository) = repository {
            let interest = Interest { model_ids: self.policy.refuses_models(self.context.world.now) };
            let found = mentions(repository, which, self.catalogue, interest).map_err(|error| super::in_force::unread(&error))?;
            evidence.mentions = found.mentions;
            evidence.directives = found.directives;
            evidence.traces = found.traces;
            evidence.oddities.extend(found.oddities);
            evidence.coverage.extend(found.coverage);
        }
        let attested = self.attested(&evidence);
        Ok((evidence, policy.with_attested(attested)))
    }

    /// [`machine()`], or what it brought before where nothing has changed since. The catalogue is this program's own and what the manifest
    /// and the refused digests add to it.
    fn machine(&self, measurer: &Measurer, repository: Option<&Repository>) -> Found {
        let manifest = match self.policy.manifest_proof() {
            Proof::BuiltIn => "built-in".to_owned(),
            Proof::Signed { sha256, .. } => sha256.hex(),
        };
        let world = &self.context.world;
        let bytes = |text: &OsStr| text.as_encoded_bytes().to_vec();
        let project = project(self.context, repository).map(|folder| bytes(folder.as_os_str()));
        let mut inputs = vec![b"machine".to_vec(), manifest.into_bytes(), project.unwrap_or_default()];
        // What a hook is given differs from what a shell has, and neither may drive out the other's answer.
        inputs.extend(["HOME", "PATH"].map(|name| world.env.get(name).map(bytes).unwrap_or_default()));
        inputs.extend(self.catalogue.known_files().watched().into_iter().map(|digest| digest.as_bytes().to_vec()));
        memo::remembered(world, &inputs, || machine(self.context, self.catalogue, measurer, repository))
    }

    /// What the evidence shows that the approvals name which can apply to these.
    pub(super) fn attested(&self, evidence: &Evidence) -> AttestedSet {
        let world = &self.context.world;
        let asked = evidence_wanted(self.policy, self.catalogue, evidence, self.platform, world.now);
        if asked.is_empty() {
            return AttestedSet::default();
        }
        let none = BTreeMap::new();
        let instances = self.loaded.trust.as_ref().map_or(&none, |trust| &trust.get().instances);
        let folder = self.loaded.documents();
        let roots = Roots::load(world, instances, folder);
        Verifier::new(world, &roots, folder, ProofCache::of(world)).verify(asked)
    }

    /// Whether it is worth asking what was published of a tool.
    fn may_be_published(&self, sighting: &Sighting) -> bool {
        let version = sighting.version.as_ref();
        version.is_some_and(|version| builtin::may_know_release(version.as_str()))
            && !self.policy.speaks_of(sighting, self.scheme(sighting))
    }

    fn scheme(&self, sighting: &Sighting) -> Scheme {
        let by_tool = self.catalogue.tool(&sighting.tool).map(Tool::scheme).unwrap_or_default();
        sighting.package.as_ref().map_or(by_tool, |package| package.ecosystem.scheme())
    }

    /// Measure what approvals of this version pin; where there is none, what was published of it.
    fn answer_approvals(&self, policy: &Policy, measurer: &Measurer, sighting: &mut Sighting) {
        let scheme = self.scheme(sighting);
        for installed in policy.wanted(sighting, scheme, self.platform) {
            let pinned = self.pinned_beside(self.policy.manifest(), sighting, installed);
            let list = self.list(installed, pinned);
            let list = list.as_ref().map(|list| list.as_ref().map_err(String::as_str));
            measurer.answer(sighting, installed, list);
        }
        for installed in policy.wanted_of_releases(sighting, scheme, self.platform) {
            let pinned = self.pinned_beside(builtin::releases().get(), sighting, installed);
            let list = installed.files.as_ref().map(|reference| published_list(installed, reference, pinned));
            let list = list.as_ref().map(|list| list.as_ref().map_err(String::as_str));
            measurer.answer(sighting, installed, list);
        }
    }

    /// The files of packages that are pinned beside a list of packages, on this platform. Where several approvals have the same list
    /// one answer stands for all of them, so only what each of them pins counts.
    fn pinned_beside(&self, manifest: &Manifest, sighting: &Sighting, list: &Installed) -> PinnedFiles {
        if list.shape != Shape::Packages {
            return PinnedFiles::new();
        }
        let approvals = rules::approvals_of(manifest, sighting, self.scheme(sighting));
        let of_each = approvals.into_iter().map(|approval| rules::applicable(approval, sighting, self.platform));
        let digests = |installed: &Installed| installed.files.as_ref().map(|files| files.digests.clone());
        let is_it =
            |other: &Installed| (&other.shape, &other.package, digests(other)) == (&list.shape, &list.package, digests(list));
        let has_list = |installed: &Vec<&Installed>| installed.iter().any(|other| is_it(other));
        let pinned = of_each.filter(has_list).map(|installed| pinned_files(installed.into_iter()));
        pinned.reduce(|one, other| one.intersection(&other).cloned().collect()).unwrap_or_default()
    }

    fn list(&self, installed: &Installed, pinned: PinnedFiles) -> Option<Result<List, String>> {
        let reference = installed.files.as_ref()?;
        let Some(folder) = self.loaded.documents() else {
            return Some(Err("the built-in policy has no files beside it".to_owned()));
        };
        let world = &self.context.world;
        Some(match installed.shape {
            Shape::Packages => load_package_list(world, folder, reference).map(|list| List::Packages(list, pinned)),
            _ => load_file_list(world, folder, reference).map(List::Files),
        })
    }
}

/// A list of the releases that are part of this program.
fn published_list(installed: &Installed, reference: &FileListRef, pinned: PinnedFiles) -> Result<List, String> {
    let bytes = builtin::release_list(reference)?;
    match installed.shape {
        Shape::Packages => PackageList::parse(bytes).map(|list| List::Packages(list, pinned)).map_err(|e| e.to_string()),
        _ => FileList::parse(bytes).map(List::Files).map_err(|e| printable(&e.to_string()).into_owned()),
    }
}
