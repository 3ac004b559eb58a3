//! `vetted doctor`: whether this machine is set up as its user believes.

use super::hook::HookStatus;
use super::{Context, PolicyArgs, in_force, observe};
use crate::catalogue::Catalogue;
use crate::error::{Error, ErrorKind, ExitStatus};
use crate::evidence::{Coverage, CoverageOutcome};
use crate::gather::repository::Which;
use crate::manifest::source::SOURCE_FILE;
use crate::manifest::{Header, Mode};
use crate::policy::{Freshness, Policy};
use crate::report::checkup::{Fact, Health, Section, render};
use crate::report::words::{ago, count, day, shown_path, span};
use crate::trust::Proof;
use crate::trust::document::{Loaded, load_policy};
use crate::trust::state::Store;
use crate::world::cache::CacheState;
use crate::world::git::Repository;
use jiff::Timestamp;
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
    let loaded = load_policy(&context.world, args.policy.policy.as_deref(), &args.policy.floors());
    let policy = match &loaded {
        Ok(loaded) => policy_in_force(loaded, args, context),
        // Mistyped arguments are no state of the machine.
        Err(error) if error.kind == ErrorKind::Usage => return loaded.map(|_| ExitStatus::Usage),
        Err(error) => policy_not_believed(error),
    };
    let (hooks, hooks_work) = hooks(context);
    let folder = match &loaded {
        Ok(loaded) => loaded.folder.clone(),
        Err(_) => super::sync::policy_folder(&context.world, args.policy.policy.as_deref()).ok(),
    };
    let mut sections = vec![policy];
    sections.extend(loaded.as_ref().ok().map(|loaded| memory(loaded, context)));
    sections.extend(folder.and_then(|folder| super::refresh::section(context, &folder)));
    sections.extend([hooks, cache(context), coverage(&looked_at(context, loaded.as_ref().ok()))]);
    let mut out = context.printer.stdout();
    super::written(render(&sections, &context.style(), &mut out).and_then(|()| out.flush()))?;
    Ok(match (loaded.is_ok(), hooks_work) {
        (false, _) => ExitStatus::Undecided,
        (true, false) => ExitStatus::Blocked,
        (true, true) => ExitStatus::Success,
    })
}

fn policy_in_force(loaded: &Loaded, args: &Args, context: &Context) -> Section {
    let (manifest, now) = (loaded.manifest.get(), context.world.now);
    let header = &manifest.header;
    let repository = observe::repository(&context.world).ok().flatten();
    // What keeps a layer from being read is said of itself; the documents are looked at all the same.
    let (policy, unread) = match in_force::policy(&context.world, loaded, repository.as_ref(), &Which::Index) {
        Ok(policy) => (policy, None),
        Err(error) => (in_force::documents(loaded), Some(error)),
    };
    let (mut health, age) = age_of(&policy, now);
    let mode = match policy.mode() {
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
    rows.push(("age", age));
    if let (Some(document), Some(proof)) = (policy.revocations_document(), policy.revocations_proof()) {
        rows.push(("refuses", refuses(&document.header, document.revocations.len(), proof)));
    }
    if let Some(trust) = &loaded.trust {
        let (trust, now) = (trust.get(), policy.instant(now));
        rows.push(("trust", vec![Fact::Text(format!("version {}, {}", trust.version, expiry(trust.expires, now)))]));
    }
    if loaded.folder.is_some() {
        rows.push(("groups", groups(loaded, context)));
    }
    rows.push(("layers", layers(&policy, unread.as_ref())));
    rows.push(("source", sources(loaded, context)));
    if unread.is_some() {
        health = Health::Bad;
    }
    let built_in = if loaded.folder.is_none() { " (built in)" } else { "" };
    Section { name: "policy", health, summary: format!("{} {}{built_in}", header.name, header.serial), rows }
}

/// Until when the documents may be used, and what to think of it.
fn age_of(policy: &Policy, clock: Timestamp) -> (Health, Vec<Fact>) {
    const SOON: i64 = 3 * 86_400;
    let (header, now) = (&policy.manifest().header, policy.instant(clock));
    let own = format!("issued {}, {}", ago(header.issued, now), expiry(header.expires, now));
    let (health, said) = match policy.freshness(clock) {
        Freshness::Fresh if header.expires.as_second() - now.as_second() < SOON => (Health::Look, None),
        Freshness::Fresh => (Health::Good, None),
        Freshness::Grace { document, until, .. } => {
            let left = span(until.as_second() - now.as_second());
            (Health::Look, Some(format!("in grace: {} has expired and counts for {left} more", document.file())))
        }
        Freshness::Stale { document, expired } => {
            let said = format!("{} expired {}: nothing is approved any more", document.file(), ago(expired, now));
            (Health::Bad, Some(said))
        }
        Freshness::ClockBehind { latest } => {
            let behind = span(latest.as_second() - clock.as_second());
            (
                Health::Bad,
                Some(format!("the clock is {behind} behind what a document states: nothing is approved until it is set")),
            )
        }
    };
    (health, [Some(own), said].into_iter().flatten().map(Fact::Text).collect())
}

fn expiry(expires: Timestamp, now: Timestamp) -> String {
    if expires <= now {
        format!("expired {}", ago(expires, now))
    } else {
        format!("expires {} ({})", day(expires, now), ago(expires, now))
    }
}

/// The revocations document: its serial, what it holds, who signed it.
fn refuses(header: &Header, number: usize, proof: &Proof) -> Vec<Fact> {
    let mut facts = vec![Fact::Text(format!("revocations {}: {}", header.serial, count(number as u64, "revocation")))];
    if let Proof::Signed { path, signers, .. } = proof {
        facts.push(Fact::Path(path.clone(), format!("signed by {}", signers.join(", "))));
    }
    facts
}

/// The groups of this machine, and the file that says them.
fn groups(loaded: &Loaded, context: &Context) -> Vec<Fact> {
    match in_force::machine(&context.world, loaded) {
        Ok((machine, Some(path))) if !machine.groups.is_empty() => {
            vec![Fact::Text(machine.groups.join(", ")), Fact::Path(path, "says so".to_owned())]
        }
        Ok((_, Some(path))) => vec![Fact::Text("none".to_owned()), Fact::Path(path, "would say them".to_owned())],
        Ok((_, None)) => vec![Fact::Text("none: no home folder is set to look for them in".to_owned())],
        Err(error) => error.causes.into_iter().map(Fact::Text).collect(),
    }
}

/// What narrows the manifest here.
fn layers(policy: &Policy, unread: Option<&Error>) -> Vec<Fact> {
    let narrowings = policy.layers().iter().map(|n| Fact::Path(n.path.clone(), n.layer.to_string()));
    let unread = unread.map(|error| Fact::Text(error.message.clone()));
    let facts: Vec<Fact> = narrowings.chain(unread).collect();
    if facts.is_empty() { vec![Fact::Text("none below the manifest".to_owned())] } else { facts }
}

/// Where newer documents are had from, in the order in which a sync asks: the manifest's addresses, then those of the local pin.
fn sources(loaded: &Loaded, context: &Context) -> Vec<Fact> {
    let of_manifest = loaded.manifest.get().sync.sources.clone();
    let (pin, unread) = match loaded.folder.as_deref().map(|folder| super::sync::read_pin(&context.world, folder)) {
        Some(Ok(pin)) => (pin, None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let both = super::sync::in_order(&of_manifest, pin.as_ref());
    let mut facts: Vec<Fact> = both
        .into_iter()
        .map(|address| {
            let from = if of_manifest.contains(&address) { "manifest" } else { SOURCE_FILE };
            Fact::Text(format!("{address} ({from})"))
        })
        .collect();
    facts.extend(unread.into_iter().flat_map(|error| error.causes).map(Fact::Text));
    if facts.is_empty() {
        facts.push(Fact::Text("none: nothing says where a newer policy is had from".to_owned()));
    }
    facts
}

/// What is remembered of the policy in force, so that an older one is noticed.
fn memory(loaded: &Loaded, context: &Context) -> Section {
    let section = |health, summary: String, rows| Section { name: "memory", health, summary, rows };
    if loaded.folder.is_none() {
        return section(Health::Good, "not needed: the built-in policy has no older issue here".to_owned(), Vec::new());
    }
    let store = Store::of(&context.world);
    let name = &loaded.manifest.get().header.name;
    let file = store.path(name).map(|path| ("file", vec![Fact::Path(path, String::new())]));
    let mut rows: Vec<_> = file.into_iter().collect();
    if !loaded.warnings.is_empty() {
        rows.push(("why", loaded.warnings.iter().cloned().map(Fact::Text).collect()));
        return section(Health::Bad, "nothing can be remembered here".to_owned(), rows);
    }
    let state = match store.load(name) {
        Ok(state) => state,
        Err(error) => {
            rows.push(("why", vec![Fact::Text(error.to_string())]));
            return section(Health::Bad, "what is remembered cannot be read".to_owned(), rows);
        }
    };
    let newest = [
        state.trust.as_ref().map(|mark| format!("trust {}", mark.version)),
        state.manifest.as_ref().map(|mark| format!("manifest {}", mark.serial)),
        state.revocations.as_ref().map(|mark| format!("revocations {}", mark.serial)),
    ];
    let newest: Vec<String> = newest.into_iter().flatten().collect();
    if newest.is_empty() {
        return section(Health::Look, "nothing is remembered yet: an older policy would be believed".to_owned(), rows);
    }
    if let Some(latest) = state.latest {
        rows.push(("clock", vec![Fact::Text(format!("not before {}", day(latest, context.world.now)))]));
    }
    section(Health::Good, format!("nothing older is believed than {}", newest.join(", ")), rows)
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

/// The hooks of the repository here, and whether they work. Outside of a repository there is nothing to work.
fn hooks(context: &Context) -> (Section, bool) {
    let here = context.world.env.current_dir();
    let section = |health, summary: String, rows| Section { name: "hooks", health, summary, rows };
    match Repository::discover(&context.world.env, here) {
        Ok(None) => (section(Health::Good, "not in a git repository".to_owned(), Vec::new()), true),
        Err(error) => {
            let rows = vec![("why", vec![Fact::Text(error.to_string())])];
            (section(Health::Bad, "the repository here cannot be opened".to_owned(), rows), false)
        }
        Ok(Some(repository)) if repository.work_tree().is_none() => {
            (section(Health::Good, "a bare repository: it has no commits of its own".to_owned(), Vec::new()), true)
        }
        Ok(Some(_)) => match super::hook::inspect(context) {
            Ok(HookStatus { is_effective, lines }) => {
                let mut lines = lines.into_iter();
                let summary = lines.next().unwrap_or_default();
                let mut rows = vec![("state", lines.map(Fact::Text).collect())];
                if !is_effective {
                    rows.push(("do", vec![Fact::Command("vetted hook install".to_owned())]));
                }
                (section(if is_effective { Health::Good } else { Health::Bad }, summary, rows), is_effective)
            }
            Err(error) => {
                let rows = vec![("why", error.causes.iter().map(|cause| Fact::Text(cause.clone())).collect())];
                (section(Health::Bad, error.message, rows), false)
            }
        },
    }
}

fn cache(context: &Context) -> Section {
    let world = &context.world;
    let path = observe::cache_path(world);
    let (health, summary) = match observe::cache(world).state() {
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

/// Where a check would look. What keeps it from looking is said by the other sections, so the rest is looked at without it.
fn looked_at(context: &Context, loaded: Option<&Loaded>) -> Vec<Coverage> {
    let repository = observe::repository(&context.world).ok().flatten();
    let under = |loaded: &Loaded| {
        let policy = in_force::policy(&context.world, loaded, repository.as_ref(), &Which::Index);
        observe::catalogue_under(&policy.unwrap_or_else(|_| in_force::documents(loaded)), context.world.now).ok()
    };
    let catalogue = loaded.and_then(under).unwrap_or_else(Catalogue::built_in);
    let measurer = observe::measurer(context);
    let found = observe::machine(context, &catalogue, &measurer, repository.as_ref());
    observe::keep(context, measurer);
    found.coverage
}

fn coverage(coverage: &[Coverage]) -> Section {
    let mut looked = 0;
    let (mut absent, mut closed, mut beyond) = (Vec::new(), Vec::new(), Vec::new());
    for place in coverage {
        let fact = |why: &str| match &place.place {
            Some(path) => Fact::Path(path.clone(), format!("{}: {why}", place.source)),
            None => Fact::Text(format!("{}: {why}", place.source)),
        };
        match &place.outcome {
            CoverageOutcome::Looked => looked += 1,
            CoverageOutcome::Absent => absent.push(&*place.source),
            CoverageOutcome::NotLooked(why) => closed.push(fact(why)),
            CoverageOutcome::Unsupported(why) => beyond.push(fact(why)),
        }
    }
    absent.sort_unstable();
    absent.dedup();
    let summary = match closed.len() {
        0 => format!("{} looked at", count(looked, "place")),
        n => format!("{} looked at, {n} could not be", count(looked, "place")),
    };
    let health = if closed.is_empty() { Health::Good } else { Health::Look };
    let mut rows = vec![("closed", closed), ("beyond", beyond)];
    if !absent.is_empty() {
        rows.push(("absent", vec![Fact::Text(absent.join(", "))]));
    }
    Section { name: "coverage", health, summary, rows }
}
