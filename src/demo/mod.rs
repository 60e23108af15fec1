//! The demo world: a small mail service that does not exist, played on loopback with real sockets and real TLS, so that
//! the console reads it as it reads any fleet. Everything in it is made up, and its greetings say so ("mailtop demo").
//!
//! [`Script`] says what happens and when; `sim` computes the world from it, pure; `imap` and `control` are its doors.

mod host;
mod listing;
mod script;
mod sim;

pub use host::{Host, Role};
pub use script::{QueueCommand, Script};
pub use sim::{Census, JOB, Tally};
