//! From what a document says to what the program may use. Every problem is collected, each with its place.
//!
//! One file for each part of the format: `approval`, `artifact`, `attestation`, `narrowing` (defaults and overlays), `revocation`, `waiver`, `scope`, `rules` (levels), `directive`, `trust`, `local` (what
//! one machine says of itself); `words` has the single values.

mod approval;
mod artifact;
mod attestation;
mod directive;
mod local;
mod narrowing;
mod revocation;
mod rules;
mod scope;
mod trust;
mod waiver;
pub(super) mod words;

use super::diagnostic::{ManifestErrors, Problem};
use super::machine::Machine;
use super::schema::{self, Fields, Problems};
use super::source::SourcePin;
use super::{
    Beacon, ClientRequirement, Header, MAX_DOCUMENT, MAX_UNVERIFIED, Manifest, Revocation, Revocations, RuleLines, Severity,
    TrustPolicy,
};
use crate::source::{SourceFile, Spanned};
use crate::text::printable;
use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;
use std::path::Path;

/// The kind of `vetted.toml`.
pub const MANIFEST_KIND: &str = "vetted/manifest";
/// The kind of `vetted-revocations.toml`.
pub const REVOCATIONS_KIND: &str = "vetted/revocations";
/// The kind of `vetted-trust.toml`.
pub const TRUST_KIND: &str = "vetted/trust";
/// The kind of `vetted-machine.toml`.
pub const MACHINE_KIND: &str = "vetted/machine";
/// The kind of `vetted-source.toml`.
pub const SOURCE_KIND: &str = "vetted/source";

/// The largest document of a kind, in bytes: more for those whose signatures are verified before they are parsed.
fn limit(kind: &str) -> u64 {
    match kind {
        MANIFEST_KIND | REVOCATIONS_KIND => MAX_DOCUMENT,
        _ => MAX_UNVERIFIED,
    }
}

impl Manifest {
    /// Read `vetted.toml`. Says nothing of whether it is to be believed.
    ///
    /// # Errors
    /// [`ManifestErrors`] with everything that is wrong with it.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        document(path, bytes, MANIFEST_KIND, manifest)
    }
}

impl Revocations {
    /// Read `vetted-revocations.toml`. Says nothing of whether it is to be believed.
    ///
    /// # Errors
    /// [`ManifestErrors`] with everything that is wrong with it.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        document(path, bytes, REVOCATIONS_KIND, revocations)
    }
}

impl Machine {
    /// Read `vetted-machine.toml`.
    ///
    /// # Errors
    /// [`ManifestErrors`] with everything that is wrong with it.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        document(path, bytes, MACHINE_KIND, |fields, _| Some(local::machine(fields)))
    }
}

impl SourcePin {
    /// Read `vetted-source.toml`.
    ///
    /// # Errors
    /// [`ManifestErrors`] with everything that is wrong with it.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        document(path, bytes, SOURCE_KIND, |fields, _| local::source_pin(fields))
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
        requires_client: None,
    };
    let limit = limit(kind);
    let whole = |message: String| vec![Problem { message, span: 0..0, help: None }];
    if bytes.len() as u64 > limit {
        return Err(refuse("", whole(format!("the document has {} bytes, at most {limit} are read", bytes.len())), None));
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
    let client = fields.text("requires-client").and_then(|text| ClientRequirement::parse(text).ok());
    let value = build(&mut fields, &Lines::of(text));
    fields.finish();
    match (value, problems.into_sorted()) {
        (Some(value), problems) if problems.is_empty() => Ok(value),
        // A part is missing only where its problem was noted.
        (_, problems) => Err(ManifestErrors { requires_client: client.map(Box::new), ..refuse(text, problems, None) }),
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
    let problems = fields.problems;
    let header = header(fields);
    let requires_client = fields.maybe("requires-client", ClientRequirement::parse);
    let mode = fields.need("mode", words::word);
    let defaults = narrowing::defaults(fields, lines);
    let levels = rules::rules(fields, lines);
    let sync = local::sync(fields);
    let (attestations, named) = attestation::attestations(fields, lines);
    let around = approval::Around { lines, attestations: &named, issued: header.as_ref().map(|header| header.issued) };
    let tools = approval::tools(fields, &around);
    let mut ids = revocation::Ids::default();
    let mut revocations = revocation::revocations(fields, lines, &mut ids);
    let top = narrowing::Top { mode: mode.as_ref().map(|mode| mode.value), defaults: &defaults, rules: &levels.rules };
    let mut overlays = narrowing::overlays(fields, lines, &top, &mut ids);
    ids.refuse_twins(problems);
    let withdrawn = revocation::withdrawn(fields, lines);
    let all = || revocations.iter().chain(overlays.iter().flat_map(|overlay| &overlay.revocations));
    let critical = all().filter(|r| r.severity == Severity::Critical).map(|r| r.id.as_str()).collect();
    let waivers = waiver::waivers(fields, lines, &critical);
    let directives = directive::directives(fields, lines);
    let ended: BTreeSet<&str> = withdrawn.iter().map(|w| w.id.as_str()).collect();
    let is_in_force = |revocation: &Revocation| !ended.contains(revocation.id.as_str());
    revocations.retain(is_in_force);
    for overlay in &mut overlays {
        overlay.revocations.retain(is_in_force);
    }
    Some(Manifest {
        header: header?,
        lines: RuleLines { mode: mode.as_ref().map(|mode| lines.number(mode.span.start)), rules: levels.lines, ..defaults.lines },
        mode: mode?.value,
        unlisted: defaults.unlisted,
        tools,
        attestations,
        cooldown: defaults.cooldown,
        min_bundle: defaults.min_bundle,
        revocations,
        withdrawn,
        waivers,
        rules: levels.rules,
        directives,
        overlays,
        grace: defaults.grace,
        sync,
        requires_client: requires_client.map(|r| r.value),
    })
}

/// What a manifest has and a document that can only refuse cannot hold.
const ALLOWING: [&str; 12] = [
    "tool",
    "attestation",
    "waiver",
    "directive",
    "withdrawn",
    "mode",
    "defaults",
    "rules",
    "overlay",
    "sync",
    "requires-client",
    "role",
];

fn revocations(fields: &mut Fields<'_, '_>, lines: &Lines) -> Option<Revocations> {
    let problems = fields.problems;
    let header = header(fields);
    if !fields.has("manifest") {
        problems.add_with_help(
            fields.span.clone(),
            "the document lacks the key `manifest`: the newest manifest when it was signed",
            "for example manifest = { serial = 47, sha256 = \"...\" }",
        );
    }
    let beacon = fields.table("manifest", "`manifest`").and_then(|mut beacon| {
        let serial = beacon.number("serial");
        let sha256 = beacon.need("sha256", words::sha256);
        beacon.finish();
        Some(Beacon { serial: serial?.value, sha256: sha256?.value })
    });
    let mut ids = revocation::Ids::default();
    let revocations = revocation::revocations(fields, lines, &mut ids);
    ids.refuse_twins(problems);
    fields.refuse(
        &ALLOWING,
        |key| format!("a revocations document has no `{key}`: one person on call signs it, so it can refuse and nothing else"),
        "that belongs into `vetted.toml`, which the role `manifest` signs",
    );
    Some(Revocations { header: header?, manifest: beacon?, revocations })
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
