//! The mail log as an exact source of what happens to a queue. `place` finds out where it is; `file` and `journal` read on
//! from where the last reading ended, one short command each time; `line` → `said` → `count` turn lines into counts, and
//! are pure. Nothing here knows the console or the journal of mailtop.
//!
//! Stated behaviour where a log or a clock is odd:
//! - **Clock steps.** The observer's: an interval never begins after it ends (`from` is held at `now`). The host's: lines
//!   are counted in the order in which they stand, whatever their times say.
//! - **Lines from the future, or out of order** are counted in the interval in which they are read; no rate is made of
//!   their times. A newest line that is ahead of the host's clock (for a log that a command of the operator's own prints:
//!   of ours) shows as a negative `log_age`.
//! - **No year**: the year that brings a line closest to the host's clock.
//! - **Equal times** mean nothing: lines are told apart by their place.
//! - **IDs reused**: what is known of an ID ends with its file (`count`).
//! - **A reading cut off midway** counts nothing and moves nothing: the next one begins where the last good one ended.
//! - **A file cut in place, rotated away or vacuumed**: what is left is counted once, and `partial` says what is not. Only
//!   there are lines passed over by their times: those from before the last reading, which was counted.

mod answer;
mod count;
mod feed;
mod file;
mod journal;
mod line;
mod place;
mod said;

use jiff::Timestamp;

use crate::domain::argv::Argv;
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use crate::domain::queue::{LogSource, QueueSource};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::queue::postfix::{trouble, with_sudo};
use crate::reach::{Output, RunLimits, Runner};

use answer::Answer;
use count::Count;
use feed::Feed;
use file::FileCursor;
use journal::JournalCursor;
use place::{Found, Place};

/// Bytes of log in one answer: at most, at least. One that does not come in time is asked for less the next time.
const MOST: u64 = 8 << 20;
const LEAST: u64 = 256 << 10;
/// Bytes of the end of a file that are looked at at first, for what they tell of messages that are being delivered.
const AT_FIRST: u64 = 64 << 10;
/// Beside the log in an answer.
const FRAME: u64 = 64 << 10;
/// Where the log is, is found out again after this time.
const FIND_AGAIN: Span = Span::from_hours(1);
/// Reasons why counts may not be all that are kept for one reading.
const REASONS: usize = 4;

/// Follows the log of one mail system: each reading counts what was written since the one before.
#[derive(Debug)]
pub struct LogFollower {
    src: QueueSource,
    at: Option<Located>,
    count: Count,
    /// The last good reading: the observer's time and the host's.
    last: Option<(Timestamp, Timestamp)>,
    /// The time of the newest line.
    newest: Option<Timestamp>,
    /// What was lost since then.
    lost: Vec<String>,
    /// The most bytes to ask for, ever and now.
    most: u64,
    room: u64,
}

/// Where the log is, and where in it.
#[derive(Debug)]
struct Located {
    found: Found,
    since: Timestamp,
    /// It was an error that came last.
    doubtful: bool,
    cursor: Cursor,
}

#[derive(Debug)]
enum Cursor {
    File(FileCursor),
    Journal(JournalCursor),
    /// What the command told last; empty at first.
    Command(String),
}

impl Cursor {
    fn new(place: &Place) -> Self {
        match place {
            Place::File(_) => Self::File(FileCursor::default()),
            Place::Journal => Self::Journal(JournalCursor::default()),
            Place::Command(_) => Self::Command(String::new()),
        }
    }
    fn is_new(&self) -> bool {
        match self {
            Self::File(c) => c.is_new(),
            Self::Journal(c) => *c == JournalCursor::New,
            Self::Command(c) => c.is_empty(),
        }
    }
}

/// What one answer told, beside the counts.
struct Told {
    host: Timestamp,
    age: Option<Span>,
    cpu: Option<Span>,
    took: Span,
    behind: u64,
}

impl LogFollower {
    /// For this queue; nothing is read yet.
    pub fn new(src: &QueueSource) -> Self {
        Self {
            src: src.clone(),
            at: None,
            count: Count::new("postfix"),
            last: None,
            newest: None,
            lost: Vec::new(),
            most: MOST,
            room: MOST,
        }
    }

    /// With another bound on the bytes of log in one answer, which is 8 MiB else: for a thin line.
    #[must_use]
    pub fn bounded(mut self, bytes: u64) -> Self {
        (self.most, self.room) = (bytes, bytes);
        self
    }

    /// Counts what was logged since the last good reading; `None` where the log is not to be read.
    ///
    /// `now` is the observer's time, and belongs on the event that carries the result. The first reading sets the start:
    /// it counts nothing, and its `from` is `now`. One answer is bounded: what is left is in `behind`, and another reading
    /// may follow at once. A reading that fails, or is given up, loses nothing.
    pub async fn read(&mut self, runner: &Runner, now: Timestamp, timeout: Span) -> Result<Option<FlowSeen>, Missed> {
        if self.src.log == LogSource::Off {
            return Ok(None);
        }
        let looked = self.locate(runner, now, timeout).await?;
        let is_first = self.at.as_ref().is_none_or(|at| at.cursor.is_new());
        let told = match self.ask(runner, now, timeout).await {
            Ok(told) => told,
            Err(missed) => {
                self.failed(&missed);
                return Err(missed);
            }
        };
        self.room = (self.room.saturating_mul(2)).min(self.most);
        let counted = self.count.take(now);
        let from = self.last.map_or(now, |(last, _)| last.min(now));
        self.last = Some((now, told.host));
        self.lost.dedup();
        let lost = std::mem::take(&mut self.lost);
        let partial: Option<Text> = (!lost.is_empty()).then(|| lost[..lost.len().min(REASONS)].join("; ").into());
        Ok(Some(FlowSeen {
            source: FlowSource::Log,
            from: if is_first { now } else { from },
            counts: if is_first { FlowCounts::default() } else { counted },
            partial,
            behind: told.behind,
            log_age: told.age,
            took: looked + told.took,
            cpu: told.cpu,
        }))
    }

    /// Finds out where the log is, if that is not known or is to be checked. How long that took.
    async fn locate(&mut self, runner: &Runner, now: Timestamp, timeout: Span) -> Result<Span, Missed> {
        if let Some(at) = &self.at
            && !at.doubtful
            && Span::between(at.since, now).micros().abs() < FIND_AGAIN.micros()
        {
            return Ok(Span::ZERO);
        }
        let current = self.at.as_ref().map(|at| &at.found.place);
        let found = place::find(&self.src, current, runner, timeout).await?;
        let took = found.took;
        match &mut self.at {
            Some(at) if at.found.place == found.place && at.found.name == found.name => {
                (at.since, at.doubtful) = (now, false);
            }
            at => {
                if at.is_some() {
                    self.lost
                        .push("the log is in another place now: what was written before the first reading there is not counted".into());
                }
                self.count = Count::new(&found.name);
                self.newest = None;
                *at = Some(Located {
                    cursor: Cursor::new(&found.place),
                    found,
                    since: now,
                    doubtful: false,
                });
            }
        }
        Ok(took)
    }

    fn failed(&mut self, missed: &Missed) {
        match missed.kind {
            Miss::TimedOut => self.room = (self.room / 2).max(LEAST.min(self.most)),
            Miss::Unreachable | Miss::NotAsked => {}
            Miss::Denied | Miss::NotFound | Miss::BadAnswer | Miss::NotArmed => {
                if let Some(at) = &mut self.at {
                    at.doubtful = true;
                }
            }
        }
    }

    /// One answer, or two where the file turns out to be another one. Until an answer is there whole nothing changes.
    async fn ask(&mut self, runner: &Runner, now: Timestamp, timeout: Span) -> Result<Told, Missed> {
        let mut took = Span::ZERO;
        loop {
            let Some(at) = &self.at else {
                return Err(Missed::new(Miss::NotFound, "the mail log", "nobody knows where it is"));
            };
            let (argv, tried) = self.command(at);
            let tried = runner.shown(&tried);
            let limits = RunLimits {
                timeout,
                max_output: usize::try_from(self.room + FRAME).unwrap_or(usize::MAX),
            };
            let out = runner.run(&argv, limits).await?;
            took = took + out.took;
            if !out.ok() {
                return Err(trouble(tried, &out));
            }
            if let Some(told) = self.take(&out, now, &tried)? {
                return Ok(Told { took, ..told });
            }
        }
    }

    /// The command that reads on, and how it is shown.
    fn command(&self, at: &Located) -> (Argv, Argv) {
        let sh = |script: &str, args: Vec<String>| {
            let head = ["-c", script, "mailtop-log"].into_iter().map(str::to_owned);
            Argv::new("sh", head.chain(args))
        };
        match (&at.found.place, &at.cursor) {
            (Place::File(path), Cursor::File(c)) => {
                let at_first = if c.is_new() { AT_FIRST } else { 0 };
                let mut args = vec![path.clone(), (self.room + c.again()).to_string(), at_first.to_string()];
                args.extend(c.args());
                let shown = with_sudo(&self.src, Argv::new("tail", [path]));
                (with_sudo(&self.src, sh(file::READ, args)), shown)
            }
            (Place::Journal, Cursor::Journal(c)) => {
                let mut args = vec![self.room.to_string()];
                args.extend(c.args());
                let shown = with_sudo(&self.src, Argv::new("journalctl", ["SYSLOG_FACILITY=2"]));
                (with_sudo(&self.src, sh(journal::JOURNAL, args)), shown)
            }
            (Place::Command(own), Cursor::Command(c)) => {
                let own = with_sudo(&self.src, own.clone().arg(c.clone()));
                (sh(journal::COMMAND, own.clone().into()), own)
            }
            // A cursor is made for its place, and goes with it.
            (place, _) => (Argv::new("false", [""]), Argv::new(format!("{place:?}"), [""])),
        }
    }

    /// Takes a whole answer into the counts and moves the cursor. `None`: ask again.
    fn take(&mut self, out: &Output, now: Timestamp, tried: &Text) -> Result<Option<Told>, Missed> {
        let bad = |why: &str| Missed::new(Miss::BadAnswer, tried.clone(), why);
        let unseen = || bad("the end of the answer was not seen");
        let mut answer = Answer::parse(&out.stdout).ok_or_else(unseen)?;
        if self
            .at
            .as_ref()
            .is_some_and(|at| matches!(at.found.place, Place::Command(_)))
        {
            // A command of the operator's own may bring the log of another host: only our own clock is a measure of it.
            answer.clock.now = now;
        }
        let before = self.last.map(|(_, host)| host);
        let (count, lost) = (&mut self.count, &mut self.lost);
        let mut feed = Feed::new(count, answer.clock);
        let Some(at) = &mut self.at else {
            return Err(unseen());
        };
        let is_first = at.cursor.is_new();
        let behind = match &mut at.cursor {
            Cursor::File(cursor) => {
                let parts = file::parts(answer.body).ok_or_else(unseen)?;
                match cursor.take(&parts, now, before, &mut feed, lost) {
                    file::Went::On { behind } => behind,
                    file::Went::Again => return Ok(None),
                    file::Went::Missing => {
                        return Err(Missed::new(Miss::NotFound, tried.clone(), "there is no such file")
                            .fix("say where the log is with `log`"));
                    }
                    file::Went::Closed => {
                        return Err(
                            Missed::new(Miss::Denied, tried.clone(), "this login may not read the log")
                                .fix("let it into the group that may (adm), or set `sudo = true`"),
                        );
                    }
                }
            }
            Cursor::Journal(cursor) => {
                let said = out.stderr.trim_ascii();
                let host = answer.clock.now;
                match cursor.take(answer.body, !said.is_empty(), host, before, &mut feed, lost) {
                    journal::Went::On => 0,
                    // How much is left the journal does not tell.
                    journal::Went::Behind => 1,
                    journal::Went::Cramped => {
                        self.most = (self.most * 2).clamp(LEAST, MOST);
                        1
                    }
                    journal::Went::Failed if said.is_empty() => {
                        return Err(bad("journalctl printed what could not be understood"));
                    }
                    journal::Went::Failed => {
                        return Err(Missed::new(Miss::BadAnswer, tried.clone(), Text::from_bytes(said)));
                    }
                }
            }
            Cursor::Command(cursor) => {
                let (lines, next) = journal::command(answer.body).ok_or_else(|| {
                    bad("it did not end with a line `-- cursor: CURSOR`")
                        .fix("print it last, and no more than a few megabytes before it")
                })?;
                feed.lines(lines, None);
                *cursor = next;
                0
            }
        };
        if feed.unknown > 0 && !is_first {
            lost.push(format!("{} lines not understood", feed.unknown));
        }
        if feed.suppressed > 0 && !is_first {
            lost.push(format!("the log's own rate limit left out {} lines", feed.suppressed));
        }
        self.newest = feed.newest().or(self.newest);
        let told = Told {
            host: answer.clock.now,
            age: self.newest.map(|at| answer.clock.age(at)),
            cpu: answer.cpu,
            took: out.took,
            behind,
        };
        Ok(Some(told))
    }
}
