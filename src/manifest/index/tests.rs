//! An index says what its manifest says, or it is none.

use super::*;
use crate::catalogue::Catalogue;
use crate::evidence::{Evidence, Executable, Extent, Identification, Measurement, Sighting, State};
use crate::policy::{Policy, decide};
use crate::tool::Channel;
use crate::trust::Verified;
use crate::version::{Scheme, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "kind = \"vetted/manifest\"\nschema = 1\nname = \"acme.example/ai-tools\"\nserial = 47\n\
    issued = 2026-11-20T17:42:10Z\nexpires = 2026-12-04T17:42:10Z\nmode = \"enforce\"\n";

const KEY: &str = "key = { algorithm = \"ecdsa-p256-sha256\", not-after = 2027-06-01T00:00:00Z, pem = \"\"\"\n-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZCwgiJRwakZvvwCGxjX0WWXAEBw+\ncVsJoCR1b+el1lgoGqu2cFAMhk3Blf8NamQeefB6PXpd2sXVqFfL5tjv1g==\n\
    -----END PUBLIC KEY-----\n\"\"\" }\n";

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn parsed(text: &str) -> Manifest {
    Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// The manifest of its own index.
fn indexed(manifest: &Manifest) -> Manifest {
    Manifest::of_index(manifest.to_index().expect("an index")).expect("what was written is read")
}

fn hex(bytes: usize, seed: u8) -> String {
    hex::encode((0..bytes).map(|at| seed.wrapping_add(u8::try_from(at % 7).unwrap())).collect::<Vec<_>>())
}

/// A digest of a file by a small number, so that some are approved twice.
fn file_digest(seed: u8) -> String {
    hex(32, seed)
}

prop_compose! {
    fn any_text()(text in "[a-zA-Z0-9äöü€ ._-]{0,8}") -> String {
        // Free text has an end that is no space, and is not empty.
        format!("x{text}x")
    }
}

prop_compose! {
    /// The lines of an artifact: of two that are the same, one is enough.
    fn any_artifact()(
        form in 0_u8..6,
        platform in proptest::option::of(prop_oneof![Just("linux/x86_64"), Just("macos/aarch64")]),
        package in proptest::option::of(prop_oneof![Just("pkg:npm/%40acme/x@1.0.0"), Just("pkg:pypi/y@2"), Just("pkg:vscode-extension/acme/z@3.0.0")]),
        seed in 0_u8..12,
        path in "[a-zé]{1,4}(/[a-z]{1,3}){0,2}",
        exclude in vec("[a-z]{1,3}/\\*\\*", 0..3),
        list in any::<bool>(),
    ) -> String {
        let mut text = String::new();
        let (sha256, sha512) = (hex(32, seed), hex(64, seed));
        let _ = match form {
            0 if seed % 2 == 0 => writeln!(text, "role = \"release\"\ndigest = {{ sha512 = \"{sha512}\" }}"),
            0 => writeln!(text, "role = \"release\"\ndigest = {{ sha256 = \"{sha256}\", sha512 = \"{sha512}\" }}"),
            1 => writeln!(text, "role = \"installed\"\ntype = \"tree\"\ndigest = {{ dirHash = \"{sha256}\" }}\nexclude = {exclude:?}"),
            2 => writeln!(text, "role = \"installed\"\ntype = \"file\"\ndigest = {{ sha256 = \"{}\" }}", file_digest(seed)),
            3 => writeln!(text, "role = \"installed\"\ntype = \"packages\""),
            4 => writeln!(text, "role = \"installed\"\ntype = \"json\"\npath = \"{path}\"\nwithout = [\"{}\"]\ndigest = {{ sha256 = \"{sha256}\" }}", path.chars().next().unwrap_or('x')),
            _ => writeln!(text, "role = \"installed\"\ntype = \"file\"\npath = \"{path}\"\ndigest = {{ sha256 = \"{}\" }}", file_digest(seed)),
        };
        if (form == 1 && list) || form == 3 {
            let _ = writeln!(text, "files = {{ path = \"files-{seed}.json\", sha256 = \"{sha256}\" }}");
        }
        if form == 0 && list {
            let _ = writeln!(text, "evidence = [{{ path = \"a/{path}\", sha256 = \"{sha256}\" }}, {{ path = \"b.json\", sha256 = \"{sha256}\" }}]");
        }
        if let Some(package) = package {
            let _ = writeln!(text, "purl = \"{package}\"");
        }
        if let Some(platform) = platform
            && form > 0
        {
            let _ = writeln!(text, "platform = \"{platform}\"");
        }
        text
    }
}

/// What makes two artifacts the same: everything but the place of their lists and evidence.
fn pinned(artifact: &str) -> String {
    artifact.lines().filter(|line| !line.starts_with("evidence")).collect()
}

prop_compose! {
    /// The lines of an approval.
    fn any_approval()(
        version in (0_u8..4, 0_u8..4),
        approved in proptest::option::of((vec(any_text(), 1..3), 0_i64..4_000_000_000, proptest::option::of(any_text()))),
        released in proptest::option::of((0_i64..1_700_000_000, 0_i32..1000)),
        artifacts in vec(any_artifact(), 1..5),
    ) -> String {
        let mut text = format!("  [[tool.approval]]\nversion = \"1.{}.{}\"\n", version.0, version.1);
        if let Some((mut by, seconds, ticket)) = approved {
            by.sort();
            by.dedup();
            let at = Timestamp::from_second(seconds).unwrap();
            let ticket = ticket.map(|ticket| format!(", ticket = {ticket:?}")).unwrap_or_default();
            let _ = writeln!(text, "approved = {{ by = {by:?}, at = {at}{ticket} }}");
        }
        if let Some((seconds, milliseconds)) = released {
            let _ = writeln!(text, "released = {}", Timestamp::new(seconds, milliseconds * 1_000_000).unwrap());
        }
        if artifacts.iter().all(|artifact| !artifact.contains("evidence")) && version.0 == 0 {
            text.push_str("attestation = \"none\"\n");
        }
        let mut seen = BTreeSet::new();
        for artifact in artifacts {
            if seen.insert(pinned(&artifact)) {
                let _ = write!(text, "    [[tool.approval.artifact]]\n{artifact}");
            }
        }
        text
    }
}

prop_compose! {
    fn any_manifest()(
        tools in vec((proptest::bool::weighted(0.2), vec(any_approval(), 0..6)), 1..5),
        revoked in vec((0_u8..12, any::<bool>(), any_text()), 0..3),
        withdrawn in any::<bool>(),
        waived in any::<bool>(),
        overlay in any::<bool>(),
        grace in 0_u8..72,
        client in any::<bool>(),
        attested in proptest::option::of((0_u8..3, any::<bool>())),
    ) -> Option<Manifest> {
        let mut text = HEAD.to_owned();
        if client {
            text.push_str("requires-client = \">=0.0.1, <9.0.0\"\n");
        }
        let _ = write!(text, "[defaults]\nunlisted = {{ cli = \"block\", sdk = \"warn\", ide = \"allow\", ide-extension = \"warn\", mcp-server = \"block\", action = \"block\", model = \"warn\" }}\ngrace = \"{grace}h\"\ncooldown = \"{grace}h\"\nmin-bundle = \"0.{}\"\n", 1 + grace % 3);
        text.push_str("[sync]\nsources = [\"https://policy.acme.example/ai\"]\nevery = \"30m\"\n");
        for (number, (recognise, approvals)) in tools.iter().enumerate() {
            let _ = write!(text, "[[tool]]\nid = \"tool-{number}\"\n");
            if let Some((0, _)) = attested
                && !approvals.concat().contains("attestation = ")
            {
                text.push_str("require = [\"A-1\"]\n");
            }
            if *recognise {
                let _ = write!(text, "[tool.recognise]\nvendor = \"acme\"\nkind = \"cli\"\npackages = [\"pkg:npm/%40acme/t{number}\"]\nbinaries = [\"t{number}\"]\n");
            }
            text.push_str(&approvals.concat());
        }
        for (number, (seed, by_range, message)) in revoked.iter().enumerate() {
            let _ = write!(
                text,
                "[[revocation]]\nid = \"R-{number}\"\nreason = \"malicious\"\nseverity = \"high\"\neffective = 2026-07-10T00:00:00Z\nmessage = {message:?}\n"
            );
            if *by_range {
                text.push_str("affected = [{ tool = \"tool-1\", ranges = [{ introduced = \"1.1.0\", fixed = \"1.2.0\" }, { introduced = \"1.3.0\" }] }, { package = \"pkg:npm/%40acme/t1\" }, { vendor = \"evil\" }]\n");
                text.push_str("replacement = { tool = \"tool-2\", version = \"1.0.0\" }\n");
            }
            let _ = writeln!(text, "digests = [{{ sha256 = \"{}\" }}]", file_digest(*seed));
        }
        if withdrawn {
            text.push_str("[[withdrawn]]\nid = \"R-0\"\nreason = \"audited again\"\n");
        }
        if waived {
            text.push_str("[[waiver]]\nid = \"W-1\"\nlifts = [\"unvetted\", \"R-1\"]\ntool = \"tool-1\"\nversions = [\"1.0.0\"]\n\
                scope = { repositories = [\"github.com/acme/forensics-*\"], groups = [\"forensics\"] }\n\
                owner = \"carol\"\napprover = \"dave\"\nreason = \"forensics\"\nstarts = 2026-11-20T00:00:00Z\nexpires = 2026-11-27T00:00:00Z\n");
        }
        if overlay {
            text.push_str("[[overlay]]\nwhen = { group = \"eu\" }\ncooldown = \"90d\"\nunlisted = { sdk = \"block\" }\n[[overlay.revocation]]\nid = \"O-1\"\naffected = [{ vendor = \"far\" }]\nreason = \"policy\"\nseverity = \"low\"\neffective = 2026-07-10T00:00:00Z\nmessage = \"no\"\n");
        }
        if let Some((form, is_exact)) = attested {
            text.push_str("[[attestation]]\nid = \"A-1\"\npredicate = [\"https://slsa.dev/provenance/v1\", \"https://a.example/p\"]\n");
            text.push_str(match form {
                0 => "issuer = \"https://login.acme.example\"\nidentity = \"https://git.acme.example/a@v{version}\"\n",
                1 => "instance = \"github\"\nissuer = \"https://login.acme.example\"\nidentity = \"a@acme.example\"\nmin-bundle = \"0.3\"\n",
                _ => KEY,
            });
            if is_exact && form < 2 {
                text.push_str("source = \"https://git.acme.example/a\"\nsource-id = \"17\"\nowner-id = \"4\"\nbuilder = \"https://b.example\"\n");
            }
        }
        // Two approvals that say the same are refused; such a text is none to keep.
        Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).ok()
    }
}

fn sighting(tool: usize, version: (u8, u8), seed: u8) -> Sighting {
    let digests = Digest::parse(Algorithm::Sha256, &file_digest(seed)).unwrap();
    let measurement = |shape| Measurement {
        shape,
        package: None,
        list: None,
        result: Ok(digests.clone()),
        difference: None,
        covers: Vec::new(),
    };
    Sighting {
        tool: format!("tool-{tool}").parse().unwrap(),
        package: None,
        strangers: Vec::new(),
        built: Vec::new(),
        version: Some(Version::parse(Scheme::SemVer, &format!("1.{}.{}", version.0, version.1))),
        channel: Channel::Native,
        root: format!("/opt/{tool}").into(),
        extent: if seed.is_multiple_of(2) { Extent::File } else { Extent::Folder },
        reached_by: Vec::new(),
        executables: vec![Executable { path: format!("/opt/{tool}").into(), size: 3, digests: Ok(digests.clone().into()) }],
        identified_by: Identification::Digest,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        measurements: vec![
            measurement(Shape::File { path: "a".to_owned() }),
            measurement(Shape::Tree { include: vec![], exclude: vec![] }),
        ],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 60, ..ProptestConfig::with_cases(128) })]

    /// The index is the manifest, and everything that is asked of it is answered as by the manifest.
    #[test]
    fn an_index_is_its_manifest(manifest in any_manifest(), found in vec((0_usize..5, (0_u8..4, 0_u8..4), 0_u8..12), 1..6)) {
        prop_assume!(manifest.is_some());
        let manifest = manifest.unwrap();
        let kept = indexed(&manifest);
        prop_assert!(manifest.tools.is_empty() || kept.approved_files().is_some(), "it stands in an index");
        prop_assert!(manifest.approved_files().is_none());

        // One by one and before the whole is decoded, then the whole.
        for (listed, indexed) in manifest.tools.iter().zip(&kept.tools) {
            prop_assert_eq!(listed.approvals.len(), indexed.approvals.len());
            prop_assert_eq!(listed.approvals.versions().collect::<Vec<_>>(), indexed.approvals.versions().collect::<Vec<_>>());
            let of = |version: &str| version.ends_with(".1");
            prop_assert_eq!(listed.approvals.of_version(of), indexed.approvals.of_version(of));
        }

        let catalogue = |manifest: &Manifest| {
            let mut catalogue = Catalogue::built_in();
            catalogue.learn_files_of(manifest).unwrap();
            catalogue
        };
        let (listed, looked_up) = (catalogue(&manifest), catalogue(&kept));
        for seed in 0..14 {
            let digest = Digest::parse(Algorithm::Sha256, &file_digest(seed)).unwrap();
            prop_assert_eq!(listed.by_digest(&digest), looked_up.by_digest(&digest));
        }
        prop_assert_eq!(listed.knows_size(1 << 30), looked_up.knows_size(1 << 30));
        let ids = |catalogue: &Catalogue| catalogue.tools().iter().map(|tool| tool.id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&listed), ids(&looked_up));

        let evidence = Evidence {
            sightings: found.into_iter().map(|(tool, version, seed)| sighting(tool, version, seed)).collect(),
            is_whole: true,
            ..Evidence::default()
        };
        let report = |manifest: &Manifest, catalogue: &Catalogue| {
            let policy = Policy::new(Verified::for_test(manifest.clone()));
            decide(&policy, catalogue, &evidence, &Platform("linux/x86_64".to_owned()), now())
        };
        prop_assert_eq!(report(&manifest, &listed), report(&kept, &looked_up));
        prop_assert_eq!(&kept, &manifest);
        prop_assert_eq!(kept.to_index(), manifest.to_index(), "an index of the index is the same");
    }

    /// Nothing that is read as an index panics, whatever the bytes are: a checksum keeps accidents out, not people.
    #[test]
    fn any_change_of_an_index_is_refused_or_can_be_read_to_its_end(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = example().to_index().unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Some(manifest) = Manifest::of_index(bytes) {
            let approvals: usize = manifest.tools.iter().map(|tool| tool.approvals.iter().count()).sum();
            prop_assert!(approvals <= 1000);
            if let Some(files) = manifest.approved_files() {
                for seed in 0..12 {
                    let _ = files.find(&Digest::parse(Algorithm::Sha256, &file_digest(seed)).unwrap());
                }
            }
        }
    }
}

fn example() -> Manifest {
    let mut text = format!("{HEAD}[[tool]]\nid = \"tool-0\"\n");
    for version in 0..3 {
        let _ = write!(
            text,
            "[[tool.approval]]\nversion = \"1.0.{version}\"\napproved = {{ by = [\"alice\", \"bob\"], at = 2026-11-20T10:00:00Z, ticket = \"SEC-{version}\" }}\n\
             released = 2026-11-19T10:00:00.5Z\n\
             [[tool.approval.artifact]]\nrole = \"release\"\npurl = \"pkg:npm/x@1.0.{version}\"\ndigest = {{ sha512 = \"{}\" }}\n\
             evidence = [{{ path = \"e/{version}.json\", sha256 = \"{1}\" }}, {{ path = \"e/b.json\", sha256 = \"{1}\" }}]\n\
             [[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"tree\"\ndigest = {{ dirHash = \"{}\" }}\nfiles = {{ path = \"f.json\", sha256 = \"{}\" }}\n\
             [[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"file\"\nplatform = \"linux/x86_64\"\npath = \"bin/é\"\ndigest = {{ sha256 = \"{}\" }}\n",
            hex(64, version),
            hex(32, version),
            hex(32, version),
            file_digest(version)
        );
    }
    parsed(&text)
}

#[test]
fn every_shorter_index_is_none() {
    let bytes = example().to_index().unwrap();
    assert!(Manifest::of_index(bytes.clone()).is_some());
    for length in 0..bytes.len() {
        assert!(Manifest::of_index(bytes[..length].to_vec()).is_none(), "{length} of {} bytes", bytes.len());
    }
    assert!(Manifest::of_index([&bytes[..], &[0]].concat()).is_none());
}

#[test]
fn what_is_changed_stands_in_no_index_any_more() {
    let manifest = example();
    let mut kept = indexed(&manifest);
    kept.tools[0].approvals[0].line = 99;
    assert_eq!(kept.tools[0].approvals[0].line, 99);
    assert_ne!(kept, manifest);
    assert!(kept.approved_files().is_none());
    assert_eq!(indexed(&kept), kept, "and can be indexed again");
}

#[test]
fn what_an_index_cannot_hold_has_none() {
    let mut manifest = example();
    let Artifact::Installed(file) = &mut manifest.tools[0].approvals[0].artifacts[2] else { panic!("a file") };
    file.digests.insert(Digest::Sha512(Box::new([1; 64]))).unwrap();
    assert_eq!(manifest.to_index(), None);
}

/// The index of every manifest that the tests accept is that manifest.
#[test]
fn every_valid_manifest_has_an_index() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/valid");
    let mut seen = 0;
    #[expect(clippy::disallowed_methods, reason = "a test reads its own data")]
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if let Ok(manifest) = Manifest::parse(&path, &bytes) {
            assert_eq!(indexed(&manifest), manifest, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}
