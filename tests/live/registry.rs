//! The real registries, as npm and pip are set up for them here: nothing in these tests says where they are.

use super::has;
use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};
use vetted::digest::{Algorithm, Digest};
use vetted::registry::npm::{Detail, Npm, resolve_range};
use vetted::registry::pypi::Pypi;
use vetted::registry::{RegistrySignature, Source, download, download_aside};
use vetted::world::World;
use vetted::world::network::{Asking, Network, Patience};

/// SHA-512 of the subject of the two attestations that npm handed out for this version (slsa-verifier, test data of its npm client).
const SIGSTORE_2_3_1: &str = "f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681";
/// SHA-256 of the wheel that its publisher attested (pypi-attestations, test assets).
const RFC8785_0_1_2: &str = "c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201";

fn network() -> Network {
    Network::new(Patience::default()).unwrap()
}

fn npm() -> Option<(World, Npm)> {
    let world = World::of_this_process();
    has("npm").then(|| Npm::new(&world, &network(), None).unwrap()).map(|npm| (world, npm))
}

fn got(source: &Source, file: &vetted::registry::ReleaseFile) -> (File, vetted::registry::Downloaded) {
    let mut into = tempfile::tempfile().unwrap();
    let done = download(source, file, &mut into).unwrap_or_else(|e| panic!("{e}"));
    (into, done)
}

#[test]
fn the_file_of_an_npm_release_is_the_subject_of_its_attestation() {
    let Some((_, npm)) = npm() else { return };
    let document = npm.document("sigstore", Detail::Whole).unwrap();
    let release = npm.release(&document, npm.version(&document, "2.3.1", None).unwrap()).unwrap();
    let (_, done) = got(&npm.source_of("sigstore"), &release.files[0]);
    let subject = Digest::parse(Algorithm::Sha512, SIGSTORE_2_3_1).unwrap();
    assert_eq!(done.digests.get(Algorithm::Sha512), Some(&subject));
    assert_eq!(done.size, 9891);
    assert_eq!(release.released.unwrap().to_string()[..10], *"2024-06-25");
    // A mirror may serve no registry signatures; one that does serves some that hold.
    assert!(!matches!(release.signature, RegistrySignature::UnknownKey { .. }), "{:?}", release.signature);
}

#[test]
fn the_wheel_of_a_python_release_is_the_subject_of_its_attestation() {
    if !has("python3") {
        return;
    }
    let pypi = Pypi::new(&World::of_this_process(), &network(), None).unwrap();
    let project = pypi.project("rfc8785").unwrap();
    let release = pypi.release(&project, "0.1.2").unwrap();
    let names: Vec<&str> = release.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["rfc8785-0.1.2-py3-none-any.whl", "rfc8785-0.1.2.tar.gz"]);
    let (_, done) = got(&pypi.source(), &release.files[0]);
    let subject = Digest::parse(Algorithm::Sha256, RFC8785_0_1_2).unwrap();
    assert_eq!(done.digests.get(Algorithm::Sha256), Some(&subject));
    assert!(project.latest().is_some());
}

/// The largest files there are: one program for each platform.
#[test]
fn claude_code_brings_a_package_for_each_platform() {
    let Some((world, npm)) = npm() else { return };
    let document = npm.document("@anthropic-ai/claude-code", Detail::Whole).unwrap();
    let latest = npm.version(&document, "latest", None).unwrap();
    assert!(npm.release(&document, latest).unwrap().released.is_some());
    let packages = npm.platform_packages(latest).unwrap();
    let mut platforms: Vec<String> = packages.iter().flat_map(|p| p.version.platforms()).map(|p| p.0).collect();
    platforms.sort();
    platforms.dedup();
    for platform in ["linux/aarch64", "linux/x86_64", "macos/aarch64", "macos/x86_64", "windows/x86_64"] {
        assert!(platforms.iter().any(|one| one == platform), "{platform} is missing in {platforms:?}");
    }
    assert!(
        packages.iter().any(|p| p.version.libc.iter().any(|libc| libc == "musl"))
            || packages.iter().any(|p| p.folder.contains("musl"))
    );
    for package in &packages {
        assert_eq!(package.version.version, latest.version, "{}", package.folder);
        npm.file(&package.version).unwrap();
    }
    let one = packages.iter().find(|p| p.folder.ends_with("linux-x64")).unwrap();
    let file = npm.file(&one.version).unwrap();
    let (_, done) = download_aside(&world, &npm.source_of(&one.version.name), &file).unwrap();
    assert!(done.size > 10_000_000, "{}", done.size);
    assert!(done.digests.verify_all(&file.stated).is_ok());
}

#[test]
fn codex_brings_its_platforms_as_versions_of_itself() {
    let Some((_, npm)) = npm() else { return };
    let document = npm.document("@openai/codex", Detail::Whole).unwrap();
    let main = npm.version(&document, "0.169.0", None).unwrap();
    let packages = npm.platform_packages(main).unwrap();
    assert_eq!(packages.len(), main.optional_dependencies.len());
    for package in &packages {
        assert_ne!(package.folder, "@openai/codex");
        assert_eq!(package.version.name, "@openai/codex", "{}", package.folder);
        assert!(package.version.version.starts_with("0.169.0-"), "{}", package.version.version);
        assert!(!package.version.platforms().is_empty(), "{}", package.folder);
        npm.file(&package.version).unwrap();
    }
}

/// Ranges mean what they mean to npm: its own code chooses from the same documents.
#[test]
fn ranges_choose_what_npm_chooses() {
    let Some((_, npm)) = npm() else { return };
    let root = Command::new("npm").args(["root", "-g"]).output().unwrap().stdout;
    let picker = format!("{}/npm/node_modules/npm-pick-manifest", String::from_utf8(root).unwrap().trim());
    let ranges = [
        "*",
        "",
        "latest",
        "^1",
        "^1.0.0",
        "~1.2",
        ">=1",
        "<1",
        "<=2.0.0",
        "1 - 2",
        "1.x || >=2.5",
        ">=1.0.0-0",
        "^0.1",
        "~0.0.1",
        "x",
        "2",
        "2.x",
        "=1.0.0",
        "v1.0.0",
        ">1 <3",
        "^2.0.0-beta",
        "1.2.3 || 2.x.x",
        ">=99",
        "no-such-tag",
        "^7 || ^8",
        "~> 1.1",
        "0.x",
        ">=0.0.0-0",
    ];
    let script = "const pick = require(process.argv[1]); const {doc, ranges, nodes} = JSON.parse(require('fs').readFileSync(0));
        const out = []; for (const n of nodes) for (const r of ranges) { let v = 'none';
        try { v = (pick(doc, r, {nodeVersion: n || null}) || {version: 'none'}).version } catch (e) {} out.push(v) }
        process.stdout.write(JSON.stringify(out))";
    let (mut compared, mut wrong) = (0, Vec::new());
    for package in ["sigstore", "semver", "glob", "commander", "minimatch"] {
        let url = npm.address_of(package).url.join(package).unwrap();
        let bytes = network().fetch(url.as_str(), 1 << 26, &Asking::default()).unwrap().unwrap().bytes;
        let nodes = ["", "8.0.0", "18.20.0", "22.12.0"];
        let text: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let input = serde_json::json!({ "doc": text, "ranges": ranges, "nodes": nodes }).to_string();
        let mut child =
            Command::new("node").args(["-e", script, &picker]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let theirs: Vec<String> = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
        let document = npm.document(package, Detail::Whole).unwrap();
        let cases = nodes.iter().flat_map(|node| ranges.iter().map(move |range| (*node, *range)));
        for ((node, range), theirs) in cases.zip(theirs) {
            let ours = resolve_range(&document, range, Some(node).filter(|n| !n.is_empty()));
            let ours = ours.map_or("none", |v| v.version.as_str());
            if ours != theirs {
                wrong.push(format!("{package}@{range} for node {node:?}: {ours}, npm {theirs}"));
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, 5 * 4 * ranges.len());
}
