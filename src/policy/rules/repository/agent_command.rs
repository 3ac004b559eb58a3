//! A command that an AI tool runs by itself: a hook, a status line, a helper that prints a key.

use super::directive::{Standing, standing, unapproved};
use super::{Scene, Weighed};
use crate::evidence::Told;
use crate::manifest::Levelled;

/// One for each command that no directive approves.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let told = scene.evidence.directives.iter().filter_map(|directive| match &directive.what {
        Told::Command { command, .. } => Some((directive, command)),
        _ => None,
    });
    told.filter(|(directive, _)| !matches!(standing(scene, directive), Standing::Approved))
        .map(|(directive, command)| unapproved(scene, Levelled::AgentCommand, directive, &format!("it runs `{command}`")))
        .collect()
}
