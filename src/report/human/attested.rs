//! What is known of the attestations of an approved tool, for people.

use super::super::page::Value;
use super::super::verification::words_of;
use super::super::words::shown;
use crate::policy::{Attestation, Judgement, Proven};

/// One row for each attestation that was verified, and one for what has none.
pub(super) fn rows(judgement: &Judgement) -> Vec<Value> {
    match &judgement.attestation {
        None => Vec::new(),
        Some(Attestation::None) => vec![Value::Prose("no: its release has no attestation".to_owned())],
        Some(Attestation::Refused(why)) => vec![Value::Prose(shown(&format!("no: {why}")).into_owned())],
        Some(Attestation::Verified { proofs, bare }) => {
            let without = (!bare.is_empty()).then(|| format!("no attestation of {}", shown(&bare.join(", "))));
            proofs.iter().map(proof).chain(without).map(Value::Prose).collect()
        }
    }
}

/// `https://slsa.dev/provenance/v1 by <identity> (<issuer>), source <repository>, under the root of <instance>, built in`.
fn proof(proven: &Proven) -> String {
    let attested = &proven.attested;
    let what = attested.predicate().map_or_else(|| "a signature over the file".into(), shown);
    let who = match (attested.identity(), attested.issuer()) {
        (Some(identity), Some(issuer)) => format!(" by {} ({})", shown(identity), shown(issuer)),
        (Some(identity), None) => format!(" by {}", shown(identity)),
        (None, _) => " by a key of the policy".to_owned(),
    };
    let source = attested.source().map(|source| format!(", source {}", shown(source))).unwrap_or_default();
    let root = attested.root().map(|root| {
        let sha256 = root.sha256.short();
        format!(", under the trusted root of {} ({}, sha256 {sha256})", shown(&root.instance), words_of(root.origin))
    });
    let policy = proven.policy.as_deref().map(|policy| format!(", as {} asks", shown(policy))).unwrap_or_default();
    format!("{what}{who}{source}{}{policy}", root.unwrap_or_default())
}
