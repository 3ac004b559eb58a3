//! What editors recommend and run: `.vscode/extensions.json`, `.vscode/tasks.json`, workspaces; and hooks of pre-commit.

use super::command::{mentions_in_node, mentions_of_package, mentions_of_words};
use crate::evidence::Role;
use crate::gather::repository::document::{Node, clipped, jsonc, toml, yaml};
use crate::gather::repository::{Format, Reading, Source, has_name};
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};
use std::path::Path;

/// Recommended extensions.
pub(in crate::gather::repository) const EXTENSIONS: Format =
    Format::named("extensions.json", |path| is_in_vscode(path, "extensions.json"), read_extensions);

/// Tasks.
pub(in crate::gather::repository) const TASKS: Format =
    Format::named("tasks.json", |path| is_in_vscode(path, "tasks.json"), read_tasks);

/// Workspaces: the same settings in one file.
pub(in crate::gather::repository) const WORKSPACE: Format = Format::named(
    "workspace",
    |path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("code-workspace")),
    read_workspace,
);

/// Hooks of pre-commit and prek.
pub(in crate::gather::repository) const PRE_COMMIT: Format = Format::named(
    "pre-commit configuration",
    |place| place.is_called(&[".pre-commit-config.yaml", ".pre-commit-config.yml", "prek.toml"]),
    read_pre_commit,
);

fn is_in_vscode(path: &Path, name: &str) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    has_name(path, &[name]) && folder.is_some_and(|folder| folder.eq_ignore_ascii_case(".vscode"))
}

fn read_json(source: &Source<'_>, read: impl Fn(&Node<'_>, &mut Reading)) -> Reading {
    // An empty file is one without settings.
    if source.bytes.iter().all(u8::is_ascii_whitespace) {
        return Reading::default();
    }
    match jsonc::parse(source.bytes) {
        Ok(root) => {
            let mut reading = Reading::default();
            read(&root, &mut reading);
            reading
        }
        Err(error) => Reading::unreadable(source, "JSON", &error),
    }
}

fn read_extensions(source: &Source<'_>) -> Reading {
    read_json(source, |root, reading| recommended(source, root, reading))
}

fn recommended(source: &Source<'_>, root: &Node<'_>, reading: &mut Reading) {
    let items = root.get("recommendations").map(Node::items).unwrap_or_default();
    extensions(source, items, reading);
}

/// Extensions by their ids. A `-` before one takes it away.
pub(in crate::gather::repository) fn extensions(source: &Source<'_>, items: &[Node], reading: &mut Reading) {
    for item in items {
        if let Some(id) = item.text().filter(|id| !id.starts_with('-')) {
            reading.mentions.extend(mentions_of_package(source, Ecosystem::VsCode, id, item.line, &Role::Extension));
        }
    }
}

fn read_tasks(source: &Source<'_>) -> Reading {
    read_json(source, |root, reading| tasks(source, root, reading))
}

fn tasks(source: &Source<'_>, root: &Node<'_>, reading: &mut Reading) {
    for task in std::iter::once(root).chain(root.get("tasks").map(Node::items).unwrap_or_default()) {
        for task in [Some(task), task.get("linux"), task.get("osx"), task.get("windows")].into_iter().flatten() {
            let Some(command) = task.get("command") else { continue };
            let text = |node: &Node<'_>| node.get("value").unwrap_or(node).text().map(str::to_owned);
            let arguments: Vec<String> = task.get("args").map(Node::items).unwrap_or_default().iter().filter_map(text).collect();
            let Some(program) = text(command) else { continue };
            if arguments.is_empty() {
                reading.mentions.extend(mentions_of_words(source, &["sh", "-c", &program], command.line, &Role::Command));
            } else {
                // A shell's task may have words of its own in the command.
                let words: Vec<&str> = program.split_whitespace().chain(arguments.iter().map(String::as_str)).collect();
                reading.mentions.extend(mentions_of_words(source, &words, command.line, &Role::Command));
            }
        }
    }
}

fn read_workspace(source: &Source<'_>) -> Reading {
    read_json(source, |root, reading| {
        if let Some(extensions) = root.get("extensions") {
            recommended(source, extensions, reading);
        }
        if let Some(node) = root.get("tasks") {
            tasks(source, node, reading);
        }
    })
}

fn read_pre_commit(source: &Source<'_>) -> Reading {
    // prek takes the same in TOML.
    let is_toml = has_name(source.path, &["prek.toml"]);
    let parsed = if is_toml { toml::parse(source.bytes) } else { yaml::parse(source.bytes) };
    let root = match parsed {
        Ok(root) => root,
        Err(error) => return Reading::unreadable(source, if is_toml { "TOML" } else { "YAML" }, &error),
    };
    let mut reading = Reading::default();
    for repository in root.get("repos").map(Node::items).unwrap_or_default() {
        hook_repository(source, repository, &mut reading);
        for hook in repository.get("hooks").map(Node::items).unwrap_or_default() {
            let language = hook.get("language").and_then(Node::text).unwrap_or_default();
            if let Some(entry) = hook.get("entry")
                && let Some(command) = entry.text()
                && !matches!(language, "pygrep" | "fail")
            {
                let image = matches!(language, "docker_image").then(|| command.split_whitespace().next()).flatten();
                match image {
                    Some(image) => {
                        let found = mentions_of_package(source, Ecosystem::Docker, image, entry.line, &Role::Container);
                        reading.mentions.extend(found);
                    }
                    None => reading.mentions.extend(mentions_in_node(source, entry)),
                }
            }
            for item in hook.get("additional_dependencies").map(Node::items).unwrap_or_default() {
                let Some(text) = item.text() else { continue };
                // Without a language here the hook's own repository says it: an npm name has a scope or an `@`.
                let ecosystem = match language {
                    "node" => Ecosystem::Npm,
                    "golang" => Ecosystem::Go,
                    "" if text.starts_with('@') || (text.contains('@') && !text.contains("==")) => Ecosystem::Npm,
                    "python" | "" => Ecosystem::Pypi,
                    _ => continue,
                };
                reading.mentions.extend(mentions_of_package(source, ecosystem, text, item.line, &Role::Command));
            }
        }
    }
    reading
}

/// A repository of hooks that is a tool itself.
fn hook_repository(source: &Source<'_>, repository: &Node<'_>, reading: &mut Reading) {
    let Some(node) = repository.get("repo") else { return };
    let Some(rest) = node.text().and_then(|text| text.split_once("://")).map(|(_, rest)| rest) else { return };
    let path = rest.split_once('/').map(|(_, path)| path.trim_end_matches('/')).unwrap_or_default();
    let package = Package::new(Ecosystem::GitHub, path.strip_suffix(".git").unwrap_or(path));
    let Some(tool) = source.catalogue.by_package(&package) else { return };
    let revision = repository.get("rev").and_then(Node::scalar).unwrap_or_default();
    let is_commit = revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
    let request = if is_commit {
        crate::evidence::Request::Exact(Version::parse(Scheme::Opaque, revision))
    } else {
        super::command::floating(&clipped(revision))
    };
    reading.mentions.push(super::command::mention(source, tool.id.clone(), package, request, node.line, Role::Command));
}
