//! One incident as JSON: the members are those of a report ([`crate::report::json`]).

pub use crate::report::json::{Known, LineTold, Told, json, moment};
