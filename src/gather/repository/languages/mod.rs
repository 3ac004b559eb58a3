//! What projects in other languages install: cargo, Go modules, Bundler.

mod cargo_lock;
mod cargo_toml;
mod gemfile;
mod gemfile_lock;
mod go_mod;
mod go_sum;

use super::Format;
use super::document::clipped;
use crate::catalogue::Catalogue;
use crate::evidence::{Integrity, Mention, Request, Role};
use crate::gather::repository::{Reading, Source};
use crate::tool::{Ecosystem, Package, ToolId};
use crate::version::Version;

pub(super) const FORMATS: &[Format] =
    &[cargo_toml::FORMAT, cargo_lock::FORMAT, go_mod::FORMAT, go_sum::FORMAT, gemfile::FORMAT, gemfile_lock::FORMAT];

/// The tool that a package of this exact name is.
fn known(catalogue: &Catalogue, ecosystem: Ecosystem, name: &str) -> Option<(ToolId, Package)> {
    let package = Package::new(ecosystem, name);
    Some((catalogue.by_package(&package)?.id.clone(), package))
}

fn exact(ecosystem: Ecosystem, version: &str) -> Request {
    Request::Exact(Version::parse(ecosystem.scheme(), &clipped(version)))
}

/// What lets the next installation choose, as written; nothing written is any version.
fn floating(text: &str) -> Request {
    let text = text.trim();
    Request::Floating { text: if text.is_empty() { "*".to_owned() } else { clipped(text) }, locked: false }
}

/// One mention more.
fn add(source: &Source<'_>, (tool, package): (ToolId, Package), request: Request, line: u32, reading: &mut Reading) {
    add_locked(source, (tool, package), (request, Integrity::none(), Vec::new()), line, reading);
}

/// One mention more, of a lock: with its digest, and with what brings it.
fn add_locked(
    source: &Source<'_>,
    (tool, package): (ToolId, Package),
    (request, integrity, brought_by): (Request, Integrity, Vec<String>),
    line: u32,
    reading: &mut Reading,
) {
    let mention = Mention {
        tool,
        package,
        request,
        integrity,
        location: source.at(Some(line)),
        brought_by,
        role: Role::Dependency,
        quote: None,
    };
    reading.mention(source, mention);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    pub(super) fn read_text(read: fn(&Source<'_>) -> Reading, path: &str, text: &str) -> Reading {
        read(&Source::new(Path::new(path), text.as_bytes(), &Catalogue::built_in()))
    }

    /// `line:package =version` or `line:package ~range`, of a file without oddities.
    pub(super) fn rows(read: fn(&Source<'_>) -> Reading, path: &str, text: &str) -> Vec<String> {
        let reading = read_text(read, path, text);
        assert_eq!(reading.oddities, []);
        let row = |mention: Mention| {
            let request = match &mention.request {
                Request::Exact(version) => format!("={}", version.as_str()),
                Request::Floating { text, .. } => format!("~{text}"),
            };
            format!("{}:{} {request}", mention.location.line.unwrap_or(0), mention.package.name)
        };
        reading.mentions.into_iter().map(row).collect()
    }
}
