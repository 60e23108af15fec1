//! The subcommands, one file each: what the command line says in, an exit status out. May import everything.

pub mod config;
pub mod init;
