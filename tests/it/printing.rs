//! What is written into a manifest is what was meant: a property over approvals and attestation policies.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use vetted::digest::{Digest, DigestSet};
use vetted::manifest::edit::{Draft, EditError};
use vetted::manifest::{
    Approval, Approved, Artifact, AttestationPolicy, Attestor, BundleVersion, EvidenceRef, FileListRef, Installed, Release,
    Shape, TrustPolicy,
};
use vetted::tool::{Ecosystem, Package, PackageVersion, Platform, ToolId};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/valid")
}

fn draft(text: &str) -> Draft {
    Draft::open(Path::new("vetted.toml"), text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn least() -> String {
    fs::read_to_string(folder().join("least.toml")).unwrap()
}

fn sha256(byte: u8) -> DigestSet {
    DigestSet::from(Digest::Sha256([byte; 32]))
}

/// A time of a whole second before the document was issued.
fn any_time() -> impl Strategy<Value = Timestamp> {
    (0_i64..1_700_000_000).prop_map(|seconds| Timestamp::from_second(seconds).unwrap())
}

fn any_version() -> impl Strategy<Value = String> {
    "[0-9]{1,2}\\.[0-9]{1,2}(-[a-z+~]{1,4})?"
}

fn any_path() -> impl Strategy<Value = String> {
    "[a-zé@' #\"]{1,6}(/[a-z.~]{1,3}x){0,2}".prop_map(|path| format!("a{path}"))
}

prop_compose! {
    fn any_package()(
        ecosystem in prop_oneof![Just(Ecosystem::Npm), Just(Ecosystem::Pypi), Just(Ecosystem::GitHub), Just(Ecosystem::HuggingFace)],
        name in "(@[a-z]{1,4}/)?[a-z]{1,5}[a-z0-9]",
        version in any_version(),
    ) -> PackageVersion {
        PackageVersion { package: Package::new(ecosystem, &name), version }
    }
}

prop_compose! {
    fn any_release()(
        package in option::of(any_package()),
        byte in any::<u8>(),
        is_long in any::<bool>(),
        evidence in vec((any_path(), any::<[u8; 32]>()), 0..4),
    ) -> Artifact {
        let mut digests = sha256(byte);
        if is_long {
            digests.insert(Digest::Sha512(Box::new([byte; 64]))).unwrap();
        }
        let mut seen = BTreeSet::new();
        let evidence = evidence.into_iter().filter(|(path, _)| seen.insert(path.clone()));
        let evidence = evidence.map(|(path, sha256)| EvidenceRef { path: path.into(), sha256 }).collect();
        Artifact::Release(Release { package, digests, evidence })
    }
}

prop_compose! {
    fn any_installed()(
        form in 0_u8..5,
        platform in option::of(Just(Platform("linux/x86_64".to_owned()))),
        package in option::of(any_package()),
        path in any_path(),
        globs in vec("[a-z]{1,3}/\\*\\*", 0..3),
        members in vec("[_a-z\"]{1,8}", 0..3),
        byte in any::<u8>(),
        has_list in any::<bool>(),
    ) -> Artifact {
        let list = || Some(FileListRef { path: path.clone().into(), digests: sha256(byte) });
        let members = members.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let (shape, digests, files) = match form {
            0 => (Shape::File { path: String::new() }, sha256(byte), None),
            1 => (Shape::File { path: path.clone() }, sha256(byte), None),
            2 => (Shape::Json { path: path.clone(), without: members }, sha256(byte), None),
            3 => (Shape::Packages, sha256(byte), list()),
            _ => {
                let files = if has_list { list() } else { None };
                (Shape::Tree { include: globs.clone(), exclude: globs }, DigestSet::from(Digest::DirHash([byte; 32])), files)
            }
        };
        Artifact::Installed(Installed { platform, package, shape, digests, files })
    }
}

/// What makes two artifacts of an approval the same one.
fn pinned(artifact: &Artifact) -> String {
    match artifact {
        Artifact::Release(r) => format!("{:?} {:?}", r.package, r.digests),
        Artifact::Installed(i) => format!("{:?} {:?} {:?} {:?}", i.platform, i.package, i.shape, i.digests),
    }
}

prop_compose! {
    fn any_approval()(
        version in any_version(),
        approved in option::of(("[a-z'\"\\\\]{1,8}x", any_time(), option::of("[A-Z]{1,3}-[0-9]{1,4}"))),
        released in option::of(any_time()),
        is_unattested in any::<bool>(),
        artifacts in vec(prop_oneof![any_release(), any_installed()], 1..6),
    ) -> Approval {
        let mut seen = BTreeSet::new();
        let artifacts: Vec<Artifact> = artifacts.into_iter().filter(|artifact| seen.insert(pinned(artifact))).collect();
        let has_evidence = artifacts.iter().any(|artifact| matches!(artifact, Artifact::Release(r) if !r.evidence.is_empty()));
        let approved = approved.map(|(by, at, ticket)| Approved { by: vec![by], at, ticket });
        Approval { version, approved, released, is_unattested: is_unattested && !has_evidence, artifacts, line: 0 }
    }
}

/// A key that a signer of the tests has.
fn key() -> Vec<u8> {
    let path = folder().join("trust.toml");
    let trust = TrustPolicy::parse(&path, &fs::read(&path).unwrap()).unwrap();
    trust.signers.values().find_map(|signer| signer.keys.first()).unwrap().spki.clone()
}

prop_compose! {
    fn any_policy()(
        predicates in proptest::sample::subsequence(vec!["https://slsa.dev/provenance/v1", "https://a.example/p", "urn:b"], 1..4),
        instance in prop_oneof![Just("sigstore-public-good"), Just("github"), Just("acme")],
        by in prop_oneof![
            Just(None),
            prop_oneof![Just("a+b@acme.example"), Just("https://github.com/a/b/.github/workflows/r.yml@refs/tags/v{version}")].prop_map(Some),
        ],
        not_after in option::of(any_time()),
        source in option::of(Just("https://git.acme.example/a".to_owned())),
        numbers in (option::of("[0-9]{1,20}"), option::of("[0-9]{1,20}")),
        builder in option::of(Just("https://b.example/'x'".to_owned())),
        min_bundle in option::of(prop_oneof![Just(BundleVersion::V0_1), Just(BundleVersion::V0_2), Just(BundleVersion::V0_3)]),
    ) -> AttestationPolicy {
        let is_key = by.is_none();
        AttestationPolicy {
            id: "A-1".to_owned(),
            predicates: predicates.into_iter().map(str::to_owned).collect(),
            instance: instance.to_owned(),
            by: match by {
                None => Attestor::Key { spki: key(), not_after },
                Some(identity) => {
                    Attestor::Identity { issuer: "https://token.actions.githubusercontent.com.acme.example".into(), identity: identity.into() }
                }
            },
            source: source.filter(|_| !is_key),
            source_id: numbers.0.filter(|_| !is_key),
            owner_id: numbers.1.filter(|_| !is_key),
            builder,
            min_bundle,
            line: 0,
        }
    }
}

proptest! {
    /// A manifest says of an approval and a policy what was given to be written, whatever stood there before.
    #[test]
    fn what_is_written_is_read_back(
        before in proptest::sample::select(vec!["least.toml", "full.toml", "extensions.toml"]),
        policy in any_policy(),
        approval in any_approval(),
    ) {
        let mut draft = draft(&fs::read_to_string(folder().join(before)).unwrap());
        draft.attest(&policy).unwrap_or_else(|e| panic!("{e}"));
        let id: ToolId = "new-tool".parse().unwrap();
        draft.approve(&id, None, &approval).unwrap_or_else(|e| panic!("{e}"));
        let required = draft.require(&id, "A-1");
        prop_assert_eq!(required.is_ok(), !approval.is_unattested, "{:?}", required);
        let document = draft.document();
        let read = AttestationPolicy { line: 0, ..document.attestations.last().unwrap().clone() };
        prop_assert_eq!(read, policy);
        let entry = document.tools.iter().find(|entry| entry.id == id).unwrap();
        prop_assert_eq!(entry.require.len(), usize::from(required.is_ok()));
        let read = Approval { line: 0, ..entry.approvals[0].clone() };
        prop_assert_eq!(read, approval);
    }
}

const POLICIES: &str = "[[attestation]]\nid = \"A-1\"\npredicate = \"p\"\nissuer = \"i\"\nidentity = \"a\"\n\
    [[attestation]]\nid = \"A-2\"\npredicate = \"p\"\nissuer = \"i\"\nidentity = \"a\"\n";

/// One id more is all that changes, wherever the entry has its list.
#[test]
fn a_requirement_goes_where_it_belongs() {
    let id = |text: &str| text.parse::<ToolId>().unwrap();
    for (entry, expected) in [
        (
            "[[tool]]\nid = \"b\" # ours\npurl = \"pkg:npm/b\"\n",
            "[[tool]]\nid = \"b\" # ours\nrequire = [\"A-2\"]\npurl = \"pkg:npm/b\"\n",
        ),
        ("[[tool]]\n  id = \"b\"", "[[tool]]\n  id = \"b\"\n  require = [\"A-2\"]"),
        (
            "[[tool]]\nrequire = [\n  \"A-1\", # one\n]\nid = \"b\"\n",
            "[[tool]]\nrequire = [\n  \"A-1\", \"A-2\", # one\n]\nid = \"b\"\n",
        ),
        ("[[tool]]\nid = \"b\"\nrequire = ['A-1']\n", "[[tool]]\nid = \"b\"\nrequire = ['A-1', \"A-2\"]\n"),
    ] {
        let before = format!("{}{POLICIES}# above\n{entry}", least());
        let mut draft = draft(&before);
        draft.require(&id("b"), "A-2").unwrap_or_else(|e| panic!("{e}\n{before}"));
        assert_eq!(draft.text(), format!("{}{POLICIES}# above\n{expected}", least()));
        let once = draft.text().to_owned();
        draft.require(&id("b"), "A-2").unwrap();
        assert_eq!(draft.text(), once, "it is required already");
        assert!(matches!(draft.require(&id("c"), "A-2"), Err(EditError::NoTool(_))));
        assert!(matches!(draft.require(&id("b"), "A-3"), Err(EditError::Invalid(_))));
        assert_eq!(draft.text(), once);
    }
    let inline = format!("{}tool = [{{ id = \"b\" }}]\n{POLICIES}", least());
    assert!(matches!(draft(&inline).require(&id("b"), "A-1"), Err(EditError::Inline("tool"))));
}
