//! A large organisation's manifest: 5,000 approvals on six platforms, as `vetted approve` writes them, signed by two people. What a
//! check pays for it, against a plain `toml` parse of the same text, as ratios of CPU time (`docs/performance.md`).
//!
//! Each measurement is a process of its own that does one thing and says what it cost: in one process the memory that a parse leaves
//! behind makes whatever follows look many times dearer than it is in a check. A, B, C, A, B, C, ..., the ratio round by round, the
//! median of the ratios. Nothing fails here: a busy machine would make it lie.
//!
//! `cargo bench --bench approvals -- --write FOLDER` writes such a policy into a folder, for `benches/compare.sh`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench has no users"
)]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench sets up the world that the program only reads")]

#[allow(dead_code, reason = "the other benches use the rest")]
mod ground;

use ground::cpu;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use vetted::catalogue::Catalogue;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Evidence, Executable, Extent, Identification, Sighting, State};
use vetted::manifest::edit::{Draft, new_manifest};
use vetted::manifest::trust_policy::Role;
use vetted::manifest::{Approval, Approved, Artifact, Installed, MAX_DOCUMENT, Manifest, Mode, Shape, TrustPolicy};
use vetted::policy::{Policy, decide};
use vetted::tool::{Channel, Os, Platform};
use vetted::trust::document::{Loaded, load_policy};
use vetted::trust::sigstore::{SignatureBundle, SigningKey};
use vetted::trust::state::Floors;
use vetted::trust::{Authority, Content, key, threshold};
use vetted::version::{Scheme, Version};
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::Files;

const PLATFORMS: [&str; 6] =
    ["linux/x86_64", "linux/aarch64", "macos/x86_64", "macos/aarch64", "windows/x86_64", "windows/aarch64"];
/// The path of a program in an npm package of one platform.
const NPM: &str = "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
/// How many tools a decision is about.
const FOUND: usize = 20;

/// What is measured, in the order of a round. `first` leaves the index behind that `again` finds.
const PARTS: [(&str, &str); 12] = [
    ("toml", "plain parse: toml::from_str::<toml::Table>"),
    ("places", "toml with places: DeTable::parse"),
    ("parse", "Manifest::parse"),
    ("first", "policy believed on first sight: verified, parsed, indexed"),
    ("again", "policy believed again: verified, taken from its index"),
    ("sha256", "of that: reading the file and its SHA-256"),
    ("signatures", "of that: both signatures over the SHA-256"),
    ("index", "of that: reading and opening the index"),
    ("postcard", "instead of that: all approvals decoded with postcard"),
    ("catalogue", "the built-in catalogue"),
    ("files", "the catalogue learns the approved files"),
    ("decide", "decision about 20 approved tools"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, one, part, folder] = &arguments[..]
        && one == "--one"
    {
        println!("{}", measure(part, Path::new(folder)));
        return;
    }
    if let [_, write, folder, ..] = &arguments[..]
        && write == "--write"
    {
        let size = write_policy(Path::new(folder), &manifest(50, 100, NPM));
        println!("a policy with a manifest of {size} bytes is in {folder}");
        return;
    }
    // `cargo bench` says so; anything else gets one small round that shows the bench works.
    let (rounds, tools, versions) =
        if arguments.iter().any(|argument| argument == "--bench") { (15, 50, 100) } else { (1, 20, 20) };
    for (what, path) in [("programs that lie alone", ""), ("programs in npm packages", NPM)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("home")).expect("a home");
        let size = write_policy(folder.path(), &manifest(tools, versions, path));
        println!("\n{} approvals x {} platforms, {what}: {size} bytes", tools * versions, PLATFORMS.len());
        compare(rounds, folder.path());
    }
}

/// Run every part in a process of its own, round after round, and print the medians.
fn compare(rounds: usize, folder: &Path) {
    let program = std::env::current_exe().expect("this program");
    let one = |part: &str| -> f64 {
        let output = Command::new(&program).args(["--one", part]).arg(folder).output().expect("this program again");
        let text = String::from_utf8(output.stdout).expect("a number");
        text.trim().parse().unwrap_or_else(|_| panic!("{part}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    // The first round warms up.
    let times: Vec<Vec<f64>> = (0..=rounds).map(|_| PARTS.iter().map(|(part, _)| one(part)).collect()).collect();
    println!("{:<66} {:>8} {:>11}", "CPU time of", "/ toml", "median");
    for (at, (_, name)) in PARTS.iter().enumerate() {
        let of = |value: &dyn Fn(&Vec<f64>) -> f64| {
            let mut values: Vec<f64> = times.iter().skip(1).map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!("{name:<66} {:>8.4} {:>8.2} ms", of(&|round| round[at] / round[0]), of(&|round| round[at]));
    }
}

/// Do one part; the milliseconds of CPU time it took.
fn measure(part: &str, folder: &Path) -> f64 {
    let document = folder.join("vetted.toml");
    let text = || fs::read_to_string(&document).expect("a manifest");
    let kept = || folder.join("home/.cache/vetted/manifests");
    match part {
        "toml" => timed(text(), |text| toml::from_str::<toml::Table>(text).expect("TOML")),
        "places" => timed(text(), |text| _ = black_box(toml::de::DeTable::parse(text).expect("TOML"))),
        "parse" => timed(text(), |text| Manifest::parse(&document, text.as_bytes()).expect("a manifest")),
        "first" => {
            if kept().exists() {
                fs::remove_dir_all(kept()).expect("an index of the round before");
            }
            timed((), |()| believed(folder))
        }
        "again" => {
            assert!(kept().exists(), "the first sight leaves an index");
            timed((), |()| believed(folder))
        }
        "sha256" => timed((), |()| Files.sha256(&document, MAX_DOCUMENT).expect("a manifest")),
        "signatures" => signatures(folder),
        "index" => timed(Files.sha256(&document, MAX_DOCUMENT).expect("a manifest").0, |sha256| {
            let cache = vetted::world::index_cache::IndexCache::of(&world(folder));
            let index = cache.load(Files, sha256, vetted::manifest::index::FORMAT).expect("an index");
            Manifest::of_index(index).expect("an index")
        }),
        "postcard" => timed(postcard::to_allocvec(believed(folder).manifest.get()).expect("bytes"), |bytes| {
            postcard::from_bytes::<Manifest>(bytes).expect("a manifest")
        }),
        "catalogue" => timed((), |()| Catalogue::built_in()),
        "files" => timed((believed(folder), std::cell::RefCell::new(Catalogue::built_in())), |(loaded, catalogue)| {
            catalogue.borrow_mut().learn_files_of(loaded.manifest.get()).expect("a catalogue");
        }),
        "decide" => {
            let policy = Policy::new(believed(folder).manifest);
            let ready = (policy, Catalogue::built_in(), evidence(), Platform("linux/x86_64".to_owned()));
            timed(ready, |(policy, catalogue, evidence, platform)| {
                let report = decide(policy, catalogue, evidence, platform, now());
                assert!(report.verdicts.iter().all(|judgement| judgement.verdict.name() == "approved"));
                report
            })
        }
        _ => panic!("no part `{part}`"),
    }
}

/// The milliseconds of CPU time that some work took. Cleaning up afterwards is not counted: a check does not, it ends.
fn timed<G, T>(given: G, work: impl FnOnce(&G) -> T) -> f64 {
    let began = cpu();
    let made = black_box(work(black_box(&given)));
    let took = cpu().saturating_sub(began);
    drop((made, given));
    took.as_secs_f64() * 1e3
}

/// The clock of this machine: a policy that is written for another program is in force now.
fn now() -> Timestamp {
    Timestamp::now()
}

fn world(folder: &Path) -> World {
    let env = Env::of_pairs([("HOME", folder.join("home"))], folder, Os::here());
    World { now: now(), env, files: Files }
}

fn believed(folder: &Path) -> Loaded {
    load_policy(&world(folder), Some(folder), &Floors::default()).expect("a believed policy")
}

fn signatures(folder: &Path) -> f64 {
    let trust = fs::read(folder.join("vetted-trust.toml")).expect("a trust policy");
    let policy = TrustPolicy::parse(Path::new("vetted-trust.toml"), &trust).expect("a trust policy");
    let authority = Authority { policy, roots: BTreeMap::new() };
    let bundles = fs::read_to_string(folder.join("vetted.toml.sigstore.jsonl")).expect("signatures");
    let sha256 = Files.sha256(&folder.join("vetted.toml"), MAX_DOCUMENT).expect("a manifest").0;
    timed((authority, bundles, sha256), |(authority, bundles, sha256)| {
        let bundles: Vec<_> = bundles.lines().map(|line| SignatureBundle::parse(line).expect("a bundle")).collect();
        let content = Content::of_sha256(sha256.clone());
        threshold::verify(authority, Role::Manifest, content, &bundles, now()).expect("two signers")
    })
}

/// A policy folder that two people signed; the size of its manifest in bytes.
fn write_policy(folder: &Path, manifest: &str) -> usize {
    let keys: Vec<SigningKey> = (0..2).map(|_| key::generate().expect("a key").0).collect();
    let signer = |name: &str, key: &SigningKey| {
        format!(
            "[[signer]]\nid = \"{name}\"\n[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{}'''\n",
            key.public_pem()
        )
    };
    let trust = format!(
        "kind = \"vetted/trust\"\nschema = 1\nname = \"acme.example/ai-tools\"\nversion = 1\nexpires = {}\n{}{}\
         [role.root]\nthreshold = 2\nsigners = [\"alice\", \"bob\"]\n[role.manifest]\nthreshold = 2\nsigners = [\"alice\", \"bob\"]\n",
        Timestamp::from_second(now().as_second() + 86_400 * 300).expect("a day of the next year"),
        signer("alice", &keys[0]),
        signer("bob", &keys[1])
    );
    for (name, text) in [("vetted-trust.toml", trust.as_str()), ("vetted.toml", manifest)] {
        fs::write(folder.join(name), text).expect("a document");
        let lines: Vec<_> = keys.iter().map(|key| key.sign(text.as_bytes()).expect("a signature")).collect();
        fs::write(folder.join(format!("{name}.sigstore.jsonl")), lines.join("\n")).expect("signatures");
    }
    manifest.len()
}

/// The text of a manifest: one approval as `vetted approve` writes it, over and over with other versions and digests.
fn manifest(tools: usize, versions: usize, path: &str) -> String {
    let day = |days: i64| Timestamp::from_second(now().as_second() + days * 86_400).expect("a day near this one");
    let head = new_manifest("acme.example/ai-tools", Mode::Enforce, day(-1), SignedDuration::from_hours(14 * 24), "");
    let artifacts = PLATFORMS.map(|platform| {
        Artifact::Installed(Installed {
            package: None,
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
    let approval = Approval {
        version: "0.169.0".to_owned(),
        approved: Some(approved),
        artifacts: artifacts.to_vec(),
        line: 0,
        released: None,
        is_unattested: false,
    };
    let mut draft = Draft::open(Path::new("vetted.toml"), head.as_bytes()).expect("a draft");
    draft.approve(&"tool".parse().expect("an id"), None, &approval).expect("an approval");
    let entry = &draft.text()[head.len()..];
    let (heading, one) = entry.split_at(entry.find("  [[tool.approval]]").expect("an approval"));
    let mut text = head.clone();
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
fn evidence() -> Evidence {
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
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    };
    Evidence { sightings: (0..FOUND).map(sighting).collect(), is_whole: true, ..Evidence::default() }
}
