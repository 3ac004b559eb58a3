//! What real installers lay down, measured: the packages of one release in the layouts of two ways of installing it, and a real
//! Python that shows which byte code it believes.

use crate::{has, install, npm, venv};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Change, Difference, Extent, Identification, Measurement, Sighting, State};
use vetted::gather::measure::{List, Measurer, Silent};
use vetted::manifest::package_list::{ListedPackage, PackageList, PinnedFiles};
use vetted::manifest::{FileListRef, Installed, Shape};
use vetted::tool::{Channel, Ecosystem, Package, PackageVersion};
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

fn sighting(root: &Path, extent: Extent) -> Sighting {
    Sighting {
        tool: "tool".parse().unwrap(),
        package: None,
        version: None,
        channel: Channel::Npm,
        root: root.to_owned(),
        extent,
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

/// Every package folder below a `node_modules`, found by another way than the one under test: any folder with a `package.json` right
/// below a `node_modules` or a scope in it.
fn package_folders(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if !entry.file_type().unwrap().is_dir() {
            continue;
        }
        let above = path.parent().unwrap();
        let is_below = |folder: &Path| folder.file_name().is_some_and(|name| name == "node_modules");
        let is_scoped = above.file_name().unwrap().to_string_lossy().starts_with('@') && is_below(above.parent().unwrap());
        if (is_below(above) || is_scoped) && path.join("package.json").is_file() {
            found.push(path.clone());
        }
        package_folders(&path, found);
    }
}

fn list_of(modules: &Path) -> PackageList {
    let mut folders = Vec::new();
    package_folders(modules, &mut folders);
    let mut packages: BTreeMap<PackageVersion, ListedPackage> = BTreeMap::new();
    for folder in folders {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("package.json")).unwrap()).unwrap();
        let (Some(name), Some(version)) = (json["name"].as_str(), json["version"].as_str()) else { continue };
        let package = PackageVersion { package: Package::new(Ecosystem::Npm, name), version: version.to_owned() };
        let tree = measurer().tree(&folder, &[], &["node_modules/**".to_owned()]).unwrap();
        let listed = ListedPackage {
            package: package.clone(),
            dir_hash: tree.digest,
            release: DigestSet::new(),
            platforms: Vec::new(),
            built: Vec::new(),
            is_unattested: true,
            replaced: Vec::new(),
        };
        packages.insert(package, listed);
    }
    PackageList::new(packages.into_values().collect())
}

fn compare(root: &Path, list: &PackageList) -> Measurement {
    let digests = DigestSet::from(Digest::sha256_of(list.to_json().as_bytes()));
    let files = Some(FileListRef { path: "packages.json".into(), digests: digests.clone() });
    let installed = Installed { platform: None, package: None, shape: Shape::Packages, digests, files };
    let mut sighting = sighting(root, Extent::Folder);
    measurer().answer(&mut sighting, &installed, Some(Ok(&List::Packages(list.clone(), PinnedFiles::new()))));
    sighting.measurements.remove(0)
}

#[test]
fn packages_of_one_release_conform_in_the_layout_of_a_prefix_and_of_a_project() {
    if !has("npm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(folder.path()).unwrap();
    let name = "@modelcontextprotocol/server-memory";
    npm(&base.join("prefix"), name);
    let global = base.join("prefix/lib/node_modules").join(name);
    let list = list_of(&global.join("node_modules"));
    assert!(list.packages.len() > 20, "{}", list.packages.len());
    let conforms = |root: &Path| {
        let answer = compare(root, &list);
        assert_eq!((answer.difference, answer.result.is_ok()), (None, true), "{}", root.display());
        answer.covers.len()
    };
    assert!(conforms(&global) >= list.packages.len());
    // The very versions, beside the tool as a project has them.
    let version: serde_json::Value = serde_json::from_slice(&fs::read(global.join("package.json")).unwrap()).unwrap();
    let exact = format!("{name}@{}", version["version"].as_str().unwrap());
    let project = base.join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("package.json"), "{}").unwrap();
    install("npm", &["install", "--prefix", project.to_str().unwrap(), &exact], None);
    let hoisted = project.join("node_modules").join(name);
    assert!(!hoisted.join("node_modules").exists() && conforms(&hoisted) > 20);
    // One flipped byte in a package beside it, and a package that nobody asked for in the place of an optional one.
    let sdk = project.join("node_modules/@modelcontextprotocol/sdk");
    let mut text = fs::read(sdk.join("package.json")).unwrap();
    text.push(b'\n');
    fs::write(sdk.join("package.json"), text).unwrap();
    let changed = Difference { path: sdk.to_str().unwrap().to_owned(), change: Change::Changed };
    assert_eq!(compare(&hoisted, &list).difference, Some(changed));
    let evil = global.join("node_modules/evil");
    fs::create_dir(&evil).unwrap();
    fs::write(evil.join("package.json"), r#"{"name":"evil","version":"1.0.0"}"#).unwrap();
    let extra = Difference { path: "node_modules/evil".to_owned(), change: Change::Extra };
    assert_eq!(compare(&global, &list).difference, Some(extra));
}

/// A real distribution in a real environment: what Python runs is what is reported.
#[test]
fn python_runs_the_byte_code_that_is_called_a_stranger_and_no_other() {
    if !has("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let environment = fs::canonicalize(folder.path()).unwrap().join("venv");
    let python = venv(&environment);
    install(python.to_str().unwrap(), &["-m", "pip", "install", "--quiet", "--no-deps", "llm"], None);
    let site = fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    let module = site.join("llm/version_of_test.py");
    fs::write(&module, "SAYS = 'source'\n").unwrap();
    let include = vec!["llm/**".to_owned()];
    let exclude = vec!["**/*.pyc".to_owned(), "**/__pycache__/**".to_owned()];
    let tree = measurer().tree(&site, &include, &exclude).unwrap();
    let shape = Shape::Tree { include, exclude };
    let installed =
        Installed { platform: None, package: None, shape, digests: DigestSet::from(tree.digest.clone()), files: None };
    let measure = || {
        let extent = Extent::Members { include: vec!["llm/**".to_owned()], exclude: Vec::new() };
        let mut sighting = sighting(&site, extent);
        measurer().answer(&mut sighting, &installed, None);
        assert_eq!(sighting.measurements[0].result, Ok(tree.digest.clone()), "the source is untouched");
        sighting.strangers
    };
    assert_eq!(measure(), [""; 0].map(PathBuf::from), "what pip compiled is compared with its source");
    let says = || {
        let program = "import importlib.util, sys; s = importlib.util.spec_from_file_location('m', sys.argv[1]); \
                       m = importlib.util.module_from_spec(s); s.loader.exec_module(m); print(m.SAYS)";
        let output = Command::new(&python).args(["-c", program]).arg(&module).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // Byte code of another source in its place, once for each way of comparing.
    let other = site.join("other.py");
    fs::write(&other, "SAYS = 'byte code, and longer than the source'\n").unwrap();
    let poison = |mode: &str| {
        let program = "import importlib.util, py_compile, sys; m = getattr(py_compile.PycInvalidationMode, sys.argv[3]); \
                       c = importlib.util.cache_from_source(sys.argv[2]); \
                       print(py_compile.compile(sys.argv[1], cfile=c, doraise=True, invalidation_mode=m))";
        let output = Command::new(&python).args(["-c", program]).args([&other, &module]).arg(mode).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    };
    for (mode, is_believed) in [("TIMESTAMP", false), ("CHECKED_HASH", false), ("UNCHECKED_HASH", true)] {
        let cached = poison(mode);
        let strangers = measure();
        let expected = if is_believed { vec![cached] } else { Vec::new() };
        assert_eq!((says() == "source", strangers), (!is_believed, expected), "{mode}");
    }
}
