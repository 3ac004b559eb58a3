//! Sigstore: the one room that reads and verifies bundles with the Sigstore crates, whose interface changes with every minor
//! release. `signing/` and `sync/tuf` name those that sign and that fetch.
//!
//! Two things are verified here, through the same lower layer (`lower`): the signature over a document of ours
//! ([`SignatureBundle`]) and what somebody attests of a release ([`AttestationBundle`]). What the crates leave to their callers is
//! asked for here and in [`super::attested`]: the oldest form that counts and its inclusion proof, the subject under every digest
//! that is known of it, the numbers of the repository and its owner.

mod bundle;
mod document;
mod key;
mod lower;
mod root;
mod step;

pub use bundle::{AttestationBundle, Claims, Signer};
pub(super) use bundle::{Proved, listed};
pub use document::{IdentityBundle, KeyBundle, SignatureBundle};
pub(super) use key::key_bundle;
pub use key::{SigningKey, public_pem};
pub use root::{MAX_TRUSTED_ROOT, TrustRoot};
