//! The lock files of pnpm, yarn and bun as npm's: the same answer to the same question, held against the same approval.

use crate::support::Machine;
use vetted::catalogue::Catalogue;
use vetted::evidence::{Mention, Oddity, Request};
use vetted::gather::repository::{Found, Interest, Which, mentions};
use vetted::tool::Os;
use vetted::world::env::Env;
use vetted::world::git::Repository;

const CLAUDE: &str = "@anthropic-ai/claude-code";

fn repository() -> Machine {
    let machine = Machine::new();
    machine.git(&["init", "-q", "-b", "main"]);
    machine
}

fn look(machine: &Machine, which: &Which) -> Found {
    machine.git(&["add", "--all"]);
    let none: [(&str, &str); 0] = [];
    let env = Env::of_pairs(none, &machine.work(), Os::Linux);
    let repository = Repository::discover(&env, &machine.work()).unwrap().unwrap();
    mentions(&repository, which, &Catalogue::built_in(), Interest::default()).unwrap()
}

/// `path:line package request`, sorted; a locked range ends in `(locked)`.
fn lines(found: &Found) -> Vec<String> {
    let line = |m: &Mention| {
        let request = match &m.request {
            Request::Exact(version) => version.as_str().to_owned(),
            Request::Floating { text, locked } => format!("~{text}{}", if *locked { " (locked)" } else { "" }),
        };
        format!("{}:{} {} {request}", m.location.path.display(), m.location.line.unwrap(), m.package.name)
    };
    let mut lines: Vec<String> = found.mentions.iter().map(line).collect();
    lines.sort();
    lines
}

/// A signed manifest in enforce mode, with more at its end.
fn enforce(machine: &mut Machine, more: &str) {
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice", "--mode", "enforce"]).exits(0);
    let manifest = machine.home().join(".config/vetted/vetted.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\n{more}")).unwrap();
    machine.vetted(&["sign"]).exits(0);
}

fn integrity(fill: char) -> String {
    format!("sha512-{}A==", String::from(fill).repeat(85))
}

/// A lock of every manager that holds this version with this integrity; its name, its text, and whether it states the integrity.
fn locks(version: &str, integrity: &str) -> [(&'static str, String, bool); 9] {
    let npm = format!(
        "{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{\"dependencies\": {{\"{CLAUDE}\": \"^2\"}}}},\n\"node_modules/{CLAUDE}\": {{\"version\": \"{version}\", \"integrity\": \"{integrity}\"}}}}}}"
    );
    let pnpm = |lock: &str, key: &str| {
        format!("lockfileVersion: {lock}\npackages:\n  {key}:\n    resolution: {{integrity: {integrity}}}\n")
    };
    let classic = format!(
        "# yarn lockfile v1\n\n\n\"{CLAUDE}@^2\":\n  version \"{version}\"\n  resolved \"https://acme.example/{CLAUDE}/-/claude-code-{version}.tgz#00\"\n  integrity {integrity}\n"
    );
    let berry = format!(
        "__metadata:\n  version: 8\n\n\"{CLAUDE}@npm:^2\":\n  version: {version}\n  resolution: \"{CLAUDE}@npm:{version}\"\n  checksum: 10c0/00\n"
    );
    let bun = format!(
        "{{\n  \"lockfileVersion\": 1,\n  \"packages\": {{\n    \"{CLAUDE}\": [\"{CLAUDE}@{version}\", \"\", {{}}, \"{integrity}\"],\n  }},\n}}"
    );
    [
        ("package-lock.json", npm.clone(), true),
        ("npm-shrinkwrap.json", npm, true),
        ("pnpm-lock.yaml", pnpm("5.4", &format!("/{CLAUDE}/{version}")), true),
        ("pnpm-lock.yaml", pnpm("'6.0'", &format!("/{CLAUDE}@{version}(a@1.0.0)")), true),
        ("pnpm-lock.yaml", pnpm("'9.0'", &format!("'{CLAUDE}@{version}'")), true),
        ("yarn.lock", classic.clone(), true),
        ("yarn.lock", classic.replace('\n', "\r\n"), true),
        ("yarn.lock", berry, false),
        ("bun.lock", bun, true),
    ]
}

#[test]
fn a_range_of_a_workspace_is_answered_by_every_lock_above() {
    for (name, text, _) in locks("2.1.150", &integrity('A')) {
        let machine = repository();
        machine.file("work/apps/web/package.json", format!("{{\"dependencies\": {{\"{CLAUDE}\": \"^2\"}}}}"));
        machine.file(&format!("work/{name}"), &text);
        let found = look(&machine, &Which::Index);
        let line = text.lines().position(|line| line.contains(CLAUDE) && !line.contains("\"^2\"")).unwrap() + 1;
        assert_eq!(
            lines(&found),
            [format!("apps/web/package.json:1 {CLAUDE} ~^2 (locked)"), format!("{name}:{line} {CLAUDE} 2.1.150"),],
            "{text}"
        );
        assert_eq!(found.oddities, []);
        assert!(found.coverage.len() == 1, "nothing is said to be unread: {:?}", found.coverage);
        // Only the question is staged: the answer comes with it.
        machine.git(&["commit", "-qm", "x"]);
        machine.file("work/apps/web/package.json", format!("{{\"dependencies\": {{\"{CLAUDE}\": \">=2\"}}}}"));
        let staged = lines(&look(&machine, &Which::Staged));
        assert_eq!(staged[1], format!("{name}:{line} {CLAUDE} 2.1.150"));
        // A nearer lock that does not hold it leaves the range open.
        machine.file("work/apps/yarn.lock", "# yarn lockfile v1\n");
        assert_eq!(lines(&look(&machine, &Which::Staged)), [format!("apps/web/package.json:1 {CLAUDE} ~>=2")]);
    }
}

#[test]
fn the_integrity_of_a_lock_is_held_against_the_approved_release() {
    let approved = {
        let hex = vetted::digest::Digest::parse_integrity(&integrity('A')).unwrap().unwrap().hex();
        format!(
            "[[tool]]\nid = \"claude-code\"\npurl = \"pkg:npm/%40anthropic-ai/claude-code\"\n[[tool.approval]]\nversion = \"2.1.329\"\n\
             approved = {{ by = [\"alice\"], at = 2026-11-20T10:00:00Z }}\n[[tool.approval.artifact]]\nrole = \"release\"\n\
             purl = \"pkg:npm/%40anthropic-ai/claude-code@2.1.329\"\ndigest = {{ sha512 = \"{hex}\" }}\n"
        )
    };
    let mut machine = Machine::with_work_repository();
    enforce(&mut machine, &approved);
    for (name, text, states_integrity) in locks("2.1.329", &integrity('A')) {
        machine.file(&format!("work/{name}"), &text);
        machine.git(&["add", name]);
        let run = machine.vetted(&["check", "--staged", "--format", "json"]).exits(0);
        let one = run.json()["verdicts"][0].clone();
        let matched = if states_integrity { "release" } else { "version-listed" };
        assert_eq!(one["verdict"], "approved", "{name}: {one}");
        assert_eq!(one["grounds"]["matched"], matched, "{name}: {one}");
        // The same version with other bytes.
        if states_integrity {
            machine.file(&format!("work/{name}"), text.replace(&integrity('A'), &integrity('B')));
            machine.git(&["add", name]);
            let run = machine.vetted(&["check", "--staged", "--format", "json"]).exits(1);
            assert_eq!(run.json()["verdicts"][0]["verdict"], "mismatched", "{name}:\n{run}");
        }
        machine.git(&["rm", "-qf", name]);
    }
    for (name, text, _) in locks("2.1.150", &integrity('A')) {
        machine.file(&format!("work/{name}"), &text);
        machine.git(&["add", name]);
        let run = machine.vetted(&["check", "--staged"]).exits(1);
        assert!(run.stdout.contains("2.1.150") && run.stdout.contains(name), "{run}");
        machine.git(&["rm", "-qf", name]);
    }
}

#[test]
fn a_catalog_says_what_a_reference_to_it_means() {
    let ask = |machine: &Machine, path: &str, specification: &str| {
        machine.file(path, format!("{{\"dependencies\": {{\"{CLAUDE}\": \"{specification}\"}}}}"));
    };
    let machine = repository();
    machine
        .file("work/pnpm-workspace.yaml", format!("catalog:\n  '{CLAUDE}': 2.1.150\ncatalogs:\n  next:\n    '{CLAUDE}': ^2.2\n"));
    machine.git(&["add", "--all"]);
    machine.git(&["commit", "-qm", "x"]);
    ask(&machine, "work/a/package.json", "catalog:");
    ask(&machine, "work/b/c/package.json", "catalog:next");
    ask(&machine, "work/d/package.json", "catalog:absent");
    ask(&machine, "work/e/package.json", "workspace:*");
    let found = look(&machine, &Which::Staged);
    assert_eq!(
        lines(&found),
        [
            format!("a/package.json:1 {CLAUDE} 2.1.150"),
            format!("b/c/package.json:1 {CLAUDE} ~^2.2"),
            format!("d/package.json:1 {CLAUDE} ~catalog:absent"),
        ]
    );
    assert!(found.mentions.iter().all(|m| m.quote.as_ref().is_some_and(|quote| quote.text.contains(CLAUDE))));
    // A lock answers what the catalog leaves open.
    machine.file("work/pnpm-lock.yaml", format!("lockfileVersion: '9.0'\npackages:\n  '{CLAUDE}@2.2.1': {{}}\n"));
    let found = lines(&look(&machine, &Which::Staged));
    assert!(found.contains(&format!("b/c/package.json:1 {CLAUDE} ~^2.2 (locked)")), "{found:?}");
    // The catalog is read for itself when it changes, and one that cannot be read is said.
    machine.git(&["commit", "-qm", "x"]);
    machine.file("work/pnpm-workspace.yaml", format!("catalog:\n  '{CLAUDE}': 2.1.151\n"));
    assert_eq!(lines(&look(&machine, &Which::Staged)), [format!("pnpm-workspace.yaml:2 {CLAUDE} 2.1.151")]);
    machine.file("work/pnpm-workspace.yaml", "catalog: [\n");
    machine.git(&["add", "--all"]);
    machine.git(&["commit", "-qm", "x"]);
    ask(&machine, "work/d/package.json", "catalog:");
    let found = look(&machine, &Which::Staged);
    assert_eq!(
        lines(&found),
        [format!("d/package.json:1 {CLAUDE} ~catalog: (locked)"), format!("pnpm-lock.yaml:3 {CLAUDE} 2.2.1")]
    );
    assert!(
        matches!(&found.oddities[..], [Oddity::Unparsable { location, .. }] if location.path.ends_with("pnpm-workspace.yaml")),
        "{:?}",
        found.oddities
    );
}

#[test]
fn catalogs_of_bun_and_yarn_answer_too() {
    let machine = repository();
    machine.file("work/bun/package.json", format!("{{\"workspaces\": {{\"catalog\": {{\"{CLAUDE}\": \"2.1.150\"}}}}}}"));
    machine.file("work/bun/a/package.json", format!("{{\"dependencies\": {{\"{CLAUDE}\": \"catalog:\"}}}}"));
    machine.file("work/yarn/.yarnrc.yml", format!("catalogs:\n  x:\n    \"{CLAUDE}\": \"npm:@openai/codex@0.1.0\"\n"));
    machine.file("work/yarn/a/package.json", format!("{{\"dependencies\": {{\"{CLAUDE}\": \"catalog:x\"}}}}"));
    assert_eq!(
        lines(&look(&machine, &Which::Index)),
        [
            format!("bun/a/package.json:1 {CLAUDE} 2.1.150"),
            format!("bun/package.json:1 {CLAUDE} 2.1.150"),
            "yarn/.yarnrc.yml:3 @openai/codex 0.1.0".to_owned(),
            "yarn/a/package.json:1 @openai/codex 0.1.0".to_owned(),
        ]
    );
}

#[test]
fn a_binary_lock_is_named_unless_its_text_lies_beside_it() {
    let odd = |found: &Found| -> Vec<String> {
        let path = |odd: &Oddity| match odd {
            Oddity::Unparsable { location, why } if why.contains("cannot be looked into") => location.path.display().to_string(),
            other => panic!("{other:?}"),
        };
        found.oddities.iter().map(path).collect()
    };
    let machine = repository();
    machine.file("work/bun.lockb", format!("#!/usr/bin/env bun\nbun-lockfile-format-v0\n\0\0{CLAUDE}\0"));
    machine.file("work/package.json", format!("{{\"dependencies\": {{\"{CLAUDE}\": \"^2\"}}}}"));
    let found = look(&machine, &Which::Index);
    assert_eq!(
        (odd(&found), lines(&found)),
        (vec!["bun.lockb".to_owned()], vec![format!("package.json:1 {CLAUDE} ~^2 (locked)")])
    );
    machine.file("work/bun.lock", "{\"lockfileVersion\": 1, \"packages\": {}}");
    assert_eq!(odd(&look(&machine, &Which::Index)), [] as [&str; 0]);
    machine.git(&["commit", "-qm", "x"]);
    // With the text gone, the binary one is all there is, changed or not.
    machine.git(&["rm", "-q", "bun.lock"]);
    assert_eq!(odd(&look(&machine, &Which::Staged)), ["bun.lockb"]);
    // In enforce mode nothing that cannot be looked into passes.
    let mut machine = Machine::with_work_repository();
    enforce(&mut machine, "");
    machine.file("work/bun.lockb", "x");
    machine.git(&["add", "bun.lockb"]);
    let run = machine.vetted(&["check", "--staged"]).exits(3);
    assert!(format!("{run}").contains("bun install --save-text-lockfile"), "{run}");
}

#[test]
fn projects_without_ai_tools_are_silent() {
    let machine = Machine::with_work_repository();
    machine.file("work/package.json", "{\"dependencies\": {\"left-pad\": \"^1.3.0\", \"b\": \"workspace:*\"}}");
    for (name, text, _) in locks("1.3.0", &integrity('A')) {
        machine.file(&format!("work/{name}"), text.replace(CLAUDE, "left-pad").replace("claude-code", "left-pad"));
        machine.git(&["add", "--all"]);
        let run = machine.vetted(&["check", "--staged", "--format", "json"]).exits(0);
        let json = run.json();
        assert_eq!((json["verdicts"].as_array().unwrap().len(), json["findings"].as_array().unwrap().len()), (0, 0), "{run}");
    }
}
