//! `Pipfile` (Pipenv): TOML with a section for each group.

use super::poetry::ask;
use crate::gather::repository::document::{Node, toml};
use crate::gather::repository::pins::PIPENV_LOCKS;
use crate::gather::repository::{Format, Pins, Reading, Source};

/// Sections that are no groups.
const OTHERS: [&str; 5] = ["source", "requires", "scripts", "pipenv", "pipfile"];

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { pins: Pins::By(PIPENV_LOCKS), ..Format::named("Pipfile", |place| place.is_called(&["Pipfile"]), read) };

fn read(source: &Source<'_>) -> Reading {
    let document = match toml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) => return Reading::unreadable(source, "TOML", &error),
    };
    let mut reading = Reading::default();
    // `packages`, `dev-packages`, and groups of any name.
    let groups = document.members().iter().filter(|section| !OTHERS.contains(&section.key.as_ref()));
    for member in groups.map(|section| &section.value).flat_map(Node::members) {
        ask(source, &member.key, &member.value, member.line, &mut reading);
    }
    reading
}
