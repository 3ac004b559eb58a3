//! `vetted verify`: what a bundle shows of a file, or why it shows nothing.

use super::json::attested::{AttestedEntry, RootEntry};
use super::json::{exact_path, write_document};
use super::page::{Page, Value};
use super::palette::{BOLD, GREEN, PLAIN, RED, YELLOW};
use super::words::{ago, count, day, shown, shown_path};
use super::{Detail, Style};
use crate::digest::{Digest, DigestSet};
use crate::manifest::{Attestor, BundleVersion};
use crate::trust::attested::{Attested, Expectation, RootOrigin, RootUsed};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// The name of the format for programs.
pub const SCHEMA: &str = "vetted/verification/v1";

/// The most file names that are listed for people without `--verbose`.
const LISTED: usize = 5;

/// What was to be verified.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// As it was named.
    pub name: String,
    /// `file`, `folder` or `digest`.
    pub kind: &'static str,
    /// What it has; empty where it was not digested.
    pub digests: DigestSet,
}

/// What came of all bundles.
#[derive(Debug, Clone)]
pub struct Verification {
    /// What was to be verified.
    pub artifact: Artifact,
    /// What was asked of a bundle.
    pub expected: Expectation,
    /// The trusted root that was looked up for it.
    pub root: Option<RootUsed>,
    /// Each bundle, in the order given.
    pub bundles: Vec<Looked>,
}

/// One bundle, and what came of it.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The file it is in.
    pub path: PathBuf,
    /// Which one of the file, from 1 on, and how many there are.
    pub place: (usize, usize),
    /// Where it speaks of a model: what the signature leaves out and is there all the same.
    pub model: Option<ModelLooked>,
    /// What it shows, or why nothing.
    pub outcome: Result<Attested, Refused>,
}

/// A signed model folder.
#[derive(Debug, Clone)]
pub struct ModelLooked {
    /// What the statement calls it.
    pub name: String,
    /// How many files were signed.
    pub files: usize,
    /// Paths that the signature leaves out.
    pub ignored: Vec<String>,
}

/// Why a bundle shows nothing.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The step of the verification, in the words of the documentation.
    pub step: &'static str,
    /// What would have been believed.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// Files that differ, each with what is the matter.
    pub differences: Vec<String>,
    /// What to do.
    pub remedy: String,
    /// Whether nothing was decided: it could not be read as any bundle.
    pub is_unread: bool,
}

/// What came of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A bundle shows what was asked for.
    Verified,
    /// No bundle does.
    Refused,
    /// There was no bundle that could be judged.
    Undecided,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }
}

impl Verification {
    /// One bundle that shows what was asked for is enough.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let refused = |looked: &Looked| matches!(&looked.outcome, Err(refused) if !refused.is_unread);
        if self.bundles.iter().any(|looked| looked.outcome.is_ok()) {
            Outcome::Verified
        } else if self.bundles.iter().any(refused) {
            Outcome::Refused
        } else {
            Outcome::Undecided
        }
    }
}

/// Write it for people.
///
/// # Errors
/// Those of `out`.
pub fn render_human(it: &Verification, style: &Style, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let outcome = it.outcome();
    let verified = it.bundles.iter().find(|looked| looked.outcome.is_ok());
    if style.detail == Detail::Quiet && verified.is_some() {
        return Ok(());
    }
    let mut page = Page::new(out, style.width, style.colour).with_keys(8);
    let name = shown(&it.artifact.name);
    let colour = match outcome {
        Outcome::Verified => GREEN,
        Outcome::Refused => RED,
        Outcome::Undecided => YELLOW,
    };
    page.line(0, &[(colour, outcome.name()), (PLAIN, "  "), (BOLD, &name)])?;
    digests(&mut page, it, style)?;
    if let Some(looked @ Looked { outcome: Ok(attested), .. }) = verified {
        shows(&mut page, attested, style, now)?;
        bundle(&mut page, looked, style)?;
    } else {
        if let Some(root) = it.root.as_ref().filter(|_| outcome == Outcome::Refused) {
            page.row("root", &[Value::path(root_of(root, style), None)])?;
        }
        for looked in &it.bundles {
            page.gap()?;
            refused(&mut page, looked, style)?;
        }
    }
    page.gap()?;
    page.segments(colour, &summary(it, outcome, now))
}

fn digests(page: &mut Page<'_>, it: &Verification, style: &Style) -> io::Result<()> {
    let digests: Vec<Value> = it.artifact.digests.iter().map(|digest| Value::path(digest_of(digest, style), None)).collect();
    page.row("digest", &digests)
}

fn digest_of(digest: &Digest, style: &Style) -> String {
    let text = if style.detail == Detail::Verbose { digest.hex() } else { digest.short() };
    format!("{} {text}", digest.algorithm())
}

fn shows(page: &mut Page<'_>, attested: &Attested, style: &Style, now: Timestamp) -> io::Result<()> {
    let mut row = |key: &str, text: Option<String>| match text {
        Some(text) => page.row(key, &[Value::path(text, None)]),
        None => Ok(()),
    };
    row("says", Some(attested.predicate().map_or_else(|| "a signature over the file".to_owned(), |t| shown(t).into_owned())))?;
    row("signer", Some(attested.identity().map_or_else(|| "the key that was named".to_owned(), |id| shown(id).into_owned())))?;
    row("issuer", attested.issuer().map(|issuer| shown(issuer).into_owned()))?;
    row("source", attested.source().map(|source| source_of(source, attested)))?;
    row("builder", attested.builder().map(|builder| shown(builder).into_owned()))?;
    let times: Vec<String> = attested.signed_at().iter().map(|at| format!("{}, {}", day(*at, now), ago(*at, now))).collect();
    row("signed", times.first().cloned())?;
    row("root", attested.root().map(|root| root_of(root, style)))
}

fn source_of(source: &str, attested: &Attested) -> String {
    let number = |what: &str, id: Option<&str>| id.map(|id| format!("{what} {}", shown(id)));
    let numbers: Vec<String> =
        [number("repository", attested.source_id()), number("owner", attested.owner_id())].into_iter().flatten().collect();
    let numbers = if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join(", ")) };
    format!("{}{numbers}", shown(source))
}

fn root_of(root: &RootUsed, style: &Style) -> String {
    let sha256 = if style.detail == Detail::Verbose { root.sha256.hex() } else { root.sha256.short() };
    match root.origin {
        RootOrigin::CommandLine => format!("the one that was named, sha256 {sha256}"),
        _ => format!("{}, {}, sha256 {sha256}", shown(&root.instance), words_of(root.origin)),
    }
}

/// Where a trusted root came from, in words.
pub(super) fn words_of(origin: RootOrigin) -> &'static str {
    match origin {
        RootOrigin::Organisation => "pinned by the organisation",
        RootOrigin::Refreshed => "renewed by a sync",
        RootOrigin::BuiltIn => "built in",
        RootOrigin::CommandLine => "named",
    }
}

fn bundle(page: &mut Page<'_>, looked: &Looked, style: &Style) -> io::Result<()> {
    page.row("bundle", &[Value::path(place_of(looked, style), None)])?;
    let Some(model) = &looked.model else { return Ok(()) };
    page.row("model", &[Value::Prose(format!("{}, {}", shown(&model.name), count(model.files as u64, "file")))])?;
    if model.ignored.is_empty() {
        return Ok(());
    }
    let ignored: Vec<String> = model.ignored.iter().map(|path| shown(path).into_owned()).collect();
    page.row("left out", &[Value::Prose(format!("by the signer, and not verified: {}", ignored.join(", ")))])
}

fn place_of(looked: &Looked, style: &Style) -> String {
    let path = shown_path(&looked.path, style.home.as_deref());
    match looked.place {
        (_, 1) => path,
        (number, of) => format!("{path} ({number} of {of})"),
    }
}

fn refused(page: &mut Page<'_>, looked: &Looked, style: &Style) -> io::Result<()> {
    page.row("bundle", &[Value::path(place_of(looked, style), None)])?;
    let Err(refused) = &looked.outcome else { return Ok(()) };
    page.row("step", &[Value::Prose(refused.step.to_owned())])?;
    page.row("expected", &[Value::Prose(shown(&refused.expected).into_owned())])?;
    page.row("found", &[Value::Prose(shown(&refused.found).into_owned())])?;
    let listed = if style.detail == Detail::Verbose { usize::MAX } else { LISTED };
    let mut files: Vec<Value> =
        refused.differences.iter().take(listed).map(|line| Value::path(shown(line).into_owned(), None)).collect();
    if let Some(more) = refused.differences.len().checked_sub(listed).filter(|more| *more > 0) {
        files.push(Value::Prose(format!("and {more} more: `--verbose` names them all")));
    }
    page.row("files", &files)?;
    page.row("do", &[Value::Prose(refused.remedy.clone())])
}

fn summary(it: &Verification, outcome: Outcome, now: Timestamp) -> Vec<String> {
    let number = it.bundles.len() as u64;
    let mut parts = vec![format!(
        "vetted: {} {}",
        shown(&it.artifact.name),
        match outcome {
            Outcome::Verified => "verified",
            Outcome::Refused => "refused",
            Outcome::Undecided => "cannot be decided",
        }
    )];
    let held = it.bundles.iter().filter(|looked| looked.outcome.is_ok()).count();
    if let Some(attested) = it.bundles.iter().find_map(|looked| looked.outcome.as_ref().ok()) {
        parts.extend(attested.signed_at().first().map(|at| format!("signed {}", ago(*at, now))));
        parts.extend(attested.root().map(|root| match root.origin {
            RootOrigin::CommandLine => "under the root that was named".to_owned(),
            origin => format!("{}, {}", shown(&root.instance), words_of(origin)),
        }));
    } else {
        let refused = it.bundles.iter().filter_map(|looked| looked.outcome.as_ref().err());
        let mut steps: Vec<&str> = refused.map(|refused| refused.step).collect();
        steps.dedup();
        parts.push(steps.join(", "));
    }
    if number > 1 {
        let held = if held == 0 { "none".to_owned() } else { held.to_string() };
        parts.push(format!("{held} of {} shows it", count(number, "bundle")));
    }
    parts
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    now: Timestamp,
    outcome: &'static str,
    artifact: ArtifactEntry,
    expected: ExpectedEntry,
    root: Option<RootEntry>,
    bundles: Vec<BundleEntry>,
}

#[derive(Serialize)]
struct ArtifactEntry {
    name: String,
    kind: &'static str,
    digests: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct ExpectedEntry {
    identity: Option<String>,
    issuer: Option<String>,
    key: Option<String>,
    source: Option<String>,
    source_id: Option<String>,
    owner_id: Option<String>,
    builder: Option<String>,
    predicates: Vec<String>,
    min_bundle: &'static str,
}

#[derive(Serialize)]
struct BundleEntry {
    path: String,
    number: usize,
    verified: bool,
    attested: Option<AttestedEntry>,
    refusal: Option<RefusalEntry>,
    model: Option<ModelEntry>,
}

#[derive(Serialize)]
struct RefusalEntry {
    step: &'static str,
    expected: String,
    found: String,
    differences: Vec<String>,
    remedy: String,
}

#[derive(Serialize)]
struct ModelEntry {
    name: String,
    files: usize,
    ignored: Vec<String>,
}

/// Write it for programs.
///
/// # Errors
/// Those of `out`.
pub fn render_json(it: &Verification, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let artifact = ArtifactEntry {
        name: shown(&it.artifact.name).into_owned(),
        kind: it.artifact.kind,
        digests: it.artifact.digests.iter().map(|digest| (digest.algorithm().name(), digest.hex())).collect(),
    };
    write_document(
        &Document {
            schema: SCHEMA,
            now,
            outcome: it.outcome().name(),
            artifact,
            expected: ExpectedEntry::of(&it.expected),
            root: it.root.as_ref().map(RootEntry::of),
            bundles: it.bundles.iter().map(BundleEntry::of).collect(),
        },
        out,
    )
}

fn text(value: Option<&str>) -> Option<String> {
    value.map(|value| shown(value).into_owned())
}

fn texts(values: &[String]) -> Vec<String> {
    values.iter().map(|value| shown(value).into_owned()).collect()
}

impl ExpectedEntry {
    fn of(expected: &Expectation) -> Self {
        let (identity, issuer, key) = match &expected.by {
            Attestor::Identity { issuer, identity } => (Some(identity.as_str()), Some(issuer.as_str()), None),
            Attestor::Key { spki, .. } => (None, None, Some(Digest::sha256_of(spki).hex())),
        };
        let min_bundle = match expected.min_bundle {
            BundleVersion::V0_1 => "0.1",
            BundleVersion::V0_2 => "0.2",
            BundleVersion::V0_3 => "0.3",
        };
        Self {
            identity: text(identity),
            issuer: text(issuer),
            key,
            source: text(expected.source.as_deref()),
            source_id: text(expected.source_id.as_deref()),
            owner_id: text(expected.owner_id.as_deref()),
            builder: text(expected.builder.as_deref()),
            predicates: texts(&expected.predicates),
            min_bundle,
        }
    }
}

impl BundleEntry {
    fn of(looked: &Looked) -> Self {
        let refusal = looked.outcome.as_ref().err().map(|refused| RefusalEntry {
            step: refused.step,
            expected: shown(&refused.expected).into_owned(),
            found: shown(&refused.found).into_owned(),
            differences: texts(&refused.differences),
            remedy: shown(&refused.remedy).into_owned(),
        });
        let model = looked.model.as_ref().map(|model| ModelEntry {
            name: shown(&model.name).into_owned(),
            files: model.files,
            ignored: texts(&model.ignored),
        });
        Self {
            path: exact_path(&looked.path),
            number: looked.place.0,
            verified: looked.outcome.is_ok(),
            attested: looked.outcome.as_ref().ok().map(AttestedEntry::of),
            refusal,
            model,
        }
    }
}
