//! Addresses: the host that one leads to, and whether that is this machine or the vendor whose tool reads it.

use crate::catalogue::Catalogue;

/// An address apart, as far as it matters where it leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'t> {
    /// Lower case.
    pub(super) scheme: String,
    /// Lower case, without the brackets of IPv6 and without a dot at its end.
    pub(super) host: String,
    /// As written.
    pub(super) port: Option<&'t str>,
}

/// The parts of an address `scheme://host...`. A host that is not written out (`${HOST}`) is none.
pub(super) fn parse(text: &str) -> Option<Address<'_>> {
    let (scheme, rest) = text.trim().split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
        return None;
    }
    // A backslash ends the host for browsers and for what is built like them, and not for others: nothing is said of such an address.
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.contains('\\'))?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return None;
    }
    let port = port.filter(|port| !port.is_empty());
    Some(Address { scheme: scheme.to_ascii_lowercase(), host: host.to_ascii_lowercase(), port })
}

/// Whether an address leads to the machine that asks (RFC 6761 6.3, RFC 1122 3.2.1.3, RFC 4291 2.5.3).
pub(super) fn is_loopback(text: &str) -> bool {
    parse(text).is_some_and(|address| {
        let host = address.host.as_str();
        let is_four = host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        let is_six = host.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        host == "localhost" || host.ends_with(".localhost") || is_four || is_six
    })
}

/// Whether an address is one of this vendor's own hosts, reached as the vendor means it to be: encrypted and at the usual port.
pub(super) fn is_of_vendor(catalogue: &Catalogue, vendor: &str, text: &str) -> bool {
    let Some(address) = parse(text) else { return false };
    if address.scheme != "https" || address.port.is_some_and(|port| port != "443") {
        return false;
    }
    let tools = catalogue.tools().iter().filter(|tool| tool.vendor == vendor);
    tools.flat_map(|tool| &tool.api_hosts).any(|host| host.eq_ignore_ascii_case(&address.host))
}

/// Whether a text is an address of the web.
pub(super) fn is_web(text: &str) -> bool {
    let text = text.trim();
    ["http://", "https://"].iter().any(|scheme| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_the_one_that_is_asked() {
        let host = |text| parse(text).map(|address| (address.host, address.port.map(str::to_owned)));
        assert_eq!(host("https://API.acme.example./v1"), Some(("api.acme.example".to_owned(), None)));
        assert_eq!(
            host("https://api.anthropic.com@evil.example:8443/"),
            Some(("evil.example".to_owned(), Some("8443".to_owned())))
        );
        assert_eq!(host("http://[::1]:80/x"), Some(("::1".to_owned(), Some("80".to_owned()))));
        for none in ["", "acme.example", "https://", "https://${HOST}/v1", "https://$HOST", "https://a\\@b", "://x", "h ttp://x"]
        {
            assert_eq!(host(none), None, "{none}");
        }
    }

    #[test]
    fn this_machine_is_no_other_place() {
        for here in [
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://127.9.9.9:1/x",
            "http://[::1]/",
            "http://a.localhost",
            "http://0.0.0.0:1",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for there in [
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "localhost",
            "http://localhost@evil.example",
        ] {
            assert!(!is_loopback(there), "{there}");
        }
    }

    #[test]
    fn a_vendor_is_only_itself() {
        let catalogue = Catalogue::built_in();
        let is = |text| is_of_vendor(&catalogue, "Anthropic", text);
        assert!(is("https://api.anthropic.com") && is("https://API.anthropic.com:443/v1"));
        for not in [
            "http://api.anthropic.com",
            "https://api.anthropic.com:8443",
            "https://api.anthropic.com.evil.example",
            "https://api.anthropic.com@evil.example",
            "https://api.openai.com",
        ] {
            assert!(!is(not), "{not}");
        }
    }
}
