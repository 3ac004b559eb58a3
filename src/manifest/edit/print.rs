//! New entries as TOML text. What is already in a file is never printed anew.

use super::{digest_table, list, quoted, whole_seconds, word};
use crate::manifest::{
    Affected, Approval, Artifact, AttestationPolicy, Attestor, Installed, Lifts, Release, Revocation, Scope, Shape, Subject,
    Waiver, Withdrawn,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use std::fmt::Write as _;

pub(super) fn approval_text(approval: &Approval) -> String {
    let mut text = format!("  [[tool.approval]]\n  version  = {}\n", quoted(&approval.version));
    if let Some(approved) = &approval.approved {
        let ticket = approved.ticket.as_ref().map(|t| format!(", ticket = {}", quoted(t))).unwrap_or_default();
        let _ = writeln!(text, "  approved = {{ by = {}, at = {}{ticket} }}", list(&approved.by), whole_seconds(approved.at));
    }
    if let Some(released) = approval.released {
        let _ = writeln!(text, "  released = {}", whole_seconds(released));
    }
    if approval.is_unattested {
        text.push_str("  attestation = \"none\"\n");
    }
    for artifact in &approval.artifacts {
        text.push_str("\n    [[tool.approval.artifact]]\n");
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "    {key:<8} = {value}");
        };
        match artifact {
            Artifact::Release(release) => release_lines(release, &mut line),
            Artifact::Installed(installed) => installed_lines(installed, &mut line),
        }
    }
    text
}

fn release_lines(release: &Release, line: &mut impl FnMut(&str, &str)) {
    line("role", "\"release\"");
    if let Some(package) = &release.package {
        line("purl", &quoted(&package.purl()));
    }
    line("digest", &digest_table(&release.digests));
    let evidence: Vec<String> = release
        .evidence
        .iter()
        .map(|file| format!("{{ path = {}, sha256 = \"{}\" }}", quoted(&file.path.to_string_lossy()), hex::encode(file.sha256)))
        .collect();
    match &evidence[..] {
        [] => {}
        [only] => line("evidence", &format!("[{only}]")),
        several => line("evidence", &format!("[\n      {},\n    ]", several.join(",\n      "))),
    }
}

fn installed_lines(installed: &Installed, line: &mut impl FnMut(&str, &str)) {
    line("role", "\"installed\"");
    let kind = match installed.shape {
        Shape::File { .. } => "file",
        Shape::Tree { .. } => "tree",
        Shape::Json { .. } => "json",
        Shape::Packages => "packages",
    };
    line("type", &quoted(kind));
    if let Some(platform) = &installed.platform {
        line("platform", &quoted(&platform.0));
    }
    if let Some(package) = &installed.package {
        line("purl", &quoted(&package.purl()));
    }
    match &installed.shape {
        Shape::Packages => {}
        Shape::Json { path, without } => {
            line("path", &quoted(path));
            if !without.is_empty() {
                line("without", &list(without));
            }
        }
        Shape::File { path } if path.is_empty() => {}
        Shape::File { path } => line("path", &quoted(path)),
        Shape::Tree { include, exclude } => {
            for (key, globs) in [("include", include), ("exclude", exclude)] {
                if !globs.is_empty() {
                    line(key, &list(globs));
                }
            }
        }
    }
    // A list of packages is pinned by its own digest, and has none of what it lists.
    if installed.shape != Shape::Packages {
        line("digest", &digest_table(&installed.digests));
    }
    if let Some(files) = &installed.files {
        let digests: Vec<String> = files.digests.iter().map(|d| format!("{} = \"{}\"", d.algorithm(), d.hex())).collect();
        line("files", &format!("{{ path = {}, {} }}", quoted(&files.path.to_string_lossy()), digests.join(", ")));
    }
}

pub(super) fn attestation_text(policy: &AttestationPolicy) -> String {
    let mut text = "[[attestation]]\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<10} = {value}");
    };
    line("id", &quoted(&policy.id));
    match &policy.predicates[..] {
        [only] => line("predicate", &quoted(only)),
        several => line("predicate", &list(several)),
    }
    line("instance", &quoted(&policy.instance));
    match &policy.by {
        Attestor::Identity { issuer, identity } => {
            line("issuer", &quoted(issuer));
            line("identity", &quoted(identity));
        }
        Attestor::Key { spki, not_after } => line("key", &key_text(spki, *not_after)),
    }
    let exact = [
        ("source", &policy.source),
        ("source-id", &policy.source_id),
        ("owner-id", &policy.owner_id),
        ("builder", &policy.builder),
    ];
    for (key, value) in exact {
        if let Some(value) = value {
            line(key, &quoted(value));
        }
    }
    if let Some(version) = policy.min_bundle {
        line("min-bundle", &quoted(version.name()));
    }
    text
}

fn key_text(spki: &[u8], not_after: Option<Timestamp>) -> String {
    let encoded = STANDARD.encode(spki);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (at, letter) in encoded.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    let end = not_after.map(|end| format!(", not-after = {}", whole_seconds(end))).unwrap_or_default();
    // The text of a key holds nothing that a string over several lines would take otherwise.
    format!("{{ algorithm = \"ecdsa-p256-sha256\", pem = \"\"\"\n{pem}\"\"\"{end} }}")
}

pub(super) fn revocation_text(revocation: &Revocation) -> String {
    let mut text = "[[revocation]]\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<11} = {value}");
    };
    line("id", &quoted(&revocation.id));
    if !revocation.aliases.is_empty() {
        line("aliases", &list(&revocation.aliases));
    }
    if !revocation.affected.is_empty() {
        line("affected", &format!("[{}]", revocation.affected.iter().map(affected_text).collect::<Vec<_>>().join(", ")));
    }
    if !revocation.digests.is_empty() {
        line("digests", &format!("[{}]", revocation.digests.iter().map(digest_table).collect::<Vec<_>>().join(", ")));
    }
    line("reason", &quoted(&word(&revocation.reason)));
    line("severity", &quoted(&word(&revocation.severity)));
    line("effective", &whole_seconds(revocation.effective).to_string());
    if let Some(advisory) = &revocation.advisory {
        line("advisory", &quoted(advisory));
    }
    if let Some(replacement) = &revocation.replacement {
        let version = replacement.version.as_ref().map(|v| format!(", version = {}", quoted(v))).unwrap_or_default();
        line("replacement", &format!("{{ tool = {}{version} }}", quoted(replacement.tool.as_str())));
    }
    line("message", &quoted(&revocation.message));
    text
}

fn affected_text(affected: &Affected) -> String {
    let mut purl = None;
    let (key, value) = match &affected.subject {
        Subject::Tool(id) => ("tool", id.as_str()),
        Subject::Vendor(name) => ("vendor", name.as_str()),
        Subject::Model(glob) => ("model", glob.as_str()),
        Subject::Package(package) => ("package", purl.insert(package.purl(None)).as_str()),
    };
    let mut text = format!("{{ {key} = {}", quoted(value));
    if !affected.ranges.is_empty() {
        let ranges: Vec<_> = affected
            .ranges
            .iter()
            .map(|range| {
                let fixed = range.fixed.as_ref().map(|f| format!(", fixed = {}", quoted(f))).unwrap_or_default();
                format!("{{ introduced = {}{fixed} }}", quoted(&range.introduced))
            })
            .collect();
        let _ = write!(text, ", ranges = [{}]", ranges.join(", "));
    }
    text.push_str(" }");
    text
}

pub(super) fn withdrawn_text(withdrawn: &Withdrawn) -> String {
    format!("[[withdrawn]]\nid     = {}\nreason = {}\n", quoted(&withdrawn.id), quoted(&withdrawn.reason))
}

pub(super) fn waiver_text(waiver: &Waiver) -> String {
    let mut text = "[[waiver]]\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<8} = {value}");
    };
    let lifts: Vec<&str> = waiver.lifts.iter().map(Lifts::word).collect();
    line("id", &quoted(&waiver.id));
    line("lifts", &list(&lifts));
    line("tool", &quoted(waiver.tool.as_str()));
    if !waiver.versions.is_empty() {
        line("versions", &list(&waiver.versions));
    }
    if !waiver.digests.is_empty() {
        line("digest", &digest_table(&waiver.digests));
    }
    if let Some(scope) = &waiver.scope {
        line("scope", &scope_text(scope));
    }
    line("owner", &quoted(&waiver.owner));
    line("approver", &quoted(&waiver.approver));
    line("reason", &quoted(&waiver.reason));
    line("starts", &whole_seconds(waiver.starts).to_string());
    line("expires", &whole_seconds(waiver.expires).to_string());
    text
}

pub(super) fn scope_text(scope: &Scope) -> String {
    let parts: Vec<String> = [("repositories", &scope.repositories), ("groups", &scope.groups), ("paths", &scope.paths)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(key, names)| format!("{key} = {}", list(names)))
        .collect();
    format!("{{ {} }}", parts.join(", "))
}
