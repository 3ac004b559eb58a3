//! Spans of time as the documents write them: `"72h"`, `"7d"`, `"90m"`.
//!
//! One number and one unit, so that two spans are compared at sight. A day has 24 hours: none of these spans follows a calendar.

use jiff::SignedDuration;

/// The seconds of each unit, the largest first.
const UNITS: [(char, i64); 3] = [('d', 86_400), ('h', 3_600), ('m', 60)];

/// Read a span.
///
/// # Errors
/// What was expected, in one sentence.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{text}` is not a span of time: one number and `m`, `h` or `d`, for example `72h`");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let (_, seconds) = UNITS.into_iter().find(|(letter, _)| *letter == unit).ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).unwrap_or_default();
    // Nine digits are more than any span needs, and no unit makes them overflow.
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    Ok(SignedDuration::from_secs(number * seconds))
}

/// A span as [`parse`] reads it, in the largest unit that says it exactly. What is less than a minute is left out.
#[must_use]
pub fn written(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let (letter, unit) = UNITS.into_iter().find(|(_, unit)| seconds != 0 && seconds % unit == 0).unwrap_or(('m', 60));
    format!("{}{letter}", seconds / unit)
}

/// [`parse`], and neither shorter than `least` nor longer than `most`.
///
/// # Errors
/// What was expected, in one sentence.
pub(super) fn between(text: &str, least: SignedDuration, most: SignedDuration) -> Result<SignedDuration, String> {
    let span = parse(text)?;
    if span < least || span > most {
        return Err(format!("`{text}` is not from {} to {}", written(least), written(most)));
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read() {
        assert_eq!(parse("90m"), Ok(SignedDuration::from_mins(90)));
        assert_eq!(parse("72h"), Ok(SignedDuration::from_hours(72)));
        assert_eq!(parse("7d"), Ok(SignedDuration::from_hours(7 * 24)));
        assert_eq!(parse("0h"), Ok(SignedDuration::ZERO));
        for wrong in ["", "h", "72", "72 h", "-1h", "+1h", "1.5h", "1h30m", "72H", "P3D", "1w", "1000000000d", "7٣d", "é"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_has_its_bounds() {
        let (least, most) = (SignedDuration::from_mins(5), SignedDuration::from_hours(7 * 24));
        assert!(between("5m", least, most).is_ok() && between("7d", least, most).is_ok());
        assert!(between("4m", least, most).unwrap_err().contains("from 5m to 7d"));
        assert!(between("169h", least, most).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(minutes in 0_i64..1_000_000) {
            let span = SignedDuration::from_mins(minutes);
            prop_assert_eq!(parse(&written(span)), Ok(span));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
