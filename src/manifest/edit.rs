//! Format-preserving changes.
