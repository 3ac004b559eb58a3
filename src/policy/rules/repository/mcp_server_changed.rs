//! An MCP server whose name is approved and whose definition is another: how a trusted server is exchanged under its name.

use super::directive::{Standing, approve, kind_of, place_of, standing, subject_of};
use super::{Scene, Weighed};
use crate::evidence::Told;
use crate::manifest::Levelled;
use crate::policy::Origin;
use crate::policy::verdict::Rule;

/// One for each server that is not the approved one.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for directive in &scene.evidence.directives {
        let Standing::Changed(approval) = standing(scene, directive) else { continue };
        let short = |hex: String| hex.get(..12).map(str::to_owned).unwrap_or(hex);
        let expected = match (&approval.sha256, &approval.value) {
            (Some(sha256), _) => {
                let found = short(directive.digest.hex());
                format!("sha256 {} is expected, {found} is found", short(hex::encode(sha256)))
            }
            (None, Some(value)) => match &directive.what {
                Told::Endpoint { address, .. } => format!("`{value}` is expected, `{address}` is found"),
                _ => format!("the server at `{value}` is expected, a command is found"),
            },
            (None, None) => format!("a directive of the kind `{}` is expected", approval.kind),
        };
        let same_kind = Some(approval.kind) == kind_of(&directive.what);
        let kind = if same_kind { String::new() } else { format!(" of the kind `{}`", approval.kind) };
        let message = format!("the directive {} approves another definition{kind}: {expected}", approval.id);
        let what = (subject_of(directive), message);
        let mut weighed = scene.weigh(Levelled::McpServerChanged, true, what, Some(place_of(directive)));
        let path = Origin::Manifest.path(scene.policy).map(ToOwned::to_owned);
        // The line that somebody compares the definition with says more than the one of the level.
        weighed.finding.rule = Some(Rule { layer: Origin::Manifest.layer(), path, line: Some(approval.line), quote: None });
        weighed.finding.decided_by = Some(scene.policy.authority());
        weighed.finding.since = Some(approval.approved.at);
        weighed.finding.reference = Some(approval.id.clone());
        weighed.finding.help = approve(scene, directive).into_iter().collect();
        findings.push(weighed);
    }
    findings
}
