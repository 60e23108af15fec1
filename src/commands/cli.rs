//! The command line: what it looks like. What each command does is in the file of its name.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::targets::TargetOptions;
use crate::domain::Span;

use super::actions::ActionsArgs;
use super::canary::CanaryArgs;
use super::config::Args as ConfigArgs;
use super::demo::DemoArgs;
use super::demo_ctl::Args as DemoCtlArgs;
use super::forecast::ForecastArgs;
use super::handover::HandoverArgs;
use super::incident::IncidentArgs;
use super::init::Args as InitArgs;
use super::queue::QueueArgs;
use super::replay::ReplayArgs;

/// A terminal console for people on call for mail.
///
/// Without a command it opens the console: on the targets given, else on the servers of the config file, else on this host.
#[derive(Debug, Parser)]
#[command(name = "mailtop", version, subcommand_precedence_over_arg = true, after_help = AFTER)]
pub struct Cli {
    /// What to do in place of opening the console.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A domain, imaps://USER@HOST, imap://HOST, smtp://HOST, mx://DOMAIN, …, ssh://ALIAS, or localhost.
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// How targets are reached.
    #[command(flatten)]
    pub target: TargetOptions,
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
}

const AFTER: &str = "Keys: ? in the console shows them. Exit of `check`: 0 ok, 1 warn, 2 down, 3 unknown or usage.";

/// Options that hold for every command, before or after its name.
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of the command line.
pub struct Global {
    /// The config file, in place of the usual one (`mailtop config path`).
    #[arg(long, short = 'c', global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The journal, in place of the usual one.
    #[arg(long, global = true, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Take every action away.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Send no canary letters.
    #[arg(long, global = true)]
    pub no_canary: bool,
    /// For slow links: repaint for data every five seconds only.
    #[arg(long, global = true)]
    pub slow: bool,
    /// Draw with ASCII only.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Say more in the log; twice for everything.
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One round over all targets: exit 0 ok, 1 warn, 2 down, 3 unknown.
    Check(CheckArgs),
    /// Stream events, one line of JSON each.
    Watch(WatchArgs),
    /// Send canary letters as configured and tell what became of them: exit 0 all came in time, 1 late, 2 lost, 3 none sent.
    Canary(CanaryArgs),
    /// Read a queue listing from a file or a pipe.
    Queue(QueueArgs),
    /// When a queue will be clear, from samples of its depth in a file or a pipe.
    Forecast(ForecastArgs),
    /// Pause a maintenance job: exit 0 only when the server confirms it.
    Pause(PauseArgs),
    /// Let a paused maintenance job go on: exit 0 only when the server confirms it.
    Resume(ResumeArgs),
    /// Give a pause another end, counted from now.
    Extend(ExtendArgs),
    /// Put mail on hold, by the server's postfix job that does.
    Hold(PauseArgs),
    /// Let held mail go, by the server's postfix job that holds it.
    Release(ResumeArgs),
    /// Try everything that waits in a Postfix queue now.
    Flush(ActArgs),
    /// What was done, by whom, why, and what became of it.
    Actions(ActionsArgs),
    /// What happened, who was told, what is owed: list, show, export, open, note, ack, update, resolve, ticket, start.
    Incident(IncidentArgs),
    /// The console on a record: a journal, a bundle, or an incident.
    Replay(ReplayArgs),
    /// One page for the person who takes over: what is wrong, paused, due and open, and what was tried.
    Handover(HandoverArgs),
    /// Check the config, tell where it is, print its JSON Schema.
    Config(ConfigArgs),
    /// Write a commented config from what is found on this host.
    Init(InitArgs),
    /// A small mail world on loopback that lives through a weekend outage.
    Demo(DemoArgs),
    /// Print shell completions.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
    /// The demo's own stand-in for mail commands.
    #[command(hide = true)]
    DemoCtl(DemoCtlArgs),
    /// Draw one frame of the demo as SVG.
    #[command(hide = true)]
    Record(super::record::RecordArgs),
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Targets; the config's servers when there are none.
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// How targets are reached.
    #[command(flatten)]
    pub target: TargetOptions,
    /// How to print.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
}

/// How `check` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// One line with performance data, as monitoring plugins print it.
    Nagios,
}

/// `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Targets; the config's servers when there are none.
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// How targets are reached.
    #[command(flatten)]
    pub target: TargetOptions,
    /// How to print.
    #[arg(long, value_enum, default_value_t = WatchFormat::Jsonl)]
    pub format: WatchFormat,
    /// End after this long; until interrupted when not given.
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
    pub for_: Option<Span>,
}

/// How `watch` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WatchFormat {
    /// One event a line.
    Jsonl,
}

/// `pause`.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// For how long; 30m unless the config says otherwise (`pause_for`).
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
    pub for_: Option<Span>,
    /// Pause although its end cannot be armed on the server: somebody has to end it. Goes on the record.
    #[arg(long)]
    pub unarmed: bool,
    /// On what and why.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `extend`.
#[derive(Debug, Args)]
pub struct ExtendArgs {
    /// For how long from now on; 30m unless the config says otherwise (`pause_for`).
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
    pub for_: Option<Span>,
    /// On what and why.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Put held mail into new queue files, with a new lifetime, so that what is past its own does not bounce at once.
    #[arg(long)]
    pub requeue: bool,
    /// On what and why.
    #[command(flatten)]
    pub act: ActArgs,
}

/// What all actions share.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// The server, by its name in the config.
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// The job, by its name in the config; not needed where there is just one that fits.
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// Why: it goes on the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The server's name once more: needed beside --yes where the plan touches more than `confirm_above`.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Show the plan, try what it needs without changing anything, and end: exit 0 when all would do, else 2.
    #[arg(long)]
    pub dry_run: bool,
}
