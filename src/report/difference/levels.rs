//! Words for changes of levels and of what repository content may tell AI tools to do.

use super::{at, date};
use crate::manifest::difference::Change;
use crate::manifest::{DirectiveApproval, Level, Schedule, Scope};

/// A change as a sentence; empty for a change that is none of these.
pub(super) fn words(change: &Change) -> String {
    match change {
        Change::Level { group, rule, from, to } => {
            let unsaid = group.is_none().then(|| rule.default_level());
            let level = |schedule: &Option<Schedule>| level(schedule.as_ref(), unsaid);
            format!("{}level of {}: {} (was {})", at(group.as_deref()), rule.name(), level(to), level(from))
        }
        Change::Directive(directive) => format!("directive {}", directive_words(directive)),
        Change::DirectiveTerms { from, to } => format!("directive {}; before: {}", directive_words(to), terms(from)),
        _ => String::new(),
    }
}

fn level(schedule: Option<&Schedule>, unsaid: Option<Level>) -> String {
    match (schedule, unsaid) {
        (Some(schedule), _) => {
            let dated = [(Level::Warn, schedule.warn), (Level::Enforce, schedule.enforce)];
            let mut parts = vec![schedule.first.name().to_owned()];
            parts.extend(dated.into_iter().filter_map(|(level, from)| Some(format!("{level} from {}", date(from?)))));
            parts.join(", ")
        }
        (None, Some(level)) => format!("{level}, as where nothing is said"),
        (None, None) => "as everywhere".to_owned(),
    }
}

fn directive_words(directive: &DirectiveApproval) -> String {
    let ticket = directive.approved.ticket.as_ref().map(|ticket| format!(", {ticket}")).unwrap_or_default();
    let (by, on) = (directive.approved.by.join(" and "), date(directive.approved.at));
    format!("{}: {} (approved by {by} on {on}{ticket})", directive.id, terms(directive))
}

fn terms(directive: &DirectiveApproval) -> String {
    let name = directive.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let client = directive.client.as_ref().map(|client| format!(" of {client}")).unwrap_or_default();
    let value = directive.value.as_ref().map(|value| format!(" at {value}")).unwrap_or_default();
    let digest = directive.sha256.map(|sha256| format!(" defined as {}", &hex::encode(sha256)[..12])).unwrap_or_default();
    format!("{}{name}{client}{value}{digest}{}", directive.kind, place(directive.scope.as_ref()))
}

/// Where something holds: ` in github.com/acme/app on machines of lab for web/**`.
pub(super) fn place(scope: Option<&Scope>) -> String {
    let Some(scope) = scope else { return " everywhere".to_owned() };
    let parts = [(" in ", &scope.repositories), (" on machines of ", &scope.groups), (" for ", &scope.paths)];
    let named = parts.into_iter().filter(|(_, names)| !names.is_empty());
    let place = named.map(|(word, names)| format!("{word}{}", names.join(", "))).collect::<Vec<String>>().concat();
    if place.is_empty() { " everywhere".to_owned() } else { place }
}
