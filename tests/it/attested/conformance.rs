//! The cases of sigstore-conformance, by path and by digest, through the code of the client that the suite's own runner drives; and
//! for each that has to fail the step at which it does.

use super::client::Verify;
use super::{folder, read};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vetted::digest::Digest;
use vetted::trust::AttestationRefusal;

const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";

/// Each case that has to fail, with the step at which it is refused. Where that is not the fault in its name, the remark says why and
/// what reaches the fault instead.
const REFUSED: [(&str, &str); 49] = [
    ("bundle-empty-certificate-chain_fail", "certificate"),
    ("bundle-from-wrong-instance_fail", "inclusion promise"),
    ("bundle-invalid-base64-signature_fail", "form"),
    ("bundle-malformed-json_fail", "unreadable"),
    ("bundle-negative-log-index_fail", "form"),
    ("bundle-unknown-version_fail", "media type"),
    // Its proof has no checkpoint. A root in the chain proves nothing and harms nothing: what is trusted stands in the trusted root,
    // and real bundles of 2023 have it (`npm-sigstore-1.3.0-bundle-provenance.json`).
    ("bundle-with-root-cert_fail", "checkpoint"),
    ("checkpoint-bad-keyhint_fail", "checkpoint"),
    ("checkpoint-wrong-roothash_fail", "checkpoint"),
    ("dsse-invalid-sig_fail", "signature"),
    ("dsse-mismatch-envelope_fail", "log entry"),
    ("dsse-mismatch-sig_fail", "log entry"),
    ("inclusion-proof-corrupted-hash_fail", "inclusion proof"),
    // The log never promised to take in the entry with the other key; `wrong-hashedrekord-cert-and-sig_fail` has an entry that it holds.
    ("incorrect-public-key_fail", "inclusion promise"),
    ("integrated-time-in-future_fail", "certificate"),
    ("intoto-expired-certificate_fail", "certificate"),
    ("intoto-log-entry-mismatch_fail", "log entry"),
    ("intoto-missing-inclusion-proof_fail", "inclusion proof"),
    ("intoto-set-outside-signing-cert-validity_fail", "certificate"),
    ("intoto-tsa-timestamp-outside-cert-validity_fail", "certificate"),
    ("invalid-checkpoint-signature_fail", "checkpoint"),
    ("invalid-ct-key_fail", "certificate transparency"),
    // Its proof has no checkpoint; `mutations` has the proof of another entry with one.
    ("invalid-inclusion-proof_fail", "checkpoint"),
    ("managed-key-no-key_fail", "verification material"),
    // The other key of the case is no base64; `keys` has another key that is one.
    ("managed-key-wrong-key_fail", "unreadable"),
    ("message-digest-mismatch_fail", "subject"),
    ("rekor2-checkpoint-missing-log-signature_fail", "checkpoint"),
    ("rekor2-checkpoint-missing-origin_fail", "checkpoint"),
    ("rekor2-checkpoint-missing-root-hash_fail", "checkpoint"),
    ("rekor2-checkpoint-missing-size_fail", "checkpoint"),
    ("rekor2-checkpoint-no-matching-signature_fail", "checkpoint"),
    ("rekor2-dsse-invalid-sig_fail", "signature"),
    ("rekor2-dsse-mismatch-envelope_fail", "log entry"),
    ("rekor2-dsse-mismatch-sig_fail", "log entry"),
    ("rekor2-no-inclusion-proof_fail", "inclusion proof"),
    ("rekor2-no-timestamp_fail", "time"),
    ("rekor2-timestamp-outside-trust-root-tsa-validity_fail", "time"),
    ("rekor2-timestamp-outside-tsa-cert-validity_fail", "time"),
    ("rekor2-timestamp-payload-mismatch_fail", "time"),
    ("rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", "time"),
    ("rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", "time"),
    // Its base64 has line breaks, which JSON of protocol buffers does not; below it is verified without them.
    ("rekor2-timestamp-with-incorrect-time_fail", "form"),
    ("set-invalid-signature_fail", "inclusion promise"),
    ("signature-mismatch_fail", "signature"),
    ("trust-root-tlog-missing-validity-start_fail", "trusted root"),
    ("wrong-hashedrekord-artifact_fail", "log entry"),
    ("wrong-hashedrekord-cert-and-sig_fail", "log entry"),
    ("wrong-hashedrekord-entry_fail", "log entry"),
    ("wrong-material_fail", "subject"),
];

/// The arguments with which the suite calls its client for a case: by path and by digest.
fn calls(case: &Path) -> [Vec<String>; 2] {
    let line = |name: &str| fs::read_to_string(case.join(name)).ok().map(|text| text.trim().to_owned());
    let place = |name: &str| case.join(name).to_str().unwrap().to_owned();
    let artifact = if case.join("artifact").exists() { case.join("artifact") } else { case.parent().unwrap().join("a.txt") };
    let mut given = vec!["verify-bundle".to_owned(), "--bundle".to_owned(), place("bundle.sigstore.json")];
    if case.join("key.pub").exists() {
        given.extend(["--key".to_owned(), place("key.pub")]);
    } else {
        given.extend(["--certificate-identity".to_owned(), line("identity").unwrap_or_else(|| BEACON.to_owned())]);
        given.extend(["--certificate-oidc-issuer".to_owned(), line("issuer").unwrap_or_else(|| super::ACTIONS.to_owned())]);
    }
    if case.join("trusted_root.json").exists() {
        given.extend(["--trusted-root".to_owned(), place("trusted_root.json")]);
    }
    let digest = Digest::sha256_of(&fs::read(&artifact).unwrap()).to_string();
    [artifact.to_str().unwrap().to_owned(), digest].map(|what| [given.clone(), vec![what]].concat())
}

/// The step at which a case is refused; `None` where it is believed.
fn step_of(arguments: Vec<String>) -> Option<&'static str> {
    let refused = Verify::parse(arguments).unwrap().run().err()?;
    Some(refused.downcast_ref::<AttestationRefusal>().map_or("unreadable", AttestationRefusal::step))
}

#[test]
fn every_case_of_the_suite_ends_as_it_has_to() {
    let steps: BTreeMap<&str, &str> = REFUSED.into();
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder().join("conformance")).unwrap() {
        let case = entry.unwrap().path();
        if !case.is_dir() {
            continue;
        }
        cases += 1;
        let name = case.file_name().unwrap().to_str().unwrap();
        let expected = steps.get(name).copied();
        assert_eq!(expected.is_some(), name.ends_with("_fail"), "{name}: the table has the cases that fail");
        for arguments in calls(&case) {
            let found = step_of(arguments);
            if found != expected {
                wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases, 70);
}

/// A case that is refused for its line breaks, without them.
#[test]
fn a_time_stamp_after_the_end_of_the_certificate_is_refused_for_that() {
    let case = "conformance/rekor2-timestamp-with-incorrect-time_fail";
    let text = String::from_utf8(read(&format!("{case}/bundle.sigstore.json"))).unwrap();
    let whole = super::changed(&text, |bundle| {
        let stamp = bundle.pointer_mut("/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp");
        let stamp = stamp.unwrap();
        *stamp = stamp.as_str().unwrap().replace('\n', "").into();
    });
    let expected = super::by_identity(super::ACTIONS, BEACON);
    let subject = Digest::sha256_of(&read("conformance/a.txt")).to_string();
    super::refuses!(super::attested(&whole, &subject, &expected, "staging"), AttestationRefusal::Certificate(_));
}

#[test]
fn the_protocol_takes_a_digest_only_where_no_file_is_called_so() {
    for words in [vec!["verify-bundle"], vec!["sign-bundle", "a"], vec!["verify-bundle", "--nonsense", "a"], vec![]] {
        assert!(Verify::parse(words.iter().map(|word| (*word).to_owned())).is_err(), "{words:?}");
    }
    let missing = Verify::parse(["verify-bundle", "--bundle", "/nowhere", "a"].map(str::to_owned)).unwrap();
    assert!(missing.run().is_err());
}
