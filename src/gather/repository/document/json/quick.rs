//! JSON as almost all of it is: read in one pass over the bytes, with strings that are borrowed from them.
//!
//! It answers only where it is certain that the careful reader beside it would say the same, and leaves everything else to that one:
//! what is wrong, nested deeply, very large, or has two keys that may be the same. So it needs no words for errors, and whatever it
//! misses costs time and decides nothing.

use super::super::{MAX_VALUES, Member, Node, Value};
use std::borrow::Cow;

/// Nesting that is followed; the careful reader follows a little more.
const DEEP: usize = 100;

/// A whole text, or nothing where the careful reader has to look.
pub(super) fn parse(text: &str) -> Option<Node<'_>> {
    let mut reader = Reader { text, at: 0, line: 1, left: MAX_VALUES, keys: Vec::new(), members: Vec::new(), items: Vec::new() };
    let value = reader.value(0)?;
    reader.skip_space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    /// How many values there may be from here on.
    left: u32,
    /// A number for each key of the objects that are open, those of the innermost last.
    keys: Vec<u64>,
    /// Members of the objects that are open, and items of the arrays: a list that is whole is taken off the end with the length it has,
    /// and none grows step by step.
    members: Vec<Member<'t>>,
    items: Vec<Node<'t>>,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Step over a byte that has to be this one.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Line breaks stand between values alone: inside of strings they are escaped.
    #[inline]
    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\n' | b'\r' | b'\t')) = self.peek() {
            self.line += u32::from(byte == b'\n');
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node<'t>> {
        self.skip_space();
        self.left = self.left.checked_sub(1)?;
        let line = self.line;
        let value = match self.peek()? {
            b'"' => Value::Text(self.string()?),
            b'{' if depth < DEEP => self.object(depth)?,
            b'[' if depth < DEEP => self.array(depth)?,
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            b'-' | b'0'..=b'9' => Value::Number(self.number()?),
            _ => return None,
        };
        Some(Node { line, value })
    }

    fn object(&mut self, depth: usize) -> Option<Value<'t>> {
        self.at += 1;
        let (first_key, first) = (self.keys.len(), self.members.len());
        self.skip_space();
        if self.peek()? != b'}' {
            loop {
                self.skip_space();
                let line = self.line;
                let key = self.string()?;
                self.keys.push(number_of(key.as_bytes()));
                self.skip_space();
                self.take(b':')?;
                let value = self.value(depth + 1)?;
                self.members.push(Member { key, line, value });
                self.skip_space();
                if self.peek()? != b',' {
                    break;
                }
                self.at += 1;
            }
        }
        self.take(b'}')?;
        // Equal keys have equal numbers. Where two numbers are equal, the careful reader says whether the keys are.
        let keys = &mut self.keys[first_key..];
        keys.sort_unstable();
        let are_different = keys.windows(2).all(|pair| pair[0] != pair[1]);
        self.keys.truncate(first_key);
        are_different.then(|| Value::Object(self.members.drain(first..).collect()))
    }

    fn array(&mut self, depth: usize) -> Option<Value<'t>> {
        self.at += 1;
        let first = self.items.len();
        self.skip_space();
        if self.peek()? != b']' {
            loop {
                let value = self.value(depth + 1)?;
                self.items.push(value);
                self.skip_space();
                if self.peek()? != b',' {
                    break;
                }
                self.at += 1;
            }
        }
        self.take(b']')?;
        Some(Value::Array(self.items.drain(first..).collect()))
    }

    fn word(&mut self, word: &str, value: Value<'t>) -> Option<Value<'t>> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        self.take(b'"')?;
        let start = self.at;
        self.at += plain_length(&self.text.as_bytes()[start..]);
        match self.peek()? {
            b'"' => {
                self.at += 1;
                Some(Cow::Borrowed(&self.text[start..self.at - 1]))
            }
            b'\\' => self.escaped_string(start),
            _ => None,
        }
    }

    /// A string with escapes, which stands at the first of them: what they mean, the library knows.
    fn escaped_string(&mut self, start: usize) -> Option<Cow<'t, str>> {
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(&self.text[start - 1..self.at]).ok().map(Cow::Owned)
    }

    /// A number as the careful reader writes it: whole ones stand as they are.
    fn number(&mut self) -> Option<Cow<'t, str>> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        let is_plain = length < 16 && !text.starts_with(['-', '0']) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain || text == "0" {
            return Some(Cow::Borrowed(text));
        }
        let number: serde_json::Number = serde_json::from_str(text).ok()?;
        let whole = number.as_i64().map(|number| number.to_string()).or_else(|| number.as_u64().map(|number| number.to_string()));
        whole.or_else(|| number.as_f64().map(|number| number.to_string())).map(Cow::Owned)
    }
}

/// How many bytes of a string come before its end, its first escape, or what may not stand in one: eight at a time, because strings are
/// most of what a file is.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero. Bytes above a zero may be marked wrongly; the lowest mark never is.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut length = 0;
    let mut rest = bytes;
    while let Some((eight, after)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        let is_control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let marks = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\'))) | is_control;
        if marks != 0 {
            return length + marks.trailing_zeros() as usize / 8;
        }
        length += 8;
        rest = after;
    }
    length + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// A number that equal keys have in common, and different ones seldom.
fn number_of(key: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    let state = key.len() as u64;
    let Some(last) = key.last_chunk() else {
        return mix(state, key.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    };
    // The last word overlaps the one before it where the length is no multiple of eight.
    let (words, _) = key.as_chunks();
    let state = words.iter().fold(state, |state, word| mix(state, u64::from_le_bytes(*word)));
    mix(state, u64::from_le_bytes(*last))
}

#[cfg(test)]
mod tests {
    use super::super::careful;
    use super::*;
    use crate::gather::repository::document::text_of;
    use proptest::prelude::*;

    /// A value without the lines of numbers: the careful reader has read one byte more when it comes to know them, and counts a line
    /// break that ends them.
    fn without_lines_of_numbers(mut node: Node<'_>) -> Node<'_> {
        match &mut node.value {
            Value::Object(members) => {
                for member in members {
                    let value = std::mem::replace(&mut member.value, Node { line: 0, value: Value::Null });
                    member.value = without_lines_of_numbers(value);
                }
            }
            Value::Array(items) => *items = std::mem::take(items).into_iter().map(without_lines_of_numbers).collect(),
            Value::Number(_) => node.line = 0,
            _ => {}
        }
        node
    }

    /// The quick reader says what the careful one says, or nothing.
    fn agree(bytes: &[u8]) -> Option<()> {
        let quick = parse(text_of(bytes).ok()?)?;
        let careful = careful(bytes).unwrap_or_else(|error| panic!("read, and refused: {error:?}"));
        assert_eq!(without_lines_of_numbers(quick), without_lines_of_numbers(careful));
        Some(())
    }

    /// Real ones, and what each rule of the grammar is for.
    const SEEDS: [&str; 12] = [
        "{\n  \"name\": \"a\",\n  \"dependencies\": {\n    \"@acme/agent\": \"^1.2.3\",\n    \"b\": \"npm:c@1\"\n  },\n  \"private\": true\n}\n",
        "{\"scripts\": {\"test\": \"echo \\\"x\\\" && exit 1\", \"\\u0061\": \"\\ud83d\\ude00\"}, \"n\": [1, -2, 0, 1.5, 1e3, -0, 18446744073709551616]}",
        "[{\"a\": null, \"b\": false}, [], {}, [[[]]], \"\"]",
        "\u{feff}{\"a\":\r\n1\n,\"b\"\t:\n2}",
        "{\"a\": 1, \"a\": 2}",
        "{\"key-of-some-length-1\": {\"x\": 1}, \"key-of-some-length-2\": {\"x\": 1}, \"\\u006bey-of-some-length-1\": 0}",
        "{\"ä\": \"ö – \u{1f600}\", \"\u{7f}\": \"\u{80}\"}",
        "[1, 2,]",
        "{\"a\" 1}",
        "[01, 1., .5, 1e, +1, --1]",
        "\"\\x\" \"\\ud800\"",
        "\"tab\tin a string\"",
    ];

    #[test]
    fn whole_files_are_read_quickly_and_the_same() {
        for seed in &SEEDS[..4] {
            assert_eq!(agree(seed.as_bytes()), Some(()), "{seed}");
        }
        for seed in &SEEDS[4..] {
            agree(seed.as_bytes());
        }
        assert_eq!(agree(SEEDS[6].as_bytes()), Some(()));
        let wide: Vec<String> = (0..1_000).map(|i| format!("\"package-{i}\": \"{i}.0.0\"")).collect();
        assert_eq!(agree(format!("{{{}}}", wide.join(",\n")).as_bytes()), Some(()));
    }

    #[test]
    fn what_is_doubtful_is_left_to_the_other() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(DEEP)).is_some());
        let same = "{\"key-of-some-length-1\": 0, \"b\": 0, \"key\\u002dof-some-length-1\": 0}";
        for text in
            [&nested(DEEP + 1), same, "", " ", "{", "[1 2]", "{\"a\":}", "1 1", "tru", "\"\u{1}\"", "\"", "\"\\", "-", "01"]
        {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(&format!("[{}0]", "0,".repeat(MAX_VALUES as usize))).is_none());
    }

    #[test]
    fn every_byte_that_may_not_stand_in_a_string_ends_it() {
        for byte in 0..=127_u8 {
            for before in 0..20 {
                let text = [&b"x".repeat(before)[..], &[byte], b"yyyyyyyyyyy"].concat();
                let is_end = matches!(byte, b'"' | b'\\' | 0..0x20);
                assert_eq!(plain_length(&text), if is_end { before } else { text.len() }, "{byte} {before}");
            }
        }
        assert_eq!(plain_length("ääää–ö\u{1f600}ü\"".as_bytes()), 19);
    }

    /// The files of JSON of the repositories that the tests check out.
    #[expect(clippy::disallowed_methods, reason = "a test reads its own data")]
    fn files() -> Vec<Vec<u8>> {
        let mut open = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repositories")];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|ending| ["json", "lock", "ipynb"].iter().any(|known| ending == *known)) {
                    found.push(std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    type Edit = (prop::sample::Index, usize, Vec<u8>);

    fn edits() -> impl Strategy<Value = Vec<Edit>> {
        let come = prop_oneof![
            "[{}\\[\\]:,\"\\\\/bu0-9eE.+a \r\n\t-]{0,3}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..3),
        ];
        prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, come), 1..5)
    }

    fn spoiled(text: &[u8], edits: Vec<Edit>) -> Vec<u8> {
        let mut bytes = text.to_vec();
        for (at, gone, come) in edits {
            let start = at.index(bytes.len() + 1);
            let end = (start + gone).min(bytes.len());
            bytes.splice(start..end, come);
        }
        bytes
    }

    #[test]
    fn real_files_are_read_the_same_whatever_is_spoiled_in_them() {
        let files = files();
        let read = files.iter().filter(|file| agree(file).is_some()).count();
        assert!(read >= 30, "{read} of {}", files.len());
        proptest!(ProptestConfig::with_cases(3_000), |(file in prop::sample::select(files), edits in edits())| {
            agree(&spoiled(&file, edits));
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn spoiled_files_are_read_the_same_or_not_at_all(seed in prop::sample::select(&SEEDS[..]), edits in edits()) {
            agree(&spoiled(seed.as_bytes(), edits));
        }

        #[test]
        fn what_looks_like_json_is_read_the_same_or_not_at_all(text in "[{}\\[\\]:,\"\\\\/bu0-9eE.truefalsn \n-]{0,40}") {
            agree(text.as_bytes());
        }
    }
}
