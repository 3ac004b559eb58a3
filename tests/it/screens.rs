//! `docs/screens`: what people see, captured from a real terminal. `VETTED_BLESS=1 cargo test --test it screens` writes the files
//! anew; without it the test fails where one is not what the program shows.

use crate::reported::with_findings;
use crate::support::Machine;
use std::fs;
use std::path::Path;

/// A run of `vetted check --staged`, in a terminal of so many columns or without one.
fn capture(machine: &Machine, columns: Option<u32>, no_color: bool) -> Option<String> {
    let policy = machine.home().join("policy");
    let check = format!("vetted check --staged --policy {}", policy.display());
    let mut command = match columns {
        None => {
            let mut command = machine.command("sh");
            command.args(["-c", &format!("{check} | cat")]);
            command
        }
        Some(columns) => {
            let inside = format!("stty cols {columns} rows 60; {check}");
            let mut command = machine.command("script");
            command.args(["-qec", &inside, "/dev/null"]);
            command
        }
    };
    command.env_remove("COLUMNS").env("TERM", "xterm-256color");
    command.env(
        "PATH",
        format!("{}:/usr/local/bin:/usr/bin:/bin", Path::new(env!("CARGO_BIN_EXE_vetted")).parent().unwrap().display()),
    );
    if no_color {
        command.env("NO_COLOR", "1");
    }
    if columns.is_some() && machine.program("sh", &["-c", "command -v script"]).status != 0 {
        eprintln!("SKIPPED: `script` is not here: a screen was not captured");
        return None;
    }
    let text = machine.run(command).stdout.replace("\r\n", "\n");
    assert!(text.contains("commit blocked"), "{text}");
    Some(text)
}

#[test]
fn the_screens_in_the_documentation_are_what_people_see() {
    let machine = with_findings();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screens");
    let bless = std::env::var_os("VETTED_BLESS").is_some();
    let screens = [
        ("blocked-80", Some(80), false),
        ("blocked-40", Some(40), false),
        ("blocked-no-color", Some(80), true),
        ("blocked-piped", None, false),
    ];
    for (name, columns, no_color) in screens {
        let Some(text) = capture(&machine, columns, no_color) else { continue };
        assert_eq!(text.contains('\u{1b}'), columns.is_some() && !no_color, "colour: {name}");
        let path = folder.join(format!("{name}.txt"));
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, text, "{}: run `VETTED_BLESS=1 cargo test --test it screens`", path.display());
    }
}
