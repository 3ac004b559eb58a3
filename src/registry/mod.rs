//! Where releases come from: which registries the user means, what they say of a release, and the release itself.

pub mod closure;
