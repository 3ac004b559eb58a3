//! What a signature is over: the bytes of a document, or their SHA-256, which is computed once. A large document has several
//! signatures, and digesting it costs more than verifying all of them.

use crate::digest::Digest;

/// A document as signatures are made over it.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    /// None where the document was digested as it was read.
    bytes: Option<&'a [u8]>,
    sha256: Digest,
}

impl<'a> Content<'a> {
    /// Digest these bytes.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes: Some(bytes), sha256: Digest::sha256_of(bytes) }
    }

    /// A document of which only the SHA-256 is kept.
    #[must_use]
    pub fn of_sha256(sha256: Digest) -> Self {
        Self { bytes: None, sha256 }
    }

    /// The bytes, where they are kept.
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        self.bytes
    }

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }
}

impl<'a> From<&'a [u8]> for Content<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::of(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Content<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::of(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Content<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::of(bytes)
    }
}

impl<'a> From<&Content<'a>> for Content<'a> {
    fn from(content: &Content<'a>) -> Self {
        content.clone()
    }
}
