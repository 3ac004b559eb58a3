//! cargo, go, gem, Homebrew, editors, version managers, and the installers of vendors.

use super::container::image;
use super::python::requirement;
use super::{Reader, Word, floating, program, request};
use crate::evidence::Request;
use crate::gather::repository::javascript::npm;
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};

/// Editors of the VS Code family.
const EDITORS: [&str; 14] = [
    "code",
    "code-insiders",
    "code-server",
    "codium",
    "vscodium",
    "codium-insiders",
    "openvscode-server",
    "cursor",
    "windsurf",
    "positron",
    "trae",
    "kiro",
    "antigravity",
    "devsh",
];

impl Reader<'_, '_> {
    pub(super) fn other(&mut self, program: &str, arguments: &[Word]) {
        match program {
            "cargo" => self.cargo(arguments),
            "cargo-binstall" => self.crates(arguments),
            "go" => self.go(arguments),
            "gem" => self.gem(arguments),
            "brew" => self.brew(arguments),
            "mise" | "rtx" => self.version_manager(arguments),
            "asdf" => {
                if let [verb, name, rest @ ..] = arguments
                    && matches!(verb.text.as_str(), "install" | "global" | "local" | "set" | "shell")
                {
                    self.managed(&name.text, rest.first().map(|word| word.text.as_str()), name.line);
                }
            }
            "nix"
                if arguments
                    .first()
                    .is_some_and(|verb| matches!(verb.text.as_str(), "run" | "shell" | "profile" | "develop")) =>
            {
                self.nixpkgs(program, arguments);
            }
            "devbox" if arguments.first().is_some_and(|verb| verb.text == "add") => self.nixpkgs(program, &arguments[1..]),
            "nix-shell" | "nix-env" => self.nixpkgs(program, arguments),
            _ if EDITORS.contains(&program) => self.editor(arguments),
            _ => {}
        }
    }

    fn cargo(&mut self, arguments: &[Word]) {
        let skipped = arguments.iter().take_while(|word| word.text.starts_with(['+', '-'])).count();
        if let Some((verb, rest)) = arguments[skipped..].split_first()
            && matches!(verb.text.as_str(), "install" | "binstall" | "add")
        {
            self.crates(rest);
        }
    }

    fn crates(&mut self, arguments: &[Word]) {
        const WITH_WORD: [&str; 22] = [
            "--version",
            "--vers",
            "--git",
            "--branch",
            "--tag",
            "--rev",
            "--path",
            "--root",
            "--registry",
            "--index",
            "-j",
            "--jobs",
            "--features",
            "-F",
            "--target",
            "--profile",
            "--bin",
            "--example",
            "--target-dir",
            "--config",
            "--color",
            "--manifest-path",
        ];
        let version = value_of(arguments, &["--version", "--vers"]);
        let from = value_of(arguments, &["--git", "--path"]);
        for word in positional(arguments, &WITH_WORD) {
            let (name, at) = word.text.split_once('@').map_or((word.text.as_str(), None), |(name, at)| (name, Some(at)));
            let request = match (from, at.or(version)) {
                (Some(from), _) => floating(from),
                (None, Some(version)) => request(Ecosystem::Cargo, version.strip_prefix('=').unwrap_or(version)),
                (None, None) => floating("*"),
            };
            self.package(Ecosystem::Cargo, name, request, word.line);
        }
    }

    fn go(&mut self, arguments: &[Word]) {
        const WITH_WORD: [&str; 9] = ["-ldflags", "-tags", "-mod", "-C", "-gcflags", "-p", "-modfile", "-o", "-exec"];
        let Some((verb, rest)) = arguments.split_first() else { return };
        let is_run = verb.text == "run";
        if !is_run && !matches!(verb.text.as_str(), "install" | "get") {
            return;
        }
        let paths = positional(rest, &WITH_WORD);
        for word in paths.into_iter().take(if is_run { 1 } else { usize::MAX }) {
            self.go_module(&word.text, word.line);
        }
    }

    /// `path@version`; the path may lead into the module.
    fn go_module(&mut self, text: &str, line: u32) {
        let (path, version) = text.split_once('@').map_or((text, None), |(path, version)| (path, Some(version)));
        let path = path.trim_end_matches("/...");
        let mut module = path;
        let is_known = |name: &str| self.source.catalogue.by_package(&Package::new(Ecosystem::Go, name)).is_some();
        while !is_known(module) {
            let Some((before, _)) = module.rsplit_once('/') else {
                module = path;
                break;
            };
            module = before;
        }
        if module.contains('.') && !module.starts_with('.') {
            let request = version.map_or_else(|| floating("*"), |version| request(Ecosystem::Go, version));
            self.package(Ecosystem::Go, module, request, line);
        }
    }

    fn gem(&mut self, arguments: &[Word]) {
        const WITH_WORD: [&str; 12] = [
            "-v",
            "--version",
            "-i",
            "--install-dir",
            "-n",
            "--bindir",
            "-s",
            "--source",
            "-P",
            "--trust-policy",
            "--platform",
            "-g",
        ];
        let Some((verb, rest)) = arguments.split_first() else { return };
        if !matches!(verb.text.as_str(), "install" | "i" | "update" | "exec") {
            return;
        }
        let version = value_of(rest, &["-v", "--version"]);
        for word in positional(rest, &WITH_WORD) {
            let (name, at) = word.text.split_once(':').map_or((word.text.as_str(), None), |(name, at)| (name, Some(at)));
            let request = at.or(version).map_or_else(|| floating("*"), |version| request(Ecosystem::Gem, version));
            self.package(Ecosystem::Gem, name, request, word.line);
        }
    }

    fn brew(&mut self, arguments: &[Word]) {
        let at = arguments.iter().position(|word| !word.text.starts_with('-')).unwrap_or(arguments.len());
        let Some((verb, rest)) = arguments[at..].split_first() else { return };
        let has = |option: &str| arguments.iter().any(|word| word.text == option);
        if matches!(verb.text.as_str(), "install" | "reinstall" | "upgrade" | "fetch" | "cask") {
            for word in positional(rest, &["--appdir", "--language", "--cc"]) {
                self.homebrew(&word.text, has("--cask") || has("--casks"), has("--formula"), word.line);
            }
        }
    }

    /// A token of Homebrew, with or without its tap.
    pub(super) fn homebrew(&mut self, token: &str, is_cask: bool, is_formula: bool, line: u32) {
        let token = token.rsplit('/').next().unwrap_or(token);
        let kinds = [("formula", !is_cask), ("cask", !is_formula)];
        for (kind, _) in kinds.into_iter().filter(|(_, is_meant)| *is_meant) {
            let name = format!("{kind}:{token}");
            if self.source.catalogue.by_package(&Package::new(Ecosystem::Brew, &name)).is_some() {
                return self.package(Ecosystem::Brew, &name, floating("*"), line);
            }
        }
    }

    fn editor(&mut self, arguments: &[Word]) {
        for (at, word) in arguments.iter().enumerate() {
            let extension = match word.text.strip_prefix("--install-extension") {
                Some("") => arguments.get(at + 1),
                Some(rest) if rest.starts_with('=') => Some(word),
                _ => continue,
            };
            let Some(extension) = extension else { continue };
            self.extension(extension.text.strip_prefix("--install-extension=").unwrap_or(&extension.text), extension.line);
        }
    }

    /// `publisher.name`, with or without `@version`.
    pub(super) fn extension(&mut self, text: &str, line: u32) {
        if let Some((name, request)) = extension(text) {
            self.package(Ecosystem::VsCode, &name, request, line);
        }
    }

    fn version_manager(&mut self, arguments: &[Word]) {
        let at = arguments.iter().position(|word| !word.text.starts_with('-')).unwrap_or(arguments.len());
        let Some((verb, rest)) = arguments[at..].split_first() else { return };
        if matches!(verb.text.as_str(), "use" | "install" | "i" | "u" | "exec" | "x" | "upgrade" | "up") {
            for word in positional(rest, &["-C", "--cd", "-e", "--env", "-p", "--path", "-j", "--jobs"]) {
                self.managed(&word.text, None, word.line);
            }
        }
    }

    /// A tool as mise names it: `npm:package@version`, `pipx:...`, `cargo:...`, `go:...`, `gem:...`. The version may stand apart.
    pub(super) fn managed(&mut self, text: &str, version: Option<&str>, line: u32) {
        // Options of a tool stand in brackets behind its name.
        let text = text.split('[').next().unwrap_or(text);
        let (word, at) = text.rsplit_once('@').filter(|(word, _)| !word.is_empty()).unwrap_or((text, "*"));
        if let Some(tool) = self.source.catalogue.tools().iter().find(|tool| tool.mise.iter().any(|name| name == word)) {
            let request = version_of(tool.scheme(), version.unwrap_or(at));
            let package = Package::new(Ecosystem::Generic, &format!("mise/{word}"));
            let id = tool.id.clone();
            return self.add(id, package, request, line);
        }
        let Some((backend, name)) = text.split_once(':') else { return };
        let with = |separator: &str| version.map_or_else(|| name.to_owned(), |version| format!("{name}{separator}{version}"));
        let (bare, at) = name.rsplit_once('@').filter(|(bare, _)| !bare.is_empty()).unwrap_or((name, "*"));
        let asked = version.unwrap_or(at);
        match backend {
            "npm" => self.npm(&with("@"), line),
            "pipx" => {
                self.package(Ecosystem::Pypi, bare.split('[').next().unwrap_or(bare), request(Ecosystem::Pypi, asked), line);
            }
            "cargo" => self.package(Ecosystem::Cargo, bare, request(Ecosystem::Cargo, asked), line),
            "gem" => self.package(Ecosystem::Gem, bare, request(Ecosystem::Gem, asked), line),
            "go" => {
                let version =
                    if asked.starts_with(|c: char| c.is_ascii_digit()) { format!("v{asked}") } else { asked.to_owned() };
                self.go_module(&format!("{bare}@{version}"), line);
            }
            _ => {}
        }
    }

    /// `nix run nixpkgs#name`, `nix-shell -p name`, `devbox add name@version`.
    fn nixpkgs(&mut self, program: &str, arguments: &[Word]) {
        let is_shell = matches!(program, "nix-shell" | "nix-env");
        for word in arguments {
            if word.text == "--" || word.text == "-c" || word.text == "--command" || word.text == "--run" {
                break;
            }
            let name = match program {
                "nix" => word.text.split_once('#').filter(|(flake, _)| flake.contains("nixpkgs")).map(|(_, name)| name),
                "devbox" => Some(word.text.as_str()),
                _ => Some(word.text.rsplit('.').next().unwrap_or(&word.text)),
            };
            if let Some(name) = name {
                let (name, version) = name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)));
                self.nix(name, version, word.line);
            }
        }
        let run = is_shell.then(|| value_of(arguments, &["--run", "--command"])).flatten();
        if let Some(script) = run {
            let line = arguments.first().map_or(1, |word| word.line);
            self.inner(|reader| reader.script(script, line));
        }
    }

    /// An attribute of nixpkgs: which version it is only the revision of nixpkgs tells.
    pub(super) fn nix(&mut self, attribute: &str, version: Option<&str>, line: u32) {
        let tools = self.source.catalogue.tools();
        let Some(tool) = tools.iter().find(|tool| tool.nix.iter().any(|name| name == attribute)) else { return };
        let request = version.map_or_else(|| floating("nixpkgs"), |version| version_of(tool.scheme(), version));
        let id = tool.id.clone();
        self.add(id, Package::new(Ecosystem::Generic, &format!("nixpkgs/{attribute}")), request, line);
    }

    /// A vendor's installer, fetched to be run. The shell that reads it may be given a version.
    pub(super) fn download(&mut self, arguments: &[Word], feeds: Option<&[Word]>) {
        // `-I` may stand among other letters: `curl -sI`.
        let only_asks = |word: &Word| {
            let letters = word.text.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
            let is_head = letters
                .is_some_and(|letters| letters.ends_with('I') && letters.bytes().all(|letter| b"sSfLkvigI".contains(&letter)));
            is_head || matches!(word.text.as_str(), "--head" | "/dev/null" | "--spider")
        };
        if arguments.iter().any(only_asks) {
            return;
        }
        for word in arguments {
            let address = word.text.strip_prefix("--url=").unwrap_or(&word.text);
            if npm::tarball(address).is_some() {
                self.npm(address, word.line);
            }
            let Some((tool, place)) = self.source.catalogue.by_installer(address) else { continue };
            let given = feeds.filter(|words| program::is_shell(words)).unwrap_or_default();
            let scheme = tool.scheme();
            let is_version = |text: &str| Version::parse(scheme, text).is_ordered();
            let words = || given.iter().skip(1).map(|word| word.text.as_str());
            let request = if let Some(version) = words().find(|text| is_version(text)) {
                Request::Exact(Version::parse(scheme, version))
            } else {
                let is_argument = |text: &&str| !text.is_empty() && !text.starts_with(['-', '<', '$', '`', '/']);
                let behind = words().skip_while(|text| !text.starts_with("-s"));
                floating(behind.skip(1).find(is_argument).unwrap_or(address))
            };
            let package = Package::new(Ecosystem::Generic, &place);
            let id = tool.id.clone();
            self.add(id, package, request, word.line);
        }
    }

    /// What a word names in an ecosystem that stands before it: `pypi`, `docker`.
    pub(super) fn of_ecosystem(&mut self, ecosystem: Ecosystem, text: &str, line: u32) {
        match ecosystem {
            Ecosystem::Npm => self.npm(text, line),
            Ecosystem::Pypi => {
                if let Some((name, request)) = requirement(text) {
                    self.package(ecosystem, &name, request, line);
                }
            }
            Ecosystem::Docker => {
                if let Some((name, request)) = image(text) {
                    self.package(ecosystem, &name, request, line);
                }
            }
            Ecosystem::VsCode => self.extension(text, line),
            Ecosystem::JetBrains => self.package(ecosystem, text, floating("*"), line),
            Ecosystem::Go => self.go_module(text, line),
            Ecosystem::Brew => match text.split_once(':') {
                Some((kind, token)) => self.homebrew(token, kind == "cask", kind == "formula", line),
                None => self.homebrew(text, false, false, line),
            },
            Ecosystem::Cargo => {
                let (name, version) = text.split_once('@').unwrap_or((text, "*"));
                self.package(ecosystem, name, request(ecosystem, version), line);
            }
            _ => {}
        }
    }
}

/// An extension, and what is asked for.
pub(in crate::gather::repository) fn extension(text: &str) -> Option<(String, Request)> {
    let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !name.contains('.') || !name.chars().all(is_plain) {
        return None;
    }
    Some((name.to_owned(), version.map_or_else(|| floating("*"), |version| request(Ecosystem::VsCode, version))))
}

/// An exact version where the order of versions can read it, else what lets the next run choose.
pub(super) fn version_of(scheme: Scheme, text: &str) -> Request {
    let version = Version::parse(scheme, text);
    if version.is_ordered() { Request::Exact(version) } else { floating(text) }
}

/// The words that are neither options nor what these options take.
fn positional<'w>(words: &'w [Word], with_word: &[&str]) -> Vec<&'w Word> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word.text == "--" {
            break;
        }
        if with_word.contains(&word.text.as_str()) {
            at += 1;
        } else if !word.text.starts_with('-') {
            found.push(word);
        }
        at += 1;
    }
    found
}

/// The word behind one of these options, or behind its `=`.
fn value_of<'w>(words: &'w [Word], names: &[&str]) -> Option<&'w str> {
    words.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| match word.text.strip_prefix(name)? {
            "" => Some(words.get(at + 1)?.text.as_str()),
            rest => rest.strip_prefix('='),
        })
    })
}
