//! The file and its folder: made so that only their owner can read them, looked over when opened, moved aside when
//! damaged. All of it under a lock on the folder, so that two processes that find the damage together move it once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{Trouble, schema};
use crate::domain::{Text, Timestamp};

/// A file up to this size is checked as a whole when it is opened: about a tenth of a second.
const CHECKED_WHOLE: u64 = 32 << 20;
/// Of a larger one, so many of the oldest and of the newest events are read, by table and by index.
const CHECKED_ENDS: i64 = 256;
/// The longest to wait for another process that is opening the same journal.
const OPENING: Duration = Duration::from_secs(5);

/// What every SQLite database begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Which file a name stood for: the name may come to stand for another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity(u64, u64);

impl Identity {
    /// The file that the name stands for now.
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|m| Self(m.dev(), m.ino()))
    }
}

/// An open journal file.
pub struct Place {
    /// The connection, set up.
    pub db: Connection,
    /// The file behind it; `None` in memory.
    pub identity: Option<Identity>,
    /// Where a damaged one was moved, and what was wrong with it.
    pub moved: Option<(PathBuf, Text)>,
}

/// Opens the journal at `path`, making it and its folder when they are missing. A damaged file is moved aside, but not one
/// that never was a database: somebody named the wrong file. Moved aside, too, is the one called `suspect`, in which damage showed in use, whatever a look at it says.
pub fn open(path: &Path, suspect: Option<Identity>, now: Timestamp) -> Result<Place, Trouble> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| Trouble::system(&format!("making {}", folder.display()), &e))?;
    let _lock = lock(folder)?;
    let known_bad = suspect.is_some() && Identity::of(path) == suspect;
    if !known_bad && is_of_another_kind(path)? {
        let what = format!("{} is a file of another kind, and stays as it is", path.display());
        return Err(Trouble::NotOurs(what.into()));
    }
    let why: Text = if known_bad {
        "a damaged page was met while it was in use".into()
    } else {
        match attempt(path) {
            Err(Trouble::Damaged(why)) => why,
            Err(other) => return Err(other),
            Ok(db) => {
                return Ok(Place {
                    db,
                    identity: Identity::of(path),
                    moved: None,
                });
            }
        }
    };
    let aside = move_aside(path, now).map_err(|e| Trouble::system(&format!("moving {} aside", path.display()), &e))?;
    Ok(Place {
        db: attempt(path)?,
        identity: Identity::of(path),
        moved: Some((aside, why)),
    })
}

/// Whether there is a file that never was a journal. One that was has our own name for it, a log beside it, or begins as
/// SQLite's files do. This is looked at before SQLite opens it, which takes a file of one byte for an empty one.
fn is_of_another_kind(path: &Path) -> Result<bool, Trouble> {
    let told_by_name = path.file_name().is_some_and(|n| n == "journal.db");
    let has_contents = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 0);
    // While a connection of this process has the file open there is a log, and it is not opened here: closing it again
    // would drop that connection's locks.
    let has_log = ["-wal", "-shm"].iter().any(|s| with_suffix(path, s).exists());
    if told_by_name || !has_contents || has_log {
        return Ok(false);
    }
    let failed = |e: io::Error| Trouble::system(&format!("reading {}", path.display()), &e);
    let mut head = Vec::with_capacity(MAGIC.len());
    let file = File::open(path).map_err(failed)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(failed)?;
    Ok(head != MAGIC)
}

/// A journal that is nowhere on disk.
pub fn memory() -> Result<Place, Trouble> {
    let mut db = Connection::open_in_memory()?;
    schema::set_up(&mut db)?;
    Ok(Place {
        db,
        identity: None,
        moved: None,
    })
}

/// Two processes must not make, check or move the file at the same time. The lock is on the folder itself, which needs no
/// file of its own, and ends with the process.
fn lock(folder: &Path) -> Result<File, Trouble> {
    let file = File::open(folder).map_err(|e| Trouble::system(&format!("opening {}", folder.display()), &e))?;
    let began = Instant::now();
    while let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
        if began.elapsed() >= OPENING {
            return Err(Trouble::Busy(
                format!("another program has {} locked", folder.display()).into(),
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // Locked, or on a file system without locks: SQLite will say so if it matters.
    Ok(file)
}

fn attempt(path: &Path) -> Result<Connection, Trouble> {
    let failed = |e: io::Error| Trouble::system(&format!("opening {}", path.display()), &e);
    // A new file is made here for the sake of its mode. One that is there is not opened here: closing it again would
    // drop the locks (POSIX: they are the process's) of any other connection that this process has to it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed(e)),
        _ => {}
    }
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(Trouble::Denied(format!("{} is not a file", path.display()).into()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    schema::set_up(&mut db)?;
    check(&db, meta.len())?;
    Ok(db)
}

/// Looks for damage: all of a small file, the ends of a large one. What this does not meet is met in use, and handled then.
fn check(db: &Connection, size: u64) -> Result<(), Trouble> {
    if size <= CHECKED_WHOLE {
        let found: String = db.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
        return if found == "ok" {
            Ok(())
        } else {
            Err(Trouble::Damaged(found.into()))
        };
    }
    for order in ["ASC", "DESC"] {
        for walk in [
            format!("SELECT id, at, shape, length(numbers) FROM event NOT INDEXED ORDER BY id {order} LIMIT ?1"),
            format!("SELECT at FROM event WHERE kind < 100 ORDER BY at {order} LIMIT ?1"),
            format!("SELECT at FROM event WHERE kind >= 100 ORDER BY at {order} LIMIT ?1"),
            format!("SELECT id, length(text) FROM shape NOT INDEXED ORDER BY id {order} LIMIT ?1"),
            format!("SELECT kind FROM event ORDER BY subject {order} LIMIT ?1"),
        ] {
            let mut query = db.prepare(&walk)?;
            let mut rows = query.query([CHECKED_ENDS])?;
            while rows.next()?.is_some() {}
        }
    }
    db.query_row("SELECT count(*) FROM lease", [], |_| Ok(()))?;
    Ok(())
}

/// `journal.db` to `journal.db.damaged-20261123T193000Z`, with its log, so that SQLite's own tools can open it there.
/// The log goes first: a log left beside a new file would be played into it.
fn move_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let name = |n: u32| match n {
        0 => with_suffix(path, &format!(".damaged-{stamp}")),
        n => with_suffix(path, &format!(".damaged-{stamp}-{n}")),
    };
    let aside = (0..u32::MAX)
        .map(name)
        .find(|p| std::fs::symlink_metadata(p).is_err())
        .ok_or(io::ErrorKind::AlreadyExists)?;
    for suffix in ["-wal", "-shm"] {
        match std::fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_large_file_are_read_and_a_damaged_end_is_met() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let place = open(&path, None, Timestamp::UNIX_EPOCH).unwrap();
        let rows = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
            INSERT INTO event (at, kind, subject, observer, shape, numbers) SELECT i, 1 + i % 200, 1, 1, 1, i FROM n";
        place.db.execute(rows, []).unwrap();
        check(&place.db, u64::MAX).unwrap();
        drop(place);
        let mut file = std::fs::read(&path).unwrap();
        let last = file.len() - 4096;
        file[last..].fill(0x5a);
        std::fs::write(&path, file).unwrap();
        let db = Connection::open(&path).unwrap();
        assert!(matches!(check(&db, u64::MAX), Err(Trouble::Damaged(_))));
    }
}
