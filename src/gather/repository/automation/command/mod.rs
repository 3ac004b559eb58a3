//! What a shell command installs or runs. Scripts, workflows, images, tasks and MCP configurations all say it in these words.
//!
//! A command names a package and, mostly, no version: then the next run chooses. Variables are not expanded: the version `$V` is one that
//! this file does not say. Packages that no catalogue knows are of interest only where an MCP client starts them.

mod container;
mod javascript;
mod other;
mod program;
mod python;
mod script;
mod variables;

#[cfg(test)]
pub(in crate::gather::repository) use script::commands;
use script::{Command, Word};
pub(in crate::gather::repository) use variables::Variables;

use super::super::document::{Lines, Node, clipped};
use super::super::{MAX_MENTIONS, Source};
use crate::catalogue::Tool;
use crate::evidence::{Integrity, Mention, Request, Role};
use crate::tool::{Ecosystem, Package, ToolId};
use crate::version::Version;
use program::Started;
use std::borrow::Cow;

/// What the commands of a script install or run, the script's first line being line `first_line` of its file.
pub(in crate::gather::repository) fn mentions_in(source: &Source<'_>, text: &str, first_line: u32) -> Vec<Mention> {
    mentions_with(source, text, first_line, &Variables::default())
}

/// [`mentions_in`] with variables that are set elsewhere in the file.
pub(in crate::gather::repository) fn mentions_with(
    source: &Source<'_>,
    text: &str,
    first_line: u32,
    variables: &Variables,
) -> Vec<Mention> {
    let mut reader = Reader::new(source, Role::Command);
    reader.variables = variables.clone();
    // Shells leave such bytes out.
    let text = if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) };
    reader.script(&text, first_line);
    reader.found
}

/// What the script that a value of a document holds installs or runs.
pub(in crate::gather::repository) fn mentions_in_node(source: &Source<'_>, node: &Node<'_>) -> Vec<Mention> {
    mentions_in_node_with(source, node, &Variables::default())
}

/// [`mentions_in_node`] with variables that are set elsewhere in the document.
pub(in crate::gather::repository) fn mentions_in_node_with(
    source: &Source<'_>,
    node: &Node<'_>,
    variables: &Variables,
) -> Vec<Mention> {
    let text = node.text().unwrap_or_default();
    let mut found = mentions_with(source, text, node.line, variables);
    settle(source, node, &mut found);
    found
}

/// What stands on a line of a text that is no line of the file, because the document writes `\n` for it or folds lines, is where
/// the text begins.
pub(in crate::gather::repository) fn settle(source: &Source<'_>, node: &Node<'_>, found: &mut [Mention]) {
    let text = node.text().unwrap_or_default();
    if found.is_empty() || !text.trim_end().contains('\n') {
        return;
    }
    let file = String::from_utf8_lossy(source.bytes);
    let lines = Lines::of(&file);
    for mention in found {
        let of_text =
            mention.location.line.and_then(|line| text.lines().nth(usize::try_from(line.checked_sub(node.line)?).ok()?));
        let of_file = lines.line(&file, mention.location.line);
        if of_text.map(str::trim) != of_file.map(str::trim) {
            mention.location.line = Some(node.line);
        }
    }
}

/// What a command that is given as its words installs or runs, for example `command` and `args` of an MCP server. With
/// [`Role::Server`] a package that no catalogue knows is a tool of its own.
pub(in crate::gather::repository) fn mentions_of_words(
    source: &Source<'_>,
    words: &[&str],
    line: u32,
    role: &Role,
) -> Vec<Mention> {
    let words: Vec<Word> = words.iter().map(|text| Word { text: (*text).to_owned(), line, is_substituted: false }).collect();
    let mut reader = Reader::new(source, role.clone());
    reader.command(&words, None);
    // A word that is a script may have lines that the file has not.
    reader.found.iter_mut().for_each(|mention| mention.location.line = Some(line));
    reader.found
}

/// What a package of an ecosystem is, written as its own commands write it: `aider-chat==0.86.2`, `ghcr.io/a/b:1`.
pub(in crate::gather::repository) fn mentions_of_package(
    source: &Source<'_>,
    ecosystem: Ecosystem,
    text: &str,
    line: u32,
    role: &Role,
) -> Vec<Mention> {
    let mut reader = Reader::new(source, role.clone());
    reader.of_ecosystem(ecosystem, text, line);
    reader.found
}

/// A tool as mise and asdf name it, with its version.
pub(in crate::gather::repository) fn mentions_of_managed(
    source: &Source<'_>,
    name: &str,
    version: Option<&str>,
    line: u32,
) -> Vec<Mention> {
    let mut reader = Reader::new(source, Role::Command);
    reader.managed(name, version, line);
    reader.found
}

/// A package of nixpkgs, with its version where one is asked for.
pub(in crate::gather::repository) fn mentions_of_nix(
    source: &Source<'_>,
    attribute: &str,
    version: Option<&str>,
    line: u32,
) -> Vec<Mention> {
    let mut reader = Reader::new(source, Role::Command);
    reader.nix(attribute, version, line);
    reader.found
}

/// An exact version, or what lets the next run choose.
pub(in crate::gather::repository) fn request(ecosystem: Ecosystem, text: &str) -> Request {
    let version = Version::parse(ecosystem.scheme(), text);
    if version.is_ordered() && text.trim_start().starts_with(['v', 'V', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return Request::Exact(version);
    }
    floating(text)
}

/// What lets the next run choose, as written.
pub(in crate::gather::repository) fn floating(text: &str) -> Request {
    Request::Floating { text: clipped(text), locked: false }
}

/// Reads commands, and commands in commands.
struct Reader<'s, 'a> {
    source: &'s Source<'a>,
    role: Role,
    depth: usize,
    found: Vec<Mention>,
    variables: Variables,
}

impl<'s, 'a> Reader<'s, 'a> {
    fn new(source: &'s Source<'a>, role: Role) -> Self {
        Self { source, role, depth: 0, found: Vec::new(), variables: Variables::default() }
    }
}

impl Reader<'_, '_> {
    fn script(&mut self, text: &str, first_line: u32) {
        self.commands(&script::split(text, first_line, self.depth));
    }

    fn commands(&mut self, commands: &[Command]) {
        for command in commands {
            // So many are said to be too many; what more there is says nothing new.
            if self.found.len() > MAX_MENTIONS {
                return;
            }
            self.variables.learn(&command.assignments, &command.words);
            let before = self.found.len();
            self.command(&command.words, command.feeds.as_deref());
            for reading in self.variables.readings(&command.words) {
                let own = self.found.len();
                self.command(&reading, command.feeds.as_deref());
                self.forget_repeated(before, own);
            }
        }
    }

    /// Leave out of what was found from `own` on what was found from `before` on already.
    fn forget_repeated(&mut self, before: usize, own: usize) {
        let more = self.found.split_off(own);
        for mention in more {
            if !self.found[before..].contains(&mention) {
                self.found.push(mention);
            }
        }
    }

    /// A command in a command: in the script of a `sh -c`, behind a program that runs another one.
    fn inner(&mut self, read: impl FnOnce(&mut Self)) {
        if self.depth < script::DEEPEST {
            self.depth += 1;
            read(self);
            self.depth -= 1;
        }
    }

    fn command(&mut self, words: &[Word], feeds: Option<&[Word]>) {
        let words = match program::started(words) {
            Started::Program(words) => words,
            Started::Script(word) => return self.inner(|reader| reader.commands(&script::split_word(word, reader.depth))),
            Started::Nothing => return,
        };
        let Some((first, arguments)) = words.split_first() else { return };
        // Half of all file systems do not tell `NPX` from `npx`; corepack takes `pnpm@9` for pnpm.
        let name = program::name(&first.text).to_ascii_lowercase();
        let name = name.split_once('@').map_or(name.as_str(), |(program, _)| program);
        let started_at = self.found.len();
        match name {
            "npm" | "npx" | "pnpm" | "pnpx" | "yarn" | "yarnpkg" | "bun" | "bunx" | "deno" | "volta" | "ni" | "nlx" => {
                self.javascript(name, arguments);
            }
            "uv" | "uvx" | "pipx" | "poetry" | "pdm" | "pipenv" | "rye" | "hatch" => self.python(name, arguments),
            _ if python::is_pip(name) => self.pip(arguments),
            _ if python::is_interpreter(name) => self.interpreter(arguments),
            "docker" | "podman" | "nerdctl" => self.container(arguments),
            "docker-compose" | "podman-compose" => self.compose(arguments),
            "concurrently" | "conc" => self.side_by_side(arguments),
            "find" => self.of_find(arguments),
            "curl" | "wget" | "irm" | "iwr" | "invoke-restmethod" | "invoke-webrequest" => self.download(arguments, feeds),
            _ => self.other(name, arguments),
        }
        // `mise x -- command`, `nix shell ... -c command`.
        if matches!(name, "mise" | "rtx" | "nix" | "devbox" | "flox")
            && let Some(at) = arguments.iter().position(|word| matches!(word.text.as_str(), "--" | "-c" | "--command"))
        {
            self.inner(|reader| reader.command(&arguments[at + 1..], None));
        }
        // `<tool> mcp add <name> -- <command>` has a client start it as a server.
        if let [word, verb, rest @ ..] = arguments
            && (word.text.as_str(), verb.text.as_str()) == ("mcp", "add")
            && let Some(at) = rest.iter().position(|word| word.text == "--")
        {
            let server = rest[..at].iter().rfind(|word| !word.text.starts_with('-'));
            let role = Role::Server(server.map(|word| clipped(&word.text)).unwrap_or_default());
            let before = std::mem::replace(&mut self.role, role);
            self.inner(|reader| reader.command(&rest[at + 1..], None));
            self.role = before;
        } else if let Some(at) = arguments.iter().position(|word| word.text == "--")
            && !program::takes_dashes(name)
            && arguments.get(at + 1).is_some_and(program::is_launcher)
        {
            // `kubectl exec pod -- npx ...`, `varlock run -- npx ...`.
            self.inner(|reader| reader.command(&arguments[at + 1..], None));
        }
        if matches!(self.role, Role::Server(_)) {
            self.started_by_server(arguments, started_at);
        }
    }

    /// What a server starts in its turn: bridges, inspectors and wrappers take a whole command line. Only tools that are known count,
    /// because a word that is called like a program may be anything.
    fn started_by_server(&mut self, arguments: &[Word], before: usize) {
        let own = self.found.len();
        if let Some(at) = arguments.iter().position(program::is_launcher) {
            self.inner(|reader| reader.command(&arguments[at..], None));
        }
        let is_line = |word: &&Word| word.text.split_once(' ').is_some_and(|(first, _)| program::launches(first));
        if let Some(word) = arguments.iter().find(is_line) {
            self.inner(|reader| reader.script(&word.text, word.line));
        }
        let catalogue = self.source.catalogue;
        let more = self.found.split_off(own);
        let same = |one: &Mention, other: &Mention| one.package == other.package && one.request == other.request;
        for mention in more {
            let is_known =
                mention.tool != ToolId::of_package(&mention.package) || catalogue.by_package(&mention.package).is_some();
            if is_known && !self.found[before..].iter().any(|found| same(found, &mention)) {
                self.found.push(mention);
            }
        }
    }

    /// Every word that has a space is a command of its own.
    fn side_by_side(&mut self, arguments: &[Word]) {
        for word in arguments.iter().filter(|word| word.text.contains(' ')) {
            self.inner(|reader| reader.script(&word.text, word.line));
        }
    }

    fn of_find(&mut self, arguments: &[Word]) {
        let runs = |word: &Word| matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
        if let Some(at) = arguments.iter().position(runs) {
            let rest = &arguments[at + 1..];
            let end = rest.iter().position(|word| matches!(word.text.as_str(), ";" | "+")).unwrap_or(rest.len());
            self.inner(|reader| reader.command(&rest[..end], None));
        }
    }

    /// The tool that a package is; as a server any package is one.
    fn tool_of(&self, package: &Package) -> Option<Tool> {
        let known = self.source.catalogue.by_package(package).cloned();
        known.or_else(|| matches!(self.role, Role::Server(_)).then(|| Tool::unknown(ToolId::of_package(package))))
    }

    /// A package of this ecosystem, where it is a tool.
    fn package(&mut self, ecosystem: Ecosystem, name: &str, request: Request, line: u32) {
        let package = Package::new(ecosystem, name);
        if let Some(tool) = self.tool_of(&package) {
            self.add(tool.id, package, request, line);
        }
    }

    fn add(&mut self, tool: ToolId, package: Package, request: Request, line: u32) {
        // One more than a file may make, so that it is said.
        if self.found.len() <= MAX_MENTIONS {
            let mention = mention(self.source, tool, package, request, line, self.role.clone());
            self.found.push(mention);
        }
    }
}

/// A mention of a line of a file.
pub(in crate::gather::repository) fn mention(
    source: &Source<'_>,
    tool: ToolId,
    package: Package,
    request: Request,
    line: u32,
    role: Role,
) -> Mention {
    Mention {
        tool,
        package,
        request,
        integrity: Integrity::none(),
        location: source.at(Some(line)),
        brought_by: Vec::new(),
        role,
        quote: None,
    }
}
