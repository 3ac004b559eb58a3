//! What a key attests, with a log entry and without; and statements of one's own, because nobody publishes wrong ones.

use super::{NPM_PUBLISH, attested, by_key, changed, digests, parsed, read, refuses, root, texts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use vetted::digest::Digest;
use vetted::manifest::{Attestor, BundleVersion};
use vetted::trust::AttestationRefusal;
use vetted::trust::attested::{Attested, Expectation, attest};
use vetted::trust::key;
use vetted::trust::sigstore::{AttestationBundle, SigningKey};

const SIGSTORE_1_3_0: &str = "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751";
const SIGSTORE_2_3_1: &str = "sha512:f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681";

fn npm_publish() -> String {
    texts("npm-sigstore-2.3.1-attestations.json")[0].clone()
}

fn npm_key() -> Expectation {
    Expectation { predicates: vec![NPM_PUBLISH.into()], ..by_key("real/npm-attestations-2022.pub") }
}

fn ending(expected: Expectation, at: &str) -> Expectation {
    let Attestor::Key { spki, .. } = expected.by else { panic!("a key") };
    Expectation { by: Attestor::Key { spki, not_after: Some(at.parse().unwrap()) }, ..expected }
}

#[test]
fn what_npm_signed_with_its_key_counts_with_the_time_of_the_log() {
    let shown = attested(&npm_publish(), SIGSTORE_2_3_1, &npm_key(), "public-good").unwrap();
    assert_eq!((shown.issuer(), shown.identity(), shown.predicate()), (None, None, Some(NPM_PUBLISH)));
    assert_eq!(shown.root().unwrap().instance, "public-good");
    assert_eq!(shown.signed_at().len(), 1);
    let old = &texts("npm-sigstore-1.3.0-bundle-publish.json")[0];
    let first = Expectation { min_bundle: BundleVersion::V0_1, ..npm_key() };
    assert!(attested(old, SIGSTORE_1_3_0, &first, "public-good").is_ok());
    refuses!(attested(old, SIGSTORE_1_3_0, &npm_key(), "public-good"), AttestationRefusal::BundleVersion(d) if d.found == "0.1");
}

#[test]
fn a_key_counts_for_what_it_signed_before_it_ended() {
    let text = npm_publish();
    assert!(attested(&text, SIGSTORE_2_3_1, &ending(npm_key(), "2025-01-29T00:00:00Z"), "public-good").is_ok());
    refuses!(attested(&text, SIGSTORE_2_3_1, &ending(npm_key(), "2023-01-01T00:00:00Z"), "public-good"),
        AttestationRefusal::KeyEnded(d) if d.expected.contains("2023-01-01"));
    // The very second at which it ends is over.
    let signed = attested(&text, SIGSTORE_2_3_1, &npm_key(), "public-good").unwrap().signed_at()[0];
    refuses!(
        attested(&text, SIGSTORE_2_3_1, &ending(npm_key(), &signed.to_string()), "public-good"),
        AttestationRefusal::KeyEnded(_)
    );
    // Without a root nothing says when.
    let late = ending(npm_key(), "2025-01-29T00:00:00Z");
    refuses!(attest(&parsed(&text), &digests(SIGSTORE_2_3_1), &late, None),
        AttestationRefusal::KeyEnded(d) if d.found == "no verified time of signing");
}

#[test]
fn the_log_entry_of_a_key_is_verified_where_a_root_is_given() {
    let text = npm_publish();
    let entry = |change: &dyn Fn(&mut Value)| changed(&text, |b| change(&mut b["verificationMaterial"]["tlogEntries"][0]));
    let without_proof = entry(&|e| drop(e.as_object_mut().unwrap().remove("inclusionProof")));
    let other_time = entry(&|e| e["integratedTime"] = "1700000000".into());
    let cases = [(&without_proof, "inclusion proof"), (&other_time, "inclusion promise")];
    for (text, step) in cases {
        let refusal = attested(text, SIGSTORE_2_3_1, &npm_key(), "public-good").unwrap_err();
        assert_eq!(refusal.step(), step, "{refusal}");
        // The key alone is what counts without a root, and the report can say so.
        let shown = attest(&parsed(text), &digests(SIGSTORE_2_3_1), &npm_key(), None).unwrap();
        assert_eq!((shown.root(), shown.signed_at()), (None, &[][..]));
    }
}

/// Nobody may be told that a root vouched for an entry that nothing of it was verified of.
#[test]
fn an_entry_that_nothing_vouches_for_is_no_evidence_in_an_old_bundle_either() {
    let text = changed(&texts("npm-sigstore-1.3.0-bundle-publish.json")[0], |b| {
        let entry = b["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap();
        entry.remove("inclusionProof");
        let mut second = entry.clone();
        second.remove("inclusionPromise");
        b["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(second.into());
    });
    let expected = Expectation { min_bundle: BundleVersion::V0_1, ..npm_key() };
    refuses!(attested(&text, SIGSTORE_1_3_0, &expected, "public-good"), AttestationRefusal::InclusionPromise(_));
}

#[test]
fn another_key_is_refused_for_the_key_and_a_damaged_signature_for_the_signature() {
    refuses!(attested(&npm_publish(), SIGSTORE_2_3_1, &by_key("real/npm-attestations-2025.pub"), "public-good"),
        AttestationRefusal::Key(d) if d.found.contains("SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA"));
    // Where the hint names the key that is asked for, it is the signature that is wrong. npm's hints name nothing that others know.
    let own = Own::new();
    let damage = |text: &str| {
        changed(text, |b| {
            let signature = &mut b["dsseEnvelope"]["signatures"][0]["sig"];
            let mut bytes = BASE64.decode(signature.as_str().unwrap()).unwrap();
            bytes[20] ^= 1;
            *signature = BASE64.encode(bytes).into();
        })
    };
    let text = own.attest(&statement(json!([{ "name": "a", "digest": { "sha256": A } }])));
    refuses!(own.verify(&damage(&text), &format!("sha256:{A}")), AttestationRefusal::Signature(_));
    refuses!(attested(&damage(&npm_publish()), SIGSTORE_2_3_1, &npm_key(), "public-good"), AttestationRefusal::Key(_));
    let none = Expectation { by: Attestor::Key { spki: b"no key".to_vec(), not_after: None }, ..npm_key() };
    refuses!(attested(&npm_publish(), SIGSTORE_2_3_1, &none, "public-good"), AttestationRefusal::Key(_));
    // What a certificate claims, a key does not.
    type Ask = fn(&mut Expectation);
    let asking: [(Ask, &str); 4] = [
        (|e| e.source = Some("https://acme.example/app".into()), "source repository"),
        (|e| e.source_id = Some("1".into()), "source repository id"),
        (|e| e.owner_id = Some("1".into()), "source owner id"),
        (|e| e.builder = Some("https://acme.example/builder".into()), "builder"),
    ];
    for (ask, step) in asking {
        let mut expected = npm_key();
        ask(&mut expected);
        let refusal = attested(&npm_publish(), SIGSTORE_2_3_1, &expected, "public-good").unwrap_err();
        assert_eq!((refusal.step(), refusal.differs().found.as_str()), (step, "none"));
    }
    let identity = super::by_identity(super::ACTIONS, super::SIGSTORE_JS);
    refuses!(attested(&npm_publish(), SIGSTORE_2_3_1, &identity, "public-good"), AttestationRefusal::Material(_));
}

/// A key of an organisation that puts nothing into a log.
struct Own {
    key: SigningKey,
}

impl Own {
    fn new() -> Self {
        Self { key: key::generate().unwrap().0 }
    }

    fn expectation(&self) -> Expectation {
        let by = Attestor::Key { spki: self.key.spki().to_vec(), not_after: None };
        Expectation { by, ..super::by_identity("", "") }
    }

    /// A bundle of version 0.3 around a statement.
    fn attest(&self, statement: &str) -> String {
        let payload_type = "application/vnd.in-toto+json";
        let encoded = format!("DSSEv1 {} {payload_type} {} {statement}", payload_type.len(), statement.len());
        changed(&self.key.sign(encoded.as_bytes()).unwrap(), |b| {
            let message = b.as_object_mut().unwrap().remove("messageSignature").unwrap();
            b["dsseEnvelope"] = json!({
                "payload": BASE64.encode(statement),
                "payloadType": payload_type,
                "signatures": [{ "sig": message["signature"] }],
            });
        })
    }

    fn verify(&self, text: &str, subject: &str) -> Result<Attested, AttestationRefusal> {
        attest(&AttestationBundle::parse(text)?, &digests(subject), &self.expectation(), None)
    }
}

fn statement(subjects: Value) -> String {
    json!({ "_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://acme.example/p" })
        .to_string()
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Threats T-10 and T-22: any subject, and every digest that is known of it.
#[test]
fn every_subject_counts_under_every_digest_that_both_know() {
    let own = Own::new();
    let (a512, b512) = (A.repeat(2), B.repeat(2));
    let subjects = json!([
        { "name": "first", "digest": { "sha256": B, "gitCommit": "0" } },
        { "digest": { "sha1": "0" } },
        { "name": "third", "digest": { "sha256": A, "sha512": a512 } },
        { "name": "only sha512", "digest": { "sha512": b512 } },
    ]);
    let text = own.attest(&statement(subjects));
    for subject in [
        format!("sha256:{A}"),
        format!("sha256:{B}"),
        format!("sha512:{a512}"),
        format!("sha512:{b512}"),
        format!("sha256:{A} sha512:{a512}"),
    ] {
        let shown = own.verify(&text, &subject).unwrap_or_else(|e| panic!("{subject}: {e}"));
        assert_eq!((shown.root(), shown.predicate()), (None, Some("https://acme.example/p")));
        assert!(shown.signed_at().is_empty());
    }
    // The right sha256 with another sha512 is another file.
    let half = format!("sha256:{A} sha512:{}", "c".repeat(128));
    refuses!(own.verify(&text, &half), AttestationRefusal::Subject(d) if d.found.contains("and 1 more"));
    let none = own.attest(&statement(json!([{ "name": "a commit", "digest": { "gitCommit": "0" } }])));
    refuses!(own.verify(&none, &format!("sha256:{A}")), AttestationRefusal::Subject(_));
    // A digest of the file that nobody knows is no match.
    refuses!(attest(&parsed(&text), &vetted::digest::DigestSet::new(), &own.expectation(), None), AttestationRefusal::Subject(_));
}

#[test]
fn what_is_no_statement_is_refused_as_none() {
    let own = Own::new();
    let one = json!([{ "name": "a", "digest": { "sha256": A } }]);
    let whole = statement(one.clone());
    assert!(own.verify(&own.attest(&whole), &format!("sha256:{A}")).is_ok());
    let wrong = [
        whole.replace("Statement/v1", "Statement/v9"),
        statement(json!([])),
        statement(json!([{ "name": "a", "digest": { "sha256": A.to_uppercase() } }])),
        statement(json!([{ "name": "a", "digest": { "sha256": &A[1..] } }])),
        // A second value under one key: who reads the first and who reads the last would believe different things.
        whole.replace("\"digest\":{", &format!("\"digest\":{{\"sha256\":\"{B}\",")),
        whole.replace("\"subject\":", &format!("\"subject\":{one},\"subject\":")),
        statement(json!([{ "name": "a" }])),
        statement(Value::from(vec![one[0].clone(); 4097])),
        "[]".to_owned(),
        "\u{0}".to_owned(),
    ];
    for text in wrong {
        refuses!(own.verify(&own.attest(&text), &format!("sha256:{A}")), AttestationRefusal::Statement(_));
    }
}

#[test]
fn a_signature_over_the_file_by_a_key_counts_without_a_log() {
    let own = Own::new();
    let file = read("conformance/a.txt");
    let subject = Digest::sha256_of(&file).to_string();
    let text = own.key.sign(&file).unwrap();
    assert_eq!(own.verify(&text, &subject).unwrap().predicate(), None);
    refuses!(own.verify(&text, &format!("sha256:{A}")), AttestationRefusal::Subject(_));
    let silent = changed(&text, |b| drop(b["messageSignature"].as_object_mut().unwrap().remove("messageDigest")));
    assert!(own.verify(&silent, &subject).is_ok());
    refuses!(own.verify(&silent, &format!("sha256:{A}")), AttestationRefusal::Signature(_));
    refuses!(own.verify(&silent, &format!("sha512:{}", A.repeat(2))), AttestationRefusal::DigestAlgorithm(_));
    refuses!(Own::new().verify(&text, &subject), AttestationRefusal::Key(_));
    // Under a root without anything to verify under it, the key is still all that counts.
    let (trusted, used) = root("public-good");
    let shown = attest(&parsed(&text), &digests(&subject), &own.expectation(), Some((&trusted, &used))).unwrap();
    assert_eq!(shown.root(), None);
    let weak = changed(&text, |b| b["messageSignature"]["messageDigest"]["algorithm"] = "SHA2_384".into());
    refuses!(own.verify(&weak, &subject), AttestationRefusal::DigestAlgorithm(_));
}
