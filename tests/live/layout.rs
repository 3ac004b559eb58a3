//! What is worked out from a release, held against what the real installers leave of it.

use super::{has, install, machine_with_prefix, npm, venv};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use vetted::archive::{self, Contents, Kind, Limits};
use vetted::digest::TreeFile;
use vetted::gather::measure::{Measurer, Silent};
use vetted::layout;
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

fn unpacked(path: &Path, keep: &dyn Fn(&str, u64) -> bool) -> Contents {
    let mut file = File::open(path).unwrap();
    let kind = Kind::tell(&mut file).unwrap();
    archive::contents(file, kind, &Limits::default(), keep).unwrap_or_else(|refusal| panic!("{}: {refusal}", path.display()))
}

/// The archive of a package, as the registry serves it.
fn packed(package: &str, folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    install("npm", &["pack", "--silent", "--pack-destination", folder.to_str().unwrap(), package], None);
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (Some(path), None) = (files.next(), files.next()) else { panic!("npm pack wrote no file or several") };
    path
}

/// What a folder holds, without a word of the program under test: names and sums, links as their targets.
fn on_disk(root: &Path) -> BTreeMap<String, [u8; 32]> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            match kind {
                _ if name == "node_modules" => {}
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_symlink() => panic!("{name} is a link"),
                _ => drop(found.insert(name, Sha256::digest(fs::read(&path).unwrap()).into())),
            }
        }
    }
    found
}

fn names(files: &[TreeFile]) -> BTreeMap<String, [u8; 32]> {
    files.iter().map(|file| (file.name.clone(), file.sha256)).collect()
}

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

/// Install a package from the registry and hold its folder against its archive. What an install script changed is named by the caller.
#[track_caller]
fn compare_npm(package: &str, name: &str, changed_by_script: &[&str]) {
    let (machine, prefix) = machine_with_prefix();
    let archive = packed(package, &machine.work().join("packed"));
    let laid = layout::npm::lay(&unpacked(&archive, &layout::npm::keep)).unwrap();
    npm(&prefix, package);
    let root = prefix.join("lib/node_modules").join(name);
    same_folder(&root, &laid.tree, changed_by_script);
}

#[track_caller]
fn same_folder(root: &Path, tree: &layout::Tree, changed_by_script: &[&str]) {
    let (mut expected, mut found) = (names(&tree.list.files), on_disk(root));
    for path in changed_by_script {
        assert_ne!(expected.remove(*path), found.remove(*path), "{path} was not changed");
    }
    assert_eq!(expected, found, "{}", root.display());
    if changed_by_script.is_empty() {
        let measured = measurer().tree(root, &[], &["node_modules/**".to_owned()]).unwrap();
        assert_eq!(measured.digest, tree.digest);
    }
}

#[test]
fn packages_lie_on_disk_as_worked_out() {
    if !has("npm") {
        return;
    }
    compare_npm("@openai/codex@0.169.0", "@openai/codex", &[]);
    compare_npm("@modelcontextprotocol/server-memory@2026.8.31", "@modelcontextprotocol/server-memory", &[]);
    compare_npm("@playwright/mcp@0.0.83", "@playwright/mcp", &[]);
    // `package/./dist/index.js` stands in its archive, and again without the dot.
    compare_npm("https-proxy-agent@7.0.6", "https-proxy-agent", &[]);
    // Its script puts the program in the place of a stub.
    compare_npm("@anthropic-ai/claude-code@2.1.197", "@anthropic-ai/claude-code", &["bin/claude.exe"]);
    compare_npm("opencode-ai@1.18.33", "opencode-ai", &["bin/opencode.exe"]);
}

/// npm itself brings all its dependencies along.
#[test]
fn bundled_packages_lie_on_disk_as_worked_out() {
    if !has("npm") {
        return;
    }
    let (machine, prefix) = machine_with_prefix();
    let archive = packed("npm@11.19.1", &machine.work().join("packed"));
    let laid = layout::npm::lay(&unpacked(&archive, &layout::npm::keep)).unwrap();
    npm(&prefix, "npm@11.19.1");
    let root = prefix.join("lib/node_modules/npm");
    same_folder(&root, &laid.tree, &[]);
    assert!(laid.bundled.len() > 100, "{} bundled packages", laid.bundled.len());
    for bundled in &laid.bundled {
        same_folder(&root.join(&bundled.folder), &bundled.tree, &[]);
    }
}

/// A package made by hand, with everything that npm changes or leaves out.
#[test]
fn npm_rewrites_what_is_said_that_it_rewrites() {
    if !has("npm") || !has("tar") {
        return;
    }
    let (machine, prefix) = machine_with_prefix();
    let json =
        r#"{"name":"crlf","version":"1.0.0","bin":{"one":"one.js","two":"./sub/two.js","three":"three.js"},"files":["."]}"#;
    let folder = "work/any-name";
    machine.file(&format!("{folder}/package.json"), json);
    machine.file(&format!("{folder}/one.js"), "#!/usr/bin/env node\r\nconsole.log(1)\r\n");
    machine.file(&format!("{folder}/sub/two.js"), b"#!/usr/bin/env node\r\n// \xff\xe2\x82 no text\r\n");
    machine.file(&format!("{folder}/three.js"), format!("#!{}\r\n", "x".repeat(3000)));
    machine.file(&format!("{folder}/library.js"), "#!/usr/bin/env node\r\n");
    machine.file(&format!("{folder}/.gitignore"), "g");
    machine.file(&format!("{folder}/both/.gitignore"), "g");
    machine.file(&format!("{folder}/both/.npmignore"), "n");
    std::os::unix::fs::symlink("one.js", machine.work().join("any-name/link.js")).unwrap();
    let archive = machine.work().join("crlf-1.0.0.tgz");
    let status = Command::new("tar").current_dir(machine.work()).args(["czf", archive.to_str().unwrap(), "any-name"]).status();
    assert!(status.unwrap().success());

    let laid = layout::npm::lay(&unpacked(&archive, &layout::npm::keep)).unwrap();
    assert!(laid.as_packed.is_some() && laid.ignored_links.len() == 1);
    install("npm", &["install", "-g", archive.to_str().unwrap()], Some(&prefix));
    let root = prefix.join("lib/node_modules/crlf");
    assert_eq!(fs::read(root.join("one.js")).unwrap(), b"#!/usr/bin/env node\nconsole.log(1)\r\n");
    same_folder(&root, &laid.tree, &[]);
}

/// A wheel, and what an installation of it left in a `site-packages`.
#[track_caller]
fn compare_wheel(wheel: &Path, site: &Path) {
    let name = wheel.file_name().unwrap().to_str().unwrap();
    let laid =
        layout::wheel::lay(name, &unpacked(wheel, &layout::wheel::keep)).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let measured = measurer().tree(site, &laid.include, &laid.exclude).unwrap();
    assert_eq!(names(&measured.list.files), names(&laid.tree.list.files), "{name} in {}", site.display());
    assert_eq!(measured.digest, laid.tree.digest);
}

fn site_of(environment: &Path) -> PathBuf {
    let mut lib = fs::read_dir(environment.join("lib")).unwrap().map(|entry| entry.unwrap().path().join("site-packages"));
    lib.find(|site| site.is_dir()).unwrap()
}

#[test]
fn wheels_lie_in_site_packages_as_worked_out() {
    if !has("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let python = venv(&folder.path().join("pip"));
    let wheels = folder.path().join("wheels");
    for package in ["llm==0.36", "mcp-server-fetch==2026.10.24", "claude-agent-sdk==0.1.55", "pydantic-core", "click"] {
        let into = wheels.join(package);
        fs::create_dir_all(&into).unwrap();
        let pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"];
        let download = ["download", "--no-deps", "--only-binary", ":all:", "--dest", into.to_str().unwrap(), package];
        install(python.to_str().unwrap(), &[&pip[..], &download].concat(), None);
        let wheel = fs::read_dir(&into).unwrap().next().unwrap().unwrap().path();
        let add = ["install", "--no-deps", wheel.to_str().unwrap()];
        install(python.to_str().unwrap(), &[&pip[..], &add].concat(), None);
        compare_wheel(&wheel, &site_of(&folder.path().join("pip")));
        if has("uv") {
            let environment = folder.path().join("uv").join(package);
            install("uv", &["venv", "--quiet", "--python", "python3", environment.to_str().unwrap()], None);
            let target = environment.join("bin/python");
            let add = ["pip", "install", "--quiet", "--no-deps", "--python", target.to_str().unwrap(), wheel.to_str().unwrap()];
            install("uv", &add, None);
            compare_wheel(&wheel, &site_of(&environment));
        }
    }
    if has("pipx") {
        let wheel = fs::read_dir(wheels.join("llm==0.36")).unwrap().next().unwrap().unwrap().path();
        let home = folder.path().join("pipx");
        let output = Command::new("pipx")
            .args(["install", "--quiet", wheel.to_str().unwrap()])
            .env("PIPX_HOME", &home)
            .env("PIPX_BIN_DIR", home.join("bin"))
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        compare_wheel(&wheel, &site_of(&home.join("venvs/llm")));
    }
}
