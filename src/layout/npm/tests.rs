use super::*;
use crate::tool::Platform;

fn contents(files: &[(&str, &str)]) -> Contents {
    let file = |(name, text): &(&str, &str)| Unpacked {
        name: (*name).to_owned(),
        sha256: sum(text),
        size: text.len() as u64,
        executable: false,
        start: {
            let mut start = [0; 16];
            let known = text.len().min(16);
            start[..known].copy_from_slice(&text.as_bytes()[..known]);
            start
        },
        as_unix_script: text.starts_with("#!").then(|| sum(&text.replacen("\r\n", "\n", 1))).filter(|_| text.contains("\r\n")),
    };
    let kept = files.iter().filter(|(name, text)| keep(name, text.len() as u64));
    let mut all: Vec<Unpacked> = files.iter().map(file).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let kept = kept.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    Contents { files: all, links: Vec::new(), kept }
}

fn sum(text: &str) -> [u8; 32] {
    crate::digest::Digest::sha256_of(text.as_bytes()).as_bytes().try_into().unwrap()
}

fn tree_of(files: &[(&str, &str)]) -> Tree {
    Tree::of(files.iter().map(|(name, text)| TreeFile { name: (*name).to_owned(), sha256: sum(text) }).collect(), Vec::new())
        .unwrap()
}

const X: &str = r#"{"name":"x","version":"1.0.0"}"#;

#[test]
fn the_one_top_folder_goes_whatever_it_is_called() {
    let laid = lay(&contents(&[("dist-x/package.json", X), ("dist-x/lib/a.js", "a")])).unwrap();
    assert_eq!(laid.tree, tree_of(&[("package.json", X), ("lib/a.js", "a")]));
    assert_eq!((laid.facts.name.as_str(), laid.facts.version.as_str(), laid.as_packed), ("x", "1.0.0", None));
    let two = contents(&[("a/package.json", X), ("b/x.js", "")]);
    assert_eq!(lay(&two), Err(LayoutRefusal::Outside("b/x.js".to_owned())));
    assert_eq!(lay(&contents(&[("package.json", X)])), Err(LayoutRefusal::Missing("package.json")));
    assert_eq!(lay(&contents(&[("p/x.js", "")])), Err(LayoutRefusal::Missing("package.json")));
    assert_eq!(lay(&Contents::default()), Err(LayoutRefusal::Missing("package.json")));
}

#[test]
fn npm_renames_and_rewrites_and_others_do_not() {
    let json = r#"{"name":"@s/x","version":"1.0.0","bin":"./cli.js"}"#;
    let packed =
        [("p/package.json", json), ("p/cli.js", "#!/bin/sh\r\n1\r\n"), ("p/other.js", "#!/bin/sh\r\n"), ("p/a/.gitignore", "g")];
    let laid = lay(&contents(&packed)).unwrap();
    assert_eq!(laid.facts.bin, BTreeMap::from([("x".to_owned(), "cli.js".to_owned())]));
    let npm = [("package.json", json), ("cli.js", "#!/bin/sh\n1\r\n"), ("other.js", "#!/bin/sh\r\n"), ("a/.npmignore", "g")];
    let runs = |tree: Tree| tree.with_executables(["cli.js".to_owned(), "gone.js".to_owned()]);
    assert_eq!(laid.tree, runs(tree_of(&npm)), "a command is executable");
    let others = packed.map(|(name, text)| (&name[2..], text));
    assert_eq!(laid.as_packed, Some(runs(tree_of(&others))));
    let both = lay(&contents(&[("p/package.json", X), ("p/.gitignore", "g"), ("p/.npmignore", "n")])).unwrap();
    assert_eq!(both.tree, tree_of(&[("package.json", X), (".npmignore", "n")]));
}

#[test]
fn bundled_packages_stand_by_themselves() {
    let files = [
        ("p/package.json", X),
        ("p/node_modules/a/package.json", r#"{"name":"a","version":"2.0.0"}"#),
        ("p/node_modules/a/node_modules/@s/b/package.json", r#"{"name":"@s/b","version":"3.0.0"}"#),
        ("p/node_modules/a/node_modules/@s/b/.gitignore", ""),
        ("p/node_modules/.bin/a", ""),
        ("p/node_modules/.package-lock.json", ""),
        ("p/test/node_modules/c/x.js", "own"),
    ];
    let laid = lay(&contents(&files)).unwrap();
    assert_eq!(laid.tree, tree_of(&[("package.json", X), ("test/node_modules/c/x.js", "own")]));
    let found: Vec<_> = laid.bundled.iter().map(|b| (b.folder.as_str(), b.facts.version.as_str())).collect();
    assert_eq!(found, [("node_modules/a", "2.0.0"), ("node_modules/a/node_modules/@s/b", "3.0.0")]);
    assert_eq!(laid.bundled[1].tree, tree_of(&[("package.json", r#"{"name":"@s/b","version":"3.0.0"}"#), (".npmignore", "")]));
    // What Node would load and nothing would measure.
    for stray in ["p/node_modules/x.js", "p/node_modules/x/index.js", "p/node_modules/@s/x.js"] {
        let refused = lay(&contents(&[("p/package.json", X), (stray, "")]));
        assert_eq!(refused, Err(LayoutRefusal::Outside(stray[2..].to_owned())), "{stray}");
    }
}

#[test]
fn programs_are_machine_code_and_large_commands() {
    let json = r#"{"name":"x","version":"1.0.0","bin":{"x":"cli.js"}}"#;
    let large = "x".repeat(usize::try_from(PROGRAM_SIZE).unwrap() + 1);
    let files = [
        ("p/package.json", json),
        ("p/agent", "\u{7f}ELF\u{2}"),
        ("p/lib/a.so.1", "\u{7f}ELF\u{2}"),
        ("p/b.node", "\u{7f}ELF\u{2}"),
        ("p/x.exe", "MZ"),
        ("p/cli.js", large.as_str()),
        ("p/data.js", large.as_str()),
    ];
    let programs = lay(&contents(&files)).unwrap().programs;
    assert_eq!(programs.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(), ["agent", "cli.js", "x.exe"]);
}

fn facts(json: &str) -> PackageFacts {
    PackageFacts::parse("package.json", json.as_bytes()).unwrap()
}

#[test]
fn facts_are_read_as_npm_reads_them() {
    let facts = facts(
        r#"{"name":"x","version":"1","bin":{"../a":"../../a.js","b":".\\b\\c.js"},"dependencies":{"d":"^1"},"optionalDependencies":{"o":"1"},
            "peerDependencies":{"p":"*","q":"*"},"peerDependenciesMeta":{"p":{"optional":true}},"bundledDependencies":["d"],
            "engines":["node"],"os":"linux","cpu":["!arm64"],"scripts":{"test":"t","postinstall":"i"}}"#,
    );
    let bin: Vec<_> = facts.bin.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    assert_eq!(bin, [("a", "a.js"), ("b", "b/c.js")]);
    assert_eq!((facts.dependencies["d"].as_str(), facts.optional_dependencies["o"].as_str()), ("^1", "1"));
    assert_eq!((facts.peer_dependencies.len(), facts.optional_peers.contains("p"), facts.optional_peers.len()), (2, true, 1));
    assert_eq!((facts.bundle_dependencies.as_slice(), facts.engines.len()), (["d".to_owned()].as_slice(), 0));
    assert_eq!(facts.install_scripts.keys().collect::<Vec<_>>(), ["postinstall"]);
    assert_eq!(facts.platforms(), Some(vec![Platform("linux/x86_64".to_owned())]));
    assert_eq!(PackageFacts::parse("f", b"\xef\xbb\xbf{\"name\":\"x\",\"version\":\"1\"}").unwrap().platforms(), None);
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"name":"x"}"#,
        r#"{"name":"","version":"1"}"#,
        r#"{"name":"x","version":"1","dependencies":{"d":7}}"#,
    ] {
        assert!(matches!(PackageFacts::parse("f", wrong.as_bytes()), Err(LayoutRefusal::Description { .. })), "{wrong}");
    }
}

#[test]
fn a_package_for_no_known_platform_is_not_for_every_one() {
    let platforms = |os: &str, cpu: &str| {
        let json = format!(r#"{{"name":"x","version":"1","os":{os},"cpu":{cpu}}}"#);
        facts(&json).platforms().map(|list| list.into_iter().map(|p| p.0).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(platforms("[\"freebsd\"]", "[\"x64\"]").as_deref(), Some("freebsd/x64"));
    assert_eq!(platforms("[\"darwin\"]", "[\"ia32\"]").as_deref(), Some("darwin/ia32"));
    assert_eq!(platforms("[\"darwin\"]", "[]").as_deref(), Some("macos/x86_64 macos/aarch64"));
    assert_eq!(platforms("[\"!win32\"]", "[\"x64\"]").as_deref(), Some("linux/x86_64 macos/x86_64"));
    assert_eq!(platforms("[\"any\"]", "[]"), None);
}

#[test]
fn npm_compiles_what_has_a_binding_and_no_script() {
    let built = |rest: &str, gyp: bool| {
        let mut facts = facts(&format!(r#"{{"name":"x","version":"1"{rest}}}"#));
        facts.look_for_gyp(gyp);
        facts.is_built_here
    };
    assert!(built("", true));
    assert!(!built("", false));
    assert!(!built(r#","gypfile":false"#, true));
    assert!(!built(r#","scripts":{"install":"x"}"#, true));
    assert!(built(r#","scripts":{"postinstall":"x"}"#, true));
}

#[test]
fn a_folder_of_commands_counts_where_there_is_no_bin() {
    let json = r#"{"name":"x","version":"1.0.0","directories":{"bin":"./cmd"}}"#;
    let laid = lay(&contents(&[("p/package.json", json), ("p/cmd/a", "#!/bin/sh\r\n"), ("p/cmd/.b", "#!/bin/sh\r\n")])).unwrap();
    assert_eq!(laid.facts.bin.values().collect::<Vec<_>>(), ["cmd/a"]);
    let tree = tree_of(&[("package.json", json), ("cmd/a", "#!/bin/sh\n"), ("cmd/.b", "#!/bin/sh\r\n")]);
    assert_eq!(laid.tree, tree.with_executables(["cmd/a".to_owned()]));
}
