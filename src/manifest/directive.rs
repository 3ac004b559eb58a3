//! `[[directive]]`: the organisation's approval of something that repository content tells an AI tool to do.

use super::{Approved, Scope};
use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// An approval of what repository content tells an AI tool to do. Everything that it names has to be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectiveApproval {
    /// Unique.
    pub id: String,
    /// What kind of thing is told.
    pub kind: DirectiveKind,
    /// Only to this tool; `None` is whichever reads the file.
    pub client: Option<String>,
    /// Only under this name: of a server or a marketplace, the variable of a base URL, the event of a command, the key of a
    /// permission.
    pub name: Option<String>,
    /// The address or place.
    pub value: Option<String>,
    /// SHA-256 of the definition in compact JSON.
    pub sha256: Option<[u8; 32]>,
    /// Who approved it and when.
    pub approved: Approved,
    /// Only there; `None` is everywhere.
    pub scope: Option<Scope>,
    /// Line in the manifest.
    pub line: u32,
}

impl DirectiveApproval {
    /// The digest that the definition has to have, where one is pinned.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.sha256.map(Digest::Sha256)
    }
}

/// What kind of thing an approved directive tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectiveKind {
    /// An address in the place of the vendor's.
    BaseUrl,
    /// An MCP server on another machine.
    McpEndpoint,
    /// An MCP server that is started here.
    McpServer,
    /// A command that an AI tool runs by itself.
    AgentCommand,
    /// A place where an AI tool takes plugins from.
    PluginMarketplace,
    /// A setting that lets an AI tool act without asking.
    AgentPermission,
}

impl DirectiveKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::BaseUrl, Self::McpEndpoint, Self::McpServer, Self::AgentCommand, Self::PluginMarketplace, Self::AgentPermission];

    /// The word in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BaseUrl => "base-url",
            Self::McpEndpoint => "mcp-endpoint",
            Self::McpServer => "mcp-server",
            Self::AgentCommand => "agent-command",
            Self::PluginMarketplace => "plugin-marketplace",
            Self::AgentPermission => "agent-permission",
        }
    }

    /// Whether it is told by an address or place, which an approval can name in the place of a digest.
    #[must_use]
    pub fn has_value(self) -> bool {
        matches!(self, Self::BaseUrl | Self::McpEndpoint | Self::PluginMarketplace)
    }
}

impl std::fmt::Display for DirectiveKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
