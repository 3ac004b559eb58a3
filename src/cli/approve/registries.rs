//! The network of `vetted approve`, and what its errors say.

use crate::catalogue::Tool;
use crate::cli::Context;
use crate::error::Error;
use crate::tool::PackageVersion;
use crate::world::network::{Network, Patience};
use std::time::Duration;

/// How long one file of a release may take: the largest have hundreds of megabytes.
const WHOLE_FILE: Duration = Duration::from_mins(30);

/// The network, with the patience that large files need.
///
/// # Errors
/// [`Error`] when it cannot be set up.
pub(super) fn network(context: &Context) -> Result<Network, Error> {
    let usual = Patience::of(&context.world.env);
    let patience = if usual == Patience::default() { Patience { total: WHOLE_FILE, ..usual } } else { usual };
    Network::new(patience).map_err(|e| Error::undecided("no connection can be made").because(&e))
}

/// An error about one package of a tool, with the tool in front where the package is another one.
pub(super) fn cannot(tool: &Tool, package: &PackageVersion, error: Error) -> Error {
    let mut error = error;
    error.causes.push(format!("while {package} was worked out for {}", tool.id));
    error
}
