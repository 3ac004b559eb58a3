//! Signatures by identities at a Sigstore instance: real bundles made by others, and the one refusal that each change must end in.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use vetted::digest::Digest;
use vetted::manifest::TrustPolicy;
use vetted::manifest::trust_policy::{Identity, Role};
use vetted::trust::sigstore::{SignatureBundle, SigningKey, TrustRoot};
use vetted::trust::{Authority, EvidenceStep, Refusal, key, threshold};
use vetted::world::files::Files;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(name)).unwrap()
}

fn text(name: &str) -> String {
    let path = match name {
        "cosign-v3-blob" => "real/cosign-v3-blob.sigstore.json".to_owned(),
        case => format!("conformance/{case}/bundle.sigstore.json"),
    };
    String::from_utf8(read(&path)).unwrap()
}

fn bundle(name: &str) -> SignatureBundle {
    SignatureBundle::parse(&text(name)).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

/// A bundle with one change.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Result<SignatureBundle, Refusal> {
    let mut value: Value = serde_json::from_str(&text(name)).unwrap();
    change(&mut value);
    SignatureBundle::parse(&value.to_string())
}

/// A policy folder with two instances; the workflow has a key of its own besides, and Alice has a key alone.
struct House {
    folder: tempfile::TempDir,
    beacons: SigningKey,
    alice: SigningKey,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for root in ["public-good.json", "staging.json"] {
            fs::write(folder.path().join(root), read(&format!("roots/{root}"))).unwrap();
        }
        Self { folder, beacons: key::generate().unwrap().0, alice: key::generate().unwrap().0 }
    }

    fn policy(&self, issuer: &str, identity: &str) -> TrustPolicy {
        let at = |instance: &str| format!("{{ instance = \"{instance}\", issuer = \"{issuer}\", identity = \"{identity}\" }}");
        let key =
            |key: &SigningKey| format!("[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{}'''\n", key.public_pem());
        let instance = |id: &str| {
            let sha256 = Digest::sha256_of(&read(&format!("roots/{id}.json"))).hex();
            format!("[[instance]]\nid = \"{id}\"\ntrusted-root = {{ path = \"{id}.json\", sha256 = \"{sha256}\" }}\n")
        };
        let text = format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"acme\"\nversion = 1\nexpires = 2027-11-20T00:00:00Z\n\
             [[signer]]\nid = \"beacon\"\nsigstore = [{}, {}]\n{}[[signer]]\nid = \"alice\"\n{}\
             [role.root]\nthreshold = 1\nsigners = [\"alice\"]\n[role.manifest]\nthreshold = 2\nsigners = [\"beacon\", \"alice\"]\n\
             [role.revocations]\nthreshold = 1\nsigners = [\"alice\"]\n{}{}",
            at("public-good"),
            at("staging"),
            key(&self.beacons),
            key(&self.alice),
            instance("public-good"),
            instance("staging"),
        );
        TrustPolicy::parse(Path::new("vetted-trust.toml"), text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn load(&self) -> Result<Authority, Refusal> {
        Authority::load(Files, self.folder.path(), self.policy(ISSUER, BEACON))
    }

    fn authority(&self) -> Authority {
        self.load().unwrap_or_else(|refusal| panic!("{refusal}"))
    }
}

fn signer_of(authority: &Authority, bundle: &SignatureBundle, document: &[u8]) -> Result<String, Refusal> {
    threshold::signer_of(bundle, authority, Role::Manifest, document, crate::support::NOW.parse().unwrap()).map(str::to_owned)
}

macro_rules! refuses {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        let refusal = $result.expect_err("it must not count");
        assert!(matches!(&refusal, $pattern $(if $guard)?), "{refusal:?}");
    };
}

#[test]
fn real_bundles_of_both_kinds_of_log_count() {
    let authority = House::new().authority();
    for name in ["happy-path-v0.3", "happy-path-v0.3-new-mediaType", "rekor2-happy-path"] {
        assert_eq!(signer_of(&authority, &bundle(name), &read("conformance/a.txt")).unwrap(), "beacon", "{name}");
    }
    let SignatureBundle::Identity(cosign) = bundle("cosign-v3-blob") else { panic!("an identity") };
    let root = TrustRoot::parse(&read("roots/public-good.json")).unwrap();
    let identity = Identity {
        instance: "public-good".into(),
        issuer: "https://github.com/login/oauth".into(),
        identity: "w.vollprecht@gmail.com".into(),
    };
    cosign.verify(&read("real/cosign-v3-blob.txt"), &root, &identity).unwrap();
}

/// What a key signed counts for its key, whatever log it was put into.
#[test]
fn a_key_bundle_with_a_log_entry_is_a_key_bundle() {
    let SignatureBundle::Key(bundle) = bundle("managed-key-happy-path") else { panic!("a key") };
    let pem = String::from_utf8(read("conformance/managed-key-happy-path/key.pub")).unwrap();
    let spki = pkcs8::Document::from_pem(&pem).unwrap().1;
    assert!(bundle.is_by(spki.as_bytes(), &read("conformance/a.txt")));
    assert!(!bundle.is_by(spki.as_bytes(), b"other bytes"));
}

/// Threat T-08: a signer is one voice, by a key, by an identity, and by two identities.
#[test]
fn one_signer_counts_once_whatever_way_they_sign() {
    let house = House::new();
    let authority = house.authority();
    let document = read("conformance/a.txt");
    let by_key = |key: &SigningKey| SignatureBundle::parse(&key.sign(&document).unwrap()).unwrap();
    let verify = |bundles: &[SignatureBundle]| {
        threshold::verify(&authority, Role::Manifest, &document, bundles, crate::support::NOW.parse().unwrap())
    };
    let own = by_key(&house.beacons);
    for twice in [
        [own.clone(), bundle("happy-path-v0.3")],
        [bundle("happy-path-v0.3"), bundle("happy-path-v0.3-new-mediaType")],
        [bundle("happy-path-v0.3"), bundle("rekor2-happy-path")],
    ] {
        refuses!(verify(&twice), Refusal::Threshold { found, needed: 2, missing, .. } if found == &["beacon"] && missing == &["alice"]);
    }
    for two in [own, bundle("rekor2-happy-path")] {
        assert_eq!(verify(&[two, by_key(&house.alice)]).unwrap(), ["beacon", "alice"]);
    }
}

/// Threat T-11: exact strings, no patterns.
#[test]
fn only_the_exact_identity_of_the_exact_issuer_counts() {
    let house = House::new();
    let close = [
        (ISSUER, &BEACON[..BEACON.len() - 1]),
        (ISSUER, &format!("{BEACON}/x")),
        (ISSUER, &BEACON.to_uppercase()),
        ("https://token.actions.githubusercontent.com/", BEACON),
        ("https://accounts.google.com", BEACON),
    ];
    for (issuer, identity) in close {
        let authority = Authority::load(Files, house.folder.path(), house.policy(issuer, identity)).unwrap();
        refuses!(signer_of(&authority, &bundle("happy-path-v0.3"), &read("conformance/a.txt")),
            Refusal::NoIdentityOfRole { role: Role::Manifest, identity: found, issuer: by } if found == BEACON && by == ISSUER);
    }
    // The verification asks by itself as well.
    let SignatureBundle::Identity(bundle) = bundle("happy-path-v0.3") else { panic!("an identity") };
    let root = TrustRoot::parse(&read("roots/public-good.json")).unwrap();
    let asked = Identity { instance: String::new(), issuer: ISSUER.into(), identity: "somebody".into() };
    refuses!(bundle.verify(&read("conformance/a.txt"), &root, &asked), Refusal::Evidence { step: EvidenceStep::Identity, .. });
}

#[test]
fn an_identity_signs_what_its_role_signs() {
    let authority = House::new().authority();
    let found = threshold::signer_of(
        &bundle("happy-path-v0.3"),
        &authority,
        Role::Revocations,
        &read("conformance/a.txt"),
        crate::support::NOW.parse().unwrap(),
    );
    refuses!(found, Refusal::NoIdentityOfRole { role: Role::Revocations, .. });
}

/// Threat T-12: nobody signs the media type, and a promise is no proof.
#[test]
fn downgraded_bundles_are_refused() {
    // A single certificate is a form of version 0.3, a promise without a proof one of version 0.1.
    for media_type in
        ["application/vnd.dev.sigstore.bundle+json;version=0.1", "application/vnd.dev.sigstore.bundle+json;version=0.2"]
    {
        for with_proof in [true, false] {
            let downgraded = changed("happy-path-v0.3", |b| {
                b["mediaType"] = media_type.into();
                if !with_proof {
                    b["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
                }
            });
            refuses!(downgraded, Refusal::MediaType(found) if found == media_type);
        }
    }
    refuses!(SignatureBundle::parse(&text("happy-path-v0.1")), Refusal::MediaType(_));
    // Version 0.2 with a chain is what sigstore-js writes: it counts for what it proves, and for nothing without its proof.
    let authority = House::new().authority();
    assert!(signer_of(&authority, &bundle("happy-path-v0.2"), &read("conformance/a.txt")).is_ok());
    let promise = changed("happy-path-v0.2", |b| {
        b["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
    });
    refuses!(signer_of(&authority, &promise.unwrap(), &read("conformance/a.txt")), Refusal::NoInclusionProof { .. });
    let renamed = changed("happy-path-v0.2", |b| b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into());
    refuses!(renamed, Refusal::MediaType(_));
    refuses!(SignatureBundle::parse(&text("happy-path-intoto-in-dsse-v3")), Refusal::NotAMessage);
    let chain = changed("happy-path-v0.3", |b| {
        let certificate = b["verificationMaterial"].as_object_mut().unwrap().remove("certificate").unwrap();
        b["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": [certificate] });
    });
    refuses!(chain, Refusal::CertificateChain);
}

#[test]
fn a_signature_without_proof_of_its_log_entry_is_refused() {
    let authority = House::new().authority();
    for name in ["happy-path-v0.3", "rekor2-happy-path"] {
        let promise = changed(name, |b| {
            b["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
        });
        refuses!(signer_of(&authority, &promise.unwrap(), &read("conformance/a.txt")), Refusal::NoInclusionProof { .. });
        let nothing = changed(name, |b| b["verificationMaterial"]["tlogEntries"] = json!([]));
        refuses!(signer_of(&authority, &nothing.unwrap(), &read("conformance/a.txt")), Refusal::NoInclusionProof { .. });
        let second = changed(name, |b| {
            let mut entry = b["verificationMaterial"]["tlogEntries"][0].clone();
            entry.as_object_mut().unwrap().remove("inclusionProof");
            b["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(entry);
        });
        refuses!(signer_of(&authority, &second.unwrap(), &read("conformance/a.txt")), Refusal::NoInclusionProof { .. });
    }
}

#[test]
fn a_signature_at_no_verified_time_is_refused() {
    let authority = House::new().authority();
    let untimed = changed("happy-path-v0.3", |b| {
        b["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionPromise");
    });
    refuses!(
        signer_of(&authority, &untimed.unwrap(), &read("conformance/a.txt")),
        Refusal::Evidence { step: EvidenceStep::Time, .. }
    );
}

/// Cases of the conformance suite that have to fail, each at its step.
#[test]
fn each_damaged_bundle_is_refused_at_its_step() {
    let authority = House::new().authority();
    let identity = Identity { instance: String::new(), issuer: ISSUER.into(), identity: BEACON.into() };
    let step_of = |name: &str| {
        // One case has line breaks in the base64 of its time stamp, which is refused for the form alone.
        let whole = changed(name, |b| {
            let stamps = b.pointer_mut("/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp");
            if let Some(stamp) = stamps {
                *stamp = stamp.as_str().unwrap().replace('\n', "").into();
            }
        });
        let SignatureBundle::Identity(bundle) = whole.unwrap() else { panic!("an identity") };
        let root = read(if name.starts_with("rekor2") { "roots/staging.json" } else { "roots/public-good.json" });
        match bundle.verify(&read("conformance/a.txt"), &TrustRoot::parse(&root).unwrap(), &identity) {
            Err(Refusal::Evidence { step, .. }) => step,
            other => panic!("{name}: {other:?}"),
        }
    };
    for (name, step) in [
        ("inclusion-proof-corrupted-hash_fail", EvidenceStep::Log),
        ("rekor2-checkpoint-no-matching-signature_fail", EvidenceStep::Log),
        ("rekor2-no-timestamp_fail", EvidenceStep::Time),
        ("rekor2-timestamp-payload-mismatch_fail", EvidenceStep::Time),
        ("rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", EvidenceStep::Time),
        ("rekor2-timestamp-with-incorrect-time_fail", EvidenceStep::Certificate),
        ("wrong-hashedrekord-artifact_fail", EvidenceStep::Digest),
        ("wrong-hashedrekord-cert-and-sig_fail", EvidenceStep::Log),
        ("wrong-hashedrekord-entry_fail", EvidenceStep::Digest),
    ] {
        assert_eq!(step_of(name), step, "{name}");
    }
    refuses!(SignatureBundle::parse(&text("rekor2-checkpoint-missing-log-signature_fail")), Refusal::BundleUnreadable(_));
    let found = signer_of(&authority, &bundle("message-digest-mismatch_fail"), &read("conformance/a.txt"));
    refuses!(found, Refusal::Digest { .. });
    let found = signer_of(&authority, &bundle("rekor2-no-inclusion-proof_fail"), &read("conformance/a.txt"));
    refuses!(found, Refusal::NoInclusionProof { .. });

    let SignatureBundle::Identity(untimely) = bundle("integrated-time-in-future_fail") else { panic!("an identity") };
    let account = Identity { instance: String::new(), issuer: untimely.issuer().into(), identity: untimely.identity().into() };
    assert_eq!(account.identity, "untrusted-sa@sigstore-conformance.iam.gserviceaccount.com");
    let root = TrustRoot::parse(&read("roots/public-good.json")).unwrap();
    refuses!(untimely.verify(&read("conformance/a.txt"), &root, &account), Refusal::Evidence { .. });
}

#[test]
fn other_bytes_are_not_what_an_identity_signed() {
    let authority = House::new().authority();
    refuses!(signer_of(&authority, &bundle("happy-path-v0.3"), b"other bytes"), Refusal::Digest { .. });
    let silent = changed("happy-path-v0.3", |b| {
        b["messageSignature"].as_object_mut().unwrap().remove("messageDigest");
    });
    refuses!(signer_of(&authority, &silent.unwrap(), b"other bytes"), Refusal::Evidence { step: EvidenceStep::Signature, .. });
}

#[test]
fn the_trusted_root_is_the_pinned_one() {
    let house = House::new();
    let root = house.folder.path().join("public-good.json");
    let whole = fs::read(&root).unwrap();
    fs::write(&root, [&whole[..], b"\n"].concat()).unwrap();
    refuses!(house.load(), Refusal::TrustedRootDigest { instance, expected, found } if &**instance == "public-good" && expected != found);
    fs::remove_file(&root).unwrap();
    refuses!(house.load(), Refusal::TrustedRoot { instance, .. } if instance == "public-good");

    // What is pinned has to be a trusted root, too.
    let mut policy = house.policy(ISSUER, BEACON);
    for content in ["", "{}", "[1]", "\u{0}"] {
        fs::write(&root, content).unwrap();
        policy.instances.get_mut("public-good").unwrap().sha256 = Digest::sha256_of(content.as_bytes());
        let loaded = Authority::load(Files, house.folder.path(), policy.clone());
        match loaded {
            Err(Refusal::TrustedRoot { .. }) => {}
            // A root that names nobody vouches for nobody.
            Ok(authority) => {
                refuses!(signer_of(&authority, &bundle("happy-path-v0.3"), &read("conformance/a.txt")), Refusal::Evidence { .. });
            }
            other => panic!("{other:?}"),
        }
    }
    // An earlier version of a policy may have lost its root: then its identities count for nobody.
    fs::remove_file(&root).unwrap();
    let earlier = Authority::load_earlier(Files, house.folder.path(), house.policy(ISSUER, BEACON));
    assert_eq!(signer_of(&earlier, &bundle("rekor2-happy-path"), &read("conformance/a.txt")).unwrap(), "beacon");
    let mut alone = earlier;
    alone.roots.clear();
    refuses!(signer_of(&alone, &bundle("happy-path-v0.3"), &read("conformance/a.txt")), Refusal::TrustedRoot { .. });
}

#[test]
fn the_root_of_another_instance_vouches_for_nobody() {
    let SignatureBundle::Identity(bundle) = bundle("happy-path-v0.3") else { panic!("an identity") };
    let identity = Identity { instance: String::new(), issuer: ISSUER.into(), identity: BEACON.into() };
    let verify = |root: &Value| {
        let root = TrustRoot::parse(root.to_string().as_bytes()).unwrap();
        bundle.verify(&read("conformance/a.txt"), &root, &identity)
    };
    let own: Value = serde_json::from_slice(&read("roots/public-good.json")).unwrap();
    let other: Value = serde_json::from_slice(&read("roots/staging.json")).unwrap();
    assert!(verify(&own).is_ok());
    refuses!(verify(&other), Refusal::Evidence { .. });
    for (part, step) in [
        ("certificateAuthorities", EvidenceStep::Certificate),
        ("ctlogs", EvidenceStep::CertificateLog),
        ("tlogs", EvidenceStep::Log),
    ] {
        let mut mixed = own.clone();
        mixed[part] = other[part].clone();
        refuses!(verify(&mixed), Refusal::Evidence { step: found, .. } if *found == step);
    }
    // An instance without a certificate log says so in its root, which the trust policy pins.
    let mut without = own;
    without["ctlogs"] = json!([]);
    assert!(verify(&without).is_ok());
}

/// In a folder: Alice signs with a key, the workflow with its identity, over the exact bytes of the manifest.
#[test]
fn a_bundle_of_another_file_does_not_count_in_a_folder() {
    let house = House::new();
    let path = |name: &str| -> PathBuf { house.folder.path().join(name) };
    let authority = house.authority();
    let manifest = b"kind = \"vetted/manifest\"\nschema = 1\nname = \"acme\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
        expires = 2026-12-20T00:00:00Z\nmode = \"enforce\"\n";
    fs::write(path("vetted.toml"), manifest).unwrap();
    let lines = [text("happy-path-v0.3").replace('\n', ""), house.alice.sign(manifest).unwrap()];
    fs::write(path("vetted.toml.sigstore.jsonl"), lines.join("\n")).unwrap();
    let bundles: Vec<_> = vetted::trust::document::read_bundle_texts(Files, &path("vetted.toml"))
        .unwrap()
        .iter()
        .map(|text| SignatureBundle::parse(text).unwrap())
        .collect();
    let found = threshold::verify(&authority, Role::Manifest, manifest, &bundles, crate::support::NOW.parse().unwrap());
    refuses!(found, Refusal::Threshold { found, refused, .. } if found == &["alice"] && matches!(refused[..], [Refusal::Digest { .. }]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any byte of a bundle changed: refused, or the same signer of the same bytes.
    #[test]
    fn a_flipped_byte_makes_nobody_else_sign(at in any::<prop::sample::Index>(), flip in 1_u8..=255, which in 0_usize..2) {
        let authority = shared();
        let mut bytes = text(["happy-path-v0.3", "rekor2-happy-path"][which]).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(bundle) = SignatureBundle::parse(&text)
            && let Ok(signer) = signer_of(authority, &bundle, &read("conformance/a.txt"))
        {
            prop_assert_eq!(signer, "beacon");
            prop_assert!(signer_of(authority, &bundle, b"other bytes").is_err());
        }
    }
}

fn shared() -> &'static Authority {
    static SHARED: std::sync::OnceLock<Authority> = std::sync::OnceLock::new();
    SHARED.get_or_init(|| House::new().authority())
}
