//! What services read: SARIF, GitLab's code quality, JUnit and CycloneDX, from a real run. Outside validators read the same in
//! `tests/outside/formats.rs`.

use crate::reported::{check, with_findings, with_nothing};
use serde_json::Value;
use std::collections::BTreeSet;

fn fingerprints(sarif: &Value) -> BTreeSet<String> {
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let of = |result: &Value| result["partialFingerprints"]["vetted/v1"].as_str().unwrap().to_owned();
    let found: BTreeSet<String> = results.iter().map(of).collect();
    assert_eq!(found.len(), results.len(), "no two results share a fingerprint");
    found
}

#[test]
fn each_result_of_sarif_has_a_file_that_github_can_point_to() {
    let machine = with_findings();
    let sarif = check(&machine, "sarif", &[]).exits(1).json();
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 4, "{results:#?}");
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let locations = result["locations"].as_array().unwrap();
        assert_eq!(locations.len(), 1);
        let uri = locations[0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.is_empty() && !uri.starts_with('/') && uri.is_ascii() && !uri.contains([':', ' ', '\\', '<']), "{uri}");
        assert!(locations[0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() >= 1);
    }
    let of = |rule: &str, uri: &str| {
        let at = |r: &&Value| r["ruleId"] == rule && r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri;
        results.iter().find(at).unwrap_or_else(|| panic!("{rule} in {uri}: {results:#?}"))
    };
    let revoked = of("revoked-tool", "package.json");
    let place = &revoked["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
    assert_eq!(place["region"]["startLine"], 4);
    assert_eq!(place["region"]["snippet"]["text"], "    \"@anthropic-ai/claude-code\": \"2.1.150\",");
    assert_eq!(revoked["level"], "error");
    let judged = &revoked["relatedLocations"][0]["physicalLocation"];
    assert_eq!(judged["artifactLocation"]["uri"], "vetted.toml");
    assert_eq!(judged["region"]["snippet"]["text"], "[[revocation]]");
    of("revoked-tool", "a%20b/%5D%E2%80%AE%28x%29%2541%26%3Cb%3E%23%C3%A4%3A%3A/package.json");
    let installed = of("revoked-tool", ".npm-global/lib/node_modules/@anthropic-ai/claude-code/cli.js");
    assert_eq!(installed["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"], "HOME");
    assert_eq!(of("floating-version", "package.json")["level"], "warning");
    let text = serde_json::to_string(&sarif).unwrap();
    assert!(!text.contains('\u{202e}') && !text.contains(&machine.home().to_string_lossy().into_owned()), "{text}");
}

#[test]
fn fingerprints_are_the_same_in_the_hook_in_ci_and_in_another_clone() {
    let (here, there) = (with_findings(), with_findings());
    there.file(
        "work/package.json",
        std::fs::read_to_string(there.work().join("package.json")).unwrap().replace("{\n  \"name\"", "{\n\n\n  \"name\""),
    );
    there.git(&["add", "--all"]);
    let hook = fingerprints(&check(&here, "sarif", &["--staged", "--no-machine"]).exits(1).json());
    let ci = fingerprints(&check(&there, "sarif", &["--no-machine"]).exits(1).json());
    assert_eq!(hook, ci);
    let gitlab = check(&here, "gitlab", &["--no-machine"]).exits(1).json();
    let of_gitlab: BTreeSet<String> =
        gitlab.as_array().unwrap().iter().map(|entry| entry["fingerprint"].as_str().unwrap().to_owned()).collect();
    assert_eq!(of_gitlab, hook);
    let json = check(&here, "json", &["--no-machine"]).exits(1).json();
    let places = json["findings"].as_array().unwrap().iter().flat_map(|finding| finding["locations"].as_array().unwrap());
    let of_json: BTreeSet<String> = places.map(|place| place["fingerprint"].as_str().unwrap().to_owned()).collect();
    assert!(of_json.is_subset(&hook) && of_json.len() >= 3, "{of_json:?} {hook:?}");
    let human =
        here.vetted(&["check", "--policy", here.home().join("policy").to_str().unwrap(), "--no-machine", "--verbose"]).exits(1);
    assert!(of_json.iter().all(|fingerprint| human.stdout.contains(fingerprint)), "{human}");
}

#[test]
fn gitlab_is_told_each_place_with_a_severity() {
    let entries = check(&with_findings(), "gitlab", &[]).exits(1).json();
    for entry in entries.as_array().unwrap() {
        let keys: Vec<&String> = entry.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["description", "check_name", "fingerprint", "severity", "location"]);
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&entry["severity"].as_str().unwrap()));
        assert!(
            !entry["location"]["path"].as_str().unwrap().is_empty() && entry["location"]["lines"]["begin"].as_u64() >= Some(1)
        );
    }
    let first = &entries[0];
    assert_eq!((&first["check_name"], &first["severity"]), (&"revoked-tool".into(), &"blocker".into()));
    let good = check(&with_nothing(), "gitlab", &[]).exits(0).json();
    assert!(good.as_array().unwrap().iter().all(|entry| entry["severity"] == "info"), "{good:#}");
}

#[test]
fn junit_fails_exactly_where_the_run_does() {
    let bad = check(&with_findings(), "junit", &[]).exits(1).stdout;
    let (failures, cases) = (bad.matches("<failure ").count(), bad.matches("<testcase ").count());
    assert!(
        failures >= 2 && bad.contains(&format!("<testsuites name=\"vetted\" tests=\"{cases}\" failures=\"{failures}\"")),
        "{bad}"
    );
    assert!(bad.contains("<failure type=\"revoked-tool\"") && bad.contains("&lt;b&gt;") && !bad.contains("<b>"), "{bad}");
    let good = check(&with_nothing(), "junit", &[]).exits(0).stdout;
    assert!(good.contains("failures=\"0\" errors=\"0\"") && !good.contains("<failure") && good.contains("<testcase "), "{good}");
}

#[test]
fn an_inventory_can_be_written_as_a_bill_of_materials() {
    let machine = with_findings();
    let policy = machine.home().join("policy");
    let bom = machine.vetted(&["scan", "--policy", policy.to_str().unwrap(), "--format", "cyclonedx"]).exits(0).json();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let tool =
        bom["components"].as_array().unwrap().iter().find(|c| c["name"] == "@anthropic-ai/claude-code").expect("it is listed");
    assert_eq!(tool["purl"], "pkg:npm/%40anthropic-ai/claude-code@2.1.150");
    let file = &tool["components"][0];
    assert_eq!((&file["type"], &file["hashes"][0]["alg"]), (&"file".into(), &"SHA-256".into()));
    assert!(
        tool["properties"].as_array().unwrap().iter().any(|p| p["name"] == "vetted:channel" && p["value"] == "npm"),
        "{tool:#}"
    );
}
