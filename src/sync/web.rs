//! A static web server as a source: any file server and any CDN will do.

use super::source::{FetchError, Fetched, Source, Tag};
use crate::world::network::{Answer, Network, Validator};
use std::fmt::Write as _;

/// Files below an address.
#[derive(Debug)]
pub struct WebSource<'a> {
    network: Network,
    base: &'a str,
}

impl<'a> WebSource<'a> {
    /// The files below `base`, which ends with `/`.
    #[must_use]
    pub fn new(network: &Network, base: &'a str) -> Self {
        Self { network: network.anew(), base }
    }
}

impl Source for WebSource<'_> {
    fn fetch(&mut self, name: &str, limit: u64, known: Option<&Tag>) -> Result<Fetched, FetchError> {
        let url = format!("{}{}", self.base, escaped(name));
        let known = known.and_then(validator_of);
        match self.network.get(&url, limit, known.as_ref()).map_err(FetchError::of)? {
            Answer::Bytes { bytes, validator } => Ok(Fetched::Bytes { bytes, tag: validator.as_ref().map(tag_of) }),
            Answer::NotModified => Ok(Fetched::NotModified),
            Answer::Missing => Ok(Fetched::Missing),
        }
    }
}

fn tag_of(validator: &Validator) -> Tag {
    Tag(match validator {
        Validator::ETag(tag) => format!("etag {tag}"),
        Validator::LastModified(date) => format!("modified {date}"),
    })
}

/// A tag that another kind of source made is none of ours.
fn validator_of(tag: &Tag) -> Option<Validator> {
    match tag.0.split_once(' ')? {
        ("etag", tag) => Some(Validator::ETag(tag.to_owned())),
        ("modified", date) => Some(Validator::LastModified(date.to_owned())),
        _ => None,
    }
}

/// A relative path in an address (RFC 3986, section 3.3): what is not plain is escaped.
pub(super) fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_a_query() {
        assert_eq!(escaped("a/b c?d#e%é"), "a/b%20c%3Fd%23e%25%C3%A9");
    }

    #[test]
    fn a_tag_comes_back_as_it_was() {
        for validator in [Validator::ETag("W/\"a b\"".into()), Validator::LastModified("Sat, 21 Nov 2026 12:00:00 GMT".into())] {
            assert_eq!(validator_of(&tag_of(&validator)), Some(validator));
        }
        assert_eq!(validator_of(&Tag("sha256:00".into())), None);
    }
}
