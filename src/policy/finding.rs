//! Findings: what a person should read, with a code that has a heading in `docs/findings.md`.

use crate::evidence::{Carrier, Quote};
use crate::manifest::{Level, Levelled};
use crate::source::Location;
use crate::tool::ToolId;
use jiff::Timestamp;
use std::path::PathBuf;

macro_rules! codes {
    ($($variant:ident = $name:literal : $summary:literal),+ $(,)?) => {
        /// A finding's code. Codes are kebab-case, never reused, and each has a heading in `docs/findings.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $summary] $variant),+ }
        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The kebab-case name.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
            /// One sentence.
            #[must_use]
            pub fn summary(self) -> &'static str { match self { $(Self::$variant => $summary),+ } }
        }
    };
}

codes! {
    RevokedTool = "revoked-tool": "A tool that is present or asked for is revoked.",
    RevokedModel = "revoked-model": "A model that is present, asked for or named is revoked.",
    RevokedVendor = "revoked-vendor": "A tool that is present or asked for is of a vendor that is revoked.",
    RevokedUse = "revoked-use": "A commit says that it was made with something that is revoked.",
    MismatchedDigest = "mismatched-digest": "A tool's bytes are not the approved ones.",
    UnverifiableTool = "unverifiable-tool": "A tool is present and what would decide about it cannot be known.",
    UnattestedTool = "unattested-tool": "An attestation the manifest asks for is missing or refused.",
    EvidenceRefused = "evidence-refused": "Evidence that an approval names does not hold.",
    ExpiredApproval = "expired-approval": "The manifest that approves a tool has expired.",
    UnvettedTool = "unvetted-tool": "A tool is present or asked for and no approval names it.",
    Cooling = "cooling": "A tool is approved and its release is too young for the approval to count.",
    WaivedTool = "waived-tool": "A tool passes only because of a waiver.",
    AlteredRelease = "altered-release": "A tool that nobody approved is not what its registry published.",
    StrangerFile = "stranger-file": "A file beside a tool would be loaded by its runtime and belongs to no known package.",
    LocallyBuilt = "locally-built": "Files of a tool were made on this machine, and no release holds them.",
    HiddenText = "hidden-text": "A file that AI tools read holds text that people do not see.",
    McpServerChanged = "mcp-server-changed": "An MCP server is defined otherwise than it was approved.",
    McpServerUnapproved = "mcp-server-unapproved": "A local command that nobody approved is started as an MCP server.",
    McpServerUnpinned = "mcp-server-unpinned": "The next start of an MCP server chooses which version of it runs.",
    RemoteMcpEndpoint = "remote-mcp-endpoint": "An MCP server on another machine is used, and nobody approved it.",
    BaseUrlRedirected = "base-url-redirected": "What is said to an AI tool is sent to an address in the place of its vendor's.",
    AgentCommand = "agent-command": "A repository file has an AI tool run a command by itself.",
    AgentPermission = "agent-permission": "A repository file lets an AI tool act without asking.",
    PluginMarketplace = "plugin-marketplace": "A repository file adds a place from which an AI tool takes plugins.",
    UnapprovedWeights = "unapproved-weights": "Weights of a model are kept in the repository and no approval names them.",
    Carrier = "carrier": "A package that the repository asks for brings an AI tool inside.",
    FloatingVersion = "floating-version": "A version range or tag lets the next installation choose which version arrives.",
    RenamedTool = "renamed-tool": "A known tool lies on disk under another name.",
    VersionContradiction = "version-contradiction": "The version inside an executable is not the version its package claims.",
    StubInstall = "stub-install": "A tool's package is installed and its program is a placeholder.",
    DanglingLink = "dangling-link": "A link with a tool's name leads nowhere.",
    NotInspectable = "not-inspectable": "A tool's program is packed, so nothing can be read in it.",
    UnidentifiedName = "unidentified-name": "A file has a tool's name and could not be told to be that tool.",
    UnparsableFile = "unparsable-file": "A repository file could not be read as what its name says.",
    LayerWithoutEffect = "layer-without-effect": "A lower layer holds entries that only the organisation's manifest can hold.",
    ExpiredPolicy = "expired-policy": "The policy is older than it may be.",
    PolicyInGrace = "policy-in-grace": "The policy has expired and still counts for a time.",
    ClockBehind = "clock-behind": "The clock of this machine is behind a time that the policy states.",
    WaiverEndsSoon = "waiver-ends-soon": "A waiver that is in use here ends within seven days; one that runs no longer than that, within one day.",
    UnusedWaiver = "unused-waiver": "A waiver holds here and lifts nothing.",
    UnknownLift = "unknown-lift": "A waiver names a revocation that no document has.",
    UnusedApproval = "unused-approval": "An approval that nothing here uses.",
    NotCovered = "not-covered": "A place where tools may lie could not be looked at.",
}

impl Code {
    /// The code with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl From<Levelled> for Code {
    fn from(rule: Levelled) -> Self {
        match rule {
            Levelled::UnvettedTool => Self::UnvettedTool,
            Levelled::FloatingVersion => Self::FloatingVersion,
            Levelled::Carrier => Self::Carrier,
            Levelled::McpServerUnpinned => Self::McpServerUnpinned,
            Levelled::McpServerChanged => Self::McpServerChanged,
            Levelled::McpServerUnapproved => Self::McpServerUnapproved,
            Levelled::RemoteMcpEndpoint => Self::RemoteMcpEndpoint,
            Levelled::AgentCommand => Self::AgentCommand,
            Levelled::AgentPermission => Self::AgentPermission,
            Levelled::PluginMarketplace => Self::PluginMarketplace,
            Levelled::BaseUrlRedirected => Self::BaseUrlRedirected,
            Levelled::HiddenText => Self::HiddenText,
            Levelled::RevokedUse => Self::RevokedUse,
            Levelled::UnapprovedWeights => Self::UnapprovedWeights,
            Levelled::UnusedApproval => Self::UnusedApproval,
        }
    }
}

/// How much a finding matters to the run that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Worth a look.
    Warning,
    /// It blocks, or it kept the run from deciding.
    Error,
}

impl Severity {
    /// The word in reports (SARIF's levels).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something to do, or to know before doing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// A command to copy, alone on its line.
    pub command: Option<String>,
    /// A remark beside it, or advice where no command fits.
    pub note: Option<String>,
    /// An entry of the manifest to copy and to complete: TOML, in lines.
    pub entry: Option<String>,
}

impl Help {
    /// A command.
    #[must_use]
    pub fn command(command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), note: None, entry: None }
    }

    /// An entry of the manifest, and what is to be done with it.
    #[must_use]
    pub fn entry(note: impl Into<String>, entry: String) -> Self {
        Self { command: None, note: Some(note.into()), entry: Some(entry) }
    }

    /// A remark.
    #[must_use]
    pub fn note(note: impl Into<String>) -> Self {
        Self { command: None, note: Some(note.into()), entry: None }
    }
}

/// One place a finding speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Something on this machine.
    Installed {
        /// The executable, package folder or link.
        path: PathBuf,
        /// What brought it.
        brought_by: Option<Carrier>,
        /// Further remarks: `renamed: claude-code under the name notes`, `first difference: cli.js`.
        remark: Option<String>,
    },
    /// Something in the repository.
    Repository {
        /// File and line.
        location: Location,
        /// What is said of it: what brings it, or the text there where no line is quoted.
        remark: Option<String>,
        /// The line, where it is known.
        quote: Option<Quote>,
    },
    /// The message of a commit.
    Commit {
        /// The commit, hex; none while it is being made.
        id: Option<String>,
        /// Its subject line, clipped.
        subject: String,
        /// The line of the message, where it is known.
        quote: Option<Quote>,
    },
}

/// What a person should read: one for each cause, with every place it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which kind of finding.
    pub code: Code,
    /// How much it matters here.
    pub severity: Severity,
    /// What it speaks of: `claude-code 2.1.197`, a file name.
    pub subject: String,
    /// The tool it speaks of, where it is one.
    pub tool: Option<ToolId>,
    /// The level of its rule at this instant, where it has one.
    pub level: Option<Level>,
    /// The channel, where the subject is an installed tool.
    pub channel: Option<crate::tool::Channel>,
    /// Why, in one sentence.
    pub message: String,
    /// Where, each place once.
    pub places: Vec<Place>,
    /// Who decided, where a policy did.
    pub decided_by: Option<String>,
    /// Where what decided stands, where a reader has to look at it to act.
    pub rule: Option<super::Rule>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The revocation, waiver or approval, for `vetted explain`.
    pub reference: Option<String>,
    /// What to do.
    pub help: Vec<Help>,
}
