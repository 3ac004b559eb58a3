//! The forms in which attestations are handed out: each is brought down to bundles or refused by its name, whatever the bytes.

use super::{Change, changed, read, texts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Write as _;
use vetted::attestation::Statement;
use vetted::attestation::forms::{self, BundleText, Form, FormError, MAX_BUNDLES, MAX_RESPONSE};
use vetted::attestation::provenance::{Provenance, Source, Workflow};
use vetted::trust::AttestationRefusal;
use vetted::trust::sigstore::AttestationBundle;

fn read_value(value: &Value) -> Result<Vec<BundleText>, FormError> {
    forms::read(value.to_string().as_bytes())
}

fn bundle() -> Value {
    serde_json::from_str(&texts("sigstore-js-2.1.0-bundle.json")[0]).unwrap()
}

fn real(name: &str) -> Vec<u8> {
    read(&format!("real/{name}"))
}

#[test]
fn a_response_of_npm_holds_each_bundle_byte_for_byte() {
    let response = real("npm-sigstore-2.3.1-attestations.json");
    let found = forms::read(&response).unwrap();
    assert_eq!(found.iter().map(BundleText::form).collect::<Vec<_>>(), [Form::Npm, Form::Npm]);
    let whole = String::from_utf8(response).unwrap();
    for text in &found {
        assert!(whole.contains(text.as_str()), "cut out of the response as it stands");
    }
    assert_ne!(found[0].as_str(), found[1].as_str());
}

#[test]
fn a_response_of_github_holds_bundles_or_says_where_they_are() {
    let elsewhere = json!({ "bundle": null, "bundle_url": "https://attestations.acme.example/1", "repository_id": 1 });
    let here = json!({ "bundle": bundle(), "bundle_url": "https://attestations.acme.example/2", "repository_id": 1 });
    let found = read_value(&json!({ "attestations": [here, elsewhere] })).unwrap();
    assert_eq!((found.len(), found[0].form()), (1, Form::GitHub));
    let one = json!({ "attestations": [elsewhere] });
    assert_eq!(read_value(&one), Err(FormError::Elsewhere(vec!["https://attestations.acme.example/1".into()])));
    assert_eq!(forms::elsewhere(one.to_string().as_bytes()).unwrap(), ["https://attestations.acme.example/1"]);
    assert_eq!(read_value(&json!({ "attestations": [] })), Err(FormError::Empty));
    assert!(matches!(read_value(&json!({ "attestations": [{}] })), Err(FormError::Unknown(_))));
    assert_eq!(read_value(&here).unwrap().len(), 1, "one attestation by itself");
}

#[test]
fn what_lies_at_an_address_of_github_is_unpacked_within_its_cap() {
    let text = texts("sigstore-js-2.1.0-bundle.json").remove(0);
    let block = snap::raw::Encoder::new().compress_vec(text.as_bytes()).unwrap();
    let mut frames = snap::write::FrameEncoder::new(Vec::new());
    frames.write_all(text.as_bytes()).unwrap();
    for packed in [block.clone(), frames.into_inner().unwrap()] {
        let found = forms::read(&packed).unwrap();
        assert_eq!((found.len(), found[0].as_str()), (1, text.as_str()));
    }
    // Threat T-16: a block that says it is 4 GiB, one that is a byte more than is read, and a stream that is.
    let bomb = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], b"x"].concat();
    let large = vec![b' '; MAX_RESPONSE + 1];
    let mut frames = snap::write::FrameEncoder::new(Vec::new());
    frames.write_all(&large).unwrap();
    for packed in [bomb, snap::raw::Encoder::new().compress_vec(&large).unwrap(), frames.into_inner().unwrap(), large] {
        assert_eq!(forms::read(&packed), Err(FormError::TooLarge { limit: MAX_RESPONSE }));
    }
    for torn in [&block[..block.len() / 2], b"\xff\x06\x00\x00sNaPpY\x00", b"\x05\x00", b"", b"\xff"] {
        assert!(matches!(forms::read(torn), Err(FormError::Unreadable(_) | FormError::Empty)), "{torn:?}");
    }
}

#[test]
fn one_bundle_a_line_is_read_as_it_stands() {
    let [one, two] = [texts("sigstore-js-2.1.0-bundle.json").remove(0), texts("custom-issuer.sigstore.json").remove(0)];
    let (one, two) = (one.trim(), two.trim());
    for text in [format!("{one}\n{two}\n"), format!("\n{one}\r\n\r\n{two}")] {
        let found = forms::read(text.as_bytes()).unwrap();
        assert_eq!(found.iter().map(BundleText::as_str).collect::<Vec<_>>(), [one, two]);
    }
    assert!(matches!(forms::read(format!("{one}\nnonsense").as_bytes()), Err(FormError::Unreadable(_))));
}

#[test]
fn an_attestation_of_pep_740_becomes_the_bundle_that_it_is() {
    let name = "pypi_attestations-0.0.19.tar.gz.slsa.attestation";
    let attestation: Value = serde_json::from_slice(&real(name)).unwrap();
    let strip = |value: &Value| value.as_str().unwrap().replace(['\n', '\r', ' '], "");
    let expected = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": { "rawBytes": strip(&attestation["verification_material"]["certificate"]) },
            "tlogEntries": attestation["verification_material"]["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": strip(&attestation["envelope"]["statement"]),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{ "sig": strip(&attestation["envelope"]["signature"]) }],
        },
    });
    let converted: Value = serde_json::from_str(&texts(name)[0]).unwrap();
    assert_eq!(converted, expected);

    let other: Value = serde_json::from_slice(&real("rfc8785-0.1.2-py3-none-any.whl.publish.attestation")).unwrap();
    let provenance = json!({ "version": 1, "attestation_bundles": [
        { "publisher": { "kind": "GitHub" }, "attestations": [attestation.clone(), other.clone()] },
        { "publisher": { "kind": "GitLab" }, "attestations": [other] },
    ] });
    let found = read_value(&provenance).unwrap();
    assert_eq!((found.len(), found[0].form(), found[0].as_str()), (3, Form::Pep740, converted.to_string().as_str()));
    // Base64 in lines, as some clients write it.
    let mut in_lines = attestation.clone();
    let statement = in_lines["envelope"]["statement"].as_str().unwrap().to_owned();
    in_lines["envelope"]["statement"] = format!("{}\n{}\n", &statement[..76], &statement[76..]).into();
    assert_eq!(read_value(&in_lines).unwrap()[0].as_str(), converted.to_string());
    let changes: [Change; 4] = [
        |a| a["version"] = 2.into(),
        |a| a["envelope"]["signature"] = "not base64".into(),
        |a| drop(a["envelope"].as_object_mut().unwrap().remove("statement")),
        |a| drop(a["verification_material"].as_object_mut().unwrap().remove("transparency_entries")),
    ];
    for change in changes {
        let mut wrong = attestation.clone();
        change(&mut wrong);
        assert!(matches!(read_value(&wrong), Err(FormError::Pep740(_))));
    }
}

#[test]
fn what_is_no_bundle_is_refused_by_its_name() {
    let envelope = bundle()["dsseEnvelope"].clone();
    let statement = BASE64.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let cosign =
        json!({ "base64Signature": "MEUC", "cert": "LS0t", "rekorBundle": { "SignedEntryTimestamp": "MEUC", "Payload": {} } });
    for (document, error) in [
        (cosign, FormError::OldCosign),
        (json!({ "SignedEntryTimestamp": "MEUC", "Payload": {} }), FormError::OldCosign),
        (envelope, FormError::BareEnvelope),
        (serde_json::from_slice(&statement).unwrap(), FormError::Unsigned),
    ] {
        assert_eq!(read_value(&document), Err(error.clone()));
        // The same where it stands in the place of a bundle: that one is refused, and the others are not.
        let found = read_value(&json!({ "attestations": [{ "bundle": document }, { "bundle": bundle() }] })).unwrap();
        let refused = AttestationBundle::parse(found[0].as_str()).expect_err("no bundle");
        assert!(matches!(&refused, AttestationRefusal::Form(d) if d.found == error.to_string()), "{refused:?}");
        assert!(AttestationBundle::parse(found[1].as_str()).is_ok());
    }
    for unknown in ["{}", "[]", "[1]", "1 2", "{\"name\":\"x\"}", "\"x\"", "null"] {
        let found = forms::read(unknown.as_bytes());
        assert!(matches!(found, Err(FormError::Unknown(_) | FormError::Unreadable(_))), "{unknown}: {found:?}");
    }
    let text = bundle().to_string();
    let changes: [(Change, FormError); 7] = [
        (|b| b["dsseEnvelope"]["signatures"] = json!([{ "sig": "AA==" }, { "sig": "AA==" }]), FormError::Signatures(2)),
        (|b| b["dsseEnvelope"]["payloadType"] = "text/plain".into(), FormError::PayloadType("text/plain".into())),
        (
            |b| drop(b.as_object_mut().unwrap().remove("dsseEnvelope")),
            FormError::Ambiguous("neither a signature nor an envelope"),
        ),
        (|b| b["messageSignature"] = json!({}), FormError::Ambiguous("both a signature and an envelope")),
        (|b| drop(b.as_object_mut().unwrap().remove("verificationMaterial")), FormError::Ambiguous("no verification material")),
        (|b| b["verificationMaterial"] = json!({ "tlogEntries": [] }), FormError::Ambiguous("neither a certificate nor a key")),
        (
            |b| b["verificationMaterial"]["publicKey"] = json!({}),
            FormError::Ambiguous("more than one of certificate, certificate chain and key"),
        ),
    ];
    for (change, error) in changes {
        assert_eq!(forms::check(&changed(&text, change)), Err(error));
    }
}

#[test]
fn no_more_is_read_than_anybody_needs() {
    let small = json!({ "mediaType": "x", "verificationMaterial": {} });
    let many = |count: usize| vec![small.clone(); count];
    assert_eq!(read_value(&json!({ "attestations": vec![json!({ "bundle": small }); MAX_BUNDLES] })).unwrap().len(), MAX_BUNDLES);
    let too_many = [
        json!({ "attestations": vec![json!({ "bundle": small }); MAX_BUNDLES + 1] }).to_string(),
        json!({ "attestations": vec![json!({ "bundle_url": "x" }); MAX_BUNDLES + 1] }).to_string(),
        many(MAX_BUNDLES + 1).iter().map(|b| format!("{b}\n")).collect(),
        json!({ "attestation_bundles": vec![json!({ "attestations": [] }); MAX_BUNDLES + 1] }).to_string(),
        format!("{{\"attestations\":[{}{{}}]}}", "{},".repeat(5_000_000)),
    ];
    for text in too_many {
        assert_eq!(forms::read(text.as_bytes()), Err(FormError::TooMany));
    }
    let fat = json!({ "mediaType": "x".repeat(1 << 20), "verificationMaterial": {} });
    assert!(matches!(read_value(&fat), Err(FormError::BundleTooLarge(_))));
    assert!(matches!(forms::check(&fat.to_string()), Err(FormError::BundleTooLarge(_))));
    // Nested deeper than anything that is meant to be read.
    let deep = format!("{{\"attestations\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(forms::read(deep.as_bytes()), Err(FormError::Unreadable(_))));
}

#[test]
fn provenance_says_on_which_builder_and_from_what() {
    let of = |text: &str| Provenance::of(AttestationBundle::parse(text).unwrap().statement().unwrap());
    let new = of(&texts("sigstore-js-2.1.0-bundle.json")[0]).unwrap();
    assert_eq!(new.builder, "https://github.com/actions/runner/github-hosted");
    assert_eq!(new.build_type, "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1");
    let workflow = Workflow {
        repository: "https://github.com/sigstore/sigstore-js".into(),
        path: ".github/workflows/release.yml".into(),
        reference: "refs/heads/main".into(),
    };
    assert_eq!(new.workflow, Some(workflow));
    let source = new.source.unwrap();
    assert_eq!(source.uri, "git+https://github.com/sigstore/sigstore-js@refs/heads/main");
    assert_eq!(source.commit.unwrap().len(), 40);
    let old = of(&texts("npm-sigstore-1.3.0-bundle-provenance.json")[0]).unwrap();
    assert_eq!((old.builder.as_str(), old.workflow), ("https://github.com/actions/runner", None));
    assert!(matches!(old.source, Some(Source { uri, .. }) if uri.starts_with("git+https://github.com/sigstore/sigstore-js")));
    assert_eq!(of(&texts("npm-sigstore-2.3.1-attestations.json")[0]), None, "a publish attestation is no provenance");
    let none = br#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}],
        "predicateType":"https://slsa.dev/provenance/v1","predicate":{"runDetails":{"builder":{"id":1}}}}"#;
    assert_eq!(Provenance::of(&Statement::parse(none).unwrap()), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Any bytes are read or refused, and what is read is within its caps.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), which in 0_usize..5) {
        let names = [
            "npm-sigstore-2.3.1-attestations.json",
            "rfc8785-0.1.2-py3-none-any.whl.publish.attestation",
            "MODULE.bazel.intoto.jsonl",
            "github-private-attestation.sigstore.json",
            "cosign-v3-blob.sigstore.json",
        ];
        let mut whole = real(names[which]);
        let at = at.index(whole.len());
        whole.splice(at..(at + bytes.len() / 10).min(whole.len()), bytes.iter().copied().take(20));
        for given in [&bytes, &whole] {
            if let Ok(found) = forms::read(given) {
                prop_assert!(!found.is_empty() && found.len() <= MAX_BUNDLES);
                for text in found {
                    if let Err(refusal) = AttestationBundle::parse(text.as_str()) {
                        prop_assert!(!refusal.to_string().is_empty());
                    }
                }
            }
            if let Ok(statement) = Statement::parse(given) {
                prop_assert!(!statement.subjects.is_empty());
            }
        }
    }
}
