//! What is not believed, said to people: what was expected, what was found, where, and the command that mends it.

use super::refusal::Refusal;
use crate::error::Error;
use crate::text::printable_path;
use std::path::PathBuf;

/// A document that is not believed, and why.
#[derive(Debug)]
pub struct Unbelieved {
    /// The document.
    pub path: PathBuf,
    /// Why.
    pub refusal: Refusal,
}

impl From<Unbelieved> for Error {
    fn from(unbelieved: Unbelieved) -> Self {
        let path = printable_path(&unbelieved.path);
        let name = unbelieved.path.file_name().map(crate::text::printable_os).unwrap_or_default();
        let sign = format!("`vetted sign {path}`");
        match &unbelieved.refusal {
            Refusal::NotSigned(_) => Self::undecided(format!("{name} is not signed"))
                .cause(format!("no signature stands beside `{path}`; an unsigned document approves nothing"))
                .hint(sign),
            Refusal::Threshold { found, needed, missing, refused, .. } => {
                let needs = needed.saturating_sub(found.len());
                let mut error =
                    Self::undecided(format!("{name} carries {} of {needed} signatures it needs", found.len())).cause(format!(
                        "found: {}; needs {needs} more of {}",
                        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
                        missing.join(", ")
                    ));
                for refusal in refused {
                    error = error.cause(format!("a bundle that does not count: {refusal}"));
                }
                error.hint(format!("ask one of them to run {sign}"))
            }
            refusal @ (Refusal::Digest { .. } | Refusal::Signature { .. }) => {
                Self::undecided(format!("{name} is not the file that was signed"))
                    .cause(refusal.to_string())
                    .hint(format!("read what changed; if it is meant, {sign}"))
            }
            Refusal::Document(errors) => Self::undecided(format!("{name} cannot be used")).cause(errors.to_string()),
            refusal => Self::undecided(format!("cannot believe `{path}`")).cause(refusal.to_string()),
        }
    }
}
