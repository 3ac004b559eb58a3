//! Which GitHub is meant: `GITHUB_API_URL`, which its runners set, or `GH_HOST`, which its command line client reads.

use super::{Access, Address, Origin};
use crate::registry::RegistryError;
use crate::world::World;
use crate::world::network::Authorization;

/// What would name one.
const SETTINGS: &str = "`GITHUB_API_URL` (the address of its API) or `GH_HOST` (its host)";

/// The address of the API, and the token of `GH_TOKEN` or `GITHUB_TOKEN` (`GH_ENTERPRISE_TOKEN` and `GITHUB_ENTERPRISE_TOKEN` for a
/// host of one's own). `told` is what `--registry` says.
///
/// # Errors
/// [`RegistryError`] when nothing names one, or what does cannot be used.
pub fn github(world: &World, told: Option<&str>) -> Result<(Address, Access), RegistryError> {
    let env = &world.env;
    let (text, origin) = if let Some(told) = told {
        (told.to_owned(), Origin::option())
    } else if let Some(url) = env.text("GITHUB_API_URL") {
        (url.to_owned(), Origin::variable("GITHUB_API_URL"))
    } else if let Some(host) = env.text("GH_HOST") {
        (api_of(host), Origin::variable("GH_HOST"))
    } else {
        return Err(RegistryError::NotConfigured { kind: "a GitHub", settings: SETTINGS });
    };
    let (address, login) = Address::read(&text, &origin)?;
    // The two kinds of tokens are for two kinds of hosts: one for the other's would be sent to a stranger.
    let names = if is_of_github(address.url.host_str().unwrap_or_default()) {
        ["GH_TOKEN", "GITHUB_TOKEN"].as_slice()
    } else {
        &["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"]
    };
    let token = names.iter().find_map(|name| env.text(name));
    let bearer = token.and_then(|token| Authorization::new(&address.url, &format!("Bearer {token}")));
    Ok((address, Access { authorizations: login.into_iter().chain(bearer).collect(), ..Access::default() }))
}

/// Where the API of a host is: beside it where GitHub runs it, below it where a company does.
fn api_of(host: &str) -> String {
    if is_of_github(host) { format!("https://api.{host}/") } else { format!("https://{host}/api/v3/") }
}

fn is_of_github(host: &str) -> bool {
    let host = host.strip_prefix("api.").unwrap_or(host);
    host == "github.com" || host.ends_with(".ghe.com")
}
