//! The forms in which attestations are handed out, each brought down to the text of Sigstore bundles. What is none of them is refused
//! by its name, because "unreadable" would send people looking for a damaged file.
//!
//! | form | from |
//! | --- | --- |
//! | a bundle, or one a line | `.sigstore.json`, `.sigstore`, `.jsonl`: cosign, sigstore-python, `gh attestation download` |
//! | `{ "attestations": [{ "predicateType", "bundle" }] }` | the attestations endpoint of an npm registry |
//! | `{ "attestations": [{ "bundle", "bundle_url" }] }` | the attestations endpoint of GitHub; what lies at a `bundle_url` is compressed with snappy |
//! | `{ "attestation_bundles": [{ "attestations" }] }`, or one of those attestations | PEP 740, the integrity endpoint of a Python index |

mod pep740;
mod shape;

pub use shape::check;

use crate::manifest::MAX_BUNDLE;
use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};
use serde_json::value::RawValue;
use shape::Shape;
use std::fmt;
use std::marker::PhantomData;
use thiserror::Error;

/// The largest response that is read, in bytes, before and after decompression.
pub const MAX_RESPONSE: usize = 16 * 1024 * 1024;
/// The most bundles that are read from one response.
pub const MAX_BUNDLES: usize = 64;

/// What a stream of snappy frames begins with (google/snappy, `framing_format.txt`).
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// The text of one bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleText {
    text: String,
    form: Form,
}

impl BundleText {
    /// JSON of a bundle: what was handed out, byte for byte, or what a PEP 740 attestation was converted to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form that it came in.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }
}

/// The form that a bundle came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By itself, or with others, one a line.
    Bundle,
    /// In the response of an npm registry.
    Npm,
    /// In the response of GitHub.
    GitHub,
    /// As a PEP 740 attestation.
    Pep740,
}

/// Why a response holds no bundles that are read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormError {
    /// It is too large.
    #[error("more than {limit} bytes, as many as are read of a response with attestations")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// A bundle is too large.
    #[error("a bundle of {0} bytes, at most {MAX_BUNDLE} are read")]
    BundleTooLarge(usize),
    /// There are too many of them.
    #[error("more than {MAX_BUNDLES} attestations")]
    TooMany,
    /// It is neither JSON nor JSON compressed with snappy.
    #[error("neither JSON of an attestation nor snappy: {}", crate::text::printable(.0))]
    Unreadable(String),
    /// There is none in it.
    #[error("no attestation in it")]
    Empty,
    /// They lie elsewhere.
    #[error("no attestation in it but {} where to fetch them", if .0.len() == 1 { "the address" } else { "addresses" })]
    Elsewhere(Vec<String>),
    /// What cosign wrote before it wrote Sigstore bundles.
    #[error(
        "a signature in cosign's own older form, which proves no inclusion in a log; `cosign sign-blob --new-bundle-format` writes a Sigstore bundle"
    )]
    OldCosign,
    /// An envelope without what verifies it.
    #[error(
        "a bare DSSE envelope: neither certificate nor log entry is with it, so nothing says who signed; a Sigstore bundle has both"
    )]
    BareEnvelope,
    /// A statement that nobody signed.
    #[error("an in-toto statement that nobody signed")]
    Unsigned,
    /// Another document.
    #[error("JSON that is no attestation: {}", crate::text::printable(.0))]
    Unknown(String),
    /// A bundle with other than one signature.
    #[error("an envelope with {0} signatures; the certificate and the log entry of a bundle speak of one")]
    Signatures(usize),
    /// A bundle around something else than a statement.
    #[error("an envelope around `{}`, not around an in-toto statement", crate::text::printable(.0))]
    PayloadType(String),
    /// A bundle that can be read in two ways, or in none.
    #[error("a bundle with {0}")]
    Ambiguous(&'static str),
    /// A PEP 740 attestation of another version or with a part that is no base64.
    #[error("a PEP 740 attestation {}", crate::text::printable(.0))]
    Pep740(String),
}

/// Read the attestations out of a response or a file. How good a bundle is, and whether it is one, is found out where it is parsed:
/// a bad one does not take the others with it.
///
/// # Errors
/// [`FormError`].
pub fn read(bytes: &[u8]) -> Result<Vec<BundleText>, FormError> {
    let mut found = Found::default();
    with_json(bytes, &mut |text| found.take(text))?;
    match (found.bundles, found.elsewhere) {
        (bundles, _) if !bundles.is_empty() => Ok(bundles),
        (_, elsewhere) if !elsewhere.is_empty() => Err(FormError::Elsewhere(elsewhere)),
        _ => Err(FormError::Empty),
    }
}

/// The addresses of those attestations that a response of GitHub names without holding them.
///
/// # Errors
/// [`FormError`].
pub fn elsewhere(bytes: &[u8]) -> Result<Vec<String>, FormError> {
    let mut found = Found::default();
    with_json(bytes, &mut |text| found.take(text))?;
    Ok(found.elsewhere)
}

#[derive(Default)]
struct Found {
    bundles: Vec<BundleText>,
    elsewhere: Vec<String>,
}

impl Found {
    /// Take in one JSON value.
    fn take(&mut self, text: &str) -> Result<(), FormError> {
        let shape = Shape::of(text)?;
        if let Some(attestations) = shape.attestations {
            let entries: Capped<Entry<'_>> = part(attestations)?;
            return entries.0.into_iter().try_for_each(|entry| self.entry(entry));
        }
        if shape.bundle.is_some() || shape.bundle_url.is_some() {
            let entry: Entry<'_> = serde_json::from_str(text).map_err(|e| FormError::Unreadable(e.to_string()))?;
            return self.entry(entry);
        }
        if let Some(bundles) = shape.attestation_bundles {
            let bundles: Capped<pep740::Bundle<'_>> = part(bundles)?;
            for attestation in bundles.0.into_iter().flat_map(pep740::Bundle::attestations) {
                self.push(attestation.to_bundle()?, Form::Pep740)?;
            }
            return Ok(());
        }
        if shape.is_pep740() {
            let attestation: pep740::Attestation<'_> =
                serde_json::from_str(text).map_err(|e| FormError::Pep740(e.to_string()))?;
            return self.push(attestation.to_bundle()?, Form::Pep740);
        }
        shape.name_of_other()?;
        self.push(text.to_owned(), Form::Bundle)
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), FormError> {
        let form = if entry.predicate_type.is_some() { Form::Npm } else { Form::GitHub };
        match (entry.bundle, entry.bundle_url) {
            (Some(bundle), _) => self.push(bundle.get().to_owned(), form),
            (None, Some(_)) if self.elsewhere.len() >= MAX_BUNDLES => Err(FormError::TooMany),
            (None, Some(address)) => {
                self.elsewhere.push(address);
                Ok(())
            }
            (None, None) => Err(FormError::Unknown("an attestation without a bundle".to_owned())),
        }
    }

    fn push(&mut self, text: String, form: Form) -> Result<(), FormError> {
        if text.len() as u64 > MAX_BUNDLE {
            return Err(FormError::BundleTooLarge(text.len()));
        }
        if self.bundles.len() >= MAX_BUNDLES {
            return Err(FormError::TooMany);
        }
        self.bundles.push(BundleText { text, form });
        Ok(())
    }
}

/// An attestation in a response of an npm registry or of GitHub.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    bundle: Option<&'a RawValue>,
    bundle_url: Option<String>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<de::IgnoredAny>,
}

fn part<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, FormError> {
    serde_json::from_str(raw.get()).map_err(|error| match error.to_string() {
        why if why.starts_with(TOO_MANY) => FormError::TooMany,
        why => FormError::Unreadable(why),
    })
}

/// Give each JSON value of a text, decompressed where it is compressed.
fn with_json(bytes: &[u8], take: &mut dyn FnMut(&str) -> Result<(), FormError>) -> Result<(), FormError> {
    if bytes.len() > MAX_RESPONSE {
        return Err(FormError::TooLarge { limit: MAX_RESPONSE });
    }
    let unpacked;
    let bytes = if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        bytes
    } else {
        unpacked = unpack(bytes)?;
        &unpacked
    };
    let text = std::str::from_utf8(bytes).map_err(|e| FormError::Unreadable(e.to_string()))?;
    // Values are found first, without building any of them.
    for (count, value) in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().enumerate() {
        if count >= MAX_BUNDLES {
            return Err(FormError::TooMany);
        }
        take(value.map_err(|e| FormError::Unreadable(e.to_string()))?.get())?;
    }
    Ok(())
}

/// Decompress snappy: a block, as GitHub stores bundles, or a stream of frames.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, FormError> {
    let unreadable = |error: &dyn fmt::Display| FormError::Unreadable(error.to_string());
    let too_large = FormError::TooLarge { limit: MAX_RESPONSE };
    if bytes.starts_with(SNAPPY_FRAMES) {
        let mut unpacked = Vec::new();
        let mut frames = std::io::Read::take(snap::read::FrameDecoder::new(bytes), MAX_RESPONSE as u64 + 1);
        std::io::Read::read_to_end(&mut frames, &mut unpacked).map_err(|e| unreadable(&e))?;
        return if unpacked.len() > MAX_RESPONSE { Err(too_large) } else { Ok(unpacked) };
    }
    // A block says its length first: it is looked at before anything is set aside for it.
    match snap::raw::decompress_len(bytes) {
        Ok(length) if length > MAX_RESPONSE => Err(too_large),
        Ok(_) => snap::raw::Decoder::new().decompress_vec(bytes).map_err(|e| unreadable(&e)),
        Err(error) => Err(unreadable(&error)),
    }
}

const TOO_MANY: &str = "too many attestations";

/// A list of at most [`MAX_BUNDLES`] things: a longer one is refused while it is read, before it takes memory.
struct Capped<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Capped<T> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of attestations")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() >= MAX_BUNDLES {
                        return Err(de::Error::custom(TOO_MANY));
                    }
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Items(PhantomData)).map(Self)
    }
}
