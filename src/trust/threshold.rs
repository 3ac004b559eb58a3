//! The one k-of-n rule: how many distinct signers of a role stand behind exactly these bytes.
//!
//! Signers are counted, not keys and not bundles: two keys of one person, a key and an identity of one person, or one bundle
//! twice, are one voice (threat T-08). Only holders of the role count, and only with keys that have not ended.

use super::authority::Authority;
use super::content::Content;
use super::refusal::{EvidenceStep, Refusal};
use super::sigstore::{IdentityBundle, KeyBundle, SignatureBundle};
use crate::manifest::trust_policy::{Role, RoleHolders, Signer, SignerKey};
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
pub fn tally<'d>(
    authority: &Authority,
    role: Role,
    document: impl Into<Content<'d>>,
    bundles: &[SignatureBundle],
    now: Timestamp,
) -> Result<Tally, Refusal> {
    let document = document.into();
    let holders = holders_of(authority, role)?;
    let mut counted: Vec<&str> = Vec::new();
    let mut refused = Vec::new();
    for bundle in bundles {
        match signer_of(bundle, authority, role, &document, now) {
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
pub fn verify<'d>(
    authority: &Authority,
    role: Role,
    document: impl Into<Content<'d>>,
    bundles: &[SignatureBundle],
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    let mut tally = tally(authority, role, document, bundles, now)?;
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

/// The holder of a role who made a signature. What the bundle says of its key, or its certificate of its owner, tells where to
/// look first and nothing more.
///
/// # Errors
/// [`Refusal::Digest`], [`Refusal::NoRole`]; for a key [`Refusal::Signature`], [`Refusal::NoKeyOfRole`], [`Refusal::KeyEnded`];
/// for an identity [`Refusal::NoIdentityOfRole`], [`Refusal::TrustedRoot`], [`Refusal::NoInclusionProof`], [`Refusal::Evidence`].
pub fn signer_of<'a, 'd>(
    bundle: &SignatureBundle,
    authority: &'a Authority,
    role: Role,
    document: impl Into<Content<'d>>,
    now: Timestamp,
) -> Result<&'a str, Refusal> {
    let document = document.into();
    let holders = holders_of(authority, role)?;
    bundle.check_digest(document.sha256())?;
    let signers: Vec<&'a Signer> = holders.signers.iter().filter_map(|id| authority.policy.signers.get(id)).collect();
    match bundle {
        SignatureBundle::Key(bundle) => holder_of_key(bundle, &signers, role, &document, now),
        SignatureBundle::Identity(bundle) => holder_of_identity(bundle, authority, &signers, role, &document),
    }
}

fn holders_of(authority: &Authority, role: Role) -> Result<&RoleHolders, Refusal> {
    authority.policy.roles.get(&role).ok_or(Refusal::NoRole(role))
}

fn holder_of_key<'a>(
    bundle: &KeyBundle,
    signers: &[&'a Signer],
    role: Role,
    document: &Content<'_>,
    now: Timestamp,
) -> Result<&'a str, Refusal> {
    let mut keys: Vec<(&'a str, &SignerKey)> =
        signers.iter().flat_map(|signer| signer.keys.iter().map(|key| (signer.id.as_str(), key))).collect();
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

fn holder_of_identity<'a>(
    bundle: &IdentityBundle,
    authority: &Authority,
    signers: &[&'a Signer],
    role: Role,
    document: &Content<'_>,
) -> Result<&'a str, Refusal> {
    let mut why = Refusal::NoIdentityOfRole { role, identity: bundle.identity().to_owned(), issuer: bundle.issuer().to_owned() };
    let candidates = signers.iter().flat_map(|signer| signer.identities.iter().map(move |identity| (signer, identity)));
    for (signer, identity) in candidates.filter(|(_, identity)| bundle.claims(identity)) {
        let root = authority
            .roots
            .get(&identity.instance)
            .ok_or_else(|| Refusal::TrustedRoot { instance: identity.instance.clone(), why: "it is not there".to_owned() });
        match root.and_then(|root| bundle.verify(document, root, identity)) {
            Ok(()) => return Ok(signer.id.as_str()),
            // Where several instances could vouch for one identity, the one that came further is the one that was meant.
            Err(refusal) if how_far(&refusal) > how_far(&why) => why = refusal,
            Err(_) => {}
        }
    }
    Err(why)
}

/// How far the verification of a signature by an identity came before it failed.
fn how_far(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::TrustedRoot { .. } => 1,
        Refusal::Evidence { step: EvidenceStep::Identity | EvidenceStep::Signature | EvidenceStep::Digest, .. }
        | Refusal::NoInclusionProof { .. } => 3,
        Refusal::Evidence { .. } => 2,
        _ => 0,
    }
}
