//! The artifacts of an approval: what the registry serves, and what lies on disk.

use super::{refuse_twins, words};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::{Artifact, EvidenceRef, FileListRef, Installed, Release, Shape};
use crate::source::Spanned;
use crate::tool::{PackageVersion, Platform};
use std::hash::Hash;

/// The types of what lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    File,
    Tree,
    Json,
    Packages,
}

/// What an artifact pins, so that the same one is found a second time. The same measurement with other digests is an alternative: one of
/// them has to be equal.
#[derive(PartialEq, Eq, Hash)]
enum Pinned<'a> {
    Release(Option<&'a PackageVersion>, &'a DigestSet),
    Installed(Option<&'a Platform>, Option<&'a PackageVersion>, &'a Shape, &'a DigestSet),
}

/// The same artifact twice says the same thing twice.
pub(super) fn refuse_one_thing_twice(artifacts: &[Spanned<Artifact>], problems: &Problems) {
    let pinned = artifacts.iter().map(|artifact| {
        let value = match &artifact.value {
            Artifact::Release(r) => Pinned::Release(r.package.as_ref(), &r.digests),
            Artifact::Installed(i) => Pinned::Installed(i.platform.as_ref(), i.package.as_ref(), &i.shape, &i.digests),
        };
        Spanned { value, span: artifact.span.clone() }
    });
    refuse_twins(pinned, problems, |_| "another artifact of this approval pins the same with the same digest".to_owned());
}

/// `[[tool.approval.artifact]]`.
pub(super) fn artifact(mut fields: Fields<'_, '_>) -> Option<Spanned<Artifact>> {
    let span = fields.span.clone();
    let role = fields.need("role", |text| match text {
        "release" | "installed" => Ok(text == "installed"),
        _ => Err(format!("`{text}` is neither `release` nor `installed`")),
    })?;
    let artifact =
        if role.value { installed(&mut fields).map(Artifact::Installed) } else { release(&mut fields).map(Artifact::Release) };
    fields.finish();
    Some(Spanned { value: artifact?, span })
}

fn release(fields: &mut Fields<'_, '_>) -> Option<Release> {
    let problems = fields.problems;
    let package = fields.maybe("purl", PackageVersion::parse_purl).map(|package| package.value);
    let is_wrong = package.is_none() && fields.has("purl");
    let digests = digest(fields, &[Algorithm::Sha256, Algorithm::Sha512], "a release file");
    if let Some(span) = fields.key_span("evidence")
        && fields.is_empty_list("evidence")
    {
        problems.add_with_help(
            span,
            "`evidence` names at least one file",
            "where there is none, `attestation = \"none\"` of the approval says so",
        );
    }
    let tables = fields.tables("evidence", "an entry of `evidence`");
    let count = tables.len();
    let evidence: Vec<_> = tables.into_iter().filter_map(evidence).collect();
    let is_wrong = is_wrong || evidence.len() < count;
    let paths = evidence.iter().map(|file| Spanned { value: &file.value.path, span: file.span.clone() });
    refuse_twins(paths, problems, |path| format!("the file `{}` stands twice", path.display()));
    if is_wrong {
        return None;
    }
    Some(Release { package, digests: digests?, evidence: evidence.into_iter().map(|file| file.value).collect() })
}

fn evidence(mut fields: Fields<'_, '_>) -> Option<Spanned<EvidenceRef>> {
    let path = fields.need("path", words::file_beside);
    let sha256 = fields.need("sha256", words::sha256);
    let span = fields.span.clone();
    fields.finish();
    let (path, Digest::Sha256(sha256)) = (path?.value, sha256?.value) else { return None };
    Some(Spanned { value: EvidenceRef { path, sha256 }, span })
}

fn digest(fields: &mut Fields<'_, '_>, allowed: &[Algorithm], of_what: &str) -> Option<DigestSet> {
    if !fields.has("digest") {
        fields.problems.add(fields.span.clone(), "an artifact has a `digest`");
    }
    let table = fields.table("digest", "`digest`")?;
    words::digests(table, allowed, of_what)
}

fn installed(fields: &mut Fields<'_, '_>) -> Option<Installed> {
    let kind = fields.need("type", |text| match text {
        "file" => Ok(Type::File),
        "tree" => Ok(Type::Tree),
        "json" => Ok(Type::Json),
        "packages" => Ok(Type::Packages),
        _ => Err(format!("`{text}` is not `file`, `tree`, `json` or `packages`")),
    })?;
    let platform = fields.maybe("platform", words::platform).map(|platform| platform.value);
    let package = fields.maybe("purl", PackageVersion::parse_purl).map(|package| package.value);
    // What cannot be read must not become "everywhere" or "the tool's own".
    let is_wrong = (platform.is_none() && fields.has("platform")) || (package.is_none() && fields.has("purl"));
    // Only what a check measures may be asked for: SHA-256 of a file, the directory hash of a tree.
    let measured = match kind.value {
        Type::File => file(fields),
        Type::Tree => tree(fields),
        Type::Json => json(fields),
        Type::Packages => packages(fields),
    };
    let (shape, digests, files) = measured?;
    (!is_wrong).then_some(Installed { platform, package, shape, digests, files })
}

type Measured = Option<(Shape, DigestSet, Option<FileListRef>)>;

fn file(fields: &mut Fields<'_, '_>) -> Measured {
    // Without a path the tool is that one file.
    let path = fields.maybe("path", words::relative_path);
    let digests = digest(fields, &[Algorithm::Sha256], "an installed file");
    if path.is_none() && fields.has("path") {
        return None;
    }
    Some((Shape::File { path: path.map(|path| path.value).unwrap_or_default() }, digests?, None))
}

fn tree(fields: &mut Fields<'_, '_>) -> Measured {
    let include = fields.list("include", words::glob).into_iter().map(|glob| glob.value).collect();
    let exclude = fields.list("exclude", words::glob).into_iter().map(|glob| glob.value).collect();
    let digests = digest(fields, &[Algorithm::DirHash], "a tree");
    let files = match fields.table("files", "`files`").map(files) {
        Some(files) => Some(files?),
        None => None,
    };
    Some((Shape::Tree { include, exclude }, digests?, files))
}

fn json(fields: &mut Fields<'_, '_>) -> Measured {
    let problems = fields.problems;
    let path = fields.need("path", words::relative_path);
    let without = fields.list("without", words::free_text);
    refuse_twins(without.iter().cloned(), problems, |member| format!("the member `{member}` stands twice"));
    let digests = digest(fields, &[Algorithm::Sha256], "what a JSON file says");
    let without = without.into_iter().map(|member| member.value).collect();
    Some((Shape::Json { path: path?.value, without }, digests?, None))
}

fn packages(fields: &mut Fields<'_, '_>) -> Measured {
    fields.refuse(
        &["digest"],
        |key| format!("an artifact of the type `packages` has no `{key}`: the list has one for each package"),
        "`files` pins the list by its SHA-256",
    );
    if !fields.has("files") {
        fields.problems.add_with_help(
            fields.span.clone(),
            "an artifact of the type `packages` pins a list of packages in `files`",
            "for example files = { path = \"attestations/npm/acme-agent/1.0.0/packages.json\", sha256 = \"...\" }",
        );
    }
    let files = fields.table("files", "`files`").and_then(files)?;
    Some((Shape::Packages, files.digests.clone(), Some(files)))
}

fn files(mut fields: Fields<'_, '_>) -> Option<FileListRef> {
    let path = fields.need("path", words::file_beside);
    let sha256 = fields.need("sha256", words::sha256);
    fields.finish();
    Some(FileListRef { path: path?.value, digests: DigestSet::from(sha256?.value) })
}
