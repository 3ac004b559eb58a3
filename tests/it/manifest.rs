//! The documents: every file of `tests/manifests` is a test, and what a person sees of an invalid one stands beside it.

use std::fs;
use std::path::{Path, PathBuf};
use vetted::manifest::{Lifts, MAX_DOCUMENT, Manifest, ManifestErrors, Mode, TrustPolicy, Unlisted};
use vetted::text::is_deceptive;
use vetted::tool::Kind;

fn documents(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files
}

/// Read a document as what its name says: `trust*` is a trust policy.
fn read(path: &Path) -> Result<(), ManifestErrors> {
    let name = PathBuf::from(path.file_name().unwrap());
    let bytes = fs::read(path).unwrap();
    if name.to_string_lossy().starts_with("trust") {
        TrustPolicy::parse(&name, &bytes).map(drop)
    } else {
        Manifest::parse(&name, &bytes).map(drop)
    }
}

fn valid(name: &str) -> Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/valid").join(name);
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

#[test]
fn a_document_over_the_limit_is_not_read() {
    let mut text = fs::read(documents("valid").into_iter().find(|p| p.ends_with("least.toml")).unwrap()).unwrap();
    assert!(Manifest::parse(Path::new("vetted.toml"), &text).is_ok());
    text.resize(usize::try_from(MAX_DOCUMENT).unwrap() + 1, b'\n');
    let errors = Manifest::parse(Path::new("vetted.toml"), &text).unwrap_err();
    assert!(errors.to_string().contains("at most 4194304 are read"), "{errors}");
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
    assert_eq!(examples.len(), 2, "one manifest and one trust policy");
    Manifest::parse(Path::new("docs/manifest.md"), examples[0].as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    TrustPolicy::parse(Path::new("docs/manifest.md"), examples[1].as_bytes()).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn every_diagnostic_belongs_to_a_document() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/invalid");
    let documents = documents("invalid");
    assert!(documents.len() >= 80, "{}", documents.len());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(documents.contains(&path.with_extension("toml")), "{} is left over", path.display());
    }
}
