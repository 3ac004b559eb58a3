//! A local command that is started as an MCP server. Where it starts a package, the package is judged as a tool instead.

use super::directive::{Standing, is_judged_as_tool, standing, unapproved};
use super::{Scene, Weighed};
use crate::evidence::Told;
use crate::manifest::Levelled;

/// One for each command.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for directive in &scene.evidence.directives {
        let Told::Server { command, .. } = &directive.what else { continue };
        if is_judged_as_tool(scene, directive) || !matches!(standing(scene, directive), Standing::Unknown) {
            continue;
        }
        findings.push(unapproved(scene, Levelled::McpServerUnapproved, directive, &format!("it starts `{command}`")));
    }
    findings
}
