//! An MCP server that is started by a range, a tag or a bare name: no lock file stands between the registry and its next start.

use super::{Scene, Weighed};
use crate::evidence::{Request, Role};
use crate::manifest::Levelled;
use crate::policy::findings::place_of_mention;
use crate::policy::remedy;

/// One for each such server.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for mention in &scene.evidence.mentions {
        let (Role::Server(name), Request::Floating { text, locked: false }) = (&mention.role, &mention.request) else { continue };
        let mut message = format!("the next start of the server `{name}` chooses which version runs");
        if scene.some_version_is_revoked(mention) {
            message.push_str(", and versions of this tool are revoked");
        }
        let subject = format!("{} {text}", mention.package.name);
        let mut weighed = scene.weigh(Levelled::McpServerUnpinned, false, (subject, message), Some(place_of_mention(mention)));
        weighed.finding.tool = Some(mention.tool.clone());
        weighed.finding.help = remedy::pin(mention, &scene.approved_versions(&mention.tool));
        findings.push(weighed);
    }
    findings
}
