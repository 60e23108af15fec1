//! The record in one SQLite file with a write-ahead log: many readers, one writer at a time, and since each commit takes the
//! write lock first, the numbers of rows are the order of commits.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::place::{self, Identity, Place};
use super::retention::{self, Keep};
use super::rollup::{self, Grain, ProbeRoll, QueueRoll};
use super::start::{self, Start};
use super::{Batch, Change, Changed, Cursor, Durability, Pruned, Record, Trouble, actions, lease, row, schema};
use crate::domain::event::{Event, Subject};
use crate::domain::{Text, Timestamp};

/// A journal file, or one in memory.
pub struct Sqlite {
    pub(super) db: Connection,
    synced: Durability,
    identity: Option<Identity>,
}

impl Sqlite {
    /// Opens a journal file, making it when it is missing. When a damaged one had to be moved aside, the text says where it is.
    ///
    /// # Errors
    /// When there can be no journal there.
    pub fn open(path: &Path, now: Timestamp) -> Result<(Self, Option<Text>), Trouble> {
        Self::reopen(path, None, now)
    }

    /// As [`Sqlite::open`]; the file called `suspect` is moved aside however good it looks.
    pub(super) fn reopen(
        path: &Path,
        suspect: Option<Identity>,
        now: Timestamp,
    ) -> Result<(Self, Option<Text>), Trouble> {
        let mut place = place::open(path, suspect, now)?;
        let notice = place.moved.take().map(|(aside, why)| {
            Text::from(format!(
                "the journal was damaged ({why}); it is now {}, and a new one was begun",
                aside.display()
            ))
        });
        Ok((place.into(), notice))
    }

    /// A journal that is nowhere on disk.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn memory() -> Result<Self, Trouble> {
        place::memory().map(Into::into)
    }

    /// A connection that only reads.
    pub(super) const fn reader(db: Connection) -> Self {
        Self {
            db,
            synced: Durability::Process,
            identity: None,
        }
    }

    /// The file behind it.
    pub(super) const fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Tells this file from any other.
    pub(super) fn born(&self) -> Result<i64, Trouble> {
        Ok(self.db.query_row("SELECT born FROM journal", [], |r| r.get(0))?)
    }

    /// `synchronous` cannot be changed inside a transaction. FULL syncs the log at commit, and with it all earlier commits.
    fn sync_to(&mut self, durability: Durability) -> Result<(), Trouble> {
        if self.synced != durability {
            let level = match durability {
                Durability::Process => "NORMAL",
                Durability::PowerCut => "FULL",
            };
            self.db.pragma_update(None, "synchronous", level)?;
            self.synced = durability;
        }
        Ok(())
    }
}

impl From<Place> for Sqlite {
    fn from(place: Place) -> Self {
        Self {
            db: place.db,
            synced: Durability::Process,
            identity: place.identity,
        }
    }
}

impl Record for Sqlite {
    fn commit(&mut self, changes: &[Change], durability: Durability) -> Result<Vec<Changed>, Trouble> {
        self.sync_to(durability)?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        schema::still_ours(&tx)?;
        let done = changes.iter().map(|c| make(&tx, c)).collect::<Result<_, _>>()?;
        tx.commit()?;
        Ok(done)
    }

    fn since(&mut self, cursor: Cursor, max: usize) -> Result<Batch, Trouble> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        row::batch(
            &self.db,
            "WHERE e.id > ?1 ORDER BY e.id LIMIT ?2",
            params![cursor.0, max],
            cursor,
        )
    }

    fn stretch(&mut self, from: Timestamp, to: Timestamp) -> Result<(Cursor, Cursor), Trouble> {
        let (first, last): (Option<i64>, Option<i64>) = self.db.query_row(
            "SELECT min(id), max(id) FROM (SELECT id FROM event WHERE kind < 100 AND at >= ?1 AND at < ?2
                                           UNION ALL SELECT id FROM event WHERE kind >= 100 AND at >= ?1 AND at < ?2)",
            params![from.as_microsecond(), to.as_microsecond()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        Ok((Cursor(first.map_or(0, |id| id - 1)), Cursor(last.unwrap_or(0))))
    }

    fn start_from(&mut self, from: Timestamp) -> Result<Start, Trouble> {
        start::start_from(&mut self.db, from)
    }

    fn end(&mut self) -> Result<Cursor, Trouble> {
        Ok(end(&self.db).map(Cursor)?)
    }

    fn foreign_version(&mut self) -> Result<i64, Trouble> {
        Ok(self
            .db
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |r| r.get(0))?)
    }

    fn prune(&mut self, keep: Keep, now: Timestamp) -> Result<Pruned, Trouble> {
        self.sync_to(Durability::Process)?;
        retention::prune(&mut self.db, keep, now)
    }

    fn probe_rolls(
        &mut self,
        about: &Subject,
        grain: Grain,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProbeRoll>, Trouble> {
        rollup::lines(&self.db, rollup::PROBES, ProbeRoll::read, about, grain, (from, to))
    }

    fn queue_rolls(
        &mut self,
        about: &Subject,
        grain: Grain,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<QueueRoll>, Trouble> {
        rollup::lines(&self.db, rollup::QUEUES, QueueRoll::read, about, grain, (from, to))
    }
}

fn end(db: &Connection) -> rusqlite::Result<i64> {
    // The newest rows may have been pruned (a clock far ahead); their numbers are not given out again.
    db.prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'")?
        .query_row([], |r| r.get(0))
}

fn make(tx: &Transaction<'_>, change: &Change) -> rusqlite::Result<Changed> {
    match change {
        Change::Append(events) => {
            let after = end(tx)?;
            let last = append(tx, events)?.unwrap_or(after);
            Ok(Changed::Appended {
                after: Cursor(after),
                last: Cursor(last),
            })
        }
        Change::Lease(claim) => lease::take(tx, claim).map(Changed::Lease),
        Change::Release { what, holder } => lease::give_back(tx, what.as_ref(), holder).map(|()| Changed::Released),
        Change::Recall(about) => actions::on_job(tx, about).map(Changed::Recalled),
    }
}

fn append(tx: &Transaction<'_>, events: &[Event]) -> rusqlite::Result<Option<i64>> {
    let mut last = None;
    for event in events {
        last = row::write(tx, event)?.or(last);
    }
    Ok(last)
}
