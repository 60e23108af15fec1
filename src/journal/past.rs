//! The record as it stood at a moment of the past, for who looks back. A moment has a place in the order of the record: after
//! the newest event that is stamped at or before it, and those around that. Where a clock was set back, moments come twice,
//! and one of the two places is meant.

use rusqlite::{OptionalExtension, params};

use super::start::{self, Start};
use super::{Cursor, Sqlite, Trouble, row};
use crate::domain::Timestamp;
use crate::domain::event::Event;

/// So many events may stand between one and another that was stamped before it.
const AT_ONCE: i64 = 500;

/// What the record spans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The earliest stamp.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
}

impl Sqlite {
    /// Reads from one state of the record, whatever others commit meanwhile.
    ///
    /// # Errors
    /// When the record cannot be read, and whatever `read` says.
    pub fn at_once<T>(&self, read: impl FnOnce(&Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let snapshot = self.db.unchecked_transaction()?;
        let got = read(self)?;
        snapshot.commit()?;
        Ok(got)
    }

    /// From when to when the record goes; `None` when nothing is in it.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn extent(&self) -> Result<Option<Extent>, Trouble> {
        let end = |which: &str| -> Result<Option<i64>, Trouble> {
            // Each half has an index of its own.
            let sql = format!(
                "SELECT {which}(at) FROM (SELECT {which}(at) AS at FROM event WHERE kind < 100
                                          UNION ALL SELECT {which}(at) FROM event WHERE kind >= 100)"
            );
            Ok(self.db.prepare_cached(&sql)?.query_row([], |r| r.get(0))?)
        };
        let moment = |at: Option<i64>| at.and_then(|at| Timestamp::from_microsecond(at).ok());
        let both = moment(end("min")?).zip(moment(end("max")?));
        Ok(both.map(|(first, last)| Extent { first, last }))
    }

    /// The place in the record at a moment.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn place_at(&self, at: Timestamp) -> Result<Cursor, Trouble> {
        let newest = |which: &str| -> Result<Option<(i64, i64)>, Trouble> {
            let sql = format!(
                "SELECT at, id FROM event WHERE kind {which} 100 AND at <= ?1 ORDER BY at DESC, id DESC LIMIT 1"
            );
            let mut query = self.db.prepare_cached(&sql)?;
            let row = query.query_row([at.as_microsecond()], |r| Ok((r.get(0)?, r.get(1)?)));
            Ok(row.optional()?)
        };
        let found = newest("<")?.max(newest(">=")?);
        let Some((_, id)) = found else { return Ok(Cursor::START) };
        // What is seen at once comes on record in any order.
        let mut after = self.db.prepare_cached(
            "SELECT max(id) FROM (SELECT id, at FROM event WHERE id > ?1 ORDER BY id LIMIT ?2) WHERE at <= ?3",
        )?;
        let later: Option<i64> = after.query_row(params![id, AT_ONCE, at.as_microsecond()], |r| r.get(0))?;
        Ok(Cursor(later.unwrap_or(id)))
    }

    /// The place before every event that is stamped at or after a moment, also where a clock was set back across it.
    fn place_before(&self, at: Timestamp) -> Result<Cursor, Trouble> {
        let first: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(id) FROM (SELECT min(id) AS id FROM event INDEXED BY sample_by_time WHERE kind < 100 AND at >= ?1
                                      UNION ALL SELECT min(id) FROM event INDEXED BY kept_by_time WHERE kind >= 100 AND at >= ?1)",
            )?
            .query_row([at.as_microsecond()], |r| r.get(0))?;
        Ok(match first {
            Some(first) => Cursor(first - 1),
            None => self.last_place()?,
        })
    }

    /// The place of the newest event.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn last_place(&self) -> Result<Cursor, Trouble> {
        let mut query = self.db.prepare_cached("SELECT coalesce(max(id), 0) FROM event")?;
        Ok(Cursor(query.query_row([], |r| r.get(0))?))
    }

    /// When the oldest sample was taken: what came before was let go, but for what is kept for ever.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn samples_from(&self) -> Result<Option<Timestamp>, Trouble> {
        let mut query = self.db.prepare_cached("SELECT min(at) FROM event WHERE kind < 100")?;
        let at: Option<i64> = query.query_row([], |r| r.get(0))?;
        Ok(at.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }

    /// The stamp of the event at a place; `None` before the first.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn stamp(&self, place: Cursor) -> Result<Option<Timestamp>, Trouble> {
        let mut query = self
            .db
            .prepare_cached("SELECT at FROM event WHERE id <= ?1 ORDER BY id DESC LIMIT 1")?;
        let at: Option<i64> = query.query_row([place.0], |r| r.get(0)).optional()?;
        Ok(at.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }

    /// What a model needs in order to stand at `from` and know everything after it up to the place `until`.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn start_until(&self, from: Timestamp, until: Cursor) -> Result<Start, Trouble> {
        self.at_once(|me| {
            let after = me.place_before(from)?.min(until);
            let mut start = Start {
                next: until,
                ..Start::default()
            };
            // Of samples the oldest are left out where there are too many; what is kept for ever is state, and is not.
            let samples = until.before(start::MOST.unsigned_abs()).max(after);
            let left_out: i64 = me.db.query_row(
                "SELECT count(*) FROM event WHERE id > ?1 AND id <= ?2 AND kind < 100",
                [after.0, samples.0],
                |r| r.get(0),
            )?;
            start.left_out = left_out.unsigned_abs();
            for id in start::state_before(&me.db, from.as_microsecond())? {
                if id <= after.0 {
                    start.take(row::batch(&me.db, "WHERE e.id = ?1", [id], Cursor::START)?);
                }
            }
            start.take(row::batch(
                &me.db,
                "WHERE e.id > ?1 AND e.id <= ?2 AND (e.id > ?3 OR e.kind >= 100) ORDER BY e.id",
                [after.0, until.0, samples.0],
                after,
            )?);
            Ok(start)
        })
    }

    /// The events after one place up to another, in the order of the record, and how many rows could not be read.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn after_until(&self, after: Cursor, until: Cursor) -> Result<(Vec<Event>, u64), Trouble> {
        let all = row::batch(
            &self.db,
            "WHERE e.id > ?1 AND e.id <= ?2 ORDER BY e.id",
            [after.0, until.0],
            after,
        )?;
        let events = all.events.into_iter().map(|(_, event)| event).collect();
        Ok((events, all.skipped))
    }
}
