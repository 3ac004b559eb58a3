//! `vetted policy simulate`: what would change if a draft were in force.

use super::Style;
use super::json::write_document;
use super::page::Page;
use super::palette::{BOLD, DIM, GREEN, RED, YELLOW};
use super::words::{count, shown};
use serde::Serialize;
use std::io::{self, Write};

/// The name of the format for programs.
pub const SCHEMA: &str = "vetted/simulation/v1";

/// What would change, on each machine.
#[derive(Debug, Clone, Serialize)]
pub struct Simulation {
    /// The policy that is in force.
    pub in_force: String,
    /// The draft.
    pub draft: String,
    /// One for each machine, in the order of their names.
    pub machines: Vec<Machine>,
    /// What the answer does not say, one sentence each.
    pub limits: Vec<String>,
}

/// What would change on one machine.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Machine {
    /// What the machine is called.
    pub machine: String,
    /// What passes now and would be stopped.
    pub newly_stopped: Vec<Turn>,
    /// What is stopped now and would pass.
    pub newly_passing: Vec<Turn>,
    /// How many would be stopped as they are now.
    pub still_stopped: u64,
    /// How many would pass as they do now.
    pub still_passing: u64,
    /// How many verdicts go by the version alone, because the record has no measurement of their files.
    pub by_version_only: u64,
}

/// One tool whose lot would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Tool and version.
    pub subject: String,
    /// Where.
    pub place: String,
    /// The verdict now.
    pub before: String,
    /// The verdict under the draft.
    pub after: String,
    /// Why, under the draft.
    pub why: String,
    /// Whether either verdict goes by the version alone.
    pub by_version_only: bool,
}

/// Write the simulation for people.
///
/// # Errors
/// Those of `out`.
pub fn render(simulation: &Simulation, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style.width, style.colour);
    let title = format!("simulation: {} in place of {}", shown(&simulation.draft), shown(&simulation.in_force));
    page.prose(0, BOLD, &title)?;
    for machine in &simulation.machines {
        page.gap()?;
        page.line(0, &[(BOLD, &shown(&machine.machine))])?;
        for (title, mark, colour, turns) in
            [("would be stopped", "  - ", RED, &machine.newly_stopped), ("would pass", "  + ", YELLOW, &machine.newly_passing)]
        {
            if turns.is_empty() {
                continue;
            }
            page.line(0, &[(colour, title)])?;
            for turn in turns {
                page.item(mark, &sentence(turn))?;
            }
        }
        if machine.newly_stopped.is_empty() && machine.newly_passing.is_empty() {
            page.line(0, &[(GREEN, "nothing would change")])?;
        }
        let mut rest = format!("unchanged: {} stopped, {} passing", machine.still_stopped, machine.still_passing);
        if machine.by_version_only > 0 {
            rest = format!("{rest}; {} by version only", count(machine.by_version_only, "verdict"));
        }
        page.line(0, &[(DIM, &rest)])?;
    }
    page.gap()?;
    for limit in &simulation.limits {
        page.prose(0, DIM, &shown(limit))?;
    }
    let total = |of: fn(&Machine) -> usize| simulation.machines.iter().map(of).sum::<usize>() as u64;
    let changed = simulation.machines.iter().filter(|m| !m.newly_stopped.is_empty() || !m.newly_passing.is_empty()).count();
    page.prose(
        0,
        BOLD,
        &format!(
            "this was a simulation: {} would be stopped and {} would pass, on {changed} of {}; nothing was changed or remembered",
            total(|m| m.newly_stopped.len()),
            total(|m| m.newly_passing.len()),
            count(simulation.machines.len() as u64, "machine"),
        ),
    )
}

fn sentence(turn: &Turn) -> String {
    let only = if turn.by_version_only { " (by version only)" } else { "" };
    let why = if turn.why.is_empty() { String::new() } else { format!(": {}", turn.why) };
    let text = format!("{}{only}, {} now, would be {}{why}; {}", turn.subject, turn.before, turn.after, turn.place);
    shown(&text).into_owned()
}

/// Write the simulation for programs.
///
/// # Errors
/// Those of `out`.
pub fn render_json(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: &'static str,
        #[serde(flatten)]
        simulation: &'a Simulation,
    }
    let mut simulation = simulation.clone();
    let safe = |text: &mut String| *text = shown(text).into_owned();
    safe(&mut simulation.in_force);
    safe(&mut simulation.draft);
    for machine in &mut simulation.machines {
        safe(&mut machine.machine);
        for turn in machine.newly_stopped.iter_mut().chain(&mut machine.newly_passing) {
            for text in [&mut turn.subject, &mut turn.place, &mut turn.before, &mut turn.after, &mut turn.why] {
                safe(text);
            }
        }
    }
    write_document(&Document { schema: SCHEMA, simulation: &simulation }, out)
}
