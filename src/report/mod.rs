//! Reports made from the record: of one incident for those who review it, and of the fleet for the person who takes over. Pure:
//! a [`Report`] or a [`Handover`](handover::Handover) is made from the model and the series of a stretch of the record, and
//! each way of writing it down (`md`, `json`, `html`) only words what is in it. What is not known is part of it.

pub mod handover;
pub mod html;
pub mod json;
pub mod md;
pub mod series;
pub mod times;
mod unknown;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::door::Role;
use crate::domain::horizon::Patience;
use crate::domain::incident::clocks::{Clocks, clocks};
use crate::domain::incident::debt::{Cadence, Debt, debt};
use crate::domain::incident::{Incident, Moment};
use crate::domain::{Name, Span, Text};
use crate::model::timeline::{Line, SourceKind, What};
use crate::model::{Action, KeptOut, Model};

use series::{Door, Key, Range, Series};

/// A chart begins so long before an incident and ends so long after it, unless that is more than an eighth of it.
const LEAST_BESIDE: Span = Span::from_mins(10);
/// And never more than this.
const MOST_BESIDE: Span = Span::from_hours(1);
/// A start that is longer than this before it was noticed is not drawn: the rest would be a line's width.
const DRAWN: Span = Span::from_hours(7 * 24);
/// The most actions that are told, the newest.
const ACTIONS: usize = 100;

/// One incident, as the record has it.
#[derive(Clone, Debug)]
pub struct Report {
    /// When the report was made.
    pub now: Moment,
    /// The incident.
    pub incident: Incident,
    /// Its clocks.
    pub clocks: Clocks,
    /// What the public is owed.
    pub owed: Option<Debt>,
    /// What each role of mail did meanwhile.
    pub roles: Vec<RoleRecord>,
    /// Its timeline, oldest first.
    pub timeline: Vec<Line>,
    /// Lines of the timeline and events that were too many to be kept.
    pub left_out: u64,
    /// Rows of the record that could not be read.
    pub skipped: u64,
    /// Actions on its servers, oldest first.
    pub actions: Vec<Action>,
    /// When other servers could not deliver to it, where an outage of the way in is on record.
    pub kept_out: Option<KeptOut>,
    /// Senders whose documented time was up meanwhile, each with when; `None` when no table of senders
    /// is on record.
    pub gave_up: Option<Vec<(Patience, Timestamp)>>,
    /// Times in which nobody was watching.
    pub absences: Vec<(Moment, Moment)>,
    /// What the charts draw.
    pub series: Series,
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

/// What one role of mail did while the incident lasted.
#[derive(Clone, Debug)]
pub struct RoleRecord {
    /// Which.
    pub role: Role,
    /// Its doors, by server and name, each with its probes; `None` where there were none.
    pub doors: Vec<(Key, Option<Door>)>,
}

/// The stretch that is drawn, and the one in which the incident lasted.
pub fn ranges(incident: &Incident, now: Timestamp) -> (Range, Range) {
    let start = incident.start();
    let first = start.probes.map_or(start.at.at, |(_, bad)| bad.min(start.at.at));
    let first = first.max((Span::ZERO - DRAWN).after(incident.noticed.at.min(now)));
    let over = incident
        .restored()
        .or_else(|| incident.resolved())
        .map_or(now, |m| m.at.min(now));
    // The end is drawn, too: a backlog goes on after service is back.
    let ends = [incident.resolved(), incident.backlog.cleared]
        .into_iter()
        .flatten()
        .map(|m| m.at);
    let last = ends.chain([over]).max().unwrap_or(over).max(first);
    let beside = Span::from_micros(Span::between(first, last).micros() / 8).clamp(LEAST_BESIDE, MOST_BESIDE);
    let drawn = Range {
        from: (Span::ZERO - beside).after(first),
        until: beside.after(last).min(now).max(last),
    };
    let during = Range {
        from: first,
        until: over.max(first),
    };
    (drawn, during)
}

impl Report {
    /// Makes it. `model` and `series` have taken in the same events; `left_out` and `skipped` are those that neither has.
    pub fn of(
        incident: &Incident,
        model: &Model,
        series: Series,
        cadence: Cadence,
        now: Timestamp,
        skipped: u64,
    ) -> Self {
        let moment = model.moment(now);
        let kept_out = model.kept_out(incident, now);
        let timeline = model.timeline(incident, now);
        let absences = timeline.iter().filter_map(|l| match l.what {
            What::Absent(since) => Some((since, l.at)),
            _ => None,
        });
        let mut report = Self {
            now: moment,
            clocks: clocks(incident),
            owed: debt(incident, cadence, moment),
            roles: roles(model, &series),
            left_out: model.lines_left_out(),
            skipped,
            actions: actions(incident, model, series.range),
            kept_out,
            gave_up: (!model.senders().is_empty()).then(|| {
                let up = |out: KeptOut| {
                    let up = model.senders().iter().filter(move |p| p.gives_up_after <= out.lasted());
                    up.map(move |p| (p.clone(), out.since.after(p.gives_up_after).at))
                };
                kept_out.into_iter().flat_map(up).collect()
            }),
            absences: absences.collect(),
            series,
            incident: incident.clone(),
            timeline,
            unknown: Vec::new(),
        };
        report.unknown = unknown::of(&report);
        report
    }

    /// Whether a door could not be got to while no door of the fleet was seen otherwise: then it may be our own network, and
    /// what it did is not known.
    pub(super) fn is_dark(&self, door: &series::Door) -> bool {
        let Some((first, last)) = door.bad.filter(|_| words::is_far(door)) else {
            return false;
        };
        let mut all = self.roles.iter().flat_map(RoleRecord::seen).map(|(_, d)| d);
        let meanwhile = |(from, to): (Timestamp, Timestamp)| from <= last && to >= first;
        !all.any(|d| {
            let failed_there = d.down > 0 && !words::is_far(d) && d.bad.is_some_and(meanwhile);
            let worked = d.down == 0 && d.seen_good.is_some_and(meanwhile);
            failed_there || worked
        })
    }

    /// Where it is spoken of from: how long ago things were is counted from here.
    pub fn title(&self) -> String {
        match &self.incident.number {
            Some(number) => format!("{number}: {}", self.incident.name()),
            None => self.incident.name().to_string(),
        }
    }

    /// At most so many lines of the timeline: of those that probes, queues and the clock gave, the middle is left out first. In
    /// place of what is left out stands how much that is.
    pub fn lines(&self, most: usize) -> Vec<Shown<'_>> {
        bounded(&self.timeline, most)
    }
}

/// A line of a bounded timeline.
#[derive(Clone, PartialEq, Debug)]
pub enum Shown<'a> {
    /// It.
    Line(&'a Line),
    /// So many lines are left out here.
    LeftOut(Left),
}

/// What is left out of a timeline at one place.
#[derive(Clone, PartialEq, Debug)]
pub struct Left {
    /// From the first of these lines
    pub from: Timestamp,
    /// to the last.
    pub until: Timestamp,
    /// How many from each kind of source.
    pub kinds: BTreeMap<SourceKind, usize>,
}

impl Left {
    /// How many.
    pub fn lines(&self) -> usize {
        self.kinds.values().sum()
    }
    /// `1 204 lines are left out here (probe 1 200, queue 4)`.
    pub fn words(&self) -> String {
        let kinds: Vec<String> = self
            .kinds
            .iter()
            .map(|(k, n)| format!("{} {}", k.word(), times::grouped(*n as u64)))
            .collect();
        let lines = self.lines();
        let (noun, verb) = if lines == 1 { ("line", "is") } else { ("lines", "are") };
        format!(
            "{} {noun} {verb} left out here ({})",
            times::grouped(lines as u64),
            kinds.join(", ")
        )
    }
}

/// People's words come before what machines saw, and of either the first and the last before what is between.
fn bounded(lines: &[Line], most: usize) -> Vec<Shown<'_>> {
    if lines.len() <= most {
        return lines.iter().map(Shown::Line).collect();
    }
    let told = |l: &Line| {
        matches!(
            l.source.kind(),
            SourceKind::Person | SourceKind::Rules | SourceKind::Job
        )
    };
    let mut kept = vec![false; lines.len()];
    let mut room = most;
    for wanted in [true, false] {
        let of: Vec<usize> = (0..lines.len()).filter(|n| told(&lines[*n]) == wanted).collect();
        let take = room.min(of.len());
        let (head, tail) = (take.div_ceil(2), take / 2);
        for n in of.iter().take(head).chain(of.iter().rev().take(tail)) {
            kept[*n] = true;
        }
        room -= take;
    }
    let mut shown = Vec::with_capacity(most + 2);
    for (line, kept) in lines.iter().zip(kept) {
        if kept {
            shown.push(Shown::Line(line));
            continue;
        }
        if !matches!(shown.last(), Some(Shown::LeftOut(_))) {
            shown.push(Shown::LeftOut(Left {
                from: line.at.at,
                until: line.at.at,
                kinds: BTreeMap::new(),
            }));
        }
        if let Some(Shown::LeftOut(left)) = shown.last_mut() {
            left.until = line.at.at;
            *left.kinds.entry(line.source.kind()).or_default() += 1;
        }
    }
    shown
}

/// The doors of each role, as they are watched, with the probes of the time.
fn roles(model: &Model, series: &Series) -> Vec<RoleRecord> {
    let of = |role: Role| {
        let mut doors: BTreeMap<Key, Option<Door>> = BTreeMap::new();
        for s in model.servers() {
            for d in s.doors.values().filter(|d| d.role() == role) {
                doors.insert((s.name.clone(), d.name.clone()), None);
            }
        }
        for (key, door) in series.doors.iter().filter(|(_, d)| d.role == role) {
            doors.insert(key.clone(), Some(door.clone()));
        }
        RoleRecord {
            role,
            doors: doors.into_iter().collect(),
        }
    };
    Role::ALL.into_iter().map(of).collect()
}

fn actions(incident: &Incident, model: &Model, range: Range) -> Vec<Action> {
    let mine = |a: &&Action| incident.servers.contains(&a.plan.server) && range.holds(a.at);
    let mut all: Vec<Action> = model.actions().filter(mine).cloned().collect();
    all.sort_by_key(|a| a.at);
    let more = all.len().saturating_sub(ACTIONS);
    all.drain(..more);
    all
}

impl RoleRecord {
    /// Its doors that were seen failing.
    pub fn failing(&self) -> impl Iterator<Item = (&Key, &Door)> {
        self.seen().filter(|(_, d)| d.down > 0)
    }
    /// Its doors of which anything was seen.
    pub fn seen(&self) -> impl Iterator<Item = (&Key, &Door)> {
        self.doors
            .iter()
            .filter_map(|(k, d)| Some((k, d.as_ref()?)))
            .filter(|(_, d)| d.probes() > 0)
    }
    /// Whether each of its doors that was seen proved good, and none failed.
    pub fn worked(&self) -> bool {
        self.seen().count() > 0 && self.seen().all(|(_, d)| d.down == 0 && d.proved > 0)
    }
}

/// `imap on mbox1`.
pub(crate) fn part((server, part): &(Name, Name)) -> Text {
    format!("{part} on {server}").into()
}
