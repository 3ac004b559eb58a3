//! Tools installed on this machine, one way of finding them a file.
