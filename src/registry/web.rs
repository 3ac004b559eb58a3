//! A registry that is reached over the network: every request goes through here, so that what opens an address goes nowhere else.

use super::config::{Access, Address};
use super::{MAX_ANSWER, MAX_ATTESTATIONS, MAX_FILE, RegistryError};
use crate::text::printable;
use crate::world::files::Files;
use crate::world::network::{Asking, Authorization, Fault, Got, Network, NetworkError, Redirects, Url};
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::Write;

/// The most values of one JSON answer. The largest packages of today have a sixth of it.
const MAX_VALUES: usize = 2_000_000;

/// An address, what opens it, and the network.
#[derive(Debug, Clone)]
pub(super) struct Web {
    network: Network,
    address: Address,
    access: Access,
}

/// The network with the certificates that the user's installer trusts as well.
pub(super) fn trusting(files: Files, network: &Network, access: &Access) -> Result<Network, RegistryError> {
    let Some((path, origin)) = &access.certificates else { return Ok(network.clone()) };
    let pem = files.read(path, 4 * 1024 * 1024)?;
    network.trusting(&pem).map_err(|e| origin.refuse(format!("`{}`: {}", crate::text::printable_path(path), e.fault)))
}

impl Web {
    pub(super) fn new(network: &Network, address: &Address, access: &Access) -> Self {
        Self { network: network.clone(), address: address.clone(), access: access.clone() }
    }

    /// The address of the registry.
    pub(super) fn url(&self) -> &Url {
        &self.address.url
    }

    /// An address below that of the registry.
    pub(super) fn below(&self, path: &str) -> Result<Url, RegistryError> {
        // A path that begins with a scheme or with `/` would lead elsewhere.
        let url = self.address.url.join(&format!("./{path}")).ok();
        let url = url.filter(|url| url.origin() == self.address.url.origin() && url.path().starts_with(self.address.url.path()));
        url.ok_or_else(|| RegistryError::Answer {
            url: self.address.url.to_string(),
            why: format!("`{}` is no address below it", printable(path)),
        })
    }

    /// Ask for an answer; `None` where there is no such thing.
    pub(super) fn fetch(&self, url: &Url, limit: u64, accept: &str) -> Result<Option<Got>, RegistryError> {
        let asking = Asking { accept: Some(accept), authorizations: &self.access.authorizations };
        // Each answer has its own time: a package with many dependencies has many answers.
        self.network.anew().fetch(url.as_str(), limit, &asking).map_err(|e| self.refusal(url.as_str(), e))
    }

    /// Write a file whose digest is known; `false` where there is none.
    pub(super) fn download(&self, url: &str, size: Option<u64>, sink: &mut dyn Write) -> Result<bool, RegistryError> {
        let asking = Asking { accept: Some("application/octet-stream, */*"), authorizations: &self.access.authorizations };
        let limit = size.map_or(MAX_FILE, |size| size.min(MAX_FILE));
        let done = self.network.anew().download(url, limit, (&asking, Redirects::AnywhereSafe), sink);
        Ok(done.map_err(|e| self.refusal(url, e))?.is_some())
    }

    fn refusal(&self, url: &str, error: NetworkError) -> RegistryError {
        let address = self.to_string();
        match error.fault {
            Fault::Status(status @ (401 | 403)) => {
                RegistryError::Denied { address, url: url.to_owned(), status, sent: self.sent(url) }
            }
            _ => RegistryError::Network { address, source: error },
        }
    }

    /// What went along with a request, for whoever has to find out why it was not enough.
    fn sent(&self, url: &str) -> String {
        if let Some(unusable) = self.access.unusable.first() {
            return unusable.clone();
        }
        let opens = |one: &&Authorization| Url::parse(url).is_ok_and(|url| one.opens(&url));
        match self.access.authorizations.iter().find(opens) {
            Some(one) => format!(
                "what is configured for `{}` was sent along: see whether it is still good",
                printable(one.below().as_str())
            ),
            None => "no token or password is configured for this address: nothing was sent along".to_owned(),
        }
    }
}

/// Read an answer that is JSON; `what` is what it should be, for the message. The number of values is looked at first: a small
/// text of many empty values takes a hundred times its size in memory.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, String> {
    let values = memchr::memchr_iter(b',', bytes).count();
    if values > MAX_VALUES {
        return Err(format!("it holds some {values} values; at most {MAX_VALUES} are read"));
    }
    serde_json::from_slice(bytes).map_err(|e| format!("{what}: {}", printable(&e.to_string())))
}

/// Documents with attestations, of a bounded size together.
#[derive(Debug, Default)]
pub(super) struct Attestations {
    pub(super) found: Vec<Vec<u8>>,
    /// Where there should have been some.
    pub(super) unserved: Vec<String>,
    size: u64,
}

impl Attestations {
    /// Ask for the document at an address.
    pub(super) fn fetch(
        &mut self,
        web: &Web,
        url: &Url,
        accept: &str,
        unpack: fn(Vec<u8>) -> Result<Vec<u8>, String>,
    ) -> Result<(), RegistryError> {
        let Some(got) = web.fetch(url, MAX_ATTESTATIONS, accept)? else {
            self.unserved.push(url.to_string());
            return Ok(());
        };
        let bytes = unpack(got.bytes).map_err(|why| RegistryError::Answer { url: url.to_string(), why })?;
        self.keep(url, bytes)
    }

    /// Keep a document that came from an address.
    pub(super) fn keep(&mut self, url: &Url, bytes: Vec<u8>) -> Result<(), RegistryError> {
        self.size += bytes.len() as u64;
        if self.size > MAX_ANSWER {
            let why = format!("the attestations of this release have more than {MAX_ANSWER} bytes together");
            return Err(RegistryError::Answer { url: url.to_string(), why });
        }
        self.found.push(bytes);
        Ok(())
    }
}

impl fmt::Display for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
