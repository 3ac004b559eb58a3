//! Signing with an identity and no key: a Sigstore instance vouches for a key that lives for one signature.
//!
//! Fulcio exchanges an identity token for a certificate of ten minutes, Rekor logs the signature, a time stamp authority says when
//! it was made. Their addresses come from the one who signs and prove nothing: what they return is verified against the trusted
//! root that `vetted-trust.toml` pins, as `check` does it, before it is written. This file and `trust/sigstore.rs` are the only
//! ones that name the Sigstore crates.

use crate::text::printable;
use crate::trust::key::Password;
use jiff::Timestamp;
use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::rekor::RekorApiVersion;
use sigstore_sign::reqwest::{Client, Url, redirect};
use sigstore_sign::trust_root::SigningConfig;
use sigstore_sign::{SigningContext, SigningServices};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Runtime;

/// The largest signing config that is read, in bytes.
pub const MAX_SIGNING_CONFIG: u64 = 256 * 1024;
/// The largest identity token that is read, in bytes.
pub const MAX_TOKEN: u64 = 64 * 1024;
/// For how long one answer of a service is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For how long a connection is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Whom the token is for, as Fulcio asks.
const AUDIENCE: &str = "sigstore";
/// How much of what a service says is passed on, in characters.
const MAX_SAID: usize = 600;

/// Why there is no signature by an identity.
#[derive(Debug, Error)]
pub enum KeylessError {
    /// An address that is none, or that would send the token in the clear.
    #[error("the address of {what}, `{}`, {why}", printable(.address))]
    Address {
        /// Of which service.
        what: &'static str,
        /// The address.
        address: String,
        /// Why not.
        why: &'static str,
    },
    /// The signing config cannot be used.
    #[error("the signing config cannot be used: {}", printable(.0))]
    Config(String),
    /// The text is no identity token.
    #[error("the identity token cannot be used: {}", printable(.0))]
    Token(String),
    /// The token has ended.
    #[error("the identity token of `{}` ended at {since}; it lives for minutes, get a new one", printable(.identity))]
    TokenEnded {
        /// Whose.
        identity: String,
        /// Since when.
        since: Timestamp,
    },
    /// The runner gives no token.
    #[error("GitHub Actions gives no identity token: {}", printable(.0))]
    Ambient(String),
    /// A service refused or did not answer.
    #[error("{}", printable(.0))]
    Service(String),
}

/// Where an instance signs, one address a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The certificate authority.
    pub fulcio: String,
    /// The transparency log.
    pub rekor: String,
    /// Which interface the log speaks: 1 or 2.
    pub rekor_version: u32,
    /// The time stamp authority. A log of version 2 says no time and needs one.
    pub tsa: Option<String>,
}

/// The services of one instance.
#[derive(Debug, Clone)]
pub struct Services(SigningServices);

impl Services {
    /// The services that a signing config names (`application/vnd.dev.sigstore.signingconfig.v0.2+json`).
    ///
    /// # Errors
    /// [`KeylessError::Config`], [`KeylessError::Address`].
    pub fn of_config(json: &[u8]) -> Result<Self, KeylessError> {
        let bad = |why: &dyn std::fmt::Display| KeylessError::Config(why.to_string());
        let text = std::str::from_utf8(json).map_err(|e| bad(&e))?;
        let config = SigningConfig::from_json(text).map_err(|e| bad(&e))?;
        let services = SigningServices::from_signing_config(&config).map_err(|e| bad(&e))?;
        Self(services).checked()
    }

    /// The services at these addresses.
    ///
    /// # Errors
    /// [`KeylessError::Config`], [`KeylessError::Address`].
    pub fn at(addresses: &Addresses) -> Result<Self, KeylessError> {
        let version = RekorApiVersion::from_major(addresses.rekor_version)
            .ok_or_else(|| KeylessError::Config(format!("Rekor has no version {}", addresses.rekor_version)))?;
        let mut services = SigningServices::new(&addresses.fulcio, &addresses.rekor).with_rekor(&addresses.rekor, version);
        if let Some(tsa) = &addresses.tsa {
            services = services.with_tsa_url(tsa);
        }
        Self(services).checked()
    }

    fn checked(self) -> Result<Self, KeylessError> {
        for (what, address) in self.addresses() {
            check_address(what, address)?;
        }
        self.0.validate().map_err(|e| KeylessError::Config(e.to_string()))?;
        Ok(self)
    }

    /// Each service and its address, for people.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let tsa = self.0.tsa_url().map(|address| ("the time stamp authority", address));
        [("Fulcio", self.0.fulcio_url()), ("Rekor", self.0.rekor_url())].into_iter().chain(tsa)
    }
}

/// Whether an address may be given a token: encrypted, or on this very machine.
fn check_address(what: &'static str, address: &str) -> Result<Url, KeylessError> {
    let refused = |why| KeylessError::Address { what, address: address.to_owned(), why };
    let url = Url::parse(address).map_err(|_| refused("is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("holds a user name or a password"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refused("is not encrypted: anybody on the way could use the identity token")),
        _ => Err(refused("is neither https nor http")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    // By number: what a name stands for, somebody else may decide.
    bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A client that goes where it is told, in time, and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "the Sigstore crates ask their services by a client of their own; `sign --keyless` alone gets here"
)]
fn client(may_use_proxy: bool) -> Result<Client, KeylessError> {
    let builder = Client::builder()
        .user_agent(concat!("vetted/", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        // The token would go along.
        .redirect(redirect::Policy::none());
    let builder = if may_use_proxy { builder } else { builder.no_proxy() };
    builder.build().map_err(|e| KeylessError::Service(said(&e)))
}

fn runtime() -> Result<Runtime, KeylessError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| KeylessError::Service(said(&e)))
}

/// An error with what is below it, shortened: a service may answer with anything.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(below) = next {
        let below_text = below.to_string();
        if !text.contains(&below_text) {
            text = format!("{text}: {below_text}");
        }
        next = below.source();
    }
    if text.chars().count() > MAX_SAID {
        text = text.chars().take(MAX_SAID).chain(['…']).collect();
    }
    text
}

/// What signs without a key.
#[derive(Debug)]
pub struct Keyless {
    context: SigningContext,
    token: IdentityToken,
    runtime: Runtime,
}

impl Keyless {
    /// Sign at these services with this identity token.
    ///
    /// # Errors
    /// [`KeylessError::Token`], [`KeylessError::TokenEnded`], [`KeylessError::Service`].
    pub fn new(services: Services, token: &Password, now: Timestamp) -> Result<Self, KeylessError> {
        let text = std::str::from_utf8(token.as_bytes()).map_err(|e| KeylessError::Token(e.to_string()))?;
        let token = IdentityToken::from_jwt(text.trim()).map_err(|e| KeylessError::Token(e.to_string()))?;
        if token.expiration() <= now {
            return Err(KeylessError::TokenEnded { identity: token.identity().to_owned(), since: token.expiration() });
        }
        let may_use_proxy = services.addresses().all(|(_, address)| address.starts_with("https:"));
        let context = SigningContext::new(services.0).with_http_client(client(may_use_proxy)?);
        Ok(Self { context, token, runtime: runtime()? })
    }

    /// Who the token says it is: the issuer and the identity. Nobody has checked it, and the certificate may name the identity in
    /// another way: it is for people only.
    #[must_use]
    pub fn claims(&self) -> (&str, &str) {
        (self.token.issuer(), self.token.identity())
    }

    /// Sign a document: a bundle as one line of JSON.
    ///
    /// # Errors
    /// [`KeylessError::Service`].
    pub fn sign(&self, document: &[u8]) -> Result<String, KeylessError> {
        let signer = self.context.signer(self.token.clone());
        let bundle = self.runtime.block_on(signer.sign(document)).map_err(|e| KeylessError::Service(said(&e)))?;
        bundle.to_json().map_err(|e| KeylessError::Service(said(&e)))
    }
}

/// The identity token of a GitHub Actions job (`permissions: id-token: write`), from the address and with the secret that the
/// runner puts into the environment.
///
/// # Errors
/// [`KeylessError::Address`], [`KeylessError::Ambient`].
pub fn github_actions_token(request_url: &str, request_token: &str) -> Result<Password, KeylessError> {
    let mut url = check_address("the token service", request_url)?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let failed = |e: &dyn std::error::Error| KeylessError::Ambient(said(e));
    let request = client(url.scheme() == "https")?.get(url).bearer_auth(request_token);
    let text = runtime()?.block_on(async { request.send().await?.error_for_status()?.text().await }).map_err(|e| failed(&e))?;
    let answer: serde_json::Value = serde_json::from_str(&text).map_err(|e| failed(&e))?;
    let token = answer.get("value").and_then(serde_json::Value::as_str).unwrap_or_default();
    Password::new(token.to_owned()).ok_or_else(|| KeylessError::Ambient("the answer holds no token".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    fn addresses(fulcio: &str) -> Addresses {
        Addresses { fulcio: fulcio.to_owned(), rekor: "https://rekor.acme.example".into(), rekor_version: 1, tsa: None }
    }

    #[test]
    fn a_token_is_sent_encrypted_or_to_this_machine() {
        for good in ["https://fulcio.acme.example", "http://127.0.0.1:5555", "http://[::1]:5555/x"] {
            assert!(Services::at(&addresses(good)).is_ok(), "{good}");
        }
        for bad in [
            "http://fulcio.acme.example",
            "http://127.0.0.1.acme.example",
            "http://localhost",
            "ftp://127.0.0.1",
            "https://me:secret@fulcio.acme.example",
            "fulcio",
        ] {
            let refused = Services::at(&addresses(bad)).unwrap_err();
            assert!(matches!(&refused, KeylessError::Address { what: "Fulcio", .. }), "{bad}: {refused}");
        }
    }

    #[test]
    fn a_log_that_says_no_time_needs_somebody_who_does() {
        let mut asked = addresses("https://fulcio.acme.example");
        asked.rekor_version = 2;
        assert!(matches!(Services::at(&asked), Err(KeylessError::Config(why)) if why.contains("timestamp authority")));
        asked.tsa = Some("https://tsa.acme.example".into());
        assert_eq!(Services::at(&asked).unwrap().addresses().count(), 3);
        asked.rekor_version = 3;
        assert!(matches!(Services::at(&asked), Err(KeylessError::Config(_))));
    }

    #[test]
    fn a_signing_config_is_held_to_the_same_rules() {
        let config = |host: &str| {
            let at = |host: &str| {
                format!(
                    r#"[{{"url":"{host}","majorApiVersion":1,"validFor":{{"start":"2020-01-01T00:00:00Z"}},"operator":"acme"}}]"#
                )
            };
            format!(
                r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"oidcUrls":[],
                    "rekorTlogUrls":{},"rekorTlogConfig":{{"selector":"ANY"}},"tsaUrls":{},"tsaConfig":{{"selector":"ANY"}}}}"#,
                at(host),
                at("https://rekor.acme.example"),
                at("https://tsa.acme.example/api"),
            )
        };
        let services = Services::of_config(config("https://fulcio.acme.example").as_bytes()).unwrap();
        assert_eq!(services.addresses().next(), Some(("Fulcio", "https://fulcio.acme.example")));
        let plain = Services::of_config(config("http://fulcio.acme.example").as_bytes());
        assert!(matches!(plain, Err(KeylessError::Address { .. })));
        for broken in [&b"\xff"[..], b"{}", b""] {
            assert!(matches!(Services::of_config(broken), Err(KeylessError::Config(_))), "{broken:?}");
        }
    }

    #[test]
    fn a_token_that_is_none_or_has_ended_is_not_sent() {
        let services = || Services::at(&addresses("http://127.0.0.1:1")).unwrap();
        let token = |text: &str| Password::new(text.to_owned()).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert!(matches!(Keyless::new(services(), &token("x"), now), Err(KeylessError::Token(_))));
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .encode(r#"{"iss":"https://id.acme.example","sub":"ci","exp":1800000000}"#);
        let jwt = token(&format!("e30.{claims}.x\n"));
        let ended = Keyless::new(services(), &jwt, now);
        assert!(matches!(ended, Err(KeylessError::TokenEnded { identity, .. }) if identity == "ci"));
        let earlier = now - Duration::from_secs(1);
        assert_eq!(Keyless::new(services(), &jwt, earlier).unwrap().claims(), ("https://id.acme.example", "ci"));
    }
}
