//! Bundles of attestations: read, and verified for one file by one signer.

use super::key::hint_of;
use super::lower::{self, Asked, Fault};
use super::root::TrustRoot;
use crate::attestation::{Statement, forms};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::manifest::BundleVersion;
use crate::trust::attestation_refusal::{AttestationRefusal, Differs};
use jiff::Timestamp;
use sigstore_verify::crypto::{KeyAlgorithm, VerificationKey, parse_certificate_info};
use sigstore_verify::types::bundle::{
    Bundle, CheckpointData, KindVersion, MediaType, MessageSignature, SignatureContent, VerificationMaterialContent,
};
use sigstore_verify::types::{Artifact, ArtifactDigest, DerCertificate, DerPublicKey, HashAlgorithm};
use std::sync::Arc;

type Outcome<T> = Result<T, AttestationRefusal>;

/// A bundle that speaks of a file, as it states it. Nothing of it is verified yet.
#[derive(Debug, Clone)]
pub struct AttestationBundle {
    version: BundleVersion,
    signer: Signer,
    content: Said,
    bundle: Arc<Bundle>,
}

/// Who says to have signed. Nobody vouches for it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// An identity, with what its certificate claims.
    Identity(Box<Claims>),
    /// The holder of a key.
    Key {
        /// What the bundle says of the key.
        hint: String,
    },
}

/// What a certificate of Fulcio claims (`sigstore/fulcio`, `docs/oid-info.md`); `None` where it claims nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The subject alternative name.
    pub identity: Option<String>,
    /// Who vouches for it (OID 1.3.6.1.4.1.57264.1.8, before that 1.1).
    pub issuer: Option<String>,
    /// Address of the source repository (1.12).
    pub source: Option<String>,
    /// The number of that repository (1.15).
    pub source_id: Option<String>,
    /// The number of its owner (1.17).
    pub owner_id: Option<String>,
    /// The branch or tag (1.14).
    pub source_ref: Option<String>,
    /// The commit (1.13).
    pub source_commit: Option<String>,
    /// Where it was built: `github-hosted` or `self-hosted` (1.11).
    pub runner: Option<String>,
}

/// What is signed.
#[derive(Debug, Clone)]
enum Said {
    Statement(Statement),
    /// The file itself, under the digest that the bundle states.
    File(Option<Digest>),
}

/// What was verified of a bundle.
pub(in crate::trust) struct Proved {
    /// Verified times of signing, earliest first.
    pub(in crate::trust) times: Vec<Timestamp>,
    /// Whether a trusted root vouches for anything of it.
    pub(in crate::trust) under_root: bool,
}

impl AttestationBundle {
    /// Read a bundle of version 0.1, 0.2 or 0.3 around an in-toto statement or with a signature over the file itself.
    ///
    /// # Errors
    /// [`AttestationRefusal::Form`], [`AttestationRefusal::MediaType`], [`AttestationRefusal::Certificate`],
    /// [`AttestationRefusal::Statement`], [`AttestationRefusal::DigestAlgorithm`].
    pub fn parse(json: &str) -> Outcome<Self> {
        let unread = |found: String| AttestationRefusal::Form(Differs::new("a Sigstore bundle", found));
        let media_type = forms::check(json).map_err(|error| unread(error.to_string()))?;
        let known = media_type.parse::<MediaType>().ok();
        let version = match known {
            Some(MediaType::Bundle0_1) => BundleVersion::V0_1,
            Some(MediaType::Bundle0_2) => BundleVersion::V0_2,
            Some(MediaType::Bundle0_3) => BundleVersion::V0_3,
            _ => {
                let expected = "a bundle of version 0.1, 0.2 or 0.3";
                return Err(AttestationRefusal::MediaType(Differs::new(expected, format!("`{media_type}`"))));
            }
        };
        let bundle = Bundle::from_json(json).map_err(|error| checkpoint_of(json).unwrap_or_else(|| unread(error.to_string())))?;
        let signer = Signer::of(version, &bundle.verification_material.content)?;
        let content = Said::of(&bundle.content)?;
        Ok(Self { version, signer, content, bundle: Arc::new(bundle) })
    }

    /// The version that the bundle states. Nobody signs it (threat T-12).
    #[must_use]
    pub fn version(&self) -> BundleVersion {
        self.version
    }

    /// Who says to have signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The statement; `None` where the file itself is signed.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        match &self.content {
            Said::Statement(statement) => Some(statement),
            Said::File(_) => None,
        }
    }

    /// Whether it says to be about this file. What states no digest could be about any.
    #[must_use]
    pub fn is_about(&self, file: &DigestSet) -> bool {
        match &self.content {
            Said::Statement(statement) => statement.subject(file).is_some(),
            Said::File(stated) => stated.as_ref().is_none_or(|stated| file.get(stated.algorithm()) == Some(stated)),
        }
    }

    /// Verify that exactly this identity of this issuer signed it, under the root of its instance. An empty issuer stands for a
    /// certificate that names none, as GitHub's own instance issues them for releases.
    pub(in crate::trust) fn prove_identity(
        &self,
        file: &DigestSet,
        root: &TrustRoot,
        (issuer, identity): (&str, &str),
    ) -> Outcome<Proved> {
        let Signer::Identity(claims) = &self.signer else {
            let expected = format!("a certificate of `{identity}`");
            return Err(AttestationRefusal::Material(Differs::new(expected, "a signature by a key")));
        };
        self.check_log(root)?;
        self.check_kinds()?;
        let asked = Asked { identity, issuer: Some(issuer).filter(|issuer| !issuer.is_empty()) };
        let times = lower::by_identity(root, &self.bundle, self.artifact(file)?, &asked).map_err(refusal_of)?;
        // Asked again where the verifier was not asked, and where it was.
        let found = claims.issuer.as_deref().unwrap_or_default();
        if found != issuer {
            return Err(AttestationRefusal::Issuer(Differs::new(quoted(issuer), quoted(found))));
        }
        if claims.identity.as_deref() != Some(identity) {
            let found = claims.identity.as_deref().unwrap_or_default();
            return Err(AttestationRefusal::Identity(Differs::new(quoted(identity), quoted(found))));
        }
        Ok(Proved { times, under_root: true })
    }

    /// Verify that exactly this key (DER of its SubjectPublicKeyInfo) signed it. Where a root is given, every log entry and every
    /// time stamp in the bundle has to hold under it.
    pub(in crate::trust) fn prove_key(&self, file: &DigestSet, root: Option<&TrustRoot>, spki: &[u8]) -> Outcome<Proved> {
        let Signer::Key { hint } = &self.signer else {
            let expected = format!("a signature by the key `{}`", hint_of(spki));
            return Err(AttestationRefusal::Material(Differs::new(expected, "a certificate")));
        };
        let key = DerPublicKey::from_bytes(spki);
        let algorithm = KeyAlgorithm::from_spki(&key)
            .map_err(|error| AttestationRefusal::Key(Differs::new("a public key", error.to_string())))?;
        let scheme = match &self.bundle.content {
            SignatureContent::MessageSignature(MessageSignature { message_digest: Some(digest), .. }) => {
                algorithm.resolve_signing_scheme(digest.algorithm).map_err(|error| {
                    AttestationRefusal::DigestAlgorithm(Differs::new("a digest that such a key signs", error.to_string()))
                })?
            }
            _ => algorithm.default_signing_scheme(),
        };
        // The signature by itself first: a bundle that is by another key is refused for that.
        let is_by = VerificationKey::from_spki_with_scheme(&key, scheme)
            .map_err(|error| AttestationRefusal::Key(Differs::new("a public key", error.to_string())))?;
        let holds = match &self.bundle.content {
            SignatureContent::DsseEnvelope(envelope) => is_by.verify(envelope.pae(), &envelope.signature.sig),
            SignatureContent::MessageSignature(message) => {
                self.check_stated(file)?;
                let digest = file_digest(message, file)?;
                is_by.verify_prehashed(digest.as_bytes(), &message.signature)
            }
            _ => return Err(AttestationRefusal::Form(Differs::new("a signature or an envelope", "something else"))),
        };
        if let Err(error) = holds {
            let ours = hint_of(spki);
            let names_ours = hint.trim_start_matches("SHA256:").trim_end_matches('=') == ours.trim_end_matches('=');
            let expected = format!("a signature by the key `{ours}`");
            return Err(if names_ours {
                AttestationRefusal::Signature(Differs::new(expected, error.to_string()))
            } else {
                AttestationRefusal::Key(Differs::new(expected, format!("one that is not, with the key hint `{hint}`")))
            });
        }
        let material = &self.bundle.verification_material;
        let has_more = !material.tlog_entries.is_empty() || !material.timestamp_verification_data.rfc3161_timestamps.is_empty();
        let Some(root) = root.filter(|_| has_more) else { return Ok(Proved { times: Vec::new(), under_root: false }) };
        if !material.tlog_entries.is_empty() {
            self.check_proofs()?;
            self.check_kinds()?;
        }
        let times = lower::by_key(root, &self.bundle, self.artifact(file)?, key).map_err(refusal_of)?;
        Ok(Proved { times, under_root: true })
    }

    /// Whether the bundle has what its root asks for: entries of the log with their proofs, or none where there is no log.
    fn check_log(&self, root: &TrustRoot) -> Outcome<()> {
        let entries = self.bundle.verification_material.tlog_entries.len();
        match (root.has_log, entries) {
            (false, 0) => Ok(()),
            (false, _) => {
                let expected = "no log entry: the trusted root names no transparency log";
                Err(AttestationRefusal::Log(Differs::new(expected, format!("{entries}"))))
            }
            (true, 0) => {
                let expected = "an entry of the transparency log and the proof that it is there";
                Err(AttestationRefusal::InclusionProof(Differs::new(expected, "no log entry")))
            }
            (true, _) => self.check_proofs(),
        }
    }

    /// From version 0.2 on every entry has to prove that the log holds it; before, a promise is enough. An entry with neither would
    /// be read and verified by nobody.
    fn check_proofs(&self) -> Outcome<()> {
        if self.version > BundleVersion::V0_1 && !lower::proves_every_entry(&self.bundle) {
            let expected = "a proof that the transparency log holds the entry";
            return Err(AttestationRefusal::InclusionProof(Differs::new(expected, "an entry without one")));
        }
        let entries = &self.bundle.verification_material.tlog_entries;
        if entries.iter().any(|entry| entry.inclusion_proof.is_none() && entry.inclusion_promise.is_none()) {
            let expected = "a proof that the transparency log holds the entry, or its promise to take it in";
            return Err(AttestationRefusal::InclusionPromise(Differs::new(expected, "an entry with neither")));
        }
        Ok(())
    }

    /// A log entry is about a signature over a file or about an envelope, by its kind.
    fn check_kinds(&self) -> Outcome<()> {
        let fits = |kind| match &self.content {
            Said::Statement(_) => kind != KindVersion::HashedRekordV001,
            Said::File(_) => matches!(kind, KindVersion::HashedRekordV001 | KindVersion::HashedRekordV002),
        };
        let mut kinds = self.bundle.verification_material.tlog_entries.iter().map(|entry| entry.kind_version);
        kinds.find(|kind| !fits(*kind)).map_or(Ok(()), |kind| {
            let found = format!("one of the kind {} {}", kind.kind(), kind.version());
            Err(AttestationRefusal::LogEntry(Differs::new("a log entry about a signature of this kind", found)))
        })
    }

    /// The digest of the file under which the verifier compares it.
    fn artifact(&self, file: &DigestSet) -> Outcome<Artifact<'static>> {
        let digest = match (&self.content, &self.bundle.content) {
            (Said::Statement(statement), _) => statement_digest(statement, file)?,
            (Said::File(_), SignatureContent::MessageSignature(message)) => {
                self.check_stated(file)?;
                file_digest(message, file)?
            }
            _ => return Err(AttestationRefusal::Form(Differs::new("a signature or an envelope", "something else"))),
        };
        let algorithm = match digest.algorithm() {
            Algorithm::Sha512 => HashAlgorithm::Sha2512,
            _ => HashAlgorithm::Sha2256,
        };
        ArtifactDigest::new(algorithm, digest.as_bytes().to_vec())
            .map(Artifact::from_digest)
            .map_err(|error| AttestationRefusal::DigestAlgorithm(Differs::new("a digest of the file", error.to_string())))
    }

    /// A signature over a file may state which.
    fn check_stated(&self, file: &DigestSet) -> Outcome<()> {
        let Said::File(Some(stated)) = &self.content else { return Ok(()) };
        match file.get(stated.algorithm()) {
            Some(ours) if ours != stated => Err(AttestationRefusal::Subject(Differs::new(ours.to_string(), stated.to_string()))),
            _ => Ok(()),
        }
    }
}

/// The digest of the file that the statement names. Where it names none of this file, one that it names of another: everything else
/// is to hold before the subject is missed. The verifier compares under digests of files alone: a directory hash is compared by
/// [`super::super::attested::attest`], and the statement has to name some file for the verifier.
fn statement_digest(statement: &Statement, file: &DigestSet) -> Outcome<Digest> {
    let is_of_file = |digest: &&Digest| digest.algorithm() != Algorithm::DirHash;
    if let Some(subject) = statement.subject(file) {
        let common = file.iter().filter(is_of_file).find(|digest| subject.digests.get(digest.algorithm()).is_some());
        if let Some(digest) = common {
            return Ok(digest.clone());
        }
    }
    statement.subjects.iter().find_map(|subject| subject.digests.iter().find(is_of_file)).cloned().ok_or_else(|| {
        let expected = "a subject with a sha256 or a sha512, without which no signature of an identity or log entry is verified";
        let has_folder = statement.subjects.iter().any(|subject| !subject.digests.is_empty());
        let found = if has_folder { "subjects with a dirHash only" } else { "subjects with other digests only" };
        AttestationRefusal::DigestAlgorithm(Differs::new(expected, found))
    })
}

/// The digest that a signature over the file itself is over.
fn file_digest(message: &MessageSignature, file: &DigestSet) -> Outcome<Digest> {
    let algorithm = match message.message_digest.as_ref().map(|digest| digest.algorithm) {
        Some(HashAlgorithm::Sha2512) => Algorithm::Sha512,
        _ => Algorithm::Sha256,
    };
    file.get(algorithm).cloned().ok_or_else(|| {
        let expected = format!("the {algorithm} of the file, which the signature is over");
        AttestationRefusal::DigestAlgorithm(Differs::new(expected, listed(file)))
    })
}

impl Signer {
    fn of(version: BundleVersion, material: &VerificationMaterialContent) -> Outcome<Self> {
        let of_certificate = |certificate: &DerCertificate| Ok(Self::Identity(Box::new(Claims::of(certificate)?)));
        let misplaced = |expected: &str, found: &str| {
            let expected = format!("{expected} in a bundle of version {}", version.name());
            Err(AttestationRefusal::MediaType(Differs::new(expected, found)))
        };
        match (version, material) {
            (_, VerificationMaterialContent::PublicKey(key)) => Ok(Self::Key { hint: key.hint.clone() }),
            (BundleVersion::V0_3, VerificationMaterialContent::Certificate(certificate)) => {
                of_certificate(&certificate.raw_bytes)
            }
            (BundleVersion::V0_3, _) => misplaced("one certificate or a key", "a certificate chain"),
            (_, VerificationMaterialContent::X509CertificateChain { certificates }) => match certificates.first() {
                Some(leaf) => of_certificate(&leaf.raw_bytes),
                None => Err(AttestationRefusal::Certificate(Differs::new("a certificate", "an empty chain"))),
            },
            _ => misplaced("a certificate chain or a key", "a single certificate"),
        }
    }
}

impl Claims {
    fn of(certificate: &DerCertificate) -> Outcome<Self> {
        let found = parse_certificate_info(certificate)
            .map_err(|error| AttestationRefusal::Certificate(Differs::new("a certificate", error.to_string())))?;
        let claims = found.ci_claims;
        Ok(Self {
            identity: found.identity.map(|name| name.as_str().to_owned()),
            issuer: found.issuer,
            source: claims.source_repository_uri,
            source_id: claims.source_repository_identifier,
            owner_id: claims.source_repository_owner_identifier,
            source_ref: claims.source_repository_ref,
            source_commit: claims.source_repository_digest,
            runner: claims.runner_environment,
        })
    }
}

impl Said {
    fn of(content: &SignatureContent) -> Outcome<Self> {
        match content {
            SignatureContent::DsseEnvelope(envelope) => Statement::parse(envelope.payload.as_bytes())
                .map(Self::Statement)
                .map_err(|error| AttestationRefusal::Statement(Differs::new("an in-toto statement", error.to_string()))),
            SignatureContent::MessageSignature(message) => {
                let stated = message.message_digest.as_ref().map(|stated| {
                    let algorithm = match stated.algorithm {
                        HashAlgorithm::Sha2256 => Some(Algorithm::Sha256),
                        HashAlgorithm::Sha2512 => Some(Algorithm::Sha512),
                        _ => None,
                    };
                    let digest = algorithm.and_then(|a| Digest::parse(a, &stated.digest.to_hex()).ok());
                    digest.ok_or_else(|| {
                        let found = format!("{} of {} bytes", stated.algorithm, stated.digest.as_bytes().len());
                        AttestationRefusal::DigestAlgorithm(Differs::new("a sha256 or a sha512 of the file", found))
                    })
                });
                Ok(Self::File(stated.transpose()?))
            }
            _ => Err(AttestationRefusal::Form(Differs::new("a signature or an envelope", "something else"))),
        }
    }
}

/// The refusal of a checkpoint that is none, where that is why a bundle cannot be read: the crates read both at once.
fn checkpoint_of(json: &str) -> Option<AttestationRefusal> {
    let bundle: serde_json::Value = serde_json::from_str(json).ok()?;
    let entries = bundle.pointer("/verificationMaterial/tlogEntries")?.as_array()?;
    let notes = entries.iter().filter_map(|entry| entry.pointer("/inclusionProof/checkpoint/envelope")?.as_str());
    let error = notes.map(CheckpointData::new).find_map(Result::err)?;
    Some(AttestationRefusal::Checkpoint(Differs::new("a signed state of the log that the proof leads to", error.to_string())))
}

/// The digests of a file, for people.
pub(in crate::trust) fn listed(file: &DigestSet) -> String {
    let all: Vec<String> = file.iter().map(ToString::to_string).collect();
    if all.is_empty() { "no digest".to_owned() } else { all.join(" ") }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { format!("`{text}`") }
}

fn refusal_of(fault: Fault) -> AttestationRefusal {
    match fault {
        Fault::Verifier(error) => super::step::refusal(&error),
        Fault::LeftOut => AttestationRefusal::Form(Differs::new("every step of verification", "one that was left out")),
        Fault::NoTime => AttestationRefusal::Time(Differs::new("a verified time of signing", "none")),
    }
}
