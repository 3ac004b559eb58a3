//! The network: the only file that names an HTTP client.
//!
//! A value that `sync` and `trust` commands make and pass on. `check` is given none, so offline is not a flag that somebody can
//! forget to look at. What comes back is bytes and nothing more: who may be believed is decided by signatures, elsewhere. So the
//! rules here are about not being held up, flooded or sent elsewhere.
#![expect(clippy::disallowed_methods, reason = "this is the one place that opens connections")]

use super::env::Env;
use crate::text::printable;
use reqwest::blocking::{Client, Response};
use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{StatusCode, Url, redirect};
use std::io::Read as _;
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
    #[error("the server redirects to `{}`; only redirects within the same host are followed", printable(.0))]
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
        let client = Client::builder()
            .user_agent(concat!("vetted/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            // The library counts this anew for each piece of the body: what it limits is a stall. The whole is limited below.
            .timeout(patience.stall)
            .referer(false)
            .redirect(redirect::Policy::custom(follow))
            .build()
            .map_err(|e| NetworkError { url: String::new(), fault: Fault::Other(chain(&e)) })?;
        Ok(Self { client, patience, until: Instant::now() + patience.total * WHOLE })
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
        if began >= self.until {
            return Err(Fault::TooSlow { after: self.patience.total * WHOLE });
        }
        let until = began + self.patience.total;
        let mut request = self.client.get(usable(url)?);
        request = match known {
            Some(Validator::ETag(tag)) => request.header(IF_NONE_MATCH, tag),
            Some(Validator::LastModified(date)) => request.header(IF_MODIFIED_SINCE, date),
            None => request,
        };
        let response = request.send().map_err(|e| self.fault(&e, 0))?;
        match response.status() {
            StatusCode::OK => {
                let validator = validator(response.headers());
                Ok(Answer::Bytes { bytes: self.body(response, limit, until)?, validator })
            }
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(Answer::NotModified),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Answer::Missing),
            status => Err(Fault::Status(status.as_u16())),
        }
    }

    fn body(&self, mut response: Response, limit: u64, until: Instant) -> Result<Vec<u8>, Fault> {
        let expected = response.content_length();
        if expected.is_some_and(|size| size > limit) {
            return Err(Fault::TooLarge { size: expected, limit });
        }
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    let got = bytes.len() as u64;
                    // The library wraps its own error in one of the system's.
                    return Err(match error.get_ref().and_then(|e| e.downcast_ref::<reqwest::Error>()) {
                        Some(e) if e.is_timeout() => self.fault(e, got),
                        _ if error.kind() == std::io::ErrorKind::TimedOut => {
                            Fault::Stall { after: self.patience.stall, bytes: got }
                        }
                        _ => Fault::Truncated { expected, got },
                    });
                }
            };
            bytes.extend_from_slice(&chunk[..count]);
            if bytes.len() as u64 > limit {
                return Err(Fault::TooLarge { size: None, limit });
            }
            if Instant::now() >= until {
                return Err(Fault::Timeout { after: self.patience.total, bytes: bytes.len() as u64 });
            }
        }
        match expected {
            Some(size) if size != bytes.len() as u64 => Err(Fault::Truncated { expected, got: bytes.len() as u64 }),
            _ => Ok(bytes),
        }
    }

    fn fault(&self, error: &reqwest::Error, bytes: u64) -> Fault {
        let text = chain(error);
        if error.is_redirect() {
            return match text.split_once(ELSEWHERE) {
                Some((_, to)) => Fault::Redirect(to.to_owned()),
                None => Fault::TooManyRedirects,
            };
        }
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

/// What stands before the address in the error of [`follow`].
const ELSEWHERE: &str = "redirect to ";

/// Within the same host, port and scheme, a few times.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if !stays {
        let to = format!("{ELSEWHERE}{}", attempt.url());
        return attempt.error(to);
    }
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("too many");
    }
    attempt.follow()
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
