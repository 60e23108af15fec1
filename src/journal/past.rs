//! The record as it stood at a moment of the past, for who looks back. A moment has a place in the order of the record: after
//! the newest event that is stamped at or before it. Where a clock was set back, moments come twice, and one of the two places
//! is meant.

use rusqlite::OptionalExtension;

use super::start::{self, Start};
use super::{Cursor, Sqlite, Trouble, row};
use crate::domain::Timestamp;
use crate::domain::event::Event;

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
        Ok(Cursor(found.map_or(0, |(_, id)| id)))
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
            let after = me.place_at(from)?.min(until);
            let mut start = Start {
                next: until,
                ..Start::default()
            };
            for id in start::state_before(&me.db, from.as_microsecond())? {
                if id <= after.0 {
                    start.take(row::batch(&me.db, "WHERE e.id = ?1", [id], Cursor::START)?);
                }
            }
            let kept = (until.0 - after.0).min(start::MOST);
            start.left_out = (until.0 - after.0 - kept).unsigned_abs();
            start.take(row::batch(
                &me.db,
                "WHERE e.id > ?1 AND e.id <= ?2 ORDER BY e.id",
                [until.0 - kept, until.0],
                after,
            )?);
            Ok(start)
        })
    }

    /// The events after one place up to another, in the order of the record.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn after_until(&self, after: Cursor, until: Cursor) -> Result<Vec<Event>, Trouble> {
        let all = row::batch(
            &self.db,
            "WHERE e.id > ?1 AND e.id <= ?2 ORDER BY e.id",
            [after.0, until.0],
            after,
        )?;
        Ok(all.events.into_iter().map(|(_, event)| event).collect())
    }
}
