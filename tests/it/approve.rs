//! Approving what a registry serves: a registry on this machine, packages made here, real archives of `tar`.

mod lists;

use crate::support::{Machine, Run};
use crate::sync::server::{Answer, Server};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// One version of one package.
struct Package {
    name: &'static str,
    version: &'static str,
    /// Members of its `package.json` besides name and version.
    says: &'static str,
    files: &'static [(&'static str, &'static str)],
    published: &'static str,
}

const OLD: &str = "2026-10-01T00:00:00.000Z";

/// What stands for machine code, for two platforms.
const LINUX: &str = "\u{7f}ELF linux";
const MAC: &str = "\u{7f}ELF mac";

/// Claude Code as its maker lays it out: a placeholder, a package for each platform, and here one ordinary dependency with a
/// dependency of its own.
fn claude_code() -> Vec<Package> {
    vec![
        Package {
            name: "@anthropic-ai/claude-code",
            version: "3.0.0",
            says: r#""bin":{"claude":"bin/claude.exe"},"dependencies":{"left":"^1.0.0"},"optionalDependencies":{
                "@anthropic-ai/claude-code-linux-x64":"3.0.0","@anthropic-ai/claude-code-darwin-arm64":"3.0.0",
                "@anthropic-ai/claude-code-win32-x64":"3.0.0"}"#,
            files: &[("bin/claude.exe", "#!/bin/sh\nexit 1\n"), ("install.cjs", "// links\n")],
            published: OLD,
        },
        Package {
            name: "@anthropic-ai/claude-code-linux-x64",
            version: "3.0.0",
            says: r#""os":["linux"],"cpu":["x64"]"#,
            files: &[("claude", LINUX)],
            published: OLD,
        },
        Package {
            name: "@anthropic-ai/claude-code-darwin-arm64",
            version: "3.0.0",
            says: r#""os":["darwin"],"cpu":["arm64"]"#,
            files: &[("claude", MAC)],
            published: OLD,
        },
        Package { name: "left", version: "1.0.0", says: "", files: &[("index.js", "old")], published: OLD },
        Package {
            name: "left",
            version: "1.2.0",
            says: r#""dependencies":{"right":"*"}"#,
            files: &[("index.js", "new")],
            published: OLD,
        },
        Package { name: "left", version: "2.0.0", says: "", files: &[("index.js", "other")], published: OLD },
        Package { name: "right", version: "0.1.0", says: "", files: &[("index.js", "right")], published: OLD },
    ]
}

/// A registry of packages, whose answers can be changed while it runs.
struct Registry {
    server: Server,
    answers: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Registry {
    fn of(packages: &[Package]) -> Self {
        let answers: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let known = answers.clone();
        let server = Server::start(move |target| Answer::File(known.lock().unwrap().get(target).cloned()));
        let registry = Self { server, answers };
        let folder = tempfile::tempdir().unwrap();
        let mut documents: BTreeMap<&str, (Vec<String>, Vec<String>, &str)> = BTreeMap::new();
        for package in packages {
            let tarball = pack(folder.path(), package);
            let path = format!("/files/{}-{}.tgz", package.name.replace('/', "-"), package.version);
            let integrity = integrity(&tarball);
            registry.answer(&path, tarball);
            let says = if package.says.is_empty() { String::new() } else { format!(",{}", package.says) };
            let (versions, times, latest) = documents.entry(package.name).or_default();
            versions.push(format!(
                r#""{v}":{{"name":"{n}","version":"{v}"{says},"dist":{{"tarball":"{url}{path}","integrity":"{integrity}"}}}}"#,
                v = package.version,
                n = package.name,
                url = registry.server.url().trim_end_matches('/'),
            ));
            times.push(format!(r#""{}":"{}""#, package.version, package.published));
            *latest = package.version;
        }
        for (name, (versions, times, latest)) in documents {
            let json = format!(
                r#"{{"name":"{name}","dist-tags":{{"latest":"{latest}"}},"versions":{{{}}},"time":{{{}}}}}"#,
                versions.join(","),
                times.join(",")
            );
            registry.answer(&format!("/{}", name.replace('/', "%2f")), json.into_bytes());
        }
        registry
    }

    fn answer(&self, target: &str, bytes: Vec<u8>) {
        self.answers.lock().unwrap().insert(target.to_owned(), bytes);
    }

    fn forget(&self, target: &str) {
        assert!(self.answers.lock().unwrap().remove(target).is_some(), "{target}");
    }
}

/// What `npm pack` would make, by tar.
fn pack(folder: &Path, package: &Package) -> Vec<u8> {
    let root = folder.join(format!("{}-{}", package.name.replace('/', "-"), package.version));
    let says = if package.says.is_empty() { String::new() } else { format!(",{}", package.says) };
    let json = format!(r#"{{"name":"{}","version":"{}"{says}}}"#, package.name, package.version);
    for (name, content) in package.files.iter().copied().chain([("package.json", json.as_str())]) {
        let path = root.join("package").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        if name.ends_with(".sh") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let output = Command::new("tar").args(["--sort=name", "--mtime=@0", "-czf", "-", "-C"]).arg(&root).arg("package").output();
    let output = output.unwrap();
    assert!(output.status.success());
    output.stdout
}

fn integrity(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(sha2::Sha512::digest(bytes)))
}

fn sha256(bytes: &[u8]) -> String {
    vetted::digest::Digest::sha256_of(bytes).hex()
}

/// A machine with a policy of its own in enforce mode.
fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice", "--mode", "enforce"]).exits(0);
    machine
}

fn approve(machine: &Machine, registry: &Registry, more: &[&str]) -> Run {
    let url = registry.server.url();
    machine.vetted(&[&["approve", "--registry", &url, "--by", "alice"], more].concat())
}

fn policy_folder(machine: &Machine) -> PathBuf {
    machine.home().join(".config/vetted")
}

/// Every file below a folder with its bytes, keys left out: each machine has its own.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// Put an installation on disk as npm does: the packages below that of the tool, the program in the place of the placeholder.
fn install(machine: &Machine, registry: &Registry, with_script: bool) -> PathBuf {
    let root = machine.home().join(".npm-global/lib/node_modules/@anthropic-ai/claude-code");
    let unpack = |file: &str, into: &Path| {
        fs::create_dir_all(into).unwrap();
        let bytes = registry.answers.lock().unwrap()[&format!("/files/{file}.tgz")].clone();
        let archive = machine.file("work/package.tgz", bytes);
        let mut tar = Command::new("tar");
        tar.args(["-xzf"]).arg(&archive).arg("-C").arg(into).arg("--strip-components=1");
        assert!(tar.status().unwrap().success());
        fs::remove_file(archive).unwrap();
    };
    unpack("@anthropic-ai-claude-code-3.0.0", &root);
    unpack("@anthropic-ai-claude-code-linux-x64-3.0.0", &root.join("node_modules/@anthropic-ai/claude-code-linux-x64"));
    unpack("left-1.2.0", &root.join("node_modules/left"));
    unpack("right-0.1.0", &root.join("node_modules/right"));
    if with_script {
        fs::remove_file(root.join("bin/claude.exe")).unwrap();
        fs::hard_link(root.join("node_modules/@anthropic-ai/claude-code-linux-x64/claude"), root.join("bin/claude.exe")).unwrap();
    }
    root
}

/// Release, installation, verdict; and each way of changing the installation is told by what was changed.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn what_was_approved_from_a_registry_is_approved_where_it_is_installed() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    let run = approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    for part in ["approved claude-code 3.0.0", "attestation  none", "asks for @anthropic-ai/claude-code-win32-x64 3.0.0"] {
        assert!(run.stderr.contains(part), "`{part}` is missing:\n{run}");
    }
    // What is so for each of three files is said once.
    assert_eq!(run.stderr.matches("attestation  none").count(), 1, "{run}");
    assert!(run.stderr.contains("attestation  none, for all 3 release files"), "{run}");
    let manifest = fs::read_to_string(policy_folder(&machine).join("vetted.toml")).unwrap();
    for part in
        ["attestation = \"none\"", "released = 2026-10-01T00:00:00Z", "pkg:npm/%40anthropic-ai/claude-code-darwin-arm64@3.0.0"]
    {
        assert!(manifest.contains(part), "`{part}` is missing:\n{manifest}");
    }
    machine.vetted(&["sign"]).exits(0);

    let root = install(&machine, &registry, false);
    machine.vetted(&["check"]).exits(0);
    fs::remove_dir_all(&root).unwrap();
    let root = install(&machine, &registry, true);
    machine.vetted(&["check"]).exits(0);

    let library = root.join("node_modules/left/index.js");
    let good = fs::read(&library).unwrap();
    fs::write(&library, "neW").unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("node_modules/left"), "{run}");
    fs::write(&library, good).unwrap();

    let stranger = root.join("node_modules/stranger");
    fs::create_dir(&stranger).unwrap();
    fs::write(stranger.join("package.json"), r#"{"name":"stranger","version":"1.0.0"}"#).unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("node_modules/stranger"), "{run}");
    fs::remove_dir_all(&stranger).unwrap();

    fs::write(root.join("install.cjs"), "// more\n").unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("install.cjs"), "{run}");
    fs::write(root.join("install.cjs"), "// links\n").unwrap();
    machine.vetted(&["check"]).exits(0);

    // The program of another platform is the vendor's, and not the one that belongs here.
    let program = root.join("bin/claude.exe");
    fs::remove_file(&program).unwrap();
    fs::write(&program, MAC).unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("bin/claude.exe"), "{run}");
}

/// The newest that fits each range, and what that asks for; nothing of what else there is.
#[test]
fn the_list_holds_what_npm_would_choose() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    let below = policy_folder(&machine).join("attestations/npm/claude-code/3.0.0");
    let list: serde_json::Value = serde_json::from_slice(&fs::read(below.join("packages.json")).unwrap()).unwrap();
    let purls: Vec<&str> = list["packages"].as_array().unwrap().iter().map(|p| p["purl"].as_str().unwrap()).collect();
    assert_eq!(
        purls,
        [
            "pkg:npm/%40anthropic-ai/claude-code-darwin-arm64@3.0.0",
            "pkg:npm/%40anthropic-ai/claude-code-linux-x64@3.0.0",
            "pkg:npm/left@1.2.0",
            "pkg:npm/right@0.1.0"
        ]
    );
}

#[test]
fn two_empty_homes_give_the_same_bytes() {
    let registry = Registry::of(&claude_code());
    let made: Vec<_> = (0..2)
        .map(|_| {
            let machine = machine();
            let before = files(&policy_folder(&machine));
            approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
            let mut after = files(&policy_folder(&machine));
            let manifest = after.remove(Path::new("vetted.toml")).unwrap();
            after.retain(|path, _| !before.contains_key(path) && path.starts_with("attestations"));
            assert_eq!(after.len(), 2, "{:?}", after.keys());
            let manifest = String::from_utf8(manifest).unwrap();
            (after, manifest[manifest.find("[[tool]]").unwrap()..].to_owned())
        })
        .collect();
    assert_eq!(made[0], made[1]);
}

/// A release that is refused leaves the policy folder as it was, whatever the reason.
#[test]
fn nothing_is_written_where_nothing_is_approved() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    let before = files(&policy_folder(&machine));
    let refused = |more: &[&str], status: i32, why: &str| {
        let run = approve(&machine, &registry, more).exits(status);
        assert!(run.stderr.contains(why), "`{why}` is missing:\n{run}");
        assert_eq!(files(&policy_folder(&machine)), before);
    };
    refused(&["claude-code@2.1.150", "--from", "npm"], 1, "is revoked and cannot be approved");
    refused(&["claude-code@9.9.9", "--from", "npm"], 2, "has no version 9.9.9");
    refused(&["no-such-tool", "--from", "npm"], 2, "no tool is called");
    refused(&["llm", "--from", "npm"], 2, "has no npm package");
    refused(&["claude-code@3.0.0", "--from", "./nothing-here"], 2, "nothing-here");
    for (typed, meant) in [("nmp", "npm"), ("pipy", "pypi"), ("Github", "github")] {
        refused(&["claude-code@3.0.0", "--from", typed], 2, &format!("help: `--from {meant}`"));
    }
    refused(&["claude-code@3.0.0", "--from", "npm", "--require", "maker"], 2, "and 0 do");
    // A file of a dependency is another one than the registry says.
    registry.answer("/files/right-0.1.0.tgz", b"something else".to_vec());
    refused(&["claude-code@3.0.0", "--from", "npm"], 3, "is not what the registry states");
}

/// Required is required: without an attestation there is no approval.
#[test]
fn a_policy_that_nothing_fulfils_refuses_the_release() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    let manifest = policy_folder(&machine).join("vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let policy = "\n[[attestation]]\nid = \"maker\"\npredicate = \"https://slsa.dev/provenance/v1\"\n\
        issuer = \"https://issuer.acme.example\"\nidentity = \"https://git.acme.example/maker@v{version}\"\n\
        \n[[tool]]\nid = \"claude-code\"\nrequire = [\"maker\"]\n";
    fs::write(&manifest, text + policy).unwrap();
    let before = files(&policy_folder(&machine));
    let run = approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(1);
    for part in ["is not attested as `maker` asks", "its registry serves none", "--bundle"] {
        assert!(run.stderr.contains(part), "`{part}` is missing:\n{run}");
    }
    // A bundle that is real and about something else.
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles/real/npm-sigstore-2.3.1-attestations.json");
    let run =
        approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm", "--bundle", bundle.to_str().unwrap()]).exits(1);
    assert!(run.stderr.contains("none is about this file"), "{run}");
    assert_eq!(files(&policy_folder(&machine)), before);
}

/// The second approver has the same bytes, or learns which are not.
#[test]
fn an_approval_is_reproduced_or_its_first_difference_is_named() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    let url = registry.server.url();
    let reproduce = || machine.vetted(&["approve", "--reproduce", "--registry", &url]);
    let run = reproduce().exits(2);
    assert!(run.stderr.contains("no approval here records a release"), "{run}");
    approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    // Newer versions of dependencies change nothing: what is recorded is had again.
    let run = reproduce().exits(0);
    assert!(run.stderr.contains("claude-code 3.0.0: identical"), "{run}");

    let list = policy_folder(&machine).join("attestations/npm/claude-code/3.0.0/packages.json");
    let recorded = fs::read(&list).unwrap();
    let forged = String::from_utf8(recorded.clone()).unwrap().replacen("\"dirHash\": \"", "\"dirHash\": \"00", 1);
    fs::write(&list, &forged).unwrap();
    let run = reproduce().exits(3);
    assert!(run.stderr.contains("its list of packages cannot be used"), "{run}");
    fs::write(&list, &recorded).unwrap();

    // The registry gives another file under the same name and version, and says so consistently.
    let other = Registry::of(&{
        let mut packages = claude_code();
        packages[6].files = &[("index.js", "rIght")];
        packages
    });
    let run = machine.vetted(&["approve", "--reproduce", "--registry", &other.server.url()]).exits(1);
    assert!(run.stderr.contains("package right@0.1.0: expected dirHash:"), "{run}");

    registry.forget("/files/left-1.2.0.tgz");
    let run = reproduce().exits(3);
    assert!(run.stderr.contains("cannot be had again"), "{run}");
}

/// What the digest of a tree does not speak of is part of an approval too: which links may be there, and since when the release is out.
#[test]
fn a_forged_link_or_time_of_release_is_not_reproduced() {
    let (machine, registry) = (machine(), Registry::of(&claude_code()));
    let url = registry.server.url();
    approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]).exits(0);
    let manifest = policy_folder(&machine).join("vetted.toml");
    let list = policy_folder(&machine).join("attestations/npm/claude-code/3.0.0/files.json");
    let (text, recorded) = (fs::read_to_string(&manifest).unwrap(), fs::read_to_string(&list).unwrap());
    let reproduce = || machine.vetted(&["approve", "--reproduce", "--registry", &url]);
    reproduce().exits(0);

    let end = recorded.rfind('}').unwrap();
    let forged = format!(
        "{},\n  \"links\": [\n    {{\n      \"name\": \"bin/agent\",\n      \"target\": \"../../../evil\"\n    }}\n  ]\n}}\n",
        recorded[..end].trim_end()
    );
    fs::write(&list, &forged).unwrap();
    let pinned = text.replace(&sha256(recorded.as_bytes()), &sha256(forged.as_bytes()));
    assert_ne!(pinned, text);
    fs::write(&manifest, pinned).unwrap();
    let run = reproduce().exits(1);
    assert!(run.stderr.contains("the link `bin/agent`"), "{run}");
    fs::write(&list, &recorded).unwrap();

    let older = text.replace("released = 2026-10-01", "released = 2026-01-01");
    assert_ne!(older, text);
    fs::write(&manifest, older).unwrap();
    let run = reproduce().exits(1);
    assert!(run.stderr.contains("the time of the release: expected 2026-01-01"), "{run}");
    fs::write(&manifest, &text).unwrap();
    reproduce().exits(0);
}

/// What a registry calls its packages and versions reaches a terminal as text.
#[test]
fn names_of_a_registry_cannot_write_to_a_terminal() {
    let machine = machine();
    let mut packages = claude_code();
    packages[0].says = r#""bin":{"claude":"bin/claude.exe"},"optionalDependencies":{"left":"\u001b]0;owned\u0007"}"#;
    let registry = Registry::of(&packages);
    let run = approve(&machine, &registry, &["claude-code@3.0.0", "--from", "npm"]);
    assert!(run.stderr.contains("owned"), "{run}");
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{run}");
}

/// The newest past the cooldown is chosen, and what is newer is named with what stands in its way.
#[test]
fn without_a_version_the_newest_past_the_cooldown_is_taken() {
    let machine = machine();
    let manifest = policy_folder(&machine).join("vetted.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = if text.contains("[defaults]") {
        text.replace("[defaults]", "[defaults]\ncooldown = \"7d\"")
    } else {
        format!("{text}\n[defaults]\ncooldown = \"7d\"\n")
    };
    fs::write(&manifest, text).unwrap();
    let version =
        |version, published| Package { name: "@upstash/context7-mcp", version, says: "", files: &[("index.js", "x")], published };
    let registry = Registry::of(&[
        version("1.0.0", OLD),
        version("1.1.0", OLD),
        version("2.0.0-beta.1", OLD),
        version("1.2.0", "2026-11-20T00:00:00Z"),
    ]);
    let url = registry.server.url();
    let run = approve(&machine, &registry, &["mcp-context7@1.0.0", "--from", "npm"]).exits(0);
    let watch = || machine.vetted(&["approve", "--watch", "--registry", &url]);
    let before = files(&policy_folder(&machine));
    let watched = watch().exits(0);
    for part in [
        "approved: 1.0.0",
        "1.2.0                cooling until 2026-11-27T00:00:00Z",
        "1.1.0                past the cooldown",
        "mcp-context7@1.1.0 --from npm",
    ] {
        assert!(watched.stdout.contains(part), "`{part}` is missing:\n{watched}\n{run}");
    }
    let json = machine.vetted(&["approve", "--watch", "--format", "json", "--registry", &url]).exits(0).json();
    let states: Vec<(&str, &str)> = json["tools"][0]["newer"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["version"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("2.0.0-beta.1", "early"), ("1.2.0", "cooling"), ("1.1.0", "ready")]);
    assert_eq!(files(&policy_folder(&machine)), before, "watching writes nothing");

    let run = approve(&machine, &registry, &["mcp-context7", "--from", "npm"]).exits(0);
    for part in ["mcp-context7 1.1.0 is the newest past the cooldown of 7d", "newer: 1.2.0 (would count from 2026-11-27"] {
        assert!(run.stderr.contains(part), "`{part}` is missing:\n{run}");
    }
    let run = watch().exits(0);
    assert!(run.stdout.contains("approved: 1.0.0, 1.1.0") && !run.stdout.contains("to approve it"), "{run}");
}

/// What people type first: the name of the package, a tag, an option that means nothing here.
#[test]
fn what_is_no_tool_and_no_version_is_said() {
    let machine = machine();
    for (arguments, part) in [
        (&["@upstash/context7-mcp", "--from", "npm"][..], "is the tool `mcp-context7`"),
        (&["context7-mcp@1.0.0", "--from", "npm"], "is the tool `mcp-context7`"),
        (&["mcp-context7@latest", "--from", "npm"], "`latest` is no version"),
        (&["claude-code@^2", "--from", "npm"], "`^2` is no version"),
        (&["mcp-context7", "--installed", "--registry", "https://npm.acme.example/"], "cannot be used with"),
    ] {
        let run = machine.vetted(&[&["approve"], arguments].concat()).exits(2);
        assert!(run.stderr.contains(part), "`{part}` is missing:\n{run}");
    }
}

/// The archive of a package, by itself: what it needs besides comes from the registry, and where it needs nothing, from nowhere.
#[test]
fn a_file_is_approved_without_a_registry() {
    let machine = machine();
    let folder = tempfile::tempdir().unwrap();
    let package =
        Package { name: "@upstash/context7-mcp", version: "1.0.0", says: "", files: &[("index.js", "x")], published: OLD };
    machine.file("work/context7.tgz", pack(folder.path(), &package));
    machine.vetted(&["approve", "mcp-context7", "--from", "context7.tgz"]).exits(0);
    let run = machine.vetted(&["approve", "mcp-context7@1.0.1", "--from", "context7.tgz"]).exits(2);
    assert!(run.stderr.contains("is not version 1.0.1") && run.stderr.contains("context7-mcp@1.0.0"), "{run}");
    let run = machine.vetted(&["approve", "mcp-memory", "--from", "context7.tgz"]);
    assert!(run.status != 0 && run.stderr.contains("context7-mcp@1.0.0"), "a file of another tool\n{run}");

    // A program by itself has no version of its own.
    machine.file("work/claude", LINUX);
    let run = machine.vetted(&["approve", "claude-code", "--from", "claude"]).exits(2);
    assert!(run.stderr.contains("does not say which version it is"), "{run}");
    machine.vetted(&["approve", "claude-code@3.0.0", "--from", "claude"]).exits(0);
}
