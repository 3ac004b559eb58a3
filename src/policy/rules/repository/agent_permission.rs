//! A setting that lets an AI tool act without asking, for everybody who checks the project out.

use super::directive::{Standing, standing, unapproved};
use super::{Scene, Weighed};
use crate::evidence::Told;
use crate::manifest::Levelled;

/// One for each setting that no directive approves.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let told = scene.evidence.directives.iter().filter_map(|directive| match &directive.what {
        Told::Permission { value, .. } => Some((directive, value)),
        _ => None,
    });
    told.filter(|(directive, _)| !matches!(standing(scene, directive), Standing::Approved))
        .map(|(directive, value)| unapproved(scene, Levelled::AgentPermission, directive, &format!("it is set to `{value}`")))
        .collect()
}
