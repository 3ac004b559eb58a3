//! Where policies come from.

pub mod source;
pub mod tuf;
