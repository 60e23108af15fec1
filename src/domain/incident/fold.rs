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

impl Backlog {
    /// How many messages may wait beyond those that stood there before, and it is no backlog.
    pub(super) fn slack(&self, stood: Option<u64>) -> u64 {
        let peak = self.peak.map_or(0, |(n, _)| n);
        SLACK.max(peak.saturating_sub(stood.unwrap_or(0)) / 20)
    }
    /// Whether so many that wait are no backlog, where `stood` waited before.
    pub fn is_no_more(&self, stood: Option<u64>, waits: u64) -> bool {
        waits <= stood.unwrap_or(0).saturating_add(self.slack(stood))
    }

    /// Takes in what was put on record. Of a peak that was seen twice the higher one counts.
    fn recorded(&mut self, seen: &BacklogSeen, at: Moment) {
        let peak_at = Moment::new(seen.peak_at, at.steps);
        if self.peak.is_none_or(|(peak, _)| seen.peak > peak) {
            self.peak = Some((seen.peak, peak_at));
        }
        self.cleared = seen.cleared_at.map(|c| Moment::new(c, at.steps));
        self.mail_minutes = Some(self.mail_minutes.unwrap_or(0).max(seen.mail_minutes));
        self.unseen = self.unseen.max(seen.unseen);
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
            backlog: Backlog::default(),
            touched: at,
            forgotten: 0,
        }
    }

    /// Takes in an entry, in the order of the record.
    pub fn take(&mut self, entry: &Entry, at: Moment) {
        self.touched = at;
        match entry {
            // It is open already: two observers may have come to it at the same moment.
            Entry::Opened(again) => self.join(&again.doors),
            Entry::Joined(joined) => self.join(&joined.doors),
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

    fn join(&mut self, doors: &[Failed]) {
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
