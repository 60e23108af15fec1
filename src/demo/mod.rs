//! The demo world: a small mail service that does not exist, played on loopback with real sockets and real TLS, so that
//! the console reads it as it reads any fleet. Everything in it is made up, and its greetings say so ("mailtop demo").
//!
//! [`Script`] says what happens and when; `sim` computes the world from it, pure; `imap` and [`control`] are its doors.

pub mod control;
mod fleet;
mod host;
mod imap;
mod listing;
mod maillog;
mod papers;
mod scene;
mod script;
mod sim;
mod world;

pub use host::{Host, Role};
pub use papers::PapersError;
pub use script::{QueueCommand, Script};
pub use sim::{Census, JOB, Tally};
pub use world::{World, WorldError};
