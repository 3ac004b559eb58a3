//! A large organisation's manifest: 5,000 approvals on six platforms, as `vetted approve` writes them, signed by two people. What a
//! check pays for it, as ratios of CPU time side by side to a plain `toml` parse of the same text (`docs/performance.md`).
#![allow(missing_docs, unreachable_pub, clippy::expect_used, clippy::print_stdout, reason = "a bench has no users")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench sets up the world that the program only reads")]

#[allow(dead_code, reason = "the other benches use the rest")]
mod ground;

use ground::{compare, cpu};
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};
use vetted::catalogue::Catalogue;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Evidence, Executable, Extent, Identification, Sighting, State};
use vetted::manifest::edit::Draft;
use vetted::manifest::trust_policy::Role;
use vetted::manifest::{Approval, Approved, Artifact, Installed, Manifest, Shape, TrustPolicy};
use vetted::policy::{Policy, decide};
use vetted::tool::{Channel, Platform};
use vetted::trust::document::{Folder, verify_folder};
use vetted::trust::sigstore::{SignatureBundle, SigningKey};
use vetted::trust::state::{Floors, State as Memory};
use vetted::trust::{Authority, key, threshold};
use vetted::version::{Scheme, Version};
use vetted::world::files::Files;

const PLATFORMS: [&str; 6] =
    ["linux/x86_64", "linux/aarch64", "macos/x86_64", "macos/aarch64", "windows/x86_64", "windows/aarch64"];

fn main() {
    // `cargo bench` says so; anything else gets one small round that shows the bench works.
    let (rounds, tools, versions) =
        if std::env::args().any(|argument| argument == "--bench") { (11, 50, 100) } else { (1, 2, 3) };
    for (what, path) in [("programs that lie alone", ""), ("programs in npm packages", NPM)] {
        let office = Office::new(tools, versions, path);
        let text = fs::read_to_string(&office.document).expect("a manifest");
        println!("\n{} approvals x {} platforms, {what}: {} bytes", tools * versions, PLATFORMS.len(), text.len());
        println!("{:<66} {:>8} {:>11} {:>11}", "what / against", "ratio", "what", "against");
        office.measure(rounds, &text);
    }
}

const NPM: &str = "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

/// A policy folder that two people signed.
struct Office {
    folder: tempfile::TempDir,
    document: PathBuf,
    now: Timestamp,
}

impl Office {
    fn new(tools: usize, versions: usize, path: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let document = folder.path().join("vetted.toml");
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let keys: Vec<SigningKey> = (0..2).map(|_| key::generate().expect("a key").0).collect();
        let signer = |name: &str, key: &SigningKey| {
            format!(
                "[[signer]]\nid = \"{name}\"\n[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{}'''\n",
                key.public_pem()
            )
        };
        let trust = format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"acme.example/ai-tools\"\nversion = 1\nexpires = 2027-11-20T00:00:00Z\n{}{}\
             [role.root]\nthreshold = 2\nsigners = [\"alice\", \"bob\"]\n[role.manifest]\nthreshold = 2\nsigners = [\"alice\", \"bob\"]\n",
            signer("alice", &keys[0]),
            signer("bob", &keys[1])
        );
        let text = manifest(tools, versions, path);
        for (name, text) in [("vetted-trust.toml", &trust), ("vetted.toml", &text)] {
            fs::write(folder.path().join(name), text).expect("a document");
            let lines: Vec<_> = keys.iter().map(|key| key.sign(text.as_bytes()).expect("a signature")).collect();
            fs::write(folder.path().join(format!("{name}.sigstore.jsonl")), lines.join("\n")).expect("signatures");
        }
        Self { folder, document, now }
    }

    fn believed(&self) -> Folder {
        let memory = Memory::new("acme.example/ai-tools");
        verify_folder(Files, self.folder.path(), self.now, &memory, &Floors::default()).expect("a believed folder")
    }

    fn measure(&self, rounds: usize, text: &str) {
        let plain = || toml::from_str::<toml::Table>(text).expect("TOML");
        let read = || fs::read(&self.document).expect("a manifest");
        let name = "manifest";
        compare(rounds, "reading the file / toml", cpu, read, plain);
        compare(rounds, "its SHA-256 / toml", cpu, || Digest::sha256_of(text.as_bytes()), plain);
        let trust = fs::read(self.folder.path().join("vetted-trust.toml")).expect("a trust policy");
        let policy = TrustPolicy::parse(Path::new("vetted-trust.toml"), &trust).expect("a trust policy");
        let authority = Authority { policy, roots: std::collections::BTreeMap::new() };
        let bundles = fs::read_to_string(self.folder.path().join("vetted.toml.sigstore.jsonl")).expect("signatures");
        let bundles: Vec<_> = bundles.lines().map(|line| SignatureBundle::parse(line).expect("a bundle")).collect();
        let verify = || threshold::verify(&authority, Role::Manifest, text.as_bytes(), &bundles, self.now).expect("two signers");
        compare(rounds, "verifying both signatures / toml", cpu, verify, plain);
        let tree = || toml::de::DeTable::parse(text).expect("TOML");
        compare(rounds, "toml with places (DeTable) / toml", cpu, tree, plain);
        let parse = || Manifest::parse(Path::new(name), text.as_bytes()).expect("a manifest");
        compare(rounds, "Manifest::parse / toml", cpu, parse, plain);
        compare(rounds, "folder believed / toml", cpu, || self.believed(), plain);

        let folder = self.believed();
        let built_in = Catalogue::built_in;
        compare(rounds, "built-in catalogue / toml", cpu, built_in, plain);
        let policy = Policy::new(folder.manifest.clone());
        compare(rounds, "policy of the believed manifest / toml", cpu, || Policy::new(folder.manifest.clone()), plain);
        let evidence = evidence(20);
        let platform = Platform("linux/x86_64".to_owned());
        let catalogue = built_in();
        let judge = || decide(&policy, &catalogue, &evidence, &platform, self.now);
        compare(rounds, "decision about 20 tools / toml", cpu, judge, plain);
    }
}

/// The text of a manifest: one approval as `vetted approve` writes it, over and over with other versions and digests.
fn manifest(tools: usize, versions: usize, path: &str) -> String {
    let head = "kind    = \"vetted/manifest\"\nschema  = 1\nname    = \"acme.example/ai-tools\"\nserial  = 47\n\
                issued  = 2026-11-20T17:42:10Z\nexpires = 2026-12-04T17:42:10Z\nmode    = \"enforce\"\n\n[defaults]\nunlisted = \"block\"\n";
    let artifacts = PLATFORMS.map(|platform| {
        Artifact::Installed(Installed {
            platform: Some(Platform(platform.to_owned())),
            shape: Shape::File { path: path.to_owned() },
            digests: DigestSet::from(Digest::sha256_of(platform.as_bytes())),
            files: None,
        })
    });
    let approved = Approved {
        by: vec!["alice@acme.example".to_owned(), "bob@acme.example".to_owned()],
        at: "2026-11-20T10:00:00Z".parse().expect("a time"),
        ticket: Some("SEC-8812".to_owned()),
    };
    let approval = Approval { version: "0.169.0".to_owned(), approved: Some(approved), artifacts: artifacts.to_vec(), line: 0 };
    let mut draft = Draft::open(Path::new("vetted.toml"), head.as_bytes()).expect("a draft");
    draft.approve(&"tool".parse().expect("an id"), None, &approval).expect("an approval");
    let entry = &draft.text()[head.len()..];
    let (heading, one) = entry.split_at(entry.find("  [[tool.approval]]").expect("an approval"));
    let mut text = head.to_owned();
    for tool in 0..tools {
        text.push_str(&heading.replace("\"tool\"", &format!("\"tool-{tool}\"")));
        for version in 0..versions {
            let mut one = one.replace("0.169.0", &format!("0.{tool}.{version}"));
            for platform in PLATFORMS {
                let digest = digest_of(tool, version, platform);
                one = one.replace(&Digest::sha256_of(platform.as_bytes()).hex(), &digest.hex());
            }
            text.push_str(&one);
            text.push('\n');
        }
    }
    text
}

/// The digest that is approved for a version of a tool on a platform.
fn digest_of(tool: usize, version: usize, platform: &str) -> Digest {
    Digest::sha256_of(format!("{tool} {version} {platform}").as_bytes())
}

/// The first tools of the manifest, each in a version that it approves.
fn evidence(tools: usize) -> Evidence {
    let sighting = |tool: usize| Sighting {
        tool: format!("tool-{tool}").parse().expect("an id"),
        package: None,
        version: Some(Version::parse(Scheme::SemVer, &format!("0.{tool}.2"))),
        channel: Channel::Native,
        root: format!("/usr/local/bin/tool-{tool}").into(),
        extent: Extent::File,
        reached_by: Vec::new(),
        executables: vec![Executable {
            path: format!("/usr/local/bin/tool-{tool}").into(),
            size: 1,
            digests: Ok(digest_of(tool, 2, "linux/x86_64").into()),
        }],
        identified_by: Identification::Digest,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        measurements: Vec::new(),
    };
    Evidence { sightings: (0..tools).map(sighting).collect(), is_whole: true, ..Evidence::default() }
}
