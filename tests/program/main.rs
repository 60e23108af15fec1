//! The program as it is used: the real binary, in a home of its own, against real servers. What each room does by itself is
//! tested beside it; here stands what must hold when all of them are put together.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Not every function of a test program is a test.

#[path = "../lab/mod.rs"]
mod lab;

mod actions;
mod bad_input;
mod causes;
mod check;
mod clock;
mod domain;
mod doors;
mod draft;
mod drain;
mod dying;
mod export;
mod home;
mod host;
mod incident;
mod kill9;
mod page;
mod queue;
mod replay;
mod several;
mod shape;
mod watch;
