//! Characters that are not seen: controls of direction, and what has no width.

use super::named;
use crate::evidence::Hidden;

/// How a control of direction is used.
#[derive(PartialEq, Eq)]
enum Control {
    /// Overrides: letters are shown in another order than they are read, whatever they are.
    Override,
    /// Embeddings and isolates: of use where a line holds writing of both directions, and closed on it.
    Opens,
    Closes,
}

fn control(c: char) -> Option<Control> {
    match c {
        '\u{202d}' | '\u{202e}' => Some(Control::Override),
        '\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}' => Some(Control::Opens),
        '\u{202c}' | '\u{2069}' => Some(Control::Closes),
        _ => None,
    }
}

/// Whether a character is a control of direction.
pub(super) fn is_control(c: char) -> bool {
    control(c).is_some()
}

/// Controls of direction, where they do something else than separate the two directions of one line.
pub(super) fn bidi(line: &[char]) -> Option<Hidden> {
    let controls = || line.iter().copied().filter(|c| control(*c).is_some());
    controls().next()?;
    let (mut depth, mut is_balanced) = (0_i32, true);
    for c in controls() {
        match control(c) {
            Some(Control::Override) => is_balanced = false,
            Some(Control::Opens) => depth += 1,
            Some(Control::Closes) => depth -= 1,
            None => {}
        }
        is_balanced &= depth >= 0;
    }
    let is_of_use = is_balanced && depth == 0 && line.iter().any(|c| is_right_to_left(*c));
    (!is_of_use).then(|| Hidden::Bidi { characters: named(controls()) })
}

/// Letters that are written from right to left: Hebrew, Arabic, Syriac, Thaana, `NKo` and their extended blocks.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        && !matches!(c, '\u{061c}')
}

/// Runs of invisible characters of this length have no use in any writing.
const SUSPICIOUS_RUN: usize = 3;

/// Characters without width, where no writing has a use for them.
pub(super) fn zero_width(line: &[char]) -> Option<Hidden> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = line.get(at).copied() {
        if !is_invisible(c) {
            at += 1;
            continue;
        }
        let length = line[at..].iter().take_while(|c| is_invisible(**c)).count();
        let run = &line[at..at + length];
        let before = at.checked_sub(1).map(|at| line[at]);
        let after = line.get(at + length).copied();
        if length >= SUSPICIOUS_RUN || run.iter().any(|c| !has_use(*c, length, before, after)) {
            found.extend_from_slice(run);
        }
        at += length;
    }
    (!found.is_empty()).then(|| Hidden::ZeroWidth { characters: named(found.into_iter()) })
}

/// Characters that have no width and are no control of direction, tag or variation selector: those have kinds of their own.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}'                  // soft hyphen
        | '\u{034f}'                // combining grapheme joiner
        | '\u{061c}'                // Arabic letter mark
        | '\u{115f}' | '\u{1160}'   // Hangul fillers
        | '\u{17b4}' | '\u{17b5}'   // Khmer inherent vowels
        | '\u{180e}'                // Mongolian vowel separator
        | '\u{200b}'..='\u{200f}'   // zero width space and joiners, marks of direction
        | '\u{2060}'..='\u{2064}'   // word joiner, invisible operators
        | '\u{206a}'..='\u{206f}'   // deprecated shaping
        | '\u{3164}' | '\u{ffa0}'   // Hangul fillers
        | '\u{feff}'                // byte order mark
        | '\u{fff9}'..='\u{fffb}'   // interlinear annotation
        | '\u{1d173}'..='\u{1d17a}' // musical formatting
    )
}

/// Whether an invisible character does something for those who read the line.
fn has_use(c: char, run: usize, before: Option<char>, after: Option<char>) -> bool {
    let is_either = |test: fn(char) -> bool| before.is_some_and(test) || after.is_some_and(test);
    let is_in_word = before.is_some_and(|c| c.is_ascii_alphanumeric()) && after.is_some_and(|c| c.is_ascii_alphanumeric());
    match c {
        // Between emoji, and where letters join.
        '\u{200d}' => is_either(joins) || (before.is_some_and(is_pictured) && after.is_some_and(is_pictured)),
        '\u{200c}' | '\u{034f}' => is_either(joins),
        // Where lines may break in writing without spaces, and around emphasis there.
        '\u{200b}' => is_either(has_no_spaces),
        // Marks of direction decide about punctuation; inside a word they only hide it from a search.
        '\u{200e}' | '\u{200f}' | '\u{061c}' => run == 1 && !is_in_word,
        // A hyphen that may be shown, inside a word of more than code.
        '\u{00ad}' => run == 1 && before.is_some_and(char::is_alphabetic) && after.is_some_and(char::is_alphabetic),
        // What concatenating files leaves at the start of a line.
        '\u{feff}' => run == 1 && before.is_none(),
        '\u{2060}' => is_either(has_no_spaces) || !is_in_word && is_either(|c| !c.is_ascii()),
        '\u{180e}' => is_either(|c| matches!(c, '\u{1800}'..='\u{18af}')),
        '\u{115f}' | '\u{1160}' => is_either(|c| matches!(c, '\u{1100}'..='\u{11ff}')),
        '\u{17b4}' | '\u{17b5}' => is_either(|c| matches!(c, '\u{1780}'..='\u{17ff}')),
        _ => false,
    }
}

/// Scripts whose letters change with their neighbours, so that joiners and non-joiners are part of the spelling (UAX 31 2.3).
fn joins(c: char) -> bool {
    matches!(c,
        '\u{0590}'..='\u{05ff}'     // Hebrew, for the joiner of graphemes
        | '\u{0600}'..='\u{08ff}'   // Arabic, Syriac, Thaana, NKo, Mandaic
        | '\u{0900}'..='\u{0dff}'   // the scripts of India and Sri Lanka
        | '\u{0f00}'..='\u{109f}'   // Tibetan, Myanmar
        | '\u{1780}'..='\u{18af}'   // Khmer, Mongolian
        | '\u{1a20}'..='\u{1aaf}' | '\u{1b00}'..='\u{1c4f}'
        | '\u{a840}'..='\u{a87f}' | '\u{a8e0}'..='\u{a9df}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{11000}'..='\u{11fff}'
    )
}

/// Writing without spaces between words: Thai, Lao, Myanmar, Khmer, Tibetan, Chinese, Japanese, Korean.
fn has_no_spaces(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aaf}'
        | '\u{2e80}'..='\u{312f}' | '\u{3131}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}'
    ) && c != '\u{3164}'
}

/// Emoji and what changes their look: the only things that a joiner joins outside of letters (UTS 51).
pub(super) fn is_pictured(c: char) -> bool {
    matches!(c,
        '\u{00a9}' | '\u{00ae}' | '\u{203c}' | '\u{2049}' | '\u{20e3}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21aa}' | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2934}'..='\u{2935}'
        | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{fe0f}'
        | '\u{1f000}'..='\u{1faff}'
    )
}
