//! What an installation of a release must look like on disk, worked out from the release alone.
