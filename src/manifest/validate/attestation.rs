//! `[[attestation]]`: what an attestation has to show, in exact strings (threats T-10 to T-12).

use super::{Lines, refuse_twins, trust, words};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::{AttestationPolicy, Attestor};
use crate::source::Spanned;
use std::collections::BTreeSet;

/// The instance that vouches where a policy names none.
const INSTANCE: &str = "sigstore-public-good";
/// Who vouches for the identities of workflows on GitHub; an enterprise has a path of its own behind it.
const WORKFLOW_ISSUER: &str = "https://token.actions.githubusercontent.com";
/// The folder that the files of such workflows lie in.
const WORKFLOWS: &str = "/.github/workflows/";

/// Every `[[attestation]]`, and every id that one has, those of entries with problems too.
pub(super) fn attestations(fields: &mut Fields<'_, '_>, lines: &Lines) -> (Vec<AttestationPolicy>, BTreeSet<String>) {
    let problems = fields.problems;
    let mut named = Vec::new();
    let mut all = Vec::new();
    for entry in fields.tables("attestation", "[[attestation]]") {
        all.extend(attestation(entry, lines, &mut named));
    }
    let ids = named.iter().map(|id: &Spanned<String>| id.value.clone()).collect();
    refuse_twins(named, problems, |id| format!("the id `{id}` is taken by another [[attestation]]"));
    (all, ids)
}

fn attestation(mut fields: Fields<'_, '_>, lines: &Lines, named: &mut Vec<Spanned<String>>) -> Option<AttestationPolicy> {
    let (problems, span) = (fields.problems, fields.span.clone());
    let id = fields.need("id", words::id);
    named.extend(id.clone());
    let predicates = fields.text_or_list("predicate", words::exact);
    if !fields.has("predicate") || fields.is_empty_list("predicate") {
        problems.add_with_help(
            span.clone(),
            "an [[attestation]] names the type of statement that counts in `predicate`",
            "for example predicate = \"https://slsa.dev/provenance/v1\"",
        );
    }
    refuse_twins(predicates.iter().cloned(), problems, |predicate| format!("the type `{predicate}` stands twice"));
    let instance = fields.maybe("instance", words::id);
    let min_bundle = fields.maybe("min-bundle", words::bundle_version);
    // What cannot be read has a problem; it must not become what is asked of nobody.
    let lacks = |fields: &Fields<'_, '_>, key: &str, is_read: bool| fields.has(key) && !is_read;
    let is_broken = lacks(&fields, "instance", instance.is_some()) || lacks(&fields, "min-bundle", min_bundle.is_some());
    let by = attestor(&mut fields);
    let certificate = certificate(&mut fields, matches!(by, Some(Attestor::Key { .. })));
    let line = lines.number(span.start);
    fields.finish();
    let (id, [source, source_id, owner_id, builder]) = (id?, certificate?);
    if is_broken || predicates.is_empty() {
        return None;
    }
    Some(AttestationPolicy {
        id: id.value,
        predicates: predicates.into_iter().map(|predicate| predicate.value).collect(),
        instance: instance.map_or_else(|| INSTANCE.to_owned(), |instance| instance.value),
        by: by?,
        source,
        source_id,
        owner_id,
        builder,
        min_bundle: min_bundle.map(|version| version.value),
        line,
    })
}

/// Who must have signed: an identity with its issuer, or a key.
fn attestor(fields: &mut Fields<'_, '_>) -> Option<Attestor> {
    let (problems, span) = (fields.problems, fields.span.clone());
    let names_key = fields.has("key");
    let key = fields.table("key", "`key`").map(trust::key);
    let issuer = fields.maybe("issuer", words::exact);
    let identity = fields.maybe("identity", words::identity);
    match (names_key, fields.has("issuer"), fields.has("identity")) {
        (true, false, false) => {
            let key = key??;
            return Some(Attestor::Key { spki: key.spki, not_after: key.not_after });
        }
        (true, _, _) => problems.add(span, "either a `key` signs, or an `identity` that an `issuer` vouches for: not both"),
        (false, false, false) => problems.add_with_help(
            span,
            "an [[attestation]] says who must have signed: `issuer` and `identity`, or `key`",
            "anybody can sign anything: without a name a signature says nothing",
        ),
        (false, true, false) => problems.add(span, "an `issuer` vouches for somebody: the key `identity` is missing"),
        (false, false, true) => problems.add_with_help(
            span,
            "an `identity` is one that an `issuer` vouches for: the key `issuer` is missing",
            "another issuer can give the same name to somebody else",
        ),
        (false, true, true) => {
            let (issuer, identity) = (issuer?, identity?);
            refuse_open_workflow(&issuer.value, &identity, problems);
            return Some(Attestor::Identity { issuer: issuer.value, identity: identity.value });
        }
    }
    None
}

/// A workflow is named with the file it stands in and the ref it was taken from: whoever can push to any branch of the repository could
/// else sign with a file of the same name there (threat T-11).
fn refuse_open_workflow(issuer: &str, identity: &Spanned<String>, problems: &Problems) {
    let is_of_github =
        issuer == WORKFLOW_ISSUER || issuer.strip_prefix(WORKFLOW_ISSUER).is_some_and(|rest| rest.starts_with('/'));
    let file = identity.value.split_once(WORKFLOWS).map(|(_, file)| file);
    let has_ref = file.and_then(|file| file.split_once('@')).is_some_and(|(file, of)| !file.is_empty() && !of.is_empty());
    if has_ref || (!is_of_github && file.is_none()) {
        return;
    }
    problems.add_with_help(
        identity.span.clone(),
        "`identity`: a workflow is named with its repository, its file and its ref",
        "for example https://github.com/acme/agent/.github/workflows/release.yml@refs/tags/v{version}",
    );
}

/// `source`, `source-id`, `owner-id` and `builder`; `None` where one has a problem.
fn certificate(fields: &mut Fields<'_, '_>, is_key: bool) -> Option<[Option<String>; 4]> {
    let of_certificate = ["source", "source-id", "owner-id"];
    let builder = fields.maybe("builder", words::exact);
    if is_key {
        fields.refuse(
            &of_certificate,
            |key| format!("`{key}` stands in a certificate, and a key has none"),
            "leave it out, or name an `identity` in the place of the `key`",
        );
        if of_certificate.iter().any(|key| fields.has(key)) {
            return None;
        }
    }
    let read = [
        ("source", fields.maybe("source", words::exact)),
        ("source-id", fields.maybe("source-id", words::forge_number)),
        ("owner-id", fields.maybe("owner-id", words::forge_number)),
        ("builder", builder),
    ];
    if read.iter().any(|(key, value)| fields.has(key) && value.is_none()) {
        return None;
    }
    Some(read.map(|(_, value)| value.map(|value| value.value)))
}
