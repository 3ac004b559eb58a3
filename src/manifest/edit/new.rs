//! The first issue of each document.

use super::{quoted, whole_seconds, word};
use crate::manifest::{Beacon, Mode};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;

/// Who is to sign what, for [`new_trust_policy`].
#[derive(Debug, Clone)]
pub struct Founders<'a> {
    /// Each signer with the public key as PEM.
    pub signers: &'a [(String, String)],
    /// How many of [`Founders::signers`] sign the trust policy and the manifest.
    pub threshold: usize,
    /// Those on call, each with the public key as PEM: any one of them signs revocations, and so does any signer. Nobody has the
    /// role when it is empty.
    pub on_call: &'a [(String, String)],
}

/// The first issue of a manifest, without approvals, with these revocations as TOML text.
#[must_use]
pub fn new_manifest(name: &str, mode: Mode, now: Timestamp, lifetime: SignedDuration, revocations: &str) -> String {
    let issued = whole_seconds(now);
    let expires = issued.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    format!(
        "kind    = \"vetted/manifest\"\nschema  = 1\nname    = {}\nserial  = 1\nissued  = {issued}\nexpires = {expires}\n\
         # monitor: what is not approved is listed and passes. enforce: it blocks. What is revoked blocks in both.\n\
         mode    = {}\n\n[defaults]\nunlisted = \"block\"\n\n{revocations}",
        quoted(name),
        quoted(&word(&mode)),
    )
}

/// The first issue of a revocations document, without revocations.
#[must_use]
pub fn new_revocations(name: &str, beacon: &Beacon, now: Timestamp, lifetime: SignedDuration) -> String {
    let issued = whole_seconds(now);
    let expires = issued.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    format!(
        "kind     = \"vetted/revocations\"\nschema   = 1\nname     = {}\nserial   = 1\nissued   = {issued}\nexpires  = {expires}\n\
         # The newest manifest when this was signed: an older one beside it is refused.\n\
         manifest = {{ serial = {}, sha256 = \"{}\" }}\n",
        quoted(name),
        beacon.serial,
        beacon.sha256.hex(),
    )
}

/// The first version of a trust policy.
#[must_use]
pub fn new_trust_policy(name: &str, founders: &Founders<'_>, now: Timestamp, lifetime: SignedDuration) -> String {
    let expires = whole_seconds(now).checked_add(lifetime).unwrap_or(Timestamp::MAX);
    let mut text =
        format!("kind    = \"vetted/trust\"\nschema  = 1\nname    = {}\nversion = 1\nexpires = {expires}\n", quoted(name));
    for (signer, pem) in founders.signers.iter().chain(founders.on_call) {
        let _ = write!(
            text,
            "\n[[signer]]\nid = {}\n\n  [[signer.keys]]\n  algorithm = \"ecdsa-p256-sha256\"\n  pem = \"\"\"\n{}\n\"\"\"\n",
            quoted(signer),
            pem.trim_end(),
        );
    }
    let names = |lists: &[&[(String, String)]]| -> String {
        let names: Vec<String> = lists.iter().flat_map(|list| list.iter()).map(|(name, _)| quoted(name)).collect();
        format!("[{}]", names.join(", "))
    };
    let mut role = |role: &str, threshold: usize, signers: String| {
        let _ = write!(text, "\n[role.{role}]\nthreshold = {threshold}\nsigners   = {signers}\n");
    };
    role("root", founders.threshold, names(&[founders.signers]));
    role("manifest", founders.threshold, names(&[founders.signers]));
    if !founders.on_call.is_empty() {
        role("revocations", 1, names(&[founders.on_call, founders.signers]));
    }
    text
}
