//! Digests of files that have not changed since.
