//! Whether the organisation approves what a file tells an AI tool to do, and what to write where it does not.

use super::{Scene, Weighed};
use crate::evidence::{Directive, Quote, Role, Told};
use crate::manifest::{Address, DirectiveApproval, DirectiveKind, Levelled};
use crate::policy::finding::{Help, Place};
use crate::text::is_deceptive;
use jiff::Timestamp;
use std::fmt::Write as _;

/// What the organisation's manifest says of a directive.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing<'a> {
    /// It approves it.
    Approved,
    /// It approves a server of this name for this client, and another definition of it.
    Changed(&'a DirectiveApproval),
    /// It does not speak of it.
    Unknown,
}

/// The kind of a directive, for those that can be approved.
pub(super) fn kind_of(told: &Told) -> Option<DirectiveKind> {
    Some(match told {
        Told::Command { .. } => DirectiveKind::AgentCommand,
        Told::Server { .. } => DirectiveKind::McpServer,
        Told::Endpoint { .. } => DirectiveKind::McpEndpoint,
        Told::BaseUrl { .. } => DirectiveKind::BaseUrl,
        Told::Marketplace { .. } => DirectiveKind::PluginMarketplace,
        Told::Permission { .. } => DirectiveKind::AgentPermission,
        Told::HiddenText(_) => return None,
    })
}

/// The name under which a directive stands: of a server, a variable, an event, a key.
pub(super) fn name_of(told: &Told) -> &str {
    match told {
        Told::Command { event, .. } => event,
        Told::Server { name, .. } | Told::Endpoint { name, .. } | Told::Marketplace { name, .. } => name,
        Told::BaseUrl { key, .. } | Told::Permission { key, .. } => key,
        Told::HiddenText(_) => "",
    }
}

/// What it is called in a finding: `github (cursor)`.
pub(super) fn subject_of(directive: &Directive) -> String {
    let name = name_of(&directive.what);
    directive.client.as_ref().map_or_else(|| name.to_owned(), |client| format!("{name} ({client})"))
}

/// Where a directive stands.
pub(super) fn place_of(directive: &Directive) -> Place {
    let (location, quote): (_, Option<Quote>) = (directive.location.clone(), directive.quote.clone());
    Place::Repository { location, remark: None, quote }
}

/// What the manifest says of a directive. Documents that may not be used any more approve nothing.
pub(super) fn standing<'a>(scene: &Scene<'a>, directive: &Directive) -> Standing<'a> {
    let Some(kind) = kind_of(&directive.what).filter(|_| scene.freshness.approves()) else { return Standing::Unknown };
    let here: Vec<&'a DirectiveApproval> =
        scene.policy.manifest().directives.iter().filter(|approval| speaks_of(scene, approval, directive)).collect();
    if here.iter().any(|approval| approval.kind == kind && approves(approval, directive)) {
        return Standing::Approved;
    }
    let is_server = |kind| matches!(kind, DirectiveKind::McpServer | DirectiveKind::McpEndpoint);
    let named = here.into_iter().find(|approval| is_server(kind) && is_server(approval.kind) && approval.name.is_some());
    named.map_or(Standing::Unknown, Standing::Changed)
}

/// Whether an approval is for this client, this name and this place.
fn speaks_of(scene: &Scene<'_>, approval: &DirectiveApproval, directive: &Directive) -> bool {
    let is_client = approval.client.is_none() || approval.client == directive.client;
    let is_name = approval.name.as_deref().is_none_or(|name| name == name_of(&directive.what));
    let scope = approval.scope.as_ref();
    let is_here = scope.is_none_or(|scope| scope.holds(scene.policy.site()) && scope.holds_for(&directive.location.path));
    is_client && is_name && is_here
}

/// Whether everything that an approval pins is met.
fn approves(approval: &DirectiveApproval, directive: &Directive) -> bool {
    let is_value = match (&approval.value, value_of(&directive.what)) {
        (None, _) => true,
        (Some(approved), Some(value)) => is_same_place(approved, value),
        (Some(_), None) => false,
    };
    let is_definition = approval.digest().is_none_or(|digest| digest == directive.digest);
    // An entry that pins nothing is refused where the manifest is read.
    (approval.value.is_some() || approval.sha256.is_some()) && is_value && is_definition
}

fn value_of(told: &Told) -> Option<&str> {
    match told {
        Told::Endpoint { address, .. } | Told::BaseUrl { address, .. } => Some(address),
        Told::Marketplace { from, .. } => Some(from),
        Told::Command { .. } | Told::Server { .. } | Told::Permission { .. } | Told::HiddenText(_) => None,
    }
}

/// An address by its parts; what is none, character by character.
fn is_same_place(approved: &str, found: &str) -> bool {
    match (Address::parse(approved), Address::parse(found)) {
        (Some(approved), Some(found)) => approved.holds(&found),
        _ => approved == found,
    }
}

/// A finding about a directive that nobody approved.
pub(super) fn unapproved<'a>(scene: &Scene<'a>, rule: Levelled, directive: &Directive, message: &str) -> Weighed<'a> {
    let what = (subject_of(directive), format!("{message}, and no directive approves that"));
    let mut weighed = scene.weigh(rule, true, what, Some(place_of(directive)));
    weighed.finding.help = approve(scene, directive).into_iter().collect();
    weighed
}

/// Whether a mention judges the package that a server starts.
pub(super) fn is_judged_as_tool(scene: &Scene<'_>, directive: &Directive) -> bool {
    let is_of = |role: &Role| matches!(role, Role::Server(name) if name == name_of(&directive.what));
    scene.evidence.mentions.iter().any(|mention| mention.location.path == directive.location.path && is_of(&mention.role))
}

/// The entry that would approve a directive.
pub(super) fn approve(scene: &Scene<'_>, directive: &Directive) -> Option<Help> {
    let kind = kind_of(&directive.what)?;
    let name = &scene.policy.manifest().header.name;
    let note = format!("where it is in order, a signer of {name} writes this into `vetted.toml`, with their name:");
    Some(Help::entry(note, entry(kind, directive, scene.now)))
}

fn entry(kind: DirectiveKind, directive: &Directive, now: Timestamp) -> String {
    let digest = directive.digest.hex();
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let mut text = "[[directive]]\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<8} = {value}");
    };
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    line("id", &quoted(&format!("D-{}", digest.get(..8).unwrap_or(&digest))));
    line("kind", &quoted(kind.name()));
    // What could deceive whoever copies it is left out: the digest pins it all the same.
    let is_plain = |text: &str| !text.is_empty() && text.len() <= 200 && !text.chars().any(is_deceptive);
    if let Some(client) = directive.client.as_deref().filter(|client| is_plain(client)) {
        line("client", &quoted(client));
    }
    let name = Some(name_of(&directive.what)).filter(|name| is_plain(name));
    if let Some(name) = name {
        line("name", &quoted(name));
    }
    let address = value_of(&directive.what).filter(|_| kind.has_value() && name.is_some()).and_then(Address::parse);
    match address {
        Some(address) => line("value", &quoted(&format!("{}{}", address.origin(), address.path))),
        None => line("sha256", &quoted(&digest)),
    }
    line("approved", &format!("{{ by = [\"NAME\"], at = {at} }}"));
    text
}
