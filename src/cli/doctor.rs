//! `vetted doctor`: whether this machine is set up as its user believes.

use super::scan::{cache_path, load_cache, look};
use super::{Context, PolicyArgs};
use crate::catalogue::Catalogue;
use crate::error::{Error, ErrorKind, ExitStatus};
use crate::evidence::{Coverage, CoverageOutcome};
use crate::manifest::Mode;
use crate::report::checkup::{Fact, Health, Section, render};
use crate::report::words::{ago, count, day, shown, shown_path, span};
use crate::trust::Proof;
use crate::trust::document::{Loaded, load_policy};
use crate::world::cache::CacheState;
use crate::world::files::Files;
use crate::world::git::Repository;
use std::io::Write as _;
use std::path::Path;

/// Say which policy is in force, whether the hooks work, and what is looked at
///
/// Exit status: 0 when everything is in place, 1 when the repository here has no working hook, 3 when the policy cannot be
/// loaded.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the output cannot be written, or a policy folder named on the command line holds none. A policy that cannot
/// be believed is part of the answer.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let loaded = load_policy(&context.world, args.policy.policy.as_deref());
    let policy = match &loaded {
        Ok(loaded) => policy_in_force(loaded, args, context),
        // Mistyped arguments are no state of the machine.
        Err(error) if error.kind == ErrorKind::Usage => return loaded.map(|_| ExitStatus::Usage),
        Err(error) => policy_not_believed(error),
    };
    let (hooks, hooks_work) = hooks(context);
    let sections = [policy, hooks, cache(context), coverage(&look(context, &Catalogue::built_in()).coverage)];
    let mut out = context.printer.stdout();
    super::written(render(&sections, &context.style(), &mut out).and_then(|()| out.flush()))?;
    Ok(match (loaded.is_ok(), hooks_work) {
        (false, _) => ExitStatus::Undecided,
        (true, false) => ExitStatus::Blocked,
        (true, true) => ExitStatus::Success,
    })
}

fn policy_in_force(loaded: &Loaded, args: &Args, context: &Context) -> Section {
    const SOON: i64 = 3 * 86_400;
    let (manifest, now) = (loaded.manifest.get(), context.world.now);
    let header = &manifest.header;
    let left = header.expires.as_second() - now.as_second();
    let (health, expiry) = if left <= 0 {
        (Health::Bad, format!("expired {}: it approves nothing any more", ago(header.expires, now)))
    } else if left < SOON {
        (Health::Look, format!("expires in {}", span(left)))
    } else {
        (Health::Good, format!("expires {}", day(header.expires, now)))
    };
    let mode = match manifest.mode {
        Mode::Monitor => "monitor: what is revoked blocks, what is not approved is listed and passes",
        Mode::Enforce => "enforce: what is revoked or not approved blocks",
    };
    let mut rows = vec![("why", why_this_policy(loaded, args, context)), ("mode", vec![Fact::Text(mode.to_owned())])];
    if let Proof::Signed { path, sha256, signers } = loaded.manifest.proof() {
        rows.push(("signed", vec![Fact::Text(format!("by {}", signers.join(", ")))]));
        rows.push(("file", vec![Fact::Path(path.clone(), format!("sha256 {}", sha256.short()))]));
    }
    let versions = manifest.tools.iter().map(|tool| tool.approvals.len() as u64).sum();
    let holds = [
        count(versions, "approval"),
        count(manifest.revocations.len() as u64, "revocation"),
        count(manifest.waivers.len() as u64, "waiver"),
    ];
    rows.push(("holds", vec![Fact::Text(holds.join(", "))]));
    rows.push(("age", vec![Fact::Text(format!("issued {}, {expiry}", ago(header.issued, now)))]));
    let built_in = if loaded.folder.is_none() { " (built in)" } else { "" };
    Section { name: "policy", health, summary: format!("{} {}{built_in}", header.name, header.serial), rows }
}

/// Why it is this policy and no other, in the order in which they are looked for.
fn why_this_policy(loaded: &Loaded, args: &Args, context: &Context) -> Vec<Fact> {
    let env = &context.world.env;
    let (machine, user) = (env.machine_policy(), env.user_policy());
    let shown = |folder: &Option<std::path::PathBuf>| {
        folder.as_deref().map_or_else(|| "none".to_owned(), |f| shown_path(f, env.home().as_deref()))
    };
    let of = |folder: &Path| loaded.folder.as_deref() == Some(folder);
    let text = if machine.as_deref().is_some_and(of) {
        let over = if args.policy.policy.is_some() { ", which outranks `--policy`" } else { "" };
        format!("it is the machine's own, {}{over}", shown(&machine))
    } else if args.policy.policy.as_deref().is_some_and(of) {
        format!("`--policy` names it; the machine's folder {} holds none", shown(&machine))
    } else if user.as_deref().is_some_and(of) {
        format!("it is the user's own, {}; the machine's folder {} holds none", shown(&user), shown(&machine))
    } else {
        format!("neither the machine's folder {} nor the user's {} holds one", shown(&machine), shown(&user))
    };
    vec![Fact::Text(text)]
}

fn policy_not_believed(error: &Error) -> Section {
    let causes = error.causes.iter().flat_map(|cause| cause.lines()).map(|line| Fact::Text(line.to_owned())).collect();
    let hints = error.hints.iter().map(|hint| Fact::Text(hint.clone())).collect();
    let rows = vec![("why", causes), ("do", hints)];
    Section { name: "policy", health: Health::Bad, summary: error.message.clone(), rows }
}

/// The hook of the repository here, and whether git runs the check before a commit. Outside of a repository there is nothing to
/// run.
fn hooks(context: &Context) -> (Section, bool) {
    let world = &context.world;
    let section = |health, summary: &str, rows| Section { name: "hooks", health, summary: summary.to_owned(), rows };
    let repository = match Repository::discover(&world.env, world.env.current_dir()) {
        Ok(None) => return (section(Health::Good, "not in a git repository", Vec::new()), true),
        Ok(Some(repository)) if repository.work_tree().is_none() => {
            return (section(Health::Good, "a bare repository: it has no commits of its own", Vec::new()), true);
        }
        Ok(Some(repository)) => repository,
        Err(error) => {
            let rows = vec![("why", vec![Fact::Text(error.to_string())])];
            return (section(Health::Bad, "the repository here cannot be opened", rows), false);
        }
    };
    let folder = match repository.hooks_folder(&world.env) {
        Ok(folder) => folder,
        Err(error) => {
            let rows = vec![("why", vec![Fact::Text(error.to_string())])];
            return (section(Health::Bad, "git's configuration cannot be read", rows), false);
        }
    };
    let path = folder.path.join("pre-commit");
    let (works, summary) = match hook_at(&path, world.files) {
        Hook::Ours => (true, "the check runs before every commit here"),
        Hook::Missing => (false, "no check runs before a commit here"),
        Hook::Foreign => (false, "another hook stands where the check should, and does not run it"),
        Hook::NotExecutable => (false, "the hook is there and not executable, so git passes over it"),
        Hook::Unreadable => (false, "the hook here cannot be read"),
    };
    let mut rows = vec![("hook", vec![Fact::Path(path, String::new())])];
    if let Some((value, source)) = folder.configured {
        let by = source.map_or_else(|| "the environment".to_owned(), |path| shown_path(&path, world.env.home().as_deref()));
        rows.push(("because", vec![Fact::Text(format!("core.hooksPath is `{}`, set by {by}", shown(&value)))]));
    }
    if !works {
        rows.push(("do", vec![Fact::Command("vetted hook install".to_owned())]));
    }
    (section(if works { Health::Good } else { Health::Bad }, summary, rows), works)
}

/// What git would do with the file at the place of a hook.
enum Hook {
    Ours,
    Missing,
    Foreign,
    NotExecutable,
    Unreadable,
}

fn hook_at(path: &Path, files: Files) -> Hook {
    const MAX_HOOK: u64 = 1 << 20;
    let stat = match files.stat(path) {
        Ok(stat) => stat,
        Err(error) if error.is_not_found() => return Hook::Missing,
        Err(_) => return Hook::Unreadable,
    };
    let Ok(content) = files.read(path, MAX_HOOK) else { return Hook::Unreadable };
    if !cfg!(windows) && stat.mode & 0o111 == 0 {
        return Hook::NotExecutable;
    }
    if runs_the_check(&String::from_utf8_lossy(&content)) { Hook::Ours } else { Hook::Foreign }
}

/// Whether a line of a hook, comments left out, runs `vetted check`: by name, by path, or by the variable of our own hook, where
/// a shell expects a command.
fn runs_the_check(hook: &str) -> bool {
    const BEFORE_A_COMMAND: [&str; 9] = ["exec", "command", "&&", "||", ";", "if", "then", "!", "{"];
    hook.lines().map(str::trim_start).filter(|line| !line.starts_with('#')).any(|line| {
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
        (0..words.len().saturating_sub(1)).any(|at| {
            let starts = at == 0 || BEFORE_A_COMMAND.contains(&words[at - 1]) || words[at - 1].ends_with(';');
            let program = words[at].rsplit(['/', '\\']).next().unwrap_or_default();
            starts && matches!(program, "vetted" | "vetted.exe" | "$vetted") && words[at + 1] == "check"
        })
    })
}

fn cache(context: &Context) -> Section {
    let world = &context.world;
    let path = cache_path(world);
    let (health, summary) = match load_cache(world).state() {
        CacheState::Off if world.env.is_ci() => (Health::Good, "off, because this is a CI runner".to_owned()),
        CacheState::Off if path.is_none() => (Health::Look, "off, because no home folder is set".to_owned()),
        CacheState::Off => (Health::Good, "off on this system".to_owned()),
        CacheState::Absent => (Health::Good, "on, empty so far".to_owned()),
        CacheState::Loaded(number) => (Health::Good, format!("on, {}", count(number as u64, "digest"))),
        CacheState::Ignored(why) => (Health::Look, format!("there and not believed: {why}; the next check writes it anew")),
    };
    let file = path.map(|path| {
        let size = world.files.stat(&path).map(|stat| format!("{} KiB", stat.size.div_ceil(1024))).unwrap_or_default();
        ("file", vec![Fact::Path(path, size)])
    });
    Section { name: "cache", health, summary, rows: file.into_iter().collect() }
}

fn coverage(coverage: &[Coverage]) -> Section {
    let mut looked = 0;
    let (mut absent, mut not_looked, mut beyond) = (Vec::new(), Vec::new(), Vec::new());
    for place in coverage {
        let fact = |why: &str| match &place.place {
            Some(path) => Fact::Path(path.clone(), format!("{}: {why}", place.source)),
            None => Fact::Text(format!("{}: {why}", place.source)),
        };
        match &place.outcome {
            CoverageOutcome::Looked => looked += 1,
            CoverageOutcome::Absent => absent.push(place.source),
            CoverageOutcome::NotLooked(why) => not_looked.push(fact(why)),
            CoverageOutcome::Unsupported(why) => beyond.push(fact(why)),
        }
    }
    absent.sort_unstable();
    absent.dedup();
    let summary = match not_looked.len() {
        0 => format!("{} looked at", count(looked, "place")),
        n => format!("{} looked at, {n} could not be", count(looked, "place")),
    };
    let health = if not_looked.is_empty() { Health::Good } else { Health::Look };
    let mut rows = vec![("closed", not_looked), ("beyond", beyond)];
    if !absent.is_empty() {
        rows.push(("absent", vec![Fact::Text(absent.join(", "))]));
    }
    Section { name: "coverage", health, summary, rows }
}

#[cfg(test)]
mod tests {
    use super::runs_the_check;

    #[test]
    fn a_hook_runs_the_check_or_does_not() {
        for hook in
            ["exec \"$vetted\" check --staged", "vetted check", "  /opt/bin/vetted check || exit 1", "test -x x && vetted check"]
        {
            assert!(runs_the_check(&format!("#!/bin/sh\n{hook}\n")), "{hook}");
        }
        for hook in ["# vetted check", "echo vetted", "vetted scan", "unvetted check", "echo run vetted check", ""] {
            assert!(!runs_the_check(&format!("#!/bin/sh\n{hook}\n")), "{hook}");
        }
    }
}
