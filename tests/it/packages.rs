//! The packages that a Node.js tool loads, compared with the list of an approval, on layouts as npm, pnpm and their kin make them.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Change, Difference, Extent, Identification, Measurement, Sighting, State, Unmeasured};
use vetted::gather::measure::{List, Measurer, Progress, Silent, node_folders};
use vetted::manifest::package_list::{ListedPackage, PackageList, PinnedFiles};
use vetted::manifest::{FileListRef, Installed, Shape};
use vetted::tool::{Channel, Ecosystem, Package, PackageVersion};
use vetted::version::{Scheme, Version};
use vetted::world::World;
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

/// A folder with packages in it, and the approval of what lies there.
struct Ground {
    folder: tempfile::TempDir,
    listed: Vec<ListedPackage>,
}

impl Ground {
    fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("vetted-packages-").tempdir().unwrap(), listed: Vec::new() }
    }

    fn path(&self, path: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(path)
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn link(&self, target: &str, path: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A package that declares these dependencies, with a file of code.
    fn package(&self, folder: &str, name: &str, version: &str, dependencies: &[&str]) {
        let declared: serde_json::Map<String, serde_json::Value> =
            dependencies.iter().map(|d| ((*d).to_owned(), "*".into())).collect();
        let json = serde_json::json!({ "name": name, "version": version, "dependencies": declared });
        self.file(&format!("{folder}/package.json"), json.to_string());
        self.file(&format!("{folder}/index.js"), format!("// {name} {version}\n"));
    }

    /// Put a package on the list as it lies in a folder now.
    fn list(&mut self, folder: &str, name: &str, version: &str) -> &mut ListedPackage {
        let tree = measurer().tree(&self.path(folder), &[], &["node_modules/**".to_owned()]).unwrap();
        self.listed.push(ListedPackage {
            package: package(name, version),
            dir_hash: tree.digest,
            release: DigestSet::new(),
            platforms: Vec::new(),
            built: Vec::new(),
            is_unattested: true,
            replaced: Vec::new(),
        });
        self.listed.last_mut().unwrap()
    }

    /// [`Ground::package`] that is on the list.
    fn approved(&mut self, folder: &str, name: &str, version: &str, dependencies: &[&str]) {
        self.package(folder, name, version, dependencies);
        self.list(folder, name, version);
    }

    /// What is measured of the tool in `root` against the list as it stands.
    fn check(&self, root: &str) -> Sighting {
        self.check_with(&measurer(), root)
    }

    fn check_with(&self, measurer: &Measurer, root: &str) -> Sighting {
        self.check_beside(measurer, root, PinnedFiles::new())
    }

    /// What is measured where other artifacts of the approval pin these files.
    fn check_beside(&self, measurer: &Measurer, root: &str, apart: PinnedFiles) -> Sighting {
        let list = PackageList::new(self.listed.clone());
        let mut sighting = sighting(&self.path(root));
        measurer.answer(&mut sighting, &pinned(&list), Some(Ok(&List::Packages(list, apart))));
        sighting
    }

    /// The first difference, or that there is none.
    fn difference(&self, root: &str) -> Option<Difference> {
        let sighting = self.check(root);
        let answer = only(&sighting);
        assert!(answer.result.is_ok(), "{:?}", answer.result);
        answer.difference.clone()
    }

    fn unmeasured(&self, root: &str) -> String {
        only(&self.check(root)).result.clone().unwrap_err().to_string()
    }
}

fn only(sighting: &Sighting) -> &Measurement {
    assert_eq!(sighting.measurements.len(), 1);
    &sighting.measurements[0]
}

fn package(name: &str, version: &str) -> PackageVersion {
    PackageVersion { package: Package::new(Ecosystem::Npm, name), version: version.to_owned() }
}

fn pinned(list: &PackageList) -> Installed {
    let digests = DigestSet::from(Digest::sha256_of(list.to_json().as_bytes()));
    Installed {
        platform: None,
        package: None,
        shape: Shape::Packages,
        digests: digests.clone(),
        files: Some(FileListRef { path: "packages.json".into(), digests }),
    }
}

fn sighting(root: &Path) -> Sighting {
    Sighting {
        tool: "tool".parse().unwrap(),
        package: Some(Package::new(Ecosystem::Npm, "tool")),
        version: Some(Version::parse(Scheme::SemVer, "1.0.0")),
        channel: Channel::Npm,
        root: root.to_owned(),
        extent: Extent::Folder,
        reached_by: Vec::new(),
        executables: Vec::new(),
        identified_by: Identification::Metadata,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    }
}

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

fn difference(path: impl AsRef<Path>, change: Change) -> Option<Difference> {
    Some(Difference { path: path.as_ref().to_str().unwrap().to_owned(), change })
}

/// npm, globally: one package nested for its version, one hoisted, an alias, a scope, a package that only the nested one declares.
fn nested() -> Ground {
    let mut ground = Ground::new();
    ground.package("lib/node_modules/tool", "tool", "1.0.0", &["zod", "@acme/sdk", "alias", "absent"]);
    let below = "lib/node_modules/tool/node_modules";
    ground.approved(&format!("{below}/zod"), "zod", "4.0.0", &[]);
    ground.approved(&format!("{below}/@acme/sdk"), "@acme/sdk", "2.0.0", &["zod", "deep"]);
    ground.approved(&format!("{below}/@acme/sdk/node_modules/zod"), "zod", "3.0.0", &[]);
    ground.approved(&format!("{below}/deep"), "deep", "1.0.0", &[]);
    ground.approved(&format!("{below}/alias"), "@acme/real", "0.1.0-linux-x64", &[]);
    ground.file(&format!("{below}/.package-lock.json"), "{}");
    ground.file(&format!("{below}/.bin/deep"), "#!/bin/sh\n");
    fs::create_dir_all(ground.path(&format!("{below}/left-behind/node_modules"))).unwrap();
    fs::create_dir_all(ground.path(&format!("{below}/@empty"))).unwrap();
    ground
}

const TOOL: &str = "lib/node_modules/tool";

#[test]
fn what_is_on_the_list_conforms_wherever_it_lies() {
    let ground = nested();
    let sighting = ground.check(TOOL);
    let answer = only(&sighting);
    let list = PackageList::new(ground.listed.clone());
    assert_eq!(answer.result, Ok(Digest::sha256_of(list.to_json().as_bytes())));
    assert_eq!((&answer.difference, &sighting.built), (&None, &Vec::new()));
    let folders: Vec<String> =
        answer.covers.iter().map(|c| c.root.strip_prefix(ground.path(TOOL)).unwrap().display().to_string()).collect();
    let expected = ["@acme/sdk", "@acme/sdk/node_modules/zod", "alias", "deep", "zod"];
    assert_eq!(folders, expected.map(|name| format!("node_modules/{name}")));
    // The same packages, hoisted beside the tool as in a project: the list has no places.
    let modules = ground.path(TOOL).join("node_modules");
    for name in ["@acme", "deep", "alias", "zod"] {
        fs::rename(modules.join(name), ground.path("lib/node_modules").join(name)).unwrap();
    }
    assert_eq!(ground.difference(TOOL), None);
    assert_eq!(only(&ground.check(TOOL)).covers.len(), 5);
}

#[test]
fn a_changed_package_is_named_and_so_is_one_that_nobody_listed() {
    let ground = nested();
    let modules = ground.path(TOOL).join("node_modules");
    fs::write(modules.join("deep/index.js"), "evil()").unwrap();
    assert_eq!(ground.difference(TOOL), difference("node_modules/deep", Change::Changed));
    // The first in the order of their paths is named.
    fs::write(modules.join("@acme/sdk/more.js"), "").unwrap();
    assert_eq!(ground.difference(TOOL), difference("node_modules/@acme/sdk", Change::Changed));

    let ground = nested();
    ground.package(&format!("{TOOL}/node_modules/@acme/sdk/node_modules/evil"), "evil", "1.0.0", &[]);
    let extra = "node_modules/@acme/sdk/node_modules/evil";
    assert_eq!(ground.difference(TOOL), difference(extra, Change::Extra), "nobody declares it");
    // Another version of a listed package is another package.
    let ground = nested();
    ground.package(&format!("{TOOL}/node_modules/zod"), "zod", "4.0.1", &[]);
    assert_eq!(ground.difference(TOOL), difference("node_modules/zod", Change::Extra));
    // A folder's name says nothing: a listed package's bytes are its own also under another name.
    let ground = nested();
    fs::rename(ground.path(TOOL).join("node_modules/deep"), ground.path(TOOL).join("node_modules/other")).unwrap();
    assert_eq!(ground.difference(TOOL), None);
}

#[test]
fn a_package_that_node_finds_above_the_tool_counts() {
    // `absent` is declared and not installed: an optional package of another platform. Whoever puts one anywhere above is loaded.
    for place in ["lib/node_modules/absent", "node_modules/absent"] {
        let ground = nested();
        ground.package(place, "absent", "1.0.0", &[]);
        ground.package("lib/node_modules/unrelated", "unrelated", "1.0.0", &[]);
        assert_eq!(ground.difference(TOOL), difference(ground.path(place), Change::Extra), "{place}");
    }
    // A nearer one wins, as it does in Node.
    let ground = nested();
    ground.package("lib/node_modules/zod", "zod", "9.9.9", &[]);
    assert_eq!(ground.difference(TOOL), None);
    // What such a package brings counts too.
    let mut ground = nested();
    ground.approved("lib/node_modules/absent", "absent", "1.0.0", &["brought"]);
    ground.package("lib/node_modules/brought", "brought", "1.0.0", &[]);
    assert_eq!(ground.difference(TOOL), difference(ground.path("lib/node_modules/brought"), Change::Extra));
}

/// What is declared and lies nowhere above, `require` takes from Node's global folders.
#[test]
fn a_package_in_a_global_folder_of_node_counts_where_nothing_else_has_it() {
    let env = |ground: &Ground, relative: bool| {
        let node_path = if relative { ":shared".into() } else { std::env::join_paths([ground.path("shared")]).unwrap() };
        let pairs =
            [("HOME", ground.path("home").into_os_string()), ("NODE_PATH", node_path), ("PATH", ground.path("usr/bin").into())];
        let env = vetted::world::env::Env::of_pairs(pairs, &ground.path(""), vetted::tool::Os::Linux);
        let world = World { now: jiff::Timestamp::UNIX_EPOCH, env, files: Files };
        measurer().with_node_folders(node_folders(&world))
    };
    let difference_of = |ground: &Ground, measurer: &Measurer| only(&ground.check_with(measurer, TOOL)).difference.clone();
    for place in ["shared", "home/.node_modules", "home/.node_libraries", "usr/lib/node", "lib/node"] {
        for relative in [false, true] {
            let ground = nested();
            ground.file("usr/bin/node", "");
            ground.package(&format!("{place}/unrelated"), "unrelated", "1.0.0", &[]);
            ground.package(&format!("{place}/zod"), "zod", "9.9.9", &[]);
            assert_eq!(difference_of(&ground, &env(&ground, relative)), None, "{place}: nobody would load these");
            ground.package(&format!("{place}/absent"), "absent", "1.0.0", &[]);
            let planted = difference(ground.path(place).join("absent"), Change::Extra);
            assert_eq!(difference_of(&ground, &env(&ground, relative)), planted, "{place}");
        }
    }
    // A file, and what a package there brings; one that is on the list is no difference.
    let ground = nested();
    let stray = ground.file("shared/absent.js", "");
    assert_eq!(difference_of(&ground, &env(&ground, false)), difference(stray, Change::Extra));
    let mut ground = nested();
    ground.approved("shared/absent", "absent", "1.0.0", &["brought"]);
    assert_eq!(difference_of(&ground, &env(&ground, false)), None);
    ground.package("home/.node_modules/brought", "brought", "1.0.0", &[]);
    let brought = difference(ground.path("home/.node_modules/brought"), Change::Extra);
    assert_eq!(difference_of(&ground, &env(&ground, false)), brought);
}

#[test]
fn files_that_node_would_load_in_place_of_a_package_are_differences() {
    for stray in ["zod.js", "@acme/sdk.js", "evil.node", "plain/index.js", "plain/lib/x.js"] {
        let ground = nested();
        ground.file(&format!("{TOOL}/node_modules/{stray}"), "evil()");
        let shown = if stray == "plain/lib/x.js" { "plain/lib" } else { stray };
        assert_eq!(ground.difference(TOOL), difference(format!("node_modules/{shown}"), Change::Extra), "{stray}");
    }
    // In a folder that the tool shares with others only those that it would load.
    let ground = nested();
    ground.file("lib/node_modules/other.js", "");
    assert_eq!(ground.difference(TOOL), None);
    let stray = ground.file("lib/node_modules/absent.js", "");
    assert_eq!(ground.difference(TOOL), difference(stray, Change::Extra));
    // A link to a file, and a package that names nothing.
    let ground = nested();
    ground.link("../index.js", &format!("{TOOL}/node_modules/sneaky"));
    assert_eq!(ground.difference(TOOL), difference("node_modules/sneaky", Change::Extra));
    let ground = nested();
    ground.file(&format!("{TOOL}/node_modules/nameless/package.json"), r#"{"main":"x.js"}"#);
    assert_eq!(ground.difference(TOOL), difference("node_modules/nameless", Change::Extra));
    // A link in a package: the directory hash does not speak of it.
    let ground = nested();
    ground.link("/etc/passwd", &format!("{TOOL}/node_modules/deep/data"));
    assert_eq!(ground.difference(TOOL), difference("node_modules/deep/data", Change::Extra));
}

/// pnpm with its global virtual store: the tool and its packages are links into folders that lie side by side.
#[test]
fn links_of_pnpm_are_followed_and_each_folder_counts_once() {
    let mut ground = Ground::new();
    let store = |name: &str| format!("store/links/{name}/node_modules/{name}");
    ground.package(&store("tool"), "tool", "1.0.0", &["a", "b"]);
    ground.approved(&store("a"), "a", "1.0.0", &["b"]);
    ground.approved(&store("b"), "b", "1.0.0", &["a"]);
    ground.link("../../a/node_modules/a", "store/links/tool/node_modules/a");
    ground.link("../../b/node_modules/b", "store/links/tool/node_modules/b");
    ground.link("../../b/node_modules/b", "store/links/a/node_modules/b");
    ground.link("../../a/node_modules/a", "store/links/b/node_modules/a");
    ground.link("../../../store/links/tool/node_modules/tool", "global/5/node_modules/tool");
    for root in [store("tool"), "global/5/node_modules/tool".to_owned()] {
        assert_eq!(ground.difference(&root), None);
        assert_eq!(only(&ground.check(&root)).covers.len(), 2);
    }
    // `npm link` leads anywhere.
    ground.package("work/fork", "b", "1.0.0", &["x"]);
    ground.file("work/fork/patched.js", "");
    ground.package("work/node_modules/x", "x", "1.0.0", &[]);
    fs::remove_file(ground.path("store/links/tool/node_modules/b")).unwrap();
    ground.link("../../../../work/fork", "store/links/tool/node_modules/b");
    assert_eq!(ground.difference(&store("tool")), difference(ground.path("work/fork"), Change::Changed));
    // A link to nothing loads nothing; a loop of links says why it cannot be looked at.
    fs::remove_dir_all(ground.path("work")).unwrap();
    assert_eq!(ground.difference(&store("tool")), None);
    ground.link("loop", "store/links/tool/node_modules/tool/node_modules/loop");
    assert!(ground.unmeasured(&store("tool")).contains("loop"));
}

#[test]
fn what_cannot_be_told_is_unmeasured_and_a_difference_beside_it_is_named() {
    let broken = |content: &[u8]| {
        let ground = nested();
        ground.file(&format!("{TOOL}/node_modules/deep/package.json"), content);
        ground
    };
    for content in [&b"{"[..], b"\xff\xfe", b"", b"{} {}"] {
        let why = broken(content).unmeasured(TOOL);
        assert!(why.contains("node_modules/deep/package.json") && why.contains("not JSON"), "{why}");
    }
    let ground = broken(b"{");
    fs::write(ground.path(TOOL).join("node_modules/zod/index.js"), "evil()").unwrap();
    assert_eq!(ground.difference(TOOL), difference("node_modules/zod", Change::Changed));
    // The tool's own declarations.
    let ground = nested();
    ground.file(&format!("{TOOL}/package.json"), "[");
    assert!(ground.unmeasured(TOOL).contains("tool/package.json"));
    // Too large for any package.
    let ground = broken(&vec![b' '; 5 << 20]);
    assert!(ground.unmeasured(TOOL).contains("package.json"), "{}", ground.unmeasured(TOOL));
    // Yarn's Plug'n'Play loads from elsewhere.
    let ground = nested();
    ground.file(".pnp.cjs", "");
    assert!(ground.unmeasured(TOOL).contains(".pnp.cjs"));
    // A FIFO, a setuid program in a package.
    let ground = nested();
    let fifo = ground.path(TOOL).join("node_modules/zod/fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    assert!(ground.unmeasured(TOOL).contains("FIFO"));
    // No list, another list, a list that is not the pinned one.
    let ground = nested();
    let list = PackageList::new(ground.listed.clone());
    let files = List::Files(vetted::manifest::file_list::FileList::default());
    for (given, why) in [(None, "pins no list"), (Some(Ok(&files)), "of files and not"), (Some(Err("it is gone")), "it is gone")]
    {
        let mut sighting = sighting(&ground.path(TOOL));
        measurer().answer(&mut sighting, &pinned(&list), given);
        let said = only(&sighting).result.clone().unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn deep_nests_and_odd_declarations_end() {
    let ground = nested();
    let deep = "node_modules/n/".repeat(70);
    ground.package(&format!("{TOOL}/{}", deep.trim_end_matches('/')), "n", "1.0.0", &[]);
    assert_eq!(only(&ground.check(TOOL)).result, Err(Unmeasured::TooDeep(64)));
    let ground = nested();
    ground.package("outside", "outside", "1.0.0", &[]);
    let json = r#"{"name":"deep","version":"1.0.0","dependencies":{"../../../../outside":"1","/etc":"1","":"1",".":"1"}}"#;
    ground.file(&format!("{TOOL}/node_modules/deep/package.json"), json);
    assert_eq!(ground.difference(TOOL), difference("node_modules/deep", Change::Changed));
}

#[test]
fn what_install_scripts_made_is_put_down_and_not_compared() {
    let mut ground = nested();
    let pty = format!("{TOOL}/node_modules/pty");
    ground.package(&pty, "pty", "1.0.0", &[]);
    ground.list(&pty, "pty", "1.0.0").built = vec!["build/**".to_owned()];
    assert_eq!(ground.difference(TOOL), None, "nothing was built yet");
    let built = ground.file(&format!("{pty}/build/Release/pty.node"), "compiled here");
    let sighting = ground.check(TOOL);
    assert_eq!((&only(&sighting).difference, &sighting.built), (&None, &vec![built]));
    assert_eq!(only(&sighting).covers.iter().filter(|c| c.except == ["build/**"]).count(), 1);
    // Beside that place it is a difference, and packages below the built folder are packages.
    ground.file(&format!("{pty}/prebuilds/pty.node"), "compiled here");
    assert_eq!(ground.difference(TOOL), difference("node_modules/pty", Change::Changed));
}

#[test]
fn entries_of_one_package_are_alternatives() {
    let mut ground = nested();
    let native = format!("{TOOL}/node_modules/native");
    for content in ["glibc", "musl"] {
        ground.package(&native, "native", "1.0.0", &[]);
        ground.file(&format!("{native}/a.node"), content);
        ground.list(&native, "native", "1.0.0");
    }
    assert_eq!(ground.difference(TOOL), None);
    ground.file(&format!("{native}/a.node"), "glibc");
    assert_eq!(ground.difference(TOOL), None);
    ground.file(&format!("{native}/a.node"), "other");
    assert_eq!(ground.difference(TOOL), difference("node_modules/native", Change::Changed));
}

/// What an installer replaces is left to another artifact, and only to one that is there: a list alone lets nothing pass unseen.
#[test]
fn a_replaced_file_that_no_other_artifact_pins_is_a_difference() {
    let mut ground = nested();
    let native = format!("{TOOL}/node_modules/native");
    ground.package(&native, "native", "1.0.0", &[]);
    ground.list(&native, "native", "1.0.0").replaced = vec!["bin/[x]".to_owned()];
    assert_eq!(ground.difference(TOOL), None, "nothing lies there");
    let file = ground.file(&format!("{native}/bin/[x]"), "anything");
    assert_eq!(ground.difference(TOOL), difference("node_modules/native/bin/[x]", Change::Extra));
    let beside = |name: &str, version: &str, path: &str| {
        let sighting = ground.check_beside(&measurer(), TOOL, PinnedFiles::from([(package(name, version), path.to_owned())]));
        only(&sighting).difference.clone()
    };
    assert_eq!(beside("native", "1.0.0", "bin/[x]"), None);
    for (name, version, path) in [("native", "1.0.0", "bin/x"), ("native", "2.0.0", "bin/[x]"), ("other", "1.0.0", "bin/[x]")] {
        assert!(beside(name, version, path).is_some(), "{name} {version} {path}");
    }
    // It is a path and no glob; a link is no file, and a folder of that name is part of the tree.
    ground.file(&format!("{native}/bin/x"), "");
    assert_eq!(beside("native", "1.0.0", "bin/[x]"), difference("node_modules/native", Change::Changed));
    fs::remove_file(ground.path(&native).join("bin/x")).unwrap();
    fs::remove_file(&file).unwrap();
    ground.link("/etc/passwd", &format!("{native}/bin/[x]"));
    assert_eq!(ground.difference(TOOL), difference("node_modules/native/bin/[x]", Change::Extra));
    fs::remove_file(&file).unwrap();
    ground.file(&format!("{native}/bin/[x]/y.js"), "");
    assert_eq!(ground.difference(TOOL), difference("node_modules/native", Change::Changed));
}

/// One answer stands for all variants of an artifact. Where a package lies twice with different bytes, a variant that is equal to the
/// one must not stand for the other.
#[test]
fn a_variant_that_one_copy_of_a_package_is_equal_to_does_not_stand_for_the_other() {
    let ground = nested();
    let second = format!("{TOOL}/node_modules/zod/node_modules/alias");
    ground.package(&second, "@acme/real", "0.1.0-linux-x64", &[]);
    let variant = |content: &[u8]| Installed {
        platform: None,
        package: Some(package("@acme/real", "0.1.0-linux-x64")),
        shape: Shape::File { path: "agent".to_owned() },
        digests: DigestSet::from(Digest::sha256_of(content)),
        files: None,
    };
    let answer = |first: &str, other: &str| {
        ground.file(&format!("{TOOL}/node_modules/alias/agent"), first);
        ground.file(&format!("{second}/agent"), other);
        let mut sighting = sighting(&ground.path(TOOL));
        measurer().answer(&mut sighting, &variant(b"glibc"), None);
        only(&sighting).result.clone()
    };
    assert_eq!(answer("glibc", "glibc"), Ok(Digest::sha256_of(b"glibc")));
    assert_eq!(answer("musl", "musl"), Ok(Digest::sha256_of(b"musl")));
    assert_eq!(answer("glibc", "evil"), Ok(Digest::sha256_of(b"evil")));
    assert_eq!(answer("evil", "glibc"), Ok(Digest::sha256_of(b"evil")));
    for (first, other) in [("musl", "evil"), ("evil", "musl")] {
        let unsure = answer(first, other).unwrap_err();
        assert!(matches!(unsure, Unmeasured::Below { .. }), "{unsure:?}");
    }
}

#[test]
fn an_artifact_of_another_package_is_measured_where_that_package_lies() {
    let ground = nested();
    let artifact = |shape: Shape, digest: Digest, version: &str| Installed {
        platform: None,
        package: Some(package("@acme/real", version)),
        shape,
        digests: DigestSet::from(digest),
        files: None,
    };
    let answer = |installed: &Installed| {
        let mut sighting = sighting(&ground.path(TOOL));
        measurer().answer(&mut sighting, installed, None);
        only(&sighting).clone()
    };
    let file = || Shape::File { path: "index.js".to_owned() };
    let here = "0.1.0-linux-x64";
    let right = Digest::sha256_of(b"// @acme/real 0.1.0-linux-x64\n");
    assert_eq!(answer(&artifact(file(), right.clone(), here)).result, Ok(right.clone()));
    let tree = || Shape::Tree { include: Vec::new(), exclude: vec!["node_modules/**".to_owned()] };
    let folder = ground.path(TOOL).join("node_modules/alias");
    let whole = measurer().tree(&folder, &[], &["node_modules/**".to_owned()]).unwrap().digest;
    let measured = answer(&artifact(tree(), whole.clone(), here));
    assert_eq!((&measured.result, measured.covers.len()), (&Ok(whole), 1));
    assert_eq!(measured.covers[0].root, folder);
    // A missing file is named from the tool's root.
    let missing = answer(&artifact(Shape::File { path: "bin/x".to_owned() }, right.clone(), here));
    assert_eq!(missing.difference, difference("node_modules/alias/bin/x", Change::Missing));
    // Not there: it does not apply.
    let purl = "pkg:npm/%40acme/real@0.1.0-darwin-arm64".to_owned();
    assert_eq!(answer(&artifact(file(), right.clone(), "0.1.0-darwin-arm64")).result, Err(Unmeasured::NoPackage(purl)));
    // A package that does not say what it is may be this one.
    fs::write(folder.join("package.json"), "{").unwrap();
    let unsure = answer(&artifact(file(), right.clone(), here)).result.unwrap_err();
    assert!(matches!(unsure, Unmeasured::Io(_)), "{unsure:?}");
    // Two copies, one of them swapped: both have to be the approved one.
    let ground = nested();
    ground.package(&format!("{TOOL}/node_modules/deep/node_modules/copy"), "@acme/real", here, &[]);
    let installed = artifact(file(), right.clone(), here);
    let answer = || {
        let mut sighting = sighting(&ground.path(TOOL));
        measurer().answer(&mut sighting, &installed, None);
        only(&sighting).result.clone()
    };
    assert_eq!(answer(), Ok(right.clone()));
    ground.file(&format!("{TOOL}/node_modules/deep/node_modules/copy/index.js"), "swapped");
    assert_eq!(answer(), Ok(Digest::sha256_of(b"swapped")));
}

#[test]
fn a_warm_look_reads_no_file_of_a_package() {
    #[derive(Clone, Default)]
    struct Read(Arc<AtomicU64>);
    impl Progress for Read {
        fn begin(&self, files: u64, _bytes: u64) {
            self.0.fetch_add(files, Ordering::Relaxed);
        }
        fn advance(&self, _bytes: u64) {}
        fn end(&self) {}
    }
    let ground = nested();
    let cache = ground.path("cache/digests");
    std::thread::sleep(Duration::from_millis(2_200));
    let read = |expected: u64, what: &str| {
        let read = Read::default();
        let measurer = Measurer::new(Files, DigestCache::load(Files, &cache, true), Box::new(read.clone()));
        assert_eq!(only(&ground.check_with(&measurer, TOOL)).difference, None);
        measurer.into_cache().save(Files).unwrap();
        assert_eq!(read.0.load(Ordering::Relaxed), expected, "{what}");
    };
    // Five packages of two files.
    read(10, "cold");
    read(0, "warm");
    assert!(fs::metadata(&cache).unwrap().size() > 0);
}
