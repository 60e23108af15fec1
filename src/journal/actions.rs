//! What is on record of actions: of one job for the engine, which judges by it what it sees; of many for a person who asks
//! what was done. Bounded, and by index: the first is asked at every look.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::kind::Kind;
use super::{Cursor, Sqlite, Trouble, lease, row, schema};
use crate::domain::action::ActionId;
use crate::domain::event::{Event, ObserverId, Subject};
use crate::domain::{Name, Timestamp};

/// The newest actions of a job that are looked at: one that failed leaves what the one before it did.
const NEWEST: i64 = 16;

/// The events of an action of which there is one each, or which come again when it is lost.
const OF_ACTION: [Kind; 5] = [
    Kind::ActionPlanned,
    Kind::ActionRan,
    Kind::ActionReadBack,
    Kind::ActionLost,
    Kind::PauseEnded,
];
/// Events that may come often, and of which the newest tells all.
const LAST_OF_JOB: [Kind; 2] = [Kind::JobSeen, Kind::RightsSeen];

/// Which actions are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pick {
    /// On this server only.
    pub server: Option<Name>,
    /// On jobs of this name only.
    pub job: Option<Name>,
    /// From this moment on.
    pub since: Option<Timestamp>,
}

/// The events of the newest actions on a job, its last reading, and the last that was seen of its rights; in the order of the
/// record.
pub fn on_job(db: &Connection, about: &Subject) -> rusqlite::Result<Vec<Event>> {
    let Some(subject) = row::find_subject(db, about)? else {
        return Ok(vec![]);
    };
    let mut ids: BTreeSet<i64> = BTreeSet::new();
    let mut last =
        db.prepare_cached("SELECT id FROM event WHERE subject = ?1 AND kind = ?2 ORDER BY at DESC, id DESC LIMIT 1")?;
    for kind in LAST_OF_JOB {
        ids.extend(
            last.query_row(params![subject, kind.code()], |r| r.get::<_, i64>(0))
                .optional()?,
        );
    }
    let mut actions = db.prepare_cached(
        "SELECT action FROM event WHERE subject = ?1 AND kind = ?2 ORDER BY at DESC, id DESC LIMIT ?3",
    )?;
    let [planned, ran, back, lost, ended] = OF_ACTION.map(Kind::code);
    let mut of_action =
        db.prepare_cached("SELECT id FROM event WHERE action = ?1 AND kind IN (?2, ?3, ?4, ?5, ?6) LIMIT 64")?;
    let mut drift =
        db.prepare_cached("SELECT id FROM event WHERE action = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 1")?;
    let rows = actions.query_map(params![subject, planned, NEWEST], |r| r.get::<_, Option<String>>(0))?;
    for action in rows.flatten().flatten() {
        let all = params![action, planned, ran, back, lost, ended];
        ids.extend(of_action.query_map(all, |r| r.get::<_, i64>(0))?.flatten());
        ids.extend(
            drift
                .query_row(params![action, Kind::Drifted.code()], |r| r.get::<_, i64>(0))
                .optional()?,
        );
    }
    let mut one = db.prepare_cached(&format!("{}WHERE e.id = ?1", row::SELECT))?;
    let mut events = Vec::with_capacity(ids.len());
    for id in ids {
        // A row that cannot be read is passed over, as everywhere.
        events.extend(one.query_row([id], |r| Ok(row::read(r))).optional()?.flatten());
    }
    Ok(events)
}

impl Sqlite {
    /// Opens a journal to read what is in it and nothing else. It is not made when it is missing, and not mended.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read_only(path: &Path) -> Result<Self, Trouble> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(std::time::Duration::from_secs(1))?;
        let application: i64 = db.pragma_query_value(None, "application_id", |r| r.get(0))?;
        if application != schema::APPLICATION {
            return Err(Trouble::NotOurs("it is no journal of mailtop".into()));
        }
        schema::still_ours(&db)?;
        Ok(Self::reader(db))
    }

    /// Shows `see` the events of each action that fits, one action after the other in the order in which they were planned.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn actions(&self, pick: &Pick, see: &mut dyn FnMut(Vec<Event>)) -> Result<(), Trouble> {
        let mut planned = self.db.prepare_cached(
            "SELECT e.action, s.server, s.name FROM event e JOIN subject s ON s.id = e.subject
             WHERE e.kind = ?1 AND e.kind >= 100 AND e.at >= ?2 ORDER BY e.at, e.id",
        )?;
        let since = pick.since.map_or(i64::MIN, Timestamp::as_microsecond);
        let mut rows = planned.query(params![Kind::ActionPlanned.code(), since])?;
        while let Some(row) = rows.next()? {
            let fits = |wanted: &Option<Name>, i| {
                let found: String = row.get(i)?;
                Ok::<_, rusqlite::Error>(wanted.as_ref().is_none_or(|w| **w == *found))
            };
            if !fits(&pick.server, 1)? || !fits(&pick.job, 2)? {
                continue;
            }
            let Some(id) = row.get::<_, Option<String>>(0)? else {
                continue;
            };
            see(self.action(&ActionId(Name::new(&id)))?);
        }
        Ok(())
    }

    /// All that is on record of one action, in the order of the record; nothing when there is no such action.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn action(&self, id: &ActionId) -> Result<Vec<Event>, Trouble> {
        let all = row::batch(
            &self.db,
            "WHERE e.action = ?1 ORDER BY e.id",
            [id.0.as_str()],
            Cursor::START,
        )?;
        Ok(all.events.into_iter().map(|(_, event)| event).collect())
    }

    /// Who holds a lease at a moment.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn holder(&self, what: &Name, now: Timestamp) -> Result<Option<ObserverId>, Trouble> {
        Ok(lease::holder(&self.db, what, now)?)
    }
}
