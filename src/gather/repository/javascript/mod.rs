//! What JavaScript projects install: `package.json`, the catalogs it refers to, and the lock files of npm, pnpm, yarn and bun.

mod bun_lock;
pub(super) mod catalogs;
mod lock;
pub(super) mod npm;
mod package_json;
mod package_lock;
mod pnpm_lock;
mod pnpm_workspace;
mod yarn_classic;
mod yarn_lock;

use super::Format;

pub(super) use bun_lock::{is_binary as is_binary_lock, text_beside as text_lock_beside};

pub(super) const FORMATS: &[Format] = &[
    package_json::FORMAT,
    package_lock::FORMAT,
    pnpm_lock::FORMAT,
    pnpm_workspace::FORMAT,
    pnpm_workspace::YARN_FORMAT,
    yarn_lock::FORMAT,
    bun_lock::FORMAT,
    bun_lock::BINARY_FORMAT,
];
