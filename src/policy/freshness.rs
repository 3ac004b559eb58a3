//! Until when documents may be used: fresh, in grace, or stale (`docs/manifest.md`, "Freshness").

use super::Policy;
use jiff::{SignedDuration, Timestamp};

/// By how much the clock may be behind the latest time that a document stated.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// One of the documents that grow old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `vetted-trust.toml`.
    Trust,
    /// `vetted.toml`.
    Manifest,
    /// `vetted-revocations.toml`.
    Revocations,
}

/// How far the documents of a policy may still be used. Revocations count in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// None has expired.
    Fresh,
    /// One has expired, this machine knew it before, and the grace is not over: approvals still count.
    Grace {
        /// Which.
        document: Document,
        /// When it expired.
        expired: Timestamp,
        /// When the grace ends.
        until: Timestamp,
    },
    /// One has expired for good: nothing is approved.
    Stale {
        /// Which.
        document: Document,
        /// When it expired.
        expired: Timestamp,
    },
    /// The clock is behind a time that a believed document stated: whether one has expired cannot be known.
    ClockBehind {
        /// The time that was stated.
        latest: Timestamp,
    },
}

impl Document {
    /// The word in reports for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Manifest => "manifest",
            Self::Revocations => "revocations",
        }
    }

    /// The name of its file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Trust => "vetted-trust.toml",
            Self::Manifest => "vetted.toml",
            Self::Revocations => "vetted-revocations.toml",
        }
    }
}

impl Freshness {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Grace { .. } => "grace",
            Self::Stale { .. } => "stale",
            Self::ClockBehind { .. } => "clock-behind",
        }
    }

    /// Whether approvals and waivers count.
    #[must_use]
    pub fn approves(self) -> bool {
        matches!(self, Self::Fresh | Self::Grace { .. })
    }
}

/// The worst of what holds for the documents of a policy.
pub(super) fn of(policy: &Policy, clock: Timestamp) -> Freshness {
    if let Some(latest) = policy.memory.latest
        && latest.duration_since(clock) > CLOCK_SKEW
    {
        return Freshness::ClockBehind { latest };
    }
    // An expired trust policy vouches for nobody: what its signers refuse may still be refused, nothing may be approved.
    if let Some(expired) = policy.memory.trust_expired {
        return Freshness::Stale { document: Document::Trust, expired };
    }
    let now = policy.instant(clock);
    let manifest = (Document::Manifest, policy.manifest().header.expires, policy.memory.manifest);
    let revocations = policy.revocations_document().map(|r| (Document::Revocations, r.header.expires, policy.memory.revocations));
    let mut worst = Freshness::Fresh;
    for (document, expired, known) in [Some(manifest), revocations].into_iter().flatten() {
        if now < expired {
            continue;
        }
        // At the end of the calendar there is no grace left to give.
        let until = expired.checked_add(policy.manifest().grace).unwrap_or(expired);
        if !known || now >= until {
            return Freshness::Stale { document, expired };
        }
        let sooner = match worst {
            Freshness::Grace { until: other, .. } => until < other,
            _ => true,
        };
        if sooner {
            worst = Freshness::Grace { document, expired, until };
        }
    }
    worst
}
