//! What a model needs in order to stand at a moment: the last of every kind of state before it, the actions that are not over,
//! and everything after it.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::kind::Kind;
use super::{Batch, Cursor, Trouble, incidents, outages, row};
use crate::domain::event::Event;
use crate::domain::{Span, Timestamp};

/// The most samples after the moment that are handed out, the newest, beside all that is kept for ever: about 70 MB of them, two hours of twenty servers
/// whose logs are followed.
pub(super) const MOST: i64 = 70_000;
/// An action that was not read back after so long will not be any more.
const OPEN_FOR: Span = Span::from_hours(14 * 24);

/// The events from which a model is built, in commit order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Start {
    /// The events.
    pub events: Vec<Event>,
    /// Rows that could not be read.
    pub skipped: u64,
    /// Events after the moment that were left out because there were too many: the oldest ones.
    pub left_out: u64,
    /// Where to go on with [`super::Record::since`].
    pub next: Cursor,
}

/// Collects them. All in one transaction, so that it is one state of the record.
pub fn start_from(db: &mut Connection, from: Timestamp) -> Result<Start, Trouble> {
    let tx = db.transaction()?;
    let end: i64 = tx.query_row("SELECT coalesce(max(id), 0) FROM event", [], |r| r.get(0))?;
    let from = from.as_microsecond();
    let mut start = Start {
        next: Cursor(end),
        ..Start::default()
    };
    for id in state_before(&tx, from)? {
        start.take(row::batch(&tx, "WHERE e.id = ?1", [id], Cursor::START)?);
    }
    let after: i64 = tx.query_row(
        "SELECT count(*) FROM event WHERE kind < 100 AND at >= ?1",
        [from],
        |r| r.get(0),
    )?;
    start.left_out = (after - MOST).max(0).unsigned_abs();
    let rest = row::batch(
        &tx,
        "WHERE e.id IN (SELECT id FROM (SELECT id FROM event INDEXED BY sample_by_time WHERE kind < 100 AND at >= ?1
                                        ORDER BY id DESC LIMIT ?2)
                        UNION ALL SELECT id FROM event INDEXED BY kept_by_time WHERE kind >= 100 AND at >= ?1)
         ORDER BY e.id",
        params![from, MOST],
        Cursor::START,
    )?;
    start.take(rest);
    Ok(start)
}

impl Start {
    pub(super) fn take(&mut self, batch: Batch) {
        self.skipped += batch.skipped;
        self.events.extend(batch.events.into_iter().map(|(_, event)| event));
    }
}

/// The places of the events before the moment that still matter at it.
pub(super) fn state_before(db: &Connection, from: i64) -> Result<BTreeSet<i64>, Trouble> {
    let mut ids = incidents::before(db, from)?;
    let subjects: Vec<i64> = db
        .prepare_cached("SELECT id FROM subject")?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    let mut last = db.prepare_cached(
        "SELECT id FROM event WHERE subject = ?1 AND kind = ?2 AND at < ?3 ORDER BY at DESC, id DESC LIMIT 1",
    )?;
    let mut of_action = db.prepare_cached("SELECT id FROM event WHERE action = ?1 AND at < ?2")?;
    let mut last_action = db.prepare_cached(
        "SELECT action FROM event WHERE subject = ?1 AND kind = ?2 AND at < ?3 ORDER BY at DESC, id DESC LIMIT 1",
    )?;
    let mut actions: BTreeSet<String> = BTreeSet::new();
    for subject in &subjects {
        for kind in Kind::STATE {
            ids.extend(
                last.query_map(params![subject, kind.code(), from], |r| r.get::<_, i64>(0))?
                    .flatten(),
            );
        }
        ids.extend(outages::around(db, *subject, from)?);
        // The last action on each job says until when it is paused, and by whom.
        let planned = params![subject, Kind::ActionPlanned.code(), from];
        actions.extend(last_action.query_map(planned, |r| r.get::<_, String>(0))?.flatten());
    }
    // What each observer watches, of those that said so last.
    let mut watching = db.prepare_cached(
        "SELECT max(id) AS last FROM event WHERE kind = ?1 AND at < ?2 GROUP BY observer ORDER BY last DESC LIMIT 64",
    )?;
    let rosters = params![Kind::Watching.code(), from];
    ids.extend(watching.query_map(rosters, |r| r.get::<_, i64>(0))?.flatten());
    let mut open = db.prepare_cached(
        "SELECT p.action FROM event p WHERE p.kind = ?1 AND p.kind >= 100 AND p.at < ?2 AND p.at >= ?3
           AND 2 > (SELECT count(DISTINCT kind) FROM event o WHERE o.action = p.action AND o.at < ?2 AND o.kind IN (?4, ?5))",
    )?;
    let since = from.saturating_sub(OPEN_FOR.micros());
    let (planned, ran, read) = (
        Kind::ActionPlanned.code(),
        Kind::ActionRan.code(),
        Kind::ActionReadBack.code(),
    );
    actions.extend(
        open.query_map(params![planned, from, since, ran, read], |r| r.get::<_, String>(0))?
            .flatten(),
    );
    for action in &actions {
        ids.extend(
            of_action
                .query_map(params![action, from], |r| r.get::<_, i64>(0))?
                .flatten(),
        );
    }
    Ok(ids)
}
