//! Wheels: what an installer puts into `site-packages`.

use super::globs::glob_set;
use super::{LayoutRefusal, Place, Program, Tree, is_program, no_links};
use crate::archive::{Contents, Unpacked};
use crate::digest::TreeFile;
use crate::manifest::{Artifact, Shape};
use crate::tool::{Ecosystem, Package, Platform};
use crate::version::{Scheme, Version};
use std::collections::BTreeSet;

pub mod record;

/// What installers write differently from machine to machine, as globs below `site-packages`.
pub const UNSTABLE: [&str; 8] = [
    // Byte code under the names that interpreters give it (PEP 3147: `module.tag.pyc`), and the name it has while it is written. What
    // else lies in such a folder was put there by somebody, and could be imported.
    "**/__pycache__/*.*.pyc",
    "**/__pycache__/*.*.pyc.[0-9]*",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    // uv, where it installed from a file or built the wheel itself.
    "*.dist-info/uv_cache.json",
    "*.dist-info/uv_build.json",
];

/// What a wheel is and what an installation of it puts into `site-packages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The name of the distribution, as its metadata writes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The platforms it is for; empty is every one.
    pub platforms: Vec<Platform>,
    /// The platform tags of its file name, as written.
    pub platform_tags: Vec<String>,
    /// Globs of what belongs to it in `site-packages`.
    pub include: Vec<String>,
    /// Globs of what installers write differently.
    pub exclude: Vec<String>,
    /// Its members, relative to `site-packages`.
    pub tree: Tree,
    /// The commands for which installers write a launcher.
    pub commands: Vec<String>,
    /// Scripts, headers and data that lie outside of `site-packages`, by their names in the wheel. Nothing measures them.
    pub outside: Vec<String>,
    /// The files that run by themselves.
    pub programs: Vec<Program>,
}

impl Wheel {
    /// What an approval asks for on one platform.
    #[must_use]
    pub fn artifact(&self, platform: Option<Platform>) -> Artifact {
        let shape = Shape::Tree { include: self.include.clone(), exclude: self.exclude.clone() };
        self.tree.artifact(Place { package: None, platform }, shape)
    }
}

/// The globs of what belongs to a distribution whose files in `site-packages` have these names, sorted.
///
/// Folders as a whole where they are the distribution's own: those with an `__init__.py` of it. A folder without one is a namespace
/// that other distributions may share, and is opened.
#[must_use]
pub fn members(names: &BTreeSet<String>) -> Vec<String> {
    let mut include = BTreeSet::new();
    for name in names.iter().filter(|name| !is_byte_code(name)) {
        let mut end = 0;
        let member = loop {
            let Some(slash) = name[end..].find('/') else { break globset::escape(name) };
            end += slash + 1;
            let folder = &name[..end];
            let is_own = folder.ends_with(".dist-info/") || names.contains(&format!("{folder}__init__.py"));
            if is_own {
                break format!("{}**", globset::escape(folder));
            }
        };
        include.insert(member);
    }
    include.into_iter().collect()
}

/// Whether a path is byte code under the name that an interpreter gives it: `__pycache__/module.tag.pyc` (PEP 3147).
#[must_use]
pub fn is_byte_code(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    folder.rsplit('/').next() == Some("__pycache__") && is_tagged_byte_code(name)
}

/// Whether a name in `__pycache__` has the tag of an interpreter: no `import` finds such a file by its own name.
#[must_use]
pub fn is_tagged_byte_code(name: &str) -> bool {
    name.strip_suffix(".pyc").is_some_and(|module| module.contains('.'))
}

/// The descriptions in a `dist-info` folder that are read.
const DESCRIPTIONS: [&str; 4] = ["METADATA", "WHEEL", "RECORD", "entry_points.txt"];

/// The files whose content [`lay`] needs: what `archive::contents` is to keep.
#[must_use]
pub fn keep(name: &str, _size: u64) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    matches!(parts.as_slice(), [folder, file] if folder.ends_with(".dist-info") && DESCRIPTIONS.contains(file))
}

/// What an installation of this wheel looks like. `contents` are those of the wheel, read with [`keep`].
///
/// The sums in `RECORD` are held against the wheel itself here, where it is still the vendor's; on a machine nobody believes them.
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(file_name: &str, contents: &Contents) -> Result<Wheel, LayoutRefusal> {
    no_links(contents)?;
    let called = WheelName::parse(file_name)?;
    let info = info_folder(contents, &called)?;
    let kept = |name: &str| contents.kept.get(&format!("{info}/{name}")).map(|bytes| String::from_utf8_lossy(bytes));
    let metadata = kept("METADATA").ok_or(LayoutRefusal::Missing("METADATA"))?;
    let (name, version) = name_and_version(&metadata, &called)?;
    let description = kept("WHEEL").ok_or(LayoutRefusal::Missing("WHEEL"))?;
    check_form(&description, &info)?;
    record::check(&kept("RECORD").ok_or(LayoutRefusal::Missing("RECORD"))?, &info, contents)?;
    let (inside, outside) = spread(contents, &info)?;
    let include = members(&inside.iter().map(|(name, _)| name.clone()).collect());
    let exclude = UNSTABLE.map(str::to_owned).to_vec();
    let (included, excluded) = (glob_set(&include)?, glob_set(&exclude)?);
    let mut files = Vec::with_capacity(inside.len());
    let (mut programs, mut executables) = (Vec::new(), Vec::new());
    for (name, file) in inside {
        if !included.is_match(&name) || excluded.is_match(&name) {
            continue;
        }
        if is_program(file) {
            programs.push(Program { path: name.clone(), sha256: file.sha256, size: file.size });
        }
        if file.executable {
            executables.push(name.clone());
        }
        files.push(TreeFile { name, sha256: file.sha256 });
    }
    Ok(Wheel {
        name,
        version,
        platforms: called.platforms(),
        platform_tags: called.tags,
        include,
        exclude,
        tree: Tree::of(files, Vec::new())?.with_executables(executables),
        commands: kept("entry_points.txt").map(|text| commands(&text)).unwrap_or_default(),
        outside,
        programs,
    })
}

/// What the file name of a wheel says (binary distribution format, "File name convention").
struct WheelName {
    name: String,
    version: String,
    /// The platform tags, one or several.
    tags: Vec<String>,
}

impl WheelName {
    fn parse(file_name: &str) -> Result<Self, LayoutRefusal> {
        let wrong = || LayoutRefusal::WheelName(file_name.to_owned());
        let parts: Vec<&str> = file_name.strip_suffix(".whl").ok_or_else(wrong)?.split('-').collect();
        let (name, version, tags) = match parts.as_slice() {
            [name, version, _, _, tags] => (name, version, tags),
            [name, version, build, _, _, tags] if build.starts_with(|c: char| c.is_ascii_digit()) => (name, version, tags),
            _ => return Err(wrong()),
        };
        let tags: Vec<String> = tags.split('.').map(str::to_owned).collect();
        if name.is_empty() || version.is_empty() || tags.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { name: (*name).to_owned(), version: (*version).to_owned(), tags })
    }

    fn shown(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    fn is_of(&self, name: &str, version: &str) -> bool {
        // A file name has `_` where a local version has `-` or `.`.
        let plain = |version: &str| Version::parse(Scheme::Pep440, &version.replace('_', "."));
        let package = |name: &str| Package::new(Ecosystem::Pypi, name);
        package(name) == package(&self.name) && plain(version) == plain(&self.version)
    }

    /// Empty is every platform. A tag that vetted does not know stands for itself, which is the name of no machine.
    fn platforms(&self) -> Vec<Platform> {
        if self.tags.iter().any(|tag| tag == "any") {
            return Vec::new();
        }
        let mut platforms: Vec<Platform> = self.tags.iter().flat_map(|tag| tag_platforms(tag)).map(Platform).collect();
        platforms.sort();
        platforms.dedup();
        platforms
    }
}

/// The platforms of a platform tag (platform compatibility tags, "Platform tag").
fn tag_platforms(tag: &str) -> Vec<String> {
    const LINUX: [(&str, &str); 8] = [
        ("x86_64", "x86_64"),
        ("aarch64", "aarch64"),
        ("i686", "x86"),
        ("armv7l", "arm"),
        ("ppc64le", "powerpc64"),
        ("ppc64", "powerpc64"),
        ("s390x", "s390x"),
        ("riscv64", "riscv64"),
    ];
    let machine = |os: &str, architecture: &str| format!("{os}/{architecture}");
    let linux = ["manylinux", "musllinux", "linux"].iter().any(|start| tag.starts_with(start));
    if linux && let Some((_, architecture)) = LINUX.iter().find(|(end, _)| tag.ends_with(&format!("_{end}"))) {
        return vec![machine("linux", architecture)];
    }
    match tag {
        "win_amd64" => vec![machine("windows", "x86_64")],
        "win_arm64" => vec![machine("windows", "aarch64")],
        "win32" => vec![machine("windows", "x86")],
        _ if tag.starts_with("macosx_") && tag.ends_with("_universal2") => {
            vec![machine("macos", "aarch64"), machine("macos", "x86_64")]
        }
        _ if tag.starts_with("macosx_") && tag.ends_with("_arm64") => vec![machine("macos", "aarch64")],
        _ if tag.starts_with("macosx_") && (tag.ends_with("_x86_64") || tag.ends_with("_intel")) => {
            vec![machine("macos", "x86_64")]
        }
        _ => vec![tag.to_owned()],
    }
}

/// The one folder with the description of the distribution. Installers refuse a wheel with two.
fn info_folder(contents: &Contents, called: &WheelName) -> Result<String, LayoutRefusal> {
    let folders: BTreeSet<&str> = contents
        .files
        .iter()
        .filter_map(|file| file.name.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| folder.ends_with(".dist-info"))
        .collect();
    let mut folders = folders.into_iter();
    let (Some(folder), None) = (folders.next(), folders.next()) else {
        return Err(LayoutRefusal::Missing("one .dist-info folder"));
    };
    let base = folder.trim_end_matches(".dist-info");
    match base.rsplit_once('-') {
        Some((name, version)) if called.is_of(name, version) => Ok(folder.to_owned()),
        _ => Err(LayoutRefusal::OtherWheel { called: called.shown(), file: "folder", found: folder.to_owned() }),
    }
}

fn name_and_version(metadata: &str, called: &WheelName) -> Result<(String, String), LayoutRefusal> {
    let name = field(metadata, "Name").unwrap_or_default();
    let version = field(metadata, "Version").unwrap_or_default();
    if called.is_of(name, version) {
        Ok((name.to_owned(), version.to_owned()))
    } else {
        let found = format!("{name} {version}");
        Err(LayoutRefusal::OtherWheel { called: called.shown(), file: "METADATA", found })
    }
}

/// A field of a description in the form of an e-mail header, before its first empty line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    lines.filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Whether this is a wheel of the one form there is.
fn check_form(description: &str, info: &str) -> Result<(), LayoutRefusal> {
    let version = field(description, "Wheel-Version").unwrap_or_default();
    if version.split('.').next() == Some("1") {
        return Ok(());
    }
    let why = format!("it is a wheel of version `{}`, and 1 is known", crate::text::printable(version));
    Err(LayoutRefusal::Description { file: format!("{info}/WHEEL"), why })
}

/// Files of a wheel by the names they have in `site-packages`.
type Inside<'a> = Vec<(String, &'a Unpacked)>;

/// The files that go to `site-packages`, and those that go elsewhere (binary distribution format, "The .data directory").
fn spread<'a>(contents: &'a Contents, info: &str) -> Result<(Inside<'a>, Vec<String>), LayoutRefusal> {
    let data = format!("{}.data/", info.trim_end_matches(".dist-info"));
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for file in &contents.files {
        match file.name.strip_prefix(&data).map(|below| below.split_once('/')) {
            None => inside.push((file.name.clone(), file)),
            Some(Some(("purelib" | "platlib", name))) => inside.push((name.to_owned(), file)),
            Some(Some(("scripts" | "headers" | "data", _))) => outside.push(file.name.clone()),
            Some(_) => return Err(LayoutRefusal::Outside(file.name.clone())),
        }
    }
    Ok((inside, outside))
}

/// The commands for which installers write launchers (entry points specification).
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = matches!(line, "[console_scripts]" | "[gui_scripts]");
        } else if inside && let Some((name, _)) = line.split_once('=') {
            found.push(name.trim().to_owned());
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests;
