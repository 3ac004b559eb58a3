//! The decision, told as sentences: a vocabulary of small constructors here, and a module of tests for each rule. `documents` has what
//! several documents and layers do together, `evidence` what attestations, cooldowns, variants and package lists decide, `remedies`
//! what is advised, `properties` what holds for every policy and every evidence.

mod approved;
mod documents;
mod evidence;
mod findings;
mod locks;
mod mentions;
mod mismatched;
mod pinning;
mod properties;
mod remedies;
mod repository;
mod revoked;
mod waived;

use super::*;
use crate::catalogue::Catalogue;
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::evidence::{
    Change, CoverageOutcome, Difference, Evidence, Executable, Extent, Identification, Measurement, Mention, Oddity, Request,
    Sighting, State, Unmeasured,
};
use crate::manifest::scope::RepositoryName;
use crate::manifest::{
    Affected, Approval, Artifact, Beacon, Header, Installed, Lifts, Overlay, Reason, Scope, Shape, Subject, ToolEntry, Waiver,
    Withdrawn,
};
use crate::source::Location;
use crate::tool::{Channel, Ecosystem, Package};
use crate::version::{Version, VersionRange};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-21T12:00:00Z")
}

fn linux() -> Platform {
    Platform("linux/x86_64".to_owned())
}

fn sha256(byte: u8) -> DigestSet {
    Digest::parse(Algorithm::Sha256, &hex::encode([byte; 32])).unwrap().into()
}

fn sha512(byte: u8) -> DigestSet {
    Digest::parse(Algorithm::Sha512, &hex::encode([byte; 64])).unwrap().into()
}

fn dir_hash(byte: u8) -> Digest {
    Digest::parse(Algorithm::DirHash, &hex::encode([byte; 32])).unwrap()
}

fn manifest(mode: Mode) -> Manifest {
    Manifest {
        header: Header {
            name: "acme.example/ai-tools".to_owned(),
            serial: 47,
            issued: at("2026-11-20T00:00:00Z"),
            expires: at("2026-12-04T00:00:00Z"),
        },
        mode,
        unlisted: Kind::ALL.iter().map(|k| (*k, Unlisted::Block)).collect(),
        tools: Vec::new(),
        attestations: Vec::new(),
        cooldown: SignedDuration::ZERO,
        min_bundle: crate::manifest::BundleVersion::default(),
        revocations: Vec::new(),
        withdrawn: Vec::new(),
        requires_client: None,
        lines: crate::manifest::RuleLines::default(),
        waivers: Vec::new(),
        rules: crate::manifest::Rules::new(),
        directives: Vec::new(),
        overlays: Vec::new(),
        grace: crate::manifest::GRACE,
        sync: crate::manifest::SyncRules::default(),
    }
}

fn tree_shape() -> Shape {
    Shape::Tree { include: Vec::new(), exclude: Vec::new() }
}

fn installed(shape: Shape, digests: DigestSet) -> Artifact {
    Artifact::Installed(Installed { package: None, platform: Some(linux()), shape, digests, files: None })
}

fn approve(mut manifest: Manifest, tool: &str, version: &str, artifacts: Vec<Artifact>) -> Manifest {
    let approval =
        Approval { version: version.to_owned(), approved: None, artifacts, line: 1, released: None, is_unattested: false };
    manifest.tools.push(ToolEntry {
        id: tool.parse().unwrap(),
        recognise: None,
        require: Vec::new(),
        approvals: vec![approval].into(),
    });
    manifest
}

/// A revocations document of these, issued an hour before [`now`] for a day.
fn revocations(revocations: Vec<Revocation>) -> Verified<Revocations> {
    Verified::for_test(Revocations {
        header: Header {
            name: "acme.example/ai-tools".to_owned(),
            serial: 90210,
            issued: at("2026-11-21T11:00:00Z"),
            expires: at("2026-11-22T11:00:00Z"),
        },
        manifest: Beacon { serial: 47, sha256: Digest::sha256_of(b"") },
        revocations,
    })
}

fn policy(manifest: Manifest) -> Policy {
    Policy::new(Verified::for_test(manifest))
}

fn overlay(group: &str, mode: Option<Mode>, revocations: Vec<Revocation>) -> Overlay {
    Overlay {
        group: group.to_owned(),
        mode,
        unlisted: std::collections::BTreeMap::new(),
        cooldown: None,
        rules: crate::manifest::Rules::new(),
        revocations,
        line: 88,
        lines: crate::manifest::RuleLines::default(),
    }
}

fn in_groups(groups: &[&str]) -> Site {
    Site { groups: groups.iter().map(|g| (*g).to_owned()).collect(), repository: None }
}

fn in_repository(address: &str) -> Site {
    Site { groups: Vec::new(), repository: RepositoryName::of_remote(address) }
}

/// The same policy under `lower` as the repository's own file.
fn under(policy: Policy, lower: &Manifest) -> Policy {
    policy.narrowed_by(Narrowing::of(Layer::Repository, "vetted.toml".into(), lower))
}

fn decided(policy: &Policy, sightings: Vec<Sighting>, now: Timestamp) -> Report {
    decide(policy, &CATALOGUE, &Evidence { sightings, is_whole: true, ..Evidence::default() }, &linux(), now)
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|f| f.code.name()).collect()
}

fn finding(report: &Report, code: Code) -> &Finding {
    report.findings.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("no {code:?} in {:?}", report.findings))
}

fn revocation(id: &str, subject: Subject, introduced: &str, fixed: Option<&str>) -> Revocation {
    let range = VersionRange { introduced: introduced.to_owned(), fixed: fixed.map(str::to_owned) };
    Revocation {
        id: id.to_owned(),
        aliases: Vec::new(),
        affected: vec![Affected { subject, ranges: vec![range] }],
        digests: Vec::new(),
        reason: Reason::UndisclosedTracking,
        severity: crate::manifest::Severity::High,
        effective: at("2026-07-01T00:00:00Z"),
        advisory: None,
        replacement: None,
        message: "tracked".to_owned(),
        line: 1,
    }
}

fn claude(introduced: &str, fixed: &str) -> Revocation {
    revocation("R-1", Subject::Tool("claude-code".parse().unwrap()), introduced, Some(fixed))
}

fn waiver(lifts: Lifts, version: &str) -> Waiver {
    Waiver {
        id: "W-1".to_owned(),
        lifts: vec![lifts],
        tool: "claude-code".parse().unwrap(),
        versions: vec![version.to_owned()],
        digests: DigestSet::new(),
        scope: None,
        owner: "carol@acme.example".to_owned(),
        approver: "dave@acme.example".to_owned(),
        reason: "forensics".to_owned(),
        starts: at("2026-11-20T00:00:00Z"),
        expires: at("2026-11-27T00:00:00Z"),
        line: 1,
    }
}

fn sighting(tool: &str, version: Option<&str>) -> Sighting {
    Sighting {
        tool: tool.parse().unwrap(),
        package: None,
        version: version.map(|v| Version::parse(Scheme::SemVer, v)),
        channel: Channel::Npm,
        root: "/n/tool".into(),
        extent: Extent::Folder,
        reached_by: Vec::new(),
        executables: vec![Executable { path: "/n/tool/bin".into(), size: 3, digests: Ok(sha256(1)) }],
        identified_by: Identification::Metadata,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    }
}

fn measured(mut sighting: Sighting, shape: Shape, digest: Digest) -> Sighting {
    sighting.measurements.push(Measurement {
        shape,
        package: None,
        list: None,
        result: Ok(digest),
        difference: None,
        covers: Vec::new(),
    });
    sighting
}

fn mention(version: &str, integrity: impl Into<crate::evidence::Integrity>) -> Mention {
    Mention {
        tool: "claude-code".parse().unwrap(),
        package: Package::new(Ecosystem::Npm, "@anthropic-ai/claude-code"),
        request: Request::Exact(Version::parse(Scheme::SemVer, version)),
        integrity: integrity.into(),
        location: Location { path: "package-lock.json".into(), line: Some(7) },
        brought_by: Vec::new(),
        role: crate::evidence::Role::Dependency,
        quote: None,
    }
}

fn judge(manifest: Manifest, sightings: Vec<Sighting>) -> Report {
    judge_at(manifest, &Evidence { sightings, ..Evidence::default() }, now())
}

fn judge_at(manifest: Manifest, evidence: &Evidence, now: Timestamp) -> Report {
    decide(&policy(manifest), &CATALOGUE, evidence, &linux(), now)
}

fn only_verdict(report: &Report) -> &Verdict {
    assert_eq!(report.verdicts.len(), 1);
    &report.verdicts[0].verdict
}

#[track_caller]
fn assert_outcome(report: &Report, verdict: &str, outcome: Outcome) {
    assert_eq!((only_verdict(report).name(), report.outcome), (verdict, outcome), "{:?}", report.verdicts[0].why);
}
