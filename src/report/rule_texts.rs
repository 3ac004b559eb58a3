//! What `docs/findings.md` says of a code, for formats that explain their rules.

use crate::policy::Code;

/// One heading for each code.
pub const FINDINGS: &str = include_str!("../../docs/findings.md");

/// The page of this version of the program.
const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/v", env!("CARGO_PKG_VERSION"), "/docs/");

/// The text under a second-level heading, with the heading.
#[must_use]
pub fn section<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let start = text.find(&format!("\n## {heading}\n"))? + 1;
    let end = text[start + 1..].find("\n## ").map_or(text.len(), |end| start + 1 + end);
    Some(&text[start..end])
}

/// Where a reader finds the text of a code.
pub(super) fn page(code: Code) -> String {
    format!("{PAGE}findings.md#{}", code.name())
}

/// What a code means, in one paragraph.
pub(super) fn meaning(code: Code) -> String {
    let text = section(FINDINGS, code.name()).and_then(|text| text.split("**Means.** ").nth(1)).unwrap_or_default();
    let paragraph: Vec<&str> = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect();
    if paragraph.is_empty() { code.summary().to_owned() } else { paragraph.join(" ") }
}

/// Everything that is said of a code, in Markdown, without its heading. Links to other pages are made whole.
pub(super) fn markdown(code: Code) -> String {
    let text = section(FINDINGS, code.name()).and_then(|text| text.split_once('\n')).map_or("", |(_, rest)| rest);
    let mut whole = String::with_capacity(text.len());
    for (number, piece) in text.trim().split("](").enumerate() {
        if number > 0 {
            whole.push_str("](");
            if !piece.starts_with("https://") {
                whole.push_str(PAGE);
                whole.push_str(if piece.starts_with('#') { "findings.md" } else { "" });
            }
        }
        whole.push_str(piece);
    }
    whole
}

/// The same as plain text.
pub(super) fn plain(code: Code) -> String {
    markdown(code).replace("**", "").lines().filter(|line| !line.starts_with("```")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_meaning_and_a_text() {
        for code in Code::ALL {
            assert!(meaning(*code).ends_with('.'), "{}: {}", code.name(), meaning(*code));
            assert!(markdown(*code).starts_with("**Means.**"), "{}", code.name());
            assert!(!plain(*code).contains("**") && plain(*code).starts_with("Means."), "{}", code.name());
        }
        assert!(page(Code::RevokedTool).ends_with("/docs/findings.md#revoked-tool"));
    }
}
