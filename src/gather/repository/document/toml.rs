//! TOML with the line of every key. The parser limits depth itself and refuses a key that stands twice.

use super::{Lines, MAX_VALUES, Member, Node, Unreadable, Value, text_of};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Parse a whole file.
pub(in crate::gather::repository) fn parse(bytes: &[u8]) -> Result<Node<'static>, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::of(text);
    let table = DeTable::parse(text)
        .map_err(|error| Unreadable { line: error.span().map(|span| lines.at(span.start)), why: error.message().to_owned() })?;
    let mut left = MAX_VALUES;
    let value = object(table.get_ref(), &lines, &mut left)?;
    Ok(Node { line: 1, value })
}

fn object(table: &DeTable<'_>, lines: &Lines, left: &mut u32) -> Result<Value<'static>, Unreadable> {
    let mut members = Vec::with_capacity(table.len());
    for (key, value) in table {
        let line = lines.at(key.span().start);
        members.push(Member { key: key.get_ref().to_string().into(), line, value: node(value, lines, left)? });
    }
    // The parser sorts by name; people and lock files mean the order of the file.
    members.sort_by_key(|member| member.line);
    Ok(Value::Object(members))
}

fn array(array: &DeArray<'_>, lines: &Lines, left: &mut u32) -> Result<Value<'static>, Unreadable> {
    array.iter().map(|item| node(item, lines, left)).collect::<Result<_, _>>().map(Value::Array)
}

fn node(spanned: &Spanned<DeValue<'_>>, lines: &Lines, left: &mut u32) -> Result<Node<'static>, Unreadable> {
    let line = lines.at(spanned.span().start);
    *left = left.checked_sub(1).ok_or_else(|| Unreadable { line: Some(line), why: format!("more than {MAX_VALUES} values") })?;
    let value = match spanned.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string().into()),
        DeValue::Integer(number) => Value::Number(number.as_str().to_owned().into()),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned().into()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::Number(time.to_string().into()),
        DeValue::Array(items) => array(items, lines, left)?,
        DeValue::Table(table) => object(table, lines, left)?,
    };
    Ok(Node { line, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_lines() {
        let node =
            parse(b"\xef\xbb\xbf[b]\nx = 1.10\n\n[[a]]\nname = 'n'\nfiles = [\n  {file = \"f\"},\n]\n[a.y]\nz = true\n").unwrap();
        assert_eq!(node.members().iter().map(|m| (m.key.as_ref(), m.line)).collect::<Vec<_>>(), [("b", 1), ("a", 4)]);
        assert_eq!(node.at(&["b", "x"]).unwrap().scalar(), Some("1.10"));
        let first = &node.get("a").unwrap().items()[0];
        assert_eq!(first.member("name").unwrap().line, 5);
        assert_eq!(first.get("files").unwrap().items()[0].line, 7);
        assert!(first.at(&["y", "z"]).unwrap().is_true());
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let error = parse(b"a = 1\nb = \n").unwrap_err();
        assert_eq!(error.line, Some(2));
        assert_eq!(parse(b"a = 1\na = 2\n").unwrap_err().line, Some(2));
        assert!(parse(format!("a = {}", "[".repeat(100_000)).as_bytes()).is_err());
        assert_eq!(parse(b"a = '\xff'").unwrap_err().why, "it is not UTF-8");
    }
}
