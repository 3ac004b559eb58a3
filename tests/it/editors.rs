//! Extensions of editors and plugins of IDEs as their installers lay them down: what the installer writes is set aside, and nothing
//! else is.
#![cfg(unix)]

use crate::machine::Search;
use std::fs;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Change, Difference, Extent, Measurement, Sighting, Unmeasured};
use vetted::gather::measure::{List, Measurer, Silent};
use vetted::manifest::json::canonical_without;
use vetted::manifest::{FileListRef, Installed, Shape};
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

fn artifact(shape: Shape, digest: Digest) -> Installed {
    Installed { platform: None, package: None, shape, digests: DigestSet::from(digest), files: None }
}

fn measure(mut sighting: Sighting, installed: &Installed, list: Option<&List>) -> Measurement {
    measurer().answer(&mut sighting, installed, list.map(Ok));
    sighting.measurements.remove(0)
}

/// What the vendor packs.
const RELEASED: &str = r#"{"name":"claude-code","publisher":"Anthropic","version":"2.1.329","main":"./extension.js"}"#;
const EXTENSION: &str = "home/.vscode/extensions/anthropic.claude-code-2.1.329-linux-x64";

/// VS Code writes members of its own into `package.json` and keeps the package's manifest beside it.
fn installed() -> Search {
    let search = Search::new();
    let mut manifest: serde_json::Value = serde_json::from_str(RELEASED).unwrap();
    manifest["__metadata"] =
        serde_json::json!({ "installedTimestamp": 1_763_000_000_000_u64, "id": "x", "isMachineScoped": true });
    search.machine.file(&format!("{EXTENSION}/package.json"), serde_json::to_string_pretty(&manifest).unwrap());
    search.machine.file(&format!("{EXTENSION}/extension.js"), "exports.activate = () => {}\n");
    search.machine.file(&format!("{EXTENSION}/.vsixmanifest"), "<PackageManifest/>");
    search.machine.file("home/.vscode/extensions/extensions.json", "[]");
    search.machine.file("home/.vscode/extensions/.obsolete", r#"{"anthropic.claude-code-2.1.328":true}"#);
    search
}

#[test]
fn what_an_extension_says_of_itself_is_measured_without_the_editors_own_members() {
    let search = installed();
    let without = vec!["__metadata".to_owned()];
    let digest = Digest::sha256_of(&canonical_without(RELEASED.as_bytes(), &without).unwrap());
    let shape = |path: &str| Shape::Json { path: path.to_owned(), without: without.clone() };
    let pinned = artifact(shape("package.json"), digest.clone());
    assert_eq!(search.only().extent, Extent::Folder);
    assert_eq!(measure(search.only(), &pinned, None).result, Ok(digest.clone()));
    // The same with other values of the editor, and on another day.
    let path = search.at(&format!("{EXTENSION}/package.json"));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("1763000000000", "1")).unwrap();
    assert_eq!(measure(search.only(), &pinned, None).result, Ok(digest.clone()));
    // Anything else that it says is something else.
    for (from, to) in [("./extension.js", "./evil.js"), ("\"main\"", "\"activationEvents\": [\"*\"], \"main\"")] {
        fs::write(&path, text.replace(from, to)).unwrap();
        let measured = measure(search.only(), &pinned, None).result.unwrap();
        assert_ne!(measured, digest, "{to}");
    }
    // What is no JSON, is not there or is reached by a link has no content.
    fs::write(&path, text).unwrap();
    search.machine.file(&format!("{EXTENSION}/odd.json"), "[]");
    search.link(&format!("{EXTENSION}/link.json"), "package.json");
    let why = |path: &str| measure(search.only(), &artifact(shape(path), digest.clone()), None);
    assert!(why("odd.json").result.unwrap_err().to_string().contains("`odd.json`"));
    assert_eq!(why("link.json").result, Err(Unmeasured::Link("link.json".into())));
    let missing = why("none.json");
    assert_eq!(missing.difference, Some(Difference { path: "none.json".into(), change: Change::Missing }));
    assert!(missing.result.is_err());
}

#[test]
fn the_files_of_an_extension_are_those_of_its_release() {
    let search = installed();
    let folder = search.at(EXTENSION);
    let exclude = ["package.json", ".vsixmanifest"].map(str::to_owned).to_vec();
    let tree = measurer().tree(&folder, &[], &exclude).unwrap();
    let list = List::Files(tree.list);
    let mut pinned = artifact(Shape::Tree { include: Vec::new(), exclude }, tree.digest.clone());
    pinned.files = Some(FileListRef { path: "files.json".into(), digests: DigestSet::from(Digest::sha256_of(b"list")) });
    assert_eq!(measure(search.only(), &pinned, Some(&list)).result, Ok(tree.digest.clone()));
    let native = search.machine.file(&format!("{EXTENSION}/resources/native-binary/x.node"), "evil");
    let measured = measure(search.only(), &pinned, Some(&list));
    let extra = Difference { path: "resources/native-binary/x.node".into(), change: Change::Extra };
    assert_eq!(measured.difference, Some(extra));
    fs::remove_file(native).unwrap();
    fs::write(folder.join("extension.js"), "evil()").unwrap();
    let changed = Difference { path: "extension.js".into(), change: Change::Changed };
    assert_eq!(measure(search.only(), &pinned, Some(&list)).difference, Some(changed));
}

/// A jar that says which plugin it is.
fn jar(search: &Search, path: &str) {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("META-INF/plugin.xml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"<idea-plugin><id>com.anthropic.code.plugin</id><version>0.1.14</version></idea-plugin>").unwrap();
    search.machine.file(path, zip.finish().unwrap().into_inner());
}

#[test]
fn plugins_are_measured_as_a_folder_or_as_one_jar() {
    let ide = "home/.local/share/JetBrains/IntelliJIdea2026.2";
    let search = Search::new();
    jar(&search, &format!("{ide}/claude/lib/claude.jar"));
    search.machine.file(&format!("{ide}/claude/lib/other.jar"), "PK");
    let sighting = search.only();
    assert_eq!(sighting.extent, Extent::Folder);
    let tree = measurer().tree_of(&sighting).unwrap();
    let names: Vec<_> = tree.list.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["lib/claude.jar", "lib/other.jar"]);
    let pinned = artifact(Shape::Tree { include: Vec::new(), exclude: Vec::new() }, tree.digest.clone());
    assert_eq!(measure(search.only(), &pinned, None).result, Ok(tree.digest.clone()));
    search.machine.file(&format!("{ide}/claude/lib/more.jar"), "PK");
    assert_ne!(measure(search.only(), &pinned, None).result, Ok(tree.digest));

    let search = Search::new();
    jar(&search, &format!("{ide}/claude.jar"));
    let sighting = search.only();
    assert_eq!(sighting.extent, Extent::File);
    let digest = Digest::sha256_of(&fs::read(&sighting.root).unwrap());
    let pinned = artifact(Shape::File { path: String::new() }, digest.clone());
    assert_eq!(measure(sighting, &pinned, None).result, Ok(digest));
    assert!(matches!(measurer().tree_of(&search.only()), Err(Unmeasured::NotAFile(_))));
}
