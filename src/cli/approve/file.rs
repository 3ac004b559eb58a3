//! `--from FILE`, and the files of a release on GitHub: what one file is, by what is in it, and how it lies on disk once installed.

use super::asked::Asked;
use super::laid::{Laid, Layout, ReleasedFile, Tree, executables_of};
use super::npm as npm_release;
use super::pypi::{is_itself, is_own, layouts as wheel_layouts};
use crate::archive::{self, Contents, Kind, Limits};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::error::Error;
use crate::layout::{Place, Program, jetbrains, npm, program, vsix, wheel};
use crate::manifest::{Artifact, Installed, Shape};
use crate::registry::{download_aside, local};
use crate::text::printable;
use crate::tool::{Ecosystem, Package, PackageVersion, Platform};
use std::fs::File;
use std::path::Path;

/// One file of a release, worked out.
pub(super) struct LaidFile {
    /// The package that it is, where it says so.
    pub(super) package: Option<PackageVersion>,
    /// Further files of the release that belong to it.
    pub(super) others: Vec<ReleasedFile>,
    /// How it lies on disk.
    pub(super) layouts: Vec<Layout>,
    /// The packages that it brings along.
    pub(super) packages: Option<crate::manifest::package_list::PackageList>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// Work out the release that is one file.
///
/// # Errors
/// [`Error`] when it cannot be read, is refused, or its version is not known.
pub(super) fn lay(asked: &Asked<'_>, path: &Path) -> Result<Laid, Error> {
    let world = &asked.context.world;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // A file of nobody has no name that a registry would know; what it is stands in it.
    let nobody = PackageVersion { package: Package::new(Ecosystem::Generic, asked.tool.id.as_str()), version: String::new() };
    let (release, source) = local::release(world.files, nobody, path, &[]).map_err(Error::from)?;
    let [file] = &release.files[..] else {
        return Err(Error::usage(format!("`{}` is not one file", printable(&name))));
    };
    let (mut copy, done) = download_aside(world, &source, file).map_err(Error::from)?;
    let laid = lay_file(asked, &name, &mut copy, &done.digests)?;
    let version = match (&laid.package, &asked.version) {
        (Some(package), Some(named)) if package.version != *named => {
            return Err(Error::usage(format!("`{}` is not version {}", printable(&name), printable(named)))
                .cause(format!("it says that it is {package}")));
        }
        (Some(package), _) => package.version.clone(),
        (None, Some(named)) => named.clone(),
        (None, None) => {
            return Err(Error::usage(format!("`{}` does not say which version it is", printable(&name)))
                .hint(format!("`vetted approve {}@VERSION --from FILE` says it", asked.tool.id)));
        }
    };
    let known = laid.package.as_ref().filter(|package| Package::parse_purl(&package.package.purl(None)).is_ok());
    let this =
        ReleasedFile { package: known.cloned(), name, digests: done.digests, attestations: Vec::new(), unserved: Vec::new() };
    Ok(Laid {
        package: laid.package.as_ref().map(|package| package.package.clone()),
        version,
        released: None,
        releases: std::iter::once(this).chain(laid.others).collect(),
        layouts: laid.layouts,
        packages: laid.packages,
        undeclared: Vec::new(),
        notes: laid.notes,
    })
}

/// What a file is: by its first bytes, and in an archive by what is in it. Its name chooses only between forms that look alike.
pub(super) fn lay_file(asked: &Asked<'_>, name: &str, file: &mut File, digests: &DigestSet) -> Result<LaidFile, Error> {
    let refuse = |e: &dyn std::error::Error| Error::undecided(format!("`{}` is refused", printable(name))).because(e);
    let kind = match Kind::tell(&mut *file) {
        Ok(kind) => kind,
        Err(error) if error.reason == archive::Reason::NotAnArchive => return lone_program(asked, name, digests),
        Err(error) => return Err(refuse(&error)),
    };
    let end = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let keep = |inside: &str, size: u64| npm::keep(inside, size) || wheel::keep(inside, size) || vsix::keep(inside, size);
    let contents = archive::contents(&mut *file, kind, &Limits::default(), &keep).map_err(|e| refuse(&e))?;
    let is_npm = kind == Kind::TarGz
        && contents.files.iter().any(|f| f.name.split_once('/').is_some_and(|(_, rest)| rest == "package.json"));
    let mut laid = match (kind, end.as_str()) {
        (Kind::TarGz, _) if is_npm => npm_release::lay_file(asked, name, digests, &contents)?,
        (Kind::Zip, "whl") => wheel_of(asked, name, digests, &contents)?,
        (Kind::Zip, _) if contents.file("extension/package.json").is_some() => extension(asked, &contents)?,
        (Kind::Zip, _) if asked.tool.packages().any(|package| package.ecosystem == Ecosystem::JetBrains) => {
            plugin(name, digests, &contents)?
        }
        _ => archived_program(asked, name, &contents)?,
    };
    // An npm package says it already.
    if !is_npm {
        laid.notes.extend(executables_of(&laid.layouts));
    }
    if let Some(package) = &laid.package
        && !asked.tool.packages().any(|known| known == package.package)
    {
        return Err(Error::usage(format!("`{}` is no {}", printable(name), asked.tool.id)).cause(format!("it is {package}")));
    }
    Ok(laid)
}

/// A file that is a program by itself.
fn lone_program(asked: &Asked<'_>, name: &str, digests: &DigestSet) -> Result<LaidFile, Error> {
    let Some(Digest::Sha256(sha256)) = digests.get(Algorithm::Sha256) else {
        return Err(Error::undecided(format!("`{}` has no SHA-256", printable(name))));
    };
    let program = Program { path: String::new(), sha256: *sha256, size: 0 };
    Ok(of_program(asked, &program, platform_of(name), Vec::new()))
}

/// The program in an archive. It lies wherever who unpacks it puts it, so it is known by its bytes alone.
fn archived_program(asked: &Asked<'_>, name: &str, contents: &Contents) -> Result<LaidFile, Error> {
    let named = asked.tool.binaries.iter().find_map(|binary| program::of_archive(contents, Some(binary)).ok());
    let found = match named {
        Some(found) => found,
        None => program::of_archive(contents, None)
            .map_err(|e| Error::usage(format!("`{}` holds no program that is {}", printable(name), asked.tool.id)).because(&e))?,
    };
    let lone = Program { path: String::new(), ..found.clone() };
    let note = format!("of `{}` only the program `{}` is pinned", printable(name), printable(&found.path));
    Ok(of_program(asked, &lone, platform_of(name), vec![note]))
}

fn of_program(_asked: &Asked<'_>, program: &Program, platform: Option<Platform>, notes: Vec<String>) -> LaidFile {
    let installed = match program.artifact(Place { package: None, platform }) {
        Artifact::Installed(installed) => vec![installed],
        Artifact::Release(_) => Vec::new(),
    };
    LaidFile { package: None, others: Vec::new(), layouts: vec![Layout { trees: Vec::new(), installed }], packages: None, notes }
}

fn wheel_of(asked: &Asked<'_>, name: &str, digests: &DigestSet, contents: &Contents) -> Result<LaidFile, Error> {
    let wheel = wheel::lay(name, contents)
        .map_err(|e| Error::undecided(format!("the wheel {} cannot be worked out", printable(name))).because(&e))?;
    let package = PackageVersion { package: Package::new(Ecosystem::Pypi, &wheel.name), version: wheel.version.clone() };
    is_itself(&package, name, &wheel)?;
    let layouts = wheel_layouts(asked.tool, &[(name.to_owned(), digests.clone(), wheel)]);
    Ok(LaidFile { package: Some(package), others: Vec::new(), layouts, packages: None, notes: Vec::new() })
}

fn extension(asked: &Asked<'_>, contents: &Contents) -> Result<LaidFile, Error> {
    let extension = vsix::lay(contents).map_err(|e| Error::undecided("the extension cannot be worked out").because(&e))?;
    let (mut trees, mut installed) = (Vec::new(), Vec::new());
    for artifact in extension.artifacts() {
        let Artifact::Installed(one) = artifact else { continue };
        if matches!(one.shape, Shape::Tree { .. }) {
            trees.push(Tree { installed: one, list: extension.tree.list.clone() });
        } else {
            installed.push(one);
        }
    }
    for program in extension.programs.iter().filter(|program| is_own(asked.tool, program)) {
        if let Artifact::Installed(file) = program.artifact(Place { package: None, platform: extension.platform.clone() })
            && !installed.contains(&file)
        {
            installed.push(file);
        }
    }
    let package = PackageVersion { package: Package::new(Ecosystem::VsCode, &extension.id), version: extension.version.clone() };
    Ok(LaidFile {
        package: Some(package),
        others: Vec::new(),
        layouts: vec![Layout { trees, installed }],
        packages: None,
        notes: Vec::new(),
    })
}

/// A plugin of JetBrains IDEs: the folder that an IDE unpacks, or the jar itself.
fn plugin(name: &str, digests: &DigestSet, contents: &Contents) -> Result<LaidFile, Error> {
    if contents.file("META-INF/plugin.xml").is_some() {
        let Some(Digest::Sha256(sha256)) = digests.get(Algorithm::Sha256) else {
            return Err(Error::undecided(format!("`{}` has no SHA-256", printable(name))));
        };
        let jar = Program { path: String::new(), sha256: *sha256, size: 0 };
        let Artifact::Installed(installed) = jar.artifact(Place::default()) else {
            return Err(Error::undecided(format!("`{}` cannot be pinned", printable(name))));
        };
        let layout = Layout { trees: Vec::new(), installed: vec![installed] };
        return Ok(LaidFile { package: None, others: Vec::new(), layouts: vec![layout], packages: None, notes: Vec::new() });
    }
    let plugin = jetbrains::lay(contents).map_err(|e| Error::undecided("the plugin cannot be worked out").because(&e))?;
    let installed = Installed {
        platform: None,
        package: None,
        shape: Shape::Tree { include: Vec::new(), exclude: Vec::new() },
        digests: DigestSet::from(plugin.tree.digest),
        files: None,
    };
    let layout = Layout { trees: vec![Tree { installed, list: plugin.tree.list }], installed: Vec::new() };
    Ok(LaidFile { package: None, others: Vec::new(), layouts: vec![layout], packages: None, notes: Vec::new() })
}

/// The platform that the name of a file speaks of, in the words that makers use; `None` where it speaks of none, or of several.
pub(super) fn platform_of(name: &str) -> Option<Platform> {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let one_of = |table: &[(&str, &'static str)]| -> Option<&'static str> {
        let mut found: Vec<&'static str> =
            table.iter().filter(|(word, _)| words.contains(word)).map(|(_, known)| *known).collect();
        found.dedup();
        match found[..] {
            [one] => Some(one),
            _ => None,
        }
    };
    let os = one_of(&[
        ("linux", "linux"),
        ("darwin", "macos"),
        ("macos", "macos"),
        ("apple", "macos"),
        ("windows", "windows"),
        ("win32", "windows"),
        ("win", "windows"),
    ])?;
    let joined = lower.contains("x86_64");
    let cpu = if joined {
        Some("x86_64")
    } else {
        one_of(&[("x64", "x86_64"), ("amd64", "x86_64"), ("arm64", "aarch64"), ("aarch64", "aarch64")])
    }?;
    Some(Platform(format!("{os}/{cpu}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_platform_only_where_it_tells_one() {
        let of = |name| platform_of(name).map(|platform| platform.0);
        assert_eq!(of("acme-x86_64-unknown-linux-musl.tar.gz").as_deref(), Some("linux/x86_64"));
        assert_eq!(of("acme_Darwin_arm64.tar.gz").as_deref(), Some("macos/aarch64"));
        assert_eq!(of("acme-aarch64-apple-darwin").as_deref(), Some("macos/aarch64"));
        assert_eq!(of("acme-windows-amd64.exe").as_deref(), Some("windows/x86_64"));
        for name in ["acme", "acme-linux", "acme-linux-darwin-x64", "acme-linux-x64-arm64", "winner-arm64"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
