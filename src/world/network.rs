//! The network: the only file that names an HTTP client.
//!
//! A value that `sync` and `trust` commands make and pass on. `check` is given none, so offline is not a flag that somebody can
//! forget to look at. What comes back is bytes and nothing more: who may be believed is decided by signatures, elsewhere. So the
//! rules here are about not being held up, flooded or sent elsewhere.
#![expect(clippy::disallowed_methods, reason = "this is the one place that opens connections")]

use super::env::Env;
use crate::text::printable;
pub use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION,
};
use reqwest::{Certificate, StatusCode, redirect};
use std::fmt;
use std::io::{self, Read as _, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use thiserror::Error;

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// The longest validator that is kept, in bytes; a longer one is not used.
const MAX_TAG: usize = 512;
/// How many bytes are read at once, so that the clock is looked at often enough.
const CHUNK: usize = 64 * 1024;
/// How many answers of the longest time one source may take in all.
const WHOLE: u32 = 6;
/// How many bytes a second have to come of what may be large, once the time of a small answer is over. A slow line has more; what
/// has less would go on for days.
const PACE: u64 = 16 * 1024;

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the head of the answer is there, and between two pieces of its body.
    pub stall: Duration,
    /// Until the whole answer is there. A last piece may still take one `stall`.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), stall: Duration::from_secs(20), total: Duration::from_mins(2) }
    }
}

impl Patience {
    /// The usual patience. As with the clock, only a debug build can be told otherwise: `VETTED_TEST_PATIENCE` holds the three
    /// numbers in milliseconds.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        let told = || -> Option<Self> {
            let text = env.text("VETTED_TEST_PATIENCE").filter(|_| cfg!(debug_assertions))?;
            let mut numbers = text.split(' ').map(|number| number.parse().ok().map(Duration::from_millis));
            Some(Self { connect: numbers.next()??, stall: numbers.next()??, total: numbers.next()?? })
        };
        told().unwrap_or_default()
    }
}

/// The network.
#[derive(Debug, Clone)]
pub struct Network {
    client: Client,
    patience: Patience,
    /// Until when anything is asked.
    until: Instant,
}

/// What the server calls the version of a file (RFC 9110, section 8.8): sent back, it answers "not modified".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// `ETag`.
    ETag(String),
    /// `Last-Modified`, where there is no `ETag`.
    LastModified(String),
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The whole file.
    Bytes {
        /// Its bytes.
        bytes: Vec<u8>,
        /// What the server calls this version.
        validator: Option<Validator>,
    },
    /// The file is the one the validator stands for.
    NotModified,
    /// There is no such file: 404 or 410.
    Missing,
}

/// What is sent along with a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asking<'a> {
    /// Which forms of an answer are understood (RFC 9110, section 12.5.1).
    pub accept: Option<&'a str>,
    /// What opens which addresses.
    pub authorizations: &'a [Authorization],
}

/// The value of an `Authorization` header and the addresses it is meant for. It is sent to no other, whoever redirects there.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    below: Url,
    value: HeaderValue,
}

impl Authorization {
    /// For addresses of the same scheme, host and port whose path begins with that of `below`, segment by segment. `None` where
    /// the value cannot stand in a header.
    #[must_use]
    pub fn new(below: &Url, value: &str) -> Option<Self> {
        let mut below = below.clone();
        // A last segment without `/` after it is still a segment: `/npm` opens nothing below `/npm-private/`.
        if !below.path().ends_with('/') {
            below.set_path(&format!("{}/", below.path()));
        }
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some(Self { below, value })
    }

    /// Whether it opens this address.
    #[must_use]
    pub fn opens(&self, url: &Url) -> bool {
        let path = url.path();
        url.origin() == self.below.origin()
            && (path.starts_with(self.below.path()) || path == self.below.path().trim_end_matches('/'))
            // Encoded dots are segments to some servers: `/npm/%2e%2e/admin` is not below `/npm/` there.
            && !path.to_ascii_lowercase().contains("%2e%2e")
    }

    /// The addresses it is meant for.
    #[must_use]
    pub fn below(&self) -> &Url {
        &self.below
    }
}

/// Without the value.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").field("below", &self.below.as_str()).finish_non_exhaustive()
    }
}

/// Where a redirect may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// To the same host, port and scheme.
    Within,
    /// To any https address as well (or, from this machine, to this machine), for a file whose digest is known beforehand: a registry
    /// redirects to the storage that holds its files, and what comes from there is that file or nothing. What came from elsewhere
    /// and had no digest would be that host's word for the registry's. Nothing that opens an address goes along to another host.
    AnywhereSafe,
}

/// A whole answer, with what is needed to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the server says it is, without parameters, in lower case.
    pub content_type: Option<String>,
    /// The address that it came from in the end: links in it are relative to this one.
    pub url: Url,
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[error("`{}`: {fault}", printable(.url))]
pub struct NetworkError {
    /// What was asked for.
    pub url: String,
    /// What happened.
    pub fault: Fault,
}

/// What can happen on the way.
#[derive(Debug, Error)]
pub enum Fault {
    /// The address cannot be used.
    #[error("{0}")]
    Address(String),
    /// No address belongs to the name of the host.
    #[error("the name of the host cannot be resolved: {}", printable(.0))]
    Dns(String),
    /// Nobody answers there.
    #[error("cannot connect: {}", printable(.0))]
    Connect(String),
    /// The server could not prove who it is, or speaks no TLS.
    #[error("no secure connection: {}", printable(.0))]
    Tls(String),
    /// The answer took too long as a whole.
    #[error("the answer was not complete after {} seconds ({bytes} bytes had come)", .after.as_secs())]
    Timeout {
        /// What was allowed.
        after: Duration,
        /// What had come by then.
        bytes: u64,
    },
    /// Nothing came for too long.
    #[error("the server sent nothing for {} seconds ({bytes} bytes had come)", .after.as_secs())]
    Stall {
        /// What was allowed.
        after: Duration,
        /// What had come by then.
        bytes: u64,
    },
    /// All answers together took too long.
    #[error("its answers took more than {} seconds together; nothing more is asked", .after.as_secs())]
    TooSlow {
        /// What was allowed.
        after: Duration,
    },
    /// Another status than 200, 304, 404 and 410.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// A redirect to another host, another port, or away from https.
    #[error("the server redirects to `{}`; that is another host, or no https, and is not followed", printable(.0))]
    Redirect(String),
    /// More redirects than anybody needs.
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    /// The answer is larger than it may be.
    #[error("the answer has {} bytes; at most {limit} are read", size.map_or("too many".to_owned(), |s| s.to_string()))]
    TooLarge {
        /// What the server announced, where it did.
        size: Option<u64>,
        /// The limit.
        limit: u64,
    },
    /// The connection ended in the middle of the answer.
    #[error("the answer was cut off after {got} bytes{}", expected.map_or(String::new(), |e| format!(" of {e}")))]
    Truncated {
        /// What the server announced, where it did.
        expected: Option<u64>,
        /// What came.
        got: u64,
    },
    /// What came could not be kept.
    #[error("what came cannot be written: {0}")]
    Sink(io::Error),
    /// Something else.
    #[error("{}", printable(.0))]
    Other(String),
}

impl Network {
    /// A client with the system's trusted roots (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`) and the system's proxies.
    ///
    /// # Errors
    /// [`NetworkError`] when the library cannot be set up.
    pub fn new(patience: Patience) -> Result<Self, NetworkError> {
        let client = client(patience, Vec::new())?;
        Ok(Self { client, patience, until: Instant::now() + patience.total * WHOLE })
    }

    /// The same network with the certificates of a PEM file trusted as well.
    ///
    /// # Errors
    /// [`NetworkError`] when the bytes hold no certificates.
    pub fn trusting(&self, pem: &[u8]) -> Result<Self, NetworkError> {
        let wrong =
            |why: String| NetworkError { url: String::new(), fault: Fault::Tls(format!("these are no certificates{why}")) };
        let certificates = Certificate::from_pem_bundle(pem).map_err(|e| wrong(format!(": {}", chain(&e))))?;
        // A file without any is no error to the library.
        if certificates.is_empty() {
            return Err(wrong(String::new()));
        }
        Ok(Self { client: client(self.patience, certificates)?, ..self.clone() })
    }

    /// The same network with all of its time before it. A source that is slow again and again uses up its own time, not that of the
    /// next one.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { until: Instant::now() + self.patience.total * WHOLE, ..self.clone() }
    }

    /// Ask for a file of at most `limit` bytes; `known` is what the server called the version that is here already.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn get(&self, url: &str, limit: u64, known: Option<&Validator>) -> Result<Answer, NetworkError> {
        self.ask(url, limit, known).map_err(|fault| NetworkError { url: url.to_owned(), fault })
    }

    fn ask(&self, url: &str, limit: u64, known: Option<&Validator>) -> Result<Answer, Fault> {
        let began = Instant::now();
        self.has_time(began)?;
        let (response, _) = self.send(url, &Asking::default(), known, Redirects::Within)?;
        match response.status() {
            StatusCode::OK => {
                let validator = validator(response.headers());
                let mut bytes = Vec::new();
                self.body(response, limit, &Clock { began, total: self.patience.total, pace: None }, &mut bytes)?;
                Ok(Answer::Bytes { bytes, validator })
            }
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(Answer::NotModified),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Answer::Missing),
            status => Err(Fault::Status(status.as_u16())),
        }
    }

    /// Ask for an answer of at most `limit` bytes; `None` where there is no such thing (404 and 410). It may take as long as its
    /// bytes come at 16 KiB a second, and two minutes more.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn fetch(&self, url: &str, limit: u64, asking: &Asking<'_>) -> Result<Option<Got>, NetworkError> {
        let mut bytes = Vec::new();
        let head = self.stream(url, limit, asking, Redirects::Within, &mut bytes);
        match head.map_err(|fault| NetworkError { url: url.to_owned(), fault })? {
            Some((_, url, content_type)) => Ok(Some(Got { bytes, content_type, url })),
            None => Ok(None),
        }
    }

    /// Write a file of at most `limit` bytes to `sink` as it comes, and say how many came; `None` where there is no such file. The
    /// same time applies as for [`Network::fetch`]. After an error the sink may hold a part.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn download(
        &self,
        url: &str,
        limit: u64,
        (asking, redirects): (&Asking<'_>, Redirects),
        sink: &mut dyn Write,
    ) -> Result<Option<u64>, NetworkError> {
        let head = self.stream(url, limit, asking, redirects, sink);
        Ok(head.map_err(|fault| NetworkError { url: url.to_owned(), fault })?.map(|(size, ..)| size))
    }

    fn stream(
        &self,
        url: &str,
        limit: u64,
        asking: &Asking<'_>,
        redirects: Redirects,
        sink: &mut dyn Write,
    ) -> Result<Option<(u64, Url, Option<String>)>, Fault> {
        let began = Instant::now();
        self.has_time(began)?;
        let (response, url) = self.send(url, asking, None, redirects)?;
        match response.status() {
            StatusCode::OK => {
                let content_type = content_type(response.headers());
                let clock = Clock { began, total: self.patience.total, pace: Some(PACE) };
                Ok(Some((self.body(response, limit, &clock, sink)?, url, content_type)))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status => Err(Fault::Status(status.as_u16())),
        }
    }

    fn has_time(&self, now: Instant) -> Result<(), Fault> {
        if now >= self.until { Err(Fault::TooSlow { after: self.patience.total * WHOLE }) } else { Ok(()) }
    }

    /// The head of the first answer that is no redirect, and where it came from. Each step is looked at here and not by the
    /// library: what opens an address depends on the address.
    fn send(
        &self,
        url: &str,
        asking: &Asking<'_>,
        known: Option<&Validator>,
        redirects: Redirects,
    ) -> Result<(Response, Url), Fault> {
        let mut url = usable(url)?;
        for _ in 0..=MAX_REDIRECTS {
            let request = with_headers(self.client.get(url.clone()), &url, asking, known);
            let response = request.send().map_err(|e| self.fault(&e, 0))?;
            let target = response.headers().get(LOCATION).filter(|_| is_redirect(response.status()));
            let Some(target) = target.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()) else {
                return Ok((response, url));
            };
            url = next(&url, &target, redirects)?;
        }
        Err(Fault::TooManyRedirects)
    }

    fn body(&self, mut response: Response, limit: u64, clock: &Clock, sink: &mut dyn Write) -> Result<u64, Fault> {
        let expected = response.content_length();
        if expected.is_some_and(|size| size > limit) {
            return Err(Fault::TooLarge { size: expected, limit });
        }
        let mut got = 0;
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    // The library wraps its own error in one of the system's.
                    return Err(match error.get_ref().and_then(|e| e.downcast_ref::<reqwest::Error>()) {
                        Some(e) if e.is_timeout() => self.fault(e, got),
                        _ if error.kind() == io::ErrorKind::TimedOut => Fault::Stall { after: self.patience.stall, bytes: got },
                        _ => Fault::Truncated { expected, got },
                    });
                }
            };
            got += count as u64;
            if got > limit {
                return Err(Fault::TooLarge { size: None, limit });
            }
            sink.write_all(&chunk[..count]).map_err(Fault::Sink)?;
            if let Some(after) = clock.is_over(got) {
                return Err(Fault::Timeout { after, bytes: got });
            }
        }
        match expected {
            Some(size) if size != got => Err(Fault::Truncated { expected, got }),
            _ => Ok(got),
        }
    }

    fn fault(&self, error: &reqwest::Error, bytes: u64) -> Fault {
        let text = chain(error);
        if error.is_timeout() {
            let after = if error.is_connect() { self.patience.connect } else { self.patience.stall };
            return Fault::Stall { after, bytes };
        }
        // The library has no types for these; the words are those of its connector and of rustls.
        let lower = text.to_lowercase();
        if lower.contains("dns error") {
            Fault::Dns(last(error))
        } else if ["certificate", "tls", "handshake", "corrupt message"].iter().any(|word| lower.contains(word)) {
            Fault::Tls(last(error))
        } else if error.is_connect() {
            Fault::Connect(last(error))
        } else if lower.contains("before message completed") || lower.contains("connection reset") {
            Fault::Truncated { expected: None, got: bytes }
        } else {
            Fault::Other(last(error))
        }
    }
}

/// How long an answer may take.
struct Clock {
    began: Instant,
    total: Duration,
    /// Bytes a second that earn more time.
    pace: Option<u64>,
}

impl Clock {
    /// What was allowed, where it is over.
    fn is_over(&self, got: u64) -> Option<Duration> {
        let earned = self.pace.map_or(Duration::ZERO, |pace| Duration::from_secs(got / pace));
        let allowed = self.total.saturating_add(earned);
        (self.began.elapsed() >= allowed).then_some(allowed)
    }
}

fn client(patience: Patience, certificates: Vec<Certificate>) -> Result<Client, NetworkError> {
    Client::builder()
        .user_agent(concat!("vetted/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(patience.connect)
        // The library counts this anew for each piece of the body: what it limits is a stall. The whole is limited by `Clock`.
        .timeout(patience.stall)
        .referer(false)
        .redirect(redirect::Policy::none())
        .tls_certs_merge(certificates)
        .build()
        .map_err(|e| NetworkError { url: String::new(), fault: Fault::Other(chain(&e)) })
}

fn with_headers(request: RequestBuilder, url: &Url, asking: &Asking<'_>, known: Option<&Validator>) -> RequestBuilder {
    let mut request = match known {
        Some(Validator::ETag(tag)) => request.header(IF_NONE_MATCH, tag),
        Some(Validator::LastModified(date)) => request.header(IF_MODIFIED_SINCE, date),
        None => request,
    };
    if let Some(accept) = asking.accept {
        request = request.header(ACCEPT, accept);
    }
    // Of several the one that is meant for the fewest addresses.
    let fitting = asking.authorizations.iter().filter(|one| one.opens(url));
    if let Some(one) = fitting.max_by_key(|one| one.below.path().len()) {
        request = request.header(AUTHORIZATION, one.value.clone());
    }
    request
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads, where it may lead there.
fn next(from: &Url, target: &str, redirects: Redirects) -> Result<Url, Fault> {
    let elsewhere = |to: &str| Fault::Redirect(to.to_owned());
    let to = from.join(target).map_err(|_| elsewhere(target))?;
    if to.origin() == from.origin() {
        return usable(to.as_str());
    }
    if redirects == Redirects::Within {
        return Err(elsewhere(to.as_str()));
    }
    let is_here = |url: &Url| url.host_str().is_some_and(is_loopback);
    // A server elsewhere has no business with the services of this machine.
    if is_here(&to) && !is_here(from) {
        return Err(elsewhere(to.as_str()));
    }
    usable(to.as_str()).map_err(|_| elsewhere(to.as_str()))
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// `https`, and `http` to this machine itself; without a name or a password in it.
fn usable(url: &str) -> Result<Url, Fault> {
    let parsed = Url::parse(url).map_err(|e| Fault::Address(format!("this is no address: {e}")))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Fault::Address("an address with a user name or a password in it is not used".to_owned()));
    }
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if parsed.host_str().is_some_and(is_loopback) => Ok(parsed),
        "http" => Err(Fault::Address("plain http is used to 127.0.0.1 and [::1] only; use https".to_owned())),
        other => Err(Fault::Address(format!("`{}` is not https", printable(other)))),
    }
}

/// Whether the host of an address is this machine, by number: a name could lead anywhere.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn validator(headers: &HeaderMap) -> Option<Validator> {
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        (!value.is_empty() && value.len() <= MAX_TAG).then(|| value.to_owned())
    };
    text(ETAG).map(Validator::ETag).or_else(|| text(LAST_MODIFIED).map(Validator::LastModified))
}

/// Everything an error says, outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// The innermost cause: what a person needs.
fn last(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_asked() {
        for url in ["https://acme.example/p", "http://127.0.0.1:8080/p", "http://[::1]/p"] {
            assert!(usable(url).is_ok(), "{url}");
        }
        let wrong = ["http://acme.example/p", "http://localhost/p", "http://127.0.0.1.acme.example/", "ftp://127.0.0.1/", "p"];
        for url in wrong.into_iter().chain(["https://user@acme.example/", "https://u:p@acme.example/"]) {
            assert!(matches!(usable(url), Err(Fault::Address(_))), "{url}");
        }
    }

    #[test]
    fn a_validator_of_unlikely_length_is_not_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(LAST_MODIFIED, "Sat, 21 Nov 2026 12:00:00 GMT".parse().unwrap());
        assert!(matches!(validator(&headers), Some(Validator::LastModified(_))));
        headers.insert(ETAG, "\"1\"".parse().unwrap());
        assert_eq!(validator(&headers), Some(Validator::ETag("\"1\"".to_owned())));
        headers.insert(ETAG, "x".repeat(MAX_TAG + 1).parse().unwrap());
        assert!(matches!(validator(&headers), Some(Validator::LastModified(_))));
    }
}
