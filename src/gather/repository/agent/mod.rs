//! What agents are told: MCP servers, hooks, plugins, settings, and the texts that they take for instructions.

use super::Format;

pub(super) const FORMATS: &[Format] = &[];
