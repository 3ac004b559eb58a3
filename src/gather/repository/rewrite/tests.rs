use super::*;
use crate::catalogue::Catalogue;
use crate::gather::repository::read_for_fuzzing;
use proptest::prelude::*;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

/// The bytes after every mention of these packages was to be pinned, and what came of each.
fn pinned(path: &str, bytes: &[u8], versions: &[(&str, &str)]) -> (Vec<u8>, Vec<Result<(), Uncertain>>) {
    let found = read_for_fuzzing(Path::new(path), bytes, &CATALOGUE);
    let wanted: Vec<Wanted<'_>> = found
        .mentions
        .iter()
        .filter_map(|mention| {
            let (_, version) = versions.iter().find(|(name, _)| *name == mention.package.name)?;
            Some(Wanted { mention, version })
        })
        .collect();
    assert!(!wanted.is_empty(), "{path} names none of {versions:?}: {found:?}");
    pin((Path::new(path), bytes), &wanted, (&CATALOGUE, &Budget::default()), &|_| false)
}

#[track_caller]
fn becomes(path: &str, before: &str, versions: &[(&str, &str)], after: &str) {
    let (bytes, results) = pinned(path, before.as_bytes(), versions);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(String::from_utf8(bytes).unwrap(), after);
}

#[track_caller]
fn stays(path: &str, before: &str, version: (&str, &str), why: &Uncertain) {
    let (bytes, results) = pinned(path, before.as_bytes(), &[version]);
    assert!(results.iter().all(|result| result.as_ref() == Err(why)), "{results:?}");
    assert_eq!(bytes, before.as_bytes());
}

const CLAUDE: (&str, &str) = ("@anthropic-ai/claude-code", "2.1.329");
const CODEX: (&str, &str) = ("@openai/codex", "0.170.0");
const AIDER: (&str, &str) = ("aider-chat", "0.86.2");

#[test]
fn package_json_keeps_everything_but_the_version() {
    becomes(
        "package.json",
        "{\r\n\t\"dependencies\": {\r\n\t\t\"@anthropic-ai/claude-code\" :  \"^2.0.0\" ,\r\n\t\t\"left-pad\": \"^2.0.0\"\r\n\t}\r\n}",
        &[CLAUDE],
        "{\r\n\t\"dependencies\": {\r\n\t\t\"@anthropic-ai/claude-code\" :  \"2.1.329\" ,\r\n\t\t\"left-pad\": \"^2.0.0\"\r\n\t}\r\n}",
    );
    for (asked, pinned) in [
        ("latest", "2.1.329"),
        ("*", "2.1.329"),
        (">=2.1.0 <3", "2.1.329"),
        ("2.1.91", "2.1.329"),
        ("=2.1.91", "2.1.329"),
        ("npm:@anthropic-ai/claude-code@~2.1", "npm:@anthropic-ai/claude-code@2.1.329"),
    ] {
        let text = |version: &str| format!("{{\"devDependencies\": {{\"@anthropic-ai/claude-code\": \"{version}\"}}}}");
        becomes("web/package.json", &text(asked), &[CLAUDE], &text(pinned));
    }
    becomes(
        "package.json",
        "\u{feff}{\"scripts\": {\"ai\": \"npx -y @anthropic-ai/claude-code && npx @openai/codex@latest\"}}\n",
        &[CLAUDE, CODEX],
        "\u{feff}{\"scripts\": {\"ai\": \"npx -y @anthropic-ai/claude-code@2.1.329 && npx @openai/codex@0.170.0\"}}\n",
    );
}

#[test]
fn twice_in_one_line_each_has_its_own_place() {
    becomes(
        "package.json",
        "{\"dependencies\": {\"@anthropic-ai/claude-code\": \"^2\", \"@openai/codex\": \"^2\", \"x\": \"^2\"}}",
        &[CLAUDE, CODEX],
        "{\"dependencies\": {\"@anthropic-ai/claude-code\": \"2.1.329\", \"@openai/codex\": \"0.170.0\", \"x\": \"^2\"}}",
    );
    becomes(
        "run.sh",
        "#!/bin/sh\nnpx @openai/codex@latest a; npx @openai/codex@latest b # @openai/codex@latest\n",
        &[CODEX],
        "#!/bin/sh\nnpx @openai/codex@0.170.0 a; npx @openai/codex@0.170.0 b # @openai/codex@latest\n",
    );
}

#[test]
fn python_is_written_in_its_own_words() {
    becomes(
        "requirements.txt",
        "# aider-chat>=0.1\nAider_Chat[x] >= 0.80, <1 ; python_version > '3'  # why\naider.chat\naider-chat==0.80.1\n",
        &[AIDER],
        "# aider-chat>=0.1\nAider_Chat[x] ==0.86.2 ; python_version > '3'  # why\naider.chat==0.86.2\naider-chat==0.86.2\n",
    );
    becomes(
        "pyproject.toml",
        "[project]\ndependencies = [\"httpx>=1\", 'aider-chat~=0.80', \"aider-chat[a,b]\"]\n[dependency-groups]\nx = [\"aider-chat (>=0.1)\"]\n",
        &[AIDER],
        "[project]\ndependencies = [\"httpx>=1\", 'aider-chat==0.86.2', \"aider-chat[a,b]==0.86.2\"]\n[dependency-groups]\nx = [\"aider-chat (==0.86.2)\"]\n",
    );
    becomes(
        "pyproject.toml",
        "[tool.poetry.dependencies]\naider-chat = { version = \"^0.80\", extras = [\"x\"] }\n",
        &[AIDER],
        "[tool.poetry.dependencies]\naider-chat = { version = \"0.86.2\", extras = [\"x\"] }\n",
    );
}

#[test]
fn commands_are_told_a_version_as_they_understand_it() {
    for (before, after) in [
        ("npx -y @openai/codex --help", "npx -y @openai/codex@0.170.0 --help"),
        ("npm i -g @openai/codex@^0.1", "npm i -g @openai/codex@0.170.0"),
        ("sudo npm install --global '@openai/codex'", "sudo npm install --global '@openai/codex@0.170.0'"),
        ("pnpm dlx @openai/codex@0.1.0", "pnpm dlx @openai/codex@0.170.0"),
        ("bunx @openai/codex", "bunx @openai/codex@0.170.0"),
        ("uvx aider-chat", "uvx aider-chat@0.86.2"),
        ("uvx aider-chat@latest", "uvx aider-chat@0.86.2"),
        ("uvx --from aider-chat aider", "uvx --from aider-chat==0.86.2 aider"),
        ("uvx --from 'aider-chat==0.1.0' aider", "uvx --from 'aider-chat==0.86.2' aider"),
        ("uv tool run aider-chat", "uv tool run aider-chat@0.86.2"),
        ("uv tool install aider-chat", "uv tool install aider-chat==0.86.2"),
        ("pip install -U aider-chat", "pip install -U aider-chat==0.86.2"),
        ("python -m pip install 'aider-chat[help]>=0.80'", "python -m pip install 'aider-chat[help]==0.86.2'"),
        ("pip install \\\n  aider-chat", "pip install \\\n  aider-chat==0.86.2"),
        ("pipx run aider-chat", "pipx run aider-chat==0.86.2"),
    ] {
        becomes("setup.sh", &format!("{before}\n"), &[CODEX, AIDER], &format!("{after}\n"));
        becomes("Dockerfile", &format!("FROM x\nRUN {before}\n"), &[CODEX, AIDER], &format!("FROM x\nRUN {after}\n"));
        let workflow = |run: &str| {
            let run = run.replace('\n', "\n          ");
            format!("jobs:\n  a:\n    steps:\n      - run: |\n          echo\n          {run}\n")
        };
        becomes(".github/workflows/a.yml", &workflow(before), &[CODEX, AIDER], &workflow(after));
    }
    becomes(
        ".github/workflows/a.yml",
        "jobs:\n  a:\n    steps:\n      - uses: openai/codex-action@v1\n        with:\n          codex-version: latest\n",
        &[CODEX],
        "jobs:\n  a:\n    steps:\n      - uses: openai/codex-action@v1\n        with:\n          codex-version: 0.170.0\n",
    );
}

#[test]
fn servers_are_pinned_where_they_are_started() {
    let npm = ("@acme/docs-mcp", "1.4.0");
    becomes(
        ".mcp.json",
        "{\"mcpServers\": {\n  \"docs\": {\n    \"command\": \"npx\",\n    \"args\": [\n      \"-y\",\n      \"@acme/docs-mcp\"\n    ]\n  }\n}}\n",
        &[npm],
        "{\"mcpServers\": {\n  \"docs\": {\n    \"command\": \"npx\",\n    \"args\": [\n      \"-y\",\n      \"@acme/docs-mcp@1.4.0\"\n    ]\n  }\n}}\n",
    );
    becomes(
        ".cursor/mcp.json",
        "{\"mcpServers\": {\"git\": {\"command\": \"uvx\", \"args\": [\"mcp-server-git\", \"--repository\", \".\"]}}}",
        &[("mcp-server-git", "2026.1.14")],
        "{\"mcpServers\": {\"git\": {\"command\": \"uvx\", \"args\": [\"mcp-server-git@2026.1.14\", \"--repository\", \".\"]}}}",
    );
    becomes(
        ".codex/config.toml",
        "[mcp_servers.docs]\ncommand = \"npx\"\nargs = [\"-y\", \"@acme/docs-mcp@latest\"]\n",
        &[npm],
        "[mcp_servers.docs]\ncommand = \"npx\"\nargs = [\"-y\", \"@acme/docs-mcp@1.4.0\"]\n",
    );
}

#[test]
fn a_definition_that_is_approved_is_left_alone() {
    let text = b"{\"mcpServers\": {\"docs\": {\"command\": \"npx\", \"args\": [\"@acme/docs-mcp\"]}}}";
    let found = read_for_fuzzing(Path::new(".mcp.json"), text, &CATALOGUE);
    let approved = found.directives[0].digest.clone();
    let wanted = [Wanted { mention: &found.mentions[0], version: "1.4.0" }];
    let (bytes, results) =
        pin((Path::new(".mcp.json"), text), &wanted, (&CATALOGUE, &Budget::default()), &|digest| *digest == approved);
    assert_eq!((bytes.as_slice(), results), (text.as_slice(), vec![Err(Uncertain::Definition)]));
}

#[test]
fn what_is_not_certain_stays() {
    let manifest = |version: &str| format!("{{\"dependencies\": {{\"@anthropic-ai/claude-code\": \"{version}\"}}}}");
    for version in ["git+https://acme.example/x.git", "file:../x", "catalog:", "${V}"] {
        stays("package.json", &manifest(version), CLAUDE, &Uncertain::NoVersion);
    }
    // An empty value has no bytes to replace.
    stays("package.json", &manifest(""), CLAUDE, &Uncertain::NoPlace);
    let lock = "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/@anthropic-ai/claude-code\": {\"version\": \"2.1.91\"}}}";
    stays("package-lock.json", lock, CLAUDE, &Uncertain::Lock);
    stays("uv.lock", "version = 1\n[[package]]\nname = \"aider-chat\"\nversion = \"0.1.0\"\n", AIDER, &Uncertain::Lock);
    let own = "{\"name\": \"@anthropic-ai/claude-code\", \"version\": \"2.1.91\"}";
    stays("node_modules/@anthropic-ai/claude-code/package.json", own, CLAUDE, &Uncertain::Vendored);
    let hashed = format!("aider-chat==0.1.0 --hash=sha256:{}\n", "a".repeat(64));
    stays("requirements.txt", &hashed, AIDER, &Uncertain::Pinned);
    let compiled =
        "# This file was autogenerated by uv via the following command:\n#    uv pip compile x.in\naider-chat==0.1.0\n";
    stays("requirements.txt", compiled, AIDER, &Uncertain::Generated);
    // The other condition may not let the approved version through.
    stays("requirements.txt", "aider-chat>=0.80,==0.80.1\n", AIDER, &Uncertain::NoPlace);
    stays("requirements.txt", "aider-chat==0.80.1 , <0.81\n", AIDER, &Uncertain::NoPlace);
    stays("Pipfile", "[packages]\naider-chat = \"*\"\n", AIDER, &Uncertain::Format("Pipfile"));
    stays("run.sh", "npm update -g @anthropic-ai/claude-code\n", CLAUDE, &Uncertain::NoPlace);
    stays("run.sh", "npx @anthropic-ai/claude-code@$VERSION\n", CLAUDE, &Uncertain::NoVersion);
    // A word of a longer one is none.
    stays("run.sh", "pip install aider-chat==0.80.1.dev1+x\n", ("aider-chat", "not a version"), &Uncertain::NoPlace);
    let action = "jobs:\n  a:\n    steps:\n      - uses: openai/codex-action@v1\n";
    stays(".github/workflows/a.yml", action, CODEX, &Uncertain::Brought("openai/codex-action@v1".to_owned()));
}

#[test]
fn a_file_that_asks_for_very_much_is_written_in_part() {
    let text = "aider-chat\n".repeat(9_000);
    let (bytes, results) = pinned("requirements.txt", text.as_bytes(), &[AIDER]);
    let written = results.iter().filter(|result| result.is_ok()).count();
    assert!((10..200).contains(&written) && results.last() == Some(&Err(Uncertain::TooMuch)), "{written}");
    assert_eq!(String::from_utf8(bytes).unwrap(), text.replacen("aider-chat", "aider-chat==0.86.2", written));
}

/// One of a few texts around a tool, which a reader may or may not take for a mention.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "@openai/codex",
        "@openai/codex@latest",
        "aider-chat",
        "aider-chat==0.1.0",
        "aider-chat>=0.1,<2",
        "npx ",
        "npx -y ",
        "uvx ",
        "uvx --from ",
        "pip install ",
        "npm i -g ",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\\\n",
        " && ",
        "; ",
        "\"",
        "'",
        "#",
        "$(",
        ")",
        "@^1",
        "@",
        "==",
        "*",
        ",",
        "ä",
        "latest",
        "sh -c ",
        "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// What was asked for at a place, and the version that was to be written there.
type Edit = (String, &'static str);

/// Whether a text is another one in which each of these was replaced by its version, at a place of its own, and nothing else changed.
fn is_edited(before: &str, after: &str, edits: &[Edit]) -> bool {
    if edits.is_empty() {
        return before == after;
    }
    let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let places = (0..=same).filter(|at| before.is_char_boundary(*at) && after.is_char_boundary(*at));
    places.rev().any(|at| {
        (0..edits.len()).any(|which| {
            let (asked, version) = &edits[which];
            let rest: Vec<Edit> =
                edits.iter().enumerate().filter(|(other, _)| *other != which).map(|(_, edit)| edit.clone()).collect();
            let written = [(*version).to_owned(), format!("=={version}"), format!("@{version}")];
            [asked.as_str(), ""].iter().any(|removed| {
                let old = before[at..].strip_prefix(removed);
                written.iter().any(|written| match (old, after[at..].strip_prefix(written.as_str())) {
                    (Some(old), Some(new)) => is_edited(old, new, &rest),
                    _ => false,
                })
            })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn applying_a_planned_fix_changes_only_the_version_text(text in pieces(), path in prop::sample::select(vec!["a.sh", "requirements.txt", "Dockerfile", "Makefile"])) {
        let bytes = text.as_bytes();
        let found = read_for_fuzzing(Path::new(path), bytes, &CATALOGUE);
        let version = |mention: &Mention| if mention.package.name == CODEX.0 { CODEX.1 } else { AIDER.1 };
        let known = found.mentions.iter().filter(|mention| [CODEX.0, AIDER.0].contains(&mention.package.name.as_str()));
        let wanted: Vec<Wanted<'_>> = known.map(|mention| Wanted { mention, version: version(mention) }).collect();
        let (after, results) = pin((Path::new(path), bytes), &wanted, (&CATALOGUE, &Budget::default()), &|_| false);
        let after = String::from_utf8(after).unwrap();
        let asked = |mention: &Mention| match &mention.request {
            Request::Exact(version) => version.as_str().to_owned(),
            Request::Floating { text, .. } => text.clone(),
        };
        let written = wanted.iter().zip(&results).filter(|(_, result)| result.is_ok());
        let edits: Vec<Edit> = written.map(|(one, _)| (asked(one.mention), version(one.mention))).collect();
        prop_assert!(is_edited(&text, &after, &edits), "{text:?} became {after:?}");
        let again = read_for_fuzzing(Path::new(path), after.as_bytes(), &CATALOGUE);
        prop_assert_eq!(again.mentions.len(), found.mentions.len());
        prop_assert_eq!(&again.oddities, &found.oddities);
        let is_exact = |mention: &Mention| matches!(&mention.request, Request::Exact(v) if v.as_str() == version(mention));
        let pinned = results.iter().filter(|result| result.is_ok()).count();
        prop_assert!(again.mentions.iter().filter(|mention| is_exact(mention)).count() >= pinned);
        if pinned == 0 {
            prop_assert_eq!(after, text);
        }
    }
}
