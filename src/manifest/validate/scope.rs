//! `scope`: where a waiver or an approved directive holds.

use super::{refuse_twins, words};
use crate::manifest::Scope;
use crate::manifest::schema::Fields;

const KEYS: [&str; 3] = ["repositories", "groups", "paths"];

/// `scope`, which narrows something.
pub(super) fn scope(mut fields: Fields<'_, '_>) -> Scope {
    let (problems, span) = (fields.problems, fields.span.clone());
    let repositories = fields.list("repositories", words::repositories);
    let groups = fields.list("groups", words::id);
    let paths = fields.list("paths", words::glob);
    for key in KEYS {
        // An empty list would say "nowhere" to one reader and "everywhere" to another.
        if let Some(span) = fields.key_span(key)
            && fields.is_empty_list(key)
        {
            problems.add_with_help(span, format!("`{key}` is empty"), "leave it out where it does not narrow");
        }
    }
    if !KEYS.iter().any(|key| fields.has(key)) {
        problems.add(span, "a scope names `repositories`, `groups` or both, and `paths` where it is about files");
    } else if fields.has("paths") && !fields.has("repositories") {
        // Anybody can put a file at a path in a repository of their own.
        problems.add_with_help(
            fields.key_span("paths").unwrap_or(span),
            "`paths` are paths in repositories, and the scope names none",
            "write `repositories` beside it, for example [\"github.com/acme/app\"]",
        );
    }
    refuse_twins(groups.iter().cloned(), problems, |group| format!("the group `{group}` stands twice"));
    refuse_twins(paths.iter().cloned(), problems, |path| format!("the path `{path}` stands twice"));
    fields.finish();
    Scope {
        repositories: repositories.into_iter().map(|r| r.value).collect(),
        groups: groups.into_iter().map(|g| g.value).collect(),
        paths: paths.into_iter().map(|p| p.value).collect(),
    }
}
