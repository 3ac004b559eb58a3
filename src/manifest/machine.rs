//! `vetted-machine.toml`: which groups a machine belongs to.
//!
//! It is not signed. It is believed for its place, a policy folder that its administrator owns, and it can only choose among what
//! the signed manifest says of groups: overlays, which narrow, and the scopes of waivers.

/// The name of the file in a policy folder.
pub const MACHINE_FILE: &str = "vetted-machine.toml";

/// The model of `vetted-machine.toml`. A machine without the file belongs to no group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its groups, distinct, in file order.
    pub groups: Vec<String>,
}
