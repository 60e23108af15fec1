//! The queue between those who learn things and the writer. Nobody who puts something in ever waits.
//!
//! Events are shown once they are committed. While the disk fails or does not answer they are shown at once and the
//! screen says that they are not recorded; they stay in the queue, marked, and are recorded when the disk is back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use super::backlog::{Backlog, Entry, Lost, Ticket, Withdrawn};
use super::{Change, Changed, Claim, Cursor, Durability, Lease};
use crate::domain::Text;
use crate::domain::effect::Recording;
use crate::domain::event::{Event, Subject};

/// A disk that has not answered for so long counts as failing.
pub const STUCK: Duration = Duration::from_secs(2);
/// Commits are at least this far apart, unless something is urgent.
pub const GATHER: Duration = Duration::from_millis(50);
/// With so many events waiting, a commit is made at once.
const MANY: usize = 256;

struct State {
    backlog: Backlog,
    /// Since when the writer has been at the disk.
    at_disk: Option<Instant>,
    urgent: Urgent,
    stop: Stop,
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
    pub const fn new(feed: mpsc::Sender<Vec<Event>>, recording: watch::Sender<Recording>) -> Self {
        Self {
            state: Mutex::new(State {
                backlog: Backlog::new(feed),
                at_disk: None,
                urgent: Urgent::No,
                stop: Stop::No,
                recording,
            }),
            wake: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes the writer to look at it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.wake.notify_all();
        changed
    }

    /// Puts events in.
    pub fn append(&self, events: Vec<Event>) {
        self.change(|state| {
            state.backlog.push(events);
            if let Some(since) = state.at_disk.filter(|since| since.elapsed() >= STUCK) {
                let secs = since.elapsed().as_secs();
                state.not_recording(&format!("the journal's disk has not answered for {secs}s").into());
            }
            if state.is_failing() {
                state.backlog.show();
            }
        });
    }

    /// Puts events in that must be on disk before something is done. After the end nobody will take them up: whoever
    /// waits learns it by the end of its channel.
    pub fn append_durable(&self, events: Vec<Event>) -> (Ticket, oneshot::Receiver<Result<(), Text>>) {
        let (reply, answer) = oneshot::channel();
        let ticket = self.change(|state| {
            let ticket = state.backlog.push_awaited(events, reply);
            state.urgent = Urgent::Yes;
            if state.stop == Stop::Asked {
                state.backlog.withdraw(ticket);
            }
            ticket
        });
        (ticket, answer)
    }

    /// Takes an entry out again, unless the writer is at it already.
    pub fn withdraw(&self, ticket: Ticket) -> Withdrawn {
        self.lock().backlog.withdraw(ticket)
    }

    /// Asks for a lease. While the disk fails there is nobody to share with, and it is held.
    pub fn lease(&self, claim: Claim) -> oneshot::Receiver<Lease> {
        let (reply, answer) = oneshot::channel();
        self.change(|state| {
            if state.is_failing() {
                let _ = reply.send(Lease::Held);
            } else {
                state.backlog.push_entry(Entry::Lease(claim, reply));
            }
        });
        answer
    }

    /// Asks what is on record of a job. While the disk fails there is no answer.
    pub fn recall(&self, about: Subject) -> oneshot::Receiver<Vec<Event>> {
        let (reply, answer) = oneshot::channel();
        self.change(|state| {
            if !state.is_failing() {
                state.backlog.push_entry(Entry::Recall(about, reply));
            }
        });
        answer
    }

    /// Gives leases back.
    pub fn release(&self, change: Change) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        self.change(|state| state.backlog.push_entry(Entry::Release(change, reply)));
        answer
    }

    /// No more will come.
    pub fn stop(&self) {
        self.change(|state| state.stop = Stop::Asked);
    }

    /// Whether no more will come.
    pub fn is_stopping(&self) -> bool {
        self.lock().stop == Stop::Asked
    }

    /// How many events are not on the record, waiting or lost.
    pub fn unrecorded(&self) -> u64 {
        self.lock().backlog.unrecorded()
    }

    /// For the writer: waits until something is to be done, `until` at the latest. Nothing is committed before `not_before`,
    /// urgent things and the last ones excepted.
    pub fn next(&self, not_before: Instant, until: Instant) -> Next {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let due = now >= not_before || state.urgent == Urgent::Yes || state.stop == Stop::Asked;
            let many = state.backlog.events() >= MANY && !state.is_failing();
            if !state.backlog.is_empty() && (due || many) {
                let (changes, durability) = state.backlog.take();
                // What is urgent may be further back than one commit reaches.
                let all = changes.len() == state.backlog.len();
                state.urgent = if all { Urgent::No } else { Urgent::Yes };
                return Next::Commit(changes, durability);
            }
            if state.stop == Stop::Asked {
                return Next::End;
            }
            if now >= until {
                return Next::Look;
            }
            let wait = if state.backlog.is_empty() {
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
        state.now(Recording::Yes);
        state.backlog.committed(done)
    }

    /// For the writer: nothing waits that could say so, but the disk works.
    pub fn working(&self) {
        self.lock().now(Recording::Yes);
    }

    /// For the writer: the disk fails. Whoever waits for it is told; events stay and are shown.
    pub fn failed(&self, why: &Text) {
        let mut state = self.lock();
        state.at_disk = None;
        state.urgent = Urgent::No;
        state.not_recording(why);
        state.backlog.failed(why);
    }
}

impl State {
    fn is_failing(&self) -> bool {
        *self.recording.borrow() != Recording::Yes || self.at_disk.is_some_and(|since| since.elapsed() >= STUCK)
    }

    fn not_recording(&self, why: &Text) {
        self.now(Recording::No { why: why.clone() });
    }

    /// Says so if it was otherwise.
    fn now(&self, new: Recording) {
        self.recording.send_if_modified(|old| {
            let changed = *old != new;
            *old = new;
            changed
        });
    }
}
