//! Where policies come from.

pub mod tuf;
