//! The `vetted` command: everything is in the library.

use std::process::ExitCode;

/// musl's own allocator makes a check of many files half as slow again.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vetted::cli::main().into()
}
