//! `vetted` pins approved AI tool versions by digest in a signed manifest and says which tools on a machine or in a commit
//! must not be there.
//!
//! ```text
//! what is allowed            what is here               when
//! manifest (signed,     +    evidence (gathered,   +    now    ->  decide  ->  report  ->  exit status
//! proved by trust)           digested)                             (pure)      (rendered)
//! ```
//!
//! Modules stand in the order of their layers; each may use those above it, as `docs/architecture.md` says and
//! `tests/it/layers.rs` holds.

// Words: small values.
pub mod digest;
pub mod source;
pub mod text;
pub mod tool;
pub mod version;

// Documents: bytes to meaning.
pub mod attestation;
pub mod catalogue;
pub mod manifest;

// What this run may touch.
pub mod world;

// Archives of strangers, read entry by entry.
pub mod archive;

// Bytes to belief.
pub mod trust;

// Newer documents from elsewhere.
pub mod sync;

// What was observed, and what follows.
pub mod evidence;
pub mod policy;

// Releases, and what installing one must give.
pub mod layout;
pub mod registry;

// Looking at the machine and the repository.
pub mod gather;

// Saying it.
pub mod report;

// Shell.
pub mod cli;
pub mod error;
pub mod ui;
