//! An MCP server on another machine: what is sent there leaves this one, and what comes back is read as instructions.

use super::directive::{Standing, standing, unapproved};
use super::{Scene, Weighed};
use crate::evidence::Told;
use crate::manifest::{Address, Levelled};

/// One for each server that no directive approves. An address of this machine itself is none.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for directive in &scene.evidence.directives {
        let Told::Endpoint { address, .. } = &directive.what else { continue };
        let parsed = Address::parse(address);
        let is_here = parsed.as_ref().is_some_and(Address::is_loopback);
        if is_here || !matches!(standing(scene, directive), Standing::Unknown) {
            continue;
        }
        let host = parsed.map_or_else(|| format!("`{address}`"), |parsed| parsed.host);
        findings.push(unapproved(scene, Levelled::RemoteMcpEndpoint, directive, &format!("it talks to {host}")));
    }
    findings
}
