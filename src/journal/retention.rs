//! Retention: samples past their time become a line a minute, and later a line an hour; what was done and said is kept for
//! ever. It works in slices, each short enough that no commit waits for it noticeably.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::rollup::{Depths, Grain, ProbeRoll, QueueRoll, Took};
use super::{Pruned, Trouble, row};
use crate::domain::event::Fact;
use crate::domain::health::{Limits, Verdict};
use crate::domain::{Span, Timestamp};

/// How long one slice works before it lets others in.
const SLICE: Duration = Duration::from_millis(25);
/// The most rows taken in one step, whatever a minute holds.
const STEP: i64 = 1_000;
/// Free pages given back to the file system in one step.
const PAGES: i64 = 64;

/// How long things are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep {
    /// Samples as they were taken.
    pub raw: Span,
    /// Their lines a minute; after that, a line an hour.
    pub minutes: Span,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            raw: Span::from_hours(14 * 24),
            minutes: Span::from_hours(90 * 24),
        }
    }
}

/// Does one slice: minutes from samples, then hours from minutes, then space back.
pub fn prune(db: &mut Connection, keep: Keep, now: Timestamp) -> Result<Pruned, Trouble> {
    let began = Instant::now();
    let before = |age: Span, grain| floor((Span::ZERO - age).after(now), grain);
    let (raw_end, minutes_end) = (before(keep.raw, Grain::Minute), before(keep.minutes, Grain::Hour));
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut more = true;
    while more && began.elapsed() < SLICE {
        more = roll_minute(&tx, raw_end)? || roll_hour(&tx, minutes_end)?;
    }
    tx.commit()?;
    if !more {
        more = give_space_back(db)?;
    }
    Ok(if more { Pruned::More } else { Pruned::Done })
}

/// The beginning of the stretch that a moment lies in.
fn floor(at: Timestamp, grain: Grain) -> Timestamp {
    Span::from_micros(-at.as_microsecond().rem_euclid(grain.micros())).after(at)
}

/// Limits that nothing exceeds: the journal does not know what was configured when.
const NO_LIMITS: Limits = Limits {
    slow: Span::from_micros(i64::MAX),
    cert_days: i64::MIN,
    queue_depth: u64::MAX,
};

/// The samples of one subject in one minute.
#[derive(Default)]
struct Minute {
    verdicts: Vec<Verdict>,
    took: Vec<Span>,
    probes_missed: u64,
    depths: Vec<(Timestamp, u64)>,
    readings_missed: u64,
}

impl Minute {
    fn take(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Probed(report) => {
                let verdict = report.verdict(NO_LIMITS, at);
                self.verdicts.push(verdict);
                if report.failure.is_none() && verdict != Verdict::Unknown {
                    self.took.push(report.total());
                }
            }
            Fact::ProbeMissed(_) => self.probes_missed += 1,
            Fact::QueueSeen(snapshot) if snapshot.complete() => self.depths.push((at, snapshot.depth.total())),
            // A part of a queue is no depth: as a least or a last it would be a drop that never was.
            Fact::QueueSeen(_) | Fact::QueueMissed(_) => self.readings_missed += 1,
            // Readings of jobs and of the way to a server are states; their history is what was done, and that is kept.
            _ => {}
        }
    }

    fn add(self, tx: &Transaction<'_>, subject: i64, start: Timestamp) -> rusqlite::Result<()> {
        let probes = self.verdicts.len() as u64;
        if probes + self.probes_missed > 0 {
            let unseen = (self.probes_missed > 0).then_some(Verdict::Unknown);
            ProbeRoll {
                start,
                probes,
                failed: probes - self.took.len() as u64,
                missed: self.probes_missed,
                worst: Verdict::worst(self.verdicts.into_iter().chain(unseen)),
                took: Took::of(self.took),
            }
            .add(tx, subject, Grain::Minute)?;
        }
        let readings = self.depths.len() as u64;
        if readings + self.readings_missed > 0 {
            let one = |(last_at, depth)| QueueRoll {
                start,
                readings: 1,
                missed: 0,
                depth: Some(Depths {
                    least: depth,
                    most: depth,
                    last: depth,
                    last_at,
                }),
            };
            let parts: Vec<_> = self.depths.into_iter().map(one).collect();
            let mut all = QueueRoll::of_parts(start, &parts);
            all.missed = self.readings_missed;
            all.add(tx, subject, Grain::Minute)?;
        }
        Ok(())
    }
}

/// Rolls up the oldest minute of samples before `end`; whether there was one.
fn roll_minute(tx: &Transaction<'_>, end: Timestamp) -> Result<bool, Trouble> {
    let oldest: Option<i64> = tx
        .prepare_cached("SELECT min(at) FROM event WHERE kind < 100 AND at < ?1")?
        .query_row([end.as_microsecond()], |r| r.get(0))?;
    let Some(oldest) = oldest else {
        return Ok(false);
    };
    // A time that cannot be is at the edge of what can, and goes with the rest.
    let start = floor(
        Timestamp::from_microsecond(oldest).unwrap_or(Timestamp::MIN),
        Grain::Minute,
    );
    let next = Grain::Minute.span().after(start);
    let mut subjects: BTreeMap<i64, Minute> = BTreeMap::new();
    let mut ids: Vec<i64> = Vec::new();
    let mut samples = tx.prepare_cached(
        "SELECT e.id, e.at, e.subject, h.text, e.numbers FROM event e LEFT JOIN shape h ON h.id = e.shape
         WHERE e.kind < 100 AND e.at < ?1 ORDER BY e.at LIMIT ?2",
    )?;
    let mut rows = samples.query(params![next.as_microsecond(), STEP])?;
    while let Some(r) = rows.next()? {
        ids.push(r.get(0)?);
        let at = Timestamp::from_microsecond(r.get(1)?).unwrap_or(start);
        // A row that cannot be read has had its time, too.
        if let Some(fact) = fact_of(r) {
            subjects.entry(r.get(2)?).or_default().take(at, &fact);
        }
    }
    for (subject, minute) in subjects {
        minute.add(tx, subject, start)?;
    }
    let mut delete = tx.prepare_cached("DELETE FROM event WHERE id = ?1")?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(true)
}

fn fact_of(r: &Row<'_>) -> Option<Fact> {
    let text = |i| r.get_ref(i).ok()?.as_str().ok();
    row::fact(text(3)?, text(4)?)
}

/// Rolls up the oldest hour of minutes before `end`; whether there was one.
fn roll_hour(tx: &Transaction<'_>, end: Timestamp) -> Result<bool, Trouble> {
    let oldest: Option<i64> = tx
        .prepare_cached(
            "SELECT min(start) FROM (SELECT min(start) AS start FROM probe_roll WHERE grain = ?1 AND start < ?2
                           UNION ALL SELECT min(start) AS start FROM queue_roll WHERE grain = ?1 AND start < ?2)",
        )?
        .query_row(params![Grain::Minute.micros(), end.as_microsecond()], |r| r.get(0))?;
    let Some(oldest) = oldest else {
        return Ok(false);
    };
    let start = floor(
        Timestamp::from_microsecond(oldest).unwrap_or(Timestamp::MIN),
        Grain::Hour,
    );
    for (subject, minutes) in take_hour(tx, "probe_roll", super::rollup::PROBES, ProbeRoll::read, start)? {
        if let Some(hour) = ProbeRoll::of_parts(start, &minutes) {
            hour.add(tx, subject, Grain::Hour)?;
        }
    }
    for (subject, minutes) in take_hour(tx, "queue_roll", super::rollup::QUEUES, QueueRoll::read, start)? {
        QueueRoll::of_parts(start, &minutes).add(tx, subject, Grain::Hour)?;
    }
    Ok(true)
}

/// Takes an hour's minutes out of a table, by subject.
fn take_hour<T>(
    tx: &Transaction<'_>,
    table: &str,
    query: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
    start: Timestamp,
) -> Result<BTreeMap<i64, Vec<T>>, Trouble> {
    let next = Grain::Hour.span().after(start);
    let range = params![Grain::Minute.micros(), next.as_microsecond()];
    let mut subjects: BTreeMap<i64, Vec<T>> = BTreeMap::new();
    let mut minutes = tx.prepare_cached(&format!("{query} WHERE grain = ?1 AND start < ?2 ORDER BY start"))?;
    let mut rows = minutes.query(range)?;
    while let Some(r) = rows.next()? {
        subjects.entry(r.get(0)?).or_default().push(read(r)?);
    }
    tx.prepare_cached(&format!("DELETE FROM {table} WHERE grain = ?1 AND start < ?2"))?
        .execute(range)?;
    Ok(subjects)
}

/// Shrinks the file when much of it is free; whether there is more to give. A little is left for the next events.
fn give_space_back(db: &Connection) -> Result<bool, Trouble> {
    let free: i64 = db.pragma_query_value(None, "freelist_count", |r| r.get(0))?;
    let all: i64 = db.pragma_query_value(None, "page_count", |r| r.get(0))?;
    if free < 4 * PAGES || free * 5 < all {
        return Ok(false);
    }
    let mut shrink = db.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = shrink.query([])?;
    while rows.next()?.is_some() {}
    Ok(true)
}
