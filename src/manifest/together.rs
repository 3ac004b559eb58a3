//! What is wrong with documents of which each is valid alone: they contradict one another, refer to what is not there, or will end.
//!
//! Pure, and without belief: it is asked before anybody signs. What clients refuse is an error here, with the same rule behind it.

use super::difference::{DocumentKind, Documents};
use super::edit::text::place_of;
use super::trust_policy::{Role, TrustPolicy};
use super::{
    Attestor, Header, Levelled, Lifts, Manifest, Mode, Overlay, Problem, Revocation, Revocations, Rules, Schedule, Severity,
    Unlisted, Weight, duration,
};
use crate::digest::Digest;
use crate::source::SourceFile;
use crate::text::printable;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::ops::Range;

/// A document that ends within this time is mentioned.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A key that ends within this time is mentioned: a new version of the trust policy takes people.
const KEY_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The Sigstore instances whose trusted roots are part of this program.
pub const BUILT_IN_INSTANCES: [&str; 2] = ["sigstore-public-good", "github"];

/// One thing that is wrong, in one of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub document: DocumentKind,
    /// How much it weighs.
    pub weight: Weight,
    /// What and where.
    pub problem: Problem,
}

/// The texts of the documents, as far as they are there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'a> {
    /// `vetted-trust.toml`.
    pub trust: Option<&'a SourceFile>,
    /// `vetted.toml`.
    pub manifest: Option<&'a SourceFile>,
    /// `vetted-revocations.toml`.
    pub revocations: Option<&'a SourceFile>,
}

impl<'a> Texts<'a> {
    /// The text of one document.
    #[must_use]
    pub fn of(&self, document: DocumentKind) -> Option<&'a SourceFile> {
        match document {
            DocumentKind::Trust => self.trust,
            DocumentKind::Manifest => self.manifest,
            DocumentKind::Revocations => self.revocations,
        }
    }
}

/// Everything that is wrong with documents together, in the order of the documents and of their lines.
#[must_use]
pub fn look(documents: &Documents<'_>, texts: &Texts<'_>, now: Timestamp) -> Vec<Remark> {
    let mut looking = Looking { documents, texts, now, remarks: Vec::new() };
    if let Some(trust) = documents.trust {
        looking.trust(trust);
    }
    if let Some(manifest) = documents.manifest {
        looking.header(DocumentKind::Manifest, &manifest.header);
        looking.manifest(manifest);
    }
    if let Some(revocations) = documents.revocations {
        looking.header(DocumentKind::Revocations, &revocations.header);
        looking.revocations(revocations);
    }
    let mut remarks = looking.remarks;
    remarks.sort_by_key(|remark| (remark.document, remark.problem.span.start, std::cmp::Reverse(remark.weight)));
    remarks
}

/// The bytes of a line, without what is blank at its ends: for entries of which only the line is known.
#[must_use]
pub fn line_span(text: &str, line: u32) -> Range<usize> {
    let mut start = 0;
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            let from = start + (content.len() - content.trim_start().len());
            return from..start + content.trim_end().len();
        }
        start += content.len();
    }
    0..0
}

struct Looking<'a> {
    documents: &'a Documents<'a>,
    texts: &'a Texts<'a>,
    now: Timestamp,
    remarks: Vec<Remark>,
}

impl Looking<'_> {
    fn at(&mut self, document: DocumentKind, span: Range<usize>, weight: Weight, message: String, help: Option<&str>) {
        let help = help.map(str::to_owned);
        self.remarks.push(Remark { document, weight, problem: Problem { message, span, help } });
    }

    fn key(&mut self, document: DocumentKind, path: &[&str], weight: Weight, message: String, help: Option<&str>) {
        let span = self.texts.of(document).map_or(0..0, |source| place_of(&source.text, path));
        self.at(document, span, weight, message, help);
    }

    fn line(&mut self, document: DocumentKind, line: u32, weight: Weight, message: String, help: Option<&str>) {
        let span = self.texts.of(document).map_or(0..0, |source| line_span(&source.text, line));
        self.at(document, span, weight, message, help);
    }

    /// Name and end of a document with a serial.
    fn header(&mut self, document: DocumentKind, header: &Header) {
        if let Some(trust) = self.documents.trust
            && trust.name != header.name
        {
            let message = format!("this policy is called `{}`, and the trust policy `{}`", header.name, trust.name);
            self.key(document, &["name"], Weight::Error, message, Some("all documents of a policy have one name"));
        }
        let lives = header.expires.duration_since(header.issued);
        let left = header.expires.duration_since(self.now);
        let help = Some("`vetted sign --renew` makes the next issue");
        if left <= SignedDuration::ZERO {
            let message = format!("the document expired at {}: it approves nothing new", header.expires);
            self.key(document, &["expires"], Weight::Warning, message, help);
        } else if left < SOON && (lives > SOON || left < lives / 4) {
            let message = format!("the document expires in {}", rounded(left));
            self.key(document, &["expires"], Weight::Note, message, help);
        }
    }

    fn trust(&mut self, trust: &TrustPolicy) {
        let document = DocumentKind::Trust;
        let left = trust.expires.duration_since(self.now);
        let help = Some("`vetted trust next` begins the next version");
        if left <= SignedDuration::ZERO {
            let message = format!("the trust policy expired at {}: it vouches for nobody", trust.expires);
            self.key(document, &["expires"], Weight::Warning, message, help);
        } else if left < SOON {
            self.key(document, &["expires"], Weight::Note, format!("the trust policy expires in {}", rounded(left)), help);
        }
        for (role, holders) in &trust.roles {
            let lives = |id: &&String| {
                trust.signers.get(*id).is_some_and(|signer| {
                    !signer.identities.is_empty() || signer.keys.iter().any(|key| key.not_after.is_none_or(|end| end > self.now))
                })
            };
            let able = holders.signers.iter().filter(lives).count();
            if able < holders.threshold {
                let message = format!(
                    "the role `{}` needs {} signatures and only {able} of its holders have a key that has not ended",
                    role.name(),
                    holders.threshold
                );
                self.key(document, &["role", role.name()], Weight::Error, message, help);
            }
        }
        for signer in trust.signers.values() {
            for end in signer.keys.iter().filter_map(|key| key.not_after) {
                let left = end.duration_since(self.now);
                if left <= SignedDuration::ZERO {
                    let message = format!("a key of {} ended at {end}: what it signed counts no more", signer.id);
                    self.key(document, &["signer"], Weight::Warning, message, help);
                } else if left < KEY_SOON {
                    let message = format!("a key of {} ends in {}", signer.id, rounded(left));
                    self.key(document, &["signer"], Weight::Note, message, help);
                }
            }
            if !trust.roles.values().any(|holders| holders.signers.contains(&signer.id)) {
                let message = format!("{} holds no role", signer.id);
                self.key(document, &["signer"], Weight::Note, message, None);
            }
        }
        let has_role = trust.roles.contains_key(&Role::Revocations);
        if self.documents.manifest.is_some() && has_role && self.documents.revocations.is_none() {
            let message = "the role `revocations` is given, and there is no vetted-revocations.toml".to_owned();
            let help = "clients refuse a policy without it; `vetted revoke` makes it, or take the role away";
            self.key(document, &["role", "revocations"], Weight::Error, message, Some(help));
        }
    }

    fn manifest(&mut self, manifest: &Manifest) {
        let document = DocumentKind::Manifest;
        if let Some(trust) = self.documents.trust {
            let limit = trust.waiver_limit;
            for waiver in manifest.waivers_longer_than(limit) {
                let runs = rounded(waiver.expires.duration_since(waiver.starts));
                let most = duration::written(limit);
                let message =
                    format!("the waiver `{}` runs for {runs}; the trust policy lets one run for at most {most}", waiver.id);
                let help = "end it sooner, or change `[role.waivers] max-duration` of vetted-trust.toml";
                self.line(document, waiver.line, Weight::Error, message, Some(help));
            }
        }
        self.waivers(manifest);
        let known = self.known_ids();
        let written = self.written_ids();
        for withdrawn in manifest.withdrawn.iter().filter(|w| !known.contains(&w.id) && !written.contains(&w.id)) {
            let message = format!("no revocation here has the id `{}`", withdrawn.id);
            let help = "where it was removed after it was withdrawn, this entry still keeps machines from missing it";
            self.line(document, withdrawn.line, Weight::Note, message, Some(help));
        }
        self.levels(manifest);
        self.attestations(manifest);
        self.approvals(manifest);
        for overlay in manifest.overlays.iter().filter(|overlay| !has_effect(overlay, manifest)) {
            let message = format!("the overlay for `{}` says nothing that the manifest does not say", overlay.group);
            self.line(
                document,
                overlay.line,
                Weight::Warning,
                message,
                Some("an overlay narrows: `mode`, `unlisted`, `cooldown`, `rules`, revocations"),
            );
        }
    }

    /// Rules that weigh less than where nothing is said of them: worth knowing before it is signed.
    fn levels(&mut self, manifest: &Manifest) {
        for (rule, schedule) in &manifest.rules {
            let (level, usual) = (schedule.at(self.now), rule.default_level());
            if level >= usual {
                continue;
            }
            let until = schedule.next(self.now).map(|(from, next)| format!(" until {from}, then `{next}`")).unwrap_or_default();
            let message = format!("`{}` is `{level}`{until}; without this line it is `{usual}`", rule.name());
            let line = manifest.lines.rules.get(rule).copied().unwrap_or_default();
            self.line(DocumentKind::Manifest, line, Weight::Note, message, None);
        }
    }

    /// Attestation policies that can never hold, or hold for more than they seem to.
    fn attestations(&mut self, manifest: &Manifest) {
        let document = DocumentKind::Manifest;
        for policy in &manifest.attestations {
            let is_known = BUILT_IN_INSTANCES.contains(&policy.instance.as_str());
            if let Some(trust) = self.documents.trust
                && !is_known
                && !trust.instances.contains_key(&policy.instance)
            {
                let message = format!("no [[instance]] of vetted-trust.toml has the id `{}`", policy.instance);
                let help = "without its trusted root nothing verifies; built in are `sigstore-public-good` and `github`";
                self.line(document, policy.line, Weight::Error, message, Some(help));
            }
            let Attestor::Identity { .. } = policy.by else { continue };
            if policy.source_id.is_none() && policy.owner_id.is_none() {
                let message = format!("`{}` names nobody by number", policy.id);
                let help = "a name that is deleted and registered again is somebody else's: pin `source-id` or `owner-id`";
                self.line(document, policy.line, Weight::Note, message, Some(help));
            }
        }
    }

    /// Approvals that do not count, or not yet.
    fn approvals(&mut self, manifest: &Manifest) {
        let document = DocumentKind::Manifest;
        for (tool, approval) in manifest.tools.iter().flat_map(|tool| tool.approvals.iter().map(move |a| (tool, a))) {
            let named = format!("{} {}", tool.id, approval.version);
            let has_evidence = approval.releases().next().is_some() && approval.releases().all(|r| !r.evidence.is_empty());
            if !tool.require.is_empty() && !has_evidence {
                let message =
                    format!("{named} can never hold: `require` asks for attestations, and a release of it has no `evidence`");
                let help = format!("`vetted approve {}@{} --from ...` writes it down", tool.id, approval.version);
                self.line(document, approval.line, Weight::Warning, message, Some(&help));
            }
            if manifest.cooldown.is_zero() {
                continue;
            }
            match approval.cools_from().map(|from| from.checked_add(manifest.cooldown)) {
                None => {
                    let message = format!("{named} never counts: nothing says when its cooldown began");
                    let help = "write down when it was `released`, or when it was `approved`";
                    self.line(document, approval.line, Weight::Warning, message, Some(help));
                }
                Some(Ok(until)) if until <= self.now => {}
                Some(until) => {
                    let until = until.unwrap_or(Timestamp::MAX);
                    let message =
                        format!("{named} counts from {until} on: the cooldown is {}", duration::written(manifest.cooldown));
                    let help = "until then a waiver of `unvetted` lets it pass";
                    self.line(document, approval.line, Weight::Note, message, Some(help));
                }
            }
        }
    }

    fn waivers(&mut self, manifest: &Manifest) {
        let document = DocumentKind::Manifest;
        let known = self.known_ids();
        for waiver in &manifest.waivers {
            for lift in &waiver.lifts {
                let Lifts::Revocation(id) = lift else { continue };
                if manifest.withdrawn.iter().any(|w| w.id == *id) {
                    let message = format!("the waiver `{}` lifts `{id}`, which is withdrawn", waiver.id);
                    self.line(document, waiver.line, Weight::Note, message, Some("it can be removed"));
                } else if self.is_critical(id) {
                    let message = format!("the waiver `{}` lifts `{id}`, which is critical: no waiver lifts it", waiver.id);
                    self.line(document, waiver.line, Weight::Error, message, None);
                } else if !known.contains(id) {
                    let message = format!("the waiver `{}` lifts `{id}`, and no revocation here has that id", waiver.id);
                    self.line(document, waiver.line, Weight::Warning, message, Some("correct the id, or remove it"));
                }
            }
            if waiver.expires <= self.now {
                let message = format!("the waiver `{}` ended at {}", waiver.id, waiver.expires);
                self.line(document, waiver.line, Weight::Note, message, Some("it can be removed"));
            }
        }
    }

    fn revocations(&mut self, revocations: &Revocations) {
        let document = DocumentKind::Revocations;
        if let Some(trust) = self.documents.trust
            && !trust.roles.contains_key(&Role::Revocations)
        {
            let message = "vetted-trust.toml gives nobody the role `revocations`".to_owned();
            let help = "clients refuse a document that nobody may sign; give somebody the role, or remove the file";
            self.key(document, &["kind"], Weight::Error, message, Some(help));
        }
        self.beacon(revocations);
        let Some(manifest) = self.documents.manifest else { return };
        let long_lived: BTreeSet<&str> = all_of(manifest).map(|r| r.id.as_str()).collect();
        for revocation in &revocations.revocations {
            if manifest.withdrawn.iter().any(|w| w.id == revocation.id) {
                let message = format!("`{}` is withdrawn by the manifest and has no effect", revocation.id);
                self.line(document, revocation.line, Weight::Note, message, Some("it can be removed"));
            } else if long_lived.contains(revocation.id.as_str()) {
                let message = format!("`{}` stands in vetted.toml, too", revocation.id);
                self.line(document, revocation.line, Weight::Note, message, Some("both have effect; one is enough"));
            }
        }
    }

    /// What the revocations say of the newest manifest.
    fn beacon(&mut self, revocations: &Revocations) {
        let document = DocumentKind::Revocations;
        let (Some(manifest), Some(text)) = (self.documents.manifest, self.texts.manifest) else { return };
        let (named, found) = (revocations.manifest.serial, manifest.header.serial);
        if found < named {
            let message = format!("the manifest beside it has the serial {found}, and {named} is named as the newest");
            let help = "clients refuse a manifest that is older than the one named";
            self.key(document, &["manifest"], Weight::Error, message, Some(help));
        } else if found > named {
            let message = format!("the manifest beside it has the serial {found}, and {named} is named as the newest");
            let help = "once that manifest is signed: `vetted sign --renew vetted-revocations.toml`";
            self.key(document, &["manifest"], Weight::Note, message, Some(help));
        } else if Digest::sha256_of(text.text.as_bytes()) != revocations.manifest.sha256 {
            let message = format!("another manifest with the serial {found} is named as the newest");
            let help = "clients refuse two manifests with one serial: count up the serial of the one that was changed";
            self.key(document, &["manifest"], Weight::Error, message, Some(help));
        }
    }

    fn known_ids(&self) -> BTreeSet<String> {
        let manifest = self.documents.manifest.into_iter().flat_map(all_of);
        let swift = self.documents.revocations.into_iter().flat_map(|d| &d.revocations);
        manifest.chain(swift).map(|revocation| revocation.id.clone()).collect()
    }

    /// Every id in the text of the manifest: the model leaves out what is withdrawn.
    fn written_ids(&self) -> Vec<String> {
        self.texts.manifest.map(|source| super::edit::text::Text::of(&source.text).revocation_ids()).unwrap_or_default()
    }

    fn is_critical(&self, id: &str) -> bool {
        let swift = self.documents.revocations.into_iter().flat_map(|d| &d.revocations);
        let mut all = self.documents.manifest.into_iter().flat_map(all_of).chain(swift);
        all.any(|revocation| revocation.id == id && revocation.severity == Severity::Critical)
    }
}

/// The revocations of a manifest, those of its overlays too.
fn all_of(manifest: &Manifest) -> impl Iterator<Item = &Revocation> {
    manifest.revocations.iter().chain(manifest.overlays.iter().flat_map(|overlay| &overlay.revocations))
}

fn has_effect(overlay: &Overlay, manifest: &Manifest) -> bool {
    let stricter = |kind, rule: &Unlisted| manifest.unlisted.get(kind).is_none_or(|top| rule > top);
    overlay.mode.is_some_and(|mode: Mode| mode > manifest.mode)
        || overlay.unlisted.iter().any(|(kind, rule)| stricter(kind, rule))
        || overlay.cooldown.is_some_and(|cooldown| cooldown > manifest.cooldown)
        || overlay.rules.iter().any(|(rule, own)| !in_force(&manifest.rules, *rule).is_at_least(own))
        || !overlay.revocations.is_empty()
}

/// What a manifest says of a rule, else what holds where nothing is said.
fn in_force(rules: &Rules, rule: Levelled) -> Schedule {
    rules.get(&rule).copied().unwrap_or_else(|| Schedule::always(rule.default_level()))
}

/// A span in its largest unit that is not nothing.
fn rounded(span: SignedDuration) -> String {
    let hours = span.as_hours();
    match hours {
        48.. => format!("{} days", hours / 24),
        2.. => format!("{hours} hours"),
        _ => format!("{} minutes", span.as_mins()),
    }
}

/// The remark that a file beside the manifest cannot be used, on the line of the entry that names it.
#[must_use]
pub fn unusable_file(text: &SourceFile, line: u32, why: &str) -> Remark {
    let problem = Problem { message: printable(why).into_owned(), span: line_span(&text.text, line), help: None };
    Remark { document: DocumentKind::Manifest, weight: Weight::Error, problem }
}
