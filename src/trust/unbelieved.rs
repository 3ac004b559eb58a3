//! What is not believed, said to people: what was expected, what was found, where, and the command that mends it.

use super::refusal::{Document, Refusal};
use crate::error::Error;
use crate::text::{printable, printable_path};
use std::path::PathBuf;

/// A document that is not believed, and why.
#[derive(Debug)]
pub struct Unbelieved {
    /// The document.
    pub path: PathBuf,
    /// Why.
    pub refusal: Refusal,
}

const SYNC: &str = "`vetted sync` fetches the newest policy";

impl From<Unbelieved> for Error {
    fn from(unbelieved: Unbelieved) -> Self {
        let path = printable_path(&unbelieved.path);
        let name = unbelieved.path.file_name().map(crate::text::printable_os).unwrap_or_default();
        let sign = format!("`vetted sign {path}`");
        let refusal = &unbelieved.refusal;
        let told = |message: String| Self::undecided(message).cause(refusal.to_string());
        match refusal {
            Refusal::NotSigned(_) => Self::undecided(format!("{name} is not signed"))
                .cause(format!("no signature stands beside `{path}`; an unsigned document approves nothing"))
                .hint(sign),
            Refusal::Threshold { .. } => too_few(&name, refusal, &sign),
            Refusal::Digest { .. } | Refusal::Signature { .. } => {
                told(format!("{name} is not the file that was signed")).hint(format!("read what changed; if it is meant, {sign}"))
            }
            Refusal::KeyEnded { .. } | Refusal::NoInclusionProof { .. } | Refusal::Evidence { .. } => {
                told(format!("a signature of {name} does not count")).hint(format!("ask a signer to run {sign}"))
            }
            Refusal::Document(errors) => Self::undecided(format!("{name} cannot be used")).cause(errors.to_string()),
            Refusal::Rollback { .. } | Refusal::IssuedBefore { .. } | Refusal::BelowFloor { .. } => {
                told(format!("`{path}` is older than it may be"))
                    .hint(SYNC)
                    .hint(format!("to return to what it says, issue it anew: {}", anew(&unbelieved)))
            }
            Refusal::Equivocation { .. } => told(format!("`{path}` is not the document that was believed under its number"))
                .hint(SYNC)
                .hint(format!("ask its signers which of the two is theirs; {} makes the next issue", anew(&unbelieved))),
            Refusal::OlderThanBeacon { .. } | Refusal::OtherThanBeacon { .. } => {
                told(format!("`{path}` does not belong to the revocations beside it"))
                    .hint(SYNC)
                    .hint("its signers: `vetted sign --renew vetted-revocations.toml` names the manifest beside it")
            }
            Refusal::RevocationsLeftOut(_) => told(format!("{name} is missing")).hint(SYNC),
            Refusal::RevocationsLost(ids) => told(format!("`{path}` lost what was revoked"))
                .hint(SYNC)
                .hint(format!("its signers: `vetted withdraw {}` ends one on purpose", first(ids))),
            Refusal::RevocationChanged(id) => told(format!("`{path}` changed what was revoked")).hint(format!(
                "its signers: revoke what is new under an id of its own, and end this one with `vetted withdraw {}`",
                printable(id)
            )),
            Refusal::TrustStepMissing { version, .. } => told(format!("cannot follow the trust policy to `{path}`"))
                .hint(SYNC)
                .hint(format!("put `vetted-trust.{version}.toml` and its signatures beside it")),
            Refusal::TrustNotVouched { .. } | Refusal::TrustVersion { .. } | Refusal::OtherPolicy { .. } => {
                told(format!("cannot follow the trust policy to `{path}`")).hint(SYNC).hint(REPIN)
            }
            Refusal::Fingerprint { .. } => told(format!("`{path}` is not the trust policy that is pinned")).hint(REPIN),
            Refusal::ClientTooOld { .. } => told(format!("cannot believe `{path}`")).hint("update vetted"),
            Refusal::WaiverTooLong { .. } => told(format!("cannot believe `{path}`"))
                .hint(format!("its signers: shorten the waiver, see `vetted policy check`, and run {sign}")),
            Refusal::IssuedInFuture { .. } => {
                told(format!("cannot believe `{path}`")).hint("set the clock of this machine, or of the one that signs")
            }
            Refusal::TrustedRoot { .. } | Refusal::TrustedRootDigest { .. } => {
                told(format!("cannot believe `{path}`")).hint(SYNC)
            }
            Refusal::File(error) if error.is_not_found() => told(format!("the policy here has no {name}"))
                .hint("`vetted sync` fetches it, where a source is pinned; `vetted trust pin` pins one"),
            _ => told(format!("cannot believe `{path}`")),
        }
    }
}

/// Where no chain of signatures leads any more, a person has to (TUF: an out-of-band update).
const REPIN: &str = "if the policy really began anew, learn its fingerprint from a person and run `vetted trust pin`";

fn too_few(name: &str, refusal: &Refusal, sign: &str) -> Error {
    let Refusal::Threshold { found, needed, missing, refused, .. } = refusal else {
        return Error::undecided(format!("cannot believe {name}")).cause(refusal.to_string());
    };
    let needs = needed.saturating_sub(found.len());
    let mut error = Error::undecided(format!("{name} carries {} of {needed} signatures it needs", found.len())).cause(format!(
        "found: {}; needs {needs} more of {}",
        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        missing.join(", ")
    ));
    for refusal in refused {
        error = error.cause(format!("a bundle that does not count: {refusal}"));
    }
    error.hint(format!("ask one of them to run {sign}"))
}

/// The command that makes the next issue of a document.
fn anew(unbelieved: &Unbelieved) -> String {
    match &unbelieved.refusal {
        Refusal::Rollback { document: Document::Trust, .. } | Refusal::Equivocation { document: Document::Trust, .. } => {
            "`vetted trust next`".to_owned()
        }
        _ => format!("`vetted sign --renew {}`", printable_path(&unbelieved.path)),
    }
}

fn first(ids: &[String]) -> String {
    ids.first().map(|id| printable(id).into_owned()).unwrap_or_default()
}
