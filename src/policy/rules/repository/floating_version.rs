//! Ranges and tags that no lock file answers: the next installation chooses which version arrives. What starts as a server is
//! spoken of by `mcp_server_unpinned`.

use super::{Scene, Weighed};
use crate::evidence::{Request, Role};
use crate::manifest::Levelled;
use crate::policy::findings::place_of_mention;
use crate::policy::remedy;

/// One for each range.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for mention in scene.evidence.mentions.iter().filter(|mention| !matches!(mention.role, Role::Server(_))) {
        let Request::Floating { text, locked: false } = &mention.request else { continue };
        let mut message = who_chooses(&mention.role).to_owned();
        if scene.some_version_is_revoked(mention) {
            message.push_str(", and versions of this tool are revoked");
        }
        let subject = format!("{} {text}", mention.package.name);
        let mut weighed = scene.weigh(Levelled::FloatingVersion, false, (subject, message), Some(place_of_mention(mention)));
        weighed.finding.tool = Some(mention.tool.clone());
        weighed.finding.help = remedy::pin(mention, &scene.approved_versions(&mention.tool));
        findings.push(weighed);
    }
    findings
}

/// Lock files answer what projects ask for, and nothing else.
fn who_chooses(role: &Role) -> &'static str {
    match role {
        Role::Dependency => "no lock file beside it says which version is meant: the next installation chooses",
        Role::Command | Role::Server(_) => "whoever runs it next gets the version of that day",
        Role::Action => "a tag or a branch can be moved: the next run takes what it names then",
        Role::Container => "a tag can be moved: the next pull takes what it names then",
        Role::Extension => "an editor installs the newest version of that day",
        Role::Weights => "the next download takes what is there then",
    }
}
