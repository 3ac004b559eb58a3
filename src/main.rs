//! The `vetted` command: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    vetted::cli::main().into()
}
