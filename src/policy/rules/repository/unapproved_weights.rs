//! Weights that are kept in the repository, or pointed at, and that no approval names. The verdict stands among the others; what it
//! does to the run is said by a level of its own, because a repository holds weights for years before anybody asks for them.

use crate::evidence::Role;
use crate::manifest::Levelled;
use crate::policy::verdict::{Effect, Item, Verdict};
use crate::policy::{Freshness, Policy};
use jiff::Timestamp;

/// Whether an unvetted item is weights of the repository.
#[must_use]
pub fn is_about(item: &Item, verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unvetted { .. }) && matches!(item, Item::Mention(mention) if mention.role == Role::Weights)
}

/// What they do to the run.
#[must_use]
pub fn effect(policy: &Policy, now: Timestamp, freshness: Freshness) -> Effect {
    policy.effect_of_level(policy.level(Levelled::UnapprovedWeights, now), true, freshness)
}
