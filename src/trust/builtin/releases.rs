//! The lists that the embedded releases pin. A unit test holds that none is missing.

/// Each list by its path beside `attestations/releases/vetted.toml`.
pub(super) const LISTS: &[(&str, &[u8])] = &[];
