//! `vetted policy explain`: what decided about a tool, and what every layer says of it.

use super::json::{RuleEntry, write_document};
use super::page::{Page, Value};
use super::palette::{BOLD, DIM, GREEN, PLAIN, RED, YELLOW};
use super::words::{day, shown, shown_path};
use super::{Style, json};
use crate::policy::{Account, Effect, Item, Judgement, Said};
use jiff::Timestamp;
use serde::Serialize;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

/// The name of the format for programs.
pub const SCHEMA: &str = "vetted/account/v1";

/// Write the accounts for people.
///
/// # Errors
/// Those of `out`.
pub fn render_human(accounts: &[Account], asked: &str, style: &Style, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour);
    for (number, account) in accounts.iter().enumerate() {
        if number > 0 {
            page.gap()?;
        }
        head(&mut page, account, asked, style, now)?;
        page.gap()?;
        for said in &account.layers {
            layer(&mut page, said, style)?;
        }
    }
    Ok(())
}

fn head(page: &mut Page<'_>, account: &Account, asked: &str, style: &Style, now: Timestamp) -> io::Result<()> {
    let Some(judgement) = &account.judgement else {
        page.line(0, &[(BOLD, &shown(asked)), (PLAIN, "  not here")])?;
        return page.row("why", &[Value::Prose("without a version nothing is judged: ask for TOOL@VERSION".to_owned())]);
    };
    let colour = match judgement.effect {
        Effect::Pass => GREEN,
        Effect::Warn | Effect::Undecided => YELLOW,
        Effect::Block => RED,
    };
    page.line(0, &[(colour, judgement.verdict.name()), (PLAIN, "  "), (BOLD, &shown(&subject(judgement)))])?;
    let place = match (&judgement.item, account.is_imagined) {
        (_, true) => Value::Prose("not here: this is what a repository that asks for it would meet".to_owned()),
        (Item::Sighting(sighting), _) => Value::path(shown_path(&sighting.root, style.home.as_deref()), None),
        (Item::Mention(mention), _) => {
            let line = mention.location.line.map(|l| format!(":{l}")).unwrap_or_default();
            Value::path(format!("{}{line}", shown_path(&mention.location.path, None)), None)
        }
    };
    page.row("where", &[place])?;
    page.row("effect", &[Value::Prose(effect(judgement.effect).to_owned())])?;
    page.row("why", &[Value::Prose(shown(&judgement.why).into_owned())])?;
    let since = judgement.since.map(|since| format!(", since {}", day(since, now))).unwrap_or_default();
    page.row("by", &[Value::Prose(format!("{}{since}", shown(&judgement.decided_by)))])?;
    let Some(path) = &judgement.rule.path else { return Ok(()) };
    let line = judgement.rule.line.map(|line| format!(":{line}")).unwrap_or_default();
    page.row("in", &[Value::path(format!("{}{line}", shown_path(path, style.home.as_deref())), None)])
}

fn layer(page: &mut Page<'_>, said: &Said, style: &Style) -> io::Result<()> {
    let file = said.path.as_deref().map(|path| shown_path(path, style.home.as_deref())).unwrap_or_default();
    let colour = if said.in_force { BOLD } else { DIM };
    let layer = shown(&said.layer);
    if layer.width() + 2 + file.width() <= page.width() {
        page.line(0, &[(colour, &layer), (DIM, "  "), (DIM, &file)])?;
    } else {
        page.prose(0, colour, &layer)?;
        page.line(2, &[(DIM, &file)])?;
    }
    if said.statements.is_empty() {
        return page.prose(2, DIM, "says nothing of it");
    }
    for statement in &said.statements {
        let line = statement.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let mark = if statement.decides { "> " } else { "  " };
        page.item(mark, &format!("{line}{}", shown(&statement.text)))?;
    }
    Ok(())
}

fn subject(judgement: &Judgement) -> String {
    match &judgement.item {
        Item::Sighting(s) => {
            format!("{} {}", s.tool, s.version.as_ref().map_or_else(|| "(version unknown)".to_owned(), ToString::to_string))
        }
        Item::Mention(m) => match &m.request {
            crate::evidence::Request::Exact(version) => format!("{} {version}", m.tool),
            crate::evidence::Request::Floating { text, .. } => format!("{} {text}", m.tool),
        },
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Pass => "it passes",
        Effect::Warn => "it passes, and is said",
        Effect::Undecided => "it cannot be decided, so the run does not pass",
        Effect::Block => "it blocks",
    }
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    now: Timestamp,
    accounts: Vec<AccountEntry>,
}

#[derive(Serialize)]
struct AccountEntry {
    subject: Option<String>,
    imagined: bool,
    path: Option<String>,
    verdict: Option<&'static str>,
    effect: Option<&'static str>,
    why: Option<String>,
    decided_by: Option<String>,
    rule: Option<RuleEntry>,
    layers: Vec<LayerEntry>,
}

#[derive(Serialize)]
struct LayerEntry {
    layer: &'static str,
    said_by: String,
    path: Option<String>,
    in_force: bool,
    statements: Vec<StatementEntry>,
}

#[derive(Serialize)]
struct StatementEntry {
    text: String,
    line: Option<u32>,
    decides: bool,
}

/// Write the accounts for programs.
///
/// # Errors
/// Those of `out`.
pub fn render_json(accounts: &[Account], now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let accounts = accounts.iter().map(AccountEntry::of).collect();
    write_document(&Document { schema: SCHEMA, now, accounts }, out)
}

impl AccountEntry {
    fn of(account: &Account) -> Self {
        let judgement = account.judgement.as_ref();
        let path = judgement.filter(|_| !account.is_imagined).map(|judgement| match &judgement.item {
            Item::Sighting(sighting) => json::exact_path(&sighting.root),
            Item::Mention(mention) => json::exact_path(&mention.location.path),
        });
        Self {
            subject: judgement.map(|j| shown(&subject(j)).into_owned()),
            imagined: account.is_imagined,
            path,
            verdict: judgement.map(|j| j.verdict.name()),
            effect: judgement.map(|j| json::effect(j.effect)),
            why: judgement.map(|j| shown(&j.why).into_owned()),
            decided_by: judgement.map(|j| shown(&j.decided_by).into_owned()),
            rule: judgement.map(|j| RuleEntry::of(&j.rule)),
            layers: account.layers.iter().map(LayerEntry::of).collect(),
        }
    }
}

impl LayerEntry {
    fn of(said: &Said) -> Self {
        let statement =
            |s: &crate::policy::Statement| StatementEntry { text: shown(&s.text).into_owned(), line: s.line, decides: s.decides };
        Self {
            layer: said.name,
            said_by: shown(&said.layer).into_owned(),
            path: said.path.as_deref().map(json::exact_path),
            in_force: said.in_force,
            statements: said.statements.iter().map(statement).collect(),
        }
    }
}
