//! Attestations of Python packages (PEP 740): the same parts as a Sigstore bundle of version 0.3 under other names.

use super::{Capped, FormError};
use crate::attestation::PAYLOAD_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// The attestations of one publisher, in the provenance object of a file.
#[derive(Deserialize)]
pub(super) struct Bundle<'a> {
    #[serde(borrow)]
    attestations: Capped<Attestation<'a>>,
}

impl<'a> Bundle<'a> {
    pub(super) fn attestations(self) -> Vec<Attestation<'a>> {
        self.attestations.0
    }
}

/// An attestation object.
#[derive(Deserialize)]
pub(super) struct Attestation<'a> {
    version: u64,
    #[serde(borrow)]
    verification_material: Material<'a>,
    envelope: Envelope,
}

#[derive(Deserialize)]
struct Material<'a> {
    certificate: String,
    #[serde(borrow)]
    transparency_entries: Capped<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope {
    statement: String,
    signature: String,
}

impl Attestation<'_> {
    /// The Sigstore bundle that the attestation is: PEP 740, "Attestation verification".
    pub(super) fn to_bundle(&self) -> Result<String, FormError> {
        if self.version != 1 {
            return Err(FormError::Pep740(format!("of version {}; version 1 is read", self.version)));
        }
        let entries: Result<Vec<serde_json::Value>, _> =
            self.verification_material.transparency_entries.0.iter().map(|raw| serde_json::from_str(raw.get())).collect();
        let entries = entries.map_err(|error| FormError::Unreadable(error.to_string()))?;
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": base64("certificate", &self.verification_material.certificate)? },
                "tlogEntries": entries,
            },
            "dsseEnvelope": {
                "payload": base64("statement", &self.envelope.statement)?,
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{ "sig": base64("signature", &self.envelope.signature)? }],
            },
        });
        Ok(bundle.to_string())
    }
}

/// Base64 on one line. Some clients break it into lines, which a bundle does not.
fn base64(part: &str, text: &str) -> Result<String, FormError> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    match BASE64.decode(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(FormError::Pep740(format!("whose {part} is no base64: {error}"))),
    }
}
