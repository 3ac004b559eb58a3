//! What JavaScript projects install: `package.json` and the lock files of npm, pnpm, yarn and bun.

pub(super) mod npm;
mod package_json;
mod package_lock;

use super::Format;

pub(super) const FORMATS: &[Format] = &[package_json::FORMAT, package_lock::FORMAT];
