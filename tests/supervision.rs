//! What the engine does around actions: locks, stale plans, dry runs, drift, pauses that end, and actions whose runner died.
//! A real engine and a real journal; the job is a command on this host whose state is a file.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.

#[path = "supervision/actions.rs"]
mod actions;
#[path = "supervision/bench.rs"]
mod bench;
#[path = "supervision/drift.rs"]
mod drift;
#[path = "supervision/lost.rs"]
mod lost;
