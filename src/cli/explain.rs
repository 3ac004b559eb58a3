//! `vetted explain`: what a finding, a revocation, a waiver or a tool is.

use super::approve::{of_package, package_of};
use super::{Context, PolicyArgs, in_force, observe};
use crate::catalogue::Catalogue;
use crate::error::{Error, ExitStatus};
use crate::gather::repository::Which;
use crate::manifest::layer::{Layer, Narrowing};
use crate::manifest::{Lifts, Manifest, Revocation, Shape};
use crate::policy::{Code, Origin, Policy};
use crate::report::executables::{Executables, render_executables};
use crate::report::explanation::{
    Described, Standing, render_markdown, render_revocation, render_tool, render_waiver, render_withdrawn,
};
use crate::report::rule_texts::{FINDINGS, section};
use crate::text::printable;
use crate::tool::ToolId;
use crate::trust::Proof;
use crate::trust::document::{Loaded, load_file_list};
use std::io::{self, Write};

/// Explain a finding, a revocation, a waiver or a tool
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A finding's code, the id of a revocation or waiver of the policy in force, or a tool
    #[arg(value_name = "CODE|ID|TOOL")]
    topic: String,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when nothing has that name, or the policy that may know it cannot be loaded.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let mut out = context.printer.stdout();
    let topic = args.topic.trim();
    if let Some(code) = Code::from_name(topic) {
        let text = section(FINDINGS, code.name()).unwrap_or_else(|| code.summary());
        return done(render_markdown(text, &context.style(), &mut out).and_then(|()| out.flush()));
    }
    // A code needs no policy; everything else may stand in it.
    let loaded = args.policy.load(context);
    let catalogue = Catalogue::built_in();
    let policy = loaded.as_ref().ok().map(|loaded| policy(loaded, context));
    if let Some(policy) = &policy
        && let Some(result) = entry(policy, topic, context, &mut out)
    {
        return done(result.and_then(|()| out.flush()));
    }
    if let Some(tool) = tool(&catalogue, policy.as_ref().map(Policy::manifest), topic) {
        let (world, style) = (&context.world, context.style());
        let result = render_tool(tool, policy.as_ref(), &catalogue, world.env.os, &style, world.now, &mut out);
        let runs = loaded.as_ref().map(|loaded| executables(loaded, tool.id(), context)).unwrap_or_default();
        return done(result.and_then(|()| render_executables(&runs, &style, &mut out)).and_then(|()| out.flush()));
    }
    // What the policy would have known is not "unknown".
    let policy = match (loaded, policy) {
        (Ok(_), Some(policy)) => policy,
        (Ok(loaded), None) => Policy::new(loaded.manifest),
        (Err(error), _) => return Err(error.hint("codes of findings and tools of the catalogue are explained without a policy")),
    };
    let mut error = Error::usage(format!("nothing is called `{}`", printable(topic)));
    for near in nearest(topic, &names(&catalogue, &policy)) {
        error = error.hint(format!("`vetted explain {near}`"));
    }
    let error = of_package(error, &catalogue, package_of(topic).0);
    Err(error.hint("`vetted check` names the codes and ids of what it finds"))
}

/// A reader that goes away ends the output, not the program.
fn done(result: io::Result<()>) -> Result<ExitStatus, Error> {
    super::written(result)
}

/// The executable files that the lists of a tool's approvals name; approvals whose lists name none are left out.
fn executables(loaded: &Loaded, id: &ToolId, context: &Context) -> Vec<Executables> {
    let Some(folder) = loaded.documents() else { return Vec::new() };
    let manifest = loaded.manifest.get();
    let approvals = manifest.tools.iter().filter(|entry| entry.id == *id).flat_map(|entry| &entry.approvals);
    let mut all: Vec<Executables> = Vec::new();
    for approval in approvals {
        let lists = approval.installed().filter(|installed| matches!(installed.shape, Shape::Tree { .. }));
        for reference in lists.filter_map(|installed| installed.files.as_ref()) {
            let names = load_file_list(&context.world, folder, reference).map(|list| list.executables.into_iter().collect());
            let one = (approval.version.clone(), names);
            // Variants and layouts of a version mostly name the same ones.
            if one.1 != Ok(Vec::new()) && !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

/// The revocation or waiver with this id, rendered.
fn entry(policy: &Policy, id: &str, context: &Context, out: &mut dyn Write) -> Option<io::Result<()>> {
    let (style, now) = (context.style(), context.world.now);
    let manifest = policy.manifest();
    let is_it = |name: &str| name.eq_ignore_ascii_case(id);
    let is_this = |r: &&Revocation| is_it(&r.id) || r.aliases.iter().any(|alias| is_it(alias));
    let path = |origin: Origin<'_>| origin.path(policy).map(ToOwned::to_owned).unwrap_or_default();
    // Overlays of other groups are explained, too: their ids stand in waivers and in what colleagues see.
    let overlays: Vec<Narrowing> =
        manifest.overlays.iter().map(|overlay| Narrowing::of_overlay(path(Origin::Manifest), overlay)).collect();
    let lower = policy.layers().iter().filter(|narrowing| !narrowing.layer.is_of_manifest());
    let swift = policy.revocations_document().into_iter().flat_map(|document| &document.revocations);
    let found = manifest
        .revocations
        .iter()
        .map(|r| (r, Origin::Manifest))
        .chain(swift.map(|r| (r, Origin::Revocations)))
        .chain(overlays.iter().chain(lower).flat_map(|n| n.revocations.iter().map(move |r| (r, Origin::Layer(n)))))
        .find(|(revocation, _)| is_this(revocation));
    if let Some((revocation, origin)) = found {
        let mut standing = standing(policy, origin, revocation.line);
        standing.remarks.extend(remarks(policy, revocation, origin));
        let text = advisory(&revocation.id, policy.proof());
        return Some(render_revocation(revocation, &standing, text, &style, now, out));
    }
    if let Some(ended) = manifest.withdrawn.iter().find(|w| is_it(&w.id)) {
        let standing = standing(policy, Origin::Manifest, ended.line);
        return Some(render_withdrawn(&ended.id, &ended.reason, &standing, &style, out));
    }
    let waiver = manifest.waivers.iter().find(|w| is_it(&w.id))?;
    let mut standing = standing(policy, Origin::Manifest, waiver.line);
    if waiver.scope.as_ref().is_some_and(|scope| !scope.holds(policy.site())) {
        standing.remarks.push("it does not hold here: this repository or machine is outside of its scope".to_owned());
    }
    if !policy.freshness(now).approves() {
        standing.remarks.push("it lifts nothing now: the policy is older than it may be".to_owned());
    }
    for lift in &waiver.lifts {
        if let Lifts::Revocation(id) = lift
            && !policy.knows_revocation(id)
        {
            standing.remarks.push(format!("no document has the revocation {id}"));
        }
    }
    Some(render_waiver(waiver, &standing, &style, now, out))
}

/// The policy in force here; where a layer cannot be read, the documents by themselves: they are what is asked for.
fn policy(loaded: &Loaded, context: &Context) -> Policy {
    let world = &context.world;
    let repository = observe::repository(world).ok().flatten();
    in_force::policy(world, loaded, repository.as_ref(), &Which::Index).unwrap_or_else(|_| in_force::documents(loaded))
}

fn standing(policy: &Policy, origin: Origin<'_>, line: u32) -> Standing {
    let place = origin.path(policy).map(|path| (path.to_owned(), line));
    Standing { decided_by: origin.authority(policy), place, remarks: Vec::new() }
}

/// What keeps a revocation from having effect here.
fn remarks(policy: &Policy, revocation: &Revocation, origin: Origin<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    let ended = policy.manifest().withdrawn.iter().find(|w| w.id == revocation.id && origin.is_of_organisation());
    if let Some(ended) = ended {
        remarks.push(format!("line {} of the manifest withdraws it: {}", ended.line, ended.reason));
    }
    if let Origin::Layer(Narrowing { layer: Layer::Overlay { group, .. }, .. }) = origin
        && !policy.site().groups.contains(group)
    {
        remarks.push(format!("it is not in force here: this machine is not in the group {group}"));
    }
    remarks
}

/// The advisory text that is part of this program. Only for the built-in policy: an id in a policy of somebody else's is theirs.
fn advisory(id: &str, proof: &Proof) -> Option<&'static str> {
    const TEXTS: &[(&str, &str)] = &[("VETTED-2026-0001", include_str!("../../docs/advisories/VETTED-2026-0001.md"))];
    TEXTS.iter().find(|(known, _)| *known == id && *proof == Proof::BuiltIn).map(|(_, text)| *text)
}

/// The tool of this id: `claude-code`, or `claude-code@2.1.197` and `claude-code 2.1.197` as findings write it.
fn tool<'a>(catalogue: &'a Catalogue, manifest: Option<&'a Manifest>, topic: &str) -> Option<Described<'a>> {
    let id: ToolId = topic.split(['@', ' ']).next()?.parse().ok()?;
    if let Some(tool) = catalogue.tool(&id) {
        return Some(Described::Catalogue(tool));
    }
    let entry = manifest?.tools.iter().find(|entry| entry.id == id)?;
    entry.recognise.as_ref().map(|recognise| Described::Manifest(&entry.id, recognise))
}

fn names(catalogue: &Catalogue, policy: &Policy) -> Vec<String> {
    let manifest = policy.manifest();
    let codes = Code::ALL.iter().map(|code| code.name().to_owned());
    let revocations = policy.revocations().map(|(r, _)| r.id.clone());
    let withdrawn = manifest.withdrawn.iter().map(|w| w.id.clone());
    let waivers = manifest.waivers.iter().map(|w| w.id.clone());
    let tools = catalogue.tools().iter().map(|tool| tool.id.to_string());
    let own = manifest.tools.iter().filter(|t| t.recognise.is_some()).map(|t| t.id.to_string());
    codes.chain(revocations).chain(withdrawn).chain(waivers).chain(tools).chain(own).collect()
}

/// The three names that differ least, none that has little in common with what was typed. What begins with it comes first.
fn nearest(typed: &str, names: &[String]) -> Vec<String> {
    let typed = typed.to_lowercase();
    let long_enough = typed.chars().count() >= 3;
    let mut near: Vec<(usize, usize, &String)> = names
        .iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = match lower.find(&typed) {
                Some(0) if long_enough => 0,
                Some(_) if long_enough => 2,
                _ => distance(&typed, &lower),
            };
            (distance <= 1 + lower.chars().count() / 5).then_some((distance, lower.len(), name))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(.., name)| name.clone()).collect()
}

/// Levenshtein's distance.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::builtin::starter;

    /// What the built-in policy revokes, this program can say everything about.
    #[test]
    fn every_built_in_revocation_has_its_advisory() {
        for revocation in &starter().get().revocations {
            let text = advisory(&revocation.id, &Proof::BuiltIn).unwrap();
            assert!(text.starts_with(&format!("# {}", revocation.id)), "{text}");
        }
    }

    /// Every code has its heading, in the order of the program, and nothing else has one.
    #[test]
    fn every_code_has_its_heading() {
        let headings: Vec<&str> = FINDINGS.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, Code::ALL.iter().map(|code| code.name()).collect::<Vec<_>>());
        for code in Code::ALL {
            let text = section(FINDINGS, code.name()).unwrap();
            assert!(text.starts_with("## "), "{text}");
            assert_eq!(text.matches("\n## ").count(), 0, "{text}");
            let parts = ["**Means.**", "**Matters.**", "**Cannot know.**", "**Do.**", "**Example.**"];
            let found: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
            assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{}: {found:?}", code.name());
        }
    }

    /// The word in the example is the word in reports.
    #[test]
    fn examples_begin_as_reports_do() {
        for code in Code::ALL {
            let text = section(FINDINGS, code.name()).unwrap();
            let example = text.split("```text\n").nth(1).unwrap();
            let label = crate::report::words::label(*code);
            assert!(example.starts_with(&format!("{label}  ")), "{}: {example}", code.name());
        }
    }

    #[test]
    fn near_names_are_near() {
        let names: Vec<String> = ["revoked-tool", "renamed-tool", "claude-code", "amp"].map(str::to_owned).into();
        assert_eq!(nearest("revoked-tol", &names), ["revoked-tool"]);
        assert_eq!(nearest("claude", &names), ["claude-code"]);
        assert_eq!(nearest("tool", &names), ["renamed-tool", "revoked-tool"]);
        assert!(nearest("xyzzy", &names).is_empty());
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
