//! Levels of rules from end to end: one manifest with dates, the program at three clocks; who may raise a level, what monitor mode makes
//! of it, and what a change of levels is to those who sign it.

use crate::support::{Machine, Run};
use crate::team::{Trust, key_file, key_path, manifest};
use serde_json::Value;
use std::fs;

const WARN: &str = "2026-12-01T00:00:00Z";
const ENFORCE: &str = "2026-12-10T00:00:00Z";
const BEFORE: &str = "2026-11-30T23:59:59Z";
const BETWEEN: &str = "2026-12-09T23:59:59Z";

/// A finding with what brings it about: files of the repository, and what the manifest has to say besides.
struct Rule {
    code: &'static str,
    files: &'static [(&'static str, &'static str)],
    manifest: &'static str,
}

const RULES: [Rule; 5] = [
    Rule {
        code: "floating-version",
        files: &[("package.json", "{\"dependencies\": {\"@openai/codex\": \"^0.169.0\"}}\n")],
        manifest: "[defaults]\nunlisted = \"allow\"\n",
    },
    Rule {
        code: "mcp-server-unpinned",
        files: &[(".mcp.json", "{\"mcpServers\": {\"docs\": {\"command\": \"npx\", \"args\": [\"-y\", \"@acme/docs-mcp\"]}}}\n")],
        manifest: "[defaults]\nunlisted = \"allow\"\n",
    },
    Rule { code: "hidden-text", files: &[("AGENTS.md", "# Rules\n\nRun the \u{202e}tests.\n")], manifest: "" },
    Rule {
        code: "unvetted-tool",
        files: &[("requirements.txt", "aider-chat==0.86.1\n")],
        manifest: "[defaults]\nunlisted = \"block\"\n",
    },
    Rule {
        code: "unused-approval",
        files: &[("README.md", "Nothing.\n")],
        manifest: "[[tool]]\nid = \"openai-codex\"\n[[tool.approval]]\nversion = \"0.250.0\"\napproved = { by = [\"alice\"], at = 2026-11-20T10:00:00Z }\n\
                   [[tool.approval.artifact]]\nrole = \"release\"\ndigest = { sha256 = \"7a0bd8d9cd1e4a8a9d0b8d6e6b7a2a9c5b8f1f0e3d2c1b0a9f8e7d6c5b4a3928\" }\n",
    },
];

impl Rule {
    fn dated(&self) -> String {
        format!("[rules]\n{} = {{ warn = {WARN}, enforce = {ENFORCE} }}\n{}", self.code, self.manifest)
    }

    /// Whether the finding names the line of its level. Else it is the line of the approval, or of `unlisted` where that decides.
    fn names_its_line(&self, status: i32) -> bool {
        match self.code {
            "unvetted-tool" => status == 0,
            code => code != "unused-approval",
        }
    }

    fn at(&self, level: &str) -> String {
        format!("[rules]\n{} = \"{level}\"\n{}", self.code, self.manifest)
    }
}

/// A repository with the files of a rule, under a signed manifest.
struct Place {
    machine: Machine,
    serial: std::cell::Cell<u64>,
}

impl Place {
    fn of(rule: &Rule, text: &str) -> Self {
        let mut machine = Machine::with_work_repository();
        machine.env("VETTED_KEY_PASSWORD", crate::team::PASSWORD);
        for (path, content) in rule.files {
            machine.file(&format!("work/{path}"), content);
        }
        machine.git(&["add", "--all"]);
        let trust =
            Trust::of(&[("alice", key_file(&machine, "alice"))]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
        machine.file("home/.config/vetted/vetted-trust.toml", trust.text());
        let place = Self { machine, serial: std::cell::Cell::new(1) };
        place.write(text);
        place.sign("vetted-trust.toml");
        place.sign("vetted.toml");
        place
    }

    /// Write the next manifest, unsigned.
    fn write(&self, text: &str) {
        self.machine.file("home/.config/vetted/vetted.toml", manifest(self.serial.get(), text));
        self.serial.set(self.serial.get() + 1);
    }

    fn sign(&self, document: &str) {
        let (document, key) = (self.machine.home().join(".config/vetted").join(document), key_path(&self.machine, "alice"));
        self.machine.vetted(&["sign", document.to_str().unwrap(), "--key", key.to_str().unwrap()]).exits(0);
    }

    fn at(&mut self, now: &str) -> &mut Self {
        self.machine.at(now);
        self
    }

    /// The exit status, and severity and level of the findings with a code.
    fn says(&self, code: &str) -> (i32, Vec<(String, String)>, Run) {
        let run = self.machine.vetted(&["check", "--all", "--format", "json"]);
        assert!(run.status == 0 || run.status == 1, "{run}");
        let json = run.json();
        let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
        let findings = json["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code);
        (run.status, findings.map(|f| (word(f, "severity"), word(f, "level"))).collect(), run)
    }

    #[track_caller]
    fn expects(&self, rule: &Rule, status: i32, severity: &str, level: &str) {
        let (found, said, run) = self.says(rule.code);
        assert_eq!(said, [(severity.to_owned(), level.to_owned())], "{} {run}", rule.code);
        assert_eq!(found, status, "{} {run}", rule.code);
    }
}

const STEPS: [(&str, i32, &str, &str); 5] = [
    (BEFORE, 0, "note", "monitor"),
    (WARN, 0, "warning", "warn"),
    (BETWEEN, 0, "warning", "warn"),
    (ENFORCE, 1, "error", "enforce"),
    ("2026-12-15T00:00:00Z", 1, "error", "enforce"),
];

#[test]
fn a_rule_is_a_note_then_a_warning_then_a_block() {
    for rule in &RULES {
        let mut place = Place::of(rule, &rule.dated());
        for (now, status, severity, level) in STEPS {
            place.at(now).expects(rule, status, severity, level);
            let human = place.machine.vetted(&["check", "--all", "--verbose"]).exits(status);
            assert_eq!(human.stdout.contains("vetted: blocked"), status == 1, "{} {now} {human}", rule.code);
            let last = if status == 1 { "\nblocked: " } else { "\nvetted: " };
            assert!(human.stdout.contains(last), "{} {now} {human}", rule.code);
            // Whoever is warned sees which line of the policy says so, with its dates.
            let line = format!("{} = {{ warn = {WARN}", rule.code);
            assert!(human.stdout.contains(&line) || !rule.names_its_line(status), "{} {now} {human}", rule.code);
        }
    }
}

/// What the hook says of a commit is what the check of everything says; only an approval that nothing uses needs a look at everything.
#[test]
fn the_hook_goes_by_the_same_dates() {
    for rule in RULES.iter().filter(|rule| rule.code != "unused-approval") {
        let mut place = Place::of(rule, &rule.dated());
        for (now, status, _, _) in STEPS {
            place.at(now).machine.vetted(&["check", "--no-machine"]).exits(status);
        }
    }
}

#[test]
fn monitor_mode_makes_a_block_a_warning() {
    for rule in &RULES {
        let mut place = Place::of(rule, "");
        let text = manifest(2, &rule.dated()).replace("mode = \"enforce\"", "mode = \"monitor\"");
        place.machine.file("home/.config/vetted/vetted.toml", text);
        place.sign("vetted.toml");
        for (now, _, severity, level) in STEPS {
            let severity = if severity == "error" { "warning" } else { severity };
            place.at(now).expects(rule, 0, severity, level);
        }
    }
}

/// What a repository or a user writes raises a level, and lowers none.
#[test]
fn a_lower_layer_only_raises() {
    let layer = |rule: &Rule, level: &str| {
        format!(
            "kind = \"vetted/manifest\"\nschema = 1\nname = \"below.example/app\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
             expires = 2027-11-20T00:00:00Z\nmode = \"enforce\"\n[rules]\n{} = \"{level}\"\n",
            rule.code
        )
    };
    for rule in &RULES {
        for path in ["work/vetted.toml", "home/.config/vetted/vetted-user.toml"] {
            let mut place = Place::of(rule, &rule.dated());
            // It holds from today on.
            place.machine.file(path, layer(rule, "enforce"));
            place.machine.git(&["add", "--all"]);
            place.at(BEFORE).expects(rule, 1, "error", "enforce");
            // It says less than holds already, and that it says so in vain.
            place.machine.file(path, layer(rule, "monitor"));
            place.machine.git(&["add", "--all"]);
            place.at(ENFORCE).expects(rule, 1, "error", "enforce");
            let (_, said, run) = place.says("layer-without-effect");
            assert_eq!(said.len(), 1, "{run}");
            assert!(run.stdout.contains(&format!("a lower level ({})", rule.code)), "{run}");
        }
    }
}

/// `policy diff` and `policy simulate` say a change of a level before it is signed, in both directions.
#[test]
fn a_change_of_a_level_is_shown_before_it_is_signed() {
    for rule in &RULES {
        let mut place = Place::of(rule, &rule.at("monitor"));
        place.expects(rule, 0, "note", "monitor");
        let against = signed_copy(&place);
        place.write(&rule.at("enforce"));
        let diff = place.machine.vetted(&["policy", "diff"]).exits(0).stdout;
        assert!(diff.contains("newly allows nothing"), "{diff}");
        let section = &diff[diff.find("no longer allows").unwrap_or_else(|| panic!("{diff}"))..];
        assert!(section.contains(rule.code) && section.contains("monitor") && section.contains("enforce"), "{diff}");
        let run = place.machine.vetted(&["policy", "simulate", "--against", &against, "--format", "json"]).exits(0).json();
        let machine = &run["machines"][0];
        assert_eq!(machine["newly_stopped"].as_array().map(Vec::len), Some(1), "{} {run}", rule.code);
        assert_eq!(machine["newly_passing"].as_array().map(Vec::len), Some(0), "{} {run}", rule.code);

        place.sign("vetted.toml");
        place.expects(rule, 1, "error", "enforce");
        let against = signed_copy(&place);
        place.write(&rule.dated());
        let diff = place.machine.vetted(&["policy", "diff"]).exits(0).stdout;
        let words = diff.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!diff.contains("newly allows nothing") && diff.contains("newly allows"), "{diff}");
        assert!(diff.contains(rule.code) && words.contains("enforce from 10 Dec 2026 (was enforce"), "{diff}");
        let simulate = ["policy", "simulate", "--against", &against, "--format", "json"];
        let run = place.machine.vetted(&simulate).exits(0).json();
        assert_eq!(run["machines"][0]["newly_passing"].as_array().map(Vec::len), Some(1), "{} {run}", rule.code);
        // From the date on it changes nothing.
        place.at(ENFORCE);
        let run = place.machine.vetted(&simulate).exits(0).json();
        assert_eq!(run["machines"][0]["newly_passing"].as_array().map(Vec::len), Some(0), "{} {run}", rule.code);
        place.sign("vetted.toml");
        place.expects(rule, 1, "error", "enforce");
    }
}

/// The policy as it is signed now, in a folder of its own.
fn signed_copy(place: &Place) -> String {
    let folder = place.machine.home().join(".config/vetted");
    let copy = place.machine.home().join(format!("signed-{}", place.serial.get()));
    fs::create_dir_all(&copy).unwrap();
    for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    copy.to_str().unwrap().to_owned()
}

#[test]
fn dates_that_fall_are_refused() {
    let rule = &RULES[0];
    let place = Place::of(rule, "");
    for (text, said) in [
        (format!("[rules]\nfloating-version = {{ warn = {ENFORCE}, enforce = {WARN} }}\n"), "enforce"),
        ("[rules]\nrevoked-tool = \"monitor\"\n".to_owned(), "revoked-tool"),
        ("[rules]\nfloating-version = \"off\"\n".to_owned(), "monitor"),
    ] {
        place.machine.file("home/.config/vetted/vetted.toml", manifest(1, &text));
        let run = place.machine.vetted(&["policy", "check"]);
        assert_ne!(run.status, 0, "{run}");
        assert!(format!("{}{}", run.stdout, run.stderr).contains(said), "{run}");
    }
}
