//! Letters of another script inside a word: `pаypal` with a Cyrillic `а` reads as one word and is another (Unicode TR39, 4 and 5.1).
//!
//! A word of one script is a word, whichever script. Of two scripts it is told when it reads as Latin: every letter that is not Latin
//! looks like one, and at least one that is Latin looks like nothing else. So "Dockerом" (an ending), "cделать" (a slip of the
//! keyboard) and "Δx" (mathematics) say nothing.

use super::named;
use crate::evidence::Hidden;
use crate::gather::repository::document::clipped;

/// Words longer than this are no words.
const LONGEST: usize = 64;

/// The first word of a line that reads as Latin and is not.
pub(super) fn find(line: &str) -> Option<Hidden> {
    let has_cyrillic = line.split(|c: char| !c.is_alphabetic()).any(|word| {
        let mut letters = word.chars().peekable();
        letters.peek().is_some() && letters.all(|c| script(c) == Some(Script::Cyrillic))
    });
    line.split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_ascii() && word.len() > 1)
        .find(|word| is_disguised(word, has_cyrillic))
        .map(|word| Hidden::LookAlike { word: clipped(word), characters: named(word.chars().filter(|c| script(*c).is_some())) })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Cyrillic,
    Greek,
    Armenian,
}

fn script(c: char) -> Option<Script> {
    match c {
        '\u{0370}'..='\u{03ff}' | '\u{1f00}'..='\u{1fff}' => Some(Script::Greek),
        '\u{0400}'..='\u{052f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' => {
            Some(Script::Cyrillic)
        }
        '\u{0530}'..='\u{058f}' => Some(Script::Armenian),
        _ => None,
    }
}

/// Whether a character is of a script whose letters are told from Latin ones.
pub(super) fn is_foreign(c: char) -> bool {
    script(c).is_some()
}

fn is_disguised(word: &str, is_among_cyrillic: bool) -> bool {
    let letters: Vec<char> = word.chars().take(LONGEST + 1).collect();
    if letters.len() > LONGEST {
        return false;
    }
    let foreign = || letters.iter().copied().filter(|c| script(*c).is_some());
    let latin = || letters.iter().copied().filter(char::is_ascii_alphabetic);
    // Another script than these, a letter with an accent: nothing that is written to look alike.
    if foreign().count() + latin().count() < letters.len() || foreign().count() == 0 {
        return false;
    }
    if !latin().any(is_latin_alone) || !foreign().all(looks_latin) {
        return false;
    }
    let first_foreign = letters.iter().position(|c| script(*c).is_some()).unwrap_or(0);
    let is_ending = letters[first_foreign..].iter().all(|c| script(*c).is_some());
    match foreign().find_map(script) {
        // A Latin name with a Russian ending: "PRа", "APIу".
        Some(Script::Cyrillic) => !(is_ending && is_among_cyrillic && first_foreign > 0),
        // Mathematics and physics put one Greek letter before or behind Latin ones: "Δx", "νmax", "Kα". A small omicron is used by none.
        Some(Script::Greek) => {
            let is_hidden = |c: char| c == 'ο' || c == 'Ο';
            let is_inside = letters.iter().enumerate().any(|(at, c)| at > 0 && at + 1 < letters.len() && script(*c).is_some());
            let has_capital = foreign().any(char::is_uppercase);
            latin().count() >= 2 && foreign().any(is_hidden) || latin().count() >= 3 && (is_inside || has_capital)
        }
        _ => latin().count() >= 2,
    }
}

/// Letters that look like a Latin one (TR39, `confusables.txt`, those whose skeleton is one letter of ASCII).
fn looks_latin(c: char) -> bool {
    const CYRILLIC: &str = "аеорсухіјѕһԁԛԝѵөүАВЕКМНОРСТУХЗІЈЅҺԌԚԜҮҒӀӏ";
    const GREEK: &str = "αιοκνρυγΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳϹͿ";
    const ARMENIAN: &str = "օոսհցզգքյՏՍՕԼ";
    CYRILLIC.contains(c) || GREEK.contains(c) || ARMENIAN.contains(c)
}

/// Latin letters that no letter of Cyrillic or Greek looks like, so that a word with one is meant to be Latin.
fn is_latin_alone(c: char) -> bool {
    "bdfghjklmnqrtuvwzDFGJLQRSUVWN".contains(c) || matches!(c, 's' | 'i')
}
