//! What is staged and what a range changed, told as git tells it; what the formats read in it.

use crate::support::Machine;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use vetted::tool::Os;
use vetted::world::env::Env;
use vetted::world::git::{Change, ChangeKind, GitError, Mode, Repository, Snapshot};

/// A machine whose work folder is a fresh repository.
fn repository() -> Machine {
    let machine = Machine::new();
    machine.git(&["init", "-q", "-b", "main"]);
    machine.git(&["config", "core.fsync", "none"]);
    machine
}

fn open(folder: &Path) -> Repository {
    let none: [(&str, &str); 0] = [];
    Repository::discover(&Env::of_pairs(none, folder, Os::Linux), folder).expect("it opens").expect("a repository")
}

fn everything(_: &Path) -> bool {
    true
}

/// `git` in a folder, its standard output as bytes.
fn git(machine: &Machine, folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = machine.command("git").current_dir(folder).args(arguments).output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

type Status = BTreeSet<(String, PathBuf)>;

/// What `git diff --name-status -z` says.
fn status_of_git(machine: &Machine, folder: &Path, arguments: &[&str]) -> Status {
    let arguments = [&["diff", "--name-status", "--no-renames", "-z"], arguments].concat();
    let output = git(machine, folder, &arguments);
    let fields: Vec<&[u8]> = output.split(|b| *b == 0).collect();
    fields
        .chunks_exact(2)
        .map(|pair| (String::from_utf8_lossy(pair[0]).into_owned(), PathBuf::from(OsStr::from_bytes(pair[1]))))
        .collect()
}

fn status_of(changes: &[Change]) -> Status {
    changes
        .iter()
        .map(|change| {
            let letter = match change.kind {
                ChangeKind::Added => "A",
                ChangeKind::Modified => "M",
                ChangeKind::TypeChanged => "T",
                ChangeKind::Deleted => "D",
                ChangeKind::Unmerged => "U",
            };
            (letter.to_owned(), change.path.clone())
        })
        .collect()
}

#[track_caller]
fn agrees_with_git(machine: &Machine, folder: &Path, when: &str) {
    let repository = open(folder);
    let ours = repository.staged(&everything).unwrap_or_else(|e| panic!("{when}: {e}"));
    assert_eq!(status_of(&ours), status_of_git(machine, folder, &["--cached"]), "{when}");
    // `<mode> <id> <stage>\t<path>` for each entry, without promised files.
    let listed = git(machine, folder, &["ls-files", "--stage", "-z"]);
    let listed: BTreeSet<(String, PathBuf)> = listed
        .split(|b| *b == 0)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let tab = line.iter().position(|b| *b == b'\t').expect("a tab");
            let head = String::from_utf8_lossy(&line[..tab]).into_owned();
            (head.split(' ').nth(1).expect("an id").to_owned(), PathBuf::from(OsStr::from_bytes(&line[tab + 1..])))
        })
        .filter(|(id, _)| !is_empty_blob(id))
        .collect();
    let ours = repository.files(&Snapshot::Index, &everything).expect("the index");
    let ours: BTreeSet<_> = ours.into_iter().map(|e| (e.id.to_string(), e.path)).filter(|(id, _)| !is_empty_blob(id)).collect();
    assert_eq!(ours, listed, "{when}");
}

/// Whether it is the id of the empty blob, which a promise carries, by SHA-1 or by SHA-256.
fn is_empty_blob(id: &str) -> bool {
    ["e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"].contains(&id)
}

/// A small generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// One change of the work tree that can also change what a name is: a file, a link, a folder.
fn disturb(dice: &mut Dice, work: &Path) {
    // Names around the byte `/`, because folders and files sort differently there.
    const NAMES: [&str; 8] = ["a", "a.b", "a-b", "a0", "b", "a b\nc", "package.json", "\u{fc}"];
    let mut path = work.to_owned();
    for _ in 0..dice.below(4) {
        path.push(NAMES[dice.below(NAMES.len())]);
        if path.is_symlink() || path.is_file() {
            fs::remove_file(&path).unwrap();
        }
        let _ = fs::create_dir(&path);
    }
    path.push(NAMES[dice.below(NAMES.len())]);
    let clear = || {
        if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
    };
    match dice.below(7) {
        0 => {
            let _ = clear();
        }
        1 => {
            let _ = clear();
            std::os::unix::fs::symlink("somewhere", &path).unwrap();
        }
        2 if path.is_file() && !path.is_symlink() => {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode ^ 0o111)).unwrap();
        }
        _ => {
            let _ = clear();
            fs::write(&path, format!("{}\n", dice.below(5))).unwrap();
        }
    }
}

fn random_walk(seed: u64, prepare: &[&[&str]]) {
    walk(repository(), seed, prepare);
}

fn walk(machine: Machine, seed: u64, prepare: &[&[&str]]) {
    let work = machine.work();
    for arguments in prepare {
        machine.git(arguments);
    }
    let mut dice = Dice(seed * 2_654_435_769 + 1);
    let mut commits = 0;
    for step in 0..10 {
        for _ in 0..=dice.below(6) {
            disturb(&mut dice, &work);
        }
        let when = format!("seed {seed}, step {step}");
        match dice.below(6) {
            0 => {
                git(&machine, &work, &["add", "--intent-to-add", "--all"]);
                agrees_with_git(&machine, &work, &format!("{when}, promised"));
                git(&machine, &work, &["add", "--all"]);
            }
            1 => drop(machine.program("git", &["add", "--", "a"])),
            2 if commits > 0 => drop(git(&machine, &work, &["reset", "-q"])),
            _ => drop(git(&machine, &work, &["add", "--all"])),
        }
        agrees_with_git(&machine, &work, &when);
        if dice.below(2) == 0 {
            // As in a hook: the index records the trees that the commit will have, which are not those of HEAD.
            git(&machine, &work, &["write-tree"]);
            agrees_with_git(&machine, &work, &format!("{when}, trees recorded"));
        }
        if commits > 1 && dice.below(3) == 0 {
            git(&machine, &work, &["reset", "-q", "--soft", "HEAD~1"]);
            commits -= 1;
            agrees_with_git(&machine, &work, &format!("{when}, HEAD moved back"));
        }
        if dice.below(2) == 0 {
            git(&machine, &work, &["commit", "-q", "--allow-empty", "-m", "x"]);
            commits += 1;
            agrees_with_git(&machine, &work, &format!("{when}, committed"));
        }
        if commits > 1 && dice.below(3) == 0 {
            let base = format!("HEAD~{}", 1 + dice.below(commits - 1));
            let ours = open(&work).changed_between(&base, "HEAD", &everything).expect("a range");
            assert_eq!(status_of(&ours), status_of_git(&machine, &work, &[&base, "HEAD"]), "{when}, range from {base}");
        }
    }
}

#[test]
fn random_repositories_agree_with_git() {
    for seed in 1..=7 {
        random_walk(seed, &[]);
    }
}

#[test]
fn other_kinds_of_index_agree_with_git() {
    random_walk(11, &[&["config", "index.version", "4"]]);
    random_walk(12, &[&["config", "core.splitIndex", "true"]]);
    random_walk(13, &[&["config", "index.skipHash", "true"]]);
    random_walk(14, &[&["config", "core.untrackedCache", "true"], &["config", "index.threads", "2"]]);
}

#[test]
fn a_repository_that_names_its_objects_by_sha256_agrees_with_git() {
    for (seed, version) in [(21, "2"), (22, "4")] {
        let machine = Machine::new();
        machine.git(&["init", "-q", "-b", "main", "--object-format=sha256"]);
        machine.git(&["config", "core.fsync", "none"]);
        walk(machine, seed, &[&["config", "index.version", version]]);
    }
}

#[test]
fn a_sparse_index_is_looked_into() {
    let machine = repository();
    for name in ["one/a", "one/b", "two/package.json", "two/deep/c", "top"] {
        machine.file(&format!("work/{name}"), name);
    }
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "x"]);
    machine.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "one"]);
    let listed = String::from_utf8(git(&machine, &machine.work(), &["ls-files", "--sparse"])).unwrap();
    assert!(listed.contains("two/\n"), "the index is sparse: {listed}");
    machine.file("work/one/a", "other");
    machine.git(&["add", "one/a"]);
    agrees_with_git(&machine, &machine.work(), "sparse");
    // HEAD moves to a commit whose `two` differs, the sparse entry stays.
    machine.git(&["commit", "-qm", "y"]);
    let tree = machine.git(&["rev-parse", "HEAD:one"]);
    let listing = format!("040000 tree {}\tone\n040000 tree {}\ttwo\n", tree.trim(), tree.trim());
    machine.file("tree", listing);
    let tree = machine.program("sh", &["-c", "git commit-tree -m z $(git mktree < ../tree)"]).exits(0).stdout;
    machine.git(&["update-ref", "HEAD", tree.trim()]);
    agrees_with_git(&machine, &machine.work(), "sparse, another folder below HEAD");
}

#[test]
fn a_conflict_is_seen_at_every_stage() {
    let machine = repository();
    let commit = |text: &str, message: &str| {
        machine.file("work/package.json", text);
        machine.git(&["add", "."]);
        machine.git(&["commit", "-qm", message]);
    };
    commit("base", "base");
    machine.git(&["switch", "-qc", "other"]);
    commit("theirs", "theirs");
    machine.git(&["switch", "-q", "main"]);
    commit("ours", "ours");
    assert_ne!(machine.program("git", &["merge", "other"]).status, 0);
    agrees_with_git(&machine, &machine.work(), "conflict");
    let repository = open(&machine.work());
    let contents: Vec<String> = repository
        .staged(&everything)
        .unwrap()
        .iter()
        .map(|c| String::from_utf8(repository.blob(c.after.expect("a stage").0, 10).unwrap()).unwrap())
        .collect();
    assert_eq!(contents, ["base", "ours", "theirs"]);
}

#[test]
fn a_detached_head_a_worktree_and_a_subfolder_are_one_repository() {
    let machine = repository();
    machine.file("work/deep/er/f", "1");
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "x"]);
    machine.git(&["switch", "-q", "--detach"]);
    machine.git(&["worktree", "add", "-q", "../linked"]);
    let linked = machine.work().join("../linked").canonicalize().unwrap();
    fs::write(linked.join("only-there"), "2").unwrap();
    git(&machine, &linked, &["add", "."]);
    agrees_with_git(&machine, &linked, "worktree");
    agrees_with_git(&machine, &machine.work(), "detached");
    let from_below = open(&machine.work().join("deep/er"));
    assert_eq!(from_below.work_tree().unwrap(), machine.work());
    assert!(from_below.staged(&everything).unwrap().is_empty());
    assert_eq!(open(&linked).common_dir().canonicalize().unwrap(), machine.work().join(".git").canonicalize().unwrap());
}

#[test]
fn the_index_git_names_to_a_hook_is_the_one_that_is_read() {
    let machine = repository();
    machine.file("work/one", "1");
    machine.file("work/two", "1");
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "x"]);
    machine.git(&["worktree", "add", "-q", "../linked"]);
    let linked = machine.work().join("../linked").canonicalize().unwrap();
    // The hook keeps what git tells it and a copy of the index, since git removes a temporary one.
    let seen = machine.work().join("../seen");
    let hook = format!(
        "#!/bin/sh\ncd \"$(pwd)\"\ncp \"$GIT_INDEX_FILE\" '{0}.index'\nprintf '%s\\n' \"$GIT_INDEX_FILE\" \"$GIT_DIR\" \"$(pwd)\" > '{0}'\ngit diff --cached --name-only > '{0}.names'\n",
        seen.display()
    );
    machine.executable("work/.git/hooks/pre-commit", hook);
    let mut modes = BTreeSet::new();
    for (folder, arguments) in [
        (machine.work(), &["commit", "-qm", "plain"][..]),
        (machine.work(), &["commit", "-qam", "all"]),
        (machine.work(), &["commit", "-qm", "path", "two"]),
        (linked.clone(), &["commit", "-qm", "plain there"]),
        (linked.clone(), &["commit", "-qm", "path there", "two"]),
    ] {
        fs::write(folder.join("one"), arguments.join(" ")).unwrap();
        git(&machine, &folder, &["add", "one"]);
        fs::write(folder.join("two"), arguments.join(" ")).unwrap();
        git(&machine, &folder, arguments);
        let told = fs::read_to_string(&seen).unwrap();
        let mut told = told.lines();
        let (index, git_dir, cwd) = (told.next().unwrap(), told.next().unwrap(), told.next().unwrap());
        modes.insert(Path::new(index).file_name().unwrap().to_string_lossy().split('-').next().unwrap().to_owned());
        // Git has moved on: put the index of that moment where git said it was, and HEAD back.
        git(&machine, &folder, &["update-ref", "HEAD", "HEAD~1"]);
        let at = Path::new(cwd).join(index);
        let kept = fs::read(&at).ok();
        fs::copy(seen.with_extension("index"), &at).unwrap();
        let env = [("GIT_INDEX_FILE", index), ("GIT_DIR", git_dir)].into_iter().filter(|(_, v)| !v.is_empty());
        let env = Env::of_pairs(env, Path::new(cwd), Os::Linux);
        let repository = Repository::discover(&env, Path::new(cwd)).unwrap().unwrap();
        let names: BTreeSet<PathBuf> = repository.staged(&everything).unwrap().into_iter().map(|c| c.path).collect();
        let expected: BTreeSet<PathBuf> =
            fs::read_to_string(seen.with_extension("names")).unwrap().lines().map(PathBuf::from).collect();
        assert_eq!(names, expected, "{arguments:?}");
        assert!(!expected.is_empty());
        match kept {
            Some(bytes) => fs::write(&at, bytes).unwrap(),
            None => fs::remove_file(&at).unwrap(),
        }
        git(&machine, &folder, &["reset", "-q", "--hard"]);
    }
    assert_eq!(
        modes,
        BTreeSet::from(["index".to_owned(), "index.lock".to_owned(), "next".to_owned()]),
        "all three kinds of index"
    );
}

#[test]
fn a_missing_index_is_empty_only_where_git_would_make_one() {
    let machine = repository();
    assert!(open(&machine.work()).staged(&everything).unwrap().is_empty());
    let named = Env::of_pairs([("GIT_INDEX_FILE", "nowhere")], &machine.work(), Os::Linux);
    let repository = Repository::discover(&named, &machine.work()).unwrap().unwrap();
    assert!(matches!(repository.staged(&everything), Err(GitError::Index { .. })));
    // Git removes the index: everything HEAD has is then deleted.
    machine.file("work/f", "1");
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "x"]);
    fs::remove_file(machine.work().join(".git/index")).unwrap();
    agrees_with_git(&machine, &machine.work(), "no index");
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let outside = Machine::new();
    let none: [(&str, &str); 0] = [];
    assert!(Repository::discover(&Env::of_pairs(none, &outside.work(), Os::Linux), &outside.work()).unwrap().is_none());
    let gone = Env::of_pairs([("GIT_DIR", "nowhere")], &outside.work(), Os::Linux);
    assert!(matches!(Repository::discover(&gone, &outside.work()), Err(GitError::Open { .. })));

    let machine = Machine::new();
    machine.git(&["init", "-q", "--ref-format=reftable"]);
    let error = Repository::discover(&Env::of_pairs(none, &machine.work(), Os::Linux), &machine.work()).unwrap_err();
    assert!(matches!(error, GitError::Unsupported(_)), "{error:?}");
    assert!(error.to_string().contains("reftable"), "{error}");

    let machine = repository();
    machine.file("work/f", "content");
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "x"]);
    let index = machine.work().join(".git/index");
    let bytes = fs::read(&index).unwrap();
    for broken in [&bytes[..bytes.len() / 2], b"", b"DIRC", b"not an index at all, whatever its length"] {
        fs::write(&index, broken).unwrap();
        assert!(matches!(open(&machine.work()).staged(&everything), Err(GitError::Index { .. })), "{}", broken.len());
    }
    fs::remove_file(&index).unwrap();
    rustix_fifo(&index);
    assert!(matches!(open(&machine.work()).staged(&everything), Err(GitError::Index { .. })));
    fs::remove_file(&index).unwrap();
    fs::write(&index, &bytes).unwrap();

    let repository = open(&machine.work());
    let id = repository.files(&Snapshot::Index, &everything).unwrap()[0].id;
    assert_eq!(repository.blob(id, 7).unwrap(), b"content");
    assert!(matches!(repository.blob(id, 6), Err(GitError::TooLarge { size: 7, limit: 6, .. })));
    assert!(matches!(repository.changed_between("nowhere", "HEAD", &everything), Err(GitError::Revision { .. })));
    let absent = "0123456789012345678901234567890123456789";
    assert!(matches!(repository.changed_between(absent, "HEAD", &everything), Err(GitError::Revision { .. })));
    // A tree that is gone, with the index's cache-tree invalid so that it is needed.
    let tree = machine.git(&["rev-parse", "HEAD^{tree}"]);
    let (folder, name) = tree.trim().split_at(2);
    fs::remove_file(machine.work().join(format!(".git/objects/{folder}/{name}"))).unwrap();
    assert!(matches!(open(&machine.work()).staged(&everything), Err(GitError::Object { .. })));
}

fn rustix_fifo(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo starts");
    assert!(status.success());
}

/// An index whose record of a folder counts one entry too many or too few would hide a file behind the folder.
#[test]
fn a_cache_tree_that_miscounts_hides_nothing() {
    for (check, wrong) in [("true", b'3'), ("true", b'1'), ("false", b'3')] {
        let machine = repository();
        machine.git(&["config", "index.skipHash", check]);
        for name in ["a/1", "a/2", "b", "c"] {
            machine.file(&format!("work/{name}"), name);
        }
        machine.git(&["add", "."]);
        machine.git(&["commit", "-qm", "x"]);
        machine.file("work/b", "other");
        machine.git(&["add", "b"]);
        let index = machine.work().join(".git/index");
        let mut bytes = fs::read(&index).unwrap();
        let at = bytes.windows(6).position(|window| window == b"a\x002 0\n").expect("the folder is recorded");
        bytes[at + 2] = wrong;
        fs::write(&index, bytes).unwrap();
        match open(&machine.work()).staged(&everything) {
            Ok(changes) => assert_eq!(status_of(&changes), BTreeSet::from([("M".to_owned(), "b".into())])),
            // With a checksum, the damage itself is seen.
            Err(error) => assert!(check == "false" && matches!(error, GitError::Index { .. }), "{error}"),
        }
    }
}

#[test]
fn a_base_of_zeros_is_everything() {
    let machine = repository();
    machine.file("work/a/f", "1");
    machine.file("work/g", "1");
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "x"]);
    let zeros = "0".repeat(40);
    let changes = open(&machine.work()).changed_between(&zeros, "main", &everything).unwrap();
    assert_eq!(status_of(&changes), BTreeSet::from([("A".to_owned(), "a/f".into()), ("A".to_owned(), "g".into())]));
    let id = machine.git(&["rev-parse", "HEAD"]);
    assert!(open(&machine.work()).changed_between(id.trim(), &id[..9], &everything).unwrap().is_empty());
}

/// What is committed is the object itself, whatever a local ref shows in its place; and no filter changes it.
#[test]
fn replaced_objects_and_filters_show_nothing_else() {
    let machine = repository();
    machine.file("work/.gitattributes", "* filter=evil\n");
    machine.file("work/real", "real");
    machine.git(&["add", "."]);
    let mark = machine.work().join("../ran");
    machine.git(&["config", "filter.evil.smudge", &format!("touch {}; echo other", mark.display())]);
    machine.git(&["config", "filter.evil.process", &format!("touch {}", mark.display())]);
    machine.git(&["config", "core.fsmonitor", &format!("touch {}", mark.display())]);
    machine.git(&["config", "core.hooksPath", &format!("{}", mark.display())]);
    let real = machine.program("sh", &["-c", "printf real | git hash-object --stdin"]).stdout;
    let other = machine.program("sh", &["-c", "printf other | git hash-object -w --stdin"]).stdout;
    machine.git(&["replace", real.trim(), other.trim()]);
    assert_eq!(machine.git(&["cat-file", "blob", real.trim()]), "other");
    let _ = fs::remove_file(&mark);
    let repository = open(&machine.work());
    let staged = repository.staged(&everything).unwrap();
    let change = staged.iter().find(|c| c.path == Path::new("real")).unwrap();
    let (id, mode) = change.after.unwrap();
    assert_eq!(repository.blob(id, 10).unwrap(), b"real");
    assert_eq!(mode, Mode::File { executable: false });
    assert!(!mark.exists(), "nothing was run");
}

/// Trees and an index that git would not write.
#[test]
fn a_tree_that_holds_itself_a_thousand_times_is_given_up() {
    let machine = repository();
    let script = "blob=$(printf x | git hash-object -w --stdin); line=\"100644 blob $blob\\tf\"; \
        tree=$(printf \"$line\\n\" | git mktree); \
        for level in 1 2 3 4 5 6 7 8 9; do list=; for n in 0 1 2 3 4 5 6 7 8 9; do list=\"${list}040000 tree $tree\\t$n\\n\"; done; \
        tree=$(printf \"$list\" | git mktree); done; git commit-tree -m x $tree";
    let bomb = machine.program("sh", &["-c", script]).exits(0).stdout;
    let error = open(&machine.work()).changed_between(&"0".repeat(40), bomb.trim(), &|_| false).unwrap_err();
    assert!(matches!(error, GitError::TooMuch(_)), "{error}");
    let deep = "tree=$(git mktree </dev/null); n=0; while [ $n -lt 1100 ]; do \
        tree=$(printf \"040000 tree $tree\\td\\n\" | git mktree); n=$((n+1)); done; git commit-tree -m x $tree";
    let deep = machine.program("sh", &["-c", deep]).exits(0).stdout;
    let error = open(&machine.work()).changed_between(&"0".repeat(40), deep.trim(), &everything).unwrap_err();
    assert!(error.to_string().contains("1024 deep"), "{error}");
}

#[test]
fn a_submodule_and_a_link_are_told_from_files() {
    let machine = repository();
    std::os::unix::fs::symlink("elsewhere", machine.work().join("package.json")).unwrap();
    machine.git(&["add", "."]);
    machine.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},module", "1".repeat(40))]);
    let modes: Vec<_> = open(&machine.work()).staged(&everything).unwrap().into_iter().map(|c| c.after.unwrap().1).collect();
    assert_eq!(modes, [Mode::Submodule, Mode::Link]);
}
