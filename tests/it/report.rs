//! What people and programs read, from reports built here by hand: no gathering and no deciding is involved.

use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vetted::digest::{Algorithm, Digest, DigestSet};
use vetted::evidence::*;
use vetted::manifest::layer::Layer;
use vetted::manifest::scope::{RepositoryName, Site};
use vetted::manifest::{Attestor, BundleVersion, Header, Mode};
use vetted::policy::*;
use vetted::report::github::{Fence, render_summary};
use vetted::report::{Detail, Format, Style, render};
use vetted::source::Location;
use vetted::tool::{Channel, Ecosystem, Kind, Package};
use vetted::trust::Proof;
use vetted::trust::attested::{Expectation, RootOrigin, RootUsed, attest};
use vetted::trust::sigstore::{AttestationBundle, TrustRoot};
use vetted::trust::stored::StoredRefusal;
use vetted::version::{Scheme, Version};

// The vocabulary.

fn instant(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn sha256(seed: &str) -> Digest {
    Digest::sha256_of(seed.as_bytes())
}

/// A case: one sighting with its verdict, and the finding that speaks of it.
struct Case {
    sighting: Sighting,
    verdict: Verdict,
    effect: Effect,
    finding: Option<Finding>,
}

fn case(tool: &str, package: &str, version: &str, path: &str, verdict: Verdict, effect: Effect) -> Case {
    let root = PathBuf::from(path);
    let sighting = Sighting {
        tool: tool.parse().unwrap(),
        package: Some(Package::new(Ecosystem::Npm, package)),
        version: Some(Version::parse(Scheme::SemVer, version)),
        channel: Channel::Npm,
        root: root.clone(),
        extent: Extent::Folder,
        reached_by: vec![PathBuf::from("/home/u/.npm-global/bin").join(tool)],
        executables: vec![Executable { path: root.join("cli.js"), size: 11, digests: Ok(sha256(path).into()) }],
        identified_by: Identification::Metadata,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    };
    Case { sighting, verdict, effect, finding: None }
}

fn finding(code: Code, severity: Severity, subject: &str, message: &str) -> Finding {
    Finding {
        code,
        severity,
        subject: subject.to_owned(),
        tool: None,
        level: None,
        channel: None,
        message: message.to_owned(),
        places: Vec::new(),
        decided_by: None,
        rule: None,
        since: None,
        reference: None,
        help: Vec::new(),
    }
}

fn installed(path: &str) -> Place {
    Place::Installed { path: PathBuf::from(path), brought_by: None, remark: None }
}

const CLAUDE: &str = "/home/u/.npm-global/lib/node_modules/@anthropic-ai/claude-code";
const NESTED: &str = "/home/u/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code";

/// Claude Code 2.1.197, by itself and inside another package.
fn revoked() -> [Case; 2] {
    let verdict = || Verdict::Revoked { id: "VETTED-2026-0001".to_owned(), by: RevokedBy::Range };
    let at = |path| case("claude-code", "@anthropic-ai/claude-code", "2.1.197", path, verdict(), Effect::Block);
    let carrier = Carrier { package: Package::new(Ecosystem::Npm, "task-master-ai"), version: Some("0.43.1".to_owned()) };
    let (mut by_itself, mut nested) = (at(CLAUDE), at(NESTED));
    nested.sighting.brought_by = Some(carrier.clone());
    by_itself.sighting.executables[0].path = format!("{CLAUDE}/bin/claude.exe").into();
    by_itself.finding = Some(Finding {
        channel: Some(Channel::Npm),
        places: vec![
            installed(&format!("{CLAUDE}/bin/claude.exe")),
            Place::Installed { path: NESTED.into(), brought_by: Some(carrier), remark: None },
        ],
        decided_by: Some("built-in starter policy".to_owned()),
        rule: None,
        since: Some(instant("2026-07-01T00:00:00Z")),
        reference: Some("VETTED-2026-0001".to_owned()),
        help: vec![
            Help::command("npm install -g @anthropic-ai/claude-code@2.1.329"),
            Help {
                command: Some("npm update -g task-master-ai".to_owned()),
                note: Some("no fixed release known: remove it, or ask for a waiver".to_owned()),
                entry: None,
            },
        ],
        ..finding(
            Code::RevokedTool,
            Severity::Error,
            "claude-code 2.1.197",
            "high: versions 2.1.91 to 2.1.197 carried undisclosed location checks",
        )
    });
    [by_itself, nested]
}

fn mismatched() -> Case {
    let path = "/home/u/.npm-global/lib/node_modules/@openai/codex";
    let mismatch = Mismatch {
        what: "tree".to_owned(),
        digests: Some(vetted::digest::DigestMismatch { expected: sha256("approved"), actual: sha256("changed") }),
        difference: Some(Difference { path: "bin/codex.js".to_owned(), change: Change::Changed }),
        place: Some(format!("{path}/bin/codex.js").into()),
        part: Part::Own,
    };
    let message = format!("{}; first difference: bin/codex.js", mismatch.digests.as_ref().unwrap());
    let mut case = case("openai-codex", "@openai/codex", "0.169.0", path, Verdict::Mismatched(mismatch), Effect::Block);
    case.finding = Some(Finding {
        channel: Some(Channel::Npm),
        places: vec![installed(path)],
        decided_by: Some("acme.example/ai-tools 47 (alice, bob)".to_owned()),
        rule: None,
        since: Some(instant("2026-11-20T10:00:00Z")),
        help: vec![Help::command("npm install -g @openai/codex@0.169.0")],
        ..finding(Code::MismatchedDigest, Severity::Error, "openai-codex 0.169.0", &message)
    });
    case
}

fn unvetted(tool: &str, version: &str, path: &str) -> Case {
    let verdict = Verdict::Unvetted { approved_versions: Vec::new(), cooling: None };
    let mut case = case(tool, tool, version, path, verdict, Effect::Warn);
    case.finding = Some(Finding {
        channel: Some(Channel::Npm),
        places: vec![installed(path)],
        ..finding(Code::UnvettedTool, Severity::Warning, &format!("{tool} {version}"), "no approval names it")
    });
    case
}

fn approved(tool: &str, version: &str) -> Case {
    let path = format!("/home/u/.npm-global/lib/node_modules/{tool}");
    case(tool, tool, version, &path, Verdict::Approved(Grounds::Installed), Effect::Pass)
}

fn unverifiable() -> Case {
    let why = Unmeasured::Io("Permission denied (os error 13)".to_owned());
    let verdict = Verdict::Unverifiable(Why::Undigested(why.clone()));
    let path = "/opt/gemini/bin/gemini";
    let mut case = case("gemini-cli", "@google/gemini-cli", "0.61.0", path, verdict, Effect::Undecided);
    case.sighting.executables[0].digests = Err(why.clone());
    case.sighting.state = State::Unreadable(why);
    case.finding = Some(Finding {
        channel: Some(Channel::Path),
        places: vec![installed(path)],
        help: vec![Help::note("make it readable for the user who runs the check")],
        ..finding(
            Code::UnverifiableTool,
            Severity::Error,
            "gemini-cli 0.61.0",
            "its program cannot be read (Permission denied), so a revocation by digest can be neither found nor ruled out",
        )
    });
    case
}

fn floating() -> Finding {
    Finding {
        places: vec![Place::Repository {
            location: Location { path: "package.json".into(), line: Some(14) },
            remark: Some(r#""@google/gemini-cli": "^0.60.0""#.to_owned()),
            quote: None,
        }],
        help: vec![Help::command("npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'")],
        ..finding(
            Code::FloatingVersion,
            Severity::Warning,
            "gemini-cli ^0.60.0",
            "a range lets the next install choose; approved is 0.61.0",
        )
    }
}

fn looked(source: &'static str, place: &str) -> Coverage {
    Coverage { source: source.into(), place: Some(place.into()), outcome: CoverageOutcome::Looked }
}

fn not_looked(source: &'static str, place: &str, why: &str) -> Coverage {
    Coverage { source: source.into(), place: Some(place.into()), outcome: CoverageOutcome::NotLooked(why.to_owned()) }
}

fn rule(layer: &'static str, line: Option<u32>) -> Rule {
    Rule { layer, path: Some("/home/u/.config/vetted/vetted.toml".into()), line, quote: None }
}

/// The head of a revocations document that was issued an hour before the report, and its proof.
fn swift(path: &str, signer: &str) -> Option<(Header, Proof)> {
    let header = Header {
        name: "acme.example/ai-tools".to_owned(),
        serial: 90210,
        issued: instant("2026-11-21T11:00:00Z"),
        expires: instant("2026-11-22T11:00:00Z"),
    };
    Some((header, Proof::Signed { path: path.into(), sha256: sha256("swift"), signers: vec![signer.to_owned()] }))
}

fn stale() -> Freshness {
    Freshness::Stale { document: Document::Revocations, expired: instant("2026-11-17T11:00:00Z") }
}

fn report(outcome: Outcome, mode: Mode, cases: impl IntoIterator<Item = Case>) -> Report {
    let mut report = Report {
        outcome,
        policy: PolicySummary {
            name: "acme.example/ai-tools".to_owned(),
            serial: 47,
            mode,
            issued: instant("2026-11-21T09:00:00Z"),
            expires: instant("2026-12-04T00:00:00Z"),
            proof: Proof::Signed {
                path: "/home/u/.config/vetted/vetted.toml".into(),
                sha256: sha256("manifest"),
                signers: vec!["alice".to_owned(), "bob".to_owned()],
            },
            revocations: None,
            freshness: Freshness::Fresh,
            grace: jiff::SignedDuration::from_hours(72),
            site: Site::default(),
            layers: Vec::new(),
        },
        now: instant("2026-11-21T12:00:00Z"),
        verdicts: Vec::new(),
        findings: Vec::new(),
        directives: Vec::new(),
        traces: Vec::new(),
        coverage: vec![
            looked("path", "/usr/bin"),
            looked("npm-global", "/home/u/.npm-global"),
            Coverage { source: "ollama".into(), place: None, outcome: CoverageOutcome::Absent },
        ],
    };
    for case in cases {
        report.findings.extend(case.finding);
        report.verdicts.push(Judgement {
            item: Item::Sighting(case.sighting),
            vendor: "A vendor".to_owned(),
            kind: Kind::Cli,
            why: "the sentence that says why".to_owned(),
            decided_by: "acme.example/ai-tools 47 (alice, bob)".to_owned(),
            rule: rule("manifest", Some(12)),
            attestation: None,
            published: None,
            since: Some(instant("2026-11-20T10:00:00Z")),
            verdict: case.verdict,
            effect: case.effect,
            help: Vec::new(),
        });
    }
    report
}

fn mixed() -> Report {
    let cases = revoked().into_iter().chain([mismatched(), approved("qoder-cli", "1.1.52"), approved("amp", "0.9.0")]);
    let mut report = report(Outcome::Blocked, Mode::Enforce, cases);
    report.findings.push(floating());
    report
}

fn style(width: usize) -> Style {
    Style { width, home: Some("/home/u".into()), ..Style::default() }
}

fn human(report: &Report, style: &Style) -> String {
    text(Format::Human, report, style)
}

fn text(format: Format, report: &Report, style: &Style) -> String {
    let mut out = Vec::new();
    render(format, report, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

// For people.

#[test]
fn a_blocked_commit() {
    let style = Style { stops: Some("commit"), elapsed: Some(Duration::from_millis(9)), ..style(100) };
    insta::assert_snapshot!(human(&mixed(), &style), @r#"
    vetted: commit blocked

    revoked  claude-code 2.1.197   (npm)
      where   ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe
              ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code
                brought by task-master-ai 0.43.1
      why     VETTED-2026-0001: high: versions 2.1.91 to 2.1.197 carried undisclosed location checks
      by      built-in starter policy, since 1 Jul 2026
      do      npm install -g @anthropic-ai/claude-code@2.1.329
              npm update -g task-master-ai
                no fixed release known: remove it, or ask for a waiver

    mismatched  openai-codex 0.169.0   (npm)
      where   ~/.npm-global/lib/node_modules/@openai/codex
      why     sha256 d67e2e944994 is not the approved 2687f86ed678; first difference: bin/codex.js
      by      acme.example/ai-tools 47 (alice, bob), approved 20 Nov
      do      npm install -g @openai/codex@0.169.0

    floating  gemini-cli ^0.60.0
      where   package.json:14   "@google/gemini-cli": "^0.60.0"
      why     a range lets the next install choose; approved is 0.61.0
      do      npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'

    why and more: vetted explain VETTED-2026-0001
    blocked: 1 tool revoked, 1 mismatched, 2 approved · 1 to look at
      acme.example/ai-tools 47, 3 h old · 9 ms
    "#);
}

#[test]
fn a_blocked_run_in_80_columns() {
    insta::assert_snapshot!(human(&mixed(), &style(80)), @r#"
    vetted: blocked

    revoked  claude-code 2.1.197   (npm)
      where
        ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe
        ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code
          brought by task-master-ai 0.43.1
      why     VETTED-2026-0001: high: versions 2.1.91 to 2.1.197 carried undisclosed
              location checks
      by      built-in starter policy, since 1 Jul 2026
      do      npm install -g @anthropic-ai/claude-code@2.1.329
              npm update -g task-master-ai
                no fixed release known: remove it, or ask for a waiver

    mismatched  openai-codex 0.169.0   (npm)
      where   ~/.npm-global/lib/node_modules/@openai/codex
      why     sha256 d67e2e944994 is not the approved 2687f86ed678; first
              difference: bin/codex.js
      by      acme.example/ai-tools 47 (alice, bob), approved 20 Nov
      do      npm install -g @openai/codex@0.169.0

    floating  gemini-cli ^0.60.0
      where   package.json:14   "@google/gemini-cli": "^0.60.0"
      why     a range lets the next install choose; approved is 0.61.0
      do      npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'

    why and more: vetted explain VETTED-2026-0001
    blocked: 1 tool revoked, 1 mismatched, 2 approved · 1 to look at
      acme.example/ai-tools 47, 3 h old
    "#);
}

#[test]
fn a_blocked_run_in_40_columns() {
    insta::assert_snapshot!(human(&mixed(), &style(40)), @r#"
    vetted: blocked

    revoked  claude-code 2.1.197   (npm)
      where
        ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe
        ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code
          brought by task-master-ai 0.43.1
      why   VETTED-2026-0001: high: versions
            2.1.91 to 2.1.197 carried
            undisclosed location checks
      by    built-in starter policy, since 1
            Jul 2026
      do
        npm install -g @anthropic-ai/claude-code@2.1.329
        npm update -g task-master-ai
          no fixed release known: remove it,
          or ask for a waiver

    mismatched  openai-codex 0.169.0   (npm)
      where
        ~/.npm-global/lib/node_modules/@openai/codex
      why   sha256 d67e2e944994 is not the
            approved 2687f86ed678; first
            difference: bin/codex.js
      by    acme.example/ai-tools 47 (alice,
            bob), approved 20 Nov
      do
        npm install -g @openai/codex@0.169.0

    floating  gemini-cli ^0.60.0
      where package.json:14
              "@google/gemini-cli":
              "^0.60.0"
      why   a range lets the next install
            choose; approved is 0.61.0
      do
        npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'

    why and more:
      vetted explain VETTED-2026-0001
    blocked: 1 tool revoked, 1 mismatched, 2
      approved
      1 to look at
      acme.example/ai-tools 47, 3 h old
    "#);
}

#[test]
fn a_clean_run_is_one_line() {
    let report = report(Outcome::Approved, Mode::Enforce, [approved("qoder-cli", "1.1.52"), approved("amp", "0.9.0")]);
    insta::assert_snapshot!(human(&report, &Style { elapsed: Some(Duration::from_millis(1234)), ..style(100) }), @"vetted: 2 tools approved · 2 places looked at · acme.example/ai-tools 47, 3 h old · 1.2 s");
    assert_eq!(human(&report, &Style { detail: Detail::Quiet, ..style(100) }), "");
}

#[test]
fn a_machine_without_tools() {
    let mut report = report(Outcome::Approved, Mode::Monitor, []);
    insta::assert_snapshot!(human(&report, &style(100)), @"vetted: no tool found · 2 places looked at · acme.example/ai-tools 47, 3 h old");
    report.coverage.push(not_looked("jetbrains", "/home/u/.config/JetBrains", "permission denied"));
    insta::assert_snapshot!(human(&report, &style(100)), @r#"
    not looked at  nothing is known of what lies there
      where   jetbrains ~/.config/JetBrains   permission denied

    vetted: no tool found where was looked · 2 places looked at, 1 not
      acme.example/ai-tools 47, 3 h old
    "#);
    report.coverage.retain(|c| matches!(c.outcome, CoverageOutcome::NotLooked(_)));
    let text = human(&report, &style(100));
    assert!(text.contains("nothing was looked at") && !text.contains("no tool found"), "{text}");
}

#[test]
fn what_passes_unvetted_is_listed_in_monitor_mode() {
    let mut report = report(
        Outcome::Approved,
        Mode::Monitor,
        [
            approved("qoder-cli", "1.1.52"),
            unvetted("claude-code", "2.1.329", CLAUDE),
            unvetted("playwright-mcp", "0.0.83", "/home/u/.npm/_npx/9833c18b2d85bc59/node_modules/@playwright/mcp"),
        ],
    );
    report.findings[0].places.push(installed("/opt/claude"));
    report.coverage.push(not_looked("jetbrains", "/home/u/.config/JetBrains", "permission denied"));
    insta::assert_snapshot!(human(&report, &style(100)), @r#"
    unvetted  no approval names them; in monitor mode they pass
      claude-code 2.1.329    npm  and 1 more place
        ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code
      playwright-mcp 0.0.83  npm  ~/.npm/_npx/9833c18b2d85bc59/node_modules/@playwright/mcp

    not looked at  nothing is known of what lies there
      where   jetbrains ~/.config/JetBrains   permission denied

    vetted: 1 tool approved, 2 unvetted (monitor) · 2 places looked at, 1 not
      acme.example/ai-tools 47, 3 h old
    "#);
    insta::assert_snapshot!(human(&report, &style(40)), @r#"
    unvetted
      no approval names them; in monitor
      mode they pass
      claude-code 2.1.329    npm  and 1 more place
        ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code
      playwright-mcp 0.0.83  npm
        ~/.npm/_npx/9833c18b2d85bc59/node_modules/@playwright/mcp

    not looked at
      nothing is known of what lies there
      where jetbrains ~/.config/JetBrains
              permission denied

    vetted: 1 tool approved, 2 unvetted
      (monitor)
      2 places looked at, 1 not
      acme.example/ai-tools 47, 3 h old
    "#);
    insta::assert_snapshot!(human(&report, &Style { detail: Detail::Brief, ..style(100) }), @r#"
    vetted: 1 tool approved, 2 unvetted (monitor) · 2 places looked at, 1 not
      acme.example/ai-tools 47, 3 h old
    "#);
    assert_eq!(human(&report, &Style { detail: Detail::Quiet, ..style(100) }), "");
}

#[test]
fn a_run_that_could_not_decide() {
    let mut report = report(Outcome::Undecided, Mode::Enforce, [unverifiable(), approved("qoder-cli", "1.1.52")]);
    report.policy.expires = instant("2026-11-17T12:00:00Z");
    report.findings.push(Finding {
        places: vec![installed("/home/u/.config/vetted/vetted.toml")],
        help: vec![Help::note("ask whoever signs the policy for a newer one")],
        ..finding(
            Code::ExpiredPolicy,
            Severity::Error,
            "acme.example/ai-tools 47",
            "the manifest expired 4 days ago: known revocations keep blocking, nothing new is approved",
        )
    });
    insta::assert_snapshot!(human(&report, &Style { stops: Some("commit"), ..style(80) }), @r#"
    vetted: cannot decide, so the commit is stopped

    unverifiable  gemini-cli 0.61.0   (path)
      where   /opt/gemini/bin/gemini
      why     its program cannot be read (Permission denied), so a revocation by
              digest can be neither found nor ruled out
      do      make it readable for the user who runs the check

    expired  acme.example/ai-tools 47
      where   ~/.config/vetted/vetted.toml
      why     the manifest expired 4 days ago: known revocations keep blocking,
              nothing new is approved
      do      ask whoever signs the policy for a newer one

    why and more: vetted explain unverifiable-tool
    cannot decide: 1 tool unverifiable, 1 approved, 1 other problem
      acme.example/ai-tools 47, expired 4 days ago
    "#);
}

#[test]
fn quiet_says_only_what_blocks() {
    insta::assert_snapshot!(human(&mixed(), &Style { detail: Detail::Quiet, ..style(100) }), @r#"
    vetted: blocked

    revoked  claude-code 2.1.197   (npm)
      where   ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe
              ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code
                brought by task-master-ai 0.43.1
      why     VETTED-2026-0001: high: versions 2.1.91 to 2.1.197 carried undisclosed location checks
      by      built-in starter policy, since 1 Jul 2026
      do      npm install -g @anthropic-ai/claude-code@2.1.329
              npm update -g task-master-ai
                no fixed release known: remove it, or ask for a waiver

    mismatched  openai-codex 0.169.0   (npm)
      where   ~/.npm-global/lib/node_modules/@openai/codex
      why     sha256 d67e2e944994 is not the approved 2687f86ed678; first difference: bin/codex.js
      by      acme.example/ai-tools 47 (alice, bob), approved 20 Nov
      do      npm install -g @openai/codex@0.169.0

    why and more: vetted explain VETTED-2026-0001
    blocked: 1 tool revoked, 1 mismatched, 2 approved · 1 to look at · acme.example/ai-tools 47, 3 h old
    "#);
}

#[test]
fn verbose_says_everything() {
    insta::assert_snapshot!(human(&mixed(), &Style { detail: Detail::Verbose, ..style(100) }), @r#"
    vetted: blocked

    revoked  claude-code 2.1.197   (npm)
      where   ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe
              ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code
                brought by task-master-ai 0.43.1
      why     VETTED-2026-0001: high: versions 2.1.91 to 2.1.197 carried undisclosed location checks
      digest  sha256:b51f6cc01f4929527fefc86842dbb4be4c5b6da0554059363182f7aae8458302
                ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe
              sha256:e640bae4f63a1cca8a1ef7593d98645384d1120802cf4dc49f1dbfad7967e20e
                ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code/cli.js
      by      built-in starter policy, since 1 Jul 2026
      do      npm install -g @anthropic-ai/claude-code@2.1.329
              npm update -g task-master-ai
                no fixed release known: remove it, or ask for a waiver
      print   vetted/v1 b31e645749aaef70bc4a3a7722c89ebd6c102a5bf78dfc09b28ed032015c548d

    mismatched  openai-codex 0.169.0   (npm)
      where   ~/.npm-global/lib/node_modules/@openai/codex
      why     sha256 d67e2e944994 is not the approved 2687f86ed678; first difference: bin/codex.js
      digest  sha256:2687f86ed6784b8a5fca36e6c468e12aa44dc3c7e8137e3160d1a95079bdcd02   approved
              sha256:d67e2e944994496c8d8ec76eed0cf9f09679448d584b532bebf941852a37f5ed   found
              sha256:54c2c834a1ba17a96af21286ca76aa8f8987f60251d83cd46e7bbf356a484753
                ~/.npm-global/lib/node_modules/@openai/codex/cli.js
      by      acme.example/ai-tools 47 (alice, bob), approved 20 Nov
      do      npm install -g @openai/codex@0.169.0
      print   vetted/v1 edfc65c3c1429a1caf8a586b6d03ddcc84bfe09d6eb9482ac659db98a9109650

    floating  gemini-cli ^0.60.0
      where   package.json:14   "@google/gemini-cli": "^0.60.0"
      why     a range lets the next install choose; approved is 0.61.0
      do      npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'
      print   vetted/v1 33896db820cda18c767b5c6408492718a24d27af4d73e2875b864d6a9591d021

    approved  qoder-cli 1.1.52   (npm)
      where   ~/.npm-global/lib/node_modules/qoder-cli
      why     the sentence that says why
      by      acme.example/ai-tools 47 (alice, bob), since 20 Nov
      digest  sha256:dd8276c54c6a363ed4bad059ccb717beb70872f7f8ea395d423e78afbc431d2c
                ~/.npm-global/lib/node_modules/qoder-cli/cli.js

    approved  amp 0.9.0   (npm)
      where   ~/.npm-global/lib/node_modules/amp
      why     the sentence that says why
      by      acme.example/ai-tools 47 (alice, bob), since 20 Nov
      digest  sha256:0fa1571bdad57eb9a9a65bed162cf7f81e939fd9c7f4cfe43fa4335ddba105c1
                ~/.npm-global/lib/node_modules/amp/cli.js

    looked at
      in      path /usr/bin
              npm-global ~/.npm-global

    why and more: vetted explain VETTED-2026-0001
    blocked: 1 tool revoked, 1 mismatched, 2 approved · 1 to look at · acme.example/ai-tools 47, 3 h old
    "#);
}

#[test]
fn the_built_in_policy_is_named_as_such() {
    let mut report = report(Outcome::Approved, Mode::Monitor, [approved("amp", "0.9.0")]);
    report.policy.proof = Proof::BuiltIn;
    let text = human(&report, &style(100));
    assert!(text.contains("acme.example/ai-tools 47 (built in), 3 h old"), "{text}");
}

#[test]
fn colour_only_adds() {
    let plain = human(&mixed(), &style(100));
    let coloured = human(&mixed(), &Style { colour: true, ..style(100) });
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[31m") && coloured.contains("\u{1b}[33m"), "{coloured}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn only_paths_and_commands_are_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr as _;
    for width in [40, 60, 80, 100] {
        for detail in [Detail::Brief, Detail::Normal] {
            let text = human(&mixed(), &Style { detail, ..style(width) });
            for line in text.lines().filter(|l| l.width() > width) {
                let alone = line.trim();
                assert!(alone.starts_with("~/") || alone.starts_with("npm "), "{width}: {line}");
            }
        }
    }
}

#[test]
fn a_layer_and_its_file_share_a_line_only_where_they_fit() {
    use vetted::policy::{Account, Said};
    let said = Said {
        layer: "acme.example/ai-tools revocations 5 (dana)".to_owned(),
        name: "revocations",
        path: Some("/home/you/.config/vetted/vetted-sets/4-388e90f2/vetted-revocations.toml".into()),
        in_force: true,
        statements: Vec::new(),
    };
    let accounts = [Account { judgement: None, is_imagined: true, layers: vec![said] }];
    let text = |width: usize| {
        let mut out = Vec::new();
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let seen = Style { home: Some("/home/you".into()), ..style(width) };
        vetted::report::account::render_human(&accounts, "claude-code", &seen, now, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let file = "~/.config/vetted/vetted-sets/4-388e90f2/vetted-revocations.toml";
    let together = format!("acme.example/ai-tools revocations 5 (dana)  {file}\n");
    assert!(text(120).contains(&together), "{}", text(120));
    assert!(text(100).contains(&format!("acme.example/ai-tools revocations 5 (dana)\n  {file}\n")), "{}", text(100));
    assert!(text(40).lines().all(|line| line.len() <= 40 || line.trim() == file), "{}", text(40));
}

/// What is to be copied stands whole, and alone, on its line.
#[test]
fn commands_stand_alone() {
    let report = mixed();
    for width in [40, 80, 100] {
        let text = human(&report, &style(width));
        for command in report.findings.iter().flat_map(|f| &f.help).filter_map(|h| h.command.as_deref()) {
            let line = text.lines().find(|l| l.contains(command)).unwrap_or_else(|| panic!("{command} in\n{text}"));
            assert_eq!(line.trim().trim_start_matches("do").trim(), command);
        }
    }
}

// For GitHub.

fn github_style() -> Style {
    Style { fence: Some(Fence::of_random([7; 16])), ..style(100) }
}

#[test]
fn annotations_and_fenced_text() {
    let text = text(Format::Github, &mixed(), &github_style());
    let lines: Vec<&str> = text.lines().collect();
    insta::assert_snapshot!(lines[..3].join("\n"), @r#"
    ::error title=revoked%3A claude-code 2.1.197::VETTED-2026-0001: high: versions 2.1.91 to 2.1.197 carried undisclosed location checks%0Awhere: ~/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe%0Awhere: ~/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code, brought by task-master-ai 0.43.1%0Aby: built-in starter policy%0Ado: npm install -g @anthropic-ai/claude-code@2.1.329%0Ado: npm update -g task-master-ai (no fixed release known: remove it, or ask for a waiver)%0Amore: vetted explain VETTED-2026-0001
    ::error title=mismatched%3A openai-codex 0.169.0::sha256 d67e2e944994 is not the approved 2687f86ed678; first difference: bin/codex.js%0Awhere: ~/.npm-global/lib/node_modules/@openai/codex%0Aby: acme.example/ai-tools 47 (alice, bob)%0Ado: npm install -g @openai/codex@0.169.0%0Amore: vetted explain mismatched-digest
    ::warning file=package.json,line=14,title=floating%3A gemini-cli ^0.60.0::a range lets the next install choose; approved is 0.61.0%0Awhere: package.json:14, "@google/gemini-cli": "^0.60.0"%0Ado: npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'%0Amore: vetted explain floating-version
    "#);
    let fence = "vetted-07070707070707070707070707070707";
    assert_eq!(lines[3], format!("::stop-commands::{fence}"));
    assert_eq!(*lines.last().unwrap(), format!("::{fence}::"));
    assert!(text.contains("why and more: vetted explain VETTED-2026-0001"));
}

/// Without a fence nothing that a repository could have written stands in the log, except in annotations.
#[test]
fn without_a_fence_there_is_no_free_text() {
    let text = text(Format::Github, &mixed(), &style(100));
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.lines().all(|l| l.starts_with("::error ") || l.starts_with("::warning ")), "{text}");
}

#[test]
fn notes_are_notices() {
    let mut report = report(Outcome::Approved, Mode::Monitor, []);
    report.findings.push(finding(Code::StubInstall, Severity::Note, "codex 1", "a: b, 100%"));
    let text = text(Format::Github, &report, &github_style());
    let first = text.lines().next().unwrap();
    assert_eq!(first, "::notice title=stub%3A codex 1::a: b, 100%25%0Amore: vetted explain stub-install");
}

#[test]
fn a_summary_in_markdown() {
    let mut out = Vec::new();
    render_summary(&mixed(), &style(100), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
    ### vetted: blocked

    | | what | where | why |
    | --- | --- | --- | --- |
    | revoked | claude-code 2&#46;1&#46;197 | &#126;/&#46;npm-global/lib/node&#95;modules/&#64;anthropic-ai/claude-code/bin/claude&#46;exe<br>&#126;/&#46;npm-global/lib/node&#95;modules/task-master-ai/node&#95;modules/&#64;anthropic-ai/claude-code, brought by task-master-ai 0&#46;43&#46;1 | VETTED-2026-0001&#58; high&#58; versions 2&#46;1&#46;91 to 2&#46;1&#46;197 carried undisclosed location checks<br>by built-in starter policy |
    | mismatched | openai-codex 0&#46;169&#46;0 | &#126;/&#46;npm-global/lib/node&#95;modules/&#64;openai/codex | sha256 d67e2e944994 is not the approved 2687f86ed678&#59; first difference&#58; bin/codex&#46;js<br>by acme&#46;example/ai-tools 47 &#40;alice, bob&#41; |
    | floating | gemini-cli &#94;0&#46;60&#46;0 | package&#46;json&#58;14, &#34;&#64;google/gemini-cli&#34;&#58; &#34;&#94;0&#46;60&#46;0&#34; | a range lets the next install choose&#59; approved is 0&#46;61&#46;0 |

    ```sh
    npm install -g @anthropic-ai/claude-code@2.1.329
    npm update -g task-master-ai
    npm install -g @openai/codex@0.169.0
    npm pkg set 'dependencies[@google/gemini-cli]=0.61.0'
    ```

    blocked&#58; 1 tool revoked, 1 mismatched, 2 approved · 1 to look at · acme&#46;example/ai-tools 47, 3 h old
    "#);
}

// For programs.

/// Evidence that is gone, with a text from outside in every place.
fn unattested(text: &str) -> Unattested {
    let refusal = Box::new(StoredRefusal::Root { instance: text.to_owned(), why: text.to_owned() });
    let why = Lacking::Refused { evidence: text.into(), refusal };
    Unattested { policy: Some(text.to_owned()), release: Some(text.to_owned()), why }
}

/// What a real bundle shows.
fn proven() -> Proven {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles");
    let text = std::fs::read_to_string(bundles.join("real/sigstore-js-2.1.0-bundle.json")).unwrap();
    let root = std::fs::read(bundles.join("roots/public-good.json")).unwrap();
    let bundle = AttestationBundle::parse(&text).unwrap();
    let subject = bundle.statement().unwrap().subjects[0].digests.clone();
    let expectation = Expectation {
        by: Attestor::Identity {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            identity: "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main".to_owned(),
        },
        predicates: Vec::new(),
        source: None,
        source_id: None,
        owner_id: None,
        builder: None,
        min_bundle: BundleVersion::V0_3,
    };
    let (instance, origin, sha256) = ("acme".to_owned(), RootOrigin::Organisation, Digest::sha256_of(&root));
    let used = RootUsed { instance, origin, sha256 };
    let root = TrustRoot::parse(&root).unwrap();
    let attested = attest(&bundle, &subject, &expectation, Some((&root, &used))).unwrap();
    Proven { policy: Some("provenance".to_owned()), attested }
}

fn cooling() -> Cooling {
    let (until, released) = (Some(instant("2026-11-27T00:00:00Z")), Some(instant("2026-11-20T00:00:00Z")));
    Cooling { until, released, cooldown: jiff::SignedDuration::from_hours(7 * 24) }
}

/// A report that has something in every place of the format.
fn full() -> Report {
    let mut report = mixed();
    let package = || Package::new(Ecosystem::Npm, "@google/gemini-cli");
    let mut integrity = DigestSet::new();
    integrity.insert(sha256("lock")).unwrap();
    integrity.insert(Digest::parse(Algorithm::Sha512, &"ab".repeat(64)).unwrap()).unwrap();
    let mention = |request, line| Mention {
        tool: "gemini-cli".parse().unwrap(),
        package: package(),
        request,
        integrity: integrity.clone().into(),
        location: Location { path: "package-lock.json".into(), line },
        brought_by: vec!["outer".to_owned(), "inner".to_owned()],
        role: Role::Server("files".to_owned()),
        quote: quoted("  \"@google/gemini-cli\": \"^0.60.0\""),
    };
    report.directives = directives("told");
    report.traces = traces("said");
    let floating = Request::Floating { text: "^0.60.0".to_owned(), locked: true };
    let until = instant("2026-11-27T00:00:00Z");
    let verdicts = [
        Verdict::Unverifiable(Why::UnknownVersion),
        Verdict::Unverifiable(Why::Unmeasured { what: "tree".to_owned(), why: Unmeasured::Changed }),
        Verdict::Unverifiable(Why::Undigested(Unmeasured::NotAFile("a FIFO"))),
        Verdict::Unattested(unattested("provenance")),
        Verdict::Unattested(Unattested { policy: None, release: None, why: Lacking::StatedNone }),
        Verdict::Unvetted { approved_versions: Vec::new(), cooling: Some(cooling()) },
        Verdict::Expired(stale()),
        Verdict::Expired(Freshness::ClockBehind { latest: until }),
        Verdict::Unvetted { approved_versions: vec!["0.61.0".to_owned()], cooling: None },
        Verdict::Waived { id: "W-1".to_owned(), lifted: "unvetted".to_owned(), until },
        Verdict::Approved(Grounds::Release),
        Verdict::Approved(Grounds::VersionListed),
    ];
    let effects = [Effect::Pass, Effect::Warn, Effect::Undecided, Effect::Block];
    for (number, verdict) in verdicts.into_iter().enumerate() {
        let request = if number == 0 { floating.clone() } else { Request::Exact(Version::parse(Scheme::SemVer, "0.61.0")) };
        report.verdicts.push(Judgement {
            item: Item::Mention(mention(request, (number > 1).then_some(3))),
            vendor: "Google".to_owned(),
            kind: Kind::Cli,
            verdict,
            effect: effects[number % 4],
            why: "why".to_owned(),
            decided_by: "acme.example/ai-tools 47".to_owned(),
            rule: Rule { layer: "revocations", path: None, line: None, quote: None },
            attestation: None,
            published: None,
            since: None,
            help: vec![Help::command("a command"), Help::note("a note"), Help::entry("a note", "an entry".to_owned())],
        });
    }
    for (state, identified_by) in [
        (State::Stub, Identification::Digest),
        (State::NotInspectable, Identification::Layout),
        (State::Unreadable(Unmeasured::TooMany(7)), Identification::Name),
    ] {
        let mut case = unverifiable();
        case.sighting.state = state;
        case.sighting.identified_by = identified_by;
        case.sighting.renamed = Some("notes".to_owned());
        case.sighting.embedded_version = Some("2.1.198".to_owned());
        case.sighting.claimed_version = Some("2.1.329".to_owned());
        case.sighting.package = None;
        case.sighting.version = None;
        report.verdicts.push(Judgement { item: Item::Sighting(case.sighting), ..report.verdicts[0].clone() });
    }
    let unattested = Attestation::Refused(unattested("provenance"));
    let verified = Attestation::Verified { proofs: vec![proven()], bare: vec!["tool 0.61.0".to_owned()] };
    for (judgement, attestation) in report.verdicts.iter_mut().zip([Attestation::None, unattested, verified]) {
        judgement.attestation = Some(attestation);
    }
    report.verdicts[0].published = Some(Published::Same);
    let Verdict::Mismatched(mismatch) = mismatched().verdict else { panic!() };
    report.verdicts[1].published = Some(Published::Differs(mismatch));
    report.findings[0].rule = Some(rule("manifest", Some(71)));
    report.findings[0].places.push(Place::Installed {
        path: "/x".into(),
        brought_by: None,
        remark: Some("renamed from claude".to_owned()),
    });
    report.coverage.push(not_looked("jetbrains", "/home/u/.config/JetBrains", "permission denied"));
    report.policy.revocations = swift("/home/u/.config/vetted/vetted-revocations.toml", "carol");
    report.policy.freshness = stale();
    report.policy.site =
        Site { groups: vec!["eu".to_owned()], repository: RepositoryName::of_remote("git@github.com:acme/app.git") };
    let overlay = Layer::Overlay { group: "eu".to_owned(), line: 88 };
    report.policy.layers.push((overlay, "/home/u/.config/vetted/vetted.toml".into()));
    report.policy.layers.push((Layer::Repository, "vetted.toml".into()));
    report.policy.layers.push((Layer::User, "/home/u/.config/vetted/vetted-user.toml".into()));
    report
}

fn json(report: &Report) -> Value {
    serde_json::from_str(&text(Format::Json, report, &Style::default())).unwrap()
}

/// A grace that is not over and does not hold here is not named as if it did.
#[test]
fn a_grace_that_is_none_here_is_said_to_be_none() {
    let cause = |document, expired: &str| {
        let mut old = report(Outcome::Undecided, Mode::Enforce, [approved("qoder-cli", "1.1.52")]);
        old.policy.freshness = Freshness::Stale { document, expired: instant(expired) };
        old.findings.push(finding(Code::ExpiredPolicy, Severity::Error, "acme.example/ai-tools", "it expired"));
        let text = text(Format::Human, &old, &style(100));
        text.lines().skip_while(|line| !line.trim_start().starts_with("cause")).take(2).collect::<Vec<_>>().join(" ")
    };
    let over = cause(Document::Revocations, "2026-11-17T11:00:00Z");
    assert!(over.contains("expired 4 days ago (grace 3 days)"), "{over}");
    let not_here = cause(Document::Revocations, "2026-11-21T11:00:00Z");
    assert!(not_here.contains("(no grace: it was not believed here"), "{not_here}");
    let trust = cause(Document::Trust, "2026-11-17T11:00:00Z");
    assert!(trust.contains("expired 4 days ago (it has no grace)"), "{trust}");
}

/// The policy is too old to approve: the answer begins with that, and says what still holds and what to do.
#[test]
fn a_policy_that_is_too_old() {
    let mut old = report(Outcome::Undecided, Mode::Enforce, [approved("qoder-cli", "1.1.52")]);
    old.policy.freshness = stale();
    old.policy.revocations = swift("/home/u/.config/vetted/vetted-revocations.toml", "carol");
    old.policy.revocations.as_mut().unwrap().0.expires = instant("2026-11-17T11:00:00Z");
    let mut said = finding(Code::ExpiredPolicy, Severity::Error, "acme.example/ai-tools", "it expired");
    said.help = vec![Help { note: Some("fetches newer documents".to_owned()), ..Help::command("vetted sync") }];
    old.findings.push(said);
    insta::assert_snapshot!(text(Format::Human, &old, &Style { stops: Some("commit"), ..Style::default() }), @"
    vetted: cannot decide: the policy is older than it may be
      cause   vetted-revocations.toml expired 4 days ago (grace 3 days)
      still   known revocations keep blocking; nothing is approved
      do      vetted sync
                fetches newer documents

    why and more: vetted explain expired-policy
    cannot decide: 1 tool approved, 1 other problem
      acme.example/ai-tools 47, 3 h old · revocations 90210, expired 4 days ago
    ");
    // Where something is revoked, that is the answer, and the age is a finding beside it.
    let mut blocked = old.clone();
    blocked.outcome = Outcome::Blocked;
    let said = text(Format::Human, &blocked, &Style::default());
    assert!(said.starts_with("vetted: blocked\n") && said.contains("expired  acme.example/ai-tools"), "{said}");

    old.policy.freshness = Freshness::ClockBehind { latest: instant("2026-11-22T12:00:00Z") };
    old.findings[0].code = Code::ClockBehind;
    let said = text(Format::Human, &old, &Style::default());
    assert!(said.starts_with("vetted: cannot decide: the clock of this machine is behind\n"), "{said}");
    assert!(said.trim_end().ends_with("by a clock that is behind"), "{said}");
}

/// The last line says what the answer rests on: each document with its age, the grace, the layers.
#[test]
fn the_last_line_names_both_documents_and_the_layers() {
    let mut report = report(Outcome::Approved, Mode::Enforce, [approved("qoder-cli", "1.1.52")]);
    report.policy.revocations = swift("/home/u/.config/vetted/vetted-revocations.toml", "carol");
    report.policy.layers.push((Layer::Overlay { group: "eu".to_owned(), line: 88 }, "vetted.toml".into()));
    report.policy.layers.push((Layer::Repository, "vetted.toml".into()));
    report.policy.freshness = Freshness::Grace {
        document: Document::Revocations,
        expired: instant("2026-11-21T11:30:00Z"),
        until: instant("2026-11-24T11:30:00Z"),
    };
    let style = Style { width: 200, ..Style::default() };
    let said = text(Format::Human, &report, &style);
    assert_eq!(
        said.lines().last().unwrap(),
        "vetted: 1 tool approved · 2 places looked at · acme.example/ai-tools 47, 3 h old · revocations 90210, 1 h old · \
         counts for 2 days more · narrowed by overlay eu, this repository"
    );
}

#[test]
fn the_json_of_a_blocked_run() {
    let case = revoked().into_iter().next().unwrap();
    let report = report(Outcome::Blocked, Mode::Monitor, [case]);
    insta::assert_snapshot!(text(Format::Json, &report, &Style::default()), @r#"
    {
      "schema": "vetted/report/v1",
      "outcome": "blocked",
      "policy": {
        "name": "acme.example/ai-tools",
        "serial": 47,
        "mode": "monitor",
        "issued": "2026-11-21T09:00:00Z",
        "expires": "2026-12-04T00:00:00Z",
        "origin": "signed",
        "path": "/home/u/.config/vetted/vetted.toml",
        "sha256": "05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f",
        "signers": [
          "alice",
          "bob"
        ],
        "layers": [],
        "revocations": null,
        "freshness": {
          "state": "fresh",
          "document": null,
          "expired": null,
          "until": null,
          "latest": null
        },
        "groups": [],
        "repository": null,
        "narrowed_by": []
      },
      "now": "2026-11-21T12:00:00Z",
      "coverage": [
        {
          "source": "path",
          "place": "/usr/bin",
          "outcome": "looked",
          "reason": null
        },
        {
          "source": "npm-global",
          "place": "/home/u/.npm-global",
          "outcome": "looked",
          "reason": null
        },
        {
          "source": "ollama",
          "place": null,
          "outcome": "absent",
          "reason": null
        }
      ],
      "verdicts": [
        {
          "item": "sighting",
          "tool": "claude-code",
          "vendor": "A vendor",
          "kind": "cli",
          "version": "2.1.197",
          "requested": null,
          "path": "/home/u/.npm-global/lib/node_modules/@anthropic-ai/claude-code",
          "location": null,
          "channel": "npm",
          "package": "pkg:npm/%40anthropic-ai/claude-code@2.1.197",
          "digests": {
            "sha256": "b51f6cc01f4929527fefc86842dbb4be4c5b6da0554059363182f7aae8458302"
          },
          "role": null,
          "server": null,
          "quote": null,
          "verdict": "revoked",
          "effect": "block",
          "grounds": {
            "by": "revocation",
            "id": "VETTED-2026-0001",
            "matched": "range"
          },
          "why": "the sentence that says why",
          "decided_by": "acme.example/ai-tools 47 (alice, bob)",
          "rule": {
            "layer": "manifest",
            "path": "/home/u/.config/vetted/vetted.toml",
            "line": 12,
            "quote": null
          },
          "attestation": null,
          "published": null,
          "since": "2026-11-20T10:00:00Z",
          "identified_by": "metadata",
          "state": "present",
          "state_reason": null,
          "renamed": null,
          "brought_by": [],
          "reached_by": [
            "/home/u/.npm-global/bin/claude-code"
          ],
          "claimed_version": null,
          "embedded_version": null,
          "executables": [
            {
              "path": "/home/u/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
              "size": 11,
              "digests": {
                "sha256": "b51f6cc01f4929527fefc86842dbb4be4c5b6da0554059363182f7aae8458302"
              },
              "undigested": null
            }
          ],
          "help": []
        }
      ],
      "findings": [
        {
          "code": "revoked-tool",
          "severity": "error",
          "subject": "claude-code 2.1.197",
          "channel": "npm",
          "message": "high: versions 2.1.91 to 2.1.197 carried undisclosed location checks",
          "location": {
            "on": "machine",
            "path": "/home/u/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
            "line": null,
            "brought_by": null,
            "remark": null,
            "quote": null,
            "fingerprint": "b31e645749aaef70bc4a3a7722c89ebd6c102a5bf78dfc09b28ed032015c548d"
          },
          "locations": [
            {
              "on": "machine",
              "path": "/home/u/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
              "line": null,
              "brought_by": null,
              "remark": null,
              "quote": null,
              "fingerprint": "b31e645749aaef70bc4a3a7722c89ebd6c102a5bf78dfc09b28ed032015c548d"
            },
            {
              "on": "machine",
              "path": "/home/u/.npm-global/lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code",
              "line": null,
              "brought_by": "pkg:npm/task-master-ai@0.43.1",
              "remark": null,
              "quote": null,
              "fingerprint": "b31e645749aaef70bc4a3a7722c89ebd6c102a5bf78dfc09b28ed032015c548d"
            }
          ],
          "decided_by": "built-in starter policy",
          "rule": null,
          "since": "2026-07-01T00:00:00Z",
          "reference": "VETTED-2026-0001",
          "help": [
            {
              "command": "npm install -g @anthropic-ai/claude-code@2.1.329",
              "note": null
            },
            {
              "command": "npm update -g task-master-ai",
              "note": "no fixed release known: remove it, or ask for a waiver"
            }
          ],
          "level": null,
          "tool": null,
          "fingerprint": "b31e645749aaef70bc4a3a7722c89ebd6c102a5bf78dfc09b28ed032015c548d"
        }
      ],
      "directives": [],
      "traces": []
    }
    "#);
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report-v1.schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The schema and the output name the same keys: what is written is allowed and required, what is described is written.
#[test]
fn the_schema_and_the_output_agree() {
    let schema = schema();
    let mut used = Used::new();
    for report in
        [full(), report(Outcome::Approved, Mode::Monitor, []), report(Outcome::Undecided, Mode::Enforce, [unverifiable()])]
    {
        check(&schema, &schema, &json(&report), "report", &mut used).unwrap();
    }
    let mut described = Used::new();
    properties(&schema, &mut described);
    // The test of the test: an unknown key is refused.
    let mut wrong = json(&full());
    wrong["verdicts"][0]["colour"] = "red".into();
    assert!(check(&schema, &schema, &wrong, "report", &mut Used::new()).is_err());
    let idle: Vec<_> = described.difference(&used).collect();
    assert!(idle.is_empty(), "the schema describes what is never written: {idle:?}");
    let codes: Vec<&str> = schema["$defs"]["code"]["enum"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    assert_eq!(codes, Code::ALL.iter().map(|c| c.name()).collect::<Vec<_>>());
}

type Used = std::collections::BTreeSet<String>;

/// The part of JSON Schema that the file uses. `used` collects the keys of object schemas that occurred.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, used: &mut Used) -> Result<(), String> {
    const RULES: [&str; 15] = [
        "$schema",
        "$defs",
        "$ref",
        "title",
        "description",
        "type",
        "const",
        "enum",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "oneOf",
        "pattern",
        "format",
    ];
    let rules = schema.as_object().ok_or_else(|| format!("{at}: a schema is an object"))?;
    let ensure = |holds: bool, why: String| if holds { Ok(()) } else { Err(format!("{at}: {why}")) };
    for rule in rules.keys().filter(|rule| *rule != "minimum") {
        ensure(RULES.contains(&rule.as_str()), format!("this test does not know `{rule}`"))?;
    }
    if let Some(reference) = rules.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).ok_or_else(|| format!("{at}: no {reference}"))?;
        return check(root, target, value, at, used);
    }
    if let Some(choices) = rules.get("oneOf").and_then(Value::as_array) {
        let mut fitting = 0;
        for choice in choices {
            let mut mine = Used::new();
            if check(root, choice, value, at, &mut mine).is_ok() {
                fitting += 1;
                used.append(&mut mine);
            }
        }
        ensure(fitting == 1, format!("{value} fits {fitting} choices"))?;
    }
    if let Some(kind) = rules.get("type") {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed = kind == found || kind.as_array().is_some_and(|kinds| kinds.iter().any(|k| k == found));
        ensure(allowed, format!("{found} is not {kind}"))?;
    }
    if let Some(wanted) = rules.get("const") {
        ensure(wanted == value, format!("{value} is not {wanted}"))?;
    }
    if let Some(choices) = rules.get("enum").and_then(Value::as_array) {
        ensure(choices.contains(value), format!("{value} is none of {choices:?}"))?;
    }
    if let (Some(items), Some(values)) = (rules.get("items"), value.as_array()) {
        for (number, value) in values.iter().enumerate() {
            check(root, items, value, &format!("{at}[{number}]"), used)?;
        }
    }
    if let (Some(properties), Some(object)) = (rules.get("properties"), value.as_object()) {
        ensure(rules["additionalProperties"] == false, "unknown keys must be refused".to_owned())?;
        for required in rules.get("required").and_then(Value::as_array).into_iter().flatten() {
            ensure(object.contains_key(required.as_str().unwrap()), format!("{required} is missing"))?;
        }
        let title = rules.get("title").and_then(Value::as_str).ok_or_else(|| format!("{at}: no title"))?;
        for (key, value) in object {
            let property = properties.get(key).ok_or_else(|| format!("{at}: `{key}` is not described"))?;
            used.insert(format!("{title}.{key}"));
            check(root, property, value, &format!("{at}.{key}"), used)?;
        }
    }
    Ok(())
}

fn properties(schema: &Value, found: &mut Used) {
    match schema {
        Value::Object(object) => {
            if let (Some(title), Some(properties)) = (object.get("title"), object.get("properties")) {
                found.extend(properties.as_object().unwrap().keys().map(|key| format!("{}.{key}", title.as_str().unwrap())));
            }
            object.values().for_each(|value| properties(value, found));
        }
        Value::Array(all) => all.iter().for_each(|value| properties(value, found)),
        _ => {}
    }
}

/// A validator that is not ours, where one is installed (`pip install check-jsonschema`).
#[test]
fn a_foreign_validator_accepts_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report-v1.schema.json");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        std::process::Command::new("check-jsonschema").arg("--schemafile").arg(&schema).arg(&file).output()
    };
    let whole = text(Format::Json, &full(), &Style::default());
    let output = match run(&whole) {
        Ok(output) => output,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: check-jsonschema is not on PATH, the schema was checked by the structural test alone");
            return;
        }
        Err(e) => panic!("{e}"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let wrong = whole.replacen("\"blocked\"", "\"passed\"", 1);
    assert!(!run(&wrong).unwrap().status.success(), "an unknown outcome must not validate");
}

// Hostile text.

/// Text that tries to be something else: escapes, bidirectional controls, commands of a CI log, Markdown, JSON.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("\u{1b}]0;owned\u{7}".to_owned()),
        Just("\r\n::error::forged".to_owned()),
        Just("::add-mask::x".to_owned()),
        Just(" ::set-env name=PATH::/evil ".to_owned()),
        Just("##[add-path]/evil".to_owned()),
        Just("\u{202e}\u{2066}\u{200b}\u{feff}".to_owned()),
        Just("\u{85}\u{9b}31m".to_owned()),
        Just("](javascript:alert(1))|<img src=x>`````".to_owned()),
        Just("`".to_owned()),
        Just(" ".to_owned()),
        Just("\",\"outcome\":\"approved".to_owned()),
        "[a-z]{1,30}",
        any::<String>(),
    ];
    proptest::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

/// The report with this text in every place that holds a text from outside.
fn poisoned(text: &str) -> Report {
    let mut report = full();
    let own = || text.to_owned();
    report.policy.name = own();
    report.policy.proof = Proof::Signed { path: text.into(), sha256: sha256("m"), signers: vec![own()] };
    report.policy.revocations = swift(text, text);
    report.policy.site.groups = vec![own()];
    report.policy.layers = vec![(Layer::Overlay { group: own(), line: 1 }, text.into()), (Layer::Repository, text.into())];
    report.coverage.push(not_looked("path", text, text));
    let carrier = || Carrier { package: Package::new(Ecosystem::Npm, text), version: Some(own()) };
    for judgement in &mut report.verdicts {
        judgement.vendor = own();
        judgement.why = own();
        judgement.decided_by = own();
        judgement.rule.path = Some(text.into());
        judgement.attestation = Some(Attestation::Refused(unattested(text)));
        judgement.published = Some(Published::Differs(Mismatch {
            what: own(),
            digests: None,
            difference: Some(Difference { path: own(), change: Change::Missing }),
            place: Some(text.into()),
            part: Part::Own,
        }));
        judgement.help = vec![Help { command: Some(own()), note: Some(own()), entry: Some(own()) }];
        match &mut judgement.item {
            Item::Sighting(s) => {
                s.package = Some(Package::new(Ecosystem::Npm, text));
                s.version = Some(Version::parse(Scheme::SemVer, text));
                s.root = text.into();
                s.reached_by = vec![text.into()];
                s.executables = vec![Executable { path: text.into(), size: 1, digests: Err(Unmeasured::Link(own())) }];
                s.renamed = Some(own());
                s.brought_by = Some(carrier());
                s.state = State::Unreadable(Unmeasured::Io(own()));
                s.embedded_version = Some(own());
                s.claimed_version = Some(own());
            }
            Item::Mention(m) => {
                m.package = Package::new(Ecosystem::Npm, text);
                m.request = Request::Floating { text: own(), locked: false };
                m.location.path = text.into();
                m.brought_by = vec![own()];
            }
        }
        match &mut judgement.verdict {
            Verdict::Revoked { id, .. } => *id = own(),
            Verdict::Mismatched(m) => {
                m.what = own();
                m.difference = Some(Difference { path: own(), change: Change::Extra });
            }
            Verdict::Unverifiable(Why::Unmeasured { what, why }) => {
                *what = own();
                *why = Unmeasured::FileList(own());
            }
            Verdict::Unverifiable(Why::Undigested(why)) => *why = Unmeasured::Io(own()),
            Verdict::Unattested(why) => *why = unattested(text),
            Verdict::Unvetted { approved_versions, .. } => *approved_versions = vec![own()],
            Verdict::Waived { id, lifted, .. } => {
                *id = own();
                *lifted = own();
            }
            Verdict::Unverifiable(Why::UnknownVersion) | Verdict::Expired(_) | Verdict::Approved(_) => {}
        }
    }
    let mut findings = Vec::new();
    for code in Code::ALL {
        findings.push(Finding {
            channel: Some(Channel::Npm),
            places: vec![
                Place::Installed { path: text.into(), brought_by: Some(carrier()), remark: Some(own()) },
                Place::Repository {
                    location: Location { path: text.into(), line: Some(1) },
                    remark: Some(own()),
                    quote: quoted(text),
                },
            ],
            decided_by: Some(own()),
            rule: Some(Rule { layer: "manifest", path: Some(text.into()), line: Some(7), quote: quoted(text) }),
            since: Some(report.now),
            reference: Some(own()),
            help: vec![Help { command: Some(own()), note: Some(own()), entry: Some(own()) }, Help::note(text)],
            ..finding(*code, if findings.len() % 3 == 0 { Severity::Note } else { Severity::Error }, text, text)
        });
    }
    report.findings = findings;
    report.directives = directives(text);
    report.traces = traces(text);
    report
}

fn quoted(text: &str) -> Option<Quote> {
    Some(Quote { text: text.to_owned(), part: 0..text.len() })
}

/// Something of everything that repository content can tell a tool, and say of one.
fn directives(text: &str) -> Vec<Directive> {
    let own = || text.to_owned();
    let told = [
        Told::Command { event: own(), command: own() },
        Told::Server { name: own(), command: own() },
        Told::Endpoint { name: own(), address: own() },
        Told::BaseUrl { key: own(), address: own() },
        Told::Marketplace { name: own(), from: own() },
        Told::Permission { key: own(), value: own() },
        Told::HiddenText(Hidden::LookAlike { word: own(), characters: vec![own()] }),
        Told::HiddenText(Hidden::Bidi { characters: vec![own()] }),
        Told::HiddenText(Hidden::Comment { says: own() }),
    ];
    let location = Location { path: text.into(), line: Some(3) };
    told.into_iter()
        .map(|what| Directive {
            what,
            client: Some(own()),
            digest: sha256(text),
            location: location.clone(),
            quote: quoted(text),
        })
        .collect()
}

fn traces(text: &str) -> Vec<Trace> {
    let origins = [
        TraceOrigin::File(Location { path: text.into(), line: Some(3) }),
        TraceOrigin::Commit { id: Some(text.to_owned()), subject: text.to_owned() },
    ];
    let trace = |origin| Trace {
        tool: Some("gemini-cli".parse().unwrap()),
        model: Some(text.to_owned()),
        vendor: text.to_owned(),
        origin,
        quote: quoted(text),
    };
    origins.into_iter().map(trace).collect()
}

/// What no output may hold, whatever the input.
fn assert_inert(text: &str) {
    for c in text.chars().filter(|c| *c != '\n') {
        assert!(!vetted::text::is_deceptive(c), "{c:?} in\n{text:?}");
    }
    assert!(!text.contains("##["), "a command of a log in\n{text}");
}

fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_text_stays_text(hostile in hostile(), width in 20_usize..120, verbose in any::<bool>()) {
        let report = poisoned(&hostile);
        let detail = if verbose { Detail::Verbose } else { Detail::Normal };
        let style = Style { detail, ..Style { width, ..github_style() } };

        let human = text(Format::Human, &report, &style);
        assert_inert(&human);
        prop_assert!(!human.lines().any(is_command), "{}", human);

        let github = text(Format::Github, &report, &style);
        assert_inert(&github);
        let commands: Vec<&str> = github.lines().filter(|l| is_command(l)).collect();
        prop_assert_eq!(commands.len(), report.findings.len() + 2, "{}", github);
        for (line, finding) in commands.iter().zip(&report.findings) {
            let word = if finding.severity == Severity::Note { "::notice " } else { "::error " };
            prop_assert!(line.starts_with(word), "{}", line);
            // The properties of a command end at the next `::`: none of them may hold one.
            let (properties, _) = line[2..].split_once("::").unwrap();
            prop_assert!(properties.contains("title="), "{}", line);
        }
        prop_assert!(commands[report.findings.len()].starts_with("::stop-commands::vetted-"));

        let json = text(Format::Json, &report, &style);
        assert_inert(&json);
        prop_assert!(!json.lines().any(is_command));
        let value: Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(value["outcome"].as_str(), Some("blocked"));
        check(&schema(), &schema(), &value, "report", &mut Used::new()).unwrap();
        let mut strings = Vec::new();
        collect_strings(&value, &mut strings);
        for string in strings {
            prop_assert!(!string.chars().any(vetted::text::is_deceptive), "{:?}", string);
        }

        for format in [Format::Sarif, Format::Gitlab, Format::Junit] {
            let written = text(format, &report, &style);
            assert_inert(&written);
            prop_assert!(!written.lines().any(is_command), "{}", written);
            if format == Format::Junit {
                prop_assert_eq!(written.matches("<testcase ").count(), written.matches("</testcase>").count() + written.matches("\"/>").count());
                continue;
            }
            let value: Value = serde_json::from_str(&written).unwrap();
            let mut strings = Vec::new();
            collect_strings(&value, &mut strings);
            for string in strings {
                let lines: Vec<char> = string.chars().filter(|c| !matches!(c, '\n' | '\t')).collect();
                prop_assert!(!lines.into_iter().any(vetted::text::is_deceptive), "{:?}", string);
            }
        }

        let mut summary = Vec::new();
        render_summary(&report, &style, &mut summary).unwrap();
        let summary = String::from_utf8(summary).unwrap();
        assert_inert(&summary);
        prop_assert!(!summary.lines().any(is_command), "{}", summary);
        let rows = summary.lines().filter(|l| l.starts_with("| ")).count();
        prop_assert!(rows >= report.findings.len(), "{}", summary);
        prop_assert!(!summary.contains("](") || summary.contains("```"), "{}", summary);
    }
}

fn collect_strings<'a>(value: &'a Value, strings: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => strings.push(text),
        Value::Array(all) => all.iter().for_each(|v| collect_strings(v, strings)),
        // An entry to copy is several lines; each of them is looked at.
        Value::Object(object) => object.iter().for_each(|(key, v)| match v {
            Value::String(entry) if key == "entry" => strings.extend(entry.lines()),
            _ => collect_strings(v, strings),
        }),
        _ => {}
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_shown_and_kept() {
    use std::os::unix::ffi::OsStrExt as _;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(b"/home/u/caf\xe9\\n"));
    let mut case = revoked().into_iter().next().unwrap();
    case.sighting.root = path.clone();
    case.finding.as_mut().unwrap().places = vec![Place::Installed { path, brought_by: None, remark: None }];
    let report = report(Outcome::Blocked, Mode::Monitor, [case]);
    assert!(human(&report, &style(100)).contains("~/caf\\xe9\\n"));
    let json = json(&report);
    assert_eq!(json["verdicts"][0]["path"], "/home/u/caf\\xe9\\x5cn");
    assert_eq!(json["findings"][0]["locations"][0]["path"], "/home/u/caf\\xe9\\x5cn");
}
