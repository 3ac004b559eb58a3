//! What a JSON file says, apart from some of its members: the content that a `json` artifact pins.
//!
//! An editor writes members of its own into the `package.json` of an extension when it installs it, and lays the rest out anew. What
//! the vendor wrote is the same on every machine, so that is digested.

use serde_json::Value;

/// The largest JSON file whose content is looked at, in bytes.
pub const MAX_JSON: u64 = 16 * 1024 * 1024;

/// The content of a JSON file without some members of its outermost object: compact, members in the order of the file. Of a member that
/// stands twice the last value counts, as for the programs that read it (ECMA-262, `JSON.parse`).
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
    serde_json::to_vec(&object).map_err(|error| error.to_string())
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
