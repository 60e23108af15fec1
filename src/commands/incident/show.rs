//! `incident show`: one incident with its clocks, each with its two events, what the public is owed, and its timeline. It is
//! folded from the journal from an hour before the incident on.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::commands::{print, start};
use crate::domain::Span;
use crate::domain::incident::IncidentId;
use crate::domain::incident::clocks::clocks;
use crate::domain::incident::debt::debt;
use crate::journal::{Record, Sqlite};
use crate::model::Model;
use crate::model::timeline::{Line, SourceKind};

use super::told::{self, Known, LineTold};
use super::{Desk, Failed, Format, OneArgs, cannot_read, words};

/// So long before its start the record is read: what was there before.
const BEFORE: Span = Span::from_hours(1);

/// `incident show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// Only lines from this source; may be given several times.
    #[arg(long = "source", value_enum)]
    pub sources: Vec<From>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Where lines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// Probes changing verdict.
    Probe,
    /// Queues turning.
    Queue,
    /// Jobs that were acted on.
    Job,
    /// What people said and did.
    Person,
    /// What the rules concluded.
    Rules,
    /// Senders giving up, by their documentation.
    Senders,
    /// mailtop's own absence, and the clock being set.
    Observer,
}

impl From {
    const fn kind(self) -> SourceKind {
        match self {
            Self::Probe => SourceKind::Probe,
            Self::Queue => SourceKind::Queue,
            Self::Job => SourceKind::Job,
            Self::Person => SourceKind::Person,
            Self::Rules => SourceKind::Rules,
            Self::Senders => SourceKind::Senders,
            Self::Observer => SourceKind::Observer,
        }
    }
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    known: Known,
    left_out: u64,
    timeline: Vec<LineTold>,
}

/// Said when the entry that opened an incident cannot be read.
pub(super) const GONE: &str = "its beginning is not on record any more";

/// The fleet as known from an hour before the incident on, which one is meant, and how many events were too many.
pub(super) fn folded(one: &OneArgs, desk: &Desk<'_>) -> Result<(Model, IncidentId, u64), Failed> {
    let incident = desk.one(one)?;
    let from = (Span::ZERO - BEFORE).after(incident.start().at.at);
    let start = Sqlite::read_only(desk.journal)
        .and_then(|mut db| db.start_from(from))
        .map_err(|why| cannot_read(&why))?;
    if start.left_out > 0 {
        crate::commands::say(&format!(
            "mailtop: {} older events are not looked at: the timeline begins later",
            start.left_out
        ));
    }
    let mut model = Model::new(None).keeping_all_incidents();
    model.apply_all(&start.events);
    Ok((model, incident.id, start.left_out))
}

/// Runs it.
pub(super) fn show(args: &ShowArgs, desk: &Desk<'_>) -> Result<ExitCode, Failed> {
    let (model, id, older) = folded(&args.one, desk)?;
    let Some(incident) = model.incident(&id) else {
        return Err(start::fail(&GONE));
    };
    let now = model.moment(desk.now);
    let cadence = desk.settings()?.cadence;
    let wanted = |l: &Line| args.sources.is_empty() || args.sources.iter().any(|s| s.kind() == l.source.kind());
    let lines: Vec<Line> = model.timeline(incident, desk.now).into_iter().filter(wanted).collect();
    let (clocks, debt) = (clocks(incident), debt(incident, cadence, now));
    Ok(print(|out| match args.format {
        Format::Text => words::whole(incident, &clocks, debt, &lines, now, desk, out),
        Format::Json => {
            let shown = Shown {
                known: Known::of(incident, &clocks, debt, now, &desk.zone),
                left_out: older + model.lines_left_out(),
                timeline: lines.iter().map(|l| LineTold::of(l, &desk.zone)).collect(),
            };
            told::json(&shown, out);
        }
    }))
}
