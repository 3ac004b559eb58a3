//! The only place that writes to the terminal.
//!
//! Data goes to standard output, talk to standard error. Colour is written as ANSI codes and taken out again where the stream is
//! no terminal or `NO_COLOR` is set. A reader that goes away (`vetted scan | head`) ends the output, not the program.
#![expect(clippy::disallowed_methods, reason = "this is the one place that holds the standard streams")]

use crate::error::Error;
pub use crate::report::palette::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::text::printable;
use anstream::AutoStream;
use std::io::{self, IsTerminal as _, Write};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Only what blocks or failed.
    Quiet,
    /// The usual.
    Normal,
    /// Everything that is known.
    Verbose,
}

/// Writes to the standard streams.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// How much is said.
    pub volume: Volume,
}

impl Printer {
    /// A printer of this volume.
    #[must_use]
    pub fn new(volume: Volume) -> Self {
        Self { volume }
    }

    /// Standard output, for data.
    #[must_use]
    pub fn stdout(self) -> Box<dyn Write> {
        Box::new(io::BufWriter::new(AutoStream::auto(io::stdout())))
    }

    /// Standard error, for talk.
    #[must_use]
    pub fn stderr(self) -> Box<dyn Write> {
        Box::new(io::BufWriter::new(AutoStream::auto(io::stderr())))
    }

    /// One line of talk; nothing when quiet.
    pub fn say(self, line: &str) {
        if self.volume > Volume::Quiet {
            let mut stream = self.stderr();
            let _ = writeln!(stream, "{line}").and_then(|()| stream.flush());
        }
    }

    /// An error: what failed, the causes, what to do. Said at every volume.
    pub fn error(self, error: &Error) {
        let mut stream = self.stderr();
        let _ = write_error(&mut stream, error).and_then(|()| stream.flush());
    }

    /// Whether somebody can answer a question: standard input and standard error are terminals.
    #[must_use]
    pub fn can_ask(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether standard error is a terminal, so that a progress bar makes sense.
    #[must_use]
    pub fn shows_progress(self) -> bool {
        self.volume > Volume::Quiet && io::stderr().is_terminal()
    }

    /// Columns of the terminal on standard output or standard error; 80 where there is none.
    #[must_use]
    pub fn width(self) -> usize {
        terminal_size::terminal_size_of(io::stdout())
            .or_else(|| terminal_size::terminal_size_of(io::stderr()))
            .map_or(80, |(width, _)| usize::from(width.0).max(20))
    }
}

fn write_error(stream: &mut dyn Write, error: &Error) -> io::Result<()> {
    writeln!(stream, "{RED}vetted:{RED:#} {}", printable(&error.message))?;
    for cause in &error.causes {
        let mut lines = cause.lines();
        writeln!(stream, "  cause: {}", printable(lines.next().unwrap_or_default()))?;
        for line in lines {
            writeln!(stream, "         {}", printable(line))?;
        }
    }
    for hint in &error.hints {
        writeln!(stream, "  {BOLD}help:{BOLD:#} {}", printable(hint))?;
    }
    Ok(())
}
