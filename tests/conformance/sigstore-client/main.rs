//! The client-under-test of sigstore-conformance: it speaks the protocol of the suite (its `docs/cli_protocol.md`) and does everything
//! else through the code that `vetted verify` uses. An example, so that it is built with the tests and never installed.
//!
//! ```text
//! sigstore-client verify-bundle [--staging] --bundle FILE --certificate-identity ID --certificate-oidc-issuer URL
//!                 [--trusted-root FILE] FILE_OR_DIGEST
//! sigstore-client verify-bundle [--staging] --bundle FILE --key PEM [--trusted-root FILE] FILE_OR_DIGEST
//! ```
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "it stands in for the shell of the program")]
#![allow(clippy::print_stderr, reason = "the suite shows what it says to whoever debugs")]
#![allow(missing_docs, unreachable_pub, clippy::missing_errors_doc, reason = "an example has no users")]

mod client;

use std::process::ExitCode;

fn main() -> ExitCode {
    match client::Verify::parse(std::env::args().skip(1)).and_then(|verify| verify.run()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sigstore-client: {error}");
            ExitCode::FAILURE
        }
    }
}
