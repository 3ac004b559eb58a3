//! Archives of strangers, read entry by entry: what comes out is named, bounded and never leaves its place.
