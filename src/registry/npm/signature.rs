//! npm's registry signatures: over `name@version:integrity`, with a key of the registry (npm's documentation, "About ECDSA registry
//! signatures"). It proves that the registry itself said which digest belongs to a version; it says nothing of who made the file.

use super::document::Signature;
use crate::registry::web::json;
use crate::registry::{KnownFrom, RegistryError, RegistrySignature};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

/// The keys of the public npm registry, as npm's own client ships them. They are known by their fingerprint alone: a mirror hands
/// the signatures on.
const BUILT_IN: &str = include_str!("../../../attestations/trust/npm-registry-keys.json");

/// A key of a registry.
#[derive(Debug)]
pub(super) struct RegistryKey {
    id: String,
    /// SubjectPublicKeyInfo, DER.
    spki: Vec<u8>,
    /// The last instant of a release that it signs.
    until: Option<Timestamp>,
    known: KnownFrom,
}

/// What is signed.
pub(super) struct Signed<'a> {
    /// `name@version`.
    pub(super) package: String,
    /// As the registry writes it.
    pub(super) integrity: &'a str,
    pub(super) released: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrustedKeys {
    keys: Vec<TrustedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrustedKey {
    key_id: String,
    key_usage: String,
    public_key: TrustedPublicKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrustedPublicKey {
    raw_bytes: String,
    key_details: String,
    valid_for: ValidFor,
}

#[derive(Deserialize)]
struct ValidFor {
    end: Option<Timestamp>,
}

/// The keys that are built in.
pub(super) fn built_in() -> Vec<RegistryKey> {
    let Ok(file) = serde_json::from_str::<TrustedKeys>(BUILT_IN) else { return Vec::new() };
    let mine = |key: &TrustedKey| key.key_usage == "npm:signatures" && key.public_key.key_details == "PKIX_ECDSA_P256_SHA_256";
    let keys = file.keys.into_iter().filter(mine).filter_map(|key| {
        let spki = STANDARD.decode(&key.public_key.raw_bytes).ok()?;
        Some(RegistryKey { id: key.key_id, spki, until: key.public_key.valid_for.end, known: KnownFrom::BuiltIn })
    });
    keys.collect()
}

#[derive(Deserialize)]
struct ServedKeys {
    keys: Vec<ServedKey>,
}

#[derive(Deserialize)]
struct ServedKey {
    keyid: String,
    key: String,
    #[serde(default)]
    keytype: String,
    #[serde(default)]
    scheme: String,
    expires: Option<Timestamp>,
}

/// The keys in the answer of a registry to `/-/npm/v1/keys`.
pub(super) fn served(bytes: &[u8]) -> Result<Vec<RegistryKey>, String> {
    let file: ServedKeys = json(bytes, "these are no keys of a registry")?;
    let mine = |key: &ServedKey| key.keytype == "ecdsa-sha2-nistp256" && key.scheme == "ecdsa-sha2-nistp256";
    let keys = file.keys.into_iter().filter(mine).filter_map(|key| {
        let spki = STANDARD.decode(&key.key).ok()?;
        Some(RegistryKey { id: key.keyid, spki, until: key.expires, known: KnownFrom::Registry })
    });
    Ok(keys.collect())
}

/// Whether one of the signatures is by a key of these.
pub(super) fn knows(keys: &[RegistryKey], signatures: &[Signature]) -> bool {
    signatures.iter().any(|signature| keys.iter().any(|key| key.id == signature.keyid))
}

/// Verify every signature whose key is known. All of them have to hold.
///
/// # Errors
/// [`RegistryError::Signature`] for the first that does not.
pub(super) fn verify(
    signed: &Signed<'_>,
    signatures: &[Signature],
    keys: &[RegistryKey],
) -> Result<RegistrySignature, RegistryError> {
    let message = format!("{}:{}", signed.package, signed.integrity);
    let mut held = None;
    for signature in signatures {
        let Some(key) = keys.iter().find(|key| key.id == signature.keyid) else { continue };
        let refuse = |why: &str| RegistryError::Signature {
            package: signed.package.clone(),
            key: signature.keyid.clone(),
            why: why.to_owned(),
        };
        let bytes = STANDARD.decode(&signature.sig).map_err(|_| refuse("it is not base64"))?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.spki);
        public.verify(message.as_bytes(), &bytes).map_err(|_| refuse("it is not over this name, version and digest"))?;
        if let Some(until) = key.until {
            let released =
                signed.released.ok_or_else(|| refuse("the key has an end, and the registry states no time of release"))?;
            if released > until {
                return Err(refuse(&format!("the key ended {until}, and the release is of {released}")));
            }
        }
        held.get_or_insert_with(|| RegistrySignature::Holds { key: key.id.clone(), known: key.known });
    }
    Ok(held.unwrap_or_else(|| match signatures.first() {
        Some(first) => RegistrySignature::UnknownKey { key: first.keyid.clone() },
        None => RegistrySignature::Absent,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release of the public registry and its signature, as they stand in the tests of npm's own client (Artistic-2.0).
    #[test]
    fn a_signature_of_the_public_registry_holds_under_the_key_that_is_built_in() {
        let integrity = "sha512-QqZ7VJ/8xPkS9s2IWB7Shj3qTJdcRyeXKbPQnsZjsPEwvutGv0EGeVchPcauoiDFJlGbZMFq5GDCurAGNSghJQ==";
        let keyid = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";
        let sig = "MEUCIDrLNspFeU5NZ6d55ycVBZIMXnPJi/XnI1Y2dlJvK8P1AiEAnXjn1IOMUd+U7YfPH+FNjwfLq+jCwfH8uaxocq+mpPk=";
        let signatures = [Signature { keyid: keyid.to_owned(), sig: sig.to_owned() }];
        let said = |package: &str, released: Option<&str>| {
            let released = released.map(|text| text.parse().unwrap());
            verify(&Signed { package: package.to_owned(), integrity, released }, &signatures, &built_in())
                .map_err(|e| e.to_string())
        };
        let holds = RegistrySignature::Holds { key: keyid.to_owned(), known: KnownFrom::BuiltIn };
        assert_eq!(said("kms-demo@1.0.0", Some("2022-03-01T00:00:00Z")), Ok(holds));
        for (package, released, part) in [
            ("kms-demo@1.0.1", Some("2022-03-01T00:00:00Z"), "not over this name, version and digest"),
            // The key signs nothing any more.
            ("kms-demo@1.0.0", Some("2026-03-01T00:00:00Z"), "the key ended 2025-01-29"),
            ("kms-demo@1.0.0", None, "states no time of release"),
        ] {
            let refusal = said(package, released).unwrap_err();
            assert!(refusal.contains(part), "{refusal}");
        }
        assert_eq!(built_in().len(), 2);
    }
}
