//! Which package a command line runs, for command lines that no catalogue knows: an MCP server is a tool whoever made it.
//!
//! Runners fetch what they are told to run: `npx` and its kin from an npm registry, `uvx` and its kin from a package index, container
//! engines an image. Tools of the catalogue are found by the reader of shell commands; what is left is named here by its package.

use super::telling::Telling;
use crate::catalogue::{Catalogue, Tool};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::evidence::{Mention, Request, Role};
use crate::gather::repository::Source;
use crate::gather::repository::document::clipped;
use crate::gather::repository::javascript::npm;
use crate::tool::{Ecosystem, Package, ToolId};
use crate::version::{Scheme, Version};

/// A package that a command line runs, as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) package: Package,
    /// What asks for a version; empty where nothing does.
    pub(super) version: String,
    /// The word that names it.
    pub(super) word: usize,
}

/// What only runs a script that the repository holds: it is no server itself.
const INTERPRETERS: [&str; 10] =
    ["tsx", "ts-node", "node", "nodemon", "vite-node", "esno", "bun", "dotenv-cli", "cross-env", "concurrently"];

/// The package that a command line runs, and where it is named.
pub(super) fn started(words: &[&str]) -> Option<Started> {
    let program = words.first()?;
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = [".exe", ".cmd", ".ps1"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let after = |skipped: usize, inner: Option<Started>| inner.map(|inner| Started { word: inner.word + skipped, ..inner });
    let second = words.get(1).copied().unwrap_or_default();
    match name.to_ascii_lowercase().as_str() {
        "npx" | "bunx" | "pnpx" => npm_runner(words, 1),
        "npm" if matches!(second, "exec" | "x") => npm_runner(words, 2),
        "pnpm" | "yarn" if matches!(second, "dlx" | "exec") => npm_runner(words, 2),
        "bun" if second == "x" => npm_runner(words, 2),
        "deno" => deno(words),
        "uvx" => python_runner(words, 1),
        "uv" if second == "tool" && words.get(2) == Some(&"run") => python_runner(words, 3),
        "uv" if second == "x" => python_runner(words, 2),
        "pipx" if second == "run" => python_runner(words, 2),
        "docker" | "podman" | "nerdctl" if second == "run" => container(words, 2),
        "docker" | "podman" if second == "container" && words.get(2) == Some(&"run") => container(words, 3),
        // What starts another command.
        "cmd" if second.eq_ignore_ascii_case("/c") => after(2, started(&words[2..])),
        "env" => {
            let skip = 1 + words[1..].iter().take_while(|word| word.contains('=') || word.starts_with('-')).count();
            after(skip, words.get(skip..).and_then(started))
        }
        "sudo" | "exec" | "nohup" | "time" => after(1, started(&words[1..])),
        _ => None,
    }
}

/// `[options] package[@version] [arguments]`; `-p`/`--package` names the package and the word after the options a program of it.
fn npm_runner(words: &[&str], from: usize) -> Option<Started> {
    let mut at = from;
    while let Some(word) = words.get(at) {
        let (named, place) = match *word {
            "--package" | "-p" => (words.get(at + 1).copied()?, at + 1),
            "--" => {
                at += 1;
                continue;
            }
            // Options with a value of their own.
            "--registry" | "--prefix" | "--cache" | "--userconfig" | "--workspace" | "-w" | "-c" | "--call" => {
                at += 2;
                continue;
            }
            word => match word.strip_prefix("--package=") {
                Some(named) => (named, at),
                None if word.starts_with('-') => {
                    at += 1;
                    continue;
                }
                None => (word, at),
            },
        };
        let (name, version) = npm::split_version(named);
        let version = if named.len() == name.len() { "" } else { version };
        return is_npm_name(name)
            .then(|| Started { package: Package::new(Ecosystem::Npm, name), version: version.to_owned(), word: place });
    }
    None
}

fn is_npm_name(name: &str) -> bool {
    let bare = match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').filter(|(scope, _)| !scope.is_empty()).map(|(_, bare)| bare),
        None => Some(name),
    };
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_part);
    bare.is_some_and(is_plain) && name.len() <= 214 && !INTERPRETERS.contains(&name)
}

/// `deno run [options] npm:package@version/file`, `jsr:` is a registry of its own.
fn deno(words: &[&str]) -> Option<Started> {
    let (word, named) = words.iter().enumerate().find_map(|(at, word)| Some((at, word.strip_prefix("npm:")?)))?;
    let named = named.strip_prefix('/').unwrap_or(named);
    let (name, version) = npm::split_version(named);
    let version = if named.len() == name.len() { "" } else { version.split('/').next().unwrap_or_default() };
    is_npm_name(name).then(|| Started { package: Package::new(Ecosystem::Npm, name), version: version.to_owned(), word })
}

/// `[--from requirement] [options] tool[@version|==version]`; extras in brackets do not change which package it is.
fn python_runner(words: &[&str], from: usize) -> Option<Started> {
    const WITH_VALUE: [&str; 17] = [
        "--with", "--with-requirements", "--with-editable", "--python", "-p", "--index-url", "-i", "--index", "--default-index",
        "--extra-index-url", "--find-links", "-f", "--refresh-package", "--env-file", "--directory", "--project", "--constraints",
    ];
    let mut at = from;
    while let Some(word) = words.get(at) {
        let (named, place) = match *word {
            "--from" | "--spec" => (words.get(at + 1).copied()?, at + 1),
            word if WITH_VALUE.contains(&word) => {
                at += 2;
                continue;
            }
            word => match word.strip_prefix("--from=").or_else(|| word.strip_prefix("--spec=")) {
                Some(named) => (named, at),
                None if word.starts_with('-') => {
                    at += 1;
                    continue;
                }
                None => (word, at),
            },
        };
        let end = named.find(['[', '=', '<', '>', '~', '!', '@', ' ', ';']).unwrap_or(named.len());
        let (name, rest) = named.split_at(end);
        let is_name = !name.is_empty()
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        // A script, a folder or a repository is not a package of an index.
        if !is_name || name.ends_with(".py") || rest.contains("://") {
            return None;
        }
        let rest = rest.split_once(']').map_or(rest, |(_, rest)| rest);
        let version = rest.strip_prefix("==").or_else(|| rest.strip_prefix('@')).unwrap_or(rest).trim();
        return Some(Started { package: Package::new(Ecosystem::Pypi, name), version: version.to_owned(), word: place });
    }
    None
}

/// `run [options] image[:tag][@sha256:...]`.
fn container(words: &[&str], from: usize) -> Option<Started> {
    const WITH_VALUE: [&str; 34] = [
        "-e", "--env", "--env-file", "-v", "--volume", "--mount", "-p", "--publish", "--name", "--network", "--net", "-w", "--workdir",
        "-u", "--user", "--entrypoint", "-l", "--label", "--platform", "--add-host", "-m", "--memory", "--cpus", "--pull", "--cap-add",
        "--cap-drop", "--security-opt", "--gpus", "--device", "-h", "--hostname", "--tmpfs", "--restart", "--dns",
    ];
    let mut at = from;
    while let Some(word) = words.get(at) {
        if WITH_VALUE.contains(word) {
            at += 2;
        } else if word.starts_with('-') {
            at += 1;
        } else {
            let (name, version) = split_image(word);
            let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':');
            let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.bytes().all(is_part);
            let package = Package::new(Ecosystem::Docker, name);
            return is_name.then(|| Started { package, version: version.to_owned(), word: at });
        }
    }
    None
}

/// The name of an image, and its digest or else its tag.
fn split_image(image: &str) -> (&str, &str) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    let (bare, tag) = match name[slash..].find(':') {
        Some(colon) => (&name[..slash + colon], &name[slash + colon + 1..]),
        None => (name, ""),
    };
    (bare, digest.unwrap_or(tag))
}

/// The mention of a package that an MCP client starts.
pub(super) fn mention(source: &Source<'_>, started: Started, role: Role, line: u32) -> Mention {
    let tool = tool_of(source.catalogue, &started.package);
    let (request, integrity) = request(tool, &started);
    Mention {
        tool: tool.map_or_else(|| ToolId::of_package(&started.package), |tool| tool.id.clone()),
        package: started.package,
        request,
        integrity,
        location: source.at(Some(line)),
        brought_by: Vec::new(),
        role,
        quote: None,
    }
}

/// The tool of the catalogue that a package is.
pub(super) fn tool_of<'c>(catalogue: &'c Catalogue, package: &Package) -> Option<&'c Tool> {
    match package.ecosystem {
        Ecosystem::Npm => npm::known(catalogue, &package.name).map(|known| known.tool),
        _ => catalogue.by_package(package),
    }
}

fn request(tool: Option<&Tool>, started: &Started) -> (Request, DigestSet) {
    let text = started.version.as_str();
    let floating = |text: &str| Request::Floating { text: clipped(text), locked: false };
    let none = DigestSet::new();
    match started.package.ecosystem {
        Ecosystem::Docker => match text.strip_prefix("sha256:").map(|hex| Digest::parse(Algorithm::Sha256, hex)) {
            Some(Ok(digest)) => (Request::Exact(Version::parse(Scheme::Opaque, text)), DigestSet::from(digest)),
            _ => (floating(if text.is_empty() { "latest" } else { text }), none),
        },
        Ecosystem::Pypi => {
            let scheme = tool.map_or(Scheme::Pep440, Tool::scheme);
            let version = Version::parse(scheme, text);
            let is_exact = version.is_ordered() && text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['*', ',']);
            (if is_exact { Request::Exact(version) } else { floating(if text.is_empty() { "*" } else { text }) }, none)
        }
        _ => {
            let text = if text.is_empty() { "*" } else { text };
            let version = match tool {
                Some(tool) => return (npm::request(tool, text), none),
                None => Version::parse(Scheme::SemVer, text),
            };
            let is_exact = version.is_ordered() && text.starts_with(|c: char| c.is_ascii_digit());
            (if is_exact { Request::Exact(version) } else { floating(text) }, none)
        }
    }
}

/// Tools of the catalogue that a command of a hook runs.
pub(super) fn of_script(telling: &mut Telling<'_>, script: &str, line: u32) {
    let words: Vec<&str> = script.split_whitespace().collect();
    if let Some(started) = started(&words)
        && tool_of(telling.source.catalogue, &started.package).is_some()
    {
        let mention = mention(telling.source, started, Role::Command, line);
        telling.reading.mentions.push(mention);
    }
}

/// A package of npm that a client installs and runs by itself, where the catalogue knows it.
pub(super) fn of_package(telling: &mut Telling<'_>, named: &str, line: u32) {
    if let Some(started) = npm_runner(&["npx", named], 1)
        && tool_of(telling.source.catalogue, &started.package).is_some()
    {
        let mention = mention(telling.source, started, Role::Extension, line);
        telling.reading.mentions.push(mention);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(String, String, usize)> {
        let words: Vec<&str> = line.split(' ').collect();
        started(&words).map(|s| (s.package.purl(None), s.version, s.word))
    }

    #[track_caller]
    fn runs(line: &str, purl: &str, version: &str, word: usize) {
        assert_eq!(of(line), Some((purl.to_owned(), version.to_owned(), word)), "{line}");
    }

    #[test]
    fn runners_of_npm() {
        runs("npx -y @acme/mcp@1.2.3 --port 1", "pkg:npm/%40acme/mcp", "1.2.3", 2);
        runs("npx acme-mcp", "pkg:npm/acme-mcp", "", 1);
        runs("/usr/bin/npx --yes acme-mcp@latest", "pkg:npm/acme-mcp", "latest", 2);
        runs("npx -y --package=@acme/mcp@2 -- mcp-server", "pkg:npm/%40acme/mcp", "2", 2);
        runs("npx -p acme-mcp@1.0.0 serve", "pkg:npm/acme-mcp", "1.0.0", 2);
        runs("npx --registry https://r.example acme-mcp", "pkg:npm/acme-mcp", "", 3);
        runs("npm exec -y -- acme-mcp@1", "pkg:npm/acme-mcp", "1", 4);
        runs("pnpm dlx acme-mcp@1", "pkg:npm/acme-mcp", "1", 2);
        runs("yarn dlx acme-mcp", "pkg:npm/acme-mcp", "", 2);
        runs("bunx acme-mcp@${VERSION}", "pkg:npm/acme-mcp", "${VERSION}", 1);
        runs("bun x acme-mcp", "pkg:npm/acme-mcp", "", 2);
        runs("cmd /c npx -y acme-mcp", "pkg:npm/acme-mcp", "", 4);
        runs("C:\\node\\npx.cmd -y acme-mcp", "pkg:npm/acme-mcp", "", 2);
        runs("env A=1 B=2 npx acme-mcp@1.0.0", "pkg:npm/acme-mcp", "1.0.0", 4);
        runs("deno run -A npm:@acme/mcp@1.0.0/bin", "pkg:npm/%40acme/mcp", "1.0.0", 3);
    }

    #[test]
    fn runners_of_python_and_containers() {
        runs("uvx acme-mcp==1.0.0", "pkg:pypi/acme-mcp", "1.0.0", 1);
        runs("uvx Acme_MCP@1.0.0", "pkg:pypi/acme-mcp", "1.0.0", 1);
        runs("uvx --python 3.12 --from acme-mcp[all]>=1 serve", "pkg:pypi/acme-mcp", ">=1", 4);
        runs("uv tool run acme-mcp", "pkg:pypi/acme-mcp", "", 3);
        runs("pipx run --spec acme-mcp==2 serve", "pkg:pypi/acme-mcp", "2", 3);
        runs("docker run -i --rm -e TOKEN --name x r.example:5000/acme/mcp:1.0", "pkg:docker/r.example:5000/acme/mcp", "1.0", 8);
        let pinned = format!("podman run --env=A=1 acme/mcp@sha256:{}", "a".repeat(64));
        runs(&pinned, "pkg:docker/acme/mcp", &format!("sha256:{}", "a".repeat(64)), 3);
    }

    #[test]
    fn what_runs_no_package() {
        for line in [
            "", "node server.js", "npx", "npx -y", "npx ./local", "npx -y ${env:PACKAGE}", "npx tsx src/mcp.ts", "npx ../x", "uv run server.py",
            "uvx --from git+https://git.example/acme/mcp serve", "uvx ./folder", "docker compose up", "docker run", "docker run -i",
            "docker run ${IMAGE}", "python -m server", "deno run server.ts", "cmd", "env", "npx -p", "uvx --from",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
