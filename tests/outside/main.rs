//! Signatures of outside clients are believed, and outside clients verify what `vetted` signs: cosign, sigstore-js,
//! sigstore-python; with keys, and with identities at a Sigstore instance that runs on the loopback interface. What services read,
//! outside validators read first (`formats`).
//!
//! `cargo test --test outside` runs them; a plain `cargo test` does not, because the clients come from package registries.
//! `SIGSTORE_JS` is a folder with the packages of sigstore-js, `SIGSTORE_PYTHON` a Python that has sigstore-python, `COSIGN` a
//! cosign (else the one on `PATH`). A client that is not there is skipped loudly.
#![allow(unreachable_pub, missing_docs, dead_code, reason = "a test binary has no users")]
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests set up the world that the program only reads")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod formats;
mod hooks;
#[path = "../it/support.rs"]
mod support;
#[path = "../it/team.rs"]
mod team;
mod verification;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{Machine, Run};
use team::{PASSWORD, Trust, Voice, key_file, machine, manifest, open_key, sign};
use vetted::digest::Digest;
use vetted::trust::document::verify_folder;
use vetted::trust::state::{Floors, State};
use vetted::trust::{EvidenceStep, Proof, Refusal};
use vetted::world::files::Files;

const ISSUER: &str = "https://token.acme.example";
const IDENTITY: &str = "https://git.acme.example/policy/.ci/publish@refs/heads/main";

/// A script beside this file.
fn script(name: &str) -> String {
    format!("{}/tests/outside/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A client that a variable names.
fn named(variable: &str, what: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if found.is_none() {
        eprintln!("SKIPPED: ${variable} names no {what}");
    }
    found
}

fn js() -> Option<PathBuf> {
    named("SIGSTORE_JS", "folder with the packages of sigstore-js")
}

fn python() -> Option<PathBuf> {
    named("SIGSTORE_PYTHON", "Python with sigstore-python")
}

fn cosign() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("cosign")).find(|p| p.is_file());
    std::env::var_os("COSIGN").map(PathBuf::from).or(on_path).or_else(|| named("COSIGN", "cosign"))
}

/// A machine with a Sigstore instance beside it: its files in `work/instance`, its trusted root in `work/policy/root.json`.
struct World {
    machine: Machine,
    base: String,
    packages: PathBuf,
    services: Child,
}

impl Drop for World {
    fn drop(&mut self) {
        // They end with their standard input; whoever does not is told to.
        drop(self.services.stdin.take());
        let _ = self.services.kill();
        let _ = self.services.wait();
    }
}

impl World {
    fn new() -> Option<Self> {
        let packages = js()?;
        let machine = machine();
        let folder = machine.work().join("instance");
        fs::create_dir_all(&folder).unwrap();
        let mut services = Command::new("node")
            .arg(script("services.js"))
            .arg(&folder)
            .env("NODE_PATH", packages.join("node_modules"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut base = String::new();
        BufReader::new(services.stdout.take().unwrap()).read_line(&mut base).unwrap();
        assert!(base.starts_with("http://127.0.0.1:"), "the services did not start");
        let world = Self { machine, base: base.trim().to_owned(), packages, services };
        world.token("token", ISSUER, IDENTITY, 4_102_444_800);
        let root = fs::read(folder.join("trusted_root.json")).unwrap();
        world.machine.file("work/policy/root.json", root);
        Some(world)
    }

    /// An identity token, `work/instance/<name>`. The mock believes it without a signature.
    fn token(&self, name: &str, issuer: &str, identity: &str, ends: u64) -> PathBuf {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "iss": issuer, "sub": identity, "aud": "sigstore", "iat": 1_700_000_000, "exp": ends });
        let text = format!("{}.{}.{}", part(json!({ "alg": "none" })), part(claims), part(json!("x")));
        self.machine.file(&format!("work/instance/{name}"), text)
    }

    /// `work/policy`: signed by Alice with a key and by the publishing job with its identity, both needed for the manifest.
    fn policy(&self) {
        let alice = key_file(&self.machine, "alice");
        let mut trust = Trust::of(&[("alice", alice)]).role("root", 1, &["alice"]).role("manifest", 2, &["alice", "ci"]);
        trust.signers.push(("ci".into(), vec![Voice::Identity { issuer: ISSUER.into(), identity: IDENTITY.into() }]));
        let root = fs::read(self.policy_file("root.json")).unwrap();
        trust.root = Some(("root.json".into(), Digest::sha256_of(&root).hex()));
        self.machine.file("work/policy/vetted-trust.toml", trust.text());
        self.machine.file("work/policy/vetted.toml", manifest(1, ""));
        sign(&self.machine, "vetted-trust.toml", "alice").exits(0);
    }

    fn policy_file(&self, name: &str) -> PathBuf {
        self.machine.work().join("policy").join(name)
    }

    fn keyless(&self, more: &[&str]) -> Run {
        let common = ["sign", "policy/vetted.toml", "--keyless"];
        self.machine.vetted(&[&common[..], more].concat())
    }

    /// Sign `vetted.toml` as the publishing job: the one bundle.
    fn sign_keyless(&self) -> PathBuf {
        self.keyless(&["--signing-config", "instance/signing_config.json", "--identity-token-file", "instance/token"]).exits(0);
        self.policy_file("vetted.toml.sigstore.json")
    }

    /// Put exactly these bundles beside `vetted.toml`.
    fn bundles(&self, lines: &[String]) {
        let _ = fs::remove_file(self.policy_file("vetted.toml.sigstore.json"));
        fs::write(self.policy_file("vetted.toml.sigstore.jsonl"), lines.join("\n")).unwrap();
    }

    fn verify(&self) -> Result<Vec<String>, Refusal> {
        let now = support::NOW.parse().unwrap();
        let folder = verify_folder(Files, &self.machine.work().join("policy"), now, &State::new("acme"), &Floors::default());
        folder.map_err(|unbelieved| unbelieved.refusal).map(|folder| match folder.manifest.proof() {
            Proof::Signed { signers, .. } => signers.clone(),
            Proof::BuiltIn => panic!("a folder is not built in"),
        })
    }

    fn alices_line(&self) -> String {
        open_key(&self.machine, "alice").sign(&fs::read(self.policy_file("vetted.toml")).unwrap()).unwrap()
    }

    fn node(&self, name: &str, arguments: &[&str]) -> Run {
        let mut command = self.machine.command("node");
        command.arg(script(name)).args(arguments).env("NODE_PATH", self.packages.join("node_modules"));
        self.machine.run(command)
    }
}

fn cosign_with(machine: &Machine, cosign: &Path, arguments: &[&str]) -> Run {
    let mut command = machine.command(cosign);
    command.args(arguments).env("COSIGN_PASSWORD", PASSWORD);
    machine.run(command)
}

/// One who signs with an identity and one who signs with a key are two.
#[test]
fn an_identity_and_a_key_meet_a_threshold_together() {
    let Some(world) = World::new() else { return };
    world.policy();
    let run =
        world.keyless(&["--signing-config", "instance/signing_config.json", "--identity-token-file", "instance/token"]).exits(0);
    assert!(run.stderr.contains("as ci: 1 of 2 signatures"), "{run}");
    assert!(matches!(world.verify(), Err(Refusal::Threshold { found, .. }) if found == ["ci"]));
    let run = sign(&world.machine, "vetted.toml", "alice").exits(0);
    assert!(run.stderr.contains("2 of 2 signatures"), "{run}");
    assert_eq!(world.verify().unwrap(), ["alice", "ci"]);
    // A new signature of the same identity replaces its old one, as with a key.
    world.sign_keyless();
    assert_eq!(world.verify().unwrap(), ["alice", "ci"]);
    assert_eq!(fs::read_to_string(world.policy_file("vetted.toml.sigstore.jsonl")).unwrap().lines().count(), 2);
}

/// The token comes from a file, from the variable of other Sigstore clients, or from the runner; the addresses one by one too.
#[test]
fn tokens_and_addresses_come_from_several_places() {
    let Some(mut world) = World::new() else { return };
    world.policy();
    let (base, tsa) = (world.base.clone(), format!("{}/api/v1/timestamp", world.base));
    let at = ["--fulcio", &base, "--rekor", &base, "--tsa", &tsa];
    let with = |world: &World, more: &[&str]| world.keyless(&[&at[..], more].concat());
    let run = with(&world, &[]).exits(2);
    assert!(run.stderr.contains("there is no identity token") && run.stderr.contains("id-token: write"), "{run}");
    with(&world, &["--identity-token-file", "instance/token"]).exits(0);
    let without_stamps = ["--fulcio", &base, "--rekor", &base, "--identity-token-file", "instance/token"];
    world.keyless(&without_stamps).exits(0);

    let secret = "runner";
    world.machine.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{base}/token?api-version=1"));
    world.machine.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "somebody else");
    let run = with(&world, &[]).exits(2);
    assert!(run.stderr.contains("GitHub Actions gives no identity token") && run.stderr.contains("401"), "{run}");
    world.machine.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", secret);
    with(&world, &[]).exits(0);

    let token = fs::read_to_string(world.machine.work().join("instance/token")).unwrap();
    world.machine.env("SIGSTORE_ID_TOKEN", &token);
    with(&world, &[]).exits(0);
    world.bundles(&[fs::read_to_string(world.policy_file("vetted.toml.sigstore.json")).unwrap(), world.alices_line()]);
    assert_eq!(world.verify().unwrap(), ["alice", "ci"]);
}

/// Only exactly the identity that is named counts, and a signature that does not count is not written.
#[test]
fn an_identity_that_is_not_exactly_the_one_named_is_refused() {
    let Some(world) = World::new() else { return };
    world.policy();
    let longer = format!("{IDENTITY}2");
    for (issuer, identity) in [
        (ISSUER, "https://git.acme.example/policy/.ci/publish@refs/heads/other"),
        (ISSUER, "https://git.acme.example/policy/.ci/publish"),
        (ISSUER, longer.as_str()),
        ("https://token.acme.example/", IDENTITY),
        ("https://other.acme.example", IDENTITY),
    ] {
        world.token("other", issuer, identity, 4_102_444_800);
        let run = world
            .keyless(&["--signing-config", "instance/signing_config.json", "--identity-token-file", "instance/other"])
            .exits(2);
        assert!(run.stderr.contains("cannot sign") && run.stderr.contains(identity), "{run}");
        assert!(!world.policy_file("vetted.toml.sigstore.json").exists(), "{identity}");
    }
}

/// Another instance with the very same identity is another instance: what it vouches for is refused before it is written.
#[test]
fn another_instance_vouches_for_nobody() {
    let (Some(world), Some(other)) = (World::new(), World::new()) else { return };
    world.policy();
    let config = other.machine.work().join("instance/signing_config.json");
    let run = world.keyless(&["--signing-config", config.to_str().unwrap(), "--identity-token-file", "instance/token"]).exits(2);
    assert!(run.stderr.contains("cannot sign `policy/vetted.toml`") && run.stderr.contains(IDENTITY), "{run}");
    assert!(!world.policy_file("vetted.toml.sigstore.json").exists());
}

#[test]
fn what_goes_wrong_with_the_services_is_said() {
    let Some(world) = World::new() else { return };
    world.policy();
    let (base, token) = (world.base.as_str(), ["--identity-token-file", "instance/token"]);
    let refused = |arguments: &[&str], status: i32, why: &str| {
        let run = world.keyless(arguments).exits(status);
        assert!(run.stderr.contains(why), "no `{why}`: {run}");
        assert!(!world.policy_file("vetted.toml.sigstore.json").exists(), "{why}");
    };
    refused(&token, 2, "`--keyless` needs the addresses");
    let plain = "http://fulcio.acme.example";
    refused(&[&["--fulcio", plain, "--rekor", base][..], &token].concat(), 2, "is not encrypted");
    refused(&[&["--fulcio", base, "--rekor", base, "--rekor-version", "2"][..], &token].concat(), 2, "timestamp authority");
    // Nobody listens; nobody has that service; somebody sends the token elsewhere.
    refused(&[&["--fulcio", "http://127.0.0.1:1", "--rekor", base][..], &token].concat(), 3, "Fulcio error");
    let nothing = format!("{base}/nothing");
    refused(&[&["--fulcio", &nothing, "--rekor", base][..], &token].concat(), 3, "404");
    refused(&[&["--fulcio", base, "--rekor", &nothing][..], &token].concat(), 3, "Rekor error");
    let elsewhere = format!("{base}/elsewhere");
    refused(&[&["--fulcio", &elsewhere, "--rekor", base][..], &token].concat(), 3, "307");
    let tsa = format!("{base}/nothing");
    refused(&[&["--fulcio", base, "--rekor", base, "--tsa", &tsa][..], &token].concat(), 3, "TSA error");
    world.token("ended", ISSUER, IDENTITY, 1_700_000_000);
    let config = ["--signing-config", "instance/signing_config.json"];
    refused(&[&config[..], &["--identity-token-file", "instance/ended"]].concat(), 2, "ended at 2023-11-14");
    world.machine.file("work/instance/none", "hello");
    refused(&[&config[..], &["--identity-token-file", "instance/none"]].concat(), 2, "identity token cannot be used");
    refused(&[&["--signing-config", "instance/token"][..], &token].concat(), 2, "signing config cannot be used");
    let run = world.machine.vetted(&["sign", "--keyless", "--policy", "policy"]).exits(2);
    assert!(run.stderr.contains("which documents to sign has to be said"), "{run}");
}

/// sigstore-js reads what we write, refuses other bytes and another identity.
#[test]
fn sigstore_js_verifies_what_vetted_signs() {
    let Some(world) = World::new() else { return };
    world.policy();
    let bundle = world.sign_keyless();
    let bundle = bundle.to_str().unwrap();
    let verify = |identity: &str, file: &str| {
        let root = "policy/root.json";
        world.node("verify.js", &["--root", root, "--identity", identity, "--issuer", ISSUER, bundle, file])
    };
    verify(IDENTITY, "policy/vetted.toml").exits(0);
    verify("https://other.acme.example", "policy/vetted.toml").exits(1);
    world.machine.file("work/other", "other");
    verify(IDENTITY, "other").exits(1);

    let alice = open_key(&world.machine, "alice").public_pem();
    world.machine.file("work/alice.pub", alice);
    let trusts = "policy/vetted-trust.toml.sigstore.json";
    world.node("verify.js", &["--key", "alice.pub", trusts, "policy/vetted-trust.toml"]).exits(0);
    world.node("verify.js", &["--key", "alice.pub", trusts, "other"]).exits(1);
}

/// sigstore-python wants every field of a proof, also those that are zero: we write them.
#[test]
fn sigstore_python_verifies_what_vetted_signs() {
    let (Some(world), Some(python)) = (World::new(), python()) else { return };
    world.policy();
    let bundle = world.sign_keyless();
    let text: Value = serde_json::from_str(&fs::read_to_string(&bundle).unwrap()).unwrap();
    let proof = &text["verificationMaterial"]["tlogEntries"][0]["inclusionProof"];
    assert_eq!((&proof["logIndex"], &proof["hashes"]), (&json!("0"), &json!([])), "{proof}");
    let run = |arguments: &[&str]| world.machine.program(python.to_str().unwrap(), arguments);
    let verify = |identity: &str, file: &str| {
        let common = ["-m", "sigstore", "--trust-config", "instance/trust_config.json", "verify", "identity", "--bundle"];
        run(&[&common[..], &[bundle.to_str().unwrap(), "--cert-identity", identity, "--cert-oidc-issuer", ISSUER, file]].concat())
    };
    verify(IDENTITY, "policy/vetted.toml").exits(0);
    verify("https://other.acme.example", "policy/vetted.toml").exits(1);
    world.machine.file("work/other", "other");
    verify(IDENTITY, "other").exits(1);

    world.machine.file("work/alice.pub", open_key(&world.machine, "alice").public_pem());
    let (script, trusts) = (script("verify.py"), "policy/vetted-trust.toml.sigstore.json");
    run(&[&script, "alice.pub", trusts, "policy/vetted-trust.toml"]).exits(0);
    let other = run(&[&script, "alice.pub", trusts, "other"]).exits(1);
    assert!(other.stderr.contains("of other bytes"), "{other}");
}

#[test]
fn cosign_verifies_what_vetted_signs_with_an_identity() {
    let (Some(world), Some(cosign)) = (World::new(), cosign()) else { return };
    world.policy();
    let bundle = world.sign_keyless();
    let verify = |identity: &str, file: &str| {
        let arguments = [
            "verify-blob",
            "--new-bundle-format",
            "--trusted-root",
            "policy/root.json",
            "--use-signed-timestamps",
            "--certificate-oidc-issuer",
            ISSUER,
            "--certificate-identity",
            identity,
            "--bundle",
            bundle.to_str().unwrap(),
            file,
        ];
        cosign_with(&world.machine, &cosign, &arguments)
    };
    verify(IDENTITY, "policy/vetted.toml").exits(0);
    assert_ne!(verify("https://other.acme.example", "policy/vetted.toml").status, 0);
    world.machine.file("work/other", "other");
    assert_ne!(verify(IDENTITY, "other").status, 0);
}

/// A key of cosign's, taken over: cosign verifies what vetted signs with it, and vetted believes what cosign signs with it.
#[test]
fn a_key_of_cosign_is_one_key_in_both() {
    let Some(cosign) = cosign() else { return };
    let machine = machine();
    cosign_with(&machine, &cosign, &["generate-key-pair"]).exits(0);
    let public = fs::read_to_string(machine.work().join("cosign.pub")).unwrap();
    let run = machine.vetted(&["key", "import", "cosign.key", "taken.key"]).exits(0);
    assert_eq!(run.stdout, public);
    let run = machine.vetted(&["sign", "--key", "cosign.key", "policy/vetted.toml"]).exits(2);
    assert!(!run.stderr.is_empty(), "{run}");

    let trust = Trust::of(&[("alice", public)]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
    machine.file("work/policy/vetted-trust.toml", trust.text());
    machine.file("work/policy/vetted.toml", manifest(1, ""));
    let run = machine.vetted(&["sign", "policy/vetted.toml", "--key", "cosign.key"]).exits(2);
    assert!(run.stderr.contains("vetted key import"), "{run}");
    machine.vetted(&["sign", "policy/vetted-trust.toml", "policy/vetted.toml", "--key", "taken.key"]).exits(0);
    for document in ["vetted-trust.toml", "vetted.toml"] {
        let (bundle, file) = (format!("policy/{document}.sigstore.json"), format!("policy/{document}"));
        let verify = ["verify-blob", "--key", "cosign.pub", "--insecure-ignore-tlog", "--bundle", &bundle, &file];
        cosign_with(&machine, &cosign, &verify).exits(0);
    }
    let signing =
        ["sign-blob", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format"];
    let out = ["-y", "--bundle", "policy/vetted.toml.sigstore.json", "policy/vetted.toml"];
    cosign_with(&machine, &cosign, &[&signing[..], &out].concat()).exits(0);
    let now = support::NOW.parse().unwrap();
    let folder = verify_folder(Files, &machine.work().join("policy"), now, &State::new("acme"), &Floors::default());
    let folder = folder.unwrap_or_else(|unbelieved| panic!("{}", unbelieved.refusal));
    assert!(matches!(folder.manifest.proof(), Proof::Signed { signers, .. } if signers == &["alice"]));
}

/// cosign's signature by an identity is believed; each change of one thing in it is refused for that thing.
#[test]
fn what_cosign_signs_with_an_identity_is_believed() {
    let (Some(world), Some(cosign)) = (World::new(), cosign()) else { return };
    world.policy();
    let arguments = [
        "sign-blob",
        "--new-bundle-format",
        "--identity-token",
        "instance/token",
        "--signing-config",
        "instance/signing_config.json",
        "--trusted-root",
        "instance/trusted_root.json",
        "--bundle",
        "bundle.json",
        "-y",
        "policy/vetted.toml",
    ];
    cosign_with(&world.machine, &cosign, &arguments).exits(0);
    believed_and_refused_when_changed(&world);
}

#[test]
fn what_sigstore_python_signs_is_believed() {
    let (Some(world), Some(python)) = (World::new(), python()) else { return };
    world.policy();
    let token = fs::read_to_string(world.machine.work().join("instance/token")).unwrap();
    let common = ["-m", "sigstore", "--trust-config", "instance/trust_config.json", "sign", "--identity-token", &token];
    let arguments = [&common[..], &["--bundle", "bundle.json", "policy/vetted.toml"]].concat();
    world.machine.program(python.to_str().unwrap(), &arguments).exits(0);
    believed_and_refused_when_changed(&world);
}

/// sigstore-js leaves out what is zero; that means the same.
#[test]
fn what_sigstore_js_signs_is_believed() {
    let Some(world) = World::new() else { return };
    world.policy();
    world.node("sign.js", &[&world.base, "instance/token", "policy/vetted.toml", "bundle.json"]).exits(0);
    let text = fs::read_to_string(world.machine.work().join("bundle.json")).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert!(bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["logIndex"].is_null(), "{bundle}");
    believed_and_refused_when_changed(&world);
}

/// What vetted signs itself is held to the same.
#[test]
fn what_vetted_signs_is_refused_when_changed() {
    let Some(world) = World::new() else { return };
    world.policy();
    fs::copy(world.sign_keyless(), world.machine.work().join("bundle.json")).unwrap();
    believed_and_refused_when_changed(&world);
}

/// `work/bundle.json` counts as the publishing job beside Alice's signature; changed in one thing it does not.
fn believed_and_refused_when_changed(world: &World) {
    let text = fs::read_to_string(world.machine.work().join("bundle.json")).unwrap();
    let good: Value = serde_json::from_str(&text).unwrap();
    let put = |bundle: &Value| world.bundles(&[world.alices_line(), bundle.to_string()]);
    put(&good);
    assert_eq!(world.verify().unwrap(), ["alice", "ci"]);

    let refusal = |what: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = good.clone();
        change(&mut changed);
        assert_ne!(changed, good, "{what}: nothing was changed");
        put(&changed);
        match world.verify() {
            Err(Refusal::Threshold { found, mut refused, .. }) if found == ["alice"] => refused.pop().unwrap(),
            Err(other) => other,
            Ok(found) => panic!("{what}: believed {found:?}"),
        }
    };
    let entry = |bundle: &mut Value, change: &dyn Fn(&mut Value)| change(&mut bundle["verificationMaterial"]["tlogEntries"][0]);
    let is_evidence = |refusal: &Refusal, step: EvidenceStep| matches!(refusal, Refusal::Evidence { step: s, .. } if *s == step);

    let found = refusal("signature", &|b| flip(&mut b["messageSignature"]["signature"]));
    assert!(matches!(found, Refusal::Evidence { .. } | Refusal::BundleUnreadable(_)), "{found:?}");
    let found = refusal("digest", &|b| flip(&mut b["messageSignature"]["messageDigest"]["digest"]));
    assert!(matches!(found, Refusal::Digest { .. }), "{found:?}");
    // sigstore-js puts the one certificate into a chain (version 0.2).
    let is_chain = good["verificationMaterial"]["certificate"].is_null();
    let found = refusal("certificate", &|b| {
        let material = &mut b["verificationMaterial"];
        flip(if is_chain {
            &mut material["x509CertificateChain"]["certificates"][0]["rawBytes"]
        } else {
            &mut material["certificate"]["rawBytes"]
        });
    });
    assert!(matches!(found, Refusal::Evidence { .. } | Refusal::BundleUnreadable(_)), "{found:?}");
    let found = refusal("no entry", &|b| b["verificationMaterial"]["tlogEntries"] = json!([]));
    assert!(matches!(found, Refusal::NoInclusionProof { .. }), "{found:?}");
    let found = refusal("no proof", &|b| entry(b, &|e| drop(e.as_object_mut().unwrap().remove("inclusionProof"))));
    assert!(matches!(found, Refusal::NoInclusionProof { .. } | Refusal::BundleUnreadable(_)), "{found:?}");
    let found = refusal("root hash", &|b| entry(b, &|e| flip(&mut e["inclusionProof"]["rootHash"])));
    assert!(is_evidence(&found, EvidenceStep::Log) || is_evidence(&found, EvidenceStep::Bundle), "{found:?}");
    let found = refusal("body", &|b| entry(b, &|e| flip(&mut e["canonicalizedBody"])));
    assert!(matches!(found, Refusal::Evidence { .. }), "{found:?}");
    let found = refusal("set", &|b| entry(b, &|e| flip(&mut e["inclusionPromise"]["signedEntryTimestamp"])));
    assert!(matches!(found, Refusal::Evidence { .. }), "{found:?}");
    let found = refusal("log", &|b| entry(b, &|e| flip(&mut e["logId"]["keyId"])));
    assert!(matches!(found, Refusal::Evidence { .. }), "{found:?}");
    let found = refusal("media type", &|b| b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into());
    assert!(matches!(found, Refusal::MediaType(_)), "{found:?}");
    // Nobody signs the version: the one that the content is not of says nothing less, and is refused.
    let other = if is_chain {
        "application/vnd.dev.sigstore.bundle.v0.3+json"
    } else {
        "application/vnd.dev.sigstore.bundle+json;version=0.2"
    };
    let found = refusal("other version", &|b| b["mediaType"] = other.into());
    assert!(matches!(found, Refusal::MediaType(_) | Refusal::CertificateChain), "{found:?}");
    let has_stamps = !good["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0].is_null();
    if has_stamps {
        let found = refusal("time stamp", &|b| {
            flip(&mut b["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"]);
        });
        assert!(matches!(found, Refusal::Evidence { .. } | Refusal::BundleUnreadable(_)), "{found:?}");
    }

    // Other bytes under the good signature.
    put(&good);
    let path = world.policy_file("vetted.toml");
    let document = fs::read_to_string(&path).unwrap();
    fs::write(&path, document.replace("enforce", "monitor")).unwrap();
    assert!(world.verify().is_err());
    fs::write(&path, document).unwrap();
    assert_eq!(world.verify().unwrap(), ["alice", "ci"]);
}

/// Change one bit near the end of a base64 value.
fn flip(value: &mut Value) {
    use base64::engine::general_purpose::STANDARD;
    let mut bytes = STANDARD.decode(value.as_str().unwrap_or_else(|| panic!("no text: {value}"))).unwrap();
    let place = bytes.len() - 3;
    bytes[place] ^= 1;
    *value = STANDARD.encode(bytes).into();
}
