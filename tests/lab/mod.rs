//! Real parts for tests: hosts, mail servers, keys. Each thing that is started here is stopped when it is dropped.
// Every test program uses its own part of it; and where the lab itself fails, the test is to end there.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod certs;
pub mod chromium;
pub mod dns;
pub mod doors;
pub mod dovecot;
pub mod fake_imap;
pub mod host;
mod net;
pub mod postfix;
mod root;
pub mod screens;
pub mod term;
pub mod weekend;
