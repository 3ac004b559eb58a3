//! The documents: every file of `tests/manifests` is a test, and what a person sees of an invalid one stands beside it.

use jiff::SignedDuration;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use vetted::digest::{Digest, DigestSet};
use vetted::manifest::edit::Draft;
use vetted::manifest::machine::Machine;
use vetted::manifest::source::SourcePin;
use vetted::manifest::{
    Approval, Approved, Artifact, Attestor, BundleVersion, Installed, Lifts, MAX_DOCUMENT, MAX_UNVERIFIED, Manifest,
    ManifestErrors, Mode, PackageList, Revocation, Revocations, Shape, Subject, SyncRules, TrustPolicy, Unlisted,
};
use vetted::text::is_deceptive;
use vetted::tool::{Ecosystem, Kind, Package, Platform};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(name)
}

fn documents(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files
}

/// Read a document as what its name says: `trust-*` is a trust policy, `revocations-*` a revocations document.
fn read(path: &Path) -> Result<(), ManifestErrors> {
    parse(Path::new(path.file_name().unwrap()), &fs::read(path).unwrap())
}

fn parse(name: &Path, bytes: &[u8]) -> Result<(), ManifestErrors> {
    PARSERS[kind_of(name)](name, bytes)
}

/// Reads one kind of document.
type Parser = fn(&Path, &[u8]) -> Result<(), ManifestErrors>;

/// One parser for each kind, the manifest's first.
const PARSERS: [Parser; 5] = [
    |path, bytes| Manifest::parse(path, bytes).map(drop),
    |path, bytes| TrustPolicy::parse(path, bytes).map(drop),
    |path, bytes| Revocations::parse(path, bytes).map(drop),
    |path, bytes| Machine::parse(path, bytes).map(drop),
    |path, bytes| SourcePin::parse(path, bytes).map(drop),
];

/// Which of the parsers a document is for, by its name.
fn kind_of(path: &Path) -> usize {
    let name = path.file_name().unwrap().to_str().unwrap();
    let kinds = ["trust", "revocations", "machine", "source"];
    kinds.iter().position(|kind| name.split(['-', '.']).next() == Some(kind)).map_or(0, |index| index + 1)
}

fn valid(name: &str) -> Manifest {
    let path = folder("valid").join(name);
    Manifest::parse(&path, &fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn valid_documents_are_read() {
    for path in documents("valid") {
        if let Err(errors) = read(&path) {
            panic!("{}\n{errors}", path.display());
        }
    }
}

/// Each file has one fault. `VETTED_BLESS=1` writes the diagnostics anew: read the difference before committing it.
#[test]
fn invalid_documents_are_refused_with_their_diagnostic() {
    let bless = std::env::var_os("VETTED_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in documents("invalid") {
        let Err(errors) = read(&path) else {
            wrong.push(format!("{} was accepted", path.display()));
            continue;
        };
        let shown = format!("{errors}\n");
        assert!(!shown.lines().flat_map(str::chars).any(is_deceptive), "{} reaches the terminal raw", path.display());
        let beside = path.with_extension("stderr");
        if bless {
            fs::write(&beside, &shown).unwrap();
        } else if fs::read_to_string(&beside).ok().as_deref() != Some(&shown) {
            wrong.push(format!("{} is not\n{shown}", beside.display()));
        }
        if errors.problems.len() != 1 {
            wrong.push(format!("{} has {} faults, not one:\n{shown}", path.display(), errors.problems.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_problem_is_reported_at_once() {
    let text =
        "kind = \"vetted/manifest\"\nschema = 3\nname = \"-\"\nserial = true\nmode = \"x\"\nwhat = 1\n[[tool]]\nid = \"A\"\n";
    let errors = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap_err();
    let messages: Vec<_> = errors.problems.iter().map(|p| p.message.as_str()).collect();
    for expected in ["schema 3", "`name`", "`serial`", "`mode`", "no key `what`", "`A`", "lacks the key `issued`", "`expires`"] {
        assert!(messages.iter().any(|m| m.contains(expected)), "{expected} is not in {messages:#?}");
    }
}

/// What nobody vouches for before it is parsed has the lower limit.
#[test]
fn a_document_over_the_limit_is_not_read() {
    for (name, limit) in [
        ("least.toml", MAX_DOCUMENT),
        ("revocations.toml", MAX_DOCUMENT),
        ("trust.toml", MAX_UNVERIFIED),
        ("machine.toml", MAX_UNVERIFIED),
        ("source.toml", MAX_UNVERIFIED),
    ] {
        let mut text = fs::read(folder("valid").join(name)).unwrap();
        let limit = usize::try_from(limit).unwrap();
        text.push(b'#');
        text.resize(limit, b'a');
        parse(Path::new(name), &text).unwrap_or_else(|e| panic!("{name}: {e}"));
        text.push(b'a');
        let errors = parse(Path::new(name), &text).unwrap_err();
        assert!(errors.to_string().contains(&format!("at most {limit} are read")), "{name}: {errors}");
    }
}

/// The largest manifest that an organisation is expected to write, as `vetted approve` writes it.
#[test]
fn five_thousand_approvals_on_six_platforms_are_a_document() {
    let platforms = ["linux/x86_64", "linux/aarch64", "macos/x86_64", "macos/aarch64", "windows/x86_64", "windows/aarch64"];
    let artifacts = platforms.map(|platform| {
        let path = "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
        Artifact::Installed(Installed {
            package: None,
            platform: Some(Platform(platform.to_owned())),
            shape: Shape::File { path: path.to_owned() },
            digests: DigestSet::from(Digest::sha256_of(platform.as_bytes())),
            files: None,
        })
    });
    let approved = Approved {
        by: vec!["alice@acme.example".to_owned(), "bob@acme.example".to_owned()],
        at: "2026-11-20T10:00:00Z".parse().unwrap(),
        ticket: Some("SEC-8812".to_owned()),
    };
    let approval = Approval {
        version: "0.169.1000".to_owned(),
        approved: Some(approved),
        artifacts: artifacts.to_vec(),
        line: 0,
        released: None,
        is_unattested: false,
    };
    let mut draft = Draft::open(Path::new("vetted.toml"), &fs::read(folder("valid").join("least.toml")).unwrap()).unwrap();
    let before = draft.text().len();
    draft.approve(&"openai-codex".parse().unwrap(), Some("pkg:npm/%40openai/codex"), &approval).unwrap();
    let entry = draft.text()[before..].to_owned();
    let mut text = draft.text()[..before].to_owned();
    // Fifty tools with a hundred versions each.
    for tool in 0..50 {
        let whole = entry.replace("id   = \"openai-codex\"", &format!("id   = \"tool-{tool}\""));
        text.push_str(&whole);
        let (_, one) = entry.split_once("  [[tool.approval]]").unwrap();
        for version in 0..99 {
            text.push_str("\n  [[tool.approval]]");
            text.push_str(&one.replace("0.169.1000", &format!("0.169.{version}")));
        }
    }
    assert!(text.len() as u64 <= MAX_DOCUMENT && text.len() as u64 > MAX_UNVERIFIED, "{}", text.len());
    let manifest = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(manifest.tools.iter().map(|tool| tool.approvals.len()).sum::<usize>(), 5000);
}

#[test]
fn a_thousand_mistakes_are_not_all_shown() {
    let mut text = fs::read_to_string(documents("valid").into_iter().find(|p| p.ends_with("least.toml")).unwrap()).unwrap();
    text.extend((0..1000).map(|n| format!("no-{n} = 1\n")));
    let shown = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap_err().to_string();
    assert!(shown.ends_with("and at least 180 more"), "{}", &shown[shown.len() - 100..]);
    assert_eq!(shown.matches("has no key").count(), 20);
}

#[test]
fn a_manifest_says_what_stands_in_it() {
    let manifest = valid("full.toml");
    assert_eq!(
        (manifest.header.name.as_str(), manifest.header.serial, manifest.mode),
        ("acme.example/ai-tools", 47, Mode::Enforce)
    );
    assert_eq!(manifest.tools[0].approvals[0].artifacts.len(), 3);
    assert_eq!(manifest.tools[0].approvals[0].line, 14);
    let ids: Vec<_> = manifest.revocations.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["ACME-2026-0042"], "what is withdrawn is gone");
    assert_eq!(manifest.revocations[0].affected.len(), 2);
    assert_eq!(manifest.waivers[0].lifts, [Lifts::Revocation("ACME-2026-0042".into())]);
}

#[test]
fn a_manifest_says_what_releases_have_to_show() {
    let manifest = valid("attestations.toml");
    let week = SignedDuration::from_hours(7 * 24);
    assert_eq!((manifest.cooldown, manifest.min_bundle, manifest.lines.cooldown), (week, BundleVersion::V0_3, Some(10)));
    let [release, publish, own] = &manifest.attestations[..] else { panic!("{:?}", manifest.attestations) };
    assert_eq!((release.id.as_str(), release.instance.as_str(), release.line), ("codex-release", "sigstore-public-good", 13));
    assert_eq!((release.source_id.as_deref(), release.owner_id.as_deref()), (Some("965415649"), Some("14957082")));
    assert!(matches!(&release.by, Attestor::Identity { identity, .. } if identity.ends_with("rust-v{version}")));
    assert!(matches!(&publish.by, Attestor::Key { spki, not_after: Some(_) } if spki.len() == 91));
    assert_eq!((publish.predicates.len(), publish.min_bundle, own.min_bundle), (2, Some(BundleVersion::V0_1), None));
    assert_eq!(own.instance, "acme");
    let codex = &manifest.tools[0];
    assert_eq!(codex.require, ["codex-release", "registry-publish"]);
    let approval = &codex.approvals[0];
    assert_eq!(approval.released, Some("2026-11-12T09:30:00Z".parse().unwrap()));
    assert_eq!(approval.cools_from(), approval.released);
    let evidence: Vec<_> = approval.releases().map(|release| release.evidence.len()).collect();
    assert_eq!(evidence, [2, 1]);
    assert_eq!(approval.releases().next().unwrap().package.as_ref().unwrap().purl(), "pkg:npm/%40openai/codex@0.169.0");
    let Artifact::Installed(packages) = &approval.artifacts[4] else { panic!("{approval:?}") };
    assert_eq!(packages.shape, Shape::Packages);
    assert_eq!(packages.files.as_ref().unwrap().digests, packages.digests, "the list is what is compared");
    assert!(!approval.is_unattested && manifest.tools[1].approvals[0].is_unattested);
    assert_eq!(manifest.overlays[0].cooldown, Some(2 * week));
    let quiet = valid("least.toml");
    assert_eq!((quiet.cooldown, quiet.min_bundle), (SignedDuration::ZERO, BundleVersion::V0_2));
}

#[test]
fn a_manifest_says_what_groups_narrow_and_where_newer_documents_are() {
    let manifest = valid("overlays.toml");
    let ids = |revocations: &[Revocation]| revocations.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
    assert_eq!(manifest.grace, SignedDuration::from_hours(48));
    assert_eq!((manifest.sync.sources.len(), manifest.sync.every), (4, SignedDuration::from_mins(30)));
    let [eu, payments] = &manifest.overlays[..] else { panic!("{:?}", manifest.overlays) };
    assert_eq!((eu.group.as_str(), eu.mode, eu.line), ("eu", None, 24));
    assert_eq!(eu.unlisted.iter().collect::<Vec<_>>(), [(&Kind::Sdk, &Unlisted::Block)], "only what it names");
    assert_eq!(ids(&eu.revocations), ["ACME-2026-0101"], "what is withdrawn is gone from overlays too");
    assert_eq!((payments.mode, payments.revocations.len()), (Some(Mode::Enforce), 0));
    assert_eq!(ids(&manifest.revocations), ["ACME-2026-0103"]);
    let package = Subject::Package(Package::new(Ecosystem::Npm, "@acme/agent"));
    assert_eq!(manifest.revocations[0].affected[0].subject, package);
    let ended: Vec<_> = manifest.withdrawn.iter().map(|w| (w.id.as_str(), w.reason.as_str())).collect();
    assert_eq!(ended, [("ACME-2026-0102", "the contract changed"), ("ACME-2026-0007", "fixed in 2.1.140, audited again")]);
    let [scoped, long] = &manifest.waivers[..] else { panic!("{:?}", manifest.waivers) };
    assert_eq!(scoped.lifts, [Lifts::Revocation("ACME-2026-0042".into()), Lifts::Unvetted]);
    let scope = scoped.scope.as_ref().unwrap();
    assert_eq!((scope.repositories.len(), &scope.groups[..]), (2, &["incident-forensics".to_owned()][..]));
    assert_eq!(long.scope, None);
    let fortnight = SignedDuration::from_hours(14 * 24);
    assert_eq!(manifest.waivers_longer_than(fortnight), [long]);
    assert_eq!(manifest.waivers_longer_than(SignedDuration::from_hours(7 * 24)), [long], "exactly as long is not longer");
    let client = manifest.requires_client.unwrap();
    assert!(client.satisfied_by("0.1.0") && !client.satisfied_by("0.0.9"));
}

/// What is left out is what the text says, and nothing is turned on by it.
#[test]
fn a_manifest_that_says_little_has_the_defaults() {
    let manifest = valid("least.toml");
    assert_eq!((manifest.grace, manifest.requires_client.clone()), (SignedDuration::from_hours(72), None));
    assert_eq!(manifest.sync, SyncRules { sources: vec![], every: SignedDuration::from_hours(1) });
    assert!(manifest.overlays.is_empty() && manifest.withdrawn.is_empty());
}

#[test]
fn a_revocations_document_says_what_stands_in_it() {
    let path = folder("valid").join("revocations.toml");
    let document = Revocations::parse(&path, &fs::read(&path).unwrap()).unwrap();
    assert_eq!((document.header.serial, document.manifest.serial), (90210, 47));
    assert!(document.manifest.sha256.hex().starts_with("9d20e6b1"));
    assert_eq!(document.revocations.len(), 2);
    assert_eq!(document.revocations[0].affected.len(), 4);
}

#[test]
fn a_trust_policy_says_who_signs_by_name() {
    let path = folder("valid").join("trust-sigstore.toml");
    let trust = TrustPolicy::parse(&path, &fs::read(&path).unwrap()).unwrap();
    assert_eq!(trust.waiver_limit, SignedDuration::from_hours(30 * 24));
    assert_eq!(trust.instances["acme"].trusted_root, Path::new("attestations/trust/acme.json"));
    let counts = |id: &str| (trust.signers[id].keys.len(), trust.signers[id].identities.len());
    assert_eq!((counts("alice"), counts("bob"), counts("policy-ci")), ((1, 0), (0, 1), (0, 2)));
    let bob = &trust.signers["bob"].identities[0];
    assert_eq!((bob.instance.as_str(), bob.identity.as_str()), ("acme", "bob@acme.example"));
    let plain = folder("valid").join("trust.toml");
    let plain = TrustPolicy::parse(&plain, &fs::read(&plain).unwrap()).unwrap();
    assert_eq!(plain.waiver_limit, SignedDuration::from_hours(14 * 24), "where it does not say");
}

/// A document for a newer program may hold what this one does not know: what it asks for is told all the same.
#[test]
fn a_document_that_cannot_be_read_still_says_which_client_it_asks_for() {
    let mut text = String::from_utf8(fs::read(folder("valid").join("least.toml")).unwrap()).unwrap();
    text.push_str("requires-client = \">=9.0.0\"\nnew-rule = true\n");
    let errors = Manifest::parse(Path::new("vetted.toml"), text.as_bytes()).unwrap_err();
    assert!(!errors.requires_client.unwrap().satisfied_by("8.9.9"));
}

/// Threat T-23: a document of one kind is none of another, also where everything but the kind would fit.
#[test]
fn no_document_is_read_as_another_kind() {
    for path in documents("valid") {
        let own = kind_of(&path);
        let bytes = fs::read(&path).unwrap();
        for (_, parser) in PARSERS.iter().enumerate().filter(|(index, _)| *index != own) {
            let errors = parser(&path, &bytes).unwrap_err();
            assert!(errors.wrong_kind.is_some() && errors.problems.len() == 1, "{}\n{errors}", path.display());
        }
    }
}

/// The keys that a manifest, a trust policy and a revocations document need, without `kind`.
fn needed(kind: usize) -> String {
    let valid = |name: &str| fs::read_to_string(folder("valid").join(name)).unwrap();
    let text = valid(["least.toml", "trust.toml", "revocations-none.toml"][kind]);
    text.lines().filter(|line| !line.starts_with("kind") && !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// Tables of a manifest; the first ones refuse, the others allow or loosen.
fn tables() -> (Vec<String>, Vec<String>) {
    let full = fs::read_to_string(folder("valid").join("full.toml")).unwrap();
    let tables = full.split("\n[[").skip(1).map(|table| format!("\n[[{table}\n"));
    let (refusing, mut allowing): (Vec<_>, Vec<_>) = tables.partition(|table| table.starts_with("\n[[revocation]]"));
    assert!(allowing.iter().any(|table| table.starts_with("\n[[tool]]")) && refusing.len() == 2);
    allowing.push("\n[defaults]\nunlisted = \"allow\"\n".to_owned());
    allowing.push("\n[[overlay]]\nwhen = { group = \"eu\" }\nunlisted = \"block\"\n".to_owned());
    allowing.push("\n[sync]\nevery = \"1h\"\n".to_owned());
    (refusing, allowing)
}

proptest! {
    /// Threat T-23, from the side of the text: only the parser of the kind that a text states reads it, only where its body is of
    /// that kind, and what the revocations role signs never holds a table that allows.
    #[test]
    fn a_text_is_one_kind_of_document_at_most(
        kind in 0_usize..3,
        body in 0_usize..3,
        refusing in proptest::sample::subsequence(tables().0, 0..=2),
        allowing in proptest::sample::subsequence(tables().1, 0..=1),
    ) {
        let name = ["manifest", "trust", "revocations"][kind];
        let text = format!("kind = \"vetted/{name}\"\n{}{}{}", needed(body), refusing.concat(), allowing.concat());
        for (index, parser) in PARSERS.iter().enumerate() {
            let read = parser(Path::new("a.toml"), text.as_bytes());
            let fits = match kind {
                0 => true,
                1 => refusing.is_empty() && allowing.is_empty(),
                _ => allowing.is_empty(),
            };
            prop_assert_eq!(read.is_ok(), index == kind && body == kind && fits, "{}", text);
        }
    }
}

proptest! {
    /// A document that was cut, or written over in the middle, is read or refused by every parser, with a diagnostic that is safe to
    /// show.
    #[test]
    fn broken_documents_are_read_or_refused(
        path in proptest::sample::select(documents("valid")),
        at in any::<proptest::sample::Index>(),
        gone in 0_usize..200,
        noise in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            "[\\[\\]{}=\"\n#.,a-z0-9\u{202e}\u{1b}-]{0,20}".prop_map(String::into_bytes),
        ],
    ) {
        let mut bytes = fs::read(&path).unwrap();
        let from = at.index(bytes.len());
        let to = (from + gone).min(bytes.len());
        bytes.splice(from..to, noise);
        for parser in PARSERS {
            if let Err(errors) = parser(Path::new("a.toml"), &bytes) {
                let shown = errors.to_string();
                prop_assert!(!errors.problems.is_empty() && !shown.lines().flat_map(str::chars).any(is_deceptive), "{}", shown);
            }
        }
    }
}

/// What a document leaves open is the strict reading.
#[test]
fn a_kind_that_is_not_named_is_blocked() {
    assert!(valid("least.toml").unlisted.values().all(|rule| *rule == Unlisted::Block));
    let some = valid("extensions.toml").unlisted;
    assert_eq!((some[&Kind::Sdk], some[&Kind::Model], some[&Kind::Ide]), (Unlisted::Warn, Unlisted::Allow, Unlisted::Block));
    assert_eq!(some.len(), Kind::ALL.len());
    assert!(valid("recognise.toml").unlisted.values().all(|rule| *rule == Unlisted::Warn));
}

/// The examples of the normative text are documents.
#[test]
fn the_examples_of_the_text_are_valid() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md")).unwrap();
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).filter(|e| e.starts_with("kind")).collect();
    let names = ["vetted.toml", "revocations.toml", "trust.toml", "machine.toml", "source.toml"];
    assert_eq!(examples.len(), names.len(), "one of each kind");
    for (name, example) in names.into_iter().zip(examples) {
        parse(Path::new(name), example.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// So are its examples of single tables, in the document they belong to, and of the lists that a document pins.
#[test]
fn the_examples_of_tables_and_lists_are_valid() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md")).unwrap();
    let fenced = |kind: &str| -> Vec<String> {
        let starts = format!("```{kind}\n");
        text.split(&starts).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    };
    let least = fs::read_to_string(folder("valid").join("least.toml")).unwrap();
    let tables: Vec<String> = fenced("toml").into_iter().filter(|example| !example.starts_with("kind")).collect();
    assert!(tables.len() >= 6, "{}", tables.len());
    for table in tables {
        let is_artifact = table.trim_start().starts_with("[[tool.approval.artifact]]");
        let around = if is_artifact { "[[tool]]\nid = \"acme\"\n[[tool.approval]]\nversion = \"1\"\n" } else { "" };
        let document = format!("{least}{around}{table}");
        Manifest::parse(Path::new("vetted.toml"), document.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{document}"));
    }
    let lists = fenced("json");
    assert_eq!(lists.len(), 1);
    assert_eq!(PackageList::parse(lists[0].as_bytes()).unwrap().packages.len(), 1);
}

#[test]
fn every_diagnostic_belongs_to_a_document() {
    let documents = documents("invalid");
    assert!(documents.len() >= 160, "{}", documents.len());
    for entry in fs::read_dir(folder("invalid")).unwrap() {
        let path = entry.unwrap().path();
        assert!(documents.contains(&path.with_extension("toml")), "{} is left over", path.display());
    }
}

/// A file that a document pins is brought after the documents were verified: it cannot have the name of one of them.
#[test]
fn a_pinned_file_has_no_name_of_a_document() {
    let text = |path: &str| {
        format!(
            "kind = \"vetted/manifest\"\nschema = 1\nname = \"acme\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
             expires = 2026-12-20T00:00:00Z\nmode = \"enforce\"\n[[tool]]\nid = \"mcp-memory\"\n[[tool.approval]]\n\
             version = \"1.0.0\"\n[[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"tree\"\n\
             digest = {{ dirHash = \"{0}\" }}\nfiles = {{ path = \"{path}\", sha256 = \"{0}\" }}\n",
            "0".repeat(64)
        )
    };
    let parse = |path: &str| Manifest::parse(Path::new("vetted.toml"), text(path).as_bytes());
    for path in
        ["vetted-trust.toml", "vetted.toml.sigstore.json", "Vetted-Revocations.toml", "vetted-sets/1-a/x", "vetted-current"]
    {
        assert!(parse(path).is_err(), "{path}");
    }
    for path in ["attestations/vetted-trust.toml", "vettedfiles.json", "files.json"] {
        assert!(parse(path).is_ok(), "{path}");
    }
}
