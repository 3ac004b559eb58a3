//! The integration tests: one binary, one module for each area, every file of this folder listed.
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no users")]
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests set up the world that the program only reads")]
#![allow(clippy::disallowed_macros, clippy::print_stderr, clippy::print_stdout, reason = "a test that is skipped says so")]

mod advice;
mod agents;
mod approve;
mod archive;
mod attacks;
mod attested;
mod automation;
mod baseline;
mod check;
mod commands;
mod doors;
mod editing;
mod editors;
mod evidence;
mod fix;
mod folders;
mod formats;
mod history;
mod hook;
mod identity;
mod index;
mod layers;
mod layers_of_policy;
mod levels;
mod locks_js;
mod locks_py;
mod machine;
mod manifest;
mod measure;
mod mentions;
mod models;
mod office;
mod packages;
mod printing;
mod pushes;
mod registry;
mod remembered;
mod report;
mod reported;
mod repositories;
mod repository;
mod runbook;
mod screens;
mod signed_base;
mod signing;
mod startup;
mod state;
mod support;
mod sync;
mod team;
mod trust;
mod verify;
