//! Digests of files and trees on disk.
