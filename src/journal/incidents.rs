//! What is on record of incidents: all of it for who asks for the list, and for a model that starts at a moment the part that
//! still matters at it. Their entries are kept for ever, so this is bounded by how many are looked at.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::kind::Kind;
use super::{Cursor, Sqlite, Trouble, row};
use crate::domain::Span;
use crate::domain::event::Event;

/// An incident of which nothing was said for so long does not matter to a model that starts.
const BACK: Span = Span::from_hours(24 * 14);
/// Clock steps are looked for so far back: an incident may be open for that long.
const STEPS_BACK: Span = Span::from_hours(24 * 90);
/// The most incidents that a model starts with, the newest.
const MOST: i64 = 64;
/// The most notes and updates of one of them, the newest. Of what its backlog came to the last one says all.
const WORDS: i64 = 1_000;
/// The most of all else, the newest, beside the one that opened it.
const ENTRIES: i64 = 5_000;

/// The places of the entries before `from` that matter at it.
pub fn before(db: &Connection, from: i64) -> Result<BTreeSet<i64>, Trouble> {
    let mut ids = BTreeSet::new();
    let mut steps =
        db.prepare_cached("SELECT id FROM event WHERE kind = ?1 AND kind >= 100 AND at >= ?2 AND at < ?3")?;
    let since = from.saturating_sub(STEPS_BACK.micros());
    ids.extend(
        steps
            .query_map(params![Kind::ClockStepped.code(), since, from], |r| r.get::<_, i64>(0))?
            .flatten(),
    );
    let mut subjects = db.prepare_cached(
        "SELECT s.id FROM subject s JOIN event e ON e.subject = s.id AND e.kind = ?1
         WHERE s.part = 'incident' AND e.at < ?2 GROUP BY s.id HAVING max(e.at) >= ?3 ORDER BY max(e.at) DESC LIMIT ?4",
    )?;
    let lately = params![Kind::Incident.code(), from, from.saturating_sub(BACK.micros()), MOST];
    // Which entry it is stands in its shape; in words of people the same would stand with its quotes escaped.
    let mut entries = db.prepare_cached(
        r#"WITH of AS (SELECT e.id, e.at, instr(s.text, '"entry":"backlog-seen"') > 0 AS backlog,
                              instr(s.text, '"entry":"noted"') + instr(s.text, '"entry":"update-posted"') > 0 AS words
                       FROM event e JOIN shape s ON s.id = e.shape WHERE e.subject = ?1 AND e.kind = ?2 AND e.at < ?3)
           SELECT id FROM (SELECT id FROM of WHERE words ORDER BY at DESC, id DESC LIMIT ?4)
           UNION SELECT id FROM (SELECT id FROM of WHERE backlog ORDER BY at DESC, id DESC LIMIT 1)
           UNION SELECT id FROM (SELECT id FROM of WHERE NOT words AND NOT backlog ORDER BY at DESC, id DESC LIMIT ?5)
           UNION SELECT min(id) FROM of"#,
    )?;
    for subject in subjects.query_map(lately, |r| r.get::<_, i64>(0))?.flatten() {
        let all = params![subject, Kind::Incident.code(), from, WORDS, ENTRIES];
        ids.extend(
            entries
                .query_map(all, |r| r.get::<_, Option<i64>>(0))?
                .flatten()
                .flatten(),
        );
    }
    Ok(ids)
}

impl Sqlite {
    /// All entries about incidents, and what clocks were set by between them, in the order of the record.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn incidents(&self) -> Result<Vec<Event>, Trouble> {
        let all = row::batch(
            &self.db,
            "WHERE e.kind IN (?1, ?2) AND e.kind >= 100 ORDER BY e.id",
            params![Kind::Incident.code(), Kind::ClockStepped.code()],
            Cursor::START,
        )?;
        Ok(all.events.into_iter().map(|(_, event)| event).collect())
    }
}
