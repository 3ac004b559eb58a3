//! A real web server.

use super::*;

#[test]
fn not_modified_costs_no_parse() {
    let mut publisher = Publisher::new();
    let Some(nginx) = Nginx::start(&publisher.folder()) else { return };
    let mut machine = pinned(&publisher);
    publisher.publish(2);
    updated(&machine, &nginx.address(), 2);
    nginx.forget();
    // A time at which none of these documents would be believed: nobody looks.
    machine.at("2031-01-01T00:00:00Z");
    let run = machine.vetted(&["sync", "--source", &nginx.address()]).exits(0);
    assert!(run.stderr.contains("acme.example/ai is up to date"), "{run}");
    let log = nginx.log();
    assert_eq!(log.len(), 6, "three documents and three signatures:\n{}", log.join("\n"));
    assert!(
        log.iter().all(|line| line.contains(" 304 0 ") && line.ends_with(concat!("vetted/", env!("CARGO_PKG_VERSION")))),
        "{log:?}"
    );
    // What is said when somebody looks.
    publisher.publish(3);
    refused(&machine, &[&nginx.address()], &["its trust policy expired"]);
    publisher.publish(2);
    machine.at(crate::support::NOW);
    // A document that was damaged here is not "not modified".
    fs::write(in_force(&machine).join("vetted.toml"), "mode = \"monitor\"\n").unwrap();
    updated(&machine, &nginx.address(), 2);
}

#[test]
fn newer_documents_are_brought_from_a_web_server() {
    let mut publisher = Publisher::new();
    let Some(nginx) = Nginx::start(&publisher.folder()) else { return };
    let machine = pinned(&publisher);
    let older = publisher.copy();
    publisher.publish(2);
    updated(&machine, &nginx.address(), 2);
    // An older file, each document for itself and all together.
    for names in [&["vetted.toml"][..], &["vetted-revocations.toml"], &["vetted.toml", "vetted-revocations.toml"]] {
        publisher.publish(2);
        for name in names {
            for name in [(*name).to_owned(), format!("{name}.sigstore.json")] {
                publisher.write(&name, &fs::read(older.path().join(&name)).unwrap());
            }
        }
        let reason = if *names == ["vetted.toml"] { "has serial 1, and" } else { "and this machine believed serial 2 before" };
        refused(&machine, &[&nginx.address()], &[reason]);
    }
    // Other documents under the same serial.
    publisher.sync = "[sync]\nevery = \"9h\"\n".to_owned();
    publisher.publish(2);
    refused(&machine, &[&nginx.address()], &["serial 2 is not the one that this machine believed"]);
    publisher.publish(3);
    // A file cut off on the server, and one that is not signed any more.
    let path = publisher.folder().join("vetted.toml");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&machine, &[&nginx.address()], &["is not believed: vetted.toml"]);
    fs::write(&path, &whole).unwrap();
    fs::remove_file(publisher.folder().join("vetted-revocations.toml.sigstore.json")).unwrap();
    refused(&machine, &[&nginx.address()], &["vetted-revocations.toml` is not signed"]);
    fs::remove_file(publisher.folder().join("vetted-revocations.toml")).unwrap();
    refused(&machine, &[&nginx.address()], &["it has no `vetted-revocations.toml`"]);
    publisher.publish(3);
    updated(&machine, &nginx.address(), 3);
}

#[test]
fn a_server_that_cannot_prove_who_it_is_is_not_asked() {
    let publisher = Publisher::new();
    let Some(nginx) = Nginx::start(&publisher.folder()) else { return };
    let Some((tls_port, certificate)) = nginx.tls() else { return };
    let mut machine = pinned(&publisher);
    let address = format!("https://127.0.0.1:{tls_port}/");
    refused(&machine, &[&address], &["no secure connection"]);
    refused(&machine, &[&format!("https://127.0.0.1:{}/", nginx.port)], &["no secure connection"]);
    machine.env("SSL_CERT_FILE", certificate.display().to_string());
    machine.vetted(&["sync", "--source", &address]).exits(0);
    // The right certificate of another name.
    refused(&machine, &[&format!("https://localhost:{tls_port}/")], &["no secure connection"]);
    // And the pin can be written for it.
    machine.vetted(&["trust", "pin", &address, "--sha256", &publisher.fingerprint()]).exits(0);
    machine.vetted(&["sync"]).exits(0);
}
