//! How text that came from outside (file names, package names, manifest strings) is shown.
//!
//! A repository or a package chooses its own names, so a name may carry terminal escapes, bidirectional controls or line
//! breaks that forge output (threat T-14). Everything that reaches a person goes through [`printable`]; nothing else in the
//! program decides what is safe to show.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

/// The text with every character that could change how a terminal, a log viewer or a diff shows the rest written as
/// `\u{hex}`: C0 and C1 controls, bidirectional controls, zero-width and tag characters, line and paragraph separators.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_deceptive(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// [`printable`] for a name as the operating system gives it; bytes that are not UTF-8 are written as `\x..`.
#[must_use]
pub fn printable_os(name: &OsStr) -> String {
    let mut shown = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        shown.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// [`printable_os`] for a path.
#[must_use]
pub fn printable_path(path: &Path) -> String {
    printable_os(path.as_os_str())
}

/// Whether a character can make text look like something it is not.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}'                      // soft hyphen
            | '\u{034f}'                    // combining grapheme joiner
            | '\u{061c}'                    // Arabic letter mark
            | '\u{115f}' | '\u{1160}'       // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'       // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}'       // Mongolian variation selectors
            | '\u{200b}'..='\u{200f}'       // zero width, LRM, RLM
            | '\u{2028}'..='\u{202e}'       // separators, embeddings, overrides
            | '\u{2060}'..='\u{206f}'       // word joiner, isolates
            | '\u{3164}' | '\u{ffa0}'       // Hangul fillers
            | '\u{fe00}'..='\u{fe0f}'       // variation selectors
            | '\u{feff}'                    // byte order mark
            | '\u{fff9}'..='\u{fffb}'       // interlinear annotation
            | '\u{e0000}'..='\u{e0fff}'     // tags, variation selectors supplement
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_never_reach_the_terminal() {
        assert_eq!(printable("\u{1b}]0;owned\u{7}"), "\\u{1b}]0;owned\\u{7}");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(printable("one\ntwo\r"), "one\\u{a}two\\u{d}");
        assert!(matches!(printable("Grüße 日本"), Cow::Borrowed(_)));
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_text_are_shown_as_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(printable_os(OsStr::from_bytes(b"a\xff\x1bb")), "a\\xff\\u{1b}b");
    }

    proptest! {
        #[test]
        fn output_has_no_control_byte(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_deceptive));
        }
    }
}
