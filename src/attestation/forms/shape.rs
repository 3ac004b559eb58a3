//! What kind of JSON a text is, told by its keys and without building it.

use super::FormError;
use crate::attestation::PAYLOAD_TYPE;
use crate::manifest::MAX_BUNDLE;
use serde::Deserialize;
use serde::de::{self, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The keys that tell the forms apart.
#[derive(Deserialize)]
pub(super) struct Shape<'a> {
    #[serde(borrow, default)]
    pub(super) attestations: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) attestation_bundles: Option<&'a RawValue>,
    pub(super) bundle: Option<IgnoredAny>,
    pub(super) bundle_url: Option<IgnoredAny>,
    verification_material: Option<IgnoredAny>,
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
    #[serde(rename = "verificationMaterial")]
    material: Option<Material>,
    #[serde(rename = "messageSignature")]
    message: Option<IgnoredAny>,
    #[serde(rename = "dsseEnvelope")]
    envelope: Option<Envelope>,
    #[serde(rename = "base64Signature")]
    cosign_signature: Option<IgnoredAny>,
    #[serde(rename = "rekorBundle")]
    cosign_entry: Option<IgnoredAny>,
    #[serde(rename = "SignedEntryTimestamp")]
    cosign_promise: Option<IgnoredAny>,
    #[serde(rename = "payloadType")]
    payload_type: Option<IgnoredAny>,
    #[serde(rename = "_type")]
    statement: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Material {
    certificate: Option<IgnoredAny>,
    #[serde(rename = "x509CertificateChain")]
    chain: Option<IgnoredAny>,
    #[serde(rename = "publicKey")]
    key: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType", default)]
    payload_type: String,
    #[serde(default)]
    signatures: Count,
}

impl<'a> Shape<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, FormError> {
        if !text.starts_with('{') {
            return Err(FormError::Unknown("it is no object".to_owned()));
        }
        serde_json::from_str(text).map_err(|error| FormError::Unreadable(error.to_string()))
    }

    /// Whether it is one PEP 740 attestation.
    pub(super) fn is_pep740(&self) -> bool {
        self.verification_material.is_some()
    }

    /// Refuse what is no bundle, by its name.
    pub(super) fn name_of_other(&self) -> Result<(), FormError> {
        if self.media_type.is_some() || self.material.is_some() {
            return Ok(());
        }
        if self.cosign_signature.is_some() || self.cosign_entry.is_some() || self.cosign_promise.is_some() {
            return Err(FormError::OldCosign);
        }
        if self.payload_type.is_some() {
            return Err(FormError::BareEnvelope);
        }
        if self.statement.is_some() {
            return Err(FormError::Unsigned);
        }
        Err(FormError::Unknown("it has none of the keys that an attestation has".to_owned()))
    }

    /// Refuse a bundle that can be read in two ways. The crates take the first content and the first material they meet.
    fn is_one_bundle(&self) -> Result<(), FormError> {
        match (&self.message, &self.envelope) {
            (None, None) => return Err(FormError::Ambiguous("neither a signature nor an envelope")),
            (Some(_), Some(_)) => return Err(FormError::Ambiguous("both a signature and an envelope")),
            (None, Some(envelope)) if envelope.signatures.0 != 1 => return Err(FormError::Signatures(envelope.signatures.0)),
            (None, Some(envelope)) if envelope.payload_type != PAYLOAD_TYPE => {
                return Err(FormError::PayloadType(envelope.payload_type.clone()));
            }
            _ => {}
        }
        let Some(material) = &self.material else { return Err(FormError::Ambiguous("no verification material")) };
        let kinds = [&material.certificate, &material.chain, &material.key];
        match kinds.iter().filter(|kind| kind.is_some()).count() {
            0 => Err(FormError::Ambiguous("neither a certificate nor a key")),
            1 => Ok(()),
            _ => Err(FormError::Ambiguous("more than one of certificate, certificate chain and key")),
        }
    }
}

/// Refuse a text that is no Sigstore bundle, by its name, and give the media type that it states: empty where it states none.
///
/// # Errors
/// [`FormError`].
pub fn check(text: &str) -> Result<String, FormError> {
    if text.len() as u64 > MAX_BUNDLE {
        return Err(FormError::BundleTooLarge(text.len()));
    }
    let shape = Shape::of(text.trim_ascii_start())?;
    shape.name_of_other()?;
    shape.is_one_bundle()?;
    Ok(shape.media_type.unwrap_or_default())
}

/// How many items a list has. They are not kept.
#[derive(Default)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = usize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of signatures")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
                let mut count = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(count)
            }
        }
        deserializer.deserialize_seq(Counting).map(Self)
    }
}
