//! The executable files of what is approved of a tool, as its lists of files name them.

use super::Style;
use super::page::{Page, Value};
use crate::text::printable;
use std::io::{self, Write};

/// How many names stand for one version.
const MAX_NAMES: usize = 12;

/// What the list of one approval says: its version, and the names of executable files or why they cannot be told.
pub type Executables = (String, Result<Vec<String>, String>);

/// One row, with a value for each approval.
///
/// # Errors
/// When `out` cannot be written to.
pub fn render_executables(all: &[Executables], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let values: Vec<Value> = all.iter().map(|(version, names)| Value::Prose(said(version, names))).collect();
    Page::new(out, style.width, style.colour).with_keys(super::explanation::KEYS).row("executable", &values)
}

fn said(version: &str, names: &Result<Vec<String>, String>) -> String {
    let version = printable(version);
    match names {
        Err(why) => format!("{version}: its list of files cannot be used: {}", printable(why)),
        Ok(names) => {
            let mut shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| printable(name).into_owned()).collect();
            if names.len() > MAX_NAMES {
                shown.push(format!("{} more", names.len() - MAX_NAMES));
            }
            format!("{version}: {}", shown.join(", "))
        }
    }
}
