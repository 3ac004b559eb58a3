//! Levels: how much a rule about repository content weighs, and from when on (`docs/manifest.md`, "`[rules]`").
//!
//! A verdict has its effect by what was decided about a tool. What is found besides weighs what the organisation says: nothing for
//! now, a warning, a block, each from a date on if it likes, so that a rule can be announced before it stops anybody.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a rule weighs. Ordered from lenient to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is said and nothing more.
    Monitor,
    /// It is a warning.
    Warn,
    /// It blocks in enforce mode, and is a warning in monitor mode.
    Enforce,
}

impl Level {
    /// The word in documents and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! levelled {
    ($($variant:ident = $name:literal, $level:ident: $doc:literal),+ $(,)?) => {
        /// A finding that has a level. The name is the finding's code; what a document does not say of it is [`Levelled::default_level`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Levelled { $(#[doc = $doc] #[serde(rename = $name)] $variant),+ }
        impl Levelled {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The finding's code.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
            /// Its level where no document says one.
            #[must_use]
            pub fn default_level(self) -> Level { match self { $(Self::$variant => Level::$level),+ } }
        }
    };
}

levelled! {
    UnvettedTool = "unvetted-tool", Enforce: "A tool that no approval names. `enforce` is what `unlisted` says, and no level is more than that.",
    FloatingVersion = "floating-version", Warn: "A range or tag that no lock file answers.",
    Carrier = "carrier", Warn: "A package that brings an AI tool inside.",
    McpServerUnpinned = "mcp-server-unpinned", Warn: "An MCP server whose next start chooses its version.",
    McpServerChanged = "mcp-server-changed", Enforce: "An MCP server that is defined otherwise than it was approved.",
    McpServerUnapproved = "mcp-server-unapproved", Warn: "A local command that is started as MCP server.",
    RemoteMcpEndpoint = "remote-mcp-endpoint", Warn: "An MCP server on another machine.",
    AgentCommand = "agent-command", Warn: "A command that an AI tool runs by itself.",
    AgentPermission = "agent-permission", Warn: "A setting that lets an AI tool act without asking.",
    PluginMarketplace = "plugin-marketplace", Warn: "A place where an AI tool takes plugins from.",
    BaseUrlRedirected = "base-url-redirected", Warn: "An address in the place of the vendor's.",
    HiddenText = "hidden-text", Enforce: "Text that an AI tool reads and people do not see.",
    RevokedUse = "revoked-use", Enforce: "A commit that says it was made with something that is revoked.",
    UnapprovedWeights = "unapproved-weights", Warn: "Weights in the repository that no approval names.",
    UnusedApproval = "unused-approval", Monitor: "An approval that nothing here uses.",
}

impl Levelled {
    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

/// From when on a rule has which level. Levels only rise with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The level before any of the dates.
    pub first: Level,
    /// From when on it warns, where a date says so.
    pub warn: Option<Timestamp>,
    /// From when on it enforces, where a date says so.
    pub enforce: Option<Timestamp>,
}

impl Schedule {
    /// One level at all times.
    #[must_use]
    pub fn always(level: Level) -> Self {
        Self { first: level, warn: None, enforce: None }
    }

    /// The level at an instant.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Level {
        let since = |level: Level, from: Option<Timestamp>| from.filter(|from| *from <= now).map(|_| level);
        let dated = since(Level::Enforce, self.enforce).or_else(|| since(Level::Warn, self.warn));
        dated.map_or(self.first, |level| level.max(self.first))
    }

    /// Whether it is at no instant more lenient than another.
    #[must_use]
    pub fn is_at_least(&self, other: &Self) -> bool {
        let dates = [self.warn, self.enforce, other.warn, other.enforce];
        let mut instants = dates.into_iter().flatten().chain([Timestamp::MIN]);
        instants.all(|instant| self.at(instant) >= other.at(instant))
    }

    /// The next instant at which its level rises, and to which.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<(Timestamp, Level)> {
        let dates = [self.warn, self.enforce].into_iter().flatten().filter(|date| *date > now && self.at(*date) > self.at(now));
        dates.min().map(|date| (date, self.at(date)))
    }
}

/// As a document writes it: `warn`, `warn from 2026-12-01T00:00:00Z, enforce from 2027-01-01T00:00:00Z`.
impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if self.warn.is_none() && self.enforce.is_none() || self.first > Level::Monitor {
            parts.push(self.first.name().to_owned());
        }
        parts.extend(self.warn.map(|from| format!("warn from {from}")));
        parts.extend(self.enforce.map(|from| format!("enforce from {from}")));
        f.write_str(&parts.join(", "))
    }
}

/// What a document says of levels, by finding.
pub type Rules = BTreeMap<Levelled, Schedule>;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_level_rises_on_its_dates() {
        let (warn, enforce) = (at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let both = Schedule { first: Level::Monitor, warn: Some(warn), enforce: Some(enforce) };
        let expected = [
            ("2026-11-30T23:59:59Z", Level::Monitor),
            ("2026-12-01T00:00:00Z", Level::Warn),
            ("2026-12-31T23:59:59Z", Level::Warn),
            ("2027-01-01T00:00:00Z", Level::Enforce),
        ];
        for (instant, level) in expected {
            assert_eq!(both.at(at(instant)), level, "{instant}");
        }
        assert_eq!(both.next(at("2026-11-30T23:59:59Z")), Some((warn, Level::Warn)));
        assert_eq!(both.next(warn), Some((enforce, Level::Enforce)));
        assert_eq!(both.next(enforce), None);
        // Either date may be missing: then its level is left out.
        let only = Schedule { warn: None, ..both };
        assert_eq!((only.at(warn), only.at(enforce)), (Level::Monitor, Level::Enforce));
        let never = Schedule { enforce: None, ..both };
        assert_eq!((never.at(warn), never.at(Timestamp::MAX)), (Level::Warn, Level::Warn));
        assert_eq!(both.to_string(), "warn from 2026-12-01T00:00:00Z, enforce from 2027-01-01T00:00:00Z");
        assert_eq!(Schedule::always(Level::Warn).to_string(), "warn");
    }

    #[test]
    fn schedules_are_compared_at_every_instant() {
        let (early, late) = (at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let from = |enforce| Schedule { first: Level::Monitor, warn: None, enforce: Some(enforce) };
        assert!(from(early).is_at_least(&from(late)) && !from(late).is_at_least(&from(early)));
        assert!(Schedule::always(Level::Enforce).is_at_least(&from(early)));
        // One warns at once and never enforces, the other enforces later: neither is stricter at every time.
        let warns = Schedule::always(Level::Warn);
        assert!(!warns.is_at_least(&from(late)) && !from(late).is_at_least(&warns));
    }

    #[test]
    fn every_name_is_its_own_serde_form() {
        for rule in Levelled::ALL {
            assert_eq!(toml::Value::try_from(rule).unwrap().as_str(), Some(rule.name()));
            assert_eq!(Levelled::from_name(rule.name()), Some(*rule));
        }
    }
}
