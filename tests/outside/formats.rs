//! Validators of the formats that services read, on what a real run writes: the schema of OASIS and the rules for GitHub, both
//! strict validators of CycloneDX, and a reader of JUnit.
//!
//! `VETTED_TEST_TOOLS` is the `bin` folder of a Python that has check-jsonschema, cyclonedx-python-lib and junitparser;
//! `VETTED_TEST_VALIDATORS` a folder with the packages that `.ci/validators` installs.

#[path = "../it/reported.rs"]
mod reported;

use crate::named;
use crate::support::Machine;
use reported::{check, with_findings, with_nothing};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn python_tools() -> Option<PathBuf> {
    named("VETTED_TEST_TOOLS", "folder with check-jsonschema, cyclonedx-python-lib and junitparser")
}

fn packages() -> Option<PathBuf> {
    named("VETTED_TEST_VALIDATORS", "folder with the packages of sarif-multitool and cyclonedx-library")
}

/// Run a validator; what it writes to standard output.
#[track_caller]
fn passes(command: &mut Command) -> String {
    let output = command.output().expect("the validator starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What is validated: with findings of every kind and without any.
fn written(format: &str) -> Vec<(Machine, PathBuf)> {
    [(with_findings(), 1), (with_nothing(), 0)]
        .into_iter()
        .map(|(machine, status)| {
            let report = check(&machine, format, &[]).exits(status);
            let path = machine.file(&format!("home/report.{format}"), report.stdout);
            (machine, path)
        })
        .collect()
}

fn schema_of_sarif(packages: &Path) -> PathBuf {
    packages.join("node_modules/@microsoft/sarif-multitool-linux/sarif-2.1.0.json")
}

#[test]
fn sarif_keeps_to_the_schema_and_its_gate_can_close() {
    let (Some(tools), Some(packages)) = (python_tools(), packages()) else { return };
    let by_schema = |path: &Path| {
        let mut command = Command::new(tools.join("check-jsonschema"));
        command.arg("--schemafile").arg(schema_of_sarif(&packages)).arg(path);
        command
    };
    for (machine, path) in written("sarif") {
        passes(&mut by_schema(&path));
        let wrong = fs::read_to_string(&path).unwrap().replace("\"version\": \"2.1.0\"", "\"version\": \"2.2.0\"");
        let wrong = machine.file("home/wrong.sarif", wrong);
        assert!(!by_schema(&wrong).output().unwrap().status.success());
    }
}

#[test]
fn sarif_follows_every_rule_of_its_tool_and_of_github() {
    let Some(packages) = packages() else { return };
    let judged = |machine: &Machine, path: &Path| {
        let log = machine.home().join("judged.sarif");
        let mut command = Command::new(packages.join("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"));
        command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").arg("validate").arg(path);
        command.args(["--rule-kind", "Sarif;Ghas", "--log", "ForceOverwrite", "--output"]).arg(&log);
        passes(&mut command);
        let text = fs::read_to_string(&log).unwrap();
        let log: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        log["runs"][0]["results"].as_array().cloned().unwrap_or_default()
    };
    for (machine, path) in written("sarif") {
        let found = judged(&machine, &path);
        assert!(found.is_empty(), "{found:#?}");
        // The tool ends with 0 whatever it finds: it has to be seen finding something.
        let mut wrong: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        wrong["runs"][0]["tool"]["driver"]["rules"][0].as_object_mut().unwrap().remove("fullDescription");
        let wrong = machine.file("home/wrong.sarif", wrong.to_string());
        assert!(!judged(&machine, &wrong).is_empty());
    }
}

/// A bill of materials of a machine with a tool.
fn bom(machine: &Machine) -> PathBuf {
    let policy = machine.home().join("policy");
    let run = machine.vetted(&["scan", "--policy", policy.to_str().unwrap(), "--format", "cyclonedx"]).exits(0);
    machine.file("home/bom.cdx.json", run.stdout)
}

#[test]
fn both_strict_validators_take_the_bill_of_materials() {
    let (Some(tools), Some(packages)) = (python_tools(), packages()) else { return };
    for machine in [with_findings(), with_nothing()] {
        let path = bom(&machine);
        let wrong = fs::read_to_string(&path).unwrap().replace("\"CycloneDX\"", "\"SPDX\"");
        let wrong = machine.file("home/wrong.cdx.json", wrong);
        let by_python = |path: &Path| {
            let mut command = Command::new(tools.join("python"));
            command.arg("-c").arg(
                "import sys\nfrom cyclonedx.schema import SchemaVersion\nfrom cyclonedx.validation.json import JsonStrictValidator\n\
                 error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding='utf-8').read())\n\
                 sys.exit(str(error) if error is not None else 0)",
            );
            command.arg(path);
            command
        };
        let by_js = |path: &Path| {
            let mut command = Command::new("node");
            command.env("NODE_PATH", packages.join("node_modules")).arg("-e").arg(
                "const { Validation, Spec } = require('@cyclonedx/cyclonedx-library');\n\
                 const text = require('fs').readFileSync(process.argv[1], 'utf8');\n\
                 new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text).then((error) => {\n\
                 if (error !== null) { console.error(JSON.stringify(error)); process.exit(1); } });",
            );
            command.arg(path);
            command
        };
        for validator in [&by_python as &dyn Fn(&Path) -> Command, &by_js] {
            passes(&mut validator(&path));
            assert!(!validator(&wrong).output().unwrap().status.success());
        }
    }
}

#[test]
fn a_reader_of_junit_counts_what_was_written() {
    let Some(tools) = python_tools() else { return };
    for (machine, path) in written("junit") {
        let script = "import sys\nfrom junitparser import JUnitXml\n\
                      suites = JUnitXml.fromfile(sys.argv[1])\nprint(suites.tests, suites.failures, suites.errors)\n\
                      cases = [case for suite in suites for case in suite]\nprint(len(cases), sum(bool(case.result) for case in cases))";
        let counted = passes(Command::new(tools.join("python")).args(["-c", script]).arg(&path));
        let numbers: Vec<usize> = counted.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [tests, failures, errors, cases, failed] = numbers[..] else { panic!("{counted}") };
        assert_eq!((tests, failures + errors), (cases, failed));
        assert_eq!(failed == 0, check(&machine, "json", &[]).status == 0);
    }
}
