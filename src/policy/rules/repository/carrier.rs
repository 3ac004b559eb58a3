//! A package that brings an AI tool inside: a dependency of its own, or a program that it ships. Nobody asked for that tool by name.
//!
//! It is about tools that act, not about libraries, and it is silent where the tool that is brought is approved or waived: then
//! somebody looked at it. What is revoked says itself who brought it.

use super::{Scene, Weighed};
use crate::evidence::{Mention, Request};
use crate::manifest::Levelled;
use crate::policy::finding::Help;
use crate::policy::findings::place_of_mention;
use crate::policy::{Item, Verdict};
use crate::tool::{Kind, ToolId};

/// One for each package and tool that it brings.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings: Vec<Weighed<'a>> = Vec::new();
    for judgement in scene.judgements {
        let Item::Mention(mention) = &judgement.item else { continue };
        let is_looked_at = matches!(judgement.verdict, Verdict::Approved(_) | Verdict::Waived { .. } | Verdict::Revoked { .. });
        if is_looked_at {
            continue;
        }
        if let Some(carrier) = mention.brought_by.first()
            && acts(judgement.kind)
        {
            findings.push(brings(scene, mention, carrier, &named(mention), &mention.tool));
        }
        for carried in &scene.tool(&mention.tool).carries {
            if acts(scene.tool(&carried.tool).kind) && !is_mentioned(scene, mention, &carried.tool) {
                findings.push(brings(scene, mention, &mention.package.name, carried.tool.as_str(), &carried.tool));
            }
        }
    }
    findings
}

/// Whether a tool does something by itself; a library does what its program says.
fn acts(kind: Kind) -> bool {
    matches!(kind, Kind::Cli | Kind::Ide | Kind::IdeExtension | Kind::McpServer)
}

/// Whether what a package brings is a mention of its own, which says more: its version, or that nobody chose one.
fn is_mentioned(scene: &Scene<'_>, carrier: &Mention, tool: &ToolId) -> bool {
    scene.judgements.iter().any(|judgement| match &judgement.item {
        Item::Mention(brought) => {
            brought.tool == *tool
                && brought.location == carrier.location
                && brought.brought_by.first().is_some_and(|by| by.starts_with(&carrier.package.name))
        }
        Item::Sighting(_) => false,
    })
}

fn named(mention: &Mention) -> String {
    match &mention.request {
        Request::Exact(version) => format!("{} {version}", mention.tool),
        Request::Floating { .. } => mention.tool.to_string(),
    }
}

fn brings<'a>(scene: &Scene<'a>, mention: &Mention, carrier: &str, what: &str, tool: &ToolId) -> Weighed<'a> {
    let message = format!("it brings {what}: who installs it gets that tool, too");
    let mut weighed = scene.weigh(Levelled::Carrier, true, (carrier.to_owned(), message), Some(place_of_mention(mention)));
    weighed.finding.tool = Some(tool.clone());
    let name = &scene.policy.manifest().header.name;
    weighed.finding.help = vec![Help::note(format!("ask a signer of {name} to look at {what}, or do without {carrier}"))];
    weighed
}
