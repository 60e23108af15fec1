//! What samples come to when they are old: a line a minute, later a line an hour, for each door and each queue.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Trouble, row};
use crate::domain::event::Subject;
use crate::domain::health::Verdict;
use crate::domain::{Span, Timestamp};

/// The stretch that a rolled-up line stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grain {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Grain {
    /// Its length.
    pub const fn span(self) -> Span {
        match self {
            Self::Minute => Span::from_mins(1),
            Self::Hour => Span::from_hours(1),
        }
    }
    pub(super) const fn micros(self) -> i64 {
        self.span().micros()
    }
}

/// The probes of one door in one stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeRoll {
    /// When the stretch begins.
    pub start: Timestamp,
    /// Probes made.
    pub probes: u64,
    /// Those that failed or stopped short.
    pub failed: u64,
    /// Probes that could not be made.
    pub missed: u64,
    /// The worst verdict, by what failed: slowness is judged by the times.
    pub worst: Verdict,
    /// The times of the probes that held; `None` when none did.
    pub took: Option<Took>,
}

/// How long probes took that held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Took {
    /// How many held.
    pub of: u64,
    /// The shortest.
    pub least: Span,
    /// The median. For a stretch that was put together from parts, the median of theirs, each counted as often as probes held in it.
    pub median: Span,
    /// The longest.
    pub most: Span,
}

/// The readings of one queue in one stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueRoll {
    /// When the stretch begins.
    pub start: Timestamp,
    /// Readings made.
    pub readings: u64,
    /// Readings that could not be made.
    pub missed: u64,
    /// How deep it was; `None` when it was not read.
    pub depth: Option<Depths>,
}

/// How deep a queue was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depths {
    /// At the least.
    pub least: u64,
    /// At the most.
    pub most: u64,
    /// In the last reading.
    pub last: u64,
    /// When that was.
    pub last_at: Timestamp,
}

impl Took {
    /// Of single times; `None` of none.
    pub(super) fn of(mut times: Vec<Span>) -> Option<Self> {
        times.sort_unstable();
        Some(Self {
            of: times.len() as u64,
            least: *times.first()?,
            median: *times.get(times.len() / 2)?,
            most: *times.last()?,
        })
    }

    fn of_parts(mut parts: Vec<Self>) -> Option<Self> {
        parts.sort_unstable_by_key(|p| p.median);
        let of = parts.iter().map(|p| p.of).sum();
        let mut before = 0;
        let middle = parts.iter().find(|p| {
            before += p.of;
            before > of / 2
        })?;
        Some(Self {
            of,
            least: parts.iter().map(|p| p.least).min()?,
            median: middle.median,
            most: parts.iter().map(|p| p.most).max()?,
        })
    }
}

impl ProbeRoll {
    /// Several parts of one stretch as one; `None` of none.
    pub(super) fn of_parts(start: Timestamp, parts: &[Self]) -> Option<Self> {
        Some(Self {
            start,
            probes: parts.iter().map(|p| p.probes).sum(),
            failed: parts.iter().map(|p| p.failed).sum(),
            missed: parts.iter().map(|p| p.missed).sum(),
            worst: parts.iter().map(|p| p.worst).max()?,
            took: Took::of_parts(parts.iter().filter_map(|p| p.took).collect()),
        })
    }

    /// Adds it to the file, to what is there already: a sample came late, or a minute was taken in two steps.
    pub(super) fn add(self, tx: &Transaction<'_>, subject: i64, grain: Grain) -> rusqlite::Result<()> {
        let there = tx
            .prepare_cached(&format!("{PROBES} WHERE subject = ?1 AND grain = ?2 AND start = ?3"))?
            .query_row(params![subject, grain.micros(), self.start.as_microsecond()], |r| {
                Self::read(r)
            })
            .optional()?;
        let start = self.start;
        let parts: Vec<Self> = std::iter::once(self).chain(there).collect();
        let Some(all) = Self::of_parts(start, &parts) else {
            return Ok(());
        };
        tx.prepare_cached(
            "INSERT OR REPLACE INTO probe_roll
               (subject, grain, start, probes, failed, missed, worst, held, least, median, most)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            subject,
            grain.micros(),
            start.as_microsecond(),
            number(all.probes),
            number(all.failed),
            number(all.missed),
            code(all.worst),
            number(all.took.map_or(0, |t| t.of)),
            all.took.map(|t| t.least.micros()),
            all.took.map(|t| t.median.micros()),
            all.took.map(|t| t.most.micros()),
        ])
        .map(drop)
    }

    /// From a row of [`PROBES`].
    pub(super) fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        let span = |i| r.get::<_, Option<i64>>(i).map(|t| t.map(Span::from_micros));
        let took = (span(7)?, span(8)?, span(9)?);
        Ok(Self {
            start: at(r.get(1)?),
            probes: count(r.get(2)?),
            failed: count(r.get(3)?),
            missed: count(r.get(4)?),
            worst: verdict(r.get(5)?),
            took: match took {
                (Some(least), Some(median), Some(most)) => Some(Took {
                    of: count(r.get(6)?),
                    least,
                    median,
                    most,
                }),
                _ => None,
            },
        })
    }
}

impl QueueRoll {
    /// Several parts of one stretch as one.
    pub(super) fn of_parts(start: Timestamp, parts: &[Self]) -> Self {
        let depths = || parts.iter().filter_map(|p| p.depth);
        Self {
            start,
            readings: parts.iter().map(|p| p.readings).sum(),
            missed: parts.iter().map(|p| p.missed).sum(),
            depth: depths().max_by_key(|d| d.last_at).map(|last| Depths {
                least: depths().map(|d| d.least).min().unwrap_or(last.least),
                most: depths().map(|d| d.most).max().unwrap_or(last.most),
                ..last
            }),
        }
    }

    /// Adds it to the file, to what is there already.
    pub(super) fn add(self, tx: &Transaction<'_>, subject: i64, grain: Grain) -> rusqlite::Result<()> {
        let there = tx
            .prepare_cached(&format!("{QUEUES} WHERE subject = ?1 AND grain = ?2 AND start = ?3"))?
            .query_row(params![subject, grain.micros(), self.start.as_microsecond()], |r| {
                Self::read(r)
            })
            .optional()?;
        let start = self.start;
        let parts: Vec<Self> = there.into_iter().chain(std::iter::once(self)).collect();
        let all = Self::of_parts(start, &parts);
        tx.prepare_cached(
            "INSERT OR REPLACE INTO queue_roll (subject, grain, start, readings, missed, least, most, last, last_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            subject,
            grain.micros(),
            start.as_microsecond(),
            number(all.readings),
            number(all.missed),
            all.depth.map(|d| number(d.least)),
            all.depth.map(|d| number(d.most)),
            all.depth.map(|d| number(d.last)),
            all.depth.map(|d| d.last_at.as_microsecond()),
        ])
        .map(drop)
    }

    /// From a row of [`QUEUES`].
    pub(super) fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        let depth = (r.get(4)?, r.get(5)?, r.get(6)?, r.get(7)?);
        Ok(Self {
            start: at(r.get(1)?),
            readings: count(r.get(2)?),
            missed: count(r.get(3)?),
            depth: match depth {
                (Some(least), Some(most), Some(last), Some(last_at)) => Some(Depths {
                    least: count(least),
                    most: count(most),
                    last: count(last),
                    last_at: at(last_at),
                }),
                _ => None,
            },
        })
    }
}

/// The columns that [`ProbeRoll::read`] takes; the first is the subject.
pub const PROBES: &str =
    "SELECT subject, start, probes, failed, missed, worst, held, least, median, most FROM probe_roll";
/// The columns that [`QueueRoll::read`] takes; the first is the subject.
pub const QUEUES: &str = "SELECT subject, start, readings, missed, least, most, last, last_at FROM queue_roll";

/// The lines of a subject, oldest first; `query` is [`PROBES`] or [`QUEUES`].
pub fn lines<T>(
    db: &Connection,
    query: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
    about: &Subject,
    grain: Grain,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<T>, Trouble> {
    let Some(subject) = row::find_subject(db, about)? else {
        return Ok(Vec::new());
    };
    let query = format!("{query} WHERE subject = ?1 AND grain = ?2 AND start >= ?3 AND start < ?4 ORDER BY start");
    let range = params![subject, grain.micros(), from.as_microsecond(), to.as_microsecond()];
    let mut query = db.prepare_cached(&query)?;
    let lines = query.query_map(range, read)?.collect::<Result<_, _>>()?;
    Ok(lines)
}

/// A verdict's number in the file.
const fn code(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Ok => 0,
        Verdict::Unknown => 1,
        Verdict::Warn => 2,
        Verdict::Down => 3,
    }
}

const fn verdict(code: i64) -> Verdict {
    match code {
        0 => Verdict::Ok,
        2 => Verdict::Warn,
        3 => Verdict::Down,
        _ => Verdict::Unknown,
    }
}

fn at(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn count(n: i64) -> u64 {
    n.max(0).unsigned_abs()
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_parts_counts_each_part_as_often_as_probes_held_in_it() {
        let ms = Span::from_millis;
        let minute = |n: u64, at| Took::of(vec![ms(at); n as usize]);
        let hour = Took::of_parts(
            [minute(9, 10), minute(2, 500), minute(0, 0), minute(1, 900)]
                .into_iter()
                .flatten()
                .collect(),
        );
        assert_eq!(
            hour,
            Some(Took {
                of: 12,
                least: ms(10),
                median: ms(10),
                most: ms(900)
            })
        );
        assert_eq!(Took::of_parts(vec![]), None);
    }
}
