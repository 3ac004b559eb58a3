//! `vetted-trust.toml`.

use super::{refuse_twins, words};
use crate::manifest::duration;
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::trust_policy::{
    Identity, Instance, MAX_WAIVER, MIN_WAIVER, Role, RoleHolders, Signer, SignerKey, TrustPolicy, WAIVER_LIMIT,
};
use crate::source::Spanned;
use jiff::SignedDuration;
use pkcs8::der::Document;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// DER of a SubjectPublicKeyInfo for P-256 up to the point, which is uncompressed (RFC 5480, section 2.1.1 and 2.2). DER is
/// canonical, so a P-256 key has this beginning or is none.
const P256_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// The document.
pub(super) fn trust_policy(fields: &mut Fields<'_, '_>) -> Option<TrustPolicy> {
    let problems = fields.problems;
    let name = fields.need("name", words::policy_name);
    let version = fields.number("version");
    if let Some(version) = &version
        && version.value == 0
    {
        problems.add(version.span.clone(), "the first version is 1");
    }
    let expires = fields.time("expires");
    let mut signers = Vec::new();
    for entry in fields.tables("signer", "[[signer]]") {
        signers.extend(signer(entry));
    }
    refuse_twins(signers.iter().map(|s| Spanned { value: &s.value.signer.id, span: s.span.clone() }), problems, |id| {
        format!("the signer `{id}` stands twice")
    });
    let keys = signers.iter().flat_map(|s| s.value.signer.keys.iter().map(|k| Spanned { value: &k.spki, span: s.span.clone() }));
    refuse_twins(keys, problems, |_| "this public key stands twice: one key is one signer's".to_owned());
    let (instances, named) = instances(fields);
    identities(&signers, &named, problems);
    let signers: BTreeMap<_, _> = signers.into_iter().map(|s| (s.value.signer.id.clone(), s.value.signer)).collect();
    let (roles, waiver_limit) = roles(fields, &signers)?;
    Some(TrustPolicy {
        name: name?.value,
        version: version?.value,
        expires: expires?.value,
        signers,
        roles,
        waiver_limit,
        instances,
    })
}

/// A signer, and the place of each of its identities.
struct Entry {
    signer: Signer,
    identity_spans: Vec<Range<usize>>,
}

fn signer(mut fields: Fields<'_, '_>) -> Option<Spanned<Entry>> {
    let id = fields.need("id", words::id);
    let keys = fields.tables("keys", "an entry of `keys`");
    let identities = fields.table_or_tables("sigstore", "`sigstore`");
    if keys.is_empty() && identities.is_empty() {
        fields.problems.add_with_help(
            fields.span.clone(),
            "a signer has a key in `keys`, an identity in `sigstore`, or both",
            "without one nothing could be signed in this name",
        );
    }
    let keys = keys.into_iter().filter_map(key).collect();
    let mut entry = Entry { signer: Signer { id: String::new(), keys, identities: Vec::new() }, identity_spans: Vec::new() };
    for table in identities {
        let span = table.span.clone();
        if let Some(identity) = identity(table) {
            entry.signer.identities.push(identity);
            entry.identity_spans.push(span);
        }
    }
    fields.finish();
    let id = id?;
    entry.signer.id = id.value;
    Some(Spanned { value: entry, span: id.span })
}

/// `sigstore`: whom a certificate has to name, character by character.
fn identity(mut fields: Fields<'_, '_>) -> Option<Identity> {
    let instance = fields.need("instance", words::id);
    let issuer = fields.need("issuer", words::exact);
    let identity = fields.need("identity", words::exact);
    fields.finish();
    Some(Identity { instance: instance?.value, issuer: issuer?.value, identity: identity?.value })
}

/// Every `[[instance]]`, and every id that one has, those of entries with problems too.
fn instances(fields: &mut Fields<'_, '_>) -> (BTreeMap<String, Instance>, BTreeSet<String>) {
    let problems = fields.problems;
    let mut named = Vec::new();
    let mut found = BTreeMap::new();
    for entry in fields.tables("instance", "[[instance]]") {
        found.extend(instance(entry, &mut named).map(|instance| (instance.id.clone(), instance)));
    }
    let ids = named.iter().map(|id| id.value.clone()).collect();
    refuse_twins(named, problems, |id| format!("the instance `{id}` stands twice"));
    (found, ids)
}

fn instance(mut fields: Fields<'_, '_>, named: &mut Vec<Spanned<String>>) -> Option<Instance> {
    let id = fields.need("id", words::id);
    named.extend(id.clone());
    if !fields.has("trusted-root") {
        fields.problems.add(fields.span.clone(), "an instance is known by its `trusted-root`, a path and a sha256");
    }
    let root = fields.table("trusted-root", "`trusted-root`").and_then(|mut root| {
        let path = root.need("path", words::file_beside);
        let sha256 = root.need("sha256", words::sha256);
        root.finish();
        path.zip(sha256)
    });
    fields.finish();
    let (id, (path, sha256)) = (id?, root?);
    Some(Instance { id: id.value, trusted_root: path.value, sha256: sha256.value })
}

/// Each identity is one signer's, like each key, and its instance is known.
fn identities(signers: &[Spanned<Entry>], instances: &BTreeSet<String>, problems: &Problems) {
    let places = signers.iter().flat_map(|s| s.value.signer.identities.iter().zip(&s.value.identity_spans));
    for (identity, span) in places.filter(|(identity, _)| !instances.contains(&identity.instance)) {
        problems.add(span.clone(), format!("no [[instance]] has the id `{}`", identity.instance));
    }
    let mut owners: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for Spanned { value: Entry { signer, identity_spans }, .. } in signers {
        for (index, (identity, span)) in signer.identities.iter().zip(identity_spans).enumerate() {
            // Several instances can vouch for one person, and mail systems take capitals for small letters: the person counts.
            let owner = owners.entry((&identity.issuer, identity.identity.to_ascii_lowercase())).or_insert(&signer.id);
            if *owner != signer.id || signer.identities.iter().take(index).any(|earlier| earlier == identity) {
                problems.add(span.clone(), "this identity stands twice: one identity is one signer's");
            }
        }
    }
}

/// A public key, and until when its signatures count.
pub(super) fn key(mut fields: Fields<'_, '_>) -> Option<SignerKey> {
    fields.need("algorithm", |text| match text {
        "ecdsa-p256-sha256" => Ok(()),
        _ => Err(format!("`{text}` is not `ecdsa-p256-sha256`, the one algorithm of this version")),
    });
    let spki = fields.need("pem", p256_key);
    let not_after = fields.maybe_time("not-after").map(|t| t.value);
    let wrong_end = not_after.is_none() && fields.has("not-after");
    fields.finish();
    if wrong_end {
        return None;
    }
    Some(SignerKey { spki: spki?.value, not_after })
}

/// The DER of a P-256 public key given as PEM (RFC 7468).
pub(super) fn p256_key(pem: &str) -> Result<Vec<u8>, String> {
    let (label, document) = Document::from_pem(pem).map_err(|e| format!("this is no PEM text: {e}"))?;
    if label != "PUBLIC KEY" {
        return Err(format!("this is a `{label}`, not a `PUBLIC KEY`"));
    }
    let der = document.as_bytes();
    if der.len() != P256_PREFIX.len() + 64 || !der.starts_with(&P256_PREFIX) {
        return Err("this is no ECDSA P-256 public key".to_owned());
    }
    Ok(der.to_vec())
}

/// `[role]`: who holds which, and how long a waiver may run.
fn roles(
    fields: &mut Fields<'_, '_>,
    signers: &BTreeMap<String, Signer>,
) -> Option<(BTreeMap<Role, RoleHolders>, SignedDuration)> {
    let problems = fields.problems;
    if !fields.has("role") {
        problems.add(fields.span.clone(), "the document lacks the table [role]");
    }
    let mut table = fields.table("role", "[role]")?;
    let mut roles = BTreeMap::new();
    for role in [Role::Root, Role::Manifest, Role::Revocations] {
        if let Some(entry) = table.table(role.name(), "a role") {
            roles.extend(holders(entry, signers).map(|holders| (role, holders)));
        } else if role != Role::Revocations && !table.has(role.name()) {
            problems.add(table.span.clone(), format!("the role `{}` is missing", role.name()));
        }
    }
    let waivers = table.table("waivers", "[role.waivers]").and_then(waivers);
    table.finish();
    Some((roles, waivers.unwrap_or(WAIVER_LIMIT)))
}

/// `[role.waivers]`: nobody holds it. Waivers stand in the manifest, and its role signs them.
fn waivers(mut fields: Fields<'_, '_>) -> Option<SignedDuration> {
    fields.refuse(
        &["threshold", "signers"],
        |key| format!("[role.waivers] has no `{key}`: nobody signs waivers alone"),
        "waivers stand in the manifest and are signed with it, by the role `manifest`",
    );
    let limit = fields.need("max-duration", |text| duration::between(text, MIN_WAIVER, MAX_WAIVER));
    fields.finish();
    Some(limit?.value)
}

fn holders(mut fields: Fields<'_, '_>, known: &BTreeMap<String, Signer>) -> Option<RoleHolders> {
    let problems = fields.problems;
    let threshold = fields.number("threshold");
    let signers = fields.list("signers", words::id);
    for signer in signers.iter().filter(|s| !known.contains_key(&s.value)) {
        problems.add(signer.span.clone(), format!("no [[signer]] has the id `{}`", signer.value));
    }
    refuse_twins(signers.iter().cloned(), problems, |id| format!("`{id}` holds this role already"));
    if let Some(threshold) = &threshold {
        if threshold.value == 0 {
            problems.add(threshold.span.clone(), "a threshold is at least 1");
        } else if threshold.value > signers.len() as u64 {
            problems.add(
                threshold.span.clone(),
                format!(
                    "{} signatures can never be reached by the holders of this role: they are {}",
                    threshold.value,
                    signers.len()
                ),
            );
        }
    }
    fields.finish();
    let threshold = usize::try_from(threshold?.value).ok()?;
    Some(RoleHolders { threshold, signers: signers.into_iter().map(|s| s.value).collect() })
}
