//! The journal against real files, real locks and real processes.

#![allow(clippy::unwrap_used)]

mod damage;
mod feed;
mod leases;
mod processes;
mod record;
mod retention;
mod support;
