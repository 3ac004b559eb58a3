//! JSON with comments and trailing commas, as editors, bun and dev containers write it.

use super::{Lines, MAX_DEPTH, MAX_VALUES, Member, Node, Unreadable, Value, text_of, unique};
use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Parse a whole file.
pub(in crate::gather::repository) fn parse(bytes: &[u8]) -> Result<Node<'static>, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::of(text);
    bounded(text, &lines)?;
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        ..ParseOptions::default()
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options)
        .map_err(|error| Unreadable { line: Some(lines.at(error.range().start)), why: error.kind().to_string() })?;
    match parsed.value {
        Some(value) => node(&value, &lines),
        None => Err(Unreadable { line: None, why: "it holds nothing".to_owned() }),
    }
}

/// The parser follows nesting by recursion and counts nothing: both are limited before it begins.
fn bounded(text: &str, lines: &Lines) -> Result<(), Unreadable> {
    let (mut depth, mut values) = (0_usize, 0_u32);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = memchr::memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |end| at + 2 + end + 1);
            }
            b'[' | b'{' => {
                depth += 1;
                values += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Unreadable { line: Some(lines.at(at)), why: format!("it is nested more than {MAX_DEPTH} levels deep") });
        }
        if values > MAX_VALUES {
            return Err(Unreadable { line: Some(lines.at(at)), why: format!("more than {MAX_VALUES} values") });
        }
        at += 1;
    }
    Ok(())
}

fn node(ast: &Ast<'_>, lines: &Lines) -> Result<Node<'static>, Unreadable> {
    let line = lines.at(ast.start());
    let value = match ast {
        Ast::StringLit(text) => Value::Text(text.value.to_string().into()),
        Ast::NumberLit(number) => Value::Number(number.value.to_owned().into()),
        Ast::BooleanLit(value) => Value::Bool(value.value),
        Ast::NullKeyword(_) => Value::Null,
        Ast::Array(array) => Value::Array(array.elements.iter().map(|item| node(item, lines)).collect::<Result<_, _>>()?),
        Ast::Object(object) => {
            let mut members = Vec::with_capacity(object.properties.len());
            for property in &object.properties {
                let (key, at) = match &property.name {
                    ObjectPropName::String(text) => (text.value.to_string(), text.start()),
                    ObjectPropName::Word(word) => (word.value.to_owned(), word.start()),
                };
                members.push(Member { key: key.into(), line: lines.at(at), value: node(&property.value, lines)? });
            }
            unique(&members)?;
            Value::Object(members)
        }
    };
    Ok(Node { line, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_no_values() {
        let node = parse(b"// {\n{\n  /* \"x\": [ */ \"a\": [1, \"//b\",],\n  \"c\": {\"d\": true,}, // }\n}\n").unwrap();
        assert_eq!(node.members().iter().map(|m| (m.key.as_ref(), m.line)).collect::<Vec<_>>(), [("a", 3), ("c", 4)]);
        assert_eq!(node.get("a").unwrap().items()[1].text(), Some("//b"));
        assert!(node.at(&["c", "d"]).unwrap().is_true());
    }

    #[test]
    fn what_cannot_be_relied_on_is_refused() {
        for (text, why) in [
            ("{\"a\":1,\"a\":2}".to_owned(), "stands twice"),
            (format!("{}1", "[".repeat(100_000)), "levels deep"),
            (String::new(), "nothing"),
            ("{'a': 1".to_owned(), ""),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.why.contains(why), "{error:?}");
        }
    }
}
