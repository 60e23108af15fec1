//! How to get to a server: command runners (`local`, `ssh`) and `dial` (names, TCP, TLS, each step timed).
//! Nothing here knows what is asked or what the answer means. May import `domain` only.

pub mod dial;
pub mod run;

pub use run::{Output, RunLimits, Runner};
