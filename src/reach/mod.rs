//! How to get to a server: command runners (`local`, `ssh`) and `dial` (names, TCP, TLS, each step timed).
//! Nothing here knows what is asked or what the answer means. May import `domain` only.

pub mod dial;
mod local;
mod pipes;
pub mod run;
mod ssh;

pub use local::feed;
pub use run::{Output, RunLimits, Runner};
pub use ssh::{Ssh, SshTarget};
