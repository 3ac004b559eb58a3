//! What the repository names: from the index or a commit, with the lock files of the same state, whatever strangers put there.

use crate::support::Machine;
use std::fs;
use std::path::Path;
use vetted::catalogue::Catalogue;
use vetted::evidence::{CoverageOutcome, Mention, Oddity, Request};
use vetted::gather::repository::{Found, Interest, Which, mentions};
use vetted::tool::Os;
use vetted::world::env::Env;
use vetted::world::git::Repository;

const CLAUDE: &str = "@anthropic-ai/claude-code";

fn repository() -> Machine {
    let machine = Machine::new();
    machine.git(&["init", "-q", "-b", "main"]);
    machine
}

fn look(machine: &Machine, which: &Which) -> Found {
    let none: [(&str, &str); 0] = [];
    let env = Env::of_pairs(none, &machine.work(), Os::Linux);
    let repository = Repository::discover(&env, &machine.work()).expect("it opens").expect("a repository");
    mentions(&repository, which, &Catalogue::built_in(), Interest::default()).expect("it is read")
}

fn staged(machine: &Machine) -> Found {
    look(machine, &Which::Staged)
}

/// `path:line package request`, sorted; a locked range ends in `(locked)`.
fn lines(found: &Found) -> Vec<String> {
    let line = |m: &Mention| {
        let request = match &m.request {
            Request::Exact(version) => version.as_str().to_owned(),
            Request::Floating { text, locked } => format!("~{text}{}", if *locked { " (locked)" } else { "" }),
        };
        format!("{}:{} {} {request}", m.location.path.display(), m.location.line.unwrap_or(0), m.package.name)
    };
    let mut lines: Vec<String> = found.mentions.iter().map(line).collect();
    lines.sort();
    lines
}

fn asks(version: &str) -> String {
    format!("{{\"dependencies\": {{\n\"{CLAUDE}\": \"{version}\"}}}}")
}

fn brings(version: &str) -> String {
    format!(
        "{{\"packages\": {{\"\": {{\"dependencies\": {{\"{CLAUDE}\": \"*\"}}}},\n\"node_modules/{CLAUDE}\": {{\"version\": \"{version}\"}}}}}}"
    )
}

fn commit(machine: &Machine) {
    machine.git(&["add", "--all"]);
    machine.git(&["commit", "-qm", "x"]);
}

#[test]
fn the_index_is_read_and_the_work_tree_is_not() {
    let machine = repository();
    machine.file("work/app/package-lock.json", brings("2.1.150"));
    machine.git(&["add", "."]);
    machine.file("work/app/package-lock.json", brings("2.1.329"));
    machine.file("work/package.json", asks("2.1.151"));
    assert_eq!(lines(&staged(&machine)), [format!("app/package-lock.json:2 {CLAUDE} 2.1.150")]);
    machine.git(&["commit", "-qm", "x"]);
    assert!(staged(&machine).mentions.is_empty(), "nothing is staged any more");
    assert_eq!(lines(&look(&machine, &Which::Index)), [format!("app/package-lock.json:2 {CLAUDE} 2.1.150")]);
}

#[test]
fn a_range_is_read_as_its_last_commit_has_it() {
    let machine = repository();
    machine.file("work/kept/package.json", asks("2.1.150"));
    machine.file("work/changed/package.json", asks("2.1.150"));
    commit(&machine);
    let base = machine.git(&["rev-parse", "HEAD"]).trim().to_owned();
    machine.file("work/changed/package.json", asks("2.1.329"));
    machine.file("work/new/package.json", asks("^2"));
    machine.file("work/new/package-lock.json", brings("2.1.330"));
    commit(&machine);
    machine.file("work/new/package-lock.json", "not staged, not committed");
    let range = |base: &str| Which::Range { base: base.to_owned(), head: "HEAD".to_owned() };
    let expected = [
        format!("changed/package.json:2 {CLAUDE} 2.1.329"),
        format!("new/package-lock.json:2 {CLAUDE} 2.1.330"),
        format!("new/package.json:2 {CLAUDE} ~^2 (locked)"),
    ];
    assert_eq!(lines(&look(&machine, &range(&base))), expected);
    let everything = lines(&look(&machine, &range(&"0".repeat(40))));
    assert_eq!(everything.len(), 4, "{everything:?}");
    assert!(everything.contains(&format!("kept/package.json:2 {CLAUDE} 2.1.150")));
}

#[test]
fn the_nearest_lock_of_the_same_state_answers_a_range() {
    let machine = repository();
    machine.file("work/package-lock.json", brings("2.1.329"));
    machine.file("work/other/package-lock.json", "{\"packages\": {}}");
    commit(&machine);
    machine.file("work/package.json", asks("^2.1.0"));
    machine.file("work/deep/er/package.json", asks("latest"));
    machine.file("work/other/package.json", asks("^2"));
    machine.git(&["add", "."]);
    // The lock did not change; its answer stands beside the question.
    let expected = [
        format!("deep/er/package.json:2 {CLAUDE} ~latest (locked)"),
        format!("other/package.json:2 {CLAUDE} ~^2"),
        format!("package-lock.json:2 {CLAUDE} 2.1.329"),
        format!("package.json:2 {CLAUDE} ~^2.1.0 (locked)"),
    ];
    assert_eq!(lines(&staged(&machine)), expected);
    // A lock that only lies in the work tree answers nothing.
    machine.git(&["rm", "-q", "--cached", "package-lock.json"]);
    assert!(lines(&staged(&machine)).contains(&format!("package.json:2 {CLAUDE} ~^2.1.0")));
}

#[test]
fn a_file_that_is_not_read_is_said() {
    let machine = repository();
    machine.file("work/.gitmodules", "");
    machine.git(&["add", "."]);
    let unread = |c: &vetted::evidence::Coverage| {
        matches!(&c.outcome, CoverageOutcome::Unsupported(why) if why.contains("submodules"))
            && c.place.as_deref() == Some(Path::new(".gitmodules"))
    };
    let found = staged(&machine);
    assert!(found.coverage.iter().any(unread), "{:?}", found.coverage);
}

#[test]
fn with_its_lock_gone_a_range_is_read_again() {
    let machine = repository();
    machine.file("work/app/sub/package.json", asks("^2"));
    machine.file("work/elsewhere/package.json", asks("^2"));
    machine.file("work/app/package-lock.json", brings("2.1.329"));
    commit(&machine);
    machine.git(&["rm", "-q", "app/package-lock.json"]);
    assert_eq!(lines(&staged(&machine)), [format!("app/sub/package.json:2 {CLAUDE} ~^2")]);
}

#[test]
fn every_stage_of_a_conflict_is_read() {
    let machine = repository();
    let commit_lock = |version: &str| {
        machine.file("work/package-lock.json", brings(version));
        commit(&machine);
    };
    commit_lock("2.1.328");
    machine.git(&["switch", "-qc", "other"]);
    commit_lock("2.1.150");
    machine.git(&["switch", "-q", "main"]);
    commit_lock("2.1.329");
    assert_ne!(machine.program("git", &["merge", "other"]).status, 0);
    let versions = ["2.1.150", "2.1.328", "2.1.329"].map(|v| format!("package-lock.json:2 {CLAUDE} {v}"));
    assert_eq!(lines(&staged(&machine)), versions);
}

#[test]
fn what_cannot_be_read_as_its_name_says_is_said() {
    let machine = repository();
    machine.file("work/a/package.json", "{\"dependencies\": {\"x\": \"1\",\n\"x\": \"2\"}}");
    machine.file("work/b/package.json", "[".repeat(100_000));
    machine.file("work/c/package-lock.json", "\u{feff}{}");
    machine.file("work/d/package-lock.json", b"\xff\xfe{\0}\0");
    machine.file("work/e/package.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    machine.file("work/real.json", asks("2.1.150"));
    fs::create_dir(machine.work().join("f")).unwrap();
    std::os::unix::fs::symlink("../real.json", machine.work().join("f/package.json")).unwrap();
    machine.git(&["add", "."]);
    machine.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},g/package.json", "1".repeat(40))]);
    let found = staged(&machine);
    assert_eq!(lines(&found), [] as [String; 0]);
    let odd: Vec<(String, Option<u32>, &str)> = found
        .oddities
        .iter()
        .map(|odd| match odd {
            Oddity::Unparsable { location, why } => (location.path.display().to_string(), location.line, why.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("a/package.json", Some(2), "the key `x` stands twice"),
        ("b/package.json", Some(1), "recursion limit"),
        ("d/package-lock.json", None, "UTF-16"),
        ("e/package.json", Some(1), "expected value"),
        ("f/package.json", None, "symbolic link"),
        ("g/package.json", None, "submodule"),
    ];
    assert_eq!(odd.len(), expected.len(), "{odd:?}");
    for ((path, line, why), (at, on, says)) in odd.iter().zip(expected) {
        assert!((path.as_str(), *line) == (at, on) && why.contains(says), "{path}: {line:?}: {why}");
    }
}

#[test]
fn names_are_data_whatever_their_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let machine = repository();
    let names: [&[u8]; 4] = [b"\xff\xfe", b"new\nline", b"\x1b]0;owned\x07", "\u{202e}gnp".as_bytes()];
    for name in names {
        let folder = machine.work().join(OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("package.json"), asks("\u{1b}[31m^2")).unwrap();
    }
    machine.git(&["add", "."]);
    let found = staged(&machine);
    // A raw escape in JSON is no JSON; written as JSON allows, it stays what it is.
    assert_eq!((found.mentions.len(), found.oddities.len()), (0, 4));
    for name in names {
        fs::write(machine.work().join(OsStr::from_bytes(name)).join("package.json"), asks("\\u001b[31m^2")).unwrap();
    }
    machine.git(&["add", "."]);
    let mut paths: Vec<Vec<u8>> =
        staged(&machine).mentions.iter().map(|m| m.location.path.as_os_str().as_bytes().to_vec()).collect();
    paths.sort();
    let mut expected: Vec<Vec<u8>> = names.iter().map(|name| [name, b"/package.json".as_slice()].concat()).collect();
    expected.sort();
    assert_eq!(paths, expected);
    assert!(
        staged(&machine).mentions.iter().all(|m| matches!(&m.request, Request::Floating { text, .. } if text == "\u{1b}[31m^2"))
    );
}

#[test]
fn a_file_too_large_is_said_without_being_read() {
    let machine = repository();
    let path = machine.work().join("package-lock.json");
    fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    machine.git(&["-c", "core.compression=1", "add", "."]);
    let found = staged(&machine);
    assert!(
        matches!(&found.oddities[..], [Oddity::Unparsable { why, .. }] if why.contains("at most 67108864")),
        "{:?}",
        found.oddities
    );
}

#[test]
fn pointers_of_git_lfs_are_known_by_the_digest_they_name() {
    use vetted::catalogue::KnownFile;
    use vetted::digest::Digest;
    let machine = repository();
    let pointer = |content: &str| {
        let hex = Digest::sha256_of(content.as_bytes()).hex();
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hex}\nsize {}\n", content.len())
    };
    machine.file("work/models/a.safetensors", pointer("revoked"));
    machine.file("work/models/B.GGUF", pointer("approved"));
    machine.file("work/models/c.bin", pointer("unknown"));
    machine.file("work/models/d.txt", pointer("revoked"));
    // The weights themselves, a link and text that is no pointer: nothing that could not be read.
    machine.file("work/models/e.bin", vec![7; 5_000]);
    machine.file("work/models/f.pt", "version 1\n");
    std::os::unix::fs::symlink("a.safetensors", machine.work().join("models/g.onnx")).unwrap();
    machine.git(&["add", "--all"]);
    let mut catalogue = Catalogue::built_in();
    let model = "model-huggingface-cache".parse().unwrap();
    catalogue.watch_for(Digest::sha256_of(b"revoked"), &model).unwrap();
    catalogue.learn(KnownFile {
        tool: model,
        version: Some("c1899de".to_owned()),
        artefact: "b.gguf".to_owned(),
        digest: Digest::sha256_of(b"approved"),
        size: None,
        source: "manifest".to_owned(),
    });
    let none: [(&str, &str); 0] = [];
    let env = Env::of_pairs(none, &machine.work(), Os::Linux);
    let repository = Repository::discover(&env, &machine.work()).unwrap().unwrap();
    let found = mentions(&repository, &Which::Index, &catalogue, Interest::default()).unwrap();
    let revoked = format!("sha256:{}", Digest::sha256_of(b"revoked").hex());
    assert_eq!(
        lines(&found),
        ["models/B.GGUF:2 B.GGUF c1899de".to_owned(), format!("models/a.safetensors:2 a.safetensors {revoked}")]
    );
    assert!(found.mentions.iter().all(|mention| mention.integrity.iter().count() == 1));
    assert_eq!(found.oddities, []);
}
