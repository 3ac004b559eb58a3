//! npm: documents, files, aliases, mirrors, registry signatures and attestations.

use super::{Home, Reply, Server, digests, integrity, network, refused};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Read as _;
use vetted::registry::npm::{Detail, Npm};
use vetted::registry::{KnownFrom, RegistrySignature, download, download_aside};

const FILE: &[u8] = b"the bytes of a tarball";

/// One version in a document, with more members for its `dist` and for itself.
fn version(name: &str, version: &str, tarball: &str, (dist, more): (&str, &str)) -> String {
    let integrity = integrity(FILE);
    format!(
        r#""{version}":{{"name":"{name}","version":"{version}"{more},"dist":{{"tarball":"{tarball}","integrity":"{integrity}"{dist}}}}}"#
    )
}

fn page(name: &str, versions: &[String]) -> Reply {
    let times = r#""1.0.0":"2026-01-02T03:04:05.000Z""#;
    let all = versions.join(",");
    Reply::json(format!(r#"{{"name":"{name}","dist-tags":{{"latest":"1.0.0"}},"time":{{{times}}},"versions":{{{all}}}}}"#))
}

fn npm(home: &Home, told: &str) -> Npm {
    Npm::new(&home.world(), &network(), Some(told)).unwrap()
}

/// A server with one package of one version.
fn one(dist: &str) -> Server {
    let server = Server::start();
    let url = format!("{}a/-/a-1.0.0.tgz", server.url());
    server.on("/a", page("a", &[version("a", "1.0.0", &url, (dist, ""))])).on("/a/-/a-1.0.0.tgz", Reply::file(FILE));
    server
}

#[track_caller]
fn release(npm: &Npm, name: &str) -> Result<vetted::registry::Release, vetted::registry::RegistryError> {
    let document = npm.document(name, Detail::Whole)?;
    npm.release(&document, npm.version(&document, "1.0.0", None)?)
}

#[test]
fn a_release_is_resolved_and_its_file_is_digested_on_the_way() {
    let (home, server) = (Home::new(), one(""));
    let npm = npm(&home, &server.url());
    let release = release(&npm, "a").unwrap();
    assert_eq!(release.package.purl(), "pkg:npm/a@1.0.0");
    assert_eq!(release.released.unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!((release.signature, release.files.len()), (RegistrySignature::Absent, 1));
    let (mut file, done) = download_aside(&home.world(), &npm.source_of("a"), &release.files[0]).unwrap();
    let (sha256, sha512) = digests(FILE);
    assert_eq!(done.digests.iter().cloned().collect::<Vec<_>>(), [sha256, sha512]);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!((bytes.as_slice(), done.size), (FILE, FILE.len() as u64));
    // It has no name: nothing stays behind.
    assert_eq!(std::fs::read_dir(home.path("home/.cache/vetted/downloads")).unwrap().count(), 0);
    // What was asked once is not asked again.
    npm.document("a", Detail::Brief).unwrap();
    assert_eq!(server.targets(), ["/a", "/a/-/a-1.0.0.tgz"]);
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let (home, server) = (Home::new(), one(""));
    let npm = npm(&home, &server.url());
    let from = format!("{} (from --registry)", server.url());
    refused(npm.document("b", Detail::Whole), &["has no package `b`", &from]);
    let document = npm.document("a", Detail::Whole).unwrap();
    refused(npm.version(&document, "2.0.0", None), &["no version 2.0.0", "latest version is 1.0.0", &from]);
    // A name is part of an address.
    for name in ["../a", "a/b", "a?x", "@a", "a%2f"] {
        refused(npm.document(name, Detail::Whole), &["has no package"]);
    }
    assert_eq!(server.targets(), ["/b", "/a"]);
    server.on("/c", page("a", &[])).on("/d", Reply::json("[]")).on("/e", Reply::Status(500)).on("/f", Reply::Status(403));
    refused(npm.document("c", Detail::Whole), &["it speaks of `a`, not of `c`"]);
    refused(npm.document("d", Detail::Whole), &["this is no document of a package"]);
    refused(npm.document("e", Detail::Whole), &["gives no answer", "status 500"]);
    refused(npm.document("f", Detail::Whole), &["status 403", "no token or password is configured"]);
}

/// An entry that calls itself otherwise would get another package's approval.
#[test]
fn an_entry_under_another_name_is_not_taken() {
    let (home, server) = (Home::new(), Server::start());
    server.on("/a", page("a", &[version("b", "1.0.0", "t.tgz", ("", ""))]));
    server
        .on("/c", page("c", &[version("c", "1.0.0", "t.tgz", ("", "")).replace(r#""version":"1.0.0""#, r#""version":"1.0.1""#)]));
    let npm = npm(&home, &server.url());
    for name in ["a", "c"] {
        let document = npm.document(name, Detail::Whole).unwrap();
        refused(npm.version(&document, "1.0.0", None), &["no version 1.0.0"]);
    }
}

#[test]
fn another_file_than_the_stated_one_is_refused_and_nothing_stays() {
    let (home, server) = (Home::new(), one(""));
    server.on("/a/-/a-1.0.0.tgz", Reply::file(b"the bytes of another"));
    let npm = npm(&home, &server.url());
    let file = release(&npm, "a").unwrap().files.remove(0);
    let mut into = tempfile::tempfile().unwrap();
    let expected = format!("expected {}", digests(FILE).1);
    let found = format!("found {}", digests(b"the bytes of another").1);
    refused(
        download(&npm.source_of("a"), &file, &mut into),
        &["`a-1.0.0.tgz` is not what the registry states", &expected, &found],
    );
    assert_eq!(into.metadata().unwrap().len(), 0);
}

#[test]
fn only_sha512_says_which_file_is_meant() {
    let home = Home::new();
    for (dist, part) in [
        (r#""shasum":"0755dd2cc4820f2e922506da54d3d628e13bfa39""#, "only SHA-1"),
        (r#""integrity":"sha1-B1XdLMSCDy6SJQbaVNPWKOE7+jk=""#, "only SHA-1"),
        (r#""integrity":"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=""#, "only sha256"),
        (r#""integrity":"sha512-short""#, "subresource integrity"),
        ("\"x\":1", "only nothing"),
    ] {
        let server = Server::start();
        let entry = format!(r#""1.0.0":{{"name":"a","version":"1.0.0","dist":{{"tarball":"a.tgz",{dist}}}}}"#);
        server.on("/a", page("a", &[entry]));
        refused(release(&npm(&home, &server.url()), "a"), &["no SHA-512 digest of `a@1.0.0`", part, "--from FILE"]);
    }
}

#[test]
fn a_mirror_is_asked_for_the_file_before_the_host_it_names() {
    let (home, mirror, other) = (Home::new(), Server::start(), Server::start());
    let url = format!("{}@s/a/-/a-1.0.0.tgz", other.url());
    mirror.on("/npm/@s%2fa", page("@s/a", &[version("@s/a", "1.0.0", &url, ("", ""))]));
    mirror.on("/npm/@s/a/-/a-1.0.0.tgz", Reply::file(FILE));
    let npm = npm(&home, &format!("{}npm", mirror.url()));
    let file = release(&npm, "@s/a").unwrap().files.remove(0);
    let mut into = tempfile::tempfile().unwrap();
    download(&npm.source_of("@s/a"), &file, &mut into).unwrap();
    assert!(other.targets().is_empty());
    // Where the mirror has no such path, what is written is asked.
    mirror.on("/npm/@s/a/-/a-1.0.0.tgz", Reply::Status(404));
    other.on("/@s/a/-/a-1.0.0.tgz", Reply::file(FILE));
    let mut into = tempfile::tempfile().unwrap();
    download(&npm.source_of("@s/a"), &file, &mut into).unwrap();
    assert_eq!(other.targets(), ["/@s/a/-/a-1.0.0.tgz"]);
    other.on("/@s/a/-/a-1.0.0.tgz", Reply::Status(404));
    refused(download(&npm.source_of("@s/a"), &file, &mut into), &["names this file and does not have it"]);
}

#[test]
fn a_token_opens_its_own_addresses_and_no_other() {
    let (home, server, other) = (Home::new(), Server::start(), Server::start());
    let place = server.url().trim_start_matches("http:").to_owned();
    let elsewhere = format!("{}a-1.0.0.tgz", other.url());
    home.file(
        "home/.npmrc",
        &format!("registry={0}npm/\n{place}npm/:_authToken=${{TOKEN}}\n@s:registry={0}npm-private/\n", server.url()),
    );
    let home = home.with("TOKEN", "t0ken");
    server.on("/npm/a", page("a", &[version("a", "1.0.0", &elsewhere, ("", ""))]));
    server.on("/npm-private/@s%2fb", page("@s/b", &[]));
    other.on("/a-1.0.0.tgz", Reply::file(FILE));
    let npm = Npm::new(&home.world(), &network(), None).unwrap();
    let file = release(&npm, "a").unwrap().files.remove(0);
    npm.document("@s/b", Detail::Whole).unwrap();
    download(&npm.source_of("a"), &file, &mut tempfile::tempfile().unwrap()).unwrap();
    for asked in server.asked() {
        let is_own = asked.target.starts_with("/npm/");
        assert_eq!(asked.authorization, if is_own { "Bearer t0ken" } else { "" }, "{asked:?}");
    }
    assert_eq!(other.authorizations(), [""]);
    assert!(!format!("{npm:?}").contains("t0ken"));
}

#[test]
fn logins_of_every_form_are_sent() {
    let login = format!("Basic {}", STANDARD.encode("user:pass:word"));
    let forms = [
        format!(":_auth={}", STANDARD.encode("user:pass:word")),
        format!(":username=user\nPLACE:_password={}", STANDARD.encode("pass:word")),
    ];
    for form in forms {
        let (home, server) = (Home::new(), one(""));
        server.demands(&login);
        let place = server.url().trim_start_matches("http:").to_owned();
        home.file("home/.npmrc", &format!("{place}{}\n", form.replace("PLACE", &place)));
        release(&npm(&home, &server.url()), "a").unwrap();
    }
    // In the address itself.
    let (home, server) = (Home::new(), one(""));
    server.demands(&login);
    release(&npm(&home, &server.url().replace("//", "//user:pass%3Aword@")), "a").unwrap();
}

#[test]
fn a_token_that_is_not_set_is_named_when_it_is_missed() {
    let (home, server) = (Home::new(), one(""));
    server.demands("Bearer t0ken");
    let place = server.url().trim_start_matches("http:").to_owned();
    home.file("home/.npmrc", &format!("{place}:_authToken=${{NPM_TOKEN}}\n"));
    refused(release(&npm(&home, &server.url()), "a"), &["status 401", "~/.npmrc", "names a variable that is not set"]);
    assert_eq!(server.authorizations(), [""]);
    home.file("home/.npmrc", &format!("{place}:_authToken=wrong\n"));
    refused(release(&npm(&home, &server.url()), "a"), &["status 401", "see whether it is still good"]);
}

#[test]
fn platform_packages_are_found_through_their_aliases() {
    let (home, server) = (Home::new(), Server::start());
    let optional = r#","optionalDependencies":{"@s/a-linux":"npm:@s/a@1.0.0-linux","@s/a-mac":"npm:@s/a@1.0.0-mac","@s/gone":"npm:@s/a@9.9.9","plain":"^1"}"#;
    let entry = |v: &str, more: &str| version("@s/a", v, &format!("a-{v}.tgz"), ("", more));
    server.on(
        "/@s%2fa",
        page(
            "@s/a",
            &[
                entry("1.0.0", optional),
                entry("1.0.0-linux", r#","os":["linux"],"cpu":["x64"],"libc":["glibc"]"#),
                entry("1.0.0-mac", r#","os":["darwin"],"cpu":["arm64","x64"]"#),
            ],
        ),
    );
    server.on("/plain", page("plain", &[version("plain", "1.0.0", "p.tgz", ("", ""))]));
    let npm = npm(&home, &server.url());
    let document = npm.document("@s/a", Detail::Whole).unwrap();
    let main = npm.version(&document, "1.0.0", None).unwrap();
    let found = npm.platform_packages(main).unwrap();
    let shown: Vec<String> = found
        .iter()
        .map(|p| {
            let platforms: Vec<String> = p.version.platforms().into_iter().map(|p| p.0).collect();
            format!("{} = {}@{} for {}", p.folder, p.version.name, p.version.version, platforms.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        ["@s/a-linux = @s/a@1.0.0-linux for linux/x86_64", "@s/a-mac = @s/a@1.0.0-mac for macos/aarch64 macos/x86_64"]
    );
    refused(npm.dependency(main, "x", "git+https://acme.example/x"), &["`@s/a@1.0.0` asks for `x`", "comes from no registry"]);
}

/// A key of the registry's own, and what it signs.
struct Key(aws_lc_rs::signature::EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn served(&self, expires: &str) -> Reply {
        use aws_lc_rs::encoding::AsDer as _;
        use aws_lc_rs::signature::KeyPair as _;
        let der = self.0.public_key().as_der().unwrap();
        Reply::json(format!(
            r#"{{"keys":[{{"keyid":"SHA256:own","keytype":"ecdsa-sha2-nistp256","scheme":"ecdsa-sha2-nistp256","expires":{expires},"key":"{}"}}]}}"#,
            STANDARD.encode(der.as_ref())
        ))
    }

    fn dist(&self, message: &str) -> String {
        let signature = self.0.sign(&aws_lc_rs::rand::SystemRandom::new(), message.as_bytes()).unwrap();
        format!(r#","signatures":[{{"keyid":"SHA256:own","sig":"{}"}}]"#, STANDARD.encode(signature.as_ref()))
    }
}

#[test]
fn a_registry_signature_has_to_hold() {
    let (home, key) = (Home::new(), Key::new());
    let good = format!("a@1.0.0:{}", integrity(FILE));
    let server = one(&key.dist(&good));
    server.on("/-/npm/v1/keys", key.served("null"));
    let held = release(&npm(&home, &server.url()), "a").unwrap().signature;
    assert_eq!(held, RegistrySignature::Holds { key: "SHA256:own".into(), known: KnownFrom::Registry });
    // The release is of January 2026.
    server.on("/-/npm/v1/keys", key.served("\"2026-06-01T00:00:00.000Z\""));
    assert!(release(&npm(&home, &server.url()), "a").is_ok());
    server.on("/-/npm/v1/keys", key.served("\"2025-12-31T00:00:00.000Z\""));
    refused(
        release(&npm(&home, &server.url()), "a"),
        &["the registry signature of a@1.0.0 by key SHA256:own does not hold", "the key ended"],
    );
    server.on("/-/npm/v1/keys", Key::new().served("null"));
    refused(release(&npm(&home, &server.url()), "a"), &["does not hold", "not over this name, version and digest"]);
    for other in [format!("a@1.0.1:{}", integrity(FILE)), format!("a@1.0.0:{}", integrity(b"x"))] {
        let server = one(&key.dist(&other));
        server.on("/-/npm/v1/keys", key.served("null"));
        refused(release(&npm(&home, &server.url()), "a"), &["not over this name, version and digest"]);
    }
    // A registry that hands signatures on and knows no keys of its own.
    let server = one(&key.dist(&good));
    let unknown = release(&npm(&home, &server.url()), "a").unwrap().signature;
    assert_eq!(unknown, RegistrySignature::UnknownKey { key: "SHA256:own".into() });
}

/// A signature of the public registry over a real release, as it stands in that registry's documents; the key is built in.
#[test]
fn a_forged_signature_under_a_built_in_key_is_refused() {
    let (home, key) = (Home::new(), Key::new());
    let built_in = "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U";
    let server = one(&key.dist(&format!("a@1.0.0:{}", integrity(FILE))).replace("SHA256:own", built_in));
    // The registry cannot put its own key in the place of the built-in one.
    server.on("/-/npm/v1/keys", key.served("null"));
    refused(release(&npm(&home, &server.url()), "a"), &["does not hold", built_in]);
    assert_eq!(server.targets(), ["/a"]);
}

#[test]
fn attestations_are_fetched_where_the_package_is() {
    let (home, mirror, other) = (Home::new(), Server::start(), Server::start());
    let dist = format!(r#","attestations":{{"url":"{}-/npm/v1/attestations/a@1.0.0","provenance":{{}}}}"#, other.url());
    mirror.on("/npm/a", page("a", &[version("a", "1.0.0", "a.tgz", (&dist, ""))]));
    let at = "/npm/-/npm/v1/attestations/a@1.0.0";
    let told = format!("{}npm/", mirror.url());
    // Named and not served: said, so that nobody takes it for a release that has none.
    let none = release(&npm(&home, &told), "a").unwrap();
    assert_eq!((none.attestations.len(), none.unserved), (0, vec![format!("{told}-/npm/v1/attestations/a@1.0.0")]));
    mirror.on(at, Reply::json(r#"{"attestations":[]}"#));
    let some = release(&npm(&home, &told), "a").unwrap();
    assert_eq!((some.attestations, some.unserved.len()), (vec![br#"{"attestations":[]}"#.to_vec()], 0));
    mirror.on(at, Reply::Status(500));
    refused(release(&npm(&home, &told), "a"), &["gives no answer", "status 500"]);
    assert!(other.targets().is_empty());
}
