//! Newer trusted roots of the instances that are part of this program, from their TUF repositories.
//!
//! Sigstore instances renew their certificates and logs; what is built in ages. A repository is believed from the root on that is
//! built in, and what came of it is proved again whenever it is used (`trust/roots`). Nothing depends on it being reachable: the
//! root that is here counts on, so a failure is a remark and never an error.

use super::source::Fetched;
use super::tuf::{Repository, TufSource};
use crate::digest::Digest;
use crate::trust::roots::{BuiltIn, Refreshed};
use crate::trust::sigstore::{MAX_TRUSTED_ROOT, TrustRoot};
use crate::world::World;
use crate::world::network::{Network, Patience};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// What came of asking for one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The instance.
    pub instance: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of asking for a newer trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is the one that was here, and still the newest.
    Same,
    /// Another one is here now.
    Renewed,
    /// The one that was here counts on, in one sentence why.
    Kept(String),
}

/// How long a repository may take: nobody who waits for a policy waits for this.
#[must_use]
pub fn patience(usual: Patience) -> Patience {
    Patience {
        connect: usual.connect.min(Duration::from_secs(5)),
        stall: usual.stall.min(Duration::from_secs(10)),
        total: usual.total.min(Duration::from_secs(20)),
    }
}

/// Ask the TUF repository of every built-in instance but those of `own`, which the organisation pins itself.
#[must_use]
pub fn renew(world: &World, network: &Network, own: &BTreeSet<String>) -> Vec<Renewal> {
    BuiltIn::all(&world.env, world.files)
        .into_iter()
        .filter(|built_in| !own.contains(&built_in.id) && !built_in.metadata.is_empty())
        .map(|built_in| {
            let outcome = renew_one(world, network, &built_in).unwrap_or_else(Outcome::Kept);
            Renewal { instance: built_in.id, outcome }
        })
        .collect()
}

/// Whether every built-in instance was renewed within this time.
#[must_use]
pub fn renewed_within(world: &World, time: SignedDuration) -> bool {
    BuiltIn::all(&world.env, world.files).iter().all(|built_in| {
        Refreshed::since(world.files, &world.env, &built_in.id)
            .is_some_and(|at| at.checked_add(time).is_ok_and(|until| world.now < until))
    })
}

fn renew_one(world: &World, network: &Network, built_in: &BuiltIn) -> Result<Outcome, String> {
    let state = world.env.state_home().ok_or("the environment names no home folder to keep it in")?;
    let folder = state.join("roots").join(&built_in.id);
    let repository = Repository {
        metadata: built_in.metadata.clone(),
        targets: built_in.targets.clone(),
        root: Digest::sha256_of(&built_in.tuf_root),
        folder: folder.clone(),
    };
    let _lock = lock(world, &state)?;
    TufSource::start_from(world.files, &folder, &built_in.tuf_root).map_err(|e| e.to_string())?;
    let mut source = TufSource::open(network, world.files, &repository, world.now).map_err(|e| e.to_string())?;
    let Fetched::Bytes { bytes, .. } = source.target(&built_in.target, MAX_TRUSTED_ROOT, None).map_err(|e| e.to_string())? else {
        return Err(format!("the repository has no `{}`", built_in.target));
    };
    TrustRoot::parse(&bytes).map_err(|why| format!("what the repository serves is no trusted root: {why}"))?;
    let kept = source.kept().map_err(|e| e.to_string())?;
    let renewed = Refreshed::new(kept.roots, kept.roles, bytes).ok_or("the repository serves bytes that are no text")?;
    renewed.prove(built_in)?;
    let before = Refreshed::proved(world.files, &world.env, built_in);
    renewed.keep(world.files, &world.env, &built_in.id).map_err(|e| e.to_string())?;
    let before = before.as_deref().unwrap_or(&built_in.trusted_root);
    Ok(if before == renewed.trusted_root().as_bytes() { Outcome::Same } else { Outcome::Renewed })
}

/// Two syncs at once would write the same memory of the repository.
fn lock(world: &World, state: &Path) -> Result<crate::world::files::FileLock, String> {
    let folder = state.join("roots");
    world.files.create_private_folder(&folder).map_err(|e| e.to_string())?;
    world.files.lock(&folder.join(".lock"), Duration::ZERO).map_err(|e| format!("another sync is under way: {e}"))
}
