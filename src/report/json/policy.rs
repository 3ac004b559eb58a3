//! The policy in the report for programs: its documents, their age, the layers that narrow them.

use super::{exact_path, safe};
use crate::manifest::layer::Layer;
use crate::manifest::{Header, Mode};
use crate::policy::{Document, Freshness, PolicySummary, Rule};
use crate::trust::Proof;
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
pub(super) struct Policy {
    name: String,
    serial: u64,
    mode: Mode,
    issued: Timestamp,
    expires: Timestamp,
    origin: &'static str,
    path: Option<String>,
    sha256: Option<String>,
    signers: Vec<String>,
    layers: Vec<String>,
    revocations: Option<RevocationsEntry>,
    freshness: FreshnessEntry,
    groups: Vec<String>,
    repository: Option<String>,
    narrowed_by: Vec<LayerEntry>,
}

/// The revocations document.
#[derive(Serialize)]
struct RevocationsEntry {
    serial: u64,
    issued: Timestamp,
    expires: Timestamp,
    path: Option<String>,
    sha256: Option<String>,
    signers: Vec<String>,
}

impl RevocationsEntry {
    fn of((header, proof): &(Header, Proof)) -> Self {
        let (_, path, sha256, signers) = proof_entry(proof);
        Self { serial: header.serial, issued: header.issued, expires: header.expires, path, sha256, signers }
    }
}

/// Until when the documents may be used.
#[derive(Serialize)]
struct FreshnessEntry {
    state: &'static str,
    document: Option<&'static str>,
    expired: Option<Timestamp>,
    until: Option<Timestamp>,
    latest: Option<Timestamp>,
}

impl FreshnessEntry {
    fn of(freshness: Freshness) -> Self {
        let (document, expired, until, latest) = match freshness {
            Freshness::Fresh => (None, None, None, None),
            Freshness::Grace { document, expired, until } => (Some(document), Some(expired), Some(until), None),
            Freshness::Stale { document, expired } => (Some(document), Some(expired), None, None),
            Freshness::ClockBehind { latest } => (None, None, None, Some(latest)),
        };
        Self { state: freshness.name(), document: document.map(Document::name), expired, until, latest }
    }
}

/// One layer that narrows the manifest.
#[derive(Serialize)]
struct LayerEntry {
    layer: &'static str,
    group: Option<String>,
    path: String,
    line: Option<u32>,
}

impl LayerEntry {
    fn of((layer, path): &(Layer, PathBuf)) -> Self {
        let (group, line) = match layer {
            Layer::Overlay { group, line } => (Some(safe(group)), Some(*line)),
            Layer::Repository | Layer::User => (None, None),
        };
        Self { layer: layer.name(), group, path: exact_path(path), line }
    }
}

/// Where a rule stands.
#[derive(Serialize)]
pub(in crate::report) struct RuleEntry {
    layer: &'static str,
    path: Option<String>,
    line: Option<u32>,
    quote: Option<super::told::QuoteEntry>,
}

impl RuleEntry {
    pub(in crate::report) fn of(rule: &Rule) -> Self {
        Self {
            layer: rule.layer,
            path: rule.path.as_deref().map(exact_path),
            line: rule.line,
            quote: rule.quote.as_ref().map(super::told::QuoteEntry::of),
        }
    }
}

/// Why a document is believed: origin, file, digest, signers.
fn proof_entry(proof: &Proof) -> (&'static str, Option<String>, Option<String>, Vec<String>) {
    match proof {
        Proof::BuiltIn => ("built-in", None, None, Vec::new()),
        Proof::Signed { path, sha256, signers } => {
            ("signed", Some(exact_path(path)), Some(sha256.hex()), signers.iter().map(|s| safe(s)).collect())
        }
    }
}

impl Policy {
    pub(super) fn of(policy: &PolicySummary) -> Self {
        let (origin, path, sha256, signers) = proof_entry(&policy.proof);
        // An overlay stands in the manifest itself.
        let below = policy.layers.iter().filter(|(layer, _)| !layer.is_of_manifest());
        Self {
            name: safe(&policy.name),
            serial: policy.serial,
            mode: policy.mode,
            issued: policy.issued,
            expires: policy.expires,
            origin,
            path,
            sha256,
            signers,
            layers: below.map(|(_, path)| exact_path(path)).collect(),
            revocations: policy.revocations.as_ref().map(RevocationsEntry::of),
            freshness: FreshnessEntry::of(policy.freshness),
            groups: policy.site.groups.iter().map(|group| safe(group)).collect(),
            repository: policy.site.repository.as_ref().map(|name| safe(name.as_str())),
            narrowed_by: policy.layers.iter().map(LayerEntry::of).collect(),
        }
    }
}
