//! `[[tool]]` with its approvals and artifacts.

use super::{Lines, refuse_twins, words};
use crate::digest::{Algorithm, DigestSet};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::{Approval, Approved, Artifact, FileListRef, Installed, Recognise, Shape, ToolEntry};
use crate::source::Spanned;
use crate::tool::ToolId;
use std::collections::{BTreeMap, BTreeSet};

/// Every `[[tool]]`.
pub(super) fn tools(fields: &mut Fields<'_, '_>, lines: &Lines) -> Vec<ToolEntry> {
    let problems = fields.problems;
    let entries: Vec<_> = fields.tables("tool", "[[tool]]").into_iter().filter_map(|entry| tool(entry, lines)).collect();
    refuse_twins(entries.iter().map(|e| Spanned { value: &e.value.id, span: e.span.clone() }), problems, |id| {
        format!("the tool `{id}` has an entry already; add the approval to it")
    });
    entries.into_iter().map(|entry| entry.value).collect()
}

fn tool(mut fields: Fields<'_, '_>, lines: &Lines) -> Option<Spanned<ToolEntry>> {
    let problems = fields.problems;
    let id = fields.need("id", str::parse::<ToolId>);
    // The package URL is for readers and other tools; approving looks at digests alone, so only its form is checked.
    fields.maybe("purl", words::package);
    let recognise = fields.table("recognise", "[tool.recognise]").map(recognise);
    let mut approvals = Vec::new();
    for entry in fields.tables("approval", "[[tool.approval]]") {
        approvals.extend(approval(entry, lines));
    }
    refuse_same_approval(&approvals, problems);
    fields.finish();
    let id = id?;
    let recognise = match recognise {
        Some(recognise) => Some(recognise?),
        None => None,
    };
    let approvals = approvals.into_iter().map(|(approval, _)| approval).collect();
    Some(Spanned { value: ToolEntry { id: id.value, recognise, require: Vec::new(), approvals }, span: id.span })
}

/// One version may have several approvals, because installers lay the same release out in different ways; each of them is enough.
/// The same one twice is a mistake.
fn refuse_same_approval(approvals: &[(Approval, Place)], problems: &Problems) {
    let mut by_version: BTreeMap<&str, Vec<&Approval>> = BTreeMap::new();
    for (approval, place) in approvals {
        let earlier = by_version.entry(&approval.version).or_default();
        if earlier.iter().any(|twin| twin.artifacts == approval.artifacts) {
            problems.add(
                place.clone(),
                format!("version {} is approved already in this entry, with the same artifacts", approval.version),
            );
        }
        earlier.push(approval);
    }
}

fn recognise(mut fields: Fields<'_, '_>) -> Option<Recognise> {
    let vendor = fields.need("vendor", words::free_text);
    let kind = fields.need("kind", words::word);
    let packages: Vec<_> = fields.list("packages", words::package).into_iter().map(|p| p.value).collect();
    let binaries: Vec<_> = fields.list("binaries", binary).into_iter().map(|b| b.value).collect();
    if packages.is_empty() && binaries.is_empty() {
        fields.problems.add(fields.span.clone(), "[tool.recognise] names at least one of `packages` and `binaries`");
    }
    fields.finish();
    Some(Recognise { vendor: vendor?.value, kind: kind?.value, packages, binaries })
}

fn binary(text: &str) -> Result<String, String> {
    let name = words::relative_path(text)?;
    if name.contains('/') { Err(format!("`{name}` is a path, not the name of a file")) } else { Ok(name) }
}

type Place = std::ops::Range<usize>;

fn approval(mut fields: Fields<'_, '_>, lines: &Lines) -> Option<(Approval, Place)> {
    let problems = fields.problems;
    let version = fields.need("version", words::version);
    let approved = fields.table("approved", "`approved`").map(approved);
    let tables = fields.tables("artifact", "[[tool.approval.artifact]]");
    if tables.is_empty() {
        problems.add_with_help(
            fields.span.clone(),
            "an approval without artifacts approves nothing",
            "`vetted approve TOOL --installed` pins what lies on disk",
        );
    }
    let artifacts: Vec<_> = tables.into_iter().filter_map(artifact).collect();
    refuse_one_thing_twice(&artifacts, problems);
    let line = lines.number(fields.span.start);
    fields.finish();
    let approved = match approved {
        Some(approved) => Some(approved?),
        None => None,
    };
    let version = version?;
    let artifacts = artifacts.into_iter().map(|artifact| artifact.value).collect();
    Some((Approval { version: version.value, approved, released: None, is_unattested: false, artifacts, line }, version.span))
}

/// Two artifacts that ask for the same measurement can never both hold, or say the same thing twice.
fn refuse_one_thing_twice(artifacts: &[Spanned<Artifact>], problems: &Problems) {
    let installed = artifacts.iter().filter_map(|artifact| match &artifact.value {
        Artifact::Installed(i) => Some(Spanned { value: (&i.platform, &i.shape), span: artifact.span.clone() }),
        Artifact::Release { .. } => None,
    });
    refuse_twins(installed, problems, |_| {
        "another artifact of this approval pins the same files on the same platform".to_owned()
    });
}

fn approved(mut fields: Fields<'_, '_>) -> Option<Approved> {
    let by: Vec<_> = fields.list("by", words::free_text).into_iter().map(|name| name.value).collect();
    let at = fields.time("at");
    let ticket = fields.maybe("ticket", words::free_text);
    if by.is_empty() {
        fields.problems.add(fields.span.clone(), "`approved` names at least one person in `by`");
    } else if by.iter().collect::<BTreeSet<_>>().len() < by.len() {
        fields.problems.add(fields.span.clone(), "`by` names the same person twice");
    }
    fields.finish();
    Some(Approved { by, at: at?.value, ticket: ticket.map(|t| t.value) })
}

fn artifact(mut fields: Fields<'_, '_>) -> Option<Spanned<Artifact>> {
    let span = fields.span.clone();
    let role = fields.need("role", |text| match text {
        "release" | "installed" => Ok(text == "installed"),
        _ => Err(format!("`{text}` is neither `release` nor `installed`")),
    })?;
    let artifact = if role.value { installed(&mut fields).map(Artifact::Installed) } else { release(&mut fields) };
    fields.finish();
    Some(Spanned { value: artifact?, span })
}

fn release(fields: &mut Fields<'_, '_>) -> Option<Artifact> {
    let digests = digest(fields, &[Algorithm::Sha256, Algorithm::Sha512], "a release file")?;
    Some(Artifact::Release(crate::manifest::Release { digests, ..crate::manifest::Release::default() }))
}

fn digest(fields: &mut Fields<'_, '_>, allowed: &[Algorithm], of_what: &str) -> Option<DigestSet> {
    if !fields.has("digest") {
        fields.problems.add(fields.span.clone(), "an artifact has a `digest`");
    }
    let table = fields.table("digest", "`digest`")?;
    words::digests(table, allowed, of_what)
}

fn installed(fields: &mut Fields<'_, '_>) -> Option<Installed> {
    let is_tree = fields.need("type", |text| match text {
        "file" | "tree" => Ok(text == "tree"),
        _ => Err(format!("`{text}` is neither `file` nor `tree`")),
    })?;
    let platform = fields.maybe("platform", words::platform).map(|p| p.value);
    let wrong_platform = platform.is_none() && fields.has("platform");
    // Only what a check measures may be asked for: SHA-256 of a file, the directory hash of a tree.
    let (shape, digests, files) = if is_tree.value {
        let include = fields.list("include", words::glob).into_iter().map(|g| g.value).collect();
        let exclude = fields.list("exclude", words::glob).into_iter().map(|g| g.value).collect();
        let digests = digest(fields, &[Algorithm::DirHash], "a tree");
        let files = fields.table("files", "`files`").map(files);
        let files = match files {
            Some(files) => Some(files?),
            None => None,
        };
        (Shape::Tree { include, exclude }, digests, files)
    } else {
        // Without a path the tool is that one file.
        let path = fields.maybe("path", words::relative_path);
        let digests = digest(fields, &[Algorithm::Sha256], "an installed file");
        if path.is_none() && fields.has("path") {
            return None;
        }
        (Shape::File { path: path.map(|p| p.value).unwrap_or_default() }, digests, None)
    };
    if wrong_platform {
        return None;
    }
    Some(Installed { package: None, platform, shape, digests: digests?, files })
}

fn files(mut fields: Fields<'_, '_>) -> Option<FileListRef> {
    let path = fields.need("path", words::file_beside);
    let sha256 = fields.need("sha256", words::sha256);
    fields.finish();
    Some(FileListRef { path: path?.value, digests: DigestSet::from(sha256?.value) })
}
