//! `vetted baseline` with a real repository and a policy that real keys sign: what is there today passes until a date, whatever is new
//! does not, and what was recorded only shrinks.

use crate::support::{Machine, Run};
use crate::team::{Trust, key_file, key_path, manifest};
use std::fs;
use std::path::Path;

const ORIGIN: &str = "https://git.acme.example/acme/app.git";
const ENDS: &str = "2026-12-10T00:00:00Z";
const POLICY: &str = "home/.config/vetted";
const HAND: &str = "# Ours, by hand   \n[[waiver]]   # keep\nid=\"W-2026-001\"\n  lifts    = [ 'unvetted' ]\ntool=\"gemini-cli\"\nversions = [\n  \"0.0.1\", # an old one\n]\n\
     owner = \"carol\"\napprover = \"dave\"\nreason = '''a \"b\"'''\nstarts = 2026-11-20T00:00:00Z\nexpires = 2026-12-01T00:00:00Z\n\n\n# The end of the hand-written part\n";

/// The five things that files name, each with the tool that is judged.
const NAMED: [(&str, &str); 5] = [
    ("web/package-lock.json", "openai-codex"),
    ("requirements.txt", "aider"),
    (".github/workflows/ci.yml", "claude-code"),
    ("Dockerfile", "gemini-cli"),
    (".mcp.json", "acme-docs-mcp-4d8fe174824fc2f4"),
];

/// A repository with five mentions in five formats, under a policy in enforce mode that knows none of them.
struct Place {
    machine: Machine,
}

impl Place {
    fn new() -> Self {
        Self::under("")
    }

    /// The same under a manifest that says more.
    fn under(more: &str) -> Self {
        let mut machine = Machine::with_work_repository();
        machine.env("VETTED_KEY_PASSWORD", crate::team::PASSWORD);
        machine.git(&["remote", "add", "origin", ORIGIN]);
        machine.file(
            "work/web/package-lock.json",
            "{\"lockfileVersion\": 3, \"packages\": {\"\": {\"dependencies\": {\"@openai/codex\": \"0.169.0\"}},\n\"node_modules/@openai/codex\": {\"version\": \"0.169.0\"}}}\n",
        );
        machine.file("work/requirements.txt", "requests==2.32.0\naider-chat==0.86.1\n");
        machine.file(
            "work/.github/workflows/ci.yml",
            "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: npm install -g @anthropic-ai/claude-code@2.1.329\n",
        );
        machine.file("work/Dockerfile", "FROM node:22\nRUN npm install -g @google/gemini-cli@0.20.0\n");
        machine.file(
            "work/.mcp.json",
            "{\"mcpServers\": {\n\"docs\": {\"command\": \"npx\", \"args\": [\"-y\", \"@acme/docs-mcp@1.4.0\"]}\n}}\n",
        );
        let trust =
            Trust::of(&[("alice", key_file(&machine, "alice"))]).role("root", 1, &["alice"]).role("manifest", 1, &["alice"]);
        let trust = format!("{}[role.waivers]\nmax-duration = \"90d\"\n", trust.text());
        machine.file(&format!("{POLICY}/vetted-trust.toml"), trust);
        machine.file(&format!("{POLICY}/vetted.toml"), manifest(1, &format!("[defaults]\nunlisted = \"block\"\n{more}")));
        let place = Self { machine };
        place.sign("vetted-trust.toml");
        place.sign("vetted.toml");
        place.stage();
        place
    }

    fn sign(&self, document: &str) {
        let (document, key) = (self.machine.home().join(".config/vetted").join(document), key_path(&self.machine, "alice"));
        self.machine.vetted(&["sign", document.to_str().unwrap(), "--key", key.to_str().unwrap()]).exits(0);
    }

    fn stage(&self) {
        self.machine.git(&["add", "--all"]);
    }

    fn file(&self, path: &str, content: &str) {
        self.machine.file(&format!("work/{path}"), content);
        self.stage();
    }

    fn baseline(&self, more: &[&str]) -> Run {
        self.machine.vetted(&[&["baseline"], more].concat())
    }

    /// The first baseline, signed.
    fn begin(&self) -> Run {
        let run = self.baseline(&["--owner", "alice", "--approver", "bob", "--expires", ENDS]).exits(0);
        self.sign("vetted.toml");
        run
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.machine.home().join(".config/vetted/vetted.toml")).unwrap()
    }

    fn waivers(&self) -> usize {
        self.manifest().matches("id       = \"BASELINE-").count()
    }

    fn check(&self) -> Run {
        self.machine.vetted(&["check", "--all", "--no-machine", "--format", "json"])
    }

    fn at(&mut self, now: &str) {
        self.machine.at(now);
    }
}

/// `tool verdict`, sorted.
fn verdicts(run: &Run) -> Vec<String> {
    let json = run.json();
    let mut found: Vec<String> = json["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| format!("{} {}", v["tool"].as_str().unwrap(), v["verdict"].as_str().unwrap()))
        .collect();
    found.sort();
    found
}

fn all(verdict: &str) -> Vec<String> {
    let mut all: Vec<String> = NAMED.iter().map(|(_, tool)| format!("{tool} {verdict}")).collect();
    all.sort();
    all
}

fn codes(run: &Run) -> Vec<String> {
    run.json()["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_there_today_passes_until_a_date_and_says_so() {
    let place = Place::new();
    assert_eq!(verdicts(&place.check().exits(1)), all("unvetted"));
    let run = place.begin();
    assert!(run.stderr.contains("baseline of git.acme.example/acme/app"), "{run}");
    assert!(run.stderr.contains("5 added, 0 removed, 0 narrowed, 0 as before"), "{run}");
    assert!(run.stderr.contains("vetted sign"), "{run}");
    assert_eq!(place.waivers(), 5);
    assert_eq!(verdicts(&place.check().exits(0)), all("waived"));
    let human = place.machine.vetted(&["check", "--all", "--no-machine"]).exits(0);
    assert!(
        human.stdout.contains("5 tools waived") && human.stdout.contains("until 10 Dec 2026 (owner alice, approver bob)"),
        "{human}"
    );
    // The hook, which judges what is staged, says the same.
    place.machine.vetted(&["check", "--no-machine"]).exits(0);
    // It waits for its signature: before it nothing passes by it.
    let unsigned = Place::new();
    unsigned.baseline(&["--owner", "alice", "--approver", "bob", "--expires", ENDS]).exits(0);
    unsigned.check().exits(3);
}

#[test]
fn what_is_new_is_judged_like_anything_else() {
    let place = Place::new();
    place.begin();
    let lock = fs::read_to_string(place.machine.work().join("web/package-lock.json")).unwrap();
    let blocked_with = |path: &str, content: &str, tool: &str| {
        let before = fs::read(place.machine.work().join(path)).ok();
        place.file(path, content);
        let run = place.check().exits(1);
        let found: Vec<String> = verdicts(&run).into_iter().filter(|v| v.ends_with(" unvetted")).collect();
        assert_eq!(found, [format!("{tool} unvetted")], "{path}");
        match before {
            Some(before) => fs::write(place.machine.work().join(path), before).unwrap(),
            None => fs::remove_file(place.machine.work().join(path)).unwrap(),
        }
        place.stage();
        place.check().exits(0);
    };
    // The same tool and version in another file, also below the one that is recorded.
    blocked_with("api/package-lock.json", &lock, "openai-codex");
    blocked_with("web/sub/package-lock.json", &lock, "openai-codex");
    // Another version in the same file, another tool in the same file, another way in the same file.
    blocked_with("web/package-lock.json", &lock.replace("0.169.0", "0.170.0"), "openai-codex");
    blocked_with(
        "Dockerfile",
        "FROM node:22\nRUN npm install -g @google/gemini-cli@0.20.0 @openai/codex@0.169.0\n",
        "openai-codex",
    );
    blocked_with("Dockerfile", "FROM node:22\nRUN npm install -g @google/gemini-cli\n", "gemini-cli");
    blocked_with("requirements.txt", "aider-chat>=0.86.1\n", "aider");
    // A lock that is gone leaves the range, which nobody recorded.
    place.file("web/package.json", "{\"dependencies\": {\"@openai/codex\": \"^0.169.0\"}}\n");
    place.check().exits(0);
    place.machine.git(&["rm", "-q", "--cached", "web/package-lock.json"]);
    place.check().exits(1);
    place.stage();
    place.check().exits(0);

    // Another repository with the same files.
    for origin in ["https://git.acme.example/acme/app2.git", "https://evil.example/git.acme.example/acme/app", "/srv/acme/app"] {
        place.machine.git(&["remote", "set-url", "origin", origin]);
        assert_eq!(verdicts(&place.check().exits(1)), all("unvetted"), "{origin}");
    }
    place.machine.git(&["remote", "set-url", "origin", "git@git.acme.example:acme/app.git"]);
    place.check().exits(0);
    // What is installed is not what a file names.
    place.machine.npm_package("home/.npm-global/lib/node_modules/@openai/codex", "@openai/codex", "0.169.0", "codex");
    place.machine.vetted(&["check", "--all"]).exits(1);
}

#[test]
fn it_only_shrinks_unless_it_is_asked_again() {
    let place = Place::new();
    place.machine.file("work/api/requirements.txt", "aider-chat==0.86.1\n");
    place.stage();
    place.begin();
    let first = place.manifest();
    assert!(first.contains("paths = [\"api/requirements.txt\", \"requirements.txt\"]"), "{first}");

    // One tool is gone, one is named by fewer files, one is new.
    place.machine.git(&["rm", "-qf", "Dockerfile"]);
    place.machine.git(&["rm", "-qf", "api/requirements.txt"]);
    place.file("tools/requirements.txt", "aider-chat==0.87.0\n");
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("0 added, 1 removed, 1 narrowed, 3 as before"), "{run}");
    assert!(run.stderr.contains("not covered: aider 0.87.0 in tools/requirements.txt"), "{run}");
    let second = place.manifest();
    assert_eq!(place.waivers(), 4);
    assert!(!second.contains("gemini-cli") && second.contains("paths = [\"requirements.txt\"]"), "{second}");
    place.sign("vetted.toml");
    let run = place.check().exits(1);
    assert_eq!(verdicts(&run).iter().filter(|v| *v == "aider unvetted").count(), 1, "{run}");

    // Signing says that nothing is newly allowed by it.
    let run = place.machine.vetted(&["policy", "diff"]).exits(0);
    assert!(!run.stdout.contains("newly allows\n"), "{run}");

    // What is back is new.
    place.file("Dockerfile", "FROM node:22\nRUN npm install -g @google/gemini-cli@0.20.0\n");
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("nothing to write") && run.stderr.contains("not covered: gemini-cli 0.20.0"), "{run}");
    assert_eq!(place.manifest(), second);

    // Asked again it is recorded, under ids that were never used before, with owner, approver and end.
    let run = place.baseline(&["--again"]).exits(2);
    assert!(run.stderr.contains("missing: --owner, --approver, --expires"), "{run}");
    let run = place.baseline(&["--again", "--owner", "alice", "--approver", "bob", "--expires", ENDS]).exits(0);
    assert!(run.stderr.contains("2 added, 0 removed, 0 narrowed, 4 as before"), "{run}");
    let third = place.manifest();
    let ids = |text: &str| -> Vec<String> { text.lines().filter(|l| l.starts_with("id       = ")).map(str::to_owned).collect() };
    let reused: Vec<String> =
        ids(&third).into_iter().filter(|id| ids(&first).contains(id) && !ids(&second).contains(id)).collect();
    assert_eq!(reused, [""; 0], "ids are never used again");
    place.sign("vetted.toml");
    assert_eq!(verdicts(&place.check().exits(0)).len(), 6);

    // An end is brought forward and never put off.
    let run = place.baseline(&["--expires", "2027-01-01"]).exits(0);
    assert!(run.stderr.contains("nothing to write"), "{run}");
    let run = place.baseline(&["--expires", "2026-12-01"]).exits(0);
    assert!(run.stderr.contains("0 added, 0 removed, 6 narrowed, 0 as before"), "{run}");
    assert!(!place.manifest().contains(ENDS), "{}", place.manifest());
}

#[test]
fn a_file_that_cannot_be_read_takes_nothing_away() {
    let place = Place::new();
    place.begin();
    let lock = fs::read_to_string(place.machine.work().join("web/package-lock.json")).unwrap();
    place.file("web/package-lock.json", &format!("<<<<<<< ours\n{lock}"));
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("`web/package-lock.json` cannot be read"), "{run}");
    assert!(run.stderr.contains("0 added, 0 removed, 0 narrowed, 5 as before"), "{run}");
    place.check().exits(3);
    place.file("web/package-lock.json", &lock);
    place.check().exits(0);
}

#[test]
fn what_cannot_be_a_baseline_is_refused_with_what_to_do() {
    let place = Place::new();
    let before = place.manifest();
    let [owner, approver] = [["--owner", "alice"], ["--approver", "bob"]];
    let ends = ["--expires", ENDS];
    let refused = |arguments: &[&[&str]], says: &[&str]| {
        let run = place.baseline(&arguments.concat()).exits(2);
        for said in says {
            assert!(run.stderr.contains(said), "{said}\n{run}");
        }
        assert_eq!(place.manifest(), before, "{run}");
    };
    refused(&[&approver, &ends], &["missing: --owner", "vetted baseline --owner NAME --approver NAME --expires DATE"]);
    refused(&[&owner, &ends], &["missing: --approver"]);
    refused(&[&owner, &approver], &["missing: --expires"]);
    refused(&[&owner, &["--approver", "Alice "], &ends], &["the owner of a waiver cannot approve it", "somebody else"]);
    refused(&[&["--owner", " "], &approver, &ends], &["`--owner` names nobody"]);
    refused(&[&owner, &approver, &["--expires", "2026-11-20"]], &["it would end at", "2026-11-21T12:00:00Z now"]);
    refused(&[&owner, &approver, &["--expires", "2027-02-20"]], &["at most 90"]);
    refused(&[&owner, &approver, &["--expires", "soon"]], &["write it like 2026-11-27"]);

    // Origins that nobody shares.
    for origin in ["/srv/git/app.git", "http://git.acme.example/acme/app", "file:///srv/app"] {
        place.machine.git(&["remote", "set-url", "origin", origin]);
        refused(&[&owner, &approver, &ends], &["no name that others share", "git remote add origin"]);
    }
    place.machine.git(&["remote", "remove", "origin"]);
    refused(&[&owner, &approver, &ends], &["no name that others share"]);
    place.machine.git(&["remote", "add", "origin", ORIGIN]);

    // Not in a repository, and in one without a work tree.
    let inside = |folder: &str| {
        let mut command = place.machine.command(env!("CARGO_BIN_EXE_vetted"));
        command.current_dir(place.machine.home().join(folder));
        command.args([&["baseline"][..], &owner, &approver, &ends].concat());
        let run = place.machine.run(command).exits(2);
        assert_eq!(place.manifest(), before, "{run}");
        run.stderr
    };
    fs::create_dir(place.machine.home().join("plain")).unwrap();
    assert!(inside("plain").contains("there is no git repository here"));
    place.machine.git(&["init", "-q", "--bare", place.machine.home().join("bare.git").to_str().unwrap()]);
    place.machine.git(&["-C", place.machine.home().join("bare.git").to_str().unwrap(), "remote", "add", "origin", ORIGIN]);
    let said = inside("bare.git");
    assert!(said.contains("bare repository") && said.contains("inside the work tree"), "{said}");

    // No policy folder, one in the middle of a merge, and one that a sync fills.
    let policy = place.machine.home().join(".config/vetted");
    let arguments = [&owner[..], &approver, &ends, &["--policy", "elsewhere"]].concat();
    let run = place.baseline(&arguments).exits(2);
    assert!(run.stderr.contains("vetted init"), "{run}");
    let torn = format!("<<<<<<< ours\n{before}=======\n>>>>>>> theirs\n");
    fs::write(policy.join("vetted.toml"), &torn).unwrap();
    let run = place.baseline(&[&owner[..], &approver, &ends].concat()).exits(2);
    assert!(run.stderr.contains("cannot change") && run.stderr.contains("vetted.toml"), "{run}");
    assert_eq!(place.manifest(), torn);
    fs::write(policy.join("vetted.toml"), &before).unwrap();
    fs::write(policy.join("vetted-current"), "0").unwrap();
    refused(&[&owner, &approver, &ends], &["is brought here by `vetted sync`", "--policy DIR"]);
    fs::remove_file(policy.join("vetted-current")).unwrap();
    place.begin();
}

#[test]
fn documents_that_are_too_old_to_judge_by_record_nothing() {
    let mut place = Place::new();
    place.at("2027-01-05T12:00:00Z");
    let before = place.manifest();
    let run = place.baseline(&["--owner", "alice", "--approver", "bob", "--expires", "2027-02-01"]).exits(2);
    assert!(run.stderr.contains("too old to judge by") && run.stderr.contains("vetted sign --renew"), "{run}");
    assert_eq!(place.manifest(), before);
}

fn revocation(ranges: &str) -> String {
    format!(
        "[[revocation]]\nid = \"ACME-1\"\naffected = [{{ tool = \"openai-codex\"{ranges} }}]\nreason = \"malicious\"\n\
         severity = \"high\"\neffective = 2026-11-01T00:00:00Z\nmessage = \"Use another.\"\n"
    )
}

#[test]
fn what_is_revoked_is_never_waived() {
    let place = Place::under(&revocation(", ranges = [{ introduced = \"0.1.0\", fixed = \"0.200.0\" }]"));
    let run = place.begin();
    assert!(run.stderr.contains("4 added"), "{run}");
    assert!(!place.manifest().contains("-openai-codex\""), "{}", place.manifest());
    let run = place.check().exits(1);
    assert!(verdicts(&run).contains(&"openai-codex revoked".to_owned()), "{run}");

    // Nor does a waiver that is there lift a revocation that comes later, and the next run takes it out.
    let place = Place::new();
    place.begin();
    let text = place.manifest();
    assert!(text.contains("-openai-codex\""));
    let policy = place.machine.home().join(".config/vetted/vetted.toml");
    fs::write(&policy, format!("{text}\n{}", revocation(""))).unwrap();
    place
        .machine
        .vetted(&["sign", "--renew", policy.to_str().unwrap(), "--key", key_path(&place.machine, "alice").to_str().unwrap()])
        .exits(0);
    let run = place.check().exits(1);
    assert!(verdicts(&run).contains(&"openai-codex revoked".to_owned()), "{run}");
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("0 added, 1 removed, 0 narrowed, 4 as before"), "{run}");

    // A range of which everything is revoked is revoked, too.
    let place = Place::under(&revocation(""));
    place.file("tools/package.json", "{\"dependencies\": {\"@openai/codex\": \"^0.169.0\"}}\n");
    let run = place.begin();
    assert!(run.stderr.contains("4 added") && !place.manifest().contains("-openai-codex\""), "{run}");
    place.check().exits(1);
}

#[test]
fn a_range_is_recorded_as_it_is_written() {
    let place = Place::new();
    place.file("tools/package.json", "{\"dependencies\": {\"@openai/codex\": \"^0.169.0\"}}\n");
    place.file("scripts/setup.sh", "#!/bin/sh\nnpm install -g @openai/codex\nnpx -y @google/gemini-cli@latest\n");
    let run = place.begin();
    assert!(run.stderr.contains("openai-codex ^0.169.0 in tools/package.json"), "{run}");
    let run = place.check().exits(0);
    assert!(codes(&run).contains(&"floating-version".to_owned()), "a range stays one: {run}");
    place.file("tools/package.json", "{\"dependencies\": {\"@openai/codex\": \"^0.170.0\"}}\n");
    place.check().exits(1);
    place.file("tools/package.json", "{\"dependencies\": {\"@openai/codex\": \"0.169.0\"}}\n");
    place.check().exits(1);
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("1 removed"), "{run}");
}

#[test]
fn a_dry_run_writes_nothing_and_without_a_terminal_nobody_is_asked() {
    let place = Place::new();
    let folder = place.machine.home().join(".config/vetted");
    let listing = || {
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, files) = (place.manifest(), listing());
    let arguments = ["--owner", "alice", "--approver", "bob", "--expires", ENDS];
    let run = place.baseline(&[&arguments[..], &["--dry-run"]].concat()).exits(0);
    assert!(run.stderr.contains("5 added") && run.stderr.contains("nothing was written"), "{run}");
    assert_eq!((place.manifest(), listing()), (before, files));
    place.baseline(&["--dry-run", "--yes"]).exits(2);
    let help = place.machine.vetted(&["baseline", "--help"]).exits(0);
    assert!(help.stdout.contains("where there is no terminal nobody is asked"), "{help}");
    place.baseline(&arguments).exits(0);
    assert_eq!(place.waivers(), 5);
}

#[test]
fn what_people_wrote_is_kept_byte_for_byte() {
    let place = Place::under(HAND);
    let before = place.manifest();
    place.begin();
    let (head, body) = before.split_at(before.find("[defaults]").unwrap());
    let after = place.manifest();
    let (new_head, new_body) = after.split_at(after.find("[defaults]").unwrap());
    assert!(new_body.starts_with(body), "{after}");
    let kept = |line: &&str| !["serial", "issued", "expires"].iter().any(|key| line.starts_with(key));
    assert_eq!(head.lines().filter(kept).collect::<Vec<_>>(), new_head.lines().filter(kept).collect::<Vec<_>>());

    // What is written between and behind the entries stays where it is when they are narrowed and taken out.
    let policy = place.machine.home().join(".config/vetted/vetted.toml");
    let mine = "\n# Mine, behind\n[[withdrawn]]\nid = \"ACME-9\"   # gone\nreason = 'x'\n";
    fs::write(&policy, format!("{after}{mine}")).unwrap();
    for path in ["Dockerfile", "requirements.txt", "web/package-lock.json", ".mcp.json", ".github/workflows/ci.yml"] {
        place.machine.git(&["rm", "-qf", path]);
    }
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("0 added, 5 removed"), "{run}");
    let text = place.manifest();
    let rest = &text[text.find("[defaults]").unwrap()..];
    assert_eq!(rest, format!("{body}{mine}"));
    place.machine.vetted(&["policy", "check"]).exits(0);
}

#[test]
fn it_ends_on_its_date_and_says_so_before() {
    let mut place = Place::new();
    place.begin();
    assert!(!codes(&place.check().exits(0)).contains(&"waiver-ends-soon".to_owned()));
    place.at("2026-12-04T00:00:00Z");
    let run = place.check().exits(0);
    assert_eq!(codes(&run).iter().filter(|code| *code == "waiver-ends-soon").count(), 5, "{run}");
    place.at("2026-12-09T23:59:59Z");
    place.check().exits(0);
    place.at(ENDS);
    assert_eq!(verdicts(&place.check().exits(1)), all("unvetted"));
    // What is over is taken out, and is not begun again by itself.
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("0 added, 5 removed"), "{run}");
    assert_eq!(place.waivers(), 0);
}

#[test]
fn twice_is_once() {
    let place = Place::new();
    let arguments = ["--owner", "alice", "--approver", "bob", "--expires", ENDS];
    place.baseline(&arguments).exits(0);
    let first = place.manifest();
    for more in [&[][..], &["--yes"], &["--again"]] {
        let run = place.baseline(&[&arguments[..], more].concat()).exits(0);
        assert!(run.stderr.contains("nothing to write"), "{run}");
        assert_eq!(place.manifest(), first);
    }
    place.sign("vetted.toml");
    place.baseline(&arguments).exits(0);
    assert_eq!(place.manifest(), first);
}

/// What the person who runs it narrows for themselves is nothing that others are bound by.
#[test]
fn the_layer_of_whoever_runs_it_plays_no_part() {
    let place = Place::new();
    place.begin();
    let layer = manifest(1, &revocation("")).replace("name = \"acme\"", "name = \"me\"");
    place.machine.file(&format!("{POLICY}/vetted-user.toml"), layer);
    place.check().exits(1);
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("nothing to write") && run.stderr.contains("5 as before"), "{run}");
}

/// Names with the characters of globs, and ones that no document can hold: those keep no other file out.
#[test]
fn a_path_is_recorded_as_itself() {
    let place = Place::new();
    let content = "{\"dependencies\": {\"@openai/codex\": \"0.150.0\"}}\n";
    for folder in ["{{cookiecutter.slug}}", "[id]", "a*", "b?", "ü b", "!c"] {
        place.machine.file(&format!("work/{folder}/package.json"), content);
    }
    place.stage();
    let run = place.begin();
    assert!(run.stderr.contains("6 added"), "{run}");
    place.check().exits(0);
    for folder in ["cookiecutter.slug", "i", "ab", "bb", "sub/!c"] {
        place.file(&format!("{folder}/package.json"), content);
        place.check().exits(1);
        fs::remove_file(place.machine.work().join(folder).join("package.json")).unwrap();
        place.stage();
    }
    place.check().exits(0);
    let run = place.baseline(&[]).exits(0);
    assert!(run.stderr.contains("nothing to write"), "{run}");

    let unnameable = ["back\\slash", "new\nline", "\u{202e}gnp"];
    for folder in unnameable {
        place.machine.file(&format!("work/{folder}/package.json"), content);
    }
    place.file("fine/package.json", content);
    let again = ["--again", "--owner", "alice", "--approver", "bob", "--expires", ENDS];
    let run = place.baseline(&again).exits(0);
    assert!(run.stderr.contains("1 added, 0 removed, 0 narrowed, 6 as before"), "{run}");
    assert_eq!(run.stderr.matches("warning: not recorded: openai-codex 0.150.0 in ").count(), 3, "{run}");
    assert!(!run.stderr.contains('\u{202e}'), "{run}");
    place.sign("vetted.toml");
    place.check().exits(1);
    for folder in unnameable {
        fs::remove_file(place.machine.work().join(folder).join("package.json")).unwrap();
    }
    place.stage();
    place.check().exits(0);
}

/// "Begin with a large repository" of the runbook: its commands, typed as they stand there, say what it shows.
#[test]
fn the_page_is_carried_out() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md")).unwrap();
    let section = page.split("\n## Begin with a large repository\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut machine = Machine::with_repository();
    machine.env("VETTED_KEY_PASSWORD", crate::team::PASSWORD);
    machine.git(&["remote", "add", "origin", ORIGIN]);
    machine.file(
        "work/web/package-lock.json",
        "{\"packages\": {\"\": {\"dependencies\": {\"@openai/codex\": \"0.169.0\"}},\n\"node_modules/@openai/codex\": {\"version\": \"0.169.0\"}}}\n",
    );
    machine.file("work/requirements.txt", "requests==2.32.0\naider-chat==0.86.1\n");
    machine.file("work/Dockerfile", "FROM node:22\nRUN npm install -g @google/gemini-cli\n");
    machine.git(&["add", "--all"]);
    for name in ["alice", "bob", "dana"] {
        let run = machine.vetted(&["key", "generate", &format!("../{name}.key")]).exits(0);
        machine.file(&format!("{name}.pub"), run.stdout);
    }
    let people =
        ["--signer", "alice=../alice.pub", "--signer", "bob=../bob.pub", "--threshold", "2", "--on-call", "dana=../dana.pub"];
    let begin = ["init", "../policy", "--name", "acme.example/ai-tools", "--mode", "monitor"];
    machine.vetted(&[&begin[..], &people].concat()).exits(0);

    let policy = |name: &str| machine.work().join("../policy").join(name);
    let append = |name: &str, text: &str| {
        let before = fs::read_to_string(policy(name)).unwrap();
        fs::write(policy(name), format!("{before}\n{text}")).unwrap();
    };
    let (mut documents, mut commands) = (0, 0);
    for (kind, text) in blocks(section) {
        if kind == "toml" && documents == 0 {
            append("vetted-trust.toml", text);
            for name in ["alice", "bob"] {
                let key = format!("../{name}.key");
                machine.vetted(&["sign", "../policy/vetted-trust.toml", "../policy/vetted.toml", "--key", &key]).exits(0);
            }
            machine.vetted(&["sign", "--renew", "../policy/vetted-revocations.toml", "--key", "../dana.key"]).exits(0);
        } else if kind == "toml" {
            let before = fs::read_to_string(policy("vetted.toml")).unwrap();
            assert!(before.contains("mode    = \"monitor\""));
            fs::write(policy("vetted.toml"), before.replace("mode    = \"monitor\"", "mode    = \"enforce\"")).unwrap();
            append("vetted.toml", text);
        }
        documents += usize::from(kind == "toml");
        if kind != "console" {
            continue;
        }
        for part in text.split("$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap();
            let run = machine.program("sh", &["-c", command]).exits(0);
            let shown = format!("{}{}", run.stdout, run.stderr);
            let mut rest = shown.as_str();
            for line in expected.lines().filter(|line| *line != "..." && !line.is_empty()) {
                let at = rest.find(line).unwrap_or_else(|| panic!("{line:?} is not said by: {command}\n{run}"));
                rest = &rest[at + line.len()..];
            }
            commands += 1;
        }
    }
    assert_eq!((documents, commands), (2, 8));
}

/// The code blocks of a page: their language and text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, open)) = rest.split_once("\n```") {
        let (kind, body) = open.split_once('\n').unwrap();
        let (text, after) = body.split_once("\n```").unwrap();
        found.push((kind, text));
        rest = after;
    }
    found
}
