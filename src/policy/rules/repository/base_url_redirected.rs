//! An address in the place of the vendor's: who answers there reads every prompt, and chooses the answers.

use super::directive::{Standing, standing, unapproved};
use super::{Scene, Weighed};
use crate::catalogue::Tool;
use crate::evidence::{Directive, Told};
use crate::manifest::{Address, Levelled};

/// One for each address that is not the vendor's, not this machine's and not approved.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for directive in &scene.evidence.directives {
        let Told::BaseUrl { key, address } = &directive.what else { continue };
        let (parsed, steered) = (Address::parse(address), steered_by(scene, directive, key));
        let is_own = |parsed: &Address| {
            let hosts = steered.map(|tool| tool.api_hosts.as_slice()).unwrap_or_default();
            parsed.scheme == "https"
                && parsed.port == Some(443)
                && hosts.iter().any(|host| host.eq_ignore_ascii_case(&parsed.host))
        };
        if parsed.as_ref().is_some_and(|parsed| parsed.is_loopback() || is_own(parsed))
            || matches!(standing(scene, directive), Standing::Approved)
        {
            continue;
        }
        let own = steered.and_then(|tool| tool.api_hosts.first());
        let place = own.map_or_else(|| "the vendor's address".to_owned(), ToString::to_string);
        let host = parsed.map_or_else(|| format!("`{address}`"), |parsed| parsed.origin());
        let message = format!("prompts and code go to {host} in place of {place}");
        findings.push(unapproved(scene, Levelled::BaseUrlRedirected, directive, &message));
    }
    findings
}

/// The tool that a variable steers: the one that reads the file, where it has that variable; else the first of the catalogue that
/// has it. Others read the variable too, and their hosts are no reason to send to them what is meant for this one.
fn steered_by<'a>(scene: &Scene<'a>, directive: &Directive, key: &str) -> Option<&'a Tool> {
    let has = |tool: &&Tool| tool.env.iter().any(|variable| variable == key);
    let client = directive.client.as_deref().and_then(|client| client.parse().ok()).and_then(|id| scene.catalogue.tool(&id));
    // A key that is no variable is one of the client's own configuration.
    let any = || scene.catalogue.tools().iter().find(has);
    client.filter(has).or_else(any).or(client)
}
