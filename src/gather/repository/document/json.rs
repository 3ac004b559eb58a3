//! JSON with the line of every key, for files that strangers wrote.
//!
//! `serde_json` does the parsing, with its own limit on depth (128). On top of it: a key that stands twice is refused, because
//! two readers would believe two different values; values are counted, because a few megabytes of brackets would fill the
//! memory; and lines are counted as the bytes go by, so that a mention can name its own. What nothing is wrong with is read by `quick`
//! at a tenth of the cost, and never comes here.

mod quick;

use super::{MAX_VALUES, Member, Node, Unreadable, Value, clipped, text_of};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::io::Read;

/// Objects up to this size are searched for a second key; larger ones get a set.
const FEW: usize = 16;

/// Parse a whole file: UTF-8, with or without a byte order mark.
pub(in crate::gather::repository) fn parse(bytes: &[u8]) -> Result<Node<'_>, Unreadable> {
    match text_of(bytes).ok().and_then(quick::parse) {
        Some(value) => Ok(value),
        None => careful(bytes),
    }
}

/// The reader that has the last word, and words for what is wrong.
fn careful(bytes: &[u8]) -> Result<Node<'static>, Unreadable> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Unreadable { line: None, why: "it is written in UTF-16".to_owned() });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (line, left) = (Cell::new(1), Cell::new(MAX_VALUES));
    let mut deserializer = serde_json::Deserializer::from_reader(LineReader { bytes, line: &line });
    let value = Reader { line: &line, left: &left }.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| Unreadable {
        // An error of ours has no place of its own; the reader stands where it was found.
        line: Some(u32::try_from(error.line()).ok().filter(|line| *line > 0).unwrap_or(line.get())),
        why: plain(&error.to_string()),
    })
}

/// `serde_json` ends its messages with the place, which is told apart from the message here.
fn plain(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// Counts lines as bytes go by. `serde_json` reads a byte at a time, so the count is that of the byte it stands at.
struct LineReader<'a> {
    bytes: &'a [u8],
    line: &'a Cell<u32>,
}

impl Read for LineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (Some((first, rest)), Some(place)) = (self.bytes.split_first(), buffer.first_mut()) else { return Ok(0) };
        *place = *first;
        self.bytes = rest;
        if *first == b'\n' {
            self.line.set(self.line.get().saturating_add(1));
        }
        Ok(1)
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    line: &'a Cell<u32>,
    left: &'a Cell<u32>,
}

impl Reader<'_> {
    /// A value that ends where the reader stands.
    fn node(self, value: Value<'static>) -> Node<'static> {
        Node { line: self.line.get(), value }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node<'static>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'static>, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| D::Error::custom(format!("more than {MAX_VALUES} values")))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Number(value.to_string().into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Number(value.to_string().into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Number(value.to_string().into())))
    }

    fn visit_unit<E>(self) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Null))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Text(text.to_owned().into())))
    }

    fn visit_string<E>(self, text: String) -> Result<Node<'static>, E> {
        Ok(self.node(Value::Text(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node<'static>, A::Error> {
        let line = self.line.get();
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Node { line, value: Value::Array(values) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'static>, A::Error> {
        let begins = self.line.get();
        let mut members: Vec<Member<'static>> = Vec::new();
        let mut keys: HashSet<String> = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            // The reader stands at the quote that closes the key, and a key holds no raw line break.
            let line = self.line.get();
            let stands_twice = if members.len() < FEW {
                members.iter().any(|member| member.key == key)
            } else {
                if keys.is_empty() {
                    keys.extend(members.iter().map(|member| member.key.to_string()));
                }
                !keys.insert(key.clone())
            };
            if stands_twice {
                return Err(A::Error::custom(format!("the key `{}` stands twice in one object", clipped(&key))));
            }
            members.push(Member { key: key.into(), line, value: map.next_value_seed(self)? });
        }
        Ok(Node { line: begins, value: Value::Object(members) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn why(text: &[u8]) -> Unreadable {
        parse(text).unwrap_err()
    }

    #[test]
    fn every_key_knows_its_line() {
        let json =
            parse(b"\xef\xbb\xbf{\n \"a\": 1,\r\n\n \"b\" \n:\n {\"c\": \"x\\ny\", \"d\":\n[\n{\"e\":true}]}, \"f\":null}")
                .unwrap();
        let lines: Vec<_> = json.members().iter().map(|m| (m.key.as_ref(), m.line)).collect();
        assert_eq!(lines, [("a", 2), ("b", 4), ("f", 8)]);
        let lines: Vec<_> = json.get("b").unwrap().members().iter().map(|m| (m.key.as_ref(), m.line)).collect();
        assert_eq!(lines, [("c", 6), ("d", 6)]);
        let Some(Value::Array(values)) = json.get("b").unwrap().get("d").map(|node| &node.value) else { panic!() };
        assert_eq!(values[0].members()[0].line, 8);
        assert!(values[0].get("e").unwrap().is_true());
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        assert_eq!(
            why(b"{\n\"a\":1,\n\"a\":2}"),
            Unreadable { line: Some(3), why: "the key `a` stands twice in one object".to_owned() }
        );
        // An escape is the same key.
        assert!(why(br#"{"a":1,"\u0061":2}"#).why.contains("stands twice"));
        let many: Vec<String> = (0..40).map(|i| format!("\"k{}\":0", i % 39)).collect();
        assert!(why(format!("{{{}}}", many.join(",")).as_bytes()).why.contains("`k0`"));
        assert!(why(b"{} {}").why.contains("trailing"));
        assert!(why(b"{\"a\":1,}").why.contains("trailing comma"));
        assert!(why(b"").why.contains("EOF"));
        assert!(why(b"\xff\xfe{\0}\0").why.contains("UTF-16"));
        assert!(why(b"{\"a\":\"\xff\"}").why.contains("unicode"));
        assert_eq!(why(b"{\n<<<<<<< HEAD\n").line, Some(2));
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        assert!(why(&b"[".repeat(100_000)).why.contains("recursion"));
        assert!(why(&b"{\"a\":".repeat(100_000)).why.contains("recursion"));
        let wide = format!("[{}0]", "0,".repeat(4_000_000));
        assert!(why(wide.as_bytes()).why.contains("more than 4000000 values"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_serde_json_reads_is_read_the_same(keys in prop::collection::hash_set("[a-z\\n\"\\\\]{0,6}", 0..40)) {
            let object: serde_json::Map<_, _> = keys.iter().map(|k| (k.clone(), serde_json::Value::String(k.clone()))).collect();
            let text = serde_json::to_string_pretty(&object).unwrap();
            let json = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(json.members().len(), keys.len());
            for (index, member) in json.members().iter().enumerate() {
                prop_assert_eq!(member.value.text(), Some(member.key.as_ref()));
                prop_assert_eq!(member.line as usize, index + 2);
            }
        }
    }
}
