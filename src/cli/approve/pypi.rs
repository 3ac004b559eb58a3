//! `--from pypi`: every wheel of a release, for every platform.

use super::asked::{Asked, Offered};
use super::laid::{Laid, Layout, ReleasedFile, Tree, executables_of};
use super::registries::network;
use crate::archive::{self, Kind, Limits};
use crate::catalogue::Tool;
use crate::digest::DigestSet;
use crate::error::Error;
use crate::layout::wheel::{self, Wheel};
use crate::layout::{Place, Program};
use crate::manifest::{Artifact, Installed};
use crate::registry::pypi::{Project, Pypi};
use crate::registry::{Release, ReleaseFile, Source, download_aside};
use crate::text::printable;
use crate::tool::{Ecosystem, PackageVersion, Platform};
use crate::version::Version;
use crate::world::World;
use std::cmp::Ordering;

/// Download and work out every wheel of a release.
///
/// # Errors
/// [`Error`] when the index does not give it, there is no wheel, or one cannot be pinned.
pub(super) fn lay(asked: &Asked<'_>, recorded: Option<&[DigestSet]>) -> Result<Laid, Error> {
    let package = asked.package(Ecosystem::Pypi)?;
    let pypi = Pypi::new(&asked.context.world, &network(asked.context)?, asked.args.registry.as_deref()).map_err(Error::from)?;
    let project = pypi.project(&package.name).map_err(Error::from)?;
    let version = asked.chosen_version(&package, offered(&project))?;
    let release = pypi.release(&project, &version).map_err(Error::from)?;
    let printer = asked.context.printer;
    printer.say(&format!("{} {} from {}", package.name, printable(&release.package.version), pypi.address()));
    let wheels = wheels(asked, &release, recorded)?;
    let mut laid = Vec::new();
    for file in wheels {
        printer.say(&format!("  {}", printable(&file.name)));
        laid.push(fetch(&asked.context.world, &pypi.source(), &release, file)?);
    }
    let layouts = layouts(asked.tool, &laid);
    let released_file = |(file, digests, _): &(String, DigestSet, Wheel)| ReleasedFile {
        package: Some(release.package.clone()),
        name: file.clone(),
        digests: digests.clone(),
        attestations: release.attestations.clone(),
        unserved: Vec::new(),
    };
    let mut notes: Vec<String> = executables_of(&layouts).into_iter().collect();
    if let Some(why) = &release.withdrawn {
        notes.push(format!("its publisher withdrew it: {}", printable(why)));
    }
    notes.extend(
        release.unserved.iter().map(|url| format!("the index names an attestation and does not serve it: {}", printable(url))),
    );
    for (name, _, wheel) in laid.iter().filter(|(_, _, wheel)| !wheel.outside.is_empty()) {
        notes.push(format!(
            "{} puts {} files outside of site-packages, which nothing measures",
            printable(name),
            wheel.outside.len()
        ));
    }
    Ok(Laid {
        package: Some(package),
        version: release.package.version.clone(),
        released: release.released,
        releases: laid.iter().map(released_file).collect(),
        layouts,
        packages: None,
        undeclared: Vec::new(),
        notes,
    })
}

/// The versions that an index has. A version is as old as the youngest of its files, and has no age where one of them has none.
pub(super) fn offered(project: &Project) -> Vec<Offered> {
    let one = |version: Version| {
        let mut released = None;
        let (mut is_dated, mut is_withdrawn) = (true, false);
        for file in project.files.iter().filter(|f| f.version.precedence(&version).is_some_and(Ordering::is_eq)) {
            is_dated &= file.uploaded.is_some();
            is_withdrawn |= file.yanked.is_some();
            released = released.max(file.uploaded);
        }
        Offered { version: version.as_str().to_owned(), released: released.filter(|_| is_dated), is_withdrawn }
    };
    project.versions().into_iter().map(one).collect()
}

/// The wheels of a release; of one that was recorded, those that were.
fn wheels<'a>(asked: &Asked<'_>, release: &'a Release, recorded: Option<&[DigestSet]>) -> Result<Vec<&'a ReleaseFile>, Error> {
    let is_wheel = |name: &str| name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("whl"));
    let all: Vec<&ReleaseFile> = release.files.iter().filter(|file| is_wheel(&file.name)).collect();
    if all.is_empty() {
        return Err(Error::usage(format!("{} has no wheel", release.package))
            .cause("a source distribution runs code of its own where it is installed, and leaves what that code made")
            .hint(format!(
                "build the wheel once (`pip wheel --no-deps`), look at it, and give it: `vetted approve {}@{} --from FILE`",
                asked.tool.id, release.package.version
            ))
            .hint("installed from there: `pip install --no-index --find-links DIR`"));
    }
    let Some(recorded) = recorded else { return Ok(all) };
    let mut found = Vec::new();
    for digests in recorded {
        let file = all.iter().find(|file| digests.verify_all(&file.stated).is_ok());
        let file = file.ok_or_else(|| {
            let digest = digests.iter().next().map(ToString::to_string).unwrap_or_default();
            Error::undecided(format!("the index has no file of {} any more with the digest that is recorded", release.package))
                .cause(digest)
        })?;
        found.push(*file);
    }
    Ok(found)
}

fn fetch(world: &World, source: &Source, release: &Release, file: &ReleaseFile) -> Result<(String, DigestSet, Wheel), Error> {
    let (mut archive, done) = download_aside(world, source, file)?;
    let contents = archive::contents(&mut archive, Kind::Zip, &Limits::default(), &wheel::keep)
        .map_err(|e| Error::undecided(format!("the wheel {} is refused", printable(&file.name))).because(&e))?;
    let wheel = wheel::lay(&file.name, &contents)
        .map_err(|e| Error::undecided(format!("the wheel {} cannot be worked out", printable(&file.name))).because(&e))?;
    is_itself(&release.package, &file.name, &wheel)?;
    Ok((file.name.clone(), done.digests, wheel))
}

/// A wheel that says that it is another distribution would be measured under another name.
pub(super) fn is_itself(package: &PackageVersion, file: &str, wheel: &Wheel) -> Result<(), Error> {
    let scheme = Ecosystem::Pypi.scheme();
    let (here, there) = (Version::parse(scheme, &wheel.version), Version::parse(scheme, &package.version));
    let is_same_version = here.precedence(&there).is_some_and(Ordering::is_eq);
    if crate::tool::Package::new(Ecosystem::Pypi, &wheel.name) == package.package && is_same_version {
        return Ok(());
    }
    Err(Error::undecided(format!("the wheel {} says that it is another distribution", printable(file))).cause(format!(
        "expected {package}, found {}@{}",
        printable(&wheel.name),
        printable(&wheel.version)
    )))
}

/// How the wheels may lie on disk. Wheels for different platforms that own the same names are one layout; where they do not, or where
/// one wheel is for every platform beside others that are not, each is a layout of its own, because what is measured differs.
pub(super) fn layouts(tool: &Tool, wheels: &[(String, DigestSet, Wheel)]) -> Vec<Layout> {
    let all: Vec<&Wheel> = wheels.iter().map(|(_, _, wheel)| wheel).collect();
    let is_one = all.windows(2).all(|pair| {
        let [a, b] = pair else { return true };
        a.include == b.include && a.exclude == b.exclude && a.platforms.is_empty() == b.platforms.is_empty()
    });
    let groups: Vec<Vec<&Wheel>> = if is_one { vec![all] } else { all.into_iter().map(|wheel| vec![wheel]).collect() };
    groups.into_iter().map(|group| layout(tool, &group)).collect()
}

fn layout(tool: &Tool, wheels: &[&Wheel]) -> Layout {
    let (mut trees, mut installed): (Vec<Tree>, Vec<Installed>) = (Vec::new(), Vec::new());
    for wheel in wheels {
        for platform in places(wheel) {
            if let Artifact::Installed(tree) = wheel.artifact(platform.clone())
                && !trees.iter().any(|known| known.installed == tree)
            {
                trees.push(Tree { installed: tree, list: wheel.tree.list.clone() });
            }
            let own = wheel.programs.iter().filter(|program| is_own(tool, program));
            for program in own {
                if let Artifact::Installed(file) = program.artifact(Place { package: None, platform: platform.clone() })
                    && !installed.contains(&file)
                {
                    installed.push(file);
                }
            }
        }
    }
    Layout { trees, installed }
}

fn places(wheel: &Wheel) -> Vec<Option<Platform>> {
    if wheel.platforms.is_empty() { vec![None] } else { wheel.platforms.iter().cloned().map(Some).collect() }
}

/// Whether a program is the tool's own by its name: a copy of it that lies alone is then recognised.
pub(super) fn is_own(tool: &Tool, program: &Program) -> bool {
    let name = program.path.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    tool.binaries.iter().any(|binary| binary == name)
}
