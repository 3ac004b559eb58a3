//! A place from which an AI tool takes plugins, which bring commands, hooks and servers along.

use super::directive::{Standing, standing, unapproved};
use super::{Scene, Weighed};
use crate::evidence::Told;
use crate::manifest::Levelled;

/// One for each place that no directive approves.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let told = scene.evidence.directives.iter().filter_map(|directive| match &directive.what {
        Told::Marketplace { from, .. } => Some((directive, from)),
        _ => None,
    });
    told.filter(|(directive, _)| !matches!(standing(scene, directive), Standing::Approved))
        .map(|(directive, from)| {
            unapproved(scene, Levelled::PluginMarketplace, directive, &format!("plugins come from `{from}`"))
        })
        .collect()
}
