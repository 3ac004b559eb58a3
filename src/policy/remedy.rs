//! What to do about a verdict: the exact command for the way the tool was installed, or advice where no command fits.
//!
//! A command is text for a person to copy. Names and paths in it come from the machine, so a name that could deceive is never put
//! into a command; the advice then says what to do in words.

pub(super) mod written;

use super::finding::Help;
use super::rules::changed::ChangedTree;
use super::rules::{Case, Ruling};
use super::verdict::{Cooling, Effect, Item, Lacking, Mismatch, Unattested, Verdict, Why};
use super::{Freshness, Policy};
use crate::catalogue::{Catalogue, Tool};
use crate::evidence::{Carrier, Change, Mention, Sighting, Unmeasured};
use crate::manifest::{Revocation, Subject};
use crate::text::is_deceptive;
use crate::tool::{Channel, Ecosystem, Package};
use crate::trust::Proof;
use crate::trust::place::SETS_FOLDER;
use crate::trust::stored::StoredRefusal;
use crate::version::Containment;
use std::path::Path;

/// What to do about a ruling.
pub(super) fn remedy(case: &Case<'_>, catalogue: &Catalogue, ruling: &Ruling<'_>, effect: Effect) -> Vec<Help> {
    match &ruling.verdict {
        Verdict::Revoked { .. } => {
            let Some(revocation) = ruling.revocation else { return Vec::new() };
            match (case.sighting(), case.mention()) {
                (Some(sighting), _) => replace_installed(case, catalogue, sighting, revocation),
                (_, Some(mention)) => replace_mention(case, catalogue, mention, revocation),
                _ => Vec::new(),
            }
        }
        Verdict::Mismatched(mismatch) => {
            case.sighting().and_then(|s| install_again(s, case.tool, mismatch)).into_iter().collect()
        }
        Verdict::Unvetted { cooling: Some(cooling), .. } => vec![wait(case, *cooling)],
        Verdict::Unvetted { cooling: None, .. } if let Some(outer) = ruling.came_with => vec![put_right(outer)],
        Verdict::Unvetted { approved_versions, cooling: None } if effect == Effect::Block => {
            let approved = approved_versions.last().filter(|_| case.approvals().is_empty());
            let command = approved.zip(case.sighting()).and_then(|(version, s)| install(s, case.tool, version));
            command.into_iter().chain([ask_for_approval(case)]).collect()
        }
        // What is installed may well be in order: it is the policy folder that lacks something.
        Verdict::Unverifiable(Why::Unmeasured { why: Unmeasured::FileList(_), .. }) => vec![restore_policy(case)],
        Verdict::Unverifiable(_) => case
            .sighting()
            .map(|s| remove_file(s.executables.first().map_or(&s.root, |e| &e.path)))
            .map(|help| Help { note: Some("remove it, or install it again from its package".to_owned()), ..help })
            .into_iter()
            .collect(),
        Verdict::Expired(freshness) => renew(case.policy, *freshness).into_iter().collect(),
        Verdict::Unattested(why) => vec![attest(case, why)],
        Verdict::Unvetted { .. } | Verdict::Waived { .. } | Verdict::Approved(_) => Vec::new(),
    }
}

/// What to do before anything is said of what came with an installation that is not what was approved.
fn put_right(outer: &ChangedTree<'_>) -> Help {
    let note =
        format!("it comes with {}, which is not what was approved: put that right first, then run this again", outer.subject);
    match install_again(outer.sighting, outer.tool, &outer.mismatch) {
        Some(Help { command: Some(command), .. }) => Help { note: Some(note), ..Help::command(command) },
        _ => Help::note(note),
    }
}

/// What to do until a release is old enough.
fn wait(case: &Case<'_>, cooling: Cooling) -> Help {
    let name = &case.policy.manifest().header.name;
    Help::note(match cooling.until {
        Some(_) => format!("wait until then, or ask a signer of {name} for a waiver of `unvetted`"),
        None => format!("ask a signer of {name} to write down with the approval when it was `released`"),
    })
}

/// What brings back a file of the policy folder that is gone or another one.
fn restore_policy(case: &Case<'_>) -> Help {
    let is_of_set = |path: &Path| path.components().any(|part| part.as_os_str() == SETS_FOLDER);
    if case.policy.path().is_some_and(is_of_set) {
        let note = "brings the evidence of the policy anew; then run this again".to_owned();
        return Help { note: Some(note), ..Help::command("vetted sync") };
    }
    Help::note("put the file back as it was when the policy was signed")
}

/// The command that brings what an attestation lacks: the documents anew where a file of theirs is gone or another, else the approval
/// anew, with its evidence.
fn attest(case: &Case<'_>, why: &Unattested) -> Help {
    if let Lacking::Refused { refusal, .. } = &why.why
        && matches!(**refusal, StoredRefusal::Unreadable(_) | StoredRefusal::Swapped { .. })
    {
        return restore_policy(case);
    }
    let version = case.version().map(crate::version::Version::as_str).filter(|version| is_plain(version));
    let subject = version.map_or_else(|| case.tool.id.to_string(), |version| format!("{}@{version}", case.tool.id));
    let from = registry(case).unwrap_or("FILE");
    let command = format!("vetted approve {subject} --from {from}");
    match case.policy.proof() {
        Proof::BuiltIn => Help::command(command),
        Proof::Signed { .. } => {
            let name = &case.policy.manifest().header.name;
            Help::note(format!("ask a signer of {name} to approve it with its evidence: `{command}`"))
        }
    }
}

/// What makes documents that may not be used any more, or soon not, usable again.
pub(super) fn renew(policy: &Policy, freshness: Freshness) -> Option<Help> {
    let document = match freshness {
        Freshness::Fresh => return None,
        Freshness::ClockBehind { .. } => return Some(Help::note("set the clock of this machine")),
        Freshness::Grace { document, .. } | Freshness::Stale { document, .. } => document,
    };
    Some(if policy.has_source() {
        Help { note: Some("fetches newer documents; then run this again".to_owned()), ..Help::command("vetted sync") }
    } else {
        Help::note(format!("ask a signer of {} for a newer {}", policy.manifest().header.name, document.file()))
    })
}

/// What a signer does to approve it: from its registry, where it is known to come from one. What lies on one machine is pinned only
/// where no registry serves it.
fn ask_for_approval(case: &Case<'_>) -> Help {
    let subject = match case.version() {
        Some(version) if is_plain(version.as_str()) => format!("{}@{}", case.tool.id, version.as_str()),
        _ => case.tool.id.to_string(),
    };
    let way = registry(case).map_or_else(|| "--installed".to_owned(), |from| format!("--from {from}"));
    let command = format!("vetted approve {subject} {way}");
    match case.policy.proof() {
        Proof::BuiltIn => Help::command(command),
        Proof::Signed { .. } => {
            let name = &case.policy.manifest().header.name;
            Help::note(format!("ask a signer of {name} to approve it: `{command}`"))
        }
    }
}

/// The registry whose release of the tool this is: `npm` or `pypi`. None for what is another package than the one that `vetted approve
/// --from` would take: the first of the tool there, with its packages for platforms.
fn registry(case: &Case<'_>) -> Option<&'static str> {
    let package = match case.item {
        Item::Sighting(sighting) => sighting.package.as_ref()?,
        Item::Mention(mention) => &mention.package,
    };
    let (names, from) = match package.ecosystem {
        Ecosystem::Npm => (&case.tool.npm, "npm"),
        Ecosystem::Pypi => (&case.tool.pypi, "pypi"),
        _ => return None,
    };
    let position = names.iter().position(|name| *name == package.name);
    (!names.is_empty() && position.is_none_or(|position| position == 0)).then_some(from)
}

/// The command that puts something good in the place of a revoked tool.
fn replace_installed(case: &Case<'_>, catalogue: &Catalogue, sighting: &Sighting, revocation: &Revocation) -> Vec<Help> {
    if let Some(carrier) = &sighting.brought_by {
        return replace_carrier(catalogue, sighting, carrier, revocation);
    }
    if sighting.renamed.is_some() || sighting.channel == Channel::Path {
        return vec![remove_file(&sighting.root)];
    }
    let mut help = Vec::new();
    let own_version = own_replacement(case.tool, revocation).or_else(|| fixed_version(case, revocation));
    if let Some(version) = own_version {
        help.extend(install(sighting, case.tool, &version));
    } else {
        help.extend(remove(sighting, case.tool));
        help.extend(other_replacement(catalogue, revocation));
    }
    help
}

/// The replacement's version, when the replacement is the tool itself.
fn own_replacement(tool: &Tool, revocation: &Revocation) -> Option<String> {
    let replacement = revocation.replacement.as_ref().filter(|r| r.tool == tool.id)?;
    replacement.version.clone()
}

/// The version in which the range that covers the subject ends.
fn fixed_version(case: &Case<'_>, revocation: &Revocation) -> Option<String> {
    let version = case.version()?;
    let package = case.target(&[]).package;
    let of_tool = revocation.affected.iter().filter(|a| match &a.subject {
        Subject::Tool(id) => *id == case.tool.id,
        Subject::Package(name) => Some(name) == package,
        Subject::Vendor(_) | Subject::Model(_) => false,
    });
    of_tool
        .flat_map(|a| &a.ranges)
        .find(|range| range.position(version, case.scheme()) != Containment::Outside)
        .and_then(|range| range.fixed.clone())
}

fn other_replacement(catalogue: &Catalogue, revocation: &Revocation) -> Option<Help> {
    let replacement = revocation.replacement.as_ref()?;
    let tool = catalogue.tool(&replacement.tool)?;
    let version = replacement.version.as_deref();
    if let Some(name) = tool.npm.first() {
        let at = version.map_or_else(String::new, |v| format!("@{v}"));
        return Some(Help::command(format!("npm install -g {name}{at}")));
    }
    if let Some(name) = tool.pypi.first() {
        let at = version.map_or_else(String::new, |v| format!("=={v}"));
        return Some(Help::command(format!("pipx install {name}{at}")));
    }
    Some(Help::note(format!("use {} {} in its place", tool.id, version.unwrap_or_default()).trim_end().to_owned()))
}

/// A tool that came inside another package goes with that package, or with a release of it that brings a better one.
fn replace_carrier(catalogue: &Catalogue, sighting: &Sighting, carrier: &Carrier, revocation: &Revocation) -> Vec<Help> {
    let carrier_tool = catalogue.by_package(&carrier.package);
    let affected = carrier_tool.and_then(|tool| {
        let is_carrier = |s: &Subject| matches!(s, Subject::Tool(id) if *id == tool.id);
        revocation.affected.iter().find(|a| is_carrier(&a.subject)).map(|a| (tool, a))
    });
    let fixed = affected.and_then(|(tool, affected)| Some((tool, affected.ranges.first()?.fixed.clone()?)));
    if let Some((_, version)) = fixed {
        return install_package(sighting, &carrier.package, Some(&version)).into_iter().collect();
    }
    let update = install_package(sighting, &carrier.package, None).map(|help| Help {
        note: Some("it may bring the same version again: then remove it, or ask for a waiver".to_owned()),
        ..help
    });
    update.into_iter().chain(uninstall_package(sighting, &carrier.package)).collect()
}

/// What to write in the repository in the place of a revoked version.
fn replace_mention(case: &Case<'_>, catalogue: &Catalogue, mention: &Mention, revocation: &Revocation) -> Vec<Help> {
    let version = own_replacement(case.tool, revocation).or_else(|| fixed_version(case, revocation));
    let outermost = mention.brought_by.first();
    if let Some(outermost) = outermost {
        return vec![Help::note(format!("{outermost} brings it: update or remove {outermost}, and commit the lock file"))];
    }
    match version {
        Some(version) => vec![written::exact(mention, &version)],
        None => other_replacement(catalogue, revocation).into_iter().collect(),
    }
}

/// What to write in the place of a range.
pub(super) fn pin(mention: &Mention, approved: &[&str]) -> Vec<Help> {
    vec![approved.last().map_or_else(|| written::some_exact(mention), |version| written::exact(mention, version))]
}

/// The command that installs one version of a tool by the channel through which it came.
fn install(sighting: &Sighting, tool: &Tool, version: &str) -> Option<Help> {
    let package = sighting.package.clone().or_else(|| tool.packages().next());
    match sighting.channel {
        Channel::Native => {
            let note = format!("then install {version} with the vendor's installer");
            Some(Help { note: Some(note), ..remove_file(&sighting.root) })
        }
        Channel::Homebrew => {
            let (flag, name) = match tool.brew.first()?.split_once(':')? {
                ("cask", name) => ("--cask ", name),
                (_, name) => ("", name),
            };
            Some(Help::command(format!("brew upgrade {flag}{name}")))
        }
        // The platform's part of a tool is never installed by its own name.
        Channel::Npm | Channel::Pnpm | Channel::Bun | Channel::Yarn | Channel::Volta | Channel::NodeModules => {
            let main = tool.npm.first().map(|name| Package::new(Ecosystem::Npm, name));
            let known = package.filter(|p| tool.npm.iter().any(|name| *name == p.name));
            install_package(sighting, &known.or(main)?, Some(version))
        }
        _ => install_package(sighting, &package?, Some(version)),
    }
}

/// The command that makes an installation what was approved. Python's installers leave alone what has the version that is asked for,
/// and what they did not install.
fn install_again(sighting: &Sighting, tool: &Tool, mismatch: &Mismatch) -> Option<Help> {
    let help = install(sighting, tool, sighting.version.as_ref()?.as_str())?;
    if !matches!(sighting.channel, Channel::Pip | Channel::Venv | Channel::Pipx | Channel::UvTool) {
        return Some(help);
    }
    let is_extra = mismatch.difference.as_ref().is_some_and(|difference| difference.change == Change::Extra);
    if let Some(place) = mismatch.place.as_deref().filter(|_| is_extra) {
        return Some(Help { note: Some("no package has it; then run this again".to_owned()), ..remove_file(place) });
    }
    let command = help.command.map(|command| match sighting.channel {
        Channel::UvTool => command.replacen("tool install ", "tool install --reinstall ", 1),
        Channel::Pipx => command,
        _ => command.replacen("pip install ", "pip install --force-reinstall --no-deps ", 1),
    });
    Some(Help { command, ..help })
}

/// The command that installs a package by the channel of a sighting; without a version, the newest.
fn install_package(sighting: &Sighting, package: &Package, version: Option<&str>) -> Option<Help> {
    let name = &package.name;
    if !is_plain(name) || !version.is_none_or(is_plain) {
        return Some(Help::note("its name or version cannot be put into a command: remove it by hand"));
    }
    // A bare name lets npm choose by `engines`, and on an old Node.js it chooses a revoked one: always name the version or tag.
    let npm = format!("{name}@{}", version.unwrap_or("latest"));
    let pip = version.map_or_else(|| format!("--upgrade {name}"), |v| format!("{name}=={v}"));
    Some(match sighting.channel {
        Channel::Npm => Help::command(format!("npm install -g {npm}")),
        Channel::VersionManager if package.ecosystem == Ecosystem::Npm => Help::command(format!("npm install -g {npm}")),
        Channel::Pnpm => Help::command(format!("pnpm add -g {npm}")),
        Channel::Bun => Help::command(format!("bun add -g {npm}")),
        Channel::Yarn => Help::command(format!("yarn global add {npm}")),
        Channel::Volta => Help::command(format!("volta install {npm}")),
        Channel::NodeModules => Help::command(format!("npm install {npm}")),
        Channel::NpxCache => {
            let cache = sighting.root.ancestors().find(|a| a.parent().is_some_and(|p| p.ends_with("_npx")));
            let help = cache.map(remove_folder)?;
            Help { note: Some(format!("and write `npx {npm}` where it is started")), ..help }
        }
        Channel::Pip => Help::command(format!("python3 -m pip install {pip}")),
        Channel::Venv => {
            // lib/python3.x/site-packages -> the environment's own interpreter; Lib/site-packages on Windows.
            let environment = sighting.root.ancestors().find(|a| a.file_name().is_some_and(|n| n.eq_ignore_ascii_case("lib")));
            let python = environment.and_then(Path::parent).map(|e| e.join("bin/python"));
            Help::command(format!("{} -m pip install {pip}", python.as_deref().and_then(quoted)?))
        }
        Channel::Pipx => Help::command(match version {
            Some(v) => format!("pipx install --force {name}=={v}"),
            None => format!("pipx upgrade {name}"),
        }),
        Channel::UvTool => Help::command(match version {
            Some(v) => format!("uv tool install {name}=={v}"),
            None => format!("uv tool upgrade {name}"),
        }),
        Channel::UvCache => Help {
            note: Some(version.map_or_else(String::new, |v| format!("and write `uvx {name}=={v}` where it is started")))
                .filter(|note| !note.is_empty()),
            ..Help::command(format!("uv cache clean {name}"))
        },
        Channel::Editor => {
            let at = version.map_or_else(String::new, |v| format!("@{v}"));
            Help::command(format!("{} --install-extension {name}{at} --force", editor_of(&sighting.root)))
        }
        Channel::JetBrains => Help::note(format!("update the plugin {name} in Settings, Plugins")),
        Channel::Ollama => Help::command(format!("ollama rm {name}")),
        Channel::Native
        | Channel::Homebrew
        | Channel::HuggingFace
        | Channel::LmStudio
        | Channel::VersionManager
        | Channel::Path => remove_file(&sighting.root),
    })
}

/// The command that takes a package away by the channel of a sighting.
fn uninstall_package(sighting: &Sighting, package: &Package) -> Option<Help> {
    let name = &package.name;
    if !is_plain(name) {
        return None;
    }
    let command = match sighting.channel {
        Channel::Npm => format!("npm uninstall -g {name}"),
        Channel::Pnpm => format!("pnpm remove -g {name}"),
        Channel::Bun => format!("bun remove -g {name}"),
        Channel::Yarn => format!("yarn global remove {name}"),
        Channel::Volta => format!("volta uninstall {name}"),
        Channel::NodeModules => format!("npm uninstall {name}"),
        Channel::Pip => format!("python3 -m pip uninstall {name}"),
        Channel::Pipx => format!("pipx uninstall {name}"),
        Channel::UvTool => format!("uv tool uninstall {name}"),
        Channel::Editor => format!("{} --uninstall-extension {name}", editor_of(&sighting.root)),
        _ => return None,
    };
    Some(Help::command(command))
}

/// The command that takes a tool away where nothing replaces it.
fn remove(sighting: &Sighting, tool: &Tool) -> Option<Help> {
    let package = sighting.package.clone().or_else(|| tool.packages().next());
    match package.and_then(|package| uninstall_package(sighting, &package)) {
        Some(help) => Some(help),
        None if sighting.channel == Channel::Ollama => {
            let package = sighting.package.as_ref().filter(|p| is_plain(&p.name))?;
            Some(Help::command(format!("ollama rm {}", package.name)))
        }
        None => Some(remove_file(&sighting.root)),
    }
}

/// `rm FILE`, where the name can be put into a command.
pub(super) fn remove_file(path: &Path) -> Help {
    quoted(path).map_or_else(cannot_name, |path| Help::command(format!("rm {path}")))
}

fn remove_folder(path: &Path) -> Help {
    quoted(path).map_or_else(cannot_name, |path| Help::command(format!("rm -r {path}")))
}

fn cannot_name() -> Help {
    Help::note("remove it by hand: its name holds characters that do not belong in a command")
}

/// The command of the editor whose extension folder a path lies in.
fn editor_of(path: &Path) -> &'static str {
    const EDITORS: [(&str, &str); 8] = [
        (".vscode-insiders", "code-insiders"),
        (".vscode-server-insiders", "code-insiders"),
        (".vscodium", "codium"),
        (".cursor", "cursor"),
        (".windsurf", "windsurf"),
        (".windsurf-server", "windsurf"),
        (".antigravity", "antigravity"),
        (".trae", "trae"),
    ];
    let has = |name: &str| path.components().any(|c| c.as_os_str() == name);
    EDITORS.iter().find(|(folder, _)| has(folder)).map_or("code", |(_, command)| command)
}

/// Whether a text can stand in a command as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '/' | '.' | '_' | '-' | '+' | ':' | '~'))
}

/// A path as one word of a POSIX shell; `None` when it is not text or could deceive the reader.
fn quoted(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|t| !t.chars().any(is_deceptive))?;
    let text = &if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    if is_plain(text) { Some(text.clone()) } else { Some(format!("'{}'", text.replace('\'', r"'\''"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_or_none() {
        assert_eq!(quoted(Path::new("/a/b")).unwrap(), "/a/b");
        assert_eq!(quoted(Path::new("/a b/it's; rm -rf ~")).unwrap(), r"'/a b/it'\''s; rm -rf ~'");
        assert_eq!(quoted(Path::new("/a\u{1b}[2K")), None);
        assert_eq!(quoted(Path::new("-rf")).unwrap(), "./-rf");
    }
}
