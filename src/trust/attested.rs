//! What an attestation was verified to show: [`Attested`], or why it is not believed.
//!
//! An attestation speaks of a release file by its digest. What is asked of one stands in an [`Expectation`], in exact strings: who
//! signed, what kind of statement, from which repository by number, on which builder.

use super::attestation_refusal::{AttestationRefusal, Differs};
use super::sigstore::{AttestationBundle, Claims, Proved, Signer, TrustRoot, listed};
use crate::attestation::Statement;
use crate::attestation::provenance::Provenance;
use crate::digest::DigestSet;
use crate::manifest::{AttestationPolicy, Attestor, BundleVersion};
use jiff::Timestamp;

/// What an attestation has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Who must have signed; `{version}` is filled in already.
    pub by: Attestor,
    /// Predicate types that count, exact. Empty accepts a statement of any type and a plain signature over the file.
    pub predicates: Vec<String>,
    /// See [`AttestationPolicy::source`].
    pub source: Option<String>,
    /// See [`AttestationPolicy::source_id`].
    pub source_id: Option<String>,
    /// See [`AttestationPolicy::owner_id`].
    pub owner_id: Option<String>,
    /// See [`AttestationPolicy::builder`].
    pub builder: Option<String>,
    /// The oldest form of a bundle that counts.
    pub min_bundle: BundleVersion,
}

impl Expectation {
    /// What a policy of the manifest asks for, for one version of a tool. `min_bundle` holds where the policy does not say.
    #[must_use]
    pub fn of_policy(policy: &AttestationPolicy, version: &str, min_bundle: BundleVersion) -> Self {
        let by = match &policy.by {
            Attestor::Identity { issuer, identity } => {
                Attestor::Identity { issuer: issuer.clone(), identity: identity.replace("{version}", version) }
            }
            key @ Attestor::Key { .. } => key.clone(),
        };
        Self {
            by,
            predicates: policy.predicates.clone(),
            source: policy.source.clone(),
            source_id: policy.source_id.clone(),
            owner_id: policy.owner_id.clone(),
            builder: policy.builder.clone(),
            min_bundle: policy.min_bundle.unwrap_or(min_bundle),
        }
    }
}

/// Which trusted root a bundle was verified under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootUsed {
    /// The Sigstore instance: `sigstore-public-good`, `github`, or one of the organisation.
    pub instance: String,
    /// Where the root came from.
    pub origin: RootOrigin,
    /// SHA-256 of its bytes.
    pub sha256: crate::digest::Digest,
}

/// Where a trusted root came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootOrigin {
    /// The organisation's trust policy pins it.
    Organisation,
    /// `vetted sync` brought it from the instance's TUF repository.
    Refreshed,
    /// It is part of this program.
    BuiltIn,
    /// It was named on the command line.
    CommandLine,
}

/// An attestation that was verified for exactly these digests. Can be made only in `trust`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    pub(super) subject: DigestSet,
    pub(super) predicate: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) source: Option<String>,
    pub(super) source_id: Option<String>,
    pub(super) owner_id: Option<String>,
    pub(super) builder: Option<String>,
    pub(super) signed_at: Vec<Timestamp>,
    pub(super) root: Option<RootUsed>,
}

impl Attested {
    /// Digests of the file it speaks of, as they were computed from the file.
    #[must_use]
    pub fn subject(&self) -> &DigestSet {
        &self.subject
    }

    /// The type of its predicate; `None` where it is a plain signature over the file.
    #[must_use]
    pub fn predicate(&self) -> Option<&str> {
        self.predicate.as_deref()
    }

    /// Who vouched for the identity; `None` where a key signed.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Who signed; `None` where a key did.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// The repository that the certificate names as source.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The number of that repository at its forge.
    #[must_use]
    pub fn source_id(&self) -> Option<&str> {
        self.source_id.as_deref()
    }

    /// The number of its owner.
    #[must_use]
    pub fn owner_id(&self) -> Option<&str> {
        self.owner_id.as_deref()
    }

    /// The builder that the provenance names.
    #[must_use]
    pub fn builder(&self) -> Option<&str> {
        self.builder.as_deref()
    }

    /// Verified times of signing, earliest first.
    #[must_use]
    pub fn signed_at(&self) -> &[Timestamp] {
        &self.signed_at
    }

    /// The trusted root it was verified under; `None` where only a key counted.
    #[must_use]
    pub fn root(&self) -> Option<&RootUsed> {
        self.root.as_ref()
    }
}

/// Verify that a bundle attests exactly this file as expected: who signed and that somebody vouches for it, when, in which log, from
/// which repository, on which builder, and that it is about this file under every digest that is known of it.
///
/// A key needs no root; where one is given, the log entries and time stamps of the bundle have to hold under it.
///
/// # Errors
/// [`AttestationRefusal`], by the step that failed. What is verified with keys and certificates comes before what the policy asks
/// beyond that.
pub fn attest(
    bundle: &AttestationBundle,
    subject: &DigestSet,
    expected: &Expectation,
    root: Option<(&TrustRoot, &RootUsed)>,
) -> Result<Attested, AttestationRefusal> {
    if bundle.version() < expected.min_bundle {
        let wanted = format!("a bundle of version {} or newer", expected.min_bundle.name());
        return Err(AttestationRefusal::BundleVersion(Differs::new(wanted, bundle.version().name())));
    }
    let proved = prove(bundle, subject, &expected.by, root)?;
    let none = Claims::default();
    let claims = match bundle.signer() {
        Signer::Identity(claims) => claims,
        Signer::Key { .. } => &none,
    };
    same(expected.source.as_ref(), claims.source.as_ref(), AttestationRefusal::Source)?;
    same(expected.source_id.as_ref(), claims.source_id.as_ref(), AttestationRefusal::SourceId)?;
    same(expected.owner_id.as_ref(), claims.owner_id.as_ref(), AttestationRefusal::OwnerId)?;
    let statement = bundle.statement();
    check_subject(statement, subject)?;
    check_predicate(statement, &expected.predicates)?;
    let builder = statement.and_then(Provenance::of).map(|provenance| provenance.builder);
    same(expected.builder.as_ref(), builder.as_ref(), AttestationRefusal::Builder)?;
    Ok(Attested {
        subject: subject.clone(),
        predicate: statement.map(|statement| statement.predicate_type.clone()),
        issuer: claims.issuer.clone(),
        identity: claims.identity.clone(),
        source: claims.source.clone(),
        source_id: claims.source_id.clone(),
        owner_id: claims.owner_id.clone(),
        builder,
        signed_at: proved.times,
        root: root.filter(|_| proved.under_root).map(|(_, used)| used.clone()),
    })
}

fn prove(
    bundle: &AttestationBundle,
    subject: &DigestSet,
    by: &Attestor,
    root: Option<(&TrustRoot, &RootUsed)>,
) -> Result<Proved, AttestationRefusal> {
    let root = root.map(|(root, _)| root);
    match by {
        Attestor::Identity { issuer, identity } => {
            let Some(root) = root else {
                return Err(AttestationRefusal::Root(Differs::new("the trusted root of the instance", "none")));
            };
            bundle.prove_identity(subject, root, (issuer, identity))
        }
        Attestor::Key { spki, not_after } => {
            let proved = bundle.prove_key(subject, root, spki)?;
            if let Some(end) = not_after {
                check_end(*end, &proved.times)?;
            }
            Ok(proved)
        }
    }
}

/// A key that ended counts for what it signed before, which only a verified time can show. The clock of this machine is not asked:
/// what was verified stays verified.
fn check_end(end: Timestamp, times: &[Timestamp]) -> Result<(), AttestationRefusal> {
    let late = match times {
        [] => "no verified time of signing".to_owned(),
        times => match times.iter().find(|time| **time >= end) {
            Some(late) => late.to_string(),
            None => return Ok(()),
        },
    };
    Err(AttestationRefusal::KeyEnded(Differs::new(format!("a signature from before {end}"), late)))
}

/// A claim that is asked for has to be there and equal.
fn same(
    expected: Option<&String>,
    found: Option<&String>,
    refusal: fn(Differs) -> AttestationRefusal,
) -> Result<(), AttestationRefusal> {
    match expected {
        Some(wanted) if found != Some(wanted) => {
            let found = found.map_or_else(|| "none".to_owned(), |found| format!("`{found}`"));
            Err(refusal(Differs::new(format!("`{wanted}`"), found)))
        }
        _ => Ok(()),
    }
}

fn check_subject(statement: Option<&Statement>, file: &DigestSet) -> Result<(), AttestationRefusal> {
    // A signature over the file itself was verified with its digest.
    let Some(statement) = statement else { return Ok(()) };
    if statement.subject(file).is_some() {
        return Ok(());
    }
    let shown = statement.subjects.iter().take(SHOWN).map(|subject| format!("{} {}", subject.name, listed(&subject.digests)));
    let mut found = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = statement.subjects.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        found = format!("{found} and {more} more");
    }
    Err(AttestationRefusal::Subject(Differs::new(listed(file), found)))
}

/// How many subjects of a statement about other files are named.
const SHOWN: usize = 3;

fn check_predicate(statement: Option<&Statement>, expected: &[String]) -> Result<(), AttestationRefusal> {
    if expected.is_empty() {
        return Ok(());
    }
    let found = statement.map(|statement| statement.predicate_type.as_str());
    if found.is_some_and(|found| expected.iter().any(|wanted| wanted == found)) {
        return Ok(());
    }
    let wanted = expected.iter().map(|wanted| format!("`{wanted}`")).collect::<Vec<_>>().join(" or ");
    let found = found.map_or_else(|| "a signature over the file and no statement".to_owned(), |found| format!("`{found}`"));
    Err(AttestationRefusal::Predicate(Differs::new(wanted, found)))
}
