//! Python indexes: both forms of a page, logins, provenance, and files without a digest.

use super::{Home, Reply, Server, digests, network, refused};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vetted::registry::download;
use vetted::registry::pypi::Pypi;

const WHEEL: &[u8] = b"the bytes of a wheel";
const SDIST: &[u8] = b"the bytes of a source distribution";

fn pypi(home: &Home, told: &str) -> Pypi {
    Pypi::new(&home.world(), &network(), Some(told)).unwrap()
}

/// An index whose page is HTML, as most mirrors serve it.
fn index() -> Server {
    let server = Server::start();
    let link = |name: &str, bytes: &[u8], more: &str| {
        format!("<a href=\"/files/{name}#sha256={}\" {more}>{name}</a><br>", digests(bytes).0.hex())
    };
    let page = [
        link("my_tool-1.0.0-py3-none-any.whl", WHEEL, "data-upload-time=\"2026-01-02T03:04:05Z\" data-provenance=\"/p/whl\""),
        link("my_tool-1.0.0.tar.gz", SDIST, "data-upload-time=\"2026-02-02T03:04:05Z\" data-provenance=\"/p/sdist\""),
        link("my_tool-2.0.0-py3-none-any.whl", WHEEL, "data-yanked=\"broken\""),
        link("my_tool-3.0.0rc1-py3-none-any.whl", WHEEL, ""),
        link("my_tool_other-1.0.0.tar.gz", SDIST, ""),
        "<a href=\"/files/my_tool-0.9.0.tar.gz#md5=d41d8cd98f00b204e9800998ecf8427e\">x</a>".to_owned(),
    ];
    server.on("/simple/my-tool/", Reply::html(format!("<!DOCTYPE html><html><body>{}</body></html>", page.concat())));
    server.on("/files/my_tool-1.0.0-py3-none-any.whl", Reply::file(WHEEL));
    server.on("/p/whl", Reply::json("{\"version\":1}"));
    server
}

#[test]
fn every_file_of_a_version_is_found_with_its_provenance() {
    let (home, server) = (Home::new(), index());
    let pypi = pypi(&home, &format!("{}simple", server.url()));
    let project = pypi.project("My.Tool").unwrap();
    let release = pypi.release(&project, "1.0").unwrap();
    assert_eq!(release.package.purl(), "pkg:pypi/my-tool@1.0.0");
    let names: Vec<&str> = release.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["my_tool-1.0.0-py3-none-any.whl", "my_tool-1.0.0.tar.gz"]);
    // The last file decides how old the release is.
    assert_eq!(release.released.unwrap().to_string(), "2026-02-02T03:04:05Z");
    assert_eq!(release.attestations, [b"{\"version\":1}".to_vec()]);
    assert_eq!(release.unserved, [format!("{}p/sdist", server.url())]);
    let done = download(&pypi.source(), &release.files[0], &mut tempfile::tempfile().unwrap()).unwrap();
    assert_eq!(done.size, WHEEL.len() as u64);
    let asked = &server.asked()[0];
    assert!(asked.accept.starts_with("application/vnd.pypi.simple.v1+json"), "{asked:?}");
}

#[test]
fn versions_are_chosen_and_refused_by_name() {
    let (home, server) = (Home::new(), index());
    let pypi = pypi(&home, &format!("{}simple/", server.url()));
    let project = pypi.project("my-tool").unwrap();
    let versions: Vec<String> = project.versions().iter().map(|v| v.as_str().to_owned()).collect();
    assert_eq!(versions, ["0.9.0", "1.0.0", "2.0.0", "3.0.0rc1"]);
    assert_eq!(project.latest().unwrap().as_str(), "1.0.0");
    assert_eq!(pypi.release(&project, "2.0.0").unwrap().withdrawn.as_deref(), Some("broken"));
    refused(pypi.release(&project, "4.0"), &["`my-tool` has no version 4.0", "(from --registry)", "latest version is 1.0.0"]);
    refused(pypi.release(&project, "0.9.0"), &["no SHA-256 digest of `my_tool-0.9.0.tar.gz`", "only md5"]);
    refused(pypi.project("other"), &["has no package `other`"]);
    refused(pypi.project("../x"), &["has no package"]);
}

#[test]
fn the_form_of_json_is_read_as_well() {
    let (home, server) = (Home::new(), Server::start());
    let json = format!(
        r#"{{"meta":{{"api-version":"1.4"}},"name":"t","files":[{{"filename":"t-1.0-py3-none-any.whl","url":"../f.whl","size":3,
        "hashes":{{"sha256":"{}"}},"upload-time":"2026-01-02T03:04:05.000000Z","yanked":false,"provenance":null}}]}}"#,
        digests(WHEEL).0.hex()
    );
    server.on("/simple/t/", Reply::Body("application/vnd.pypi.simple.v1+json", json.into_bytes()));
    let pypi = pypi(&home, &format!("{}simple/", server.url()));
    let release = pypi.release(&pypi.project("t").unwrap(), "1.0").unwrap();
    assert_eq!(release.files[0].url, format!("{}simple/f.whl", server.url()));
    // A lying length: what comes is longer than the index says.
    server.on("/simple/f.whl", Reply::file(WHEEL));
    refused(download(&pypi.source(), &release.files[0], &mut tempfile::tempfile().unwrap()), &["at most 3 are read"]);
    server.on("/simple/f.whl", Reply::file(b"x"));
    refused(
        download(&pypi.source(), &release.files[0], &mut tempfile::tempfile().unwrap()),
        &["expected 3 bytes, found 1 bytes"],
    );
}

#[test]
fn a_login_comes_from_the_address_or_from_netrc() {
    let login = format!("Basic {}", STANDARD.encode("user:p@ss"));
    let (home, server) = (Home::new(), index());
    server.demands(&login);
    let address = format!("{}simple/", server.url());
    refused(pypi(&home, &address).project("my-tool"), &["status 401", "no token or password is configured"]);
    let with = address.replace("//", "//user:p%40ss@");
    let pypi_with = pypi(&home, &with);
    let release = pypi_with.release(&pypi_with.project("my-tool").unwrap(), "1.0.0").unwrap();
    // The files of an index stand beside it.
    download(&pypi_with.source(), &release.files[0], &mut tempfile::tempfile().unwrap()).unwrap();
    home.file("home/.netrc", "# c\nmachine other.example login x password y\nmacdef m\nmachine 127.0.0.1 login a\n\nmachine 127.0.0.1\n login user\n password p@ss\ndefault login no password no\n");
    pypi(&home, &address).project("my-tool").unwrap();
    let sent = server.authorizations();
    assert_eq!(sent, [String::new(), login]);
}
