//! Real parts for tests: hosts, mail servers, keys. Each thing that is started here is stopped when it is dropped.
#![allow(dead_code)] // Every test program uses its own part of it.

pub mod certs;
pub mod dovecot;
pub mod fake_imap;
pub mod host;
mod net;
mod root;
