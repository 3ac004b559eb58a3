//! Trusted roots of Sigstore instances.

use sigstore_verify::Verifier;
use sigstore_verify::trust_root::TrustedRoot;
use std::sync::Arc;

/// The largest trusted root that is read, in bytes. The public one has 12 KiB.
pub const MAX_TRUSTED_ROOT: u64 = 1024 * 1024;

/// The trusted root of a Sigstore instance: who may issue certificates, which logs and which time stamps count.
#[derive(Clone)]
pub struct TrustRoot {
    pub(super) verifier: Arc<Verifier>,
    /// An instance whose root names no certificate transparency log has none that its certificates could be in.
    pub(super) has_certificate_log: bool,
    /// An instance whose root names no transparency log has none: GitHub's own. What is asked of a bundle follows from the root
    /// and from nothing else, so that no flag can ask for less.
    pub(super) has_log: bool,
}

impl TrustRoot {
    /// Read a trusted root (`application/vnd.dev.sigstore.trustedroot`).
    ///
    /// # Errors
    /// Why it cannot be used, in one sentence.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
        let root = TrustedRoot::from_json(text).map_err(|e| e.to_string())?;
        // JSON of anything else reads as a root that names nobody, under which every refusal would be about the bundle.
        if root.certificate_authorities.is_empty() && root.tlogs.is_empty() && root.timestamp_authorities.is_empty() {
            return Err("it names no certificate authority, no log and no time stamp authority: it is no trusted root".to_owned());
        }
        let verifier = Verifier::new(&root).map_err(|e| e.to_string())?;
        let (has_certificate_log, has_log) = (!root.ctlogs.is_empty(), !root.tlogs.is_empty());
        Ok(Self { verifier: Arc::new(verifier), has_certificate_log, has_log })
    }
}

impl std::fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustRoot")
            .field("has_certificate_log", &self.has_certificate_log)
            .field("has_log", &self.has_log)
            .finish_non_exhaustive()
    }
}
