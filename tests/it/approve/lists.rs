//! What stands in the lists beside an approval: marks of executable files, packages that nothing declares, files that are replaced.

use super::{Registry, approve, claude_code, files, install, machine, policy_folder, sha256};
use crate::support::Machine;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use vetted::digest::{Digest, DigestSet, TreeFile, dir_hash};
use vetted::manifest::package_list::{ListedPackage, PackageList};
use vetted::tool::{Ecosystem, Package as Name, PackageVersion};

fn file(name: &str, content: &str) -> TreeFile {
    let Digest::Sha256(sha256) = Digest::sha256_of(content.as_bytes()) else { unreachable!() };
    TreeFile { name: name.to_owned(), sha256 }
}

/// Put another list of packages in the place of the recorded one, and pin it.
fn change_packages(machine: &Machine, change: impl FnOnce(&mut Vec<ListedPackage>)) {
    let manifest = policy_folder(machine).join("vetted.toml");
    let list = policy_folder(machine).join("attestations/npm/claude-code/3.0.0/packages.json");
    let (text, recorded) = (fs::read_to_string(&manifest).unwrap(), fs::read(&list).unwrap());
    let mut packages = PackageList::parse(&recorded).unwrap().packages;
    change(&mut packages);
    let changed = PackageList::new(packages).to_json();
    fs::write(&list, &changed).unwrap();
    let pinned = text.replace(&sha256(&recorded), &sha256(changed.as_bytes()));
    assert_ne!(pinned, text);
    fs::write(&manifest, pinned).unwrap();
}

/// Whoever writes `replaced` into a list has to say elsewhere what may be there instead.
#[test]
fn a_replaced_file_has_to_be_pinned_by_the_approval() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    let root = install(&machine, &registry, true);
    change_packages(&machine, |packages| {
        let right = packages.iter_mut().find(|listed| listed.package.package.name == "right").unwrap();
        right.replaced = vec!["index.js".to_owned()];
        right.dir_hash = dir_hash(&mut [file("package.json", r#"{"name":"right","version":"0.1.0"}"#)].to_vec()).unwrap();
    });
    let check = machine.vetted(&["policy", "check"]).exits(2);
    let why = "`index.js` of pkg:npm/right@0.1.0 is replaced, and no artifact of version 3.0.0 pins it";
    assert!(format!("{check}").contains(why), "{check}");
    let sign = machine.vetted(&["sign"]).exits(2);
    assert!(sign.stderr.contains(why), "{sign}");
    // On another platform it is pinned by nothing here.
    let manifest = policy_folder(&machine).join("vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let artifact = |platform: &str, digest: &str| {
        format!(
            "{}\n\n    [[tool.approval.artifact]]\n    role = \"installed\"\n    type = \"file\"\n    path = \"index.js\"\n    \
             purl = \"pkg:npm/right@0.1.0\"\n{platform}    digest = {{ sha256 = \"{digest}\" }}\n",
            text.trim_end()
        )
    };
    let sign_and_check = |text: &str, serial: u64, status: i32| {
        let line = text.lines().find(|line| line.starts_with("serial")).unwrap();
        fs::write(&manifest, text.replace(line, &format!("serial = {serial}"))).unwrap();
        machine.vetted(&["policy", "check"]).exits(0);
        machine.vetted(&["sign"]).exits(0);
        machine.vetted(&["check", "--format", "json"]).exits(status)
    };
    let right = sha256(b"right");
    let run = sign_and_check(&artifact("    platform = \"windows/aarch64\"\n", &right), 10, 1);
    assert!(run.stdout.contains("node_modules/right/index.js"), "{run}");
    sign_and_check(&artifact("", &right), 11, 0);
    fs::write(root.join("node_modules/right/index.js"), "evil()").unwrap();
    machine.vetted(&["check"]).exits(1);
}

/// What a tool requires stands in one entry: a second one, in which somebody could leave `require` out, is refused by name.
#[test]
fn a_tool_with_two_entries_is_not_approved() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    let manifest = policy_folder(&machine).join("vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}\n[[tool]]\nid = \"claude-code\"\n\n[[tool]]\nid = \"claude-code\"\n")).unwrap();
    let before = files(&policy_folder(&machine));
    let run = approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(2);
    assert!(run.stderr.contains("the tool `claude-code` has an entry already"), "{run}");
    assert_eq!(files(&policy_folder(&machine)), before);
}

/// What of a release is executable stands in its list, is said to whoever approves it, and is no part of what is compared.
#[test]
fn executable_files_are_listed_and_told() {
    let mut packages = claude_code();
    packages[0].files =
        &[("bin/claude.exe", "#!/bin/sh\nexit 1\n"), ("install.cjs", "// links\n"), ("vendor/run.sh", "#!/bin/sh\n")];
    let (machine, registry) = (machine(), Registry::of(&packages));
    let run = approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    assert!(run.stderr.contains("executable files: `vendor/run.sh`"), "{run}");
    let list = policy_folder(&machine).join("attestations/npm/claude-code/3.0.0/files.json");
    let list: serde_json::Value = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
    let runs = |name: &str| {
        list["resources"].as_array().unwrap().iter().find(|file| file["name"] == name).unwrap()["executable"].clone()
    };
    assert_eq!((runs("vendor/run.sh"), runs("install.cjs")), (true.into(), serde_json::Value::Null));
    machine.vetted(&["approve", "--reproduce", "--registry", &registry.server.url()]).exits(0);
    machine.vetted(&["sign"]).exits(0);
    let run = machine.vetted(&["explain", "claude-code"]).exits(0);
    assert!(run.stdout.contains("executable") && run.stdout.contains("3.0.0: vendor/run.sh"), "{run}");
    // A bit that an installer sets or leaves out is no difference.
    let root = install(&machine, &registry, true);
    for (file, mode) in [("vendor/run.sh", 0o644), ("install.cjs", 0o755)] {
        fs::set_permissions(root.join(file), fs::Permissions::from_mode(mode)).unwrap();
    }
    machine.vetted(&["check"]).exits(0);
}

/// A package on the list that nothing declares has the bytes of its registry, and is no part of the release all the same.
#[test]
fn a_package_that_nothing_declares_is_not_reproduced() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    let mut tree = vec![file("index.js", "other"), file("package.json", r#"{"name":"left","version":"2.0.0"}"#)];
    let archive = registry.answers.lock().unwrap()["/files/left-2.0.0.tgz"].clone();
    let sha512 = |bytes: &[u8]| Digest::Sha512(Box::new(<sha2::Sha512 as sha2::Digest>::digest(bytes).into()));
    let extra = ListedPackage {
        package: PackageVersion { package: Name::new(Ecosystem::Npm, "left"), version: "2.0.0".to_owned() },
        dir_hash: dir_hash(&mut tree).unwrap(),
        release: [Digest::sha256_of(&archive), sha512(&archive)].into_iter().fold(DigestSet::new(), |mut set, digest| {
            set.insert(digest).unwrap();
            set
        }),
        platforms: Vec::new(),
        built: Vec::new(),
        is_unattested: true,
        replaced: Vec::new(),
    };
    change_packages(&machine, |packages| packages.push(extra));
    let run = machine.vetted(&["approve", "--reproduce", "--registry", &registry.server.url()]).exits(1);
    assert!(
        run.stderr.contains("package left@2.0.0: expected nothing, because nothing that the release brings declares it"),
        "{run}"
    );
}
