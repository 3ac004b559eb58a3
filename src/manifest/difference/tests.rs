//! What a change allows is always said: the documents that the examples change are here, and a module of tests for each kind of rule.

mod approval;
mod evidence;
mod properties;
mod revocation;
mod rules;
mod trust;

use super::*;
use crate::catalogue::Catalogue;
use crate::digest::{Digest, DigestSet};
use crate::evidence::{Evidence, Executable, Extent, Identification, Sighting, State};
use crate::manifest::scope::Site;
use crate::manifest::trust_policy::{RoleHolders, Signer, SignerKey, WAIVER_LIMIT};
use crate::manifest::{
    Affected, GRACE, Header, Installed, Lifts, Overlay, Reason, Recognise, Scope, Severity, Shape, Subject, SyncRules, ToolEntry,
    Withdrawn,
};
use crate::policy::{Effect, Policy, decide};
use crate::tool::{Channel, Ecosystem, Package, Platform};
use crate::trust::Verified;
use crate::version::{Scheme, Version, VersionRange};
use proptest::prelude::*;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(text: &str) -> ToolId {
    text.parse().unwrap()
}

fn sha256(byte: u8) -> DigestSet {
    DigestSet::from(Digest::Sha256([byte; 32]))
}

fn manifest() -> Manifest {
    Manifest {
        header: Header {
            name: "acme.example/ai-tools".to_owned(),
            serial: 46,
            issued: at("2026-11-20T00:00:00Z"),
            expires: at("2026-12-20T00:00:00Z"),
        },
        mode: Mode::Enforce,
        unlisted: Kind::ALL.iter().map(|k| (*k, Unlisted::Block)).collect(),
        tools: Vec::new(),
        attestations: Vec::new(),
        cooldown: SignedDuration::ZERO,
        min_bundle: BundleVersion::default(),
        revocations: Vec::new(),
        withdrawn: Vec::new(),
        requires_client: None,
        lines: crate::manifest::RuleLines::default(),
        waivers: Vec::new(),
        rules: crate::manifest::Rules::new(),
        directives: Vec::new(),
        overlays: Vec::new(),
        grace: GRACE,
        sync: SyncRules::default(),
    }
}

fn approval(version: &str, byte: u8) -> Approval {
    let file = Installed {
        package: None,
        platform: None,
        shape: Shape::File { path: String::new() },
        digests: sha256(byte),
        files: None,
    };
    Approval {
        version: version.to_owned(),
        approved: None,
        artifacts: vec![Artifact::Installed(file)],
        line: 0,
        released: None,
        is_unattested: false,
    }
}

fn approving(tools: &[(&str, &str, u8)]) -> Manifest {
    let entry = |(tool, version, byte): &(&str, &str, u8)| ToolEntry {
        require: Vec::new(),
        id: id(tool),
        recognise: None,
        approvals: vec![approval(version, *byte)].into(),
    };
    Manifest { tools: tools.iter().map(entry).collect(), ..manifest() }
}

fn revocation(name: &str, introduced: &str, fixed: Option<&str>) -> Revocation {
    let range = VersionRange { introduced: introduced.to_owned(), fixed: fixed.map(str::to_owned) };
    Revocation {
        id: name.to_owned(),
        aliases: Vec::new(),
        affected: vec![Affected { subject: Subject::Tool(id("claude-code")), ranges: vec![range] }],
        digests: Vec::new(),
        reason: Reason::Policy,
        severity: Severity::High,
        effective: at("2026-07-01T00:00:00Z"),
        advisory: None,
        replacement: None,
        message: "no".to_owned(),
        line: 0,
    }
}

fn revoking(revocations: Vec<Revocation>) -> Manifest {
    Manifest { revocations, ..manifest() }
}

fn waiver() -> Waiver {
    Waiver {
        id: "W-1".to_owned(),
        lifts: vec![Lifts::Unvetted],
        tool: id("claude-code"),
        versions: vec!["1.0.0".to_owned()],
        digests: DigestSet::new(),
        scope: None,
        owner: "carol".to_owned(),
        approver: "dave".to_owned(),
        reason: "forensics".to_owned(),
        starts: at("2026-11-20T00:00:00Z"),
        expires: at("2026-11-27T00:00:00Z"),
        line: 0,
    }
}

fn between(old: &Manifest, new: &Manifest) -> Difference {
    let documents = |manifest| Documents { manifest: Some(manifest), ..Documents::default() };
    Difference::between(Some(&documents(old)), &documents(new))
}
