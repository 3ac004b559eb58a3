//! One change in a real bundle of each version, and the one refusal that each change ends in.

use super::{ACTIONS, Change, SIGSTORE_JS, SLSA_V1, attested, by_identity, changed, digests, read, refuses, texts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};
use vetted::digest::Digest;
use vetted::manifest::BundleVersion;
use vetted::trust::AttestationRefusal;
use vetted::trust::attested::{Expectation, RootOrigin, RootUsed, attest};
use vetted::trust::sigstore::{AttestationBundle, TrustRoot};

const V0_1: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const V0_2: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";
const SIGSTORE_2_1_0: &str = "sha512:90f223f992e4c88dd068cd2a5fc57f9d2b30798343dd6e38f29c240e04ba090ef831f84490847c4e82b9232c78e8a258463b1e55c0f7469f730265008fa6633f";
const SIGSTORE_2_3_1: &str = "sha512:f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681";

fn expected() -> Expectation {
    Expectation {
        predicates: vec![SLSA_V1.into()],
        source_id: Some("495574555".into()),
        owner_id: Some("71096353".into()),
        ..by_identity(ACTIONS, SIGSTORE_JS)
    }
}

/// A real bundle of version 0.3 and one of version 0.2, with the file that each is about.
fn both() -> [(String, &'static str); 2] {
    [
        (texts("sigstore-js-2.1.0-bundle.json").remove(0), SIGSTORE_2_1_0),
        (texts("npm-sigstore-2.3.1-attestations.json").remove(1), SIGSTORE_2_3_1),
    ]
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// The same base64 with one bit of what it encodes flipped.
fn flip(value: &mut Value, at: usize) {
    let mut bytes = BASE64.decode(value.as_str().unwrap()).unwrap();
    bytes[at] ^= 1;
    *value = BASE64.encode(bytes).into();
}

fn leaf(bundle: &mut Value) -> &mut Value {
    let material = &mut bundle["verificationMaterial"];
    if material.get("certificate").is_some() {
        return &mut material["certificate"]["rawBytes"];
    }
    &mut material["x509CertificateChain"]["certificates"][0]["rawBytes"]
}

fn as_chain(bundle: &mut Value) {
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    if let Some(certificate) = material.remove("certificate") {
        material.insert("x509CertificateChain".into(), json!({ "certificates": [certificate] }));
    }
}

/// Each change with the step that it ends in.
const CHANGES: [(&str, Change, &str); 25] = [
    ("the proof is dropped", |b| drop(entry(b).as_object_mut().unwrap().remove("inclusionProof")), "inclusion proof"),
    ("the entry is dropped", |b| b["verificationMaterial"]["tlogEntries"] = json!([]), "inclusion proof"),
    (
        "a second entry has no proof",
        |b| {
            let mut second = entry(b).clone();
            second.as_object_mut().unwrap().remove("inclusionProof");
            b["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(second);
        },
        "inclusion proof",
    ),
    ("a hash of the proof differs", |b| flip(&mut entry(b)["inclusionProof"]["hashes"][0], 0), "inclusion proof"),
    ("the proof is of another place in the log", |b| entry(b)["inclusionProof"]["logIndex"] = "1".into(), "inclusion proof"),
    ("the place lies outside of the log", |b| entry(b)["inclusionProof"]["logIndex"] = "999999999999".into(), "inclusion proof"),
    (
        "the proof is of an entry of another bundle",
        |b| {
            let mut other: Value = serde_json::from_str(&texts("custom-issuer.sigstore.json")[0]).unwrap();
            entry(b)["inclusionProof"] = entry(&mut other)["inclusionProof"].take();
        },
        "inclusion proof",
    ),
    ("the root of the proof differs", |b| flip(&mut entry(b)["inclusionProof"]["rootHash"], 0), "checkpoint"),
    (
        "the checkpoint is dropped",
        |b| drop(entry(b)["inclusionProof"].as_object_mut().unwrap().remove("checkpoint")),
        "checkpoint",
    ),
    (
        "the signature of the checkpoint differs",
        |b| {
            let note = &mut entry(b)["inclusionProof"]["checkpoint"]["envelope"];
            let text = note.as_str().unwrap().trim_end();
            let (before, signature) = text.rsplit_once(' ').unwrap();
            let mut signature = Value::from(signature);
            flip(&mut signature, 20);
            *note = format!("{before} {}\n", signature.as_str().unwrap()).into();
        },
        "checkpoint",
    ),
    ("the promise differs", |b| flip(&mut entry(b)["inclusionPromise"]["signedEntryTimestamp"], 20), "inclusion promise"),
    ("the time of the entry differs", |b| entry(b)["integratedTime"] = "1700000000".into(), "inclusion promise"),
    ("the entry is of another log", |b| flip(&mut entry(b)["logId"]["keyId"], 0), "inclusion promise"),
    ("no promise, so no time", |b| drop(entry(b).as_object_mut().unwrap().remove("inclusionPromise")), "time"),
    ("the certificate differs", |b| flip(leaf(b), 900), "certificate"),
    ("the certificate is none", |b| *leaf(b) = "AAAA".into(), "certificate"),
    ("the signature differs", |b| flip(&mut b["dsseEnvelope"]["signatures"][0]["sig"], 20), "signature"),
    (
        "the statement names another version",
        |b| {
            let payload = BASE64.decode(b["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
            let text = String::from_utf8(payload).unwrap().replace("pkg:npm/sigstore@2.", "pkg:npm/sigstore@3.");
            b["dsseEnvelope"]["payload"] = BASE64.encode(text).into();
        },
        "signature",
    ),
    (
        "two signatures",
        |b| {
            let first = b["dsseEnvelope"]["signatures"][0].clone();
            b["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(first);
        },
        "form",
    ),
    ("no signature", |b| b["dsseEnvelope"]["signatures"] = json!([]), "form"),
    ("another payload type", |b| b["dsseEnvelope"]["payloadType"] = "text/plain".into(), "form"),
    ("a signature besides the envelope", |b| b["messageSignature"] = json!({ "signature": "AAAA" }), "form"),
    ("a key besides the certificate", |b| b["verificationMaterial"]["publicKey"] = json!({ "hint": "x" }), "form"),
    ("another kind of entry", |b| entry(b)["kindVersion"] = json!({ "kind": "rekord", "version": "0.0.1" }), "form"),
    ("no version", |b| drop(b.as_object_mut().unwrap().remove("mediaType")), "media type"),
];

#[test]
fn each_change_ends_in_its_own_refusal() {
    for (text, subject) in both() {
        attested(&text, subject, &expected(), "public-good").unwrap();
        for (what, change, step) in CHANGES {
            let refusal = attested(&changed(&text, change), subject, &expected(), "public-good").expect_err(what);
            assert_eq!(refusal.step(), step, "{what}: {refusal}");
            assert!(!refusal.differs().expected.is_empty() && !refusal.differs().found.is_empty(), "{what}");
        }
    }
}

/// Threat T-12: nobody signs the media type. What a bundle has to prove follows from the policy.
#[test]
fn a_bundle_dressed_up_as_an_older_one_is_refused_by_version() {
    for (text, subject) in both() {
        let dressed = |version: &str, with_proof: bool| {
            changed(&text, |b| {
                b["mediaType"] = version.into();
                as_chain(b);
                if !with_proof {
                    entry(b).as_object_mut().unwrap().remove("inclusionProof");
                }
            })
        };
        for with_proof in [true, false] {
            refuses!(attested(&dressed(V0_1, with_proof), subject, &expected(), "public-good"),
                AttestationRefusal::BundleVersion(d) if d.found == "0.1");
        }
        refuses!(attested(&dressed(V0_2, false), subject, &expected(), "public-good"), AttestationRefusal::InclusionProof(_));
        assert!(attested(&dressed(V0_2, true), subject, &expected(), "public-good").is_ok(), "it proves the same");
        // Whoever asks for no more than a promise gets no more.
        let promise = Expectation { min_bundle: BundleVersion::V0_1, ..expected() };
        assert!(attested(&dressed(V0_1, false), subject, &promise, "public-good").is_ok());
        let nothing = changed(&dressed(V0_1, false), |b| drop(entry(b).as_object_mut().unwrap().remove("inclusionPromise")));
        let refusal = attested(&nothing, subject, &promise, "public-good").unwrap_err();
        assert_eq!(refusal.step(), "inclusion promise", "{refusal}");
        // Nor is a second entry, which says nothing that anybody could verify, taken along with a good one.
        let second = changed(&dressed(V0_1, false), |b| {
            let mut second = entry(b).clone();
            second.as_object_mut().unwrap().remove("inclusionPromise");
            b["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(second);
        });
        refuses!(attested(&second, subject, &promise, "public-good"), AttestationRefusal::InclusionPromise(_));
        let newest = Expectation { min_bundle: BundleVersion::V0_3, ..expected() };
        refuses!(attested(&dressed(V0_2, true), subject, &newest, "public-good"), AttestationRefusal::BundleVersion(_));
    }
    // Material of one version in a bundle of another.
    let [(new, _), (old, _)] = both();
    for version in [V0_1, V0_2] {
        refuses!(AttestationBundle::parse(&changed(&new, |b| b["mediaType"] = version.into())), AttestationRefusal::MediaType(_));
    }
    let newer = changed(&old, |b| b["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.3+json".into());
    refuses!(AttestationBundle::parse(&newer), AttestationRefusal::MediaType(_));
}

#[test]
fn the_bundle_of_another_version_is_about_another_file() {
    let [(new, about_new), (old, about_old)] = both();
    refuses!(attested(&new, about_old, &expected(), "public-good"), AttestationRefusal::Subject(d) if d.expected == about_old);
    refuses!(attested(&old, about_new, &expected(), "public-good"), AttestationRefusal::Subject(_));
}

fn instance(value: &Value) -> (TrustRoot, RootUsed) {
    let bytes = value.to_string().into_bytes();
    let used = RootUsed { instance: "x".into(), origin: RootOrigin::CommandLine, sha256: Digest::sha256_of(&bytes) };
    (TrustRoot::parse(&bytes).unwrap(), used)
}

/// What may be missing in a bundle follows from the root: where it names a log, every bundle has an entry in it.
#[test]
fn only_a_root_without_a_log_accepts_a_bundle_without_one() {
    let of = |name: &str| -> Value { serde_json::from_slice(&read(&format!("roots/{name}.json"))).unwrap() };
    let private = texts("github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl").remove(0);
    let subject = "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b";
    let expected_of_demo =
        by_identity(ACTIONS, "https://github.com/actions/attest-demo/.github/workflows/build-python.yml@refs/heads/main");
    let demo = |root: &Value| {
        let (root, used) = instance(root);
        attest(&AttestationBundle::parse(&private)?, &digests(subject), &expected_of_demo, Some((&root, &used)))
    };
    let github = of("github");
    assert!(demo(&github).is_ok());
    let mut with_log = github.clone();
    with_log["tlogs"] = of("public-good")["tlogs"].clone();
    refuses!(demo(&with_log), AttestationRefusal::InclusionProof(_));
    let mut with_certificate_log = github;
    with_certificate_log["ctlogs"] = of("public-good")["ctlogs"].clone();
    refuses!(demo(&with_certificate_log), AttestationRefusal::CertificateLog(_));
    // And a bundle that claims an entry is not believed under a root that cannot verify it.
    let mut without = of("public-good");
    without["tlogs"] = json!([]);
    let (root, used) = instance(&without);
    for (text, subject) in both() {
        let bundle = AttestationBundle::parse(&text).unwrap();
        refuses!(attest(&bundle, &digests(subject), &expected(), Some((&root, &used))), AttestationRefusal::Log(_));
        refuses!(attest(&bundle, &digests(subject), &expected(), None), AttestationRefusal::Root(_));
    }
}

/// The log holds the entry, and the entry is none about a signature of this kind.
#[test]
fn an_entry_about_another_kind_of_signature_is_refused() {
    let text = String::from_utf8(read("conformance/happy-path-v0.3/bundle.sigstore.json")).unwrap();
    let beacon = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
    let subject = Digest::sha256_of(&read("conformance/a.txt")).to_string();
    assert!(attested(&text, &subject, &by_identity(ACTIONS, beacon), "public-good").is_ok());
    for (kind, version) in [("dsse", "0.0.1"), ("intoto", "0.0.2")] {
        let relabelled = changed(&text, |b| entry(b)["kindVersion"] = json!({ "kind": kind, "version": version }));
        refuses!(attested(&relabelled, &subject, &by_identity(ACTIONS, beacon), "public-good"), AttestationRefusal::LogEntry(_));
    }
    for (text, subject) in both() {
        let relabelled = changed(&text, |b| entry(b)["kindVersion"] = json!({ "kind": "hashedrekord", "version": "0.0.1" }));
        refuses!(attested(&relabelled, subject, &expected(), "public-good"), AttestationRefusal::LogEntry(_));
    }
}

/// Real bundles of 2023 carry the root of their instance. What is trusted stands in the trusted root alone.
#[test]
fn a_certificate_that_a_bundle_brings_along_is_trusted_by_nobody() {
    let staging: Value = serde_json::from_slice(&read("roots/staging.json")).unwrap();
    let public: Value = serde_json::from_slice(&read("roots/public-good.json")).unwrap();
    let [_, (old, about)] = both();
    for brought in [&staging, &public] {
        let chained = changed(&old, |b| {
            let certificates = brought["certificateAuthorities"][0]["certChain"]["certificates"].as_array().unwrap().clone();
            b["verificationMaterial"]["x509CertificateChain"]["certificates"].as_array_mut().unwrap().extend(certificates);
        });
        assert!(attested(&chained, about, &expected(), "public-good").is_ok());
        // Without the authority in the root, the one in the bundle is none.
        let mut without = public.clone();
        without["certificateAuthorities"] = staging["certificateAuthorities"].clone();
        let (root, used) = instance(&without);
        let bundle = AttestationBundle::parse(&chained).unwrap();
        refuses!(attest(&bundle, &digests(about), &expected(), Some((&root, &used))), AttestationRefusal::Certificate(_));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Any byte of a bundle changed: refused, or the same signer about the same file.
    #[test]
    fn a_flipped_byte_attests_nothing_else(at in any::<prop::sample::Index>(), flip in 1_u8..=255, which in 0_usize..2) {
        let (text, subject) = &both()[which];
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(shown) = attested(&text, subject, &expected(), "public-good")
        {
            prop_assert_eq!(shown.identity(), Some(SIGSTORE_JS));
            prop_assert_eq!(shown.predicate(), Some(SLSA_V1));
            prop_assert_eq!(shown.subject(), &digests(subject));
        }
    }
}
