//! Which version may be written in the place of what a repository file asks for.
//!
//! A version counts where the decision itself would approve a file that asked for it here, now and under every layer. One is chosen
//! only where the policy leaves no choice: exactly one version counts, exactly one of those that count lies in the range that stands
//! there, or the revocation names the version to use instead. Among several nothing is chosen, because a newer one is not a better
//! one and an older one may lack what the project needs.

use super::decide::rule;
use super::rules::Case;
use super::rules::mismatched::releases;
use super::verdict::{Effect, Item, Judgement, Verdict};
use super::{Code, Finding, Help, Place, Policy, Report};
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{Evidence, Integrity, Mention, Request};
use crate::source::Location;
use crate::tool::{Ecosystem, Package, Platform, ToolId};
use crate::version::{Scheme, Version};
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

/// So many versions are looked for; a choice among more is none all the same.
const MAX_VERSIONS: usize = 16;
/// So many places of lock files are looked at for one package.
const MAX_ANSWERS: usize = 64;

/// What may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This version, and no other.
    One(String),
    /// One of these: a person has to choose. The first of them, where they are many.
    Several(Vec<String>),
    /// No version is approved here.
    Nothing,
}

/// What a choice depends on.
#[derive(Debug, Clone, Copy)]
pub struct Pinning<'a> {
    /// The policy in force, with what was verified of the evidence of [`Pinning::possible`].
    pub policy: &'a Policy,
    /// Which tools exist.
    pub catalogue: &'a Catalogue,
    /// The platform whose artifacts apply.
    pub platform: &'a Platform,
    /// What the clock of this machine shows.
    pub clock: Timestamp,
}

/// A mention in whose place another version is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Unfit<'a> {
    /// What the file asks for.
    pub mention: &'a Mention,
    /// The revocation that covers it, where one does.
    pub revocation: Option<&'a str>,
}

/// The mentions in whose place another version is wanted: ranges that no lock file answers, and exact versions that are revoked or
/// unvetted and do not simply pass.
///
/// A range that is locked to such a version is one of them too: the lock file is made from it.
#[must_use]
pub fn unfit<'a>(report: &'a Report, evidence: &'a Evidence) -> Vec<Unfit<'a>> {
    let bad: Vec<Unfit<'a>> = report.verdicts.iter().filter_map(unfit_version).collect();
    let mut by_package: BTreeMap<&Package, Vec<Unfit<'a>>> = BTreeMap::new();
    for one in &bad {
        let known = by_package.entry(&one.mention.package).or_default();
        if known.len() < MAX_ANSWERS {
            known.push(*one);
        }
    }
    let floating = evidence.mentions.iter().filter_map(|mention| {
        let Request::Floating { locked, .. } = &mention.request else { return None };
        if !locked {
            return Some(Unfit { mention, revocation: None });
        }
        let answers = |lock: &&Unfit<'a>| {
            let folder = lock.mention.location.path.parent();
            lock.mention.location.path != mention.location.path
                && folder.is_some_and(|folder| mention.location.path.starts_with(folder))
        };
        let lock = by_package.get(&mention.package)?.iter().find(answers)?;
        Some(Unfit { mention, revocation: lock.revocation })
    });
    let floating: Vec<Unfit<'a>> = floating.collect();
    bad.into_iter().chain(floating).collect()
}

fn unfit_version(judgement: &Judgement) -> Option<Unfit<'_>> {
    let Item::Mention(mention) = &judgement.item else { return None };
    let revocation = match &judgement.verdict {
        Verdict::Revoked { id, .. } => Some(id.as_str()),
        // What waits for its age is approved: it is waited for, and nothing else is written.
        Verdict::Unvetted { cooling: None, .. } => None,
        _ => return None,
    };
    let is_exact = matches!(mention.request, Request::Exact(_));
    (is_exact && judgement.effect > Effect::Pass).then_some(Unfit { mention, revocation })
}

impl Pinning<'_> {
    /// What the file would ask for with each version that may come to be chosen, as far as can be said before the evidence that
    /// approvals name was verified: what has to be verified.
    #[must_use]
    pub fn possible(&self, mention: &Mention) -> Vec<Mention> {
        let counts = |verdict: &Verdict| matches!(verdict, Verdict::Approved(_) | Verdict::Unattested(_));
        let mut possible = self.versions(mention, &counts, None);
        if let Some(range) = Range::of(mention) {
            for pin in self.versions(mention, &counts, Some(&range)) {
                if !possible.contains(&pin) {
                    possible.push(pin);
                }
            }
        }
        possible
    }

    /// The version to write in the place of what a mention asks for.
    #[must_use]
    pub fn choice(&self, unfit: Unfit<'_>) -> Choice {
        let counts = |verdict: &Verdict| matches!(verdict, Verdict::Approved(_));
        let all = texts(&self.versions(unfit.mention, &counts, None));
        match all.as_slice() {
            [] => return Choice::Nothing,
            [one] => return Choice::One(one.clone()),
            _ => {}
        }
        let replacement = unfit.revocation.and_then(|id| self.replacement(id, &unfit.mention.tool));
        if let Some(version) = replacement
            && let Some(pin) = self.pin(unfit.mention, &version)
            && counts(&self.verdict(&pin))
        {
            return Choice::One(version);
        }
        let Some(range) = Range::of(unfit.mention) else { return Choice::Several(all) };
        let mut within = texts(&self.versions(unfit.mention, &counts, Some(&range)));
        match within.len() {
            0 => Choice::Several(all),
            1 => Choice::One(within.remove(0)),
            _ => Choice::Several(within),
        }
    }

    /// The version of the same tool that a revocation names as its replacement.
    fn replacement(&self, id: &str, tool: &ToolId) -> Option<String> {
        let mut named = self.policy.revocations().filter(|(revocation, _)| revocation.id == id);
        let replacement = named.find_map(|(revocation, _)| revocation.replacement.as_ref())?;
        replacement.version.clone().filter(|_| replacement.tool == *tool)
    }

    /// The mention with each approved version in its place whose verdict counts, at most [`MAX_VERSIONS`] of them.
    fn versions(&self, mention: &Mention, counts: &dyn Fn(&Verdict) -> bool, range: Option<&Range>) -> Vec<Mention> {
        let entries = self.policy.manifest().tools.iter().filter(|entry| entry.id == mention.tool);
        let mut seen = BTreeSet::new();
        let pins = entries.flat_map(|entry| entry.approvals.versions()).filter(|version| seen.insert((*version).to_owned()));
        let within = pins.filter(|version| range.is_none_or(|range| range.holds(version)));
        let pins = within.filter_map(|version| self.pin(mention, version));
        pins.filter(|pin| counts(&self.verdict(pin))).take(MAX_VERSIONS).collect()
    }

    /// The mention with this version in its place; none where its ecosystem orders versions and cannot read this one.
    fn pin(&self, mention: &Mention, version: &str) -> Option<Mention> {
        let version = Version::parse(mention.package.ecosystem.scheme(), version);
        let pin = Mention { request: Request::Exact(version.clone()), integrity: Integrity::none(), ..mention.clone() };
        let is_read = version.is_ordered() || pin.package.ecosystem.scheme() == Scheme::Opaque;
        (is_read && self.is_of_its_ecosystem(&pin)).then_some(pin)
    }

    /// Whether an approval of this version speaks of the ecosystem: one that names only packages of others approves another thing.
    fn is_of_its_ecosystem(&self, pin: &Mention) -> bool {
        let (item, tool) = (Item::Mention(pin.clone()), self.tool(&pin.tool));
        self.case(&item, &tool).approvals().into_iter().any(|approval| {
            let mut named = releases(approval).filter_map(|release| release.package.as_ref()).peekable();
            named.peek().is_none() || named.any(|named| named.package.ecosystem == pin.package.ecosystem)
        })
    }

    fn verdict(&self, pin: &Mention) -> Verdict {
        let (item, tool) = (Item::Mention(pin.clone()), self.tool(&pin.tool));
        rule(&self.case(&item, &tool)).verdict
    }

    fn tool(&self, id: &ToolId) -> Cow<'_, Tool> {
        self.catalogue.tool(id).map_or_else(|| Cow::Owned(Tool::unknown(id.clone())), Cow::Borrowed)
    }

    fn case<'c>(&'c self, item: &'c Item, tool: &'c Tool) -> Case<'c> {
        let (now, freshness) = (self.policy.instant(self.clock), self.policy.freshness(self.clock));
        Case { policy: self.policy, tool, item, platform: self.platform, now, clock: self.clock, freshness }
    }
}

fn texts(pins: &[Mention]) -> Vec<String> {
    let text = |pin: &Mention| match &pin.request {
        Request::Exact(version) => Some(version.as_str().to_owned()),
        Request::Floating { .. } => None,
    };
    pins.iter().filter_map(text).collect()
}

/// What a range lets through, as its ecosystem reads it.
enum Range {
    Npm(nodejs_semver::Range),
    Python(pep440_rs::VersionSpecifiers),
}

impl Range {
    /// The range that a mention asks for. None for a tag, and for what Poetry alone can read.
    fn of(mention: &Mention) -> Option<Self> {
        let Request::Floating { text, .. } = &mention.request else { return None };
        match mention.package.ecosystem {
            Ecosystem::Npm => nodejs_semver::Range::parse(text).ok().map(Self::Npm),
            Ecosystem::Pypi => pep440_rs::VersionSpecifiers::from_str(text).ok().map(Self::Python),
            _ => None,
        }
    }

    fn holds(&self, version: &str) -> bool {
        match self {
            Self::Npm(range) => nodejs_semver::Version::parse(version).is_ok_and(|version| range.satisfies(&version)),
            Self::Python(range) => pep440_rs::Version::from_str(version).is_ok_and(|version| range.contains(&version)),
        }
    }
}

/// A place where one version can be written with certainty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixable {
    /// Of which tool.
    pub tool: ToolId,
    /// Where.
    pub location: Location,
    /// What is written.
    pub version: String,
}

/// Say of every finding about such places that `vetted check --fix` does it, before everything else; where it does so at each of the
/// finding's places, alone.
pub fn point_to_fix(report: &mut Report, fixes: &[Fixable]) {
    for finding in &mut report.findings {
        let Some(version) = fixed_by(finding, fixes) else { continue };
        let is_whole = finding.places.iter().all(|place| fix_of(finding, place, fixes).is_some());
        if is_whole {
            finding.help.clear();
        }
        let note = format!("pins it to {version}, which is approved, and shows the change first");
        finding.help.insert(0, Help { note: Some(note), ..Help::command("vetted check --fix") });
    }
}

fn fixed_by<'f>(finding: &Finding, fixes: &'f [Fixable]) -> Option<&'f str> {
    let is_about_versions = matches!(
        finding.code,
        Code::FloatingVersion
            | Code::McpServerUnpinned
            | Code::UnvettedTool
            | Code::RevokedTool
            | Code::RevokedVendor
            | Code::RevokedModel
    );
    let first = finding.places.iter().find_map(|place| fix_of(finding, place, fixes)).filter(|_| is_about_versions)?;
    Some(&first.version)
}

fn fix_of<'f>(finding: &Finding, place: &Place, fixes: &'f [Fixable]) -> Option<&'f Fixable> {
    let Place::Repository { location, .. } = place else { return None };
    fixes.iter().find(|fix| Some(&fix.tool) == finding.tool.as_ref() && fix.location == *location)
}
