//! The address of a server as repository content writes it, read so strictly that two readers cannot disagree about the host.
//!
//! What is not read is not an address here, and then nothing is allowed for its sake: a user before the host, a variable in it, a
//! backslash, a path that climbs.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Scheme, host, port and path of an address. Query and fragment are not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Lower case: `https`.
    pub scheme: String,
    /// Lower case, without port; of IPv6 without brackets.
    pub host: String,
    /// The port, where the scheme has a usual one also where it is not written.
    pub port: Option<u16>,
    /// Begins with `/` or is empty.
    pub path: String,
}

impl Address {
    /// Read an address with scheme and host (RFC 3986, section 3).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_graphic() && !"\\\"'`<>{}|^$".contains(c);
        if text.len() > 2000 || !text.chars().all(is_plain) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        if !is_scheme || authority.contains(['@', '%']) || !is_plain_path(path) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = host_and_port(authority)?;
        let usual = match scheme.as_str() {
            "https" | "wss" => Some(443),
            "http" | "ws" => Some(80),
            "ssh" => Some(22),
            _ => None,
        };
        Some(Self { scheme, host, port: port.or(usual), path: path.to_owned() })
    }

    /// Whether another address is this one or lies below it: the same scheme, host and port, and an equal or deeper path.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        let own = self.path.trim_end_matches('/');
        let below = other.path.strip_prefix(own);
        (&self.scheme, &self.host, self.port) == (&other.scheme, &other.host, other.port)
            && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Whether it is this machine itself, whatever the resolver says.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || self.host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// Scheme, host and port as they are written: `https://llm.acme.example:8443`.
    #[must_use]
    pub fn origin(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = match (self.scheme.as_str(), self.port) {
            ("https" | "wss", Some(443)) | ("http" | "ws", Some(80)) | ("ssh", Some(22)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        format!("{}://{host}{port}", self.scheme)
    }
}

/// Without names that a server or a client may resolve to another path.
fn is_plain_path(path: &str) -> bool {
    path.split('/').skip(1).all(|name| {
        let name = name.to_ascii_lowercase();
        !matches!(name.as_str(), "." | "..") && !["%2e", "%2f", "%5c"].iter().any(|part| name.contains(part))
    })
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
    } else {
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let is_name =
            |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !host.split('.').all(is_name) {
            return None;
        }
        (host, port)
    };
    let port = match port {
        None => None,
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
    };
    Some((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, Option<u16>, String)> {
        Address::parse(text).map(|a| (format!("{}://{}", a.scheme, a.host), a.port, a.path))
    }

    #[test]
    fn the_host_is_what_every_reader_takes_for_it() {
        let read = |host: &str, port, path: &str| Some((host.to_owned(), Some(port), path.to_owned()));
        assert_eq!(parse("HTTPS://Mcp.Acme.example/sse?key=1#x"), read("https://mcp.acme.example", 443, "/sse"));
        assert_eq!(parse("http://localhost:8080"), read("http://localhost", 8080, ""));
        assert_eq!(parse("http://[::1]:1/x"), read("http://::1", 1, "/x"));
        for other in [
            "mcp.acme.example/sse",
            "https://",
            "https:///x",
            "https://api.acme.example@evil.example/",
            "https://evil.example\\@api.acme.example/",
            "https://api.acme.example%2eevil.example/",
            "https://${HOST}/v1",
            "http://localhost:${PORT}/v1",
            "http://localhost:1@evil.example",
            "https://api.acme.example./v1",
            "https://api.acme.example/v1/../x",
            "https://api.acme.example/v1/%2e%2e/x",
            "https://api.acme.example/a\nb",
            "https://xn--\u{430}.example/",
            "https://a:99999/",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn an_address_holds_itself_and_what_lies_below() {
        let holds = |own: &str, other: &str| Address::parse(own).unwrap().holds(&Address::parse(other).unwrap());
        for below in ["https://a.example/v1", "https://A.example:443/v1/", "https://a.example/v1/x?y"] {
            assert!(holds("https://a.example/v1", below) && holds("https://a.example/v1/", below), "{below}");
            assert!(holds("https://a.example", below));
        }
        for other in [
            "https://a.example/v10",
            "https://a.example/",
            "http://a.example/v1",
            "https://a.example:8443/v1",
            "https://b.a.example/v1",
        ] {
            assert!(!holds("https://a.example/v1", other), "{other}");
        }
    }

    #[test]
    fn this_machine_is_told_by_its_address() {
        let is_loopback = |text: &str| Address::parse(text).is_some_and(|address| address.is_loopback());
        assert!(["http://localhost", "http://127.0.0.1:1", "http://127.9.9.9/", "http://[::1]/"].into_iter().all(is_loopback));
        for other in ["http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://0.0.0.0", "http://10.0.0.1"] {
            assert!(!is_loopback(other), "{other}");
        }
        assert_eq!(Address::parse("http://[::1]:80/x").unwrap().origin(), "http://[::1]");
        assert_eq!(Address::parse("https://a.example:8443/x").unwrap().origin(), "https://a.example:8443");
    }
}
