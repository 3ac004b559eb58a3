//! Files that come slowly, too long, too short, from elsewhere, or not at all.

use super::{Home, Reply, Server, digests, network, refused};
use std::time::{Duration, Instant};
use vetted::digest::DigestSet;
use vetted::registry::npm::Npm;
use vetted::registry::{RegistryError, ReleaseFile, Source, download, local};
use vetted::tool::PackageVersion;
use vetted::world::files::Files;
use vetted::world::network::{Asking, Network, Patience};

const FILE: &[u8] = b"0123456789";

fn file(url: String, bytes: &[u8]) -> ReleaseFile {
    let stated = DigestSet::from(digests(bytes).1);
    ReleaseFile { name: "a.tgz".into(), url, otherwise: Vec::new(), stated, size: None }
}

fn source(server: &Server) -> Source {
    Npm::new(&Home::new().world(), &network(), Some(&server.url())).unwrap().source_of("a")
}

fn get(server: &Server, path: &str, bytes: &[u8]) -> Result<u64, RegistryError> {
    let file = file(format!("{}{path}", server.url()), bytes);
    download(&source(server), &file, &mut tempfile::tempfile().unwrap()).map(|done| done.size)
}

/// The digest is known beforehand: storage on another host may serve the file.
#[test]
fn a_file_may_come_from_storage_elsewhere_and_a_document_may_not() {
    let (server, storage) = (Server::start(), Server::start());
    storage.on("/blob", Reply::file(FILE)).on("/a", Reply::json("{}"));
    server.on("/a.tgz", Reply::To(format!("{}blob", storage.url())));
    server.on("/a", Reply::To(format!("{}a", storage.url())));
    assert_eq!(get(&server, "a.tgz", FILE).unwrap(), 10);
    let npm = Npm::new(&Home::new().world(), &network(), Some(&server.url())).unwrap();
    refused(
        npm.document("a", vetted::registry::npm::Detail::Whole),
        &["the server redirects to", "name the address that it redirects to"],
    );
    // Another file than the stated one is refused wherever it comes from.
    refused(get(&server, "a.tgz", b"other"), &["is not what the registry states"]);
    assert_eq!(storage.targets(), ["/blob", "/blob"]);
    for to in ["http://acme.example/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "https://user:p@acme.example/"] {
        server.on("/a.tgz", Reply::To(to.to_owned()));
        refused(get(&server, "a.tgz", FILE), &["the server redirects to"]);
    }
    server.on("/a.tgz", Reply::To("/a.tgz".to_owned()));
    refused(get(&server, "a.tgz", FILE), &["more than 5 redirects"]);
}

#[test]
fn a_login_is_not_sent_where_a_redirect_leads() {
    let (server, storage, home) = (Server::start(), Server::start(), Home::new());
    let place = server.url().trim_start_matches("http:").to_owned();
    home.file("home/.npmrc", &format!("{place}npm/:_authToken=t0ken\n"));
    let source = Npm::new(&home.world(), &network(), Some(&format!("{}npm/", server.url()))).unwrap().source_of("a");
    storage.on("/blob", Reply::file(FILE));
    server.on("/npm/a.tgz", Reply::To("/other/a.tgz".to_owned()));
    server.on("/other/a.tgz", Reply::To(format!("{}blob", storage.url())));
    let file = file(format!("{}npm/a.tgz", server.url()), FILE);
    download(&source, &file, &mut tempfile::tempfile().unwrap()).unwrap();
    let sent: Vec<(String, String)> = server.asked().into_iter().map(|a| (a.target, a.authorization)).collect();
    let expected = [("/npm/a.tgz", "Bearer t0ken"), ("/other/a.tgz", "")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(sent, expected);
    assert_eq!(storage.authorizations(), [""]);
}

/// The time of a download grows with what has come; a stall and a drip end it.
#[test]
fn a_slow_line_is_waited_for_and_a_dead_one_is_not() {
    let seconds = Duration::from_secs;
    let patience = Patience { connect: seconds(2), stall: seconds(1), total: Duration::from_millis(500) };
    let network = Network::new(patience).unwrap();
    let server = Server::start();
    let get = |path: &str| {
        let mut bytes = Vec::new();
        let asking = Asking::default();
        let url = format!("{}{path}", server.url());
        let done = network.anew().download(&url, 1 << 20, (&asking, vetted::world::network::Redirects::Within), &mut bytes);
        (done, bytes.len())
    };
    // 32 KiB a second, for longer than a small answer may take.
    let piece = vec![b'x'; 8 * 1024];
    server.on("/slow", Reply::Slow(64 * 1024, vec![piece; 8], Duration::from_millis(250)));
    let began = Instant::now();
    assert_eq!((get("slow").0.unwrap(), began.elapsed() > seconds(1)), (Some(64 * 1024), true));
    server.on("/drip", Reply::Slow(1000, vec![vec![b'x']; 1000], Duration::from_millis(50)));
    let began = Instant::now();
    assert!(get("drip").0.unwrap_err().to_string().contains("the answer was not complete after 0 seconds"));
    assert!(began.elapsed() < seconds(3));
    server.on("/dead", Reply::Slow(1000, vec![vec![b'x'], vec![b'x']], seconds(3)));
    assert!(get("dead").0.unwrap_err().to_string().contains("the server sent nothing for 1 seconds"));
    // A length that is not kept.
    server.on("/short", Reply::Slow(1000, vec![vec![b'x'; 10]], Duration::ZERO));
    assert!(get("short").0.unwrap_err().to_string().contains("cut off after 10 bytes of 1000"));
    server.on("/huge", Reply::Slow(1 << 40, vec![], Duration::ZERO));
    let (done, kept) = get("huge");
    assert!(done.unwrap_err().to_string().contains("1099511627776 bytes; at most 1048576"));
    assert_eq!((get("none").0.unwrap(), kept), (None, 0));
}

#[test]
fn what_was_partial_is_gone() {
    let server = Server::start();
    server.on("/a.tgz", Reply::Slow(1000, vec![vec![b'x'; 10]], Duration::ZERO));
    let mut into = tempfile::tempfile().unwrap();
    let file = file(format!("{}a.tgz", server.url()), FILE);
    refused(download(&source(&server), &file, &mut into), &["cut off after 10 bytes of 1000", "(from --registry)"]);
    assert_eq!(into.metadata().unwrap().len(), 0);
}

#[test]
fn files_of_ones_own_are_a_release() {
    let home = Home::new();
    home.file("work/tool.tgz", "one");
    home.file("work/tool.tgz.sigstore.json", "{}");
    let bundle = home.file("bundle.json", "{}");
    let package = PackageVersion::parse_purl("pkg:npm/tool@1.0.0").unwrap();
    let of = |path: &str, bundles: &[std::path::PathBuf]| local::release(Files, package.clone(), &home.path(path), bundles);
    let (release, source) = of("work", &[bundle]).unwrap();
    assert_eq!((release.files.len(), release.files[0].name.as_str(), release.attestations.len()), (1, "tool.tgz", 1));
    let done = download(&source, &release.files[0], &mut tempfile::tempfile().unwrap()).unwrap();
    assert_eq!(done.digests.get(vetted::digest::Algorithm::Sha256), Some(&digests(b"one").0));
    refused(of("nothing", &[]), &["does not exist"]);
    refused(of("home", &[]), &["does not exist"]);
    refused(of("work", &[home.path("none.json")]), &["none.json` does not exist"]);
}

/// A mirror of static files behind a certificate of the company's own.
#[test]
fn a_static_mirror_is_reached_with_the_certificates_that_npm_is_told() {
    let home = Home::new();
    let integrity = super::integrity(FILE);
    let document = format!(
        r#"{{"name":"a","dist-tags":{{}},"versions":{{"1.0.0":{{"name":"a","version":"1.0.0","dist":{{"tarball":"a-1.0.0.tgz","integrity":"{integrity}"}}}}}}}}"#
    );
    home.file("mirror/npm/a", &document);
    home.file("mirror/npm/a-1.0.0.tgz", std::str::from_utf8(FILE).unwrap());
    let Some(nginx) = crate::sync::nginx::Nginx::start(&home.path("mirror")) else { return };
    let Some((port, certificate)) = nginx.tls() else { return };
    let address = format!("https://127.0.0.1:{port}/npm/");
    let ask = || {
        let npm = Npm::new(&home.world(), &network(), Some(&address))?;
        let document = npm.document("a", vetted::registry::npm::Detail::Whole)?;
        let release = npm.release(&document, npm.version(&document, "1.0.0", None)?)?;
        download(&npm.source_of("a"), &release.files[0], &mut tempfile::tempfile().unwrap())
    };
    refused(ask(), &["no secure connection"]);
    home.file("home/.npmrc", &format!("cafile={}\n", certificate.display()));
    assert_eq!(ask().unwrap().size, 10);
    home.file("home/.npmrc", &format!("cafile={}\n", home.file("none.pem", "nothing").display()));
    refused(ask(), &["~/.npmrc", "none.pem", "these are no certificates"]);
}

/// Memory stays bounded where an answer is small as a text and large as values.
#[test]
fn an_answer_of_endless_empty_values_is_refused() {
    let server = Server::start();
    let npm = Npm::new(&Home::new().world(), &network(), Some(&server.url())).unwrap();
    let ask = |text: String| {
        server.on("/a", Reply::json(text));
        npm.document("a", vetted::registry::npm::Detail::Whole)
    };
    let values = "0,".repeat(2_000_001);
    refused(ask(format!(r#"{{"name":"a","versions":{{"1.0.0":{{"os":[{values}0]}}}}}}"#)), &["at most 2000000 are read"]);
    let versions: Vec<String> = (0..50_001).map(|n| format!(r#""0.0.{n}":{{}}"#)).collect();
    refused(ask(format!(r#"{{"name":"a","versions":{{{}}}}}"#, versions.join(","))), &["more than 50000 versions"]);
    refused(ask(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), &["this is no document of a package"]);
}
