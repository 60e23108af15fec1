//! The append-only record of events, behind one trait: SQLite for one machine now, a shared one for several later.
//! Whatever is learned goes in by a [`Handle`], off the console's thread, and comes out again in the order in which it was
//! committed, other processes' events among it: what a console shows is what is on disk. Leases (who looks at what)
//! live in the same file. May import `domain` and the clock only.

use std::io::Write as IoWrite;

use serde::Serialize;

use crate::domain::event::{Event, ObserverId, Subject, VERSION};
use crate::domain::{Name, Span, Text, Timestamp};

mod actions;
mod backlog;
pub mod bundle;
mod handle;
mod incidents;
mod kind;
mod lease;
mod outages;
mod past;
mod place;
mod retention;
mod rollup;
mod row;
mod schema;
mod shape;
mod sqlite;
mod start;
mod trouble;
mod waiting;
mod writer;

pub use actions::Pick;
pub use handle::{Handle, Opened, Options, open};
pub use past::Extent;
pub use retention::Keep;
pub use rollup::{Depths, Grain, ProbeRoll, QueueRoll, Took};
pub use sqlite::Sqlite;
pub use start::Start;
pub use trouble::Trouble;

/// How many rows are read at a time.
const PAGE: usize = 512;

/// A place in the commit order: after the event that it was given with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Cursor(i64);

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The place so many events before, as numbered: where some were let go, fewer lie between.
    #[must_use]
    pub fn before(self, events: u64) -> Self {
        Self(self.0.saturating_sub_unsigned(events).max(0))
    }
    /// The place so many events after.
    #[must_use]
    pub fn after(self, events: u64) -> Self {
        Self(self.0.saturating_add_unsigned(events))
    }
    /// How many events lie between at most, up to a place that comes later; none up to one that comes before.
    pub fn until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0).max(0).unsigned_abs()
    }
}

/// How safe a commit must be before it is called done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Durability {
    /// Survives the end of this process by any means, not a power cut in the next seconds.
    Process,
    /// Survives a power cut: synced to the disk.
    PowerCut,
}

/// One change to the record. Several are committed together.
#[derive(Clone, Debug)]
pub enum Change {
    /// Record these events.
    Append(std::sync::Arc<[Event]>),
    /// Take or renew a lease.
    Lease(Claim),
    /// Give back one lease of this holder, or all of them.
    Release {
        /// Which; all when `None`.
        what: Option<Name>,
        /// Whose.
        holder: ObserverId,
    },
    /// No change: what is on record of the newest actions on this job, and its last reading, as of the changes before this.
    Recall(Subject),
}

/// What became of a change.
#[derive(Clone, PartialEq, Debug)]
pub enum Changed {
    /// Recorded: after the first cursor, up to and including the second.
    Appended {
        /// Where the record ended before.
        after: Cursor,
        /// The last one of these events.
        last: Cursor,
    },
    /// Who holds the lease now.
    Lease(Lease),
    /// Given back.
    Released,
    /// What is on record, in its order.
    Recalled(Vec<Event>),
}

/// A wish for a lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// What is shared out, usually the name of a server.
    pub what: Name,
    /// Who wants it.
    pub holder: ObserverId,
    /// By the clock that all holders share.
    pub now: Timestamp,
    /// How long it is good for unless it is renewed.
    pub lasts: Span,
}

/// Who holds a lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lease {
    /// The one who asked.
    Held,
    /// Somebody else.
    HeldBy {
        /// Who.
        holder: ObserverId,
        /// Until when, unless it is renewed.
        until: Timestamp,
    },
}

/// Some events in commit order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Batch {
    /// The events, each with its place.
    pub events: Vec<(Cursor, Event)>,
    /// Rows that could not be read, and were passed over: written by a newer version, or damaged.
    pub skipped: u64,
    /// Where to go on. The same as before when there is nothing more.
    pub next: Cursor,
}

/// What retention did in one slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pruned {
    /// There is more to do.
    More,
    /// Nothing is left to do now.
    Done,
}

/// The record. All of it blocks: it lives on a thread of its own.
pub trait Record {
    /// Makes all the changes, or none of them. In the order given; the answers are in the same order.
    ///
    /// # Errors
    /// When nothing was changed: the disk, a lock, or damage.
    fn commit(&mut self, changes: &[Change], durability: Durability) -> Result<Vec<Changed>, Trouble>;

    /// Up to `max` events after `cursor`, by whatever process, in commit order.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn since(&mut self, cursor: Cursor, max: usize) -> Result<Batch, Trouble>;

    /// The stretch of the record, after the first place and up to the second, that holds all events with `from <= at < to`.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn stretch(&mut self, from: Timestamp, to: Timestamp) -> Result<(Cursor, Cursor), Trouble>;

    /// What a model needs in order to stand at `from` and know everything after it.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn start_from(&mut self, from: Timestamp) -> Result<Start, Trouble>;

    /// The place after the newest event.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn end(&mut self) -> Result<Cursor, Trouble>;

    /// A number that changes when another process has committed. Cheap: it is asked several times a second.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn foreign_version(&mut self) -> Result<i64, Trouble>;

    /// Does one slice of retention, short enough not to hold anyone up.
    ///
    /// # Errors
    /// When the record cannot be changed.
    fn prune(&mut self, keep: Keep, now: Timestamp) -> Result<Pruned, Trouble>;

    /// Samples of a door that have been rolled up, oldest first.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn probe_rolls(
        &mut self,
        about: &Subject,
        grain: Grain,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProbeRoll>, Trouble>;

    /// Samples of a queue that have been rolled up, oldest first.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn queue_rolls(
        &mut self,
        about: &Subject,
        grain: Grain,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<QueueRoll>, Trouble>;

    /// Records events.
    ///
    /// # Errors
    /// As [`Record::commit`].
    fn append(&mut self, events: &[Event], durability: Durability) -> Result<(), Trouble> {
        self.commit(&[Change::Append(events.into())], durability).map(drop)
    }

    /// Shows `see` the events with `from <= at < to`, in commit order, without holding more than a few of them. Says how
    /// many could not be read.
    ///
    /// # Errors
    /// When the record cannot be read, and whatever `see` says.
    fn between(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        see: &mut dyn FnMut(Event) -> Result<(), Trouble>,
    ) -> Result<u64, Trouble> {
        let (mut cursor, last) = self.stretch(from, to)?;
        let mut skipped = 0;
        while cursor < last {
            let batch = self.since(cursor, PAGE)?;
            if batch.next == cursor {
                break;
            }
            cursor = batch.next;
            skipped += batch.skipped;
            for (place, event) in batch.events {
                if place <= last && from <= event.at && event.at < to {
                    see(event)?;
                }
            }
        }
        Ok(skipped)
    }

    /// Writes the events with `from <= at < to`, one line of JSON each, in commit order. Says how many could not be read.
    ///
    /// # Errors
    /// When the record cannot be read or `out` cannot be written.
    fn export_jsonl(&mut self, from: Timestamp, to: Timestamp, out: &mut dyn IoWrite) -> Result<u64, Trouble> {
        let lost = |why: String| Trouble::Output(Text::from(why));
        self.between(from, to, &mut |event| {
            let line = Line { v: VERSION, event };
            let line = serde_json::to_string(&line).map_err(|e| lost(e.to_string()))?;
            writeln!(out, "{line}").map_err(|e| lost(e.to_string()))
        })
    }
}

/// A line of an export: the version of the format, then the event.
#[derive(Serialize)]
struct Line {
    v: u32,
    #[serde(flatten)]
    event: Event,
}
