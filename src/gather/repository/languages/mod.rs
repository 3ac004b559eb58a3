//! What projects in other languages install: cargo, Go modules, Bundler.

use super::Format;

pub(super) const FORMATS: &[Format] = &[];
