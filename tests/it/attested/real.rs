//! Real bundles of others under their real identities: which release, who signed, from which repository by number, on which builder.

use super::{ACTIONS, NPM_PUBLISH, SIGSTORE_JS, SLSA_V1, attested, by_identity, by_key, parsed, refuses, texts};
use vetted::manifest::BundleVersion;
use vetted::trust::AttestationRefusal;
use vetted::trust::attested::Expectation;
use vetted::trust::sigstore::Signer;

const GITHUB_HOSTED: &str = "https://github.com/actions/runner/github-hosted";

/// One bundle with everything that is true of it.
struct Real {
    file: &'static str,
    index: usize,
    subject: &'static str,
    issuer: &'static str,
    identity: &'static str,
    /// The repository, its number and the number of its owner.
    source: Option<(&'static str, &'static str, &'static str)>,
    predicate: Option<&'static str>,
    builder: Option<&'static str>,
    version: BundleVersion,
    root: &'static str,
}

impl Real {
    fn expectation(&self) -> Expectation {
        Expectation {
            predicates: self.predicate.map(str::to_owned).into_iter().collect(),
            source: self.source.map(|(source, ..)| source.to_owned()),
            source_id: self.source.map(|(_, id, _)| id.to_owned()),
            owner_id: self.source.map(|(.., owner)| owner.to_owned()),
            builder: self.builder.map(str::to_owned),
            min_bundle: self.version,
            ..by_identity(self.issuer, self.identity)
        }
    }
}

const SIGSTORE_JS_SOURCE: (&str, &str, &str) = ("https://github.com/sigstore/sigstore-js", "495574555", "71096353");

const NPM: Real = Real {
    file: "sigstore-js-2.1.0-bundle.json",
    index: 0,
    subject: "sha512:90f223f992e4c88dd068cd2a5fc57f9d2b30798343dd6e38f29c240e04ba090ef831f84490847c4e82b9232c78e8a258463b1e55c0f7469f730265008fa6633f",
    issuer: ACTIONS,
    identity: SIGSTORE_JS,
    source: Some(SIGSTORE_JS_SOURCE),
    predicate: Some(SLSA_V1),
    builder: Some(GITHUB_HOSTED),
    version: BundleVersion::V0_3,
    root: "public-good",
};

const PYPI: Real = Real {
    file: "pypi_attestation_models-0.0.4a2.tar.gz.sigstore",
    subject: "sha256:c9709ce6fd5b67b59b4a28758cf14d3f411803c4b89b6068b1f1a8e4ee94c8ef",
    identity: "https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v0.0.4a2",
    source: Some(("https://github.com/trailofbits/pypi-attestation-models", "772247423", "2314423")),
    predicate: None,
    builder: None,
    ..NPM
};

/// Made at the staging instance: an organisation's own instance could look like it.
const STAGING: Real = Real {
    file: "rfc8785-0.1.2-py3-none-any.whl.sigstore",
    subject: "sha256:c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201",
    issuer: "https://github.com/login/oauth",
    identity: "william@yossarian.net",
    source: None,
    root: "staging",
    ..PYPI
};

fn real() -> [Real; 15] {
    [
        NPM,
        Real { file: "sigstore-js-2.1.0-bundle-v0.1.json", version: BundleVersion::V0_1, ..NPM },
        Real {
            file: "sigstore.js@2.0.0-provenance.sigstore.json",
            subject: "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c",
            version: BundleVersion::V0_1,
            ..NPM
        },
        // A statement of version 0.1 with provenance of version 0.2, and a chain with its root.
        Real {
            file: "npm-sigstore-1.3.0-bundle-provenance.json",
            subject: "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751",
            predicate: Some("https://slsa.dev/provenance/v0.2"),
            builder: Some("https://github.com/actions/runner"),
            version: BundleVersion::V0_1,
            ..NPM
        },
        // The second bundle of a response; the first is by npm's key.
        Real {
            file: "npm-sigstore-2.3.1-attestations.json",
            index: 1,
            subject: "sha512:f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681",
            version: BundleVersion::V0_2,
            ..NPM
        },
        PYPI,
        // PEP 740, converted to a bundle.
        Real {
            file: "pypi_attestations-0.0.19.tar.gz.slsa.attestation",
            subject: "sha256:9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3",
            identity: "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
            source: Some(("https://github.com/trailofbits/pypi-attestations", "772247423", "2314423")),
            predicate: Some(SLSA_V1),
            builder: Some("https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19"),
            ..PYPI
        },
        STAGING,
        Real { file: "rfc8785-0.1.2-py3-none-any.whl.publish.attestation", ..STAGING },
        // Rekor v2 with a time stamp.
        Real {
            file: "conda-attestation-rekor2.sigstore.json",
            subject: "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f",
            identity: "jku@goto.fi",
            predicate: Some("https://schemas.conda.org/attestations-publish-1.schema.json"),
            root: "staging-2025",
            ..STAGING
        },
        // A signature over the file, with a time stamp besides the log's time.
        Real {
            file: "cosign-v3-blob.sigstore.json",
            subject: "sha256:e194b99df6639501325c5f44da79fe3a8efae6f239bd79443a19787e06fb1764",
            identity: "w.vollprecht@gmail.com",
            root: "public-good",
            ..STAGING
        },
        // An issuer of an enterprise of its own.
        Real {
            file: "custom-issuer.sigstore.json",
            subject: "sha256:afa27b44d43b02a9fea41d13cedc2e4016cfcf87c5dbf990e593669aa8ce286d",
            issuer: "https://token.actions.githubusercontent.com/hammer-time",
            identity: "https://github.com/too-legit/attest/.github/workflows/integration.yml@refs/heads/main",
            source: Some(("https://github.com/too-legit/attest", "851894824", "180348046")),
            builder: Some("https://github.com/too-legit/attest/.github/workflows/integration.yml@refs/heads/main"),
            ..NPM
        },
        // A workflow that another repository calls: the identity names the called one, the source the caller.
        Real {
            file: "reusable-workflow-attestation.sigstore.json",
            subject: "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25",
            identity: "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d",
            source: Some(("https://github.com/malancas/attest-demo", "804070735", "16248153")),
            ..NPM
        },
        Real {
            file: "MODULE.bazel.intoto.jsonl",
            subject: "sha256:06ce330900a7d6403bc8d88e5dfad6aeeb8ae40179f66bb89e69c8bf6f6b1a0b",
            identity: "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1",
            source: Some(("https://github.com/aspect-build/rules_lint", "631710741", "60951090")),
            builder: Some("https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1"),
            ..NPM
        },
        // GitHub's own instance: no log, no certificate log, a time stamp.
        Real {
            file: "github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl",
            subject: "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b",
            identity: "https://github.com/actions/attest-demo/.github/workflows/build-python.yml@refs/heads/main",
            source: Some(("https://github.com/actions/attest-demo", "763287532", "44036562")),
            root: "github",
            ..NPM
        },
    ]
}

#[test]
fn each_real_bundle_shows_what_is_true_of_it() {
    for real in real() {
        let text = &texts(real.file)[real.index];
        let shown = attested(text, real.subject, &real.expectation(), real.root).unwrap_or_else(|e| panic!("{}: {e}", real.file));
        assert_eq!((shown.issuer(), shown.identity()), (Some(real.issuer), Some(real.identity)), "{}", real.file);
        assert_eq!(shown.source(), real.source.map(|(source, ..)| source), "{}", real.file);
        assert_eq!((shown.source_id(), shown.owner_id()), (real.source.map(|s| s.1), real.source.map(|s| s.2)));
        assert_eq!(shown.builder(), real.builder, "{}", real.file);
        assert_eq!(shown.root().unwrap().instance, real.root);
        assert!(!shown.signed_at().is_empty() && shown.signed_at().is_sorted(), "{}", real.file);
        assert_eq!(parsed(text).version(), real.version, "{}", real.file);
    }
}

/// Each thing that is asked for, asked for differently, is refused for that thing.
#[test]
fn each_real_bundle_is_refused_for_each_other_expectation() {
    for real in real() {
        let text = &texts(real.file)[real.index];
        let refused = |change: &dyn Fn(&mut Expectation)| {
            let mut expected = real.expectation();
            change(&mut expected);
            attested(text, real.subject, &expected, real.root).expect_err(real.file)
        };
        let wrong = |step: AttestationRefusal, wanted: &str, found: &str| {
            assert_eq!(step.differs().expected, format!("`{wanted}`"), "{}", real.file);
            assert_eq!(step.differs().found, found, "{}", real.file);
            step.step()
        };
        let shown = |claim: Option<&str>| claim.map_or_else(|| "none".to_owned(), |claim| format!("`{claim}`"));
        // Threat T-11: a longer identity, a shorter one, another case, another issuer.
        for identity in [
            format!("{}@refs/tags/v1", real.identity),
            real.identity[..real.identity.len() - 1].to_owned(),
            real.identity.to_uppercase(),
        ] {
            let step = refused(&|e| e.by = by_identity(real.issuer, &identity).by);
            assert_eq!(wrong(step, &identity, &shown(Some(real.identity))), "identity");
        }
        let issuer = format!("{}/", real.issuer);
        let step = refused(&|e| e.by = by_identity(&issuer, real.identity).by);
        assert_eq!(wrong(step, &issuer, &shown(Some(real.issuer))), "issuer");
        let step = refused(&|e| e.by = by_identity("", real.identity).by);
        assert_eq!(step.step(), "issuer");
        let step = refused(&|e| e.source = Some("https://github.com/sigstore/sigstore-js-evil".into()));
        assert_eq!(
            wrong(step, "https://github.com/sigstore/sigstore-js-evil", &shown(real.source.map(|s| s.0))),
            "source repository"
        );
        // The right name, registered again.
        let step = refused(&|e| e.source_id = Some("1".into()));
        assert_eq!(wrong(step, "1", &shown(real.source.map(|s| s.1))), "source repository id");
        let step = refused(&|e| e.owner_id = Some("1".into()));
        assert_eq!(wrong(step, "1", &shown(real.source.map(|s| s.2))), "source owner id");
        let step = refused(&|e| e.builder = Some("https://acme.example/builder".into()));
        assert_eq!(wrong(step, "https://acme.example/builder", &shown(real.builder)), "builder");
        let step = refused(&|e| e.predicates = vec![NPM_PUBLISH.into()]);
        assert_eq!(step.step(), "predicate type", "{}", real.file);
        if real.version < BundleVersion::V0_3 {
            let step = refused(&|e| e.min_bundle = BundleVersion::V0_3);
            assert_eq!(step.step(), "bundle version");
        }
        let step = refused(&|e| e.by = by_key("real/npm-attestations-2022.pub").by);
        assert_eq!(step.step(), "verification material");
    }
}

#[test]
fn no_real_bundle_counts_under_the_root_of_another_instance_or_for_another_file() {
    for real in real() {
        let text = &texts(real.file)[real.index];
        for other in ["public-good", "staging", "github"].into_iter().filter(|root| !real.root.starts_with(root)) {
            let refusal = attested(text, real.subject, &real.expectation(), other).expect_err(real.file);
            let steps =
                ["certificate", "certificate transparency", "time", "log", "inclusion promise", "inclusion proof", "checkpoint"];
            assert!(steps.contains(&refusal.step()), "{} under {other}: {refusal}", real.file);
        }
        // Threat T-10.
        let other = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let refusal = attested(text, other, &real.expectation(), real.root).expect_err(real.file);
        assert_eq!(refusal.step(), "subject", "{}: {refusal}", real.file);
    }
}

/// A bundle of another repository about the very file: only who signed tells.
#[test]
fn a_valid_bundle_of_somebody_else_about_the_file_is_refused_for_who_signed() {
    let text = &texts("MODULE-wrong-signer.bazel.intoto.jsonl")[0];
    let publisher = "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1";
    let module = "sha256:06ce330900a7d6403bc8d88e5dfad6aeeb8ae40179f66bb89e69c8bf6f6b1a0b";
    refuses!(attested(text, module, &by_identity(ACTIONS, publisher), "public-good"),
        AttestationRefusal::Identity(d) if d.found == "`https://github.com/loosebazooka/aa-test/.github/workflows/malicious_attestation.yaml@refs/heads/main`");
    // Its provenance claims the builder of the other: whoever signs says what they like.
    let themselves = "https://github.com/loosebazooka/aa-test/.github/workflows/malicious_attestation.yaml@refs/heads/main";
    let shown = attested(text, module, &by_identity(ACTIONS, themselves), "public-good").unwrap();
    assert_eq!(shown.builder(), Some(publisher));
}

#[test]
fn a_damaged_signature_in_one_bundle_of_a_response_leaves_the_other() {
    let bundles = texts("npm-sigstore-2.3.1-attestations-invalidsigprov.json");
    let subject = "sha512:f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681";
    assert!(attested(&bundles[0], subject, &by_key("real/npm-attestations-2022.pub"), "public-good").is_ok());
    refuses!(attested(&bundles[1], subject, &by_identity(ACTIONS, SIGSTORE_JS), "public-good"), AttestationRefusal::Signature(_));
}

/// The attestation that GitHub makes of a release: no issuer in the certificate, and subjects of which one has no name.
#[test]
fn a_release_attestation_of_github_counts_for_each_of_its_files() {
    let text = &texts("github-private-attestation.sigstore.json")[0];
    let Signer::Identity(claims) = parsed(text).signer().clone() else { panic!("a certificate") };
    assert_eq!((claims.identity.as_deref(), claims.issuer), (Some("https://dotcom.releases.github.com"), None));
    let expected = Expectation {
        predicates: vec!["https://in-toto.io/attestation/release/v0.2".into()],
        ..by_identity("", "https://dotcom.releases.github.com")
    };
    let subjects = parsed(text).statement().unwrap().subjects.clone();
    assert_eq!(subjects.len(), 6);
    for subject in subjects.iter().filter(|subject| !subject.digests.is_empty()) {
        let digest = subject.digests.iter().next().unwrap().to_string();
        let shown = attested(text, &digest, &expected, "github").unwrap_or_else(|e| panic!("{}: {e}", subject.name));
        assert_eq!(shown.issuer(), None);
    }
    // A certificate without an issuer is not one of any issuer.
    let with = Expectation { by: by_identity(ACTIONS, "https://dotcom.releases.github.com").by, ..expected };
    let digest = subjects[1].digests.iter().next().unwrap().to_string();
    refuses!(attested(text, &digest, &with, "github"), AttestationRefusal::Issuer(d) if d.found == "none");
}
