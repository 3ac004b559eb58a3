//! Attestations at the time of an approval: what the tool's policies ask for is verified here, and only what holds is kept.
//!
//! Without a policy an identity proves nothing: anybody can attest anything under an identity of their own. So nothing is kept then,
//! and what was found is shown as the `[[attestation]]` that would ask for it, for a person to judge.

use super::asked::Asked;
use super::laid::{Laid, ReleasedFile};
use crate::attestation::forms;
use crate::cli::change::trust_beside;
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::{AttestationPolicy, Attestor, BundleVersion};
use crate::text::printable;
use crate::tool::ToolId;
use crate::trust::attested::{Attested, Expectation, attest};
use crate::trust::roots::{PUBLIC_GOOD, Roots};
use crate::trust::sigstore::{AttestationBundle, Signer};
use std::path::Path;

/// What was found and verified of a release.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// For each file of the release, in its order: the bundles that hold, by their text.
    pub(super) kept: Vec<Vec<Kept>>,
    /// Policies that would fit what was found, where the tool asks for none.
    pub(super) offers: Vec<AttestationPolicy>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// A bundle that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Its text.
    pub(super) text: String,
    /// What it was verified to show, in words.
    pub(super) shows: String,
}

impl Kept {
    /// Its SHA-256.
    pub(super) fn sha256(&self) -> Digest {
        Digest::sha256_of(self.text.as_bytes())
    }
}

/// A file for which a policy does not hold, and why.
#[derive(Debug)]
pub(super) struct Refused {
    /// Which file.
    file: String,
    /// Which policy.
    policy: String,
    /// What each bundle was refused for.
    causes: Vec<String>,
}

impl Refused {
    /// As people read it.
    pub(super) fn error(&self, tool: &ToolId, version: &str) -> Error {
        let error = Error::usage(format!(
            "{tool} {} is not attested as `{}` asks, and is not approved",
            printable(version),
            printable(&self.policy)
        ));
        let error = error.cause(format!("no attestation of {} holds", printable(&self.file)));
        let causes = if self.causes.is_empty() {
            vec!["its registry serves none, and none was given".to_owned()]
        } else {
            self.causes.clone()
        };
        let error = causes.into_iter().fold(error, Error::cause);
        error.hint("`--bundle FILE` gives an attestation that its registry does not serve")
    }
}

/// A bundle that could be read, or why not.
type Read = Result<(String, AttestationBundle), String>;

/// Verify what is served and what was given against every policy that the tool requires, and a new one, for every file of the release.
///
/// # Errors
/// [`Error`] when a policy or a trusted root cannot be had; the inner refusal when a policy does not hold.
pub(super) fn verify(
    asked: &Asked<'_>,
    folder: &Path,
    laid: &Laid,
    given: &[Vec<u8>],
    new: Option<&AttestationPolicy>,
) -> Result<Result<Proofs, Refused>, Error> {
    let roots = roots(asked, folder)?;
    let mut policies = required(asked)?;
    policies.extend(new);
    let mut proofs = Proofs::default();
    for file in &laid.releases {
        let bundles = read(file, given);
        if policies.is_empty() {
            proofs.kept.push(Vec::new());
            let found: Vec<AttestationPolicy> = offers(asked, &roots, laid, file, &bundles);
            for offer in found {
                if !proofs.offers.contains(&offer) {
                    proofs.offers.push(offer);
                }
            }
            continue;
        }
        let mut kept: Vec<Kept> = Vec::new();
        for policy in &policies {
            match hold(asked, &roots, policy, &laid.version, file, &bundles) {
                Ok(one) if !kept.iter().any(|other| other.text == one.text) => kept.push(one),
                Ok(_) => {}
                Err(causes) => return Ok(Err(Refused { file: file.name.clone(), policy: policy.id.clone(), causes })),
            }
        }
        proofs.kept.push(kept);
    }
    for file in &laid.releases {
        let unserved = file
            .unserved
            .iter()
            .map(|url| format!("its registry names an attestation of {} and does not serve it: {}", file.name, printable(url)));
        proofs.notes.extend(unserved);
    }
    Ok(Ok(proofs))
}

fn roots(asked: &Asked<'_>, folder: &Path) -> Result<Roots, Error> {
    let trust = trust_beside(asked.context, folder)?;
    let own = trust.map(|trust| trust.instances).unwrap_or_default();
    Ok(Roots::load(&asked.context.world, &own, Some(folder)))
}

/// The policies that the tool requires. A manifest in which a tool has two entries is refused where it is read.
fn required<'a>(asked: &'a Asked<'_>) -> Result<Vec<&'a AttestationPolicy>, Error> {
    let entry = asked.manifest.tools.iter().find(|entry| entry.id == asked.tool.id);
    let ids = entry.map(|entry| entry.require.as_slice()).unwrap_or_default();
    let policy = |id: &String| {
        let found = asked.manifest.attestations.iter().find(|policy| policy.id == *id);
        found.ok_or_else(|| Error::usage(format!("{} requires `{}`, which is no [[attestation]]", asked.tool.id, printable(id))))
    };
    ids.iter().map(policy).collect()
}

/// The bundles that are served or were given and are about a file, and those that cannot be read. A registry may serve those of all
/// files of a release together.
fn read(file: &ReleasedFile, given: &[Vec<u8>]) -> Vec<Read> {
    let mut found: Vec<Read> = Vec::new();
    let mut of_others = 0_usize;
    for document in file.attestations.iter().chain(given) {
        let texts = match forms::read(document) {
            Ok(texts) => texts,
            Err(forms::FormError::Empty) => continue,
            Err(error) => {
                found.push(Err(error.to_string()));
                continue;
            }
        };
        for text in texts {
            match AttestationBundle::parse(text.as_str()) {
                Ok(bundle) if bundle.is_about(&file.digests) => found.push(Ok((text.as_str().to_owned(), bundle))),
                Ok(_) => of_others += 1,
                Err(refusal) => found.push(Err(refusal.to_string())),
            }
        }
    }
    if found.is_empty() && of_others > 0 {
        found.push(Err(format!(
            "{of_others} attestations are there, and none is about this file: its digest is no subject of theirs"
        )));
    }
    found
}

/// The first bundle for which a policy holds.
fn hold(
    asked: &Asked<'_>,
    roots: &Roots,
    policy: &AttestationPolicy,
    version: &str,
    file: &ReleasedFile,
    bundles: &[Read],
) -> Result<Kept, Vec<String>> {
    let expected = Expectation::of_policy(policy, version, asked.manifest.min_bundle);
    let mut causes = Vec::new();
    for bundle in bundles {
        let (text, bundle) = match bundle {
            Ok(read) => read,
            Err(why) => {
                causes.push(why.clone());
                continue;
            }
        };
        let root = match (&policy.by, roots.get(&policy.instance)) {
            (_, Ok(root)) => Some(root),
            // A key counts without any instance.
            (Attestor::Key { .. }, Err(_)) => None,
            (Attestor::Identity { .. }, Err(error)) => return Err(vec![error.to_string()]),
        };
        match attest(bundle, &file.digests, &expected, root.as_ref().map(|root| (&root.trust, &root.used))) {
            Ok(attested) => return Ok(Kept { text: text.clone(), shows: shows(&attested) }),
            Err(refusal) => causes.push(refusal.to_string()),
        }
    }
    Err(causes)
}

/// What an attestation was verified to show, in words.
fn shows(attested: &Attested) -> String {
    let who = attested.identity().map_or_else(|| "a pinned key".to_owned(), |identity| printable(identity).into_owned());
    let what = attested.predicate().map(|predicate| format!(", {}", printable(predicate))).unwrap_or_default();
    let source = attested.source().map(|source| format!(", from {}", printable(source))).unwrap_or_default();
    format!("{who}{what}{source}")
}

/// The policies that would ask for exactly what was found: each is verified under what it claims before it is shown.
fn offers(asked: &Asked<'_>, roots: &Roots, laid: &Laid, file: &ReleasedFile, bundles: &[Read]) -> Vec<AttestationPolicy> {
    let mut found = Vec::new();
    for (_, bundle) in bundles.iter().filter_map(|bundle| bundle.as_ref().ok()) {
        let Signer::Identity(claims) = bundle.signer() else { continue };
        let (Some(identity), Some(statement)) = (&claims.identity, bundle.statement()) else { continue };
        let is_usable = |instance: &String| {
            let expected = Expectation {
                by: Attestor::Identity { issuer: claims.issuer.clone().unwrap_or_default(), identity: identity.clone() },
                predicates: vec![statement.predicate_type.clone()],
                source: claims.source.clone(),
                source_id: claims.source_id.clone(),
                owner_id: claims.owner_id.clone(),
                builder: None,
                min_bundle: BundleVersion::default(),
            };
            let root = roots.get(instance).ok();
            root.is_some_and(|root| attest(bundle, &file.digests, &expected, Some((&root.trust, &root.used))).is_ok())
        };
        let Some(instance) = roots.instances().into_iter().find(is_usable) else { continue };
        let policy = AttestationPolicy {
            id: asked.args.require.clone().unwrap_or_else(|| format!("{}-release", asked.tool.id)),
            predicates: vec![statement.predicate_type.clone()],
            instance,
            by: Attestor::Identity {
                issuer: claims.issuer.clone().unwrap_or_default(),
                identity: identity.replace(&laid.version, "{version}"),
            },
            source: claims.source.clone(),
            source_id: claims.source_id.clone(),
            owner_id: claims.owner_id.clone(),
            builder: None,
            min_bundle: None,
            line: 0,
        };
        if !found.contains(&policy) {
            found.push(policy);
        }
    }
    found
}

/// A policy as the manifest writes it.
pub(super) fn policy_text(policy: &AttestationPolicy) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut lines = vec!["[[attestation]]".to_owned(), format!("id = {}", quoted(&policy.id))];
    let predicates: Vec<String> = policy.predicates.iter().map(|predicate| quoted(predicate)).collect();
    match &predicates[..] {
        [one] => lines.push(format!("predicate = {one}")),
        several => lines.push(format!("predicate = [{}]", several.join(", "))),
    }
    if policy.instance != PUBLIC_GOOD {
        lines.push(format!("instance = {}", quoted(&policy.instance)));
    }
    if let Attestor::Identity { issuer, identity } = &policy.by {
        lines.push(format!("issuer = {}", quoted(issuer)));
        lines.push(format!("identity = {}", quoted(identity)));
    }
    let rest = [("source", &policy.source), ("source-id", &policy.source_id), ("owner-id", &policy.owner_id)];
    lines.extend(rest.iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} = {}", quoted(value)))));
    lines.join("\n")
}
