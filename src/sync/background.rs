//! A sync that nobody waits for: started by a hook after it has answered, when the policy is due for a look.

use super::record::Record;
use crate::manifest::SyncRules;
use crate::manifest::source::SOURCE_FILE;
use crate::world::World;
use crate::world::process::{self, ProcessError};
use jiff::SignedDuration;
use std::ffi::OsStr;
use std::path::Path;

/// However short a policy makes the interval: a hook that starts a sync at every commit would be a nuisance to the server.
const LEAST: SignedDuration = SignedDuration::from_mins(1);

/// Whether a sync of a policy folder is to be started now: somebody said where to ask, this user may write the folder, this is no
/// CI runner, and the last attempt is long enough ago. `rules` are those of the believed manifest.
#[must_use]
pub fn due(world: &World, folder: &Path, rules: &SyncRules) -> bool {
    if world.env.is_ci() || !world.files.may_write_in(folder) {
        return false;
    }
    let is_configured = !rules.sources.is_empty() || world.files.lstat(&folder.join(SOURCE_FILE)).is_ok();
    is_configured && Record::load(world.files, folder).is_due(rules.every.max(LEAST), world.now)
}

/// Start `vetted sync --background` for a policy folder and do not wait for it.
///
/// # Errors
/// [`ProcessError`] when it cannot be started.
pub fn start(world: &World, folder: &Path) -> Result<(), ProcessError> {
    let folder = world.env.current_dir().join(folder);
    process::start_myself(
        &world.env,
        &[OsStr::new("sync"), OsStr::new("--background"), OsStr::new("--policy"), folder.as_os_str()],
    )
}
