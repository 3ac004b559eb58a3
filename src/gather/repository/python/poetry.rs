//! Constraints as Poetry and Pipenv write them: `^1.2`, `~1.2`, a bare version, a table, several tables.

use super::pypi::{self, Asks, asked, floating, known, version_of};
use crate::evidence::{Integrity, Request};
use crate::gather::repository::document::{Node, Value, clipped};
use crate::gather::repository::{Reading, Source};

/// What a dependency `name = constraint` asks for. A constraint may be a text, a table with one, or several tables of which the
/// first that fits is taken.
pub(super) fn ask(source: &Source<'_>, name: &str, constraint: &Node<'_>, line: u32, reading: &mut Reading) {
    match &constraint.value {
        Value::Array(several) => {
            for one in several {
                ask(source, name, one, if one.line > line { one.line } else { line }, reading);
            }
        }
        Value::Object(_) => {
            let key = |key: &str| constraint.get(key).and_then(Node::text);
            let direct = ["url", "file", "path", "git", "hg", "svn"].iter().find_map(|kind| key(kind));
            match direct {
                Some(address) => {
                    for tool in asked(source.catalogue, Some(name), Asks::Address(address)) {
                        reading.mention(source, pypi::mention(source, tool, line));
                    }
                }
                None => of_version(source, name, key("version").unwrap_or_default(), line, reading),
            }
        }
        _ => of_version(source, name, constraint.scalar().unwrap_or_default(), line, reading),
    }
}

fn of_version(source: &Source<'_>, name: &str, constraint: &str, line: u32, reading: &mut Reading) {
    if let Some((tool, package)) = known(source.catalogue, name) {
        let tool = (tool, package, request(constraint), Integrity::none());
        reading.mention(source, pypi::mention(source, tool, line));
    }
}

/// A bare version means exactly that one, as with `==`; everything else is read as PEP 440 reads it, or lets the next installation
/// choose (Poetry, "Dependency specification").
fn request(constraint: &str) -> Request {
    let text = constraint.trim();
    let bare = text.strip_prefix('=').filter(|rest| !rest.starts_with('=')).unwrap_or(text).trim();
    let version = version_of(bare);
    if version.is_ordered() {
        return Request::Exact(version);
    }
    match pypi::request(&text.replace(", ", ",")) {
        // One of several alternatives may arrive.
        Request::Exact(_) if text.contains("||") => Request::Floating { text: clipped(text), locked: false },
        Request::Floating { .. } => floating(text),
        exact @ Request::Exact(_) => exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_exact_or_float() {
        for (text, expected) in [
            ("1.2.3", "=1.2.3"),
            ("==1.2.3", "=1.2.3"),
            ("=1.2.3", "=1.2.3"),
            ("== 1.2.3", "=1.2.3"),
            ("===1.2.3", "=1.2.3"),
            (">=1,==1.2.3", "=1.2.3"),
            ("1.2", "=1.2"),
            ("^1.2.3", "~^1.2.3"),
            ("~1.2.3", "~~1.2.3"),
            ("~=1.2", "~~=1.2"),
            ("1.2.*", "~1.2.*"),
            ("*", "~*"),
            ("", "~*"),
            (">=1,<2", "~>=1,<2"),
            ("==1.2.3 || ==1.2.4", "~==1.2.3 || ==1.2.4"),
        ] {
            let found = match request(text) {
                Request::Exact(version) => format!("={version}"),
                Request::Floating { text, .. } => format!("~{text}"),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
