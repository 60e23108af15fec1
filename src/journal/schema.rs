//! The tables, their version, and how a connection is set up.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::Trouble;

/// The version of the tables that this build makes and writes (`PRAGMA user_version`).
pub const SCHEMA: i64 = 1;

/// `mltp`: marks the file as a journal of mailtop (`PRAGMA application_id`).
pub const APPLICATION: i64 = 0x6d6c_7470;

/// The longest that a call waits for another process's lock. Below [`super::waiting::STUCK`], so that a lock is told from a disk
/// that does not answer.
const BUSY: Duration = Duration::from_secs(1);

/// `journal.born` is drawn by lot: a place in one file means nothing in another, and the system gives names and even
/// inode numbers out again.
///
/// Rows are small because a row of `event` is numbers: what repeats is in `subject`, `observer` and `shape`.
/// `AUTOINCREMENT`, because a reader's place must never mean another event. The two indexes by time hold each event
/// once, so that looking for old samples never walks over what is kept for ever.
const TABLES: &str = "
CREATE TABLE journal (born INTEGER NOT NULL) STRICT;
CREATE TABLE observer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE subject (
  id INTEGER PRIMARY KEY, part TEXT NOT NULL, server TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (part, server, name)
) STRICT;
CREATE TABLE shape (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hash INTEGER NOT NULL, format INTEGER NOT NULL, text TEXT NOT NULL,
  uses INTEGER NOT NULL
) STRICT;
CREATE INDEX shape_by_hash ON shape (hash);
CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind INTEGER NOT NULL, subject INTEGER NOT NULL,
  observer INTEGER NOT NULL, shape INTEGER NOT NULL, numbers TEXT NOT NULL, action TEXT
) STRICT;
CREATE INDEX event_by_subject ON event (subject, kind, at);
CREATE INDEX sample_by_time ON event (at) WHERE kind < 100;
CREATE INDEX kept_by_time ON event (at) WHERE kind >= 100;
CREATE INDEX event_by_action ON event (action) WHERE action IS NOT NULL;
CREATE TRIGGER shape_let_go AFTER DELETE ON event BEGIN
  UPDATE shape SET uses = uses - 1 WHERE id = old.shape;
  DELETE FROM shape WHERE id = old.shape AND uses < 1;
END;
CREATE TABLE lease (
  what TEXT PRIMARY KEY, holder TEXT NOT NULL, place TEXT, pid INTEGER, started INTEGER, until INTEGER NOT NULL,
  lasts INTEGER NOT NULL
) STRICT;
CREATE TABLE probe_roll (
  subject INTEGER NOT NULL, grain INTEGER NOT NULL, start INTEGER NOT NULL, probes INTEGER NOT NULL,
  failed INTEGER NOT NULL, missed INTEGER NOT NULL, worst INTEGER NOT NULL, held INTEGER NOT NULL,
  least INTEGER, median INTEGER, most INTEGER, PRIMARY KEY (subject, grain, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_roll_by_time ON probe_roll (grain, start);
CREATE TABLE queue_roll (
  subject INTEGER NOT NULL, grain INTEGER NOT NULL, start INTEGER NOT NULL, readings INTEGER NOT NULL,
  missed INTEGER NOT NULL, least INTEGER, most INTEGER, last INTEGER, last_at INTEGER,
  PRIMARY KEY (subject, grain, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_roll_by_time ON queue_roll (grain, start);
";

/// Sets up a connection, and makes the tables in a file that has none. `Err(NotOurs)` for a file of a newer version or
/// of another program, which is then left untouched.
pub fn set_up(db: &mut Connection) -> Result<(), Trouble> {
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(48);
    let application: i64 = db.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(Trouble::NotOurs("it is a database of another program".into()));
    }
    still_ours(db)?;
    if tables == 0 {
        // Only before the first table can the file be told to give space back later.
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0))?;
    if mode != "wal" && mode != "memory" {
        return Err(Trouble::Disk(
            format!("the file system does not bear a write-ahead log (SQLite chose `{mode}`)").into(),
        ));
    }
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "journal_size_limit", 16 << 20)?;
    if tables == 0 {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(TABLES)?;
        tx.execute("INSERT INTO journal (born) VALUES (?1)", [fastrand::i64(..)])?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", SCHEMA)?;
        tx.commit()?;
    }
    Ok(())
}

/// Whether the tables are of a version that this build knows. A newer mailtop may change them while we have the file open.
pub fn still_ours(db: &Connection) -> Result<(), Trouble> {
    let version: i64 = db.prepare_cached("PRAGMA user_version")?.query_row([], |r| r.get(0))?;
    if version > SCHEMA {
        return Err(Trouble::NotOurs(
            format!("a newer mailtop made it (tables of version {version}, this one knows {SCHEMA})").into(),
        ));
    }
    Ok(())
}
