//! What an attestation was verified to show, as values: the same in a verdict and in the answer of `vetted verify`.

use super::safe;
use crate::trust::attested::{Attested, RootOrigin, RootUsed};
use jiff::Timestamp;
use serde::Serialize;

/// One verified attestation.
#[derive(Serialize)]
pub(in crate::report) struct AttestedEntry {
    predicate: Option<String>,
    identity: Option<String>,
    issuer: Option<String>,
    source: Option<String>,
    source_id: Option<String>,
    owner_id: Option<String>,
    builder: Option<String>,
    signed_at: Vec<Timestamp>,
    root: Option<RootEntry>,
}

impl AttestedEntry {
    pub(in crate::report) fn of(attested: &Attested) -> Self {
        let text = |value: Option<&str>| value.map(safe);
        Self {
            predicate: text(attested.predicate()),
            identity: text(attested.identity()),
            issuer: text(attested.issuer()),
            source: text(attested.source()),
            source_id: text(attested.source_id()),
            owner_id: text(attested.owner_id()),
            builder: text(attested.builder()),
            signed_at: attested.signed_at().to_vec(),
            root: attested.root().map(RootEntry::of),
        }
    }
}

/// The trusted root under which it was verified.
#[derive(Serialize)]
pub(in crate::report) struct RootEntry {
    instance: String,
    origin: &'static str,
    sha256: String,
}

impl RootEntry {
    pub(in crate::report) fn of(root: &RootUsed) -> Self {
        Self { instance: safe(&root.instance), origin: name_of(root.origin), sha256: root.sha256.hex() }
    }
}

/// The same as a word for programs.
fn name_of(origin: RootOrigin) -> &'static str {
    match origin {
        RootOrigin::Organisation => "organisation",
        RootOrigin::Refreshed => "refreshed",
        RootOrigin::BuiltIn => "built-in",
        RootOrigin::CommandLine => "command-line",
    }
}
