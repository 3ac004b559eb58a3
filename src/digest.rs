//! Digests: parsed once, compared as values, with the algorithm never apart from the bytes.
//!
//! Only algorithms that may carry a decision exist here; SHA-1 and MD5 have no variant, so no manifest can ask for them
//! (`docs/manifest.md`, "Digests").

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;
use std::io::{self, Read};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// A digest algorithm, named as in the in-toto digest set (in-toto attestation spec v1, "DigestSet").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256 of the bytes of one file.
    Sha256,
    /// SHA-512 of the bytes of one file; what npm calls `integrity`.
    Sha512,
    /// The `h1` directory hash of Go modules over a folder, in hex: SHA-256 of sorted `<sha256 hex>  <name>\n` lines.
    DirHash,
}

impl Algorithm {
    /// The name used in manifests, statements and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::DirHash => "dirHash",
        }
    }

    /// Length of a digest in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the length of a digest is never zero")]
    pub fn len(self) -> usize {
        match self {
            Self::Sha256 | Self::DirHash => 32,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm with this name, where it may carry a decision.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            // The in-toto specification names it `dirHash` and writes `dirHash1` in its example: read both.
            "dirHash" | "dirHash1" => Some(Self::DirHash),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of a digest together with its algorithm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// See [`Algorithm::Sha256`].
    Sha256([u8; 32]),
    /// See [`Algorithm::Sha512`].
    Sha512(Box<[u8; 64]>),
    /// See [`Algorithm::DirHash`].
    DirHash([u8; 32]),
}

/// Why a text is not a digest.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DigestError {
    /// The algorithm has no place here.
    #[error("`{0}` is not a digest algorithm vetted accepts (sha256, sha512, dirHash)")]
    Algorithm(String),
    /// Wrong number of hex digits.
    #[error("a {algorithm} digest has {expected} hex digits, found {found}")]
    Length {
        /// What was asked for.
        algorithm: Algorithm,
        /// Hex digits expected.
        expected: usize,
        /// Characters found.
        found: usize,
    },
    /// A character is no lower-case hex digit.
    #[error("a {0} digest is written in lower-case hex digits")]
    NotHex(Algorithm),
    /// The subresource-integrity text is malformed.
    #[error("`{0}` is not a subresource integrity value of the form `sha512-<base64>`")]
    Integrity(String),
}

impl Digest {
    /// Parse the hex form.
    ///
    /// # Errors
    /// [`DigestError`] when the length or a digit is wrong. Upper-case hex is refused: one digest, one spelling.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, DigestError> {
        let expected = algorithm.len() * 2;
        if text.len() != expected {
            return Err(DigestError::Length { algorithm, expected, found: text.chars().count() });
        }
        if text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(DigestError::NotHex(algorithm));
        }
        let mut bytes = [0_u8; 64];
        let bytes = &mut bytes[..algorithm.len()];
        hex::decode_to_slice(text, bytes).map_err(|_| DigestError::NotHex(algorithm))?;
        Ok(Self::from_slice(algorithm, bytes))
    }

    /// Parse the first value of a subresource-integrity string as npm writes it (`sha512-<base64>`). The strongest algorithm
    /// wins, as in W3C SRI; SHA-1 alone gives `Ok(None)`: it is no digest to decide by.
    ///
    /// # Errors
    /// [`DigestError::Integrity`] when no value of the string is well formed.
    pub fn parse_integrity(text: &str) -> Result<Option<Self>, DigestError> {
        use base64::Engine as _;
        let mut best: Option<Self> = None;
        let mut seen = false;
        for value in text.split_ascii_whitespace() {
            let value = value.split('?').next().unwrap_or(value);
            let Some((name, encoded)) = value.split_once('-') else {
                return Err(DigestError::Integrity(text.to_owned()));
            };
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(encoded).map_err(|_| DigestError::Integrity(text.to_owned()))?;
            seen = true;
            let algorithm = match (name, bytes.len()) {
                ("sha512", 64) => Algorithm::Sha512,
                ("sha256", 32) => Algorithm::Sha256,
                ("sha1", 20) | ("sha384", 48) => continue,
                _ => return Err(DigestError::Integrity(text.to_owned())),
            };
            let digest = Self::from_slice(algorithm, &bytes);
            if best.as_ref().is_none_or(|b| b.algorithm() < algorithm) {
                best = Some(digest);
            }
        }
        if seen { Ok(best) } else { Err(DigestError::Integrity(text.to_owned())) }
    }

    /// `bytes` has exactly `algorithm.len()` bytes: callers check before.
    fn from_slice(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let short = || {
            let mut out = [0_u8; 32];
            out.copy_from_slice(bytes);
            out
        };
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(short()),
            Algorithm::DirHash => Self::DirHash(short()),
            Algorithm::Sha512 => {
                let mut out = [0_u8; 64];
                out.copy_from_slice(bytes);
                Self::Sha512(Box::new(out))
            }
        }
    }

    /// The digest whose value these bytes begin with; `None` where they are too few.
    #[must_use]
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        bytes.get(..algorithm.len()).map(|bytes| Self::from_slice(algorithm, bytes))
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
            Self::DirHash(_) => Algorithm::DirHash,
        }
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(b) | Self::DirHash(b) => b,
            Self::Sha512(b) => &b[..],
        }
    }

    /// Lower-case hex of the bytes.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// The first 12 hex digits: what a person reads.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.as_bytes()[..6])
    }

    /// SHA-256 of a byte string.
    #[must_use]
    pub fn sha256_of(bytes: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(bytes).into())
    }

    /// Compare with what was expected; the error holds both.
    ///
    /// # Errors
    /// [`DigestMismatch`] when algorithm or bytes differ.
    pub fn verify(&self, expected: &Self) -> Result<(), DigestMismatch> {
        if self == expected { Ok(()) } else { Err(DigestMismatch { expected: expected.clone(), actual: self.clone() }) }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `algorithm:hex`.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

/// Two digests that should have been equal. Comparing is reporting.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} {} is not the approved {}", actual.algorithm(), actual.short(), expected.short())]
pub struct DigestMismatch {
    /// What the manifest pins.
    pub expected: Digest,
    /// What was computed.
    pub actual: Digest,
}

/// The digests known of one thing, at most one for each algorithm.
///
/// Two readings of "equal", and the stricter one always applies to permission (threat T-22): approving needs *every* expected
/// digest present and equal ([`DigestSet::verify_all`]), revoking needs *any* common digest ([`DigestSet::shares_any`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestSet(Vec<Digest>);

impl DigestSet {
    /// An empty set: equal to nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Add a digest; a second value for the same algorithm is refused and given back.
    ///
    /// # Errors
    /// The digest itself, when its algorithm is already present.
    pub fn insert(&mut self, digest: Digest) -> Result<(), Digest> {
        match self.0.binary_search_by_key(&digest.algorithm(), Digest::algorithm) {
            Ok(_) => Err(digest),
            Err(at) => {
                self.0.insert(at, digest);
                Ok(())
            }
        }
    }

    /// The digest of one algorithm.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> Option<&Digest> {
        self.0.iter().find(|d| d.algorithm() == algorithm)
    }

    /// In the order of the algorithms.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.0.iter()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every digest of `expected` is here and equal. An empty expectation verifies nothing.
    ///
    /// # Errors
    /// The first expected digest that is missing here (`None`) or differs (`Some`).
    pub fn verify_all(&self, expected: &Self) -> Result<(), Option<DigestMismatch>> {
        if expected.is_empty() {
            return Err(None);
        }
        for wanted in expected.iter() {
            match self.get(wanted.algorithm()) {
                None => return Err(None),
                Some(actual) => actual.verify(wanted).map_err(Some)?,
            }
        }
        Ok(())
    }

    /// Whether every digest that both sets have is equal, where they have one: for two statements about a release file, neither of
    /// which was computed here. A lock file states one digest, and an approval pins two.
    ///
    /// # Errors
    /// The first digest that differs (`Some`); `None` where the sets have no algorithm in common, and nothing is known.
    pub fn verify_common(&self, expected: &Self) -> Result<(), Option<DigestMismatch>> {
        let mut is_known = false;
        for wanted in expected.iter() {
            if let Some(actual) = self.get(wanted.algorithm()) {
                actual.verify(wanted).map_err(Some)?;
                is_known = true;
            }
        }
        if is_known { Ok(()) } else { Err(None) }
    }

    /// Whether any digest stands in both.
    #[must_use]
    pub fn shares_any(&self, other: &Self) -> bool {
        self.iter().any(|d| other.0.contains(d))
    }
}

impl From<Digest> for DigestSet {
    fn from(digest: Digest) -> Self {
        Self(vec![digest])
    }
}

/// As algorithm and hex, for what this program writes for itself.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.algorithm().name(), self.hex()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, hex) = <(String, String)>::deserialize(deserializer)?;
        let algorithm = Algorithm::from_name(&name).ok_or_else(|| de::Error::custom(DigestError::Algorithm(name)))?;
        Self::parse(algorithm, &hex).map_err(de::Error::custom)
    }
}

impl Serialize for DigestSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.collect_seq(&self.0);
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for digest in &self.0 {
            map.serialize_entry(digest.algorithm().name(), &digest.hex())?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for DigestSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SetVisitor;
        impl<'de> Visitor<'de> for SetVisitor {
            type Value = DigestSet;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of digests such as { sha256 = \"<64 hex>\" }")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DigestSet, A::Error> {
                let mut set = DigestSet::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    let algorithm =
                        Algorithm::from_name(&name).ok_or_else(|| de::Error::custom(DigestError::Algorithm(name.clone())))?;
                    let digest = Digest::parse(algorithm, &value).map_err(de::Error::custom)?;
                    set.insert(digest).map_err(|_| de::Error::custom(format!("`{name}` stands twice")))?;
                }
                if set.is_empty() {
                    return Err(de::Error::custom("a table of digests names at least one digest"));
                }
                Ok(set)
            }
        }
        if !deserializer.is_human_readable() {
            // What this program wrote for itself: a set may be empty there.
            let mut set = Self::new();
            for digest in Vec::<Digest>::deserialize(deserializer)? {
                set.insert(digest).map_err(|twin| de::Error::custom(format!("`{}` stands twice", twin.algorithm())))?;
            }
            return Ok(set);
        }
        deserializer.deserialize_map(SetVisitor)
    }
}

/// Reads through to the end of the inner reader while it digests what passes.
pub struct HashReader<R> {
    inner: R,
    sha256: Sha256,
    sha512: Option<Sha512>,
    length: u64,
}

impl<R: Read> HashReader<R> {
    /// Digest with SHA-256, and with SHA-512 as well where asked.
    pub fn new(inner: R, with_sha512: bool) -> Self {
        Self { inner, sha256: Sha256::new(), sha512: with_sha512.then(Sha512::new), length: 0 }
    }

    /// The SHA-256 and the number of bytes read so far.
    #[must_use]
    pub fn finish_sha256(self) -> (Digest, u64) {
        (Digest::Sha256(self.sha256.finalize().into()), self.length)
    }

    /// The digests and the number of bytes read so far.
    #[must_use]
    pub fn finish(self) -> (DigestSet, u64) {
        let mut set = DigestSet::from(Digest::Sha256(self.sha256.finalize().into()));
        if let Some(sha512) = self.sha512 {
            // A set with one SHA-256 has room for one SHA-512.
            let _ = set.insert(Digest::Sha512(Box::new(sha512.finalize().into())));
        }
        (set, self.length)
    }
}

impl<R: Read> Read for HashReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(&buffer[..count]);
        }
        self.length += count as u64;
        Ok(count)
    }
}

/// One file of a tree as the directory hash sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeFile {
    /// Path relative to the root of the tree, `/`-separated.
    pub name: String,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
}

/// Why a set of files has no directory hash (`docs/manifest.md`, "Trees").
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TreeRefusal {
    /// A name with a control character, a newline, a backslash, an empty or dot segment.
    #[error("the file name `{}` cannot stand in a directory hash", crate::text::printable(.0))]
    Name(String),
    /// Two names that some file systems take for one: equal after NFC or after case folding.
    #[error("the file names `{}` and `{}` are one name on some file systems", crate::text::printable(.0), crate::text::printable(.1))]
    Collision(String, String),
}

/// The in-toto `dirHash` (Go `h1`, `golang.org/x/mod/sumdb/dirhash` Hash1) over `files`, in any order.
///
/// # Errors
/// [`TreeRefusal`] for a name the format cannot carry without ambiguity.
pub fn dir_hash(files: &mut [TreeFile]) -> Result<Digest, TreeRefusal> {
    files.sort();
    let mut folded: Vec<(String, &str)> = Vec::with_capacity(files.len());
    for file in files.iter() {
        if !is_hashable_name(&file.name) {
            return Err(TreeRefusal::Name(file.name.clone()));
        }
        folded.push((fold(&file.name), &file.name));
    }
    folded.sort();
    if let Some(pair) = folded.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(TreeRefusal::Collision(pair[0].1.to_owned(), pair[1].1.to_owned()));
    }
    let mut hash = Sha256::new();
    for file in files.iter() {
        hash.update(hex::encode(file.sha256).as_bytes());
        hash.update(b"  ");
        hash.update(file.name.as_bytes());
        hash.update(b"\n");
    }
    Ok(Digest::DirHash(hash.finalize().into()))
}

/// Whether a name can stand in a directory hash: relative, without `.`, `..` and empty parts, without control characters and
/// backslashes.
#[must_use]
pub fn is_hashable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|c| c.is_control() || c == '\\')
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// NFC and lower case: what a case-insensitive, normalising file system would compare.
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    if is_nfc(name) { name.to_lowercase() } else { name.nfc().collect::<String>().to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &[u8]) -> TreeFile {
        TreeFile { name: name.to_owned(), sha256: Sha256::digest(content).into() }
    }

    #[test]
    fn dir_hash_is_go_h1() {
        // `printf '%s  %s\n' "$(printf '' | sha256sum | cut -d' ' -f1)" a.txt | sha256sum`, the recipe of the specification.
        let mut files = [file("b.txt", b"b"), file("a.txt", b"")];
        let lines = format!("{}  a.txt\n{}  b.txt\n", Digest::sha256_of(b"").hex(), Digest::sha256_of(b"b").hex());
        assert_eq!(dir_hash(&mut files).unwrap().as_bytes(), Digest::sha256_of(lines.as_bytes()).as_bytes());
    }

    #[test]
    fn ambiguous_names_are_refused() {
        for name in ["a\nb", "a\\b", "", "../x", "a//b", "./a", "a\u{7}"] {
            let refused = dir_hash(&mut [file(name, b"")]);
            assert_eq!(refused, Err(TreeRefusal::Name(name.to_owned())), "{name:?}");
        }
        assert!(matches!(dir_hash(&mut [file("A", b""), file("a", b"")]), Err(TreeRefusal::Collision(..))));
        let composed = file("\u{e9}", b"");
        let decomposed = file("e\u{301}", b"");
        assert!(matches!(dir_hash(&mut [composed, decomposed]), Err(TreeRefusal::Collision(..))));
    }

    #[test]
    fn approving_needs_all_and_revoking_needs_any() {
        let both: DigestSet = serde_json::from_value(serde_json::json!({
            "sha256": "00".repeat(32), "sha512": "11".repeat(64),
        }))
        .unwrap();
        let right_and_wrong: DigestSet = serde_json::from_value(serde_json::json!({
            "sha256": "00".repeat(32), "sha512": "22".repeat(64),
        }))
        .unwrap();
        assert!(right_and_wrong.verify_all(&both).is_err());
        assert!(right_and_wrong.shares_any(&both));
        let half: DigestSet = serde_json::from_value(serde_json::json!({ "sha256": "00".repeat(32) })).unwrap();
        assert_eq!(half.verify_all(&both), Err(None));
        assert_eq!(both.verify_all(&half), Ok(()));
        assert_eq!(both.verify_all(&DigestSet::new()), Err(None));
        assert_eq!(half.verify_common(&both), Ok(()));
        assert!(matches!(right_and_wrong.verify_common(&both), Err(Some(_))));
        let other: DigestSet = serde_json::from_value(serde_json::json!({ "sha512": "33".repeat(64) })).unwrap();
        assert!(matches!(other.verify_common(&both), Err(Some(_))));
        assert_eq!(half.verify_common(&other), Err(None));
        assert_eq!(DigestSet::new().verify_common(&both), Err(None));
    }

    #[test]
    fn weak_algorithms_and_loose_spellings_are_refused() {
        for text in [
            r#"{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#,
            r#"{"md5":"d41d8cd98f00b204e9800998ecf8427e"}"#,
            r#"{"sha256":"AB"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<DigestSet>(text).is_err(), "{text}");
        }
        let upper = Digest::sha256_of(b"").hex().to_uppercase();
        assert_eq!(Digest::parse(Algorithm::Sha256, &upper), Err(DigestError::NotHex(Algorithm::Sha256)));
    }

    #[test]
    fn integrity_takes_the_strongest() {
        use base64::Engine as _;
        let b64 = |n: usize| base64::engine::general_purpose::STANDARD.encode(vec![7_u8; n]);
        let text = format!("sha1-{} sha512-{}", b64(20), b64(64));
        assert_eq!(Digest::parse_integrity(&text).unwrap().unwrap().algorithm(), Algorithm::Sha512);
        assert_eq!(Digest::parse_integrity(&format!("sha1-{}", b64(20))).unwrap(), None);
        assert!(Digest::parse_integrity("sha512-xx").is_err());
        assert!(Digest::parse_integrity("").is_err());
    }

    #[test]
    fn the_reader_digests_what_passes() {
        let mut reader = HashReader::new(&b"abc"[..], true);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let (set, length) = reader.finish();
        assert_eq!(length, 3);
        assert_eq!(set.get(Algorithm::Sha256).unwrap().hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(set.get(Algorithm::Sha512).unwrap().hex().starts_with("ddaf35a193617aba"));
    }
}
