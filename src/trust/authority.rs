//! A trust policy together with the trusted roots it pins: all that is needed to say who signed.

use super::refusal::Refusal;
use super::sigstore::{MAX_TRUSTED_ROOT, TrustRoot};
use crate::digest::Digest;
use crate::manifest::TrustPolicy;
use crate::manifest::trust_policy::{Instance, Role};
use crate::world::files::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Who may sign what, and by which roots identities are verified. It says nothing about whether the policy is believed.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Signers and roles.
    pub policy: TrustPolicy,
    /// The trusted roots of its instances, by the id of the instance. An identity of an instance that is not here counts for
    /// nobody.
    pub roots: BTreeMap<String, TrustRoot>,
}

impl Authority {
    /// A policy with all of its trusted roots, read from its folder.
    ///
    /// # Errors
    /// [`Refusal::TrustedRoot`], [`Refusal::TrustedRootDigest`].
    pub fn load(files: Files, folder: &Path, policy: TrustPolicy) -> Result<Self, Refusal> {
        let roots = policy
            .instances
            .iter()
            .map(|(id, instance)| Ok((id.clone(), load_root(files, folder, instance)?)))
            .collect::<Result<_, Refusal>>()?;
        Ok(Self { policy, roots })
    }

    /// An earlier version of a policy with those of its trusted roots that are still there. Sigstore instances renew their roots,
    /// and a root that is gone takes away only the voices that need it.
    #[must_use]
    pub fn load_earlier(files: Files, folder: &Path, policy: TrustPolicy) -> Self {
        let roots = policy
            .instances
            .iter()
            .filter_map(|(id, instance)| Some((id.clone(), load_root(files, folder, instance).ok()?)))
            .collect();
        Self { policy, roots }
    }
}

fn load_root(files: Files, folder: &Path, instance: &Instance) -> Result<TrustRoot, Refusal> {
    parse_root(instance, &read_root(files, folder, instance)?)
}

/// The bytes of the trusted root that an instance pins.
pub(super) fn read_root(files: Files, folder: &Path, instance: &Instance) -> Result<Vec<u8>, Refusal> {
    let unusable = |why: String| Refusal::TrustedRoot { instance: instance.id.clone(), why };
    let bytes = files.read(&folder.join(&instance.trusted_root), MAX_TRUSTED_ROOT).map_err(|e| unusable(e.to_string()))?;
    let found = Digest::sha256_of(&bytes);
    if found != instance.sha256 {
        return Err(Refusal::TrustedRootDigest {
            instance: instance.id.as_str().into(),
            expected: instance.sha256.clone(),
            found,
        });
    }
    Ok(bytes)
}

/// The trusted root of an instance, from its bytes.
pub(super) fn parse_root(instance: &Instance, bytes: &[u8]) -> Result<TrustRoot, Refusal> {
    TrustRoot::parse(bytes).map_err(|why| Refusal::TrustedRoot { instance: instance.id.clone(), why })
}

/// Every way in which the holders of a role can sign: fingerprints of keys, and identities with the root that vouches for them.
#[must_use]
pub(super) fn voices(policy: &TrustPolicy, role: Role) -> BTreeSet<String> {
    let holders = policy.roles.get(&role).map(|holders| holders.signers.as_slice()).unwrap_or_default();
    let mut voices = BTreeSet::new();
    for signer in holders.iter().filter_map(|id| policy.signers.get(id)) {
        voices.extend(signer.keys.iter().map(|key| key.fingerprint().hex()));
        voices.extend(signer.identities.iter().map(|at| format!("{}\n{}\n{}", at.instance, at.issuer, at.identity)));
    }
    voices
}
