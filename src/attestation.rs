//! In-toto statements and the forms in which registries and forges hand out attestations: read, not yet believed.
