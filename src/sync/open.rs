//! From an address to a source that can be asked.

use super::address::{Address, Way};
use super::folder::FolderSource;
use super::repository::RepositorySource;
use super::source::{FetchError, Source};
use super::tuf::{self, TufSource};
use super::web::WebSource;
use crate::digest::Digest;
use crate::world::World;
use crate::world::network::Network;

/// Open a source. Web servers are not asked yet; a git repository is brought here, a TUF repository brought up to date.
///
/// # Errors
/// [`FetchError`] when it cannot be used, or needs a network and there is none.
pub fn open<'a>(world: &World, network: Option<&'a Network>, address: &'a Address) -> Result<Box<dyn Source + 'a>, FetchError> {
    let network = || network.ok_or_else(|| FetchError::new("there is no network for it"));
    Ok(match &address.way {
        Way::Web(base) => Box::new(WebSource::new(network()?, base)),
        Way::Folder(folder) => Box::new(FolderSource::open(world.files, folder)?),
        Way::Git { url, branch } => Box::new(RepositorySource::fetch(world, url, branch.as_deref())?),
        Way::Tuf { url, root } => Box::new(open_tuf(world, &network()?.anew(), url, root.as_ref())?),
    })
}

fn open_tuf(world: &World, network: &Network, url: &str, root: Option<&Digest>) -> Result<TufSource, FetchError> {
    let Some(root) = root else {
        let offered = tuf::offered_root(network, url).map_err(FetchError::of)?;
        return Err(FetchError::new(format!(
            "a TUF repository is believed by its root: compare the fingerprint of its root version {} with what the security team \
             published, and write `#sha256={}` behind the address",
            offered.0,
            offered.1.hex()
        )));
    };
    let Some(state) = world.env.state_home() else {
        return Err(FetchError::new("a TUF repository needs a state folder, and the environment names no home folder"));
    };
    // By the address alone: a pin that moves to a newer root of the same chain must not make the machine forget what it saw.
    let key = Digest::sha256_of(url.as_bytes()).hex();
    let folder = state.join("vetted").join("tuf").join(&key[..16]);
    TufSource::open(network, world.files, &tuf::Repository::below(url, root.clone(), folder), world.now).map_err(FetchError::of)
}
