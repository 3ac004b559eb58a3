//! What other Sigstore clients accept and refuse, `vetted verify` accepts and refuses too: the same bundles through both.

use crate::support::Machine;
use crate::{cosign, cosign_with, js, python, script};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn bundles(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(name)
}

/// A bundle, a file, and who is asked for.
struct Case {
    name: String,
    bundle: PathBuf,
    artifact: PathBuf,
    identity: String,
    issuer: String,
    key: Option<PathBuf>,
    root: PathBuf,
}

/// The cases of sigstore-conformance: their own file, identity, key and trusted root, or the usual ones.
fn cases() -> Vec<Case> {
    let folder = bundles("conformance");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| folder.join(name).join("bundle.sigstore.json").is_file())
        .collect();
    names.sort();
    let case = |name: String| {
        let own = |file: &str| Some(folder.join(&name).join(file)).filter(|path| path.is_file());
        let text = |file: &str, usual: &str| {
            own(file).map_or_else(|| usual.to_owned(), |path| fs::read_to_string(path).unwrap().trim().to_owned())
        };
        Case {
            bundle: own("bundle.sigstore.json").unwrap(),
            artifact: own("artifact").unwrap_or_else(|| folder.join("a.txt")),
            identity: text("identity", BEACON),
            issuer: text("issuer", GITHUB),
            key: own("key.pub"),
            root: own("trusted_root.json").unwrap_or_else(|| bundles("roots/public-good.json")),
            name,
        }
    };
    names.into_iter().map(case).collect()
}

/// Whether `vetted verify` takes it. Anything but a verdict fails the test.
fn vetted(machine: &Machine, case: &Case, identity: &str) -> bool {
    let mut command = machine.command(env!("CARGO_BIN_EXE_vetted"));
    command.arg("verify").arg(&case.artifact).arg("--bundle").arg(&case.bundle).arg("--trusted-root").arg(&case.root);
    command.args(["--min-bundle", "0.1"]);
    match &case.key {
        Some(key) => command.arg("--key").arg(key),
        None => command.args(["--identity", identity, "--issuer", &case.issuer]),
    };
    let run = machine.run(command);
    assert!(matches!(run.status, 0..=3) && !run.stderr.contains("panicked at"), "{}: {run}", case.name);
    run.status == 0
}

/// Hold every case against another client, as it is and under another identity. Where the two differ the case has to be in `known`,
/// with what the other client says. `None` is a case that the other client cannot be asked about.
fn agree(known: &[(&str, bool)], mut other: impl FnMut(&Case, &str) -> Option<bool>) {
    let machine = Machine::new();
    let (mut wrong, mut taken, mut refused) = (Vec::new(), 0, 0);
    for case in cases() {
        let stranger = format!("{}x", case.identity);
        for identity in [case.identity.as_str(), &stranger] {
            if case.key.is_some() && identity == stranger {
                continue;
            }
            let Some(theirs) = other(&case, identity) else { continue };
            let ours = vetted(&machine, &case, identity);
            if ours {
                taken += 1
            } else {
                refused += 1
            }
            assert!(identity != stranger || !ours, "{}: a stranger was taken for the signer", case.name);
            let is_known = known.iter().any(|(name, says)| *name == case.name && *says == theirs);
            if ours != theirs && !is_known {
                wrong.push(format!("{} as {identity}: vetted {ours}, the other client {theirs}", case.name));
            }
        }
    }
    assert!(taken >= 19 && refused >= 100, "{taken} taken, {refused} refused: the cases are not read any more");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_statement(bundle: &Path) -> bool {
    fs::read_to_string(bundle).unwrap().contains("\"dsseEnvelope\"")
}

/// What sigstore-js 4.1.1 says otherwise than the suite: it compares the wrong digest of an envelope in Rekor v2, and takes a log key
/// without a beginning for one that always counted.
const JS_ALONE: [(&str, bool); 2] = [("rekor2-dsse-happy-path", false), ("trust-root-tlog-missing-validity-start_fail", true)];

/// What sigstore-python 4.5.1 says otherwise than the suite: it reads no `intoto` entries, and ends the validity of a time stamp
/// authority before its last second.
const PYTHON_ALONE: [(&str, bool); 2] =
    [("intoto-with-custom-trust-root", false), ("trust-root-tsa-validity-end-inclusive", false)];

#[test]
fn cosign_and_vetted_judge_alike() {
    let Some(cosign) = cosign() else { return };
    let machine = Machine::new();
    agree(&[], |case, identity| {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let is_statement = is_statement(&case.bundle);
        let command = if is_statement { "verify-blob-attestation" } else { "verify-blob" };
        let mut arguments =
            vec![command.to_owned(), "--bundle".into(), path(&case.bundle), "--trusted-root".into(), path(&case.root)];
        if is_statement {
            // Any type of predicate: which one counts is asked elsewhere.
            arguments.extend(["--type".to_owned(), predicate_of(&case.bundle)]);
        }
        if has_timestamps(&case.bundle) {
            // Without it the time stamps of an older log entry are read over.
            arguments.push("--use-signed-timestamps".to_owned());
        }
        match &case.key {
            Some(key) => arguments.extend(["--key".to_owned(), path(key)]),
            None => arguments
                .extend(["--certificate-identity", identity, "--certificate-oidc-issuer", &case.issuer].map(str::to_owned)),
        }
        arguments.push(path(&case.artifact));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Some(cosign_with(&machine, &cosign, &arguments).status == 0)
    });
}

fn has_timestamps(bundle: &Path) -> bool {
    let json: serde_json::Value = serde_json::from_slice(&fs::read(bundle).unwrap()).unwrap_or_default();
    let stamps = &json["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
    stamps.as_array().is_some_and(|stamps| !stamps.is_empty())
}

/// The type of predicate in a bundle, whatever else is wrong with it.
fn predicate_of(bundle: &Path) -> String {
    use base64::Engine as _;
    let json: serde_json::Value = serde_json::from_slice(&fs::read(bundle).unwrap()).unwrap_or_default();
    let payload = json["dsseEnvelope"]["payload"].as_str().unwrap_or_default();
    let payload = base64::engine::general_purpose::STANDARD.decode(payload).unwrap_or_default();
    let statement: serde_json::Value = serde_json::from_slice(&payload).unwrap_or_default();
    statement["predicateType"].as_str().unwrap_or("custom").to_owned()
}

#[test]
fn sigstore_js_and_vetted_judge_alike() {
    let Some(packages) = js() else { return };
    let machine = Machine::new();
    agree(&JS_ALONE, |case, identity| {
        // Its script takes a key's bundle for one of a policy, which has no log entry: those cases are cosign's.
        if case.key.is_some() {
            return None;
        }
        let mut command = machine.command("node");
        command.arg(script("verify.js")).env("NODE_PATH", packages.join("node_modules")).arg("--root").arg(&case.root);
        command.args(["--identity", identity, "--issuer", &case.issuer]).arg(&case.bundle).arg(&case.artifact);
        Some(machine.run(command).status == 0)
    });
}

#[test]
fn sigstore_python_and_vetted_judge_alike() {
    let Some(python) = python() else { return };
    let machine = Machine::new();
    // One process for all cases: starting it costs more than a case.
    let list: Vec<serde_json::Value> = cases()
        .iter()
        .map(|case| {
            serde_json::json!({
                "bundle": case.bundle, "artifact": case.artifact, "root": case.root, "issuer": case.issuer,
                "identities": [case.identity, format!("{}x", case.identity)],
            })
        })
        .collect();
    let list = machine.file("work/cases.json", serde_json::Value::from(list).to_string());
    let output = Command::new(&python).arg(script("judge.py")).arg(&list).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verdicts: Vec<[bool; 2]> = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    agree(&PYTHON_ALONE, |case, identity| {
        if case.key.is_some() {
            return None;
        }
        let at = names.iter().position(|name| *name == case.name).unwrap();
        Some(verdicts[at][usize::from(identity != case.identity)])
    });
}
