//! The lines of the policy that judged, for a report to show.
//!
//! The decision opens no file, so the text is added afterwards, from the very bytes that were believed: a document whose digest is
//! another one by now is not quoted, and a lower layer, which nobody signs, is not read again.

use crate::digest::Digest;
use crate::evidence::Quote;
use crate::manifest::MAX_DOCUMENT;
use crate::policy::{PolicySummary, Report, Rule};
use crate::trust::{Proof, builtin};
use crate::world::files::Files;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Add to what the findings of a report say of the policy the text of its lines.
pub(super) fn add(report: &mut Report, files: Files) {
    let mut texts: BTreeMap<Option<PathBuf>, Option<String>> = BTreeMap::new();
    let policy = &report.policy;
    for rule in report.findings.iter_mut().filter_map(|finding| finding.rule.as_mut()) {
        if let Some(line) = rule.line {
            let text = texts.entry(rule.path.clone()).or_insert_with(|| believed(rule, policy, files));
            rule.quote = text.as_deref().and_then(|text| quote(text, line));
        }
    }
}

/// The text of the document that a rule stands in, where it is the one that was believed.
fn believed(rule: &Rule, policy: &PolicySummary, files: Files) -> Option<String> {
    let Some(path) = &rule.path else {
        return (policy.proof == Proof::BuiltIn && rule.layer == "manifest").then(|| builtin::STARTER.to_owned());
    };
    let proofs = [Some(&policy.proof), policy.revocations.as_ref().map(|(_, proof)| proof)];
    let expected = proofs.into_iter().flatten().find_map(|proof| match proof {
        Proof::Signed { path: signed, sha256, .. } if signed == path => Some(sha256),
        _ => None,
    })?;
    let bytes = files.read(path, MAX_DOCUMENT).ok()?;
    Digest::sha256_of(&bytes).verify(expected).ok()?;
    String::from_utf8(bytes).ok()
}

/// A line, from 1, clipped.
fn quote(text: &str, line: u32) -> Option<Quote> {
    let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let text = line[..line.floor_char_boundary(Quote::LONGEST)].to_owned();
    let trimmed = text.trim();
    let start = text.len() - text.trim_start().len();
    (!trimmed.is_empty()).then(|| Quote { part: start..start + trimmed.len(), text: text.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_quoted_without_the_blanks_around_it() {
        let quoted = quote("one\n  two  \n", 2).unwrap();
        assert_eq!(&quoted.text[quoted.part], "two");
        assert_eq!(quote("one\n", 2), None);
        assert_eq!(quote("one\n", 0), None);
    }
}
