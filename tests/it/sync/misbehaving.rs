//! Servers that never answer, drip, cut off, flood, redirect or mix.

use super::*;

#[test]
fn a_server_that_never_answers_is_given_up() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let server = Server::start(|_| Answer::Never);
    let began = Instant::now();
    refused(&machine, &[&server.url()], &["the server sent nothing for 1 seconds"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Nobody listens at all.
    let port = server.stop();
    refused(&machine, &[&format!("http://127.0.0.1:{port}/")], &["cannot connect"]);
    refused(&machine, &["https://no-such-host.invalid/"], &["cannot be resolved"]);
}

#[test]
fn a_server_that_drips_is_given_up() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let server = Server::start(|_| Answer::Drip);
    let began = Instant::now();
    refused(&machine, &[&server.url()], &["the answer was not complete after 2 seconds"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn an_answer_that_is_cut_off_or_too_large_is_refused() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let server = Server::start(|_| Answer::CutOff);
    refused(&machine, &[&server.url()], &["the answer was cut off after 10 bytes of 100"]);
    let server = Server::start(|_| Answer::CutOffChunk);
    refused(&machine, &[&server.url()], &["the answer was cut off after 10 bytes"]);
    let server = Server::start(|_| Answer::Announced(1 << 40));
    refused(&machine, &[&server.url()], &["the answer has 1099511627776 bytes; at most"]);
    let server = Server::start(|_| Answer::Endless);
    refused(&machine, &[&server.url()], &["the answer has too many bytes"]);
    let server = Server::start(|_| Answer::Status(500));
    refused(&machine, &[&server.url()], &["status 500"]);
    let server = Server::start(|_| Answer::Status(304));
    refused(&machine, &[&server.url()], &["status 304"]);
    let server = Server::start(|_| Answer::Raw(b"\0\xff\x16\x03\x01 what?\r\n\r\n".to_vec()));
    refused(&machine, &[&server.url()], &["invalid HTTP version"]);
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let folder = publisher.folder();
    let real = Server::start(move |path| Answer::file(&folder.join(path.trim_start_matches('/'))));
    let elsewhere = real.url();
    let server = Server::start(move |path| Answer::Redirect(format!("{elsewhere}{}", path.trim_start_matches('/'))));
    refused(&machine, &[&server.url()], &["the server redirects to `http://127.0.0.1:"]);
    for to in ["http://169.254.169.254/", "https://acme.example/", "https://127.0.0.1/", "http://127.0.0.1:1/"] {
        let server = Server::start(move |_| Answer::Redirect(to.to_owned()));
        refused(&machine, &[&server.url()], &[&format!("the server redirects to `{to}")]);
    }
    // The library does not know these as addresses to follow.
    for to in ["file:///etc/passwd", "mailto:a@acme.example"] {
        let server = Server::start(move |_| Answer::Redirect(to.to_owned()));
        refused(&machine, &[&server.url()], &["vetted-trust.toml`: the server"]);
    }
    let server = Server::start(|path| Answer::Redirect(path.to_owned()));
    refused(&machine, &[&server.url()], &["more than 5 redirects"]);
    // Within the host it is.
    let folder = publisher.folder();
    let server = Server::start(move |path| match path.strip_prefix("/new/") {
        Some(name) => Answer::file(&folder.join(name)),
        None => Answer::Redirect(format!("/new{path}")),
    });
    updated(&machine, &server.url(), 2);
}

/// A publisher replaces its files one after the other: a mix is asked for once more, and a mirror that stays mixed is refused.
#[test]
fn a_file_swapped_between_two_requests_is_noticed() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    let older = publisher.copy().keep();
    publisher.publish(2);
    let (new, old) = (publisher.folder(), older.clone());
    let always = Server::start(move |path| {
        let name = path.trim_start_matches('/');
        Answer::file(&if name.contains("sigstore") { old.join(name) } else { new.join(name) })
    });
    refused(&machine, &[&always.url()], &["is not believed: vetted.toml"]);
    let (new, old) = (publisher.folder(), older.clone());
    let requests = std::sync::atomic::AtomicUsize::new(0);
    let at_first = Server::start(move |path| {
        let name = path.trim_start_matches('/');
        let number = requests.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Answer::file(&if number < 3 { old.join(name) } else { new.join(name) })
    });
    updated(&machine, &at_first.url(), 2);
    fs::remove_dir_all(older).unwrap();
}

/// Another policy, signed as well as this one, under another name or the same.
#[test]
fn another_policy_does_not_take_its_place() {
    let publisher = Publisher::new();
    let machine = pinned(&publisher);
    let mut other = Publisher::new();
    refused(&machine, &[&other.address()], &["is not believed: vetted-trust.toml"]);
    other.name = "evil.example/ai";
    other.publish_trust(1);
    other.publish(9);
    refused(&machine, &[&other.address()], &["the policy is called `evil.example/ai`"]);
}

/// A machine that was away for three versions of the trust policy walks them all, and one that lacks a step goes nowhere.
#[test]
fn the_chain_of_trust_is_brought_along() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    for version in 2..=4 {
        publisher.publish_trust(version);
    }
    publisher.publish(5);
    let step = publisher.folder().join("vetted-trust.2.toml");
    fs::rename(&step, publisher.folder().join("hidden")).unwrap();
    refused(&machine, &[&publisher.address()], &["version 2 of the trust policy is needed"]);
    fs::rename(publisher.folder().join("hidden"), &step).unwrap();
    updated(&machine, &publisher.address(), 5);
    let run = machine.vetted(&["trust", "show"]).exits(0);
    assert!(run.stdout.contains("trust policy 4"), "{run}");
    // Somebody else on this machine has seen nothing yet, and the pin is of version 1.
    fs::remove_dir_all(machine.home().join(".local")).unwrap();
    machine.vetted(&["trust", "show"]).exits(0);
    let fresh = pinned(&publisher);
    fresh.vetted(&["trust", "show"]).exits(0);
}

/// A trust policy that nobody vouches for says how many earlier versions there are. Neither their number, nor their size, nor the
/// time they take is the server's to choose.
#[test]
fn a_trust_policy_that_asks_for_everything_is_given_up() {
    let mut publisher = Publisher::new();
    let mut machine = pinned(&publisher);
    publisher.publish(2);
    let forged = move |folder: &Path, path: &str| {
        let name = path.trim_start_matches('/');
        let text = fs::read(folder.join(name)).ok()?;
        let is_trust = name == "vetted-trust.toml";
        Some(if is_trust { String::from_utf8(text).unwrap().replace("version = 1\n", "version = 9000\n").into() } else { text })
    };
    let folder = publisher.folder();
    let flood = Server::start(move |path| {
        let is_earlier = path.starts_with("/vetted-trust.8") && path.ends_with(".toml");
        Answer::File(if is_earlier { Some(vec![b'#'; 4 * 1024 * 1024]) } else { forged(&folder, path) })
    });
    refused(&machine, &[&flood.url()], &["before anybody can vouch for it"]);
    assert!(flood.requests() < 100, "{}", flood.requests());

    machine.env("VETTED_TEST_PATIENCE", "400 400 600");
    let folder = publisher.folder();
    let slow = Server::start(move |path| {
        let is_earlier = path.starts_with("/vetted-trust.8");
        if is_earlier {
            std::thread::sleep(Duration::from_millis(200));
        }
        Answer::File(if is_earlier { Some(b"#".to_vec()) } else { forged(&folder, path) })
    });
    let began = Instant::now();
    refused(&machine, &[&slow.url()], &["seconds together"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // The next source has its own time.
    machine.vetted(&["sync", "--source", &slow.url(), "--source", &publisher.address()]).exits(0);
}

/// Whoever may write into a share does not get to read, by way of a copy or a message, what the one who syncs may read. A link within
/// the share is as good as a file.
#[cfg(unix)]
#[test]
fn a_link_in_a_share_that_leads_out_of_it_is_not_followed() {
    let mut publisher = Publisher::new();
    let machine = pinned(&publisher);
    publisher.publish(2);
    let share = publisher.copy();
    let address = format!("file://{}", share.path().display());
    let secret = machine.file("home/secret", "hunter2 = [");
    let trust = share.path().join("vetted-trust.toml");
    let kept = share.path().join("kept.toml");
    fs::rename(&trust, &kept).unwrap();
    std::os::unix::fs::symlink(&secret, &trust).unwrap();
    refused(&machine, &[&address], &["leads out of its folder"]);
    let record = fs::read_to_string(policy(&machine).join("vetted-sync.json")).unwrap();
    assert!(!record.contains("hunter2"), "{record}");
    fs::remove_file(&trust).unwrap();
    std::os::unix::fs::symlink("kept.toml", &trust).unwrap();
    updated(&machine, &address, 2);
}
