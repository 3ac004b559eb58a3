//! Models: weights that are kept or pointed at, ids in configuration and code.

mod ids;
mod lfs;
mod weights;

use super::{Format, Source};
use crate::digest::{Digest, DigestSet};
use crate::evidence::{Mention, Request, Role};
use crate::tool::{Ecosystem, Package, ToolId};
use crate::version::{Scheme, Version};

pub(super) const FORMATS: &[Format] = &[lfs::FORMAT, weights::FORMAT, ids::FORMAT];

/// The mention of a file of weights: as the tool that the catalogue, an approval or a revocation knows a file with that digest as. A
/// file that nobody knows is a tool of its own where it holds weights beyond doubt, and nothing else.
fn mention(source: &Source<'_>, digest: Digest, line: Option<u32>, are_weights: bool) -> Option<Mention> {
    let name = source.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let package = Package::new(Ecosystem::Generic, &name);
    let known = source.catalogue.by_digest(&digest);
    let version = known.as_ref().and_then(|known| known.version.clone());
    let tool = match &known {
        Some(known) => source.catalogue.tool(&known.tool),
        None => source.catalogue.watched(&digest),
    };
    let (id, scheme) = match tool {
        Some(tool) => (tool.id.clone(), tool.scheme()),
        None if are_weights => (ToolId::of_package(&package), Scheme::Opaque),
        None => return None,
    };
    // Where nobody says which version it is, its digest is the only name that it has.
    let version = version.unwrap_or_else(|| format!("sha256:{}", digest.hex()));
    Some(Mention {
        tool: id,
        package,
        request: Request::Exact(Version::parse(scheme, &version)),
        integrity: DigestSet::from(digest).into(),
        location: source.at(line),
        brought_by: Vec::new(),
        role: Role::Weights,
        quote: None,
    })
}
