//! Finding installed tools: every layout that package managers and installers leave on disk, made by hand, and the hostile ones.
//!
//! What the system under the tests has installed is not of this test: only what lies below the machine's own root is looked at.

use crate::support::Machine;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use vetted::catalogue::Catalogue;
use vetted::digest::Digest;
use vetted::evidence::{CoverageOutcome, Extent, Identification, Oddity, Sighting, State, Unmeasured};
use vetted::gather::machine::{self, Found};
use vetted::gather::measure::{Measurer, Silent};
use vetted::tool::{Channel, Os};
use vetted::world::World;
use vetted::world::cache::DigestCache;
use vetted::world::env::Env;
use vetted::world::files::Files;

/// The beginning of machine code that runs here, as far as its header tells.
fn native(content: &str) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(18, 0);
    bytes.extend(if cfg!(target_arch = "aarch64") { [0xb7, 0] } else { [0x3e, 0] });
    bytes.extend(content.as_bytes());
    bytes
}

/// More than a launcher has, with a version in the words of the program.
fn program(version: &str) -> Vec<u8> {
    native(&format!("{}VERSION:\"{version}\" and so on", "x".repeat(80_000)))
}

pub struct Search {
    pub machine: Machine,
    root: PathBuf,
    path: Vec<PathBuf>,
    env: Vec<(String, PathBuf)>,
    pub repository: Option<PathBuf>,
    pub catalogue: Catalogue,
}

impl Search {
    pub fn new() -> Self {
        let machine = Machine::new();
        let root = fs::canonicalize(machine.home().parent().unwrap()).unwrap();
        let path = vec![root.join("bin")];
        Self { machine, root, path, env: Vec::new(), repository: None, catalogue: Catalogue::built_in() }
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn link(&self, path: &str, target: impl AsRef<Path>) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, &path).unwrap();
        path
    }

    pub fn env(&mut self, name: &str, path: &str) {
        let value = self.at(path);
        self.env.push((name.to_owned(), value));
    }

    /// A catalogue that knows these bytes as a version of Claude Code.
    fn know(&mut self, bytes: &[u8], version: &str) {
        let tools = r#"
            schema = 1
            date = "2026-11-21"
            [[tool]]
            id = "claude-code"
            vendor = "V"
            kind = "cli"
            npm = ["@anthropic-ai/claude-code"]
            binaries = ["claude"]
            version_marker = "VERSION:\""
            source = "test"
            [[tool]]
            id = "other"
            vendor = "V"
            kind = "cli"
            npm = ["other"]
            binaries = ["other"]
            source = "test"
        "#;
        let line = format!("claude-code\t{version}\tf\t{}\t{}\tread", Digest::sha256_of(bytes).hex(), bytes.len());
        self.catalogue = Catalogue::parse(tools, line.leak()).unwrap();
    }

    pub fn find(&self) -> Found {
        let mut variables: Vec<(std::ffi::OsString, std::ffi::OsString)> =
            self.env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        variables.push(("HOME".into(), self.at("home").into()));
        variables.push(("PATH".into(), std::env::join_paths(&self.path).unwrap()));
        let env = Env::of_pairs(variables, &self.machine.work(), Os::Linux);
        let world = World { now: crate::support::NOW.parse().unwrap(), env, files: Files };
        let measurer = Measurer::new(Files, DigestCache::off(), Box::new(Silent));
        let mut found = machine::find(&world, &self.catalogue, &measurer, self.repository.as_deref());
        found.sightings.retain(|sighting| sighting.root.starts_with(&self.root));
        found
    }

    /// `tool version channel by=carrier`, a line each, sorted by tool and place.
    fn list(&self) -> Vec<String> {
        self.find().sightings.iter().map(line).collect()
    }

    pub fn only(&self) -> Sighting {
        let found = self.find();
        assert_eq!(found.sightings.len(), 1, "{:#?}", found.sightings);
        found.sightings.into_iter().next().unwrap()
    }
}

fn line(sighting: &Sighting) -> String {
    let version = sighting.version.as_ref().map_or("-", |version| version.as_str());
    let mut line = format!("{} {version} {}", sighting.tool, sighting.channel);
    if let Some(by) = &sighting.brought_by {
        line.push_str(&format!(" by={}@{}", by.package.name, by.version.as_deref().unwrap_or("-")));
    }
    line
}

const CLAUDE: &str = "@anthropic-ai/claude-code";

/// Claude Code as npm installs it: the binary in a platform package, linked over the placeholder.
fn install_claude(search: &Search, node_modules: &str, platform_at: &str, version: &str, content: &[u8]) {
    let json = format!(r#"{{"name":"{CLAUDE}","version":"{version}","bin":{{"claude":"bin/claude.exe"}}}}"#);
    search.machine.file(&format!("{node_modules}/{CLAUDE}/package.json"), json);
    let platform = format!("{platform_at}/{CLAUDE}-linux-x64");
    let json = format!(r#"{{"name":"{CLAUDE}-linux-x64","version":"{version}"}}"#);
    search.machine.file(&format!("{platform}/package.json"), json);
    let binary = search.machine.executable(&format!("{platform}/claude"), content);
    let bin = search.at(&format!("{node_modules}/{CLAUDE}/bin"));
    fs::create_dir_all(&bin).unwrap();
    fs::hard_link(binary, bin.join("claude.exe")).unwrap();
}

#[test]
fn a_global_package_and_its_platform_package_are_one_sighting() {
    let search = Search::new();
    let main = format!("prefix/lib/node_modules/{CLAUDE}");
    install_claude(&search, "prefix/lib/node_modules", &format!("{main}/node_modules"), "2.1.197", &program("2.1.197"));
    let link = search.link("bin/claude", format!("../{main}/bin/claude.exe"));
    let sighting = search.only();
    assert_eq!(line(&sighting), "claude-code 2.1.197 npm");
    assert_eq!(sighting.root, search.at(&main));
    assert_eq!(sighting.extent, Extent::Folder);
    assert_eq!(sighting.reached_by, [link]);
    assert_eq!(sighting.identified_by, Identification::Metadata);
    assert_eq!((sighting.state, sighting.embedded_version, sighting.renamed), (State::Present, None, None));
    let [executable] = &sighting.executables[..] else { panic!("a hard link counts once: {:?}", sighting.executables) };
    assert_eq!(executable.path, search.at(&main).join("bin/claude.exe"));
    assert_eq!(executable.digests, Ok(Digest::sha256_of(&program("2.1.197")).into()));
}

#[test]
fn a_placeholder_is_a_stub_and_the_program_beside_it_is_still_found() {
    let search = Search::new();
    let modules = "prefix/lib/node_modules";
    install_claude(&search, modules, modules, "2.1.197", &program("2.1.197"));
    let stub = search.at(&format!("{modules}/{CLAUDE}/bin/claude.exe"));
    fs::remove_file(&stub).unwrap();
    fs::write(&stub, "echo \"Error: claude native binary not installed.\" >&2\nexit 1\n").unwrap();
    search.link("bin/claude", stub);
    let sighting = search.only();
    assert_eq!(sighting.state, State::Stub);
    assert!(sighting.executables[0].path.ends_with("claude-code-linux-x64/claude"), "the largest one first");
    assert_eq!(sighting.executables.len(), 2);

    fs::remove_dir_all(search.at(&format!("{modules}/{CLAUDE}-linux-x64"))).unwrap();
    let sighting = search.only();
    assert_eq!((sighting.state, sighting.executables.len()), (State::Stub, 1));
}

#[test]
fn a_platform_package_of_another_version_is_an_installation_of_its_own() {
    let search = Search::new();
    let modules = "prefix/lib/node_modules";
    install_claude(&search, modules, modules, "2.1.197", &program("2.1.197"));
    let json = format!(r#"{{"name":"{CLAUDE}","version":"2.1.329","bin":"bin/claude.exe"}}"#);
    search.machine.file(&format!("{modules}/{CLAUDE}/package.json"), json);
    search.link("bin/claude", search.at(&format!("{modules}/{CLAUDE}/bin/claude.exe")));
    let found = search.find();
    let versions: Vec<_> = found.sightings.iter().map(|s| (line(s), s.embedded_version.clone())).collect();
    assert_eq!(
        versions,
        [("claude-code 2.1.329 npm".to_owned(), Some("2.1.197".to_owned())), ("claude-code 2.1.197 npm".to_owned(), None)]
    );
}

#[test]
fn a_folder_under_an_alias_is_what_its_package_json_says() {
    let search = Search::new();
    let modules = "prefix/lib/node_modules";
    let codex = format!("{modules}/@openai/codex");
    let json = r#"{"name":"@openai/codex","version":"0.169.0","bin":{"codex":"bin/codex.js"}}"#;
    search.machine.file(&format!("{codex}/package.json"), json);
    search.machine.executable(&format!("{codex}/bin/codex.js"), "#!/usr/bin/env node\n");
    let platform = format!("{codex}/node_modules/@openai/codex-linux-x64");
    search.machine.file(&format!("{platform}/package.json"), r#"{"name":"@openai/codex","version":"0.169.0-linux-x64"}"#);
    let triple = format!("{platform}/vendor/x86_64-unknown-linux-musl/bin/codex");
    search.machine.executable(&triple, native("codex"));
    search.machine.npm_package(&format!("{modules}/innocent"), "@google/gemini-cli", "0.61.0", "gemini");
    search.machine.npm_package(&format!("{modules}/@anthropic-ai/claude-agent-sdk"), "left-pad", "1.0.0", "x");
    search.link("bin/codex", search.at(&format!("{codex}/bin/codex.js")));
    assert_eq!(search.list(), ["gemini-cli 0.61.0 npm", "openai-codex 0.169.0 npm"]);
    let codex = search.find().sightings.remove(1);
    assert_eq!(codex.executables[0].path, search.at(&triple));
    assert_eq!(codex.state, State::Present);
}

#[test]
fn what_a_package_brings_names_the_package() {
    let search = Search::new();
    let top = "prefix/lib/node_modules/task-master-ai";
    let entry = search.machine.npm_package(top, "task-master-ai", "0.43.1", "task-master");
    let nested = format!("{top}/node_modules");
    install_claude(&search, &nested, &nested, "2.1.197", &program("2.1.197"));
    let sdk = format!("{nested}/@anthropic-ai/claude-agent-sdk");
    search.machine.file(&format!("{sdk}/package.json"), r#"{"name":"@anthropic-ai/claude-agent-sdk","version":"0.1.77"}"#);
    search.machine.file(&format!("{sdk}/cli.js"), program("2.0.77").split_off(20));
    search.link("bin/task-master", entry);
    assert_eq!(
        search.list(),
        [
            "claude-agent-sdk-js 0.1.77 npm by=task-master-ai@0.43.1",
            "claude-code 2.0.77 npm by=task-master-ai@0.43.1",
            "claude-code 2.1.197 npm by=task-master-ai@0.43.1",
            "task-master 0.43.1 npm",
        ]
    );
    // Where nothing tells the version, none is made up of the SDK's own.
    search.machine.file(&format!("{sdk}/cli.js"), "#!/usr/bin/env node\n");
    assert_eq!(search.list()[1], "claude-code - npm by=task-master-ai@0.43.1");
    // Where the SDK says it, it is believed.
    let json = r#"{"name":"@anthropic-ai/claude-agent-sdk","version":"0.2.91","claudeCodeVersion":"2.1.91"}"#;
    search.machine.file(&format!("{sdk}/package.json"), json);
    assert_eq!(search.list()[1], "claude-code 2.1.91 npm by=task-master-ai@0.43.1");
}

#[test]
fn the_program_in_an_sdks_platform_package_is_found() {
    let search = Search::new();
    let modules = "home/.npm-global/lib/node_modules/@anthropic-ai";
    let json = r#"{"name":"@anthropic-ai/claude-agent-sdk","version":"0.3.197","claudeCodeVersion":"2.1.197"}"#;
    search.machine.file(&format!("{modules}/claude-agent-sdk/package.json"), json);
    let platform = format!("{modules}/claude-agent-sdk/node_modules/@anthropic-ai/claude-agent-sdk-linux-x64");
    let json = r#"{"name":"@anthropic-ai/claude-agent-sdk-linux-x64","version":"0.3.197"}"#;
    search.machine.file(&format!("{platform}/package.json"), json);
    search.machine.executable(&format!("{platform}/claude"), program("2.1.197"));
    let by = "by=@anthropic-ai/claude-agent-sdk@0.3.197";
    assert_eq!(search.list(), ["claude-agent-sdk-js 0.3.197 npm".to_owned(), format!("claude-code 2.1.197 npm {by}")]);
}

#[test]
fn hoisted_packages_are_traced_to_what_was_asked_for() {
    let search = Search::new();
    let project = "home/.npm/_npx/15b07286cbcc3329";
    search.machine.file(&format!("{project}/package.json"), r#"{"dependencies":{"carrier":"^1"}}"#);
    let package = |name: &str, dependency: &str| {
        let json = format!(r#"{{"name":"{name}","version":"1.0.0","dependencies":{{"{dependency}":"*"}}}}"#);
        search.machine.file(&format!("{project}/node_modules/{name}/package.json"), json);
    };
    package("carrier", "between");
    package("between", CLAUDE);
    package(CLAUDE, "carrier");
    assert_eq!(search.list(), ["claude-code 1.0.0 npx-cache by=carrier@1.0.0"]);
    search.machine.file(&format!("{project}/package.json"), format!(r#"{{"dependencies":{{"carrier":"^1","{CLAUDE}":"1"}}}}"#));
    assert_eq!(search.list(), ["claude-code 1.0.0 npx-cache"]);
}

#[test]
fn pnpm_is_followed_through_launcher_links_and_store() {
    let mut search = Search::new();
    let home = "home/.local/share/pnpm";
    let store = format!("{home}/store/v11/links");
    let entry =
        search.machine.npm_package(&format!("{store}/tm/1/x/node_modules/task-master-ai"), "task-master-ai", "0.43.1", "tm");
    search.machine.npm_package(&format!("{store}/cc/1/y/node_modules/{CLAUDE}"), CLAUDE, "2.1.197", "claude");
    search.link(&format!("{store}/tm/1/x/node_modules/{CLAUDE}"), search.at(&format!("{store}/cc/1/y/node_modules/{CLAUDE}")));
    let project = format!("{home}/global/v11/242c-0");
    search.machine.file(&format!("{project}/package.json"), r#"{"dependencies":{"task-master-ai":"0.43.1"}}"#);
    search.link(&format!("{project}/node_modules/task-master-ai"), entry.parent().unwrap());
    search.link(&format!("{home}/global/v11/3f36"), "242c-0");
    let target = search.at(&format!("{home}/global/v11/3f36/node_modules/task-master-ai/cli.js"));
    let shim = search.machine.executable(
        &format!("{home}/bin/task-master"),
        format!("#!/bin/sh\nbasedir=$(dirname \"$0\")\nexec node x\n# cmd-shim-target={}\n", target.display()),
    );
    search.path.push(shim.parent().unwrap().to_owned());
    assert_eq!(search.list(), ["claude-code 2.1.197 pnpm by=task-master-ai@0.43.1", "task-master 0.43.1 pnpm"]);
    assert_eq!(search.find().sightings[1].reached_by, [shim]);
}

#[test]
fn other_managers_and_version_managers_are_looked_at() {
    let mut search = Search::new();
    let tool =
        |search: &Search, folder: &str| search.machine.npm_package(&format!("{folder}/{CLAUDE}"), CLAUDE, "2.1.329", "claude");
    let entry = tool(&search, "home/.bun/install/global/node_modules");
    search.link("bin/one", entry);
    tool(&search, "home/.config/yarn/global/node_modules");
    search.link("home/.config/yarn/global/node_modules/.bin/claude", format!("../{CLAUDE}/cli.js"));
    search.link("home/.yarn/bin/claude", "../../.config/yarn/global/node_modules/.bin/claude");
    search.path.push(search.at("home/.yarn/bin"));
    tool(&search, "home/.nvm/versions/node/v20.1.0/lib/node_modules");
    tool(&search, "home/.volta/tools/image/packages/@anthropic-ai/claude-code/lib/node_modules");
    tool(&search, "home/.local/share/mise/installs/npm-anthropic-ai-claude-code/2.1.329/lib/node_modules");
    tool(&search, "home/.asdf/installs/nodejs/20.1.0/lib/node_modules");
    tool(&search, "home/.local/share/fnm/node-versions/v20/installation/lib/node_modules");
    tool(&search, "home/.claude/local/node_modules");
    tool(&search, "custom/lib/node_modules");
    search.machine.file("home/.npmrc", format!("prefix={}\n", search.at("custom").display()));
    let mut channels: Vec<Channel> = search.find().sightings.iter().map(|sighting| sighting.channel).collect();
    channels.sort_unstable();
    let mut expected = vec![Channel::Npm; 4];
    expected.extend([Channel::Bun, Channel::Yarn, Channel::Volta, Channel::VersionManager, Channel::Native]);
    expected.sort_unstable();
    assert_eq!(channels, expected);
    let yarn = search.find().sightings.into_iter().find(|sighting| sighting.channel == Channel::Yarn).unwrap();
    assert_eq!(yarn.reached_by, [search.at("home/.yarn/bin/claude")], "two links lead there");
}

/// A distribution in a `site-packages`.
pub fn distribution(search: &Search, site: &str, name: &str, version: &str, more: &str) {
    let module = name.replace('-', "_");
    let info = format!("{site}/{module}-{version}.dist-info");
    search.machine.file(
        &format!("{info}/METADATA"),
        format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\n\nName: no\n"),
    );
    search.machine.file(
        &format!("{info}/RECORD"),
        format!("{module}/__init__.py,,\n{module}-{version}.dist-info/METADATA,,\n../../../bin/x,,\n"),
    );
    search.machine.file(&format!("{site}/{module}/__init__.py"), "");
}

#[test]
fn a_bundled_program_in_a_virtual_environment_is_found() {
    let mut search = Search::new();
    search.repository = Some(search.at("work"));
    let site = "work/.venv/lib/python3.11/site-packages";
    search.machine.file("work/.venv/pyvenv.cfg", "home = /usr/bin\n");
    distribution(&search, site, "claude-agent-sdk", "0.1.55", "Requires-Dist: mcp (>=1)\nRequires-Dist: openai; extra == \"x\"");
    distribution(&search, site, "mcp", "2.3.0", "");
    distribution(&search, site, "openai", "3.0.0", "");
    search.machine.file(&format!("{site}/claude_agent_sdk-0.1.55.dist-info/REQUESTED"), "");
    search
        .machine
        .file(&format!("{site}/claude_agent_sdk/_cli_version.py"), "\"\"\"Version.\"\"\"\n__cli_version__ = \"2.1.91\"\n");
    search.machine.executable(&format!("{site}/claude_agent_sdk/_bundled/claude"), program("2.1.91"));
    assert_eq!(
        search.list(),
        [
            "claude-agent-sdk-py 0.1.55 venv",
            "claude-code 2.1.91 venv by=claude-agent-sdk@0.1.55",
            "sdk-mcp-sdk 2.3.0 venv by=claude-agent-sdk@0.1.55",
            "sdk-openai-sdk 3.0.0 venv",
        ]
    );
    let sdk = search.find().sightings.remove(0);
    assert_eq!(sdk.root, search.at(site));
    let Extent::Members { include, exclude } = sdk.extent else { panic!("{:?}", sdk.extent) };
    assert_eq!(include, ["claude_agent_sdk-0.1.55.dist-info/**", "claude_agent_sdk/**"]);
    assert!(exclude.iter().any(|glob| glob == "*.dist-info/RECORD"));
}

#[test]
fn python_tools_are_found_where_each_installer_puts_them() {
    let mut search = Search::new();
    let pipx = "home/.local/share/pipx/venvs/llm";
    search.machine.file(&format!("{pipx}/pyvenv.cfg"), "");
    search.machine.file(&format!("{pipx}/pipx_metadata.json"), r#"{"main_package":{"package":"llm"},"injected_packages":{}}"#);
    distribution(&search, &format!("{pipx}/lib/python3.11/site-packages"), "llm", "0.36", "Requires-Dist: openai>=1");
    distribution(&search, &format!("{pipx}/lib/python3.11/site-packages"), "openai", "3.52.0", "");
    search.machine.file(
        &format!("{pipx}/lib/python3.11/site-packages/llm-0.36.dist-info/entry_points.txt"),
        "[console_scripts]\nllm = llm:cli\n",
    );
    let launcher =
        search.machine.executable(&format!("{pipx}/bin/llm"), format!("#!{}/bin/python -E\n", search.at(pipx).display()));
    let link = search.link("home/.local/bin/llm", &launcher);

    let uv = "home/.local/share/uv/tools/kimi-cli";
    search.machine.file(&format!("{uv}/uv-receipt.toml"), "[tool]\nrequirements = [{ name = \"kimi-cli\" }]\n");
    distribution(&search, &format!("{uv}/lib/python3.13/site-packages"), "kimi-cli", "1.52.0", "");

    // An environment in the uvx cache, and the wheel of the same distribution unpacked beside it.
    let archive = "home/.cache/uv/archive-v0/XUhLa";
    search.machine.file(&format!("{archive}/pyvenv.cfg"), "");
    distribution(&search, &format!("{archive}/lib/python3.11/site-packages"), "mcp-server-fetch", "2026.10.24", "");
    distribution(&search, "home/.cache/uv/archive-v0/LrkT7", "mcp-server-fetch", "2026.10.24", "");
    search.link("home/.cache/uv/environments-v2/8b0c/c2d0", search.at(archive));

    distribution(&search, "home/.local/lib/python3.11/site-packages", "aider-chat", "0.86.1", "");
    distribution(&search, "home/.pyenv/versions/3.11.7/lib/python3.11/site-packages", "Claude_Agent.SDK", "0.2.111", "");

    // A script on `PATH` that runs in an environment of which nothing else tells.
    distribution(&search, "elsewhere/venv/lib/python3.12/site-packages", "mcp-server-git", "2026.10.19", "");
    search.machine.file("elsewhere/venv/pyvenv.cfg", "");
    search.machine.executable("bin/anything", format!("#!{}/bin/python3\n", search.at("elsewhere/venv").display()));
    // A name trap: the same name in this ecosystem is somebody else's tool.
    distribution(&search, "elsewhere/venv/lib/python3.12/site-packages", "codex-cli", "1.0.0", "");
    assert_eq!(
        search.list(),
        [
            "aider 0.86.1 pip",
            "claude-agent-sdk-py 0.2.111 pip",
            "kimi-cli 1.52.0 uv-tool",
            "llm 0.36 pipx",
            "mcp-fetch 2026.10.24 uv-cache",
            "mcp-git 2026.10.19 venv",
            "sdk-openai-sdk 3.52.0 pipx by=llm@0.36",
        ]
    );
    assert_eq!(search.find().sightings[3].reached_by, [launcher, link]);
    search.env("UV_TOOL_DIR", "none");
    search.env("PIPX_HOME", "none");
    assert!(search.list().contains(&"llm 0.36 pipx".to_owned()), "the default place is looked at as well");
}

#[test]
fn several_native_versions_lie_side_by_side() {
    let search = Search::new();
    let versions = "home/.local/share/claude/versions";
    search.machine.executable(&format!("{versions}/2.1.197"), program("2.1.197"));
    search.machine.executable(&format!("{versions}/2.1.329"), program("2.1.197"));
    search.machine.file(&format!("{versions}/2.1.330"), "");
    let link = search.link("home/.local/bin/claude", search.at(&format!("{versions}/2.1.329")));
    let agent = search
        .machine
        .executable("home/.local/share/cursor-agent/versions/2025.09.18-39624ef/cursor-agent", "#!/bin/sh\nexec node\n");
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(|s| (line(s), s.embedded_version.as_deref(), s.identified_by)).collect();
    assert_eq!(
        lines,
        [
            ("claude-code 2.1.197 native".to_owned(), None, Identification::Layout),
            ("claude-code 2.1.329 native".to_owned(), Some("2.1.197"), Identification::Layout),
            ("cursor-agent 2025.09.18-39624ef native".to_owned(), None, Identification::Layout),
        ]
    );
    assert_eq!(found.sightings[1].reached_by, [link]);
    assert_eq!(found.sightings[0].renamed, None, "a version is no other name");
    assert_eq!((&found.sightings[2].root, &found.sightings[2].extent), (&agent.parent().unwrap().to_owned(), &Extent::Folder));
}

#[test]
fn a_renamed_copy_is_found_by_its_bytes() {
    let mut search = Search::new();
    let bytes = program("2.1.197");
    search.know(&bytes, "2.1.197");
    let copy = search.machine.executable("home/bin/notes", &bytes);
    let sighting = search.only();
    assert_eq!(line(&sighting), "claude-code 2.1.197 path");
    assert_eq!(sighting.identified_by, Identification::Digest);
    assert_eq!(sighting.renamed.as_deref(), Some("notes"));
    assert_eq!((sighting.root, sighting.extent), (copy.clone(), Extent::File));
    // Of the same size and not the same bytes: nothing.
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&copy, other).unwrap();
    assert_eq!(search.find().sightings, []);
    // Under its own name it is no renamed copy.
    fs::remove_file(copy).unwrap();
    search.machine.executable("bin/claude", &bytes);
    assert_eq!((search.only().renamed, search.only().identified_by), (None, Identification::Digest));
}

#[test]
fn known_bytes_in_a_package_of_another_name_are_told() {
    let mut search = Search::new();
    let bytes = program("2.1.197");
    search.know(&bytes, "2.1.197");
    for name in ["other", "unheard-of"] {
        let modules = format!("prefix/lib/node_modules/{name}");
        search.machine.file(&format!("{modules}/package.json"), format!(r#"{{"name":"{name}","version":"9.0.0","bin":"run"}}"#));
        let run = search.machine.executable(&format!("{modules}/run"), &bytes);
        search.link(&format!("bin/{name}"), run);
    }
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(|s| (line(s), s.renamed.as_deref())).collect();
    assert_eq!(
        lines,
        [
            ("claude-code 2.1.197 npm by=other@9.0.0".to_owned(), Some("run")),
            ("claude-code 2.1.197 path".to_owned(), Some("run")),
            ("other 9.0.0 npm".to_owned(), None),
        ]
    );
}

#[test]
fn a_copy_of_what_is_installed_is_told_though_no_list_has_it() {
    let search = Search::new();
    let bytes = native(&"y".repeat(2_000_000));
    let versions = "home/.local/share/claude/versions/2.1.400";
    search.machine.executable(versions, &bytes);
    search.machine.executable("bin/notes", &bytes);
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(|s| (line(s), s.renamed.as_deref())).collect();
    assert_eq!(lines, [("claude-code 2.1.400 path".to_owned(), Some("notes")), ("claude-code 2.1.400 native".to_owned(), None)]);
}

#[test]
fn a_name_is_believed_last_and_only_of_machine_code() {
    let search = Search::new();
    search.machine.executable("bin/claude", program("2.1.300"));
    search.machine.executable("bin/amp", native("an ordinary word"));
    search.machine.executable("bin/gemini", "#!/bin/sh\necho hello\n");
    search.machine.executable("bin/crush", "#!/bin/sh\necho an ordinary word\n");
    search.machine.file("bin/codex", "");
    let found = search.find();
    let sightings: Vec<_> = found.sightings.iter().map(|s| (line(s), s.identified_by)).collect();
    assert_eq!(sightings, [("claude-code 2.1.300 path".to_owned(), Identification::Name)]);
    let odd: Vec<_> = found.oddities.iter().map(|oddity| format!("{oddity:?}").contains("UnidentifiedName")).collect();
    assert_eq!(odd, [true, true]);
    let names =
        |tool: &str| found.oddities.iter().any(|o| matches!(o, Oddity::UnidentifiedName { tool: t, .. } if t.as_str() == tool));
    assert!(names("gemini-cli") && names("openai-codex"), "{:?}", found.oddities);
}

#[test]
fn the_launcher_of_a_version_manager_is_no_tool() {
    let search = Search::new();
    let shim = search.machine.executable("opt/volta-shim", native("volta"));
    search.link("bin/claude", shim);
    let found = search.find();
    assert_eq!((found.sightings, found.oddities), (vec![], vec![]));
}

#[test]
fn no_name_and_no_package_excuses_known_bytes() {
    let mut search = Search::new();
    let bytes = program("2.1.197");
    search.know(&bytes, "2.1.197");
    search.machine.executable("bin/volta", &bytes);
    search.machine.executable("home/bin/shims/x", &bytes);
    search.path.push(search.at("home/bin/shims"));
    search.machine.file("checkout/package.json", r#"{"name":"innocent","version":"1.0.0"}"#);
    let tool = search.machine.executable("checkout/tool", &bytes);
    search.link("bin/tool", tool);
    let renamed: Vec<_> = search.find().sightings.into_iter().map(|sighting| sighting.renamed.unwrap()).collect();
    assert_eq!(renamed, ["volta", "tool", "x"]);
}

#[test]
fn a_link_into_a_checkout_is_what_its_package_json_says() {
    let search = Search::new();
    let entry = search.machine.npm_package("checkout", CLAUDE, "2.1.150", "claude");
    let link = search.link("bin/anything", entry);
    let other = search.machine.npm_package("elsewhere", "somebody-elses", "1.0.0", "gemini");
    search.link("bin/gemini", other);
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(line).collect();
    assert_eq!(lines, ["claude-code 2.1.150 path"]);
    assert_eq!(found.sightings[0].reached_by, [link]);
    let [Oddity::UnidentifiedName { why, .. }] = &found.oddities[..] else { panic!("{:?}", found.oddities) };
    assert!(why.contains("somebody-elses"), "{why}");
}

#[test]
fn extensions_are_what_their_package_json_says_and_bring_programs() {
    let search = Search::new();
    let folder = "home/.vscode-server/extensions/anthropic.claude-code-2.1.150-linux-x64";
    let json = r#"{"publisher":"Anthropic","name":"claude-code","version":"2.1.150","main":"./extension"}"#;
    search.machine.file(&format!("{folder}/package.json"), json);
    search.machine.file(&format!("{folder}/extension.js"), "x");
    search.machine.executable(&format!("{folder}/resources/native-binary/claude"), program("2.1.150"));
    // Named as a tool, and none.
    let other = r#"{"publisher":"someone","name":"theme","version":"1.0.0"}"#;
    search.machine.file("home/.cursor/extensions/openai.chatgpt-1.0.0/package.json", other);
    // Named as a tool, and not to be told.
    search.machine.file("home/.cursor/extensions/saoudrizwan.claude-dev-3.1.0/package.json", "{");
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(line).collect();
    let by = "claude-code 2.1.150 editor by=anthropic.claude-code@2.1.150";
    assert_eq!(lines, [by, "vscode-claude-code 2.1.150 editor", "vscode-cline - editor"]);
    assert!(matches!(&found.sightings[2].state, State::Unreadable(Unmeasured::Io(why)) if why.contains("not JSON")));
    assert!(found.sightings[1].executables[0].path.ends_with("extension.js"));
}

#[test]
fn a_jetbrains_plugin_is_read_out_of_its_jar() {
    let search = Search::new();
    let jar = |path: &str, xml: &str| {
        let path = search.machine.file(path, "");
        let mut jar = zip::ZipWriter::new(fs::File::create(path).unwrap());
        jar.start_file("META-INF/plugin.xml", zip::write::SimpleFileOptions::default()).unwrap();
        jar.write_all(xml.as_bytes()).unwrap();
        jar.finish().unwrap();
    };
    let ide = "home/.local/share/JetBrains/PyCharm2026.1";
    let xml = "<idea-plugin><id>com.anthropic.code.plugin</id><version>0.1.14-beta</version></idea-plugin>";
    jar(&format!("{ide}/some-folder/lib/a.jar"), xml);
    jar(&format!("{ide}/theme.jar"), "<idea-plugin><id>theme</id><version>1</version></idea-plugin>");
    let broken = search.machine.file(&format!("{ide}/broken/lib/b.jar"), "PK\u{3}\u{4}");
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(line).collect();
    assert_eq!(lines, ["jetbrains-claude-code 0.1.14-beta jetbrains"]);
    assert_eq!(found.sightings[0].root, search.at(&format!("{ide}/some-folder")));
    let of_broken = found.coverage.iter().find(|c| c.place.as_deref() == Some(&*broken)).unwrap();
    assert!(matches!(of_broken.outcome, CoverageOutcome::NotLooked(_)), "{of_broken:?}");
}

/// A plugin of which not every jar is opened may be any tool: it is said, and so is one that cannot be listed.
#[test]
fn a_jetbrains_plugin_that_is_not_told_is_said() {
    let search = Search::new();
    let ide = "home/.local/share/JetBrains/PyCharm2026.1";
    let jar = |path: &str, entry: &str, text: &str| {
        let path = search.machine.file(path, "");
        let mut jar = zip::ZipWriter::new(fs::File::create(path).unwrap());
        jar.start_file(entry, zip::write::SimpleFileOptions::default()).unwrap();
        jar.write_all(text.as_bytes()).unwrap();
        jar.finish().unwrap();
    };
    for number in 0..=1_000 {
        jar(&format!("{ide}/crowd/lib/{number:04}.jar"), "x.class", "");
    }
    let of_crowd = |found: &Found| {
        let place = search.at(&format!("{ide}/crowd"));
        found.coverage.iter().find(|c| c.place.as_ref() == Some(&place)).map(|c| c.outcome.clone())
    };
    let found = search.find();
    assert!(matches!(of_crowd(&found), Some(CoverageOutcome::NotLooked(why)) if why.contains("1001 jars")), "{found:?}");
    // The jar that is called like the plugin is opened first.
    let xml = "<idea-plugin><id>com.anthropic.code.plugin</id><version>1</version></idea-plugin>";
    jar(&format!("{ide}/crowd/lib/the-crowd-1.jar"), "META-INF/plugin.xml", xml);
    let found = search.find();
    assert_eq!((found.sightings.len(), of_crowd(&found)), (1, None));
    // An IDE follows links, and so does who looks for its plugins.
    fs::rename(search.at(&format!("{ide}/crowd")), search.at("work/crowd")).unwrap();
    search.link(&format!("{ide}/crowd"), search.at("work/crowd"));
    let found = search.find();
    assert_eq!(found.sightings.iter().map(|s| s.root.clone()).collect::<Vec<_>>(), [search.at("work/crowd")]);
}

#[test]
fn models_are_named_by_store_and_tag() {
    let mut search = Search::new();
    search.env("OLLAMA_MODELS", "models");
    search.env("HF_HOME", "hf");
    let manifest = search.machine.file("models/manifests/registry.ollama.ai/library/llama3.2/1b", "{}");
    search.machine.file("models/manifests/hf.co/someone/Qwen-GGUF/Q4", "{}");
    search.machine.file("hf/hub/models--Qwen--Qwen3-0.6B/snapshots/c1899de/config.json", "{}");
    search.machine.file("hf/hub/datasets--a--b/snapshots/c1899de/x", "");
    search.machine.file("home/.lmstudio/models/pub/repo/a.gguf", "GGUF");
    search.machine.file("home/.lmstudio/models/pub/repo/b.gguf", "GGUF");
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(|s| format!("{} {}", line(s), s.package.as_ref().unwrap().name)).collect();
    assert_eq!(
        lines,
        [
            "model-huggingface-cache c1899de hugging-face Qwen/Qwen3-0.6B",
            "model-lmstudio-store - lm-studio pub/repo",
            "model-ollama-store Q4 ollama hf.co/someone/Qwen-GGUF",
            "model-ollama-store 1b ollama llama3.2",
        ]
    );
    let ollama = &found.sightings[3];
    assert_eq!((&ollama.root, &ollama.executables[0].path), (&manifest, &manifest));
}

#[test]
fn casks_and_formulae_are_found_in_every_version() {
    let mut search = Search::new();
    search.env("HOMEBREW_PREFIX", "brew");
    search.machine.executable("brew/Caskroom/claude-code/2.1.81/claude", program("2.1.87"));
    search.machine.file("brew/Caskroom/claude-code/.metadata/x", "");
    let formula = "brew/Cellar/gemini-cli/0.61.0/libexec/lib/node_modules/@google/gemini-cli";
    let entry = search.machine.npm_package(formula, "@google/gemini-cli", "0.61.0", "gemini");
    search.link("bin/gemini", entry);
    let found = search.find();
    let lines: Vec<_> = found.sightings.iter().map(|s| (line(s), s.embedded_version.as_deref())).collect();
    assert_eq!(
        lines,
        [("claude-code 2.1.81 homebrew".to_owned(), Some("2.1.87")), ("gemini-cli 0.61.0 homebrew".to_owned(), None)]
    );
}

#[test]
fn the_repositorys_own_packages_count() {
    let mut search = Search::new();
    search.repository = Some(search.at("work"));
    search.machine.file("work/package.json", r#"{"devDependencies":{"@openai/codex":"1"}}"#);
    search.machine.npm_package("work/node_modules/@openai/codex", "@openai/codex", "0.169.0", "codex");
    assert_eq!(search.list(), ["openai-codex 0.169.0 node-modules"]);
    search.repository = None;
    assert_eq!(search.list(), [""; 0]);
}

#[test]
fn what_a_failed_installation_leaves_is_told() {
    let search = Search::new();
    let link = search.link("bin/crush", "../lib/node_modules/@charmland/crush/run-crush.js");
    search.link("bin/kilo", "../lib/node_modules/@kilocode/cli/bin/kilo");
    search.link("bin/whatever", "../nowhere");
    let found = search.find();
    assert_eq!(found.sightings, []);
    assert_eq!(found.oddities.len(), 2, "{:?}", found.oddities);
    let target = PathBuf::from("../lib/node_modules/@charmland/crush/run-crush.js");
    assert_eq!(found.oddities[0], Oddity::DanglingLink { path: link, target, tool: "crush".parse().unwrap() });
}

#[test]
fn a_package_that_cannot_be_read_is_not_passed_over() {
    let search = Search::new();
    let folder = format!("home/.npm-global/lib/node_modules/{CLAUDE}");
    search.machine.file(&format!("{folder}/package.json"), "{\"name\": ");
    let sighting = search.only();
    assert_eq!(line(&sighting), "claude-code - npm");
    assert!(matches!(sighting.state, State::Unreadable(_)));
    assert_eq!(sighting.identified_by, Identification::Layout);
    // A `package.json` that is a folder says as little.
    fs::remove_file(search.at(&format!("{folder}/package.json"))).unwrap();
    fs::create_dir(search.at(&format!("{folder}/package.json"))).unwrap();
    assert!(matches!(search.only().state, State::Unreadable(_)));
}

/// Threat T-15: nothing of this hangs, panics or is passed over in silence.
#[test]
fn hostile_places_neither_stop_nor_blind_the_search() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let mut search = Search::new();
    let bin = search.at("bin");
    rustix::fs::mkfifoat(rustix::fs::CWD, bin.join("gemini"), rustix::fs::Mode::RUSR).unwrap();
    symlink("codex", bin.join("codex")).unwrap();
    fs::create_dir(bin.join("claude")).unwrap();
    let sparse = search.machine.executable("bin/qwen", native(""));
    fs::OpenOptions::new().write(true).open(&sparse).unwrap().set_len(1 << 40).unwrap();
    fs::File::create(bin.join("auggie")).unwrap().set_len(1 << 40).unwrap();
    fs::write(bin.join(OsStr::from_bytes(b"cla\xffude")), "#!/bin/sh\n").unwrap();
    fs::create_dir_all(search.at("home/.npm-global/lib/node_modules").join(OsStr::from_bytes(b"@\xff/\xfe"))).unwrap();
    search.machine.file("home/.npm-global/lib/node_modules/@loop/a/package.json", "{}");
    search.link("home/.npm-global/lib/node_modules/@loop/a/node_modules", "..");
    search.link("home/.npm-global/lib/node_modules/self", ".");
    let looped = search.link("looped", "looped");
    search.path.push(looped.clone());
    search.path.push(search.at("bin/auggie"));

    let began = std::time::Instant::now();
    let found = search.find();
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let [qwen] = &found.sightings[..] else { panic!("{:#?}", found.sightings) };
    assert_eq!(line(qwen), "qwen-code - path");
    assert!(matches!(qwen.state, State::Unreadable(Unmeasured::TooLarge { .. })), "{:?}", qwen.state);
    let mut odd: Vec<String> = found
        .oddities
        .iter()
        .map(|oddity| match oddity {
            Oddity::UnidentifiedName { tool, .. } => tool.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    odd.sort();
    assert_eq!(odd, ["auggie", "gemini-cli", "openai-codex"]);
    let outcome = |place: &Path| &found.coverage.iter().find(|c| c.place.as_deref() == Some(place)).unwrap().outcome;
    assert!(matches!(outcome(&looped), CoverageOutcome::NotLooked(_)), "a loop is no absence");
    assert_eq!(outcome(&bin), &CoverageOutcome::Looked);
    assert_eq!(outcome(&search.at("home/.vscode/extensions")), &CoverageOutcome::Absent);
}

#[test]
fn packages_in_packages_without_end_are_cut_and_it_is_said() {
    let search = Search::new();
    // Made from within, because the whole path is longer than the system takes.
    let mut folder = rustix::fs::openat(
        rustix::fs::CWD,
        search.at("home"),
        rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    let down = |folder: &rustix::fd::OwnedFd, name: &str| {
        rustix::fs::mkdirat(folder, name, rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY;
        rustix::fs::openat(folder, name, flags, rustix::fs::Mode::empty()).unwrap()
    };
    for name in [".npm-global", "lib"] {
        folder = down(&folder, name);
    }
    for _ in 0..300 {
        folder = down(&folder, "node_modules");
        folder = down(&folder, "a");
    }
    let found = search.find();
    assert_eq!(found.sightings, []);
    let cut =
        found.coverage.iter().filter(|c| matches!(&c.outcome, CoverageOutcome::NotLooked(why) if why.contains("in one another")));
    assert_eq!(cut.count(), 1);
}

#[test]
fn a_folder_that_may_not_be_read_is_not_taken_for_empty() {
    use std::os::unix::fs::PermissionsExt as _;
    if rustix::process::geteuid().is_root() {
        // Root reads everything: the loop on `PATH` above shows the same for root.
        return;
    }
    let search = Search::new();
    let modules = search.at("home/.npm-global/lib/node_modules");
    fs::create_dir_all(&modules).unwrap();
    fs::set_permissions(&modules, fs::Permissions::from_mode(0o000)).unwrap();
    let found = search.find();
    fs::set_permissions(&modules, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = &found.coverage.iter().find(|c| c.place.as_deref() == Some(&*modules)).unwrap().outcome;
    assert!(matches!(outcome, CoverageOutcome::NotLooked(_)), "{outcome:?}");
}
