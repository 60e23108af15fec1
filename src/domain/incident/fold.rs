//! One incident as the fold of what is on record of it. Both starts are kept: the one that probes show, with the last good
//! probe and the first bad one, and the one that a person gave.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::fact::{BacklogSeen, Entry, Failed, How, Noted, Opened, Posted, Restored, StateSet, Ticket, TicketIs};
use super::{IncidentId, Moment, State};
use crate::domain::health::Layer;
use crate::domain::{Name, Span, Text};

/// The most that is kept of each kind of entry, the newest; the journal has all of them.
const KEEP: usize = 500;

/// An incident.
#[derive(Clone, PartialEq, Debug)]
pub struct Incident {
    /// Which.
    pub id: IncidentId,
    /// As it was opened.
    pub opened: Opened,
    /// When that was put on record: it was noticed then.
    pub noticed: Moment,
    /// All servers.
    pub servers: BTreeSet<Name>,
    /// All doors that showed it.
    pub doors: Vec<Failed>,
    /// The operator's own number.
    pub number: Option<Text>,
    /// When it began, as a person corrected it, who did, and when.
    pub corrected: Option<(Timestamp, Text, Moment)>,
    /// How far it is.
    pub state: State,
    /// How it got there.
    pub states: Vec<(Moment, StateSet)>,
    /// Who said first that they take it, and when.
    pub acknowledged: Option<(Text, Moment)>,
    /// What was written down.
    pub notes: Vec<(Moment, Noted)>,
    /// What the public was told.
    pub updates: Vec<(Moment, Posted)>,
    /// Tickets.
    pub tickets: Vec<(Moment, Ticket)>,
    /// When its end was proposed, and why.
    pub end: Option<(Moment, Restored)>,
    /// What its backlog came to.
    pub backlog: Backlog,
    /// The newest entry.
    pub touched: Moment,
    /// How many older notes, updates, tickets and states are not kept here.
    pub forgotten: u64,
}

/// When an incident began, and how that is known.
#[derive(Clone, PartialEq, Debug)]
pub struct Start {
    /// The moment that counts.
    pub at: Moment,
    /// Who said so, where a person did.
    pub by: Option<Text>,
    /// What probes show, where they do: the last good one, and the first bad one.
    pub probes: Option<(Option<Timestamp>, Timestamp)>,
}

/// What a backlog came to.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Backlog {
    /// How many messages stood in the queues of its servers when it began; `None` where that is not known.
    pub stood: Option<u64>,
    /// The most messages that waited, and when.
    pub peak: Option<(u64, Moment)>,
    /// When it was cleared after that.
    pub cleared: Option<Moment>,
    /// Minutes that messages waited; `None` where what stood there before is not known.
    pub mail_minutes: Option<u64>,
    /// How much of the time the queues were not seen.
    pub unseen: Span,
}

/// A backlog that is smaller than this, or than a twentieth of its peak, is none: a few messages wait in any queue.
const SLACK: u64 = 30;
/// However large the peak was, more than this many that wait are a backlog still.
const MOST_SLACK: u64 = 100;

impl Backlog {
    /// How many messages may wait beyond those that stood there before, and it is no backlog.
    pub(super) fn slack(&self) -> u64 {
        let peak = self.peak.map_or(0, |(n, _)| n);
        (peak.saturating_sub(self.stood.unwrap_or(0)) / 20).clamp(SLACK, MOST_SLACK)
    }
    /// Whether so many that wait are no backlog.
    pub fn is_no_more(&self, waits: u64) -> bool {
        waits <= self.stood.unwrap_or(0).saturating_add(self.slack())
    }

    /// Takes in what was put on record. Of a peak that was seen twice the higher one counts.
    fn recorded(&mut self, seen: &BacklogSeen, at: Moment) {
        let peak_at = Moment::new(seen.peak_at, at.steps);
        if self.peak.is_none_or(|(peak, _)| seen.peak > peak) {
            self.peak = Some((seen.peak, peak_at));
        }
        self.cleared = seen.cleared_at.map(|c| Moment::new(c, at.steps));
        // Where it is not known what stood there, old records have a zero for minutes that are not known.
        let known = seen.mail_minutes.filter(|n| *n > 0 || self.stood.is_some());
        self.mail_minutes = self.mail_minutes.max(known);
        self.unseen = self.unseen.max(seen.unseen);
    }

    /// Takes in what older readings come to. Of a peak that was seen twice the higher one counts.
    pub fn seeded(&mut self, older: &Self) {
        if older.peak.map(|(n, _)| n) > self.peak.map(|(n, _)| n) {
            (self.peak, self.cleared) = (older.peak, older.cleared);
        }
        self.mail_minutes = self.mail_minutes.max(older.mail_minutes);
        self.unseen = self.unseen.max(older.unseen);
    }

    /// More servers belong to it, in whose queues so many stood when it began.
    fn joined(&mut self, stood: Option<u64>) {
        self.stood = self.stood.zip(stood).map(|(a, b)| a.saturating_add(b));
        if self.stood.is_none() {
            self.mail_minutes = None;
        }
    }
}

impl Incident {
    /// As it was opened.
    pub fn new(id: IncidentId, opened: Opened, at: Moment) -> Self {
        Self {
            id,
            servers: opened
                .servers
                .iter()
                .chain(opened.doors.iter().map(|d| &d.server))
                .cloned()
                .collect(),
            doors: opened.doors.clone(),
            number: opened.number.clone(),
            backlog: Backlog {
                stood: opened.stood_before,
                ..Backlog::default()
            },
            opened,
            noticed: at,
            corrected: None,
            state: State::Investigating,
            states: Vec::new(),
            acknowledged: None,
            notes: Vec::new(),
            updates: Vec::new(),
            tickets: Vec::new(),
            end: None,
            touched: at,
            forgotten: 0,
        }
    }

    /// Takes in an entry, in the order of the record.
    pub fn take(&mut self, entry: &Entry, at: Moment) {
        self.touched = at;
        match entry {
            // It is open already: two observers may have come to it at the same moment.
            Entry::Opened(again) => self.join(&again.doors, None),
            Entry::Joined(joined) => self.join(&joined.doors, joined.stood_before),
            Entry::State(set) => {
                if set.to != State::Resolved && self.state == State::Resolved {
                    self.end = None;
                }
                self.state = set.to;
                self.forgotten += keep(&mut self.states, (at, set.clone()));
            }
            Entry::Acknowledged(a) => {
                self.acknowledged.get_or_insert((a.by.clone(), at));
            }
            Entry::Noted(note) => self.forgotten += keep(&mut self.notes, (at, note.clone())),
            Entry::UpdatePosted(posted) => self.forgotten += keep(&mut self.updates, (at, posted.clone())),
            Entry::TicketLinked(ticket) => {
                if ticket.is == TicketIs::Number {
                    self.number = Some(ticket.ticket.clone());
                }
                self.forgotten += keep(&mut self.tickets, (at, ticket.clone()));
            }
            Entry::StartCorrected(c) => self.corrected = c.at.map(|start| (start, c.by.clone(), at)),
            Entry::EndProposed(proposed) => self.end = proposed.restored.clone().map(|r| (at, r)),
            Entry::BacklogSeen(seen) => self.backlog.recorded(seen, at),
        }
    }

    fn join(&mut self, doors: &[Failed], stood: Option<u64>) {
        let before = self.servers.len();
        for door in doors {
            self.servers.insert(door.server.clone());
            let known = |d: &Failed| (&d.server, &d.door) == (&door.server, &door.door);
            match self.doors.iter().position(known) {
                // Where it fails may change; since when it fails does not.
                Some(at) => self.doors[at].layer = door.layer,
                None if self.doors.len() < KEEP => self.doors.push(door.clone()),
                None => {}
            }
        }
        if self.servers.len() > before {
            self.backlog.joined(stood);
        }
    }

    /// The newest public update by when it was posted, which is not always when it was put on record, and when that was.
    pub fn last_update(&self) -> Option<(Moment, &Posted)> {
        let posted = |(at, p): &'_ (Moment, Posted)| match p.of.map(|of| Moment::new(of, at.steps)) {
            // Nothing was posted after it was put on record.
            Some(of) if of.precedes(*at) => of,
            _ => *at,
        };
        let all = self.updates.iter().map(|u| (posted(u), &u.1));
        all.reduce(|newest, u| if u.0.precedes(newest.0) { newest } else { u })
    }

    /// What it is called.
    pub const fn name(&self) -> &Text {
        &self.opened.name
    }
    /// The operator's number, else its own.
    pub fn called(&self) -> &str {
        self.number.as_deref().unwrap_or(self.id.0.as_str())
    }
    /// Where it fails.
    pub const fn layer(&self) -> Option<Layer> {
        self.opened.layer
    }
    /// Whether a person said that it is over.
    pub fn is_resolved(&self) -> bool {
        self.state == State::Resolved
    }

    /// When it began.
    pub fn start(&self) -> Start {
        let opened = &self.opened;
        let lasted = opened
            .lasted
            .unwrap_or_else(|| Span::between(opened.started, self.noticed.at));
        let began = self.noticed.before(lasted, opened.started);
        let first = self
            .doors
            .iter()
            .filter(|_| opened.how == How::Rule)
            .min_by_key(|d| d.first_bad);
        let probes = first.map(|d| (d.last_good, d.first_bad));
        let derived = probes.map_or(began, |(_, bad)| Moment::new(bad.min(opened.started), began.steps));
        match &self.corrected {
            Some((at, by, _)) => Start {
                at: Moment::new(*at, began.steps),
                by: Some(by.clone()),
                probes,
            },
            None => Start {
                at: derived,
                by: opened.by.clone(),
                probes,
            },
        }
    }

    /// When service was good again, as proposed with its end.
    pub fn restored(&self) -> Option<Moment> {
        let (at, restored) = self.end.as_ref()?;
        Some(at.before(restored.ago, restored.first_good))
    }

    /// When a person said that it is over, while that holds.
    pub fn resolved(&self) -> Option<Moment> {
        let (at, set) = self.states.last()?;
        (set.to == State::Resolved).then_some(*at)
    }
}

/// Adds one; how many older ones that pushed out.
fn keep<T>(all: &mut Vec<T>, one: T) -> u64 {
    all.push(one);
    if all.len() > KEEP {
        all.remove(0);
        return 1;
    }
    0
}
