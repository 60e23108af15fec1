//! One file a subcommand, each a page long.

pub mod demo_ctl;
