//! Colours. They only add: every report reads the same without them.

use anstyle::{AnsiColor, Style};

/// Style of what blocks.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// Style of what is to be looked at.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Style of what is approved.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// Style of detail.
pub const DIM: Style = Style::new().dimmed();
/// Style of what stands out.
pub const BOLD: Style = Style::new().bold();
/// No style.
pub const PLAIN: Style = Style::new();
