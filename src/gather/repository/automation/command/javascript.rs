//! npm, pnpm, yarn, bun and their kin: what they install, and what they fetch and run at once.

use super::program::options;
use super::{Reader, Word};
use crate::catalogue::Tool;
use crate::evidence::Role;
use crate::gather::repository::javascript::npm;
use crate::tool::{Ecosystem, Package, ToolId};

/// Options of any of them that take the next word.
const WITH_WORD: &[&str] = &[
    "--prefix",
    "--registry",
    "-C",
    "--dir",
    "--cwd",
    "--workspace",
    "--filter",
    "-F",
    "--loglevel",
    "--userconfig",
    "--cache",
    "--tag",
    "--omit",
    "--include",
    "--node-options",
    "--shell",
    "--scope",
    "--otp",
    "--script-shell",
    "--reporter",
    "--store-dir",
    "--global-dir",
    "--config",
    "--backend",
    "--allow-build",
    "--modules-folder",
    "--mutex",
];
/// What names a package, before the verb too.
const PACKAGE: [&str; 2] = ["--package", "-p"];
/// npm's own words for installing; a package that is packed is fetched to be installed.
const INSTALL: [&str; 18] = [
    "pack", "install", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta", "isntal", "isntall", "add", "a", "update",
    "up", "upgrade", "udpate",
];

impl Reader<'_, '_> {
    pub(super) fn javascript(&mut self, program: &str, arguments: &[Word]) {
        match program {
            "npx" | "bunx" | "pnpx" | "nlx" => return self.run(arguments),
            "deno" => return self.deno(arguments),
            "ni" => return self.install(program, arguments),
            _ => {}
        }
        // `pnpm --package=name dlx command`
        let before = arguments;
        let arguments = &arguments[options(arguments, &[WITH_WORD, &PACKAGE].concat())..];
        let Some((verb, rest)) = arguments.split_first() else { return };
        if matches!(verb.text.as_str(), "dlx" | "exec" | "x") {
            self.packages(&before[..before.len() - arguments.len()]);
        }
        match (program, verb.text.as_str()) {
            ("yarn" | "yarnpkg", "workspace") => {
                self.inner(|reader| reader.javascript(program, rest.get(1..).unwrap_or_default()));
            }
            ("npm", "exec" | "x") | ("pnpm" | "yarn" | "yarnpkg", "dlx") | ("bun", "x") => self.run(rest),
            ("yarn" | "yarnpkg", "global") | ("volta", "install" | "pin") => {
                let rest = if program == "volta" { rest } else { rest.get(1..).unwrap_or_default() };
                self.install(program, rest);
            }
            ("volta", "run") => {
                let rest = &rest[options(rest, &["--node", "--npm", "--yarn", "--pnpm"])..];
                self.inner(|reader| reader.command(rest, None));
            }
            ("yarn" | "yarnpkg", "install") => {}
            ("npm" | "pnpm" | "yarn" | "yarnpkg" | "bun", verb) if INSTALL.contains(&verb) => self.install(program, rest),
            // A package of the project's own that runs another command.
            ("npm" | "pnpm" | "bun" | "yarn" | "yarnpkg", "exec" | "run") => {
                let rest = &rest[options(rest, WITH_WORD)..];
                if rest.first().is_some_and(|word| matches!(word.text.as_str(), "cross-env" | "dotenv" | "env-cmd" | "npx")) {
                    self.inner(|reader| reader.command(rest, None));
                }
            }
            _ => {}
        }
    }

    /// Packages that are named by options alone. Returns whether there is one.
    fn packages(&mut self, arguments: &[Word]) -> bool {
        let mut is_named = false;
        for (at, word) in arguments.iter().enumerate() {
            let text = word.text.as_str();
            let behind = text.strip_prefix("--package=").or_else(|| text.strip_prefix("-p="));
            let next = matches!(text, "-p" | "--package").then(|| arguments.get(at + 1)).flatten();
            if let Some(package) = behind.or(next.map(|word| word.text.as_str())) {
                is_named = true;
                self.npm(package, word.line);
            }
        }
        is_named
    }

    /// Every word that is no option is a package.
    fn install(&mut self, program: &str, arguments: &[Word]) {
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            // pnpm and yarn mean the root of the workspace by `-w`, npm a workspace by its name.
            if WITH_WORD.contains(&word.text.as_str()) || (program, word.text.as_str()) == ("npm", "-w") {
                at += 1;
            } else if !word.text.starts_with('-') {
                self.npm(&word.text, word.line);
            }
            at += 1;
        }
    }

    /// `npx [-y] [-p package]... command`: the first word is the package, unless packages are named.
    fn run(&mut self, arguments: &[Word]) {
        let mut is_named = false;
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            let text = word.text.as_str();
            let next = arguments.get(at + 1);
            if let Some(package) = text.strip_prefix("--package=").or_else(|| text.strip_prefix("-p=")) {
                is_named = true;
                self.npm(package, word.line);
            } else if matches!(text, "-p" | "--package") {
                is_named = true;
                if let Some(package) = next {
                    self.npm(&package.text, package.line);
                }
                at += 1;
            } else if matches!(text, "-c" | "--call") {
                if let Some(script) = next {
                    self.inner(|reader| reader.script(&script.text, script.line));
                }
                at += 1;
            } else if let Some(script) = text.strip_prefix("--call=") {
                self.inner(|reader| reader.script(script, word.line));
            } else if WITH_WORD.contains(&text) {
                at += 1;
            } else if !text.starts_with('-') {
                if !is_named {
                    self.npm(text, word.line);
                }
                // `npx cross-env A=b npx ...` runs what stands behind.
                if matches!(text, "cross-env" | "cross-env-shell" | "dotenv" | "env-cmd" | "dotenvx" | "retry" | "concurrently") {
                    self.inner(|reader| reader.command(&arguments[at..], None));
                }
                return;
            }
            at += 1;
        }
    }

    fn deno(&mut self, arguments: &[Word]) {
        let verbs = ["run", "install", "i", "x", "add", "cache", "serve"];
        if !arguments.first().is_some_and(|word| verbs.contains(&word.text.as_str())) {
            return;
        }
        for word in arguments {
            if let Some(package) = word.text.strip_prefix("npm:") {
                let package = package.strip_prefix('/').unwrap_or(package);
                // A path into the package may stand behind its version.
                let scope = if package.starts_with('@') { package.find('/').map_or(0, |at| at + 1) } else { 0 };
                let end = package[scope..].find('/').map_or(package.len(), |at| scope + at);
                self.npm(&package[..end], word.line);
            }
        }
    }

    /// A package as npm writes it: `name`, `name@range`, `alias@npm:name@range`, the address of a tarball.
    pub(super) fn npm(&mut self, text: &str, line: u32) {
        let (name, range) = npm::split_version(text);
        let is_address = text.contains("://");
        let asked =
            if is_address { npm::asked(self.source.catalogue, "", text) } else { npm::asked(self.source.catalogue, name, range) };
        if let Some((known, request)) = asked {
            let (tool, package) = (known.tool.id.clone(), known.package);
            return self.add(tool, package, request, line);
        }
        if !matches!(self.role, Role::Server(_)) || is_address || text.starts_with(['.', '/', '~']) {
            return;
        }
        let (name, range) = match range.strip_prefix("npm:") {
            Some(behind) => npm::split_version(behind),
            None => (name, range),
        };
        // `owner/name` without a scope is a repository, and no package.
        if name.is_empty() || (name.contains('/') && !name.starts_with('@')) || name.contains('$') {
            return;
        }
        let package = Package::new(Ecosystem::Npm, name);
        let tool = Tool::unknown(ToolId::of_package(&package));
        let request = npm::request(&tool, range);
        self.add(tool.id, package, request, line);
    }
}
