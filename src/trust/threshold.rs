//! The one k-of-n rule: how many distinct signers of a role stand behind exactly these bytes.
//!
//! Signers are counted, not keys and not bundles: two keys of one person, or one bundle twice, are one voice (threat T-08). Only
//! holders of the role count, and only with keys that have not ended.

use super::refusal::Refusal;
use super::sigstore::KeyBundle;
use crate::manifest::TrustPolicy;
use crate::manifest::trust_policy::{Role, SignerKey};
use jiff::Timestamp;

/// Who signed, and who has not.
#[derive(Debug)]
pub struct Tally {
    /// Distinct holders of the role whose signature verifies, in the order of the role.
    pub found: Vec<String>,
    /// How many are needed.
    pub needed: usize,
    /// Holders who have not signed, in the order of the role.
    pub missing: Vec<String>,
    /// Why a bundle does not count, in the order of the bundles.
    pub refused: Vec<Refusal>,
}

/// Count the signers of a role behind a document.
///
/// # Errors
/// [`Refusal::NoRole`].
pub fn tally(trust: &TrustPolicy, role: Role, document: &[u8], bundles: &[KeyBundle], now: Timestamp) -> Result<Tally, Refusal> {
    let holders = trust.roles.get(&role).ok_or(Refusal::NoRole(role))?;
    let mut counted: Vec<&str> = Vec::new();
    let mut refused = Vec::new();
    for bundle in bundles {
        match signer_of(bundle, trust, role, document, now) {
            Ok(signer) if !counted.contains(&signer) => counted.push(signer),
            Ok(_) => {}
            Err(refusal) => refused.push(refusal),
        }
    }
    let (found, missing) = holders.signers.iter().cloned().partition(|id| counted.contains(&id.as_str()));
    Ok(Tally { found, needed: holders.threshold, missing, refused })
}

/// The signers of a role behind a document, where they are enough.
///
/// # Errors
/// Where the one bundle that is there does not count, the reason for that. [`Refusal::Threshold`] where signers are missing.
/// [`Refusal::NoRole`].
pub fn verify(
    trust: &TrustPolicy,
    role: Role,
    document: &[u8],
    bundles: &[KeyBundle],
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    let mut tally = tally(trust, role, document, bundles, now)?;
    // A threshold of 0 cannot be written; if it could, nobody would still be nobody.
    if !tally.found.is_empty() && tally.found.len() >= tally.needed {
        return Ok(tally.found);
    }
    match tally.refused.pop() {
        Some(only) if bundles.len() == 1 => Err(only),
        last => {
            tally.refused.extend(last);
            Err(Refusal::Threshold {
                role,
                found: tally.found,
                needed: tally.needed,
                missing: tally.missing,
                refused: tally.refused,
            })
        }
    }
}

/// The holder of a role whose key made a signature. The hint says where to look first and nothing more.
///
/// # Errors
/// [`Refusal::Digest`], [`Refusal::Signature`], [`Refusal::NoKeyOfRole`], [`Refusal::KeyEnded`], [`Refusal::NoRole`].
pub fn signer_of<'a>(
    bundle: &KeyBundle,
    trust: &'a TrustPolicy,
    role: Role,
    document: &[u8],
    now: Timestamp,
) -> Result<&'a str, Refusal> {
    let holders = trust.roles.get(&role).ok_or(Refusal::NoRole(role))?;
    bundle.check_digest(document)?;
    let mut keys: Vec<(&'a str, &SignerKey)> = holders
        .signers
        .iter()
        .filter_map(|id| trust.signers.get(id).map(|signer| (id.as_str(), signer)))
        .flat_map(|(id, signer)| signer.keys.iter().map(move |key| (id, key)))
        .collect();
    keys.sort_by_key(|(_, key)| !bundle.names(&key.spki));
    for (id, key) in &keys {
        if bundle.is_by(&key.spki, document) {
            return match key.not_after {
                Some(since) if since <= now => Err(Refusal::KeyEnded { signer: (*id).to_owned(), since }),
                _ => Ok(id),
            };
        }
    }
    match keys.first() {
        Some((id, key)) if bundle.names(&key.spki) => Err(Refusal::Signature { signer: (*id).to_owned() }),
        _ => Err(Refusal::NoKeyOfRole { role, hint: bundle.hint().to_owned() }),
    }
}
