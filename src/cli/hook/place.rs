//! Where git looks for a hook, what stands there, and whether it is this repository's to change.

use super::Target;
use super::shim::{Kind, Present};
use crate::error::Error;
use crate::text::{printable, printable_path};
use crate::world::World;
use crate::world::files::{EntryKind, FileError, Files};
use crate::world::git::{HooksFolder, Repository};
use std::path::{Path, PathBuf};

/// The largest hook that is read, in bytes.
const MAX_HOOK: u64 = 1 << 20;

/// A repository and the folder of its hooks.
pub(super) struct Place {
    repository: Repository,
    /// Where git runs its hooks from.
    pub(super) folder: HooksFolder,
}

impl Place {
    /// The repository that was meant.
    ///
    /// # Errors
    /// [`Error`] when there is none, or it cannot be read.
    pub(super) fn find(target: &Target, world: &World) -> Result<Self, Error> {
        let found = match &target.repository {
            Some(folder) => Repository::discover_from(&world.env.current_dir().join(folder)),
            None => Repository::discover(&world.env, world.env.current_dir()),
        };
        let repository = found
            .map_err(|e| Error::undecided("cannot read the repository").because(&e))?
            .ok_or_else(|| Error::usage("there is no git repository here").hint("name one with `--repository DIR`"))?;
        let folder =
            repository.hooks_folder(&world.env).map_err(|e| Error::undecided("cannot read git's configuration").because(&e))?;
        Ok(Self { repository, folder })
    }

    /// The hook that people expect here when they name none.
    pub(super) fn usual(&self) -> Kind {
        if self.is_bare() { Kind::PreReceive } else { Kind::PreCommit }
    }

    /// Whether nothing is committed here.
    pub(super) fn is_bare(&self) -> bool {
        self.repository.work_tree().is_none()
    }

    /// The file of a hook.
    pub(super) fn hook(&self, kind: Kind) -> PathBuf {
        self.folder.path.join(kind.name())
    }

    /// Where a hook that was there before is kept.
    pub(super) fn chained(&self, kind: Kind) -> PathBuf {
        self.folder.path.join(format!("{}.chained", kind.name()))
    }

    /// Whether a hook that was there before is kept.
    pub(super) fn has_chained(&self, kind: Kind, files: Files) -> bool {
        files.lstat(&self.chained(kind)).is_ok()
    }

    /// What stands at the hook's place.
    ///
    /// # Errors
    /// [`Error`] when that cannot be told.
    pub(super) fn present(&self, kind: Kind, files: Files) -> Result<Present, Error> {
        let hook = self.hook(kind);
        let wrong = |e: &FileError| Error::undecided("cannot read the hook that is there").because(e);
        match files.lstat(&hook) {
            Err(e) if e.is_not_found() => return Ok(Present::Nothing),
            Err(e) => return Err(wrong(&e)),
            Ok(stat) if stat.kind == EntryKind::Folder => {
                return Err(Error::usage(format!("`{}` is a folder", printable_path(&hook))));
            }
            // A link is somebody's own way of keeping hooks: never followed, never written through.
            Ok(stat) if stat.kind != EntryKind::File => return Ok(Present::Foreign),
            Ok(_) => {}
        }
        match files.read(&hook, MAX_HOOK) {
            Ok(content) => Ok(kind.recognise(content)),
            Err(FileError::TooLarge { .. }) => Ok(Present::Foreign),
            Err(e) => Err(wrong(&e)),
        }
    }

    /// Refuse a folder that is not this repository's own, where a hook would speak for others too, and one where the hook would
    /// never run.
    ///
    /// # Errors
    /// [`Error`] with the line to add by hand instead.
    pub(super) fn refuse_foreign_folder(&self, kind: Kind, program: &Path) -> Result<(), Error> {
        let hook = self.hook(kind);
        let line = format!("`{} {} || exit`", printable_path(program), kind.arguments());
        if self.is_bare() && kind.needs_work_tree() {
            let why = format!("this is a bare repository: nothing is committed in it, so no {} hook runs", kind.name());
            return Err(Error::usage(why).hint("what is pushed to it is checked by `vetted hook install --kind pre-receive`"));
        }
        if let Some(husky) = self.husky(kind) {
            return Err(Error::usage("husky owns the hooks of this repository and writes them anew at every installation")
                .hint(format!("add this line to `{}`: {line}", printable_path(&husky))));
        }
        let Some((value, source)) = &self.folder.configured else { return self.refuse_outside(&hook, &line) };
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
                .hint(format!("add this line to `{}`: {line}", printable_path(&hook)))
                .hint("or give this repository hooks of its own: `git config core.hooksPath \"$(git rev-parse --git-common-dir)/hooks\"`"));
        }
        self.refuse_outside(&hook, &line)
    }

    fn refuse_outside(&self, hook: &Path, line: &str) -> Result<(), Error> {
        let folder = canonical(&self.folder.path);
        let own = [Some(self.repository.common_dir()), Some(self.repository.git_dir()), self.repository.work_tree()];
        if own.into_iter().flatten().any(|root| folder.starts_with(canonical(root))) {
            return Ok(());
        }
        Err(Error::usage(format!("git runs the hooks in `{}`, which lies outside this repository", printable_path(&folder)))
            .hint(format!("add this line to `{}`: {line}", printable_path(hook))))
    }

    /// The user's own hook file, where husky runs it.
    pub(super) fn husky(&self, kind: Kind) -> Option<PathBuf> {
        let is_husky = self.folder.path.file_name().is_some_and(|name| name == "_")
            && ["h", "husky.sh"].iter().any(|file| Files.lstat(&self.folder.path.join(file)).is_ok());
        is_husky.then(|| self.folder.path.parent().map(|parent| parent.join(kind.name()))).flatten()
    }
}

/// Whether git would run this file.
pub(super) fn is_executable(path: &Path, files: Files) -> bool {
    files.stat(path).is_ok_and(|stat| stat.kind == EntryKind::File && (cfg!(windows) || stat.mode & 0o111 != 0))
}

/// Whether a hook that a person wrote has a line that runs this check.
pub(super) fn calls_vetted(hook: &Path, kind: Kind, files: Files) -> bool {
    let Ok(content) = files.read(hook, MAX_HOOK) else { return false };
    // `check`, and the option that says what of.
    let wanted: Vec<&str> = kind.arguments().split(' ').take(2).collect();
    String::from_utf8_lossy(&content).lines().any(|line| {
        let mut words = line.split_whitespace();
        let runs = words.next().is_some_and(|word| word == "vetted" || word.ends_with("/vetted"));
        let is_check = words.next() == Some(wanted[0]);
        // A line without an option looks at everything, which before a commit is more and not less.
        runs && is_check && (kind == Kind::PreCommit || words.any(|word| word == wanted[1]))
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
