//! From what a document says to what the program may use. Every problem is collected, each with its place.
//!
//! One file for each part of the format: `approval`, `revocation`, `waiver`, `trust`; `words` has the single values.

mod approval;
mod revocation;
mod trust;
mod waiver;
mod words;

use super::diagnostic::{ManifestErrors, Problem};
use super::schema::{self, Either, Fields, Problems};
use super::{GRACE, Header, MAX_DOCUMENT, Manifest, SyncRules, TrustPolicy, Unlisted};
use crate::source::{SourceFile, Spanned};
use crate::text::printable;
use crate::tool::Kind;
use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::path::Path;

/// The kind of `vetted.toml`.
pub const MANIFEST_KIND: &str = "vetted/manifest";
/// The kind of `vetted-revocations.toml`.
pub const REVOCATIONS_KIND: &str = "vetted/revocations";
/// The kind of `vetted-trust.toml`.
pub const TRUST_KIND: &str = "vetted/trust";

impl Manifest {
    /// Read `vetted.toml`. Says nothing of whether it is to be believed.
    ///
    /// # Errors
    /// [`ManifestErrors`] with everything that is wrong with it.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        document(path, bytes, MANIFEST_KIND, manifest)
    }
}

impl TrustPolicy {
    /// Read `vetted-trust.toml`. Says nothing of whether it is to be believed.
    ///
    /// # Errors
    /// [`ManifestErrors`] with everything that is wrong with it.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        document(path, bytes, TRUST_KIND, |fields, _| trust::trust_policy(fields))
    }
}

/// Where lines begin, so that finding one costs no walk through the text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line, from 1, on which a byte stands.
    fn number(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|newline| *newline < offset) + 1).unwrap_or(u32::MAX)
    }
}

fn document<T>(
    path: &Path,
    bytes: &[u8],
    kind: &'static str,
    build: impl FnOnce(&mut Fields<'_, '_>, &Lines) -> Option<T>,
) -> Result<T, ManifestErrors> {
    let refuse = |text: &str, problems: Vec<Problem>, wrong_kind: Option<String>| ManifestErrors {
        source: SourceFile { path: path.to_owned(), text: text.into() },
        problems,
        wrong_kind,
    };
    let whole = |message: String| vec![Problem { message, span: 0..0, help: None }];
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(refuse("", whole(format!("the document has {} bytes, at most {MAX_DOCUMENT} are read", bytes.len())), None));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let problem = Problem { message: "the document is not UTF-8 from here on".to_owned(), span: at..at, help: None };
            return Err(refuse(&String::from_utf8_lossy(bytes), vec![problem], None));
        }
    };
    let problems = Problems::default();
    let Some(table) = schema::parse(text, &problems) else {
        return Err(refuse(text, problems.into_sorted(), None));
    };
    let mut fields = Fields::new(table.get_ref(), 0..0, "the document", &problems);
    if let Some(found) = wrong_kind(&mut fields, kind) {
        return Err(refuse(text, problems.into_sorted(), Some(found)));
    }
    let value = build(&mut fields, &Lines::of(text));
    fields.finish();
    match (value, problems.into_sorted()) {
        (Some(value), problems) if problems.is_empty() => Ok(value),
        // A part is missing only where its problem was noted.
        (_, problems) => Err(refuse(text, problems, None)),
    }
}

/// `kind`, `schema` and `critical`. The kind, where it is another one: a signature over one kind of document can then never count
/// for another (threat T-23).
fn wrong_kind(fields: &mut Fields<'_, '_>, kind: &'static str) -> Option<String> {
    if fields.has("kind")
        && let Some(first) = fields.first_key()
        && first.value != "kind"
    {
        fields.problems.add_with_help(
            first.span,
            "`kind` is the first key of a document",
            format!("begin with `kind = \"{kind}\"`"),
        );
    }
    let found = fields.need("kind", |text| Ok::<_, String>(text.to_owned()));
    if let Some(Spanned { value, span }) = found
        && value != kind
    {
        fields.problems.add(span, format!("this is a document of the kind `{}`, not `{kind}`", printable(&value)));
        return Some(value);
    }
    if let Some(schema) = fields.number("schema")
        && schema.value != 1
    {
        fields
            .problems
            .add(schema.span, format!("schema {} is not one that this version of vetted reads: it reads 1", schema.value));
    }
    for feature in fields.list("critical", |text| Ok::<_, String>(text.to_owned())) {
        fields.problems.add(
            feature.span,
            format!("the document depends on `{}`, which this version of vetted does not know", printable(&feature.value)),
        );
    }
    None
}

fn manifest(fields: &mut Fields<'_, '_>, lines: &Lines) -> Option<Manifest> {
    let header = header(fields);
    let mode = fields.need("mode", words::word);
    let unlisted = match fields.table("defaults", "[defaults]") {
        Some(mut defaults) => {
            let unlisted = unlisted(&mut defaults);
            defaults.finish();
            unlisted
        }
        None => every_kind(Unlisted::Block),
    };
    let tools = approval::tools(fields, lines);
    let found = revocation::revocations(fields, lines);
    let waivers = waiver::waivers(fields, lines, &found);
    let revocations = found.all.into_iter().filter(|r| !found.withdrawn.contains(&r.id)).collect();
    Some(Manifest {
        header: header?,
        mode: mode?.value,
        unlisted,
        tools,
        revocations,
        withdrawn: Vec::new(),
        waivers,
        overlays: Vec::new(),
        grace: GRACE,
        sync: SyncRules::default(),
    })
}

fn header(fields: &mut Fields<'_, '_>) -> Option<Header> {
    let name = fields.need("name", words::policy_name);
    let serial = fields.number("serial");
    let issued = fields.time("issued");
    let expires = fields.time("expires");
    if let (Some(issued), Some(expires)) = (&issued, &expires)
        && expires.value <= issued.value
    {
        fields.problems.add(expires.span.clone(), "the document expires before it is issued");
    }
    Some(Header { name: name?.value, serial: serial?.value, issued: issued?.value, expires: expires?.value })
}

fn every_kind(rule: Unlisted) -> BTreeMap<Kind, Unlisted> {
    Kind::ALL.into_iter().map(|kind| (kind, rule)).collect()
}

/// `unlisted`: one word, or a word for each kind. A kind that is not named is blocked.
fn unlisted(defaults: &mut Fields<'_, '_>) -> BTreeMap<Kind, Unlisted> {
    let problems = defaults.problems;
    match defaults.word_or_table("unlisted", "`unlisted`", words::word) {
        None => every_kind(Unlisted::Block),
        Some(Either::Word(rule)) => every_kind(rule.value),
        Some(Either::Table(mut kinds)) => {
            let mut rules = every_kind(Unlisted::Block);
            for (kind, rule) in kinds.entries() {
                match (words::word(kind.value), words::word(rule.value)) {
                    (Ok(kind), Ok(rule)) => {
                        rules.insert(kind, rule);
                    }
                    (kind_result, rule_result) => {
                        kind_result.err().into_iter().for_each(|e| problems.add(kind.span.clone(), printable(&e)));
                        rule_result.err().into_iter().for_each(|e| problems.add(rule.span.clone(), printable(&e)));
                    }
                }
            }
            rules
        }
    }
}

/// Note every value that stands a second time.
fn refuse_twins<T: Eq + Hash>(values: impl IntoIterator<Item = Spanned<T>>, problems: &Problems, message: impl Fn(&T) -> String) {
    let mut seen = HashSet::new();
    for Spanned { value, span } in values {
        if seen.contains(&value) {
            problems.add(span, message(&value));
        }
        seen.insert(value);
    }
}
