//! The probes of a door around which its outages begin and end, of before the moment at which a model starts. A model that
//! starts at a moment would else date every outage from there, and tell that no sender has given up yet.
//!
//! A door has tens of thousands of probes in five days, so the record is sampled: one probe in ten minutes, and between two
//! that differ all of them. What is left out are outages of less than that; no usual sender gives up so soon.

use rusqlite::{Connection, OptionalExtension, params};

use super::Trouble;
use super::kind::Kind;
use crate::domain::Span;

/// How far back: the longest that a usual sender holds mail, and as long as the model speaks of an outage that is over.
const BACK: Span = Span::from_hours(5 * 24);
/// How far apart probes are looked at first.
const STEP: Span = Span::from_mins(10);

/// The most probes of one door that are looked at in detail, the newest: one that comes and goes all the time has no end of
/// runs.
const MOST: usize = 400;

/// What a probe says, as far as an outage goes, read from the shape of its JSON: a quote inside of a string is escaped there,
/// so no server can write these words. Which layers are only a warning is the model's to judge: each is a class of its own.
const CLASS: &str = "CASE WHEN instr(h.text, '\"failure\":null') THEN 0
    WHEN instr(h.text, '\"layer\":\"credential\"') THEN 1 WHEN instr(h.text, '\"layer\":\"quota\"') THEN 2
    WHEN instr(h.text, '\"layer\":\"limit\"') THEN 3 ELSE 4 END";

/// The class of a probe without a failure.
const GOOD: i64 = 0;

/// One probe on record.
#[derive(Clone, Copy)]
struct Probe {
    id: i64,
    at: i64,
    class: i64,
}

/// The places of the probes of `subject` before `from` that a model needs to know its outages: of each run of probes that say
/// the same the first two and the last.
pub fn around(db: &Connection, subject: i64, from: i64) -> Result<Vec<i64>, Trouble> {
    let mut first_after = db.prepare_cached(&format!(
        "SELECT e.id, e.at, {CLASS} FROM event e JOIN shape h ON h.id = e.shape
         WHERE e.subject = ?1 AND e.kind = ?2 AND e.at >= ?3 AND e.at < ?4 ORDER BY e.at, e.id LIMIT 1"
    ))?;
    let mut between = db.prepare_cached(&format!(
        "SELECT e.id, e.at, {CLASS} FROM event e JOIN shape h ON h.id = e.shape
         WHERE e.subject = ?1 AND e.kind = ?2 AND e.at >= ?3 AND e.at < ?4 ORDER BY e.at, e.id"
    ))?;
    let read = |r: &rusqlite::Row<'_>| {
        Ok(Probe {
            id: r.get(0)?,
            at: r.get(1)?,
            class: r.get(2)?,
        })
    };
    let kind = Kind::Probed.code();
    let step = STEP.micros();
    let mut at = from.saturating_sub(BACK.micros());
    let mut seen: Vec<Probe> = Vec::new();
    let mut before: Option<Probe> = None;
    while at < from {
        let found = first_after
            .query_row(params![subject, kind, at, from], read)
            .optional()?;
        let Some(probe) = found else { break };
        // From the probe before on to a step past this one, so that the first two of its run are among them.
        let start = match before {
            Some(b) if b.class == probe.class => None,
            Some(b) => Some(b.at),
            None => Some(probe.at),
        };
        if let Some(start) = start {
            let end = probe.at.saturating_add(step).min(from);
            for p in between.query_map(params![subject, kind, start, end], read)? {
                let p = p?;
                if seen.last().is_none_or(|l| (l.at, l.id) < (p.at, p.id)) {
                    seen.push(p);
                }
            }
        }
        before = Some(probe);
        at = probe.at.saturating_add(step);
    }
    Ok(edges(&seen))
}

/// Of each run the first two and the last; nothing when all that was seen is good.
fn edges(seen: &[Probe]) -> Vec<i64> {
    if seen.iter().all(|p| p.class == GOOD) {
        return Vec::new();
    }
    let seen = &seen[seen.len().saturating_sub(MOST)..];
    let class = |i: usize| seen.get(i).map(|p| p.class);
    let near = |i: usize| i < 2 || class(i - 1) != class(i) || class(i - 2) != class(i) || class(i + 1) != class(i);
    (0..seen.len()).filter(|i| near(*i)).map(|i| seen[i].id).collect()
}
