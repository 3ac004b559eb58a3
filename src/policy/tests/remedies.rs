//! What is advised, told by the commands: never to approve from an installation that is not what was approved.

use super::*;
use crate::evidence::{Carrier, CoveredFolder};
use crate::manifest::{FileListRef, Release};
use crate::policy::verdict::Part;
use crate::tool::PackageVersion;

const MAIN: &str = "/n/lib/node_modules/@anthropic-ai/claude-code";

fn npm(name: &str) -> Package {
    Package::new(Ecosystem::Npm, name)
}

fn claude(root: &str, package: &str) -> Sighting {
    let mut seen = sighting("claude-code", Some("2.1.329"));
    (seen.root, seen.package) = (root.into(), Some(npm(package)));
    seen.executables[0].path = seen.root.join("bin");
    seen
}

/// An SDK that the tool brings, untouched.
fn sdk(root: &str) -> Sighting {
    let mut seen = sighting("sdk-anthropic-sdk", Some("1.2.0"));
    (seen.root, seen.package) = (root.into(), Some(npm("@anthropic-ai/sdk")));
    seen.executables.clear();
    seen.brought_by = Some(Carrier { package: npm("@anthropic-ai/claude-code"), version: Some("2.1.329".to_owned()) });
    seen
}

fn packages_shape() -> (Shape, DigestSet) {
    (Shape::Packages, sha256(9))
}

/// What is measured of the packages of a tool: equal to the list, apart from one difference.
fn with_packages(mut seen: Sighting, difference: Option<Difference>, covers: &[&str]) -> Sighting {
    let (shape, digests) = packages_shape();
    seen.measurements.push(Measurement {
        shape,
        package: None,
        list: Some(digests.clone()),
        result: Ok(digests.iter().next().unwrap().clone()),
        difference,
        covers: covers.iter().map(|root| CoveredFolder { root: root.into(), except: Vec::new() }).collect(),
    });
    seen
}

fn packages_artifact() -> Artifact {
    let (shape, digests) = packages_shape();
    let files = Some(FileListRef { path: "packages.json".into(), digests: digests.clone() });
    Artifact::Installed(Installed { package: None, platform: Some(linux()), shape, digests, files })
}

fn help<'r>(report: &'r Report, tool: &str) -> &'r [Help] {
    let of = |j: &&Judgement| matches!(&j.item, Item::Sighting(s) if s.tool.as_str() == tool);
    &report.verdicts.iter().find(of).unwrap().help
}

fn everything(help: &[Help]) -> String {
    help.iter().flat_map(|h| [h.command.clone(), h.note.clone()]).flatten().collect::<Vec<_>>().join("\n")
}

#[test]
fn what_comes_with_a_changed_tool_waits_until_that_is_put_right() {
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![packages_artifact()]);
    let inside = format!("{MAIN}/node_modules/@anthropic-ai/sdk");
    let changed = Difference { path: "node_modules/left".to_owned(), change: Change::Changed };
    // Inside of it; and beside it, where the comparison of its packages met it.
    for (root, covers) in [(inside.as_str(), vec![]), ("/n/store/sdk", vec!["/n/store/sdk"])] {
        let tool = with_packages(claude(MAIN, "@anthropic-ai/claude-code"), Some(changed.clone()), &covers);
        let report = judge(policy.clone(), vec![tool, sdk(root)]);
        let said = everything(help(&report, "sdk-anthropic-sdk"));
        assert!(said.contains("npm install -g @anthropic-ai/claude-code@2.1.329"), "{said}");
        assert!(said.contains("it comes with claude-code 2.1.329, which is not what was approved"), "{said}");
        assert!(!said.contains("vetted approve"), "{said}");
    }
    // One that has nothing to do with it is approved from its registry.
    let tool = with_packages(claude(MAIN, "@anthropic-ai/claude-code"), Some(changed), &[]);
    let report = judge(policy, vec![tool, sdk("/n/elsewhere/sdk")]);
    let said = everything(help(&report, "sdk-anthropic-sdk"));
    assert!(said.contains("vetted approve sdk-anthropic-sdk@1.2.0 --from npm"), "{said}");
}

#[test]
fn what_a_registry_serves_is_approved_from_there() {
    let said = |item: Item| {
        let evidence = match item {
            Item::Sighting(sighting) => Evidence { sightings: vec![sighting], ..Evidence::default() },
            Item::Mention(mention) => Evidence { mentions: vec![mention], ..Evidence::default() },
        };
        let report = judge_at(manifest(Mode::Enforce), &evidence, now());
        assert_outcome(&report, "unvetted", Outcome::Blocked);
        everything(&report.verdicts[0].help)
    };
    let of = |tool: &str, package: Option<Package>| {
        let mut seen = sighting(tool, Some("0.36"));
        seen.package = package;
        Item::Sighting(seen)
    };
    for (item, way) in [
        (of("claude-code", Some(npm("@anthropic-ai/claude-code"))), "claude-code@0.36 --from npm"),
        // Its program for one platform comes with it.
        (of("claude-code", Some(npm("@anthropic-ai/claude-code-linux-x64"))), "claude-code@0.36 --from npm"),
        (of("llm", Some(Package::new(Ecosystem::Pypi, "llm"))), "llm@0.36 --from pypi"),
        (Item::Mention(mention("2.1.329", sha512(1))), "claude-code@2.1.329 --from npm"),
        (of("claude-code", None), "claude-code@0.36 --installed"),
        // `--from npm` would take the first package of the tool, which this is not.
        (of("sdk-anthropic-sdk", Some(npm("@anthropic-ai/vertex-sdk"))), "sdk-anthropic-sdk@0.36 --installed"),
    ] {
        let said = said(item);
        assert!(said.contains(&format!("vetted approve {way}")), "{way}: {said}");
        assert_eq!(said.matches("vetted approve").count(), 1, "{said}");
    }
}

#[test]
fn a_changed_package_is_said_to_be_pinned_as_a_whole() {
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![packages_artifact()]);
    let why = |path: &str, change| {
        let difference = Difference { path: path.to_owned(), change };
        let report = judge(policy.clone(), vec![with_packages(claude(MAIN, "@anthropic-ai/claude-code"), Some(difference), &[])]);
        let Verdict::Mismatched(mismatch) = only_verdict(&report) else { panic!("{report:?}") };
        assert_eq!(mismatch.part, Part::Packages);
        report.verdicts[0].why.clone()
    };
    let changed = why("node_modules/left", Change::Changed);
    assert!(changed.contains("first difference: node_modules/left (the list pins each package as a whole"), "{changed}");
    let extra = why("node_modules/left/index.js", Change::Extra);
    assert!(extra.contains("node_modules/left/index.js belongs to no package on the list"), "{extra}");
}

/// The program for a platform is left alone: none of its own files is what is the matter.
#[test]
fn a_main_package_without_its_manifest_is_named_for_that() {
    let release = |name: &str| Release {
        package: Some(PackageVersion { package: npm(name), version: "2.1.329".to_owned() }),
        digests: sha512(1),
        evidence: Vec::new(),
    };
    let artifacts = vec![Artifact::Release(release("@anthropic-ai/claude-code")), installed(tree_shape(), dir_hash(7).into())];
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", artifacts);
    let lone = |root: String| {
        let mut seen = measured(claude(&root, "@anthropic-ai/claude-code-linux-x64"), tree_shape(), dir_hash(8));
        seen.measurements[0].difference = Some(Difference { path: "claude".to_owned(), change: Change::Extra });
        seen
    };
    let inside = || lone(format!("{MAIN}/node_modules/@anthropic-ai/claude-code-linux-x64"));
    let manifest_file = Path::new(MAIN).join("package.json");
    let report = judge(policy.clone(), vec![inside(), sdk(&format!("{MAIN}/node_modules/@anthropic-ai/sdk"))]);
    let finding = finding(&report, Code::MismatchedDigest);
    assert!(finding.message.contains("@anthropic-ai/claude-code 2.1.329, of which this is a part"), "{}", finding.message);
    assert!(finding.message.ends_with("package.json is missing"), "{}", finding.message);
    assert!(matches!(&finding.places[0], Place::Installed { path, .. } if *path == manifest_file), "{finding:?}");
    assert!(!everything(help(&report, "sdk-anthropic-sdk")).contains("vetted approve"));

    // Beside it nothing says where the main package was.
    let report = judge(policy.clone(), vec![lone("/p/node_modules/@anthropic-ai/claude-code-linux-x64".to_owned())]);
    assert!(report.verdicts[0].why.ends_with("package.json is missing"), "{}", report.verdicts[0].why);

    // A main package that was sighted has the file, and it does not say what it should.
    let mut broken = claude(MAIN, "@anthropic-ai/claude-code");
    broken.version = None;
    let report = judge(policy.clone(), vec![inside(), broken]);
    let mismatched = report.verdicts.iter().find(|j| j.verdict.name() == "mismatched").unwrap();
    assert!(mismatched.why.ends_with("package.json is of another version, or cannot be read"), "{}", mismatched.why);

    // A file of the main package itself is named as it is.
    let mut own = measured(claude(MAIN, "@anthropic-ai/claude-code"), tree_shape(), dir_hash(8));
    own.measurements[0].difference = Some(Difference { path: "cli.js".to_owned(), change: Change::Changed });
    assert!(judge(policy, vec![own]).verdicts[0].why.ends_with("first difference: cli.js"));
}

/// What lies in a list of packages has no evidence that was looked at, whatever the tool itself has.
#[test]
fn what_a_list_covers_is_not_attested() {
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![packages_artifact()]);
    let root = format!("{MAIN}/node_modules/@anthropic-ai/sdk");
    let tool = with_packages(claude(MAIN, "@anthropic-ai/claude-code"), None, &[&root, MAIN]);
    let report = judge(policy, vec![tool, sdk(&root)]);
    assert_eq!(report.outcome, Outcome::Approved);
    let covered = report.verdicts.iter().find(|j| matches!(j.verdict, Verdict::Approved(Grounds::Within { .. }))).unwrap();
    assert_eq!(covered.attestation, Some(Attestation::None));
}

/// One file beside three approved tools of one environment is one finding, and names them all.
#[test]
fn a_file_beside_several_tools_is_told_once() {
    let mut policy = manifest(Mode::Enforce);
    let site = "/u/tools/llm/lib/python3.13/site-packages";
    let mut seen = Vec::new();
    for (tool, byte) in [("llm", 1), ("sdk-openai-sdk", 2), ("sdk-anthropic-sdk", 3)] {
        policy = approve(policy, tool, "1.0", vec![installed(tree_shape(), dir_hash(byte).into())]);
        let mut one = measured(sighting(tool, Some("1.0")), tree_shape(), dir_hash(byte));
        (one.channel, one.root) = (Channel::UvTool, site.into());
        one.strangers = vec![format!("{site}/evil.pth").into(), format!("{site}/other.pth").into()];
        seen.push(one);
    }
    let report = judge(policy, seen);
    assert!(report.verdicts.iter().all(|j| j.verdict.name() == "mismatched"));
    assert_eq!(codes(&report), ["mismatched-digest", "stranger-file"]);
    let (mismatch, other) = (&report.findings[0], &report.findings[1]);
    assert_eq!(mismatch.subject, "llm 1.0, sdk-openai-sdk 1.0, sdk-anthropic-sdk 1.0");
    assert_eq!(mismatch.help.len(), 1);
    // What no mismatch names is still told.
    assert!(matches!(&other.places[..], [Place::Installed { path, .. }] if path.ends_with("other.pth")), "{other:?}");
}
