//! `vetted doctor`: a few sections of facts, each with what to think of it.

use super::Style;
use super::page::{Page, Value};
use super::palette::{BOLD, GREEN, PLAIN, RED, YELLOW};
use super::words::{count, shown, shown_path};
use std::io::{self, Write};
use std::path::PathBuf;

/// What to think of a section. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// Worth knowing.
    Look,
    /// To be repaired.
    Bad,
}

/// One fact behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A sentence.
    Text(String),
    /// A path and what is to be said of it.
    Path(PathBuf, String),
    /// A command, alone on its line.
    Command(String),
}

/// One part of the checkup.
#[derive(Debug, Clone)]
pub struct Section {
    /// What it is about.
    pub name: &'static str,
    /// What to think of it.
    pub health: Health,
    /// The fact that matters most.
    pub summary: String,
    /// The others, each behind a key.
    pub rows: Vec<(&'static str, Vec<Fact>)>,
}

/// Write the sections and, last, what to think of the whole.
///
/// # Errors
/// Those of `out`.
pub fn render(sections: &[Section], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour).with_keys(8);
    for section in sections {
        let colour = colour_of(section.health);
        let summary = shown(&section.summary);
        page.line(0, &[(colour, section.name)])?;
        page.prose(2, BOLD, &summary)?;
        for (key, facts) in &section.rows {
            let values: Vec<Value> = facts.iter().map(|fact| value(fact, style)).collect();
            page.row(key, &values)?;
        }
        page.gap()?;
    }
    let bad = sections.iter().filter(|s| s.health == Health::Bad).count() as u64;
    let look = sections.iter().filter(|s| s.health == Health::Look).count() as u64;
    let answer = match (bad, look) {
        (0, 0) => "vetted: everything is in place".to_owned(),
        (0, look) => format!("vetted: everything is in place, {look} to look at"),
        (bad, _) => format!("vetted: {} to repair", count(bad, "thing")),
    };
    let worst = sections.iter().map(|s| s.health).max().unwrap_or(Health::Good);
    page.segments(if worst == Health::Good { GREEN } else { colour_of(worst) }, &[answer])
}

fn colour_of(health: Health) -> anstyle::Style {
    match health {
        Health::Good => PLAIN,
        Health::Look => YELLOW,
        Health::Bad => RED,
    }
}

fn value(fact: &Fact, style: &Style) -> Value {
    match fact {
        Fact::Text(text) => Value::Prose(shown(text).into_owned()),
        Fact::Path(path, remark) => {
            let remark = (!remark.is_empty()).then(|| shown(remark).into_owned());
            Value::path(shown_path(path, style.home.as_deref()), remark)
        }
        Fact::Command(command) => Value::command(shown(command).into_owned(), None),
    }
}
