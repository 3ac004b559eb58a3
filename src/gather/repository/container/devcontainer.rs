//! Development containers: image, features, the commands of their life, extensions.

use super::compose::command_of;
use crate::evidence::{Request, Role};
use crate::gather::repository::automation::command::{floating, mention, mentions_of_package};
use crate::gather::repository::automation::editor::extensions;
use crate::gather::repository::document::{Member, Node, Value, clipped, jsonc};
use crate::gather::repository::{Format, Place, Reading, Source};
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("devcontainer.json", matches, read);

/// Commands, in the order in which they are run (containers.dev, "Lifecycle scripts").
const COMMANDS: [&str; 6] = [
    "initializeCommand",
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
];

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&["devcontainer.json", ".devcontainer.json"])
}

fn read(source: &Source<'_>) -> Reading {
    let root = match jsonc::parse(source.bytes) {
        Ok(root) => root,
        Err(error) => return Reading::unreadable(source, "JSON", &error),
    };
    let mut reading = Reading::default();
    if let Some(image) = root.member("image")
        && let Some(text) = image.value.text()
    {
        reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, text, image.line, &Role::Container));
    }
    for feature in root.get("features").map(Node::members).unwrap_or_default() {
        read_feature(source, feature, &mut reading);
    }
    for command in COMMANDS.iter().filter_map(|name| root.get(name)) {
        // An object holds commands that are run side by side.
        match &command.value {
            Value::Object(members) => members.iter().for_each(|member| command_of(source, &member.value, &mut reading)),
            _ => command_of(source, command, &mut reading),
        }
    }
    if let Some(items) = root.at(&["customizations", "vscode", "extensions"]).or_else(|| root.get("extensions")) {
        extensions(source, items.items(), &mut reading);
    }
    for plugin in root.at(&["customizations", "jetbrains", "plugins"]).map(Node::items).unwrap_or_default() {
        let id = plugin.text().unwrap_or_default();
        reading.mentions.extend(mentions_of_package(source, Ecosystem::JetBrains, id, plugin.line, &Role::Extension));
    }
    reading
}

/// A feature installs something while the container is built. Its tag can be moved, and mostly it installs the newest.
fn read_feature(source: &Source<'_>, feature: &Member<'_>, reading: &mut Reading) {
    let (name, request) = split_reference(&feature.key);
    for tool in source.catalogue.tools().iter().filter(|tool| tool.devcontainer_features.iter().any(|glob| fits(glob, name))) {
        let package = Package::new(Ecosystem::Docker, &clipped(name));
        let asked = request.clone();
        reading.mentions.push(mention(source, tool.id.clone(), package, asked, feature.line, Role::Container));
        for carried in tool.carries.iter().filter_map(|carries| source.catalogue.tool(&carries.tool)) {
            let Some(package) = carried.packages().next() else { continue };
            let mut found = mention(source, carried.id.clone(), package, floating("latest"), feature.line, Role::Container);
            found.brought_by.push(clipped(&feature.key));
            reading.mentions.push(found);
        }
    }
    // Features that install packages by name: `.../npm-package:1` with `package` and `version`.
    let last = name.rsplit('/').next().unwrap_or(name);
    let (ecosystem, separator) = match last {
        "npm-package" | "npm-packages" => (Ecosystem::Npm, "@"),
        "pipx-package" => (Ecosystem::Pypi, "=="),
        _ => return,
    };
    let Some(package) = feature.value.get("package").or_else(|| feature.value.get("packages")) else { return };
    let version = feature.value.get("version").and_then(Node::text).filter(|version| !matches!(*version, "" | "latest"));
    for name in package.text().unwrap_or_default().split([',', ' ']).filter(|name| !name.is_empty()) {
        let text = version.map_or_else(|| name.to_owned(), |version| format!("{name}{separator}{version}"));
        reading.mentions.extend(mentions_of_package(source, ecosystem, &text, package.line, &Role::Container));
    }
}

/// `host/owner/features/name[:tag|@digest]` apart.
fn split_reference(text: &str) -> (&str, Request) {
    if let Some((name, digest)) = text.split_once('@') {
        let is_digest =
            digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let request = if is_digest { Request::Exact(Version::parse(Scheme::Opaque, digest)) } else { floating(digest) };
        return (name, request);
    }
    let slash = text.rfind('/').map_or(0, |at| at + 1);
    match text[slash..].split_once(':') {
        Some((last, tag)) => (&text[..slash + last.len()], floating(tag)),
        None => (text, floating("latest")),
    }
}

/// Whether a feature is the one of a pattern `*/owner/features/name:*`: the host does not matter.
fn fits(pattern: &str, name: &str) -> bool {
    let wanted = pattern.strip_suffix(":*").unwrap_or(pattern);
    match wanted.strip_prefix('*') {
        Some(end) => name.len() > end.len() && name.to_ascii_lowercase().ends_with(end),
        None => name.eq_ignore_ascii_case(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_known_by_its_end() {
        let pattern = "*/anthropics/devcontainer-features/claude-code:*";
        assert!(fits(pattern, "registry.acme.example/Anthropics/devcontainer-features/claude-code"));
        assert!(!fits(pattern, "/anthropics/devcontainer-features/claude-code"));
        assert!(!fits(pattern, "registry.acme.example/anthropics/devcontainer-features/claude-code-x"));
        assert!(!fits(pattern, "registry.acme.example/notanthropics/devcontainer-features/claude-code"));
    }
}
