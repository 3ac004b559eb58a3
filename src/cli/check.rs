//! `vetted check`: gather, decide, report.

mod fix;

use super::observe::{self, Look};
use super::{Context, PolicyArgs, in_force, policy_lines, pushed};
use crate::error::{Error, ExitStatus};
use crate::gather::repository::{Which, trailer};
use crate::policy::{Outcome, Report, decide, point_to_fix};
use crate::report::github::{Fence, render_summary};
use crate::report::{self, Detail, Style};
use crate::tool::Platform;
use crate::trust::document::Loaded;
use crate::ui::Volume;
use crate::world::git::Repository;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Judge the AI tools on this machine and in this repository
///
/// Reads bytes on disk, executes nothing it finds and opens no socket. In a git repository the content of the index is judged,
/// never the work tree. Exit status: 0 approved, 1 blocked by policy, 2 usage, 3 could not decide.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(super) struct Args {
    /// Judge only what is staged: what the next commit changes
    #[arg(long, conflicts_with_all = ["range", "all", "message", "pushed"], help_heading = "Repository")]
    staged: bool,
    /// Judge only what these commits change, as it is in the last of them
    #[arg(long, value_name = "BASE..HEAD", conflicts_with_all = ["all", "pushed"], value_parser = parse_range, help_heading = "Repository")]
    range: Option<Range>,
    /// Judge everything the index holds (the default)
    #[arg(long, conflicts_with_all = ["message", "pushed"], help_heading = "Repository")]
    all: bool,
    /// Judge only the message of a commit that is being made: the trailers by which AI tools sign (a `commit-msg` hook)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["range", "pushed"], help_heading = "Repository")]
    message: Option<PathBuf>,
    /// Judge only what a push brings, each reference by itself, as git tells its `pre-push` and `pre-receive` hooks on standard input
    ///
    /// The machine is not looked at. A new branch is judged from where it leaves what the other side has. Where standard input says
    /// nothing, pre-commit's variables do, and else it is HEAD.
    #[arg(long, conflicts_with = "format", help_heading = "Repository")]
    pushed: bool,
    /// Look at the repository and not at the machine
    #[arg(long, help_heading = "Repository")]
    no_machine: bool,
    #[command(flatten)]
    fix: FixArgs,
    /// For people, for programs (`vetted/report/v1`), or for the services that show findings
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What is written.
#[derive(Debug, clap::Args)]
struct FixArgs {
    /// Pin what floats, is revoked or unvetted to the approved version, where the policy leaves no choice.
    ///
    /// The change is shown first and written to the work tree once it is agreed to; without a terminal it is only shown. Files whose
    /// work tree is not what was judged are left alone, and so are lock files. Nothing is staged, and the exit status stays that of
    /// what was judged.
    #[arg(long, conflicts_with_all = ["range", "message", "pushed"], help_heading = "Repository")]
    fix: bool,
    /// With `--fix`: write without asking
    #[arg(long, requires = "fix", help_heading = "Repository")]
    yes: bool,
}

impl Args {
    /// What it stops, where a hook of git's calls it.
    fn stops(&self) -> Option<&'static str> {
        match (self.pushed, self.staged || self.message.is_some()) {
            (true, _) => Some("push"),
            (false, true) => Some("commit"),
            (false, false) => None,
        }
    }

    /// Whether it runs before a commit.
    pub(super) fn is_hook(&self) -> bool {
        self.staged
    }

    /// The policy folder that is named.
    pub(super) fn named_folder(&self) -> Option<PathBuf> {
        self.policy.policy.clone()
    }
}

/// The largest message that is read, in bytes.
const MAX_MESSAGE: u64 = 16 << 20;

/// Two names of commits.
#[derive(Debug, Clone)]
struct Range {
    base: String,
    head: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text with the commands that fix what is wrong
    #[default]
    Human,
    /// One JSON document
    Json,
    /// Annotations of a GitHub Actions log, and the job summary where there is one
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit's XML, a case for each tool and finding
    Junit,
}

fn parse_range(text: &str) -> Result<Range, String> {
    match text.split_once("..") {
        Some((base, head)) if !base.is_empty() && !head.is_empty() && !head.starts_with('.') => {
            Ok(Range { base: base.to_owned(), head: head.to_owned() })
        }
        _ => Err("two commits with two dots between them: BASE..HEAD".to_owned()),
    }
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the policy is not believed, the repository cannot be read, or the report cannot be written. Never a pass.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let world = &context.world;
    let loaded = args.policy.load(context)?;
    if let Some(folder) = loaded.folder.clone() {
        // Set once: a check has one policy.
        let _ = context.judged.set(super::refresh::Judged { folder, rules: loaded.manifest.get().sync.clone() });
    }
    let repository = observe::repository(world)?;
    refuse(args, repository.as_ref())?;
    let wanted = match &repository {
        Some(repository) if args.pushed => pushed(repository, context)?,
        _ => vec![which(args, context)?],
    };
    let mut outcomes = Vec::new();
    for which in &wanted {
        outcomes.push(judge(args, context, (&loaded, repository.as_ref()), which)?);
    }
    Ok(if outcomes.contains(&Outcome::Undecided) {
        ExitStatus::Undecided
    } else if outcomes.contains(&Outcome::Blocked) {
        ExitStatus::Blocked
    } else {
        ExitStatus::Success
    })
}

/// What a push brings.
fn pushed(repository: &Repository, context: &Context) -> Result<Vec<Which>, Error> {
    let list = context
        .printer
        .piped_input(pushed::MAX_LIST)
        .map_err(|e| Error::undecided("cannot read what is pushed from standard input").because(&e))?;
    if u64::try_from(list.len()).unwrap_or(u64::MAX) > pushed::MAX_LIST {
        return Err(Error::undecided(format!("more than {} bytes say what is pushed", pushed::MAX_LIST))
            .hint("push fewer references at once"));
    }
    pushed::ranges(&list, repository, &context.world)
}

/// Judge one thing and say what came of it.
fn judge(
    args: &Args,
    context: &Context,
    (loaded, repository): (&Loaded, Option<&Repository>),
    which: &Which,
) -> Result<Outcome, Error> {
    let began = Instant::now();
    let world = &context.world;
    let policy = in_force::policy(world, loaded, repository, which)?;
    let catalogue = observe::catalogue_under(&policy, world.now)?;
    let platform = Platform::here();
    let look = Look { context, loaded, policy: &policy, catalogue: &catalogue, platform: &platform };
    let (evidence, policy) = look.evidence(repository, which, !args.no_machine && args.message.is_none() && !args.pushed)?;
    let mut report = decide(&policy, &catalogue, &evidence, &platform, world.now);
    policy_lines::add(&mut report, world.files);
    let plan = match repository {
        Some(repository) if is_of_index(which) && repository.work_tree().is_some() => {
            fix::Plan::make(&look, &policy, repository, (&evidence, &report))?
        }
        _ => fix::Plan::default(),
    };
    point_to_fix(&mut report, &plan.fixable());
    let root = repository.and_then(Repository::work_tree).map(Path::to_owned);
    write(args, context, &report, (began, root))?;
    let is_whole = match repository.filter(|_| args.fix.fix) {
        Some(repository) => fix::offer(&plan, context, &look, (repository, args.fix.yes))?,
        None => true,
    };
    Ok(if report.outcome == Outcome::Approved && !is_whole { Outcome::Undecided } else { report.outcome })
}

/// What an option asks for that is not here.
fn refuse(args: &Args, repository: Option<&Repository>) -> Result<(), Error> {
    let needs_one = args.stops().is_some() || args.range.is_some() || args.no_machine || args.fix.fix;
    if repository.is_none() && needs_one {
        return Err(Error::usage("there is no git repository here")
            .hint("run it inside one, or leave out `--staged`, `--range`, `--message`, `--pushed`, `--no-machine` and `--fix`"));
    }
    if args.fix.fix && repository.is_some_and(|repository| repository.work_tree().is_none()) {
        return Err(Error::usage("this repository has no work tree, so `--fix` has no files to write")
            .hint("run it in a clone that is checked out"));
    }
    Ok(())
}

/// Whether what is judged can be in the work tree as well.
fn is_of_index(which: &Which) -> bool {
    matches!(which, Which::Staged | Which::Index)
}

fn which(args: &Args, context: &Context) -> Result<Which, Error> {
    Ok(match (&args.message, &args.range, args.staged) {
        (Some(file), ..) => Which::Message(message_in(file, context)?),
        (None, Some(range), _) => Which::Range { base: range.base.clone(), head: range.head.clone() },
        (None, None, true) => Which::Staged,
        (None, None, false) => Which::Index,
    })
}

/// The message that git will record, of the file that it gives to its hook.
fn message_in(file: &Path, context: &Context) -> Result<String, Error> {
    let path = context.world.env.current_dir().join(file);
    let bytes = context.world.files.read(&path, MAX_MESSAGE).map_err(|error| {
        Error::usage("cannot read the message")
            .because(&error)
            .hint("git gives its `commit-msg` hook the file: `vetted check --message \"$1\"`")
    })?;
    Ok(trailer::without_comments(&String::from_utf8_lossy(&bytes)))
}

fn write(args: &Args, context: &Context, report: &Report, (began, repository): (Instant, Option<PathBuf>)) -> Result<(), Error> {
    let style = Style {
        // A hook says what matters and is otherwise silent about what passes.
        detail: match context.printer.volume {
            Volume::Normal if args.stops().is_some() => Detail::Brief,
            _ => context.style().detail,
        },
        stops: args.stops(),
        elapsed: context.world.elapsed(began),
        repository,
        fence: (args.format == Format::Github).then(|| context.world.random()).flatten().map(Fence::of_random),
        ..context.style()
    };
    let format = match args.format {
        Format::Human => report::Format::Human,
        Format::Json => report::Format::Json,
        Format::Github => report::Format::Github,
        Format::Sarif => report::Format::Sarif,
        Format::Gitlab => report::Format::Gitlab,
        Format::Junit => report::Format::Junit,
    };
    let mut out = context.printer.stdout();
    super::written(report::render(format, report, &style, &mut out).and_then(|()| out.flush()))?;
    if args.format == Format::Github
        && let Some(summary) = context.world.env.path("GITHUB_STEP_SUMMARY")
    {
        let mut text = Vec::new();
        // Writing to a vector cannot fail.
        let _ = render_summary(report, &Style { colour: false, ..style }, &mut text);
        let cannot = |e: &dyn std::error::Error| Error::undecided("cannot write the job summary").because(e);
        context.world.files.append(&summary, &text).map_err(|e| cannot(&e))?;
    }
    Ok(())
}
