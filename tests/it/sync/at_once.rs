//! Several syncs at once, readers in between, and crashes.

use super::*;

#[test]
fn two_syncs_at_once_do_not_disturb_each_other() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let mut children: Vec<_> =
        (0..4).map(|_| machine.command(env!("CARGO_BIN_EXE_vetted")).args(["sync", "--quiet"]).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert!(fs::read_to_string(in_force(&machine).join("vetted.toml")).unwrap().contains("serial = 2"));
    // One that is started in the background leaves at once.
    let lock = fs::File::create(policy(&machine).join(".vetted-sync.lock")).unwrap();
    lock.lock().unwrap();
    publisher.publish(3);
    let began = Instant::now();
    machine.vetted(&["sync", "--background"]).exits(0);
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(fs::read_to_string(in_force(&machine).join("vetted.toml")).unwrap().contains("serial = 2"));
}

/// Whoever reads while documents are replaced sees one issue whole: never an error, never a mix.
#[test]
fn a_reader_sees_the_old_issue_or_the_new_one() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (machine, done) = (&machine, &done);
        let reader = scope.spawn(move || {
            let mut seen = Vec::new();
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                // Both documents carry the serial of their issue; a mix would show two, a torn one would not be believed.
                let run = machine.vetted(&["check", "--format", "json"]);
                assert!(run.status == 0 || run.status == 1, "{run}");
                seen.push(run.json()["policy"]["serial"].as_u64().unwrap());
            }
            seen
        });
        for serial in 2..12 {
            publisher.publish(serial);
            machine.vetted(&["sync", "--quiet"]).exits(0);
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        let seen = reader.join().unwrap();
        assert!(seen.is_sorted() && seen.len() > 2, "{seen:?}");
    });
}

/// `kill -9` at any moment leaves the old issue or the new one in force, and the next sync goes on from there.
#[cfg(unix)]
#[test]
fn a_crash_at_any_moment_leaves_a_usable_policy() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let mut serial = 1;
    let mut finished = 0;
    let mut killed = 0;
    for round in 0..60_u64 {
        serial += 1;
        publisher.publish(serial);
        let mut child = machine.command(env!("CARGO_BIN_EXE_vetted")).args(["sync", "--quiet"]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 1200));
        match child.try_wait().unwrap() {
            Some(_) => finished += 1,
            None => killed += 1,
        }
        let _ = child.kill();
        child.wait().unwrap();
        let text = fs::read_to_string(in_force(&machine).join("vetted.toml")).unwrap();
        let old_or_new = [serial - 1, serial].iter().any(|serial| text.contains(&format!("serial = {serial}\n")));
        assert!(old_or_new, "round {round}:\n{text}");
        let run = machine.vetted(&["trust", "show"]);
        assert_eq!(run.status, 0, "round {round}:\n{run}");
        machine.vetted(&["sync", "--quiet"]).exits(0);
    }
    assert!(killed > 5, "{killed} were killed and {finished} had finished: the moments are badly chosen");
    let sets = fs::read_dir(policy(&machine).join("vetted-sets")).unwrap().count();
    assert!(sets <= 3, "{sets} sets are left");
}

/// A pointer that leads nowhere never leads back to what may lie in the folder itself.
#[test]
fn a_pointer_that_leads_nowhere_is_no_policy() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let pointer = policy(&machine).join("vetted-current");
    for wrong in ["", "../../etc", "no-such-set"] {
        fs::write(&pointer, wrong).unwrap();
        let run = machine.vetted(&["check"]).exits(3);
        assert!(run.stderr.contains("vetted sync"), "{run}");
    }
    // A set that is gone is brought again.
    machine.vetted(&["sync"]).exits(0);
    machine.vetted(&["trust", "show"]).exits(0);
}
