//! In-toto statements and the forms in which registries and forges hand out attestations: read, not yet believed.

pub mod forms;
pub mod model_signing;
pub mod provenance;
mod statement;

pub use statement::{MAX_SUBJECTS, PAYLOAD_TYPE, Statement, StatementError, Subject};
