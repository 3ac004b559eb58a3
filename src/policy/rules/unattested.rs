//! An attestation that the manifest asks for is missing or refused, or evidence that is written down does not hold. No waiver lifts
//! this.
//!
//! A tool may `require` attestation policies: each must hold for every release file of the approval, by at least one of the bundles
//! that the approval names for that file. What stands beside that is verified as well: evidence that is written down must hold.

use super::mismatched::releases;
use super::{Case, Ruling, approved};
use crate::manifest::{Approval, AttestationPolicy, EvidenceRef, Release};
use crate::policy::verdict::{Attestation, Lacking, Proven, Unattested, Verdict};
use crate::trust::attested::Expectation;
use crate::trust::stored::{Asked, Expected};
use std::collections::BTreeSet;

/// The refusal, where approvals hold by their bytes and none of them by its attestations.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    let mut first = None;
    for (approval, _) in approved::holding(case) {
        match attestation(case, approval) {
            Ok(_) => return None,
            Err(why) => first = first.or(Some((approval, why))),
        }
    }
    let (approval, why) = first?;
    let attestation = why.policy.as_deref().and_then(|id| policy_named(case, id));
    Some(Ruling { approval: Some(approval), attestation, ..Ruling::of_manifest(Verdict::Unattested(why)) })
}

/// What is known of the attestations of an approval's release files.
///
/// # Errors
/// [`Unattested`]: what is asked for and not there.
pub fn attestation(case: &Case<'_>, approval: &Approval) -> Result<Attestation, Unattested> {
    let required = required(case);
    if let Some(id) = required.first() {
        let lacking = |why| Unattested { policy: Some((*id).to_owned()), release: None, why };
        if approval.is_unattested {
            return Err(lacking(Lacking::StatedNone));
        }
        if releases(approval).next().is_none() {
            return Err(lacking(Lacking::NoRelease));
        }
    }
    let (mut proofs, mut bare) = (Vec::new(), Vec::new());
    for release in releases(approval) {
        if release.evidence.is_empty() {
            bare.push(name_of(release));
        }
        for id in &required {
            proofs.push(required_of(case, approval, release, id)?);
        }
        for evidence in &release.evidence {
            let asked = asked_of_anyone(case, release, evidence);
            let attested = case.policy.attested().of(&asked).map_err(|refusal| Unattested {
                policy: None,
                release: Some(name_of(release)),
                why: Lacking::Refused { evidence: evidence.path.clone(), refusal: Box::new(refusal.clone()) },
            })?;
            if !proofs.iter().any(|known: &Proven| known.attested == *attested) {
                proofs.push(Proven { policy: None, attested: attested.clone() });
            }
        }
    }
    Ok(if proofs.is_empty() { Attestation::None } else { Attestation::Verified { proofs, bare } })
}

/// The first bundle of a release file that shows what one policy asks for.
fn required_of(case: &Case<'_>, approval: &Approval, release: &Release, id: &str) -> Result<Proven, Unattested> {
    let lacking = |why| Unattested { policy: Some(id.to_owned()), release: Some(name_of(release)), why };
    let policy = policy_named(case, id).ok_or_else(|| lacking(Lacking::UnknownPolicy))?;
    let mut first = None;
    for evidence in &release.evidence {
        match case.policy.attested().of(&asked(case, policy, approval, release, evidence)) {
            Ok(attested) => return Ok(Proven { policy: Some(id.to_owned()), attested: attested.clone() }),
            Err(refusal) => {
                first = first.or(Some(Lacking::Refused { evidence: evidence.path.clone(), refusal: Box::new(refusal.clone()) }));
            }
        }
    }
    Err(lacking(first.unwrap_or(Lacking::NoEvidence)))
}

/// Everything that has to be verified before the approvals that hold for a subject by their bytes can be judged.
#[must_use]
pub fn questions(case: &Case<'_>) -> Vec<Asked> {
    let policies: Vec<&AttestationPolicy> = required(case).iter().filter_map(|id| policy_named(case, id)).collect();
    let mut all = Vec::new();
    for (approval, _) in approved::holding(case) {
        for release in releases(approval) {
            for evidence in &release.evidence {
                all.extend(policies.iter().map(|policy| asked(case, policy, approval, release, evidence)));
                all.push(asked_of_anyone(case, release, evidence));
            }
        }
    }
    all
}

fn asked(case: &Case<'_>, policy: &AttestationPolicy, approval: &Approval, release: &Release, evidence: &EvidenceRef) -> Asked {
    let expectation = Expectation::of_policy(policy, &approval.version, case.policy.manifest().min_bundle);
    let expected = Expected::Policy { instance: policy.instance.clone(), expectation: Box::new(expectation) };
    Asked { subject: release.digests.clone(), evidence: evidence.clone(), expected }
}

/// What a policy of the tool accepts is an accepted form for all evidence of the tool: a bundle that shows what is required must not be
/// refused for its form by the look that asks for nobody.
fn asked_of_anyone(case: &Case<'_>, release: &Release, evidence: &EvidenceRef) -> Asked {
    let default = case.policy.manifest().min_bundle;
    let of_policies = required(case).into_iter().filter_map(|id| policy_named(case, id)?.min_bundle);
    let expected = Expected::Anyone { min_bundle: of_policies.fold(default, std::cmp::min) };
    Asked { subject: release.digests.clone(), evidence: evidence.clone(), expected }
}

/// The policies that a tool requires. Where it stands in the manifest more than once, those of every place.
fn required<'a>(case: &Case<'a>) -> BTreeSet<&'a str> {
    let entries = case.policy.manifest().tools.iter().filter(|entry| entry.id == case.tool.id);
    entries.flat_map(|entry| &entry.require).map(String::as_str).collect()
}

fn policy_named<'a>(case: &Case<'a>, id: &str) -> Option<&'a AttestationPolicy> {
    case.policy.manifest().attestations.iter().find(|policy| policy.id == id)
}

/// A release file in words: its package and version, else its digest.
fn name_of(release: &Release) -> String {
    match (&release.package, release.digests.iter().next()) {
        (Some(package), _) => format!("{} {}", package.package.name, package.version),
        (None, Some(digest)) => format!("the release file {} {}", digest.algorithm(), digest.short()),
        (None, None) => "the release file".to_owned(),
    }
}
