//! One file per subcommand: its arguments, and what it prints. Results on standard output, everything else on standard
//! error; a broken pipe ends quietly.

pub mod queue;
mod queue_table;
