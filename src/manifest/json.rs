//! What a JSON file says, apart from some of its members: the content that a `json` artifact pins.
//!
//! An editor writes members of its own into the `package.json` of an extension when it installs it, and lays the rest out anew. What
//! the vendor wrote is the same on every machine, so that is digested.

use serde_json::{Number, Value};

/// The largest JSON file whose content is looked at, in bytes.
pub const MAX_JSON: u64 = 16 * 1024 * 1024;

/// Up to here every integer is a number of its own in the programs that write these files: 2^53 (ECMA-262, `Number.MAX_SAFE_INTEGER`).
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The content of a JSON file without some members of its outermost object: compact, members in the order of the file. As for the
/// programs that read it and write it anew (ECMA-262, `JSON.parse` and `JSON.stringify`), of a member that stands twice the last value
/// counts, and a whole number is one number however it is written.
///
/// # Errors
/// Why the bytes have no such content, in one sentence: no JSON, nested deeper than 128, or no object.
pub fn canonical_without(bytes: &[u8], members: &[String]) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > MAX_JSON {
        return Err(format!("the file has {} bytes, at most {MAX_JSON} are read", bytes.len()));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("the file is no JSON: {error}"))?;
    let Value::Object(mut object) = value else {
        return Err("the file is JSON, and no object".to_owned());
    };
    object.retain(|name, _| !members.iter().any(|member| member == name));
    object.values_mut().for_each(with_plain_numbers);
    serde_json::to_vec(&object).map_err(|error| error.to_string())
}

/// `1.0` and `1e0` are 1. The parser goes no deeper than 128, so this recursion ends.
fn with_plain_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(with_plain_numbers),
        Value::Object(members) => members.values_mut().for_each(with_plain_numbers),
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < MAX_INTEGER);
            if let Some(whole) = whole {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole, and below 2^53")]
                let whole = whole as i64;
                *number = Number::from(whole);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str, members: &[&str]) -> Result<String, String> {
        let members: Vec<String> = members.iter().map(|m| (*m).to_owned()).collect();
        canonical_without(text.as_bytes(), &members).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn layout_and_named_members_make_no_difference() {
        let vendor = r#"{"name":"x","main":"a.js","nested":{"__metadata":1}}"#;
        let installed = "{\n\t\"name\": \"x\",\n\t\"main\": \"a.js\",\n\t\"nested\": {\"__metadata\": 1},\n\t\"__metadata\": {\"id\": \"7\"}\n}\n";
        let without = canonical(vendor, &["__metadata"]).unwrap();
        assert_eq!(without, vendor, "only members of the outermost object are set aside");
        assert_eq!(canonical(installed, &["__metadata"]).unwrap(), without);
        assert_ne!(canonical(installed, &[]).unwrap(), without);
        assert_eq!(canonical(r#"{"\u005f_metadata":1,"a":2}"#, &["__metadata"]).unwrap(), r#"{"a":2}"#);
    }

    #[test]
    fn everything_else_makes_one() {
        let whole = canonical(r#"{"a":1,"b":[1,2]}"#, &["m"]).unwrap();
        for other in [r#"{"b":[1,2],"a":1}"#, r#"{"a":1,"b":[2,1]}"#, r#"{"a":1,"b":[1,2],"c":null}"#, r#"{"a":"1","b":[1,2]}"#] {
            assert_ne!(canonical(other, &["m"]).unwrap(), whole, "{other}");
        }
        assert_eq!(canonical(r#"{"a":1.0,"b":[1e0,20E-1]}"#, &["m"]).unwrap(), whole, "a number is one number");
        assert_eq!(canonical(r#"{"a":-0.0,"b":{"c":[0.5,1e300]}}"#, &[]).unwrap(), r#"{"a":0,"b":{"c":[0.5,1e+300]}}"#);
        assert_eq!(canonical(r#"{"a":7,"b":[1,2],"a":1}"#, &["m"]).unwrap(), whole, "the last value counts");
    }

    #[test]
    fn what_is_no_object_has_no_content() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for wrong in ["", "[]", "null", "{", "{} {}", "\u{feff}{}", "// {}\n{}", deep.as_str()] {
            assert!(canonical(wrong, &[]).is_err(), "{wrong}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(usize::try_from(MAX_JSON).unwrap()));
        assert!(canonical(&long, &[]).unwrap_err().contains("at most"));
    }

    proptest! {
        #[test]
        fn content_is_its_own_content(bytes in any::<Vec<u8>>(), text in "\\{(\"[a-c]\":[1-9]{1,3},){0,3}\"d\":\\[\\]\\}") {
            let _ = canonical_without(&bytes, &[]);
            let members = ["a".to_owned()];
            let once = canonical_without(text.as_bytes(), &members).unwrap();
            prop_assert_eq!(canonical_without(&once, &members).unwrap(), once);
        }
    }
}
