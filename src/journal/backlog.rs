//! What waits for the disk, as plain state: in which order it is recorded, what is shown before that, and what is let go when
//! there is no more room. Samples may be lost, and are counted; an action never is.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::kind::Kind;
use super::{Change, Changed, Claim, Cursor, Durability, Lease};
use crate::domain::event::{Event, Subject};
use crate::domain::{Text, Timestamp};

/// The most events in one commit.
const COMMIT: usize = 1_024;
/// The most samples that wait for a failing disk: minutes of a large fleet.
const ROOM: usize = 10_000;

/// Whether an event was shown before it was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    NotYet,
    Unrecorded,
}

/// One thing that waits.
pub enum Entry {
    /// Events to record.
    Events(Events),
    /// A lease to take.
    Lease(Claim, oneshot::Sender<Lease>),
    /// Leases to give back.
    Release(Change, oneshot::Sender<()>),
    /// A question of what is on record, to be answered after all that was put in before it.
    Recall(Subject, oneshot::Sender<Vec<Event>>),
}

/// Events that were put in together.
pub struct Events {
    ticket: Ticket,
    these: Arc<[Event]>,
    shown: Shown,
    /// Somebody waits for them to be on disk, and acts then. They are not shown before.
    reply: Option<oneshot::Sender<Result<(), Text>>>,
}

/// Tells one entry from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(u64);

/// Whether an entry could be taken out again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Withdrawn {
    /// It will not be recorded.
    Yes,
    /// It is being recorded, or has been.
    TooLate,
}

/// Samples that found no room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// When the first was seen.
    pub first: Timestamp,
    /// When the last was seen.
    pub last: Timestamp,
}

/// All that waits, oldest first.
pub struct Backlog {
    entries: VecDeque<Entry>,
    /// How many of the first entries the writer is at now.
    in_flight: usize,
    events: usize,
    tickets: u64,
    lost: Option<Lost>,
    feed: mpsc::Sender<Vec<Event>>,
}

impl Backlog {
    /// Nothing, and the way to the screen.
    pub const fn new(feed: mpsc::Sender<Vec<Event>>) -> Self {
        Self {
            entries: VecDeque::new(),
            in_flight: 0,
            events: 0,
            tickets: 0,
            lost: None,
            feed,
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many events wait.
    pub const fn events(&self) -> usize {
        self.events
    }

    /// How many events are not on the record, waiting or lost.
    pub fn unrecorded(&self) -> u64 {
        self.events as u64 + self.lost.as_ref().map_or(0, |l| l.count)
    }

    /// Puts events in. Samples for which there is no room are shown and counted.
    pub fn push(&mut self, events: Vec<Event>) {
        let events = self.make_room(events);
        if !events.is_empty() {
            self.push_events(events, None);
        }
    }

    /// Puts events in that somebody waits for. There is always room for them.
    pub fn push_awaited(&mut self, events: Vec<Event>, reply: oneshot::Sender<Result<(), Text>>) -> Ticket {
        self.push_events(events, Some(reply))
    }

    /// Puts something else in.
    pub fn push_entry(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    fn push_events(&mut self, events: Vec<Event>, reply: Option<oneshot::Sender<Result<(), Text>>>) -> Ticket {
        self.tickets += 1;
        self.events += events.len();
        let ticket = Ticket(self.tickets);
        self.entries.push_back(Entry::Events(Events {
            ticket,
            these: events.into(),
            shown: Shown::NotYet,
            reply,
        }));
        ticket
    }

    fn make_room(&mut self, events: Vec<Event>) -> Vec<Event> {
        if self.events + events.len() <= ROOM {
            return events;
        }
        let (samples, kept): (Vec<_>, Vec<_>) = events.into_iter().partition(|e| Kind::of(&e.what).is_sample());
        for sample in &samples {
            let lost = self.lost.get_or_insert(Lost {
                count: 0,
                first: sample.at,
                last: sample.at,
            });
            lost.count += 1;
            lost.last = sample.at;
        }
        if !samples.is_empty() {
            // Where there is no room on the way to the screen either, the count is all that stays of them.
            let _ = self.feed.try_send(samples);
        }
        kept
    }

    /// Takes an entry out again, unless the writer is at it already.
    pub fn withdraw(&mut self, ticket: Ticket) -> Withdrawn {
        let is_it = |e: &Entry| matches!(e, Entry::Events(e) if e.ticket == ticket);
        match self.entries.iter().position(is_it) {
            Some(place) if place >= self.in_flight => {
                if let Some(Entry::Events(e)) = self.entries.remove(place) {
                    self.events -= e.these.len();
                }
                Withdrawn::Yes
            }
            _ => Withdrawn::TooLate,
        }
    }

    /// The changes of the next commit. They wait on until it is [`Backlog::committed`] or has [`Backlog::failed`].
    pub fn take(&mut self) -> (Vec<Change>, Durability) {
        let (mut changes, mut durability, mut events) = (Vec::new(), Durability::Process, 0);
        for entry in &self.entries {
            changes.push(match entry {
                Entry::Events(e) => {
                    if e.reply.is_some() {
                        durability = Durability::PowerCut;
                    }
                    events += e.these.len();
                    Change::Append(e.these.clone())
                }
                Entry::Lease(claim, _) => Change::Lease(claim.clone()),
                Entry::Release(change, _) => change.clone(),
                Entry::Recall(about, _) => Change::Recall(about.clone()),
            });
            if events >= COMMIT {
                break;
            }
        }
        self.in_flight = changes.len();
        (changes, durability)
    }

    /// What was taken is on disk. The stretches of it that were shown before, and what was lost.
    pub fn committed(&mut self, done: Vec<Changed>) -> (Vec<(Cursor, Cursor)>, Option<Lost>) {
        let mut shown_before = Vec::new();
        self.in_flight = 0;
        for done in done {
            let Some(entry) = self.entries.pop_front() else { break };
            match (entry, done) {
                (Entry::Events(e), Changed::Appended { after, last }) => {
                    self.events -= e.these.len();
                    if e.shown == Shown::Unrecorded {
                        shown_before.push((after, last));
                    }
                    if let Some(reply) = e.reply {
                        let _ = reply.send(Ok(()));
                    }
                }
                (Entry::Lease(_, reply), Changed::Lease(lease)) => drop(reply.send(lease)),
                (Entry::Release(_, reply), _) => drop(reply.send(())),
                (Entry::Recall(_, reply), Changed::Recalled(events)) => drop(reply.send(events)),
                _ => {}
            }
        }
        (shown_before, self.lost.take())
    }

    /// Nothing was recorded. Whoever waits is told, and what they waited for is given up; all else stays, and is shown.
    pub fn failed(&mut self, why: &Text) {
        self.in_flight = 0;
        for entry in std::mem::take(&mut self.entries) {
            match entry {
                Entry::Events(Events {
                    reply: Some(reply),
                    these,
                    ..
                }) => {
                    self.events -= these.len();
                    let _ = reply.send(Err(why.clone()));
                }
                Entry::Lease(_, reply) => drop(reply.send(Lease::Held)),
                Entry::Release(_, reply) => drop(reply.send(())),
                // Whoever asks learns that there is no answer by the end of the channel.
                Entry::Recall(_, reply) => drop(reply),
                events @ Entry::Events(_) => self.entries.push_back(events),
            }
        }
        self.show();
    }

    /// Shows what waits and was not shown yet, as far as there is room on the way to the screen.
    pub fn show(&mut self) {
        for entry in &mut self.entries {
            let Entry::Events(e) = entry else { continue };
            if e.shown == Shown::Unrecorded || e.reply.is_some() {
                continue;
            }
            match self.feed.try_send(e.these.to_vec()) {
                Err(mpsc::error::TrySendError::Full(_)) => return,
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => e.shown = Shown::Unrecorded,
            }
        }
    }
}
