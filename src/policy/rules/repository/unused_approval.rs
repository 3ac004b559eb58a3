//! Approvals that nothing here uses, where everything was looked at: a permission that nobody needs.

use super::{Scene, Weighed};
use crate::manifest::{Levelled, ToolEntry};
use crate::policy::Origin;
use crate::policy::verdict::{Item, Rule};
use crate::tool::ToolId;
use std::collections::BTreeSet;

/// One for each tool that is here in other versions than those that are approved besides.
#[must_use]
pub fn of_tools<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    if !scene.evidence.is_whole {
        return Vec::new();
    }
    let here = here(scene);
    let entries = scene.policy.manifest().tools.iter().filter(|entry| here.contains(&entry.id));
    entries.filter_map(|entry| of_tool(scene, entry)).collect()
}

fn of_tool<'a>(scene: &Scene<'a>, entry: &'a ToolEntry) -> Option<Weighed<'a>> {
    let unused: BTreeSet<&str> =
        entry.approvals.versions().filter(|version| !scene.met.contains(&(&entry.id, *version))).collect();
    let first = entry.approvals.iter().find(|approval| unused.contains(approval.version.as_str()))?;
    let message = format!("approved and not used here: {}", list(unused.iter().copied()));
    let mut weighed = scene.weigh(Levelled::UnusedApproval, false, (entry.id.to_string(), message), None);
    weighed.finding.tool = Some(entry.id.clone());
    weighed.finding.rule = Some(Rule {
        layer: Origin::Manifest.layer(),
        path: Origin::Manifest.path(scene.policy).map(ToOwned::to_owned),
        line: Some(first.line),
        quote: None,
    });
    weighed.finding.decided_by = Some(scene.policy.authority());
    Some(weighed)
}

/// One for all tools of which nothing is here.
#[must_use]
pub fn of_the_rest<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    if !scene.evidence.is_whole {
        return Vec::new();
    }
    let here = here(scene);
    let entries = scene.policy.manifest().tools.iter().filter(|entry| !entry.approvals.is_empty() && !here.contains(&entry.id));
    let absent: BTreeSet<&str> = entries.map(|entry| entry.id.as_str()).collect();
    if absent.is_empty() {
        return Vec::new();
    }
    let message = format!("approved, and nothing of it is here: {}", list(absent.iter().copied()));
    let name = scene.policy.manifest().header.name.clone();
    vec![scene.weigh(Levelled::UnusedApproval, false, (name, message), None)]
}

fn here<'a>(scene: &Scene<'a>) -> BTreeSet<&'a ToolId> {
    let of_item = |item: &'a Item| match item {
        Item::Sighting(sighting) => &sighting.tool,
        Item::Mention(mention) => &mention.tool,
    };
    scene.judgements.iter().map(|judgement| of_item(&judgement.item)).collect()
}

/// The first few of many.
fn list<'t>(names: impl ExactSizeIterator<Item = &'t str>) -> String {
    const SHOWN: usize = 8;
    let rest = names.len().saturating_sub(SHOWN);
    let first: Vec<&str> = names.take(SHOWN).collect();
    if rest == 0 { first.join(", ") } else { format!("{} and {rest} more", first.join(", ")) }
}
