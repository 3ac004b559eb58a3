//! What images and development containers are made of.

mod compose;
mod devcontainer;
mod dockerfile;
#[cfg(test)]
mod tests;

use super::Format;

pub(super) const FORMATS: &[Format] = &[dockerfile::FORMAT, compose::FORMAT, devcontainer::FORMAT];
