//! What repository content says: which tools it would install or run, what it tells them to do, and which words say that one is used.

use crate::digest::{Digest, DigestSet};
use crate::source::Location;
use crate::tool::{Package, ToolId};
use crate::version::Version;

/// A tool named by repository content.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// Which tool.
    pub tool: ToolId,
    /// The package that names it.
    pub package: Package,
    /// What is asked for.
    pub request: Request,
    /// The lock's digests of the release, where any are given.
    pub integrity: Integrity,
    /// The file and line.
    pub location: Location,
    /// The path of packages that brings it, outermost first; empty when the repository names it itself.
    pub brought_by: Vec<String>,
    /// In which way it is named.
    pub role: Role,
    /// The line that names it, where one is known.
    pub quote: Option<Quote>,
}

/// The files of one version that a lock lets an installer take, each by its digests. npm's locks name one file; Python's name a file
/// for each platform, and which of them arrives is known only where it is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Integrity {
    files: Vec<DigestSet>,
    has_names: bool,
}

impl Integrity {
    /// No digest is given: nothing is compared.
    #[must_use]
    pub const fn none() -> Self {
        Self { files: Vec::new(), has_names: true }
    }

    /// The digests of these files, of which the lock says what each is.
    #[must_use]
    pub fn of_files(files: Vec<DigestSet>) -> Self {
        Self::of(files, true)
    }

    /// Digests of which the lock does not say what files they are of. One of them may be that of the source distribution: a release
    /// has one, and no approval pins it.
    #[must_use]
    pub fn of_nameless(files: Vec<DigestSet>) -> Self {
        Self::of(files, false)
    }

    fn of(mut files: Vec<DigestSet>, has_names: bool) -> Self {
        files.retain(|digests| !digests.is_empty());
        files.sort();
        files.dedup();
        Self { files, has_names }
    }

    /// The digests, a set for each file.
    #[must_use]
    pub fn files(&self) -> &[DigestSet] {
        &self.files
    }

    /// Every digest.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.files.iter().flat_map(DigestSet::iter)
    }

    /// Whether nothing is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether the lock says which file each digest is of.
    #[must_use]
    pub fn has_names(&self) -> bool {
        self.has_names
    }
}

/// The one file of a release.
impl From<DigestSet> for Integrity {
    fn from(digests: DigestSet) -> Self {
        Self::of_files(vec![digests])
    }
}

/// In which way repository content names a tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// A dependency, or a lock file's answer to one: whoever installs the project gets it.
    #[default]
    Dependency,
    /// A command of a script, workflow, container or configuration installs or runs it.
    Command,
    /// An MCP client starts it as a server of this name.
    Server(String),
    /// A step of a workflow.
    Action,
    /// An extension that an editor recommends or installs.
    Extension,
    /// An image or a feature of a container.
    Container,
    /// Weights that are kept in the repository or pointed at.
    Weights,
}

impl Role {
    /// The word in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::Command => "command",
            Self::Server(_) => "mcp-server",
            Self::Action => "action",
            Self::Extension => "extension",
            Self::Container => "container",
            Self::Weights => "weights",
        }
    }
}

/// A line of a repository file, with the part that a finding speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quote {
    /// The line without its end, at most [`Quote::LONGEST`] bytes of it.
    pub text: String,
    /// Bytes of `text` that are meant. Within it, and at the edges of characters.
    pub part: std::ops::Range<usize>,
}

impl Quote {
    /// The most bytes of a line that are kept.
    pub const LONGEST: usize = 512;
}

/// What a mention asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Exactly this version.
    Exact(Version),
    /// A range or tag that lets the next installation choose, as written.
    Floating {
        /// As written.
        text: String,
        /// Whether a lock file beside it says which version is meant.
        locked: bool,
    },
}

/// What repository content tells an AI tool to do: a command to run, a server to start or to talk to, an address to send to, a text to
/// read. It is no tool, and it decides what the tools do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What is told.
    pub what: Told,
    /// The tool that reads the file, as the catalogue or people call it: `claude-code`, `cursor`. None where any tool may.
    pub client: Option<String>,
    /// SHA-256 of the definition in compact JSON, or of the text where it is none: what an approval of it pins.
    pub digest: Digest,
    /// The file and line.
    pub location: Location,
    /// The line, where one is known.
    pub quote: Option<Quote>,
}

/// What a directive tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Run this command when something happens: a hook, a status line, a helper that prints a key.
    Command {
        /// When: `PreToolUse`, `SessionStart`, `statusLine`.
        event: String,
        /// The command line as written.
        command: String,
    },
    /// Start this MCP server.
    Server {
        /// Its name in the configuration.
        name: String,
        /// The command line, words joined by spaces.
        command: String,
    },
    /// Talk to this remote MCP server.
    Endpoint {
        /// Its name in the configuration.
        name: String,
        /// Its address as written.
        address: String,
    },
    /// Send what the user says and the code to this address in place of the vendor's.
    BaseUrl {
        /// The variable or key: `ANTHROPIC_BASE_URL`.
        key: String,
        /// The address as written.
        address: String,
    },
    /// Take plugins from this place.
    Marketplace {
        /// Its name.
        name: String,
        /// Where it lies, as written.
        from: String,
    },
    /// Act without asking.
    Permission {
        /// The key: `permissions.defaultMode`.
        key: String,
        /// Its value.
        value: String,
    },
    /// Read a text that people do not see as a tool reads it.
    HiddenText(Hidden),
}

/// How a text hides from people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hidden {
    /// Controls that turn the direction of writing: what is shown is not what is read (Unicode TR36, CVE-2021-42574).
    Bidi {
        /// The characters, as `U+202E`.
        characters: Vec<String>,
    },
    /// Characters without width.
    ZeroWidth {
        /// The characters, as `U+200B`.
        characters: Vec<String>,
    },
    /// Tag characters (U+E0000 to U+E007F) or variation selectors that spell a text.
    Tags {
        /// What they spell.
        spelled: String,
    },
    /// Letters of another script inside a word.
    LookAlike {
        /// The word.
        word: String,
        /// The letters in it that are of another script, as `U+0430`.
        characters: Vec<String>,
    },
    /// Instructions in a comment that no reader of the rendered page sees.
    Comment {
        /// What it says, clipped.
        says: String,
    },
}

/// A word that says a tool or a model is or was used. It brings none and proves nothing: revocations alone judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The tool, where the word tells it.
    pub tool: Option<ToolId>,
    /// The id of the model, where the word names one.
    pub model: Option<String>,
    /// Who makes the tool or the model, as the catalogue calls them.
    pub vendor: String,
    /// Where the word stands.
    pub origin: TraceOrigin,
    /// The line, where one is known.
    pub quote: Option<Quote>,
}

/// Where a trace stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceOrigin {
    /// In a file of the repository: a model's id in configuration or code.
    File(Location),
    /// In the message of a commit.
    Commit {
        /// The commit, hex; none while it is being made.
        id: Option<String>,
        /// Its subject line, clipped.
        subject: String,
    },
}
