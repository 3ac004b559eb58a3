//! pip, pipx, uv and their kin: what they install, and what they fetch and run at once.

use super::program::options;
use super::{Reader, Word, floating, request};
use crate::evidence::Request;
use crate::gather::repository::document::clipped;
use crate::tool::Ecosystem;

/// Options of any of them that take the next word.
const WITH_WORD: &[&str] = &[
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-e",
    "--editable",
    "-t",
    "--target",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--prefix",
    "--root",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "--trusted-host",
    "--proxy",
    "--cache-dir",
    "--log",
    "--timeout",
    "--retries",
    "--cert",
    "--client-cert",
    "--src",
    "--progress-bar",
    "--only-binary",
    "--no-binary",
    "--upgrade-strategy",
    "--report",
    "--exists-action",
    "--config-settings",
    "--index",
    "--default-index",
    "--keyring-provider",
    "--python",
    "-p",
    "--pip-args",
    "--suffix",
    "--backend",
    "--fetch-python",
    "--directory",
    "--project",
    "--config-file",
    "--extra",
    "--group",
    "--optional",
    "--branch",
    "--tag",
    "--rev",
    "--package",
    "--env-file",
    "--with-requirements",
    "--with-editable",
    "--refresh-package",
    "--reinstall-package",
    "--upgrade-package",
    "-P",
    "--link-mode",
    "--resolution",
    "--prerelease",
    "--exclude-newer",
    "--color",
    "--index-strategy",
    "--source",
    "-G",
    "--build-constraint",
    "--override",
    "--overrides",
    "--constraints",
    "--torch-backend",
    "--exclude-newer-package",
    "-E",
    "-m",
    "--module",
    "--marker",
    "--bounds",
    "--isolated-env",
];

/// Whether a program is pip: `pip`, `pip3`, `pip3.12`.
pub(super) fn is_pip(name: &str) -> bool {
    name.strip_prefix("pip").is_some_and(is_version)
}

/// Whether a program is a Python interpreter.
pub(super) fn is_interpreter(name: &str) -> bool {
    name == "py" || name == "pypy3" || name.strip_prefix("python").is_some_and(is_version)
}

fn is_version(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

impl Reader<'_, '_> {
    pub(super) fn python(&mut self, program: &str, arguments: &[Word]) {
        if program == "uvx" {
            return self.uvx(arguments);
        }
        let arguments = &arguments[options(arguments, WITH_WORD)..];
        let Some((verb, rest)) = arguments.split_first() else { return };
        match (program, verb.text.as_str()) {
            ("uv", "x") => self.uvx(rest),
            ("uv", "tool") => match rest.split_first() {
                Some((verb, rest)) if matches!(verb.text.as_str(), "run") => self.uvx(rest),
                Some((verb, rest)) if matches!(verb.text.as_str(), "install" | "upgrade") => self.requirements(rest),
                _ => {}
            },
            ("uv", "pip") => self.pip(rest),
            ("uv", "run") => self.uv_run(rest),
            ("pipx", "run") => self.pipx_run(rest),
            ("pipx", "inject") => {
                let rest = &rest[options(rest, WITH_WORD)..];
                self.requirements(rest.get(1..).unwrap_or_default());
            }
            ("pipenv" | "pipx", "install" | "upgrade")
            | ("uv" | "poetry" | "pdm" | "rye", "add")
            | ("rye", "install")
            | ("poetry" | "pdm", "update") => self.requirements(rest),
            ("poetry" | "pdm" | "pipenv" | "rye" | "hatch", "run") => {
                let rest = &rest[options(rest, WITH_WORD)..];
                self.inner(|reader| reader.command(rest, None));
            }
            _ => {}
        }
    }

    /// `pip [options] install requirement...`
    pub(super) fn pip(&mut self, arguments: &[Word]) {
        let arguments = &arguments[options(arguments, WITH_WORD)..];
        if let Some((verb, rest)) = arguments.split_first()
            && matches!(verb.text.as_str(), "install" | "download" | "wheel")
        {
            self.requirements(rest);
        }
    }

    /// `python -m pip ...`, `-m pipx`, `-m uv`.
    pub(super) fn interpreter(&mut self, arguments: &[Word]) {
        let Some(at) = arguments.iter().position(|word| word.text == "-m" || !word.text.starts_with('-')) else { return };
        let Some((module, rest)) = arguments.get(at + 1..).and_then(<[Word]>::split_first) else { return };
        match (arguments[at].text.as_str(), module.text.as_str()) {
            ("-m", "pip") => self.pip(rest),
            ("-m", program @ ("pipx" | "uv" | "poetry" | "pdm" | "pipenv")) => self.python(program, rest),
            _ => {}
        }
    }

    /// Every word that is no option is a requirement; `--with` and `--from` bring more.
    fn requirements(&mut self, arguments: &[Word]) {
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            if let Some(taken) = self.bringing(&arguments[at..]) {
                at += taken;
                continue;
            }
            let text = word.text.as_str();
            if WITH_WORD.contains(&text) {
                at += 1;
            } else if !text.starts_with('-') {
                // `name @ address` in three words is one requirement.
                if arguments.get(at + 1).is_some_and(|next| next.text == "@") {
                    let address = arguments.get(at + 2).map(|word| word.text.as_str()).unwrap_or_default();
                    self.requirement(&format!("{text} @ {address}"), word.line);
                    at += 2;
                } else {
                    self.requirement(text, word.line);
                }
            }
            at += 1;
        }
    }

    /// `--with a,b`, `--from a`, `--spec a`, with or without `=`. Returns how many words that was.
    fn bringing(&mut self, arguments: &[Word]) -> Option<usize> {
        let word = arguments.first()?;
        for option in ["--with", "-w", "--from", "--spec"] {
            let (list, taken) = match word.text.strip_prefix(option) {
                Some("") => (arguments.get(1)?, 2),
                Some(rest) if rest.starts_with('=') && option != "-w" => (word, 1),
                _ => continue,
            };
            let text = if taken == 1 { &word.text[option.len() + 1..] } else { &list.text };
            if option == "--with" || option == "-w" {
                let line = list.line;
                text.split(',').for_each(|part| self.requirement(part, line));
            } else {
                self.requirement(text, list.line);
            }
            return Some(taken);
        }
        None
    }

    /// `uvx [--from package] [--with packages] command`: the first word is the package, unless one is named.
    fn uvx(&mut self, arguments: &[Word]) {
        let mut is_named = false;
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            let text = word.text.as_str();
            if let Some(taken) = self.bringing(&arguments[at..]) {
                is_named |= text.starts_with("--from");
                at += taken;
                continue;
            }
            if WITH_WORD.contains(&text) {
                at += 1;
            } else if !text.starts_with('-') {
                if !is_named {
                    self.requirement(text, word.line);
                }
                return;
            }
            at += 1;
        }
    }

    /// `uv run [--with packages] command`: the project's own environment, and what is brought.
    fn uv_run(&mut self, arguments: &[Word]) {
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            if let Some(taken) = self.bringing(&arguments[at..]) {
                at += taken;
                continue;
            }
            if WITH_WORD.contains(&word.text.as_str()) {
                at += 1;
            } else if !word.text.starts_with('-') {
                let rest = &arguments[at..];
                return self.inner(|reader| reader.command(rest, None));
            }
            at += 1;
        }
    }

    /// `pipx run [--spec package] command`.
    fn pipx_run(&mut self, arguments: &[Word]) {
        let mut is_named = false;
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            if let Some(taken) = self.bringing(&arguments[at..]) {
                is_named |= word.text.starts_with("--spec");
                at += taken;
                continue;
            }
            if WITH_WORD.contains(&word.text.as_str()) {
                at += 1;
            } else if !word.text.starts_with('-') {
                if !is_named {
                    self.requirement(&word.text, word.line);
                }
                return;
            }
            at += 1;
        }
    }

    fn requirement(&mut self, text: &str, line: u32) {
        if let Some((name, request)) = requirement(text) {
            self.package(Ecosystem::Pypi, &name, request, line);
        }
    }
}

/// A requirement (PEP 508), uv's `name@version`, or the address of a wheel: the distribution and what is asked for.
pub(in crate::gather::repository) fn requirement(text: &str) -> Option<(String, Request)> {
    let text = text.split(';').next()?.trim();
    if text.starts_with(['.', '/', '~', '-']) && !is_wheel(text) {
        return None;
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    if is_wheel(text) && (rest.starts_with(':') || rest.starts_with(['/', '+']) || rest.is_empty() || name.is_empty()) {
        return wheel(text);
    }
    if name.is_empty() {
        return None;
    }
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim_start(),
        None => rest,
    };
    if rest.is_empty() {
        return Some((name.to_owned(), floating("*")));
    }
    if let Some(address) = rest.strip_prefix('@') {
        let address = address.trim();
        if let Some((_, request)) = wheel(address) {
            return Some((name.to_owned(), request));
        }
        return Some((name.to_owned(), request(Ecosystem::Pypi, address)));
    }
    // `git+https://...`, `./folder`, `a/b` are no requirements by name.
    if !rest.starts_with(['=', '<', '>', '!', '~', '(', '^']) {
        return None;
    }
    let specifier = rest.trim_matches(['(', ')', ' ']);
    let exact = specifier.strip_prefix("===").or_else(|| specifier.strip_prefix("==")).map(str::trim);
    match exact {
        Some(version) if !version.contains(['*', ',']) => match request(Ecosystem::Pypi, version) {
            exact @ Request::Exact(_) => Some((name.to_owned(), exact)),
            Request::Floating { .. } => Some((name.to_owned(), floating(specifier))),
        },
        _ => Some((name.to_owned(), floating(specifier))),
    }
}

fn is_wheel(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or(text).to_ascii_lowercase();
    [".whl", ".tar.gz"].iter().any(|end| path.ends_with(end))
}

/// The distribution and version in the name of a wheel or a source distribution.
fn wheel(address: &str) -> Option<(String, Request)> {
    let path = address.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    let (name, version) = match file.strip_suffix(".whl") {
        Some(stem) => {
            let mut parts = stem.split('-');
            (parts.next()?, parts.next()?)
        }
        None => file.strip_suffix(".tar.gz")?.rsplit_once('-')?,
    };
    let version = version.replace("%2B", "+").replace("%2b", "+");
    match request(Ecosystem::Pypi, &version) {
        exact @ Request::Exact(_) => Some((clipped(name), exact)),
        Request::Floating { .. } => None,
    }
}
