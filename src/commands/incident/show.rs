//! `incident show`: one incident with its clocks, each with its two events, what the public is owed, and its timeline. It is
//! folded from the journal from an hour before the incident on.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::commands::{print, start};
use crate::domain::incident::clocks::{Clock, Clocks, clocks};
use crate::domain::incident::debt::debt;
use crate::domain::incident::{Incident, IncidentId, Moment};
use crate::domain::{Span, Text};
use crate::journal::{Record, Sqlite};
use crate::model::Model;
use crate::model::timeline::{Line, SourceKind};

use super::told::{self, Told, moment};
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
    incident: Told,
    started_by: Option<Text>,
    last_good_at: Option<String>,
    first_bad_at: Option<String>,
    clocks: ClocksTold,
    owed: Option<OwedTold>,
    tickets: Vec<TicketTold>,
    left_out: u64,
    timeline: Vec<LineTold>,
}

#[derive(Serialize)]
struct ClocksTold {
    detected: ClockTold,
    acknowledged: ClockTold,
    restored: ClockTold,
    outage: ClockTold,
    peak: Option<PeakTold>,
    cleared: Option<ClockTold>,
    mail_minutes: Option<u64>,
    unseen_secs: f64,
}

#[derive(Serialize)]
struct ClockTold {
    secs: f64,
    runs: bool,
    from_at: String,
    from: Text,
    to_at: Option<String>,
    to: Option<Text>,
}

#[derive(Serialize)]
struct PeakTold {
    messages: u64,
    #[serde(flatten)]
    clock: ClockTold,
}

#[derive(Serialize)]
struct OwedTold {
    words: String,
    due_at: String,
    overdue: bool,
}

#[derive(Serialize)]
struct TicketTold {
    ticket: Text,
    affected: Vec<Text>,
    by: Text,
}

#[derive(Serialize)]
struct LineTold {
    at: String,
    source: &'static str,
    who: String,
    words: String,
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
    let mut model = Model::new(None);
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
            let owed = debt.map(|d| OwedTold {
                words: d.words(),
                due_at: moment(d.at(desk.now), &desk.zone),
                overdue: d.is_overdue(),
            });
            let left_out = older + model.lines_left_out();
            told::json(&shown(incident, &clocks, owed, &lines, left_out, now, desk), out);
        }
    }))
}

fn shown(
    i: &Incident,
    clocks: &Clocks,
    owed: Option<OwedTold>,
    lines: &[Line],
    left_out: u64,
    now: Moment,
    desk: &Desk<'_>,
) -> Shown {
    let at = |t| moment(t, &desk.zone);
    let clock = |c: &Clock| ClockTold {
        secs: c.lasted(now).secs_f64(),
        runs: c.runs(),
        from_at: at(c.from.at.at),
        from: c.from.what.clone(),
        to_at: c.to.as_ref().map(|m| at(m.at.at)),
        to: c.to.as_ref().map(|m| m.what.clone()),
    };
    let start = i.start();
    Shown {
        incident: Told::of(i, &desk.zone),
        started_by: start.by.clone(),
        last_good_at: start.probes.and_then(|(good, _)| good).map(at),
        first_bad_at: start.probes.map(|(_, bad)| at(bad)),
        clocks: ClocksTold {
            detected: clock(&clocks.detected),
            acknowledged: clock(&clocks.acknowledged),
            restored: clock(&clocks.restored),
            outage: clock(&clocks.outage),
            peak: clocks.peak.as_ref().map(|(n, c)| PeakTold {
                messages: *n,
                clock: clock(c),
            }),
            cleared: clocks.cleared.as_ref().map(clock),
            mail_minutes: clocks.mail_minutes,
            unseen_secs: clocks.unseen.secs_f64(),
        },
        owed,
        tickets: i
            .tickets
            .iter()
            .map(|(_, t)| TicketTold {
                ticket: t.ticket.clone(),
                affected: t.affected.clone(),
                by: t.by.clone(),
            })
            .collect(),
        left_out,
        timeline: lines
            .iter()
            .map(|l| LineTold {
                at: at(l.at.at),
                source: l.source.kind().word(),
                who: l.source.words(),
                words: l.words(&|t| at(t)),
            })
            .collect(),
    }
}
