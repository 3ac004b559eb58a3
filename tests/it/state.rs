//! What a machine remembers, on disk and in the program, and what holds of belief whatever is shown in whatever order.

use crate::office::{NAME, Office, Trust, floors, manifest_text, nothing, now, pin, revocation};
use crate::support::{Machine, NOW};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use vetted::digest::Digest;
use vetted::tool::Os;
use vetted::trust::Refusal;
use vetted::trust::document::{Folder, Loaded, load_policy};
use vetted::trust::state::{Floors, State, Store};
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::Files;

/// A machine of the library's own: an empty home, and the policy folder as the machine's.
struct Home {
    home: tempfile::TempDir,
    pairs: Vec<(&'static str, PathBuf)>,
}

impl Home {
    fn of(office: &Office) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pairs = vec![("HOME", home.path().to_owned()), ("VETTED_TEST_MACHINE_POLICY", office.folder.path().to_owned())];
        Self { home, pairs }
    }

    fn world(&self, clock: Timestamp) -> World {
        let env = Env::of_pairs(self.pairs.iter().map(|(k, v)| (*k, v.as_os_str())), Path::new("/"), Os::Linux);
        World { now: clock, env, files: Files }
    }

    fn load(&self) -> Result<Loaded, vetted::error::Error> {
        load_policy(&self.world(now()), None, &Floors::default())
    }

    fn file(&self) -> PathBuf {
        self.home.path().join(".local/state/vetted/acme.example_ai-tools.json")
    }

    fn state(&self) -> State {
        Store::of(&self.world(now())).load(NAME).unwrap()
    }
}

#[cfg(unix)]
#[test]
fn what_is_believed_is_remembered_for_this_user_alone_and_written_once() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let office = Office::new();
    let home = Home::of(&office);
    assert_eq!(home.load().unwrap().warnings, Vec::<String>::new());
    let written = fs::metadata(home.file()).unwrap();
    assert_eq!(written.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(home.file().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(home.state(), office.believed(&nothing()));
    home.load().unwrap();
    assert_eq!(fs::metadata(home.file()).unwrap().ino(), written.ino(), "nothing new is not written");

    office.revocations(90209, "");
    let error = home.load().unwrap_err().causes.join("\n");
    assert!(error.contains("90209") && error.contains("90210"), "{error}");
    assert_eq!(fs::metadata(home.file()).unwrap().ino(), written.ino());
}

#[test]
fn a_broken_memory_is_not_an_empty_one() {
    let office = Office::new();
    let home = Home::of(&office);
    home.load().unwrap();
    let whole = fs::read_to_string(home.file()).unwrap();
    let wrong = [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("vetted/state/v1", "vetted/state/v2"),
        whole.replace(NAME, "acme.example_ai/tools"),
        whole.replace("\"serial\"", "\"cereal\""),
        "[".repeat(100_000),
    ];
    for text in wrong {
        assert_ne!(text, whole);
        fs::write(home.file(), &text).unwrap();
        let error = home.load().unwrap_err();
        assert_eq!(error.kind, vetted::error::ErrorKind::Undecided);
        let hint = error.hints.join("\n");
        assert!(hint.contains("remove") && hint.contains("acme.example_ai-tools.json"), "{hint}");
        assert_eq!(fs::read_to_string(home.file()).unwrap(), text, "it is left for a person to look at");
    }
    fs::remove_file(home.file()).unwrap();
    fs::create_dir(home.file()).unwrap();
    assert!(home.load().is_err(), "a folder in its place");
}

#[test]
fn what_cannot_be_remembered_is_said() {
    let office = Office::new();
    let mut home = Home::of(&office);
    fs::write(home.home.path().join(".local"), "in the way").unwrap();
    let warnings = home.load().unwrap().warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("cannot be remembered") && warnings[0].contains(".local"),
        "{warnings:?}"
    );
    home.pairs.retain(|(name, _)| *name != "HOME");
    let warnings = home.load().unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("home folder"), "{warnings:?}");
}

#[test]
fn a_run_that_writes_for_ever_does_not_stop_this_one() {
    let office = Office::new();
    let home = Home::of(&office);
    fs::create_dir_all(home.file().parent().unwrap()).unwrap();
    let lock = fs::File::create(home.file().with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let began = std::time::Instant::now();
    let warnings = home.load().unwrap().warnings;
    assert!(began.elapsed().as_secs() < 10 && warnings.len() == 1 && warnings[0].contains("lock"), "{warnings:?}");
    drop(lock);
    assert!(home.load().unwrap().warnings.is_empty());
    fs::remove_file(home.file()).unwrap();
    fs::remove_file(home.file().with_extension("lock")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.file().with_extension("lock"), rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(home.load().unwrap().warnings.len(), 1, "a FIFO in the place of the lock is not waited for");
}

/// Of two runs at once, the one that saw more is never forgotten.
#[test]
fn two_runs_at_once_keep_the_higher_serial() {
    let (old, new) = (Office::new(), Office::new());
    let text = |name: &str| fs::read(old.path(name)).unwrap();
    for entry in fs::read_dir(old.folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        fs::write(new.path(&name), text(&name)).unwrap();
    }
    let newest = Office { folder: new.folder.clone(), keys: old.keys.clone() };
    let home = Home::of(&old);
    let mut outlived = 0;
    for serial in 43..73 {
        // Both begin at the same memory, or at none.
        if serial % 2 == 0 {
            fs::remove_file(home.file()).unwrap();
        }
        newest.manifest(serial, "");
        newest.revocations(90210 + serial, "");
        let paths = [old.folder.path().to_owned(), newest.folder.path().to_owned()];
        let pairs = home.pairs.clone();
        let threads = paths.map(|path| {
            let home_folder = pairs[0].1.clone();
            std::thread::spawn(move || {
                let pairs = [("HOME", home_folder.as_path()), ("VETTED_TEST_MACHINE_POLICY", path.as_path())];
                let env = Env::of_pairs(pairs.map(|(k, v)| (k, v.as_os_str().to_owned())), Path::new("/"), Os::Linux);
                let world = World { now: now(), env, files: Files };
                load_policy(&world, None, &Floors::default()).map(|loaded| loaded.warnings.len())
            })
        });
        let [old_run, new_run] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(new_run.unwrap(), 0, "the newer policy is believed and remembered whatever the other run does");
        outlived += usize::from(old_run.is_ok());
        assert_eq!(home.state().manifest.unwrap().serial, serial);
    }
    assert!(outlived < 30, "the older policy was refused where the newer one was remembered first");
}

#[test]
fn there_is_no_grace_in_ci() {
    let office = Office::new();
    let mut home = Home::of(&office);
    assert!(home.load().unwrap().memory.manifest);
    home.pairs.push(("CI", "true".into()));
    let memory = home.load().unwrap().memory;
    assert!(!memory.manifest && !memory.revocations, "{memory:?}");
    assert!(home.state().manifest.unwrap().fresh, "it is remembered all the same");
}

#[test]
fn the_built_in_policy_has_no_memory_and_no_serial() {
    let office = Office::new();
    let mut home = Home::of(&office);
    home.pairs[1].1 = home.home.path().join("none");
    assert!(home.load().unwrap().folder.is_none());
    assert!(!home.home.path().join(".local").exists());
    let error = load_policy(&home.world(now()), None, &floors(&["1"])).unwrap_err();
    assert_eq!(error.kind, vetted::error::ErrorKind::Undecided);
}

/// The program says what was expected, what was found, where, and what to do.
#[test]
fn the_program_refuses_an_older_policy_and_says_what_to_do() {
    let office = Office::new();
    let machine = Machine::new();
    let folder = office.folder.path().to_str().unwrap().to_owned();
    let check = ["check", "--policy", &folder];
    machine.vetted(&check).exits(0);
    office.manifest(41, "");
    office.revocations(90211, "");
    let run = machine.vetted(&check).exits(3);
    for part in ["vetted.toml", "serial 41", "serial 42", "vetted sync", "vetted sign --renew"] {
        assert!(run.stderr.contains(part), "{part}\n{run}");
    }
    let fresh = Machine::new();
    let run = fresh.vetted(&[&check[..], &["--min-serial", "42"]].concat()).exits(3);
    assert!(run.stderr.contains("--min-serial"), "{run}");
    fresh.vetted(&[&check[..], &["--min-serial", "41", "--min-serial", "revocations=90211"]].concat()).exits(0);
    fresh.vetted(&[&check[..], &["--min-serial", "tools=1"]].concat()).exits(2);
}

// Properties

/// What a belief comes to: the bytes that are believed.
fn belief(folder: &Folder) -> (Vec<Digest>, u64) {
    let next = &folder.next;
    let marks = [next.manifest.as_ref().map(|m| m.sha256.clone()), next.revocations.as_ref().map(|m| m.sha256.clone())];
    (
        marks.into_iter().flatten().chain(next.trust.as_ref().map(|t| t.sha256.clone())).collect(),
        next.trust.as_ref().unwrap().version,
    )
}

/// An office with a chain of three trust policies behind it.
fn grown() -> Office {
    let office = Office::new();
    pin(&office, &Digest::sha256_of(&fs::read(office.path("vetted-trust.toml")).unwrap()));
    for version in [2, 3] {
        office.next_trust(&Trust { version, ..Trust::first() }, &["alice", "bob", "carol"]);
    }
    office.manifest(43, &revocation("ACME-1", "0.2.0"));
    office.put("vetted.toml", &fs::read_to_string(office.path("vetted.toml")).unwrap(), &["alice", "bob", "carol"]);
    office.revocations(90211, &revocation("ACME-2", "0.3.0"));
    office
}

/// Every bundle that stands anywhere in the folder: its file and its line.
fn bundles(office: &Office) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(office.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "jsonl") {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            found.extend((0..lines).map(|line| (path.clone(), line)));
        }
    }
    found.sort();
    found
}

/// Removing signatures never makes more believed: what is believed with some is believed with all.
#[test]
fn taking_signatures_away_never_helps() {
    let office = grown();
    let all = bundles(&office);
    let files: BTreeMap<_, _> = all.iter().map(|(path, _)| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let whole = belief(&office.verify(&nothing()).unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
    let mut outcomes = [0, 0];
    let outcomes = RefCell::new(&mut outcomes);
    runner
        .run(&prop::collection::vec(prop::bool::weighted(0.85), all.len()), |kept| {
            for (path, text) in &files {
                let lines: Vec<&str> = text.lines().collect();
                let left: Vec<&str> = all
                    .iter()
                    .zip(&kept)
                    .filter(|((at, _), keep)| at == path && **keep)
                    .map(|((_, line), _)| lines[*line])
                    .collect();
                fs::write(path, left.join("\n")).unwrap();
            }
            match office.verify(&nothing()) {
                Ok(folder) => {
                    prop_assert_eq!(&belief(&folder), &whole);
                    for (name, needed) in [("vetted.toml", 2), ("vetted-trust.toml", 2), ("vetted-trust.2.toml", 2)] {
                        let signed = fs::read_to_string(office.path(&format!("{name}.sigstore.jsonl"))).unwrap();
                        prop_assert!(signed.lines().count() >= needed, "{} was believed with too few", name);
                    }
                    outcomes.borrow_mut()[0] += 1;
                }
                Err(Refusal::NotSigned(_) | Refusal::Threshold { .. } | Refusal::TrustNotVouched { .. }) => {
                    outcomes.borrow_mut()[1] += 1
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
            Ok(())
        })
        .unwrap();
    let outcomes = outcomes.into_inner();
    assert!(outcomes[0] > 10 && outcomes[1] > 10, "both happened: {outcomes:?}");
}

/// Any byte of any file changed: refused, or exactly the same belief.
#[test]
fn a_flipped_byte_is_refused_or_changes_nothing() {
    let office = grown();
    let files: Vec<PathBuf> = {
        let mut found: Vec<_> = fs::read_dir(office.folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
        found.sort();
        found
    };
    let whole = belief(&office.verify(&nothing()).unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 1500, ..ProptestConfig::default() });
    runner
        .run(&(0..files.len(), any::<prop::sample::Index>(), 1_u8..=255), |(file, at, flip)| {
            let original = fs::read(&files[file]).unwrap();
            let mut changed = original.clone();
            changed[at.index(original.len())] ^= flip;
            fs::write(&files[file], &changed).unwrap();
            let result = office.verify(&nothing());
            fs::write(&files[file], &original).unwrap();
            if let Ok(folder) = result {
                prop_assert_eq!(&belief(&folder), &whole, "{:?}", &files[file]);
            }
            Ok(())
        })
        .unwrap();
}

/// Whatever is shown in whatever order: what is remembered never gets lower.
#[test]
fn memory_never_gets_lower() {
    let office = Office::new();
    let step = (40_u64..46, 90_200_u64..90_220, prop::collection::btree_set(0_usize..4, 0..4), any::<bool>(), -60_i64..400);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 60, ..ProptestConfig::default() });
    let accepted = RefCell::new(0);
    runner
        .run(&prop::collection::vec(step, 1..12), |steps| {
            let mut state = nothing();
            for (serial, on_call, ids, in_manifest, hours) in steps {
                let text: String = ids.iter().map(|id| revocation(&format!("ACME-{id}"), "0.2.0")).collect();
                office.manifest(serial, if in_manifest { &text } else { "" });
                office.revocations(on_call, if in_manifest { "" } else { &text });
                let clock = now() + SignedDuration::from_hours(hours);
                let Ok(folder) = office.verify_at(clock, &state, &Floors::default()) else { continue };
                let next = folder.next;
                let serials = |s: &State| (s.manifest.as_ref().map(|m| m.serial), s.revocations.as_ref().map(|m| m.serial));
                prop_assert!(serials(&next).0 >= serials(&state).0 && serials(&next).1 >= serials(&state).1);
                prop_assert!(
                    next.latest >= state.latest
                        && next.trust.as_ref().map(|t| t.version) >= state.trust.as_ref().map(|t| t.version)
                );
                prop_assert!(state.revoked.keys().all(|id| next.revoked.contains_key(id)), "nothing was withdrawn");
                *accepted.borrow_mut() += 1;
                state = next;
            }
            Ok(())
        })
        .unwrap();
    assert!(accepted.into_inner() > 60);
}

// What the program makes of it

fn codex(machine: &Machine, version: &str) {
    machine.npm_package("home/.npm-global/lib/node_modules/@openai/codex", "@openai/codex", version, "codex");
}

/// The last known good policy keeps blocking: what was revoked is revoked, whatever else cannot be decided any more.
#[test]
fn documents_that_ended_still_revoke_and_approve_nothing() {
    let office = Office::new();
    for mode in ["enforce", "monitor"] {
        office.put(
            "vetted.toml",
            &manifest_text(43, "[defaults]\nunlisted = \"allow\"\n").replace("\"enforce\"", &format!("\"{mode}\"")),
            &["alice", "bob"],
        );
        office.revocations(90211, &revocation("ACME-2", "0.100.0"));
        let check = ["check", "--policy", office.folder.path().to_str().unwrap()];
        // In its time; the trust policy has ended; the clock ran backwards; the grace is over.
        let cases = [(NOW, 0), ("2027-12-01T00:00:00Z", 3), ("2025-11-21T12:00:00Z", 3), ("2026-11-26T12:00:00Z", 3)];
        for (at, clean) in cases {
            let mut machine = Machine::new();
            machine.vetted(&check).exits(0);
            machine.at(at);
            codex(&machine, "0.169.0");
            machine.vetted(&check).exits(clean);
            codex(&machine, "0.50.0");
            let run = machine.vetted(&check).exits(1);
            assert!(run.stdout.contains("ACME-2"), "{mode} at {at}\n{run}");
        }
    }
}

/// A policy that cannot be believed is neither "deny everything" nor "allow everything": it is not an answer.
#[test]
fn a_policy_that_is_not_believed_is_no_answer() {
    let office = Office::new();
    let machine = Machine::new();
    let check = ["check", "--policy", office.folder.path().to_str().unwrap()];
    for name in ["vetted-trust.toml", "vetted.toml", "vetted-revocations.toml"] {
        let whole = fs::read(office.path(name)).unwrap();
        for broken in [&b""[..], &whole[..whole.len() / 2]] {
            fs::write(office.path(name), broken).unwrap();
            let run = machine.vetted(&check).exits(3);
            assert!(run.stderr.contains(name), "{run}");
        }
        fs::remove_file(office.path(name)).unwrap();
        machine.vetted(&check).exits(3);
        fs::write(office.path(name), whole).unwrap();
    }
    machine.vetted(&check).exits(0);
}

#[test]
fn a_memory_that_cannot_be_kept_is_said_and_stops_nobody() {
    let office = Office::new();
    let machine = Machine::new();
    machine.file("home/.local", "in the way");
    let policy = ["--policy", office.folder.path().to_str().unwrap()];
    let run = machine.vetted(&[&["check", "--quiet"][..], &policy].concat()).exits(0);
    assert!(run.stderr.starts_with("warning: ") && run.stderr.contains("cannot be remembered"), "{run}");
    let run = machine.vetted(&[&["doctor"][..], &policy].concat());
    assert!(run.stdout.contains("memory") && run.stdout.contains("remembered"), "{run}");
}
