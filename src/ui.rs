//! The only place that writes to the terminal.
//!
//! Data goes to standard output, talk to standard error. Colour is written as ANSI codes and taken out again where the stream is
//! no terminal or `NO_COLOR` is set. A reader that goes away (`vetted scan | head`) ends the output, not the program.
#![expect(clippy::disallowed_methods, reason = "this is the one place that holds the standard streams")]

use crate::error::Error;
use crate::gather::measure::{Progress, Silent};
pub use crate::report::palette::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::text::printable;
use anstream::AutoStream;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::sync::Mutex;

/// The longest answer to a question that is read, in bytes.
const MAX_ANSWER: u64 = 64;

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

    /// One line of talk; nothing when quiet. What stands in it of a registry or an archive cannot be more than text.
    pub fn say(self, line: &str) {
        if self.volume > Volume::Quiet {
            let mut stream = self.stderr();
            let _ = writeln!(stream, "{}", printable(line)).and_then(|()| stream.flush());
        }
    }

    /// A warning in one line. Said at every volume.
    pub fn warn(self, line: &str) {
        let mut stream = self.stderr();
        let _ = writeln!(stream, "warning: {}", printable(line)).and_then(|()| stream.flush());
    }

    /// An error: what failed, the causes, what to do. Said at every volume.
    pub fn error(self, error: &Error) {
        let mut stream = self.stderr();
        let _ = write_error(&mut stream, error).and_then(|()| stream.flush());
    }

    /// Ask a question that is answered with yes or no; anything else than yes is no. Only where [`Printer::can_ask`].
    #[must_use]
    pub fn confirm(self, question: &str) -> bool {
        let mut stream = self.stderr();
        let _ = write!(stream, "{question} [y/N] ").and_then(|()| stream.flush());
        let mut answer = String::new();
        // An input that ends or breaks is no consent.
        let is_read = io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer).is_ok();
        is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Whether somebody can answer a question: standard input and standard error are terminals.
    #[must_use]
    pub fn can_ask(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// What another program writes to standard input, at most `limit` bytes of it and one more; nothing where that is a terminal.
    ///
    /// # Errors
    /// The error of reading it.
    pub fn piped_input(self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if !io::stdin().is_terminal() {
            io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// Whether standard error is a terminal, so that a progress bar makes sense.
    #[must_use]
    pub fn shows_progress(self) -> bool {
        self.volume > Volume::Quiet && io::stderr().is_terminal()
    }

    /// Columns of the terminal on standard output or standard error; 100 where there is none, as in a log.
    #[must_use]
    pub fn width(self) -> usize {
        terminal_size::terminal_size_of(io::stdout())
            .or_else(|| terminal_size::terminal_size_of(io::stderr()))
            .map_or(100, |(width, _)| usize::from(width.0).max(20))
    }
}

impl Printer {
    /// Who is told how far the reading is: a bar where somebody watches, else nobody.
    #[must_use]
    pub fn progress(self) -> Box<dyn Progress> {
        if self.shows_progress() { Box::new(Bar::new()) } else { Box::new(Silent) }
    }
}

/// From so many bytes to read on, reading takes long enough for a bar.
const WORTH_A_BAR: u64 = 64 << 20;

/// A bar on standard error that appears when there is much to read and leaves nothing behind.
struct Bar {
    bar: ProgressBar,
    state: Mutex<BarState>,
}

#[derive(Default)]
struct BarState {
    batches: u64,
    total: u64,
    done: u64,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("vetted: reading {binary_bytes} of {binary_total_bytes} {wide_bar} {eta}");
        // The template is a constant; where it were wrong the default bar is shown.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, BarState> {
        // A thread that panicked while it counted leaves numbers that are only shown.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Bar {
    fn begin(&self, _files: u64, bytes: u64) {
        let mut state = self.state();
        state.batches += 1;
        state.total += bytes;
        let (total, done) = (state.total, state.done);
        drop(state);
        self.bar.set_length(total);
        if total.saturating_sub(done) >= WORTH_A_BAR && self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    fn advance(&self, bytes: u64) {
        let mut state = self.state();
        state.done += bytes;
        let done = state.done;
        drop(state);
        self.bar.set_position(done);
    }

    fn end(&self) {
        let mut state = self.state();
        state.batches = state.batches.saturating_sub(1);
        if state.batches > 0 {
            return;
        }
        *state = BarState::default();
        drop(state);
        // The report follows on the same screen: nothing of the bar stays.
        self.bar.finish_and_clear();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        self.bar.reset();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
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
