//! What a person is told who typed something that is nearly right, or named something that is not there.

use crate::support::Machine;
use std::net::TcpListener;

fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice"]).exits(0);
    machine
}

#[track_caller]
fn says(machine: &Machine, arguments: &[&str], status: i32, parts: &[&str]) {
    let run = machine.vetted(arguments).exits(status);
    for part in parts {
        assert!(run.stderr.contains(part), "`{part}` is missing\n{run}");
    }
}

#[test]
fn the_name_of_a_package_leads_to_its_tool() {
    let machine = machine();
    let tool = "help: the package of that name is the tool `claude-code`";
    let package = "@anthropic-ai/claude-code";
    for subject in [package, "@anthropic-ai/claude-code@2.1.150"] {
        says(&machine, &["policy", "explain", subject], 2, &[tool, "no tool is called `@anthropic-ai/claude-code`"]);
        says(&machine, &["explain", subject], 2, &[tool]);
    }
    says(&machine, &["revoke", package, "--reason", "malicious", "--introduced", "0"], 2, &[tool]);
    // The version of a tool is still one.
    machine.vetted(&["policy", "explain", "claude-code@2.1.150"]).exits(0);
    says(&machine, &["policy", "explain", "no-such-tool"], 2, &["no tool is called `no-such-tool`"]);
}

#[test]
fn what_is_not_there_is_answered_with_what_to_do() {
    let machine = machine();
    machine.file("work/artifact", "x");
    let verify = ["verify", "artifact", "--bundle", "nofile", "--identity", "a", "--issuer", "b"];
    says(&machine, &verify, 3, &["`nofile` does not exist", "help: `--bundle FILE` names a file that is here"]);
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let registry = format!("http://127.0.0.1:{port}/");
    let approve = ["approve", "claude-code@3.0.0", "--from", "npm", "--registry", &registry];
    says(
        &machine,
        &approve,
        3,
        &["gives no answer", "help: make sure that the address is right", "`--registry URL` names another"],
    );
}

#[test]
fn a_policy_says_how_many_sign_in_words_that_fit_the_number() {
    let machine = machine();
    let key = |name: &str| {
        let pem = vetted::trust::key::generate().unwrap().0.public_pem();
        machine.file(&format!("work/{name}.pub"), pem);
        format!("{name}={name}.pub")
    };
    let (bob, carol) = (key("bob"), key("carol"));
    let init = |folder: &str, threshold: &str| {
        machine.vetted(&["init", folder, "--signer", &bob, "--signer", &carol, "--threshold", threshold])
    };
    let one = init("one", "1").exits(0).stderr;
    assert!(one.contains("who may sign: any one of bob, carol, alone"), "{one}");
    assert!(one.contains("  one of bob, carol, with a key of their own:"), "{one}");
    let two = init("two", "2").exits(0).stderr;
    assert!(two.contains("who may sign: 2 of bob, carol, together"), "{two}");
    assert!(two.contains("2 of bob, carol, each with a key of their own"), "{two}");
    let three = init("three", "3").exits(2).stderr;
    assert!(three.contains("there are 2 signers") && three.contains("a lower `--threshold`"), "{three}");
}
