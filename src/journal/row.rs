//! An event to a row and back. A row that cannot be read back is nobody's failure: `None`, counted by the caller.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Batch, Cursor, Trouble, kind, kind::Kind, shape};
use crate::domain::event::{Event, Fact, ObserverId, Subject, VERSION};
use crate::domain::incident::IncidentId;
use crate::domain::{Name, Timestamp};

/// A query for events: what [`read`] takes, to be followed by a `WHERE` on `e`. Left joins, so that a row whose shape is
/// lost is counted and not passed over in silence.
pub const SELECT: &str = "
SELECT e.id, e.at, o.name, s.part, s.server, s.name, h.format, h.text, e.numbers FROM event e
LEFT JOIN observer o ON o.id = e.observer LEFT JOIN subject s ON s.id = e.subject LEFT JOIN shape h ON h.id = e.shape ";

/// Writes one event; its place. `None` when it has no JSON form, which no fact of this build lacks.
pub fn write(tx: &Transaction<'_>, event: &Event) -> rusqlite::Result<Option<i64>> {
    let Ok(json) = serde_json::to_string(&event.what) else {
        return Ok(None);
    };
    let (text, numbers) = shape::apart(&json);
    let subject = subject_id(tx, &event.about)?;
    let observer = observer_id(tx, &event.seen_by)?;
    let shape = shape_id(tx, &text)?;
    tx.prepare_cached(
        "INSERT INTO event (at, kind, subject, observer, shape, numbers, action) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .insert(params![
        event.at.as_microsecond(),
        Kind::of(&event.what).code(),
        subject,
        observer,
        shape,
        numbers,
        kind::action(&event.what).map(|id| id.0.as_str()),
    ])
    .map(Some)
}

fn observer_id(tx: &Transaction<'_>, who: &ObserverId) -> rusqlite::Result<i64> {
    let found = tx
        .prepare_cached("SELECT id FROM observer WHERE name = ?1")?
        .query_row([who.0.as_str()], |r| r.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => tx
            .prepare_cached("INSERT INTO observer (name) VALUES (?1)")?
            .insert([who.0.as_str()]),
    }
}

fn subject_id(tx: &Transaction<'_>, about: &Subject) -> rusqlite::Result<i64> {
    match find_subject(tx, about)? {
        Some(id) => Ok(id),
        None => tx
            .prepare_cached("INSERT INTO subject (part, server, name) VALUES (?1, ?2, ?3)")?
            .insert(parts(about)),
    }
}

/// The number of a subject, when the file has seen it.
pub fn find_subject(db: &Connection, about: &Subject) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM subject WHERE part = ?1 AND server = ?2 AND name = ?3")?
        .query_row(parts(about), |r| r.get(0))
        .optional()
}

fn shape_id(tx: &Transaction<'_>, text: &str) -> rusqlite::Result<i64> {
    let hash = shape::hash(text);
    let found = tx
        .prepare_cached("UPDATE shape SET uses = uses + 1 WHERE hash = ?1 AND format = ?2 AND text = ?3 RETURNING id")?
        .query_row(params![hash, VERSION, text], |r| r.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => tx
            .prepare_cached("INSERT INTO shape (hash, format, text, uses) VALUES (?1, ?2, ?3, 1)")?
            .insert(params![hash, VERSION, text]),
    }
}

fn parts(about: &Subject) -> (&'static str, &str, &str) {
    match about {
        Subject::Observer => ("observer", "", ""),
        Subject::Server { server } => ("server", server, ""),
        Subject::Door { server, door } => ("door", server, door),
        Subject::Queue { server, queue } => ("queue", server, queue),
        Subject::Job { server, job } => ("job", server, job),
        Subject::Canary { server, canary } => ("canary", server, canary),
        Subject::Incident { incident } => ("incident", "", incident.0.as_str()),
    }
}

fn subject(part: &str, server: &str, name: &str) -> Option<Subject> {
    let (server, name) = (Name::new(server), Name::new(name));
    match part {
        "observer" => Some(Subject::Observer),
        "server" => Some(Subject::Server { server }),
        "door" => Some(Subject::Door { server, door: name }),
        "queue" => Some(Subject::Queue { server, queue: name }),
        "job" => Some(Subject::Job { server, job: name }),
        "canary" => Some(Subject::Canary { server, canary: name }),
        "incident" => Some(Subject::Incident {
            incident: IncidentId(name),
        }),
        _ => None,
    }
}

/// The event of a row of [`SELECT`].
pub fn read(row: &Row<'_>) -> Option<Event> {
    let str = |i| row.get_ref(i).ok().and_then(|v| v.as_str().ok());
    let format: u32 = row.get(6).ok()?;
    if format > VERSION {
        return None;
    }
    Some(Event {
        at: Timestamp::from_microsecond(row.get(1).ok()?).ok()?,
        seen_by: ObserverId(Name::new(str(2)?)),
        about: subject(str(3)?, str(4)?, str(5)?)?,
        what: fact(str(7)?, str(8)?)?,
    })
}

/// The fact of a shape and its numbers.
pub fn fact(shape: &str, numbers: &str) -> Option<Fact> {
    serde_json::from_str(&shape::together(shape, numbers)?).ok()
}

/// Runs a query that begins with [`SELECT`]; `cursor` is where the batch ends when it finds nothing.
pub fn batch(db: &Connection, rest: &str, values: impl rusqlite::Params, cursor: Cursor) -> Result<Batch, Trouble> {
    let mut batch = Batch {
        next: cursor,
        ..Batch::default()
    };
    let mut query = db.prepare_cached(&format!("{SELECT}{rest}"))?;
    let mut rows = query.query(values)?;
    while let Some(row) = rows.next()? {
        let place = Cursor(row.get(0)?);
        match read(row) {
            Some(event) => batch.events.push((place, event)),
            None => batch.skipped += 1,
        }
        batch.next = batch.next.max(place);
    }
    Ok(batch)
}
