//! Texts spelled in characters that nobody sees: tags (U+E0000 to U+E007F, one for each character of ASCII) and variation selectors
//! (256 of them, one for each byte).

use super::characters::is_pictured;
use crate::evidence::Hidden;

/// The most characters of a spelled text that are shown.
const LONGEST: usize = 200;

/// Flags of parts of a country are written with tags. Three of them are recommended for interchange (UTS 51, RGI emoji tag sequences).
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Tags that are no flag, and variation selectors that vary nothing.
pub(super) fn find(line: &[char]) -> Option<Hidden> {
    let (mut text, mut bytes) = (String::new(), Vec::new());
    let mut misplaced = 0;
    let mut at = 0;
    while at < line.len() {
        if is_tag(line[at]) {
            let length = line[at..].iter().take_while(|c| is_tag(**c)).count();
            let spelled: String = line[at..at + length].iter().copied().filter_map(tagged).collect();
            let is_flag = at > 0
                && line[at - 1] == '\u{1f3f4}'
                && line[at + length - 1] == '\u{e007f}'
                && FLAGS.contains(&spelled.as_str());
            if !is_flag {
                text.push_str(&spelled);
                misplaced += 1;
            }
            at += length;
        } else if let Some(byte) = selected(line[at]) {
            let length = line[at..].iter().take_while(|c| selected(**c).is_some()).count();
            let base = at.checked_sub(1).map(|at| line[at]);
            if length > 1 {
                bytes.extend(line[at..at + length].iter().filter_map(|c| selected(*c)));
                misplaced += 2;
            } else if !is_varied(base, line[at]) {
                bytes.push(byte);
                // One that stands alone is what an editor left behind; U+E0100 and above nobody types.
                misplaced += if line[at] >= '\u{e0100}' { 2 } else { 1 };
            }
            at += length;
        } else {
            at += 1;
        }
    }
    if text.is_empty() && misplaced < 2 {
        return None;
    }
    text.push_str(&String::from_utf8_lossy(&bytes));
    let spelled: String = text.chars().take(LONGEST).collect();
    Some(Hidden::Tags { spelled })
}

/// Whether a character is one in which texts are spelled.
pub(super) fn spells(c: char) -> bool {
    is_tag(c) || selected(c).is_some()
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// The character of ASCII that a tag stands for.
fn tagged(c: char) -> Option<char> {
    let code = u32::from(c).checked_sub(0xe_0000)?;
    u8::try_from(code).ok().filter(|byte| (0x20..0x7f).contains(byte)).map(char::from)
}

/// The byte that a variation selector stands for, where a text is spelled in them.
fn selected(c: char) -> Option<u8> {
    let code = u32::from(c);
    match code {
        0xfe00..=0xfe0f => u8::try_from(code - 0xfe00).ok(),
        0xe_0100..=0xe_01ef => u8::try_from(code - 0xe_0100 + 16).ok(),
        _ => None,
    }
}

/// Whether a character has variants that a selector chooses from (UTS 51, UTS 37, the standardized variants).
fn is_varied(base: Option<char>, selector: char) -> bool {
    let Some(base) = base else { return false };
    let is_ideograph = matches!(base, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => is_pictured(base) || matches!(base, '0'..='9' | '#' | '*') || is_ideograph,
        '\u{e0100}'..='\u{e01ef}' => is_ideograph,
        // Mathematics, Myanmar, Phags-pa, CJK punctuation: anything that is no letter of ASCII.
        _ => !base.is_ascii_alphabetic() && !base.is_whitespace(),
    }
}
