//! `vetted hook`: put the check before every commit of a repository, take it out again, say whether it is in force.
//!
//! The installed file is a dozen lines of POSIX sh (`hooks/pre-commit`). It carries its own version and digest, so that an
//! older one can be renewed and one that somebody edited is left alone. A hook that was there before is kept under another name
//! and runs first; nothing is ever overwritten.

use super::Context;
use crate::digest::Digest;
use crate::error::{Error, ExitStatus};
use crate::text::{printable, printable_path};
use crate::world::World;
use crate::world::files::{EntryKind, FileError, Files};
use crate::world::git::{HooksFolder, Repository};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The hook as it is installed, with two places to fill.
const SHIM: &str = include_str!("../../hooks/pre-commit");
/// The version of [`SHIM`]; it stands in its second line.
const VERSION: u32 = 1;
/// How the second line begins.
const MARK: &str = "# vetted hook pre-commit, version ";
/// The hook's name.
const NAME: &str = "pre-commit";
/// The largest hook that is read, in bytes.
const MAX_HOOK: u64 = 1 << 20;

/// Put the check before every commit of a repository
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Install the pre-commit hook; a hook that is there already keeps running
    Install {
        #[command(flatten)]
        target: Target,
        /// Replace the hook although it was edited by hand
        #[arg(long)]
        overwrite_edited: bool,
    },
    /// Take the hook out and put back what was there before
    Uninstall(Target),
    /// Say which hook git runs before a commit; exits with 1 when it is not vetted's
    Status(Target),
}

#[derive(Debug, clap::Args)]
struct Target {
    /// The repository, by any folder in it; the one of the working directory without it
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the repository cannot be read or the hook cannot be changed safely; nothing is changed then.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    match &args.action {
        Action::Install { target, overwrite_edited } => {
            install(&Place::find(target, &context.world)?, *overwrite_edited, context)
        }
        Action::Uninstall(target) => uninstall(&Place::find(target, &context.world)?, context),
        Action::Status(target) => status(&Place::find(target, &context.world)?, context),
    }
}

/// Where git looks for the hook.
struct Place {
    repository: Repository,
    folder: HooksFolder,
    hook: PathBuf,
    /// Where a hook that was there before is kept.
    chained: PathBuf,
}

/// What stands at the hook's place.
enum Present {
    /// Nothing.
    Nothing,
    /// A hook of ours.
    Ours { version: u32, is_edited: bool, content: Vec<u8> },
    /// Another program's hook, or somebody's own.
    Foreign,
}

impl Place {
    fn find(target: &Target, world: &World) -> Result<Self, Error> {
        let found = match &target.repository {
            Some(folder) => Repository::discover_from(&world.env.current_dir().join(folder)),
            None => Repository::discover(&world.env, world.env.current_dir()),
        };
        let repository = found
            .map_err(|e| Error::undecided("cannot read the repository").because(&e))?
            .ok_or_else(|| Error::usage("there is no git repository here").hint("name one with `--repository DIR`"))?;
        let folder =
            repository.hooks_folder(&world.env).map_err(|e| Error::undecided("cannot read git's configuration").because(&e))?;
        let hook = folder.path.join(NAME);
        let chained = folder.path.join(format!("{NAME}.chained"));
        Ok(Self { repository, folder, hook, chained })
    }

    fn present(&self, files: Files) -> Result<Present, Error> {
        let wrong = |e: &FileError| Error::undecided("cannot read the hook that is there").because(e);
        match files.lstat(&self.hook) {
            Err(e) if e.is_not_found() => return Ok(Present::Nothing),
            Err(e) => return Err(wrong(&e)),
            Ok(stat) if stat.kind == EntryKind::Folder => {
                return Err(Error::usage(format!("`{}` is a folder", printable_path(&self.hook))));
            }
            // A link is somebody's own way of keeping hooks: never followed, never written through.
            Ok(stat) if stat.kind != EntryKind::File => return Ok(Present::Foreign),
            Ok(_) => {}
        }
        match files.read(&self.hook, MAX_HOOK) {
            Ok(content) => Ok(recognise(content)),
            Err(FileError::TooLarge { .. }) => Ok(Present::Foreign),
            Err(e) => Err(wrong(&e)),
        }
    }

    fn has_chained(&self, files: Files) -> bool {
        files.lstat(&self.chained).is_ok()
    }

    /// Whether the folder is this repository's own, so that a hook in it speaks for nobody else.
    fn refuse_foreign_folder(&self, program: &Path) -> Result<(), Error> {
        let line = format!("`{} check --staged || exit`", printable_path(program));
        if self.repository.work_tree().is_none() {
            return Err(Error::usage("this is a bare repository: nothing is committed in it, so no pre-commit hook runs"));
        }
        if let Some(husky) = self.husky() {
            return Err(Error::usage("husky owns the hooks of this repository and writes them anew at every installation")
                .hint(format!("add this line to `{}`: {line}", printable_path(&husky))));
        }
        let Some((value, source)) = &self.folder.configured else { return self.refuse_outside(&line) };
        let value = printable(value);
        let Some(source) = source else {
            return Err(Error::usage(format!("core.hooksPath is `{value}` in the environment only"))
                .hint("run this again in an environment that does not set it"));
        };
        let is_own_setting = [self.repository.git_dir(), self.repository.common_dir()]
            .into_iter()
            .any(|folder| canonical(source).starts_with(canonical(folder)));
        // A relative folder is another one in every repository.
        if !is_own_setting && (Path::new(&*value).is_absolute() || value.starts_with('~')) {
            return Err(Error::usage(format!("`{}` sets core.hooksPath to `{value}` for other repositories too", printable_path(source)))
                .hint(format!("add this line to `{}`: {line}", printable_path(&self.hook)))
                .hint("or give this repository hooks of its own: `git config core.hooksPath \"$(git rev-parse --git-common-dir)/hooks\"`"));
        }
        self.refuse_outside(&line)
    }

    fn refuse_outside(&self, line: &str) -> Result<(), Error> {
        let folder = canonical(&self.folder.path);
        let own = [Some(self.repository.common_dir()), Some(self.repository.git_dir()), self.repository.work_tree()];
        if own.into_iter().flatten().any(|root| folder.starts_with(canonical(root))) {
            return Ok(());
        }
        Err(Error::usage(format!("git runs the hooks in `{}`, which lies outside this repository", printable_path(&folder)))
            .hint(format!("add this line to `{}`: {line}", printable_path(&self.hook))))
    }

    /// The user's own hook file, where husky runs it.
    fn husky(&self) -> Option<PathBuf> {
        let is_husky = self.folder.path.file_name().is_some_and(|name| name == "_")
            && ["h", "husky.sh"].iter().any(|file| Files.lstat(&self.folder.path.join(file)).is_ok());
        is_husky.then(|| self.folder.path.parent().map(|parent| parent.join(NAME))).flatten()
    }
}

fn install(place: &Place, overwrite_edited: bool, context: &Context) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let program =
        context.world.env.program().ok_or_else(|| Error::undecided("the system does not tell where this program lies"))?;
    place.refuse_foreign_folder(program)?;
    let shim = render(program);
    let shown = printable_path(&place.hook);
    let said = match place.present(files)? {
        Present::Ours { content, .. } if content == shim => {
            files_executable(place, &shim, files)?;
            format!("the hook is installed: {shown}")
        }
        Present::Ours { version, .. } if version > VERSION => {
            return Err(Error::usage(format!("`{shown}` was installed by a newer vetted (hook version {version})"))
                .hint("run `vetted hook install` of that version"));
        }
        Present::Ours { is_edited: true, .. } if !overwrite_edited => {
            return Err(Error::usage(format!("`{shown}` was edited after vetted installed it"))
                .hint("to lose the edits: `vetted hook install --overwrite-edited`"));
        }
        Present::Ours { .. } => {
            write(place, &shim, files)?;
            format!("the hook is renewed: {shown}")
        }
        Present::Nothing => {
            files.create_folder(&place.folder.path).map_err(|e| cannot_write(&e))?;
            write(place, &shim, files)?;
            format!("the hook is installed: {shown}")
        }
        Present::Foreign => {
            if place.has_chained(files) {
                return Err(Error::usage(format!(
                    "`{shown}` is not vetted's, and `{}` is taken",
                    printable_path(&place.chained)
                ))
                .hint("look at both, and keep one of them as the hook"));
            }
            files.rename(&place.hook, &place.chained).map_err(|e| cannot_write(&e))?;
            if let Err(error) = write(place, &shim, files) {
                // Put it back: a repository without its own hook would be worse than one without ours.
                return Err(match files.rename(&place.chained, &place.hook) {
                    Ok(()) => error,
                    Err(e) => error
                        .cause(e.to_string())
                        .hint(format!("the hook that was there is now `{}`", printable_path(&place.chained))),
                });
            }
            format!("the hook is installed: {shown}; the one that was there runs first: {}", printable_path(&place.chained))
        }
    };
    context.printer.say(&said);
    Ok(ExitStatus::Success)
}

fn uninstall(place: &Place, context: &Context) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let shown = printable_path(&place.hook);
    let has_chained = place.has_chained(files);
    let said = match place.present(files)? {
        Present::Foreign => return Err(Error::usage(format!("`{shown}` is not vetted's; nothing was changed"))),
        Present::Ours { is_edited: true, .. } => {
            return Err(Error::usage(format!("`{shown}` was edited after vetted installed it; nothing was changed"))
                .hint("remove it by hand"));
        }
        Present::Nothing if !has_chained => format!("no hook is installed: {shown}"),
        Present::Nothing | Present::Ours { .. } if has_chained => {
            files.rename(&place.chained, &place.hook).map_err(|e| cannot_write(&e))?;
            format!("the hook is taken out; the one that was there before is back: {shown}")
        }
        Present::Nothing | Present::Ours { .. } => {
            files.remove(&place.hook).map_err(|e| cannot_write(&e))?;
            format!("the hook is taken out: {shown}")
        }
    };
    context.printer.say(&said);
    Ok(ExitStatus::Success)
}

/// Which hook git runs before a commit.
#[derive(Debug)]
pub(super) struct HookStatus {
    /// Whether it is vetted's, whole and executable.
    pub(super) is_effective: bool,
    /// What is known, one fact a line; the first names the file.
    pub(super) lines: Vec<String>,
}

/// Look at the hook of the repository of the working directory.
///
/// # Errors
/// [`Error`] when there is no repository, or it or the hook cannot be read.
pub(super) fn inspect(context: &Context) -> Result<HookStatus, Error> {
    look(&Place::find(&Target { repository: None }, &context.world)?, context.world.files)
}

fn status(place: &Place, context: &Context) -> Result<ExitStatus, Error> {
    let status = look(place, context.world.files)?;
    let mut out = context.printer.stdout();
    super::written(writeln!(out, "{}", status.lines.join("\n")).and_then(|()| out.flush()))?;
    Ok(if status.is_effective { ExitStatus::Success } else { ExitStatus::Blocked })
}

fn look(place: &Place, files: Files) -> Result<HookStatus, Error> {
    let mut lines = vec![format!("hook: {}", printable_path(&place.hook))];
    lines.push(match &place.folder.configured {
        None => "core.hooksPath: not set".to_owned(),
        Some((value, Some(source))) => format!("core.hooksPath: {} (set in {})", printable(value), printable_path(source)),
        Some((value, None)) => format!("core.hooksPath: {} (set in the environment)", printable(value)),
    });
    let mut is_effective = false;
    if place.repository.work_tree().is_none() {
        lines.push("state: not in force: a bare repository has no commits of its own".to_owned());
    } else if let Some(husky) = place.husky().filter(|husky| calls_vetted(husky, files)) {
        is_effective = true;
        lines.push(format!("state: in force: husky runs {}, which names it", printable_path(&husky)));
    } else {
        match place.present(files)? {
            Present::Nothing => lines.push("state: not installed".to_owned()),
            Present::Foreign => lines.push("state: not installed: another hook is there".to_owned()),
            Present::Ours { .. } if !is_executable(&place.hook, files) => {
                lines.push("state: not in force: the file is not executable, so git passes over it".to_owned());
            }
            Present::Ours { version, is_edited, content } => {
                is_effective = !is_edited;
                lines.push(match (is_edited, version == VERSION) {
                    (true, _) => format!("state: edited by hand since it was installed (version {version})"),
                    (false, true) => format!("state: in force, version {version}"),
                    (false, false) => {
                        format!("state: in force, version {version}; `vetted hook install` renews it to {VERSION}")
                    }
                });
                if let Some(program) = program_of(&content) {
                    let missing = if is_executable(&program, files) { "" } else { " (missing: vetted is looked for on PATH)" };
                    lines.push(format!("program: {}{missing}", printable_path(&program)));
                }
            }
        }
    }
    if place.has_chained(files) {
        let passed_over = if is_executable(&place.chained, files) { "" } else { " (not executable: passed over)" };
        lines.push(format!("runs first: {}{passed_over}", printable_path(&place.chained)));
    }
    Ok(HookStatus { is_effective, lines })
}

/// The hook for a program at this path.
fn render(program: &Path) -> Vec<u8> {
    let filled = replace(SHIM.as_bytes(), b"@VETTED@", &quoted(program));
    let digest = Digest::sha256_of(after_mark(&filled)).hex();
    replace(&filled, b"@DIGEST@", digest.as_bytes())
}

/// A path as one word of sh.
fn quoted(path: &Path) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in path.as_os_str().as_encoded_bytes() {
        if *byte == b'\'' {
            word.extend_from_slice(b"'\\''");
        } else {
            word.push(*byte);
        }
    }
    word.push(b'\'');
    word
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    match memchr::memmem::find(text, what) {
        Some(at) => [&text[..at], with, &text[at + what.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// What the digest in the second line speaks of: every line after it.
fn after_mark(content: &[u8]) -> &[u8] {
    let mut ends = memchr::memchr_iter(b'\n', content);
    ends.nth(1).map_or(&[], |end| &content[end + 1..])
}

/// Tell a hook of ours by its second line, and an edited one by the digest there.
fn recognise(content: Vec<u8>) -> Present {
    let second = content.split(|b| *b == b'\n').nth(1).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let Some((version, digest)) = second.strip_prefix(MARK).and_then(|rest| rest.split_once(", sha256 ")) else {
        return Present::Foreign;
    };
    let Ok(version) = version.parse() else { return Present::Foreign };
    let is_edited =
        !content.starts_with(b"#!/bin/sh\n") || digest.trim_end_matches('\r') != Digest::sha256_of(after_mark(&content)).hex();
    Present::Ours { version, is_edited, content }
}

/// The program that a hook of ours remembers.
fn program_of(content: &[u8]) -> Option<PathBuf> {
    let start = memchr::memmem::find(content, b"\nvetted='")? + b"\nvetted='".len();
    let end = memchr::memmem::find(&content[start..], b"'\nif ")? + start;
    let word = std::str::from_utf8(&content[start..end]).ok()?;
    Some(PathBuf::from(word.replace("'\\''", "'")))
}

fn write(place: &Place, shim: &[u8], files: Files) -> Result<(), Error> {
    files.write_atomic(&place.hook, shim, 0o755).map_err(|e| cannot_write(&e))
}

/// Git passes over a hook that is not executable.
fn files_executable(place: &Place, shim: &[u8], files: Files) -> Result<(), Error> {
    if is_executable(&place.hook, files) { Ok(()) } else { write(place, shim, files) }
}

fn cannot_write(error: &FileError) -> Error {
    Error::undecided("cannot change the hook").because(error)
}

fn is_executable(path: &Path, files: Files) -> bool {
    files.stat(path).is_ok_and(|stat| stat.kind == EntryKind::File && (cfg!(windows) || stat.mode & 0o111 != 0))
}

/// Whether a hook that a person wrote has a line that runs `vetted check`.
fn calls_vetted(hook: &Path, files: Files) -> bool {
    let Ok(content) = files.read(hook, MAX_HOOK) else { return false };
    String::from_utf8_lossy(&content).lines().any(|line| {
        let mut words = line.split_whitespace();
        let runs = words.next().is_some_and(|word| word == "vetted" || word.ends_with("/vetted"));
        runs && words.next() == Some("check")
    })
}

/// A path without links, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut head = path;
    loop {
        if let Ok(real) = Files.canonical(head) {
            return rest.iter().rev().fold(real, |whole, part| whole.join(part));
        }
        match (head.parent(), head.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                head = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn a_hook_of_ours_is_known_again_and_an_edit_is_seen() {
        for path in ["/usr/bin/vetted", "/opt/it's here/$(touch x)`y`/vetted", "/tmp/new\nline/vetted"] {
            let shim = render(Path::new(path));
            assert!(!["@VETTED@", "@DIGEST@"].iter().any(|place| memchr::memmem::find(&shim, place.as_bytes()).is_some()));
            let Present::Ours { version: VERSION, is_edited: false, .. } = recognise(shim.clone()) else { panic!("{path}") };
            assert_eq!(program_of(&shim), Some(PathBuf::from(path)));
            let edited = replace(&shim, b"|| exit", b"|| true");
            assert!(matches!(recognise(edited), Present::Ours { is_edited: true, .. }));
        }
        assert!(matches!(recognise(b"#!/bin/sh\nexec vetted check --staged\n".to_vec()), Present::Foreign));
        assert!(matches!(recognise(Vec::new()), Present::Foreign));
        assert!(render(Path::new(std::ffi::OsStr::from_bytes(b"/\xff/vetted"))).windows(3).any(|b| b == b"/\xff/"));
    }
}
