//! What waits for the disk: the queue between those who learn things and the writer, and the rule for what is shown when the disk
//! fails. Nobody who puts something in ever waits; a sample may be lost when the queue is full, an action never.
//!
//! Events are shown once they are committed. While the disk fails or does not answer they are shown at once and the
//! screen says that they are not recorded; they stay in the queue, marked, and are recorded when the disk is back.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use super::kind::Kind;
use super::{Change, Changed, Claim, Cursor, Durability, Lease};
use crate::domain::effect::Recording;
use crate::domain::event::Event;
use crate::domain::{Text, Timestamp};

/// A disk that has not answered for so long counts as failing.
pub const STUCK: Duration = Duration::from_secs(2);
/// Commits are at least this far apart, unless something is urgent.
pub const GATHER: Duration = Duration::from_millis(50);
/// With so many events waiting, a commit is made at once.
const MANY: usize = 256;
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
enum Entry {
    Events {
        ticket: Ticket,
        events: Arc<[Event]>,
        shown: Shown,
        /// Somebody waits for it to be on disk, and acts then. It is not shown before.
        reply: Option<oneshot::Sender<Result<(), Text>>>,
    },
    Lease(Claim, oneshot::Sender<Lease>),
    Release(Change, oneshot::Sender<()>),
}

impl Entry {
    fn len(&self) -> usize {
        match self {
            Self::Events { events, .. } => events.len(),
            Self::Lease(..) | Self::Release(..) => 0,
        }
    }
}

/// Tells one entry from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(u64);

/// Samples that found no room.
#[derive(Clone, Debug)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// When the first was seen.
    pub first: Timestamp,
    /// When the last was seen.
    pub last: Timestamp,
}

struct State {
    entries: VecDeque<Entry>,
    /// How many of the first entries the writer is at now.
    in_flight: usize,
    events: usize,
    tickets: u64,
    lost: Option<Lost>,
    /// Since when the writer has been at the disk.
    at_disk: Option<Instant>,
    urgent: Urgent,
    stop: Stop,
    feed: mpsc::Sender<Vec<Event>>,
    recording: watch::Sender<Recording>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgent {
    No,
    Yes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    Asked,
}

/// What the writer is to do next.
pub enum Next {
    /// Commit these.
    Commit(Vec<Change>, Durability),
    /// Look around: the time that was asked for has come.
    Look,
    /// Nothing waits any more, and nothing more will come.
    End,
}

/// The queue.
pub struct Waiting {
    state: Mutex<State>,
    wake: Condvar,
}

impl Waiting {
    /// An empty queue that shows on `feed`.
    pub fn new(feed: mpsc::Sender<Vec<Event>>, recording: watch::Sender<Recording>) -> Self {
        Self {
            state: Mutex::new(State {
                entries: VecDeque::new(),
                in_flight: 0,
                events: 0,
                tickets: 0,
                lost: None,
                at_disk: None,
                urgent: Urgent::No,
                stop: Stop::No,
                feed,
                recording,
            }),
            wake: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts events in.
    pub fn append(&self, events: Vec<Event>) {
        let mut state = self.lock();
        let events = state.make_room(events);
        if !events.is_empty() {
            state.push_events(events, None);
        }
        state.show_if_failing();
        drop(state);
        self.wake.notify_all();
    }

    /// Puts events in that must be on disk before something is done.
    pub fn append_durable(&self, events: Vec<Event>) -> (Ticket, oneshot::Receiver<Result<(), Text>>) {
        let (reply, answer) = oneshot::channel();
        let mut state = self.lock();
        let ticket = state.push_events(events, Some(reply));
        state.urgent = Urgent::Yes;
        if state.stop == Stop::Asked {
            // Nobody will take it up any more; whoever waits is told by the end of its channel.
            state.events -= state.entries.pop_back().map_or(0, |e| e.len());
        }
        drop(state);
        self.wake.notify_all();
        (ticket, answer)
    }

    /// Takes an entry out again, unless the writer is at it already.
    pub fn withdraw(&self, ticket: Ticket) -> Withdrawn {
        let mut state = self.lock();
        let place = state
            .entries
            .iter()
            .position(|e| matches!(e, Entry::Events { ticket: t, .. } if *t == ticket));
        match place {
            Some(place) if place >= state.in_flight => {
                state.events -= state.entries.remove(place).map_or(0, |e| e.len());
                Withdrawn::Yes
            }
            _ => Withdrawn::TooLate,
        }
    }

    /// Asks for a lease. While the disk fails there is nobody to share with, and it is held.
    pub fn lease(&self, claim: Claim) -> oneshot::Receiver<Lease> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.lock();
        if state.is_failing() {
            let _ = reply.send(Lease::Held);
        } else {
            state.entries.push_back(Entry::Lease(claim, reply));
        }
        drop(state);
        self.wake.notify_all();
        answer
    }

    /// Gives leases back.
    pub fn release(&self, change: Change) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        self.lock().entries.push_back(Entry::Release(change, reply));
        self.wake.notify_all();
        answer
    }

    /// No more will come.
    pub fn stop(&self) {
        self.lock().stop = Stop::Asked;
        self.wake.notify_all();
    }

    /// Whether no more will come.
    pub fn is_stopping(&self) -> bool {
        self.lock().stop == Stop::Asked
    }

    /// For the writer: waits until something is to be done, `until` at the latest. Nothing is committed before `not_before`,
    /// urgent things and the last ones excepted.
    pub fn next(&self, not_before: Instant, until: Instant) -> Next {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let due = now >= not_before || state.urgent == Urgent::Yes || state.stop == Stop::Asked;
            let failing = *state.recording.borrow() != Recording::Yes;
            if !state.entries.is_empty() && (due || (state.events >= MANY && !failing)) {
                state.urgent = Urgent::No;
                return state.take();
            }
            if state.stop == Stop::Asked {
                return Next::End;
            }
            if now >= until {
                return Next::Look;
            }
            let wait = if state.entries.is_empty() {
                until
            } else {
                until.min(not_before)
            };
            let wait = wait.saturating_duration_since(now);
            (state, _) = self
                .wake
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// For the writer: it goes to the disk.
    pub fn to_disk(&self) {
        self.lock().at_disk = Some(Instant::now());
    }

    /// For the writer: it is back from the disk.
    pub fn off_disk(&self) {
        self.lock().at_disk = None;
    }

    /// For the writer: what [`Next::Commit`] gave is on disk. The stretches of it that were shown before, and what was lost.
    pub fn committed(&self, done: Vec<Changed>) -> (Vec<(Cursor, Cursor)>, Option<Lost>) {
        let mut state = self.lock();
        let mut shown_before = Vec::new();
        state.in_flight = 0;
        for done in done {
            let Some(entry) = state.entries.pop_front() else { break };
            match (entry, done) {
                (
                    Entry::Events {
                        events, shown, reply, ..
                    },
                    Changed::Appended { after, last },
                ) => {
                    state.events -= events.len();
                    if shown == Shown::Unrecorded {
                        shown_before.push((after, last));
                    }
                    if let Some(reply) = reply {
                        let _ = reply.send(Ok(()));
                    }
                }
                (Entry::Lease(_, reply), Changed::Lease(lease)) => drop(reply.send(lease)),
                (Entry::Release(_, reply), _) => drop(reply.send(())),
                _ => {}
            }
        }
        state.now_recording();
        (shown_before, state.lost.take())
    }

    /// For the writer: nothing waits that could say so, but the disk works.
    pub fn working(&self) {
        self.lock().now_recording();
    }

    /// For the writer: the disk fails. Whoever waits for it is told; events stay and are shown.
    pub fn failed(&self, why: &Text) {
        let mut state = self.lock();
        state.in_flight = 0;
        state.at_disk = None;
        state.urgent = Urgent::No;
        state.not_recording(why);
        let entries = std::mem::take(&mut state.entries);
        for entry in entries {
            match entry {
                Entry::Events {
                    reply: Some(reply),
                    events,
                    ..
                } => {
                    state.events -= events.len();
                    let _ = reply.send(Err(why.clone()));
                }
                Entry::Lease(_, reply) => drop(reply.send(Lease::Held)),
                Entry::Release(_, reply) => drop(reply.send(())),
                events @ Entry::Events { .. } => state.entries.push_back(events),
            }
        }
        state.show();
    }

    /// How many events were not recorded, now that no more will be.
    pub fn unrecorded(&self) -> u64 {
        let state = self.lock();
        state.events as u64 + state.lost.as_ref().map_or(0, |l| l.count)
    }
}

/// Whether an entry could be taken out again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Withdrawn {
    /// It will not be recorded.
    Yes,
    /// It is being recorded, or has been.
    TooLate,
}

impl State {
    fn push_events(&mut self, events: Vec<Event>, reply: Option<oneshot::Sender<Result<(), Text>>>) -> Ticket {
        self.tickets += 1;
        self.events += events.len();
        let ticket = Ticket(self.tickets);
        self.entries.push_back(Entry::Events {
            ticket,
            events: events.into(),
            shown: Shown::NotYet,
            reply,
        });
        ticket
    }

    /// What there is room for. Samples for which there is none are shown and counted.
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
            let _ = self.feed.try_send(samples);
        }
        kept
    }

    fn take(&mut self) -> Next {
        let (mut changes, mut durability, mut events) = (Vec::new(), Durability::Process, 0);
        for entry in &self.entries {
            changes.push(match entry {
                Entry::Events {
                    events: some, reply, ..
                } => {
                    if reply.is_some() {
                        durability = Durability::PowerCut;
                    }
                    events += some.len();
                    Change::Append(some.clone())
                }
                Entry::Lease(claim, _) => Change::Lease(claim.clone()),
                Entry::Release(change, _) => change.clone(),
            });
            if events >= COMMIT {
                break;
            }
        }
        self.in_flight = changes.len();
        if self.entries.len() > changes.len() {
            // The rest may hold something urgent.
            self.urgent = Urgent::Yes;
        }
        Next::Commit(changes, durability)
    }

    fn is_failing(&self) -> bool {
        *self.recording.borrow() != Recording::Yes || self.at_disk.is_some_and(|since| since.elapsed() >= STUCK)
    }

    fn show_if_failing(&mut self) {
        if let Some(since) = self.at_disk.filter(|since| since.elapsed() >= STUCK) {
            let secs = since.elapsed().as_secs();
            self.not_recording(&format!("the journal's disk has not answered for {secs}s").into());
        }
        if self.is_failing() {
            self.show();
        }
    }

    /// Shows what waits and was not shown yet, as far as there is room on the way to the screen.
    fn show(&mut self) {
        for entry in &mut self.entries {
            if let Entry::Events {
                events,
                shown: shown @ Shown::NotYet,
                reply: None,
                ..
            } = entry
            {
                match self.feed.try_send(events.to_vec()) {
                    Err(mpsc::error::TrySendError::Full(_)) => return,
                    Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => *shown = Shown::Unrecorded,
                }
            }
        }
    }

    fn not_recording(&self, why: &Text) {
        let new = Recording::No { why: why.clone() };
        self.recording.send_if_modified(|old| {
            let changed = *old != new;
            *old = new;
            changed
        });
    }

    fn now_recording(&self) {
        self.recording.send_if_modified(|old| {
            let changed = *old != Recording::Yes;
            *old = Recording::Yes;
            changed
        });
    }
}
