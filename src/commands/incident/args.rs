//! What the command line of `mailtop incident` looks like.

use clap::{Args, Subcommand, ValueEnum};

use crate::domain::Span;
use crate::domain::health::Layer;
use crate::domain::incident::State;
use crate::engine::publish;

use super::{draft, export, show};

/// `incident`.
#[derive(Debug, Args)]
pub struct IncidentArgs {
    /// What about them.
    #[command(subcommand)]
    pub what: What,
}

/// What about incidents.
#[derive(Debug, Subcommand)]
pub enum What {
    /// A line each, oldest first.
    List(ListArgs),
    /// Clocks, what is owed, and the timeline of one.
    Show(show::ShowArgs),
    /// What could be told now, from what was observed.
    Draft(draft::DraftArgs),
    /// Write one out: a report (md, html), JSON, or the events from which it can be seen again elsewhere.
    Export(export::ExportArgs),
    /// Open one by hand.
    Open(OpenArgs),
    /// Write something down.
    Note(NoteArgs),
    /// Take it: stops the clock of acknowledgement.
    Ack(OneArgs),
    /// Put on record, or post, what the public is told; say how far it is.
    Update(UpdateArgs),
    /// Say that it is over.
    Resolve(ResolveArgs),
    /// Link a ticket, and who it names as affected.
    Ticket(TicketArgs),
    /// Correct when it began; `-` goes back to what the record shows.
    Start(StartArgs),
}

/// How incidents are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `incident list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only those that are not over.
    #[arg(long)]
    pub open: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Which incident.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// Its number, its id, or the beginning of that.
    #[arg(value_name = "INC")]
    pub incident: String,
}

/// `incident open`.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// A short name; made of layer and servers unless given.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// A server that it concerns; may be given several times.
    #[arg(long = "server", value_name = "NAME")]
    pub servers: Vec<String>,
    /// Where it fails: name, network, tls, front-end, auth, store, …
    #[arg(long, value_parser = layer)]
    pub layer: Option<Layer>,
    /// Your own number of it.
    #[arg(long, value_name = "INC")]
    pub number: Option<String>,
    /// When it began: 10:58, `Sat 10:58`, `2026-11-21 10:58`.
    #[arg(long, value_name = "TIME")]
    pub backdate: Option<String>,
}

/// `incident note`.
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// What; `-` reads it from standard input.
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Of when it speaks.
    #[arg(long, value_name = "TIME")]
    pub backdate: Option<String>,
}

/// `incident update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// The words; `-` reads them from standard input. Without words only the state is set.
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// How far it is: investigating, identified, monitoring.
    #[arg(long, value_parser = State::parse)]
    pub state: Option<State>,
    /// In how long the next update is promised; by the configured cadence unless given.
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    pub next: Option<Span>,
    /// Post it: runs `publish` of the config with the words on its standard input. Without it, it is put on record as posted.
    #[arg(long)]
    pub publish: bool,
    /// After how long the program that posts is given up.
    #[arg(long, value_name = "SPAN", default_value_t = publish::GIVEN_UP_AFTER, value_parser = Span::parse)]
    pub give_up_after: Span,
    /// When it was posted, where that was earlier.
    #[arg(long, value_name = "TIME", conflicts_with = "publish")]
    pub backdate: Option<String>,
}

/// `incident resolve`.
#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// Why it is over.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `incident ticket`.
#[derive(Debug, Args)]
pub struct TicketArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// The ticket. One that fits `number` of the config becomes the incident's number.
    #[arg(value_name = "TICKET")]
    pub ticket: String,
    /// Who it names as affected; may be given several times.
    #[arg(long = "affected", value_name = "NAME")]
    pub affected: Vec<String>,
}

/// `incident start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// When: 10:58, `Sat 10:58`, `2026-11-21 10:58`, or `-`.
    #[arg(value_name = "TIME", allow_hyphen_values = true)]
    pub at: String,
}

fn layer(word: &str) -> Result<Layer, String> {
    let words = Layer::ALL.map(Layer::word);
    Layer::ALL
        .into_iter()
        .find(|l| l.word() == word)
        .ok_or_else(|| format!("write one of {}", words.join(", ")))
}
