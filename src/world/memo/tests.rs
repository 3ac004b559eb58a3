#![allow(clippy::disallowed_methods, reason = "a test changes what the program only reads")]

use super::*;
use crate::tool::Os;
use crate::world::env::Env;
use crate::world::files::Files;
use crate::world::journal::Journal;
use std::cell::Cell;
use std::os::unix::fs::symlink;
use std::time::Duration;

/// A world with a place for answers, whose program is this test.
struct Ground {
    folder: tempfile::TempDir,
    journal: &'static Journal,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The path without links, so that tests can name what stands on the way.
        std::fs::create_dir(folder.path().join("here")).unwrap();
        std::fs::create_dir(folder.path().join("cache")).unwrap();
        Self { folder, journal: Box::leak(Box::default()) }
    }

    fn here(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("here")
    }

    fn world(&self, variables: &[(&str, &str)]) -> World {
        let cache = self.folder.path().join("cache").to_str().unwrap().to_owned();
        let pairs = [("XDG_CACHE_HOME", cache.as_str())].into_iter().chain(variables.iter().copied());
        let env = Env::of_pairs(pairs, &self.here(), Os::here()).of_program(Path::new("/bin/sh")).heard_by(self.journal);
        World { now: jiff::Timestamp::UNIX_EPOCH, env, files: Files::heard_by(self.journal) }
    }
}

/// What a change of the kernel's would be hidden by: its clock has ticked on, and so has the window of what counts as recent.
fn settle() {
    std::thread::sleep(Duration::from_millis(2_100));
}

type Change = fn(&Path);
type Work = fn(&World, &Path) -> String;

fn text(world: &World, path: &Path) -> String {
    world.files.read(path, 1000).map_or_else(|error| error.is_not_found().to_string(), |bytes| String::from_utf8(bytes).unwrap())
}

fn names(world: &World, path: &Path) -> String {
    world.files.list(path).map_or_else(|error| error.is_not_found().to_string(), |names| format!("{names:?}"))
}

/// Work in a folder that was set up like this, and a change that alters what it brings.
const CASES: [(&str, Change, Work, Change); 14] = [
    (
        "a file is overwritten in place and its mtime set back",
        |at| std::fs::write(at.join("f"), "one").unwrap(),
        |world, at| text(world, &at.join("f")),
        |at| {
            let file = std::fs::OpenOptions::new().write(true).open(at.join("f")).unwrap();
            let was = file.metadata().unwrap().modified().unwrap();
            std::io::Write::write_all(&mut &file, b"two").unwrap();
            file.set_modified(was).unwrap();
        },
    ),
    (
        "another file is renamed over it",
        |at| {
            std::fs::write(at.join("f"), "one").unwrap();
            std::fs::write(at.join("g"), "two").unwrap();
        },
        |world, at| text(world, &at.join("f")),
        |at| std::fs::rename(at.join("g"), at.join("f")).unwrap(),
    ),
    (
        "a file goes",
        |at| std::fs::write(at.join("f"), "one").unwrap(),
        |world, at| text(world, &at.join("f")),
        |at| std::fs::remove_file(at.join("f")).unwrap(),
    ),
    ("a file comes", |_| (), |world, at| text(world, &at.join("f")), |at| std::fs::write(at.join("f"), "one").unwrap()),
    (
        "a folder comes in which one was looked for",
        |_| (),
        |world, at| text(world, &at.join("a/b/f")),
        |at| {
            std::fs::create_dir_all(at.join("a/b")).unwrap();
            std::fs::write(at.join("a/b/f"), "one").unwrap();
        },
    ),
    (
        "a file becomes a folder",
        |at| std::fs::write(at.join("a"), "").unwrap(),
        |world, at| text(world, &at.join("a/f")),
        |at| {
            std::fs::remove_file(at.join("a")).unwrap();
            std::fs::create_dir(at.join("a")).unwrap();
            std::fs::write(at.join("a/f"), "one").unwrap();
        },
    ),
    (
        "a name comes into a folder",
        |at| std::fs::write(at.join("f"), "one").unwrap(),
        names,
        |at| std::fs::write(at.join("g"), "").unwrap(),
    ),
    (
        "a name in a folder becomes something else",
        |at| std::fs::write(at.join("f"), "one").unwrap(),
        names,
        |at| {
            std::fs::remove_file(at.join("f")).unwrap();
            std::fs::create_dir(at.join("f")).unwrap();
        },
    ),
    (
        "a link leads elsewhere",
        |at| {
            std::fs::write(at.join("f"), "one").unwrap();
            std::fs::write(at.join("g"), "two").unwrap();
            symlink("f", at.join("l")).unwrap();
        },
        |world, at| text(world, &at.join("l")),
        |at| {
            std::fs::remove_file(at.join("l")).unwrap();
            symlink("g", at.join("l")).unwrap();
        },
    ),
    (
        "a link in the middle of a way leads elsewhere",
        |at| {
            for (folder, content) in [("a", "one"), ("b", "two")] {
                std::fs::create_dir(at.join(folder)).unwrap();
                std::fs::write(at.join(folder).join("f"), content).unwrap();
            }
            symlink("a", at.join("l")).unwrap();
            symlink("./b/../l", at.join("m")).unwrap();
        },
        |world, at| text(world, &at.join("m/f")),
        |at| {
            std::fs::remove_file(at.join("l")).unwrap();
            symlink(at.join("b"), at.join("l")).unwrap();
        },
    ),
    (
        "a link that led nowhere leads somewhere",
        |at| symlink("f", at.join("l")).unwrap(),
        |world, at| text(world, &at.join("l")),
        |at| std::fs::write(at.join("f"), "one").unwrap(),
    ),
    (
        "a link in a listed folder leads elsewhere",
        |at| {
            std::fs::create_dir(at.join("bin")).unwrap();
            symlink("f", at.join("bin/l")).unwrap();
        },
        |world, at| {
            names(world, &at.join("bin"));
            world.files.read_link(&at.join("bin/l")).unwrap().display().to_string()
        },
        |at| {
            std::fs::remove_file(at.join("bin/l")).unwrap();
            symlink("g", at.join("bin/l")).unwrap();
        },
    ),
    (
        "a folder is another one of that name with the same file in it",
        |at| {
            for folder in ["a", "b"] {
                std::fs::create_dir(at.join(folder)).unwrap();
            }
            std::fs::write(at.join("a/f"), "").unwrap();
            std::fs::hard_link(at.join("a/f"), at.join("b/f")).unwrap();
            std::fs::write(at.join("b/g"), "two").unwrap();
        },
        |world, at| {
            world.files.stat(&at.join("a/f")).unwrap();
            // Not what the folder holds: only that it is the one that was passed.
            std::fs::read_dir(at.join("a")).unwrap().count().to_string()
        },
        |at| {
            std::fs::rename(at.join("a"), at.join("c")).unwrap();
            std::fs::rename(at.join("b"), at.join("a")).unwrap();
        },
    ),
    (
        "a file gets other rights",
        |at| std::fs::write(at.join("f"), "one").unwrap(),
        |world, at| format!("{:o}", world.files.stat(&at.join("f")).unwrap().mode),
        |at| {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(at.join("f"), std::fs::Permissions::from_mode(0o755)).unwrap();
        },
    ),
];

#[test]
fn an_answer_is_kept_until_what_it_was_made_from_changes() {
    let ground = Ground::new();
    let at = |number: usize| ground.here().join(number.to_string());
    for (number, (_, set_up, ..)) in CASES.iter().enumerate() {
        std::fs::create_dir(at(number)).unwrap();
        set_up(&at(number));
    }
    settle();
    let world = ground.world(&[]);
    for (number, (name, _, work, change)) in CASES.iter().enumerate() {
        let at = at(number);
        let calls = Cell::new(0);
        let answer = || {
            remembered(&world, &[name.as_bytes().to_vec()], || {
                calls.set(calls.get() + 1);
                work(&world, &at)
            })
        };
        let first = answer();
        assert_eq!((answer(), calls.get()), (first.clone(), 1), "{name}: nothing has changed");
        change(&at);
        let second = answer();
        assert_eq!(calls.get(), 2, "{name}");
        assert_ne!(second, first, "{name}");
        assert_eq!(second, work(&world, &at), "{name}");
    }
}

#[test]
fn what_does_not_matter_changes_nothing() {
    let ground = Ground::new();
    let here = ground.here();
    std::fs::create_dir(here.join("a")).unwrap();
    std::fs::write(here.join("a/f"), "one").unwrap();
    settle();
    let calls = Cell::new(0);
    let answer = |world: &World| {
        remembered(world, &[b"x".to_vec()], || {
            calls.set(calls.get() + 1);
            text(world, &here.join("a/f")) + world.env.text("ASKED").unwrap_or_default()
        })
    };
    assert_eq!(answer(&ground.world(&[("OTHER", "1")])), "one");
    std::fs::write(here.join("a/g"), "").unwrap();
    std::fs::write(here.join("h"), "").unwrap();
    assert_eq!((answer(&ground.world(&[("OTHER", "2")])), calls.get()), ("one".to_owned(), 1));
    assert_eq!((answer(&ground.world(&[("ASKED", "2")])), calls.get()), ("one2".to_owned(), 2));
}

#[test]
fn variables_and_inputs_are_part_of_the_question() {
    let ground = Ground::new();
    settle();
    let calls = Cell::new(0);
    let answer = |world: &World, inputs: &[&[u8]]| {
        let inputs: Vec<Vec<u8>> = inputs.iter().map(|input| input.to_vec()).collect();
        remembered(world, &inputs, || {
            calls.set(calls.get() + 1);
            world.env.names_beginning("P_").count()
        });
        calls.get()
    };
    let world = ground.world(&[("P_A", "1")]);
    assert_eq!((answer(&world, &[b"a", b"b"]), answer(&world, &[b"a", b"b"])), (1, 1));
    assert_eq!((answer(&world, &[b"ab"]), answer(&world, &[b"ab", b""])), (2, 3));
    assert_eq!(answer(&ground.world(&[("P_A", "1"), ("P_B", "")]), &[b"a", b"b"]), 4);
    assert_eq!(answer(&ground.world(&[("P_B", "1")]), &[b"a", b"b"]), 5);
}

#[test]
fn what_has_just_changed_is_not_kept() {
    let ground = Ground::new();
    let path = ground.here().join("f");
    std::fs::write(&path, "one").unwrap();
    let world = ground.world(&[]);
    let calls = Cell::new(0);
    let answer = || {
        remembered(&world, &[], || {
            calls.set(calls.get() + 1);
            text(&world, &path)
        })
    };
    assert_eq!((answer(), answer(), calls.get()), ("one".to_owned(), "one".to_owned(), 2));
}

#[test]
fn an_answer_that_changed_under_the_work_is_not_kept() {
    let ground = Ground::new();
    let path = ground.here().join("f");
    std::fs::write(&path, "one").unwrap();
    settle();
    let world = ground.world(&[]);
    let calls = Cell::new(0);
    let answer = || {
        remembered(&world, &[], || {
            calls.set(calls.get() + 1);
            let is_there = world.files.stat(&path).is_ok();
            let _ = std::fs::remove_file(&path);
            is_there
        })
    };
    assert_eq!((answer(), answer(), calls.get()), (true, false, 2));
}

#[test]
fn what_cannot_be_written_down_is_not_kept() {
    struct Shy;
    impl Serialize for Shy {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    impl<'de> Deserialize<'de> for Shy {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    let ground = Ground::new();
    let world = ground.world(&[]);
    let calls = Cell::new(0);
    for _ in 0..2 {
        remembered(&world, &[], || {
            calls.set(calls.get() + 1);
            Shy
        });
    }
    assert_eq!(calls.get(), 2);
    assert!(!ground.folder.path().join("cache/vetted").exists());
}

#[test]
fn nothing_is_kept_in_ci_and_nothing_damaged_is_believed() {
    let ground = Ground::new();
    let calls = Cell::new(0_u32);
    let answer = |world: &World| {
        remembered(world, &[], || {
            calls.set(calls.get() + 1);
            calls.get()
        })
    };
    let runner = ground.world(&[("CI", "true")]);
    assert_eq!((answer(&runner), answer(&runner)), (1, 2));
    let world = ground.world(&[]);
    assert_eq!((answer(&world), answer(&world)), (3, 3));
    let folder = ground.folder.path().join("cache/vetted/answers");
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let before = calls.get();
        assert_eq!(answer(&world), before + 1, "byte {at}");
        assert_eq!(calls.get(), before + 1, "byte {at}");
    }
}

#[test]
fn links_that_lead_to_one_another_end() {
    let ground = Ground::new();
    symlink("b", ground.here().join("a")).unwrap();
    symlink("a", ground.here().join("b")).unwrap();
    settle();
    let world = ground.world(&[]);
    let calls = Cell::new(0);
    let answer = || {
        remembered(&world, &[], || {
            calls.set(calls.get() + 1);
            world.files.stat(&ground.here().join("a/f")).is_ok()
        })
    };
    assert_eq!((answer(), answer(), calls.get()), (false, false, 1));
}

/// As root every file is this user's own: the tests of what belongs to the system are for somebody else.
const SOMEBODY: u32 = 65534;

#[test]
fn files_of_the_system_are_told_by_their_folder_for_an_hour() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make files of the system.
    }
    let ground = Ground::new();
    let here = ground.here();
    for name in ["size", "read", "shared"] {
        std::fs::write(here.join(name), "one").unwrap();
    }
    std::fs::set_permissions(here.join("shared"), std::os::unix::fs::PermissionsExt::from_mode(0o664)).unwrap();
    settle();
    let mut world = ground.world(&[]);
    let calls = Cell::new(0);
    let answer = |world: &World, user: u32, asked: &str| {
        remembered_for(user, world, &[format!("{user} {asked}").into_bytes()], || {
            calls.set(calls.get() + 1);
            match asked {
                "read" => text(world, &here.join("read")),
                // What is known by its key matters by its content, too.
                "known" => {
                    let stat = world.files.stat(&here.join("read")).unwrap();
                    world.files.know(&here.join("read"), stat.key);
                    String::new()
                }
                name => world.files.stat(&here.join(name)).is_ok().to_string(),
            }
        });
        calls.replace(0)
    };
    let in_place = |name: &str| std::fs::write(here.join(name), "two").unwrap();
    let all = ["size", "read", "shared", "known"];
    assert_eq!(all.map(|asked| answer(&world, SOMEBODY, asked)), [1; 4]);
    assert_eq!(all.map(|asked| answer(&world, 0, asked)), [1; 4]);
    assert_eq!(all.map(|asked| answer(&world, SOMEBODY, asked)), [0; 4]);
    ["size", "read", "shared"].into_iter().for_each(in_place);
    // Only the first belongs to the system and was not read; to root nothing does.
    assert_eq!(all.map(|asked| answer(&world, SOMEBODY, asked)), [0, 1, 1, 1]);
    assert_eq!(all.map(|asked| answer(&world, 0, asked)), [1; 4]);
    let began = world.now;
    for (seconds, calls) in [(LEFT_FOR - 1, 0), (LEFT_FOR, 1), (-1, 1)] {
        world.now = began + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(answer(&world, SOMEBODY, "size"), calls, "after {seconds} s");
    }
    // Replaced and not overwritten: its folder has another time.
    settle();
    world.now = began;
    answer(&world, SOMEBODY, "size");
    assert_eq!(answer(&world, SOMEBODY, "size"), 0);
    std::fs::remove_file(here.join("size")).unwrap();
    std::fs::write(here.join("size"), "three").unwrap();
    assert_eq!(answer(&world, SOMEBODY, "size"), 1);
}

#[test]
fn names_in_a_folder_of_the_system_are_told_by_its_times() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make files of the system.
    }
    let ground = Ground::new();
    let here = ground.here();
    std::fs::write(here.join("f"), "one").unwrap();
    for name in ["a", "b"] {
        symlink("f", here.join(name)).unwrap();
    }
    settle();
    let notes = |paths: &[&str]| {
        let world = ground.world(&[]);
        ground.journal.open();
        for path in paths {
            let _ = world.files.stat(&here.join(path));
        }
        ground.journal.close()
    };
    let of = |paths: &[&str]| {
        let watched = watched(&notes(paths), SOMEBODY).unwrap();
        let names = watched.paths.iter().filter_map(|(path, _)| path.strip_prefix(&here).ok()?.to_str());
        (names.map(str::to_owned).collect::<Vec<_>>(), watched.is_whole)
    };
    assert_eq!(of(&["a", "b", "c", "d"]), (vec![String::new()], false));
    assert_eq!(of(&["c"]), (vec![String::new(), "c".to_owned()], true));
    let mine = watched(&notes(&["a", "b", "c"]), 0).unwrap();
    let names: Vec<_> = mine.paths.iter().filter_map(|(path, _)| path.strip_prefix(&here).ok()).collect();
    assert_eq!(names, ["", "a", "b", "c", "f"].map(Path::new));
}

#[test]
fn a_folder_that_was_refused_is_told_by_its_times() {
    let ground = Ground::new();
    let folder = ground.here().join("a");
    std::fs::create_dir(&folder).unwrap();
    settle();
    let world = ground.world(&[]);
    let what = |ask: &dyn Fn()| {
        ground.journal.open();
        ask();
        let watched = watched(&ground.journal.close(), 0).unwrap();
        watched.paths.into_iter().find(|(path, _)| *path == folder).unwrap().1
    };
    assert!(matches!(what(&|| assert!(world.files.stat(&folder).is_ok())), What::Folder(..)));
    assert!(matches!(what(&|| assert!(world.files.open(&folder).is_err())), What::Unchanged(_)));
}
