//! `vetted-trust.toml`.

use super::{refuse_twins, words};
use crate::manifest::schema::Fields;
use crate::manifest::trust_policy::{Role, RoleHolders, Signer, SignerKey, TrustPolicy, WAIVER_LIMIT};
use crate::source::Spanned;
use pkcs8::der::Document;
use std::collections::BTreeMap;

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
    refuse_twins(signers.iter().map(|s| Spanned { value: &s.value.id, span: s.span.clone() }), problems, |id| {
        format!("the signer `{id}` stands twice")
    });
    let keys = signers.iter().flat_map(|s| s.value.keys.iter().map(|k| Spanned { value: &k.spki, span: s.span.clone() }));
    refuse_twins(keys, problems, |_| "this public key stands twice: one key is one signer's".to_owned());
    let signers: BTreeMap<_, _> = signers.into_iter().map(|s| (s.value.id.clone(), s.value)).collect();
    let roles = roles(fields, &signers);
    Some(TrustPolicy {
        name: name?.value,
        version: version?.value,
        expires: expires?.value,
        signers,
        roles: roles?,
        waiver_limit: WAIVER_LIMIT,
        instances: BTreeMap::new(),
    })
}

fn signer(mut fields: Fields<'_, '_>) -> Option<Spanned<Signer>> {
    let id = fields.need("id", words::id);
    let tables = fields.tables("keys", "an entry of `keys`");
    if tables.is_empty() {
        fields.problems.add(fields.span.clone(), "a signer has at least one key in `keys`");
    }
    let keys = tables.into_iter().filter_map(key).collect();
    fields.finish();
    let id = id?;
    Some(Spanned { value: Signer { id: id.value, keys, identities: Vec::new() }, span: id.span })
}

fn key(mut fields: Fields<'_, '_>) -> Option<SignerKey> {
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

fn roles(fields: &mut Fields<'_, '_>, signers: &BTreeMap<String, Signer>) -> Option<BTreeMap<Role, RoleHolders>> {
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
    table.finish();
    Some(roles)
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
