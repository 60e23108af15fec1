//! The program as it is used: the real binary, in a home of its own, against real servers. What each room does by itself is
//! tested beside it; here stands what must hold when all of them are put together.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Not every function of a test program is a test.

#[path = "../lab/mod.rs"]
mod lab;

mod bad_input;
mod check;
mod home;
mod host;
mod queue;
mod shape;
mod watch;
