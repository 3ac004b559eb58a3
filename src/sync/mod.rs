//! Bringing newer documents to this machine: from where, how, and all or nothing.
//!
//! A source is only a way to bytes. Nothing it says is believed: the signatures of the documents decide, on a copy, before
//! anything in the policy folder changes.

pub mod address;
pub mod source;
pub mod tuf;
