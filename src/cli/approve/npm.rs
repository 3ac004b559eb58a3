//! `--from npm`: the package of a tool, the packages with its program for each platform, and everything that they may bring along.

use super::asked::{Asked, Offered};
use super::file::LaidFile;
use super::laid::{Laid, ReleasedFile, executables_of};
use super::npm_artifacts::{self, PlatformPackage};
use super::registries::{cannot, network};
use crate::archive::{self, Kind, Limits};
use crate::digest::{DigestSet, TreeFile};
use crate::error::Error;
use crate::layout::globs::glob_set;
use crate::layout::npm::{NpmPackage, PackageFacts};
use crate::layout::{self, LayoutRefusal, Tree};
use crate::manifest::package_list::{ListedPackage, PackageList};
use crate::registry::closure::{Chosen, ClosureError, Declared, Needs, Offers, Wanted, closure};
use crate::registry::npm::document::{Bundled, PeerMeta};
use crate::registry::npm::{Detail, Npm, VersionDocument};
use crate::registry::{self, RegistryError, Release, download_aside};
use crate::text::printable;
use crate::tool::{Ecosystem, Package, PackageVersion, Platform};
use crate::world::World;
use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use std::collections::{BTreeMap, BTreeSet};

/// What `node-gyp` and those that stand in for it write on the machine, below the folder of the package that is built.
const BUILT: [&str; 8] = [
    "build/*.Makefile",
    "build/*.mk",
    "build/Makefile",
    "build/config.gypi",
    "build/Debug/**",
    "build/Release/**",
    "build/node_gyp_bins/**",
    "build/{*.sln,*.vcxproj,*.vcxproj.filters}",
];
/// Words in an install script that say that it builds, or fetches what it would build.
const BUILDERS: [&str; 5] = ["node-gyp", "prebuild-install", "prebuildify", "node-pre-gyp", "cmake-js"];
/// So many files are fetched at once: enough to hide the way to the registry.
const AT_ONCE: usize = 8;

/// Which packages belong to a release.
pub(super) enum Members<'a> {
    /// Those that the registry gives now.
    Resolved,
    /// Those that an approval recorded: the files of the release, and those of the list that have a release of their own.
    Recorded {
        /// Platform packages.
        platform: &'a BTreeSet<PackageVersion>,
        /// All packages besides the main one.
        packages: &'a BTreeSet<PackageVersion>,
    },
}

/// A package that was downloaded and worked out.
struct Fetched {
    digests: DigestSet,
    laid: NpmPackage,
    attestations: Vec<Vec<u8>>,
    unserved: Vec<String>,
    released: Option<Timestamp>,
    name: String,
}

/// Download and work out a release and everything that belongs to it.
///
/// # Errors
/// [`Error`] when the registry does not give it, or it cannot be pinned.
pub(super) fn lay(asked: &Asked<'_>, members: &Members<'_>) -> Result<Laid, Error> {
    let world = &asked.context.world;
    let package = asked.package(Ecosystem::Npm)?;
    let npm = Npm::new(world, &network(asked.context)?, asked.args.registry.as_deref()).map_err(Error::from)?;
    let document = npm.document(&package.name, Detail::Whole).map_err(Error::from)?;
    let wanted = asked.chosen_version(&package, offered(&document))?;
    let entry = npm.version(&document, &wanted, None).map_err(Error::from)?;
    let printer = asked.context.printer;
    printer.say(&format!("{} {} from {}", package.name, printable(&entry.version), npm.address_of(&package.name)));
    let this = PackageVersion { package: package.clone(), version: entry.version.clone() };
    let main = fetch(world, &npm, &this).map_err(|e| cannot(asked.tool, &this, e))?;

    let mut laid = assemble(asked, Some(&npm), entry, &main, members)?;
    let mut releases = vec![released_file(&this, &main)];
    releases.append(&mut laid.releases);
    Ok(Laid { package: Some(package), version: this.version, released: main.released, releases, ..laid })
}

/// The release that is one archive of npm. What it needs besides comes from the registry.
///
/// # Errors
/// As [`lay`].
pub(super) fn lay_file(
    asked: &Asked<'_>,
    name: &str,
    digests: &DigestSet,
    contents: &archive::Contents,
) -> Result<LaidFile, Error> {
    let laid = layout::npm::lay(contents)
        .map_err(|e| Error::undecided(format!("`{}` cannot be worked out", printable(name))).because(&e))?;
    let facts = laid.facts.clone();
    let entry = VersionDocument {
        name: facts.name.clone(),
        version: facts.version.clone(),
        dependencies: facts.dependencies.clone(),
        optional_dependencies: facts.optional_dependencies.clone(),
        peer_dependencies: facts.peer_dependencies.clone(),
        peer_dependencies_meta: facts.optional_peers.iter().map(|name| (name.clone(), PeerMeta { optional: true })).collect(),
        bundle_dependencies: Bundled::Names(facts.bundle_dependencies.clone()),
        ..VersionDocument::default()
    };
    let main = Fetched {
        digests: digests.clone(),
        laid,
        attestations: Vec::new(),
        unserved: Vec::new(),
        released: None,
        name: name.to_owned(),
    };
    let needs_more = needs(&entry) != Needs::default() || main.laid.shrinkwrap.is_some() || !needs_of_bundled(&main).is_empty();
    let npm = if needs_more {
        let network = network(asked.context)?;
        Some(Npm::new(&asked.context.world, &network, asked.args.registry.as_deref()).map_err(Error::from)?)
    } else {
        None
    };
    let laid = assemble(asked, npm.as_ref(), &entry, &main, &Members::Resolved)?;
    let package = npm_version(&facts.name, &facts.version);
    Ok(LaidFile {
        package: Some(package),
        others: laid.releases,
        layouts: laid.layouts,
        packages: laid.packages,
        notes: laid.notes,
    })
}

/// A release with everything that belongs to its main package. Its files are those of its platform packages alone.
fn assemble(
    asked: &Asked<'_>,
    npm: Option<&Npm>,
    entry: &VersionDocument,
    main: &Fetched,
    members: &Members<'_>,
) -> Result<Laid, Error> {
    let this = npm_version(&entry.name, &entry.version);
    let mut notes = Vec::new();
    let (platform, fetched) = match (members, npm) {
        (_, None) => (BTreeSet::new(), BTreeMap::new()),
        (Members::Resolved, Some(npm)) => {
            let platform = platform_packages(asked, npm, entry).map_err(Error::from)?;
            (platform, fetch_closure(asked, npm, entry, main, &mut notes)?)
        }
        (Members::Recorded { platform, packages }, Some(npm)) => ((*platform).clone(), fetch_all(asked, npm, packages)?),
    };
    let undeclared = match (members, npm) {
        (Members::Recorded { .. }, Some(npm)) => undeclared(npm, entry, main, &fetched)?,
        _ => Vec::new(),
    };
    if let Some(missing) = platform.iter().find(|package| !fetched.contains_key(*package)) {
        return Err(Error::undecided(format!("{missing} belongs to the release and was not had")));
    }
    let with_programs: Vec<PlatformPackage<'_>> =
        platform.iter().filter_map(|p| fetched.get(p).map(|one| PlatformPackage { package: p, laid: &one.laid })).collect();
    let layouts = npm_artifacts::layouts(asked.tool, &main.laid, &with_programs)
        .map_err(|e| Error::undecided(format!("{this} cannot be pinned")).because(&e))?;
    if is_built(&main.laid) {
        notes.push(format!("{this} is built on the machine that installs it: what the build writes is not part of its release"));
    }
    notes.extend(executables_of(&layouts));
    let list = package_list(main, &fetched, &mut notes)?;
    let releases = platform.iter().filter_map(|p| fetched.get(p).map(|one| released_file(p, one))).collect();
    Ok(Laid {
        package: Some(this.package),
        version: this.version,
        released: None,
        releases,
        layouts,
        packages: Some(list),
        undeclared,
        notes,
    })
}

/// The packages that were fetched because an approval names them, and to which nothing leads that the release declares.
fn undeclared(
    npm: &Npm,
    entry: &VersionDocument,
    main: &Fetched,
    fetched: &BTreeMap<PackageVersion, Fetched>,
) -> Result<Vec<PackageVersion>, Error> {
    let mut all = BTreeMap::new();
    for (package, one) in fetched {
        let document = npm.document(&package.package.name, Detail::Brief).map_err(Error::from)?;
        let entry = npm.version(&document, &package.version, None).map_err(Error::from)?;
        all.insert(package.clone(), declared(entry, one)?);
    }
    Ok(registry::closure::undeclared(&declared(entry, main)?, &all))
}

/// What a package declares: in the registry, by which npm installs, and in its own archive with what that bundles, by which Node.js loads.
fn declared(entry: &VersionDocument, fetched: &Fetched) -> Result<Declared, Error> {
    let laid = &fetched.laid;
    let facts = std::iter::once(&laid.facts).chain(laid.bundled.iter().map(|bundled| &bundled.facts));
    let of_archive = facts.flat_map(|facts| [&facts.dependencies, &facts.optional_dependencies, &facts.peer_dependencies]);
    let of_registry = [&entry.dependencies, &entry.optional_dependencies, &entry.peer_dependencies];
    let wants = of_archive.chain(of_registry).flatten().map(|(name, range)| (name.clone(), range.clone())).collect();
    let mut declared = Declared { wants, ..Declared::default() };
    if let Some(json) = &laid.shrinkwrap {
        let cannot =
            |why: String| Error::undecided(format!("the npm-shrinkwrap.json of {} cannot be used", fetched.name)).cause(why);
        declared.lock(json).map_err(cannot)?;
    }
    Ok(declared)
}

/// The versions of a package that its registry has.
pub(super) fn offered(document: &registry::npm::PackageDocument) -> Vec<Offered> {
    let one = |(version, entry): (&String, &VersionDocument)| Offered {
        version: version.clone(),
        released: document.time.get(version).and_then(|time| time.0.parse().ok()),
        is_withdrawn: entry.deprecated.is_some(),
    };
    document.versions.iter().map(one).collect()
}

fn released_file(package: &PackageVersion, fetched: &Fetched) -> ReleasedFile {
    ReleasedFile {
        package: Some(package.clone()),
        name: fetched.name.clone(),
        digests: fetched.digests.clone(),
        attestations: fetched.attestations.clone(),
        unserved: fetched.unserved.clone(),
    }
}

/// The packages that hold the tool's program for some platforms: optional dependencies for a system or an architecture that the
/// catalogue names, or that are of the same release by their names. A library's packages for platforms are dependencies like any
/// other.
fn platform_packages(asked: &Asked<'_>, npm: &Npm, entry: &VersionDocument) -> Result<BTreeSet<PackageVersion>, RegistryError> {
    let is_named = |name: &str| asked.tool.npm_platform_packages().any(|known| known == name);
    let scope = |name: &str| name.split_once('/').map(|(scope, _)| scope.to_owned());
    let found = npm.platform_packages(entry)?.into_iter().filter(|package| {
        let (name, version) = (&package.version.name, &package.version.version);
        let is_kin = scope(name).map_or_else(|| name.starts_with(&entry.name), |own| Some(own) == scope(&entry.name));
        is_named(&package.folder) || is_named(name) || *name == entry.name || (is_kin && *version == entry.version)
    });
    Ok(found.map(|package| npm_version(&package.version.name, &package.version.version)).collect())
}

fn npm_version(name: &str, version: &str) -> PackageVersion {
    PackageVersion { package: Package::new(Ecosystem::Npm, name), version: version.to_owned() }
}

/// Everything that the package may bring along, downloaded.
fn fetch_closure(
    asked: &Asked<'_>,
    npm: &Npm,
    entry: &VersionDocument,
    main: &Fetched,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<PackageVersion, Fetched>, Error> {
    let world = &asked.context.world;
    let mut offers = Registry { npm, world, node: asked.args.node.as_deref(), shrinkwraps: BTreeMap::new() };
    let this = npm_version(&entry.name, &entry.version);
    let mut needs = needs(entry);
    needs.has_shrinkwrap = main.laid.shrinkwrap.is_some();
    offers.shrinkwraps.insert(this.clone(), main.laid.shrinkwrap.clone());
    let mut roots = vec![Chosen { package: this, needs }];
    roots.extend(needs_of_bundled(main));
    let mut fetched: BTreeMap<PackageVersion, Fetched> = BTreeMap::new();
    while let Some(root) = roots.pop() {
        let found = closure(&mut offers, &root).map_err(|error| match error {
            ClosureError::Registry(error) => Error::from(error),
            other => Error::undecided(format!("the packages of {} cannot be worked out", asked.tool.id)).because(&other),
        })?;
        notes.extend(found.absent.into_iter().map(|what| format!("{what}, and the registry has none: it is left out")));
        let new: BTreeSet<PackageVersion> = found.packages.into_iter().filter(|p| !fetched.contains_key(p)).collect();
        for (package, one) in fetch_all(asked, npm, &new)? {
            roots.extend(needs_of_bundled(&one));
            fetched.insert(package, one);
        }
    }
    // A circle leads back to the package itself.
    fetched.remove(&npm_version(&entry.name, &entry.version));
    Ok(fetched)
}

fn fetch_all(
    asked: &Asked<'_>,
    npm: &Npm,
    packages: &BTreeSet<PackageVersion>,
) -> Result<BTreeMap<PackageVersion, Fetched>, Error> {
    if packages.is_empty() {
        return Ok(BTreeMap::new());
    }
    asked.context.printer.say(&format!("  {} further packages", packages.len()));
    // The context holds what one thread alone may touch.
    let (world, tool) = (&asked.context.world, asked.tool);
    let one = |package: &PackageVersion| {
        let fetched = fetch(world, npm, package).map_err(|e| cannot(tool, package, e))?;
        Ok((package.clone(), fetched))
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(AT_ONCE).build();
    let pool = pool.map_err(|e| Error::undecided("the system gives no threads").because(&e))?;
    pool.install(|| packages.into_par_iter().map(one).collect())
}

/// Why a package could not be had or worked out.
fn fetch(world: &World, npm: &Npm, package: &PackageVersion) -> Result<Fetched, Error> {
    let release = release(npm, package)?;
    let file = release.files.first().ok_or_else(|| Error::undecided(format!("{package} has no file")))?;
    let source = npm.source_of(&package.package.name);
    let (mut archive, done) = download_aside(world, &source, file)?;
    let contents = archive::contents(&mut archive, Kind::TarGz, &Limits::default(), &layout::npm::keep)
        .map_err(|e| Error::undecided(format!("the archive of {package} is refused")).because(&e))?;
    let laid =
        layout::npm::lay(&contents).map_err(|e| Error::undecided(format!("{package} cannot be worked out")).because(&e))?;
    is_itself(package, &laid.facts)?;
    Ok(Fetched {
        digests: done.digests,
        laid,
        attestations: release.attestations,
        unserved: release.unserved,
        released: release.released,
        name: file.name.clone(),
    })
}

/// A version as a release. The times of publication are had only where they are needed: the long form of a document may have a
/// hundred times the bytes of the brief one.
fn release(npm: &Npm, package: &PackageVersion) -> Result<Release, RegistryError> {
    let of = |detail| {
        let document = npm.document(&package.package.name, detail)?;
        let entry = npm.version(&document, &package.version, None)?;
        npm.release(&document, entry)
    };
    match of(Detail::Brief) {
        // Keys that ended sign what was published before: for that the time has to be known.
        Err(RegistryError::Signature { .. }) => of(Detail::Whole),
        other => other,
    }
}

/// The registry says which package this is, the archive says it again, and a check reads the archive's word on the disk.
fn is_itself(package: &PackageVersion, facts: &PackageFacts) -> Result<(), Error> {
    let plain = |version: &str| nodejs_semver::Version::parse(version).map_or_else(|_| version.to_owned(), |v| v.to_string());
    if facts.name == package.package.name && plain(&facts.version) == plain(&package.version) {
        return Ok(());
    }
    Err(Error::undecided(format!("the archive of {package} says that it is another package")).cause(format!(
        "expected {package}, found {}@{}",
        printable(&facts.name),
        printable(&facts.version)
    )))
}

/// What a bundled package needs that the archive does not bring: npm installs it beside.
fn needs_of_bundled(carrier: &Fetched) -> Vec<Chosen> {
    let names: BTreeSet<&str> = carrier.laid.bundled.iter().map(|bundled| bundled.facts.name.as_str()).collect();
    let outside = |needs: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        needs.iter().filter(|(name, _)| !names.contains(name.as_str())).map(|(n, r)| (n.clone(), r.clone())).collect()
    };
    let one = |facts: &PackageFacts| Chosen {
        package: npm_version(&facts.name, &facts.version),
        needs: Needs {
            dependencies: outside(&facts.dependencies),
            optional: outside(&facts.optional_dependencies),
            ..Needs::default()
        },
    };
    let all = carrier.laid.bundled.iter().map(|bundled| one(&bundled.facts));
    all.filter(|chosen| !chosen.needs.dependencies.is_empty() || !chosen.needs.optional.is_empty()).collect()
}

/// The list of everything besides the tool's own folder.
fn package_list(
    main: &Fetched,
    fetched: &BTreeMap<PackageVersion, Fetched>,
    notes: &mut Vec<String>,
) -> Result<PackageList, Error> {
    let mut listed = Vec::new();
    for (package, one) in fetched {
        let refuse = |e: LayoutRefusal| Error::undecided(format!("{package} cannot be pinned")).because(&e);
        let built: Vec<String> =
            if is_built(&one.laid) { BUILT.iter().map(|&glob| glob.to_owned()).collect() } else { Vec::new() };
        if !built.is_empty() {
            notes.push(format!(
                "{package} is built on the machine that installs it; what the build writes is reported by each check"
            ));
        }
        for whole in std::iter::once(&one.laid.tree).chain(&one.laid.as_packed) {
            listed.push(ListedPackage {
                package: npm_version(&one.laid.facts.name, &one.laid.facts.version),
                dir_hash: without(whole, &built).map_err(refuse)?.digest,
                release: one.digests.clone(),
                platforms: whole_platforms(&one.laid.facts),
                built: built.clone(),
                is_unattested: one.attestations.is_empty(),
                replaced: Vec::new(),
            });
        }
    }
    for carrier in std::iter::once(main).chain(fetched.values()) {
        for bundled in &carrier.laid.bundled {
            listed.push(ListedPackage {
                package: npm_version(&bundled.facts.name, &bundled.facts.version),
                dir_hash: bundled.tree.digest.clone(),
                release: DigestSet::new(),
                platforms: Vec::new(),
                built: Vec::new(),
                is_unattested: false,
                replaced: Vec::new(),
            });
        }
    }
    // The same package from the registry and from a bundle with the same bytes is one entry: that with a release.
    listed.sort_by(|a, b| (&a.package, &a.dir_hash, a.release.is_empty()).cmp(&(&b.package, &b.dir_hash, b.release.is_empty())));
    listed.dedup_by(|later, first| later.package == first.package && later.dir_hash == first.dir_hash);
    Ok(PackageList::new(listed))
}

/// The platforms of a package; none where it names a machine that no system belongs to (`wasm32`): it may then lie on every one.
fn whole_platforms(facts: &PackageFacts) -> Vec<Platform> {
    let is_whole = |platform: &Platform| platform.0.split_once('/').is_some_and(|(os, cpu)| !os.is_empty() && !cpu.is_empty());
    facts.platforms().filter(|platforms| platforms.iter().all(is_whole)).unwrap_or_default()
}

fn without(tree: &Tree, globs: &[String]) -> Result<Tree, LayoutRefusal> {
    if globs.is_empty() {
        return Ok(tree.clone());
    }
    let set = glob_set(globs)?;
    let files: Vec<TreeFile> = tree.list.files.iter().filter(|file| !set.is_match(&file.name)).cloned().collect();
    Tree::of(files, tree.list.links.clone())
}

/// Whether installing a package builds something in its folder: npm does by itself, one of its install scripts names a builder, or it
/// has a script and what `node-gyp` builds from.
fn is_built(package: &NpmPackage) -> bool {
    let facts = &package.facts;
    let builds = |script: &String| BUILDERS.iter().any(|builder| script.contains(builder));
    let has_plan = || package.tree.list.files.iter().any(|file| file.name == "binding.gyp");
    facts.is_built_here || facts.install_scripts.values().any(builds) || (!facts.install_scripts.is_empty() && has_plan())
}

/// A registry as the closure asks it.
struct Registry<'a> {
    npm: &'a Npm,
    world: &'a World,
    node: Option<&'a str>,
    shrinkwraps: BTreeMap<PackageVersion, Option<Vec<u8>>>,
}

impl Registry<'_> {
    fn chosen(&self, name: &str, spec: &str) -> Result<Chosen, RegistryError> {
        let document = self.npm.document(name, Detail::Brief)?;
        let entry = self.npm.version(&document, spec, self.node)?;
        Ok(Chosen { package: npm_version(&entry.name, &entry.version), needs: needs(entry) })
    }
}

impl Offers for Registry<'_> {
    type Error = RegistryError;

    fn choose(&mut self, wanted: &Wanted<'_>) -> Result<Chosen, RegistryError> {
        let meant = registry::npm::wanted(wanted.name, wanted.range).ok_or_else(|| RegistryError::Elsewhere {
            by: wanted.by.to_string(),
            name: wanted.name.to_owned(),
            wanted: wanted.range.to_owned(),
        })?;
        self.chosen(&meant.package, &meant.spec)
    }

    fn shrinkwrap(&mut self, package: &PackageVersion) -> Result<Option<Vec<u8>>, RegistryError> {
        if let Some(known) = self.shrinkwraps.get(package) {
            return Ok(known.clone());
        }
        let release = release(self.npm, package)?;
        let Some(file) = release.files.first() else { return Ok(None) };
        let source = self.npm.source_of(&package.package.name);
        let (mut archive, _) = download_aside(self.world, &source, file)?;
        let wrong = |why: String| RegistryError::Answer { url: file.url.clone(), why };
        let contents = archive::contents(&mut archive, Kind::TarGz, &Limits::default(), &layout::npm::keep)
            .map_err(|e| wrong(e.to_string()))?;
        let shrinkwrap = layout::npm::lay(&contents).map_err(|e| wrong(e.to_string()))?.shrinkwrap;
        self.shrinkwraps.insert(package.clone(), shrinkwrap.clone());
        Ok(shrinkwrap)
    }

    fn is_absent(error: &RegistryError) -> bool {
        matches!(error, RegistryError::NoPackage { .. } | RegistryError::NoVersion { .. })
    }
}

fn needs(entry: &VersionDocument) -> Needs {
    let is_wanted = |name: &&String| !entry.peer_dependencies_meta.get(*name).is_some_and(|meta| meta.optional);
    let named = entry.dependencies.keys().chain(entry.optional_dependencies.keys());
    Needs {
        dependencies: entry.dependencies.clone(),
        optional: entry.optional_dependencies.clone(),
        peers: entry.peer_dependencies.iter().filter(|(name, _)| is_wanted(name)).map(|(n, r)| (n.clone(), r.clone())).collect(),
        bundled: named.filter(|name| entry.bundles(name)).cloned().collect(),
        has_shrinkwrap: entry.has_shrinkwrap,
    }
}
