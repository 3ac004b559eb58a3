//! `vetted verify` as a person meets it: every real bundle with the identity that really signed it, and what is wrong with each that
//! was changed or is held against something else.

use crate::support::{Machine, Run};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const SIGSTORE_JS: &str = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
const SLSA_1: &str = "https://slsa.dev/provenance/v1";
const NPM_2_3_1: &str = "sha512:f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681";
const NPM_2_1_0: &str = "sha512:90f223f992e4c88dd068cd2a5fc57f9d2b30798343dd6e38f29c240e04ba090ef831f84490847c4e82b9232c78e8a258463b1e55c0f7469f730265008fa6633f";
const NPM_1_3_0: &str = "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751";
const MODULE: &str = "sha256:06ce330900a7d6403bc8d88e5dfad6aeeb8ae40179f66bb89e69c8bf6f6b1a0b";
const RFC8785: &str = "sha256:c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201";

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(path)
}

fn path(path: &str) -> String {
    data(path).to_str().unwrap().to_owned()
}

/// A real bundle and what is true of it.
struct Real {
    bundle: &'static str,
    artifact: &'static str,
    identity: &'static str,
    issuer: &'static str,
    predicate: &'static str,
    /// Source, its number, the number of its owner.
    source: Option<(&'static str, &'static str, &'static str)>,
    /// What has to be said for it to be taken.
    more: &'static [&'static str],
}

const SIGSTORE_JS_SOURCE: Option<(&str, &str, &str)> = Some(("https://github.com/sigstore/sigstore-js", "495574555", "71096353"));

/// An npm release of sigstore-js.
const fn npm(bundle: &'static str, artifact: &'static str, more: &'static [&'static str]) -> Real {
    Real { bundle, artifact, identity: SIGSTORE_JS, issuer: GITHUB, predicate: SLSA_1, source: SIGSTORE_JS_SOURCE, more }
}

const REAL: [Real; 15] = [
    npm("sigstore-js-2.1.0-bundle.json", NPM_2_1_0, &[]),
    npm("sigstore-js-2.1.0-bundle-v0.1.json", NPM_2_1_0, &["--min-bundle", "0.1"]),
    npm(
        "sigstore.js@2.0.0-provenance.sigstore.json",
        "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c",
        &["--min-bundle", "0.1"],
    ),
    npm("npm-sigstore-2.3.1-attestations.json", NPM_2_3_1, &[]),
    Real {
        predicate: "https://slsa.dev/provenance/v0.2",
        ..npm("npm-sigstore-1.3.0-bundle-provenance.json", NPM_1_3_0, &["--min-bundle", "0.1"])
    },
    Real {
        bundle: "pypi_attestation_models-0.0.4a2.tar.gz.sigstore",
        artifact: "sha256:c9709ce6fd5b67b59b4a28758cf14d3f411803c4b89b6068b1f1a8e4ee94c8ef",
        identity: "https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v0.0.4a2",
        issuer: GITHUB,
        predicate: "https://docs.pypi.org/attestations/publish/v1",
        source: Some(("https://github.com/trailofbits/pypi-attestation-models", "772247423", "2314423")),
        more: &[],
    },
    Real {
        bundle: "pypi_attestations-0.0.19.tar.gz.slsa.attestation",
        artifact: "sha256:9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3",
        identity: "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
        issuer: GITHUB,
        predicate: SLSA_1,
        source: Some(("https://github.com/trailofbits/pypi-attestations", "772247423", "2314423")),
        more: &[],
    },
    Real {
        bundle: "rfc8785-0.1.2-py3-none-any.whl.sigstore",
        artifact: RFC8785,
        identity: "william@yossarian.net",
        issuer: "https://github.com/login/oauth",
        predicate: "https://docs.pypi.org/attestations/publish/v1",
        source: None,
        more: &["--trusted-root", "staging-2025.json"],
    },
    Real {
        bundle: "rfc8785-0.1.2-py3-none-any.whl.publish.attestation",
        artifact: RFC8785,
        identity: "william@yossarian.net",
        issuer: "https://github.com/login/oauth",
        predicate: "https://docs.pypi.org/attestations/publish/v1",
        source: None,
        more: &["--trusted-root", "staging-2025.json"],
    },
    Real {
        bundle: "custom-issuer.sigstore.json",
        artifact: "sha256:afa27b44d43b02a9fea41d13cedc2e4016cfcf87c5dbf990e593669aa8ce286d",
        identity: "https://github.com/too-legit/attest/.github/workflows/integration.yml@refs/heads/main",
        issuer: "https://token.actions.githubusercontent.com/hammer-time",
        predicate: SLSA_1,
        source: Some(("https://github.com/too-legit/attest", "851894824", "180348046")),
        more: &[],
    },
    Real {
        // The certificate names the workflow that was called; who called it is the source.
        bundle: "reusable-workflow-attestation.sigstore.json",
        artifact: "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25",
        identity: "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d",
        issuer: GITHUB,
        predicate: SLSA_1,
        source: Some(("https://github.com/malancas/attest-demo", "804070735", "16248153")),
        more: &[],
    },
    Real {
        bundle: "github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl",
        artifact: "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b",
        identity: "https://github.com/actions/attest-demo/.github/workflows/build-python.yml@refs/heads/main",
        issuer: GITHUB,
        predicate: SLSA_1,
        source: Some(("https://github.com/actions/attest-demo", "763287532", "44036562")),
        more: &["--instance", "github"],
    },
    Real {
        // A release of GitHub has many subjects; its certificate names no issuer.
        bundle: "github-private-attestation.sigstore.json",
        artifact: "sha256:76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428",
        identity: "https://dotcom.releases.github.com",
        issuer: "",
        predicate: "https://in-toto.io/attestation/release/v0.2",
        source: None,
        more: &["--instance", "github"],
    },
    Real {
        bundle: "MODULE.bazel.intoto.jsonl",
        artifact: MODULE,
        identity: "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1",
        issuer: GITHUB,
        predicate: SLSA_1,
        source: Some(("https://github.com/aspect-build/rules_lint", "631710741", "60951090")),
        more: &[],
    },
    Real {
        bundle: "conda-attestation-rekor2.sigstore.json",
        artifact: "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f",
        identity: "jku@goto.fi",
        issuer: "https://github.com/login/oauth",
        predicate: "https://schemas.conda.org/attestations-publish-1.schema.json",
        source: None,
        more: &["--trusted-root", "staging-2025.json"],
    },
];

impl Real {
    fn arguments(&self) -> Vec<String> {
        let more = self.more.iter().map(|text| match text.ends_with(".json") {
            true => path(&format!("roots/{text}")),
            false => (*text).to_owned(),
        });
        let fixed = ["verify", self.artifact, "--bundle"].map(str::to_owned);
        let who = ["--identity", self.identity, "--issuer", self.issuer].map(str::to_owned);
        fixed.into_iter().chain([path(&format!("real/{}", self.bundle))]).chain(who).chain(more).collect()
    }

    /// The same question with other words for these options.
    fn asked(&self, machine: &Machine, changes: &[(&str, &str)]) -> Run {
        let mut arguments = self.arguments();
        for (option, value) in changes {
            match arguments.iter().position(|argument| argument == option) {
                Some(at) => (*value).clone_into(&mut arguments[at + 1]),
                None => arguments.extend([(*option).to_owned(), (*value).to_owned()]),
            }
        }
        machine.vetted(&arguments)
    }
}

fn real(bundle: &str) -> &'static Real {
    REAL.iter().find(|real| real.bundle == bundle).unwrap()
}

/// Fail unless it is refused at this step, with both sides named on standard error and nothing on standard output.
#[track_caller]
fn refused(run: Run, step: &str, expected: &str, found: &str) -> Run {
    let run = run.exits(1);
    // What is long stands on several lines.
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(run.stdout.is_empty(), "{run}");
    assert!(said.contains(&format!("step {step} expected")), "no step `{step}`\n{run}");
    assert!(said.contains(&format!("expected {expected}")), "not expected `{expected}`\n{run}");
    assert!(said.contains(&format!("found {found}")), "not found `{found}`\n{run}");
    assert!(said.contains(" do "), "nothing to do\n{run}");
    run
}

#[test]
fn every_real_bundle_is_verified_under_its_real_identity() {
    let machine = Machine::new();
    for real in &REAL {
        let mut arguments = real.arguments();
        arguments.extend(["--format", "json", "--predicate", real.predicate].map(str::to_owned));
        if let Some((source, source_id, owner_id)) = real.source {
            arguments.extend(["--source", source, "--source-id", source_id, "--owner-id", owner_id].map(str::to_owned));
        }
        let run = machine.vetted(&arguments);
        assert_eq!(run.status, 0, "{}\n{run}", real.bundle);
        let json = run.json();
        assert_eq!((&json["schema"], &json["outcome"]), (&"vetted/verification/v1".into(), &"verified".into()));
        let held: Vec<&Value> = json["bundles"].as_array().unwrap().iter().filter(|b| b["verified"] == true).collect();
        let [bundle] = held[..] else { panic!("{}: {json}", real.bundle) };
        assert_eq!(bundle["attested"]["identity"], real.identity);
        assert_eq!(bundle["attested"]["predicate"], real.predicate);
        assert!(!bundle["attested"]["signed_at"].as_array().unwrap().is_empty(), "{}", real.bundle);
    }
}

/// Every one of them is refused for each thing that is asked of it and not so.
#[test]
fn every_real_bundle_is_refused_where_one_thing_is_other() {
    let machine = Machine::new();
    let other_sha256 = format!("sha256:{}", "00".repeat(32));
    let other_sha512 = format!("sha512:{}", "00".repeat(64));
    for real in &REAL {
        let longer = format!("{}x", real.identity);
        let shorter = &real.identity[..real.identity.len() - 1];
        for other in [&longer, shorter] {
            let run = real.asked(&machine, &[("--identity", other)]);
            assert!(run.stderr.contains("identity"), "{}\n{run}", real.bundle);
            refused_somewhere(run, "identity", real);
        }
        refused_somewhere(real.asked(&machine, &[("--issuer", "https://token.acme.example")]), "issuer", real);
        refused_somewhere(real.asked(&machine, &[("--predicate", "https://acme.example/other/v1")]), "predicate type", real);
        refused_somewhere(real.asked(&machine, &[("--source", "https://github.com/acme/other")]), "source repository", real);
        refused_somewhere(real.asked(&machine, &[("--source-id", "1")]), "source repository id", real);
        refused_somewhere(real.asked(&machine, &[("--owner-id", "1")]), "source owner id", real);
        refused_somewhere(real.asked(&machine, &[("--builder", "https://acme.example/builder")]), "builder", real);
        let other = if real.artifact.starts_with("sha256") { &other_sha256 } else { &other_sha512 };
        let mut arguments = real.arguments();
        arguments[1].clone_from(other);
        refused_somewhere(machine.vetted(&arguments), "subject", real);
    }
}

/// Fail unless a bundle of those in the file is refused at this step.
#[track_caller]
fn refused_somewhere(run: Run, step: &str, real: &Real) {
    assert_eq!(run.status, 1, "{}: {step}\n{run}", real.bundle);
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("step {step} expected ")), "{}: not refused for {step}\n{run}", real.bundle);
}

#[test]
fn an_answer_says_who_signed_what_from_where_under_which_root() {
    let machine = Machine::new();
    let file = machine.file("work/bundle.json", fs::read(data("real/sigstore-js-2.1.0-bundle.json")).unwrap());
    let mut arguments = real("sigstore-js-2.1.0-bundle.json").arguments();
    arguments[3] = file.to_str().unwrap().to_owned();
    let run = machine.vetted(&arguments).exits(0);
    insta::assert_snapshot!(run, @r#"
    exit status: 0
    --- stdout
    verified  sha512:90f223f992e4
      digest    sha512 90f223f992e4
      says      https://slsa.dev/provenance/v1
      signer    https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main
      issuer    https://token.actions.githubusercontent.com
      source    https://github.com/sigstore/sigstore-js (repository 495574555, owner 71096353)
      builder   https://github.com/actions/runner/github-hosted
      signed    29 Aug 2023, 3 years ago
      root      sigstore-public-good, built in, sha256 6494e21ea73f
      bundle    [ROOT]/work/bundle.json

    vetted: sha512:90f223f992e4 verified · signed 3 years ago · sigstore-public-good, built in
    --- stderr
    "#);
    arguments.push("--quiet".to_owned());
    let run = machine.vetted(&arguments).exits(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn a_refusal_says_the_step_both_sides_and_what_to_do() {
    let machine = Machine::new();
    let file = machine.file("work/bundle.json", fs::read(data("real/sigstore-js-2.1.0-bundle.json")).unwrap());
    let mut arguments = real("sigstore-js-2.1.0-bundle.json").arguments();
    arguments[3] = file.to_str().unwrap().to_owned();
    arguments.extend(["--source-id", "495574556"].map(str::to_owned));
    insta::assert_snapshot!(machine.vetted(&arguments).exits(1), @r#"
    exit status: 1
    --- stdout
    --- stderr
    refused  sha512:90f223f992e4
      digest    sha512 90f223f992e4
      root      sigstore-public-good, built in, sha256 6494e21ea73f

      bundle    [ROOT]/work/bundle.json
      step      source repository id
      expected  `495574556`
      found     `495574555`
      do        do not use the file before the vendor says that it comes from there

    vetted: sha512:90f223f992e4 refused · source repository id
    "#);
}

/// The file itself, not its digest: both digests are computed and every one that the bundle has must fit.
#[test]
fn a_file_is_verified_by_its_bytes() {
    let machine = Machine::new();
    let blob = fs::read(data("real/cosign-v3-blob.txt")).unwrap();
    machine.file("work/blob.txt", &blob);
    let bundle = path("real/cosign-v3-blob.sigstore.json");
    let who = ["--identity", "w.vollprecht@gmail.com", "--issuer", "https://github.com/login/oauth"];
    let verify = |artifact: &str| machine.vetted(&[&["verify", artifact, "--bundle", &bundle][..], &who[..]].concat());
    let run = verify("blob.txt").exits(0);
    assert!(run.stdout.contains("a signature over the file"), "{run}");
    let mut flipped = blob;
    flipped[0] ^= 1;
    machine.file("work/blob.txt", &flipped);
    refused(verify("blob.txt"), "subject", "sha256:", "sha256:");
    // A plain signature says nothing of the file but that it was signed.
    machine.file("work/blob.txt", fs::read(data("real/cosign-v3-blob.txt")).unwrap());
    let run = machine.vetted(&[&["verify", "blob.txt", "--bundle", &bundle, "--predicate", SLSA_1][..], &who[..]].concat());
    refused(run, "predicate type", "`https://slsa.dev/provenance/v1`", "a signature over the file and no statement");
}

#[test]
fn what_was_changed_or_is_of_somebody_else_is_refused_for_that() {
    let machine = Machine::new();
    let npm = real("npm-sigstore-2.3.1-attestations.json");
    let damaged = path("real/npm-sigstore-2.3.1-attestations-invalidsigprov.json");
    refused_somewhere(npm.asked(&machine, &[("--bundle", &damaged)]), "signature", npm);
    let another = path("real/sigstore-js-2.1.0-bundle.json");
    refused(npm.asked(&machine, &[("--bundle", &another)]), "subject", NPM_2_3_1, "pkg:npm/sigstore@2.1.0");
    // A valid bundle for the very same file, by somebody who had no business with it.
    let module = real("MODULE.bazel.intoto.jsonl");
    let stranger = path("real/MODULE-wrong-signer.bazel.intoto.jsonl");
    refused(
        module.asked(&machine, &[("--bundle", &stranger)]),
        "identity",
        "`https://github.com/bazel-contrib/publish-to-bcr/",
        "`https://github.com/loosebazooka/aa-test/",
    );
    // Bundles of version 0.1 prove less, and nobody signs the version.
    let old = real("sigstore-js-2.1.0-bundle-v0.1.json");
    refused(old.asked(&machine, &[("--min-bundle", "0.2")]), "bundle version", "a bundle of version 0.2 or newer", "0.1");
    // A root of another instance.
    let private = real("github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl");
    refused_somewhere(private.asked(&machine, &[("--instance", "sigstore-public-good")]), "inclusion proof", private);
    let public = real("sigstore-js-2.1.0-bundle.json");
    refused_somewhere(public.asked(&machine, &[("--instance", "github")]), "log", public);
}

/// npm's own attestation of a publish is signed with a key. The keys are part of this repository, as npm hands them out.
#[test]
fn a_key_signs_what_it_signed_and_nothing_else() {
    let machine = Machine::new();
    let keys: Value = serde_json::from_slice(
        &fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("attestations/trust/npm-registry-keys.json")).unwrap(),
    )
    .unwrap();
    let pem = |at: usize| {
        let raw = keys["keys"][at]["publicKey"]["rawBytes"].as_str().unwrap();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &raw[..64], &raw[64..])
    };
    machine.file("work/npm.pem", pem(1));
    machine.file("work/newer.pem", pem(3));
    machine.file("work/private.pem", pem(1).replace("PUBLIC", "PRIVATE"));
    for (bundle, artifact, min) in
        [("npm-sigstore-2.3.1-attestations.json", NPM_2_3_1, "0.2"), ("npm-sigstore-1.3.0-bundle-publish.json", NPM_1_3_0, "0.1")]
    {
        let bundle = path(&format!("real/{bundle}"));
        let verify = |key: &str| machine.vetted(&["verify", artifact, "--bundle", &bundle, "--key", key, "--min-bundle", min]);
        let run = verify("npm.pem").exits(0);
        assert!(run.stdout.contains("specs/publish/v0.1"), "{run}");
        let run = verify("newer.pem").exits(1);
        assert!(run.stderr.contains("SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA"), "{run}");
        let run = verify("private.pem").exits(2);
        assert!(run.stderr.contains("`PRIVATE KEY`"), "{run}");
    }
}

#[test]
fn what_cannot_be_read_is_undecided_and_what_cannot_be_meant_is_usage() {
    let machine = Machine::new();
    let good = real("sigstore-js-2.1.0-bundle.json");
    let with = |changes: &[(&str, &str)]| good.asked(&machine, changes);
    let says = |run: Run, status: i32, text: &str| {
        let run = run.exits(status);
        assert!(run.stderr.contains(text), "{text}\n{run}");
    };
    says(with(&[("--bundle", "nothing.json")]), 3, "`nothing.json` does not exist");
    machine.file("work/empty.json", "");
    says(with(&[("--bundle", "empty.json")]), 3, "form");
    machine.file("work/old.json", r#"{"base64Signature":"MEU=","cert":"","rekorBundle":{}}"#);
    says(with(&[("--bundle", "old.json")]), 3, "a signature in cosign's own older form");
    machine.file(
        "work/bare.json",
        r#"{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"MEU="}]}"#,
    );
    says(with(&[("--bundle", "bare.json")]), 3, "a bare DSSE envelope");
    says(with(&[("--bundle", "\u{1b}[31mx")]), 3, "\\u{1b}[31mx");
    let mut arguments = good.arguments();
    "no-such-file".clone_into(&mut arguments[1]);
    says(machine.vetted(&arguments), 3, "`no-such-file` does not exist");
    "sha512:00".clone_into(&mut arguments[1]);
    says(machine.vetted(&arguments), 2, "is no digest");
    says(with(&[("--instance", "acme")]), 2, "no instance is called `acme`: expected `github`, `sigstore-public-good`");
    machine.file("work/root.json", "{}");
    says(with(&[("--trusted-root", "root.json")]), 2, "`root.json` is no trusted root");
    machine.file("work/names-nobody.json", r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#);
    says(with(&[("--trusted-root", "names-nobody.json")]), 2, "`names-nobody.json` is no trusted root");
    let all = good.arguments();
    says(machine.vetted(&all[..6]), 2, "--issuer");
    says(machine.vetted(&all[..4]), 2, "--identity");
    // Nothing is decided where one bundle was refused and another could not be read, but it is a refusal.
    machine.file("work/another.json", fs::read(data("real/npm-sigstore-2.3.1-attestations.json")).unwrap());
    let both = [&all[..], &["--bundle".to_owned(), "empty.json".to_owned()]].concat();
    let run = machine.vetted(&both).exits(0);
    assert!(run.stdout.contains("1 of 2 bundles"), "{run}");
    let both = with(&[("--bundle", "another.json")]).exits(1);
    assert!(both.stderr.contains("(1 of 2)") && both.stderr.contains("(2 of 2)"), "{both}");
}

/// What a bundle says of itself is shown and never interpreted by a terminal.
#[test]
fn a_bundle_cannot_paint_the_terminal() {
    let machine = Machine::new();
    let good = real("sigstore-js-2.1.0-bundle.json");
    let text = fs::read_to_string(data("real/sigstore-js-2.1.0-bundle.json")).unwrap();
    let text = text.replace("application/vnd.dev.sigstore.bundle", "\\u001b]0;owned\\u0007\\u202e");
    let file = machine.file("work/bundle.json", text);
    for format in ["human", "json"] {
        let run = good.asked(&machine, &[("--bundle", file.to_str().unwrap()), ("--format", format)]);
        assert_ne!(run.status, 0, "{run}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
        assert!(said.contains("owned"), "{said}");
    }
}

/// The root of the organisation takes the place of the built-in one, and is never passed over when it is not the pinned file.
#[test]
fn an_organisation_replaces_a_built_in_root() {
    use crate::team::{Trust, key_file, machine, manifest, sign};
    let machine = machine();
    let alice = key_file(&machine, "alice");
    let mut trust = Trust::of(&[("alice", alice)]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
    let root = fs::read(data("roots/staging-2025.json")).unwrap();
    machine.file("work/policy/staging.json", &root);
    let sha256 = vetted::digest::Digest::sha256_of(&root).hex();
    trust.root = Some(("staging.json".into(), sha256.clone()));
    let text = trust.text().replace("id = \"acme\"", "id = \"sigstore-public-good\"");
    assert!(text.contains("id = \"sigstore-public-good\""), "{text}");
    machine.file("work/policy/vetted-trust.toml", text);
    machine.file("work/policy/vetted.toml", manifest(1, ""));
    for document in ["vetted-trust.toml", "vetted.toml"] {
        sign(&machine, document, "alice").exits(0);
    }
    let conda = real("conda-attestation-rekor2.sigstore.json");
    let mut arguments = conda.arguments();
    arguments.truncate(arguments.len() - 2);
    arguments.extend(["--policy", "policy", "--format", "json"].map(str::to_owned));
    let json = machine.vetted(&arguments).exits(0).json();
    let used = &json["bundles"][0]["attested"]["root"];
    assert_eq!((&used["origin"], &used["sha256"]), (&"organisation".into(), &Value::from(sha256)));
    machine.file("work/policy/staging.json", fs::read(data("roots/public-good.json")).unwrap());
    let run = machine.vetted(&arguments).exits(3);
    assert!(run.stderr.contains("is not the pinned one"), "{run}");
}

fn model(machine: &Machine) -> PathBuf {
    for name in ["config.json", "model.safetensors", "tokenizer/vocab.json", "NOTES.txt", "model.sig"] {
        machine.file(&format!("work/model/{name}"), fs::read(data(&format!("models/tiny-model/{name}"))).unwrap());
    }
    machine.work().join("model")
}

fn verify_model(machine: &Machine, artifact: &str, bundle: &str) -> Run {
    machine.vetted(&["verify", artifact, "--bundle", bundle, "--key", &path("models/key.pub")])
}

#[test]
fn a_signed_model_is_its_files_and_no_others() {
    let machine = Machine::new();
    let folder = model(&machine);
    let verify = || verify_model(&machine, "model", "model/model.sig");
    let run = verify().exits(0);
    insta::assert_snapshot!(run.stdout, @r#"
    verified  model
      says      https://model_signing/signature/v1.0
      signer    the key that was named
      bundle    model/model.sig
      model     tiny-model, 3 files
      left out  by the signer, and not verified: NOTES.txt, model.sig

    vetted: model verified
    "#);
    // What the signer left out may change.
    machine.file("work/model/NOTES.txt", "another note");
    verify().exits(0);

    machine.file("work/model/config.json", "{}");
    fs::remove_file(folder.join("tokenizer/vocab.json")).unwrap();
    machine.file("work/model/modeling.py", "import os");
    #[cfg(unix)]
    std::os::unix::fs::symlink("config.json", folder.join("tokenizer/link")).unwrap();
    let run = refused(verify(), "files of the model", "the files that were signed", "1 changed, 1 missing, 2 not signed");
    for line in [
        "config.json  changed: signed ",
        "tokenizer/vocab.json  missing",
        "modeling.py  not signed",
        "tokenizer/link  not signed",
    ] {
        assert!(run.stderr.contains(line), "{line}\n{run}");
    }
}

#[test]
fn a_model_of_another_form_or_signer_is_refused_by_name() {
    let machine = Machine::new();
    model(&machine);
    for (bundle, found) in [("shards", "found `shards`"), ("blake3", "found `blake3`")] {
        let run = verify_model(&machine, "model", &path(&format!("models/{bundle}.sig"))).exits(1);
        assert!(run.stderr.contains(found), "{run}");
    }
    let run = verify_model(&machine, "model/config.json", "model/model.sig");
    refused(run, "subject", "the model sha256:", "one file, where 3 were signed");
    let key = machine.file("work/other.pem", other_key());
    let run = machine.vetted(&["verify", "model", "--bundle", "model/model.sig", "--key", key.to_str().unwrap()]);
    refused(run, "key", "a signature by the key", "one that is not, with the key hint");
    // The same model under another name.
    let mut bundle: Value = serde_json::from_slice(&fs::read(data("models/tiny-model/model.sig")).unwrap()).unwrap();
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap().replace("tiny-model", "good-model");
    bundle["dsseEnvelope"]["payload"] = STANDARD.encode(payload).into();
    machine.file("work/forged.sig", bundle.to_string());
    let run = verify_model(&machine, "model", "forged.sig").exits(1);
    assert!(run.stderr.contains("a signature by the key"), "{run}");
}

fn other_key() -> Vec<u8> {
    vetted::trust::key::generate().unwrap().0.public_pem().into_bytes()
}

#[test]
fn a_model_of_one_file_and_one_of_links() {
    let machine = Machine::new();
    model(&machine);
    let one = path("models/one-file.sig");
    verify_model(&machine, "model/model.safetensors", &one).exits(0);
    refused(verify_model(&machine, "model/config.json", &one), "files of the model", "the files that were signed", "1 changed");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let linked = path("models/linked.sig");
        fs::create_dir(machine.work().join("linked")).unwrap();
        symlink("../model/config.json", machine.work().join("linked/config.json")).unwrap();
        symlink("../model/model.safetensors", machine.work().join("linked/weights")).unwrap();
        verify_model(&machine, "linked", &linked).exits(0);
        machine.file("work/model/config.json", "{}");
        refused(verify_model(&machine, "linked", &linked), "files of the model", "the files that were signed", "1 changed");
        fs::remove_file(machine.work().join("linked/config.json")).unwrap();
        symlink("/", machine.work().join("linked/config.json")).unwrap();
        refused(
            verify_model(&machine, "linked", &linked),
            "files of the model",
            "the files that were signed",
            "1 missing, 1 not",
        );
    }
}

#[test]
fn a_folder_is_no_archive() {
    let machine = Machine::new();
    model(&machine);
    let mut arguments = real("sigstore-js-2.1.0-bundle.json").arguments();
    "model".clone_into(&mut arguments[1]);
    let run = refused(machine.vetted(&arguments), "subject", "dirHash:", "pkg:npm/sigstore@2.1.0");
    assert!(run.stderr.contains("name the archive of the release"), "{run}");
}

/// What the manifest asks of a release can be asked of a file by hand, in the very words of the manifest.
#[test]
fn a_policy_of_the_manifest_is_asked_by_its_id() {
    use crate::team::{Trust, key_file, machine, manifest, sign};
    let machine = machine();
    let alice = key_file(&machine, "alice");
    let trust = Trust::of(&[("alice", alice)]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
    machine.file("work/policy/vetted-trust.toml", trust.text());
    let policies = format!(
        "[[attestation]]\nid = \"models\"\npredicate = \"https://docs.pypi.org/attestations/publish/v1\"\nissuer = \"{GITHUB}\"\n\
         identity = \"https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v{{version}}\"\n\
         source-id = \"772247423\"\n"
    );
    machine.file("work/policy/vetted.toml", manifest(1, &policies));
    for document in ["vetted-trust.toml", "vetted.toml"] {
        sign(&machine, document, "alice").exits(0);
    }
    let sdist = real("pypi_attestation_models-0.0.4a2.tar.gz.sigstore");
    let bundle = path(&format!("real/{}", sdist.bundle));
    let verify = |policy: &str, tool: &str| {
        let fixed = ["verify", sdist.artifact, "--bundle", &bundle, "--policy", "policy"];
        machine.vetted(&[&fixed[..], &["--attestation", policy, "--tool", tool]].concat())
    };
    verify("models", "models@0.0.4a2").exits(0);
    refused(verify("models", "models@0.0.4a1"), "identity", "`https://github.com/", "`https://github.com/");
    let run = verify("other", "models@0.0.4a2").exits(2);
    assert!(run.stderr.contains("no `[[attestation]]` called `other`") && run.stderr.contains("`models`"), "{run}");
    let run = verify("models", "models").exits(2);
    assert!(run.stderr.contains("names no version"), "{run}");
}

/// A check holds a bundle against the manifest's own oldest form, so a person who asks by the id of a policy gets the same answer.
#[test]
fn a_policy_of_the_manifest_is_asked_with_the_oldest_form_of_the_manifest() {
    use crate::team::{Trust, key_file, machine, manifest, sign};
    let machine = machine();
    let alice = key_file(&machine, "alice");
    let trust = Trust::of(&[("alice", alice)]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
    machine.file("work/policy/vetted-trust.toml", trust.text());
    let policy = format!(
        "[[attestation]]\nid = \"maker\"\npredicate = \"{SLSA_1}\"\nissuer = \"{GITHUB}\"\nidentity = \"{SIGSTORE_JS}\"\n"
    );
    let bundle = path("real/npm-sigstore-2.3.1-attestations.json");
    let verify = |serial: u64, oldest: &str, more: &[&str]| {
        machine.file("work/policy/vetted.toml", manifest(serial, &format!("[defaults]\nmin-bundle = \"{oldest}\"\n{policy}")));
        for document in ["vetted-trust.toml", "vetted.toml"] {
            sign(&machine, document, "alice").exits(0);
        }
        let fixed = ["verify", NPM_2_3_1, "--bundle", &bundle, "--policy", "policy", "--attestation", "maker", "--tool", "x@1"];
        machine.vetted(&[&fixed[..], more].concat())
    };
    verify(1, "0.2", &[]).exits(0);
    refused(verify(2, "0.3", &[]), "bundle version", "a bundle of version 0.3 or newer", "0.2");
    verify(3, "0.2", &["--min-bundle", "0.1"]).exits(2);
}

/// Every key of the document for programs stands in its documentation.
#[test]
fn every_key_of_the_document_is_documented() {
    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    found.push(key.clone());
                    keys(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let section = docs.split("\n## ").find(|section| section.starts_with("`vetted/verification/v1`")).unwrap();
    let machine = Machine::new();
    model(&machine);
    let key = path("models/key.pub");
    let verify = |more: &[&str]| {
        let fixed = ["verify", "model", "--bundle", "model/model.sig", "--key", &key, "--format", "json"];
        machine.vetted(&[&fixed[..], more].concat()).json()
    };
    let verified = verify(&[]);
    machine.file("work/model/config.json", "{}");
    let mut found = Vec::new();
    for json in [&verified, &verify(&[])] {
        keys(json, &mut found);
    }
    keys(&real("sigstore-js-2.1.0-bundle.json").asked(&machine, &[("--format", "json")]).json(), &mut found);
    assert!(found.len() > 40, "{found:?}");
    for key in found.iter().filter(|key| *key != "schema") {
        assert!(section.contains(&format!("`{key}`")), "{key} is not in docs/json.md");
    }
}
