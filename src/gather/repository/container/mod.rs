//! What images and development containers are made of.

use super::Format;

pub(super) const FORMATS: &[Format] = &[];
