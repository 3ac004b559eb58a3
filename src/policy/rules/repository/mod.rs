//! What is to be said of repository content besides verdicts: one rule a file, each a pure function from what was observed to
//! findings, each with what it does to the run.
//!
//! A verdict says of a tool whether it may be here. These say what a file asks for, brings along or tells an AI tool to do, and
//! weigh what the organisation says (`docs/manifest.md`, "`[rules]`"). The outcome of a run is the strongest effect of both.

pub mod agent_command;
pub mod agent_permission;
pub mod base_url_redirected;
pub mod carrier;
mod directive;
pub mod floating_version;
pub mod hidden_text;
pub mod mcp_server_changed;
pub mod mcp_server_unapproved;
pub mod mcp_server_unpinned;
pub mod plugin_marketplace;
pub mod remote_mcp_endpoint;
pub mod revoked_trace;
pub mod unapproved_weights;
pub mod unused_approval;

use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{Evidence, Mention};
use crate::manifest::{Coverage, Levelled, Target};
use crate::policy::finding::{Code, Finding, Place, Severity};
use crate::policy::findings::observed;
use crate::policy::{Effect, Freshness, Judgement, Policy};
use crate::tool::ToolId;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a rule about repository content is given.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// Which tools exist.
    pub catalogue: &'a Catalogue,
    /// What was observed.
    pub evidence: &'a Evidence,
    /// What was decided about each tool.
    pub judgements: &'a [&'a Judgement],
    /// Approvals by tool and version that something here has the version of.
    pub met: &'a BTreeSet<(&'a ToolId, &'a str)>,
    /// The instant of the decision ([`Policy::instant`]).
    pub now: Timestamp,
    /// What the clock of this machine shows.
    pub clock: Timestamp,
    /// Until when the documents may be used.
    pub freshness: Freshness,
}

/// A finding with what it does to the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed<'a> {
    /// The finding.
    pub finding: Finding,
    /// What it does.
    pub effect: Effect,
    /// The waiver that lets it pass, where one does.
    pub waiver: Option<&'a str>,
}

/// Everything that the rules say, one finding for each cause with every place it shows.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let found = [
        revoked_trace::findings(scene),
        hidden_text::findings(scene),
        mcp_server_changed::findings(scene),
        mcp_server_unapproved::findings(scene),
        mcp_server_unpinned::findings(scene),
        remote_mcp_endpoint::findings(scene),
        base_url_redirected::findings(scene),
        agent_command::findings(scene),
        agent_permission::findings(scene),
        plugin_marketplace::findings(scene),
        carrier::findings(scene),
        floating_version::findings(scene),
        unused_approval::of_tools(scene),
        unused_approval::of_the_rest(scene),
    ];
    let mut all: Vec<Weighed<'a>> = Vec::new();
    for weighed in found.into_iter().flatten() {
        let cause = |w: &Weighed<'_>| (w.finding.code, w.finding.subject.clone(), w.finding.message.clone(), w.waiver.is_some());
        match all.iter_mut().find(|known| cause(known) == cause(&weighed)) {
            Some(known) => known.join(weighed),
            None => all.push(weighed),
        }
    }
    all
}

impl Weighed<'_> {
    /// The same cause at another place.
    fn join(&mut self, other: Self) {
        self.effect = self.effect.max(other.effect);
        self.finding.severity = self.finding.severity.max(other.finding.severity);
        for place in other.finding.places {
            if !self.finding.places.contains(&place) {
                self.finding.places.push(place);
            }
        }
        for help in other.finding.help {
            if !self.finding.help.contains(&help) {
                self.finding.help.push(help);
            }
        }
    }
}

impl<'a> Scene<'a> {
    /// A finding of a rule that has a level. `is_open` says whether newer documents could let it pass.
    #[must_use]
    pub fn weigh(&self, rule: Levelled, is_open: bool, what: (String, String), place: Option<Place>) -> Weighed<'a> {
        let weight = self.policy.weight(rule, self.now);
        let effect = self.policy.effect_of_level(weight.level, is_open, self.freshness);
        let (subject, message) = what;
        let finding = observed(Code::from(rule), Severity::from(effect), subject, message, place);
        let line = weight.rule(self.policy);
        let decided_by = line.is_some().then(|| weight.origin.authority(self.policy));
        Weighed { finding: Finding { level: Some(weight.level), rule: line, decided_by, ..finding }, effect, waiver: None }
    }

    /// The catalogue entry of a tool; one of an unknown vendor where no catalogue knows it.
    fn tool(&self, id: &ToolId) -> Cow<'a, Tool> {
        self.catalogue.tool(id).map_or_else(|| Cow::Owned(Tool::unknown(id.clone())), Cow::Borrowed)
    }

    /// Whether a revocation in force covers some version of what a mention asks for.
    fn some_version_is_revoked(&self, mention: &Mention) -> bool {
        let tool = self.tool(&mention.tool);
        let target = Target {
            tool: &tool.id,
            vendor: &tool.vendor,
            model: None,
            package: Some(&mention.package),
            version: None,
            scheme: mention.package.ecosystem.scheme(),
            digests: &[],
        };
        let mut in_force = self.policy.revocations().map(|(revocation, _)| revocation).filter(|r| r.effective <= self.now);
        in_force.any(|revocation| revocation.covers(&target) != Coverage::NotCovered)
    }

    /// Versions of a tool that are approved, in file order.
    fn approved_versions(&self, tool: &ToolId) -> Vec<&'a str> {
        let entries = self.policy.manifest().tools.iter().filter(|entry| entry.id == *tool);
        entries.flat_map(|entry| entry.approvals.versions()).collect()
    }
}
