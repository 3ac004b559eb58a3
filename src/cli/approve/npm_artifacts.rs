//! What an approval asks of an installed npm tool, worked out from its packages and from what their install scripts are known to do.
//!
//! The folder of the tool is one tree. What a script puts in the place of a file of it (`Tool::replaced`) is left out of the tree and
//! pinned by itself: the placeholder of the release and the program of each platform package are alternatives. A script that adds a
//! file or makes a link leaves another folder than none does, so there the two are two layouts, and each is an approval.

use super::laid::{Layout, Tree};
use super::pypi::is_own;
use crate::catalogue::{Replaced, Tool};
use crate::digest::{Digest, DigestSet};
use crate::layout::npm::NpmPackage;
use crate::layout::{self, LayoutRefusal, Place};
use crate::manifest::file_list::TreeLink;
use crate::manifest::{Artifact, Installed, Shape};
use crate::tool::{PackageVersion, Platform};
use std::collections::{BTreeMap, BTreeSet};

/// Everything below the packages that a package brings along belongs to them.
pub(super) const NESTED: &str = "node_modules/**";

/// A package that holds the program for some platforms.
pub(super) struct PlatformPackage<'a> {
    /// Its name and version, as its own metadata says them.
    pub(super) package: &'a PackageVersion,
    /// What is in it.
    pub(super) laid: &'a NpmPackage,
}

impl PlatformPackage<'_> {
    /// Where its program runs; no platform that vetted knows is everywhere.
    fn platforms(&self) -> Vec<Option<Platform>> {
        match self.laid.facts.platforms() {
            None => vec![None],
            Some(platforms) => platforms.into_iter().map(Some).collect(),
        }
    }

    /// The digest of the file that an install script takes from it.
    fn program(&self, path: &str) -> Option<[u8; 32]> {
        let names = [path.to_owned(), format!("{path}.exe")];
        self.laid.tree.list.files.iter().find(|file| names.contains(&file.name)).map(|file| file.sha256)
    }
}

/// The layouts of a tool: how each way of installing it leaves its folder, without the packages that it brings along.
///
/// # Errors
/// [`LayoutRefusal`] for a tree that no directory hash can carry.
pub(super) fn layouts(
    tool: &Tool,
    main: &NpmPackage,
    platform_packages: &[PlatformPackage<'_>],
) -> Result<Vec<Layout>, LayoutRefusal> {
    let is_there = |path: &str| main.tree.list.files.iter().any(|file| file.name == path);
    let has_program = |replaced: &&Replaced| platform_packages.iter().any(|p| p.program(&replaced.by).is_some());
    let replaced: Vec<&Replaced> = tool.replaced.iter().filter(has_program).collect();
    let (in_place, changing): (Vec<_>, Vec<_>) = replaced.into_iter().partition(|r| is_there(&r.path) && r.link.is_none());
    let mut layouts = Vec::new();
    if !changing.is_empty() {
        layouts.push(layout(tool, main, platform_packages, &[in_place.clone(), changing].concat())?);
    }
    layouts.push(layout(tool, main, platform_packages, &in_place)?);
    Ok(layouts)
}

fn layout(
    tool: &Tool,
    main: &NpmPackage,
    platform_packages: &[PlatformPackage<'_>],
    replaced: &[&Replaced],
) -> Result<Layout, LayoutRefusal> {
    let linked: BTreeMap<&str, &str> =
        replaced.iter().filter_map(|r| r.link.as_deref().map(|link| (r.path.as_str(), link))).collect();
    let pinned_apart: Vec<&&Replaced> = replaced.iter().filter(|r| r.link.is_none()).collect();
    let mut exclude = vec![NESTED.to_owned()];
    exclude.extend(pinned_apart.iter().map(|r| globset::escape(&r.path)));
    let is_tree = |name: &str| !linked.contains_key(name) && !pinned_apart.iter().any(|r| r.path == name);
    let mut trees = Vec::new();
    // npm rewrites some files on the way and other installers do not: the two are alternatives.
    for whole in std::iter::once(&main.tree).chain(&main.as_packed) {
        let files = whole.list.files.iter().filter(|file| is_tree(&file.name)).cloned().collect();
        let mut links = whole.list.links.clone();
        links.extend(linked.iter().map(|(name, target)| TreeLink { name: (*name).to_owned(), target: (*target).to_owned() }));
        let tree = layout::Tree::of(files, links)?.with_executables(whole.list.executables.iter().cloned());
        let installed = Installed {
            platform: None,
            package: None,
            shape: Shape::Tree { include: Vec::new(), exclude: exclude.clone() },
            digests: DigestSet::from(tree.digest),
            files: None,
        };
        trees.push(Tree { installed, list: tree.list });
    }
    let mut installed = Vec::new();
    for replaced in &pinned_apart {
        let stub = main.tree.list.files.iter().find(|file| file.name == replaced.path).map(|file| file.sha256);
        installed.extend(alternatives(&replaced.path, &replaced.by, stub, platform_packages));
    }
    installed.extend(lone_programs(tool, platform_packages, &installed));
    Ok(Layout { trees, installed })
}

/// What may stand in the place of a file: on each platform the placeholder or one of its programs, and anywhere else one of all.
fn alternatives(path: &str, by: &str, stub: Option<[u8; 32]>, platform_packages: &[PlatformPackage<'_>]) -> Vec<Installed> {
    let mut of_platform: BTreeMap<Option<Platform>, BTreeSet<[u8; 32]>> = BTreeMap::new();
    let everywhere = of_platform.entry(None).or_default();
    everywhere.extend(stub);
    for package in platform_packages {
        let Some(program) = package.program(by) else { continue };
        of_platform.entry(None).or_default().insert(program);
        for platform in package.platforms() {
            let place = of_platform.entry(platform).or_default();
            place.extend(stub);
            place.insert(program);
        }
    }
    let file = |platform: &Option<Platform>, sha256: [u8; 32]| Installed {
        platform: platform.clone(),
        package: None,
        shape: Shape::File { path: path.to_owned() },
        digests: DigestSet::from(Digest::Sha256(sha256)),
        files: None,
    };
    of_platform.iter().flat_map(|(platform, digests)| digests.iter().map(|sha256| file(platform, *sha256))).collect()
}

/// The tool's own programs in its platform packages, by which a copy that lies alone is recognised. What is pinned already is not
/// pinned twice, and a helper such as `rg` is nobody's alone: the list of packages pins it with its folder.
fn lone_programs(tool: &Tool, platform_packages: &[PlatformPackage<'_>], pinned: &[Installed]) -> Vec<Installed> {
    let is_pinned = |sha256: [u8; 32]| pinned.iter().any(|i| i.digests == DigestSet::from(Digest::Sha256(sha256)));
    let mut found = Vec::new();
    for package in platform_packages {
        for program in &package.laid.programs {
            if !is_own(tool, program) || is_pinned(program.sha256) {
                continue;
            }
            for platform in package.platforms() {
                let place = Place { package: Some(package.package.clone()), platform };
                if let Artifact::Installed(installed) = program.artifact(place) {
                    found.push(installed);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::TreeFile;
    use crate::layout::Program;
    use crate::layout::npm::PackageFacts;
    use crate::tool::{Ecosystem, Package, ToolId};

    fn package(name: &str, files: &[(&str, u8)], os: &str, cpu: &str) -> (PackageVersion, NpmPackage) {
        let list = files.iter().map(|(name, byte)| TreeFile { name: (*name).to_owned(), sha256: [*byte; 32] }).collect();
        let programs = files.iter().filter(|(name, _)| !name.contains(".js")).map(|(name, byte)| Program {
            path: (*name).to_owned(),
            sha256: [*byte; 32],
            size: 1,
        });
        let words = |word: &str| if word.is_empty() { Vec::new() } else { vec![word.to_owned()] };
        let laid = NpmPackage {
            facts: PackageFacts { os: words(os), cpu: words(cpu), ..PackageFacts::default() },
            tree: layout::Tree::of(list, Vec::new()).unwrap(),
            programs: programs.collect(),
            bundled: Vec::new(),
            as_packed: None,
            vendor_list: None,
            shrinkwrap: None,
            ignored_links: Vec::new(),
        };
        (PackageVersion { package: Package::new(Ecosystem::Npm, name), version: "1.0.0".into() }, laid)
    }

    fn replacing(path: &str, by: &str, link: Option<&str>) -> Tool {
        let id: ToolId = "acme".parse().unwrap();
        let replaced = vec![Replaced { path: path.to_owned(), by: by.to_owned(), link: link.map(ToOwned::to_owned) }];
        Tool { replaced, binaries: vec!["acme".into()], ..Tool::unknown(id) }
    }

    fn files_on(layout: &Layout, platform: Option<&str>) -> Vec<u8> {
        let is_there = |i: &&Installed| i.platform.as_ref().map(|p| p.0.as_str()) == platform && i.package.is_none();
        layout.installed.iter().filter(is_there).map(|i| i.digests.iter().next().unwrap().as_bytes()[0]).collect()
    }

    #[test]
    fn a_placeholder_and_each_program_are_alternatives_and_stand_outside_of_the_tree() {
        let (_, main) = package("acme", &[("bin/acme.exe", 1), ("install.js", 2)], "", "");
        let linux = package("acme-linux", &[("acme", 3)], "linux", "x64");
        let musl = package("acme-musl", &[("acme", 4)], "linux", "x64");
        let windows = package("acme-win", &[("acme.exe", 5)], "win32", "x64");
        let all = [&linux, &musl, &windows].map(|(package, laid)| PlatformPackage { package, laid });
        let tool = replacing("bin/acme.exe", "acme", None);
        let [layout] = &layouts(&tool, &main, &all).unwrap()[..] else { panic!("one way to lie there") };
        assert_eq!(files_on(layout, Some("linux/x86_64")), [1, 3, 4]);
        assert_eq!(files_on(layout, Some("windows/x86_64")), [1, 5]);
        assert_eq!(files_on(layout, None), [1, 3, 4, 5]);
        let Shape::Tree { exclude, .. } = &layout.trees[0].installed.shape else { panic!("a tree") };
        assert_eq!(exclude, &["node_modules/**", "bin/acme.exe"]);
        assert_eq!(layout.trees[0].list.files.len(), 1);
        // Each is known as a file of the tool itself: no lone program stands there a second time.
        assert!(layout.installed.iter().all(|i| i.package.is_none()));
    }

    #[test]
    fn a_file_that_a_script_adds_makes_two_layouts() {
        let (_, main) = package("acme", &[("bin/acme", 1)], "", "");
        let linux = package("acme-linux", &[("bin/acme", 3)], "linux", "x64");
        let all = [PlatformPackage { package: &linux.0, laid: &linux.1 }];
        let layouts = layouts(&replacing("bin/.acme", "bin/acme", None), &main, &all).unwrap();
        assert_eq!(layouts.len(), 2);
        assert_eq!(files_on(&layouts[0], Some("linux/x86_64")), [3], "no placeholder is in the release");
        assert_eq!(layouts[0].trees[0].list, layouts[1].trees[0].list);
        assert_ne!(layouts[0].trees[0].installed.shape, layouts[1].trees[0].installed.shape);
        assert!(layouts[1].installed.iter().all(|i| i.package.is_some()), "the second one has nothing of it in its folder");
    }

    #[test]
    fn a_link_stands_in_the_list_and_its_file_does_not() {
        let (_, main) = package("acme", &[("bin/acme.exe", 1), ("a.js", 2)], "", "");
        let linux = package("acme-linux", &[("acme", 3)], "linux", "x64");
        let all = [PlatformPackage { package: &linux.0, laid: &linux.1 }];
        let layouts = layouts(&replacing("bin/acme.exe", "acme", Some("acme")), &main, &all).unwrap();
        let [ran, did_not] = &layouts[..] else { panic!("two layouts") };
        assert_eq!(ran.trees[0].list.links, [TreeLink { name: "bin/acme.exe".into(), target: "acme".into() }]);
        assert_eq!(ran.trees[0].list.files.len(), 1);
        assert_eq!(did_not.trees[0].list, main.tree.list);
    }

    #[test]
    fn without_its_platform_packages_nothing_is_replaced() {
        let (_, main) = package("acme", &[("bin/acme.exe", 1)], "", "");
        let layouts = layouts(&replacing("bin/acme.exe", "acme", None), &main, &[]).unwrap();
        assert_eq!(layouts.len(), 1);
        assert_eq!(layouts[0].trees[0].list, main.tree.list);
    }
}
