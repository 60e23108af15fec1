//! The one thread that touches the journal's file: it commits what waits, follows what other processes committed, shows both
//! in the order of the record, and tidies up when it has nothing else to do. When the file fails it tries again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::backlog::Lost;
use super::place::Identity;
use super::waiting::{GATHER, Next, Waiting};
use super::{Change, Changed, Claim, Cursor, Durability, Keep, Lease, Pruned, Record, Sqlite, Start, Trouble};
use crate::clock::Clock;
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::{Span, Text, Timestamp};

/// How often it looks for what others committed.
const LOOK: Duration = Duration::from_millis(200);
/// How many events are shown at a time.
const PAGE: usize = 512;
/// The longest between two tries when the file fails. The first comes after one [`LOOK`].
const PATIENCE: Duration = Duration::from_secs(15);
/// How often retention runs, after its first run.
const TIDY: Duration = Duration::from_secs(3_600);
/// What the one process that tidies holds a lease on. No server can have this name: it is no host name.
const TIDYING: &str = "(retention)";

/// What opening came to.
pub struct Started {
    /// The past.
    pub start: Start,
    /// What the user should know.
    pub notices: Vec<Text>,
}

/// The thread's own things.
pub struct Writer {
    pub waiting: Arc<Waiting>,
    pub feed: mpsc::Sender<Vec<Event>>,
    /// The file; nowhere on disk when `None`.
    pub path: Option<PathBuf>,
    pub keep: Keep,
    pub me: ObserverId,
    pub clock: Clock,
    journal: Journal,
    /// Up to where everything was shown.
    cursor: Option<Cursor>,
    /// What lies after the cursor and was shown already.
    shown_before: Vec<(Cursor, Cursor)>,
    foreign: Option<i64>,
    tidy_at: Instant,
}

/// The file, or the wait for it.
struct Journal {
    open: Option<Sqlite>,
    /// The last file that was open: where it was, and which.
    identity: Option<Identity>,
    born: Option<i64>,
    /// The file in which damage showed.
    suspect: Option<Identity>,
    health: Health,
    not_before: Instant,
    pause: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Failing,
}

impl Writer {
    /// A writer that has not opened its file yet.
    pub fn new(
        waiting: Arc<Waiting>,
        feed: mpsc::Sender<Vec<Event>>,
        path: Option<PathBuf>,
        keep: Keep,
        me: ObserverId,
        clock: Clock,
    ) -> Self {
        let now = Instant::now();
        Self {
            waiting,
            feed,
            path,
            keep,
            me,
            clock,
            journal: Journal {
                open: None,
                identity: None,
                born: None,
                suspect: None,
                health: Health::Good,
                not_before: now,
                pause: LOOK,
            },
            cursor: None,
            shown_before: Vec::new(),
            foreign: None,
            tidy_at: now + 10 * LOOK,
        }
    }

    /// Opens the file and reads the past. A file that cannot be opened is a notice, not a failure.
    pub fn start(&mut self, from: Timestamp) -> Started {
        let mut notices = Vec::new();
        let mut start = Start::default();
        self.waiting.to_disk();
        // Twice, because damage may show only while the past is read; the file is then moved aside and begun anew.
        for _ in 0..2 {
            match self.open().and_then(|notice| {
                notices.extend(notice);
                self.past(from)
            }) {
                Ok(past) => {
                    start = past;
                    break;
                }
                Err(trouble) => {
                    self.trouble(&trouble);
                    if !matches!(trouble, Trouble::Damaged(_)) {
                        notices.push(trouble.to_string().into());
                        break;
                    }
                }
            }
        }
        self.waiting.off_disk();
        if start.skipped > 0 {
            let n = start.skipped;
            notices.push(format!("{n} events in the journal could not be read (written by a newer mailtop, or damaged): they are left out").into());
        }
        if start.left_out > 0 {
            notices.push(
                format!(
                    "the {} oldest events of the time shown are left out: there are too many",
                    start.left_out
                )
                .into(),
            );
        }
        Started { start, notices }
    }

    fn past(&mut self, from: Timestamp) -> Result<Start, Trouble> {
        let Some(db) = &mut self.journal.open else {
            return Ok(Start::default());
        };
        let past = db.start_from(from)?;
        self.cursor = Some(past.next);
        Ok(past)
    }

    /// Works until it is told to stop; then records what still waits, if that can be done.
    pub fn run(mut self) {
        let mut look_at = Instant::now() + LOOK;
        loop {
            let done = match self.waiting.next(self.journal.not_before, look_at) {
                Next::Commit(changes, durability) => self.commit(&changes, durability),
                Next::Look => {
                    look_at = Instant::now() + LOOK;
                    self.look()
                }
                Next::End => break,
            };
            if let Err(trouble) = done {
                self.trouble(&trouble);
                if self.waiting.is_stopping() && !matches!(trouble, Trouble::Damaged(_)) {
                    break;
                }
            }
        }
        let leases = Change::Release {
            what: None,
            holder: self.me.clone(),
        };
        if let Some(db) = &mut self.journal.open {
            // If it cannot be done, they end by themselves.
            let _ = db.commit(&[leases], Durability::Process);
        }
    }

    /// Opens the file if it is not open, or if its name stands for another one now: moved aside by another process, or deleted.
    fn open(&mut self) -> Result<Option<Text>, Trouble> {
        let journal = &mut self.journal;
        let mut moved = None;
        if let (Some(db), Some(path)) = (&journal.open, &self.path) {
            if Identity::of(path) == db.identity() {
                return Ok(None);
            }
            moved = Some(
                format!(
                    "{} was moved or deleted while it was in use; a new one goes on",
                    path.display()
                )
                .into(),
            );
            journal.open = None;
        } else if journal.open.is_some() {
            return Ok(None);
        }
        let (db, notice) = match &self.path {
            Some(path) => Sqlite::reopen(path, journal.suspect, self.clock.now())?,
            None => (Sqlite::memory()?, None),
        };
        let born = Some(db.born()?);
        if journal.born.is_some() && journal.born != born {
            // Another file: what is in it was not shown, whoever wrote it.
            self.cursor = Some(Cursor::START);
            self.shown_before.clear();
        }
        journal.identity = db.identity();
        journal.born = born;
        journal.suspect = None;
        journal.open = Some(db);
        self.foreign = None;
        let notice = notice.or(moved);
        if let Some(notice) = &notice {
            self.say(notice.clone());
        }
        Ok(notice)
    }

    /// Opens the file if need be. Where the past could not be read when it was asked for, what is shown begins here.
    fn ready(&mut self) -> Result<(), Trouble> {
        self.open()?;
        if let (None, Some(db)) = (self.cursor, &mut self.journal.open) {
            self.cursor = Some(db.end()?);
        }
        Ok(())
    }

    /// Puts a notice on the record.
    fn say(&self, text: Text) {
        self.waiting.append(vec![Event {
            at: self.clock.now(),
            seen_by: self.me.clone(),
            about: Subject::Observer,
            what: Fact::Notice(text),
        }]);
    }

    fn commit(&mut self, changes: &[Change], durability: Durability) -> Result<(), Trouble> {
        self.waiting.to_disk();
        self.ready()?;
        let done = self.change(changes, durability)?;
        self.waiting.off_disk();
        let (shown_before, lost) = self.waiting.committed(done);
        self.shown_before.extend(shown_before);
        self.is_good();
        self.journal.not_before = Instant::now() + GATHER;
        if let Some(Lost { count, first, last }) = lost {
            self.say(format!("{count} samples seen between {first:.0} and {last:.0} are not on the record: the journal's disk could not take them").into());
        }
        self.follow()
    }

    fn change(&mut self, changes: &[Change], durability: Durability) -> Result<Vec<Changed>, Trouble> {
        match &mut self.journal.open {
            Some(db) => db.commit(changes, durability),
            None => Err(Trouble::Disk("it is not open".into())),
        }
    }

    fn is_good(&mut self) {
        self.journal.health = Health::Good;
        self.journal.pause = LOOK;
    }

    /// Sees whether a failing disk works again, follows what others committed, and tidies.
    fn look(&mut self) -> Result<(), Trouble> {
        if self.journal.health == Health::Failing && Instant::now() < self.journal.not_before {
            return Ok(());
        }
        self.waiting.to_disk();
        self.ready()?;
        if self.journal.health == Health::Failing {
            // Only a write shows whether it can be written.
            let what = format!("(recording by {})", self.me.0);
            self.change(&[self.claim(&what, Span::ZERO)], Durability::Process)?;
            self.is_good();
        }
        let foreign = match &mut self.journal.open {
            Some(db) => Some(db.foreign_version()?),
            None => None,
        };
        if foreign != self.foreign {
            self.foreign = foreign;
            self.follow()?;
        }
        if Instant::now() >= self.tidy_at {
            self.tidy()?;
        }
        self.waiting.off_disk();
        self.waiting.working();
        Ok(())
    }

    /// Shows what the record holds after the cursor, as far as there is room on the way to the screen.
    fn follow(&mut self) -> Result<(), Trouble> {
        let (Some(db), Some(mut cursor)) = (&mut self.journal.open, self.cursor) else {
            return Ok(());
        };
        loop {
            self.cursor = Some(cursor);
            let room = match self.feed.try_reserve() {
                Ok(room) => room,
                Err(mpsc::error::TrySendError::Full(())) => {
                    self.foreign = None;
                    return Ok(());
                }
                Err(mpsc::error::TrySendError::Closed(())) => {
                    self.cursor = Some(db.end()?);
                    self.shown_before.clear();
                    return Ok(());
                }
            };
            let batch = db.since(cursor, PAGE)?;
            if batch.next == cursor {
                return Ok(());
            }
            cursor = batch.next;
            if batch.skipped > 0 {
                tracing::warn!(rows = batch.skipped, "events in the journal could not be read");
            }
            let was_shown = |place: Cursor| {
                self.shown_before
                    .iter()
                    .any(|(after, last)| *after < place && place <= *last)
            };
            let events: Vec<Event> = batch
                .events
                .into_iter()
                .filter(|(place, _)| !was_shown(*place))
                .map(|(_, event)| event)
                .collect();
            if !events.is_empty() {
                room.send(events);
            }
            self.shown_before.retain(|(_, last)| *last > cursor);
        }
    }

    /// One slice of retention, if no other process is at it.
    fn tidy(&mut self) -> Result<(), Trouble> {
        let claim = self.claim(TIDYING, Span::from_secs(60));
        let ours = self.change(&[claim], Durability::Process)? == [Changed::Lease(Lease::Held)];
        let now = self.clock.now();
        let more = match &mut self.journal.open {
            Some(db) if ours => db.prune(self.keep, now)?,
            _ => Pruned::Done,
        };
        self.tidy_at = Instant::now() + if more == Pruned::More { Duration::ZERO } else { TIDY };
        Ok(())
    }

    fn claim(&self, what: &str, lasts: Span) -> Change {
        Change::Lease(Claim {
            what: what.into(),
            holder: self.me.clone(),
            now: self.clock.now(),
            lasts,
        })
    }

    /// Takes in that something failed, and when to try again.
    fn trouble(&mut self, trouble: &Trouble) {
        let now = Instant::now();
        let journal = &mut self.journal;
        journal.health = Health::Failing;
        journal.not_before = now + journal.pause;
        journal.pause = (2 * journal.pause).min(PATIENCE);
        match trouble {
            Trouble::Busy(_) => journal.pause = LOOK,
            Trouble::Damaged(_) if journal.open.is_some() => {
                journal.suspect = journal.identity;
                journal.open = None;
                journal.not_before = now;
            }
            _ => journal.open = None,
        }
        tracing::warn!(%trouble, "the journal");
        self.waiting.failed(&trouble.to_string().into());
    }
}
