//! What every document and layer says of one tool, and which of it decided: `vetted policy explain`.
//!
//! The judgement is that of [`decide()`]; nothing here decides a second time. What stands beside it is read from the same policy by the
//! same rules.

use super::findings::{cooling_why, day, severity_word};
use super::rules::mismatched::{Comparison, compare, compare_lock};
use super::rules::waived::{Standing, standing};
use super::rules::{Case, Lift, cooling, revoked, unattested};
use super::{Attestation, Freshness, Item, Judgement, Origin, Policy, Report, Rule, Verdict, decide, unlisted_of};
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{Evidence, Mention, Request};
use crate::manifest::layer::{Layer, Narrowing};
use crate::manifest::{
    Affected, Coverage, Level, Levelled, Lifts, Mode, Revocation, RuleLines, Rules, Subject, Unlisted, Waiver,
};
use crate::source::Location;
use crate::tool::{Ecosystem, Package, Platform, ToolId};
use crate::version::Version;
use jiff::Timestamp;
use std::borrow::Cow;
use std::path::PathBuf;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Which tool.
    pub tool: &'a ToolId,
    /// Which version; without one, whatever is here.
    pub version: Option<&'a str>,
}

/// One subject with its judgement and what every layer says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The judgement. None where nothing of the tool is here and no version was asked for.
    pub judgement: Option<Judgement>,
    /// Whether nothing of it is here: the judgement is that of a repository file that would ask for it.
    pub is_imagined: bool,
    /// Every document and layer, outermost first.
    pub layers: Vec<Said>,
}

/// What one document or layer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Which, in words: `acme.example/ai-tools 47 (alice, bob)`, `overlay eu`.
    pub layer: String,
    /// The same as a word for programs.
    pub name: &'static str,
    /// Its file; none for what is part of the program.
    pub path: Option<PathBuf>,
    /// Whether it is in force here.
    pub in_force: bool,
    /// What it says. Empty where it does not speak of the tool.
    pub statements: Vec<Statement>,
}

/// One thing that a layer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// In words.
    pub text: String,
    /// Where, in the file of the layer.
    pub line: Option<u32>,
    /// Whether it decided.
    pub decides: bool,
}

/// Everything that is here of a tool, or what a file that asks for it would meet, with what every layer says.
#[must_use]
pub fn account(
    policy: &Policy,
    catalogue: &Catalogue,
    (evidence, platform, clock): (&Evidence, &Platform, Timestamp),
    question: Question<'_>,
) -> Vec<Account> {
    let tool = catalogue.tool(question.tool).map_or_else(|| Cow::Owned(Tool::unknown(question.tool.clone())), Cow::Borrowed);
    let report = decide(policy, catalogue, evidence, platform, clock);
    let told = |report: &Report, is_imagined: bool| -> Vec<Account> {
        let asked = report.verdicts.iter().filter(|judgement| is_asked_for(&judgement.item, question, &tool));
        asked
            .map(|judgement| {
                let layers = Narrator::new(policy, &tool, platform, clock, &judgement.item).layers(Some(judgement));
                Account { judgement: Some(judgement.clone()), is_imagined, layers }
            })
            .collect()
    };
    let here = told(&report, false);
    if !here.is_empty() {
        return here;
    }
    let mention = imagined(&tool, question);
    let item = Item::Mention(mention.clone());
    let evidence = Evidence { mentions: vec![mention], ..Evidence::default() };
    let imagined = match question.version {
        Some(_) => told(&decide(policy, catalogue, &evidence, platform, clock), true),
        None => Vec::new(),
    };
    if !imagined.is_empty() {
        return imagined;
    }
    let layers = Narrator::new(policy, &tool, platform, clock, &item).layers(None);
    vec![Account { judgement: None, is_imagined: true, layers }]
}

fn is_asked_for(item: &Item, question: Question<'_>, tool: &Tool) -> bool {
    let (id, version) = match item {
        Item::Sighting(sighting) => (&sighting.tool, sighting.version.as_ref()),
        Item::Mention(Mention { tool, request: Request::Exact(version), .. }) => (tool, Some(version)),
        Item::Mention(mention) => (&mention.tool, None),
    };
    let same = |asked: &str| version.is_some_and(|v| v.as_str() == asked || *v == Version::parse(tool.scheme(), asked));
    *id == tool.id && question.version.is_none_or(same)
}

/// A repository file that asks for the tool, in the version that was asked for or in any.
#[must_use]
pub fn imagined(tool: &Tool, question: Question<'_>) -> Mention {
    let package = tool.packages().next().unwrap_or_else(|| Package::new(Ecosystem::Generic, tool.id.as_str()));
    let request = match question.version {
        Some(version) => Request::Exact(Version::parse(package.ecosystem.scheme(), version)),
        None => Request::Floating { text: "any version".to_owned(), locked: false },
    };
    let location = Location { path: PathBuf::new(), line: None };
    Mention {
        tool: tool.id.clone(),
        package,
        request,
        integrity: crate::evidence::Integrity::none(),
        location,
        brought_by: Vec::new(),
        role: crate::evidence::Role::Dependency,
        quote: None,
    }
}

/// Tells what each layer says of one subject.
struct Narrator<'a> {
    case: Case<'a>,
    lifted: Vec<Lift<'a>>,
}

impl<'a> Narrator<'a> {
    fn new(policy: &'a Policy, tool: &'a Tool, platform: &'a Platform, clock: Timestamp, item: &'a Item) -> Self {
        let (now, freshness) = (policy.instant(clock), policy.freshness(clock));
        let case = Case { policy, tool, item, platform, now, clock, freshness };
        Self { case, lifted: revoked::lifted(&case) }
    }

    fn layers(&self, judgement: Option<&Judgement>) -> Vec<Said> {
        let policy = self.case.policy;
        let rule = judgement.map(|j| &j.rule);
        let is_by_default = judgement.is_some_and(|j| matches!(j.verdict, Verdict::Unvetted { .. }));
        let is_expired = judgement.is_some_and(|j| matches!(j.verdict, Verdict::Expired(_)));
        let mut said = vec![self.of_manifest(rule, is_by_default, is_expired)];
        said.extend(self.of_revocations(rule));
        for overlay in &policy.manifest().overlays {
            let narrowing =
                Narrowing::of_overlay(Origin::Manifest.path(policy).map(ToOwned::to_owned).unwrap_or_default(), overlay);
            let in_force = policy.site().groups.contains(&overlay.group);
            said.push(self.of_layer(&narrowing, rule.filter(|_| in_force), is_by_default && in_force, in_force));
        }
        for narrowing in policy.layers().iter().filter(|narrowing| !narrowing.layer.is_of_manifest()) {
            said.push(self.of_layer(narrowing, rule, is_by_default, true));
        }
        said
    }

    fn of_manifest(&self, rule: Option<&Rule>, is_by_default: bool, is_expired: bool) -> Said {
        let (policy, manifest) = (self.case.policy, self.case.policy.manifest());
        let origin = Origin::Manifest;
        let mut said = self.said(policy.authority(), origin, true);
        let mut add = |text: String, line: Option<u32>| {
            let decides = line.is_some() && rule.is_some_and(|rule| rule.layer == origin.layer() && rule.line == line);
            said.statements.push(Statement { text, line, decides });
        };
        for approval in manifest.tools.iter().filter(|entry| entry.id == self.case.tool.id).flat_map(|entry| &entry.approvals) {
            add(format!("approves {}: {}", approval.version, self.approval(approval)), Some(approval.line));
        }
        for revocation in manifest.revocations.iter().filter(|r| self.speaks_of(r)) {
            add(self.revocation(revocation, origin), Some(revocation.line));
        }
        for waiver in manifest.waivers.iter().filter(|waiver| waiver.tool == self.case.tool.id) {
            add(self.waiver(waiver), Some(waiver.line));
        }
        if !self.case.freshness.approves() {
            said.statements.insert(0, Statement { text: self.stale(), line: None, decides: is_expired });
        }
        let rules = (Some(manifest.mode), Some(unlisted_of(manifest, self.case.tool.kind)));
        let decides = is_by_default && self.is_strictest(None);
        said.statements.extend(self.default_rules(rules, &manifest.lines, decides));
        said.statements.extend(self.level(&manifest.rules, &manifest.lines));
        said
    }

    fn of_revocations(&self, rule: Option<&Rule>) -> Option<Said> {
        let (policy, origin) = (self.case.policy, Origin::Revocations);
        let document = policy.revocations_document()?;
        let mut said = self.said(origin.authority(policy), origin, true);
        for revocation in document.revocations.iter().filter(|r| self.speaks_of(r)) {
            let line = Some(revocation.line);
            let decides = rule.is_some_and(|rule| rule.layer == origin.layer() && rule.line == line);
            said.statements.push(Statement { text: self.revocation(revocation, origin), line, decides });
        }
        Some(said)
    }

    fn of_layer(&self, narrowing: &Narrowing, rule: Option<&Rule>, is_by_default: bool, in_force: bool) -> Said {
        let (policy, origin) = (self.case.policy, Origin::Layer(narrowing));
        let mut said = self.said(narrowing.layer.to_string(), origin, in_force);
        if let Layer::Overlay { line, group } = &narrowing.layer
            && !in_force
        {
            let text = format!("not in force: this machine is not in the group {group}");
            said.statements.push(Statement { text, line: Some(*line), decides: false });
        }
        for revocation in narrowing.revocations.iter().filter(|r| self.speaks_of(r)) {
            let line = Some(revocation.line);
            let here = rule.is_some_and(|rule| rule.layer == origin.layer() && rule.path.as_deref() == origin.path(policy));
            let decides = here && rule.is_some_and(|rule| rule.line == line);
            said.statements.push(Statement { text: self.revocation(revocation, origin), line, decides });
        }
        let rules = (narrowing.mode, narrowing.unlisted.get(&self.case.tool.kind).copied());
        let decides = is_by_default && self.is_strictest(Some(&narrowing.layer));
        said.statements.extend(self.default_rules(rules, &narrowing.lines, decides));
        said.statements.extend(self.level(&narrowing.rules, &narrowing.lines));
        said.statements.extend(
            narrowing.without_effect.iter().filter(|what| what.contains(self.case.tool.id.as_str())).map(|what| Statement {
                text: format!("without effect in this layer: {what}"),
                line: None,
                decides: false,
            }),
        );
        said
    }

    fn said(&self, layer: String, origin: Origin<'_>, in_force: bool) -> Said {
        let path = origin.path(self.case.policy).map(ToOwned::to_owned);
        Said { layer, name: origin.layer(), path, in_force, statements: Vec::new() }
    }

    fn stale(&self) -> String {
        match self.case.freshness {
            Freshness::Stale { document, expired } => {
                format!("approves and waives nothing any more: {} expired on {}", document.file(), day(expired))
            }
            _ => "approves and waives nothing: the clock of this machine is behind".to_owned(),
        }
    }

    /// Whether a layer is the outermost one that makes the rule for unlisted tools as strict as it is; `None` is the manifest.
    fn is_strictest(&self, layer: Option<&Layer>) -> bool {
        let (policy, kind) = (self.case.policy, self.case.tool.kind);
        let in_force = (policy.mode(), policy.unlisted(kind));
        let mut so_far = (policy.manifest().mode, unlisted_of(policy.manifest(), kind));
        if so_far == in_force {
            return layer.is_none();
        }
        for narrowing in policy.layers() {
            let mode = narrowing.mode.map_or(so_far.0, |own| own.max(so_far.0));
            let unlisted = narrowing.unlisted.get(&kind).map_or(so_far.1, |own| (*own).max(so_far.1));
            so_far = (mode, unlisted);
            if so_far == in_force {
                return layer == Some(&narrowing.layer);
            }
        }
        false
    }

    /// What a layer says of everything that it does not name: its mode, and what becomes of an unlisted tool of this kind.
    fn default_rules(&self, rules: (Option<Mode>, Option<Unlisted>), lines: &RuleLines, decides: bool) -> Vec<Statement> {
        let kind = self.case.tool.kind;
        let mode = rules.0.map(|mode| match mode {
            Mode::Monitor => ("mode monitor".to_owned(), lines.mode),
            Mode::Enforce => ("mode enforce".to_owned(), lines.mode),
        });
        let rule = rules.1.map(|rule| {
            let word = match rule {
                Unlisted::Allow => "allow",
                Unlisted::Warn => "warn",
                Unlisted::Block => "block",
            };
            let line = lines.unlisted.get(&kind).copied();
            let unsaid = if line.is_none() { ", as where nothing is said of it" } else { "" };
            (format!("{word} an unlisted {kind}{unsaid}"), line)
        });
        mode.into_iter().chain(rule).map(|(text, line)| Statement { text, line, decides }).collect()
    }

    /// From when on a layer lets an unlisted tool weigh how much, where it says so.
    fn level(&self, rules: &Rules, lines: &RuleLines) -> Option<Statement> {
        let schedule = rules.get(&Levelled::UnvettedTool)?;
        let now = schedule.at(self.case.now);
        let most = match now {
            Level::Monitor => "an unlisted tool passes for now",
            Level::Warn => "an unlisted tool is a warning at most",
            Level::Enforce => "an unlisted tool is judged as the rule for it says",
        };
        let next =
            schedule.next(self.case.now).map(|(from, level)| format!("; {level} from {} on", day(from))).unwrap_or_default();
        let line = lines.rules.get(&Levelled::UnvettedTool).copied();
        Some(Statement { text: format!("level of unvetted-tool: {now}, {most}{next}"), line, decides: false })
    }

    /// Whether a revocation is about this tool, in this version or another, or about these bytes.
    fn speaks_of(&self, revocation: &Revocation) -> bool {
        let digests: Vec<_> = self.case.digests().collect();
        let whole = Revocation {
            affected: revocation.affected.iter().map(|a| Affected { subject: a.subject.clone(), ranges: Vec::new() }).collect(),
            ..revocation.clone()
        };
        let of_package =
            |a: &Affected| matches!(&a.subject, Subject::Package(p) if self.case.tool.packages().any(|own| own == *p));
        whole.covers(&self.case.target(&digests)) != Coverage::NotCovered || revocation.affected.iter().any(of_package)
    }

    fn revocation(&self, revocation: &Revocation, origin: Origin<'_>) -> String {
        let digests: Vec<_> = self.case.digests().collect();
        let what = match revocation.covers(&self.case.target(&digests)) {
            Coverage::Covered(_) => "covers it",
            Coverage::Unknown => "may cover it: its version is not known",
            Coverage::NotCovered => "does not cover this version",
        };
        let policy = self.case.policy;
        let ended = policy.manifest().withdrawn.iter().find(|w| origin.is_of_organisation() && w.id == revocation.id);
        let lift = self.lifted.iter().find(|l| std::ptr::eq(l.revocation, revocation));
        let but = if let Some(ended) = ended {
            format!("; withdrawn in line {} of the manifest: {}", ended.line, ended.reason)
        } else if let Some(lift) = lift {
            format!("; lifted by the waiver {} in line {} of the manifest", lift.waiver.id, lift.waiver.line)
        } else if revocation.effective > self.case.now {
            format!("; begins on {}", day(revocation.effective))
        } else {
            String::new()
        };
        format!("{}, {}: {what}{but}", revocation.id, severity_word(revocation.severity))
    }

    fn waiver(&self, waiver: &Waiver) -> String {
        let lifts: Vec<&str> = waiver.lifts.iter().map(Lifts::word).collect();
        let how = match standing(&self.case, waiver) {
            Standing::Holds => format!("holds here until {}", day(waiver.expires)),
            Standing::OtherTool => "is for another tool".to_owned(),
            Standing::OtherVersion => "is for other versions".to_owned(),
            Standing::OtherBytes => "is for other files".to_owned(),
            Standing::NotBegun => format!("begins on {}", day(waiver.starts)),
            Standing::Over => format!("ended on {}", day(waiver.expires)),
            Standing::OutOfScope => "does not hold here: this repository, machine or file is outside of its scope".to_owned(),
        };
        format!("waiver {} of {}: {how}", waiver.id, lifts.join(", "))
    }

    fn approval(&self, approval: &crate::manifest::Approval) -> String {
        let case = &self.case;
        let same = case.version().is_some_and(|version| Version::parse(case.scheme(), &approval.version) == *version);
        if !same {
            return "another version".to_owned();
        }
        let of_bytes = match (case.mention(), case.sighting()) {
            (Some(mention), _) => match compare_lock(&[approval], mention) {
                Ok(()) => "the lock's integrity is the approved release",
                Err(Some(_)) => return "the lock's integrity is not the approved release".to_owned(),
                Err(None) => "the version is approved; what gets installed is compared by digest",
            },
            (_, Some(sighting)) => match compare(approval, sighting, case.platform) {
                Comparison::Equal => "every pinned digest is equal",
                Comparison::Different(mismatch) => return mismatch.to_string(),
                Comparison::Unmeasured(_) => return "what it pins could not be measured".to_owned(),
                Comparison::NotApplicable => return "for another platform or installer".to_owned(),
            },
            (None, None) => return "for another platform or installer".to_owned(),
        };
        let attested = match unattested::attestation(case, approval) {
            Ok(Attestation::None) => "without attestation".to_owned(),
            Ok(_) => "its attestations were verified".to_owned(),
            Err(why) => why.to_string(),
        };
        match cooling::of(case, approval) {
            Some(cooling) => format!("{of_bytes}; {attested}; {}", cooling_why(cooling)),
            None => format!("{of_bytes}; {attested}"),
        }
    }
}
