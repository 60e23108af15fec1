//! One file for each command, each about a page: it gathers what the command needs and hands over. `start` holds what
//! several of them begin with.

pub mod cli;

mod act;
pub mod actions;
pub mod canary;
mod check;
pub mod config;
mod console;
mod demo;
pub mod demo_ctl;
pub mod domain;
pub mod forecast;
pub mod handover;
pub mod incident;
pub mod init;
pub mod queue;
mod queue_table;
mod record;
pub mod replay;
mod report;
mod session;
mod signature;
mod start;
pub mod sudoers;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use self::cli::{Cli, Command};

/// Usage errors, a bad config, and everything that could not be known.
pub(crate) const UNKNOWN: u8 = 3;

/// Reads the command line and runs what it asks for.
pub fn main() -> ExitCode {
    let cli = match Cli::command().try_get_matches().and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() {
                UNKNOWN.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let global = cli.global;
    match cli.command {
        None => console::run(&cli.targets, &cli.target, &global),
        Some(Command::Check(args)) => check::run(&args, &global),
        Some(Command::Watch(args)) => watch::run(&args, &global),
        Some(Command::Canary(args)) => canary::run(&args, &global),
        Some(Command::Forecast(args)) => forecast::run(&args),
        Some(Command::Queue(args)) => queue::run(&args, jiff::Timestamp::now()),
        Some(Command::Pause(args)) => act::pause(&args, &global),
        Some(Command::Resume(args)) => act::resume(&args, &global),
        Some(Command::Extend(args)) => act::extend(&args, &global),
        Some(Command::Hold(args)) => act::hold(&args, &global),
        Some(Command::Release(args)) => act::release(&args, &global),
        Some(Command::Flush(args)) => act::flush(&args, &global),
        Some(Command::Actions(args)) => {
            start::paths(&global).map_or_else(|code| code, |p| actions::run(&args, &p.journal))
        }
        Some(Command::Incident(args)) => incident::run(&args, &global),
        Some(Command::Replay(args)) => replay::run(&args, &global),
        Some(Command::Handover(args)) => handover::run(&args, &global),
        Some(Command::Config(args)) => {
            start::paths(&global).map_or_else(|code| code, |p| config::run(&args, &p.config, &global))
        }
        Some(Command::Init(args)) => start::paths(&global).map_or_else(|code| code, |p| init::run(&args, &p.config)),
        Some(Command::Demo(args)) => demo::run(&args, &global),
        Some(Command::DemoCtl(args)) => demo_ctl::run(&args),
        Some(Command::Record(args)) => record::run(&args),
        Some(Command::Completions { shell }) => {
            print(|out| clap_complete::generate(shell, &mut Cli::command(), "mailtop", out))
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            match clap_mangen::Man::new(Cli::command()).render(&mut page) {
                Ok(()) => print(|out| out.extend_from_slice(&page)),
                Err(e) => start::fail(&format!("the manual page could not be made: {e}")),
            }
        }
    }
}

/// Writes a whole result to standard output; a reader that went away is not an error.
pub(crate) fn print(fill: impl FnOnce(&mut Vec<u8>)) -> ExitCode {
    let mut out = Vec::new();
    fill(&mut out);
    if write_out(&out) {
        ExitCode::SUCCESS
    } else {
        UNKNOWN.into()
    }
}

/// Says a line on standard error; a reader that went away is not an error.
pub(crate) fn say(line: &impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes to standard output at once. False when that failed for another reason than a reader that went away.
pub(crate) fn write_out(bytes: &[u8]) -> bool {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => true,
        Err(e) => {
            say(&format!("mailtop: standard output: {e}"));
            false
        }
    }
}
