//! The walls of the house: which module may import which. The table is the one of `docs/architecture.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the library with the modules of ours that it may name.
fn table() -> BTreeMap<&'static str, Vec<&'static str>> {
    let words = ["digest", "source", "text", "tool", "version"];
    let documents = ["attestation", "catalogue", "manifest"];
    let with = |sets: &[&[&'static str]]| sets.concat();
    let mut table = BTreeMap::new();
    for word in words {
        table.insert(word, words.to_vec());
    }
    for document in documents {
        table.insert(document, with(&[&words, &documents]));
    }
    table.insert("world", with(&[&words, &["world", "error"]]));
    table.insert("archive", with(&[&words, &["archive"]]));
    table.insert("layout", with(&[&words, &documents, &["archive", "layout"]]));
    table.insert("registry", with(&[&words, &documents, &["world", "trust", "error", "archive", "registry"]]));
    table.insert("trust", with(&[&words, &documents, &["world", "trust", "error"]]));
    table.insert("sync", with(&[&words, &documents, &["world", "trust", "error", "sync"]]));
    table.insert("evidence", with(&[&words, &documents, &["evidence"]]));
    table.insert("policy", with(&[&words, &documents, &["evidence", "policy", "trust"]]));
    table.insert("gather", with(&[&words, &documents, &["world", "trust", "evidence", "archive", "layout", "gather"]]));
    table.insert("report", with(&[&words, &documents, &["evidence", "policy", "trust", "report"]]));
    table.insert("error", words.to_vec());
    table.insert("ui", with(&[&words, &["error", "ui", "gather", "report"]]));
    table
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// The modules that a source names after `crate::`, test code left out.
fn imports(source: &str) -> Vec<String> {
    let shipped = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut names = Vec::new();
    for line in shipped.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            let list = rest.strip_prefix('{').map_or(rest, |braced| braced);
            let name: String = list.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(!rest.starts_with('{'), "`use crate::{{..}}` hides which modules are named: write one line each");
            names.push(name);
        }
    }
    names
}

#[test]
fn each_module_names_only_what_its_layer_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = table();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        // A file called `tests.rs` holds nothing that ships.
        if matches!(module.as_str(), "lib" | "main" | "cli") || path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let allowed = table.get(module.as_str()).unwrap_or_else(|| panic!("`{module}` has no row in the table"));
        for name in imports(&fs::read_to_string(&path).unwrap()) {
            seen += 1;
            if !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} names crate::{name}", relative.display()));
            }
        }
    }
    assert!(seen > 50, "the scan found {seen} imports: it does not read the sources any more");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The network and other programs are for bringing policy and releases here and for nothing else: `check`, `scan`, `gather` and `trust` cannot
/// name them, so they cannot reach them. `cli/check.rs` may ask for a sync to be started once it has answered.
#[test]
fn only_sync_and_the_registries_reach_the_network_and_other_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let may = |path: &str| {
        path.starts_with("sync/")
            || path.starts_with("registry/")
            || path.starts_with("world/")
            || NETWORK_COMMANDS.contains(&path)
            || path == KEYLESS
    };
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for path in sources(&root) {
        let text = fs::read_to_string(&path).unwrap();
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        for line in shipped.lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert!(!line.contains("crate::world::{"), "{relative}: `use crate::world::{{..}}` hides what is named");
            if !["world::network", "world::process", "reqwest::"].iter().any(|name| line.contains(name)) {
                continue;
            }
            if may(&relative) {
                seen += 1;
            } else {
                wrong.push(format!("{relative}: {}", line.trim()));
            }
        }
    }
    assert!(seen >= 3, "the scan does not see the sources any more: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The commands that may open a connection or start git.
const NETWORK_COMMANDS: [&str; 3] = ["cli/sync.rs", "cli/trust.rs", "cli/approve/registries.rs"];
/// A signature without a key is made by the services of a Sigstore instance, over the client of the Sigstore crates; `vetted sign`
/// alone asks for one.
const KEYLESS: &str = "trust/signing/keyless.rs";

/// The interface of the Sigstore crates changes with every minor release: few rooms name them, so that few have to follow.
#[test]
fn few_rooms_name_the_sigstore_crates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = ["trust/sigstore/", "trust/signing/", "trust/roots/refreshed.rs", "sync/tuf/"];
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        for line in fs::read_to_string(&path).unwrap().lines().filter(|line| !line.trim_start().starts_with("//")) {
            if !["sigstore_verify::", "sigstore_sign::", "sigstore_tuf::"].iter().any(|name| line.contains(name)) {
                continue;
            }
            if rooms.iter().any(|room| relative.starts_with(room)) {
                seen += 1;
            } else {
                wrong.push(format!("{relative}: {}", line.trim()));
            }
        }
    }
    assert!(seen > 10, "the scan does not see the sources any more: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scan_sees_an_import() {
    assert_eq!(imports("use crate::world::Files;\nfn f() { crate::text::printable(x) } // crate::ok\n"), ["world", "text", "ok"]);
    assert!(imports("// use crate::world::Files;\n").is_empty());
}

/// A file beside `main.rs` that is not listed there would be tests that never run.
#[test]
fn every_file_of_this_folder_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|e| e == "rs") && name != "main" {
            assert!(main.contains(&format!("mod {name};")), "tests/it/{name}.rs is not listed in main.rs");
        }
    }
}
