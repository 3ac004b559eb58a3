//! Compose files: images, commands, and what is built.

use super::dockerfile;
use crate::evidence::Role;
use crate::gather::repository::automation::command::{mentions_in_node, mentions_of_package, mentions_of_words, settle};
use crate::gather::repository::document::{Node, Value, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};
use crate::tool::Ecosystem;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("compose file", matches, read);

fn matches(place: &Place<'_>) -> bool {
    let name = place.name();
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| {
        ["compose", "docker-compose", "podman-compose", "container-compose"]
            .iter()
            .any(|word| stem.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_'])))
    })
}

fn read(source: &Source<'_>) -> Reading {
    let root = match yaml::parse(source.bytes) {
        Ok(root) => root,
        Err(error) => return Reading::unreadable(source, "YAML", &error),
    };
    let mut reading = Reading::default();
    for service in root.get("services").map(Node::members).unwrap_or_default() {
        read_service(source, &service.value, &mut reading);
    }
    reading
}

fn read_service(source: &Source<'_>, service: &Node<'_>, reading: &mut Reading) {
    if let Some(image) = service.get("image") {
        image_of(source, image, reading);
    }
    for key in ["entrypoint", "command"] {
        if let Some(command) = service.get(key) {
            command_of(source, command, reading);
        }
    }
    // A program and its arguments may stand apart.
    if let (Some(entrypoint), Some(command)) = (service.get("entrypoint"), service.get("command")) {
        let mut words = words_of(entrypoint);
        let alone = words.len();
        words.extend(words_of(command));
        if alone > 0 && words.len() > alone {
            let found = mentions_of_words(source, &words, command.line, &Role::Command);
            reading.mentions.extend(found.into_iter().filter(|found| !reading.mentions.contains(found)).collect::<Vec<_>>());
        }
    }
    if let Some(test) = service.at(&["healthcheck", "test"]) {
        match words_of(test).as_slice() {
            ["CMD-SHELL", script] if test.text().is_none() => {
                reading.mentions.extend(mentions_of_words(source, &["sh", "-c", script], test.line, &Role::Command));
            }
            ["CMD", words @ ..] if test.text().is_none() => {
                reading.mentions.extend(mentions_of_words(source, words, test.line, &Role::Command));
            }
            _ => command_of(source, test, reading),
        }
    }
    for key in ["post_start", "pre_stop"] {
        for hook in service.get(key).map(Node::items).unwrap_or_default() {
            if let Some(command) = hook.get("command") {
                command_of(source, command, reading);
            }
        }
    }
    let Some(build) = service.get("build") else { return };
    if let Some(inline) = build.get("dockerfile_inline")
        && let Some(text) = inline.text()
    {
        let mut inner = dockerfile::read_text(source, text, inline.line);
        settle(source, inline, &mut inner.mentions);
        reading.append(inner);
    }
    for argument in build.get("args").map(Node::members).unwrap_or_default() {
        // `BASE=ghcr.io/owner/image:tag`: what has no folder is a word, and no image.
        if argument.value.text().is_some_and(|text| text.contains('/')) {
            image_of(source, &argument.value, reading);
        }
    }
    for argument in build.get("args").map(Node::items).unwrap_or_default() {
        let value = argument.text().and_then(|text| text.split_once('=')).map(|(_, value)| value);
        if let Some(value) = value.filter(|value| value.contains('/')) {
            reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, value, argument.line, &Role::Container));
        }
    }
    for context in build.get("additional_contexts").map(Node::members).unwrap_or_default() {
        if let Some(text) = context.value.text().and_then(|text| text.strip_prefix("docker-image://")) {
            reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, text, context.line, &Role::Container));
        }
    }
}

fn image_of(source: &Source<'_>, image: &Node<'_>, reading: &mut Reading) {
    if let Some(text) = image.text() {
        reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, text, image.line, &Role::Container));
    }
}

fn words_of<'t>(node: &'t Node<'_>) -> Vec<&'t str> {
    match &node.value {
        Value::Text(text) => text.split_whitespace().collect(),
        Value::Array(items) => items.iter().filter_map(Node::text).collect(),
        _ => Vec::new(),
    }
}

/// A command as a text, which is split like a shell's, or as its words.
pub(super) fn command_of(source: &Source<'_>, command: &Node<'_>, reading: &mut Reading) {
    match &command.value {
        Value::Text(_) => reading.mentions.extend(mentions_in_node(source, command)),
        Value::Array(_) => {
            let found = mentions_of_words(source, &words_of(command), command.line, &Role::Command);
            reading.mentions.extend(found);
        }
        _ => {}
    }
}
