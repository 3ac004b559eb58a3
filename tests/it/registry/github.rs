//! GitHub, played by a server of this machine: releases, digests, attestations in the answer and compressed elsewhere.

use super::{Home, Reply, Server, digests, network, refused};
use vetted::registry::download;
use vetted::registry::github::GitHub;

const ASSET: &[u8] = b"the bytes of a program";

fn hub(home: &Home) -> GitHub {
    GitHub::new(&home.world(), &network(), None).unwrap()
}

fn served() -> (Home, Server, Server) {
    let (server, storage) = (Server::start(), Server::start());
    let sha256 = digests(ASSET).0;
    let release = format!(
        r#"{{"tag_name":"v1.0.0","published_at":"2026-01-02T03:04:05Z","assets":[
        {{"name":"tool-linux","url":"{0}repos/acme/tool/releases/assets/1","size":{1},"digest":"{sha256}","updated_at":"2026-03-02T03:04:05Z"}},
        {{"name":"old","url":"{0}repos/acme/tool/releases/assets/2","size":1,"digest":null}}]}}"#,
        server.url(),
        ASSET.len()
    );
    server.on("/repos/acme/tool/releases/tags/v1.0.0", Reply::json(release));
    server.on("/repos/acme/tool/releases/assets/1", Reply::To(format!("{}blob?signed=1", storage.url())));
    storage.on("/blob?signed=1", Reply::file(ASSET));
    let answer = format!(
        r#"{{"attestations":[{{"bundle":{{"mediaType":"one"}},"repository_id":1}},{{"bundle":null,"bundle_url":"{0}b.json.sn"}},
        {{"bundle":null,"bundle_url":"{0}gone"}}]}}"#,
        storage.url()
    );
    server.on(&format!("/repos/acme/tool/attestations/{sha256}?per_page=100"), Reply::json(answer));
    let packed = snap::raw::Encoder::new().compress_vec(br#"{"mediaType":"two"}"#).unwrap();
    storage.on("/b.json.sn", Reply::file(&packed));
    let home = Home::new().with("GITHUB_API_URL", server.url()).with("GH_TOKEN", "t0ken");
    (home, server, storage)
}

#[test]
fn a_release_comes_with_digests_and_attestations() {
    let (home, server, storage) = served();
    let hub = hub(&home);
    let release = hub.release("acme/tool", "1.0.0").unwrap();
    assert_eq!(release.package.purl(), "pkg:github/acme/tool@1.0.0");
    // A file that was exchanged in March.
    assert_eq!(release.released.unwrap().to_string(), "2026-03-02T03:04:05Z");
    let bundles: Vec<String> = release.attestations.iter().map(|b| String::from_utf8(b.clone()).unwrap()).collect();
    assert_eq!(bundles, [r#"{"mediaType":"one"}"#, r#"{"mediaType":"two"}"#]);
    assert_eq!(release.unserved, [format!("{}gone", storage.url())]);
    let file = release.files.iter().find(|file| file.name == "tool-linux").unwrap();
    let done = download(&hub.source(), file, &mut tempfile::tempfile().unwrap()).unwrap();
    assert_eq!(done.size, ASSET.len() as u64);
    // The token stays with GitHub.
    assert_eq!(server.authorizations(), ["Bearer t0ken"]);
    assert_eq!(storage.authorizations(), [""]);
    let old = release.files.iter().find(|file| file.name == "old").unwrap();
    refused(
        download(&hub.source(), old, &mut tempfile::tempfile().unwrap()),
        &["no SHA-256 or SHA-512 digest of `old`", "--from FILE"],
    );
}

#[test]
fn what_is_no_release_is_refused() {
    let (home, server, storage) = served();
    let hub = hub(&home);
    refused(hub.release("acme/tool", "2.0.0"), &["`acme/tool` has no version 2.0.0", "the variable GITHUB_API_URL"]);
    for name in ["acme", "acme/tool/x", "../x", "acme/..", "a b/c"] {
        refused(hub.release(name, "1"), &["has no package"]);
    }
    // A block of snappy that says it holds a gigabyte.
    storage.on("/b.json.sn", Reply::file(&[0x80, 0x80, 0x80, 0x80, 0x04, 0x00]));
    refused(hub.release("acme/tool", "1.0.0"), &["at most 16777216 are read"]);
    storage.on("/b.json.sn", Reply::file(&[0x05, 0xff, 0xff]));
    refused(hub.release("acme/tool", "1.0.0"), &["no snappy block"]);
    server.on("/repos/acme/tool/releases/tags/v1.0.0", Reply::json(r#"{"tag_name":"v9","assets":[]}"#));
    refused(hub.release("acme/tool", "1.0.0"), &["no version 1.0.0"]);
}

#[test]
fn a_host_of_ones_own_has_its_interface_below_it() {
    let of = |host: &str| {
        let home = Home::new().with("GH_HOST", host);
        vetted::registry::config::github(&home.world(), None).unwrap().0.to_string()
    };
    assert_eq!(of("git.acme.example"), "https://git.acme.example/api/v3/ (from the variable GH_HOST)");
    assert_eq!(of("acme.ghe.com"), "https://api.acme.ghe.com/ (from the variable GH_HOST)");
}
