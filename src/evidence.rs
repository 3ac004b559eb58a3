//! What was observed, and nothing else: values made by `gather`, judged by `policy`.
//!
//! Evidence never says "good" or "bad". Where something could not be read it says so, because "not looked" must not become
//! "nothing there".

mod content;

pub use content::{Directive, Hidden, Integrity, Mention, Quote, Request, Role, Told, Trace, TraceOrigin};

use crate::digest::{Digest, DigestSet, TreeRefusal};
use crate::manifest::Shape;
use crate::source::Location;
use crate::tool::{Channel, Package, PackageVersion, ToolId};
use crate::version::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::path::PathBuf;

/// Everything one run observed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Tools found installed.
    pub sightings: Vec<Sighting>,
    /// Tools named by repository content.
    pub mentions: Vec<Mention>,
    /// What repository content tells AI tools to do.
    pub directives: Vec<Directive>,
    /// Words that say a tool or a model is or was used, and bring none.
    pub traces: Vec<Trace>,
    /// Oddities that are no tool: a dangling link, a place that could not be read.
    pub oddities: Vec<Oddity>,
    /// Where was looked, and where not.
    pub coverage: Vec<Coverage>,
    /// Whether the machine and, in a repository, everything its index holds was looked at: only then is what was not met unused.
    pub is_whole: bool,
}

/// A tool found installed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// Which tool.
    pub tool: ToolId,
    /// The package it came in, where one is known.
    pub package: Option<Package>,
    /// Its version, from metadata on disk or from the digest.
    pub version: Option<Version>,
    /// How it came here.
    pub channel: Channel,
    /// The package folder, `site-packages`, the extension folder, or the single file.
    pub root: PathBuf,
    /// What a whole measurement of it covers.
    pub extent: Extent,
    /// Names on `PATH`, links and launchers that lead to it, in the order found.
    pub reached_by: Vec<PathBuf>,
    /// The files that run: digested, largest first.
    pub executables: Vec<Executable>,
    /// What told that it is this tool.
    pub identified_by: Identification,
    /// The name it hides behind, when it is a copy under another name.
    pub renamed: Option<String>,
    /// The package that brought it, when nobody installed it by name.
    pub brought_by: Option<Carrier>,
    /// In which state its files are.
    pub state: State,
    /// The version its package claims, where the bytes of its program are those of another one: [`Sighting::version`] is then that
    /// of the bytes.
    pub claimed_version: Option<String>,
    /// A version named inside the executable that contradicts [`Sighting::version`]: a hint, because anybody can write it.
    pub embedded_version: Option<String>,
    /// Files that its runtime loads by itself and that belong to no package known by its content, such as a `.pth` in
    /// `site-packages`: what an approval of the tool does not speak of and what would run with it.
    pub strangers: Vec<PathBuf>,
    /// Files that an install script made on this machine, where an approval lets it: no release holds them, so nothing says what
    /// they are.
    pub built: Vec<PathBuf>,
    /// Answers to what approvals asked to have measured. Never kept between runs.
    #[serde(skip)]
    pub measurements: Vec<Measurement>,
}

/// What a whole measurement of a sighting covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// The root is a file.
    File,
    /// Everything below the root.
    Folder,
    /// Only these globs below the root: a Python distribution among others in `site-packages`.
    Members {
        /// What belongs to it.
        include: Vec<String>,
        /// What installers write differently from machine to machine.
        exclude: Vec<String>,
    },
    /// Exactly these files, wherever they lie: a model in a store that shares files among models.
    Files(Vec<Located>),
}

/// A file of a tool under the name by which the tool knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Located {
    /// `/`-separated, relative.
    pub name: String,
    /// Where its bytes lie.
    pub path: PathBuf,
}

/// A file that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Executable {
    /// Where.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its digests, or why there are none.
    pub digests: Result<DigestSet, Unmeasured>,
}

/// What told which tool it is, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Identification {
    /// The bytes are a known file of that tool.
    Digest,
    /// Package metadata beside the files.
    Metadata,
    /// The place: a folder only that tool's installer makes.
    Layout,
    /// Only the name of the file.
    Name,
}

/// The package that brought a tool nobody asked for by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// The package.
    pub package: Package,
    /// Its version.
    pub version: Option<String>,
}

/// In which state the files of a sighting are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// There.
    Present,
    /// The package is there, its program is a placeholder: the installer's script did not run or found no binary.
    Stub,
    /// The program is packed: string checks see nothing in it. Digests still decide.
    NotInspectable,
    /// Its files could not be read.
    Unreadable(Unmeasured),
}

/// Why something was not measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmeasured {
    /// The system refused.
    #[error("cannot read: {0}")]
    Io(String),
    /// Not a regular file.
    #[error("not a regular file but {0}")]
    NotAFile(&'static str),
    /// Too large for the budget of a check.
    #[error("{size} bytes is more than the {limit} that one file may have")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The budget.
        limit: u64,
    },
    /// Nearly all of it is holes: reading it would take long and say nothing.
    #[error("it claims {size} bytes, of which only {allocated} lie on the disk (a sparse file)")]
    Sparse {
        /// The size it claims, of one file or of all files of a tree.
        size: u64,
        /// What lies on the disk.
        allocated: u64,
    },
    /// Too many entries below a folder.
    #[error("the folder has more than {0} entries")]
    TooMany(usize),
    /// Too many bytes below a folder.
    #[error("the folder has more than {0} bytes")]
    TooManyBytes(u64),
    /// Folders in folders beyond the budget.
    #[error("the folder is more than {0} levels deep")]
    TooDeep(usize),
    /// Something in a tree that is neither a file nor a folder nor a link.
    #[error("`{}` is {kind}", crate::text::printable(path))]
    Special {
        /// Relative to the root.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A pattern of the approval that is no glob.
    #[error("`{}` is no pattern: {why}", crate::text::printable(pattern))]
    Pattern {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// The tree has names or entries that a directory hash cannot carry.
    #[error("{0}")]
    Tree(#[from] TreeRefusal),
    /// A symbolic link that the signed file list does not name.
    #[error("`{}` is a symbolic link that the approval does not list", crate::text::printable(.0))]
    Link(String),
    /// A symbolic link of the signed file list that leads elsewhere or is not there.
    #[error("the symbolic link `{}` is not the one the approval lists", crate::text::printable(.0))]
    LinkDiffers(String),
    /// A file with the setuid or setgid bit.
    #[error("`{}` runs with the rights of another user (setuid)", crate::text::printable(.0))]
    Setuid(String),
    /// A blob of a content-addressed store that does not hold what its name says.
    #[error("`{}` does not hold what its name says: its SHA-256 is {found}", crate::text::printable(name))]
    NotItsName {
        /// Its name.
        name: String,
        /// The SHA-256 of what it holds, hex.
        found: String,
    },
    /// One of several folders that a measurement covers could not be measured.
    #[error("in `{}`: {why}", crate::text::printable(path))]
    Below {
        /// Which.
        path: String,
        /// What came of it.
        why: Box<Unmeasured>,
    },
    /// A link of a model that leads out of the folder of its repository in the cache.
    #[error(
        "`{}` leads out of its repository's folder in the cache, to `{}`",
        crate::text::printable(name),
        crate::text::printable(target)
    )]
    LeadsOut {
        /// Relative to the root.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// This version cannot measure it, and why.
    #[error("{0}")]
    Unsupported(String),
    /// It changed while it was read.
    #[error("it changed while it was being read")]
    Changed,
    /// The file list of the approval cannot be used.
    #[error("the file list of the approval cannot be used: {0}")]
    FileList(String),
    /// The package in whose folder it is to be measured is not here. That is no question left open: an artifact of another package
    /// applies only where that package is.
    #[error("the package {0} is not here")]
    NoPackage(String),
}

fn not_kept<T, S: Serializer>(_: &T, _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom("what could not be looked at is tried anew in every run"))
}

/// What could not be measured is tried anew in every run: it is never kept.
impl Serialize for Unmeasured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        not_kept(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Unmeasured {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("what could not be measured is never kept"))
    }
}

/// The answer to one `installed` artifact of an approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was asked for.
    pub shape: Shape,
    /// In which package; `None` is the tool's own.
    pub package: Option<PackageVersion>,
    /// The digest of the file list it was compared with, where the approval has one. The list says which links may be there, so an
    /// answer holds only for approvals with the same one.
    pub list: Option<DigestSet>,
    /// What came out.
    pub result: Result<Digest, Unmeasured>,
    /// The first file that differs from the approval's list, where the digests differ and a list is there.
    pub difference: Option<Difference>,
    /// Package folders that the answer speaks of besides the tool's own: where it is the approved one, what lies in them is approved.
    pub covers: Vec<CoveredFolder>,
}

/// A package folder whose files a measurement compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredFolder {
    /// The folder. What lies in its own `node_modules` is not part of it.
    pub root: PathBuf,
    /// Globs of what was not compared, relative to the folder.
    pub except: Vec<String>,
}

/// The first file in which a tree differs from its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the root.
    pub path: String,
    /// In what way.
    pub change: Change,
}

/// In what way a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Other content.
    Changed,
    /// On the list, not on disk.
    Missing,
    /// On disk, not on the list.
    Extra,
}

/// Something that is no tool and yet worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Oddity {
    /// A link with the name of a tool that leads nowhere: what a failed installation leaves.
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Where it points.
        target: PathBuf,
        /// Whose name it has.
        tool: ToolId,
    },
    /// A file with the name of a tool that is something else or cannot be told.
    UnidentifiedName {
        /// The file.
        path: PathBuf,
        /// Whose name it has.
        tool: ToolId,
        /// What stands in the way.
        why: String,
    },
    /// A repository file that could not be read as what its name says.
    Unparsable {
        /// Which.
        location: Location,
        /// Why.
        why: String,
    },
}

/// One place that was to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// What is looked for there: `path`, `npm-global`, `uv-tools`, ...
    pub source: Cow<'static, str>,
    /// The place, where there is one.
    pub place: Option<PathBuf>,
    /// What came of it.
    pub outcome: CoverageOutcome,
}

/// What came of looking at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoverageOutcome {
    /// Looked at.
    Looked,
    /// Nothing of that kind is on this machine.
    Absent,
    /// It could not be looked at, and why. In enforce mode that leaves the run undecided. Never kept between runs.
    NotLooked(#[serde(serialize_with = "not_kept")] String),
    /// This version does not look there, and why. It is said, so that nobody takes it for clean; it stops nobody, because nothing
    /// the user could do would change it.
    Unsupported(String),
}
