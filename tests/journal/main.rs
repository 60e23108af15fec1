//! The journal against real files, real locks and real processes.

#![allow(clippy::unwrap_used)]

mod bundle;
mod damage;
mod feed;
mod incidents;
mod leases;
mod processes;
mod recall;
mod record;
mod retention;
mod support;
